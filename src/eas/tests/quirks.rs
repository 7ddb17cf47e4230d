//! Clients that get something else than the specification says, and the others, which do not; and
//! how far the versions go that a client is offered.

use crate::eas::Settings;
use crate::eas::quirks::glob::Glob;
use crate::eas::quirks::{Book, Registry};
use crate::eas::testing::{House, Phone, shown, wbxml};
use crate::eas::version::Version;
use crate::http::{Outcome, Peer, Request, Why};
use crate::mailbox::{Access, FolderId};
use crate::pim::{Contact, Record};
use crate::work::block_on;
use std::sync::Arc;

const OUTLOOK: &str = "Outlook/16.0 (16.0.7167.6539; C2R; x86)";
const ANDROID: &str = "Android/4.0.4-EAS-1.3";

impl Phone<'_> {
    fn called(mut self, agent: &str) -> Self {
        self.headers.retain(|(name, _)| *name != "User-Agent");
        if !agent.is_empty() {
            self.headers.push(("User-Agent", agent.into()));
        }
        self
    }

    fn named(mut self, device: &str) -> Self {
        self.device = device.into();
        self
    }

    fn folders(&self) {
        let hierarchy = "<folderhierarchy:FolderSync><folderhierarchy:SyncKey>0</folderhierarchy:SyncKey></folderhierarchy:FolderSync>";
        self.says("FolderSync", hierarchy);
    }

    /// Sync of one folder.
    fn syncs(&self, key: &str, folder: &str, rest: &str) -> String {
        self.says("Sync", &collection(key, folder, rest))
    }
}

fn collection(key: &str, folder: &str, rest: &str) -> String {
    format!(
        "<Sync><Collections><Collection><SyncKey>{key}</SyncKey><CollectionId>{folder}</CollectionId>{rest}</Collection></Collections></Sync>"
    )
}

#[test]
fn a_client_that_cannot_take_an_empty_answer_gets_a_document() {
    let house = House::new();
    for (device, agent, expect) in [
        ("n9", "NokiaN9 MeeGo/1.2", "<SyncKey>1</SyncKey>"),
        ("other", "Other/1.0", ""),
    ] {
        let phone = house.phone(Version::V12_1).called(agent).named(device);
        phone.syncs("0", "2", "");
        let answer = phone.syncs("1", "2", "");
        assert!(answer.contains(expect), "{agent}: {answer}");
        assert_eq!(answer.is_empty(), expect.is_empty(), "{agent}: {answer}");
        // Without its name in the request it is the same client.
        let nameless = phone.called("");
        assert_eq!(nameless.syncs("1", "2", ""), answer);
    }
}

#[test]
fn who_cannot_provision_is_let_in_without_a_policy() {
    let house = House::with(Settings {
        policy: vec![("DevicePasswordEnabled".into(), "1".into())],
        ..Settings::default()
    });
    let check = |agent: &str, version, expect: bool| {
        let device: String = agent.chars().filter(char::is_ascii_alphanumeric).collect();
        let device: String = device.chars().take(32).collect();
        let phone = house.phone(version).called(agent).named(&device);
        let answer = phone.syncs("0", "2", "");
        assert_eq!(answer != "449", expect, "{agent}: {answer}");
        phone
    };
    check("Test/1.0", Version::V14_0, false);
    check("MSFT-PPC/5.2.1235", Version::V2_5, false);
    check(ANDROID, Version::V14_0, false);
    check("MSFT-PPC/5.1.2301", Version::V2_5, true);
    check("HTC-Mail/1", Version::V12_0, true);
    check("MSFT-WP/7.10.8773", Version::V14_0, true);
    check("Android-EAS/0.1", Version::V12_0, true);
    let outlook = check(OUTLOOK, Version::V14_0, true);
    // A word of the operator holds for it as for everybody.
    let scope = house.account("alice").scope;
    let number = outlook.device_row().number;
    let block = |d: &mut crate::mailbox::Device| d.wipe = crate::mailbox::Wipe::Device;
    block_on(house.eas.mailbox().change_device(scope, number, block)).unwrap();
    assert_eq!(outlook.syncs("0", "2", ""), "449");
    let block = |d: &mut crate::mailbox::Device| d.access = Access::Blocked;
    block_on(house.eas.mailbox().change_device(scope, number, block)).unwrap();
    assert!(outlook.syncs("0", "2", "").contains("<Status>129<"));
}

