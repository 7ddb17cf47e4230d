//! Mail that answers another one, and is completed by the server.

use super::mail::{mails, status_of};
use crate::eas::testing::{House, Phone};
use crate::eas::version::Version;
use crate::mailbox::{FolderId, ItemId};
use crate::pim::mail::renditions;

const ORIGINAL: &str = "From: Bob Brown <bob@example.org>\nTo: alice@example.org\nSubject: Lunch\nMessage-ID: <lunch@example.org>\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nShall we?\n--b\nContent-Type: image/png; name=a.png\nContent-Disposition: attachment; filename=a.png\nContent-Transfer-Encoding: base64\n\nAAEC\n--b--\n";
const NEW: &str = "To: bob@example.org|Subject: Re: Lunch||Yes.";

/// A request from 14.0 on.
fn document(command: &str, client_id: &str, source: &str, rest: &str) -> String {
    format!(
        "<composemail:{command}><composemail:ClientId>{client_id}</composemail:ClientId><composemail:Source>{source}</composemail:Source>{rest}<composemail:Mime>{NEW}</composemail:Mime></composemail:{command}>"
    )
}

fn source(item: ItemId) -> String {
    format!(
        "<composemail:FolderId>2</composemail:FolderId><composemail:ItemId>2:{item}</composemail:ItemId>"
    )
}

/// Answers the mail as the phone's version does it; the HTTP status and the document.
fn answer(phone: &Phone<'_>, command: &str, client_id: &str, item: ItemId) -> String {
    if phone.version < Version::V14_0 {
        let target = format!("{command}&CollectionId=2&ItemId=2%3A{item}&SaveInSent=T");
        let answer = phone.answer(&target, NEW.replace('|', "\r\n").as_bytes());
        assert_eq!(answer.body.len(), 0);
        return answer.status.to_string();
    }
    let save = "<composemail:SaveInSentItems/>";
    phone.says(command, &document(command, client_id, &source(item), save))
}

#[test]
fn in_every_version_the_original_goes_along_and_is_marked() {
    for version in Version::ALL {
        for (command, verb) in [("SmartReply", 1), ("SmartForward", 3)] {
            let house = House::new();
            let item = house.mail(ORIGINAL);
            let phone = house.phone(version);
            let (first, second) = match version < Version::V14_0 {
                true => ("200".to_owned(), "200".to_owned()),
                false => (String::new(), status_of(command, 118)),
            };
            assert_eq!(answer(&phone, command, "c1", item), first, "{version}");
            assert_eq!(answer(&phone, command, "c1", item), second, "{version}");
            let bob = mails(&house, "bob", FolderId::INBOX);
            let [(mail, raw)] = &bob[..] else {
                panic!("{} mails in {version}", bob.len());
            };
            let text = renditions(raw).text;
            assert!(text.starts_with("Yes.\r\n\r\n-----Original"), "{text}");
            assert!(text.contains("Shall we?"), "{text}");
            assert_eq!(mail.parts.len(), usize::from(verb == 3));
            assert_eq!(mails(&house, "alice", FolderId::SENT).len(), 1);
            let (original, _) = &mails(&house, "alice", FolderId::INBOX)[0];
            assert_eq!(original.last_verb, verb);
            assert!(original.last_verb_ms > 0);
        }
    }
}

/// Two answers of the same words to two mails are two mails.
#[test]
fn the_same_words_to_another_mail_are_another_answer() {
    let house = House::new();
    let (one, two) = (house.mail(ORIGINAL), house.mail(ORIGINAL));
    let phone = house.phone(Version::V12_1);
    for item in [one, two, one] {
        assert_eq!(answer(&phone, "SmartReply", "", item), "200");
    }
    assert_eq!(mails(&house, "bob", FolderId::INBOX).len(), 2);
}

#[test]
fn what_the_client_has_completed_is_sent_as_it_is() {
    let house = House::new();
    let item = house.mail(ORIGINAL);
    let phone = house.phone(Version::V14_1);
    let replace = "<composemail:ReplaceMime/>";
    let request = document("SmartForward", "c1", &source(item), replace);
    phone.check("SmartForward", &request, "");
    let (mail, raw) = &mails(&house, "bob", FolderId::INBOX)[0];
    assert_eq!(renditions(raw).text.trim_end(), "Yes.");
    assert_eq!(mail.parts.len(), 0);
    let (original, _) = &mails(&house, "alice", FolderId::INBOX)[0];
    assert_eq!(original.last_verb, 3);
    // But for the thread.
    let text = String::from_utf8_lossy(raw);
    for field in ["In-Reply-To", "References"] {
        let line = format!("{field}: <lunch@example.org>\r\n");
        assert!(text.contains(&line), "{text}");
    }
    assert_eq!(mail.conversation_id, original.conversation_id);
}

