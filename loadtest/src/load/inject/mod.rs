//! Changes from outside, handed over at times that were drawn before, whatever the server does meanwhile
//! (an open model): mail by LMTP, SMTP or IMAP, appointments by CalDAV, contacts by CardDAV. One that is
//! acknowledged stands in the [`Ledger`] from then on. Nothing is ever overwritten or deleted.

mod card;
mod dav;
mod dialog;
mod imap;
mod letter;
mod place;
mod session;

pub use dav::Collection;
pub use dialog::Door;
pub use letter::{date, letter};
pub use place::Place;

use super::marker::Marker;
use super::measure::{Meter, Meters};
use super::scenario::{Login, Scenario};
use super::share::Share;
use super::spread::{Bytes, Times};
use super::truth::Ledger;
use letter::Dice;
use roost::clock::Clock;
use rustls::ClientConfig;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Sessions at one time.
const SESSIONS: usize = 4;
/// Changes that wait for a session; what is due beyond waits with the clock.
const WAITING_MAX: usize = 10_000;

/// What is handed over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Mail,
    Event,
    Contact,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Event => "event",
            Self::Contact => "contact",
        }
    }

    /// What it is called among the latencies.
    fn operation(self) -> &'static str {
        match self {
            Self::Mail => "mail in",
            Self::Event => "event in",
            Self::Contact => "contact in",
        }
    }
}

/// Something that is due.
struct Due {
    kind: Kind,
    at_us: u64,
    marker: Marker,
    login: Login,
    bytes: usize,
}

/// What came of it all.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Injected {
    /// Changes that were acknowledged.
    pub taken: u64,
    /// Refusals and broken sessions by what was said: `mail: 550 nobody`.
    pub errors: BTreeMap<String, u64>,
}

/// The ways in.
#[derive(Clone, Debug, Default)]
pub struct Doors {
    /// For mail.
    pub mail: Option<Door>,
    /// For appointments.
    pub caldav: Option<Collection>,
    /// For contacts.
    pub carddav: Option<Collection>,
    /// TLS, where one of them has it.
    pub tls: Option<Arc<ClientConfig>>,
}

impl Doors {
    /// Their addresses.
    pub fn addrs(&self) -> impl Iterator<Item = SocketAddr> + use<> {
        let mail = self.mail.as_ref().map(Door::addr);
        let of = |collection: &Option<Collection>| collection.as_ref().map(|c| c.place.addr);
        [mail, of(&self.caldav), of(&self.carddav)]
            .into_iter()
            .flatten()
    }

    /// Whether one of them has TLS.
    #[must_use]
    pub fn has_tls(&self) -> bool {
        let of = |collection: &Option<Collection>| collection.as_ref().is_some_and(|c| c.place.tls);
        let imap = matches!(&self.mail, Some(Door::Imap(place)) if place.tls);
        imap || of(&self.caldav) || of(&self.carddav)
    }
}

/// Where what is handed over is entered.
pub struct Books {
    /// What is acknowledged.
    pub ledger: Arc<Ledger>,
    /// Counts the items of the run.
    pub numbers: Arc<AtomicU32>,
    /// How long it took, from the time that it was due; and the clock.
    pub meters: Arc<Meters>,
    /// Whose users they are.
    pub share: Share,
}

/// What sessions share.
struct Shared {
    doors: Doors,
    ledger: Arc<Ledger>,
    meters: Arc<Meters>,
    meter: Arc<Mutex<Meter>>,
    done: Mutex<Injected>,
}

