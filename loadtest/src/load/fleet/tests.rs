//! The fleet against a server that does what it is told to.

use super::*;
use crate::load::run::Latency;
use crate::load::testing::{Asked, Does, Scripted, answer};
use crate::load::wire::Sources;
use crate::tree::{node, text};
use crate::{Node, Violation};
use roost::wbxml::tags::{airsync, email, folderhierarchy as folders, ping, search};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::Receiver;

/// The longest that any test waits for something.
const PATIENCE: Duration = Duration::from_secs(60);

fn wbxml(root: &Node) -> Does {
    let kind = [("Content-Type", "application/vnd.ms-sync.wbxml")];
    Does::Says(answer(200, &kind, &root.encode()))
}

fn nothing() -> Does {
    Does::Says(answer(200, &[], b""))
}

/// A small server: six folders, each with a key and nothing in it. It answers whatever does not wait.
pub(in crate::load) fn house(asked: &Asked) -> Does {
    let body = Node::decode(&asked.body).ok();
    match asked.command.as_str() {
        "OPTIONS" => Does::Says(answer(
            200,
            &[
                ("MS-ASProtocolVersions", "2.5,12.1,14.0,14.1,16.1"),
                (
                    "MS-ASProtocolCommands",
                    "Sync,Ping,FolderSync,SendMail,Search",
                ),
            ],
            b"",
        )),
        "FolderSync" => {
            let fresh = body.unwrap().text(folders::SYNC_KEY) == Some("0");
            let kinds: &[u32] = if fresh { &[2, 4, 5, 7, 8, 9] } else { &[] };
            wbxml(&hierarchy(kinds))
        }
        "Sync" => {
            let path = [airsync::COLLECTIONS, airsync::COLLECTION];
            let collection = body.unwrap().at(&path).cloned().unwrap();
            match collection.text(airsync::SYNC_KEY) {
                Some("0") => wbxml(&synced(&collection, "1", Vec::new())),
                _ => nothing(),
            }
        }
        "Ping" => Does::Hangs(PATIENCE),
        "Search" => {
            let store = node(search::STORE, vec![text(search::STATUS, "1")]);
            let response = node(search::RESPONSE, vec![store]);
            let status = text(search::STATUS, "1");
            wbxml(&node(search::SEARCH, vec![status, response]))
        }
        _ => nothing(),
    }
}

fn hierarchy(kinds: &[u32]) -> Node {
    let mut changes = vec![text(folders::COUNT, kinds.len().to_string())];
    changes.extend(kinds.iter().map(|kind| {
        node(
            folders::ADD,
            vec![
                text(folders::SERVER_ID, kind.to_string()),
                text(folders::PARENT_ID, "0"),
                text(folders::DISPLAY_NAME, format!("Folder {kind}")),
                text(folders::TYPE, kind.to_string()),
            ],
        )
    }));
    let children = vec![
        text(folders::STATUS, "1"),
        text(folders::SYNC_KEY, "1"),
        node(folders::CHANGES, changes),
    ];
    node(folders::FOLDER_SYNC, children)
}

fn synced(collection: &Node, key: &str, commands: Vec<Node>) -> Node {
    let id = collection.text(airsync::COLLECTION_ID).unwrap();
    let mut children = vec![
        text(airsync::SYNC_KEY, key),
        text(airsync::COLLECTION_ID, id),
        text(airsync::STATUS, "1"),
    ];
    if !commands.is_empty() {
        children.push(node(airsync::COMMANDS, commands));
    }
    let collection = node(airsync::COLLECTION, children);
    let collections = node(airsync::COLLECTIONS, vec![collection]);
    node(airsync::SYNC, vec![collections])
}

/// Devices of the plain kind, which watch the inbox.
pub(in crate::load) fn scenario(devices: u32) -> Scenario {
    let mut scenario = Scenario {
        seed: 7,
        ..Scenario::default()
    };
    scenario.population.devices = devices;
    scenario.population.folders = vec![2];
    scenario.population.profiles = BTreeMap::from([("plain".to_owned(), 1.0)]);
    scenario
}