#[test]
fn an_estimate_for_android_with_a_wrong_key_is_one() {
    let house = House::new();
    house.note("milk");
    let ask = |agent: &str, key: &str| {
        let phone = house.phone(Version::V14_0).called(agent).named("d1");
        phone.syncs("0", "2", "");
        phone.says(
            "GetItemEstimate",
            &format!("<getitemestimate:GetItemEstimate><getitemestimate:Collections><getitemestimate:Collection><SyncKey>{key}</SyncKey><getitemestimate:CollectionId>2</getitemestimate:CollectionId></getitemestimate:Collection></getitemestimate:Collections></getitemestimate:GetItemEstimate>"),
        )
    };
    let wrong = ask("Other/1.0", "77");
    assert!(wrong.contains("<getitemestimate:Status>4<"), "{wrong}");
    let android = ask(ANDROID, "77");
    assert!(
        android.contains("<getitemestimate:Status>1<")
            && android.contains("<getitemestimate:Estimate>1<"),
        "{android}"
    );
    let right = ask(ANDROID, "1");
    assert!(right.contains("<getitemestimate:Estimate>0<"), "{right}");
}

#[test]
fn android_may_wait_for_no_folder_at_all() {
    let house = House::new();
    let wait = "<Sync><Collections/><HeartbeatInterval>300</HeartbeatInterval></Sync>";
    let other = house.phone(Version::V14_1).called("Other/1.0").named("d1");
    assert_eq!(other.says("Sync", wait), "<Sync><Status>4</Status></Sync>");
    let android = house.phone(Version::V14_1).called(ANDROID).named("d2");
    android.folders();
    let parked = android.parks("Sync", wait);
    house.mail("Subject: one\n\nhello\n");
    assert_eq!(house.told(&parked), None);
    match house.resume(parked, Why::Expired) {
        Outcome::Answer(answer) => assert_eq!(shown(&answer), ""),
        Outcome::Park(_) => panic!("it waits on"),
    }
    let at_once = "<Sync><Collections/></Sync>";
    assert_eq!(
        android.says("Sync", at_once),
        "<Sync><Status>4</Status></Sync>"
    );
}

#[test]
fn what_outlook_moved_is_not_added_once_more() {
    let house = House::new();
    for (device, agent, twice) in [("d1", OUTLOOK, false), ("d2", "Other/1.0", true)] {
        let phone = house.phone(Version::V14_0).called(agent).named(device);
        phone.folders();
        let id = format!("2:{}", house.mail("Subject: one\n\nhello\n"));
        for folder in ["2", "4"] {
            phone.syncs("0", folder, "");
            phone.syncs("1", folder, "");
        }
        let ask = format!(
            "<moves:MoveItems><moves:Move><moves:SrcMsgId>{id}</moves:SrcMsgId><moves:SrcFldId>2</moves:SrcFldId><moves:DstFldId>4</moves:DstFldId></moves:Move></moves:MoveItems>"
        );
        let moved = phone.says("MoveItems", &ask);
        let (_, new) = moved.split_once("<moves:DstMsgId>").unwrap();
        let new = new.split_once('<').unwrap().0.to_owned();
        // The key that was answered last, in either case.
        let key = if phone.syncs("2", "4", "").contains("<Status>3<") {
            "1"
        } else {
            "2"
        };
        let first = phone.syncs(key, "4", "");
        assert_eq!(
            first.contains(&format!("<Add><ServerId>{new}<")),
            twice,
            "{agent}: {first}"
        );
        // The same when the answer was lost.
        let again = phone.syncs(key, "4", "");
        assert_eq!(again.contains("<Add>"), twice, "{agent}: {again}");
        // It has it: what others do to it is told as a change of it. A key changes only with news.
        let key = match again.split_once("<SyncKey>") {
            Some((_, key)) => key.split_once('<').unwrap().0.to_owned(),
            None => key.to_owned(),
        };
        let scope = house.account("alice").scope;
        let id = crate::mailbox::ServerId::parse(&new).unwrap();
        let mailbox = house.eas.mailbox();
        let row = block_on(mailbox.item(scope, id.folder, id.item))
            .unwrap()
            .unwrap();
        let mut tx = mailbox.transaction(scope, crate::mailbox::By::default());
        tx.delete(&row).unwrap();
        block_on(tx.commit()).unwrap();
        let gone = phone.syncs(&key, "4", "");
        assert!(
            gone.contains(&format!("<Delete><ServerId>{new}<")),
            "{gone}"
        );
    }
}

