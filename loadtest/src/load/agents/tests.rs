//! A controller and its agents, in one process, against a server that does what it is told to.

use super::line::Line;
use super::protocol::{Hello, Say, Tell, Welcome};
use super::series::Series;
use super::*;
use crate::load::drive::Part;
use crate::load::fleet::tests::{house, scenario};
use crate::load::measure::{histogram, summary};
use crate::load::report::hdr;
use crate::load::run::{Latency, Run, Second, Spectra};
use crate::load::testing::{Does, Scripted};
use rustls::{Connection, ServerConnection};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

const TOKEN: &str = "a token of the tests";
const PATIENCE: Duration = Duration::from_secs(60);

/// An agent that serves until the value is dropped.
struct Waiting {
    peer: Peer,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Waiting {
    fn new() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let here = SocketAddr::from(([127, 0, 0, 1], 0));
        let agent = Agent::new(here, TOKEN.to_owned(), None, Arc::clone(&stop)).unwrap();
        let peer = Peer::parse(&format!("{}#{}", agent.addr, agent.identity.fingerprint)).unwrap();
        let thread = thread::spawn(move || drop(agent.serve(false, &|_, _| ())));
        Self {
            peer,
            stop,
            thread: Some(thread),
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let ended = self.thread.take().unwrap().join();
        assert!(ended.is_ok() || thread::panicking(), "the agent broke");
    }
}

/// An agent that does as the test says once it has been greeted in this format.
fn scripted(format: u32, then: impl FnOnce(Line) + Send + 'static) -> Peer {
    let identity = Identity::new().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let peer = Peer::parse(&format!("{addr}#{}", identity.fingerprint)).unwrap();
    thread::spawn(move || {
        let (socket, _) = listener.accept().unwrap();
        let tls = ServerConnection::new(Arc::clone(&identity.config)).unwrap();
        let line = Line::new(socket, Connection::from(tls)).unwrap();
        let _: Hello = line.recv(PATIENCE).unwrap();
        let welcome = Welcome {
            format,
            version: "9.9.9".to_owned(),
            refused: String::new(),
        };
        line.send(&welcome).unwrap();
        line.trusts();
        then(line);
    });
    peer
}

fn task(server: &Scripted, devices: u32) -> Task {
    let mut scenario = scenario(devices);
    scenario.name = "shared".to_owned();
    scenario.users.count = 3;
    scenario.duration_s = 1;
    scenario.people.search_per_h = 36_000.0;
    scenario.demands = BTreeMap::from([("parked".to_owned(), format!(">= {devices}"))]);
    Task {
        scenario,
        servers: vec![format!("http://{}", server.addr)],
        threads: 1,
        ..Task::default()
    }
}

fn conduct(crew: Crew, task: &Task) -> Result<(Run, Vec<(Second, Part)>), CrewError> {
    let mut shown = Vec::new();
    let mut each = |second: &Second, part| shown.push((second.clone(), part));
    let run = crew.conduct(task, None, &AtomicBool::new(false), &mut each)?;
    Ok((run, shown))
}

fn ids(server: &Scripted) -> Vec<String> {
    let of = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let (_, rest) = text.split_once("DeviceId=")?;
        Some(rest.split(['&', ' ']).next()?.to_owned())
    };
    let all: BTreeSet<_> = server.asked().iter().filter_map(|a| of(&a.bytes)).collect();
    all.into_iter().collect()
}

#[test]
fn two_agents_make_one_run_of_all_devices() {
    let server = Scripted::start(false, house);
    let task = task(&server, 7);
    let agents = [Waiting::new(), Waiting::new()];
    let peers = [agents[0].peer.clone(), agents[1].peer.clone()];
    let crew = assemble(&peers, TOKEN).unwrap();
    let (run, shown) = conduct(crew, &task).unwrap();
    assert!(run.passed(), "{:?}", run.verdicts);
    assert_eq!((run.devices, run.agents), (7, 2));
    assert_eq!(run.verdicts[0].demand, "agents lost ≤ 0");
    assert!(run.truth.holds(), "{:?}", run.truth);
    // The devices are those that one process would have had.
    let ids = ids(&server);
    assert_eq!(ids.len(), 7, "{ids:?}");
    for (number, id) in ids.iter().enumerate() {
        assert!(id.ends_with(&format!("{number:08x}")), "{ids:?}");
    }
    // Each second is the sum of both, and so is everything else.
    let parked = run.seconds.iter().map(|s| s.devices["parked"]).max();
    assert_eq!(parked, Some(7));
    assert!(run.seconds.iter().zip(0..).all(|(s, at)| s.at_s == at));
    assert!(run.seconds.iter().all(|s| s.spectra.is_none()));
    let answers: u64 = run.seconds.iter().map(|s| s.answers).sum();
    assert_eq!(answers, run.counters["answers"]);
    let search = run.latency("Search").unwrap();
    assert_eq!(search.count, run.counters["acts"]);
    assert!(
        run.seconds
            .iter()
            .any(|s| s.p99_us >= s.p50_us && s.p50_us > 0)
    );
    let phases: Vec<&str> = run.phases.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(phases, ["arrive", "run", "end"]);
    assert!(run.tool.max_bytes > 0);
    // One progress, to its end.
    assert!(
        shown
            .iter()
            .any(|(_, part)| matches!(part, Part::Arriving(..) | Part::Running(..)))
    );
    let endings = shown.iter().filter(|(_, part)| *part == Part::Ending);
    assert!(endings.count() <= 1);
    // Both wait for the next one.
    let again = assemble(&peers, TOKEN).unwrap();
    assert!(conduct(again, &task).unwrap().0.passed());
}

