//! An appliance in memory with two accounts, some items of every class and a device that has them:
//! made once, copied for each execution.

use std::pin::Pin;
use std::sync::{Arc, LazyLock};

use roost::auth::{Authenticator, Naming, password};
use roost::clock::Clock;
use roost::delivery::Door;
use roost::eas::advisor::{Advice, Advisor};
use roost::eas::outgoing::{NotTaken, Outbound, Remote};
use roost::eas::parked::Parked;
use roost::eas::version::Version;
use roost::eas::{Eas, Parts, Settings};
use roost::http::{Answer, Outcome, Peer, Request, Why};
use roost::mailbox::check::Look;
use roost::mailbox::{Account, FolderKind, Mailbox, tx};
use roost::pim::ical::{self, Found};
use roost::pim::{Record, vcard};
use roost::push::{Push, Signal};
use roost::smtp::Envelope;
use roost::store::{Memory, Scope, Store};
use roost::wbxml::xml;
use roost::work::{Pool, block_on};

use super::mail::NEW_YEAR_MS;

const LOGIN: &str = "Basic YWxpY2U6c2VjcmV0";
const COST: password::Cost = password::Cost {
    memory_kib: 8,
    passes: 1,
};
/// The device that has everything.
pub(crate) const DEVICE: &str = "phone1";
/// Folders that it has synced, by number.
pub(crate) const FOLDERS: [FolderKind; 6] = [
    FolderKind::Inbox,
    FolderKind::Calendar,
    FolderKind::Contacts,
    FolderKind::Tasks,
    FolderKind::Notes,
    FolderKind::Drafts,
];
const MAILS: [&str; 3] = [
    "From: a@example.net\r\nTo: alice@example.org\r\nSubject: one\r\n\r\nhello\r\n",
    "From: \"B, C\" <b@example.net>\r\nTo: alice@example.org\r\nSubject: RE: two\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>caf\u{e9}</p>\r\n--b\r\nContent-Disposition: attachment; filename=f.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nMDEyMzQ1Njc4OQ==\r\n--b--\r\n",
    "From: a@example.net\r\nTo: alice@example.org\r\nSubject: three\r\nContent-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:3\r\nDTSTART:20260105T100000Z\r\nDTEND:20260105T110000Z\r\nRRULE:FREQ=WEEKLY;COUNT=5\r\nATTENDEE:mailto:alice@example.org\r\nORGANIZER:mailto:a@example.net\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
];
const CALENDAR: &str = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nSUMMARY:series\r\nDTSTART;TZID=Europe/Berlin:20260105T100000\r\nDTEND;TZID=Europe/Berlin:20260105T110000\r\nRRULE:FREQ=WEEKLY;BYDAY=MO\r\nEXDATE;TZID=Europe/Berlin:20260112T100000\r\nATTENDEE;CN=B:mailto:b@example.net\r\nORGANIZER:mailto:alice@example.org\r\nEND:VEVENT\r\nBEGIN:VTODO\r\nUID:2\r\nSUMMARY:task\r\nDUE:20260201T000000Z\r\nRRULE:FREQ=MONTHLY;BYMONTHDAY=1\r\nEND:VTODO\r\nBEGIN:VJOURNAL\r\nUID:4\r\nSUMMARY:note\r\nDESCRIPTION:text\r\nEND:VJOURNAL\r\nEND:VCALENDAR\r\n";
const CARD: &str = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Zo\u{eb} Z\r\nN:Z;Zo\u{eb}\r\nTEL;TYPE=CELL:1\r\nEMAIL:z@example.net\r\nBDAY:20000229\r\nEND:VCARD\r\n";

/// What a copy is made of.
struct Base {
    memory: Memory,
    scope: Scope,
    items: usize,
}

/// Read once: there are files of quirks and of roots behind it.
static SETTINGS: LazyLock<Settings> = LazyLock::new(|| Settings {
    // Time stands still.
    repeats_per_min_max: 0,
    ..Settings::default()
});

