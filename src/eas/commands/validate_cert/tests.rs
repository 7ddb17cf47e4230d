//! Every status, in several versions; what is malformed, and what is too much.

use crate::eas::Settings;
use crate::eas::testing::House;
use crate::eas::version::Version;
use crate::smime::Trust;
use crate::smime::testing::{Made, Purpose, issuer};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::path::Path;
use std::sync::Arc;

const VERSIONS: [Version; 4] = [
    Version::V2_5,
    Version::V12_1,
    Version::V14_1,
    Version::V16_1,
];

/// A house that trusts `root`, and knows these lists.
fn house(root: &Made, crls: &[Vec<u8>]) -> (House, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let (roots, lists) = (dir.path().join("roots.pem"), dir.path().join("crls"));
    std::fs::write(&roots, root.pem()).unwrap();
    std::fs::create_dir(&lists).unwrap();
    for (i, crl) in crls.iter().enumerate() {
        std::fs::write(lists.join(i.to_string()), crl).unwrap();
    }
    let trust = Trust::open(&roots, &lists).unwrap();
    let settings = Settings {
        trust: Arc::new(trust),
        ..Settings::default()
    };
    (House::with(settings), dir)
}

fn list(name: &str, all: &[String]) -> String {
    let each = all
        .iter()
        .map(|c| format!("<validatecert:Certificate>{c}</validatecert:Certificate>"));
    format!(
        "<validatecert:{name}>{}</validatecert:{name}>",
        each.collect::<String>()
    )
}

fn ask(chain: &[&Made], certificates: &[String], check_crl: Option<&str>) -> String {
    let chain: Vec<_> = chain.iter().map(|made| text(made)).collect();
    let chain = if chain.is_empty() {
        String::new()
    } else {
        list("CertificateChain", &chain)
    };
    let crl = check_crl.map_or_else(String::new, |crl| {
        format!("<validatecert:CheckCRL>{crl}</validatecert:CheckCRL>")
    });
    let certificates = list("Certificates", certificates);
    format!("<validatecert:ValidateCert>{chain}{certificates}{crl}</validatecert:ValidateCert>")
}

fn text(made: &Made) -> String {
    STANDARD.encode(made.der())
}

fn answer(status: u16, each: &[u16]) -> String {
    let each = each.iter().map(|n| {
        format!("<validatecert:Certificate><validatecert:Status>{n}</validatecert:Status></validatecert:Certificate>")
    });
    format!(
        "<validatecert:ValidateCert><validatecert:Status>{status}</validatecert:Status>{}</validatecert:ValidateCert>",
        each.collect::<String>()
    )
}

#[test]
fn each_certificate_has_its_status_in_the_order_of_the_request() {
    let (root, other) = (issuer("Root"), issuer("Other"));
    let middle = root.issuer("Middle");
    let old = root.dated_issuer("Old", 2020, 2025);
    let servers = root.issuer_for("Servers", Purpose::Server);
    let person = root.mail("Person", Purpose::Mail);
    let a = |by: &Made| by.mail("a@example.org", Purpose::Mail);
    let namesake = issuer("Root").mail("a@example.org", Purpose::Mail);
    let (house, _dir) = house(&root, &[]);
    let all = [
        (text(&a(&middle)), 1),
        (text(&namesake), 3),
        (text(&a(&other)), 4),
        (text(&a(&root.issuer("Absent"))), 5),
        (text(&root.mail("a@example.org", Purpose::Server)), 6),
        (text(&root.dated("a@example.org", 2020, 2025)), 7),
        (text(&a(&old)), 8),
        (text(&a(&servers)), 9),
        (text(&root.with_unknown_extension("a@example.org")), 10),
        ("bm8gY2VydGlmaWNhdGU=".into(), 10),
        ("!".into(), 10),
        (text(&a(&person)), 11),
    ];
    let certificates: Vec<_> = all.iter().map(|(c, _)| c.clone()).collect();
    let expect: Vec<_> = all.iter().map(|(_, status)| *status).collect();
    let chain = [&middle, &other, &old, &servers, &person];
    let request = ask(&chain, &certificates, Some("0"));
    for version in VERSIONS {
        let phone = house.phone(version);
        phone.check("ValidateCert", &request, &answer(1, &expect));
    }
}

