//! HTTP/1.1 (RFC 9110, RFC 9112) as a state machine over bytes.
//!
//! What a peer sends becomes a [`Request`] that borrows from its buffers; what the appliance says
//! is an [`Answer`]. Deliberately absent: sockets, timers, HTTP/2, upgrades, ranges, cookies,
//! chunked answers (an answer is complete before its first byte is sent).

mod answer;
mod chunked;
mod decode;
mod encode;
mod head;
mod refusal;
mod request;
#[cfg(test)]
mod tests;

pub use answer::Answer;
pub use decode::{Decoder, Message, Progress};
pub use encode::{CONTINUE, DateCache, Terms, encode_brief, encode_head};
pub use refusal::Refusal;
pub use request::{Brief, Heard, Outcome, Peer, Request, Version, Why};
