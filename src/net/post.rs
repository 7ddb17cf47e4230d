//! Messages between threads and cores: signals for those who wait, connections that move.
//!
//! Each core has a box and a bell. Whoever puts something into the box rings, and only the first
//! ring since the core last looked costs anything: the wake of a core that sleeps. An account
//! belongs to the core of its number, so all signals of a group of commits go out as one message
//! for each core that they concern.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use crate::limits;

/// Something to tell the parked requests of an account.
pub trait Signal: Send + 'static {
    /// Whose it is; `None`: everybody's.
    fn account(&self) -> Option<u64>;

    /// When what it tells of became durable, in microseconds of the monotonic clock; `None`: it
    /// tells of nothing that was stored.
    fn durable_us(&self) -> Option<u64>;

    /// The signal that says that others were lost.
    fn gap() -> Self;
}

/// Nobody is told anything.
impl Signal for () {
    fn account(&self) -> Option<u64> {
        None
    }

    fn durable_us(&self) -> Option<u64> {
        None
    }

    fn gap() -> Self {}
}

/// Brings signals to the cores that their accounts belong to. A cheap clone; made before the cores
/// are, and handed to [`start`](super::start).
pub struct Switch<S>(Arc<[Line<S>]>);

impl<S> Clone for Switch<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

struct Line<S> {
    signals: Mutex<Queue<S>>,
    bell: Bell,
}

struct Queue<S> {
    signals: Vec<S>,
    /// More came than there was room for.
    gap: bool,
}

impl<S: Signal> Switch<S> {
    /// For so many cores; at least one.
    #[must_use]
    pub fn new(cores: usize) -> Self {
        let line = |_| Line {
            signals: Mutex::new(Queue {
                signals: Vec::new(),
                gap: false,
            }),
            bell: Bell::default(),
        };
        Self((0..cores.max(1)).map(line).collect())
    }

    /// How many cores there are.
    #[must_use]
    pub fn cores(&self) -> usize {
        self.0.len()
    }

    /// The core that an account belongs to.
    #[must_use]
    pub fn core_of(&self, account: u64) -> usize {
        usize::try_from(account % self.0.len() as u64).unwrap_or(0)
    }

    /// Brings these: each core's in one message and in their order; what is everybody's to all.
    pub fn send(&self, signals: impl Iterator<Item = S>) {
        let mut by_core: Vec<Vec<S>> = Vec::new();
        by_core.resize_with(self.0.len(), Vec::new);
        for signal in signals {
            match signal.account() {
                Some(account) => {
                    if let Some(core) = by_core.get_mut(self.core_of(account)) {
                        core.push(signal);
                    }
                }
                None => by_core.iter_mut().for_each(|core| core.push(S::gap())),
            }
        }
        for (line, signals) in self.0.iter().zip(by_core) {
            if !signals.is_empty() {
                line.put(signals);
            }
        }
    }

    /// Takes what has come for a core, behind `into`.
    pub(super) fn take(&self, core: usize, into: &mut Vec<S>) {
        if let Some(line) = self.0.get(core) {
            let mut queue = lock(&line.signals);
            into.append(&mut queue.signals);
            if std::mem::take(&mut queue.gap) {
                into.push(S::gap());
            }
        }
    }

    /// The bell of a core.
    pub(super) fn bell(&self, core: usize) -> Option<&Bell> {
        self.0.get(core).map(|line| &line.bell)
    }
}

impl<S> Line<S> {
    fn put(&self, mut signals: Vec<S>) {
        {
            let mut queue = lock(&self.signals);
            if queue.signals.len() + signals.len() > limits::WAKE_QUEUE_MAX {
                queue.gap = true;
            } else if queue.signals.is_empty() {
                queue.signals = signals;
            } else {
                queue.signals.append(&mut signals);
            }
        }
        self.bell.ring();
    }
}

