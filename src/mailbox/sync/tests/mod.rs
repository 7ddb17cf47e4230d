//! One collection, one thing at a time. What happens when everything happens at once: `model`.

mod between;
mod commands;
mod quiet;
mod repeated;
mod tombstones;

use std::collections::BTreeMap;

use super::*;
use crate::mailbox::testing::{NEW_YEAR_MS, account, block_on, mail, mailbox, task};
use crate::mailbox::{By, FolderKind, Round, Watched};
use crate::pim::{Record, RecordRef};
use crate::store::{FaultPlan, Rates, Store};

/// A mailbox with one account, and a device's view of one of its folders.
struct Fixture {
    mailbox: Mailbox,
    scope: Scope,
    folder: FolderId,
}

/// A device: what it has, and the key that it would present.
#[derive(Clone, Default, Debug)]
struct Phone {
    number: u32,
    key: u64,
    has: BTreeMap<u32, String>,
}

fn subject(row: &ItemRow) -> String {
    match row.record().unwrap() {
        RecordRef::Message(mail) => mail.subject.to_string(),
        RecordRef::Task(task) => task.subject.to_string(),
        _ => panic!("not of these tests"),
    }
}

impl Phone {
    fn new(number: u32) -> Self {
        Self {
            number,
            ..Self::default()
        }
    }

    /// Takes an answer as a phone does; says what came as text.
    fn take(&mut self, key: u64, changes: &[Change]) -> Vec<String> {
        self.key = key;
        let mut said = Vec::new();
        for change in changes {
            let item = change.item.0;
            said.push(match &change.kind {
                ChangeKind::Add(row) => {
                    let old = self.has.insert(item, subject(row));
                    assert_eq!(old, None, "added twice");
                    format!("+{}", subject(row))
                }
                ChangeKind::Change(row) => {
                    let old = self.has.insert(item, subject(row));
                    assert!(old.is_some(), "changed without being there");
                    format!("={}", subject(row))
                }
                ChangeKind::Delete => format!("-{}", self.has.remove(&item).unwrap()),
                ChangeKind::SoftDelete => format!("~{}", self.has.remove(&item).unwrap()),
            });
        }
        said
    }
}

impl Fixture {
    async fn new(folder: FolderId) -> Self {
        let mailbox = mailbox();
        let scope = mailbox.add_account(&account("anna")).await.unwrap();
        Self {
            mailbox,
            scope,
            folder,
        }
    }

    async fn put(&self, record: Record) -> ItemId {
        let folder = self.mailbox.folder(self.scope, self.folder).await.unwrap();
        let mut tx = self.mailbox.transaction(self.scope, By::default());
        let item = tx.add(&folder, &record).await.unwrap();
        tx.commit().await.unwrap();
        item
    }

    async fn mail(&self, subject: &str, age_days: i64) -> ItemId {
        let received_ms = NEW_YEAR_MS - age_days * crate::mailbox::purge::DAY_MS;
        self.put(Record::Message(mail(subject, received_ms))).await
    }

    async fn row(&self, item: ItemId) -> ItemRow {
        let row = self.mailbox.item(self.scope, self.folder, item).await;
        row.unwrap().unwrap()
    }

    async fn rename(&self, item: ItemId, subject: &str) {
        let row = self.row(item).await;
        let mut tx = self.mailbox.transaction(self.scope, By::default());
        tx.update(&row, &renamed(&row, subject)).unwrap();
        tx.commit().await.unwrap();
    }

    async fn remove(&self, item: ItemId) {
        let row = self.row(item).await;
        let mut tx = self.mailbox.transaction(self.scope, By::default());
        tx.delete(&row).unwrap();
        tx.commit().await.unwrap();
    }

    async fn round(&self, phone: &Phone) -> Round {
        let device = DeviceNo(phone.number);
        let round = self
            .mailbox
            .sync(self.scope, device, self.folder, phone.key);
        round.await.unwrap().expect("the key is known")
    }

