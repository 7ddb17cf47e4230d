//! Repetitions between which something else happened. Each of these was found by the simulation
//! (`tests/sim`) as a phone that missed something or was told it twice.

use super::*;

/// Adds an item as a phone does, or finds that it did.
async fn add_once(round: &mut Round, client_id: &str, n: u64) -> ItemId {
    match round.recorded(&add(client_id), n) {
        Recorded::New => {
            let record = Record::Message(mail(client_id, NEW_YEAR_MS));
            round.add(client_id, &record, 1, n).await.unwrap()
        }
        Recorded::Same(outcome) | Recorded::Differs(outcome) => outcome.item.unwrap(),
    }
}

#[test]
fn commands_are_settled_though_a_shorter_request_came_in_between() {
    block_on(async {
        let f = Fixture::new(FolderId::DRAFTS).await;
        let mut phone = f.phone(1, Window::ALL).await;
        let both = async || {
            let mut round = f.round(&phone).await;
            let items = (
                add_once(&mut round, "c1", 1).await,
                add_once(&mut round, "c2", 2).await,
            );
            (finish(round, 9).await.unwrap(), items)
        };
        let (lost, items) = both().await;
        assert!(lost.changes.is_empty());
        // An older request without them arrives late: it is told of one of the two.
        let late = f.ask(&phone, None, 1).await;
        assert_eq!((late.changes.len(), late.more), (1, true));
        let (answer, again) = both().await;
        assert_eq!(again, items);
        assert_ne!(answer.key, late.key, "that key names one item");
        for item in [items.0, items.1] {
            phone.has.insert(item.0, subject(&f.row(item).await));
        }
        phone.take(answer.key, &answer.changes);
        // Nothing is added that is there: at most it is told again as a change.
        let more = f.sync(&mut phone, 9).await;
        assert!(more.iter().all(|said| said.starts_with('=')), "{more:?}");
        assert_eq!(f.watch(&phone).await, Watched::Unchanged);
    });
}

#[test]
fn what_a_shortened_repetition_still_owes_is_a_conflict() {
    block_on(async {
        let f = Fixture::new(FolderId::INBOX).await;
        let (a, b) = (f.mail("a", 1).await, f.mail("b", 2).await);
        let mut phone = f.phone(1, Window::ALL).await;
        f.rename(a, "A").await;
        f.rename(b, "B").await;
        let lost = f.ask(&phone, None, 9).await;
        assert_eq!(lost.changes.len(), 2);
        let told = f.sync(&mut phone, 1).await;
        let owed = if told == ["=A"] { b } else { a };
        let round = f.round(&phone).await;
        assert_eq!(round.conflicts(&f.row(owed).await).await, Ok(true));
    });
}

/// A request about folders by a device.
async fn ask(f: &Fixture, key: u64) -> (u64, Vec<FolderChange>) {
    let round = f.mailbox.folder_sync(f.scope, DeviceNo(1), key).await;
    let mut round = round.unwrap().expect("the key is known");
    let changes = round.changes();
    (round.finish().await.unwrap().key, changes)
}

/// A FolderDelete by a device; the key that it is answered with.
async fn delete(f: &Fixture, key: u64, id: FolderId) -> u64 {
    let round = f.mailbox.folder_sync(f.scope, DeviceNo(1), key).await;
    let mut round = round.unwrap().expect("the key is known");
    let command = Command::Delete(ItemId(id.0));
    if round.recorded(&command, 0) == Recorded::New {
        round.delete(id).await.unwrap();
    }
    round.finish().await.unwrap().key
}

async fn folder(f: &Fixture, name: &str) -> FolderId {
    let (scope, kind) = (f.scope, FolderKind::UserMail);
    let id = f.mailbox.create_folder(scope, FolderId::ROOT, name, kind);
    id.await.unwrap()
}

#[test]
fn a_repeated_folder_command_has_its_key_whatever_others_do() {
    block_on(async {
        let f = Fixture::new(FolderId::ROOT).await;
        let own = folder(&f, "own").await;
        let (key, _) = ask(&f, 0).await;
        let first = delete(&f, key, own).await;
        let theirs = folder(&f, "theirs").await;
        assert_eq!(delete(&f, key, own).await, first);
        // The news comes with the next FolderSync.
        let (_, changes) = ask(&f, first).await;
        let is_new = |c: &FolderChange| matches!(c, FolderChange::Add(row) if row.id == theirs);
        assert!(changes.len() == 1 && changes.iter().all(is_new));
    });
}

#[test]
fn a_repeated_deletion_does_not_hide_those_of_others() {
    block_on(async {
        let f = Fixture::new(FolderId::ROOT).await;
        let (own, theirs) = (folder(&f, "own").await, folder(&f, "theirs").await);
        let (key, _) = ask(&f, 0).await;
        f.mailbox.delete_folder(f.scope, theirs).await.unwrap();
        let first = delete(&f, key, own).await;
        assert_eq!(delete(&f, key, own).await, first);
        let (_, changes) = ask(&f, first).await;
        assert_eq!(changes, [FolderChange::Delete(theirs)]);
    });
}

