//! The appliance of a dialogue, and what the lines about it mean, whether they stand at its head or
//! behind an exclamation mark:
//!
//! | line | meaning |
//! |---|---|
//! | `policy MinDevicePasswordLength=4` | at the head only: demanded of all devices |
//! | `ceiling 14.1` | at the head only: no version above it |
//! | `certificates` | at the head only: a root that is trusted, and certificates of all sorts (see `papers`) |
//! | `there is lunch` | the thing in `things/lunch.*`: a mail comes in, other things are in their folder; `{lunch}` is its id |
//! | `there is lunch in drafts`, `... as supper` | into that folder, by that name |
//! | `there are 5 of lunch` | five mails in the inbox, under no name |
//! | `phone knows folders` | it has done FolderSync: `{folders}` is its key |
//! | `phone has inbox` | it has synced it to the end: `{inbox-key}` is its key |
//! | `bob has a photo`, `bob has certificate {good}` | in the address list |
//! | `someone deletes {lunch}`, `reads {lunch}` | another client does |
//! | `someone creates folder Bills`, `deletes folder {bills}` | the folder is `{bills}` |
//! | `someone renames folder {bills} to Paid` | |
//! | `60 seconds pass`, `3 minutes pass`, `2 days pass` | |
//! | `the disk is full`, `the store fails`, `the store breaks`, `the store works` | what is written is refused, lost, or the last that was |
//! | `the server restarts` | |
//! | `phone is forgotten` | what it holds is; it has to begin anew |
//! | `phone is blocked`, `phone is to be wiped`, `phone is to be wiped of the account` | |
//! | `alice is disabled` | |
//! | `the policy of alice says AllowCamera=0` | |
//!
//! Devices have the name that they are called by. Default folders are `{inbox}`, `{calendar}` and so
//! on. It is New Year 2026, UTC, and there are Alice Archer, Bob Brown and Carol Clark, whose
//! addresses are `alice@example.org` and so on.

use crate::appliance::{Appliance, Reply};
use crate::papers::{self, Papers};
use crate::pattern::{Names, fill};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use roost::clock::Clock;
use roost::eas::Settings;
use roost::eas::version::Version;
use roost::mailbox::{
    Access, AccountStatus, By, DeviceRow, FolderId, FolderKind, Portrait, ServerId, Wipe,
};
use roost::pim::ical::{self, Found};
use roost::pim::{Record, vcard};
use roost::store::{Fault, FaultPlan};
use roost::work::block_on;
use roost_load::{Answer, Request};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// 2026-01-01T00:00:00Z.
const NEW_YEAR_MS: i64 = 1_767_225_600_000;
const USERS: [(&str, &str); 3] = [
    ("alice", "Alice Archer"),
    ("bob", "Bob Brown"),
    ("carol", "Carol Clark"),
];
const FOLDERS: [(&str, FolderKind); 9] = [
    ("inbox", FolderKind::Inbox),
    ("drafts", FolderKind::Drafts),
    ("deleted", FolderKind::DeletedItems),
    ("sent", FolderKind::SentItems),
    ("outbox", FolderKind::Outbox),
    ("tasks", FolderKind::Tasks),
    ("calendar", FolderKind::Calendar),
    ("contacts", FolderKind::Contacts),
    ("notes", FolderKind::Notes),
];

/// An appliance with its users.
pub(crate) struct House {
    appliance: Option<Appliance>,
    clock: Clock,
    pub(crate) names: Names,
    _papers: Option<Papers>,
    /// Who waits, by ticket.
    pub(crate) waiting: BTreeMap<u64, String>,
}

/// Where the dialogues are.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialog")
}

