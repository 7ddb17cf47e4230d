//! What all tasks of one core share, and the guard around each of them.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use rustls::ServerConfig;

use super::Deadlines;
use super::admission::Admission;
use super::gate::Gate;
use super::lot::{Lot, Now, Patience, Stay};
use super::metrics::{self, Counters, Gauge, Report};
use super::post::{Boxes, Switch};
use super::ready::Ready;
use super::service::{Gone, Lmtp, Parked, Service};
use super::timer::{Timer, Timers};
use crate::clock::{Clock, MonoMs};
use crate::http::{Answer, DateCache, Peer, Terms, encode_head};

/// Bytes that one read takes at most.
const SCRATCH_BYTES: usize = 64 * 1024;
/// How long a lasting task leaves off after a panic.
const PAUSE_AFTER_PANIC: Duration = Duration::from_secs(1);

/// The same for the task that everybody else depends on.
const PAUSE_OF_KEEPER: Duration = Duration::from_millis(10);

/// What all cores share.
pub(super) struct Shared {
    pub(super) clock: Clock,
    pub(super) deadlines: Deadlines,
    pub(super) hostname: String,
    pub(super) message_bytes_max: usize,
    /// What each core counts.
    pub(super) gauges: Vec<Arc<Gauge>>,
    pub(super) admission: Arc<Admission>,
    pub(super) tls: Option<Arc<ServerConfig>>,
    /// Of one core.
    pub(super) handshakes_per_s: u64,
}

impl Shared {
    /// Everything that is counted, at this moment.
    pub(super) fn report(&self) -> Report {
        let mut report = metrics::report(&self.gauges);
        // A connection may be between two cores.
        report.total.open = self.admission.open();
        report
    }
}

/// How far a core is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Phase {
    Running,
    /// Requests in flight are finished, nothing new begins.
    Stopping,
    /// What is still there is dropped.
    Aborting,
}

/// What the tasks of one core share.
pub(super) struct Core<S: Service, L> {
    pub(super) service: S,
    pub(super) lmtp: L,
    pub(super) shared: Arc<Shared>,
    /// What it counts.
    pub(super) gauge: Arc<Gauge>,
    /// Which core it is.
    pub(super) number: usize,
    pub(super) timers: Rc<Timers>,
    pub(super) ready: Rc<Ready>,
    /// Where handshakes begin.
    pub(super) gate: Gate,
    /// The connections on which nothing happens.
    pub(super) lot: Lot<S::Parked>,
    /// The way to the other cores.
    pub(super) traffic: Arc<Traffic<S::Parked>>,
    /// The one buffer that sockets are read into.
    pub(super) scratch: RefCell<Box<[u8]>>,
    /// Refused connections that are being told so.
    pub(super) lingering: Cell<usize>,
    date: RefCell<DateCache>,
    phase: Cell<Phase>,
    /// When the last parked request is to be answered: never, unless the core stops.
    latest: Cell<MonoMs>,
    tasks: Cell<usize>,
    /// Woken when the last task, or the last connection of the lot, is gone.
    drained: RefCell<Option<Waker>>,
}

/// The way between the cores.
pub(super) struct Traffic<P: Parked> {
    pub(super) switch: Switch<P::Signal>,
    /// Connections that move.
    pub(super) stays: Boxes<Stay<P>>,
}

impl<S: Service, L: Lmtp> Core<S, L> {
    pub(super) fn new(
        number: usize,
        service: S,
        lmtp: L,
        shared: Arc<Shared>,
        traffic: Arc<Traffic<S::Parked>>,
        ready: Rc<Ready>,
    ) -> Rc<Self> {
        let deadlines = shared.deadlines;
        let tick_ms = deadlines.tick_ms.max(1);
        let patience = Patience {
            idle_ms: deadlines.idle_ms,
            write_ms: deadlines.write_ms,
        };
        let now = shared.clock.mono_ms();
        Rc::new(Self {
            service,
            lmtp,
            number,
            timers: Timers::new(shared.clock.clone(), tick_ms),
            gate: Gate::new(shared.handshakes_per_s, now),
            lot: Lot::new(Rc::clone(&ready), patience, now, tick_ms),
            ready,
            traffic,
            gauge: shared.gauges.get(number).cloned().unwrap_or_default(),
            shared,
            scratch: RefCell::new(vec![0; SCRATCH_BYTES].into_boxed_slice()),
            lingering: Cell::new(0),
            date: RefCell::default(),
            phase: Cell::new(Phase::Running),
            latest: Cell::new(MonoMs::MAX),
            tasks: Cell::new(0),
            drained: RefCell::new(None),
        })
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.gauge.counters
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.phase.get() >= Phase::Stopping
    }

