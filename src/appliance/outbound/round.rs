//! One look at the queue after the other: what is due goes to the lane of its server.

use super::lane::{Lane, Reach};
use super::{Busy, Counts, Plan, add};
use crate::clock::UnixMs;
use crate::limits;
use crate::mailbox::Error;
use crate::net::Stop;
use crate::queue::{Queue, QueueId, Queued, QueuedRow, Told, give_up, tell};
use crate::work::block_on;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Milliseconds until the next look at most: the clock of the wall may be set.
const SLEEP_MS_MAX: i64 = 60_000;
/// After a failure of the store.
const FAILED_MS: i64 = 2_000;

pub(super) struct Dispatcher {
    pub(super) queue: Queue,
    pub(super) plan: Arc<Plan>,
    pub(super) lanes: Vec<Lane>,
    pub(super) busy: Busy,
    pub(super) counts: Arc<Counts>,
    /// The queue has changed, or a lane has room.
    pub(super) nudged: flume::Receiver<()>,
    pub(super) stop: Stop,
}

impl Dispatcher {
    pub(super) fn run(self) {
        while !self.stop.is_set() {
            let sleep_ms = match block_on(self.look()) {
                Ok(sleep_ms) => sleep_ms,
                // Somebody else was at it: it is looked at again.
                Err(Error::Conflict) => 0,
                Err(e) => {
                    tracing::warn!(error = %e, "the queue is looked at again");
                    FAILED_MS
                }
            };
            let sleep = Duration::from_millis(sleep_ms.clamp(0, SLEEP_MS_MAX).unsigned_abs());
            if let Err(flume::RecvTimeoutError::Disconnected) = self.nudged.recv_timeout(sleep) {
                return;
            }
        }
    }

    /// Milliseconds until the next one is due.
    async fn look(&self) -> Result<i64, Error> {
        let mut after = None;
        // Lanes that have enough to do. When all have, the rest of the queue is not looked at.
        let mut full = vec![false; self.lanes.len()];
        loop {
            let page = self.queue.list(after, limits::QUEUE_PAGE).await?;
            let Some(last) = page.last().map(|row| row.id) else {
                return Ok(SLEEP_MS_MAX);
            };
            for row in page {
                let now_ms = self.now_ms();
                if row.id.due_ms > now_ms {
                    return Ok(row.id.due_ms - now_ms);
                }
                if self.stop.is_set() {
                    return Ok(0);
                }
                if !full.is_empty() && full.iter().all(|full| *full) {
                    return Ok(SLEEP_MS_MAX);
                }
                if !self.busy.has(row.id.number) {
                    Box::pin(self.take(row, now_ms, &mut full)).await?;
                }
            }
            after = Some(last);
        }
    }

    async fn take(&self, row: QueuedRow, now_ms: UnixMs, full: &mut [bool]) -> Result<(), Error> {
        if !row.mail.failed.is_empty() {
            return self.tell(&row).await;
        }
        let mut parts: BTreeMap<Option<usize>, Vec<String>> = BTreeMap::new();
        for recipient in &row.mail.recipients {
            let server = self.plan.routes.server(recipient);
            parts.entry(server).or_default().push(recipient.clone());
        }
        if parts.len() > 1 {
            return self.split(&row, parts).await;
        }
        let server = parts.into_keys().next().flatten();
        let Some(lane) = server.and_then(|server| self.lanes.get(server)) else {
            let again_ms = now_ms + limits::NO_ROUTE_S * 1_000;
            let why = "no server is configured for the domain of the recipients";
            return self.hold(&row, again_ms, ("5.4.4", why)).await;
        };
        if row.id.due_ms == QueueId::ASKED_FOR_MS {
            lane.try_again();
        }
        match lane.reach(now_ms) {
            Reach::Down { until_ms, why } => self.hold(&row, until_ms, ("4.4.1", &why)).await,
            Reach::Open => {
                let id = row.id;
                if self.busy.take(id.number) && !lane.hand(id) {
                    // It nudges when it has done something.
                    self.busy.free(id.number);
                    if let Some(full) = server.and_then(|server| full.get_mut(server)) {
                        *full = true;
                    }
                }
                Ok(())
            }
        }
    }

