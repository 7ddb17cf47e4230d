//! Mail that devices send, and what becomes of it.

use crate::eas::testing::{House, shown};
use crate::eas::version::Version;
use crate::mailbox::FolderId;
use crate::pim::{Message, Record};
use crate::work::block_on;

fn send(client_id: &str, save: &str, mime: &str) -> String {
    format!(
        "<composemail:SendMail><composemail:ClientId>{client_id}</composemail:ClientId>{save}<composemail:Mime>{mime}</composemail:Mime></composemail:SendMail>"
    )
}

fn status(n: u16) -> String {
    status_of("SendMail", n)
}

pub(super) fn status_of(command: &str, n: u16) -> String {
    format!(
        "<composemail:{command}><composemail:Status>{n}</composemail:Status></composemail:{command}>"
    )
}

pub(super) fn mails(house: &House, login: &str, folder: FolderId) -> Vec<(Message, Vec<u8>)> {
    let mailbox = house.eas.mailbox();
    let scope = house.account(login).scope;
    let page = block_on(mailbox.list_items(scope, folder, None, 10)).unwrap();
    let mail = |row: crate::mailbox::ItemRow| match row.to_record().unwrap() {
        Record::Message(m) => {
            let id = crate::store::BlobId(m.mime.hash);
            let raw = block_on(mailbox.store().get_blob(id, 0..m.mime.bytes)).unwrap();
            (m, raw.to_vec())
        }
        _ => panic!("no mail"),
    };
    page.items.into_iter().map(mail).collect()
}

const TO_BOB: &str =
    "From: mallory@example.net|To: bob@example.org|Bcc: alice@example.org|Subject: hi||text";

#[test]
fn mail_is_sent_once() {
    let house = House::new();
    let phone = house.phone(Version::V14_1);
    let request = send("c1", "<composemail:SaveInSentItems/>", TO_BOB);
    phone.check("SendMail", &request, "");
    phone.check("SendMail", &request, &status(118));
    let bob = mails(&house, "bob", FolderId::INBOX);
    assert_eq!(bob.len(), 1);
    assert!(
        bob[0].0.from.contains("alice@example.org"),
        "{}",
        bob[0].0.from
    );
    let raw = String::from_utf8_lossy(&bob[0].1);
    assert!(!raw.contains("Bcc"), "{raw}");
    assert!(
        raw.contains("Date: ") && raw.contains("Message-ID: "),
        "{raw}"
    );
    assert_eq!(mails(&house, "alice", FolderId::INBOX).len(), 1);
    let sent = mails(&house, "alice", FolderId::SENT);
    assert_eq!((sent.len(), sent[0].0.read), (1, true));
    let unsaved = send("c2", "", TO_BOB);
    phone.check("SendMail", &unsaved, "");
    assert_eq!(mails(&house, "alice", FolderId::SENT).len(), 1);
}

#[test]
fn the_senders_own_copy_names_those_of_bcc_and_nobody_elses_does() {
    let house = House::new();
    for version in [Version::V12_1, Version::V14_1, Version::V16_1] {
        let phone = house.phone(version);
        let mime = format!("Subject: {version}|{}", TO_BOB.replace("Subject: hi|", ""));
        if version < Version::V14_0 {
            let mime = mime.replace('|', "\r\n");
            phone.answer("SendMail&SaveInSent=T", mime.as_bytes());
        } else {
            let request = send(version.text(), "<composemail:SaveInSentItems/>", &mime);
            phone.check("SendMail", &request, "");
        }
        let of = |login, folder| {
            let all = mails(&house, login, folder);
            let one = all.into_iter().find(|(m, _)| m.subject == version.text());
            one.unwrap()
        };
        let (sent, raw) = of("alice", FolderId::SENT);
        assert_eq!(sent.bcc, "alice@example.org");
        assert!(raw.windows(4).any(|w| w == b"Bcc:"));
        assert_eq!(sent.mime.bytes, raw.len() as u64);
        for (login, folder) in [("bob", FolderId::INBOX), ("alice", FolderId::INBOX)] {
            let (arrived, raw) = of(login, folder);
            assert_eq!(arrived.bcc, "");
            assert!(!raw.windows(4).any(|w| w.eq_ignore_ascii_case(b"bcc:")));
            assert_eq!(arrived.conversation_id, sent.conversation_id);
        }
    }
}

#[test]
fn mail_in_anothers_name_is_refused_where_that_is_wanted() {
    let house = House::with(crate::eas::Settings {
        foreign_from: crate::pim::mail::compose::Foreign::Refuse,
        ..crate::eas::Settings::default()
    });
    let phone = house.phone(Version::V14_1);
    phone.check("SendMail", &send("c1", "", TO_BOB), &status(120));
    assert!(mails(&house, "bob", FolderId::INBOX).is_empty());
    let own = TO_BOB.replace("mallory@example.net", "alice@example.org");
    phone.check("SendMail", &send("c1", "", &own), "");
    assert_eq!(mails(&house, "bob", FolderId::INBOX).len(), 1);
}

#[test]
fn up_to_12_1_the_content_is_the_mail() {
    let house = House::new();
    let phone = house.phone(Version::V12_1);
    let mime = TO_BOB.replace('|', "\r\n");
    for _ in 0..2 {
        let answer = phone.answer("SendMail&SaveInSent=T", mime.as_bytes());
        assert_eq!((answer.status, answer.body.len()), (200, 0));
    }
    assert_eq!(mails(&house, "bob", FolderId::INBOX).len(), 1);
    assert_eq!(mails(&house, "alice", FolderId::SENT).len(), 1);
    assert_eq!(
        shown(&phone.answer("SendMail", b"To: x y z\r\n\r\n")),
        "400"
    );
}

#[test]
fn what_cannot_be_sent() {
    let house = House::new();
    let phone = house.phone(Version::V14_1);
    phone.check("SendMail", &send("1", "", "Subject: a||b"), &status(119));
    phone.check("SendMail", &send("2", "", "To: nobody||b"), &status(116));
    // Nothing here takes mail for others.
    phone.check(
        "SendMail",
        &send("3", "", "To: a@example.net||b"),
        &status(120),
    );
    phone.check("SendMail", "<composemail:SendMail/>", &status(103));
    let long = "c".repeat(41);
    phone.check("SendMail", &send(&long, "", TO_BOB), &status(103));
    let account = "<composemail:AccountId>other</composemail:AccountId>";
    phone.check("SendMail", &send("4", account, TO_BOB), &status(166));
}
