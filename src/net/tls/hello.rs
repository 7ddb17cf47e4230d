//! Looks into a ClientHello (RFC 8446 4.1.2) before anybody answers it: does it offer a session?
//!
//! A handshake that resumes costs less, and its phone was here before: after a restart it comes
//! first. This is a glance at untrusted bytes, no parser that anything depends on: rustls reads the
//! message again, and decides.

/// A record of the handshake.
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
/// The extension with the tickets of TLS 1.2 (RFC 5077); empty where the client has none.
const SESSION_TICKET: u16 = 35;
/// The one of TLS 1.3, always the last.
const PRE_SHARED_KEY: u16 = 41;

/// Whether the connection that begins with these bytes offers to resume a session. `None`: it
/// cannot be told from them, since more are needed or since they are no ClientHello.
pub(in crate::net) fn offers_resumption(bytes: &[u8]) -> Option<bool> {
    let mut record = Bytes(bytes);
    if record.byte()? != HANDSHAKE {
        return None;
    }
    record.take(2)?;
    // A hello that fills several records is not looked into: it is none of a phone's.
    let mut message = record.vector16()?;
    if message.byte()? != CLIENT_HELLO {
        return None;
    }
    message.take(3)?;
    // Version and random.
    message.take(2 + 32)?;
    message.vector8()?;
    message.vector16()?;
    message.vector8()?;
    let mut extensions = message.vector16()?;
    let mut offers = false;
    while !extensions.0.is_empty() {
        let kind = extensions.u16()?;
        let content = extensions.vector16()?;
        offers |= match kind {
            PRE_SHARED_KEY => true,
            SESSION_TICKET => !content.0.is_empty(),
            _ => false,
        };
    }
    Some(offers)
}

/// Bytes to read from; nothing where there are too few.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, n: usize) -> Option<Self> {
        let (taken, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(Bytes(taken))
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.0.first().copied()
    }

    fn u16(&mut self) -> Option<u16> {
        let taken: &'a [u8] = self.take(2)?.0;
        Some(u16::from_be_bytes(taken.try_into().ok()?))
    }

    fn vector8(&mut self) -> Option<Self> {
        let n = self.byte()?;
        self.take(n.into())
    }

    fn vector16(&mut self) -> Option<Self> {
        let n = self.u16()?;
        self.take(n.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = offers_resumption(&bytes);
            let mut hello = vec![HANDSHAKE, 3, 1, 1, 0, CLIENT_HELLO];
            hello.extend_from_slice(&bytes);
            let _ = offers_resumption(&hello);
        }
    }
}