    /// Puts a mail off without an attempt, or gives it up.
    async fn hold(
        &self,
        row: &QueuedRow,
        again_ms: UnixMs,
        (status, why): (&str, &str),
    ) -> Result<(), Error> {
        if self
            .plan
            .schedule
            .is_over(row.mail.queued_ms, self.now_ms())
        {
            let settled = give_up(row, status, why);
            self.queue.replace(row, &settled.rows).await?;
            add(&self.counts.failed, settled.failed);
            return Ok(());
        }
        if row.mail.last_error != why {
            tracing::warn!(mail = %shown(row.id), error = %why, "mail waits");
        }
        self.queue.reschedule(row, again_ms, why).await
    }

    /// One row for each server.
    async fn split(
        &self,
        row: &QueuedRow,
        parts: BTreeMap<Option<usize>, Vec<String>>,
    ) -> Result<(), Error> {
        let rows: Vec<(QueueId, Queued)> = parts
            .into_values()
            .map(|recipients| {
                let first = recipients.first().map_or("", String::as_str);
                let number = row.id.derived(&[b"part", first.as_bytes()]);
                let mail = Queued {
                    recipients,
                    ..row.mail.clone()
                };
                (QueueId { number, ..row.id }, mail)
            })
            .collect();
        self.queue.replace(row, &rows).await
    }

    async fn tell(&self, row: &QueuedRow) -> Result<(), Error> {
        let each = row.mail.failed.iter();
        let whom: Vec<&str> = each.map(|failed| failed.recipient.as_str()).collect();
        let why = row.mail.failed.first().map_or("", |failed| &failed.text);
        let (mail, whom) = (shown(row.id), whom.join(" "));
        match Box::pin(tell(&self.queue, row, &self.plan.host)).await? {
            Told::Bounced => {
                add(&self.counts.bounced, 1);
                tracing::info!(%mail, recipients = %whom, error = %why, "the sender is told");
            }
            Told::Nobody => {
                tracing::warn!(%mail, recipients = %whom, error = %why, "there is nobody to tell");
            }
        }
        Ok(())
    }

    fn now_ms(&self) -> UnixMs {
        self.queue.mailbox().clock().now_ms()
    }
}

