//! Waiting: parked on the server, or away between two looks; and everything that ends it.

use super::kinds::Waits;
use super::phone::Phone;
use super::shared::Stage;
use crate::load::measure::State;
use crate::load::wire::{WireError, Woken};
use crate::{Answer, Operation, Sync, SyncCollection, Version, Wait};
use roost::wbxml::tags::{airsync, ping};

/// Seconds that a device waits beyond its heartbeat for the answer.
const GRACE_S: u64 = 60;
/// Seconds of the answer to a request that waited.
const ANSWER_S: u64 = 60;
/// Wakes in a row that bring nothing, before a device takes a breath.
const HOLLOW_MAX: u32 = 3;
/// Seconds that a device that vanished stays away, at least and at most.
const AWAY_S: (u64, u64) = (2, 30);

/// What is due first while a device waits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Next {
    Act,
    Cut,
    Vanish,
    TooLong,
}

impl Phone {
    /// Waits until there is something to do.
    pub(super) async fn wait(&mut self) {
        if self.waits() == Waits::Polls || self.device.collections.is_empty() {
            self.be_away().await;
            return;
        }
        if !Box::pin(self.park()).await {
            return;
        }
        self.doze();
        self.be_parked().await;
        self.rouse();
        if self.parked_us.take().is_some()
            && let Some(line) = self.line.take()
        {
            // It still waits there, and nobody will ask for the answer.
            line.close();
        }
    }

    /// Away until the next look, but for what is due meanwhile.
    async fn be_away(&mut self) {
        if let Some(line) = self.line.take() {
            line.close();
        }
        self.is(Some(State::Away));
        let poll_s = self.core.shared.scenario.population.poll_s.max(1);
        let due_us = self.now_us() + u64::from(poll_s) * 1_000_000;
        while self.now_us() < due_us {
            self.doze();
            let acts_us = self.acts_us();
            let _ = self.bell.sleep(due_us.min(acts_us)).await;
            self.rouse();
            if self.core.shared.stage() >= Stage::End {
                return;
            }
            if self.is_due() {
                if Box::pin(self.act(false)).await.is_err() {
                    return;
                }
                if let Some(line) = self.line.take() {
                    line.close();
                }
                self.is(Some(State::Away));
            }
        }
        self.device.refresh();
    }

    /// Sends the request that waits. False: it could not, and took its rest.
    async fn park(&mut self) -> bool {
        if self.hollow >= HOLLOW_MAX {
            self.hollow = 0;
            self.core.meter().count("hollow wakes", 1);
            let due_us = self.now_us() + 1_000_000;
            if self.rest(due_us).await.is_err() {
                return false;
            }
        }
        let operation = self.waiting();
        let request = self.device.request(operation);
        let sent = match self.connection(false).await {
            Ok(mut connection) => {
                let sent = connection.send(&request).await;
                let bytes = std::mem::take(&mut connection.bytes);
                self.core.meter().bytes(bytes);
                self.line = Some(connection);
                sent
            }
            Err(error) => Err(error),
        };
        match sent {
            Ok(()) => {
                self.hurries = false;
                self.parked_us = Some(self.now_us());
                self.is(Some(State::Parked));
                true
            }
            Err(error) => {
                self.broken(&error).await;
                false
            }
        }
    }

    /// The request that waits: on all collections that it has.
    fn waiting(&self) -> Operation {
        let ids = self.device.collections.keys().cloned();
        if self.waits() == Waits::Ping || self.device.version() < Version::V12_1 {
            return Operation::Ping {
                folders: ids.collect(),
                heartbeat_s: self.heart.now_s,
            };
        }
        let wait = match self.device.version() < Version::V14_0 {
            true => Wait::Minutes(self.heart.now_s.div_ceil(60).clamp(1, 59)),
            false => Wait::Seconds(self.heart.now_s),
        };
        let collection = |id| SyncCollection {
            id,
            options: Some(self.device.options),
            ..SyncCollection::default()
        };
        Operation::Sync(Sync {
            collections: ids.map(collection).collect(),
            wait: Some(wait),
            ..Sync::default()
        })
    }

