//! The ordered key-value engine behind everything that lasts.
//!
//! A [`Batch`] belongs to one [`Scope`] (an account, or a named system scope): it is the unit of
//! ordering and conflict. No transaction spans two scopes, no iterator stays open between calls,
//! and nothing here knows what the rows mean.
//!
//! **Order of events, everywhere:** conditions checked, written, synced, *then* the caller hears of
//! it, *then* the wakes go out. A change is durable before anyone can see it.
//!
//! Deliberately absent: interactive transactions, keyspaces per user, a cache of rows.

pub mod keys;

use std::fmt;

/// Bytes.
pub type Bytes = fjall::Slice;

/// An account, or a named system scope. 0 is the appliance itself.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Scope(pub u64);

impl Scope {
    /// The appliance: account names, settings, TLS ticket keys.
    pub const SYSTEM: Self = Self(0);
    /// The queue of outgoing mail.
    pub const QUEUE: Self = Self(1);
    /// The first scope that an account can have.
    pub const FIRST_ACCOUNT: Self = Self(16);
}

/// The number of a commit within its scope, and the version of every row that it put.
///
/// Strictly growing per scope, starting at 1; 0 means "before everything". One batch has one
/// number: the rows that it puts carry it as their version, and its change-log entries stand
/// under it. So an item's version *is* the number of its latest change-log entry.
pub type Seq = u64;

/// Identifies a batch, so that a retry after an unknown outcome is recognised. Random.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct BatchId(pub [u8; 16]);

/// A question to the store.
#[derive(Clone, Copy, Debug)]
pub enum Read<'a> {
    /// The row under this key.
    Get(&'a [u8]),
    /// The rows with `from <= key < to`, at most `limit` (and the bounds of [`crate::limits`]).
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
#[derive(Debug)]
pub enum Answer {
    /// To `Get`: the row, if there is one.
    Row(Option<Row>),
    /// To `Range`.
    Rows(Rows),
}

/// Rows in the order asked for.
#[derive(Debug, Default)]
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
    value: Bytes,
    value_at: usize,
}

impl Row {
    /// A row whose value is `stored` from `value_at` on (engines keep the version in front).
    #[must_use]
    pub fn new(key: Bytes, version: Seq, stored: Bytes, value_at: usize) -> Self {
        Self {
            key,
            version,
            value: stored,
            value_at,
        }
    }

    /// The value, borrowed from the engine's memory. Any alignment.
    #[must_use]
    pub fn value(&self) -> &[u8] {
        self.value.get(self.value_at..).unwrap_or_default()
    }
}

/// A condition on one key, checked in the commit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Condition {
    /// No row stands under this key.
    Absent(Vec<u8>),
    /// The row under this key still has this version.
    Equals(Vec<u8>, Seq),
}

/// One write of a batch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Write {
    /// Put a row; its version becomes the number of this commit.
    Put(Vec<u8>, Vec<u8>),
    /// Remove a row, if it is there.
    Delete(Vec<u8>),
    /// Remove all rows with `from <= key < to`.
    DeleteRange(Vec<u8>, Vec<u8>),
    /// Put a big-endian u64 unless a larger one stands there: an allocator's high-water mark.
    Max(Vec<u8>, u64),
}

/// An entry of the change log: the row `prefix ++ seq (8 bytes, big-endian) ++ suffix`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogEntry {
    /// Key in front of the number.
    pub prefix: Vec<u8>,
    /// Key behind the number.
    pub suffix: Vec<u8>,
    /// Value of the entry.
    pub value: Vec<u8>,
    /// What the wake says of it.
    pub hint: Hint,
}

/// What a wake says of one change: enough to find the parked requests that it concerns.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Hint {
    /// The folder that changed; 0 is the folder hierarchy.
    pub folder: u32,
    /// The device that did it, 0 for none: its own parked request is not woken.
    pub device: u32,
}

/// A conditional batch within one scope: all of it or nothing.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The scope whose number it takes.
    pub scope: Scope,
    /// For the recognition of a retry.
    pub id: BatchId,
    /// All have to hold.
    pub conditions: Vec<Condition>,
    /// Applied in order.
    pub writes: Vec<Write>,
    /// Change-log entries.
    pub log: Vec<LogEntry>,
}

/// A durable commit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Committed {
    /// The number it got.
    pub seq: Seq,
}

/// Why a batch is not (known to be) committed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CommitError {
    /// A condition does not hold: read again, compute again.
    #[error("a row changed meanwhile")]
    Conflict,
    /// It may or may not be committed: commit the same batch id again to find out.
    #[error("the outcome of a commit is unknown")]
    Unknown,
    /// Too much is waiting, or the disk is nearly full. Nothing was written.
    #[error("the store takes no writes at the moment")]
    Full,
    /// The batch is beyond the bounds of [`crate::limits`]. Nothing was written.
    #[error("a batch, key or value is too large")]
    TooLarge,
    /// A write or sync failed: the process has to stop.
    #[error("the store failed: {0}")]
    Poisoned(String),
}

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
    /// Bytes that are not what they ought to be.
    #[error("a stored row cannot be read: {0}")]
    Corrupt(&'static str),
}

/// SHA-256 of a blob's bytes: its address.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobId(pub [u8; 32]);

impl fmt::Debug for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(6).try_for_each(|b| write!(f, "{b:02x}"))
    }
}

/// Sent after a commit is durable. May be dropped, repeated or late: the change log is the truth.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wake {
    /// The scope that moved on.
    pub scope: Scope,
    /// To this number.
    pub seq: Seq,
    /// Which folders changed, by whom.
    pub hints: Vec<Hint>,
}
