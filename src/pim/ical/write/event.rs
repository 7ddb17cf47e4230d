//! Events and meeting messages.

use super::super::super::event::{Attendee, Event, Meeting};
use super::super::super::lines::{Lines, parameter};
use super::super::super::place;
use super::super::super::recur::{applied, to_rrule};
use super::zone::Written;
use super::{alarm, begin, body, categories, class, date, end, utc};

/// An event as a calendar. `method` is "" for a file, or what a message is: `REQUEST`, `REPLY`,
/// `CANCEL`, ... (RFC 5546 1.4).
#[must_use]
pub fn event_to_ics(event: &Event, method: &str) -> String {
    let zone = Written::of(&event.zone, &event.zone_blob, event.start_ms);
    let mut out = begin(method);
    if !event.all_day || event.recurrence.is_some() {
        zone.define(&mut out);
    }
    component(&mut out, event, &zone, None);
    if event.recurrence.is_some() {
        for exception in event.exceptions.iter().filter(|x| !x.deleted) {
            let own = applied(event, exception);
            component(
                &mut out,
                &own,
                &zone,
                Some((exception.original_ms, event.all_day)),
            );
        }
    }
    end(out)
}

/// A meeting message about a whole series, or about one occurrence of it (`RECURRENCE-ID`).
#[must_use]
pub fn meeting_to_ics(meeting: &Meeting) -> String {
    let Some(original_ms) = meeting.recurrence_id_ms else {
        return event_to_ics(&meeting.event, &meeting.method);
    };
    let event = &meeting.event;
    let zone = Written::of(&event.zone, &event.zone_blob, event.start_ms);
    let mut out = begin(&meeting.method);
    zone.define(&mut out);
    component(&mut out, event, &zone, Some((original_ms, event.all_day)));
    end(out)
}

/// One `VEVENT`; `id` is the start that the series gives it, and whether that is a day.
fn component(out: &mut Lines, event: &Event, zone: &Written, id: Option<(i64, bool)>) {
    out.raw("BEGIN", "VEVENT");
    out.text("UID", &event.uid);
    out.raw("DTSTAMP", &utc(event.stamp_ms));
    if let Some((original_ms, is_day)) = id {
        stamp(out, zone, "RECURRENCE-ID", original_ms, is_day);
    }
    stamp(out, zone, "DTSTART", event.start_ms, event.all_day);
    stamp(out, zone, "DTEND", event.end_ms, event.all_day);
    if id.is_none() {
        series(out, event, zone);
    }
    out.text("SUMMARY", &event.subject);
    out.text("LOCATION", place::name(&event.location));
    body(out, &event.body);
    categories(out, &event.categories);
    class(out, event.sensitivity);
    standing(out, event);
    people(out, event);
    out.text("CONFERENCE;VALUE=URI", &event.online_meeting_external);
    if let Some(minutes) = event.reminder_min {
        alarm(out, "TRIGGER", &format!("-PT{minutes}M"));
    }
    out.raw("END", "VEVENT");
}

fn stamp(out: &mut Lines, zone: &Written, name: &str, ms: i64, is_day: bool) {
    if is_day {
        out.raw(&format!("{name};VALUE=DATE"), &date(zone.zone.to_local(ms)));
    } else {
        zone.stamp(out, name, ms);
    }
}

/// `RRULE` and `EXDATE`.
fn series(out: &mut Lines, event: &Event, zone: &Written) {
    let Some(rule) = &event.recurrence else {
        return;
    };
    let Some(text) = to_rrule(rule, event.all_day, &zone.zone) else {
        return;
    };
    out.raw("RRULE", &text);
    for exception in event.exceptions.iter().filter(|x| x.deleted) {
        stamp(out, zone, "EXDATE", exception.original_ms, event.all_day);
    }
}

/// How much of the time it takes, and whether it stands.
fn standing(out: &mut Lines, event: &Event) {
    if event.sequence > 0 {
        out.raw("SEQUENCE", &event.sequence.to_string());
    }
    let (transparency, busy) = match event.busy {
        0 => ("TRANSPARENT", "FREE"),
        1 => ("OPAQUE", "TENTATIVE"),
        3 => ("OPAQUE", "OOF"),
        4 => ("OPAQUE", "WORKINGELSEWHERE"),
        _ => ("OPAQUE", "BUSY"),
    };
    out.raw("TRANSP", transparency);
    out.raw("X-MICROSOFT-CDO-BUSYSTATUS", busy);
    if event.meeting_status & 4 != 0 {
        out.raw("STATUS", "CANCELLED");
    } else if event.meeting_status & 1 != 0 {
        out.raw("STATUS", "CONFIRMED");
    }
    if event.disallow_new_time {
        out.raw("X-MICROSOFT-DISALLOW-COUNTER", "TRUE");
    }
}

fn people(out: &mut Lines, event: &Event) {
    if !event.organizer_email.is_empty() {
        let mut name = "ORGANIZER".to_owned();
        if !event.organizer_name.is_empty() {
            name.push_str(";CN=");
            name.push_str(&parameter(&event.organizer_name));
        }
        out.raw(&name, &format!("mailto:{}", event.organizer_email));
    }
    for attendee in &event.attendees {
        let name = attendee_name(attendee, event.response_requested);
        out.raw(&name, &format!("mailto:{}", attendee.email));
    }
}

fn attendee_name(attendee: &Attendee, asked: bool) -> String {
    let mut name = "ATTENDEE".to_owned();
    name.push_str(match attendee.kind {
        2 => ";ROLE=OPT-PARTICIPANT",
        3 => ";CUTYPE=RESOURCE;ROLE=NON-PARTICIPANT",
        _ => ";ROLE=REQ-PARTICIPANT",
    });
    name.push_str(match attendee.status {
        2 => ";PARTSTAT=TENTATIVE",
        3 => ";PARTSTAT=ACCEPTED",
        4 => ";PARTSTAT=DECLINED",
        5 => ";PARTSTAT=NEEDS-ACTION",
        _ => "",
    });
    if asked {
        name.push_str(";RSVP=TRUE");
    }
    if !attendee.name.is_empty() && attendee.name != attendee.email {
        name.push_str(";CN=");
        name.push_str(&parameter(&attendee.name));
    }
    name
}
