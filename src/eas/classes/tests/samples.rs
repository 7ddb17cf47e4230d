//! Records with everything in them, and with nothing.

use crate::eas::options::{BodyPreference, Options};
use crate::eas::version::Version;
use crate::pim::body::{BlobRef, BodyKind};
use crate::pim::event::Meeting;
use crate::pim::message::{Flag, Transfer};
use crate::pim::task::TaskRecurrence;
use crate::pim::{
    Attendee, Body, Contact, ContactField, Event, Exception, Message, Note, Part, Record,
    Recurrence, Task, tz,
};

/// 2026-11-22T13:00:00Z.
pub(super) const NOW_MS: i64 = 1_795_352_400_000;
pub(super) const HOUR_MS: i64 = 3_600_000;

/// Options that ask for text, whole.
pub(super) fn options(version: Version) -> Options {
    let mut options = Options::default();
    if version > Version::V2_5 {
        options.bodies[0] = Some(preference(BodyKind::Text));
    }
    options
}

pub(super) fn preference(kind: BodyKind) -> BodyPreference {
    BodyPreference {
        kind,
        limit: None,
        all_or_none: false,
        preview: None,
    }
}

pub(super) fn all() -> Vec<Record> {
    vec![
        Record::Message(mail()),
        Record::Contact(contact()),
        Record::Event(series()),
        Record::Task(task()),
        Record::Note(note()),
    ]
}

pub(super) fn empty() -> Vec<Record> {
    vec![
        Record::Message(bare_mail()),
        Record::Contact(Contact::default()),
        Record::Event(Event::default()),
        Record::Task(Task::default()),
        Record::Note(Note::default()),
    ]
}

pub(super) fn text(text: &str) -> Body {
    Body {
        kind: BodyKind::Text,
        text: text.to_owned(),
        blob: None,
    }
}

pub(super) fn blob(bytes: u64) -> BlobRef {
    BlobRef {
        hash: [7; 32],
        bytes,
    }
}

fn strings(all: &[&str]) -> Vec<String> {
    all.iter().map(|s| (*s).to_owned()).collect()
}

pub(super) fn bare_mail() -> Message {
    Message {
        mime: blob(900),
        message_id: String::new(),
        conversation_id: [0; 16],
        conversation_index: Vec::new(),
        from: String::new(),
        sender: String::new(),
        to: String::new(),
        cc: String::new(),
        bcc: String::new(),
        reply_to: String::new(),
        display_to: String::new(),
        subject: String::new(),
        topic: String::new(),
        received_ms: 0,
        sent_ms: 0,
        importance: 1,
        code_page: 65001,
        message_class: String::new(),
        native: BodyKind::Text,
        text_head: String::new(),
        text_bytes: 0,
        html_bytes: 0,
        parts: Vec::new(),
        read: false,
        draft: false,
        last_verb: 0,
        last_verb_ms: 0,
        flag: None,
        categories: Vec::new(),
        meeting: None,
    }
}

pub(super) fn mail() -> Message {
    let part = Part {
        index: 3,
        body_from: 10,
        body_to: 20,
        encoding: Transfer::Base64,
        name: "a.pdf".to_owned(),
        content_type: "application/pdf".to_owned(),
        content_id: "cid@x".to_owned(),
        content_location: "loc".to_owned(),
        inline: true,
        embedded: false,
        bytes: 4711,
    };
    Message {
        conversation_id: [9; 16],
        conversation_index: vec![1; 5],
        from: "\"Bob\" <bob@example.org>".to_owned(),
        sender: "list@example.org".to_owned(),
        to: "\"Anna\" <anna@example.org>".to_owned(),
        cc: "c@example.org".to_owned(),
        bcc: "d@example.org".to_owned(),
        reply_to: "r@example.org".to_owned(),
        display_to: "Anna".to_owned(),
        subject: "Re: Grüße".to_owned(),
        topic: "Grüße".to_owned(),
        received_ms: NOW_MS,
        message_class: "IPM.Schedule.Meeting.Request".to_owned(),
        text_head: "Hello\r\nWorld".to_owned(),
        text_bytes: 12,
        parts: vec![part],
        last_verb: 1,
        last_verb_ms: NOW_MS,
        flag: Some(flag()),
        categories: strings(&["Red"]),
        meeting: Some(Box::new(Meeting {
            method: "REQUEST".to_owned(),
            recurrence_id_ms: Some(NOW_MS),
            event: series(),
        })),
        ..bare_mail()
    }
}

pub(super) fn flag() -> Flag {
    Flag {
        status: 1,
        kind: "Follow up".to_owned(),
        subject: "do it".to_owned(),
        start_ms: Some(NOW_MS),
        utc_start_ms: Some(NOW_MS - HOUR_MS),
        due_ms: Some(NOW_MS + HOUR_MS),
        utc_due_ms: Some(NOW_MS),
        completed_ms: Some(NOW_MS),
        complete_time_ms: Some(NOW_MS),
        reminder_set: true,
        reminder_ms: Some(NOW_MS),
        ordinal_ms: Some(NOW_MS),
        sub_ordinal: "5555555".to_owned(),
    }
}

