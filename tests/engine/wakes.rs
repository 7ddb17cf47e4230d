//! Wakes: after the commit, to everyone, for what changed.

use roost::store::{Engine, Hint, Scope, Wake, keys};

use crate::kit::{A, batch, range, value, wait};
use crate::suite;

suite!(
    every_subscriber_hears_of_a_change,
    what_a_wake_tells_can_be_read,
    a_batch_without_log_wakes_nobody,
    a_batch_that_tells_wakes,
    a_system_scope_always_wakes,
    a_refused_batch_wakes_nobody,
    a_gap_is_announced,
);

fn moved(wake: Wake) -> (Scope, u64, Vec<Hint>) {
    match wake {
        Wake::Moved { scope, seq, hints } => (scope, seq, hints.to_vec()),
        Wake::Gap => panic!("a gap"),
    }
}

fn every_subscriber_hears_of_a_change(engine: &impl Engine) {
    let (one, two) = (engine.wakes(), engine.wakes());
    batch(A)
        .log(2, 10, 5)
        .log(2, 11, 5)
        .log(3, 12, 0)
        .seq(engine);
    let hints = vec![
        Hint {
            folder: 2,
            device: 5,
        },
        Hint {
            folder: 3,
            device: 0,
        },
    ];
    for wakes in [one, two] {
        assert_eq!(moved(wakes.recv().unwrap()), (A, 1, hints.clone()));
        assert!(wakes.is_empty());
    }
}

fn a_batch_that_tells_wakes(engine: &impl Engine) {
    let wakes = engine.wakes();
    let hint = Hint {
        folder: Hint::DEVICE,
        device: 3,
    };
    let mut telling = batch(A).put(keys::folder(A, 9), b"x").done();
    telling.tell = vec![hint, hint];
    let seq = wait(engine.commit(telling.clone())).unwrap().seq;
    assert_eq!(moved(wakes.recv().unwrap()), (A, seq, vec![hint]));
    // A repetition is the same commit, and telling it again does no harm.
    assert_eq!(wait(engine.commit(telling)).unwrap().seq, seq);
}

fn what_a_wake_tells_can_be_read(engine: &impl Engine) {
    let wakes = engine.wakes();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0..50 {
                batch(A)
                    .put(keys::item(A, 2, n), b"x")
                    .log(2, n, 0)
                    .seq(engine);
            }
        });
        for n in 0..50 {
            let (_, seq, _) = moved(wakes.recv().unwrap());
            assert_eq!(seq, u64::from(n) + 1);
            assert!(value(engine, &keys::item(A, 2, n)).is_some());
            let changes = range(engine, keys::changes(A, 2).read(100));
            assert!(changes.rows.len() > n as usize);
        }
    });
}

fn a_batch_without_log_wakes_nobody(engine: &impl Engine) {
    let wakes = engine.wakes();
    batch(A).put(keys::folder(A, 2), b"x").seq(engine);
    batch(A).log(2, 1, 0).seq(engine);
    assert_eq!(moved(wakes.recv().unwrap()).1, 2);
}

fn a_system_scope_always_wakes(engine: &impl Engine) {
    let wakes = engine.wakes();
    let queued = batch(Scope::QUEUE).put(keys::queue(5, 1), b"mail");
    queued.seq(engine);
    assert_eq!(moved(wakes.recv().unwrap()), (Scope::QUEUE, 1, Vec::new()));
}

fn a_refused_batch_wakes_nobody(engine: &impl Engine) {
    let wakes = engine.wakes();
    let key = keys::folder(A, 2);
    assert!(batch(A).equals(key, 4).log(2, 1, 0).commit(engine).is_err());
    batch(A).log(3, 1, 0).seq(engine);
    assert_eq!(
        moved(wakes.recv().unwrap()).2,
        [Hint {
            folder: 3,
            device: 0
        }]
    );
}

fn a_gap_is_announced(engine: &impl Engine) {
    let wakes = engine.wakes();
    let writers = 64;
    let each = roost::limits::WAKE_QUEUE_MAX / writers + 1;
    std::thread::scope(|scope| {
        for _ in 0..writers {
            scope.spawn(|| {
                for _ in 0..each {
                    batch(A).log(2, 1, 0).seq(engine);
                }
            });
        }
    });
    // The last wakes may still be on their way: the gap is what the queue ends with.
    let gap = wakes.iter().take(roost::limits::WAKE_QUEUE_MAX).last();
    assert_eq!(gap, Some(Wake::Gap));
    batch(A).log(2, 1, 0).seq(engine);
    let next = wakes.iter().find(|wake| *wake != Wake::Gap).map(moved);
    assert!(next.is_some());
}