/// What the witness of a test is told.
#[derive(Default)]
struct Told {
    held: Mutex<Vec<(Who, String, Moment)>>,
    looked: Mutex<Vec<(Who, bool)>>,
    violations: Mutex<Vec<String>>,
    forgotten: Mutex<Vec<String>>,
}

impl Witness for Told {
    fn holds(&self, who: Who, item: &Seen<'_>, when: Moment) {
        let held = (who, item.subject.to_owned(), when);
        self.held.lock().unwrap().push(held);
    }

    fn forgot(&self, _: Who, collection: &str) {
        self.forgotten.lock().unwrap().push(collection.to_owned());
    }

    fn violation(&self, _: Who, at: &str, what: &Violation) {
        self.violations
            .lock()
            .unwrap()
            .push(format!("{at}: {what}"));
    }

    fn looked(&self, who: Who, whole: bool) {
        self.looked.lock().unwrap().push((who, whole));
    }
}

/// Runs a scenario until something has happened; what was measured and told.
fn run(
    scenario: &Scenario,
    server: &Scripted,
    until: impl Fn(&Meters) -> bool,
) -> (Measured, Arc<Told>) {
    let target = Target {
        addr: server.addr,
        host: "localhost".to_owned(),
        tls: None,
        sources: Sources::default(),
        threads: 1,
    };
    let told = Arc::new(Told::default());
    let meters = Meters::new("arrive");
    let witness = Arc::clone(&told);
    let fleet = Fleet::start(scenario, &target, witness, Arc::clone(&meters)).unwrap();
    let (_keep, never): (_, Receiver<()>) = mpsc::channel();
    let patience_us = u64::try_from(PATIENCE.as_micros()).unwrap();
    let due_us = meters.now_us() + patience_us;
    while fleet.running_since_us().is_none() || !until(&meters) {
        assert!(meters.now_us() < due_us, "it did not happen");
        let _ = never.recv_timeout(Duration::from_millis(10));
    }
    (fleet.stop(), told)
}

fn count(meters: &Meters, name: &str) -> u64 {
    meters.counters().get(name).copied().unwrap_or(0)
}

fn latency<'a>(measured: &'a Measured, what: &str, phase: &str) -> &'a Latency {
    let found = |l: &&Latency| l.what == what && l.phase == phase;
    measured.latencies.iter().find(found).unwrap()
}

#[test]
fn devices_arrive_park_are_woken_and_look_at_the_end() {
    let woken = AtomicUsize::new(0);
    let server = Scripted::start(true, move |asked| {
        let body = Node::decode(&asked.body).ok();
        let known = |n| n <= 3;
        match asked.command.as_str() {
            // Each of the first three Pings is answered at once.
            "Ping" if known(woken.fetch_add(1, Ordering::SeqCst) + 1) => wbxml(&node(
                ping::PING,
                vec![
                    text(ping::STATUS, "2"),
                    node(ping::FOLDERS, vec![text(ping::FOLDER, "2")]),
                ],
            )),
            "Sync" => {
                let path = [airsync::COLLECTIONS, airsync::COLLECTION];
                let collection = body.as_ref().unwrap().at(&path).unwrap();
                if collection.text(airsync::SYNC_KEY) != Some("1")
                    || woken.load(Ordering::SeqCst) == 0
                {
                    return house(asked);
                }
                let mail = vec![text(email::SUBJECT, "roost-load 1"), text(email::READ, "0")];
                let add = vec![
                    text(airsync::SERVER_ID, "2:1"),
                    node(airsync::APPLICATION_DATA, mail),
                ];
                wbxml(&synced(collection, "2", vec![node(airsync::ADD, add)]))
            }
            _ => house(asked),
        }
    });
    let mut scenario = scenario(3);
    scenario.users.count = 2;
    let trust = crate::load::wire::Trust {
        roots: crate::load::wire::Roots::Anybody,
        resume: true,
        tls12: false,
    };
    let target = Target {
        addr: server.addr,
        host: "localhost".to_owned(),
        tls: Some(trust.config().unwrap()),
        sources: Sources::parse("127.0.0.1-127.0.0.3").unwrap(),
        threads: 2,
    };
    let told = Arc::new(Told::default());
    let meters = Meters::new("arrive");
    let witness = Arc::clone(&told);
    let fleet = Fleet::start(&scenario, &target, witness, Arc::clone(&meters)).unwrap();
    let (_keep, never): (_, Receiver<()>) = mpsc::channel();
    while told.held.lock().unwrap().len() < 3 {
        let _ = never.recv_timeout(Duration::from_millis(10));
    }
    let measured = fleet.stop();
    let mut looked = told.looked.lock().unwrap().clone();
    looked.sort_unstable();
    let who = |device, user| (Who { device, user }, true);
    assert_eq!(looked, [who(0, 1), who(1, 2), who(2, 1)]);
    assert_eq!(*told.violations.lock().unwrap(), [""; 0]);
    let held = told.held.lock().unwrap();
    assert_eq!(held.len(), 3, "each once: {held:?}");
    assert!(held.iter().all(|(_, subject, _)| subject == "roost-load 1"));
    assert_eq!(measured.counters["wakes"], 3);
    assert_eq!(
        latency(&measured, "handshake", "").count,
        measured.counters["connections"]
    );
}

