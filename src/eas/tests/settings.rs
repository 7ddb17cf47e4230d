//! Absence notes, recovery passwords, and how Settings hangs together.

use crate::eas::Settings;
use crate::eas::testing::{House, Phone};
use crate::eas::version::Version;
use crate::work::block_on;

fn request(rest: &str) -> String {
    format!("<settings:Settings>{rest}</settings:Settings>")
}

fn set(rest: &str) -> String {
    request(&format!(
        "<settings:Oof><settings:Set>{rest}</settings:Set></settings:Oof>"
    ))
}

fn get(kind: &str) -> String {
    request(&format!(
        "<settings:Oof><settings:Get><settings:BodyType>{kind}</settings:BodyType></settings:Get></settings:Oof>"
    ))
}

/// The answer to the Set of one property.
fn status(property: &str, status: u16) -> String {
    request(&format!(
        "<settings:Status>1</settings:Status><settings:{property}><settings:Status>{status}</settings:Status></settings:{property}>"
    ))
}

fn times(from: &str, to: &str) -> String {
    format!(
        "<settings:StartTime>{from}</settings:StartTime><settings:EndTime>{to}</settings:EndTime>"
    )
}

const STATE: [&str; 3] = [
    "<settings:OofState>0</settings:OofState>",
    "<settings:OofState>1</settings:OofState>",
    "<settings:OofState>2</settings:OofState>",
];
const AUDIENCES: [&str; 3] = [
    "<settings:AppliesToInternal/>",
    "<settings:AppliesToExternalKnown/>",
    "<settings:AppliesToExternalUnknown/>",
];

fn note(audience: &str, enabled: u8, text: &str, kind: &str) -> String {
    format!(
        "<settings:OofMessage>{audience}<settings:Enabled>{enabled}</settings:Enabled><settings:ReplyMessage>{text}</settings:ReplyMessage><settings:BodyType>{kind}</settings:BodyType></settings:OofMessage>"
    )
}

fn silent(audience: &str, enabled: u8) -> String {
    format!(
        "<settings:OofMessage>{audience}<settings:Enabled>{enabled}</settings:Enabled></settings:OofMessage>"
    )
}

/// What Get gives.
fn got(rest: &str) -> String {
    request(&format!(
        "<settings:Status>1</settings:Status><settings:Oof><settings:Status>1</settings:Status><settings:Get>{rest}</settings:Get></settings:Oof>"
    ))
}

fn sends(phone: &Phone<'_>, document: &str, property: &str, expect: u16) {
    phone.check("Settings", document, &status(property, expect));
}

#[test]
fn what_is_set_is_got_in_every_version_and_on_every_device() {
    let versions = Version::ALL.into_iter().filter(|v| *v >= Version::V12_0);
    for version in versions {
        let house = House::new();
        let phone = house.phone(version);
        let span = times("2026-01-10T00:00:00.000Z", "2026-01-20T00:00:00.000Z");
        // Both external audiences may share a text.
        let both = [AUDIENCES[1], AUDIENCES[2]].concat();
        let notes = [
            note(AUDIENCES[0], 1, "Skiing", "Text"),
            note(&both, 1, "Away", "TEXT"),
        ]
        .concat();
        sends(&phone, &set(&[STATE[2], &span, &notes].concat()), "Oof", 1);
        let other = Phone {
            device: "phone2".into(),
            ..phone.clone()
        };
        let all = [
            note(AUDIENCES[0], 1, "Skiing", "Text"),
            note(AUDIENCES[1], 1, "Away", "Text"),
            note(AUDIENCES[2], 1, "Away", "Text"),
        ]
        .concat();
        let expect = got(&[STATE[2], &span, &all].concat());
        for phone in [&phone, &other] {
            phone.check("Settings", &get("Text"), &expect);
        }
        // What a Set leaves out stays; the times go with the state.
        let off = [silent(AUDIENCES[1], 0), silent(AUDIENCES[2], 0)].concat();
        sends(
            &other,
            &set(&[STATE[1], "<settings:StartTime>x</settings:StartTime>", &off].concat()),
            "Oof",
            1,
        );
        let all = [
            note(AUDIENCES[0], 1, "Skiing", "Text"),
            note(AUDIENCES[1], 0, "Away", "Text"),
            note(AUDIENCES[2], 0, "Away", "Text"),
        ]
        .concat();
        phone.check("Settings", &get("Text"), &got(&[STATE[1], &all].concat()));
    }
}

