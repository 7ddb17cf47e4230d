//! Mail: what a record needs of a raw message, its text and HTML, its attachments, and messages
//! that go out.
//!
//! - [`inspect`] fills a [`crate::pim::Message`] from the bytes as received.
//! - [`renditions`], [`text`], [`html`] give the body; [`decode`], [`decode_range`] an attachment.
//! - [`answer`] puts the original below a reply or a forward.
//! - [`compose`] prepares what a client or the appliance itself sends.
//!
//! A message is never changed or written anew once it is stored: everything here reads ranges of
//! the original bytes. Every function takes any bytes whatever, in bounded time and memory.
//!
//! Absent: signatures and encryption (the client does them), TNEF, uuencode.

pub mod answer;
mod asker;
mod attachments;
mod body;
mod charset;
pub mod compose;
mod file;
mod header;
pub mod imip;
mod inspect;
mod structure;
#[cfg(test)]
mod tests;
mod thread;
mod transfer;

pub use asker::{Asker, asker, is_personal};
pub use body::{Renditions, cut, cut_mime, html, renditions, text};
pub use file::File;
pub use header::{Mailbox, addresses, display};
pub use inspect::{Calendar, Dates, Inspected, dates, field, inspect};
pub use thread::topic;
pub use transfer::{decode, decode_range, decoded_len, pieces};

/// The bytes `from..to` of a raw message, such as a [`Part`](crate::pim::Part) names them.
#[must_use]
pub fn slice(raw: &[u8], from: u64, to: u64) -> &[u8] {
    match (usize::try_from(from), usize::try_from(to)) {
        (Ok(from), Ok(to)) => raw.get(from..to).unwrap_or_default(),
        _ => &[],
    }
}
