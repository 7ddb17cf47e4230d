//! The appliance without sockets: the protocol and the mail door over a store that fails as it is
//! told to, and the requests that wait.

use std::sync::OnceLock;
use std::time::Duration;

use roost::auth::{Authenticator, Naming, password};
use roost::clock::Clock;
use roost::delivery::Door;
use roost::eas::advisor::{Advice, Advisor};
use roost::eas::parked::Parked;
use roost::eas::{Eas, Parts, Settings};
use roost::http::{self, Heard, Outcome, Peer, Why};
use roost::mailbox::{Account, FolderId, ItemId, ItemRow, Mailbox};
use roost::pim::{ContactField, Record};
use roost::push::{Push, Signal};
use roost::smtp::Envelope;
use roost::store::{FaultPlan, Fjall, Memory, Options, Scope, Store};
use roost::work::{Pool, block_on, join_all};
use roost_load::{Answer, Request};
use tempfile::TempDir;

/// The password of every user.
pub(crate) const PASSWORD: &str = "secret";
/// Cheap: the simulation is not about passwords.
const COST: password::Cost = password::Cost {
    memory_kib: 64,
    passes: 1,
};

/// What holds the data.
enum Engine {
    Memory(Memory),
    /// The real one, in a folder that goes with it. It knows no faults.
    Fjall(TempDir, Fjall),
}

/// A request that waits.
struct Waits {
    ticket: u64,
    parked: Parked,
}

/// What became of a request.
pub(crate) enum Reply {
    Answer(Answer),
    /// It waits, under this number.
    Waits(u64),
}

/// A running appliance.
pub(crate) struct Appliance {
    engine: Engine,
    eas: Eas,
    door: Door,
    clock: Clock,
    workers: Pool,
    signals: flume::Receiver<Signal>,
    lot: Vec<Waits>,
    tickets: u64,
    /// Users' scopes.
    scopes: Vec<Scope>,
}

/// The login of a user.
pub(crate) fn login(user: usize) -> String {
    format!("user{user}")
}

/// The address of a user.
pub(crate) fn address(user: usize) -> String {
    format!("{}@example.org", login(user))
}

impl Appliance {
    /// A new one with so many users; on the real engine if `on_disk`.
    pub(crate) fn new(users: usize, clock: &Clock, on_disk: bool) -> Self {
        let names = (0..users).map(|user| (login(user), format!("User {user}")));
        let names: Vec<_> = names.collect();
        Self::housing(&names, clock, on_disk, Settings::default())
    }

    /// The same with users of these log-in names and names, and what an operator has set.
    pub(crate) fn housing(
        users: &[(String, String)],
        clock: &Clock,
        on_disk: bool,
        settings: Settings,
    ) -> Self {
        let engine = if on_disk {
            let folder = tempfile::tempdir().unwrap();
            let store = Fjall::open(folder.path(), &Options::default()).unwrap();
            Engine::Fjall(folder, store)
        } else {
            Engine::Memory(Memory::new())
        };
        let mut appliance = Self::start(engine, clock.clone(), Pool::inline(), settings);
        static HASH: OnceLock<String> = OnceLock::new();
        let hash = HASH.get_or_init(|| password::hash(PASSWORD, COST).unwrap());
        for (login, display_name) in users {
            let account = Account {
                login: login.clone(),
                display_name: display_name.clone(),
                addresses: vec![format!("{login}@example.org")],
                password_hash: hash.clone(),
                ..Account::default()
            };
            let scope = block_on(appliance.mailbox().add_account(&account)).unwrap();
            appliance.scopes.push(scope);
        }
        appliance
    }

    fn start(engine: Engine, clock: Clock, workers: Pool, settings: Settings) -> Self {
        let store = match &engine {
            Engine::Memory(memory) => Store::Memory(memory.clone()),
            Engine::Fjall(_, fjall) => Store::Fjall(fjall.clone()),
        };
        let (carrier, signals) = flume::unbounded();
        let push = Push::new(carrier, clock.clone());
        let told = push.clone();
        store.listen(Box::new(move |wakes| told.heard(wakes)));
        let mailbox = Mailbox::new(store, clock.clone(), true);
        let auth = Authenticator::new(
            mailbox.clone(),
            workers.clone(),
            clock.clone(),
            Naming::default(),
            COST,
        );
        let settings = Settings {
            // Time stands still while many requests are served.
            repeats_per_min_max: 0,
            ..settings
        };
        Self {
            engine,
            door: Door::new(mailbox.clone(), Naming::default(), workers.clone()),
            eas: Eas::new(Parts {
                mailbox,
                auth: auth.unwrap(),
                outbound: None,
                push,
                clock: clock.clone(),
                advisor: Advisor::new(Advice::Off, settings.heartbeat_s_min),
                workers: workers.clone(),
                settings,
            }),
            clock,
            workers,
            signals,
            lot: Vec::new(),
            tickets: 0,
            scopes: Vec::new(),
        }
    }

