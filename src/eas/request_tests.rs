//! Both forms of the request line.

use super::*;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

fn target(request: &str, headers: &[(&str, &str)]) -> Result<Target, Error> {
    parse(&Request::new("POST", request).with_headers(headers))
}

const V14_1: &[(&str, &str)] = &[("ms-asprotocolversion", "14.1")];

#[test]
fn paths() {
    for good in [
        "/Microsoft-Server-ActiveSync",
        "/microsoft-server-activesync",
        "/Microsoft-Server-ActiveSync/default.eas",
        "/Microsoft-Server-ActiveSync/Default.EAS",
        "/Microsoft-Server-ActiveSync/",
    ] {
        assert!(is_service(good), "{good}");
    }
    for bad in [
        "",
        "/",
        "/Microsoft-Server",
        "/Microsoft-Server-ActiveSyncX",
        "/Microsoft-Server-ActiveSync/x",
    ] {
        assert!(!is_service(bad), "{bad}");
    }
}

#[test]
fn a_plain_query_in_any_order_and_case() {
    let headers = [
        ("MS-ASProtocolVersion", "12.1"),
        ("X-MS-PolicyKey", "3942919513"),
    ];
    let got = target(
        "/x?User=alice%40example.org&DEVICEID=abc123&devicetype=iPhone&cMd=sYnC&SaveInSent=T&CollectionId=5",
        &headers,
    )
    .unwrap();
    assert_eq!(got.command, Command::Sync);
    assert_eq!(got.version, Version::V12_1);
    assert_eq!(got.user.as_deref(), Some("alice@example.org"));
    assert_eq!(
        (got.device_id.as_str(), got.device_type.as_str()),
        ("abc123", "iPhone")
    );
    assert_eq!(got.policy_key, Some(3_942_919_513));
    assert!(got.parameters.save_in_sent);
    assert_eq!(got.parameters.collection_id.as_deref(), Some("5"));
}

#[test]
fn the_example_of_the_specification() {
    let got = target("/x?jAAJBAp2MTQwRGV2aWNlAApTbWFydFBob25l", &[]).unwrap();
    assert_eq!(got.command, Command::Sync);
    assert_eq!(got.version, Version::V14_0);
    assert_eq!(got.device_id, "v140Device");
    assert_eq!(got.device_type, "SmartPhone");
    assert_eq!(got.policy_key, None);
}

#[test]
fn a_plus_sign_that_became_a_blank_is_one_at_the_end_too() {
    let bytes = [
        161, 23, 9, 4, 5, b'a', b'b', b'c', b'd', b'e', 0, 3, b'W', b'P', b'>',
    ];
    let text = STANDARD.encode(bytes);
    assert!(text.ends_with('+'), "{text}");
    let expect = target(&format!("/x?{text}"), &[]);
    assert_eq!(expect.as_ref().unwrap().device_type, "WP>");
    for blank in [" ", "%20"] {
        let spoiled = text.replace('+', blank);
        assert_eq!(target(&format!("/x?{spoiled}"), &[]), expect);
    }
}

#[test]
fn refused() {
    let check = |request: &str, headers: &[(&str, &str)], expect: Error| {
        assert_eq!(target(request, headers), Err(expect), "{request}");
    };
    check("/x", V14_1, Error::Truncated);
    check("/x?!!", V14_1, Error::Query);
    check("/x?jAAJ", V14_1, Error::Truncated);
    check("/x?Cmd=Sync&DeviceId=a", &[], Error::NoVersion);
    check("/x?Cmd=Nothing", V14_1, Error::Command);
    check("/x?Cmd=", V14_1, Error::Command);
    check("/x?Cmd=Sync&Cmd=Ping", V14_1, Error::Query);
    check(
        "/x?Cmd=Ping",
        &[("MS-ASProtocolVersion", "17.0")],
        Error::Version(Command::Ping),
    );
    let three_bytes_of_key = STANDARD.encode([141, 0, 9, 4, 1, b'a', 3, 1, 2, 3, 1, b'b']);
    check(
        &format!("/x?{three_bytes_of_key}"),
        &[],
        Error::PolicyKey(3),
    );
}

#[test]
fn device_ids() {
    let check = |id: &str, good: bool| {
        let got = target(&format!("/x?Cmd=Sync&DeviceType=a&DeviceId={id}"), V14_1).unwrap();
        assert_eq!(got.has_device_id(), good, "{id}");
    };
    check("validate", true);
    check("MZTB0123456789012345678901234567", true);
    check("MZTB01234567890123456789012345678", false);
    check("", false);
    check("a%20b", false);
    check("%C3%A4", false);
}

