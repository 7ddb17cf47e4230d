//! One HTTP connection while there is work to do for it.
//!
//! A task is made when a connection is new, when the peer speaks, or when a parked request has to
//! be looked into; it reads, handles and answers, and ends by handing the connection to the core's
//! parking lot ([`super::lot`]), where it waits without a task. A request that waits goes to the lot
//! of the core that its account belongs to, wherever that is.

use std::rc::Rc;

use super::admission::{Held, Place};
use super::core::{Core, Ends, yield_now};
use super::lot::{Departure, Link, Start, Stay, Waiting};
use super::service::{Gone, Lmtp, Service};
use super::socket::Socket;
use super::timer::Timer;
use super::tls::offers_resumption;
use super::transport::{End, Read, Transport};
use crate::clock::MonoMs;
use crate::http::{Answer, CONTINUE, Decoder, Message, Outcome, Peer, Progress, Refusal, Terms};
use crate::limits;
use crate::spare;

/// Answers below this size become one record, encrypted where they were written.
const IN_PLACE_BYTES_MAX: usize = 12 * 1024;

/// Bytes of a ClientHello that are looked at: a phone's has some hundred, a ticket of ours included.
const HELLO_BYTES: usize = 2 * 1024;

/// Makes a task for a connection that needs one.
pub(super) fn spawn<S: Service, L: Lmtp>(core: &Rc<Core<S, L>>, departure: Departure<S::Parked>) {
    let shared = Rc::clone(core);
    core.spawn(Ends::AtAbort, |timer| {
        let Departure { link, start } = departure;
        Connection::new(shared, link, timer).run(start)
    });
}

/// One HTTP connection.
struct Connection<S: Service, L: Lmtp> {
    core: Rc<Core<S, L>>,
    transport: Transport,
    peer: Peer,
    decoder: Decoder,
    /// What was read and not decoded yet.
    pending: Vec<u8>,
    deadline: Deadline,
    held: Held,
    place: Place,
}

/// What the present deadline is for, and the bytes that renew it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Deadline {
    /// The first head, handshake included.
    First,
    /// The next request.
    Idle,
    Head,
    /// The body beyond so many bytes.
    Body(usize),
}

/// What the work came to.
enum Next<P> {
    /// The peer has the word, until then.
    Idle(MonoMs),
    Park(Waiting<P>),
}

impl<S: Service, L: Lmtp> Connection<S, L> {
    fn new(core: Rc<Core<S, L>>, link: Link, timer: Rc<Timer>) -> Self {
        let Link {
            fd,
            tls,
            peer,
            place,
        } = link;
        let socket = Socket::new(fd, &core.ready);
        let write_ms = core.shared.deadlines.write_ms;
        Self {
            transport: Transport::new(socket, tls, timer, write_ms),
            held: core.shared.admission.held(),
            core,
            peer,
            decoder: Decoder::new(),
            pending: Vec::new(),
            deadline: Deadline::First,
            place,
        }
    }

    /// Works until the connection ends or there is nothing to do for it.
    async fn run(mut self, start: Start<S::Parked>) {
        let worked = match Box::pin(self.work(start)).await {
            Ok(next) => self.transport.flush().await.map(|()| next),
            Err(end) => Err(end),
        };
        match worked {
            Ok(next) => self.leave(next),
            Err(end) => self.end(end),
        }
    }

    /// Hands the connection to the lot.
    fn leave(self, next: Next<S::Parked>) {
        let Self {
            core,
            transport,
            peer,
            place,
            ..
        } = self;
        let (fd, tls) = transport.into_parts();
        let link = Link {
            fd,
            tls,
            peer,
            place,
        };
        match next {
            Next::Idle(until) => core.lot.idle(link, until),
            Next::Park((parked, terms)) => core.park(Stay {
                link,
                parked,
                terms,
            }),
        }
    }

    fn end(mut self, end: End) {
        let counters = self.core.counters();
        match end {
            End::TimedOut => counters.timed_out.add(),
            End::Socket => counters.socket_errors.add(),
            End::Tls => counters.tls_errors.add(),
            End::Done | End::PeerClosed | End::PeerGone => {}
        }
        if !matches!(end, End::Socket | End::PeerGone) {
            self.transport.finish();
        }
    }

