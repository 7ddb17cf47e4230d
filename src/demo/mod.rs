//! The made-up content of `roost demo`: two users, their contacts, appointments, tasks and notes.
//!
//! Everything follows from a seed and the time passed in: the same call gives the same records.
//! Names, companies and texts are invented; addresses lie in domains reserved for examples
//! (RFC 2606).
//!
//! Deliberately absent: the store (the caller puts the records there), and the clock.

pub mod dice;
pub mod mail;
pub mod words;

pub use mail::{DemoMail, mails};
