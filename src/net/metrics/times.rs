//! Times of a core: how soon wakes were answered, how long requests waited, how long the core did
//! not return to its ring.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hdrhistogram::Histogram;

use super::Report;

/// A turn below this is not worth a place in the histogram.
const TURN_US_MIN: u64 = 200;

/// A histogram of two significant digits up to an hour of microseconds: at most some KiB.
pub(super) fn histogram() -> Histogram<u64> {
    Histogram::new_with_max(3_600_000_000, 2).unwrap_or_else(|_| {
        // The bounds above are fine: these are, too.
        #[expect(clippy::expect_used, reason = "two significant digits are allowed")]
        Histogram::new(2).expect("two significant digits")
    })
}

/// The histograms of a core. It writes them, alone, under a lock that hardly anybody else wants.
#[derive(Debug)]
pub(in crate::net) struct Times(Mutex<All>);

#[derive(Debug)]
struct All {
    wake_us: Histogram<u64>,
    turn_us: Histogram<u64>,
    parked_s: Histogram<u64>,
}

impl Default for Times {
    fn default() -> Self {
        Self(Mutex::new(All {
            wake_us: histogram(),
            turn_us: histogram(),
            parked_s: histogram(),
        }))
    }
}

impl Times {
    /// Answers of one turn: for each how long it had waited, in seconds, and how long ago the commit
    /// that it tells of became durable, in microseconds.
    pub(in crate::net) fn answered(&self, answers: impl Iterator<Item = (u64, Option<u64>)>) {
        let mut all = self.lock();
        for (waited_s, wake_us) in answers {
            all.parked_s.saturating_record(waited_s);
            if let Some(us) = wake_us {
                all.wake_us.saturating_record(us);
            }
        }
    }

    fn turned(&self, us: u64) {
        self.lock().turn_us.saturating_record(us);
    }

    pub(super) fn add_to(&self, report: &mut Report) {
        let all = self.lock();
        // The bounds are the same.
        let _ = report.wake_us.add(&all.wake_us);
        let _ = report.turn_us.add(&all.turn_us);
        let _ = report.parked_s.add(&all.parked_s);
    }

    fn lock(&self) -> MutexGuard<'_, All> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Since when a core has not returned to its ring.
#[derive(Debug, Default)]
pub(in crate::net) struct Busy {
    /// Microseconds of the monotonic clock, plus one; 0: it is at its ring, or about to be.
    since_us: AtomicU64,
    longest_us: AtomicU64,
}

impl Busy {
    pub(in crate::net) fn begin(&self, now_us: u64) {
        self.since_us.store(now_us + 1, Ordering::Relaxed);
    }

    pub(in crate::net) fn end(&self, now_us: u64, times: &Times) {
        let since = self.since_us.swap(0, Ordering::Relaxed);
        let us = (now_us + 1).saturating_sub(since);
        if us >= TURN_US_MIN {
            self.longest_us.fetch_max(us, Ordering::Relaxed);
            times.turned(us);
        }
    }

    /// Since when it is busy, if it is.
    pub(super) fn since_us(&self) -> Option<u64> {
        self.since_us.load(Ordering::Relaxed).checked_sub(1)
    }

    pub(super) fn longest_us(&self) -> u64 {
        self.longest_us.load(Ordering::Relaxed)
    }
}
