//! What holds for every request: log-in, versions, keys, bodies.

use crate::eas::Settings;
use crate::eas::testing::{House, Phone, shown, wbxml};
use crate::eas::version::Version;
use crate::http::{Answer, Outcome, Peer, Request};
use crate::mailbox::{Access, Wipe};
use crate::store::{FaultPlan, Rates, Store};
use crate::work::block_on;

const SYNC: &str = "<folderhierarchy:FolderSync><folderhierarchy:SyncKey>0</folderhierarchy:SyncKey></folderhierarchy:FolderSync>";

fn raw(house: &House, method: &str, target: &str, headers: &[(&str, &str)]) -> Answer {
    let request = Request::new(method, target).with_headers(headers);
    let peer = Peer {
        addr: "192.0.2.1:1".parse().unwrap(),
        tls: true,
    };
    match block_on(house.eas.handle(&request, &peer)) {
        Outcome::Answer(answer) => answer,
        Outcome::Park(_) => panic!("parked"),
    }
}

/// alice:secret
const LOGIN: (&str, &str) = ("authorization", "Basic YWxpY2U6c2VjcmV0");

#[test]
fn nobody_gets_in_without_a_password() {
    let house = House::new();
    let wrong = ("Authorization", "Basic YWxpY2U6d3Jvbmc=");
    let unknown = ("Authorization", "Basic bm9ib2R5OnNlY3JldA==");
    let answers = [&[][..], &[wrong], &[unknown]]
        .map(|h| raw(&house, "OPTIONS", "/Microsoft-Server-ActiveSync", h));
    assert!(answers.iter().all(|a| a.status == 401 && *a == answers[0]));
    assert!(
        answers[0]
            .header("WWW-Authenticate")
            .unwrap()
            .starts_with("Basic realm=")
    );
}

#[test]
fn options_lists_what_there_is() {
    let house = House::new();
    for target in [
        "/Microsoft-Server-ActiveSync",
        "/Microsoft-Server-ActiveSync?User=a&DeviceId=b",
    ] {
        let answer = raw(&house, "OPTIONS", target, &[LOGIN]);
        assert_eq!((answer.status, answer.body.len()), (200, 0));
        assert_eq!(
            answer.header("MS-ASProtocolVersions"),
            Some("2.5,12.0,12.1,14.0,14.1,16.0,16.1")
        );
        assert!(
            answer
                .header("MS-ASProtocolCommands")
                .unwrap()
                .starts_with("Sync,SendMail,")
        );
        assert_eq!(answer.header("Allow"), Some("OPTIONS,POST"));
        // Its name, but no version; and nothing of either for who is not logged in.
        assert_eq!(answer.header("Server"), Some("Roost"));
        assert_eq!(raw(&house, "OPTIONS", target, &[]).header("Server"), None);
    }
}

#[test]
fn malformed_requests() {
    let house = House::new();
    let check = |method, query: &str, version: &str, expect: u16| {
        let target = format!("/Microsoft-Server-ActiveSync?{query}");
        let headers = [LOGIN, ("MS-ASProtocolVersion", version)];
        assert_eq!(
            raw(&house, method, &target, &headers).status,
            expect,
            "{query}"
        );
    };
    check("GET", "Cmd=Sync", "14.1", 501);
    check("POST", "", "14.1", 400);
    check("POST", "Cmd=Nothing&DeviceId=a&DeviceType=b", "14.1", 501);
    check("POST", "Cmd=Notify&DeviceId=a&DeviceType=b", "2.5", 501);
    check("POST", "Cmd=Sync&DeviceType=b", "12.1", 400);
    check("POST", "Cmd=Settings&DeviceId=a&DeviceType=b", "2.5", 501);
    check("POST", "Cmd=Sync&DeviceId=a&DeviceType=b", "1.0", 400);
}

#[test]
fn common_statuses_from_14_0_on() {
    let house = House::new();
    let phone = house.phone(Version::V14_0);
    let status = |n: u16| {
        format!(
            "<folderhierarchy:FolderSync><folderhierarchy:Status>{n}</folderhierarchy:Status></folderhierarchy:FolderSync>"
        )
    };
    let nameless = Phone {
        device: String::new(),
        ..phone.clone()
    };
    nameless.check("FolderSync", SYNC, &status(108));
    phone.check("FolderSync", "", &status(101));
    assert_eq!(
        shown(&phone.answer("FolderSync", &[3, 1, 0x6A, 0, 0xFF])),
        status(102)
    );
    phone.check("FolderSync", "<ping:Ping/>", &status(103));
    assert_eq!(phone.says("GetAttachment", ""), "501");
}

