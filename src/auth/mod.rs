//! Who is asking: log-in names, passwords, and a cache of what was checked.
//!
//! Every request of a phone carries its password, and one argon2 costs tens of milliseconds. So a
//! password that was right is remembered for some minutes, as a keyed digest that is worthless
//! outside this process; a changed password or a removed account ends that at once, because the
//! digest is bound to the stored hash.
//!
//! Before a password was right, known and unknown names get the same bytes after the same work.
//!
//! Deliberately absent: LDAP, bearer tokens and client certificates.

pub mod basic;
mod cache;
pub mod name;
pub mod password;
mod throttle;
mod verify;

pub use name::{LoginName, Naming};
pub use verify::{Authenticator, Denied, find};
