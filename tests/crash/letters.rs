//! What the mail server and the phone of a house heard, and its comparison with the mailboxes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use roost::mailbox::check::Look;
use roost::mailbox::sync::{ChangeKind, Window};
use roost::mailbox::{FolderId, Mailbox};
use roost::store::Scope;
use roost::work::block_on;

use crate::house;

/// What was heard.
#[derive(Default)]
pub(crate) struct Letters {
    delivered: BTreeSet<String>,
    /// Letters whose deletion had begun: they may be there or not.
    going: BTreeSet<String>,
    gone: BTreeSet<String>,
    /// The phone's key, and what it has.
    key: u64,
    held: BTreeMap<u32, String>,
}

impl Letters {
    /// From what a child said.
    pub(crate) fn of(heard: &[String]) -> Self {
        let mut letters = Self::default();
        // The full stop tells a whole line from the beginning of one.
        let whole = heard.iter().filter_map(|line| line.strip_suffix(" ."));
        whole.for_each(|line| letters.note(line));
        letters
    }

    fn note(&mut self, line: &str) {
        let mut words = line.split(' ').skip(1);
        let (kind, what) = (words.next().unwrap(), words.next().unwrap());
        match kind {
            "letter" => self.delivered.extend([what.to_owned()]),
            "going" => self.going.extend([what.to_owned()]),
            "gone" => self.gone.extend([what.to_owned()]),
            "begins" => (self.key, self.held) = (0, BTreeMap::new()),
            _ => {
                self.key = what.parse().unwrap();
                words.for_each(|word| self.change(word));
            }
        }
    }

    fn change(&mut self, word: &str) {
        match word.strip_prefix('-') {
            Some(item) => {
                self.held.remove(&item.parse().unwrap());
            }
            None => {
                let (item, subject) = word[1..].split_once('=').unwrap();
                self.held.insert(item.parse().unwrap(), subject.to_owned());
            }
        }
    }

    /// Opens the store and compares everything.
    pub(crate) fn verify(mut self, folder: &Path) {
        let mailbox = house::open(folder);
        let Some(scope) = house::alice(&mailbox) else {
            assert!(self.delivered.is_empty() && self.key == 0, "no account");
            return;
        };
        let look = Look {
            bodies: true,
            repair: false,
        };
        let mut wrong = Vec::new();
        let mut tell = |what: &_, _| wrong.push(format!("{what}"));
        block_on(mailbox.check(scope, look, &mut tell)).unwrap();
        assert_eq!(wrong, Vec::<String>::new());
        let inbox = inbox(&mailbox, scope);
        let subjects: BTreeSet<_> = inbox.values().cloned().collect();
        assert_eq!(subjects.len(), inbox.len(), "a letter is there twice");
        for letter in self.delivered.difference(&self.going) {
            assert!(subjects.contains(letter), "letter {letter} is missing");
        }
        for letter in &self.gone {
            assert!(!subjects.contains(letter), "letter {letter} is back");
        }
        self.catch_up(&mailbox, scope);
        assert_eq!(self.held, inbox, "what the phone has");
    }

    /// The phone goes on with the key that it has.
    fn catch_up(&mut self, mailbox: &Mailbox, scope: Scope) {
        let device = mailbox.get_or_add_device(scope, "PHONE", "Phone", "");
        let device = block_on(device).unwrap().number;
        loop {
            let round = block_on(mailbox.sync(scope, device, FolderId::INBOX, self.key));
            let key = self.key;
            let mut round = round
                .unwrap()
                .unwrap_or_else(|| panic!("key {key} is forgotten"));
            round.set_window(Window::ALL);
            while let Some(change) = block_on(round.next()).unwrap() {
                match change.kind {
                    ChangeKind::Add(row) => {
                        self.held.insert(row.item.0, house::subject(&row));
                    }
                    ChangeKind::Change(_) => {}
                    ChangeKind::Delete | ChangeKind::SoftDelete => {
                        self.held.remove(&change.item.0);
                    }
                }
            }
            let finished = block_on(round.finish()).unwrap();
            self.key = finished.key;
            if finished.unchanged {
                return;
            }
        }
    }
}

/// All letters in the Inbox.
fn inbox(mailbox: &Mailbox, scope: Scope) -> BTreeMap<u32, String> {
    let mut letters = BTreeMap::new();
    let mut from = None;
    loop {
        let page = block_on(mailbox.list_items(scope, FolderId::INBOX, from, 100)).unwrap();
        let rows = page.items.iter();
        letters.extend(rows.map(|row| (row.item.0, house::subject(row))));
        from = page.next;
        if from.is_none() {
            return letters;
        }
    }
}

/// What `roost check` says of an image that holds a data directory.
pub(crate) fn is_in_order(disk: &Path) -> Result<(), String> {
    let config = disk.join("roost.toml");
    std::fs::write(&config, "").unwrap();
    let checked = Command::new(env!("CARGO_BIN_EXE_roost"))
        .env_remove("ROOST_CONFIG")
        .env_remove("ROOST_DATA")
        .args(["check", "--json", "--config"])
        .arg(config)
        .arg("--data")
        .arg(disk)
        .output()
        .unwrap();
    match checked.status.success() {
        true => Ok(()),
        false => Err(format!("roost check: {checked:?}")),
    }
}
