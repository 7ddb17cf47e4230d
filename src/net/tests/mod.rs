//! Over real sockets, on both drivers, with a service that does what its path says. Deadlines
//! are met by moving the clock, never by waiting.

mod http;
mod lmtp;
mod openssl;
mod parking;
mod rig;
mod tls;
