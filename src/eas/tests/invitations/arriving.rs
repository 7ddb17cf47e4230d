//! What arrives: what its mail says of it in each version, and who may change what.

use super::stage::{
    DAY_MS, HOUR_MS, START_MS, THIRD_MS, arrive, entry, house, items, mails, organizer_mail,
    written,
};
use crate::eas::testing::{House, Phone};
use crate::eas::version::Version;
use crate::mailbox::FolderId;
use crate::pim::event::Meeting;
use crate::pim::{Attendee, Event, Recurrence};

fn attendee(email: &str, status: u8) -> Attendee {
    Attendee {
        email: email.into(),
        status,
        kind: 1,
        ..Attendee::default()
    }
}

/// Somebody elsewhere asks Bob, and Eve.
fn invited(sequence: u32, stamp_ms: i64) -> Event {
    Event {
        uid: "arriving-1".into(),
        subject: "Review".into(),
        start_ms: START_MS,
        end_ms: START_MS + HOUR_MS,
        busy: 2,
        organizer_email: "alice@example.net".into(),
        attendees: vec![
            attendee("bob@example.org", 5),
            attendee("eve@example.net", 5),
        ],
        sequence,
        stamp_ms,
        ..Event::default()
    }
}

/// What a device of Bob's is told of the last mail in his inbox.
fn shown(house: &House, user: &'static str, version: Version) -> String {
    let rows = items(house, user, FolderId::INBOX);
    let last = rows.iter().map(|row| row.item.0).max().unwrap();
    let phone = Phone {
        user,
        device: format!("{user}{}", version.tens()),
        ..house.phone(version)
    };
    phone.says(
        "ItemOperations",
        &format!("<itemoperations:ItemOperations><itemoperations:Fetch><itemoperations:Store>Mailbox</itemoperations:Store><CollectionId>2</CollectionId><ServerId>2:{last}</ServerId></itemoperations:Fetch></itemoperations:ItemOperations>"),
    )
}

fn kind(n: u8) -> String {
    format!("<email2:MeetingMessageType>{n}</email2:MeetingMessageType>")
}

#[test]
fn each_mail_says_what_it_was_to_the_calendar() {
    let (house, _) = house();
    let ask = |event: Event, expect: u8| {
        arrive(&house, "bob", &organizer_mail("REQUEST", &event));
        for version in [Version::V14_1, Version::V16_0, Version::V16_1] {
            let said = shown(&house, "bob", version);
            assert!(said.contains(&kind(expect)), "{version}: {said}");
            assert!(said.contains("IPM.Schedule.Meeting.Request"), "{said}");
        }
        assert!(!shown(&house, "bob", Version::V14_0).contains("MeetingMessageType"));
    };
    ask(invited(1, 1_000), 1);
    let elsewhere = Event {
        location: "Room 2".into(),
        ..invited(1, 2_000)
    };
    ask(elsewhere.clone(), 3);
    let later = Event {
        end_ms: START_MS + 2 * HOUR_MS,
        ..invited(2, 3_000)
    };
    ask(later, 2);
    let late = Event {
        location: "Room 3".into(),
        ..elsewhere
    };
    ask(late, 4);
    let event = entry(&house, "bob").unwrap();
    assert_eq!(
        (event.end_ms - event.start_ms, event.location),
        (2 * HOUR_MS, String::new())
    );
}

#[test]
fn a_proposal_stands_beside_the_time_that_it_would_change() {
    let (house, _) = house();
    let meeting = Event {
        organizer_email: "alice@example.org".into(),
        meeting_status: 1,
        attendees: vec![attendee("eve@example.net", 0)],
        ..invited(0, 1_000)
    };
    house.put(
        FolderId::CALENDAR,
        &crate::pim::Record::Event(meeting.clone()),
    );
    let proposed = Event {
        start_ms: START_MS + DAY_MS,
        end_ms: START_MS + DAY_MS + HOUR_MS,
        attendees: vec![attendee("eve@example.net", 2)],
        stamp_ms: 2_000,
        ..meeting
    };
    let counter = Meeting {
        method: "COUNTER".into(),
        recurrence_id_ms: None,
        event: proposed,
    };
    let raw = written(&counter, "eve@example.net", "alice@example.org");
    arrive(&house, "alice", &raw);
    assert_eq!(entry(&house, "alice").unwrap().attendees[0].status, 2);
    for version in [Version::V14_1, Version::V16_0, Version::V16_1] {
        let said = shown(&house, "alice", version);
        let start = "<email:StartTime>2026-01-05T10:00:00.000Z</email:StartTime>";
        assert!(said.contains(start), "{said}");
        let times = "<meetingresponse:ProposedStartTime>20260106T100000Z</meetingresponse:ProposedStartTime><meetingresponse:ProposedEndTime>20260106T110000Z</meetingresponse:ProposedEndTime></email:MeetingRequest>";
        assert_eq!(said.contains(times), version == Version::V16_1, "{said}");
    }
}

