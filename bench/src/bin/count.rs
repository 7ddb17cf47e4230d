//! Counts instructions of the hot paths, which hold on any machine and under any load, and prints
//! them beside the recorded ones of `bench/counts.toml`.
//!
//! ```text
//! cargo run --release -p roost-bench --bin count [-- [--record] [PART OF A NAME]]
//! ```
//!
//! Needs valgrind. Each operation runs in a process of its own under callgrind, once with N and
//! once with 2 N runs: the difference is N runs, without anything that was prepared. A figure holds
//! for one build: another compiler, another target, and it has to be recorded anew (`--record`).

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command for the terminal"
)]

use roost_bench::contest::allocations_per_item;
use roost_bench::operation::{self, Operation};
use std::collections::BTreeMap;
use std::error::Error;
use std::hint::black_box;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// Runs of which the difference is taken.
const RUNS: u64 = 10;

const USAGE: &str = "usage: count [--record] [PART OF A NAME]";

/// Instructions for each item, by operation.
type Counts = BTreeMap<String, i64>;

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    let done = match args.as_slice() {
        ["--run", name, runs] => run(name, runs),
        [] => count(false, ""),
        ["--record"] => count(true, ""),
        ["--record", part] if !part.starts_with('-') => count(true, part),
        [part] if !part.starts_with('-') => count(false, part),
        _ => Err(USAGE.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("{e}");
            ExitCode::FAILURE
        }
    }
}

/// What runs under valgrind.
fn run(name: &str, runs: &str) -> Result<(), Box<dyn Error>> {
    let runs: u64 = runs.parse()?;
    let found = operation::all().into_iter().find(|o| o.name == name);
    let mut run = found.ok_or("no such operation")?.prepare();
    for _ in 0..=runs {
        black_box(run());
    }
    Ok(())
}

fn count(record: bool, part: &str) -> Result<(), Box<dyn Error>> {
    if cfg!(debug_assertions) {
        return Err("instructions of a debug build say nothing: run it with --release".into());
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        return Err(
            "valgrind is not installed, and without it no instructions are counted: \
            install it (apt-get install valgrind), or see the benches for times and ratios"
                .into(),
        );
    }
    let mut recorded = recorded()?;
    println!(
        "{:24} {:>12} {:>10} {:>8} {:>12}",
        "", "instr/item", "recorded", "ratio", "allocs/item"
    );
    for operation in operation::all() {
        if !operation.name.contains(part) {
            continue;
        }
        let name = operation.name.clone();
        let instructions = instructions(&operation)?;
        let items = operation.items;
        let allocations = allocations_per_item(&mut operation.prepare(), items);
        let before = recorded.get(&name).copied();
        println!(
            "{name:24} {instructions:12} {:>10} {:>8} {allocations:12.2}",
            before.map_or_else(|| "-".to_owned(), |n| n.to_string()),
            before.map_or_else(|| "-".to_owned(), |n| ratio(instructions, n)),
        );
        recorded.insert(name, instructions);
    }
    if record {
        write(&recorded)?;
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn ratio(now: i64, recorded: i64) -> String {
    format!("{:.3}", now as f64 / recorded as f64)
}

/// Instructions for each item.
fn instructions(operation: &Operation) -> Result<i64, Box<dyn Error>> {
    let collected = |runs| collected(&operation.name, runs);
    let difference = collected(2 * RUNS)? - collected(RUNS)?;
    let items = i64::try_from(RUNS)? * i64::from(operation.items);
    Ok(difference / items)
}

/// Instructions of a process that runs an operation so often.
fn collected(name: &str, runs: u64) -> Result<i64, Box<dyn Error>> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
        .args(["--run", name, &runs.to_string()])
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    // `==4711== Collected : 1234567`
    let line = said.lines().find(|line| line.contains("Collected :"));
    let number = line.and_then(|line| line.split_whitespace().last()?.parse().ok());
    match number.filter(|_| output.status.success()) {
        Some(number) => Ok(number),
        None => Err(format!("valgrind failed with {name}:\n{said}").into()),
    }
}

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("counts.toml")
}

/// What was recorded; nothing where nothing was.
fn recorded() -> Result<Counts, Box<dyn Error>> {
    match std::fs::read_to_string(file()) {
        Ok(text) => Ok(toml::from_str(&text)?),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Counts::new()),
        Err(e) => Err(e.into()),
    }
}

fn write(counts: &Counts) -> Result<(), Box<dyn Error>> {
    const HEAD: &str = "# Instructions for each item. Written by \
        `cargo run --release -p roost-bench --bin count -- --record`.\n\n";
    std::fs::write(file(), HEAD.to_owned() + &toml::to_string(counts)?)?;
    println!("\nrecorded in {}", file().display());
    Ok(())
}
