//! Users, their phones, the appliance, the network between them, and time.

use std::collections::{BTreeMap, BTreeSet};

use std::time::Duration;

use roost::clock::Clock;
use roost::store::{FaultPlan, Rates};
use roost_load::{Answer, Command, Operation, Request, Response, SyncCommand};

use super::appliance::{Appliance, Reply};
use super::broken::{Broken, Held, Oracle, hold};
use super::ledger::{Ledger, Name, Sure, parse, title};
use super::phone::{Edit, Flight, Letter, Phone};
use super::planted::{Fault, Planted};
use super::random::Random;
use super::step::{Kind, Step};

/// 2026-01-01T00:00:00Z.
pub(crate) const NEW_YEAR_MS: i64 = 1_767_225_600_000;
/// Users.
pub(crate) const USERS: usize = 2;
/// Phones of each.
const PHONES: usize = 3;
/// Requests that may arrive again.
const OLD_MAX: usize = 16;

/// Mail that is to be delivered, until it is acknowledged.
pub(crate) struct Mail {
    pub(crate) origin: String,
    pub(crate) message: String,
    pub(crate) to: Vec<usize>,
}

/// What is the case before a request is served.
struct Before {
    /// What the server says of each item that the request changes.
    says: Option<String>,
    /// Somebody else has changed it since the phone heard of it.
    conflict: bool,
}

/// Everything.
pub(crate) struct World {
    pub(super) appliance: Option<Appliance>,
    pub(crate) clock: Clock,
    pub(crate) phones: Vec<Phone>,
    pub(crate) ledger: Ledger,
    /// Requests that were on their way once.
    old: Vec<(usize, Flight, Request)>,
    pub(crate) mails: Vec<Mail>,
    /// The store fails now and then.
    faulty: bool,
    pub(crate) planted: Planted,
    /// What happened, as text, where that is wanted.
    pub(crate) story: Option<Vec<String>>,
}

impl World {
    fn tell(&mut self, what: impl FnOnce() -> String) {
        if let Some(story) = &mut self.story {
            story.push(what());
        }
    }

    pub(crate) fn new(seed: u64, planted: Planted) -> Self {
        let mut random = Random::new(seed ^ 0x5eed);
        let clock = Clock::manual(NEW_YEAR_MS);
        let on_disk = planted.is_none() && seed % 20 == 19;
        let appliance = Appliance::new(USERS, &clock, on_disk);
        let phones = (0..USERS * PHONES).map(|n| Phone::new(n % USERS, n, &mut random));
        Self {
            appliance: Some(appliance),
            clock,
            phones: phones.collect(),
            ledger: Ledger::default(),
            old: Vec::new(),
            mails: Vec::new(),
            faulty: false,
            planted,
            story: None,
        }
    }

    pub(crate) fn appliance(&self) -> &Appliance {
        self.appliance.as_ref().unwrap()
    }

    pub(crate) fn appliance_mut(&mut self) -> &mut Appliance {
        self.appliance.as_mut().unwrap()
    }

    /// Does one step, and holds what has to hold after each.
    pub(crate) fn step(&mut self, step: Step) -> Held {
        let mut random = Random::new(step.salt);
        let random = &mut random;
        self.tell(|| format!("{step:?}"));
        match step.kind {
            Kind::Edit => self.edit(random),
            Kind::Sync => self.sync(random)?,
            Kind::Next => self.next(random)?,
            Kind::Deliver => self.deliver(random),
            Kind::Elsewhere => self.elsewhere(random),
            Kind::Ping => self.ping(random)?,
            Kind::Wait => self.wait(random)?,
            Kind::Time => self.time(random)?,
            Kind::Jump => self.clock.jump(random.below(7_200_000) as i64 - 3_600_000),
            Kind::Crash => self.crash(),
            Kind::Faults => self.faults(random),
            Kind::Late => self.late(random)?,
            Kind::Folder => self.folder(random)?,
            Kind::Move => self.move_mail(random)?,
            Kind::Send => self.send(random)?,
            Kind::Filter => self.filter(random),
            Kind::Again => self.again(random),
            Kind::Choke => self.choke(random),
            Kind::Policy => self.policy(random),
        }
        self.pump(random)?;
        // The real engine tells of a commit on its own thread, after it has answered.
        let mut patience = if self.appliance().is_on_disk() {
            2_000
        } else {
            0
        };
        while patience > 0 && self.check_waits().is_err() {
            patience -= 1;
            let answers = self.appliance_mut().pump_within(Duration::from_millis(1));
            self.wake(answers, random)?;
        }
        self.check_waits()
    }