    /// A kill and a restart: what is in memory is gone, what was durable is there.
    pub(crate) fn crash(self) -> Self {
        let Self {
            engine,
            eas,
            door,
            clock,
            workers,
            lot,
            scopes,
            tickets,
            ..
        } = self;
        let settings = eas.settings().clone();
        drop((lot, eas, door));
        let engine = match engine {
            Engine::Memory(memory) => Engine::Memory(memory.crash()),
            Engine::Fjall(folder, store) => {
                drop(store);
                let store = Fjall::open(folder.path(), &Options::default()).unwrap();
                Engine::Fjall(folder, store)
            }
        };
        Self {
            scopes,
            tickets,
            ..Self::start(engine, clock, workers, settings)
        }
    }

    /// Another one with the same data, to look at; none on the real engine.
    pub(crate) fn copy(&self) -> Option<Self> {
        let Engine::Memory(memory) = &self.engine else {
            return None;
        };
        let engine = Engine::Memory(memory.snapshot());
        let settings = self.eas.settings().clone();
        let mut copy = Self::start(engine, self.clock.clone(), self.workers.clone(), settings);
        copy.scopes.clone_from(&self.scopes);
        Some(copy)
    }

    /// The same data as it was, as if everything since had never been written.
    pub(crate) fn back_to(&mut self, old: Self) {
        let (tickets, scopes) = (self.tickets, self.scopes.clone());
        *self = old;
        (self.tickets, self.scopes) = (tickets, scopes);
    }

    pub(crate) fn is_on_disk(&self) -> bool {
        matches!(self.engine, Engine::Fjall(..))
    }

    pub(crate) fn set_faults(&self, plan: FaultPlan) {
        if let Engine::Memory(memory) = &self.engine {
            memory.inject(plan);
        }
    }

    pub(crate) fn mailbox(&self) -> &Mailbox {
        self.eas.mailbox()
    }

    pub(crate) fn scope(&self, user: usize) -> Scope {
        self.scopes[user]
    }

    /// All rows, with their versions; none on the real engine.
    pub(crate) fn rows(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        match &self.engine {
            Engine::Memory(memory) => memory.rows(),
            Engine::Fjall(..) => Vec::new(),
        }
    }

    /// Takes a message in; says for which recipients that is acknowledged.
    pub(crate) fn deliver(&self, to: &[usize], message: &str) -> Vec<bool> {
        self.deliver_to(to.iter().map(|user| address(*user)).collect(), message)
    }

    /// The same for addresses.
    pub(crate) fn deliver_to(&self, recipients: Vec<String>, message: &str) -> Vec<bool> {
        let envelope = Envelope {
            sender: "elsewhere@example.net".into(),
            recipients,
            utf8: false,
        };
        let message = message.replace('\n', "\r\n").into_bytes();
        let verdicts = block_on(self.door.deliver(&envelope, message));
        verdicts.iter().map(|v| v.is_accepted()).collect()
    }

    /// Serves requests at the same time; what became of each.
    pub(crate) fn serve(&mut self, requests: &[&Request]) -> Vec<Reply> {
        let outcomes = block_on(join_all(requests.iter().map(|r| self.handle(r))));
        outcomes.into_iter().map(|o| self.reply(o)).collect()
    }

    async fn handle(&self, request: &Request) -> Outcome<Parked> {
        let headers: Vec<(&str, &str)> = request
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let http = http::Request::new(request.method, &request.target)
            .with_headers(&headers)
            .with_body(&request.body);
        let peer = Peer {
            addr: ([192, 0, 2, 1], 4_000).into(),
            tls: true,
        };
        self.eas.handle(&http, &peer).await
    }

    fn reply(&mut self, outcome: Outcome<Parked>) -> Reply {
        match outcome {
            Outcome::Answer(answer) => Reply::Answer(received(answer)),
            Outcome::Park(parked) => {
                self.tickets += 1;
                let ticket = self.tickets;
                // As the lot does: found by signals first, then a look at what came before.
                let is_current = parked.is_current();
                self.lot.push(Waits { ticket, parked });
                if is_current {
                    return Reply::Waits(ticket);
                }
                match self.resume(ticket, Why::Woken) {
                    Some((_, answer)) => Reply::Answer(answer),
                    None => Reply::Waits(ticket),
                }
            }
        }
    }

    /// Brings what happened to those who wait; the answers that this gives.
    pub(crate) fn pump(&mut self) -> Vec<(u64, Answer)> {
        let mut answers = Vec::new();
        while let Ok(signal) = self.signals.try_recv() {
            answers.extend(self.tell(&signal));
        }
        answers
    }

    /// The same, but waits for something to happen.
    pub(crate) fn pump_within(&mut self, wait: Duration) -> Vec<(u64, Answer)> {
        let signal = self.signals.recv_timeout(wait);
        signal.map_or_else(|_| Vec::new(), |signal| self.tell(&signal))
    }

