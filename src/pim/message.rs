//! A mail: what a Sync needs of it without opening the MIME, and where in the MIME the rest is.

use super::body::{BlobRef, BodyKind};
use super::event::Meeting;
use rkyv::{Archive, Deserialize, Serialize};

/// A mail. The MIME itself is the blob, byte for byte as received.
#[derive(Archive, Serialize, Deserialize, Clone, PartialEq, Debug)]
pub struct Message {
    /// The MIME as received.
    pub mime: BlobRef,
    /// `Message-ID` without the angle brackets; empty if there is none.
    pub message_id: String,
    /// Names the conversation: SHA-256 (first 16 bytes) of the first known message of the thread.
    pub conversation_id: [u8; 16],
    /// [MS-ASEMAIL] 2.2.2.21: five bytes of date, then five per reply.
    pub conversation_index: Vec<u8>,
    /// `From`, decoded: `"Name" <address>`, comma-separated.
    pub from: String,
    /// `Sender`, where it differs from `from`; else empty.
    pub sender: String,
    /// `To`, decoded as `from`.
    pub to: String,
    /// `Cc`, decoded as `from`.
    pub cc: String,
    /// `Bcc` (drafts and sent mail), decoded as `from`.
    pub bcc: String,
    /// `Reply-To`, decoded as `from`.
    pub reply_to: String,
    /// Names of the `To` recipients, separated by semicolons.
    pub display_to: String,
    /// `Subject`, decoded, on one line.
    pub subject: String,
    /// `subject` without reply and forward prefixes.
    pub topic: String,
    /// When it arrived here, Unix milliseconds. What FilterType counts from.
    pub received_ms: i64,
    /// `Date`, Unix milliseconds; `received_ms` where there is none.
    pub sent_ms: i64,
    /// 0 low, 1 normal, 2 high.
    pub importance: u8,
    /// Code page of the original text (65001 UTF-8, 20127 ASCII, 28591 ISO-8859-1, ...).
    pub code_page: u32,
    /// `IPM.Note` and its kin ([MS-ASEMAIL] 2.2.2.49).
    pub message_class: String,
    /// What the sender wrote it in: text, HTML (or MIME where there is neither).
    pub native: BodyKind,
    /// The beginning of the plain-text rendition, up to [`crate::limits::TEXT_HEAD_BYTES`], cut at
    /// a character border. Lines end in CRLF.
    pub text_head: String,
    /// Bytes of the whole plain-text rendition (UTF-8).
    pub text_bytes: u32,
    /// Bytes of the HTML body (UTF-8), 0 if there is none.
    pub html_bytes: u32,
    /// Attachments and inline parts, in the order of the MIME.
    pub parts: Vec<Part>,
    /// Read by the user.
    pub read: bool,
    /// A draft: it may be changed and sent by the client (16.0+).
    pub draft: bool,
    /// 0 none, 1 replied, 2 replied to all, 3 forwarded ([MS-ASEMAIL] 2.2.2.44).
    pub last_verb: u8,
    /// When, Unix milliseconds.
    pub last_verb_ms: i64,
    /// The follow-up flag.
    pub flag: Option<Flag>,
    /// Categories.
    pub categories: Vec<String>,
    /// The invitation that it carries.
    pub meeting: Option<Box<Meeting>>,
}

/// An attachment: where it stands in the MIME, so that it is served as a slice of the blob.
#[derive(Archive, Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct Part {
    /// Index of the part in the parser's order; names it in a FileReference.
    pub index: u32,
    /// First byte of the encoded body within the MIME.
    pub body_from: u64,
    /// Byte after the last one.
    pub body_to: u64,
    /// `Content-Transfer-Encoding`.
    pub encoding: Transfer,
    /// File name as shown; never empty (made up where the mail has none).
    pub name: String,
    /// `Content-Type` without parameters, lower case.
    pub content_type: String,
    /// `Content-ID` without the angle brackets, or empty.
    pub content_id: String,
    /// `Content-Location`, or empty.
    pub content_location: String,
    /// Shown within the HTML.
    pub inline: bool,
    /// An embedded message (`message/rfc822`).
    pub embedded: bool,
    /// Decoded size in bytes.
    pub bytes: u64,
}

/// A transfer encoding (RFC 2045 6).
#[derive(Archive, Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transfer {
    /// 7bit, 8bit, binary: the bytes as they are.
    Identity,
    /// base64.
    Base64,
    /// quoted-printable.
    QuotedPrintable,
}

/// A follow-up flag ([MS-ASEMAIL] 2.2.2.27 `Flag`, with its children of the Tasks namespace).
#[derive(Archive, Serialize, Deserialize, Clone, PartialEq, Eq, Debug, Default)]
pub struct Flag {
    /// 0 cleared, 1 complete, 2 active.
    pub status: u8,
    /// `FlagType`, such as "Flag for follow up".
    pub kind: String,
    /// tasks:Subject.
    pub subject: String,
    /// tasks:StartDate (local), Unix milliseconds of the wall time.
    pub start_ms: Option<i64>,
    /// tasks:UtcStartDate.
    pub utc_start_ms: Option<i64>,
    /// tasks:DueDate (local).
    pub due_ms: Option<i64>,
    /// tasks:UtcDueDate.
    pub utc_due_ms: Option<i64>,
    /// tasks:DateCompleted.
    pub completed_ms: Option<i64>,
    /// email:CompleteTime.
    pub complete_time_ms: Option<i64>,
    /// tasks:ReminderSet.
    pub reminder_set: bool,
    /// tasks:ReminderTime.
    pub reminder_ms: Option<i64>,
    /// tasks:OrdinalDate.
    pub ordinal_ms: Option<i64>,
    /// tasks:SubOrdinalDate.
    pub sub_ordinal: String,
}