/// Every field of a contact, in letters that are not ASCII.
pub(super) fn contact() -> Contact {
    let mut contact = Contact {
        birthday_ms: Some(951_782_400_000),
        anniversary_ms: Some(0),
        categories: strings(&["Friends", "Blue"]),
        children: strings(&["Kim"]),
        body: text("likes tea"),
        created_ms: NOW_MS,
        ..Contact::default()
    };
    for field in ContactField::ALL {
        contact.set(*field, format!("Ü {field:?}"));
    }
    contact.set(ContactField::WeightedRank, "5");
    contact
}

pub(super) fn person(name: &str, status: u8, kind: u8) -> Attendee {
    Attendee {
        name: name.to_owned(),
        email: format!("{name}@example.org"),
        status,
        kind,
    }
}

/// Weekly in Berlin, with a changed and a deleted occurrence.
pub(super) fn series() -> Event {
    let week = 7 * 24 * HOUR_MS;
    let changed = Exception {
        original_ms: NOW_MS + week,
        subject: Some("moved".to_owned()),
        location: Some("elsewhere".to_owned()),
        start_ms: Some(NOW_MS + week + HOUR_MS),
        end_ms: Some(NOW_MS + week + 2 * HOUR_MS),
        all_day: Some(false),
        busy: Some(3),
        sensitivity: Some(2),
        reminder_min: Some(Some(5)),
        categories: Some(strings(&["Green"])),
        body: Some(text("other text")),
        stamp_ms: Some(NOW_MS),
        ..Exception::default()
    };
    let deleted = Exception {
        original_ms: NOW_MS + 2 * week,
        deleted: true,
        ..Exception::default()
    };
    Event {
        uid: "uid-1@example.org".to_owned(),
        subject: "Jour fixe".to_owned(),
        location: "Room 1".to_owned(),
        start_ms: NOW_MS,
        end_ms: NOW_MS + HOUR_MS,
        zone: "Europe/Berlin".to_owned(),
        zone_blob: tz::blob_of("Europe/Berlin", 2026).unwrap().to_vec(),
        stamp_ms: NOW_MS,
        busy: 2,
        sensitivity: 1,
        reminder_min: Some(15),
        organizer_name: "Bob".to_owned(),
        organizer_email: "bob@example.org".to_owned(),
        meeting_status: 1,
        attendees: vec![person("anna", 3, 1), person("carl", 0, 2)],
        categories: strings(&["Work"]),
        recurrence: Some(Recurrence {
            kind: 1,
            interval: 2,
            day_of_week: Some(1),
            until_ms: Some(NOW_MS + 20 * week),
            ..Recurrence::default()
        }),
        exceptions: vec![changed, deleted],
        response_requested: true,
        body: text("agenda"),
        created_ms: NOW_MS,
        ..Event::default()
    }
}

/// One whole day in Berlin: the 24th of December 2026, which begins at 23:00 UTC.
pub(super) fn whole_day() -> Event {
    let start = 1_798_070_400_000 - HOUR_MS;
    Event {
        uid: "day".to_owned(),
        subject: "Christmas Eve".to_owned(),
        start_ms: start,
        end_ms: start + 24 * HOUR_MS,
        all_day: true,
        zone: "Europe/Berlin".to_owned(),
        zone_blob: tz::blob_of("Europe/Berlin", 2026).unwrap().to_vec(),
        stamp_ms: NOW_MS,
        created_ms: NOW_MS,
        ..Event::default()
    }
}

pub(super) fn task() -> Task {
    Task {
        subject: "Taxes".to_owned(),
        importance: 2,
        complete: true,
        completed_ms: Some(NOW_MS),
        start_ms: Some(NOW_MS + HOUR_MS),
        utc_start_ms: Some(NOW_MS),
        due_ms: Some(NOW_MS + 2 * HOUR_MS),
        utc_due_ms: Some(NOW_MS + HOUR_MS),
        sensitivity: 3,
        reminder_set: true,
        reminder_ms: Some(NOW_MS),
        categories: strings(&["Home"]),
        recurrence: Some(TaskRecurrence {
            rule: Recurrence {
                kind: 6,
                interval: 1,
                day_of_week: Some(62),
                week_of_month: Some(5),
                month_of_year: Some(11),
                occurrences: Some(10),
                ..Recurrence::default()
            },
            start_ms: NOW_MS,
            regenerate: true,
            dead_occur: false,
        }),
        ordinal_ms: Some(NOW_MS),
        sub_ordinal: "5".to_owned(),
        body: text("with receipts"),
        created_ms: NOW_MS,
        ..Task::default()
    }
}

pub(super) fn note() -> Note {
    Note {
        subject: "Milk".to_owned(),
        message_class: "IPM.StickyNote".to_owned(),
        modified_ms: NOW_MS,
        categories: strings(&["Yellow"]),
        body: text("Milk\nBread"),
        created_ms: NOW_MS,
    }
}
