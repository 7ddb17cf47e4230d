//! How soon the appliance serves again after `kill -9` with a full journal.
//!
//! ```text
//! cargo run --release -p roost-bench --bin restart
//! ```
//!
//! A child process commits until its journals are as large as they get, and is killed in the middle of it;
//! another is started on what it left, and asked over HTTP until it answers. Five times; the median counts.

#![expect(clippy::print_stdout, reason = "a command for the terminal")]

use roost_bench::must;
use roost_bench::push::appliance;
use roost_bench::push::stats::median;
use roost_bench::push::sys::now_ns;
use roost_bench::push::trial::{Process, rest};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::ExitCode;

/// Times that it is killed.
const ROUNDS: usize = 5;
/// Milliseconds that it may take.
const BAR_MS: f64 = 1_500.0;
/// Users whose accounts are written to.
const USERS: usize = 64;
/// Nanoseconds that filling may take.
const PATIENCE_NS: u64 = 60_000_000_000;
/// Bytes of journals after which the engine writes tables: it is killed near to that.
const JOURNAL_BYTES: u64 = 90 * 1024 * 1024;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    match args.get(1).map(String::as_str) {
        Some("fill") => {
            appliance::fill_for_ever(Path::new(args.get(2).map_or("", String::as_str)));
            return ExitCode::SUCCESS;
        }
        Some("serve-roost") => {
            let folder = Path::new(args.get(2).map_or("", String::as_str));
            appliance::serve(folder, 1, roost::config::Driver::Auto, None);
            return ExitCode::SUCCESS;
        }
        _ => {}
    }
    let folder = must(tempfile::tempdir());
    appliance::make(folder.path(), USERS, 0);
    let text = folder.path().to_string_lossy().into_owned();
    let mut times = Vec::new();
    for round in 1..=ROUNDS {
        let mut writer = Process::start(&["fill", &text]);
        // Where the engine writes tables sooner, the fullest that was seen in a while has to do.
        let begun = now_ns();
        while journals(folder.path()) < JOURNAL_BYTES && now_ns() - begun < PATIENCE_NS {
            rest(5);
        }
        writer.kill();
        let journal = journals(folder.path());
        let begun = now_ns();
        let mut server = Process::start(&["serve-roost", &text]);
        let said = server.hear();
        let http = said.split(' ').nth(2).unwrap_or_default().to_owned();
        ask(&http);
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let ms = (now_ns() - begun) as f64 / 1e6;
        println!(
            "{round}: {} MiB of journals, answers after {ms:.0} ms",
            journal >> 20
        );
        times.push(ms);
    }
    let median = median(&times);
    let holds = median <= BAR_MS;
    let verdict = if holds { "holds" } else { "FAILS" };
    println!("median {median:.0} ms, at most {BAR_MS:.0}: {verdict}");
    if holds {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Asks until there is an answer.
fn ask(addr: &str) {
    for _ in 0..10_000 {
        if let Ok(mut socket) = TcpStream::connect(addr) {
            let request = "OPTIONS /Microsoft-Server-ActiveSync HTTP/1.1\r\nHost: x\r\n\r\n";
            let mut answer = [0; 16];
            if socket.write_all(request.as_bytes()).is_ok()
                && socket.read_exact(&mut answer).is_ok()
                && answer.starts_with(b"HTTP/1.1 401")
            {
                return;
            }
        }
        rest(1);
    }
}

/// Bytes of the store's journals.
fn journals(folder: &Path) -> u64 {
    let mut sum = 0;
    let mut folders = vec![folder.join("store")];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries.flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            if path.is_dir() {
                folders.push(path);
            } else if name.to_string_lossy().ends_with(".jnl") {
                sum += entry.metadata().map_or(0, |m| m.len());
            }
        }
    }
    sum
}
