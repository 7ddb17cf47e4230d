//! What has to hold between steps, and once the faults stop.

use std::collections::{BTreeMap, BTreeSet};

use roost::mailbox::check::{Look, Wrong};
use roost::mailbox::{self, DeviceNo, FolderId, ServerId, Watched};
use roost::store::keys;
use roost::wbxml::Tag;
use roost::wbxml::tags::{calendar, notes};
use roost::work::block_on;
use roost_load::tree::Content;
use roost_load::{Collection, Device, Item, Node, Operation};

use super::appliance::{Appliance, Reply};
use super::broken::{Broken, Held, Oracle, hold};
use super::ledger::parse;
use super::phone::{self, Flight, Phone, STAND_IN};
use super::random::Random;
use super::world::{USERS, World};

/// Rounds in which a phone has to be up to date, beside those that its items need.
const ROUNDS_MAX: usize = 40;
/// Rows of state that a collection of a device may have, of folders below 65,536 items.
const STATE_ROWS_MAX: usize = 2;
/// Bytes of them.
const STATE_BYTES_MAX: usize = 16 * 1024;

impl World {
    /// Nobody waits for what has happened already.
    pub(super) fn check_waits(&self) -> Held {
        // A store that fails may say that there is more where there is nothing.
        if self.is_faulty() {
            return Ok(());
        }
        let appliance = self.appliance();
        for phone in &self.phones {
            let Some((ticket, flight)) = &phone.waits else {
                continue;
            };
            let waits = appliance.waiting().find(|(n, _)| n == ticket);
            let Some((_, parked)) = waits else {
                continue;
            };
            let folders: Vec<&String> = match &flight.operation {
                Operation::Ping { folders, .. } => folders.iter().collect(),
                Operation::Sync(sync) => sync.collections.iter().map(|c| &c.id).collect(),
                _ => continue,
            };
            let (scope, device) = (parked.scope(), DeviceNo(parked.device()));
            for folder in folders {
                let id = FolderId(folder.parse().unwrap());
                let told = block_on(appliance.mailbox().watch(scope, device, id));
                hold(Oracle::Wake, told == Ok(Watched::Unchanged), || {
                    format!("{device:?} waits on {folder}, where there is {told:?}")
                })?;
            }
        }
        Ok(())
    }

    /// No more of the past is kept than is needed.
    pub(super) fn check_states(&self) -> Held {
        let mut states = BTreeMap::<Vec<u8>, (usize, usize)>::new();
        for (key, value) in self.appliance().rows() {
            // The head of a state; its parts have the same key, and two bytes more.
            let head = key.get(..key.len().saturating_sub(2));
            let of = match (keys::parse_sync(&key), head.and_then(keys::parse_sync)) {
                (Some(_), _) => key.clone(),
                (None, Some(_)) => head.unwrap_or_default().to_vec(),
                (None, None) => continue,
            };
            let state = states.entry(of).or_default();
            *state = (state.0 + 1, state.1 + value.len());
        }
        for (key, (rows, bytes)) in states {
            let fine = rows <= STATE_ROWS_MAX && bytes <= STATE_BYTES_MAX;
            hold(Oracle::Generations, fine, || {
                format!("{rows} rows, {bytes} bytes of {:?}", keys::parse_sync(&key))
            })?;
        }
        Ok(())
    }

    /// The store finds nothing wrong with itself.
    fn check_rows(&self) -> Held {
        let mut found = Vec::new();
        for user in 0..USERS {
            let (mailbox, scope) = (self.appliance().mailbox(), self.appliance().scope(user));
            let look = Look {
                bodies: true,
                repair: false,
            };
            let mut tell = |wrong: &Wrong, _| found.push(format!("user {user}: {wrong}"));
            block_on(mailbox.check(scope, look, &mut tell)).unwrap();
        }
        hold(Oracle::Whole, found.is_empty(), || found.join(", "))
    }

    /// The faults stop: everybody syncs until nothing is left, and everything agrees.
    pub(super) fn settle(&mut self) -> Held {
        self.calm();
        for mail in std::mem::take(&mut self.mails) {
            self.hand_over(mail);
        }
        for phone in &mut self.phones {
            if let Some((_, flight)) = phone.waits.take() {
                phone.unanswered = Some(flight);
            }
        }
        // What a later phone did, the earlier ones have not heard.
        for _ in 0..2 {
            for p in 0..self.phones.len() {
                self.deliver_again(p);
                self.phones[p].device.refresh();
                self.quiet(p)?;
            }
        }
        for p in 0..self.phones.len() {
            self.check_broken(p)?;
        }
        self.check_rows()?;
        self.ledger.check(&self.live())?;
        self.check_states()?;
        self.converge()
    }

