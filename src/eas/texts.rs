//! Text messages (SMS, 14.0+, [MS-ASMS]): kept beside mail, as the phone that took them wrote them.
//!
//! Each is a mail like any other for whoever does not ask for text messages. Deliberately absent:
//! sending text messages on a client's behalf (`EnableOutboundSMS`).

use crate::eas::Eas;
use crate::eas::classes::{Draft, TextMessage};
use crate::eas::status::Failure;
use crate::pim::body::BlobRef;
use crate::pim::mail::{self, compose};
use crate::pim::{BodyKind, Message, html};

/// `MessageClass` of a text message.
pub const MESSAGE_CLASS: &str = "IPM.Note.Mobile.SMS";
/// Bytes of the text that are shown as the subject of one without.
const SUBJECT_BYTES_MAX: usize = 80;

/// Makes the record of a text message; its MIME, for whoever wants that, is stored already.
///
/// # Errors
/// The store's.
pub async fn compose(eas: &Eas, draft: &Draft, text: &TextMessage) -> Result<Message, Failure> {
    let (mut message, raw) = build(eas, draft, text);
    let id = eas.mailbox().store().put_blob(&raw).await?;
    message.mime = BlobRef {
        hash: id.0,
        bytes: raw.len() as u64,
    };
    draft.mark(&mut message);
    Ok(message)
}

fn build(eas: &Eas, draft: &Draft, text: &TextMessage) -> (Message, Vec<u8>) {
    let words = match &draft.body {
        Some((BodyKind::Html, html)) => html::to_text(html),
        Some((_, text)) => text.clone(),
        None => String::new(),
    };
    let said = || words.split_whitespace().collect::<Vec<_>>().join(" ");
    let subject = match draft.subject.as_deref() {
        Some(subject) if !subject.trim().is_empty() => subject.to_owned(),
        _ => mail::cut(&said(), SUBJECT_BYTES_MAX).to_owned(),
    };
    let received_ms = text.received_ms.unwrap_or_else(|| eas.clock().now_ms());
    let host = &eas.settings().host;
    // Telephone numbers are no addresses of mail: the MIME has them as names.
    let person = |name: &str| mail::Mailbox {
        name: name.to_owned(),
        address: format!("text-message@{host}"),
    };
    let to = draft.to.as_deref().unwrap_or_default();
    let raw = compose::build(&compose::Draft {
        from: person(&text.from),
        to: vec![person(to)],
        subject: &subject,
        date_ms: received_ms,
        message_id: &format!("{}@{host}", crate::eas::outgoing::fresh_id()),
        importance: draft.importance,
        automatic: Some(compose::Automatic::Generated),
        text: &words,
        ..compose::Draft::default()
    });
    let (mut message, _) = mail::inspect(&raw, received_ms);
    message.message_class = MESSAGE_CLASS.to_owned();
    message.from.clone_from(&text.from);
    to.clone_into(&mut message.to);
    to.clone_into(&mut message.display_to);
    message.sender.clear();
    message.cc = draft.cc.clone().unwrap_or_default();
    (message, raw)
}
