//! The request line and the log-in, which anybody may send: both forms of a query come to the same.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use roost::auth::{Naming, basic};
use roost::eas::request::{self, Target};
use roost::http::Request;
use roost::limits::CREDENTIAL_CHARS_MAX;

/// Bytes of a base64 query, or a query as it stands.
pub(crate) fn query(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = parse(
            text,
            &[("MS-ASProtocolVersion", "14.1"), ("X-MS-PolicyKey", text)],
        );
        let _ = parse("Cmd=Sync", &[("MS-ASProtocolVersion", text)]);
        let _ = request::is_service(text);
    }
    let Ok(target) = parse(&STANDARD.encode(data), &[]) else {
        return;
    };
    // A proxy that takes the query for a form.
    let blanks = STANDARD.encode(data).replace('+', " ");
    assert_eq!(parse(&blanks, &[]).as_ref(), Ok(&target));
    assert!(target.logged_device_id() == "?" || target.has_device_id());
    let key = target.policy_key.map(|key| key.to_string());
    let mut headers = vec![("MS-ASProtocolVersion", target.version.text())];
    headers.extend(key.iter().map(|key| ("X-MS-PolicyKey", key.as_str())));
    if target.parameters.accept_multipart {
        headers.push(("MS-ASAcceptMultiPart", "T"));
    }
    assert_eq!(parse(&plain(&target), &headers), Ok(target));
}

fn parse(query: &str, headers: &[(&str, &str)]) -> Result<Target, request::Error> {
    let target = format!("/Microsoft-Server-ActiveSync?{query}");
    request::parse(&Request::new("POST", &target).with_headers(headers))
}

/// The same request in the other form.
fn plain(target: &Target) -> String {
    let mut query = format!("Cmd={}", target.command.name());
    let mut put = |name: &str, value: &str| {
        write!(query, "&{name}=").expect("memory");
        for byte in value.bytes() {
            write!(query, "%{byte:02x}").expect("memory");
        }
    };
    put("DeviceId", &target.device_id);
    put("DeviceType", &target.device_type);
    let p = &target.parameters;
    for (name, value) in [
        ("User", &target.user),
        ("AttachmentName", &p.attachment_name),
        ("CollectionId", &p.collection_id),
        ("ItemId", &p.item_id),
        ("LongId", &p.long_id),
        ("Occurrence", &p.occurrence),
    ] {
        if let Some(value) = value {
            put(name, value);
        }
    }
    put("SaveInSent", if p.save_in_sent { "T" } else { "F" });
    query
}

/// The value of an `Authorization` header, or the credentials in one.
pub(crate) fn authorization(data: &[u8]) {
    let _ = basic::parse(data);
    let packed = format!("Basic {}", STANDARD.encode(data));
    let Some(found) = basic::parse(packed.as_bytes()) else {
        return;
    };
    for text in [&found.name, &found.password] {
        assert!(text.chars().count() <= CREDENTIAL_CHARS_MAX);
    }
    assert!(!found.name.contains(':'));
    // As sent, in one of the two charsets that clients use.
    let joined = format!("{}:{}", found.name, found.password);
    let latin_1 = || joined.chars().map(|c| u8::try_from(u32::from(c)));
    assert!(
        joined.as_bytes() == data
            || latin_1().collect::<Result<Vec<_>, _>>().as_deref() == Ok(data)
    );
    for case_sensitive in [false, true] {
        let naming = Naming {
            case_sensitive,
            ..Naming::default()
        };
        if let Some(name) = naming.parse(&found.name) {
            assert!(
                !name.user.is_empty() && !name.user.contains('\0') && !name.domain.contains('\0')
            );
        }
    }
}