#[test]
fn what_outlook_moved_and_others_deleted_is_told_to_be_gone() {
    let house = House::new();
    let phone = house.phone(Version::V14_0).called(OUTLOOK);
    phone.folders();
    let id = format!("2:{}", house.mail("Subject: one\n\nhello\n"));
    for (folder, key) in [("2", "0"), ("2", "1"), ("4", "0")] {
        phone.syncs(key, folder, "");
    }
    let ask = format!(
        "<moves:MoveItems><moves:Move><moves:SrcMsgId>{id}</moves:SrcMsgId><moves:SrcFldId>2</moves:SrcFldId><moves:DstFldId>4</moves:DstFldId></moves:Move></moves:MoveItems>"
    );
    let moved = phone.says("MoveItems", &ask);
    let (_, new) = moved.split_once("<moves:DstMsgId>").unwrap();
    let new = new.split_once('<').unwrap().0.to_owned();
    let scope = house.account("alice").scope;
    let id = crate::mailbox::ServerId::parse(&new).unwrap();
    let mailbox = house.eas.mailbox();
    let row = block_on(mailbox.item(scope, id.folder, id.item));
    let mut tx = mailbox.transaction(scope, crate::mailbox::By::default());
    tx.delete(&row.unwrap().unwrap()).unwrap();
    block_on(tx.commit()).unwrap();
    let gone = phone.syncs("1", "4", "");
    assert!(
        gone.contains(&format!("<Delete><ServerId>{new}<")),
        "{gone}"
    );
}

#[test]
fn a_birthday_is_the_same_day_for_every_client() {
    let house = House::new();
    let contact = |ms| {
        let record = Record::Contact(Contact {
            birthday_ms: Some(ms),
            ..Contact::default()
        });
        house.put(FolderId::CONTACTS, &record)
    };
    const HOUR_MS: i64 = 3_600_000;
    // 2000-02-29, as somebody in Berlin, a server, and Gmail write it.
    let day = 951_782_400_000;
    for hours in [-1, 0, 12] {
        contact(day + hours * HOUR_MS);
    }
    let clients = [
        ("d1", "RIM-Q10/10.2", "11:00"),
        ("d2", ANDROID, "08:00"),
        ("d3", "Android-Mail/2023", "00:00"),
        ("d4", "MSFT-WP/8.10.14157", "00:00"),
        ("d5", "Apple-iPhone3C1/801.293", "00:00"),
    ];
    for (device, agent, hour) in clients {
        let phone = house.phone(Version::V14_0).called(agent).named(device);
        phone.syncs("0", "9", "");
        let told = phone.syncs("1", "9", "");
        let expect = format!("<contacts:Birthday>2000-02-29T{hour}:00.000Z<");
        assert_eq!(told.matches(&expect).count(), 3, "{agent}: {told}");
    }
    // What they send is a date, too, whatever the time.
    let phone = house
        .phone(Version::V14_0)
        .called("Android-Mail/2023")
        .named("d3");
    let add = "<Commands><Add><ClientId>1</ClientId><ApplicationData><contacts:FirstName>Kim</contacts:FirstName><contacts:Birthday>1990-05-06T12:00:00.000Z</contacts:Birthday></ApplicationData></Add></Commands>";
    assert!(phone.syncs("2", "9", add).contains("<Status>1</Status>"));
    let other = house.phone(Version::V14_0).called("Other/1.0").named("d6");
    other.syncs("0", "9", "");
    let told = other.syncs("1", "9", "");
    for expect in [
        "<contacts:Birthday>1990-05-06T00:00:00.000Z<",
        "<contacts:Birthday>2000-02-28T23:00:00.000Z<",
        "<contacts:Birthday>2000-02-29T12:00:00.000Z<",
    ] {
        assert!(told.contains(expect), "{expect} in {told}");
    }
}

