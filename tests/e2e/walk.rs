//! A device's day at each version and with both forms of the query: from OPTIONS to a Ping that a
//! delivery wakes.

mod answers;

use super::house::House;
use super::lmtp;
use super::phone::{Phone, changes};
use super::samples::{self, add, item, mail, own_classes, title};
use super::wire;
use roost::wbxml::tags::{airsyncbase, contacts, email, tasks};
use roost_load::tree::text;
use roost_load::{
    Class, Fetch, Operation, Policy, Profile, QueryForm, Sync, SyncCollection, SyncCommand,
    Version, Wait, profile,
};

const ALICE: &str = "alice@example.org";
const BOB: &str = "bob@example.org";
const INBOX: u32 = 2;
const DRAFTS: u32 = 3;
const DELETED: u32 = 4;

macro_rules! walks {
    ($($name:ident: $version:ident $form:ident $profile:ident,)*) => {
        $(#[test]
        fn $name() {
            walk(Version::$version, QueryForm::$form, &profile::$profile);
        })*
    };
}

walks! {
    v2_5: V2_5 Plain WINDOWS_MOBILE,
    v12_0: V12_0 Plain ANDROID,
    v12_1: V12_1 Plain WINDOWS_MOBILE,
    v12_1_base64: V12_1 Base64 IPHONE,
    v14_0: V14_0 Plain TBSYNC,
    v14_0_base64: V14_0 Base64 OUTLOOK,
    v14_1: V14_1 Plain ANDROID,
    v14_1_base64: V14_1 Base64 PLAIN,
    v16_0: V16_0 Plain IPHONE,
    v16_0_base64: V16_0 Base64 IPHONE,
    v16_1: V16_1 Plain PLAIN,
    v16_1_base64: V16_1 Base64 IPHONE,
}

/// A house, and the devices in it.
struct Day {
    house: House,
    version: Version,
    /// Alice's phone, which is under test.
    phone: Phone,
    /// Her other device.
    tablet: Phone,
    /// Somebody else's.
    bob: Phone,
}

fn walk(version: Version, form: QueryForm, profile: &Profile) {
    let house = House::with_users(&[ALICE, BOB]);
    let phone = Phone::new(&house, ALICE, "WALKPHONE1", version, form, profile);
    let plain = QueryForm::Plain;
    let tablet = Phone::new(
        &house,
        ALICE,
        "WALKTABLET2",
        version,
        plain,
        &profile::PLAIN,
    );
    let bob = Phone::new(&house, BOB, "WALKPHONE1", version, form, profile);
    let mut day = Day {
        house,
        version,
        phone,
        tablet,
        bob,
    };
    day.first_contact();
    day.items_of_the_other_device();
    day.changes_go_both_ways();
    day.reads_and_deletes_mail();
    day.lost_answer();
    day.folders_and_moves();
    if version >= Version::V12_0 {
        day.fetches();
        day.properties();
        day.settings();
        day.absence();
    }
    day.hierarchy();
    day.meetings();
    if version >= Version::V14_0 {
        day.conversation();
    }
    day.mail_is_not_added();
    if version >= Version::V16_0 {
        day.drafts();
    }
    if version >= Version::V12_0 {
        day.searches();
    }
    day.directory_and_mail_out();
    day.ping_is_woken();
    if version >= Version::V12_1 {
        day.sync_is_woken();
    }
    day.tablet.look();
    day.phone.look();
    day.house.assert_well();
    let mut seen = day.phone.seen;
    seen.append(&mut day.tablet.seen);
    seen.append(&mut day.bob.seen);
    wire::check(&seen);
}

