//! Looks an account over: everything that has to fit together does, or is named; what can be mended
//! without loss is mended if that is wanted.
//!
//! What has to hold of each folder: every item can be read, stands once in the index by date, and has
//! one entry in the change log, under the number that is its version, and has its words in the search
//! index; none of the three names an item that is not there; what an item names outside of its row is there, with the hash that names it. Read in pages,
//! so that an account of any size takes little memory and others go on meanwhile; what changes under
//! the eyes of the check is looked at again before it counts.
//!
//! Deliberately absent: the hierarchy, whose log (folder 0) is about folders and not about items; and
//! any mending of records and bodies that are damaged, which can only be named.

use std::fmt;

use super::item::Place;
use super::log;
use super::words::words_key;
use super::{By, Error, FolderId, ItemId, ItemRow, Mailbox, NoticeRow};
use crate::limits;
use crate::pim::Record;
use crate::pim::body::{BlobRef, Body};
use crate::pim::words::WordsRef;
use crate::store::keys::Span;
use crate::store::{BlobId, Row, Scope, Write, keys};

/// What is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Wrong {
    /// A record that cannot be read.
    Unreadable(FolderId, ItemId),
    /// An item that has no place in the index by date, or another one than its record says.
    NotInIndex(FolderId, ItemId),
    /// A place in the index without its item.
    NoItemForIndex(FolderId, ItemId),
    /// An item without its words in the search index, in an account that is through with them.
    NotInWords(FolderId, ItemId),
    /// Words in the search index without their item.
    NoItemForWords(FolderId, ItemId),
    /// An item without its entry in the change log.
    NotInLog(FolderId, ItemId),
    /// An entry of the change log that says of an item that it is there, and it is not; or a second
    /// one of an item.
    StrayEntry(FolderId, ItemId),
    /// A body, photo or message that an item names, and that is missing or not what its name says.
    Body(FolderId, ItemId),
    /// The sync state of a device (its number) for a folder cannot be read.
    State(u32, FolderId),
    /// What attendees are to be told cannot be read, or its text is missing or damaged.
    Notice,
    /// What the account shows in the address list cannot be read, or its photo is missing or damaged.
    Portrait,
}

impl Wrong {
    /// Whether it can be mended without loss.
    #[must_use]
    pub fn is_mendable(&self) -> bool {
        !matches!(
            self,
            Self::Unreadable(..) | Self::Body(..) | Self::Notice | Self::Portrait
        )
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(folder, item) => write!(f, "item {folder}:{item} cannot be read"),
            Self::NotInIndex(folder, item) => {
                write!(
                    f,
                    "item {folder}:{item} is not where it belongs in the index by date"
                )
            }
            Self::NoItemForIndex(folder, item) => {
                write!(
                    f,
                    "the index by date names {folder}:{item}, which is not there"
                )
            }
            Self::NotInWords(folder, item) => {
                write!(f, "item {folder}:{item} is not in the search index")
            }
            Self::NoItemForWords(folder, item) => {
                write!(
                    f,
                    "the search index names {folder}:{item}, which is not there"
                )
            }
            Self::NotInLog(folder, item) => {
                write!(f, "item {folder}:{item} has no entry in the change log")
            }
            Self::StrayEntry(folder, item) => {
                write!(
                    f,
                    "the change log has an entry too many for {folder}:{item}"
                )
            }
            Self::Body(folder, item) => {
                write!(f, "a body or file of {folder}:{item} is missing or damaged")
            }
            Self::Notice => f.write_str(
                "a message to the attendees of a meeting that was not sent yet is damaged: change the meeting again",
            ),
            Self::Portrait => f.write_str(
                "details, photo or certificates of the user are missing or damaged: set them again",
            ),
            Self::State(device, folder) => {
                write!(
                    f,
                    "what device {device} has of folder {folder} cannot be read"
                )
            }
        }
    }
}

/// What a check came to.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Checked {
    /// Items that were looked at.
    pub items: u64,
    /// Bodies, photos and messages that were read.
    pub bodies: u64,
    /// What was wrong.
    pub wrong: u64,
    /// What of it was mended.
    pub mended: u64,
}

