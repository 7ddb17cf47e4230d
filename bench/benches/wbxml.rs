//! WBXML: a Sync of 100 contacts and of 100 mails, decoded and encoded, out of memory and out of
//! the store, beside the naive way and a plain copy of the same bytes.
//!
//! `memcpy`: the bytes of the answer. `encode`: stored records in memory to the answer, checked.
//! `naive`: deserialize, build a tree, encode. `decode`: the request to records. `scan`: only the
//! rows. `page`: rows and `encode`. `round`: all that a Sync does up to its commit.
//!
//! After criterion's figures, a table of all of them taken in turn: its ratios hold on a machine
//! that does other things as well.

#![allow(missing_docs, reason = "the macros of criterion make public functions")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use roost_bench::{contest, operation};
use std::time::Duration;

const GROUPS: [&str; 2] = ["contacts", "mails"];

fn operations(c: &mut Criterion) {
    for operation in operation::of_groups(&GROUPS) {
        let mut group = c.benchmark_group(operation.group());
        group.throughput(Throughput::Elements(operation.items.into()));
        let what = operation.what().to_owned();
        let mut run = operation.prepare();
        group.bench_function(what, |b| b.iter(&mut run));
        group.finish();
    }
}

#[expect(clippy::print_stderr, reason = "a bench speaks to the terminal")]
fn in_turn(_: &mut Criterion) {
    if contest::measures() {
        eprintln!(
            "{}",
            contest::table(&contest::hold(operation::all()), "encode")
        );
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