impl Day {
    fn first_contact(&mut self) {
        for n in 1..=12 {
            lmtp::deliver(self.house.lmtp, ALICE, &mail(&format!("Mail {n}")));
        }
        assert_eq!(self.phone.ask(Operation::Options).http, 200);
        assert_eq!(self.phone.device.versions, Version::ALL);
        for phase in [1, 2] {
            let outcome = self.phone.ask(Operation::Provision);
            assert!(outcome.ok(), "phase {phase}: {outcome:?}");
        }
        assert!(matches!(self.phone.device.policy, Policy::Final(_)));
        for phone in [&mut self.phone, &mut self.tablet, &mut self.bob] {
            phone.catch_up();
        }
        assert_eq!(self.phone.device.count(Class::Email), 12);
        assert_eq!(self.bob.device.count(Class::Email), 0);
        let inbox = folder(&self.phone, INBOX);
        let subjects = self.phone.device.collections[&inbox].items.values();
        let mut subjects: Vec<_> = subjects.filter_map(|m| m.text(email::SUBJECT)).collect();
        subjects.sort_unstable();
        subjects.dedup();
        assert_eq!(subjects.len(), 12);
    }

    /// First Sync of every class that clients fill, and what another device adds later.
    fn items_of_the_other_device(&mut self) {
        for (class, kind) in own_classes(self.version) {
            let id = folder(&self.tablet, kind);
            let new = vec![
                add(class, self.version, "First"),
                add(class, self.version, "Second"),
            ];
            let outcome = self.tablet.change(&id, new);
            assert_eq!(outcome.responses.len(), 2, "{class:?}: {outcome:?}");
            assert!(
                outcome.responses.iter().all(|r| r.status == 1),
                "{class:?}: {outcome:?}"
            );
            let waiting = self.phone.ask(Operation::Estimate(vec![id]));
            assert_eq!(waiting.results[0].2, "2", "{class:?}: {waiting:?}");
        }
        self.phone.look();
        for (class, kind) in own_classes(self.version) {
            let id = folder(&self.phone, kind);
            let items = &self.phone.device.collections[&id].items;
            let mut titles: Vec<_> = items
                .values()
                .filter_map(|i| i.text(title(class)))
                .collect();
            titles.sort_unstable();
            assert_eq!(titles, ["First", "Second"], "{class:?}");
        }
        let id = folder(&self.phone, 9);
        let items = self.phone.device.collections[&id].items.values();
        let cities: Vec<_> = items
            .map(|i| i.text(contacts::BUSINESS_ADDRESS_CITY))
            .collect();
        assert_eq!(cities, [Some("K\u{f6}ln"); 2]);
    }

    fn changes_go_both_ways(&mut self) {
        for (class, kind) in own_classes(self.version) {
            let id = folder(&self.phone, kind);
            let item_id = find(&self.phone, &id, class, "First");
            let mut properties = item(class, self.version, "Changed here");
            if class == Class::Tasks {
                properties.retain(|p| p.tag != tasks::IMPORTANCE);
                properties.push(text(tasks::IMPORTANCE, "0"));
            }
            let change = SyncCommand::Change {
                id: item_id.clone(),
                properties,
            };
            let outcome = self.phone.change(&id, vec![change]);
            assert!(
                outcome.ok() && outcome.responses.is_empty(),
                "{class:?}: {outcome:?}"
            );
            self.tablet.look();
            assert_eq!(find(&self.tablet, &id, class, "Changed here"), item_id);
            let other = find(&self.tablet, &id, class, "Second");
            let outcome = self
                .tablet
                .change(&id, vec![SyncCommand::Delete { id: other.clone() }]);
            assert!(outcome.ok(), "{class:?}: {outcome:?}");
        }
        self.phone.look();
        for (_, kind) in own_classes(self.version) {
            let id = folder(&self.phone, kind);
            assert_eq!(self.phone.device.collections[&id].items.len(), 1);
            assert_same(&self.phone, &self.tablet, &id);
        }
    }

