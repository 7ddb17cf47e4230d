//! The `Options` of a collection ([MS-ASCMD] 2.2.3.125), and of a fetch or a search, which share
//! some of them: what to send, and in which form.
//!
//! They are sticky in Sync: the last ones hold until a request brings others. [`Options::write_to`]
//! and [`Options::read_from`] are the form in which they are kept.

use crate::eas::version::Version;
use crate::pim::{BodyKind, Class};
use crate::wbxml::tags::{airsync, airsyncbase, rightsmanagement};
use crate::wbxml::{self, Reader, Tag};

/// What a client wants to get. The default is what holds where it says nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Options {
    /// `FilterType`, 0 to 8; 0 is everything.
    pub filter: u8,
    /// `Class` (14.0+).
    pub class: Option<OptionsClass>,
    /// `BodyPreference` (12.0+), at most one per type, in the order of the request.
    pub bodies: [Option<BodyPreference>; 4],
    /// `BodyPartPreference` (14.1+).
    pub body_part: Option<BodyPreference>,
    /// `Conflict` 0: the client's version of an item wins over the server's.
    pub client_wins: bool,
    /// `MIMESupport`: 0 never, 1 S/MIME only, 2 always.
    pub mime_support: u8,
    /// `MIMETruncation`, a code from 0 to 8.
    pub mime_truncation: Option<u8>,
    /// `Truncation` (2.5), a code from 0 to 9.
    pub truncation: Option<u8>,
    /// `MaxItems` (14.0+), for the recipient information cache.
    pub max_items: Option<u32>,
    /// `RightsManagementSupport` (14.1+).
    pub rights: bool,
    /// `RTFTruncation` (2.5): rich text is taken, where there is any.
    pub rtf: bool,
    /// Text messages are told as such: there was a second block for them (14.0+).
    pub texts: bool,
}

/// A class as `Options` name one: those of items, and text messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OptionsClass {
    /// A class of items.
    Of(Class),
    /// Text messages, which live beside mail.
    Sms,
}

/// One form in which the client takes bodies ([MS-ASAIRS] 2.2.2.12).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BodyPreference {
    /// What it is to be written in.
    pub kind: BodyKind,
    /// `TruncationSize`: the most bytes; none: all.
    pub limit: Option<u32>,
    /// Rather nothing than a part.
    pub all_or_none: bool,
    /// Characters of a plain-text preview (14.0+).
    pub preview: Option<u8>,
}

/// Why options are refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum OptionsError {
    /// The document is malformed.
    #[error(transparent)]
    Wbxml(#[from] wbxml::Error),
    /// A value out of range, a doubled or misplaced element, or one of a later version.
    #[error("{0} does not stand here so")]
    Invalid(Tag),
    /// A body part in another form than HTML (Status 164).
    #[error("a body part of that type")]
    BodyPartType,
}

/// The first byte of the stored form.
const FORMAT: u8 = 1;
const NO_CODE: u8 = 0xFF;

impl Options {
    /// Reads the `Options` element just named, of a Sync. Elements may stand in any order, each
    /// once (`BodyPreference` once per type).
    ///
    /// # Errors
    /// As [`OptionsError`]; the reader then stands within the element.
    pub fn decode(r: &mut Reader<'_>, version: Version) -> Result<Self, OptionsError> {
        let mut options = Self::default();
        let mut seen = Vec::with_capacity(8);
        while let Some(tag) = r.child()? {
            if tag != airsyncbase::BODY_PREFERENCE && seen.contains(&tag) {
                return Err(OptionsError::Invalid(tag));
            }
            seen.push(tag);
            if !options.element(r, tag, version)? {
                return Err(OptionsError::Invalid(tag));
            }
        }
        Ok(options)
    }

