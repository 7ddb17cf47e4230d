//! Every property that the server can write, filled, in every version: what no device of the tests
//! happens to ask for validates too. No sockets here: the encoder's output, held against the same
//! two judges as the server's answers.

use super::wire::{self, Seen};
use roost::eas::classes::{Context, Fetched, encode, needs};
use roost::eas::options::{BodyPreference, Options};
use roost::eas::quirks::Quirks;
use roost::eas::version::Version as Served;
use roost::pim::body::{BlobRef, Body, BodyKind};
use roost::pim::contact::ContactField;
use roost::pim::event::{Attendee, Exception, Meeting, Recurrence};
use roost::pim::message::Flag;
use roost::pim::task::TaskRecurrence;
use roost::pim::{Contact, Event, Message, Note, Record, RecordRef, Task, mail};
use roost::wbxml::Writer;
use roost::wbxml::tags::airsync;
use roost_load::Version;
use std::fs;
use std::path::Path;

/// 2027-03-15T09:00:00Z.
const NOW_MS: i64 = 1_805_101_200_000;
const HOUR_MS: i64 = 3_600_000;

#[test]
fn all_properties_of_all_classes_validate() {
    let mut records = vec![
        Record::Contact(contact()),
        Record::Contact(Contact::default()),
        Record::Event(Event::default()),
        Record::Task(task()),
        Record::Task(Task::default()),
        Record::Note(note()),
        Record::Note(Note::default()),
    ];
    records.extend(
        (0..=6)
            .filter(|n| *n != 4)
            .map(|kind| Record::Event(event(kind))),
    );
    records.extend(messages().into_iter().map(Record::Message));
    let mut seen = Vec::new();
    for version in Version::ALL {
        let served = Served::parse(version.text()).unwrap();
        for record in &records {
            if matches!(record, Record::Note(_)) && version < Version::V14_0 {
                continue;
            }
            for options in options(version) {
                let document = sync(record, &options, served);
                seen.push(Seen {
                    what: format!("{options:?}\n{record:?}"),
                    version,
                    document,
                });
            }
        }
    }
    wire::check(&seen);
}

/// No preference, and each kind of body, whole and cut.
fn options(version: Version) -> Vec<Options> {
    let mut all = vec![Options::default()];
    if version == Version::V2_5 {
        let cut = Options {
            truncation: Some(1),
            mime_support: 2,
            ..Options::default()
        };
        all.push(Options {
            truncation: Some(9),
            ..Options::default()
        });
        all.push(Options {
            mime_truncation: Some(8),
            ..cut
        });
        return all;
    }
    for kind in [BodyKind::Text, BodyKind::Html, BodyKind::Mime] {
        for limit in [None, Some(10)] {
            let preview = (version >= Version::V14_0).then_some(60);
            let wanted = BodyPreference {
                kind,
                limit,
                all_or_none: false,
                preview,
            };
            let mime_support = if kind == BodyKind::Mime { 2 } else { 0 };
            let bodies = [Some(wanted), None, None, None];
            all.push(Options {
                bodies,
                mime_support,
                ..Options::default()
            });
        }
    }
    if version >= Version::V14_1 {
        let kind = BodyKind::Html;
        let part = BodyPreference {
            kind,
            limit: None,
            all_or_none: false,
            preview: None,
        };
        all.push(Options {
            body_part: Some(part),
            ..all[1]
        });
    }
    all
}

/// A Sync answer that adds the record.
fn sync(record: &Record, options: &Options, version: Served) -> Vec<u8> {
    let stored = record.to_stored(NOW_MS).unwrap();
    let (archived, _) = RecordRef::read(&stored).unwrap();
    let need = needs(archived, options, version);
    let fetched = match record {
        Record::Message(_) => {
            Fetched::mail(&need, b"Subject: x\r\n\r\nThe \xfcber mail\r\n".to_vec())
        }
        _ => Fetched {
            body: Some("A long body. ".repeat(3000)),
            picture: Some(vec![0xFF, 0xD8, 0xFF]),
            ..Fetched::default()
        },
    };
    let mut w = Writer::new();
    for tag in [airsync::SYNC, airsync::COLLECTIONS, airsync::COLLECTION] {
        w.open(tag);
    }
    for (tag, value) in [
        (airsync::SYNC_KEY, "2"),
        (airsync::COLLECTION_ID, "2"),
        (airsync::STATUS, "1"),
    ] {
        w.text(tag, value);
    }
    w.open(airsync::COMMANDS);
    w.open(airsync::ADD);
    w.text(airsync::SERVER_ID, "2:1");
    w.open(airsync::APPLICATION_DATA);
    encode(
        &mut w,
        archived,
        &Context {
            version,
            options,
            item: (2, 1),
            fetched: &fetched,
            quirks: Quirks::default(),
        },
    );
    (0..6).for_each(|_| w.close());
    w.finish()
}

