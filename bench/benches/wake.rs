//! Waking: 10,000 parked requests in the registry, wakes that concern one or all of them, and the
//! way from a commit to the mark of a watcher beside the commit alone (engine in memory).
//!
//! `commit`: the delivery of a mail. `commit-to-mark`: the same, its wake taken from the
//! subscription, the watcher found and marked, and parked again; its ratio to `commit` is what the
//! push costs. `one-of-10000`: only the wake and parking again. `all-10000`: the same after a gap,
//! which concerns everyone. `park-again`: the part of these that is not the wake.
//! `register-and-drop`: a request that comes and goes.

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