#[test]
fn an_account_may_have_a_ceiling() {
    let house = House::new();
    let row = house.account("alice");
    let mut account = row.account.clone();
    account.version_ceiling = Some(141);
    block_on(house.eas.mailbox().update_account(&row, &account)).unwrap();
    let answer = raw(&house, "OPTIONS", "/Microsoft-Server-ActiveSync", &[LOGIN]);
    assert_eq!(
        answer.header("MS-ASProtocolVersions"),
        Some("2.5,12.0,12.1,14.0,14.1")
    );
    let above = house.phone(Version::V16_0).says("FolderSync", SYNC);
    assert!(above.contains("<folderhierarchy:Status>138<"), "{above}");
}

#[test]
fn devices_are_noted_and_may_be_blocked() {
    let house = House::new();
    let mut phone = house.phone(Version::V14_1);
    phone.headers.push(("User-Agent", "Test/1.0".into()));
    phone.says("FolderSync", SYNC);
    let row = phone.device_row();
    assert_eq!(
        (row.device.user_agent.as_str(), row.device.version),
        ("Test/1.0", 141)
    );
    let scope = house.account("alice").scope;
    let block = house
        .eas
        .mailbox()
        .change_device(scope, row.number, |d| d.access = Access::Blocked);
    block_on(block).unwrap();
    assert!(
        phone
            .says("FolderSync", SYNC)
            .contains("<folderhierarchy:Status>129<")
    );
    phone.version = Version::V12_1;
    assert_eq!(phone.says("FolderSync", SYNC), "403");
}

fn ask_policy(kind: &str) -> String {
    format!(
        "<provision:Provision><provision:Policies><provision:Policy><provision:PolicyType>{kind}</provision:PolicyType></provision:Policy></provision:Policies></provision:Provision>"
    )
}

fn acknowledge(kind: &str, key: &str) -> String {
    ask_policy(kind).replace(
        "</provision:PolicyType>",
        &format!("</provision:PolicyType><provision:PolicyKey>{key}</provision:PolicyKey><provision:Status>1</provision:Status>"),
    )
}

fn policy_key(answer: &str) -> String {
    let (_, after) = answer
        .split_once("<provision:PolicyKey>")
        .unwrap_or_else(|| panic!("no key in {answer}"));
    after.split_once('<').unwrap().0.to_owned()
}

const WBXML: &str = "MS-EAS-Provisioning-WBXML";
/// What a device says of itself, and the beginning of what follows.
const INFORMATION: &str = "<settings:DeviceInformation><settings:Set><settings:Model>M1</settings:Model></settings:Set></settings:DeviceInformation><provision:Policies>";

#[test]
fn who_asks_gets_a_key_though_there_is_no_policy() {
    let house = House::new();
    for (version, kind) in [
        (Version::V2_5, "MS-WAP-Provisioning-XML"),
        (Version::V12_0, WBXML),
        (Version::V16_1, WBXML),
    ] {
        let phone = house.phone(version);
        let mut ask = ask_policy(kind);
        if version == Version::V16_1 {
            ask = ask.replace("<provision:Policies>", INFORMATION);
        }
        let offer = phone.says("Provision", &ask);
        assert!(offer.contains("<provision:Data>"), "{offer}");
        let given = phone.says("Provision", &acknowledge(kind, &policy_key(&offer)));
        assert_ne!(policy_key(&given), "0");
        assert!(!given.contains("Data"), "{given}");
        // Nobody checks it.
        assert!(
            phone
                .says("FolderSync", SYNC)
                .contains("<folderhierarchy:Status>1<")
        );
    }
}

#[test]
fn a_device_that_asks_for_too_much_at_once_is_told_to_come_back() {
    let house = House::with(Settings {
        requests_per_device_max: 0,
        ..Settings::default()
    });
    let answer = house.phone(Version::V14_1).answer("FolderSync", &[]);
    let after = answer.header("Retry-After");
    assert_eq!((answer.status, after), (503, Some("30")));
}

