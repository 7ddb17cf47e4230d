//! Questions to the store and their answers.

use super::Seq;
use super::keys::Kind;
use crate::limits;

/// Bytes that are cheap to clone and to slice, often a view into a block of the engine's cache:
/// do not keep them for long, a small one may hold a large block. Any alignment.
pub type Bytes = byteview::ByteView;

/// Why a read or a blob failed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Error {
    /// The engine failed.
    #[error("the store failed: {0}")]
    Engine(String),
    /// No such blob.
    #[error("a message body is missing from the store")]
    NoBlob,
    /// The disk is nearly full, or too much is waiting.
    #[error("the store takes no writes at the moment")]
    Full,
    /// Beyond the bounds of [`crate::limits`], or no key of ours: a fault of the caller.
    #[error("the store refuses the question: {0}")]
    Refused(&'static str),
    /// Bytes that are not what they ought to be.
    #[error("a stored row cannot be read: {0}")]
    Corrupt(&'static str),
}

/// A question to the store.
#[derive(Clone, Copy, Debug)]
pub enum Read<'a> {
    /// The row under this key.
    Get(&'a [u8]),
    /// The rows with `from <= key < to`, at most `limit` (and the bounds of [`crate::limits`]).
    ///
    /// A range stays within the kind of `from`.
    Range {
        /// First key, inclusive.
        from: &'a [u8],
        /// Last key, exclusive.
        to: &'a [u8],
        /// At most so many rows.
        limit: usize,
        /// From the high end downwards.
        reverse: bool,
    },
}

/// The answer to one [`Read`].
#[derive(Clone, Debug)]
pub enum Answer {
    /// To `Get`: the row, if there is one.
    Row(Option<Row>),
    /// To `Range`.
    Rows(Rows),
}

impl Answer {
    /// The row that a `Get` found.
    #[must_use]
    pub fn into_row(self) -> Option<Row> {
        match self {
            Self::Row(row) => row,
            Self::Rows(rows) => rows.rows.into_iter().next(),
        }
    }

    /// The rows that a `Range` (or a `Get`) found.
    #[must_use]
    pub fn into_rows(self) -> Rows {
        match self {
            Self::Row(row) => Rows {
                rows: row.into_iter().collect(),
                more: false,
            },
            Self::Rows(rows) => rows,
        }
    }
}

/// Rows in the order asked for.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// The rows.
    pub rows: Vec<Row>,
    /// There are more beyond the last one: ask again from there.
    pub more: bool,
}

/// A key, the number of the commit that put it, and its value, read in place from the engine.
#[derive(Clone, Debug)]
pub struct Row {
    /// The whole key.
    pub key: Bytes,
    /// The commit that put this row.
    pub version: Seq,
    stored: Bytes,
    value_at: usize,
}

/// Bytes of the version that stands in front of every stored value.
pub(super) const VERSION_BYTES: usize = 8;

impl Row {
    /// A row whose value is `stored` from `value_at` on (engines keep the version in front).
    #[must_use]
    pub fn new(key: Bytes, version: Seq, stored: Bytes, value_at: usize) -> Self {
        Self {
            key,
            version,
            stored,
            value_at,
        }
    }

    /// A row as an engine stores it: eight bytes of version, then the value.
    pub(super) fn from_stored(key: Bytes, stored: Bytes) -> Result<Self, Error> {
        let version = stored_version(&stored)?;
        Ok(Self::new(key, version, stored, VERSION_BYTES))
    }

    /// The value, borrowed from the engine's memory. Any alignment.
    #[must_use]
    pub fn value(&self) -> &[u8] {
        self.stored.get(self.value_at..).unwrap_or_default()
    }
}

/// A value as an engine stores it.
pub(super) fn to_stored(version: Seq, value: &[u8]) -> Bytes {
    Bytes::fused(&version.to_be_bytes(), value)
}

/// The version in front of a stored value.
pub(super) fn stored_version(stored: &[u8]) -> Result<Seq, Error> {
    let (version, _) = stored
        .split_first_chunk()
        .ok_or(Error::Corrupt("a row without version"))?;
    Ok(Seq::from_be_bytes(*version))
}

/// Refuses what no engine has to answer.
pub(super) fn check_reads(reads: &[Read<'_>]) -> Result<(), Error> {
    if reads.len() > limits::READS_MAX {
        return Err(Error::Refused("too many questions at once"));
    }
    reads.iter().try_for_each(|read| match read {
        Read::Get(key) => check_key(key),
        Read::Range { from, to, .. } => check_key(from).and_then(|()| check_bound(to)),
    })
}

fn check_key(key: &[u8]) -> Result<(), Error> {
    if Kind::of(key).is_none() {
        return Err(Error::Refused("a key of no kind"));
    }
    check_bound(key)
}

/// The end of a range is no key, and may be one byte longer than the longest.
fn check_bound(key: &[u8]) -> Result<(), Error> {
    if key.len() > limits::KEY_BYTES_MAX + 1 {
        return Err(Error::Refused("a key is too long"));
    }
    Ok(())
}

/// The part of `from..to` that lies within the kind of `from`; `None` if it is empty.
pub(super) fn within_kind(from: &[u8], to: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let end = from.first()?.checked_add(1)?;
    let to = to.min(&[end]).to_vec();
    (from < to.as_slice()).then(|| (from.to_vec(), to))
}

/// Counts what a range answer may still take.
pub(super) struct Page {
    rows: usize,
    bytes: usize,
}

impl Page {
    /// A page of at most `limit` rows.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            rows: limit.min(limits::RANGE_ROWS_MAX),
            bytes: limits::RANGE_BYTES_MAX,
        }
    }

    /// Takes one more row, unless the page is full.
    pub(super) fn takes(&mut self, key: &[u8], stored: &[u8]) -> bool {
        let (Some(rows), Some(bytes)) = (
            self.rows.checked_sub(1),
            self.bytes.checked_sub(key.len() + stored.len()),
        ) else {
            return false;
        };
        (self.rows, self.bytes) = (rows, bytes);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_stays_within_its_kind() {
        let clipped = |from: &[u8], to: &[u8]| within_kind(from, to).map(|(_, to)| to);
        assert_eq!(clipped(b"a1", b"a5"), Some(b"a5".to_vec()));
        assert_eq!(clipped(b"a1", b"zz"), Some(b"b".to_vec()));
        assert_eq!(clipped(b"a5", b"a1"), None);
        assert_eq!(clipped(b"", b"a1"), None);
    }

    #[test]
    fn a_page_ends_with_its_rows_or_its_bytes() {
        let mut page = Page::new(2);
        assert!(page.takes(b"k", b"v") && page.takes(b"k", b"v") && !page.takes(b"k", b"v"));
        let mut page = Page::new(usize::MAX);
        let half = vec![0; limits::RANGE_BYTES_MAX / 2];
        assert!(page.takes(b"", &half) && !page.takes(b"k", &half) && page.takes(b"", &half));
    }

    #[test]
    fn a_stored_value_keeps_its_version_in_front() {
        let row = Row::from_stored(Bytes::new(b"k"), to_stored(7, b"value")).unwrap();
        assert_eq!((row.version, row.value()), (7, &b"value"[..]));
        assert!(Row::from_stored(Bytes::new(b"k"), Bytes::new(b"short")).is_err());
    }
}
