//! The record layer, the secrets behind it, and the glance at a ClientHello: the product's files.

#[allow(dead_code, reason = "the product's file, of which a part is used")]
#[path = "../../../../src/net/tls/handshake.rs"]
mod handshake;
#[path = "../../../../src/net/tls/hello.rs"]
mod hello;
#[allow(dead_code, reason = "the product's file, of which a part is used")]
#[path = "../../../../src/net/tls/record.rs"]
mod record;
#[allow(dead_code, reason = "the product's file, of which a part is used")]
#[path = "../../../../src/net/tls/secrets.rs"]
mod secrets;

mod peer;
mod records;
mod start;

pub(crate) use records::records;
pub(crate) use start::start;

/// As in the product.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fed {
    Open,
    Closed,
}
