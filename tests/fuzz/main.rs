//! The fuzz targets on stable, in seconds: every kept input again, then a seeded loop of mutations of
//! them. It finds what breaks at once; what hides is for libFuzzer (`libfuzzer.rs`), with the same
//! targets and the same corpora:
//!
//! ```text
//! cargo fuzz run --fuzz-dir tests/fuzz -s none http_head -- -dict=tests/fuzz/dictionaries/http.dict
//! ROOST_FUZZ_RUNS=1000000 ROOST_SEED=7 cargo test --profile sim --test fuzz http_head
//! ```
//!
//! For millions of executions in a time: `--no-trace-compares` to build, `-entropic=0 -reduce_inputs=0
//! -max_len=512` to run, with `-use_counters=0` for the targets that reach half of the program (`eas_*`,
//! `store_ops`, `sync_state`), and the corpus that grows and `TMPDIR` in memory; libFuzzer itself takes most
//! of the time otherwise. What is wrong with long inputs only needs the default length, too.
//!
//! A failing input is left in a file that the failure names; beside the corpus it becomes a seed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::print_stderr,
    reason = "a test may panic"
)]

mod mutate;
mod net;
mod targets;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};

use mutate::{Mutator, dictionary};
use targets::{TARGETS, Target, by_name};

// As in the product.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Executions of a target of cost 1.
const RUNS: u64 = 5_000;
/// All targets together, so that a clone stays small.
const CORPUS_BYTES_MAX: u64 = 2 * 1024 * 1024;

macro_rules! smoke {
    ($($name:ident),+ $(,)?) => {
        $(#[test] fn $name() { smoke(by_name(stringify!($name))); })+

        #[test]
        fn no_target_is_left_out() {
            let all: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(all, [$(stringify!($name)),+]);
            let manifest = fs::read_to_string(here().join("Cargo.toml")).unwrap();
            for name in all {
                assert!(manifest.contains(&format!("\nname = \"{name}\"\n")), "{name} has no binary");
            }
        }
    };
}

smoke!(
    wbxml_decode,
    wbxml_tree,
    http_head,
    http_body,
    query_base64,
    authorization,
    lmtp_session,
    smtp_client,
    tls_start,
    tls_record,
    mime_view,
    addresses,
    ical,
    vcard,
    html,
    rtf,
    search_words,
    kql,
    certificate,
    record,
    store_ops,
    sync_state,
    eas_request,
    eas_session,
);

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz")
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|n| n.parse().unwrap())
}

fn smoke(target: Target) {
    targets::input::be_thorough();
    let corpus = corpus(target.name);
    assert!(!corpus.is_empty(), "{} has no seeds", target.name);
    let words = dictionary(&here(), target.dictionary);
    run(target, &[]);
    for seed in &corpus {
        run(target, seed);
    }
    let runs = setting("ROOST_FUZZ_RUNS").unwrap_or(RUNS) / target.cost;
    let mut mutator = Mutator::new(setting("ROOST_SEED").unwrap_or(1), &corpus, &words);
    for _ in 0..runs {
        run(target, &mutator.next());
    }
}

/// The kept inputs, in an order that does not depend on the file system.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(here().join("corpus").join(name))
        .map(|entries| entries.map(|entry| entry.unwrap().path()).collect())
        .unwrap_or_default();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

fn run(target: Target, input: &[u8]) {
    let check = AssertUnwindSafe(|| (target.check)(input));
    if let Err(panic) = catch_unwind(check) {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(target.name);
        fs::write(&path, input).unwrap();
        let shown = String::from_utf8_lossy(input);
        eprintln!("{} fails on {}: {shown:?}", target.name, path.display());
        resume_unwind(panic);
    }
}

#[test]
fn the_corpora_stay_small() {
    let sizes = TARGETS.iter().map(|target| {
        let bytes = corpus(target.name).iter().map(Vec::len).sum::<usize>();
        bytes as u64
    });
    let all: u64 = sizes.sum();
    assert!(all < CORPUS_BYTES_MAX, "{all} bytes");
}

/// A target that cannot fail proves nothing.
#[test]
fn a_broken_promise_is_found() {
    let broken = Target {
        check: |data| assert!(!data.windows(4).any(|w| w == b"\r\n\r\n"), "found"),
        ..by_name("http_head")
    };
    let (corpus, words) = (
        vec![b"GET / HTTP/1.1\r\nHost: x".to_vec()],
        dictionary(&here(), "http"),
    );
    let mut mutator = Mutator::new(1, &corpus, &words);
    let found = (0..20_000).any(|_| {
        let input = mutator.next();
        catch_unwind(|| (broken.check)(&input)).is_err()
    });
    assert!(found);
}
