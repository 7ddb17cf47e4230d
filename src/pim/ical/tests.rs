//! What calendar text becomes, and what becomes of it.

use super::*;
use crate::pim::body::{Body, BodyKind};
use crate::pim::event::{Attendee, Exception};
use crate::pim::recur::{from_rrule, occurrences};
use crate::pim::task::TaskRecurrence;
use crate::pim::tz::{DAY_MS, Tzi, Zone, wall_of};
use jiff::civil::date;
use proptest::prelude::*;

const HOUR_MS: i64 = 3_600_000;

fn at(y: i16, m: i8, d: i8, h: i8, min: i8) -> i64 {
    wall_of(date(y, m, d).at(h, min, 0, 0))
}

fn defaults() -> Defaults<'static> {
    Defaults {
        zone: "Europe/Berlin",
        now_ms: at(2026, 11, 1, 12, 0),
        addresses: &["alice@example.org"],
    }
}

fn read(lines: &str) -> Calendar {
    let text = format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{lines}\r\nEND:VCALENDAR\r\n");
    parse(text.replace('\n', "\r\n").as_bytes(), &defaults()).unwrap()
}

fn events(lines: &str) -> Vec<Event> {
    let found = read(lines).found.into_iter();
    found
        .filter_map(|f| match f {
            Found::Event(e) => Some(e),
            _ => None,
        })
        .collect()
}

