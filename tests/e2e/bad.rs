//! Bad input over real sockets: truncated, oversized, deeply nested and random bytes give clear
//! errors, leave the server well, and hold no memory.

use super::dice::Dice;
use super::house::{House, PASSWORD};
use super::http::{Connection, PATIENCE};
use super::lmtp::Lmtp;
use super::phone::Phone;
use super::samples::mail;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use roost::wbxml::tags::airsync;
use roost_load::tree::{node, text};
use roost_load::{Class, Node, QueryForm, Request, Version, profile};
use std::io::Write;
use std::time::Duration;

const ALICE: &str = "alice@example.org";
/// Resident memory that one round of bad input may leave behind once it has been seen before.
const HELD_KIB_MAX: u64 = 48 * 1024;

/// Every command of the protocol that takes a body.
const COMMANDS: [&str; 12] = [
    "Sync",
    "SendMail",
    "FolderSync",
    "FolderCreate",
    "FolderDelete",
    "FolderUpdate",
    "MoveItems",
    "GetItemEstimate",
    "Search",
    "Settings",
    "Ping",
    "Provision",
];

#[test]
fn http_requests_that_are_none() {
    let mut house = House::with_users(&[ALICE]);
    for bytes in broken_requests() {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(120)]).into_owned();
        let mut connection = Connection::open(house.https, false);
        // The server may refuse before all is sent.
        let _ = connection.send_raw(&bytes);
        let answer = connection
            .receive(PATIENCE)
            .unwrap_or_else(|e| panic!("{shown:?}: {e}"));
        assert!(
            (400..=505).contains(&answer.status),
            "{shown:?}: {}",
            answer.status
        );
        assert_ne!(answer.status, 500, "{shown:?}");
        // What follows a broken request is not looked at, or it could be smuggled.
        let rest = connection
            .drain(PATIENCE)
            .unwrap_or_else(|e| panic!("{shown:?}: {e}"));
        assert!(rest.is_empty(), "{shown:?}: a second answer");
        house.assert_well();
    }
    works(&house);
}

#[test]
fn wbxml_bodies_that_are_none() {
    let mut house = House::with_users(&[ALICE]);
    let mut connection = Connection::open(house.https, false);
    for command in COMMANDS {
        for body in broken_bodies() {
            let request = post(
                &format!("Cmd={command}&User=alice&DeviceId=BAD1&DeviceType=Bad"),
                body,
            );
            let answer = exchange(&mut connection, &house, &request);
            let shown = &request.body[..request.body.len().min(40)];
            assert!(
                matches!(answer, 200 | 400..=499 | 501),
                "{command} {shown:?}: {answer}"
            );
        }
        house.assert_well();
    }
    works(&house);
}

#[test]
fn base64_queries_that_are_none() {
    let mut house = House::with_users(&[ALICE]);
    let mut connection = Connection::open(house.https, false);
    let mut dice = Dice::new(7);
    let good = STANDARD
        .decode("jAAJBAp2MTQwRGV2aWNlAApTbWFydFBob25l")
        .unwrap();
    let mut queries: Vec<Vec<u8>> = (0..good.len() - 1).map(|n| good[..n].to_vec()).collect();
    queries.extend((0..200).map(|n| dice.bytes(n % 90)));
    // A length beyond the end, a parameter beyond the end, a version and a command that are none.
    queries.push([&good[..4], &[0xFF], &good[5..]].concat());
    queries.push([&good[..], &[8, 0xFF, b'a']].concat());
    queries.push([&[0xFF], &good[1..]].concat());
    queries.push([&good[..1], &[0xFF], &good[2..]].concat());
    for query in queries {
        let request = post(&STANDARD.encode(&query), Vec::new());
        let status = exchange(&mut connection, &house, &request);
        assert!(
            matches!(status, 200 | 400..=499 | 501 | 505),
            "{query:?}: {status}"
        );
    }
    for query in [
        "====",
        "jAAJ!",
        "%%%",
        "%zz",
        &"A".repeat(9000),
        "Cmd=",
        "&&&",
    ] {
        let status = exchange(&mut connection, &house, &post(query, Vec::new()));
        assert!(
            matches!(status, 400..=499 | 501 | 505),
            "{query:?}: {status}"
        );
    }
    house.assert_well();
    works(&house);
}

