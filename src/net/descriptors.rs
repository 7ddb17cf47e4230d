//! The number of descriptors that the process may open.

#![expect(unsafe_code, reason = "the system call has no safe form in std")]

use std::io;

use crate::limits;

/// Raises the soft limit to the hard one. Returns how many connections fit below it.
///
/// # Errors
/// When the system tells no limit; not when it does not let us raise it.
pub fn raise_limit() -> io::Result<usize> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the pointer is to a live, writable rlimit.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let raised = libc::rlimit {
        rlim_cur: limit.rlim_max,
        ..limit
    };
    // SAFETY: the pointer is to a live rlimit.
    if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const raised) } == 0 {
        limit = raised;
    }
    let descriptors = usize::try_from(limit.rlim_cur).unwrap_or(usize::MAX);
    Ok(descriptors
        .saturating_sub(limits::DESCRIPTORS_RESERVED)
        .clamp(16, limits::CONNECTIONS_MAX))
}
