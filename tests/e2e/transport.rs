//! What HTTP and log-in allow: every way to write a name, compressed and chunked bodies, kept
//! connections.

use super::house::{House, PASSWORD};
use super::http::{Connection, PATIENCE};
use super::phone::Phone;
use super::wire;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use roost::wbxml::tags::folderhierarchy as fh;
use roost_load::tree::{node, text};
use roost_load::{Answer, Node, Operation, QueryForm, Request, Version, profile};
use std::io::Write;

const ALICE: &str = "alice@example.org";

#[test]
fn one_person_writes_the_name_in_many_ways() {
    let house = House::with_users(&["mike@ox.io", ALICE]);
    let names = [
        "mike",
        "Mike",
        "mike@ox.io",
        "Mike@OX.io",
        "ox.io\\mike",
        "defaultcontext\\mike",
        "mike@defaultcontext",
        "\\mike",
        " \\mike",
    ];
    for name in names {
        check_login(&house, name, PASSWORD, 200);
        check_login(&house, name, "wrong", 401);
    }
    for name in [
        "mike@example.org",
        "example.org\\mike",
        "ox.io\\alice",
        "\\",
        "nobody",
        "",
    ] {
        check_login(&house, name, PASSWORD, 401);
    }
}

#[test]
fn latin_1_passwords_are_taken() {
    let house = House::with_users(&[ALICE]);
    let mut login = format!("{ALICE}:").into_bytes();
    login.extend(
        PASSWORD
            .chars()
            .map(|c| u8::try_from(u32::from(c)).unwrap()),
    );
    assert_eq!(options(&house, Some(&login)).status, 200);
}

/// Whether a user exists cannot be told from the answer.
#[test]
fn unknown_users_and_wrong_passwords_look_the_same() {
    let house = House::with_users(&[ALICE]);
    let plain = |answer: Answer| {
        let mut headers = answer.headers;
        headers.retain(|(name, _)| !name.eq_ignore_ascii_case("Date"));
        (answer.status, headers, answer.body)
    };
    let wrong = plain(options(&house, Some(format!("{ALICE}:wrong").as_bytes())));
    let unknown = plain(options(&house, Some(b"nobody@example.org:wrong")));
    assert_eq!(wrong, unknown);
    let without = options(&house, None);
    assert_eq!((wrong.0, without.status), (401, 401));
    assert!(
        without
            .header("WWW-Authenticate")
            .is_some_and(|v| v.starts_with("Basic"))
    );
}

#[test]
fn bodies_come_compressed_and_in_chunks() {
    let house = House::with_users(&[ALICE]);
    let body = folder_sync();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(&body).unwrap();
    let gzip = gzip.finish().unwrap();
    let chunks = |body: &[u8]| {
        let chunk =
            |part: &[u8]| [format!("{:x}\r\n", part.len()).as_bytes(), part, b"\r\n"].concat();
        let (one, two) = body.split_at(3);
        [chunk(one), chunk(two), b"0\r\n\r\n".to_vec()].concat()
    };
    let length = |body: &[u8]| format!("Content-Length: {}\r\n", body.len());
    let cases = [
        (length(&body), body.clone()),
        (
            format!("Content-Encoding: gzip\r\n{}", length(&gzip)),
            gzip.clone(),
        ),
        ("Transfer-Encoding: chunked\r\n".to_owned(), chunks(&body)),
        (
            "Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n".to_owned(),
            chunks(&gzip),
        ),
        (
            format!("Expect: 100-continue\r\n{}", length(&body)),
            body.clone(),
        ),
    ];
    let mut connection = Connection::open(house.https, false);
    for (headers, body) in &cases {
        connection
            .send_raw(&[head(headers).as_bytes(), body].concat())
            .unwrap();
        let answer = connection.receive(PATIENCE).unwrap();
        assert_eq!(answer.status, 200, "{headers}");
        let root = Node::decode(&answer.body).unwrap();
        assert_eq!(root.text(fh::STATUS), Some("1"), "{headers}");
    }
    // All at once, without waiting for the answers between them.
    let all: Vec<u8> = cases
        .iter()
        .flat_map(|(h, b)| [head(h).as_bytes(), b].concat())
        .collect();
    connection.send_raw(&all).unwrap();
    for (headers, _) in &cases {
        assert_eq!(
            connection.receive(PATIENCE).unwrap().status,
            200,
            "{headers}"
        );
    }
}

#[test]
fn answers_are_compressed_only_when_asked() {
    let house = House::with_users(&[ALICE]);
    for (profile, compressed) in [(&profile::PLAIN, false), (&profile::IPHONE, true)] {
        let form = QueryForm::Plain;
        let mut phone = Phone::new(&house, ALICE, "GZIP1", Version::V14_1, form, profile);
        phone.catch_up();
        if !compressed {
            // The list of folders becomes worth compressing.
            for n in 0..30 {
                let (parent, name) = ("0".to_owned(), format!("A folder with a long name, {n}"));
                let outcome = phone.ask(Operation::FolderCreate {
                    parent,
                    name,
                    kind: 12,
                });
                assert!(outcome.ok(), "{outcome:?}");
            }
        }
        phone.device.folder_key = "0".to_owned();
        let request = phone.device.request(Operation::FolderSync);
        let answer = phone.exchange(&request);
        wire::check(&phone.seen);
        assert!(
            answer.body.len() > roost::limits::GZIP_BYTES_MIN,
            "too short to tell"
        );
        assert_eq!(
            answer.header("Content-Encoding"),
            compressed.then_some("gzip")
        );
    }
}

fn check_login(house: &House, name: &str, password: &str, expect: u16) {
    let answer = options(house, Some(format!("{name}:{password}").as_bytes()));
    assert_eq!(answer.status, expect, "{name:?}");
}

fn options(house: &House, login: Option<&[u8]>) -> Answer {
    let login = login.map(|login| format!("Basic {}", STANDARD.encode(login)));
    let request = Request {
        method: "OPTIONS",
        target: "/Microsoft-Server-ActiveSync".to_owned(),
        headers: login
            .map(|login| ("Authorization".to_owned(), login))
            .into_iter()
            .collect(),
        body: Vec::new(),
    };
    let mut connection = Connection::open(house.https, false);
    connection.send(&request).unwrap();
    connection.receive(PATIENCE).unwrap()
}

fn folder_sync() -> Vec<u8> {
    node(fh::FOLDER_SYNC, vec![text(fh::SYNC_KEY, "0")]).encode()
}

fn head(headers: &str) -> String {
    let login = STANDARD.encode(format!("{ALICE}:{PASSWORD}"));
    format!(
        "POST /microsoft-server-activesync?cmd=FolderSync&DeviceType=X&DeviceId=TRANSPORT1 \
         HTTP/1.1\r\nhost: x\r\nauthorization: Basic {login}\r\nms-asprotocolversion: 14.1\r\n\
         content-type: application/vnd.ms-sync\r\n{headers}\r\n"
    )
}