    /// Parked, until the wait is over for whatever reason.
    async fn be_parked(&mut self) {
        loop {
            let (due_us, next) = self.next();
            let Some(line) = &mut self.line else { return };
            match line.wait(due_us).await {
                Ok(Woken::Done(())) => return Box::pin(self.answered()).await,
                Ok(Woken::Due) if next == Next::Act => {
                    if !Box::pin(self.acts_aside()).await {
                        return;
                    }
                }
                Ok(Woken::Due) => return Box::pin(self.gives_up(next)).await,
                Ok(Woken::Rung) => {
                    if self.core.shared.stage() >= Stage::End {
                        // What is asked on a connection comes behind what waits there.
                        self.rouse();
                        self.parked_us = None;
                        if let Some(line) = self.line.take() {
                            line.close();
                        }
                        return;
                    }
                    if self.storms != self.core.shared.storms() {
                        return self.storm();
                    }
                    if self.is_due() && !Box::pin(self.acts_aside()).await {
                        return;
                    }
                }
                Err(error) => return Box::pin(self.lost(&error)).await,
            }
        }
    }

    /// What is due first, and when.
    fn next(&mut self) -> (u64, Next) {
        let since_us = self.parked_us.unwrap_or(0);
        let heartbeat_s = u64::from(self.heart.now_s) + GRACE_S;
        let faults = &self.core.shared.scenario.faults;
        let cut_us = match faults.idle_cut_s {
            0 => u64::MAX,
            s => since_us + u64::from(s) * 1_000_000,
        };
        let vanish = faults.vanish_per_mille_min + faults.half_open_per_mille_min;
        let vanish_per_s = vanish / 60_000.0;
        if self.vanishes_us == 0 {
            let gap_us = self.dice.gap_us(vanish_per_s);
            self.vanishes_us = gap_us.map_or(u64::MAX, |gap| self.now_us() + gap);
        }
        let all = [
            (self.acts_us(), Next::Act),
            (cut_us, Next::Cut),
            (self.vanishes_us, Next::Vanish),
            (since_us + heartbeat_s * 1_000_000, Next::TooLong),
        ];
        let first = all.into_iter().min();
        first.unwrap_or((u64::MAX, Next::TooLong))
    }

    /// Does what is due while it waits: beside a Ping; a Sync that waits is given up for it. Whether it
    /// goes on waiting.
    async fn acts_aside(&mut self) -> bool {
        self.rouse();
        let beside = matches!(self.waiting(), Operation::Ping { .. });
        if !beside {
            self.parked_us = None;
            if let Some(line) = self.line.take() {
                line.close();
            }
        }
        let acted = self.act(beside).await;
        if let Some(aside) = self.aside.take() {
            aside.close();
        }
        if acted.is_err() || !beside || self.device.next().is_some() {
            return false;
        }
        self.is(Some(State::Parked));
        self.doze();
        true
    }

    /// The path, or the device itself, ends the wait.
    async fn gives_up(&mut self, next: Next) {
        self.rouse();
        let since_us = self.parked_us.take().unwrap_or(0);
        let Some(line) = self.line.take() else { return };
        match next {
            Next::Vanish => {
                let faults = &self.core.shared.scenario.faults;
                let half = faults.half_open_per_mille_min;
                let all = faults.vanish_per_mille_min + half;
                if self.dice.part() * all < half {
                    self.core.meter().count("half-open on purpose", 1);
                    self.core.haunt(line);
                } else {
                    self.core.meter().count("vanished", 1);
                    line.cut();
                }
                self.is(Some(State::Away));
                self.vanishes_us = 0;
                let spread = usize::try_from(AWAY_S.1 - AWAY_S.0).unwrap_or(0);
                let away_s = AWAY_S.0 + u64::try_from(self.dice.below(spread)).unwrap_or(0);
                let due_us = self.now_us() + away_s * 1_000_000;
                // At the end it comes back.
                let _ = self.bell.sleep(due_us).await;
            }
            _ => {
                line.cut();
                let what = match next {
                    Next::Cut => "idle cuts on purpose",
                    _ => "waits without an answer",
                };
                if next == Next::TooLong {
                    self.core.meter().error(&WireError::Timeout.to_string());
                }
                self.core.meter().count(what, 1);
                self.is_cut(since_us);
            }
        }
    }

    fn is_cut(&mut self, since_us: u64) {
        let after_s = self.now_us().saturating_sub(since_us) / 1_000_000;
        if self
            .heart
            .was_cut(u32::try_from(after_s).unwrap_or(u32::MAX))
        {
            self.core.meter().count("heartbeats shortened", 1);
        }
    }

