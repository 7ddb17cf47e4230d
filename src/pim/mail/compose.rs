//! Mails that go out: what a client submits, made fit for sending, and the appliance's own.
//!
//! A client's message leaves as it came, byte for byte, but for the fields that the server
//! answers for: `Bcc` goes, `From` is one of the sender's addresses, `Date` and `Message-ID` are
//! there. Absent: replies and forwards that the server completes from the original.

use super::file::File;
use super::header::{Headers, Mailbox, one_line};
use super::structure;
use crate::limits::{MIME_HEADER_BYTES_MAX, RECIPIENTS_MAX};
use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address;
use mail_builder::headers::date::Date;
use mail_builder::headers::raw::Raw;
use mail_builder::headers::{Header as _, text::Text};
use mail_parser::HeaderName;
use std::borrow::Cow;

/// Characters of an address (RFC 5321 4.5.3.1: 64 and 255, and the sign between them).
const ADDRESS_BYTES_MAX: usize = 320;

/// Who submits a message.
#[derive(Debug, Clone, Copy)]
pub struct Sender<'a> {
    /// The address that the message bears unless it names another of `addresses`.
    pub primary: &'a str,
    /// All addresses that the sender may write as.
    pub addresses: &'a [String],
    /// Display name where the message names none; may be empty.
    pub name: &'a str,
    /// What becomes of a message that bears another's address.
    pub foreign: Foreign,
}

/// What becomes of a message whose `From` is none of the sender's addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Foreign {
    /// It bears the sender's primary address.
    #[default]
    Correct,
    /// It is not sent.
    Refuse,
}

/// A message ready to be queued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The bytes to send.
    pub raw: Vec<u8>,
    /// Envelope sender.
    pub from: String,
    /// Envelope recipients: `To`, `Cc` and `Bcc`, each once.
    pub recipients: Vec<String>,
    /// `Message-ID` without angle brackets.
    pub message_id: String,
    /// The `Bcc` fields that it came with, to stand in front of the sender's own copy.
    pub bcc: Vec<u8>,
}

/// Why a message cannot be sent. All of them are the client's to mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError {
    /// No header field at all.
    #[error("not a MIME message")]
    NotMime,
    /// A header of so many bytes, more than [`MIME_HEADER_BYTES_MAX`].
    #[error("a header of {0} bytes")]
    HeaderTooLong(usize),
    /// Neither `To` nor `Cc` nor `Bcc` names anyone.
    #[error("no recipient")]
    NoRecipient,
    /// `From` is somebody else, and that is not corrected.
    #[error("the sender is another: {0}")]
    ForeignSender(String),
    /// More than [`RECIPIENTS_MAX`].
    #[error("{0} recipients")]
    TooManyRecipients(usize),
    /// A recipient that is no address.
    #[error("not an address: {0}")]
    BadRecipient(String),
}

