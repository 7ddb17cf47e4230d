//! The parking lot: every connection of a core on which nothing happens.
//!
//! A connection is in the hands of a task only while there is work to do for it. Between two
//! requests, and for as long as a request waits, it is an entry here: socket, the keys of its
//! encryption, and (where a request waits) a [`Parked`] value. An entry owns no task, no timer and
//! no buffer, and is armed in [`Ready`] for the peer's next word.
//!
//! - **Signals** of an account find its requests by number ([`Lot::tell`]). Whoever can answer by
//!   itself does, into a buffer of the lot's, encrypted in place; all answers of a turn go to the
//!   kernel in one call. The connection stays, now waiting for the next request.
//! - **Deadlines** stand in one wheel.
//! - Whatever needs a task (the peer spoke, a request has to be looked into) **departs**.
//!
//! Long lists are worked off in turns, so that a storm does not hold up the core. Deliberately
//! absent: the protocol, the store, and reading from sockets.

mod accounts;
mod answer;
mod counts;
mod entry;
mod slab;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::os::fd::AsFd;
use std::rc::Rc;

use super::ready::{Event, Ready, Token};
use super::service::{Gone, Parked};
use super::wheel::Wheel;
use crate::clock::MonoMs;
use crate::http::{Brief, Peer, Terms, Why};
use accounts::Accounts;
use counts::Counts;
pub(super) use entry::Link;
use entry::{Entry, Waits};
use slab::Slab;

/// Answers that one turn writes at most. They go to the kernel in one call, and few enough that their
/// entries and buffers are still in the processor's caches when it has taken them.
const ANSWERS_PER_TURN: usize = 128;
/// Departures that one turn makes of a list (a gap, a stop).
const DEPARTURES_PER_TURN: usize = 256;

/// A request that waits, and how its answer has to be written.
pub(super) type Waiting<P> = (P, Terms);

/// A connection with a request that is to wait, on its way to the lot of its account's core.
pub(super) struct Stay<P> {
    pub(super) link: Link,
    pub(super) parked: P,
    pub(super) terms: Terms,
}

/// A connection that needs a task, and why.
pub(super) struct Departure<P> {
    pub(super) link: Link,
    pub(super) start: Start<P>,
}

/// What the task is to do first.
pub(super) enum Start<P> {
    /// The connection is new.
    Fresh,
    /// The peer may have spoken; it was to speak until then.
    Readable(MonoMs),
    /// The same while a request waits.
    ReadableParked(Waiting<P>),
    /// The request has to be looked into.
    Resume(Waiting<P>, Why),
    /// The rest of an answer has to be sent, then the connection stays or not.
    Rest(Vec<u8>, bool),
}

/// A request that was answered in this turn.
pub(super) struct Answered<P> {
    pub(super) parked: P,
    pub(super) peer: Peer,
    pub(super) brief: Brief,
    /// Of document.
    pub(super) bytes: usize,
    /// Since when it waited.
    pub(super) since_ms: MonoMs,
    /// When the commit that it tells of became durable.
    pub(super) durable_us: Option<u64>,
    pub(super) why: Why,
}

/// How a connection ended in the lot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ended {
    /// Its time between two requests was over, or its last answer is out.
    Done,
    /// The peer did not read its answer in time.
    TimedOut,
    /// The socket failed.
    Socket,
}

/// What a turn has brought, for the core to deal with.
pub(super) struct Turn<P> {
    pub(super) departures: Vec<Departure<P>>,
    pub(super) answered: Vec<Answered<P>>,
    /// Requests that came to nothing by the socket's failure.
    pub(super) gone: Vec<(P, Peer, Gone)>,
    pub(super) ended: Vec<Ended>,
}

impl<P> Turn<P> {
    pub(super) fn new() -> Self {
        Self {
            departures: Vec::new(),
            answered: Vec::new(),
            gone: Vec::new(),
            ended: Vec::new(),
        }
    }
}

/// What the lot has to know of the moment.
pub(super) struct Now<'a> {
    pub(super) ms: MonoMs,
    /// The value of `Date`.
    pub(super) date: &'a str,
    /// The core stops: connections do not stay.
    pub(super) stopping: bool,
}

