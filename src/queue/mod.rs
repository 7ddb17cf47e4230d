//! Outgoing mail for others waits here, durably, until the next server has it.
//!
//! A row per mail, under the time when it is due: envelope, and the blob of its MIME. Whoever adds
//! a mail gives it a name of 32 bytes, and what was taken under a name is not taken again, also when it
//! has long gone out: a request that is repeated after a lost answer does not send twice.
//!
//! What an attempt came to is computed by [`settle`] and replaces the row in one commit
//! ([`Queue::replace`]): who was accepted is recorded before a next attempt could begin. Recipients that
//! are given up become rows of their own in the same commit; the sender is told by [`tell`], once, and
//! then the row goes.
//!
//! # Once
//!
//! Towards the next server a mail goes out once as far as SMTP can do that. It has no way to ask what
//! became of a mail whose last dot was sent and whose reply was lost: with the connection, or because this
//! process was killed between the reply and the commit that follows it. RFC 5321 (4.5.4.1, 6.1) has the
//! sender try again then, and so it does: a mail may go out twice, never not at all. The second one is the
//! same to the byte, with the same Message-ID (and envelope id, where the server knows DSN), and a server
//! that knows it by that drops it, as our own door does (`delivery`). A connection that is lost before
//! the dot leaves no doubt.
//!
//! Deliberately absent: sockets and threads (`net`, `appliance`), warnings of delay, MX records.

mod absent;
mod bounce;
mod mail;
mod route;
mod schedule;
mod settle;
mod tell;

use crate::clock::UnixMs;
use crate::limits;
use crate::mailbox::{Error, Mailbox};
use crate::store::{Batch, Condition, Row, Scope, Seq, Write, keys};

pub use absent::{answer, answer_all};
pub use mail::{Failed, Queued};
pub use route::Routes;
pub use schedule::Schedule;
pub use settle::{Again, Settled, give_up, settle};
pub use tell::{Told, tell};

/// Names a mail in the queue.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct QueueId {
    /// When it is due, Unix milliseconds.
    pub due_ms: UnixMs,
    /// Stays the same when the mail is put back; taken from a hash, or random.
    pub number: u64,
}

impl QueueId {
    /// Of a mail that is due as soon as it is there.
    pub const AT_ONCE_MS: UnixMs = 0;
    /// Of a mail that an operator wants tried, although its server was not to be reached lately.
    pub const ASKED_FOR_MS: UnixMs = -1;

