//! `MeetingRequest`: the invitation that a mail carries ([MS-ASEMAIL] 2.2.2.48). The schema wants
//! its children in this order.

use crate::eas::classes::calendar::{write_location, write_zone, zone_of};
use crate::eas::classes::value::{self, write_compact, write_dashed};
use crate::eas::classes::{Context, date, recurrence};
use crate::eas::version::Version;
use crate::pim::event::asks;
use crate::pim::event::{ArchivedEvent, ArchivedMeeting};
use crate::pim::itip::Standing;
use crate::pim::tz;
use crate::wbxml::Writer;
use crate::wbxml::tags::{calendar, email, email2, meetingresponse};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The first bytes of every global object id ([MS-ASEMAIL] 2.2.2.37).
const CLASS_ID: [u8; 16] = [
    0x04, 0x00, 0x00, 0x00, 0x82, 0x00, 0xE0, 0x00, 0x74, 0xC5, 0xB7, 0x10, 0x1A, 0x82, 0xE0, 0x08,
];
/// Where the date of an occurrence stands in it.
const INSTANCE_DATE: std::ops::Range<usize> = 16..20;
/// What comes before the UID of a meeting that Outlook did not make.
const VCAL: [u8; 12] = *b"vCal-Uid\x01\0\0\0";

/// Writes the element.
pub(super) fn write(w: &mut Writer, m: &ArchivedMeeting, ctx: &Context<'_>) {
    let e = &m.event;
    let recurrence_id = value::ms(&m.recurrence_id_ms);
    w.open(email::MEETING_REQUEST);
    w.flag(email::ALL_DAY_EVENT, e.all_day);
    w.text(email::START_TIME, &date::dashed(e.start_ms.to_native()));
    w.text(email::DT_STAMP, &date::dashed(e.stamp_ms.to_native()));
    w.text(email::END_TIME, &date::dashed(e.end_ms.to_native()));
    w.num(email::INSTANCE_TYPE, instance_type(e, recurrence_id));
    write_location(w, ctx.version, email::LOCATION, &e.location);
    w.text_if(email::ORGANIZER, &organizer(e));
    write_dashed(w, email::RECURRENCE_ID, recurrence_id);
    if let Some(minutes) = e.reminder_min.as_ref() {
        // Seconds here (2.2.2.63), and no more than 16 bits in the schema.
        let seconds = u16::try_from(minutes.to_native().saturating_mul(60)).unwrap_or(u16::MAX);
        w.num(email::REMINDER, seconds);
    }
    w.flag(email::RESPONSE_REQUESTED, e.response_requested);
    if let Some(rule) = e.recurrence.as_ref().map(recurrence::owned) {
        w.open(email::RECURRENCES);
        recurrence::write_of_mail(w, &rule, ctx.version);
        w.close();
    }
    w.num(email::SENSITIVITY, e.sensitivity.min(3));
    w.num(email::BUSY_STATUS, e.busy.min(4));
    let blob = tz::blob_for(&e.zone, &e.zone_blob, e.start_ms.to_native());
    write_zone(w, email::TIME_ZONE, &blob);
    let old = ctx.version < Version::V16_0;
    if old {
        w.text(email::GLOBAL_OBJ_ID, &global_object_id(e, recurrence_id));
    }
    if ctx.version >= Version::V14_0 {
        w.flag(email::DISALLOW_NEW_TIME_PROPOSAL, e.disallow_new_time);
    }
    if ctx.version >= Version::V14_1 {
        w.num(email2::MEETING_MESSAGE_TYPE, message_type(m));
    }
    if !old {
        w.text(calendar::UID, &e.uid);
    }
    if ctx.version >= Version::V16_1 {
        write_proposal(w, m);
    }
    w.close();
}

/// 0 single, 1 a whole series, 3 one occurrence that differs (2.2.2.39).
fn instance_type(e: &ArchivedEvent, recurrence_id: Option<i64>) -> u8 {
    match (recurrence_id, e.recurrence.is_some()) {
        (Some(_), _) => 3,
        (None, true) => 1,
        (None, false) => 0,
    }
}