/// How long connections may take, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    pub(super) idle_ms: u64,
    pub(super) write_ms: u64,
}

/// The connections of a core on which nothing happens.
pub(super) struct Lot<P: Parked> {
    ready: Rc<Ready>,
    patience: Patience,
    inner: RefCell<Inner<P>>,
}

struct Inner<P: Parked> {
    slab: Slab<Entry<P>>,
    accounts: Accounts,
    wheel: Wheel,
    /// Signals that are not worked off.
    signals: VecDeque<P::Signal>,
    /// Entries whose deadline has come.
    due: VecDeque<Token>,
    /// Entries that have to look again.
    again: VecDeque<Token>,
    counts: Counts,
    events: Vec<Event>,
    scratch: answer::Scratch,
}

impl<P: Parked> Lot<P> {
    pub(super) fn new(ready: Rc<Ready>, patience: Patience, now: MonoMs, tick_ms: u64) -> Self {
        Self {
            ready,
            patience,
            inner: RefCell::new(Inner {
                slab: Slab::new(),
                accounts: Accounts::default(),
                wheel: Wheel::new(now, tick_ms),
                signals: VecDeque::new(),
                due: VecDeque::new(),
                again: VecDeque::new(),
                counts: Counts::default(),
                events: Vec::new(),
                scratch: answer::Scratch::default(),
            }),
        }
    }

    /// Connections here.
    pub(super) fn len(&self) -> usize {
        self.inner.borrow().slab.len()
    }

    /// The requests that wait here.
    pub(super) fn counts(&self) -> Counts {
        self.inner.borrow().counts
    }

    /// Takes a connection that waits for its next request until `until`.
    pub(super) fn idle(&self, link: Link, until: MonoMs) {
        let mut inner = self.inner.borrow_mut();
        let token = inner.insert(link, Waits::Request);
        inner.arm(&self.ready, token);
        inner.set_deadline(token.index(), until);
    }

    /// Takes a connection with a request that waits, until `latest` at most. It is looked into again
    /// at once if something has happened since it was computed.
    pub(super) fn park(&self, stay: Stay<P>, latest: MonoMs) {
        let Stay {
            link,
            parked,
            terms,
        } = stay;
        let deadline = parked.deadline_ms().min(latest);
        let mut inner = self.inner.borrow_mut();
        let token = inner.insert_parked(link, parked, terms);
        inner.arm(&self.ready, token);
        inner.set_deadline(token.index(), deadline);
        // IMPORTANT: in this order. From here on signals find it, and what came before shows now.
        if !inner.is_current(token.index()) {
            inner.again.push_back(token);
        }
    }

    /// Signals, to be worked off in the next turns.
    pub(super) fn tell(&self, signals: &mut Vec<P::Signal>) {
        self.inner.borrow_mut().signals.extend(signals.drain(..));
    }

    /// Notes whose deadline has come; the next turns deal with it.
    pub(super) fn tick(&self, now: MonoMs) {
        let mut inner = self.inner.borrow_mut();
        let Inner {
            wheel,
            due,
            slab,
            scratch,
            ..
        } = &mut *inner;
        wheel.tick(now, &mut scratch.numbers);
        for index in scratch.numbers.drain(..) {
            due.push_back(Token::entry(index, slab.uses(index)));
        }
    }

    /// Nothing stays: connections without a request end, requests that wait are answered as if
    /// their time had come, spread over `spread_ms`.
    pub(super) fn stop(&self, now: MonoMs, spread_ms: u64) {
        let mut inner = self.inner.borrow_mut();
        let numbers: Vec<u32> = inner.slab.numbers().collect();
        for (n, index) in (0u64..).zip(numbers) {
            let deadline = match inner.slab.get_mut(index).map(|e| &e.waits) {
                Some(Waits::Request) => now,
                Some(Waits::Answer(..)) => now + entry::jitter_ms(n, spread_ms),
                _ => continue,
            };
            inner.set_deadline(index, deadline);
            if deadline <= now {
                let token = Token::entry(index, inner.slab.uses(index));
                inner.due.push_back(token);
            }
        }
    }

