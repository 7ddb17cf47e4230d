//! The device against answers made by hand: what it takes, and what it trips over.

use crate::check::WBXML;
use crate::tree::{empty, node, text};
use crate::*;
use roost::wbxml::Tag;
use roost::wbxml::tags::{
    airsync as a, email, folderhierarchy as fh, moves, ping, provision as pv,
};

fn device(version: Version) -> Device {
    Device::new(Identity {
        user: "alice".to_owned(),
        password: "secret".to_owned(),
        device_id: "ROOST1".to_owned(),
        version,
        form: QueryForm::Plain,
        profile: profile::PLAIN,
    })
}

fn wbxml(root: &Node) -> Answer {
    let headers = vec![("Content-Type".to_owned(), WBXML.to_owned())];
    Answer {
        status: 200,
        headers,
        body: root.encode(),
    }
}

fn nothing() -> Answer {
    Answer {
        status: 200,
        ..Answer::default()
    }
}

fn ask(device: &mut Device, operation: Operation, root: &Node) -> Result<Outcome, Violation> {
    device.request(operation);
    device.answer(&wbxml(root))
}

fn hierarchy(count: u32, folders: &[(&str, u32)]) -> Node {
    let add = |(id, kind): &(&str, u32)| {
        let name = text(fh::DISPLAY_NAME, format!("Folder {id}"));
        let kind = text(fh::TYPE, kind.to_string());
        node(
            fh::ADD,
            vec![
                text(fh::SERVER_ID, *id),
                text(fh::PARENT_ID, "0"),
                name,
                kind,
            ],
        )
    };
    let mut changes = vec![text(fh::COUNT, count.to_string())];
    changes.extend(folders.iter().map(add));
    let changes = node(fh::CHANGES, changes);
    node(
        fh::FOLDER_SYNC,
        vec![text(fh::STATUS, "1"), text(fh::SYNC_KEY, "1"), changes],
    )
}

const FOLDERS: [(&str, u32); 6] = [("2", 2), ("4", 4), ("5", 5), ("7", 7), ("8", 8), ("9", 9)];

/// A device with its folders and a primed Inbox.
fn primed(version: Version) -> Device {
    let mut device = device(version);
    ask(&mut device, Operation::FolderSync, &hierarchy(6, &FOLDERS)).unwrap();
    let first = sync(version, "1", vec![]);
    ask(&mut device, inbox(vec![]), &first).unwrap();
    assert_eq!(device.collections["2"].key, "1");
    device
}

fn inbox(commands: Vec<SyncCommand>) -> Operation {
    let inbox = SyncCollection {
        id: "2".to_owned(),
        commands,
        ..SyncCollection::default()
    };
    Operation::Sync(Sync {
        collections: vec![inbox],
        ..Sync::default()
    })
}

fn sync(version: Version, key: &str, rest: Vec<Node>) -> Node {
    let mut children = Vec::new();
    if version <= Version::V12_0 {
        children.push(text(a::CLASS, "Email"));
    }
    children.push(text(a::SYNC_KEY, key));
    children.push(text(a::COLLECTION_ID, "2"));
    children.push(text(a::STATUS, "1"));
    children.extend(rest);
    node(
        a::SYNC,
        vec![node(a::COLLECTIONS, vec![node(a::COLLECTION, children)])],
    )
}

fn command(tag: Tag, id: &str, properties: Vec<Node>) -> Node {
    let mut children = vec![text(a::SERVER_ID, id)];
    if !properties.is_empty() {
        children.push(node(a::APPLICATION_DATA, properties));
    }
    node(tag, children)
}

fn add(id: &str, subject: &str) -> Node {
    command(
        a::ADD,
        id,
        vec![text(email::SUBJECT, subject), text(email::READ, "0")],
    )
}

fn commands(commands: Vec<Node>) -> Vec<Node> {
    vec![node(a::COMMANDS, commands)]
}

#[test]
fn options_lists_versions_in_the_order_that_clients_need() {
    let mut device = device(Version::V14_1);
    let listed = |versions: &str| Answer {
        status: 200,
        headers: vec![
            ("MS-ASProtocolVersions".to_owned(), versions.to_owned()),
            ("MS-ASProtocolCommands".to_owned(), "Sync,Ping".to_owned()),
        ],
        body: Vec::new(),
    };
    let request = device.request(Operation::Options);
    assert_eq!(
        (request.method, request.target.as_str()),
        ("OPTIONS", "/Microsoft-Server-ActiveSync")
    );
    assert!(device.answer(&listed("2.5,12.0,14.1")).is_ok());
    assert_eq!(
        device.versions,
        [Version::V2_5, Version::V12_0, Version::V14_1]
    );
    for wrong in ["14.1,2.5", "2.5, 14.1", ""] {
        device.request(Operation::Options);
        assert!(device.answer(&listed(wrong)).is_err(), "{wrong}");
    }
}

