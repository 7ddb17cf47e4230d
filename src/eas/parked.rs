//! A request that waits: what is left of it, what it makes of a signal, and how it goes on.
//!
//! A Ping answers a signal, or the end of its time, by itself ([`Parked::hear`], [`Parked::expire`]):
//! it watches just those folders that its device was up to date with when it parked, so the hints
//! are the answer, and no row is read. A Sync has to look for what there is to say, and so has
//! everyone after a gap, or after a change of the account or the device: [`Eas::resume`] does it.
//!
//! A hint may concern an item outside the device's window: then the device asks with a Sync that
//! brings nothing. That is rare, and cheaper than reading at every wake.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::hint::black_box;

use crate::clock::{MonoMs, UnixMs};
use crate::eas::advisor::{End, Origin};
use crate::eas::commands::{ping, sync};
use crate::eas::log::Line;
use crate::eas::{COMMON_HEADERS, Eas};
use crate::http::{Brief, Heard};
use crate::mailbox::Account;
use crate::push::{Signal, Watcher};
use crate::store::{Hint, Scope};

/// What a command leaves behind when it has nothing to say yet.
#[derive(Debug)]
pub struct Waiting {
    /// Taken before anything was read.
    pub watcher: Watcher,
    /// When to answer in any case.
    pub deadline_ms: MonoMs,
    /// Names the password that the request was let in with.
    pub password: PasswordPrint,
    /// What to look at again.
    pub wait: Wait,
}

/// The commands that wait.
#[derive(Debug)]
pub enum Wait {
    /// Ping, with the folders that it watches.
    Ping(ping::Waiting),
    /// Sync with `Wait` or `HeartbeatInterval`.
    Sync(Box<sync::Waiting>),
}

/// Tells one password of an account from the next, no more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PasswordPrint(u64);

impl PasswordPrint {
    /// Of the account's present password.
    #[must_use]
    pub fn of(account: &Account) -> Self {
        let mut hasher = DefaultHasher::new();
        account.password_hash.hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// A waiting request, without buffers, store handles or snapshots. A few hundred bytes in all.
#[derive(Debug)]
pub struct Parked(Box<Rest>);

#[derive(Debug)]
struct Rest {
    waiting: Waiting,
    line: Line,
    origin: Origin,
}

impl Parked {
    pub(super) fn new(waiting: Waiting, line: Line, origin: Origin) -> Self {
        Self(Box::new(Rest {
            waiting,
            line,
            origin,
        }))
    }

    pub(super) fn into_parts(self) -> (Waiting, Line, Origin) {
        let Rest {
            waiting,
            line,
            origin,
        } = *self.0;
        (waiting, line, origin)
    }

    /// The account: the request waits where that belongs, and signals name it.
    #[must_use]
    pub fn scope(&self) -> Scope {
        self.0.waiting.watcher.scope()
    }

    /// When to go on even though nothing happened.
    #[must_use]
    pub fn deadline_ms(&self) -> MonoMs {
        self.0.waiting.deadline_ms
    }

    /// When the request came.
    #[must_use]
    pub fn started_ms(&self) -> MonoMs {
        self.0.line.started_ms
    }

    /// The device's number within the account.
    #[must_use]
    pub fn device(&self) -> u32 {
        self.0.waiting.watcher.device()
    }

    /// The version of the request, times ten.
    #[must_use]
    pub fn version_tens(&self) -> u8 {
        self.0.line.version.tens()
    }

    /// Whether nothing has happened that it does not know of. To be asked once signals find it.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.0.waiting.watcher.is_current()
    }

    /// Reads what [`hear`](Self::hear) and [`answered`](Self::answered) will need.
    pub fn warm(&self) {
        let Rest {
            waiting,
            line,
            origin,
        } = &*self.0;
        let folder = match &waiting.wait {
            Wait::Ping(waiting) => waiting.first(),
            Wait::Sync(_) => None,
        };
        let device = (waiting.watcher.ticket(), waiting.watcher.device());
        black_box((folder, device, line.started_ms, line.version, *origin));
    }

    /// Bytes that it holds, itself included.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let Rest { waiting, line, .. } = &*self.0;
        let wait = match &waiting.wait {
            Wait::Ping(waiting) => waiting.bytes(),
            Wait::Sync(waiting) => waiting.bytes(),
        };
        size_of::<Self>() + size_of::<Rest>() + wait + line.who.bytes()
    }

