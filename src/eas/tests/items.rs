//! Items in both directions.

use crate::eas::testing::{House, shown, wbxml};
use crate::eas::version::Version;
use crate::mailbox::FolderId;
use crate::work::block_on;

const MAIL: &str = "From: a@example.org\nSubject: with a file\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nhello\n--b\nContent-Type: application/pdf\nContent-Disposition: attachment; filename=f.pdf\nContent-Transfer-Encoding: base64\n\nMDEyMzQ1Njc4OQ==\n--b--\n";

fn part(house: &House, item: crate::mailbox::ItemId) -> u32 {
    let scope = house.account("alice").scope;
    let row = block_on(house.eas.mailbox().item(scope, FolderId::INBOX, item))
        .unwrap()
        .unwrap();
    match row.to_record().unwrap() {
        crate::pim::Record::Message(m) => m.parts[0].index,
        _ => panic!("no mail"),
    }
}

fn operations(rest: &str) -> String {
    format!("<itemoperations:ItemOperations>{rest}</itemoperations:ItemOperations>")
}

fn fetch(named: &str, options: &str) -> String {
    operations(&format!(
        "<itemoperations:Fetch><itemoperations:Store>Mailbox</itemoperations:Store>{named}{options}</itemoperations:Fetch>"
    ))
}

fn fetched(rest: &str) -> String {
    operations(&format!(
        "<itemoperations:Status>1</itemoperations:Status><itemoperations:Response><itemoperations:Fetch>{rest}</itemoperations:Fetch></itemoperations:Response>"
    ))
}

#[test]
fn attachments_whole_in_part_and_as_parts() {
    let house = House::new();
    let item = house.mail(MAIL);
    let reference = format!(
        "<airsyncbase:FileReference>2:{item}:{}</airsyncbase:FileReference>",
        part(&house, item)
    );
    let mut phone = house.phone(Version::V14_1);
    let status = "<itemoperations:Status>1</itemoperations:Status>";
    let kind = "<airsyncbase:ContentType>application/pdf</airsyncbase:ContentType>";
    let properties = |rest: &str| {
        fetched(&format!(
            "{status}{reference}<itemoperations:Properties>{rest}</itemoperations:Properties>"
        ))
    };
    phone.check(
        "ItemOperations",
        &fetch(&reference, ""),
        &properties(&format!(
            "{kind}<itemoperations:Data>MDEyMzQ1Njc4OQ==</itemoperations:Data>"
        )),
    );
    let range = |r: &str| {
        format!(
            "<itemoperations:Options><itemoperations:Range>{r}</itemoperations:Range></itemoperations:Options>"
        )
    };
    phone.check("ItemOperations", &fetch(&reference, &range("8-99")), &properties(&format!("<itemoperations:Range>8-9</itemoperations:Range><itemoperations:Total>10</itemoperations:Total>{kind}<itemoperations:Data>ODk=</itemoperations:Data>")));
    let failed = |n: u16| {
        fetched(&format!(
            "<itemoperations:Status>{n}</itemoperations:Status>{reference}"
        ))
    };
    phone.check(
        "ItemOperations",
        &fetch(&reference, &range("10-11")),
        &failed(8),
    );
    let two = format!("{reference}{reference}");
    phone.check("ItemOperations", &fetch(&two, ""), &failed(2));
    phone.headers.push(("MS-ASAcceptMultiPart", "T".into()));
    let answer = phone.answer("ItemOperations", &wbxml(&fetch(&reference, "")));
    assert_eq!(
        answer.header("Content-Type"),
        Some("application/vnd.ms-sync.multipart")
    );
    assert!(answer.body.ends_with(b"0123456789"));
    assert_eq!(answer.body[..4], [2, 0, 0, 0]);
}

#[test]
fn the_old_way_to_an_attachment() {
    let house = House::new();
    let item = house.mail(MAIL);
    let phone = house.phone(Version::V2_5);
    let command = format!(
        "GetAttachment&AttachmentName=2%3A{item}%3A{}",
        part(&house, item)
    );
    let answer = phone.answer(&command, &[]);
    assert_eq!(
        (answer.header("Content-Type"), answer.body.as_slice()),
        (Some("application/pdf"), &b"0123456789"[..])
    );
    assert_eq!(
        shown(&phone.answer("GetAttachment&AttachmentName=2:99:1", &[])),
        "500"
    );
}

#[test]
fn items_by_their_ids() {
    let house = House::new();
    let item = house.mail(MAIL);
    let phone = house.phone(Version::V12_0);
    let ids = format!("<CollectionId>2</CollectionId><ServerId>2:{item}</ServerId>");
    let got = phone.says("ItemOperations", &fetch(&ids, "<itemoperations:Options><airsyncbase:BodyPreference><airsyncbase:Type>1</airsyncbase:Type></airsyncbase:BodyPreference></itemoperations:Options>"));
    assert!(
        got.contains(&format!(
            "{ids}<Class>Email</Class><itemoperations:Properties>"
        )),
        "{got}"
    );
    assert!(got.contains("hello"), "{got}");
    let gone = "<CollectionId>2</CollectionId><ServerId>2:99</ServerId>";
    phone.check(
        "ItemOperations",
        &fetch(gone, ""),
        &fetched(&format!(
            "<itemoperations:Status>6</itemoperations:Status>{gone}"
        )),
    );
    phone.check("ItemOperations", &fetch("<airsyncbase:FileReference>x</airsyncbase:FileReference>", ""), &fetched("<itemoperations:Status>15</itemoperations:Status><airsyncbase:FileReference>x</airsyncbase:FileReference>"));
    phone.check(
        "ItemOperations",
        "<itemoperations:ItemOperations/>",
        &operations("<itemoperations:Status>2</itemoperations:Status>"),
    );
}