fn blob() -> BlobRef {
    BlobRef {
        hash: [7; 32],
        bytes: 39_000,
    }
}

fn body(kind: BodyKind) -> Body {
    let text = match kind {
        BodyKind::Html => "<html><body><p>Gr\u{fc}\u{df}e &amp; more</p></body></html>",
        _ => "Gr\u{fc}\u{df}e\r\n<and> & more",
    };
    Body {
        kind,
        text: text.to_owned(),
        blob: None,
    }
}

fn categories() -> Vec<String> {
    vec!["Red".to_owned(), "A & B".to_owned()]
}

fn contact() -> Contact {
    let mut contact = Contact {
        birthday_ms: Some(-NOW_MS),
        anniversary_ms: Some(NOW_MS),
        categories: categories(),
        children: vec!["Zo\u{eb}".to_owned()],
        picture: Some(blob()),
        body: Body {
            kind: BodyKind::Text,
            text: String::new(),
            blob: Some(blob()),
        },
        ..Contact::default()
    };
    for field in ContactField::ALL {
        let value = match field {
            ContactField::WeightedRank => "3".to_owned(),
            field => format!("{field:?} \u{e4}"),
        };
        contact.set(*field, value);
    }
    contact
}

/// An event of each kind of series: 0 daily, 1 weekly, 2 and 3 monthly, 5 and 6 yearly.
fn event(kind: u8) -> Event {
    let attendee = |status, kind| Attendee {
        name: "Bob B.".to_owned(),
        email: "bob@example.org".to_owned(),
        status,
        kind,
    };
    Event {
        uid: "040000008200E00074C5B7101A82E008".to_owned(),
        subject: "Meeting".to_owned(),
        location: "Room 7".to_owned(),
        start_ms: NOW_MS,
        end_ms: NOW_MS + HOUR_MS,
        all_day: kind == 5,
        zone: "Europe/Berlin".to_owned(),
        stamp_ms: NOW_MS,
        busy: 2,
        sensitivity: 2,
        reminder_min: Some(15),
        organizer_name: "Alice A.".to_owned(),
        organizer_email: "alice@example.org".to_owned(),
        meeting_status: 1,
        attendees: vec![
            attendee(0, 1),
            attendee(3, 2),
            attendee(4, 3),
            attendee(5, 1),
        ],
        categories: categories(),
        recurrence: Some(recurrence(kind)),
        exceptions: exceptions(attendee(2, 1)),
        response_requested: true,
        disallow_new_time: true,
        response: 3,
        appointment_reply_ms: Some(NOW_MS),
        sequence: 2,
        online_meeting_conf: "sip:a".to_owned(),
        online_meeting_external: "https://meet.example.org/a".to_owned(),
        body: body(if kind == 0 {
            BodyKind::Html
        } else {
            BodyKind::Text
        }),
        created_ms: NOW_MS,
        ..Event::default()
    }
}

fn exceptions(attendee: Attendee) -> Vec<Exception> {
    let deleted = Exception {
        original_ms: NOW_MS + 24 * HOUR_MS,
        deleted: true,
        ..Exception::default()
    };
    let changed = Exception {
        original_ms: NOW_MS + 48 * HOUR_MS,
        subject: Some("Moved".to_owned()),
        location: Some(String::new()),
        start_ms: Some(NOW_MS + 50 * HOUR_MS),
        end_ms: Some(NOW_MS + 51 * HOUR_MS),
        all_day: Some(false),
        busy: Some(1),
        sensitivity: Some(0),
        reminder_min: Some(None),
        meeting_status: Some(1),
        attendees: Some(vec![attendee]),
        categories: Some(categories()),
        body: Some(body(BodyKind::Text)),
        response: Some(2),
        appointment_reply_ms: Some(NOW_MS),
        stamp_ms: Some(NOW_MS),
        ..Exception::default()
    };
    let bare = Exception {
        original_ms: NOW_MS + 72 * HOUR_MS,
        ..Exception::default()
    };
    vec![deleted, changed, bare]
}

