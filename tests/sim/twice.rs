//! The same request twice: for every command that changes something, in every version, the second
//! copy changes nothing, to the last row, and is answered alike.

use roost::clock::Clock;
use roost::mailbox::Wipe;
use roost::wbxml::tags::{calendar, email2, itemoperations, meetingresponse, settings};
use roost::work::block_on;
use roost_load::tree::{empty, node, text};
use roost_load::{
    Answer, Class, Command, Device, Node, Operation, Sync, SyncCollection, SyncCommand, Version,
    profile,
};

use super::appliance::{Appliance, Reply, address};
use super::phone::device;
use super::samples;
use super::world::NEW_YEAR_MS;

/// An appliance with a phone that is up to date.
struct Scene {
    appliance: Appliance,
    device: Device,
}

impl Scene {
    fn new(version: Version) -> Self {
        let clock = Clock::manual(NEW_YEAR_MS);
        let mut appliance = Appliance::new(2, &clock, false);
        let mail = "Subject: o1 m\nMessage-ID: <o1@sim>\n\nText.\n";
        assert_eq!(appliance.deliver(&[0], mail), [true]);
        let mut device = device(0, "twice", version, profile::PLAIN);
        while let Some(operation) = device.next() {
            let request = device.request(operation);
            let answer = answer(appliance.serve(&[&request]).remove(0));
            device.answer(&answer).unwrap();
        }
        Self { appliance, device }
    }

    /// Asks twice; the first answer counts.
    fn ask(&mut self, operation: Operation) {
        let what = format!("{operation:?} in {}", self.device.version());
        let is_mail = matches!(
            operation,
            Operation::SendMail { .. } | Operation::Smart { .. }
        );
        let before = self.appliance.rows();
        let request = self.device.request(operation);
        let first = answer(self.appliance.serve(&[&request]).remove(0));
        let once = self.appliance.rows();
        assert_ne!(before, once, "it changes nothing: {what}");
        let second = answer(self.appliance.serve(&[&request]).remove(0));
        let twice = self.appliance.rows();
        let odd = twice.iter().find(|row| !once.contains(row));
        assert_eq!(odd, None, "the second copy writes: {what}");
        assert_eq!(once.len(), twice.len(), "the second copy deletes: {what}");
        // From 14.0 on a mail that is sent already is called so (118).
        let sent_before = self.device.version() >= Version::V14_0 && is_mail;
        assert_eq!(first.status, second.status, "{what}");
        assert!(sent_before || first.body == second.body, "{what}");
        let outcome = self.device.answer(&first).unwrap();
        assert!(
            outcome.ok() || outcome.results.iter().all(|r| r.1 == 3),
            "{what}: {outcome:?}"
        );
    }

    fn sync(&mut self, collection: &str, command: SyncCommand) {
        let collection = SyncCollection {
            id: collection.to_owned(),
            deletes_as_moves: Some(false),
            commands: vec![command],
            ..SyncCollection::default()
        };
        self.ask(Operation::Sync(Sync {
            collections: vec![collection],
            ..Sync::default()
        }));
    }

    fn folder(&self, kind: u32) -> String {
        self.device.folder(kind).unwrap().id.clone()
    }

    fn an_item(&self, collection: &str) -> String {
        let items = &self.device.collections[collection].items;
        items.keys().next().unwrap().clone()
    }
}

fn answer(reply: Reply) -> Answer {
    match reply {
        Reply::Answer(answer) => answer,
        Reply::Waits(_) => panic!("it waits"),
    }
}

#[test]
fn items_are_added_changed_and_deleted_once() {
    for version in Version::ALL {
        let mut scene = Scene::new(version);
        for (class, kind) in samples::own_classes(version) {
            let id = scene.folder(kind);
            scene.sync(&id, samples::add(class, version, "one"));
            let item = scene.an_item(&id);
            let mut properties = samples::item(class, version, "two");
            properties.retain(|node| node.tag != roost::wbxml::tags::calendar::UID);
            let change = SyncCommand::Change {
                id: item.clone(),
                properties,
            };
            scene.sync(&id, change);
            scene.sync(&id, SyncCommand::Delete { id: item });
        }
        let inbox = scene.folder(2);
        let id = scene.an_item(&inbox);
        let read = text(roost::wbxml::tags::email::READ, "1");
        let properties = vec![read];
        scene.sync(&inbox, SyncCommand::Change { id, properties });
    }
}