    /// A request without commands: the changes, the key, whether there is more.
    async fn ask(&self, phone: &Phone, window: Option<Window>, limit: usize) -> Answer {
        let quiet = self.quiet(phone).await;
        let mut round = self.round(phone).await;
        if let Some(window) = window {
            round.set_window(window);
        }
        let answer = finish(round, limit).await.unwrap();
        if let Some(quiet) = quiet
            && quiet.key == phone.key
            && window.is_none_or(|window| window == quiet.window)
        {
            let said = (answer.key, answer.changes.len(), answer.more);
            assert_eq!(said, (quiet.key, 0, false), "it was said to be quiet");
        }
        answer
    }

    /// A request whose answer arrives.
    async fn sync(&self, phone: &mut Phone, limit: usize) -> Vec<String> {
        let answer = self.ask(phone, None, limit).await;
        phone.take(answer.key, &answer.changes)
    }

    /// A phone that has everything in this window.
    async fn phone(&self, number: u32, window: Window) -> Phone {
        let mut phone = Phone::new(number);
        let answer = self.ask(&phone, Some(window), 0).await;
        phone.take(answer.key, &answer.changes);
        while self.ask(&phone, None, 0).await.more {
            self.sync(&mut phone, 100).await;
        }
        phone
    }

    async fn watch(&self, phone: &Phone) -> Watched {
        let device = DeviceNo(phone.number);
        let watched = self.mailbox.watch(self.scope, device, self.folder);
        watched.await.unwrap()
    }
}

struct Answer {
    key: u64,
    changes: Vec<Change>,
    more: bool,
}

async fn finish(mut round: Round, limit: usize) -> Result<Answer, Error> {
    let mut changes = Vec::new();
    while changes.len() < limit {
        let Some(change) = round.next().await? else {
            break;
        };
        changes.push(change);
    }
    let more = round.more().await?;
    let key = round.finish().await?.key;
    Ok(Answer { key, changes, more })
}

fn renamed(row: &ItemRow, subject: &str) -> Record {
    let mut record = row.to_record().unwrap();
    match &mut record {
        Record::Message(mail) => mail.subject = subject.to_owned(),
        Record::Task(task) => task.subject = subject.to_owned(),
        _ => panic!("not of these tests"),
    }
    record
}

fn add(client_id: &str) -> Command {
    Command::Add(client_id.to_owned())
}

#[test]
fn the_first_sync_brings_everything_once_newest_first() {
    block_on(async {
        let f = Fixture::new(FolderId::INBOX).await;
        for n in 0..250 {
            // Stored in an order that is not that of their dates.
            f.mail(&format!("{n:03}"), (n * 7) % 250).await;
        }
        let mut phone = Phone::new(1);
        assert_eq!(f.sync(&mut phone, 100).await, Vec::<String>::new());
        let mut said = Vec::new();
        for (limit, more) in [(100, true), (100, true), (50, false)] {
            let answer = f.ask(&phone, None, limit).await;
            assert_eq!(answer.more, more);
            said.extend(phone.take(answer.key, &answer.changes));
        }
        assert_eq!(phone.has.len(), 250);
        let mut by_date: Vec<_> = (0..250)
            .map(|n| ((n * 7) % 250, format!("+{n:03}")))
            .collect();
        by_date.sort();
        let expect: Vec<_> = by_date.into_iter().map(|(_, s)| s).collect();
        assert_eq!(said, expect);
        let key = phone.key;
        assert_eq!(f.sync(&mut phone, 100).await, Vec::<String>::new());
        assert_eq!(phone.key, key, "nothing to tell keeps the key");
        assert_eq!(f.watch(&phone).await, Watched::Unchanged);
    });
}

#[test]
fn changes_and_deletions_reach_every_device_once() {
    block_on(async {
        let f = Fixture::new(FolderId::INBOX).await;
        let (a, b) = (f.mail("a", 1).await, f.mail("b", 2).await);
        let mut phones = [f.phone(1, Window::ALL).await, f.phone(2, Window::ALL).await];
        f.rename(a, "a2").await;
        f.remove(b).await;
        f.mail("c", 0).await;
        for phone in &mut phones {
            assert_eq!(f.watch(phone).await, Watched::Changed);
            assert_eq!(f.sync(phone, 9).await, ["=a2", "-b", "+c"]);
            assert_eq!(f.sync(phone, 9).await, Vec::<String>::new());
            assert_eq!(f.watch(phone).await, Watched::Unchanged);
        }
    });
}

