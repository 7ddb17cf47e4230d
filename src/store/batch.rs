//! What a caller commits, and what comes of it.

use std::fmt;

use super::keys::scope_of;
use super::row::VERSION_BYTES;
use super::{Scope, Seq};
use crate::limits;

/// Identifies a batch, so that a retry after an unknown outcome is recognised. Random.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct BatchId(pub [u8; 16]);

impl BatchId {
    /// A new id from the system's random numbers.
    #[must_use]
    #[expect(
        clippy::expect_used,
        reason = "a system without random numbers cannot serve"
    )]
    pub fn random() -> Self {
        let mut id = [0; 16];
        getrandom::fill(&mut id).expect("the system gives random numbers");
        Self(id)
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

impl Condition {
    /// The key that it speaks of.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        match self {
            Self::Absent(key) | Self::Equals(key, _) => key,
        }
    }

    /// Whether it holds where a row of this version (or none) stands.
    #[must_use]
    pub fn holds(&self, version: Option<Seq>) -> bool {
        match self {
            Self::Absent(_) => version.is_none(),
            Self::Equals(_, expected) => version == Some(*expected),
        }
    }
}

/// One write of a batch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Write {
    /// Put a row; its version becomes the number of this commit.
    Put(Vec<u8>, Vec<u8>),
    /// Remove a row, if it is there.
    Delete(Vec<u8>),
    /// Remove all rows with `from <= key < to`, within one kind. All ranges of a batch together
    /// remove at most [`limits::DELETE_RANGE_ROWS_MAX`] of the rows that stood before it; for
    /// more, several batches.
    DeleteRange(Vec<u8>, Vec<u8>),
    /// Put a big-endian u64 unless one at least as large stands there: an allocator's high-water
    /// mark. What is no u64 is replaced.
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

impl LogEntry {
    /// The key of the entry in the commit of this number.
    #[must_use]
    pub fn key(&self, seq: Seq) -> Vec<u8> {
        [&self.prefix, &seq.to_be_bytes()[..], &self.suffix].concat()
    }
}

/// What a wake says of one change: enough to find the parked requests that it concerns.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Hint {
    /// The folder that changed; 0 is the folder hierarchy.
    pub folder: u32,
    /// The device that did it, 0 for none: its own parked request is not woken.
    pub device: u32,
}

impl Hint {
    /// Stands for a folder: the account itself changed (password, status, policy), or was removed.
    pub const ACCOUNT: u32 = u32::MAX;
    /// Stands for a folder: the device named by `device` changed in access, wipe or policy, or was
    /// removed.
    pub const DEVICE: u32 = u32::MAX - 1;
}

/// A conditional batch within one scope: all of it or nothing.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The scope whose number it takes, and to which all its keys belong.
    pub scope: Scope,
    /// For the recognition of a retry.
    pub id: BatchId,
    /// All have to hold.
    pub conditions: Vec<Condition>,
    /// Applied in order; the log entries follow.
    pub writes: Vec<Write>,
    /// Change-log entries.
    pub log: Vec<LogEntry>,
    /// What its wake says besides the hints of the log entries. Not stored.
    pub tell: Vec<Hint>,
}

impl Batch {
    /// An empty batch with a random id.
    #[must_use]
    pub fn new(scope: Scope) -> Self {
        Self {
            scope,
            id: BatchId::random(),
            conditions: Vec::new(),
            writes: Vec::new(),
            log: Vec::new(),
            tell: Vec::new(),
        }
    }

    /// Bytes of its keys and values, as the bounds count them.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let conditions = self.conditions.iter().map(|c| c.key().len());
        let writes = self.writes.iter().map(|write| match write {
            Write::Put(key, value) => key.len() + value.len(),
            Write::Delete(key) => key.len(),
            Write::DeleteRange(from, to) => from.len() + to.len(),
            Write::Max(key, _) => key.len() + 8,
        });
        let log = self.log.iter().map(|entry| {
            entry.prefix.len() + VERSION_BYTES + entry.suffix.len() + entry.value.len()
        });
        conditions.chain(writes).chain(log).sum()
    }

    /// Whether the batch is within the bounds and names keys of its own scope only.
    ///
    /// # Errors
    /// [`CommitError::TooLarge`], [`CommitError::Foreign`].
    pub fn check(&self) -> Result<(), CommitError> {
        if self.writes.len() + self.log.len() > limits::BATCH_WRITES_MAX
            || self.conditions.len() > limits::BATCH_CONDITIONS_MAX
            || self.bytes() > limits::BATCH_BYTES_MAX
        {
            return Err(CommitError::TooLarge);
        }
        for condition in &self.conditions {
            self.check_row(condition.key(), &[])?;
        }
        for write in &self.writes {
            match write {
                Write::Put(key, value) => self.check_row(key, value)?,
                Write::Delete(key) | Write::Max(key, _) => self.check_row(key, &[])?,
                Write::DeleteRange(from, to) => self.check_range(from, to)?,
            }
        }
        for entry in &self.log {
            self.check_row(&entry.key(Seq::MAX), &entry.value)?;
        }
        Ok(())
    }

    fn check_row(&self, key: &[u8], value: &[u8]) -> Result<(), CommitError> {
        if key.len() > limits::KEY_BYTES_MAX || value.len() > limits::VALUE_BYTES_MAX {
            return Err(CommitError::TooLarge);
        }
        if scope_of(key) != Some(self.scope) {
            return Err(CommitError::Foreign);
        }
        Ok(())
    }

    /// A range of its own scope ends with the scope's last key or before.
    fn check_range(&self, from: &[u8], to: &[u8]) -> Result<(), CommitError> {
        self.check_row(from, &[])?;
        if to.len() > limits::KEY_BYTES_MAX + 1 {
            return Err(CommitError::TooLarge);
        }
        let prefix = super::keys::scope_prefix(from);
        if to > super::keys::prefix_end(prefix).as_slice() {
            return Err(CommitError::Foreign);
        }
        Ok(())
    }
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
    /// A key belongs to another scope, to the engine, or to nobody: a fault of the caller.
    #[error("a key of a batch is not of its scope")]
    Foreign,
    /// A write or sync failed: the process has to stop.
    #[error("the store failed: {0}")]
    Poisoned(String),
}

