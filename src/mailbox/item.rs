//! Items: reading them, and the date by which each stands in its folder.

use super::{Error, FolderId, ItemId, Mailbox};
use crate::clock::UnixMs;
use crate::limits;
use crate::pim::{Class, Record, RecordRef, record::RecordError, recur};
use crate::store::keys::Span;
use crate::store::{Row, Rows, Scope, Seq, keys};

/// Where an item stands in its folder's index by date.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// Mail: when it arrived. Event: the end of its last occurrence, [`i64::MAX`] for a series
    /// without end. Task: when it is due, else when it was created. Contact, note: when created.
    pub date_ms: UnixMs,
    /// A task that is done.
    pub complete: bool,
}

impl Place {
    /// The place of a record.
    #[must_use]
    pub fn of(record: &Record) -> Self {
        let date_ms = match record {
            Record::Message(mail) => mail.received_ms,
            Record::Contact(contact) => contact.created_ms,
            Record::Event(event) => recur::last_end_ms(event).unwrap_or(i64::MAX),
            Record::Task(task) => task.utc_due_ms.or(task.due_ms).unwrap_or(task.created_ms),
            Record::Note(note) => note.created_ms,
        };
        let complete = matches!(record, Record::Task(task) if task.complete);
        Self { date_ms, complete }
    }

    /// The value of the row in the index.
    pub(super) fn to_value(self) -> Vec<u8> {
        vec![u8::from(self.complete)]
    }

    /// Reads a row of the index.
    pub(super) fn of_row(row: &Row) -> Option<(ItemId, Self)> {
        let key = keys::parse_date(&row.key)?;
        let complete = row.value().first().is_some_and(|flags| flags & 1 != 0);
        let date_ms = key.date_ms;
        Some((ItemId(key.item), Self { date_ms, complete }))
    }
}

/// An item as it is stored: read in place, from the engine's memory.
#[derive(Clone, Debug)]
pub struct ItemRow {
    /// Its folder.
    pub folder: FolderId,
    /// Its number.
    pub item: ItemId,
    row: Row,
}

impl ItemRow {
    pub(super) fn of(row: Row) -> Result<Self, Error> {
        let key = keys::parse_item(&row.key).ok_or(Error::Damaged("a key of an item"))?;
        Ok(Self {
            folder: FolderId(key.folder),
            item: ItemId(key.item),
            row,
        })
    }

    /// The commit that changed it last.
    #[must_use]
    pub fn version(&self) -> Seq {
        self.row.version
    }

    /// The record, in place.
    ///
    /// # Errors
    /// For stored bytes that are damaged or of a newer release: show a stand-in.
    pub fn record(&self) -> Result<RecordRef<'_>, RecordError> {
        RecordRef::read(self.row.value()).map(|(record, _)| record)
    }

    /// The record, owned, to change it.
    ///
    /// # Errors
    /// As [`ItemRow::record`].
    pub fn to_record(&self) -> Result<Record, RecordError> {
        self.record()?.to_owned()
    }

    /// Changes with what a device is shown of it: of a mail the message, of all else the record.
    #[must_use]
    pub fn edition(&self) -> u64 {
        let Ok(RecordRef::Message(mail)) = self.record() else {
            return self.version();
        };
        let hash = mail.mime.hash.first_chunk::<8>();
        hash.map_or(0, |hash| u64::from_be_bytes(*hash))
    }

    /// The same item with another record, in memory only.
    ///
    /// # Errors
    /// As [`Record::to_stored`].
    pub fn with_record(&self, record: &Record) -> Result<Self, RecordError> {
        let stored = record.to_stored(self.place().date_ms)?;
        let key = self.row.key.clone();
        Ok(Self {
            row: Row::new(key, self.row.version, stored.into(), 0),
            ..*self
        })
    }

    /// Its class; `None` for damaged bytes.
    #[must_use]
    pub fn class(&self) -> Option<Class> {
        Class::from_number(*self.stored().get(1)?)
    }

    /// Bytes of the stored record: about what it takes in an answer.
    #[must_use]
    pub fn stored_bytes(&self) -> usize {
        self.stored().len()
    }

    pub(super) fn stored(&self) -> &[u8] {
        self.row.value()
    }

    pub(super) fn row(&self) -> &Row {
        &self.row
    }

    /// Its place. Damaged bytes stand where they are never out of a window.
    pub(super) fn place(&self) -> Place {
        let date = self.stored().get(2..10).and_then(|b| b.try_into().ok());
        let complete = self.class() == Some(Class::Tasks)
            && matches!(self.record(), Ok(RecordRef::Task(task)) if task.complete);
        Place {
            date_ms: date.map_or(i64::MAX, i64::from_be_bytes),
            complete,
        }
    }
}

