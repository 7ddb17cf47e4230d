//! Reading while others write: every answer is of one moment, no reader goes back, and what was
//! acknowledged is seen from then on.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use roost::store::{Answer, Engine, Read, keys};

use crate::kit::{A, B, batch, value, wait};
use crate::suite;

suite!(
    a_reader_sees_one_moment_and_never_an_earlier_one,
    what_is_acknowledged_is_seen_at_once,
);

/// Batches that each rewrite the same rows of three kinds.
const BATCHES: u64 = 300;

fn number(answer: Answer) -> u64 {
    let row = answer.into_row();
    row.map_or(0, |row| u64::from_be_bytes(row.value().try_into().unwrap()))
}

fn a_reader_sees_one_moment_and_never_an_earlier_one(engine: &impl Engine) {
    let rows = [keys::account(A), keys::folder(A, 2), keys::item(A, 2, 1)];
    let (acknowledged, over) = (AtomicU64::new(0), AtomicBool::new(false));
    std::thread::scope(|threads| {
        for _ in 0..3 {
            threads.spawn(|| {
                let mut last = 0;
                while !over.load(Ordering::SeqCst) {
                    let least = acknowledged.load(Ordering::SeqCst);
                    // Alone, in any order, and together.
                    let alone = wait(engine.read(&[Read::Get(&rows[2])])).unwrap();
                    let alone = number(alone.into_iter().next().unwrap());
                    let together = wait(engine.read(&rows.each_ref().map(|key| Read::Get(key))));
                    let together: Vec<_> = together.unwrap().into_iter().map(number).collect();
                    let again = wait(engine.read(&[Read::Get(&rows[0])])).unwrap();
                    let again = number(again.into_iter().next().unwrap());
                    assert!(together.iter().all(|n| *n == together[0]), "{together:?}");
                    let seen = [last, alone, together[0], again];
                    assert!(seen.is_sorted() && alone >= least, "{seen:?} {least}");
                    last = again;
                }
            });
        }
        for n in 1..=BATCHES {
            let put = rows.iter().fold(batch(A), |batch, key| {
                batch.put(key.clone(), &n.to_be_bytes())
            });
            put.seq(engine);
            acknowledged.store(n, Ordering::SeqCst);
        }
        over.store(true, Ordering::SeqCst);
    });
}

fn what_is_acknowledged_is_seen_at_once(engine: &impl Engine) {
    let (mine, other) = (keys::folder(A, 2), keys::folder(B, 2));
    batch(B).put(other.clone(), b"other").seq(engine);
    for n in 0..50_u8 {
        batch(A).put(mine.clone(), &[n]).seq(engine);
        // Twice: out of the tables, and out of what was kept of that.
        for _ in 0..2 {
            assert_eq!(value(engine, &mine).as_deref(), Some(&[n][..]));
            assert_eq!(value(engine, &other).as_deref(), Some(&b"other"[..]));
        }
    }
    batch(A).delete(mine.clone()).seq(engine);
    assert_eq!(value(engine, &mine), None);
    assert_eq!(value(engine, &mine), None);
    batch(A).put(mine.clone(), b"again").seq(engine);
    assert_eq!(value(engine, &mine).as_deref(), Some(&b"again"[..]));
}
