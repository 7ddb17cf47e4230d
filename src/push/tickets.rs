//! Which waiting request of each device is the newest one.

use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustc_hash::FxHashMap;

use crate::store::Scope;

/// Shards; more than a machine has cores, so that two rarely want the same.
const SHARDS: u64 = 64;

/// Both numbers are handed out by the server: no peer can choose ones that collide.
type ByDevice = FxHashMap<(Scope, u32), u64>;
type Shard = Mutex<ByDevice>;

/// The tickets of all devices of which something waits.
pub(super) struct Tickets {
    shards: Vec<Shard>,
    next: AtomicU64,
}

impl Default for Tickets {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Shard::default()).collect(),
            next: AtomicU64::new(1),
        }
    }
}

impl Tickets {
    /// A new ticket for the device, and the one that is over with it.
    pub(super) fn take(&self, scope: Scope, device: u32) -> (u64, Option<u64>) {
        let ticket = self.next.fetch_add(1, Ordering::Relaxed);
        let older = self.shard(scope).insert((scope, device), ticket);
        (ticket, older)
    }

    /// Nothing of the device waits any more; the ticket that is over.
    pub(super) fn clear(&self, scope: Scope, device: u32) -> Option<u64> {
        self.shard(scope).remove(&(scope, device))
    }

    /// Gives a ticket back; says whether it was not taken over before.
    pub(super) fn give_back(&self, scope: Scope, device: u32, ticket: u64) -> bool {
        match self.shard(scope).entry((scope, device)) {
            Entry::Occupied(newest) if *newest.get() == ticket => {
                newest.remove();
                true
            }
            _ => false,
        }
    }

    /// Whether this ticket is the newest of the device.
    pub(super) fn holds(&self, scope: Scope, device: u32, ticket: u64) -> bool {
        self.shard(scope).get(&(scope, device)) == Some(&ticket)
    }

    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|s| lock(s).len()).sum()
    }

    fn shard(&self, scope: Scope) -> MutexGuard<'_, ByDevice> {
        let index = usize::try_from(scope.0 % SHARDS).unwrap_or(0);
        #[expect(clippy::indexing_slicing, reason = "the remainder of SHARDS")]
        lock(&self.shards[index])
    }
}

fn lock(shard: &Shard) -> MutexGuard<'_, ByDevice> {
    // The map is sound between any two statements, so a panic elsewhere does not spoil it.
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}
