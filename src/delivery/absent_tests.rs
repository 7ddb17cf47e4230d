//! Who is told of an absence, what, and how often; by way of the door for LMTP.

use super::Door;
use crate::auth::Naming;
use crate::clock::Clock;
use crate::mailbox::{Absence, AbsenceState, Account, Audience, By, FolderId, Mailbox, Note};
use crate::pim::{BodyKind, Contact, ContactField, Record};
use crate::queue::{self, Queue, Queued};
use crate::smtp::{Envelope, Verdict};
use crate::store::{BlobId, Fault, FaultPlan, Scope, Store};
use crate::work::{Pool, block_on};

const DAY_MS: i64 = 86_400_000;
/// 2026-01-01T00:00:00Z.
const NEW_YEAR_MS: i64 = 1_767_225_600_000;
const FAR: &str = "zoe@far.example";

struct House {
    door: Door,
    mailbox: Mailbox,
    store: Store,
    ann: Scope,
    bob: Scope,
}

fn open(store: Store) -> (Door, Mailbox) {
    let mailbox = Mailbox::new(store, Clock::manual(NEW_YEAR_MS), true);
    let workers = Pool::start(1).unwrap();
    (
        Door::new(mailbox.clone(), Naming::default(), workers),
        mailbox,
    )
}

fn house() -> House {
    let store = Store::memory();
    let (door, mailbox) = open(store.clone());
    let add = |login: &str, domain: &str, addresses: &[&str]| {
        let account = Account {
            login: login.into(),
            domain: domain.into(),
            display_name: format!("{login} Lee"),
            addresses: addresses.iter().map(ToString::to_string).collect(),
            ..Account::default()
        };
        block_on(mailbox.add_account(&account)).unwrap()
    };
    let ann = add("ann", "", &["ann@example.org", "a.lee@example.org"]);
    let bob = add("bob", "", &["bob@other.example"]);
    add("eve", "tenant", &["eve@tenant.example"]);
    let house = House {
        door,
        mailbox,
        store,
        ann,
        bob,
    };
    house.away(AbsenceState::On, |_| {});
    house
}

fn note(text: &str) -> Note {
    Note {
        enabled: true,
        text: text.into(),
        kind: BodyKind::Text,
    }
}

impl House {
    /// Ann is away and says different things to everybody.
    fn away(&self, state: AbsenceState, more: impl Fn(&mut Absence)) {
        let change = |absence: &mut Absence| {
            absence.state = state;
            *absence.note_mut(Audience::Internal) = note("Skiing until Monday.");
            *absence.note_mut(Audience::ExternalKnown) = note("Away, dear friend.");
            *absence.note_mut(Audience::ExternalUnknown) = note("Away.");
            more(absence);
        };
        block_on(self.mailbox.change_absence(self.ann, change)).unwrap();
    }

    /// Mail to Ann; what goes out because of it.
    fn mail_with(&self, n: usize, from: &str, head: &str) -> Vec<(Queued, String)> {
        let head = head.replace('\n', "\r\n");
        let raw = format!("From: {from}\r\n{head}Message-ID: <{n}@x>\r\n\r\nmail {n}\r\n");
        let envelope = Envelope {
            sender: from.into(),
            recipients: vec!["ann@example.org".into()],
            ..Envelope::default()
        };
        let done = block_on(self.door.deliver(&envelope, raw.into_bytes()));
        assert_eq!(done, [Verdict::Accepted]);
        self.queued()
    }

    fn mail(&self, n: usize, from: &str) -> Vec<(Queued, String)> {
        self.mail_with(n, from, "To: Ann <ann@example.org>\nSubject: Lunch\n")
    }

