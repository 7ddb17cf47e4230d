//! Drafts that clients write (16.0+, [MS-ASEMAIL] 3.1.5.5): their MIME, made of what is new and of
//! what was there.
//!
//! Deliberately absent: the threading fields of a draft that is edited again.

use crate::eas::Eas;
use crate::eas::classes::{Draft, NewAttachment};
use crate::eas::context::blob;
use crate::eas::status::Failure;
use crate::mailbox::Account;
use crate::pim::body::BlobRef;
use crate::pim::mail::{self, File, compose};
use crate::pim::words::{self, Words};
use crate::pim::{BodyKind, Message, html};

/// A draft as it is stored, and its MIME.
#[derive(Debug)]
pub struct Composed {
    /// The record; its MIME is stored already.
    pub message: Message,
    /// The MIME.
    pub raw: Vec<u8>,
    /// Its words.
    pub words: Words,
}

/// Makes the mail of a draft; `before` is what there was of it.
///
/// # Errors
/// The store's, or too much waiting for the workers.
pub async fn compose(
    eas: &Eas,
    account: &Account,
    draft: Draft,
    before: Option<Message>,
) -> Result<Composed, Failure> {
    let old = match &before {
        Some(m) => blob(eas, m.mime, m.mime.bytes).await?,
        None => Vec::new(),
    };
    let from = mail::Mailbox {
        name: account.display_name.clone(),
        address: account.address().to_owned(),
    };
    let now_ms = eas.clock().now_ms();
    let host = eas.settings().host.clone();
    let work = move || build(&draft, before, &old, from, now_ms, &host);
    let mut composed = eas.workers().run(work).await?;
    let id = eas.mailbox().store().put_blob(&composed.raw).await?;
    composed.message.mime = BlobRef {
        hash: id.0,
        bytes: composed.raw.len() as u64,
    };
    Ok(composed)
}

fn build(
    draft: &Draft,
    before: Option<Message>,
    old: &[u8],
    from: mail::Mailbox,
    now_ms: i64,
    host: &str,
) -> Composed {
    let raw = match &draft.body {
        // The client has made it all by itself.
        Some((BodyKind::Mime, mime)) => mime.clone().into_bytes(),
        _ => write(draft, before.as_ref(), old, from, now_ms, host),
    };
    let received_ms = before.as_ref().map_or(now_ms, |m| m.received_ms);
    let (mut message, seen) = mail::inspect(&raw, received_ms);
    if let Some(before) = before {
        message.read = before.read;
        message.flag = before.flag;
        message.categories = before.categories;
        message.conversation_id = before.conversation_id;
        message.conversation_index = before.conversation_index;
    } else {
        message.read = true;
    }
    message.draft = true;
    draft.mark(&mut message);
    let words = words::of_mail(&message, Some(&seen.text));
    Composed {
        message,
        raw,
        words,
    }
}

fn write(
    draft: &Draft,
    before: Option<&Message>,
    old: &[u8],
    from: mail::Mailbox,
    now_ms: i64,
    host: &str,
) -> Vec<u8> {
    let people = |new: &Option<String>, old: fn(&Message) -> &String| {
        let old = || before.map(old).map_or("", String::as_str);
        mail::addresses(new.as_deref().unwrap_or_else(old))
    };
    let (text, html) = body(draft, before.map(|_| old));
    let mut files: Vec<_> = kept_files(draft, before, old).collect();
    files.extend(draft.add.iter().map(new_file));
    let subject = || before.map_or("", |m| m.subject.as_str());
    let message_id = match before {
        Some(m) if !m.message_id.is_empty() => m.message_id.clone(),
        _ => format!("{}@{host}", crate::eas::outgoing::fresh_id()),
    };
    compose::build(&compose::Draft {
        from,
        to: people(&draft.to, |m| &m.to),
        cc: people(&draft.cc, |m| &m.cc),
        bcc: people(&draft.bcc, |m| &m.bcc),
        reply_to: people(&draft.reply_to, |m| &m.reply_to),
        importance: draft.importance.or_else(|| before.map(|m| m.importance)),
        subject: draft.subject.as_deref().unwrap_or_else(subject),
        date_ms: now_ms,
        message_id: &message_id,
        text: &text,
        html: html.as_deref(),
        files,
        ..compose::Draft::default()
    })
}

/// Text and HTML: the new ones, or those of the mail before.
fn body(draft: &Draft, old: Option<&[u8]>) -> (String, Option<String>) {
    match (&draft.body, old) {
        (Some((BodyKind::Html, html)), _) => (html::to_text(html), Some(html.clone())),
        (Some((_, text)), _) => (text.clone(), None),
        (None, Some(old)) => {
            let both = mail::renditions(old);
            (both.text, both.html)
        }
        (None, None) => (String::new(), None),
    }
}

/// The attachments of the mail before that stay.
fn kept_files<'a>(
    draft: &Draft,
    before: Option<&'a Message>,
    old: &'a [u8],
) -> impl Iterator<Item = File<'a>> {
    let parts = before.map(|m| m.parts.as_slice()).unwrap_or_default();
    let is_kept = |index: u32| !draft.delete.iter().any(|r| r.part == index);
    let parts = parts.iter().filter(move |p| is_kept(p.index));
    parts.map(|p| File::of(old, p))
}

fn new_file(new: &NewAttachment) -> File<'_> {
    let content_type = match (new.content_type.as_str(), new.method) {
        ("", 5) => "message/rfc822",
        ("", _) => "application/octet-stream",
        (known, _) => known,
    };
    File {
        content_type,
        name: new.name.as_str().into(),
        content_id: &new.content_id,
        content_location: &new.content_location,
        inline: new.inline && !new.content_id.is_empty(),
        bytes: new.content.as_slice().into(),
    }
}
