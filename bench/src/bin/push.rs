//! The push core against a server of the usual shape.
//!
//! ```text
//! cargo run --release -p roost-bench --bin push -- table [--quick] [--turns] [--phones N] [--rounds N] [--json] [--tls tls12|plain]
//! cargo run --release -p roost-bench --bin push -- scale
//! cargo run --release -p roost-bench --bin push -- day [--minutes N] [--devices N]
//! ```
//!
//! `table` prints every figure of the push core with its bar, of both servers in turn (`--turns`: only
//! those of wakes, storms and new connections). `scale` shows how a first Sync grows with the folder, and
//! draws `bench/first-sync.svg`. `day` lets a fleet live through a day in some minutes, and fails if a
//! wake is lost. The other words start the processes that these drive. Everything stays on loopback.

#![expect(clippy::print_stderr, reason = "a command for the terminal")]

use roost_bench::push::client::Way;
use roost_bench::push::table::Size;
use roost_bench::push::{appliance, day, fleet, reference, scale, sys, table};
use std::path::Path;
use std::process::ExitCode;

/// Cores of the server and of the fleet.
const SERVER: usize = 0;
const FLEET: usize = 1;

const USAGE: &str = "usage: push table [--quick] [--turns] [--phones N] [--rounds N] \
                     [--json] [--tls tls12|plain] | scale | day [--minutes N] [--devices N]";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let has = |flag: &str| args.contains(&flag);
    let value = |flag: &str| -> Option<&str> {
        let at = args.iter().position(|a| *a == flag)?;
        args.get(at + 1).copied()
    };
    let number = |flag: &str, or: usize| value(flag).and_then(|v| v.parse().ok()).unwrap_or(or);
    let _ = roost::net::raise_limit();
    match args.as_slice() {
        ["table", ..] => {
            let mut size = if has("--quick") {
                Size::QUICK
            } else {
                Size::FULL
            };
            size.phones = number("--phones", size.phones);
            size.rounds = number("--rounds", size.rounds);
            size.turns_only = has("--turns");
            table::run(size, has("--json"), value("--tls").unwrap_or("tls13"));
        }
        ["scale", ..] => scale::run(),
        ["day", ..] => {
            if !day::run(number("--minutes", 10), number("--devices", 15_000)) {
                return ExitCode::FAILURE;
            }
        }
        ["make", folder, users, mails] => {
            let number = |text: &str| text.parse().unwrap_or(0);
            let mails = u32::try_from(number(mails)).unwrap_or(0);
            appliance::make(Path::new(folder), number(users), mails);
        }
        ["serve-roost", folder, rest @ ..] => {
            sys::pin(SERVER);
            let cache_mib = rest.first().and_then(|text| text.parse().ok());
            appliance::serve(Path::new(folder), 1, roost::config::Driver::Auto, cache_mib);
        }
        ["serve-reference", folder, users] => {
            sys::pin(SERVER);
            reference::serve(Path::new(folder), users.parse().unwrap_or(0));
        }
        ["fleet", addr, kind, resumes] => {
            sys::pin(FLEET);
            let Ok(addr) = addr.parse() else {
                eprintln!("{addr} is no address");
                return ExitCode::FAILURE;
            };
            if let Err(e) = fleet::serve(Way::new(addr, kind, *resumes == "resumes")) {
                eprintln!("{e}");
                return ExitCode::FAILURE;
            }
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
