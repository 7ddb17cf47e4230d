//! Appointments and contacts to hand over: as small as they may be, and with the mark in the title.

use jiff::Timestamp;

/// Milliseconds of an hour.
const HOUR_MS: i64 = 3_600_000;
/// Hours over which appointments are spread, from tomorrow on.
const HOURS: u32 = 400;

/// An appointment of an hour ([RFC 5545]), made at this Unix time.
pub(super) fn event(mark: &str, number: u32, now_ms: i64) -> String {
    let time = |ms: i64| {
        let time = Timestamp::from_millisecond(ms).unwrap_or_default();
        time.strftime("%Y%m%dT%H%M%SZ").to_string()
    };
    let start_ms = now_ms - now_ms.rem_euclid(HOUR_MS) + HOUR_MS * i64::from(24 + number % HOURS);
    let (stamp, start, end) = (time(now_ms), time(start_ms), time(start_ms + HOUR_MS));
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//roost-load//EN\r\nBEGIN:VEVENT\r\n\
         UID:{mark}@example.net\r\nDTSTAMP:{stamp}\r\nDTSTART:{start}\r\nDTEND:{end}\r\n\
         SUMMARY:{mark}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

/// A contact ([RFC 2426], which every server reads).
pub(super) fn contact(mark: &str) -> String {
    format!(
        "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{mark}@example.net\r\nN:{mark};Load;;;\r\n\
         FN:Load {mark}\r\nEMAIL;TYPE=INTERNET:load@example.org\r\nEND:VCARD\r\n"
    )
}
