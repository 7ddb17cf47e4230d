//! The fleet: devices of the model on real connections, that arrive, wait, are woken, do what people
//! do, and are disturbed as the scenario says.
//!
//! A task for each device, on a few threads. What is due begins at a time that is drawn ahead; a device
//! that is busy then does it as soon as it can, and its latency counts from the time that was meant.
//! Deliberately absent: whether what arrived is right ([`Witness`] is told of everything and judges),
//! mail from outside, and how anything is shown.

mod acts;
mod ask;
mod asleep;
mod core;
mod dice;
mod heart;
mod kinds;
mod life;
mod phone;
mod post;
mod shared;
#[cfg(test)]
pub(super) mod tests;
mod waits;
mod witness;

pub use dice::Dice;
pub use kinds::{Kind, Waits, names};
pub use witness::{Letter, Moment, Seen, Who, Witness};

use crate::load::measure::{Measured, Meters};
use crate::load::scenario::Scenario;
use crate::load::share::Share;
use crate::load::wire::Target;
use shared::{Shared, Stage};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Seconds that devices have for their last look, beyond the time that their connections take.
const LAST_LOOK_S: u64 = 60;

/// A fleet at work.
pub struct Fleet {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    ticker: JoinHandle<()>,
    stops_ticking: mpsc::Sender<()>,
}

/// Why there is no fleet.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// A profile that does not exist.
    #[error("there is no profile {0:?}; there are {1}")]
    Profile(String, String),
    /// No weight is above zero.
    #[error("the profiles have no weight")]
    NoWeight,
    /// More devices than descriptors.
    #[error("{0} devices, but this process may have {1} connections only (ulimit -n)")]
    Descriptors(u32, usize),
    /// The system's.
    #[error("a thread of the fleet cannot be started: {0}")]
    Thread(#[from] std::io::Error),
}

impl Fleet {
    /// Starts the fleet: devices arrive from now on. `meters` measure in the phase that they are in; when
    /// all devices are there the fleet begins the phase `run`, and with [`Fleet::stop`] the phase `end`.
    ///
    /// # Errors
    /// Profiles that do not exist, more devices than descriptors, or no threads.
    pub fn start(
        scenario: &Scenario,
        target: &Target,
        witness: Arc<dyn Witness>,
        meters: Arc<Meters>,
    ) -> Result<Self, FleetError> {
        let whole = (scenario, Share::WHOLE, false);
        Self::start_part(whole, target, witness, meters)
    }

    /// The same with a part of the scenario's devices. `held`: the phase `run` begins with
    /// [`Fleet::run_now`] only.
    ///
    /// # Errors
    /// As [`Fleet::start`].
    pub fn start_part(
        (scenario, share, held): (&Scenario, Share, bool),
        target: &Target,
        witness: Arc<dyn Witness>,
        meters: Arc<Meters>,
    ) -> Result<Self, FleetError> {
        let kinds = kinds::deal(&scenario.population)?;
        // As many connections as the system lets us have.
        let room = roost::net::raise_limit().unwrap_or(usize::MAX);
        let devices = share.devices(scenario);
        if usize::try_from(devices).is_ok_and(|n| n > room) {
            return Err(FleetError::Descriptors(devices, room));
        }
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let count = match target.threads {
            0 => cores,
            n => n,
        };
        let shared = Shared::new(
            (scenario, share, held),
            target,
            kinds,
            witness,
            meters,
            count,
        );
        let shared = Arc::new(shared);
        let threads: Result<Vec<_>, _> = (0..count)
            .map(|index| {
                let shared = Arc::clone(&shared);
                thread::Builder::new()
                    .name(format!("fleet-{index}"))
                    .spawn(move || core::run(&shared, index))
            })
            .collect();
        let (stops_ticking, stopped) = mpsc::channel();
        let ticking = Arc::clone(&shared);
        let ticker = thread::Builder::new()
            .name("fleet-tick".to_owned())
            .spawn(move || tick(&ticking, &stopped))?;
        Ok(Self {
            shared,
            threads: threads?,
            ticker,
            stops_ticking,
        })
    }

    /// Devices that have made their first contact, or were refused for good.
    #[must_use]
    pub fn arrived(&self) -> u32 {
        self.shared.arrived()
    }

    /// When the phase `run` began, on the clock of the meters: `to_all_at_s` and the like count from there.
    /// `None` before.
    #[must_use]
    pub fn running_since_us(&self) -> Option<u64> {
        self.shared.running_since_us()
    }

    /// Begins the phase `run` though not all devices are there.
    pub fn run_now(&self) {
        self.shared.begin_run();
    }

    /// Lets a device send a mail, as soon as it can. The witness is told when it is accepted.
    pub fn post(&self, letter: Letter) {
        self.shared.post(letter, self.shared.meters.now_us());
    }

    /// What all dice came from: the scenario's seed, or the clock.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.shared.seed
    }

    /// Devices whose work is over: all of them some time after the fleet was told to stop.
    #[must_use]
    pub fn gone(&self) -> u32 {
        self.shared.gone()
    }

    /// Ends it: what was due until now is done, and every device looks once more at everything, so that
    /// nothing is on its way any more. Blocks until that is done, or too late.
    #[must_use]
    pub fn stop(self) -> Measured {
        let devices = f64::from(self.shared.devices);
        let rate = self.shared.scenario.arrival.connections_per_s.max(0.1);
        let coming = Duration::from_secs_f64((devices / rate).min(3_600.0));
        self.shared
            .begin_end(Duration::from_secs(LAST_LOOK_S) + coming);
        for thread in self.threads {
            if thread.join().is_err() {
                self.shared.broke();
            }
        }
        drop(self.stops_ticking);
        let _ = self.ticker.join();
        let mut measured = self.shared.meters.measured();
        measured.server_software = self.shared.software();
        measured
    }
}

/// Closes each second, until the other end is dropped.
fn tick(shared: &Shared, stopped: &mpsc::Receiver<()>) {
    for second in 1.. {
        let end_us = shared.meters.began_us() + second * 1_000_000;
        let wait = Duration::from_micros(end_us.saturating_sub(shared.meters.now_us()));
        if stopped.recv_timeout(wait) != Err(RecvTimeoutError::Timeout) {
            break;
        }
        shared.meters.tick();
        shared.storm_if_due();
    }
    if shared.stage() >= Stage::End {
        shared.meters.tick();
    }
}
