//! How many requests wait, over which kind of connection and in which version.

use crate::net::tls::Kind;

/// Versions times ten, in the order in which they are counted.
const VERSIONS: [u8; 7] = [25, 120, 121, 140, 141, 160, 161];

/// The requests that wait in a lot.
#[derive(Clone, Copy, Default, Debug)]
pub(in crate::net) struct Counts {
    pub(in crate::net) parked: usize,
    /// Of the requests and of their connections' keys.
    pub(in crate::net) bytes: usize,
    /// Plain, TLS 1.2, TLS 1.3.
    pub(in crate::net) by_kind: [usize; 3],
    /// From 2.5 to 16.1; what has no version is in none.
    pub(in crate::net) by_version: [usize; 7],
}

impl Counts {
    pub(super) fn add(&mut self, bytes: usize, kind: Kind, version_tens: u8) {
        self.parked += 1;
        self.bytes += bytes;
        if let Some(n) = self.of_kind(kind) {
            *n += 1;
        }
        if let Some(n) = self.of_version(version_tens) {
            *n += 1;
        }
    }

    pub(super) fn remove(&mut self, bytes: usize, kind: Kind, version_tens: u8) {
        self.parked -= 1;
        self.bytes -= bytes;
        if let Some(n) = self.of_kind(kind) {
            *n -= 1;
        }
        if let Some(n) = self.of_version(version_tens) {
            *n -= 1;
        }
    }

    fn of_kind(&mut self, kind: Kind) -> Option<&mut usize> {
        let at = match kind {
            Kind::Plain => 0,
            Kind::Tls12 => 1,
            Kind::Tls13 => 2,
        };
        self.by_kind.get_mut(at)
    }

    fn of_version(&mut self, version_tens: u8) -> Option<&mut usize> {
        let at = VERSIONS.iter().position(|v| *v == version_tens)?;
        self.by_version.get_mut(at)
    }
}