#[test]
fn a_lost_answer_is_asked_for_again_byte_for_byte() {
    let mut device = primed(Version::V14_1);
    let add = SyncCommand::Add {
        client_id: "c1".to_owned(),
        properties: vec![],
    };
    let request = device.request(inbox(vec![add]));
    assert_eq!(device.repeat(), Some(request));
}

#[test]
fn mails_come_change_and_go() {
    for version in Version::ALL {
        let mut device = primed(version);
        let came = sync(
            version,
            "2",
            commands(vec![add("2:1", "one"), add("2:2", "two")]),
        );
        let outcome = ask(&mut device, inbox(vec![]), &came).unwrap();
        assert_eq!((outcome.added.len(), device.count(Class::Email)), (2, 2));
        let read = command(a::CHANGE, "2:1", vec![text(email::READ, "1")]);
        let gone = command(a::DELETE, "2:2", vec![]);
        let answer = sync(version, "3", commands(vec![read, gone]));
        ask(&mut device, inbox(vec![]), &answer).unwrap();
        let item = &device.collections["2"].items["2:1"];
        assert_eq!(
            (item.text(email::SUBJECT), item.text(email::READ)),
            (Some("one"), Some("1"))
        );
        assert_eq!(device.count(Class::Email), 1);
    }
}

#[test]
fn what_loses_or_doubles_items_is_a_breach() {
    let v = Version::V14_1;
    let mut device = primed(v);
    ask(
        &mut device,
        inbox(vec![]),
        &sync(v, "2", commands(vec![add("2:1", "one")])),
    )
    .unwrap();
    let check = |answer: Node| {
        let mut device = device.clone();
        ask(&mut device, inbox(vec![]), &answer).unwrap_err()
    };
    let twice = check(sync(v, "3", commands(vec![add("2:1", "again")])));
    assert_eq!(twice, Violation::AddedTwice("2:1".to_owned()));
    let unknown = command(a::CHANGE, "2:9", vec![text(email::READ, "1")]);
    let unknown = check(sync(v, "3", commands(vec![unknown])));
    assert_eq!(unknown, Violation::Unknown("2:9".to_owned(), a::CHANGE));
    let unknown = check(sync(
        v,
        "3",
        commands(vec![command(a::DELETE, "2:9", vec![])]),
    ));
    assert_eq!(unknown, Violation::Unknown("2:9".to_owned(), a::DELETE));
    let same = check(sync(v, "2", commands(vec![add("2:2", "two")])));
    assert_eq!(
        same,
        Violation::KeyUnchanged("2".to_owned(), "2".to_owned())
    );
    let many = (0..101)
        .map(|i| add(&format!("2:{}", i + 10), "x"))
        .collect();
    assert_eq!(
        check(sync(v, "3", commands(many))),
        Violation::Window("2".to_owned(), 101, 100)
    );
}

#[test]
fn order_and_status_are_required() {
    let v = Version::V14_1;
    let mut device = primed(v);
    let children = |tags: &[(Tag, &str)]| {
        let children = tags.iter().map(|(tag, value)| text(*tag, *value)).collect();
        node(
            a::SYNC,
            vec![node(a::COLLECTIONS, vec![node(a::COLLECTION, children)])],
        )
    };
    let swapped = children(&[
        (a::STATUS, "1"),
        (a::SYNC_KEY, "2"),
        (a::COLLECTION_ID, "2"),
    ]);
    let wrong = ask(&mut device.clone(), inbox(vec![]), &swapped);
    assert_eq!(
        wrong,
        Err(Violation::Misplaced {
            parent: a::COLLECTION,
            child: a::SYNC_KEY
        })
    );
    let silent = children(&[(a::SYNC_KEY, "2"), (a::COLLECTION_ID, "2")]);
    let wrong = ask(&mut device, inbox(vec![]), &silent);
    assert_eq!(
        wrong,
        Err(Violation::Missing {
            parent: a::COLLECTION,
            child: a::STATUS
        })
    );
}

