//! Which kind of key lives in which keyspace.
//!
//! Few keyspaces, never one per user: each costs tens of milliseconds to create and to open. Rows
//! that are written and read together share one; what has a life of its own has its own.

use ::fjall::{Database, Keyspace, KeyspaceCreateOptions, KvSeparationOptions};

use crate::store::keys::Kind;

/// Bytes of rows in memory before they are written as a table.
pub(super) const MEMTABLE_BYTES: u64 = 16 * 1024 * 1024;
/// Values from this size on are stored apart from their keys in the keyspace of blobs.
const SEPARATED_BYTES: u32 = 4 * 1024;

/// The keyspaces of a database.
#[derive(Clone)]
pub(super) struct Keyspaces {
    /// Accounts and what is theirs, counters, folders, devices, heads: small and hot.
    small: Keyspace,
    items: Keyspace,
    changes: Keyspace,
    dates: Keyspace,
    words: Keyspace,
    /// Sync states and the outcomes of what was sent or delivered: rewritten with every request.
    sync: Keyspace,
    queue: Keyspace,
    /// Message bodies, values apart from keys.
    pub(super) blobs: Keyspace,
}

impl Keyspaces {
    /// Opens all of them; creates those that are not there.
    pub(super) fn open(db: &Database, memtable_bytes: u64) -> ::fjall::Result<Self> {
        let rows = || KeyspaceCreateOptions::default().max_memtable_size(memtable_bytes);
        let separated = KvSeparationOptions::default().separation_threshold(SEPARATED_BYTES);
        Ok(Self {
            small: db.keyspace("small", rows)?,
            items: db.keyspace("items", rows)?,
            changes: db.keyspace("changes", rows)?,
            dates: db.keyspace("dates", rows)?,
            words: db.keyspace("words", rows)?,
            sync: db.keyspace("sync", rows)?,
            queue: db.keyspace("queue", rows)?,
            blobs: db.keyspace("blobs", || rows().with_kv_separation(Some(separated)))?,
        })
    }

    /// Where a key lives.
    pub(super) fn of(&self, key: &[u8]) -> Option<&Keyspace> {
        Some(match Kind::of(key)? {
            Kind::Name
            | Kind::Account
            | Kind::Person
            | Kind::Certificates
            | Kind::Counter
            | Kind::Folder
            | Kind::Device
            | Kind::DeviceId
            | Kind::Own
            | Kind::Secret
            | Kind::Head => &self.small,
            Kind::Item => &self.items,
            Kind::Change => &self.changes,
            Kind::Date => &self.dates,
            Kind::Words => &self.words,
            Kind::Sync | Kind::Sent | Kind::Delivered => &self.sync,
            Kind::Queue | Kind::Notice => &self.queue,
            Kind::Blob => &self.blobs,
        })
    }
}
