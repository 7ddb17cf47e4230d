//! The heartbeat advisor: learns where the path to a phone cuts waiting connections, and proposes a
//! heartbeat that ends before.
//!
//! It watches how waits end, by network (what cuts usually serves many phones) and by device (what cuts
//! may be at home). Where they were cut is the business of [`track`]. What it proposes is told to the
//! admin, and where the operator wants it, longer heartbeats of that phone are answered with the proposal
//! (Ping Status 5, Sync Status 14).
//!
//! That an answer was handed to the kernel says little: most translators of addresses forget silently,
//! and the answer goes nowhere. So a wait has *held* only once the phone has reacted ([`Advisor::heard_from`]):
//! with a request on the same connection, or at once on another. If it comes later, from the same
//! network, the answer was *lost*.
//!
//! Deliberately absent: anything that lasts; after a restart it learns anew.

mod room;
#[cfg(test)]
mod tests;
mod track;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::clock::UnixMs;
use crate::http::Peer;
use crate::limits::{
    HEARTBEAT_DEVICES_MAX, HEARTBEAT_NETWORKS_MAX, KEEPALIVE_IDLE_S, KEEPALIVE_INTERVAL_S,
    KEEPALIVE_PROBES,
};
use crate::store::Scope;
use track::Track;

/// Waits that were answered earlier say nothing: no path cuts that early.
const WORTH_S: u32 = 60;
/// A phone that got its answer asks again within so many milliseconds.
const REACTION_MS: i64 = 30_000;

/// What is done with a proposal.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Advice {
    /// Nothing is learnt.
    Off,
    /// The admin is told.
    #[default]
    Tell,
    /// Longer heartbeats are answered with it, too.
    Cap,
}

/// How a wait ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// An answer was handed to the kernel.
    Answered,
    /// Something ended the connection in an orderly way.
    Closed,
    /// Something reset it.
    Reset,
    /// Nobody was there any more, as keepalive found out some minutes later.
    Vanished,
}

/// The connection that a request came on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Origin {
    network: IpAddr,
    port: u16,
}

impl Origin {
    /// Of the peer that sent the request.
    #[must_use]
    pub fn of(peer: &Peer) -> Self {
        Self {
            network: range(peer.network()),
            port: peer.addr.port(),
        }
    }
}

/// The /24 of an IPv4 address, since carriers and firewalls have ranges; an IPv6 network (/64) is one
/// already.
fn range(network: IpAddr) -> IpAddr {
    match network {
        IpAddr::V4(v4) => IpAddr::V4((u32::from(v4) & 0xFFFF_FF00).into()),
        v6 @ IpAddr::V6(_) => v6,
    }
}

/// A path on which waits are cut.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// Whose.
    pub path: Path,
    /// The age at which waits are cut, in seconds.
    pub cut_s: u32,
    /// The heartbeat that ends before, in seconds.
    pub proposal_s: u32,
    /// The longest wait that held lately, in seconds; 0: none.
    pub held_s: u32,
    /// Cuts that were seen.
    pub seen: u32,
}

/// A path to phones.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Path {
    /// All phones that come from a network: the /24 of an IPv4 address, the /64 of an IPv6 address.
    Network(IpAddr),
    /// One device.
    Device(Scope, u32),
}

/// What was learnt. A cheap clone.
#[derive(Clone, Debug)]
pub struct Advisor(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    advice: Advice,
    heartbeat_s_min: u32,
    /// Devices that are remembered. As long as there are none nothing is looked up.
    devices: AtomicUsize,
    learnt: Mutex<Learnt>,
}

#[derive(Debug, Default)]
struct Learnt {
    networks: HashMap<IpAddr, Track>,
    devices: HashMap<(Scope, u32), Device>,
}

#[derive(Debug, Default)]
struct Device {
    track: Track,
    /// Where it was last.
    latest: Option<Origin>,
    /// The last answer there, until it is known whether it was taken.
    pending: Option<Pending>,
}

#[derive(Clone, Copy, Debug)]
struct Pending {
    waited_s: u32,
    answered_ms: UnixMs,
}

/// What a wait says of its path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Sign {
    Held(u32),
    Cut(u32),
    Lost(u32),
}

