//! Sync over a house in memory, several devices and versions.

use crate::eas::testing::{House, Phone, shown};
use crate::eas::version::Version;
use crate::http::{Outcome, Why};
use crate::limits;
use crate::mailbox::{Access, FolderId, Wipe};

/// A Sync of one collection, whose other elements are given.
fn collection(key: &str, id: &str, rest: &str) -> String {
    format!(
        "<Sync><Collections><Collection><SyncKey>{key}</SyncKey><CollectionId>{id}</CollectionId>{rest}</Collection></Collections></Sync>"
    )
}

fn answered(key: &str, id: &str, rest: &str) -> String {
    format!(
        "<Sync><Collections><Collection><SyncKey>{key}</SyncKey><CollectionId>{id}</CollectionId><Status>1</Status>{rest}</Collection></Collections></Sync>"
    )
}

/// The key that an answer gives.
fn key_of(answer: &str) -> String {
    let (_, after) = answer
        .split_once("<SyncKey>")
        .unwrap_or_else(|| panic!("no key in {answer}"));
    after.split_once('<').unwrap().0.to_owned()
}

fn prime(phone: &Phone<'_>, id: &str) -> String {
    key_of(&phone.says("Sync", &collection("0", id, "")))
}

const NOTE: &str =
    "<ApplicationData><notes:Subject>from the phone</notes:Subject></ApplicationData>";

#[test]
fn key_0_gives_a_key_and_no_items() {
    let house = House::new();
    house.note("one");
    for version in Version::ALL {
        let phone = Phone {
            device: format!("d{}", version.tens()),
            ..house.phone(version)
        };
        let class = if version <= Version::V12_0 {
            "<Class>Notes</Class>"
        } else {
            ""
        };
        let expect = answered("1", "10", "").replace("<SyncKey>", &format!("{class}<SyncKey>"));
        // Options and GetChanges with key 0 are taken (go-activesync).
        phone.check(
            "Sync",
            &collection("0", "10", "<GetChanges>1</GetChanges>"),
            &expect,
        );
    }
}

#[test]
fn items_come_newest_first_within_the_window() {
    let house = House::new();
    let (a, b) = (house.note("a"), house.note("b"));
    let phone = house.phone(Version::V14_1);
    let key = prime(&phone, "10");
    let first = phone.says(
        "Sync",
        &collection(&key, "10", "<WindowSize>1</WindowSize>"),
    );
    assert!(first.contains("<MoreAvailable/>"), "{first}");
    assert!(
        first.contains(&format!("<Add><ServerId>10:{b}</ServerId>")),
        "{first}"
    );
    let second = phone.says(
        "Sync",
        &collection(&key_of(&first), "10", "<WindowSize>1</WindowSize>"),
    );
    assert!(!second.contains("MoreAvailable"), "{second}");
    assert!(
        second.contains(&format!("<Add><ServerId>10:{a}</ServerId>")),
        "{second}"
    );
    // Nothing more: no content at all.
    phone.check("Sync", &collection(&key_of(&second), "10", ""), "");
}

#[test]
fn a_repeated_key_brings_the_lost_answer_again() {
    let house = House::new();
    house.note("a");
    let phone = house.phone(Version::V14_1);
    let key = prime(&phone, "10");
    let lost = phone.says("Sync", &collection(&key, "10", ""));
    assert_eq!(phone.says("Sync", &collection(&key, "10", "")), lost);
    phone.check("Sync", &collection(&key_of(&lost), "10", ""), "");
}

#[test]
fn a_repeated_add_is_answered_and_not_doubled() {
    let house = House::new();
    let phone = house.phone(Version::V14_1);
    let key = prime(&phone, "10");
    let add = format!("<Commands><Add><ClientId>c1</ClientId>{NOTE}</Add></Commands>");
    let first = phone.says("Sync", &collection(&key, "10", &add));
    let expect = "<Responses><Add><ClientId>c1</ClientId><ServerId>10:1</ServerId><Status>1</Status></Add></Responses>";
    assert_eq!(first, answered("2", "10", expect));
    assert_eq!(phone.says("Sync", &collection(&key, "10", &add)), first);
    // Not echoed, and there once.
    phone.check("Sync", &collection("2", "10", ""), "");
    let other = Phone {
        device: "phone2".into(),
        ..phone.clone()
    };
    let key = prime(&other, "10");
    let seen = other.says("Sync", &collection(&key, "10", ""));
    assert_eq!(seen.matches("<Add>").count(), 1, "{seen}");
}

