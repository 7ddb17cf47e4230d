//! The deadlines of a core: one ticker, a ring of slots, and one entry per connection.
//!
//! Moving a deadline later costs a store; the entry finds out when its old slot comes by. A
//! deadline is met at the first tick at or after it, never before.

use std::cell::RefCell;
use std::rc::Rc;
use std::task::{Context, Waker};

use crate::clock::{Clock, MonoMs};

/// Slots of the ring; a deadline beyond them is looked at once per turn.
const SLOTS: u64 = 4_096;
/// No slot, no deadline.
const NEVER: u64 = u64::MAX;

/// The ring of one core.
pub(super) struct Wheel {
    clock: Clock,
    tick_ms: u64,
    inner: RefCell<Inner>,
}

struct Inner {
    /// The first tick that has not been worked off.
    next: u64,
    /// Entry and the count of its uses: an entry may have been freed and taken anew meanwhile.
    slots: Vec<Vec<(u32, u32)>>,
    entries: Vec<Entry>,
    free: Vec<u32>,
}

struct Entry {
    deadline: MonoMs,
    waker: Option<Waker>,
    /// The tick in whose slot it is found, or never.
    queued: u64,
    uses: u32,
}

/// The deadline of one task, freed when dropped.
pub(super) struct Timer {
    wheel: Rc<Wheel>,
    id: u32,
}

impl Wheel {
    pub(super) fn new(clock: Clock, tick_ms: u64) -> Rc<Self> {
        let tick_ms = tick_ms.max(1);
        let next = clock.mono_ms() / tick_ms;
        Rc::new(Self {
            clock,
            tick_ms,
            inner: RefCell::new(Inner {
                next,
                slots: (0..SLOTS).map(|_| Vec::new()).collect(),
                entries: Vec::new(),
                free: Vec::new(),
            }),
        })
    }

    pub(super) fn now_ms(&self) -> MonoMs {
        self.clock.mono_ms()
    }

    /// A timer without a deadline.
    pub(super) fn timer(self: &Rc<Self>) -> Timer {
        let mut inner = self.inner.borrow_mut();
        let id = match inner.free.pop() {
            Some(id) => id,
            None => {
                inner.entries.push(Entry {
                    deadline: NEVER,
                    waker: None,
                    queued: NEVER,
                    uses: 0,
                });
                u32::try_from(inner.entries.len() - 1).unwrap_or(u32::MAX)
            }
        };
        Timer {
            wheel: Rc::clone(self),
            id,
        }
    }

    /// Wakes whatever is due. To be called every `tick_ms`; a late call works off the missed
    /// ticks.
    pub(super) fn tick(&self) {
        let now = self.clock.mono_ms();
        let last = now / self.tick_ms;
        let mut due = Vec::new();
        {
            let mut inner = self.inner.borrow_mut();
            // After a long stop one turn of the ring sees every slot.
            let first = inner.next.max(last.saturating_sub(SLOTS - 1));
            for tick in first..=last {
                inner.work_off(tick, now, self.tick_ms, &mut due);
            }
            inner.next = inner.next.max(last + 1);
        }
        due.into_iter().for_each(Waker::wake);
    }

