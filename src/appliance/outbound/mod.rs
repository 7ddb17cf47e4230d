//! Mail for others on its way out: a thread that looks at what is due, and some for each server.
//!
//! The commit that adds a mail wakes the first ([`Outbound::start`] listens to the store); it hands mails to
//! the lanes of their servers, tells senders of what was given up, and sleeps until something is due. A lane
//! keeps a connection for several mails, and records what became of each before it takes the next. A server
//! that cannot be reached holds up its own mails and no others, and is tried once for all of them.

mod lane;
mod plan;
mod round;

use crate::config::Config;
use crate::limits;
use crate::mailbox::Mailbox;
use crate::net::Stop;
use crate::queue::Queue;
use crate::store::{Scope, Wake};
use lane::Lane;
pub(super) use plan::Plan;
use round::Dispatcher;
use std::collections::HashSet;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What is counted, since the start.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Recipients that the next server has.
    pub(super) accepted: AtomicU64,
    /// Recipients that were put off, each time.
    pub(super) deferred: AtomicU64,
    /// Recipients that were given up.
    pub(super) failed: AtomicU64,
    /// Reports to senders.
    pub(super) bounced: AtomicU64,
    /// Mails whose last dot got no reply.
    pub(super) in_doubt: AtomicU64,
}

impl Counts {
    /// Each with its name and meaning.
    pub(super) fn all(&self) -> [(&'static str, &'static str, u64); 5] {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        [
            (
                "outgoing_accepted",
                "Recipients of outgoing mail that the next server has taken.",
                of(&self.accepted),
            ),
            (
                "outgoing_deferred",
                "Recipients of outgoing mail that were put off, each time.",
                of(&self.deferred),
            ),
            (
                "outgoing_failed",
                "Recipients of outgoing mail that were given up.",
                of(&self.failed),
            ),
            (
                "outgoing_bounced",
                "Reports to senders of what was not delivered.",
                of(&self.bounced),
            ),
            (
                "outgoing_in_doubt",
                "Mails that were sent to their end and got no reply.",
                of(&self.in_doubt),
            ),
        ]
    }
}

/// Adds to a count.
fn add(count: &AtomicU64, n: usize) {
    count.fetch_add(n as u64, Ordering::Relaxed);
}

/// Numbers of mails that a lane has.
#[derive(Clone, Debug, Default)]
struct Busy(Arc<Mutex<HashSet<u64>>>);

impl Busy {
    /// Whether it was free until now.
    fn take(&self, number: u64) -> bool {
        self.lock().insert(number)
    }

    fn has(&self, number: u64) -> bool {
        self.lock().contains(&number)
    }

    fn free(&self, number: u64) {
        self.lock().remove(&number);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The threads that send.
pub(super) struct Outbound {
    stop: Stop,
    nudge: flume::Sender<()>,
    /// Disconnected when all threads have ended.
    ended: flume::Receiver<()>,
    counts: Arc<Counts>,
}

impl Outbound {
    /// Starts them.
    pub(super) fn start(config: &Config, mailbox: &Mailbox) -> io::Result<Self> {
        let plan = Arc::new(Plan::of(config));
        if !plan.has_default {
            tracing::info!("no smarthost is configured: mail for others waits in the queue");
        }
        let (nudge, nudged) = flume::bounded(1);
        let woken = nudge.clone();
        mailbox.store().listen(Box::new(move |wakes| {
            let is_queue = |wake: &Wake| match wake {
                Wake::Moved { scope, .. } => *scope == Scope::QUEUE,
                Wake::Gap => true,
            };
            if wakes.iter().any(is_queue) {
                // Full: it will look anyway.
                let _ = woken.try_send(());
            }
        }));
        let (stop, counts, busy) = (
            Stop::default(),
            Arc::new(Counts::default()),
            Busy::default(),
        );
        let queue = Queue::new(mailbox.clone());
        let (runs, ended) = flume::bounded::<()>(0);
        let mut lanes = Vec::new();
        for server in &plan.servers {
            let (lane, workers) = Lane::new(lane::Parts {
                queue: queue.clone(),
                server: server.clone(),
                plan: Arc::clone(&plan),
                busy: busy.clone(),
                counts: Arc::clone(&counts),
                nudge: nudge.clone(),
                stop: stop.clone(),
            });
            for worker in workers {
                let runs = runs.clone();
                let thread = std::thread::Builder::new().name("outgoing".into());
                thread.spawn(move || {
                    worker.run();
                    drop(runs);
                })?;
            }
            lanes.push(lane);
        }
        let dispatcher = Dispatcher {
            queue,
            plan,
            lanes,
            busy,
            counts: Arc::clone(&counts),
            nudged,
            stop: stop.clone(),
        };
        let thread = std::thread::Builder::new().name("queue".into());
        thread.spawn(move || {
            dispatcher.run();
            drop(runs);
        })?;
        Ok(Self {
            stop,
            nudge,
            ended,
            counts,
        })
    }

    /// What was counted.
    pub(super) fn counts(&self) -> Arc<Counts> {
        Arc::clone(&self.counts)
    }

    /// Ends them: what is on its way gets its reply, what waits goes out after the next start.
    pub(super) fn stop(self) {
        self.stop.set();
        let _ = self.nudge.try_send(());
        // One that waits for a name or a connection notices nothing, and has nothing to lose.
        let most = Duration::from_secs(limits::SMTP_STOP_S + 1);
        let _ = self.ended.recv_timeout(most);
    }
}
