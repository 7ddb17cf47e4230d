//! How fast a core begins TLS handshakes: after a restart tens of thousands of phones come back within
//! seconds, and each handshake is a tenth of a millisecond.
//!
//! A bucket of tokens, refilled at a bounded rate. While there are some, a connection passes without
//! further ado. Else it waits, those that offer to resume a session in front of the others: they are
//! cheaper, and their phones were here before. How long a connection may wait is its own deadline's
//! affair; when too many wait, the core accepts no more for the time being and the kernel's backlog
//! holds them. Deliberately absent: the ClientHello ([`super::tls::offers_resumption`]).

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::rc::{Rc, Weak};
use std::task::{Poll, Waker};
use std::time::Duration;

use crate::clock::MonoMs;
use crate::limits;

/// How often tokens are handed to those who wait.
pub(super) const PERIOD: Duration = Duration::from_millis(20);

/// The gate of one core.
pub(super) struct Gate {
    per_s: u64,
    inner: RefCell<Inner>,
}

struct Inner {
    /// Thousandths of a handshake.
    tokens: u64,
    refilled_ms: MonoMs,
    /// Who waits, in order: those that resume, and the others.
    lines: [VecDeque<Weak<RefCell<Turn>>>; 2],
    /// Woken when there is somebody to hand tokens to.
    porter: Option<Waker>,
    /// Woken when there is room in the lines again.
    acceptors: Vec<Waker>,
}

/// One that waits.
#[derive(Default)]
struct Turn {
    passed: bool,
    waker: Option<Waker>,
}

const WHOLE: u64 = 1_000;

impl Gate {
    /// Lets `per_s` handshakes begin each second; a fifth of that at once.
    pub(super) fn new(per_s: u64, now: MonoMs) -> Self {
        let per_s = per_s.max(1);
        Self {
            per_s,
            inner: RefCell::new(Inner {
                tokens: burst(per_s),
                refilled_ms: now,
                lines: [VecDeque::new(), VecDeque::new()],
                porter: None,
                acceptors: Vec::new(),
            }),
        }
    }

    /// Whether a connection may begin its handshake at once.
    pub(super) fn passes(&self, now: MonoMs) -> bool {
        let mut inner = self.inner.borrow_mut();
        inner.refill(self.per_s, now);
        // Nobody overtakes those who wait.
        inner.lines.iter().all(VecDeque::is_empty) && inner.take()
    }

    /// Completes when it is this connection's turn. Dropping it gives the place up.
    pub(super) fn wait(&self, resumes: bool) -> impl Future<Output = ()> {
        let turn = Rc::new(RefCell::new(Turn::default()));
        {
            let mut inner = self.inner.borrow_mut();
            let [resuming, others] = &mut inner.lines;
            let line = if resumes { resuming } else { others };
            line.push_back(Rc::downgrade(&turn));
            if let Some(porter) = inner.porter.take() {
                porter.wake();
            }
        }
        poll_fn(move |cx| {
            let mut turn = turn.borrow_mut();
            if turn.passed {
                return Poll::Ready(());
            }
            turn.waker = Some(cx.waker().clone());
            Poll::Pending
        })
    }

    /// Completes when somebody waits.
    pub(super) fn is_wanted(&self) -> impl Future<Output = ()> {
        poll_fn(|cx| {
            let mut inner = self.inner.borrow_mut();
            if inner.waiting() > 0 {
                return Poll::Ready(());
            }
            inner.porter = Some(cx.waker().clone());
            Poll::Pending
        })
    }

    /// Completes when not too many wait.
    pub(super) fn has_room(&self) -> impl Future<Output = ()> {
        poll_fn(|cx| {
            let mut inner = self.inner.borrow_mut();
            if inner.waiting() < limits::HANDSHAKES_WAITING_MAX {
                return Poll::Ready(());
            }
            inner.acceptors.push(cx.waker().clone());
            Poll::Pending
        })
    }

