//! Answers to invitations.

use crate::eas::testing::{House, Phone};
use crate::eas::version::Version;
use crate::mailbox::{FolderId, ItemId, ItemRow};
use crate::pim::{Event, Message, Record};
use crate::work::block_on;

/// An invitation by `organizer`, with further lines of the calendar's event.
fn invitation(organizer: &str, method: &str, lines: &str) -> String {
    format!(
        "From: {organizer}\nTo: alice@example.org\nSubject: Review\nMessage-ID: <{organizer}{}>\nMIME-Version: 1.0\nContent-Type: text/calendar; charset=utf-8; method={method}\n\nBEGIN:VCALENDAR\nMETHOD:{method}\nVERSION:2.0\nBEGIN:VEVENT\nUID:review-1\nSUMMARY:Review\nDTSTAMP:20260101T000000Z\nDTSTART:20260105T100000Z\nDTEND:20260105T110000Z\nORGANIZER:mailto:{organizer}\nATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:alice@example.org\nX-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE\n{lines}END:VEVENT\nEND:VCALENDAR\n",
        lines.len()
    )
}

fn request(rest: &str) -> String {
    format!(
        "<meetingresponse:MeetingResponse><meetingresponse:Request>{rest}</meetingresponse:Request></meetingresponse:MeetingResponse>"
    )
}

fn ask(answer: u8, id: &str, rest: &str) -> String {
    let folder = id.split(':').next().unwrap();
    request(&format!(
        "<meetingresponse:UserResponse>{answer}</meetingresponse:UserResponse><meetingresponse:CollectionId>{folder}</meetingresponse:CollectionId><meetingresponse:RequestId>{id}</meetingresponse:RequestId>{rest}"
    ))
}

fn result(id: &str, status: u16, event: Option<ItemId>) -> String {
    let event = event.map_or_else(String::new, |item| {
        format!("<meetingresponse:CalendarId>8:{item}</meetingresponse:CalendarId>")
    });
    format!(
        "<meetingresponse:MeetingResponse><meetingresponse:Result><meetingresponse:RequestId>{id}</meetingresponse:RequestId><meetingresponse:Status>{status}</meetingresponse:Status>{event}</meetingresponse:Result></meetingresponse:MeetingResponse>"
    )
}

fn items(house: &House, user: &str, folder: FolderId) -> Vec<ItemRow> {
    let scope = house.account(user).scope;
    let page = house.eas.mailbox().list_items(scope, folder, None, 100);
    block_on(page).unwrap().items
}

fn events(house: &House) -> Vec<(ItemId, Event)> {
    let rows = items(house, "alice", FolderId::CALENDAR);
    let event = |row: &ItemRow| match row.to_record().unwrap() {
        Record::Event(event) => (row.item, event),
        other => panic!("{other:?}"),
    };
    rows.iter().map(event).collect()
}

fn mails(house: &House, user: &str, folder: FolderId) -> Vec<Message> {
    let rows = items(house, user, folder);
    let mail = |row: &ItemRow| match row.to_record().unwrap() {
        Record::Message(mail) => mail,
        other => panic!("{other:?}"),
    };
    rows.iter().map(mail).collect()
}

fn counts(house: &House) -> (usize, usize, usize) {
    let count = |folder| items(house, "alice", folder).len();
    (
        count(FolderId::INBOX),
        count(FolderId::DELETED),
        count(FolderId::CALENDAR),
    )
}

#[test]
fn an_invitation_is_accepted_in_every_version_and_once() {
    for version in Version::ALL {
        for (answer, response, busy) in [(1, 3, 2), (2, 2, 1)] {
            let house = House::new();
            let mail = house.mail(&invitation("bob@example.org", "REQUEST", ""));
            let phone = house.phone(version);
            let id = format!("2:{mail}");
            let first = phone.says("MeetingResponse", &ask(answer, &id, ""));
            let [(item, event)] = &events(&house)[..] else {
                panic!("no appointment")
            };
            assert_eq!(first, result(&id, 1, Some(*item)));
            assert_eq!((event.response, event.busy), (response, busy));
            assert_eq!((event.meeting_status, event.uid.as_str()), (3, "review-1"));
            assert_eq!(event.appointment_reply_ms, Some(house.clock.now_ms()));
            assert_eq!(counts(&house), (0, 1, 1));
            // The answer was lost: nothing happens twice.
            house.clock.advance(60_000);
            let version_before = items(&house, "alice", FolderId::CALENDAR)[0].version();
            assert_eq!(phone.says("MeetingResponse", &ask(answer, &id, "")), first);
            assert_eq!(counts(&house), (0, 1, 1));
            let row = &items(&house, "alice", FolderId::CALENDAR)[0];
            assert_eq!(row.version(), version_before);
        }
    }
}

