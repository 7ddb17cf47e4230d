//! What people do at their devices, and the mail that a device sends for the scenario.
//!
//! Open model: each kind of thing has its own times, drawn ahead; what finds the device busy waits in
//! line, and its latency counts from the time that was meant. Closed model: one thing after the other,
//! with time to think between.

use super::ask::{SENT_BEFORE, Trouble};
use super::dice::Dice;
use super::phone::Phone;
use super::shared::{Shared, Stage};
use super::witness::{Letter, Who};
use crate::load::scenario::{Model, People};
use crate::tree::{node, text};
use crate::{Node, Operation, Outcome, Sync, SyncCollection, SyncCommand, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use roost::wbxml::tags::{airsyncbase, calendar, contacts, email};

/// Items that are looked through for one to act on, at most.
const CHOICE_MAX: usize = 1_000;
/// The folder types that people act on.
const INBOX: u32 = 2;
const CALENDAR: u32 = 8;
const CONTACTS: u32 = 9;

/// What people do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Act {
    Read,
    Unread,
    Delete,
    Send,
    Contact,
    Event,
    Search,
}

const ACTS: [Act; 7] = [
    Act::Read,
    Act::Unread,
    Act::Delete,
    Act::Send,
    Act::Contact,
    Act::Event,
    Act::Search,
];

/// What is due when.
#[derive(Default)]
pub(super) struct Agenda {
    drawn: bool,
    /// When each of [`ACTS`] is meant to happen next; `u64::MAX`: never.
    due_us: [u64; 7],
    /// Things made so far.
    made: u32,
}

/// So often each second.
fn rates(people: &People) -> [f64; 7] {
    [
        people.read_per_h,
        people.unread_per_h,
        people.delete_per_h,
        people.send_per_h,
        people.contact_per_h,
        people.event_per_h,
        people.search_per_h,
    ]
    .map(|per_h| per_h / 3_600.0)
}

impl Phone {
    /// When the next thing is due; `u64::MAX`: never.
    pub(super) fn acts_us(&mut self) -> u64 {
        let letter_us = self.core.letter_us(self.who.device);
        self.draw();
        if !self.agenda.drawn {
            return letter_us;
        }
        let end_us = self.core.shared.ends_us().unwrap_or(u64::MAX);
        let first = self.agenda.due_us.iter().min().copied();
        let first = first.filter(|us| *us <= end_us).unwrap_or(u64::MAX);
        first.min(letter_us)
    }

    /// Whether something is due now.
    pub(super) fn is_due(&mut self) -> bool {
        self.acts_us() <= self.now_us()
    }

    /// Draws the first times, when the run begins.
    fn draw(&mut self) {
        let Some(since_us) = self.core.shared.running_since_us() else {
            return;
        };
        if self.agenda.drawn {
            return;
        }
        self.agenda.drawn = true;
        let people = &self.core.shared.scenario.people;
        let gaps = rates(people).map(|rate| self.dice.gap_us(rate));
        self.agenda.due_us = gaps.map(|gap| gap.map_or(u64::MAX, |gap| since_us + gap));
        if self.core.shared.scenario.model == Model::Closed {
            self.think();
        }
    }

    /// Closed model: one thing, after the time to think.
    fn think(&mut self) {
        let people = &self.core.shared.scenario.people;
        let rates = rates(people);
        let think_us = self.dice.gap_us(1.0 / people.think_s.max(0.01));
        let mut left = self.dice.part() * rates.iter().sum::<f64>();
        self.agenda.due_us = [u64::MAX; 7];
        for (due_us, rate) in self.agenda.due_us.iter_mut().zip(rates) {
            if rate > 0.0 && left <= rate {
                *due_us = self.core.alarms.now_us() + think_us.unwrap_or(0);
                return;
            }
            left -= rate;
        }
    }

