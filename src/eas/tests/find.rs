//! Find (16.1): the request, pages, folders, and the address list.

use super::super::testing::{House, Phone};
use crate::eas::version::Version;
use crate::mailbox::{FolderId, FolderKind};
use crate::pim::Record;
use crate::work::block_on;

/// The document of a Find in the mailbox.
fn ask(id: &str, query: &str, options: &str) -> String {
    format!(
        "<find:Find><find:SearchId>{id}</find:SearchId><find:ExecuteSearch>\
         <find:MailBoxSearchCriterion><find:Query>{query}</find:Query>\
         <find:Options>{options}</find:Options></find:MailBoxSearchCriterion>\
         </find:ExecuteSearch></find:Find>"
    )
}

fn text(query: &str) -> String {
    format!("<Class>Email</Class><find:FreeText>{query}</find:FreeText>")
}

fn gal(id: &str, query: &str, options: &str) -> String {
    format!(
        "<find:Find><find:SearchId>{id}</find:SearchId><find:ExecuteSearch>\
         <find:GalSearchCriterion><find:Query>{query}</find:Query>\
         <find:Options>{options}</find:Options></find:GalSearchCriterion>\
         </find:ExecuteSearch></find:Find>"
    )
}

fn refused(status: u16) -> String {
    format!("<find:Find><find:Status>{status}</find:Status></find:Find>")
}

fn response(store: &str, status: u16) -> String {
    format!(
        "<find:Find><find:Status>1</find:Status><find:Response>\
         <itemoperations:Store>{store}</itemoperations:Store>\
         <find:Status>{status}</find:Status></find:Response></find:Find>"
    )
}

fn ids(answer: &str) -> Vec<String> {
    let rest = answer.split("<ServerId>").skip(1);
    rest.filter_map(|rest| Some(rest.split_once('<')?.0.to_owned()))
        .collect()
}

fn range(from: usize, to: usize) -> String {
    format!("<find:Range>{from}-{to}</find:Range>")
}

/// Letters about several things; the newest is the last.
fn letters(house: &House) -> Vec<String> {
    let letter = |from: &str, cc: &str, subject: &str, rest: &str| {
        house.clock.advance(60_000);
        let mime = format!(
            "From: {from}\nTo: alice@example.org\nCc: {cc}\nSubject: {subject}\n\
             MIME-Version: 1.0\n{rest}"
        );
        format!("2:{}", house.mail(&mime))
    };
    let file = "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nsee the file\n--b\n\
        Content-Type: text/plain\nContent-Disposition: attachment; filename=budget.txt\n\n\
        numbers\n--b--\n";
    vec![
        letter(
            "Anna <anna@example.org>",
            "Carl C <carl@example.org>, d@example.org",
            "Annual report",
            "\nplease read it\n",
        ),
        letter("bob@example.org", "", "Re: report", file),
        letter(
            "bob@example.org",
            "",
            "Lunch",
            "\nthe annual report can wait\n",
        ),
    ]
}

#[test]
fn mail_is_found_by_words_and_properties() {
    let house = House::new();
    let all = letters(&house);
    let phone = house.phone(Version::V16_1);
    let check = |query: &str, expect: &[usize]| {
        let answer = phone.says("Find", &ask(query, &text(query), ""));
        let expect: Vec<_> = expect.iter().map(|n| all[*n].clone()).collect();
        assert_eq!(ids(&answer), expect, "{query}: {answer}");
    };
    check("report", &[2, 1, 0]);
    check("subject:report", &[1, 0]);
    check("subject:report -from:bob", &[0]);
    check("from:anna OR subject:lunch", &[2, 0]);
    check("\"annual report\"", &[2, 0]);
    check("\"report annual\"", &[]);
    check("cc:carl", &[0]);
    check("participants:carl", &[0]);
    check("has:attachment", &[1]);
    check("hasattachment:false report", &[2, 0]);
    check("filename:budget", &[1]);
    check("received:today report", &[2, 1, 0]);
    check("received:yesterday report", &[]);
    check("is:unread lunch", &[2]);
    check("nothing", &[]);
}

