//! LMTP (RFC 2033), and the client's side of SMTP ([`client`]), as state machines over bytes.
//!
//! [`Session`] is fed what the peer sends and says what to do; the caller answers, and only then
//! is anything acknowledged. Deliberately absent: sockets, a server for SMTP proper (a mail server
//! stands before us) with authentication, STARTTLS, CHUNKING, DSN.

pub mod client;
mod command;
mod envelope;
mod message;
mod session;
#[cfg(test)]
mod tests;

pub use envelope::{Envelope, Verdict};
pub use session::{Session, Step};
