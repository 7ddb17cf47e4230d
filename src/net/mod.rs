//! The only module that knows the runtime, and the only one that may hold `unsafe`.
//!
//! Cores, listeners, TLS, connections, timers. It is generic over what is served: the appliance
//! hands [`start`] a [`Service`] and an [`Lmtp`] for every core. A waiting request is a value of
//! [`Service::Parked`]; where it waits is this module's affair alone, so that it can be moved
//! from a task to something smaller without a handler noticing.
//!
//! Deliberately absent: HTTP/2, client certificates, proxies' address headers, outgoing
//! connections.

mod accept;
mod admission;
pub mod certificate;
mod connection;
mod core;
mod cores;
mod descriptors;
mod lmtp;
mod metrics;
mod service;
mod socket;
#[cfg(test)]
mod tests;
mod tls;
mod transport;
mod wheel;

pub use crate::http::{Answer, Outcome, Peer, Request, Why};
pub use admission::Caps;
pub use certificate::Certificates;
pub use cores::{Config, Deadlines, Driver, Error, Meter, Server, start};
pub use descriptors::raise_limit;
pub use metrics::Metrics;
pub use service::{Lmtp, Parked, Service};
