//! The service as clients meet it.

use super::*;
use crate::auth::Naming;
use crate::auth::password::{self, Cost};
use crate::mailbox::{Account, AccountStatus, Mailbox};
use crate::store::Store;
use crate::work::{Pool, block_on};
use base64::Engine as _;

const COST: Cost = Cost {
    memory_kib: 64,
    passes: 1,
};

const BODY: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\
    <Autodiscover xmlns=\"http://schemas.microsoft.com/exchange/autodiscover/mobilesync/requestschema/2006\">\
    <Request><EMailAddress>alice@example.org</EMailAddress><AcceptableResponseSchema>\
    http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006\
    </AcceptableResponseSchema></Request></Autodiscover>";

const FOUND: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
    <Autodiscover xmlns=\"http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006\">\
    <Response xmlns=\"http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006\">\
    <Culture>en:us</Culture><User><DisplayName>Alice &amp; Co</DisplayName>\
    <EMailAddress>alice@example.org</EMailAddress></User><Action><Settings><Server>\
    <Type>MobileSync</Type><Url>https://mail.example.org/Microsoft-Server-ActiveSync</Url>\
    <Name>https://mail.example.org/Microsoft-Server-ActiveSync</Name></Server></Settings></Action>\
    </Response></Autodiscover>";

fn service(status: AccountStatus) -> Discover {
    let clock = Clock::manual(45_296_789);
    let mailbox = Mailbox::new(Store::memory(), clock.clone(), true);
    let alice = Account {
        login: "alice".into(),
        display_name: "Alice & Co".into(),
        addresses: vec!["alice@example.org".into(), "al@example.org".into()],
        password_hash: password::hash("secret", COST).unwrap(),
        status,
        ..Account::default()
    };
    block_on(mailbox.add_account(&alice)).unwrap();
    let workers = Pool::start(1).unwrap();
    let naming = Naming::default();
    let auth = Authenticator::new(mailbox, workers, clock.clone(), naming, COST).unwrap();
    Discover::new(auth, clock, "mail.example.org".into())
}

struct Asked<'a> {
    method: &'a str,
    target: &'a str,
    password: Option<&'a str>,
    body: &'a str,
    tls: bool,
}

const POST: Asked<'static> = Asked {
    method: "POST",
    target: "/autodiscover/autodiscover.xml",
    password: Some("secret"),
    body: BODY,
    tls: true,
};

fn ask(service: &Discover, asked: &Asked<'_>) -> (Answer, String) {
    let credentials = asked.password.map(|password| {
        let text = format!("alice:{password}");
        let text = base64::engine::general_purpose::STANDARD.encode(text);
        format!("Basic {text}")
    });
    let headers: Vec<(&str, &str)> = credentials
        .iter()
        .map(|c| ("authorization", c.as_str()))
        .chain([("Host", "autodiscover.example.org")])
        .collect();
    let request = Request::new(asked.method, asked.target)
        .with_headers(&headers)
        .with_body(asked.body.as_bytes());
    assert!(is_service(request.path), "{}", request.path);
    let peer = Peer {
        addr: ([192, 0, 2, 1], 1).into(),
        tls: asked.tls,
    };
    let answer = block_on(service.handle(&request, &peer));
    let body = String::from_utf8(answer.body.clone()).unwrap();
    (answer, body)
}

#[test]
fn a_phone_is_told_where_its_mailbox_is() {
    let service = service(AccountStatus::Active);
    for target in [
        "/autodiscover/autodiscover.xml",
        "/Autodiscover/Autodiscover.xml",
        "/AutoDiscover/AUTODISCOVER.XML?x=1",
    ] {
        let (answer, body) = ask(&service, &Asked { target, ..POST });
        assert_eq!((answer.status, body.as_str()), (200, FOUND), "{target}");
        let kind = answer.header("Content-Type");
        assert_eq!(kind, Some("text/xml; charset=utf-8"));
    }
    // Another of the user's addresses, or an old one, and no request at all.
    let other = BODY.replace("alice@", "old.name@");
    let (_, body) = ask(
        &service,
        &Asked {
            body: &other,
            ..POST
        },
    );
    assert_eq!(body, FOUND);
    let (_, body) = ask(&service, &Asked { body: "", ..POST });
    assert_eq!(body, FOUND);
}