    /// What a signal of its account means to it; the document of an answer goes into `document`,
    /// which is empty.
    pub fn hear(&self, signal: &Signal, document: &mut Vec<u8>) -> Heard {
        let waiting = &self.0.waiting;
        let device = waiting.watcher.device();
        match signal {
            Signal::Gap => Heard::Resume,
            Signal::End { ticket, .. } if *ticket == waiting.watcher.ticket() => {
                self.expire(document)
            }
            Signal::End { .. } => Heard::Nothing,
            Signal::Moved { hints, .. } if hints.iter().any(|h| is_about(*h, device)) => {
                Heard::Resume
            }
            Signal::Moved { hints, .. } => match &waiting.wait {
                Wait::Ping(waiting) => waiting
                    .hear(device, hints, document)
                    .map_or_else(|| Heard::Nothing, |status| Heard::Answer(brief(status))),
                Wait::Sync(waiting) if waiting.concerns(device, hints) => Heard::Resume,
                Wait::Sync(_) => Heard::Nothing,
            },
        }
    }

    /// The end of its time, or of the device's patience: the same answer.
    pub fn expire(&self, document: &mut Vec<u8>) -> Heard {
        match &self.0.waiting.wait {
            Wait::Ping(_) => Heard::Answer(brief(ping::expire(document))),
            Wait::Sync(waiting) if waiting.ends_empty() => Heard::Answer(brief(1)),
            Wait::Sync(_) => Heard::Resume,
        }
    }

    /// It was answered at this moment with what [`hear`](Self::hear) or [`expire`](Self::expire) wrote:
    /// its line of the log.
    pub fn answered(
        self,
        eas: &Eas,
        (mono_ms, now_ms): (MonoMs, UnixMs),
        brief: Brief,
        bytes: usize,
    ) {
        let (waiting, line, origin) = self.into_parts();
        line.write(mono_ms, brief.status, 200, bytes, 0);
        let device = (waiting.watcher.scope(), waiting.watcher.device());
        // Who gave it up for a newer one does not read the answer: that says nothing of the path.
        if waiting.watcher.end() {
            let waited_ms = mono_ms.saturating_sub(line.started_ms);
            eas.note_end(origin, device, waited_ms, End::Answered, now_ms);
        }
    }

    /// Its connection ended: the advisor learns how, and after which time.
    pub fn cut(self, eas: &Eas, end: End) {
        let device = (self.scope(), self.device());
        let waited_ms = eas.clock().mono_ms().saturating_sub(self.started_ms());
        let now_ms = eas.clock().now_ms();
        eas.note_end(self.0.origin, device, waited_ms, end, now_ms);
    }
}

/// Whether a hint says that the account, or this device, is not what it was.
fn is_about(hint: Hint, device: u32) -> bool {
    hint.folder == Hint::ACCOUNT || (hint.folder == Hint::DEVICE && hint.device == device)
}

/// Whether a hint is about a folder (0: the hierarchy), and about somebody else's change.
pub(super) fn is_news(hint: Hint, device: u32, folder: u32) -> bool {
    hint.folder == folder && (hint.device == 0 || hint.device != device)
}

fn brief(status: u16) -> Brief {
    Brief {
        headers: COMMON_HEADERS,
        content_type: "application/vnd.ms-sync.wbxml",
        status,
    }
}

/// So much earlier than asked for may a waiting request end, at most: phones that parked together
/// (after a restart, say) do not expire together.
const SPREAD_MS_MAX: u64 = 20_000;

/// When a request that may wait `wait_s` ends: a little before, by its ticket.
#[must_use]
pub fn deadline_ms(now_ms: MonoMs, wait_s: u32, watcher: &Watcher) -> MonoMs {
    let wait_ms = u64::from(wait_s) * 1_000;
    let spread_ms = (wait_ms / 16).min(SPREAD_MS_MAX);
    // Tickets are handed out one after the other; the factor (2^64 over the golden ratio) spreads
    // neighbours as far as it goes.
    let turn = watcher.ticket().wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    now_ms + wait_ms - ((turn * spread_ms) >> 32)
}
