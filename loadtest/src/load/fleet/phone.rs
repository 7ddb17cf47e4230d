//! A device of the fleet: the model, its connection, and what it is about to do.

use super::acts::Agenda;
use super::core::Core;
use super::dice::Dice;
use super::heart::Heart;
use super::kinds::{Kind, Waits};
use super::shared::Shared;
use super::witness::{Moment, Seen, Who};
use crate::load::measure::State;
use crate::load::wire::{Bell, Connection, Pace};
use crate::state::{Class, Item};
use crate::{Device, Identity, Outcome, QueryForm, Version};
use roost::wbxml::Tag;
use roost::wbxml::tags::{calendar, contacts, email, notes, tasks};
use std::collections::BTreeMap;
use std::rc::Rc;

/// How a slow reader reads: 12,800 bytes each second.
const SLOW: Pace = Pace {
    bytes: 256,
    pause_us: 20_000,
};

/// A device of the fleet.
pub(super) struct Phone {
    pub(super) core: Rc<Core>,
    pub(super) who: Who,
    pub(super) kind: &'static Kind,
    pub(super) bell: Rc<Bell>,
    pub(super) device: Device,
    /// What it has in mind while it waits, packed.
    pub(super) asleep: Option<Box<[u8]>>,
    /// The connection that it asks or waits on.
    pub(super) line: Option<Connection>,
    /// A second one, for what is done while the first waits.
    pub(super) aside: Option<Connection>,
    pub(super) dice: Dice,
    pub(super) heart: Heart,
    pub(super) agenda: Box<Agenda>,
    /// Failures in a row.
    pub(super) failures: u32,
    /// Breaches of the protocol in a row.
    pub(super) breaches: u32,
    /// Mass reconnects that it took part in.
    pub(super) storms: u32,
    /// Connections are made at once: it is one of a mass that was cut off.
    pub(super) hurries: bool,
    /// When the first byte of the wake came that it follows up.
    pub(super) woken_us: Option<u64>,
    /// When the request had been sent that woke it.
    pub(super) waited_since_us: Option<u64>,
    /// Wakes in a row that brought nothing.
    pub(super) hollow: u32,
    pub(super) arrived: bool,
    /// Since when its request waits.
    pub(super) parked_us: Option<u64>,
    /// Microseconds that what it does now was held up by the scenario's own rate of connections.
    pub(super) held_us: u64,
    /// When it vanishes next; 0: not drawn yet.
    pub(super) vanishes_us: u64,
    state: Option<State>,
    pub(super) slow: bool,
}

impl Phone {
    /// A device out of the box.
    pub(super) fn new(core: &Rc<Core>, number: u32, bell: Rc<Bell>) -> Self {
        let shared = &core.shared;
        let mut dice = Dice::new(shared.seed, u64::from(number));
        let slow = dice.per_mille(shared.scenario.faults.slow_readers_per_mille);
        let index = usize::try_from(number).unwrap_or(0);
        let kind = shared
            .kinds
            .get(index)
            .copied()
            .unwrap_or(&super::kinds::ALL[0]);
        let who = Self::who(shared, number);
        let login = shared.scenario.users.login(who.user);
        let identity = Identity {
            user: login.name,
            password: login.password,
            device_id: format!("{}{:08x}", kind.id, number),
            version: kind.version,
            form: kind.form,
            profile: kind.profile.clone(),
        };
        core.meter().moved(None, Some(State::Away));
        Self {
            core: Rc::clone(core),
            who,
            kind,
            bell,
            device: out_of_the_box(identity),
            asleep: None,
            line: None,
            aside: None,
            dice,
            heart: Heart::new(shared.scenario.population.heartbeat_s),
            agenda: Box::default(),
            failures: 0,
            breaches: 0,
            storms: shared.storms(),
            hurries: false,
            woken_us: None,
            waited_since_us: None,
            hollow: 0,
            arrived: false,
            parked_us: None,
            held_us: 0,
            vanishes_us: 0,
            state: Some(State::Away),
            slow,
        }
    }

    /// The device with this number, and its user: they are dealt in turn.
    pub(super) fn who(shared: &Shared, device: u32) -> Who {
        let user = device % shared.scenario.users.how_many() + 1;
        Who { device, user }
    }

    /// Now, microseconds.
    pub(super) fn now_us(&self) -> u64 {
        self.core.alarms.now_us()
    }

    /// It is in this state from now on; `None`: it is no more.
    pub(super) fn is(&mut self, state: Option<State>) {
        if self.state != state {
            self.core.meter().moved(self.state, state);
            self.state = state;
        }
    }

    /// How it learns of changes.
    pub(super) fn waits(&self) -> Waits {
        match self.core.shared.scenario.population.wait {
            true => self.kind.waits,
            false => Waits::Polls,
        }
    }

