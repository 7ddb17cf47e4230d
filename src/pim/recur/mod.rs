//! Series of appointments: when they take place, and their rule as RFC 5545 text.
//!
//! Rules are those that the protocol can say ([`crate::pim::Recurrence`]); they step in the wall
//! time of the event's zone, so a daily nine o'clock stays nine o'clock across clock changes.
//! A day that a month does not have (31 April, 29 February) is left out, as RFC 5545 3.3.10 says.
//!
//! Deliberately absent: calendars other than the Gregorian (`calendar_type` is kept and handed
//! back, but stepped over as Gregorian), and rules that only RFC 5545 can say.

mod busy;
mod expand;
mod follow;
mod rrule;

pub use busy::{Busy, Slots};
pub use expand::{Occurrence, Starts, applied, last_end_ms, occurrences};
pub use follow::{extend, follow, is_moved};
pub use rrule::{from_rrule, to_rrule};

#[cfg(test)]
mod tests;
