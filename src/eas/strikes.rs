//! Strikes: how often a device has asked again for an answer instead of going on, item by item.
//!
//! A phone that trips over an item in an answer does not say so: it asks for the same answer again, or
//! begins anew with key 0, and would do so for ever. After [`STRIKES_MAX`] times the items of that answer
//! are *suspects*, and are told one by one. One that comes alone and is asked for again so often is
//! broken for this device. An answer that arrives clears what it told.
//!
//! Kept in memory: who was lost with a restart is counted anew. Deliberately absent: the list of what is
//! broken, which is durable ([`crate::mailbox::Broken`]); repetitions of other requests, which are the
//! [storm guard](super::storm)'s affair.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use roaring::RoaringBitmap;

use crate::limits::{STRIKES_KEPT, STRIKES_MAX};
use crate::mailbox::{DeviceNo, FolderId};
use crate::store::Scope;

/// A collection on a device.
pub type At = (Scope, DeviceNo, FolderId);

/// What became of the answer before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Heard {
    /// The device presents its key.
    Yes,
    /// It does not.
    No,
}

/// Strikes of one item: in answers with others, and alone.
#[derive(Clone, Copy, Default)]
struct Count {
    among: u8,
    alone: u8,
}

type Counts = HashMap<u32, Count>;

/// A collection with strikes.
#[derive(Clone, Default)]
struct Collection {
    counts: Counts,
    /// What the latest answer told.
    told: RoaringBitmap,
}

impl Collection {
    /// What it counts for in the bound of all.
    fn weight(&self) -> usize {
        self.counts.len().max(1)
    }
}

#[derive(Default)]
struct All {
    by_collection: HashMap<At, Collection>,
    /// Counts in all of them, and one for each without any.
    items: usize,
}

/// What follows for the next answer.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Standing {
    /// Items that are told one by one.
    pub suspects: RoaringBitmap,
    /// The item that the device cannot take.
    pub broken: Option<u32>,
    /// What the answer before told.
    told: RoaringBitmap,
}

/// What all cores share. A cheap clone.
#[derive(Clone, Default)]
pub struct Strikes(Arc<Shared>);

#[derive(Default)]
struct Shared {
    counts: Mutex<All>,
    /// Collections in it: nearly always 0, and then nobody wants the lock.
    len: AtomicUsize,
}

impl std::fmt::Debug for Strikes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Strikes")
            .field("collections", &self.0.len)
            .finish()
    }
}

impl Strikes {
    /// Nothing is known of this collection, and an answer that was heard changes nothing: no need to
    /// find out what it told.
    #[must_use]
    pub fn is_clear(&self, at: At) -> bool {
        self.0.len.load(Ordering::Acquire) == 0 || !self.counts().by_collection.contains_key(&at)
    }

    /// How things stand with this request. Where nothing is known of the answer before, `told` says what
    /// that brought. Changes nothing: a request may be computed several times.
    #[must_use]
    pub fn standing(&self, at: At, heard: Heard, told: impl FnOnce() -> RoaringBitmap) -> Standing {
        let known = self.counts().by_collection.get(&at).cloned();
        let mut known = known.unwrap_or_else(|| Collection {
            counts: Counts::new(),
            told: told(),
        });
        let (suspects, broken) = advance(&mut known.counts, heard, &known.told);
        Standing {
            suspects,
            broken,
            told: known.told,
        }
    }

    /// The request was served, and its answer tells `told`.
    pub fn note(&self, at: At, heard: Heard, standing: &Standing, told: RoaringBitmap) {
        if heard == Heard::Yes && self.is_clear(at) {
            return;
        }
        let mut all = self.counts();
        let mut known = match all.by_collection.remove(&at) {
            Some(known) => {
                all.items -= known.weight();
                known
            }
            None => Collection::default(),
        };
        advance(&mut known.counts, heard, &standing.told);
        if let Some(item) = standing.broken {
            known.counts.remove(&item);
        }
        known.told = told;
        // An answer to a repetition may tell more than the first one did: what the commands came to that
        // were not repeated. The state does not say so, and the next repetition is about that.
        if !known.counts.is_empty() || (heard == Heard::No && !known.told.is_empty()) {
            all.items += known.weight();
            all.by_collection.insert(at, known);
        }
        if all.items > STRIKES_KEPT {
            // Thousands of phones ask again: that is the network, or this machine.
            *all = All::default();
        }
        self.0.len.store(all.by_collection.len(), Ordering::Release);
    }

