//! Which rows were read a moment ago, so that they lie in the engine's cache.
//!
//! A core may read what is warm: that takes microseconds. What is not may lie on a disk, and is read
//! by the engine's readers. The table is small and forgets by overwriting: two neighbourhoods of one
//! slot make a warm one look cold now and then (a hand-over too many), or, within a minute and by a
//! hash of 64 bits cut to the slot's tag, a cold one warm (a read from the disk on a core).

use std::hash::{DefaultHasher, Hasher as _};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::{Clock, MonoMs};
use crate::store::Read;
use crate::store::keys::Kind;

/// Slots, 2 MiB in all: some for each of many thousand accounts.
const SLOTS: usize = 256 * 1024;
/// Bytes of a key that name its neighbourhood: of items and changes groups of 256, of the others an
/// account or a folder.
const NEIGHBOURHOOD_BYTES: usize = 16;
/// How long rows are believed to be in the cache after they were read, in milliseconds.
const WARM_MS: MonoMs = 60_000;
/// Items of a range that a core reads, where it begins warm: they are the large rows.
const ITEMS_ON_CORE: usize = 512;
/// Milliseconds of the clock are kept in the lower half of a slot, a tag of the hash in the upper.
const TAG_SHIFT: u32 = 32;

/// Where a read begins.
fn begin<'a>(read: &Read<'a>) -> &'a [u8] {
    match *read {
        Read::Get(key) => key,
        Read::Range {
            from,
            reverse: false,
            ..
        } => from,
        Read::Range { to, .. } => to,
    }
}

/// When neighbourhoods of keys were read last.
pub(super) struct Warm {
    clock: Clock,
    slots: Box<[AtomicU64]>,
}

impl Warm {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            clock,
            slots: (0..SLOTS).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// Whether all of these are warm. A range is judged by where it begins; many items never are.
    pub(super) fn are(&self, reads: &[Read<'_>]) -> bool {
        let now = self.now();
        reads.iter().all(|read| match read {
            Read::Range { from, limit, .. }
                if *limit > ITEMS_ON_CORE
                    && matches!(Kind::of(from), Some(Kind::Item | Kind::Words)) =>
            {
                false
            }
            read => self.is_at(begin(read), now),
        })
    }

    /// The same for one key.
    pub(super) fn is(&self, key: &[u8]) -> bool {
        self.is_at(key, self.now())
    }

    /// These were read just now.
    pub(super) fn mark<'a>(&self, reads: impl Iterator<Item = Read<'a>>) {
        let now = self.now();
        reads.for_each(|read| self.mark_at(begin(&read), now));
    }

    fn is_at(&self, key: &[u8], now: u64) -> bool {
        let Some((slot, tag)) = self.slot(key) else {
            return false;
        };
        let before = slot.load(Ordering::Relaxed);
        let age = now.wrapping_sub(before) & u64::from(u32::MAX);
        let is_warm = before != 0 && before >> TAG_SHIFT == tag && age < WARM_MS;
        if is_warm {
            slot.store(tag << TAG_SHIFT | now, Ordering::Relaxed);
        }
        is_warm
    }

    fn mark_at(&self, key: &[u8], now: u64) {
        if let Some((slot, tag)) = self.slot(key) {
            slot.store(tag << TAG_SHIFT | now, Ordering::Relaxed);
        }
    }

    /// The slot of a key's neighbourhood, and its tag.
    fn slot(&self, key: &[u8]) -> Option<(&AtomicU64, u64)> {
        let near = key.get(..NEIGHBOURHOOD_BYTES).unwrap_or(key);
        let mut hasher = DefaultHasher::new();
        hasher.write(near);
        let hash = hasher.finish();
        let slot = usize::try_from(hash % SLOTS as u64).ok();
        Some((self.slots.get(slot?)?, hash >> TAG_SHIFT))
    }

    /// Milliseconds, never 0, wrapping after some weeks.
    fn now(&self) -> u64 {
        (self.clock.mono_ms() & u64::from(u32::MAX)).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Scope, keys};

    #[test]
    fn what_was_read_a_moment_ago_is_warm_with_its_neighbours() {
        let clock = Clock::manual(0);
        let warm = Warm::new(clock.clone());
        let item = |n| keys::item(Scope(16), 2, n);
        let read = |n| {
            let key = item(n);
            warm.mark(std::iter::once(Read::Get(&key)));
        };
        assert!(!warm.is(&item(0)));
        read(0);
        assert!(warm.is(&item(255)));
        assert!(!warm.is(&item(256)), "another group");
        assert!(!warm.is(&keys::item(Scope(17), 2, 0)), "another account");
        clock.advance(59_999);
        assert!(warm.is(&item(7)));
        clock.advance(60_000);
        assert!(!warm.is(&item(7)));
        read(7);
        let both = [item(1), item(1_000)];
        let reads = both.each_ref().map(|key| Read::Get(key));
        assert!(!warm.are(&reads));
        read(1_000);
        assert!(warm.are(&reads));
        let long = keys::items(Scope(16), 2);
        warm.mark(std::iter::once(long.read(10)));
        assert!(warm.are(&[long.read(10)]) && !warm.are(&[long.read(1_000)]));
    }
}
