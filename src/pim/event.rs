//! An appointment or a series of them, and the meeting that a mail may carry.

use super::body::{BlobRef, Body};
use rkyv::{Archive, Deserialize, Serialize};

/// An appointment ([MS-ASCAL] 2.2.2).
#[derive(Archive, Serialize, Deserialize, Clone, PartialEq, Debug, Default)]
pub struct Event {
    /// `UID`: the same on all copies of a meeting.
    pub uid: String,
    /// Subject.
    pub subject: String,
    /// Location as shown, perhaps with its parts: see [`super::place`].
    pub location: String,
    /// Start, Unix milliseconds (UTC instant). All-day: midnight of `zone`.
    pub start_ms: i64,
    /// End, Unix milliseconds, exclusive.
    pub end_ms: i64,
    /// Lasts whole days in `zone`.
    pub all_day: bool,
    /// The time zone's IANA name where it is known, else empty.
    pub zone: String,
    /// The zone as the client sent it (172 bytes, [MS-ASDTYPE] 2.7.6), or empty: then it is made
    /// from `zone`.
    pub zone_blob: Vec<u8>,
    /// When the client or the organizer last stamped it, Unix milliseconds.
    pub stamp_ms: i64,
    /// 0 free, 1 tentative, 2 busy, 3 away, 4 elsewhere.
    pub busy: u8,
    /// 0 normal, 1 personal, 2 private, 3 confidential.
    pub sensitivity: u8,
    /// Minutes before the start; none: no reminder.
    pub reminder_min: Option<u32>,
    /// Display name of the organizer.
    pub organizer_name: String,
    /// Address of the organizer.
    pub organizer_email: String,
    /// [MS-ASCAL] 2.2.2.27: 0 appointment, 1 meeting (organizer), 3 received, 5, 7 cancelled, ...
    pub meeting_status: u8,
    /// Attendees.
    pub attendees: Vec<Attendee>,
    /// Categories.
    pub categories: Vec<String>,
    /// The series.
    pub recurrence: Option<Recurrence>,
    /// Changed and deleted occurrences, sorted by `original_ms`.
    pub exceptions: Vec<Exception>,
    /// The organizer wants answers.
    pub response_requested: bool,
    /// The organizer takes other times.
    pub disallow_new_time: bool,
    /// 0 none, 1 organizer, 2 tentative, 3 accepted, 4 declined, 5 not responded.
    pub response: u8,
    /// When the user answered, Unix milliseconds.
    pub appointment_reply_ms: Option<i64>,
    /// RFC 5545 `SEQUENCE`.
    pub sequence: u32,
    /// Links into an online meeting.
    pub online_meeting_conf: String,
    /// External link of an online meeting.
    pub online_meeting_external: String,
    /// The notes.
    pub body: Body,
    /// When it was created here, Unix milliseconds.
    pub created_ms: i64,
    /// Files that are attached to it. No part of its archive: they stand beside it (see
    /// [`super::record`]), where there are any.
    #[rkyv(with = rkyv::with::Skip)]
    pub files: Vec<EventFile>,
}

/// A file that is attached to an appointment (16.0+, [MS-ASAIRS] 2.2.2.8).
#[derive(Archive, Serialize, Deserialize, Clone, PartialEq, Eq, Debug, Default)]
pub struct EventFile {
    /// Names it within its appointment; never used again there.
    pub index: u32,
    /// File name.
    pub name: String,
    /// `Content-Type`, or empty.
    pub content_type: String,
    /// `Content-ID`, or empty.
    pub content_id: String,
    /// `Content-Location`, or empty.
    pub content_location: String,
    /// Shown within the HTML.
    pub inline: bool,
    /// An embedded message.
    pub embedded: bool,
    /// The bytes.
    pub blob: BlobRef,
}

/// An attendee.
#[derive(Archive, Serialize, Deserialize, Clone, PartialEq, Eq, Debug, Default)]
pub struct Attendee {
    /// Display name; the address where it has none.
    pub name: String,
    /// Address.
    pub email: String,
    /// 0 unknown, 2 tentative, 3 accepted, 4 declined, 5 not responded.
    pub status: u8,
    /// 1 required, 2 optional, 3 resource.
    pub kind: u8,
}

