//! What the tests of this module share: a house with two accounts in memory, and phones that speak
//! to it in readable text.

use crate::auth::{Authenticator, Naming, password};
use crate::clock::Clock;
use crate::eas::advisor::{Advice, Advisor};
use crate::eas::outgoing::Outbound;
use crate::eas::parked::Parked;
use crate::eas::version::Version;
use crate::eas::{Eas, Parts, Settings};
use crate::http::{Answer, Heard, Outcome, Peer, Request, Why};
use crate::mailbox::{Account, AccountRow, By, DeviceRow, FolderId, ItemId, Mailbox};
use crate::pim::{Note, Record};
use crate::push::{Push, Signal};
use crate::store::Store;
use crate::wbxml::{Tag, Writer, xml};
use crate::work::{Pool, block_on};
use base64::Engine;
use std::sync::Arc;

/// 2026-01-01T00:00:00Z.
const NEW_YEAR_MS: i64 = 1_767_225_600_000;

/// An appliance in memory, with alice and bob.
pub(super) struct House {
    pub(super) eas: Eas,
    pub(super) clock: Clock,
    signals: flume::Receiver<Signal>,
}

/// A phone of alice's, or of bob's.
#[derive(Clone)]
pub(super) struct Phone<'a> {
    pub(super) house: &'a House,
    pub(super) user: &'static str,
    pub(super) device: String,
    pub(super) version: Version,
    pub(super) headers: Vec<(&'static str, String)>,
    /// Names the connection that it uses.
    pub(super) port: u16,
}

impl House {
    pub(super) fn new() -> Self {
        Self::with(Settings::default())
    }

    pub(super) fn with(settings: Settings) -> Self {
        Self::beside(settings, None)
    }

    /// The same with somebody who takes mail for others.
    pub(super) fn beside(settings: Settings, outbound: Option<Arc<dyn Outbound>>) -> Self {
        let clock = Clock::manual(NEW_YEAR_MS);
        let store = Store::memory();
        let (carrier, signals) = flume::unbounded();
        let push = Push::new(carrier, clock.clone());
        let told = push.clone();
        store.listen(Box::new(move |wakes| told.heard(wakes)));
        let mailbox = Mailbox::new(store, clock.clone(), true);
        let cost = password::Cost {
            memory_kib: 64,
            passes: 1,
        };
        let hash = password::hash("secret", cost).unwrap();
        for (login, name) in [("alice", "Alice Ällen"), ("bob", "Bob Brown")] {
            let account = Account {
                login: login.into(),
                display_name: name.into(),
                addresses: vec![format!("{login}@example.org")],
                password_hash: hash.clone(),
                ..Account::default()
            };
            block_on(mailbox.add_account(&account)).unwrap();
        }
        let workers = Pool::start(1).unwrap();
        let naming = Naming::default();
        let auth = Authenticator::new(
            mailbox.clone(),
            workers.clone(),
            clock.clone(),
            naming,
            cost,
        );
        let eas = Eas::new(Parts {
            mailbox,
            auth: auth.unwrap(),
            outbound,
            push,
            clock: clock.clone(),
            advisor: Advisor::new(Advice::Cap, settings.heartbeat_s_min),
            workers,
            settings,
        });
        Self {
            eas,
            clock,
            signals,
        }
    }

    pub(super) fn phone(&self, version: Version) -> Phone<'_> {
        Phone {
            house: self,
            user: "alice",
            device: "phone1".into(),
            version,
            headers: Vec::new(),
            port: 1,
        }
    }

    pub(super) fn account(&self, login: &str) -> AccountRow {
        block_on(self.eas.mailbox().find_login(login, ""))
            .unwrap()
            .unwrap()
    }

    /// Puts a record into a folder of alice's, on nobody's behalf.
    pub(super) fn put(&self, folder: FolderId, record: &Record) -> ItemId {
        let mailbox = self.eas.mailbox();
        let scope = self.account("alice").scope;
        let folder = block_on(mailbox.folder(scope, folder)).unwrap();
        let mut tx = mailbox.transaction(scope, By::default());
        let item = block_on(tx.add(&folder, record)).unwrap();
        block_on(tx.commit()).unwrap();
        item
    }

    /// Puts a mail into alice's inbox.
    pub(super) fn mail(&self, mime: &str) -> ItemId {
        let now_ms = self.clock.now_ms();
        let raw = mime.replace('\n', "\r\n").into_bytes();
        block_on(self.eas.mailbox().store().put_blob(&raw)).unwrap();
        let (message, _) = crate::pim::mail::inspect(&raw, now_ms);
        self.put(FolderId::INBOX, &Record::Message(message))
    }

    /// Puts a note into alice's notes.
    pub(super) fn note(&self, subject: &str) -> ItemId {
        let note = Note {
            subject: subject.into(),
            ..Note::default()
        };
        self.put(FolderId::NOTES, &Record::Note(note))
    }

    /// Forgets the signals that have come.
    pub(super) fn signals(&self) {
        self.signals.drain().for_each(drop);
    }

    /// What a parked request makes of the signals that have come: its answer as text, "resume"
    /// where a handler has to look, nothing where none concerns it.
    pub(super) fn told(&self, parked: &Parked) -> Option<String> {
        let signals: Vec<_> = self.signals.drain().collect();
        signals.iter().find_map(|signal| {
            let mut document = Vec::new();
            let heard = parked.hear(signal, &mut document);
            said(heard, document)
        })
    }

    /// Goes on with a parked request.
    pub(super) fn resume(&self, parked: Parked, why: Why) -> Outcome<Parked> {
        block_on(self.eas.resume(parked, why))
    }
}

