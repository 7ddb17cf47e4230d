//! The end of a store: a write or a sync failed, and nothing may be written any more.
//!
//! A second sync after a failed one may claim success for what is lost, so there is no retry.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::CommitError;

/// Whether, and why, the store has failed; and who wants to hear of it.
#[derive(Default)]
pub(super) struct Poison(Mutex<State>);

#[derive(Default)]
struct State {
    reason: Option<String>,
    listeners: Vec<flume::Sender<String>>,
}

impl Poison {
    /// From now on every commit fails. The first reason stays.
    pub(super) fn set(&self, reason: &str) {
        let mut state = self.lock();
        if state.reason.is_none() {
            tracing::error!(store = "poisoned", reason);
            state.reason = Some(reason.to_owned());
            for listener in state.listeners.drain(..) {
                // Who has gone needs no telling.
                let _ = listener.try_send(reason.to_owned());
            }
        }
    }

    /// What commits are answered, once the store has failed.
    pub(super) fn check(&self) -> Result<(), CommitError> {
        let reason = self.lock().reason.clone();
        reason.map_or(Ok(()), |reason| Err(CommitError::Poisoned(reason)))
    }

    /// Gives the reason once, when the store fails or if it has failed already.
    pub(super) fn listen(&self) -> flume::Receiver<String> {
        let (tx, rx) = flume::bounded(1);
        let mut state = self.lock();
        match &state.reason {
            Some(reason) => drop(tx.try_send(reason.clone())),
            None => state.listeners.push(tx),
        }
        rx
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_reaches_early_and_late_listeners() {
        let poison = Poison::default();
        let early = poison.listen();
        assert!(poison.check().is_ok() && early.try_recv().is_err());
        poison.set("sync failed");
        poison.set("and again");
        assert_eq!(early.try_recv().unwrap(), "sync failed");
        assert_eq!(poison.listen().try_recv().unwrap(), "sync failed");
        assert_eq!(
            poison.check(),
            Err(CommitError::Poisoned("sync failed".into()))
        );
    }
}
