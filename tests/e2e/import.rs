//! `roost import` into a running appliance: a first Sync then delivers every item once, a waiting
//! phone hears of it, and what could not be taken is named.

use super::house::House;
use super::phone::Phone;
use super::samples::mail;
use super::wire;
use roost::wbxml::tags::{calendar, contacts, email, tasks};
use roost_load::{Class, Operation, QueryForm, Version, profile};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

const ALICE: &str = "alice@example.org";
const MAILS: usize = 30;
const BOXED: usize = 20;
const EVENTS: usize = 25;
const TASKS: usize = 15;
const PEOPLE: usize = 40;

#[test]
fn everything_imported_is_synced_once() {
    let mut house = House::with_users(&[ALICE]);
    let folder = house.folder().join("old");
    fill(&folder);
    let mut waiting = new_phone(&house, "WAITING1", Version::V14_1);
    waiting.catch_up();
    let inbox = waiting.device.folder(2).unwrap().id.clone();
    let held = waiting.park(Operation::Ping {
        folders: vec![inbox.clone()],
        heartbeat_s: 600,
    });
    let ran = house.run(&["import", ALICE, folder.to_str().unwrap()]);
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&ran.stdout),
        String::from_utf8_lossy(&ran.stderr)
    );
    assert!(
        said.contains("broken.vcf"),
        "the file that is none is not named:\n{said}"
    );
    assert_eq!(waiting.woken(held).folders, [inbox]);
    let mut seen = Vec::new();
    for version in Version::ALL {
        let mut phone = new_phone(&house, &format!("IMPORTED{}", version.byte()), version);
        phone.catch_up();
        for (class, count) in [
            (Class::Email, MAILS + BOXED),
            (Class::Calendar, EVENTS),
            (Class::Tasks, TASKS),
            (Class::Contacts, PEOPLE),
        ] {
            let titles = titles(&phone, class);
            assert_eq!(
                titles.len(),
                count,
                "{version} {class:?}: {titles:?}\n{said}"
            );
            assert!(
                titles.values().all(|n| *n == 1),
                "{version} {class:?}: {titles:?}"
            );
        }
        seen.append(&mut phone.seen);
    }
    house.assert_well();
    wire::check(&seen);
}

/// The same with files of one's own: `ROOST_CORPUS` names a folder of real mail, calendars and cards.
#[test]
fn everything_of_a_corpus_of_ones_own_is_synced_once() {
    let Some(corpus) = std::env::var_os("ROOST_CORPUS") else {
        println!("skipped: ROOST_CORPUS names no folder to import");
        return;
    };
    let mut house = House::with_users(&[ALICE]);
    let ran = house.run(&["import", "--json", ALICE, corpus.to_str().unwrap()]);
    let said = String::from_utf8(ran.stdout).unwrap();
    let items = said.split("\"items\": ").nth(1).unwrap();
    let items: usize = items[..items.find(',').unwrap()].parse().unwrap();
    assert!(items > 0, "{said}");
    for version in Version::ALL {
        let mut phone = new_phone(&house, &format!("CORPUS{}", version.byte()), version);
        phone.catch_up();
        let held = phone.device.collections.values().map(|c| c.items.len());
        let held: usize = held.sum();
        println!("{version}: {held} of {items} items");
        // Notes came with 14.0.
        let notes = if version < Version::V14_0 {
            notes_held(&house)
        } else {
            0
        };
        assert_eq!(held + notes, items, "{version}");
        wire::check(&phone.seen);
    }
    house.assert_well();
}

/// How many notes the account holds.
fn notes_held(house: &House) -> usize {
    let mut phone = new_phone(house, "CORPUSNOTES", Version::V14_1);
    phone.catch_up();
    let notes = |c: &&roost_load::Collection| c.class == Class::Notes;
    let collections = phone.device.collections.values().filter(notes);
    collections.map(|c| c.items.len()).sum()
}

fn new_phone(house: &House, id: &str, version: Version) -> Phone {
    Phone::new(house, ALICE, id, version, QueryForm::Plain, &profile::PLAIN)
}

fn titles(phone: &Phone, class: Class) -> BTreeMap<&str, usize> {
    let tag = match class {
        Class::Email => email::SUBJECT,
        Class::Calendar => calendar::SUBJECT,
        Class::Tasks => tasks::SUBJECT,
        _ => contacts::FILE_AS,
    };
    let mut titles = BTreeMap::new();
    for collection in phone
        .device
        .collections
        .values()
        .filter(|c| c.class == class)
    {
        for item in collection.items.values() {
            *titles
                .entry(item.text(tag).unwrap_or_default())
                .or_default() += 1;
        }
    }
    titles
}

/// Files as they lie around after years, one of them broken.
fn fill(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    for n in 0..MAILS {
        fs::write(folder.join(format!("{n}.eml")), mail(&format!("Loose {n}"))).unwrap();
    }
    let mut mbox = Vec::new();
    for n in 0..BOXED {
        mbox.extend_from_slice(b"From sender@elsewhere.example Mon Jun  1 10:00:00 2026\n");
        mbox.extend_from_slice(&mail(&format!("Boxed {n}")));
        mbox.extend_from_slice(b"\n");
    }
    fs::write(folder.join("archive.mbox"), mbox).unwrap();
    let mut ics = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\n".to_owned();
    for n in 0..EVENTS {
        let _ = write!(
            ics,
            "BEGIN:VEVENT\r\nUID:event-{n}\r\nDTSTAMP:20260101T000000Z\r\n\
             DTSTART:20270301T{:02}0000Z\r\nDURATION:PT1H\r\nSUMMARY:Event {n}\r\nEND:VEVENT\r\n",
            n % 24
        );
    }
    for n in 0..TASKS {
        let _ = write!(
            ics,
            "BEGIN:VTODO\r\nUID:task-{n}\r\nDTSTAMP:20260101T000000Z\r\nDUE:20270301T120000Z\r\n\
             SUMMARY:Task {n}\r\nEND:VTODO\r\n"
        );
    }
    ics.push_str("END:VCALENDAR\r\n");
    fs::write(folder.join("calendar.ics"), ics).unwrap();
    let mut vcf = String::new();
    for n in 0..PEOPLE {
        let _ = write!(
            vcf,
            "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Person {n}\r\nN:{n};Person;;;\r\n\
             EMAIL:p{n}@example.org\r\nEND:VCARD\r\n"
        );
    }
    fs::write(folder.join("people.vcf"), vcf).unwrap();
    fs::write(folder.join("broken.vcf"), "this is no card\r\n").unwrap();
}
