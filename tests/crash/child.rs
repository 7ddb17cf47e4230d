//! The process that is killed: deliveries and syncs in two accounts, from several threads.
//!
//! Every commit has exactly one change-log entry, and entries are never removed, so that the log
//! of an account has every number from 1 to its head.

use std::io::Write as _;
use std::path::Path;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use roost::store::{Batch, BlobId, CommitError, Hint, LogEntry, OpenError, Options, Scope, Store};
use roost::store::{Condition, Write, keys};
use roost::work::block_on;

/// Tells the child where the store is.
pub(crate) const FOLDER: &str = "ROOST_CRASH_FOLDER";
/// Tells the child which run it is.
pub(crate) const ROUND: &str = "ROOST_CRASH_ROUND";
/// Tells the child after how many acknowledgements it ends; it is told nothing where it is killed.
pub(crate) const ENDS_AFTER: &str = "ROOST_CRASH_ENDS_AFTER";
/// Tells the child how small the tables are that it makes.
pub(crate) const MEMTABLE: &str = "ROOST_CRASH_MEMTABLE";
/// The accounts.
pub(crate) const SCOPES: [Scope; 2] = [Scope(16), Scope(17)];
/// The folder that mail is delivered to.
pub(crate) const INBOX: u32 = 2;
/// What the change log files syncs under.
pub(crate) const SYNCS: u32 = 3;
/// The device that syncs.
pub(crate) const DEVICE: u32 = 1;
/// From this run on all messages are large, and nothing in them repeats.
pub(crate) const LARGE: u64 = 1_024;
/// Threads that deliver, for each account.
const DELIVERERS: u32 = 3;

/// What the child says: something is durable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ack {
    /// An item was delivered by the commit of this number.
    Delivered { scope: Scope, item: u32, seq: u64 },
    /// The device has so many syncs behind it.
    Synced { scope: Scope, count: u64, seq: u64 },
}

impl Ack {
    fn say(self) {
        let (word, scope, what, seq) = match self {
            Self::Delivered { scope, item, seq } => ("delivered", scope, u64::from(item), seq),
            Self::Synced { scope, count, seq } => ("synced", scope, count, seq),
        };
        say(&format!("{word} {} {what} {seq}", scope.0));
    }

    pub(crate) fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        // The harness may have begun the line.
        words.find(|word| word.ends_with("ack"))?;
        let kind = words.next()?;
        let mut number = || words.next()?.parse::<u64>().ok();
        let (scope, what, seq) = (Scope(number()?), number()?, number()?);
        (words.next()? == ".").then_some(())?;
        Some(match kind {
            "delivered" => Self::Delivered {
                scope,
                item: what as u32,
                seq,
            },
            "synced" => Self::Synced {
                scope,
                count: what,
                seq,
            },
            _ => return None,
        })
    }
}

/// Says that something is durable.
#[expect(
    clippy::disallowed_methods,
    reason = "it ends as by a kill, but leaves no core"
)]
pub(crate) fn say(what: &str) {
    // The full stop tells a whole line from the beginning of one.
    let mut out = std::io::stdout().lock();
    writeln!(out, "ack {what} .").unwrap();
    drop(out);
    if SAID.fetch_add(1, Ordering::Relaxed) + 1 == *LAST {
        // Nothing is closed.
        std::process::exit(9);
    }
}

/// A number that the child was told.
fn told(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|n| n.parse().unwrap())
}

static SAID: AtomicU64 = AtomicU64::new(0);
static LAST: LazyLock<u64> = LazyLock::new(|| told(ENDS_AFTER).unwrap_or(u64::MAX));

/// How the store is opened, here and where it is looked at.
pub(crate) fn options() -> Options {
    let plain = Options::default();
    Options {
        reserve_bytes: 0,
        memtable_bytes: told(MEMTABLE).unwrap_or(plain.memtable_bytes),
        ..plain
    }
}

/// Opens a store. Another test may start a process at this moment, which holds the lock of a store
/// that was just closed until it has become another program.
pub(crate) fn open(folder: &Path) -> Result<Store, OpenError> {
    for _ in 0..500 {
        match Store::open(folder, &options()) {
            Err(OpenError::InUse(_)) => std::thread::park_timeout(Duration::from_millis(10)),
            opened => return opened,
        }
    }
    Store::open(folder, &options())
}

/// Works until it is killed.
pub(crate) fn run(folder: &Path, round: u64) {
    let store = open(folder).unwrap();
    assert_eq!(work(&store, round), Vec::<String>::new());
}

