//! The way to one server: what waits for it, whether it can be reached, and the threads that send.

use super::plan::Server;
use super::round::shown;
use super::{Busy, Counts, Plan, add};
use crate::clock::UnixMs;
use crate::limits;
use crate::mailbox::Error;
use crate::net::{Courier, Stop};
use crate::queue::{Again, Queue, QueueId, QueuedRow, settle};
use crate::smtp::client::{Envelope, Fate, Report};
use crate::store::BlobId;
use crate::work::block_on;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Between two attempts to record what became of a mail.
const RECORD_AGAIN: Duration = Duration::from_millis(500);

pub(super) struct Parts {
    pub(super) queue: Queue,
    pub(super) server: Server,
    pub(super) plan: Arc<Plan>,
    pub(super) busy: Busy,
    pub(super) counts: Arc<Counts>,
    pub(super) nudge: flume::Sender<()>,
    pub(super) stop: Stop,
}

/// Whether a server can be reached.
pub(super) enum Reach {
    Open,
    Down { until_ms: UnixMs, why: String },
}

/// What is known of a server that cannot be reached.
#[derive(Default)]
struct Trouble {
    /// Attempts in a row that brought no session.
    times: u32,
    until_ms: UnixMs,
    why: String,
}

/// The dispatcher's side.
pub(super) struct Lane {
    hand: flume::Sender<QueueId>,
    trouble: Arc<Mutex<Trouble>>,
}

impl Lane {
    pub(super) fn new(parts: Parts) -> (Self, Vec<Worker>) {
        let (hand, handed) = flume::bounded(limits::OUTGOING_WAITING_MAX);
        let trouble = Arc::default();
        let parts = Arc::new(parts);
        let worker = |_| Worker {
            parts: Arc::clone(&parts),
            handed: handed.clone(),
            trouble: Arc::clone(&trouble),
            courier: None,
        };
        let workers = (0..parts.plan.connections_max).map(worker).collect();
        (Self { hand, trouble }, workers)
    }

    /// One that keeps what it is handed, for tests.
    #[cfg(test)]
    pub(super) fn without_workers() -> (Self, flume::Receiver<QueueId>) {
        let (hand, handed) = flume::bounded(limits::OUTGOING_WAITING_MAX);
        let trouble = Arc::default();
        (Self { hand, trouble }, handed)
    }

    #[cfg(test)]
    pub(super) fn note_trouble(&self, until_ms: UnixMs, why: &str) {
        let mut trouble = self.trouble.lock().unwrap();
        (trouble.until_ms, trouble.why) = (until_ms, why.to_owned());
    }

    /// Hands a mail over; `false`: there is no room.
    pub(super) fn hand(&self, id: QueueId) -> bool {
        self.hand.try_send(id).is_ok()
    }

    pub(super) fn reach(&self, now_ms: UnixMs) -> Reach {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        match trouble.until_ms > now_ms {
            true => Reach::Down {
                until_ms: trouble.until_ms,
                why: trouble.why.clone(),
            },
            false => Reach::Open,
        }
    }

    /// Whatever was: the server is tried.
    pub(super) fn try_again(&self) {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.until_ms = 0;
    }
}

/// A thread that sends.
pub(super) struct Worker {
    parts: Arc<Parts>,
    handed: flume::Receiver<QueueId>,
    trouble: Arc<Mutex<Trouble>>,
    courier: Option<Courier>,
}

impl Worker {
    /// Sends until the dispatcher has gone.
    pub(super) fn run(mut self) {
        loop {
            let next = match self.courier {
                Some(_) => self
                    .handed
                    .recv_timeout(Duration::from_secs(limits::SMTP_IDLE_S)),
                None => {
                    let next = self.handed.recv();
                    next.map_err(|_| flume::RecvTimeoutError::Disconnected)
                }
            };
            match next {
                Ok(id) => {
                    if !self.parts.stop.is_set() {
                        self.deliver(id);
                    }
                    self.parts.busy.free(id.number);
                    let _ = self.parts.nudge.try_send(());
                }
                Err(flume::RecvTimeoutError::Timeout) => self.hang_up(),
                Err(flume::RecvTimeoutError::Disconnected) => return self.hang_up(),
            }
        }
    }

    fn hang_up(&mut self) {
        if let Some(courier) = self.courier.take() {
            courier.quit();
        }
    }

    fn deliver(&mut self, id: QueueId) {
        let row = match block_on(self.parts.queue.get(id)) {
            Ok(row) => row,
            // An operator took it away.
            Err(Error::NotFound) => return,
            Err(e) => {
                tracing::warn!(mail = %shown(id), error = %e, "a mail cannot be read; it stays");
                return;
            }
        };
        let (report, again) = match self.send(&row) {
            Ok(report) => (report, Again::Scheduled),
            Err(NotSent::NoSession(why)) => {
                let until_ms = self.note_trouble(&why);
                let report = Report::later(&envelope(&row, false), &why);
                (report, Again::At(until_ms))
            }
            Err(NotSent::Unreadable(why)) => {
                let report = Report::later(&envelope(&row, false), &why);
                (report, Again::Scheduled)
            }
        };
        if self.parts.stop.is_set() && report.is_lost && !report.in_doubt {
            // That is our doing, and no attempt.
            return;
        }
        self.record(&row, &report, again);
    }

