//! The heartbeat advisor: learns where the path to a phone cuts waiting connections, and proposes a
//! heartbeat that ends before.
//!
//! It watches how waits end, by network (what cuts usually serves many phones) and by device (what cuts
//! may be at home). A path is remembered only once something was cut on it, so that phones without
//! trouble cost nothing. What it proposes is told to the admin, and where the operator wants it, longer
//! heartbeats of that phone are answered with the proposal (Ping Status 5, Sync Status 14).
//!
//! Deliberately absent: anything that lasts; after a restart it learns anew within a few cuts.

mod track;

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::clock::UnixMs;
use crate::limits::{HEARTBEAT_DEVICES_MAX, HEARTBEAT_NETWORKS_MAX};
use crate::store::Scope;
pub use track::End;
use track::Track;

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

/// A path on which waits are cut.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// Whose.
    pub path: Path,
    /// The age at which waits are cut, in seconds.
    pub cut_s: u32,
    /// The heartbeat that ends before, in seconds.
    pub proposal_s: u32,
    /// The longest wait that held meanwhile, in seconds; 0: none.
    pub held_s: u32,
    /// Cuts that were seen.
    pub seen: u32,
}

/// A path to phones.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Path {
    /// All phones that come from a network: the /24 of an IPv4 address (carriers and firewalls have
    /// ranges), the /64 of an IPv6 address.
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
    /// Paths that are remembered: none, as a rule, and then nothing is looked up.
    paths: AtomicUsize,
    learnt: Mutex<Learnt>,
}

#[derive(Debug, Default)]
struct Learnt {
    networks: HashMap<IpAddr, Track>,
    devices: HashMap<(Scope, u32), Track>,
}

impl Advisor {
    /// Proposes nothing below `heartbeat_s_min`.
    #[must_use]
    pub fn new(advice: Advice, heartbeat_s_min: u32) -> Self {
        Self(Arc::new(Shared {
            advice,
            heartbeat_s_min,
            paths: AtomicUsize::new(0),
            learnt: Mutex::default(),
        }))
    }

    /// Takes note of how a wait ended: of a device, from a network, after so many seconds.
    pub fn observe(
        &self,
        network: IpAddr,
        (scope, device): (Scope, u32),
        waited_s: u32,
        end: End,
        now_ms: UnixMs,
    ) {
        let shared = &*self.0;
        let is_cut = end != End::Answered;
        if shared.advice == Advice::Off || (!is_cut && shared.paths.load(Ordering::Relaxed) == 0) {
            return;
        }
        let (network, hour) = (range(network), hour(now_ms));
        let mut learnt = self.lock();
        let Learnt { networks, devices } = &mut *learnt;
        let found = [
            note(
                networks,
                HEARTBEAT_NETWORKS_MAX,
                network,
                waited_s,
                end,
                hour,
            ),
            note(
                devices,
                HEARTBEAT_DEVICES_MAX,
                (scope, device),
                waited_s,
                end,
                hour,
            ),
        ];
        shared
            .paths
            .store(networks.len() + devices.len(), Ordering::Relaxed);
        drop(learnt);
        if let Some(cut_s) = found[0] {
            tracing::warn!(%network, cut_s, proposal_s = self.before(cut_s),
                "waiting connections from this network are cut");
        } else if let Some(cut_s) = found[1] {
            tracing::warn!(
                account = scope.0,
                device,
                cut_s,
                proposal_s = self.before(cut_s),
                "waiting connections of this device are cut"
            );
        }
    }

    /// The longest heartbeat that a device may ask for, where `max` is the longest of all.
    #[must_use]
    pub fn cap_s(&self, network: IpAddr, device: (Scope, u32), max: u32, now_ms: UnixMs) -> u32 {
        if self.0.advice != Advice::Cap || self.0.paths.load(Ordering::Relaxed) == 0 {
            return max;
        }
        self.proposal_s(network, device, now_ms)
            .map_or(max, |s| s.min(max))
    }

    /// The heartbeat that ends before the path cuts, if it does.
    #[must_use]
    pub fn proposal_s(&self, network: IpAddr, device: (Scope, u32), now_ms: UnixMs) -> Option<u32> {
        let (learnt, hour) = (self.lock(), hour(now_ms));
        let of_network = learnt
            .networks
            .get(&range(network))
            .and_then(|t| t.cut_s(hour));
        let of_device = learnt.devices.get(&device).and_then(|t| t.cut_s(hour));
        let cut_s = of_network.into_iter().chain(of_device).min()?;
        Some(self.before(cut_s))
    }

    /// Every path that cuts, the earliest cut first.
    #[must_use]
    pub fn findings(&self, now_ms: UnixMs) -> Vec<Finding> {
        let (learnt, hour) = (self.lock(), hour(now_ms));
        let finding = |path, track: &Track| {
            let cut_s = track.cut_s(hour)?;
            Some(Finding {
                path,
                cut_s,
                proposal_s: self.before(cut_s),
                held_s: track.held_s(),
                seen: track.seen.into(),
            })
        };
        let networks = learnt.networks.iter();
        let networks = networks.filter_map(|(ip, t)| finding(Path::Network(*ip), t));
        let devices = learnt.devices.iter();
        let devices = devices.filter_map(|((s, d), t)| finding(Path::Device(*s, *d), t));
        let mut all: Vec<Finding> = networks.chain(devices).collect();
        all.sort_by_key(|f| f.cut_s);
        all
    }

    /// A tenth before the cut, in tens of seconds, and not below the shortest heartbeat.
    fn before(&self, cut_s: u32) -> u32 {
        (cut_s * 9 / 10 / 10 * 10).max(self.0.heartbeat_s_min)
    }

    fn lock(&self) -> MutexGuard<'_, Learnt> {
        // Sound between any two statements.
        self.0.learnt.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes an end on a path; the age of the cut where that is what convinced us.
fn note<K: Hash + Eq>(
    tracks: &mut HashMap<K, Track>,
    max: usize,
    key: K,
    waited_s: u32,
    end: End,
    hour: u32,
) -> Option<u32> {
    if let Some(track) = tracks.get_mut(&key) {
        let before = track.cut_s(hour);
        track.observe(waited_s, end, hour);
        return track.cut_s(hour).filter(|_| before.is_none());
    }
    if end == End::Answered {
        return None;
    }
    if tracks.len() >= max {
        // Those without a finding give way; if all have one, nothing new is learnt.
        tracks.retain(|_, track| track.cut_s(hour).is_some());
    }
    if tracks.len() < max {
        let mut track = Track::default();
        track.observe(waited_s, end, hour);
        tracks.insert(key, track);
    }
    None
}

/// See [`Path::Network`]; `ip` is an IPv6 network already.
fn range(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(v4) => IpAddr::V4((u32::from(v4) & 0xFFFF_FF00).into()),
        v6 @ IpAddr::V6(_) => v6,
    }
}

fn hour(now_ms: UnixMs) -> u32 {
    u32::try_from(now_ms.max(0) / 3_600_000).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
