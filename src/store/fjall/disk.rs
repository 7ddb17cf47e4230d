//! What the committer writes to: rows and blobs as one durable fjall batch.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;

use ::fjall::{Database, Keyspace, OwnedWriteBatch, PersistMode, Readable, Slice, Snapshot};

use super::answers::Answers;
use super::keyspaces::Keyspaces;
use crate::store::committer::{BlobRow, Disk};
use crate::store::plan::{Changes, View};
use crate::store::row::{Page, within_kind};
use crate::store::{Answer, Bytes, Error, Read, Row, Rows, keys};

/// Bytes of blobs that go to the journal at a time; the last write syncs them all.
const BLOB_WRITE_BYTES: usize = 8 * 1024 * 1024;
/// With less than this a disk is full.
const FULL_BYTES: u64 = 1024 * 1024;
/// Format of the row with the number of the last group.
const NUMBER_FORMAT: u8 = 1;

/// The database and its keyspaces.
pub(super) struct Tables {
    pub(super) db: Database,
    pub(super) keyspaces: Keyspaces,
}

/// The rows as they were at one moment.
pub(super) struct Moment {
    tables: Arc<Tables>,
    snapshot: Snapshot,
}

/// Words for an error of the engine.
pub(super) fn engine(e: ::fjall::Error) -> Error {
    Error::Engine(e.to_string())
}

impl Tables {
    pub(super) fn moment(self: &Arc<Self>) -> Moment {
        Moment {
            tables: Arc::clone(self),
            snapshot: self.db.snapshot(),
        }
    }

    /// The number of the last durable group; 0 before the first. `None` in a row of a format that
    /// this version does not know.
    pub(super) fn number(&self) -> ::fjall::Result<Option<u64>> {
        let key = keys::commit_number();
        let Some(keyspace) = self.keyspaces.of(&key) else {
            return Ok(None);
        };
        let Some(row) = self.db.snapshot().get(keyspace, &key)? else {
            return Ok(Some(0));
        };
        let number = row.strip_prefix(&[NUMBER_FORMAT]);
        let number = number.and_then(|bytes| bytes.try_into().ok());
        Ok(number.map(u64::from_be_bytes))
    }
}

impl Moment {
    fn keyspace(&self, key: &[u8]) -> Result<&Keyspace, Error> {
        let keyspace = self.tables.keyspaces.of(key);
        keyspace.ok_or(Error::Refused("a key of no kind"))
    }

    /// Answers one question.
    pub(super) fn answer(&self, read: Read<'_>) -> Result<Answer, Error> {
        match read {
            Read::Get(key) => {
                let stored = self.get(key)?;
                let row = stored.map(|stored| Row::from_stored(Bytes::new(key), stored));
                Ok(Answer::Row(row.transpose()?))
            }
            Read::Range {
                from,
                to,
                limit,
                reverse,
            } => self.range(from, to, limit, reverse).map(Answer::Rows),
        }
    }

    fn range(&self, from: &[u8], to: &[u8], limit: usize, reverse: bool) -> Result<Rows, Error> {
        let mut taken = Rows::default();
        let Some((from, to)) = within_kind(from, to) else {
            return Ok(taken);
        };
        let mut rows = self.snapshot.range(self.keyspace(&from)?, from..to);
        let mut page = Page::new(limit);
        while let Some(row) = if reverse {
            rows.next_back()
        } else {
            rows.next()
        } {
            let (key, stored) = row.into_inner().map_err(engine)?;
            if !page.takes(&key, &stored) {
                taken.more = true;
                break;
            }
            taken
                .rows
                .push(Row::from_stored(key.into(), stored.into())?);
        }
        Ok(taken)
    }

    /// Whether a row stands under this key, without reading it.
    pub(super) fn contains(&self, key: &[u8]) -> Result<bool, Error> {
        let keyspace = self.keyspace(key)?;
        self.snapshot.contains_key(keyspace, key).map_err(engine)
    }
}

impl View for Moment {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Error> {
        let stored = self.snapshot.get(self.keyspace(key)?, key);
        Ok(stored.map_err(engine)?.map(Bytes::from))
    }

    fn keys(&self, from: &[u8], to: &[u8], max: usize) -> Result<Vec<Bytes>, Error> {
        let rows = self.snapshot.range(self.keyspace(from)?, from..to);
        let keys = rows.take(max).map(|row| row.key().map(Bytes::from));
        keys.collect::<Result<_, _>>().map_err(engine)
    }
}

/// The writing end, held by the committer alone.
pub(super) struct Writer {
    pub(super) tables: Arc<Tables>,
    /// What does not hold any more once it is written.
    pub(super) answers: Arc<Answers>,
    /// Where the free space counts.
    pub(super) folder: PathBuf,
    /// Bytes that have to remain free.
    pub(super) reserve_bytes: u64,
}

impl Writer {
    /// Writes the blobs but the last few to the journal, without sync, so that no single write is
    /// huge. Gives the batch that the rest belongs into.
    fn blobs(&self, blobs: Vec<BlobRow>) -> ::fjall::Result<OwnedWriteBatch> {
        let keyspace = &self.tables.keyspaces.blobs;
        let (mut batch, mut bytes) = (self.tables.db.batch(), 0);
        for (key, row) in blobs {
            if bytes > BLOB_WRITE_BYTES {
                std::mem::replace(&mut batch, self.tables.db.batch()).commit()?;
                bytes = 0;
            }
            bytes += row.len();
            batch.insert(keyspace, key, Slice::from(row));
        }
        Ok(batch)
    }

    /// A file system that does not tell counts as having room: the write will show.
    fn free_bytes(&self) -> u64 {
        rustix::fs::statvfs(&self.folder)
            .map_or(u64::MAX, |fs| fs.f_bavail.saturating_mul(fs.f_frsize))
    }

    /// Words for a write that failed. The engine does not say why a thread of its own failed.
    fn reason(&self, error: &::fjall::Error) -> String {
        let is_full = match error {
            ::fjall::Error::Io(e) => e.kind() == ErrorKind::StorageFull,
            ::fjall::Error::Poisoned => self.free_bytes() < FULL_BYTES,
            _ => false,
        };
        let full = if is_full { "the disk is full: " } else { "" };
        format!("{full}{error}")
    }

    fn commit(&self, number: u64, blobs: Vec<BlobRow>, rows: Changes) -> ::fjall::Result<()> {
        let mut batch = self.blobs(blobs)?.durability(Some(PersistMode::SyncData));
        let numbered = [&[NUMBER_FORMAT][..], &number.to_be_bytes()].concat();
        let number = (keys::commit_number(), Some(Bytes::from(numbered)));
        let _writing = self.answers.writing(rows.keys());
        for (key, row) in rows.into_iter().chain([number]) {
            // Keys of no kind were refused before.
            let Some(keyspace) = self.tables.keyspaces.of(&key) else {
                continue;
            };
            match row {
                Some(row) => batch.insert(keyspace, key, Slice::from(row)),
                None => batch.remove(keyspace, key),
            }
        }
        batch.commit()
    }
}

impl Disk for Writer {
    type View = Moment;

    fn view(&self) -> Moment {
        self.tables.moment()
    }

    fn has_room(&self) -> bool {
        self.free_bytes() >= self.reserve_bytes
    }

    fn write(&mut self, number: u64, blobs: Vec<BlobRow>, rows: Changes) -> Result<(), String> {
        let written = self.commit(number, blobs, rows);
        written.map_err(|e| self.reason(&e))
    }
}
