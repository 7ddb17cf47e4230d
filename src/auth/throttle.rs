//! Failed log-ins are counted per address prefix and per name; above a rate nothing is checked.
//!
//! A bucket holds [`BURST`] failures and gets one back per minute: 10,000 guesses in an hour from
//! one network lead to fewer than 100 checks. A phone with a right password is not concerned: its
//! digest stands in the cache, and the first success empties its bucket.

use crate::clock::MonoMs;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::Mutex;

/// Failures in a row before the rate counts.
const BURST: u32 = 20;
/// One failure is forgiven each so many milliseconds.
const FORGIVEN_MS: MonoMs = 60_000;
/// Buckets kept; the full ones go first when there are more.
const BUCKETS_MAX: usize = 200_000;

/// Counts failures. Keys are hashed with a key of this process: collisions cannot be aimed at.
pub(super) struct Throttle {
    hasher: RandomState,
    /// Key to (failures, moment of the last count).
    buckets: Mutex<HashMap<u64, (u32, MonoMs)>>,
}

impl Throttle {
    /// No failures yet.
    pub(super) fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            buckets: Mutex::default(),
        }
    }

    /// Seconds to wait before `who` or `name` may be checked again; `None`: now.
    pub(super) fn wait_s(&self, who: IpAddr, name: &str, now: MonoMs) -> Option<u64> {
        let Ok(buckets) = self.buckets.lock() else {
            return None;
        };
        self.keys(who, name)
            .iter()
            .filter_map(|k| buckets.get(k))
            .filter(|&&(n, at)| left(n, at, now) >= BURST)
            .map(|&(_, at)| (FORGIVEN_MS - (now - at) % FORGIVEN_MS).div_ceil(1000))
            .max()
    }

    /// Counts a failure.
    pub(super) fn failed(&self, who: IpAddr, name: &str, now: MonoMs) {
        let keys = self.keys(who, name);
        let Ok(mut buckets) = self.buckets.lock() else {
            return;
        };
        if buckets.len() >= BUCKETS_MAX {
            buckets.retain(|_, &mut (n, at)| left(n, at, now) > 0);
        }
        for k in keys {
            let b = buckets.entry(k).or_insert((0, now));
            *b = (left(b.0, b.1, now).saturating_add(1).min(BURST + 1), now);
        }
    }

    /// Forgets the failures of a name that has shown its password.
    pub(super) fn succeeded(&self, who: IpAddr, name: &str) {
        let [_, by_name] = self.keys(who, name);
        if let Ok(mut buckets) = self.buckets.lock() {
            buckets.remove(&by_name);
        }
    }

    fn keys(&self, who: IpAddr, name: &str) -> [u64; 2] {
        [
            self.hasher.hash_one(prefix(who)),
            self.hasher.hash_one(name),
        ]
    }
}

/// A /24 of IPv4 and a /64 of IPv6 count as one.
fn prefix(who: IpAddr) -> [u8; 8] {
    let mut p = [0; 8];
    match who.to_canonical() {
        IpAddr::V4(a) => {
            let [x, y, z, _] = a.octets();
            p = [0xff, 0, 0, 0, 0, x, y, z];
        }
        IpAddr::V6(a) => p
            .iter_mut()
            .zip(a.octets())
            .for_each(|(to, from)| *to = from),
    }
    p
}

fn left(failures: u32, at: MonoMs, now: MonoMs) -> u32 {
    let forgiven = u32::try_from(now.saturating_sub(at) / FORGIVEN_MS).unwrap_or(u32::MAX);
    failures.saturating_sub(forgiven)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));
    const B: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 200));
    const C: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 1));

    #[test]
    fn ten_thousand_guesses_in_an_hour_are_few_checks() {
        let t = Throttle::new();
        let mut checks = 0;
        for i in 0..10_000u64 {
            let now = i * 360;
            let who = if i % 2 == 0 { A } else { B };
            let name = format!("user{}", i % 50);
            if t.wait_s(who, &name, now).is_none() {
                checks += 1;
                t.failed(who, &name, now);
            }
        }
        assert!((60..=100).contains(&checks), "{checks}");
        assert_eq!(
            t.wait_s(C, "somebody else", 0),
            None,
            "neighbours notice nothing"
        );
    }

    #[test]
    fn a_name_is_protected_across_addresses_and_forgiven_with_time() {
        let t = Throttle::new();
        for i in 0..BURST {
            assert_eq!(t.wait_s(C, "mike", 0), None);
            let who = IpAddr::V4(std::net::Ipv4Addr::from_bits(i << 10));
            t.failed(who, "mike", 0);
        }
        assert_eq!(t.wait_s(C, "mike", 0), Some(60));
        assert_eq!(t.wait_s(C, "mike", FORGIVEN_MS), None);
        t.succeeded(C, "mike");
        assert_eq!(t.wait_s(C, "mike", 0), None);
    }
}