#[test]
fn a_result_has_the_properties_of_the_schema() {
    let house = House::new();
    let all = letters(&house);
    let phone = house.phone(Version::V16_1);
    let answer = |properties: &str, id: &str| {
        format!(
            "<find:Find><find:Status>1</find:Status><find:Response>\
             <itemoperations:Store>Mailbox</itemoperations:Store><find:Status>1</find:Status>\
             <find:Result><Class>Email</Class><ServerId>{id}</ServerId><CollectionId>2</CollectionId>\
             <find:Properties>{properties}</find:Properties></find:Result>\
             <find:Range>0-0</find:Range><find:Total>1</find:Total></find:Response></find:Find>"
        )
    };
    let properties = "<email:Subject>Annual report</email:Subject>\
        <email:DateReceived>2026-01-01T00:01:00.000Z</email:DateReceived>\
        <email:DisplayTo>alice@example.org</email:DisplayTo>\
        <find:DisplayCc>Carl C; d@example.org</find:DisplayCc>\
        <email:Importance>1</email:Importance><email:Read>0</email:Read>\
        <email2:IsDraft>0</email2:IsDraft><find:Preview>please read it</find:Preview>\
        <find:HasAttachments>0</find:HasAttachments>\
        <email:From>\"Anna\" &lt;anna@example.org&gt;</email:From>";
    let said = phone.says("Find", &ask("s", &text("from:anna"), ""));
    let expect = answer(properties, &all[0]);
    // However the text of a document is written here, the same must stand in both.
    let plain = |text: &str| {
        text.replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
    };
    assert_eq!(plain(&said), plain(&expect));
    let said = phone.says("Find", &ask("t", &text("filename:budget"), ""));
    assert!(
        said.contains("<find:HasAttachments>1</find:HasAttachments>"),
        "{said}"
    );
    let none = phone.says("Find", &ask("u", &text("nowhere"), ""));
    assert_eq!(none, response("Mailbox", 1));
}

#[test]
fn a_search_id_names_a_result() {
    let house = House::new();
    let mut all: Vec<_> = (0..5)
        .map(|n| {
            house.clock.advance(60_000);
            format!("2:{}", house.mail(&format!("Subject: x{n}\n\ntext\n")))
        })
        .collect();
    all.reverse();
    let phone = house.phone(Version::V16_1);
    let page = |id: &str, from: usize, to: usize| {
        phone.says("Find", &ask(id, &text("x"), &range(from, to)))
    };
    assert_eq!(
        page("a", 2, 3),
        response("Mailbox", 4),
        "it does not begin at 0"
    );
    assert_eq!(ids(&page("a", 0, 1)), all[..2]);
    house.mail("Subject: x late\n\ntext\n");
    assert_eq!(ids(&page("a", 2, 3)), all[2..4]);
    let last = page("a", 4, 9);
    assert_eq!(ids(&last), all[4..]);
    let end = "<find:Range>4-4</find:Range><find:Total>5</find:Total>";
    assert!(last.contains(end), "{last}");
    assert_eq!(page("b", 2, 3), response("Mailbox", 4), "another search");
    assert_eq!(ids(&page("b", 0, 99)).len(), 6);
    assert_eq!(
        page("a", 2, 3),
        response("Mailbox", 4),
        "the one before is gone"
    );
    // Search has a result of its own.
    house.clock.advance(16 * 60 * 1_000);
    assert_eq!(page("b", 2, 3), response("Mailbox", 4), "too old");
}