#[test]
fn a_stall_of_half_a_second_shows_in_the_percentiles() {
    // The clock of the stall: when it is over, microseconds; 0: it has not begun.
    let (clock, over_us) = (roost::clock::Clock::system(), AtomicU64::new(0));
    let searches = AtomicUsize::new(0);
    let server = Scripted::start(false, move |asked| {
        let said = house(asked);
        let Does::Says(bytes) = &said else {
            return said;
        };
        if asked.command != "Search" {
            return said;
        }
        let now_us = clock.mono_us();
        if searches.fetch_add(1, Ordering::SeqCst) == 40 {
            over_us.store(now_us + 500_000, Ordering::SeqCst);
        }
        match over_us.load(Ordering::SeqCst).checked_sub(now_us) {
            Some(left_us @ 1..) => Does::Splits(bytes.clone(), 0, Duration::from_micros(left_us)),
            _ => said,
        }
    });
    let mut scenario = scenario(2);
    // 100 searches a second, by two devices.
    scenario.people.search_per_h = 180_000.0;
    let (measured, _) = run(&scenario, &server, |meters| count(meters, "acts") >= 300);
    let search = latency(&measured, "Search", "run");
    // Some 50 of 300 were meant to begin within the stall, though only two could be asked.
    assert!(search.p99_us >= 400_000, "{search:?}");
    assert!(search.p90_us >= 100_000, "{search:?}");
    assert!(search.max_us >= 490_000, "{search:?}");
}

#[test]
fn a_lost_answer_is_asked_for_again_byte_for_byte() {
    let server = Scripted::start(false, house);
    let mut scenario = scenario(1);
    scenario.population.wait = false;
    scenario.population.poll_s = 1;
    scenario.faults.lost_answers_per_mille = 400.0;
    let lost = |meters: &Meters| count(meters, "answers lost on purpose");
    let (measured, told) = run(&scenario, &server, |meters| lost(meters) >= 3);
    let asked = server.asked();
    let again = asked.windows(2).filter(|w| w[0].bytes == w[1].bytes);
    let again: Vec<_> = again.collect();
    let lost = usize::try_from(measured.counters["answers lost on purpose"]).unwrap();
    assert_eq!(again.len(), lost, "{:?}", measured.counters);
    assert!(again.iter().all(|w| w[0].connection != w[1].connection));
    assert_eq!(*told.violations.lock().unwrap(), [""; 0]);
}

#[test]
fn a_waiting_connection_that_is_cut_shortens_the_heartbeat() {
    let server = Scripted::start(false, |asked| match asked.command.as_str() {
        "Ping" if heartbeat(asked) > 10 => Does::Hangs(Duration::from_millis(1_100)),
        _ => house(asked),
    });
    let mut scenario = scenario(1);
    scenario.population.heartbeat_s = 40;
    let shortened = |meters: &Meters| count(meters, "heartbeats shortened") >= 1;
    let (measured, _) = run(&scenario, &server, shortened);
    assert_eq!(measured.errors["closed"], 1);
    let asked = server.asked();
    let pings = asked.iter().filter(|a| a.command == "Ping");
    let beats: Vec<u32> = pings.map(heartbeat).collect();
    assert_eq!(beats[0], 40);
    assert!(beats[1..].iter().all(|s| *s == 10), "{beats:?}");
}

