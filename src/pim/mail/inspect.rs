//! From the bytes of a mail to its record.

use super::body::{self, Chosen, cut};
use super::header::{Headers, display_list, names};
use super::structure::{Entity, entities, split};
use super::{attachments, charset, thread};
use crate::limits::{
    ADDRESS_LIST_BYTES_MAX, HEADER_FIELD_BYTES_MAX, MIME_HEADER_BYTES_MAX, TEXT_HEAD_BYTES,
};
use crate::pim::body::{BlobRef, BodyKind};
use crate::pim::message::Message;
use aws_lc_rs::digest;
use mail_parser::HeaderName;

/// What was seen on the way that the record does not keep.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Inspected {
    /// The whole plain-text rendition, for the index of words.
    pub text: String,
    /// The iCalendar object that the mail carries: the invitation, the answer, the cancellation.
    pub calendar: Option<Calendar>,
}

/// An iCalendar object in a mail (iMIP, RFC 6047).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    /// The object as UTF-8.
    pub text: String,
    /// `METHOD` in upper case (`REQUEST`, `REPLY`, `CANCEL`, ...).
    pub method: String,
}

/// Reads a mail as received at `received_ms` (Unix milliseconds). Whatever the bytes are, there
/// is a record: a mail that is no mail has its bytes as text.
///
/// `read`, `draft`, `flag`, `categories` and the last verb stay unset, and so does `meeting`: its
/// calendar object is in [`Inspected::calendar`] for the calendar's own reader.
#[must_use]
pub fn inspect(raw: &[u8], received_ms: i64) -> (Message, Inspected) {
    let entities = entities(raw);
    let chosen = body::choose(&entities);
    let body = body::render(raw, &entities, &chosen);
    let calendar = calendar(raw, &entities, &chosen);
    let nothing = Headers::default();
    let headers = entities.first().map_or(&nothing, |e| &e.headers);

    let mut message = envelope(headers, received_ms);
    message.mime = blob_ref(raw);
    message.code_page = code_page(raw, &entities, &chosen);
    message.message_class = message_class(&entities, calendar.as_ref());
    message.native = native(&entities, &chosen);
    message.parts = attachments::list(raw, &entities, &chosen, body.html.as_deref());
    cut(&body.text, TEXT_HEAD_BYTES).clone_into(&mut message.text_head);
    message.text_bytes = u32::try_from(body.text.len()).unwrap_or(u32::MAX);
    let html_bytes = body.html.as_ref().map_or(0, String::len);
    message.html_bytes = u32::try_from(html_bytes).unwrap_or(u32::MAX);
    let inspected = Inspected {
        text: body.text,
        calendar,
    };
    (message, inspected)
}

/// When a mail was on its way, Unix milliseconds.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Dates {
    /// The newest `Received`.
    pub received_ms: Option<i64>,
    /// `Date`.
    pub sent_ms: Option<i64>,
}

/// The dates of a raw message, for one that did not arrive just now.
#[must_use]
pub fn dates(raw: &[u8]) -> Dates {
    let headers = Headers::parse(header_block(raw));
    Dates {
        received_ms: headers.received_ms(),
        sent_ms: headers.date_ms(),
    }
}

/// The first field of that name (any name that is no standard one, such as `X-Status`), decoded,
/// or empty.
#[must_use]
pub fn field(raw: &[u8], name: &str) -> String {
    Headers::parse(header_block(raw)).other(name)
}

fn header_block(raw: &[u8]) -> &[u8] {
    let (head, _) = split(raw);
    head.get(..MIME_HEADER_BYTES_MAX).unwrap_or(head)
}

/// What the header fields say; everything else is empty.
fn envelope(headers: &Headers<'_>, received_ms: i64) -> Message {
    // A cut may fall behind a blank.
    let field = |name| {
        let text = headers.text(&name);
        cut(&text, HEADER_FIELD_BYTES_MAX).trim_end().to_owned()
    };
    let list = |name, bytes| display_list(&headers.mailboxes(&name), bytes);
    let to = headers.mailboxes(&HeaderName::To);
    let from = list(HeaderName::From, HEADER_FIELD_BYTES_MAX);
    let sender = list(HeaderName::Sender, HEADER_FIELD_BYTES_MAX);
    let subject = field(HeaderName::Subject);
    let topic = thread::topic(&subject).to_owned();
    let message_id = field(HeaderName::MessageId);
    let references = headers.ids(&HeaderName::References);
    let in_reply_to = headers.ids(&HeaderName::InReplyTo);
    let sent_ms = headers.date_ms().unwrap_or(received_ms);
    Message {
        mime: BlobRef {
            hash: [0; 32],
            bytes: 0,
        },
        conversation_id: thread::conversation_id(&references, &in_reply_to, &message_id, &topic),
        conversation_index: thread::conversation_index(
            &headers.other("Thread-Index"),
            &references,
            &in_reply_to,
            &message_id,
            sent_ms,
        ),
        sender: if sender == from {
            String::new()
        } else {
            sender
        },
        from,
        to: display_list(&to, ADDRESS_LIST_BYTES_MAX),
        cc: list(HeaderName::Cc, ADDRESS_LIST_BYTES_MAX),
        bcc: list(HeaderName::Bcc, ADDRESS_LIST_BYTES_MAX),
        reply_to: list(HeaderName::ReplyTo, HEADER_FIELD_BYTES_MAX),
        display_to: names(&to, ADDRESS_LIST_BYTES_MAX / 2),
        message_id,
        subject,
        topic,
        received_ms,
        sent_ms,
        importance: importance(headers),
        code_page: 0,
        message_class: String::new(),
        native: BodyKind::Text,
        text_head: String::new(),
        text_bytes: 0,
        html_bytes: 0,
        parts: Vec::new(),
        read: false,
        draft: false,
        last_verb: 0,
        last_verb_ms: 0,
        flag: None,
        categories: Vec::new(),
        meeting: None,
    }
}