    async fn work(&mut self, start: Start<S::Parked>) -> Result<Next<S::Parked>, End> {
        let mut until = MonoMs::MAX;
        match start {
            Start::Fresh => {
                let head_ms = self.core.shared.deadlines.head_ms;
                self.transport.timer.set_in(head_ms);
                if self.peer.tls && !self.core.gate.passes(self.core.timers.now_ms()) {
                    Box::pin(self.wait_at_the_gate()).await?;
                }
                self.first_word().await?;
            }
            Start::Readable(deadline) => {
                until = deadline;
                self.deadline = Deadline::Idle;
                self.transport.timer.set(deadline);
            }
            Start::ReadableParked(waiting) => {
                self.deadline = Deadline::Idle;
                if let Some(waiting) = self.listen(waiting).await? {
                    return Ok(Next::Park(waiting));
                }
            }
            Start::Resume((parked, terms), why) => {
                self.deadline = Deadline::Idle;
                let core = Rc::clone(&self.core);
                core.counters().resumed.add();
                let outcome = core.service.resume(parked, why).await;
                if let Some(next) = self.conclude(outcome, terms).await? {
                    return Ok(next);
                }
            }
            Start::Rest(bytes, stays) => {
                self.transport.send(&bytes).await?;
                if !stays {
                    return Err(End::Done);
                }
                self.expect(Deadline::Idle);
            }
        }
        self.requests(until).await
    }

    /// Answers requests until none is left or one parks.
    async fn requests(&mut self, mut until: MonoMs) -> Result<Next<S::Parked>, End> {
        let mut turns = 0;
        while let Some(message) = self.next_message().await? {
            let terms = message.terms();
            let outcome = self.handle(message).await;
            if let Some(next) = self.conclude(outcome, terms).await? {
                return Ok(next);
            }
            until = self.transport.timer.deadline();
            turns += 1;
            if turns % limits::TURN_MAX == 0 {
                yield_now().await;
            }
        }
        if self.core.is_stopping() {
            return Err(End::Done);
        }
        Ok(Next::Idle(until.min(self.transport.timer.deadline())))
    }

    /// Too many handshakes begin at this moment: waits for its turn, which comes sooner for a peer
    /// that was here before.
    async fn wait_at_the_gate(&mut self) -> Result<(), End> {
        let core = Rc::clone(&self.core);
        core.counters().handshakes_waited.add();
        let mut hello = [0; HELLO_BYTES];
        let mut peeked = self.transport.peek(&mut hello)?;
        if peeked == 0 {
            self.transport.readable().await?;
            peeked = self.transport.peek(&mut hello)?;
        }
        let resumes = offers_resumption(hello.get(..peeked).unwrap_or_default()) == Some(true);
        self.transport.wait_for(core.gate.wait(resumes)).await
    }

    /// A new connection keeps its task until the peer has said something.
    async fn first_word(&mut self) -> Result<(), End> {
        let core = Rc::clone(&self.core);
        while self.read(&core).await? == Read::Nothing {
            self.transport.readable_or(|| core.is_stopping()).await?;
            if core.is_stopping() {
                return Err(End::Done);
            }
        }
        Ok(())
    }

    /// The peer of a parked request spoke. Gives the request back if that was nothing: something
    /// for TLS only, or the line end that some clients send behind a body.
    async fn listen(
        &mut self,
        waiting: Waiting<S::Parked>,
    ) -> Result<Option<Waiting<S::Parked>>, End> {
        let core = Rc::clone(&self.core);
        loop {
            let gone = match self.read(&core).await {
                Ok(Read::Nothing) if !self.has_request() => {
                    self.pending.clear();
                    return Ok(Some(waiting));
                }
                // There may be more of it.
                Ok(Read::Bytes) if !self.has_request() => continue,
                Ok(_) => {
                    self.give_up(waiting, Gone::Newer);
                    return Ok(None);
                }
                Err(end @ (End::PeerClosed | End::PeerGone)) => (Gone::Closed, end),
                Err(End::Tls) => (Gone::Tls, End::Tls),
                Err(end) => (self.how_it_failed(), end),
            };
            self.give_up(waiting, gone.0);
            return Err(gone.1);
        }
    }

    fn how_it_failed(&self) -> Gone {
        match self.transport.last_error() {
            Some(std::io::ErrorKind::TimedOut | std::io::ErrorKind::HostUnreachable) => {
                Gone::Vanished
            }
            _ => Gone::Reset,
        }
    }

    fn give_up(&self, (parked, _): Waiting<S::Parked>, gone: Gone) {
        self.core.give_up(parked, &self.peer, gone);
    }

    async fn read(&mut self, core: &Rc<Core<S, L>>) -> Result<Read, End> {
        let counters = core.counters();
        self.transport
            .read(&core.scratch, counters, &mut self.pending)
            .await
    }

    /// Whether the peer has sent something that may be a request.
    fn has_request(&self) -> bool {
        let blank = self.pending.iter().all(|b| matches!(b, b'\r' | b'\n'));
        !blank || self.pending.len() > usize::from(limits::HTTP_BLANK_LINES_MAX)
    }

    async fn handle(&mut self, message: Message) -> Outcome<S::Parked> {
        self.core.counters().requests.add();
        if self.place.is_turned_away() {
            return Outcome::Answer(Answer::busy(limits::TURNED_AWAY_S).closing());
        }
        let headers = message.headers();
        let request = message.request(&headers);
        self.core.service.handle(&request, &self.peer).await
    }

