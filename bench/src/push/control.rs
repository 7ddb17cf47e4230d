//! What a server under test is told on its standard input, and says on its standard output: the same
//! for both kinds.
//!
//! `commit A B`: something new in the Inbox of the users A to B-1, each a durable commit, many of
//! them outstanding at a time; said is `durable`, for each the user and the nanosecond, and how long all took.
//! `storm A B`: the same is told, though nothing was committed: the push alone, in groups as large as
//! the committer's largest. Said is `storm` and when that began. `counters`: what the server counts. `quit`, or the end of the input.

use crate::must;
use crate::push::sys::now_ns;
use roost::limits::COMMIT_GROUP_MAX;
use roost::mailbox::FolderId;
use roost::store::{Batch, Hint, Scope, Store, Wake, Write, keys};
use roost::work::{block_on, join_all};
use std::collections::HashMap;
use std::io::{BufRead as _, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long nothing is said after commits: what is measured is over by then.
const UNDISTURBED: Duration = Duration::from_millis(2);
/// Commits that are outstanding at a time.
const OUTSTANDING: usize = 512;
/// Which allocator's row is written: none that the appliance uses.
const COUNTER: u32 = 99;

/// When commits became durable, by account.
pub type Stamps = Arc<Mutex<Vec<(Scope, u64)>>>;

/// Stamps every commit from now on. Call it before anybody else listens.
#[must_use]
pub fn stamp(store: &Store) -> Stamps {
    let stamps = Stamps::default();
    let of_listener = Arc::clone(&stamps);
    store.listen(Box::new(move |wakes| {
        let now = now_ns();
        let mut stamps = of_listener.lock().unwrap_or_else(PoisonError::into_inner);
        for wake in wakes {
            if let Wake::Moved { scope, .. } = wake {
                stamps.push((*scope, now));
            }
        }
    }));
    stamps
}

/// Does what it is told until it is told to quit. `scopes` are the accounts of the users by number.
#[expect(clippy::print_stdout, reason = "what it says goes to who drives it")]
pub fn serve(
    store: &Store,
    stamps: &Stamps,
    scopes: &[Scope],
    storm: impl Fn(&[Wake]),
    counters: impl Fn() -> Vec<(&'static str, u64)>,
) {
    let numbers: HashMap<Scope, usize> = scopes.iter().copied().zip(0..).collect();
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let took_ns;
        let words: Vec<&str> = line.split(' ').collect();
        let number = |n: usize| -> usize { words.get(n).and_then(|w| w.parse().ok()).unwrap_or(0) };
        match words.first().copied() {
            Some("commit") => {
                let some = scopes.get(number(1)..number(2)).unwrap_or_default();
                let begun = now_ns();
                commit(store, some);
                took_ns = now_ns() - begun;
                wait_for(stamps, some.len());
                // Whoever reads what is said below would take the core before those who answer.
                std::thread::park_timeout(UNDISTURBED);
            }
            Some("storm") => {
                let some = scopes.get(number(1)..number(2)).unwrap_or_default();
                let wakes: Vec<Wake> = some.iter().map(|scope| news(*scope)).collect();
                println!("storm {}", now_ns());
                for group in wakes.chunks(COMMIT_GROUP_MAX) {
                    storm(group);
                    // The committer's next group takes an fsync. All in one breath would be more
                    // than a core's box holds, and become a gap: everybody looks, and finds nothing.
                    std::thread::park_timeout(Duration::from_millis(1));
                }
                continue;
            }
            Some("counters") => {
                let all: Vec<_> = counters()
                    .iter()
                    .map(|(name, n)| format!("{name}={n}"))
                    .collect();
                println!("counters {}", all.join(" "));
                continue;
            }
            _ => return,
        }
        let taken = std::mem::take(&mut *stamps.lock().unwrap_or_else(PoisonError::into_inner));
        let told: Vec<_> = taken
            .iter()
            .filter_map(|(scope, ns)| Some(format!("{}:{ns}", numbers.get(scope)?)))
            .collect();
        println!("durable {} took={took_ns}", told.join(" "));
        let _ = std::io::stdout().flush();
    }
}

/// What is told of a commit like those below.
fn news(scope: Scope) -> Wake {
    Wake::Moved {
        scope,
        seq: 1,
        hints: [hint()].into(),
    }
}

fn hint() -> Hint {
    Hint {
        folder: FolderId::INBOX.0,
        device: 0,
    }
}

/// A commit is answered before it is told: waits for the stamps of all.
fn wait_for(stamps: &Stamps, count: usize) {
    for _ in 0..10_000 {
        if stamps.lock().unwrap_or_else(PoisonError::into_inner).len() >= count {
            return;
        }
        std::thread::park_timeout(Duration::from_micros(200));
    }
}

/// Something new for each of these, without an item: a phone finds nothing when it looks, so that it
/// can wait again at once.
fn commit(store: &Store, scopes: &[Scope]) {
    for some in scopes.chunks(OUTSTANDING) {
        let commits = some.iter().map(|scope| {
            let mut batch = Batch::new(*scope);
            let row = keys::counter(*scope, COUNTER);
            batch.writes = vec![Write::Put(row, now_ns().to_be_bytes().to_vec())];
            batch.tell = vec![hint()];
            store.commit(batch)
        });
        for done in block_on(join_all(commits)) {
            let _ = must(done);
        }
    }
}