#[test]
fn who_is_lost_is_named_and_the_others_go_on() {
    let server = Scripted::start(false, house);
    let mut task = task(&server, 6);
    task.scenario.demands.clear();
    let agent = Waiting::new();
    let lost = scripted(FORMAT, |line| {
        assert!(matches!(line.recv(PATIENCE), Ok(Say::Prepare(_))));
        line.send(&Tell::Ready).unwrap();
        while !matches!(line.recv(PATIENCE), Ok(Say::Go)) {}
        let second = Second {
            answers: 1_000,
            ..Second::default()
        };
        let part = Part::Arriving(2, 2);
        line.send(&Tell::Second(Box::new(second), part)).unwrap();
        // It hears that the run begins, and goes.
        while !matches!(line.recv(PATIENCE), Ok(Say::Run)) {}
    });
    let name = lost.name.clone();
    let crew = assemble(&[agent.peer.clone(), lost], TOKEN).unwrap();
    let (run, _) = conduct(crew, &task).unwrap();
    assert!(!run.passed());
    let verdict = &run.verdicts[0];
    assert!(verdict.found.contains(&name) && !verdict.met, "{verdict:?}");
    assert_eq!(run.errors["agent lost"], 1);
    assert!(run.truth.findings[0].contains(&name), "{:?}", run.truth);
    assert_eq!((run.devices, run.agents), (6, 2));
    assert!(run.seconds[0].answers >= 1_000, "what it had told stays");
    let parked = run.seconds.iter().filter_map(|s| s.devices.get("parked"));
    assert_eq!(
        parked.max(),
        Some(&4),
        "users 1 and 3 have two devices each"
    );
}

#[test]
fn when_all_are_lost_there_is_no_run() {
    let server = Scripted::start(false, house);
    let lost = scripted(FORMAT, |line| {
        assert!(matches!(line.recv(PATIENCE), Ok(Say::Prepare(_))));
        line.send(&Tell::Ready).unwrap();
        while !matches!(line.recv(PATIENCE), Ok(Say::Go)) {}
        line.send(&Tell::Failed("no more threads".to_owned()))
            .unwrap();
    });
    let crew = assemble(&[lost], TOKEN).unwrap();
    let said = conduct(crew, &task(&server, 3)).unwrap_err().to_string();
    assert!(
        said.contains("all agents") && said.contains("no more threads"),
        "{said}"
    );
}

#[test]
fn what_one_cannot_do_nobody_begins() {
    let server = Scripted::start(false, house);
    let mut task = task(&server, 6);
    task.servers.push("http://no.such.host.invalid".to_owned());
    let agents = [Waiting::new(), Waiting::new()];
    let peers = [agents[0].peer.clone(), agents[1].peer.clone()];
    let said = conduct(assemble(&peers, TOKEN).unwrap(), &task).unwrap_err();
    let said = said.to_string();
    assert!(
        said.contains("no such host") && said.contains(&peers[1].name),
        "{said}"
    );
    assert_eq!(server.asked(), []);
    task.servers.pop();
    task.scenario.users.count = 1;
    let said = loop {
        // The first visit may not be over yet.
        match assemble(&peers, TOKEN) {
            Ok(crew) => break conduct(crew, &task).unwrap_err().to_string(),
            Err(e) => assert!(e.to_string().contains("another controller"), "{e}"),
        }
    };
    assert!(said.contains("2 agents share 1 users"), "{said}");
}