#[test]
fn a_folder_is_emptied() {
    let house = House::new();
    for _ in 0..120 {
        house.mail("From: a@example.org\n\nx\n");
    }
    let phone = house.phone(Version::V14_1);
    let empty = "<itemoperations:EmptyFolderContents><CollectionId>2</CollectionId><itemoperations:Options><itemoperations:DeleteSubFolders/></itemoperations:Options></itemoperations:EmptyFolderContents>";
    phone.check("ItemOperations", &operations(empty), &operations("<itemoperations:Status>1</itemoperations:Status><itemoperations:Response><itemoperations:EmptyFolderContents><itemoperations:Status>1</itemoperations:Status><CollectionId>2</CollectionId></itemoperations:EmptyFolderContents></itemoperations:Response>"));
    let scope = house.account("alice").scope;
    assert_eq!(
        block_on(house.eas.mailbox().count_items(scope, FolderId::INBOX, 9)),
        Ok(0)
    );
}

#[test]
fn moves() {
    let house = House::new();
    let item = house.mail("From: a@example.org\n\nx\n");
    let phone = house.phone(Version::V14_1);
    let ask = |id: &str, to: &str| {
        format!(
            "<moves:MoveItems><moves:Move><moves:SrcMsgId>{id}</moves:SrcMsgId><moves:SrcFldId>2</moves:SrcFldId><moves:DstFldId>{to}</moves:DstFldId></moves:Move></moves:MoveItems>"
        )
    };
    let response = |id: &str, status: u16, rest: &str| {
        format!(
            "<moves:MoveItems><moves:Response><moves:SrcMsgId>{id}</moves:SrcMsgId><moves:Status>{status}</moves:Status>{rest}</moves:Response></moves:MoveItems>"
        )
    };
    let id = format!("2:{item}");
    phone.check("MoveItems", &ask(&id, "2"), &response(&id, 4, ""));
    phone.check("MoveItems", &ask(&id, "99"), &response(&id, 2, ""));
    phone.check("MoveItems", &ask(&id, "9"), &response(&id, 5, ""));
    phone.check("MoveItems", &ask("2:77", "4"), &response("2:77", 1, ""));
    let moved = phone.says("MoveItems", &ask(&id, "4"));
    assert!(
        moved.contains("<moves:Status>3</moves:Status><moves:DstMsgId>4:"),
        "{moved}"
    );
    // The answer was lost: the same again.
    assert_eq!(phone.says("MoveItems", &ask(&id, "4")), moved);
}

#[test]
fn estimates() {
    let house = House::new();
    for _ in 0..3 {
        house.mail("From: a@example.org\n\nx\n");
    }
    let phone = house.phone(Version::V14_1);
    let ask = |key: &str, id: &str| {
        format!(
            "<getitemestimate:GetItemEstimate><getitemestimate:Collections><getitemestimate:Collection><SyncKey>{key}</SyncKey><getitemestimate:CollectionId>{id}</getitemestimate:CollectionId></getitemestimate:Collection></getitemestimate:Collections></getitemestimate:GetItemEstimate>"
        )
    };
    let answer = |rest: &str| {
        format!(
            "<getitemestimate:GetItemEstimate><getitemestimate:Response>{rest}</getitemestimate:Response></getitemestimate:GetItemEstimate>"
        )
    };
    let status = |n: u16| {
        answer(&format!(
            "<getitemestimate:Status>{n}</getitemestimate:Status>"
        ))
    };
    phone.check("GetItemEstimate", &ask("0", "2"), &status(3));
    phone.check("GetItemEstimate", &ask("1", "99"), &status(2));
    phone.says("Sync", "<Sync><Collections><Collection><SyncKey>0</SyncKey><CollectionId>2</CollectionId></Collection></Collections></Sync>");
    phone.check("GetItemEstimate", &ask("1", "2"), &answer("<getitemestimate:Status>1</getitemestimate:Status><getitemestimate:Collection><getitemestimate:CollectionId>2</getitemestimate:CollectionId><getitemestimate:Estimate>3</getitemestimate:Estimate></getitemestimate:Collection>"));
    phone.check("GetItemEstimate", &ask("9", "2"), &status(4));
}

#[test]
fn an_estimate_is_of_mail_whatever_is_asked_of_text_messages() {
    let house = House::new();
    house.mail("From: a@example.org\nDate: Mon, 1 Dec 2025 00:00:00 +0000\n\nx\n");
    let phone = house.phone(Version::V14_1);
    phone.says("Sync", "<Sync><Collections><Collection><SyncKey>0</SyncKey><CollectionId>2</CollectionId></Collection></Collections></Sync>");
    let options = |class: &str, filter: u8| {
        format!("<Options><FilterType>{filter}</FilterType><Class>{class}</Class></Options>")
    };
    let ask = |options: &str| {
        format!(
            "<getitemestimate:GetItemEstimate><getitemestimate:Collections><getitemestimate:Collection><SyncKey>1</SyncKey><getitemestimate:CollectionId>2</getitemestimate:CollectionId>{options}</getitemestimate:Collection></getitemestimate:Collections></getitemestimate:GetItemEstimate>"
        )
    };
    let (mail, sms) = (options("Email", 0), options("SMS", 7));
    let count = phone.says("GetItemEstimate", &ask(&format!("{mail}{sms}")));
    assert!(
        count.contains("<getitemestimate:Estimate>1</getitemestimate:Estimate>"),
        "{count}"
    );
    let twice = phone.says("GetItemEstimate", &ask(&format!("{mail}{mail}")));
    assert!(
        twice.contains("<getitemestimate:Status>103</getitemestimate:Status>"),
        "{twice}"
    );
}
