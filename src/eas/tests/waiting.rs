//! Ping and Sync that wait.

use crate::eas::testing::{House, Phone, shown, wbxml};
use crate::eas::version::Version;
use crate::http::{Outcome, Why};

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

#[test]
fn a_mail_ends_it() {
    let house = House::new();
    let phone = ready(&house, &["2", "8"]);
    let parked = phone.parks("Ping", &request("470", &["2", "8"]));
    assert_eq!(parked.deadline_ms(), 470_000);
    house.mail("From: a@example.org\n\nx\n");
    house.pump();
    let expect = ping(
        "<ping:Status>2</ping:Status><ping:Folders><ping:Folder>2</ping:Folder></ping:Folders>",
    );
    assert_eq!(answer(house.resume(parked, Why::Woken)), expect);
    // It is behind still: said at once.
    phone.check("Ping", &request("470", &["2", "8"]), &expect);
}

#[test]
fn time_ends_it_and_a_newer_one() {
    let house = House::new();
    let phone = ready(&house, &["2"]);
    let parked = phone.parks("Ping", &request("60", &["2"]));
    assert_eq!(answer(house.resume(parked, Why::Expired)), status(1));
    let older = phone.parks("Ping", "");
    let newer = phone.parks("Ping", "");
    assert_eq!(answer(house.resume(older, Why::Woken)), status(1));
    assert_eq!(answer(house.resume(newer, Why::Woken)), "parked");
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
    assert_eq!(phone.parks("Ping", "").deadline_ms(), 120_000);
    let longer = ping("<ping:HeartbeatInterval>180</ping:HeartbeatInterval>");
    assert_eq!(phone.parks("Ping", &longer).deadline_ms(), 180_000);
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
    house.pump();
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
    drop(phone.parks("Ping", &request("60", &["2", "8"])));
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
    house.pump();
    // The Sync ended it, since it is the newer request of the device.
    assert_eq!(answer(house.resume(parked, Why::Woken)), status(1));
    drop(phone.parks("Ping", ""));
}
