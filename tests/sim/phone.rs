//! A phone: the device of the model, what was typed on it, and what it waits for.

use std::collections::BTreeSet;

use roost_load::{
    Class, Device, Identity, Operation, QueryForm, Sync, SyncCollection, SyncCommand, SyncOptions,
    Version, profile,
};

use super::appliance::{PASSWORD, login};
use super::random::Random;
use super::samples;

/// What the title of a note in place of an item begins with.
pub(crate) const STAND_IN: &str = "Not shown on this device";

/// Something that was typed: sent until it is answered.
#[derive(Clone, Debug)]
pub(crate) struct Edit {
    pub(crate) collection: String,
    pub(crate) command: SyncCommand,
    /// The item, by where it came from.
    pub(crate) origin: String,
    /// What it is to say; of a deletion, and of a flag, nothing.
    pub(crate) text: Option<String>,
    /// It was on its way before: it may have arrived, and others may have come after it.
    pub(crate) sent: bool,
}

impl Edit {
    /// The item on the server, or the client's name for it.
    pub(crate) fn of(&self) -> &str {
        match &self.command {
            SyncCommand::Add { client_id, .. } => client_id,
            SyncCommand::Change { id, .. }
            | SyncCommand::Delete { id }
            | SyncCommand::Fetch { id } => id,
        }
    }
}

/// A request on its way, and what it carries.
#[derive(Clone, Debug)]
pub(crate) struct Flight {
    pub(crate) operation: Operation,
    pub(crate) edits: Vec<Edit>,
    pub(crate) send: Option<Letter>,
}

/// A mail that a phone sends.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    pub(crate) origin: String,
    pub(crate) to: usize,
    pub(crate) save: bool,
}

/// A phone of a user.
pub(crate) struct Phone {
    pub(crate) user: usize,
    pub(crate) device: Device,
    pub(crate) edits: Vec<Edit>,
    /// It got no answer, and is repeated.
    pub(crate) unanswered: Option<Flight>,
    /// The request that waits at the server.
    pub(crate) waits: Option<(u64, Flight)>,
    /// Items that it made or changed itself: it knows of them what it sent.
    pub(crate) own: BTreeSet<(String, String)>,
    /// The client's change wins over the server's.
    pub(crate) wins: bool,
    /// Where an item came from that the phone trips over: it drops every answer with that item in it.
    pub(crate) chokes: Option<String>,
    /// Names of new items that were answered.
    pub(crate) free_ids: Vec<String>,
    next: u64,
}

impl Phone {
    pub(crate) fn new(user: usize, number: usize, random: &mut Random) -> Self {
        let version = Version::ALL[random.below(Version::ALL.len())];
        let family = profile::ALL[random.below(profile::ALL.len())];
        let mut device = device(user, &format!("phone{number}"), version, family.clone());
        let wins = random.percent(40);
        let conflict = match (wins, random.percent(50)) {
            (true, _) => Some(0),
            (false, true) => Some(1),
            (false, false) => None,
        };
        device.options = SyncOptions {
            conflict,
            ..SyncOptions::TEXT
        };
        Self {
            user,
            device,
            edits: Vec::new(),
            unanswered: None,
            waits: None,
            own: BTreeSet::new(),
            wins,
            chokes: None,
            free_ids: Vec::new(),
            next: 0,
        }
    }

    /// Whether it trips over this answer. A note in place of the item names the item, and is none.
    pub(crate) fn trips_over(&self, answer: &[u8]) -> bool {
        let Some(origin) = &self.chokes else {
            return false;
        };
        // A title that begins so: the name after the token of an inline string.
        let title = format!("\u{3}{origin} ");
        let title = title.as_bytes();
        answer.windows(title.len()).any(|piece| piece == title)
    }

    /// A second device that asks for the same, and has nothing yet.
    pub(crate) fn twin(&self, number: usize) -> Device {
        let identity = &self.device.identity;
        let mut twin = device(
            self.user,
            &format!("twin{number}"),
            identity.version,
            identity.profile.clone(),
        );
        twin.options = self.device.options;
        twin
    }

    /// What the phone knows an item to say.
    pub(crate) fn title_of(&self, collection: &str, item: &str) -> Option<&str> {
        let known = self.device.collections.get(collection)?;
        title(known.class, known.items.get(item)?)
    }

    /// A name for an item that is new. Some clients count anew now and then, and use one again whose item
    /// was answered.
    pub(crate) fn item_id(&mut self, random: &mut Random) -> String {
        if random.percent(15)
            && let Some(id) = self.free_ids.pop()
        {
            return id;
        }
        self.new_id()
    }

