//! The `roost` command: arguments to a subcommand, and its outcome to an exit code.
//!
//! 0 done, 1 failed, 2 wrong usage (which clap answers by itself).

use clap::Parser as _;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    roost::cli::run(roost::cli::Cli::parse())
}