    /// What waits for other servers, taken out of the queue.
    fn queued(&self) -> Vec<(Queued, String)> {
        let queue = Queue::new(self.mailbox.clone());
        let rows = block_on(queue.list(None, 100)).unwrap();
        let take = |row: queue::QueuedRow| {
            block_on(queue.replace(&row, &[])).unwrap();
            let mime = &row.mail.mime;
            let raw = self.store.get_blob(BlobId(mime.hash), 0..mime.bytes);
            let raw = String::from_utf8(block_on(raw).unwrap().to_vec()).unwrap();
            (row.mail, raw)
        };
        rows.into_iter().map(take).collect()
    }

    /// The subjects in somebody's Inbox, newest first.
    fn inbox(&self, scope: Scope) -> Vec<String> {
        let page = self.mailbox.list_items(scope, FolderId::INBOX, None, 100);
        let rows = block_on(page).unwrap().items;
        let subject = |record| match record {
            Record::Message(message) => message.subject,
            _ => panic!("no mail"),
        };
        rows.iter()
            .map(|row| subject(row.to_record().unwrap()))
            .collect()
    }

    fn is_answered(&self, n: usize, head: &str) -> bool {
        // A sender of their own each time: nobody is told twice.
        !self
            .mail_with(n, &format!("zoe{n}@far.example"), head)
            .is_empty()
    }
}

#[test]
fn a_stranger_is_told_as_rfc_3834_has_it() {
    let house = house();
    let head = "To: x@y.example\nCc: \"Lee, Ann\" <A.Lee@Example.org>\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\nReferences: <0@x>\n";
    let [(queued, raw)] = &house.mail_with(1, FAR, head)[..] else {
        panic!("not one answer");
    };
    assert_eq!(
        (queued.sender.as_str(), &queued.recipients[..]),
        ("", &[FAR.to_owned()][..])
    );
    let (message, seen) = crate::pim::mail::inspect(raw.as_bytes(), 0);
    assert_eq!(message.subject, "Automatic reply: Grüße");
    assert_eq!(message.from, "\"ann Lee\" <a.lee@example.org>");
    assert_eq!(message.to, FAR);
    assert_eq!(message.sent_ms, NEW_YEAR_MS);
    assert_eq!(seen.text.trim_end(), "Away.");
    for line in [
        "Auto-Submitted: auto-replied\r\n",
        "X-Auto-Response-Suppress: All\r\n",
        "In-Reply-To: <1@x>\r\n",
    ] {
        assert!(raw.contains(line), "{raw}");
    }
    let references = raw.split("References: ").nth(1).unwrap();
    assert!(
        references.starts_with("<0@x> <1@x>") || references.starts_with("<0@x>\r\n\t<1@x>"),
        "{raw}"
    );
    assert!(
        crate::pim::mail::asker(raw.as_bytes(), FAR).is_none(),
        "nobody answers it"
    );
}