#[test]
fn a_folder_that_others_moved_under_a_deleted_one_is_told_to_be_gone() {
    block_on(async {
        let f = Fixture::new(FolderId::ROOT).await;
        let (own, theirs) = (folder(&f, "own").await, folder(&f, "theirs").await);
        let (key, _) = ask(&f, 0).await;
        // The phone has it at the top still.
        let moved = f.mailbox.update_folder(f.scope, theirs, own, "theirs");
        moved.await.unwrap();
        let key = delete(&f, key, own).await;
        let (_, changes) = ask(&f, key).await;
        assert_eq!(changes, [FolderChange::Delete(theirs)]);
    });
}

#[test]
fn a_folder_that_others_moved_out_of_a_deleted_one_is_given_anew() {
    block_on(async {
        let f = Fixture::new(FolderId::ROOT).await;
        let (own, theirs) = (folder(&f, "own").await, folder(&f, "theirs").await);
        let (scope, mail) = (f.scope, FolderKind::UserMail);
        let moved = f.mailbox.update_folder(scope, theirs, own, "theirs");
        moved.await.unwrap();
        let below = f.mailbox.create_folder(scope, theirs, "below", mail);
        let below = below.await.unwrap();
        let (key, _) = ask(&f, 0).await;
        let out = f
            .mailbox
            .update_folder(scope, theirs, FolderId::ROOT, "theirs");
        out.await.unwrap();
        // With it goes on the phone what lay below it there.
        let key = delete(&f, key, own).await;
        let (next, changes) = ask(&f, key).await;
        let told = |changes: &[FolderChange]| {
            let name = |change: &FolderChange| match change {
                FolderChange::Add(row) => format!("+{}", row.id),
                FolderChange::Update(row) => format!("={}", row.id),
                FolderChange::Delete(id) => format!("-{id}"),
            };
            changes.iter().map(name).collect::<Vec<_>>()
        };
        let expect = [theirs, below].map(|id| [format!("-{id}"), format!("+{id}")]);
        assert_eq!(told(&changes), expect.concat());
        // The answer was lost.
        let (again, changes) = ask(&f, key).await;
        assert_eq!((again, told(&changes)), (next, expect.concat()));
        let (last, changes) = ask(&f, next).await;
        assert!(changes.is_empty());
        assert_eq!(ask(&f, last).await, (last, Vec::new()));
    });
}

/// A renaming whose answer was lost and that comes again with another name is another renaming.
#[test]
fn a_folder_is_renamed_again_where_the_repetition_names_it_otherwise() {
    block_on(async {
        let f = Fixture::new(FolderId::ROOT).await;
        let (key, _) = ask(&f, 0).await;
        let id = FolderId::INBOX;
        let kind = FolderKind::UserMail;
        let own = f.mailbox.create_folder(f.scope, id, "one", kind);
        let own = own.await.unwrap();
        let (key, _) = ask(&f, key).await;
        let command = Command::Change(ItemId(own.0));
        let rename = async |name: &str, print: u64| {
            let round = f.mailbox.folder_sync(f.scope, DeviceNo(1), key).await;
            let mut round = round.unwrap().expect("the key is known");
            let recorded = round.recorded(&command, print);
            if !matches!(recorded, Recorded::Same(_)) {
                round.update(own, id, name, print).unwrap();
            }
            round.finish().await.unwrap();
            let row = f.mailbox.folder(f.scope, own).await.unwrap();
            (recorded, row.folder.name)
        };
        assert_eq!(rename("two", 2).await, (Recorded::New, "two".to_owned()));
        let (recorded, name) = rename("two", 2).await;
        assert!(matches!(recorded, Recorded::Same(_)) && name == "two");
        let (recorded, name) = rename("three", 3).await;
        assert!(matches!(recorded, Recorded::Differs(_)) && name == "three");
    });
}

/// Nobody has changed anything, and still there is something to fetch.
#[test]
fn what_is_owed_alone_wakes_the_device() {
    block_on(async {
        let f = Fixture::new(FolderId::INBOX).await;
        let item = f.mail("a", 1).await;
        let mut phone = f.phone(1, Window::ALL).await;
        assert_eq!(f.watch(&phone).await, Watched::Unchanged);
        let mut round = f.round(&phone).await;
        round.echo(item);
        let full = finish(round, 0).await.unwrap();
        assert!(full.more);
        phone.key = full.key;
        assert_eq!(f.watch(&phone).await, Watched::Changed);
        assert_eq!(f.sync(&mut phone, 9).await, ["=a"]);
        assert_eq!(f.watch(&phone).await, Watched::Unchanged);
    });
}
