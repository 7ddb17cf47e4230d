//! The embedded engine: rows in [fjall](https://docs.rs/fjall), one committer thread in front.
//!
//! In the folder of the store: `db` (the database), `commit-mark` (how far it was, see `mark`),
//! `lock` (held by the process that has the store open).
//!
//! Reads run on the calling thread, from a snapshot. A failed write or sync ends the store: reads
//! go on, every commit is answered [`CommitError::Poisoned`], and the process has to stop.
//!
//! Known of fjall 3.1 and kept away from: `clear()` on a keyspace with separated values breaks the
//! next start, FIFO compaction panics, plain inserts wait for the sync of others, a damaged
//! journal is cut silently (hence the mark), and names of keyspaces are not synced (hence
//! `folder`).
//!
//! Deliberately absent: collecting blobs that no row names any more.

mod blobs;
mod disk;
mod folder;
mod keyspaces;
mod mark;

use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use ::fjall::Database;

use super::committer::{Committer, Shared};
use super::row::check_reads;
use super::wake::{Listener, Wake};
use super::{Answer, Batch, BlobId, Bytes, CommitError, Committed, Error, Read, keys};
use crate::limits;
use disk::{Tables, Writer};
use folder::Layout;
use keyspaces::Keyspaces;

/// Bytes of journals before their rows are forced into tables: bounds the time of a restart.
const JOURNALS_BYTES: u64 = 96 * 1024 * 1024;

/// How to open a store.
#[derive(Clone, Debug)]
pub struct Options {
    /// Bytes of table blocks that are kept in memory.
    pub cache_bytes: u64,
    /// Bytes that have to remain free on the disk; below it commits are answered
    /// [`CommitError::Full`].
    pub reserve_bytes: u64,
    /// Open a store although it has lost commits that were answered.
    pub accept_loss: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cache_bytes: 128 * 1024 * 1024,
            reserve_bytes: limits::DISK_RESERVE_BYTES,
            accept_loss: false,
        }
    }
}

/// Why a store does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process holds the lock.
    #[error("another process has the store in {0} open: stop it first")]
    InUse(PathBuf),
    /// Commits that were answered are missing.
    #[error(
        "the store in {folder} has lost data: it ends with commit {found}, but commit {mark} was \
         written. Its disk or file system has failed. Restore a backup, or start once with \
         the option to accept the loss, which keeps what is left"
    )]
    Lost {
        /// The folder of the store.
        folder: PathBuf,
        /// The last commit that is there.
        found: u64,
        /// The last commit that is known to have been there.
        mark: u64,
    },
    /// Written by a newer version.
    #[error("the store in {0} was written by a newer version of this program")]
    Newer(PathBuf),
    /// A file or folder.
    #[error("the store in {0}: {1}")]
    Io(PathBuf, #[source] io::Error),
    /// The engine.
    #[error("the store in {0} does not open: {1}")]
    Engine(PathBuf, String),
}

/// The fjall engine. Clones are handles to the same store; it closes with the last one, after
/// everything that is queued is written.
#[derive(Clone)]
pub struct Fjall(Arc<Inner>);

// Fields are dropped in this order: first the threads end, then the database closes, then the
// lock is released.
struct Inner {
    committer: Committer,
    _marker: mark::Marker,
    shared: Arc<Shared>,
    tables: Arc<Tables>,
    _lock: File,
}

impl Fjall {
    /// Opens the store in `folder`; makes a new one if there is none.
    ///
    /// # Errors
    /// [`OpenError`]; its text is for the operator.
    pub fn open(folder: &Path, options: &Options) -> Result<Self, OpenError> {
        let layout = Layout::new(folder);
        layout.create_root()?;
        let lock = layout.lock()?;
        let mark = match mark::read(&layout.mark) {
            Err(_) if options.accept_loss => None,
            mark => mark.map_err(|e| layout.io(e))?,
        };
        layout.clear_unborn()?;
        if !layout.db.is_dir() {
            check_mark(&layout, 0, mark, options)?;
            drop(open_tables(&layout.unborn, &layout, options)?);
            layout.bear()?;
        }
        let tables = Arc::new(open_tables(&layout.db, &layout, options)?);
        layout.sync()?;
        let number = tables.number().map_err(|e| failed(&layout, e))?;
        let number = number.ok_or_else(|| OpenError::Newer(layout.root.clone()))?;
        check_mark(&layout, number, mark, options)?;
        mark::write(&layout.mark, number).map_err(|e| layout.io(e))?;
        Self::start(layout, options, lock, tables, number)
    }

