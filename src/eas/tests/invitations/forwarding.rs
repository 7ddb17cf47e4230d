//! Meetings that are forwarded (16.0+).

use super::stage::{DAY_MS, HOUR_MS, START_MS, THIRD_MS, entry, house, mails};
use crate::eas::testing::House;
use crate::eas::version::Version;
use crate::mailbox::{FolderId, ItemId};
use crate::pim::{Attendee, Event, Record, Recurrence};

fn event(organizer: &str, meeting_status: u8) -> Event {
    Event {
        uid: "forwarded-1".into(),
        subject: "Review".into(),
        start_ms: START_MS,
        end_ms: START_MS + HOUR_MS,
        busy: 2,
        organizer_email: organizer.into(),
        meeting_status,
        attendees: vec![Attendee {
            email: "eve@example.net".into(),
            kind: 1,
            ..Attendee::default()
        }],
        ..Event::default()
    }
}

fn series(organizer: &str, meeting_status: u8) -> Event {
    Event {
        recurrence: Some(Recurrence {
            interval: 1,
            occurrences: Some(9),
            ..Recurrence::default()
        }),
        ..event(organizer, meeting_status)
    }
}

fn forward(house: &House, name: &str, source: &str) -> String {
    let phone = house.phone(Version::V16_1);
    phone.says(
        "SmartForward",
        &format!("<composemail:SmartForward><composemail:ClientId>{name}</composemail:ClientId><composemail:Source>{source}</composemail:Source><composemail:Forwardees><composemail:Forwardee><composemail:Email>bob@example.org</composemail:Email><composemail:Name>Bob</composemail:Name></composemail:Forwardee></composemail:Forwardees><airsyncbase:Body><airsyncbase:Type>1</airsyncbase:Type><airsyncbase:Data>Please come, too.</airsyncbase:Data></airsyncbase:Body></composemail:SmartForward>"),
    )
}

fn of(item: ItemId) -> String {
    format!(
        "<composemail:FolderId>8</composemail:FolderId><composemail:ItemId>8:{item}</composemail:ItemId>"
    )
}

fn at(item: ItemId, instance: &str) -> String {
    format!(
        "{}<composemail:InstanceId>{instance}</composemail:InstanceId>",
        of(item)
    )
}

fn refused(n: u16) -> String {
    format!(
        "<composemail:SmartForward><composemail:Status>{n}</composemail:Status></composemail:SmartForward>"
    )
}

fn emails(attendees: &[Attendee]) -> Vec<&str> {
    attendees.iter().map(|a| a.email.as_str()).collect()
}

#[test]
fn whom_the_organizer_forwards_to_is_an_attendee() {
    let mut plain = event("", 0);
    plain.attendees.clear();
    for own in [
        event("alice@example.org", 1),
        series("alice@example.org", 1),
        plain,
    ] {
        let (house, _) = house();
        let before = own.attendees.len();
        let item = house.put(FolderId::CALENDAR, &Record::Event(own));
        assert_eq!(forward(&house, "f1", &of(item)), "");
        assert_eq!(forward(&house, "f1", &of(item)), refused(118));
        let has = entry(&house, "alice").unwrap();
        assert_eq!(emails(&has.attendees)[before..], ["bob@example.org"]);
        assert_eq!(
            (has.meeting_status, has.organizer_email.as_str()),
            (1, "alice@example.org")
        );
        let got = mails(&house, "bob", FolderId::INBOX);
        let [(_, mail)] = got.as_slice() else {
            panic!("{} mails", got.len())
        };
        assert_eq!(mail.subject, "FW: Review");
        assert_eq!(mail.text_head.trim(), "Please come, too.");
        let shown = entry(&house, "bob").unwrap();
        assert_eq!((shown.meeting_status, shown.response), (3, 5));
        assert_eq!(shown.organizer_email, "alice@example.org");
    }
}

#[test]
fn what_was_received_is_forwarded_in_the_organizers_name() {
    let (house, _) = house();
    let received = event("zoe@example.net", 3);
    let item = house.put(FolderId::CALENDAR, &Record::Event(received.clone()));
    assert_eq!(forward(&house, "f1", &of(item)), "");
    assert_eq!(entry(&house, "alice"), Some(received));
    let shown = entry(&house, "bob").unwrap();
    assert_eq!(shown.organizer_email, "zoe@example.net");
    assert_eq!(
        emails(&shown.attendees),
        ["eve@example.net", "bob@example.org"]
    );
}

#[test]
fn one_occurrence_is_forwarded_by_itself() {
    let (house, _) = house();
    let own = series("alice@example.org", 1);
    let item = house.put(FolderId::CALENDAR, &Record::Event(own));
    let third = at(item, "2026-01-07T10:00:00.000Z");
    assert_eq!(forward(&house, "f1", &third), "");
    let has = entry(&house, "alice").unwrap();
    assert_eq!(emails(&has.attendees), ["eve@example.net"]);
    let of_third = has.exceptions[0].attendees.as_ref().unwrap();
    assert_eq!(emails(of_third), ["eve@example.net", "bob@example.org"]);
    let shown = entry(&house, "bob").unwrap();
    assert_eq!(
        (shown.lone_ms(), shown.start_ms),
        (Some(THIRD_MS), THIRD_MS)
    );
    assert_eq!(THIRD_MS - START_MS, 2 * DAY_MS);
}

#[test]
fn what_cannot_be_forwarded_is_refused_and_goes_nowhere() {
    let (house, _) = house();
    let single = house.put(
        FolderId::CALENDAR,
        &Record::Event(event("alice@example.org", 1)),
    );
    let over = house.put(
        FolderId::CALENDAR,
        &Record::Event(event("zoe@example.net", 7)),
    );
    let many = house.put(
        FolderId::CALENDAR,
        &Record::Event(series("alice@example.org", 1)),
    );
    let mail = house.mail("From: a@example.org\nSubject: no meeting\n\nhello\n");
    let of_mail = format!(
        "<composemail:FolderId>2</composemail:FolderId><composemail:ItemId>2:{mail}</composemail:ItemId>"
    );
    for (n, (source, status)) in [
        (at(single, "2026-01-07T10:00:00.000Z"), 146),
        (at(single, "tomorrow"), 104),
        (at(many, "2026-01-07T11:00:00.000Z"), 150),
        (of(over), 120),
        (of(ItemId(99)), 150),
        (of_mail, 120),
    ]
    .into_iter()
    .enumerate()
    {
        let said = forward(&house, &format!("f{n}"), &source);
        assert_eq!(said, refused(status), "{source}");
    }
    assert!(mails(&house, "bob", FolderId::INBOX).is_empty());
}