/// Hands changes over until it is stopped.
pub struct Injector {
    shared: Arc<Shared>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

/// Whose mail, calendars and contacts they are: the users, in order.
pub type Logins = Arc<[Login]>;

impl Injector {
    /// Begins at `from_us` of the clock, which is shared with the fleet. What has no door is left out.
    ///
    /// # Errors
    /// The system's, where no thread can be had.
    pub fn start(
        scenario: &Scenario,
        doors: &Doors,
        (seed, from_us): (u64, u64),
        logins: &Logins,
        books: &Books,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            doors: doors.clone(),
            ledger: Arc::clone(&books.ledger),
            meter: books.meters.meter(),
            meters: Arc::clone(&books.meters),
            done: Mutex::default(),
        });
        let stop = Arc::new(AtomicBool::new(false));
        let (queue, due) = flume::bounded(WAITING_MAX);
        let mut threads = Vec::new();
        for _ in 0..SESSIONS {
            let (shared, due) = (Arc::clone(&shared), due.clone());
            let session = std::thread::Builder::new().name("inject".to_owned());
            threads.push(session.spawn(move || session::hand_over(&shared, &due))?);
        }
        let (mail, changes) = (&scenario.mail, &scenario.changes);
        let mut to_all_us: Vec<u64> = Vec::new();
        if doors.mail.is_some() {
            let at = |s: &u32| from_us + u64::from(*s) * 1_000_000;
            to_all_us = mail.to_all_at_s.iter().map(at).collect();
            to_all_us.sort_unstable();
        }
        let stream = |kind, there: bool, per_s, times, salt| {
            let mut dice = Dice::new(seed ^ salt);
            let per_s = if there { per_s } else { 0.0 };
            let next_us = from_us.saturating_add(dice.gap_us(per_s, times));
            Stream {
                kind,
                per_s,
                times,
                dice,
                next_us,
            }
        };
        let (events, contacts) = (doors.caldav.is_some(), doors.carddav.is_some());
        let plan = Plan {
            streams: [
                stream(Kind::Mail, doors.mail.is_some(), mail.per_s, mail.times, 0),
                stream(
                    Kind::Event,
                    events,
                    changes.events_per_s,
                    changes.times,
                    1 << 40,
                ),
                stream(
                    Kind::Contact,
                    contacts,
                    changes.contacts_per_s,
                    changes.times,
                    1 << 41,
                ),
            ],
            to_all_us,
            bytes: mail.bytes,
            logins: Arc::clone(logins),
            run: books.ledger.run(),
            numbers: Arc::clone(&books.numbers),
            share: books.share,
        };
        let (clock, stopped) = (books.meters.clock().clone(), Arc::clone(&stop));
        let planner = std::thread::Builder::new().name("inject-plan".to_owned());
        threads.push(planner.spawn(move || plan.follow(&clock, &stopped, &queue))?);
        Ok(Self {
            shared,
            stop,
            threads,
        })
    }

    /// Begins nothing more, finishes what is due, and says what came of it.
    #[must_use]
    pub fn stop(self) -> Injected {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            // A thread that panicked has said so.
            let _ = thread.join();
        }
        let mut done = self
            .shared
            .done
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *done)
    }
}

/// What comes at a rate.
struct Stream {
    kind: Kind,
    per_s: f64,
    times: Times,
    dice: Dice,
    next_us: u64,
}

/// When what is due.
struct Plan {
    streams: [Stream; 3],
    to_all_us: Vec<u64>,
    bytes: Bytes,
    logins: Logins,
    run: u32,
    numbers: Arc<AtomicU32>,
    share: Share,
}

impl Plan {
    fn follow(mut self, clock: &Clock, stop: &AtomicBool, queue: &flume::Sender<Due>) {
        let to_all = std::mem::take(&mut self.to_all_us);
        let mut to_all = to_all.into_iter().peekable();
        // Nobody sends into it: a wait that ends with the time or the stop.
        let (_bell, nothing) = flume::bounded::<()>(0);
        while !stop.load(Ordering::Relaxed) {
            let next = (0..)
                .zip(self.streams.iter())
                .min_by_key(|(_, s)| s.next_us);
            let Some((index, next_us)) = next.map(|(index, s)| (index, s.next_us)) else {
                return;
            };
            let due_us = to_all.peek().map_or(next_us, |at| next_us.min(*at));
            let now_us = clock.mono_us();
            if now_us < due_us {
                let wait = Duration::from_micros((due_us - now_us).min(50_000));
                let _ = nothing.recv_timeout(wait);
                continue;
            }
            let is_for_all = to_all.next_if(|at| *at <= due_us).is_some();
            let sent = match is_for_all {
                true => self.everybody(due_us, queue),
                false => self.somebody(index, queue),
            };
            if sent.is_none() {
                return;
            }
        }
    }

    /// Something for the user at this place.
    fn due(&mut self, index: usize, place: usize, at_us: u64) -> Option<Due> {
        let marker = Marker {
            run: self.run,
            number: self.numbers.fetch_add(1, Ordering::Relaxed),
            user: self.share.user(u32::try_from(place).ok()?),
        };
        let stream = self.streams.get_mut(index)?;
        let bytes = self.bytes.draw((stream.dice.part(), stream.dice.part()));
        Some(Due {
            kind: stream.kind,
            at_us,
            marker,
            login: self.logins.get(place)?.clone(),
            bytes,
        })
    }

    fn somebody(&mut self, index: usize, queue: &flume::Sender<Due>) -> Option<()> {
        let users = self.logins.len();
        let stream = self.streams.get_mut(index)?;
        let (at_us, place) = (stream.next_us, stream.dice.below(users));
        let gap_us = stream.dice.gap_us(stream.per_s, stream.times);
        stream.next_us = at_us.saturating_add(gap_us);
        let due = self.due(index, place, at_us)?;
        queue.send(due).ok()
    }

    /// A mail to each of them, all due at once.
    fn everybody(&mut self, at_us: u64, queue: &flume::Sender<Due>) -> Option<()> {
        for place in 0..self.logins.len() {
            let due = self.due(0, place, at_us)?;
            queue.send(due).ok()?;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests;
