//! Mail: properties, bodies, flags, drafts.

use super::samples::{self, preference};
use super::*;
use crate::eas::options::BodyPreference;
use crate::pim::{BodyKind, Message, rtf};
use crate::wbxml::tags::{airsyncbase, email, email2, tasks};

fn with(change: impl FnOnce(&mut Message)) -> Record {
    let mut m = samples::mail();
    m.meeting = None;
    change(&mut m);
    Record::Message(m)
}

fn wanting(kind: BodyKind, limit: Option<u32>) -> Options {
    let mut options = Options::default();
    options.bodies[0] = Some(BodyPreference {
        limit,
        ..preference(kind)
    });
    options.mime_support = 2;
    options
}

#[test]
fn the_properties_of_each_version() {
    let record = Record::Message(samples::mail());
    let check = |version, has: &[&str], has_not: &[&str]| {
        let xml = xml(&record, &samples::options(version), version);
        for part in has {
            assert!(xml.contains(part), "{version} lacks {part}: {xml}");
        }
        for part in has_not {
            assert!(!xml.contains(part), "{version} has {part}");
        }
    };
    let always = [
        "<email:To>\"Anna\" &lt;anna@example.org&gt;</email:To>",
        "<email:Subject>Re: Grüße</email:Subject>",
        "<email:DateReceived>2026-11-22T13:00:00.000Z</email:DateReceived>",
        "<email:DisplayTo>Anna</email:DisplayTo>",
        "<email:ThreadTopic>Grüße</email:ThreadTopic>",
        "<email:Importance>1</email:Importance>",
        "<email:Read>0</email:Read>",
        "<email:MessageClass>IPM.Schedule.Meeting.Request</email:MessageClass>",
        "<email:InternetCPID>65001</email:InternetCPID>",
        "<email:MeetingRequest>",
    ];
    Version::ALL
        .into_iter()
        .for_each(|v| check(v, &always, &[]));
    check(
        Version::V2_5,
        &[
            "<email:AttName>2:77:3</email:AttName><email:AttSize>4711</email:AttSize><email:AttMethod>1</email:AttMethod>",
            "<email:BodyTruncated>0</email:BodyTruncated><email:BodySize>12</email:BodySize><email:Body>Hello",
        ],
        &["Flag", "airsyncbase", "ContentClass", "email2"],
    );
    check(
        Version::V12_0,
        &[
            "<airsyncbase:FileReference>2:77:3</airsyncbase:FileReference>",
            "<email:Flag><tasks:Subject>do it</tasks:Subject><email:Status>1</email:Status>",
            "<airsyncbase:NativeBodyType>1</airsyncbase:NativeBodyType>",
            "<email:ContentClass>urn:content-classes:calendarmessage</email:ContentClass>",
        ],
        &["email2", "Categories", "IsDraft", "AttName"],
    );
    check(
        Version::V14_0,
        &[
            "<email:Categories><email:Category>Red</email:Category></email:Categories>",
            "<email2:ConversationId>[16 bytes: 0909",
            "<email2:ConversationIndex>[5 bytes: 01",
            "<email2:LastVerbExecuted>1</email2:LastVerbExecuted>",
            "<email2:Sender>list@example.org</email2:Sender>",
            "<email:DisallowNewTimeProposal>0<",
        ],
        &["MeetingMessageType", "IsDraft"],
    );
    check(
        Version::V14_1,
        &[
            "<email:Location>Room 1<",
            "<email:GlobalObjId>BAAAAIIA4AB0xbcQGoLgCAfqCxY",
            "<email2:MeetingMessageType>1<",
        ],
        &["IsDraft", "Bcc", "airsyncbase:Location"],
    );
    check(
        Version::V16_0,
        &[
            "<email2:IsDraft>0</email2:IsDraft>",
            "<email2:Bcc>d@example.org</email2:Bcc>",
            "<airsyncbase:Location><airsyncbase:DisplayName>Room 1<",
            "<calendar:UID>uid-1@example.org</calendar:UID></email:MeetingRequest>",
        ],
        &["GlobalObjId", "email:Location"],
    );
}