    /// Does what is due, in the order in which it was meant.
    pub(super) async fn act(&mut self, aside: bool) -> Result<(), Trouble> {
        loop {
            if !self.is_due() {
                return Ok(());
            }
            if self.core.shared.stage() == Stage::Look {
                // The others look already: what comes now would be missed.
                self.core.meter().count("acts too late", 1);
                return Ok(());
            }
            if let Some((meant_us, letter)) = self.core.letter(self.who.device) {
                if Box::pin(self.send(letter, meant_us, aside)).await? {
                    self.core.meter().injected();
                }
                continue;
            }
            let due_us = self.agenda.due_us;
            let first = (0..).zip(due_us).min_by_key(|(_, us)| *us);
            let Some((index, meant_us)) = first.filter(|(_, us)| *us != u64::MAX) else {
                return Ok(());
            };
            let Some(act) = ACTS.get(index).copied() else {
                return Ok(());
            };
            let open = self.core.shared.scenario.model == Model::Open;
            if open {
                let rates = rates(&self.core.shared.scenario.people);
                let gap = rates.get(index).and_then(|rate| self.dice.gap_us(*rate));
                if let Some(due_us) = self.agenda.due_us.get_mut(index) {
                    *due_us = gap.map_or(u64::MAX, |gap| meant_us.saturating_add(gap));
                }
            }
            let done = Box::pin(self.do_one(act, meant_us, aside)).await;
            if !open {
                self.think();
            }
            done?;
        }
    }

    async fn do_one(&mut self, act: Act, meant_us: u64, aside: bool) -> Result<(), Trouble> {
        self.core.meter().count("acts", 1);
        match act {
            Act::Read | Act::Unread | Act::Delete => self.touch(act, meant_us, aside).await,
            Act::Contact => self.add(CONTACTS, "contact", meant_us, aside).await,
            Act::Event => self.add(CALENDAR, "event", meant_us, aside).await,
            Act::Search => self.search(meant_us, aside).await,
            Act::Send => {
                let (share, users) = (self.core.shared.share, self.core.shared.users().max(1));
                let others = usize::try_from(users).unwrap_or(1);
                let drawn = u32::try_from(self.dice.below(others)).unwrap_or(0);
                let to_user = match share.user(drawn) == self.who.user {
                    true => share.user((drawn + 1) % users),
                    false => share.user(drawn),
                };
                let made = self.makes();
                let witness = &self.core.shared.witness;
                let subject = witness.subject(self.who, "mail", made, to_user);
                let ends = (self.who, to_user);
                let mime = mail(&self.core.shared, ends, (&subject, made), &mut self.dice);
                let letter = Letter {
                    from_device: self.who.device,
                    to_user,
                    subject,
                    mime,
                };
                self.send(letter, meant_us, aside).await.map(|_| ())
            }
        }
    }

    fn makes(&mut self) -> u32 {
        self.agenda.made += 1;
        self.agenda.made
    }

    /// Marks a mail as read or as unread, or deletes it.
    async fn touch(&mut self, act: Act, meant_us: u64, aside: bool) -> Result<(), Trouble> {
        let read = match act {
            Act::Read => Some(true),
            Act::Unread => Some(false),
            _ => None,
        };
        let Some((collection, id)) = self.choose(read.map(|read| !read)) else {
            self.core.meter().count("acts without an item", 1);
            return Ok(());
        };
        let Some(item) = self.item(&collection, &id).cloned() else {
            return Ok(());
        };
        let witness = std::sync::Arc::clone(&self.core.shared.witness);
        let tell = |phone: &Self, done| {
            let seen = phone.seen(&collection, &id, &item);
            match read {
                Some(read) => witness.marks(phone.who, &seen, read, done),
                None => witness.deletes(phone.who, &seen, done),
            }
        };
        tell(self, false);
        let command = match read {
            Some(read) => SyncCommand::Change {
                id: id.clone(),
                properties: vec![text(email::READ, if read { "1" } else { "0" })],
            },
            None => SyncCommand::Delete { id: id.clone() },
        };
        let operation = change(&collection, command, act == Act::Delete);
        match Box::pin(self.ask(operation, meant_us, aside)).await {
            Ok(outcome) if went_well(&outcome) => tell(self, true),
            failed => {
                let subject = item.text(email::SUBJECT).unwrap_or_default();
                self.unsure(subject);
                failed?;
            }
        }
        Ok(())
    }

