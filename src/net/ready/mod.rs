//! What a core waits for, beside its runtime: sockets that become ready, answers that are sent.
//!
//! A raw io_uring of the core's own ([`uring`]), or an epoll descriptor where io_uring is not to be
//! had ([`epoll`]). The runtime waits on the *descriptor of that ring* as on one more socket, so
//! ten thousand waiting connections cost it one operation. A socket is armed for one readiness at a
//! time and owns no buffer; an answer is handed over with its buffer, which comes back when the
//! kernel is done with it.
//!
//! Two kinds of waiters: tasks ([`Ready::wait`], woken through their waker) and whoever drains the
//! [`Event`]s (the parking lot), which names its sockets with a [`Token`]. Deliberately absent:
//! deadlines, and reading (a socket that is ready is read by its owner, without waiting).

mod epoll;
mod uring;
mod wait;

use std::cell::{Cell, RefCell};
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd, RawFd};
use std::rc::Rc;
use std::task::Waker;

use super::cores::Driver;
use epoll::Epoll;
use uring::Ring;
pub(super) use wait::Wait;
use wait::Waits;

/// What a socket is to become ready for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Interest {
    Read,
    Write,
}

/// Names a waiter: a place and the count of its uses, so that what comes late for an earlier user
/// of the place is told apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Token(u64);

impl Token {
    /// Set for tasks, not for the lot.
    const TASK: u64 = 1 << 61;
    const USES: u64 = (1 << 29) - 1;

    /// A place of the lot.
    pub(super) fn entry(index: u32, uses: u32) -> Self {
        Self((u64::from(uses) & Self::USES) << 32 | u64::from(index))
    }

    fn task(index: u32, uses: u32) -> Self {
        Self(Self::entry(index, uses).0 | Self::TASK)
    }

    fn is_task(self) -> bool {
        self.0 & Self::TASK != 0
    }

    /// The place.
    pub(super) fn index(self) -> u32 {
        // The lower half.
        u32::try_from(self.0 & u64::from(u32::MAX)).unwrap_or(u32::MAX)
    }
}

/// What happened.
#[derive(Debug)]
pub(super) enum Event {
    /// A socket of the lot may be read, has ended or failed. It is no longer armed.
    Ready(Token),
    /// An answer is handed over, in part or in full, or cannot be.
    Sent {
        token: Token,
        /// Bytes that the kernel took.
        taken: io::Result<usize>,
        /// All bytes of the answer.
        bytes: Vec<u8>,
    },
}

enum Backend {
    Ring(Box<Ring>),
    Epoll(Epoll),
}

/// Everything that one core waits for.
pub(super) struct Ready {
    backend: RefCell<Backend>,
    waits: RefCell<Waits>,
    /// Something is queued that the kernel has not been told of.
    dirty: Cell<bool>,
    /// The task that submits and reaps.
    keeper: RefCell<Option<Waker>>,
}

impl Ready {
    /// A ring, or epoll where that is asked for or the kernel lets us have no ring.
    ///
    /// # Errors
    /// When there is no descriptor left.
    pub(super) fn new(driver: Driver) -> io::Result<Rc<Self>> {
        let ring = match driver {
            Driver::Auto => Ring::new().map(|ring| Backend::Ring(Box::new(ring))),
            Driver::Epoll => Err(io::ErrorKind::Unsupported.into()),
        };
        let backend = match ring {
            Ok(ring) => ring,
            Err(_) => Backend::Epoll(Epoll::new()?),
        };
        Ok(Rc::new(Self {
            backend: RefCell::new(backend),
            waits: RefCell::default(),
            dirty: Cell::new(false),
            keeper: RefCell::new(None),
        }))
    }

    /// Whether it is a ring.
    pub(super) fn is_ring(&self) -> bool {
        matches!(*self.backend.borrow(), Backend::Ring(_))
    }

    /// A descriptor that is readable whenever [`Ready::reap`] has something to bring.
    pub(super) fn bell(&self) -> io::Result<OwnedFd> {
        match &*self.backend.borrow() {
            Backend::Ring(ring) => ring.bell(),
            Backend::Epoll(epoll) => epoll.bell(),
        }
    }

    /// The task that calls [`Ready::submit`] and [`Ready::reap`] whenever it is woken.
    pub(super) fn keep(&self, waker: &Waker) {
        let mut keeper = self.keeper.borrow_mut();
        match keeper.as_mut() {
            Some(kept) => kept.clone_from(waker),
            None => *keeper = Some(waker.clone()),
        }
    }

    /// Wakes the keeper: there is something to do in the lot.
    pub(super) fn knock(&self) {
        if let Some(keeper) = &*self.keeper.borrow() {
            keeper.wake_by_ref();
        }
    }

    /// Waits in a task until the socket is ready.
    pub(super) fn wait<'a>(self: &'a Rc<Self>, fd: BorrowedFd<'a>, interest: Interest) -> Wait<'a> {
        Wait::new(self, fd, interest)
    }

    /// Arms a socket of the lot: one [`Event::Ready`] with this token, unless it is disarmed before.
    pub(super) fn arm(&self, fd: BorrowedFd<'_>, token: Token) {
        self.arm_for(fd, Interest::Read, token);
    }

    fn arm_for(&self, fd: BorrowedFd<'_>, interest: Interest, token: Token) {
        match &mut *self.backend.borrow_mut() {
            Backend::Ring(ring) => ring.arm(raw(fd), interest, token),
            Backend::Epoll(epoll) => epoll.arm(raw(fd), interest, token),
        }
        self.soil();
    }

