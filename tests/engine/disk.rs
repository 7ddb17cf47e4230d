//! What the engine on disk does besides: it survives being closed, is opened by one process only,
//! notices when it has lost something, and stops before the disk is full.

use std::fs;
use std::task::{Context, Waker};

use roost::store::{BlobId, CommitError, Error, Fjall, OpenError, Options, keys};

use crate::kit::{A, B, Folder, batch, get, options, value, wait};

#[test]
fn everything_is_there_after_reopening() {
    let folder = Folder::new();
    let large = vec![5; 3 << 20];
    let store = folder.open();
    batch(A)
        .id(3)
        .put(keys::folder(A, 2), b"inbox")
        .log(2, 1, 0)
        .seq(&store);
    batch(A).put(keys::folder(A, 3), b"drafts").seq(&store);
    let id = wait(store.put_blob(&large)).unwrap();
    drop(store);

    let store = folder.open();
    let row = get(&store, &keys::folder(A, 2)).unwrap();
    assert_eq!((row.version, row.value()), (1, &b"inbox"[..]));
    assert!(wait(store.get_blob(id, 0..u64::MAX)).unwrap()[..] == large);
    assert_eq!(batch(A).id(3).seq(&store), 1, "a batch is still recognised");
    assert_eq!(batch(A).seq(&store), 3);
    assert_eq!(batch(B).seq(&store), 1);
}

#[test]
fn what_is_queued_is_written_even_if_nobody_waits_for_it() {
    let folder = Folder::new();
    let store = folder.open();
    for n in 0..8 {
        let put = batch(A).put(keys::folder(A, n), b"x").done();
        let mut commit = Box::pin(store.commit(put));
        // Queued by the first poll, then given up.
        let _ = commit
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
    }
    drop(store);
    let store = folder.open();
    assert!((0..8).all(|n| value(&store, &keys::folder(A, n)).is_some()));
}

#[test]
fn a_second_process_is_kept_out() {
    let folder = Folder::new();
    let store = folder.open();
    let second = Fjall::open(folder.path(), &options())
        .map(drop)
        .unwrap_err();
    assert!(matches!(second, OpenError::InUse(_)));
    assert!(second.to_string().contains("another process has the store"));
    drop(store);
    folder.open();
}

#[test]
fn a_store_behind_its_mark_is_refused_until_the_loss_is_accepted() {
    let folder = Folder::new();
    let store = folder.open();
    batch(A).put(keys::folder(A, 2), b"x").seq(&store);
    drop(store);
    // What a journal that was cut looks like: the mark is further than the rows.
    let mark = folder.path().join("commit-mark");
    let text = fs::read_to_string(&mark).unwrap();
    assert!(text.ends_with("\n1\n"), "closing writes the mark");
    fs::write(&mark, text.replace("\n1\n", "\n7\n")).unwrap();

    let refused = Fjall::open(folder.path(), &options())
        .map(drop)
        .unwrap_err();
    assert!(matches!(
        refused,
        OpenError::Lost {
            found: 1,
            mark: 7,
            ..
        }
    ));
    assert!(refused.to_string().contains("Restore a backup"));
    let accept = Options {
        accept_loss: true,
        ..options()
    };
    drop(Fjall::open(folder.path(), &accept).unwrap());
    let store = folder.open();
    assert!(value(&store, &keys::folder(A, 2)).is_some());
}

#[test]
fn a_lost_database_is_not_mistaken_for_a_new_one() {
    let folder = Folder::new();
    batch(A).seq(&folder.open());
    fs::remove_dir_all(folder.path().join("db")).unwrap();
    let refused = Fjall::open(folder.path(), &options())
        .map(drop)
        .unwrap_err();
    assert!(matches!(
        refused,
        OpenError::Lost {
            found: 0,
            mark: 1,
            ..
        }
    ));
}

#[test]
fn a_cut_journal_is_noticed() {
    let folder = Folder::new();
    let store = folder.open();
    for n in 0..20 {
        batch(A).put(keys::folder(A, n), &[1; 500]).seq(&store);
    }
    drop(store);
    let journal = fs::read_dir(folder.path().join("db")).unwrap();
    let journal = journal.map(|entry| entry.unwrap().path());
    let journal = journal.filter(|path| path.extension().is_some_and(|ext| ext == "jnl"));
    let journal = journal
        .max_by_key(|path| fs::metadata(path).unwrap().len())
        .unwrap();
    let mut bytes = fs::read(&journal).unwrap();
    bytes[6_000] ^= 1;
    fs::write(&journal, bytes).unwrap();
    let refused = Fjall::open(folder.path(), &options())
        .map(drop)
        .unwrap_err();
    assert!(matches!(
        refused,
        OpenError::Lost { mark: 20, .. } | OpenError::Engine(..)
    ));
}

#[test]
fn a_creation_that_was_interrupted_is_begun_again() {
    let folder = Folder::new();
    let unborn = folder.path().join("db.new");
    fs::create_dir_all(unborn.join("keyspaces")).unwrap();
    fs::write(unborn.join("0.jnl"), b"").unwrap();
    batch(A).seq(&folder.open());
    assert!(!unborn.exists());
}

#[test]
fn a_disk_without_reserve_takes_no_writes_and_answers_reads() {
    let folder = Folder::new();
    batch(A).put(keys::folder(A, 2), b"x").seq(&folder.open());
    let full = Options {
        reserve_bytes: u64::MAX,
        ..options()
    };
    let store = Fjall::open(folder.path(), &full).unwrap();
    assert_eq!(batch(A).commit(&store), Err(CommitError::Full));
    assert_eq!(wait(store.put_blob(b"mail")), Err(Error::Full));
    assert!(value(&store, &keys::folder(A, 2)).is_some());
    let missing = wait(store.get_blob(BlobId::of(b"mail"), 0..9));
    assert_eq!(missing, Err(Error::NoBlob));
    assert!(store.poisoned().try_recv().is_err());
}

#[test]
fn waiting_batches_share_a_sync() {
    let folder = Folder::new();
    let store = folder.open();
    std::thread::scope(|scope| {
        for n in 0..16 {
            let store = &store;
            scope.spawn(move || {
                for item in 0..20 {
                    batch(A).put(keys::item(A, n, item), b"x").seq(store);
                }
            });
        }
    });
    assert!(
        store.syncs() < 320,
        "{} syncs for 320 commits",
        store.syncs()
    );
}

#[test]
fn a_blob_with_its_batch_costs_one_sync_and_a_known_blob_none() {
    let folder = Folder::new();
    let store = folder.open();
    let mut before = store.syncs();
    let mut cost = || {
        let cost = store.syncs() - before;
        before += cost;
        cost
    };
    let both = batch(A).put(keys::folder(A, 1), b"x").done();
    wait(store.commit_with_blob(both, b"one mail")).unwrap();
    assert_eq!(cost(), 1);
    wait(store.put_blob(b"another mail")).unwrap();
    batch(A).put(keys::folder(A, 2), b"x").seq(&store);
    assert_eq!(cost(), 2);
    wait(store.put_blob(b"one mail")).unwrap();
    assert_eq!(cost(), 0);
}