#[test]
fn what_comes_and_goes_between_two_syncs_is_never_told() {
    block_on(async {
        let f = Fixture::new(FolderId::INBOX).await;
        let mut phone = f.phone(1, Window::ALL).await;
        let item = f.mail("a", 1).await;
        f.remove(item).await;
        assert_eq!(f.watch(&phone).await, Watched::Unchanged);
        assert_eq!(f.sync(&mut phone, 9).await, Vec::<String>::new());
    });
}

#[test]
fn a_batch_of_many_items_may_be_cut_in_the_middle() {
    block_on(async {
        let f = Fixture::new(FolderId::INBOX).await;
        let mut phone = f.phone(1, Window::ALL).await;
        let folder = f.mailbox.folder(f.scope, f.folder).await.unwrap();
        let mut tx = f.mailbox.transaction(f.scope, By::default());
        for n in 0..7 {
            let record = Record::Message(mail(&n.to_string(), NEW_YEAR_MS));
            tx.add(&folder, &record).await.unwrap();
        }
        tx.commit().await.unwrap();
        assert_eq!(f.sync(&mut phone, 3).await, ["+0", "+1", "+2"]);
        assert_eq!(f.sync(&mut phone, 3).await, ["+3", "+4", "+5"]);
        assert_eq!(f.sync(&mut phone, 3).await, ["+6"]);
    });
}

#[test]
fn what_is_put_back_comes_next_time() {
    block_on(async {
        let f = Fixture::new(FolderId::INBOX).await;
        f.mail("a", 2).await;
        f.mail("b", 1).await;
        let mut phone = Phone::new(1);
        f.sync(&mut phone, 9).await;
        let mut round = f.round(&phone).await;
        let first = round.next().await.unwrap().unwrap();
        round.next().await.unwrap().unwrap();
        round.put_back();
        assert!(round.more().await.unwrap());
        let key = round.finish().await.unwrap().key;
        assert_eq!(phone.take(key, &[first]), ["+b"]);
        assert_eq!(f.watch(&phone).await, Watched::Changed, "it is owed");
        assert_eq!(f.sync(&mut phone, 9).await, ["+a"]);
        assert_eq!(f.watch(&phone).await, Watched::Unchanged);
    });
}

#[test]
fn a_narrower_window_takes_back_and_a_wider_one_brings_again() {
    block_on(async {
        let f = Fixture::new(FolderId::INBOX).await;
        for (name, days) in [("new", 0), ("week", 6), ("month", 20), ("old", 300)] {
            f.mail(name, days).await;
        }
        let day = crate::mailbox::purge::DAY_MS;
        let since = |days: i64| Some(Window::since(NEW_YEAR_MS - days * day));
        let mut phone = f.phone(1, Window::since(NEW_YEAR_MS - 30 * day)).await;
        assert_eq!(phone.has.len(), 3);
        for (days, limit, expect) in [
            (3, 9, vec!["~month", "~week"]),
            (3, 9, vec![]),
            (30, 1, vec!["+week"]),
            (30, 9, vec!["+month"]),
            (365, 9, vec!["+old"]),
            (10, 1, vec!["~old"]),
            // Wider again in the middle of the taking back.
            (365, 9, vec!["+old"]),
            (10, 9, vec!["~old", "~month"]),
        ] {
            let answer = f.ask(&phone, since(days), limit).await;
            assert_eq!(phone.take(answer.key, &answer.changes), expect, "{days}");
        }
    });
}