#[test]
fn each_audience_has_its_own_note_and_form() {
    let house = house();
    let mut contact = Contact::default();
    contact.set(ContactField::Email2Address, "\"Zoe\" <Zoe@Far.example>");
    let contacts = block_on(house.mailbox.folder(house.ann, FolderId::CONTACTS)).unwrap();
    let mut tx = house.mailbox.transaction(house.ann, By::default());
    block_on(tx.add(&contacts, &Record::Contact(contact))).unwrap();
    block_on(tx.commit()).unwrap();
    let told = |n: usize, from: &str| {
        let all = house.mail(n, from);
        let texts = all
            .iter()
            .map(|(_, raw)| crate::pim::mail::text(raw.as_bytes()).trim_end().to_owned());
        texts.collect::<Vec<_>>()
    };
    assert_eq!(told(1, FAR), ["Away, dear friend."]);
    assert_eq!(told(2, "yan@far.example"), ["Away."]);
    // Of the same domain, with a mailbox elsewhere.
    assert_eq!(told(3, "old@EXAMPLE.org"), ["Skiing until Monday."]);
    // Who lives here is told at once.
    assert!(told(4, "bob@other.example").is_empty());
    assert_eq!(house.inbox(house.bob), ["Automatic reply: Lunch"]);
    // Another tenant is a stranger, also if they live in the same appliance.
    assert!(told(5, "eve@tenant.example").is_empty());
    let eve = block_on(house.mailbox.find_login("eve", "tenant"))
        .unwrap()
        .unwrap();
    let row = block_on(
        house
            .mailbox
            .list_items(eve.scope, FolderId::INBOX, None, 9),
    )
    .unwrap();
    let Ok(Record::Message(message)) = row.items[0].to_record() else {
        panic!("no mail");
    };
    assert_eq!(message.text_head.trim_end(), "Away.");

    house.away(AbsenceState::On, |absence| {
        absence.note_mut(Audience::ExternalKnown).enabled = false;
        absence.note_mut(Audience::ExternalUnknown).kind = BodyKind::Html;
        absence.note_mut(Audience::ExternalUnknown).text = "<p>Away &amp; <b>out</b></p>".into();
    });
    assert!(told(6, FAR).is_empty(), "known ones are told nothing");
    let [(_, raw)] = &house.mail(7, "yan@far.example")[..] else {
        panic!("not one answer");
    };
    let both = crate::pim::mail::renditions(raw.as_bytes());
    assert_eq!(both.text.trim(), "Away & out");
    assert!(both.html.unwrap().contains("<b>out</b>"));
}

#[test]
fn a_sender_is_told_once_for_an_absence_and_seven_days() {
    let house = house();
    assert_eq!(house.mail(1, FAR).len(), 1);
    assert_eq!(
        house.mail(2, "ZOE@far.example").len(),
        0,
        "it is the same one"
    );
    assert_eq!(house.mail(3, "yan@far.example").len(), 1);
    house.mailbox.clock().advance(7 * DAY_MS - 1);
    block_on(house.mailbox.purge_all(house.ann)).unwrap();
    assert_eq!(house.mail(4, FAR).len(), 0);
    house.mailbox.clock().advance(1);
    assert_eq!(house.mail(5, FAR).len(), 1);
    assert_eq!(house.mail(6, FAR).len(), 0);
    // Set anew as it is: nothing has changed.
    house.away(AbsenceState::On, |_| {});
    assert_eq!(house.mail(7, FAR).len(), 0);
    house.away(AbsenceState::On, |a| {
        a.note_mut(Audience::Internal).text.push('!')
    });
    assert_eq!(house.mail(8, FAR).len(), 1);
    // It is over, and begins again.
    house.away(AbsenceState::Off, |_| {});
    assert_eq!(house.mail(9, "new@far.example").len(), 0);
    house.away(AbsenceState::On, |_| {});
    assert_eq!(house.mail(10, FAR).len(), 1);
    // What is forgotten leaves nothing behind.
    house.mailbox.clock().advance(8 * DAY_MS);
    block_on(house.mailbox.purge_all(house.ann)).unwrap();
    let rows = match &house.store {
        Store::Memory(memory) => memory.rows(),
        Store::Fjall(_) => Vec::new(),
    };
    let told = |key: &[u8]| key.windows(5).any(|w| w == b"told " || w == b"owed ");
    assert_eq!(rows.iter().filter(|(key, _)| told(key)).count(), 0);
}

#[test]
fn a_timed_absence_counts_by_the_clock_of_the_server() {
    let house = house();
    house.away(AbsenceState::Timed, |absence| {
        absence.from_ms = NEW_YEAR_MS + DAY_MS;
        absence.to_ms = NEW_YEAR_MS + 2 * DAY_MS;
    });
    let to = "To: ann@example.org\n";
    assert!(!house.is_answered(1, to));
    house.mailbox.clock().advance(DAY_MS);
    assert!(house.is_answered(2, to));
    house.mailbox.clock().advance(DAY_MS);
    assert!(!house.is_answered(3, to));
}

