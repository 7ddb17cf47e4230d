//! Versions of the protocol. The version belongs to the request: one device may alternate.

use crate::wbxml::Tag;
use std::fmt;

/// A version of the protocol, in ascending order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Version {
    V2_5,
    V12_0,
    V12_1,
    V14_0,
    V14_1,
    V16_0,
    V16_1,
}

impl Version {
    /// All, ascending: the order in which OPTIONS has to list them.
    pub const ALL: [Self; 7] = [
        Self::V2_5,
        Self::V12_0,
        Self::V12_1,
        Self::V14_0,
        Self::V14_1,
        Self::V16_0,
        Self::V16_1,
    ];

    /// From the text of the header `MS-ASProtocolVersion`, such as "14.1". "14" is 14.0: old
    /// clients write it so.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        Self::ALL
            .into_iter()
            .find(|v| v.text() == text || v.text().strip_suffix(".0") == Some(text))
    }

    /// From ten times the version, as the base64 query has it ([MS-ASHTTP] 2.2.1.1.1.1.1).
    #[must_use]
    pub fn from_tens(tens: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|v| v.tens() == tens)
    }

    /// Ten times the version: 25, 120, 121, 140, 141, 160, 161.
    #[must_use]
    pub fn tens(self) -> u8 {
        match self {
            Self::V2_5 => 25,
            Self::V12_0 => 120,
            Self::V12_1 => 121,
            Self::V14_0 => 140,
            Self::V14_1 => 141,
            Self::V16_0 => 160,
            Self::V16_1 => 161,
        }
    }

    /// As in headers: "14.1".
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::V2_5 => "2.5",
            Self::V12_0 => "12.0",
            Self::V12_1 => "12.1",
            Self::V14_0 => "14.0",
            Self::V14_1 => "14.1",
            Self::V16_0 => "16.0",
            Self::V16_1 => "16.1",
        }
    }

    /// Whether this version has the tag.
    #[must_use]
    pub fn has(self, tag: Tag) -> bool {
        self.is_of(tag.versions())
    }

    /// Whether it is one of these, as [`Tag::versions`] has them.
    #[must_use]
    pub fn is_of(self, versions: u8) -> bool {
        versions & self.bit() != 0
    }

    /// Whether the tag came only with a later version: an error in a request of this one. A tag
    /// that an earlier version had, and this one dropped, is not.
    #[must_use]
    pub fn too_old_for(self, tag: Tag) -> bool {
        tag.versions() != 0 && tag.versions() & (self.bit() | (self.bit() - 1)) == 0
    }

    fn bit(self) -> u8 {
        1 << (self as u8)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wbxml::tags::{airsyncbase, calendar, email, find};

    #[test]
    fn names_and_numbers() {
        assert!(Version::ALL.is_sorted());
        for v in Version::ALL {
            assert_eq!(Version::parse(v.text()), Some(v));
            assert_eq!(Version::from_tens(v.tens()), Some(v));
            assert_eq!(v.to_string(), v.text());
        }
        assert_eq!(Version::parse(" 14 "), Some(Version::V14_0));
        for bad in ["", "1.0", "13.0", "14.10", "16.2", "2"] {
            assert_eq!(Version::parse(bad), None, "{bad}");
        }
        assert_eq!(Version::from_tens(0), None);
    }

    #[test]
    fn tags_of_versions() {
        let check = |v: Version, tag, has, too_old| {
            assert_eq!(
                (v.has(tag), v.too_old_for(tag)),
                (has, too_old),
                "{v} {tag}"
            );
        };
        check(Version::V2_5, email::BODY, true, false);
        check(Version::V12_0, email::BODY, false, false);
        check(Version::V2_5, airsyncbase::BODY, false, true);
        check(Version::V12_0, airsyncbase::BODY, true, false);
        check(Version::V14_1, calendar::LOCATION, true, false);
        check(Version::V16_0, calendar::LOCATION, false, false);
        check(Version::V16_0, find::FIND, false, true);
        check(Version::V16_1, find::FIND, true, false);
    }
}
