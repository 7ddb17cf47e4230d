//! Counts what a thread allocates. The allocator beneath is the one of the server, so that ratios
//! between a path that allocates and one that does not are those of the server.

#![expect(
    unsafe_code,
    reason = "an allocator is an unsafe trait; in the benches only"
)]

use mimalloc::MiMalloc;
use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

thread_local! {
    /// Constant and without a destructor: reading it never allocates.
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    // A thread that ends has no counter any more; nobody asks for its number either.
    let _ = COUNT.try_with(|count| count.set(count.get() + 1));
}

// SAFETY: every call goes to the allocator beneath with its arguments unchanged, and what it
// answers is answered; the counting touches no memory of the caller and does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the rules of this very method.
        unsafe { MiMalloc.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { MiMalloc.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as above; `ptr` came from the allocator beneath.
        unsafe { MiMalloc.realloc(ptr, layout, size) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: as above; `ptr` came from the allocator beneath.
        unsafe { MiMalloc.dealloc(ptr, layout) }
    }
}

/// Allocations (growths included) of this thread while `run` runs.
pub fn allocations(run: impl FnOnce()) -> u64 {
    let before = COUNT.get();
    run();
    COUNT.get() - before
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hint::black_box;

    #[test]
    fn allocations_and_growths_are_counted() {
        assert_eq!(allocations(|| assert_eq!(black_box(7), 7)), 0);
        assert_eq!(allocations(|| drop(black_box(Box::new(7)))), 1);
        let mut grown: Vec<u8> = Vec::with_capacity(8);
        assert_eq!(allocations(|| grown.reserve_exact(1 << 20)), 1);
    }
}