/// Works until the store fails, which then has to have ended for everyone and for good.
pub(crate) fn run_to_failure(folder: &Path, round: u64) {
    let store = match open(folder) {
        Ok(store) => store,
        Err(e) => return println!("does not open: {e}"),
    };
    let poisoned = store.poisoned();
    let failures = work(&store, round);
    println!("failed: {failures:?}");
    assert_eq!(failures.len(), SCOPES.len() * (DELIVERERS as usize + 1));
    for scope in SCOPES {
        let again = block_on(store.commit(Batch::new(scope)));
        assert!(matches!(again, Err(CommitError::Poisoned(_))), "{again:?}");
        block_on(store.head(scope)).unwrap();
    }
    assert!(!poisoned.try_recv().unwrap().is_empty());
}

/// Delivers and syncs, each until it fails; how they failed.
fn work(store: &Store, round: u64) -> Vec<String> {
    std::thread::scope(|threads| {
        let mut workers = Vec::new();
        for scope in SCOPES {
            for n in 0..DELIVERERS {
                let first = (round as u32) << 19 | n << 16;
                workers.push(threads.spawn(move || deliver(store, scope, first)));
            }
            workers.push(threads.spawn(move || sync(store, scope)));
        }
        let ends = workers.into_iter().map(|worker| worker.join().unwrap());
        ends.filter_map(Result::err).collect()
    })
}

/// Delivers items, numbered upwards.
fn deliver(store: &Store, scope: Scope, first: u32) -> Result<(), String> {
    for item in first..first + 65_536 {
        let body = body(scope, item);
        let mut batch = Batch::new(scope);
        let key = keys::item(scope, INBOX, item);
        batch.conditions.push(Condition::Absent(key.clone()));
        let blob = BlobId::of(&body).0.to_vec();
        let date = keys::date(scope, INBOX, date(item), item);
        batch.writes = vec![Write::Put(key, blob), Write::Put(date, vec![0])];
        batch.log.push(entry(scope, INBOX, item));
        let done = if item.is_multiple_of(2) {
            block_on(store.put_blob(&body)).map_err(|e| e.to_string())?;
            block_on(store.commit(batch))
        } else {
            block_on(store.commit_with_blob(batch, &body))
        };
        let seq = done.map_err(|e| e.to_string())?.seq;
        Ack::Delivered { scope, item, seq }.say();
    }
    Ok(())
}

/// Moves the state of a device on, each time from what it was.
fn sync(store: &Store, scope: Scope) -> Result<(), String> {
    let key = keys::sync(scope, DEVICE, INBOX);
    loop {
        let row = block_on(store.get(&key)).map_err(|e| e.to_string())?;
        let count = row.as_ref().map_or(0, |row| number(row.value())) + 1;
        let mut batch = Batch::new(scope);
        batch.conditions.push(match row {
            Some(row) => Condition::Equals(key.clone(), row.version),
            None => Condition::Absent(key.clone()),
        });
        let state = [&count.to_be_bytes()[..], &[7; 300]].concat();
        batch.writes.push(Write::Put(key.clone(), state));
        batch.log.push(entry(scope, SYNCS, count as u32));
        match block_on(store.commit(batch)) {
            Ok(done) => Ack::Synced {
                scope,
                count,
                seq: done.seq,
            }
            .say(),
            Err(CommitError::Conflict) => {}
            Err(e) => return Err(e.to_string()),
        }
    }
}

fn entry(scope: Scope, folder: u32, item: u32) -> LogEntry {
    LogEntry {
        prefix: keys::change_prefix(scope, folder),
        suffix: keys::change_suffix(item),
        value: vec![1],
        hint: Hint { folder, device: 0 },
    }
}

/// The number in front of a sync state.
pub(crate) fn number(value: &[u8]) -> u64 {
    u64::from_be_bytes(value[..8].try_into().unwrap())
}

/// The date of an item.
pub(crate) fn date(item: u32) -> i64 {
    i64::from(item) * 1_000 - 5_000_000
}

/// The message of an item: a few kilobytes, some of them more than a chunk.
pub(crate) fn body(scope: Scope, item: u32) -> Vec<u8> {
    let seed = mix(scope.0 << 32 | u64::from(item));
    if u64::from(item >> 19) >= LARGE {
        let words = (0..190_000).map(|n| mix(seed ^ n).to_be_bytes());
        return words.flatten().collect();
    }
    let bytes = match seed % 300 {
        0 => 1_500_000,
        n => 30 * n as usize,
    };
    let blocks = 0..bytes.div_ceil(4_096) as u64;
    let mut body: Vec<u8> = blocks
        .flat_map(|n| mix(seed ^ n).to_be_bytes().repeat(512))
        .collect();
    body.truncate(bytes);
    body
}

/// A number that looks random (splitmix64).
pub(crate) fn mix(n: u64) -> u64 {
    let mut z = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