    /// Hands tokens to those who wait. To be called every [`PERIOD`] while somebody does.
    pub(super) fn serve(&self, now: MonoMs) {
        let mut woken = Vec::new();
        {
            let mut inner = self.inner.borrow_mut();
            inner.refill(self.per_s, now);
            while let Some(turn) = inner.next() {
                if !inner.take() {
                    let [resuming, others] = &mut inner.lines;
                    let line = if turn.1 { resuming } else { others };
                    line.push_front(Rc::downgrade(&turn.0));
                    break;
                }
                let mut turn = turn.0.borrow_mut();
                turn.passed = true;
                woken.extend(turn.waker.take());
            }
            if inner.waiting() < limits::HANDSHAKES_WAITING_MAX {
                woken.append(&mut inner.acceptors);
            }
        }
        woken.into_iter().for_each(Waker::wake);
    }
}

impl Inner {
    fn refill(&mut self, per_s: u64, now: MonoMs) {
        let passed_ms = now.saturating_sub(self.refilled_ms);
        self.refilled_ms = now;
        // A thousandth for each millisecond and handshake a second.
        let more = passed_ms.saturating_mul(per_s);
        self.tokens = self.tokens.saturating_add(more).min(burst(per_s));
    }

    fn take(&mut self) -> bool {
        let enough = self.tokens >= WHOLE;
        if enough {
            self.tokens -= WHOLE;
        }
        enough
    }

    fn waiting(&self) -> usize {
        self.lines.iter().map(VecDeque::len).sum()
    }

    /// The next one that still waits, and whether it resumes.
    fn next(&mut self) -> Option<(Rc<RefCell<Turn>>, bool)> {
        for (line, resumes) in self.lines.iter_mut().zip([true, false]) {
            while let Some(turn) = line.pop_front() {
                if let Some(turn) = turn.upgrade() {
                    return Some((turn, resumes));
                }
            }
        }
        None
    }
}

/// Thousandths of handshakes that may begin at once.
fn burst(per_s: u64) -> u64 {
    (per_s / 5).max(1).saturating_mul(WHOLE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::{Pin, pin};
    use std::task::Context;

    fn is_through(wait: Pin<&mut impl Future<Output = ()>>) -> bool {
        wait.poll(&mut Context::from_waker(Waker::noop()))
            .is_ready()
    }

    #[test]
    fn the_rate_is_bounded() {
        let gate = Gate::new(100, 0);
        let passed = (0..1_000).filter(|_| gate.passes(0)).count();
        assert_eq!(passed, 20, "a fifth of a second's");
        let passed: usize = (1..=10)
            .map(|s| (0..1_000).filter(|_| gate.passes(s * 100)).count())
            .sum();
        assert_eq!(passed, 100);
    }

    #[test]
    fn whoever_resumes_comes_first_and_who_has_gone_takes_nothing() {
        let gate = Gate::new(100, 0);
        while gate.passes(0) {}
        let mut full = pin!(gate.wait(false));
        let mut gone = Box::pin(gate.wait(true));
        let mut resumed = pin!(gate.wait(true));
        assert!(!is_through(full.as_mut()) && !is_through(gone.as_mut()));
        assert!(!is_through(resumed.as_mut()) && !gate.passes(5));
        drop(gone);
        gate.serve(10);
        assert!(is_through(resumed.as_mut()) && !is_through(full.as_mut()));
        gate.serve(20);
        assert!(is_through(full.as_mut()));
        assert!(gate.passes(40));
    }

    #[test]
    fn when_too_many_wait_nobody_is_accepted() {
        let gate = Gate::new(1_000, 0);
        while gate.passes(0) {}
        let waits: Vec<_> = (0..limits::HANDSHAKES_WAITING_MAX)
            .map(|_| Box::pin(gate.wait(false)))
            .collect();
        let mut room = pin!(gate.has_room());
        assert!(!is_through(room.as_mut()));
        gate.serve(1);
        assert!(is_through(room.as_mut()));
        drop(waits);
    }
}
