//! Items as phones make them, in the form of each version.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use roost::wbxml::Tag;
use roost::wbxml::tags::{airsyncbase, calendar, contacts, contacts2, email, notes, tasks};
use roost_load::tree::{node, text};
use roost_load::{Class, Node, SyncCommand, Version};

/// The folder type of each class that has items of the client's making.
pub(crate) fn own_classes(version: Version) -> Vec<(Class, u32)> {
    let mut classes = vec![
        (Class::Contacts, 9),
        (Class::Calendar, 8),
        (Class::Tasks, 7),
    ];
    if version >= Version::V14_0 {
        classes.push((Class::Notes, 10));
    }
    classes
}

/// A new item.
pub(crate) fn add(class: Class, version: Version, title: &str) -> SyncCommand {
    let client_id = format!("new-{title}").replace(' ', "-");
    SyncCommand::Add {
        client_id,
        properties: item(class, version, title),
    }
}

/// The properties of an item with this title.
pub(crate) fn item(class: Class, version: Version, title: &str) -> Vec<Node> {
    match class {
        Class::Contacts => contact(version, title),
        Class::Calendar => event(version, title),
        Class::Tasks => task(version, title),
        Class::Notes => note(title),
        Class::Email => message(version, title),
    }
}

/// The property that holds the title.
pub(crate) fn title(class: Class) -> Tag {
    match class {
        Class::Contacts => contacts::LAST_NAME,
        Class::Calendar => calendar::SUBJECT,
        Class::Tasks => tasks::SUBJECT,
        Class::Notes => notes::SUBJECT,
        Class::Email => email::SUBJECT,
    }
}

fn contact(version: Version, name: &str) -> Vec<Node> {
    vec![
        text(contacts::FILE_AS, format!("{name}, Zo\u{eb}")),
        text(contacts::FIRST_NAME, "Zo\u{eb}"),
        text(contacts::LAST_NAME, name),
        text(contacts::EMAIL1_ADDRESS, "zoe@example.org"),
        text(contacts::MOBILE_PHONE_NUMBER, "+49 123 4567"),
        text(contacts::BUSINESS_ADDRESS_CITY, "K\u{f6}ln"),
        body(version, contacts::BODY, "A contact's note"),
        text(contacts2::NICK_NAME, "Z"),
    ]
}

fn event(version: Version, subject: &str) -> Vec<Node> {
    let modern = version >= Version::V16_0;
    // 172 bytes of zero: UTC without daylight saving time.
    let mut event = vec![text(calendar::TIMEZONE, STANDARD.encode([0; 172]))];
    if !modern {
        event.push(text(calendar::DT_STAMP, "20260101T000000Z"));
    }
    event.extend([
        text(calendar::START_TIME, "20270315T090000Z"),
        text(calendar::SUBJECT, subject),
    ]);
    if !modern {
        event.push(text(
            calendar::UID,
            format!("uid-of-{}", subject.replace(' ', "-")),
        ));
        event.push(text(calendar::LOCATION, "Room 7"));
    }
    event.extend([
        text(calendar::END_TIME, "20270315T100000Z"),
        text(calendar::SENSITIVITY, "0"),
        text(calendar::BUSY_STATUS, "2"),
        text(calendar::ALL_DAY_EVENT, "0"),
        text(calendar::REMINDER, "15"),
        text(calendar::MEETING_STATUS, "0"),
        node(
            calendar::RECURRENCE,
            vec![
                text(calendar::TYPE, "1"),
                text(calendar::INTERVAL, "1"),
                text(calendar::DAY_OF_WEEK, "2"),
                text(calendar::OCCURRENCES, "5"),
            ],
        ),
        body(version, calendar::BODY, "An event's note"),
    ]);
    if modern {
        let place = vec![text(airsyncbase::DISPLAY_NAME, "Room 7")];
        event.push(node(airsyncbase::LOCATION, place));
    }
    event
}