    /// One turn: works off what is waiting (signals, deadlines, what completed), up to the bounds of
    /// a turn, and hands the answers to the kernel. Returns whether there is more to do already.
    pub(super) fn turn(&self, now: &Now<'_>, turn: &mut Turn<P>) -> bool {
        let mut inner = self.inner.borrow_mut();
        let inner = &mut *inner;
        let mut room = ANSWERS_PER_TURN;
        inner.work_off_signals(self, now, &mut room, turn);
        inner.work_off_due(self, now, &mut room, turn);
        inner.work_off_again(&self.ready, turn);
        self.ready.submit();
        let mut events = std::mem::take(&mut inner.events);
        let count = self.ready.reap(&mut events);
        for event in events.drain(..) {
            match event {
                Event::Ready(token) => inner.readable(&self.ready, token, turn),
                Event::Sent {
                    token,
                    taken,
                    bytes,
                } => inner.sent(self, now, token, taken, bytes, turn),
            }
        }
        inner.events = events;
        let left = !inner.signals.is_empty() || !inner.due.is_empty() || !inner.again.is_empty();
        left || count > 0
    }

    /// Drops everything that is left.
    pub(super) fn clear(&self) {
        let mut inner = self.inner.borrow_mut();
        // What is queued names descriptors: the kernel has to see it before they are closed.
        self.ready.submit();
        let numbers: Vec<u32> = inner.slab.numbers().collect();
        for index in numbers {
            drop(inner.remove(&self.ready, index));
        }
        self.ready.submit();
    }
}

impl<P: Parked> Inner<P> {
    fn insert(&mut self, link: Link, waits: Waits<P>) -> Token {
        let (index, uses) = self.slab.insert(Entry::new(link, waits));
        let timer = self.wheel.insert(index);
        if let Some(entry) = self.slab.get_mut(index) {
            entry.timer = timer;
        }
        Token::entry(index, uses)
    }

    fn insert_parked(&mut self, link: Link, parked: P, terms: Terms) -> Token {
        let account = parked.account();
        let bytes = parked.bytes() + link.bytes() + size_of::<Entry<P>>();
        self.counts
            .add(bytes, link.tls.kind(), parked.version_tens());
        let token = self.insert(link, Waits::Answer(parked, terms));
        self.accounts.link(&mut self.slab, account, token.index());
        if let Some(entry) = self.slab.get_mut(token.index()) {
            entry.counted = u32::try_from(bytes).unwrap_or(u32::MAX);
        }
        token
    }

    fn arm(&mut self, ready: &Ready, token: Token) {
        if let Some(entry) = self.slab.get_mut(token.index()) {
            entry.armed = true;
            ready.arm(entry.link.fd.as_fd(), token);
        }
    }

    fn set_deadline(&mut self, index: u32, deadline: MonoMs) {
        if let Some(entry) = self.slab.get_mut(index) {
            self.wheel.set(entry.timer, deadline);
        }
    }

    fn is_current(&mut self, index: u32) -> bool {
        match self.slab.get_mut(index).map(|e| &e.waits) {
            Some(Waits::Answer(parked, _)) => parked.is_current(),
            _ => true,
        }
    }

    /// The entry that a token names, unless it has gone meanwhile.
    fn named(&mut self, token: Token) -> Option<&mut Entry<P>> {
        let index = token.index();
        if Token::entry(index, self.slab.uses(index)) != token {
            return None;
        }
        self.slab.get_mut(index)
    }

    /// Takes the request of an entry out of it: signals do not find it any more.
    fn take_parked(&mut self, index: u32, instead: Waits<P>) -> Option<Waiting<P>> {
        let entry = self.slab.get_mut(index)?;
        if !matches!(entry.waits, Waits::Answer(..)) {
            return None;
        }
        let Waits::Answer(parked, terms) = std::mem::replace(&mut entry.waits, instead) else {
            return None;
        };
        let kind = entry.link.tls.kind();
        self.counts
            .remove(entry.counted as usize, kind, parked.version_tens());
        self.accounts
            .unlink(&mut self.slab, parked.account(), index);
        Some((parked, terms))
    }