fn heartbeat(asked: &Asked) -> u32 {
    let root = Node::decode(&asked.body).unwrap();
    root.number(ping::HEARTBEAT_INTERVAL).unwrap()
}

#[test]
fn a_server_that_asks_for_patience_gets_it() {
    let busy = AtomicUsize::new(0);
    let server = Scripted::start(false, move |asked| {
        if asked.command == "FolderSync" && busy.fetch_add(1, Ordering::SeqCst) == 0 {
            return Does::Says(answer(503, &[("Retry-After", "2")], b""));
        }
        house(asked)
    });
    let (measured, _) = run(&scenario(1), &server, |_| true);
    assert_eq!(measured.errors["http 503"], 1);
    let asked = server.asked();
    let asked: Vec<&Asked> = asked.iter().filter(|a| a.command == "FolderSync").collect();
    assert_eq!(asked[0].bytes, asked[1].bytes);
    let after_us = asked[1].at_us - asked[0].at_us;
    assert!(after_us >= 2_000_000, "{after_us}");
    assert!(latency(&measured, "FolderSync", "").max_us >= 2_000_000);
}

#[test]
fn all_come_back_after_a_mass_reconnect_and_what_breaks_the_protocol_is_told() {
    let server = Scripted::start(false, |asked| match asked.command.as_str() {
        // The second device is told of a hierarchy that lacks an inbox.
        "FolderSync" if asked.bytes.windows(8).any(|w| w == b"00000001") => {
            wbxml(&hierarchy(&[4, 5]))
        }
        _ => house(asked),
    });
    let mut scenario = scenario(2);
    scenario.faults.reconnect_all_at_s = vec![0];
    let came_back = |meters: &Meters| count(meters, "reconnects on purpose") >= 1;
    let (measured, told) = run(&scenario, &server, came_back);
    assert_eq!(measured.counters["reconnects on purpose"], 1);
    let mut looked = told.looked.lock().unwrap().clone();
    looked.sort_unstable();
    let whole: Vec<bool> = looked.iter().map(|(_, whole)| *whole).collect();
    assert_eq!(whole, [true, false], "what the second lacks proves nothing");
    let violations = told.violations.lock().unwrap();
    assert!(violations.len() >= 3, "{violations:?}");
    assert!(violations.iter().all(|v| v.contains("of type 2")));
}

#[test]
fn a_device_whose_hierarchy_is_unknown_holds_nothing_and_begins_anew() {
    let refused = AtomicUsize::new(0);
    let server = Scripted::start(false, move |asked| {
        let body = Node::decode(&asked.body).ok();
        let key = body.as_ref().and_then(|b| b.text(folders::SYNC_KEY));
        if asked.command == "FolderSync"
            && key == Some("1")
            && refused.fetch_add(1, Ordering::SeqCst) == 0
        {
            let status = text(folders::STATUS, "9");
            return wbxml(&node(folders::FOLDER_SYNC, vec![status]));
        }
        house(asked)
    });
    // The last look asks for the hierarchy with its key.
    let (_, told) = run(&scenario(1), &server, |_| true);
    assert_eq!(*told.forgotten.lock().unwrap(), ["2"]);
    assert_eq!(told.looked.lock().unwrap().len(), 1);
    assert_eq!(*told.violations.lock().unwrap(), [""; 0]);
}

#[test]
fn mail_of_the_scenario_is_sent_by_devices_when_it_is_meant_to() {
    let server = Scripted::start(false, house);
    let mut scenario = scenario(2);
    scenario.users.count = 2;
    scenario.mail.by = crate::load::scenario::Way::Eas;
    scenario.mail.per_s = 20.0;
    scenario.mail.to_all_at_s = vec![0];
    let (measured, _) = run(&scenario, &server, |meters| count(meters, "injected") >= 10);
    let asked = server.asked();
    let sent: Vec<&Asked> = asked.iter().filter(|a| a.command == "SendMail").collect();
    assert!(sent.len() >= 10);
    let all: BTreeSet<&[u8]> = sent.iter().map(|a| a.body.as_slice()).collect();
    assert_eq!(all.len(), sent.len(), "each once");
    let has = |text: &str| {
        sent.iter()
            .filter(|a| a.body.windows(text.len()).any(|w| w == text.as_bytes()))
            .count()
    };
    assert_eq!(
        has("To: <load1@example.org>") + has("To: <load2@example.org>"),
        sent.len()
    );
    assert!(has("To: <load1@example.org>") >= 1 && has("To: <load2@example.org>") >= 1);
    assert_eq!(
        latency(&measured, "SendMail", "").count,
        measured.counters["injected"]
    );
}

