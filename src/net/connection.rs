//! One HTTP connection from its first byte to its last.
//!
//! A connection works ([`Connection::work`]: read, handle, answer) or waits
//! ([`Connection::wait`]: idle, or with a parked request). The work is a boxed future that exists
//! only while there is work; a waiting connection is this struct and one readiness operation, and
//! owns no buffer.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use super::admission::{Held, Place};
use super::core::{Core, yield_now};
use super::metrics::Gauge;
use super::service::{Lmtp, Parked, Service};
use super::transport::{End, Read, Transport};
use crate::clock::MonoMs;
use crate::http::{
    Answer, CONTINUE, Decoder, Message, Outcome, Peer, Progress, Refusal, Terms, Why,
};
use crate::limits;

/// One HTTP connection.
pub(super) struct Connection<S: Service, L: Lmtp> {
    core: Rc<Core<S, L>>,
    transport: Transport,
    peer: Peer,
    decoder: Decoder,
    /// What was read and not decoded yet.
    pending: Vec<u8>,
    deadline: Deadline,
    held: Held,
    _place: Place,
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
    Idle,
    Park(P, Terms),
}

/// What ended a wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Event {
    Readable,
    Woken,
    Due,
    Stopping,
}

/// A parked request and how its answer has to be written.
type Waiting<P> = (P, Terms);

impl<S: Service, L: Lmtp> Connection<S, L> {
    pub(super) fn new(
        core: Rc<Core<S, L>>,
        transport: Transport,
        peer: Peer,
        place: Place,
    ) -> Self {
        let held = core.shared.admission.held();
        Self {
            core,
            transport,
            peer,
            decoder: Decoder::new(),
            pending: Vec::new(),
            deadline: Deadline::First,
            held,
            _place: place,
        }
    }

    /// Serves the connection to its end.
    pub(super) async fn run(mut self) {
        let head_ms = self.core.shared.deadlines.head_ms;
        self.transport.timer.set_in(head_ms);
        let end = self.serve().await;
        let counters = self.core.counters();
        match end {
            End::TimedOut => counters.timed_out.add(),
            End::Socket => counters.socket_errors.add(),
            End::Tls => counters.tls_errors.add(),
            End::Done | End::PeerClosed => {}
        }
        if end != End::Socket {
            self.transport.finish();
        }
    }

    async fn serve(&mut self) -> End {
        let mut resumed = None;
        loop {
            let next = match Box::pin(self.work(resumed.take())).await {
                Ok(next) => next,
                Err(end) => return end,
            };
            self.release();
            let waited = match next {
                Next::Idle => self.idle().await.map(|()| None),
                Next::Park(parked, terms) => self.parked((parked, terms)).await,
            };
            match waited {
                Ok(waited) => resumed = waited,
                Err(end) => return end,
            }
        }
    }

    /// Gives the buffers back: nothing is in flight.
    fn release(&mut self) {
        self.pending.shrink_to_fit();
        let _ = self.held.set(0);
    }

    /// Waits for the next request.
    async fn idle(&mut self) -> Result<(), End> {
        match self.wait(None).await? {
            Event::Readable => Ok(()),
            Event::Stopping => Err(End::Done),
            _ if self.deadline == Deadline::Idle => Err(End::Done),
            _ => Err(End::TimedOut),
        }
    }

    /// Waits with a parked request. It is dropped, and nothing returned, when the peer sends
    /// another one.
    async fn parked(
        &mut self,
        waiting: Waiting<S::Parked>,
    ) -> Result<Option<(S::Parked, Why, Terms)>, End> {
        let counters = &self.core.shared.counters;
        let _count = Gauge::new(&counters.parked);
        self.transport.timer.set(waiting.0.deadline_ms());
        loop {
            let why = match self.wait(Some(&waiting.0)).await? {
                Event::Woken => {
                    self.core.counters().woken.add();
                    Why::Woken
                }
                Event::Due | Event::Stopping => {
                    self.core.counters().expired.add();
                    Why::Expired
                }
                Event::Readable => {
                    let core = Rc::clone(&self.core);
                    let read = Box::pin(self.transport.read(
                        &core.scratch,
                        core.counters(),
                        &mut self.pending,
                    ));
                    match read.await {
                        // Something for TLS only, or the line end that some clients send
                        // behind a body.
                        Ok(_) if !self.has_request() => {
                            self.transport.timer.set(waiting.0.deadline_ms());
                            continue;
                        }
                        Ok(_) => {
                            core.counters().abandoned.add();
                            return Ok(None);
                        }
                        Err(end) => {
                            core.counters().abandoned.add();
                            return Err(end);
                        }
                    }
                }
            };
            let (parked, terms) = waiting;
            return Ok(Some((parked, why, terms)));
        }
    }

