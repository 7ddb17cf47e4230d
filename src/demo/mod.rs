//! The made-up content of `roost demo`: two users, their contacts, appointments, tasks and notes.
//!
//! Everything follows from a seed and the time passed in: the same call gives the same records.
//! Names, companies and texts are invented; addresses lie in domains reserved for examples
//! (RFC 2606).
//!
//! Deliberately absent: the store (the caller puts the records there), and the clock.

pub mod calendar;
pub mod contacts;
pub mod dice;
pub mod mail;
mod png;
pub mod todo;
pub mod words;

pub use calendar::events;
pub use contacts::contacts;
pub use mail::{DemoMail, mails};
pub use png::portrait;
pub use todo::{notes, tasks};

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// A record for one of the demo users.
#[derive(Clone, Debug, PartialEq)]
pub struct Owned<T> {
    /// Address of the user.
    pub user: String,
    /// The record.
    pub item: T,
}

#[cfg(test)]
mod tests;
