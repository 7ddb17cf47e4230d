//! vCard 2.1, 3.0 (RFC 2426) and 4.0 (RFC 6350): contacts as text.
//!
//! What programs write beyond the standard is read too: labels of Apple, `X-` properties of
//! Evolution, KDE and Outlook. Where a card has more addresses or numbers than the protocol has
//! room for ([MS-ASCNTC] 2.2.2), the first ones win.
//!
//! Deliberately absent: members of groups, sounds, keys, logos, and photos that stand elsewhere.

mod entry;
mod read;
mod slots;
mod write;

use super::Contact;
use super::decode::text_of;
use crate::limits::VCARD_BYTES_MAX;
use calcard::{Entry, Parser};

pub use write::to_vcf;

/// A contact out of a card. The photo stands beside it, since the record names a blob.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ParsedContact {
    /// The contact, without its picture. The notes are whole: what is longer than
    /// [`crate::limits::BODY_INLINE_BYTES_MAX`] is for the caller to move into a blob.
    pub contact: Contact,
    /// Bytes of the photo, as they are in the card.
    pub photo: Option<Vec<u8>>,
}

/// The version to write.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Version {
    /// vCard 3.0, which everything reads.
    #[default]
    V3,
    /// vCard 4.0.
    V4,
}

/// Bytes that are no card.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Error {
    /// There is no card in it that says anything.
    #[error("no card in it that says anything")]
    NotCard,
    /// More bytes than [`VCARD_BYTES_MAX`].
    #[error("cards of {0} bytes")]
    TooLarge(usize),
}

/// Reads all cards of a file, whatever version and charset. `now_ms` is when they are created,
/// Unix milliseconds. Cards that say nothing are left out.
///
/// # Errors
/// What [`Error`] lists.
pub fn parse(bytes: &[u8], now_ms: i64) -> Result<Vec<ParsedContact>, Error> {
    if bytes.len() > VCARD_BYTES_MAX {
        return Err(Error::TooLarge(bytes.len()));
    }
    let text = text_of(bytes);
    let mut parser = Parser::new(&text);
    let mut found = Vec::new();
    loop {
        match parser.entry() {
            Entry::VCard(card) => found.extend(read::contact(&card, now_ms)),
            Entry::Eof => break,
            _ => {}
        }
    }
    if found.is_empty() {
        return Err(Error::NotCard);
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
