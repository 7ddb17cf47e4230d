//! A phone that knows an address and a password finds the service, and syncs with it there.

use super::house::{House, PASSWORD};
use super::http::{Connection, PATIENCE};
use super::wire;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use roost_load::{Answer, Request};

const ALICE: &str = "alice@example.org";
const SCHEMAS: &str = "http://schemas.microsoft.com/exchange/autodiscover";

fn ask(house: &House, method: &'static str, target: &str, body: &str) -> Answer {
    let login = STANDARD.encode(format!("{ALICE}:{PASSWORD}"));
    let headers = [
        ("Authorization", format!("Basic {login}")),
        ("Content-Type", "text/xml".to_owned()),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value));
    let request = Request {
        method,
        target: target.to_owned(),
        headers: headers.into(),
        body: body.as_bytes().to_vec(),
    };
    let mut connection = Connection::open(house.https, false);
    connection.send(&request).unwrap();
    connection.receive(PATIENCE).unwrap()
}

fn question(schema: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\
         <Autodiscover xmlns=\"{SCHEMAS}/mobilesync/requestschema/2006\"><Request>\
         <EMailAddress>{ALICE}</EMailAddress>\
         <AcceptableResponseSchema>{SCHEMAS}/{schema}</AcceptableResponseSchema>\
         </Request></Autodiscover>"
    )
}

#[test]
fn the_address_leads_to_the_service() {
    let house = House::with_users(&[ALICE]);
    let path = "/Autodiscover/Autodiscover.xml";
    let mut answers = Vec::new();
    let mobile_sync = question("mobilesync/responseschema/2006");
    for (what, body) in [
        ("settings", mobile_sync.as_str()),
        ("settings without a question", ""),
        ("another schema", &question("outlook/responseschema/2006a")),
        ("no question", "<Autodiscover/>"),
    ] {
        let answer = ask(&house, "POST", path, body);
        assert_eq!(answer.status, 200, "{what}");
        answers.push((what, String::from_utf8(answer.body).unwrap()));
    }
    wire::check_xml(&answers);
    let (_, found) = &answers[0];
    let url = found.split("<Url>").nth(1).unwrap();
    let url = url.split("</Url>").next().unwrap();
    let (_, path) = url
        .strip_prefix("https://")
        .unwrap()
        .split_once('/')
        .unwrap();
    let options = ask(&house, "OPTIONS", &format!("/{path}"), "");
    assert!(options.header("MS-ASProtocolVersions").is_some());
    let json = "/autodiscover/autodiscover.json?Email=alice%40example.org&Protocol=ActiveSync";
    let json = String::from_utf8(ask(&house, "GET", json, "").body).unwrap();
    assert!(json.contains(url), "{json}");
}