impl Phone<'_> {
    pub(super) fn device_row(&self) -> DeviceRow {
        let scope = self.house.account(self.user).scope;
        let found = self.house.eas.mailbox().find_device(scope, &self.device);
        block_on(found).unwrap().unwrap()
    }

    pub(super) fn ask(&self, command: &str, body: &[u8]) -> Outcome<Parked> {
        let is_mail = ["SendMail", "Smart"].iter().any(|c| command.starts_with(c));
        let kind = if is_mail && self.version < Version::V14_0 {
            "message/rfc822"
        } else {
            "application/vnd.ms-sync.wbxml"
        };
        let login = format!("{}:secret", self.user);
        let login = base64::engine::general_purpose::STANDARD.encode(login);
        let login = format!("Basic {login}");
        let mut headers = vec![
            ("Authorization", login.as_str()),
            ("MS-ASProtocolVersion", self.version.text()),
            ("Content-Type", kind),
        ];
        headers.extend(self.headers.iter().map(|(n, v)| (*n, v.as_str())));
        let target = format!(
            "/Microsoft-Server-ActiveSync?Cmd={command}&User={}&DeviceId={}&DeviceType=Test",
            self.user, self.device
        );
        let request = Request::new("POST", &target)
            .with_headers(&headers)
            .with_body(body);
        let addr = ([192, 0, 2, 1], self.port).into();
        let peer = Peer { addr, tls: true };
        block_on(self.house.eas.handle(&request, &peer))
    }

    pub(super) fn answer(&self, command: &str, body: &[u8]) -> Answer {
        match self.ask(command, body) {
            Outcome::Answer(answer) => answer,
            Outcome::Park(_) => panic!("parked"),
        }
    }

    /// Asks with the text of a document (none: no content); the answer as text, without blanks.
    pub(super) fn says(&self, command: &str, document: &str) -> String {
        shown(&self.answer(command, &wbxml(document)))
    }

    /// Holds the answer against what is expected, whatever the blanks.
    #[track_caller]
    pub(super) fn check(&self, command: &str, document: &str, expect: &str) {
        assert_eq!(self.says(command, document), squeeze(expect));
    }

    /// Parks; what was told before does not reach the request.
    pub(super) fn parks(&self, command: &str, document: &str) -> Parked {
        self.house.signals();
        match self.ask(command, &wbxml(document)) {
            Outcome::Park(parked) => parked,
            Outcome::Answer(answer) => panic!("answered: {}", shown(&answer)),
        }
    }
}

/// What a parked request says by itself.
pub(super) fn said(heard: Heard, document: Vec<u8>) -> Option<String> {
    match heard {
        Heard::Nothing => None,
        Heard::Resume => Some("resume".into()),
        Heard::Answer(_) if document.is_empty() => Some(String::new()),
        Heard::Answer(_) => Some(squeeze(&xml::dump(&document).unwrap())),
    }
}

/// An answer as text: the document, or the HTTP code where it is not 200.
pub(super) fn shown(answer: &Answer) -> String {
    match (answer.status, answer.body.is_empty()) {
        (200, true) => String::new(),
        (200, false) => squeeze(&xml::dump(&answer.body).unwrap()),
        (code, _) => code.to_string(),
    }
}

/// Without line ends and the blanks in front of elements.
pub(super) fn squeeze(text: &str) -> String {
    text.lines().map(str::trim).collect()
}

/// The document of a text as [`xml::dump`] writes it.
pub(super) fn wbxml(text: &str) -> Vec<u8> {
    let text = squeeze(text);
    if text.is_empty() {
        return Vec::new();
    }
    let mut w = Writer::new();
    let mut rest = text.as_str();
    while let Some(after) = rest.strip_prefix('<') {
        let (name, after) = after.split_once('>').unwrap();
        if name.starts_with('/') {
            w.close();
            rest = after;
        } else if let Some(name) = name.strip_suffix('/') {
            w.empty(tag(name));
            rest = after;
        } else if after.starts_with('<') && !after.starts_with("</") {
            w.open(tag(name));
            rest = after;
        } else {
            let (value, after) = after.split_once('<').unwrap();
            if name.ends_with("Mime") {
                w.opaque(tag(name), value.replace('|', "\r\n").as_bytes());
            } else if let Some(bytes) = hex(value) {
                w.opaque(tag(name), &bytes);
            } else {
                w.text(tag(name), value);
            }
            rest = after.split_once('>').unwrap().1;
        }
    }
    assert_eq!(rest, "", "in {text}");
    w.finish()
}

/// The bytes of `[2 bytes: 00ff]`, as a dump shows them.
fn hex(value: &str) -> Option<Vec<u8>> {
    let (_, digits) = value.strip_prefix('[')?.split_once(" bytes: ")?;
    let digits = digits.strip_suffix(']')?.as_bytes();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.chunks(2).map(byte).collect()
}

fn tag(name: &str) -> Tag {
    let (prefix, name) = name.split_once(':').unwrap_or(("airsync", name));
    let mut tags = Tag::all().filter(|t| t.prefix() == prefix && t.name() == name);
    tags.next()
        .unwrap_or_else(|| panic!("no tag {prefix}:{name}"))
}
