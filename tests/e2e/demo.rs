//! `roost demo`: its data reaches devices of every version, the same for all, and validates.

use super::house::House;
use super::lmtp;
use super::phone::Phone;
use super::samples::mail;
use super::wire;
use roost_load::{Class, Operation, QueryForm, SyncOptions, Version, profile};

const PASSWORD: &str = "roost-demo";
const USERS: [&str; 2] = ["alice@example.org", "bob@example.org"];

#[test]
fn the_demo_syncs_and_wakes_at_every_version() {
    let mut house = House::demo();
    let mut seen = Vec::new();
    for user in USERS {
        let mut first = None;
        for (version, body) in Version::ALL.into_iter().zip([1, 1, 2, 4, 2, 1, 2]) {
            let mut phone = new_phone(&house, user, version);
            phone.device.options = SyncOptions {
                body: Some(body),
                ..SyncOptions::TEXT
            };
            phone.catch_up();
            let classes = [Class::Email, Class::Calendar, Class::Contacts, Class::Tasks];
            let counts = classes.map(|class| phone.device.count(class));
            assert!(
                counts.iter().all(|n| *n > 0),
                "{user} {version}: {counts:?}"
            );
            let drafts = phone
                .device
                .folder(3)
                .and_then(|f| phone.device.collections.get(&f.id));
            // From 16.0 on the drafts come, too.
            let mails = counts[0] - drafts.map_or(0, |c| c.items.len());
            let counts = (mails, counts[1], counts[2], counts[3]);
            assert_eq!(*first.get_or_insert(counts), counts, "{user} {version}");
            seen.append(&mut phone.seen);
        }
    }
    wake(&house);
    house.assert_well();
    wire::check(&seen);
}

fn wake(house: &House) {
    let mut phone = new_phone(house, USERS[0], Version::V16_1);
    phone.catch_up();
    let inbox = phone.device.folder(2).unwrap().id.clone();
    let ping = Operation::Ping {
        folders: vec![inbox.clone()],
        heartbeat_s: 600,
    };
    let waiting = phone.park(ping);
    lmtp::deliver(house.lmtp, USERS[0], &mail("A new one"));
    assert_eq!(phone.woken(waiting).folders, [inbox]);
}

fn new_phone(house: &House, user: &str, version: Version) -> Phone {
    let id = format!("DEMO{}", version.byte());
    let form = QueryForm::Base64;
    let mut phone = Phone::new(house, user, &id, version, form, &profile::IPHONE);
    PASSWORD.clone_into(&mut phone.device.identity.password);
    phone
}
