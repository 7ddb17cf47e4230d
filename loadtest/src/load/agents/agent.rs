//! An agent: it waits for a controller, plays the part that it is given, and waits for the next one.

use super::line::{Line, LineError, Outbox};
use super::protocol::{Hello, Job, Say, Tell, Welcome};
use super::silence::Silence;
use super::tls::{self, Identity};
use super::{ALIVE_S, FORMAT, HELLO_S, LOOK_MS, READY_S, SILENCE_S, STRANGERS_MAX, WRONG_MS};
use crate::load::drive::{Cue, Order, Part, play};
use crate::load::run::{Run, Second};
use crate::load::wire::Sources;
use roost::clock::Clock;
use rustls::{Connection, ServerConnection};
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, TryLockError};
use std::thread;
use std::time::Duration;

/// Seconds of a run in one message.
const REST: usize = 1_000;
/// Milliseconds between two looks for somebody who wants to speak.
const ACCEPT_MS: u64 = 50;

/// Why there is no agent.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// Others could reach it.
    #[error(
        "{0} can be reached from other machines: that takes a token (--token-file FILE, or \
         ROOST_LOAD_TOKEN in the environment)"
    )]
    NoToken(SocketAddr),
    /// The system's.
    #[error("nobody can be waited for at {0}: {1}")]
    Listen(SocketAddr, io::Error),
    /// Certificates.
    #[error(transparent)]
    Identity(#[from] tls::IdentityError),
}

/// What became of a controller's visit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ended {
    /// The part was played to the end, and told.
    Played,
    /// It did not come to that.
    Failed(String),
}

/// An agent.
pub struct Agent {
    listener: TcpListener,
    /// Where it waits.
    pub addr: SocketAddr,
    /// Who it is.
    pub identity: Identity,
    token: String,
    sources: Option<Sources>,
    stop: Arc<AtomicBool>,
    /// Held while it plays.
    playing: Arc<Mutex<()>>,
}

impl Agent {
    /// Listens; `stop` ends it, and in an orderly way what it plays. `sources`: its own source addresses,
    /// whatever the controller says.
    ///
    /// # Errors
    /// As [`AgentError`].
    pub fn new(
        addr: SocketAddr,
        token: String,
        sources: Option<Sources>,
        stop: Arc<AtomicBool>,
    ) -> Result<Self, AgentError> {
        if token.is_empty() && !addr.ip().is_loopback() {
            return Err(AgentError::NoToken(addr));
        }
        let failed = |e| AgentError::Listen(addr, e);
        let listener = TcpListener::bind(addr).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        Ok(Self {
            addr: listener.local_addr().map_err(failed)?,
            listener,
            identity: Identity::new()?,
            token,
            sources,
            stop,
            playing: Arc::default(),
        })
    }

    /// Serves controllers until it is stopped, or until the first that may give orders is done (`once`).
    /// `tell` is told of every visit, and by whom.
    pub fn serve(&self, once: bool, tell: &(dyn Fn(SocketAddr, &Ended) + Sync)) -> Option<Ended> {
        let strangers = AtomicUsize::new(0);
        let (ended, played) = flume::unbounded();
        thread::scope(|scope| {
            while !self.stop.load(Ordering::SeqCst) {
                let Ok((socket, from)) = self.listener.accept() else {
                    // Nobody is there, or no descriptor is: both pass.
                    let last = played.recv_timeout(Duration::from_millis(ACCEPT_MS)).ok();
                    match last.filter(|_| once) {
                        Some(last) => return Some(last),
                        None => continue,
                    }
                };
                if strangers.fetch_add(1, Ordering::SeqCst) >= STRANGERS_MAX {
                    strangers.fetch_sub(1, Ordering::SeqCst);
                    continue;
                }
                let (strangers, ended) = (&strangers, ended.clone());
                scope.spawn(move || {
                    let visit = self.visit(socket);
                    strangers.fetch_sub(1, Ordering::SeqCst);
                    let (known, what) = match visit {
                        Ok(()) => (true, Ended::Played),
                        Err((known, why)) => (known, Ended::Failed(why)),
                    };
                    tell(from, &what);
                    if known {
                        // With nobody to hear of it the agent is over.
                        let _ = ended.send(what);
                    }
                });
            }
            None
        })
    }

    /// One connection; else whether it was one that may give orders, and what went wrong.
    fn visit(&self, socket: TcpStream) -> Result<(), (bool, String)> {
        let stranger = |why: String| (false, why);
        let tls = ServerConnection::new(Arc::clone(&self.identity.config))
            .map_err(|e| stranger(e.to_string()))?;
        let line = Line::new(socket, Connection::from(tls)).map_err(|e| stranger(e.to_string()))?;
        let hello: Hello = line
            .recv(Duration::from_secs(HELLO_S))
            .map_err(|e| stranger(e.to_string()))?;
        let mut welcome = Welcome {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            refused: String::new(),
        };
        let playing = match self.admit(&hello) {
            Ok(playing) => playing,
            Err(why) => {
                welcome.refused.clone_from(&why);
                // It may be gone already.
                let _ = line.send(&welcome);
                linger(&line, WRONG_MS);
                return Err(stranger(why));
            }
        };
        line.trusts();
        let played = line.send(&welcome).map_err(|e| e.to_string());
        let played = played.and_then(|()| self.play(&line));
        linger(&line, SILENCE_S * 1_000);
        drop(playing);
        played.map_err(|why| (true, why))
    }

