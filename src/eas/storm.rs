//! The storm guard: a device that repeats the same request at a pace that no phone needs is told to
//! come back later, so that its neighbours notice nothing.
//!
//! Clients that trip over an answer ask again at once, for hours; each of them costs as much as a
//! thousand others. What counts is *repetition*: the same command with the same content as one of the
//! device's last few requests. A phone that works through its mail sends another key each time, and one
//! that is woken every second sends a Sync between two Pings; a loop sends the same one or two requests
//! again and again. A bucket holds [`Settings::repeats_per_min_max`] repetitions and gets as many back
//! each minute. When it is empty the device is held for [`HOLD_S`], and nothing of it is looked at.
//!
//! Deliberately absent: requests at one time, which are [`inflight`](super::inflight)'s affair, and
//! failed log-ins.
//!
//! [`Settings::repeats_per_min_max`]: super::Settings::repeats_per_min_max

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::clock::{MonoMs, UnixMs};
use crate::eas::dispatch::Command;
use crate::http::Answer;
use crate::store::Scope;

/// Seconds that a device is held.
pub const HOLD_S: u32 = 60;
/// Different requests of a device that a new one is compared with: loops go through few.
const RECENT: usize = 4;
/// Bytes of a body that tell it from others, beside its length.
const PRINT_BYTES: usize = 4 * 1024;
/// A device that was not heard of for so long has a full bucket: it need not be kept. Phones that wait
/// are quiet for longer.
const MINUTE_MS: MonoMs = 60_000;
/// How long it is remembered that a device was held.
const HOLDS_KEPT_MS: MonoMs = 24 * 60 * MINUTE_MS;
/// Devices that a shard keeps before it looks for quiet ones; then again at twice as many as are left.
const SWEEP_AT_LEAST: usize = 32;
/// Shards; more than a machine has cores, so that two rarely want the same.
const SHARDS: usize = 64;

/// What is known of a device. Small: there is one of each that was heard of within a minute.
struct Pace {
    /// The last few different requests, and where the next one goes.
    recent: [u32; RECENT],
    next: u32,
    /// Repetitions that are left, in thousandths, at `at_ms`.
    left: u64,
    at_ms: MonoMs,
    /// It is held until then; 0: it is not.
    held_until_ms: MonoMs,
    /// How often it was held, and when last.
    holds: u32,
    held_at_ms: UnixMs,
}

#[derive(Default)]
struct Devices {
    paces: HashMap<(Scope, u64), Pace>,
    /// At so many quiet ones are looked for.
    sweep_at: usize,
}

impl Devices {
    /// Forgets devices that have been quiet, whenever there are twice as many as after the last time.
    fn sweep(&mut self, now_ms: MonoMs) {
        if self.paces.len() < self.sweep_at.max(SWEEP_AT_LEAST) {
            return;
        }
        self.paces.retain(|_, pace| {
            let kept_ms = if pace.holds > 0 {
                HOLDS_KEPT_MS
            } else {
                MINUTE_MS
            };
            now_ms.saturating_sub(pace.at_ms) < kept_ms
        });
        self.paces.shrink_to(2 * self.paces.len());
        self.sweep_at = 2 * self.paces.len();
    }
}

type Shard = Mutex<Devices>;

/// What all cores share. A cheap clone.
#[derive(Clone)]
pub struct StormGuard(Arc<Shared>);

struct Shared {
    shards: Vec<Shard>,
    hasher: RandomState,
    repeats_per_min_max: u32,
}

impl std::fmt::Debug for StormGuard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StormGuard")
    }
}

/// A device that was held.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Held {
    /// How often, since the appliance began.
    pub times: u32,
    /// When last, Unix milliseconds.
    pub last_ms: UnixMs,
    /// It is at this moment.
    pub is_held: bool,
}

/// What a request comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It is served.
    Served,
    /// It is not, until so many seconds have passed; `begins`: from now on.
    Held {
        /// Seconds.
        wait_s: u32,
        /// The device was not held before.
        begins: bool,
    },
}

impl StormGuard {
    /// Lets a device repeat itself so often in a minute; 0: as often as it likes.
    #[must_use]
    pub fn new(repeats_per_min_max: u32) -> Self {
        Self(Arc::new(Shared {
            shards: (0..SHARDS).map(|_| Shard::default()).collect(),
            hasher: RandomState::new(),
            repeats_per_min_max,
        }))
    }

    /// What becomes of a request of this device.
    #[must_use]
    pub fn admit(
        &self,
        (scope, device_id): (Scope, &str),
        (command, body): (Command, &[u8]),
        now: (MonoMs, UnixMs),
    ) -> Verdict {
        if self.0.repeats_per_min_max == 0 {
            return Verdict::Served;
        }
        let head = body.get(..PRINT_BYTES).unwrap_or(body);
        let print = self.0.hasher.hash_one((command, body.len(), head));
        // Half of it: two requests of one device that share it are four thousand millions apart.
        let print = u32::try_from(print >> 32).unwrap_or(0);
        let device = self.0.hasher.hash_one(device_id);
        let mut shard = self.shard(scope);
        shard.sweep(now.0);
        let full = u64::from(self.0.repeats_per_min_max) * 1_000;
        let pace = shard.paces.entry((scope, device)).or_insert_with(|| Pace {
            recent: [0; RECENT],
            next: 0,
            left: full,
            at_ms: now.0,
            held_until_ms: 0,
            holds: 0,
            held_at_ms: 0,
        });
        pace.see(print, full, now)
    }

