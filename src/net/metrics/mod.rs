//! What the network side counts and measures: by each core for itself, merged when somebody reads.
//!
//! Counters and gauges are numbers that one core writes and anybody reads; times go into histograms
//! ([`times`]). Deliberately absent: how it is shown, and rates, which are the reader's affair.

mod counters;
mod times;
mod watchdog;

use std::sync::Arc;

pub(super) use counters::Counters;
pub use counters::{Counted, Metrics};
pub use hdrhistogram::Histogram;
pub(super) use times::{Busy, Times};
pub(super) use watchdog::Watchdog;

/// What one core counts and measures.
#[derive(Debug, Default)]
pub(super) struct Gauge {
    pub(super) counters: Counters,
    pub(super) times: Times,
    pub(super) busy: Busy,
}

/// Everything at one moment.
#[derive(Clone, Debug)]
pub struct Report {
    /// All cores together.
    pub total: Metrics,
    /// Each core.
    pub cores: Vec<Metrics>,
    /// From a durable commit to the answer handed to the kernel, in microseconds.
    pub wake_us: Histogram<u64>,
    /// How long a core did not return to its ring, in microseconds, where that was long.
    pub turn_us: Histogram<u64>,
    /// The longest of these of each core since the start.
    pub turn_us_max: Vec<u64>,
    /// How long requests had waited when they were answered, in seconds.
    pub parked_s: Histogram<u64>,
}

/// Merges what the cores have.
pub(super) fn report(cores: &[Arc<Gauge>]) -> Report {
    let each: Vec<Metrics> = cores.iter().map(|c| c.counters.snapshot()).collect();
    let mut report = Report {
        total: each.iter().fold(Metrics::default(), Metrics::plus),
        cores: each,
        wake_us: times::histogram(),
        turn_us: times::histogram(),
        turn_us_max: cores.iter().map(|c| c.busy.longest_us()).collect(),
        parked_s: times::histogram(),
    };
    for core in cores {
        core.times.add_to(&mut report);
    }
    report
}
