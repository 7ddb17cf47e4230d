//! Parked requests and what wakes them: the registry with many watchers, and the way from a commit
//! to the mark of a watcher.

use crate::must;
use crate::operation::{Operation, Run};
use crate::wait::block_on;
use roost::push::{Ended, Registry, Watch, Watcher};
use roost::store::{Batch, Committed, Hint, LogEntry, Memory, Scope, Seq, Wake, Write, keys};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};

/// Parked requests, each of an account of its own.
pub const PARKED: u32 = 10_000;
/// Wakes, registrations or commits of one run.
const STEPS: u32 = 100;
/// The request whose account gets mail where it is always the same one.
const LUCKY: u32 = 4_711;
/// The folder that changes.
const INBOX: u32 = 2;

/// Counts as a core does that is told of an entry.
#[derive(Default)]
struct Told(AtomicUsize);

impl std::task::Wake for Told {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A registry with parked requests, and whoever holds them.
struct Parked {
    registry: Registry,
    watchers: Vec<Watcher>,
    told: Arc<Told>,
    waker: Waker,
}

impl Parked {
    fn new() -> Self {
        let (registry, told) = (Registry::new(), Arc::new(Told::default()));
        let parked = Self {
            watchers: (0..PARKED).map(|n| registry.watch(watch(n))).collect(),
            registry,
            waker: Arc::clone(&told).into(),
            told,
        };
        (0..PARKED).for_each(|n| parked.park(n));
        parked
    }

    /// Waits for request `n` from now on.
    fn park(&self, n: u32) {
        if let Some(watcher) = self.watchers.get(n as usize) {
            watcher.rearm();
            let ready = watcher.poll_ended(&Context::from_waker(&self.waker));
            assert!(ready.is_pending());
        }
    }

    /// Wakes whom this concerns; returns how many wakers ran.
    fn wake(&self, wake: &Wake) -> usize {
        let before = self.told.0.load(Ordering::Relaxed);
        self.registry.wake(wake);
        self.told.0.load(Ordering::Relaxed) - before
    }

    fn is_woken(&self, n: u32) -> bool {
        let watcher = self.watchers.get(n as usize);
        watcher.and_then(Watcher::ended) == Some(Ended::Woken)
    }
}

fn scope(n: u32) -> Scope {
    Scope(Scope::FIRST_ACCOUNT.0 + u64::from(n))
}

fn watch(n: u32) -> Watch {
    Watch {
        scope: scope(n),
        device: 1,
        folders: [INBOX, 7, 8, 9].into(),
        hierarchy: true,
    }
}

fn delivered(n: u32) -> Wake {
    Wake::Moved {
        scope: scope(n),
        seq: 1,
        hints: [Hint {
            folder: INBOX,
            device: 0,
        }]
        .into(),
    }
}

/// The operations of this module.
#[must_use]
pub fn operations() -> Vec<Operation> {
    let operation = |name: &str, items, prepare: fn() -> Run| {
        Operation::new(format!("wake/{name}"), items, prepare)
    };
    vec![
        operation("commit", STEPS, commit),
        operation("commit-to-mark", STEPS, commit_to_mark),
        operation("one-of-10000", STEPS, one),
        operation("all-10000", PARKED, all),
        operation("park-again", STEPS, park_again),
        operation("register-and-drop", STEPS, register),
    ]
}

/// Wakes that concern one request each; it waits again.
fn one() -> Run {
    let parked = Parked::new();
    let wakes: Vec<_> = (0..STEPS).map(|n| (n * 97, delivered(n * 97))).collect();
    Box::new(move || {
        let mut told = 0;
        for (n, wake) in &wakes {
            told += parked.wake(wake);
            parked.park(*n);
        }
        assert_eq!(told, wakes.len());
        told
    })
}

/// One wake that concerns everyone; all wait again.
fn all() -> Run {
    let parked = Parked::new();
    Box::new(move || {
        let told = parked.wake(&Wake::Gap);
        assert_eq!(told, parked.watchers.len());
        (0..PARKED).for_each(|n| parked.park(n));
        told
    })
}

/// What of the above is the waiting again.
fn park_again() -> Run {
    let parked = Parked::new();
    Box::new(move || {
        (0..STEPS).for_each(|n| parked.park(n * 97));
        parked.watchers.len()
    })
}

/// Requests that come and go.
fn register() -> Run {
    let parked = Parked::new();
    Box::new(move || {
        for n in PARKED..PARKED + STEPS {
            drop(parked.registry.watch(watch(n)));
        }
        parked.watchers.len()
    })
}

/// Commits of one mail that is replaced again and again, so that the store stays as small as it is.
struct Deliveries {
    store: Memory,
    last: Seq,
}

impl Deliveries {
    fn new() -> Self {
        Self {
            store: Memory::new(),
            last: 0,
        }
    }

    /// A mail for the account of request [`LUCKY`].
    fn deliver(&mut self) {
        let (scope, item) = (scope(LUCKY), 1);
        let mut batch = Batch::new(scope);
        batch.writes = vec![
            Write::Put(keys::item(scope, INBOX, item), vec![7; 1_024]),
            Write::Put(keys::date(scope, INBOX, 1, item), vec![0]),
            Write::Delete(keys::change(scope, INBOX, self.last, item)),
        ];
        batch.log = vec![LogEntry {
            prefix: keys::change_prefix(scope, INBOX),
            suffix: keys::change_suffix(item),
            value: vec![0; 14],
            hint: Hint {
                folder: INBOX,
                device: 0,
            },
        }];
        let Committed { seq, .. } = must(block_on(self.store.commit(batch)));
        self.last = seq;
    }
}

fn commit() -> Run {
    let mut deliveries = Deliveries::new();
    Box::new(move || {
        (0..STEPS).for_each(|_| deliveries.deliver());
        STEPS as usize
    })
}

/// A commit, its wake taken out of the subscription, the watcher marked, and waiting again.
fn commit_to_mark() -> Run {
    let (parked, mut deliveries) = (Parked::new(), Deliveries::new());
    let wakes = deliveries.store.wakes();
    Box::new(move || {
        for _ in 0..STEPS {
            deliveries.deliver();
            parked.wake(&must(wakes.try_recv()));
            assert!(parked.is_woken(LUCKY));
            parked.park(LUCKY);
        }
        STEPS as usize
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_marks_the_one_who_waits_for_it() {
        let parked = Parked::new();
        let mut deliveries = Deliveries::new();
        let wakes = deliveries.store.wakes();
        deliveries.deliver();
        assert_eq!(parked.wake(&wakes.try_recv().unwrap()), 1);
        assert!(parked.is_woken(LUCKY) && !parked.is_woken(LUCKY + 1));
    }
}