#[test]
fn errors_stand_in_the_outer_schema() {
    let service = service(AccountStatus::Active);
    let check = |body: &str, code: &str| {
        let (answer, body) = ask(&service, &Asked { body, ..POST });
        assert_eq!(answer.status, 200);
        let begin = "<Autodiscover xmlns=\"http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006\">\
                     <Response><Error Time=\"12:34:56.789\" Id=\"";
        assert!(body.contains(begin), "{body}");
        assert!(
            body.contains(&format!("<ErrorCode>{code}</ErrorCode><Message>")),
            "{body}"
        );
    };
    check("hello", "600");
    check(&BODY.replace("EMailAddress", "LegacyDN"), "600");
    check(
        &BODY.replace(
            "mobilesync/responseschema/2006",
            "outlook/responseschema/2006a",
        ),
        "601",
    );
}

#[test]
fn nothing_is_told_before_a_password_was_right() {
    let open = service(AccountStatus::Active);
    let without = ask(
        &open,
        &Asked {
            password: None,
            ..POST
        },
    );
    let wrong = ask(
        &open,
        &Asked {
            password: Some("x"),
            ..POST
        },
    );
    assert_eq!(without, wrong);
    assert_eq!(without.0.status, 401);
    assert!(without.0.header("WWW-Authenticate").is_some());
    let closed = ask(&service(AccountStatus::Blocked), &POST);
    assert_eq!(closed, wrong);
}

#[test]
fn a_get_shows_the_way_to_tls() {
    let service = service(AccountStatus::Active);
    let get = Asked {
        method: "GET",
        password: None,
        body: "",
        ..POST
    };
    let (answer, _) = ask(&service, &Asked { tls: false, ..get });
    assert_eq!(answer.status, 302);
    let way = "https://mail.example.org/autodiscover/autodiscover.xml";
    assert_eq!(answer.header("Location"), Some(way));
    let get = Asked {
        method: "GET",
        password: None,
        body: "",
        ..POST
    };
    assert_eq!(ask(&service, &get).0.status, 401);
    let put = Asked {
        method: "PUT",
        ..POST
    };
    assert_eq!(ask(&service, &put).0.status, 405);
}

#[test]
fn json_tells_everybody_the_same() {
    let service = service(AccountStatus::Active);
    let check = |target: &str, status: u16, expect: &str| {
        let asked = Asked {
            method: "GET",
            target,
            password: None,
            body: "",
            tls: true,
        };
        let (answer, body) = ask(&service, &asked);
        assert_eq!((answer.status, body.as_str()), (status, expect), "{target}");
    };
    let active = "{\"Protocol\":\"ActiveSync\",\"Url\":\"https://mail.example.org/Microsoft-Server-ActiveSync\"}";
    check(
        "/autodiscover/autodiscover.json?Email=alice%40example.org&Protocol=ActiveSync&RedirectCount=1",
        200,
        active,
    );
    check(
        "/AutoDiscover/autodiscover.json/v1.0/nobody@example.org?protocol=activesync",
        200,
        active,
    );
    check(
        "/autodiscover/autodiscover.json/v1.0/a@b?Protocol=AutodiscoverV1",
        200,
        "{\"Protocol\":\"AutodiscoverV1\",\"Url\":\"https://mail.example.org/autodiscover/autodiscover.xml\"}",
    );
    let refused = |code: &str, message: &str| {
        format!("{{\"ErrorCode\":\"{code}\",\"ErrorMessage\":\"{message}\"}}")
    };
    check(
        "/autodiscover/autodiscover.json?Email=a@b&Protocol=EWS",
        400,
        &refused(
            "ProtocolNotSupported",
            "served here: ActiveSync, AutodiscoverV1",
        ),
    );
    check(
        "/autodiscover/autodiscover.json?Protocol=ActiveSync",
        400,
        &refused(
            "MandatoryParameterMissing",
            "Email is missing: name the address",
        ),
    );
    check(
        "/autodiscover/autodiscover.json?Email=a@b",
        400,
        &refused(
            "MandatoryParameterMissing",
            "Protocol is missing: try ActiveSync",
        ),
    );
    let post = Asked {
        target: "/autodiscover/autodiscover.json?Email=a@b",
        ..POST
    };
    assert_eq!(ask(&service, &post).0.status, 405);
}

#[test]
fn other_paths_are_not_of_this_service() {
    for path in [
        "/",
        "/autodiscover",
        "/autodiscover/",
        "/autodiscover/autodiscover.svc",
        "/autodiscover/autodiscover.json/v2.0/a@b",
        "/autodiscover/autodiscover.json/v1.0",
        "/Microsoft-Server-ActiveSync",
        "/ä",
    ] {
        assert!(!is_service(path), "{path}");
    }
}
