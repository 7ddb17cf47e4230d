//! What the benches measure: the hot paths as [`operation::Operation`]s over made-up records, each
//! prepared apart from being run. The criterion benches time them, the `count` binary counts their
//! instructions, and both count what they allocate.
//!
//! Everything here is deterministic: the same records, the same numbers, the same order, in every
//! run. Deliberately absent: the network, and whatever needs a second process.

pub mod alloc;
pub mod answer;
pub mod bars;
pub mod contest;
pub mod fixture;
pub mod house;
pub mod libwbxml;
pub mod naive;
pub mod operation;
pub mod push;
pub mod request;
pub mod sample;
pub mod wait;
pub mod waking;

/// The value, or the end of the bench with the reason: without its set-up it has nothing to say.
///
/// # Panics
/// For an error.
#[expect(clippy::panic, reason = "a bench ends where its set-up fails")]
pub fn must<T, E: std::fmt::Display>(result: Result<T, E>) -> T {
    result.unwrap_or_else(|e| panic!("{e}"))
}
