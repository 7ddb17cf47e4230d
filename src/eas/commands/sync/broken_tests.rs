//! Phones that trip over an item, and what they are told in its place.

use std::collections::BTreeMap;

use crate::eas::testing::{House, Phone};
use crate::eas::version::Version;
use crate::limits;
use crate::mailbox::{Broken, Fault, FolderId, ItemId};
use crate::pim::{Contact, ContactField, Event, Record, Task};
use crate::work::block_on;

/// What this phone trips over.
const BANG: &str = "💥";

/// A phone that drops every answer with a bang in it, and asks again.
struct Picky<'a> {
    phone: Phone<'a>,
    folder: FolderId,
    key: String,
    /// The items that it has, as they were told.
    held: BTreeMap<String, String>,
    /// It begins anew with key 0 when it trips.
    resets: bool,
    trips: usize,
}

impl<'a> Picky<'a> {
    fn new(house: &'a House, folder: FolderId, version: Version) -> Self {
        Self {
            phone: house.phone(version),
            folder,
            key: "0".into(),
            held: BTreeMap::new(),
            resets: false,
            trips: 0,
        }
    }

    /// One request; whether there is something left.
    fn ask(&mut self) -> bool {
        let document = format!(
            "<Sync><Collections><Collection>{}<SyncKey>{}</SyncKey><CollectionId>{}</CollectionId>{}</Collection></Collections></Sync>",
            self.class(),
            self.key,
            self.folder,
            if self.key == "0" { "" } else { "<GetChanges/>" },
        );
        let answer = self.phone.says("Sync", &document);
        if answer.contains(BANG) {
            self.trips += 1;
            if self.resets {
                self.key = "0".into();
                self.held.clear();
            }
            return true;
        }
        let Some((_, rest)) = answer.split_once("<SyncKey>") else {
            assert_eq!(answer, "");
            return false;
        };
        let begins = self.key == "0";
        self.key = rest.split_once('<').unwrap().0.to_owned();
        for command in answer
            .split("</Add>")
            .flat_map(|s| s.split("</SoftDelete>"))
        {
            for (tag, adds) in [("<Add>", true), ("<SoftDelete>", false)] {
                let Some((_, inner)) = command.split_once(&format!("{tag}<ServerId>")) else {
                    continue;
                };
                let (id, data) = inner.split_once("</ServerId>").unwrap();
                match adds {
                    true => {
                        assert_eq!(self.held.insert(id.into(), data.into()), None, "{id} twice")
                    }
                    false => assert!(self.held.remove(id).is_some(), "{id} was not there"),
                }
            }
        }
        begins || answer.contains("<MoreAvailable/>")
    }

    fn class(&self) -> String {
        match self.phone.version {
            Version::V2_5 => "<Class>Notes</Class>".into(),
            _ => String::new(),
        }
    }

    /// Asks until there is nothing left; at most so often.
    fn settle(&mut self, requests_max: usize) {
        for _ in 0..requests_max {
            if !self.ask() && !self.ask() {
                return;
            }
        }
        panic!(
            "still not done after {requests_max} requests, {} trips",
            self.trips
        );
    }

    fn listed(&self) -> Vec<Broken> {
        let house = self.phone.house;
        let scope = house.account("alice").scope;
        let mailbox = house.eas.mailbox();
        let device = block_on(mailbox.find_device(scope, &self.phone.device));
        block_on(mailbox.broken(scope, device.unwrap().unwrap().number)).unwrap()
    }

    fn deliver_again(&self, item: ItemId) -> bool {
        let house = self.phone.house;
        let scope = house.account("alice").scope;
        let mailbox = house.eas.mailbox();
        let device = block_on(mailbox.find_device(scope, &self.phone.device));
        let device = device.unwrap().unwrap().number;
        block_on(mailbox.deliver_again(scope, device, self.folder, Some(item))).unwrap()
    }
}

