//! Every class in every version, there and back.

mod calendar;
mod items;
mod mail;
mod random;
mod samples;

use super::*;
use crate::wbxml::tags::airsync;
use crate::wbxml::xml::dump;

/// The versions that have a class.
fn versions(class: Class) -> impl Iterator<Item = Version> {
    Version::ALL
        .into_iter()
        .filter(move |v| class != Class::Notes || *v >= Version::V14_0)
}

/// `ApplicationData` of a record.
fn encoded(record: &Record, options: &Options, version: Version, fetched: &Fetched) -> Vec<u8> {
    let stored = record.to_stored(0).unwrap();
    let (record, _) = RecordRef::read(&stored).unwrap();
    let ctx = Context {
        version,
        options,
        item: (2, 77),
        fetched,
        quirks: Quirks::default(),
    };
    let mut w = Writer::new();
    w.open(airsync::APPLICATION_DATA);
    encode(&mut w, record, &ctx);
    w.close();
    w.finish()
}

/// The same as text, without indentation.
fn xml(record: &Record, options: &Options, version: Version) -> String {
    let document = encoded(record, options, version, &Fetched::default());
    dump(&document).unwrap().lines().map(str::trim).collect()
}

/// What a record needs.
fn needed(record: &Record, options: &Options, version: Version) -> Need {
    let stored = record.to_stored(0).unwrap();
    needs(RecordRef::read(&stored).unwrap().0, options, version)
}

/// A source of items with nothing said about it.
fn source(version: Version, supported: &Supported) -> Source<'_> {
    Source {
        version,
        supported,
        now_ms: samples::NOW_MS,
        zone: "",
        user_name: "Anna Nym",
        user_email: "anna@example.org",
        uid: "fresh-uid",
        instance_ms: None,
        quirks: Quirks::default(),
        sms: false,
    }
}

fn decoded(
    document: &[u8],
    class: Class,
    existing: Option<Record>,
    source: &Source<'_>,
) -> Result<Decoded, Error> {
    let mut r = Reader::new(document).unwrap();
    r.root().unwrap();
    let decoded = decode(&mut r, class, existing, source);
    if !matches!(decoded, Err(Error::Wbxml(_))) {
        // Behind the element in any case: it was the root.
        assert_eq!(r.child(), Err(wbxml::Error::Order));
    }
    decoded
}

/// `ApplicationData` with these properties.
fn data(write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut w = Writer::new();
    w.open(airsync::APPLICATION_DATA);
    write(&mut w);
    w.close();
    w.finish()
}

/// Every tag of a document.
fn tags_of(document: &[u8]) -> Vec<Tag> {
    let mut r = Reader::new(document).unwrap();
    let mut tags = vec![r.root().unwrap()];
    let mut depth = 1;
    while depth > 0 {
        match r.child() {
            Ok(Some(tag)) => {
                tags.push(tag);
                depth += 1;
            }
            Ok(None) => depth -= 1,
            // A value: on to what follows it.
            Err(wbxml::Error::Text) => {
                depth -= 1;
                r.leave(depth).unwrap();
            }
            Err(e) => panic!("{e}"),
        }
    }
    tags
}

#[test]
fn only_tags_of_the_version_are_written() {
    for record in samples::all() {
        for version in versions(record.class()) {
            let document = encoded(
                &record,
                &samples::options(version),
                version,
                &Fetched::default(),
            );
            for tag in tags_of(&document) {
                assert!(version.has(tag), "{tag} in {version}");
            }
        }
    }
}

#[test]
fn an_empty_record_has_a_property_all_the_same() {
    for record in samples::empty() {
        for version in versions(record.class()) {
            let tags = tags_of(&encoded(
                &record,
                &Options::default(),
                version,
                &Fetched::default(),
            ));
            assert!(tags.len() > 1, "{:?} {version}", record.class());
        }
    }
}

#[test]
fn elements_of_later_versions_are_refused() {
    use crate::wbxml::tags::{airsyncbase, calendar, contacts, tasks};
    let check = |class, version, tag: Tag| {
        let document = data(|w| w.text(tag, "1"));
        let supported = Supported::default();
        let result = decoded(&document, class, None, &source(version, &supported));
        assert_eq!(result, Err(Error::Version(tag)));
    };
    check(Class::Contacts, Version::V12_1, contacts::ALIAS);
    check(Class::Contacts, Version::V2_5, airsyncbase::BODY);
    check(
        Class::Calendar,
        Version::V14_0,
        calendar::ONLINE_MEETING_CONF_LINK,
    );
    check(Class::Calendar, Version::V14_1, airsyncbase::LOCATION);
    check(Class::Tasks, Version::V2_5, tasks::ORDINAL_DATE);
}

#[test]
fn one_bad_item_costs_one_item() {
    use crate::wbxml::tags::contacts;
    let mut w = Writer::new();
    w.open(airsync::COMMANDS);
    w.open(airsync::APPLICATION_DATA);
    w.open(contacts::CATEGORIES);
    w.open(contacts::FIRST_NAME);
    w.open(contacts::BIRTHDAY);
    w.close();
    w.close();
    w.close();
    w.close();
    w.open(airsync::APPLICATION_DATA);
    w.text(contacts::FIRST_NAME, "Ann");
    w.close();
    w.close();
    let document = w.finish();
    let mut r = Reader::new(&document).unwrap();
    r.root().unwrap();
    let supported = Supported::default();
    let source = source(Version::V14_1, &supported);
    r.child().unwrap();
    let bad = decode(&mut r, Class::Contacts, None, &source);
    assert_eq!(bad, Err(Error::Value(contacts::FIRST_NAME)));
    assert_eq!(r.child(), Ok(Some(airsync::APPLICATION_DATA)));
    assert!(decode(&mut r, Class::Contacts, None, &source).is_ok());
    assert_eq!(r.child(), Ok(None));
}

#[test]
fn what_the_store_would_not_take_is_refused() {
    use crate::wbxml::tags::contacts;
    let document = data(|w| w.text(contacts::FIRST_NAME, &"x".repeat(VALUE_BYTES_MAX)));
    let supported = Supported::default();
    let result = decoded(
        &document,
        Class::Contacts,
        None,
        &source(Version::V14_1, &supported),
    );
    assert_eq!(result, Err(Error::Large));
}