fn task(version: Version, subject: &str) -> Vec<Node> {
    vec![
        body(version, tasks::BODY, "A task's note"),
        text(tasks::SUBJECT, subject),
        text(tasks::IMPORTANCE, "2"),
        text(tasks::UTC_START_DATE, "2027-03-15T08:00:00.000Z"),
        text(tasks::START_DATE, "2027-03-15T09:00:00.000Z"),
        text(tasks::UTC_DUE_DATE, "2027-03-16T08:00:00.000Z"),
        text(tasks::DUE_DATE, "2027-03-16T09:00:00.000Z"),
        text(tasks::COMPLETE, "0"),
        text(tasks::SENSITIVITY, "0"),
        text(tasks::REMINDER_SET, "0"),
    ]
}

fn note(subject: &str) -> Vec<Node> {
    vec![
        text(notes::SUBJECT, subject),
        body(Version::V14_0, airsyncbase::BODY, "What the note says"),
        text(notes::MESSAGE_CLASS, "IPM.StickyNote"),
        text(notes::LAST_MODIFIED_DATE, "20260101T100000Z"),
    ]
}

fn message(version: Version, subject: &str) -> Vec<Node> {
    vec![
        text(email::TO, "\"Bob\" <bob@example.org>"),
        text(email::SUBJECT, subject),
        body(version, email::BODY, "What the mail says"),
        text(email::IMPORTANCE, "1"),
        text(email::READ, "1"),
    ]
}

/// A plain text body: of the class's own page in 2.5, of AirSyncBase since.
fn body(version: Version, old: Tag, content: &str) -> Node {
    if version == Version::V2_5 {
        return text(old, content);
    }
    let children = vec![
        text(airsyncbase::TYPE, "1"),
        text(airsyncbase::DATA, content),
    ];
    node(airsyncbase::BODY, children)
}

/// The bytes of the attachment that [`mail`] carries.
pub(crate) const ATTACHMENT: &[u8] = b"%PDF-1.4 not really, but bytes: \x00\x01\xfe\xff";

/// A message with an attachment.
pub(crate) fn mail(subject: &str) -> Vec<u8> {
    let attachment = STANDARD.encode(ATTACHMENT);
    let id = subject.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    format!(
        "From: \"Sender, A.\" <sender@elsewhere.example>\r\n\
         To: alice@example.org\r\n\
         Subject: {subject}\r\n\
         Date: Mon, 01 Jun 2026 10:00:00 +0200\r\n\
         Message-ID: <{id}@elsewhere.example>\r\n\
         MIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=\"b1\"\r\n\r\n\
         --b1\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\
         Content-Transfer-Encoding: quoted-printable\r\n\r\n\
         Gr=FC=DFe aus der Mail {subject}\r\n\
         --b1\r\nContent-Type: application/pdf; name=\"paper.pdf\"\r\n\
         Content-Disposition: attachment; filename=\"paper.pdf\"\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{attachment}\r\n--b1--\r\n"
    )
    .into_bytes()
}

/// An invitation of somebody to alice, to a meeting with this title.
pub(crate) fn invitation(organizer: &str, subject: &str) -> Vec<u8> {
    format!(
        "From: {organizer}\r\nTo: alice@example.org\r\nSubject: {subject}\r\n\
         Message-ID: <{subject}@elsewhere.example>\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/calendar; charset=utf-8; method=REQUEST\r\n\r\n\
         BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\n\
         UID:{subject}\r\nSUMMARY:{subject}\r\nDTSTAMP:20260601T080000Z\r\n\
         DTSTART:20260702T080000Z\r\nDTEND:20260702T090000Z\r\nORGANIZER:mailto:{organizer}\r\n\
         ATTENDEE;RSVP=TRUE:mailto:alice@example.org\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    .into_bytes()
}

/// A message as a phone sends it.
pub(crate) fn outgoing(to: &str, subject: &str) -> Vec<u8> {
    format!(
        "From: alice@example.org\r\nTo: {to}\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\r\nSent from a phone.\r\n"
    )
    .into_bytes()
}