    /// What a phone has stand-ins of.
    fn broken(&self, p: usize) -> Vec<ServerId> {
        let phone = &self.phones[p];
        let (mailbox, scope) = (
            self.appliance().mailbox(),
            self.appliance().scope(phone.user),
        );
        let id = &phone.device.identity.device_id;
        let Some(row) = block_on(mailbox.find_device(scope, id)).unwrap() else {
            return Vec::new();
        };
        let broken = block_on(mailbox.broken(scope, row.number)).unwrap();
        let stays = |b: &&mailbox::Broken| !b.is_retried;
        let id = |b: &mailbox::Broken| ServerId {
            folder: b.folder,
            item: b.item,
        };
        broken.iter().filter(stays).map(id).collect()
    }

    /// Many lost answers in a row look like a phone that trips: an administrator has it all sent again.
    fn deliver_again(&self, p: usize) {
        let user = self.phones[p].user;
        let (mailbox, scope) = (self.appliance().mailbox(), self.appliance().scope(user));
        let id = &self.phones[p].device.identity.device_id;
        for broken in self.broken(p) {
            let device = block_on(mailbox.find_device(scope, id)).unwrap().unwrap();
            let (number, item) = (device.number, Some(broken.item));
            let again = mailbox.deliver_again(scope, number, broken.folder, item);
            assert!(block_on(again).unwrap(), "{broken} is on the list");
        }
    }

    /// Only what it trips over is kept from a phone.
    fn check_broken(&self, p: usize) -> Held {
        for broken in self.broken(p) {
            let title = self
                .appliance()
                .title_of(self.phones[p].user, &broken.to_string());
            let origin = title.as_deref().and_then(parse).map(|(origin, _)| origin);
            let trips = origin.is_some() && origin == self.phones[p].chokes.as_deref();
            hold(Oracle::Convergence, trips, || {
                format!("phone {p} has a stand-in of {broken} ({title:?})")
            })?;
        }
        Ok(())
    }

    fn quiet(&mut self, p: usize) -> Held {
        let mut random = Random::new(p as u64);
        let items = self.appliance().items(self.phones[p].user).len();
        // A phone that trips is told a page of items one by one.
        let trips = self.phones[p].chokes.as_ref().map_or(0, |_| 20 + items);
        let rounds = ROUNDS_MAX + items + trips + self.phones[p].edits.len();
        for _ in 0..rounds {
            if let Some(mut flight) = self.phones[p].unanswered.take() {
                flight.edits.iter_mut().for_each(|edit| edit.sent = true);
                self.ask_calmly(p, flight, true)?;
                continue;
            }
            let Some(flight) = self.next_flight(p, &mut random) else {
                return Ok(());
            };
            self.ask_calmly(p, flight, false)?;
        }
        Err(Broken::new(
            Oracle::Quiescence,
            format!(
                "phone {p} is not up to date after {rounds} rounds: {:?}, {:?}",
                phone::next(&self.phones[p].device),
                self.phones[p].edits
            ),
        ))
    }

    fn next_flight(&mut self, p: usize, random: &mut Random) -> Option<Flight> {
        let it = &mut self.phones[p];
        if let Some(flight) = it.next(random) {
            return Some(flight);
        }
        let collection = it.edits.first()?.collection.clone();
        Some(it.sync(&collection, random))
    }

    /// Every phone has what a new one gets that asks for the same, and that is what there is.
    fn converge(&mut self) -> Held {
        let mut copy = self.appliance().copy();
        for p in 0..self.phones.len() {
            let mut twin = self.phones[p].twin(p);
            let appliance = match &mut copy {
                Some(copy) => copy,
                None => self.appliance_mut(),
            };
            catch_up(appliance, &mut twin)?;
            let phone = &self.phones[p];
            let said = |e| Broken::new(Oracle::Convergence, format!("phone {p}: {e}"));
            agree(phone, &twin).map_err(said)?;
            if phone.device.options.filter.unwrap_or(0) == 0 {
                self.all_is_there(&twin, phone.user).map_err(said)?;
            }
        }
        Ok(())
    }