#[test]
fn a_device_in_a_loop_is_held_back_and_its_neighbours_are_not() {
    let house = House::with(Settings {
        repeats_per_min_max: 5,
        ..Settings::default()
    });
    let mad = house.phone(Version::V14_1);
    let calm = Phone {
        device: "phone2".into(),
        ..house.phone(Version::V14_1)
    };
    let body = wbxml(SYNC);
    let ask = |phone: &Phone<'_>| phone.answer("FolderSync", &body);
    assert!((0..6).all(|_| ask(&mad).status == 200));
    let held = ask(&mad);
    let header = |name| held.header(name);
    assert_eq!((held.status, header("Retry-After")), (503, Some("60")));
    assert_eq!(header("X-MS-ASThrottle"), Some("RecentCommands"));
    assert_eq!(ask(&calm).status, 200);
    house.clock.advance(60_000);
    assert_eq!(ask(&mad).status, 200);
}

#[test]
fn a_policy_is_asked_for_and_acknowledged() {
    let house = House::with(Settings {
        policy: vec![("DevicePasswordEnabled".into(), "1".into())],
        ..Settings::default()
    });
    let mut phone = house.phone(Version::V14_1);
    assert_eq!(phone.says("FolderSync", SYNC), "449");
    let ask = ask_policy(WBXML).replace("<provision:Policies>", INFORMATION);
    let offer = phone.says("Provision", &ask);
    let key = policy_key(&offer);
    let expect = format!(
        "<provision:Provision><settings:DeviceInformation><settings:Status>1</settings:Status></settings:DeviceInformation><provision:Status>1</provision:Status><provision:Policies><provision:Policy><provision:PolicyType>{WBXML}</provision:PolicyType><provision:Status>1</provision:Status><provision:PolicyKey>{key}</provision:PolicyKey><provision:Data><provision:EASProvisionDoc><provision:DevicePasswordEnabled>1</provision:DevicePasswordEnabled></provision:EASProvisionDoc></provision:Data></provision:Policy></provision:Policies></provision:Provision>"
    );
    assert_eq!(offer, expect);
    assert_eq!(phone.device_row().device.model, "M1");
    let wrong = phone.says("Provision", &acknowledge(WBXML, "1"));
    assert!(
        wrong.contains("<provision:Status>5</provision:Status>"),
        "{wrong}"
    );
    let given = phone.says("Provision", &acknowledge(WBXML, &key));
    phone.headers.push(("X-MS-PolicyKey", policy_key(&given)));
    assert!(
        phone
            .says("FolderSync", SYNC)
            .contains("<folderhierarchy:Status>1<")
    );
    phone.headers[0].1 = "77".into();
    assert_eq!(phone.says("FolderSync", SYNC), "449");
}

#[test]
fn malformed_provisioning() {
    let house = House::new();
    let phone = house.phone(Version::V14_1);
    let status = |n: u16| {
        format!(
            "<provision:Provision><provision:Status>{n}</provision:Status></provision:Provision>"
        )
    };
    phone.check("Provision", "<provision:Provision/>", &status(2));
    // Also one that belongs to another version.
    for kind in ["Other", "MS-WAP-Provisioning-XML"] {
        let unknown = phone.says("Provision", &ask_policy(kind));
        assert!(
            unknown.contains("<provision:Status>3</provision:Status>"),
            "{unknown}"
        );
    }
}

#[test]
fn a_wipe_is_ordered_until_it_is_done() {
    let house = House::new();
    let phone = house.phone(Version::V14_1);
    phone.says("FolderSync", SYNC);
    let (scope, number) = (house.account("alice").scope, phone.device_row().number);
    block_on(
        house
            .eas
            .mailbox()
            .change_device(scope, number, |d| d.wipe = Wipe::Device),
    )
    .unwrap();
    assert_eq!(phone.says("FolderSync", SYNC), "449");
    let order = "<provision:Provision><provision:Status>1</provision:Status><provision:RemoteWipe/></provision:Provision>";
    phone.check("Provision", &ask_policy(WBXML), order);
    let failed = "<provision:Provision><provision:RemoteWipe><provision:Status>2</provision:Status></provision:RemoteWipe></provision:Provision>";
    phone.check("Provision", failed, order);
    let done = failed.replace(">2<", ">1<");
    phone.check(
        "Provision",
        &done,
        "<provision:Provision><provision:Status>1</provision:Status></provision:Provision>",
    );
    assert_eq!(phone.device_row().device.wipe, Wipe::Done);
}

