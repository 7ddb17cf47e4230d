//! Certificates for mail (S/MIME, RFC 8550): reading one, what is trusted, and whether one is valid.
//!
//! Deliberately absent: messages that are signed or encrypted (devices do that), fetching anything
//! (revocation lists are files of the operator's), and mail names in the name constraints of an issuer:
//! a chain with such constraints is not judged valid.

pub mod certificate;
#[cfg(test)]
pub(crate) mod testing;
pub mod trust;
pub mod verdict;

pub use certificate::{Certificate, Unreadable};
pub use trust::{Anchors, Trust, TrustError};
pub use verdict::{Chain, Verdict, judge};