    fn crash(&mut self) {
        let appliance = self.appliance.take().unwrap();
        let mut appliance = appliance.crash();
        self.planted.crashed(&mut appliance);
        self.appliance = Some(appliance);
        if self.planted.is(Fault::Resurrects)
            && let Some((user, origin)) = self.ledger.a_dead_one()
        {
            self.bring_back(user, &origin);
        }
        self.faulty = false;
        for phone in &mut self.phones {
            if let Some((_, flight)) = phone.waits.take() {
                phone.unanswered = Some(flight);
            }
        }
    }

    fn faults(&mut self, random: &mut Random) {
        self.faulty = random.percent(60);
        if !self.faulty {
            return self.appliance().set_faults(FaultPlan::none());
        }
        let seed = random.next();
        let mut rate = |max| u16::try_from(random.below(max)).unwrap();
        let rates = Rates {
            full: rate(20),
            conflict: rate(60),
            ack_lost: rate(20),
            lost: rate(20),
            late: rate(300),
        };
        let mut plan = FaultPlan::random(seed, rates);
        if random.percent(40) {
            plan = plan.short_ranges(1 + random.below(5));
        }
        self.appliance().set_faults(plan);
    }

    pub(crate) fn is_faulty(&self) -> bool {
        self.faulty
    }

    pub(crate) fn calm(&mut self) {
        self.faulty = false;
        self.appliance().set_faults(FaultPlan::none());
    }

    fn time(&mut self, random: &mut Random) -> Held {
        let ms = match random.below(10) {
            0..=5 => random.below(120_000),
            6..=8 => random.below(3_600_000),
            _ => random.below(3 * 86_400_000),
        };
        self.clock.advance(ms as i64);
        let answers = self.appliance_mut().expire();
        self.wake(answers, random)?;
        let now_ms = self.clock.mono_ms();
        let late = self
            .appliance()
            .waiting()
            .find(|(_, parked)| parked.deadline_ms() <= now_ms);
        hold(Oracle::Wake, late.is_none(), || {
            "a request waits beyond its heartbeat".into()
        })
    }

    /// A request of earlier arrives once more; nobody waits for its answer.
    fn late(&mut self, random: &mut Random) -> Held {
        let Some((p, flight, request)) = random.pick(&self.old).cloned() else {
            return Ok(());
        };
        self.may_happen(p, &flight);
        self.tell(|| format!("phone {p}, late: {}", asked(&request)));
        self.phones[p].device.doubt_all();
        let replies = self.appliance_mut().serve(&[&request]);
        self.nobody_waits_for(&replies)?;
        Ok(())
    }

    fn nobody_waits_for(&mut self, replies: &[Reply]) -> Held {
        for reply in replies {
            match reply {
                Reply::Answer(answer) => self.check_http(answer)?,
                Reply::Waits(ticket) => self.appliance_mut().hang_up(*ticket),
            }
        }
        Ok(())
    }

    fn check_http(&self, answer: &Answer) -> Held {
        let fine =
            answer.status < 500 || answer.status == 501 || (self.faulty && answer.status == 503);
        hold(Oracle::Internal, fine, || format!("HTTP {}", answer.status))
    }

    /// What a phone does first: repeat what got no answer, or give it up. Whether that was all.
    pub(crate) fn repeat(&mut self, p: usize, random: &mut Random) -> Held<bool> {
        let Some(mut flight) = self.phones[p].unanswered.take() else {
            return Ok(false);
        };
        flight.edits.iter_mut().for_each(|edit| edit.sent = true);
        // Windows of impatience: some clients compose the request anew. Not one that waits to hear what
        // became of the mail that it has put into another folder.
        let keeps_moved = self.phones[p].device.identity.profile.keeps_moved;
        let has_to = keeps_moved && matches!(flight.operation, Operation::Move(_));
        if !has_to && random.percent(25) {
            if random.percent(30) {
                self.phones[p].forget_sent();
            }
            return Ok(false);
        }
        let Some(request) = self.phones[p].device.repeat() else {
            return Ok(false);
        };
        self.fly(p, flight, request, random)?;
        Ok(true)
    }