/// SHA-256 of a blob's bytes: its address.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobId(pub [u8; 32]);

impl BlobId {
    /// The address of these bytes.
    #[must_use]
    pub fn of(body: &[u8]) -> Self {
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, body);
        let mut id = [0; 32];
        id.iter_mut()
            .zip(hash.as_ref())
            .for_each(|(to, from)| *to = *from);
        Self(id)
    }
}

impl fmt::Debug for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(6).try_for_each(|b| write!(f, "{b:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::keys;
    use super::*;

    const S: Scope = Scope(16);

    fn check(fill: impl FnOnce(&mut Batch)) -> Result<(), CommitError> {
        let mut batch = Batch::new(S);
        fill(&mut batch);
        batch.check()
    }

    #[test]
    fn keys_of_others_are_refused() {
        let foreign = Err(CommitError::Foreign);
        let put = |key| check(|b| b.writes.push(Write::Put(key, vec![])));
        assert_eq!(put(keys::folder(S, 2)), Ok(()));
        assert_eq!(put(keys::folder(Scope(17), 2)), foreign);
        assert_eq!(put(keys::account_name("mike")), foreign);
        assert_eq!(put(keys::head(S)), foreign);
        assert_eq!(put(b"??".to_vec()), foreign);
        let condition = Condition::Absent(keys::folder(Scope(17), 2));
        assert_eq!(check(|b| b.conditions.push(condition)), foreign);
    }

    #[test]
    fn a_range_may_end_with_the_scope_and_not_behind_it() {
        let delete = |span: keys::Span| check(|b| b.writes.push(span.delete()));
        assert_eq!(delete(keys::items(S, 2)), Ok(()));
        assert_eq!(delete(keys::folders(S)), Ok(()));
        let across = keys::Span {
            from: keys::folder(S, 2),
            to: keys::folder(Scope(17), 2),
        };
        assert_eq!(delete(across), Err(CommitError::Foreign));
        assert_eq!(delete(keys::accounts()), Err(CommitError::Foreign));
    }

    #[test]
    fn what_is_too_large_is_refused() {
        let too_large = Err(CommitError::TooLarge);
        let value = |len| check(|b| b.writes.push(Write::Put(keys::folder(S, 2), vec![0; len])));
        assert_eq!(value(limits::VALUE_BYTES_MAX), Ok(()));
        assert_eq!(value(limits::VALUE_BYTES_MAX + 1), too_large);
        let key = |len| {
            check(|b| {
                b.writes
                    .push(Write::Delete(keys::delivered(S, &vec![0; len])))
            })
        };
        assert_eq!(key(limits::KEY_BYTES_MAX - 9), Ok(()));
        assert_eq!(key(limits::KEY_BYTES_MAX - 8), too_large);
        let writes = |n| check(|b| b.writes = vec![Write::Delete(keys::folder(S, 2)); n]);
        assert_eq!(writes(limits::BATCH_WRITES_MAX), Ok(()));
        assert_eq!(writes(limits::BATCH_WRITES_MAX + 1), too_large);
        let bytes = |n| {
            let put = Write::Put(keys::folder(S, 2), vec![0; limits::VALUE_BYTES_MAX - 13]);
            check(|b| b.writes = vec![put; n])
        };
        assert_eq!(bytes(8), Ok(()));
        assert_eq!(bytes(9), too_large);
    }

    #[test]
    fn a_blob_is_addressed_by_its_sha_256() {
        assert_eq!(format!("{:?}", BlobId::of(b"")), "e3b0c44298fc");
    }
}