#[test]
fn changes_and_deletes_go_to_the_other_device() {
    let house = House::new();
    let id = house.note("a");
    let one = house.phone(Version::V14_1);
    let two = Phone {
        device: "phone2".into(),
        ..one.clone()
    };
    let mut keys = Vec::new();
    for phone in [&one, &two] {
        let key = prime(phone, "10");
        keys.push(key_of(&phone.says("Sync", &collection(&key, "10", ""))));
    }
    let change =
        format!("<Commands><Change><ServerId>10:{id}</ServerId>{NOTE}</Change></Commands>");
    // Success of a Change has no response.
    one.check(
        "Sync",
        &collection(&keys[0], "10", &change),
        &answered("3", "10", ""),
    );
    let seen = two.says("Sync", &collection(&keys[1], "10", ""));
    assert!(
        seen.contains("<Change>") && seen.contains("from the phone"),
        "{seen}"
    );
    let delete = format!("<Commands><Delete><ServerId>10:{id}</ServerId></Delete></Commands>");
    one.check(
        "Sync",
        &collection("3", "10", &delete),
        &answered("4", "10", ""),
    );
    let delete = format!("<Commands><Delete><ServerId>10:{id}</ServerId></Delete></Commands>");
    two.check(
        "Sync",
        &collection(&key_of(&seen), "10", ""),
        &answered("4", "10", &delete),
    );
}

#[test]
fn on_a_conflict_the_server_wins_unless_told_otherwise() {
    let run = |options: &str| {
        let house = House::new();
        let id = house.note("a");
        let one = house.phone(Version::V14_1);
        let two = Phone {
            device: "phone2".into(),
            ..one.clone()
        };
        let mut keys = Vec::new();
        for phone in [&one, &two] {
            let key = prime(phone, "10");
            keys.push(key_of(
                &phone.says("Sync", &collection(&key, "10", options)),
            ));
        }
        let change = |subject: &str| {
            format!(
                "<Commands><Change><ServerId>10:{id}</ServerId><ApplicationData><notes:Subject>{subject}</notes:Subject></ApplicationData></Change></Commands>"
            )
        };
        one.says("Sync", &collection(&keys[0], "10", &change("first")));
        two.says("Sync", &collection(&keys[1], "10", &change("second")))
    };
    let server = run("");
    assert!(
        server.contains("<Status>7</Status></Change></Responses>"),
        "{server}"
    );
    assert!(
        server.contains("<notes:Subject>first</notes:Subject>"),
        "{server}"
    );
    let client = run("<Options><Conflict>0</Conflict></Options>");
    assert!(!client.contains("Responses"), "{client}");
}

#[test]
fn statuses_of_the_whole() {
    let house = House::new();
    let phone = house.phone(Version::V14_1);
    let check = |document: &str, expect: &str| phone.check("Sync", document, expect);
    let status = |n: u16| format!("<Sync><Status>{n}</Status></Sync>");
    // An unknown folder, and none at all.
    check(&collection("0", "99", ""), &status(12));
    check(&collection("0", "x", ""), &status(12));
    check("<Sync><Partial/></Sync>", &status(4));
    check(
        "<Sync><Wait>5</Wait><HeartbeatInterval>60</HeartbeatInterval></Sync>",
        &status(4),
    );
    check(
        "<Sync><Collections><Collection><CollectionId>2</CollectionId></Collection></Collections></Sync>",
        &status(4),
    );
    check("", &status(13));
    check(
        "<Sync><Partial/><WindowSize>5</WindowSize></Sync>",
        &status(13),
    );
    let limit =
        |n: u16, limit: u32| format!("<Sync><Status>{n}</Status><Limit>{limit}</Limit></Sync>");
    for (wait, expect) in [
        ("<Wait>0</Wait>", limit(14, 1)),
        ("<Wait>60</Wait>", limit(14, 59)),
        ("<HeartbeatInterval>-1</HeartbeatInterval>", limit(14, 60)),
        (
            "<HeartbeatInterval>3541</HeartbeatInterval>",
            limit(14, 3540),
        ),
    ] {
        check(
            &collection("1", "2", "").replace("</Sync>", &format!("{wait}</Sync>")),
            &expect,
        );
    }
    let many =
        "<Collection><SyncKey>0</SyncKey><CollectionId>2</CollectionId></Collection>".repeat(101);
    check(
        &format!("<Sync><Collections>{many}</Collections></Sync>"),
        &limit(15, 100),
    );
}

