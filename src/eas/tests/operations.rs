//! ItemOperations: conversations that are moved, and what a Fetch may ask for.

use crate::eas::testing::{House, Phone, wbxml};
use crate::eas::version::Version;
use crate::mailbox::{Delivered, Delivery, FolderId, FolderKind, ItemId};
use crate::pim::{Contact, Note, Record, mail};
use crate::work::block_on;

fn operations(rest: &str) -> String {
    format!("<itemoperations:ItemOperations>{rest}</itemoperations:ItemOperations>")
}

fn answer(rest: &str) -> String {
    operations(&format!(
        "<itemoperations:Status>1</itemoperations:Status><itemoperations:Response>{rest}</itemoperations:Response>"
    ))
}

fn fetch(named: &str, options: &str) -> String {
    format!(
        "<itemoperations:Fetch><itemoperations:Store>Mailbox</itemoperations:Store>{named}<itemoperations:Options>{options}</itemoperations:Options></itemoperations:Fetch>"
    )
}

fn fetched(status: u16, rest: &str) -> String {
    format!(
        "<itemoperations:Fetch><itemoperations:Status>{status}</itemoperations:Status>{rest}</itemoperations:Fetch>"
    )
}

fn ids(folder: FolderId, item: ItemId) -> String {
    format!("<CollectionId>{folder}</CollectionId><ServerId>{folder}:{item}</ServerId>")
}

const RANGE: &str = "<itemoperations:Range>0-1</itemoperations:Range>";
const LOG_IN: &str = "<itemoperations:UserName>u</itemoperations:UserName>";
const TEXT: &str = "<airsyncbase:BodyPreference><airsyncbase:Type>1</airsyncbase:Type></airsyncbase:BodyPreference>";

#[test]
fn a_fetch_names_one_thing_with_options_of_its_own() {
    let house = House::new();
    let item = house.mail("From: a@example.org\nSubject: s\n\nx\n");
    let phone = house.phone(Version::V14_1);
    let item = ids(FolderId::INBOX, item);
    let long = "<search:LongId>2:1</search:LongId>";
    let file = "<airsyncbase:FileReference>2:1:1</airsyncbase:FileReference>";
    let link = "<documentlibrary:LinkId>\\\\a\\b</documentlibrary:LinkId>";
    let refused = |named: &str, options: &str| {
        let said = phone.says("ItemOperations", &operations(&fetch(named, options)));
        assert!(
            said.contains("<itemoperations:Fetch><itemoperations:Status>2<"),
            "{said}"
        );
    };
    refused(&item, RANGE);
    refused(&item, LOG_IN);
    refused(file, TEXT);
    refused(file, LOG_IN);
    refused(
        file,
        "<itemoperations:Schema><email:Subject/></itemoperations:Schema>",
    );
    refused(&format!("{item}{file}"), "");
    refused(&format!("{item}{long}"), "");
    refused(&format!("{file}{file}"), "");
    refused("<CollectionId>2</CollectionId>", "");
    refused(link, "");
    refused("", "");
    let said = phone.says("ItemOperations", &operations(&fetch(long, TEXT)));
    assert!(
        said.contains(&format!(
            "<itemoperations:Status>1</itemoperations:Status>{long}<Class>Email</Class>"
        )),
        "{said}"
    );
    let other = "<CollectionId>4</CollectionId><ServerId>2:1</ServerId>";
    phone.check(
        "ItemOperations",
        &operations(&fetch(other, "")),
        &answer(&fetched(6, other)),
    );
    let library = fetch(link, LOG_IN).replace("Mailbox", "DocumentLibrary");
    let said = phone.says("ItemOperations", &operations(&library));
    assert!(
        said.contains("<itemoperations:Fetch><itemoperations:Status>9<"),
        "{said}"
    );
    let old = house.phone(Version::V12_0);
    let two = operations("<itemoperations:Status>2</itemoperations:Status>");
    old.check("ItemOperations", &operations(&fetch(link, LOG_IN)), &two);
}

