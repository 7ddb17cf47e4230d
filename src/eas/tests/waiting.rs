//! Ping and Sync that wait.

use crate::eas::advisor::End;
use crate::eas::testing::{House, Phone, said, shown, wbxml};
use crate::eas::version::Version;
use crate::http::{Heard, Outcome, Why};

const FOLDERS: &str = "<folderhierarchy:FolderSync><folderhierarchy:SyncKey>0</folderhierarchy:SyncKey></folderhierarchy:FolderSync>";

fn ping(rest: &str) -> String {
    format!("<ping:Ping>{rest}</ping:Ping>")
}

fn request(heartbeat: &str, folders: &[&str]) -> String {
    let folders: String = folders
        .iter()
        .map(|id| {
            format!(
                "<ping:Folder><ping:Id>{id}</ping:Id><ping:Class>Email</ping:Class></ping:Folder>"
            )
        })
        .collect();
    ping(&format!(
        "<ping:HeartbeatInterval>{heartbeat}</ping:HeartbeatInterval><ping:Folders>{folders}</ping:Folders>"
    ))
}

fn status(n: u16) -> String {
    ping(&format!("<ping:Status>{n}</ping:Status>"))
}

fn ready<'a>(house: &'a House, folders: &[&str]) -> Phone<'a> {
    let phone = house.phone(Version::V14_1);
    phone.says("FolderSync", FOLDERS);
    for id in folders {
        phone.says("Sync", &format!("<Sync><Collections><Collection><SyncKey>0</SyncKey><CollectionId>{id}</CollectionId></Collection></Collections></Sync>"));
    }
    phone
}

fn answer(outcome: Outcome<crate::eas::parked::Parked>) -> String {
    match outcome {
        Outcome::Answer(answer) => shown(&answer),
        Outcome::Park(_) => "parked".into(),
    }
}

/// Whether a deadline is a little before the time asked for.
#[track_caller]
fn assert_about(deadline_ms: u64, asked_ms: u64) {
    let spread = asked_ms - asked_ms / 16..=asked_ms;
    assert!(
        spread.contains(&deadline_ms),
        "{deadline_ms} for {asked_ms}"
    );
}

#[test]
fn a_mail_ends_it() {
    let house = House::new();
    let phone = ready(&house, &["2", "8"]);
    let parked = phone.parks("Ping", &request("470", &["2", "8"]));
    assert_about(parked.deadline_ms(), 470_000);
    assert!(parked.is_current());
    house.mail("From: a@example.org\n\nx\n");
    assert!(
        !parked.is_current(),
        "it would be seen on the way to the lot"
    );
    let expect = ping(
        "<ping:Status>2</ping:Status><ping:Folders><ping:Folder>2</ping:Folder></ping:Folders>",
    );
    assert_eq!(house.told(&parked).as_ref(), Some(&expect));
    // The handler says the same.
    assert_eq!(answer(house.resume(parked, Why::Woken)), expect);
    // It is behind still: said at once.
    phone.check("Ping", &request("470", &["2", "8"]), &expect);
}

#[test]
fn time_ends_it_and_a_newer_one() {
    let house = House::new();
    let phone = ready(&house, &["2"]);
    let parked = phone.parks("Ping", &request("60", &["2"]));
    let mut document = Vec::new();
    let heard = parked.expire(&mut document);
    assert_eq!(said(heard, document), Some(status(1)));
    assert_eq!(answer(house.resume(parked, Why::Expired)), status(1));
    let older = phone.parks("Ping", "");
    let newer = phone.parks("Ping", "");
    assert!(!older.is_current() && newer.is_current());
    assert_eq!(house.told(&older), Some(status(1)));
    assert_eq!(house.told(&newer), None);
    assert_eq!(answer(house.resume(older, Why::Woken)), status(1));
    assert_eq!(answer(house.resume(newer, Why::Woken)), "parked");
}