/// Wakes a core at the first ring since it last looked.
#[derive(Default)]
pub(super) struct Bell {
    rung: AtomicBool,
    keeper: Mutex<Option<Waker>>,
}

impl Bell {
    /// Call it after something was put into the box.
    pub(super) fn ring(&self) {
        if self.rung.swap(true, Ordering::SeqCst) {
            return;
        }
        let keeper = lock(&self.keeper).clone();
        if let Some(keeper) = keeper {
            keeper.wake();
        }
    }

    /// The core is about to look into the box, and will be woken by what comes from here on.
    pub(super) fn listen(&self, waker: &Waker) {
        {
            let mut keeper = lock(&self.keeper);
            match keeper.as_mut() {
                Some(kept) => kept.clone_from(waker),
                None => *keeper = Some(waker.clone()),
            }
        }
        self.rung.store(false, Ordering::SeqCst);
    }

    /// Nobody looks any more.
    pub(super) fn close(&self) {
        *lock(&self.keeper) = None;
    }
}

/// Boxes for things that move to a core.
pub(super) struct Boxes<T>(Vec<Mutex<Vec<T>>>);

impl<T> Boxes<T> {
    pub(super) fn new(cores: usize) -> Self {
        Self((0..cores).map(|_| Mutex::default()).collect())
    }

    /// Puts one thing into a core's box; ring its bell then.
    pub(super) fn put(&self, core: usize, thing: T) {
        if let Some(slot) = self.0.get(core) {
            lock(slot).push(thing);
        }
    }

    /// Takes what has come for a core, behind `into`.
    pub(super) fn take(&self, core: usize, into: &mut Vec<T>) {
        if let Some(slot) = self.0.get(core) {
            into.append(&mut lock(slot));
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Queues and wakers are sound between any two statements.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    #[derive(PartialEq, Eq, Debug)]
    struct Note(Option<u64>);

    impl Signal for Note {
        fn account(&self) -> Option<u64> {
            self.0
        }

        fn durable_us(&self) -> Option<u64> {
            None
        }

        fn gap() -> Self {
            Self(None)
        }
    }

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn taken(switch: &Switch<Note>, core: usize) -> Vec<Option<u64>> {
        let mut notes = Vec::new();
        switch.take(core, &mut notes);
        notes.into_iter().map(|note| note.0).collect()
    }

    #[test]
    fn each_core_gets_its_accounts_in_order_and_what_is_everybodys() {
        let switch = Switch::new(2);
        switch.send(
            [Some(16), Some(17), Some(18), None, Some(16)]
                .map(Note)
                .into_iter(),
        );
        assert_eq!(taken(&switch, 0), [Some(16), Some(18), None, Some(16)]);
        assert_eq!(taken(&switch, 1), [Some(17), None]);
        assert_eq!(taken(&switch, 0), []);
    }

    #[test]
    fn a_core_is_woken_once_until_it_looks() {
        let (switch, count) = (Switch::new(1), Arc::new(Count::default()));
        let waker = Waker::from(Arc::clone(&count));
        let bell = switch.bell(0).unwrap();
        bell.listen(&waker);
        (0..5).for_each(|_| switch.send(std::iter::once(Note(Some(1)))));
        assert_eq!(count.0.load(Ordering::SeqCst), 1);
        bell.listen(&waker);
        assert_eq!(taken(&switch, 0).len(), 5);
        switch.send(std::iter::once(Note(Some(1))));
        assert_eq!(count.0.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn what_finds_no_room_becomes_a_gap_behind_the_rest() {
        let switch = Switch::new(1);
        let many = limits::WAKE_QUEUE_MAX as u64;
        switch.send((0..many).map(|n| Note(Some(n))));
        switch.send(std::iter::once(Note(Some(7))));
        let notes = taken(&switch, 0);
        assert_eq!((notes.len() as u64, notes.last()), (many + 1, Some(&None)));
        switch.send(std::iter::once(Note(Some(7))));
        assert_eq!(taken(&switch, 0), [Some(7)]);
    }
}
