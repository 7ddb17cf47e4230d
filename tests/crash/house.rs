//! A child that works with mailboxes: letters come in, a phone syncs them, some are deleted.
//!
//! It says on its standard output what a mail server and a phone hear of it.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use roost::auth::Naming;
use roost::clock::Clock;
use roost::delivery::Door;
use roost::mailbox::sync::{ChangeKind, Window};
use roost::mailbox::{Account, By, Error, FolderId, ItemRow, Mailbox};
use roost::pim::RecordRef;
use roost::smtp::{Envelope, Verdict};
use roost::store::Scope;
use roost::work::{Pool, block_on};

use crate::child::{self, mix};

const ALICE: &str = "alice@example.org";
/// Threads that deliver.
const DELIVERERS: u64 = 3;
/// Changes in an answer to the phone.
const ANSWER: usize = 7;

/// The mailboxes of a store.
pub(crate) fn open(folder: &Path) -> Mailbox {
    let store = child::open(folder).unwrap();
    Mailbox::new(store, Clock::system(), true)
}

/// Alice's account, if she has one.
pub(crate) fn alice(mailbox: &Mailbox) -> Option<Scope> {
    let found = block_on(mailbox.find_login(ALICE, "")).unwrap();
    found.map(|row| row.scope)
}

/// What names a letter.
pub(crate) fn subject(row: &ItemRow) -> String {
    match row.record().unwrap() {
        RecordRef::Message(message) => message.subject.as_str().to_owned(),
        _ => panic!("no letter"),
    }
}

/// Works until it ends.
pub(crate) fn run(folder: &Path, round: u64) {
    let mailbox = open(folder);
    let scope = alice(&mailbox).unwrap_or_else(|| {
        let account = Account {
            login: ALICE.into(),
            addresses: vec![ALICE.into()],
            ..Account::default()
        };
        block_on(mailbox.add_account(&account)).unwrap()
    });
    let door = Door::new(mailbox.clone(), Naming::default(), Pool::start(1).unwrap());
    let delivered = AtomicU64::new(0);
    std::thread::scope(|threads| {
        for n in 0..DELIVERERS {
            let (door, delivered) = (&door, &delivered);
            threads.spawn(move || deliver(door, &format!("{round}.{n}"), delivered));
        }
        threads.spawn(|| phone(&mailbox, scope));
        threads.spawn(|| delete(&mailbox, scope));
    });
}

fn deliver(door: &Door, name: &str, delivered: &AtomicU64) {
    for n in 0.. {
        let subject = format!("{name}.{n}");
        let seed = mix(delivered.fetch_add(1, Ordering::Relaxed));
        let words = (0..seed % 900).map(|n| format!("{:x}\r\n", mix(seed ^ n)));
        let text = words.collect::<String>();
        let letter = format!("From: bob@example.com\r\nSubject: {subject}\r\n\r\n{text}");
        let envelope = Envelope {
            recipients: vec![ALICE.into()],
            ..Envelope::default()
        };
        let verdicts = block_on(door.deliver(&envelope, letter.into_bytes()));
        assert_eq!(verdicts, [Verdict::Accepted]);
        child::say(&format!("letter {subject}"));
    }
}

/// Syncs, and says what the phone has from each answer: its key, what came and what went.
fn phone(mailbox: &Mailbox, scope: Scope) {
    let device = block_on(mailbox.get_or_add_device(scope, "PHONE", "Phone", "")).unwrap();
    // From here on it has no key, and nothing.
    child::say("begins 0");
    let mut key = 0;
    loop {
        let round = block_on(mailbox.sync(scope, device.number, FolderId::INBOX, key));
        let mut round = round.unwrap().unwrap();
        round.set_window(Window::ALL);
        let mut said = String::new();
        for _ in 0..ANSWER {
            let Some(change) = block_on(round.next()).unwrap() else {
                break;
            };
            said += &match change.kind {
                ChangeKind::Add(row) => format!(" +{}={}", row.item.0, subject(&row)),
                ChangeKind::Change(_) => String::new(),
                ChangeKind::Delete | ChangeKind::SoftDelete => format!(" -{}", change.item.0),
            };
        }
        match block_on(round.finish()) {
            Ok(finished) if finished.unchanged => {}
            Ok(finished) => {
                key = finished.key;
                child::say(&format!("key {key}{said}"));
            }
            Err(Error::Conflict) => {}
            Err(e) => panic!("{e}"),
        }
    }
}

/// Deletes a letter now and then.
fn delete(mailbox: &Mailbox, scope: Scope) {
    loop {
        let page = block_on(mailbox.list_items(scope, FolderId::INBOX, None, 9)).unwrap();
        let Some(row) = page.items.get(8) else {
            std::thread::yield_now();
            continue;
        };
        let subject = subject(row);
        child::say(&format!("going {subject}"));
        let mut tx = mailbox.transaction(scope, By::default());
        tx.delete(row).unwrap();
        match block_on(tx.commit()) {
            Ok(_) => child::say(&format!("gone {subject}")),
            Err(Error::Conflict) => {}
            Err(e) => panic!("{e}"),
        }
    }
}
