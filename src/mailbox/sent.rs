//! What a device did that has to happen once, whatever becomes of the answer: mails it sent (by
//! ClientId), items it moved (by their old ids). Kept [`limits::SENT_KEPT_DAYS`] days.

use rkyv::{Archive, Deserialize, Serialize};

use super::{DeviceNo, Error, FolderId, ItemId, Mailbox, ServerId, Tx};
use super::{stored, sync};
use crate::clock::UnixMs;
use crate::limits;
use crate::store::{Batch, Condition, Scope, Seq, Write, keys};

const FORMAT: u8 = 1;

#[derive(Archive, Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
struct Stored {
    at_ms: i64,
    done: Option<Vec<u8>>,
}

/// Something that was done, under a key of this kind.
pub(super) struct Remembered {
    pub(super) key: Vec<u8>,
    pub(super) at_ms: UnixMs,
    pub(super) outcome: Vec<u8>,
}

/// When a row of this kind says that something was done, and what; a damaged one says nothing.
pub(super) fn remembered(stored: &[u8]) -> Option<(UnixMs, Vec<u8>)> {
    let stored: Stored = stored::read(FORMAT, stored).ok()?;
    Some((stored.at_ms, stored.done?))
}

/// How far the sending of a mail is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Sent {
    /// It was begun now, or began before and was cut short, or is being sent at this moment.
    Begun(Begun),
    /// It was sent, and this was the outcome.
    Done(Vec<u8>),
}

/// A mail that is being sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Begun {
    /// When it was begun first. Everything is derived from it, so that what was done already is
    /// recognised.
    pub at_ms: UnixMs,
    version: Seq,
}

fn mail_key(scope: Scope, device: DeviceNo, client_id: &str) -> Vec<u8> {
    keys::sent(scope, device.0, format!("mail {client_id}").as_bytes())
}

fn move_key(scope: Scope, device: DeviceNo, from: ServerId, to: FolderId) -> Vec<u8> {
    keys::sent(scope, device.0, format!("move {from} {to}").as_bytes())
}

impl Mailbox {
    /// Begins to send the mail that a device names by this ClientId. From now on the ClientId is
    /// known; [`Tx::finish_send`] says that it is sent.
    ///
    /// # Errors
    /// [`Error::BadName`] for a ClientId beyond [`limits::CLIENT_ID_CHARS_MAX`];
    /// [`Error::Conflict`]; the store's.
    pub async fn begin_send(
        &self,
        scope: Scope,
        device: DeviceNo,
        client_id: &str,
    ) -> Result<Sent, Error> {
        if client_id.chars().count() > limits::CLIENT_ID_CHARS_MAX {
            return Err(Error::BadName);
        }
        let key = mail_key(scope, device, client_id);
        if let Some(row) = self.get(key.clone()).await? {
            let stored: Stored = stored::read(FORMAT, row.value())?;
            return Ok(match stored.done {
                Some(outcome) => Sent::Done(outcome),
                None => Sent::Begun(Begun {
                    at_ms: stored.at_ms,
                    version: row.version,
                }),
            });
        }
        let at_ms = self.clock().now_ms();
        let mut batch = Batch::new(scope);
        batch.conditions.push(Condition::Absent(key.clone()));
        let begun = Stored { at_ms, done: None };
        batch
            .writes
            .push(Write::Put(key, stored::write(FORMAT, &begun)?));
        let version = self.commit(batch).await?;
        Ok(Sent::Begun(Begun { at_ms, version }))
    }

    /// Where a device has moved this item before, if it asks again for the same move.
    ///
    /// # Errors
    /// The store's.
    pub async fn moved(
        &self,
        scope: Scope,
        device: DeviceNo,
        from: ServerId,
        to: FolderId,
    ) -> Result<Option<ServerId>, Error> {
        let Some(row) = self.get(move_key(scope, device, from, to)).await? else {
            return Ok(None);
        };
        let stored: Stored = stored::read(FORMAT, row.value())?;
        let item = stored.done.and_then(|done| done.try_into().ok());
        Ok(item.map(|item| ServerId {
            folder: to,
            item: ItemId(u32::from_be_bytes(item)),
        }))
    }

    /// Forgets a page of outcomes older than `before_ms`; returns the last key looked at, or
    /// `None` after the last page.
    pub(super) async fn purge_sent(
        &self,
        scope: Scope,
        after: Option<&[u8]>,
        before_ms: UnixMs,
    ) -> Result<Option<Vec<u8>>, Error> {
        let all = keys::Span {
            from: keys::sents(scope, 0).from,
            to: keys::sents(scope, u32::MAX).to,
        };
        let span = match after {
            Some(key) => all.after(key),
            None => all,
        };
        let page = self.range(span.read(super::purge::PAGE)).await?;
        let mut batch = Batch::new(scope);
        for row in &page.rows {
            let stored: Option<Stored> = stored::read(FORMAT, row.value()).ok();
            if stored.is_none_or(|stored| stored.at_ms < before_ms) {
                batch.writes.push(Write::Delete(row.key.to_vec()));
            }
        }
        if !batch.writes.is_empty() {
            self.commit(batch).await?;
        }
        let last = page.rows.last().filter(|_| page.more);
        Ok(last.map(|row| row.key.to_vec()))
    }
}