#[test]
fn lmtp_sessions_that_are_none() {
    let mut house = House::with_users(&[ALICE]);
    let mut dice = Dice::new(11);
    let talks: Vec<(Vec<u8>, &str)> = vec![
        (b"DATA\r\n".to_vec(), "503"),
        (b"RCPT TO:<alice@example.org>\r\n".to_vec(), "503"),
        (b"MAIL FROM:<>\r\n".to_vec(), "250"),
        (b"MAIL FROM:<a@x> SIZE=99999999999\r\n".to_vec(), "552"),
        (b"HELO x\r\n".to_vec(), "500"),
        (b"MAIL FROM:<a\x00b@x>\r\n".to_vec(), "5"),
        (b"\xff\xfe\xfd\r\n".to_vec(), "500"),
        ([&[b'A'; 20_000][..], b"\r\n"].concat(), "500"),
    ];
    for (bytes, code) in talks {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned();
        let mut session = Lmtp::open(house.lmtp);
        let _ = session.raw(&bytes);
        let reply = session.reply();
        assert!(reply.starts_with(code), "{shown:?}: {reply}");
        house.assert_well();
    }
    for n in 0..50 {
        let mut session = Lmtp::open(house.lmtp);
        let mut bytes = dice.bytes(n * 20);
        bytes.extend_from_slice(b"\r\nQUIT\r\n");
        let _ = session.raw(&bytes);
        while !session.reply().is_empty() {}
    }
    let unknown = Lmtp::open(house.lmtp).deliver(&["nobody@example.org"], &mail("x"));
    let unknown = unknown.unwrap();
    assert!(unknown[0].starts_with("550 5.1.1"), "{unknown:?}");
    // A session that ends within the message delivers nothing.
    let mut cut = Lmtp::open(house.lmtp);
    for line in ["MAIL FROM:<a@x>", "RCPT TO:<alice@example.org>", "DATA"] {
        cut.raw(format!("{line}\r\n").as_bytes()).unwrap();
        cut.reply();
    }
    cut.raw(&mail("cut")).unwrap();
    drop(cut);
    house.assert_well();
    assert_eq!(
        works(&house),
        0,
        "the mail that was cut off has been delivered"
    );
}

#[test]
fn a_message_above_the_limit_is_refused_and_the_session_goes_on() {
    let mut house = House::with_users(&[ALICE]);
    let mut session = Lmtp::open(house.lmtp);
    let large = [&mail("large")[..], &b"0123456789abcdef\r\n".repeat(200_000)].concat();
    let replies = session.deliver(&[ALICE], &large).unwrap();
    assert!(replies[0].starts_with("552"), "{replies:?}");
    let replies = session.deliver(&[ALICE], &mail("small")).unwrap();
    assert!(replies[0].starts_with("250"), "{replies:?}");
    house.assert_well();
    assert_eq!(works(&house), 1);
}

#[test]
fn bad_input_holds_no_memory() {
    let mut house = House::with_users(&[ALICE]);
    let round = |house: &House| {
        for bytes in broken_requests() {
            let mut connection = Connection::open(house.https, false);
            let _ = connection.send_raw(&bytes);
            let _ = connection.receive(PATIENCE);
        }
        let mut connection = Connection::open(house.https, false);
        for body in broken_bodies() {
            let request = post("Cmd=Sync&User=alice&DeviceId=BAD1&DeviceType=Bad", body);
            exchange(&mut connection, house, &request);
        }
    };
    // What is held stays; what is free is given back while nothing happens.
    let held_after = |rounds: u32| {
        (0..rounds).for_each(|_| round(&house));
        house.settled_kib()
    };
    let before = held_after(3);
    let after = held_after(6);
    assert!(
        after < before + HELD_KIB_MAX,
        "{before} KiB before, {after} KiB after"
    );
    house.assert_well();
}

/// A peer that announces much and sends little costs little.
#[test]
fn announced_bodies_cost_nothing_before_they_come() {
    let mut house = House::with_users(&[ALICE]);
    works(&house);
    let before = house.resident_kib();
    let head = format!(
        "POST /Microsoft-Server-ActiveSync?Cmd=Sync&User=alice&DeviceId=B&DeviceType=B HTTP/1.1\r\n\
         Host: x\r\nAuthorization: {}\r\nMS-ASProtocolVersion: 14.1\r\n\
         Content-Type: application/vnd.ms-sync.wbxml\r\nContent-Length: 30000000\r\n\r\n\x03",
        login()
    );
    let held: Vec<Connection> = (0..100)
        .map(|_| {
            let mut connection = Connection::open(house.https, false);
            connection.send_raw(head.as_bytes()).unwrap();
            connection
        })
        .collect();
    let after = house.resident_kib();
    assert!(
        after < before + HELD_KIB_MAX,
        "{before} KiB before, {after} KiB after"
    );
    drop(held);
    works(&house);
    house.assert_well();
}

/// A device comes and syncs; gives the number of its mails.
fn works(house: &House) -> usize {
    let form = QueryForm::Plain;
    let mut phone = Phone::new(house, ALICE, "GOOD1", Version::V14_1, form, &profile::PLAIN);
    phone.catch_up();
    phone.device.count(Class::Email)
}

fn login() -> String {
    format!("Basic {}", STANDARD.encode(format!("{ALICE}:{PASSWORD}")))
}

