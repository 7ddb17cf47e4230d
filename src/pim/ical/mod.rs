//! iCalendar (RFC 5545, RFC 5546): calendar files and invitations as records, and records as text.
//!
//! Reading is lenient: what can be understood is taken, the rest is named. A series that the
//! protocol cannot say ([MS-ASCAL] 2.2.2.37) becomes single appointments; so do extra dates
//! (`RDATE`).
//!
//! Deliberately absent: attachments (`ATTACH`), free-busy, the delivery of invitations, and
//! `RANGE=THISANDFUTURE` (the override counts for its one occurrence).

mod alarm;
mod apart;
mod event;
mod fit;
mod journal;
mod people;
mod props;
mod series;
mod todo;
mod write;
mod zones;

use super::decode::text_of;
use super::event::Meeting;
use super::{Event, Note, Task};
use crate::limits::{ICAL_BYTES_MAX, ICAL_COMPONENTS_MAX};
use calcard::icalendar::{ICalendar, ICalendarComponent, ICalendarComponentType as Kind};
use calcard::{Entry, Parser};
use props::Props;
use zones::Zones;

pub use write::{event_to_ics, meeting_to_ics, note_to_ics, task_to_ics};

/// What a calendar file leaves to its reader.
#[derive(Clone, Copy, Debug, Default)]
pub struct Defaults<'a> {
    /// IANA name of the reader's zone, for times without one and for whole days; "" is UTC.
    pub zone: &'a str,
    /// Now, Unix milliseconds: when the records are created, and around when a series is taken
    /// apart that the protocol cannot say.
    pub now_ms: i64,
    /// The reader's own addresses: an event that they organize is theirs, in another one their
    /// answer is looked for.
    pub addresses: &'a [&'a str],
}

/// A record out of a calendar file. Bodies are whole: what is longer than
/// [`crate::limits::BODY_INLINE_BYTES_MAX`] is for the caller to move into a blob.
#[derive(Clone, PartialEq, Debug)]
#[allow(clippy::large_enum_variant, reason = "events are nearly all of them")]
pub enum Found {
    /// `VEVENT`, with its overrides.
    Event(Event),
    /// `VTODO`.
    Task(Task),
    /// `VJOURNAL`.
    Note(Note),
}

/// A component that was not taken, or not as it stands.
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
    /// There is no calendar component in it.
    #[error("no calendar in it")]
    NotCalendar,
    /// More bytes than [`ICAL_BYTES_MAX`].
    #[error("a calendar of {0} bytes")]
    TooLarge(usize),
    /// More components than [`ICAL_COMPONENTS_MAX`].
    #[error("a calendar of {0} components")]
    TooMany(usize),
}

/// Reads a calendar file, whatever charset it is in, however damaged. Several calendars in one
/// file count as one.
///
/// # Errors
/// What [`Error`] lists. A single bad component is [`Skipped`], not an error.
pub fn parse(bytes: &[u8], defaults: &Defaults<'_>) -> Result<Calendar, Error> {
    let mut out = Calendar::default();
    for calendar in calendars(bytes)? {
        let reader = Reader::new(&calendar, defaults);
        if out.method.is_empty() {
            out.method.clone_from(&reader.method);
        }
        series::events(&reader, &mut out);
        for component in &calendar.components {
            match component.component_type {
                Kind::VTodo => out.found.push(Found::Task(todo::task(&reader, component))),
                Kind::VJournal => {
                    out.found
                        .push(Found::Note(journal::note(&reader, component)));
                }
                _ => {}
            }
        }
    }
    Ok(out)
}

/// The invitation, reply or cancellation in a calendar part of a mail: its first series or event.
/// None if there is no event in it. Without a `METHOD` it counts as `PUBLISH`. Long texts and
/// lists are cut (`MEETING_...` in [`crate::limits`]), so that the mail's record stays storable.
#[must_use]
pub fn meeting(bytes: &[u8], defaults: &Defaults<'_>) -> Option<Meeting> {
    invitation(bytes, defaults).map(|whole| brief(&whole))
}

/// What a mail's record keeps of a meeting.
#[must_use]
pub fn brief(whole: &Meeting) -> Meeting {
    let mut meeting = whole.clone();
    fit::fit(&mut meeting.event);
    meeting
}

/// The meeting in a mail that arrived at `received_ms` (Unix milliseconds), whole, as it concerns the
/// user who has these addresses. `method` is what the mail says, where the calendar does not.
#[must_use]
pub fn meeting_for(
    text: &str,
    method: &str,
    received_ms: i64,
    addresses: &[String],
) -> Option<Meeting> {
    let addresses: Vec<_> = addresses.iter().map(String::as_str).collect();
    let defaults = Defaults {
        zone: "",
        now_ms: received_ms,
        addresses: &addresses,
    };
    let mut meeting = invitation(text.as_bytes(), &defaults)?;
    method.clone_into(&mut meeting.method);
    Some(meeting)
}

/// The same, whole: what becomes an appointment when it is answered.
#[must_use]
pub fn invitation(bytes: &[u8], defaults: &Defaults<'_>) -> Option<Meeting> {
    let calendar = calendars(bytes).ok()?.into_iter().find(|c| {
        c.components
            .iter()
            .any(|c| c.component_type == Kind::VEvent)
    })?;
    let reader = Reader::new(&calendar, defaults);
    let (event, recurrence_id_ms) = series::meeting(&reader)?;
    let method = if reader.method.is_empty() {
        "PUBLISH".to_owned()
    } else {
        reader.method
    };
    Some(Meeting {
        method,
        recurrence_id_ms,
        event,
    })
}

/// The calendars of a file.
fn calendars(bytes: &[u8]) -> Result<Vec<ICalendar>, Error> {
    if bytes.len() > ICAL_BYTES_MAX {
        return Err(Error::TooLarge(bytes.len()));
    }
    let begins = bytes
        .windows(6)
        .filter(|w| w.eq_ignore_ascii_case(b"BEGIN:"))
        .count();
    if begins > ICAL_COMPONENTS_MAX {
        return Err(Error::TooMany(begins));
    }
    let text = text_of(bytes);
    let mut parser = Parser::new(&text);
    let mut found = Vec::new();
    loop {
        match parser.entry() {
            Entry::ICalendar(calendar) => found.push(calendar),
            Entry::Eof => break,
            // Lines outside of any component, and cards that somebody put between them.
            _ => {}
        }
    }
    if found.is_empty() {
        return Err(Error::NotCalendar);
    }
    Ok(found)
}

/// One calendar that is being read.
struct Reader<'a> {
    calendar: &'a ICalendar,
    defaults: &'a Defaults<'a>,
    zones: Zones,
    method: String,
}

impl<'a> Reader<'a> {
    fn new(calendar: &'a ICalendar, defaults: &'a Defaults<'a>) -> Self {
        // The first component is the calendar, or a bare VEVENT.
        let head = calendar.components.first();
        let method = head.and_then(|c| c.text("METHOD")).unwrap_or_default();
        Self {
            calendar,
            defaults,
            zones: Zones::of(calendar, defaults.zone),
            method: method.trim().to_ascii_uppercase(),
        }
    }

    /// The components within another one.
    fn children<'s>(
        &'s self,
        component: &'s ICalendarComponent,
    ) -> impl Iterator<Item = &'s ICalendarComponent> {
        let ids = component.component_ids.iter();
        ids.filter_map(|id| self.calendar.component_by_id(*id))
    }
}

#[cfg(test)]
mod exports_tests;
#[cfg(test)]
mod tests;