#[test]
fn an_empty_picture_takes_it_away_unless_it_is_from_an_iphone() {
    let house = House::new();
    let add = "<Commands><Add><ClientId>1</ClientId><ApplicationData><contacts:FirstName>Kim</contacts:FirstName><contacts:Picture>AQID</contacts:Picture></ApplicationData></Add></Commands>";
    let change = |id: &str| {
        format!(
            "<GetChanges>0</GetChanges><Commands><Change><ServerId>{id}</ServerId><ApplicationData><contacts:FirstName>Kim</contacts:FirstName><contacts:Picture/></ApplicationData></Change></Commands>"
        )
    };
    for (device, agent, is_kept) in [
        ("d1", "Apple-iPhone11C8/2007.75", true),
        ("d2", "Android/4.0.4-EAS-1.3", false),
    ] {
        let phone = house.phone(Version::V14_1).called(agent).named(device);
        phone.syncs("0", "9", "");
        let added = phone.syncs("1", "9", add);
        let (_, id) = added.split_once("<ServerId>").unwrap();
        let id = id.split_once('<').unwrap().0.to_owned();
        phone.syncs("2", "9", &change(&id));
        let other = house.phone(Version::V14_1).named(&format!("{device}o"));
        other.syncs("0", "9", "");
        let told = other.syncs("1", "9", "");
        let (_, told) = told.split_once(&format!("<ServerId>{id}<")).unwrap();
        let (told, _) = told.split_once("</Add>").unwrap();
        assert_eq!(
            told.contains("<contacts:Picture>AQID<"),
            is_kept,
            "{agent}: {told}"
        );
    }
}

// ---- ceilings ----------------------------------------------------------------------------------

fn offered(house: &House, query: &str, agent: &str) -> String {
    let target = format!("/Microsoft-Server-ActiveSync{query}");
    let headers = [
        ("Authorization", "Basic YWxpY2U6c2VjcmV0"),
        ("User-Agent", agent),
    ];
    let request = Request::new("OPTIONS", &target).with_headers(&headers);
    let addr = ([192, 0, 2, 1], 1).into();
    match block_on(house.eas.handle(&request, &Peer { addr, tls: true })) {
        Outcome::Answer(answer) => {
            let versions = answer.header("MS-ASProtocolVersions").unwrap();
            versions.rsplit_once(',').unwrap().1.to_owned()
        }
        Outcome::Park(_) => panic!("parked"),
    }
}

fn with_ceiling(pattern: &str, version: Version) -> House {
    let ceilings = vec![(Glob::try_from(pattern.to_owned()).unwrap(), version)];
    House::with(Settings {
        quirks: Arc::new(Book::of(Registry::built_in(), ceilings)),
        ..Settings::default()
    })
}

#[test]
fn options_lists_what_the_lowest_ceiling_allows() {
    let house = with_ceiling("Old*", Version::V14_0);
    assert_eq!(offered(&house, "", "New/1"), "16.1");
    assert_eq!(offered(&house, "", "Old/1"), "14.0");
    let phone = house.phone(Version::V2_5).called("New/1");
    phone.folders();
    let scope = house.account("alice").scope;
    let set = |tens| {
        let number = phone.device_row().number;
        let set = house.eas.mailbox().set_version_ceiling(scope, number, tens);
        block_on(set).unwrap();
    };
    let query = "?Cmd=OPTIONS&DeviceId=phone1";
    assert_eq!(offered(&house, query, "New/1"), "16.1");
    set(Some(121));
    assert_eq!(offered(&house, query, "New/1"), "12.1");
    assert_eq!(offered(&house, "?DeviceId=nobody", "New/1"), "16.1");
    set(Some(141));
    assert_eq!(offered(&house, query, "Old/1"), "14.0");
    set(None);
    assert_eq!(offered(&house, query, "New/1"), "16.1");
}