    /// A new request of a phone.
    pub(crate) fn ask(&mut self, p: usize, flight: Flight, random: &mut Random) -> Held {
        let request = self.phones[p].device.request(flight.operation.clone());
        self.fly(p, flight, request, random)
    }

    fn fly(&mut self, p: usize, flight: Flight, request: Request, random: &mut Random) -> Held {
        self.leave(p, random);
        let before = self.before(p, &flight);
        self.may_happen(p, &flight);
        let fate = random.below(100);
        self.tell(|| format!("phone {p}, fate {fate}: {}", asked(&request)));
        if fate < 5 {
            // Never arrives, or not yet.
            self.remember(p, &flight, request, random);
            self.phones[p].unanswered = Some(flight);
            return Ok(());
        }
        let mut replies = if fate < 15 {
            self.appliance_mut().serve(&[&request, &request])
        } else {
            self.appliance_mut().serve(&[&request])
        };
        self.remember(p, &flight, request, random);
        let reply = replies.swap_remove(random.below(replies.len()));
        self.nobody_waits_for(&replies)?;
        let lost = (15..27).contains(&fate);
        match reply {
            Reply::Waits(ticket) if lost => {
                self.appliance_mut().hang_up(ticket);
                self.phones[p].unanswered = Some(flight);
            }
            Reply::Waits(ticket) => self.phones[p].waits = Some((ticket, flight)),
            Reply::Answer(answer) if lost => {
                self.check_http(&answer)?;
                self.phones[p].unanswered = Some(flight);
            }
            Reply::Answer(answer) => self.take(p, flight, answer, &before)?,
        }
        Ok(())
    }

    /// The same over a network and a store without faults, to the end.
    pub(crate) fn ask_calmly(&mut self, p: usize, flight: Flight, again: bool) -> Held {
        let phone = &mut self.phones[p];
        let again = again.then(|| phone.device.repeat()).flatten();
        let request = again.unwrap_or_else(|| phone.device.request(flight.operation.clone()));
        let before = self.before(p, &flight);
        self.may_happen(p, &flight);
        self.tell(|| format!("phone {p}, calmly: {}", asked(&request)));
        match self.appliance_mut().serve(&[&request]).remove(0) {
            Reply::Waits(ticket) => {
                self.appliance_mut().hang_up(ticket);
                Ok(())
            }
            Reply::Answer(answer) => self.take(p, flight, answer, &before),
        }
    }

    /// A phone that asks for something else does not wait any more; the server may find out late.
    fn leave(&mut self, p: usize, random: &mut Random) {
        if let Some((ticket, _)) = self.phones[p].waits.take()
            && random.percent(50)
        {
            self.appliance_mut().hang_up(ticket);
        }
    }

    fn remember(&mut self, p: usize, flight: &Flight, request: Request, random: &mut Random) {
        self.old.push((p, flight.clone(), request));
        if self.old.len() > OLD_MAX {
            let at = random.below(self.old.len());
            self.old.swap_remove(at);
        }
    }

    /// From here on what a request carries may have happened.
    fn may_happen(&mut self, p: usize, flight: &Flight) {
        let user = self.phones[p].user;
        for edit in &flight.edits {
            let name = (user, edit.origin.clone());
            match (&edit.text, &edit.command) {
                (Some(text), SyncCommand::Add { .. }) => {
                    self.ledger.made(&name, text, Some(p), Sure::Maybe);
                }
                (Some(text), _) => self.ledger.changed(&name, text, Some(p), Sure::Maybe),
                (None, SyncCommand::Delete { .. }) => {
                    self.ledger.gone(&name, Sure::Maybe);
                }
                (None, _) => {}
            }
        }
        if let Some(letter) = &flight.send {
            self.sent(user, letter, Sure::Maybe);
        }
    }

    fn sent(&mut self, user: usize, letter: &Letter, sure: Sure) {
        let name = (letter.to, letter.origin.clone());
        self.ledger.made(&name, "m", None, sure);
        if letter.save {
            let copy = (user, letter.origin.clone());
            self.ledger.made(&copy, "m", None, sure);
        }
    }