fn notes(house: &House) -> Vec<ItemId> {
    let subjects = ["one", "two 💥", "three", "four", "five"];
    subjects.iter().map(|subject| house.note(subject)).collect()
}

/// A phone that begins anew again and again, but has heard everything each time, trips over nothing: that
/// it had is said by a request that brings nothing.
#[test]
fn who_hears_everything_may_begin_anew_as_often_as_he_likes() {
    let house = House::new();
    for subject in ["one", "two", "three"] {
        house.note(subject);
    }
    let mut phone = Picky::new(&house, FolderId::NOTES, Version::V14_1);
    for turn in 0..4 * limits::STRIKES_MAX {
        phone.key = "0".into();
        phone.held.clear();
        assert!(phone.ask() && !phone.ask());
        assert_eq!(phone.held.len(), 3, "all at once, in turn {turn}");
        assert!(!phone.ask());
    }
}

#[test]
fn one_item_does_not_keep_the_others_from_a_phone() {
    for (resets, version) in [
        (false, Version::V14_1),
        (true, Version::V14_1),
        (false, Version::V16_1),
    ] {
        let house = House::new();
        let items = notes(&house);
        let mut phone = Picky::new(&house, FolderId::NOTES, version);
        phone.resets = resets;
        phone.settle(40);
        assert_eq!(phone.held.len(), 5);
        let broken = &phone.held[&format!("10:{}", items[1])];
        assert!(broken.contains("Not shown on this device: two"), "{broken}");
        assert_eq!(phone.trips, 6, "three times with others, three times alone");
        let listed = phone.listed();
        assert_eq!(listed.len(), 1);
        assert_eq!(
            (listed[0].item, listed[0].fault),
            (items[1], Fault::Refused)
        );
        // It goes on as ever.
        house.note("six");
        phone.settle(5);
        assert_eq!((phone.held.len(), phone.trips), (6, 6));
    }
}

#[test]
fn a_new_beginning_does_not_bring_the_broken_item_back() {
    let house = House::new();
    notes(&house);
    let mut phone = Picky::new(&house, FolderId::NOTES, Version::V14_1);
    phone.settle(40);
    let trips = phone.trips;
    phone.key = "0".into();
    phone.held.clear();
    phone.settle(5);
    assert_eq!((phone.held.len(), phone.trips), (5, trips));
}

#[test]
fn a_lost_answer_is_no_strike_once_the_next_arrives() {
    let house = House::new();
    let mut phone = Picky::new(&house, FolderId::NOTES, Version::V14_1);
    phone.settle(5);
    for n in 0..6 {
        house.note(&format!("note {n}"));
        for _ in 0..2 {
            let key = phone.key.clone();
            let held = phone.held.clone();
            phone.ask();
            (phone.key, phone.held) = (key, held);
        }
        phone.settle(3);
    }
    assert_eq!(phone.held.len(), 6);
    assert_eq!(phone.listed(), []);
}

#[test]
fn what_was_broken_is_delivered_again_on_demand() {
    let house = House::new();
    let items = notes(&house);
    let mut phone = Picky::new(&house, FolderId::NOTES, Version::V14_1);
    phone.settle(40);
    assert!(!phone.deliver_again(items[0]), "not on the list");
    assert!(phone.deliver_again(items[1]));
    assert!(phone.listed()[0].is_retried);
    // It still cannot: three more strikes, and the note is back.
    let trips = phone.trips;
    phone.settle(20);
    assert_eq!((phone.held.len(), phone.trips), (5, trips + 3));
    // An update of the phone, and it can: the note goes, the item comes, and the list is empty.
    assert!(phone.deliver_again(items[1]));
    let document = |key: &str| {
        format!(
            "<Sync><Collections><Collection><SyncKey>{key}</SyncKey><CollectionId>10</CollectionId></Collection></Collections></Sync>"
        )
    };
    let gone = phone.phone.says("Sync", &document(&phone.key));
    assert!(
        gone.contains("<SoftDelete>") && gone.contains("<MoreAvailable/>"),
        "{gone}"
    );
    assert!(!gone.contains("<Add>"), "not in the same answer: {gone}");
    let key = gone
        .split_once("<SyncKey>")
        .unwrap()
        .1
        .split_once('<')
        .unwrap()
        .0;
    let whole = phone.phone.says("Sync", &document(key));
    assert!(whole.contains("two 💥"), "{whole}");
    let key = whole
        .split_once("<SyncKey>")
        .unwrap()
        .1
        .split_once('<')
        .unwrap()
        .0;
    assert_eq!(phone.phone.says("Sync", &document(key)), "");
    assert_eq!(phone.listed(), []);
}