fn recurrence(kind: u8) -> Recurrence {
    let by_day = matches!(kind, 1 | 3 | 6);
    Recurrence {
        kind,
        interval: 2,
        day_of_week: by_day.then_some(2),
        day_of_month: matches!(kind, 2 | 5).then_some(15),
        week_of_month: matches!(kind, 3 | 6).then_some(5),
        month_of_year: matches!(kind, 5 | 6).then_some(3),
        until_ms: kind.is_multiple_of(2).then_some(NOW_MS + 9000 * HOUR_MS),
        occurrences: (kind % 2 == 1).then_some(12),
        first_day_of_week: (kind == 1).then_some(1),
        calendar_type: u8::from(kind != 1),
        leap_month: false,
    }
}

fn task() -> Task {
    Task {
        subject: "Do it".to_owned(),
        importance: 2,
        complete: true,
        completed_ms: Some(NOW_MS),
        start_ms: Some(NOW_MS),
        utc_start_ms: Some(NOW_MS - HOUR_MS),
        due_ms: Some(NOW_MS + HOUR_MS),
        utc_due_ms: Some(NOW_MS),
        sensitivity: 3,
        reminder_set: true,
        reminder_ms: Some(NOW_MS),
        categories: categories(),
        recurrence: Some(TaskRecurrence {
            rule: recurrence(1),
            start_ms: NOW_MS,
            regenerate: true,
            dead_occur: true,
        }),
        ordinal_ms: Some(NOW_MS),
        sub_ordinal: "5555".to_owned(),
        body: body(BodyKind::Text),
        uid: String::new(),
        created_ms: NOW_MS,
    }
}

fn note() -> Note {
    Note {
        subject: "A note".to_owned(),
        message_class: "IPM.StickyNote".to_owned(),
        modified_ms: NOW_MS,
        categories: categories(),
        body: body(BodyKind::Html),
        created_ms: NOW_MS,
    }
}

/// The fixtures, each also with all that happens to a mail later.
fn messages() -> Vec<Message> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/mail");
    let mut messages = Vec::new();
    for (n, entry) in fs::read_dir(folder).unwrap().enumerate() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "eml") {
            continue;
        }
        let (message, inspected) = mail::inspect(&fs::read(path).unwrap(), NOW_MS);
        messages.push(message.clone());
        let invitation = inspected.calendar.map(|calendar| {
            Box::new(Meeting {
                method: calendar.method,
                recurrence_id_ms: n.is_multiple_of(2).then_some(NOW_MS),
                event: event(u8::try_from(n % 4).unwrap()),
            })
        });
        messages.push(Message {
            read: true,
            draft: n.is_multiple_of(2),
            bcc: "hidden@example.org".to_owned(),
            last_verb: 1,
            last_verb_ms: NOW_MS,
            flag: Some(flag(n % 3)),
            categories: categories(),
            meeting: invitation,
            conversation_index: vec![1, 0xD0, 0xFF, 0, 5],
            ..message
        });
    }
    messages
}

/// A flag that is cleared, done, or set.
fn flag(n: usize) -> Flag {
    let set = Flag {
        status: 2,
        kind: "Follow up".to_owned(),
        subject: "Answer".to_owned(),
        start_ms: Some(NOW_MS),
        utc_start_ms: Some(NOW_MS - HOUR_MS),
        due_ms: Some(NOW_MS),
        utc_due_ms: Some(NOW_MS - HOUR_MS),
        reminder_set: true,
        reminder_ms: Some(NOW_MS),
        ordinal_ms: Some(NOW_MS),
        sub_ordinal: "5".to_owned(),
        ..Flag::default()
    };
    let (completed_ms, complete_time_ms) = (Some(NOW_MS), Some(NOW_MS));
    match n {
        0 => Flag::default(),
        1 => Flag {
            status: 1,
            completed_ms,
            complete_time_ms,
            ..set
        },
        _ => set,
    }
}