#[test]
fn what_is_declined_leaves_the_calendar() {
    let house = House::new();
    let mail = house.mail(&invitation("bob@example.org", "REQUEST", ""));
    let (phone, id) = (house.phone(Version::V14_1), format!("2:{mail}"));
    phone.says("MeetingResponse", &ask(2, &id, ""));
    assert_eq!(counts(&house), (0, 1, 1));
    // By its old name, since the device has not heard of the new one yet.
    for _ in 0..2 {
        phone.check("MeetingResponse", &ask(3, &id, ""), &result(&id, 1, None));
        assert_eq!(counts(&house), (0, 1, 0));
    }
    // Another device that knows the old name only has a word, too.
    let other = Phone {
        device: "phone2".into(),
        ..phone.clone()
    };
    let said = other.says("MeetingResponse", &ask(1, &id, ""));
    let [(item, _)] = &events(&house)[..] else {
        panic!("no appointment")
    };
    assert_eq!(said, result(&id, 1, Some(*item)));
}

#[test]
fn an_invitation_that_comes_again_changes_the_appointment_that_is_there() {
    let house = House::new();
    let first = house.mail(&invitation("bob@example.org", "REQUEST", ""));
    let phone = house.phone(Version::V12_1);
    phone.says("MeetingResponse", &ask(1, &format!("2:{first}"), ""));
    let again = invitation(
        "bob@example.org",
        "REQUEST",
        "SEQUENCE:1\nLOCATION:Room 2\n",
    );
    let again = house.mail(&again);
    let id = format!("2:{again}");
    let item = events(&house)[0].0;
    phone.check(
        "MeetingResponse",
        &ask(2, &id, ""),
        &result(&id, 1, Some(item)),
    );
    let event = &events(&house)[0].1;
    assert_eq!((event.location.as_str(), event.response), ("Room 2", 2));
    assert_eq!(counts(&house), (0, 2, 1));
}

#[test]
fn by_a_long_id_and_several_at_once() {
    let house = House::new();
    let mail = house.mail(&invitation("bob@example.org", "REQUEST", ""));
    let plain = house.mail("From: bob@example.org\n\nhello\n");
    let phone = house.phone(Version::V14_0);
    let one = |answer: u8, id: &str| {
        format!(
            "<meetingresponse:Request><meetingresponse:UserResponse>{answer}</meetingresponse:UserResponse>{id}</meetingresponse:Request>"
        )
    };
    let long = format!("<search:LongId>2:{mail}</search:LongId>");
    let all = [
        one(
            1,
            &format!("<meetingresponse:RequestId>2:{plain}</meetingresponse:RequestId>"),
        ),
        one(1, &long),
        one(4, &long),
    ]
    .concat();
    let said = phone.says(
        "MeetingResponse",
        &format!("<meetingresponse:MeetingResponse>{all}</meetingresponse:MeetingResponse>"),
    );
    let item = events(&house)[0].0;
    let status = |n: u16| format!("<meetingresponse:Status>{n}</meetingresponse:Status>");
    let results = [
        format!("<meetingresponse:Result><meetingresponse:RequestId>2:{plain}</meetingresponse:RequestId>{}</meetingresponse:Result>", status(2)),
        format!("<meetingresponse:Result>{}<meetingresponse:CalendarId>8:{item}</meetingresponse:CalendarId></meetingresponse:Result>", status(1)),
        format!("<meetingresponse:Result>{}</meetingresponse:Result>", status(2)),
    ]
    .concat();
    assert_eq!(
        said,
        format!("<meetingresponse:MeetingResponse>{results}</meetingresponse:MeetingResponse>")
    );
}

#[test]
fn what_is_no_invitation_to_this_user_is_refused() {
    let house = House::new();
    let phone = house.phone(Version::V16_1);
    let own = house.mail(&invitation("Alice@example.org", "REQUEST", ""));
    let cancel = house.mail(&invitation("bob@example.org", "CANCEL", ""));
    for mail in [own, cancel, ItemId(99)] {
        let id = format!("2:{mail}");
        phone.check("MeetingResponse", &ask(1, &id, ""), &result(&id, 2, None));
    }
    for id in ["nonsense", "8:1", "2", ""] {
        let said = phone.says("MeetingResponse", &ask(1, id, ""));
        assert!(said.contains("<meetingresponse:Status>2<"), "{id}: {said}");
    }
    let mail = house.mail(&invitation("bob@example.org", "REQUEST", ""));
    let elsewhere = format!(
        "<meetingresponse:UserResponse>1</meetingresponse:UserResponse><meetingresponse:CollectionId>4</meetingresponse:CollectionId><meetingresponse:RequestId>2:{mail}</meetingresponse:RequestId>"
    );
    let said = phone.says("MeetingResponse", &request(&elsewhere));
    assert!(said.contains("<meetingresponse:Status>2<"), "{said}");
    assert_eq!(counts(&house), (3, 0, 0));
}