    fn counts(&self) -> MutexGuard<'_, All> {
        // Sound between any two statements.
        self.0.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts; gives the suspects, and what is broken.
fn advance(
    counts: &mut Counts,
    heard: Heard,
    told: &RoaringBitmap,
) -> (RoaringBitmap, Option<u32>) {
    let is_alone = told.len() == 1;
    for item in told {
        match heard {
            Heard::Yes => drop(counts.remove(&item)),
            Heard::No => {
                let count = counts.entry(item).or_default();
                let strikes = if is_alone {
                    &mut count.alone
                } else {
                    &mut count.among
                };
                *strikes = strikes.saturating_add(1);
            }
        }
    }
    let broken = told.min().filter(|item| {
        let count = counts.get(item);
        is_alone && count.is_some_and(|count| count.alone >= STRIKES_MAX)
    });
    let suspects = counts.iter().filter(|(_, c)| c.among >= STRIKES_MAX);
    (suspects.map(|(item, _)| *item).collect(), broken)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: At = (Scope(16), DeviceNo(1), FolderId(2));

    fn set(items: &[u32]) -> RoaringBitmap {
        items.iter().copied().collect()
    }

    /// A request, and what its answer tells; the suspects, and what is broken.
    fn see(strikes: &Strikes, heard: Heard, tells: &[u32]) -> (Vec<u32>, Option<u32>) {
        let first = || set(&[1, 2, 3]);
        let standing = strikes.standing(AT, heard, first);
        assert_eq!(strikes.standing(AT, heard, first), standing, "only looking");
        strikes.note(AT, heard, &standing, set(tells));
        (standing.suspects.iter().collect(), standing.broken)
    }

    #[test]
    fn three_times_together_three_times_alone() {
        let strikes = Strikes::default();
        for _ in 0..2 {
            assert_eq!(see(&strikes, Heard::No, &[1, 2, 3]), (vec![], None));
        }
        // One by one: 3 and 1 arrive, 2 does not.
        assert_eq!(see(&strikes, Heard::No, &[3]).0, [1, 2, 3]);
        assert_eq!(see(&strikes, Heard::Yes, &[2]).0, [1, 2]);
        for _ in 0..2 {
            assert_eq!(see(&strikes, Heard::No, &[2]).1, None);
        }
        assert_eq!(see(&strikes, Heard::No, &[2]).1, Some(2));
        assert_eq!(see(&strikes, Heard::Yes, &[1]).0, [1]);
        assert!(see(&strikes, Heard::Yes, &[]).0.is_empty());
        assert!(strikes.is_clear(AT));
    }

    #[test]
    fn what_arrives_in_between_begins_anew() {
        let strikes = Strikes::default();
        for _ in 0..10 {
            for _ in 0..2 {
                assert_eq!(see(&strikes, Heard::No, &[1, 2, 3]), (vec![], None));
            }
            see(&strikes, Heard::Yes, &[7]);
            assert!(strikes.is_clear(AT));
        }
        // An answer that tells nothing, as to key 0, says nothing of others.
        see(&strikes, Heard::No, &[]);
        see(&strikes, Heard::Yes, &[7]);
        assert!(!strikes.is_clear(AT));
    }

    #[test]
    fn what_only_the_repetition_tells_is_counted_too() {
        let strikes = Strikes::default();
        let again = || {
            // The answer that was lost told nothing, and the state knows of no other.
            let standing = strikes.standing(AT, Heard::No, RoaringBitmap::new);
            strikes.note(AT, Heard::No, &standing, set(&[7]));
            standing.broken
        };
        for _ in 0..STRIKES_MAX {
            assert_eq!(again(), None);
        }
        assert_eq!(again(), Some(7));
        // An answer without anything in it leaves nothing behind.
        let strikes = Strikes::default();
        let standing = strikes.standing(AT, Heard::No, RoaringBitmap::new);
        strikes.note(AT, Heard::No, &standing, RoaringBitmap::new());
        assert!(strikes.is_clear(AT));
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let strikes = Strikes::default();
        for n in 0..1_000 {
            let at = (Scope(n), DeviceNo(1), FolderId(2));
            let standing = strikes.standing(at, Heard::No, || (0..1_000).collect());
            strikes.note(at, Heard::No, &standing, RoaringBitmap::new());
            let all = strikes.counts();
            let kept = all.by_collection.values().map(Collection::weight);
            assert_eq!(kept.sum::<usize>(), all.items);
            assert!(all.items <= STRIKES_KEPT);
        }
    }
}
