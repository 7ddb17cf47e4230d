//! Sends what attendees are to be told: after the commit that wrote it down, and once more at the
//! start of the appliance and now and then, for what a crash or a full queue has left behind. However
//! often that is tried, each message goes out once: it has a name of its own.

use crate::eas::Eas;
use crate::eas::context::blob;
use crate::eas::outgoing::{Author, Submission, own_client_id, submit};
use crate::eas::status::{Common, Failure};
use crate::limits::MEETING_WORDS_BYTES_MAX;
use crate::mailbox::{self, AccountRow, DeviceNo, NoticeRow};
use crate::pim::event::Meeting;
use crate::pim::mail::imip::{self, Invitation};
use crate::pim::mail::{Mailbox, cut};
use crate::pim::{BodyKind, rtf};

/// Sends what an account has to tell. What fails stays for later.
pub async fn send(eas: &Eas, account: &AccountRow) {
    let rows = match eas.mailbox().notices(account.scope).await {
        Ok(rows) => rows,
        Err(e) => return tracing::warn!(error = %e, "attendees are told later"),
    };
    for row in rows {
        if let Err(failure) = Box::pin(send_one(eas, account, &row)).await {
            let user = &account.account.login;
            tracing::warn!(%user, ?failure, "attendees are told later");
        }
    }
}

/// Sends what all accounts have to tell.
pub async fn send_all(eas: &Eas) {
    let mut last: Option<NoticeRow> = None;
    loop {
        let rows = match eas.mailbox().all_notices(last.as_ref()).await {
            Ok(rows) if rows.is_empty() => return,
            Ok(rows) => rows,
            Err(e) => return tracing::warn!(error = %e, "attendees are told later"),
        };
        for row in &rows {
            let sent = match eas.mailbox().account(row.scope).await {
                Ok(account) => Box::pin(send_one(eas, &account, row)).await,
                // What belongs to a removed account goes with it.
                Err(mailbox::Error::NotFound) => Ok(()),
                Err(e) => Err(e.into()),
            };
            if let Err(failure) = sent {
                tracing::warn!(account = row.scope.0, ?failure, "attendees are told later");
            }
        }
        last = rows.into_iter().last();
    }
}

async fn send_one(eas: &Eas, account: &AccountRow, row: &NoticeRow) -> Result<(), Failure> {
    let mime = mime(eas, account, row).await?;
    let name = own_client_id(&[b"notice", &row.name]);
    let submission = Submission {
        mime: &mime,
        client_id: Some(&name),
        save: true,
        answers: None,
    };
    // No device has asked for it: all are told of the copy in Sent Items.
    let author = Author {
        account,
        device: DeviceNo::NONE,
    };
    match Box::pin(submit(eas, author, submission)).await {
        Ok(()) | Err(Failure::Common(Common::MessagePreviouslySent)) => {}
        Err(Failure::Common(
            why @ (Common::MailSubmissionFailed
            | Common::MessageRecipientUnresolved
            | Common::MessageHasNoRecipient
            | Common::InvalidMime),
        )) => {
            let user = &account.account.login;
            tracing::error!(%user, ?why, "attendees cannot be told");
        }
        Err(e) => return Err(e),
    }
    Ok(eas.mailbox().drop_notice(row).await?)
}

/// The mail. The same row makes the same mail, whenever that is.
async fn mime(eas: &Eas, account: &AccountRow, row: &NoticeRow) -> Result<Vec<u8>, Failure> {
    let mut meeting = row.notice.meeting.clone();
    complete(eas, &mut meeting).await?;
    let event = &meeting.event;
    let from = Mailbox {
        name: account.account.display_name.clone(),
        address: event.organizer_email.clone(),
    };
    let recipients = row.notice.recipients().map(|a| Mailbox {
        name: a.name.clone(),
        address: a.email.clone(),
    });
    let to: Vec<_> = recipients.collect();
    let subject = match meeting.asks() {
        "CANCEL" => format!("Canceled: {}", event.subject),
        _ => event.subject.clone(),
    };
    let words = cut(&event.body.text, MEETING_WORDS_BYTES_MAX);
    let as_text;
    let (text, html) = match event.body.kind {
        BodyKind::Html => ("", Some(words)),
        BodyKind::Rtf => {
            as_text = rtf::to_text(words);
            (as_text.as_str(), None)
        }
        _ => (words, None),
    };
    let name: String = row.name.iter().map(|b| format!("{b:02x}")).collect();
    Ok(imip::build(&Invitation {
        from: &from,
        to: &to,
        subject: &subject,
        text,
        html,
        date_ms: row.at_ms,
        message_id: &format!("{name}@{}", eas.settings().host),
        meeting: &meeting,
    }))
}

/// Takes a long text out of its blob.
async fn complete(eas: &Eas, meeting: &mut Meeting) -> Result<(), Failure> {
    let body = &mut meeting.event.body;
    if let Some(at) = body.blob.take() {
        let bytes = at.bytes.min(MEETING_WORDS_BYTES_MAX as u64);
        let text = blob(eas, at, bytes).await?;
        body.text = String::from_utf8_lossy(&text).into_owned();
    }
    Ok(())
}