#[test]
fn texts_are_given_in_the_form_that_is_asked_for() {
    let house = House::new();
    let phone = house.phone(Version::V14_1);
    sends(
        &phone,
        &set(&note(AUDIENCES[0], 1, "one", "Text")),
        "Oof",
        1,
    );
    let said = phone.says("Settings", &get("HTML"));
    assert!(
        said.contains("&lt;body&gt;one&lt;/body&gt;") && said.contains("BodyType>HTML<"),
        "{said}"
    );
    let scope = house.account("alice").scope;
    let to_html = |a: &mut crate::mailbox::Absence| {
        let note = a.note_mut(crate::mailbox::Audience::Internal);
        note.text = "<p>two</p>".into();
        note.kind = crate::pim::BodyKind::Html;
    };
    block_on(house.eas.mailbox().change_absence(scope, to_html)).unwrap();
    let said = phone.says("Settings", &get("Text"));
    assert!(
        said.contains("ReplyMessage>two<") && said.contains("BodyType>Text<"),
        "{said}"
    );
}

#[test]
fn what_is_wrong_with_an_absence_is_said_and_changes_nothing() {
    let house = House::new();
    let phone = house.phone(Version::V16_1);
    let from = "<settings:StartTime>2026-01-10T00:00:00.000Z</settings:StartTime>";
    let to = "<settings:EndTime>2026-01-20T00:00:00.000Z</settings:EndTime>";
    let check = |rest: &[&str], expect| sends(&phone, &set(&rest.concat()), "Oof", expect);
    check(&[STATE[2], from], 2);
    check(&[STATE[2], to], 2);
    check(&[STATE[2]], 2);
    check(
        &[
            STATE[2],
            &times("2026-01-20T00:00:00.000Z", "2026-01-10T00:00:00.000Z"),
        ],
        5,
    );
    check(&[STATE[2], &times("soon", "later")], 5);
    check(&["<settings:OofState>3</settings:OofState>"], 5);
    let one = note(AUDIENCES[0], 1, "a", "Text");
    check(&[&one, &one], 6);
    check(&[&one, &one, &one, &one, &one], 6);
    check(
        &[&note(
            &[AUDIENCES[0], AUDIENCES[0]].concat(),
            1,
            "a",
            "Text",
        )],
        6,
    );
    check(&[&note("", 1, "a", "Text")], 2);
    check(&[&note(AUDIENCES[0], 1, "a", "RTF")], 5);
    check(&[&silent(AUDIENCES[0], 2)], 5);
    check(
        &[
            "<settings:OofMessage><settings:AppliesToInternal/><settings:ReplyMessage>a</settings:ReplyMessage></settings:OofMessage>",
        ],
        2,
    );
    let long = "x".repeat(crate::limits::ABSENCE_NOTE_BYTES_MAX + 1);
    check(&[&note(AUDIENCES[0], 1, &long, "Text")], 5);
    let nothing: String = AUDIENCES.iter().map(|a| silent(a, 0)).collect();
    phone.check(
        "Settings",
        &get("Text"),
        &got(&[STATE[0], &nothing].concat()),
    );
    let all: String = AUDIENCES
        .iter()
        .map(|a| note(a, 1, &long[1..], "Text"))
        .collect();
    check(&[&all], 1);
}