#[test]
fn whoever_is_not_known_gives_no_orders() {
    let agent = Waiting::new();
    let refused = |peer: &Peer, token: &str| {
        let refused = assemble(std::slice::from_ref(peer), token).err();
        refused.map(|e| e.to_string()).unwrap_or_default()
    };
    for wrong in ["", "another"] {
        let said = refused(&agent.peer, wrong);
        assert!(said.contains("token"), "{said}");
    }
    // Somebody else at its address.
    let mut other = agent.peer.clone();
    other.fingerprint = Some(Identity::new().unwrap().fingerprint);
    let said = refused(&other, TOKEN);
    assert!(said.contains("fingerprint"), "{said}");
    // Two at a time.
    let first = assemble(std::slice::from_ref(&agent.peer), TOKEN).unwrap();
    let said = refused(&agent.peer, TOKEN);
    assert!(said.contains("another controller"), "{said}");
    drop(first);
    // Beyond this machine with a token only.
    let anywhere = SocketAddr::from(([0, 0, 0, 0], 0));
    let open = Agent::new(anywhere, String::new(), None, Arc::default());
    assert!(matches!(open, Err(AgentError::NoToken(_))));
}

#[test]
fn ends_of_different_formats_part_with_words() {
    // A newer agent.
    let newer = scripted(FORMAT + 1, drop);
    let said = assemble(&[newer], TOKEN).err().unwrap().to_string();
    assert!(
        said.contains("9.9.9") && said.contains("same version"),
        "{said}"
    );
    // An older controller.
    let agent = Waiting::new();
    let line = meet_by_hand(&agent.peer);
    let hello = Hello {
        format: FORMAT - 1,
        version: "0.0.1".to_owned(),
        token: TOKEN.to_owned(),
    };
    line.send(&hello).unwrap();
    let welcome: Welcome = line.recv(PATIENCE).unwrap();
    assert_eq!(welcome.format, FORMAT);
    let said = welcome.refused;
    assert!(
        said.contains("0.0.1") && said.contains("same version"),
        "{said}"
    );
}

/// A connection over TLS to an agent, and nothing said yet.
fn meet_by_hand(peer: &Peer) -> Line {
    let socket = TcpStream::connect(peer.addr).unwrap();
    let config = tls::client(peer.fingerprint).unwrap();
    let tls = rustls::ClientConnection::new(config, tls::name().unwrap()).unwrap();
    Line::new(socket, Connection::from(tls)).unwrap()
}

#[test]
fn strangers_do_not_break_an_agent() {
    let server = Scripted::start(false, house);
    let agent = Waiting::new();
    // No TLS at all.
    let mut socket = TcpStream::connect(agent.peer.addr).unwrap();
    socket.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let mut rest = Vec::new();
    let _ = socket.read_to_end(&mut rest);
    // Somebody who comes and says nothing stays beside.
    let _silent = TcpStream::connect(agent.peer.addr).unwrap();
    // A message longer than a stranger's may be, and one that is none.
    for message in ["x".repeat(STRANGER_BYTES_MAX), "hello".to_owned()] {
        let line = meet_by_hand(&agent.peer);
        line.send(&message).unwrap();
        let answer = line.recv::<Welcome>(PATIENCE);
        assert!(answer.is_err(), "{answer:?}");
    }
    // Known, and then nonsense; and one that goes in the middle of a run.
    let nonsense = assemble(std::slice::from_ref(&agent.peer), TOKEN).unwrap();
    drop(nonsense);
    let task = task(&server, 3);
    let stop = AtomicBool::new(true);
    let run = loop {
        match assemble(std::slice::from_ref(&agent.peer), TOKEN) {
            Ok(crew) => break crew.conduct(&task, None, &stop, &mut |_, _| ()),
            Err(e) => assert!(e.to_string().contains("another controller"), "{e}"),
        }
    };
    assert_eq!(run.unwrap().agents, 1);
}

