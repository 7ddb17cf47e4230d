//! The rows of the search index: one per item, written in the same commit as the item.
//!
//! A mail's words are those of its MIME, so that a read flag costs no row. Stores of releases without
//! an index get theirs bit by bit ([`Mailbox::fill_words`]); until an account is through, items
//! without a row are no damage, and are not found.

use super::item::ItemMark;
use super::{By, Error, FolderId, ItemRow, Mailbox, Place, Tx, unchanged};
use crate::pim::words::{self, Words, WordsRef};
use crate::pim::{Message, Record, RecordRef, mail};
use crate::store::{BlobId, Scope, Write, keys};

/// The counter that says with which form of the index an account is through.
const FILLED: u32 = 0x4000_0001;
/// Items that one step of filling looks at.
const PAGE: usize = 50;

/// What is put into a folder: a record, and its words where they are known already.
///
/// Without them the words of what the record itself holds are taken, which of a long mail is the
/// beginning of its text.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The record.
    pub record: &'a Record,
    /// Its words.
    pub words: Option<&'a Words>,
}

impl<'a> From<&'a Record> for Entry<'a> {
    fn from(record: &'a Record) -> Self {
        Self {
            record,
            words: None,
        }
    }
}

impl<'a> From<(&'a Record, Option<&'a Words>)> for Entry<'a> {
    fn from((record, words): (&'a Record, Option<&'a Words>)) -> Self {
        Self { record, words }
    }
}

impl Entry<'_> {
    pub(super) fn words(&self) -> Vec<u8> {
        match self.words {
            Some(words) => words.clone().into_bytes(),
            None => words::of(self.record, None).into_bytes(),
        }
    }

    /// Whether an item that becomes this one keeps its words: a mail that is the same message.
    pub(super) fn keeps_words_of(&self, row: &ItemRow) -> bool {
        match (row.record(), self.record) {
            (Ok(RecordRef::Message(old)), Record::Message(new)) => old.mime.hash == new.mime.hash,
            _ => false,
        }
    }
}

/// Where filling goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FillMark {
    folder: FolderId,
    from: Option<ItemMark>,
}

/// The write that says that an account is through.
pub(super) fn filled(scope: Scope) -> Write {
    Write::Max(keys::counter(scope, FILLED), words::FORMAT.into())
}

impl Mailbox {
    /// Whether every item of the account has its row.
    ///
    /// # Errors
    /// The store's.
    pub async fn is_filled(&self, scope: Scope) -> Result<bool, Error> {
        let row = self.get(keys::counter(scope, FILLED)).await?;
        let value = row.and_then(|row| row.value().try_into().ok());
        Ok(value.map_or(0, u64::from_be_bytes) >= words::FORMAT.into())
    }

    /// The words of a record. The text of a long mail is read, and rendered here: not for a core.
    ///
    /// # Errors
    /// The store's.
    pub async fn words_of(&self, record: &Record) -> Result<Words, Error> {
        let text = match record {
            Record::Message(m) => self.long_text(m).await?,
            _ => None,
        };
        Ok(words::of(record, text.as_deref()))
    }

    /// The text of a mail whose record does not hold it all.
    async fn long_text(&self, mail: &Message) -> Result<Option<String>, Error> {
        if usize::try_from(mail.text_bytes).is_ok_and(|bytes| bytes <= mail.text_head.len()) {
            return Ok(None);
        }
        let id = BlobId(mail.mime.hash);
        match self.store().get_blob(id, 0..mail.mime.bytes).await {
            Ok(raw) => Ok(Some(mail::text(&raw))),
            // Lost, or damaged: the record says the rest.
            Err(crate::store::Error::NoBlob | crate::store::Error::Corrupt(_)) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    /// The stored words of an item; made anew where it has none.
    pub(super) async fn stored_words(
        &self,
        scope: Scope,
        row: &ItemRow,
    ) -> Result<Option<Vec<u8>>, Error> {
        if let Some(found) = self.get(words_key(scope, row)).await?
            && WordsRef::read(found.value()).is_some()
        {
            return Ok(Some(found.value().to_vec()));
        }
        let Ok(record) = row.to_record() else {
            return Ok(None);
        };
        let words = Box::pin(self.words_of(&record)).await?;
        Ok(Some(words.into_bytes()))
    }

    /// One step of giving an account the rows that it lacks; begin with `None`, and go on with what
    /// it returns until that is `None` again. In the background, and not on a core. The newest items
    /// of each folder come first.
    ///
    /// # Errors
    /// [`Error::Conflict`]: the same step again; the store's.
    pub async fn fill_words(
        &self,
        scope: Scope,
        from: Option<FillMark>,
    ) -> Result<Option<FillMark>, Error> {
        let mark = match from {
            Some(mark) => mark,
            None if self.is_filled(scope).await? => return Ok(None),
            None => FillMark {
                folder: FolderId::ROOT,
                from: None,
            },
        };
        let mut next = None;
        if mark.folder != FolderId::ROOT {
            let page = self.list_items(scope, mark.folder, mark.from, PAGE).await?;
            for row in &page.items {
                Box::pin(self.fill_one(scope, row)).await?;
            }
            next = page.next;
        }
        if next.is_some() {
            return Ok(Some(FillMark { from: next, ..mark }));
        }
        let folders = self.folders(scope).await?;
        if let Some(row) = folders.iter().find(|row| row.id > mark.folder) {
            let folder = row.id;
            return Ok(Some(FillMark { folder, from: None }));
        }
        let mut tx = self.transaction(scope, By::default());
        tx.write(filled(scope));
        tx.commit().await?;
        Ok(None)
    }

    /// All steps, one after the other.
    ///
    /// # Errors
    /// The store's.
    pub async fn fill_all_words(&self, scope: Scope) -> Result<(), Error> {
        let mut mark = self.fill_words(scope, None).await?;
        while mark.is_some() {
            mark = self.fill_words(scope, mark).await?;
        }
        Ok(())
    }

    /// Gives an item its row if it lacks it.
    pub(super) async fn fill_one(&self, scope: Scope, row: &ItemRow) -> Result<(), Error> {
        let key = words_key(scope, row);
        let there = self.get(key.clone()).await?;
        if there.is_some_and(|there| WordsRef::read(there.value()).is_some()) {
            return Ok(());
        }
        let Ok(record) = row.to_record() else {
            return Ok(());
        };
        let words = self.words_of(&record).await?;
        let mut tx = self.transaction(scope, By::default());
        tx.require(unchanged(row.row()));
        tx.write(Write::Put(key, words.into_bytes()));
        tx.commit().await.map(drop)
    }
}

/// The key of an item's row.
pub(super) fn words_key(scope: Scope, row: &ItemRow) -> Vec<u8> {
    keys::words(scope, row.folder.0, row.place().date_ms, row.item.0)
}

impl Tx {
    /// Puts the words of a new item.
    pub(super) fn put_words(&mut self, folder: u32, item: u32, place: Place, words: Vec<u8>) {
        let key = keys::words(self.scope(), folder, place.date_ms, item);
        self.write(Write::Put(key, words));
    }

    /// Keeps the words of an item in step that becomes another one.
    pub(super) fn change_words(&mut self, row: &ItemRow, entry: &Entry<'_>, place: Place) {
        let is_there = row.place().date_ms == place.date_ms;
        if is_there && entry.keeps_words_of(row) {
            return;
        }
        if !is_there {
            self.write(Write::Delete(words_key(self.scope(), row)));
        }
        self.put_words(row.folder.0, row.item.0, place, entry.words());
    }
}

#[cfg(test)]
mod tests;
