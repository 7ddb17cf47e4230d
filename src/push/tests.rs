//! Watchers, and what wakes them.

use super::*;
use crate::store::{Hint, Scope, Wake};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

const ALICE: Scope = Scope(16);

fn watch(device: u32, folders: &[u32]) -> Watch {
    Watch {
        scope: ALICE,
        device,
        folders: folders.into(),
        hierarchy: true,
    }
}

fn wake(folder: u32, device: u32) -> Wake {
    Wake::Moved {
        scope: ALICE,
        seq: 1,
        hints: [Hint { folder, device }].into(),
    }
}

#[test]
fn a_change_wakes_those_who_watch_its_folder() {
    let registry = Registry::new();
    let inbox = registry.watch(watch(1, &[2]));
    let calendar = registry.watch(watch(2, &[8]));
    assert_eq!(registry.wake(&wake(2, 0)), 1);
    assert_eq!(inbox.ended(), Some(Ended::Woken));
    assert_eq!(calendar.ended(), None);
}

#[test]
fn the_hierarchy_is_watched_only_where_asked_for() {
    let registry = Registry::new();
    let with = registry.watch(watch(1, &[2]));
    let without = registry.watch(Watch {
        hierarchy: false,
        ..watch(2, &[2])
    });
    registry.wake(&wake(0, 9));
    assert_eq!(with.ended(), Some(Ended::Woken));
    assert_eq!(without.ended(), None);
}

#[test]
fn own_changes_and_other_accounts_do_not_wake() {
    let registry = Registry::new();
    let w = registry.watch(watch(1, &[2]));
    registry.wake(&wake(2, 1));
    registry.wake(&Wake::Moved {
        scope: Scope(17),
        seq: 1,
        hints: [Hint {
            folder: 2,
            device: 0,
        }]
        .into(),
    });
    assert_eq!(w.ended(), None);
}

#[test]
fn a_newer_request_of_the_device_ends_the_older() {
    let registry = Registry::new();
    let older = registry.watch(watch(1, &[2]));
    let other = registry.watch(watch(2, &[2]));
    let newer = registry.watch(watch(1, &[2]));
    assert_eq!(older.ended(), Some(Ended::Superseded));
    assert_eq!((other.ended(), newer.ended()), (None, None));
    // The older one's drop must not unregister the newer.
    drop(older);
    registry.wake(&wake(2, 0));
    assert_eq!(newer.ended(), Some(Ended::Woken));
    registry.supersede(ALICE, 1);
    assert_eq!(newer.ended(), Some(Ended::Superseded));
    assert_eq!(other.ended(), Some(Ended::Woken));
}

#[test]
fn a_rearmed_watcher_waits_again_but_not_a_superseded_one() {
    let registry = Registry::new();
    let w = registry.watch(watch(1, &[2]));
    registry.wake(&wake(2, 0));
    w.rearm();
    assert_eq!(w.ended(), None);
    assert_eq!(registry.wake(&Wake::Gap), 1);
    assert_eq!(w.ended(), Some(Ended::Woken));
    registry.supersede(ALICE, 1);
    w.rearm();
    assert_eq!(w.ended(), Some(Ended::Superseded));
}

#[test]
fn dropping_unregisters() {
    let registry = Registry::new();
    let w = registry.watch(watch(1, &[2]));
    assert_eq!(registry.len(), 1);
    drop(w);
    assert!(registry.is_empty());
    assert_eq!(registry.wake(&wake(2, 0)), 0);
}

struct Counter(AtomicUsize);

impl std::task::Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn the_poller_is_woken_once_per_mark() {
    let counter = Arc::new(Counter(AtomicUsize::new(0)));
    let waker = Arc::clone(&counter).into();
    let cx = Context::from_waker(&waker);
    let registry = Registry::new();
    let w = registry.watch(watch(1, &[2]));
    assert_eq!(w.poll_ended(&cx), Poll::Pending);
    registry.wake(&wake(2, 0));
    registry.wake(&wake(2, 0));
    assert_eq!(counter.0.load(Ordering::SeqCst), 1);
    assert_eq!(w.poll_ended(&cx), Poll::Ready(Ended::Woken));
}
