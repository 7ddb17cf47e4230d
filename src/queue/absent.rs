//! Sends the answers that the absent owe ([`crate::mailbox::owed`]): to those who live here into their
//! Inboxes, to others by way of the queue, with an empty envelope sender.
//!
//! An answer has a name of its own and is the same to the byte whenever it is made, so that each goes out
//! once, however often it is tried: after the delivery that asked for it, and now and then for what a
//! crash or a full store has left behind.

use super::{Queue, Queued};
use crate::limits;
use crate::mailbox::{AccountStatus, Delivery, Error, FolderId, Mailbox, OwedRow};
use crate::pim::body::BlobRef;
use crate::pim::mail::compose::{self, Automatic, Draft};
use crate::pim::mail::{self, Mailbox as Address};
use crate::pim::words;
use crate::pim::{BodyKind, html};
use crate::store::Scope;

/// Sends what an account owes. What fails stays for later.
pub async fn answer(mailbox: &Mailbox, scope: Scope) {
    if let Err(e) = Box::pin(answer_some(mailbox, scope)).await {
        tracing::warn!(account = scope.0, error = %e, "those who wrote to an absent user are told later");
    }
}

/// Sends what all accounts owe.
///
/// # Errors
/// The store's.
pub async fn answer_all(mailbox: &Mailbox) -> Result<(), Error> {
    for account in mailbox.accounts().await? {
        answer(mailbox, account.scope).await;
    }
    Ok(())
}

async fn answer_some(mailbox: &Mailbox, scope: Scope) -> Result<(), Error> {
    loop {
        let rows = mailbox.owed(scope).await?;
        if rows.is_empty() {
            return Ok(());
        }
        let name = mailbox.account(scope).await?.account.display_name;
        for row in rows {
            let raw = compose(&row, &name);
            match Box::pin(send(mailbox, &row, &raw)).await {
                Err(Error::TooLarge | Error::NotFound | Error::Limit) => {
                    tracing::error!(
                        account = scope.0,
                        "an answer of an absent user cannot be sent"
                    );
                }
                sent => sent?,
            }
            mailbox.drop_owed(&row).await?;
        }
    }
}

fn compose(row: &OwedRow, name: &str) -> Vec<u8> {
    let owed = &row.owed;
    let as_text;
    let (text, html) = match owed.note.kind {
        BodyKind::Html => {
            as_text = html::to_text(&owed.note.text);
            (as_text.as_str(), Some(owed.note.text.as_str()))
        }
        _ => (owed.note.text.as_str(), None),
    };
    let text = text.replace("\r\n", "\n").replace('\n', "\r\n");
    let subject = match owed.subject.as_str() {
        "" => "Automatic reply".to_owned(),
        subject => format!("Automatic reply: {subject}"),
    };
    let host = owed.from.rsplit_once('@').map_or("localhost", |(_, h)| h);
    let id: String = row
        .name
        .iter()
        .take(16)
        .map(|b| format!("{b:02x}"))
        .collect();
    let address = |name: &str, address: &str| Address {
        name: name.to_owned(),
        address: address.to_owned(),
    };
    compose::build(&Draft {
        from: address(name, &owed.from),
        to: vec![address("", &owed.to)],
        subject: &subject,
        date_ms: owed.at_ms,
        message_id: &format!("{id}@{host}"),
        references: owed.references.clone(),
        automatic: Some(Automatic::Replied),
        text: &text,
        html,
        ..Draft::default()
    })
}

async fn send(mailbox: &Mailbox, row: &OwedRow, raw: &[u8]) -> Result<(), Error> {
    let resident = match mailbox.find_address(&row.owed.to).await? {
        None if !row.owed.to.contains('@') => mailbox.find_login(&row.owed.to, "").await?,
        found => found,
    };
    let blob = mailbox.put_mime(raw).await?;
    if let Some(account) = resident {
        if account.account.status != AccountStatus::Active {
            return Ok(());
        }
        let at_ms = mailbox.clock().now_ms();
        let (message, seen) = mail::inspect(raw, at_ms);
        let delivery = Delivery {
            raw: blob,
            raw_bytes: raw.len() as u64,
            unstored: None,
            words: Some(words::of_mail(&message, Some(&seen.text))),
            message,
            fingerprint: Some(row.name),
            // An answer is not answered.
            asker: None,
            meeting: None,
        };
        let inbox = mailbox.folder(account.scope, FolderId::INBOX).await?;
        for _ in 0..limits::CONFLICT_RETRIES_MAX {
            let delivered = mailbox.deliver(account.scope, &inbox, delivery.clone());
            match Box::pin(delivered).await {
                Err(Error::Conflict) => {}
                done => return done.map(drop),
            }
        }
        return Err(Error::Conflict);
    }
    let queued = Queued {
        account: row.scope.0,
        sender: String::new(),
        recipients: vec![row.owed.to.clone()],
        mime: BlobRef {
            hash: blob.0,
            bytes: raw.len() as u64,
        },
        queued_ms: row.owed.at_ms,
        attempts: 0,
        last_error: String::new(),
        failed: Vec::new(),
    };
    let queue = Queue::new(mailbox.clone());
    queue.add(&row.name, &queued).await.map(drop)
}
