//! Asking: a request on a connection, tried again like phones try again.

use super::phone::Phone;
use super::shared::Stage;
use crate::load::measure::State;
use crate::load::wire::{Connection, FIRST_BYTE_S, WireError};
use crate::{Answer, Operation, Outcome, Request, Violation};

/// Tries of one request.
const TRIES: u32 = 8;
/// Seconds before the second try, doubled with every further one.
const BACK_OFF_S: u64 = 1;
/// Seconds between two tries, at most, unless the server asks for more.
const BACK_OFF_MAX_S: u64 = 60;
/// Seconds that a device obeys a `Retry-After`, at most.
const RETRY_AFTER_MAX_S: u64 = 3_600;

/// SendMail: this one was sent already, so the lost answer had been a good one (MessagePreviouslySent).
pub(super) const SENT_BEFORE: u32 = 118;

/// Why nothing came of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Trouble {
    /// All tries failed.
    GaveUp,
    /// The server refuses the device: 401, 403 and the like.
    Refused,
    /// The server broke the protocol, and the device begins anew.
    Violation,
    /// It is time to end.
    TooLate,
}

/// What one try came to.
enum Try {
    Answer(Answer),
    Again(Option<u64>),
}

impl Phone {
    /// Does one thing, as often as it takes; its latency counts from `intended_us`.
    pub(super) async fn ask(
        &mut self,
        operation: Operation,
        intended_us: u64,
        aside: bool,
    ) -> Result<Outcome, Trouble> {
        let what = name(&operation);
        let synced: Vec<String> = match &operation {
            Operation::Sync(sync) => sync.collections.iter().map(|c| c.id.clone()).collect(),
            _ => Vec::new(),
        };
        let was_hierarchy = self.device.folder_key.clone();
        let mut request = self.device.request(operation);
        self.held_us = 0;
        let answer = Box::pin(self.answer_of(&mut request, aside)).await?;
        // It was due when its turn to connect came: that is the scenario's doing.
        let latency_us = self.now_us().saturating_sub(intended_us + self.held_us);
        let phase = self.core.shared.meters.phase();
        let mut meter = self.core.meter();
        match self.slow {
            // Of these the reader is measured, and not the server.
            true => meter.latency("slow readers", phase, latency_us),
            false => meter.answered(what, phase, latency_us),
        }
        drop(meter);
        if let Some(software) = answer.header("Server").filter(|_| what == "OPTIONS") {
            self.core.shared.is_software(software);
        }
        if !matches!(answer.status, 200 | 449) {
            let _ = self.device.answer(&answer);
            return Err(Trouble::Refused);
        }
        let before = self.before(&synced);
        let held: Vec<String> = self.device.collections.keys().cloned().collect();
        let outcome = match self.device.answer(&answer) {
            Ok(outcome) => outcome,
            Err(violation) => return Err(self.violated(what, &violation)),
        };
        self.tells_breaches(what);
        match what {
            "OPTIONS" => self.choose_version(),
            "FolderSync" => {
                if self.device.folder_key == "0" && was_hierarchy != "0" {
                    // The model has let go of them already.
                    for id in &held {
                        self.core.shared.witness.forgot(self.who, id);
                    }
                    self.forget();
                }
                self.choose_folders();
            }
            _ => self.tell(&outcome, &before),
        }
        self.count_status(what, &outcome);
        Ok(outcome)
    }

    /// What the server did wrong in the answer to this command, and the device went on over.
    pub(super) fn tells_breaches(&mut self, command: &str) {
        let breaches = std::mem::take(&mut self.device.breaches);
        for breach in &breaches {
            self.tells_breach(command, breach);
        }
    }

    fn tells_breach(&self, command: &str, breach: &Violation) {
        self.core.meter().count("violations", 1);
        let at = format!("{}, {command}", self.device.identity.version);
        self.core.shared.witness.violation(self.who, &at, breach);
    }

    /// The server broke the protocol so that no phone can go on: that is told, and the device begins anew.
    pub(super) fn violated(&mut self, command: &str, violation: &Violation) -> Trouble {
        self.tells_breaches(command);
        self.breaches += 1;
        self.tells_breach(command, violation);
        self.forget();
        Trouble::Violation
    }