#[test]
fn what_is_refused() {
    let house = House::new();
    house.mail("Subject: x\n\ntext\n");
    let phone = house.phone(Version::V16_1);
    let check = |query: &str, options: &str, expect: String| {
        assert_eq!(
            phone.says("Find", &ask("s", query, options)),
            expect,
            "{query} {options}"
        );
    };
    let x = "<find:FreeText>x</find:FreeText>";
    let bad = || response("Mailbox", 2);
    check("", "", bad());
    check("<find:FreeText> </find:FreeText>", "", bad());
    check(&format!("<Class>Calendar</Class>{x}"), "", bad());
    check(&format!("<CollectionId>x</CollectionId>{x}"), "", bad());
    check(
        &format!("<CollectionId>99</CollectionId>{x}"),
        "",
        refused(3),
    );
    check(&text(&"(".repeat(20)), "", bad());
    check(&text(&"x".repeat(1_025)), "", bad());
    for options in [
        range(0, 1_000),
        range(5, 1),
        "<find:Range>x</find:Range>".into(),
    ] {
        check(&text("x"), &options, bad());
    }
    check(&format!("{x}<find:Range>0-1</find:Range>"), "", refused(2));
    check(x, "<search:RebuildResults/>", refused(2));
    check("x", "", refused(2));
    let check = |document: &str| assert_eq!(phone.says("Find", document), refused(2));
    check("<find:Find/>");
    check("<find:Find><find:SearchId>s</find:SearchId></find:Find>");
    check(&ask("", &text("x"), ""));
    let both = "<find:GalSearchCriterion><find:Query>x</find:Query></find:GalSearchCriterion></find:ExecuteSearch>";
    check(&ask("s", &text("x"), "").replace("</find:ExecuteSearch>", both));
    // Nothing to look for finds nothing.
    assert_eq!(
        phone.says("Find", &ask("s", &text("- -"), "")),
        response("Mailbox", 1)
    );
    // Older versions do not have it.
    let old = house
        .phone(Version::V16_0)
        .says("Find", &ask("s", &text("x"), ""));
    assert_eq!(old, refused(138));
}

#[test]
fn folders_with_and_without_those_below() {
    let house = House::new();
    let scope = house.account("alice").scope;
    let kind = FolderKind::UserMail;
    let sub = house
        .eas
        .mailbox()
        .create_folder(scope, FolderId::INBOX, "sub", kind);
    let sub = block_on(sub).unwrap();
    let above = format!("2:{}", house.mail("Subject: x\n\ntext\n"));
    let (message, _) = crate::pim::mail::inspect(b"Subject: x\r\n\r\n", 5);
    let below = format!("{sub}:{}", house.put(sub, &Record::Message(message)));
    house.note("x");
    let phone = house.phone(Version::V16_1);
    let found = |folder: &str, options: &str| {
        let query = format!("{folder}{}", text("x"));
        ids(&phone.says("Find", &ask("s", &query, options)))
    };
    let both = [above.clone(), below];
    assert_eq!(found("", ""), both);
    assert_eq!(found("<CollectionId>2</CollectionId>", ""), [above]);
    assert_eq!(
        found("<CollectionId>2</CollectionId>", "<find:DeepTraversal/>"),
        both
    );
}

#[test]
fn the_address_list_is_that_of_search() {
    let house = House::new();
    let phone = house.phone(Version::V16_1);
    let bob = "<find:Result><find:Properties><gal:DisplayName>Bob Brown</gal:DisplayName>\
        <gal:Alias>bob</gal:Alias><gal:FirstName>Bob</gal:FirstName>\
        <gal:LastName>Brown</gal:LastName><gal:EmailAddress>bob@example.org</gal:EmailAddress>\
        </find:Properties></find:Result>";
    let expect = response("GAL", 1).replace(
        "</find:Response>",
        &format!("{bob}<find:Range>0-0</find:Range><find:Total>1</find:Total></find:Response>"),
    );
    assert_eq!(phone.says("Find", &gal("s", "bro", &range(0, 9))), expect);
    assert_eq!(
        phone.says("Find", &gal("s", "bro", &range(1, 9))),
        response("GAL", 1)
    );
    assert_eq!(
        phone.says("Find", &gal("t", "bro", &range(1, 9))),
        response("GAL", 4)
    );
    assert_eq!(
        phone.says("Find", &gal("u", "nobody", "")),
        response("GAL", 1)
    );
    assert_eq!(phone.says("Find", &gal("u", "", "")), response("GAL", 2));
}

#[test]
fn nobody_finds_what_belongs_to_others() {
    let house = House::new();
    house.mail("Subject: secret\n\ntext\n");
    let bob = Phone {
        user: "bob",
        ..house.phone(Version::V16_1)
    };
    let answer = bob.says("Find", &ask("s", &text("secret"), ""));
    assert_eq!(answer, response("Mailbox", 1));
}