fn blob_ref(raw: &[u8]) -> BlobRef {
    let hash = digest::digest(&digest::SHA256, raw);
    BlobRef {
        hash: hash.as_ref().try_into().unwrap_or_default(),
        bytes: raw.len() as u64,
    }
}

/// 0 low, 1 normal, 2 high, of `Importance`, `X-Priority` (1 to 5) or `Priority`.
fn importance(headers: &Headers<'_>) -> u8 {
    let by_word = |word: &str| match word.trim().to_ascii_lowercase().as_str() {
        "high" | "urgent" => Some(2),
        "normal" => Some(1),
        "low" | "non-urgent" => Some(0),
        _ => None,
    };
    let by_number = |value: String| match value.trim_start().as_bytes().first() {
        Some(b'1' | b'2') => Some(2),
        Some(b'3') => Some(1),
        Some(b'4' | b'5') => Some(0),
        _ => None,
    };
    by_word(&headers.text(&HeaderName::Importance))
        .or_else(|| by_number(headers.other("X-Priority")))
        .or_else(|| by_word(&headers.text(&HeaderName::Priority)))
        .unwrap_or(1)
}

/// The code page of the body part that is shown.
fn code_page(raw: &[u8], entities: &[Entity<'_>], chosen: &Chosen) -> u32 {
    let shown = chosen.html.first().or_else(|| chosen.text.first());
    let Some(entity) = shown.and_then(|&i| entities.get(i)) else {
        return charset::code_page(None, true);
    };
    let decoded = body::decoded_bytes(raw, entity);
    charset::code_page(body::charset_of(entity, &decoded), decoded.is_ascii())
}

fn native(entities: &[Entity<'_>], chosen: &Chosen) -> BodyKind {
    let has_html = chosen
        .html
        .iter()
        .filter_map(|&i| entities.get(i))
        .any(|e| e.content_type == "text/html");
    if has_html {
        BodyKind::Html
    } else {
        BodyKind::Text
    }
}

fn calendar(raw: &[u8], entities: &[Entity<'_>], chosen: &Chosen) -> Option<Calendar> {
    let entity = entities.get(chosen.calendar?)?;
    let text = body::decoded(raw, entity).into_owned();
    let method = property(&text, "METHOD")
        .or_else(|| entity.headers.type_parameter("method").map(str::to_owned))?;
    let method = method.trim().to_ascii_uppercase();
    (!method.is_empty()).then_some(Calendar { text, method })
}

/// The value of the first plain property of that name.
fn property(calendar: &str, name: &str) -> Option<String> {
    calendar.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.trim()
            .eq_ignore_ascii_case(name)
            .then(|| value.trim().to_owned())
    })
}

/// [MS-ASEMAIL] 2.2.2.49.
fn message_class(entities: &[Entity<'_>], calendar: Option<&Calendar>) -> String {
    let class = match calendar {
        Some(Calendar { method, text }) => match method.as_str() {
            "REQUEST" => "IPM.Schedule.Meeting.Request",
            "CANCEL" => "IPM.Schedule.Meeting.Canceled",
            "REPLY" => answer_class(text),
            "COUNTER" => "IPM.Schedule.Meeting.Resp.Tent",
            _ => "IPM.Note",
        },
        None => entities.first().map_or("IPM.Note", root_class),
    };
    class.to_owned()
}

/// What the one attendee of a `REPLY` says (`PARTSTAT`, RFC 5545 3.2.12).
fn answer_class(calendar: &str) -> &'static str {
    // Long lines are folded, and the fold may stand anywhere.
    let unfolded = calendar
        .replace("\r\n ", "")
        .replace("\n ", "")
        .to_ascii_uppercase();
    let status = unfolded.split("PARTSTAT=").nth(1).unwrap_or_default();
    let status = status.trim_start_matches('"');
    if status.starts_with("ACCEPTED") {
        "IPM.Schedule.Meeting.Resp.Pos"
    } else if status.starts_with("DECLINED") {
        "IPM.Schedule.Meeting.Resp.Neg"
    } else {
        "IPM.Schedule.Meeting.Resp.Tent"
    }
}

fn root_class(root: &Entity<'_>) -> &'static str {
    let parameter = |name: &str| {
        let value = root.headers.type_parameter(name).unwrap_or_default();
        value.to_ascii_lowercase()
    };
    match root.content_type.as_str() {
        "multipart/signed" if parameter("protocol").contains("pkcs7-signature") => {
            "IPM.Note.SMIME.MultipartSigned"
        }
        "application/pkcs7-mime" | "application/x-pkcs7-mime" => "IPM.Note.SMIME",
        "multipart/report" => match parameter("report-type").as_str() {
            "disposition-notification" => "REPORT.IPM.Note.IPNRN",
            "" | "delivery-status" => "REPORT.IPM.Note.NDR",
            _ => "IPM.Note",
        },
        _ => "IPM.Note",
    }
}
