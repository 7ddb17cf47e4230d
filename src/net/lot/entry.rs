//! One connection in the lot.

use std::os::fd::{AsFd, OwnedFd};

use socket2::SockRef;

use crate::http::{Peer, Terms};
use crate::net::admission::Place;
use crate::net::tls::Tls;

/// A connection without anybody who works on it: plain data that may move to another core.
pub(in crate::net) struct Link {
    pub(in crate::net) fd: OwnedFd,
    pub(in crate::net) tls: Tls,
    pub(in crate::net) peer: Peer,
    pub(in crate::net) place: Place,
}

impl Link {
    /// Bytes on the heap.
    pub(super) fn bytes(&self) -> usize {
        self.tls.bytes_held()
    }

    /// Says goodbye, without waiting for the peer to take it.
    pub(super) fn finish(&mut self) {
        let mut wire = Vec::new();
        let socket = SockRef::from(&self.fd);
        if self.tls.close(&mut wire).is_ok() && !wire.is_empty() {
            let _ = socket.send_with_flags(&wire, libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT);
        }
        let _ = socket.shutdown(std::net::Shutdown::Write);
    }

    /// Lets a send that is under way fail.
    pub(super) fn abort(&self) {
        let _ = SockRef::from(&self.fd.as_fd()).shutdown(std::net::Shutdown::Both);
    }
}

/// What an entry waits for.
pub(super) enum Waits<P> {
    /// The peer's next request.
    Request,
    /// Something to answer.
    Answer(P, Terms),
    /// The kernel, with an answer. Such an entry is not taken out before the kernel is done: the
    /// answer names its descriptor.
    Sent {
        /// The connection stays afterwards.
        stays: bool,
    },
}

/// One connection in the lot.
pub(super) struct Entry<P> {
    pub(super) link: Link,
    pub(super) waits: Waits<P>,
    /// Its place in the wheel.
    pub(super) timer: u32,
    /// The next entry of the same account.
    pub(super) next: u32,
    /// Bytes that it counts for while its request waits.
    pub(super) counted: u32,
    /// The kernel tells when the peer speaks.
    pub(super) armed: bool,
    /// The peer spoke while an answer was under way.
    pub(super) spoke: bool,
}

impl<P> Entry<P> {
    pub(super) fn new(link: Link, waits: Waits<P>) -> Self {
        Self {
            link,
            waits,
            timer: 0,
            next: u32::MAX,
            counted: 0,
            armed: false,
            spoke: false,
        }
    }
}

/// A share of `spread_ms` for number `n`, neighbours far from each other (the factor is 2^64 over
/// the golden ratio).
pub(super) fn jitter_ms(n: u64, spread_ms: u64) -> u64 {
    let turn = n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    (turn * spread_ms.min(u64::from(u32::MAX))) >> 32
}