/// A page of a folder's items.
#[derive(Debug, Default)]
pub struct ItemPage {
    /// The items.
    pub items: Vec<ItemRow>,
    /// Where the next page begins; none: this was the last.
    pub next: Option<ItemMark>,
}

/// Between two pages of a folder's items, newest first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ItemMark {
    date_ms: UnixMs,
    item: u32,
}

/// Where a range begins and (exclusive) ends that holds all of these numbers, if at least half of
/// the numbers in it are asked for.
fn ends_of_dense(items: &[ItemId]) -> Option<(u32, u32)> {
    const FEW: usize = 4;
    let (first, last) = (items.iter().min()?.0, items.iter().max()?.0.checked_add(1)?);
    let numbers = usize::try_from(last - first).ok()?;
    let dense =
        items.len() >= FEW && numbers <= 2 * items.len() && numbers <= limits::RANGE_ROWS_MAX;
    dense.then_some((first, last))
}

/// The rows of these items among rows that are sorted by number.
fn in_order(items: &[ItemId], rows: Vec<Row>) -> Result<Vec<Option<ItemRow>>, Error> {
    let rows: Result<Vec<_>, _> = rows.into_iter().map(ItemRow::of).collect();
    let rows = rows?;
    let numbers: Vec<_> = rows.iter().map(|row| row.item).collect();
    let mut rows: Vec<_> = rows.into_iter().map(Some).collect();
    let take = |item| {
        let place = numbers.binary_search(item).ok()?;
        rows.get_mut(place)?.take()
    };
    Ok(items.iter().map(take).collect())
}

impl Mailbox {
    /// An item, or `None` where there is none (any more).
    ///
    /// # Errors
    /// The store's.
    pub async fn item(
        &self,
        scope: Scope,
        folder: FolderId,
        item: ItemId,
    ) -> Result<Option<ItemRow>, Error> {
        let row = self.get(keys::item(scope, folder.0, item.0)).await?;
        row.map(ItemRow::of).transpose()
    }

    /// Several items of a folder, each named once; those that are not there are `None`.
    ///
    /// Items that came one after the other have numbers close to each other, and reading all that
    /// lies between is a quarter of the work of looking each of them up.
    ///
    /// # Errors
    /// The store's.
    pub async fn items(
        &self,
        scope: Scope,
        folder: FolderId,
        items: &[ItemId],
    ) -> Result<Vec<Option<ItemRow>>, Error> {
        if let Some((first, last)) = ends_of_dense(items) {
            let span = Span {
                from: keys::item(scope, folder.0, first),
                to: keys::item(scope, folder.0, last),
            };
            // As many as there can be: a reader that promises little may stay on the core.
            let rows = usize::try_from(last - first).unwrap_or(limits::RANGE_ROWS_MAX);
            let page = self.range(span.read(rows)).await?;
            // Else they are more bytes than one answer may have.
            if !page.more {
                return in_order(items, page.rows);
            }
        }
        let keys: Vec<_> = items
            .iter()
            .map(|item| keys::item(scope, folder.0, item.0))
            .collect();
        let rows = self.gets(&keys).await?;
        rows.into_iter()
            .map(|row| row.map(ItemRow::of).transpose())
            .collect()
    }

    /// Items of a folder, newest first, at most `limit`; from the top, or from where the last page
    /// ended. Items that come or go between two pages may be missed, never doubled.
    ///
    /// # Errors
    /// The store's.
    pub async fn list_items(
        &self,
        scope: Scope,
        folder: FolderId,
        from: Option<ItemMark>,
        limit: usize,
    ) -> Result<ItemPage, Error> {
        let mut span = keys::dates(scope, folder.0);
        if let Some(mark) = from {
            span = span.before(&keys::date(scope, folder.0, mark.date_ms, mark.item));
        }
        let limit = limit.clamp(1, limits::RANGE_ROWS_MAX);
        let index = self.range(span.read_reverse(limit)).await?;
        self.page_of(scope, folder, &index).await
    }