/// A fuzzer's find: the collection of a partial request was given the latest key where its own could not
/// be read, and its Adds were carried out, again with each repetition.
#[test]
fn a_partial_request_brings_its_own_keys() {
    let house = House::new();
    let phone = house.phone(Version::V14_1);
    let (mails, contacts) = (prime(&phone, "2"), prime(&phone, "10"));
    let both = format!(
        "<Sync><Collections><Collection><SyncKey>{mails}</SyncKey><CollectionId>2</CollectionId></Collection>\
         <Collection><SyncKey>{contacts}</SyncKey><CollectionId>10</CollectionId></Collection></Collections></Sync>"
    );
    phone.says("Sync", &both);
    let add = "<Commands><Add><ClientId>c</ClientId><ApplicationData><contacts:FirstName>a</contacts:FirstName></ApplicationData></Add></Commands>";
    let partial = |key: &str| collection(key, "10", add).replace("<Sync>", "<Sync><Partial/>");
    let unknown = "<Sync><Collections><Collection><SyncKey>0</SyncKey><CollectionId>10</CollectionId><Status>3</Status></Collection></Collections></Sync>";
    phone.check("Sync", &partial("rubbish"), unknown);
    phone.check("Sync", &partial("rubbish"), unknown);
    let added = phone.says("Sync", &partial(&contacts));
    assert!(added.contains("<ServerId>10:1</ServerId>"), "{added}");
    assert_eq!(phone.says("Sync", &partial(&contacts)), added);
}

#[test]
fn statuses_of_a_collection() {
    let house = House::new();
    let phone = house.phone(Version::V14_1);
    let unknown = "<Sync><Collections><Collection><SyncKey>0</SyncKey><CollectionId>10</CollectionId><Status>3</Status></Collection></Collections></Sync>";
    phone.check("Sync", &collection("77", "10", ""), unknown);
    phone.check("Sync", &collection("rubbish", "10", ""), unknown);
    let key = prime(&phone, "2");
    let options = "<Options><FilterType>6</FilterType></Options>";
    let answer = phone.says("Sync", &collection(&key, "2", options));
    // The key stands: it was the filter that is wrong.
    let refused = answered(&key, "2", "").replace("<Status>1<", "<Status>4<");
    assert_eq!(answer, refused);
    let gone = "<Commands><Change><ServerId>2:99</ServerId><ApplicationData><email:Read>1</email:Read></ApplicationData></Change><Delete><ServerId>2:99</ServerId></Delete><Fetch><ServerId>2:99</ServerId></Fetch></Commands>";
    let answer = phone.says("Sync", &collection(&key, "2", gone));
    assert_eq!(answer.matches("<Status>8</Status>").count(), 3, "{answer}");
    let mail = "<Commands><Add><ClientId>c</ClientId><ApplicationData><email:Subject>s</email:Subject></ApplicationData></Add></Commands>";
    let answer = phone.says("Sync", &collection(&key_of(&answer), "2", mail));
    assert!(
        answer.contains("<Add><ClientId>c</ClientId><Status>6</Status></Add>"),
        "{answer}"
    );
}

#[test]
fn an_answer_that_refuses_something_has_a_key_of_its_own() {
    let house = House::new();
    let phone = house.phone(Version::V14_1);
    let key = prime(&phone, "10");
    for command in ["Change", "Delete"] {
        let data = if command == "Change" { NOTE } else { "" };
        let named = "<ServerId>10:99</ServerId>";
        let commands = format!("<Commands><{command}>{named}{data}</{command}></Commands>");
        let key = if command == "Change" { &key } else { "2" };
        let answer = phone.says("Sync", &collection(key, "10", &commands));
        let gone =
            format!("<Responses><{command}>{named}<Status>8</Status></{command}></Responses>");
        assert_eq!(answer, answered(&key_of(&answer), "10", &gone));
        assert_ne!(&key_of(&answer), key);
        // Its repetition is answered alike.
        assert_eq!(
            phone.says("Sync", &collection(key, "10", &commands)),
            answer
        );
    }
}

