//! One waiting request's claim: its device's ticket, and the count of commits that it has seen.

use super::Push;
use crate::store::Scope;

/// A request that waits, or is about to. Dropping it gives the ticket back. 40 bytes, no memory of
/// its own beside the device's entry in the table of tickets.
pub struct Watcher {
    pub(super) push: Push,
    pub(super) scope: Scope,
    pub(super) device: u32,
    pub(super) ticket: u64,
    pub(super) epoch: u64,
}

impl std::fmt::Debug for Watcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watcher")
            .field("scope", &self.scope)
            .field("device", &self.device)
            .field("ticket", &self.ticket)
            .finish_non_exhaustive()
    }
}

impl Watcher {
    /// In place of a ticket; none has this number.
    const GIVEN_BACK: u64 = 0;

    /// The account.
    #[must_use]
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// The device.
    #[must_use]
    pub fn device(&self) -> u32 {
        self.device
    }

    /// Its ticket, as a [`Signal::End`](super::Signal::End) names it.
    #[must_use]
    pub fn ticket(&self) -> u64 {
        self.ticket
    }

    /// A newer request of the device has the ticket.
    #[must_use]
    pub fn is_superseded(&self) -> bool {
        !self
            .push
            .0
            .tickets
            .holds(self.scope, self.device, self.ticket)
    }

    /// Gives the ticket back; says whether no newer request had it.
    #[must_use]
    pub fn end(mut self) -> bool {
        let ticket = std::mem::replace(&mut self.ticket, Self::GIVEN_BACK);
        let tickets = &self.push.0.tickets;
        tickets.give_back(self.scope, self.device, ticket)
    }

    /// Whether nothing has become durable since it was taken (or [rearmed](Self::rearm)), and no
    /// newer request has come. To be asked once signals find the request: from then on they tell.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.push.epoch(self.scope) == self.epoch && !self.is_superseded()
    }

    /// Sees everything up to now. Call it **before** reading again: what comes during the reading
    /// is then noticed. A superseded watcher stays so.
    pub fn rearm(&mut self) {
        self.epoch = self.push.epoch(self.scope);
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        if self.ticket != Self::GIVEN_BACK {
            let tickets = &self.push.0.tickets;
            let _ = tickets.give_back(self.scope, self.device, self.ticket);
        }
    }
}