impl Advisor {
    /// Proposes nothing below `heartbeat_s_min`.
    #[must_use]
    pub fn new(advice: Advice, heartbeat_s_min: u32) -> Self {
        Self(Arc::new(Shared {
            advice,
            heartbeat_s_min,
            devices: AtomicUsize::new(0),
            learnt: Mutex::default(),
        }))
    }

    /// Takes note of how a wait ended: a device's, on a connection, after so many seconds.
    pub fn observe(
        &self,
        origin: Origin,
        device: (Scope, u32),
        waited_s: u32,
        end: End,
        now_ms: UnixMs,
    ) {
        let sign = match end {
            _ if self.0.advice == Advice::Off => return,
            End::Answered if waited_s < WORTH_S => return,
            End::Answered => {
                let pending = Pending {
                    waited_s,
                    answered_ms: now_ms,
                };
                let mut learnt = self.lock();
                let known = learnt.device(device, &self.0.devices);
                (known.latest, known.pending) = (Some(origin), Some(pending));
                return;
            }
            // A reset that answers a probe of ours tells of an end that was before.
            End::Reset if answers_a_probe(waited_s) => Sign::Lost(waited_s),
            End::Closed | End::Reset => Sign::Cut(waited_s),
            End::Vanished => Sign::Lost(waited_s.saturating_sub(verdict_s())),
        };
        let learnt = self.lock();
        self.note(learnt, origin.network, device, sign, now_ms);
    }

    /// A request of a device has come: now it is known whether the answer before was taken.
    pub fn heard_from(&self, origin: Origin, device: (Scope, u32), now_ms: UnixMs) {
        if self.0.devices.load(Ordering::Relaxed) == 0 {
            return;
        }
        let mut learnt = self.lock();
        let Some(known) = learnt.devices.get_mut(&device) else {
            return;
        };
        let before = known.latest.replace(origin).unwrap_or(origin);
        let Some(pending) = known.pending.take() else {
            return;
        };
        let Pending {
            waited_s,
            answered_ms,
        } = pending;
        let sign = if origin == before || now_ms - answered_ms <= REACTION_MS {
            Sign::Held(waited_s)
        } else if origin.network == before.network {
            Sign::Lost(waited_s)
        } else {
            // It has moved: of where it was nothing is known.
            return;
        };
        self.note(learnt, before.network, device, sign, now_ms);
    }

    fn note(
        &self,
        mut learnt: MutexGuard<'_, Learnt>,
        network: IpAddr,
        device: (Scope, u32),
        sign: Sign,
        now_ms: UnixMs,
    ) {
        let hour = hour(now_ms);
        let of_network = learnt
            .network(network, sign)
            .and_then(|track| sign.tell(track, hour));
        let known = learnt.device(device, &self.0.devices);
        let of_device = sign.tell(&mut known.track, hour);
        drop(learnt);
        if let Some(cut_s) = of_network {
            let proposal_s = self.before(cut_s);
            tracing::warn!(%network, cut_s, proposal_s, "waiting connections from here are cut");
        } else if let Some(cut_s) = of_device {
            let (scope, device) = device;
            let (account, proposal_s) = (scope.0, self.before(cut_s));
            tracing::warn!(
                account,
                device,
                cut_s,
                proposal_s,
                "waiting connections of a device are cut"
            );
        }
    }

    /// The longest heartbeat that a device may ask for, where `max_s` is the longest of all.
    #[must_use]
    pub fn cap_s(&self, origin: Origin, device: (Scope, u32), max_s: u32, now_ms: UnixMs) -> u32 {
        if self.0.advice != Advice::Cap || self.0.devices.load(Ordering::Relaxed) == 0 {
            return max_s;
        }
        self.proposal_s(origin, device, now_ms)
            .map_or(max_s, |s| s.min(max_s))
    }

    /// The heartbeat that ends before the path cuts, if it does.
    #[must_use]
    pub fn proposal_s(&self, origin: Origin, device: (Scope, u32), now_ms: UnixMs) -> Option<u32> {
        let (learnt, hour) = (self.lock(), hour(now_ms));
        let of_network = learnt.networks.get(&origin.network);
        let of_device = learnt.devices.get(&device).map(|known| &known.track);
        let tracks = of_network.into_iter().chain(of_device);
        let cut_s = tracks.filter_map(|track| track.cut_s(hour)).min()?;
        Some(self.before(cut_s))
    }