#[test]
fn a_turn_to_connect_is_the_scenarios_doing_and_not_the_servers() {
    let server = Scripted::start(false, house);
    let mut scenario = scenario(3);
    scenario.arrival.connections_per_s = 1.0;
    let parked = |_: &Meters| {
        server
            .asked()
            .iter()
            .filter(|a| a.command == "Ping")
            .count()
            == 3
    };
    let (measured, _) = run(&scenario, &server, parked);
    let asked = server.asked();
    let looks = asked.iter().filter(|a| a.command == "FolderSync");
    let looks: Vec<u64> = looks.map(|a| a.at_us).skip(3).collect();
    let spread_us = looks.iter().max().unwrap() - looks.iter().min().unwrap();
    assert!(spread_us >= 1_900_000, "one after the other: {looks:?}");
    let slowest_us = latency(&measured, "FolderSync", "end").max_us;
    assert!(slowest_us < spread_us, "{slowest_us} of {spread_us}");
}

#[test]
fn a_device_that_vanishes_half_open_comes_back_on_a_new_connection() {
    let server = Scripted::start(false, |asked| match asked.command.as_str() {
        "Ping" => Does::Waits,
        _ => house(asked),
    });
    let mut scenario = scenario(1);
    // Within some milliseconds of each wait.
    scenario.faults.half_open_per_mille_min = 60_000_000.0;
    let waits = || -> Vec<usize> {
        let asked = server.asked();
        let pings = asked.iter().filter(|a| a.command == "Ping");
        pings.map(|a| a.connection).collect()
    };
    let gone = Mutex::new(Vec::new());
    let (measured, _) = run(&scenario, &server, |_| {
        *gone.lock().unwrap() = server.gone();
        waits().len() >= 2
    });
    assert!(measured.counters["half-open on purpose"] >= 1);
    assert_eq!(measured.counters.get("vanished"), None);
    assert_ne!(waits()[0], waits()[1]);
    // The old one is still there when the device has come back.
    assert!(!gone.lock().unwrap().contains(&waits()[0]));
}

#[test]
fn a_key_that_is_refused_while_a_sync_waits_leaves_nothing_of_the_collection() {
    let refused = AtomicUsize::new(0);
    let server = Scripted::start(false, move |asked| {
        // Outlook hides the command in its query.
        let mut asked = asked.clone();
        let body = Node::decode(&asked.body).ok();
        match body.as_ref().map(|root| root.tag) {
            Some(airsync::SYNC) => asked.command = "Sync".to_owned(),
            Some(folders::FOLDER_SYNC) => asked.command = "FolderSync".to_owned(),
            _ => {}
        }
        let waits = body
            .as_ref()
            .and_then(|b| b.child(airsync::HEARTBEAT_INTERVAL));
        match waits {
            None => house(&asked),
            Some(_) if refused.fetch_add(1, Ordering::SeqCst) > 0 => Does::Waits,
            Some(_) => {
                let collection = vec![
                    text(airsync::SYNC_KEY, "0"),
                    text(airsync::COLLECTION_ID, "2"),
                    text(airsync::STATUS, "3"),
                ];
                let collections = vec![node(airsync::COLLECTION, collection)];
                wbxml(&node(
                    airsync::SYNC,
                    vec![node(airsync::COLLECTIONS, collections)],
                ))
            }
        }
    });
    let mut scenario = scenario(1);
    scenario.population.profiles = BTreeMap::from([("outlook".to_owned(), 1.0)]);
    let (_, told) = run(&scenario, &server, |meters| count(meters, "resyncs") >= 1);
    assert_eq!(*told.forgotten.lock().unwrap(), ["2"]);
}
