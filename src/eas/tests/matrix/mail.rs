//! Mail through all versions: what of a delivered mail each tells, its marks, and drafts.

use super::{Client, Node};
use crate::eas::testing::{House, wbxml};
use crate::eas::version::Version;
use crate::mailbox::FolderId;
use crate::pim::{Class, Record, ical};
use crate::wbxml::Tag;
use crate::wbxml::tags::{airsyncbase, email, email2, tasks};
use crate::work::block_on;
use std::collections::{BTreeMap, BTreeSet};

const INVITATION: &str = "From: Bob <bob@example.org>\nSender: list@example.org\nTo: Alice <alice@example.org>\nCc: Carl <carl@example.org>\nReply-To: desk@example.org\nSubject: Re: Lunch\nDate: Thu, 1 Jan 2026 10:00:00 +0000\nMessage-ID: <m1@example.org>\nReferences: <m0@example.org>\nImportance: high\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nPlease come\n--b\nContent-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\nVERSION:2.0\nMETHOD:REQUEST\nBEGIN:VEVENT\nUID:u1@example.org\nDTSTAMP:20260101T000000Z\nDTSTART:20260105T120000Z\nDTEND:20260105T130000Z\nRRULE:FREQ=WEEKLY;BYDAY=MO;UNTIL=20260601T120000Z\nSUMMARY:Lunch\nLOCATION:Canteen\nORGANIZER;CN=Bob:mailto:bob@example.org\nATTENDEE;CN=Alice;RSVP=TRUE:mailto:alice@example.org\nBEGIN:VALARM\nACTION:DISPLAY\nTRIGGER:-PT15M\nEND:VALARM\nEND:VEVENT\nEND:VCALENDAR\n\n--b\nContent-Type: application/pdf\nContent-Disposition: attachment; filename=f.pdf\nContent-ID: <c1>\nContent-Location: loc\nContent-Transfer-Encoding: base64\n\nMDEyMzQ1Njc4OQ==\n--b--\n";

/// Tags of mail that are not told of that mail, and why.
const NOT_TOLD: &[(Tag, &str)] = &[
    (email::ATT_OID, "never used"),
    (email::ATT_REMOVED, "never used"),
    (email::MIME_DATA, "only with MIMESupport"),
    (email::MIME_SIZE, "only with MIMESupport"),
    (email::MIME_TRUNCATED, "only with MIMESupport"),
    (email::OCCURRENCES, "the series ends on a day"),
    (email::DAY_OF_MONTH, "a weekly series has none"),
    (email::WEEK_OF_MONTH, "a weekly series has none"),
    (email::MONTH_OF_YEAR, "a weekly series has none"),
    (email2::CALENDAR_TYPE, "a weekly series has none"),
    (email2::IS_LEAP_MONTH, "a weekly series has none"),
    (email2::FIRST_DAY_OF_WEEK, "the invitation has none"),
    (email::RECURRENCE_ID, "the invitation is about the series"),
    (email2::UM_CALLER_ID, "no voice mail"),
    (email2::UM_USER_NOTES, "no voice mail"),
    (email2::UM_ATT_DURATION, "no voice mail"),
    (email2::UM_ATT_ORDER, "no voice mail"),
    (email2::ACCOUNT_ID, "one account"),
    (email2::RECEIVED_AS_BCC, "the user is in To"),
    (email2::BCC, "a delivered mail has none"),
    (email2::SEND, "an order of the client"),
    (email2::LAST_VERB_EXECUTION_TIME, "nothing was done with it"),
];

/// Values that differ from version to version, and why.
const DIFFERS: &[(Tag, &str)] = &[
    (email::BODY_SIZE, "bodies are counted in their own ways"),
    (email::BODY, "of its own page"),
];

fn deep(house: &House, version: Version) -> BTreeMap<String, Node> {
    Client::of(house, "r", Class::Email, version).fetch()
}

#[test]
fn a_delivered_mail_tells_every_property_in_every_version_that_has_it() {
    let house = House::new();
    let raw = INVITATION.replace('\n', "\r\n").into_bytes();
    block_on(house.eas.mailbox().store().put_blob(&raw)).unwrap();
    let (mut message, calendar) = crate::pim::mail::inspect(&raw, house.clock.now_ms());
    let text = calendar.calendar.unwrap().text;
    let defaults = ical::Defaults {
        zone: "",
        now_ms: house.clock.now_ms(),
        addresses: &["alice@example.org"],
    };
    let meeting = ical::meeting(text.as_bytes(), &defaults).unwrap();
    message.meeting = Some(Box::new(meeting));
    house.put(FolderId::INBOX, &Record::Message(message));
    let mut values: BTreeMap<Vec<Tag>, BTreeSet<Vec<String>>> = BTreeMap::new();
    for version in Version::ALL {
        let told = deep(&house, version);
        let mail = told.values().next().unwrap();
        let leaves = mail.leaves();
        let mut tags: BTreeSet<Tag> = leaves.iter().flat_map(|(path, _)| path.clone()).collect();
        tags.extend(NOT_TOLD.iter().map(|(tag, _)| *tag));
        // A flag that is not set is an empty element.
        let flag = [email::STATUS, email::FLAG_TYPE, email::COMPLETE_TIME];
        tags.extend(flag.into_iter().chain([email::CATEGORY]));
        let pages = [email::TO.page(), email2::BCC.page()];
        let missing: Vec<_> = Tag::all()
            .filter(|t| pages.contains(&t.page()) && version.has(*t) && !tags.contains(t))
            .collect();
        assert!(missing.is_empty(), "{version} lacks {missing:?}");
        let mut told: BTreeMap<Vec<Tag>, Vec<String>> = BTreeMap::new();
        for (path, text) in leaves {
            told.entry(path).or_default().push(text.to_owned());
        }
        for (path, texts) in told {
            if !DIFFERS.iter().any(|(tag, _)| path.last() == Some(tag)) {
                values.entry(path).or_default().insert(texts);
            }
        }
    }
    for (path, values) in values {
        assert_eq!(values.len(), 1, "{}: {values:?}", super::name(&path));
    }
}

