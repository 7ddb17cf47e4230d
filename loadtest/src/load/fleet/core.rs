//! One thread of the fleet: its runtime, its devices, its deadlines.

use super::life;
use super::phone::Phone;
use super::post::Postman;
use super::shared::{Shared, Stage};
use super::witness::Letter;
use crate::load::measure::{Meter, lock};
use crate::load::wire::{Alarms, Bell, Connection};
use monoio::{FusionDriver, RuntimeBuilder};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard};

/// Entries of the ring.
const RING_ENTRIES: u32 = 4_096;
/// Connections of a thread that are left open: each is a descriptor.
const GHOSTS_MAX: usize = 1_000;

/// What the devices of a thread share.
pub(super) struct Core {
    pub(super) shared: Arc<Shared>,
    pub(super) alarms: Rc<Alarms>,
    pub(super) host: Rc<str>,
    meter: Arc<Mutex<Meter>>,
    bells: RefCell<BTreeMap<u32, Rc<Bell>>>,
    letters: RefCell<BTreeMap<u32, VecDeque<(u64, Letter)>>>,
    left: Cell<u32>,
    /// Connections that their devices have left open: nobody reads them any more.
    ghosts: RefCell<VecDeque<Connection>>,
}

impl Core {
    pub(super) fn meter(&self) -> MutexGuard<'_, Meter> {
        lock(&self.meter)
    }

    /// The next letter that a device is to send by now, and since when.
    pub(super) fn letter(&self, device: u32) -> Option<(u64, Letter)> {
        if self.letter_us(device) > self.alarms.now_us() {
            return None;
        }
        let mut letters = self.letters.borrow_mut();
        let queue = letters.get_mut(&device)?;
        let letter = queue.pop_front();
        if queue.is_empty() {
            letters.remove(&device);
        }
        letter
    }

    /// When a device is to send its next letter; `u64::MAX`: it has none.
    pub(super) fn letter_us(&self, device: u32) -> u64 {
        let letters = self.letters.borrow();
        let first = letters.get(&device).and_then(VecDeque::front);
        first.map_or(u64::MAX, |(meant_us, _)| *meant_us)
    }

    /// Leaves a connection as it is: it stays open, and nobody reads it. Of too many, the oldest goes.
    pub(super) fn haunt(&self, line: Connection) {
        let mut ghosts = self.ghosts.borrow_mut();
        ghosts.push_back(line);
        if ghosts.len() > GHOSTS_MAX {
            ghosts.pop_front();
        }
    }

    /// A device's work is over.
    pub(super) fn leaves(&self, device: u32) {
        self.bells.borrow_mut().remove(&device);
        self.left.set(self.left.get().saturating_sub(1));
        self.shared.goes();
    }

    /// Takes what others ask of this thread; whether all is over.
    fn look(&self, index: usize, seen: &mut (Stage, u32)) -> bool {
        for (meant_us, letter) in self.shared.letters(index) {
            let device = letter.from_device;
            let mut letters = self.letters.borrow_mut();
            letters
                .entry(device)
                .or_default()
                .push_back((meant_us, letter));
            drop(letters);
            if let Some(bell) = self.bells.borrow().get(&device) {
                bell.ring();
            }
        }
        let now = (self.shared.stage(), self.shared.storms());
        if now != *seen {
            *seen = now;
            for bell in self.bells.borrow().values() {
                bell.ring();
            }
        }
        self.left.get() == 0 && now.0 >= Stage::End
            || self.alarms.now_us() > self.shared.deadline_us()
    }
}

/// Runs the devices of a thread until all is over.
pub(super) fn run(shared: &Arc<Shared>, index: usize) {
    let runtime = RuntimeBuilder::<FusionDriver>::new()
        .with_entries(RING_ENTRIES)
        .enable_timer()
        .build();
    let Ok(mut runtime) = runtime else {
        shared.broke();
        return;
    };
    runtime.block_on(devices(Arc::clone(shared), index));
}

async fn devices(shared: Arc<Shared>, index: usize) {
    let alarms = Alarms::new(shared.meters.clock().clone());
    let count = shared.devices;
    let threads = u32::try_from(shared.threads).unwrap_or(1).max(1);
    let first = u32::try_from(index).unwrap_or(u32::MAX);
    let host = match shared.target.addr.port() {
        443 => shared.target.host.clone(),
        port => format!("{}:{port}", shared.target.host),
    };
    let core = Rc::new(Core {
        alarms: Rc::clone(&alarms),
        host: host.into(),
        meter: shared.meters.meter(),
        bells: RefCell::default(),
        letters: RefCell::default(),
        left: Cell::new(0),
        ghosts: RefCell::default(),
        shared,
    });
    for place in (first..count).step_by(usize::try_from(threads).unwrap_or(1)) {
        let device = core.shared.share.device(place, &core.shared.scenario);
        let bell = alarms.bell();
        core.bells.borrow_mut().insert(device, Rc::clone(&bell));
        core.left.set(core.left.get() + 1);
        let phone = Box::new(Phone::new(&core, device, bell));
        monoio::spawn(life::live(phone));
    }
    let mut seen = (Stage::Arrive, 0);
    let looks = Rc::clone(&core);
    let mut postman = Postman::new(&core.shared).filter(|_| index == 0);
    alarms
        .keep(move || {
            if let Some(postman) = &mut postman {
                postman.go(&looks.shared);
            }
            looks.look(index, &mut seen)
        })
        .await;
    // Whatever is still on its way is dropped with the runtime: these devices did not look to the end.
    for device in core.bells.borrow().keys() {
        let who = Phone::who(&core.shared, *device);
        core.shared.witness.looked(who, false);
    }
}