fn post(query: &str, body: Vec<u8>) -> Request {
    Request {
        method: "POST",
        target: format!("/Microsoft-Server-ActiveSync?{query}"),
        headers: vec![
            ("Authorization".to_owned(), login()),
            ("MS-ASProtocolVersion".to_owned(), "14.1".to_owned()),
            (
                "Content-Type".to_owned(),
                "application/vnd.ms-sync.wbxml".to_owned(),
            ),
        ],
        body,
    }
}

/// The status of the answer; a connection that the server closed is opened again.
fn exchange(connection: &mut Connection, house: &House, request: &Request) -> u16 {
    for _ in 0..2 {
        if connection.send(request).is_ok()
            && let Ok(answer) = connection.receive(PATIENCE)
        {
            return answer.status;
        }
        *connection = Connection::open(house.https, false);
    }
    panic!("no answer to {request:?}");
}

/// Requests that are not HTTP/1.1, or want to be two requests, or are too much.
fn broken_requests() -> Vec<Vec<u8>> {
    const LINE: &str = "POST /Microsoft-Server-ActiveSync?Cmd=Sync HTTP/1.1\r\nHost: x\r\n";
    let login = login();
    let with = |rest: &str| format!("{LINE}Authorization: {login}\r\n{rest}").into_bytes();
    let gzip = |bytes: &[u8]| {
        let head = format!(
            "Content-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
            bytes.len()
        );
        [&with(&head)[..], bytes].concat()
    };
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..64 {
        bomb.write_all(&[0; 1024 * 1024]).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    let many: String = (0..200).map(|n| format!("X-{n}: y\r\n")).collect();
    vec![
        b"\r\n\r\nnonsense\r\n\r\n".to_vec(),
        b"\x00\x01\x02\x03\r\n\r\n".to_vec(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        b"POST / HTTP/9.9\r\nHost: x\r\n\r\n".to_vec(),
        with(&format!("X: {}\r\n\r\n", "y".repeat(100_000))),
        with(&format!("{many}\r\n")),
        with("Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
        with("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        with("Content-Length: -1\r\n\r\n"),
        with("Content-Length: +1\r\n\r\na"),
        with("Content-Length: 99999999999999999999999\r\n\r\n"),
        with("Content-Length: 40000000000\r\n\r\n"),
        with("Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
        with("Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"),
        with("Transfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n"),
        with("Transfer-Encoding: gzip, identity\r\n\r\n"),
        with(" folded: header\r\n\r\n"),
        with("Bad Name: x\r\n\r\n"),
        with("X: a\x00b\r\n\r\n"),
        gzip(&bomb),
        gzip(&bomb[..bomb.len() / 2]),
        gzip(b"not gzip at all"),
    ]
}

/// Bodies that are not WBXML, or not a document of ours, or too much.
fn broken_bodies() -> Vec<Vec<u8>> {
    let good = good_sync();
    let mut dice = Dice::new(3);
    let mut bodies: Vec<Vec<u8>> = (1..good.len())
        .step_by(3)
        .map(|n| good[..n].to_vec())
        .collect();
    bodies.extend((0..40).map(|n| dice.bytes(1 + n * 8)));
    bodies.extend((0..40).map(|_| {
        let mut body = good.clone();
        let at = dice.below(body.len());
        body[at] = dice.bytes(1)[0];
        body
    }));
    let head = [3, 1, 0x6A, 0];
    // Nested a hundred thousand deep, page after page, a value that claims 4 GiB, many elements.
    bodies.push([&head[..], &[0x45; 100_000]].concat());
    bodies.push([&head[..], &[0, 17].repeat(100_000)].concat());
    bodies.push([&head[..], &[0x45, 0xC3, 0x8F, 0xFF, 0xFF, 0xFF, 0x7F, b'x']].concat());
    bodies.push([&head[..], &[0x45], &[0x05; 1_000_000], &[1]].concat());
    bodies.push([&head[..], &[0x45, 3], &[b'x'; 1_000_000]].concat());
    bodies
}

fn good_sync() -> Vec<u8> {
    let collection = vec![
        text(airsync::SYNC_KEY, "0"),
        text(airsync::COLLECTION_ID, "2"),
        text(airsync::WINDOW_SIZE, "10"),
    ];
    let collections = node(
        airsync::COLLECTIONS,
        vec![node(airsync::COLLECTION, collection)],
    );
    let root: Node = node(airsync::SYNC, vec![collections]);
    root.encode()
}

#[test]
fn silence_is_not_waited_for() {
    let mut house = House::with_users(&[ALICE]);
    // A head that never ends is given up after its deadline; others are served meanwhile.
    let mut slow = Connection::open(house.https, false);
    slow.send_raw(b"POST /Microsoft-Server-ActiveSync?Cmd=Sync HTTP/1.1\r\nHost:")
        .unwrap();
    works(&house);
    let ended = slow.drain(Duration::from_secs(u64::from(HEAD_DEADLINE_S) * 4));
    assert!(ended.is_ok(), "the connection is still open");
    house.assert_well();
}

/// Seconds until a head has to be complete, as the documentation promises.
const HEAD_DEADLINE_S: u32 = 10;
