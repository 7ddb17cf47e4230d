//! `kill -9` during delivery and Sync load: what was acknowledged is there, once, and the device
//! goes on with the key it had.

use super::dice::Dice;
use super::house::House;
use super::lmtp::{self, Lmtp};
use super::phone::{Phone, changes};
use super::samples::{add, mail};
use super::wire;
use roost::wbxml::Tag;
use roost::wbxml::tags::{contacts, email};
use roost_load::{Class, Operation, QueryForm, Version, profile};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

const ALICE: &str = "alice@example.org";
const KILLS: usize = 50;
const INBOX: u32 = 2;
const PEOPLE: u32 = 9;

#[test]
fn what_was_acknowledged_survives_fifty_kills() {
    let mut house = House::with_users(&[ALICE]);
    let mut dice = Dice::new(50);
    let mut phone = new_phone(&house, "KILLED1");
    phone.catch_up();
    // All mails and contacts below these numbers have been acknowledged.
    let (mut mails, mut people) = (0, 0);
    for kill in 0..KILLS {
        let lmtp = house.lmtp;
        let delivery = thread::spawn(move || deliver(lmtp, mails));
        let sync = thread::spawn(move || sync(phone, people));
        thread::sleep(Duration::from_millis(
            u64::try_from(30 + dice.below(250)).unwrap(),
        ));
        house.kill_and_restart();
        mails = delivery.join().unwrap();
        (phone, people) = sync.join().unwrap();
        phone.move_to(&house);
        // What got no answer is asked for once more, as phones do.
        if let Some(request) = phone.device.repeat() {
            let answer = phone.exchange(&request);
            phone.take("a repeated request", &answer);
        }
        phone.look();
        assert_once(&phone, mails, people, &format!("after kill {kill}"));
        house.assert_well();
    }
    assert!(
        mails > 0 && people > 0,
        "nothing was acknowledged between the kills"
    );
    let mut fresh = new_phone(&house, "FRESH2");
    fresh.catch_up();
    assert_once(&fresh, mails, people, "on a new device");
    for class in [Class::Email, Class::Contacts] {
        assert_eq!(
            fresh.device.count(class),
            phone.device.count(class),
            "{class:?}"
        );
    }
    phone.seen.append(&mut fresh.seen);
    wire::check(&phone.seen);
}

fn new_phone(house: &House, id: &str) -> Phone {
    Phone::new(
        house,
        ALICE,
        id,
        Version::V14_1,
        QueryForm::Plain,
        &profile::PLAIN,
    )
}

/// Delivers until the server is gone. Gives the number of the first mail that was not acknowledged,
/// with which the next round begins: a mail server tries again, too.
fn deliver(addr: SocketAddr, mut next: usize) -> usize {
    let Ok(mut session) = Lmtp::try_open(addr) else {
        return next;
    };
    while let Ok(replies) = session.deliver(&[ALICE], &mail(&format!("Mail {next}"))) {
        if !replies[0].starts_with("250") {
            break;
        }
        next += 1;
    }
    next
}

/// Adds contacts and syncs mail until the server is gone.
fn sync(mut phone: Phone, mut next: usize) -> (Phone, usize) {
    let id = |kind| phone.device.folder(kind).unwrap().id.clone();
    let (inbox, people) = (id(INBOX), id(PEOPLE));
    loop {
        let new = add(Class::Contacts, Version::V14_1, &format!("Person {next}"));
        let Ok(outcome) = phone.try_ask(changes(&people, vec![new])) else {
            // The request will be repeated, and then it has been acknowledged.
            return (phone, next + 1);
        };
        assert_eq!(outcome.responses[0].status, 1, "{outcome:?}");
        next += 1;
        if phone.try_ask(changes(&inbox, vec![])).is_err() {
            return (phone, next);
        }
    }
}

/// Everything below these numbers is there, and nothing is there twice.
fn assert_once(phone: &Phone, mails: usize, people: usize, when: &str) {
    for (class, tag, name, count) in [
        (Class::Email, email::SUBJECT, "Mail", mails),
        (Class::Contacts, contacts::LAST_NAME, "Person", people),
    ] {
        let titles = titles(phone, class, tag);
        let twice: Vec<_> = titles.iter().filter(|(_, n)| **n > 1).collect();
        assert!(twice.is_empty(), "{when}: {twice:?}");
        for n in 0..count {
            let title = format!("{name} {n}");
            assert!(
                titles.contains_key(title.as_str()),
                "{when}: {title} of {count} is lost"
            );
        }
    }
}

pub(crate) fn titles(phone: &Phone, class: Class, tag: Tag) -> BTreeMap<&str, usize> {
    let mut titles = BTreeMap::new();
    let collections = phone
        .device
        .collections
        .values()
        .filter(|c| c.class == class);
    for item in collections.flat_map(|c| c.items.values()) {
        *titles
            .entry(item.text(tag).unwrap_or_default())
            .or_default() += 1;
    }
    titles
}

/// An ordinary stop and start: nothing starts over.
#[test]
fn a_device_goes_on_with_its_keys_after_a_restart() {
    let mut house = House::with_users(&[ALICE]);
    let mut phone = new_phone(&house, "KEPT1");
    phone.catch_up();
    let keys = |phone: &Phone| {
        let keys = phone
            .device
            .collections
            .iter()
            .map(|(id, c)| (id.clone(), c.key.clone()));
        (phone.device.folder_key.clone(), keys.collect::<Vec<_>>())
    };
    let before = keys(&phone);
    house.kill_and_restart();
    phone.move_to(&house);
    assert!(phone.ask(Operation::FolderSync).added.is_empty());
    phone.look();
    assert_eq!(keys(&phone), before);
    wire::check(&phone.seen);
}

/// `roost check` wants the store for itself, and finds it whole after a kill.
#[test]
fn the_check_finds_nothing_wrong_after_a_kill() {
    let mut house = House::with_users(&[ALICE]);
    lmtp::deliver(house.lmtp, ALICE, &mail("To be checked"));
    let busy = house.run(&["check"]);
    let said = String::from_utf8_lossy(&busy.stderr).into_owned();
    assert!(
        !busy.status.success() && said.contains("stop it first"),
        "{said}"
    );
    house.kill();
    let checked = house.run(&["check", "--json"]);
    assert!(checked.status.success(), "{checked:?}");
    let report: serde_json::Value = serde_json::from_slice(&checked.stdout).unwrap();
    for (name, count) in [("accounts", 1), ("items", 1), ("bodies", 1), ("wrong", 0)] {
        assert_eq!(report[name], count, "{name}");
    }
    let plain = house.run(&["check", "--no-bodies", "--repair"]);
    let said = String::from_utf8_lossy(&plain.stdout).into_owned();
    assert_eq!(said, "accounts 1, items 1, bodies 0: wrong 0, mended 0\n");
}
