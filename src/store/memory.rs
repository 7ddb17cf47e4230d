//! The store in memory: the reference for every other engine, and the simulation's.
//!
//! It checks every bound on every call, does everything in the order of the calls, and fails as
//! its [`FaultPlan`] says. What a commit has applied counts as durable: [`Memory::crash`] gives
//! the store as a restarted process would find it.
//!
//! Deliberately absent: threads, the clock, and code shared with the committer of the engines
//! that write to disk (they are compared with each other).

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::ops::{Bound, Range};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use super::fault::{Fault, FaultPlan};
use super::poison::Poison;
use super::row::{Page, VERSION_BYTES, check_reads, stored_version, to_stored, within_kind};
use super::wake::{Listener, Subscribers, Wake};
use super::{
    Answer, Batch, BlobId, Bytes, CommitError, Committed, Error, Head, Read, Row, Rows, Seq, Write,
    keys,
};
use crate::limits;

/// The memory engine. Clones are handles to the same store.
#[derive(Clone, Default)]
pub struct Memory(Arc<Inner>);

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
    subscribers: Subscribers,
    poison: Poison,
}

#[derive(Default)]
struct State {
    stored: Stored,
    plan: FaultPlan,
    commits: u64,
    blobs: u64,
    crashed: bool,
}

/// What survives a crash.
#[derive(Clone, Default)]
struct Stored {
    rows: BTreeMap<Vec<u8>, Bytes>,
    blobs: BTreeMap<BlobId, Bytes>,
}

impl Memory {
    /// An empty store without faults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a plan of faults. Commits and blobs go on being counted from the store's beginning.
    pub fn inject(&self, plan: FaultPlan) {
        self.lock().plan = plan;
    }

