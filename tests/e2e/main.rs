//! End to end: the binary, real sockets, real TLS, the real store in a folder of its own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a test may panic, print and look at the clock"
)]

mod bad;
mod classes;
mod cutter;
mod demo;
mod dice;
mod discover;
mod fixtures;
mod full;
mod house;
mod http;
mod import;
mod kill;
mod lmtp;
mod load;
mod outgoing;
mod people;
mod phone;
mod policy;
mod postfix;
mod restart;
mod samples;
mod sandbox;
mod sasl;
mod secure;
mod transport;
mod upgrade;
mod waiting;
mod walk;
mod wire;
