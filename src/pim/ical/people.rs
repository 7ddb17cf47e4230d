//! Organizer and attendees (RFC 5545 3.8.4).

use super::super::event::Attendee;
use super::props::{Props, param};
use crate::limits::ATTENDEES_MAX;
use calcard::icalendar::{ICalendarComponent, ICalendarEntry, ICalendarParameterName as Param};

/// Who has to do with an event.
#[derive(Default)]
pub(super) struct People {
    pub(super) organizer_name: String,
    pub(super) organizer_email: String,
    /// Everybody but the organizer.
    pub(super) attendees: Vec<Attendee>,
    /// Somebody is asked to answer.
    pub(super) response_requested: bool,
}

impl People {
    pub(super) fn of(component: &ICalendarComponent) -> Self {
        let mut people = Self::default();
        if let Some(organizer) = component.first("ORGANIZER") {
            people.organizer_email = address(organizer);
            // Nobody can be written to, or be the organizer, by a name alone.
            let name = name(organizer).filter(|_| !people.organizer_email.is_empty());
            people.organizer_name = name.unwrap_or_default();
        }
        for entry in component.all("ATTENDEE").take(ATTENDEES_MAX) {
            let email = address(entry);
            let asked = param(entry, &Param::Rsvp).is_some_and(|v| v.eq_ignore_ascii_case("TRUE"));
            people.response_requested |= asked;
            if email.is_empty() || email.eq_ignore_ascii_case(&people.organizer_email) {
                continue;
            }
            people.attendees.push(Attendee {
                name: name(entry).unwrap_or_else(|| email.clone()),
                email,
                status: status(param(entry, &Param::Partstat)),
                kind: kind(entry),
            });
        }
        people
    }
}

/// The mail address: of a `mailto:`, else of the `EMAIL` parameter, else as it stands. Without backslashes: a
/// URI has none (RFC 3986 2), and who reads one in it as an escape reads another address.
fn address(entry: &ICalendarEntry) -> String {
    let value = entry.values.first().and_then(|v| v.as_text());
    let plain = |uri: &str| uri.replace('\\', "").trim().to_owned();
    let value = plain(value.unwrap_or_default());
    match value.split_once(':') {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("mailto") => rest.trim().to_owned(),
        _ => param(entry, &Param::Email).map_or(value, plain),
    }
}

fn name(entry: &ICalendarEntry) -> Option<String> {
    let name = param(entry, &Param::Cn)?.trim().trim_matches('"');
    (!name.is_empty()).then(|| name.to_owned())
}

/// [MS-ASCAL] 2.2.2.4: 2 tentative, 3 accepted, 4 declined, 5 not responded, 0 unknown.
fn status(partstat: Option<&str>) -> u8 {
    match partstat.unwrap_or_default().to_ascii_uppercase().as_str() {
        "TENTATIVE" => 2,
        "ACCEPTED" => 3,
        "DECLINED" => 4,
        "NEEDS-ACTION" => 5,
        _ => 0,
    }
}

/// [MS-ASCAL] 2.2.2.5: 1 required, 2 optional, 3 resource.
fn kind(entry: &ICalendarEntry) -> u8 {
    let is = |name: &Param, values: &[&str]| {
        param(entry, name).is_some_and(|v| values.iter().any(|w| v.eq_ignore_ascii_case(w)))
    };
    if is(&Param::Cutype, &["RESOURCE", "ROOM"]) {
        3
    } else if is(&Param::Role, &["OPT-PARTICIPANT", "NON-PARTICIPANT"]) {
        2
    } else {
        1
    }
}