impl House {
    /// One with these settings; returns the lines that were none.
    pub(crate) fn new(lines: &[String]) -> Result<(Self, Vec<String>), String> {
        let mut settings = Settings::default();
        let (mut others, mut names) = (Vec::new(), Names::new());
        let mut papers = None;
        for line in lines {
            match line.split_once(' ') {
                Some(("policy", words)) => settings.policy = pairs(words)?,
                Some(("ceiling", text)) => {
                    let version = Version::parse(text).ok_or("not a version")?;
                    settings.version_max = version;
                }
                None if line == "certificates" => {
                    let made = papers::make();
                    settings.trust = Arc::clone(&made.trust);
                    names.clone_from(&made.names);
                    papers = Some(made);
                }
                _ => others.push(line.clone()),
            }
        }
        let clock = Clock::manual(NEW_YEAR_MS);
        let users = USERS.map(|(login, name)| (login.to_owned(), name.to_owned()));
        let appliance = Appliance::housing(&users, &clock, false, settings);
        let mut house = Self {
            appliance: Some(appliance),
            clock,
            names,
            _papers: papers,
            waiting: BTreeMap::new(),
        };
        for (name, kind) in FOLDERS {
            let mailbox = house.appliance().mailbox();
            let scope = house.appliance().scope(0);
            let folder = block_on(mailbox.folder_of_kind(scope, kind));
            let id = folder.map_err(|e| e.to_string())?.id.to_string();
            house.names.insert(name.to_owned(), id);
        }
        Ok((house, others))
    }

    fn appliance(&self) -> &Appliance {
        self.appliance.as_ref().unwrap()
    }

    /// Asks; none: it waits. Then the answers to others that this brought.
    pub(crate) fn ask(&mut self, device: &str, request: &Request) -> (Option<Answer>, Vec<Answer>) {
        let appliance = self.appliance.as_mut().unwrap();
        let answer = match appliance.serve(&[request]).remove(0) {
            Reply::Answer(answer) => Some(answer),
            Reply::Waits(ticket) => {
                self.waiting.insert(ticket, device.to_owned());
                None
            }
        };
        (answer, self.heard())
    }

    /// The answers to those who wait that what happened brings.
    pub(crate) fn heard(&mut self) -> Vec<Answer> {
        let appliance = self.appliance.as_mut().unwrap();
        let mut answers = appliance.pump();
        answers.extend(appliance.expire());
        let mut told = Vec::new();
        for (ticket, answer) in answers {
            self.waiting.remove(&ticket);
            told.push(answer);
        }
        told
    }