#[test]
fn folders_are_made_renamed_and_deleted_once() {
    for version in Version::ALL {
        let mut scene = Scene::new(version);
        let parent = "0".to_owned();
        scene.ask(Operation::FolderCreate {
            parent: parent.clone(),
            name: "new".into(),
            kind: 12,
        });
        let id = scene.folder(12);
        let name = "newer".into();
        scene.ask(Operation::FolderUpdate {
            id: id.clone(),
            parent,
            name,
        });
        scene.ask(Operation::FolderDelete { id });
    }
}

#[test]
fn mails_are_moved_and_sent_once() {
    for version in Version::ALL {
        let mut scene = Scene::new(version);
        let (inbox, trash) = (scene.folder(2), scene.folder(4));
        let item = scene.an_item(&inbox);
        scene.ask(Operation::Move(vec![(item, inbox, trash)]));
        let mime = samples::outgoing(&address(1), "o2 m");
        for save in [false, true] {
            let client_id = format!("send-{save}");
            let mime = [&mime[..], client_id.as_bytes()].concat();
            scene.ask(Operation::SendMail {
                client_id,
                mime,
                save,
            });
        }
        assert_eq!(scene.appliance.items(1).len(), 2);
        assert_eq!(
            scene.device.count(Class::Email),
            0,
            "the copy comes with the next Sync"
        );
    }
}

#[test]
fn mails_are_answered_and_sent_on_once() {
    for version in Version::ALL {
        for forward in [false, true] {
            let mut scene = Scene::new(version);
            let inbox = scene.folder(2);
            let item = scene.an_item(&inbox);
            scene.ask(Operation::Smart {
                forward,
                of: (inbox, item),
                client_id: "smart".into(),
                mime: samples::outgoing(&address(1), "o2 m"),
                save: true,
            });
            assert_eq!(scene.appliance.items(1).len(), 1);
        }
    }
}

#[test]
fn a_folder_is_emptied_once() {
    for version in Version::ALL.into_iter().filter(|v| *v >= Version::V12_0) {
        let mut scene = Scene::new(version);
        let id = scene.folder(2);
        let subfolders = true;
        scene.ask(Operation::EmptyFolder { id, subfolders });
        assert_eq!(scene.appliance.items(0).len(), 0);
    }
}

/// Both phases, and another round of them: the device has a key that counts after each.
#[test]
fn a_policy_is_offered_and_acknowledged_once() {
    for version in Version::ALL {
        let mut scene = Scene::new(version);
        scene.ask(Operation::Provision);
        scene.ask(Operation::Provision);
        let sync = scene.device.request(Operation::FolderSync);
        let answer = answer(scene.appliance.serve(&[&sync]).remove(0));
        assert_eq!(answer.status, 200);
    }
}

#[test]
fn a_device_is_wiped_once() {
    for version in Version::ALL {
        let mut scene = Scene::new(version);
        let mailbox = scene.appliance.mailbox().clone();
        let scope = scene.appliance.scope(0);
        let device = block_on(mailbox.find_device(scope, "twice"));
        let number = device.unwrap().unwrap().number;
        let order = |device: &mut roost::mailbox::Device| device.wipe = Wipe::Device;
        block_on(mailbox.change_device(scope, number, order)).unwrap();
        let ask = scene.device.request(Operation::Provision);
        let ordered = answer(scene.appliance.serve(&[&ask]).remove(0));
        scene.device.answer(&ordered).unwrap();
        scene.ask(Operation::AcknowledgeWipe(1));
        let device = block_on(mailbox.device(scope, number)).unwrap().device;
        assert_eq!(device.wipe, Wipe::Done);
    }
}

#[test]
fn a_device_describes_itself_once() {
    for version in Version::ALL.into_iter().filter(|v| *v >= Version::V12_0) {
        let mut scene = Scene::new(version);
        scene.ask(Operation::SetDevice);
    }
}

