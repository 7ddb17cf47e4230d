//! Records as iCalendar text.

mod event;
mod todo;
mod zone;

pub use event::{event_to_ics, meeting_to_ics};
pub use todo::{note_to_ics, task_to_ics};

use super::super::body::{Body, BodyKind};
use super::super::lines::{Lines, escaped};
use super::super::tz::civil;
use super::super::{html, rtf};

/// Opens a calendar.
fn begin(method: &str) -> Lines {
    let mut out = Lines::default();
    out.raw("BEGIN", "VCALENDAR");
    out.raw("PRODID", "-//Roost//Roost//EN");
    out.raw("VERSION", "2.0");
    if !method.is_empty() {
        out.raw("METHOD", &method.to_ascii_uppercase());
    }
    out
}

fn end(mut out: Lines) -> String {
    out.raw("END", "VCALENDAR");
    out.finish()
}

/// `20261231T235900`.
fn time(wall_ms: i64) -> String {
    civil(wall_ms).strftime("%Y%m%dT%H%M%S").to_string()
}

/// `20261231T235900Z`.
fn utc(ms: i64) -> String {
    format!("{}Z", time(ms))
}

/// `20261231`.
fn date(wall_ms: i64) -> String {
    civil(wall_ms).strftime("%Y%m%d").to_string()
}

fn categories(out: &mut Lines, names: &[String]) {
    if !names.is_empty() {
        let names: Vec<String> = names.iter().map(|c| escaped(c)).collect();
        out.raw("CATEGORIES", &names.join(","));
    }
}

/// The notes, as text for everybody and as HTML for those who know.
fn body(out: &mut Lines, body: &Body) {
    match body.kind {
        BodyKind::Text => out.text("DESCRIPTION", &body.text),
        BodyKind::Html => {
            out.text("DESCRIPTION", &html::to_text(&body.text));
            out.text("X-ALT-DESC;FMTTYPE=text/html", &body.text);
        }
        BodyKind::Rtf => out.text("DESCRIPTION", &rtf::to_text(&body.text)),
        BodyKind::Mime => {}
    }
}

fn class(out: &mut Lines, sensitivity: u8) {
    match sensitivity {
        1 => out.raw("CLASS", "X-PERSONAL"),
        2 => out.raw("CLASS", "PRIVATE"),
        3 => out.raw("CLASS", "CONFIDENTIAL"),
        _ => {}
    }
}

/// An alarm with this trigger, such as `TRIGGER` and `-PT15M`.
fn alarm(out: &mut Lines, name: &str, value: &str) {
    out.raw("BEGIN", "VALARM");
    out.raw("ACTION", "DISPLAY");
    out.raw("DESCRIPTION", "Reminder");
    out.raw(name, value);
    out.raw("END", "VALARM");
}