#[test]
fn tasks_that_are_done_leave_a_window_of_open_ones() {
    block_on(async {
        let f = Fixture::new(FolderId::TASKS).await;
        let open = f.put(Record::Task(task("open", 50, false))).await;
        f.put(Record::Task(task("done", 60, true))).await;
        let incomplete_only = true;
        let incomplete = Window {
            incomplete_only,
            ..Window::ALL
        };
        let mut phone = f.phone(1, incomplete).await;
        assert_eq!(phone.has.values().collect::<Vec<_>>(), ["open"]);
        let row = f.row(open).await;
        let mut tx = f.mailbox.transaction(f.scope, By::default());
        tx.update(&row, &Record::Task(task("open", 50, true)))
            .unwrap();
        tx.commit().await.unwrap();
        assert_eq!(f.sync(&mut phone, 9).await, ["~open"]);
        let answer = f.ask(&phone, Some(Window::ALL), 9).await;
        assert_eq!(phone.take(answer.key, &answer.changes), ["+done", "+open"]);
        let answer = f.ask(&phone, Some(incomplete), 9).await;
        assert_eq!(phone.take(answer.key, &answer.changes), ["~open", "~done"]);
    });
}

#[test]
fn a_lost_answer_comes_again_under_the_same_key() {
    block_on(async {
        let f = Fixture::new(FolderId::INBOX).await;
        let (a, b) = (f.mail("a", 1).await, f.mail("b", 2).await);
        let mut phone = f.phone(1, Window::ALL).await;
        f.rename(a, "a2").await;
        f.remove(b).await;
        f.mail("c", 0).await;
        let lost = f.ask(&phone, None, 9).await;
        // Meanwhile more happens: that comes after the repetition.
        f.mail("d", 0).await;
        let again = f.ask(&phone, None, 9).await;
        assert_eq!((again.key, again.more), (lost.key, true));
        let mut other = phone.clone();
        let said = phone.take(again.key, &again.changes);
        assert_eq!(said, ["+c", "-b", "=a2"]);
        assert_eq!(f.sync(&mut phone, 9).await, ["+d"]);
        // Whoever got the first answer after all has the same.
        let mut said = other.take(lost.key, &lost.changes);
        said.sort();
        assert_eq!(said, ["+c", "-b", "=a2"]);
    });
}

#[test]
fn a_lost_answer_that_was_too_large_comes_in_smaller_ones() {
    block_on(async {
        let f = Fixture::new(FolderId::INBOX).await;
        for n in 0..5 {
            f.mail(&n.to_string(), n).await;
        }
        let mut phone = Phone::new(1);
        f.sync(&mut phone, 9).await;
        let lost = f.ask(&phone, None, 9).await;
        assert_eq!(lost.changes.len(), 5);
        while phone.has.len() < 5 {
            let before = phone.has.len();
            f.sync(&mut phone, 2).await;
            assert!(phone.has.len() > before);
        }
        assert_eq!(f.watch(&phone).await, Watched::Unchanged);
    });
}

#[test]
fn any_other_key_is_unknown_and_numbers_are_not_used_again() {
    block_on(async {
        let f = Fixture::new(FolderId::INBOX).await;
        f.mail("a", 1).await;
        let phone = f.phone(1, Window::ALL).await;
        let known = async |key| {
            let round = f.mailbox.sync(f.scope, DeviceNo(1), f.folder, key);
            round.await.unwrap().is_some()
        };
        assert!(known(phone.key).await && known(phone.key - 1).await);
        assert!(!known(phone.key + 1).await && !known(phone.key + 99).await);
        let mut reset = Phone::new(1);
        f.sync(&mut reset, 9).await;
        assert!(reset.key > phone.key);
        assert!(!known(phone.key).await);
        // Key 0 twice is the same as once.
        let answer = f.ask(&Phone::new(1), None, 9).await;
        assert_eq!(answer.key, reset.key);
        assert_eq!(f.sync(&mut reset, 9).await, ["+a"]);
    });
}

