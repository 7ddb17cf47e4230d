//! One `VEVENT` as an [`Event`], its series aside.

use super::super::body::{Body, BodyKind};
use super::super::event::Event;
use super::super::tz::DAY_MS;
use super::people::People;
use super::props::{Props, Stamp, duration_ms, param, text_of};
use super::zones::Place;
use super::{Reader, alarm};
use calcard::icalendar::{ICalendarComponent, ICalendarParameterName as Param};

/// When an event takes place, and where the clocks stand.
pub(super) struct Span {
    pub(super) start_ms: i64,
    pub(super) end_ms: i64,
    pub(super) all_day: bool,
    pub(super) place: Place,
}

/// Start and end. None if there is no start.
pub(super) fn span(reader: &Reader<'_>, component: &ICalendarComponent) -> Option<Span> {
    let start = component.stamp("DTSTART")?;
    let place = reader.zones.place(&start);
    let start_ms = reader.zones.instant(&start);
    let local = |wall_ms: i64| place.zone.to_utc(wall_ms);
    let length = component
        .first("DURATION")
        .and_then(|e| duration_ms(e.values.first()?));
    let mut end_ms = match (component.stamp("DTEND"), length) {
        (Some(end), _) => reader.zones.instant(&end),
        (None, Some(length)) if start.is_date => local(start.wall_ms.saturating_add(length)),
        (None, Some(length)) => start_ms.saturating_add(length),
        (None, None) => start_ms,
    };
    let all_day = start.is_date || is_whole_days(component, &start, &place, end_ms);
    if start.is_date {
        // At least a day, and whole ones, whatever the end says.
        let wall = place.zone.to_local(end_ms).max(start.wall_ms + DAY_MS);
        end_ms = local(wall.saturating_add(DAY_MS - 1).div_euclid(DAY_MS) * DAY_MS);
    }
    Some(Span {
        start_ms,
        end_ms: end_ms.max(start_ms),
        all_day,
        place,
    })
}

/// Outlook writes some whole days as midnight to midnight, and says so.
fn is_whole_days(
    component: &ICalendarComponent,
    start: &Stamp<'_>,
    place: &Place,
    end_ms: i64,
) -> bool {
    let said = component.text("X-MICROSOFT-CDO-ALLDAYEVENT");
    said.is_some_and(|v| v.eq_ignore_ascii_case("TRUE"))
        && start.wall_ms.rem_euclid(DAY_MS) == 0
        && place.zone.to_local(end_ms).rem_euclid(DAY_MS) == 0
}

/// Everything but the series. None if there is no start.
pub(super) fn event(reader: &Reader<'_>, component: &ICalendarComponent) -> Option<Event> {
    let span = span(reader, component)?;
    let people = People::of(component);
    let stamp = component
        .stamp("DTSTAMP")
        .or_else(|| component.stamp("LAST-MODIFIED"));
    let stamp_ms = stamp.map_or(reader.defaults.now_ms, |s| reader.zones.instant(&s));
    let reminder = alarm::first(reader, component);
    let mut event = Event {
        uid: component.text("UID").unwrap_or_default(),
        subject: line(component, "SUMMARY"),
        location: line(component, "LOCATION"),
        start_ms: span.start_ms,
        end_ms: span.end_ms,
        all_day: span.all_day,
        zone: span.place.id,
        zone_blob: span.place.blob,
        stamp_ms,
        busy: busy(component),
        sensitivity: sensitivity(component),
        reminder_min: reminder.map(|t| alarm::minutes(&t, span.start_ms, span.end_ms)),
        organizer_name: people.organizer_name,
        organizer_email: people.organizer_email,
        attendees: people.attendees,
        categories: component.categories(),
        response_requested: people.response_requested,
        disallow_new_time: says(component, "X-MICROSOFT-DISALLOW-COUNTER", "TRUE"),
        sequence: u32::try_from(component.number("SEQUENCE").unwrap_or(0)).unwrap_or(0),
        online_meeting_external: component.text("CONFERENCE").unwrap_or_default(),
        body: body(component),
        created_ms: reader.defaults.now_ms,
        ..Event::default()
    };
    (event.meeting_status, event.response) = standing(reader, component, &event);
    if event.uid.is_empty() {
        event.uid = made_up_uid(&event);
    }
    Some(event)
}