    /// Whether the peer has sent something that may be a request.
    fn has_request(&self) -> bool {
        let blank = self.pending.iter().all(|b| matches!(b, b'\r' | b'\n'));
        !blank || self.pending.len() > usize::from(limits::HTTP_BLANK_LINES_MAX)
    }

    /// Waits for whatever comes first. Its future is what a waiting connection costs.
    async fn wait(&self, parked: Option<&S::Parked>) -> Result<Event, End> {
        let mut ready = pin!(self.transport.readiness());
        poll_fn(|cx| {
            if parked.is_some_and(|p| p.poll_woken(cx).is_ready()) {
                return Poll::Ready(Ok(Event::Woken));
            }
            if let Poll::Ready(ready) = ready.as_mut().poll(cx) {
                return Poll::Ready(ready.map(|()| Event::Readable).map_err(|_| End::Socket));
            }
            if self.core.is_stopping() {
                return Poll::Ready(Ok(Event::Stopping));
            }
            if self.transport.timer.is_due() {
                return Poll::Ready(Ok(Event::Due));
            }
            Poll::Pending
        })
        .await
    }

    /// Answers what was parked, then requests until none is left or one parks.
    async fn work(
        &mut self,
        resumed: Option<(S::Parked, Why, Terms)>,
    ) -> Result<Next<S::Parked>, End> {
        if let Some((parked, why, terms)) = resumed {
            let core = Rc::clone(&self.core);
            let outcome = core.service.resume(parked, why).await;
            if let Outcome::Park(_) = outcome {
                // It is not known to wait: the others come first.
                yield_now().await;
                if self.core.is_stopping() {
                    return Err(End::Done);
                }
            }
            if let Some(next) = self.conclude(outcome, terms).await? {
                return Ok(next);
            }
        }
        let mut turns = 0;
        while let Some(message) = self.next_message().await? {
            let terms = message.terms();
            let outcome = self.handle(message).await;
            if let Some(next) = self.conclude(outcome, terms).await? {
                return Ok(next);
            }
            turns += 1;
            if turns % limits::TURN_MAX == 0 {
                yield_now().await;
            }
        }
        Ok(Next::Idle)
    }

    async fn handle(&mut self, message: Message) -> Outcome<S::Parked> {
        self.core.counters().requests.add();
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
            Outcome::Park(_) if self.has_request() => {
                self.core.counters().abandoned.add();
                Ok(None)
            }
            Outcome::Park(parked) => Ok(Some(Next::Park(parked, terms))),
            Outcome::Answer(answer) => {
                let mut bytes = Vec::new();
                let stays = self.core.encode(&answer, terms, &mut bytes);
                drop(answer);
                self.transport.write(&bytes).await?;
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

    /// The next complete request; nothing where the peer has begun none.
    async fn next_message(&mut self) -> Result<Option<Message>, End> {
        loop {
            if let Some(message) = self.decode().await? {
                return Ok(Some(message));
            }
            let core = Rc::clone(&self.core);
            let read = self
                .transport
                .read(&core.scratch, core.counters(), &mut self.pending)
                .await?;
            if read == Read::Bytes {
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
            return self.last_answer(&Answer::busy(10)).await;
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
        self.last_answer(&refusal.answer()).await
    }

    /// Sends an answer that ends the connection.
    async fn last_answer(&mut self, answer: &Answer) -> Result<Option<Message>, End> {
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
