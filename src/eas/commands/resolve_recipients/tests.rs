//! Whom names lead to, and what comes with them, in the versions that differ.

use crate::eas::testing::{House, Phone};
use crate::eas::version::Version;
use crate::mailbox::{Account, Details, FolderId, Portrait};
use crate::pim::{Contact, ContactField, Record};
use crate::smime::testing::{Made, Purpose, issuer};
use crate::work::block_on;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const VERSIONS: [Version; 4] = [
    Version::V2_5,
    Version::V12_1,
    Version::V14_1,
    Version::V16_1,
];

fn ask(names: &[&str], options: &str) -> String {
    let names: String = names
        .iter()
        .map(|n| format!("<resolverecipients:To>{n}</resolverecipients:To>"))
        .collect();
    let options = match options {
        "" => String::new(),
        _ => format!("<resolverecipients:Options>{options}</resolverecipients:Options>"),
    };
    format!(
        "<resolverecipients:ResolveRecipients>{names}{options}</resolverecipients:ResolveRecipients>"
    )
}

fn option(name: &str, value: &str) -> String {
    format!("<resolverecipients:{name}>{value}</resolverecipients:{name}>")
}

/// The answer without its prefixes, to be read.
fn says(phone: &Phone<'_>, names: &[&str], options: &str) -> String {
    let said = phone.says("ResolveRecipients", &ask(names, options));
    said.replace("resolverecipients:", "")
}

fn whole(responses: &str) -> String {
    format!("<ResolveRecipients><Status>1</Status>{responses}</ResolveRecipients>")
}

fn response(name: &str, status: u16, count: usize, recipients: &str) -> String {
    format!(
        "<Response><To>{name}</To><Status>{status}</Status><RecipientCount>{count}</RecipientCount>{recipients}</Response>"
    )
}

fn recipient(kind: u8, name: &str, address: &str, more: &str) -> String {
    format!(
        "<Recipient><Type>{kind}</Type><DisplayName>{name}</DisplayName><EmailAddress>{address}</EmailAddress>{more}</Recipient>"
    )
}

fn bob(more: &str) -> String {
    recipient(1, "Bob Brown", "bob@example.org", more)
}

fn add(house: &House, login: &str, name: &str, domain: &str) {
    let account = Account {
        login: login.into(),
        domain: domain.into(),
        display_name: name.into(),
        addresses: vec![format!("{login}@example.org")],
        ..Account::default()
    };
    block_on(house.eas.mailbox().add_account(&account)).unwrap();
}

fn add_contact(house: &House, fields: &[(ContactField, &str)]) {
    let mut contact = Contact::default();
    for (field, value) in fields {
        contact.set(*field, *value);
    }
    house.put(FolderId::CONTACTS, &Record::Contact(contact));
}

fn portray(house: &House, login: &str, photo: Option<&[u8]>, certificates: Option<&[&Made]>) {
    let scope = house.account(login).scope;
    let ders = |all: &[&Made]| all.iter().map(|made| made.der().to_vec()).collect();
    let change = |details: Details| Portrait {
        details,
        photo: photo.map(<[u8]>::to_vec),
        certificates: certificates.map(ders),
    };
    block_on(house.eas.mailbox().portray(scope, change)).unwrap();
}

#[test]
fn each_name_has_its_response_in_order() {
    let house = House::new();
    let nobody = |name: &str| format!("<Response>{name}<Status>4</Status></Response>");
    let found = |name: &str| response(name, 1, 1, &bob(""));
    let expect = [
        found("BOB"),
        nobody("<To>carol</To>"),
        found("brown"),
        nobody("<To/>"),
    ];
    for version in VERSIONS {
        let phone = house.phone(version);
        let said = says(&phone, &["BOB", "carol", "brown", ""], "");
        assert_eq!(said, whole(&expect.concat()), "{version}");
    }
}

#[test]
fn people_of_another_domain_are_not_in_the_list() {
    let house = House::new();
    add(&house, "bobby", "Bobby Other", "other.example");
    let phone = house.phone(Version::V14_1);
    assert_eq!(
        says(&phone, &["bob"], ""),
        whole(&response("bob", 1, 1, &bob("")))
    );
}

#[test]
fn several_are_suggestions_and_a_whole_name_or_address_is_none() {
    let house = House::new();
    add(&house, "bobby", "Bobby Tables", "");
    add(&house, "bo", "Bo Brown", "");
    let phone = house.phone(Version::V12_1);
    let bo = recipient(1, "Bo Brown", "bo@example.org", "");
    let bobby = recipient(1, "Bobby Tables", "bobby@example.org", "");
    let all = [bo.clone(), bob(""), bobby.clone()];
    let check = |name: &str, max: Option<&str>, expect: String| {
        let options = max.map_or_else(String::new, |max| option("MaxAmbiguousRecipients", max));
        assert_eq!(says(&phone, &[name], &options), whole(&expect));
    };
    check("b", None, response("b", 2, 3, &all.concat()));
    check("b", Some("3"), response("b", 2, 3, &all.concat()));
    check("b", Some("2"), response("b", 3, 3, &all[..2].concat()));
    check("b", Some("0"), response("b", 3, 3, ""));
    check("bob", None, response("bob", 1, 1, &bob("")));
    check("bo brown", Some("0"), response("bo brown", 1, 1, &bo));
    check(
        "bob@example.org",
        None,
        response("bob@example.org", 1, 1, &bob("")),
    );
    check("bob@", None, response("bob@", 1, 1, &bob("")));
    check(
        "brow",
        None,
        response("brow", 2, 2, &[bo, bob("")].concat()),
    );
    check("Bobb", None, response("Bobb", 1, 1, &bobby));
}

