//! Mail from outside: handed over at times that were drawn before, whatever the server does meanwhile
//! (an open model). A mail that is acknowledged stands in the [`Ledger`] from then on.

mod dialog;
mod letter;

pub use dialog::Door;
pub use letter::{date, letter};

use super::marker::Marker;
use super::measure::{Meter, Meters};
use super::scenario::Mail;
use super::share::Share;
use super::truth::Ledger;
use dialog::Dialog;
use letter::Dice;
use roost::clock::Clock;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Sessions at one time.
const SESSIONS: usize = 4;
/// Mails that wait for a session; what is due beyond waits with the clock.
const WAITING_MAX: usize = 10_000;

/// A mail that is due.
struct Due {
    at_us: u64,
    marker: Marker,
    to: Vec<String>,
}

/// What came of it all.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Injected {
    /// Mails that were acknowledged for every recipient.
    pub mails: u64,
    /// Refusals and broken sessions by what was said.
    pub errors: BTreeMap<String, u64>,
}

/// Where what is handed over is entered.
pub struct Books {
    /// What is acknowledged.
    pub ledger: Arc<Ledger>,
    /// Counts the items of the run.
    pub numbers: Arc<AtomicU32>,
    /// How long it took, from the time that it was due; and the clock.
    pub meters: Arc<Meters>,
    /// Whose users the addresses are.
    pub share: Share,
}

/// What sessions share.
struct Shared {
    door: Door,
    bytes: usize,
    ledger: Arc<Ledger>,
    meters: Arc<Meters>,
    meter: Arc<Mutex<Meter>>,
    done: Mutex<Injected>,
}

/// Hands mail over until it is stopped.
pub struct Injector {
    shared: Arc<Shared>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

/// Who gets mail: the addresses of the users, in order.
pub type Addresses = Arc<[String]>;

impl Injector {
    /// Begins at `from_us` of the clock, which is shared with the fleet.
    ///
    /// # Errors
    /// The system's, where no thread can be had.
    pub fn start(
        mail: &Mail,
        door: Door,
        (seed, from_us): (u64, u64),
        addresses: &Addresses,
        books: &Books,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            door,
            bytes: usize::try_from(mail.bytes).unwrap_or(usize::MAX),
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
            threads.push(session.spawn(move || hand_over(&shared, &due))?);
        }
        let plan = Plan {
            per_s: mail.per_s,
            to_all_s: mail.to_all_at_s.clone(),
            addresses: Arc::clone(addresses),
            run: books.ledger.run(),
            numbers: Arc::clone(&books.numbers),
            share: books.share,
        };
        let (clock, stopped) = (books.meters.clock().clone(), Arc::clone(&stop));
        let planner = std::thread::Builder::new().name("inject-plan".to_owned());
        threads.push(planner.spawn(move || plan.follow(seed, from_us, &clock, &stopped, &queue))?);
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

/// When which mail is due.
struct Plan {
    per_s: f64,
    to_all_s: Vec<u32>,
    addresses: Addresses,
    run: u32,
    numbers: Arc<AtomicU32>,
    share: Share,
}

impl Plan {
    fn follow(
        &self,
        seed: u64,
        from_us: u64,
        clock: &Clock,
        stop: &AtomicBool,
        queue: &flume::Sender<Due>,
    ) {
        let mut dice = Dice::new(seed);
        let mut next_us = from_us.saturating_add(dice.gap_us(self.per_s));
        let at = |s: &u32| from_us + u64::from(*s) * 1_000_000;
        let mut to_all: Vec<u64> = self.to_all_s.iter().map(at).collect();
        to_all.sort_unstable();
        let mut to_all = to_all.into_iter().peekable();
        // Nobody sends into it: a wait that ends with the time or the stop.
        let (_bell, nothing) = flume::bounded::<()>(0);
        while !stop.load(Ordering::Relaxed) {
            let due_us = to_all.peek().map_or(next_us, |at| next_us.min(*at));
            let now_us = clock.mono_us();
            if now_us < due_us {
                let wait = Duration::from_micros((due_us - now_us).min(50_000));
                let _ = nothing.recv_timeout(wait);
                continue;
            }
            let is_for_all = to_all.next_if(|at| *at <= due_us).is_some();
            let sent = if is_for_all {
                self.everybody(due_us, queue)
            } else {
                next_us = next_us.saturating_add(dice.gap_us(self.per_s));
                self.somebody(due_us, &mut dice, queue)
            };
            if sent.is_none() {
                return;
            }
        }
    }

    fn marker(&self, user: u32) -> Marker {
        Marker {
            run: self.run,
            number: self.numbers.fetch_add(1, Ordering::Relaxed),
            user,
        }
    }

    fn somebody(&self, at_us: u64, dice: &mut Dice, queue: &flume::Sender<Due>) -> Option<()> {
        let n = dice.below(self.addresses.len());
        let to = vec![self.addresses.get(n)?.clone()];
        let marker = self.marker(self.share.user(u32::try_from(n).ok()?));
        queue.send(Due { at_us, marker, to }).ok()
    }

