//! The deadlines of a core's tasks: one [`Wheel`] with the wakers of the tasks.

use std::cell::RefCell;
use std::rc::Rc;
use std::task::{Context, Waker};

use super::wheel::{NEVER, Wheel};
use crate::clock::{Clock, MonoMs};

/// The timers of one core.
pub(super) struct Timers {
    clock: Clock,
    inner: RefCell<Inner>,
}

struct Inner {
    wheel: Wheel,
    /// By the number of the wheel's entry, which is also its owner.
    wakers: Vec<Option<Waker>>,
    due: Vec<u32>,
}

/// The deadline of one task, freed when dropped.
pub(super) struct Timer {
    timers: Rc<Timers>,
    id: u32,
}

impl Timers {
    pub(super) fn new(clock: Clock, tick_ms: u64) -> Rc<Self> {
        let wheel = Wheel::new(clock.mono_ms(), tick_ms);
        Rc::new(Self {
            clock,
            inner: RefCell::new(Inner {
                wheel,
                wakers: Vec::new(),
                due: Vec::new(),
            }),
        })
    }

    pub(super) fn now_ms(&self) -> MonoMs {
        self.clock.mono_ms()
    }

    /// A timer without a deadline.
    pub(super) fn timer(self: &Rc<Self>) -> Timer {
        let mut inner = self.inner.borrow_mut();
        let next = u32::try_from(inner.wakers.len()).unwrap_or(u32::MAX);
        let id = inner.wheel.insert(next);
        if id == next {
            inner.wakers.push(None);
        } else {
            // An entry that was used before has the same owner again: itself.
            inner.wheel.own(id, id);
        }
        Timer {
            timers: Rc::clone(self),
            id,
        }
    }

    /// Wakes whatever is due. To be called every tick.
    pub(super) fn tick(&self) {
        let now = self.clock.mono_ms();
        let mut due = {
            let mut inner = self.inner.borrow_mut();
            let Inner { wheel, due, .. } = &mut *inner;
            wheel.tick(now, due);
            std::mem::take(due)
        };
        for id in due.drain(..) {
            // Not while the timers are borrowed: a waker may do anything.
            let waker = self.inner.borrow().waker(id);
            if let Some(waker) = waker {
                waker.wake();
            }
        }
        self.inner.borrow_mut().due = due;
    }

    /// Wakes every task, so that it sees that the core stops.
    pub(super) fn wake_all(&self) {
        let wakers: Vec<Waker> = self
            .inner
            .borrow()
            .wakers
            .iter()
            .flatten()
            .cloned()
            .collect();
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl Inner {
    fn waker(&self, id: u32) -> Option<Waker> {
        self.wakers.get(id as usize)?.clone()
    }
}

impl Timer {
    /// The task that is woken at the deadline, and when the core stops.
    pub(super) fn register(&self, cx: &Context<'_>) {
        if let Some(slot) = self
            .timers
            .inner
            .borrow_mut()
            .wakers
            .get_mut(self.id as usize)
        {
            match slot {
                Some(waker) if waker.will_wake(cx.waker()) => {}
                _ => *slot = Some(cx.waker().clone()),
            }
        }
    }

    /// Sets the deadline, earlier or later than before.
    pub(super) fn set(&self, deadline: MonoMs) {
        self.timers.inner.borrow_mut().wheel.set(self.id, deadline);
    }

    /// The deadline; beyond all time where there is none.
    pub(super) fn deadline(&self) -> MonoMs {
        self.timers.inner.borrow().wheel.deadline(self.id)
    }

    /// Sets the deadline so many milliseconds from now.
    pub(super) fn set_in(&self, ms: u64) {
        self.set(self.timers.now_ms().saturating_add(ms));
    }

    /// Whether the deadline has come.
    pub(super) fn is_due(&self) -> bool {
        let deadline = self.deadline();
        deadline != NEVER && deadline <= self.timers.now_ms()
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        let mut inner = self.timers.inner.borrow_mut();
        inner.wheel.remove(self.id);
        let waker = inner
            .wakers
            .get_mut(self.id as usize)
            .and_then(Option::take);
        drop(inner);
        // The last reference to the task: not while the timers are borrowed.
        drop(waker);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn a_task_is_woken_at_its_deadline_and_at_the_end() {
        let (clock, count) = (Clock::manual(0), Arc::new(Count::default()));
        let timers = Timers::new(clock.clone(), 100);
        let timer = |ms| {
            let (timer, waker) = (timers.timer(), Waker::from(Arc::clone(&count)));
            timer.register(&Context::from_waker(&waker));
            timer.set_in(ms);
            timer
        };
        let woken = || count.0.swap(0, Ordering::SeqCst);
        let first = timer(1_000);
        drop(timer(500));
        let second = timer(1_500);
        clock.advance(1_000);
        timers.tick();
        assert_eq!((woken(), first.is_due(), second.is_due()), (1, true, false));
        clock.advance(1_000);
        timers.tick();
        assert_eq!((woken(), second.is_due()), (1, true));
        timers.wake_all();
        assert_eq!(woken(), 2);
    }
}
