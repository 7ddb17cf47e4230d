//! Messages as they come off the wire: the same call writes the same bytes.

use super::Who;
use crate::demo::dice::Dice;
use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::date::Date;
use mail_builder::headers::message_id::MessageId;
use mail_builder::headers::raw::Raw;
use mail_builder::headers::text::Text;
use mail_builder::mime::{BodyPart, MimePart};

/// The envelope of a made-up mail.
#[derive(Clone, Debug, Default)]
pub(super) struct Head {
    pub(super) from: Who,
    pub(super) to: Vec<Who>,
    pub(super) cc: Vec<Who>,
    pub(super) subject: String,
    pub(super) sent_ms: i64,
    /// Without angle brackets.
    pub(super) id: String,
    /// Ids of the mails that it answers, oldest first.
    pub(super) references: Vec<String>,
    /// Further fields: name and value, ASCII.
    pub(super) more: Vec<(&'static str, String)>,
}

/// A message id in the domain of its sender.
pub(super) fn fresh_id(dice: &mut Dice, from: &Who) -> String {
    let domain = from.email.rsplit('@').next().unwrap_or("example.org");
    format!("{:016x}.{:08x}@{domain}", dice.roll(), dice.roll() >> 32)
}

/// The message with this body.
pub(super) fn write(head: &Head, body: MimePart<'_>) -> Vec<u8> {
    let address = |w: &Who| Address::new_address(Some(w.name.clone()), w.email.clone());
    let list = |l: &[Who]| Address::new_list(l.iter().map(address).collect());
    let date = Date::new(head.sent_ms.div_euclid(1_000));
    let domain = head.from.email.rsplit('@').next().unwrap_or_default();
    let received = format!(
        "from mx.{domain} by mail.example.org with ESMTPS;\r\n\t{}",
        date.to_rfc822()
    );
    let mut message = MessageBuilder::new()
        .header("Received", Raw::new(received))
        .from(address(&head.from))
        .header("Subject", Text::new(head.subject.clone()))
        .date(date)
        .message_id(head.id.clone());
    if !head.to.is_empty() {
        message = message.to(list(&head.to));
    }
    if !head.cc.is_empty() {
        message = message.cc(list(&head.cc));
    }
    if let Some(parent) = head.references.last() {
        let ids = head.references.iter().map(String::as_str);
        message = message
            .in_reply_to(parent.clone())
            .header("References", MessageId::new_list(ids));
    }
    for (name, value) in &head.more {
        message = message.header(*name, Raw::new(value.clone()));
    }
    let mut out = Vec::new();
    // Writing to memory cannot fail.
    let _ = message.body(body).write_to(&mut out);
    out
}

/// A plain text.
pub(super) fn text(text: &str) -> MimePart<'static> {
    MimePart::new("text/plain", crlf(text))
}

/// A text and the same as HTML.
pub(super) fn alternative(plain: &str, html: &str, id: &str) -> MimePart<'static> {
    let parts = vec![text(plain), MimePart::new("text/html", crlf(html))];
    multipart("alternative", id, parts)
}

/// A multipart whose boundary follows from the message's id.
pub(super) fn multipart<'a>(kind: &str, id: &str, parts: Vec<MimePart<'a>>) -> MimePart<'a> {
    let seed: String = id
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(20)
        .collect();
    let mark = kind.get(..3).unwrap_or("mix");
    let content_type = ContentType::new(format!("multipart/{kind}"))
        .attribute("boundary", format!("=_{mark}_{seed}"));
    MimePart::new(content_type, BodyPart::Multipart(parts))
}

/// An attachment.
pub(super) fn attachment(kind: &str, name: &str, bytes: Vec<u8>) -> MimePart<'static> {
    MimePart::new(kind.to_owned(), bytes).attachment(name.to_owned())
}

/// A picture that the HTML shows as `cid:`.
pub(super) fn inline(kind: &str, cid: &str, bytes: Vec<u8>) -> MimePart<'static> {
    MimePart::new(kind.to_owned(), bytes)
        .inline()
        .cid(cid.to_owned())
}

fn crlf(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\n', "\r\n")
}
