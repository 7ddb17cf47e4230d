//! Mail into mailboxes: what LMTP hands over, and what an import or the demo brings.
//!
//! A mail is looked at once ([`intake`]); its MIME becomes a blob, durable before any record names
//! it; then one commit per recipient. Only then is a recipient answered with "accepted".
//!
//! Who writes to an absent user is told so afterwards ([`crate::queue::answer`]).
//!
//! Deliberately absent: filters and rules, sending, the LMTP dialogue itself ([`crate::smtp`]).

#[cfg(test)]
mod absent_tests;
mod fingerprint;
pub mod intake;
mod lmtp;

pub use lmtp::Door;