    /// What is known of one device: the longest of its waits that held lately, in seconds (0: none),
    /// and where its path cuts, be it its own or that of the network where it was last.
    #[must_use]
    pub fn device(&self, scope: Scope, number: u32, now_ms: UnixMs) -> (u32, Option<Finding>) {
        let (learnt, hour) = (self.lock(), hour(now_ms));
        let Some(known) = learnt.devices.get(&(scope, number)) else {
            return (0, None);
        };
        let network = known.latest.and_then(|origin| {
            let track = learnt.networks.get(&origin.network)?;
            self.finding(Path::Network(origin.network), track, hour)
        });
        let own = self.finding(Path::Device(scope, number), &known.track, hour);
        let earliest = own.into_iter().chain(network).min_by_key(|f| f.cut_s);
        (known.track.longest_held_s().into(), earliest)
    }

    /// Every path that cuts, the earliest cut first.
    #[must_use]
    pub fn findings(&self, now_ms: UnixMs) -> Vec<Finding> {
        let (learnt, hour) = (self.lock(), hour(now_ms));
        let networks = learnt.networks.iter();
        let networks =
            networks.filter_map(|(ip, track)| self.finding(Path::Network(*ip), track, hour));
        let devices = learnt.devices.iter();
        let devices = devices.filter_map(|((scope, n), known)| {
            self.finding(Path::Device(*scope, *n), &known.track, hour)
        });
        let mut all: Vec<Finding> = networks.chain(devices).collect();
        all.sort_by_key(|f| f.cut_s);
        all
    }

    fn finding(&self, path: Path, track: &Track, hour: u32) -> Option<Finding> {
        let cut_s = track.cut_s(hour)?;
        Some(Finding {
            path,
            cut_s,
            proposal_s: self.before(cut_s),
            held_s: track.longest_held_s().into(),
            seen: track.seen().into(),
        })
    }

    /// A tenth before the cut, in tens of seconds, and not below the shortest heartbeat.
    fn before(&self, cut_s: u32) -> u32 {
        (cut_s * 9 / 100 * 10).max(self.0.heartbeat_s_min)
    }

    fn lock(&self) -> MutexGuard<'_, Learnt> {
        // Sound between any two statements.
        self.0.learnt.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sign {
    /// Lets a track learn of it; the age of a cut where this is what convinced us.
    fn tell(self, track: &mut Track, hour: u32) -> Option<u32> {
        let before = track.cut_s(hour);
        match self {
            Self::Held(age_s) => track.held(age_s, hour),
            Self::Cut(age_s) => track.cut(age_s, hour),
            Self::Lost(age_s) => track.lost(age_s, hour),
        }
        track.cut_s(hour).filter(|_| before.is_none())
    }
}

impl Learnt {
    /// What is known of a network. It is remembered only once something was cut there: networks
    /// without trouble cost nothing.
    fn network(&mut self, network: IpAddr, sign: Sign) -> Option<&mut Track> {
        if matches!(sign, Sign::Held(_)) && !self.networks.contains_key(&network) {
            return None;
        }
        room::make(&mut self.networks, HEARTBEAT_NETWORKS_MAX, &network, |t| t);
        Some(self.networks.entry(network).or_default())
    }

    fn device(&mut self, device: (Scope, u32), count: &AtomicUsize) -> &mut Device {
        room::make(&mut self.devices, HEARTBEAT_DEVICES_MAX, &device, |d| {
            &d.track
        });
        count.store(self.devices.len() + 1, Ordering::Relaxed);
        self.devices.entry(device).or_default()
    }
}

/// Whether an age is that of a probe of keepalive, or of one of its repetitions.
fn answers_a_probe(age_s: u32) -> bool {
    let idle_s = u32::try_from(KEEPALIVE_IDLE_S).unwrap_or(u32::MAX);
    age_s >= idle_s && age_s % idle_s <= verdict_s()
}

/// Seconds from a probe of keepalive to its verdict.
fn verdict_s() -> u32 {
    u32::try_from(KEEPALIVE_INTERVAL_S)
        .unwrap_or(0)
        .saturating_mul(KEEPALIVE_PROBES)
}

fn hour(now_ms: UnixMs) -> u32 {
    u32::try_from(now_ms.max(0) / 3_600_000).unwrap_or(u32::MAX)
}