    /// Wakes every task, so that it sees that the core stops.
    pub(super) fn wake_all(&self) {
        let wakers: Vec<Waker> = {
            let inner = self.inner.borrow();
            inner
                .entries
                .iter()
                .filter_map(|e| e.waker.clone())
                .collect()
        };
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl Inner {
    fn slot(&mut self, tick: u64) -> Option<&mut Vec<(u32, u32)>> {
        self.slots.get_mut(usize::try_from(tick % SLOTS).ok()?)
    }

    fn entry(&mut self, id: u32) -> Option<&mut Entry> {
        self.entries.get_mut(id as usize)
    }

    fn work_off(&mut self, tick: u64, now: MonoMs, tick_ms: u64, due: &mut Vec<Waker>) {
        let Some(slot) = self.slot(tick) else { return };
        for (id, uses) in std::mem::take(slot) {
            let Some(entry) = self.entry(id) else {
                continue;
            };
            // Freed, or moved to an earlier slot and found there already.
            if entry.uses != uses || entry.queued > tick {
                continue;
            }
            entry.queued = NEVER;
            if entry.deadline <= now {
                due.extend(entry.waker.clone());
            } else {
                self.queue(id, tick + 1, tick_ms);
            }
        }
    }

    /// Puts an entry into the slot of its deadline, at `earliest` or later.
    fn queue(&mut self, id: u32, earliest: u64, tick_ms: u64) {
        let Some(entry) = self.entry(id) else { return };
        if entry.deadline == NEVER {
            return;
        }
        let tick = entry
            .deadline
            .div_ceil(tick_ms)
            .clamp(earliest, earliest + SLOTS - 1);
        if tick >= entry.queued {
            return;
        }
        entry.queued = tick;
        let place = (id, entry.uses);
        if let Some(slot) = self.slot(tick) {
            slot.push(place);
        }
    }
}

impl Timer {
    /// The task that is woken at the deadline, and when the core stops.
    pub(super) fn register(&self, cx: &Context<'_>) {
        if let Some(entry) = self.wheel.inner.borrow_mut().entry(self.id) {
            match &entry.waker {
                Some(waker) if waker.will_wake(cx.waker()) => {}
                _ => entry.waker = Some(cx.waker().clone()),
            }
        }
    }

    /// Sets the deadline, earlier or later than before.
    pub(super) fn set(&self, deadline: MonoMs) {
        let mut inner = self.wheel.inner.borrow_mut();
        let earliest = inner.next;
        if let Some(entry) = inner.entry(self.id) {
            entry.deadline = deadline;
        }
        inner.queue(self.id, earliest, self.wheel.tick_ms);
    }

    /// The deadline; beyond all time where there is none.
    pub(super) fn deadline(&self) -> MonoMs {
        let mut inner = self.wheel.inner.borrow_mut();
        inner.entry(self.id).map_or(NEVER, |e| e.deadline)
    }

    /// Sets the deadline so many milliseconds from now.
    pub(super) fn set_in(&self, ms: u64) {
        self.set(self.wheel.now_ms().saturating_add(ms));
    }

    /// Whether the deadline has come.
    pub(super) fn is_due(&self) -> bool {
        self.deadline() <= self.wheel.now_ms()
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        let mut inner = self.wheel.inner.borrow_mut();
        let waker = inner.entry(self.id).and_then(|entry| {
            entry.uses = entry.uses.wrapping_add(1);
            entry.deadline = NEVER;
            entry.queued = NEVER;
            entry.waker.take()
        });
        inner.free.push(self.id);
        drop(inner);
        // The last reference to the task: not while the ring is borrowed.
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

    struct Bench {
        clock: Clock,
        wheel: Rc<Wheel>,
        count: Arc<Count>,
    }

    impl Bench {
        fn new() -> Self {
            let clock = Clock::manual(0);
            Self {
                wheel: Wheel::new(clock.clone(), 100),
                clock,
                count: Arc::default(),
            }
        }

        fn timer(&self) -> Timer {
            let timer = self.wheel.timer();
            let waker = Waker::from(Arc::clone(&self.count));
            timer.register(&Context::from_waker(&waker));
            timer
        }

        /// Lets time pass in ticks; returns the wakes in it.
        fn pass(&self, ms: i64) -> usize {
            for _ in 0..ms / 100 {
                self.clock.advance(100);
                self.wheel.tick();
            }
            self.count.0.swap(0, Ordering::SeqCst)
        }
    }

    #[test]
    fn a_deadline_is_met_once_and_not_before() {
        let bench = Bench::new();
        let timer = bench.timer();
        timer.set_in(1_050);
        assert_eq!(bench.pass(1_000), 0);
        assert!(!timer.is_due());
        assert_eq!(bench.pass(100), 1);
        assert!(timer.is_due());
        assert_eq!(bench.pass(10_000), 0);
    }

    #[test]
    fn a_deadline_moves_both_ways() {
        let bench = Bench::new();
        let timer = bench.timer();
        timer.set_in(1_000);
        bench.pass(500);
        timer.set_in(5_000);
        assert_eq!(bench.pass(4_900), 0);
        assert_eq!(bench.pass(100), 1);
        timer.set_in(60_000);
        timer.set_in(300);
        assert_eq!(bench.pass(300), 1);
        timer.set_in(200);
        assert_eq!(bench.pass(60_000), 1);
    }

    #[test]
    fn a_deadline_beyond_the_ring() {
        let bench = Bench::new();
        let timer = bench.timer();
        let beyond = 3 * 100 * i64::try_from(SLOTS).unwrap();
        timer.set_in(beyond.unsigned_abs());
        assert_eq!(bench.pass(beyond - 100), 0);
        assert_eq!(bench.pass(100), 1);
    }

    #[test]
    fn a_late_ticker_misses_nothing() {
        let bench = Bench::new();
        let timers: Vec<Timer> = (0..10).map(|_| bench.timer()).collect();
        for (i, timer) in timers.iter().enumerate() {
            timer.set_in(1_000 * i as u64);
        }
        bench.clock.advance(10_000_000);
        bench.wheel.tick();
        assert_eq!(bench.count.0.load(Ordering::SeqCst), 10);
    }

    #[test]
    fn a_freed_timer_is_silent_and_used_again() {
        let bench = Bench::new();
        let timer = bench.timer();
        timer.set_in(1_000);
        drop(timer);
        let timer = bench.timer();
        assert_eq!(bench.pass(2_000), 0);
        timer.set_in(1_000);
        assert_eq!(bench.pass(1_000), 1);
        assert_eq!(bench.wheel.inner.borrow().entries.len(), 1);
    }

    #[test]
    fn everyone_hears_of_the_end() {
        let bench = Bench::new();
        let _timers = [bench.timer(), bench.timer()];
        bench.wheel.wake_all();
        assert_eq!(bench.count.0.load(Ordering::SeqCst), 2);
    }
}