    /// What an attempt came to, durable before there is another.
    fn record(&self, row: &QueuedRow, report: &Report, again: Again) {
        let Parts {
            queue,
            plan,
            counts,
            server,
            ..
        } = &*self.parts;
        let now_ms = queue.mailbox().clock().now_ms();
        let host = &server.hop.host;
        let mut row = row.clone();
        let mut settled = settle(&row, report, host, (&plan.schedule, again), now_ms);
        loop {
            let e = match block_on(queue.replace(&row, &settled.rows)) {
                Ok(()) => break,
                Err(e) => e,
            };
            // An operator has put it to another time, or taken it away.
            let moved = match e {
                Error::Conflict => block_on(queue.find(row.id.number)),
                e => Err(e),
            };
            match moved {
                Ok(moved) if moved.mail.recipients == row.mail.recipients => {
                    row = moved;
                    settled = settle(&row, report, host, (&plan.schedule, again), now_ms);
                }
                Ok(_) | Err(Error::NotFound) => {
                    tracing::warn!(mail = %shown(row.id), "a mail was taken away on its way");
                    break;
                }
                Err(e) => {
                    tracing::error!(mail = %shown(row.id), error = %e, "not recorded yet");
                    if self.parts.stop.wait(RECORD_AGAIN) {
                        return;
                    }
                }
            }
        }
        add(&counts.accepted, settled.accepted);
        add(&counts.deferred, settled.deferred);
        add(&counts.failed, settled.failed);
        add(&counts.in_doubt, usize::from(report.in_doubt));
        tracing::info!(
            mail = %shown(row.id),
            server = %host,
            accepted = settled.accepted,
            deferred = settled.deferred,
            failed = settled.failed,
            error = %error(report),
            in_doubt = report.in_doubt,
            "mail out"
        );
    }

    /// The report of a session.
    fn send(&mut self, row: &QueuedRow) -> Result<Report, NotSent> {
        let has_high = self.has_high_bytes(row).map_err(NotSent::Unreadable)?;
        let envelope = envelope(row, has_high);
        let is_used = self.courier.is_some();
        let report = self.send_over(row, &envelope)?;
        // A connection that stood idle may be gone, and nothing was taken: that is no attempt.
        if is_used && report.is_lost && is_untouched(&report) {
            return self.send_over(row, &envelope);
        }
        Ok(report)
    }

    fn send_over(&mut self, row: &QueuedRow, envelope: &Envelope) -> Result<Report, NotSent> {
        let mut courier = match self.courier.take() {
            Some(courier) => courier,
            None => self.connect().map_err(NotSent::NoSession)?,
        };
        let mut from = 0;
        let report = courier.send(envelope, |piece| {
            let read = self.piece(row, from)?;
            from += read.len() as u64;
            piece.extend_from_slice(&read);
            Ok(!read.is_empty())
        });
        if courier.is_open() {
            match courier.mails() < limits::SMTP_MAILS_MAX {
                true => self.courier = Some(courier),
                false => courier.quit(),
            }
        }
        Ok(report)
    }

    fn connect(&self) -> Result<Courier, String> {
        let Parts {
            server,
            queue,
            stop,
            ..
        } = &*self.parts;
        let login = server.login()?;
        let courier = Courier::connect(&server.hop, login, queue.mailbox().clock(), stop)?;
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Trouble::default();
        Ok(courier)
    }

    /// Remembers that there was no session, and until when nobody tries.
    fn note_trouble(&self, why: &str) -> UnixMs {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.times = trouble.times.saturating_add(1);
        let most_ms = i64::from(limits::SERVER_DOWN_S_MAX) * 1_000;
        let delay_ms = self
            .parts
            .plan
            .schedule
            .delay_ms(trouble.times)
            .min(most_ms);
        trouble.until_ms = self.parts.queue.mailbox().clock().now_ms() + delay_ms;
        why.clone_into(&mut trouble.why);
        trouble.until_ms
    }

    fn has_high_bytes(&self, row: &QueuedRow) -> Result<bool, String> {
        let mut from = 0;
        loop {
            let piece = self.piece(row, from)?;
            if piece.is_empty() {
                return Ok(false);
            }
            if !piece.is_ascii() {
                return Ok(true);
            }
            from += piece.len() as u64;
        }
    }

    /// The message from there on, a piece of it.
    fn piece(&self, row: &QueuedRow, from: u64) -> Result<Vec<u8>, String> {
        let to = from + limits::BLOB_CHUNK_BYTES as u64;
        if from >= row.mail.mime.bytes {
            return Ok(Vec::new());
        }
        let store = self.parts.queue.mailbox().store();
        let read = block_on(store.get_blob(BlobId(row.mail.mime.hash), from..to));
        let piece = read.map_err(|e| format!("the message cannot be read: {e}"))?;
        match piece.is_empty() {
            true => Err("the message is shorter than it was".into()),
            false => Ok(piece.to_vec()),
        }
    }
}

/// Why there is no report of a session.
enum NotSent {
    /// The server could not be reached, or does not let us in.
    NoSession(String),
    /// Our own disk.
    Unreadable(String),
}

fn envelope(row: &QueuedRow, eight_bit: bool) -> Envelope {
    Envelope {
        id: row.mail.envelope_id(),
        sender: row.mail.sender.clone(),
        recipients: row.mail.recipients.clone(),
        bytes: row.mail.mime.bytes,
        eight_bit,
    }
}

/// Nobody can have it.
fn is_untouched(report: &Report) -> bool {
    !report.in_doubt
        && report
            .fates
            .iter()
            .all(|fate| matches!(fate, Fate::Later(_)))
}

fn error(report: &Report) -> &str {
    let reason = report.fates.iter().find_map(|fate| match fate {
        Fate::Accepted => None,
        Fate::Refused(reason) | Fate::Later(reason) => Some(reason.text.as_str()),
    });
    reason.unwrap_or_default()
}