#[test]
fn deleted_mail_moves_unless_it_is_to_go() {
    let house = House::new();
    for (element, expect) in [
        ("", 1),
        ("<DeletesAsMoves/>", 2),
        ("<DeletesAsMoves>0</DeletesAsMoves>", 2),
    ] {
        let id = house.mail("From: a@example.org\nSubject: s\n\ntext\n");
        let phone = house.phone(Version::V14_1);
        let key = prime(&phone, "2");
        let key = key_of(&phone.says("Sync", &collection(&key, "2", "")));
        let delete =
            format!("{element}<Commands><Delete><ServerId>2:{id}</ServerId></Delete></Commands>");
        phone.says("Sync", &collection(&key, "2", &delete));
        let scope = house.account("alice").scope;
        let count = house
            .eas
            .mailbox()
            .count_items(scope, FolderId::DELETED, 10);
        assert_eq!(crate::work::block_on(count), Ok(expect), "{element}");
    }
}

#[test]
fn an_empty_request_means_the_last_one() {
    let house = House::new();
    let phone = house.phone(Version::V12_1);
    let key = prime(&phone, "2");
    phone.check("Sync", "", "<Sync><Status>13</Status></Sync>");
    phone.check("Sync", &collection(&key, "2", ""), "");
    phone.check("Sync", "", "");
    let id = house.mail("From: a@example.org\nSubject: hello\n\ntext\n");
    let answer = phone.says("Sync", "");
    assert!(
        answer.contains(&format!("<ServerId>2:{id}</ServerId>")),
        "{answer}"
    );
    // The key has moved on with the answer.
    phone.check("Sync", "", "");
}

#[test]
fn up_to_12_0_nothing_new_is_said_in_full() {
    let house = House::new();
    let phone = house.phone(Version::V2_5);
    let key = prime(&phone, "2");
    let expect = answered(&key, "2", "").replace("<SyncKey>", "<Class>Email</Class><SyncKey>");
    let request = collection(&key, "2", "").replace("<SyncKey>", "<Class>Email</Class><SyncKey>");
    phone.check("Sync", &request, &expect);
}

#[test]
fn waiting_ends_with_the_mail() {
    let house = House::new();
    let phone = house.phone(Version::V14_1);
    let _ = phone.says("FolderSync", "<folderhierarchy:FolderSync><folderhierarchy:SyncKey>0</folderhierarchy:SyncKey></folderhierarchy:FolderSync>");
    let key = prime(&phone, "2");
    let request = collection(&key, "2", "").replace(
        "</Sync>",
        "<HeartbeatInterval>60</HeartbeatInterval></Sync>",
    );
    let parked = phone.parks("Sync", &request);
    assert!((56_000..=60_000).contains(&parked.deadline_ms()));
    // Woken by something else: it waits on.
    let Outcome::Park(parked) = house.resume(parked, Why::Woken) else {
        panic!("answered")
    };
    house.mail("From: a@example.org\nSubject: hello\n\ntext\n");
    assert_eq!(house.told(&parked).as_deref(), Some("resume"));
    let Outcome::Answer(answer) = house.resume(parked, Why::Woken) else {
        panic!("parked")
    };
    assert!(
        shown(&answer).contains("<email:Subject>hello</email:Subject>"),
        "{}",
        shown(&answer)
    );
}

#[test]
fn waiting_ends_with_the_time_or_with_a_newer_request() {
    let house = House::new();
    let phone = house.phone(Version::V14_1);
    let key = prime(&phone, "2");
    let request = collection(&key, "2", "").replace("</Sync>", "<Wait>1</Wait></Sync>");
    let parked = phone.parks("Sync", &request);
    let Outcome::Answer(answer) = house.resume(parked, Why::Expired) else {
        panic!("parked")
    };
    assert_eq!(shown(&answer), "");
    let older = phone.parks("Sync", &request);
    let _newer = phone.parks("Sync", &request);
    let Outcome::Answer(answer) = house.resume(older, Why::Woken) else {
        panic!("parked")
    };
    assert_eq!(shown(&answer), "");
}

#[test]
fn a_changed_hierarchy_ends_the_waiting_with_12() {
    let house = House::new();
    let phone = house.phone(Version::V14_1);
    let _ = phone.says("FolderSync", "<folderhierarchy:FolderSync><folderhierarchy:SyncKey>0</folderhierarchy:SyncKey></folderhierarchy:FolderSync>");
    let key = prime(&phone, "2");
    let request = collection(&key, "2", "").replace("</Sync>", "<Wait>1</Wait></Sync>");
    let parked = phone.parks("Sync", &request);
    let scope = house.account("alice").scope;
    let made = house.eas.mailbox().create_folder(
        scope,
        FolderId::ROOT,
        "New",
        crate::mailbox::FolderKind::UserMail,
    );
    crate::work::block_on(made).unwrap();
    let Outcome::Answer(answer) = house.resume(parked, Why::Woken) else {
        panic!("parked")
    };
    assert_eq!(shown(&answer), "<Sync><Status>12</Status></Sync>");
}

