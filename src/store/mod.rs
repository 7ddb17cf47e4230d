//! The ordered key-value engine behind everything that lasts.
//!
//! A [`Batch`] belongs to one [`Scope`] (an account, or a named system scope): it is the unit of
//! ordering and conflict. No transaction spans two scopes, no iterator stays open between calls,
//! and nothing here knows what the rows mean.
//!
//! **Order of events, everywhere:** conditions checked, written, synced, *then* the caller hears of
//! it, *then* the wakes go out. A change is durable before anyone can see it.
//!
//! Deliberately absent: interactive transactions, keyspaces per user.

mod batch;
mod committer;
mod engine;
mod fault;
mod fjall;
mod head;
pub mod keys;
mod memory;
mod plan;
mod poison;
mod row;
mod wake;

use std::ops::Range;
use std::path::Path;

pub use self::fjall::{Fjall, OpenError, Options};
pub use batch::{Batch, BatchId, BlobId, CommitError, Committed, Condition, Hint, LogEntry, Write};
pub use engine::Engine;
pub use fault::{Fault, FaultPlan, Rates};
pub use head::Head;
pub use memory::Memory;
pub use row::{Answer, Bytes, Error, Read, Row, Rows};
pub use wake::{Listener, Wake};

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

/// The store: one of the engines. Clones are handles to the same store.
#[derive(Clone)]
pub enum Store {
    /// In memory: tests and simulations.
    Memory(Memory),
    /// Embedded, on disk.
    Fjall(Fjall),
}

impl Store {
    /// An empty store in memory.
    #[must_use]
    pub fn memory() -> Self {
        Self::Memory(Memory::new())
    }

    /// Opens the store in a folder, or makes a new one there. The store closes when the last
    /// handle is dropped; what is queued by then is written.
    ///
    /// # Errors
    /// [`OpenError`], whose text is for the operator.
    pub fn open(folder: &Path, options: &Options) -> Result<Self, OpenError> {
        Fjall::open(folder, options).map(Self::Fjall)
    }

    /// Answers all questions from one snapshot, in the order asked.
    ///
    /// # Errors
    /// [`Error::Refused`] for what is beyond the bounds, [`Error::Engine`], [`Error::Corrupt`].
    pub async fn read(&self, reads: &[Read<'_>]) -> Result<Vec<Answer>, Error> {
        match self {
            Self::Memory(engine) => engine.read(reads).await,
            Self::Fjall(engine) => engine.read(reads).await,
        }
    }

    /// The row under a key, if there is one.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub async fn get(&self, key: &[u8]) -> Result<Option<Row>, Error> {
        let answers = self.read(&[Read::Get(key)]).await?;
        Ok(answers.into_iter().next().and_then(Answer::into_row))
    }

    /// The rows of one range; see [`keys::Span`] for how to ask and to go on.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub async fn range(&self, read: Read<'_>) -> Result<Rows, Error> {
        let answers = self.read(&[read]).await?;
        let rows = answers.into_iter().next().map(Answer::into_rows);
        Ok(rows.unwrap_or_default())
    }

    /// How far a scope is.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub async fn head(&self, scope: Scope) -> Result<Head, Error> {
        let row = self.get(&keys::head(scope)).await?;
        row.map_or_else(|| Ok(Head::default()), |row| Head::decode(row.value()))
    }

    /// Applies `batch` if every condition holds. Returns when it survives a power loss.
    ///
    /// A batch whose id is among the last few of its scope is answered as committed again, and
    /// not applied twice. Dropping the future does not take the batch back.
    ///
    /// # Errors
    /// Nothing of the batch is written, except with [`CommitError::Unknown`] and
    /// [`CommitError::Poisoned`], where it may be.
    pub async fn commit(&self, batch: Batch) -> Result<Committed, CommitError> {
        match self {
            Self::Memory(engine) => engine.commit(batch).await,
            Self::Fjall(engine) => engine.commit(batch).await,
        }
    }

    /// Commits a batch together with the blob that it names, in one sync. The blob may be there
    /// afterwards even if the batch is refused; it does no harm.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub async fn commit_with_blob(
        &self,
        batch: Batch,
        body: &[u8],
    ) -> Result<Committed, CommitError> {
        match self {
            Self::Memory(engine) => engine.commit_with_blob(batch, body).await,
            Self::Fjall(engine) => engine.commit_with_blob(batch, body).await,
        }
    }

    /// A new subscription to the wakes, for everything that becomes durable from now on.
    #[must_use]
    pub fn wakes(&self) -> flume::Receiver<Wake> {
        match self {
            Self::Memory(engine) => engine.wakes(),
            Self::Fjall(engine) => engine.wakes(),
        }
    }

    /// Tells `listener` of every group of commits from now on, on the thread that made it durable:
    /// it must not block, and hears everything.
    pub fn listen(&self, listener: Listener) {
        match self {
            Self::Memory(engine) => engine.listen(listener),
            Self::Fjall(engine) => engine.listen(listener),
        }
    }

    /// Stores bytes under their hash, once. Durable when it returns: before a batch names it.
    ///
    /// # Errors
    /// [`Error::Full`], [`Error::Refused`] above [`limits`](crate::limits), [`Error::Engine`].
    pub async fn put_blob(&self, body: &[u8]) -> Result<BlobId, Error> {
        match self {
            Self::Memory(engine) => engine.put_blob(body).await,
            Self::Fjall(engine) => engine.put_blob(body).await,
        }
    }

    /// The bytes of a blob that lie in `range`; what is beyond its end is left out.
    ///
    /// # Errors
    /// [`Error::NoBlob`], [`Error::Engine`], [`Error::Corrupt`].
    pub async fn get_blob(&self, id: BlobId, range: Range<u64>) -> Result<Bytes, Error> {
        match self {
            Self::Memory(engine) => engine.get_blob(id, range).await,
            Self::Fjall(engine) => engine.get_blob(id, range).await,
        }
    }

    /// Gives the reason once, when a write or sync has failed: then the process has to stop.
    #[must_use]
    pub fn poisoned(&self) -> flume::Receiver<String> {
        match self {
            Self::Memory(engine) => engine.poisoned(),
            Self::Fjall(engine) => engine.poisoned(),
        }
    }
}
