//! What a run may find to be untrue.

use std::fmt;

use roost_load::Violation;

/// What is promised.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Oracle {
    /// A phone never trips over an answer.
    Protocol,
    /// Once the faults stop, every phone has what the server has, field by field.
    Convergence,
    /// What was acknowledged is there.
    Lost,
    /// Everything is there once.
    ExactlyOnce,
    /// What was deleted stays so.
    Resurrected,
    /// An item says what was written last.
    LastWriter,
    /// Of two who changed one item, the one wins who was asked for.
    Conflict,
    /// Who waits is told at once, and answered in time.
    Wake,
    /// At most two generations of a collection are kept.
    Generations,
    /// No request ends in an internal error.
    Internal,
    /// Rows fit together: what `roost check` looks at.
    Whole,
    /// There is an end to syncing.
    Quiescence,
}

/// The first thing that was found untrue.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Broken {
    pub(crate) oracle: Oracle,
    pub(crate) what: String,
}

impl Broken {
    pub(crate) fn new(oracle: Oracle, what: impl Into<String>) -> Self {
        let what = what.into();
        Self { oracle, what }
    }
}

impl fmt::Debug for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.oracle, self.what)
    }
}

impl From<Violation> for Broken {
    fn from(violation: Violation) -> Self {
        Self::new(Oracle::Protocol, violation.to_string())
    }
}

/// What a step comes to.
pub(crate) type Held<T = ()> = Result<T, Broken>;

/// Fails with an oracle unless something holds.
pub(crate) fn hold(oracle: Oracle, holds: bool, what: impl FnOnce() -> String) -> Held {
    if holds {
        Ok(())
    } else {
        Err(Broken::new(oracle, what()))
    }
}
