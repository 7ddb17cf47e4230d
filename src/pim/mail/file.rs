//! A file that goes into a mail: one that somebody attached, or a part of another mail.

use super::header::one_line;
use super::{compose::clean_id, decode, slice};
use crate::pim::Part;
use mail_builder::headers::content_type::ContentType;
use mail_builder::mime::MimePart;
use std::borrow::Cow;

/// An attachment or a picture of a mail that is to be written.
#[derive(Clone, Debug, Default)]
pub struct File<'a> {
    /// `Content-Type`.
    pub content_type: &'a str,
    /// File name, or empty.
    pub name: Cow<'a, str>,
    /// `Content-ID` without the angle brackets, or empty.
    pub content_id: &'a str,
    /// `Content-Location`, or empty.
    pub content_location: &'a str,
    /// Shown in the HTML by its `Content-ID`.
    pub inline: bool,
    /// The contents.
    pub bytes: Cow<'a, [u8]>,
}

impl<'a> File<'a> {
    /// A part of the mail `raw`, as it is.
    #[must_use]
    pub fn of(raw: &'a [u8], part: &'a Part) -> Self {
        Self {
            content_type: &part.content_type,
            name: Cow::Borrowed(&part.name),
            content_id: &part.content_id,
            content_location: &part.content_location,
            inline: part.inline && !part.content_id.is_empty(),
            bytes: decode(slice(raw, part.body_from, part.body_to), part.encoding),
        }
    }

    /// A whole mail.
    #[must_use]
    pub fn message(subject: &str, raw: &'a [u8]) -> Self {
        let name = if subject.is_empty() {
            "message"
        } else {
            subject
        };
        Self {
            content_type: "message/rfc822",
            name: Cow::Owned(format!("{name}.eml")),
            bytes: Cow::Borrowed(raw),
            ..Self::default()
        }
    }

    /// As a part of a mail.
    pub(super) fn part(&self) -> MimePart<'_> {
        let mut disposition = ContentType::new(if self.inline { "inline" } else { "attachment" });
        if !self.name.is_empty() {
            disposition = disposition.attribute("filename", one_line(&self.name));
        }
        let mut part = MimePart::new(one_line(self.content_type), &*self.bytes)
            .header("Content-Disposition", disposition);
        if !self.content_id.is_empty() {
            part = part.cid(clean_id(self.content_id));
        }
        if !self.content_location.is_empty() {
            part = part.location(one_line(self.content_location));
        }
        part
    }
}
