//! Several processes, on one host or many, that play one scenario under one controller.
//!
//! How it goes:
//!
//! 1. An agent ([`Agent`]) listens, with a certificate that it made itself and a token. The controller
//!    ([`assemble`]) knows both: the certificate by its fingerprint, so that the token and the passwords
//!    of the users go to this agent and nobody else. Both say which format they speak, and part if it
//!    is not the same one.
//! 2. The controller deals the scenario: each agent gets a [`Share`](super::share::Share), which is
//!    some of the users with all their devices. Mail for a user is injected by the agent that has its
//!    devices; so every agent judges by itself whether what arrived is what was sent.
//! 3. All agents look whether they can do it (addresses, certificates, descriptors) before any begins.
//!    Then the controller says *go*, and each begins on receipt: no clock is compared with another one.
//!    When the devices of all agents are there it says *run*, and the phase `run` begins for all. What
//!    lies between the agents is the time that a message takes and at most [`LOOK_MS`].
//! 4. Each second every agent says what it looked like, histograms included; the controller adds them
//!    up and shows one progress.
//! 5. When its time is over each agent lets its devices look once more, and sends its run. The controller
//!    adds them to one ([`merge`]): histograms are added, never percentiles averaged. It alone knows what
//!    the server takes (`--pid`, `--cgroup`), and holds the demands against the whole.
//!
//! An agent that is lost on the way does not end the run: the others go on, and the run says which one
//! and when, as a demand that is missed. Both ends speak up every [`ALIVE_S`] seconds, so silence is
//! noticed. Deliberately absent: agents that join later, and moving devices of a lost agent to others.
//!
//! Threads that block are fine here: there is one for each agent, and little to say.

mod agent;
mod crew;
mod line;
mod local;
mod merge;
mod peer;
mod protocol;
mod series;
mod silence;
mod task;
#[cfg(test)]
mod tests;
mod tls;

pub use agent::{Agent, AgentError, Ended};
pub use crew::{Crew, CrewError, assemble};
pub use local::{Locals, LocalsError, WAITS_AT};
pub use merge::merge;
pub use peer::{Peer, PeerError};
pub use task::{Task, TaskError};
pub use tls::{Fingerprint, Identity, IdentityError, random_token};

/// What both ends have to speak. It changes with every change of a message, of the scenario or the run.
pub const FORMAT: u32 = 1;
/// Bytes of a message before the other end has said who it is, at most.
const STRANGER_BYTES_MAX: usize = 16 * 1024;
/// Bytes of a message, at most: a scenario with a list of users, or a run with its histograms.
const MESSAGE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Seconds that a stranger has to say who it is.
const HELLO_S: u64 = 10;
/// Seconds that an agent has to look whether it can do what is asked.
const READY_S: u64 = 60;
/// Seconds between two signs of life.
pub const ALIVE_S: u64 = 2;
/// Seconds of silence after which the other end is lost; seconds in which this one stood still do not count.
const SILENCE_S: u64 = 30;
/// Milliseconds between two looks for something to send.
pub const LOOK_MS: u64 = 20;
/// Strangers at one time.
const STRANGERS_MAX: usize = 16;
/// Milliseconds that whoever has the wrong token waits for its answer.
const WRONG_MS: u64 = 1_000;
