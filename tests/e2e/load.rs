//! The load tester against the appliance: a small fleet over TLS with everything that scenarios have, and
//! what arrived is what was sent.

use super::house::{House, PASSWORD};
use roost_load::load::drive::{Order, drive};
use roost_load::load::inject::Door;
use roost_load::load::scenario::{Faults, Login, Mail, People, Scenario};
use roost_load::load::wire::{Roots, Sources, Target, Trust};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

const USERS: [&str; 3] = ["ann@example.org", "bob@example.org", "eve@example.org"];

#[test]
fn a_fleet_with_a_bad_network_gets_everything_once() {
    let mut house = House::with_users(&USERS);
    let login = |name: &str| Login {
        name: name.to_owned(),
        address: String::new(),
        password: PASSWORD.to_owned(),
    };
    let mut scenario = Scenario {
        name: "test".to_owned(),
        seed: 5,
        duration_s: 8,
        mail: Mail {
            per_s: 5.0,
            to_all_at_s: vec![3],
            ..Mail::default()
        },
        people: People {
            read_per_h: 300.0,
            delete_per_h: 100.0,
            send_per_h: 200.0,
            contact_per_h: 100.0,
            event_per_h: 100.0,
            search_per_h: 100.0,
            ..People::default()
        },
        faults: Faults {
            lost_answers_per_mille: 20.0,
            reconnect_all_at_s: vec![5],
            ..Faults::default()
        },
        ..Scenario::default()
    };
    scenario.users.list = USERS.map(login).into();
    scenario.population.devices = 18;
    for demand in ["lost", "doubled", "resurrected", "foreign", "violations"] {
        scenario.demands.insert(demand.to_owned(), "0".to_owned());
    }
    let trust = Trust {
        roots: Roots::Anybody,
        resume: true,
        tls12: false,
    };
    let order = Order {
        scenario,
        target: Target {
            addr: house.https,
            host: "localhost".to_owned(),
            tls: Some(trust.config().unwrap()),
            sources: Sources::default(),
            threads: 1,
        },
        server: format!("https://{}", house.https),
        door: Some(Door::Lmtp(house.lmtp)),
        watched: None,
        stop: Arc::new(AtomicBool::new(false)),
    };
    let run = drive(&order, &mut |_, _| {}).unwrap();
    assert!(run.passed(), "{:?} {:?}", run.verdicts, run.truth);
    // Six devices for each user show what the user got.
    assert!(run.truth.expected > 100, "{:?}", run.truth);
    assert_eq!(run.truth.expected, run.truth.arrived);
    assert!(run.latency("push").is_some_and(|push| push.count > 20));
    house.assert_well();
}