#[test]
fn binary_device_ids_are_shown_as_hex() {
    assert_eq!(device_id(&[0xAB; 16]), "AB".repeat(16));
    assert_eq!(device_id(b"Nine012345678901"), "Nine012345678901");
    assert_eq!(device_id(b"short"), "short");
}

/// The base64 form of what a plain query says, and how it is escaped.
fn encode(t: &Target, escape: bool) -> String {
    let mut bytes = vec![t.version.tens(), t.command.code().unwrap(), 9, 4];
    let mut field = |tag: Option<u8>, value: &[u8]| {
        bytes.extend(tag);
        bytes.push(u8::try_from(value.len()).unwrap());
        bytes.extend_from_slice(value);
    };
    field(None, t.device_id.as_bytes());
    match t.policy_key {
        Some(key) => field(None, &key.to_le_bytes()),
        None => field(None, &[]),
    }
    field(None, t.device_type.as_bytes());
    let p = &t.parameters;
    let texts = [
        (0, &p.attachment_name),
        (1, &p.collection_id),
        (3, &p.item_id),
        (4, &p.long_id),
        (6, &p.occurrence),
        (8, &t.user),
    ];
    for (tag, text) in texts {
        if let Some(text) = text {
            field(Some(tag), text.as_bytes());
        }
    }
    let flags = u8::from(p.save_in_sent) | u8::from(p.accept_multipart) << 1;
    field(Some(7), &[flags]);
    let text = STANDARD.encode(bytes);
    if escape {
        text.replace('+', "%2B")
            .replace('/', "%2f")
            .replace('=', "%3D")
    } else {
        text
    }
}

fn percent(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

proptest! {
    #[test]
    fn both_forms_say_the_same(
        code in prop::sample::select(vec![0_u8, 1, 2, 3, 9, 13, 16, 18, 19, 20]),
        version in prop::sample::select(vec![Version::V12_1, Version::V14_0, Version::V14_1, Version::V16_1]),
        user in prop::option::of("[a-z+@. äö]{1,20}"),
        device_id in "[A-Za-z0-9]{1,32}",
        device_type in "[A-Za-z0-9 ]{1,20}",
        policy_key in prop::option::of(any::<u32>()),
        item_id in prop::option::of("[0-9:]{1,20}"),
        save_in_sent: bool,
        accept_multipart: bool,
        escape: bool,
    ) {
        let expect = Target {
            command: Command::by_code(code).unwrap(),
            version, user, device_id, device_type, policy_key,
            parameters: Parameters { item_id, save_in_sent, accept_multipart, ..Parameters::default() },
        };
        let got = target(&format!("/x?{}", encode(&expect, escape)), &[]);
        prop_assert_eq!(got.as_ref(), Ok(&expect));

        let mut query = format!(
            "Cmd={}&DeviceId={}&DeviceType={}&SaveInSent={}",
            expect.command.name(), expect.device_id, percent(&expect.device_type),
            if save_in_sent { "T" } else { "F" },
        );
        for (name, value) in [("User", &expect.user), ("ItemId", &expect.parameters.item_id)] {
            if let Some(value) = value {
                query.push_str(&format!("&{name}={}", percent(value)));
            }
        }
        let key = expect.policy_key.map(|key| key.to_string());
        let mut headers = vec![
            ("MS-ASProtocolVersion", version.text()),
            ("MS-ASAcceptMultiPart", if accept_multipart { "T" } else { "F" }),
        ];
        headers.extend(key.as_deref().map(|key| ("X-MS-PolicyKey", key)));
        prop_assert_eq!(target(&format!("/x?{query}"), &headers), Ok(expect));
    }

    #[test]
    fn any_query_gets_an_answer(query in "\\PC{0,100}", bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let _ = target(&format!("/x?{query}"), V14_1);
        let _ = target(&format!("/x?{}", STANDARD.encode(&bytes)), &[]);
    }
}

#[test]
fn the_log_has_no_lines_of_a_client() {
    let check = |id: &str, expect: &str| {
        let request = format!("/x?Cmd=Sync&DeviceId={id}&DeviceType=t");
        let target = target(&request, V14_1).unwrap();
        assert_eq!(target.logged_device_id(), expect);
    };
    check("Appl123", "Appl123");
    check("a%0Ab", "?");
    check(&"a".repeat(33), "?");
    check("", "?");
}
