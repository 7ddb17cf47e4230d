//! What the world hears while the disk has no room left but the reserve.

use super::house::House;
use super::lmtp::{self, Lmtp};
use super::phone::{Phone, changes};
use super::samples::mail;
use super::wire;
use roost_load::{Class, Operation, QueryForm, Version, profile};
use std::fs;

const ALICE: &str = "alice@example.org";
const INBOX: u32 = 2;
/// More than any disk has.
const NO_ROOM: &str = "[store]\nreserve_mib = 1000000000\n";

#[test]
fn without_room_mail_and_changes_come_back_later_and_all_can_be_read() {
    let mut house = House::with_users(&[ALICE]);
    let (form, profile) = (QueryForm::Base64, &profile::PLAIN);
    let mut phone = Phone::new(&house, ALICE, "FULL1", Version::V14_1, form, profile);
    phone.catch_up();
    lmtp::deliver(house.lmtp, ALICE, &mail("Before"));
    phone.look();
    let inbox = phone.device.folder(INBOX).unwrap().id.clone();
    let synced = phone.ask(changes(&inbox, Vec::new()));
    assert!(synced.ok());
    let config = house.folder().join("roost.toml");
    let roomy = fs::read_to_string(&config).unwrap();
    fs::write(&config, format!("{roomy}{NO_ROOM}")).unwrap();
    house.kill_and_restart();
    phone.move_to(&house);

    let refused = Lmtp::open(house.lmtp)
        .deliver(&[ALICE], &mail("Later"))
        .unwrap();
    assert!(
        refused.len() == 1 && refused[0].starts_with("452 4.3.1 "),
        "{refused:?}"
    );
    let create = || Operation::FolderCreate {
        parent: "0".to_owned(),
        name: "Later".to_owned(),
        kind: 12,
    };
    let request = phone.device.request(create());
    let answer = phone.exchange(&request);
    assert_eq!(answer.status, 503);
    assert!(answer.header("Retry-After").is_some());
    let synced = phone.ask(changes(&inbox, Vec::new()));
    assert!(synced.ok(), "nothing new: nothing to write: {synced:?}");

    fs::write(&config, roomy).unwrap();
    house.kill_and_restart();
    phone.move_to(&house);
    assert!(phone.ask(create()).ok());
    lmtp::deliver(house.lmtp, ALICE, &mail("Later"));
    phone.look();
    assert_eq!(phone.device.count(Class::Email), 2);
    house.assert_well();
    wire::check(&phone.seen);
}