    /// Takes one child of an options container, just named, if it is one of those that commands
    /// share; false, and nothing read, if not.
    ///
    /// # Errors
    /// As [`OptionsError`].
    pub fn element(
        &mut self,
        r: &mut Reader<'_>,
        tag: Tag,
        version: Version,
    ) -> Result<bool, OptionsError> {
        if version.too_old_for(tag) {
            return Err(OptionsError::Invalid(tag));
        }
        match tag {
            airsync::FILTER_TYPE => self.filter = code(r, tag, 8)?,
            airsync::CLASS => self.class = Some(class(r, version)?),
            airsync::CONFLICT => self.client_wins = flag(r, tag)? == Some(false),
            airsync::MIME_SUPPORT => self.mime_support = code(r, tag, 2)?,
            airsync::MIME_TRUNCATION => self.mime_truncation = Some(code(r, tag, 8)?),
            airsync::TRUNCATION => self.truncation = Some(code(r, tag, 9)?),
            // Rich text is sent whole or not at all.
            airsync::RTF_TRUNCATION => self.rtf = code(r, tag, 9)? > 0,
            airsync::MAX_ITEMS => match number(r, tag)? {
                Some(0) => return Err(OptionsError::Invalid(tag)),
                n => self.max_items = n,
            },
            airsyncbase::BODY_PREFERENCE => {
                let wanted = preference(r, version)?;
                self.add_body(wanted)?;
            }
            airsyncbase::BODY_PART_PREFERENCE => {
                let wanted = preference(r, version)?;
                if wanted.kind != BodyKind::Html {
                    return Err(OptionsError::BodyPartType);
                }
                self.body_part = Some(wanted);
            }
            rightsmanagement::RIGHTS_MANAGEMENT_SUPPORT => {
                self.rights = flag(r, tag)?.unwrap_or(true);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The preference for this form, if the client has one.
    #[must_use]
    pub fn body(&self, kind: BodyKind) -> Option<BodyPreference> {
        self.bodies
            .iter()
            .flatten()
            .find(|b| b.kind == kind)
            .copied()
    }

    /// The same forms of a body, but whole.
    #[must_use]
    pub fn whole(&self) -> Self {
        let whole = |body: Option<BodyPreference>| {
            body.map(|body| BodyPreference {
                limit: None,
                all_or_none: false,
                ..body
            })
        };
        Self {
            bodies: self.bodies.map(whole),
            body_part: whole(self.body_part),
            mime_truncation: None,
            truncation: None,
            ..*self
        }
    }

    /// Whether `filter` is one that this class of items has (Status 4 if not).
    #[must_use]
    pub fn filter_fits(&self, class: Class) -> bool {
        match class {
            Class::Email => self.filter <= 5,
            Class::Calendar => self.filter == 0 || (4..=7).contains(&self.filter),
            Class::Tasks => self.filter == 0 || self.filter == 8,
            Class::Contacts | Class::Notes => true,
        }
    }

    fn add_body(&mut self, wanted: BodyPreference) -> Result<(), OptionsError> {
        let doubled = self.body(wanted.kind).is_some();
        match self.bodies.iter_mut().find(|b| b.is_none()) {
            Some(slot) if !doubled => *slot = Some(wanted),
            _ => return Err(OptionsError::Invalid(airsyncbase::BODY_PREFERENCE)),
        }
        Ok(())
    }

    /// Appends the form in which they are kept.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        let class = match self.class {
            None => 0,
            Some(OptionsClass::Of(c)) => c as u8,
            Some(OptionsClass::Sms) => NO_CODE,
        };
        let flags = u8::from(self.client_wins)
            | u8::from(self.rights) << 1
            | u8::from(self.texts) << 2
            | u8::from(self.rtf) << 3;
        out.extend_from_slice(&[
            FORMAT,
            self.filter,
            class,
            flags,
            self.mime_support,
            self.mime_truncation.unwrap_or(NO_CODE),
            self.truncation.unwrap_or(NO_CODE),
        ]);
        out.extend_from_slice(&self.max_items.unwrap_or(0).to_be_bytes());
        for body in self.bodies.iter().chain([&self.body_part]) {
            match body {
                None => out.push(0),
                Some(b) => b.write_to(out),
            }
        }
    }

    /// Takes them from the front of `kept`. None if those bytes are not what
    /// [`write_to`](Self::write_to) wrote.
    #[must_use]
    pub fn read_from(kept: &mut &[u8]) -> Option<Self> {
        let (head, rest) = kept.split_first_chunk::<7>()?;
        let [FORMAT, filter, class, flags, mime_support, mime, truncation] = *head else {
            return None;
        };
        let (max_items, mut rest) = rest.split_first_chunk::<4>()?;
        let mut options = Self {
            filter,
            class: match class {
                0 => None,
                NO_CODE => Some(OptionsClass::Sms),
                n => Some(OptionsClass::Of(Class::from_number(n)?)),
            },
            client_wins: flags & 1 != 0,
            rights: flags & 2 != 0,
            texts: flags & 4 != 0,
            rtf: flags & 8 != 0,
            mime_support,
            mime_truncation: Some(mime).filter(|c| *c != NO_CODE),
            truncation: Some(truncation).filter(|c| *c != NO_CODE),
            max_items: Some(u32::from_be_bytes(*max_items)).filter(|n| *n != 0),
            ..Self::default()
        };
        for slot in &mut options.bodies {
            *slot = BodyPreference::read_from(&mut rest)?;
        }
        options.body_part = BodyPreference::read_from(&mut rest)?;
        *kept = rest;
        Some(options)
    }
}

impl BodyPreference {
    fn write_to(&self, out: &mut Vec<u8>) {
        let flags = u8::from(self.all_or_none)
            | u8::from(self.limit.is_some()) << 1
            | u8::from(self.preview.is_some()) << 2;
        out.extend_from_slice(&[self.kind as u8, flags, self.preview.unwrap_or(0)]);
        out.extend_from_slice(&self.limit.unwrap_or(0).to_be_bytes());
    }