    /// A number for a row that comes of this one.
    #[must_use]
    pub fn derived(&self, about: &[&[u8]]) -> u64 {
        let number = self.number.to_be_bytes();
        let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
        for part in std::iter::once(&number[..]).chain(about.iter().copied()) {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let digest = context.finish();
        let first = digest.as_ref().first_chunk::<8>();
        first.map_or(self.number, |bytes| u64::from_be_bytes(*bytes))
    }
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

    /// The mailbox in whose store it is.
    #[must_use]
    pub fn mailbox(&self) -> &Mailbox {
        &self.0
    }

    /// Adds a mail whose MIME is stored already, due at once. Durable when it returns; `false` if one of
    /// this name was taken before, whatever became of it.
    ///
    /// # Errors
    /// [`Error::TooLarge`] for too many recipients; the store's.
    pub async fn add(&self, name: &[u8; 32], mail: &Queued) -> Result<bool, Error> {
        if mail.recipients.len() > limits::RECIPIENTS_MAX {
            return Err(Error::TooLarge);
        }
        let number = name
            .first_chunk::<8>()
            .map_or(0, |b| u64::from_be_bytes(*b));
        let key = keys::queue(QueueId::AT_ONCE_MS, number);
        let taken = keys::delivered(Scope::QUEUE, name);
        let mut batch = Batch::new(Scope::QUEUE);
        // The row itself: one of an older release has no mark.
        batch.conditions.push(Condition::Absent(key.clone()));
        batch.conditions.push(Condition::Absent(taken.clone()));
        let value = mail.write()?;
        // What attempts come to has to fit in as well.
        if value.len() > limits::VALUE_BYTES_MAX - limits::QUEUE_ROW_ROOM_BYTES {
            return Err(Error::TooLarge);
        }
        batch.writes.push(Write::Put(key, value));
        let at_ms = self.0.clock().now_ms().to_be_bytes().to_vec();
        batch.writes.push(Write::Put(taken, at_ms));
        match self.0.commit(batch).await {
            Ok(_) => Ok(true),
            Err(Error::Conflict) => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// Forgets the names of a page of mails that were taken long ago; returns the last key looked at, or
    /// none after the last page.
    ///
    /// # Errors
    /// The store's.
    pub async fn forget(&self, after: Option<&[u8]>) -> Result<Option<Vec<u8>>, Error> {
        const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
        let kept_ms = i64::from(limits::SENT_KEPT_DAYS + 1) * DAY_MS;
        let before_ms = self.0.clock().now_ms().saturating_sub(kept_ms);
        let span = keys::delivereds(Scope::QUEUE);
        let span = match after {
            Some(key) => span.after(key),
            None => span,
        };
        let page = self.0.range(span.read(limits::QUEUE_PAGE)).await?;
        let mut batch = Batch::new(Scope::QUEUE);
        for row in page.rows.iter() {
            let at_ms = row
                .value()
                .first_chunk::<8>()
                .map(|b| i64::from_be_bytes(*b));
            if at_ms.is_none_or(|at_ms| at_ms < before_ms) {
                batch.writes.push(Write::Delete(row.key.to_vec()));
            }
        }
        if !batch.writes.is_empty() {
            self.0.commit(batch).await?;
        }
        let last = page.rows.last().filter(|_| page.more);
        Ok(last.map(|row| row.key.to_vec()))
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

    /// The mail of this number, whenever it is due.
    ///
    /// # Errors
    /// [`Error::NotFound`]; the store's.
    pub async fn find(&self, number: u64) -> Result<QueuedRow, Error> {
        let mut after = None;
        loop {
            let page = self.list(after, limits::QUEUE_PAGE).await?;
            let last = page.last().map(|row| row.id).ok_or(Error::NotFound)?;
            if let Some(row) = page.into_iter().find(|row| row.id.number == number) {
                return Ok(row);
            }
            after = Some(last);
        }
    }

    /// How many mails wait.
    ///
    /// # Errors
    /// The store's.
    pub async fn count(&self) -> Result<u64, Error> {
        let (mut count, mut after) = (0, None::<Vec<u8>>);
        loop {
            let span = match &after {
                Some(key) => keys::queued().after(key),
                None => keys::queued(),
            };
            let page = self.0.range(span.read(limits::RANGE_ROWS_MAX)).await?;
            count += page.rows.len() as u64;
            match page.rows.last().filter(|_| page.more) {
                Some(row) => after = Some(row.key.to_vec()),
                None => return Ok(count),
            }
        }
    }

    /// Puts other rows in the place of one, or none: it is delivered, or given up. One commit.
    ///
    /// # Errors
    /// [`Error::Conflict`] if somebody else took it meanwhile; the store's.
    pub async fn replace(&self, row: &QueuedRow, rows: &[(QueueId, Queued)]) -> Result<(), Error> {
        let key = keys::queue(row.id.due_ms, row.id.number);
        let mut batch = Batch::new(Scope::QUEUE);
        let same = Condition::Equals(key.clone(), row.version);
        batch.conditions.push(same);
        let stays = rows.iter().any(|(id, _)| *id == row.id);
        if !stays {
            batch.writes.push(Write::Delete(key));
        }
        for (id, mail) in rows {
            let key = keys::queue(id.due_ms, id.number);
            batch.writes.push(Write::Put(key, mail.write()?));
        }
        self.0.commit(batch).await.map(drop)
    }

    /// Puts a mail back for another time.
    ///
    /// # Errors
    /// As [`Queue::replace`].
    pub async fn reschedule(
        &self,
        row: &QueuedRow,
        due_ms: UnixMs,
        last_error: &str,
    ) -> Result<(), Error> {
        let mut mail = row.mail.clone();
        mail.last_error = settle::shorten(last_error);
        let id = QueueId { due_ms, ..row.id };
        self.replace(row, &[(id, mail)]).await
    }
}

fn parse(row: &Row) -> Result<QueuedRow, Error> {
    let key = keys::parse_queue(&row.key);
    let (due_ms, number) = key.ok_or(Error::Damaged("a key of the queue"))?;
    Ok(QueuedRow {
        id: QueueId { due_ms, number },
        version: row.version,
        mail: Queued::read(row.value())?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailbox::testing::{block_on, mailbox};
    use crate::pim::body::BlobRef;

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
            failed: Vec::new(),
        }
    }

    async fn only(queue: &Queue) -> QueuedRow {
        let mut rows = queue.list(None, 10).await.unwrap();
        assert_eq!(rows.len(), 1);
        rows.pop().unwrap()
    }

    #[test]
    fn a_mail_is_taken_once_also_when_it_has_gone_out() {
        block_on(async {
            let queue = Queue::new(mailbox());
            let mail = queued("b@example.net");
            assert_eq!(queue.add(&[1; 32], &mail).await, Ok(true));
            assert_eq!(queue.add(&[1; 32], &mail).await, Ok(false));
            let row = only(&queue).await;
            assert_eq!(row.mail, mail);
            queue.replace(&row, &[]).await.unwrap();
            assert_eq!(queue.add(&[1; 32], &mail).await, Ok(false));
            assert_eq!(queue.count().await, Ok(0));
            assert_eq!(queue.get(row.id).await, Err(Error::NotFound));
            // Forgotten after some days, and not before.
            assert_eq!(queue.forget(None).await, Ok(None));
            assert_eq!(queue.add(&[1; 32], &mail).await, Ok(false));
            let days = i64::from(limits::SENT_KEPT_DAYS) + 2;
            queue.mailbox().clock().advance(days * 86_400_000);
            queue.forget(None).await.unwrap();
            assert_eq!(queue.add(&[1; 32], &mail).await, Ok(true));
        });
    }

    #[test]
    fn mails_come_in_the_order_in_which_they_are_due() {
        block_on(async {
            let queue = Queue::new(mailbox());
            for (n, due_ms) in [(1, 30), (2, 10), (3, 20)] {
                queue.add(&[n; 32], &queued("b@example.net")).await.unwrap();
                let first = queue.list(None, 1).await.unwrap().remove(0);
                queue.reschedule(&first, due_ms, "later").await.unwrap();
            }
            let due = |rows: &[QueuedRow]| rows.iter().map(|r| r.id.due_ms).collect::<Vec<_>>();
            let first = queue.list(None, 2).await.unwrap();
            assert_eq!(due(&first), [10, 20]);
            let rest = queue.list(first.last().map(|row| row.id), 2).await.unwrap();
            assert_eq!(due(&rest), [30]);
            assert_eq!(rest[0].mail.last_error, "later");
            assert_eq!(queue.count().await, Ok(3));
            let found = queue.find(rest[0].id.number).await.unwrap();
            assert_eq!(found, rest[0]);
            assert_eq!(queue.find(5).await, Err(Error::NotFound));
        });
    }

    #[test]
    fn what_was_taken_can_be_put_off() {
        block_on(async {
            let queue = Queue::new(mailbox());
            let mut mail = queued("b@example.net");
            // As many as there is room for.
            let mut taken = 0;
            for n in 1..=u8::MAX {
                mail.recipients
                    .extend((0..10).map(|m| format!("{n}-{m}-{}", "x".repeat(70))));
                let Ok(true) = queue.add(&[n; 32], &mail).await else {
                    break;
                };
                taken = n;
            }
            assert!((60..100).contains(&taken), "{taken}");
            let number = u64::from_be_bytes([taken; 8]);
            let row = queue.find(number).await.unwrap();
            let why = "w".repeat(10_000);
            queue.reschedule(&row, 50, &why).await.unwrap();
            let row = queue.find(number).await.unwrap();
            assert_eq!(row.mail.last_error.len(), limits::SMTP_REPLY_KEPT_BYTES);
            let given_up = give_up(&row, "5.0.0", &why);
            queue.replace(&row, &given_up.rows).await.unwrap();
        });
    }

    #[test]
    fn a_mail_is_taken_by_one() {
        block_on(async {
            let queue = Queue::new(mailbox());
            queue.add(&[1; 32], &queued("b@example.net")).await.unwrap();
            let row = only(&queue).await;
            // Also to the same time.
            queue.reschedule(&row, row.id.due_ms, "x").await.unwrap();
            assert_eq!(queue.replace(&row, &[]).await, Err(Error::Conflict));
            let row = only(&queue).await;
            queue.replace(&row, &[]).await.unwrap();
            assert_eq!(queue.replace(&row, &[]).await, Err(Error::Conflict));
        });
    }
}
