//! Whole requests of a phone, from the head to the answer, without a socket.

use crate::fixture::{AUTHORIZATION, FOLDER_ITEMS, Fixture, LOGIN};
use crate::must;
use crate::operation::{Operation, Run};
use crate::wait::block_on;
use roost::auth::{Authenticator, Naming};
use roost::clock::Clock;
use roost::eas::advisor::{Advice, Advisor};
use roost::eas::parked::Parked;
use roost::eas::{Eas, Parts, Settings};
use roost::http::{Answer, Outcome, Peer, Request};
use roost::mailbox::FolderId;
use roost::push::Push;
use roost::spare;
use roost::wbxml::tags::{airsync, airsyncbase, folderhierarchy, ping};
use roost::wbxml::{self, Reader, Writer};
use roost::work::Pool;
use std::rc::Rc;

/// Requests of one run, of those that are cheap.
const STEPS: u32 = 10;
/// Mails of an answer.
const WINDOW: u32 = 100;

/// A server and its one phone.
struct House {
    eas: Eas,
    peer: Peer,
}

impl House {
    fn new(fixture: &Fixture) -> Self {
        let (mailbox, clock) = (fixture.mailbox().clone(), Clock::system());
        let workers = must(Pool::start(1));
        let cost = Fixture::COST;
        let naming = Naming::default();
        let auth = Authenticator::new(
            mailbox.clone(),
            workers.clone(),
            clock.clone(),
            naming,
            cost,
        );
        let parts = Parts {
            mailbox,
            auth: must(auth),
            outbound: None,
            push: Push::new((), clock.clone()),
            clock,
            workers,
            advisor: Advisor::new(Advice::Off, 60),
            settings: Settings {
                // The same requests over and over are what is measured.
                repeats_per_min_max: 0,
                ..Settings::default()
            },
        };
        Self {
            eas: Eas::new(parts),
            peer: Peer {
                addr: ([192, 0, 2, 1], 1).into(),
                tls: true,
            },
        }
    }

    #[expect(clippy::panic, reason = "nothing here waits")]
    fn ask(&self, method: &str, target: &str, body: &[u8]) -> Answer {
        let Outcome::Answer(answer) = self.outcome(method, target, body) else {
            panic!("the request waits");
        };
        assert_eq!(answer.status, 200, "{target}");
        answer
    }

    fn outcome(&self, method: &str, target: &str, body: &[u8]) -> Outcome<Parked> {
        let headers = [
            ("Authorization", AUTHORIZATION),
            ("MS-ASProtocolVersion", "14.1"),
            ("Content-Type", "application/vnd.ms-sync.wbxml"),
        ];
        let request = Request::new(method, target)
            .with_headers(&headers)
            .with_body(body);
        block_on(self.eas.handle(&request, &self.peer))
    }

    /// Asks with a Sync of the Inbox; returns the new key, whether there is more, and the bytes.
    fn sync(&self, key: &str) -> (String, bool, usize) {
        self.sync_of(FolderId::INBOX, key)
    }

    fn sync_of(&self, folder: FolderId, key: &str) -> (String, bool, usize) {
        let answer = self.ask("POST", &target("Sync"), &request(folder, key));
        let (new, more) = must(told(&answer.body));
        let bytes = answer.body.len();
        // As the server does when it is sent.
        spare::give(answer.body);
        (new, more, bytes)
    }
}

fn target(command: &str) -> String {
    format!(
        "/Microsoft-Server-ActiveSync?Cmd={command}&User={LOGIN}&DeviceId=house&DeviceType=Phone"
    )
}

fn request(folder: FolderId, key: &str) -> Vec<u8> {
    let mut w = Writer::new();
    w.open(airsync::SYNC);
    w.open(airsync::COLLECTIONS);
    w.open(airsync::COLLECTION);
    w.text(airsync::SYNC_KEY, key);
    w.num(airsync::COLLECTION_ID, folder.0);
    if key != "0" {
        w.num(airsync::WINDOW_SIZE, WINDOW);
        w.open(airsync::OPTIONS);
        w.open(airsyncbase::BODY_PREFERENCE);
        w.num(airsyncbase::TYPE, 1);
        w.num(airsyncbase::TRUNCATION_SIZE, 4096);
        w.close();
        w.close();
    }
    for _ in 0..3 {
        w.close();
    }
    w.finish()
}

/// The key of an answer, and whether there is more; nothing for an empty answer, which says that
/// all is as it was. What follows is not looked at.
fn told(document: &[u8]) -> Result<(String, bool), wbxml::Error> {
    let mut key = String::new();
    if document.is_empty() {
        return Ok((key, false));
    }
    let mut r = Reader::new(document)?;
    r.root()?;
    while let Some(tag) = r.child()? {
        match tag {
            airsync::COLLECTIONS | airsync::COLLECTION => {}
            airsync::SYNC_KEY => key = r.text()?.into_owned(),
            airsync::MORE_AVAILABLE => return Ok((key, true)),
            airsync::COMMANDS => return Ok((key, false)),
            _ => r.skip()?,
        }
    }
    Ok((key, false))
}

