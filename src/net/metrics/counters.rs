//! Counters and gauges of a core.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[doc = $help:literal])+ $name:ident,)*) => {
        /// What one core counts while running.
        #[derive(Debug, Default)]
        pub(in crate::net) struct Counters { $(pub(in crate::net) $name: Counter,)* }

        /// The counters at one moment, of one core or of all.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
        pub struct Metrics { $($(#[doc = $help])+ pub $name: u64,)* }

        impl Counters {
            pub(in crate::net) fn snapshot(&self) -> Metrics {
                Metrics { $($name: self.$name.get(),)* }
            }
        }

        impl Metrics {
            /// Both together.
            #[must_use]
            pub fn plus(self, other: &Self) -> Self {
                Self { $($name: self.$name + other.$name,)* }
            }

            /// Every counter with its name and what it means.
            #[must_use]
            pub fn counted(&self) -> Vec<Counted> {
                vec![$(Counted {
                    name: stringify!($name),
                    help: concat!($($help),+).trim_ascii_start(),
                    value: self.$name,
                },)*]
            }
        }
    };
}

/// One counter at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Counted {
    /// Its name.
    pub name: &'static str,
    /// What it counts.
    pub help: &'static str,
    /// How far it is.
    pub value: u64,
}

impl Counted {
    /// Whether it goes down as well.
    #[must_use]
    pub fn is_gauge(&self) -> bool {
        matches!(self.name, "open" | "idle") || self.name.starts_with("parked")
    }

    /// Whether no core knows its share: connections may be between two.
    #[must_use]
    pub fn is_of_the_whole(&self) -> bool {
        self.name == "open"
    }
}

counters! {
    /// Connections open now, of all kinds.
    open,
    /// Connections that wait for their next request now.
    idle,
    /// Connections accepted since the start.
    accepted,
    /// Connections refused because of a cap.
    refused,
    /// TLS handshakes completed.
    handshakes,
    /// TLS handshakes that resumed a session.
    handshakes_resumed,
    /// TLS handshakes that had to wait for their turn.
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
    /// Bytes that parked requests hold with the keys of their connections, kernel apart.
    parked_bytes,
    /// Requests parked now without encryption.
    parked_plain,
    /// Requests parked now over TLS 1.2.
    parked_tls12,
    /// Requests parked now over TLS 1.3.
    parked_tls13,
    /// Requests parked now in version 2.5.
    parked_v25,
    /// Requests parked now in version 12.0.
    parked_v120,
    /// Requests parked now in version 12.1.
    parked_v121,
    /// Requests parked now in version 14.0.
    parked_v140,
    /// Requests parked now in version 14.1.
    parked_v141,
    /// Requests parked now in version 16.0.
    parked_v160,
    /// Requests parked now in version 16.1.
    parked_v161,
    /// Signals that parked requests were told.
    wakes,
    /// Parked requests answered because of a signal.
    woken,
    /// Parked requests that a handler had to look into.
    resumed,
    /// Parked requests answered at their deadline.
    expired,
    /// Connections that moved to the core of their account to wait there.
    moved,
    /// Parked requests that came to nothing, whatever the reason.
    abandoned,
    /// Parked requests dropped since the peer sent another on their connection.
    dropped_newer,
    /// Parked requests dropped since the peer closed.
    dropped_closed,
    /// Parked requests dropped since the connection was reset.
    dropped_reset,
    /// Parked requests dropped since nobody was there any more (keepalive).
    dropped_vanished,
    /// Parked requests dropped since the peer broke the TLS protocol.
    dropped_tls,
    /// Connections ended by a deadline.
    timed_out,
    /// Connections ended by an error of the socket.
    socket_errors,
    /// Connections ended by a panic.
    panics,
    /// Times that a core did not return to its ring for more than a second.
    stalls,
    /// LMTP sessions since the start.
    lmtp_sessions,
    /// Messages handed on by LMTP.
    messages,
}

/// One counter or gauge. One core writes it.
#[derive(Debug, Default)]
pub(in crate::net) struct Counter(AtomicU64);

impl Counter {
    pub(in crate::net) fn add(&self) {
        self.add_many(1);
    }

    pub(in crate::net) fn add_many(&self, n: usize) {
        self.0.fetch_add(n as u64, Ordering::Relaxed);
    }

    pub(in crate::net) fn set(&self, n: usize) {
        self.0.store(n as u64, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_add_up_and_every_counter_says_what_it_is() {
        let (one, two) = (Counters::default(), Counters::default());
        one.requests.add_many(3);
        two.requests.add();
        two.parked.set(7);
        two.parked.set(5);
        let total = one.snapshot().plus(&two.snapshot());
        assert_eq!((total.requests, total.parked), (4, 5));
        for counted in total.counted() {
            assert!(counted.help.ends_with('.'), "{counted:?}");
            assert_eq!(counted.help, counted.help.trim());
        }
        let gauges = total
            .counted()
            .into_iter()
            .filter(Counted::is_gauge)
            .count();
        assert_eq!(gauges, 14);
    }
}