#[test]
fn a_schema_chooses_among_the_properties() {
    let house = House::new();
    let item = house.mail("From: a@example.org\nSubject: s\n\nx\n");
    let phone = house.phone(Version::V12_1);
    let item = ids(FolderId::INBOX, item);
    let schema =
        "<itemoperations:Schema><email:Subject/><airsyncbase:Body/></itemoperations:Schema>";
    let ask = operations(&fetch(&item, &format!("{schema}{TEXT}")));
    let body = "<airsyncbase:Body><airsyncbase:Type>1</airsyncbase:Type><airsyncbase:EstimatedDataSize>3</airsyncbase:EstimatedDataSize><airsyncbase:Data>x\n</airsyncbase:Data></airsyncbase:Body>";
    let said = phone.says("ItemOperations", &ask).replace("\r", "\n");
    let expect = answer(&fetched(
        1,
        &format!(
            "{item}<Class>Email</Class><itemoperations:Properties><email:Subject>s</email:Subject>{body}</itemoperations:Properties>"
        ),
    ));
    assert_eq!(said.replace('\n', ""), expect.replace('\n', ""));
}

#[test]
fn at_most_a_hundred_operations() {
    let house = House::new();
    let phone = house.phone(Version::V14_1);
    let one = fetch("<search:LongId>2:1</search:LongId>", "");
    let said = phone.says("ItemOperations", &operations(&one.repeat(100)));
    assert_eq!(said.matches("<itemoperations:Status>6<").count(), 100);
    let eleven = operations("<itemoperations:Status>11</itemoperations:Status>");
    phone.check("ItemOperations", &operations(&one.repeat(101)), &eleven);
}

#[test]
fn what_the_server_keeps_of_recipients_is_not_touched() {
    let house = House::new();
    let scope = house.account("alice").scope;
    let kind = FolderKind::RecipientCache;
    let made = house
        .eas
        .mailbox()
        .create_folder(scope, FolderId::ROOT, "Recipients", kind);
    let folder = block_on(made).unwrap();
    let item = house.put(folder, &Record::Contact(Contact::default()));
    let phone = house.phone(Version::V14_1);
    let named = ids(folder, item);
    phone.check(
        "ItemOperations",
        &operations(&fetch(&named, "")),
        &answer(&fetched(6, &named)),
    );
    let empty = format!(
        "<itemoperations:EmptyFolderContents><CollectionId>{folder}</CollectionId></itemoperations:EmptyFolderContents>"
    );
    let said = phone.says("ItemOperations", &operations(&empty));
    assert!(said.contains("<itemoperations:Status>16<"), "{said}");
    assert_eq!(
        block_on(house.eas.mailbox().count_items(scope, folder, 9)),
        Ok(1)
    );
}

#[test]
fn both_ways_to_ask_for_parts() {
    let house = House::new();
    house.note("n");
    let named = operations(&fetch("<search:LongId>10:1</search:LongId>", ""));
    let mut phone = house.phone(Version::V14_1);
    phone.headers.push(("MS-ASAcceptMultiPart", "T".into()));
    let by_header = phone.answer("ItemOperations", &wbxml(&named));
    assert_eq!(
        by_header.header("Content-Type"),
        Some("application/vnd.ms-sync.multipart")
    );
    // Nothing binary in it: the document is the only part.
    assert_eq!(by_header.body[..4], [1, 0, 0, 0]);
    let plain = house
        .phone(Version::V14_1)
        .answer("ItemOperations", &wbxml(&named));
    assert_eq!(by_header.body[12..], plain.body[..]);
}

// ---- conversations ---------------------------------------------------------------------------

fn moves(id: &str, to: &str, always: bool) -> String {
    let always = if always {
        "<itemoperations:Options><itemoperations:MoveAlways/></itemoperations:Options>"
    } else {
        ""
    };
    operations(&format!(
        "<itemoperations:Move><itemoperations:ConversationId>{id}</itemoperations:ConversationId><itemoperations:DstFldId>{to}</itemoperations:DstFldId>{always}</itemoperations:Move>"
    ))
}

fn moved(status: u16, id: &str) -> String {
    answer(&format!(
        "<itemoperations:Move><itemoperations:Status>{status}</itemoperations:Status><itemoperations:ConversationId>{id}</itemoperations:ConversationId></itemoperations:Move>"
    ))
}

/// Mails of one thread, the first of which has this id.
fn letter(thread: &str, n: u32) -> String {
    format!(
        "From: a@example.org\nSubject: s\nMessage-ID: <{thread}.{n}@x>\nReferences: <{thread}@x>\n\nx\n"
    )
}

