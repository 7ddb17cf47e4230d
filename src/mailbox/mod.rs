//! Accounts, folders, items, the change log, devices, and what each device holds.
//!
//! The only writer of user data. A [`Mailbox`] is a cheap clone; its calls are futures that any
//! runtime may poll. What they change is durable when they return.
//!
//! - Everything of an account stands in its [`Scope`]; no call changes two accounts at once.
//! - A change is computed from rows that were read, and commits only if they are still the same:
//!   else [`Error::Conflict`], and the caller computes it again, at most
//!   [`crate::limits::CONFLICT_RETRIES_MAX`] times.
//! - Every change of an item keeps five rows in step: the item, its one entry in the change log,
//!   its place in the index by date, its words in the search index, and (on the way out) the tombstone.
//!
//! Deliberately absent: the protocol (tokens, statuses, versions), sockets, credentials.

pub mod absence;
pub mod account;
pub mod answered;
pub mod check;
pub mod conversation;
pub mod deliver;
pub mod device;
pub mod folder;
pub mod ids;
pub mod item;
mod log;
pub mod meeting;
pub mod notice;
pub mod owed;
pub mod person;
mod purge;
mod recovery;
pub mod search;
pub mod sent;
pub(crate) mod stored;
pub mod sync;
#[cfg(test)]
pub(crate) mod testing;
mod tree;
pub mod tx;
mod words;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::clock::Clock;
use crate::limits;
use crate::pim::record::RecordError;
use crate::store::{
    self, Answer, Batch, CommitError, Committed, Condition, Read, Row, Rows, Scope, Seq, Store,
    Write,
    keys::{self, Span},
};

pub use absence::{Absence, AbsenceState, Audience, Note};
pub use account::{Account, AccountRow, AccountStatus};
pub use answered::Answered;
pub use deliver::{Delivered, Delivery};
pub use device::{Access, Device, DeviceRow, Wipe};
pub use folder::{Folder, FolderKind, FolderRow};
pub use ids::{DeviceNo, FolderId, ItemId, ServerId};
pub use item::{ItemRow, Place};
pub use log::By;
pub use meeting::Arriving;
pub use notice::NoticeRow;
pub use owed::{Owed, OwedRow};
pub use person::{Details, Person, Portrait};
pub use purge::PurgeMark;
pub use sent::{Begun, Sent};
use sync::cursor as sync_cursor;
pub use sync::{
    Broken, Change, ChangeKind, Command, Fault, Finished, FolderChange, Hierarchy, Outcome,
    Presented, Quiet, Recorded, Round, Watched, Window,
};
pub use tx::Tx;
pub use words::{Entry, FillMark};

/// Why something was not done. Nothing of it was written, unless the variant says so.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Error {
    /// Somebody else changed it meanwhile: read again, compute again.
    #[error("a row changed meanwhile")]
    Conflict,
    /// The store takes no writes at the moment, or the outcome of one stays unknown: later.
    #[error("the store is busy")]
    Busy,
    /// The store failed; the process is about to stop.
    #[error("the store failed: {0}")]
    Failed(String),
    /// A record, a batch or an options value is larger than the bounds allow.
    #[error("too large to be stored")]
    TooLarge,
    /// No such account, folder, item or device.
    #[error("not found")]
    NotFound,
    /// The name (of an account, or of a folder under its parent) is taken.
    #[error("the name is taken")]
    Taken,
    /// A name that is empty, too long, or holds control characters.
    #[error("not a name")]
    BadName,
    /// A default folder: it is not renamed, moved or deleted.
    #[error("a default folder")]
    Protected,
    /// A folder cannot go under itself.
    #[error("a folder cannot be moved under itself")]
    Cycle,
    /// No more folders, devices or numbers for this account.
    #[error("a limit of the account is reached")]
    Limit,
    /// Stored bytes that cannot be read.
    #[error("damaged: {0}")]
    Damaged(&'static str),
}

impl Error {
    /// Whether the same call may succeed after everything was read again.
    #[must_use]
    pub fn retry(&self) -> bool {
        matches!(self, Self::Conflict)
    }
}

impl From<store::Error> for Error {
    fn from(e: store::Error) -> Self {
        match e {
            store::Error::Full => Self::Busy,
            store::Error::NoBlob => Self::Damaged("a message body is missing"),
            store::Error::Corrupt(what) => Self::Damaged(what),
            other => Self::Failed(other.to_string()),
        }
    }
}

impl From<CommitError> for Error {
    fn from(e: CommitError) -> Self {
        match e {
            CommitError::Conflict => Self::Conflict,
            CommitError::Unknown | CommitError::Full => Self::Busy,
            CommitError::TooLarge => Self::TooLarge,
            other => Self::Failed(other.to_string()),
        }
    }
}

impl From<RecordError> for Error {
    fn from(_: RecordError) -> Self {
        Self::Damaged("a record")
    }
}

/// How often a batch of unknown outcome is committed again before the caller hears "busy".
const UNKNOWN_RETRIES_MAX: usize = 5;

/// Allocators of an account (`keys::counter`).
const ITEM_IDS: u32 = 1;
const FOLDER_IDS: u32 = 2;
const DEVICE_NOS: u32 = 3;
/// Allocator of the appliance: scopes of accounts.
const SCOPES: u32 = 1;

