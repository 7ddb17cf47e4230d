//! TLS without I/O: bytes of the wire in, plain bytes out, and back. Plain connections pass
//! through the same door.
//!
//! rustls agrees on everything: versions, suites, keys, certificates, tickets. A connection of TLS 1.3
//! is then **reduced** to what it needs at rest: for each direction a key, an IV, the number of the
//! next record, and the secret that the next keys would be derived from; under 300 bytes, where the
//! session of rustls has thousands. One of TLS 1.2 stays with rustls.
//!
//! # Why our record layer is sound
//!
//! - *What rustls is trusted with.* The whole handshake, up to the client's Finished and our tickets.
//!   Keys come out of its documented door for TLS in the kernel, which hands over keys, IVs and record
//!   numbers, refuses while anything waits to be sent, and gives the connection up in doing so: there
//!   is never a second user of a nonce.
//! - *What is ours.* Framing, the AEAD calls (of aws-lc), the content type, alerts, KeyUpdate.
//!   [`secrets`] derives the keys after a KeyUpdate as RFC 8446 says, and only if the same derivation
//!   gives the very keys that rustls handed out; else the connection ends.
//! - *Nonces* are the IV and a number that only ever grows, in one place ([`secrets::Half::nonce`]).
//!   Before 2^24 records our keys are changed; a peer that goes beyond with its own is dropped.
//! - *After the first error* one alert is sent, and nothing is opened or sealed any more.
//! - *Bounds.* A record is at most 16,640 bytes; of incomplete ones that much is kept; records without
//!   data are counted. Nothing allocates by what a length field says.
//! - *Moving.* The state is plain data without references, owned by one connection; whichever core
//!   has it, has all of it. It is zeroed when it is dropped.
//!
//! Deliberately absent: client certificates, early data, ALPN other than HTTP/1.1, TLS before 1.2.

mod handshake;
mod hello;
mod record;
mod secrets;
#[cfg(test)]
mod tests;
mod tickets;

use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::server::{NoServerSessionStorage, ProducesTickets};
use rustls::{CipherSuite, ServerConfig};

use super::certificate::Certificates;
use handshake::Session;
pub(super) use hello::offers_resumption;
use record::{Breach, Reduced};
use secrets::Catch;
pub use tickets::{TicketKey, Tickets};

/// The configuration that all cores share.
///
/// # Errors
/// When the provider lacks what the configuration asks for: not with the one built in.
pub(super) fn server_config(
    certificates: Arc<Certificates>,
    tickets: Arc<dyn ProducesTickets>,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let mut provider = aws_lc_rs::default_provider();
    provider
        .cipher_suites
        .sort_by_key(|suite| cost(suite.suite()));
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(certificates);
    config.ignore_client_order = true;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // Tickets are kept by the peer: a session costs no memory here.
    config.ticketer = tickets;
    config.send_tls13_tickets = 1;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.enable_secret_extraction = true;
    config.key_log = Arc::new(Catch);
    Ok(Arc::new(config))
}

/// The order of our choice among what the peer offers. All are sound; what differs is the handshake:
/// it is mostly hashing, for which processors have instructions where it is SHA-256, and a sixth of
/// its time goes where it is the SHA-384 of the suites with AES-256. Phones ask for this order
/// themselves; programs over OpenSSL do not.
fn cost(suite: CipherSuite) -> u8 {
    match suite {
        CipherSuite::TLS13_AES_128_GCM_SHA256
        | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
        | CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 => 0,
        CipherSuite::TLS13_AES_256_GCM_SHA384
        | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
        | CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 => 1,
        _ => 2,
    }
}

/// The encryption of one connection.
pub(super) enum Tls {
    /// There is none.
    Off,
    /// In the hands of rustls: a handshake, or TLS 1.2.
    Session(Box<Session>),
    /// TLS 1.3 after the handshake.
    Reduced(Box<Reduced>),
    /// What was left of the handshake did not fit together: nothing goes in or out any more.
    Void,
}

/// What kind of connection it is, for the metrics.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Plain,
    Tls12,
    /// Also a handshake that is not over.
    Tls13,
}

/// What the peer said besides bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fed {
    Open,
    /// The peer ended its side in an orderly way.
    Closed,
}