#[test]
fn drafts_are_kept_edited_and_sent() {
    let house = House::new();
    let phone = house.phone(Version::V16_0);
    let key = prime(&phone, "3");
    let add = |rest: &str| {
        format!(
            "<Commands><Add><ClientId>c1</ClientId><ApplicationData>{rest}</ApplicationData></Add></Commands>"
        )
    };
    let content = "<email:To>bob@example.org</email:To><email:Subject>later</email:Subject><airsyncbase:Body><airsyncbase:Type>1</airsyncbase:Type><airsyncbase:Data>first text</airsyncbase:Data></airsyncbase:Body>";
    let made = phone.says("Sync", &collection(&key, "3", &add(content)));
    assert!(
        made.contains("<ServerId>3:1</ServerId><Status>1</Status>"),
        "{made}"
    );
    let other = Phone {
        device: "phone2".into(),
        ..phone.clone()
    };
    let other_key = prime(&other, "3");
    let seen = other.says("Sync", &collection(&other_key, "3", "<Options><airsyncbase:BodyPreference><airsyncbase:Type>1</airsyncbase:Type></airsyncbase:BodyPreference></Options>"));
    assert!(
        seen.contains("first text") && seen.contains("<email2:IsDraft>1<"),
        "{seen}"
    );
    let change = |rest: &str| {
        format!("<Commands><Change><ServerId>3:1</ServerId>{rest}</Change></Commands>")
    };
    let edited = "<ApplicationData><email:Subject>sooner</email:Subject></ApplicationData>";
    phone.check(
        "Sync",
        &collection("2", "3", &change(edited)),
        &answered("3", "3", ""),
    );
    let sent = phone.says("Sync", &collection("3", "3", &change("<email2:Send/>")));
    assert!(
        sent.contains("<Delete><ServerId>3:1</ServerId></Delete>"),
        "{sent}"
    );
    let bob = Phone {
        user: "bob",
        ..phone.clone()
    };
    let key = prime(&bob, "2");
    let got = bob.says("Sync", &collection(&key, "2", "<Options><airsyncbase:BodyPreference><airsyncbase:Type>1</airsyncbase:Type></airsyncbase:BodyPreference></Options>"));
    assert!(
        got.contains("sooner") && got.contains("first text"),
        "{got}"
    );
    // A new one that goes out at once is never in Drafts.
    let send = add(content)
        .replace("</Add>", "<email2:Send/></Add>")
        .replace("c1", "c2");
    let at_once = phone.says("Sync", &collection(&key_of(&sent), "3", &send));
    assert!(
        at_once.contains("<ClientId>c2</ClientId><Status>1</Status>"),
        "{at_once}"
    );
    let scope = house.account("bob").scope;
    let count = house.eas.mailbox().count_items(scope, FolderId::INBOX, 10);
    assert_eq!(crate::work::block_on(count), Ok(2));
    let nobody = add("<email:Subject>s</email:Subject>")
        .replace("</Add>", "<email2:Send/></Add>")
        .replace("c1", "c3");
    let refused = phone.says("Sync", &collection(&key_of(&at_once), "3", &nobody));
    assert!(
        refused.contains("<ClientId>c3</ClientId><Status>183</Status>"),
        "{refused}"
    );
}

#[test]
fn as_many_commands_as_the_version_allows() {
    let house = House::new();
    let adds: String = (0..limits::SYNC_COMMANDS_OLD_MAX)
        .map(|n| format!("<Add><ClientId>{n:064}</ClientId>{NOTE}</Add>"))
        .collect();
    let adds = format!("<Commands>{adds}</Commands>");
    let phone = house.phone(Version::V14_0);
    let key = prime(&phone, "10");
    let answer = phone.says("Sync", &collection(&key, "10", &adds));
    let done = answer.matches("<Status>1</Status></Add>").count();
    assert_eq!(done, limits::SYNC_COMMANDS_OLD_MAX);
    let newer = house.phone(Version::V14_1);
    newer.check(
        "Sync",
        &collection(&key_of(&answer), "10", &adds),
        "<Sync><Status>4</Status></Sync>",
    );
}

