//! What the threads of a fleet have in common.

use super::kinds::Kind;
use super::witness::{Letter, Witness};
use crate::load::measure::{Meters, lock};
use crate::load::scenario::Scenario;
use crate::load::share::Share;
use crate::load::wire::Target;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Where a run is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Stage {
    /// Devices arrive.
    Arrive,
    /// All are there; people do things.
    Run,
    /// What was due until now is done.
    End,
    /// Nobody does anything any more: the last look.
    Look,
}

/// Microseconds in which a server has to have delivered what it accepted last.
const SETTLE_US: u64 = 2_000_000;
/// Microseconds that those who are late are waited for before the last look.
const LATE_US: u64 = 60_000_000;

/// Not yet.
const NEVER: u64 = u64::MAX;

/// What the threads have in common.
pub(super) struct Shared {
    pub(super) scenario: Scenario,
    /// The part of it that is played here.
    pub(super) share: Share,
    /// Devices of this part.
    pub(super) devices: u32,
    /// The run begins when somebody says so, not with the last device.
    held: bool,
    pub(super) target: Target,
    pub(super) kinds: Vec<&'static Kind>,
    pub(super) witness: Arc<dyn Witness>,
    pub(super) meters: Arc<Meters>,
    pub(super) threads: usize,
    pub(super) seed: u64,
    /// Tells this run from all others: when it began, Unix milliseconds.
    pub(super) run: u64,
    run_us: AtomicU64,
    end_us: AtomicU64,
    deadline_us: AtomicU64,
    arrived: AtomicU32,
    gone: AtomicU32,
    /// Devices that have nothing left to do.
    acted: AtomicU32,
    /// Mass reconnects so far.
    storms: AtomicU32,
    /// When the next connection may be made.
    gate_us: AtomicU64,
    posts: Vec<Mutex<Vec<(u64, Letter)>>>,
    software: Mutex<BTreeSet<String>>,
}

impl Shared {
    pub(super) fn new(
        (scenario, share, held): (&Scenario, Share, bool),
        target: &Target,
        kinds: Vec<&'static Kind>,
        witness: Arc<dyn Witness>,
        meters: Arc<Meters>,
        threads: usize,
    ) -> Self {
        let run = meters.clock().now_ms().cast_unsigned();
        let seed = match scenario.seed {
            0 => run,
            seed => seed,
        };
        Self {
            scenario: scenario.clone(),
            share,
            devices: share.devices(scenario),
            held,
            target: target.clone(),
            kinds,
            witness,
            threads,
            seed,
            run,
            run_us: AtomicU64::new(NEVER),
            end_us: AtomicU64::new(NEVER),
            deadline_us: AtomicU64::new(NEVER),
            arrived: AtomicU32::new(0),
            gone: AtomicU32::new(0),
            acted: AtomicU32::new(0),
            storms: AtomicU32::new(0),
            gate_us: AtomicU64::new(meters.now_us()),
            meters,
            posts: (0..threads).map(|_| Mutex::default()).collect(),
            software: Mutex::default(),
        }
    }

    pub(super) fn stage(&self) -> Stage {
        if let Some(end_us) = self.ends_us() {
            let since_us = self.meters.now_us().saturating_sub(end_us);
            let all = self.acted.load(Ordering::SeqCst) >= self.devices;
            match since_us > LATE_US || all && since_us > SETTLE_US {
                true => Stage::Look,
                false => Stage::End,
            }
        } else if self.run_us.load(Ordering::SeqCst) != NEVER {
            Stage::Run
        } else {
            Stage::Arrive
        }
    }

    pub(super) fn running_since_us(&self) -> Option<u64> {
        Some(self.run_us.load(Ordering::SeqCst)).filter(|us| *us != NEVER)
    }

    /// When the end began: what was due until then is done.
    pub(super) fn ends_us(&self) -> Option<u64> {
        Some(self.end_us.load(Ordering::SeqCst)).filter(|us| *us != NEVER)
    }

    /// When even the last look is over.
    pub(super) fn deadline_us(&self) -> u64 {
        self.deadline_us.load(Ordering::SeqCst)
    }

