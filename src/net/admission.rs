//! Who may connect, and how much all connections may hold.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::limits;

/// Caps that an operator may set lower than the bounds of the appliance.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Caps {
    /// Connections in total, over all listeners.
    pub connections: usize,
    /// Connections from one address; an IPv6 /64 counts as one.
    pub per_address: usize,
    /// LMTP sessions.
    pub lmtp_sessions: usize,
    /// Bytes of bodies and messages held at one time.
    pub body_bytes: usize,
}

impl Default for Caps {
    fn default() -> Self {
        Self {
            connections: limits::CONNECTIONS_MAX,
            per_address: limits::CONNECTIONS_PER_ADDRESS_MAX,
            lmtp_sessions: limits::LMTP_SESSIONS_MAX,
            body_bytes: limits::BODIES_BYTES_MAX,
        }
    }
}

/// The counts that the caps are held against.
#[derive(Debug)]
pub(super) struct Admission {
    caps: Caps,
    connections: AtomicUsize,
    lmtp_sessions: AtomicUsize,
    /// Connections beyond a cap that are being told so.
    turned_away: AtomicUsize,
    body_bytes: AtomicUsize,
    /// Held for a look-up only.
    networks: Mutex<HashMap<IpAddr, usize>>,
}

/// A place among the connections, given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    admission: Arc<Admission>,
    of: Of,
}

/// Whose place it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Of {
    /// A connection from this network.
    Http(IpAddr),
    /// An LMTP session.
    Lmtp,
    /// A connection that is told to come back later.
    TurnedAway,
}

impl Admission {
    pub(super) fn new(caps: Caps) -> Arc<Self> {
        Arc::new(Self {
            caps,
            connections: AtomicUsize::new(0),
            lmtp_sessions: AtomicUsize::new(0),
            turned_away: AtomicUsize::new(0),
            body_bytes: AtomicUsize::new(0),
            networks: Mutex::default(),
        })
    }

    /// A place for an HTTP connection from this network, unless a cap is reached.
    pub(super) fn http(self: &Arc<Self>, network: IpAddr) -> Option<Place> {
        take(&self.connections, 1, self.caps.connections)?;
        let mut networks = self.networks.lock().unwrap_or_else(PoisonError::into_inner);
        let count = networks.entry(network).or_default();
        if *count >= self.caps.per_address {
            self.connections.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        *count += 1;
        Some(Place {
            admission: Arc::clone(self),
            of: Of::Http(network),
        })
    }

    /// A place for an LMTP session, unless the cap is reached.
    pub(super) fn lmtp(self: &Arc<Self>) -> Option<Place> {
        take(&self.lmtp_sessions, 1, self.caps.lmtp_sessions)?;
        Some(Place {
            admission: Arc::clone(self),
            of: Of::Lmtp,
        })
    }

    /// A place for a connection that found none, to be told so; unless too many are.
    pub(super) fn turned_away(self: &Arc<Self>) -> Option<Place> {
        take(&self.turned_away, 1, limits::TURNED_AWAY_MAX)?;
        Some(Place {
            admission: Arc::clone(self),
            of: Of::TurnedAway,
        })
    }

    /// Connections open now, of all kinds.
    pub(super) fn open(&self) -> u64 {
        let count = |n: &AtomicUsize| n.load(Ordering::Relaxed) as u64;
        count(&self.connections) + count(&self.lmtp_sessions) + count(&self.turned_away)
    }

    /// The account of one connection for the bytes of its bodies.
    pub(super) fn held(self: &Arc<Self>) -> Held {
        Held {
            admission: Arc::clone(self),
            bytes: 0,
        }
    }
}

/// Adds to a count unless that goes beyond the cap.
fn take(count: &AtomicUsize, n: usize, cap: usize) -> Option<()> {
    let add = |now: usize| now.checked_add(n).filter(|sum| *sum <= cap);
    count
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, add)
        .ok()
        .map(|_| ())
}

impl Place {
    /// Whether its connection is told to come back later, and nothing else.
    pub(super) fn is_turned_away(&self) -> bool {
        self.of == Of::TurnedAway
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let network = match self.of {
            Of::Http(network) => network,
            Of::Lmtp => {
                self.admission.lmtp_sessions.fetch_sub(1, Ordering::Relaxed);
                return;
            }
            Of::TurnedAway => {
                self.admission.turned_away.fetch_sub(1, Ordering::Relaxed);
                return;
            }
        };
        self.admission.connections.fetch_sub(1, Ordering::Relaxed);
        let networks = self.admission.networks.lock();
        let mut networks = networks.unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = networks.get_mut(&network) {
            *count -= 1;
            if *count == 0 {
                networks.remove(&network);
            }
        }
    }
}

/// The bytes of bodies that one connection holds, given back when dropped.
#[derive(Debug)]
pub(super) struct Held {
    admission: Arc<Admission>,
    bytes: usize,
}

impl Held {
    /// The connection holds so many bytes now. Says whether there is room for them.
    #[must_use]
    pub(super) fn set(&mut self, bytes: usize) -> bool {
        let bytes = if bytes < limits::PROGRESS_BYTES {
            0
        } else {
            bytes
        };
        let admission = &self.admission;
        if bytes > self.bytes {
            let more = bytes - self.bytes;
            if take(&admission.body_bytes, more, admission.caps.body_bytes).is_none() {
                return false;
            }
        } else {
            let less = self.bytes - bytes;
            admission.body_bytes.fetch_sub(less, Ordering::Relaxed);
        }
        self.bytes = bytes;
        true
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission() -> Arc<Admission> {
        Admission::new(Caps {
            connections: 3,
            per_address: 2,
            lmtp_sessions: 1,
            body_bytes: 100_000,
        })
    }

    #[test]
    fn places_are_given_back() {
        let admission = admission();
        let (a, b): (IpAddr, IpAddr) = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        let first = admission.http(a).unwrap();
        let second = admission.http(a).unwrap();
        assert!(admission.http(a).is_none(), "two from one address");
        let third = admission.http(b).unwrap();
        assert!(admission.http(b).is_none(), "three in total");
        drop(first);
        let fourth = admission.http(a).unwrap();
        drop((second, third, fourth));
        assert!(admission.networks.lock().unwrap().is_empty());
        let session = admission.lmtp().unwrap();
        assert!(admission.lmtp().is_none());
        drop(session);
        assert!(admission.lmtp().is_some());
    }

    #[test]
    fn bodies_share_their_room() {
        let admission = admission();
        let (mut one, mut two) = (admission.held(), admission.held());
        assert!(one.set(90_000));
        assert!(!two.set(70_000));
        assert!(two.set(10_000), "a small one counts for nothing");
        assert!(one.set(20_000));
        assert!(two.set(70_000));
        drop(two);
        assert_eq!(admission.body_bytes.load(Ordering::Relaxed), 0);
    }
}
