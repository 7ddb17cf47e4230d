//! The rows of the index in step with the items.

use crate::mailbox::check::Look;
use crate::mailbox::testing::{NEW_YEAR_MS, account, block_on, mail, mailbox, task};
use crate::mailbox::{By, DeviceNo, FolderId, FolderKind, ItemId, ItemRow, Mailbox, ServerId};
use crate::pim::words::{self, Field, Term, WordsRef, phrase};
use crate::pim::{Note, Record};
use crate::store::{Row, Scope, Write, keys};

const INBOX: FolderId = FolderId::INBOX;

async fn house() -> (Mailbox, Scope) {
    let mailbox = mailbox();
    let scope = mailbox.add_account(&account("anna")).await.unwrap();
    (mailbox, scope)
}

async fn add(mailbox: &Mailbox, scope: Scope, folder: FolderId, record: &Record) -> ItemId {
    let folder = mailbox.folder(scope, folder).await.unwrap();
    let mut tx = mailbox.transaction(scope, By::default());
    let item = tx.add(&folder, record).await.unwrap();
    tx.commit().await.unwrap();
    item
}

async fn row(mailbox: &Mailbox, scope: Scope, folder: FolderId, item: ItemId) -> ItemRow {
    mailbox.item(scope, folder, item).await.unwrap().unwrap()
}

async fn update(mailbox: &Mailbox, scope: Scope, row: &ItemRow, record: &Record) {
    let mut tx = mailbox.transaction(scope, By::default());
    tx.update(row, record).unwrap();
    tx.commit().await.unwrap();
}

async fn rows(mailbox: &Mailbox, scope: Scope, folder: FolderId) -> Vec<Row> {
    let span = keys::words_of(scope, folder.0);
    mailbox.range(span.read(1_000)).await.unwrap().rows
}

/// The items of a folder that have a word, newest first.
async fn found(mailbox: &Mailbox, scope: Scope, folder: FolderId, word: &str) -> Vec<u32> {
    let Some(Term::Word(needle)) = phrase(word, 1) else {
        panic!("no word")
    };
    let rows = rows(mailbox, scope, folder).await;
    let has = |row: &&Row| {
        let words = WordsRef::read(row.value()).unwrap();
        words.holds(Field::Any, &needle)
    };
    let items = rows.iter().filter(has);
    items
        .map(|row| keys::parse_words(&row.key).unwrap().item)
        .collect()
}

async fn is_sound(mailbox: &Mailbox, scope: Scope) {
    let mut wrong = Vec::new();
    let mut tell = |what: &crate::mailbox::check::Wrong, _: bool| wrong.push(what.clone());
    let checked = mailbox
        .check(scope, Look::default(), &mut tell)
        .await
        .unwrap();
    assert_eq!(wrong, []);
    assert!(checked.items > 0 || rows(mailbox, scope, INBOX).await.is_empty());
}

#[test]
fn an_item_has_its_words_from_its_first_to_its_last_day() {
    block_on(async {
        let (mailbox, scope) = house().await;
        let record = Record::Task(task("Einkauf", NEW_YEAR_MS, false));
        let item = add(&mailbox, scope, FolderId::TASKS, &record).await;
        let has = async |word: &str| found(&mailbox, scope, FolderId::TASKS, word).await;
        assert_eq!(has("einkauf").await, [item.0]);
        // Another text, then another date: its place in the index moves.
        for (subject, due_ms) in [("Verkauf", NEW_YEAR_MS), ("Ankauf", NEW_YEAR_MS + 5)] {
            let record = Record::Task(task(subject, due_ms, false));
            let before = row(&mailbox, scope, FolderId::TASKS, item).await;
            update(&mailbox, scope, &before, &record).await;
            assert_eq!(has(subject).await, [item.0]);
            assert_eq!(rows(&mailbox, scope, FolderId::TASKS).await.len(), 1);
            is_sound(&mailbox, scope).await;
        }
        assert_eq!(has("einkauf").await, [0; 0]);
        // Moved: under its new number, and nowhere else.
        let kind = FolderKind::UserTasks;
        let to = mailbox.create_folder(scope, FolderId::ROOT, "Later", kind);
        let to = mailbox.folder(scope, to.await.unwrap()).await.unwrap();
        let before = row(&mailbox, scope, FolderId::TASKS, item).await;
        let mut tx = mailbox.transaction(scope, By::default());
        let moved = tx
            .move_noted(DeviceNo(1), &before, &to, false)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        assert_eq!(has("ankauf").await, [0; 0]);
        assert_eq!(found(&mailbox, scope, to.id, "ankauf").await, [moved.0]);
        is_sound(&mailbox, scope).await;
        let last = row(&mailbox, scope, to.id, moved).await;
        let mut tx = mailbox.transaction(scope, By::default());
        tx.delete(&last).unwrap();
        tx.commit().await.unwrap();
        assert!(rows(&mailbox, scope, to.id).await.is_empty());
        is_sound(&mailbox, scope).await;
    });
}