#[test]
fn what_is_fetched_comes_whole() {
    let house = House::new();
    let id = house.mail("From: a@example.org\nSubject: s\n\none two three\n");
    let fetch = format!("<Commands><Fetch><ServerId>2:{id}</ServerId></Fetch></Commands>");
    let new = "<Options><airsyncbase:BodyPreference><airsyncbase:Type>1</airsyncbase:Type><airsyncbase:TruncationSize>3</airsyncbase:TruncationSize></airsyncbase:BodyPreference></Options>";
    let old = "<Options><Truncation>0</Truncation></Options>";
    for (version, options) in [(Version::V12_1, new), (Version::V2_5, old)] {
        let phone = Phone {
            device: format!("d{}", version.tens()),
            ..house.phone(version)
        };
        let key = prime(&phone, "2");
        let cut = phone.says("Sync", &collection(&key, "2", options));
        assert!(!cut.contains("three"), "{cut}");
        let whole = phone.says("Sync", &collection(&key_of(&cut), "2", &fetch));
        assert!(whole.contains("one two three"), "{whole}");
    }
}

#[test]
fn fetches_do_not_fill_the_memory() {
    let house = House::new();
    let text = "0123456789abcdef\n".repeat(limits::SYNC_FETCH_BYTES_MAX / 16);
    let id = house.mail(&format!("From: a@example.org\nSubject: s\n\n{text}"));
    let phone = house.phone(Version::V14_1);
    let key = prime(&phone, "2");
    let fetch = format!("<Fetch><ServerId>2:{id}</ServerId></Fetch>").repeat(2);
    let options = "<GetChanges>0</GetChanges><Options><airsyncbase:BodyPreference><airsyncbase:Type>1</airsyncbase:Type></airsyncbase:BodyPreference></Options>";
    let rest = format!("{options}<Commands>{fetch}</Commands>");
    let answer = phone.says("Sync", &collection(&key, "2", &rest));
    let statuses: Vec<_> = [
        "<Status>1</Status><ApplicationData>",
        "<Status>9</Status></Fetch>",
    ]
    .map(|s| answer.matches(s).count())
    .into();
    assert_eq!(statuses, [1, 1]);
}

#[test]
fn attachments_that_are_not_sent_take_no_room() {
    let house = House::new();
    let file = "QUJDREVGR0hJSktM\n".repeat(3 * 1024 * 1024 / 16);
    let mail = format!(
        "From: a@example.org\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n\n<b>hello</b>\n--b\nContent-Type: application/pdf\nContent-Disposition: attachment; filename=f.pdf\nContent-Transfer-Encoding: base64\n\n{file}--b--\n"
    );
    house.mail(&mail);
    house.mail(&mail.replace("hello", "hello again"));
    let phone = house.phone(Version::V14_1);
    let key = prime(&phone, "2");
    let options = "<Options><airsyncbase:BodyPreference><airsyncbase:Type>2</airsyncbase:Type></airsyncbase:BodyPreference></Options>";
    let answer = phone.says("Sync", &collection(&key, "2", options));
    assert_eq!(answer.matches("hello").count(), 2, "{answer}");
    assert!(!answer.contains("MoreAvailable"), "{answer}");
}

#[test]
fn who_was_locked_out_meanwhile_is_told_nothing() {
    let house = House::new();
    let phone = house.phone(Version::V14_1);
    phone.says("FolderSync", "");
    let scope = house.account("alice").scope;
    let change = |access, wipe| {
        let number = phone.device_row().number;
        let changed = house.eas.mailbox().change_device(scope, number, |d| {
            (d.access, d.wipe) = (access, wipe);
        });
        crate::work::block_on(changed).unwrap();
    };
    for (access, wipe, expect) in [
        (
            Access::Blocked,
            Wipe::None,
            "<Sync><Status>129</Status></Sync>",
        ),
        (Access::Allowed, Wipe::Device, "449"),
    ] {
        house.mail("From: a@example.org\nSubject: first\n\ntext\n");
        let key = prime(&phone, "2");
        let key = key_of(&phone.says("Sync", &collection(&key, "2", "")));
        let request = collection(&key, "2", "").replace("</Sync>", "<Wait>1</Wait></Sync>");
        let parked = phone.parks("Sync", &request);
        house.mail("From: a@example.org\nSubject: secret\n\ntext\n");
        change(access, wipe);
        let Outcome::Answer(answer) = house.resume(parked, Why::Woken) else {
            panic!("parked")
        };
        assert_eq!(shown(&answer), expect);
        change(Access::Allowed, Wipe::None);
    }
}

