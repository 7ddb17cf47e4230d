//! Search of mailboxes: the grammar of queries, pages, forms and versions.

use super::super::testing::{House, Phone};
use crate::eas::version::Version;
use crate::mailbox::{By, FolderId, FolderKind, ItemId};
use crate::pim::{Attendee, Body, Contact, ContactField, Event, Note, Record, Task};
use crate::work::block_on;

/// The document of a search.
fn ask(query: &str, options: &str) -> String {
    format!(
        "<search:Search><search:Store><search:Name>Mailbox</search:Name>\
         <search:Query>{query}</search:Query><search:Options>{options}</search:Options>\
         </search:Store></search:Search>"
    )
}

fn and(conditions: &str) -> String {
    format!("<search:And>{conditions}</search:And>")
}

fn text(words: &str) -> String {
    and(&format!("<search:FreeText>{words}</search:FreeText>"))
}

/// The answer with this content of its store.
fn store(content: &str) -> String {
    format!(
        "<search:Search><search:Status>1</search:Status><search:Response><search:Store>{content}\
         </search:Store></search:Response></search:Search>"
    )
}

fn status(number: u16) -> String {
    store(&format!("<search:Status>{number}</search:Status>"))
}

fn nothing() -> String {
    store("<search:Status>1</search:Status><search:Result/>")
}

/// What stands between the first `from` and the next `to`, each time.
fn pieces(answer: &str, from: &str, to: &str) -> Vec<String> {
    let rest = answer.split(from).skip(1);
    rest.filter_map(|rest| Some(rest.split_once(to)?.0.to_owned()))
        .collect()
}

/// The LongIds of an answer.
fn ids(answer: &str) -> Vec<String> {
    pieces(answer, "<search:LongId>", "<")
}

fn found(phone: &Phone<'_>, query: &str, options: &str) -> Vec<String> {
    ids(&phone.says("Search", &ask(query, options)))
}

fn mail(house: &House, subject: &str, text: &str) -> String {
    house.clock.advance(60_000);
    let mime = format!(
        "From: Olga <olga@example.org>\nTo: alice@example.org\nSubject: {subject}\n\
         Content-Type: text/plain; charset=utf-8\n\n{text}\n"
    );
    format!("2:{}", house.mail(&mime))
}

fn delete(house: &House, id: &str) {
    let scope = house.account("alice").scope;
    let id = crate::mailbox::ServerId::parse(id).unwrap();
    let mailbox = house.eas.mailbox();
    let row = block_on(mailbox.item(scope, id.folder, id.item))
        .unwrap()
        .unwrap();
    let mut tx = mailbox.transaction(scope, By::default());
    tx.delete(&row).unwrap();
    block_on(tx.commit()).unwrap();
}

#[test]
fn mail_is_found_by_its_words_in_every_version_from_12_0_on() {
    let house = House::new();
    let old = mail(&house, "Angebot", "Grüße aus München");
    let new = mail(&house, "Angebote", "zweite Fassung");
    for version in Version::ALL {
        let mut phone = house.phone(version);
        phone.device = format!("phone{}", version.tens());
        if version == Version::V2_5 {
            assert_eq!(phone.says("Search", &ask(&text("angebot"), "")), status(2));
            continue;
        }
        assert_eq!(
            found(&phone, &text("ANGEB"), ""),
            [new.as_str(), &old],
            "{version}"
        );
        assert_eq!(
            found(&phone, &text("muenchen angebot olga"), ""),
            [old.as_str()]
        );
        assert_eq!(phone.says("Search", &ask(&text("unchen"), "")), nothing());
        assert_eq!(phone.says("Search", &ask(&text("- . -"), "")), nothing());
    }
}

