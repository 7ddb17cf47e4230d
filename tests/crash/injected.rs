//! System calls that fail for real, one by one: the store acknowledges nothing that is not durable,
//! ends, and has lost nothing when it is opened again.
//!
//! `strace` lets call number N of a kind fail in a child that makes a store and works, for N from 1
//! upwards until no call fails any more. Calls are counted in each thread by itself. What the disk
//! has for certain then (a sync that failed made nothing last) is compared as well.
//!
//! `ROOST_FAILURES` sets how many of each kind at most (4; a night has the time for all, 1000).

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::child::{self, Ack, ENDS_AFTER, FOLDER, MEMTABLE, ROUND};
use crate::dice::Dice;
use crate::disk::Model;
use crate::image;
use crate::recording::{TRIES, came_to_pass, memory_folder, recordable};
use crate::replay::Replay;
use crate::setting;
use crate::trace::{self, Trace};
use crate::verify::Journal;

const TEST: &str = "injected::a_call_that_fails_ends_the_store_and_loses_nothing";
/// What each child acknowledges at most.
const ACKS: u64 = 150;
/// So that a child writes tables, and removes some.
const MEMTABLE_BYTES: u64 = 16 * 1024;
/// A store that neither works nor ends is stopped after this.
const SECONDS: &str = "60";

/// Kinds of calls that fail, and how.
const SYNCS_AND_NAMES: &[(&str, &str)] = &[
    ("fdatasync", "EIO"),
    ("fsync", "EIO"),
    ("ftruncate", "ENOSPC"),
    ("rename", "EIO"),
    ("renameat", "EIO"),
    ("mkdir", "ENOSPC"),
    ("unlink", "EIO"),
];
/// Those that happen to other files as well: only files of the store are meant.
const CONTENT: &[(&str, &str)] = &[("write", "EIO"), ("write", "ENOSPC"), ("openat", "EMFILE")];

#[test]
fn a_call_that_fails_ends_the_store_and_loses_nothing() {
    if let (Ok(folder), Ok(round)) = (std::env::var(FOLDER), std::env::var(ROUND)) {
        return child::run_to_failure(Path::new(&folder), round.parse().unwrap());
    }
    if !recordable() {
        return;
    }
    let most = setting("ROOST_FAILURES").unwrap_or(4) as usize;
    let mut failed = 0;
    for is_old in [false, true] {
        for (name, error) in SYNCS_AND_NAMES {
            failed += each(most, |n| {
                let inject = format!("inject=?{name}:error={error}:when={n}");
                recorded(|| Trial::new(is_old)?.fails_recorded(&inject))
            });
        }
        let paths = paths();
        for (name, error) in CONTENT {
            failed += each(most, |n| {
                let inject = format!("inject=?{name}:error={error}:when={n}");
                recorded(|| Trial::new(is_old)?.fails(name, &inject, &paths))
            });
        }
    }
    eprintln!("{failed} calls failed");
    assert!(failed > SYNCS_AND_NAMES.len());
}

/// What was recorded whole, at last.
fn recorded<T>(attempt: impl Fn() -> Result<T, String>) -> T {
    let mut last = attempt();
    for _ in 1..TRIES {
        if last.is_err() {
            last = attempt();
        }
    }
    last.unwrap_or_else(|why| panic!("{why}"))
}

/// Tries the first calls, then rarer and rarer ones, or all of them, until none fails; how many did.
fn each(most: usize, mut fails: impl FnMut(usize) -> bool) -> usize {
    let (mut n, mut failed) = (1, 0);
    while failed < most && fails(n) {
        failed += 1;
        n += if most < 100 { n * n } else { 1 };
    }
    failed
}

/// A disk, with a store on it or without, and children on it under `strace`.
struct Trial {
    _folder: TempDir,
    root: PathBuf,
    log: PathBuf,
    /// The number of the next child.
    round: u64,
    replay: Replay,
    inject: String,
}

impl Trial {
    fn new(is_old: bool) -> Result<Self, String> {
        let folder = memory_folder();
        let root = folder.path().canonicalize().unwrap().join("disk");
        fs::create_dir(&root).unwrap();
        let mut trial = Self {
            log: root.with_file_name("log"),
            replay: Replay::new(root.to_str().unwrap()),
            _folder: folder,
            root,
            round: 0,
            inject: String::new(),
        };
        if is_old {
            trial.run_recorded()?;
            trial.round += 1;
        }
        Ok(trial)
    }

