//! LMTP (RFC 2033) as a state machine over bytes.
//!
//! [`Session`] is fed what the peer sends and says what to do; the caller answers, and only then
//! is anything acknowledged. Deliberately absent: sockets, SMTP proper (a mail server stands
//! before us), authentication, STARTTLS, CHUNKING, DSN.

mod command;
mod envelope;
mod message;
mod session;
#[cfg(test)]
mod tests;

pub use envelope::{Envelope, Verdict};
pub use session::{Session, Step};
