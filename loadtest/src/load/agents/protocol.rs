//! What a controller and an agent say to each other.

use super::task::Task;
use crate::load::drive::Part;
use crate::load::run::{Run, Second};
use crate::load::share::Share;
use serde::{Deserialize, Serialize};

/// The first message of a controller. Its form is the same for ever, so that ends of different formats
/// understand that much of each other.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Hello {
    /// [`super::FORMAT`].
    pub(super) format: u32,
    /// The version of the program, for people.
    pub(super) version: String,
    /// Proves that it may give orders; empty: it has none.
    pub(super) token: String,
}

/// An agent's answer to it; its form, too, is the same for ever.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Welcome {
    /// [`super::FORMAT`].
    pub(super) format: u32,
    /// The version of the program, for people.
    pub(super) version: String,
    /// Why it will not work for this controller; empty: it will.
    pub(super) refused: String,
}

/// What a controller says after that.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) enum Say {
    /// What is to be done.
    Prepare(Box<Job>),
    /// Devices arrive from now on.
    Go,
    /// The phase `run` begins now.
    Run,
    /// The run ends early.
    Stop,
    /// The controller is there.
    Alive,
    /// It has everything.
    Bye,
}

/// What one agent is to do.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct Job {
    /// The task of all.
    pub(super) task: Task,
    /// The agent's part.
    pub(super) share: Share,
    /// The number of the run.
    pub(super) number: u32,
}

/// What an agent says after that.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) enum Tell {
    /// It can do what is to be done.
    Ready,
    /// A second is over.
    Second(Box<Second>, Part),
    /// Seconds of the end, in order.
    Rest(Vec<Second>),
    /// Its part of the run, without seconds.
    Done(Box<Run>),
    /// It cannot, or it did not work.
    Failed(String),
    /// The agent is there.
    Alive,
}
