//! What people, phones and other clients do.

use roost::mailbox::{By, Device, Error, FolderRow, ItemRow, Wipe};
use roost::pim::{Class as Holds, Contact, ContactField, Event, Note, Record, Task};
use roost::wbxml::tags::{calendar, email};
use roost::work::block_on;
use roost_load::{Class, Operation, Sync, SyncCollection, SyncCommand, Version, Wait};

use super::appliance::{self, address};
use super::broken::Held;
use super::ledger::{Sure, parse, title};
use super::phone::{self, Edit, Flight, Letter};
use super::planted::Fault;
use super::random::Random;
use super::samples;
use super::world::{Mail, USERS, World};

/// Items that a phone leaves alone when it deletes, so that folders do not run empty.
const ITEMS_MIN: usize = 3;
/// What may wait on a phone to be sent.
const EDITS_MAX: usize = 12;

impl World {
    fn any_phone(&self, random: &mut Random) -> usize {
        random.below(self.phones.len())
    }

    /// Somebody types.
    pub(super) fn edit(&mut self, random: &mut Random) {
        let p = self.any_phone(random);
        let Some((collection, class)) = self.phones[p].collection(random) else {
            return;
        };
        if self.phones[p].edits.len() >= EDITS_MAX {
            return;
        }
        let (version, what) = (self.phones[p].device.version(), random.below(100));
        if class != Class::Email && what < 45 {
            let (origin, text) = (self.ledger.new_word('o'), self.ledger.new_word('t'));
            let command = SyncCommand::Add {
                client_id: self.phones[p].item_id(random),
                properties: samples::item(class, version, &title(&origin, &text)),
            };
            return self.typed(p, collection, command, origin, Some(text));
        }
        let Some((id, origin)) = self.some_item(p, &collection, class, random) else {
            return;
        };
        let left = self.phones[p].device.collections[&collection].items.len();
        if what >= 80 && left > ITEMS_MIN {
            let command = SyncCommand::Delete { id };
            return self.typed(p, collection, command, origin, None);
        }
        if class == Class::Email {
            let read = if random.percent(50) { "1" } else { "0" };
            let properties = vec![roost_load::tree::text(email::READ, read)];
            let command = SyncCommand::Change { id, properties };
            return self.typed(p, collection, command, origin, None);
        }
        let text = self.ledger.new_word('t');
        let mut properties = samples::item(class, version, &title(&origin, &text));
        // The UID of an appointment is for good.
        properties.retain(|node| node.tag != calendar::UID);
        let command = SyncCommand::Change { id, properties };
        self.typed(p, collection, command, origin, Some(text));
    }

    /// An item of a collection that is not being edited.
    fn some_item(
        &self,
        p: usize,
        collection: &str,
        class: Class,
        random: &mut Random,
    ) -> Option<(String, String)> {
        let phone = &self.phones[p];
        let known = phone.device.collections.get(collection)?;
        let ids: Vec<&String> = known.items.keys().collect();
        let id = (*random.pick(&ids)?).clone();
        let origin = parse(phone::title(class, &known.items[&id])?)?.0.to_owned();
        let busy = |edit: &Edit| edit.collection == collection && edit.of() == id;
        (!phone.edits.iter().any(busy)).then_some((id, origin))
    }

    fn typed(
        &mut self,
        p: usize,
        collection: String,
        command: SyncCommand,
        origin: String,
        text: Option<String>,
    ) {
        self.phones[p].edits.push(Edit {
            collection,
            command,
            origin,
            text,
            sent: false,
        });
    }

    /// A phone sends what was typed, and hears what is new.
    pub(super) fn sync(&mut self, random: &mut Random) -> Held {
        let p = self.any_phone(random);
        if self.repeat(p, random)? {
            return Ok(());
        }
        let typed = self.phones[p]
            .edits
            .first()
            .map(|edit| edit.collection.clone());
        let any = self.phones[p].collection(random).map(|(id, _)| id);
        let chosen = if random.percent(70) {
            typed.or(any)
        } else {
            any
        };
        match chosen {
            Some(collection) => {
                let flight = self.phones[p].sync(&collection, random);
                self.ask(p, flight, random)
            }
            None => self.go_on(p, random),
        }
    }

    /// A phone does what it does by itself.
    pub(super) fn next(&mut self, random: &mut Random) -> Held {
        let p = self.any_phone(random);
        if self.repeat(p, random)? {
            return Ok(());
        }
        self.go_on(p, random)
    }

    fn go_on(&mut self, p: usize, random: &mut Random) -> Held {
        match self.phones[p].next(random) {
            Some(flight) => self.ask(p, flight, random),
            None => Ok(()),
        }
    }

