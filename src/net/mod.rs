//! The only module that knows the runtime, and the only one that may hold `unsafe`.
//!
//! Cores, listeners, TLS, connections, timers. It is generic over what is served: the appliance
//! hands it a [`Service`] and an [`Lmtp`] for every core.

mod service;

pub use crate::http::{Answer, Outcome, Peer, Request, Why};
pub use service::{Lmtp, Parked, Service};
