//! A transaction: changes of one account that become durable together, or not at all.
//!
//! It is computed from rows that were read before; the commit checks that they are the same still.
//! A transaction is bounded: whoever changes many items asks [`Tx::is_full`] and begins another.

use std::collections::HashSet;

use super::log::{self, By};
use super::words::{Entry, words_key};
use super::{Error, FolderId, FolderRow, ITEM_IDS, ItemId, ItemRow, Mailbox, Place};
use super::{unchanged, used};
use crate::clock::UnixMs;
use crate::limits;
use crate::store::{Batch, Condition, Hint, Scope, Seq, Write, keys};

/// Writes that one change of an item makes at most: a move takes an item, its place, its words and its
/// entry from one folder, puts the four and a tombstone, and the mark of the item numbers.
const WRITES_PER_CHANGE: usize = 10;
/// What is left free in a full transaction, for the sync state that goes with it.
const SPARE_WRITES: usize = 64;
/// The same in bytes: a large item with its words, a state, and the parts of the set that it names.
const SPARE_BYTES: usize = 320 * 1024;

/// Changes of one account, to be committed together.
#[must_use = "a transaction does nothing until it is committed"]
pub struct Tx {
    mailbox: Mailbox,
    by: By,
    now_ms: UnixMs,
    batch: Batch,
    bytes: usize,
    touched: HashSet<(FolderId, ItemId)>,
    folders: HashSet<FolderId>,
    last_id: Option<ItemId>,
}

impl Mailbox {
    /// Begins a transaction in the account `scope`, on behalf of `by`.
    pub fn transaction(&self, scope: Scope, by: By) -> Tx {
        Tx {
            mailbox: self.clone(),
            by,
            now_ms: self.clock().now_ms(),
            batch: Batch::new(scope),
            bytes: 0,
            touched: HashSet::new(),
            folders: HashSet::new(),
            last_id: None,
        }
    }
}

impl Tx {
    /// The account.
    #[must_use]
    pub fn scope(&self) -> Scope {
        self.batch.scope
    }

