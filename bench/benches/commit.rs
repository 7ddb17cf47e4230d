//! Commit batching: durable commits per second with 1, 8, 64 and 512 requests outstanding.
//!
//! Each commit is a delivery as the store sees it: a condition, an item record of 2 KiB, its place
//! in the index by date, a change-log entry; 64 accounts in turn. For each number of requests the
//! bench prints how many syncs a commit took: with one outstanding it is 1, and it should fall
//! nearly as fast as the number rises. The store lies in the folder for temporary files (set
//! `TMPDIR` to measure another disk; on a file system in memory the figures mean nothing).

#![allow(missing_docs, reason = "the macros of criterion make public functions")]

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use roost::store::{Batch, BatchId, CommitError, Committed, Condition, Fjall, Hint, LogEntry};
use roost::store::{Options, Scope, Write, keys};
use roost_bench::contest::measures;
use roost_bench::must;
use roost_bench::wait::{timed, waker};

/// Accounts that mail is delivered to.
const ACCOUNTS: u64 = 64;

/// The delivery of an item; every number gives another one.
fn delivery(n: u64) -> Batch {
    let scope = Scope(Scope::FIRST_ACCOUNT.0 + n % ACCOUNTS);
    let item = u32::try_from(n / ACCOUNTS).unwrap_or(u32::MAX);
    let mut id = [0; 16];
    id[..8].copy_from_slice(&n.to_be_bytes());
    let key = keys::item(scope, 2, item);
    Batch {
        scope,
        id: BatchId(id),
        conditions: vec![Condition::Absent(key.clone())],
        writes: vec![
            Write::Put(key, vec![7; 2_048]),
            Write::Put(keys::date(scope, 2, i64::from(item), item), vec![0]),
        ],
        tell: Vec::new(),
        log: vec![LogEntry {
            prefix: keys::change_prefix(scope, 2),
            suffix: keys::change_suffix(item),
            value: vec![1],
            hint: Hint {
                folder: 2,
                device: 0,
            },
        }],
    }
}

type Waiting = Pin<Box<dyn Future<Output = Result<Committed, CommitError>>>>;

/// Commits `count` deliveries from number `first` on; `outstanding` of them wait at any time.
fn run(store: &Fjall, first: u64, count: u64, outstanding: usize) {
    let waker = waker();
    let mut cx = Context::from_waker(&waker);
    let mut deliveries = (first..first + count).map(|n| {
        let store = store.clone();
        Box::pin(async move { store.commit(delivery(n)).await }) as Waiting
    });
    let mut waiting: Vec<Waiting> = Vec::new();
    loop {
        waiting.extend(deliveries.by_ref().take(outstanding - waiting.len()));
        let before = waiting.len();
        waiting.retain_mut(|commit| match commit.as_mut().poll(&mut cx) {
            Poll::Ready(outcome) => {
                assert!(outcome.is_ok(), "{outcome:?}");
                false
            }
            Poll::Pending => true,
        });
        if before == 0 {
            return;
        }
        if waiting.len() == before {
            std::thread::park();
        }
    }
}

#[expect(clippy::print_stderr, reason = "a bench speaks to the terminal")]
fn commit(c: &mut Criterion) {
    let mut group = c.benchmark_group("commit");
    group
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .throughput(Throughput::Elements(1));
    let folder = must(tempfile::tempdir());
    let store = must(Fjall::open(folder.path(), &Options::default()));
    let next = AtomicU64::new(0);
    for outstanding in [1, 8, 64, 512] {
        group.bench_function(BenchmarkId::new("outstanding", outstanding), |b| {
            b.iter_custom(|count| {
                let first = next.fetch_add(count, Ordering::Relaxed);
                timed(|| run(&store, first, count, outstanding))
            });
        });
        // Apart from the above, whose samples are of any length.
        let rounds = if measures() { 50 } else { 1 };
        let (commits, before) = (rounds * outstanding as u64, store.syncs());
        let first = next.fetch_add(commits, Ordering::Relaxed);
        run(&store, first, commits, outstanding);
        let syncs = (store.syncs() - before).max(1);
        let per_sync = commits / syncs;
        let bar = match outstanding {
            64 => Some(30),
            512 => Some(200),
            _ => None,
        };
        let verdict = bar.filter(|_| measures()).map_or_else(String::new, |bar| {
            let holds = if per_sync >= bar { "holds" } else { "FAILS" };
            format!(", asked for are {bar}: {holds}")
        });
        eprintln!("{commits} commits took {syncs} syncs: {per_sync} commits for each{verdict}\n");
    }
    group.finish();
}

criterion_group!(benches, commit);
criterion_main!(benches);
