//! Agents on this machine, that the controller starts and ends.

use super::peer::{Peer, PeerError};
use super::tls::{IdentityError, random_token};
use std::io::{self, BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// What an agent says before the address that it waits at.
pub const WAITS_AT: &str = "roost-load agent waits for a controller at ";
/// Milliseconds that an agent has to end by itself, once it has nothing to do.
const END_MS: u64 = 5_000;
/// Milliseconds between two looks whether it has.
const LOOK_MS: u64 = 20;

/// Why there are none.
#[derive(Debug, thiserror::Error)]
pub enum LocalsError {
    /// The program cannot be started once more.
    #[error("an agent cannot be started: {0}")]
    Start(#[from] io::Error),
    /// It says something else than where it waits.
    #[error("an agent that was started does not say where it waits, but {0:?}")]
    Silent(String),
    /// No token.
    #[error(transparent)]
    Token(#[from] IdentityError),
    /// No address.
    #[error(transparent)]
    Peer(#[from] PeerError),
}

/// Agents that end with this value.
pub struct Locals {
    children: Vec<Child>,
    /// Where they wait.
    pub peers: Vec<Peer>,
    /// What opens them.
    pub token: String,
}

impl Locals {
    /// Starts so many of this program. They have a token of their own, which stands in their environment,
    /// where only this user sees it, and end when their standard input does.
    ///
    /// # Errors
    /// As [`LocalsError`].
    pub fn start(program: &Path, count: u32) -> Result<Self, LocalsError> {
        let mut locals = Self {
            children: Vec::new(),
            peers: Vec::new(),
            token: random_token()?,
        };
        for _ in 0..count {
            let mut child = Command::new(program)
                .args(["agent", "--listen", "127.0.0.1:0"])
                .args(["--once", "--until-eof", "--quiet"])
                .env("ROOST_LOAD_TOKEN", &locals.token)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                // Whoever interrupts the controller interrupts them through it.
                .process_group(0)
                .spawn()?;
            let said = child.stdout.take();
            locals.children.push(child);
            let mut line = String::new();
            if let Some(said) = said {
                BufReader::new(said).read_line(&mut line)?;
            }
            let address = line.trim_end().strip_prefix(WAITS_AT);
            let address = address.ok_or_else(|| LocalsError::Silent(line.clone()))?;
            locals.peers.push(Peer::parse(address)?);
        }
        Ok(locals)
    }
}

impl Drop for Locals {
    fn drop(&mut self) {
        for child in &mut self.children {
            drop(child.stdin.take());
        }
        for _ in 0..END_MS / LOOK_MS {
            let mut all = self.children.iter_mut();
            if all.all(|child| matches!(child.try_wait(), Ok(Some(_)))) {
                return;
            }
            super::agent::pause(LOOK_MS);
        }
        for child in &mut self.children {
            // It may be over by now.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
