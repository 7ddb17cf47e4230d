//! Appointments ([MS-ASCAL]): how they are written. Times are compact.
//!
//! Whole days: up to 14.1 the start is the instant of local midnight, beside the time zone; from
//! 16.0 on it is the date itself written as midnight UTC, and no zone is needed (2.2.2.1).
//!
//! Absent: files of single occurrences, proposed times.

pub(in crate::eas::classes) mod decode;
mod exception;
mod files;
mod people;

pub use decode::{delete_occurrence, instance_start};

use super::body::{self, OldTags};
use super::value::{write_compact, write_known, write_strings};
use super::{Context, date, recurrence, value};
use crate::eas::version::Version;
use crate::pim::event::ArchivedEvent;
use crate::pim::place;
use crate::pim::record::EventRef;
use crate::pim::tz::{self, BLOB_BYTES, DAY_MS, Zone};
use crate::wbxml::tags::{airsyncbase, calendar};
use crate::wbxml::{Tag, Writer};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Characters of a UID (2.2.2.46).
const UID_MAX: usize = 300;

const OLD_BODY: OldTags = OldTags {
    body: calendar::BODY,
    size: None,
    truncated: calendar::BODY_TRUNCATED,
    rtf: Some(calendar::COMPRESSED_RTF),
};

/// Writes the properties of an appointment.
pub(super) fn encode(w: &mut Writer, appointment: EventRef<'_>, ctx: &Context<'_>) {
    let e = appointment.event();
    let times = Times::of(e, ctx.version);
    if !(e.all_day && times.dates.is_some()) {
        let blob = tz::blob_for(&e.zone, &e.zone_blob, e.start_ms.to_native());
        write_zone(w, calendar::TIMEZONE, &blob);
    }
    w.flag(calendar::ALL_DAY_EVENT, e.all_day);
    w.text(
        calendar::START_TIME,
        &times.write(e.start_ms.to_native(), e.all_day),
    );
    w.text(
        calendar::END_TIME,
        &times.write(e.end_ms.to_native(), e.all_day),
    );
    w.text(calendar::DT_STAMP, &date::compact(e.stamp_ms.to_native()));
    w.text(calendar::SUBJECT, &e.subject);
    w.text_if(calendar::UID, crate::pim::mail::cut(&e.uid, UID_MAX));
    w.text_if(calendar::ORGANIZER_NAME, &e.organizer_name);
    w.text_if(calendar::ORGANIZER_EMAIL, &e.organizer_email);
    write_location(w, ctx.version, calendar::LOCATION, &e.location);
    w.num(calendar::BUSY_STATUS, busy(e.busy));
    w.num(calendar::SENSITIVITY, e.sensitivity.min(3));
    if let Some(minutes) = e.reminder_min.as_ref() {
        w.num(calendar::REMINDER, minutes.to_native());
    }
    w.num(calendar::MEETING_STATUS, meeting_status(e.meeting_status));
    people::write(w, &e.attendees, ctx.version);
    write_strings(w, calendar::CATEGORIES, calendar::CATEGORY, &e.categories);
    if let Some(rule) = e.recurrence.as_ref().map(recurrence::owned) {
        w.open(recurrence::CALENDAR.container);
        let until = rule.until_ms.map(|ms| times.write(ms, e.all_day));
        recurrence::write(
            w,
            &recurrence::CALENDAR,
            &rule,
            ctx.version,
            until.as_deref(),
        );
        w.close();
        exception::write_all(w, e, &times, ctx);
    }
    if ctx.version >= Version::V14_0 {
        w.flag(calendar::RESPONSE_REQUESTED, e.response_requested);
        w.num(
            calendar::RESPONSE_TYPE,
            response(e.response, e.meeting_status),
        );
        w.flag(calendar::DISALLOW_NEW_TIME_PROPOSAL, e.disallow_new_time);
        write_compact(
            w,
            calendar::APPOINTMENT_REPLY_TIME,
            value::ms(&e.appointment_reply_ms),
        );
    }
    write_known(
        w,
        ctx,
        calendar::ONLINE_MEETING_CONF_LINK,
        &e.online_meeting_conf,
    );
    write_known(
        w,
        ctx,
        calendar::ONLINE_MEETING_EXTERNAL_LINK,
        &e.online_meeting_external,
    );
    body::write(w, ctx, &e.body, Some(OLD_BODY));
    if ctx.version >= Version::V16_0 {
        files::write(w, appointment.files(), ctx.item);
    }
}