    /// How fast it reads.
    pub(super) fn pace(&self) -> Option<Pace> {
        self.slow.then_some(SLOW)
    }

    /// Begins anew, as a phone whose account is set up again.
    pub(super) fn forget(&mut self) {
        let witness = &self.core.shared.witness;
        for id in self.device.collections.keys() {
            witness.forgot(self.who, id);
        }
        self.device = out_of_the_box(self.device.identity.clone());
    }

    /// Takes the best version that both speak.
    pub(super) fn choose_version(&mut self) {
        let offered = &self.device.versions;
        let below = offered.iter().rev().find(|v| **v <= self.kind.version);
        let Some(version) = below.or_else(|| offered.first()).copied() else {
            return;
        };
        self.device.identity.version = version;
        if version < Version::V12_1 {
            self.device.identity.form = QueryForm::Plain;
        }
    }

    /// Keeps of the folders only those that the scenario watches.
    pub(super) fn choose_folders(&mut self) {
        let wanted = &self.core.shared.scenario.population.folders;
        let folders = &self.device.folders;
        let kind = |id: &str| folders.get(id).map(|folder| folder.kind);
        self.device
            .collections
            .retain(|id, _| kind(id).is_some_and(|kind| wanted.contains(&kind)));
    }

    /// The items of the collections, as they were before an answer.
    pub(super) fn before(&self, ids: &[String]) -> BTreeMap<String, BTreeMap<String, Item>> {
        let of = |id: &String| {
            let collection = self.device.collections.get(id)?;
            Some((id.clone(), collection.items.clone()))
        };
        ids.iter().filter_map(of).collect()
    }

    /// Tells the witness what a Sync brought, and keeps of each item only what is needed.
    pub(super) fn tell(
        &mut self,
        outcome: &Outcome,
        before: &BTreeMap<String, BTreeMap<String, Item>>,
    ) {
        let core = Rc::clone(&self.core);
        let witness = &core.shared.witness;
        let when = Moment {
            woken_us: self.woken_us,
            waited_since_us: self.woken_us.and(self.waited_since_us),
            told_us: self.now_us(),
        };
        let lists = [&outcome.added, &outcome.changed, &outcome.removed];
        if lists.iter().any(|list| !list.is_empty()) {
            self.hollow = 0;
        }
        for (collection, status) in &outcome.collections {
            if *status == 3 {
                witness.forgot(self.who, collection);
            }
        }
        for (collection, id) in &outcome.removed {
            let item = before.get(collection).and_then(|items| items.get(id));
            if let Some(item) = item {
                let seen = self.seen(collection, id, item);
                witness.dropped(self.who, &seen, when);
            }
        }
        for (new, list) in [(true, &outcome.added), (false, &outcome.changed)] {
            for (collection, id) in list {
                self.shrink(collection, id);
                let Some(item) = self.item(collection, id) else {
                    continue;
                };
                let seen = self.seen(collection, id, item);
                match new {
                    true => witness.holds(self.who, &seen, when),
                    false => witness.changed(self.who, &seen, when),
                }
            }
        }
        for response in &outcome.responses {
            if let Some(id) = &response.id {
                self.shrink(&response.collection, id);
            }
        }
    }

    /// The item.
    pub(super) fn item(&self, collection: &str, id: &str) -> Option<&Item> {
        self.device.collections.get(collection)?.items.get(id)
    }

    /// An item as the witness is told of it.
    pub(super) fn seen<'a>(&self, collection: &'a str, id: &'a str, item: &'a Item) -> Seen<'a> {
        let known = self.device.collections.get(collection);
        let title = title(known.map_or(Class::Email, |c| c.class));
        let folder = self.device.folders.get(collection);
        Seen {
            folder: folder.map_or(0, |folder| folder.kind),
            collection,
            id,
            subject: item.text(title).unwrap_or_default(),
            read: item.text(email::READ).map(|read| read == "1"),
        }
    }

    /// Drops all properties of an item but its title and its mark: thousands of devices have to fit.
    fn shrink(&mut self, collection: &str, id: &str) {
        let Some(known) = self.device.collections.get_mut(collection) else {
            return;
        };
        let title = title(known.class);
        if let Some(item) = known.items.get_mut(id) {
            item.properties
                .retain(|node| node.tag == title || node.tag == email::READ);
            item.properties.shrink_to_fit();
        }
    }
}

/// A device that goes on over what phones go on over: any server has to be measured.
fn out_of_the_box(identity: Identity) -> Device {
    let mut device = Device::new(identity);
    device.tolerant = true;
    device
}

/// The property that holds the title of an item.
pub(super) fn title(class: Class) -> Tag {
    match class {
        Class::Email => email::SUBJECT,
        Class::Calendar => calendar::SUBJECT,
        Class::Contacts => contacts::LAST_NAME,
        Class::Tasks => tasks::SUBJECT,
        Class::Notes => notes::SUBJECT,
    }
}
