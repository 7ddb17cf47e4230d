//! Dialogues: what a client says and what the server answers, as text that can be read beside the
//! specification, one file each in the folder of its command.
//!
//! ```text
//! # A client that begins gets a key and no items.
//! versions: all
//! phone knows folders
//!
//! > Sync
//! Sync
//!   Collections
//!     Collection
//!       when ..12.0:
//!         Class Email
//!       SyncKey 0
//!       CollectionId {inbox}
//! < 200
//! Sync
//! ...
//! ```
//!
//! At the head stand the versions and what there is (see `house`); then come requests behind `>` and
//! what else happens behind `!`, each with its answer behind `<`: the HTTP code, headers that not every
//! answer has, and the document as an outline (see `outline`). `< waits` is no answer yet. What stands
//! below `when 14.0..:` holds at those versions alone; a whole step does with `(14.0..)` behind it.
//! In requests, what stands below `repeat 101:` is sent as often, `{n}` counting.
//! Names in braces are learnt and kept, `{*}` is anything, `...` any lines (see `pattern`).
//!
//! Each dialogue runs at each of its versions with the plain query, and from 12.1 on with the base64
//! query as well, over the whole protocol in memory. Every document that is answered is held against
//! libwbxml and Microsoft's schemas where they are at hand (see `tests/e2e/wire.rs`), and the
//! dialogues together against the list of statuses (`statuses`) and the table of commands (`table`).
//!
//! `ROOST_DIALOG_WRITE=1` writes the answers that differ into the files. `ROOST_DIALOG=part/of/name` runs
//! only what has that in its path.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    missing_docs,
    reason = "a test may panic"
)]

#[path = "../sim/appliance.rs"]
#[allow(dead_code, reason = "shared with the simulation")]
mod appliance;
mod bless;
#[path = "../../src/smime/testing.rs"]
#[allow(dead_code, reason = "shared with the tests of certificates")]
mod certificates;
mod house;
mod outline;
mod papers;
mod pattern;
mod run;
mod statuses;
mod table;
mod text;
#[path = "../e2e/wire.rs"]
#[allow(dead_code, reason = "shared with the end-to-end tests")]
mod wire;
mod wire_form;

use roost::eas::version::Version;
use run::{Exchange, Run};
use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use text::Dialogue;
use wire_form::Form;

/// All dialogues.
pub(crate) fn dialogues() -> Vec<Dialogue> {
    let root = house::folder();
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(&root).unwrap() {
        let folder = entry.unwrap().path();
        if folder.is_dir() {
            let files = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
            paths.extend(files.filter(|p| p.extension().is_some_and(|e| e == "txt")));
        }
    }
    paths.sort();
    let only = std::env::var("ROOST_DIALOG").unwrap_or_default();
    paths.retain(|p| p.to_string_lossy().contains(&only));
    let read = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        Dialogue::parse(path, &text).unwrap_or_else(|e| panic!("{e}"))
    };
    paths.iter().map(read).collect()
}

/// Everything that was said in all dialogues, and where it went another way: once for all tests.
fn all() -> &'static (Vec<Exchange>, Vec<String>) {
    static ALL: OnceLock<(Vec<Exchange>, Vec<String>)> = OnceLock::new();
    ALL.get_or_init(|| {
        let write = std::env::var_os("ROOST_DIALOG_WRITE").is_some();
        if write {
            for dialogue in dialogues() {
                let run = |v| (v, run::run(&dialogue, v, Form::Plain, true));
                let runs: Vec<(Version, Run)> = dialogue.versions.each().map(run).collect();
                bless::rewrite(&dialogue, &runs);
            }
        }
        run_all(&dialogues())
    })
}

fn run_all(dialogues: &[Dialogue]) -> (Vec<Exchange>, Vec<String>) {
    let next = AtomicUsize::new(0);
    let work = || {
        let (mut exchanges, mut wrong) = (Vec::new(), Vec::new());
        while let Some(dialogue) = dialogues.get(next.fetch_add(1, Ordering::Relaxed)) {
            for version in dialogue.versions.each() {
                for form in [Form::Plain, Form::Base64] {
                    if form == Form::Base64 && version < Version::V12_1 {
                        continue;
                    }
                    let run = run::run(dialogue, version, form, false);
                    exchanges.extend(run.exchanges);
                    wrong.extend(run.wrong);
                }
            }
        }
        (exchanges, wrong)
    };
    thread::scope(|scope| {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let (mut exchanges, mut wrong) = (Vec::new(), Vec::new());
        for worker in workers {
            let (some, others) = worker.join().unwrap();
            exchanges.extend(some);
            wrong.extend(others);
        }
        wrong.sort();
        (exchanges, wrong)
    })
}

#[test]
fn every_dialogue_goes_as_it_is_written() {
    let (exchanges, wrong) = all();
    println!("{} requests", exchanges.len());
    assert!(
        wrong.is_empty(),
        "{}\n{} differ",
        wrong.join("\n"),
        wrong.len()
    );
}

#[test]
fn every_answer_is_what_others_read_and_the_schemas_allow() {
    let mut seen: Vec<wire::Seen> = Vec::new();
    let mut known = HashSet::new();
    for e in &all().0 {
        if e.root.is_some() && known.insert((e.version, &e.answer.body)) {
            let version = roost_load::Version::ALL[e.version as usize];
            seen.push(wire::Seen {
                what: format!("{} ({})", e.command, e.place),
                version,
                document: e.answer.body.clone(),
            });
        }
    }
    wire::check(&seen);
}
