//! Requests that wait: what ends the waiting, and with which words.

use super::house::House;
use super::lmtp;
use super::phone::{Phone, Waiting};
use super::samples::{add, mail};
use super::wire;
use roost::wbxml::tags::ping;
use roost_load::{
    Class, Operation, Outcome, QueryForm, Sync, SyncCollection, Version, Wait, profile,
};

const ALICE: &str = "alice@example.org";
const INBOX: u32 = 2;
const PEOPLE: u32 = 9;
/// Heartbeats of seconds, so that a test can see one end.
const SHORT: &str = "[eas]\nheartbeat_s_min = 1\n";

fn phone(house: &House, id: &str) -> Phone {
    let form = QueryForm::Base64;
    let mut phone = Phone::new(house, ALICE, id, Version::V14_1, form, &profile::PLAIN);
    phone.catch_up();
    phone
}

fn id(phone: &Phone, kind: u32) -> String {
    phone.device.folder(kind).unwrap().id.clone()
}

fn ping(phone: &Phone, kinds: &[u32]) -> Operation {
    let folders = kinds.iter().map(|kind| id(phone, *kind)).collect();
    Operation::Ping {
        folders,
        heartbeat_s: 600,
    }
}

fn held_sync(phone: &Phone, heartbeat_s: u32) -> Operation {
    let collection = SyncCollection {
        id: id(phone, INBOX),
        ..SyncCollection::default()
    };
    let wait = Some(Wait::Seconds(heartbeat_s));
    Operation::Sync(Sync {
        collections: vec![collection],
        wait,
        ..Sync::default()
    })
}

#[test]
fn the_heartbeat_ends_the_waiting() {
    let mut house = House::configured(&[ALICE], SHORT);
    let mut phone = phone(&house, "BEAT1");
    let folders = vec![id(&phone, INBOX)];
    let waiting = phone.park(Operation::Ping {
        folders,
        heartbeat_s: 2,
    });
    let outcome = phone.woken(waiting);
    assert_eq!((outcome.status, outcome.folders.len()), (Some(1), 0));
    let operation = held_sync(&phone, 2);
    let waiting = phone.park(operation);
    let outcome = phone.woken(waiting);
    assert_eq!((outcome.http, outcome.tree), (200, None));
    house.assert_well();
    wire::check(&phone.seen);
}

#[test]
fn a_request_that_cannot_wait_says_why() {
    let mut house = House::with_users(&[ALICE]);
    let mut phone = phone(&house, "WHY1");
    let inbox = id(&phone, INBOX);
    let mut ask = |folders: &[&str], heartbeat_s| {
        let folders = folders.iter().map(|f| (*f).to_owned()).collect();
        phone.ask(Operation::Ping {
            folders,
            heartbeat_s,
        })
    };
    let number = |outcome: &Outcome, tag| outcome.tree.as_ref().and_then(|t| t.number(tag));
    assert_eq!(ask(&[], 600).status, Some(3), "nothing is stored yet");
    let short = ask(&[&inbox], 5);
    assert_eq!(
        (short.status, number(&short, ping::HEARTBEAT_INTERVAL)),
        (Some(5), Some(60))
    );
    let long = ask(&[&inbox], 9999);
    assert_eq!(
        (long.status, number(&long, ping::HEARTBEAT_INTERVAL)),
        (Some(5), Some(3540))
    );
    assert_eq!(
        ask(&[&inbox, &inbox], 600).status,
        Some(4),
        "twice the same"
    );
    assert_eq!(
        ask(&[&inbox, "9999"], 600).status,
        Some(7),
        "no such folder"
    );
    let many: Vec<String> = (0..2000).map(|n| n.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let outcome = ask(&many, 600);
    assert_eq!(outcome.status, Some(6));
    assert!(number(&outcome, ping::MAX_FOLDERS).is_some_and(|n| n > 0));
    house.assert_well();
    wire::check(&phone.seen);
}

#[test]
fn own_changes_do_not_wake_and_newer_requests_end_older_ones() {
    let mut house = House::with_users(&[ALICE]);
    let mut phone = phone(&house, "OWN1");
    let people = id(&phone, PEOPLE);
    let operation = ping(&phone, &[INBOX, PEOPLE]);
    let Waiting(mut older) = phone.park(operation.clone());
    let outcome = phone.change(&people, vec![add(Class::Contacts, Version::V14_1, "Mine")]);
    assert!(outcome.ok(), "{outcome:?}");
    let ended = older.receive(super::http::PATIENCE);
    assert!(
        ended.is_ok_and(|answer| answer.status == 200),
        "the older request still waits"
    );
    // `park` asserts that it is not answered at once: its own contact is no news.
    let waiting = phone.park(operation);
    lmtp::deliver(house.lmtp, ALICE, &mail("Hello"));
    assert_eq!(phone.woken(waiting).folders, [id(&phone, INBOX)]);
    house.assert_well();
    wire::check(&phone.seen);
}

#[test]
fn a_changed_hierarchy_ends_the_waiting() {
    let mut house = House::with_users(&[ALICE]);
    let mut one = phone(&house, "TREE1");
    let mut two = phone(&house, "TREE2");
    let mut other = phone(&house, "TREE3");
    let operation = ping(&one, &[INBOX]);
    let pinging = one.park(operation);
    let operation = held_sync(&two, 600);
    let syncing = two.park(operation);
    let parent = "0".to_owned();
    assert!(
        other
            .ask(Operation::FolderCreate {
                parent,
                name: "New".to_owned(),
                kind: 12
            })
            .ok()
    );
    assert_eq!(one.woken(pinging).status, Some(7));
    assert_eq!(two.woken(syncing).status, Some(12));
    house.assert_well();
    for phone in [&mut one, &mut two] {
        phone.look();
        assert!(phone.device.folders.values().any(|f| f.name == "New"));
        wire::check(&phone.seen);
    }
}

#[test]
fn one_delivery_wakes_all_devices() {
    let mut house = House::with_users(&[ALICE]);
    let mut phones: Vec<Phone> = (0..40)
        .map(|n| phone(&house, &format!("MANY{n}")))
        .collect();
    let parked: Vec<Waiting> = phones
        .iter_mut()
        .map(|phone| {
            let operation = ping(phone, &[INBOX]);
            phone.park(operation)
        })
        .collect();
    lmtp::deliver(house.lmtp, ALICE, &mail("To all"));
    for (phone, waiting) in phones.iter_mut().zip(parked) {
        assert_eq!(phone.woken(waiting).status, Some(2));
        phone.catch_up();
        assert_eq!(phone.device.count(Class::Email), 1);
    }
    house.assert_well();
    let seen: Vec<_> = phones.into_iter().flat_map(|phone| phone.seen).collect();
    wire::check(&seen);
}