/// A rule of recurrence as the protocol can say it ([MS-ASCAL] 2.2.2.37).
#[derive(Archive, Serialize, Deserialize, Clone, PartialEq, Eq, Debug, Default)]
pub struct Recurrence {
    /// 0 daily, 1 weekly, 2 monthly, 3 monthly on the nth day, 5 yearly, 6 yearly on the nth day.
    pub kind: u8,
    /// Every so many; at least 1.
    pub interval: u16,
    /// Bit mask of weekdays, Sunday 1 to Saturday 64.
    pub day_of_week: Option<u8>,
    /// 1 to 31.
    pub day_of_month: Option<u8>,
    /// 1 to 5, 5 is the last.
    pub week_of_month: Option<u8>,
    /// 1 to 12.
    pub month_of_year: Option<u8>,
    /// Last possible start, Unix milliseconds. Never together with `occurrences`.
    pub until_ms: Option<i64>,
    /// Count of occurrences.
    pub occurrences: Option<u32>,
    /// 0 Sunday to 6 Saturday.
    pub first_day_of_week: Option<u8>,
    /// [MS-ASCAL] 2.2.2.9 (1 Gregorian; 0 default).
    pub calendar_type: u8,
    /// Leap months count.
    pub leap_month: bool,
}

/// One occurrence that differs from the series. What is none is as in the series.
#[derive(Archive, Serialize, Deserialize, Clone, PartialEq, Debug, Default)]
pub struct Exception {
    /// The start that the series gives it, Unix milliseconds (UTC instant).
    pub original_ms: i64,
    /// It does not take place.
    pub deleted: bool,
    /// Subject.
    pub subject: Option<String>,
    /// Location.
    pub location: Option<String>,
    /// Start, Unix milliseconds.
    pub start_ms: Option<i64>,
    /// End, Unix milliseconds.
    pub end_ms: Option<i64>,
    /// Whole days.
    pub all_day: Option<bool>,
    /// As in [`Event`].
    pub busy: Option<u8>,
    /// As in [`Event`].
    pub sensitivity: Option<u8>,
    /// `Some(None)`: the occurrence has no reminder though the series has one.
    pub reminder_min: Option<Option<u32>>,
    /// As in [`Event`].
    pub meeting_status: Option<u8>,
    /// As in [`Event`].
    pub attendees: Option<Vec<Attendee>>,
    /// As in [`Event`].
    pub categories: Option<Vec<String>>,
    /// As in [`Event`].
    pub body: Option<Body>,
    /// As in [`Event`].
    pub response: Option<u8>,
    /// As in [`Event`].
    pub appointment_reply_ms: Option<i64>,
    /// As in [`Event`].
    pub stamp_ms: Option<i64>,
}

/// The invitation, update, reply or cancellation that a mail carries (iTIP, RFC 5546).
#[derive(Archive, Serialize, Deserialize, Clone, PartialEq, Debug)]
pub struct Meeting {
    /// `REQUEST`, `REPLY`, `CANCEL`, `COUNTER`, ... In the record of a mail perhaps followed by a
    /// blank and the word of what it was to the calendar: [`super::itip::Standing`].
    pub method: String,
    /// The occurrence that it is about, Unix milliseconds; none: the whole series.
    pub recurrence_id_ms: Option<i64>,
    /// The appointment.
    pub event: Event,
}

impl Event {
    /// Of one occurrence that is here without its series: the start that the series gives it, Unix
    /// milliseconds. It stands in an exception that says nothing else.
    #[must_use]
    pub fn lone_ms(&self) -> Option<i64> {
        let lone = self
            .exceptions
            .first()
            .filter(|_| self.recurrence.is_none());
        lone.map(|x| x.original_ms)
    }
}

impl Meeting {
    /// What it asks for (RFC 5546 1.4).
    #[must_use]
    pub fn asks(&self) -> &str {
        asks(&self.method)
    }
}

/// The method alone, without the word behind it.
#[must_use]
pub fn asks(method: &str) -> &str {
    method.split(' ').next().unwrap_or_default()
}