    /// Mail comes in; what was not taken the last time is tried again.
    pub(super) fn deliver(&mut self, random: &mut Random) {
        if random.percent(70) || self.mails.is_empty() {
            let origin = self.ledger.new_word('o');
            let to = match random.below(USERS + 1) {
                USERS => (0..USERS).collect(),
                user => vec![user],
            };
            for user in &to {
                let name = (*user, origin.clone());
                self.ledger.made(&name, "m", None, Sure::Maybe);
            }
            let message = letter(&origin, "user0@example.org");
            self.mails.push(Mail {
                origin,
                message,
                to,
            });
        }
        let at = random.below(self.mails.len());
        let mail = self.mails.swap_remove(at);
        self.hand_over(mail);
    }

    pub(super) fn hand_over(&mut self, mut mail: Mail) {
        let taken = self.appliance().deliver(&mail.to, &mail.message);
        if self.planted.is(Fault::DeliversTwice) {
            let other = mail.message.replace("Message-ID: <", "Message-ID: <2");
            self.appliance().deliver(&mail.to, &other);
        }
        let mut taken = taken.into_iter();
        let (ledger, origin) = (&mut self.ledger, mail.origin.clone());
        mail.to.retain(|user| {
            let taken = taken.next().unwrap_or(false);
            if taken {
                ledger.made(&(*user, origin.clone()), "m", None, Sure::Yes);
            }
            !taken
        });
        if !mail.to.is_empty() {
            self.mails.push(mail);
        }
    }

    /// Another client, without a phone. Whether it came to that is what the commit says.
    pub(super) fn elsewhere(&mut self, random: &mut Random) {
        let user = random.below(USERS);
        let _ = self.edit_elsewhere(user, random);
    }

    fn edit_elsewhere(&mut self, user: usize, random: &mut Random) -> Result<(), Error> {
        let (mailbox, scope) = (
            self.appliance().mailbox().clone(),
            self.appliance().scope(user),
        );
        let folders: Vec<FolderRow> = block_on(mailbox.folders(scope))?
            .into_iter()
            .filter(|folder| folder.class().is_some())
            .collect();
        let Some(folder) = random.pick(&folders) else {
            return Ok(());
        };
        let Some(class) = folder.class() else {
            return Ok(());
        };
        let page = block_on(mailbox.list_items(scope, folder.id, None, 60))?;
        let row = random.pick(&page.items).cloned();
        let mut tx = mailbox.transaction(scope, By::default());
        match (random.below(10), row) {
            (0..=3, _) | (_, None) if class != Holds::Email => {
                let (origin, text) = (self.ledger.new_word('o'), self.ledger.new_word('t'));
                let record = record(class, &title(&origin, &text));
                let name = (user, origin);
                self.ledger.made(&name, &text, None, Sure::Maybe);
                block_on(tx.add(folder, &record))?;
                block_on(tx.commit())?;
                self.ledger.made(&name, &text, None, Sure::Yes);
            }
            (_, None) => {}
            (0..=7, Some(row)) => self.change_elsewhere(user, &row, tx)?,
            (_, Some(row)) => {
                let Some((origin, _)) = origin_of(&row) else {
                    return Ok(());
                };
                let name = (user, origin);
                self.ledger.gone(&name, Sure::Maybe);
                tx.delete(&row)?;
                block_on(tx.commit())?;
                self.ledger.gone(&name, Sure::Yes);
            }
        }
        Ok(())
    }

    fn change_elsewhere(
        &mut self,
        user: usize,
        row: &ItemRow,
        mut tx: roost::mailbox::Tx,
    ) -> Result<(), Error> {
        let Some((origin, old)) = origin_of(row) else {
            return Ok(());
        };
        let name = (user, origin.clone());
        let mut text = self.ledger.new_word('t');
        let mut record = row.to_record().map_err(|_| Error::NotFound)?;
        let says = title(&origin, &text);
        match &mut record {
            Record::Message(mail) => {
                mail.read = !mail.read;
                text = old;
            }
            Record::Contact(contact) => contact.set(ContactField::LastName, says),
            Record::Event(event) => event.subject = says,
            Record::Task(task) => task.subject = says,
            Record::Note(note) => note.subject = says,
        }
        self.ledger.changed(&name, &text, None, Sure::Maybe);
        tx.update(row, &record)?;
        block_on(tx.commit())?;
        self.ledger.changed(&name, &text, None, Sure::Yes);
        Ok(())
    }

    /// A phone waits for changes of some collections.
    pub(super) fn ping(&mut self, random: &mut Random) -> Held {
        let p = self.any_phone(random);
        if self.repeat(p, random)? {
            return Ok(());
        }
        let folders = self.watched(p, random);
        if folders.is_empty() {
            return self.go_on(p, random);
        }
        let heartbeat_s = 60 + random.below(600) as u32;
        let operation = Operation::Ping {
            folders,
            heartbeat_s,
        };
        self.ask(p, Flight::of(operation), random)
    }