/// A request of one Add, whose outcome the phone learns if the answer arrives.
async fn add_mail(f: &Fixture, phone: &Phone, client_id: &str, text: &str) -> (ItemId, Answer) {
    let mut round = f.round(phone).await;
    let print = text.len() as u64;
    let item = match round.recorded(&add(client_id), print) {
        Recorded::New => {
            let record = Record::Message(mail(text, NEW_YEAR_MS));
            round.add(client_id, &record, 1, print).await.unwrap()
        }
        Recorded::Same(outcome) => outcome.item.unwrap(),
        Recorded::Differs(outcome) => {
            let row = round.item(outcome.item.unwrap()).await.unwrap().unwrap();
            let record = renamed(&row, text);
            round
                .amend(client_id, &row, &record, 1, print)
                .await
                .unwrap();
            row.item
        }
    };
    (item, finish(round, 9).await.unwrap())
}

#[test]
fn a_repeated_add_gives_the_same_item_and_is_not_told() {
    block_on(async {
        let f = Fixture::new(FolderId::DRAFTS).await;
        let mut phone = f.phone(1, Window::ALL).await;
        let (first, lost) = add_mail(&f, &phone, "c1", "mine").await;
        assert!(lost.changes.is_empty());
        let (again, answer) = add_mail(&f, &phone, "c1", "mine").await;
        assert_eq!((again, answer.key), (first, lost.key));
        assert!(answer.changes.is_empty() && !answer.more);
        phone.take(answer.key, &[]);
        assert_eq!(f.sync(&mut phone, 9).await, Vec::<String>::new());
        assert_eq!(f.watch(&phone).await, Watched::Unchanged);
        // The same ClientId later on is another item.
        let (second, _) = add_mail(&f, &phone, "c1", "mine").await;
        assert_ne!(second, first);
    });
}

#[test]
fn an_add_that_is_not_repeated_comes_from_the_server() {
    block_on(async {
        let f = Fixture::new(FolderId::DRAFTS).await;
        let mut phone = f.phone(1, Window::ALL).await;
        add_mail(&f, &phone, "c1", "mine").await;
        assert_eq!(f.sync(&mut phone, 9).await, ["+mine"]);
        assert_eq!(f.sync(&mut phone, 9).await, Vec::<String>::new());
    });
}

#[test]
fn an_edited_repetition_changes_the_item_that_is_there() {
    block_on(async {
        let f = Fixture::new(FolderId::DRAFTS).await;
        let mut phone = f.phone(1, Window::ALL).await;
        let (first, _) = add_mail(&f, &phone, "c1", "mine").await;
        let (again, answer) = add_mail(&f, &phone, "c1", "mine, edited").await;
        assert_eq!(again, first);
        assert!(answer.changes.is_empty());
        phone.take(answer.key, &[]);
        phone.has.insert(again.0, "mine, edited".into());
        assert_eq!(f.sync(&mut phone, 9).await, Vec::<String>::new());
        assert_eq!(subject(&f.row(first).await), "mine, edited");
    });
}

#[test]
fn an_edit_may_be_taken_back_in_a_further_repetition() {
    block_on(async {
        let f = Fixture::new(FolderId::DRAFTS).await;
        let phone = f.phone(1, Window::ALL).await;
        let (item, _) = add_mail(&f, &phone, "c1", "mine").await;
        for text in ["mine, edited", "mine"] {
            let (again, _) = add_mail(&f, &phone, "c1", text).await;
            assert_eq!((again, subject(&f.row(item).await)), (item, text.into()));
        }
    });
}

#[test]
fn new_commands_in_a_repetition_are_carried_out() {
    block_on(async {
        let f = Fixture::new(FolderId::DRAFTS).await;
        f.mail("theirs", 0).await;
        let mut phone = Phone::new(1);
        f.sync(&mut phone, 9).await;
        let (_, lost) = add_mail(&f, &phone, "c1", "one").await;
        assert_eq!(lost.changes.len(), 1);
        let (two, answer) = add_mail(&f, &phone, "c2", "three").await;
        assert_ne!(answer.key, lost.key);
        phone.has.insert(two.0, "three".into());
        let mut said = phone.take(answer.key, &answer.changes);
        said.sort();
        assert_eq!(said, ["+one", "+theirs"]);
        assert_eq!(f.sync(&mut phone, 9).await, Vec::<String>::new());
        assert_eq!(phone.has.len(), 3);
    });
}