    /// The device has the items that the store has.
    fn all_is_there(&self, device: &Device, user: usize) -> Result<(), String> {
        let mut stored = BTreeMap::<String, BTreeSet<String>>::new();
        for row in self.appliance().items(user) {
            let folder = row.folder.0.to_string();
            let id = format!("{folder}:{}", row.item.0);
            stored.entry(folder).or_default().insert(id);
        }
        for (folder, collection) in &device.collections {
            let told: BTreeSet<String> = collection.items.keys().cloned().collect();
            let stored = stored.remove(folder).unwrap_or_default();
            if told != stored {
                let odd: Vec<_> = told.symmetric_difference(&stored).collect();
                return Err(format!("folder {folder}: {odd:?} on one side only"));
            }
        }
        Ok(())
    }

    /// The whole run, with what has to hold at its end.
    pub(crate) fn run(&mut self, steps: &[super::step::Step]) -> Held {
        for (n, step) in steps.iter().enumerate() {
            self.step(*step)?;
            self.after_step(n);
            if n % 200 == 199 {
                self.check_states()?;
            }
        }
        self.settle()
    }
}

/// A device without a past syncs everything.
fn catch_up(appliance: &mut Appliance, device: &mut Device) -> Held {
    for _ in 0..10_000 {
        let Some(operation) = phone::next(device) else {
            return Ok(());
        };
        let request = device.request(operation);
        let Reply::Answer(answer) = appliance.serve(&[&request]).remove(0) else {
            break;
        };
        device.answer(&answer)?;
    }
    Err(Broken::new(
        Oracle::Quiescence,
        "a new phone does not come to an end",
    ))
}

/// Both have the same folders and items, field by field. Of what a device has sent itself it knows
/// no more than that.
fn agree(phone: &Phone, new: &Device) -> Result<(), String> {
    let (old, own) = (&phone.device, &phone.own);
    if old.folders != new.folders {
        return Err(format!("folders {:?}, not {:?}", old.folders, new.folders));
    }
    for (id, fresh) in &new.collections {
        let Some(kept) = old.collections.get(id) else {
            return Err(format!("collection {id} is missing"));
        };
        let ids = |c: &Collection| c.items.keys().cloned().collect::<BTreeSet<_>>();
        if ids(kept) != ids(fresh) {
            let (kept, fresh) = (ids(kept), ids(fresh));
            let odd: Vec<_> = kept.symmetric_difference(&fresh).collect();
            return Err(format!(
                "collection {id} ({:?}): {odd:?} on one side only",
                old.collections[id].class
            ));
        }
        for (item, there) in &fresh.items {
            let here = &kept.items[item];
            if phone::title(kept.class, here).is_some_and(|says| says.starts_with(STAND_IN)) {
                let says = phone::title(fresh.class, there);
                let origin = says.and_then(parse).map(|(origin, _)| origin);
                if origin.is_none() || origin != phone.chokes.as_deref() {
                    return Err(format!("{item} is kept from the phone"));
                }
                continue;
            }
            let is_own = own.contains(&(id.clone(), item.clone()));
            same(here, there, is_own).map_err(|e| format!("{item}: {e}"))?;
        }
    }
    Ok(())
}

/// What the server stamps itself, whatever the client sent.
const STAMPS: [Tag; 2] = [notes::LAST_MODIFIED_DATE, calendar::DT_STAMP];

/// Everything in `sent` is in `told`, which may hold more.
fn holds_all(told: &Node, sent: &Node) -> bool {
    let found = |node: &Node| told.all(node.tag).any(|other| holds_all(other, node));
    match &sent.content {
        Content::Nodes(nodes) => nodes.iter().all(found),
        content => *content == told.content,
    }
}

fn same(here: &Item, there: &Item, is_own: bool) -> Result<(), String> {
    for node in &here.properties {
        match there.get(node.tag) {
            Some(other) if other.content == node.content => {}
            Some(other) if is_own && holds_all(other, node) => {}
            Some(_) if is_own && STAMPS.contains(&node.tag) => {}
            None if is_own => {}
            other => return Err(format!("{node:?}, not {other:?}")),
        }
    }
    let missing = there
        .properties
        .iter()
        .find(|node| here.get(node.tag).is_none());
    match missing {
        Some(node) if !is_own => Err(format!("{node:?} is missing")),
        _ => Ok(()),
    }
}
