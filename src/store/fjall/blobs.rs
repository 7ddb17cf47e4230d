//! Blobs as rows: a head with the length, and the bytes in chunks.
//!
//! A blob of up to one chunk stands in its head; a longer one in rows of one chunk each, so that a
//! range reads only what it needs. The head is written last: a blob without head is not there.

use std::ops::Range;

use super::disk::Moment;
use crate::limits::BLOB_CHUNK_BYTES;
use crate::store::committer::BlobRow;
use crate::store::plan::View as _;
use crate::store::{BlobId, Bytes, Error, keys};

/// Format of the head.
const FORMAT: u8 = 1;
/// Bytes of the head before the blob's own: format and length.
const HEAD_BYTES: usize = 9;

/// The rows of a blob, the head last.
pub(super) fn rows(id: BlobId, body: &[u8]) -> Vec<BlobRow> {
    let length = u64::try_from(body.len()).unwrap_or(u64::MAX).to_be_bytes();
    let inline = if body.len() <= BLOB_CHUNK_BYTES {
        body
    } else {
        &[]
    };
    let head = [&[FORMAT][..], &length, inline].concat();
    let chunks = body.chunks(BLOB_CHUNK_BYTES).zip(0..);
    let chunks = chunks.filter(|_| inline.len() != body.len());
    chunks
        .map(|(chunk, n)| (keys::blob_chunk(id, n), Bytes::new(chunk)))
        .chain([(keys::blob(id), Bytes::from(head))])
        .collect()
}

/// The bytes of a blob that lie in `range`.
pub(super) fn read(moment: &Moment, id: BlobId, range: Range<u64>) -> Result<Bytes, Error> {
    let head = moment.get(&keys::blob(id))?.ok_or(Error::NoBlob)?;
    let length = length(&head).ok_or(Error::Corrupt("the head of a blob"))?;
    let to = range.end.min(length);
    let range = as_usize(range.start.min(to))..as_usize(to);
    if head.len() > HEAD_BYTES {
        let end = HEAD_BYTES + range.end;
        if end > head.len() {
            return Err(Error::Corrupt("a blob is shorter than its length"));
        }
        return Ok(head.slice(HEAD_BYTES + range.start..end));
    }
    chunks(moment, id, range)
}

fn length(head: &[u8]) -> Option<u64> {
    let (length, _) = head.strip_prefix(&[FORMAT])?.split_first_chunk()?;
    Some(u64::from_be_bytes(*length))
}

fn as_usize(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

fn chunks(moment: &Moment, id: BlobId, range: Range<usize>) -> Result<Bytes, Error> {
    let mut bytes = Vec::with_capacity(range.len());
    let mut at = range.start;
    while at < range.end {
        let n = at / BLOB_CHUNK_BYTES;
        let key = keys::blob_chunk(id, u32::try_from(n).unwrap_or(u32::MAX));
        let chunk = moment.get(&key)?;
        let chunk = chunk.ok_or(Error::Corrupt("a chunk of a blob is missing"))?;
        let from = at - n * BLOB_CHUNK_BYTES;
        let to = (range.end - n * BLOB_CHUNK_BYTES).min(BLOB_CHUNK_BYTES);
        let part = chunk.get(from..to);
        let part = part.ok_or(Error::Corrupt("a chunk of a blob is short"))?;
        if range.len() == part.len() {
            return Ok(chunk.slice(from..to));
        }
        bytes.extend_from_slice(part);
        at += part.len();
    }
    Ok(Bytes::from(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_blob_is_one_row_and_a_large_one_a_row_for_each_chunk() {
        let count = |bytes| rows(BlobId([0; 32]), &vec![7; bytes]).len();
        assert_eq!(count(0), 1);
        assert_eq!(count(BLOB_CHUNK_BYTES), 1);
        assert_eq!(count(BLOB_CHUNK_BYTES + 1), 3);
        assert_eq!(count(3 * BLOB_CHUNK_BYTES), 4);
    }

    #[test]
    fn the_head_comes_last() {
        let id = BlobId([1; 32]);
        let rows = rows(id, &vec![7; 2 * BLOB_CHUNK_BYTES]);
        assert_eq!(rows.last().map(|row| row.0.clone()), Some(keys::blob(id)));
    }
}