    /// A mail to each of them, all due at once.
    fn everybody(&self, at_us: u64, queue: &flume::Sender<Due>) -> Option<()> {
        for (place, address) in (0..).zip(self.addresses.iter()) {
            let marker = self.marker(self.share.user(place));
            let to = vec![address.clone()];
            queue.send(Due { at_us, marker, to }).ok()?;
        }
        Some(())
    }
}

/// A session's life.
fn hand_over(shared: &Shared, due: &flume::Receiver<Due>) {
    let mut dialog = None;
    for mail in due {
        let now_ms = shared.meters.clock().now_ms();
        let text = letter(&mail.marker.to_string(), &mail.to, shared.bytes, now_ms);
        let sent = match dialog.take() {
            Some(dialog) => Ok(dialog),
            None => Dialog::open(shared.door),
        };
        let sent = sent.and_then(|mut open: Dialog| {
            let answers = open.send(&mail.to, &text)?;
            dialog = Some(open);
            Ok(answers)
        });
        let now_us = shared.meters.now_us();
        let mut done = shared.done.lock().unwrap_or_else(PoisonError::into_inner);
        let errors: Vec<String> = match sent {
            Ok(answers) => answers.into_iter().filter_map(Result::err).collect(),
            Err(e) => vec![e.to_string()],
        };
        if errors.is_empty() {
            done.mails += 1;
            let mut meter = shared.meter.lock().unwrap_or_else(PoisonError::into_inner);
            let us = now_us.saturating_sub(mail.at_us);
            meter.latency("mail in", shared.meters.phase(), us);
            meter.injected();
            shared.ledger.acknowledged(mail.marker, now_us);
        } else {
            shared.ledger.uncertain(mail.marker);
        }
        for error in errors {
            *done.errors.entry(error).or_default() += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::TcpListener;

    fn books() -> Books {
        Books {
            ledger: Arc::new(Ledger::new(9)),
            numbers: Arc::default(),
            meters: Meters::new("run"),
            share: Share::WHOLE,
        }
    }

    /// A server that takes everything but what is for `carl`; what it took.
    fn server(lmtp: bool) -> (Door, flume::Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let (took, taken) = flume::unbounded();
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                let took = took.clone();
                std::thread::spawn(move || {
                    let mut socket = socket.unwrap();
                    let mut lines = BufReader::new(socket.try_clone().unwrap()).lines();
                    let mut say = |text: &str| socket.write_all(text.as_bytes()).is_ok();
                    say("220 here\r\n");
                    let mut to = 0;
                    while let Some(Ok(line)) = lines.next() {
                        let verb = line.get(..4).unwrap_or_default();
                        match verb {
                            "RCPT" if line.contains("carl") => say("550 nobody\r\n"),
                            "RCPT" => {
                                to += 1;
                                say("250 yes\r\n")
                            }
                            "DATA" => {
                                say("354 go on\r\n");
                                let text = lines.by_ref().map_while(Result::ok);
                                let text: Vec<_> = text.take_while(|l| l != ".").collect();
                                took.send(text.join("\n")).unwrap();
                                let replies = if lmtp { to } else { 1 };
                                to = 0;
                                (0..replies).all(|_| say("250 taken\r\n"))
                            }
                            "LHLO" | "EHLO" => say("250-here\r\n250 8BITMIME\r\n"),
                            _ => say("250 fine\r\n"),
                        };
                    }
                });
            }
        });
        let door = if lmtp {
            Door::Lmtp(addr)
        } else {
            Door::Smtp(addr)
        };
        (door, taken)
    }

    #[test]
    fn mail_is_handed_over_and_stands_in_the_books() {
        for lmtp in [true, false] {
            let (door, taken) = server(lmtp);
            let books = books();
            let mail = Mail {
                per_s: 200.0,
                to_all_at_s: vec![0],
                ..Mail::default()
            };
            let to: Vec<String> = ["anna@x.org", "bert@x.org", "carl@x.org"]
                .map(String::from)
                .into();
            let addresses = Arc::from(to);
            let start = (1, books.meters.now_us());
            let injector = Injector::start(&mail, door, start, &addresses, &books).unwrap();
            let some: Vec<String> = taken.iter().take(10).collect();
            assert!(
                some.iter()
                    .all(|text| Marker::find(text).is_some_and(|m| m.run == 9))
            );
            let done = injector.stop();
            assert!(done.mails >= 10, "{done:?}");
            let measured = books.meters.measured();
            assert_eq!(done.mails, measured.latencies[0].count);
            assert_eq!(done.errors.keys().collect::<Vec<_>>(), ["550 nobody"]);
            // Whoever has nothing lacks all of it, except what was refused.
            let truth = books.ledger.judge(&[(0, 1), (1, 2), (2, 3)]);
            assert_eq!(truth.lost, done.mails);
        }
    }

    #[test]
    fn a_server_that_is_not_there_is_named() {
        let gone = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let books = books();
        let mail = Mail {
            to_all_at_s: vec![0],
            ..Mail::default()
        };
        let addresses: Addresses = Arc::from(vec!["anna@x.org".to_owned()]);
        let (door, start) = (Door::Lmtp(gone), (1, books.meters.now_us()));
        let injector = Injector::start(&mail, door, start, &addresses, &books).unwrap();
        while books.numbers.load(Ordering::Relaxed) == 0 {
            std::thread::yield_now();
        }
        let done = injector.stop();
        assert_eq!((done.mails, done.errors.len()), (0, 1), "{done:?}");
        assert!(books.ledger.judge(&[(0, 1)]).holds());
    }
}
