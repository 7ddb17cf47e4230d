//! WBXML as Exchange ActiveSync uses it ([MS-ASWBXML], WAP Binary XML 1.3): a pull [`Reader`] that
//! borrows the request, a push [`Writer`] over one growing buffer, and the code pages as a table.
//!
//! It knows tokens, not commands. Deliberately absent: a document tree, attributes, the string
//! table, entities, processing instructions, literal tags and extension tokens (a document that
//! uses one of them is an error), and any recursion.
//!
//! ```
//! use roost::wbxml::{Reader, Writer, tags::ping};
//! let mut w = Writer::new();
//! w.open(ping::PING);
//! w.num(ping::HEARTBEAT_INTERVAL, 470);
//! w.close();
//! let bytes = w.finish();
//! let mut r = Reader::new(&bytes)?;
//! assert_eq!(r.root()?, ping::PING);
//! while let Some(tag) = r.child()? {
//!     match tag {
//!         ping::HEARTBEAT_INTERVAL => assert_eq!(r.text()?, "470"),
//!         _ => r.skip()?,
//!     }
//! }
//! # Ok::<(), roost::wbxml::Error>(())
//! ```

pub mod digits;
#[cfg(test)]
mod edge_tests;
mod pick;
mod reader;
mod tag;
pub mod tags;
#[cfg(test)]
mod tests;
mod writer;
pub mod xml;

pub use pick::pick;
pub use reader::Reader;
pub use tag::Tag;
pub use writer::{Mark, Writer};

/// What is wrong with a document. Always the fault of its sender, except [`Error::Order`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Error {
    /// It ends within an element, a value or the header.
    #[error("the document is cut off")]
    Truncated,
    /// A version of WBXML above 1.3.
    #[error("WBXML version byte {0:#04x}")]
    Version(u8),
    /// A character set other than UTF-8 or ASCII (MIBenum).
    #[error("character set {0}")]
    Charset(u32),
    /// A multi-byte number beyond 32 bits.
    #[error("a number beyond 32 bits")]
    Number,
    /// A code page that does not exist.
    #[error("code page {0}")]
    Page(u8),
    /// A tag with attributes.
    #[error("token {0:#04x} with attributes")]
    Attributes(u8),
    /// A global token that the protocol does not use.
    #[error("token {0:#04x}")]
    Token(u8),
    /// A tag that its code page does not have.
    #[error("token {token:#04x} is not on code page {page}")]
    UnknownTag {
        /// The page.
        page: u8,
        /// The token.
        token: u8,
    },
    /// Nested beyond [`crate::limits::WBXML_DEPTH_MAX`].
    #[error("nested too deeply")]
    Depth,
    /// More tokens than [`crate::limits::WBXML_TOKENS_MAX`].
    #[error("too many tokens")]
    Tokens,
    /// A value above [`crate::limits::WBXML_VALUE_BYTES_MAX`].
    #[error("a value is too long")]
    Value,
    /// Text that is not UTF-8.
    #[error("text that is not UTF-8")]
    Utf8,
    /// Text between elements.
    #[error("text where only elements may stand")]
    Text,
    /// An element where text has to stand.
    #[error("{0} where only text may stand")]
    Element(Tag),
    /// Bytes in more than one piece.
    #[error("a value in pieces")]
    Pieces,
    /// Something follows the root element.
    #[error("bytes after the root element")]
    Trailing,
    /// The reader was asked for the content of an element that it is not at.
    #[error("not at an element")]
    Order,
}