    /// The same with a Sync, where the version has that.
    pub(super) fn wait(&mut self, random: &mut Random) -> Held {
        let p = self.any_phone(random);
        if self.repeat(p, random)? {
            return Ok(());
        }
        let folders = self.watched(p, random);
        if folders.is_empty() || self.phones[p].device.version() < Version::V12_1 {
            return self.go_on(p, random);
        }
        let unanswered = self.phones[p].edits.iter().find(|edit| edit.sent);
        if let Some(collection) = unanswered.map(|edit| edit.collection.clone()) {
            let flight = self.phones[p].sync(&collection, random);
            return self.ask(p, flight, random);
        }
        let device = &self.phones[p].device;
        let collection = |id: String| SyncCollection {
            options: Some(phone::options(device, &id)),
            id,
            ..SyncCollection::default()
        };
        let sync = Sync {
            collections: folders.into_iter().map(collection).collect(),
            wait: Some(Wait::Minutes(1 + random.below(10) as u32)),
            ..Sync::default()
        };
        self.ask(p, Flight::of(Operation::Sync(sync)), random)
    }

    fn watched(&self, p: usize, random: &mut Random) -> Vec<String> {
        let known = self.phones[p].device.collections.iter();
        let known = known.filter(|(_, c)| c.key != "0");
        let mut ids: Vec<String> = known.map(|(id, _)| id.clone()).collect();
        while ids.len() > 4 {
            ids.swap_remove(random.below(ids.len()));
        }
        ids
    }

    /// A phone changes the hierarchy.
    pub(super) fn folder(&mut self, random: &mut Random) -> Held {
        let p = self.any_phone(random);
        if self.repeat(p, random)? || self.phones[p].device.folder_key == "0" {
            return Ok(());
        }
        let device = &self.phones[p].device;
        let own = device.folders.values().filter(|f| f.kind == 12);
        let own: Vec<String> = own.map(|f| f.id.clone()).collect();
        let parent = "0".to_owned();
        let operation = match (random.below(10), random.pick(&own).cloned()) {
            (0..=2, Some(id)) => {
                // Under another folder, which may be gone, or lie under this one.
                let above = random.pick(&own).filter(|_| random.percent(40));
                Operation::FolderUpdate {
                    parent: above.cloned().unwrap_or(parent),
                    id,
                    name: self.ledger.new_word('f'),
                }
            }
            (3..=5, Some(id)) => {
                self.may_lose(self.phones[p].user, &id);
                Operation::FolderDelete { id }
            }
            _ if own.len() < 3 => Operation::FolderCreate {
                parent,
                name: self.ledger.new_word('f'),
                kind: 12,
            },
            _ => return Ok(()),
        };
        self.ask(p, Flight::of(operation), random)
    }

    /// What lies in a folder may be gone.
    fn may_lose(&mut self, user: usize, folder: &str) {
        let lies_there = |row: &&ItemRow| row.folder.0.to_string() == folder;
        let rows = self.appliance().items(user);
        for (origin, _) in rows.iter().filter(lies_there).filter_map(origin_of) {
            self.ledger.gone(&(user, origin), Sure::Maybe);
        }
    }

    /// A phone moves a mail.
    pub(super) fn move_mail(&mut self, random: &mut Random) -> Held {
        let p = self.any_phone(random);
        if self.repeat(p, random)? {
            return Ok(());
        }
        let device = &self.phones[p].device;
        let mails = device.collections.iter();
        let mails = mails.filter(|(_, c)| c.class == Class::Email && c.key != "0");
        let ids: Vec<&String> = mails.map(|(id, _)| id).collect();
        let (Some(from), Some(to)) = (random.pick(&ids), random.pick(&ids)) else {
            return Ok(());
        };
        let items: Vec<&String> = device.collections[*from].items.keys().collect();
        let Some(item) = random.pick(&items).filter(|_| from != to) else {
            return Ok(());
        };
        // Into a folder that another phone may be deleting: then it goes with it.
        if device.folders.get(*to).is_some_and(|f| f.kind == 12)
            && let Some(known) = device.collections[*from].items.get(*item)
            && let Some((origin, _)) = phone::title(Class::Email, known).and_then(parse)
        {
            let name = (self.phones[p].user, origin.to_owned());
            self.ledger.gone(&name, Sure::Maybe);
        }
        let device = &self.phones[p].device;
        let busy = |edit: &Edit| edit.of() == **item;
        if self.phones[p].edits.iter().any(busy) || !device.collections.contains_key(*from) {
            return Ok(());
        }
        let moved = ((*item).clone(), (*from).clone(), (*to).clone());
        self.ask(p, Flight::of(Operation::Move(vec![moved])), random)
    }