    pub(crate) fn new_id(&mut self) -> String {
        self.next += 1;
        format!("c{}", self.next)
    }

    /// A collection that was synced before.
    pub(crate) fn collection(&self, random: &mut Random) -> Option<(String, Class)> {
        let known = self.device.collections.iter();
        let known: Vec<_> = known
            .filter(|(_, c)| c.key != "0")
            .map(|(id, c)| (id.clone(), c.class))
            .collect();
        random.pick(&known).cloned()
    }

    /// A Sync of a collection with what was typed for it.
    pub(crate) fn sync(&mut self, collection: &str, random: &mut Random) -> Flight {
        let known = self.device.collections.get(collection);
        let is_new = known.is_none_or(|c| c.key == "0");
        let mut edits = Vec::new();
        if !is_new {
            let mine = self.edits.iter_mut();
            let mine = mine.filter(|edit| edit.collection == collection).take(6);
            for edit in mine {
                edits.push(edit.clone());
                edit.sent = true;
            }
        }
        let window = random.percent(30).then(|| 1 + random.below(5) as u32);
        let collection = SyncCollection {
            id: collection.to_owned(),
            options: (!is_new).then(|| options(&self.device, collection)),
            deletes_as_moves: (!is_new).then_some(false),
            commands: edits.iter().map(|edit| edit.command.clone()).collect(),
            window,
            ..SyncCollection::default()
        };
        let sync = Sync {
            collections: vec![collection],
            ..Sync::default()
        };
        Flight::with(Operation::Sync(sync), edits)
    }

    /// What it does next by itself. What was typed goes with every Sync of its collection.
    pub(crate) fn next(&mut self, random: &mut Random) -> Option<Flight> {
        if self.device.wipe {
            return Some(Flight::of(Operation::AcknowledgeWipe(1)));
        }
        match self.device.next()? {
            Operation::Sync(sync) => Some(self.sync(&sync.collections.first()?.id, random)),
            operation => Some(Flight::of(operation)),
        }
    }

    /// It has nothing any more, and begins as it came out of the box.
    pub(crate) fn begin_anew(&mut self) {
        self.forget(|_| true);
        self.unanswered = None;
        self.waits = None;
        let device = &mut self.device;
        device.wipe = false;
        device.folder_key = "0".into();
        device.folders.clear();
        device.collections.clear();
        device.folders_stale = true;
    }

    /// Some clients do not repeat what got no answer: they wait for it to come back.
    pub(crate) fn forget_sent(&mut self) {
        self.edits.retain(|edit| !edit.sent);
    }

    /// What was typed for a collection that begins anew, or is gone, is not sent any more: of what
    /// was on its way nobody knows whether it arrived. Gives that.
    pub(crate) fn forget(&mut self, is_lost: impl Fn(&str) -> bool) -> Vec<Edit> {
        let (lost, kept) = std::mem::take(&mut self.edits)
            .into_iter()
            .partition(|edit: &Edit| is_lost(&edit.collection));
        self.edits = kept;
        self.own.retain(|(collection, _)| !is_lost(collection));
        lost
    }
}

impl Flight {
    pub(crate) fn of(operation: Operation) -> Self {
        Self::with(operation, Vec::new())
    }

    fn with(operation: Operation, edits: Vec<Edit>) -> Self {
        Self {
            operation,
            edits,
            send: None,
        }
    }
}

/// A device out of the box.
pub(crate) fn device(
    user: usize,
    id: &str,
    version: Version,
    family: roost_load::Profile,
) -> Device {
    Device::new(Identity {
        user: login(user),
        password: PASSWORD.to_owned(),
        device_id: id.to_owned(),
        version,
        form: QueryForm::Base64,
        profile: family,
    })
}

/// What a device wants of a collection: only mail and appointments are filtered by age.
pub(crate) fn options(device: &Device, collection: &str) -> SyncOptions {
    let class = device.collections.get(collection).map(|c| c.class);
    let by_age = matches!(class, Some(Class::Email | Class::Calendar));
    SyncOptions {
        filter: device.options.filter.filter(|_| by_age),
        ..device.options
    }
}

/// What a device does next by itself.
pub(crate) fn next(device: &Device) -> Option<Operation> {
    let mut operation = device.next()?;
    if let Operation::Sync(sync) = &mut operation {
        for asked in &mut sync.collections {
            asked.options = asked.options.map(|_| options(device, &asked.id));
        }
    }
    Some(operation)
}

/// What an item of a device says.
pub(crate) fn title(class: Class, item: &roost_load::Item) -> Option<&str> {
    item.text(samples::title(class))
}