#[test]
fn contacts_come_after_the_address_list() {
    use ContactField::{Email1Address, Email2Address, FileAs, FirstName, LastName, NickName};
    let house = House::new();
    add_contact(
        &house,
        &[
            (FirstName, "Bobo"),
            (LastName, "Clown"),
            (NickName, "Rednose"),
            (Email1Address, "\"Bobo\" <bobo@circus.example>"),
        ],
    );
    add_contact(
        &house,
        &[(FileAs, "Bobcat"), (Email1Address, "Bob@Example.ORG")],
    );
    add_contact(
        &house,
        &[
            (FirstName, "Zoe"),
            (Email1Address, "zoe@home.example"),
            (Email2Address, "zoe@work.example"),
        ],
    );
    add_contact(&house, &[(FirstName, "Zoe"), (LastName, "Silent")]);
    let phone = house.phone(Version::V14_1);
    let clown = recipient(2, "Bobo Clown", "bobo@circus.example", "");
    let zoe = |at: &str| recipient(2, "Zoe", &format!("zoe@{at}.example"), "");
    let check = |name: &str, expect: String| {
        assert_eq!(says(&phone, &[name], ""), whole(&expect));
    };
    // Bob is the same person in both.
    check("bobo", response("bobo", 1, 1, &clown));
    check(
        "bob@example.org",
        response("bob@example.org", 1, 1, &bob("")),
    );
    check("rednose", response("rednose", 1, 1, &clown));
    check("bobo clown", response("bobo clown", 1, 1, &clown));
    check("bo", response("bo", 2, 2, &[bob(""), clown].concat()));
    check(
        "zoe",
        response("zoe", 2, 2, &[zoe("home"), zoe("work")].concat()),
    );
    check("zoe@w", response("zoe@w", 1, 1, &zoe("work")));
    // They are alice's.
    let phone = Phone {
        user: "bob",
        ..house.phone(Version::V14_1)
    };
    let nobody = "<Response><To>zoe</To><Status>4</Status></Response>";
    assert_eq!(says(&phone, &["zoe"], ""), whole(nobody));
}

#[test]
fn certificates_come_with_who_is_meant_for_sure() {
    let house = House::new();
    let root = issuer("Root");
    let [one, two] = [0, 1].map(|_| root.mail("bob@example.org", Purpose::Mail));
    let old = root.dated("bob@example.org", 2020, 2025);
    portray(&house, "bob", None, Some(&[&one, &old, &two]));
    add(&house, "bobby", "Bobby Tables", "");
    let certificates = |status: u16, count: usize, all: &[&Made]| {
        let all = all
            .iter()
            .map(|made| format!("<Certificate>{}</Certificate>", STANDARD.encode(made.der())));
        format!(
            "<Certificates><Status>{status}</Status><CertificateCount>{count}</CertificateCount><RecipientCount>1</RecipientCount>{}</Certificates>",
            all.collect::<String>()
        )
    };
    let retrieve = |kind: &str, max: &str| {
        let max = match max {
            "" => String::new(),
            max => option("MaxCertificates", max),
        };
        option("CertificateRetrieval", kind) + &max
    };
    for version in VERSIONS {
        let phone = house.phone(version);
        let check = |name: &str, options: &str, expect: &str| {
            let found = response(name, 1, 1, &bob(expect));
            assert_eq!(says(&phone, &[name], options), whole(&found));
        };
        let both = certificates(1, 2, &[&one, &two]);
        check("bob", &retrieve("2", ""), &both);
        check("bob", &retrieve("2", "2"), &both);
        check("bob", &retrieve("2", "1"), &certificates(8, 2, &[]));
        check("bob", &retrieve("1", ""), "");
        check("bob", "", "");
        // There is no small form of them.
        check("bob", &retrieve("3", ""), &certificates(7, 0, &[]));
        // The bound is that of the whole answer.
        let said = says(&phone, &["bob", "bob"], &retrieve("2", "3"));
        let first = response("bob", 1, 1, &bob(&both));
        let second = response("bob", 1, 1, &bob(&certificates(8, 2, &[])));
        assert_eq!(said, whole(&(first + &second)));
        let alice = says(&phone, &["alice"], &retrieve("2", ""));
        assert!(alice.contains(&certificates(7, 0, &[])), "{alice}");
        let several = says(&phone, &["bo"], &retrieve("2", ""));
        assert!(
            several.contains("<Status>2</Status><RecipientCount>2"),
            "{several}"
        );
        assert!(!several.contains("Certificate"), "{several}");
    }
}