    fn reads_and_deletes_mail(&mut self) {
        let (inbox, deleted) = (folder(&self.phone, INBOX), folder(&self.phone, DELETED));
        let first = find(&self.phone, &inbox, Class::Email, "Mail 1");
        let second = find(&self.phone, &inbox, Class::Email, "Mail 2");
        let read = SyncCommand::Change {
            id: first.clone(),
            properties: vec![text(email::READ, "1")],
        };
        let outcome = self
            .phone
            .change(&inbox, vec![read, SyncCommand::Delete { id: second }]);
        assert!(outcome.ok() && outcome.responses.is_empty(), "{outcome:?}");
        self.phone.look();
        self.tablet.look();
        for phone in [&self.phone, &self.tablet] {
            assert_eq!(phone.device.collections[&inbox].items.len(), 11);
            assert_eq!(phone.device.collections[&deleted].items.len(), 1);
            let mail = &phone.device.collections[&inbox].items[&first];
            assert_eq!(mail.text(email::READ), Some("1"));
        }
    }

    /// The answer to an Add is lost; the same request again makes no second item.
    fn lost_answer(&mut self) {
        let id = folder(&self.phone, 9);
        let new = add(Class::Contacts, self.version, "Once");
        let request = self.phone.device.request(changes(&id, vec![new]));
        let lost = self.phone.exchange(&request);
        assert_eq!(lost.status, 200);
        let again = self.phone.device.repeat().unwrap();
        assert_eq!(again, request);
        let answer = self.phone.exchange(&again);
        let outcome = self.phone.take("a repeated Sync", &answer);
        assert_eq!(outcome.responses[0].status, 1);
        self.phone.look();
        self.tablet.look();
        for phone in [&self.phone, &self.tablet] {
            let items = phone.device.collections[&id].items.values();
            let once = items
                .filter(|i| i.text(contacts::LAST_NAME) == Some("Once"))
                .count();
            assert_eq!(once, 1);
        }
    }

    fn folders_and_moves(&mut self) {
        let inbox = folder(&self.phone, INBOX);
        let create = |name: &str| Operation::FolderCreate {
            parent: "0".to_owned(),
            name: name.to_owned(),
            kind: 12,
        };
        assert!(self.phone.ask(create("Projects")).ok());
        assert_eq!(
            self.phone.ask(create("Projects")).status,
            Some(2),
            "the name is taken"
        );
        self.phone.catch_up();
        let projects = folder(&self.phone, 12);
        let mail = find(&self.phone, &inbox, Class::Email, "Mail 3");
        let one = (mail, inbox, projects.clone());
        let outcome = self.phone.ask(Operation::Move(vec![one]));
        assert_eq!(outcome.results[0].1, 3, "{outcome:?}");
        let renamed = Operation::FolderUpdate {
            id: projects.clone(),
            parent: "0".to_owned(),
            name: "Past projects".to_owned(),
        };
        assert!(self.phone.ask(renamed).ok());
        self.tablet.look();
        self.phone.look();
        for phone in [&self.phone, &self.tablet] {
            assert_eq!(phone.device.folders[&projects].name, "Past projects");
            find(phone, &projects, Class::Email, "Mail 3");
        }
        assert!(
            self.tablet
                .ask(Operation::FolderDelete {
                    id: projects.clone()
                })
                .ok()
        );
        self.phone.look();
        assert!(!self.phone.device.folders.contains_key(&projects));
    }

    fn fetches(&mut self) {
        let inbox = folder(&self.phone, INBOX);
        let id = find(&self.phone, &inbox, Class::Email, "Mail 4");
        let mail = &self.phone.device.collections[&inbox].items[&id];
        let attachment = mail.get(airsyncbase::ATTACHMENTS).expect("Attachments");
        let attachment = attachment.child(airsyncbase::ATTACHMENT).unwrap();
        let reference = attachment
            .text(airsyncbase::FILE_REFERENCE)
            .unwrap()
            .to_owned();
        let what = vec![
            Fetch::Item {
                collection: inbox,
                id,
                body: 4,
            },
            Fetch::Attachment(reference),
        ];
        for multipart in [false, true] {
            let outcome = self.phone.ask(Operation::Fetch {
                what: what.clone(),
                multipart,
            });
            assert!(outcome.results.iter().all(|r| r.1 == 1), "{outcome:?}");
            let received = String::from_utf8_lossy(&outcome.fetched[0]).into_owned();
            assert!(
                received.contains("Message-ID: <Mail-4@elsewhere.example>"),
                "{received}"
            );
            assert_eq!(outcome.fetched[1], samples::ATTACHMENT);
        }
    }

