//! One registered watch: its state word, and who to wake.

use super::registry::{Registry, Slot};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

const WAITING: u8 = 0;
const WOKEN: u8 = 1;
const SUPERSEDED: u8 = 2;

/// Why a watch is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// Something that it watches may have changed: read again.
    Woken,
    /// A newer request of the same device took its place: answer as if the time had run out.
    Superseded,
}

/// The part of a watch that both the registry and the watcher hold.
#[derive(Debug, Default)]
pub(super) struct Entry {
    state: AtomicU8,
    waker: Mutex<Option<Waker>>,
}

impl Entry {
    /// Marks the entry and wakes its poller. Superseded is final; woken is reset by the poller.
    pub(super) fn mark(&self, why: Ended) {
        match why {
            Ended::Superseded => self.state.store(SUPERSEDED, Ordering::Release),
            Ended::Woken => {
                let marked = self.state.compare_exchange(
                    WAITING,
                    WOKEN,
                    Ordering::AcqRel,
                    Ordering::Acquire,
                );
                if marked.is_err() {
                    return;
                }
            }
        }
        let waker = self
            .waker
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn ended(&self) -> Option<Ended> {
        match self.state.load(Ordering::Acquire) {
            WOKEN => Some(Ended::Woken),
            SUPERSEDED => Some(Ended::Superseded),
            _ => None,
        }
    }
}

/// A registered watch. Dropping it unregisters.
#[derive(Debug)]
pub struct Watcher {
    pub(super) registry: Registry,
    pub(super) slot: Slot,
    pub(super) entry: Arc<Entry>,
}

impl Watcher {
    /// Why it is over, if it is.
    #[must_use]
    pub fn ended(&self) -> Option<Ended> {
        self.entry.ended()
    }

    /// Ready once it is over; else wakes the task of `cx` when it will be.
    pub fn poll_ended(&self, cx: &Context<'_>) -> Poll<Ended> {
        if let Some(why) = self.entry.ended() {
            return Poll::Ready(why);
        }
        let mut slot = self
            .entry
            .waker
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match slot.as_mut() {
            Some(waker) => waker.clone_from(cx.waker()),
            None => *slot = Some(cx.waker().clone()),
        }
        drop(slot);
        // IMPORTANT: look again. A mark between the first look and the lock found no waker.
        self.entry.ended().map_or(Poll::Pending, Poll::Ready)
    }

    /// Waits on after a wake that turned out to concern others. Call it **before** reading again:
    /// what comes during the reading then marks it anew. A superseded watcher stays so.
    pub fn rearm(&self) {
        let _ =
            self.entry
                .state
                .compare_exchange(WOKEN, WAITING, Ordering::AcqRel, Ordering::Acquire);
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.registry.unregister(self.slot);
    }
}
