//! What a core is told about an account, and who carries it there.

use std::sync::Arc;

use crate::store::{Hint, Scope, Wake};

/// One thing to tell whoever waits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Signal {
    /// An account moved on.
    Moved {
        /// The account.
        scope: Scope,
        /// Which folders changed, by whom.
        hints: Arc<[Hint]>,
        /// When that was durable, in microseconds of the monotonic clock.
        durable_us: u64,
    },
    /// A newer request of the device has the ticket now.
    End {
        /// The account.
        scope: Scope,
        /// The device.
        device: u32,
        /// The ticket of the request that is over.
        ticket: u64,
    },
    /// Signals were lost: everybody looks again.
    Gap,
}

impl Signal {
    /// The signal for a wake of the store.
    #[must_use]
    pub fn of(wake: &Wake, durable_us: u64) -> Self {
        match wake {
            Wake::Moved { scope, hints, .. } => Self::Moved {
                scope: *scope,
                hints: Arc::clone(hints),
                durable_us,
            },
            Wake::Gap => Self::Gap,
        }
    }

    /// Whose signal it is; `None`: everybody's.
    #[must_use]
    pub fn scope(&self) -> Option<Scope> {
        match self {
            Self::Moved { scope, .. } | Self::End { scope, .. } => Some(*scope),
            Self::Gap => None,
        }
    }
}

/// Brings signals to the cores that their accounts belong to; must not block.
pub trait Carrier: Send + Sync {
    /// Brings these, each core's in one message and in their order.
    fn carry(&self, signals: &mut dyn Iterator<Item = Signal>);
}

/// Nobody waits anywhere: for tools that serve nothing.
impl Carrier for () {
    fn carry(&self, _: &mut dyn Iterator<Item = Signal>) {}
}

/// A queue that whoever drives the cores by hand (simulation, tests) empties.
impl Carrier for flume::Sender<Signal> {
    fn carry(&self, signals: &mut dyn Iterator<Item = Signal>) {
        signals.for_each(|signal| drop(self.send(signal)));
    }
}
