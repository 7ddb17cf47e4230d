//! The command line, one file per subcommand.
//!
//! Commands that look at or change data become orders ([`crate::admin`]): a running appliance
//! carries them out over its admin socket, and where none runs the command opens the store itself.
#![allow(clippy::print_stderr, reason = "this module speaks to a terminal")]

/// A line to standard output. Whoever closed it (`| head`) does not want to hear more, and that is no
/// failure.
macro_rules! say {
    ($($words:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout().lock(), $($words)*);
    }};
}

/// The same without the end of the line.
macro_rules! put {
    ($($words:tt)*) => {{
        use std::io::Write as _;
        let mut stdout = std::io::stdout().lock();
        let _ = write!(stdout, $($words)*);
        let _ = stdout.flush();
    }};
}

mod args;
mod ask;
mod check;
mod demo;
mod device;
mod import;
mod office;
mod portrait;
mod queue;
mod serve;
mod table;
mod user;

pub use args::Cli;
use args::Command;
use std::fmt;
use std::process::ExitCode;

/// Why a command failed: a text for the operator that says what to do.
#[derive(Debug)]
pub struct Failure(String);

impl<E: std::error::Error> From<E> for Failure {
    fn from(e: E) -> Self {
        let mut text = e.to_string();
        let mut cause = e.source();
        while let Some(c) = cause {
            let more = c.to_string();
            if !text.contains(&more) {
                text.push_str(": ");
                text.push_str(&more);
            }
            cause = c.source();
        }
        Self(text)
    }
}

impl Failure {
    /// A failure in the command's own words.
    fn new(text: impl fmt::Display) -> Self {
        Self(text.to_string())
    }
}

/// Runs a subcommand to its end. What it has to say goes to standard output, why it failed to
/// standard error.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    let outcome = match cli.command {
        Command::Demo(args) => demo::run(args),
        Command::Serve(args) => serve::run(args),
        Command::User(command) => user::run(command),
        Command::Device(command) => device::run(command),
        Command::Queue(command) => queue::run(command),
        Command::Import(args) => import::run(args),
        Command::Check(args) => check::run(args),
    };
    match outcome {
        Ok(code) => code,
        Err(Failure(text)) => {
            eprintln!("roost: {text}");
            ExitCode::FAILURE
        }
    }
}
