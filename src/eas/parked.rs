//! A request that waits: what is left of it, and how it goes on.

use std::task::{Context as Task, Poll};

use crate::clock::MonoMs;
use crate::eas::commands::{ping, sync};
use crate::eas::log::Line;
use crate::push::{Ended, Watcher};

/// What a command leaves behind when it has nothing to say yet.
#[derive(Debug)]
pub struct Waiting {
    /// Registered before anything was read.
    pub watcher: Watcher,
    /// When to answer in any case.
    pub deadline_ms: MonoMs,
    /// What to look at again.
    pub wait: Wait,
}

/// The commands that wait.
#[derive(Debug)]
pub enum Wait {
    /// Ping.
    Ping(ping::Waiting),
    /// Sync with `Wait` or `HeartbeatInterval`.
    Sync(Box<sync::Waiting>),
}

/// A waiting request, without buffers, store handles or snapshots.
#[derive(Debug)]
pub struct Parked {
    pub(super) waiting: Box<Waiting>,
    pub(super) line: Box<Line>,
}

impl Parked {
    /// When to go on even though nothing happened.
    #[must_use]
    pub fn deadline_ms(&self) -> MonoMs {
        self.waiting.deadline_ms
    }

    /// Ready once woken or superseded, and from then on.
    pub fn poll_woken(&self, task: &Task<'_>) -> Poll<()> {
        self.waiting.watcher.poll_ended(task).map(drop::<Ended>)
    }
}
