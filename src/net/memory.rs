//! Gives memory that was freed back to the system.
//!
//! The allocator keeps what is freed for a while, since much of it is wanted again at once, and looks
//! for what is overdue when somebody asks it for memory. A server on which nothing happens asks for
//! none: the peak of a bad minute would stay with it all night. So somebody has to ask.

#![expect(unsafe_code, reason = "the allocator has a C interface")]

/// Gives back what has been free for longer than the allocator's delay. Cheap where there is nothing.
pub(super) fn give_back_overdue() {
    // SAFETY: it takes no memory of ours and may be called by any thread at any time.
    unsafe { libmimalloc_sys::mi_collect(false) }
}
