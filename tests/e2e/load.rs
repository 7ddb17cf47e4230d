//! The load tester against the appliance: a small fleet over TLS with everything that scenarios have, and
//! what arrived is what was sent.

use super::house::{House, PASSWORD};
use roost_load::load::agents::{Agent, Peer, Task, assemble};
use roost_load::load::drive::{Order, drive};
use roost_load::load::inject::{Door, Doors};
use roost_load::load::scenario::{Faults, Login, Mail, People, Scenario};
use roost_load::load::wire::{Roots, Sources, Target, Trust};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

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
        doors: Doors {
            mail: Some(Door::Lmtp(house.lmtp)),
            ..Doors::default()
        },
        watched: None,
        stop: Arc::new(AtomicBool::new(false)),
    };
    let run = drive(&order, &mut |_, _| {}).unwrap();
    assert!(run.passed(), "{:?} {:?}", run.verdicts, run.truth);
    // Six devices for each user show what the user got.
    assert!(run.truth.expected > 100, "{:?}", run.truth);
    assert_eq!(run.truth.expected, run.truth.arrived);
    assert!(run.latency("push").is_some_and(|push| push.count > 20));
    assert_eq!(run.server_software, "Roost");
    house.assert_well();
}

#[test]
fn two_agents_share_the_users_and_what_all_get_is_judged_as_one() {
    let mut house = House::with_users(&USERS);
    let login = |name: &str| Login {
        name: name.to_owned(),
        address: String::new(),
        password: PASSWORD.to_owned(),
    };
    let mut scenario = Scenario {
        name: "test".to_owned(),
        seed: 6,
        duration_s: 6,
        mail: Mail {
            per_s: 6.0,
            to_all_at_s: vec![2],
            ..Mail::default()
        },
        people: People {
            read_per_h: 300.0,
            delete_per_h: 100.0,
            send_per_h: 300.0,
            contact_per_h: 100.0,
            ..People::default()
        },
        ..Scenario::default()
    };
    scenario.users.list = USERS.map(login).into();
    scenario.population.devices = 11;
    for demand in ["lost", "doubled", "resurrected", "foreign", "violations"] {
        scenario.demands.insert(demand.to_owned(), "0".to_owned());
    }
    let task = Task {
        scenario,
        servers: vec![format!("https://localhost:{}", house.https.port())],
        doors: vec![Door::Lmtp(house.lmtp)],
        insecure: true,
        threads: 1,
        ..Task::default()
    };
    let stop = Arc::new(AtomicBool::new(false));
    let here = SocketAddr::from(([127, 0, 0, 1], 0));
    let agents = [(); 2].map(|()| {
        let agent = Agent::new(here, "token".to_owned(), None, Arc::clone(&stop)).unwrap();
        let peer = format!("{}#{}", agent.addr, agent.identity.fingerprint);
        let thread = thread::spawn(move || agent.serve(true, &|_, _| ()));
        (Peer::parse(&peer).unwrap(), thread)
    });
    let peers: Vec<Peer> = agents.iter().map(|(peer, _)| peer.clone()).collect();
    let crew = assemble(&peers, "token").unwrap();
    let run = crew.conduct(&task, None, &AtomicBool::new(false), &mut |_, _| {});
    let run = run.unwrap();
    assert!(run.passed(), "{:?} {:?}", run.verdicts, run.truth);
    assert_eq!((run.devices, run.agents), (11, 2));
    // Eleven devices show the mail to all, and what came one by one.
    assert!(run.truth.expected > 60, "{:?}", run.truth);
    assert_eq!(run.truth.expected, run.truth.arrived);
    let mails = run.latency("mail in").map(|mails| mails.count);
    assert!(mails.is_some_and(|n| n > 20), "{mails:?}");
    assert!(run.latency("push").is_some_and(|push| push.count > 20));
    assert_eq!(run.server_software, "Roost");
    stop.store(true, Ordering::SeqCst);
    for (_, thread) in agents {
        thread.join().unwrap();
    }
    house.assert_well();
}