    /// How many commits were asked for so far, those that failed included.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.lock().commits
    }

    /// How many blobs were put so far, those that failed included.
    #[must_use]
    pub fn blobs(&self) -> u64 {
        self.lock().blobs
    }

    /// Ends this store as a kill would, and gives the one that a restart finds.
    #[must_use]
    pub fn crash(&self) -> Self {
        self.lock().crashed = true;
        self.0.poison.set("crashed");
        self.snapshot()
    }

    /// A store of its own with the same rows: what a crash at this moment would leave.
    #[must_use]
    pub fn snapshot(&self) -> Self {
        let stored = self.lock().stored.clone();
        let copy = Self::new();
        copy.lock().stored = stored;
        copy
    }

    /// All rows with their versions in front, in order: to compare two stores.
    #[must_use]
    pub fn rows(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let state = self.lock();
        let rows = state.stored.rows.iter();
        rows.map(|(key, stored)| (key.clone(), stored.to_vec()))
            .collect()
    }

    /// See [`Store::read`](super::Store::read).
    pub async fn read(&self, reads: &[Read<'_>]) -> Result<Vec<Answer>, Error> {
        check_reads(reads)?;
        let state = self.lock();
        if state.crashed {
            return Err(Error::Engine("crashed".into()));
        }
        reads.iter().map(|read| state.answer(*read)).collect()
    }

    /// See [`Store::commit`](super::Store::commit).
    pub async fn commit(&self, batch: Batch) -> Result<Committed, CommitError> {
        self.submit(batch, None).await
    }

    /// See [`Store::commit_with_blob`](super::Store::commit_with_blob).
    pub async fn commit_with_blob(
        &self,
        batch: Batch,
        body: &[u8],
    ) -> Result<Committed, CommitError> {
        if body.len() > limits::BLOB_BYTES_MAX {
            return Err(CommitError::TooLarge);
        }
        self.submit(batch, Some(body)).await
    }

    async fn submit(&self, batch: Batch, body: Option<&[u8]>) -> Result<Committed, CommitError> {
        batch.check()?;
        self.0.poison.check()?;
        let fault = self.lock().next_commit();
        match fault {
            Some(Fault::Full) => return Err(CommitError::Full),
            Some(Fault::Conflict) => return Err(CommitError::Conflict),
            Some(Fault::Lost) => return Err(CommitError::Unknown),
            Some(Fault::Poisoned) => self.0.poison.set("planned fault"),
            Some(Fault::Late(polls)) => wait(polls).await,
            Some(Fault::AckLost) | None => {}
        }
        let committed = self.apply(&batch, body)?;
        match fault {
            Some(Fault::AckLost) => Err(CommitError::Unknown),
            _ => Ok(committed),
        }
    }

    fn apply(&self, batch: &Batch, body: Option<&[u8]>) -> Result<Committed, CommitError> {
        self.0.poison.check()?;
        let mut state = self.lock();
        if let Some(body) = body {
            state.stored.put_blob(body);
        }
        let committed = state.stored.apply(batch)?;
        drop(state);
        let wake = Wake::of(batch, committed);
        self.0.subscribers.publish(wake.as_slice());
        Ok(committed)
    }

    /// See [`Store::wakes`](super::Store::wakes).
    #[must_use]
    pub fn wakes(&self) -> flume::Receiver<Wake> {
        self.0.subscribers.subscribe()
    }

    /// See [`Store::listen`](super::Store::listen).
    pub fn listen(&self, listener: Listener) {
        self.0.subscribers.listen(listener);
    }

    /// See [`Store::poisoned`](super::Store::poisoned).
    #[must_use]
    pub fn poisoned(&self) -> flume::Receiver<String> {
        self.0.poison.listen()
    }

    /// See [`Store::put_blob`](super::Store::put_blob).
    pub async fn put_blob(&self, body: &[u8]) -> Result<BlobId, Error> {
        if body.len() > limits::BLOB_BYTES_MAX {
            return Err(Error::Refused("a blob is too large"));
        }
        let poisoned = |e: CommitError| Error::Engine(e.to_string());
        self.0.poison.check().map_err(poisoned)?;
        let fault = self.lock().next_blob();
        let lost = || Error::Engine("the outcome is unknown".into());
        match fault {
            Some(Fault::Full) => return Err(Error::Full),
            Some(Fault::Lost) => return Err(lost()),
            Some(Fault::Poisoned) => self.0.poison.set("planned fault"),
            Some(Fault::Late(polls)) => wait(polls).await,
            Some(Fault::Conflict | Fault::AckLost) | None => {}
        }
        self.0.poison.check().map_err(poisoned)?;
        let id = self.lock().stored.put_blob(body);
        match fault {
            Some(Fault::AckLost) => Err(lost()),
            _ => Ok(id),
        }
    }

    /// See [`Store::get_blob`](super::Store::get_blob).
    pub async fn get_blob(&self, id: BlobId, range: Range<u64>) -> Result<Bytes, Error> {
        let state = self.lock();
        if state.crashed {
            return Err(Error::Engine("crashed".into()));
        }
        let blob = state.stored.blobs.get(&id).ok_or(Error::NoBlob)?;
        let at = |n: u64| usize::try_from(n).unwrap_or(usize::MAX).min(blob.len());
        let (from, to) = (at(range.start), at(range.end));
        Ok(blob.slice(from..to.max(from)))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets others run first, `polls` times.
async fn wait(polls: u32) {
    let mut left = polls;
    poll_fn(|cx| match left.checked_sub(1) {
        Some(rest) => {
            left = rest;
            cx.waker().wake_by_ref();
            Poll::Pending
        }
        None => Poll::Ready(()),
    })
    .await;
}

impl State {
    fn next_commit(&mut self) -> Option<Fault> {
        self.commits += 1;
        self.plan.of_commit(self.commits)
    }

    fn next_blob(&mut self) -> Option<Fault> {
        self.blobs += 1;
        self.plan.of_blob(self.blobs)
    }

    fn answer(&self, read: Read<'_>) -> Result<Answer, Error> {
        match read {
            Read::Get(key) => {
                let stored = self.stored.rows.get(key);
                let row = stored.map(|stored| Row::from_stored(Bytes::new(key), stored.clone()));
                Ok(Answer::Row(row.transpose()?))
            }
            Read::Range {
                from,
                to,
                limit,
                reverse,
            } => {
                let limit = self.plan.range_rows(limit);
                let rows = self.stored.range(from, to);
                if reverse {
                    page(rows.rev(), limit).map(Answer::Rows)
                } else {
                    page(rows, limit).map(Answer::Rows)
                }
            }
        }
    }
}

fn page<'a>(
    rows: impl Iterator<Item = (&'a Vec<u8>, &'a Bytes)>,
    limit: usize,
) -> Result<Rows, Error> {
    let mut page = Page::new(limit);
    let mut taken = Rows::default();
    for (key, stored) in rows {
        if !page.takes(key, stored) {
            taken.more = true;
            break;
        }
        let row = Row::from_stored(Bytes::new(key), stored.clone())?;
        taken.rows.push(row);
    }
    Ok(taken)
}

impl Stored {
    fn range(&self, from: &[u8], to: &[u8]) -> impl DoubleEndedIterator<Item = (&Vec<u8>, &Bytes)> {
        let span = within_kind(from, to);
        let rows = span.map(|(from, to)| {
            self.rows
                .range::<[u8], _>((Bound::Included(&*from), Bound::Excluded(&*to)))
        });
        rows.into_iter().flatten()
    }

    fn put_blob(&mut self, body: &[u8]) -> BlobId {
        let id = BlobId::of(body);
        let bytes = || Bytes::new(body);
        self.blobs.entry(id).or_insert_with(bytes);
        id
    }

    fn version(&self, key: &[u8]) -> Option<Seq> {
        self.rows.get(key).and_then(|row| stored_version(row).ok())
    }

    fn head(&self, batch: &Batch) -> Result<Head, CommitError> {
        let Some(row) = self.rows.get(&keys::head(batch.scope)) else {
            return Ok(Head::default());
        };
        let value = row.get(VERSION_BYTES..).unwrap_or_default();
        Head::decode(value).map_err(|e| CommitError::Poisoned(e.to_string()))
    }

    fn apply(&mut self, batch: &Batch) -> Result<Committed, CommitError> {
        let head = self.head(batch)?;
        if let Some(seq) = head.committed(batch.id) {
            return Ok(Committed { seq });
        }
        let mut conditions = batch.conditions.iter();
        if !conditions.all(|c| c.holds(self.version(c.key()))) {
            return Err(CommitError::Conflict);
        }
        let removed = batch.writes.iter().map(|write| match write {
            Write::DeleteRange(from, to) => self.range(from, to).count(),
            _ => 0,
        });
        if removed.sum::<usize>() > limits::DELETE_RANGE_ROWS_MAX {
            return Err(CommitError::TooLarge);
        }
        let head = head.next(batch.id);
        let seq = head.seq;
        for write in &batch.writes {
            self.write(write, seq);
        }
        for entry in &batch.log {
            self.put(entry.key(seq), seq, &entry.value);
        }
        self.put(keys::head(batch.scope), seq, &head.encode());
        Ok(Committed { seq })
    }

    fn write(&mut self, write: &Write, seq: Seq) {
        match write {
            Write::Put(key, value) => self.put(key.clone(), seq, value),
            Write::Delete(key) => drop(self.rows.remove(key)),
            Write::DeleteRange(from, to) => {
                let keys: Vec<_> = self.range(from, to).map(|(key, _)| key.clone()).collect();
                for key in &keys {
                    self.rows.remove(key);
                }
            }
            Write::Max(key, n) => {
                let stands = self.rows.get(key).and_then(|row| row.get(VERSION_BYTES..));
                let stands = stands.and_then(|value| value.try_into().ok());
                if stands
                    .map(u64::from_be_bytes)
                    .is_none_or(|stands| stands < *n)
                {
                    self.put(key.clone(), seq, &n.to_be_bytes());
                }
            }
        }
    }

    fn put(&mut self, key: Vec<u8>, seq: Seq, value: &[u8]) {
        self.rows.insert(key, to_stored(seq, value));
    }
}
