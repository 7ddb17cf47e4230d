//! Attendees are told once, whatever is cut short or asked for again.

use super::stage::{HOUR_MS, START_MS, Trap, arrive, house, mails, organizer_mail, written};
use crate::eas::Settings;
use crate::eas::notices;
use crate::eas::outgoing::{NotTaken, Outbound, Remote};
use crate::eas::testing::{House, Phone, wbxml};
use crate::eas::tests::matrix::{Client, Node};
use crate::eas::version::Version;
use crate::mailbox::{By, FolderId};
use crate::pim::event::Meeting;
use crate::pim::notice::{Notice, of_change};
use crate::pim::{Attendee, Class, Event};
use crate::wbxml::Writer;
use crate::wbxml::tags::composemail;
use crate::work::block_on;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const BOB: &str = "bob@example.org";

fn called(to: &[&str]) -> Event {
    let attendee = |email: &&str| Attendee {
        email: (*email).to_owned(),
        kind: 1,
        ..Attendee::default()
    };
    Event {
        uid: "once-1".into(),
        subject: "Review".into(),
        start_ms: START_MS,
        end_ms: START_MS + HOUR_MS,
        meeting_status: 1,
        organizer_email: "alice@example.org".into(),
        attendees: to.iter().map(attendee).collect(),
        ..Event::default()
    }
}

fn notices_of(house: &House, to: &[&str]) -> Vec<Notice> {
    let own = &house.account("alice").account.addresses;
    of_change(None, &mut called(to), own, house.clock.now_ms())
}

/// Written down with a commit, and nothing more: as if the power went then.
fn announce(house: &House, to: &[&str]) {
    let scope = house.account("alice").scope;
    let mut tx = house.eas.mailbox().transaction(scope, By::default());
    for notice in notices_of(house, to) {
        block_on(tx.announce(notice)).unwrap();
    }
    block_on(tx.commit()).unwrap();
}

fn waiting(house: &House) -> usize {
    block_on(house.eas.mailbox().notices(None, None))
        .unwrap()
        .0
        .len()
}

fn bobs(house: &House) -> usize {
    mails(house, "bob", FolderId::INBOX).len()
}

fn add(to: &str) -> String {
    format!(
        "<Sync><Collections><Collection><SyncKey>1</SyncKey><CollectionId>8</CollectionId><Commands><Add><ClientId>c1</ClientId><ApplicationData><calendar:Subject>Review</calendar:Subject><calendar:StartTime>20260105T100000Z</calendar:StartTime><calendar:EndTime>20260105T110000Z</calendar:EndTime><calendar:MeetingStatus>1</calendar:MeetingStatus><calendar:Attendees><calendar:Attendee><calendar:Email>{to}</calendar:Email><calendar:Name>Bob</calendar:Name></calendar:Attendee></calendar:Attendees></ApplicationData></Add></Commands></Collection></Collections></Sync>"
    )
}

const FIRST: &str = "<Sync><Collections><Collection><SyncKey>0</SyncKey><CollectionId>8</CollectionId></Collection></Collections></Sync>";

#[test]
fn what_a_crash_has_left_is_told_at_the_next_start_and_once() {
    let (house, trap) = house();
    announce(&house, &[BOB, "carol@example.net"]);
    assert_eq!((waiting(&house), bobs(&house)), (1, 0));
    for _ in 0..3 {
        block_on(notices::send_all(&house.eas));
        assert_eq!((waiting(&house), bobs(&house), trap.count()), (0, 1, 1));
    }
    // The same edition once more, with somebody new: that one only.
    announce(&house, &["BOB@example.org", "dan@example.net"]);
    block_on(notices::send_all(&house.eas));
    assert_eq!((waiting(&house), bobs(&house), trap.count()), (0, 1, 2));
    announce(&house, &[BOB]);
    assert_eq!(waiting(&house), 0);
}

#[test]
fn a_request_that_is_repeated_tells_once() {
    for version in [Version::V16_0, Version::V16_1] {
        let (house, _) = house();
        let phone = house.phone(version);
        phone.says("Sync", FIRST);
        let first = phone.says("Sync", &add(BOB));
        assert!(first.contains("<Status>1</Status></Add>"), "{first}");
        assert_eq!(phone.says("Sync", &add(BOB)), first);
        assert_eq!((waiting(&house), bobs(&house)), (0, 1));
        assert_eq!(mails(&house, "alice", FolderId::SENT).len(), 1);
    }
}

#[test]
fn up_to_14_1_the_client_tells_and_the_server_does_not() {
    for version in [Version::V14_0, Version::V14_1] {
        let (house, _) = house();
        let phone = house.phone(version);
        phone.says("Sync", FIRST);
        let said = phone.says("Sync", &add(BOB));
        assert!(said.contains("<Status>1</Status></Add>"), "{said}");
        assert_eq!((waiting(&house), bobs(&house)), (0, 0));
    }
}

fn send(phone: &Phone<'_>, name: &str, raw: &[u8]) {
    let mut w = Writer::new();
    w.open(composemail::SEND_MAIL);
    w.text(composemail::CLIENT_ID, name);
    w.opaque(composemail::MIME, raw);
    w.close();
    let answer = phone.answer("SendMail", &w.finish());
    assert_eq!((answer.status, answer.body.len()), (200, 0));
}