    /// Takes an entry out. What waited is lost, unless it was taken before.
    fn remove(&mut self, ready: &Ready, index: u32) -> Option<Link> {
        drop(self.take_parked(index, Waits::Request));
        let token = Token::entry(index, self.slab.uses(index));
        let entry = self.slab.remove(index)?;
        self.wheel.remove(entry.timer);
        if entry.armed {
            ready.disarm(entry.link.fd.as_fd(), token);
        }
        Some(entry.link)
    }

    fn depart(&mut self, ready: &Ready, index: u32, start: Start<P>, turn: &mut Turn<P>) {
        if let Some(link) = self.remove(ready, index) {
            turn.departures.push(Departure { link, start });
        }
    }

    /// The peer has spoken, or ended, or failed.
    fn readable(&mut self, ready: &Ready, token: Token, turn: &mut Turn<P>) {
        let Some(entry) = self.named(token) else {
            return;
        };
        entry.armed = false;
        let (index, timer) = (token.index(), entry.timer);
        match entry.waits {
            // The answer before what comes next.
            Waits::Sent { .. } => entry.spoke = true,
            Waits::Request => {
                let until = self.wheel.deadline(timer);
                self.depart(ready, index, Start::Readable(until), turn);
            }
            Waits::Answer(..) => {
                if let Some(waiting) = self.take_parked(index, Waits::Request) {
                    self.depart(ready, index, Start::ReadableParked(waiting), turn);
                }
            }
        }
    }

    /// An answer has been handed over.
    fn sent(
        &mut self,
        lot: &Lot<P>,
        now: &Now<'_>,
        token: Token,
        taken: io::Result<usize>,
        mut bytes: Vec<u8>,
        turn: &mut Turn<P>,
    ) {
        let index = token.index();
        let Some(entry) = self.named(token) else {
            return self.scratch.recycle(bytes);
        };
        let Waits::Sent { stays } = entry.waits else {
            return self.scratch.recycle(bytes);
        };
        let stays = stays && !now.stopping;
        let (spoke, timer) = (entry.spoke, entry.timer);
        let in_time = self.wheel.deadline(timer) > now.ms;
        let ready = &lot.ready;
        match taken {
            Ok(n) if n == bytes.len() => {
                self.scratch.recycle(bytes);
                let until = now.ms + lot.patience.idle_ms;
                if !stays {
                    self.finish(ready, index, Ended::Done, turn);
                } else if spoke {
                    self.depart(ready, index, Start::Readable(until), turn);
                } else {
                    if let Some(entry) = self.slab.get_mut(index) {
                        entry.waits = Waits::Request;
                    }
                    self.set_deadline(index, until);
                }
            }
            Ok(n) if in_time => {
                bytes.drain(..n);
                self.depart(ready, index, Start::Rest(bytes, stays), turn);
            }
            _ => {
                self.scratch.recycle(bytes);
                turn.ended.push(if in_time {
                    Ended::Socket
                } else {
                    Ended::TimedOut
                });
                drop(self.remove(ready, index));
            }
        }
    }

    /// Ends a connection in an orderly way.
    fn finish(&mut self, ready: &Ready, index: u32, ended: Ended, turn: &mut Turn<P>) {
        if let Some(mut link) = self.remove(ready, index) {
            link.finish();
            turn.ended.push(ended);
        }
    }

    fn work_off_again(&mut self, ready: &Ready, turn: &mut Turn<P>) {
        for _ in 0..DEPARTURES_PER_TURN {
            let Some(token) = self.again.pop_front() else {
                return;
            };
            if self.named(token).is_some()
                && let Some(waiting) = self.take_parked(token.index(), Waits::Request)
            {
                let start = Start::Resume(waiting, Why::Woken);
                self.depart(ready, token.index(), start, turn);
            }
        }
    }
}
