//! The one task of a core that keeps its parking lot: takes the post, works off signals and
//! deadlines, submits, reaps, and gives a task to every connection that needs one.

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use super::bells::Bells;
use super::connection;
use super::core::Core;
use super::lot::{Answered, Ended, Turn};
use super::service::{Lmtp, Service, Written};
use crate::http::Why;

/// Turns of the lot before the other tasks of the core have theirs: some 10 ms of answers.
const TURNS_MAX: usize = 8;

/// Keeps the lot for as long as the core runs.
pub(super) async fn keep<S: Service, L: Lmtp>(core: Rc<Core<S, L>>, bells: Rc<Bells>) {
    let mut turn = Turn::new();
    let mut post = Post::default();
    let mut completed = pin!(bells.completed());
    let mut rung = pin!(bells.rung());
    poll_fn(|cx| {
        // IMPORTANT: both before looking, so that what comes meanwhile wakes again.
        core.ready.keep(cx.waker());
        if let Some(bell) = core.traffic.switch.bell(core.number) {
            bell.listen(bells.ringer());
        }
        let more = core.away(|| {
            let more = turns(&core, &mut post, &mut turn);
            follow(&core);
            more
        });
        if core.is_stopping() {
            core.note_end();
        }
        let mut again = more;
        if completed.as_mut().poll(cx).is_ready() {
            completed.set(bells.completed());
            again = true;
        }
        if rung.as_mut().poll(cx).is_ready() {
            // IMPORTANT: after this the box is looked into once more, since a ring may be lost with it.
            bells.silence();
            rung.set(bells.rung());
            again = true;
        }
        if again {
            // The other tasks of the core have their turn in between.
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    })
    .await
}

/// Some turns of the lot: what they bring is dealt with while it is still in the processor's caches.
/// Returns whether there is more to do.
fn turns<S: Service, L: Lmtp>(
    core: &Rc<Core<S, L>>,
    post: &mut Post<S>,
    turn: &mut Turn<S::Parked>,
) -> bool {
    for _ in 0..TURNS_MAX {
        // Each time: a storm fills the box while the first ones are answered.
        post.take(core);
        let more = core.at_this_moment(|now| core.lot.turn(now, turn));
        let departing = !turn.departures.is_empty();
        settle(core, turn);
        if !more || departing {
            return more;
        }
    }
    true
}

/// Lets the gauges follow.
fn follow<S: Service, L: Lmtp>(core: &Core<S, L>) {
    let (counters, now) = (core.counters(), core.lot.counts());
    counters.parked.set(now.parked);
    counters.parked_bytes.set(now.bytes);
    counters.idle.set(core.lot.len().saturating_sub(now.parked));
    let [plain, tls12, tls13] = now.by_kind;
    counters.parked_plain.set(plain);
    counters.parked_tls12.set(tls12);
    counters.parked_tls13.set(tls13);
    let by_version = [
        &counters.parked_v25,
        &counters.parked_v120,
        &counters.parked_v121,
        &counters.parked_v140,
        &counters.parked_v141,
        &counters.parked_v160,
        &counters.parked_v161,
    ];
    for (counter, n) in by_version.into_iter().zip(now.by_version) {
        counter.set(n);
    }
}

/// What other threads have sent, in vectors that are used again.
struct Post<S: Service> {
    signals: Vec<<S::Parked as super::service::Parked>::Signal>,
    stays: Vec<super::lot::Stay<S::Parked>>,
}

impl<S: Service> Default for Post<S> {
    fn default() -> Self {
        Self {
            signals: Vec::new(),
            stays: Vec::new(),
        }
    }
}

impl<S: Service> Post<S> {
    /// Connections first: a signal that is in the box already finds them, or its count shows.
    fn take<L: Lmtp>(&mut self, core: &Core<S, L>) {
        let traffic = &core.traffic;
        traffic.stays.take(core.number, &mut self.stays);
        for stay in self.stays.drain(..) {
            core.lot.park(stay, core.latest());
        }
        traffic.switch.take(core.number, &mut self.signals);
        core.counters().wakes.add_many(self.signals.len());
        core.lot.tell(&mut self.signals);
    }
}

/// Counts what was answered, and tells the service: all at one moment, which is just now.
fn settle_answered<S: Service, L: Lmtp>(core: &Rc<Core<S, L>>, all: &mut Vec<Answered<S::Parked>>) {
    let (counters, clock) = (core.counters(), &core.shared.clock);
    let (now_us, unix_ms) = (clock.mono_us(), clock.now_ms());
    let mono_ms = now_us / 1_000;
    let times = all.iter().map(|answered| {
        let waited_ms = mono_ms.saturating_sub(answered.since_ms);
        let wake_us = answered.durable_us.map(|us| now_us.saturating_sub(us));
        (waited_ms / 1_000, wake_us)
    });
    core.gauge.times.answered(times);
    for answered in all.drain(..) {
        match answered.why {
            Why::Woken => counters.woken.add(),
            Why::Expired => counters.expired.add(),
        }
        let written = Written {
            brief: answered.brief,
            bytes: answered.bytes,
            mono_ms,
            unix_ms,
        };
        core.service
            .answered(answered.parked, &answered.peer, written);
    }
}

/// Deals with what a turn has brought: the answers are with the kernel already.
fn settle<S: Service, L: Lmtp>(core: &Rc<Core<S, L>>, turn: &mut Turn<S::Parked>) {
    if !turn.answered.is_empty() {
        settle_answered(core, &mut turn.answered);
    }
    let counters = core.counters();
    for (parked, peer, gone) in turn.gone.drain(..) {
        core.give_up(parked, &peer, gone);
    }
    for ended in turn.ended.drain(..) {
        match ended {
            Ended::Done => {}
            Ended::TimedOut => counters.timed_out.add(),
            Ended::Socket => counters.socket_errors.add(),
        }
    }
    for departure in turn.departures.drain(..) {
        connection::spawn(core, departure);
    }
}
