//! The queue of outgoing mail, for operators.

use super::Reply;
use super::desk::{Desk, done};
use super::order::{FailedRow, QueueRow, Refusal};
use crate::limits;
use crate::mailbox::Error;
use crate::pim::mail;
use crate::queue::{Queue, QueueId, QueuedRow};
use crate::store::BlobId;

/// Rows that one list shows; the rest is counted.
const LISTED_MAX: usize = 1_000;
/// Characters of a subject that are shown.
const SUBJECT_CHARS_MAX: usize = 80;

impl Desk {
    /// What waits, next due first.
    pub(super) async fn queue_list(&self) -> Result<Reply, Refusal> {
        let queue = self.queue();
        let (mut mails, mut after) = (Vec::new(), None);
        while mails.len() < LISTED_MAX {
            let page = queue.list(after, limits::QUEUE_PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            mails.extend(page.iter().map(shown));
        }
        mails.truncate(LISTED_MAX);
        let total = queue.count().await?;
        Ok(Reply::Queue { mails, total })
    }

    /// One mail, with its subject.
    pub(super) async fn queue_show(&self, id: &str) -> Result<Reply, Refusal> {
        let row = self.queued(id).await?;
        let mut mail = shown(&row);
        let header_bytes = limits::BOUNCED_HEADER_BYTES_MAX as u64;
        let blob = BlobId(row.mail.mime.hash);
        let header = self.mailbox.store().get_blob(blob, 0..header_bytes).await;
        if let Ok(header) = header {
            let (message, _) = mail::inspect(&header, row.mail.queued_ms);
            let subject = message.subject.chars().filter(|c| !c.is_control());
            mail.subject = Some(subject.take(SUBJECT_CHARS_MAX).collect());
        }
        Ok(Reply::Queue {
            mails: vec![mail],
            total: 1,
        })
    }

    /// Has mails tried now, whatever is known of their servers; none named: all.
    pub(super) async fn queue_retry(&self, ids: &[String]) -> Result<Reply, Refusal> {
        let queue = self.queue();
        let rows = match ids.is_empty() {
            true => self.all_that_wait().await?,
            false => self.named(ids).await?,
        };
        let mut count = 0;
        for row in rows {
            let due_ms = QueueId::ASKED_FOR_MS;
            match queue.reschedule(&row, due_ms, &row.mail.last_error).await {
                Ok(()) => count += 1,
                // It is on its way at this moment.
                Err(Error::Conflict) => {}
                Err(e) => return Err(e.into()),
            }
        }
        done(format!("{count} to be tried as soon as an appliance runs"))
    }

    /// Takes mails out of the queue; their senders are not told.
    pub(super) async fn queue_drop(&self, ids: &[String]) -> Result<Reply, Refusal> {
        let queue = self.queue();
        let mut count = 0;
        for row in self.named(ids).await? {
            match queue.replace(&row, &[]).await {
                Ok(()) => count += 1,
                Err(Error::Conflict) => {
                    return Err(Refusal::Wrong(format!(
                        "{} is being tried at this moment; look again with `roost queue list`",
                        hex(row.id)
                    )));
                }
                Err(e) => return Err(e.into()),
            }
        }
        done(format!("{count} dropped; nobody is told"))
    }

    fn queue(&self) -> Queue {
        Queue::new(self.mailbox.clone())
    }

    async fn all_that_wait(&self) -> Result<Vec<QueuedRow>, Refusal> {
        let (mut rows, mut after) = (Vec::new(), None);
        loop {
            let page = self.queue().list(after, limits::QUEUE_PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(rows);
            };
            after = Some(last.id);
            // What is due is tried anyway, unless its server was not to be reached.
            rows.extend(page.into_iter().filter(|row| {
                row.id.due_ms != QueueId::ASKED_FOR_MS && row.mail.failed.is_empty()
            }));
        }
    }

    async fn named(&self, ids: &[String]) -> Result<Vec<QueuedRow>, Refusal> {
        let mut rows = Vec::with_capacity(ids.len());
        for id in ids {
            rows.push(self.queued(id).await?);
        }
        Ok(rows)
    }

    async fn queued(&self, id: &str) -> Result<QueuedRow, Refusal> {
        let none = || {
            Refusal::Wrong(format!(
                "nothing waits as {id}; `roost queue list` shows all"
            ))
        };
        let number = u64::from_str_radix(id, 16).map_err(|_| none())?;
        match self.queue().find(number).await {
            Ok(row) => Ok(row),
            Err(Error::NotFound) => Err(none()),
            Err(e) => Err(e.into()),
        }
    }
}

fn hex(id: QueueId) -> String {
    format!("{:016x}", id.number)
}

fn shown(row: &QueuedRow) -> QueueRow {
    let mail = &row.mail;
    let failed = mail.failed.iter().map(|failed| FailedRow {
        recipient: failed.recipient.clone(),
        status: failed.status.clone(),
        text: failed.text.clone(),
        server: failed.server.clone(),
    });
    QueueRow {
        id: hex(row.id),
        due_ms: (row.id.due_ms > 0).then_some(row.id.due_ms),
        queued_ms: mail.queued_ms,
        sender: mail.sender.clone(),
        recipients: mail.recipients.clone(),
        bytes: mail.mime.bytes,
        attempts: mail.attempts,
        last_error: mail.last_error.clone(),
        failed: failed.collect(),
        subject: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::Order;
    use crate::auth::{Naming, password};
    use crate::clock::Clock;
    use crate::mailbox::Mailbox;
    use crate::pim::body::BlobRef;
    use crate::queue::Queued;
    use crate::store::Store;
    use crate::work::block_on;

    fn desk() -> Desk {
        let mailbox = Mailbox::new(Store::memory(), Clock::manual(7_000), true);
        let cost = password::Cost {
            memory_kib: 64,
            passes: 1,
        };
        Desk::new(mailbox, Naming::default(), cost)
    }

    async fn add(desk: &Desk, n: u8) -> String {
        let raw = b"Subject: Hello\r\n\r\n";
        let blob = desk.mailbox.put_mime(raw).await.unwrap();
        let mail = Queued {
            account: 16,
            sender: "a@example.org".into(),
            recipients: vec!["b@example.net".into()],
            mime: BlobRef {
                hash: blob.0,
                bytes: raw.len() as u64,
            },
            queued_ms: 5,
            attempts: 0,
            last_error: String::new(),
            failed: Vec::new(),
        };
        desk.queue().add(&[n; 32], &mail).await.unwrap();
        format!("{n:02x}").repeat(8)
    }

    async fn ask(desk: &Desk, order: Order) -> Reply {
        desk.carry_out(order, Vec::new()).await
    }

    async fn listed(desk: &Desk) -> Vec<(String, Option<i64>)> {
        match ask(desk, Order::QueueList).await {
            Reply::Queue { mails, .. } => mails.into_iter().map(|m| (m.id, m.due_ms)).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_operator_looks_tries_again_and_drops() {
        block_on(async {
            let desk = desk();
            let (one, two) = (add(&desk, 1).await, add(&desk, 2).await);
            for id in [&one, &two] {
                let row = desk.queued(id).await.unwrap();
                desk.queue()
                    .reschedule(&row, 90_000, "451 later")
                    .await
                    .unwrap();
            }
            let shown = ask(&desk, Order::QueueShow { id: one.clone() }).await;
            let Reply::Queue { mails, total: 1 } = shown else {
                panic!("{shown:?}")
            };
            assert_eq!(mails[0].subject.as_deref(), Some("Hello"));
            assert_eq!(mails[0].last_error, "451 later");
            let ids = vec![two.clone()];
            assert!(matches!(
                ask(&desk, Order::QueueRetry { ids }).await,
                Reply::Done { .. }
            ));
            assert_eq!(
                listed(&desk).await,
                [(two.clone(), None), (one.clone(), Some(90_000))]
            );
            let row = desk.queued(&two).await.unwrap();
            assert_eq!(row.id.due_ms, QueueId::ASKED_FOR_MS);
            let ids = Vec::new();
            assert!(matches!(
                ask(&desk, Order::QueueRetry { ids }).await,
                Reply::Done { .. }
            ));
            assert_eq!(
                listed(&desk).await,
                [(one.clone(), None), (two.clone(), None)]
            );
            let ids = vec![one.clone()];
            let dropped = ask(&desk, Order::QueueDrop { ids: ids.clone() }).await;
            assert!(matches!(dropped, Reply::Done { .. }));
            assert_eq!(listed(&desk).await, [(two, None)]);
            for order in [
                Order::QueueDrop { ids: ids.clone() },
                Order::QueueRetry { ids },
                Order::QueueShow {
                    id: "nonsense".into(),
                },
            ] {
                let reply = ask(&desk, order).await;
                assert!(matches!(reply, Reply::Refused { .. }), "{reply:?}");
            }
        });
    }
}
