//! Text messages: taken from phones, kept, and told to those that ask for them.

use crate::eas::testing::House;
use crate::eas::version::Version;

const BOTH: &str = "<Options><FilterType>0</FilterType><Class>Email</Class><airsyncbase:BodyPreference><airsyncbase:Type>1</airsyncbase:Type></airsyncbase:BodyPreference></Options><Options><FilterType>0</FilterType><Class>SMS</Class><airsyncbase:BodyPreference><airsyncbase:Type>1</airsyncbase:Type></airsyncbase:BodyPreference></Options>";
const TEXT: &str = "<Add><Class>SMS</Class><ClientId>s1</ClientId><ApplicationData><email:To>\"Alice\" [MOBILE:+4915]</email:To><email:From>\"Kim\" [MOBILE:+4917]</email:From><email:DateReceived>2025-12-31T10:11:12.000Z</email:DateReceived><email:Importance>1</email:Importance><email:Read>1</email:Read><airsyncbase:Body><airsyncbase:Type>1</airsyncbase:Type><airsyncbase:Data>see you at ten</airsyncbase:Data></airsyncbase:Body></ApplicationData></Add>";

fn sync(key: &str, rest: &str) -> String {
    format!(
        "<Sync><Collections><Collection><SyncKey>{key}</SyncKey><CollectionId>2</CollectionId>{rest}</Collection></Collections></Sync>"
    )
}

#[test]
fn a_text_message_is_kept_and_told_to_who_asks_for_them() {
    let house = House::new();
    house.mail("From: a@example.org\nSubject: a mail\n\nhello\n");
    for version in [
        Version::V14_0,
        Version::V14_1,
        Version::V16_0,
        Version::V16_1,
    ] {
        let mut phone = house.phone(version);
        phone.device = format!("w{}", version.tens());
        phone.says("Sync", &sync("0", BOTH));
        phone.says("Sync", &sync("1", ""));
        let add = format!("<Commands>{TEXT}</Commands>");
        let added = phone.says("Sync", &sync("2", &add));
        assert!(
            added.contains("<Add><Class>SMS</Class><ClientId>s1</ClientId><ServerId>2:"),
            "{version}: {added}"
        );
        // Once, however often the answer is lost.
        assert_eq!(phone.says("Sync", &sync("2", &add)), added);
    }
    for version in Version::ALL {
        let mut phone = house.phone(version);
        phone.device = format!("r{}", version.tens());
        let wants = version >= Version::V14_0;
        let (class, options) = match wants {
            true => ("", BOTH),
            false => ("<Class>Email</Class>", ""),
        };
        let first = sync("0", options).replace("<SyncKey>", &format!("{class}<SyncKey>"));
        phone.says("Sync", &first);
        let told = phone.says("Sync", &first.replace(">0</SyncKey>", ">1</SyncKey>"));
        let as_texts = told.matches("<Class>SMS</Class><ApplicationData>").count();
        assert_eq!(as_texts, if wants { 4 } else { 0 }, "{version}: {told}");
        for expect in [
            "<email:From>\"Kim\" [MOBILE:+4917]</email:From>",
            "<email:To>\"Alice\" [MOBILE:+4915]</email:To>",
            "<email:DateReceived>2025-12-31T10:11:12.000Z</email:DateReceived>",
            "<email:Read>1</email:Read>",
            "<email:MessageClass>IPM.Note.Mobile.SMS</email:MessageClass>",
        ] {
            assert_eq!(
                told.matches(expect).count(),
                4,
                "{version} {expect}: {told}"
            );
        }
    }
}

#[test]
fn who_does_not_ask_for_text_messages_gets_them_as_mail() {
    let house = House::new();
    let phone = house.phone(Version::V14_1);
    phone.says("Sync", &sync("0", BOTH));
    phone.says("Sync", &sync("1", &format!("<Commands>{TEXT}</Commands>")));
    let mut other = house.phone(Version::V14_1);
    other.device = "other".into();
    other.says("Sync", &sync("0", ""));
    let told = other.says("Sync", &sync("1", ""));
    assert!(told.contains("<email:Subject>see you at ten<"), "{told}");
    assert!(!told.contains("<Class>SMS"), "{told}");
}

#[test]
fn a_text_message_belongs_into_a_folder_of_mail_and_a_version_that_has_them() {
    let house = House::new();
    let phone = house.phone(Version::V14_1);
    let notes = |key: &str, rest: &str| sync(key, rest).replace(">2<", ">10<");
    phone.says("Sync", &notes("0", ""));
    let add = format!("<Commands>{TEXT}</Commands>");
    let refused = phone.says("Sync", &notes("1", &add));
    assert!(
        refused.contains("<ClientId>s1</ClientId><Status>6</Status>"),
        "{refused}"
    );
    let old = house.phone(Version::V12_1);
    let refused = old.says(
        "Sync",
        &sync("0", "").replace("<SyncKey>", "<Class>Email</Class><SyncKey>"),
    );
    assert!(refused.contains("<SyncKey>"), "{refused}");
    let refused = old.says(
        "Sync",
        &sync("1", &add).replace(
            "<Collection><SyncKey>",
            "<Collection><Class>Email</Class><SyncKey>",
        ),
    );
    assert!(!refused.contains("<ServerId>2:"), "{refused}");
}
