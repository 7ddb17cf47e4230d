//! The injector against servers that do as they are told.

use super::*;
use crate::load::testing::{Does, Scripted, answer, server_config};
use crate::load::wire::{Roots, Trust};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::{ServerConnection, StreamOwned};
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::TcpListener;

fn books() -> Books {
    Books {
        ledger: Arc::new(Ledger::new(9)),
        numbers: Arc::default(),
        meters: Meters::new("run"),
        share: Share::WHOLE,
    }
}

/// A server that takes everything but what is for `carl`; what it took.
fn server(lmtp: bool) -> (Door, flume::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let (took, taken) = flume::unbounded();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let took = took.clone();
            std::thread::spawn(move || {
                let mut socket = socket.unwrap();
                let mut lines = BufReader::new(socket.try_clone().unwrap()).lines();
                let mut say = |text: &str| socket.write_all(text.as_bytes()).is_ok();
                say("220 here\r\n");
                let mut to = 0;
                while let Some(Ok(line)) = lines.next() {
                    let verb = line.get(..4).unwrap_or_default();
                    match verb {
                        "RCPT" if line.contains("carl") => say("550 nobody\r\n"),
                        "RCPT" => {
                            to += 1;
                            say("250 yes\r\n")
                        }
                        "DATA" => {
                            say("354 go on\r\n");
                            let text = lines.by_ref().map_while(Result::ok);
                            let text: Vec<_> = text.take_while(|l| l != ".").collect();
                            took.send(text.join("\n")).unwrap();
                            let replies = if lmtp { to } else { 1 };
                            to = 0;
                            (0..replies).all(|_| say("250 taken\r\n"))
                        }
                        "LHLO" | "EHLO" => say("250-here\r\n250 8BITMIME\r\n"),
                        _ => say("250 fine\r\n"),
                    };
                }
            });
        }
    });
    let door = if lmtp {
        Door::Lmtp(addr)
    } else {
        Door::Smtp(addr)
    };
    (door, taken)
}

fn logins(names: &[&str]) -> Logins {
    let login = |name: &&str| Login {
        name: (*name).to_owned(),
        address: format!("{name}@x.org"),
        password: format!("secret of {name}"),
    };
    names.iter().map(login).collect()
}

fn start(scenario: &Scenario, doors: &Doors, names: &[&str], books: &Books) -> Injector {
    let start = (1, books.meters.now_us());
    Injector::start(scenario, doors, start, &logins(names), books).unwrap()
}

#[test]
fn mail_is_handed_over_and_stands_in_the_books() {
    for lmtp in [true, false] {
        let (door, taken) = server(lmtp);
        let books = books();
        let mut scenario = Scenario::default();
        (scenario.mail.per_s, scenario.mail.to_all_at_s) = (200.0, vec![0]);
        let doors = Doors {
            mail: Some(door),
            ..Doors::default()
        };
        let injector = start(&scenario, &doors, &["anna", "bert", "carl"], &books);
        let some: Vec<String> = taken.iter().take(10).collect();
        assert!(
            some.iter()
                .all(|text| Marker::find(text).is_some_and(|m| m.run == 9))
        );
        let done = injector.stop();
        assert!(done.taken >= 10, "{done:?}");
        let measured = books.meters.measured();
        assert_eq!(done.taken, measured.latencies[0].count);
        assert_eq!(done.errors.keys().collect::<Vec<_>>(), ["mail: 550 nobody"]);
        // Whoever has nothing lacks all of it, except what was refused.
        let truth = books.ledger.judge(&[(0, 1), (1, 2), (2, 3)]);
        assert_eq!(truth.lost, done.taken);
    }
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let gone = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let books = books();
    let mut scenario = Scenario::default();
    scenario.mail.to_all_at_s = vec![0];
    let doors = Doors {
        mail: Some(Door::Lmtp(gone)),
        ..Doors::default()
    };
    let injector = start(&scenario, &doors, &["anna"], &books);
    while books.numbers.load(Ordering::Relaxed) == 0 {
        std::thread::yield_now();
    }
    let done = injector.stop();
    assert_eq!((done.taken, done.errors.len()), (0, 1), "{done:?}");
    assert!(books.ledger.judge(&[(0, 1)]).holds());
}

