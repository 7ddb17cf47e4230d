//! A draft as a client writes it (16.0+): what its MIME is to be made of ([MS-ASEMAIL] 3.1.5.5).

use crate::eas::classes::{Error, FileReference, body, check_version, value};
use crate::eas::version::Version;
use crate::pim::message::Flag;
use crate::pim::{BodyKind, Message};
use crate::wbxml::tags::{airsyncbase, email, email2};
use crate::wbxml::{Reader, Tag};

/// Attachments added or deleted by one Change.
pub(in crate::eas::classes) const ATTACHMENTS_MAX: usize = 100;

/// The properties of a draft that a client sent; none: as before, or empty in a new draft.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Draft {
    /// `To`, as the client wrote it: addresses separated by commas or semicolons.
    pub to: Option<String>,
    /// `Cc`.
    pub cc: Option<String>,
    /// `Bcc`.
    pub bcc: Option<String>,
    /// `Reply-To`.
    pub reply_to: Option<String>,
    /// `Subject`.
    pub subject: Option<String>,
    /// 0 low, 1 normal, 2 high.
    pub importance: Option<u8>,
    /// The body and what it is written in: text, HTML, or a whole MIME message.
    pub body: Option<(BodyKind, String)>,
    /// Attachments to add.
    pub add: Vec<NewAttachment>,
    /// Attachments to take away.
    pub delete: Vec<FileReference>,
    /// `Send`: it is to go out now.
    pub send: bool,
    /// It is a text message, and no draft at all.
    pub text: Option<TextMessage>,
    /// The marks that came with it, for [`mark`](Self::mark).
    pub(super) marks: Marks,
}

/// What a text message has beside the properties of a draft ([MS-ASMS] 2.2.2).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TextMessage {
    /// `From`, as the client wrote it.
    pub from: String,
    /// `DateReceived`, Unix milliseconds.
    pub received_ms: Option<i64>,
}

impl TextMessage {
    /// Takes one property, just named; false, and nothing read, if it is none of its own.
    pub(super) fn element(&mut self, r: &mut Reader<'_>, tag: Tag) -> Result<bool, Error> {
        match tag {
            email::FROM => self.from = value::text(r)?,
            email::DATE_RECEIVED => self.received_ms = value::time(r, tag)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// What any mail may be marked with; none: as before.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Marks {
    pub(super) read: Option<bool>,
    /// The inner none: no flag any more.
    pub(super) flag: Option<Option<Flag>>,
    pub(super) categories: Option<Vec<String>>,
}

impl Marks {
    pub(super) fn apply(&self, m: &mut Message) {
        m.read = self.read.unwrap_or(m.read);
        if let Some(flag) = &self.flag {
            m.flag.clone_from(flag);
        }
        if let Some(categories) = &self.categories {
            m.categories.clone_from(categories);
        }
    }
}

/// An attachment that comes with a draft ([MS-ASAIRS] 2.2.2.2).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NewAttachment {
    /// The client's name for it, repeated in the answer.
    pub client_id: String,
    /// File name.
    pub name: String,
    /// `Content-Type`, or empty.
    pub content_type: String,
    /// `Content-ID`, or empty.
    pub content_id: String,
    /// `Content-Location`, or empty.
    pub content_location: String,
    /// Shown within the HTML.
    pub inline: bool,
    /// 1 a file, 5 an embedded message.
    pub method: u8,
    /// The bytes.
    pub content: Vec<u8>,
}

impl Draft {
    /// Gives the mail that was composed from this draft its marks (read, flag, categories).
    pub fn mark(&self, composed: &mut Message) {
        self.marks.apply(composed);
    }

    /// Takes one property, just named; false, and nothing read, if it is none of a draft's.
    pub(super) fn element(
        &mut self,
        r: &mut Reader<'_>,
        tag: Tag,
        version: Version,
    ) -> Result<bool, Error> {
        match tag {
            email::TO => self.to = Some(value::text(r)?),
            email::CC => self.cc = Some(value::text(r)?),
            email2::BCC => self.bcc = Some(value::text(r)?),
            email::REPLY_TO => self.reply_to = Some(value::text(r)?),
            email::SUBJECT => self.subject = Some(value::text(r)?),
            email::IMPORTANCE => self.importance = value::within(r, tag, 0..=2)?,
            airsyncbase::BODY => {
                if let Some(new) = body::read(r, version)? {
                    self.body = Some((new.kind, new.text));
                }
            }
            airsyncbase::ATTACHMENTS => self.attachments(r, version)?,
            email2::SEND => {
                r.skip()?;
                self.send = true;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn attachments(&mut self, r: &mut Reader<'_>, version: Version) -> Result<(), Error> {
        while let Some(tag) = r.child()? {
            check_version(tag, version)?;
            if self.add.len() + self.delete.len() == ATTACHMENTS_MAX {
                return Err(Error::Many(airsyncbase::ATTACHMENTS));
            }
            match tag {
                airsyncbase::ADD => self.add.push(added(r)?),
                airsyncbase::DELETE => self.delete.push(deleted(r)?),
                _ => r.skip()?,
            }
        }
        Ok(())
    }
}

pub(in crate::eas::classes) fn added(r: &mut Reader<'_>) -> Result<NewAttachment, Error> {
    let mut new = NewAttachment {
        method: 1,
        ..NewAttachment::default()
    };
    while let Some(tag) = r.child()? {
        match tag {
            airsyncbase::CLIENT_ID => new.client_id = value::text(r)?,
            airsyncbase::DISPLAY_NAME => new.name = value::text(r)?,
            airsyncbase::CONTENT_TYPE => new.content_type = value::text(r)?,
            airsyncbase::CONTENT_ID => new.content_id = value::text(r)?,
            airsyncbase::CONTENT_LOCATION => new.content_location = value::text(r)?,
            // An empty element means yes.
            airsyncbase::IS_INLINE => new.inline = value::flag(r, tag)?.unwrap_or(true),
            airsyncbase::METHOD => new.method = value::number(r, tag)?.unwrap_or(1),
            airsyncbase::CONTENT => new.content = r.bytes()?.to_vec(),
            _ => r.skip()?,
        }
    }
    Ok(new)
}

pub(in crate::eas::classes) fn deleted(r: &mut Reader<'_>) -> Result<FileReference, Error> {
    let mut reference = None;
    while let Some(tag) = r.child()? {
        match tag {
            airsyncbase::FILE_REFERENCE => {
                let text = r.text()?;
                reference = Some(text.parse().map_err(|_| Error::Value(tag))?);
            }
            _ => r.skip()?,
        }
    }
    reference.ok_or(Error::Missing(airsyncbase::FILE_REFERENCE))
}
