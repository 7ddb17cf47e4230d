//! The folder commands.

use crate::eas::testing::{House, Phone};
use crate::eas::version::Version;
use crate::mailbox::{FolderId, FolderKind};
use crate::work::block_on;

fn sync(key: &str) -> String {
    format!(
        "<folderhierarchy:FolderSync><folderhierarchy:SyncKey>{key}</folderhierarchy:SyncKey></folderhierarchy:FolderSync>"
    )
}

fn unchanged(key: &str) -> String {
    format!(
        "<folderhierarchy:FolderSync><folderhierarchy:Status>1</folderhierarchy:Status><folderhierarchy:SyncKey>{key}</folderhierarchy:SyncKey><folderhierarchy:Changes><folderhierarchy:Count>0</folderhierarchy:Count></folderhierarchy:Changes></folderhierarchy:FolderSync>"
    )
}

fn create(key: &str, parent: &str, name: &str, kind: &str) -> String {
    format!(
        "<folderhierarchy:FolderCreate><folderhierarchy:SyncKey>{key}</folderhierarchy:SyncKey><folderhierarchy:ParentId>{parent}</folderhierarchy:ParentId><folderhierarchy:DisplayName>{name}</folderhierarchy:DisplayName><folderhierarchy:Type>{kind}</folderhierarchy:Type></folderhierarchy:FolderCreate>"
    )
}

fn update(key: &str, id: &str, parent: &str, name: &str) -> String {
    format!(
        "<folderhierarchy:FolderUpdate><folderhierarchy:SyncKey>{key}</folderhierarchy:SyncKey><folderhierarchy:ServerId>{id}</folderhierarchy:ServerId><folderhierarchy:ParentId>{parent}</folderhierarchy:ParentId><folderhierarchy:DisplayName>{name}</folderhierarchy:DisplayName></folderhierarchy:FolderUpdate>"
    )
}

fn delete(key: &str, id: &str) -> String {
    format!(
        "<folderhierarchy:FolderDelete><folderhierarchy:SyncKey>{key}</folderhierarchy:SyncKey><folderhierarchy:ServerId>{id}</folderhierarchy:ServerId></folderhierarchy:FolderDelete>"
    )
}

fn status(root: &str, status: u16) -> String {
    format!(
        "<folderhierarchy:{root}><folderhierarchy:Status>{status}</folderhierarchy:Status></folderhierarchy:{root}>"
    )
}

fn done(root: &str, key: &str, rest: &str) -> String {
    format!(
        "<folderhierarchy:{root}><folderhierarchy:Status>1</folderhierarchy:Status><folderhierarchy:SyncKey>{key}</folderhierarchy:SyncKey>{rest}</folderhierarchy:{root}>"
    )
}

#[test]
fn key_0_brings_every_default_folder_once() {
    let house = House::new();
    let phone = house.phone(Version::V14_1);
    let all = phone.says("FolderSync", &sync("0"));
    assert!(
        all.contains("<folderhierarchy:Count>9</folderhierarchy:Count>"),
        "{all}"
    );
    for kind in 2..=10 {
        let kind = format!("<folderhierarchy:Type>{kind}</folderhierarchy:Type>");
        assert_eq!(all.matches(&kind).count(), 1, "{kind}");
    }
    phone.check("FolderSync", &sync("1"), &unchanged("1"));
    // Notes came with 14.0.
    let old = Phone {
        device: "old".into(),
        ..house.phone(Version::V12_1)
    };
    assert!(
        !old.says("FolderSync", &sync("0"))
            .contains("<folderhierarchy:Type>10<")
    );
}

#[test]
fn key_0_tells_versions_and_commands() {
    let house = House::new();
    let phone = house.phone(Version::V14_1);
    let first = phone.answer("FolderSync", &crate::eas::testing::wbxml(&sync("0")));
    assert_eq!(
        first.header("X-MS-RP"),
        first.header("MS-ASProtocolVersions")
    );
    assert!(first.header("MS-ASProtocolCommands").is_some());
    let later = phone.answer("FolderSync", &crate::eas::testing::wbxml(&sync("1")));
    assert_eq!(later.header("X-MS-RP"), None);
}

#[test]
fn wrong_and_missing_keys() {
    let house = House::new();
    let phone = house.phone(Version::V14_1);
    phone.check("FolderSync", &sync("5"), &status("FolderSync", 9));
    phone.check("FolderSync", &sync(""), &status("FolderSync", 9));
    phone.check(
        "FolderSync",
        "<folderhierarchy:FolderSync/>",
        &status("FolderSync", 10),
    );
    for root in ["FolderCreate", "FolderUpdate", "FolderDelete"] {
        phone.check(
            root,
            &format!("<folderhierarchy:{root}/>"),
            &status(root, 10),
        );
    }
    phone.check(
        "FolderCreate",
        &create("5", "0", "a", "12"),
        &status("FolderCreate", 9),
    );
}

