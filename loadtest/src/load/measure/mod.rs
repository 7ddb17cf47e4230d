//! What is measured: latencies as HDR histograms by operation and phase, counters, errors by kind, and
//! what each second looked like.
//!
//! Every thread has a [`Meter`] of its own behind a lock that nobody else takes but once a second.
//! Latencies are given in whole microseconds from the *intended* start; a histogram keeps three digits
//! of each. Deliberately absent: how the machine fares (CPU, memory), and any judgement.

mod hdr;
mod meter;
#[cfg(test)]
mod tests;

pub use hdr::encode;
pub use meter::{Meter, State};

use crate::load::run::{Latency, Phase, Second, Spectra};
use hdrhistogram::Histogram;
use roost::clock::Clock;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The digits that a histogram keeps.
const DIGITS: u8 = 3;

/// All that is measured in a run.
pub struct Meters {
    clock: Clock,
    began_us: u64,
    phase: AtomicU32,
    phases: Mutex<Vec<(String, u64)>>,
    meters: Mutex<Vec<Arc<Mutex<Meter>>>>,
    seconds: Mutex<Vec<Second>>,
    keeps_spectra: AtomicBool,
}

/// What came of it, in the terms of [`crate::load::Run`].
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Measured {
    /// How long it took, seconds.
    pub duration_s: f64,
    /// Parts of the run, in order.
    pub phases: Vec<Phase>,
    /// Latencies by operation and phase, and over all phases.
    pub latencies: Vec<Latency>,
    /// What each second looked like.
    pub seconds: Vec<Second>,
    /// Totals.
    pub counters: BTreeMap<String, u64>,
    /// Errors by kind.
    pub errors: BTreeMap<String, u64>,
    /// What the server says it is.
    pub server_software: String,
}

impl Meters {
    /// Nothing measured yet; the run begins now, with this phase.
    #[must_use]
    pub fn new(phase: &str) -> Arc<Self> {
        let clock = Clock::system();
        Arc::new(Self {
            began_us: clock.mono_us(),
            clock,
            phase: AtomicU32::new(0),
            phases: Mutex::new(vec![(phase.to_owned(), 0)]),
            meters: Mutex::default(),
            seconds: Mutex::default(),
            keeps_spectra: AtomicBool::new(false),
        })
    }

    /// The clock of the run.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Now on that clock, microseconds.
    #[must_use]
    pub fn now_us(&self) -> u64 {
        self.clock.mono_us()
    }

    /// When the run began, on that clock.
    #[must_use]
    pub fn began_us(&self) -> u64 {
        self.began_us
    }

    /// Begins the next phase.
    pub fn begin(&self, phase: &str) {
        let since_us = self.now_us() - self.began_us;
        let mut phases = lock(&self.phases);
        phases.push((phase.to_owned(), since_us));
        let index = u32::try_from(phases.len() - 1).unwrap_or(u32::MAX);
        self.phase.store(index, Ordering::SeqCst);
    }

    /// The number of the phase that it is now.
    #[must_use]
    pub fn phase(&self) -> u32 {
        self.phase.load(Ordering::Relaxed)
    }

    /// From now on each second has its histograms, too.
    pub fn keep_spectra(&self) {
        self.keeps_spectra.store(true, Ordering::Relaxed);
    }

    /// A meter for one more thread.
    #[must_use]
    pub fn meter(self: &Arc<Self>) -> Arc<Mutex<Meter>> {
        let meter = Arc::new(Mutex::new(Meter::default()));
        lock(&self.meters).push(Arc::clone(&meter));
        meter
    }

    /// Closes the second that ends now. To be called once a second; the fleet does.
    pub fn tick(&self) {
        let mut all = Second::default();
        let mut quick = histogram();
        let mut push = histogram();
        for meter in &*lock(&self.meters) {
            let mut meter = lock(meter);
            let one = meter.second(&mut quick, &mut push);
            drop(meter);
            for (state, n) in one.devices {
                *all.devices.entry(state).or_default() += n;
            }
            all.answers += one.answers;
            all.errors += one.errors;
            all.injected += one.injected;
            all.wakes += one.wakes;
            all.connections += one.connections;
            all.bytes += one.bytes;
        }
        (all.p50_us, all.p99_us) = (at(&quick, 0.5), at(&quick, 0.99));
        all.push_p99_us = at(&push, 0.99);
        if self.keeps_spectra.load(Ordering::Relaxed) {
            let text = |found: &Histogram<u64>| match found.is_empty() {
                true => String::new(),
                false => encode(found),
            };
            let (quick, push) = (text(&quick), text(&push));
            all.spectra = Some(Box::new(Spectra { quick, push }));
        }
        let mut seconds = lock(&self.seconds);
        all.at_s = u32::try_from(seconds.len()).unwrap_or(u32::MAX);
        seconds.push(all);
    }