    /// Counts what the answer complains of.
    pub(super) fn count_status(&mut self, what: &str, outcome: &Outcome) {
        let fine = |status: u32| {
            matches!(
                (what, status),
                (_, 1) | ("Ping", 2) | ("SendMail", SENT_BEFORE)
            )
        };
        let whole = outcome.status.filter(|s| !fine(*s));
        let parts = outcome.collections.iter().map(|(_, s)| *s);
        let refused = outcome.responses.iter().map(|r| r.status);
        let mut meter = self.core.meter();
        // Another device of the user was there first.
        let (late, refused): (Vec<u32>, Vec<u32>) = refused.partition(|s| matches!(s, 7 | 8));
        if !late.is_empty() {
            meter.count("conflicts", 1);
        }
        for status in parts.chain(refused).filter(|s| !fine(*s)).chain(whole) {
            meter.error(&format!("status {what} {status}"));
            if what == "Sync" && status == 3 {
                meter.count("resyncs", 1);
            }
        }
    }

    /// The answer to a request, which is sent again until there is one.
    async fn answer_of(&mut self, request: &mut Request, aside: bool) -> Result<Answer, Trouble> {
        for _ in 0..TRIES {
            let tried = Box::pin(self.attempt(request, aside)).await;
            let after_us = match tried {
                Ok(Try::Answer(answer)) => {
                    self.failures = 0;
                    return Ok(answer);
                }
                Ok(Try::Again(after_us)) => after_us,
                Err(error) => {
                    self.core.meter().error(&error.to_string());
                    None
                }
            };
            let after_us = after_us.unwrap_or_else(|| self.back_off_us());
            let due_us = self.now_us() + after_us;
            self.rest(due_us).await?;
            self.core.meter().count("repeats", 1);
            if let Some(again) = self.device.repeat() {
                *request = again;
            }
        }
        Err(Trouble::GaveUp)
    }

    /// Waits until then, unless that is beyond the end.
    pub(super) async fn rest(&mut self, due_us: u64) -> Result<(), Trouble> {
        while self.now_us() < due_us {
            let ends = self.core.shared.stage() >= Stage::End;
            if due_us > self.core.shared.deadline_us() || ends && !self.arrived {
                return Err(Trouble::TooLate);
            }
            self.is(Some(State::Away));
            self.bell.sleep(due_us).await;
        }
        Ok(())
    }

    /// One try. A status that means "later" is no answer.
    async fn attempt(&mut self, request: &Request, aside: bool) -> Result<Try, WireError> {
        let mut connection = self.connection(aside).await?;
        let kept = connection.served > 0;
        self.is(Some(State::Busy));
        let due_us = self.now_us() + FIRST_BYTE_S * 1_000_000;
        let first = match connection.send(request).await {
            Ok(()) => connection.first(due_us).await,
            Err(error) => Err(error),
        };
        if let Err(WireError::Closed) = first
            && kept
        {
            // It was closed while nobody spoke: every client tries at once on a new one.
            self.core.meter().count("kept connections closed", 1);
            return Ok(Try::Again(Some(0)));
        }
        first?;
        let lost = self.core.shared.scenario.faults.lost_answers_per_mille;
        if self.core.shared.stage() < Stage::End && self.dice.per_mille(lost) {
            self.core.meter().count("answers lost on purpose", 1);
            connection.cut();
            return Ok(Try::Again(Some(0)));
        }
        let answer = connection.receive(due_us).await?;
        self.took(&mut connection);
        self.put_back(connection, aside);
        let after_us = self.retry_after_us(&answer);
        match answer.status {
            429 | 500 | 502..=504 => {
                let kind = format!("http {}", answer.status);
                self.core.meter().error(&kind);
                Ok(Try::Again(after_us))
            }
            200 | 449 => Ok(Try::Answer(answer)),
            status => {
                self.core.meter().error(&format!("http {status}"));
                Ok(Try::Answer(answer))
            }
        }
    }

