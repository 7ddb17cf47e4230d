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

mod batch;
mod fault;
mod head;
pub mod keys;
mod memory;
mod poison;
mod row;
mod wake;

use std::ops::Range;

pub use batch::{Batch, BatchId, BlobId, CommitError, Committed, Condition, Hint, LogEntry, Write};
pub use fault::{Fault, FaultPlan, Rates};
pub use head::Head;
pub use memory::Memory;
pub use row::{Answer, Bytes, Error, Read, Row, Rows};
pub use wake::Wake;

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

/// What every engine does. The running server holds a [`Store`]; this is for the suite that all
/// engines have to pass.
pub trait Engine: Clone + Send + Sync + 'static {
    /// See [`Store::read`].
    fn read(&self, reads: &[Read<'_>]) -> impl Future<Output = Result<Vec<Answer>, Error>> + Send;

    /// See [`Store::commit`].
    fn commit(&self, batch: Batch) -> impl Future<Output = Result<Committed, CommitError>> + Send;

    /// See [`Store::wakes`].
    fn wakes(&self) -> flume::Receiver<Wake>;

    /// See [`Store::put_blob`].
    fn put_blob(&self, body: &[u8]) -> impl Future<Output = Result<BlobId, Error>> + Send;

    /// See [`Store::get_blob`].
    fn get_blob(
        &self,
        id: BlobId,
        range: Range<u64>,
    ) -> impl Future<Output = Result<Bytes, Error>> + Send;

    /// See [`Store::poisoned`].
    fn poisoned(&self) -> flume::Receiver<String>;
}

/// The store: one of the engines. Clones are handles to the same store.
#[derive(Clone)]
pub enum Store {
    /// In memory: tests and simulations.
    Memory(Memory),
}

impl Store {
    /// An empty store in memory.
    #[must_use]
    pub fn memory() -> Self {
        Self::Memory(Memory::new())
    }

    /// Answers all questions from one snapshot, in the order asked.
    ///
    /// # Errors
    /// [`Error::Refused`] for what is beyond the bounds, [`Error::Engine`], [`Error::Corrupt`].
    pub async fn read(&self, reads: &[Read<'_>]) -> Result<Vec<Answer>, Error> {
        match self {
            Self::Memory(engine) => engine.read(reads).await,
        }
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
        }
    }

    /// A new subscription to the wakes, for everything that becomes durable from now on.
    #[must_use]
    pub fn wakes(&self) -> flume::Receiver<Wake> {
        match self {
            Self::Memory(engine) => engine.wakes(),
        }
    }

    /// Stores bytes under their hash, once. Durable when it returns: before a batch names it.
    ///
    /// # Errors
    /// [`Error::Full`], [`Error::Refused`] above [`limits`](crate::limits), [`Error::Engine`].
    pub async fn put_blob(&self, body: &[u8]) -> Result<BlobId, Error> {
        match self {
            Self::Memory(engine) => engine.put_blob(body).await,
        }
    }

    /// The bytes of a blob that lie in `range`; what is beyond its end is left out.
    ///
    /// # Errors
    /// [`Error::NoBlob`], [`Error::Engine`], [`Error::Corrupt`].
    pub async fn get_blob(&self, id: BlobId, range: Range<u64>) -> Result<Bytes, Error> {
        match self {
            Self::Memory(engine) => engine.get_blob(id, range).await,
        }
    }

    /// Gives the reason once, when a write or sync has failed: then the process has to stop.
    #[must_use]
    pub fn poisoned(&self) -> flume::Receiver<String> {
        match self {
            Self::Memory(engine) => engine.poisoned(),
        }
    }
}
