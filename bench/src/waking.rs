//! What happens between a commit and the answers to the phones that wait for it, without the
//! network: the count and the signal, and what the parked requests make of it.

use crate::must;
use crate::operation::{Operation, Run};
use crate::wait::block_on;
use roost::clock::Clock;
use roost::eas::parked::Parked;
use roost::http::Heard;
use roost::push::{Push, Signal, Watcher};
use roost::store::{Batch, Committed, Hint, LogEntry, Memory, Scope, Seq, Wake, Write, keys};

/// Requests that wait beside the one that is measured, each of an account of its own.
pub const PARKED: u32 = 10_000;
/// Wakes, registrations or commits of one run.
const STEPS: u32 = 100;
/// The request whose account gets mail where it is always the same one.
const LUCKY: u32 = 4_711;
/// The folder that changes.
const INBOX: u32 = 2;

/// What the cores share, with many requests that wait.
struct House {
    push: Push,
    signals: flume::Receiver<Signal>,
    watchers: Vec<Watcher>,
}

impl House {
    fn new() -> Self {
        let (carrier, signals) = flume::unbounded();
        let push = Push::new(carrier, Clock::system());
        Self {
            watchers: (0..PARKED).map(|n| push.watch(scope(n), 1)).collect(),
            push,
            signals,
        }
    }

    fn is_current(&self, n: u32) -> bool {
        self.watchers
            .get(n as usize)
            .is_some_and(Watcher::is_current)
    }
}

fn scope(n: u32) -> Scope {
    Scope(Scope::FIRST_ACCOUNT.0 + u64::from(n))
}

fn delivered(scope: Scope) -> Wake {
    Wake::Moved {
        scope,
        seq: 1,
        hints: [Hint {
            folder: INBOX,
            device: 0,
        }]
        .into(),
    }
}

/// The operations of this module; `park` makes a Ping that waits for the Inbox and three more.
#[must_use]
pub fn operations(park: impl Fn() -> Parked + Clone + 'static) -> Vec<Operation> {
    let operation =
        |name: &str, prepare: fn() -> Run| Operation::new(format!("wake/{name}"), STEPS, prepare);
    let hearing = |name: &str, folder: u32| {
        let park = park.clone();
        Operation::new(format!("wake/{name}"), STEPS, move || hear(park(), folder))
    };
    vec![
        operation("commit", commit),
        operation("commit-to-signal", commit_to_signal),
        operation("count-and-tell", count_and_tell),
        hearing("hear", INBOX),
        hearing("hear-nothing", 77),
        operation("watch-and-drop", watch),
    ]
}

/// The count of an account goes up, and its core is told.
fn count_and_tell() -> Run {
    let house = House::new();
    let wakes: Vec<_> = (0..STEPS).map(|n| delivered(scope(n * 97))).collect();
    Box::new(move || {
        for wake in &wakes {
            house.push.heard(std::slice::from_ref(wake));
        }
        house.signals.drain().count()
    })
}

/// A waiting Ping writes its answer, or finds that the signal is not about it.
fn hear(parked: Parked, folder: u32) -> Run {
    let hint = Hint { folder, device: 0 };
    let signal = Signal::Moved {
        scope: parked.scope(),
        hints: [hint].into(),
        durable_us: 0,
    };
    let mut document = Vec::with_capacity(256);
    Box::new(move || {
        let mut bytes = 0;
        for _ in 0..STEPS {
            document.clear();
            let heard = parked.hear(&signal, &mut document);
            assert_eq!(heard == Heard::Nothing, document.is_empty());
            bytes += document.len();
        }
        bytes + 1
    })
}

/// Requests that come and go.
fn watch() -> Run {
    let house = House::new();
    Box::new(move || {
        for n in PARKED..PARKED + STEPS {
            drop(house.push.watch(scope(n), 1));
        }
        house.watchers.len()
    })
}

/// Commits of one mail that is replaced again and again, so that the store stays as small as it is.
struct Deliveries {
    store: Memory,
    last: Seq,
}

impl Deliveries {
    fn new() -> Self {
        Self {
            store: Memory::new(),
            last: 0,
        }
    }

    /// A mail for the account of request [`LUCKY`].
    fn deliver(&mut self) {
        let (scope, item) = (scope(LUCKY), 1);
        let mut batch = Batch::new(scope);
        batch.writes = vec![
            Write::Put(keys::item(scope, INBOX, item), vec![7; 1_024]),
            Write::Put(keys::date(scope, INBOX, 1, item), vec![0]),
            Write::Delete(keys::change(scope, INBOX, self.last, item)),
        ];
        batch.log = vec![LogEntry {
            prefix: keys::change_prefix(scope, INBOX),
            suffix: keys::change_suffix(item),
            value: vec![0; 14],
            hint: Hint {
                folder: INBOX,
                device: 0,
            },
        }];
        let Committed { seq, .. } = must(block_on(self.store.commit(batch)));
        self.last = seq;
    }
}

fn commit() -> Run {
    let mut deliveries = Deliveries::new();
    Box::new(move || {
        (0..STEPS).for_each(|_| deliveries.deliver());
        STEPS as usize
    })
}

/// A commit, counted and told; the core takes the signal out of its box.
fn commit_to_signal() -> Run {
    let (house, mut deliveries) = (House::new(), Deliveries::new());
    let told = house.push.clone();
    deliveries
        .store
        .listen(Box::new(move |wakes| told.heard(wakes)));
    Box::new(move || {
        for _ in 0..STEPS {
            deliveries.deliver();
            let signal = must(house.signals.try_recv());
            assert_eq!(signal.scope(), Some(scope(LUCKY)));
        }
        assert!(!house.is_current(LUCKY) && house.is_current(LUCKY + 1));
        STEPS as usize
    })
}
