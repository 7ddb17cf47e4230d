//! `VJOURNAL` as a [`Note`].

use super::super::note::Note;
use super::Reader;
use super::event::{body, line};
use super::props::Props;
use calcard::icalendar::ICalendarComponent;

/// Reads a note.
pub(super) fn note(reader: &Reader<'_>, component: &ICalendarComponent) -> Note {
    let modified = ["LAST-MODIFIED", "DTSTAMP", "DTSTART"];
    let modified = modified.iter().find_map(|name| component.stamp(name));
    Note {
        subject: line(component, "SUMMARY"),
        message_class: "IPM.StickyNote".to_owned(),
        modified_ms: modified.map_or(reader.defaults.now_ms, |s| reader.zones.instant(&s)),
        categories: component.categories(),
        body: body(component),
        created_ms: reader.defaults.now_ms,
    }
}