    /// Moves on to a phase and lets every task see it.
    pub(super) fn enter(&self, phase: Phase) {
        self.phase.set(phase);
        let now = self.shared.clock.mono_ms();
        match phase {
            Phase::Running => {}
            Phase::Stopping => {
                let spread_ms = self.shared.deadlines.drain_ms;
                self.latest.set(now.saturating_add(spread_ms));
                self.lot.stop(now, spread_ms);
            }
            Phase::Aborting => self.lot.clear(),
        }
        self.timers.wake_all();
        self.ready.knock();
    }

    /// Lets a request wait on the core of its account.
    pub(super) fn park(&self, stay: Stay<S::Parked>) {
        let core = self.traffic.switch.core_of(stay.parked.account());
        if core == self.number {
            return self.lot.park(stay, self.latest.get());
        }
        self.counters().moved.add();
        self.traffic.stays.put(core, stay);
        if let Some(bell) = self.traffic.switch.bell(core) {
            bell.ring();
        }
    }

    /// A parked request came to nothing.
    pub(super) fn give_up(&self, parked: S::Parked, peer: &Peer, gone: Gone) {
        let counters = self.counters();
        counters.abandoned.add();
        match gone {
            Gone::Newer => counters.dropped_newer.add(),
            Gone::Closed => counters.dropped_closed.add(),
            Gone::Reset => counters.dropped_reset.add(),
            Gone::Vanished => counters.dropped_vanished.add(),
            Gone::Tls => counters.dropped_tls.add(),
        }
        self.service.gone(parked, peer, gone);
    }

    /// When the last parked request is to be answered.
    pub(super) fn latest(&self) -> MonoMs {
        self.latest.get()
    }

    /// Runs a part of a turn, and notes how long the core was away from its ring.
    pub(super) fn away<R>(&self, run: impl FnOnce() -> R) -> R {
        let clock = &self.shared.clock;
        self.gauge.busy.begin(clock.mono_us());
        let done = run();
        self.gauge.busy.end(clock.mono_us(), &self.gauge.times);
        done
    }