impl Tx {
    /// Notes that the mail of this ClientId is sent, with what is to be answered when it is asked
    /// for again. Goes with the copy in Sent Items into one commit, which conflicts if the same mail
    /// was finished meanwhile.
    ///
    /// # Errors
    /// [`Error::TooLarge`] beyond 1 KiB of outcome.
    pub fn finish_send(
        &mut self,
        device: DeviceNo,
        client_id: &str,
        begun: Begun,
        outcome: Vec<u8>,
    ) -> Result<(), Error> {
        if outcome.len() > 1024 {
            return Err(Error::TooLarge);
        }
        let key = mail_key(self.scope(), device, client_id);
        self.require(Condition::Equals(key.clone(), begun.version));
        self.remember(Remembered {
            key,
            at_ms: begun.at_ms,
            outcome,
        })
    }

    /// Moves an item as [`Tx::move_to`] does, and notes where to, for the device's repetition. With
    /// `is_known` the device is not told to add it there: it has done so by itself.
    ///
    /// # Errors
    /// As [`Tx::move_to`].
    pub async fn move_noted(
        &mut self,
        device: DeviceNo,
        row: &super::ItemRow,
        to: &super::FolderRow,
        is_known: bool,
    ) -> Result<ItemId, Error> {
        let from = ServerId {
            folder: row.folder,
            item: row.item,
        };
        let item = self.move_as(row, to, is_known).await?;
        if is_known {
            Box::pin(sync::hold(self, device, to.id, item)).await?;
        }
        let key = move_key(self.scope(), device, from, to.id);
        self.remember(Remembered {
            key,
            at_ms: self.now_ms(),
            outcome: item.0.to_be_bytes().to_vec(),
        })?;
        Ok(item)
    }

    pub(super) fn remember(&mut self, what: Remembered) -> Result<(), Error> {
        let (at_ms, done) = (what.at_ms, Some(what.outcome));
        let value = stored::write(FORMAT, &Stored { at_ms, done })?;
        self.write(Write::Put(what.key, value));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailbox::By;
    use crate::mailbox::purge::DAY_MS;
    use crate::mailbox::testing::{account, block_on, mail, mailbox};
    use crate::pim::Record;

    const DEVICE: DeviceNo = DeviceNo(1);

    #[test]
    fn a_mail_is_sent_once_by_its_client_id() {
        block_on(async {
            let mailbox = mailbox();
            let scope = mailbox.add_account(&account("anna")).await.unwrap();
            let begin = async || mailbox.begin_send(scope, DEVICE, "c1").await.unwrap();
            let Sent::Begun(begun) = begin().await else {
                panic!("sent already")
            };
            mailbox.clock().advance(5_000);
            // Cut short: the same time again.
            assert_eq!(begin().await, Sent::Begun(begun));
            let finish = async || {
                let mut tx = mailbox.transaction(scope, By::default());
                tx.finish_send(DEVICE, "c1", begun, b"ok".to_vec()).unwrap();
                tx.commit().await
            };
            finish().await.unwrap();
            assert_eq!(finish().await, Err(Error::Conflict), "it is finished");
            assert_eq!(begin().await, Sent::Done(b"ok".to_vec()));
            let other = mailbox.begin_send(scope, DeviceNo(2), "c1").await.unwrap();
            assert!(matches!(other, Sent::Begun(_)));

            let days = i64::from(limits::SENT_KEPT_DAYS);
            mailbox.clock().advance((days - 1) * DAY_MS);
            mailbox.purge_all(scope).await.unwrap();
            assert_eq!(begin().await, Sent::Done(b"ok".to_vec()));
            mailbox.clock().advance(2 * DAY_MS);
            mailbox.purge_all(scope).await.unwrap();
            assert!(matches!(begin().await, Sent::Begun(_)));
        });
    }

    #[test]
    fn a_repeated_move_finds_the_first() {
        block_on(async {
            let mailbox = mailbox();
            let scope = mailbox.add_account(&account("anna")).await.unwrap();
            let inbox = mailbox.folder(scope, FolderId::INBOX).await.unwrap();
            let to = mailbox.folder(scope, FolderId::DELETED).await.unwrap();
            let mut tx = mailbox.transaction(scope, By::default());
            let record = Record::Message(mail("one", 5));
            let item = tx.add(&inbox, &record).await.unwrap();
            tx.commit().await.unwrap();
            let row = mailbox.item(scope, inbox.id, item).await.unwrap().unwrap();
            let mut tx = mailbox.transaction(scope, By::default());
            let moved = tx.move_noted(DEVICE, &row, &to, false).await.unwrap();
            tx.commit().await.unwrap();
            let folder = inbox.id;
            let from = ServerId { folder, item };
            let found = mailbox.moved(scope, DEVICE, from, to.id).await.unwrap();
            let expect = ServerId {
                folder: to.id,
                item: moved,
            };
            assert_eq!(found, Some(expect));
            assert!(mailbox.item(scope, folder, item).await.unwrap().is_none());
            let there = mailbox.item(scope, to.id, moved).await.unwrap().unwrap();
            assert_eq!(there.to_record().unwrap(), record);
        });
    }
}