    /// A mail of ours in the inbox, that is marked so.
    fn choose(&mut self, marked: Option<bool>) -> Option<(String, String)> {
        let inbox = self.device.folder(INBOX)?.id.clone();
        let collection = self.device.collections.get(&inbox)?;
        let witness = &self.core.shared.witness;
        let fits = |(id, item): (&String, &crate::Item)| {
            let ours = witness.is_ours(item.text(email::SUBJECT)?);
            let is_read = item.text(email::READ) == Some("1");
            let fits = marked.is_none_or(|read| read == is_read);
            (ours && fits).then(|| id.clone())
        };
        let all = collection.items.iter().take(CHOICE_MAX).filter_map(fits);
        let mut all: Vec<String> = all.collect();
        let chosen = self.dice.below(all.len());
        (chosen < all.len()).then(|| (inbox, all.swap_remove(chosen)))
    }

    /// Adds an item.
    async fn add(
        &mut self,
        folder: u32,
        kind: &str,
        meant_us: u64,
        aside: bool,
    ) -> Result<(), Trouble> {
        let found = self.device.folder(folder).map(|folder| folder.id.clone());
        let known = |id: &String| self.device.collections.contains_key(id);
        let Some(collection) = found.filter(known) else {
            self.core.meter().count("acts without a folder", 1);
            return Ok(());
        };
        let made = self.makes();
        let witness = std::sync::Arc::clone(&self.core.shared.witness);
        let subject = witness.subject(self.who, kind, made, self.who.user);
        witness.adds(self.who, &collection, &subject, None);
        let properties = match folder {
            CONTACTS => contact(&subject),
            _ => event(self.device.version(), &subject, made),
        };
        let command = SyncCommand::Add {
            client_id: self.client_id(made),
            properties,
        };
        let operation = change(&collection, command, false);
        match Box::pin(self.ask(operation, meant_us, aside)).await {
            Ok(outcome) if went_well(&outcome) => {
                let id = outcome.responses.iter().find_map(|r| r.id.as_deref());
                witness.adds(self.who, &collection, &subject, id);
            }
            failed => {
                self.unsure(&subject);
                failed?;
            }
        }
        Ok(())
    }

    /// Sends a mail; whether it was accepted.
    async fn send(&mut self, letter: Letter, meant_us: u64, aside: bool) -> Result<bool, Trouble> {
        let witness = std::sync::Arc::clone(&self.core.shared.witness);
        let Letter {
            to_user,
            subject,
            mime,
            ..
        } = letter;
        witness.sends(self.who, to_user, &subject, None);
        let made = self.makes();
        let operation = Operation::SendMail {
            client_id: self.client_id(made),
            mime,
            save: false,
        };
        match Box::pin(self.ask(operation, meant_us, aside)).await {
            Ok(outcome) if outcome.ok() || outcome.status == Some(SENT_BEFORE) => {
                let accepted_us = Some(self.now_us());
                witness.sends(self.who, to_user, &subject, accepted_us);
                Ok(true)
            }
            failed => {
                self.unsure(&subject);
                failed.map(|_| false)
            }
        }
    }

    /// Searches for what all our mails have in them.
    async fn search(&mut self, meant_us: u64, aside: bool) -> Result<(), Trouble> {
        let (query, range) = ("roost-load".to_owned(), (0, 24));
        let version = self.device.version();
        let operation = if version >= Version::V16_1 {
            let made = self.makes();
            let id = format!("{:08x}{made:08x}", self.who.device);
            Operation::Find { id, query, range }
        } else if version >= Version::V12_0 {
            Operation::SearchMailbox { query, range }
        } else {
            Operation::SearchGal { query, range }
        };
        Box::pin(self.ask(operation, meant_us, aside)).await?;
        Ok(())
    }

