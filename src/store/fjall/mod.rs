//! The embedded engine: rows in [fjall](https://docs.rs/fjall), one committer thread in front.
//!
//! In the folder of the store: `db` (the database), `commit-mark` (how far it was, see `mark`),
//! `lock` (held by the process that has the store open).
//!
//! Reads are answered out of [`answers`] where these still hold; else from a snapshot: on the calling
//! thread what is [`warm`], on a reader's what may lie on the disk. A failed write or sync ends the
//! store: reads go on, every commit is answered [`CommitError::Poisoned`], and the process has to stop.
//!
//! Known of fjall 3.1 and kept away from: `clear()` on a keyspace with separated values breaks the
//! next start, FIFO compaction panics, plain inserts wait for the sync of others, a damaged
//! journal is cut silently (hence the mark), and names of keyspaces are not synced (hence
//! `folder`). Not to be kept away from: the names of files with separated values are not synced
//! either. ext4, XFS and btrfs let the name of a new file last with the sync of the file.
//!
//! Deliberately absent: collecting blobs that no row names any more.

mod answers;
mod blobs;
mod disk;
mod folder;
mod keyspaces;
mod mark;
mod warm;

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
use crate::clock::Clock;
use crate::limits;
use crate::work::{self, Pool};
use answers::Answers;
use disk::{Tables, Writer};
use folder::Layout;
use keyspaces::Keyspaces;
use warm::Warm;

/// Bytes of journals before their rows are forced into tables: bounds the time of a restart.
const JOURNALS_BYTES: u64 = 96 * 1024 * 1024;

/// Threads that read what may lie on the disk.
const READERS: usize = 2;
/// Bytes of a blob that are read on a core, where they are warm.
const BLOB_BYTES_ON_CORE: u64 = 64 * 1024;

/// A question whose keys may go to another thread.
enum OwnedRead {
    Get(Vec<u8>),
    Range {
        from: Vec<u8>,
        to: Vec<u8>,
        limit: usize,
        reverse: bool,
    },
}

impl OwnedRead {
    fn of(read: &Read<'_>) -> Self {
        match *read {
            Read::Get(key) => Self::Get(key.to_vec()),
            Read::Range {
                from,
                to,
                limit,
                reverse,
            } => Self::Range {
                from: from.to_vec(),
                to: to.to_vec(),
                limit,
                reverse,
            },
        }
    }

    fn as_read(&self) -> Read<'_> {
        match self {
            Self::Get(key) => Read::Get(key),
            Self::Range {
                from,
                to,
                limit,
                reverse,
            } => Read::Range {
                from,
                to,
                limit: *limit,
                reverse: *reverse,
            },
        }
    }
}

