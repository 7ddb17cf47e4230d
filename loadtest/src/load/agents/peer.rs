//! How the controller names an agent: `HOST:PORT#FINGERPRINT`.

use super::tls::Fingerprint;
use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs as _};

/// An agent that is to be spoken to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Peer {
    /// As it was named, without the fingerprint.
    pub name: String,
    /// Where it is.
    pub addr: SocketAddr,
    /// By which it is known; none: on loopback only.
    pub fingerprint: Option<Fingerprint>,
}

/// An agent that cannot be spoken to.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PeerError {
    /// It is not named so.
    #[error("{0:?} names no agent: HOST:PORT#FINGERPRINT, as the agent prints it when it starts")]
    Form(String),
    /// There is no such host.
    #[error("{0}: no such host")]
    NoHost(String),
    /// Its fingerprint is not known, and it is not on this machine.
    #[error(
        "{0} is not on this machine: passwords go there only with the fingerprint that the agent \
         prints when it starts (HOST:PORT#FINGERPRINT)"
    )]
    NoFingerprint(String),
}

impl Peer {
    /// Reads `HOST:PORT#FINGERPRINT`, and finds the host.
    ///
    /// # Errors
    /// As [`PeerError`].
    pub fn parse(text: &str) -> Result<Self, PeerError> {
        let wrong = || PeerError::Form(text.to_owned());
        let (name, fingerprint) = match text.split_once('#') {
            Some((name, digits)) => (name, Some(Fingerprint::parse(digits).ok_or_else(wrong)?)),
            None => (text, None),
        };
        if name.is_empty() || !name.contains(':') {
            return Err(wrong());
        }
        let found = name.to_socket_addrs().ok().and_then(|mut all| all.next());
        let addr = found.ok_or_else(|| PeerError::NoHost(name.to_owned()))?;
        if fingerprint.is_none() && !addr.ip().is_loopback() {
            return Err(PeerError::NoFingerprint(name.to_owned()));
        }
        Ok(Self {
            name: name.to_owned(),
            addr,
            fingerprint,
        })
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_elsewhere_have_to_be_known() {
        let digits = "0123456789abcdef".repeat(4);
        let here = Peer::parse("127.0.0.1:7070").unwrap();
        assert_eq!((here.fingerprint, here.addr.port()), (None, 7070));
        let there = Peer::parse(&format!("192.0.2.1:7070#{digits}")).unwrap();
        assert_eq!(there.to_string(), "192.0.2.1:7070");
        assert!(there.fingerprint.is_some());
        let refused = Peer::parse("192.0.2.1:7070").unwrap_err();
        assert!(matches!(refused, PeerError::NoFingerprint(_)));
        for wrong in [
            "",
            "127.0.0.1",
            "127.0.0.1:7070#",
            "127.0.0.1:7070#12",
            ":x",
        ] {
            assert!(Peer::parse(wrong).is_err(), "{wrong}");
        }
    }
}
