//! Outgoing mail for others waits here, durably, until it is handed to the next server.
//!
//! A row per mail, under the time when it is due: envelope, and the blob of its MIME. Whoever adds
//! a mail chooses due time and number, and the same pair is stored once: a request that is
//! repeated after a lost answer does not send twice.
//!
//! Deliberately absent: sending, retry schedules, bounces.

mod absent;

use rkyv::{Archive, Deserialize, Serialize};

use crate::clock::UnixMs;
use crate::limits;
use crate::mailbox::{Error, Mailbox, stored};
use crate::pim::body::BlobRef;
use crate::store::{Batch, Condition, Row, Scope, Seq, Write, keys};

pub use absent::{answer, answer_all};

const FORMAT: u8 = 1;

/// Names a mail in the queue.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct QueueId {
    /// When it is due, Unix milliseconds.
    pub due_ms: UnixMs,
    /// Tells mails apart that are due at the same time; the lower half of a hash, or random.
    pub number: u64,
}

/// A mail that waits.
#[derive(Archive, Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct Queued {
    /// The scope of the account that sent it.
    pub account: u64,
    /// Envelope sender; empty for a bounce.
    pub sender: String,
    /// Envelope recipients that it was not delivered to yet.
    pub recipients: Vec<String>,
    /// The MIME.
    pub mime: BlobRef,
    /// When it was handed in, Unix milliseconds.
    pub queued_ms: UnixMs,
    /// How often delivery was tried.
    pub attempts: u32,
    /// What the last attempt came to, for people.
    pub last_error: String,
}

/// A mail in the queue, with its name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QueuedRow {
    /// Its name.
    pub id: QueueId,
    /// The commit that put it.
    pub version: Seq,
    /// The mail.
    pub mail: Queued,
}

/// The queue of outgoing mail. A cheap clone.
#[derive(Clone, Debug)]
pub struct Queue(Mailbox);

impl Queue {
    /// The queue in the store of `mailbox`.
    #[must_use]
    pub fn new(mailbox: Mailbox) -> Self {
        Self(mailbox)
    }