/// [MS-ASCAL] 2.2.2.27 and the reader's own answer ([MS-ASCAL] 2.2.2.38).
fn standing(reader: &Reader<'_>, component: &ICalendarComponent, event: &Event) -> (u8, u8) {
    if event.attendees.is_empty() && event.organizer_email.is_empty() {
        return (0, 0);
    }
    let mine = |email: &str| {
        let own = reader.defaults.addresses.iter();
        own.into_iter().any(|a| a.eq_ignore_ascii_case(email))
    };
    let cancelled = if is_cancelled(reader, component) {
        4
    } else {
        0
    };
    if mine(&event.organizer_email) {
        return (1 + cancelled, 1);
    }
    if event.attendees.is_empty() {
        // Somebody published it: nobody asks, so it is an appointment.
        return (0, 0);
    }
    let answer = event
        .attendees
        .iter()
        .find(|a| mine(&a.email))
        .map_or(0, |a| a.status);
    let response = if answer == 0 { 5 } else { answer };
    (3 + cancelled, response)
}

/// `STATUS:CANCELLED`, or a message that cancels.
pub(super) fn is_cancelled(reader: &Reader<'_>, component: &ICalendarComponent) -> bool {
    reader.method == "CANCEL" || says(component, "STATUS", "CANCELLED")
}

fn says(component: &ICalendarComponent, name: &str, value: &str) -> bool {
    component
        .text(name)
        .is_some_and(|v| v.trim().eq_ignore_ascii_case(value))
}

/// A text on one line.
pub(super) fn line(component: &ICalendarComponent, name: &str) -> String {
    let text = component.text(name).unwrap_or_default();
    if text.contains(['\n', '\r']) {
        return text.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    text.trim().to_owned()
}

/// 0 free, 1 tentative, 2 busy, 3 away, 4 elsewhere.
fn busy(component: &ICalendarComponent) -> u8 {
    let said = component
        .text("X-MICROSOFT-CDO-BUSYSTATUS")
        .or_else(|| component.text("X-MICROSOFT-CDO-INTENDEDSTATUS"))
        .unwrap_or_default();
    match said.to_ascii_uppercase().as_str() {
        "FREE" => 0,
        "TENTATIVE" => 1,
        "BUSY" => 2,
        "OOF" => 3,
        "WORKINGELSEWHERE" => 4,
        _ if says(component, "TRANSP", "TRANSPARENT") => 0,
        _ if says(component, "STATUS", "TENTATIVE") => 1,
        _ => 2,
    }
}

/// 0 normal, 1 personal, 2 private, 3 confidential.
pub(super) fn sensitivity(component: &ICalendarComponent) -> u8 {
    match component
        .text("CLASS")
        .unwrap_or_default()
        .to_ascii_uppercase()
        .as_str()
    {
        "X-PERSONAL" | "PERSONAL" => 1,
        "PRIVATE" => 2,
        "CONFIDENTIAL" => 3,
        _ => 0,
    }
}

/// The notes: the HTML of Outlook where there is some, else the description.
pub(super) fn body(component: &ICalendarComponent) -> Body {
    let html = component
        .all("X-ALT-DESC")
        .find(|e| param(e, &Param::Fmttype).is_some_and(|v| v.eq_ignore_ascii_case("text/html")));
    match html.map(text_of).filter(|text| !text.trim().is_empty()) {
        Some(text) => Body {
            kind: BodyKind::Html,
            text,
            blob: None,
        },
        None => Body {
            text: component.text("DESCRIPTION").unwrap_or_default(),
            ..Body::default()
        },
    }
}

/// An id for an event that came without one: the same each time the same event comes.
fn made_up_uid(event: &Event) -> String {
    // FNV-1a: it only has to differ between the events of one file.
    let mut hash: u64 = 0xCBF2_9CE4_8422_2325;
    for byte in event.subject.bytes().chain(event.location.bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
    }
    format!("{:x}-{:x}-{hash:016x}", event.start_ms, event.end_ms)
}
