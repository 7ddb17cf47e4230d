//! Stores that earlier releases wrote: this one opens them, finds nothing wrong, and no device has to
//! download anything again.
//!
//! `tests/fixtures/stores` holds one data directory for each format, with a text beside it: the devices
//! of alice with their hierarchy key, and of each collection the key and how many items they have. A
//! format that is new gets one more (see below how); none is ever taken out.

use super::house::House;
use super::http::PATIENCE;
use super::lmtp;
use super::phone::{Phone, changes};
use super::samples;
use roost_load::{Class, Collection, Folder, Operation, QueryForm, Version, profile};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

const ALICE: &str = "alice@example.org";

/// A device as it was left.
struct Left {
    id: String,
    version: Version,
    folder_key: String,
    /// Folder, key, items.
    collections: Vec<(String, String, usize)>,
}

fn left(text: &str) -> Vec<Left> {
    let mut devices: Vec<Left> = Vec::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["device", id, version, key] => devices.push(Left {
                id: id.to_owned(),
                version: Version::parse(version).unwrap(),
                folder_key: key.to_owned(),
                collections: Vec::new(),
            }),
            ["collection", id, key, items] => devices.last_mut().unwrap().collections.push((
                id.to_owned(),
                key.to_owned(),
                items.parse().unwrap(),
            )),
            _ => panic!("{line}"),
        }
    }
    devices
}

#[test]
fn stores_of_earlier_releases_are_opened_and_nothing_is_downloaded_again() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/stores");
    let texts = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let texts: Vec<_> = texts
        .filter(|path| path.extension().is_some_and(|e| e == "txt"))
        .collect();
    assert!(!texts.is_empty());
    texts.iter().for_each(|text| all_go_on(text));
}

/// The same for a store of this release. With `ROOST_KEEP_STORE=NAME` it is kept beside the others.
#[test]
fn a_store_of_this_release_goes_on_as_well() {
    let dir = tempfile::tempdir().unwrap();
    let to = match std::env::var("ROOST_KEEP_STORE") {
        Ok(name) => {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
            folder
                .join("tests/fixtures/stores")
                .join(name)
                .with_extension("txt")
        }
        Err(_) => dir.path().join("now.txt"),
    };
    make(&to);
    all_go_on(&to);
}

fn all_go_on(text: &Path) {
    let mut house = House::of(&text.with_extension("tar.gz"));
    let devices = left(&fs::read_to_string(text).unwrap());
    assert!(!devices.is_empty());
    for device in &devices {
        goes_on(&house, device, &devices);
    }
    is_searched(&house, &devices);
    house.kill();
    let checked = house.run(&["check"]);
    assert!(checked.status.success(), "{text:?}: {checked:?}");
}

/// What came before there was an index is found after a while: it is made beside the service.
fn is_searched(house: &House, all: &[Left]) {
    let device = all.iter().find(|left| left.version == Version::V14_1);
    let id = &device.unwrap().id;
    let (form, version) = (QueryForm::Plain, Version::V14_1);
    let mut phone = Phone::new(house, ALICE, id, version, form, &profile::PLAIN);
    let begun = Instant::now();
    loop {
        let search = Operation::SearchMailbox {
            query: "mail".to_owned(),
            range: (0, 99),
        };
        let found = phone.ask(search);
        if found.results.iter().filter(|r| r.2 == "Email").count() >= 3 {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{found:?}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// Three devices of different age make and fetch items; then the appliance is killed and packed up.
fn make(to: &Path) {
    let mut house = House::with_users(&[ALICE]);
    for n in 0..3 {
        let mail = samples::mail(&format!("mail {n}"));
        lmtp::deliver(house.lmtp, ALICE, &mail);
    }
    let mut said = String::new();
    for version in [Version::V2_5, Version::V14_1, Version::V16_1] {
        let id = format!("OLD{}", version.text().replace('.', ""));
        let form = QueryForm::Plain;
        let mut phone = Phone::new(&house, ALICE, &id, version, form, &profile::PLAIN);
        phone.catch_up();
        for (class, kind) in samples::own_classes(version) {
            let folder = phone.device.folder(kind).unwrap().id.clone();
            let add = samples::add(class, version, &format!("by {id}"));
            phone.change(&folder, vec![add]);
        }
        phone.look();
        let key = &phone.device.folder_key;
        writeln!(said, "device {id} {} {key}", version.text()).unwrap();
        for (folder, c) in &phone.device.collections {
            writeln!(said, "collection {folder} {} {}", c.key, c.items.len()).unwrap();
        }
    }
    fs::write(to, said).unwrap();
    house.kill();
    house.pack(&to.with_extension("tar.gz"));
}

fn goes_on(house: &House, left: &Left, all: &[Left]) {
    let profile = &profile::PLAIN;
    let mut phone = Phone::new(
        house,
        ALICE,
        &left.id,
        left.version,
        QueryForm::Plain,
        profile,
    );
    phone.device.folder_key.clone_from(&left.folder_key);
    // The default folders are numbered by their types.
    for kind in [2, 4, 5, 7, 8, 9] {
        let id = kind.to_string();
        let (parent, name) = ("0".to_owned(), id.clone());
        let folder = Folder {
            id: id.clone(),
            parent,
            name,
            kind,
        };
        phone.device.folders.insert(id, folder);
    }
    let folders = phone.ask(Operation::FolderSync);
    let nothing =
        folders.added.is_empty() && folders.changed.is_empty() && folders.removed.is_empty();
    assert!(folders.ok() && nothing, "{}: {folders:?}", left.id);
    // What devices that came later have added is news; all else is known.
    let mut there = BTreeMap::new();
    for (id, _, items) in all.iter().flat_map(|device| &device.collections) {
        let most = there.entry(id.as_str()).or_default();
        *most = (*items).max(*most);
    }
    for (id, key, items) in &left.collections {
        let class = match id.as_str() {
            "7" => Class::Tasks,
            "8" => Class::Calendar,
            "9" => Class::Contacts,
            "10" => Class::Notes,
            _ => Class::Email,
        };
        phone
            .device
            .collections
            .insert(id.clone(), Collection::at(class, key));
        let told = phone.ask(changes(id, Vec::new()));
        let of = format!("folder {id} of {}: {told:?}", left.id);
        assert!(
            told.collections.iter().all(|(_, status)| *status == 1),
            "{of}"
        );
        assert_eq!(told.added.len(), there[id.as_str()] - items, "{of}");
        assert!(told.changed.is_empty() && told.removed.is_empty(), "{of}");
    }
}
