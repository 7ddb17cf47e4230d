//! What wakes a waiting device besides its socket: a deadline, or a call to all.
//!
//! One timer of the runtime for each thread, and a heap of deadlines: a timer of its own would cost
//! each parked device more than its connection does.

use roost::clock::Clock;
use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// Microseconds between two looks of a thread at what others ask of it.
const LOOK_US: u64 = 50_000;

/// The deadlines of one thread.
pub struct Alarms {
    clock: Clock,
    heap: RefCell<BinaryHeap<Reverse<Entry>>>,
    sleeps_until_us: Cell<u64>,
    waker: RefCell<Option<Waker>>,
    kicked: Cell<bool>,
}

struct Entry {
    at_us: u64,
    order: u64,
    bell: Rc<Bell>,
}

/// What one device waits with.
pub struct Bell {
    alarms: Rc<Alarms>,
    /// When it is to ring; `u64::MAX`: never.
    due_us: Cell<u64>,
    /// The earliest of its entries in the heap.
    entry_us: Cell<u64>,
    rung: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

/// Why a wait ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Woken<T> {
    /// What was waited for.
    Done(T),
    /// It is too late.
    Due,
    /// Somebody rang.
    Rung,
}

impl Alarms {
    /// None yet, on this clock.
    #[must_use]
    pub fn new(clock: Clock) -> Rc<Self> {
        Rc::new(Self {
            clock,
            heap: RefCell::default(),
            sleeps_until_us: Cell::new(0),
            waker: RefCell::default(),
            kicked: Cell::new(false),
        })
    }

    /// Now, microseconds.
    #[must_use]
    pub fn now_us(&self) -> u64 {
        self.clock.mono_us()
    }

    /// A bell of this thread.
    #[must_use]
    pub fn bell(self: &Rc<Self>) -> Rc<Bell> {
        Rc::new(Bell {
            alarms: Rc::clone(self),
            due_us: Cell::new(u64::MAX),
            entry_us: Cell::new(u64::MAX),
            rung: Cell::new(false),
            waker: RefCell::default(),
        })
    }

    /// Rings bells when they are due, and calls `look` now and then, until that says that it is over.
    pub async fn keep(self: Rc<Self>, mut look: impl FnMut() -> bool) {
        let mut looks_us = 0;
        loop {
            let now_us = self.now_us();
            if now_us >= looks_us {
                if look() {
                    return;
                }
                looks_us = now_us + LOOK_US;
            }
            let until_us = self.ring_due(now_us).min(looks_us);
            self.sleeps_until_us.set(until_us);
            let sleep = Duration::from_micros(until_us.saturating_sub(self.now_us()));
            let mut sleep = pin!(monoio::time::sleep(sleep));
            poll_fn(|cx| self.poll_sleep(sleep.as_mut(), cx)).await;
            self.sleeps_until_us.set(0);
        }
    }

    fn poll_sleep(&self, sleep: Pin<&mut impl Future>, cx: &mut Context<'_>) -> Poll<()> {
        if self.kicked.replace(false) || sleep.poll(cx).is_ready() {
            return Poll::Ready(());
        }
        self.waker.replace(Some(cx.waker().clone()));
        Poll::Pending
    }

    /// Rings what is due; when the next one is.
    fn ring_due(&self, now_us: u64) -> u64 {
        loop {
            let mut heap = self.heap.borrow_mut();
            match heap.peek() {
                Some(Reverse(first)) if first.at_us <= now_us => {}
                Some(Reverse(first)) => return first.at_us,
                None => return u64::MAX,
            }
            let Some(Reverse(entry)) = heap.pop() else {
                return u64::MAX;
            };
            drop(heap);
            let bell = entry.bell;
            if bell.entry_us.get() != entry.at_us {
                continue;
            }
            bell.entry_us.set(u64::MAX);
            let due_us = bell.due_us.get();
            if due_us <= now_us {
                bell.wake();
            } else if due_us != u64::MAX {
                self.add(&bell, due_us);
            }
        }
    }

    fn add(&self, bell: &Rc<Bell>, at_us: u64) {
        bell.entry_us.set(at_us);
        let mut heap = self.heap.borrow_mut();
        let order = u64::try_from(heap.len()).unwrap_or(u64::MAX);
        heap.push(Reverse(Entry {
            at_us,
            order,
            bell: Rc::clone(bell),
        }));
        drop(heap);
        if at_us < self.sleeps_until_us.get() {
            self.kicked.set(true);
            if let Some(waker) = self.waker.take() {
                waker.wake();
            }
        }
    }
}

impl Bell {
    /// Now, microseconds.
    #[must_use]
    pub fn now_us(&self) -> u64 {
        self.alarms.now_us()
    }

    /// Wakes whoever heeds it, now or at the next wait.
    pub fn ring(&self) {
        self.rung.set(true);
        self.wake();
    }

    /// Waits for something that has to be there in time. Ringing does not end it.
    pub async fn within<T>(
        self: &Rc<Self>,
        due_us: u64,
        future: impl Future<Output = T>,
    ) -> Option<T> {
        match self.wait(due_us, false, future).await {
            Woken::Done(done) => Some(done),
            Woken::Due | Woken::Rung => None,
        }
    }

    /// Waits for something, until it is due or somebody rings.
    pub async fn idle<T>(
        self: &Rc<Self>,
        due_us: u64,
        future: impl Future<Output = T>,
    ) -> Woken<T> {
        self.wait(due_us, true, future).await
    }

    /// Waits until it is due or somebody rings; whether somebody did.
    pub async fn sleep(self: &Rc<Self>, due_us: u64) -> bool {
        self.wait(due_us, true, std::future::pending::<()>()).await == Woken::Rung
    }

    /// Waits until it is due, whoever rings.
    pub async fn pause(self: &Rc<Self>, due_us: u64) {
        self.wait(due_us, false, std::future::pending::<()>()).await;
    }

    async fn wait<T>(
        self: &Rc<Self>,
        due_us: u64,
        heed: bool,
        future: impl Future<Output = T>,
    ) -> Woken<T> {
        self.due_us.set(due_us);
        if due_us < self.entry_us.get() {
            self.alarms.add(self, due_us);
        }
        let mut future = pin!(future);
        let woken = poll_fn(|cx| {
            if let Poll::Ready(done) = future.as_mut().poll(cx) {
                return Poll::Ready(Woken::Done(done));
            }
            if heed && self.rung.replace(false) {
                return Poll::Ready(Woken::Rung);
            }
            if self.now_us() >= due_us {
                return Poll::Ready(Woken::Due);
            }
            self.waker.replace(Some(cx.waker().clone()));
            Poll::Pending
        })
        .await;
        self.due_us.set(u64::MAX);
        self.waker.replace(None);
        woken
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        (self.at_us, self.order) == (other.at_us, other.order)
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at_us, self.order).cmp(&(other.at_us, other.order))
    }
}