/// Why a connection cannot go on.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error(transparent)]
    Session(#[from] rustls::Error),
    #[error(transparent)]
    Record(#[from] Breach),
}

impl Tls {
    pub(super) fn new(config: Option<&Arc<ServerConfig>>) -> Result<Self, rustls::Error> {
        match config {
            Some(config) => Ok(Self::Session(Box::new(Session::new(config)?))),
            None => Ok(Self::Off),
        }
    }

    /// Whether application data may flow.
    #[cfg(test)]
    pub(super) fn is_open(&self) -> bool {
        match self {
            Self::Off | Self::Reduced(_) => true,
            Self::Session(session) => session.handshaken,
            Self::Void => false,
        }
    }

    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Off => Kind::Plain,
            Self::Session(session) if session.is_tls12() => Kind::Tls12,
            Self::Session(_) | Self::Reduced(_) | Self::Void => Kind::Tls13,
        }
    }

    /// Reads what the next record to be sent will need.
    pub(super) fn warm(&self) {
        if let Self::Reduced(reduced) = self {
            reduced.warm();
        }
    }

    /// Bytes on the heap while nothing is in flight. rustls does not say what its session holds
    /// beside itself.
    pub(super) fn bytes_held(&self) -> usize {
        match self {
            Self::Off | Self::Void => 0,
            Self::Session(session) => size_of_val(&**session) + session.carried(),
            Self::Reduced(reduced) => size_of_val(&**reduced) + reduced.carried(),
        }
    }

    /// Takes bytes of the wire; appends what they say to `plain`, and what has to be sent for
    /// the protocol's sake to `wire` (also on failure: an alert). Says of a handshake that this
    /// completed whether it resumed a session.
    pub(super) fn feed(
        &mut self,
        input: &mut [u8],
        plain: &mut Vec<u8>,
        wire: &mut Vec<u8>,
    ) -> Result<(Fed, Option<Handshake>), Error> {
        match self {
            Self::Off => {
                plain.extend_from_slice(input);
                Ok((Fed::Open, None))
            }
            Self::Void => Err(Breach::Over.into()),
            Self::Reduced(reduced) => Ok((reduced.feed(input, plain, wire)?, None)),
            Self::Session(session) => {
                let was_open = session.handshaken;
                let fed = session.feed(input, plain, wire)?;
                if was_open || !session.handshaken {
                    return Ok((fed, None));
                }
                let resumed = session.is_resumed() == Some(true);
                let handshake = Some(Handshake { resumed });
                // A peer that said goodbye at once stays with rustls: it will not say more.
                if session.is_tls12() || fed == Fed::Closed {
                    return Ok((fed, handshake));
                }
                Ok((self.reduce(plain, wire)?, handshake))
            }
        }
    }

    fn reduce(&mut self, plain: &mut Vec<u8>, wire: &mut Vec<u8>) -> Result<Fed, Error> {
        // IMPORTANT: not `Off`. Should this fail, whoever writes all the same must not be heard in clear.
        let Self::Session(session) = std::mem::replace(self, Self::Void) else {
            return Err(Breach::Over.into());
        };
        let (reduced, mut rest) = session.reduce()?;
        let mut reduced = Box::new(reduced);
        let fed = reduced.feed(&mut rest, plain, wire);
        *self = Self::Reduced(reduced);
        Ok(fed?)
    }

    /// Appends `plain` to `wire` as records.
    pub(super) fn seal(&mut self, plain: &[u8], wire: &mut Vec<u8>) -> Result<(), Error> {
        match self {
            Self::Off => wire.extend_from_slice(plain),
            Self::Session(session) => session.seal(plain, wire)?,
            Self::Reduced(reduced) => reduced.seal(plain, wire)?,
            Self::Void => return Err(Breach::Over.into()),
        }
        Ok(())
    }

    /// Begins an answer that is written in place: leaves room for a record's head behind `wire`,
    /// and returns where that begins.
    pub(super) fn begin(&mut self, wire: &mut Vec<u8>) -> usize {
        match self {
            Self::Reduced(reduced) => reduced.begin(wire),
            Self::Off | Self::Session(_) | Self::Void => wire.len(),
        }
    }

    /// Everything written since [`begin`](Self::begin) becomes records. Reduced, and where it fits
    /// one record, that neither copies nor allocates beyond what `wire` has room for.
    pub(super) fn end(&mut self, wire: &mut Vec<u8>, begun: usize) -> Result<(), Error> {
        match self {
            Self::Off => {}
            Self::Session(session) => {
                let plain = wire.split_off(begun);
                session.seal(&plain, wire)?;
            }
            Self::Reduced(reduced) => reduced.end(wire, begun)?,
            Self::Void => {
                wire.truncate(begun);
                return Err(Breach::Over.into());
            }
        }
        Ok(())
    }

    /// Appends the orderly end of our side.
    pub(super) fn close(&mut self, wire: &mut Vec<u8>) -> Result<(), Error> {
        match self {
            Self::Session(session) if session.handshaken => session.close(wire)?,
            Self::Reduced(reduced) => reduced.close(wire)?,
            Self::Off | Self::Session(_) | Self::Void => {}
        }
        Ok(())
    }
}

/// A completed handshake.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Handshake {
    /// It resumed an earlier session.
    pub(super) resumed: bool,
}