#[test]
fn the_invitation_has_its_order_and_seconds() {
    let xml = xml(
        &Record::Message(samples::mail()),
        &Options::default(),
        Version::V14_1,
    );
    let from = xml.find("<email:MeetingRequest>").unwrap();
    let inner = &xml[from..xml.find("</email:MeetingRequest>").unwrap()];
    let order = [
        "AllDayEvent",
        "StartTime",
        "DtStamp",
        "EndTime",
        "InstanceType>3",
        "Location",
        "Organizer>\"Bob\" &lt;bob@",
        "RecurrenceId",
        "Reminder>900",
        "ResponseRequested",
        "Recurrences",
        "Type",
        "Interval",
        "Until>2027",
        "DayOfWeek",
        "Sensitivity",
        "BusyStatus",
        "TimeZone",
        "GlobalObjId",
        "DisallowNewTimeProposal",
        "MeetingMessageType",
    ];
    let places: Vec<_> = order
        .iter()
        .map(|name| inner.find(&format!(":{name}")))
        .collect();
    assert!(
        places.iter().all(Option::is_some) && places.is_sorted(),
        "{places:?} {inner}"
    );
}

#[test]
fn long_lists_of_addresses_end_with_a_whole_one() {
    let one = "someone.with.a.name@example.org";
    let many = vec![one; 2_000].join(", ");
    let record = with(|m| {
        m.to.clone_from(&many);
        m.bcc.clone_from(&many);
    });
    let document = encoded(
        &record,
        &Options::default(),
        Version::V16_1,
        &Fetched::default(),
    );
    let xml = dump(&document).unwrap();
    for (tag, max) in [("email:To", 32_768), ("email2:Bcc", 1_024)] {
        let from = xml.find(&format!("<{tag}>")).unwrap() + tag.len() + 2;
        let list = &xml[from..xml.find(&format!("</{tag}>")).unwrap()];
        assert!(list.len() <= max && list.len() > max - 40);
        assert!(list.ends_with(one));
    }
}

#[test]
fn what_a_body_needs() {
    let check = |record: &Record, options: Options, version, expect: (bool, bool, Option<u64>)| {
        let need = needed(record, &options, version);
        assert_eq!(
            (need.text, need.html, need.mime.map(|(_, bytes)| bytes)),
            expect
        );
        assert_eq!(need.is_none(), expect.2.is_none());
    };
    let v = Version::V14_1;
    use BodyKind::{Html, Mime, Rtf, Text};
    let short = with(|_| {});
    check(&short, Options::default(), v, (false, false, None));
    check(&short, wanting(Text, None), v, (false, false, None));
    // No HTML: made of the text, which is all here.
    check(&short, wanting(Html, None), v, (false, false, None));
    check(
        &short,
        wanting(Mime, Some(500)),
        v,
        (false, false, Some(500)),
    );
    check(&short, wanting(Mime, None), v, (false, false, Some(900)));
    check(&short, wanting(Mime, Some(0)), v, (false, false, None));
    let long = with(|m| m.text_bytes = 9_000);
    check(&long, wanting(Text, Some(12)), v, (false, false, None));
    check(&long, wanting(Text, Some(13)), v, (true, false, Some(900)));
    check(&long, wanting(Html, Some(5)), v, (true, false, Some(900)));
    check(&long, Options::default(), v, (false, false, None));
    let html = with(|m| {
        m.native = Html;
        m.html_bytes = 50;
    });
    check(&html, wanting(Text, None), v, (false, false, None));
    check(&html, wanting(Html, Some(10)), v, (false, true, Some(900)));
    // Rich text is made of the text, and longer than that.
    check(&short, wanting(Rtf, None), v, (false, false, None));
    check(&long, wanting(Rtf, Some(12)), v, (false, false, None));
    check(&long, wanting(Rtf, Some(13)), v, (true, false, Some(900)));
    check(&html, wanting(Rtf, None), v, (false, false, None));
    // MIME only when MIMESupport says so; S/MIME mail with 1.
    let never = Options {
        mime_support: 0,
        ..wanting(Mime, None)
    };
    check(&short, never, v, (false, false, None));
    let signed = Options {
        mime_support: 1,
        ..wanting(Mime, None)
    };
    check(&short, signed, v, (false, false, None));
    let smime = with(|m| m.message_class = "IPM.Note.SMIME.MultipartSigned".to_owned());
    check(&smime, signed, v, (false, false, Some(900)));
    // 2.5 by its codes.
    let old = |truncation, mime_support, mime_truncation| Options {
        truncation: Some(truncation),
        mime_support,
        mime_truncation: Some(mime_truncation),
        ..Options::default()
    };
    check(&long, old(0, 0, 0), Version::V2_5, (false, false, None));
    check(&long, old(1, 0, 0), Version::V2_5, (true, false, Some(900)));
    check(
        &long,
        old(9, 2, 8),
        Version::V2_5,
        (false, false, Some(900)),
    );
    check(&long, old(9, 2, 0), Version::V2_5, (false, false, None));
    // A part of a conversation is HTML.
    let part = Options {
        body_part: Some(preference(Html)),
        ..Options::default()
    };
    check(&html, part, v, (false, true, Some(900)));
    check(&html, part, Version::V14_0, (false, false, None));
}

