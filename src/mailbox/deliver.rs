//! Mail into a folder: the MIME as a blob, then everything else in one commit.

use std::sync::Arc;

use super::conversation::Rules;
use super::meeting::Effect;
use super::owed::Debt;
use super::{Arriving, By, Entry, Error, FolderId, FolderRow, ItemId, Mailbox, ServerId};
use crate::clock::UnixMs;
use crate::pim::body::BlobRef;
use crate::pim::mail::Asker;
use crate::pim::words::Words;
use crate::pim::{Message, Record};
use crate::store::{Batch, BlobId, Condition, Row, Scope, Write, keys};

/// A mail to deliver.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The MIME, byte for byte as it is to be kept.
    pub raw: BlobId,
    /// Its length in bytes.
    pub raw_bytes: u64,
    /// The MIME itself, where it is not stored yet: one sync is enough for it and the item.
    pub unstored: Option<Arc<[u8]>>,
    /// The record; its `mime` is set here.
    pub message: Message,
    /// Its words; none: those of what the record holds.
    pub words: Option<Words>,
    /// What a repeated delivery has again: the SHA-256 of what the sender handed over, without
    /// what was added here. `None`: a repetition is stored again (imports, copies).
    pub fingerprint: Option<[u8; 32]>,
    /// What it means for the calendar: that changes with it.
    pub meeting: Option<Arriving>,
    /// Who is to be told where the user is absent; none: nobody.
    pub asker: Option<Arc<Asker>>,
}

/// What came of a delivery.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Delivered {
    /// It is a new item now.
    Now(ServerId),
    /// It was delivered before; nothing was stored.
    Before(ServerId),
}

/// What makes a new item one, and the blob that goes with it.
struct Once<'a> {
    fingerprint: Option<[u8; 32]>,
    mime: Option<&'a [u8]>,
    /// What becomes of the calendar.
    effect: Option<Effect>,
    /// The answer that its sender is owed.
    debt: Option<Debt>,
}

impl Mailbox {
    /// Stores the MIME of a mail, to be named by deliveries to any number of accounts. A MIME that
    /// no delivery names is never found.
    ///
    /// # Errors
    /// The store's.
    pub async fn put_mime(&self, raw: &[u8]) -> Result<BlobId, Error> {
        Ok(self.store().put_blob(raw).await?)
    }

