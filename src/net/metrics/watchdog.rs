//! Watches that no core is away from its ring for long: nothing that blocks belongs on a core. It is
//! the one thread that runs when nothing happens, so it sees to unused memory as well.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::Gauge;
use crate::clock::Clock;
use crate::net::memory;

/// How often it looks.
const PERIOD: Duration = Duration::from_millis(250);
/// A core that is away for longer is reported, once each time.
const STALL_US: u64 = 1_000_000;

/// The thread that watches; it ends when this is dropped.
pub(in crate::net) struct Watchdog {
    _end: flume::Sender<()>,
}

impl Watchdog {
    pub(in crate::net) fn start(cores: Vec<Arc<Gauge>>, clock: Clock) -> std::io::Result<Self> {
        let (end, ended) = flume::bounded::<()>(0);
        let mut reported = vec![u64::MAX; cores.len()];
        let watch = move || {
            while let Err(flume::RecvTimeoutError::Timeout) = ended.recv_timeout(PERIOD) {
                memory::give_back_overdue();
                let now_us = clock.mono_us();
                for (n, (core, reported)) in cores.iter().zip(&mut reported).enumerate() {
                    look(n, core, now_us, reported);
                }
            }
        };
        thread::Builder::new()
            .name("watchdog".into())
            .spawn(watch)?;
        Ok(Self { _end: end })
    }
}

fn look(core_number: usize, core: &Gauge, now_us: u64, reported: &mut u64) {
    let Some(since) = core.busy.since_us() else {
        return;
    };
    let away_us = now_us.saturating_sub(since);
    if away_us >= STALL_US && *reported != since {
        *reported = since;
        core.counters.stalls.add();
        tracing::warn!(
            core = core_number,
            milliseconds = away_us / 1_000,
            "a core does not return to its ring: something blocks it"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stall_is_reported_once() {
        let (core, mut reported) = (Gauge::default(), u64::MAX);
        let mut stalls = |now_us| {
            look(0, &core, now_us, &mut reported);
            core.counters.snapshot().stalls
        };
        assert_eq!(stalls(5_000_000), 0);
        core.busy.begin(0);
        assert_eq!(stalls(999_999), 0);
        assert_eq!((stalls(1_000_001), stalls(9_000_000)), (1, 1));
        core.busy.end(9_500_000, &core.times);
        assert_eq!(stalls(20_000_000), 1);
        assert_eq!(core.busy.longest_us(), 9_500_000);
        core.busy.begin(30_000_000);
        assert_eq!(stalls(32_000_000), 2);
    }
}