/// A flag with everything in it.
fn flag() -> String {
    let time = "2026-01-05T10:00:00.000Z";
    let times = [
        "tasks:StartDate",
        "tasks:UtcStartDate",
        "tasks:DueDate",
        "tasks:UtcDueDate",
        "tasks:ReminderTime",
        "tasks:OrdinalDate",
    ];
    let times: String = times
        .iter()
        .map(|name| format!("<{name}>{time}</{name}>"))
        .collect();
    format!(
        "<email:Flag><tasks:Subject>call</tasks:Subject><email:Status>2</email:Status><email:FlagType>Follow up</email:FlagType>{times}<tasks:ReminderSet>1</tasks:ReminderSet><tasks:SubOrdinalDate>5</tasks:SubOrdinalDate></email:Flag>"
    )
}

#[test]
fn the_marks_of_a_mail_are_told_in_every_version_that_has_them() {
    for writer in Version::ALL {
        let house = House::new();
        let id = format!("2:{}", house.mail("Subject: one\n\nhello\n"));
        let mut marks = vec![(vec![email::READ], "1")];
        let mut change = "<email:Read>1</email:Read>".to_owned();
        if writer >= Version::V12_0 {
            change += &flag();
            let time = "2026-01-05T10:00:00.000Z";
            let of = |tag, value| (vec![email::FLAG, tag], value);
            marks.extend([
                of(email::STATUS, "2"),
                of(email::FLAG_TYPE, "Follow up"),
                of(tasks::SUBJECT, "call"),
                of(tasks::REMINDER_SET, "1"),
                of(tasks::REMINDER_TIME, time),
                of(tasks::START_DATE, time),
                of(tasks::UTC_START_DATE, time),
                of(tasks::DUE_DATE, time),
                of(tasks::UTC_DUE_DATE, time),
                of(tasks::ORDINAL_DATE, time),
                of(tasks::SUB_ORDINAL_DATE, "5"),
            ]);
        }
        if writer >= Version::V14_0 {
            change += "<email:Categories><email:Category>Red</email:Category></email:Categories>";
            marks.push((vec![email::CATEGORIES, email::CATEGORY], "Red"));
        }
        let mut client = Client::of(&house, "w", Class::Email, writer);
        client.fetch();
        let change = format!(
            "<Change><ServerId>{id}</ServerId><ApplicationData>{change}</ApplicationData></Change>"
        );
        client.sync(&[Node::parse(&wbxml(&change))]);
        for reader in Version::ALL {
            // One that reads all of it, and one that has had the mail before.
            let told = deep(&house, reader);
            for (path, value) in &marks {
                if path.iter().all(|t| reader.has(*t)) {
                    let found = told[&id].at(path);
                    assert_eq!(found, [*value], "{writer} {reader} {}", super::name(path));
                }
            }
        }
    }
}

#[test]
fn a_draft_is_read_in_every_version_as_it_was_written() {
    let values = [
        (vec![email::TO], "kim@example.org"),
        (vec![email::CC], "carl@example.org"),
        (vec![email2::BCC], "secret@example.org"),
        (vec![email::REPLY_TO], "desk@example.org"),
        (vec![email::SUBJECT], "Ünï 漢字"),
        (vec![email::IMPORTANCE], "2"),
        (vec![email::READ], "1"),
        (vec![email::CATEGORIES, email::CATEGORY], "Red"),
        (vec![airsyncbase::BODY, airsyncbase::DATA], "Grüße"),
        (vec![email2::IS_DRAFT], "1"),
    ];
    for writer in [Version::V16_0, Version::V16_1] {
        let house = House::new();
        let mut data = Node::new(crate::wbxml::tags::airsync::APPLICATION_DATA);
        for (path, value) in values
            .iter()
            .filter(|(path, _)| path[0] != email2::IS_DRAFT)
        {
            data.put(path, value);
        }
        data.put(&[airsyncbase::BODY, airsyncbase::TYPE], "1");
        let drafts = (Class::Email, "3");
        Client::with(&house, "w", drafts, writer, "").add(&[data]);
        for reader in Version::ALL {
            let told = Client::with(&house, "r", drafts, reader, "").fetch();
            let mail = told.values().next().unwrap();
            for (path, value) in &values {
                let path = match path[0] {
                    airsyncbase::BODY if reader == Version::V2_5 => vec![email::BODY],
                    _ => path.clone(),
                };
                if path.iter().all(|t| reader.has(*t)) {
                    let found = mail.at(&path);
                    let fits =
                        matches!(found.as_slice(), [text] if text.trim_end().contains(value));
                    assert!(fits, "{writer} {reader} {}: {found:?}", super::name(&path));
                }
            }
        }
    }
}
