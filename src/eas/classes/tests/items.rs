//! Contacts, tasks and notes; and bodies, which they share.

use super::samples::{self, preference};
use super::*;
use crate::eas::options::BodyPreference;
use crate::eas::quirks::Quirk;
use crate::limits::BODY_INLINE_BYTES_MAX;
use crate::pim::{BodyKind, Contact, ContactField, Note, Task};
use crate::wbxml::tags::{airsyncbase, contacts, notes, tasks};

fn back(record: &Record, version: Version, existing: Option<Record>) -> Record {
    let document = encoded(
        record,
        &samples::options(version),
        version,
        &Fetched::default(),
    );
    let supported = Supported::default();
    decoded(
        &document,
        record.class(),
        existing,
        &source(version, &supported),
    )
    .unwrap()
    .record
    .unwrap()
}

#[test]
fn they_come_back() {
    for record in [
        Record::Contact(samples::contact()),
        Record::Task(samples::task()),
        Record::Note(samples::note()),
    ] {
        for version in versions(record.class()) {
            // Onto itself: what the version cannot say stays.
            let again = back(&record, version, Some(record.clone()));
            assert_eq!(again, record, "{version}");
        }
        // 16.1 can say all of it.
        assert_eq!(back(&record, Version::V16_1, None), record);
    }
}

#[test]
fn an_old_version_says_less() {
    let Record::Contact(c) = back(&Record::Contact(samples::contact()), Version::V12_1, None)
    else {
        panic!("not a contact");
    };
    assert_eq!(c.get(ContactField::Alias), "");
    assert_eq!(c.get(ContactField::Mms), "Ü Mms");
    let old = xml(
        &Record::Contact(samples::contact()),
        &Options::default(),
        Version::V2_5,
    );
    assert!(
        old.contains("<contacts:Body>likes tea</contacts:Body>"),
        "{old}"
    );
    assert!(old.contains("<contacts:BodySize>9</contacts:BodySize>"));
    assert!(old.contains("<contacts:Birthday>2000-02-29T00:00:00.000Z</contacts:Birthday>"));
}

#[test]
fn what_a_contact_change_leaves_out() {
    let document = data(|w| {
        w.text(contacts::FIRST_NAME, "Ann");
        w.empty(contacts::COMPANY_NAME);
        w.empty(contacts::PICTURE);
    });
    let mut before = samples::contact();
    before.picture = Some(samples::blob(9));
    let change = |supported: &Supported, version| {
        let existing = Some(Record::Contact(before.clone()));
        let source = Source {
            quirks: Quirks::default().with(Quirk::EmptyPictureKept),
            ..source(version, supported)
        };
        let d = decoded(&document, Class::Contacts, existing, &source).unwrap();
        match d.record {
            Some(Record::Contact(c)) if d.uploads.is_empty() => c,
            _ => panic!("not a contact, or with a picture"),
        }
    };
    let check = |c: &Contact, spouse: &str, birthday: bool, alias: &str| {
        assert_eq!(c.get(ContactField::FirstName), "Ann");
        assert_eq!(
            c.get(ContactField::CompanyName),
            "",
            "an empty element deletes"
        );
        assert_eq!(c.get(ContactField::Spouse), spouse);
        assert_eq!(c.birthday_ms.is_some(), birthday);
        assert_eq!(c.get(ContactField::Alias), alias);
        assert_eq!(
            c.picture, before.picture,
            "an empty picture of an iPhone means unchanged"
        );
        assert_eq!(c.body, before.body, "notes stay");
    };
    check(
        &change(&Supported::default(), Version::V16_1),
        "",
        false,
        "",
    );
    // A client of 12.1 knows no Alias, so it cannot delete it.
    check(
        &change(&Supported::default(), Version::V12_1),
        "",
        false,
        "Ü Alias",
    );
    let list = |tags: &[Tag]| {
        let bytes = data(|w| tags.iter().for_each(|t| w.empty(*t)));
        let mut r = Reader::new(&bytes).unwrap();
        r.root().unwrap();
        Supported::decode(&mut r).unwrap()
    };
    check(
        &change(&list(&[]), Version::V14_1),
        "Ü Spouse",
        true,
        "Ü Alias",
    );
    check(
        &change(&list(&[contacts::SPOUSE]), Version::V14_1),
        "",
        true,
        "Ü Alias",
    );
}

#[test]
fn pictures() {
    let supported = Supported::default();
    let read = |text: &str| {
        let document = data(|w| w.text(contacts::PICTURE, text));
        decoded(
            &document,
            Class::Contacts,
            None,
            &source(Version::V14_1, &supported),
        )
        .map(|d| d.uploads)
    };
    assert_eq!(read("AQID"), Ok(vec![(Slot::Picture, vec![1, 2, 3])]));
    assert_eq!(read("AQ\r\n"), Ok(vec![(Slot::Picture, vec![1])]));
    assert_eq!(read("%%"), Err(Error::Value(contacts::PICTURE)));
    assert_eq!(
        read(&"A".repeat(60 * 1024)),
        Err(Error::Many(contacts::PICTURE))
    );
    let mut contact = samples::contact();
    contact.picture = Some(samples::blob(3));
    let record = Record::Contact(contact);
    let options = Options::default();
    assert_eq!(
        needed(&record, &options, Version::V14_1).picture,
        Some(samples::blob(3))
    );
    let fetched = Fetched {
        picture: Some(vec![1, 2, 3]),
        ..Fetched::default()
    };
    let document = encoded(&record, &options, Version::V14_1, &fetched);
    assert!(
        dump(&document)
            .unwrap()
            .contains("<contacts:Picture>AQID</contacts:Picture>")
    );
}