#[test]
fn a_request_above_its_ceiling_is_refused_with_what_there_is() {
    let house = with_ceiling("Old*", Version::V14_1);
    let phone = house.phone(Version::V16_1).called("Old/1");
    let body = wbxml(&collection("0", "2", ""));
    let answer = phone.answer("Sync", &body);
    assert_eq!(shown(&answer), "<Sync><Status>138</Status></Sync>");
    assert_eq!(
        answer.header("MS-ASProtocolVersions"),
        Some("2.5,12.0,12.1,14.0,14.1")
    );
    // What it was refused is not noted as what it speaks.
    assert_ne!(phone.device_row().device.version, 161);
    let lower = house.phone(Version::V14_1).called("Old/1");
    assert!(lower.syncs("0", "2", "").contains("<SyncKey>1</SyncKey>"));
    // A ceiling of its own is lower still.
    let scope = house.account("alice").scope;
    let number = lower.device_row().number;
    let set = house
        .eas
        .mailbox()
        .set_version_ceiling(scope, number, Some(25));
    block_on(set).unwrap();
    let old = house.phone(Version::V12_1).called("Old/1");
    let answer = old.answer("Sync", &body);
    assert_eq!(
        (answer.status, answer.header("MS-ASProtocolVersions")),
        (400, Some("2.5"))
    );
    let oldest = house.phone(Version::V2_5).called("Old/1");
    let class = collection("1", "2", "").replace("<SyncKey>", "<Class>Email</Class><SyncKey>");
    assert!(oldest.says("Sync", &class).contains("<Status>1</Status>"));
}

#[test]
fn a_device_that_changes_its_version_keeps_what_it_has() {
    let house = House::new();
    house.mail("Subject: one\n\nhello\n");
    house.mail("Subject: two\n\nhello\n");
    let mut key = "0".to_owned();
    let mut folders = String::new();
    let mut hierarchy = "0".to_owned();
    let between = |text: &str, from: &str, to: &str| {
        let (_, after) = text.split_once(from).unwrap();
        after.split_once(to).unwrap().0.to_owned()
    };
    for (n, version) in [
        Version::V2_5,
        Version::V14_1,
        Version::V16_1,
        Version::V12_1,
        Version::V2_5,
    ]
    .into_iter()
    .enumerate()
    {
        let phone = house.phone(version);
        let ask = format!(
            "<folderhierarchy:FolderSync><folderhierarchy:SyncKey>{hierarchy}</folderhierarchy:SyncKey></folderhierarchy:FolderSync>"
        );
        let told = phone.says("FolderSync", &ask);
        assert!(
            told.contains("<folderhierarchy:Status>1<"),
            "{version}: {told}"
        );
        if n == 0 {
            folders = told.clone();
        } else {
            assert!(
                !told.contains("Delete") && !told.contains("Update"),
                "{version}: {told}"
            );
        }
        hierarchy = between(&told, "<folderhierarchy:SyncKey>", "<");
        let ask = |key: &str| {
            let plain = collection(key, "2", "<GetChanges>1</GetChanges>");
            let class = if version < Version::V14_0 {
                "<Class>Email</Class>"
            } else {
                ""
            };
            plain.replace("<SyncKey>", &format!("{class}<SyncKey>"))
        };
        if n == 0 {
            phone.says("Sync", &ask("0"));
            let told = phone.says("Sync", &ask("1"));
            assert_eq!(told.matches("<Add>").count(), 2, "{told}");
            key = between(&told, "<SyncKey>", "<");
            continue;
        }
        // Nothing comes again, and the key is good.
        let told = phone.says("Sync", &ask(&key));
        assert!(
            !told.contains("<Add>") && !told.contains("<Status>3<"),
            "{version}: {told}"
        );
        // What is new comes alone.
        house.mail(&format!("Subject: new in {version}\n\nhello\n"));
        let told = phone.says("Sync", &ask(&key));
        assert_eq!(told.matches("<Add>").count(), 1, "{version}: {told}");
        assert!(
            told.contains(&format!("new in {version}")),
            "{version}: {told}"
        );
        key = between(&told, "<SyncKey>", "<");
    }
    // The folders are those that it was given first.
    assert!(folders.contains("<folderhierarchy:ServerId>2</folderhierarchy:ServerId>"));
}
