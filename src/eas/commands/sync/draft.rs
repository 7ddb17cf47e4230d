//! A draft (16.0+): the mail that is composed from what a client says of it ([MS-ASEMAIL] 3.1.5.5).
//!
//! A draft's MIME is made anew with every change, from the stored one and the properties that came.
//! Deliberately absent: sending it (`Send`), which is refused.

use super::Env;
use crate::eas::classes::{Draft, NewAttachment};
use crate::eas::outgoing::fresh_id;
use crate::eas::status::Failure;
use crate::pim::body::BlobRef;
use crate::pim::mail::{self, Mailbox, compose};
use crate::pim::{BodyKind, Message, Record, html};
use crate::store::BlobId;

/// What a draft's mail is made of, until it is written.
struct Parts {
    text: String,
    html: Option<String>,
    files: Vec<NewAttachment>,
}

/// The mail that the draft becomes; its MIME is stored. `existing` is the mail that it changes.
/// `None`: it cannot be carried out.
///
/// # Errors
/// The store's.
pub(super) async fn compose(
    env: &Env<'_>,
    draft: &Draft,
    existing: Option<&Message>,
) -> Result<Option<Record>, Failure> {
    if draft.send {
        return Ok(None);
    }
    let now_ms = env.eas.clock().now_ms();
    let raw = match &draft.body {
        Some((BodyKind::Mime, mime)) => mime.clone().into_bytes(),
        _ => {
            let parts = parts(env, draft, existing).await?;
            write(env, draft, existing, &parts, now_ms)
        }
    };
    let blob = env.eas.mailbox().store().put_blob(&raw).await?;
    let (mut message, _) = mail::inspect(&raw, now_ms);
    message.mime = BlobRef {
        hash: blob.0,
        bytes: raw.len() as u64,
    };
    message.draft = true;
    message.read = true;
    if let Some(old) = existing {
        message.flag.clone_from(&old.flag);
        message.categories.clone_from(&old.categories);
        message.conversation_id = old.conversation_id;
        message
            .conversation_index
            .clone_from(&old.conversation_index);
    }
    draft.mark(&mut message);
    Ok(Some(Record::Message(message)))
}

/// Body and files: those that came, else those that are stored.
async fn parts(env: &Env<'_>, draft: &Draft, existing: Option<&Message>) -> Result<Parts, Failure> {
    let mut parts = Parts {
        text: String::new(),
        html: None,
        files: Vec::new(),
    };
    if let Some(old) = existing {
        let store = env.eas.mailbox().store();
        let raw = store
            .get_blob(BlobId(old.mime.hash), 0..old.mime.bytes)
            .await?;
        let renditions = mail::renditions(&raw);
        (parts.text, parts.html) = (renditions.text, renditions.html);
        let gone = |index: u32| draft.delete.iter().any(|d| d.part == index);
        let kept = old.parts.iter().filter(|p| !gone(p.index));
        parts.files = kept.map(|p| file_of(&raw, p)).collect();
    }
    match &draft.body {
        Some((BodyKind::Html, html)) => {
            parts.text = html::to_text(html);
            parts.html = Some(html.clone());
        }
        Some((_, text)) => (parts.text, parts.html) = (text.clone(), None),
        None => {}
    }
    parts.files.extend(draft.add.iter().cloned());
    Ok(parts)
}

fn file_of(raw: &[u8], part: &crate::pim::Part) -> NewAttachment {
    let encoded = mail::slice(raw, part.body_from, part.body_to);
    NewAttachment {
        name: part.name.clone(),
        content_type: part.content_type.clone(),
        content_id: part.content_id.clone(),
        inline: part.inline,
        content: mail::decode(encoded, part.encoding).into_owned(),
        ..NewAttachment::default()
    }
}

fn write(
    env: &Env<'_>,
    draft: &Draft,
    existing: Option<&Message>,
    parts: &Parts,
    now_ms: i64,
) -> Vec<u8> {
    let account = &env.account.account;
    let list = |new: &Option<String>, old: fn(&Message) -> &str| {
        let old = existing.map_or("", old);
        mail::addresses(new.as_deref().unwrap_or(old))
    };
    let subject = existing.map_or("", |m| &m.subject);
    let message_id = match existing {
        Some(m) if !m.message_id.is_empty() => m.message_id.clone(),
        _ => format!("{}@{}", fresh_id(), env.eas.settings().host),
    };
    compose::build(&compose::Draft {
        from: Mailbox {
            name: account.display_name.clone(),
            address: account.address().to_owned(),
        },
        to: list(&draft.to, |m| &m.to),
        cc: list(&draft.cc, |m| &m.cc),
        bcc: list(&draft.bcc, |m| &m.bcc),
        reply_to: list(&draft.reply_to, |m| &m.reply_to),
        importance: draft.importance.or_else(|| existing.map(|m| m.importance)),
        subject: draft.subject.as_deref().unwrap_or(subject),
        date_ms: now_ms,
        message_id: &message_id,
        references: Vec::new(),
        automatic: false,
        text: &parts.text,
        html: parts.html.as_deref(),
        files: parts.files.iter().map(as_file).collect(),
    })
}

fn as_file(file: &NewAttachment) -> compose::File<'_> {
    let inline = file.inline && !file.content_id.is_empty();
    compose::File {
        content_type: match (file.method, file.content_type.as_str()) {
            (5, _) => "message/rfc822",
            (_, "") => "application/octet-stream",
            (_, kind) => kind,
        },
        name: if inline { &file.content_id } else { &file.name },
        inline,
        bytes: &file.content,
    }
}