#[test]
fn empty_containers_are_taken_everywhere() {
    let supported = Supported::default();
    let check = |class, tags: &[Tag], expect: Record| {
        for blank in ["", " "] {
            let document = data(|w| tags.iter().for_each(|tag| w.text(*tag, blank)));
            let d = decoded(&document, class, None, &source(Version::V14_1, &supported)).unwrap();
            assert_eq!(d.record, Some(expect.clone()));
        }
    };
    let contact = Contact {
        created_ms: samples::NOW_MS,
        ..Contact::default()
    };
    check(
        Class::Contacts,
        &[
            contacts::CATEGORIES,
            contacts::CHILDREN,
            contacts::BIRTHDAY,
            airsyncbase::BODY,
        ],
        Record::Contact(contact),
    );
    let task = Task {
        importance: 1,
        created_ms: samples::NOW_MS,
        ..Task::default()
    };
    check(
        Class::Tasks,
        &[
            tasks::RECURRENCE,
            tasks::CATEGORIES,
            tasks::DUE_DATE,
            tasks::IMPORTANCE,
            tasks::COMPLETE,
        ],
        Record::Task(task),
    );
}

#[test]
fn a_done_task_has_a_date() {
    let supported = Supported::default();
    let read = |complete: &str, existing: Option<Task>| {
        let document = data(|w| w.text(tasks::COMPLETE, complete));
        let existing = existing.map(Record::Task);
        match decoded(
            &document,
            Class::Tasks,
            existing,
            &source(Version::V14_1, &supported),
        ) {
            Ok(Decoded {
                record: Some(Record::Task(t)),
                ..
            }) => (t.complete, t.completed_ms),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(read("1", None), (true, Some(samples::NOW_MS)));
    let done = Task {
        complete: true,
        completed_ms: Some(5),
        ..Task::default()
    };
    assert_eq!(read("1", Some(done.clone())), (true, Some(5)));
    assert_eq!(read("0", Some(done)), (false, None));
}

#[test]
fn bodies_in_the_form_that_is_wanted() {
    let note = |kind, text: &str| {
        let mut n = samples::note();
        n.body.kind = kind;
        text.clone_into(&mut n.body.text);
        Record::Note(n)
    };
    let check = |record: &Record, bodies: &[BodyPreference], expect: &str| {
        let mut options = Options::default();
        for (slot, body) in options.bodies.iter_mut().zip(bodies) {
            *slot = Some(*body);
        }
        let xml = xml(record, &options, Version::V14_1).replace("airsyncbase:", "");
        let from = xml.find("<Body>").unwrap();
        let to = xml.find("</Body>").unwrap();
        assert_eq!(&xml[from + 6..to], expect);
    };
    let (plain, html) = (preference(BodyKind::Text), preference(BodyKind::Html));
    let cut = |limit, all_or_none| BodyPreference {
        limit: Some(limit),
        all_or_none,
        ..plain
    };
    let tea = note(BodyKind::Text, "tea & co");
    check(
        &tea,
        &[],
        "<Type>1</Type><EstimatedDataSize>8</EstimatedDataSize><Truncated>1</Truncated>",
    );
    check(
        &tea,
        &[html, plain],
        "<Type>1</Type><EstimatedDataSize>8</EstimatedDataSize><Data>tea &amp; co</Data>",
    );
    check(
        &tea,
        &[cut(3, false)],
        "<Type>1</Type><EstimatedDataSize>8</EstimatedDataSize><Truncated>1</Truncated><Data>tea</Data>",
    );
    check(
        &tea,
        &[cut(3, true)],
        "<Type>1</Type><EstimatedDataSize>8</EstimatedDataSize><Truncated>1</Truncated>",
    );
    check(
        &tea,
        &[cut(0, false)],
        "<Type>1</Type><EstimatedDataSize>8</EstimatedDataSize><Truncated>1</Truncated>",
    );
    let preview = BodyPreference {
        preview: Some(5),
        ..cut(0, false)
    };
    check(
        &tea,
        &[preview],
        "<Type>1</Type><EstimatedDataSize>8</EstimatedDataSize><Truncated>1</Truncated><Preview>tea &amp;</Preview>",
    );
    let bold = note(BodyKind::Html, "<b>tea</b>");
    check(
        &bold,
        &[plain],
        "<Type>1</Type><EstimatedDataSize>3</EstimatedDataSize><Data>tea</Data>",
    );
    check(
        &bold,
        &[plain, html],
        "<Type>2</Type><EstimatedDataSize>10</EstimatedDataSize><Data>&lt;b&gt;tea&lt;/b&gt;</Data>",
    );
    let empty = note(BodyKind::Text, "");
    check(
        &empty,
        &[plain],
        "<Type>1</Type><EstimatedDataSize>0</EstimatedDataSize><Data/>",
    );
    // Only a form that a note does not have.
    check(
        &tea,
        &[preference(BodyKind::Mime)],
        "<Type>1</Type><EstimatedDataSize>8</EstimatedDataSize><Data>tea &amp; co</Data>",
    );
}

#[test]
fn rich_text_of_old_devices_is_kept_and_read_by_all() {
    use crate::pim::rtf;
    let rich = rtf::from_text("Grüße {1}");
    let document = data(|w| {
        w.text(tasks::SUBJECT, "rich");
        w.text(tasks::COMPRESSED_RTF, &rich);
    });
    let supported = Supported::default();
    let old = source(Version::V2_5, &supported);
    let d = decoded(&document, Class::Tasks, None, &old).unwrap();
    let record = d.record.unwrap();
    let check = |options: &Options, version, expect: &str| {
        let xml = xml(&record, options, version);
        assert!(xml.contains(expect), "{version} {xml}");
    };
    let takes_rtf = Options {
        rtf: true,
        ..Options::default()
    };
    let whole = format!("<tasks:CompressedRTF>{rich}</tasks:CompressedRTF>");
    check(&takes_rtf, Version::V2_5, &whole);
    check(
        &Options::default(),
        Version::V2_5,
        "<tasks:Body>Grüße {1}</tasks:Body>",
    );
    check(
        &samples::options(Version::V12_1),
        Version::V12_1,
        "<airsyncbase:Data>Grüße {1}</airsyncbase:Data>",
    );
    let mut options = Options::default();
    options.bodies[0] = Some(preference(BodyKind::Rtf));
    let data = format!(
        "<airsyncbase:Type>3</airsyncbase:Type><airsyncbase:EstimatedDataSize>{}</airsyncbase:EstimatedDataSize><airsyncbase:Data>{rich}</airsyncbase:Data>",
        rich.len()
    );
    check(&options, Version::V12_0, &data);
    // What is not rich is made so for who asks for nothing else; a part of it would be of no use.
    let plain = Record::Note(samples::note());
    let xml = xml(&plain, &options, Version::V14_1);
    let (_, sent) = xml.split_once("<airsyncbase:Data>").unwrap();
    let (sent, _) = sent.split_once('<').unwrap();
    assert_eq!(rtf::to_text(sent), "Milk\r\nBread");
    options.bodies[0] = Some(BodyPreference {
        limit: Some(9),
        ..preference(BodyKind::Rtf)
    });
    let cut = super::xml(&plain, &options, Version::V14_1);
    assert!(cut.contains("<airsyncbase:Truncated>1<") && !cut.contains("<airsyncbase:Data>"));
}

#[test]
fn long_bodies_are_blobs() {
    let long = "ä".repeat(BODY_INLINE_BYTES_MAX);
    let document = data(|w| {
        w.open(airsyncbase::BODY);
        w.num(airsyncbase::TYPE, 1);
        w.text(airsyncbase::DATA, &long);
        w.close();
    });
    let supported = Supported::default();
    let mut d = decoded(
        &document,
        Class::Notes,
        None,
        &source(Version::V14_1, &supported),
    )
    .unwrap();
    assert_eq!(d.uploads, [(Slot::Body, long.clone().into_bytes())]);
    d.keep(Slot::Body, samples::blob(long.len() as u64));
    let record = d.record.unwrap();
    let Record::Note(Note { body, .. }) = &record else {
        panic!("not a note")
    };
    assert_eq!(body.text.len(), BODY_INLINE_BYTES_MAX);
    // The head is enough for a short body, or none; the whole one has to be fetched.
    let v = Version::V14_1;
    let needed = |options: &Options| needed(&record, options, v).body.is_some();
    assert!(!needed(&Options::default()));
    let mut options = samples::options(v);
    assert!(needed(&options));
    options.bodies[0] = Some(BodyPreference {
        limit: Some(100),
        ..preference(BodyKind::Text)
    });
    assert!(!needed(&options));
    let size = format!("<airsyncbase:EstimatedDataSize>{}</", long.len());
    assert!(xml(&record, &options, v).contains(&size));
    options.bodies[0] = Some(preference(BodyKind::Text));
    let fetched = Fetched {
        body: Some(long.clone()),
        ..Fetched::default()
    };
    let whole = dump(&encoded(&record, &options, v, &fetched)).unwrap();
    assert!(whole.contains(&long) && !whole.contains("Truncated"));
    // Not at hand: as much as there is, and marked.
    assert!(xml(&record, &options, v).contains("<airsyncbase:Truncated>1</"));
}

#[test]
fn a_note_is_a_note() {
    let supported = Supported::default();
    let document = data(|w| w.text(notes::MESSAGE_CLASS, "IPM.Note"));
    let result = decoded(
        &document,
        Class::Notes,
        None,
        &source(Version::V14_1, &supported),
    );
    assert_eq!(result, Err(Error::Value(notes::MESSAGE_CLASS)));
}
