//! Counters of the network side, shared by all cores.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What is counted while running.
        #[derive(Debug, Default)]
        pub(super) struct Counters { $(pub(super) $name: Counter,)* }

        /// The counters at one moment.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
        pub struct Metrics { $($(#[$doc])* pub $name: u64,)* }

        impl Counters {
            pub(super) fn snapshot(&self) -> Metrics {
                Metrics { $($name: self.$name.get(),)* }
            }
        }

        impl Metrics {
            /// Every counter with its name.
            #[must_use]
            pub fn named(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name),)*]
            }
        }
    };
}

counters! {
    /// Connections open now, of all kinds.
    open,
    /// Connections accepted since the start.
    accepted,
    /// Connections refused because of a cap.
    refused,
    /// TLS handshakes completed.
    handshakes,
    /// Those of them that resumed a session.
    handshakes_resumed,
    /// Handshakes that had to wait for their turn.
    handshakes_waited,
    /// TLS connections that ended with an error of the protocol.
    tls_errors,
    /// Requests handed to the service.
    requests,
    /// Bytes that were no request, and requests beyond the bounds.
    bad_requests,
    /// Requests refused because too many bodies were held.
    busy,
    /// Requests parked now.
    parked,
    /// Bytes that they hold with the keys of their connections, socket and kernel apart.
    parked_bytes,
    /// Signals that parked requests were told.
    wakes,
    /// Parked requests that were answered because of a signal.
    woken,
    /// Parked requests that a handler had to look into.
    resumed,
    /// Connections that moved to the core of their account to wait there.
    moved,
    /// Parked requests that reached their deadline.
    expired,
    /// Parked requests that the peer gave up: it closed, or sent another.
    abandoned,
    /// Connections ended by a deadline.
    timed_out,
    /// Connections ended by an error of the socket.
    socket_errors,
    /// Connections ended by a panic.
    panics,
    /// LMTP sessions since the start.
    lmtp_sessions,
    /// Messages handed on by LMTP.
    messages,
}

/// One counter or gauge.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn add_many(&self, n: usize) {
        self.0.fetch_add(n as u64, Ordering::Relaxed);
    }

    /// Follows a count that was `before` and is `now`.
    pub(super) fn shift(&self, before: usize, now: usize) {
        let change = (now as u64).wrapping_sub(before as u64);
        self.0.fetch_add(change, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