/// How to look.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Look {
    /// Read bodies, too, and compare their hashes.
    pub bodies: bool,
    /// Mend what can be mended.
    pub repair: bool,
}

/// One account under the eyes of a check.
struct Check<'a> {
    mailbox: &'a Mailbox,
    scope: Scope,
    look: Look,
    /// Every item has its words.
    filled: bool,
    found: Checked,
    tell: &'a mut dyn FnMut(&Wrong, bool),
}

impl Mailbox {
    /// Looks an account over. `tell` hears of everything that is wrong, and whether it was mended.
    ///
    /// # Errors
    /// The store's: what is wrong with the data is none.
    pub async fn check(
        &self,
        scope: Scope,
        look: Look,
        tell: &mut dyn FnMut(&Wrong, bool),
    ) -> Result<Checked, Error> {
        let mut check = Check {
            mailbox: self,
            scope,
            look,
            filled: self.is_filled(scope).await?,
            found: Checked::default(),
            tell,
        };
        Box::pin(check.account()).await?;
        Ok(check.found)
    }
}

impl Check<'_> {
    async fn account(&mut self) -> Result<(), Error> {
        for row in self.mailbox.all(keys::folders(self.scope)).await? {
            let folder = keys::parse_folder(&row.key).map(|(_, folder)| FolderId(folder));
            if let Some(folder) = folder.filter(|folder| *folder != FolderId::ROOT) {
                Box::pin(self.items(folder)).await?;
                self.index(folder).await?;
                self.words(folder).await?;
                self.log(folder).await?;
            }
        }
        self.states().await?;
        self.notices().await?;
        self.portrait().await
    }

    /// The next page of a span, and what remains of it.
    async fn page(&self, span: Span) -> Result<(Vec<Row>, Option<Span>), Error> {
        let page = self
            .mailbox
            .range(span.read(limits::RANGE_ROWS_MAX))
            .await?;
        let rest = match page.rows.last() {
            Some(last) if page.more => Some(span.after(&last.key)),
            _ => None,
        };
        Ok((page.rows, rest))
    }

    async fn items(&mut self, folder: FolderId) -> Result<(), Error> {
        let mut next = Some(keys::items(self.scope, folder.0));
        while let Some(span) = next {
            let (rows, rest) = self.page(span).await?;
            for row in rows {
                self.found.items += 1;
                let row = ItemRow::of(row)?;
                for wrong in self.wrong_with(&row).await? {
                    self.judge_item(&row, wrong).await?;
                }
            }
            next = rest;
        }
        Ok(())
    }

    async fn wrong_with(&mut self, row: &ItemRow) -> Result<Vec<Wrong>, Error> {
        let (folder, item) = (row.folder, row.item);
        let Ok(record) = row.to_record() else {
            return Ok(vec![Wrong::Unreadable(folder, item)]);
        };
        let mut wrong = Vec::new();
        let place = Place::of(&record);
        let key = keys::date(self.scope, folder.0, place.date_ms, item.0);
        let stands = self
            .mailbox
            .get(key)
            .await?
            .and_then(|row| Place::of_row(&row));
        if stands != Some((item, place)) || row.place() != place {
            wrong.push(Wrong::NotInIndex(folder, item));
        }
        let key = keys::change(self.scope, folder.0, row.version(), item.0);
        let entry = self.mailbox.get(key).await?;
        if entry
            .as_ref()
            .and_then(log::parse)
            .is_none_or(|entry| entry.deleted)
        {
            wrong.push(Wrong::NotInLog(folder, item));
        }
        if self.filled {
            let words = self.mailbox.get(words_key(self.scope, row)).await?;
            if words.is_none_or(|row| WordsRef::read(row.value()).is_none()) {
                wrong.push(Wrong::NotInWords(folder, item));
            }
        }
        if self.look.bodies && !self.bodies_are_there(&record).await? {
            wrong.push(Wrong::Body(folder, item));
        }
        Ok(wrong)
    }

    async fn bodies_are_there(&mut self, record: &Record) -> Result<bool, Error> {
        for blob in blobs_of(record) {
            if !self.is_there(blob).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn is_there(&mut self, blob: BlobRef) -> Result<bool, Error> {
        self.found.bodies += 1;
        let id = BlobId(blob.hash);
        match self.mailbox.store().get_blob(id, 0..u64::MAX).await {
            Ok(body) => Ok(BlobId::of(&body) == id && body.len() as u64 == blob.bytes),
            Err(crate::store::Error::NoBlob | crate::store::Error::Corrupt(_)) => Ok(false),
            Err(e) => Err(e.into()),
        }
    }

    async fn notices(&mut self) -> Result<(), Error> {
        for row in self.mailbox.all(keys::notices(self.scope)).await? {
            let sound = match NoticeRow::of(&row) {
                Ok(row) => match row.notice.meeting.event.body.blob {
                    Some(blob) if self.look.bodies => self.is_there(blob).await?,
                    _ => true,
                },
                Err(_) => false,
            };
            if !sound && self.mailbox.get(row.key.to_vec()).await?.is_some() {
                self.note(&Wrong::Notice, false);
            }
        }
        Ok(())
    }

    async fn portrait(&mut self) -> Result<(), Error> {
        let shown = match self.mailbox.certificates(self.scope).await {
            Ok(_) => self.mailbox.details(self.scope).await,
            Err(e) => Err(e),
        };
        let sound = match shown {
            Ok(details) => match details.photo.filter(|_| self.look.bodies) {
                Some(photo) => self.is_there(photo).await?,
                None => true,
            },
            Err(Error::Damaged(_)) => false,
            Err(e) => return Err(e),
        };
        if !sound {
            self.note(&Wrong::Portrait, false);
        }
        Ok(())
    }

    /// Something is wrong with an item, if it is still the one that was looked at.
    async fn judge_item(&mut self, row: &ItemRow, wrong: Wrong) -> Result<(), Error> {
        let now = self.mailbox.item(self.scope, row.folder, row.item).await?;
        if now.is_none_or(|now| now.version() != row.version()) {
            return Ok(());
        }
        let mended = self.look.repair && wrong.is_mendable() && self.mend(row, &wrong).await?;
        self.note(&wrong, mended);
        Ok(())
    }

    async fn mend(&self, row: &ItemRow, wrong: &Wrong) -> Result<bool, Error> {
        match wrong {
            Wrong::NotInWords(..) => {
                committed(Box::pin(self.mailbox.fill_one(self.scope, row)).await)
            }
            _ => self.put_again(row).await,
        }
    }

    /// Puts an item again as it is: with its place, and an entry of the log that every device hears.
    async fn put_again(&self, row: &ItemRow) -> Result<bool, Error> {
        let Ok(record) = row.to_record() else {
            return Ok(false);
        };
        let place = Place::of(&record);
        let (scope, folder, item) = (self.scope, row.folder.0, row.item.0);
        let mut tx = self.mailbox.transaction(scope, By::default());
        tx.update(row, &record)?;
        let key = keys::date(scope, folder, place.date_ms, item);
        tx.write(Write::Put(key, place.to_value()));
        committed(tx.commit().await)
    }

    async fn index(&mut self, folder: FolderId) -> Result<(), Error> {
        let mut next = Some(keys::dates(self.scope, folder.0));
        while let Some(span) = next {
            let (rows, rest) = self.page(span).await?;
            for row in rows {
                let Some((item, place)) = Place::of_row(&row) else {
                    continue;
                };
                let there = self.mailbox.item(self.scope, folder, item).await?;
                // One that stands elsewhere was named with its item.
                let fits = there.is_some_and(|there| there.place().date_ms == place.date_ms);
                if !fits && self.mailbox.get(row.key.to_vec()).await?.is_some() {
                    let mended = self.look.repair && self.remove(&row).await?;
                    self.note(&Wrong::NoItemForIndex(folder, item), mended);
                }
            }
            next = rest;
        }
        Ok(())
    }

    async fn words(&mut self, folder: FolderId) -> Result<(), Error> {
        let mut next = Some(keys::words_of(self.scope, folder.0));
        while let Some(span) = next {
            let (rows, rest) = self.page(span).await?;
            for row in rows {
                let Some(key) = keys::parse_words(&row.key) else {
                    continue;
                };
                let item = ItemId(key.item);
                let there = self.mailbox.item(self.scope, folder, item).await?;
                let fits = there.is_some_and(|there| there.place().date_ms == key.date_ms);
                if !fits && self.mailbox.get(row.key.to_vec()).await?.is_some() {
                    let mended = self.look.repair && self.remove(&row).await?;
                    self.note(&Wrong::NoItemForWords(folder, item), mended);
                }
            }
            next = rest;
        }
        Ok(())
    }

    async fn log(&mut self, folder: FolderId) -> Result<(), Error> {
        let mut next = Some(keys::changes(self.scope, folder.0));
        while let Some(span) = next {
            let (rows, rest) = self.page(span).await?;
            for row in rows {
                let Some(entry) = log::parse(&row) else {
                    continue;
                };
                let item = ItemId(entry.item);
                let there = self.mailbox.item(self.scope, folder, item).await?;
                let fits = match there {
                    Some(there) => !entry.deleted && there.version() == entry.seq,
                    None => entry.deleted,
                };
                if !fits && self.mailbox.get(row.key.to_vec()).await?.is_some() {
                    let mended = self.look.repair && self.take_back(folder, item, &row).await?;
                    self.note(&Wrong::StrayEntry(folder, item), mended);
                }
            }
            next = rest;
        }
        Ok(())
    }

    /// Removes an entry of the log. Of an item that is not there, devices hear that it is gone.
    async fn take_back(&self, folder: FolderId, item: ItemId, row: &Row) -> Result<bool, Error> {
        let there = self.mailbox.item(self.scope, folder, item).await?;
        let mut tx = self.mailbox.transaction(self.scope, By::default());
        tx.require(super::unchanged(row));
        tx.write(Write::Delete(row.key.to_vec()));
        if there.is_none() {
            tx.log(folder, item, true, By::default());
        }
        committed(tx.commit().await)
    }

    async fn remove(&self, row: &Row) -> Result<bool, Error> {
        let mut tx = self.mailbox.transaction(self.scope, By::default());
        tx.require(super::unchanged(row));
        tx.write(Write::Delete(row.key.to_vec()));
        committed(tx.commit().await)
    }

    /// A state that cannot be read is dropped: the device fetches the folder again.
    async fn states(&mut self) -> Result<(), Error> {
        for device in self.mailbox.devices(self.scope).await? {
            for row in self
                .mailbox
                .all(keys::syncs(self.scope, device.number.0))
                .await?
            {
                let Some((_, _, folder)) = keys::parse_sync(&row.key) else {
                    continue;
                };
                let folder = FolderId(folder);
                let state = self
                    .mailbox
                    .check_state(self.scope, device.number, folder)
                    .await;
                if let Err(Error::Damaged(_)) = state {
                    let forget = self
                        .mailbox
                        .forget_sync(self.scope, device.number, Some(folder));
                    let mended = self.look.repair && forget.await.is_ok();
                    self.note(&Wrong::State(device.number.0, folder), mended);
                }
            }
        }
        Ok(())
    }

    fn note(&mut self, wrong: &Wrong, mended: bool) {
        self.found.wrong += 1;
        self.found.mended += u64::from(mended);
        (self.tell)(wrong, mended);
    }
}

/// What a record names outside of its row.
fn blobs_of(record: &Record) -> Vec<BlobRef> {
    let of = |body: &Body| body.blob;
    match record {
        Record::Message(mail) => vec![mail.mime],
        Record::Contact(contact) => {
            let both = [contact.picture, of(&contact.body)];
            both.into_iter().flatten().collect()
        }
        Record::Event(event) => {
            let exceptions = event.exceptions.iter();
            let bodies = exceptions.filter_map(|e| e.body.as_ref().and_then(of));
            let files = event.files.iter().map(|file| file.blob);
            let bodies = of(&event.body).into_iter().chain(bodies);
            bodies.chain(files).collect()
        }
        Record::Task(task) => of(&task.body).into_iter().collect(),
        Record::Note(note) => of(&note.body).into_iter().collect(),
    }
}

/// Whether it was committed; somebody else's change is none of ours.
fn committed<T>(outcome: Result<T, Error>) -> Result<bool, Error> {
    match outcome {
        Ok(_) => Ok(true),
        Err(Error::Conflict) => Ok(false),
        Err(e) => Err(e),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailbox::testing::{NEW_YEAR_MS, account, block_on, mail, mailbox};
    use crate::mailbox::{DeviceNo, Window};

    const INBOX: FolderId = FolderId::INBOX;

    /// An account with a mail whose MIME is stored, and a device that has it.
    async fn fixture() -> (Mailbox, Scope, ItemRow, u64) {
        let mailbox = mailbox();
        let scope = mailbox.add_account(&account("anna")).await.unwrap();
        mailbox
            .get_or_add_device(scope, "D1", "x", "y")
            .await
            .unwrap();
        let raw = b"Subject: one\r\n\r\ntext";
        let mut message = mail("one", NEW_YEAR_MS);
        message.mime.hash = mailbox.store().put_blob(raw).await.unwrap().0;
        message.mime.bytes = raw.len() as u64;
        let folder = mailbox.folder(scope, INBOX).await.unwrap();
        let mut tx = mailbox.transaction(scope, By::default());
        let item = tx.add(&folder, &Record::Message(message)).await.unwrap();
        tx.commit().await.unwrap();
        let mut key = 0;
        for _ in 0..2 {
            let round = mailbox.sync(scope, DeviceNo(1), INBOX, key).await;
            let mut round = round.unwrap().unwrap();
            round.set_window(Window::ALL);
            while round.next().await.unwrap().is_some() {}
            key = round.finish().await.unwrap().key;
        }
        let row = mailbox.item(scope, INBOX, item).await.unwrap().unwrap();
        (mailbox, scope, row, key)
    }

    async fn write(mailbox: &Mailbox, scope: Scope, write: Write) {
        let mut tx = mailbox.transaction(scope, By::default());
        tx.write(write);
        tx.commit().await.unwrap();
    }

    async fn look(mailbox: &Mailbox, scope: Scope, repair: bool) -> Vec<(Wrong, bool)> {
        let mut found = Vec::new();
        let bodies = true;
        let mut tell = |wrong: &Wrong, mended: bool| found.push((wrong.clone(), mended));
        let look = Look { bodies, repair };
        let checked = mailbox.check(scope, look, &mut tell).await.unwrap();
        assert_eq!(checked.wrong, found.len() as u64);
        found
    }

    /// Damages a good account; `wrong` is found, and mended where it can be.
    fn finds(damage: impl FnOnce(Scope, &ItemRow) -> Write, wrong: impl FnOnce(ItemId) -> Wrong) {
        block_on(async {
            let (mailbox, scope, row, key) = Box::pin(fixture()).await;
            assert_eq!(look(&mailbox, scope, true).await, []);
            write(&mailbox, scope, damage(scope, &row)).await;
            let wrong = wrong(row.item);
            assert_eq!(look(&mailbox, scope, false).await, [(wrong.clone(), false)]);
            let mended = wrong.is_mendable();
            assert_eq!(look(&mailbox, scope, true).await, [(wrong.clone(), mended)]);
            if mended {
                assert_eq!(look(&mailbox, scope, true).await, []);
            }
            // The device goes on.
            let round = mailbox.sync(scope, DeviceNo(1), INBOX, key).await;
            let is_state = matches!(wrong, Wrong::State(..));
            assert_eq!(round.unwrap().is_some(), !is_state);
        });
    }

    #[test]
    fn a_changed_hierarchy_is_nothing_wrong() {
        block_on(async {
            let (mailbox, scope, ..) = Box::pin(fixture()).await;
            let kind = crate::mailbox::FolderKind::UserMail;
            let made = mailbox.create_folder(scope, FolderId::ROOT, "new", kind);
            let id = made.await.unwrap();
            mailbox.delete_folder(scope, id).await.unwrap();
            assert_eq!(look(&mailbox, scope, true).await, []);
        });
    }

    #[test]
    fn what_an_account_shows_is_looked_at_too() {
        let unreadable = |key: fn(Scope) -> Vec<u8>| {
            finds(
                move |scope, _| Write::Put(key(scope), vec![9, 9]),
                |_| Wrong::Portrait,
            );
        };
        unreadable(keys::person);
        unreadable(keys::certificates);
        block_on(async {
            let (mailbox, scope, ..) = Box::pin(fixture()).await;
            let shown = |details| crate::mailbox::Portrait {
                details,
                photo: Some(b"photo".to_vec()),
                certificates: None,
            };
            mailbox.portray(scope, shown).await.unwrap();
            assert_eq!(look(&mailbox, scope, true).await, []);
        });
    }

    #[test]
    fn an_item_that_is_not_in_the_index_is_put_there() {
        finds(
            |scope, row| Write::Delete(keys::date(scope, 2, NEW_YEAR_MS, row.item.0)),
            |item| Wrong::NotInIndex(INBOX, item),
        );
    }

    #[test]
    fn a_place_without_item_is_removed() {
        finds(
            |scope, _| Write::Put(keys::date(scope, 2, 5, 77), vec![0]),
            |_| Wrong::NoItemForIndex(INBOX, ItemId(77)),
        );
    }

    #[test]
    fn an_item_that_is_not_in_the_search_index_is_put_there() {
        finds(
            |scope, row| Write::Delete(words_key(scope, row)),
            |item| Wrong::NotInWords(INBOX, item),
        );
    }

    #[test]
    fn words_without_item_are_removed() {
        finds(
            |scope, _| Write::Put(keys::words(scope, 2, 5, 77), vec![1]),
            |_| Wrong::NoItemForWords(INBOX, ItemId(77)),
        );
    }

    #[test]
    fn an_item_that_is_not_in_the_log_is_told_again() {
        finds(
            |scope, row| Write::Delete(keys::change(scope, 2, row.version(), row.item.0)),
            |item| Wrong::NotInLog(INBOX, item),
        );
    }

    #[test]
    fn an_entry_of_something_that_is_not_there_becomes_a_tombstone() {
        let entry = |scope| {
            let entry = log::entry(scope, INBOX, ItemId(77), false, By::default(), 5);
            Write::Put(keys::change(scope, 2, 1, 77), entry.value)
        };
        finds(
            |scope, _| entry(scope),
            |_| Wrong::StrayEntry(INBOX, ItemId(77)),
        );
    }

    #[test]
    fn what_cannot_be_mended_is_named_and_left() {
        block_on(async {
            let (mailbox, scope, row, _) = Box::pin(fixture()).await;
            let short = row.stored()[..40].to_vec();
            let mut tx = mailbox.transaction(scope, By::default());
            tx.write(Write::Put(keys::item(scope, 2, row.item.0), short));
            let entry = keys::change(scope, 2, row.version(), row.item.0);
            tx.write(Write::Delete(entry));
            tx.log(INBOX, row.item, false, By::default());
            tx.commit().await.unwrap();
            let wrong = Wrong::Unreadable(INBOX, row.item);
            for _ in 0..2 {
                assert_eq!(look(&mailbox, scope, true).await, [(wrong.clone(), false)]);
            }
        });
    }

    #[test]
    fn a_state_that_cannot_be_read_is_begun_anew() {
        finds(
            |scope, _| Write::Put(keys::sync(scope, 1, 2), vec![99]),
            |_| Wrong::State(1, INBOX),
        );
    }

    #[test]
    fn so_is_one_that_lacks_a_part() {
        finds(
            |scope, _| Write::Delete(keys::sync_part(scope, 1, 2, 0)),
            |_| Wrong::State(1, INBOX),
        );
    }

    #[test]
    fn a_missing_body_is_named() {
        block_on(async {
            let (mailbox, scope, row, _) = Box::pin(fixture()).await;
            let Ok(Record::Message(mut message)) = row.to_record() else {
                panic!("a mail")
            };
            message.mime.hash[0] ^= 1;
            let mut tx = mailbox.transaction(scope, By::default());
            tx.update(&row, &Record::Message(message)).unwrap();
            tx.commit().await.unwrap();
            let wrong = Wrong::Body(INBOX, row.item);
            assert_eq!(look(&mailbox, scope, true).await, [(wrong, false)]);
        });
    }
}
