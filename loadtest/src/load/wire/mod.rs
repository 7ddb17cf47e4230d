//! The wire: one HTTP/1.1 connection of a device, over TLS or not.
//!
//! A connection that waits owns no buffer: it waits for its socket to become readable, and what is
//! there is read through the stack. Deliberately absent: redirects, cookies, proxies, HTTP/2 (no
//! phone's sync engine uses it for this protocol), and retries, which are the device's own business.

mod bell;
mod blocking;
mod connection;
mod http;
mod socket;
mod source;
#[cfg(test)]
mod tests;
mod trust;

pub use bell::{Alarms, Bell, Woken};
pub use blocking::exchange;
pub use connection::{Connection, Opened, Pace};
pub use source::Sources;
pub use trust::{Roots, Trust, TrustError};

use rustls::ClientConfig;
use std::net::SocketAddr;
use std::sync::Arc;

/// Seconds until a connection has to be there.
pub const CONNECT_S: u64 = 30;
/// Seconds until a handshake has to be done.
pub const HANDSHAKE_S: u64 = 30;
/// Seconds until the first byte of an answer that does not wait; Android gives up after as many for
/// a first Sync.
pub const FIRST_BYTE_S: u64 = 120;
/// Seconds that may pass between two pieces of an answer.
pub const IDLE_S: u64 = 60;
/// Bytes of an answer's head, at most.
pub const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Bytes of an answer's body, at most, before and after inflating.
pub const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The server.
#[derive(Clone)]
pub struct Target {
    /// Where it is.
    pub addr: SocketAddr,
    /// What it is called: for `Host`, and for TLS.
    pub host: String,
    /// TLS; none: plain HTTP.
    pub tls: Option<Arc<ClientConfig>>,
    /// Where connections come from; empty: as the system chooses.
    pub sources: Sources,
    /// Threads; 0: one for each core.
    pub threads: usize,
}

/// What became of a connection. Its text is the kind that `Run.errors` counts.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum WireError {
    /// It could not be made.
    #[error("connect")]
    Connect(String),
    /// The handshake failed, or a record was wrong.
    #[error("tls")]
    Tls(String),
    /// Too late: connecting, or for the first byte, or between two pieces of an answer.
    #[error("timeout")]
    Timeout,
    /// The server or the path closed it.
    #[error("closed")]
    Closed,
    /// What came is no answer of HTTP.
    #[error("malformed")]
    Malformed(&'static str),
    /// The answer is larger than we take.
    #[error("too large")]
    TooLarge,
}
