//! Requests that look as if nothing were to be done, and are not.

use crate::eas::testing::House;
use crate::eas::version::Version;

const DAY_MS: i64 = 86_400_000;

fn request(key: &str, options: &str) -> String {
    format!(
        "<Sync><Collections><Collection><SyncKey>{key}</SyncKey><CollectionId>2</CollectionId>{options}</Collection></Collections></Sync>"
    )
}

fn key_of(answer: &str) -> String {
    let (_, rest) = answer.split_once("<SyncKey>").unwrap();
    rest.split_once('<').unwrap().0.to_owned()
}

#[test]
fn a_window_moves_at_midnight_though_nothing_has_happened() {
    let house = House::new();
    let phone = house.phone(Version::V14_1);
    house.mail("Subject: today\n\ntext\n");
    let options = "<Options><FilterType>1</FilterType></Options>";
    let key = key_of(&phone.says("Sync", &request("0", "")));
    let answer = phone.says("Sync", &request(&key, options));
    assert!(answer.contains("<Add>"), "{answer}");
    let key = key_of(&answer);
    assert_eq!(phone.says("Sync", &request(&key, "")), "");
    house.clock.advance(3 * DAY_MS);
    let answer = phone.says("Sync", &request(&key, ""));
    assert!(answer.contains("<SoftDelete>"), "{answer}");
}

#[test]
fn options_that_come_while_nothing_happens_hold_from_then_on() {
    let house = House::new();
    let phone = house.phone(Version::V14_1);
    let size = |bytes: u32| {
        format!(
            "<Options><airsyncbase:BodyPreference><airsyncbase:Type>1</airsyncbase:Type><airsyncbase:TruncationSize>{bytes}</airsyncbase:TruncationSize></airsyncbase:BodyPreference></Options>"
        )
    };
    let key = key_of(&phone.says("Sync", &request("0", "")));
    assert_eq!(phone.says("Sync", &request(&key, &size(500))), "");
    assert_eq!(phone.says("Sync", &request(&key, &size(4))), "");
    house.mail("Subject: long\n\nabcdefgh\n");
    let answer = phone.says("Sync", &request(&key, ""));
    assert!(
        answer.contains("<airsyncbase:Data>abcd</airsyncbase:Data>"),
        "{answer}"
    );
}

#[test]
fn a_key_of_folders_that_was_never_given_is_wrong_though_nothing_has_happened() {
    let house = House::new();
    let phone = house.phone(Version::V14_1);
    let folders = |key: u32| {
        let document = format!(
            "<folderhierarchy:FolderSync><folderhierarchy:SyncKey>{key}</folderhierarchy:SyncKey></folderhierarchy:FolderSync>"
        );
        phone.says("FolderSync", &document)
    };
    assert!(folders(0).contains("Status>1<"));
    assert!(folders(1).contains("Count>0<"));
    assert!(folders(7).contains("Status>9<"));
}
