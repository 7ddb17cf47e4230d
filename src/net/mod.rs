//! The only module that knows the runtime, and the only one that may hold `unsafe`.
//!
//! Cores, listeners, TLS, connections, timers. It is generic over what is served: the appliance
//! hands [`start`] a [`Service`] and an [`Lmtp`] for every core.
//!
//! A connection is a task only while there is work to do for it ([`connection`]). While it waits,
//! for the peer's next request or with a request of its own that waits ([`Service::Parked`]), it is
//! an entry in the parking lot of a core ([`lot`]), which a raw ring watches ([`ready`]) and one task
//! keeps ([`keeper`]). Signals from the store reach the core of their account over the [`Switch`].
//!
//! Mail goes out over [`Courier`], which blocks a thread of its own.
//!
//! Deliberately absent: HTTP/2, client certificates, proxies' address headers.

mod accept;
mod admission;
mod bells;
pub mod certificate;
mod connection;
mod core;
mod cores;
mod courier;
mod descriptors;
mod gate;
mod keeper;
mod lmtp;
mod lot;
mod memory;
mod metrics;
mod post;
mod ready;
mod service;
mod slice;
mod socket;
#[cfg(test)]
mod tests;
mod timer;
mod tls;
mod transport;
mod wheel;

pub use crate::http::{Answer, Brief, Heard, Outcome, Peer, Request, Why};
pub use admission::Caps;
pub use certificate::Certificates;
pub use cores::{Config, Deadlines, Driver, Error, Meter, Server, start};
pub use courier::{Courier, Hop, Protection, Stop};
pub use descriptors::raise_limit;
pub use metrics::{Counted, Histogram, Metrics, Report};
pub use post::{Signal, Switch};
pub use service::{Gone, Lmtp, Parked, Service, Written};
pub use tls::{TicketKey, Tickets};