#[test]
fn bodies_as_they_are_sent() {
    let raw = b"Subject: x\r\nContent-Type: text/html\r\n\r\n<p>Hi</p>".to_vec();
    let bytes = raw.len();
    let record = with(|m| {
        m.native = BodyKind::Html;
        m.html_bytes = 9;
        m.text_head = "Hi".to_owned();
        m.text_bytes = 2;
        m.mime.bytes = bytes as u64;
    });
    let body = |options: &Options, version| {
        let need = needed(&record, options, version);
        let fetched = match need.mime {
            Some((_, n)) => Fetched::mail(&need, raw[..usize::try_from(n).unwrap()].to_vec()),
            None => Fetched::default(),
        };
        let xml = dump(&encoded(&record, options, version, &fetched)).unwrap();
        let xml: String = xml
            .lines()
            .map(str::trim)
            .collect::<String>()
            .replace("airsyncbase:", "");
        let from = xml
            .find("</Attachments>")
            .or_else(|| xml.find("</email:Attachments>"))
            .unwrap();
        let to = xml
            .find("<NativeBodyType>")
            .or_else(|| xml.find("<email:MessageClass>"))
            .unwrap();
        xml[from..to].split_once('>').unwrap().1.to_owned()
    };
    let v = Version::V14_1;
    assert_eq!(
        body(&wanting(BodyKind::Html, None), v),
        "<Body><Type>2</Type><EstimatedDataSize>9</EstimatedDataSize><Data>&lt;p&gt;Hi&lt;/p&gt;</Data></Body>"
    );
    assert_eq!(
        body(&wanting(BodyKind::Mime, Some(7)), v),
        format!(
            "<Body><Type>4</Type><EstimatedDataSize>{bytes}</EstimatedDataSize><Truncated>1</Truncated><Data>Subject</Data></Body>"
        )
    );
    assert_eq!(
        body(&Options::default(), v),
        "<Body><Type>2</Type><EstimatedDataSize>9</EstimatedDataSize><Truncated>1</Truncated></Body>"
    );
    let mut part = Options {
        body_part: Some(preference(BodyKind::Html)),
        ..Options::default()
    };
    part.bodies[0] = Some(preference(BodyKind::Text));
    assert_eq!(
        body(&part, v),
        "<Body><Type>1</Type><EstimatedDataSize>2</EstimatedDataSize><Data>Hi</Data></Body>\
         <BodyPart><Status>1</Status><Type>2</Type><EstimatedDataSize>9</EstimatedDataSize><Data>&lt;p&gt;Hi&lt;/p&gt;</Data></BodyPart>"
    );
    let old = Options {
        mime_support: 2,
        ..Options::default()
    };
    let sent = body(&old, Version::V2_5);
    assert!(sent.starts_with(&format!("<email:MIMETruncated>0</email:MIMETruncated><email:MIMESize>{bytes}</email:MIMESize><email:MIMEData>Subject")), "{sent}");
}

