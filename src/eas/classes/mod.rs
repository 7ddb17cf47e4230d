//! The data classes: records to the children of `ApplicationData` (or of `Properties`), and back.
//!
//! Encoding reads the stored archive in place and writes straight into the answer: no tree, and in
//! the usual case no allocation. It is plain code without waiting; what it cannot take from the
//! record itself (a long body, a picture, a rendition of a mail) the caller fetches before:
//!
//! ```text
//! needs(record) -> Need -> the caller reads blobs, Fetched::mail renders -> encode(record, Fetched)
//! ```
//!
//! Decoding gives a new record; an error in one item ([`Error::costs_one_item`]) leaves the reader
//! behind that item, so that the rest of the request can be carried out.
//!
//! Deliberately absent: rights management, rich text of mail. [MS-ASEMAIL], [MS-ASCNTC], [MS-ASCAL], [MS-ASTASK], [MS-ASNOTE],
//! [MS-ASAIRS].

mod body;
mod calendar;
mod contacts;
pub mod date;
mod email;
mod notes;
mod recurrence;
mod reference;
mod supported;
mod tasks;
mod value;

pub use calendar::{delete_occurrence, instance_start};
pub use email::draft::{Draft, NewAttachment, TextMessage};
pub use reference::FileReference;
pub use supported::Supported;

use crate::eas::options::Options;
use crate::eas::quirks::Quirks;
use crate::eas::version::Version;
use crate::limits::VALUE_BYTES_MAX;
use crate::pim::body::BlobRef;
use crate::pim::{BodyKind, Class, Record, RecordRef, mail};
use crate::wbxml::{self, Reader, Tag, Writer};

/// What an item is encoded for.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The version of the request.
    pub version: Version,
    /// What the client wants.
    pub options: &'a Options,
    /// The item's folder and number, for references to its attachments.
    pub item: (u32, u32),
    /// What [`needs`] asked for.
    pub fetched: &'a Fetched,
    /// What is done differently for the client.
    pub quirks: Quirks,
}

/// What has to be read before an item can be encoded. Nothing, as a rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Need {
    /// The MIME of a mail, and how many of its first bytes.
    pub mime: Option<(BlobRef, u64)>,
    /// The mail's plain text is wanted beyond what the record holds.
    pub text: bool,
    /// The mail's HTML is wanted.
    pub html: bool,
    /// The MIME itself goes out, beside whatever is made of it.
    pub raw: bool,
    /// The long body of another class (UTF-8).
    pub body: Option<BlobRef>,
    /// The picture of a contact.
    pub picture: Option<BlobRef>,
}

impl Need {
    /// Nothing has to be read.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.mime.is_none() && self.body.is_none() && self.picture.is_none()
    }
}

/// What was read because of a [`Need`]. What is missing here though it was needed is left out of
/// the answer, marked as cut where the protocol can say so.
#[derive(Clone, Debug, Default)]
pub struct Fetched {
    /// A mail's whole plain text, lines ending in CRLF.
    pub text: Option<String>,
    /// A mail's whole HTML.
    pub html: Option<String>,
    /// The beginning of the MIME, as long as [`Need::mime`] said.
    pub mime: Option<Vec<u8>>,
    /// The whole body of another class.
    pub body: Option<String>,
    /// The picture.
    pub picture: Option<Vec<u8>>,
    /// The record could not be read, or the mail not taken apart.
    pub unreadable: bool,
}

impl Fetched {
    /// Makes of a mail's MIME what `need` asks for. Costs time in proportion to the mail. The MIME
    /// stays only if it is to be sent: its attachments would be held until the answer is written.
    #[must_use]
    pub fn mail(need: &Need, raw: Vec<u8>) -> Self {
        let mut fetched = Self::default();
        if need.text || need.html {
            let both = mail::renditions(&raw);
            fetched.text = Some(both.text);
            fetched.html = both.html;
        }
        fetched.mime = need.raw.then_some(raw);
        fetched
    }
}

/// What has to be read for [`encode`] of this record with these options.
#[must_use]
pub fn needs(record: RecordRef<'_>, options: &Options, version: Version) -> Need {
    let body = |body| Need {
        body: body::needs(body, options, version),
        ..Need::default()
    };
    match record {
        RecordRef::Message(m) => email::body::needs(m, options, version),
        RecordRef::Contact(c) => Need {
            picture: c.picture.as_ref().map(body::blob_ref),
            ..body(&c.body)
        },
        RecordRef::Event(e) => body(&e.body),
        RecordRef::Task(t) => body(&t.body),
        RecordRef::Note(n) => body(&n.body),
    }
}

