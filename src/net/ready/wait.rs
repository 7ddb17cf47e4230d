//! Tasks that wait for a socket.

use std::future::Future;
use std::io;
use std::os::fd::BorrowedFd;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use super::{Interest, Ready, Token};

/// The places of waiting tasks.
#[derive(Default)]
pub(super) struct Waits {
    places: Vec<Place>,
    free: Vec<u32>,
}

struct Place {
    uses: u32,
    state: State,
}

enum State {
    Free,
    Waiting(Waker),
    Fired,
}

impl Waits {
    fn begin(&mut self, waker: &Waker) -> Token {
        let index = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place {
                uses: 0,
                state: State::Free,
            });
            u32::try_from(self.places.len() - 1).unwrap_or(u32::MAX)
        });
        let Some(place) = self.places.get_mut(index as usize) else {
            return Token::task(index, 0);
        };
        place.state = State::Waiting(waker.clone());
        Token::task(index, place.uses)
    }

    fn place(&mut self, token: Token) -> Option<&mut Place> {
        let place = self.places.get_mut(token.index() as usize)?;
        (Token::task(token.index(), place.uses) == token).then_some(place)
    }

    pub(super) fn fire(&mut self, token: Token) {
        if let Some(place) = self.place(token)
            && let State::Waiting(waker) = std::mem::replace(&mut place.state, State::Fired)
        {
            waker.wake();
        }
    }

    /// Whether it has fired; else the waker is the one to wake.
    fn look(&mut self, token: Token, waker: &Waker) -> bool {
        match self.place(token).map(|p| &mut p.state) {
            Some(State::Waiting(kept)) => {
                kept.clone_from(waker);
                false
            }
            _ => true,
        }
    }

    /// Gives the place back; says whether it had not fired.
    fn end(&mut self, token: Token) -> bool {
        let Some(place) = self.place(token) else {
            return false;
        };
        place.uses = place.uses.wrapping_add(1);
        let waited = matches!(
            std::mem::replace(&mut place.state, State::Free),
            State::Waiting(_)
        );
        self.free.push(token.index());
        waited
    }
}

/// Completes when the socket is ready, has ended or failed. Dropping it takes the wish back.
pub(in crate::net) struct Wait<'a> {
    ready: &'a Rc<Ready>,
    fd: BorrowedFd<'a>,
    interest: Interest,
    token: Option<Token>,
}

impl<'a> Wait<'a> {
    pub(super) fn new(ready: &'a Rc<Ready>, fd: BorrowedFd<'a>, interest: Interest) -> Self {
        Self {
            ready,
            fd,
            interest,
            token: None,
        }
    }
}

impl Future for Wait<'_> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(token) = self.token else {
            let token = self.ready.waits.borrow_mut().begin(cx.waker());
            self.token = Some(token);
            self.ready.arm_for(self.fd, self.interest, token);
            return Poll::Pending;
        };
        if !self.ready.waits.borrow_mut().look(token, cx.waker()) {
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if let Some(token) = self.token
            && self.ready.waits.borrow_mut().end(token)
        {
            self.ready.disarm(self.fd, token);
        }
    }
}