    /// Whether a controller may give orders now.
    fn admit(&self, hello: &Hello) -> Result<std::sync::MutexGuard<'_, ()>, String> {
        if !tls::is_same(&hello.token, &self.token) {
            pause(WRONG_MS);
            return Err("the token is not the one that the agent knows".to_owned());
        }
        if hello.format != FORMAT {
            return Err(format!(
                "the controller (roost-load {}) speaks format {}, the agent (roost-load {}) format {FORMAT}: \
                 take the same version for both",
                hello.version,
                hello.format,
                env!("CARGO_PKG_VERSION")
            ));
        }
        match self.playing.try_lock() {
            Ok(playing) => Ok(playing),
            Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => {
                Err("the agent works for another controller".to_owned())
            }
        }
    }

    /// Takes an order from a controller, and plays it.
    fn play(&self, line: &Line) -> Result<(), String> {
        let words = |e: LineError| e.to_string();
        let first: Say = line.recv(Duration::from_secs(READY_S)).map_err(words)?;
        let Say::Prepare(job) = first else {
            return Err("the controller did not say what is to be done".to_owned());
        };
        let order = match self.order(&job) {
            Ok(order) => order,
            Err(why) => {
                line.send(&Tell::Failed(why.clone())).map_err(words)?;
                return Err(why);
            }
        };
        line.send(&Tell::Ready).map_err(words)?;
        loop {
            match line.recv(Duration::from_secs(SILENCE_S + READY_S)) {
                Ok(Say::Go) => break,
                Ok(Say::Alive) => {}
                Ok(_) => return Err("the controller changed its mind".to_owned()),
                Err(e) => return Err(words(e)),
            }
        }
        let cue = Cue::new(job.share, job.number);
        let outbox = line.outbox();
        thread::scope(|scope| {
            let playing = scope.spawn(|| tell_all(&order, &cue, &outbox));
            let heard = self.attend(line, &order, &cue, &|| playing.is_finished());
            let played = playing.join();
            let played = played.map_err(|_| "the part broke off: a bug".to_owned());
            if let Err(why) = &played {
                line.send(&Tell::Failed(why.clone())).map_err(words)?;
            }
            heard?;
            played?
        })
    }

    fn order(&self, job: &Job) -> Result<Order, String> {
        let mut order = job.task.order(job.share).map_err(|e| e.to_string())?;
        if let Some(sources) = &self.sources {
            order.target.sources.clone_from(sources);
        }
        order.doors().map_err(|e| e.to_string())?;
        let room = roost::net::raise_limit().unwrap_or(usize::MAX);
        let devices = job.share.devices(&order.scenario);
        if usize::try_from(devices).is_ok_and(|n| n > room) {
            return Err(format!(
                "{devices} devices, but a process may have {room} connections there (ulimit -n)"
            ));
        }
        Ok(order)
    }

    /// Hears what the controller says while the part is played. When the controller is lost the part
    /// ends: nobody would hear of it.
    fn attend(
        &self,
        line: &Line,
        order: &Order,
        cue: &Cue,
        is_over: &dyn Fn() -> bool,
    ) -> Result<(), String> {
        let clock = Clock::system();
        let (mut silence, mut said_ms) = (Silence::new(clock.mono_ms()), 0);
        let mut lost = None;
        let end = || {
            order.stop.store(true, Ordering::SeqCst);
            cue.ring();
        };
        while !is_over() {
            let now_ms = clock.mono_ms();
            if self.stop.load(Ordering::SeqCst) {
                end();
            }
            if lost.is_some() {
                pause(LOOK_MS);
                continue;
            }
            if now_ms.saturating_sub(said_ms) >= ALIVE_S * 1_000 {
                said_ms = now_ms;
                // That it is gone shows below.
                let _ = line.send(&Tell::Alive);
            }
            match line.recv(Duration::from_millis(LOOK_MS)) {
                Ok(Say::Run) => cue.begin(),
                Ok(Say::Stop) => end(),
                Ok(Say::Alive) => {}
                Ok(Say::Prepare(_) | Say::Go | Say::Bye) => {
                    lost = Some("the controller spoke out of turn".to_owned());
                    end();
                    continue;
                }
                Err(LineError::Silence) if !silence.lasts(now_ms) => continue,
                Err(e) => {
                    lost = Some(format!("the controller was lost: {e}"));
                    end();
                    continue;
                }
            }
            silence.ends();
        }
        lost.map_or(Ok(()), Err)
    }
}

/// Plays the part, and tells the controller of every second and of the end.
fn tell_all(order: &Order, cue: &Cue, outbox: &Outbox) -> Result<(), String> {
    let mut told = 0;
    let mut each = |second: &Second, part: Part| {
        // The end has no second of its own.
        told += usize::from(part != Part::Ending);
        // A controller that is gone ends the run elsewhere.
        let _ = outbox.send(&Tell::Second(Box::new(second.clone()), part));
    };
    let run = play(order, Some(cue), &mut each);
    let words = |e: LineError| e.to_string();
    match run {
        Err(e) => {
            outbox.send(&Tell::Failed(e.to_string())).map_err(words)?;
            Err(e.to_string())
        }
        Ok(run) => {
            let Run { seconds, .. } = &run;
            for rest in seconds.get(told..).unwrap_or_default().chunks(REST) {
                outbox.send(&Tell::Rest(rest.to_vec())).map_err(words)?;
            }
            let mut run = run;
            run.seconds.clear();
            outbox.send(&Tell::Done(Box::new(run))).map_err(words)
        }
    }
}

/// Waits until the other end says that it has everything, or is gone: whoever closes a connection on which
/// something still comes in takes back what it said last.
fn linger(line: &Line, patience_ms: u64) {
    while let Ok(said) = line.recv::<Say>(Duration::from_millis(patience_ms)) {
        if said == Say::Bye {
            return;
        }
    }
}

/// Waits.
pub(super) fn pause(ms: u64) {
    let (_keep, never) = flume::bounded::<()>(0);
    let _ = never.recv_timeout(Duration::from_millis(ms));
}
