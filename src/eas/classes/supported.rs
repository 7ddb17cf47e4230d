//! `Supported`: which properties belong to the client, and which the server keeps when a Change
//! leaves them out ([MS-ASCMD] 2.2.3.178; "ghosted" properties).

use super::Error;
use crate::eas::version::Version;
use crate::pim::Class;
use crate::wbxml::{Reader, Tag};

/// Tags in one list: all properties of contacts and appointments together are fewer.
const TAGS_MAX: usize = 256;

/// What the client said with key 0 of a collection.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Supported(Option<Vec<Tag>>);

impl Supported {
    /// Reads the `Supported` element just named.
    ///
    /// # Errors
    /// [`Error::Wbxml`]; [`Error::Many`] for more tags than there are properties.
    pub fn decode(r: &mut Reader<'_>) -> Result<Self, Error> {
        let mut tags = Vec::new();
        let mut n = 0;
        while let Some(tag) = r.child()? {
            r.skip()?;
            n += 1;
            if n > TAGS_MAX {
                return Err(Error::Many(crate::wbxml::tags::airsync::SUPPORTED));
            }
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        Ok(Self(Some(tags)))
    }

    /// Whether a property that a Change leaves out is deleted by that (true) or kept.
    #[must_use]
    pub(super) fn owns(&self, tag: Tag, class: Class, version: Version) -> bool {
        match (class, &self.0) {
            // 16.0 turned the rule round for the calendar.
            (Class::Calendar, _) if version >= Version::V16_0 => false,
            (Class::Calendar | Class::Contacts, Some(tags)) => tags.contains(&tag),
            _ => true,
        }
    }

    /// Appends the form in which it is kept.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        let tags = self.0.as_deref().unwrap_or_default();
        // At most 256 of them, and 0xFFFF says that there was no list.
        let n = match &self.0 {
            None => u16::MAX,
            Some(tags) => u16::try_from(tags.len()).unwrap_or(0),
        };
        out.extend_from_slice(&n.to_be_bytes());
        for tag in tags {
            out.extend_from_slice(&[tag.page(), tag.token()]);
        }
    }

    /// Takes it from the front of `kept`. None if those bytes are not what
    /// [`write_to`](Self::write_to) wrote.
    #[must_use]
    pub fn read_from(kept: &mut &[u8]) -> Option<Self> {
        let (n, rest) = kept.split_first_chunk::<2>()?;
        *kept = rest;
        let n = u16::from_be_bytes(*n);
        if n == u16::MAX {
            return Some(Self(None));
        }
        let (tags, rest) = kept.split_at_checked(usize::from(n) * 2)?;
        *kept = rest;
        let (pairs, _) = tags.as_chunks::<2>();
        let tags = pairs.iter().map(|[page, token]| Tag::new(*page, *token));
        Some(Self(Some(tags.collect())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wbxml::Writer;
    use crate::wbxml::tags::{airsync, calendar, contacts, contacts2};

    fn list(tags: &[Tag]) -> Supported {
        let mut w = Writer::new();
        w.open(airsync::SUPPORTED);
        tags.iter().for_each(|t| w.empty(*t));
        w.close();
        let bytes = w.finish();
        let mut r = Reader::new(&bytes).unwrap();
        r.root().unwrap();
        Supported::decode(&mut r).unwrap()
    }

    #[test]
    fn what_a_change_leaves_out() {
        let check = |supported: &Supported, tag, class, version, owns| {
            assert_eq!(supported.owns(tag, class, version), owns, "{tag} {version}");
        };
        let (v14, v16) = (Version::V14_1, Version::V16_0);
        let none = Supported::default();
        check(&none, contacts::SPOUSE, Class::Contacts, v14, true);
        check(&none, contacts::SPOUSE, Class::Contacts, v16, true);
        check(&none, calendar::LOCATION, Class::Calendar, v14, true);
        check(&none, calendar::LOCATION, Class::Calendar, v16, false);
        let empty = list(&[]);
        check(&empty, contacts::SPOUSE, Class::Contacts, v14, false);
        check(&empty, calendar::LOCATION, Class::Calendar, v14, false);
        let some = list(&[contacts::SPOUSE, contacts2::MMS, contacts::SPOUSE]);
        check(&some, contacts::SPOUSE, Class::Contacts, v14, true);
        check(&some, contacts::ALIAS, Class::Contacts, v14, false);
        // Tasks and notes have no ghosts.
        check(&empty, contacts::SPOUSE, Class::Tasks, v16, true);
    }

    #[test]
    fn kept_and_read() {
        for supported in [
            Supported::default(),
            list(&[]),
            list(&[contacts::SPOUSE, contacts2::MMS]),
        ] {
            let mut kept = Vec::new();
            supported.write_to(&mut kept);
            for end in 0..kept.len() {
                assert_eq!(Supported::read_from(&mut &kept[..end]), None);
            }
            kept.push(7);
            let mut left = kept.as_slice();
            assert_eq!(Supported::read_from(&mut left), Some(supported));
            assert_eq!(left, [7]);
        }
    }
}