    /// Delivers a mail into a folder; into another one than the Inbox where its conversation was
    /// moved there for good. Durable when it returns.
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::Conflict`]; the store's.
    pub async fn deliver(
        &self,
        scope: Scope,
        folder: &FolderRow,
        delivery: Delivery,
    ) -> Result<Delivered, Error> {
        let mut message = delivery.message;
        message.mime = BlobRef {
            hash: delivery.raw.0,
            bytes: delivery.raw_bytes,
        };
        let effect = match &delivery.meeting {
            Some(arriving) => Box::pin(self.arrive(scope, &mut message, arriving)).await?,
            None => None,
        };
        let debt = match &delivery.asker {
            Some(asker) => Box::pin(self.owe(scope, asker, &message)).await?,
            None => None,
        };
        let conversation = message.conversation_id;
        // Boxed: callers keep their own futures small.
        let record = Box::new(Record::Message(message));
        let entry = Entry::from((&*record, delivery.words.as_ref()));
        let once = Once {
            fingerprint: delivery.fingerprint,
            mime: delivery.unstored.as_deref(),
            effect,
            debt,
        };
        if folder.id != FolderId::INBOX {
            return Box::pin(self.put_with(scope, folder, entry, once, None)).await;
        }
        let rules = Rules::load(self, scope).await?;
        let elsewhere = match rules.folder_of(&conversation) {
            Some(id) if id != folder.id => match self.folder(scope, id).await {
                Ok(elsewhere) => Some(elsewhere),
                // It was deleted since.
                Err(Error::NotFound) => None,
                Err(e) => return Err(e),
            },
            _ => None,
        };
        let folder = elsewhere.as_ref().unwrap_or(folder);
        // Else a move that is done meanwhile would miss this mail, and it the move.
        let same = Some(rules.unchanged());
        Box::pin(self.put_with(scope, folder, entry, once, same)).await
    }

    /// Stores a new item, unless one with this fingerprint was stored within the last
    /// [`limits::DELIVERED_KEPT_DAYS`](crate::limits::DELIVERED_KEPT_DAYS). Durable when it returns.
    ///
    /// # Errors
    /// As [`Mailbox::deliver`].
    pub async fn put_once(
        &self,
        scope: Scope,
        folder: &FolderRow,
        entry: impl Into<Entry<'_>>,
        fingerprint: Option<[u8; 32]>,
    ) -> Result<Delivered, Error> {
        let once = Once {
            fingerprint,
            mime: None,
            effect: None,
            debt: None,
        };
        let entry = entry.into();
        Box::pin(self.put_with(scope, folder, entry, once, None)).await
    }

    async fn put_with(
        &self,
        scope: Scope,
        folder: &FolderRow,
        entry: Entry<'_>,
        once: Once<'_>,
        require: Option<Condition>,
    ) -> Result<Delivered, Error> {
        let Once {
            fingerprint,
            mime,
            effect,
            debt,
        } = once;
        let before = match fingerprint {
            Some(hash) => self.get(keys::delivered(scope, &hash)).await?,
            None => None,
        };
        if let Some(row) = before {
            return Ok(Delivered::Before(parse(&row).0));
        }
        let mut tx = self.transaction(scope, By::default());
        let item = tx.add(folder, entry).await?;
        if let Some(effect) = effect {
            Box::pin(effect.apply(&mut tx)).await?;
        }
        if let Some(debt) = debt {
            debt.apply(&mut tx);
        }
        let folder = folder.id;
        let id = ServerId { folder, item };
        if let Some(hash) = fingerprint {
            let key = keys::delivered(scope, &hash);
            tx.require(Condition::Absent(key.clone()));
            let value = to_value(id, self.clock().now_ms());
            tx.write(Write::Put(key, value));
        }
        if let Some(condition) = require {
            tx.require(condition);
        }
        let committed = match mime {
            Some(mime) => tx.commit_with_blob(mime).await,
            None => tx.commit().await,
        };
        match committed {
            Ok(_) => Ok(Delivered::Now(id)),
            // The same over two connections: one of them was first.
            Err(Error::Conflict) => self.delivered_meanwhile(scope, fingerprint).await,
            Err(e) => Err(e),
        }
    }

    async fn delivered_meanwhile(
        &self,
        scope: Scope,
        fingerprint: Option<[u8; 32]>,
    ) -> Result<Delivered, Error> {
        let hash = fingerprint.ok_or(Error::Conflict)?;
        let row = self.get(keys::delivered(scope, &hash)).await?;
        let row = row.ok_or(Error::Conflict)?;
        Ok(Delivered::Before(parse(&row).0))
    }

    /// Forgets a page of deliveries older than `before_ms`; returns the last key looked at, or
    /// `None` after the last page.
    pub(super) async fn purge_delivered(
        &self,
        scope: Scope,
        after: Option<&[u8]>,
        before_ms: UnixMs,
    ) -> Result<Option<Vec<u8>>, Error> {
        let span = keys::delivereds(scope);
        let span = match after {
            Some(key) => span.after(key),
            None => span,
        };
        let page = self.range(span.read(super::purge::PAGE)).await?;
        let mut batch = Batch::new(scope);
        for row in page.rows.iter().filter(|row| parse(row).1 < before_ms) {
            batch.writes.push(Write::Delete(row.key.to_vec()));
        }
        if !batch.writes.is_empty() {
            self.commit(batch).await?;
        }
        let last = page.rows.last().filter(|_| page.more);
        Ok(last.map(|row| row.key.to_vec()))
    }
}

fn to_value(id: ServerId, at_ms: UnixMs) -> Vec<u8> {
    let mut value = Vec::with_capacity(16);
    value.extend_from_slice(&id.folder.0.to_be_bytes());
    value.extend_from_slice(&id.item.0.to_be_bytes());
    value.extend_from_slice(&at_ms.to_be_bytes());
    value
}

/// Item and time of a remembered delivery. A damaged row is old, and names no item.
fn parse(row: &Row) -> (ServerId, UnixMs) {
    let u32_at = |at: usize| {
        let bytes = row.value().get(at..at + 4).and_then(|b| b.try_into().ok());
        bytes.map_or(0, u32::from_be_bytes)
    };
    let at_ms = row.value().get(8..16).and_then(|b| b.try_into().ok());
    let id = ServerId {
        folder: FolderId(u32_at(0)),
        item: ItemId(u32_at(4)),
    };
    (id, at_ms.map_or(0, i64::from_be_bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits;
    use crate::mailbox::purge::DAY_MS;
    use crate::mailbox::testing::{account, block_on, mail, mailbox};

    async fn deliver(mailbox: &Mailbox, scope: Scope, text: &str) -> Delivered {
        let folder = mailbox.folder(scope, FolderId::INBOX).await.unwrap();
        let raw = mailbox.put_mime(text.as_bytes()).await.unwrap();
        let delivery = Delivery {
            raw,
            raw_bytes: text.len() as u64,
            unstored: None,
            message: mail(text, mailbox.clock().now_ms()),
            words: None,
            fingerprint: Some(raw.0),
            meeting: None,
            asker: None,
        };
        let delivered = Box::pin(mailbox.deliver(scope, &folder, delivery)).await;
        delivered.unwrap()
    }

    #[test]
    fn a_delivery_is_stored_once_however_often_it_is_repeated() {
        block_on(async {
            let mailbox = mailbox();
            let scope = mailbox.add_account(&account("anna")).await.unwrap();
            let Delivered::Now(id) = deliver(&mailbox, scope, "one").await else {
                panic!("not stored")
            };
            assert_eq!(deliver(&mailbox, scope, "one").await, Delivered::Before(id));
            deliver(&mailbox, scope, "two").await;
            assert_eq!(mailbox.count_items(scope, id.folder, 10).await, Ok(2));
            let row = mailbox.item(scope, id.folder, id.item).await.unwrap();
            let Record::Message(stored) = row.unwrap().to_record().unwrap() else {
                panic!("no mail")
            };
            let blob = mailbox.store().get_blob(BlobId(stored.mime.hash), 0..99);
            assert_eq!(&blob.await.unwrap()[..], b"one");
            // Forgotten after some days.
            let days = i64::from(limits::DELIVERED_KEPT_DAYS) + 1;
            mailbox.clock().advance(days * DAY_MS);
            mailbox.purge_all(scope).await.unwrap();
            assert!(matches!(
                deliver(&mailbox, scope, "one").await,
                Delivered::Now(_)
            ));
        });
    }

    #[test]
    fn items_are_listed_newest_first_in_pages() {
        block_on(async {
            let mailbox = mailbox();
            let scope = mailbox.add_account(&account("anna")).await.unwrap();
            for n in 0..25 {
                mailbox.clock().advance(60_000);
                deliver(&mailbox, scope, &format!("mail {n}")).await;
            }
            let (mut from, mut seen) = (None, Vec::new());
            loop {
                let page = mailbox.list_items(scope, FolderId::INBOX, from, 10);
                let page = page.await.unwrap();
                seen.extend(page.items.iter().map(|row| row.item.0));
                from = page.next;
                if from.is_none() {
                    break;
                }
            }
            assert_eq!(seen, (1..=25).rev().collect::<Vec<_>>());
        });
    }
}
