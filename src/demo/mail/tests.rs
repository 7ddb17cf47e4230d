//! The mail of the demo is deterministic, in time, and as varied as it promises.

use super::*;
use crate::pim::mail::{inspect, slice};
use std::collections::{BTreeSet, HashMap, HashSet};

const NOW_MS: i64 = 1_795_348_800_000;

#[test]
fn the_same_time_gives_the_same_mails() {
    let a: Vec<_> = mails(NOW_MS).collect();
    let b: Vec<_> = mails(NOW_MS).collect();
    assert!(a == b, "two runs differ");
    let users: HashSet<_> = a.iter().map(|m| m.user.as_str()).collect();
    assert_eq!(
        users,
        HashSet::from(["alice@example.org", "bob@example.org"])
    );
    for user in users {
        let count = a.iter().filter(|m| m.user == user).count();
        assert!((200..400).contains(&count), "{user}: {count}");
    }
    assert!(a.iter().all(|m| m.received_ms < NOW_MS));
}

#[test]
fn every_mail_reads_well() {
    let mut ids: HashMap<String, HashSet<String>> = HashMap::new();
    for mail in mails(NOW_MS) {
        let (message, seen) = inspect(&mail.raw, mail.received_ms);
        let what = || format!("{}: {}", message.from, message.subject);
        assert!(!message.from.is_empty(), "{}", what());
        assert!(
            !seen.text.contains('\u{fffd}') && !message.subject.contains('\u{fffd}'),
            "{}",
            what()
        );
        assert_eq!(
            message.sent_ms / 1_000,
            mail.received_ms / 1_000,
            "{}",
            what()
        );
        assert!(
            ids.entry(mail.user.clone())
                .or_default()
                .insert(message.message_id.clone()),
            "{}",
            what()
        );
        for part in &message.parts {
            assert!(
                !slice(&mail.raw, part.body_from, part.body_to).is_empty(),
                "{}",
                what()
            );
        }
    }
}

#[test]
fn there_is_something_of_everything() {
    let all: Vec<_> = mails(NOW_MS)
        .map(|m| (inspect(&m.raw, m.received_ms), m))
        .filter(|(_, m)| m.user == "alice@example.org")
        .collect();
    let classes: BTreeSet<_> = all
        .iter()
        .map(|((m, _), _)| m.message_class.as_str())
        .collect();
    let expect = [
        "IPM.Note",
        "IPM.Schedule.Meeting.Request",
        "REPORT.IPM.Note.NDR",
    ];
    assert_eq!(classes.into_iter().collect::<Vec<_>>(), expect);
    let has = |what: &str, is: &dyn Fn(&crate::pim::Message, &str) -> bool| {
        assert!(all.iter().any(|((m, seen), _)| is(m, &seen.text)), "{what}");
    };
    has("inline picture", &|m, _| m.parts.iter().any(|p| p.inline));
    has("embedded mail", &|m, _| m.parts.iter().any(|p| p.embedded));
    has("Japanese", &|m, text| {
        m.code_page == 50_220 && text.contains("校正刷り")
    });
    has("Cyrillic", &|m, text| {
        m.code_page == 20_866 && text.contains("реки")
    });
    has("no charset", &|_, text| text.contains("äöüß"));
    has("empty", &|m, text| {
        m.subject.is_empty() && text.trim().is_empty()
    });
    has("long", &|m, _| m.text_bytes > 50_000);
    has("important", &|m, _| m.importance == 2);
    has("name", &|m, _| {
        m.parts.iter().any(|p| p.name == "список.txt")
    });
    let conversations: HashSet<_> = all.iter().map(|((m, _), _)| m.conversation_id).collect();
    assert!(
        conversations.len() < all.len() - 40,
        "threads hold together"
    );
    let folders: HashSet<_> = all.iter().map(|(_, m)| m.folder.clone()).collect();
    for folder in [Folder::Inbox, Folder::Sent, Folder::Drafts, Folder::Trash] {
        assert!(folders.contains(&folder), "{folder:?}");
    }
    let unread = all.iter().filter(|(_, m)| !m.read).count();
    assert!((5..100).contains(&unread), "{unread}");
}