    /// Nothing was changed yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.batch.writes.is_empty() && self.batch.log.is_empty()
    }

    /// Commit before the next change: another one might not fit.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let writes = self.batch.writes.len() + self.batch.log.len();
        writes + WRITES_PER_CHANGE + SPARE_WRITES > limits::BATCH_WRITES_MAX
            || self.batch.conditions.len() + 4 > limits::BATCH_CONDITIONS_MAX
            || self.bytes + SPARE_BYTES > limits::BATCH_BYTES_MAX
    }

    /// Beside the next change so many bytes more fit.
    pub(super) fn has_room_for(&self, bytes: usize) -> bool {
        self.bytes + bytes + SPARE_BYTES <= limits::BATCH_BYTES_MAX
    }

    /// This item was changed in here already: commit, and read it again, before the next change.
    #[must_use]
    pub fn has_touched(&self, folder: FolderId, item: ItemId) -> bool {
        self.touched.contains(&(folder, item))
    }

    /// Puts a new item into `folder`; returns its number.
    ///
    /// # Errors
    /// [`Error::TooLarge`] for a record beyond [`limits::VALUE_BYTES_MAX`]; the store's.
    pub async fn add(
        &mut self,
        folder: &FolderRow,
        entry: impl Into<Entry<'_>>,
    ) -> Result<ItemId, Error> {
        let entry = entry.into();
        let place = Place::of(entry.record);
        let stored = checked(entry.record.to_stored(place.date_ms)?)?;
        let item = self.new_id().await?;
        self.put_new(folder, item, stored, place, self.by);
        self.put_words(folder.id.0, item.0, place, entry.words());
        Ok(item)
    }

    /// Replaces the record of an item.
    ///
    /// # Errors
    /// [`Error::TooLarge`] as [`Tx::add`]; [`Error::Conflict`] if it [`Tx::has_touched`] it.
    pub fn update<'a>(&mut self, row: &ItemRow, entry: impl Into<Entry<'a>>) -> Result<(), Error> {
        self.touch(row.folder, row.item)?;
        let entry = entry.into();
        let (old, new) = (row.place(), Place::of(entry.record));
        let stored = checked(entry.record.to_stored(new.date_ms)?)?;
        let (scope, folder, item) = (self.scope(), row.folder.0, row.item.0);
        self.batch.conditions.push(unchanged(row.row()));
        if old.date_ms != new.date_ms {
            self.write(Write::Delete(keys::date(scope, folder, old.date_ms, item)));
        }
        if old != new {
            let key = keys::date(scope, folder, new.date_ms, item);
            self.write(Write::Put(key, new.to_value()));
        }
        self.change_words(row, &entry, new);
        self.write(Write::Put(keys::item(scope, folder, item), stored));
        let old_entry = keys::change(scope, folder, row.version(), item);
        self.write(Write::Delete(old_entry));
        self.log(row.folder, row.item, false, self.by);
        Ok(())
    }

    /// Deletes an item for good. Its tombstone stays until every device is past it.
    ///
    /// # Errors
    /// [`Error::Conflict`] if it [`Tx::has_touched`] it.
    pub fn delete(&mut self, row: &ItemRow) -> Result<(), Error> {
        self.touch(row.folder, row.item)?;
        let (scope, folder, item) = (self.scope(), row.folder.0, row.item.0);
        self.batch.conditions.push(unchanged(row.row()));
        self.write(Write::Delete(keys::item(scope, folder, item)));
        let date_ms = row.place().date_ms;
        self.write(Write::Delete(keys::date(scope, folder, date_ms, item)));
        self.write(Write::Delete(words_key(scope, row)));
        let old_entry = keys::change(scope, folder, row.version(), item);
        self.write(Write::Delete(old_entry));
        self.log(row.folder, row.item, true, self.by);
        Ok(())
    }

    /// Moves an item into another folder, unchanged; returns its new number. For the target folder
    /// it is new to every device, also the one that moves it.
    ///
    /// # Errors
    /// [`Error::Conflict`] if it [`Tx::has_touched`] it; the store's.
    pub async fn move_to(&mut self, row: &ItemRow, to: &FolderRow) -> Result<ItemId, Error> {
        self.move_as(row, to, false).await
    }

    /// The same; with `is_known` the device that moves it has it in the target folder already.
    pub(super) async fn move_as(
        &mut self,
        row: &ItemRow,
        to: &FolderRow,
        is_known: bool,
    ) -> Result<ItemId, Error> {
        let words = Box::pin(self.mailbox.stored_words(self.scope(), row)).await?;
        self.delete(row)?;
        let item = self.new_id().await?;
        let by = By {
            via_sync: is_known,
            ..self.by
        };
        self.put_new(to, item, row.stored().to_vec(), row.place(), by);
        if let Some(words) = words {
            self.put_words(to.id.0, item.0, row.place(), words);
        }
        Ok(item)
    }

    /// Commits. Returns the number that everything in here got, or `None` if it was empty.
    ///
    /// # Errors
    /// [`Error::Conflict`] if a row that it was computed from has changed; the store's.
    pub async fn commit(mut self) -> Result<Option<Seq>, Error> {
        match self.take() {
            Some(batch) => self.mailbox.commit(batch).await.map(Some),
            None => Ok(None),
        }
    }

    /// The same, together with a blob that it names: in one sync.
    ///
    /// # Errors
    /// As [`Tx::commit`].
    pub(super) async fn commit_with_blob(mut self, body: &[u8]) -> Result<Option<Seq>, Error> {
        match self.take() {
            Some(batch) => self.mailbox.commit_with_blob(batch, body).await.map(Some),
            None => Ok(None),
        }
    }

    /// Takes what was gathered, to commit it; the transaction is empty then.
    pub(super) fn take(&mut self) -> Option<Batch> {
        let scope = self.scope();
        if let Some(last) = self.last_id.take() {
            self.batch.writes.push(used(scope, ITEM_IDS, last.0));
        }
        self.touched.clear();
        self.folders.clear();
        self.bytes = 0;
        let batch = std::mem::replace(&mut self.batch, Batch::new(scope));
        (!batch.writes.is_empty() || !batch.log.is_empty()).then_some(batch)
    }

    pub(super) fn now_ms(&self) -> UnixMs {
        self.now_ms
    }

    pub(super) fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }

    /// Adds a write of another kind.
    pub(super) fn write(&mut self, write: Write) {
        self.bytes += match &write {
            Write::Put(key, value) => key.len() + value.len(),
            Write::Delete(key) => key.len(),
            Write::DeleteRange(from, to) => from.len() + to.len(),
            Write::Max(key, _) => key.len() + 8,
        };
        self.batch.writes.push(write);
    }

    /// Adds a hint for who waits, beside those of the change log.
    pub(super) fn tell(&mut self, hint: Hint) {
        self.batch.tell.push(hint);
    }

    /// Adds a condition of another kind.
    pub(super) fn require(&mut self, condition: Condition) {
        self.batch.conditions.push(condition);
    }

    /// Adds an entry of the change log.
    pub(super) fn log(&mut self, folder: FolderId, item: ItemId, deleted: bool, by: By) {
        self.bytes += 64;
        let entry = log::entry(self.batch.scope, folder, item, deleted, by, self.now_ms);
        self.batch.log.push(entry);
    }

    fn put_new(&mut self, folder: &FolderRow, item: ItemId, stored: Vec<u8>, place: Place, by: By) {
        let scope = self.scope();
        if self.folders.insert(folder.id) {
            // The folder may be about to go: no item may appear in it then.
            self.batch.conditions.push(folder.unchanged(scope));
        }
        let key = keys::item(scope, folder.id.0, item.0);
        self.batch.conditions.push(Condition::Absent(key.clone()));
        self.touched.insert((folder.id, item));
        self.write(Write::Put(key, stored));
        let key = keys::date(scope, folder.id.0, place.date_ms, item.0);
        self.write(Write::Put(key, place.to_value()));
        self.log(folder.id, item, false, by);
    }

    async fn new_id(&mut self) -> Result<ItemId, Error> {
        let item = self.mailbox.allocate(self.scope(), ITEM_IDS, 1).await?;
        // The largest is what counts: numbers of other transactions may lie between ours.
        self.last_id = self.last_id.max(Some(ItemId(item)));
        Ok(ItemId(item))
    }

    fn touch(&mut self, folder: FolderId, item: ItemId) -> Result<(), Error> {
        if self.touched.insert((folder, item)) {
            Ok(())
        } else {
            Err(Error::Conflict)
        }
    }
}

fn checked(stored: Vec<u8>) -> Result<Vec<u8>, Error> {
    if stored.len() > limits::VALUE_BYTES_MAX {
        return Err(Error::TooLarge);
    }
    Ok(stored)
}