/// Writes the properties of a record into the element that is open. At least one is written.
pub fn encode(w: &mut Writer, record: RecordRef<'_>, ctx: &Context<'_>) {
    match record {
        RecordRef::Message(m) => email::encode(w, m, ctx),
        RecordRef::Contact(c) => contacts::encode(w, c, ctx),
        RecordRef::Event(e) => calendar::encode(w, e, ctx),
        RecordRef::Task(t) => tasks::encode(w, t, ctx),
        RecordRef::Note(n) => notes::encode(w, n, ctx),
    }
}

/// Whether a Change names only what can change: of a mail its marks, since the rest stays as it was
/// delivered, and the device has it. Drafts and the other classes go whole ([MS-ASCMD] 2.2.3.24).
#[must_use]
pub fn changes_in_part(record: RecordRef<'_>) -> bool {
    matches!(record, RecordRef::Message(m) if !m.draft)
}

/// Writes that part, into the element that is open.
pub fn encode_part(w: &mut Writer, record: RecordRef<'_>, version: Version) {
    if let RecordRef::Message(m) = record {
        email::encode_marks(w, m, version);
    }
}

/// What an item of a client is decoded with.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// The version of the request.
    pub version: Version,
    /// What the client said with key 0.
    pub supported: &'a Supported,
    /// Now, Unix milliseconds.
    pub now_ms: i64,
    /// The IANA name of the user's time zone, or "".
    pub zone: &'a str,
    /// The user's display name.
    pub user_name: &'a str,
    /// The user's address.
    pub user_email: &'a str,
    /// A fresh UID, for a new appointment without one.
    pub uid: &'a str,
    /// `InstanceId` beside `ApplicationData` (16.0+): the one occurrence that is meant.
    pub instance_ms: Option<i64>,
    /// What is done differently for the client.
    pub quirks: Quirks,
    /// It is a new text message (14.0+).
    pub sms: bool,
}

/// What a client's item comes to.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Decoded {
    /// The record to store; none for a mail that is still to be composed from `draft`.
    pub record: Option<Record>,
    /// The properties of a draft (16.0+), from which its MIME is made.
    pub draft: Option<Draft>,
    /// It adds files: the client has to hear how they are called.
    pub adds_files: bool,
    /// Bytes to store as blobs, each to be named with [`keep`](Self::keep) before the record is
    /// stored.
    pub uploads: Vec<(Slot, Vec<u8>)>,
}

/// Where a blob belongs in a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Slot {
    /// A body longer than a record holds.
    Body,
    /// The picture of a contact.
    Picture,
    /// The file of an appointment with this index.
    File(u32),
}

impl Decoded {
    /// Names the blob that one of `uploads` has become.
    pub fn keep(&mut self, slot: Slot, blob: BlobRef) {
        match (slot, &mut self.record) {
            (Slot::Picture, Some(Record::Contact(c))) => c.picture = Some(blob),
            (Slot::File(index), Some(Record::Event(e))) => {
                let file = e.files.iter_mut().find(|f| f.index == index);
                file.into_iter().for_each(|file| file.blob = blob);
            }
            (Slot::Body, Some(Record::Contact(c))) => c.body.blob = Some(blob),
            (Slot::Body, Some(Record::Event(e))) => e.body.blob = Some(blob),
            (Slot::Body, Some(Record::Task(t))) => t.body.blob = Some(blob),
            (Slot::Body, Some(Record::Note(n))) => n.body.blob = Some(blob),
            _ => {}
        }
    }

    /// It touches marks of a mail only (read, flag, categories): no reason to end a waiting Sync.
    #[must_use]
    pub fn only_marks(&self) -> bool {
        matches!(self.record, Some(Record::Message(_))) && self.draft.is_none()
    }

    pub(in crate::eas::classes) fn of(record: Record) -> Self {
        Self {
            record: Some(record),
            ..Self::default()
        }
    }
}

