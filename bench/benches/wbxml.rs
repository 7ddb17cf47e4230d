//! WBXML: a Sync of 100 contacts and of 100 mails, decoded and encoded, out of memory and out of
//! the store, beside the naive way and a plain copy of the same bytes.
//!
//! `memcpy`: the bytes of the answer. `access`: the check of the stored records. `encode`: checked
//! records to the answer. `checked`: both. `naive`: check, deserialize, build a tree, encode.
//! `libwbxml`: the same document from XML, where that library is installed. `decode`: the request to records. `scan`: only the
//! rows. `page`: rows and `checked`. `round`: all that a Sync does up to its commit.
//!
//! After criterion's figures, a table of all of them taken in turn, and what the bars say of it: its
//! ratios hold on a machine that does other things as well.

#![allow(missing_docs, reason = "the macros of criterion make public functions")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use roost_bench::{bars, contest, operation};
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
        let figures = contest::hold(operation::of_groups(&GROUPS));
        eprintln!("{}", contest::table(&figures, "encode"));
        eprintln!("{}", bars::table(&figures, &GROUPS));
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