    /// Takes it back; an event that is on its way already may still come.
    ///
    /// IMPORTANT: before the descriptor is closed. The kernel holds the socket open for as long as
    /// it is armed.
    pub(super) fn disarm(&self, fd: BorrowedFd<'_>, token: Token) {
        match &mut *self.backend.borrow_mut() {
            Backend::Ring(ring) => ring.disarm(token),
            Backend::Epoll(epoll) => epoll.disarm(raw(fd)),
        }
        self.soil();
    }

    /// Queues an answer; [`Event::Sent`] brings the buffer back. The descriptor may be closed
    /// meanwhile.
    pub(super) fn send(&self, fd: BorrowedFd<'_>, bytes: Vec<u8>, token: Token) {
        match &mut *self.backend.borrow_mut() {
            Backend::Ring(ring) => ring.send(raw(fd), bytes, token),
            Backend::Epoll(epoll) => epoll.send(fd, bytes, token),
        }
        self.dirty.set(true);
    }

    /// Tells the kernel what is queued, in one call. Returns whether there was anything.
    pub(super) fn submit(&self) -> bool {
        if !self.dirty.replace(false) {
            return false;
        }
        if let Backend::Ring(ring) = &mut *self.backend.borrow_mut() {
            ring.submit();
        }
        true
    }

    /// Wakes the tasks whose sockets are ready; the rest goes into `events`. Returns how much there
    /// was.
    pub(super) fn reap(&self, events: &mut Vec<Event>) -> usize {
        let before = events.len();
        match &mut *self.backend.borrow_mut() {
            Backend::Ring(ring) => ring.reap(events),
            Backend::Epoll(epoll) => epoll.reap(events),
        }
        let all = events.len() - before;
        let mut waits = self.waits.borrow_mut();
        let mut at = before;
        while let Some(event) = events.get(at) {
            match event {
                Event::Ready(token) if token.is_task() => {
                    waits.fire(*token);
                    events.swap_remove(at);
                }
                _ => at += 1,
            }
        }
        all
    }

    /// The keeper has to submit before the core sleeps.
    fn soil(&self) {
        if !self.dirty.replace(true) {
            self.knock();
        }
    }
}

fn raw(fd: BorrowedFd<'_>) -> RawFd {
    std::os::fd::AsRawFd::as_raw_fd(&fd)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    const BOTH: [Driver; 2] = [Driver::Auto, Driver::Epoll];

    fn events(ready: &Ready) -> Vec<Event> {
        let mut events = Vec::new();
        for _ in 0..1_000 {
            ready.submit();
            if ready.reap(&mut events) > 0 {
                break;
            }
            std::thread::yield_now();
        }
        events
    }

    #[test]
    fn a_socket_is_ready_once() {
        for driver in BOTH {
            let ready = Ready::new(driver).unwrap();
            let (mut there, here) = UnixStream::pair().unwrap();
            let token = Token::entry(7, 3);
            ready.arm(here.as_fd(), token);
            assert!(events(&ready).is_empty());
            there.write_all(b"x").unwrap();
            let got = events(&ready);
            assert!(matches!(got[..], [Event::Ready(t)] if t == token && t.index() == 7));
            there.write_all(b"x").unwrap();
            assert!(events(&ready).is_empty(), "not armed any more");
            ready.arm(here.as_fd(), token);
            assert_eq!(events(&ready).len(), 1, "what is there already counts");
        }
    }

    #[test]
    fn a_disarmed_socket_is_closed_when_it_is_dropped() {
        for driver in BOTH {
            let ready = Ready::new(driver).unwrap();
            let (mut there, here) = UnixStream::pair().unwrap();
            let token = Token::entry(1, 1);
            ready.arm(here.as_fd(), token);
            ready.submit();
            ready.disarm(here.as_fd(), token);
            ready.submit();
            drop(here);
            assert_eq!(there.read(&mut [0; 8]).unwrap(), 0);
            let mut events = Vec::new();
            ready.reap(&mut events);
            assert!(events.is_empty());
        }
    }

    #[test]
    fn an_answer_comes_back_with_its_buffer() {
        for driver in BOTH {
            let ready = Ready::new(driver).unwrap();
            let (mut there, here) = UnixStream::pair().unwrap();
            ready.send(here.as_fd(), b"hello".to_vec(), Token::entry(2, 1));
            let got = events(&ready);
            let [Event::Sent { taken, bytes, .. }] = &got[..] else {
                panic!("{got:?}");
            };
            assert_eq!((taken.as_ref().unwrap(), &bytes[..]), (&5, &b"hello"[..]));
            let mut heard = [0; 5];
            there.read_exact(&mut heard).unwrap();
            assert_eq!(&heard, b"hello");
            drop(there);
            ready.send(here.as_fd(), b"gone".to_vec(), Token::entry(2, 1));
            let got = events(&ready);
            assert!(matches!(&got[..], [Event::Sent { taken: Err(_), .. }]));
        }
    }

    #[test]
    fn more_than_the_ring_holds() {
        for driver in BOTH {
            let ready = Ready::new(driver).unwrap();
            let pairs: Vec<_> = (0..3_000).map(|_| UnixStream::pair().unwrap()).collect();
            for (n, (_, here)) in (0..).zip(&pairs) {
                ready.arm(here.as_fd(), Token::entry(n, 0));
                ready.send(here.as_fd(), b"x".to_vec(), Token::entry(n, 0));
            }
            for (mut there, _) in pairs.iter().map(|(t, h)| (t, h)) {
                there.write_all(b"y").unwrap();
            }
            let (mut sent, mut readable) = (0, 0);
            for _ in 0..10_000 {
                for event in events(&ready) {
                    match event {
                        Event::Sent { taken, .. } => sent += taken.unwrap(),
                        Event::Ready(_) => readable += 1,
                    }
                }
                if (sent, readable) == (3_000, 3_000) {
                    break;
                }
            }
            assert_eq!((sent, readable), (3_000, 3_000));
        }
    }
}
