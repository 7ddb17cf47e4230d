//! Blobs: by their hash, once, whole or in part.

use roost::limits::{BLOB_BYTES_MAX, BLOB_CHUNK_BYTES as CHUNK};
use roost::store::{BlobId, CommitError, Engine, Error, keys};

use crate::kit::{A, batch, value, wait};
use crate::suite;

suite!(
    a_blob_is_there_under_its_hash,
    a_blob_twice_is_one,
    ranges_cross_chunks,
    what_is_beyond_the_end_is_left_out,
    a_missing_blob_is_an_error,
    a_blob_that_is_too_large_is_refused,
    a_batch_and_its_blob_come_together,
);

/// Bytes of which no two chunks are alike.
fn body(bytes: usize) -> Vec<u8> {
    let word = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
    (0..).flat_map(word).take(bytes).collect()
}

fn whole(engine: &impl Engine, id: BlobId) -> Vec<u8> {
    wait(engine.get_blob(id, 0..u64::MAX)).unwrap().to_vec()
}

fn a_blob_is_there_under_its_hash(engine: &impl Engine) {
    for bytes in [
        0,
        1,
        100,
        5_000,
        CHUNK - 1,
        CHUNK,
        CHUNK + 1,
        3 * CHUNK,
        12 * CHUNK + 5,
    ] {
        let body = body(bytes);
        let id = wait(engine.put_blob(&body)).unwrap();
        assert_eq!(id, BlobId::of(&body));
        assert!(whole(engine, id) == body, "{bytes} bytes");
    }
}

fn a_blob_twice_is_one(engine: &impl Engine) {
    let body = body(3_000);
    let first = wait(engine.put_blob(&body)).unwrap();
    assert_eq!(wait(engine.put_blob(&body)).unwrap(), first);
    assert_eq!(whole(engine, first), body);
}

fn ranges_cross_chunks(engine: &impl Engine) {
    let body = body(4 * CHUNK + 77);
    let id = wait(engine.put_blob(&body)).unwrap();
    let end = body.len();
    for range in [
        0..10,
        5..5,
        CHUNK - 3..CHUNK + 3,
        CHUNK..2 * CHUNK,
        10..3 * CHUNK + 1,
        4 * CHUNK..end,
    ] {
        let part = wait(engine.get_blob(id, range.start as u64..range.end as u64)).unwrap();
        assert!(part[..] == body[range.clone()], "{range:?}");
    }
}

#[expect(
    clippy::reversed_empty_ranges,
    reason = "what a careless caller may ask"
)]
fn what_is_beyond_the_end_is_left_out(engine: &impl Engine) {
    for bytes in [100, 2 * CHUNK + 100] {
        let body = body(bytes);
        let id = wait(engine.put_blob(&body)).unwrap();
        let end = bytes as u64;
        let part = |range| wait(engine.get_blob(id, range)).unwrap().to_vec();
        assert_eq!(part(end - 10..end + 10), body[bytes - 10..]);
        assert_eq!(part(end..end + 10), b"");
        assert_eq!(part(end + 5..u64::MAX), b"");
        assert_eq!(part(50..20), b"");
    }
}

fn a_missing_blob_is_an_error(engine: &impl Engine) {
    let missing = wait(engine.get_blob(BlobId([9; 32]), 0..1));
    assert_eq!(missing, Err(Error::NoBlob));
}

fn a_blob_that_is_too_large_is_refused(engine: &impl Engine) {
    let body = vec![0; BLOB_BYTES_MAX + 1];
    let put = wait(engine.put_blob(&body));
    assert!(matches!(put, Err(Error::Refused(_))));
    let both = wait(engine.commit_with_blob(batch(A).done(), &body));
    assert_eq!(both, Err(CommitError::TooLarge));
}

fn a_batch_and_its_blob_come_together(engine: &impl Engine) {
    let body = body(2 * CHUNK);
    let id = BlobId::of(&body);
    let item = keys::item(A, 2, 1);
    let put = batch(A).put(item.clone(), &id.0).done();
    assert_eq!(wait(engine.commit_with_blob(put, &body)).unwrap().seq, 1);
    assert_eq!(value(engine, &item).unwrap(), id.0);
    assert!(whole(engine, id) == body);
}
