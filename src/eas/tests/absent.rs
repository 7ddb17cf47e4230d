//! A colleague who is absent tells those who write to them, from phone to phone.

use super::mail::mails;
use crate::eas::testing::House;
use crate::eas::version::Version;
use crate::mailbox::FolderId;

fn away(state: u8, text: &str) -> String {
    format!(
        "<settings:Settings><settings:Oof><settings:Set><settings:OofState>{state}</settings:OofState><settings:OofMessage><settings:AppliesToInternal/><settings:Enabled>1</settings:Enabled><settings:ReplyMessage>{text}</settings:ReplyMessage><settings:BodyType>Text</settings:BodyType></settings:OofMessage></settings:Set></settings:Oof></settings:Settings>"
    )
}

fn send(client_id: &str, mime: &str) -> String {
    format!(
        "<composemail:SendMail><composemail:ClientId>{client_id}</composemail:ClientId><composemail:Mime>{mime}</composemail:Mime></composemail:SendMail>"
    )
}

#[test]
fn who_writes_to_an_absent_colleague_is_told_once_and_woken() {
    for version in [
        Version::V14_0,
        Version::V14_1,
        Version::V16_0,
        Version::V16_1,
    ] {
        let house = House::new();
        let alice = house.phone(version);
        let bob = crate::eas::testing::Phone {
            user: "bob",
            device: "phone2".into(),
            ..house.phone(Version::V12_1)
        };
        let said = bob.says("Settings", &away(1, "Skiing."));
        assert!(said.contains("<settings:Status>1<"), "{said}");
        alice.says("FolderSync", "<folderhierarchy:FolderSync><folderhierarchy:SyncKey>0</folderhierarchy:SyncKey></folderhierarchy:FolderSync>");
        alice.says("Sync", "<Sync><Collections><Collection><SyncKey>0</SyncKey><CollectionId>2</CollectionId></Collection></Collections></Sync>");
        let ping = "<ping:Ping><ping:HeartbeatInterval>470</ping:HeartbeatInterval><ping:Folders><ping:Folder><ping:Id>2</ping:Id><ping:Class>Email</ping:Class></ping:Folder></ping:Folders></ping:Ping>";
        let parked = alice.parks("Ping", ping);
        alice.check(
            "SendMail",
            &send("c1", "To: bob@example.org|Subject: Lunch||Now?"),
            "",
        );
        let told = house.told(&parked).unwrap();
        assert!(told.contains("<ping:Status>2<"), "{told}");
        alice.check(
            "SendMail",
            &send("c2", "To: bob@example.org|Subject: Lunch||Well?"),
            "",
        );
        let inbox = mails(&house, "alice", FolderId::INBOX);
        let [(answer, raw)] = &inbox[..] else {
            panic!("{} answers", inbox.len());
        };
        assert_eq!(answer.subject, "Automatic reply: Lunch");
        assert!(answer.from.contains("bob@example.org"), "{}", answer.from);
        assert_eq!(answer.text_head.trim_end(), "Skiing.");
        let raw = String::from_utf8_lossy(raw);
        assert!(raw.contains("Auto-Submitted: auto-replied"), "{raw}");
        let bobs = mails(&house, "bob", FolderId::INBOX);
        assert_eq!(bobs.len(), 2);
        // It belongs to the conversation that it answers.
        let first = bobs
            .iter()
            .map(|(mail, _)| mail)
            .find(|m| m.text_head.starts_with("Now"));
        assert_eq!(answer.conversation_id, first.unwrap().conversation_id);
        assert!(mails(&house, "bob", FolderId::SENT).is_empty());
        // Somebody who is back tells nobody.
        bob.says("Settings", &away(0, "Skiing."));
        alice.check("SendMail", &send("c3", "To: bob@example.org||Back?"), "");
        assert_eq!(mails(&house, "alice", FolderId::INBOX).len(), 1);
    }
}