    fn settings(&mut self) {
        assert!(self.phone.ask(Operation::SetDevice).ok());
        let outcome = self.phone.ask(Operation::UserInformation);
        assert!(outcome.results.iter().any(|r| r.0 == ALICE), "{outcome:?}");
    }

    /// Mail comes in through SendMail and LMTP; an Add of one is refused, and costs nothing else.
    fn mail_is_not_added(&mut self) {
        let id = folder(&self.phone, INBOX);
        let before = self.phone.device.collections[&id].items.len();
        let outcome = self
            .phone
            .change(&id, vec![add(Class::Email, self.version, "Not sent")]);
        assert_eq!(outcome.responses[0].status, 6, "{outcome:?}");
        self.phone.look();
        assert_eq!(self.phone.device.collections[&id].items.len(), before);
    }

    fn drafts(&mut self) {
        let id = folder(&self.phone, DRAFTS);
        let outcome = self
            .phone
            .change(&id, vec![add(Class::Email, self.version, "A draft")]);
        assert_eq!(outcome.responses[0].status, 1, "{outcome:?}");
        self.tablet.look();
        let draft = find(&self.tablet, &id, Class::Email, "A draft");
        let properties = item(Class::Email, self.version, "A better draft");
        let change = SyncCommand::Change {
            id: draft.clone(),
            properties,
        };
        let outcome = self.tablet.change(&id, vec![change]);
        assert!(outcome.ok() && outcome.responses.is_empty(), "{outcome:?}");
        self.phone.look();
        let draft = find(&self.phone, &id, Class::Email, "A better draft");
        let outcome = self
            .phone
            .change(&id, vec![SyncCommand::Delete { id: draft }]);
        assert!(outcome.ok(), "{outcome:?}");
        self.tablet.look();
        assert_eq!(self.tablet.device.collections[&id].items.len(), 0);
    }

    fn searches(&mut self) {
        let search = |query: &str| Operation::SearchMailbox {
            query: query.to_owned(),
            range: (0, 99),
        };
        let letter = mail("Suchwort im Betreff");
        lmtp::deliver(self.house.lmtp, ALICE, &letter);
        let found = self.phone.ask(search("SUCHW betreff"));
        let classes: Vec<_> = found.results.iter().map(|r| r.2.as_str()).collect();
        assert_eq!(classes, ["Email"], "{found:?}");
        let id = found.results[0].0.clone();
        assert!(
            self.phone
                .ask(search("suchwort nirgends"))
                .results
                .is_empty()
        );
        // Items that devices have made, of every class that the version has.
        for (class, kind) in own_classes(self.version) {
            let folder = folder(&self.phone, kind);
            let change = vec![add(class, self.version, "Suchbild")];
            let outcome = self.phone.change(&folder, change);
            assert!(outcome.ok(), "{outcome:?}");
        }
        let found = self.phone.ask(search("suchbild"));
        assert_eq!(
            found.results.len(),
            own_classes(self.version).len(),
            "{found:?}"
        );
        if self.version >= Version::V16_1 {
            let find = |query: &str| Operation::Find {
                id: "5f0a".to_owned(),
                query: query.to_owned(),
                range: (0, 99),
            };
            let found = self
                .phone
                .ask(find("subject:suchwort received:today OR nowhere"));
            assert_eq!(found.results.len(), 1, "{found:?}");
            assert_eq!(found.results[0].0, id);
            assert!(self.phone.ask(find("subject:nirgends")).results.is_empty());
        }
    }