/// How to open a store.
#[derive(Clone, Debug)]
pub struct Options {
    /// Bytes of table blocks that are kept in memory.
    pub cache_bytes: u64,
    /// Bytes of answers that are kept in memory as long as they hold.
    pub answers_bytes: u64,
    /// Bytes that have to remain free on the disk; below it commits are answered
    /// [`CommitError::Full`].
    pub reserve_bytes: u64,
    /// Open a store although it has lost commits that were answered.
    pub accept_loss: bool,
    /// Bytes of rows that a keyspace has in memory before they become a table; settled when the
    /// store is made.
    pub memtable_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cache_bytes: 128 * 1024 * 1024,
            answers_bytes: 64 * 1024 * 1024,
            reserve_bytes: limits::DISK_RESERVE_BYTES,
            accept_loss: false,
            memtable_bytes: keyspaces::MEMTABLE_BYTES,
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
    /// For what may lie on the disk.
    readers: Pool,
    warm: Arc<Warm>,
    answers: Arc<Answers>,
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
        let marked = match mark::write(&layout.mark, number) {
            Ok(()) => Some(number),
            // What is there can be read at least; the mark follows once there is room.
            Err(e) if e.kind() == io::ErrorKind::StorageFull => None,
            Err(e) => return Err(layout.io(e)),
        };
        Self::start(layout, options, lock, tables, number, marked)
    }

    fn start(
        layout: Layout,
        options: &Options,
        lock: File,
        tables: Arc<Tables>,
        number: u64,
        marked: Option<u64>,
    ) -> Result<Self, OpenError> {
        let shared = Arc::new(Shared::default());
        shared.number.store(number, Ordering::Release);
        let answers = Arc::new(Answers::new(options.answers_bytes));
        let writer = Writer {
            tables: Arc::clone(&tables),
            answers: Arc::clone(&answers),
            folder: layout.root.clone(),
            reserve_bytes: options.reserve_bytes,
        };
        let committer = Committer::start(writer, Arc::clone(&shared));
        let committer = committer.map_err(|e| layout.io(e))?;
        let marker = mark::Marker::start(layout.mark.clone(), Arc::clone(&shared), marked);
        Ok(Self(Arc::new(Inner {
            committer,
            _marker: marker.map_err(|e| layout.io(e))?,
            shared,
            readers: Pool::named("reader", READERS).map_err(|e| layout.io(e))?,
            warm: Arc::new(Warm::new(Clock::system())),
            answers,
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
        let asked = match self.0.answers.find(reads) {
            Ok(found) => return Ok(found),
            Err(asked) => asked,
        };
        if self.0.warm.are(reads) {
            let moment = self.0.tables.moment();
            let answers = reads.iter().map(|read| moment.answer(*read));
            let answers = answers.collect::<Result<Vec<_>, _>>()?;
            self.0.answers.keep(asked, reads.iter().copied(), &answers);
            return Ok(answers);
        }
        let owned: Vec<OwnedRead> = reads.iter().map(OwnedRead::of).collect();
        let (tables, warm) = (Arc::clone(&self.0.tables), Arc::clone(&self.0.warm));
        let keeper = Arc::clone(&self.0.answers);
        // Boxed: so that who reads what is warm, as nearly everybody does, is not the larger for it.
        let cold = self.elsewhere(move || {
            let moment = tables.moment();
            let reads = || owned.iter().map(OwnedRead::as_read);
            let answers = reads().map(|read| moment.answer(read));
            let answers = answers.collect::<Result<Vec<_>, _>>()?;
            warm.mark(reads());
            keeper.keep(asked, reads(), &answers);
            Ok(answers)
        });
        Box::pin(cold).await
    }

    /// Reads on one of the engine's readers.
    async fn elsewhere<T: Send + 'static>(
        &self,
        read: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        match self.0.readers.run_in_turn(read).await {
            Ok(answer) => answer,
            Err(work::Error::Busy) => Err(Error::Full),
            Err(work::Error::Panicked) => Err(Error::Engine("a reader panicked".into())),
        }
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
        let len = range.end.saturating_sub(range.start);
        if len <= BLOB_BYTES_ON_CORE && self.0.warm.is(&keys::blob(id)) {
            return blobs::read(&self.0.tables.moment(), id, range);
        }
        let (tables, warm) = (Arc::clone(&self.0.tables), Arc::clone(&self.0.warm));
        let cold = self.elsewhere(move || {
            let blob = blobs::read(&tables.moment(), id, range);
            warm.mark(std::iter::once(Read::Get(&keys::blob(id))));
            blob
        });
        Box::pin(cold).await
    }
}

fn open_tables(path: &Path, layout: &Layout, options: &Options) -> Result<Tables, OpenError> {
    let open = || {
        let db = Database::builder(path)
            .worker_threads(1)
            .cache_size(options.cache_bytes)
            .max_journaling_size(JOURNALS_BYTES)
            .open()?;
        let keyspaces = Keyspaces::open(&db, options.memtable_bytes)?;
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

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::store::Scope;

    #[test]
    fn a_core_reads_what_is_warm_and_hands_over_what_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let store = Fjall::open(folder.path(), &Options::default()).unwrap();
        let (go, gate) = flume::unbounded::<()>();
        // All readers are busy with a slow disk.
        let mut cx = Context::from_waker(Waker::noop());
        let mut slow: Vec<_> = (0..READERS)
            .map(|_| {
                let gate = gate.clone();
                Box::pin(store.elsewhere(move || gate.recv().map_err(|_| Error::Full)))
            })
            .collect();
        for read in &mut slow {
            assert!(read.as_mut().poll(&mut cx).is_pending());
        }
        // An item: its answers are not kept.
        let key = keys::item(Scope(16), 2, 1);
        let reads = [Read::Get(&key)];
        let mut cold = pin!(store.read(&reads));
        assert!(cold.as_mut().poll(&mut cx).is_pending());
        // It is not warm before it was read.
        let mut second = Box::pin(store.read(&reads));
        assert!(second.as_mut().poll(&mut cx).is_pending());
        drop((go, second));
        assert_eq!(work::block_on(cold).unwrap().len(), 1);
        let mut warm = pin!(store.read(&reads));
        assert!(matches!(warm.as_mut().poll(&mut cx), Poll::Ready(Ok(_))));
    }
}
