//! A device of the model with a connection.

use super::house::{House, PASSWORD};
use super::http::{Connection, PATIENCE};
use super::wire::Seen;
use roost_load::{
    Answer, Device, Identity, Operation, Outcome, Profile, QueryForm, Request, Sync,
    SyncCollection, SyncCommand, Version,
};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// Rounds until a device has to be up to date.
const ROUNDS_MAX: usize = 300;

/// A phone.
pub(crate) struct Phone {
    /// The device.
    pub(crate) device: Device,
    /// What it was sent.
    pub(crate) seen: Vec<Seen>,
    addr: SocketAddr,
    tls12: bool,
    connection: Option<Connection>,
}

/// A request that is held.
pub(crate) struct Waiting(pub(crate) Connection);

impl Phone {
    /// A phone of this user.
    pub(crate) fn new(
        house: &House,
        user: &str,
        id: &str,
        version: Version,
        form: QueryForm,
        profile: &Profile,
    ) -> Self {
        let device = Device::new(Identity {
            user: user.to_owned(),
            password: PASSWORD.to_owned(),
            device_id: id.to_owned(),
            version,
            form,
            profile: profile.clone(),
        });
        // Both versions of TLS are in use.
        let tls12 = form == QueryForm::Base64;
        Self {
            device,
            seen: Vec::new(),
            addr: house.https,
            tls12,
            connection: None,
        }
    }

    /// Connects elsewhere from now on: the server was started again.
    pub(crate) fn move_to(&mut self, house: &House) {
        self.addr = house.https;
        self.connection = None;
    }

    /// Does one thing.
    pub(crate) fn ask(&mut self, operation: Operation) -> Outcome {
        self.try_ask(operation).unwrap()
    }

    /// Syncs one collection with these commands.
    pub(crate) fn change(&mut self, folder: &str, commands: Vec<SyncCommand>) -> Outcome {
        self.ask(changes(folder, commands))
    }

    /// Does whatever is due until nothing is.
    pub(crate) fn catch_up(&mut self) {
        for _ in 0..ROUNDS_MAX {
            let Some(operation) = self.device.next() else {
                return;
            };
            let said = format!("{operation:?}");
            let outcome = self.ask(operation);
            assert!(
                outcome.ok() || outcome.provision_demanded(),
                "{said}: {outcome:?}"
            );
            assert!(
                outcome.collections.iter().all(|(_, s)| *s == 1),
                "{said}: {outcome:?}"
            );
        }
        panic!(
            "not up to date after {ROUNDS_MAX} rounds: {:?}",
            self.device.next()
        );
    }

    /// Looks at everything again.
    pub(crate) fn look(&mut self) {
        self.device.refresh();
        self.catch_up();
    }

    /// Sends a request that will be held, on a connection of its own.
    pub(crate) fn park(&mut self, operation: Operation) -> Waiting {
        let request = self.device.request(operation);
        let mut connection = Connection::open(self.addr, self.tls12);
        connection.send(&request).unwrap();
        // Held, and not answered at once; whoever is slow here makes the test weaker, not red.
        assert!(
            connection.is_quiet(Duration::from_millis(400)),
            "answered instead of held"
        );
        Waiting(connection)
    }

    /// The answer to a request that was held.
    pub(crate) fn woken(&mut self, waiting: Waiting) -> Outcome {
        let Waiting(mut connection) = waiting;
        let answer = connection
            .receive(PATIENCE)
            .expect("a held request was not answered");
        self.take("a held request", &answer)
    }

    /// Sends a request and gets the answer; over a new connection if the old one is gone.
    pub(crate) fn exchange(&mut self, request: &Request) -> Answer {
        self.try_exchange(request).unwrap()
    }

    /// The same, where the server may be gone.
    pub(crate) fn try_exchange(&mut self, request: &Request) -> io::Result<Answer> {
        if let Some(mut kept) = self.connection.take()
            && kept.send(request).is_ok()
            && let Ok(answer) = kept.receive(PATIENCE)
        {
            return Ok(self.keep(kept, answer));
        }
        let mut connection = Connection::try_open(self.addr, self.tls12)?;
        connection.send(request)?;
        let answer = connection.receive(PATIENCE)?;
        Ok(self.keep(connection, answer))
    }

    /// Does one thing, where the server may be gone. What got no answer can be repeated.
    pub(crate) fn try_ask(&mut self, operation: Operation) -> io::Result<Outcome> {
        let what = name(&operation);
        let request = self.device.request(operation);
        let answer = self.try_exchange(&request)?;
        Ok(self.take(&what, &answer))
    }

    /// Takes an answer in, and notes it for the wire checks.
    pub(crate) fn take(&mut self, what: &str, answer: &Answer) -> Outcome {
        let document = match answer.header("Content-Type") {
            _ if answer.body.is_empty() => None,
            Some("application/vnd.ms-sync.wbxml") => Some(answer.body.clone()),
            Some("application/vnd.ms-sync.multipart") => first_part(&answer.body),
            _ => None,
        };
        let shown = document.as_ref().map(|d| roost::wbxml::xml::dump(d));
        if let Some(document) = document {
            let version = self.device.version();
            self.seen.push(Seen {
                what: what.to_owned(),
                version,
                document,
            });
        }
        match self.device.answer(answer) {
            Ok(outcome) => outcome,
            Err(violation) => panic!("{what}: {violation}\n{answer:?}\n{}", show(shown)),
        }
    }

    fn keep(&mut self, connection: Connection, answer: Answer) -> Answer {
        let closes = answer
            .header("Connection")
            .is_some_and(|v| v.eq_ignore_ascii_case("close"));
        self.connection = (!closes).then_some(connection);
        answer
    }
}

/// A Sync of one collection with these commands.
pub(crate) fn changes(folder: &str, commands: Vec<SyncCommand>) -> Operation {
    let collection = SyncCollection {
        id: folder.to_owned(),
        commands,
        ..SyncCollection::default()
    };
    Operation::Sync(Sync {
        collections: vec![collection],
        ..Sync::default()
    })
}

fn name(operation: &Operation) -> String {
    let shown = format!("{operation:?}");
    shown
        .split([' ', '('])
        .next()
        .unwrap_or_default()
        .to_owned()
}

fn show(dump: Option<Result<String, roost::wbxml::Error>>) -> String {
    dump.map_or_else(String::new, |dump| dump.unwrap_or_else(|e| e.to_string()))
}

/// The document of a multipart answer.
fn first_part(body: &[u8]) -> Option<Vec<u8>> {
    let word = |at: usize| {
        let bytes = body.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(bytes)).ok()
    };
    let (from, len) = (word(4)?, word(8)?);
    Some(body.get(from..from + len)?.to_vec())
}