#[test]
fn a_result_has_class_ids_and_the_properties_of_sync() {
    let house = House::new();
    let id = mail(&house, "Angebot", "Ein langer Text");
    let phone = house.phone(Version::V14_1);
    let form = "<airsyncbase:BodyPreference><airsyncbase:Type>1</airsyncbase:Type>\
        <airsyncbase:TruncationSize>8</airsyncbase:TruncationSize></airsyncbase:BodyPreference>\
        <MIMESupport>0</MIMESupport>";
    let answer = phone.says("Search", &ask(&text("angebot"), form));
    let head = format!(
        "<search:Result><Class>Email</Class><search:LongId>{id}</search:LongId>\
         <CollectionId>2</CollectionId><search:Properties>"
    );
    assert!(answer.contains(&head), "{answer}");
    assert!(
        answer.contains("<airsyncbase:Data>Ein lang</airsyncbase:Data>"),
        "{answer}"
    );
    assert!(
        answer.contains("<email:Subject>Angebot</email:Subject>"),
        "{answer}"
    );
    let end = "</search:Result><search:Range>0-0</search:Range><search:Total>1</search:Total>";
    assert!(answer.contains(end), "{answer}");
    // The LongId is good for ItemOperations.
    let fetch = format!(
        "<itemoperations:ItemOperations><itemoperations:Fetch>\
         <itemoperations:Store>Mailbox</itemoperations:Store><search:LongId>{id}</search:LongId>\
         </itemoperations:Fetch></itemoperations:ItemOperations>"
    );
    let fetched = phone.says("ItemOperations", &fetch);
    assert!(
        fetched.contains("<email:Subject>Angebot</email:Subject>"),
        "{fetched}"
    );
}

#[test]
fn what_a_query_may_say() {
    let house = House::new();
    mail(&house, "x", "");
    let phone = house.phone(Version::V14_1);
    let check = |query: &str, expect: u16| {
        let answer = phone.says("Search", &ask(query, ""));
        let stands = format!("<search:Store><search:Status>{expect}</search:Status>");
        assert!(answer.contains(&stands), "{query}: {answer}");
    };
    let free = "<search:FreeText>x</search:FreeText>";
    let value = |op: &str, value: &str| {
        format!(
            "<search:{op}><email:DateReceived/><search:Value>{value}</search:Value></search:{op}>"
        )
    };
    check(&and(free), 1);
    check(
        &and(&format!(
            "<Class>Email</Class><CollectionId>2</CollectionId>{free}"
        )),
        1,
    );
    check(&and(&format!("<CollectionId>0</CollectionId>{free}")), 1);
    check(&and(&value("GreaterThan", "2025-01-01T00:00:00.000Z")), 1);
    check(
        &and("<search:ConversationId>0123456789abcdef</search:ConversationId>"),
        1,
    );
    // Nothing asked for.
    check(&and(""), 2);
    check(&and("<Class>Email</Class>"), 2);
    check(&and("<search:FreeText> </search:FreeText>"), 2);
    // Values that are none.
    check(&and(&format!("<Class>Mail</Class>{free}")), 2);
    check(&and(&format!("<CollectionId>x</CollectionId>{free}")), 2);
    check(&and(&value("LessThan", "yesterday")), 2);
    check(
        &and("<search:GreaterThan><email:DateReceived/></search:GreaterThan>"),
        2,
    );
    check(
        &and("<search:ConversationId>short</search:ConversationId>"),
        2,
    );
    check("x", 2);
    // What stands where it may not.
    check(free, 8);
    check("", 8);
    check(&format!("<search:Or>{free}</search:Or>"), 8);
    check(&format!("{}{}", and(free), and(free)), 8);
    check(&format!("{}{free}", and(free)), 8);
    check(&and(&and(free)), 8);
    check(&and(&format!("{free}<search:Or>{free}</search:Or>")), 8);
    check(&format!("{}<Class>Email</Class>", and(free)), 8);
    let many: Vec<String> = (0..51).map(|n| n.to_string()).collect();
    check(&text(&many.join(" ")), 8);
    check(&text(&"x".repeat(1_025)), 8);
    // A folder that is not there.
    check(&and(&format!("<CollectionId>99</CollectionId>{free}")), 11);
    let of_12 = house.phone(Version::V12_1);
    let conversation = and("<search:ConversationId>0123456789abcdef</search:ConversationId>");
    assert_eq!(of_12.says("Search", &ask(&conversation, "")), status(2));
    let library = ask(&text("x"), "").replace("Mailbox", "DocumentLibrary");
    assert_eq!(phone.says("Search", &library), status(6));
}

