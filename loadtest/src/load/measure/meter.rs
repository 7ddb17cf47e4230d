//! What one thread measures.

use super::histogram;
use crate::load::run::Second;
use hdrhistogram::Histogram;
use std::collections::BTreeMap;

/// What a device is doing, as [`Second::devices`] counts it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum State {
    /// Not connected: it has not come yet, has vanished, sleeps between two looks, or backs off.
    #[default]
    Away,
    /// A connection is being made.
    Connecting,
    /// It asks, and the answer is due.
    Busy,
    /// Its request waits on the server.
    Parked,
    /// It gave up: refused, or the server does what a phone cannot follow.
    Broken,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Away,
        Self::Connecting,
        Self::Busy,
        Self::Parked,
        Self::Broken,
    ];

    /// Its name in a run.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Away => "away",
            Self::Connecting => "connecting",
            Self::Busy => "busy",
            Self::Parked => "parked",
            Self::Broken => "broken",
        }
    }

    fn index(self) -> usize {
        Self::ALL.iter().position(|s| *s == self).unwrap_or(0)
    }
}

/// What one thread measures.
#[derive(Default)]
pub struct Meter {
    pub(super) latencies: BTreeMap<(&'static str, u32), Histogram<u64>>,
    pub(super) counters: BTreeMap<&'static str, u64>,
    pub(super) errors: BTreeMap<String, u64>,
    devices: [u32; 5],
    quick: Option<Histogram<u64>>,
    push: Option<Histogram<u64>>,
    now: Second,
}

impl Meter {
    /// A latency of something that is measured by itself (`connect`, `handshake`).
    pub fn latency(&mut self, what: &'static str, phase: u32, us: u64) {
        let found = self.latencies.entry((what, phase));
        record(found.or_insert_with(histogram), us);
    }

    /// A latency of a command that does not wait: it counts among those of its second.
    pub fn answered(&mut self, what: &'static str, phase: u32, us: u64) {
        self.latency(what, phase, us);
        record(self.quick.get_or_insert_with(histogram), us);
    }

    /// A latency from the acknowledged change to the first byte at a device; 0: that came first.
    pub fn pushed(&mut self, phase: u32, us: u64) {
        self.latency("push", phase, us);
        // A second in which there was none has 0.
        record(self.push.get_or_insert_with(histogram), us.max(1));
    }

    /// An answer came.
    pub fn answer(&mut self) {
        self.now.answers += 1;
        self.count("answers", 1);
    }

    /// A change was injected and acknowledged.
    pub fn injected(&mut self) {
        self.now.injected += 1;
        self.count("injected", 1);
    }

    /// A waiting request was answered because of a change.
    pub fn wake(&mut self) {
        self.now.wakes += 1;
        self.count("wakes", 1);
    }

    /// A connection was made.
    pub fn connection(&mut self, resumed: bool) {
        self.now.connections += 1;
        self.count("connections", 1);
        if resumed {
            self.count("connections resumed", 1);
        }
    }

    /// Bytes went over the wire, above TLS.
    pub fn bytes(&mut self, n: u64) {
        self.now.bytes += n;
        self.count("bytes", n);
    }

    /// Counts something.
    pub fn count(&mut self, name: &'static str, n: u64) {
        *self.counters.entry(name).or_default() += n;
    }

    /// An error of this kind.
    pub fn error(&mut self, kind: &str) {
        self.now.errors += 1;
        match self.errors.get_mut(kind) {
            Some(n) => *n += 1,
            None => drop(self.errors.insert(kind.to_owned(), 1)),
        }
    }

    /// A device came into this state; from another one, unless it is new.
    pub fn moved(&mut self, from: Option<State>, to: Option<State>) {
        if let Some(n) = from.and_then(|s| self.devices.get_mut(s.index())) {
            *n = n.saturating_sub(1);
        }
        if let Some(n) = to.and_then(|s| self.devices.get_mut(s.index())) {
            *n += 1;
        }
    }

    /// Closes a second: what it looked like, and its latencies into these.
    pub(super) fn second(
        &mut self,
        quick: &mut Histogram<u64>,
        push: &mut Histogram<u64>,
    ) -> Second {
        for (from, to) in [(&mut self.quick, quick), (&mut self.push, push)] {
            if let Some(found) = from.as_mut().filter(|found| !found.is_empty()) {
                // It resizes itself, so nothing is out of its range.
                let _ = to.add(&*found);
                found.clear();
            }
        }
        let mut second = std::mem::take(&mut self.now);
        let named = State::ALL.iter().zip(self.devices);
        second.devices = named.map(|(s, n)| (s.name().to_owned(), n)).collect();
        second
    }
}

fn record(found: &mut Histogram<u64>, us: u64) {
    // It grows with what is put into it, so nothing is out of its range.
    let _ = found.record(us);
}