    /// Whether a device was held.
    #[must_use]
    pub fn held(&self, scope: Scope, device_id: &str, now_ms: MonoMs) -> Option<Held> {
        let device = self.0.hasher.hash_one(device_id);
        let shard = self.shard(scope);
        let pace = shard
            .paces
            .get(&(scope, device))
            .filter(|pace| pace.holds > 0)?;
        Some(Held {
            times: pace.holds,
            last_ms: pace.held_at_ms,
            is_held: now_ms < pace.held_until_ms,
        })
    }

    fn shard(&self, scope: Scope) -> MutexGuard<'_, Devices> {
        let index = usize::try_from(scope.0 % SHARDS as u64).unwrap_or(0);
        #[expect(clippy::indexing_slicing, reason = "the remainder of SHARDS")]
        let shard = &self.0.shards[index];
        // Sound between any two statements.
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pace {
    fn see(&mut self, print: u32, full: u64, (now_ms, unix_ms): (MonoMs, UnixMs)) -> Verdict {
        if now_ms < self.held_until_ms {
            let wait_ms = self.held_until_ms - now_ms;
            let wait_s = u32::try_from(wait_ms.div_ceil(1_000)).unwrap_or(HOLD_S);
            let begins = false;
            return Verdict::Held { wait_s, begins };
        }
        let passed_ms = now_ms.saturating_sub(self.at_ms);
        let back = passed_ms.saturating_mul(full) / MINUTE_MS;
        self.left = self.left.saturating_add(back).min(full);
        self.at_ms = now_ms;
        if !self.recent.contains(&print) {
            let count = self.recent.len();
            if let Some(slot) = self.recent.get_mut(self.next as usize % count) {
                *slot = print;
            }
            self.next = self.next.wrapping_add(1);
            return Verdict::Served;
        }
        match self.left.checked_sub(1_000) {
            Some(left) => {
                self.left = left;
                Verdict::Served
            }
            None => {
                self.held_until_ms = now_ms + u64::from(HOLD_S) * 1_000;
                self.holds += 1;
                self.held_at_ms = unix_ms;
                Verdict::Held {
                    wait_s: HOLD_S,
                    begins: true,
                }
            }
        }
    }
}

/// Come back later. Exchange names the rule that a device has broken.
#[must_use]
pub fn answer(command: Command, wait_s: u32) -> Answer {
    let rule = match command {
        Command::Sync => "SyncCommands",
        _ => "RecentCommands",
    };
    Answer::busy(wait_s).with("X-MS-ASThrottle", rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Scope = Scope(16);

    fn served(guard: &StormGuard, body: &[u8], now_ms: MonoMs) -> bool {
        let verdict = guard.admit((S, "mad"), (Command::Sync, body), (now_ms, 7));
        verdict == Verdict::Served
    }

    #[test]
    fn a_loop_is_held_and_let_in_again() {
        let guard = StormGuard::new(10);
        let count = (0..100).filter(|n| served(&guard, b"same", n * 10)).count();
        assert_eq!(count, 11, "one, and ten repetitions");
        let held = guard.held(S, "mad", 1_000).unwrap();
        assert_eq!((held.times, held.last_ms, held.is_held), (1, 7, true));
        let verdict = guard.admit((S, "mad"), (Command::Ping, b"other"), (1_000, 7));
        assert!(matches!(
            verdict,
            Verdict::Held {
                wait_s: 60,
                begins: false
            }
        ));
        // A neighbour, and the same device of another account.
        for other in [(S, "calm"), (Scope(17), "mad")] {
            let verdict = guard.admit(other, (Command::Sync, b"same"), (1_000, 7));
            assert_eq!(verdict, Verdict::Served);
        }
        assert!(served(&guard, b"same", 62_000));
        assert!(!guard.held(S, "mad", 62_000).unwrap().is_held);
    }

    #[test]
    fn a_loop_of_several_requests_is_one() {
        let guard = StormGuard::new(10);
        let bodies = [&b"a"[..], b"b", b"c"];
        let count = (0..60).filter(|n| served(&guard, bodies[n % 3], 5)).count();
        assert_eq!(count, 13);
    }

    #[test]
    fn a_phone_that_works_is_never_held() {
        let guard = StormGuard::new(60);
        for n in 0..10_000_u64 {
            // A new key each time, as fast as it can; and a Ping twice a second for an hour.
            assert!(served(&guard, &n.to_be_bytes(), n));
        }
        let guard = StormGuard::new(60);
        for n in 0..7_200_u64 {
            let key = if n % 2 == 0 {
                &b"ping"[..]
            } else {
                &n.to_be_bytes()[..]
            };
            assert!(served(&guard, key, n * 500));
        }
        assert_eq!(guard.held(S, "mad", 0), None);
        let guard = StormGuard::new(0);
        assert!((0..1_000).all(|_| served(&guard, b"same", 5)));
    }

    #[test]
    fn quiet_devices_are_forgotten_and_those_that_were_held_are_not() {
        let guard = StormGuard::new(10);
        assert!(!(0..20).all(|_| served(&guard, b"same", 1)));
        // A new one each second: sixty are heard of within a minute.
        for n in 0..10_000 {
            let id = format!("d{n}");
            let _ = guard.admit((S, &id), (Command::Ping, b""), (n * 1_000, 7));
        }
        assert!(guard.shard(S).paces.len() < 150);
        assert_eq!(
            guard.held(S, "mad", 10_000_000).map(|held| held.times),
            Some(1)
        );
    }
}
