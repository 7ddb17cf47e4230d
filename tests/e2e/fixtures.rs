//! Mail of every kind out of the fixtures, at every version and with every kind of body: each comes
//! once, and every answer holds against the independent decoder and the schemas.

use super::house::House;
use super::lmtp;
use super::phone::Phone;
use super::wire;
use roost_load::{Class, Fetch, Operation, QueryForm, SyncOptions, Version, profile};
use std::fs;
use std::path::Path;

const ALICE: &str = "alice@example.org";

#[test]
fn odd_mail_reaches_every_version_once() {
    let mut house = House::with_users(&[ALICE]);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/mail");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "eml") {
            lmtp::deliver(house.lmtp, ALICE, &fs::read(path).unwrap());
            count += 1;
        }
    }
    let mut seen = Vec::new();
    for version in Version::ALL {
        // Text, HTML, MIME; and cut short.
        for (body, truncation) in [
            (1, None),
            (2, None),
            (4, None),
            (1, Some(20)),
            (4, Some(600)),
        ] {
            let id = format!("ODD{}{body}{}", version.byte(), truncation.unwrap_or(0));
            let form = QueryForm::Plain;
            let mut phone = Phone::new(&house, ALICE, &id, version, form, &profile::ANDROID);
            phone.device.options = SyncOptions {
                body: Some(body),
                truncation,
                ..SyncOptions::TEXT
            };
            phone.catch_up();
            assert_eq!(
                phone.device.count(Class::Email),
                count,
                "{version}, body {body}"
            );
            if version >= Version::V12_0 && truncation.is_none() {
                fetch_all(&mut phone, body);
            }
            seen.append(&mut phone.seen);
        }
        house.assert_well();
    }
    wire::check(&seen);
}

fn fetch_all(phone: &mut Phone, body: u32) {
    let collections = phone
        .device
        .collections
        .iter()
        .filter(|(_, c)| c.class == Class::Email);
    let what: Vec<Fetch> = collections
        .flat_map(|(collection, c)| {
            c.items
                .keys()
                .map(move |id| (collection.clone(), id.clone()))
        })
        .map(|(collection, id)| Fetch::Item {
            collection,
            id,
            body,
        })
        .collect();
    let outcome = phone.ask(Operation::Fetch {
        what,
        multipart: false,
    });
    assert!(outcome.results.iter().all(|r| r.1 == 1), "{outcome:?}");
}