    /// Items of a folder that stand at `since_ms` or later ([`Place::date_ms`]), oldest first, at most
    /// `limit`; from the first, or from where the last page ended.
    ///
    /// # Errors
    /// The store's.
    pub async fn list_items_since(
        &self,
        scope: Scope,
        folder: FolderId,
        (since_ms, from): (UnixMs, Option<ItemMark>),
        limit: usize,
    ) -> Result<ItemPage, Error> {
        let mut span = keys::dates_since(scope, folder.0, since_ms);
        if let Some(mark) = from {
            span = span.after(&keys::date(scope, folder.0, mark.date_ms, mark.item));
        }
        let limit = limit.clamp(1, limits::RANGE_ROWS_MAX);
        let index = self.range(span.read(limit)).await?;
        self.page_of(scope, folder, &index).await
    }

    /// The items of a page of the index by date.
    async fn page_of(
        &self,
        scope: Scope,
        folder: FolderId,
        index: &Rows,
    ) -> Result<ItemPage, Error> {
        let places: Vec<_> = index.rows.iter().filter_map(Place::of_row).collect();
        let ids: Vec<_> = places.iter().map(|(id, _)| *id).collect();
        let items = self.items(scope, folder, &ids).await?;
        let next = places.last().filter(|_| index.more).map(|(id, place)| {
            let date_ms = place.date_ms;
            ItemMark {
                date_ms,
                item: id.0,
            }
        });
        Ok(ItemPage {
            items: items.into_iter().flatten().collect(),
            next,
        })
    }

    /// How many items a folder holds; counting ends at `max`.
    ///
    /// # Errors
    /// The store's.
    pub async fn count_items(
        &self,
        scope: Scope,
        folder: FolderId,
        max: usize,
    ) -> Result<usize, Error> {
        let mut span = keys::dates(scope, folder.0);
        let mut count = 0;
        loop {
            let page = self.range(span.read(limits::RANGE_ROWS_MAX)).await?;
            count += page.rows.len();
            match page.rows.last() {
                Some(last) if page.more && count < max => span = span.after(&last.key),
                _ => return Ok(count.min(max)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailbox::By;
    use crate::mailbox::testing::{account, block_on, mailbox};
    use crate::pim::Note;

    #[test]
    fn dense_numbers_are_read_as_a_range() {
        let ids = |numbers: &[u32]| numbers.iter().copied().map(ItemId).collect::<Vec<_>>();
        let check = |numbers: &[u32], expect| {
            assert_eq!(ends_of_dense(&ids(numbers)), expect, "{numbers:?}");
        };
        check(&[], None);
        check(&[5, 6, 7], None);
        check(&[8, 7, 6, 5], Some((5, 9)));
        check(&[1, 8, 3, 2], Some((1, 9)));
        check(&[1, 9, 3, 2], None);
        check(&[u32::MAX, u32::MAX - 1, u32::MAX - 2, u32::MAX - 3], None);
    }

    #[test]
    fn items_come_in_the_order_asked_for_with_gaps() {
        block_on(async {
            let mailbox = mailbox();
            let scope = mailbox.add_account(&account("anna")).await.unwrap();
            let folder = mailbox.folder(scope, FolderId::NOTES).await.unwrap();
            let mut tx = mailbox.transaction(scope, By::default());
            let mut added = Vec::new();
            for _ in 0..8 {
                let note = Record::Note(Note::default());
                added.push(tx.add(&folder, &note).await.unwrap());
            }
            tx.commit().await.unwrap();
            let first = added[0].0;
            let ask = [7, 100, 0, 3, 9].map(|n| ItemId(first + n));
            let near = [7, 8, 0, 3, 2].map(|n| ItemId(first + n));
            for ask in [ask, near] {
                let rows = mailbox.items(scope, FolderId::NOTES, &ask).await.unwrap();
                let found: Vec<_> = rows.iter().map(|r| r.as_ref().map(|r| r.item)).collect();
                let expect = ask.map(|id| added.contains(&id).then_some(id));
                assert_eq!(found, expect);
            }
        });
    }
}