/// The only event of a calendar with these lines in its `VEVENT`.
fn event(lines: &str) -> Event {
    let mut all = events(&format!(
        "BEGIN:VEVENT\nUID:u1\nDTSTAMP:20260101T000000Z\n{lines}\nEND:VEVENT"
    ));
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[test]
fn an_appointment_has_its_texts_and_times() {
    let e = event(
        "SUMMARY:Lunch\\, at last\nLOCATION:Café Kanal\nDESCRIPTION:One\\nTwo\n\
         DTSTART;TZID=Europe/Berlin:20260105T123000\nDTEND;TZID=Europe/Berlin:20260105T133000\n\
         CATEGORIES:Friends,Food\nCATEGORIES:Friends\nCLASS:PRIVATE\nSEQUENCE:3\nTRANSP:TRANSPARENT\n\
         BEGIN:VALARM\nACTION:DISPLAY\nTRIGGER:-PT15M\nEND:VALARM",
    );
    assert_eq!(
        (e.subject.as_str(), e.location.as_str()),
        ("Lunch, at last", "Café Kanal")
    );
    assert_eq!(e.body.text, "One\nTwo");
    assert_eq!(
        (e.start_ms, e.end_ms),
        (at(2026, 1, 5, 11, 30), at(2026, 1, 5, 12, 30))
    );
    assert_eq!(e.zone, "Europe/Berlin");
    assert_eq!(e.categories, ["Friends", "Food"]);
    assert_eq!(
        (e.busy, e.sensitivity, e.sequence, e.reminder_min),
        (0, 2, 3, Some(15))
    );
    assert_eq!((e.stamp_ms, e.meeting_status), (at(2026, 1, 1, 0, 0), 0));
}

#[test]
fn every_way_to_say_when() {
    let check = |lines: &str, start: i64, end: i64, all_day: bool| {
        let e = event(lines);
        assert_eq!(
            (e.start_ms, e.end_ms, e.all_day),
            (start, end, all_day),
            "{lines}"
        );
    };
    let nine = at(2026, 1, 5, 9, 0);
    check(
        "DTSTART:20260105T090000Z\nDURATION:PT1H30M",
        nine,
        nine + 90 * 60_000,
        false,
    );
    check(
        "DTSTART:20260105T100000\nDTEND:20260105T110000",
        nine,
        nine + HOUR_MS,
        false,
    );
    check("DTSTART:20260105T090000Z", nine, nine, false);
    check(
        "DTSTART:20260105T090000Z\nDTEND:20260105T080000Z",
        nine,
        nine,
        false,
    );
    check(
        "DTSTART:2026-01-05T09:00:00Z\nDURATION:PT1H",
        nine,
        nine + HOUR_MS,
        false,
    );
    let midnight = at(2026, 1, 4, 23, 0);
    check(
        "DTSTART;VALUE=DATE:20260105",
        midnight,
        midnight + DAY_MS,
        true,
    );
    check(
        "DTSTART;VALUE=DATE:20260105\nDTEND;VALUE=DATE:20260107",
        midnight,
        midnight + 2 * DAY_MS,
        true,
    );
    check(
        "DTSTART;VALUE=DATE:20260105\nDTEND;VALUE=DATE:20260105",
        midnight,
        midnight + DAY_MS,
        true,
    );
    check(
        "DTSTART;VALUE=DATE:20260105\nDURATION:P3D",
        midnight,
        midnight + 3 * DAY_MS,
        true,
    );
    check(
        "DTSTART;VALUE=DATE:20260105\nDTEND:20260105T010000",
        midnight,
        midnight + DAY_MS,
        true,
    );
    check(
        "X-MICROSOFT-CDO-ALLDAYEVENT:TRUE\nDTSTART:20260105T000000\nDTEND:20260106T000000",
        midnight,
        midnight + DAY_MS,
        true,
    );
}

#[test]
fn zones_are_known_by_any_name_or_by_their_rules() {
    let berlin_rules = "BEGIN:STANDARD\nDTSTART:16011028T030000\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\n\
         TZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nEND:STANDARD\nBEGIN:DAYLIGHT\nDTSTART:16010325T020000\n\
         RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nEND:DAYLIGHT";
    let check = |tzid: &str, definition: &str, zone: &str, start: i64| {
        let all = events(&format!(
            "BEGIN:VTIMEZONE\nTZID:{tzid}\n{definition}\nEND:VTIMEZONE\nBEGIN:VEVENT\nUID:1\n\
             DTSTART;TZID=\"{tzid}\":20260705T090000\nEND:VEVENT"
        ));
        assert_eq!(
            (all[0].zone.as_str(), all[0].start_ms),
            (zone, start),
            "{tzid}"
        );
    };
    let seven = at(2026, 7, 5, 7, 0);
    check(
        "W. Europe Standard Time",
        berlin_rules,
        "Europe/Berlin",
        seven,
    );
    check("Customized Time Zone", berlin_rules, "Europe/Berlin", seven);
    check("Customized Time Zone 1", "", "UTC", at(2026, 7, 5, 9, 0));
    check(
        "/example.org/2024/Asia/Tokyo",
        "",
        "Asia/Tokyo",
        at(2026, 7, 5, 0, 0),
    );
    let odd = "BEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0017\nTZOFFSETTO:+0017\nEND:STANDARD";
    check("Sundial", odd, "", at(2026, 7, 5, 8, 43));
}

#[test]
fn rules_of_a_zone_that_nobody_has_are_kept_as_a_blob() {
    let all = events(
        "BEGIN:VTIMEZONE\nTZID:Mine\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0017\n\
         TZOFFSETTO:+0017\nEND:STANDARD\nEND:VTIMEZONE\nBEGIN:VEVENT\nUID:1\n\
         DTSTART;TZID=Mine:20260705T090000\nEND:VEVENT",
    );
    assert_eq!(Tzi::parse(&all[0].zone_blob).unwrap().bias, -17);
}

#[test]
fn a_series_has_its_exceptions() {
    let all = events(
        "BEGIN:VEVENT\nUID:s\nSUMMARY:Standup\nDTSTART;TZID=Europe/Berlin:20260105T090000\n\
         DTEND;TZID=Europe/Berlin:20260105T091500\nRRULE:FREQ=DAILY;COUNT=5\n\
         EXDATE;TZID=Europe/Berlin:20260106T090000\nEXDATE;VALUE=DATE:20260107\nEND:VEVENT\n\
         BEGIN:VEVENT\nUID:s\nRECURRENCE-ID;TZID=Europe/Berlin:20260108T090000\nSUMMARY:Standup with cake\n\
         DTSTART;TZID=Europe/Berlin:20260108T150000\nDTEND;TZID=Europe/Berlin:20260108T151500\nEND:VEVENT\n\
         BEGIN:VEVENT\nUID:s\nRECURRENCE-ID:20260109T080000Z\nSTATUS:CANCELLED\nSUMMARY:Standup\n\
         DTSTART:20260109T080000Z\nEND:VEVENT",
    );
    assert_eq!(all.len(), 1);
    let e = &all[0];
    let told: Vec<_> = e
        .exceptions
        .iter()
        .map(|x| (x.original_ms, x.deleted))
        .collect();
    assert_eq!(
        told,
        [
            (at(2026, 1, 6, 8, 0), true),
            (at(2026, 1, 7, 8, 0), true),
            (at(2026, 1, 8, 8, 0), false),
            (at(2026, 1, 9, 8, 0), true),
        ]
    );
    let moved = &e.exceptions[2];
    assert_eq!(moved.subject.as_deref(), Some("Standup with cake"));
    assert_eq!(
        (moved.start_ms, moved.location.as_ref()),
        (Some(at(2026, 1, 8, 14, 0)), None)
    );
    assert_eq!(occurrences(e, 0, i64::MAX, 99).len(), 2);
}

#[test]
fn a_midnight_names_the_day_of_a_series_of_whole_days() {
    let all = events(
        "BEGIN:VEVENT\nUID:d\nDTSTART;VALUE=DATE:20260105\nRRULE:FREQ=DAILY;COUNT=5\n\
         EXDATE:20260106T000000Z\nEND:VEVENT",
    );
    assert_eq!(all[0].exceptions[0].original_ms, at(2026, 1, 5, 23, 0));
    assert_eq!(occurrences(&all[0], 0, i64::MAX, 9).len(), 4);
}

#[test]
fn a_series_that_the_protocol_cannot_say_becomes_appointments() {
    let all = events(
        "BEGIN:VEVENT\nUID:h\nDTSTART;TZID=Europe/Berlin:20260105T090000\nDURATION:PT1H\n\
         RRULE:FREQ=MONTHLY;BYMONTHDAY=5,20;UNTIL=20260320T080000Z\nEXDATE;TZID=Europe/Berlin:20260205T090000\n\
         END:VEVENT\nBEGIN:VEVENT\nUID:h\nRECURRENCE-ID;TZID=Europe/Berlin:20260220T090000\n\
         DTSTART;TZID=Europe/Berlin:20260221T090000\nDURATION:PT1H\nEND:VEVENT",
    );
    let mut starts: Vec<i64> = all.iter().map(|e| e.start_ms).collect();
    starts.sort_unstable();
    assert_eq!(
        starts,
        [
            at(2026, 1, 5, 8, 0),
            at(2026, 1, 20, 8, 0),
            at(2026, 2, 21, 8, 0),
            at(2026, 3, 5, 8, 0),
            at(2026, 3, 20, 8, 0),
        ]
    );
    assert!(all.iter().all(|e| e.recurrence.is_none()));
}

#[test]
fn a_rule_without_end_is_taken_apart_around_now() {
    let all = events(
        "BEGIN:VEVENT\nUID:h\nDTSTART:20100105T090000Z\nDURATION:PT1H\nRRULE:FREQ=HOURLY;INTERVAL=100\nEND:VEVENT",
    );
    assert_eq!(all.len(), crate::limits::SINGLE_INSTANCES_MAX);
    assert!(
        all.iter()
            .all(|e| e.start_ms > defaults().now_ms - 367 * DAY_MS)
    );
}

/// A fuzzer's find: a rule of seconds that began in the year 226 was followed up to now. What is not followed
/// is its first occurrence.
#[test]
fn a_rule_is_followed_only_so_far() {
    let lone = |rule: &str| {
        let all = events(&format!(
            "BEGIN:VEVENT\nUID:h\nDTSTART:02260228T090000Z\nDURATION:PT1H\nRRULE:{rule}\nEND:VEVENT"
        ));
        assert_eq!(all.len(), 1, "{rule}");
        assert_eq!(all[0].start_ms, at(226, 2, 28, 9, 0), "{rule}");
    };
    let each = |n: u8| (0..n).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    let all_day = format!(
        "BYHOUR={};BYMINUTE={};BYSECOND={}",
        each(24),
        each(60),
        each(60)
    );
    lone("FREQ=SECONDLY;BYDAY=2TU");
    lone("FREQ=SECONDLY");
    lone("FREQ=MINUTELY;INTERVAL=7");
    lone("FREQ=HOURLY");
    lone(&format!(
        "FREQ=YEARLY;BYMONTH=1,2,3;BYDAY=MO,TU,WE,TH,FR,SA,SU;{all_day}"
    ));
    lone("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;BYHOUR=3,4");
}

/// Those that end are followed, however many there are.
#[test]
fn many_series_that_end_are_followed() {
    let one = |n: u32| {
        format!(
            "BEGIN:VEVENT\nUID:h{n}\nDTSTART:20200105T090000Z\nDURATION:PT1H\n\
             RRULE:FREQ=MONTHLY;BYMONTHDAY=5,20;COUNT=3\nEND:VEVENT"
        )
    };
    let all = events(&(0..100).map(one).collect::<Vec<_>>().join("\n"));
    assert_eq!(all.len(), 300);
}

#[test]
fn extra_dates_are_appointments_of_their_own() {
    let all = events(
        "BEGIN:VEVENT\nUID:r\nDTSTART:20260105T090000Z\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;COUNT=3\n\
         RDATE:20260106T090000Z,20260112T090000Z,20260105T090000Z\nEND:VEVENT",
    );
    let starts: Vec<i64> = all.iter().map(|e| e.start_ms).collect();
    assert_eq!(starts, [at(2026, 1, 6, 9, 0), at(2026, 1, 5, 9, 0)]);
    assert_eq!(all[0].uid, "r-20260106T090000");
}

#[test]
fn reminders_count_back_from_the_start() {
    let check = |alarm: &str, expect: Option<u32>| {
        let e = event(&format!(
            "DTSTART:20260105T090000Z\nDTEND:20260105T100000Z\nBEGIN:VALARM\n{alarm}\nEND:VALARM"
        ));
        assert_eq!(e.reminder_min, expect, "{alarm}");
    };
    check("ACTION:AUDIO\nTRIGGER:-P1D", Some(1440));
    check("ACTION:DISPLAY\nTRIGGER;RELATED=END:-PT90M", Some(30));
    check(
        "ACTION:DISPLAY\nTRIGGER;VALUE=DATE-TIME:20260105T083000Z",
        Some(30),
    );
    check("ACTION:DISPLAY\nTRIGGER:PT10M", Some(0));
    check("ACTION:DISPLAY\nTRIGGER:-P99999999W", Some(14_400_000));
    check(
        "ACTION:NONE\nTRIGGER;VALUE=DATE-TIME:19760401T005545Z",
        None,
    );
    check(
        "ACTION:DISPLAY\nTRIGGER;VALUE=DATE-TIME:19760401T005545Z",
        None,
    );
    check("ACTION:EMAIL\nTRIGGER:-PT5M", None);
    check("ACTION:DISPLAY", None);
}

#[test]
fn an_invitation_names_its_people() {
    let text = "BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nUID:m\nSUMMARY:Review\n\
        DTSTART:20260105T090000Z\nDTEND:20260105T100000Z\nORGANIZER;CN=\"Baker, Bob\":MAILTO:bob@example.org\n\
        ATTENDEE;CN=Bob;ROLE=CHAIR;PARTSTAT=ACCEPTED:mailto:bob@example.org\n\
        ATTENDEE;CN=Alice;RSVP=TRUE;PARTSTAT=NEEDS-ACTION:mailto:Alice@example.org\n\
        ATTENDEE;ROLE=OPT-PARTICIPANT;PARTSTAT=TENTATIVE:mailto:carol@example.org\n\
        ATTENDEE;CUTYPE=ROOM;CN=Aurora:mailto:aurora@example.org\nEND:VEVENT\nEND:VCALENDAR\n";
    let m = meeting(text.as_bytes(), &defaults()).unwrap();
    assert_eq!((m.method.as_str(), m.recurrence_id_ms), ("REQUEST", None));
    let e = m.event;
    assert_eq!(
        (e.organizer_name.as_str(), e.organizer_email.as_str()),
        ("Baker, Bob", "bob@example.org")
    );
    let told: Vec<_> = e
        .attendees
        .iter()
        .map(|a| (a.name.as_str(), a.status, a.kind))
        .collect();
    assert_eq!(
        told,
        [
            ("Alice", 5, 1),
            ("carol@example.org", 2, 2),
            ("Aurora", 0, 3)
        ]
    );
    assert_eq!(
        (e.meeting_status, e.response, e.response_requested),
        (3, 5, true)
    );
}

/// A fuzzer's find: with each reading an address lost half of its backslashes.
#[test]
fn an_address_has_no_backslashes() {
    let e = event("DTSTART:20260105T100000Z\nATTENDEE:mailto:b\\\\\\\\ob@example.org");
    assert_eq!(e.attendees[0].email, "bob@example.org");
    assert_eq!(round(&e).attendees, e.attendees);
}

/// A fuzzer's find.
#[test]
fn an_organizer_without_an_address_is_none() {
    let e = event("DTSTART:20260105T100000Z\nORGANIZER;CN=O:mailto:");
    assert_eq!((&*e.organizer_name, &*e.organizer_email), ("", ""));
}

#[test]
fn a_message_may_be_about_one_occurrence() {
    let text = "BEGIN:VCALENDAR\nMETHOD:CANCEL\nBEGIN:VEVENT\nUID:m\nDTSTAMP:20260101T000000Z\n\
        RECURRENCE-ID:20260112T090000Z\nORGANIZER:mailto:bob@example.org\n\
        ATTENDEE:mailto:alice@example.org\nEND:VEVENT\nEND:VCALENDAR\n";
    let m = meeting(text.as_bytes(), &defaults()).unwrap();
    assert_eq!(m.recurrence_id_ms, Some(at(2026, 1, 12, 9, 0)));
    assert_eq!((m.event.uid.as_str(), m.event.meeting_status), ("m", 7));
    assert_eq!(
        meeting(
            b"BEGIN:VCALENDAR\nMETHOD:REQUEST\nEND:VCALENDAR",
            &defaults()
        ),
        None
    );
}

#[test]
fn the_meeting_of_a_mail_stays_storable() {
    let long = "é".repeat(3_000);
    let mut text = format!(
        "BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nUID:{long}\nSUMMARY:{long}\nLOCATION:{long}\n\
         DTSTART:20260105T090000Z\nRRULE:FREQ=DAILY\nORGANIZER;CN={long}:mailto:{long}\nCATEGORIES:{long}\n\
         DESCRIPTION:{}\n",
        long.repeat(100)
    );
    for n in 0..400 {
        text.push_str(&format!(
            "ATTENDEE;CN={long}:mailto:{n}{long}\nCATEGORIES:{n}{long}\n"
        ));
    }
    text.push_str("END:VEVENT\n");
    for n in 0..200 {
        let day = wall_of(date(2026, 1, 5).at(9, 0, 0, 0)) + n * DAY_MS;
        let day = crate::pim::tz::civil(day)
            .strftime("%Y%m%dT%H%M%SZ")
            .to_string();
        text.push_str(&format!(
            "BEGIN:VEVENT\nUID:{long}\nRECURRENCE-ID:{day}\nDTSTART:{day}\nSUMMARY:{n}{long}\n\
             DESCRIPTION:{n}{long}\nATTENDEE:mailto:{n}{long}\nEND:VEVENT\n"
        ));
    }
    let meeting = meeting(text.as_bytes(), &defaults()).unwrap();
    let stored = crate::pim::Record::Event(meeting.event)
        .to_stored(0)
        .unwrap();
    assert!(
        stored.len() < crate::limits::VALUE_BYTES_MAX * 3 / 4,
        "{}",
        stored.len()
    );
}

#[test]
fn tasks_and_notes_are_read() {
    let found = read(
        "BEGIN:VTODO\nUID:t\nSUMMARY:Water the plants\nDTSTART;VALUE=DATE:20260105\nDUE;VALUE=DATE:20260107\n\
         PRIORITY:2\nRRULE:FREQ=WEEKLY\nBEGIN:VALARM\nACTION:DISPLAY\nTRIGGER:PT9H\nEND:VALARM\nEND:VTODO\n\
         BEGIN:VTODO\nSUMMARY:Done\nSTATUS:COMPLETED\nCOMPLETED:20260103T120000Z\nEND:VTODO\n\
         BEGIN:VJOURNAL\nSUMMARY:Idea\nDESCRIPTION:Kites\\, big ones\nCATEGORIES:Ideas\n\
         LAST-MODIFIED:20260104T000000Z\nEND:VJOURNAL",
    )
    .found;
    let [Found::Task(plants), Found::Task(done), Found::Note(idea)] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!(
        (plants.start_ms, plants.due_ms),
        (Some(at(2026, 1, 5, 0, 0)), Some(at(2026, 1, 7, 0, 0)))
    );
    assert_eq!(
        (plants.utc_due_ms, plants.importance),
        (Some(at(2026, 1, 6, 23, 0)), 2)
    );
    assert_eq!(
        (plants.reminder_set, plants.reminder_ms),
        (true, Some(at(2026, 1, 5, 9, 0)))
    );
    assert_eq!(
        plants.recurrence.as_ref().map(|r| r.rule.day_of_week),
        Some(Some(2))
    );
    assert_eq!(
        (done.complete, done.completed_ms),
        (true, Some(at(2026, 1, 3, 12, 0)))
    );
    assert_eq!(
        (idea.body.text.as_str(), idea.modified_ms),
        ("Kites, big ones", at(2026, 1, 4, 0, 0))
    );
}

#[test]
fn what_is_no_calendar_is_an_error_and_what_is_no_event_is_named() {
    let check = |bytes: &[u8]| parse(bytes, &defaults()).err();
    assert_eq!(check(b""), Some(Error::NotCalendar));
    assert_eq!(
        check(b"BEGIN:VCARD\nFN:x\nEND:VCARD"),
        Some(Error::NotCalendar)
    );
    assert_eq!(
        check(&vec![b'x'; ICAL_BYTES_MAX + 1]),
        Some(Error::TooLarge(ICAL_BYTES_MAX + 1))
    );
    let many = "BEGIN:VEVENT\n".repeat(ICAL_COMPONENTS_MAX + 1);
    assert_eq!(
        check(many.as_bytes()),
        Some(Error::TooMany(ICAL_COMPONENTS_MAX + 1))
    );
    let skipped = read("BEGIN:VEVENT\nUID:lost\nSUMMARY:When?\nEND:VEVENT").skipped;
    assert_eq!(skipped[0].what, "lost");
}

fn rich() -> Event {
    let zone = Zone::named("America/New_York").unwrap();
    let start_ms = zone.to_utc(at(2026, 3, 2, 9, 30));
    Event {
        uid: "rich@example.org".to_owned(),
        subject: "Budget; draft, \"two\" \\ three".to_owned(),
        location: "Room Äurora".to_owned(),
        start_ms,
        end_ms: start_ms + HOUR_MS,
        zone: "America/New_York".to_owned(),
        stamp_ms: at(2026, 1, 1, 0, 0),
        busy: 1,
        sensitivity: 2,
        reminder_min: Some(30),
        organizer_name: "Baker, Bob".to_owned(),
        organizer_email: "bob@example.org".to_owned(),
        meeting_status: 3,
        attendees: vec![
            Attendee { name: "Alice Archer".to_owned(), email: "alice@example.org".to_owned(), status: 3, kind: 1 },
            Attendee { name: "c@example.org".to_owned(), email: "c@example.org".to_owned(), status: 0, kind: 2 },
        ],
        categories: vec!["Project".to_owned(), "A, B".to_owned()],
        recurrence: from_rrule("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE;WKST=MO;COUNT=20", start_ms, &zone),
        exceptions: vec![
            Exception { original_ms: zone.to_utc(at(2026, 3, 4, 9, 30)), deleted: true, ..Exception::default() },
            Exception {
                original_ms: zone.to_utc(at(2026, 3, 16, 9, 30)),
                start_ms: Some(zone.to_utc(at(2026, 3, 17, 9, 30))),
                end_ms: Some(zone.to_utc(at(2026, 3, 17, 11, 0))),
                subject: Some("Budget, longer".to_owned()),
                reminder_min: Some(None),
                ..Exception::default()
            },
        ],
        response_requested: true,
        response: 3,
        sequence: 4,
        body: Body { text: "First line\n\nThird, with a very long text that has to be folded at least once or twice".to_owned(), ..Body::default() },
        created_ms: defaults().now_ms,
        ..Event::default()
    }
}

fn round(event: &Event) -> Event {
    let text = event_to_ics(event, "");
    let back = parse(text.as_bytes(), &defaults()).unwrap();
    assert_eq!(back.skipped, [], "{text}");
    match back.found.as_slice() {
        [Found::Event(e)] => e.clone(),
        other => panic!("{other:?} from {text}"),
    }
}

#[test]
fn an_event_is_read_as_it_was_written() {
    assert_eq!(round(&rich()), rich());
    let utc = Event {
        zone: "UTC".to_owned(),
        recurrence: None,
        exceptions: Vec::new(),
        ..rich()
    };
    assert_eq!(round(&utc), utc);
    let html = Body {
        kind: BodyKind::Html,
        text: "<p>Tom &amp; Jerry; one, two</p>".to_owned(),
        blob: None,
    };
    let html = Event {
        body: html,
        ..rich()
    };
    assert_eq!(round(&html), html);
    let berlin = Zone::named("Europe/Berlin").unwrap();
    let day = Event {
        zone: "Europe/Berlin".to_owned(),
        start_ms: berlin.to_utc(at(2026, 3, 28, 0, 0)),
        end_ms: berlin.to_utc(at(2026, 3, 30, 0, 0)),
        all_day: true,
        recurrence: from_rrule("FREQ=YEARLY", berlin.to_utc(at(2026, 3, 28, 0, 0)), &berlin),
        exceptions: vec![Exception {
            original_ms: berlin.to_utc(at(2027, 3, 28, 0, 0)),
            deleted: true,
            ..Exception::default()
        }],
        ..rich()
    };
    assert_eq!(round(&day), day);
}

#[test]
fn rules_without_a_name_are_written_and_read() {
    let tzi = Tzi {
        bias: -17,
        ..Tzi::default()
    };
    let mut odd = Event {
        zone: String::new(),
        zone_blob: tzi.to_blob().to_vec(),
        exceptions: Vec::new(),
        ..rich()
    };
    odd.recurrence = None;
    assert_eq!(round(&odd), odd);
}

#[test]
fn what_is_written_is_valid() {
    let text = event_to_ics(&rich(), "request");
    assert!(text.starts_with("BEGIN:VCALENDAR\r\n") && text.ends_with("END:VCALENDAR\r\n"));
    assert!(text.contains("METHOD:REQUEST\r\n") && text.contains("BEGIN:VTIMEZONE\r\n"));
    assert!(
        text.split("\r\n")
            .all(|l| l.len() <= 75 && !l.contains(['\n', '\r'])),
        "{text}"
    );
    assert_eq!(text.matches("BEGIN:").count(), text.matches("END:").count());
}

#[test]
fn a_meeting_message_is_read_as_it_was_written() {
    let one = Meeting {
        method: "REPLY".to_owned(),
        recurrence_id_ms: Some(rich().start_ms + 7 * DAY_MS),
        event: Event {
            recurrence: None,
            exceptions: Vec::new(),
            ..rich()
        },
    };
    assert_eq!(
        meeting(meeting_to_ics(&one).as_bytes(), &defaults()),
        Some(one)
    );
    let all = Meeting {
        method: "REQUEST".to_owned(),
        recurrence_id_ms: None,
        event: rich(),
    };
    assert_eq!(
        meeting(meeting_to_ics(&all).as_bytes(), &defaults()),
        Some(all)
    );
}

#[test]
fn tasks_and_notes_are_read_as_they_were_written() {
    let zone = Zone::named("Europe/Berlin").unwrap();
    let (start, due) = (at(2026, 5, 4, 8, 0), at(2026, 5, 6, 18, 0));
    let task = Task {
        subject: "Repair the kite".to_owned(),
        importance: 2,
        start_ms: Some(start),
        utc_start_ms: Some(zone.to_utc(start)),
        due_ms: Some(due),
        utc_due_ms: Some(zone.to_utc(due)),
        sensitivity: 3,
        reminder_set: true,
        reminder_ms: Some(start - HOUR_MS),
        categories: vec!["Ideas".to_owned()],
        recurrence: Some(TaskRecurrence {
            rule: from_rrule(
                "FREQ=MONTHLY;BYDAY=1MO;UNTIL=20271231T235959Z",
                start,
                &Zone::utc(),
            )
            .unwrap(),
            start_ms: start,
            ..TaskRecurrence::default()
        }),
        body: Body {
            text: "Glue".to_owned(),
            ..Body::default()
        },
        uid: "task-1".to_owned(),
        created_ms: defaults().now_ms,
        ..Task::default()
    };
    let back = parse(task_to_ics(&task).as_bytes(), &defaults())
        .unwrap()
        .found;
    assert_eq!(back, [Found::Task(task.clone())]);
    let done = Task {
        complete: true,
        completed_ms: Some(at(2026, 5, 6, 12, 0)),
        start_ms: None,
        utc_start_ms: None,
        recurrence: None,
        reminder_ms: Some(due - DAY_MS),
        ..task
    };
    let back = parse(task_to_ics(&done).as_bytes(), &defaults())
        .unwrap()
        .found;
    assert_eq!(back, [Found::Task(done.clone())]);
    // A fuzzer's find: the reminder of a task without dates went from wall time to UTC and back as another.
    let undated = Task {
        due_ms: None,
        utc_due_ms: None,
        ..done
    };
    let back = parse(task_to_ics(&undated).as_bytes(), &defaults())
        .unwrap()
        .found;
    assert_eq!(back, [Found::Task(undated)]);
    let note = Note {
        subject: "Recipe".to_owned(),
        message_class: "IPM.StickyNote".to_owned(),
        modified_ms: at(2026, 2, 1, 0, 0),
        categories: vec!["Ideas".to_owned()],
        body: Body {
            text: "Flour\nPlums".to_owned(),
            ..Body::default()
        },
        created_ms: defaults().now_ms,
    };
    let back = parse(note_to_ics(&note).as_bytes(), &defaults())
        .unwrap()
        .found;
    assert_eq!(back, [Found::Note(note)]);
}

#[test]
fn a_whole_day_within_a_series_of_hours_is_one_of_its_zone() {
    let all = events(
        "BEGIN:VEVENT\nUID:u1\nDTSTART:20260105T100000Z\nDURATION:PT1H\nRRULE:FREQ=WEEKLY\nEND:VEVENT\n\
         BEGIN:VEVENT\nUID:u1\nRECURRENCE-ID:20260202T100000Z\nDTSTART;VALUE=DATE:20260201\nEND:VEVENT",
    );
    let [series] = all.as_slice() else {
        panic!("{all:?}");
    };
    let day = &series.exceptions[0];
    assert_eq!(day.all_day, Some(true));
    assert_eq!(day.start_ms, Some(at(2026, 2, 1, 0, 0)));
    assert_eq!(day.end_ms, Some(at(2026, 2, 2, 0, 0)));
    let back = round(series);
    assert_eq!(back.exceptions, series.exceptions);
}

proptest! {
    #[test]
    fn no_bytes_are_too_hostile(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse(&bytes, &defaults());
        let mut framed = b"BEGIN:VCALENDAR\nBEGIN:VEVENT\n".to_vec();
        framed.extend_from_slice(&bytes);
        let _ = parse(&framed, &defaults());
        let _ = meeting(&framed, &defaults());
    }

    #[test]
    fn no_lines_are_too_hostile(lines in prop::collection::vec(
        ("(BEGIN|END|DTSTART|DTEND|DURATION|RRULE|RDATE|EXDATE|RECURRENCE-ID|TRIGGER|TZOFFSETTO|TZID|UID)",
         "(;TZID=Mine|;VALUE=DATE|;ENCODING=QUOTED-PRINTABLE)?",
         "(VEVENT|VTODO|VTIMEZONE|STANDARD|VALARM|[0-9TZ:,-]{1,20}|FREQ=[A-Z]{5,8};BYDAY=-?[0-9]{0,6}MO|P[0-9]{1,12}D)")
        .prop_map(|(n, p, v)| format!("{n}{p}:{v}\n")), 0..30))
    {
        let text = format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nDTSTART:20260101T000000Z\n{}", lines.concat());
        let _ = parse(text.as_bytes(), &defaults());
        let _ = meeting(text.as_bytes(), &defaults());
    }

    #[test]
    fn no_cut_is_too_deep(cut in 0usize..3000) {
        let text = event_to_ics(&rich(), "REQUEST");
        let _ = parse(text.as_bytes().get(..cut).unwrap_or_default(), &defaults());
    }

    #[test]
    fn any_text_is_read_as_it_was_written(text in "[^\\r\\p{Cc}]{0,200}") {
        let text = text.trim().to_owned();
        let event = Event { subject: text.clone(), body: Body { text, ..Body::default() }, ..rich() };
        let back = round(&event);
        prop_assert_eq!(back.body.text, event.body.text);
    }
}