#[test]
fn a_change_of_a_mail_says_what_has_changed() {
    let house = House::new();
    let id = house.mail("From: a@example.org\nSubject: s\n\ntext\n");
    let one = house.phone(Version::V14_1);
    let two = Phone {
        device: "phone2".into(),
        ..one.clone()
    };
    let mut keys = Vec::new();
    for phone in [&one, &two] {
        let key = prime(phone, "2");
        keys.push(key_of(&phone.says("Sync", &collection(&key, "2", ""))));
    }
    let read = format!(
        "<Commands><Change><ServerId>2:{id}</ServerId><ApplicationData><email:Read>1</email:Read></ApplicationData></Change></Commands>"
    );
    one.says("Sync", &collection(&keys[0], "2", &read));
    let part = "<ApplicationData><email:Read>1</email:Read><email:Flag/><email:Categories/><email2:LastVerbExecuted>0</email2:LastVerbExecuted></ApplicationData>";
    let change = format!("<Commands><Change><ServerId>2:{id}</ServerId>{part}</Change></Commands>");
    two.check(
        "Sync",
        &collection(&keys[1], "2", ""),
        &answered("3", "2", &change),
    );
}

#[test]
fn what_comes_goes_to_the_newer_of_two_requests() {
    let house = House::new();
    let phone = house.phone(Version::V14_1);
    let key = prime(&phone, "2");
    let request = collection(&key, "2", "").replace("</Sync>", "<Wait>1</Wait></Sync>");
    let older = phone.parks("Sync", &request);
    let newer = phone.parks("Sync", &request);
    house.mail("From: a@example.org\nSubject: hello\n\ntext\n");
    let said = |parked| match house.resume(parked, Why::Woken) {
        Outcome::Answer(answer) => shown(&answer),
        Outcome::Park(_) => panic!("parked"),
    };
    assert_eq!(said(older), "");
    let answer = said(newer);
    assert!(answer.contains("hello"), "{answer}");
    assert_eq!(key_of(&answer), "2");
}

/// An Add whose answer was lost, and which says something else when it is repeated: whatever others did
/// to the item meanwhile, a ServerId goes with success.
#[test]
fn an_edited_add_is_answered_with_an_item_whatever_others_did() {
    let other_did = [
        (
            "<Delete><ServerId>10:1</ServerId></Delete>",
            "10:2",
            "mine, edited",
        ),
        (
            "<Change><ServerId>10:1</ServerId><ApplicationData><notes:Subject>theirs</notes:Subject></ApplicationData></Change>",
            "10:1",
            "theirs",
        ),
    ];
    for (command, id, subject) in other_did {
        let house = House::new();
        let phone = house.phone(Version::V14_1);
        let other = Phone {
            device: "phone2".into(),
            ..phone.clone()
        };
        let sync = |phone: &Phone<'_>, key: &str, rest: &str| {
            phone.says("Sync", &format!("<Sync><Collections><Collection><SyncKey>{key}</SyncKey><CollectionId>10</CollectionId>{rest}</Collection></Collections></Sync>"))
        };
        let add = |subject: &str| {
            format!(
                "<Commands><Add><ClientId>c1</ClientId><ApplicationData><notes:Subject>{subject}</notes:Subject></ApplicationData></Add></Commands>"
            )
        };
        sync(&phone, "0", "");
        sync(&phone, "1", &add("mine"));
        sync(&other, "0", "");
        sync(&other, "1", "");
        sync(&other, "2", &format!("<Commands>{command}</Commands>"));
        let answer = sync(&phone, "1", &add("mine, edited"));
        let expect = format!(
            "<Add><ClientId>c1</ClientId><ServerId>{id}</ServerId><Status>1</Status></Add>"
        );
        assert!(answer.contains(&expect), "{answer}");
        let third = Phone {
            device: "phone3".into(),
            ..phone.clone()
        };
        sync(&third, "0", "");
        let all = sync(&third, "1", "");
        assert_eq!(all.matches("<Add>").count(), 1, "{all}");
        assert!(all.contains(&format!("<notes:Subject>{subject}<")), "{all}");
    }
}