static BASE: LazyLock<Base> = LazyLock::new(|| {
    let memory = Memory::new();
    let house = House::on(memory.clone(), Scope(0), authenticator(&memory));
    let hash = password::hash("secret", COST).expect("a hash");
    for login in ["alice", "bob"] {
        let account = Account {
            login: login.into(),
            display_name: login.into(),
            addresses: vec![format!("{login}@example.org")],
            password_hash: hash.clone(),
            ..Account::default()
        };
        block_on(house.mailbox().add_account(&account)).expect("an account");
    }
    let found = block_on(house.mailbox().find_login("alice", ""));
    let scope = found.expect("a store").expect("alice").scope;
    let house = House { scope, ..house };
    house.furnish();
    house.assert_whole();
    let items = house.count();
    Base {
        memory,
        scope,
        items,
    }
});

/// No device changes an account: all copies ask the one that they were made of, which has checked the
/// password before.
static AUTH: LazyLock<Authenticator> = LazyLock::new(|| authenticator(&BASE.memory));

fn authenticator(memory: &Memory) -> Authenticator {
    let clock = Clock::manual(NEW_YEAR_MS);
    let mailbox = Mailbox::new(Store::Memory(memory.clone()), clock.clone(), true);
    let made = Authenticator::new(mailbox, Pool::inline(), clock, Naming::default(), COST);
    made.expect("an authenticator")
}

/// Mail for other hosts is taken, and goes nowhere.
struct Taken;

impl Outbound for Taken {
    fn take<'a>(
        &'a self,
        mail: &'a Remote,
    ) -> Pin<Box<dyn Future<Output = Result<(), NotTaken>> + 'a>> {
        assert!(!mail.recipients.is_empty());
        Box::pin(std::future::ready(Ok(())))
    }
}

/// An appliance.
pub(crate) struct House {
    pub(crate) eas: Eas,
    pub(crate) scope: Scope,
    pub(crate) memory: Memory,
    door: Door,
    _signals: flume::Receiver<Signal>,
}

impl House {
    /// A copy of the one that is furnished.
    pub(crate) fn new() -> Self {
        Self::on(BASE.memory.snapshot(), BASE.scope, AUTH.clone())
    }

    fn on(memory: Memory, scope: Scope, auth: Authenticator) -> Self {
        let (clock, workers) = (Clock::manual(NEW_YEAR_MS), Pool::inline());
        let store = Store::Memory(memory.clone());
        let (carrier, signals) = flume::unbounded();
        let push = Push::new(carrier, clock.clone());
        let told = push.clone();
        store.listen(Box::new(move |wakes| told.heard(wakes)));
        let mailbox = Mailbox::new(store, clock.clone(), true);
        let settings = SETTINGS.clone();
        Self {
            door: Door::new(mailbox.clone(), Naming::default(), workers.clone()),
            eas: Eas::new(Parts {
                mailbox,
                auth,
                outbound: Some(Arc::new(Taken)),
                push,
                clock,
                advisor: Advisor::new(Advice::Off, settings.heartbeat_s_min),
                workers,
                settings,
            }),
            scope,
            memory,
            _signals: signals,
        }
    }

    pub(crate) fn mailbox(&self) -> &Mailbox {
        self.eas.mailbox()
    }

    fn furnish(&self) {
        MAILS.iter().for_each(|mail| self.deliver(mail.as_bytes()));
        let defaults = ical::Defaults::default();
        let calendar = ical::parse(CALENDAR.as_bytes(), &defaults).expect("a calendar");
        for found in calendar.found {
            match found {
                Found::Event(event) => self.put(FolderKind::Calendar, Record::Event(event)),
                Found::Task(task) => self.put(FolderKind::Tasks, Record::Task(task)),
                Found::Note(note) => self.put(FolderKind::Notes, Record::Note(note)),
            }
        }
        let cards = vcard::parse(CARD.as_bytes(), NEW_YEAR_MS).expect("a card");
        for card in cards {
            self.put(FolderKind::Contacts, Record::Contact(card.contact));
        }
        super::session::furnish(self);
    }

    fn put(&self, kind: FolderKind, record: Record) {
        let folder = block_on(self.mailbox().folder_of_kind(self.scope, kind)).expect("a folder");
        let mut tx: tx::Tx = self.mailbox().transaction(self.scope, Default::default());
        block_on(tx.add(&folder, &record)).expect("added");
        block_on(tx.commit()).expect("durable");
    }

    /// Takes a mail in.
    pub(crate) fn deliver(&self, raw: &[u8]) {
        let envelope = Envelope {
            sender: "a@example.net".into(),
            recipients: vec!["alice@example.org".into()],
            utf8: true,
        };
        let verdicts = block_on(self.door.deliver(&envelope, raw.to_vec()));
        assert!(
            verdicts.iter().all(|verdict| verdict.is_accepted()),
            "{verdicts:?}"
        );
    }