/// Why an item of a client is refused. Always the client's fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Error {
    /// The document is malformed: nothing after this can be read.
    #[error(transparent)]
    Wbxml(wbxml::Error),
    /// A value that the property cannot have.
    #[error("{0} has a value that it cannot have")]
    Value(Tag),
    /// A property of a later version.
    #[error("{0} belongs to a later version")]
    Version(Tag),
    /// More of them than are taken.
    #[error("too many in {0}")]
    Many(Tag),
    /// A property that has to be there.
    #[error("{0} is missing")]
    Missing(Tag),
    /// The record would be larger than the store takes.
    #[error("the item is too large")]
    Large,
    /// Mail cannot be made or changed so in this version.
    #[error("mail cannot be changed so")]
    Mail,
}

impl From<wbxml::Error> for Error {
    /// A document that is sound but for one item's contents costs that item only.
    fn from(e: wbxml::Error) -> Self {
        use crate::wbxml::tags::airsync::APPLICATION_DATA;
        match e {
            wbxml::Error::Element(tag) => Self::Value(tag),
            wbxml::Error::Text | wbxml::Error::Pieces | wbxml::Error::Utf8 => {
                Self::Value(APPLICATION_DATA)
            }
            e => Self::Wbxml(e),
        }
    }
}

impl Error {
    /// Only this item fails (Status 6 in Sync), and the reader stands behind it.
    #[must_use]
    pub fn costs_one_item(self) -> bool {
        !matches!(self, Self::Wbxml(_))
    }
}

/// Reads the `ApplicationData` just named onto `existing` (none: a new item).
///
/// # Errors
/// As [`Error`]. If it costs one item only, the reader stands behind the element all the same.
pub fn decode(
    r: &mut Reader<'_>,
    class: Class,
    existing: Option<Record>,
    source: &Source<'_>,
) -> Result<Decoded, Error> {
    let depth = r.depth();
    let decoded = match (class, existing) {
        (Class::Email, Some(Record::Message(m))) => email::decode::decode(r, Some(m), source),
        (Class::Email, _) => email::decode::decode(r, None, source),
        (Class::Contacts, Some(Record::Contact(c))) => contacts::decode(r, Some(c), source),
        (Class::Contacts, _) => contacts::decode(r, None, source),
        (Class::Calendar, Some(Record::Event(e))) => calendar::decode::decode(r, Some(e), source),
        (Class::Calendar, _) => calendar::decode::decode(r, None, source),
        (Class::Tasks, Some(Record::Task(t))) => tasks::decode(r, Some(t), source),
        (Class::Tasks, _) => tasks::decode(r, None, source),
        (Class::Notes, Some(Record::Note(n))) => notes::decode(r, Some(n), source),
        (Class::Notes, _) => notes::decode(r, None, source),
    };
    match decoded.and_then(fit) {
        Err(e) if e.costs_one_item() => {
            r.leave(depth)?;
            Err(e)
        }
        other => other,
    }
}

/// Reads AirSyncBase `Body`, just named, where it belongs to no record: what it is written in, and
/// the text; none if it carries none.
///
/// # Errors
/// A document that cannot be read, or a value that it cannot have.
pub fn read_text(
    r: &mut Reader<'_>,
    version: Version,
) -> Result<Option<(BodyKind, String)>, wbxml::Error> {
    match body::read(r, version) {
        Ok(new) => Ok(new.map(|new| (new.kind, new.text))),
        Err(Error::Wbxml(e)) => Err(e),
        Err(_) => Err(wbxml::Error::Element(wbxml::tags::airsyncbase::BODY)),
    }
}

/// Sees to it that the store will take the record.
fn fit(mut decoded: Decoded) -> Result<Decoded, Error> {
    // Room for the reference to a blob, and for a later change of a flag or two.
    const MAX: usize = VALUE_BYTES_MAX - 1024;
    let stored = |d: &Decoded| match &d.record {
        Some(record) => record
            .to_stored(0)
            .map(|s| s.len())
            .map_err(|_| Error::Large),
        None => Ok(0),
    };
    if stored(&decoded)? > MAX
        && let Some(Record::Event(event)) = &mut decoded.record
    {
        // Rather the series without the texts of its exceptions than no series.
        event.exceptions.iter_mut().for_each(|e| e.body = None);
    }
    match stored(&decoded)? {
        n if n > MAX => Err(Error::Large),
        _ => Ok(decoded),
    }
}

/// Refuses an element of a later version.
fn check_version(tag: Tag, version: Version) -> Result<(), Error> {
    if version.too_old_for(tag) {
        return Err(Error::Version(tag));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