    /// All lose their connections at one time, and come back at once.
    fn storm(&mut self) {
        self.storms = self.core.shared.storms();
        self.parked_us = None;
        self.hurries = true;
        self.core.meter().count("reconnects on purpose", 1);
        if let Some(line) = self.line.take() {
            line.cut();
        }
    }

    /// The connection went while it waited.
    async fn lost(&mut self, error: &WireError) {
        self.rouse();
        self.line = None;
        let since_us = self.parked_us.take().unwrap_or(0);
        self.is_cut(since_us);
        if self.now_us().saturating_sub(since_us) < 1_000_000 {
            self.broken(error).await;
        } else {
            self.core.meter().error(&error.to_string());
            self.failures = 0;
        }
    }

    /// An error, and a rest.
    async fn broken(&mut self, error: &WireError) {
        self.line = None;
        self.core.meter().error(&error.to_string());
        let due_us = self.now_us() + self.back_off_us();
        let _ = self.rest(due_us).await;
    }

    /// The wait is answered.
    async fn answered(&mut self) {
        let first_us = self.now_us();
        self.rouse();
        self.waited_since_us = self.parked_us.take();
        let Some(mut line) = self.line.take() else {
            return;
        };
        self.is(Some(State::Busy));
        let lost = self.core.shared.scenario.faults.lost_answers_per_mille;
        if self.dice.per_mille(lost) {
            self.core.meter().count("answers lost on purpose", 1);
            line.cut();
            // A Ping that is asked again tells it again, and so does a Sync with the same key.
            return;
        }
        let answer = match line.receive(first_us + ANSWER_S * 1_000_000).await {
            Ok(answer) => answer,
            Err(error) => return self.broken(&error).await,
        };
        self.took(&mut line);
        self.put_back(line, false);
        if answer.status == 200 || answer.status == 449 {
            self.failures = 0;
            self.heeds(&answer, first_us).await;
        } else {
            self.core.meter().error(&format!("http {}", answer.status));
            let after_us = self.retry_after_us(&answer);
            let after_us = after_us.unwrap_or_else(|| self.back_off_us());
            let due_us = self.now_us() + after_us;
            let _ = self.rest(due_us).await;
        }
    }

    /// Takes the answer in.
    async fn heeds(&mut self, answer: &Answer, first_us: u64) {
        let operation = self.waiting();
        let is_ping = matches!(operation, Operation::Ping { .. });
        let what = if is_ping { "Ping" } else { "Sync" };
        let ids: Vec<String> = self.device.collections.keys().cloned().collect();
        let before = self.before(&ids);
        self.device.expects(operation);
        let outcome = match self.device.answer(answer) {
            Ok(outcome) => outcome,
            Err(violation) => {
                self.violated(what, &violation);
                return;
            }
        };
        self.tells_breaches(what);
        let bound = if is_ping {
            ping::HEARTBEAT_INTERVAL
        } else {
            airsync::LIMIT
        };
        let bound = outcome.tree.as_ref().and_then(|t| t.number(bound));
        let lists = [&outcome.added, &outcome.changed, &outcome.removed];
        let told = lists.iter().any(|list| !list.is_empty());
        match (is_ping, outcome.status) {
            (true, Some(2)) => self.is_woken(first_us),
            (true, Some(1)) => self.heart.was_whole(),
            (true, Some(5)) => self.heart.bound(bound.unwrap_or(480)),
            (true, Some(3 | 4 | 6 | 8..)) => {
                self.count_status(what, &outcome);
                let due_us = self.now_us() + self.back_off_us();
                let _ = self.rest(due_us).await;
            }
            (false, Some(14)) => self.heart.bound(bound.unwrap_or(480)),
            (false, None | Some(1)) if told => {
                self.is_woken(first_us);
                self.tell(&outcome, &before);
            }
            (false, None | Some(1)) => {
                // A key that was refused is all that there may be to tell.
                self.tell(&outcome, &before);
                self.heart.was_whole();
            }
            _ => {}
        }
        if !is_ping && outcome.status != Some(14) {
            self.count_status(what, &outcome);
        }
    }

    fn is_woken(&mut self, first_us: u64) {
        self.hollow += 1;
        self.woken_us = Some(first_us);
        self.core.meter().wake();
        self.core.shared.witness.woken(self.who, first_us);
    }
}
