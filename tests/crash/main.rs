//! What was acknowledged survives, once and whole: a kill (here), the loss of power (`power`), a full
//! disk (`full`), and system calls that fail (`failing`, `injected`).
//!
//! A child process (this binary again) takes deliveries and syncs from several threads and says
//! on its standard output what was acknowledged. It is killed at a random moment; then the store
//! is opened here and compared with what the child said. The same store goes through all kills.
//!
//! `ROOST_KILLS` sets how often (50), `ROOST_SEED` which moments.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that finds something else than it expects has to fail"
)]

mod child;
mod dice;
mod disk;
mod failing;
mod full;
mod house;
mod image;
mod injected;
mod letters;
mod power;
mod recording;
mod replay;
mod trace;
mod verify;

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use child::{Ack, FOLDER, ROUND};
use verify::Journal;

/// The test that the child process runs.
const TEST: &str = "what_was_acknowledged_survives_kill_9";

#[test]
fn what_was_acknowledged_survives_kill_9() {
    if let (Ok(folder), Ok(round)) = (std::env::var(FOLDER), std::env::var(ROUND)) {
        return child::run(Path::new(&folder), round.parse().unwrap());
    }
    let kills = setting("ROOST_KILLS").unwrap_or(50);
    let seed = setting("ROOST_SEED").unwrap_or(0x0b57);
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::default();
    for round in 0..kills {
        let acks = kill_one(folder.path(), round, moment(seed, round));
        acks.into_iter().for_each(|ack| journal.note(ack));
        eprintln!(
            "round {round} of seed {seed}: {} acknowledged",
            journal.len()
        );
        journal.verify(folder.path());
    }
    // Some rounds end before the first acknowledgement; most have to get somewhere.
    assert!(journal.len() as u64 > kills);
}

/// A number from the environment.
fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|n| n.parse().unwrap())
}

/// When the child is killed.
enum Moment {
    /// After so many acknowledgements.
    Acks(usize),
    /// So long after it was started: often while it opens the store.
    Started(Duration),
}

fn moment(seed: u64, round: u64) -> Moment {
    let random = child::mix(seed ^ round.rotate_left(32));
    match random % 5 {
        0 => Moment::Started(Duration::from_millis(random >> 8 & 127)),
        _ => Moment::Acks(1 + (random >> 8) as usize % 250),
    }
}

/// Runs a child until its moment has come; what it acknowledged before it was gone.
fn kill_one(folder: &Path, round: u64, moment: Moment) -> Vec<Ack> {
    let mut child = start(folder, round);
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (tx, acks) = flume::unbounded();
    let reader = std::thread::spawn(move || {
        let acks = lines
            .map_while(Result::ok)
            .filter_map(|line| Ack::parse(&line));
        acks.for_each(|ack| tx.send(ack).unwrap());
    });
    let mut heard = Vec::new();
    match moment {
        Moment::Acks(n) => heard.extend(acks.iter().take(n)),
        // Not to wait for an answer, but to let time pass.
        Moment::Started(time) => heard.extend(acks.recv_timeout(time)),
    }
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap();
    heard.extend(acks.try_iter());
    heard
}

fn start(folder: &Path, round: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", TEST, "--nocapture"])
        .env(FOLDER, folder)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}
