//! Whole requests of a phone, without a socket: log-in (remembered), request line, command, store
//! (in memory), answer.
//!
//! `options`; `folder-sync` and `empty-sync` with the current key, where nothing has changed;
//! `first-sync-1000`: 1,000 mails from key 0 on, in windows of 100, each for itself committed; its
//! figures are for one mail.

#![allow(missing_docs, reason = "the macros of criterion make public functions")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use roost_bench::{contest, operation};
use std::time::Duration;

const GROUP: &str = "request";

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
        eprintln!("{}", contest::table(&figures, "empty-sync"));
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