#[test]
fn phones_that_park_together_do_not_expire_together() {
    let house = House::new();
    let phone = ready(&house, &["2"]);
    let ends: Vec<u64> = (0..64)
        .map(|_| phone.parks("Ping", &request("480", &["2"])).deadline_ms())
        .collect();
    for end in &ends {
        assert_about(*end, 480_000);
    }
    let seconds: std::collections::HashSet<u64> = ends.iter().map(|ms| ms / 1_000).collect();
    assert!(seconds.len() >= 16, "{seconds:?}");
}

#[test]
fn what_is_left_out_comes_from_the_last_one() {
    let house = House::new();
    let phone = ready(&house, &["2"]);
    phone.check("Ping", "", &status(3));
    phone.check(
        "Ping",
        &ping("<ping:HeartbeatInterval>60</ping:HeartbeatInterval>"),
        &status(3),
    );
    drop(phone.parks("Ping", &request("120", &["2"])));
    assert_about(phone.parks("Ping", "").deadline_ms(), 120_000);
    let longer = ping("<ping:HeartbeatInterval>180</ping:HeartbeatInterval>");
    assert_about(phone.parks("Ping", &longer).deadline_ms(), 180_000);
}

#[test]
fn refused() {
    let house = House::new();
    let phone = ready(&house, &["2"]);
    let limit = |n: u16, rest: &str| ping(&format!("<ping:Status>{n}</ping:Status>{rest}"));
    for (asked, nearest) in [
        ("59", 60),
        ("-5", 60),
        ("3541", 3540),
        ("99999999999", 3540),
    ] {
        let expect = limit(
            5,
            &format!("<ping:HeartbeatInterval>{nearest}</ping:HeartbeatInterval>"),
        );
        phone.check("Ping", &request(asked, &["2"]), &expect);
    }
    phone.check("Ping", &request("60", &["2", "2"]), &status(4));
    phone.check("Ping", &request("60", &["77"]), &status(7));
    let many: Vec<String> = (1..=301).map(|n| n.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    phone.check(
        "Ping",
        &request("60", &many),
        &limit(6, "<ping:MaxFolders>300</ping:MaxFolders>"),
    );
    phone.check("Ping", &ping("<ping:Status>1</ping:Status>"), &status(4));
}

#[test]
fn the_hierarchy_counts() {
    let house = House::new();
    let phone = ready(&house, &["2"]);
    let parked = phone.parks("Ping", &request("60", &["2"]));
    let scope = house.account("alice").scope;
    let made = house.eas.mailbox().create_folder(
        scope,
        crate::mailbox::FolderId::ROOT,
        "New",
        crate::mailbox::FolderKind::UserMail,
    );
    crate::work::block_on(made).unwrap();
    assert_eq!(house.told(&parked), Some(status(7)));
    assert_eq!(answer(house.resume(parked, Why::Woken)), status(7));
    let stranger = Phone {
        device: "other".into(),
        ..phone
    };
    stranger.check("Ping", &request("60", &["2"]), &status(7));
}

#[test]
fn folders_that_are_never_synced_do_not_make_it_spin() {
    let house = House::new();
    let phone = ready(&house, &["2"]);
    let parked = phone.parks("Ping", &request("60", &["2", "8"]));
    // What happens in a folder that the device does not sync is no news to it.
    house.put(
        crate::mailbox::FolderId(8),
        &crate::pim::Record::Event(crate::pim::Event::default()),
    );
    assert_eq!(house.told(&parked), None);
    let only = phone.says("Ping", &request("60", &["8"]));
    assert!(only.contains("<ping:Folder>8</ping:Folder>"), "{only}");
}

#[test]
fn own_changes_do_not_end_it() {
    let house = House::new();
    let phone = ready(&house, &["10"]);
    let parked = phone.parks("Ping", &request("60", &["10"]));
    let add = "<Sync><Collections><Collection><SyncKey>1</SyncKey><CollectionId>10</CollectionId><Commands><Add><ClientId>a</ClientId><ApplicationData><notes:Subject>s</notes:Subject></ApplicationData></Add></Commands></Collection></Collections></Sync>";
    let added = phone.answer("Sync", &wbxml(add));
    assert!(shown(&added).contains("<SyncKey>2</SyncKey>"));
    // The Sync ended it, since it is the newer request of the device.
    assert_eq!(house.told(&parked), Some(status(1)));
    assert_eq!(answer(house.resume(parked, Why::Woken)), status(1));
    let parked = phone.parks("Ping", "");
    let change = add
        .replace("<SyncKey>1", "<SyncKey>2")
        .replace(">a<", ">b<");
    // A request of another device of the same person: its change is news.
    let other = Phone {
        device: "phone2".into(),
        ..phone.clone()
    };
    other.says("FolderSync", FOLDERS);
    other.says("Sync", "<Sync><Collections><Collection><SyncKey>0</SyncKey><CollectionId>10</CollectionId></Collection></Collections></Sync>");
    other.answer("Sync", &wbxml(&change.replace("<SyncKey>2", "<SyncKey>1")));
    let expect = ping(
        "<ping:Status>2</ping:Status><ping:Folders><ping:Folder>10</ping:Folder></ping:Folders>",
    );
    assert_eq!(house.told(&parked), Some(expect));
}

const HELD: &str = "<Sync><Collections><Collection><SyncKey>1</SyncKey><CollectionId>2</CollectionId></Collection></Collections><HeartbeatInterval>300</HeartbeatInterval></Sync>";

#[test]
fn a_held_sync_ends_empty_or_with_what_came() {
    let house = House::new();
    let phone = ready(&house, &["2"]);
    let parked = phone.parks("Sync", HELD);
    assert_about(parked.deadline_ms(), 300_000);
    let mut document = Vec::new();
    let heard = parked.expire(&mut document);
    assert_eq!(said(heard, document), Some(String::new()));
    house.note("elsewhere");
    assert_eq!(house.told(&parked), None);
    house.mail("From: a@example.org\nSubject: here\n\nx\n");
    assert_eq!(house.told(&parked).as_deref(), Some("resume"));
    let brought = answer(house.resume(parked, Why::Woken));
    assert!(brought.contains("<email:Subject>here"), "{brought}");
}

#[test]
fn a_path_that_cuts_caps_the_heartbeat() {
    let house = House::new();
    let phone = ready(&house, &["2"]);
    for _ in 0..3 {
        let parked = phone.parks("Ping", &request("600", &["2"]));
        house.clock.advance(481_000);
        parked.cut(&house.eas, End::Reset);
    }
    let limit = "<ping:Status>5</ping:Status><ping:HeartbeatInterval>430</ping:HeartbeatInterval>";
    phone.check("Ping", &request("600", &["2"]), &ping(limit));
    drop(phone.parks("Ping", &request("430", &["2"])));
    let held = phone.says("Sync", HELD.replace(">300<", ">600<").as_str());
    assert_eq!(held, "<Sync><Status>14</Status><Limit>430</Limit></Sync>");
}

/// Lets a request wait and answers it at the end of its time; nobody takes the answer.
fn expires(house: &House, parked: crate::eas::parked::Parked, waited_ms: i64) {
    house.clock.advance(waited_ms);
    match parked.expire(&mut Vec::new()) {
        Heard::Answer(brief) => {
            let clock = house.eas.clock();
            let now = (clock.mono_ms(), clock.now_ms());
            parked.answered(&house.eas, now, brief, 0);
        }
        Heard::Resume => drop(house.resume(parked, Why::Expired)),
        Heard::Nothing => panic!("nothing to say"),
    }
}

#[test]
fn a_path_that_forgets_silently_is_found_too_and_what_is_stored_is_capped() {
    let house = House::new();
    let mut phone = ready(&house, &["2"]);
    for n in 0..6 {
        let command = if n % 2 == 0 { "Ping" } else { "Sync" };
        let parked = match command {
            "Ping" => phone.parks(command, &request("600", &["2"])),
            _ => phone.parks(command, &HELD.replace(">300<", ">600<")),
        };
        expires(&house, parked, 581_000);
        // Minutes later the phone is sure that nothing comes, and begins anew.
        house.clock.advance(200_000);
        phone.port += 1;
    }
    let limit = "<ping:Status>5</ping:Status><ping:HeartbeatInterval>520</ping:HeartbeatInterval>";
    phone.check("Ping", &request("600", &["2"]), &ping(limit));
    // What it does not say again ends in time, and is not forgotten.
    for command in ["Ping", "Sync"] {
        let waits_ms = phone.parks(command, "").deadline_ms() - house.clock.mono_ms();
        assert_about(waits_ms, 520_000);
    }
    assert_eq!(phone.device_row().device.ping_heartbeat_s, 600);
    // Waits that hold for longer take it back.
    let parked = phone.parks("Ping", &request("500", &["2"]));
    expires(&house, parked, 700_000);
    drop(phone.parks("Ping", &request("600", &["2"])));
}

#[test]
fn what_a_newer_request_ended_says_nothing_of_the_path() {
    let house = House::new();
    let mut phone = ready(&house, &["2"]);
    for _ in 0..8 {
        let parked = phone.parks("Ping", &request("600", &["2"]));
        house.clock.advance(400_000);
        phone.port += 1;
        // Its user has opened the app.
        let newer = phone.parks("Ping", &request("600", &["2"]));
        expires(&house, parked, 0);
        house.clock.advance(40_000);
        drop(newer);
    }
    let findings = house.eas.advisor().findings(house.clock.now_ms());
    assert_eq!(findings, []);
    let row = phone.device_row();
    let scope = house.account("alice").scope;
    let known = house.eas.advisor();
    let known = known.device(scope, row.number.0, house.clock.now_ms());
    assert_eq!(known, (0, None));
}

#[test]
fn whoever_is_not_welcome_any_more_is_told() {
    let house = House::new();
    let phone = ready(&house, &["2"]);
    let mailbox = house.eas.mailbox();
    let scope = house.account("alice").scope;
    let number = phone.device_row().number;
    let park = || phone.parks("Ping", &request("60", &["2"]));
    let device = |change: fn(&mut crate::mailbox::Device)| {
        crate::work::block_on(mailbox.change_device(scope, number, change)).unwrap();
    };
    let parked = park();
    device(|d| d.access = crate::mailbox::Access::Blocked);
    assert_eq!(house.told(&parked).as_deref(), Some("resume"));
    let told = answer(house.resume(parked, Why::Woken));
    assert_eq!(told, status(129));
    device(|d| d.access = crate::mailbox::Access::Allowed);
    let parked = park();
    device(|d| d.wipe = crate::mailbox::Wipe::Device);
    assert_eq!(house.told(&parked).as_deref(), Some("resume"));
    assert_eq!(answer(house.resume(parked, Why::Woken)), "449");
    device(|d| d.wipe = crate::mailbox::Wipe::None);
    let parked = park();
    let row = house.account("alice");
    let mut account = row.account.clone();
    account.password_hash.push('x');
    crate::work::block_on(mailbox.update_account(&row, &account)).unwrap();
    assert_eq!(house.told(&parked).as_deref(), Some("resume"));
    assert_eq!(answer(house.resume(parked, Why::Woken)), "401");
    let row = house.account("alice");
    crate::work::block_on(mailbox.update_account(&row, &house_account(&row))).unwrap();
    let parked = park();
    crate::work::block_on(mailbox.remove_device(scope, number)).unwrap();
    assert_eq!(house.told(&parked).as_deref(), Some("resume"));
    assert_eq!(answer(house.resume(parked, Why::Woken)), status(7));
}

/// The account as it was before its password changed.
fn house_account(row: &crate::mailbox::AccountRow) -> crate::mailbox::Account {
    let mut account = row.account.clone();
    account.password_hash.pop();
    account
}