    /// Counts an answer.
    pub(super) fn took(&mut self, connection: &mut Connection) {
        let mut meter = self.core.meter();
        meter.answer();
        meter.bytes(std::mem::take(&mut connection.bytes));
    }

    /// The connection, or a new one.
    pub(super) async fn connection(&mut self, aside: bool) -> Result<Connection, WireError> {
        let there = if aside {
            self.aside.take()
        } else {
            self.line.take()
        };
        if let Some(connection) = there {
            return Ok(connection);
        }
        self.is(Some(State::Connecting));
        if !self.hurries {
            let came_us = self.now_us();
            let at_us = self.core.shared.gate(came_us);
            if at_us > came_us {
                self.bell.pause(at_us).await;
                self.held_us += self.now_us() - came_us;
            }
        }
        let target = &self.core.shared.target;
        let shared = &self.core.shared;
        let place = shared
            .share
            .place_of_device(self.who.device, &shared.scenario);
        let from = target.sources.of(place);
        let opened = Box::pin(Connection::open(target, &self.core.host, from, &self.bell)).await;
        let (mut connection, opened) = opened?;
        connection.pace = self.pace();
        let phase = self.core.shared.meters.phase();
        let mut meter = self.core.meter();
        meter.connection(opened.resumed);
        meter.latency("connect", phase, opened.connect_us);
        if target.tls.is_some() {
            meter.latency("handshake", phase, opened.handshake_us);
        }
        drop(meter);
        Ok(connection)
    }

    /// Keeps a connection for what comes next, if the server does.
    pub(super) fn put_back(&mut self, connection: Connection, aside: bool) {
        if !connection.keeps {
            connection.close();
        } else if aside {
            self.aside = Some(connection);
        } else {
            self.line = Some(connection);
        }
    }

    /// How long to wait after one more failure: longer with each, and never as long as the others.
    pub(super) fn back_off_us(&mut self) -> u64 {
        self.failures = self.failures.saturating_add(1);
        let doubled = BACK_OFF_S << (self.failures - 1).min(16);
        let most_us = doubled.min(BACK_OFF_MAX_S) * 1_000_000;
        let jitter = usize::try_from(most_us / 2).unwrap_or(0);
        most_us / 2 + u64::try_from(self.dice.below(jitter)).unwrap_or(0)
    }

    /// What `Retry-After` says in seconds, never less, and up to a tenth more.
    pub(super) fn retry_after_us(&mut self, answer: &Answer) -> Option<u64> {
        let seconds: u64 = answer.header("Retry-After")?.trim().parse().ok()?;
        let us = seconds.min(RETRY_AFTER_MAX_S) * 1_000_000;
        self.core.meter().count("retry-after", 1);
        let jitter = usize::try_from(us / 10).unwrap_or(0);
        Some(us + u64::try_from(self.dice.below(jitter)).unwrap_or(0))
    }
}

/// What an operation is called among the latencies: its command.
pub(super) fn name(operation: &Operation) -> &'static str {
    match operation {
        Operation::Options => "OPTIONS",
        Operation::Provision | Operation::AcknowledgeWipe(_) => "Provision",
        Operation::FolderSync => "FolderSync",
        Operation::FolderCreate { .. } => "FolderCreate",
        Operation::FolderUpdate { .. } => "FolderUpdate",
        Operation::FolderDelete { .. } => "FolderDelete",
        Operation::Sync(_) => "Sync",
        Operation::Ping { .. } => "Ping",
        Operation::Estimate(_) => "GetItemEstimate",
        Operation::Move(_) => "MoveItems",
        Operation::Fetch { .. } | Operation::EmptyFolder { .. } => "ItemOperations",
        Operation::SendMail { .. } => "SendMail",
        Operation::Smart { forward: true, .. } => "SmartForward",
        Operation::Smart { forward: false, .. } => "SmartReply",
        Operation::SetDevice | Operation::UserInformation => "Settings",
        Operation::SearchGal { .. } | Operation::SearchMailbox { .. } => "Search",
        Operation::Find { .. } => "Find",
        Operation::Ask { .. } => "other",
    }
}