#[test]
fn what_breaks_the_schema_is_refused_as_a_whole() {
    let house = House::new();
    let mail = house.mail(&invitation("bob@example.org", "REQUEST", ""));
    let id = format!("2:{mail}");
    let instance =
        "<meetingresponse:InstanceId>2026-01-05T10:00:00.000Z</meetingresponse:InstanceId>";
    let status = "<meetingresponse:MeetingResponse><meetingresponse:Result><meetingresponse:Status>103</meetingresponse:Status></meetingresponse:Result></meetingresponse:MeetingResponse>";
    house
        .phone(Version::V12_1)
        .check("MeetingResponse", &ask(1, &id, instance), "400");
    house
        .phone(Version::V14_0)
        .check("MeetingResponse", &ask(1, &id, instance), status);
    let send = "<meetingresponse:SendResponse/>";
    house
        .phone(Version::V14_1)
        .check("MeetingResponse", &ask(1, &id, send), status);
    let phone = house.phone(Version::V14_1);
    phone.check(
        "MeetingResponse",
        "<meetingresponse:MeetingResponse/>",
        status,
    );
    let one = "<meetingresponse:Request><meetingresponse:UserResponse>1</meetingresponse:UserResponse></meetingresponse:Request>";
    let many = |n: usize| {
        format!(
            "<meetingresponse:MeetingResponse>{}</meetingresponse:MeetingResponse>",
            one.repeat(n)
        )
    };
    phone.check("MeetingResponse", &many(101), status);
    assert_eq!(
        phone
            .says("MeetingResponse", &many(100))
            .matches("Status>2<")
            .count(),
        100
    );
    assert_eq!(counts(&house), (1, 0, 0));
}

#[test]
fn an_occurrence_is_answered_by_its_start() {
    let house = House::new();
    let series = invitation("bob@example.org", "REQUEST", "RRULE:FREQ=DAILY\n");
    let id = format!("2:{}", house.mail(&series));
    let phone = house.phone(Version::V14_1);
    let instance =
        |at: &str| format!("<meetingresponse:InstanceId>{at}</meetingresponse:InstanceId>");
    let status = |id: &str, at: &str, expect: u16| {
        phone.check(
            "MeetingResponse",
            &ask(1, id, &instance(at)),
            &result(id, expect, None),
        );
    };
    status(&id, "20260107T100000Z", 104);
    status(&id, "2026-01-07T10:30:00.000Z", 2);
    phone.says("MeetingResponse", &ask(1, &id, ""));
    let (item, _) = events(&house)[0];
    let event_id = format!("8:{item}");
    // In the calendar, from 14.1 on.
    let third = "2026-01-07T10:00:00.000Z";
    let said = ask(2, &event_id, &instance(third));
    for _ in 0..2 {
        phone.check("MeetingResponse", &said, &result(&event_id, 1, Some(item)));
    }
    let event = &events(&house)[0].1;
    let exception = &event.exceptions[0];
    assert_eq!((exception.response, exception.busy), (Some(2), Some(1)));
    assert_eq!((event.response, event.exceptions.len()), (3, 1));
    for _ in 0..2 {
        let said = ask(3, &event_id, &instance(third));
        phone.check("MeetingResponse", &said, &result(&event_id, 1, None));
    }
    assert!(events(&house)[0].1.exceptions[0].deleted);
    let other =
        house.mail(&invitation("bob@example.org", "REQUEST", "").replace("review-1", "review-2"));
    let id = format!("2:{other}");
    status(&id, third, 146);
}

#[test]
fn an_appointment_of_the_calendar_is_answered_from_14_1_on() {
    let house = House::new();
    let mail = house.mail(&invitation("bob@example.org", "REQUEST", ""));
    house
        .phone(Version::V14_1)
        .says("MeetingResponse", &ask(1, &format!("2:{mail}"), ""));
    let (item, _) = events(&house)[0];
    let id = format!("8:{item}");
    let old = house.phone(Version::V14_0);
    old.check("MeetingResponse", &ask(2, &id, ""), &result(&id, 2, None));
    let phone = house.phone(Version::V14_1);
    phone.check(
        "MeetingResponse",
        &ask(2, &id, ""),
        &result(&id, 1, Some(item)),
    );
    assert_eq!(events(&house)[0].1.response, 2);
    for _ in 0..2 {
        phone.check("MeetingResponse", &ask(3, &id, ""), &result(&id, 1, None));
        assert!(events(&house).is_empty());
    }
    let own = house.put(FolderId::CALENDAR, &Record::Event(Event::default()));
    let id = format!("8:{own}");
    phone.check("MeetingResponse", &ask(1, &id, ""), &result(&id, 2, None));
}