#[test]
fn a_read_flag_leaves_the_words_of_a_mail_alone() {
    block_on(async {
        let (mailbox, scope) = house().await;
        let mut message = mail("Angebot", NEW_YEAR_MS);
        let item = add(&mailbox, scope, INBOX, &Record::Message(message.clone())).await;
        let before = rows(&mailbox, scope, INBOX).await;
        message.read = true;
        message.categories = vec!["Red".into()];
        let old = row(&mailbox, scope, INBOX, item).await;
        update(&mailbox, scope, &old, &Record::Message(message.clone())).await;
        let after = rows(&mailbox, scope, INBOX).await;
        assert_eq!(before[0].version, after[0].version);
        // A draft that is written anew is another message.
        message.mime.hash = [1; 32];
        message.subject = "Nachfrage".into();
        let old = row(&mailbox, scope, INBOX, item).await;
        update(&mailbox, scope, &old, &Record::Message(message)).await;
        assert_eq!(found(&mailbox, scope, INBOX, "nachfrage").await, [item.0]);
        assert_eq!(found(&mailbox, scope, INBOX, "angebot").await, [0; 0]);
    });
}

#[test]
fn a_folder_takes_its_words_along_and_so_does_an_account() {
    block_on(async {
        let (mailbox, scope) = house().await;
        let kind = FolderKind::UserNotes;
        let folder = mailbox.create_folder(scope, FolderId::ROOT, "old", kind);
        let folder = folder.await.unwrap();
        for _ in 0..30 {
            add(&mailbox, scope, folder, &Record::Note(Note::default())).await;
        }
        add(
            &mailbox,
            scope,
            FolderId::NOTES,
            &Record::Note(Note::default()),
        )
        .await;
        Box::pin(mailbox.delete_folder(scope, folder))
            .await
            .unwrap();
        mailbox.purge_all(scope).await.unwrap();
        assert!(rows(&mailbox, scope, folder).await.is_empty());
        assert_eq!(rows(&mailbox, scope, FolderId::NOTES).await.len(), 1);
        is_sound(&mailbox, scope).await;
        mailbox.erase(scope).await.unwrap();
        assert!(rows(&mailbox, scope, FolderId::NOTES).await.is_empty());
    });
}

/// An account as a release without an index has left it.
async fn old_house(count: u32) -> (Mailbox, Scope, Vec<ItemId>) {
    let (mailbox, scope) = house().await;
    let mut items = Vec::new();
    for n in 0..count {
        let raw = format!(
            "Subject: mail {n}\r\n\r\n{} last{n}\r\n",
            "lorem ".repeat(2_000)
        );
        let at_ms = NEW_YEAR_MS + i64::from(n);
        let blob = mailbox.store().put_blob(raw.as_bytes()).await.unwrap();
        let (mut message, _) = crate::pim::mail::inspect(raw.as_bytes(), at_ms);
        message.mime.hash = blob.0;
        items.push(add(&mailbox, scope, INBOX, &Record::Message(message)).await);
    }
    for key in rows(&mailbox, scope, INBOX).await {
        raw_write(&mailbox, scope, Write::Delete(key.key.to_vec())).await;
    }
    let mark = keys::counter(scope, super::FILLED);
    raw_write(&mailbox, scope, Write::Delete(mark)).await;
    (mailbox, scope, items)
}

async fn raw_write(mailbox: &Mailbox, scope: Scope, write: Write) {
    let mut tx = mailbox.transaction(scope, By::default());
    tx.write(write);
    tx.commit().await.unwrap();
}

#[test]
fn an_account_without_an_index_gets_one_bit_by_bit() {
    block_on(async {
        let (mailbox, scope, items) = Box::pin(old_house(70)).await;
        is_sound(&mailbox, scope).await;
        assert!(!mailbox.is_filled(scope).await.unwrap());
        // One that is moved before its turn takes its words along.
        let kind = FolderKind::UserMail;
        let to = mailbox.create_folder(scope, FolderId::ROOT, "old", kind);
        let to = mailbox.folder(scope, to.await.unwrap()).await.unwrap();
        let first = row(&mailbox, scope, INBOX, items[0]).await;
        let mut tx = mailbox.transaction(scope, By::default());
        let moved = tx.move_to(&first, &to).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(found(&mailbox, scope, to.id, "last0").await, [moved.0]);

        let mut mark = mailbox.fill_words(scope, None).await.unwrap();
        let mut steps = 0;
        while let Some(next) = mark {
            mark = mailbox.fill_words(scope, Some(next)).await.unwrap();
            steps += 1;
            if steps == 1 {
                // The newest came first.
                assert_eq!(found(&mailbox, scope, INBOX, "last69").await, [items[69].0]);
                assert_eq!(found(&mailbox, scope, INBOX, "last1").await.len(), 0);
            }
        }
        assert!(steps > 2 && mailbox.is_filled(scope).await.unwrap());
        // Words beyond what the record holds of the text, too.
        assert_eq!(found(&mailbox, scope, INBOX, "last7").await.len(), 1);
        is_sound(&mailbox, scope).await;
        assert_eq!(mailbox.fill_words(scope, None).await, Ok(None));
    });
}

#[test]
fn words_that_came_with_the_item_are_taken_as_they_are() {
    block_on(async {
        let (mailbox, scope) = house().await;
        let record = Record::Message(mail("short", NEW_YEAR_MS));
        let all = words::of(&record, Some("the whole text"));
        let inbox = mailbox.folder(scope, INBOX).await.unwrap();
        let mut tx = mailbox.transaction(scope, By::default());
        let item = tx.add(&inbox, (&record, Some(&all))).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(found(&mailbox, scope, INBOX, "whole").await, [item.0]);
        let id = ServerId {
            folder: INBOX,
            item,
        };
        assert_eq!(id.to_string(), format!("2:{item}"));
    });
}
