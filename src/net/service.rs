//! What the appliance has to offer to be served.

use std::future::Future;
use std::task::{Context, Poll};

use crate::clock::MonoMs;
use crate::http::{Outcome, Peer, Request, Why};
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

    /// Runs beside the requests for as long as the core does: forwarding wakes, for example. It
    /// is dropped when the core stops.
    fn background(&self) -> impl Future<Output = ()> {
        std::future::pending()
    }

    /// A parked request that was woken or is due. It may park again.
    fn resume(&self, parked: Self::Parked, why: Why)
    -> impl Future<Output = Outcome<Self::Parked>>;
}

/// A waiting request. It is dropped, and that is all the notice it gets, when the peer closes or
/// sends another request.
///
/// It is the memory that a waiting phone costs: no buffer, no store handle, no snapshot.
pub trait Parked: 'static {
    /// When to go on even though nothing happened.
    fn deadline_ms(&self) -> MonoMs;

    /// Ready once woken, and from then on. Otherwise the waker of `cx` replaces the one of an
    /// earlier call and is woken, from any thread.
    fn poll_woken(&self, cx: &mut Context<'_>) -> Poll<()>;
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
