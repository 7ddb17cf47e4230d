//! What may happen next, and how often. A step carries its own seed: one that is taken out of a run
//! leaves the others as they were, so that a failing run can be shrunk.

use std::fmt;

use super::random::Random;

/// What happens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// Somebody types on a phone: it is sent with a later Sync.
    Edit,
    /// A phone syncs a collection, with what was typed.
    Sync,
    /// A phone does what it would do by itself.
    Next,
    /// Mail comes in over LMTP.
    Deliver,
    /// Another client, without a phone, changes something.
    Elsewhere,
    /// A phone waits with a Ping.
    Ping,
    /// A phone waits with a Sync.
    Wait,
    /// Time passes.
    Time,
    /// The wall clock jumps.
    Jump,
    /// The appliance is killed and starts again.
    Crash,
    /// The store begins or ceases to fail.
    Faults,
    /// A request of earlier arrives once more.
    Late,
    /// A phone makes, renames or deletes a folder.
    Folder,
    /// A phone moves a mail.
    Move,
    /// A phone sends a mail.
    Send,
    /// Someone sets another filter.
    Filter,
    /// A phone looks at everything again, or begins anew.
    Again,
    /// A phone trips over an item from now on, or does not any more.
    Choke,
    /// An administrator sets another policy, or has a phone wiped.
    Policy,
}

/// How many of a thousand steps are of each kind.
const ODDS: [(Kind, usize); 19] = [
    (Kind::Edit, 170),
    (Kind::Sync, 290),
    (Kind::Next, 110),
    (Kind::Deliver, 80),
    (Kind::Elsewhere, 90),
    (Kind::Ping, 50),
    (Kind::Wait, 25),
    (Kind::Time, 45),
    (Kind::Jump, 2),
    (Kind::Crash, 5),
    (Kind::Faults, 15),
    (Kind::Late, 40),
    (Kind::Folder, 18),
    (Kind::Move, 20),
    (Kind::Send, 25),
    (Kind::Filter, 10),
    (Kind::Again, 5),
    (Kind::Choke, 8),
    (Kind::Policy, 8),
];

/// One thing that happens; all its choices come out of `salt`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) kind: Kind,
    pub(crate) salt: u64,
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}({:#x})", self.kind, self.salt)
    }
}

/// The steps of a seed.
pub(crate) fn plan(seed: u64, steps: usize) -> Vec<Step> {
    let mut random = Random::new(seed);
    let all: usize = ODDS.iter().map(|(_, odds)| odds).sum();
    let mut draw = || {
        let mut left = random.below(all);
        let drawn = ODDS.iter().find(|(_, odds)| match left.checked_sub(*odds) {
            Some(rest) => {
                left = rest;
                false
            }
            None => true,
        });
        Step {
            kind: drawn.unwrap().0,
            salt: random.next(),
        }
    };
    (0..steps).map(|_| draw()).collect()
}