#[test]
fn rich_text_for_those_who_ask_for_it_alone() {
    let words = "Grüße \\ {all}\r\n".repeat(20);
    let record = with(|m| {
        m.text_head = words.clone();
        m.text_bytes = u32::try_from(words.len()).unwrap();
    });
    let body = |options: &Options, version| {
        let xml = dump(&encoded(&record, options, version, &Fetched::default())).unwrap();
        let xml = &xml[xml.find("<airsyncbase:Body>").unwrap()..];
        let of = |tag: &str| {
            let from = xml.find(&format!("<airsyncbase:{tag}>"))? + tag.len() + 14;
            let rest = &xml[from..];
            Some(rest[..rest.find('<').unwrap()].to_owned())
        };
        ["Type", "EstimatedDataSize", "Truncated", "Data"].map(of)
    };
    let whole = rtf::from_text(&words);
    for version in Version::ALL.into_iter().filter(|v| *v >= Version::V12_0) {
        let [kind, size, truncated, data] = body(&wanting(BodyKind::Rtf, None), version);
        assert_eq!(kind.unwrap(), "3");
        assert_eq!(size.unwrap(), whole.len().to_string());
        assert_eq!((truncated, data.as_ref()), (None, Some(&whole)));
        assert_eq!(rtf::to_text(&data.unwrap()), words.trim_end());
        // As much as fits, which can be read.
        let [_, size, truncated, data] = body(&wanting(BodyKind::Rtf, Some(300)), version);
        let data = data.unwrap();
        assert!(data.len() <= 300 && size.unwrap().parse::<usize>().unwrap() >= data.len());
        assert_eq!(truncated.unwrap(), "1");
        let shown = rtf::to_text(&data);
        assert!(shown.len() > 10 && words.starts_with(&shown), "{shown:?}");
        // All or nothing.
        let mut all = wanting(BodyKind::Rtf, Some(300));
        all.bodies[0].as_mut().unwrap().all_or_none = true;
        let [kind, _, truncated, data] = body(&all, version);
        assert_eq!(
            (kind.unwrap(), truncated.unwrap()),
            ("3".into(), "1".into())
        );
        assert_eq!(data, None);
        // Whoever takes the native form, too, gets that one.
        let mut both = wanting(BodyKind::Rtf, None);
        both.bodies[1] = Some(preference(BodyKind::Text));
        assert_eq!(body(&both, version)[0].as_deref(), Some("1"));
    }
}

#[test]
fn mime_that_is_cut_within_a_character() {
    let record = with(|m| m.mime.bytes = 4);
    let fetched = Fetched {
        mime: Some("aä".as_bytes()[..2].to_vec()),
        ..Fetched::default()
    };
    let xml = dump(&encoded(
        &record,
        &wanting(BodyKind::Mime, Some(2)),
        Version::V14_1,
        &fetched,
    ))
    .unwrap();
    assert!(
        xml.contains("<airsyncbase:Data>a</airsyncbase:Data>"),
        "{xml}"
    );
}

#[test]
fn a_change_touches_marks_only() {
    let before = samples::mail();
    let document = data(|w| {
        w.flag(email::READ, true);
        w.text(email::SUBJECT, "mine");
        w.open(email::FLAG);
        w.num(email::STATUS, 2);
        w.text(email::FLAG_TYPE, "for Follow Up");
        w.text(tasks::DUE_DATE, "2026-11-22T13:00:00.000Z");
        w.close();
    });
    let supported = Supported::default();
    let change = |document: &[u8], version| {
        let existing = Some(Record::Message(before.clone()));
        decoded(
            document,
            Class::Email,
            existing,
            &source(version, &supported),
        )
    };
    let d = change(&document, Version::V14_1).unwrap();
    assert!(d.only_marks());
    let Some(Record::Message(m)) = d.record else {
        panic!("not a mail")
    };
    assert!(m.read);
    assert_eq!(m.subject, before.subject);
    let flag = m.flag.clone().unwrap();
    assert_eq!((flag.status, flag.due_ms), (2, Some(samples::NOW_MS)));
    assert_eq!(m.categories, before.categories, "left out: kept");
    // In 16.x this would be the change of a draft, which it is not.
    assert_eq!(change(&document, Version::V16_0), Err(Error::Mail));
    // An empty flag clears it, an empty container the categories.
    let clear = data(|w| {
        w.empty(email::FLAG);
        w.empty(email::CATEGORIES);
    });
    let Some(Record::Message(m)) = change(&clear, Version::V16_0).unwrap().record else {
        panic!("not a mail")
    };
    assert_eq!((m.flag, m.categories.len(), m.read), (None, 0, false));
    let bad = data(|w| w.text(email::READ, "maybe"));
    assert_eq!(change(&bad, Version::V14_1), Err(Error::Value(email::READ)));
}