#[test]
fn own_changes_are_not_echoed_but_reach_the_others() {
    block_on(async {
        let f = Fixture::new(FolderId::INBOX).await;
        let a = f.mail("a", 1).await;
        let mut one = f.phone(1, Window::ALL).await;
        let mut two = f.phone(2, Window::ALL).await;
        let mut round = f.round(&one).await;
        let row = round.item(a).await.unwrap().unwrap();
        assert!(!round.conflicts(&row).await.unwrap());
        round
            .change(&row, &renamed(&row, "a2"), 1, 0)
            .await
            .unwrap();
        let answer = finish(round, 9).await.unwrap();
        assert!(answer.changes.is_empty() && !answer.more);
        one.take(answer.key, &[]);
        assert_eq!(f.sync(&mut one, 9).await, Vec::<String>::new());
        assert_eq!(f.watch(&one).await, Watched::Unchanged);
        assert_eq!(f.sync(&mut two, 9).await, ["=a2"]);
        // The first one deletes; the second does not see it come back.
        let mut round = f.round(&one).await;
        let row = round.item(a).await.unwrap().unwrap();
        round.delete(&row, None, 1).await.unwrap();
        one.key = finish(round, 9).await.unwrap().key;
        assert_eq!(f.sync(&mut one, 9).await, Vec::<String>::new());
        assert_eq!(f.sync(&mut two, 9).await, ["-a2"]);
    });
}

#[test]
fn a_conflict_is_seen_and_who_wins_is_told_to_the_loser() {
    block_on(async {
        let f = Fixture::new(FolderId::INBOX).await;
        let a = f.mail("a", 1).await;
        let mut phone = f.phone(1, Window::ALL).await;

        // The server's version stays: the refused change is answered, and theirs follows.
        f.rename(a, "theirs").await;
        let mut round = f.round(&phone).await;
        let row = round.item(a).await.unwrap().unwrap();
        assert!(round.conflicts(&row).await.unwrap());
        round.refuse(Command::Change(a), 7, 0);
        let answer = finish(round, 9).await.unwrap();
        assert_eq!(phone.take(answer.key, &answer.changes), ["=theirs"]);

        // The client's version replaces it: what the store has then is told, too.
        f.rename(a, "theirs again").await;
        let mut round = f.round(&phone).await;
        let row = round.item(a).await.unwrap().unwrap();
        round
            .change(&row, &renamed(&row, "mine"), 1, 0)
            .await
            .unwrap();
        let answer = finish(round, 9).await.unwrap();
        assert!(answer.changes.is_empty() && answer.more);
        phone.take(answer.key, &[]);
        assert_eq!(f.sync(&mut phone, 9).await, ["=mine"]);
    });
}

#[test]
fn of_two_crossing_requests_one_is_computed_again() {
    block_on(async {
        let f = Fixture::new(FolderId::INBOX).await;
        f.mail("a", 1).await;
        let mut phone = Phone::new(1);
        f.sync(&mut phone, 9).await;
        let (mut one, mut two) = (f.round(&phone).await, f.round(&phone).await);
        let said_one = one.next().await.unwrap().unwrap();
        two.next().await.unwrap().unwrap();
        let key = one.finish().await.unwrap().key;
        assert_eq!(two.finish().await, Err(Error::Conflict));
        let again = f.ask(&phone, None, 9).await;
        assert_eq!((again.key, again.changes.len()), (key, 1));
        assert_eq!(phone.take(key, &[said_one]), ["+a"]);
    });
}