/// A server of IMAP on which `carl` may not log in; who appended what.
fn imap(tls: bool) -> (Door, flume::Receiver<(String, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let scheme = if tls { "imaps" } else { "imap" };
    let url = format!("{scheme}://{}", listener.local_addr().unwrap());
    let (took, taken) = flume::unbounded();
    let config = tls.then(server_config);
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let (socket, took, config) = (socket.unwrap(), took.clone(), config.clone());
            std::thread::spawn(move || match config {
                None => session(socket, &took),
                Some(config) => {
                    let tls = ServerConnection::new(config).unwrap();
                    session(StreamOwned::new(tls, socket), &took);
                }
            });
        }
    });
    let (place, _) = Place::parse(&url, &["imap", "imaps"]).unwrap();
    (Door::Imap(place), taken)
}

fn session(socket: impl Read + Write, took: &flume::Sender<(String, String)>) {
    let mut reader = BufReader::new(socket);
    // Whoever does not trust it goes.
    if reader.get_mut().write_all(b"* OK here\r\n").is_err() {
        return;
    }
    let mut who = String::new();
    let mut line = String::new();
    while reader.read_line(&mut line).unwrap_or(0) > 0 {
        let (tag, command) = line.trim_end().split_once(' ').unwrap();
        let tag = tag.to_owned();
        if command == "AUTHENTICATE PLAIN" {
            reader.get_mut().write_all(b"+ \r\n").unwrap();
            let mut secret = String::new();
            reader.read_line(&mut secret).unwrap();
            let secret = STANDARD.decode(secret.trim_end()).unwrap();
            let secret = String::from_utf8(secret).unwrap();
            let mut parts = secret.split('\0').skip(1).map(str::to_owned);
            who = parts.next().unwrap();
            assert_eq!(parts.next().unwrap(), format!("secret of {who}"));
            let answer = match who.as_str() {
                "carl" => format!("{tag} NO [AUTHENTICATIONFAILED] not you\r\n"),
                _ => format!("* CAPABILITY IMAP4rev2\r\n{tag} OK in\r\n"),
            };
            reader.get_mut().write_all(answer.as_bytes()).unwrap();
        } else {
            let size = command.strip_prefix("APPEND INBOX {").unwrap();
            let size: usize = size.strip_suffix('}').unwrap().parse().unwrap();
            reader.get_mut().write_all(b"+ go on\r\n").unwrap();
            let mut mail = vec![0; size + 2];
            reader.read_exact(&mut mail).unwrap();
            assert!(mail.ends_with(b"\r\n\r\n"));
            took.send((who.clone(), String::from_utf8(mail).unwrap()))
                .unwrap();
            let done = format!("* 1 EXISTS\r\n{tag} OK [APPENDUID 1 1] done\r\n");
            reader.get_mut().write_all(done.as_bytes()).unwrap();
        }
        line.clear();
    }
}

/// Takes any certificate.
fn trust() -> Trust {
    Trust {
        roots: Roots::Anybody,
        resume: true,
        tls12: false,
    }
}

#[test]
fn users_put_mail_into_their_own_inbox_by_imap() {
    for tls in [false, true] {
        let (door, taken) = imap(tls);
        let books = books();
        let mut scenario = Scenario::default();
        scenario.mail.to_all_at_s = vec![0, 0];
        let mut doors = Doors {
            mail: Some(door),
            ..Doors::default()
        };
        assert_eq!(doors.has_tls(), tls);
        doors.tls = tls.then(|| trust().config().unwrap());
        let names = ["anna", "bert", "carl"];
        let injector = start(&scenario, &doors, &names, &books);
        let all: Vec<(String, String)> = taken.iter().take(4).collect();
        while books.numbers.load(Ordering::Relaxed) < 6 {
            std::thread::yield_now();
        }
        let done = injector.stop();
        for (who, mail) in all {
            let marker = Marker::find(&mail).unwrap();
            assert_eq!(names[usize::try_from(marker.user).unwrap() - 1], who);
        }
        assert_eq!(done.taken, 4);
        let refused = "mail: NO [AUTHENTICATIONFAILED] not you".to_owned();
        assert_eq!(done.errors, BTreeMap::from([(refused, 2)]));
    }
}