    /// Does what a line says, other than what devices do.
    pub(crate) fn perform(&mut self, line: &str) -> Result<(), String> {
        let line = fill(line, &self.names)?;
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["there", "is", thing, rest @ ..] => self.put(thing, rest),
            ["there", "are", count, "of", thing] => {
                let count: usize = count.parse().map_err(|_| "not a count")?;
                // Not delivered: a mail that comes in twice is taken once.
                (0..count).try_for_each(|_| self.store(thing, Some("inbox")))
            }
            [user, "has", "a", "photo"] => self.portray(user, Some(b"a photo".to_vec()), None),
            [user, "has", "certificate", text] => {
                let der = STANDARD.decode(text).map_err(said)?;
                self.portray(user, None, Some(vec![der]))
            }
            ["someone", rest @ ..] => self.someone(rest),
            [count, unit, "pass"] => {
                let count: i64 = count.parse().map_err(|_| "not a count")?;
                let unit_s = match unit.trim_end_matches('s') {
                    "second" => 1,
                    "minute" => 60,
                    "hour" => 3_600,
                    "day" => 86_400,
                    _ => return Err("not a unit of time".into()),
                };
                self.clock.advance(count * unit_s * 1_000);
                Ok(())
            }
            ["the", "disk", "is", "full"] => self.faults(Some(Fault::Full)),
            ["the", "store", "fails"] => self.faults(Some(Fault::Lost)),
            ["the", "store", "breaks"] => self.faults(Some(Fault::Poisoned)),
            ["the", "store", "works"] => self.faults(None),
            ["the", "server", "restarts"] => {
                let old = self.appliance.take().map(Appliance::crash);
                self.appliance = old;
                self.waiting.clear();
                Ok(())
            }
            ["the", "policy", "of", user, "says", pairs_of @ ..] => {
                let policy = pairs(&pairs_of.join(" "))?;
                self.account(user, |a| a.policy.clone_from(&policy))
            }
            [user, "is", "disabled"] => self.account(user, |a| a.status = AccountStatus::Blocked),
            [device, "is", "forgotten"] => {
                let (mailbox, scope) = (self.appliance().mailbox(), self.appliance().scope(0));
                let row = block_on(mailbox.find_device(scope, device)).map_err(said)?;
                let DeviceRow { number, .. } = row.ok_or("no such device")?;
                block_on(mailbox.forget_sync(scope, number, None)).map_err(said)
            }
            [device, "is", rest @ ..] => {
                let (access, wipe) = match rest.join(" ").as_str() {
                    "blocked" => (Access::Blocked, Wipe::None),
                    "to be wiped" => (Access::Allowed, Wipe::Device),
                    "to be wiped of the account" => (Access::Allowed, Wipe::Account),
                    _ => return Err("not a line that is known".into()),
                };
                let (mailbox, scope) = (self.appliance().mailbox(), self.appliance().scope(0));
                let row = block_on(mailbox.find_device(scope, device)).map_err(said)?;
                let DeviceRow { number, .. } = row.ok_or("no such device")?;
                let change = mailbox.change_device(scope, number, |d| {
                    (d.access, d.wipe) = (access, wipe);
                });
                block_on(change).map(drop).map_err(said)
            }
            _ => Err("not a line that is known".into()),
        }
    }

    fn account(
        &self,
        user: &str,
        change: impl Fn(&mut roost::mailbox::Account),
    ) -> Result<(), String> {
        let mailbox = self.appliance().mailbox();
        let row = block_on(mailbox.find_login(user, "")).map_err(said)?;
        let row = row.ok_or("no such user")?;
        let mut account = row.account.clone();
        change(&mut account);
        block_on(mailbox.update_account(&row, &account)).map_err(said)
    }

    fn portray(
        &self,
        user: &str,
        photo: Option<Vec<u8>>,
        certificates: Option<Vec<Vec<u8>>>,
    ) -> Result<(), String> {
        let mailbox = self.appliance().mailbox();
        let row = block_on(mailbox.find_login(user, "")).map_err(said)?;
        let change = |details| Portrait {
            details,
            photo,
            certificates,
        };
        let scope = row.ok_or("no such user")?.scope;
        block_on(mailbox.portray(scope, change)).map_err(said)
    }

    fn faults(&self, fault: Option<Fault>) -> Result<(), String> {
        let plan = match fault {
            // Those that come next.
            Some(fault) => (1..2_000).fold(FaultPlan::none(), |plan, n| {
                plan.commit(n, fault).blob(n, fault)
            }),
            None => FaultPlan::none(),
        };
        self.appliance().set_faults(plan);
        Ok(())
    }

    /// Puts a thing where it belongs, and learns its id.
    fn put(&mut self, thing: &str, rest: &[&str]) -> Result<(), String> {
        let mut name = thing;
        let mut into = None;
        for pair in rest.chunks(2) {
            match pair {
                ["in", folder] => into = Some(*folder),
                ["as", other] => name = other,
                _ => return Err("not a place".into()),
            }
        }
        let before = self.ids();
        self.store(thing, into)?;
        let mut after = self.ids();
        after.retain(|id| !before.contains(id));
        // An invitation brings its appointment: the thing is the mail.
        if after.len() > 1 {
            after.retain(|id| id.folder != FolderId::CALENDAR);
        }
        let [id] = after.as_slice() else {
            return Err(format!("{} things came of {thing}", after.len()));
        };
        self.names.insert(name.to_owned(), id.to_string());
        Ok(())
    }

    fn store(&self, thing: &str, into: Option<&str>) -> Result<(), String> {
        let read = |extension| {
            fs::read_to_string(folder().join(format!("things/{thing}.{extension}"))).ok()
        };
        if let Some(text) = read("eml") {
            if let Some(into) = into {
                return self.store_mail(&text, into);
            }
            let told = self
                .appliance()
                .deliver_to(vec!["alice@example.org".into()], &text);
            return told
                .iter()
                .all(|t| *t)
                .then_some(())
                .ok_or_else(|| "refused".into());
        }
        let (kind, record) = if let Some(text) = read("ics") {
            let text = text.replace('\n', "\r\n");
            let defaults = ical::Defaults {
                addresses: &["alice@example.org"],
                now_ms: NEW_YEAR_MS,
                ..ical::Defaults::default()
            };
            let found = ical::parse(text.as_bytes(), &defaults).map_err(said)?;
            match found.found.into_iter().next().ok_or("nothing in it")? {
                Found::Event(event) => ("calendar", Record::Event(event)),
                Found::Task(task) => ("tasks", Record::Task(task)),
                Found::Note(note) => ("notes", Record::Note(note)),
            }
        } else {
            let text = read("vcf").ok_or("no such thing")?.replace('\n', "\r\n");
            let cards = vcard::parse(text.as_bytes(), NEW_YEAR_MS).map_err(said)?;
            let card = cards.into_iter().next().ok_or("nothing in it")?;
            ("contacts", Record::Contact(card.contact))
        };
        self.add(into.unwrap_or(kind), &record)
    }

    fn store_mail(&self, text: &str, into: &str) -> Result<(), String> {
        let raw = text.replace('\n', "\r\n").into_bytes();
        let store = self.appliance().mailbox().store();
        block_on(store.put_blob(&raw)).map_err(said)?;
        let (message, _) = roost::pim::mail::inspect(&raw, self.clock.now_ms());
        self.add(into, &Record::Message(message))
    }

    fn add(&self, into: &str, record: &Record) -> Result<(), String> {
        let into = self.names.get(into).map_or(into, String::as_str);
        let into = FolderId::parse(into).ok_or("no such folder")?;
        let (mailbox, scope) = (self.appliance().mailbox(), self.appliance().scope(0));
        let folder = block_on(mailbox.folder(scope, into)).map_err(said)?;
        let mut tx = mailbox.transaction(scope, By::default());
        block_on(tx.add(&folder, record)).map_err(said)?;
        block_on(tx.commit()).map(drop).map_err(said)
    }

    fn ids(&self) -> Vec<ServerId> {
        let items = self.appliance().items(0);
        let id = |row: &roost::mailbox::ItemRow| ServerId {
            folder: row.folder,
            item: row.item,
        };
        items.iter().map(id).collect()
    }

    /// What another client does.
    fn someone(&mut self, words: &[&str]) -> Result<(), String> {
        let (mailbox, scope) = (
            self.appliance().mailbox().clone(),
            self.appliance().scope(0),
        );
        match words {
            ["creates", "folder", name] => {
                let (root, kind) = (FolderId::ROOT, FolderKind::UserMail);
                let id = block_on(mailbox.create_folder(scope, root, name, kind)).map_err(said)?;
                self.names.insert(name.to_lowercase(), id.to_string());
                Ok(())
            }
            ["deletes", "folder", id] => {
                let id = FolderId::parse(id).ok_or("no such folder")?;
                block_on(mailbox.delete_folder(scope, id)).map_err(said)
            }
            ["renames", "folder", id, "to", name] => {
                let id = FolderId::parse(id).ok_or("no such folder")?;
                let renamed = mailbox.update_folder(scope, id, FolderId::ROOT, name);
                block_on(renamed).map_err(said)
            }
            [deed @ ("deletes" | "reads"), id] => {
                let id = ServerId::parse(id).ok_or("no such item")?;
                let row = block_on(mailbox.item(scope, id.folder, id.item)).map_err(said)?;
                let row = row.ok_or("no such item")?;
                let mut tx = mailbox.transaction(scope, By::default());
                if *deed == "deletes" {
                    tx.delete(&row).map_err(said)?;
                } else if let Ok(Record::Message(mut mail)) = row.to_record() {
                    mail.read = true;
                    tx.update(&row, &Record::Message(mail)).map_err(said)?;
                }
                block_on(tx.commit()).map(drop).map_err(said)
            }
            _ => Err("nobody does that".into()),
        }
    }
}

fn said(e: impl std::fmt::Display) -> String {
    e.to_string()
}

/// `A=1 B=2`.
fn pairs(words: &str) -> Result<Vec<(String, String)>, String> {
    let pair = |word: &str| {
        let (name, value) = word.split_once('=').ok_or("not a pair")?;
        Ok((name.to_owned(), value.to_owned()))
    };
    words.split_whitespace().map(pair).collect()
}