/// As it is shown to people.
pub(super) fn shown(id: QueueId) -> String {
    format!("{:016x}", id.number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::config::{Config, Smarthost};
    use crate::mailbox::{Account, FolderId, Mailbox};
    use crate::pim::body::BlobRef;
    use crate::store::{Scope, Store};

    const HOUR_MS: i64 = 3_600_000;

    struct Scene {
        dispatcher: Dispatcher,
        scope: Scope,
        /// What was handed to each server.
        handed: Vec<flume::Receiver<QueueId>>,
    }

    /// A queue with a mail, and servers for these patterns that send nothing.
    fn scene(patterns: &[&str], recipients: &[&str]) -> Scene {
        let mailbox = Mailbox::new(Store::memory(), Clock::manual(HOUR_MS), true);
        let account = Account {
            login: "anna".into(),
            addresses: vec!["anna@example.org".into()],
            ..Account::default()
        };
        let scope = block_on(mailbox.add_account(&account)).unwrap();
        let mut config = Config::default();
        for pattern in patterns {
            let server = Smarthost {
                host: format!("mx.{pattern}"),
                ..Smarthost::default()
            };
            config.outgoing.routes.insert((*pattern).into(), server);
        }
        let plan = Plan::of(&config);
        let (lanes, handed) = plan.servers.iter().map(|_| Lane::without_workers()).unzip();
        let queue = Queue::new(mailbox);
        let mail = Queued {
            account: scope.0,
            sender: "anna@example.org".into(),
            recipients: recipients.iter().map(ToString::to_string).collect(),
            mime: BlobRef {
                hash: [7; 32],
                bytes: 3,
            },
            queued_ms: HOUR_MS,
            attempts: 0,
            last_error: String::new(),
            failed: Vec::new(),
        };
        block_on(queue.add(&[1; 32], &mail)).unwrap();
        let dispatcher = Dispatcher {
            queue,
            plan: Arc::new(plan),
            lanes,
            busy: Busy::default(),
            counts: Arc::default(),
            nudged: flume::bounded(1).1,
            stop: Stop::default(),
        };
        Scene {
            dispatcher,
            scope,
            handed,
        }
    }

    impl Scene {
        fn look(&self) -> i64 {
            block_on(self.dispatcher.look()).unwrap()
        }

        fn rows(&self) -> Vec<QueuedRow> {
            block_on(self.dispatcher.queue.list(None, 10)).unwrap()
        }

        fn bounces(&self) -> usize {
            let mailbox = self.dispatcher.queue.mailbox();
            block_on(mailbox.count_items(self.scope, FolderId::INBOX, 10)).unwrap()
        }
    }

    #[test]
    fn mail_without_a_server_waits_and_comes_back_when_its_time_is_over() {
        let scene = scene(&["example.net"], &["b@example.com"]);
        assert_eq!(scene.look(), limits::NO_ROUTE_S * 1_000);
        let rows = scene.rows();
        assert!(rows[0].mail.last_error.contains("no server"), "{rows:?}");
        assert_eq!(rows[0].mail.attempts, 0);
        let clock = scene.dispatcher.queue.mailbox().clock();
        clock.advance(119 * HOUR_MS);
        scene.look();
        assert_eq!((scene.rows().len(), scene.bounces()), (1, 0));
        clock.advance(HOUR_MS);
        scene.look();
        scene.look();
        assert_eq!((scene.rows().len(), scene.bounces()), (0, 1));
    }

    #[test]
    fn each_server_gets_its_recipients_once() {
        let to = ["b@example.net", "c@example.com", "d@example.net"];
        let scene = scene(&["example.net", "*"], &to);
        // The mail is divided, and then each part is handed on.
        scene.look();
        assert_eq!(scene.look(), SLEEP_MS_MAX);
        let numbers: Vec<Vec<u64>> = scene
            .handed
            .iter()
            .map(|handed| handed.drain().map(|id| id.number).collect())
            .collect();
        let rows = scene.rows();
        let of = |number: u64| rows.iter().find(|row| row.id.number == number).unwrap();
        // The routes are in the order of their patterns.
        assert_eq!(of(numbers[0][0]).mail.recipients, [to[1]]);
        assert_eq!(of(numbers[1][0]).mail.recipients, [to[0], to[2]]);
        // What a lane has is not handed on again.
        scene.look();
        assert!(scene.handed.iter().all(flume::Receiver::is_empty));
        assert_eq!(numbers.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1]);
    }

    #[test]
    fn a_lane_gets_no_more_than_it_holds() {
        let scene = scene(&["*"], &["b@example.net"]);
        let queue = &scene.dispatcher.queue;
        let mail = scene.rows().remove(0).mail;
        for n in 2..100 {
            block_on(queue.add(&[n; 32], &mail)).unwrap();
        }
        scene.look();
        assert_eq!(scene.handed[0].len(), limits::OUTGOING_WAITING_MAX);
        // Two are done, and two others follow.
        for id in scene.handed[0].try_iter().take(2) {
            let row = block_on(queue.get(id)).unwrap();
            block_on(queue.replace(&row, &[])).unwrap();
            scene.dispatcher.busy.free(id.number);
        }
        scene.look();
        assert_eq!(scene.handed[0].len(), limits::OUTGOING_WAITING_MAX);
        assert_eq!(
            scene.dispatcher.busy.lock().len(),
            limits::OUTGOING_WAITING_MAX
        );
    }

    #[test]
    fn a_server_that_is_down_holds_its_mail_until_somebody_asks() {
        let scene = scene(&["*"], &["b@example.net"]);
        scene.dispatcher.lanes[0].note_trouble(HOUR_MS + 60_000, "no connection");
        assert_eq!(scene.look(), 60_000);
        let row = scene.rows().remove(0);
        assert_eq!(row.mail.last_error, "no connection");
        assert!(scene.handed[0].is_empty());
        let queue = &scene.dispatcher.queue;
        block_on(queue.reschedule(&row, QueueId::ASKED_FOR_MS, "")).unwrap();
        scene.look();
        assert_eq!(scene.handed[0].len(), 1);
    }
}
