//! Large buffers that are used again.
//!
//! An answer of half a megabyte is written, sent and dropped within a millisecond, over and over
//! while a phone syncs for the first time. Memory of that size is new to the process each time: the
//! kernel clears it page by page, which costs more than to write the answer. So each thread keeps a
//! few buffers of that kind, and whoever needs one asks here first.
//!
//! Deliberately absent: small buffers, which the allocator has at hand anyway.

use std::cell::RefCell;

/// Bytes of a buffer that is worth keeping.
pub const BYTES_MIN: usize = 48 * 1024;
/// Bytes of a buffer that is small enough to be kept.
const BYTES_MAX: usize = 1024 * 1024;
/// Buffers that a thread keeps.
const BUFFERS_MAX: usize = 3;

thread_local! {
    static SPARE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// An empty buffer with room for `bytes` at least.
#[must_use]
pub fn take(bytes: usize) -> Vec<u8> {
    let mut buffer = take_written(bytes);
    buffer.clear();
    buffer
}

/// The same with what its last user left in it, for who writes over that: it need not be cleared
/// for a slice of it to be had.
#[must_use]
pub fn take_written(bytes: usize) -> Vec<u8> {
    let kept = SPARE.with_borrow_mut(|spare| {
        let fits = |buffer: &Vec<u8>| buffer.capacity() >= bytes;
        let at = (0..spare.len())
            .filter(|at| spare.get(*at).is_some_and(fits))
            .min_by_key(|at| spare.get(*at).map(Vec::capacity))?;
        Some(spare.swap_remove(at))
    });
    kept.unwrap_or_else(|| Vec::with_capacity(bytes.max(BYTES_MIN)))
}

/// Gives a buffer back for others. Of too many the smallest goes.
pub fn give(buffer: Vec<u8>) {
    if !(BYTES_MIN..=BYTES_MAX).contains(&buffer.capacity()) {
        return;
    }
    SPARE.with_borrow_mut(|spare| {
        spare.push(buffer);
        if spare.len() > BUFFERS_MAX {
            let least = (0..spare.len()).min_by_key(|at| spare.get(*at).map(Vec::capacity));
            least.map(|at| spare.swap_remove(at));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_used_again_where_it_is_large_enough() {
        let mut buffer = Vec::with_capacity(100_000);
        buffer.push(1);
        give(buffer);
        assert!(take(200_000).capacity() >= 200_000);
        let written = take_written(90_000);
        assert_eq!(written, [1]);
        give(written);
        let again = take(90_000);
        assert_eq!((again.capacity(), again.len()), (100_000, 0));
        assert_eq!(take(90_000).capacity(), 90_000, "it is in use");
    }

    #[test]
    fn what_is_small_or_huge_or_too_much_is_not_kept() {
        let kept = || SPARE.with_borrow(|spare| spare.iter().map(Vec::capacity).sum::<usize>());
        give(Vec::with_capacity(BYTES_MIN - 1));
        give(Vec::with_capacity(BYTES_MAX + 1));
        assert_eq!(kept(), 0);
        (1..=10).for_each(|n| give(Vec::with_capacity(n * 100_000)));
        assert_eq!(kept(), 2_700_000);
    }
}
