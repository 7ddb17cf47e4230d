//! Tickets, epochs, and the order of counting and telling.

use super::*;
use crate::store::Hint;

const ALICE: Scope = Scope(16);
const BOB: Scope = Scope(17);

fn push() -> (Push, flume::Receiver<Signal>) {
    let (tx, rx) = flume::unbounded();
    (Push::new(tx, Clock::manual(0)), rx)
}

fn moved(scope: Scope) -> Wake {
    Wake::Moved {
        scope,
        seq: 1,
        hints: [Hint {
            folder: 2,
            device: 0,
        }]
        .into(),
    }
}

#[test]
fn a_commit_after_the_look_is_noticed_and_told() {
    let (push, signals) = push();
    let mut alice = push.watch(ALICE, 1);
    let bob = push.watch(BOB, 1);
    assert!(alice.is_current());
    push.heard(&[moved(ALICE)]);
    assert!(!alice.is_current() && bob.is_current());
    assert_eq!(signals.drain().next().and_then(|s| s.scope()), Some(ALICE));
    alice.rearm();
    assert!(alice.is_current());
    push.heard(&[Wake::Gap]);
    assert!(!alice.is_current() && !bob.is_current());
}

#[test]
fn the_count_is_there_before_anybody_is_told() {
    struct Asks(Arc<std::sync::Mutex<Option<Watcher>>>);
    impl Carrier for Asks {
        fn carry(&self, signals: &mut dyn Iterator<Item = Signal>) {
            let watcher = self.0.lock().unwrap();
            for _ in signals {
                assert!(!watcher.as_ref().unwrap().is_current());
            }
        }
    }
    let slot = Arc::default();
    let push = Push::new(Asks(Arc::clone(&slot)), Clock::manual(0));
    *slot.lock().unwrap() = Some(push.watch(ALICE, 1));
    push.heard(&[moved(ALICE)]);
    // The watcher holds the carrier that holds it.
    drop(slot.lock().unwrap().take());
}

#[test]
fn a_newer_request_of_the_device_ends_the_older() {
    let (push, signals) = push();
    let older = push.watch(ALICE, 1);
    let other = push.watch(ALICE, 2);
    let newer = push.watch(ALICE, 1);
    let end = Signal::End {
        scope: ALICE,
        device: 1,
        ticket: older.ticket(),
    };
    assert_eq!(signals.drain().collect::<Vec<_>>(), [end]);
    assert!(older.is_superseded() && !older.is_current());
    assert!(newer.is_current() && other.is_current());
    // The older one's drop does not give the newer one's ticket back.
    drop(older);
    assert!(newer.is_current());
    push.supersede(ALICE, 1);
    assert!(newer.is_superseded());
    assert_eq!(signals.drain().count(), 1);
    push.supersede(ALICE, 1);
    assert!(signals.is_empty(), "there was nothing to end");
}

#[test]
fn dropping_gives_the_ticket_back() {
    let (push, _signals) = push();
    let one = push.watch(ALICE, 1);
    let two = push.watch(ALICE, 1);
    assert_eq!(push.len(), 1);
    drop(one);
    drop(two);
    assert!(push.is_empty());
}

/// The register-then-read rule under fire: a reader that parks on another thread while commits
/// come in either sees the commit in its reading, or its count, or is told.
#[test]
fn no_commit_falls_between_reading_and_parking() {
    use std::sync::Mutex;
    use std::sync::atomic::AtomicBool;
    for round in 0..2_000 {
        let told = Arc::new(AtomicBool::new(false));
        let parked = Arc::new(Mutex::new(false));
        struct Tells(Arc<Mutex<bool>>, Arc<AtomicBool>);
        impl Carrier for Tells {
            fn carry(&self, signals: &mut dyn Iterator<Item = Signal>) {
                signals.for_each(drop);
                if *self.0.lock().unwrap() {
                    self.1.store(true, Ordering::SeqCst);
                }
            }
        }
        let push = Push::new(
            Tells(Arc::clone(&parked), Arc::clone(&told)),
            Clock::manual(0),
        );
        let row = Arc::new(AtomicBool::new(false));
        let committer = {
            let (push, row) = (push.clone(), Arc::clone(&row));
            std::thread::spawn(move || {
                for _ in 0..round % 7 {
                    std::hint::spin_loop();
                }
                row.store(true, Ordering::SeqCst);
                push.heard(&[moved(ALICE)]);
            })
        };
        let watcher = push.watch(ALICE, 1);
        let read = row.load(Ordering::SeqCst);
        *parked.lock().unwrap() = true;
        let current = watcher.is_current();
        committer.join().unwrap();
        assert!(read || !current || told.load(Ordering::SeqCst), "{round}");
    }
}

#[test]
fn who_ends_learns_whether_it_was_the_newest() {
    let (push, _signals) = push();
    let older = push.watch(ALICE, 1);
    let newer = push.watch(ALICE, 1);
    assert!(!older.end());
    assert_eq!(push.len(), 1, "the newer one's ticket is its own");
    assert!(newer.end());
    assert!(push.is_empty());
}