/// Prepares a client's message. `fresh_id` becomes its `Message-ID` if it has none; `now_ms` its
/// `Date` (Unix milliseconds).
///
/// # Errors
/// What [`ComposeError`] lists.
pub fn submit(
    raw: &[u8],
    sender: Sender<'_>,
    now_ms: i64,
    fresh_id: &str,
) -> Result<Outgoing, ComposeError> {
    let (head, body) = structure::split(raw);
    if head.len() > MIME_HEADER_BYTES_MAX {
        return Err(ComposeError::HeaderTooLong(head.len()));
    }
    let headers = Headers::parse(head);
    if headers.is_empty() {
        return Err(ComposeError::NotMime);
    }
    let recipients = recipients(&headers)?;
    let from = headers.mailboxes(&HeaderName::From);
    let is_own = |m: &Mailbox| {
        sender
            .addresses
            .iter()
            .any(|a| a.eq_ignore_ascii_case(&m.address))
    };
    let keeps_from = matches!(from.as_slice(), [one] if is_own(one));
    if let (Some(other), false, Foreign::Refuse) = (from.first(), keeps_from, sender.foreign) {
        return Err(ComposeError::ForeignSender(other.address.clone()));
    }
    let keeps_sender = headers.mailboxes(&HeaderName::Sender).iter().all(is_own);
    let message_id = match headers.text(&HeaderName::MessageId) {
        id if id.is_empty() => clean_id(fresh_id),
        id => id,
    };
    let envelope_from = match from.first() {
        Some(one) if keeps_from => one.address.clone(),
        _ => sender.primary.to_owned(),
    };

    let line_end = if head.contains(&b'\r') || !head.contains(&b'\n') {
        "\r\n"
    } else {
        "\n"
    };
    let mut added = String::new();
    if !keeps_from {
        let name = from.first().map_or(sender.name, |m| m.name.as_str());
        let name = if name.is_empty() { sender.name } else { name };
        added.push_str(&address_field("From", name, sender.primary, line_end));
    }
    if headers.date_ms().is_none() {
        let date = Date::new(now_ms.div_euclid(1_000)).to_rfc822();
        added.push_str(&format!("Date: {date}{line_end}"));
    }
    if headers.text(&HeaderName::MessageId).is_empty() {
        added.push_str(&format!("Message-ID: <{message_id}>{line_end}"));
    }

    let mut out = Vec::with_capacity(raw.len() + added.len());
    let mut bcc = Vec::new();
    out.extend_from_slice(added.as_bytes());
    for (name, field) in structure::fields(head) {
        let dropped = match name.to_ascii_lowercase().as_slice() {
            b"bcc" | b"resent-bcc" | b"return-path" => true,
            b"from" => !keeps_from,
            b"sender" => !keeps_sender,
            b"date" => headers.date_ms().is_none(),
            b"message-id" => headers.text(&HeaderName::MessageId).is_empty(),
            _ => false,
        };
        if !dropped {
            out.extend_from_slice(&clean_field(field));
        } else if name.eq_ignore_ascii_case(b"bcc") {
            bcc.extend_from_slice(&clean_field(field));
        }
    }
    if !bcc.is_empty() && !bcc.ends_with(b"\n") {
        bcc.extend_from_slice(line_end.as_bytes());
    }
    if !out.ends_with(b"\n") {
        out.extend_from_slice(line_end.as_bytes());
    }
    if !body.starts_with(b"\n") && !body.starts_with(b"\r\n") {
        out.extend_from_slice(line_end.as_bytes());
    }
    out.extend_from_slice(body);
    Ok(Outgoing {
        raw: out,
        from: envelope_from,
        recipients,
        message_id,
        bcc,
    })
}

/// A field without what some servers read as the end of a line, or of everything: a CR that no LF
/// follows, and NUL.
fn clean_field(field: &[u8]) -> Cow<'_, [u8]> {
    let is_bad = |at: usize, byte: u8| match byte {
        0 => true,
        b'\r' => field.get(at + 1) != Some(&b'\n'),
        _ => false,
    };
    if !field.iter().enumerate().any(|(at, b)| is_bad(at, *b)) {
        return Cow::Borrowed(field);
    }
    let bytes = field.iter().enumerate();
    let clean = bytes.map(|(at, b)| if is_bad(at, *b) { b' ' } else { *b });
    Cow::Owned(clean.collect())
}

/// The envelope's recipients, each once without regard to case.
fn recipients(headers: &Headers<'_>) -> Result<Vec<String>, ComposeError> {
    let mut found: Vec<String> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for field in [HeaderName::To, HeaderName::Cc, HeaderName::Bcc] {
        for mailbox in headers.mailboxes(&field) {
            if !is_address(&mailbox.address) {
                let shown = if mailbox.address.is_empty() {
                    mailbox.name
                } else {
                    mailbox.address
                };
                return Err(ComposeError::BadRecipient(shown));
            }
            if seen.insert(mailbox.address.to_lowercase()) {
                found.push(mailbox.address);
            }
        }
    }
    match found.len() {
        0 => Err(ComposeError::NoRecipient),
        n if n > RECIPIENTS_MAX => Err(ComposeError::TooManyRecipients(n)),
        _ => Ok(found),
    }
}

/// Whether an envelope may carry it. A name without a domain is one of this appliance.
#[must_use]
pub fn is_address(address: &str) -> bool {
    let plain = |s: &str| {
        !s.is_empty()
            && s.chars()
                .all(|c| !c.is_whitespace() && !c.is_control() && !"<>()[]\\,;:\"@".contains(c))
    };
    let (local, domain) = match address.rsplit_once('@') {
        Some((local, domain)) => (local, Some(domain)),
        None => (address, None),
    };
    let literal = |d: &str| {
        let inner = d.strip_prefix('[').and_then(|d| d.strip_suffix(']'));
        inner.is_some_and(|i| {
            i.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b":.-".contains(&b))
        })
    };
    address.len() <= ADDRESS_BYTES_MAX
        && plain(local)
        && domain.is_none_or(|d| plain(d) || literal(d))
}