    fn run(&self, strace: &Command) -> Output {
        let mut limited = Command::new("timeout");
        let ended = limited
            .arg(SECONDS)
            .arg(strace.get_program())
            .args(strace.get_args())
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", TEST, "--nocapture"])
            .env(FOLDER, self.root.join("store"))
            .env(ROUND, self.round.to_string())
            .env(ENDS_AFTER, ACKS.to_string())
            .env(MEMTABLE, MEMTABLE_BYTES.to_string())
            .output()
            .unwrap();
        assert_ne!(ended.status.code(), Some(124), "neither works nor ends");
        ended
    }

    /// Runs a child and plays what it did.
    fn run_recorded(&mut self) -> Result<Output, String> {
        let mut strace = trace::record(&self.log);
        if !self.inject.is_empty() {
            strace.args(["-e", &self.inject]);
        }
        let ended = self.run(&strace);
        let trace = Trace::read(&self.log);
        for moment in &trace.moments {
            self.replay.play(&trace, *moment);
        }
        let done = came_to_pass(&self.replay, &self.root)?;
        self.replay.end_run(&trace, &done);
        Ok(ended)
    }

    /// Lets a call fail and records what there was; whether one failed.
    fn fails_recorded(mut self, inject: &str) -> Result<bool, String> {
        self.inject = inject.to_owned();
        let ended = self.run_recorded()?;
        // The page that a failed sync did not write may be gone although the file shows it.
        let synced = image::write(&self.replay, Model::Synced, &mut Dice::new(0));
        let journal = self.heard();
        let lasting = image::verdict(&journal, synced.path());
        let said = String::from_utf8_lossy(&ended.stdout);
        assert_eq!(lasting, Ok(()), "after a loss of power, {inject}: {said}");
        self.verify(&ended, &journal);
        Ok(self.had_a_failure())
    }

    /// Lets a call about these files fail; whether one failed.
    fn fails(mut self, name: &str, inject: &str, paths: &BTreeSet<String>) -> Result<bool, String> {
        self.inject = inject.to_owned();
        let mut strace = trace::strace(&self.log);
        strace.args(["-e", &format!("trace={name}"), "-e", inject]);
        for path in paths {
            strace.arg("-P").arg(self.root.join(path));
        }
        let ended = self.run(&strace);
        let said = String::from_utf8_lossy(&ended.stdout);
        let mut journal = self.heard();
        said.lines()
            .filter_map(Ack::parse)
            .for_each(|ack| journal.note(ack));
        self.verify(&ended, &journal);
        Ok(self.had_a_failure())
    }

    /// The child has to have ended in order, and what it said has to be true of the folder.
    fn verify(&self, ended: &Output, journal: &Journal) {
        let said = String::from_utf8_lossy(&ended.stdout);
        let failed = String::from_utf8_lossy(&ended.stderr);
        let inject = &self.inject;
        // The last word of each child may not have been heard.
        let well = ended.status.success() || journal.len() as u64 >= ACKS * (self.round + 1) - 2;
        assert!(well, "{inject}: {said}{failed}");
        let heard = image::verdict(journal, &self.root);
        assert_eq!(heard, Ok(()), "{inject}: {said}{failed}");
        let words = ["does not open", "failed: "];
        let outcome = said
            .lines()
            .find(|line| words.iter().any(|word| line.contains(word)));
        let (acks, outcome) = (journal.len(), outcome.unwrap_or("goes on"));
        eprintln!(
            "{inject} in run {}: {acks} acknowledged, {outcome:.150}",
            self.round
        );
    }

    /// What the recorded children acknowledged.
    fn heard(&self) -> Journal {
        Journal::of(self.replay.heard.iter().map(String::as_str))
    }

    fn had_a_failure(&self) -> bool {
        let log = fs::read_to_string(&self.log).unwrap();
        log.contains("(INJECTED)")
    }
}

/// The files that children open, relative to their disk; under both names of the database.
fn paths() -> BTreeSet<String> {
    let trial = recorded(|| Trial::new(true));
    trial.run(&trace::record(&trial.log));
    let trace = Trace::read(&trial.log);
    let opened = trace.calls.iter().filter(|call| call.name == "openat");
    let root = format!("{}/", trial.root.display());
    opened
        .filter_map(|call| call.path(1).strip_prefix(&root).map(ToOwned::to_owned))
        .flat_map(|path| [path.replacen("db/", "db.new/", 1), path])
        .collect()
}
