//! Faults that the memory engine is told to have. Seeded, so that a run can be repeated.

use std::collections::BTreeMap;

/// What goes wrong with one commit or blob.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Nothing is written, the caller hears [`CommitError::Full`](super::CommitError::Full).
    Full,
    /// Nothing is written, the caller hears of a conflict that there is not. Of no effect on blobs.
    Conflict,
    /// Written, but the caller hears that the outcome is unknown.
    AckLost,
    /// Not written, and the caller hears that the outcome is unknown.
    Lost,
    /// Nothing is written, and nothing will be any more.
    Poisoned,
    /// Done, after the future was polled this often in vain: others go first.
    Late(u32),
}

/// How many of a thousand commits have which fault.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Rates {
    /// [`Fault::Full`].
    pub full: u16,
    /// [`Fault::Conflict`].
    pub conflict: u16,
    /// [`Fault::AckLost`].
    pub ack_lost: u16,
    /// [`Fault::Lost`].
    pub lost: u16,
    /// [`Fault::Late`], by one to four polls.
    pub late: u16,
}

/// Which commits and blobs fail, and how. Commits and blobs are counted from 1, each by itself.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct FaultPlan {
    commits: BTreeMap<u64, Fault>,
    blobs: BTreeMap<u64, Fault>,
    seed: u64,
    rates: Rates,
    range_rows_max: Option<usize>,
}

impl FaultPlan {
    /// No faults.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Faults at these rates; the same seed gives the same faults to the same commits.
    #[must_use]
    pub fn random(seed: u64, rates: Rates) -> Self {
        Self {
            seed,
            rates,
            ..Self::default()
        }
    }

    /// Commit number `n` has this fault.
    #[must_use]
    pub fn commit(mut self, n: u64, fault: Fault) -> Self {
        self.commits.insert(n, fault);
        self
    }

    /// Blob number `n` has this fault.
    #[must_use]
    pub fn blob(mut self, n: u64, fault: Fault) -> Self {
        self.blobs.insert(n, fault);
        self
    }

    /// Ranges answer at most so many rows and say that there are more, as they may at any time.
    #[must_use]
    pub fn short_ranges(mut self, rows: usize) -> Self {
        self.range_rows_max = Some(rows.max(1));
        self
    }

    pub(super) fn of_commit(&self, n: u64) -> Option<Fault> {
        let planned = self.commits.get(&n).copied();
        planned.or_else(|| self.rates.draw(mix(self.seed, n)))
    }

    pub(super) fn of_blob(&self, n: u64) -> Option<Fault> {
        self.blobs.get(&n).copied()
    }

    pub(super) fn range_rows(&self, limit: usize) -> usize {
        self.range_rows_max.map_or(limit, |max| max.min(limit))
    }
}

impl Rates {
    fn draw(self, random: u64) -> Option<Fault> {
        let polls = 1 + u32::try_from(random >> 32 & 3).unwrap_or(0);
        let mut left = random % 1_000;
        for (rate, fault) in [
            (self.full, Fault::Full),
            (self.conflict, Fault::Conflict),
            (self.ack_lost, Fault::AckLost),
            (self.lost, Fault::Lost),
            (self.late, Fault::Late(polls)),
        ] {
            match left.checked_sub(u64::from(rate)) {
                Some(rest) => left = rest,
                None => return Some(fault),
            }
        }
        None
    }
}

/// A random number that depends on the seed and the count alone (splitmix64).
fn mix(seed: u64, n: u64) -> u64 {
    let mut z = seed.wrapping_add(n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_planned_fault_hits_its_commit_alone() {
        let plan = FaultPlan::none().commit(3, Fault::AckLost);
        let hit: Vec<_> = (1..9).filter(|n| plan.of_commit(*n).is_some()).collect();
        assert_eq!(hit, [3]);
        assert_eq!(plan.of_blob(3), None);
    }

    #[test]
    fn random_faults_follow_their_seed_and_their_rates() {
        let rates = Rates {
            conflict: 100,
            late: 50,
            ..Rates::default()
        };
        let draw = |seed| {
            let plan = FaultPlan::random(seed, rates);
            (0..10_000).map(|n| plan.of_commit(n)).collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        let count = |of: fn(&Fault) -> bool| draw(1).iter().flatten().filter(|f| of(f)).count();
        assert!((800..1_200).contains(&count(|f| *f == Fault::Conflict)));
        assert!((350..650).contains(&count(|f| matches!(f, Fault::Late(1..=4)))));
        assert_eq!(count(|f| *f == Fault::Full), 0);
    }
}