#[test]
fn what_looked_broken_is_tried_again_by_itself_and_not_for_ever() {
    let house = House::new();
    notes(&house);
    let mut phone = Picky::new(&house, FolderId::NOTES, Version::V14_1);
    phone.settle(40);
    assert_eq!(phone.trips, 6);
    for (after_s, trips) in [
        (3_599, 6),
        (2, 9),
        (3_601, 9),
        (86_400, 12),
        (1_000_000, 12),
    ] {
        house.clock.advance(after_s * 1_000);
        phone.settle(20);
        assert_eq!(phone.trips, trips, "after {after_s} s");
        assert_eq!(phone.held.len(), 5);
    }
    assert_eq!(limits::BROKEN_RETRIES_S, [3_600, 86_400]);
}

#[test]
fn another_content_is_another_chance() {
    let house = House::new();
    let items = notes(&house);
    let mut phone = Picky::new(&house, FolderId::NOTES, Version::V14_1);
    phone.settle(40);
    let other = Phone {
        device: "phone2".into(),
        ..house.phone(Version::V14_1)
    };
    let sync = |key: &str, rest: &str| {
        other.says("Sync", &format!("<Sync><Collections><Collection><SyncKey>{key}</SyncKey><CollectionId>10</CollectionId>{rest}</Collection></Collections></Sync>"))
    };
    sync("0", "");
    sync("1", "");
    let id = format!("10:{}", items[1]);
    let change = format!(
        "<Commands><Change><ServerId>{id}</ServerId><ApplicationData><notes:Subject>two, mended</notes:Subject></ApplicationData></Change></Commands>"
    );
    assert!(!sync("2", &change).contains("<Responses>"));
    // Not as a Change, which would leave what the note has and the item has not.
    phone.settle(5);
    assert!(phone.held[&id].contains("two, mended"), "{:?}", phone.held);
    assert_eq!(phone.trips, 6);
    assert_eq!(phone.listed(), []);
}

#[test]
fn a_note_in_place_of_an_item_is_not_edited_into_it() {
    let house = House::new();
    let items = notes(&house);
    let mut phone = Picky::new(&house, FolderId::NOTES, Version::V14_1);
    phone.settle(40);
    let id = format!("10:{}", items[1]);
    let change = format!(
        "<Sync><Collections><Collection><SyncKey>{}</SyncKey><CollectionId>10</CollectionId><Commands><Change><ServerId>{id}</ServerId><ApplicationData><notes:Subject>what is this?</notes:Subject></ApplicationData></Change></Commands></Collection></Collections></Sync>",
        phone.key
    );
    let answer = phone.phone.says("Sync", &change);
    let refused = format!("<Change><ServerId>{id}</ServerId><Status>6</Status></Change>");
    assert!(answer.contains(&refused), "{answer}");
    // A Fetch brings the item itself.
    let key = answer
        .split_once("<SyncKey>")
        .unwrap()
        .1
        .split_once('<')
        .unwrap()
        .0;
    let fetch = format!(
        "<Sync><Collections><Collection><SyncKey>{key}</SyncKey><CollectionId>10</CollectionId><Commands><Fetch><ServerId>{id}</ServerId></Fetch></Commands></Collection></Collections></Sync>"
    );
    assert!(phone.phone.says("Sync", &fetch).contains("two 💥"));
}

