//! Tells a sender what was not delivered: a bounce into the own Inbox, once.
//!
//! The bounce is stored first, under a fingerprint of the row's number, and then the row goes: whatever
//! happens in between, there is one bounce.

use super::bounce::{self, Bounce};
use super::{Queue, QueuedRow};
use crate::limits;
use crate::mailbox::{Delivery, Error, FolderId};
use crate::pim::mail;
use crate::pim::words;
use crate::store::{BlobId, Scope};

/// What came of telling.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Told {
    /// There is a bounce in the sender's Inbox.
    Bounced,
    /// There is nobody to tell: the mail has no sender, or the account is gone.
    Nobody,
}

/// Tells the sender of `row` of the recipients that were given up, and removes it. `host`: the name of
/// this server.
///
/// # Errors
/// [`Error::Conflict`]: somebody else took the row; the store's. The row stays then.
pub async fn tell(queue: &Queue, row: &QueuedRow, host: &str) -> Result<Told, Error> {
    let told = match row.mail.sender.is_empty() {
        // Never a bounce of a bounce.
        true => Told::Nobody,
        false => Box::pin(bounce(queue, row, host)).await?,
    };
    queue.replace(row, &[]).await?;
    Ok(told)
}

async fn bounce(queue: &Queue, row: &QueuedRow, host: &str) -> Result<Told, Error> {
    let mailbox = queue.mailbox();
    let scope = Scope(row.mail.account);
    let inbox = match mailbox.folder(scope, FolderId::INBOX).await {
        Ok(inbox) => inbox,
        Err(Error::NotFound) => return Ok(Told::Nobody),
        Err(e) => return Err(e),
    };
    let header_bytes = limits::BOUNCED_HEADER_BYTES_MAX as u64;
    let original = mailbox
        .store()
        .get_blob(BlobId(row.mail.mime.hash), 0..header_bytes)
        .await;
    // Without the original the sender is told all the same.
    let original = original.map_or_else(|_| Vec::new(), |bytes| bytes.to_vec());
    let at_ms = mailbox.clock().now_ms();
    let raw = bounce::compose(&Bounce {
        host,
        sender: &row.mail.sender,
        envelope_id: &row.mail.envelope_id(),
        queued_ms: row.mail.queued_ms,
        failed: &row.mail.failed,
        original: &original,
        name: &format!("{:016x}", row.id.number),
        at_ms,
    });
    let (message, seen) = mail::inspect(&raw, at_ms);
    let delivery = Delivery {
        raw: mailbox.put_mime(&raw).await?,
        raw_bytes: raw.len() as u64,
        unstored: None,
        words: Some(words::of_mail(&message, Some(&seen.text))),
        message,
        fingerprint: Some(fingerprint(row)),
        meeting: None,
        asker: None,
    };
    Box::pin(mailbox.deliver(scope, &inbox, delivery)).await?;
    Ok(Told::Bounced)
}

/// Of the bounce of this row, whenever it is written.
fn fingerprint(row: &QueuedRow) -> [u8; 32] {
    let mut print = [0; 32];
    for (n, part) in print.chunks_exact_mut(8).enumerate() {
        let about = [&b"bounce"[..], &n.to_be_bytes()];
        part.copy_from_slice(&row.id.derived(&about).to_be_bytes());
    }
    print
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailbox::testing::{account, block_on, mailbox};
    use crate::pim::Record;
    use crate::pim::body::BlobRef;
    use crate::queue::{Queued, give_up};

    async fn given_up(sender: &str) -> (Queue, Scope, QueuedRow) {
        let mailbox = mailbox();
        let scope = mailbox.add_account(&account("anna")).await.unwrap();
        let raw = b"Subject: Hello\r\nMessage-ID: <1@example.org>\r\n\r\nbody\r\n";
        let blob = mailbox.put_mime(raw).await.unwrap();
        let queue = Queue::new(mailbox);
        let mail = Queued {
            account: scope.0,
            sender: sender.into(),
            recipients: vec!["b@example.net".into()],
            mime: BlobRef {
                hash: blob.0,
                bytes: raw.len() as u64,
            },
            queued_ms: 5,
            attempts: 3,
            last_error: String::new(),
            failed: Vec::new(),
        };
        queue.add(&[1; 32], &mail).await.unwrap();
        let row = queue.list(None, 1).await.unwrap().remove(0);
        let settled = give_up(&row, "5.0.0", "no more");
        queue.replace(&row, &settled.rows).await.unwrap();
        let row = queue.list(None, 1).await.unwrap().remove(0);
        assert_eq!(row.mail.failed.len(), 1);
        (queue, scope, row)
    }

    #[test]
    fn the_sender_is_told_once_whatever_happens_in_between() {
        block_on(async {
            let (queue, scope, row) = Box::pin(given_up("anna@example.org")).await;
            // Killed behind the bounce, and before the row is gone.
            Box::pin(bounce(&queue, &row, "mail.example.org"))
                .await
                .unwrap();
            queue.mailbox().clock().advance(60_000);
            let told = Box::pin(tell(&queue, &row, "mail.example.org")).await;
            assert_eq!(told, Ok(Told::Bounced));
            assert_eq!(queue.count().await, Ok(0));
            let page = queue
                .mailbox()
                .list_items(scope, FolderId::INBOX, None, 10)
                .await;
            let rows = page.unwrap().items;
            assert_eq!(rows.len(), 1);
            let Ok(Record::Message(message)) = rows[0].to_record() else {
                panic!("no mail")
            };
            assert_eq!(message.message_class, "REPORT.IPM.Note.NDR");
            assert!(message.text_head.contains("b@example.net"), "{message:?}");
        });
    }

    #[test]
    fn nobody_is_told_of_a_bounce() {
        block_on(async {
            let (queue, scope, row) = Box::pin(given_up("")).await;
            let told = Box::pin(tell(&queue, &row, "mail.example.org")).await;
            assert_eq!(told, Ok(Told::Nobody));
            assert_eq!(queue.count().await, Ok(0));
            let mailbox = queue.mailbox();
            assert_eq!(mailbox.count_items(scope, FolderId::INBOX, 10).await, Ok(0));
        });
    }

    #[test]
    fn a_sender_who_is_gone_is_not_told() {
        block_on(async {
            let (queue, scope, row) = Box::pin(given_up("anna@example.org")).await;
            queue.mailbox().remove_account(scope).await.unwrap();
            let told = Box::pin(tell(&queue, &row, "mail.example.org")).await;
            assert_eq!(told, Ok(Told::Nobody));
        });
    }
}
