//! Deadlines: a ring of slots, and one entry for each. Time is passed in.
//!
//! Moving a deadline later costs a store; the entry finds out when its old slot comes by. A
//! deadline is met at the first tick at or after it, never before.

use crate::clock::MonoMs;

/// Slots of the ring; a deadline beyond them is looked at once per turn.
const SLOTS: u64 = 4_096;
/// No slot, no deadline.
pub(super) const NEVER: MonoMs = MonoMs::MAX;

/// A ring of deadlines. What an entry stands for is its owner's number.
pub(super) struct Wheel {
    tick_ms: u64,
    /// The first tick that has not been worked off.
    next: u64,
    /// Entry and the count of its uses: an entry may have been freed and taken anew meanwhile.
    slots: Vec<Vec<(u32, u32)>>,
    entries: Vec<Entry>,
    free: Vec<u32>,
}

struct Entry {
    deadline: MonoMs,
    /// The tick in whose slot it is found, or never.
    queued: u64,
    uses: u32,
    owner: u32,
}

impl Wheel {
    /// Begins at `now`; looked at every `tick_ms`.
    pub(super) fn new(now: MonoMs, tick_ms: u64) -> Self {
        let tick_ms = tick_ms.max(1);
        Self {
            tick_ms,
            next: now / tick_ms,
            slots: (0..SLOTS).map(|_| Vec::new()).collect(),
            entries: Vec::new(),
            free: Vec::new(),
        }
    }

    /// An entry without a deadline.
    pub(super) fn insert(&mut self, owner: u32) -> u32 {
        let id = self.free.pop().unwrap_or_else(|| {
            self.entries.push(Entry {
                deadline: NEVER,
                queued: NEVER,
                uses: 0,
                owner,
            });
            u32::try_from(self.entries.len() - 1).unwrap_or(u32::MAX)
        });
        self.own(id, owner);
        id
    }

    /// Gives an entry to another owner.
    pub(super) fn own(&mut self, id: u32, owner: u32) {
        if let Some(entry) = self.entry(id) {
            entry.owner = owner;
        }
    }

    /// Frees an entry.
    pub(super) fn remove(&mut self, id: u32) {
        if let Some(entry) = self.entry(id) {
            entry.uses = entry.uses.wrapping_add(1);
            entry.deadline = NEVER;
            entry.queued = NEVER;
            self.free.push(id);
        }
    }

    /// Sets a deadline, earlier or later than before.
    pub(super) fn set(&mut self, id: u32, deadline: MonoMs) {
        let earliest = self.next;
        if let Some(entry) = self.entry(id) {
            entry.deadline = deadline;
        }
        self.queue(id, earliest);
    }

    /// The deadline; beyond all time where there is none.
    pub(super) fn deadline(&self, id: u32) -> MonoMs {
        self.entries.get(id as usize).map_or(NEVER, |e| e.deadline)
    }

    /// Adds the owners of what is due to `due`. To be called every `tick_ms`; a late call works off
    /// the missed ticks.
    pub(super) fn tick(&mut self, now: MonoMs, due: &mut Vec<u32>) {
        let last = now / self.tick_ms;
        // After a long stop one turn of the ring sees every slot.
        let first = self.next.max(last.saturating_sub(SLOTS - 1));
        for tick in first..=last {
            self.work_off(tick, now, due);
        }
        self.next = self.next.max(last + 1);
    }

    fn slot(&mut self, tick: u64) -> Option<&mut Vec<(u32, u32)>> {
        self.slots.get_mut(usize::try_from(tick % SLOTS).ok()?)
    }

    fn entry(&mut self, id: u32) -> Option<&mut Entry> {
        self.entries.get_mut(id as usize)
    }

    fn work_off(&mut self, tick: u64, now: MonoMs, due: &mut Vec<u32>) {
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
                due.push(entry.owner);
            } else {
                self.queue(id, tick + 1);
            }
        }
    }

    /// Puts an entry into the slot of its deadline, at `earliest` or later.
    fn queue(&mut self, id: u32, earliest: u64) {
        let tick_ms = self.tick_ms;
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

#[cfg(test)]
mod tests {
    use super::*;

    struct Bench {
        wheel: Wheel,
        now: MonoMs,
    }

    impl Bench {
        fn new() -> Self {
            Self {
                wheel: Wheel::new(0, 100),
                now: 0,
            }
        }

        fn set_in(&mut self, id: u32, ms: u64) {
            self.wheel.set(id, self.now + ms);
        }

        /// Lets time pass in ticks; returns whose deadlines came.
        fn pass(&mut self, ms: u64) -> Vec<u32> {
            let mut due = Vec::new();
            for _ in 0..ms / 100 {
                self.now += 100;
                self.wheel.tick(self.now, &mut due);
            }
            due
        }
    }

    #[test]
    fn a_deadline_is_met_once_and_not_before() {
        let mut bench = Bench::new();
        let id = bench.wheel.insert(7);
        bench.set_in(id, 1_050);
        assert!(bench.pass(1_000).is_empty());
        assert_eq!(bench.pass(100), [7]);
        assert!(bench.pass(10_000).is_empty());
    }

    #[test]
    fn a_deadline_moves_both_ways() {
        let mut bench = Bench::new();
        let id = bench.wheel.insert(7);
        bench.set_in(id, 1_000);
        bench.pass(500);
        bench.set_in(id, 5_000);
        assert!(bench.pass(4_900).is_empty());
        assert_eq!(bench.pass(100), [7]);
        bench.set_in(id, 60_000);
        bench.set_in(id, 300);
        assert_eq!(bench.pass(300), [7]);
        bench.set_in(id, 200);
        assert_eq!(bench.pass(60_000), [7]);
    }

    #[test]
    fn a_deadline_beyond_the_ring() {
        let mut bench = Bench::new();
        let id = bench.wheel.insert(7);
        let beyond = 3 * 100 * SLOTS;
        bench.set_in(id, beyond);
        assert!(bench.pass(beyond - 100).is_empty());
        assert_eq!(bench.pass(100), [7]);
    }

    #[test]
    fn a_late_ticker_misses_nothing() {
        let mut bench = Bench::new();
        for n in 0..10 {
            let id = bench.wheel.insert(n);
            bench.set_in(id, 1_000 * u64::from(n));
        }
        let mut due = Vec::new();
        bench.wheel.tick(10_000_000, &mut due);
        due.sort_unstable();
        assert_eq!(due, (0..10).collect::<Vec<_>>());
    }

    #[test]
    fn a_freed_entry_is_silent_and_used_again() {
        let mut bench = Bench::new();
        let id = bench.wheel.insert(7);
        bench.set_in(id, 1_000);
        bench.wheel.remove(id);
        let id = bench.wheel.insert(8);
        assert!(bench.pass(2_000).is_empty());
        bench.set_in(id, 1_000);
        assert_eq!(bench.pass(1_000), [8]);
        assert_eq!(bench.wheel.entries.len(), 1);
    }
}