#[test]
fn a_folder_lives() {
    let house = House::new();
    let phone = house.phone(Version::V14_1);
    phone.says("FolderSync", &sync("0"));
    let id = "<folderhierarchy:ServerId>32</folderhierarchy:ServerId>";
    phone.check(
        "FolderCreate",
        &create("1", "0", "New", "12"),
        &done("FolderCreate", "2", id),
    );
    // The answer was lost: the same again.
    phone.check(
        "FolderCreate",
        &create("1", "0", "New", "12"),
        &done("FolderCreate", "2", id),
    );
    phone.check("FolderSync", &sync("2"), &unchanged("2"));
    phone.check(
        "FolderUpdate",
        &update("2", "32", "2", "Newer"),
        &done("FolderUpdate", "3", ""),
    );
    let other = Phone {
        device: "other".into(),
        ..phone.clone()
    };
    let all = other.says("FolderSync", &sync("0"));
    assert!(all.contains("<folderhierarchy:ParentId>2</folderhierarchy:ParentId><folderhierarchy:DisplayName>Newer<"), "{all}");
    phone.check(
        "FolderDelete",
        &delete("3", "32"),
        &done("FolderDelete", "4", ""),
    );
    let gone = "<folderhierarchy:Delete><folderhierarchy:ServerId>32</folderhierarchy:ServerId></folderhierarchy:Delete>";
    let told = other.says("FolderSync", &sync("1"));
    assert!(told.contains(gone), "{told}");
}

#[test]
fn refused() {
    let house = House::new();
    let phone = house.phone(Version::V14_1);
    phone.says("FolderSync", &sync("0"));
    for (parent, name, kind, expect) in [
        ("0", "Inbox", "12", 2),
        ("77", "a", "12", 5),
        ("0", "a", "2", 10),
        ("0", "a", "19", 3),
        ("0", "a", "x", 10),
        ("0", "", "12", 10),
    ] {
        phone.check(
            "FolderCreate",
            &create("1", parent, name, kind),
            &status("FolderCreate", expect),
        );
    }
    phone.check(
        "FolderUpdate",
        &update("1", "2", "0", "Mine"),
        &status("FolderUpdate", 2),
    );
    phone.check(
        "FolderUpdate",
        &update("1", "99", "0", "Mine"),
        &status("FolderUpdate", 4),
    );
    phone.check(
        "FolderDelete",
        &delete("1", "2"),
        &status("FolderDelete", 3),
    );
    phone.check(
        "FolderDelete",
        &delete("1", "99"),
        &status("FolderDelete", 4),
    );
}

#[test]
fn a_trial_leaves_nothing_behind() {
    let house = House::new();
    let phone = Phone {
        device: "validate".into(),
        ..house.phone(Version::V2_5)
    };
    assert!(
        phone
            .says("FolderSync", &sync("0"))
            .contains("<folderhierarchy:SyncKey>1<")
    );
    let scope = house.account("alice").scope;
    assert_eq!(block_on(house.eas.mailbox().devices(scope)).unwrap(), []);
}

#[test]
fn a_new_folder_may_come_with_an_empty_server_id() {
    let house = House::new();
    let phone = house.phone(Version::V12_1);
    phone.says("FolderSync", &sync("0"));
    // BlackBerry.
    let ask = create("1", "", "New", "12").replace(
        "<folderhierarchy:ParentId>",
        "<folderhierarchy:ServerId/><folderhierarchy:ParentId>",
    );
    let id = "<folderhierarchy:ServerId>32</folderhierarchy:ServerId>";
    phone.check("FolderCreate", &ask, &done("FolderCreate", "2", id));
}

#[test]
fn the_hierarchy_of_old_has_the_mail_folders_only() {
    let house = House::new();
    let scope = house.account("alice").scope;
    let make = |parent, name: &str, kind| {
        let made = house.eas.mailbox().create_folder(scope, parent, name, kind);
        block_on(made).unwrap()
    };
    let lists = make(FolderId::INBOX, "Lists", FolderKind::UserMail);
    let sub = make(FolderId::CALENDAR, "Minutes", FolderKind::UserMail);
    make(FolderId::ROOT, "Team", FolderKind::UserCalendar);
    let folder = |name: &str, id: FolderId, kind: u8, parent: u32| {
        format!(
            "<folderhierarchy:Folder><folderhierarchy:DisplayName>{name}</folderhierarchy:DisplayName><folderhierarchy:ServerId>{id}</folderhierarchy:ServerId><folderhierarchy:Type>{kind}</folderhierarchy:Type><folderhierarchy:ParentId>{parent}</folderhierarchy:ParentId></folderhierarchy:Folder>"
        )
    };
    let all = [
        folder("Inbox", FolderId::INBOX, 2, 0),
        folder("Drafts", FolderId::DRAFTS, 3, 0),
        folder("Deleted Items", FolderId::DELETED, 4, 0),
        folder("Sent Items", FolderId::SENT, 5, 0),
        folder("Outbox", FolderId::OUTBOX, 6, 0),
        folder("Lists", lists, 1, 2),
        // What it stands under is not told.
        folder("Minutes", sub, 1, 0),
    ]
    .concat();
    let expect = format!("<folderhierarchy:Folders>{all}</folderhierarchy:Folders>");
    for version in [Version::V2_5, Version::V12_0, Version::V12_1] {
        house.phone(version).check("GetHierarchy", "", &expect);
    }
    for version in [Version::V14_0, Version::V16_1] {
        house.phone(version).check("GetHierarchy", "", "501");
    }
}
