//! How soon a core runs once it is woken, where other threads want its processor as well.
//!
//! The committer wakes a core and goes on; a worker may be in the middle of a mail. Linux (6.12 and later)
//! lets a thread say how long the turns are that it wants, and one that wants short turns runs at once when
//! it is woken, before one with longer turns. Its share of the processor stays the same. Earlier systems
//! take no notice.
//!
//! Deliberately absent: priorities. They need privileges, and a busy core would starve the committer that
//! it waits for.

#![expect(unsafe_code, reason = "the system calls have no safe form")]

use std::mem::{size_of_val, zeroed};

/// The shortest turn that the system grants, in nanoseconds.
const TURN_NS: u64 = 100_000;

/// Asks for short turns for the calling thread. Whoever runs the process under another policy, such as
/// those of batch jobs and of real time, means it: nothing is changed then.
pub(super) fn ask_for_short_turns() {
    let Some(attr) = read() else { return };
    if attr.sched_policy != libc::SCHED_OTHER.unsigned_abs() {
        return;
    }
    let wanted = libc::sched_attr {
        sched_runtime: TURN_NS,
        ..attr
    };
    // SAFETY: the pointer is to a live sched_attr that says its size; 0 is the calling thread. It is a wish:
    // where it is refused nothing has changed.
    unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const wanted, 0) };
}

/// How the calling thread is scheduled; none where the system does not tell.
fn read() -> Option<libc::sched_attr> {
    // SAFETY: a struct of integers, of which zero is one.
    let mut attr: libc::sched_attr = unsafe { zeroed() };
    let bytes = size_of_val(&attr);
    // SAFETY: the pointer is to a live, writable sched_attr of the size given; 0 is the calling thread.
    let done = unsafe { libc::syscall(libc::SYS_sched_getattr, 0, &raw mut attr, bytes, 0) };
    (done == 0).then_some(attr)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_length_of_turns_changes() {
        let before = read().unwrap();
        ask_for_short_turns();
        let after = read().unwrap();
        assert_eq!(
            (before.sched_policy, before.sched_nice, before.sched_flags),
            (after.sched_policy, after.sched_nice, after.sched_flags)
        );
        // Systems that know nothing of it say 0, or what they had.
        assert!([TURN_NS, before.sched_runtime].contains(&after.sched_runtime));
    }

    #[test]
    fn a_batch_job_stays_one() {
        let job = std::thread::spawn(|| {
            let mut attr = read().unwrap();
            attr.sched_policy = libc::SCHED_BATCH.unsigned_abs();
            // SAFETY: as above.
            let done = unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attr, 0) };
            assert_eq!(done, 0);
            let before = read().unwrap().sched_runtime;
            ask_for_short_turns();
            (before, read().unwrap().sched_runtime)
        });
        let (before, after) = job.join().unwrap();
        assert_eq!(before, after);
    }
}