#[test]
fn own_changes_are_answered_as_the_protocol_says() {
    let v = Version::V16_1;
    let mut device = primed(v);
    let new = SyncCommand::Add {
        client_id: "c1".to_owned(),
        properties: vec![text(email::SUBJECT, "mine")],
    };
    let response = |children: Vec<Node>| vec![node(a::RESPONSES, vec![node(a::ADD, children)])];
    let (client, id) = (text(a::CLIENT_ID, "c1"), text(a::SERVER_ID, "2:1"));
    let good = response(vec![client.clone(), id, text(a::STATUS, "1")]);
    let outcome = ask(
        &mut device.clone(),
        inbox(vec![new.clone()]),
        &sync(v, "2", good),
    )
    .unwrap();
    assert_eq!(outcome.responses[0].id.as_deref(), Some("2:1"));
    let nameless = response(vec![client, text(a::STATUS, "1")]);
    for wrong in [nameless, vec![]] {
        let wrong = ask(
            &mut device.clone(),
            inbox(vec![new.clone()]),
            &sync(v, "2", wrong),
        );
        assert!(matches!(wrong, Err(Violation::Response(..))), "{wrong:?}");
    }
    device.request(inbox(vec![new]));
    assert_eq!(
        device.answer(&nothing()),
        Err(Violation::EmptyAnswer(Command::Sync))
    );
}

#[test]
fn an_empty_sync_answer_needs_12_1() {
    for version in Version::ALL {
        let mut device = primed(version);
        device.request(inbox(vec![]));
        assert_eq!(device.answer(&nothing()).is_ok(), version >= Version::V12_1);
    }
}

#[test]
fn an_unknown_key_starts_the_collection_over() {
    let mut device = primed(Version::V12_1);
    let children = vec![text(a::COLLECTION_ID, "2"), text(a::STATUS, "3")];
    let answer = node(
        a::SYNC,
        vec![node(a::COLLECTIONS, vec![node(a::COLLECTION, children)])],
    );
    ask(&mut device, inbox(vec![]), &answer).unwrap();
    assert_eq!(device.collections["2"].key, "0");
}

#[test]
fn hierarchies_are_counted_and_whole() {
    let check = |root: &Node| ask(&mut device(Version::V2_5), Operation::FolderSync, root);
    assert!(check(&hierarchy(6, &FOLDERS)).is_ok());
    assert_eq!(check(&hierarchy(7, &FOLDERS)), Err(Violation::Count(7, 6)));
    let mut folders = FOLDERS.to_vec();
    folders.push(("10", 10));
    assert!(matches!(
        check(&hierarchy(7, &folders)),
        Err(Violation::Folder(..))
    ));
    let two_inboxes = [&FOLDERS[..], &[("20", 2)]].concat();
    assert!(matches!(
        check(&hierarchy(7, &two_inboxes)),
        Err(Violation::Folder(..))
    ));
    assert!(matches!(
        check(&hierarchy(5, &FOLDERS[..5])),
        Err(Violation::Folder(..))
    ));
}

#[test]
fn provisioning_ends_in_another_key() {
    let mut device = device(Version::V12_1);
    device.request(Operation::FolderSync);
    let demand = Answer {
        status: 449,
        ..Answer::default()
    };
    assert!(device.answer(&demand).unwrap().provision_demanded());
    let answer = |key: &str, data: bool| {
        let mut policy = vec![
            text(pv::POLICY_TYPE, "MS-EAS-Provisioning-WBXML"),
            text(pv::STATUS, "1"),
            text(pv::POLICY_KEY, key),
        ];
        if data {
            policy.push(node(pv::DATA, vec![empty(pv::EAS_PROVISION_DOC)]));
        }
        let policies = node(pv::POLICIES, vec![node(pv::POLICY, policy)]);
        node(pv::PROVISION, vec![text(pv::STATUS, "1"), policies])
    };
    let no_key = ask(
        &mut device.clone(),
        Operation::Provision,
        &answer("0", true),
    );
    assert_eq!(no_key, Err(Violation::PolicyKey("0".to_owned())));
    ask(&mut device, Operation::Provision, &answer("7", true)).unwrap();
    assert_eq!(device.policy, Policy::Offered(7));
    ask(&mut device, Operation::Provision, &answer("8", false)).unwrap();
    assert_eq!(device.policy, Policy::Final(8));
    let request = device.request(Operation::FolderSync);
    assert!(
        request
            .headers
            .contains(&("X-MS-PolicyKey".to_owned(), "8".to_owned()))
    );
}

#[test]
fn pings_name_folders_that_were_watched() {
    let mut device = primed(Version::V14_1);
    let ping = |id: &str| {
        let folders = node(ping::FOLDERS, vec![text(ping::FOLDER, id)]);
        node(ping::PING, vec![text(ping::STATUS, "2"), folders])
    };
    let watch = Operation::Ping {
        folders: vec!["2".to_owned()],
        heartbeat_s: 60,
    };
    let wrong = ask(&mut device.clone(), watch.clone(), &ping("5"));
    assert_eq!(wrong, Err(Violation::Collection("5".to_owned())));
    let outcome = ask(&mut device, watch, &ping("2")).unwrap();
    assert_eq!(
        (outcome.folders, device.collections["2"].stale),
        (vec!["2".to_owned()], true)
    );
}

