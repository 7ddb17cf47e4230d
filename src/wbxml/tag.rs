//! A tag: a token on a code page.

use super::tags::PAGES;
use std::fmt;

/// An element's name: code page in the upper byte, token (without content bit) in the lower.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(u16);

/// A code page.
pub(super) struct Page {
    /// The namespace's name as the specification spells it.
    pub(super) namespace: &'static str,
    /// The name of its module, which is also its prefix in dumps.
    pub(super) prefix: &'static str,
    /// Token, name and versions, sorted by token.
    pub(super) entries: &'static [(u8, &'static str, u8)],
}

/// Bits of [`Tag::versions`]: 2.5, 12.0, 12.1, 14.0, 14.1, 16.0, 16.1 from the lowest on.
pub(super) const ALL: u8 = 0x7F;
pub(super) const NONE: u8 = 0;
pub(super) const ONLY_2_5: u8 = 0x01;
pub(super) const UNTIL_12_1: u8 = 0x07;
pub(super) const UNTIL_14_1: u8 = 0x1F;
pub(super) const SINCE_12_0: u8 = 0x7E;
pub(super) const SINCE_12_1: u8 = 0x7C;
pub(super) const SINCE_14_0: u8 = 0x78;
pub(super) const SINCE_14_1: u8 = 0x70;
pub(super) const SINCE_16_0: u8 = 0x60;
pub(super) const SINCE_16_1: u8 = 0x40;

impl Tag {
    /// The tag with this token (below 0x40) on this page.
    #[must_use]
    pub const fn new(page: u8, token: u8) -> Self {
        Self(((page as u16) << 8) | token as u16)
    }

    /// Its code page.
    #[must_use]
    pub const fn page(self) -> u8 {
        self.0.to_be_bytes()[0]
    }

    /// Its token, without the content bit.
    #[must_use]
    pub const fn token(self) -> u8 {
        self.0.to_be_bytes()[1]
    }

    /// Its name as the specification spells it; `?` for a tag that is in no table.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.entry().map_or("?", |(_, name, _)| name)
    }

    /// The namespace's name, such as `AirSyncBase`; `?` for an unknown page.
    #[must_use]
    pub fn namespace(self) -> &'static str {
        self.code_page().map_or("?", |p| p.namespace)
    }

    /// The namespace as the table's module and as a prefix in dumps, such as `airsyncbase`.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        self.code_page().map_or("?", |p| p.prefix)
    }

    /// Which versions of the protocol have it, as bits from the lowest on: 2.5, 12.0, 12.1, 14.0,
    /// 14.1, 16.0, 16.1. No bit: a relic that is reserved and never sent.
    #[must_use]
    pub fn versions(self) -> u8 {
        self.entry().map_or(NONE, |(_, _, versions)| versions)
    }

    /// The same, for tables that are made when the server is built.
    pub(crate) const fn versions_in_table(self) -> u8 {
        let mut pages = PAGES;
        let mut number = 0;
        while let [page, rest @ ..] = pages {
            let mut entries = page.entries;
            while let [(token, _, versions), rest @ ..] = entries {
                if number == self.page() && *token == self.token() {
                    return *versions;
                }
                entries = rest;
            }
            (pages, number) = (rest, number + 1);
        }
        NONE
    }

    /// The tag with this name in this namespace, both as the specification spells them.
    #[must_use]
    pub fn by_name(namespace: &str, name: &str) -> Option<Self> {
        let (number, page) = (0u8..).zip(PAGES).find(|(_, p)| p.namespace == namespace)?;
        let (token, ..) = page.entries.iter().find(|(_, n, _)| *n == name)?;
        Some(Self::new(number, *token))
    }

    /// Every tag of the table, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        (0u8..).zip(PAGES).flat_map(|(number, page)| {
            page.entries
                .iter()
                .map(move |(token, ..)| Self::new(number, *token))
        })
    }

    /// Whether the table has it.
    pub(super) fn known(self) -> bool {
        self.entry().is_some()
    }

    fn code_page(self) -> Option<&'static Page> {
        PAGES.get(usize::from(self.page()))
    }

    fn entry(self) -> Option<(u8, &'static str, u8)> {
        let entries = self.code_page()?.entries;
        // Tokens count up from 5 and few pages have a gap: the guess nearly always hits.
        let guess = usize::from(self.token()).checked_sub(5)?;
        match entries.get(guess) {
            Some(e) if e.0 == self.token() => Some(*e),
            _ => entries
                .binary_search_by_key(&self.token(), |(t, ..)| *t)
                .ok()
                .and_then(|i| entries.get(i).copied()),
        }
    }
}

/// Whether there is a code page with this number.
pub(super) fn page_exists(page: u8) -> bool {
    usize::from(page) < PAGES.len()
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.prefix(), self.name())
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{} ({}:{:#04x})",
            self.prefix(),
            self.name(),
            self.page(),
            self.token()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::tags::{airsync, airsyncbase, email2, find};
    use super::*;

    #[test]
    fn the_table_is_sorted_and_whole() {
        assert_eq!(PAGES.len(), 26);
        for page in PAGES {
            assert!(
                page.entries.is_sorted_by(|a, b| a.0 < b.0),
                "{}",
                page.namespace
            );
            assert!(page.entries.iter().all(|e| (5..0x40).contains(&e.0)));
        }
        assert_eq!(Tag::all().count(), 645 - 1);
    }

    #[test]
    fn names_lead_to_tags_and_back() {
        for tag in Tag::all() {
            assert_eq!(Tag::by_name(tag.namespace(), tag.name()), Some(tag));
            assert_eq!(tag.versions_in_table(), tag.versions());
            assert!(tag.known());
        }
        assert_eq!(Tag::by_name("AirSync", "Sync"), Some(airsync::SYNC));
        assert_eq!(Tag::by_name("AirSync", "sync"), None);
        assert_eq!(airsyncbase::BODY.to_string(), "airsyncbase:Body");
    }

    #[test]
    fn unknown_tags_have_no_name() {
        for tag in [
            Tag::new(0, 0x3F),
            Tag::new(0, 0),
            Tag::new(26, 5),
            Tag::new(255, 255),
        ] {
            assert!(!tag.known());
            assert_eq!((tag.name(), tag.versions()), ("?", 0));
        }
        // Behind a gap of its page.
        assert_eq!(email2::IS_DRAFT.name(), "IsDraft");
        assert_eq!(find::GAL_SEARCH_CRITERION.versions(), SINCE_16_1);
    }
}
