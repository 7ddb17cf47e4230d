//! Waking: the way from a commit to the answers of the phones that wait for it, without the network
//! (engine in memory, 10,000 requests waiting).
//!
//! `commit`: the delivery of a mail. `commit-to-signal`: the same, counted and told, its signal taken
//! out of the core's box; its ratio to `commit` is what the push costs the committer.
//! `count-and-tell`: that part alone. `hear`: a parked Ping writes its answer. `hear-nothing`: it
//! finds that a signal is not about it. `watch-and-drop`: a request that comes and goes.

#![allow(missing_docs, reason = "the macros of criterion make public functions")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use roost_bench::{contest, operation};
use std::time::Duration;

const GROUP: &str = "wake";

fn operations(c: &mut Criterion) {
    let mut group = c.benchmark_group(GROUP);
    for operation in operation::of_groups(&[GROUP]) {
        group.throughput(Throughput::Elements(operation.items.into()));
        let what = operation.what().to_owned();
        let mut run = operation.prepare();
        group.bench_function(what, |b| b.iter(&mut run));
    }
    group.finish();
}

#[expect(clippy::print_stderr, reason = "a bench speaks to the terminal")]
fn in_turn(_: &mut Criterion) {
    if contest::measures() {
        let figures = contest::hold(operation::of_groups(&[GROUP]));
        eprintln!("{}", contest::table(&figures, "commit"));
    }
}

fn short() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
}

criterion_group! {
    name = benches;
    config = short();
    targets = operations, in_turn
}
criterion_main!(benches);
