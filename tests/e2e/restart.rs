//! What a phone finds after a restart, and where there is no io_uring.

use super::house::House;
use super::http::{Connection, PATIENCE, client_config};
use super::lmtp;
use super::phone::Phone;
use super::samples::mail;
use super::wire;
use roost_load::{Class, Operation, QueryForm, Request, Version, profile};
use rustls::HandshakeKind;

const ALICE: &str = "alice@example.org";
const INBOX: u32 = 2;

fn ping(phone: &Phone) -> Operation {
    Operation::Ping {
        folders: vec![phone.device.folder(INBOX).unwrap().id.clone()],
        heartbeat_s: 600,
    }
}

#[test]
fn sessions_keys_and_ping_parameters_outlive_the_process() {
    let mut house = House::with_users(&[ALICE]);
    for tls12 in [true, false] {
        let config = client_config(tls12);
        let options = Request {
            method: "OPTIONS",
            target: "/Microsoft-Server-ActiveSync".to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        };
        let ask = |house: &House| {
            let mut connection = Connection::with(house.https, &config).unwrap();
            connection.send(&options).unwrap();
            assert_eq!(connection.receive(PATIENCE).unwrap().status, 401);
            connection.handshake_kind()
        };
        assert_eq!(ask(&house), Some(HandshakeKind::Full));
        house.kill_and_restart();
        assert_eq!(
            ask(&house),
            Some(HandshakeKind::Resumed),
            "TLS 1.2: {tls12}"
        );
    }
    let (form, profile) = (QueryForm::Base64, &profile::PLAIN);
    let mut phone = Phone::new(&house, ALICE, "BACK1", Version::V14_1, form, profile);
    phone.catch_up();
    let operation = ping(&phone);
    let waiting = phone.park(operation);
    house.kill_and_restart();
    drop(waiting);
    phone.move_to(&house);
    // An empty Ping: heartbeat and folders are those of the last one.
    let waiting = phone.park(Operation::Ping {
        folders: Vec::new(),
        heartbeat_s: 0,
    });
    lmtp::deliver(house.lmtp, ALICE, &mail("After the restart"));
    assert_eq!(phone.woken(waiting).status, Some(2));
    // Its keys are good: nothing begins anew.
    phone.catch_up();
    assert_eq!(phone.device.count(Class::Email), 1);
    house.assert_well();
    wire::check(&phone.seen);
}

#[test]
fn without_io_uring_all_is_as_ever() {
    let mut house = House::without_io_uring(&[ALICE]);
    for version in [Version::V2_5, Version::V14_1, Version::V16_1] {
        let form = match version {
            Version::V2_5 => QueryForm::Plain,
            _ => QueryForm::Base64,
        };
        let id = format!("NORING{version:?}").replace('_', "");
        let mut phone = Phone::new(&house, ALICE, &id, version, form, &profile::PLAIN);
        phone.catch_up();
        let operation = ping(&phone);
        let waiting = phone.park(operation);
        lmtp::deliver(house.lmtp, ALICE, &mail(&id));
        assert_eq!(phone.woken(waiting).status, Some(2));
        phone.catch_up();
    }
    house.assert_well();
}