    fn before(&self, p: usize, flight: &Flight) -> Vec<Before> {
        let phone = &self.phones[p];
        let look = |edit: &Edit| {
            let says = self.appliance().title_of(phone.user, edit.of());
            let name = (phone.user, edit.origin.clone());
            let heard = phone.title_of(&edit.collection, edit.of());
            let conflict =
                says.is_some() && says.as_deref() != heard && !self.ledger.may_be_of(&name, p);
            Before { says, conflict }
        };
        flight.edits.iter().map(look).collect()
    }

    /// An answer arrives.
    fn take(&mut self, p: usize, flight: Flight, mut answer: Answer, before: &[Before]) -> Held {
        self.planted.answered(&mut answer, &flight);
        self.tell(|| {
            format!(
                "phone {p} is told {} {}",
                answer.status,
                shown(&answer.body)
            )
        });
        self.check_http(&answer)?;
        let phone = &mut self.phones[p];
        if answer.status == 503 || phone.trips_over(&answer.body) {
            phone.unanswered = Some(flight);
            return Ok(());
        }
        let had = begun(phone);
        let outcome = phone.device.answer(&answer).map_err(|violation| {
            let dump = roost::wbxml::xml::dump(&answer.body);
            Broken::new(
                Oracle::Protocol,
                format!(
                    "{violation}\n{:?}\n{}",
                    flight.operation,
                    dump.unwrap_or_default()
                ),
            )
        })?;
        let failed = |status: u32| matches!(status, 110 | 5 | 16 | 111);
        let of_sync = outcome.command == Some(Command::Sync);
        let mut statuses = outcome.status.iter().filter(|s| **s > 100 || of_sync);
        let mut inner = outcome.collections.iter().map(|(_, status)| status);
        let internal = statuses.any(|s| failed(*s)) || inner.any(|s| failed(*s));
        hold(Oracle::Internal, self.faulty || !internal, || {
            format!("{:?} to {:?}", outcome.tree, flight.operation)
        })?;
        if internal {
            self.phones[p].unanswered = Some(flight);
            return Ok(());
        }
        if matches!(flight.operation, Operation::AcknowledgeWipe(_)) && !phone.device.wipe {
            phone.begin_anew();
            return Ok(());
        }
        for (edit, before) in flight.edits.iter().zip(before) {
            let answered = |(id, status): &(String, u32)| *id == edit.collection && *status == 1;
            if outcome.collections.iter().any(answered) {
                let response = outcome.responses.iter().find(|r| r.of == edit.of());
                self.settled(p, edit, response, before)?;
            }
        }
        if let Some(letter) = &flight.send
            && outcome.ok()
        {
            self.sent(self.phones[p].user, letter, Sure::Yes);
        }
        self.forget(p, &had);
        Ok(())
    }

    /// What was typed for collections that began anew, or are gone.
    fn forget(&mut self, p: usize, had: &BTreeSet<String>) {
        let phone = &mut self.phones[p];
        let now = begun(phone);
        let is_lost = |id: &str| had.contains(id) && !now.contains(id);
        phone.forget(is_lost);
    }