    /// The seconds so far from this one on.
    #[must_use]
    pub fn seconds(&self, from: usize) -> Vec<Second> {
        let seconds = lock(&self.seconds);
        seconds.get(from..).unwrap_or_default().to_vec()
    }

    /// The counters so far.
    #[must_use]
    pub fn counters(&self) -> BTreeMap<String, u64> {
        let mut all = BTreeMap::new();
        for meter in &*lock(&self.meters) {
            for (name, n) in &lock(meter).counters {
                *all.entry((*name).to_owned()).or_default() += n;
            }
        }
        all
    }

    /// The errors so far.
    #[must_use]
    pub fn errors(&self) -> BTreeMap<String, u64> {
        let mut all = BTreeMap::new();
        for meter in &*lock(&self.meters) {
            for (kind, n) in &lock(meter).errors {
                *all.entry(kind.clone()).or_default() += n;
            }
        }
        all
    }

    /// Everything.
    #[must_use]
    pub fn measured(&self) -> Measured {
        let end_us = self.now_us() - self.began_us;
        let phases = lock(&self.phases).clone();
        let names: Vec<String> = phases.iter().map(|(name, _)| name.clone()).collect();
        let next = phases.iter().skip(1).map(|(_, from)| *from).chain([end_us]);
        let phases = phases
            .iter()
            .zip(next)
            .map(|((name, from_us), to_us)| Phase {
                name: name.clone(),
                from_s: seconds_of(*from_us),
                to_s: seconds_of(to_us),
            });
        Measured {
            duration_s: seconds_of(end_us),
            phases: phases.collect(),
            latencies: self.latencies(&names),
            seconds: self.seconds(0),
            counters: self.counters(),
            errors: self.errors(),
            server_software: String::new(),
        }
    }

    fn latencies(&self, phases: &[String]) -> Vec<Latency> {
        let mut merged: BTreeMap<(&'static str, Option<u32>), Histogram<u64>> = BTreeMap::new();
        for meter in &*lock(&self.meters) {
            for ((what, phase), found) in &lock(meter).latencies {
                for key in [(*what, None), (*what, Some(*phase))] {
                    // It resizes itself, so nothing is out of its range.
                    let _ = merged.entry(key).or_insert_with(histogram).add(found);
                }
            }
        }
        let name = |phase: Option<u32>| {
            let index = phase.and_then(|p| usize::try_from(p).ok());
            index
                .and_then(|i| phases.get(i))
                .cloned()
                .unwrap_or_default()
        };
        let one = |((what, phase), found): (&(&'static str, Option<u32>), &Histogram<u64>)| {
            summary(what, &name(*phase), found)
        };
        merged.iter().map(one).collect()
    }
}

/// A histogram in the terms of [`crate::load::Run`].
#[must_use]
pub fn summary(what: &str, phase: &str, found: &Histogram<u64>) -> Latency {
    Latency {
        what: what.to_owned(),
        phase: phase.to_owned(),
        count: found.len(),
        min_us: found.min(),
        p50_us: at(found, 0.5),
        p90_us: at(found, 0.9),
        p99_us: at(found, 0.99),
        p999_us: at(found, 0.999),
        max_us: found.max(),
        mean_us: found.mean(),
        histogram: encode(found),
    }
}

/// An empty histogram that grows with what is put into it.
#[must_use]
#[expect(clippy::expect_used, reason = "three digits are within its bounds")]
pub fn histogram() -> Histogram<u64> {
    Histogram::new(DIGITS).expect("three digits are allowed")
}

/// The value at a quantile; 0: there was none.
#[must_use]
pub fn at(found: &Histogram<u64>, quantile: f64) -> u64 {
    if found.is_empty() {
        return 0;
    }
    found.value_at_quantile(quantile)
}

#[expect(clippy::cast_precision_loss, reason = "runs take less than centuries")]
fn seconds_of(us: u64) -> f64 {
    us as f64 / 1e6
}

pub(super) fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}