    /// The number of a folder.
    pub(crate) fn folder(&self, kind: FolderKind) -> u32 {
        let folder = block_on(self.mailbox().folder_of_kind(self.scope, kind));
        folder.expect("a folder").id.0
    }

    /// Asks, and looks at what comes back, which is given as text; a request that waits is answered
    /// as if its time had come.
    pub(crate) fn ask(&self, command: &str, more: &str, version: Version, body: &[u8]) -> String {
        let (status, shown) = self.ask_damaged(command, more, version, body);
        // "There is no such attachment" is 500 in the protocol ([MS-ASCMD] 2.2.1.8).
        let asked_for = (command, status) == ("GetAttachment", 500);
        assert!(
            asked_for || !matches!(status, 500 | 502 | 503 | 401),
            "{command} {version:?}: {status} {shown}: {}",
            xml::dump(body).unwrap_or_default(),
        );
        // What says "our fault" (MS-ASCMD 2.2.4).
        for status in ["Status>110</", "Status>111</"] {
            assert!(!shown.contains(status), "{shown}");
        }
        shown
    }

    /// The same where the store is damaged: that may be said.
    pub(crate) fn ask_damaged(
        &self,
        command: &str,
        more: &str,
        version: Version,
        body: &[u8],
    ) -> (u16, String) {
        let mime = command == "SendMail" && version < Version::V14_0;
        let headers = [
            ("Authorization", LOGIN),
            ("MS-ASProtocolVersion", version.text()),
            (
                "Content-Type",
                if mime {
                    "message/rfc822"
                } else {
                    "application/vnd.ms-sync.wbxml"
                },
            ),
        ];
        let target = format!(
            "/Microsoft-Server-ActiveSync?Cmd={command}&DeviceId={DEVICE}&DeviceType=Test{more}"
        );
        let request = Request::new("POST", &target)
            .with_headers(&headers)
            .with_body(body);
        let peer = Peer {
            addr: ([192, 0, 2, 1], 1).into(),
            tls: true,
        };
        let mut outcome = block_on(self.eas.handle(&request, &peer));
        for _ in 0..8 {
            match outcome {
                Outcome::Answer(answer) => return (answer.status, shown(&answer)),
                Outcome::Park(parked) => outcome = self.expire(parked),
            }
        }
        panic!("{command} waits on after its time");
    }

    fn expire(&self, parked: Parked) -> Outcome<Parked> {
        block_on(self.eas.resume(parked, Why::Expired))
    }

    /// How many commits were tried since the copy was made: where none was, nothing is otherwise than
    /// before.
    pub(crate) fn commits(&self) -> u64 {
        self.memory.commits()
    }

    /// How many items there are.
    pub(crate) fn items(&self) -> usize {
        match self.commits() {
            0 => BASE.items,
            _ => self.count(),
        }
    }

    fn count(&self) -> usize {
        let folders = block_on(self.mailbox().folders(self.scope)).expect("folders");
        let count = |id| block_on(self.mailbox().list_items(self.scope, id, None, 1_000));
        folders
            .iter()
            .map(|row| count(row.id).expect("items").items.len())
            .sum()
    }

    /// The store is whole, if anything was written to it.
    pub(crate) fn assert_whole(&self) {
        if self.commits() == 0 {
            return;
        }
        let mut wrong = Vec::new();
        let mut tell = |found: &roost::mailbox::check::Wrong, _| wrong.push(found.to_string());
        let look = Look::default();
        block_on(self.mailbox().check(self.scope, look, &mut tell)).expect("a store");
        assert!(wrong.is_empty(), "{wrong:?}");
    }
}

/// What is said can be read: a document or a refusal, as text. Nothing of an attachment.
fn shown(answer: &Answer) -> String {
    if answer.header("Content-Type") == Some("application/vnd.ms-sync.wbxml") {
        let shown = xml::dump(&answer.body);
        return shown.unwrap_or_else(|wrong| panic!("{wrong}: {:02x?}", answer.body));
    }
    match answer.status {
        200 => String::new(),
        _ => String::from_utf8_lossy(&answer.body).into_owned(),
    }
}