#[test]
fn who_did_not_write_to_the_user_is_not_told() {
    let house = house();
    let answered = |n: usize, head: &str| house.is_answered(n, head);
    assert!(answered(1, "To: ann@example.org\n"));
    assert!(answered(2, "To: x@y\nCc: ann@example.org\n"));
    for (n, silent) in [
        "To: list@far.example\n",
        "Bcc: ann@example.org\n",
        "To: ann+news@example.org\n",
        "Subject: to ann@example.org\n",
        "To: ann@example.org\nPrecedence: bulk\n",
        "To: ann@example.org\nList-Id: <l>\n",
        "To: ann@example.org\nAuto-Submitted: auto-generated\n",
        "To: ann@example.org\nX-Auto-Response-Suppress: OOF\n",
    ]
    .iter()
    .enumerate()
    {
        assert!(!answered(10 + n, silent), "{silent}");
    }
    // Oneself, under either name, and nobody.
    let to = "To: ann@example.org\n";
    for (n, from) in [
        "ann@example.org",
        "A.LEE@example.org",
        "",
        "no-reply@far.example",
    ]
    .iter()
    .enumerate()
    {
        assert_eq!(house.mail_with(30 + n, from, to).len(), 0, "{from}");
    }
    assert!(
        !house
            .inbox(house.ann)
            .iter()
            .any(|s| s.starts_with("Automatic"))
    );
}

#[test]
fn two_who_are_away_tell_each_other_once() {
    let house = house();
    let change = |absence: &mut Absence| {
        absence.state = AbsenceState::On;
        *absence.note_mut(Audience::Internal) = note("Out, too.");
    };
    block_on(house.mailbox.change_absence(house.bob, change)).unwrap();
    assert!(house.mail(1, "bob@other.example").is_empty());
    assert_eq!(house.inbox(house.bob), ["Automatic reply: Lunch"]);
    assert_eq!(house.inbox(house.ann), ["Lunch"]);
}

/// Cut off at each commit, and begun anew: the mail is there once, and so is the answer.
#[test]
fn an_answer_goes_out_once_wherever_the_appliance_is_stopped() {
    for from in [FAR, "bob@other.example"] {
        for n in 1..=5 {
            let first = house();
            let Store::Memory(memory) = &first.store else {
                panic!("another engine");
            };
            // From here on nothing is written any more.
            let done = memory.commits();
            let all = (done + n..done + 100)
                .fold(FaultPlan::none(), |plan, at| plan.commit(at, Fault::Full));
            memory.inject(all);
            let raw = format!(
                "From: {from}\r\nTo: ann@example.org\r\nSubject: Lunch\r\nMessage-ID: <1@x>\r\n\r\nhi\r\n"
            );
            let envelope = Envelope {
                sender: from.into(),
                recipients: vec!["ann@example.org".into()],
                ..Envelope::default()
            };
            let verdicts = block_on(first.door.deliver(&envelope, raw.clone().into_bytes()));
            let store = Store::Memory(memory.crash());
            if let Store::Memory(memory) = &store {
                memory.inject(FaultPlan::none());
            }
            let (door, mailbox) = open(store.clone());
            let house = House {
                door,
                mailbox,
                store,
                ..first
            };
            // What upkeep does at the start.
            block_on(queue::answer_all(&house.mailbox)).unwrap();
            assert_eq!(verdicts == [Verdict::Accepted], n > 1, "{n}");
            // The peer has not heard of it, or may not have.
            let again = block_on(house.door.deliver(&envelope, raw.into_bytes()));
            assert_eq!(again, [Verdict::Accepted]);
            block_on(queue::answer_all(&house.mailbox)).unwrap();
            assert_eq!(house.inbox(house.ann), ["Lunch"], "{from} {n}");
            let answers = house.queued().len() + house.inbox(house.bob).len();
            assert_eq!(answers, 1, "{from} {n}");
            assert!(block_on(house.mailbox.owed(house.ann)).unwrap().is_empty());
        }
    }
}