#[test]
fn options_are_checked_and_doubled_ones_tolerated() {
    let house = House::new();
    for n in 0..3 {
        mail(&house, &format!("x{n}"), "");
    }
    let phone = house.phone(Version::V14_1);
    let check = |options: &str, expect: u16| {
        let answer = phone.says("Search", &ask(&text("x"), options));
        let stands = format!("<search:Store><search:Status>{expect}</search:Status>");
        assert!(answer.contains(&stands), "{options}: {answer}");
    };
    let twice = |option: &str| check(&format!("{option}{option}"), 1);
    twice("<search:Range>0-1</search:Range>");
    twice("<search:DeepTraversal/>");
    twice("<search:RebuildResults/>");
    twice("<MIMESupport>2</MIMESupport>");
    check("<search:Range>100-101</search:Range>", 12);
    check("<search:Range>0-999</search:Range>", 1);
    check("<search:Range>5-1</search:Range>", 2);
    check("<search:Range>x</search:Range>", 2);
    check("<MIMESupport>3</MIMESupport>", 2);
    let body = "<airsyncbase:BodyPreference><airsyncbase:Type>1</airsyncbase:Type></airsyncbase:BodyPreference>";
    check(&format!("{body}{body}"), 2);
    let part = "<airsyncbase:BodyPartPreference><airsyncbase:Type>2</airsyncbase:Type></airsyncbase:BodyPartPreference>";
    check(part, 1);
    let wrong = phone.says("Search", &ask(&text("x"), &part.replace('2', "1")));
    assert!(
        wrong.contains("<search:Status>164</search:Status>"),
        "{wrong}"
    );
    let old = house
        .phone(Version::V12_1)
        .says("Search", &ask(&text("x"), part));
    assert_eq!(old, status(2));
}

#[test]
fn pages_are_of_one_result_until_it_is_made_anew() {
    let house = House::new();
    let mut all: Vec<_> = (0..10)
        .map(|n| mail(&house, "x", &format!("{n}")))
        .collect();
    all.reverse();
    let phone = house.phone(Version::V14_1);
    let range = |from: usize, to: usize| format!("<search:Range>{from}-{to}</search:Range>");
    let page = |from: usize, to: usize, more: &str| {
        let options = format!("{}{more}", range(from, to));
        let answer = phone.says("Search", &ask(&text("x"), &options));
        let told = pieces(&answer, "<search:Range>", "<")
            .pop()
            .unwrap_or_default();
        (ids(&answer), told)
    };
    assert_eq!(page(0, 3, ""), (all[..4].to_vec(), "0-3".into()));
    // What comes meanwhile does not shift the pages, what goes drops out.
    let late = mail(&house, "x", "late");
    delete(&house, &all[5]);
    let second = [&all[4..5], &all[6..8]].concat();
    assert_eq!(page(4, 7, ""), (second, "4-7".into()));
    assert_eq!(page(8, 11, ""), (all[8..].to_vec(), "8-9".into()));
    assert_eq!(page(12, 15, "").0, [""; 0]);
    assert_eq!(page(0, 0, "").0, all[..1]);
    assert_eq!(page(0, 0, "<search:RebuildResults/>").0, [late.as_str()]);
    assert_eq!(page(0, 1, "").0, [late.clone(), all[0].clone()]);
    // Another query takes its place.
    delete(&house, &late);
    assert_eq!(page(0, 0, "").0, [""; 0]);
    found(&phone, &text("x olga"), "");
    assert_eq!(page(0, 0, "").0, all[..1]);
    // After a while it is made anew by itself.
    let newest = mail(&house, "x", "newest");
    house.clock.advance(16 * 60 * 1_000);
    assert_eq!(page(0, 0, "").0, [newest]);
}

#[test]
fn folders_classes_and_dates_narrow_a_search() {
    let house = House::new();
    let scope = house.account("alice").scope;
    let kind = FolderKind::UserMail;
    let sub = house
        .eas
        .mailbox()
        .create_folder(scope, FolderId::INBOX, "sub", kind);
    let sub = block_on(sub).unwrap();
    let first = mail(&house, "x", "");
    let moment = house.clock.now_ms();
    house.clock.advance(60_000);
    let (message, _) = crate::pim::mail::inspect(b"Subject: x\r\n\r\n", house.clock.now_ms());
    let below = format!("{sub}:{}", house.put(sub, &Record::Message(message)));
    let note = format!("10:{}", house.note("x"));
    let phone = house.phone(Version::V14_1);
    let narrowed = |conditions: &str, options: &str| {
        let mut all = found(
            &phone,
            &and(&format!("{conditions}<search:FreeText>x</search:FreeText>")),
            options,
        );
        all.sort();
        all
    };
    let sorted = |ids: &[&String]| {
        let mut ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
        ids.sort();
        ids
    };
    assert_eq!(narrowed("", ""), sorted(&[&first, &below, &note]));
    assert_eq!(
        narrowed("<Class>Email</Class>", ""),
        sorted(&[&first, &below])
    );
    assert_eq!(
        narrowed("<Class>Email</Class><Class>Notes</Class>", "").len(),
        3
    );
    assert_eq!(narrowed("<Class>Tasks</Class>", ""), [""; 0]);
    let inbox = "<CollectionId>2</CollectionId>";
    assert_eq!(narrowed(inbox, ""), sorted(&[&first]));
    assert_eq!(
        narrowed(inbox, "<search:DeepTraversal/>"),
        sorted(&[&first, &below])
    );
    let both = format!("{inbox}<CollectionId>10</CollectionId>");
    assert_eq!(narrowed(&both, ""), sorted(&[&first, &note]));
    let at = crate::eas::classes::date::dashed(moment).to_string();
    let dated = |op: &str| {
        format!(
            "<Class>Email</Class><search:{op}><email:DateReceived/><search:Value>{at}</search:Value></search:{op}>"
        )
    };
    assert_eq!(narrowed(&dated("GreaterThan"), ""), sorted(&[&below]));
    assert_eq!(narrowed(&dated("LessThan"), ""), [""; 0]);
}