    /// The server's word on something that was typed.
    fn settled(
        &mut self,
        p: usize,
        edit: &Edit,
        response: Option<&Response>,
        before: &Before,
    ) -> Held {
        let phone = &mut self.phones[p];
        phone
            .edits
            .retain(|kept| kept.of() != edit.of() || kept.collection != edit.collection);
        if let SyncCommand::Add { client_id, .. } = &edit.command {
            phone.free_ids.push(client_id.clone());
        }
        let (user, wins) = (phone.user, phone.wins);
        let name = (user, edit.origin.clone());
        let status = response.map_or(1, |r| r.status);
        let id = response.and_then(|r| r.id.as_deref());
        let at = id.unwrap_or_else(|| edit.of()).to_owned();
        let says = self.appliance().title_of(user, &at);
        let wanted = edit.text.as_ref().map(|text| title(&edit.origin, text));
        // What was sent before may have been done then, and others came after it.
        let done = edit.sent || says == wanted;
        let sure = if edit.sent { Sure::Maybe } else { Sure::Yes };
        match (&edit.command, status) {
            (SyncCommand::Add { .. }, 1) => {
                hold(Oracle::Lost, done, || {
                    format!("{at} says {says:?} after {edit:?}")
                })?;
                self.ledger
                    .made(&name, edit.text.as_deref().unwrap(), Some(p), Sure::Yes);
                self.phones[p].own.insert((edit.collection.clone(), at));
            }
            (SyncCommand::Add { .. }, status) => {
                let refused = || format!("{edit:?} is refused with {status}");
                hold(Oracle::Lost, self.faulty, refused)?;
            }
            (SyncCommand::Change { .. }, _) if edit.text.is_none() => {}
            (SyncCommand::Change { .. }, 1) => {
                hold(
                    Oracle::Conflict,
                    wins || edit.sent || !before.conflict,
                    || format!("{edit:?} wins over {:?}", before.says),
                )?;
                hold(Oracle::LastWriter, done, || {
                    format!("{at} says {says:?} after {edit:?}")
                })?;
                self.ledger
                    .changed(&name, edit.text.as_deref().unwrap(), Some(p), sure);
                self.phones[p].own.insert((edit.collection.clone(), at));
            }
            (SyncCommand::Change { .. }, 7) => {
                let right = (before.conflict && !wins) || self.ledger.may_be_of(&name, p);
                hold(Oracle::Conflict, right, || {
                    format!("{edit:?} loses to {:?}", before.says)
                })?;
            }
            (SyncCommand::Change { .. }, 8) => {
                hold(Oracle::Lost, says.is_none(), || {
                    format!("{edit:?}: not found, but it says {says:?}")
                })?;
            }
            (SyncCommand::Delete { .. }, 1) => {
                let kept = before.conflict && !wins;
                hold(Oracle::Resurrected, says.is_none() || kept, || {
                    format!("{edit:?}, and it says {says:?}")
                })?;
                if says.is_none() && !kept {
                    self.ledger.gone(&name, Sure::Yes);
                }
            }
            (_, status) => {
                hold(Oracle::Internal, self.faulty || status != 5, || {
                    format!("{edit:?}: status {status}")
                })?;
            }
        }
        Ok(())
    }

    /// What happened reaches those who wait.
    fn pump(&mut self, random: &mut Random) -> Held {
        if self.planted.swallows_signals() {
            self.appliance_mut().swallow_signals();
        }
        loop {
            let appliance = self.appliance_mut();
            let answers = if random.percent(3) {
                appliance.lose_signals()
            } else {
                appliance.pump()
            };
            if answers.is_empty() {
                return Ok(());
            }
            self.wake(answers, random)?;
        }
    }

    fn wake(&mut self, answers: Vec<(u64, Answer)>, random: &mut Random) -> Held {
        for (ticket, answer) in answers {
            let waits = |phone: &Phone| phone.waits.as_ref().is_some_and(|w| w.0 == ticket);
            let Some(p) = self.phones.iter().position(waits) else {
                continue;
            };
            let Some((_, flight)) = self.phones[p].waits.take() else {
                continue;
            };
            if random.percent(10) {
                self.phones[p].unanswered = Some(flight);
            } else {
                self.take(p, flight, answer, &[])?;
            }
        }
        Ok(())
    }

    /// Of every origin of a user what it says, as often as it is there.
    pub(crate) fn live(&self) -> BTreeMap<Name, Vec<String>> {
        let mut live = BTreeMap::<_, Vec<String>>::new();
        for user in 0..USERS {
            for row in self.appliance().items(user) {
                let says = super::appliance::title(&row);
                if let Some((origin, text)) = parse(&says) {
                    let name = (user, origin.to_owned());
                    live.entry(name).or_default().push(text.to_owned());
                }
            }
        }
        live
    }
}

/// The collections that a phone has begun to sync.
fn begun(phone: &Phone) -> BTreeSet<String> {
    let all = phone.device.collections.iter();
    let begun = all.filter(|(_, collection)| collection.key != "0");
    begun.map(|(id, _)| id.clone()).collect()
}

fn asked(request: &Request) -> String {
    let body = &request.body;
    format!("{} {}", request.target, shown(body))
}

/// A document in one line.
fn shown(document: &[u8]) -> String {
    if document.is_empty() {
        return String::new();
    }
    let text = roost::wbxml::xml::dump(document);
    let text = text.unwrap_or_else(|_| format!("{} bytes", document.len()));
    text.lines().map(str::trim).collect()
}