#[test]
fn settings() {
    let house = House::new();
    let phone = house.phone(Version::V14_1);
    let ask = "<settings:Settings><settings:DeviceInformation><settings:Set><settings:OS>X 1</settings:OS></settings:Set></settings:DeviceInformation><settings:UserInformation><settings:Get/></settings:UserInformation><settings:Oof><settings:Get><settings:BodyType>TEXT</settings:BodyType></settings:Get></settings:Oof></settings:Settings>";
    phone.check("Settings", ask, "<settings:Settings><settings:Status>1</settings:Status><settings:DeviceInformation><settings:Status>1</settings:Status></settings:DeviceInformation><settings:UserInformation><settings:Status>1</settings:Status><settings:Get><settings:Accounts><settings:Account><settings:UserDisplayName>Alice Ällen</settings:UserDisplayName><settings:EmailAddresses><settings:SMTPAddress>alice@example.org</settings:SMTPAddress><settings:PrimarySmtpAddress>alice@example.org</settings:PrimarySmtpAddress></settings:EmailAddresses></settings:Account></settings:Accounts></settings:Get></settings:UserInformation><settings:Oof><settings:Status>1</settings:Status><settings:Get><settings:OofState>0</settings:OofState><settings:OofMessage><settings:AppliesToInternal/><settings:Enabled>0</settings:Enabled></settings:OofMessage><settings:OofMessage><settings:AppliesToExternalKnown/><settings:Enabled>0</settings:Enabled></settings:OofMessage><settings:OofMessage><settings:AppliesToExternalUnknown/><settings:Enabled>0</settings:Enabled></settings:OofMessage></settings:Get></settings:Oof></settings:Settings>");
    assert_eq!(phone.device_row().device.os, "X 1");
    phone.check(
        "Settings",
        "<settings:Settings><settings:Oof/></settings:Settings>",
        "<settings:Settings><settings:Status>2</settings:Status></settings:Settings>",
    );
    let old = house.phone(Version::V12_0).says("Settings", "<settings:Settings><settings:UserInformation><settings:Get/></settings:UserInformation></settings:Settings>");
    assert!(
        !old.contains("Account") && old.contains("<settings:SMTPAddress>"),
        "{old}"
    );
}

#[test]
fn the_address_list() {
    let house = House::new();
    let phone = house.phone(Version::V2_5);
    let ask = |query: &str, range: &str| {
        format!(
            "<search:Search><search:Store><search:Name>GAL</search:Name><search:Query>{query}</search:Query><search:Options><search:Range>{range}</search:Range></search:Options></search:Store></search:Search>"
        )
    };
    let answer = |rest: &str| {
        format!(
            "<search:Search><search:Status>1</search:Status><search:Response><search:Store>{rest}</search:Store></search:Response></search:Search>"
        )
    };
    let bob = "<search:Result><search:Properties><gal:DisplayName>Bob Brown</gal:DisplayName><gal:Alias>bob</gal:Alias><gal:FirstName>Bob</gal:FirstName><gal:LastName>Brown</gal:LastName><gal:EmailAddress>bob@example.org</gal:EmailAddress></search:Properties></search:Result>";
    let found = format!(
        "<search:Status>1</search:Status>{bob}<search:Range>0-0</search:Range><search:Total>1</search:Total>"
    );
    for query in ["bo", "BROWN", "bob@ex"] {
        phone.check("Search", &ask(query, "0-9"), &answer(&found));
    }
    phone.check(
        "Search",
        &ask("nobody", "0-9"),
        &answer("<search:Status>1</search:Status><search:Result/>"),
    );
    phone.check(
        "Search",
        &ask("b", "100-110"),
        &answer("<search:Status>12</search:Status>"),
    );
    phone.check(
        "Search",
        &ask("b", "5-1"),
        &answer("<search:Status>2</search:Status>"),
    );
    phone.check(
        "Search",
        &ask("", "0-9"),
        &answer("<search:Status>2</search:Status>"),
    );
}

#[test]
fn a_device_that_cannot_be_noted_as_seen_is_answered() {
    let house = House::new();
    let phone = house.phone(Version::V14_1);
    let ask = "<search:Search><search:Store><search:Name>GAL</search:Name><search:Query>bob</search:Query></search:Store></search:Search>";
    let before = phone.says("Search", ask);
    assert!(before.contains("Bob Brown"), "{before}");
    let Store::Memory(memory) = house.eas.mailbox().store().clone() else {
        panic!("another engine")
    };
    let rates = Rates {
        full: 1_000,
        ..Rates::default()
    };
    memory.inject(FaultPlan::random(1, rates));
    house.clock.advance(16 * 60 * 1_000);
    assert_eq!(phone.says("Search", ask), before);
}