#[test]
fn every_class_is_found() {
    let house = House::new();
    let body = |text: &str| Body {
        text: text.into(),
        ..Body::default()
    };
    let mut contact = Contact::default();
    contact.set(ContactField::FileAs, "Zoë Brandt");
    let event = Event {
        subject: "Review".into(),
        location: "Zoetermeer".into(),
        attendees: vec![Attendee::default()],
        categories: vec!["Red".into()],
        ..Event::default()
    };
    let task = Task {
        subject: "Call Zoe".into(),
        sub_ordinal: "5".into(),
        ..Task::default()
    };
    let note = Note {
        body: body("ask zoë"),
        ..Note::default()
    };
    let put = |folder: FolderId, record: Record| {
        let item: ItemId = house.put(folder, &record);
        format!("{folder}:{item}")
    };
    let expect = [
        (
            "Contacts",
            put(FolderId::CONTACTS, Record::Contact(contact)),
        ),
        ("Calendar", put(FolderId::CALENDAR, Record::Event(event))),
        ("Tasks", put(FolderId::TASKS, Record::Task(task))),
        ("Notes", put(FolderId::NOTES, Record::Note(note))),
    ];
    let phone = house.phone(Version::V16_1);
    for (class, id) in &expect {
        let query = and(&format!(
            "<Class>{class}</Class><search:FreeText>zoe</search:FreeText>"
        ));
        let answer = phone.says("Search", &ask(&query, ""));
        assert_eq!(ids(&answer), [id.as_str()], "{class}");
        assert!(
            answer.contains(&format!("<Class>{class}</Class>")),
            "{answer}"
        );
        // What Sync has of them and a search has not.
        assert!(!answer.contains("calendar:Categories") && !answer.contains("SubOrdinal"));
    }
    assert_eq!(found(&phone, &text("zoe"), "").len(), 4);
    let old = house.phone(Version::V12_1);
    let notes = and("<Class>Notes</Class><search:FreeText>zoe</search:FreeText>");
    assert_eq!(old.says("Search", &ask(&notes, "")), status(2));
}

#[test]
fn nobody_finds_what_belongs_to_others() {
    let house = House::new();
    mail(&house, "secret", "");
    let bob = Phone {
        user: "bob",
        ..house.phone(Version::V14_1)
    };
    assert_eq!(bob.says("Search", &ask(&text("secret"), "")), nothing());
}

#[test]
fn an_answer_is_bounded_in_bytes_and_the_rest_is_its_next_page() {
    let house = House::new();
    let long = "lorem ipsum ".repeat(100_000);
    let all: Vec<_> = (0..6)
        .map(|n| mail(&house, &format!("x{n}"), &long))
        .collect();
    let phone = house.phone(Version::V14_1);
    let form = "<airsyncbase:BodyPreference><airsyncbase:Type>1</airsyncbase:Type></airsyncbase:BodyPreference>";
    let mut seen = Vec::new();
    while seen.len() < all.len() {
        let options = format!("<search:Range>{}-99</search:Range>{form}", seen.len());
        let answer = phone.says("Search", &ask(&text("x"), &options));
        assert!(answer.len() < 5_000_000, "{}", answer.len());
        let page = ids(&answer);
        assert!((1..6).contains(&page.len()), "{}", page.len());
        seen.extend(page);
    }
    assert_eq!(seen, all.into_iter().rev().collect::<Vec<_>>());
}
