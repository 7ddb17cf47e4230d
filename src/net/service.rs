//! What the appliance has to offer to be served.

use std::future::Future;

use super::post::Signal;
use crate::clock::{MonoMs, UnixMs};
use crate::http::{Brief, Heard, Outcome, Peer, Request, Why};
use crate::smtp::{Envelope, Verdict};

/// Answers HTTP requests. One value per core, made on that core: it need not be `Send`.
///
/// Implementations write `async fn`. Nothing in them may block: no lock held by others, no disk,
/// no password hash; [`crate::work`] is for that. A panic closes the connection of the request
/// and nothing else.
pub trait Service: 'static {
    /// What a waiting request leaves behind.
    type Parked: Parked;

    /// A complete request.
    fn handle(
        &self,
        request: &Request<'_>,
        peer: &Peer,
    ) -> impl Future<Output = Outcome<Self::Parked>>;

    /// A parked request that could not answer by itself. It may park again.
    fn resume(&self, parked: Self::Parked, why: Why)
    -> impl Future<Output = Outcome<Self::Parked>>;

    /// The answer that a parked request wrote itself was handed to the kernel.
    fn answered(&self, parked: Self::Parked, peer: &Peer, written: Written) {
        let _ = (parked, peer, written);
    }

    /// A parked request came to nothing.
    fn gone(&self, parked: Self::Parked, peer: &Peer, gone: Gone) {
        let _ = (parked, peer, gone);
    }
}

/// An answer that a parked request wrote itself.
#[derive(Clone, Copy, Debug)]
pub struct Written {
    /// What it says in its head.
    pub brief: Brief,
    /// Of document.
    pub bytes: usize,
    /// When it was handed over.
    pub mono_ms: MonoMs,
    /// The same, for people.
    pub unix_ms: UnixMs,
}

/// How a parked request came to nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gone {
    /// The peer sent another request on the connection.
    Newer,
    /// The peer, or something on the way, ended the connection in an orderly way.
    Closed,
    /// The peer, or something on the way, reset the connection.
    Reset,
    /// Nobody answers any more: keepalive found out.
    Vanished,
    /// The peer broke the TLS protocol.
    Tls,
}

/// A waiting request: plain data that any core may hold.
///
/// It is the memory that a waiting phone costs: no buffer, no store handle, no snapshot. It waits on
/// the core of its account, where the signals for that account arrive.
pub trait Parked: Send + 'static {
    /// What wakes it.
    type Signal: Signal;

    /// The account, as [`Signal::account`] names it.
    fn account(&self) -> u64;

    /// When the request came.
    fn since_ms(&self) -> MonoMs;

    /// When to go on even though nothing happened.
    fn deadline_ms(&self) -> MonoMs;

    /// Whether it knows of everything that has happened. Asked once signals find it.
    fn is_current(&self) -> bool;

    /// What a signal of its account means to it. The document of an answer is to be written into
    /// `document`, which is empty; nothing here may allocate or read.
    fn hear(&self, signal: &Self::Signal, document: &mut Vec<u8>) -> Heard;

    /// The same at the deadline. [`Heard::Nothing`] counts as [`Heard::Resume`].
    fn expire(&self, document: &mut Vec<u8>) -> Heard;

    /// Reads what its answer will need: in a storm nothing of it is in the processor's caches, which
    /// fetch for many requests at a time as soon as for one.
    fn warm(&self) {}

    /// Bytes that it holds, itself included: for the metrics.
    fn bytes(&self) -> usize;

    /// The protocol version times ten, for the metrics; 0 where there is none.
    fn version_tens(&self) -> u8;
}

/// Takes mail. One value per core, made on that core: it need not be `Send`.
pub trait Lmtp: 'static {
    /// Whether mail for this address is taken. `address` is as sent, without the angle brackets.
    fn recipient(&self, address: &str) -> impl Future<Output = Verdict>;

    /// A complete message for all accepted recipients of the envelope: one verdict each, in their
    /// order, and [`Verdict::Accepted`] only once it is durable. What is missing at the end of
    /// the list counts as [`Verdict::Failed`].
    fn deliver(&self, envelope: Envelope, message: Vec<u8>) -> impl Future<Output = Vec<Verdict>>;
}