#[test]
fn what_others_write_in_the_organizers_name_is_mail_and_nothing_else() {
    let (house, _) = house();
    arrive(
        &house,
        "bob",
        &organizer_mail("REQUEST", &invited(0, 1_000)),
    );
    let before = entry(&house, "bob").unwrap();
    let forged = Event {
        location: "Elsewhere".into(),
        ..invited(9, 9_000)
    };
    for (method, from) in [
        ("REQUEST", "eve@example.net"),
        ("CANCEL", "eve@example.net"),
        ("REPLY", "mallory@example.net"),
        ("PUBLISH", "alice@example.net"),
    ] {
        let meeting = Meeting {
            method: method.into(),
            recurrence_id_ms: None,
            event: forged.clone(),
        };
        arrive(&house, "bob", &written(&meeting, from, "bob@example.org"));
        assert_eq!(entry(&house, "bob").as_ref(), Some(&before), "{method}");
    }
    assert_eq!(mails(&house, "bob", FolderId::INBOX).len(), 5);
}

#[test]
fn occurrences_stand_alone_until_their_series_comes() {
    let (house, _) = house();
    let one = |ms: i64, sequence: u32, subject: &str| {
        let meeting = Meeting {
            method: "REQUEST".into(),
            recurrence_id_ms: Some(ms),
            event: Event {
                start_ms: ms,
                end_ms: ms + HOUR_MS,
                subject: subject.into(),
                ..invited(sequence, i64::from(sequence) * 1_000)
            },
        };
        let raw = written(&meeting, "alice@example.net", "bob@example.org");
        arrive(&house, "bob", &raw);
    };
    one(THIRD_MS, 1, "Third");
    one(THIRD_MS + DAY_MS, 1, "Fourth");
    one(THIRD_MS, 2, "Third again");
    let calendar = |house| items(house, "bob", FolderId::CALENDAR);
    assert_eq!(calendar(&house).len(), 2);
    let series = Event {
        recurrence: Some(Recurrence {
            interval: 1,
            occurrences: Some(9),
            ..Recurrence::default()
        }),
        ..invited(3, 9_000)
    };
    arrive(&house, "bob", &organizer_mail("REQUEST", &series));
    assert_eq!(calendar(&house).len(), 1);
    assert!(entry(&house, "bob").unwrap().recurrence.is_some());
}

#[test]
fn what_was_declined_does_not_come_back_by_itself() {
    let (house, _) = house();
    arrive(
        &house,
        "bob",
        &organizer_mail("REQUEST", &invited(1, 2_000)),
    );
    let item = items(&house, "bob", FolderId::INBOX)[0].item;
    let phone = Phone {
        user: "bob",
        ..house.phone(Version::V14_1)
    };
    let said = phone.says("MeetingResponse", &format!("<meetingresponse:MeetingResponse><meetingresponse:Request><meetingresponse:UserResponse>3</meetingresponse:UserResponse><meetingresponse:RequestId>2:{item}</meetingresponse:RequestId></meetingresponse:Request></meetingresponse:MeetingResponse>"));
    assert!(said.contains("<meetingresponse:Status>1<"), "{said}");
    assert_eq!(entry(&house, "bob"), None);
    // The same by another way, and one that was late.
    for (sequence, stamp_ms) in [(1, 2_000), (0, 1_000)] {
        let again = Event {
            subject: "Review, once more".into(),
            ..invited(sequence, stamp_ms)
        };
        arrive(&house, "bob", &organizer_mail("REQUEST", &again));
        assert_eq!(entry(&house, "bob"), None);
    }
    arrive(
        &house,
        "bob",
        &organizer_mail("REQUEST", &invited(2, 3_000)),
    );
    assert_eq!(entry(&house, "bob").unwrap().response, 5);
}