#[test]
fn two_hundred_large_commands_go_through() {
    block_on(async {
        let f = Fixture::new(FolderId::DRAFTS).await;
        let mut phone = f.phone(1, Window::ALL).await;
        let large = "x".repeat(15_000);
        let mut round = f.round(&phone).await;
        let mut record = mail("large", NEW_YEAR_MS);
        record.text_head.clone_from(&large);
        for n in 0..200_u64 {
            let record = Record::Message(record.clone());
            let item = round.add(&format!("c{n}"), &record, 1, n).await.unwrap();
            phone.has.insert(item.0, "large".into());
        }
        let lost = finish(round, 9).await.unwrap();
        assert!(lost.changes.is_empty());
        // All of them again after a lost answer: the same outcomes.
        let mut round = f.round(&phone).await;
        for n in 0..200_u64 {
            let recorded = round.recorded(&add(&format!("c{n}")), n);
            assert!(matches!(recorded, Recorded::Same(_)), "{n}");
        }
        let answer = finish(round, 9).await.unwrap();
        assert_eq!((answer.key, answer.changes.len()), (lost.key, 0));
        phone.take(answer.key, &[]);
        assert_eq!(f.sync(&mut phone, 9).await, Vec::<String>::new());
        assert_eq!(f.mailbox.count_items(f.scope, f.folder, 999).await, Ok(200));
    });
}

#[test]
fn estimates_count_what_would_come() {
    block_on(async {
        let f = Fixture::new(FolderId::INBOX).await;
        for n in 0..30 {
            f.mail(&n.to_string(), n).await;
        }
        let mut phone = Phone::new(1);
        f.sync(&mut phone, 9).await;
        let estimate = async |key, max| {
            let count = f
                .mailbox
                .estimate(f.scope, DeviceNo(1), f.folder, key, None, max);
            count.await.unwrap()
        };
        assert_eq!(estimate(phone.key, 999).await, Some(30));
        assert_eq!(estimate(phone.key, 7).await, Some(7));
        assert_eq!(estimate(phone.key + 5, 7).await, None);
        f.sync(&mut phone, 20).await;
        f.mail("new", 0).await;
        assert_eq!(estimate(phone.key, 999).await, Some(11));
        // The key before: what the lost answer brought, and the rest.
        assert_eq!(estimate(phone.key - 1, 999).await, Some(31));
    });
}

#[test]
fn options_stay_until_they_are_replaced() {
    block_on(async {
        let f = Fixture::new(FolderId::INBOX).await;
        let phone = f.phone(1, Window::ALL).await;
        let mut round = f.round(&phone).await;
        round.set_options(b"sticky".to_vec()).unwrap();
        assert_eq!(round.finish().await.unwrap().key, phone.key);
        assert_eq!(f.round(&phone).await.options(), b"sticky");
        let key = f.mailbox.current_key(f.scope, DeviceNo(1), f.folder).await;
        assert_eq!(key.unwrap(), Some((phone.key, b"sticky".to_vec())));
        assert!(f.round(&Phone::new(1)).await.options().is_empty());
        let mut round = f.round(&phone).await;
        let most = round::OPTIONS_BYTES_MAX;
        assert_eq!(round.set_options(vec![0; most + 1]), Err(Error::TooLarge));
        assert_eq!(round.set_options(vec![0; most]), Ok(()));
    });
}