    /// Calls `run` with what the lot has to know of the moment.
    pub(super) fn at_this_moment<R>(&self, run: impl FnOnce(&Now<'_>) -> R) -> R {
        let mut date = self.date.borrow_mut();
        run(&Now {
            ms: self.shared.clock.mono_ms(),
            date: date.at(self.shared.clock.now_ms()),
            stopping: self.is_stopping(),
        })
    }

    /// Writes an answer with the present date.
    pub(super) fn encode(&self, answer: Answer, terms: Terms, out: &mut Vec<u8>) -> bool {
        let (stays, mut content) = self.encode_head(answer, terms, out);
        out.append(&mut content);
        stays
    }

    /// Writes the head of an answer; returns what has to follow it.
    pub(super) fn encode_head(
        &self,
        answer: Answer,
        mut terms: Terms,
        out: &mut Vec<u8>,
    ) -> (bool, Vec<u8>) {
        let mut date = self.date.borrow_mut();
        terms.keep_alive &= !self.is_stopping();
        encode_head(answer, terms, date.at(self.shared.clock.now_ms()), out)
    }

    /// Runs the task of a connection: a panic ends it, and nothing else. The future is made with
    /// the task's timer, whose waker is the task.
    pub(super) fn spawn<F>(self: &Rc<Self>, ends: Ends, make: impl FnOnce(Rc<Timer>) -> F)
    where
        F: Future<Output = ()> + 'static,
    {
        let timer = Rc::new(self.timers.timer());
        let future = Box::pin(make(Rc::clone(&timer)));
        self.guard(future, timer, ends, None);
    }

    /// Runs a task that the core cannot be without until it stops: after a panic it begins anew.
    pub(super) fn spawn_lasting<F>(self: &Rc<Self>, make: impl Fn() -> F + 'static)
    where
        F: Future<Output = ()> + 'static,
    {
        let timer = Rc::new(self.timers.timer());
        let future = Box::pin(make());
        let again = move || -> Task {
            let future = make();
            Box::pin(async {
                monoio::time::sleep(PAUSE_AFTER_PANIC).await;
                future.await;
            })
        };
        self.guard(future, timer, Ends::AtStop, Some(Box::new(again)));
    }

    /// Runs the task that keeps the lot until the very end; after a panic it begins anew.
    pub(super) fn spawn_keeper<F>(self: &Rc<Self>, make: impl Fn() -> F + 'static)
    where
        F: Future<Output = ()> + 'static,
    {
        let core = Rc::clone(self);
        drop(monoio::spawn(async move {
            loop {
                let mut future = Box::pin(make());
                std::future::poll_fn(|cx| {
                    let poll = AssertUnwindSafe(|| future.as_mut().poll(cx));
                    catch_unwind(poll).unwrap_or(Poll::Ready(()))
                })
                .await;
                core.counters().panics.add();
                tracing::error!("the keeper of a core's waiting connections begins anew");
                monoio::time::sleep(PAUSE_OF_KEEPER).await;
            }
        }));
    }

    fn guard(
        self: &Rc<Self>,
        future: Task,
        timer: Rc<Timer>,
        ends: Ends,
        again: Option<Box<dyn Fn() -> Task>>,
    ) {
        self.tasks.set(self.tasks.get() + 1);
        drop(monoio::spawn(Guarded {
            future: Some(future),
            core: Rc::clone(self),
            timer,
            ends,
            again,
        }));
    }

    /// Completes when no guarded task and no connection is left.
    pub(super) fn drained(&self) -> impl Future<Output = ()> {
        std::future::poll_fn(|cx| {
            if self.tasks.get() == 0 && self.lot.len() == 0 {
                return Poll::Ready(());
            }
            *self.drained.borrow_mut() = Some(cx.waker().clone());
            Poll::Pending
        })
    }

    /// Looks whether that is so.
    pub(super) fn note_end(&self) {
        if self.tasks.get() == 0
            && self.lot.len() == 0
            && let Some(waker) = self.drained.take()
        {
            waker.wake();
        }
    }
}

/// When a task ends if it does not end by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ends {
    /// As soon as the core stops.
    AtStop,
    /// When the time for an orderly end is over.
    AtAbort,
}

type Task = Pin<Box<dyn Future<Output = ()>>>;

/// A task that is counted, that a panic ends, and that can be dropped from outside.
struct Guarded<S: Service, L: Lmtp> {
    future: Option<Task>,
    core: Rc<Core<S, L>>,
    timer: Rc<Timer>,
    ends: Ends,
    /// Makes the future anew after a panic.
    again: Option<Box<dyn Fn() -> Task>>,
}

impl<S: Service, L: Lmtp> Future for Guarded<S, L> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        this.timer.register(cx);
        let phase = this.core.phase.get();
        let over =
            phase == Phase::Aborting || (phase == Phase::Stopping && this.ends == Ends::AtStop);
        let Some(future) = this.future.as_mut().filter(|_| !over) else {
            this.end();
            return Poll::Ready(());
        };
        // The state of one task is lost with it; what tasks share is not borrowed across awaits.
        let core = &this.core;
        let polled = catch_unwind(AssertUnwindSafe(|| core.away(|| future.as_mut().poll(cx))));
        match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(())) => {}
            Err(_) => {
                this.core.counters().panics.add();
                if let Some(again) = &this.again {
                    tracing::error!("a task of a core begins anew after a panic");
                    this.future = Some(again());
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                tracing::error!("a connection was ended by a panic");
            }
        }
        this.end();
        Poll::Ready(())
    }
}

impl<S: Service, L: Lmtp> Guarded<S, L> {
    fn end(&mut self) {
        let Some(future) = self.future.take() else {
            return;
        };
        // A destructor may panic as well.
        if catch_unwind(AssertUnwindSafe(|| drop(future))).is_err() {
            self.core.counters().panics.add();
        }
        self.core.tasks.set(self.core.tasks.get() - 1);
        self.core.note_end();
    }
}

impl<S: Service, L: Lmtp> Drop for Guarded<S, L> {
    fn drop(&mut self) {
        self.end();
    }
}

/// Lets the other tasks of the core have a turn.
pub(super) async fn yield_now() {
    let mut yielded = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