/// Too much together is refused before anything of it is read; what the client has put in itself is its own.
#[test]
fn an_original_that_makes_the_mail_too_long_is_122() {
    let house = House::new();
    let (mut message, _) = crate::pim::mail::inspect(ORIGINAL.replace('\n', "\r\n").as_bytes(), 0);
    message.mime.bytes = crate::limits::MESSAGE_BYTES_MAX as u64;
    let item = house.put(FolderId::INBOX, &crate::pim::Record::Message(message));
    let phone = house.phone(Version::V14_1);
    assert_eq!(
        answer(&phone, "SmartForward", "c1", item),
        status_of("SmartForward", 122)
    );
    let target = format!("SmartForward&CollectionId=2&ItemId=2%3A{item}");
    let old = house.phone(Version::V12_1);
    assert_eq!(
        old.answer(&target, b"To: bob@example.org\r\n\r\nhi").status,
        400
    );
    let replace = "<composemail:ReplaceMime/>";
    let request = document("SmartForward", "c2", &source(item), replace);
    phone.check("SmartForward", &request, "");
    assert_eq!(mails(&house, "bob", FolderId::INBOX).len(), 1);
}

/// The mark reaches the other phone, and this one.
#[test]
fn the_mark_comes_with_the_next_sync() {
    let house = House::new();
    let item = house.mail(ORIGINAL);
    let phone = house.phone(Version::V14_1);
    let sync = |key: &str| {
        phone.says("Sync", &format!("<Sync><Collections><Collection><SyncKey>{key}</SyncKey><CollectionId>2</CollectionId></Collection></Collections></Sync>"))
    };
    sync("0");
    sync("1");
    assert_eq!(answer(&phone, "SmartReply", "c1", item), "");
    let told = sync("2");
    assert!(
        told.contains("<email2:LastVerbExecuted>1</email2:LastVerbExecuted>"),
        "{told}"
    );
}

#[test]
fn what_cannot_be_answered() {
    let house = House::new();
    let item = house.mail(ORIGINAL);
    let note = house.note("a note");
    let phone = house.phone(Version::V16_1);
    let check = |source: &str, rest: &str, n| {
        let request = document("SmartReply", "c1", source, rest);
        phone.check("SmartReply", &request, &status_of("SmartReply", n));
    };
    let item = source(item);
    let long = "<composemail:LongId>2:1</composemail:LongId>";
    check(&item.replace("2:", "2:9"), "", 150);
    check(
        &item.replace("<composemail:FolderId>2", "<composemail:FolderId>5"),
        "",
        150,
    );
    let of_note = format!(
        "<composemail:FolderId>10</composemail:FolderId><composemail:ItemId>10:{note}</composemail:ItemId>"
    );
    check(&of_note, "", 150);
    check(&format!("{item}{long}"), "", 105);
    check("<composemail:FolderId>2</composemail:FolderId>", "", 103);
    let instance =
        |at: &str| format!("{item}<composemail:InstanceId>{at}</composemail:InstanceId>");
    check(&instance("tomorrow"), "", 104);
    check(&instance("2026-01-01T00:00:00.000Z"), "", 146);
    let forwardees = "<composemail:Forwardees><composemail:Forwardee><composemail:Email>x@y</composemail:Email></composemail:Forwardee></composemail:Forwardees>";
    check(&item, forwardees, 103);
    let request = document("SmartForward", "c2", &item, forwardees);
    phone.check("SmartForward", &request, &status_of("SmartForward", 178));
    // Nothing was sent, and nothing marked.
    assert_eq!(mails(&house, "bob", FolderId::INBOX).len(), 0);
    assert_eq!(mails(&house, "alice", FolderId::INBOX)[0].0.last_verb, 0);
    let by_long_id = document("SmartReply", "c3", long, "");
    phone.check("SmartReply", &by_long_id, "");
    let old = house.phone(Version::V12_1);
    let gone = old.answer(
        "SmartReply&CollectionId=2&ItemId=2%3A99",
        b"To: bob@example.org\r\n\r\nx",
    );
    assert_eq!(gone.status, 400);
}