    fn directory_and_mail_out(&mut self) {
        let query = |query: &str| Operation::SearchGal {
            query: query.to_owned(),
            range: (0, 9),
        };
        let found = self.phone.ask(query("bo"));
        assert_eq!(
            found
                .results
                .iter()
                .map(|r| r.0.as_str())
                .collect::<Vec<_>>(),
            [BOB]
        );
        assert!(self.phone.ask(query("nobody")).results.is_empty());
        let send = Operation::SendMail {
            client_id: "mail-1".to_owned(),
            mime: samples::outgoing(BOB, "Hello Bob"),
            save: true,
        };
        assert!(self.phone.ask(send.clone()).ok());
        if self.version >= Version::V14_0 {
            assert_eq!(self.phone.ask(send).status, Some(118), "sent already");
        }
        self.bob.look();
        let inbox = folder(&self.bob, INBOX);
        assert_eq!(self.bob.device.collections[&inbox].items.len(), 1);
        find(&self.bob, &inbox, Class::Email, "Hello Bob");
        self.phone.look();
        let sent = folder(&self.phone, 5);
        find(&self.phone, &sent, Class::Email, "Hello Bob");
    }

    fn ping_is_woken(&mut self) {
        self.phone.look();
        self.tablet.look();
        let (inbox, people) = (folder(&self.phone, INBOX), folder(&self.phone, 9));
        let ping = |folders| Operation::Ping {
            folders,
            heartbeat_s: 600,
        };
        let waiting = self.phone.park(ping(vec![inbox.clone(), people.clone()]));
        lmtp::deliver(self.house.lmtp, ALICE, &mail("Wake up"));
        let outcome = self.phone.woken(waiting);
        assert_eq!(
            (outcome.status, outcome.folders),
            (Some(2), vec![inbox.clone()])
        );
        self.phone.catch_up();
        find(&self.phone, &inbox, Class::Email, "Wake up");
        // An empty Ping is the last one again.
        let waiting = self.phone.park(ping(vec![]));
        self.tablet
            .change(&people, vec![add(Class::Contacts, self.version, "Waker")]);
        let outcome = self.phone.woken(waiting);
        assert_eq!(
            (outcome.status, outcome.folders),
            (Some(2), vec![people.clone()])
        );
        self.phone.catch_up();
        find(&self.phone, &people, Class::Contacts, "Waker");
    }

    fn sync_is_woken(&mut self) {
        let inbox = folder(&self.phone, INBOX);
        let wait = match self.version {
            Version::V12_1 => Wait::Minutes(5),
            _ => Wait::Seconds(600),
        };
        let collection = SyncCollection {
            id: inbox.clone(),
            ..SyncCollection::default()
        };
        let held = Sync {
            collections: vec![collection],
            wait: Some(wait),
            ..Sync::default()
        };
        let waiting = self.phone.park(Operation::Sync(held));
        lmtp::deliver(self.house.lmtp, ALICE, &mail("Wake up again"));
        let outcome = self.phone.woken(waiting);
        assert_eq!(outcome.added.len(), 1, "{outcome:?}");
        find(&self.phone, &inbox, Class::Email, "Wake up again");
    }
}

fn folder(phone: &Phone, kind: u32) -> String {
    let folder = phone.device.folder(kind);
    folder
        .unwrap_or_else(|| panic!("no folder of type {kind}"))
        .id
        .clone()
}

/// The id of the only item with this title.
fn find(phone: &Phone, folder: &str, class: Class, name: &str) -> String {
    let items = &phone.device.collections[folder].items;
    let mut found = items
        .iter()
        .filter(|(_, item)| item.text(title(class)) == Some(name));
    match (found.next(), found.next()) {
        (Some((id, _)), None) => id.clone(),
        (one, more) => panic!(
            "{name}: {} found in {items:?}",
            usize::from(one.is_some()) + usize::from(more.is_some())
        ),
    }
}

/// Both devices have the same items with the same properties.
fn assert_same(one: &Phone, other: &Phone, folder: &str) {
    let title = |phone: &Phone| {
        let items = phone.device.collections[folder].items.iter();
        let class = phone.device.collections[folder].class;
        let titles = items.map(|(id, i)| (id.clone(), i.text(title(class)).map(str::to_owned)));
        titles.collect::<Vec<_>>()
    };
    assert_eq!(title(one), title(other));
}