#[test]
fn by_imap_over_tls_nobody_logs_in_where_the_certificate_is_another_ones() {
    let (door, taken) = imap(true);
    let books = books();
    let mut scenario = Scenario::default();
    scenario.mail.to_all_at_s = vec![0];
    let stranger = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let roots = Roots::Pem(stranger.cert.pem());
    let strict = Trust { roots, ..trust() };
    let doors = Doors {
        mail: Some(door),
        tls: Some(strict.config().unwrap()),
        ..Doors::default()
    };
    let injector = start(&scenario, &doors, &["anna"], &books);
    while books.numbers.load(Ordering::Relaxed) == 0 {
        std::thread::yield_now();
    }
    let done = injector.stop();
    assert_eq!((done.taken, done.errors.len()), (0, 1), "{done:?}");
    assert!(taken.try_recv().is_err());
}

#[test]
fn appointments_and_contacts_are_put_beside_what_is_there() {
    for tls in [false, true] {
        let dav = Scripted::start(tls, |asked| {
            let text = String::from_utf8_lossy(&asked.bytes);
            assert!(text.contains("If-None-Match: *\r\n"), "{text}");
            let carl = text.starts_with("PUT /dav/carl@x/");
            Does::Says(answer(if carl { 403 } else { 201 }, &[], b""))
        });
        let scheme = if tls { "https" } else { "http" };
        let of = |what: &str| {
            let url = format!("{scheme}://{}/dav/{{user}}/{what}", dav.addr);
            Some(Collection::parse(&url).unwrap())
        };
        let mut doors = Doors {
            caldav: of("calendar"),
            carddav: of("contacts"),
            ..Doors::default()
        };
        assert_eq!(doors.has_tls(), tls);
        doors.tls = tls.then(|| trust().config().unwrap());
        let books = books();
        let mut scenario = Scenario::default();
        // Mail has no door, and none is tried.
        scenario.mail.to_all_at_s = vec![0];
        let changes = &mut scenario.changes;
        (changes.events_per_s, changes.contacts_per_s) = (100.0, 100.0);
        changes.times = Times::Even;
        let injector = start(&scenario, &doors, &["anna@x", "carl@x"], &books);
        while dav.asked().len() < 30 {
            std::thread::yield_now();
        }
        let done = injector.stop();
        let asked = dav.asked();
        assert_eq!(
            done.taken + done.errors.values().sum::<u64>(),
            u64::try_from(asked.len()).unwrap()
        );
        let kinds: Vec<&String> = done.errors.keys().collect();
        assert_eq!(kinds, ["contact: http 403", "event: http 403"]);
        let mut names = BTreeSet::new();
        for asked in &asked {
            let text = String::from_utf8(asked.bytes.clone()).unwrap();
            let marker = Marker::find(&text).unwrap();
            let user = ["anna@x", "carl@x"][usize::try_from(marker.user).unwrap() - 1];
            let (folder, kind, title) = match text.contains("BEGIN:VCARD") {
                true => ("contacts", "vcf", format!("N:{marker};")),
                false => ("calendar", "ics", format!("SUMMARY:{marker}\r\n")),
            };
            let begin = format!("PUT /dav/{user}/{folder}/{marker}.{kind} HTTP/1.1\r\n");
            assert!(text.starts_with(&begin), "{text}");
            assert!(text.contains(&title), "{text}");
            assert!(names.insert(begin), "each once");
        }
        let connections: BTreeSet<usize> = asked.iter().map(|a| a.connection).collect();
        assert!(connections.len() <= 2 * SESSIONS, "connections are kept");
    }
}

#[test]
fn a_put_whose_answer_was_lost_is_tried_once_more_and_not_made_twice() {
    let puts = AtomicU32::new(0);
    let dav = Scripted::start(false, move |_| match puts.fetch_add(1, Ordering::SeqCst) {
        0 => Does::Says(answer(201, &[], b"")),
        // It was taken, and the connection goes.
        1 => Does::Last(Vec::new()),
        _ => Does::Says(answer(412, &[], b"")),
    });
    let collection = Collection::parse(&format!("http://{}/{{user}}", dav.addr)).unwrap();
    let put = |kept: &mut Option<place::Line>| {
        let put = dav::Put {
            name: "x.ics",
            kind: "text/calendar",
            text: card::event("x", 1, 0),
        };
        collection.put(kept, None, &logins(&["anna"])[0], &put)
    };
    let mut kept = None;
    put(&mut kept).unwrap();
    put(&mut kept).unwrap();
    assert_eq!(dav.asked().len(), 3);
    // Who finds it taken at the first try has not made it.
    assert_eq!(put(&mut kept).unwrap_err().to_string(), "http 412");
}