    /// Adds a mail whose MIME is stored already. Durable when it returns; `false` if it waits under
    /// this name already.
    ///
    /// # Errors
    /// [`Error::TooLarge`] for too many recipients; the store's.
    pub async fn add(&self, id: QueueId, mail: &Queued) -> Result<bool, Error> {
        if mail.recipients.len() > limits::RECIPIENTS_MAX {
            return Err(Error::TooLarge);
        }
        let key = keys::queue(id.due_ms, id.number);
        let mut batch = Batch::new(Scope::QUEUE);
        batch.conditions.push(Condition::Absent(key.clone()));
        batch.writes.push(put(key, mail)?);
        match self.0.commit(batch).await {
            Ok(_) => Ok(true),
            Err(Error::Conflict) => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// The mail of this name.
    ///
    /// # Errors
    /// [`Error::NotFound`]; the store's.
    pub async fn get(&self, id: QueueId) -> Result<QueuedRow, Error> {
        let row = self.0.get(keys::queue(id.due_ms, id.number)).await?;
        parse(&row.ok_or(Error::NotFound)?)
    }

    /// A page of the queue, next due first, behind `after`; empty at the end.
    ///
    /// # Errors
    /// The store's.
    pub async fn list(
        &self,
        after: Option<QueueId>,
        limit: usize,
    ) -> Result<Vec<QueuedRow>, Error> {
        let span = match after {
            Some(id) => keys::queued().after(&keys::queue(id.due_ms, id.number)),
            None => keys::queued(),
        };
        let page = self.0.range(span.read(limit.max(1))).await?;
        page.rows.iter().map(parse).collect()
    }

    /// What is due at `now_ms`, at most `limit`.
    ///
    /// # Errors
    /// The store's.
    pub async fn due(&self, now_ms: UnixMs, limit: usize) -> Result<Vec<QueuedRow>, Error> {
        let span = keys::queued_until(now_ms);
        let page = self.0.range(span.read(limit.max(1))).await?;
        page.rows.iter().map(parse).collect()
    }

    /// Puts a mail back for another time, with what it came to so far.
    ///
    /// # Errors
    /// [`Error::Conflict`] if somebody else took it meanwhile; the store's.
    pub async fn reschedule(
        &self,
        row: &QueuedRow,
        due_ms: UnixMs,
        mail: &Queued,
    ) -> Result<QueueId, Error> {
        let number = row.id.number;
        let id = QueueId { due_ms, number };
        let mut batch = self.taking(row);
        batch.writes.push(put(keys::queue(due_ms, number), mail)?);
        self.0.commit(batch).await?;
        Ok(id)
    }

    /// Removes a mail: it is delivered, or given up.
    ///
    /// # Errors
    /// [`Error::Conflict`] if somebody else took it meanwhile; the store's.
    pub async fn remove(&self, row: &QueuedRow) -> Result<(), Error> {
        self.0.commit(self.taking(row)).await.map(drop)
    }

    /// The batch that removes a row, if it is as it was read.
    fn taking(&self, row: &QueuedRow) -> Batch {
        let key = keys::queue(row.id.due_ms, row.id.number);
        let mut batch = Batch::new(Scope::QUEUE);
        let same = Condition::Equals(key.clone(), row.version);
        batch.conditions.push(same);
        batch.writes.push(Write::Delete(key));
        batch
    }
}

fn put(key: Vec<u8>, mail: &Queued) -> Result<Write, Error> {
    let value = stored::write(FORMAT, mail)?;
    if value.len() > limits::VALUE_BYTES_MAX {
        return Err(Error::TooLarge);
    }
    Ok(Write::Put(key, value))
}

fn parse(row: &Row) -> Result<QueuedRow, Error> {
    let key = keys::parse_queue(&row.key);
    let (due_ms, number) = key.ok_or(Error::Damaged("a key of the queue"))?;
    Ok(QueuedRow {
        id: QueueId { due_ms, number },
        version: row.version,
        mail: stored::read(FORMAT, row.value())?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailbox::testing::{block_on, mailbox};

    fn queued(recipient: &str) -> Queued {
        Queued {
            account: 16,
            sender: "a@example.org".into(),
            recipients: vec![recipient.into()],
            mime: BlobRef {
                hash: [7; 32],
                bytes: 3,
            },
            queued_ms: 5,
            attempts: 0,
            last_error: String::new(),
        }
    }

    fn id(due_ms: i64, number: u64) -> QueueId {
        QueueId { due_ms, number }
    }

    #[test]
    fn a_mail_waits_once_under_its_name() {
        block_on(async {
            let queue = Queue::new(mailbox());
            let mail = queued("b@example.net");
            assert_eq!(queue.add(id(10, 1), &mail).await, Ok(true));
            assert_eq!(queue.add(id(10, 1), &mail).await, Ok(false));
            assert_eq!(queue.get(id(10, 1)).await.unwrap().mail, mail);
            assert_eq!(queue.get(id(10, 2)).await, Err(Error::NotFound));
        });
    }

    #[test]
    fn mails_come_in_the_order_in_which_they_are_due() {
        block_on(async {
            let queue = Queue::new(mailbox());
            for (due_ms, number) in [(30, 1), (10, 9), (10, 2), (20, 5)] {
                let mail = queued("b@example.net");
                queue.add(id(due_ms, number), &mail).await.unwrap();
            }
            let ids = |rows: Vec<QueuedRow>| rows.iter().map(|r| r.id).collect::<Vec<_>>();
            let due = queue.due(20, 10).await.unwrap();
            assert_eq!(ids(due), [id(10, 2), id(10, 9), id(20, 5)]);
            let first = queue.list(None, 3).await.unwrap();
            let rest = queue.list(first.last().map(|row| row.id), 3).await.unwrap();
            assert_eq!(ids(rest), [id(30, 1)]);
        });
    }

    #[test]
    fn a_mail_is_taken_by_one() {
        block_on(async {
            let queue = Queue::new(mailbox());
            let mut mail = queued("b@example.net");
            queue.add(id(10, 1), &mail).await.unwrap();
            let row = queue.get(id(10, 1)).await.unwrap();
            mail.attempts = 1;
            let again = queue.reschedule(&row, 60, &mail).await.unwrap();
            assert_eq!(queue.remove(&row).await, Err(Error::Conflict));
            assert!(queue.due(59, 10).await.unwrap().is_empty());
            let row = queue.get(again).await.unwrap();
            assert_eq!(row.mail.attempts, 1);
            queue.remove(&row).await.unwrap();
            assert!(queue.list(None, 10).await.unwrap().is_empty());
        });
    }
}