#[test]
fn revocation_lists_come_from_the_operator() {
    let root = issuer("Root");
    let (middle, gone) = (root.issuer("Middle"), root.issuer("Gone"));
    let [good, bad] = [0, 1].map(|_| middle.mail("a@example.org", Purpose::Mail));
    let below = gone.mail("a@example.org", Purpose::Mail);
    let certificates = [text(&good), text(&bad), text(&below)];
    let chain = [&middle, &gone];
    let lists = [root.revokes(&[&gone]), middle.revokes(&[&bad])];
    let check = |crls: &[Vec<u8>], check_crl, expect: &[u16]| {
        let (house, _dir) = house(&root, crls);
        let request = ask(&chain, &certificates, check_crl);
        for version in VERSIONS {
            let phone = house.phone(version);
            phone.check("ValidateCert", &request, &answer(1, expect));
        }
    };
    check(&lists, Some("1"), &[1, 13, 15]);
    check(&lists, None, &[1, 13, 15]);
    check(&lists[..1], Some("1"), &[16, 16, 15]);
    check(&[], Some("1"), &[16, 16, 16]);
    check(&[], Some("0"), &[1, 1, 1]);
}

#[test]
fn line_breaks_and_missing_padding_do_no_harm() {
    let root = issuer("Root");
    let made = root.mail("a@example.org", Purpose::Mail);
    let (house, _dir) = house(&root, &[]);
    let bare = text(&made).trim_end_matches('=').to_owned();
    let (begin, end) = bare.split_at(64);
    let request = ask(&[], &[format!("{begin}  {end}")], None);
    let phone = house.phone(Version::V14_1);
    phone.check("ValidateCert", &request, &answer(1, &[1]));
}

#[test]
fn too_many_none_and_nonsense_are_protocol_errors() {
    let root = issuer("Root");
    let made = root.mail("a@example.org", Purpose::Mail);
    let (house, _dir) = house(&root, &[]);
    let many = |n: usize| vec![text(&made); n];
    for version in VERSIONS {
        let phone = house.phone(version);
        let check = |request: &str, expect: &str| phone.check("ValidateCert", request, expect);
        check(&ask(&[], &many(100), None), &answer(1, &[1; 100]));
        check(&ask(&[], &many(101), None), &answer(2, &[]));
        check(&ask(&[&root; 101], &many(1), None), &answer(2, &[]));
        check(&ask(&[], &many(1), Some("2")), &answer(2, &[]));
        check(&ask(&[], &many(1), Some("yes")), &answer(2, &[]));
        check("<validatecert:ValidateCert/>", &answer(2, &[]));
        let other = "<validatecert:ValidateCert><ping:Id>1</ping:Id></validatecert:ValidateCert>";
        let invalid = if version < Version::V14_0 {
            "400".into()
        } else {
            answer(103, &[])
        };
        check(other, &invalid);
    }
}

#[test]
fn without_configured_roots_nobody_is_trusted_in_a_house_that_has_none() {
    let root = issuer("Root");
    let made = root.mail("a@example.org", Purpose::Mail);
    let house = House::new();
    let request = ask(&[&root], &[text(&made)], None);
    let phone = house.phone(Version::V14_1);
    phone.check("ValidateCert", &request, &answer(1, &[4]));
    // The bundle of the system, where there is one, does not know it either.
    let trust = Trust::open(Path::new(""), Path::new("")).unwrap();
    let settings = Settings {
        trust: Arc::new(trust),
        ..Settings::default()
    };
    let house = House::with(settings);
    let phone = house.phone(Version::V14_1);
    phone.check("ValidateCert", &request, &answer(1, &[4]));
}