#[test]
fn the_organizer_hears_once_and_only_if_asked() {
    let house = House::new();
    let phone = house.phone(Version::V16_0);
    let mail = house.mail(&invitation("bob@example.org", "REQUEST", ""));
    let id = format!("2:{mail}");
    let words = "<meetingresponse:SendResponse><airsyncbase:Body><airsyncbase:Type>1</airsyncbase:Type><airsyncbase:Data>Gladly.</airsyncbase:Data></airsyncbase:Body></meetingresponse:SendResponse>";
    for _ in 0..2 {
        phone.says("MeetingResponse", &ask(1, &id, words));
    }
    let told = mails(&house, "bob", FolderId::INBOX);
    let [told] = &told[..] else {
        panic!("{} mails", told.len())
    };
    assert_eq!(told.subject, "Accepted: Review");
    assert_eq!(told.message_class, "IPM.Schedule.Meeting.Resp.Pos");
    assert!(told.from.contains("alice@example.org") && told.text_head.contains("Gladly."));
    let meeting = told.meeting.as_ref().unwrap();
    let answer = (meeting.method.as_str(), meeting.event.attendees[0].status);
    assert_eq!(
        (answer, meeting.event.uid.as_str()),
        (("REPLY", 3), "review-1")
    );
    assert_eq!(mails(&house, "alice", FolderId::SENT).len(), 1);
    // Without the element nobody is told.
    phone.says("MeetingResponse", &ask(3, &id, ""));
    assert_eq!(mails(&house, "bob", FolderId::INBOX).len(), 1);
    // Another time, from 16.1 on.
    let times = "<meetingresponse:SendResponse><meetingresponse:ProposedStartTime>20260106T100000Z</meetingresponse:ProposedStartTime><meetingresponse:ProposedEndTime>20260106T110000Z</meetingresponse:ProposedEndTime></meetingresponse:SendResponse>";
    phone.check("MeetingResponse", &ask(2, &id, times), "<meetingresponse:MeetingResponse><meetingresponse:Result><meetingresponse:Status>103</meetingresponse:Status></meetingresponse:Result></meetingresponse:MeetingResponse>");
    house
        .phone(Version::V16_1)
        .says("MeetingResponse", &ask(2, &id, times));
    let subjects: Vec<_> = mails(&house, "bob", FolderId::INBOX)
        .iter()
        .map(|m| m.subject.clone())
        .collect();
    assert!(
        subjects.contains(&"New Time Proposed: Review".to_owned()),
        "{subjects:?}"
    );
}

#[test]
fn an_organizer_who_cannot_be_told_costs_the_answer() {
    let house = House::new();
    let mail = house.mail(&invitation("ann@elsewhere.example", "REQUEST", ""));
    let id = format!("2:{mail}");
    let phone = house.phone(Version::V16_1);
    let send = "<meetingresponse:SendResponse/>";
    phone.check("MeetingResponse", &ask(1, &id, send), &result(&id, 4, None));
    assert_eq!(counts(&house), (1, 0, 0));
    let (said, _) = (phone.says("MeetingResponse", &ask(1, &id, "")), ());
    assert!(said.contains("<meetingresponse:Status>1<"), "{said}");
}

#[test]
fn an_invitation_of_a_neighbour_says_what_it_is() {
    let house = House::new();
    let bob = Phone {
        user: "bob",
        ..house.phone(Version::V14_1)
    };
    // A sign that the text form of a document has no place for.
    let mime = invitation("bob@example.org", "REQUEST", "").replace(['<', '>'], "");
    let mime = mime.replace('\n', "|");
    let send = format!(
        "<composemail:SendMail><composemail:ClientId>c1</composemail:ClientId><composemail:Mime>{mime}</composemail:Mime></composemail:SendMail>"
    );
    bob.check("SendMail", &send, "");
    let meeting = mails(&house, "alice", FolderId::INBOX)[0].meeting.clone();
    let meeting = meeting.unwrap();
    assert_eq!(
        (meeting.method.as_str(), meeting.event.response),
        ("REQUEST first", 5)
    );
    let id = format!("2:{}", items(&house, "alice", FolderId::INBOX)[0].item);
    house
        .phone(Version::V2_5)
        .says("MeetingResponse", &ask(1, &id, ""));
    assert_eq!(counts(&house), (0, 1, 1));
}