#[test]
fn a_malformed_property_costs_the_whole_request() {
    let house = House::new();
    let phone = house.phone(Version::V14_1);
    let on = "<settings:Oof><settings:Set><settings:OofState>1</settings:OofState></settings:Set></settings:Oof>";
    let bad = request("<settings:Status>2</settings:Status>");
    for rest in [
        "<settings:UserInformation/>",
        "<settings:UserInformation><settings:Set/></settings:UserInformation>",
        "<settings:DevicePassword/>",
        "<settings:DevicePassword><settings:Set/></settings:DevicePassword>",
        "<settings:DeviceInformation/>",
        "<settings:RightsManagementInformation/>",
        "<settings:Oof><settings:Get/></settings:Oof>",
        "<Sync/>",
    ] {
        phone.check("Settings", &request(&[on, rest].concat()), &bad);
    }
    let odd = "<settings:Oof><settings:Get><settings:BodyType>Odd</settings:BodyType></settings:Get></settings:Oof>";
    phone.check("Settings", &request(odd), &bad);
    let said = phone.says("Settings", &get("Text"));
    assert!(said.contains("<settings:OofState>0<"), "{said}");
    // What a version does not have yet is malformed in it.
    let operator = "<settings:DeviceInformation><settings:Set><settings:MobileOperator>x</settings:MobileOperator></settings:Set></settings:DeviceInformation>";
    house
        .phone(Version::V12_1)
        .check("Settings", &request(operator), &bad);
    sends(
        &house.phone(Version::V14_0),
        &request(operator),
        "DeviceInformation",
        1,
    );
}

#[test]
fn properties_are_answered_in_their_order() {
    let house = House::new();
    let phone = house.phone(Version::V14_1);
    let parts = [
        "<settings:RightsManagementInformation><settings:Get/></settings:RightsManagementInformation>",
        "<settings:DeviceInformation><settings:Set><settings:OS>X</settings:OS></settings:Set></settings:DeviceInformation>",
        "<settings:Oof><settings:Set><settings:OofState>1</settings:OofState></settings:Set></settings:Oof>",
        "<settings:DevicePassword><settings:Set><settings:Password>p</settings:Password></settings:Set></settings:DevicePassword>",
        "<settings:UserInformation><settings:Get/></settings:UserInformation>",
    ];
    let said = phone.says("Settings", &request(&parts.concat()));
    let names = [
        "RightsManagementInformation",
        "DeviceInformation",
        "Oof",
        "DevicePassword",
        "UserInformation",
    ];
    let places: Vec<_> = names
        .iter()
        .map(|name| {
            said.find(&format!("<settings:{name}><settings:Status>"))
                .unwrap()
        })
        .collect();
    assert!(places.is_sorted(), "{said}");
}

/// The device has the policy, and 7 for its key.
fn provision(phone: &Phone<'_>) {
    assert_eq!(phone.says("Settings", &get("Text")), "449");
    let account = phone.house.account("alice");
    let hash = phone.house.eas.policy(&account).hash();
    let number = phone.device_row().number;
    let give = |d: &mut crate::mailbox::Device| (d.policy_key, d.policy_hash) = (7, hash);
    let mailbox = phone.house.eas.mailbox();
    block_on(mailbox.change_device(account.scope, number, give)).unwrap();
}

#[test]
fn a_recovery_password_is_kept_where_the_policy_has_it() {
    let password = |p: &str| {
        request(&format!(
            "<settings:DevicePassword><settings:Set><settings:Password>{p}</settings:Password></settings:Set></settings:DevicePassword>"
        ))
    };
    let kept = |phone: &Phone<'_>| {
        let scope = phone.house.account("alice").scope;
        let device = phone.device_row().number;
        block_on(phone.house.eas.mailbox().recovery_password(scope, device)).unwrap()
    };
    let house = House::new();
    let phone = house.phone(Version::V12_0);
    sends(&phone, &password("secret"), "DevicePassword", 7);
    assert_eq!(kept(&phone), None);
    let house = House::with(Settings {
        policy: vec![("PasswordRecoveryEnabled".into(), "1".into())],
        ..Settings::default()
    });
    for version in [Version::V12_0, Version::V16_1] {
        let mut phone = house.phone(version);
        phone.device = format!("device{version}").replace('.', "");
        provision(&phone);
        phone.headers.push(("X-MS-PolicyKey", "7".into()));
        sends(&phone, &password("secret"), "DevicePassword", 1);
        assert_eq!(kept(&phone).as_deref(), Some("secret"));
        sends(&phone, &password(&"x".repeat(256)), "DevicePassword", 5);
        assert_eq!(kept(&phone).as_deref(), Some("secret"));
        sends(&phone, &password(&"é".repeat(255)), "DevicePassword", 1);
        sends(&phone, &password(""), "DevicePassword", 1);
        assert_eq!(kept(&phone), None);
    }
}
