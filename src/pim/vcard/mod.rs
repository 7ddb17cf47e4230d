//! vCard 2.1, 3.0 (RFC 2426) and 4.0 (RFC 6350): contacts as text.

use super::Contact;

/// A contact out of a card. The photo stands beside it, since the record names a blob.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ParsedContact {
    /// The contact, without its picture.
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
    /// There is no `BEGIN:VCARD` in it.
    #[error("no card in it")]
    NotCard,
    /// More bytes than [`crate::limits::VCARD_BYTES_MAX`].
    #[error("cards of {0} bytes")]
    TooLarge(usize),
}

/// Reads all cards of a file, whatever version and charset. `now_ms` is when they are created.
///
/// # Errors
/// What [`Error`] lists.
pub fn parse(bytes: &[u8], now_ms: i64) -> Result<Vec<ParsedContact>, Error> {
    let _ = (bytes, now_ms);
    Err(Error::NotCard)
}

/// A contact as a card, with the bytes of its photo.
#[must_use]
pub fn to_vcf(contact: &Contact, photo: Option<&[u8]>, version: Version) -> String {
    let _ = (contact, photo, version);
    String::new()
}