#[test]
fn a_moved_item_leaves_its_place_once() {
    let v = Version::V14_1;
    let mut device = primed(v);
    ask(
        &mut device,
        inbox(vec![]),
        &sync(v, "2", commands(vec![add("2:1", "one")])),
    )
    .unwrap();
    let moved = node(
        moves::RESPONSE,
        vec![
            text(moves::SRC_MSG_ID, "2:1"),
            text(moves::STATUS, "3"),
            text(moves::DST_MSG_ID, "4:1"),
        ],
    );
    let one = ("2:1".to_owned(), "2".to_owned(), "4".to_owned());
    let answer = node(moves::MOVE_ITEMS, vec![moved]);
    ask(&mut device, Operation::Move(vec![one]), &answer).unwrap();
    let gone = sync(v, "3", commands(vec![command(a::DELETE, "2:1", vec![])]));
    assert!(ask(&mut device, inbox(vec![]), &gone).is_ok());
    let again = sync(v, "4", commands(vec![command(a::DELETE, "2:1", vec![])]));
    assert!(ask(&mut device, inbox(vec![]), &again).is_err());
}

#[test]
fn a_phone_knows_what_comes_next() {
    let mut device = device(Version::V14_1);
    assert_eq!(device.next(), Some(Operation::Options));
    device.versions = vec![Version::V14_1];
    assert_eq!(device.next(), Some(Operation::FolderSync));
    device.policy = Policy::Wanted;
    assert_eq!(device.next(), Some(Operation::Provision));
    device.policy = Policy::None;
    ask(&mut device, Operation::FolderSync, &hierarchy(6, &FOLDERS)).unwrap();
    assert!(matches!(device.next(), Some(Operation::Sync(_))));
    for collection in device.collections.values_mut() {
        "1".clone_into(&mut collection.key);
        collection.stale = false;
    }
    assert_eq!(device.next(), None);
}

#[test]
fn a_tolerant_device_notes_what_phones_go_on_over_and_goes_on() {
    let version = Version::V14_1;
    let mut device = primed(version);
    device.tolerant = true;
    let class = text(a::CLASS, "Email");
    let told = vec![
        node(
            a::COMMANDS,
            vec![add("2:1", "one"), add("2:1", "one more"), add("2:2", "two")],
        ),
        class,
    ];
    let outcome = ask(&mut device, inbox(vec![]), &sync(version, "2", told)).unwrap();
    assert_eq!((outcome.added.len(), outcome.changed.len()), (2, 1));
    assert_eq!(device.collections["2"].key, "2");
    assert_eq!(device.collections["2"].items.len(), 2);
    let kinds: Vec<String> = device.breaches.iter().map(Violation::kind).collect();
    assert_eq!(
        kinds,
        [
            "airsync:Collection: airsync:Class may not stand here",
            "Add of an item that is here already",
        ]
    );
    let gone = commands(vec![
        command(a::DELETE, "2:9", vec![]),
        command(a::DELETE, "2:1", vec![]),
    ]);
    let outcome = ask(&mut device, inbox(vec![]), &sync(version, "3", gone)).unwrap();
    assert_eq!(outcome.removed, [("2".to_owned(), "2:1".to_owned())]);
    // What was asked for and is not answered is not done.
    device.request(inbox(vec![SyncCommand::Delete {
        id: "2:2".to_owned(),
    }]));
    let outcome = device.answer(&nothing()).unwrap();
    assert!(outcome.collections.is_empty());
    assert_eq!(device.collections["2"].items.len(), 1);
    assert_eq!(device.breaches.len(), 4);
}

#[test]
fn without_a_key_or_an_inbox_a_tolerant_device_cannot_go_on_either() {
    let mut device = primed(Version::V14_1);
    device.tolerant = true;
    let keyless = ask(
        &mut device,
        inbox(vec![]),
        &sync(Version::V14_1, "0", vec![]),
    );
    assert!(matches!(keyless, Err(Violation::KeyUnchanged(..))));
    let mut device = self::device(Version::V14_1);
    device.tolerant = true;
    let lacks = ask(
        &mut device,
        Operation::FolderSync,
        &hierarchy(1, &FOLDERS[1..2]),
    );
    assert!(matches!(lacks, Err(Violation::Folder(..))));
}

#[test]
fn a_server_without_policies_is_asked_once() {
    let mut device = device(Version::V12_1);
    device.policy = Policy::Wanted;
    let none = node(pv::PROVISION, vec![text(pv::STATUS, "2")]);
    ask(&mut device, Operation::Provision, &none).unwrap();
    assert_eq!(device.policy, Policy::None);
}