#[test]
fn every_class_has_a_stand_in() {
    let body = |folder: FolderId, record: Record| {
        let house = House::new();
        let item = house.put(folder, &record);
        let mut phone = Picky::new(&house, folder, Version::V16_1);
        phone.settle(20);
        phone.held[&format!("{folder}:{item}")].clone()
    };
    let subject = || format!("Lunch {BANG} now");
    let shown = body(
        FolderId::CALENDAR,
        Record::Event(Event {
            subject: subject(),
            start_ms: 1_767_225_600_000,
            end_ms: 1_767_229_200_000,
            ..Event::default()
        }),
    );
    assert!(
        shown.contains("<calendar:Subject>Not shown on this device: Lunch now<"),
        "{shown}"
    );
    assert!(
        shown.contains("<calendar:StartTime>20260101T000000Z<"),
        "{shown}"
    );
    let shown = body(
        FolderId::TASKS,
        Record::Task(Task {
            subject: subject(),
            ..Task::default()
        }),
    );
    assert!(
        shown.contains("<tasks:Subject>Not shown on this device"),
        "{shown}"
    );
    let shown = body(
        FolderId::CONTACTS,
        Record::Contact(Contact {
            fields: vec![(ContactField::FileAs, subject())],
            ..Contact::default()
        }),
    );
    assert!(
        shown.contains("<contacts:FileAs>Not shown on this device"),
        "{shown}"
    );
}

#[test]
fn a_mail_that_is_stood_in_for_says_from_whom_it_is() {
    for options in [
        "<Options><airsyncbase:BodyPreference><airsyncbase:Type>1</airsyncbase:Type></airsyncbase:BodyPreference></Options>",
        "<Options><MIMESupport>2</MIMESupport><airsyncbase:BodyPreference><airsyncbase:Type>4</airsyncbase:Type></airsyncbase:BodyPreference></Options>",
    ] {
        let (house, inbox) = (House::new(), FolderId::INBOX);
        house.mail("From: Bob <bob@example.org>\nSubject: =?utf-8?q?Look_=F0=9F=92=A5_here?=\nDate: Thu, 1 Jan 2026 00:00:00 +0000\n\nhello\n");
        let phone = house.phone(Version::V14_1);
        let sync = |key: &str, rest: &str| {
            phone.says("Sync", &format!("<Sync><Collections><Collection><SyncKey>{key}</SyncKey><CollectionId>{inbox}</CollectionId>{rest}</Collection></Collections></Sync>"))
        };
        sync("0", "");
        for _ in 0..3 {
            assert!(sync("1", options).contains(BANG));
        }
        let answer = sync("1", options);
        assert!(!answer.contains(BANG), "{answer}");
        assert!(
            answer.contains("<email:Subject>Not shown on this device: Look here<"),
            "{answer}"
        );
        assert!(answer.contains("bob@example.org"), "{answer}");
        // Whole: nothing that the phone would fetch, and trip over.
        assert!(!answer.contains("Truncated"), "{answer}");
    }
}

#[test]
fn what_cannot_be_read_is_listed_and_waits_for_an_administrator() {
    let house = House::new();
    let scope = house.account("alice").scope;
    house.note("whole");
    let item = house.note("damaged");
    let store = house.eas.mailbox().store().clone();
    let key = crate::store::keys::item(scope, FolderId::NOTES.0, item.0);
    let mut batch = crate::store::Batch::new(scope);
    let row = block_on(store.get(&key)).unwrap().unwrap();
    let cut = row.value()[..12].to_vec();
    batch.writes.push(crate::store::Write::Put(key, cut));
    block_on(store.commit(batch)).unwrap();
    let mut phone = Picky::new(&house, FolderId::NOTES, Version::V14_1);
    phone.settle(5);
    assert_eq!((phone.held.len(), phone.trips), (2, 0));
    let listed = phone.listed();
    assert_eq!((listed[0].item, listed[0].fault), (item, Fault::Damaged));
}
