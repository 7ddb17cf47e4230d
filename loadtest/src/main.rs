//! The `roost-load` command: arguments to a run, and its outcome to an exit code.
//!
//! 0 all demands were met, 99 one was missed, 1 it did not come to a run, 2 wrong usage (which clap
//! answers by itself).

mod cli;

use clap::Parser as _;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::run(cli::Cli::parse())
}