/// One address field, its name encoded so that it cannot leave its place.
fn address_field(field: &str, name: &str, address: &str, line_end: &str) -> String {
    let name = one_line(name);
    let name = (!name.is_empty()).then_some(name);
    let mut value = Vec::new();
    Address::new_address(name, one_line(address)).write_header(&mut value, field.len() + 2);
    let value = String::from_utf8_lossy(&value);
    let folded = value.trim_end().replace("\r\n", line_end);
    format!("{field}: {folded}{line_end}")
}

pub(super) fn clean_id(id: &str) -> String {
    id.chars()
        .filter(|c| c.is_ascii_graphic() && !matches!(c, '<' | '>'))
        .collect()
}

/// Why a machine has written a mail (RFC 3834 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Automatic {
    /// Something has happened.
    Generated,
    /// Somebody has written.
    Replied,
}

/// A mail that the appliance writes itself.
#[derive(Debug, Clone, Default)]
pub struct Draft<'a> {
    /// `From`.
    pub from: Mailbox,
    /// `To`.
    pub to: Vec<Mailbox>,
    /// `Cc`.
    pub cc: Vec<Mailbox>,
    /// `Bcc`, of a mail that is not sent yet.
    pub bcc: Vec<Mailbox>,
    /// `Reply-To`.
    pub reply_to: Vec<Mailbox>,
    /// 0 low, 2 high; anything else is not said.
    pub importance: Option<u8>,
    /// `Subject`.
    pub subject: &'a str,
    /// `Date`, Unix milliseconds.
    pub date_ms: i64,
    /// `Message-ID` without angle brackets.
    pub message_id: &'a str,
    /// `References`, oldest first; the last one is `In-Reply-To`.
    pub references: Vec<String>,
    /// Written by a machine (`Auto-Submitted`, RFC 3834), so that nothing answers it.
    pub automatic: Option<Automatic>,
    /// The text.
    pub text: &'a str,
    /// The same as HTML.
    pub html: Option<&'a str>,
    /// Attachments and inline pictures.
    pub files: Vec<File<'a>>,
}