    /// A name for what it made: never used before, in no other run either.
    fn client_id(&self, made: u32) -> String {
        format!("{:x}-{}-{made}", self.core.shared.run, self.who.device)
    }

    fn unsure(&self, subject: &str) {
        self.core.meter().count("acts that failed", 1);
        self.core.shared.witness.unsure(self.who, subject);
    }
}

/// A Sync of one collection with one command.
fn change(collection: &str, command: SyncCommand, deletes: bool) -> Operation {
    Operation::Sync(Sync {
        collections: vec![SyncCollection {
            id: collection.to_owned(),
            deletes_as_moves: deletes.then_some(true),
            commands: vec![command],
            ..SyncCollection::default()
        }],
        ..Sync::default()
    })
}

/// Whether a change was taken.
fn went_well(outcome: &Outcome) -> bool {
    outcome.ok()
        && !outcome.collections.is_empty()
        && outcome.collections.iter().all(|(_, status)| *status == 1)
        && outcome.responses.iter().all(|r| r.status == 1)
}

fn contact(name: &str) -> Vec<Node> {
    vec![
        text(contacts::FILE_AS, name),
        text(contacts::FIRST_NAME, "Load"),
        text(contacts::LAST_NAME, name),
        text(contacts::EMAIL1_ADDRESS, "load@example.org"),
    ]
}

fn event(version: Version, subject: &str, made: u32) -> Vec<Node> {
    let modern = version >= Version::V16_0;
    let (day, hour) = (made / 20 % 28 + 1, made % 20);
    // 172 bytes of zero: UTC without daylight saving time.
    let mut event = vec![text(calendar::TIMEZONE, STANDARD.encode([0; 172]))];
    if !modern {
        event.push(text(calendar::DT_STAMP, "20260101T000000Z"));
    }
    let start = format!("202901{day:02}T{hour:02}0000Z");
    let end = format!("202901{day:02}T{:02}0000Z", hour + 1);
    event.extend([
        text(calendar::START_TIME, start),
        text(calendar::SUBJECT, subject),
    ]);
    if !modern {
        event.push(text(calendar::UID, subject.replace(' ', "-")));
        event.push(text(calendar::LOCATION, "Room 7"));
    }
    event.extend([
        text(calendar::END_TIME, end),
        text(calendar::SENSITIVITY, "0"),
        text(calendar::BUSY_STATUS, "2"),
        text(calendar::ALL_DAY_EVENT, "0"),
        text(calendar::MEETING_STATUS, "0"),
    ]);
    if modern {
        let place = vec![text(airsyncbase::DISPLAY_NAME, "Room 7")];
        event.push(node(airsyncbase::LOCATION, place));
    }
    event
}

/// A mail of a device to a user.
pub(super) fn mail(
    shared: &Shared,
    (from, to_user): (Who, u32),
    (subject, made): (&str, u32),
    dice: &mut Dice,
) -> Vec<u8> {
    let scenario = &shared.scenario;
    let (run, device) = (shared.run, from.device);
    let from = scenario.users.login(from.user).address;
    let to = scenario.users.login(to_user).address;
    let date = crate::load::inject::date(shared.meters.clock().now_ms());
    let mut mail = format!(
        "From: <{from}>\r\nTo: <{to}>\r\nDate: {date}\r\nSubject: {subject}\r\n\
         Message-ID: <{run:x}.{device}.{made}@roost-load.invalid>\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\r\n"
    );
    let bytes = scenario.mail.bytes.draw((dice.part(), dice.part()));
    while mail.len() < bytes {
        mail.push_str("Written by roost-load, to see whether it arrives once.\r\n");
    }
    mail.into_bytes()
}