#[test]
fn a_client_that_tells_what_the_server_has_told_tells_nobody_twice() {
    let (house, trap) = house();
    let mut client = Client::of(&house, "o", Class::Calendar, Version::V16_1);
    let data = add(BOB);
    let (_, data) = data.split_once("</ClientId>").unwrap();
    let (data, _) = data.split_once("</Add>").unwrap();
    client.add(&[Node::parse(&wbxml(data))]);
    assert_eq!(bobs(&house), 1);
    let event = super::stage::entry(&house, "alice").unwrap();
    let meeting = |method: &str, sequence: u32| Meeting {
        method: method.into(),
        recurrence_id_ms: None,
        event: Event {
            sequence,
            stamp_ms: house.clock.now_ms() + 1_000,
            ..event.clone()
        },
    };
    let own = |m: &Meeting, to: &str| written(m, "alice@example.org", to);
    send(&client.phone, "1", &own(&meeting("REQUEST", 0), BOB));
    assert_eq!(bobs(&house), 1);
    // Another edition, another thing to say, and somebody else.
    send(&client.phone, "2", &own(&meeting("REQUEST", 1), BOB));
    assert_eq!(bobs(&house), 2);
    send(&client.phone, "3", &own(&meeting("CANCEL", 1), BOB));
    assert_eq!(bobs(&house), 3);
    send(
        &client.phone,
        "4",
        &own(&meeting("REQUEST", 0), "eve@example.net"),
    );
    assert_eq!(trap.count(), 1);
}

/// A queue that is full at first.
#[derive(Default)]
struct Full {
    open: AtomicBool,
    trap: Trap,
}

impl Outbound for Full {
    fn take<'a>(
        &'a self,
        mail: &'a Remote,
    ) -> Pin<Box<dyn Future<Output = Result<(), NotTaken>> + 'a>> {
        match self.open.load(Ordering::Relaxed) {
            true => self.trap.take(mail),
            false => Box::pin(async { Err(NotTaken::Busy) }),
        }
    }
}

#[test]
fn a_full_queue_costs_neither_the_change_nor_the_message() {
    let full = Arc::new(Full::default());
    let house = House::beside(Settings::default(), Some(full.clone()));
    let phone = house.phone(Version::V16_1);
    phone.says("Sync", FIRST);
    let said = phone.says("Sync", &add("carol@example.net"));
    assert!(said.contains("<Status>1</Status></Add>"), "{said}");
    assert_eq!((waiting(&house), full.trap.count()), (1, 0));
    full.open.store(true, Ordering::Relaxed);
    for _ in 0..2 {
        block_on(notices::send_all(&house.eas));
        assert_eq!((waiting(&house), full.trap.count()), (0, 1));
    }
}

#[test]
fn nobody_becomes_the_organizer_by_a_change() {
    for version in Version::ALL {
        let (house, _) = house();
        let mut meeting = called(&["alice@example.org"]);
        meeting.organizer_email = "bob@example.net".into();
        let raw = organizer_mail("REQUEST", &meeting);
        arrive(&house, "alice", &raw);
        let mut client = Client::of(&house, "o", Class::Calendar, version);
        let told = client.fetch();
        let id = told.keys().next().unwrap();
        let class = "<ApplicationData><calendar:Subject>Mine</calendar:Subject><calendar:StartTime>20260105T100000Z</calendar:StartTime><calendar:EndTime>20260105T110000Z</calendar:EndTime><calendar:OrganizerEmail>alice@example.org</calendar:OrganizerEmail><calendar:MeetingStatus>1</calendar:MeetingStatus><calendar:Attendees><calendar:Attendee><calendar:Email>bob@example.org</calendar:Email><calendar:Name>Bob</calendar:Name></calendar:Attendee></calendar:Attendees></ApplicationData>";
        let change = format!("<Change><ServerId>{id}</ServerId>{class}</Change>");
        client.sync(&[Node::parse(&wbxml(&change))]);
        let event = super::stage::entry(&house, "alice").unwrap();
        let whose = (event.organizer_email.as_str(), event.meeting_status);
        assert_eq!(whose, ("bob@example.net", 3), "{version}");
        // And so it is told to nobody.
        assert_eq!((waiting(&house), bobs(&house)), (0, 0));
    }
}

#[test]
fn a_change_and_a_deletion_that_are_repeated_are_answered_alike() {
    let (house, _) = house();
    let phone = house.phone(Version::V16_1);
    phone.says("Sync", FIRST);
    phone.says("Sync", &add(BOB));
    let data = add(BOB).replace("20260105T11", "20260105T12");
    let (_, data) = data.split_once("</ClientId>").unwrap();
    let (data, _) = data.split_once("</Add>").unwrap();
    let ask = |key: u8, command: &str| {
        format!(
            "<Sync><Collections><Collection><SyncKey>{key}</SyncKey><CollectionId>8</CollectionId><Commands>{command}</Commands></Collection></Collections></Sync>"
        )
    };
    let change = format!("<Change><ServerId>8:1</ServerId>{data}</Change>");
    let delete = "<Delete><ServerId>8:1</ServerId></Delete>".to_owned();
    for (key, command, told) in [(2, change, 2), (3, delete, 3)] {
        let first = phone.says("Sync", &ask(key, &command));
        assert_eq!(phone.says("Sync", &ask(key, &command)), first);
        assert_eq!(bobs(&house), told);
    }
}