#[test]
fn an_invitation_is_answered_once() {
    for version in Version::ALL {
        for answer in ["1", "2", "3"] {
            let mut scene = Scene::new(version);
            let invitation = samples::invitation(&address(1), "meet");
            let invitation = String::from_utf8(invitation).unwrap().replace('\r', "");
            assert_eq!(scene.appliance.deliver(&[0], &invitation), [true]);
            let before = scene.appliance.items(0).len();
            let inbox = scene.folder(2);
            // The second mail that came.
            let mut children = vec![
                text(meetingresponse::USER_RESPONSE, answer),
                text(meetingresponse::COLLECTION_ID, inbox.clone()),
                text(meetingresponse::REQUEST_ID, format!("{inbox}:2")),
            ];
            let tells = version >= Version::V16_0;
            if tells {
                children.push(empty(meetingresponse::SEND_RESPONSE));
            }
            let request = node(meetingresponse::REQUEST, children);
            scene.ask(Operation::Ask {
                command: Command::MeetingResponse,
                document: Some(node(meetingresponse::MEETING_RESPONSE, vec![request])),
            });
            assert_eq!(scene.appliance.items(1).len(), usize::from(tells));
            // The appointment came with the mail.
            let declined = usize::from(answer == "3");
            let sent = usize::from(tells);
            assert_eq!(scene.appliance.items(0).len() + declined, before + sent);
        }
    }
}

/// From 16.0 on the server tells the attendees.
#[test]
fn attendees_are_told_once() {
    for version in Version::ALL {
        let mut scene = Scene::new(version);
        let calendar = scene.folder(8);
        let with = |title: &str| {
            let mut properties = samples::item(Class::Calendar, version, title);
            let whose = [calendar::MEETING_STATUS, calendar::ATTENDEES];
            properties.retain(|node| !whose.contains(&node.tag));
            let attendee = vec![
                text(calendar::EMAIL, address(1)),
                text(calendar::NAME, "Bob"),
            ];
            let attendee = node(calendar::ATTENDEE, attendee);
            properties.push(text(calendar::MEETING_STATUS, "1"));
            properties.push(node(calendar::ATTENDEES, vec![attendee]));
            properties
        };
        // The mails, and the appointment that has come with the first.
        let told = |scene: &Scene, mails: usize| {
            let expect = if version >= Version::V16_0 {
                mails + 1
            } else {
                0
            };
            assert_eq!(scene.appliance.items(1).len(), expect, "{version}");
        };
        let properties = with("one");
        let client_id = "meet".to_owned();
        let add = SyncCommand::Add {
            client_id,
            properties,
        };
        scene.sync(&calendar, add);
        told(&scene, 1);
        let id = scene.an_item(&calendar);
        let mut properties = with("two");
        properties.retain(|node| node.tag != calendar::UID);
        let change = SyncCommand::Change {
            id: id.clone(),
            properties,
        };
        scene.sync(&calendar, change);
        told(&scene, 2);
        scene.sync(&calendar, SyncCommand::Delete { id });
        told(&scene, 3);
    }
}

#[test]
fn a_conversation_is_moved_once() {
    for version in Version::ALL.into_iter().filter(|v| *v >= Version::V14_0) {
        let mut scene = Scene::new(version);
        let (inbox, trash) = (scene.folder(2), scene.folder(4));
        let item = scene.an_item(&inbox);
        let mail = &scene.device.collections[&inbox].items[&item];
        let id = mail.get(email2::CONVERSATION_ID).unwrap().content.clone();
        let always = vec![empty(itemoperations::MOVE_ALWAYS)];
        let children = vec![
            Node {
                tag: itemoperations::CONVERSATION_ID,
                content: id,
            },
            text(itemoperations::DST_FLD_ID, trash),
            node(itemoperations::OPTIONS, always),
        ];
        let request = node(itemoperations::MOVE, children);
        scene.ask(Operation::Ask {
            command: Command::ItemOperations,
            document: Some(node(itemoperations::ITEM_OPERATIONS, vec![request])),
        });
        assert_eq!(scene.appliance.items(0).len(), 1);
    }
}

#[test]
fn an_absence_is_set_once() {
    for version in Version::ALL.into_iter().filter(|v| *v >= Version::V12_0) {
        let mut scene = Scene::new(version);
        let set = node(settings::SET, vec![text(settings::OOF_STATE, "1")]);
        let oof = node(settings::OOF, vec![set]);
        scene.ask(Operation::Ask {
            command: Command::Settings,
            document: Some(node(settings::SETTINGS, vec![oof])),
        });
    }
}