/// The user data of the appliance. A cheap clone.
#[derive(Clone)]
pub struct Mailbox(Arc<Inner>);

struct Inner {
    store: Store,
    clock: Clock,
    fold: bool,
    /// The next number of each allocator that was used since the start.
    next: Mutex<HashMap<(Scope, u32), u64>>,
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mailbox")
    }
}

impl Mailbox {
    /// The user data in `store`. `fold`: log-in names are the same whatever their case (a setting
    /// of the whole appliance; names in use have to be unique under the new rule when it changes).
    ///
    /// One process has one `Mailbox` per store (and clones of it): it hands out the numbers of new
    /// items.
    #[must_use]
    pub fn new(store: Store, clock: Clock, fold: bool) -> Self {
        Self(Arc::new(Inner {
            store,
            clock,
            fold,
            next: Mutex::default(),
        }))
    }

    /// The engine beneath: for blobs and wakes. Rows are written by the mailbox alone.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub(crate) async fn get(&self, key: Vec<u8>) -> Result<Option<Row>, Error> {
        match self.store().read(&[Read::Get(&key)]).await?.pop() {
            Some(Answer::Row(row)) => Ok(row),
            _ => Err(Error::Damaged("an answer of another kind")),
        }
    }

    /// Several rows at one snapshot each [`limits::READS_MAX`].
    async fn gets(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Row>>, Error> {
        let mut out = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(limits::READS_MAX) {
            let reads: Vec<_> = chunk.iter().map(|k| Read::Get(k)).collect();
            for answer in self.store().read(&reads).await? {
                match answer {
                    Answer::Row(row) => out.push(row),
                    Answer::Rows(_) => return Err(Error::Damaged("an answer of another kind")),
                }
            }
        }
        if out.len() != keys.len() {
            return Err(Error::Damaged("an answer is missing"));
        }
        Ok(out)
    }

    pub(crate) async fn range(&self, read: Read<'_>) -> Result<Rows, Error> {
        match self.store().read(&[read]).await?.pop() {
            Some(Answer::Rows(rows)) => Ok(rows),
            _ => Err(Error::Damaged("an answer of another kind")),
        }
    }

    /// All rows of a span whose size is bounded by nature (folders, devices of an account).
    async fn all(&self, mut span: Span) -> Result<Vec<Row>, Error> {
        let mut out = Vec::new();
        loop {
            let page = self.range(span.read(limits::RANGE_ROWS_MAX)).await?;
            out.extend(page.rows);
            match out.last() {
                Some(last) if page.more => span = span.after(&last.key),
                _ => return Ok(out),
            }
        }
    }

    /// Commits; asks again where the outcome is unknown, so that the answer is known nearly always.
    pub(crate) async fn commit(&self, batch: Batch) -> Result<Seq, Error> {
        for _ in 0..UNKNOWN_RETRIES_MAX {
            if let Some(seq) = known(Box::pin(self.store().commit(batch.clone())).await)? {
                return Ok(seq);
            }
        }
        Err(Error::Busy)
    }

    /// The same, together with a blob that the batch names.
    async fn commit_with_blob(&self, batch: Batch, body: &[u8]) -> Result<Seq, Error> {
        for _ in 0..UNKNOWN_RETRIES_MAX {
            let commit = self.store().commit_with_blob(batch.clone(), body);
            if let Some(seq) = known(Box::pin(commit).await)? {
                return Ok(seq);
            }
        }
        Err(Error::Busy)
    }

    /// Takes `count` numbers in a row from an allocator; returns the first. The batch that uses
    /// them has to carry [`used`] of the last one.
    async fn allocate(&self, scope: Scope, which: u32, count: u32) -> Result<u32, Error> {
        loop {
            if let Some(next) = self.next().get_mut(&(scope, which)) {
                let first = u32::try_from(*next).map_err(|_| Error::Limit)?;
                first.checked_add(count).ok_or(Error::Limit)?;
                *next += u64::from(count);
                return Ok(first);
            }
            let row = self.get(keys::counter(scope, which)).await?;
            let used = row
                .and_then(|row| row.value().try_into().ok())
                .map_or(0, u64::from_be_bytes);
            let first = match which {
                FOLDER_IDS => u64::from(FolderId::FIRST_OWN.0),
                SCOPES if scope == Scope::SYSTEM => Scope::FIRST_ACCOUNT.0,
                _ => 1,
            };
            self.next()
                .entry((scope, which))
                .or_insert_with(|| first.max(used + 1));
        }
    }

    fn next(&self) -> std::sync::MutexGuard<'_, HashMap<(Scope, u32), u64>> {
        // The map is sound after any panic: every change to it is one insertion or addition.
        self.0.next.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The write that makes the use of an allocated number lasting.
fn used(scope: Scope, which: u32, number: u32) -> Write {
    Write::Max(keys::counter(scope, which), number.into())
}

/// The number of a commit; nothing where its outcome is unknown.
fn known(outcome: Result<Committed, CommitError>) -> Result<Option<Seq>, Error> {
    match outcome {
        Ok(committed) => Ok(Some(committed.seq)),
        Err(CommitError::Unknown) => Ok(None),
        Err(e) => Err(e.into()),
    }
}

/// The condition that a row that was read is still the same.
fn unchanged(row: &Row) -> Condition {
    Condition::Equals(row.key.to_vec(), row.version)
}
