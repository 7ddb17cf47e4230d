//! LMTP (RFC 2033) as a state machine over bytes.
//!
//! Deliberately absent: SMTP proper (a mail server stands before us), authentication, STARTTLS,
//! CHUNKING.

mod envelope;

pub use envelope::{Envelope, Verdict};
