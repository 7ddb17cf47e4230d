//! What a batch does: numbers, versions, the log, writes in order, a batch that comes twice.

use roost::store::{Batch, Engine, Head, Scope, Write, keys};

use crate::kit::{A, B, batch, get, items, range, value, wait};
use crate::suite;

suite!(
    numbers_grow_by_one_in_each_scope,
    rows_carry_the_number_of_their_commit,
    log_entries_stand_under_the_number_of_their_commit,
    writes_are_applied_in_order,
    max_only_grows,
    a_range_is_removed,
    a_batch_that_comes_again_is_not_applied_again,
    a_batch_is_recognised_behind_others,
    the_head_tells_how_far_a_scope_is,
    many_at_once_are_all_committed,
);

fn numbers_grow_by_one_in_each_scope(engine: &impl Engine) {
    let seqs: Vec<_> = [A, A, B, A, B].map(|s| batch(s).seq(engine)).into();
    assert_eq!(seqs, [1, 2, 1, 3, 2]);
}

fn rows_carry_the_number_of_their_commit(engine: &impl Engine) {
    let (one, two) = (keys::item(A, 2, 1), keys::item(A, 2, 2));
    let both = batch(A).put(one.clone(), b"1").put(two.clone(), b"2");
    both.seq(engine);
    batch(A).put(two.clone(), b"22").seq(engine);
    let row = |key: &[u8]| {
        let row = get(engine, key).unwrap();
        assert_eq!(&row.key[..], key);
        (row.version, row.value().to_vec())
    };
    assert_eq!(row(&one), (1, b"1".to_vec()));
    assert_eq!(row(&two), (2, b"22".to_vec()));
}

fn log_entries_stand_under_the_number_of_their_commit(engine: &impl Engine) {
    batch(A).log(2, 10, 0).log(2, 11, 0).seq(engine);
    batch(A).log(3, 12, 0).seq(engine);
    batch(A)
        .log(2, 10, 0)
        .delete(keys::change(A, 2, 1, 10))
        .seq(engine);
    let rows = range(engine, keys::changes(A, 2).read(100));
    let entries = rows.rows.iter().map(|row| {
        let key = keys::parse_change(&row.key).unwrap();
        assert_eq!(row.version, key.seq);
        (key.seq, key.item)
    });
    assert_eq!(entries.collect::<Vec<_>>(), [(1, 11), (3, 10)]);
    let after = keys::changes_after(A, 2, 1, 11);
    assert_eq!(items(&range(engine, after.read(100))), [10]);
}

fn writes_are_applied_in_order(engine: &impl Engine) {
    let (one, two) = (keys::folder(A, 1), keys::folder(A, 2));
    batch(A)
        .put(one.clone(), b"1")
        .put(one.clone(), b"2")
        .put(two.clone(), b"1")
        .delete(two.clone())
        .seq(engine);
    assert_eq!(value(engine, &one).as_deref(), Some(&b"2"[..]));
    assert_eq!(value(engine, &two), None);
    batch(A)
        .delete(one.clone())
        .put(one.clone(), b"3")
        .seq(engine);
    assert_eq!(value(engine, &one).as_deref(), Some(&b"3"[..]));
}

fn max_only_grows(engine: &impl Engine) {
    let key = keys::counter(A, 1);
    let max = |n| batch(A).write(Write::Max(key.clone(), n)).seq(engine);
    let stands = || {
        let row = get(engine, &key).unwrap();
        (
            u64::from_be_bytes(row.value().try_into().unwrap()),
            row.version,
        )
    };
    max(0);
    assert_eq!(stands(), (0, 1));
    max(9);
    assert_eq!(stands(), (9, 2));
    max(8);
    max(9);
    assert_eq!(stands(), (9, 2), "an untouched row keeps its version");
    let both = batch(A).write(Write::Max(key.clone(), 12));
    both.write(Write::Max(key.clone(), 11)).seq(engine);
    assert_eq!(stands(), (12, 5));
}

fn a_range_is_removed(engine: &impl Engine) {
    for folder in 1..=3 {
        let fill = (0..20).fold(batch(A), |b, n| b.put(keys::item(A, folder, n), b"x"));
        fill.seq(engine);
    }
    let put = keys::item(A, 2, 50);
    batch(A)
        .put(keys::item(A, 2, 49), b"goes")
        .write(keys::items(A, 2).delete())
        .put(put, b"stays")
        .seq(engine);
    let left = |folder| items(&range(engine, keys::items(A, folder).read(100))).len();
    assert_eq!((left(1), left(2), left(3)), (20, 1, 20));
    batch(A).write(keys::items(A, 9).delete()).seq(engine);
}

fn a_batch_that_comes_again_is_not_applied_again(engine: &impl Engine) {
    let key = keys::folder(A, 2);
    let once = || {
        batch(A)
            .id(7)
            .absent(key.clone())
            .put(key.clone(), b"x")
            .log(2, 1, 0)
    };
    assert_eq!(once().seq(engine), 1);
    assert_eq!(once().seq(engine), 1);
    assert_eq!(batch(A).seq(engine), 2);
    assert_eq!(range(engine, keys::changes(A, 2).read(9)).rows.len(), 1);
    assert_eq!(
        batch(B).id(7).seq(engine),
        1,
        "ids count within their scope"
    );
}

fn a_batch_is_recognised_behind_others(engine: &impl Engine) {
    batch(A).id(1).seq(engine);
    for id in 2..=8 {
        batch(A).id(id).seq(engine);
    }
    assert_eq!(batch(A).id(1).seq(engine), 1);
    assert_eq!(batch(A).id(5).seq(engine), 5);
    batch(A).id(9).seq(engine);
    assert_eq!(batch(A).id(1).seq(engine), 10, "it is too long ago");
}

fn the_head_tells_how_far_a_scope_is(engine: &impl Engine) {
    assert!(get(engine, &keys::head(A)).is_none());
    batch(A).seq(engine);
    batch(B).seq(engine);
    batch(A).seq(engine);
    let row = get(engine, &keys::head(A)).unwrap();
    assert_eq!(Head::decode(row.value()).unwrap().seq, 2);
}

fn many_at_once_are_all_committed(engine: &impl Engine) {
    let writer = |thread: u32| {
        let scope = if thread.is_multiple_of(2) { A } else { B };
        let make = move |n| {
            batch(scope)
                .put(keys::item(scope, thread, n), b"x")
                .log(thread, n, 0)
        };
        let batches: Vec<Batch> = (0..50).map(|n| make(n).done()).collect();
        let engine = engine.clone();
        move || {
            for batch in batches {
                wait(engine.commit(batch)).unwrap();
            }
        }
    };
    std::thread::scope(|scope| {
        for thread in 0..8 {
            scope.spawn(writer(thread));
        }
    });
    let count = |scope: Scope, folder| {
        let changes = range(engine, keys::changes(scope, folder).read(100));
        items(&changes).len()
    };
    for thread in 0..8 {
        let scope = if thread % 2 == 0 { A } else { B };
        assert_eq!(count(scope, thread), 50);
    }
    assert_eq!((batch(A).seq(engine), batch(B).seq(engine)), (201, 201));
}