    fn start(
        layout: Layout,
        options: &Options,
        lock: File,
        tables: Arc<Tables>,
        number: u64,
    ) -> Result<Self, OpenError> {
        let shared = Arc::new(Shared::default());
        shared.number.store(number, Ordering::Release);
        let writer = Writer {
            tables: Arc::clone(&tables),
            folder: layout.root.clone(),
            reserve_bytes: options.reserve_bytes,
        };
        let committer = Committer::start(writer, Arc::clone(&shared));
        let committer = committer.map_err(|e| layout.io(e))?;
        let marker = mark::Marker::start(layout.mark.clone(), Arc::clone(&shared));
        Ok(Self(Arc::new(Inner {
            committer,
            _marker: marker.map_err(|e| layout.io(e))?,
            shared,
            tables,
            _lock: lock,
        })))
    }

    /// The number of durable writes since the store was made: how well commits are merged.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.0.shared.number.load(Ordering::Acquire)
    }

    /// See [`Store::read`](super::Store::read).
    pub async fn read(&self, reads: &[Read<'_>]) -> Result<Vec<Answer>, Error> {
        check_reads(reads)?;
        let moment = self.0.tables.moment();
        reads.iter().map(|read| moment.answer(*read)).collect()
    }

    /// See [`Store::commit`](super::Store::commit).
    pub async fn commit(&self, batch: Batch) -> Result<Committed, CommitError> {
        batch.check()?;
        self.0.committer.commit(Vec::new(), Some(batch)).await
    }

    /// See [`Store::commit_with_blob`](super::Store::commit_with_blob).
    pub async fn commit_with_blob(
        &self,
        batch: Batch,
        body: &[u8],
    ) -> Result<Committed, CommitError> {
        batch.check()?;
        if body.len() > limits::BLOB_BYTES_MAX {
            return Err(CommitError::TooLarge);
        }
        let poisoned = |e: Error| CommitError::Poisoned(e.to_string());
        let rows = self.blob_rows(BlobId::of(body), body).map_err(poisoned)?;
        self.0.committer.commit(rows, Some(batch)).await
    }

    /// See [`Store::wakes`](super::Store::wakes).
    #[must_use]
    pub fn wakes(&self) -> flume::Receiver<Wake> {
        self.0.shared.subscribers.subscribe()
    }

    /// See [`Store::listen`](super::Store::listen).
    pub fn listen(&self, listener: Listener) {
        self.0.shared.subscribers.listen(listener);
    }

    /// See [`Store::poisoned`](super::Store::poisoned).
    #[must_use]
    pub fn poisoned(&self) -> flume::Receiver<String> {
        self.0.shared.poison.listen()
    }

    /// See [`Store::put_blob`](super::Store::put_blob).
    pub async fn put_blob(&self, body: &[u8]) -> Result<BlobId, Error> {
        if body.len() > limits::BLOB_BYTES_MAX {
            return Err(Error::Refused("a blob is too large"));
        }
        let id = BlobId::of(body);
        let rows = self.blob_rows(id, body)?;
        if !rows.is_empty() {
            let written = self.0.committer.commit(rows, None).await;
            written.map_err(|e| match e {
                CommitError::Full => Error::Full,
                other => Error::Engine(other.to_string()),
            })?;
        }
        Ok(id)
    }

    /// The rows that a blob needs; none if it is there (what can be seen is durable).
    fn blob_rows(&self, id: BlobId, body: &[u8]) -> Result<Vec<super::committer::BlobRow>, Error> {
        if self.0.tables.moment().contains(&keys::blob(id))? {
            return Ok(Vec::new());
        }
        Ok(blobs::rows(id, body))
    }

    /// See [`Store::get_blob`](super::Store::get_blob).
    pub async fn get_blob(&self, id: BlobId, range: Range<u64>) -> Result<Bytes, Error> {
        blobs::read(&self.0.tables.moment(), id, range)
    }
}

fn open_tables(path: &Path, layout: &Layout, options: &Options) -> Result<Tables, OpenError> {
    let open = || {
        let db = Database::builder(path)
            .worker_threads(1)
            .cache_size(options.cache_bytes)
            .max_journaling_size(JOURNALS_BYTES)
            .open()?;
        let keyspaces = Keyspaces::open(&db)?;
        Ok(Tables { db, keyspaces })
    };
    open().map_err(|e| failed(layout, e))
}

fn failed(layout: &Layout, error: ::fjall::Error) -> OpenError {
    match error {
        ::fjall::Error::Locked => OpenError::InUse(layout.root.clone()),
        ::fjall::Error::Io(e) => layout.io(e),
        e => OpenError::Engine(layout.root.clone(), e.to_string()),
    }
}

fn check_mark(
    layout: &Layout,
    found: u64,
    mark: Option<u64>,
    options: &Options,
) -> Result<(), OpenError> {
    match mark {
        Some(mark) if found < mark && !options.accept_loss => Err(OpenError::Lost {
            folder: layout.root.clone(),
            found,
            mark,
        }),
        _ => Ok(()),
    }
}
