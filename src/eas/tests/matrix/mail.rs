//! Mail through all versions: what of a delivered mail each tells, its marks, and drafts. Mail is not
//! written as a whole, so that each property has a way of its own: see [`mail_shapes`](super::mail_shapes).

use super::mail_shapes::{OF_OTHER_PAGES, PAGES, Shape, shapes, told};
use super::{Client, Node, Report};
use crate::eas::testing::House;
use crate::eas::version::Version;
use crate::mailbox::{Arriving, FolderId};
use crate::pim::{Class, Record, mail};
use crate::wbxml::Tag;
use crate::wbxml::tags::{airsync, email2};
use crate::work::block_on;
use std::collections::{BTreeMap, BTreeSet};

/// What is lost between a writer of drafts and a reader, and why.
const LOSSES: &[(&[Tag], &str, &str)] = &[];

/// A property that is to be read.
struct Expected {
    path: Vec<Tag>,
    /// What was written; none: whatever all versions say.
    value: Option<String>,
    id: String,
    writer: Version,
}

fn tags() -> impl Iterator<Item = Tag> {
    let of_mail = Tag::all().filter(|tag| PAGES.contains(&tag.page()));
    of_mail.chain(OF_OTHER_PAGES)
}

fn all_shapes() -> impl Iterator<Item = Shape> {
    tags().flat_map(shapes)
}

/// Puts a mail into the inbox as a delivery does.
fn deliver(house: &House, mail: &str) -> String {
    let raw = mail.replace('\n', "\r\n").into_bytes();
    block_on(house.eas.mailbox().store().put_blob(&raw)).unwrap();
    let now_ms = house.clock.now_ms();
    let (mut message, seen) = mail::inspect(&raw, now_ms);
    if let Some(calendar) = seen.calendar {
        let own = ["alice@example.org".to_owned()];
        let _ = Arriving::note(&mut message, &calendar.text, &calendar.method, &own);
    }
    format!(
        "2:{}",
        house.put(FolderId::INBOX, &Record::Message(message))
    )
}

/// An item with this property, in the company of others.
fn item(company: &[(Vec<Tag>, String)], path: &[Tag], value: &str) -> Node {
    let mut data = Node::new(airsync::APPLICATION_DATA);
    for (path, value) in company {
        data.put(path, value);
    }
    data.put(path, value);
    data
}

/// Holds what every version tells of one folder against what was written.
fn hold(house: &House, folder: &'static str, expected: &[Expected]) {
    let mut wrong = Report::default();
    let mut alike: BTreeMap<usize, BTreeSet<Vec<String>>> = BTreeMap::new();
    for reader in Version::ALL {
        let mails = Client::with(house, "r", (Class::Email, folder), reader, "").fetch();
        for (n, e) in expected.iter().enumerate() {
            let Some(path) = told(&e.path, reader) else {
                continue;
            };
            let found = mails[&e.id].at(&path);
            match (&e.value, found.as_slice()) {
                (Some(value), [found]) if found.trim_end() == value => {}
                (None, [_, ..]) => {
                    let found = found.into_iter().map(str::to_owned).collect();
                    alike.entry(n).or_default().insert(found);
                }
                (_, found) => {
                    let value = e.value.as_deref().unwrap_or_default();
                    let known = LOSSES.iter().any(|(p, v, _)| *p == e.path && *v == value);
                    if !known {
                        wrong.add(&e.path, value, (e.writer, reader), &format!("{found:?}"));
                    }
                }
            }
        }
    }
    for (n, values) in alike {
        assert_eq!(values.len(), 1, "{}", super::name(&expected[n].path));
    }
    wrong.show();
}

#[test]
fn every_tag_of_mail_has_its_way_or_its_reason() {
    let without: Vec<_> = tags().filter(|tag| shapes(*tag).is_empty()).collect();
    assert!(without.is_empty(), "{without:?}");
    for shape in all_shapes() {
        if let Shape::Other(why) = shape {
            assert!(!why.is_empty());
        }
    }
}

#[test]
fn what_arrives_is_told_alike_in_every_version_that_has_it() {
    let house = House::new();
    let mut expected = Vec::new();
    for shape in all_shapes() {
        let Shape::Delivered { path, cases } = shape else {
            continue;
        };
        expected.extend(cases.into_iter().map(|(mail, value)| Expected {
            path: path.clone(),
            value,
            id: deliver(&house, &mail),
            writer: Version::V2_5,
        }));
    }
    assert!(expected.len() > 90, "{}", expected.len());
    hold(&house, "2", &expected);
}

#[test]
fn what_a_device_marks_is_told_in_every_version_that_has_it() {
    let house = House::new();
    let mut expected = Vec::new();
    for writer in Version::ALL {
        let mut changes = Vec::new();
        for shape in all_shapes() {
            let Shape::Marked {
                path,
                values,
                company,
            } = shape
            else {
                continue;
            };
            if told(&path, writer).is_none() {
                continue;
            }
            for value in values {
                let data = item(&company, &path, &value);
                let id = deliver(&house, "Subject: one\n\nhello\n");
                changes.push((id.clone(), data));
                expected.push(Expected {
                    path: path.clone(),
                    value: Some(value),
                    id,
                    writer,
                });
            }
        }
        let mut client = Client::of(&house, "w", Class::Email, writer);
        client.fetch();
        let changes: Vec<_> = changes
            .iter()
            .map(|(id, data)| (id, data.clone()))
            .collect();
        client.change(&changes);
    }
    assert!(expected.len() > 90, "{}", expected.len());
    hold(&house, "2", &expected);
}

#[test]
fn what_a_device_drafts_is_told_in_every_version_that_has_it() {
    let house = House::new();
    let mut expected = Vec::new();
    for writer in [Version::V16_0, Version::V16_1] {
        let mut drafts = Vec::new();
        for shape in all_shapes() {
            let Shape::Drafted {
                path,
                read,
                values,
                company,
            } = shape
            else {
                continue;
            };
            for value in values {
                let data = item(&company, &path, &value);
                drafts.push((read.clone(), value, data));
            }
        }
        let items: Vec<_> = drafts.iter().map(|(_, _, data)| data.clone()).collect();
        let drafts_folder = (Class::Email, "3");
        let ids = Client::with(&house, "w", drafts_folder, writer, "").add(&items);
        for ((path, value, _), id) in drafts.into_iter().zip(ids) {
            let is_draft = Expected {
                path: vec![email2::IS_DRAFT],
                value: Some("1".to_owned()),
                id: id.clone(),
                writer,
            };
            let value = Some(value);
            let own = Expected {
                path,
                value,
                id,
                writer,
            };
            expected.extend([is_draft, own]);
        }
    }
    assert!(expected.len() > 60, "{}", expected.len());
    hold(&house, "3", &expected);
}