/// The time that an attendee would rather have (16.1).
fn write_proposal(w: &mut Writer, m: &ArchivedMeeting) {
    let is_proposal = asks(&m.method) == "COUNTER" && m.event.recurrence.is_none();
    let Some(proposed) = m.event.exceptions.first().filter(|_| is_proposal) else {
        return;
    };
    let (start_ms, end_ms) = (value::ms(&proposed.start_ms), value::ms(&proposed.end_ms));
    write_compact(w, meetingresponse::PROPOSED_START_TIME, start_ms);
    write_compact(w, meetingresponse::PROPOSED_END_TIME, end_ms);
}

/// 1 the first request, 2 an update that asks for an answer, 3 one that does not, 4 one that a later
/// one has overtaken, 0 anything else (2.2.2.50).
fn message_type(m: &ArchivedMeeting) -> u8 {
    let standing = Standing::of(&m.method);
    match (asks(&m.method), standing, m.event.sequence.to_native()) {
        ("REQUEST", Some(Standing::First), _) | ("REQUEST", None, 0) => 1,
        ("REQUEST", Some(Standing::Update) | None, _) => 2,
        ("REQUEST", Some(Standing::News), _) => 3,
        ("REQUEST", Some(Standing::Outdated), _) => 4,
        _ => 0,
    }
}

fn organizer(e: &ArchivedEvent) -> String {
    match (e.organizer_name.as_str(), e.organizer_email.as_str()) {
        (name, "") => name.to_owned(),
        ("", address) => address.to_owned(),
        (name, address) => format!("\"{}\" <{address}>", name.replace('"', "'")),
    }
}

/// The UID as a global object id, in base64. One that Outlook made is such an id in hex already.
fn global_object_id(e: &ArchivedEvent, recurrence_id: Option<i64>) -> String {
    let mut id = outlook_id(&e.uid).unwrap_or_else(|| vcal_id(&e.uid));
    let date = recurrence_id.map_or([0; 4], |ms| {
        let wall = tz::civil(zone_of(e).to_local(ms));
        let [high, low] = wall.year().to_be_bytes();
        [
            high,
            low,
            wall.month().cast_unsigned(),
            wall.day().cast_unsigned(),
        ]
    });
    if let Some(place) = id.get_mut(INSTANCE_DATE) {
        place.copy_from_slice(&date);
    }
    STANDARD.encode(id)
}

fn outlook_id(uid: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = uid.as_bytes().as_chunks::<2>();
    if !rest.is_empty() || pairs.len() < 40 {
        return None;
    }
    let digit = |b: u8| {
        char::from(b)
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
    };
    let byte = |[high, low]: &[u8; 2]| Some(digit(*high)? << 4 | digit(*low)?);
    let id: Vec<u8> = pairs.iter().map(byte).collect::<Option<_>>()?;
    id.starts_with(&CLASS_ID).then_some(id)
}

fn vcal_id(uid: &str) -> Vec<u8> {
    let data_bytes = VCAL.len() + uid.len() + 1;
    let mut id = Vec::with_capacity(40 + data_bytes);
    id.extend_from_slice(&CLASS_ID);
    // Date of the occurrence, time of making, reserved.
    id.extend_from_slice(&[0; 4 + 8 + 8]);
    id.extend_from_slice(&u32::try_from(data_bytes).unwrap_or(u32::MAX).to_le_bytes());
    id.extend_from_slice(&VCAL);
    id.extend_from_slice(uid.as_bytes());
    id.push(0);
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_meetings() {
        let id = vcal_id("abc@x");
        assert_eq!(id.len(), 40 + 12 + 5 + 1);
        assert_eq!(id[36..40], 18u32.to_le_bytes());
        assert!(id.ends_with(b"vCal-Uid\x01\0\0\0abc@x\0"));
        let hex: String = id.iter().map(|b| format!("{b:02X}")).collect();
        assert_eq!(outlook_id(&hex), Some(id));
        for other in [
            "",
            "0400",
            "040000008200E00074C5B7101A82E008",
            &"zz".repeat(60),
        ] {
            assert_eq!(outlook_id(other), None);
        }
    }
}