/// The operations of this module, over a filled account.
#[must_use]
pub fn operations(fixture: impl Fn() -> Rc<Fixture> + Clone + 'static) -> Vec<Operation> {
    type Prepare = fn(House) -> Run;
    let operation = |name: &str, items, prepare: Prepare| {
        let fixture = fixture.clone();
        Operation::new(format!("request/{name}"), items, move || {
            prepare(House::new(&fixture()))
        })
    };
    vec![
        operation("options", STEPS, options),
        operation("folder-sync", STEPS, folder_sync),
        operation("empty-sync", STEPS, empty_sync),
        operation("first-sync-1000", FOLDER_ITEMS, first_sync),
    ]
}

fn options(house: House) -> Run {
    let target = "/Microsoft-Server-ActiveSync";
    Box::new(move || {
        let bytes = |_| house.ask("OPTIONS", target, &[]).headers.len();
        (0..STEPS).map(bytes).sum()
    })
}

/// FolderSync with the current key: nothing has changed.
fn folder_sync(house: House) -> Run {
    let body = |key: &str| {
        let mut w = Writer::new();
        w.open(folderhierarchy::FOLDER_SYNC);
        w.text(folderhierarchy::SYNC_KEY, key);
        w.close();
        w.finish()
    };
    let target = target("FolderSync");
    house.ask("POST", &target, &body("0"));
    let current = body("1");
    Box::new(move || {
        let bytes = |_| house.ask("POST", &target, &current).body.len();
        (0..STEPS).map(bytes).sum()
    })
}

/// A Ping on the Inbox and three more that waits: nothing has changed.
///
/// # Panics
/// Where it does not wait.
#[expect(clippy::panic, reason = "without it the bench has nothing to say")]
#[must_use]
pub fn parked(fixture: &Fixture) -> Parked {
    let house = House::new(fixture);
    let mut w = Writer::new();
    w.open(folderhierarchy::FOLDER_SYNC);
    w.text(folderhierarchy::SYNC_KEY, "0");
    w.close();
    house.ask("POST", &target("FolderSync"), &w.finish());
    let mut w = Writer::new();
    w.open(ping::PING);
    w.num(ping::HEARTBEAT_INTERVAL, 3_000);
    w.open(ping::FOLDERS);
    for folder in [
        FolderId::INBOX,
        FolderId::CALENDAR,
        FolderId::CONTACTS,
        FolderId::TASKS,
    ] {
        begin(&house, folder);
        w.open(ping::FOLDER);
        w.num(ping::ID, folder.0);
        w.close();
    }
    w.close();
    w.close();
    let document = w.finish();
    match house.outcome("POST", &target("Ping"), &document) {
        Outcome::Park(parked) => parked,
        Outcome::Answer(answer) => panic!("answered: {:?}", answer.body),
    }
}

/// Syncs a folder until the device has everything.
fn begin(house: &House, folder: FolderId) {
    let mut key = String::from("0");
    loop {
        let (new, more, _) = house.sync_of(folder, &key);
        let begun = key != "0";
        if !new.is_empty() {
            key = new;
        }
        if begun && !more {
            return;
        }
    }
}

/// Sync with the current key: nothing has changed.
fn empty_sync(house: House) -> Run {
    let mut current = String::from("0");
    loop {
        let (key, more, _) = house.sync(&current);
        let begun = current != "0";
        current = key;
        if begun && !more {
            break;
        }
    }
    let (target, body) = (target("Sync"), request(FolderId::INBOX, &current));
    Box::new(move || {
        let bytes = |_| house.ask("POST", &target, &body).body.len();
        let bytes = (0..STEPS).map(bytes).sum();
        assert!(bytes < 1_000, "there was something to say");
        bytes
    })
}

/// From key 0 on until everything is there: 1,000 mails in windows of 100, each committed.
fn first_sync(house: House) -> Run {
    Box::new(move || {
        let (mut key, _, mut bytes) = house.sync("0");
        loop {
            let (new, more, page) = house.sync(&key);
            bytes += page;
            key = new;
            if !more {
                // As a phone does: its last key says that the last page has arrived. Else the server
                // takes the next beginning for a phone that trips over what it was told.
                house.sync(&key);
                assert!(bytes > 500_000, "mails are missing");
                return bytes;
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Engine;

    #[test]
    fn a_first_sync_brings_every_mail() {
        let fixture = Rc::new(Fixture::new(Engine::Memory));
        for operation in operations(move || Rc::clone(&fixture)) {
            assert!(operation.prepare()() < 2_000_000);
        }
    }
}