#[test]
fn photos_come_from_14_1_on_within_the_bounds_of_the_client() {
    let house = House::new();
    portray(&house, "bob", Some(b"12345"), None);
    portray(&house, "alice", Some(b"123"), None);
    add(&house, "carol", "Carol", "");
    let phone = house.phone(Version::V14_1);
    let statuses = |names: &[&str], bounds: &str| {
        let said = says(&phone, names, &option("Picture", bounds));
        let all = said.split("<Picture><Status>").skip(1);
        let all = all.map(|rest| {
            let (status, rest) = rest.split_once('<').unwrap();
            let has_data = rest.starts_with("/Status><Data>");
            (status.parse::<u16>().unwrap(), has_data)
        });
        all.collect::<Vec<_>>()
    };
    let (size, count) = (|n| option("MaxSize", n), |n| option("MaxPictures", n));
    let all = ["bob", "carol", "alice"];
    assert_eq!(statuses(&all, ""), [(1, true), (173, false), (1, true)]);
    assert_eq!(
        statuses(&all, &size("4")),
        [(174, false), (173, false), (1, true)]
    );
    assert_eq!(
        statuses(&all, &count("1")),
        [(1, true), (173, false), (175, false)]
    );
    let both = size("4") + &count("1");
    assert_eq!(
        statuses(&all, &both),
        [(174, false), (173, false), (1, true)]
    );
    assert_eq!(
        statuses(&all, &count("0")),
        [(175, false), (173, false), (175, false)]
    );

    let request = ask(&["bob"], &option("Picture", ""));
    let before = house
        .phone(Version::V14_0)
        .says("ResolveRecipients", &request);
    assert!(
        before.contains("<resolverecipients:Status>103<"),
        "{before}"
    );
    let before = house
        .phone(Version::V12_1)
        .says("ResolveRecipients", &request);
    assert_eq!(before, "400");
}

#[test]
fn free_and_busy_times_are_for_who_is_meant_for_sure_and_of_a_span_in_bounds() {
    let house = House::new();
    add(&house, "bobby", "Bobby Tables", "");
    let phone = house.phone(Version::V14_0);
    let span = |start: &str, end: &str| {
        let time = |name, value: &str| match value {
            "" => String::new(),
            value => option(name, value),
        };
        option(
            "Availability",
            &(time("StartTime", start) + &time("EndTime", end)),
        )
    };
    let start = "2026-01-05T08:00:00.000Z";
    for (end, halves) in [
        ("2026-01-05T08:30:00.000Z", 1),
        ("2026-02-16T08:00:00.000Z", 42 * 48),
        ("", 7 * 48),
    ] {
        let said = says(&phone, &["bob"], &span(start, end));
        let free = option("Status", "1") + &option("MergedFreeBusy", &"0".repeat(halves));
        let free = option("Availability", &free).replace("resolverecipients:", "");
        assert_eq!(said, whole(&response("bob", 1, 1, &bob(&free))), "{end}");
    }
    let invalid = "<ResolveRecipients><Status>5</Status></ResolveRecipients>";
    for (start, end) in [
        (start, "2026-01-05T08:29:59.000Z"),
        (start, "2026-02-16T08:00:01.000Z"),
        (start, "2026-01-04T08:00:00.000Z"),
        (start, "soon"),
        ("soon", "2026-01-05T08:30:00.000Z"),
        ("", "2026-01-05T08:30:00.000Z"),
    ] {
        assert_eq!(
            says(&phone, &["bob"], &span(start, end)),
            invalid,
            "{start} {end}"
        );
    }
    let several = says(&phone, &["bo"], &span(start, ""));
    assert!(
        several.contains("<Status>2<") && !several.contains("Avail"),
        "{several}"
    );
    let old = house.phone(Version::V12_1);
    assert_eq!(says(&old, &["bob"], &span(start, "")), "400");
}

#[test]
fn what_is_out_of_range_is_status_5_and_what_is_malformed_is_invalid() {
    let house = House::new();
    let long = "x".repeat(257);
    for version in VERSIONS {
        let phone = house.phone(version);
        let check = |names: &[&str], options: &str| {
            let invalid = "<ResolveRecipients><Status>5</Status></ResolveRecipients>";
            assert_eq!(says(&phone, names, options), invalid);
        };
        check(&["bob"; 101], "");
        check(&[], "");
        check(&[&long], "");
        for bad in ["0", "4", "all", ""] {
            check(&["bob"], &option("CertificateRetrieval", bad));
        }
        for bad in ["10000", "-1", "x"] {
            check(&["bob"], &option("MaxCertificates", bad));
            check(&["bob"], &option("MaxAmbiguousRecipients", bad));
        }
        let most = says(&phone, &[&long[..256]; 100], "");
        assert_eq!(most.matches("<Status>4</Status>").count(), 100);
        let odd = "<resolverecipients:ResolveRecipients><ping:Id>1</ping:Id></resolverecipients:ResolveRecipients>";
        let said = phone.says("ResolveRecipients", odd);
        if version < Version::V14_0 {
            assert_eq!(said, "400");
        } else {
            assert!(said.contains("<resolverecipients:Status>103<"), "{said}");
        }
    }
}