#[test]
fn flags_come_back() {
    for flag in [None, Some(samples::flag())] {
        let record = with(|m| m.flag.clone_from(&flag));
        let document = encoded(
            &record,
            &Options::default(),
            Version::V14_1,
            &Fetched::default(),
        );
        let supported = Supported::default();
        let existing = with(|m| m.flag = None);
        let d = decoded(
            &document,
            Class::Email,
            Some(existing),
            &source(Version::V14_1, &supported),
        );
        assert_eq!(d.unwrap().record, Some(record));
    }
    // One of the two dates of a completed flag is enough.
    let document = data(|w| {
        w.open(email::FLAG);
        w.num(email::STATUS, 1);
        w.text(email::COMPLETE_TIME, "20261122T130000Z");
        w.close();
    });
    let supported = Supported::default();
    let existing = Some(with(|m| m.flag = None));
    let d = decoded(
        &document,
        Class::Email,
        existing,
        &source(Version::V12_0, &supported),
    )
    .unwrap();
    let Some(Record::Message(m)) = d.record else {
        panic!("not a mail")
    };
    assert_eq!(m.flag.unwrap().completed_ms, Some(samples::NOW_MS));
}

#[test]
fn drafts() {
    let supported = Supported::default();
    let document = data(|w| {
        w.text(email::TO, "x@example.org");
        w.text(email2::BCC, "y@example.org");
        w.text(email::SUBJECT, "Hello");
        w.flag(email::READ, true);
        w.open(airsyncbase::BODY);
        w.num(airsyncbase::TYPE, 2);
        w.text(airsyncbase::DATA, "<p>Hi</p>");
        w.close();
        w.open(airsyncbase::ATTACHMENTS);
        w.open(airsyncbase::ADD);
        w.text(airsyncbase::CLIENT_ID, "1");
        w.text(airsyncbase::DISPLAY_NAME, "a.bin");
        w.empty(airsyncbase::IS_INLINE);
        w.opaque(airsyncbase::CONTENT, &[0, 1, 2]);
        w.close();
        w.open(airsyncbase::DELETE);
        w.text(airsyncbase::FILE_REFERENCE, "2:77:3");
        w.close();
        w.close();
        w.empty(email2::SEND);
    });
    let read = |version, existing| {
        decoded(
            &document,
            Class::Email,
            existing,
            &source(version, &supported),
        )
    };
    assert_eq!(read(Version::V14_1, None), Err(Error::Mail));
    let existing = with(|m| m.draft = true);
    assert_eq!(
        read(Version::V14_1, Some(existing)),
        Err(Error::Version(email2::BCC))
    );
    let new = read(Version::V16_0, None).unwrap();
    assert!(!new.only_marks());
    assert_eq!(new.record, None);
    let draft = new.draft.unwrap();
    assert_eq!(draft.to.as_deref(), Some("x@example.org"));
    assert_eq!(draft.cc, None);
    assert_eq!(draft.body, Some((BodyKind::Html, "<p>Hi</p>".to_owned())));
    assert!(draft.send && draft.add[0].inline);
    assert_eq!(
        (draft.add[0].content.as_slice(), draft.add[0].method),
        (&[0u8, 1, 2][..], 1)
    );
    assert_eq!(
        draft.delete,
        [FileReference {
            folder: 2,
            item: 77,
            part: 3
        }]
    );
    let mut composed = samples::bare_mail();
    draft.mark(&mut composed);
    assert!(composed.read);
    // Onto a draft; any other mail is not to be written.
    let existing = with(|m| m.draft = true);
    let change = read(Version::V16_1, Some(existing)).unwrap();
    assert!(change.record.is_some() && change.draft.is_some());
    assert_eq!(read(Version::V16_1, Some(with(|_| {}))), Err(Error::Mail));
    let add = data(|w| w.flag(email::READ, true));
    assert_eq!(
        decoded(
            &add,
            Class::Email,
            None,
            &source(Version::V14_1, &supported)
        ),
        Err(Error::Mail)
    );
}
