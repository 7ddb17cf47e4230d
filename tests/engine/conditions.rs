//! A batch is applied if all its conditions hold, and not at all otherwise.

use roost::store::{CommitError, Engine, keys};

use crate::kit::{A, B, batch, get, value};
use crate::suite;

suite!(
    absent_holds_once,
    equals_follows_the_version,
    one_failing_condition_stops_all,
    a_deleted_row_is_absent_again,
    conditions_look_at_the_rows_before_the_batch,
    scopes_do_not_conflict,
);

fn absent_holds_once(engine: &impl Engine) {
    let key = keys::folder(A, 2);
    let claim = || batch(A).absent(key.clone()).put(key.clone(), b"x");
    assert_eq!(claim().seq(engine), 1);
    assert_eq!(claim().commit(engine), Err(CommitError::Conflict));
}

fn equals_follows_the_version(engine: &impl Engine) {
    let key = keys::folder(A, 2);
    let change = |from| batch(A).equals(key.clone(), from).put(key.clone(), b"x");
    assert_eq!(change(0).commit(engine), Err(CommitError::Conflict));
    batch(A).seq(engine);
    assert_eq!(batch(A).put(key.clone(), b"w").seq(engine), 2);
    assert_eq!(change(1).commit(engine), Err(CommitError::Conflict));
    assert_eq!(change(2).seq(engine), 3);
    assert_eq!(change(2).commit(engine), Err(CommitError::Conflict));
    assert_eq!(get(engine, &key).unwrap().version, 3);
}

fn one_failing_condition_stops_all(engine: &impl Engine) {
    let (one, two) = (keys::folder(A, 1), keys::folder(A, 2));
    batch(A).put(one.clone(), b"1").seq(engine);
    let refused = batch(A)
        .equals(one.clone(), 1)
        .absent(one.clone())
        .put(two.clone(), b"2")
        .delete(one.clone())
        .log(3, 4, 0)
        .commit(engine);
    assert_eq!(refused, Err(CommitError::Conflict));
    assert_eq!(value(engine, &one).as_deref(), Some(&b"1"[..]));
    assert_eq!(value(engine, &two), None);
    assert_eq!(batch(A).seq(engine), 2, "a conflict takes no number");
}

fn a_deleted_row_is_absent_again(engine: &impl Engine) {
    let key = keys::folder(A, 2);
    batch(A).put(key.clone(), b"x").seq(engine);
    batch(A).delete(key.clone()).seq(engine);
    assert_eq!(value(engine, &key), None);
    let again = batch(A).absent(key.clone()).put(key, b"y");
    assert_eq!(again.seq(engine), 3);
}

fn conditions_look_at_the_rows_before_the_batch(engine: &impl Engine) {
    let key = keys::folder(A, 2);
    let both = batch(A).put(key.clone(), b"x").absent(key.clone());
    assert_eq!(both.seq(engine), 1);
    assert!(value(engine, &key).is_some());
}

fn scopes_do_not_conflict(engine: &impl Engine) {
    let claim = |scope| {
        let key = keys::folder(scope, 2);
        batch(scope).absent(key.clone()).put(key, b"x")
    };
    assert_eq!(claim(A).seq(engine), 1);
    assert_eq!(claim(B).seq(engine), 1);
}
