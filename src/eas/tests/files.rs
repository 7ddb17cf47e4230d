//! Files of appointments (16.0+).

use crate::eas::testing::{House, Phone};
use crate::eas::version::Version;

impl Phone<'_> {
    fn calendar(&self, key: &str, rest: &str) -> String {
        self.says("Sync", &format!(
            "<Sync><Collections><Collection><SyncKey>{key}</SyncKey><CollectionId>8</CollectionId>{rest}</Collection></Collections></Sync>"
        ))
    }

    fn reads(&self, reference: &str) -> String {
        self.says("ItemOperations", &format!("<itemoperations:ItemOperations><itemoperations:Fetch><itemoperations:Store>Mailbox</itemoperations:Store><airsyncbase:FileReference>{reference}</airsyncbase:FileReference></itemoperations:Fetch></itemoperations:ItemOperations>"))
    }
}

fn named<'a>(text: &'a str, element: &str) -> Vec<&'a str> {
    let open = format!("<{element}>");
    let found = text.split(&open).skip(1);
    found.map(|rest| rest.split_once('<').unwrap().0).collect()
}

fn add(name: &str, content: &str) -> String {
    format!(
        "<airsyncbase:Add><airsyncbase:ClientId>{name}</airsyncbase:ClientId><airsyncbase:Method>1</airsyncbase:Method><airsyncbase:Content>{content}</airsyncbase:Content><airsyncbase:DisplayName>{name}</airsyncbase:DisplayName><airsyncbase:ContentType>text/plain</airsyncbase:ContentType></airsyncbase:Add>"
    )
}

fn change(id: &str, data: &str) -> String {
    format!(
        "<Commands><Change><ServerId>{id}</ServerId><ApplicationData>{data}</ApplicationData></Change></Commands>"
    )
}

const REFERENCE: &str = "airsyncbase:FileReference";

#[test]
fn files_of_appointments_come_go_and_are_fetched() {
    let house = House::new();
    let phone = house.phone(Version::V16_1);
    phone.calendar("0", "");
    let new = format!(
        "<Commands><Add><ClientId>1</ClientId><ApplicationData><calendar:Subject>Review</calendar:Subject><calendar:StartTime>20261122T130000Z</calendar:StartTime><calendar:EndTime>20261122T140000Z</calendar:EndTime><airsyncbase:Attachments>{}{}</airsyncbase:Attachments></ApplicationData></Add></Commands>",
        add("a.txt", "first"),
        add("b.txt", "second one")
    );
    let mut told = phone.calendar("1", &new);
    let id = named(&told, "ServerId")[0].to_owned();
    // The client hears how they are called.
    if named(&told, REFERENCE).is_empty() {
        told = phone.calendar("2", "");
    }
    let references: Vec<_> = named(&told, REFERENCE)
        .into_iter()
        .map(str::to_owned)
        .collect();
    let [first, second] = references.as_slice() else {
        panic!("{told}")
    };
    let sizes = named(&told, "airsyncbase:EstimatedDataSize");
    assert!(sizes.ends_with(&["5", "10"]), "{told}");
    let bytes = phone.reads(second);
    assert_eq!(named(&bytes, "itemoperations:Data"), ["c2Vjb25kIG9uZQ=="]);
    assert_eq!(named(&bytes, "airsyncbase:ContentType"), ["text/plain"]);

    // An older client does not hear of them, and takes nothing away by a change.
    let mut old = house.phone(Version::V14_1);
    old.device = "old".into();
    old.calendar("0", "");
    let told = old.calendar("1", "");
    assert!(
        told.contains("Review") && !told.contains("Attachment"),
        "{told}"
    );
    old.calendar("2", &change(&id, "<calendar:Subject>Moved</calendar:Subject><calendar:StartTime>20261122T150000Z</calendar:StartTime><calendar:EndTime>20261122T160000Z</calendar:EndTime>"));
    let mut other = house.phone(Version::V16_0);
    other.device = "other".into();
    other.calendar("0", "");
    let told = other.calendar("1", "");
    assert!(told.contains("Moved"), "{told}");
    assert_eq!(named(&told, REFERENCE), [first.as_str(), second]);

    // One goes, and what it was called leads to nothing, also when another has come.
    let data = format!(
        "<airsyncbase:Attachments><airsyncbase:Delete><airsyncbase:FileReference>{second}</airsyncbase:FileReference></airsyncbase:Delete>{}</airsyncbase:Attachments>",
        add("c.txt", "third")
    );
    other.calendar("2", &change(&id, &data));
    assert!(other.reads(second).contains("<itemoperations:Status>15<"));
    let mut last = house.phone(Version::V16_1);
    last.device = "last".into();
    last.calendar("0", "");
    let told = last.calendar("1", "");
    let names = named(&told, "airsyncbase:DisplayName");
    assert_eq!(names, ["a.txt", "c.txt"], "{told}");
    let third = named(&told, REFERENCE)[1];
    assert_ne!(third, second);
    let bytes = last.reads(third);
    assert_eq!(named(&bytes, "itemoperations:Data"), ["dGhpcmQ="]);
}

#[test]
fn files_of_appointments_belong_to_16_0_and_later() {
    let house = House::new();
    let phone = house.phone(Version::V14_1);
    phone.calendar("0", "");
    let new = format!(
        "<Commands><Add><ClientId>1</ClientId><ApplicationData><calendar:Subject>Review</calendar:Subject><airsyncbase:Attachments>{}</airsyncbase:Attachments></ApplicationData></Add></Commands>",
        add("a.txt", "first")
    );
    let told = phone.calendar("1", &new);
    assert!(
        told.contains("<ClientId>1</ClientId><Status>6</Status>"),
        "{told}"
    );
}

#[test]
fn the_files_of_a_draft_are_told_to_the_device_that_added_them() {
    let house = House::new();
    let phone = house.phone(Version::V16_1);
    let drafts = |key: &str, rest: &str| {
        phone.says("Sync", &format!(
            "<Sync><Collections><Collection><SyncKey>{key}</SyncKey><CollectionId>3</CollectionId>{rest}</Collection></Collections></Sync>"
        ))
    };
    drafts("0", "");
    let new = format!(
        "<Commands><Add><ClientId>1</ClientId><ApplicationData><email:Subject>Report</email:Subject><airsyncbase:Attachments>{}</airsyncbase:Attachments></ApplicationData></Add></Commands>",
        add("a.txt", "first")
    );
    let mut told = drafts("1", &new);
    let id = named(&told, "ServerId")[0].to_owned();
    if named(&told, REFERENCE).is_empty() {
        told = drafts("2", "");
    }
    let reference = named(&told, REFERENCE)[0].to_owned();
    assert!(told.contains(&format!("<Change><ServerId>{id}<")), "{told}");
    assert_eq!(
        named(&phone.reads(&reference), "itemoperations:Data"),
        ["Zmlyc3Q="]
    );
    let (_, key) = told.split_once("<SyncKey>").unwrap();
    let key = key.split_once('<').unwrap().0;
    // And there it ends.
    assert_eq!(drafts(key, ""), "");
}