    /// The outer none: damaged; the inner: there is none.
    #[expect(clippy::option_option, reason = "absent and damaged are two things")]
    fn read_from(kept: &mut &[u8]) -> Option<Option<Self>> {
        let (first, rest) = kept.split_first()?;
        *kept = rest;
        if *first == 0 {
            return Some(None);
        }
        let (&[flags, preview], rest) = kept.split_first_chunk::<2>()?;
        let (limit, rest) = rest.split_first_chunk::<4>()?;
        *kept = rest;
        Some(Some(Self {
            kind: body_kind(u32::from(*first))?,
            limit: (flags & 2 != 0).then(|| u32::from_be_bytes(*limit)),
            all_or_none: flags & 1 != 0,
            preview: (flags & 4 != 0).then_some(preview),
        }))
    }
}

/// The kind with this number of AirSyncBase `Type`.
pub(in crate::eas) fn body_kind(number: u32) -> Option<BodyKind> {
    Some(match number {
        1 => BodyKind::Text,
        2 => BodyKind::Html,
        3 => BodyKind::Rtf,
        4 => BodyKind::Mime,
        _ => return None,
    })
}

/// `BodyPreference` or `BodyPartPreference`, whose children have an order.
fn preference(r: &mut Reader<'_>, version: Version) -> Result<BodyPreference, OptionsError> {
    const ORDER: [Tag; 4] = [
        airsyncbase::TYPE,
        airsyncbase::TRUNCATION_SIZE,
        airsyncbase::ALL_OR_NONE,
        airsyncbase::PREVIEW,
    ];
    let mut kind = None;
    let (mut limit, mut all_or_none, mut preview) = (None, false, None);
    let mut next = 0;
    while let Some(tag) = r.child()? {
        let invalid = OptionsError::Invalid(tag);
        let place = ORDER.iter().position(|t| *t == tag).ok_or(invalid)?;
        if place < next || version.too_old_for(tag) {
            return Err(invalid);
        }
        next = place + 1;
        match tag {
            airsyncbase::TYPE => kind = number(r, tag)?.and_then(body_kind),
            airsyncbase::TRUNCATION_SIZE => limit = number(r, tag)?,
            airsyncbase::ALL_OR_NONE => all_or_none = flag(r, tag)?.unwrap_or(true),
            _ => preview = Some(code(r, tag, u8::MAX)?),
        }
    }
    Ok(BodyPreference {
        kind: kind.ok_or(OptionsError::Invalid(airsyncbase::TYPE))?,
        limit,
        all_or_none,
        preview,
    })
}

fn class(r: &mut Reader<'_>, version: Version) -> Result<OptionsClass, OptionsError> {
    let invalid = OptionsError::Invalid(airsync::CLASS);
    let text = r.text()?;
    Ok(match text.trim() {
        "SMS" if version >= Version::V14_0 => OptionsClass::Sms,
        name => OptionsClass::Of(class_of(name, version).ok_or(invalid)?),
    })
}

/// The class with this name in this version; notes came with 14.0.
#[must_use]
pub fn class_of(name: &str, version: Version) -> Option<Class> {
    Some(match name {
        "Email" => Class::Email,
        "Contacts" => Class::Contacts,
        "Calendar" => Class::Calendar,
        "Tasks" => Class::Tasks,
        "Notes" if version >= Version::V14_0 => Class::Notes,
        _ => return None,
    })
}

/// The protocol's name of a class.
#[must_use]
pub fn class_name(class: Class) -> &'static str {
    match class {
        Class::Email => "Email",
        Class::Contacts => "Contacts",
        Class::Calendar => "Calendar",
        Class::Tasks => "Tasks",
        Class::Notes => "Notes",
    }
}

