//! The address list as an operator fills it and phones see it: every answer about people is held
//! against the schemas.

use super::house::{House, PASSWORD};
use super::http::{Connection, PATIENCE};
use super::wire::{self, Seen};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use roost::wbxml::Tag;
use roost::wbxml::tags::{gal, resolverecipients as rr, search, validatecert as vc};
use roost_load::tree::{node, text};
use roost_load::{Node, Request, Version};
use std::fs;
use std::path::Path;

const ALICE: &str = "alice@example.org";
const BOB: &str = "bob@example.org";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\nand so on";

/// A root and a certificate of bob's, in files; the certificate in base64.
fn certificates(dir: &Path) -> String {
    let mut root = CertificateParams::default();
    root.distinguished_name.push(DnType::CommonName, "Root");
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    root.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let key = KeyPair::generate().unwrap();
    let made = root.self_signed(&key).unwrap();
    fs::write(dir.join("root.pem"), made.pem()).unwrap();

    let mut bob = CertificateParams::default();
    bob.distinguished_name.push(DnType::CommonName, "Bob");
    bob.subject_alt_names = vec![SanType::Rfc822Name(BOB.try_into().unwrap())];
    bob.extended_key_usages = vec![ExtendedKeyUsagePurpose::EmailProtection];
    let issuer = Issuer::from_params(&root, &key);
    let made = bob.signed_by(&KeyPair::generate().unwrap(), &issuer);
    let made = made.unwrap();
    fs::write(dir.join("bob.pem"), made.pem()).unwrap();
    STANDARD.encode(made.der())
}

fn ask(house: &House, version: Version, command: &str, root: &Node, seen: &mut Vec<Seen>) -> Node {
    let login = STANDARD.encode(format!("{ALICE}:{PASSWORD}"));
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let request = Request {
        method: "POST",
        target: format!(
            "/Microsoft-Server-ActiveSync?Cmd={command}&User=alice&DeviceId=PEOPLE1&DeviceType=Test"
        ),
        headers: vec![
            header("Authorization", &format!("Basic {login}")),
            header("MS-ASProtocolVersion", version.text()),
            header("Content-Type", "application/vnd.ms-sync.wbxml"),
        ],
        body: root.encode(),
    };
    let mut connection = Connection::open(house.https, false);
    connection.send(&request).unwrap();
    let answer = connection.receive(PATIENCE).unwrap();
    assert_eq!(answer.status, 200, "{command} in {}", version.text());
    seen.push(Seen {
        what: format!("{command} in {}", version.text()),
        version,
        document: answer.body.clone(),
    });
    Node::decode(&answer.body).unwrap()
}

fn gal_search(version: Version) -> Node {
    let mut options = vec![text(search::RANGE, "0-9")];
    if version >= Version::V14_1 {
        options.push(node(search::PICTURE, vec![text(search::MAX_SIZE, "1000")]));
    }
    let store = vec![
        text(search::NAME, "GAL"),
        text(search::QUERY, "bak"),
        node(search::OPTIONS, options),
    ];
    node(search::SEARCH, vec![node(search::STORE, store)])
}

fn resolve(version: Version) -> Node {
    let mut options = vec![text(rr::CERTIFICATE_RETRIEVAL, "2")];
    if version >= Version::V14_0 {
        let start = text(rr::START_TIME, "2026-01-05T08:00:00.000Z");
        options.push(node(rr::AVAILABILITY, vec![start]));
    }
    if version >= Version::V14_1 {
        options.push(node(rr::PICTURE, vec![text(rr::MAX_PICTURES, "1")]));
    }
    let names = ["bob", "alice", "example", "nobody"];
    let mut all: Vec<_> = names.iter().map(|name| text(rr::TO, *name)).collect();
    all.push(node(rr::OPTIONS, options));
    node(rr::RESOLVE_RECIPIENTS, all)
}

fn find(root: &Node, tag: Tag) -> Vec<Node> {
    let mut found = Vec::new();
    root.walk(&mut |node| {
        if node.tag == tag {
            found.push(node.clone());
        }
    });
    found
}

#[test]
fn what_an_operator_sets_is_what_phones_see() {
    let files = tempfile::tempdir().unwrap();
    let certificate = certificates(files.path());
    fs::write(files.path().join("bob.png"), PNG).unwrap();
    let path = |name: &str| files.path().join(name).display().to_string();
    let configured = format!("[certificates]\nroots = \"{}\"\n", path("root.pem"));
    let mut house = House::configured(&[ALICE, BOB], &configured);
    let (png, pem) = (path("bob.png"), path("bob.pem"));
    let set = [
        "user",
        "set",
        BOB,
        "--display-name",
        "Bob Baker",
        "--title",
        "Baker",
        "--office",
        "2",
        "--photo",
        &png,
        "--certificate",
        &pem,
    ];
    let done = house.run(&set);
    assert!(done.status.success(), "{done:?}");
    let refused = house.run(&["user", "set", BOB, "--photo", &pem]);
    let why = String::from_utf8_lossy(&refused.stderr);
    assert!(
        !refused.status.success() && why.contains("neither JPEG nor PNG"),
        "{why}"
    );

    house.kill_and_restart();
    let shown = house.run(&["user", "show", BOB]);
    let shown = String::from_utf8_lossy(&shown.stdout);
    for part in [
        "Bob Baker",
        "title",
        "Baker",
        "photo",
        "certificate",
        "CN=Root",
    ] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    let json = house.run(&["user", "show", BOB, "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["portrait"]["photo_bytes"], PNG.len());
    assert_eq!(json["portrait"]["certificates"][0]["addresses"][0], BOB);

    let mut seen = Vec::new();
    for version in Version::ALL {
        let found = ask(&house, version, "Search", &gal_search(version), &mut seen);
        assert_eq!(find(&found, gal::TITLE).len(), 1);
        let photos = usize::from(version >= Version::V14_1);
        assert_eq!(find(&found, gal::DATA).len(), photos, "{found:?}");

        let found = ask(
            &house,
            version,
            "ResolveRecipients",
            &resolve(version),
            &mut seen,
        );
        let sent = find(&found, rr::CERTIFICATE);
        assert_eq!(sent.len(), 1, "{found:?}");
        assert_eq!(sent[0].as_text(), Some(certificate.as_str()));
        assert_eq!(find(&found, rr::RESPONSE).len(), 4);

        let one = |text_of: &str| node(vc::CERTIFICATES, vec![text(vc::CERTIFICATE, text_of)]);
        let check = node(vc::VALIDATE_CERT, vec![one(&certificate)]);
        let valid = ask(&house, version, "ValidateCert", &check, &mut seen);
        assert_eq!(
            valid.child(vc::CERTIFICATE).unwrap().number(vc::STATUS),
            Some(1)
        );
        let check = node(vc::VALIDATE_CERT, vec![one("AAAA")]);
        let not = ask(&house, version, "ValidateCert", &check, &mut seen);
        assert_eq!(
            not.child(vc::CERTIFICATE).unwrap().number(vc::STATUS),
            Some(10)
        );
    }
    house.assert_well();
    wire::check(&seen);
}

#[test]
fn who_has_heard_enough_of_a_command_breaks_nothing() {
    let house = House::with_users(&[ALICE]);
    for arguments in [
        &["user", "show", ALICE][..],
        &["user", "list", "--json"],
        &["device", "list"],
        &["queue", "list"],
    ] {
        assert_eq!(house.run_unheard(arguments), "", "{arguments:?}");
    }
}