/// The parts of a location (16.0+, [MS-ASAIRS] 2.2.2.27) in the order of [`place::parts`], and whether
/// each is a number.
const PLACE: [(Tag, bool); place::PARTS] = [
    (airsyncbase::DISPLAY_NAME, false),
    (airsyncbase::ANNOTATION, false),
    (airsyncbase::STREET, false),
    (airsyncbase::CITY, false),
    (airsyncbase::STATE, false),
    (airsyncbase::COUNTRY, false),
    (airsyncbase::POSTAL_CODE, false),
    (airsyncbase::LATITUDE, true),
    (airsyncbase::LONGITUDE, true),
    (airsyncbase::ACCURACY, true),
    (airsyncbase::ALTITUDE, true),
    (airsyncbase::ALTITUDE_ACCURACY, true),
    (airsyncbase::LOCATION_URI, false),
];

/// `Location`, as text up to 14.1, as AirSyncBase `Location` with its parts from 16.0 on.
pub(super) fn write_location(w: &mut Writer, version: Version, old: Tag, location: &str) {
    if location.is_empty() {
        return;
    }
    if version < Version::V16_0 {
        return w.text(old, place::name(location));
    }
    w.open(airsyncbase::LOCATION);
    for ((tag, is_number), part) in PLACE.into_iter().zip(place::parts(location)) {
        if !is_number || is_a_number(part) {
            w.text_if(tag, part);
        }
    }
    w.close();
}

fn is_a_number(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(f64::is_finite)
}

/// A time zone in base64, without a detour over the heap.
pub(super) fn write_zone(w: &mut Writer, tag: Tag, blob: &[u8; BLOB_BYTES]) {
    let mut text = [0u8; BLOB_BYTES.div_ceil(3) * 4];
    let n = STANDARD.encode_slice(blob, &mut text).unwrap_or(0);
    let text = text.get(..n).unwrap_or_default();
    w.text(tag, std::str::from_utf8(text).unwrap_or_default());
}

/// The zone that an appointment is in.
pub(super) fn zone_of(e: &ArchivedEvent) -> Zone {
    Zone::of(&e.zone, &e.zone_blob)
}

/// How the times of one appointment are written.
pub(super) struct Times {
    /// The zone, where whole days are written as dates.
    dates: Option<Zone>,
}

impl Times {
    fn of(e: &ArchivedEvent, version: Version) -> Self {
        let any = || {
            e.all_day
                || e.exceptions
                    .iter()
                    .any(|x| x.all_day.as_ref() == Some(&true))
        };
        Self {
            dates: (version >= Version::V16_0 && any()).then(|| zone_of(e)),
        }
    }

    fn write(&self, ms: i64, all_day: bool) -> date::Stamp<2> {
        match &self.dates {
            Some(zone) if all_day => date::compact(floor_day(zone.to_local(ms))),
            _ => date::compact(ms),
        }
    }
}

/// Midnight before.
fn floor_day(wall_ms: i64) -> i64 {
    wall_ms - wall_ms.rem_euclid(DAY_MS)
}

/// The schema ends at 3; "working elsewhere" is shown as busy.
fn busy(status: u8) -> u8 {
    if status > 3 { 2 } else { status }
}

/// The statuses that there are: none, or odd ones up to 15.
fn meeting_status(status: u8) -> u8 {
    match status & 0x0F {
        0 => 0,
        n => n | 1,
    }
}

/// What the user answered: as known, else what the status says: 1 the user organizes, 5 has yet to
/// answer (2.2.2.41).
fn response(known: u8, meeting_status: u8) -> u8 {
    match (known, meeting_status & 0x03) {
        (0, 1) => 1,
        (0, 3) => 5,
        (n, _) => n.min(5),
    }
}