/// A number; none for an empty element.
fn number(r: &mut Reader<'_>, tag: Tag) -> Result<Option<u32>, OptionsError> {
    let text = r.text()?;
    match text.trim() {
        "" => Ok(None),
        t => t.parse().map(Some).map_err(|_| OptionsError::Invalid(tag)),
    }
}

/// A number from 0 to `max`; an empty element is 0.
fn code(r: &mut Reader<'_>, tag: Tag, max: u8) -> Result<u8, OptionsError> {
    let n = number(r, tag)?.unwrap_or(0);
    u8::try_from(n)
        .ok()
        .filter(|n| *n <= max)
        .ok_or(OptionsError::Invalid(tag))
}

/// A boolean; none for an empty element.
fn flag(r: &mut Reader<'_>, tag: Tag) -> Result<Option<bool>, OptionsError> {
    let text = r.text()?;
    match text.trim() {
        "" => Ok(None),
        "0" => Ok(Some(false)),
        "1" => Ok(Some(true)),
        t if t.eq_ignore_ascii_case("true") => Ok(Some(true)),
        t if t.eq_ignore_ascii_case("false") => Ok(Some(false)),
        _ => Err(OptionsError::Invalid(tag)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wbxml::Writer;

    fn decode(version: Version, write: impl Fn(&mut Writer)) -> Result<Options, OptionsError> {
        let mut w = Writer::new();
        w.open(airsync::OPTIONS);
        write(&mut w);
        w.close();
        let bytes = w.finish();
        let mut r = Reader::new(&bytes)?;
        r.root()?;
        let options = Options::decode(&mut r, version)?;
        let mut kept = Vec::new();
        options.write_to(&mut kept);
        kept.push(9);
        let mut left = kept.as_slice();
        assert_eq!(Options::read_from(&mut left), Some(options));
        assert_eq!(left, [9]);
        for end in 0..kept.len() - 1 {
            assert_eq!(Options::read_from(&mut &kept[..end]), None);
        }
        Ok(options)
    }

    fn body(w: &mut Writer, children: &[(Tag, &str)]) {
        w.open(airsyncbase::BODY_PREFERENCE);
        children.iter().for_each(|(t, v)| w.text(*t, v));
        w.close();
    }

    #[test]
    fn all_of_them() {
        let options = decode(Version::V14_1, |w| {
            w.text(airsync::FILTER_TYPE, "3");
            w.text(airsync::CLASS, "Email");
            body(
                w,
                &[(airsyncbase::TYPE, "4"), (airsyncbase::PREVIEW, "255")],
            );
            body(
                w,
                &[
                    (airsyncbase::TYPE, "2"),
                    (airsyncbase::TRUNCATION_SIZE, "4294967295"),
                    (airsyncbase::ALL_OR_NONE, "1"),
                ],
            );
            w.open(airsyncbase::BODY_PART_PREFERENCE);
            w.num(airsyncbase::TYPE, 2);
            w.close();
            w.text(airsync::CONFLICT, "0");
            w.text(airsync::MIME_SUPPORT, "2");
            w.text(airsync::MIME_TRUNCATION, "8");
            w.text(airsync::MAX_ITEMS, "40");
            w.text(rightsmanagement::RIGHTS_MANAGEMENT_SUPPORT, "1");
        })
        .unwrap();
        assert_eq!((options.filter, options.client_wins), (3, true));
        assert_eq!(options.class, Some(OptionsClass::Of(Class::Email)));
        assert_eq!(options.body(BodyKind::Mime).unwrap().preview, Some(255));
        let html = options.body(BodyKind::Html).unwrap();
        assert_eq!((html.limit, html.all_or_none), (Some(u32::MAX), true));
        assert_eq!(options.body(BodyKind::Text), None);
        assert!(options.body_part.is_some() && options.rights);
        assert_eq!(
            (options.mime_support, options.mime_truncation),
            (2, Some(8))
        );
        assert_eq!(options.max_items, Some(40));
    }

    #[test]
    fn old_ones_and_empty_ones() {
        let options = decode(Version::V2_5, |w| {
            w.empty(airsync::FILTER_TYPE);
            w.text(airsync::TRUNCATION, "9");
            w.text(airsync::RTF_TRUNCATION, "0");
            w.empty(airsync::CONFLICT);
        })
        .unwrap();
        assert_eq!(
            options,
            Options {
                truncation: Some(9),
                ..Options::default()
            }
        );
        assert_eq!(decode(Version::V16_1, |_| {}), Ok(Options::default()));
        let sms = decode(Version::V14_0, |w| w.text(airsync::CLASS, "SMS")).unwrap();
        assert_eq!(sms.class, Some(OptionsClass::Sms));
    }

    #[test]
    fn refused() {
        let check = |version, expect: Tag, write: fn(&mut Writer)| {
            assert_eq!(decode(version, write), Err(OptionsError::Invalid(expect)));
        };
        let v = Version::V14_1;
        check(v, airsync::FILTER_TYPE, |w| {
            w.text(airsync::FILTER_TYPE, "9")
        });
        check(v, airsync::FILTER_TYPE, |w| {
            w.text(airsync::FILTER_TYPE, "-1")
        });
        check(v, airsync::CONFLICT, |w| w.text(airsync::CONFLICT, "2"));
        check(v, airsync::CLASS, |w| w.text(airsync::CLASS, "Mail"));
        check(v, airsync::MAX_ITEMS, |w| w.text(airsync::MAX_ITEMS, "0"));
        check(v, airsync::MIME_SUPPORT, |w| {
            w.text(airsync::MIME_SUPPORT, "1");
            w.text(airsync::MIME_SUPPORT, "1");
        });
        check(v, airsync::WINDOW_SIZE, |w| {
            w.text(airsync::WINDOW_SIZE, "1")
        });
        // The same type twice, a doubled child, a wrong order, a missing or unknown type.
        check(v, airsyncbase::BODY_PREFERENCE, |w| {
            body(w, &[(airsyncbase::TYPE, "1")]);
            body(w, &[(airsyncbase::TYPE, "1")]);
        });
        check(v, airsyncbase::TYPE, |w| {
            body(w, &[(airsyncbase::TYPE, "1"), (airsyncbase::TYPE, "1")]);
        });
        check(v, airsyncbase::TYPE, |w| {
            body(
                w,
                &[
                    (airsyncbase::TRUNCATION_SIZE, "1"),
                    (airsyncbase::TYPE, "1"),
                ],
            );
        });
        check(v, airsyncbase::TYPE, |w| body(w, &[]));
        check(v, airsyncbase::TYPE, |w| {
            body(w, &[(airsyncbase::TYPE, "5")])
        });
        check(v, airsyncbase::PREVIEW, |w| {
            body(
                w,
                &[(airsyncbase::TYPE, "1"), (airsyncbase::PREVIEW, "256")],
            );
        });
        // Of a later version.
        check(Version::V12_1, airsyncbase::PREVIEW, |w| {
            body(w, &[(airsyncbase::TYPE, "1"), (airsyncbase::PREVIEW, "10")]);
        });
        check(Version::V2_5, airsyncbase::BODY_PREFERENCE, |w| {
            body(w, &[(airsyncbase::TYPE, "1")]);
        });
        check(Version::V12_1, airsync::CLASS, |w| {
            w.text(airsync::CLASS, "Notes")
        });
        assert_eq!(
            decode(v, |w| {
                w.open(airsyncbase::BODY_PART_PREFERENCE);
                w.num(airsyncbase::TYPE, 1);
                w.close();
            }),
            Err(OptionsError::BodyPartType)
        );
    }

    #[test]
    fn filters_of_classes() {
        let fits = |class| -> Vec<u8> {
            let fits = |filter: &u8| {
                Options {
                    filter: *filter,
                    ..Options::default()
                }
                .filter_fits(class)
            };
            (0..=8).filter(fits).collect()
        };
        assert_eq!(fits(Class::Email), [0, 1, 2, 3, 4, 5]);
        assert_eq!(fits(Class::Calendar), [0, 4, 5, 6, 7]);
        assert_eq!(fits(Class::Tasks), [0, 8]);
        assert_eq!(fits(Class::Contacts).len(), 9);
    }
}
