//! Readiness and answers through an io_uring of the core's own.
//!
//! Polls, not reads: a poll costs 256 bytes of the kernel's while it waits, a read with a buffer
//! group twice as much. Answers of one turn go to the kernel in one call.

#![expect(
    unsafe_code,
    reason = "entries of the ring name descriptors and buffers by address"
)]

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};

use io_uring::types::Fd;
use io_uring::{IoUring, Probe, opcode, squeue};

use super::{Event, Interest, Token};

/// Entries of the submission ring: so many answers share a call.
const ENTRIES: u32 = 1_024;
/// Entries of the completion ring; what is beyond waits in the kernel.
const COMPLETIONS: u32 = 8_192;
/// Marks an answer: the rest is its place among the buffers.
const SEND: u64 = 1 << 63;
/// Marks what nobody waits for.
const NOBODY: u64 = 1 << 62;

pub(super) struct Ring {
    ring: IoUring,
    /// Buffers that the kernel reads from, with who sent them.
    sends: Vec<Option<(Vec<u8>, Token)>>,
    free: Vec<u32>,
    /// Entries that found the submission ring full while the kernel took no more.
    backlog: VecDeque<squeue::Entry>,
}

impl Ring {
    /// # Errors
    /// When the kernel has no io_uring, denies it, or lacks what is needed of it (5.6 has all).
    pub(super) fn new() -> io::Result<Self> {
        let ring = IoUring::builder()
            .setup_cqsize(COMPLETIONS)
            .build(ENTRIES)?;
        let mut probe = Probe::new();
        ring.submitter().register_probe(&mut probe)?;
        let codes = [
            opcode::PollAdd::CODE,
            opcode::PollRemove::CODE,
            opcode::Send::CODE,
        ];
        if !codes.iter().all(|code| probe.is_supported(*code)) || !ring.params().is_feature_nodrop()
        {
            return Err(io::ErrorKind::Unsupported.into());
        }
        Ok(Self {
            ring,
            sends: Vec::new(),
            free: Vec::new(),
            backlog: VecDeque::new(),
        })
    }

    pub(super) fn bell(&self) -> io::Result<OwnedFd> {
        // SAFETY: the ring's descriptor is open for as long as the ring, which outlives this call.
        unsafe { BorrowedFd::borrow_raw(self.ring.as_raw_fd()) }.try_clone_to_owned()
    }

    pub(super) fn arm(&mut self, fd: RawFd, interest: Interest, token: Token) {
        let events = match interest {
            Interest::Read => libc::POLLIN | libc::POLLRDHUP,
            Interest::Write => libc::POLLOUT,
        };
        let events = u32::from(events.unsigned_abs());
        let entry = opcode::PollAdd::new(Fd(fd), events).build();
        self.push(entry.user_data(token.0));
    }

    pub(super) fn disarm(&mut self, token: Token) {
        let entry = opcode::PollRemove::new(token.0).build();
        self.push(entry.user_data(NOBODY));
    }

    pub(super) fn send(&mut self, fd: RawFd, bytes: Vec<u8>, token: Token) {
        let place = self.free.pop().unwrap_or_else(|| {
            self.sends.push(None);
            u32::try_from(self.sends.len() - 1).unwrap_or(u32::MAX)
        });
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        // The bytes of a vector stay where they are when the vector itself is moved.
        let entry = opcode::Send::new(Fd(fd), bytes.as_ptr(), len)
            .flags(libc::MSG_NOSIGNAL | libc::MSG_WAITALL)
            .build()
            .user_data(SEND | u64::from(place));
        if let Some(slot) = self.sends.get_mut(place as usize) {
            *slot = Some((bytes, token));
            self.push(entry);
        }
    }

    fn push(&mut self, entry: squeue::Entry) {
        if self.backlog.is_empty() && self.try_push(&entry) {
            return;
        }
        self.submit();
        if self.backlog.is_empty() && self.try_push(&entry) {
            return;
        }
        self.backlog.push_back(entry);
    }

    fn try_push(&mut self, entry: &squeue::Entry) -> bool {
        // SAFETY: a poll names no memory. A send names a buffer that `sends` holds until its
        // completion is reaped, or for ever if that never comes (see `drop`). A descriptor that is
        // closed before the kernel sees the entry gives an error and touches no memory.
        unsafe { self.ring.submission().push(entry) }.is_ok()
    }

    /// Hands everything to the kernel. What it does not take now stays queued: the next turn, after
    /// completions were reaped, tries again.
    pub(super) fn submit(&mut self) {
        loop {
            let _ = self.ring.submit();
            while let Some(entry) = self.backlog.pop_front() {
                if !self.try_push(&entry) {
                    self.backlog.push_front(entry);
                    break;
                }
            }
            if self.backlog.is_empty() || self.ring.submission().is_full() {
                break;
            }
        }
        if !self.ring.submission().is_empty() {
            let _ = self.ring.submit();
        }
    }

    pub(super) fn reap(&mut self, events: &mut Vec<Event>) {
        let Self {
            ring, sends, free, ..
        } = self;
        for completion in ring.completion() {
            let (data, result) = (completion.user_data(), completion.result());
            if data & SEND != 0 {
                let place = u32::try_from(data & !SEND).unwrap_or(u32::MAX);
                let slot = sends.get_mut(place as usize);
                if let Some((bytes, token)) = slot.and_then(Option::take) {
                    free.push(place);
                    let taken =
                        usize::try_from(result).map_err(|_| io::Error::from_raw_os_error(-result));
                    events.push(Event::Sent {
                        token,
                        taken,
                        bytes,
                    });
                }
            } else if data & NOBODY == 0 && result != -libc::ECANCELED {
                events.push(Event::Ready(Token(data)));
            }
        }
        if !self.backlog.is_empty() {
            self.submit();
        }
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // The kernel may still read from them while it takes the ring down.
        self.sends.drain(..).for_each(std::mem::forget);
    }
}