#[test]
fn folders_are_told_once_and_parents_come_first() {
    block_on(async {
        let f = Fixture::new(FolderId::ROOT).await;
        let (mailbox, scope) = (&f.mailbox, f.scope);
        let top = mailbox.create_folder(scope, FolderId::ROOT, "top", FolderKind::UserMail);
        let top = top.await.unwrap();
        let sub = mailbox.create_folder(scope, FolderId::ROOT, "sub", FolderKind::UserMail);
        let sub = sub.await.unwrap();
        let late = mailbox.create_folder(scope, FolderId::ROOT, "late", FolderKind::UserMail);
        let late = late.await.unwrap();
        mailbox
            .update_folder(scope, top, late, "top")
            .await
            .unwrap();
        mailbox.update_folder(scope, sub, top, "sub").await.unwrap();

        let ask = async |key| {
            let round = mailbox.folder_sync(scope, DeviceNo(1), key).await.unwrap();
            let mut round = round.expect("the key is known");
            let changes = round.changes();
            (round.finish().await.unwrap().key, changes)
        };
        let (key, all) = ask(0).await;
        assert_eq!(all.len(), 12);
        let at = |id: FolderId| {
            let is = |c: &FolderChange| matches!(c, FolderChange::Add(row) if row.id == id);
            all.iter().position(is).unwrap()
        };
        assert!(at(late) < at(top) && at(top) < at(sub));
        assert_eq!(ask(0).await.0, key, "key 0 twice is the same as once");
        assert_eq!(ask(key).await, (key, vec![]));

        mailbox
            .update_folder(scope, sub, FolderId::ROOT, "renamed")
            .await
            .unwrap();
        mailbox.delete_folder(scope, late).await.unwrap();
        let (next, changes) = ask(key).await;
        let kinds: Vec<_> = changes
            .iter()
            .map(|change| match change {
                FolderChange::Add(row) => ("add", row.id),
                FolderChange::Update(row) => ("update", row.id),
                FolderChange::Delete(id) => ("delete", *id),
            })
            .collect();
        // The youngest first.
        let expect = [("update", sub), ("delete", late), ("delete", top)];
        assert_eq!(kinds, expect);
        // The answer was lost.
        assert_eq!(ask(key).await, (next, changes));
        assert_eq!(ask(next).await, (next, vec![]));
    });
}

#[test]
fn own_folders_are_not_echoed_and_a_repeated_creation_makes_one() {
    block_on(async {
        let f = Fixture::new(FolderId::ROOT).await;
        let ask = async |device, key| {
            let round = f.mailbox.folder_sync(f.scope, DeviceNo(device), key).await;
            let mut round = round.unwrap().expect("the key is known");
            let changes = round.changes();
            (round.finish().await.unwrap().key, changes)
        };
        let create = async |key| {
            let round = f.mailbox.folder_sync(f.scope, DeviceNo(1), key).await;
            let mut round = round.unwrap().expect("the key is known");
            let id = match round.recorded(&add("0/own"), 0) {
                Recorded::New => {
                    let kind = FolderKind::UserMail;
                    let id = round.create(add("0/own"), FolderId::ROOT, "own", kind);
                    id.await.unwrap()
                }
                Recorded::Same(outcome) | Recorded::Differs(outcome) => {
                    FolderId(outcome.item.unwrap().0)
                }
            };
            (round.finish().await.unwrap().key, id)
        };
        let (key, _) = ask(1, 0).await;
        let (other, _) = ask(2, 0).await;
        let first = create(key).await;
        assert_eq!(create(key).await, first);
        assert_eq!(ask(1, first.0).await, (first.0, vec![]));
        assert_eq!(ask(2, other).await.1.len(), 1);
        let ids = f.mailbox.folders(f.scope).await.unwrap();
        assert_eq!(ids.len(), 10);
    });
}

#[test]
fn what_can_be_looked_for_again_is_not_kept_at_any_price() {
    block_on(async {
        let f = Fixture::new(FolderId::INBOX).await;
        let begin = f.mailbox.sync(f.scope, DeviceNo(1), f.folder, 0).await;
        let key = begin.unwrap().unwrap().finish().await.unwrap().key;
        let Store::Memory(memory) = f.mailbox.store().clone() else {
            panic!("another engine")
        };
        memory.inject(FaultPlan::random(
            1,
            Rates {
                full: 1_000,
                ..Rates::default()
            },
        ));
        // That the folder was looked through would be worth a row; that it is empty can be told.
        let round = f.mailbox.sync(f.scope, DeviceNo(1), f.folder, key).await;
        let mut round = round.unwrap().unwrap();
        assert!(round.next().await.unwrap().is_none());
        assert!(!round.more().await.unwrap());
        let finished = round.finish().await.unwrap();
        assert_eq!((finished.key, finished.unchanged), (key, true));
        // Other options are another matter: the client relies on them.
        let round = f.mailbox.sync(f.scope, DeviceNo(1), f.folder, key).await;
        let mut round = round.unwrap().unwrap();
        round.set_options(b"other".to_vec()).unwrap();
        assert_eq!(round.finish().await.err(), Some(Error::Busy));
    });
}
