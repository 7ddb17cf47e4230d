//! iCalendar (RFC 5545, RFC 5546): calendar files and invitations as records, and records as text.

use super::event::Meeting;
use super::{Event, Note, Task};

/// What a calendar file leaves to its reader.
#[derive(Clone, Copy, Debug, Default)]
pub struct Defaults<'a> {
    /// IANA name of the reader's zone, for times without one and for whole days; "" is UTC.
    pub zone: &'a str,
    /// Now, Unix milliseconds: when the records are created, and around when a series is taken
    /// apart that the protocol cannot say.
    pub now_ms: i64,
}

/// A record out of a calendar file.
#[derive(Clone, PartialEq, Debug)]
pub enum Found {
    /// `VEVENT`, with its overrides.
    Event(Event),
    /// `VTODO`.
    Task(Task),
    /// `VJOURNAL`.
    Note(Note),
}

/// A component that was not taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Skipped {
    /// Its `UID`, or its kind where it has none.
    pub what: String,
    /// Why.
    pub why: &'static str,
}

/// What a calendar file holds.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Calendar {
    /// `METHOD` in capitals, or "".
    pub method: String,
    /// The records.
    pub found: Vec<Found>,
    /// What could not be taken.
    pub skipped: Vec<Skipped>,
}

/// Bytes that are no calendar.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Error {
    /// There is no `BEGIN:VCALENDAR` (or component) in it.
    #[error("no calendar in it")]
    NotCalendar,
    /// More bytes than [`crate::limits::ICAL_BYTES_MAX`].
    #[error("a calendar of {0} bytes")]
    TooLarge(usize),
}

/// Reads a calendar file, whatever charset it is in, however damaged.
///
/// # Errors
/// What [`Error`] lists. A single bad component is [`Skipped`], not an error.
pub fn parse(bytes: &[u8], defaults: &Defaults<'_>) -> Result<Calendar, Error> {
    let _ = (bytes, defaults);
    Err(Error::NotCalendar)
}

/// The invitation, reply or cancellation in a calendar part of a mail: its first event, with the
/// method. None if there is no event or no method.
#[must_use]
pub fn meeting(bytes: &[u8], defaults: &Defaults<'_>) -> Option<Meeting> {
    let _ = (bytes, defaults);
    None
}

/// An event as a calendar file. `method` is "" for a file, `PUBLISH`, `REQUEST`, ... for a mail.
#[must_use]
pub fn event_to_ics(event: &Event, method: &str) -> String {
    let _ = (event, method);
    String::new()
}

/// A meeting message about a whole series or about one occurrence of it (`RECURRENCE-ID`).
#[must_use]
pub fn meeting_to_ics(meeting: &Meeting) -> String {
    event_to_ics(&meeting.event, &meeting.method)
}

/// A task as a calendar file.
#[must_use]
pub fn task_to_ics(task: &Task) -> String {
    let _ = task;
    String::new()
}

/// A note as a calendar file (`VJOURNAL`).
#[must_use]
pub fn note_to_ics(note: &Note) -> String {
    let _ = note;
    String::new()
}
