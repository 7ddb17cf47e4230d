//! What is too large is refused, and leaves nothing behind.

use roost::limits;
use roost::store::{CommitError, Engine, Error, Read, keys};

use crate::kit::{A, B, batch, range, value, wait};
use crate::suite;

suite!(
    a_value_at_the_bound_is_taken_and_one_above_is_not,
    a_batch_with_too_many_writes_is_refused,
    a_key_of_another_scope_is_refused,
    too_many_questions_are_refused,
    a_range_gives_no_more_rows_than_it_may,
    a_range_removes_no_more_rows_than_it_may,
);

fn a_value_at_the_bound_is_taken_and_one_above_is_not(engine: &impl Engine) {
    let key = keys::folder(A, 2);
    let put = |bytes| batch(A).put(key.clone(), &vec![1; bytes]).commit(engine);
    assert_eq!(put(limits::VALUE_BYTES_MAX + 1), Err(CommitError::TooLarge));
    assert_eq!(value(engine, &key), None);
    assert!(put(limits::VALUE_BYTES_MAX).is_ok());
    assert_eq!(value(engine, &key).unwrap().len(), limits::VALUE_BYTES_MAX);
    let long = keys::delivered(A, &[1; limits::KEY_BYTES_MAX]);
    let put = batch(A).put(long, b"").commit(engine);
    assert_eq!(put, Err(CommitError::TooLarge));
}

fn a_batch_with_too_many_writes_is_refused(engine: &impl Engine) {
    let many = |n| {
        (0..n).fold(batch(A), |b, n| {
            b.put(keys::item(A, 2, n), b"x").log(2, n, 0)
        })
    };
    assert_eq!(many(251).commit(engine), Err(CommitError::TooLarge));
    assert!(range(engine, keys::items(A, 2).read(9)).rows.is_empty());
    assert!(many(250).commit(engine).is_ok());
}

fn a_key_of_another_scope_is_refused(engine: &impl Engine) {
    let foreign = Err(CommitError::Foreign);
    let key = keys::folder(B, 2);
    assert_eq!(batch(A).put(key.clone(), b"x").commit(engine), foreign);
    assert_eq!(batch(A).absent(key).commit(engine), foreign);
    assert_eq!(batch(A).put(keys::head(A), b"x").commit(engine), foreign);
    assert_eq!(
        batch(A).write(keys::accounts().delete()).commit(engine),
        foreign
    );
}

fn too_many_questions_are_refused(engine: &impl Engine) {
    let key = keys::folder(A, 2);
    let ask = |n| wait(engine.read(&vec![Read::Get(&key); n])).map(|answers| answers.len());
    assert_eq!(ask(limits::READS_MAX), Ok(limits::READS_MAX));
    assert!(matches!(ask(limits::READS_MAX + 1), Err(Error::Refused(_))));
}

/// Puts so many small items into folder 2, several batches at a time.
fn fill(engine: &impl Engine, rows: usize) {
    let per_batch = limits::BATCH_WRITES_MAX;
    let numbers: Vec<u32> = (0..).take(rows).collect();
    let chunks: Vec<_> = numbers.chunks(per_batch).collect();
    std::thread::scope(|scope| {
        for share in chunks.chunks(chunks.len().div_ceil(8)) {
            scope.spawn(move || {
                for chunk in share {
                    let fill = chunk
                        .iter()
                        .fold(batch(A), |b, n| b.put(keys::item(A, 2, *n), b""));
                    fill.seq(engine);
                }
            });
        }
    });
}

fn a_range_gives_no_more_rows_than_it_may(engine: &impl Engine) {
    fill(engine, limits::RANGE_ROWS_MAX + 1);
    let page = range(engine, keys::items(A, 2).read(usize::MAX));
    assert_eq!((page.rows.len(), page.more), (limits::RANGE_ROWS_MAX, true));
}

fn a_range_removes_no_more_rows_than_it_may(engine: &impl Engine) {
    fill(engine, limits::DELETE_RANGE_ROWS_MAX + 1);
    let all = || batch(A).write(keys::items(A, 2).delete()).commit(engine);
    assert_eq!(all(), Err(CommitError::TooLarge));
    batch(A).delete(keys::item(A, 2, 5)).seq(engine);
    assert!(all().is_ok());
    assert!(range(engine, keys::items(A, 2).read(9)).rows.is_empty());
}
