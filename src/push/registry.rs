//! Who watches what: shards by scope, and in each the watches of a scope.

use super::watcher::{Ended, Entry, Watcher};
use crate::store::{Hint, Scope, Wake};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Shards of the registry; more than a machine has cores, so that two rarely want the same.
const SHARDS: u64 = 64;

/// What a parked request waits for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Watch {
    /// The account.
    pub scope: Scope,
    /// The device that waits: its own changes do not wake it, and its newer request ends this one.
    pub device: u32,
    /// The folders.
    pub folders: Box<[u32]>,
    /// Wake when the folder hierarchy changes, too.
    pub hierarchy: bool,
}

/// Names a registration.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Slot {
    scope: Scope,
    device: u32,
    number: u64,
}

#[derive(Debug)]
struct Registered {
    watch: Watch,
    number: u64,
    entry: Arc<Entry>,
}

type Shard = Mutex<HashMap<Scope, Vec<Registered>>>;

#[derive(Debug)]
struct Shared {
    shards: Vec<Shard>,
    next: AtomicU64,
}

/// All parked requests of the process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Registry(Arc<Shared>);

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}

impl Registry {
    /// An empty registry.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Shared {
            shards: (0..SHARDS).map(|_| Shard::default()).collect(),
            next: AtomicU64::new(1),
        }))
    }

    /// Registers a watch; an older one of the same device is over.
    ///
    /// IMPORTANT: call it before reading the heads that the request compares with.
    #[must_use]
    pub fn watch(&self, watch: Watch) -> Watcher {
        let entry = Arc::new(Entry::default());
        let slot = Slot {
            scope: watch.scope,
            device: watch.device,
            number: self.0.next.fetch_add(1, Ordering::Relaxed),
        };
        let older = self.locked(watch.scope).map(|mut shard| {
            let watches = shard.entry(watch.scope).or_default();
            let older = take_device(watches, watch.device);
            watches.push(Registered {
                watch,
                number: slot.number,
                entry: Arc::clone(&entry),
            });
            older
        });
        end(older.unwrap_or_default());
        Watcher {
            registry: self.clone(),
            slot,
            entry,
        }
    }

    /// Ends the watch of a device whose newer request does not wait itself.
    pub fn supersede(&self, scope: Scope, device: u32) {
        let older = self.locked(scope).map(|mut shard| {
            shard
                .get_mut(&scope)
                .map(|watches| take_device(watches, device))
                .unwrap_or_default()
        });
        end(older.unwrap_or_default());
    }

    /// Marks the watches that a wake concerns; all of them after a gap. Returns how many.
    pub fn wake(&self, wake: &Wake) -> usize {
        match wake {
            Wake::Moved { scope, hints, .. } => self.moved(*scope, hints),
            Wake::Gap => self.wake_all(),
        }
    }

    fn moved(&self, scope: Scope, hints: &[Hint]) -> usize {
        let concerned: Vec<Arc<Entry>> = self
            .locked(scope)
            .and_then(|shard| {
                let watches = shard.get(&scope)?;
                let concerned = watches.iter().filter(|w| concerns(&w.watch, hints));
                Some(concerned.map(|w| Arc::clone(&w.entry)).collect())
            })
            .unwrap_or_default();
        // The wakers run outside the lock: they may poll, and so register, at once.
        for entry in &concerned {
            entry.mark(Ended::Woken);
        }
        concerned.len()
    }

    /// Marks everything: after wakes were lost, everyone has to read again. Returns how many.
    pub fn wake_all(&self) -> usize {
        let mut count = 0;
        for shard in &self.0.shards {
            let all: Vec<Arc<Entry>> = lock(shard)
                .values()
                .flatten()
                .map(|w| Arc::clone(&w.entry))
                .collect();
            count += all.len();
            for entry in all {
                entry.mark(Ended::Woken);
            }
        }
        count
    }

    /// How many requests are parked.
    #[must_use]
    pub fn len(&self) -> usize {
        let count = |s: &Shard| lock(s).values().map(Vec::len).sum::<usize>();
        self.0.shards.iter().map(count).sum()
    }

    /// Nothing is parked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn unregister(&self, slot: Slot) {
        if let Some(mut shard) = self.locked(slot.scope)
            && let Some(watches) = shard.get_mut(&slot.scope)
        {
            watches.retain(|w| w.number != slot.number);
            if watches.is_empty() {
                shard.remove(&slot.scope);
            }
        }
    }

    fn locked(&self, scope: Scope) -> Option<MutexGuard<'_, HashMap<Scope, Vec<Registered>>>> {
        let index = usize::try_from(scope.0 % SHARDS).ok()?;
        self.0.shards.get(index).map(lock)
    }
}

fn lock(shard: &Shard) -> MutexGuard<'_, HashMap<Scope, Vec<Registered>>> {
    // The map is consistent between any two statements, so a panic elsewhere does not spoil it.
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

fn take_device(watches: &mut Vec<Registered>, device: u32) -> Vec<Registered> {
    watches
        .extract_if(.., |w| w.watch.device == device)
        .collect()
}

fn end(older: Vec<Registered>) {
    for w in older {
        w.entry.mark(Ended::Superseded);
    }
}

fn concerns(watch: &Watch, hints: &[Hint]) -> bool {
    hints.iter().any(|hint| {
        let by_others = hint.device == 0 || hint.device != watch.device;
        let watched = match hint.folder {
            0 => watch.hierarchy,
            folder => watch.folders.contains(&folder),
        };
        by_others && watched
    })
}
