//! Parked requests, and the hints that wake them.
//!
//! A handler that may have to wait takes a [`Watcher`] **before** it reads the heads of the folders,
//! so that no commit can fall between the two. The request is then parked on the one core that its
//! account belongs to, wherever it came in. Three things keep that free of locks, lost wakes and
//! messages that nobody needs:
//!
//! - **Epochs.** A table of counters, by hash of the account. A durable commit counts its account's
//!   up *before* the wake goes out ([`Push::heard`]); a watcher remembers the count from before its
//!   reading. The core puts a request among those that wakes find, and *then* compares
//!   ([`Watcher::is_current`]): a commit before that shows in the count, a later one finds the
//!   request. Another account of the same counter costs one look too many, never one too few.
//! - **Tickets.** The newest waiting request of each device holds its ticket. A newer Ping or Sync
//!   takes it over, on any core, and sends the older one's core a [`Signal::End`]; should that
//!   overtake the older request on its way there, the ticket tells as well.
//! - **Signals.** What a core is told about an account: all of one group commit in one message.
//!
//! Deliberately absent: what changed. A signal is a hint that may be dropped (then [`Signal::Gap`]
//! follows), repeated or late; whoever is woken by one reads the change log. Absent also: sockets,
//! cores and deadlines.

mod signal;
mod tickets;
mod watcher;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::Clock;
use crate::store::{Scope, Wake};

pub use signal::{Carrier, Signal};
use tickets::Tickets;
pub use watcher::Watcher;

#[cfg(test)]
mod tests;

/// Counters of commits: an account has the one of its hash. 512 KiB, so that among ten thousand
/// accounts that change all the time few share one.
const EPOCHS: usize = 64 * 1024;

/// What all cores and the committer share. A cheap clone.
#[derive(Clone)]
pub struct Push(Arc<Shared>);

struct Shared {
    epochs: Box<[AtomicU64]>,
    tickets: Tickets,
    carrier: Box<dyn Carrier>,
    clock: Clock,
}

impl std::fmt::Debug for Push {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Push")
    }
}

impl Push {
    /// Signals go out through `carrier`; `clock` stamps them.
    #[must_use]
    pub fn new(carrier: impl Carrier + 'static, clock: Clock) -> Self {
        Self(Arc::new(Shared {
            epochs: (0..EPOCHS).map(|_| AtomicU64::new(0)).collect(),
            tickets: Tickets::default(),
            carrier: Box::new(carrier),
            clock,
        }))
    }

    /// Takes the device's ticket for a request that may wait; an older one of the device is over.
    ///
    /// IMPORTANT: call it before reading the heads that the request compares with.
    #[must_use]
    pub fn watch(&self, scope: Scope, device: u32) -> Watcher {
        let (ticket, older) = self.0.tickets.take(scope, device);
        self.end(scope, device, older);
        Watcher {
            push: self.clone(),
            scope,
            device,
            ticket,
            epoch: self.epoch(scope),
        }
    }

    /// Ends what waits for this device: a request that cannot wait is newer.
    pub fn supersede(&self, scope: Scope, device: u32) {
        let older = self.0.tickets.clear(scope, device);
        self.end(scope, device, older);
    }

    /// What became durable just now. Counts first, then tells: see above.
    pub fn heard(&self, wakes: &[Wake]) {
        let durable_us = self.0.clock.mono_us();
        for wake in wakes {
            match wake {
                Wake::Moved { scope, .. } => self.count(*scope),
                Wake::Gap => self.count_all(),
            }
        }
        let signals = wakes.iter().map(|wake| Signal::of(wake, durable_us));
        self.0.carrier.carry(&mut signals.into_iter());
    }

    /// How many requests wait, or are about to.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.tickets.len()
    }

    /// Nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn end(&self, scope: Scope, device: u32, older: Option<u64>) {
        if let Some(ticket) = older {
            let end = Signal::End {
                scope,
                device,
                ticket,
            };
            self.0.carrier.carry(&mut std::iter::once(end));
        }
    }

    fn slot(&self, scope: Scope) -> Option<&AtomicU64> {
        // Scopes are handed out one after the other: the low bits spread them evenly.
        let index = usize::try_from(scope.0 % EPOCHS as u64).ok()?;
        self.0.epochs.get(index)
    }

    /// SeqCst: the order of this look and of the reading or parking around it is the whole point.
    fn epoch(&self, scope: Scope) -> u64 {
        self.slot(scope).map_or(0, |e| e.load(Ordering::SeqCst))
    }

    fn count(&self, scope: Scope) {
        if let Some(epoch) = self.slot(scope) {
            epoch.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn count_all(&self) {
        for epoch in &self.0.epochs {
            epoch.fetch_add(1, Ordering::SeqCst);
        }
    }
}