fn conversation_id(house: &House, item: ItemId) -> String {
    let scope = house.account("alice").scope;
    let row = block_on(house.eas.mailbox().item(scope, FolderId::INBOX, item))
        .unwrap()
        .unwrap();
    let Record::Message(message) = row.to_record().unwrap() else {
        panic!("no mail")
    };
    let hex: String = message
        .conversation_id
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    format!("[16 bytes: {hex}]")
}

fn count(house: &House, folder: FolderId) -> usize {
    let scope = house.account("alice").scope;
    block_on(house.eas.mailbox().count_items(scope, folder, 999)).unwrap()
}

fn deliver(house: &House, mime: &str) -> FolderId {
    let (mailbox, scope) = (house.eas.mailbox(), house.account("alice").scope);
    let inbox = block_on(mailbox.folder(scope, FolderId::INBOX)).unwrap();
    let raw = block_on(mailbox.put_mime(mime.as_bytes())).unwrap();
    let (message, _) = mail::inspect(mime.as_bytes(), house.clock.now_ms());
    let delivery = Delivery {
        words: None,
        raw,
        raw_bytes: mime.len() as u64,
        unstored: None,
        message,
        fingerprint: Some(raw.0),
        meeting: None,
        asker: None,
    };
    match block_on(mailbox.deliver(scope, &inbox, delivery)) {
        Ok(Delivered::Now(id)) => id.folder,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_conversation_moves_with_all_that_comes_and_once() {
    for version in [
        Version::V14_0,
        Version::V14_1,
        Version::V16_0,
        Version::V16_1,
    ] {
        let house = House::new();
        let first = house.mail(&letter("t", 1));
        house.mail(&letter("t", 2));
        house.mail(&letter("other", 1));
        let (id, phone) = (conversation_id(&house, first), house.phone(version));
        for _ in 0..2 {
            phone.check("ItemOperations", &moves(&id, "4", true), &moved(1, &id));
            assert_eq!(
                (
                    count(&house, FolderId::INBOX),
                    count(&house, FolderId::DELETED)
                ),
                (1, 2)
            );
        }
        assert_eq!(deliver(&house, &letter("t", 3)), FolderId::DELETED);
        assert_eq!(deliver(&house, &letter("other", 2)), FolderId::INBOX);
        // Back, for what comes: what was thrown away stays so.
        phone.check("ItemOperations", &moves(&id, "2", true), &moved(1, &id));
        assert_eq!(deliver(&house, &letter("t", 4)), FolderId::INBOX);
        assert_eq!(count(&house, FolderId::DELETED), 3);
    }
}

#[test]
fn what_no_conversation_is_moved_for() {
    let house = House::new();
    let item = house.mail(&letter("t", 1));
    let id = conversation_id(&house, item);
    let phone = house.phone(Version::V14_0);
    let check = |id: &str, to: &str, always, expect| {
        phone.check("ItemOperations", &moves(id, to, always), &moved(expect, id));
    };
    check(&id, "4", false, 155);
    for to in ["8", "99", "0", "x"] {
        check(&id, to, true, 156);
    }
    check("[2 bytes: 0001]", "4", true, 6);
    check(&format!("[16 bytes: {}]", "00".repeat(16)), "4", true, 6);
    let two = operations("<itemoperations:Status>2</itemoperations:Status>");
    phone.check(
        "ItemOperations",
        &operations("<itemoperations:Move/>"),
        &two,
    );
    house
        .phone(Version::V12_1)
        .check("ItemOperations", &moves(&id, "4", true), &two);
    assert_eq!(count(&house, FolderId::INBOX), 1);
    assert_eq!(deliver(&house, &letter("t", 2)), FolderId::INBOX);
}

#[test]
fn a_note_is_no_conversation() {
    let house = House::new();
    house.put(FolderId::NOTES, &Record::Note(Note::default()));
    let other = Phone {
        device: "phone2".into(),
        ..house.phone(Version::V14_1)
    };
    let none = format!("[16 bytes: {}]", "ab".repeat(16));
    other.check("ItemOperations", &moves(&none, "4", true), &moved(6, &none));
}