    /// Drops what happened, as a full queue does; those who wait have to look.
    pub(crate) fn lose_signals(&mut self) -> Vec<(u64, Answer)> {
        self.signals.drain().for_each(drop);
        self.tell(&Signal::Gap)
    }

    /// Drops what happened, and nobody hears of it.
    pub(crate) fn swallow_signals(&mut self) {
        self.signals.drain().for_each(drop);
    }

    fn tell(&mut self, signal: &Signal) -> Vec<(u64, Answer)> {
        let concerned = |waits: &&Waits| signal.scope().is_none_or(|s| s == waits.parked.scope());
        let tickets: Vec<u64> = self
            .lot
            .iter()
            .filter(concerned)
            .map(|w| w.ticket)
            .collect();
        let hear = |ticket| self.hear(ticket, |parked, document| parked.hear(signal, document));
        tickets.into_iter().filter_map(hear).collect()
    }

    /// Answers those whose time has come.
    pub(crate) fn expire(&mut self) -> Vec<(u64, Answer)> {
        let now_ms = self.clock.mono_ms();
        let is_due = |waits: &&Waits| waits.parked.deadline_ms() <= now_ms;
        let due: Vec<u64> = self.lot.iter().filter(is_due).map(|w| w.ticket).collect();
        let expire = |ticket| self.hear(ticket, Parked::expire);
        due.into_iter().filter_map(expire).collect()
    }

    /// The connection of one who waits is gone.
    pub(crate) fn hang_up(&mut self, ticket: u64) {
        self.lot.retain(|waits| waits.ticket != ticket);
    }

    /// Those who wait.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (u64, &Parked)> {
        self.lot.iter().map(|waits| (waits.ticket, &waits.parked))
    }

    fn hear(
        &mut self,
        ticket: u64,
        hear: impl FnOnce(&Parked, &mut Vec<u8>) -> Heard,
    ) -> Option<(u64, Answer)> {
        let at = self.lot.iter().position(|waits| waits.ticket == ticket)?;
        let mut document = Vec::new();
        match hear(&self.lot[at].parked, &mut document) {
            Heard::Nothing => None,
            Heard::Resume => {
                let expired = self.lot[at].parked.deadline_ms() <= self.clock.mono_ms();
                self.resume(ticket, if expired { Why::Expired } else { Why::Woken })
            }
            Heard::Answer(brief) => {
                let Waits { parked, .. } = self.lot.remove(at);
                let bytes = document.len();
                let mut answer = http::Answer::new(200);
                if bytes > 0 {
                    answer = http::Answer::wbxml(document);
                }
                let clock = self.eas.clock();
                let now = (clock.mono_ms(), clock.now_ms());
                parked.answered(&self.eas, now, brief, bytes);
                Some((ticket, received(answer)))
            }
        }
    }

    /// Goes on with one who waits. It keeps its ticket where it waits on.
    fn resume(&mut self, ticket: u64, why: Why) -> Option<(u64, Answer)> {
        let at = self.lot.iter().position(|waits| waits.ticket == ticket)?;
        let mut parked = self.lot.remove(at).parked;
        loop {
            match block_on(self.eas.resume(parked, why)) {
                Outcome::Answer(answer) => return Some((ticket, received(answer))),
                Outcome::Park(again) if again.is_current() => {
                    self.lot.push(Waits {
                        ticket,
                        parked: again,
                    });
                    return None;
                }
                Outcome::Park(again) => parked = again,
            }
        }
    }

    /// All items of a user: folder, item.
    pub(crate) fn items(&self, user: usize) -> Vec<ItemRow> {
        let (mailbox, scope) = (self.mailbox(), self.scope(user));
        let folders = block_on(mailbox.folders(scope)).unwrap();
        let mut items = Vec::new();
        for folder in folders {
            let mut from = None;
            loop {
                let page = block_on(mailbox.list_items(scope, folder.id, from, 500)).unwrap();
                items.extend(page.items);
                from = page.next;
                if from.is_none() {
                    break;
                }
            }
        }
        items
    }

    /// What an item says, if it is there.
    pub(crate) fn title_of(&self, user: usize, server_id: &str) -> Option<String> {
        let (folder, item) = server_id.split_once(':')?;
        let (folder, item) = (folder.parse().ok()?, item.parse().ok()?);
        let (scope, mailbox) = (self.scope(user), self.mailbox());
        let item = mailbox.item(scope, FolderId(folder), ItemId(item));
        block_on(item).unwrap().as_ref().map(title)
    }
}

/// What an item says.
pub(crate) fn title(row: &ItemRow) -> String {
    match row.to_record().unwrap() {
        Record::Message(mail) => mail.subject,
        Record::Task(task) => task.subject,
        Record::Event(event) => event.subject,
        Record::Note(note) => note.subject,
        Record::Contact(contact) => contact.get(ContactField::LastName).to_owned(),
    }
}

fn received(answer: http::Answer) -> Answer {
    let headers = answer.headers.into_iter();
    Answer {
        status: answer.status,
        headers: headers
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect(),
        body: answer.body,
    }
}