    /// Sends an answer. Returns what comes next unless that is the next request.
    async fn conclude(
        &mut self,
        outcome: Outcome<S::Parked>,
        terms: Terms,
    ) -> Result<Option<Next<S::Parked>>, End> {
        match outcome {
            // A newer request that has arrived already ends the older one.
            Outcome::Park(parked) if self.has_request() => {
                self.give_up((parked, terms), Gone::Newer);
                Ok(None)
            }
            Outcome::Park(parked) => Ok(Some(Next::Park((parked, terms)))),
            Outcome::Answer(answer) => {
                let stays = self.answer(answer, terms).await?;
                let _ = self.held.set(0);
                if stays {
                    self.expect(Deadline::Idle);
                    Ok(None)
                } else {
                    Err(End::Done)
                }
            }
        }
    }

    /// Sends an answer; says whether the connection stays.
    async fn answer(&mut self, answer: Answer, terms: Terms) -> Result<bool, End> {
        let mut bytes = Vec::new();
        if answer.body.len() < IN_PLACE_BYTES_MAX {
            bytes.reserve(answer.body.len() + 1_024);
            let begun = self.transport.begin(&mut bytes);
            let stays = self.core.encode(answer, terms, &mut bytes);
            self.transport.write_begun(bytes, begun).await?;
            return Ok(stays);
        }
        let (stays, content) = self.core.encode_head(answer, terms, &mut bytes);
        // The head goes out with as much of the content as a step of the deadline allows.
        let beside = limits::PROGRESS_BYTES.saturating_sub(bytes.len());
        let (first, rest) = content.split_at(beside.min(content.len()));
        bytes.extend_from_slice(first);
        self.transport.write(&bytes).await?;
        self.transport.write(rest).await?;
        spare::give(content);
        Ok(stays)
    }

    /// The next complete request; nothing where the peer has begun none.
    async fn next_message(&mut self) -> Result<Option<Message>, End> {
        let core = Rc::clone(&self.core);
        loop {
            if let Some(message) = self.decode().await? {
                return Ok(Some(message));
            }
            if self.read(&core).await? == Read::Bytes {
                continue;
            }
            if self.decoder.is_idle() {
                return Ok(None);
            }
            self.transport.readable().await?;
        }
    }

    /// Decodes what is pending.
    async fn decode(&mut self) -> Result<Option<Message>, End> {
        if self.pending.is_empty() {
            return Ok(None);
        }
        let (used, progress) = match self.decoder.feed(&self.pending) {
            Ok(fed) => fed,
            Err(refusal) => return self.refuse(refusal).await,
        };
        if used == self.pending.len() {
            self.pending.clear();
        } else {
            self.pending.drain(..used);
        }
        let held = match &progress {
            Progress::Complete(message) => message.body_len(),
            _ => self.decoder.body_len(),
        };
        if !self.held.set(held) {
            self.core.counters().busy.add();
            return self.last_answer(Answer::busy(10)).await;
        }
        match progress {
            Progress::Complete(message) => {
                // A handler bounds its own time.
                self.deadline = Deadline::Idle;
                self.transport.timer.set(MonoMs::MAX);
                return Ok(Some(message));
            }
            Progress::Continue => {
                self.note_progress();
                self.transport.write(CONTINUE).await?;
            }
            Progress::Partial => self.note_progress(),
        }
        Ok(None)
    }

    /// Sets the deadline of the phase that the request has reached.
    fn note_progress(&mut self) {
        let held = self.decoder.body_len();
        match self.deadline {
            _ if self.decoder.is_idle() => {}
            Deadline::Body(next) if held < next => {}
            _ if self.decoder.in_body() => {
                self.expect(Deadline::Body(held + limits::PROGRESS_BYTES));
            }
            Deadline::Idle => self.expect(Deadline::Head),
            _ => {}
        }
    }

    fn expect(&mut self, deadline: Deadline) {
        let deadlines = &self.core.shared.deadlines;
        self.transport.timer.set_in(match deadline {
            Deadline::First | Deadline::Head => deadlines.head_ms,
            Deadline::Idle => deadlines.idle_ms,
            Deadline::Body(_) => deadlines.body_ms,
        });
        self.deadline = deadline;
    }

    async fn refuse(&mut self, refusal: Refusal) -> Result<Option<Message>, End> {
        self.core.counters().bad_requests.add();
        self.last_answer(refusal.answer()).await
    }

    /// Sends an answer that ends the connection.
    async fn last_answer(&mut self, answer: Answer) -> Result<Option<Message>, End> {
        // What came of the request is not kept while the answer goes out.
        self.pending = Vec::new();
        self.decoder = Decoder::new();
        let _ = self.held.set(0);
        let mut bytes = Vec::new();
        self.core.encode(answer, Terms::refused(), &mut bytes);
        self.transport.write(&bytes).await?;
        self.transport.linger(&self.core.scratch).await;
        Err(End::Done)
    }
}