    /// A phone sends a mail to the other user.
    pub(super) fn send(&mut self, random: &mut Random) -> Held {
        let p = self.any_phone(random);
        if self.repeat(p, random)? {
            return Ok(());
        }
        let origin = self.ledger.new_word('o');
        let to = (self.phones[p].user + 1) % USERS;
        let save = random.percent(50);
        let mime = letter(&origin, &address(to)).replace('\n', "\r\n");
        let client_id = self.phones[p].new_id();
        let mime = mime.into_bytes();
        let operation = match self.a_mail(p, random).filter(|_| random.percent(50)) {
            Some(of) => Operation::Smart {
                forward: random.percent(50),
                of,
                client_id,
                mime,
                save,
            },
            None => Operation::SendMail {
                client_id,
                mime,
                save,
            },
        };
        let mut flight = Flight::of(operation);
        flight.send = Some(Letter { origin, to, save });
        self.ask(p, flight, random)
    }

    /// A mail that a phone has: its collection and its id.
    fn a_mail(&self, p: usize, random: &mut Random) -> Option<(String, String)> {
        let known = self.phones[p].device.collections.iter();
        let mails = known.filter(|(_, c)| c.class == Class::Email);
        let ids: Vec<_> = mails
            .flat_map(|(id, c)| c.items.keys().map(move |item| (id, item)))
            .collect();
        let (collection, item) = random.pick(&ids)?;
        Some(((*collection).clone(), (*item).clone()))
    }

    /// Somebody sets how much of the past is wanted.
    pub(super) fn filter(&mut self, random: &mut Random) {
        let p = self.any_phone(random);
        let filter = [0, 4, 5][random.below(3)];
        self.phones[p].device.options.filter = Some(filter);
        self.phones[p].device.refresh();
    }

    /// A phone trips over an item, or an update has mended it.
    pub(super) fn choke(&mut self, random: &mut Random) {
        let p = self.any_phone(random);
        let rows = self.appliance().items(self.phones[p].user);
        let origins: Vec<String> = rows.iter().filter_map(origin_of).map(|o| o.0).collect();
        let any = random.pick(&origins).cloned();
        self.phones[p].chokes = any.filter(|_| random.percent(70));
    }

    /// A phone looks at everything, or begins anew.
    pub(super) fn again(&mut self, random: &mut Random) {
        let p = self.any_phone(random);
        if random.percent(60) {
            return self.phones[p].device.refresh();
        }
        self.phones[p].begin_anew();
    }

    /// An administrator sets another policy for a user, or has a phone wiped. The store may be failing.
    pub(super) fn policy(&mut self, random: &mut Random) {
        let p = self.any_phone(random);
        let user = self.phones[p].user;
        let (mailbox, scope) = (
            self.appliance().mailbox().clone(),
            self.appliance().scope(user),
        );
        if random.percent(30) {
            let id = &self.phones[p].device.identity.device_id;
            let Ok(Some(device)) = block_on(mailbox.find_device(scope, id)) else {
                return;
            };
            let wipe = |device: &mut Device| device.wipe = Wipe::Device;
            let _ = block_on(mailbox.change_device(scope, device.number, wipe));
            return;
        }
        let Ok(row) = block_on(mailbox.account(scope)) else {
            return;
        };
        let mut account = row.account.clone();
        let setting = |value: &str| vec![("MinDevicePasswordLength".into(), value.into())];
        account.policy = match random.below(3) {
            0 => Vec::new(),
            1 => setting("4"),
            _ => setting("6"),
        };
        let _ = block_on(mailbox.update_account(&row, &account));
    }
}

fn letter(origin: &str, to: &str) -> String {
    format!(
        "From: elsewhere@example.net\nTo: {to}\nSubject: {origin} m\n\
         Date: Thu, 01 Jan 2026 00:00:00 +0000\nMessage-ID: <{origin}@sim>\n\nText of {origin}.\n"
    )
}

fn origin_of(row: &ItemRow) -> Option<(String, String)> {
    let says = appliance::title(row);
    parse(&says).map(|(origin, text)| (origin.to_owned(), text.to_owned()))
}

fn record(class: Holds, says: &str) -> Record {
    match class {
        Holds::Contacts => {
            let mut contact = Contact::default();
            contact.set(ContactField::LastName, says);
            Record::Contact(contact)
        }
        Holds::Calendar => Record::Event(Event {
            uid: format!("uid-of-{}", says.replace(' ', "-")),
            subject: says.to_owned(),
            start_ms: 1_800_000_000_000,
            end_ms: 1_800_003_600_000,
            ..Event::default()
        }),
        Holds::Notes => Record::Note(Note {
            subject: says.to_owned(),
            ..Note::default()
        }),
        Holds::Tasks | Holds::Email => Record::Task(Task {
            subject: says.to_owned(),
            ..Task::default()
        }),
    }
}
