//! The faults that the memory engine is told to have, and how a caller gets over them.

use std::task::{Context, Poll, Waker};

use roost::store::{CommitError, Error, Fault, FaultPlan, Memory, Rates, keys};

use crate::kit::{A, batch, items, range, value, wait};

fn with(plan: FaultPlan) -> Memory {
    let store = Memory::new();
    store.inject(plan);
    store
}

#[test]
fn a_lost_answer_is_found_again_by_its_batch_id() {
    let store = with(FaultPlan::none().commit(1, Fault::AckLost));
    let key = keys::folder(A, 2);
    let once = || {
        batch(A)
            .id(1)
            .absent(key.clone())
            .put(key.clone(), b"x")
            .commit(&store)
    };
    assert_eq!(once(), Err(CommitError::Unknown));
    assert!(value(&store, &key).is_some());
    assert_eq!(once().unwrap().seq, 1);
    assert_eq!(batch(A).seq(&store), 2);
}

#[test]
fn a_lost_batch_is_applied_when_it_comes_again() {
    let store = with(FaultPlan::none().commit(1, Fault::Lost));
    let key = keys::folder(A, 2);
    let once = || {
        batch(A)
            .id(1)
            .absent(key.clone())
            .put(key.clone(), b"x")
            .commit(&store)
    };
    assert_eq!(once(), Err(CommitError::Unknown));
    assert!(value(&store, &key).is_none());
    assert_eq!(once().unwrap().seq, 1);
}

#[test]
fn a_refusal_writes_nothing_and_passes() {
    let plan = FaultPlan::none()
        .commit(1, Fault::Full)
        .commit(2, Fault::Conflict);
    let store = with(plan.blob(1, Fault::Full));
    let put = || batch(A).put(keys::folder(A, 2), b"x").commit(&store);
    assert_eq!(put(), Err(CommitError::Full));
    assert_eq!(put(), Err(CommitError::Conflict));
    assert!(store.rows().is_empty());
    assert_eq!(put().unwrap().seq, 1);
    assert_eq!(wait(store.put_blob(b"mail")), Err(Error::Full));
    assert!(wait(store.put_blob(b"mail")).is_ok());
}

#[test]
fn a_poisoned_store_takes_nothing_more_and_is_heard_of() {
    let store = with(FaultPlan::none().commit(2, Fault::Poisoned));
    let poisoned = store.poisoned();
    let put = |n| batch(A).put(keys::folder(A, n), b"x").commit(&store);
    assert!(put(1).is_ok() && poisoned.is_empty());
    assert!(matches!(put(2), Err(CommitError::Poisoned(_))));
    assert!(matches!(put(3), Err(CommitError::Poisoned(_))));
    assert!(wait(store.put_blob(b"mail")).is_err());
    assert_eq!(poisoned.len(), 1);
    assert!(value(&store, &keys::folder(A, 1)).is_some());
    assert!(value(&store, &keys::folder(A, 2)).is_none());
}

#[test]
fn a_late_commit_lets_others_go_first() {
    let store = with(FaultPlan::none().commit(1, Fault::Late(2)));
    let key = keys::folder(A, 2);
    let late = batch(A)
        .absent(key.clone())
        .put(key.clone(), b"late")
        .done();
    let mut late = Box::pin(store.commit(late));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(matches!(late.as_mut().poll(&mut cx), Poll::Pending));
    let first = batch(A).absent(key.clone()).put(key.clone(), b"first");
    assert_eq!(first.seq(&store), 1);
    assert_eq!(wait(late), Err(CommitError::Conflict));
    assert_eq!(value(&store, &key).as_deref(), Some(&b"first"[..]));
}

#[test]
fn a_crash_keeps_what_was_committed_and_ends_the_old_store() {
    let store = with(
        FaultPlan::none()
            .commit(2, Fault::AckLost)
            .commit(3, Fault::Lost),
    );
    let id = wait(store.put_blob(b"mail")).unwrap();
    for n in 1..=3 {
        let _ = batch(A).put(keys::folder(A, n), b"x").commit(&store);
    }
    let after = store.crash();
    let there = [1, 2, 3].map(|n| value(&after, &keys::folder(A, n)).is_some());
    assert_eq!(there, [true, true, false]);
    assert!(wait(after.get_blob(id, 0..4)).is_ok());
    assert_eq!(batch(A).seq(&after), 3);
    assert!(matches!(
        batch(A).commit(&store),
        Err(CommitError::Poisoned(_))
    ));
    assert!(wait(store.get_blob(id, 0..4)).is_err());
}

#[test]
fn short_ranges_are_continued() {
    let store = with(FaultPlan::none().short_ranges(2));
    (0..5)
        .fold(batch(A), |b, n| b.put(keys::item(A, 2, n), b""))
        .seq(&store);
    let mut span = keys::items(A, 2);
    let mut all = Vec::new();
    loop {
        let page = range(&store, span.read(100));
        assert!(page.rows.len() <= 2);
        all.extend(items(&page));
        let Some(last) = page.rows.last().filter(|_| page.more) else {
            break;
        };
        span = span.after(&last.key);
    }
    assert_eq!(all, [0, 1, 2, 3, 4]);
}

/// A caller that goes on until its batch is committed gets every batch in, once.
#[test]
fn a_patient_caller_gets_over_all_faults() {
    for seed in 0..20 {
        let rates = Rates {
            full: 100,
            conflict: 100,
            ack_lost: 100,
            lost: 100,
            late: 100,
        };
        let store = with(FaultPlan::random(seed, rates));
        for n in 0..100 {
            let key = keys::item(A, 2, n);
            let made = batch(A)
                .absent(key.clone())
                .put(key, b"x")
                .log(2, n, 0)
                .done();
            while wait(store.commit(made.clone())).is_err() {}
        }
        let log = items(&range(&store, keys::changes(A, 2).read(200)));
        assert!(log.into_iter().eq(0..100), "seed {seed}");
        assert!(store.commits() > 110, "faults of seed {seed} happened");
    }
}