    pub(super) fn begin_run(&self) {
        let now_us = self.meters.now_us();
        if self.stage() == Stage::Arrive
            && self
                .run_us
                .compare_exchange(NEVER, now_us, Ordering::SeqCst, Ordering::SeqCst)
                .is_ok()
        {
            self.meters.begin("run");
        }
    }

    pub(super) fn begin_end(&self, patience: Duration) {
        let now_us = self.meters.now_us();
        let patience_us = u64::try_from(patience.as_micros()).unwrap_or(NEVER);
        let deadline_us = now_us.saturating_add(patience_us);
        self.deadline_us.store(deadline_us, Ordering::SeqCst);
        self.meters.begin("end");
        self.end_us.store(now_us, Ordering::SeqCst);
    }

    pub(super) fn arrived(&self) -> u32 {
        self.arrived.load(Ordering::SeqCst)
    }

    /// Users of this part.
    pub(super) fn users(&self) -> u32 {
        self.share.users(self.scenario.users.how_many())
    }

    /// One more device is there; with the last of them the run begins, unless it is held.
    pub(super) fn arrives(&self) {
        let all = self.arrived.fetch_add(1, Ordering::SeqCst) + 1;
        if all >= self.devices && !self.held {
            self.begin_run();
        }
    }

    /// A device has nothing left to do.
    pub(super) fn has_acted(&self) {
        self.acted.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn gone(&self) -> u32 {
        self.gone.load(Ordering::SeqCst)
    }

    pub(super) fn goes(&self) {
        self.gone.fetch_add(1, Ordering::SeqCst);
    }

    /// A thread of ours panicked.
    pub(super) fn broke(&self) {
        let meter = self.meters.meter();
        lock(&meter).error("a thread of the tool broke");
    }

    pub(super) fn storms(&self) -> u32 {
        self.storms.load(Ordering::SeqCst)
    }

    /// Orders a mass reconnect when it is time; called every second.
    pub(super) fn storm_if_due(&self) {
        let Some(since_us) = self.running_since_us() else {
            return;
        };
        let run_s = self.meters.now_us().saturating_sub(since_us) / 1_000_000;
        let at_s = &self.scenario.faults.reconnect_all_at_s;
        let due = at_s.iter().filter(|s| u64::from(**s) <= run_s).count();
        let due = u32::try_from(due).unwrap_or(u32::MAX);
        self.storms.fetch_max(due, Ordering::SeqCst);
    }

    /// When a connection may be made: so many each second, in the order of the calls.
    pub(super) fn gate(&self, now_us: u64) -> u64 {
        let rate = self.scenario.arrival.connections_per_s;
        if rate <= 0.0 {
            return now_us;
        }
        let gap = Duration::from_secs_f64((1.0 / rate).min(3_600.0));
        let gap_us = u64::try_from(gap.as_micros()).unwrap_or(0);
        let mut mine_us = now_us;
        let take = |next_us: u64| {
            mine_us = next_us.max(now_us);
            Some(mine_us + gap_us)
        };
        // It never refuses.
        let _ = self
            .gate_us
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, take);
        mine_us
    }

    /// Gives a device a letter that is meant to be sent then.
    pub(super) fn post(&self, letter: Letter, meant_us: u64) {
        let place = self
            .share
            .place_of_device(letter.from_device, &self.scenario);
        let place = usize::try_from(place).unwrap_or(0);
        if let Some(posts) = self.posts.get(place % self.threads.max(1)) {
            lock(posts).push((meant_us, letter));
        }
    }

    /// The letters that devices of a thread are to send.
    pub(super) fn letters(&self, thread: usize) -> Vec<(u64, Letter)> {
        let posts = self.posts.get(thread);
        posts
            .map(|p| std::mem::take(&mut *lock(p)))
            .unwrap_or_default()
    }

    /// Notes what the server says it is.
    pub(super) fn is_software(&self, name: &str) {
        let mut software = lock(&self.software);
        if software.len() < 4 && !software.contains(name) {
            software.insert(name.to_owned());
        }
    }

    pub(super) fn software(&self) -> String {
        let software = lock(&self.software);
        software.iter().cloned().collect::<Vec<_>>().join(", ")
    }
}
