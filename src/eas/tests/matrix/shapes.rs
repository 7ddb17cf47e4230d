//! Every tag of the pages of which items consist: what it is, where it stands, and what it may say.
//! A tag that is new in the table of tags and not named here is text of its class.

use crate::eas::version::Version;
use crate::pim::Class;
use crate::wbxml::Tag;
use crate::wbxml::tags::{airsyncbase, calendar, contacts, contacts2, notes, tasks};

/// What a tag is.
pub(super) enum Shape {
    /// A property with these values, within these elements, in the company of these others.
    Property {
        within: Vec<Tag>,
        values: Vec<String>,
        company: Vec<(Vec<Tag>, String)>,
    },
    /// It only holds others.
    Container,
    /// The server's to say: a client does not set it.
    Server(&'static str),
    /// No part of an item of this class.
    Absent(&'static str),
}

/// The classes that a client writes as a whole.
pub(super) const CLASSES: [Class; 4] =
    [Class::Contacts, Class::Calendar, Class::Tasks, Class::Notes];

/// The pages that a class is made of.
pub(super) fn pages(class: Class) -> Vec<u8> {
    const BASE: u8 = airsyncbase::BODY.page();
    match class {
        Class::Contacts => vec![contacts::FILE_AS.page(), contacts2::MMS.page(), BASE],
        Class::Calendar => vec![calendar::UID.page(), BASE],
        Class::Tasks => vec![tasks::SUBJECT.page(), BASE],
        _ => vec![notes::SUBJECT.page(), BASE],
    }
}

pub(super) fn strings(all: &[&str]) -> Vec<String> {
    all.iter().map(|s| (*s).to_owned()).collect()
}

fn numbers(range: impl IntoIterator<Item = u32>) -> Vec<String> {
    range.into_iter().map(|n| n.to_string()).collect()
}

pub(super) fn text() -> Vec<String> {
    strings(&["Ü 漢字 \"x\" 'y'; z, \\n"])
}

fn property(values: Vec<String>) -> Shape {
    within(&[], values, &[])
}

fn within(path: &[Tag], values: Vec<String>, company: &[(&[Tag], &str)]) -> Shape {
    Shape::Property {
        within: path.to_vec(),
        values,
        company: company
            .iter()
            .map(|(path, value)| (path.to_vec(), (*value).to_owned()))
            .collect(),
    }
}

/// What a tag of one of the class's pages is.
pub(super) fn shape(class: Class, tag: Tag) -> Shape {
    if tag.page() == airsyncbase::BODY.page() {
        return base(class, tag);
    }
    match class {
        Class::Contacts => contact(tag),
        Class::Calendar => appointment(tag),
        Class::Tasks => task(tag),
        _ => note(tag),
    }
}

fn base(class: Class, tag: Tag) -> Shape {
    use airsyncbase as b;
    let location = [b::LOCATION];
    let named: &[(&[Tag], &str)] = &[(&[b::LOCATION, b::DISPLAY_NAME], "Room")];
    match tag {
        b::BODY if class == Class::Calendar => Shape::Container,
        b::BODY => Shape::Container,
        b::DATA => within(
            &[b::BODY],
            strings(&["Ünï 漢字", "two\r\nlines"]),
            &[(&[b::BODY, b::TYPE], "1")],
        ),
        b::TYPE => Shape::Server("the form in which a body is sent"),
        b::ESTIMATED_DATA_SIZE | b::TRUNCATED | b::PREVIEW | b::NATIVE_BODY_TYPE => {
            Shape::Server("says something about the body")
        }
        b::BODY_PREFERENCE | b::TRUNCATION_SIZE | b::ALL_OR_NONE | b::BODY_PART_PREFERENCE => {
            Shape::Absent("options")
        }
        b::BODY_PART | b::STATUS => Shape::Absent("mail"),
        b::LOCATION if class == Class::Calendar => Shape::Container,
        b::DISPLAY_NAME if class == Class::Calendar => within(&location, text(), &[]),
        b::ANNOTATION
        | b::STREET
        | b::CITY
        | b::STATE
        | b::COUNTRY
        | b::POSTAL_CODE
        | b::LOCATION_URI
            if class == Class::Calendar =>
        {
            within(&location, text(), named)
        }
        b::LATITUDE | b::LONGITUDE | b::ACCURACY | b::ALTITUDE | b::ALTITUDE_ACCURACY
            if class == Class::Calendar =>
        {
            within(&location, strings(&["48.1371079", "-0.5"]), named)
        }
        b::INSTANCE_ID if class == Class::Calendar => exception(tag),
        _ => Shape::Absent("no attachments here, and no place"),
    }
}

fn contact(tag: Tag) -> Shape {
    use contacts as c;
    match tag {
        c::BIRTHDAY | c::ANNIVERSARY => property(strings(&[
            "1980-02-29T00:00:00.000Z",
            "1955-12-31T23:00:00.000Z",
        ])),
        c::CATEGORIES | c::CHILDREN => Shape::Container,
        c::CATEGORY => within(&[c::CATEGORIES], text(), &[]),
        c::CHILD => within(&[c::CHILDREN], text(), &[]),
        c::BODY => property(strings(&["Ünï 漢字", "two\r\nlines"])),
        c::BODY_SIZE | c::BODY_TRUNCATED => Shape::Server("says something about the body"),
        c::COMPRESSED_RTF => Shape::Absent("see the tests of bodies"),
        c::PICTURE => property(strings(&["AQID"])),
        c::WEIGHTED_RANK => property(strings(&["7"])),
        _ => property(text()),
    }
}

const WHEN: [(&[Tag], &str); 2] = [
    (&[calendar::START_TIME], "20261122T130000Z"),
    (&[calendar::END_TIME], "20261122T140000Z"),
];

fn appointment(tag: Tag) -> Shape {
    use calendar as c;
    let with = |path: &[Tag], values, more: &[(&[Tag], &str)]| {
        let company: Vec<_> = WHEN.iter().chain(more).copied().collect();
        within(path, values, &company)
    };
    let rule = |values, more: &[(&[Tag], &str)]| with(&[c::RECURRENCE], values, more);
    let kind = |n| -> (&[Tag], &str) { (&[c::RECURRENCE, c::TYPE], n) };
    match tag {
        c::TIMEZONE => with(&[], zones(), &[]),
        c::START_TIME => within(
            &[],
            strings(&["20261122T130000Z", "19991231T235900Z"]),
            &[(&[c::END_TIME], "20261123T140000Z")],
        ),
        c::END_TIME => within(
            &[],
            strings(&["20261122T130000Z", "20270101T000000Z"]),
            &[(&[c::START_TIME], "20261122T130000Z")],
        ),
        c::ALL_DAY_EVENT => within(
            &[],
            strings(&["0", "1"]),
            &[
                (&[c::START_TIME], "20261122T000000Z"),
                (&[c::END_TIME], "20261123T000000Z"),
            ],
        ),
        c::DT_STAMP => with(&[], strings(&["20261101T101112Z"]), &[]),
        c::BUSY_STATUS => with(&[], numbers(0..=4), &[]),
        c::SENSITIVITY => with(&[], numbers(0..=3), &[]),
        c::REMINDER => with(&[], strings(&["0", "15", "40320"]), &[]),
        c::MEETING_STATUS => with(
            &[],
            strings(&["0", "1", "3", "5", "7", "9", "11", "13", "15"]),
            &[],
        ),
        c::ATTENDEES
        | c::ATTENDEE
        | c::CATEGORIES
        | c::EXCEPTIONS
        | c::EXCEPTION
        | c::RECURRENCE => Shape::Container,
        c::EMAIL => with(
            &[c::ATTENDEES, c::ATTENDEE],
            strings(&["a@example.org"]),
            &[],
        ),
        c::NAME => attendee(text()),
        c::ATTENDEE_STATUS => attendee(strings(&["0", "2", "3", "4", "5"])),
        c::ATTENDEE_TYPE => attendee(numbers(1..=3)),
        c::CATEGORY => with(&[c::CATEGORIES], text(), &[]),
        c::BODY => with(&[], strings(&["Ünï 漢字", "two\r\nlines"]), &[]),
        c::BODY_TRUNCATED => Shape::Server("says something about the body"),
        c::COMPRESSED_RTF => Shape::Absent("see the tests of bodies"),
        c::TYPE => rule(strings(&["0", "1", "2", "3", "5", "6"]), &[]),
        c::INTERVAL => rule(strings(&["1", "7", "99"]), &[kind("0")]),
        c::UNTIL => rule(strings(&["20271122T130000Z"]), &[kind("0")]),
        c::OCCURRENCES => rule(strings(&["1", "999"]), &[kind("0")]),
        c::DAY_OF_WEEK => rule(strings(&["1", "62", "64", "127"]), &[kind("1")]),
        c::DAY_OF_MONTH => rule(strings(&["1", "31"]), &[kind("2")]),
        c::WEEK_OF_MONTH => rule(
            numbers(1..=5),
            &[kind("3"), (&[c::RECURRENCE, c::DAY_OF_WEEK], "2")],
        ),
        c::MONTH_OF_YEAR => rule(
            numbers(1..=12),
            &[kind("5"), (&[c::RECURRENCE, c::DAY_OF_MONTH], "3")],
        ),
        c::CALENDAR_TYPE => rule(strings(&["0", "1", "8", "23"]), &[kind("2")]),
        c::IS_LEAP_MONTH => rule(strings(&["1"]), &[kind("5")]),
        c::FIRST_DAY_OF_WEEK => rule(numbers(0..=6), &[kind("1")]),
        c::DELETED | c::EXCEPTION_START_TIME => exception(tag),
        c::RESPONSE_REQUESTED | c::DISALLOW_NEW_TIME_PROPOSAL => {
            with(&[], strings(&["0", "1"]), &[])
        }
        c::RESPONSE_TYPE | c::APPOINTMENT_REPLY_TIME => {
            Shape::Server("what the user answered is told by MeetingResponse")
        }
        c::CLIENT_UID => Shape::Absent("how 16.0 spells the UID of a new appointment"),
        _ => with(&[], text(), &[]),
    }
}

fn attendee(values: Vec<String>) -> Shape {
    let place = [calendar::ATTENDEES, calendar::ATTENDEE];
    let email = [place[0], place[1], calendar::EMAIL];
    let company: Vec<_> = WHEN
        .into_iter()
        .chain([(&email[..], "a@example.org")])
        .collect();
    within(&place, values, &company)
}

/// Blobs of zones that clients send.
fn zones() -> Vec<String> {
    use base64::Engine;
    let blob = |name| crate::pim::tz::blob_of(name, 2026).unwrap();
    let names = [
        "Europe/Berlin",
        "America/New_York",
        "Asia/Kolkata",
        "Pacific/Auckland",
    ];
    names
        .map(|name| base64::engine::general_purpose::STANDARD.encode(blob(name)))
        .to_vec()
}

/// The second occurrence of the series that exceptions belong to.
pub(super) const OCCURRENCE: &str = "20261129T130000Z";

/// A property of an occurrence.
pub(super) fn exception(tag: Tag) -> Shape {
    use calendar as c;
    let place = [c::EXCEPTIONS, c::EXCEPTION];
    let own = [place[0], place[1], c::EXCEPTION_START_TIME];
    let rule = [c::RECURRENCE, c::TYPE];
    let series: Vec<(&[Tag], &str)> = WHEN.into_iter().chain([(&rule[..], "1")]).collect();
    if tag == c::EXCEPTION_START_TIME {
        return within(&place, strings(&[OCCURRENCE]), &series);
    }
    if tag == airsyncbase::INSTANCE_ID {
        return Shape::Absent("how 16.0 spells ExceptionStartTime");
    }
    let (deeper, values): (&[Tag], Vec<String>) = match tag {
        c::DELETED => (&[], strings(&["1"])),
        c::START_TIME => (&[], strings(&["20261129T150000Z"])),
        c::END_TIME => (&[], strings(&["20261129T160000Z"])),
        c::CATEGORY => (&[c::CATEGORIES], text()),
        c::EMAIL => (&[c::ATTENDEES, c::ATTENDEE], strings(&["b@example.org"])),
        c::BUSY_STATUS => (&[], numbers(0..=3)),
        c::SENSITIVITY => (&[], numbers(0..=3)),
        c::REMINDER => (&[], strings(&["5"])),
        c::MEETING_STATUS => (&[], strings(&["1", "5"])),
        c::DT_STAMP => (&[], strings(&["20261101T101112Z"])),
        _ => (&[], text()),
    };
    let path: Vec<Tag> = place.iter().chain(deeper).copied().collect();
    let company: Vec<_> = series.into_iter().chain([(&own[..], OCCURRENCE)]).collect();
    within(&path, values, &company)
}

/// What an occurrence may have of its own.
pub(super) const OF_OCCURRENCES: [Tag; 13] = [
    calendar::DELETED,
    calendar::SUBJECT,
    calendar::LOCATION,
    calendar::START_TIME,
    calendar::END_TIME,
    calendar::BUSY_STATUS,
    calendar::SENSITIVITY,
    calendar::REMINDER,
    calendar::DT_STAMP,
    calendar::CATEGORY,
    calendar::MEETING_STATUS,
    calendar::EMAIL,
    calendar::BODY,
];

fn task(tag: Tag) -> Shape {
    use tasks as t;
    let times = || strings(&["2026-11-22T13:00:00.000Z", "1999-12-31T23:59:00.000Z"]);
    let start: (&[Tag], &str) = (&[t::RECURRENCE, t::START], "2026-11-22T00:00:00.000Z");
    let rule = |values, more: &[(&[Tag], &str)]| {
        let company: Vec<_> = [start].iter().chain(more).copied().collect();
        within(&[t::RECURRENCE], values, &company)
    };
    let kind = |n| -> (&[Tag], &str) { (&[t::RECURRENCE, t::TYPE], n) };
    match tag {
        t::CATEGORIES | t::RECURRENCE => Shape::Container,
        t::CATEGORY => within(&[t::CATEGORIES], text(), &[]),
        t::COMPLETE => property(strings(&["0", "1"])),
        t::DATE_COMPLETED => within(&[], times(), &[(&[t::COMPLETE], "1")]),
        t::DUE_DATE | t::UTC_DUE_DATE | t::START_DATE | t::UTC_START_DATE | t::ORDINAL_DATE => {
            property(times())
        }
        t::REMINDER_TIME => within(&[], times(), &[(&[t::REMINDER_SET], "1")]),
        t::REMINDER_SET => within(
            &[],
            strings(&["1"]),
            &[(&[t::REMINDER_TIME], "2026-11-22T13:00:00.000Z")],
        ),
        t::IMPORTANCE => property(numbers(0..=2)),
        t::SENSITIVITY => property(numbers(0..=3)),
        t::BODY => property(strings(&["Ünï 漢字", "two\r\nlines"])),
        t::BODY_SIZE | t::BODY_TRUNCATED => Shape::Server("says something about the body"),
        t::COMPRESSED_RTF => Shape::Absent("see the tests of bodies"),
        t::TYPE => rule(strings(&["0", "1", "2", "3", "5", "6"]), &[]),
        t::START => within(
            &[t::RECURRENCE],
            times(),
            &[(&[t::RECURRENCE, t::TYPE], "0")],
        ),
        t::UNTIL => rule(strings(&["2027-11-22T00:00:00.000Z"]), &[kind("0")]),
        t::OCCURRENCES => rule(strings(&["1", "99"]), &[kind("0")]),
        t::INTERVAL => rule(strings(&["1", "7", "99"]), &[kind("0")]),
        t::DAY_OF_WEEK => rule(strings(&["1", "62", "127"]), &[kind("1")]),
        t::DAY_OF_MONTH => rule(strings(&["1", "31"]), &[kind("2")]),
        t::WEEK_OF_MONTH => rule(
            numbers(1..=5),
            &[kind("3"), (&[t::RECURRENCE, t::DAY_OF_WEEK], "2")],
        ),
        t::MONTH_OF_YEAR => rule(
            numbers(1..=12),
            &[kind("5"), (&[t::RECURRENCE, t::DAY_OF_MONTH], "3")],
        ),
        t::REGENERATE | t::DEAD_OCCUR => rule(strings(&["0", "1"]), &[kind("0")]),
        t::CALENDAR_TYPE => rule(strings(&["0", "1", "8", "23"]), &[kind("2")]),
        t::IS_LEAP_MONTH => rule(strings(&["1"]), &[kind("5")]),
        t::FIRST_DAY_OF_WEEK => rule(numbers(0..=6), &[kind("1")]),
        _ => property(text()),
    }
}

fn note(tag: Tag) -> Shape {
    match tag {
        notes::CATEGORIES => Shape::Container,
        notes::CATEGORY => within(&[notes::CATEGORIES], text(), &[]),
        notes::MESSAGE_CLASS => property(strings(&["IPM.StickyNote"])),
        notes::LAST_MODIFIED_DATE => Shape::Server("when the server stored it"),
        _ => property(text()),
    }
}

/// The elements in which a version spells a property, from its oldest spelling; none: the version
/// cannot say it.
pub(super) fn spelt(path: &[Tag], version: Version) -> Option<Vec<Tag>> {
    let old_bodies = [contacts::BODY, calendar::BODY, tasks::BODY];
    let mut spelt = Vec::new();
    let in_exception = path.contains(&calendar::EXCEPTION);
    let of_meetings = [calendar::MEETING_STATUS, calendar::ATTENDEES];
    for tag in path {
        match *tag {
            t if old_bodies.contains(&t) && version > Version::V2_5 => {
                spelt.extend([airsyncbase::BODY, airsyncbase::DATA]);
            }
            calendar::LOCATION if version >= Version::V16_0 => {
                spelt.extend([airsyncbase::LOCATION, airsyncbase::DISPLAY_NAME]);
            }
            calendar::EXCEPTION_START_TIME if version >= Version::V16_0 => {
                spelt.push(airsyncbase::INSTANCE_ID);
            }
            t if in_exception && of_meetings.contains(&t) && version < Version::V14_0 => {
                return None;
            }
            t if !version.has(t) => return None,
            t => spelt.push(t),
        }
    }
    Some(spelt)
}