/// Writes the draft as a message, lines ending in CRLF.
#[must_use]
pub fn build(draft: &Draft<'_>) -> Vec<u8> {
    let address = |m: &Mailbox| {
        let name = one_line(&m.name);
        Address::new_address((!name.is_empty()).then_some(name), one_line(&m.address))
    };
    let list = |l: &[Mailbox]| Address::new_list(l.iter().map(address).collect());
    let mut message = MessageBuilder::new()
        .message_id(clean_id(draft.message_id))
        .date(Date::new(draft.date_ms.div_euclid(1_000)))
        .from(address(&draft.from))
        .header("Subject", Text::new(one_line(draft.subject)))
        .text_body(draft.text);
    if !draft.to.is_empty() {
        message = message.to(list(&draft.to));
    }
    if !draft.cc.is_empty() {
        message = message.cc(list(&draft.cc));
    }
    if !draft.bcc.is_empty() {
        message = message.bcc(list(&draft.bcc));
    }
    if !draft.reply_to.is_empty() {
        message = message.reply_to(list(&draft.reply_to));
    }
    match draft.importance {
        Some(0) => message = message.header("Importance", Raw::new("low")),
        Some(2) => message = message.header("Importance", Raw::new("high")),
        _ => {}
    }
    if let Some(parent) = draft.references.last() {
        let ids: Vec<String> = draft.references.iter().map(|id| clean_id(id)).collect();
        message = message.in_reply_to(clean_id(parent)).references(ids);
    }
    if let Some(automatic) = draft.automatic {
        let how = match automatic {
            Automatic::Generated => "auto-generated",
            Automatic::Replied => "auto-replied",
        };
        message = message.header("Auto-Submitted", Raw::new(how));
        if automatic == Automatic::Replied {
            message = message.header("X-Auto-Response-Suppress", Raw::new("All"));
        }
    }
    if let Some(html) = draft.html {
        message = message.html_body(html);
    }
    if !draft.files.is_empty() {
        message.attachments = Some(draft.files.iter().map(File::part).collect());
    }
    let mut out = Vec::new();
    // Writing to memory cannot fail.
    let _ = message.write_to(&mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> Vec<String> {
        vec!["ann@example.org".to_owned(), "a.lee@example.org".to_owned()]
    }

    fn sent(raw: &str) -> Result<(String, Outgoing), ComposeError> {
        let addresses = own();
        let sender = Sender {
            primary: "ann@example.org",
            addresses: &addresses,
            name: "Ann Lee",
            foreign: Foreign::Correct,
        };
        let out = submit(
            raw.as_bytes(),
            sender,
            1_795_348_800_000,
            "fresh@example.org",
        )?;
        Ok((String::from_utf8(out.raw.clone()).unwrap(), out))
    }

    #[test]
    fn a_complete_message_leaves_as_it_came() {
        let raw = "From: Ann <a.lee@example.org>\r\nTo: b@example.net\r\nSubject: x\r\n\
                   Date: Sun, 22 Nov 2026 12:00:00 +0000\r\nMessage-ID: <1@x>\r\n\r\nHi\r\n";
        let (text, out) = sent(raw).unwrap();
        assert_eq!(text, raw);
        assert_eq!(out.from, "a.lee@example.org");
        assert_eq!(out.message_id, "1@x");
    }

    #[test]
    fn a_foreign_sender_is_refused_where_that_is_wanted() {
        let addresses = own();
        let sender = Sender {
            primary: "ann@example.org",
            addresses: &addresses,
            name: "Ann Lee",
            foreign: Foreign::Refuse,
        };
        let submit = |from: &str| {
            let raw = format!("{from}To: b@x\r\n\r\nHi\r\n");
            submit(raw.as_bytes(), sender, 0, "1@x").map(|out| out.from)
        };
        let foreign = ComposeError::ForeignSender("boss@x".into());
        assert_eq!(submit("From: boss@x\r\n"), Err(foreign));
        assert_eq!(
            submit("From: A.Lee@example.org\r\n").unwrap(),
            "A.Lee@example.org"
        );
        assert_eq!(submit("").unwrap(), "ann@example.org");
        assert!(submit("From: ann@example.org, boss@x\r\n").is_err());
        assert!(submit("From: ann@example.org\r\nFrom: boss@x\r\n").is_err());
    }

    /// What some servers read as a line end or an end is not handed on.
    #[test]
    fn no_field_ends_before_its_line_does() {
        let (text, out) = sent(
            "From: ann@example.org\r\nTo: b@x\r\nSubject: a\rBcc: evil@x\0\r\n\tb\r\r\nX-Odd: \0\r\nno field\r\n\r\nHi\r\n",
        )
        .unwrap();
        assert_eq!(out.recipients, ["b@x"]);
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert_eq!(body, "Hi\r\n");
        assert!(
            head.contains("Subject: a Bcc: evil@x \r\n\tb \r\nX-Odd:  "),
            "{head:?}"
        );
        assert!(
            !head.contains('\0') && !head.contains("no field"),
            "{head:?}"
        );
        assert_eq!(head.matches('\r').count(), head.matches("\r\n").count());
    }

    #[test]
    fn addresses_beyond_ascii_go_out_as_they_are() {
        let (text, out) = sent(
            "From: ann@example.org\r\nTo: J\u{f6}rg <j\u{f6}rg@b\u{fc}cher.example>\r\n\r\nHi\r\n",
        )
        .unwrap();
        assert_eq!(out.recipients, ["j\u{f6}rg@b\u{fc}cher.example"]);
        assert!(
            text.contains("To: J\u{f6}rg <j\u{f6}rg@b\u{fc}cher.example>\r\n"),
            "{text}"
        );
    }

    #[test]
    fn bcc_is_kept_for_the_senders_own_copy() {
        let (text, out) = sent("Bcc: c@x,\r\n d@x\r\nTo: b@x\r\nbcc: e@x\r\n\r\nHi\r\n").unwrap();
        assert!(!text.to_lowercase().contains("bcc"), "{text}");
        assert_eq!(out.bcc, b"Bcc: c@x,\r\n d@x\r\nbcc: e@x\r\n");
        assert_eq!(out.recipients, ["b@x", "c@x", "d@x", "e@x"]);
    }

    #[test]
    fn bcc_is_an_envelope_matter() {
        let raw = "From: ann@example.org\r\nTo: b@x.net, C <c@x.net>\r\nBcc: secret@x.net,\r\n \
                   other@x.net\r\nCc: B@X.net\r\nSubject: x\r\n\r\nBcc: in the text\r\n";
        let (text, out) = sent(raw).unwrap();
        assert!(
            !text.contains("secret") && !text.contains("other@"),
            "{text}"
        );
        assert!(text.ends_with("\r\n\r\nBcc: in the text\r\n"));
        assert_eq!(
            out.recipients,
            ["b@x.net", "c@x.net", "secret@x.net", "other@x.net"]
        );
    }

    #[test]
    fn a_foreign_sender_becomes_the_user() {
        let raw =
            "From: Böse \"<x> <boss@corp.example>\nSender: boss@corp.example\nTo: b@x\n\nHi\n";
        let (text, out) = sent(raw).unwrap();
        assert!(!text.contains("boss@corp"), "{text}");
        assert!(text.contains("<ann@example.org>\n"), "{text}");
        assert!(
            text.contains("\nDate: ") || text.starts_with("Date: "),
            "{text}"
        );
        assert!(text.contains("Message-ID: <fresh@example.org>\n"), "{text}");
        assert_eq!(out.from, "ann@example.org");
        let headers = Headers::parse(text.as_bytes());
        assert_eq!(headers.mailboxes(&HeaderName::From).len(), 1);
    }

    #[test]
    fn a_display_name_cannot_add_a_field() {
        let raw = "From: =?utf-8?q?x=0D=0ABcc:_evil@x?= <boss@corp.example>\r\nTo: b@x\r\n\r\n";
        let (text, out) = sent(raw).unwrap();
        assert!(!text.contains("\nBcc"), "{text}");
        assert_eq!(out.recipients, ["b@x"]);
    }

    #[test]
    fn errors_say_what_is_missing() {
        let error = |raw: &str| sent(raw).unwrap_err();
        assert_eq!(error(""), ComposeError::NotMime);
        assert_eq!(error("no header\n"), ComposeError::NotMime);
        assert_eq!(error("Subject: x\r\n\r\n"), ComposeError::NoRecipient);
        assert_eq!(
            error("To: undisclosed:;\r\n\r\n"),
            ComposeError::NoRecipient
        );
        let list = (0..1_001).map(|i| format!("u{i}@x"));
        let many = format!("To: {}\r\n\r\n", list.collect::<Vec<_>>().join(",\r\n "));
        assert_eq!(error(&many), ComposeError::TooManyRecipients(1_001));
    }

    #[test]
    fn addresses_of_an_envelope() {
        for good in [
            "a@x.org",
            "mike",
            "a+b@x",
            "jörg@exämple.de",
            "a@[127.0.0.1]",
        ] {
            assert!(is_address(good), "{good}");
        }
        for bad in [
            "",
            "@x",
            "a@",
            "a b@x",
            "a@x>",
            "a@x\r\nRCPT",
            "<a@x>",
            "a@b@c",
            "a@[x\n]",
        ] {
            assert!(!is_address(bad), "{bad:?}");
        }
        assert!(!is_address(&format!("{}@x", "a".repeat(400))));
    }

    #[test]
    fn a_draft_reads_back() {
        let raw = build(&Draft {
            from: Mailbox {
                name: "Jörg\r\nBcc: x@y".to_owned(),
                address: "j@x.org".to_owned(),
            },
            to: vec![Mailbox {
                name: String::new(),
                address: "b@x.org".to_owned(),
            }],
            subject: "Grüße\r\nBcc: evil@x",
            date_ms: 1_795_348_800_000,
            message_id: "1@x.org",
            references: vec!["0@x.org".to_owned()],
            automatic: Some(Automatic::Generated),
            text: "Hällo\r\n",
            html: Some("<p>Hällo <img src=\"cid:pic\"></p>"),
            files: vec![
                File {
                    content_type: "image/png",
                    name: "p.png".into(),
                    content_id: "pic",
                    content_location: "",
                    inline: true,
                    bytes: b"png".into(),
                },
                File {
                    content_type: "text/csv",
                    name: "ä.csv".into(),
                    content_id: "c1\r\nX-Evil: 1",
                    content_location: "http://x\r\nX-Evil: 1",
                    inline: false,
                    bytes: b"a;b".into(),
                },
            ],
            ..Draft::default()
        });
        let (message, seen) = crate::pim::mail::inspect(&raw, 0);
        assert_eq!(message.subject, "Grüße Bcc: evil@x");
        assert_eq!(message.bcc, "");
        assert_eq!(message.to, "b@x.org");
        assert_eq!(message.sent_ms, 1_795_348_800_000);
        assert_eq!(seen.text, "Hällo\r\n");
        let parts: Vec<_> = message
            .parts
            .iter()
            .map(|p| (p.name.as_str(), p.inline, p.bytes))
            .collect();
        assert_eq!(parts.len(), 2);
        assert!(parts.contains(&("ä.csv", false, 3)), "{parts:?}");
        assert!(parts.contains(&("p.png", true, 3)), "{parts:?}");
        assert!(!String::from_utf8(raw).unwrap().contains("\nX-Evil"));
    }
}
