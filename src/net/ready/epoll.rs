//! The same through epoll, where io_uring is not to be had. Answers are sent one by one.

#![expect(unsafe_code, reason = "epoll has no safe form in std")]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use socket2::SockRef;

use super::{Event, Interest, Token};

/// Events that one call brings.
const BATCH: usize = 256;

pub(super) struct Epoll {
    fd: OwnedFd,
    /// Answers that were handed over since the last turn.
    sent: Vec<Event>,
    /// Sockets that epoll could not take: their owners find out by reading.
    refused: Vec<Token>,
    events: Vec<libc::epoll_event>,
}

impl Epoll {
    pub(super) fn new() -> io::Result<Self> {
        // SAFETY: the call takes no memory of ours.
        let fd = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Self {
            // SAFETY: it was opened just now, and nobody else knows it.
            fd: unsafe { OwnedFd::from_raw_fd(fd) },
            sent: Vec::new(),
            refused: Vec::new(),
            events: vec![libc::epoll_event { events: 0, u64: 0 }; BATCH],
        })
    }

    pub(super) fn bell(&self) -> io::Result<OwnedFd> {
        self.fd.try_clone()
    }

    pub(super) fn arm(&mut self, fd: RawFd, interest: Interest, token: Token) {
        let events = match interest {
            Interest::Read => libc::EPOLLIN | libc::EPOLLRDHUP,
            Interest::Write => libc::EPOLLOUT,
        };
        let events = (events | libc::EPOLLONESHOT).unsigned_abs();
        // Most sockets were armed before.
        if self.control(libc::EPOLL_CTL_MOD, fd, events, token).is_ok() {
            return;
        }
        if self
            .control(libc::EPOLL_CTL_ADD, fd, events, token)
            .is_err()
        {
            self.refused.push(token);
        }
    }

    pub(super) fn disarm(&mut self, fd: RawFd) {
        let _ = self.control(libc::EPOLL_CTL_DEL, fd, 0, Token(0));
    }

    fn control(&self, what: libc::c_int, fd: RawFd, events: u32, token: Token) -> io::Result<()> {
        let mut event = libc::epoll_event {
            events,
            u64: token.0,
        };
        // SAFETY: the pointer is to a live event, which the call only reads.
        let done = unsafe { libc::epoll_ctl(self.fd.as_raw_fd(), what, fd, &raw mut event) };
        if done < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }

    pub(super) fn send(&mut self, fd: BorrowedFd<'_>, bytes: Vec<u8>, token: Token) {
        let flags = libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT;
        let taken = match SockRef::from(&fd).send_with_flags(&bytes, flags) {
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(0),
            taken => taken,
        };
        self.sent.push(Event::Sent {
            token,
            taken,
            bytes,
        });
    }

    pub(super) fn reap(&mut self, events: &mut Vec<Event>) {
        events.append(&mut self.sent);
        events.extend(self.refused.drain(..).map(Event::Ready));
        loop {
            let room = i32::try_from(self.events.len()).unwrap_or(i32::MAX);
            // SAFETY: the pointer is to `room` live events, which the call writes.
            let n =
                unsafe { libc::epoll_wait(self.fd.as_raw_fd(), self.events.as_mut_ptr(), room, 0) };
            let n = usize::try_from(n).unwrap_or(0);
            let ready = self.events.iter().take(n);
            events.extend(ready.map(|e| Event::Ready(Token(e.u64))));
            if n < self.events.len() {
                break;
            }
        }
    }
}
