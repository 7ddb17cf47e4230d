//! Sends what attendees are to be told: after the commit that wrote it down, and once more at the
//! start of the appliance and now and then, for what a crash or a full queue has left behind. However
//! often that is tried, each message goes out once: it has a name of its own.

use crate::eas::Eas;
use crate::eas::context::{Context, blob};
use crate::eas::outgoing::{Author, Submission, own_client_id, submit};
use crate::eas::status::{Common, Failure};
use crate::limits::MEETING_WORDS_BYTES_MAX;
use crate::mailbox::{self, AccountRow, DeviceNo, NoticeRow};
use crate::pim::event::Meeting;
use crate::pim::mail::imip::{self, Invitation};
use crate::pim::mail::{self, Mailbox, cut};
use crate::pim::{BodyKind, ical, rtf};

/// Sends what an account has to tell. What fails stays for later.
pub async fn send(eas: &Eas, account: &AccountRow) {
    Box::pin(send_of(eas, Some(account))).await;
}

/// Sends what all accounts have to tell.
pub async fn send_all(eas: &Eas) {
    Box::pin(send_of(eas, None)).await;
}

async fn send_of(eas: &Eas, account: Option<&AccountRow>) {
    let mut mark = None;
    loop {
        let page = eas.mailbox().notices(account.map(|a| a.scope), mark).await;
        let (rows, next) = match page {
            Ok(page) => page,
            Err(e) => return tracing::warn!(error = %e, "attendees are told later"),
        };
        for row in &rows {
            let sent = match account {
                Some(account) => Box::pin(send_one(eas, account, row)).await,
                None => match eas.mailbox().account(row.scope).await {
                    Ok(account) => Box::pin(send_one(eas, &account, row)).await,
                    // What belongs to a removed account goes with it.
                    Err(mailbox::Error::NotFound) => Ok(()),
                    Err(e) => Err(e.into()),
                },
            };
            if let Err(failure) = sent {
                tracing::warn!(account = row.scope.0, ?failure, "attendees are told later");
            }
        }
        if next.is_none() {
            return;
        }
        mark = next;
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

/// Whether a mail says to everybody whom it goes to what the server has told them already: this
/// edition of a meeting that the user called.
///
/// # Errors
/// The store's, or too much waiting for the workers.
pub async fn is_told(ctx: &Context<'_>, mime: &[u8]) -> Result<bool, Failure> {
    let (own, now_ms) = (ctx.account.account.addresses.clone(), ctx.now_ms());
    let mime = mime.to_vec();
    let read = move || {
        let (message, seen) = mail::inspect(&mime, now_ms);
        let calendar = seen.calendar?;
        let meeting = ical::meeting_for(&calendar.text, &calendar.method, now_ms, &own)?;
        let is_own = |a: &String| a.eq_ignore_ascii_case(&meeting.event.organizer_email);
        let calls = matches!(meeting.asks(), "REQUEST" | "CANCEL") && own.iter().any(is_own);
        let lists = [&message.to, &message.cc, &message.bcc];
        let to: Vec<String> = lists
            .iter()
            .flat_map(|list| mail::addresses(list))
            .map(|m| m.address)
            .collect();
        (calls && !to.is_empty()).then_some((meeting, to))
    };
    let Some((meeting, to)) = ctx.eas.workers().run(read).await? else {
        return Ok(false);
    };
    let told = ctx.mailbox().told_of(ctx.scope(), &meeting, &to).await?;
    Ok(told.into_iter().all(|told| told))
}