#[test]
fn an_agent_that_loses_its_controller_ends_its_part_and_waits_again() {
    // The devices wait; the run would last an hour.
    let server = Scripted::start(false, |asked| match asked.command.as_str() {
        "Ping" => Does::Hangs(Duration::from_millis(500)),
        _ => house(asked),
    });
    let agent = Waiting::new();
    let mut task = task(&server, 3);
    task.scenario.duration_s = 3_600;
    let line = meet_by_hand(&agent.peer);
    let hello = Hello {
        format: FORMAT,
        version: "x".to_owned(),
        token: TOKEN.to_owned(),
    };
    line.send(&hello).unwrap();
    assert_eq!(line.recv::<Welcome>(PATIENCE).unwrap().refused, "");
    line.trusts();
    let job = protocol::Job {
        task: task.clone(),
        share: crate::load::share::Share::WHOLE,
        number: 7,
    };
    line.send(&Say::Prepare(Box::new(job))).unwrap();
    assert_eq!(line.recv::<Tell>(PATIENCE).unwrap(), Tell::Ready);
    line.send(&Say::Go).unwrap();
    while !matches!(line.recv::<Tell>(PATIENCE).unwrap(), Tell::Second(..)) {}
    drop(line);
    task.scenario.duration_s = 1;
    let crew = loop {
        match assemble(std::slice::from_ref(&agent.peer), TOKEN) {
            Ok(crew) => break crew,
            Err(e) => assert!(e.to_string().contains("another controller"), "{e}"),
        }
        agent::pause(20);
    };
    assert!(conduct(crew, &task).is_ok());
}

#[test]
fn histograms_of_the_parts_are_that_of_all_samples() {
    let mut dice = crate::load::fleet::Dice::new(3, 1);
    let mut all = histogram();
    let mut parts = Vec::new();
    for size in [1_000_u64, 10, 0] {
        let mut one = histogram();
        for _ in 0..size {
            let us = u64::try_from(dice.below(3_000_000)).unwrap() * (1 + 1_000 / size);
            one.record(us).unwrap();
            all.record(us).unwrap();
        }
        let mut part = Run {
            latencies: vec![summary("Sync", "", &one), summary("Sync", "run", &one)],
            ..Run::default()
        };
        part.errors.insert("closed".to_owned(), size);
        part.truth.lost = size;
        part.truth.findings = vec![format!("of {size}"); 60];
        for kind in ["a key".to_owned(), format!("only {size}")] {
            part.truth.violations.insert(kind.clone(), 1);
            part.truth.examples.insert(kind, format!("of {size}"));
        }
        parts.push(part);
    }
    let run = merge(&parts).unwrap();
    let found = |phase: &str| -> Latency {
        let of = |l: &&Latency| l.phase == phase;
        run.latencies.iter().find(of).unwrap().clone()
    };
    let numbers = |latency: Latency| Latency {
        // Its head tells how it has grown, too.
        histogram: String::new(),
        ..latency
    };
    assert_eq!(numbers(found("")), numbers(summary("Sync", "", &all)));
    assert_eq!(hdr::decode(&found("")).unwrap(), all);
    assert_eq!(hdr::decode(&found("run")).unwrap(), all);
    assert_eq!((run.errors["closed"], run.truth.lost), (1_010, 1_010));
    assert_eq!(run.truth.findings.len(), 100);
    assert!(run.truth.findings[..3].contains(&"of 10".to_owned()));
    let kinds: Vec<&String> = run.truth.examples.keys().collect();
    assert_eq!(kinds, run.truth.violations.keys().collect::<Vec<_>>());
    assert_eq!(run.truth.examples["a key"], "of 1000");
    parts[0].latencies[0].histogram = "nonsense".to_owned();
    assert!(merge(&parts).is_err());
}

#[test]
fn percentiles_of_a_second_come_from_all_its_samples() {
    let mut series = Series::default();
    let second = |at_s, values: std::ops::Range<u64>| {
        let mut found = histogram();
        values.for_each(|us| found.record(us).unwrap());
        Second {
            at_s,
            answers: found.len(),
            devices: BTreeMap::from([("parked".to_owned(), 2)]),
            p99_us: 1,
            spectra: Some(Box::new(Spectra {
                quick: crate::load::measure::encode(&found),
                push: String::new(),
            })),
            ..Second::default()
        }
    };
    series.add(second(0, 1..991));
    assert!(series.close(0).is_empty());
    series.add(second(0, 100_000..100_010));
    series.add(second(2, 5..6));
    let closed = series.close(1).to_vec();
    assert_eq!(
        (closed.len(), closed[0].answers, closed[0].devices["parked"]),
        (1, 1_000, 4)
    );
    // 10 of 1,000 are slow: the highest 99th percentile of a part would be 100,000.
    assert!((980..1_000).contains(&closed[0].p99_us), "{closed:?}");
    assert!(closed[0].spectra.is_none());
    // Too late: it was given up.
    series.add(second(0, 1..9));
    let all = series.finish();
    let answers: Vec<u64> = all.iter().map(|s| s.answers).collect();
    assert_eq!(answers, [1_000, 0, 1]);
}
