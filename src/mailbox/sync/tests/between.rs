//! What others do while a request is being computed: on a store whose reads take their time.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::task::{Context, Poll, Wake, Waker};

use super::*;
use crate::clock::Clock;
use crate::store::Options;
use crate::work;

struct Told(Sender<()>);

impl Wake for Told {
    fn wake(self: Arc<Self>) {
        let _ = self.0.send(());
    }
}

/// Drives a future; calls `between` once it has waited so often, if it does.
fn with_pauses<T>(future: impl Future<Output = T>, pauses: usize, between: impl FnOnce()) -> T {
    let (told, hears): (_, Receiver<()>) = mpsc::channel();
    let waker = Waker::from(Arc::new(Told(told)));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    let mut between = Some(between);
    for n in 0.. {
        if n == pauses
            && let Some(between) = between.take()
        {
            between();
        }
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        hears.recv().unwrap();
    }
    unreachable!()
}

/// A folder that comes while a FolderSync reads: its answer tells of it, or the next will, and whoever
/// waits for the hierarchy hears of it.
#[test]
fn a_folder_that_comes_during_a_folder_sync_is_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let open = || {
        let options = Options {
            reserve_bytes: 0,
            ..Options::default()
        };
        let store = Store::open(folder.path(), &options).unwrap();
        Mailbox::new(store, Clock::manual(NEW_YEAR_MS), true)
    };
    let scope = work::block_on(open().add_account(&account("anna"))).unwrap();
    let device = DeviceNo(1);
    let mut pauses = 0;
    loop {
        // Opened anew, so that its reads are cold.
        let mailbox = open();
        let ask = async |key| {
            let round = mailbox.folder_sync(scope, device, key).await.unwrap();
            let mut round = round.expect("the key is known");
            let told = round.changes();
            (round.finish().await.unwrap().key, told)
        };
        let name = format!("between {pauses}");
        let mut came = None;
        let (key, told) = with_pauses(ask(0), pauses, || {
            let created = mailbox.create_folder(scope, FolderId::ROOT, &name, FolderKind::UserMail);
            came = Some(work::block_on(created).unwrap());
        });
        let Some(came) = came else {
            assert!(pauses > 1, "nothing was ever read");
            return;
        };
        let is_told = |told: &[FolderChange]| {
            let is = |c: &FolderChange| matches!(c, FolderChange::Add(row) if row.id == came);
            told.iter().any(is)
        };
        if !is_told(&told) {
            let watched = work::block_on(mailbox.watch(scope, device, FolderId::ROOT));
            assert_eq!(watched, Ok(Watched::Changed), "after {pauses} pauses");
            assert!(is_told(&work::block_on(ask(key)).1));
        }
        pauses += 1;
    }
}
