//! TLS without I/O: bytes of the wire in, plain bytes out, and back. Plain connections pass
//! through the same door.
//!
//! rustls' unbuffered connection holds no buffer of its own between records, which is what makes
//! a waiting connection cheap. Deliberately absent: client certificates, early data, ALPN other
//! than HTTP/1.1, TLS before 1.2.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::server::{NoServerSessionStorage, ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, EncryptError, UnbufferedStatus, WriteTraffic,
};

use super::certificate::Certificates;

/// A handshake message may span records: so much of one is kept before the peer is dropped.
const CARRY_BYTES_MAX: usize = 128 * 1024;
/// What a record adds to its content at most, in any version and suite.
const RECORD_OVERHEAD: usize = 128;
/// Content of one record (RFC 8446 5.1).
const RECORD_BYTES: usize = 16 * 1024;

/// The configuration that all cores share, the keys of session tickets with it.
///
/// # Errors
/// When the provider lacks what the configuration asks for: not with the one built in.
pub(super) fn server_config(
    certificates: Arc<Certificates>,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(certificates);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // Tickets are kept by the peer: a session costs no memory here.
    config.ticketer = aws_lc_rs::Ticketer::new()?;
    config.send_tls13_tickets = 1;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(Arc::new(config))
}

/// The encryption of one connection.
pub(super) enum Tls {
    Off,
    On(Box<Session>),
}

pub(super) struct Session {
    connection: UnbufferedServerConnection,
    /// A record that has not arrived completely. Owns no memory otherwise.
    carry: Vec<u8>,
    handshaken: bool,
    /// After an error nothing is asked of the connection any more.
    failed: bool,
}

/// What the peer said besides bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fed {
    Open,
    /// The peer ended its side in an orderly way.
    Closed,
}

impl Tls {
    pub(super) fn new(config: Option<&Arc<ServerConfig>>) -> Result<Self, rustls::Error> {
        let Some(config) = config else {
            return Ok(Self::Off);
        };
        Ok(Self::On(Box::new(Session {
            connection: UnbufferedServerConnection::new(Arc::clone(config))?,
            carry: Vec::new(),
            handshaken: false,
            failed: false,
        })))
    }

    /// Whether application data may flow.
    pub(super) fn is_open(&self) -> bool {
        match self {
            Self::Off => true,
            Self::On(session) => session.handshaken,
        }
    }

    /// Takes bytes of the wire; appends what they say to `plain`, and what has to be sent for
    /// the protocol's sake to `wire` (also on failure: an alert).
    pub(super) fn feed(
        &mut self,
        input: &mut [u8],
        plain: &mut Vec<u8>,
        wire: &mut Vec<u8>,
    ) -> Result<Fed, rustls::Error> {
        match self {
            Self::Off => {
                plain.extend_from_slice(input);
                Ok(Fed::Open)
            }
            Self::On(session) => {
                let fed = session.feed(input, plain, wire);
                session.failed |= fed.is_err();
                fed
            }
        }
    }

    /// Appends `plain` to `wire` as records.
    pub(super) fn seal(&mut self, plain: &[u8], wire: &mut Vec<u8>) -> Result<(), rustls::Error> {
        match self {
            Self::Off => {
                wire.extend_from_slice(plain);
                Ok(())
            }
            Self::On(session) => session.write(wire, |traffic, wire| {
                let records = plain.len() / RECORD_BYTES + 1;
                append(wire, plain.len() + records * RECORD_OVERHEAD, |out| {
                    traffic.encrypt(plain, out)
                })
            }),
        }
    }

    /// Begins an answer that is written in place; returns where it begins.
    pub(super) fn begin(&self, wire: &mut Vec<u8>) -> usize {
        wire.len()
    }

    /// Everything written since `begin` becomes records.
    pub(super) fn end(&mut self, wire: &mut Vec<u8>, begun: usize) -> Result<(), rustls::Error> {
        if let Self::Off = self {
            return Ok(());
        }
        let plain = wire.split_off(begun);
        self.seal(&plain, wire)
    }

    /// Bytes on the heap.
    pub(super) fn bytes_held(&self) -> usize {
        match self {
            Self::Off => 0,
            Self::On(session) => size_of_val(&**session),
        }
    }

    /// Appends the orderly end of our side.
    pub(super) fn close(&mut self, wire: &mut Vec<u8>) -> Result<(), rustls::Error> {
        match self {
            Self::On(session) if session.handshaken => session.write(wire, |traffic, wire| {
                append(wire, RECORD_OVERHEAD, |out| traffic.queue_close_notify(out))
            }),
            _ => Ok(()),
        }
    }
}

impl Session {
    fn feed(
        &mut self,
        input: &mut [u8],
        plain: &mut Vec<u8>,
        wire: &mut Vec<u8>,
    ) -> Result<Fed, rustls::Error> {
        if self.carry.is_empty() {
            let (used, fed) = self.process(input, plain, wire)?;
            self.carry
                .extend_from_slice(input.get(used..).unwrap_or_default());
            return Ok(fed);
        }
        let mut carry = std::mem::take(&mut self.carry);
        carry.extend_from_slice(input);
        let (used, fed) = self.process(&mut carry, plain, wire)?;
        if used < carry.len() {
            carry.drain(..used);
            self.carry = carry;
        }
        if self.carry.len() > CARRY_BYTES_MAX {
            return Err(rustls::Error::General("a message without end".into()));
        }
        Ok(fed)
    }

    /// Returns how many bytes were used.
    fn process(
        &mut self,
        input: &mut [u8],
        plain: &mut Vec<u8>,
        wire: &mut Vec<u8>,
    ) -> Result<(usize, Fed), rustls::Error> {
        let mut used = 0;
        let mut fed = Fed::Open;
        loop {
            let rest = input.get_mut(used..).unwrap_or_default();
            let UnbufferedStatus { mut discard, state } = self.connection.process_tls_records(rest);
            let mut last = false;
            let failed = match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(record) = traffic.next_record() {
                        let record = record?;
                        plain.extend_from_slice(record.payload);
                        discard += record.discard;
                    }
                    None
                }
                Ok(ConnectionState::EncodeTlsData(data)) => {
                    encode(data, wire)?;
                    None
                }
                Ok(ConnectionState::TransmitTlsData(data)) => {
                    data.done();
                    None
                }
                Ok(ConnectionState::WriteTraffic(_)) => {
                    self.handshaken = true;
                    last = true;
                    None
                }
                Ok(ConnectionState::BlockedHandshake) => {
                    last = true;
                    None
                }
                Ok(ConnectionState::PeerClosed) => {
                    fed = Fed::Closed;
                    None
                }
                Ok(ConnectionState::Closed) => {
                    last = true;
                    fed = Fed::Closed;
                    None
                }
                Ok(_) => Some(rustls::Error::General("early data".into())),
                Err(e) => Some(e),
            };
            used += discard;
            if let Some(e) = failed {
                // To an alert of the peer's there is nothing to say.
                if !matches!(e, rustls::Error::AlertReceived(_)) {
                    self.alert(input.get_mut(used..).unwrap_or_default(), wire);
                }
                return Err(e);
            }
            if last {
                return Ok((used, fed));
            }
        }
    }

    /// Appends the alert that tells the peer of a failure. `rest` is what was not used. rustls
    /// may be asked once only, and has to see those bytes: it remembers places in them, and
    /// would take them up where nothing waits to be sent.
    fn alert(&mut self, rest: &mut [u8], wire: &mut Vec<u8>) {
        if let Ok(ConnectionState::EncodeTlsData(data)) =
            self.connection.process_tls_records(rest).state
        {
            let _ = encode(data, wire);
        }
    }

    /// Writes once the connection has nothing of its own to send (an answer to a key update).
    fn write<T>(
        &mut self,
        wire: &mut Vec<u8>,
        write: impl FnOnce(
            &mut WriteTraffic<'_, ServerConnectionData>,
            &mut Vec<u8>,
        ) -> Result<T, rustls::Error>,
    ) -> Result<T, rustls::Error> {
        if self.failed {
            return Err(rustls::Error::EncryptError);
        }
        // rustls remembers places in what it was fed: it has to see the same bytes again. They
        // are no complete record, so nothing is decrypted here.
        let mut used = 0;
        let outcome = loop {
            let rest = self.carry.get_mut(used..).unwrap_or_default();
            let UnbufferedStatus { discard, state } = self.connection.process_tls_records(rest);
            used += discard;
            match state {
                Ok(ConnectionState::WriteTraffic(mut traffic)) => break write(&mut traffic, wire),
                Ok(ConnectionState::EncodeTlsData(data)) => encode(data, wire)?,
                Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
                Ok(ConnectionState::PeerClosed) => {}
                Ok(_) => break Err(rustls::Error::HandshakeNotComplete),
                Err(e) => break Err(e),
            }
        };
        self.carry.drain(..used.min(self.carry.len()));
        self.failed |= outcome.is_err();
        outcome
    }
}

fn encode(
    mut data: EncodeTlsData<'_, ServerConnectionData>,
    wire: &mut Vec<u8>,
) -> Result<(), rustls::Error> {
    let start = wire.len();
    let mut room = 2 * 1024;
    loop {
        wire.resize(start + room, 0);
        match data.encode(wire.get_mut(start..).unwrap_or_default()) {
            Ok(n) => {
                wire.truncate(start + n);
                return Ok(());
            }
            Err(EncodeError::InsufficientSize(e)) if e.required_size > room => {
                room = e.required_size;
            }
            Err(e) => {
                wire.truncate(start);
                return Err(rustls::Error::General(e.to_string()));
            }
        }
    }
}

/// Lets `write` fill up to `room` bytes behind `wire`.
fn append(
    wire: &mut Vec<u8>,
    room: usize,
    write: impl FnOnce(&mut [u8]) -> Result<usize, EncryptError>,
) -> Result<(), rustls::Error> {
    let start = wire.len();
    wire.resize(start + room, 0);
    let written = write(wire.get_mut(start..).unwrap_or_default());
    wire.truncate(start + written.as_ref().map_or(0, |n| *n));
    match written {
        Ok(_) => Ok(()),
        Err(EncryptError::EncryptExhausted) => Err(rustls::Error::EncryptError),
        Err(e) => Err(rustls::Error::General(e.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::certificate::make_self_signed;
    use proptest::prelude::*;
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, ServerName};
    use rustls::{ClientConfig, ClientConnection, RootCertStore};
    use std::io::{Read, Write};
    use std::sync::LazyLock;

    static CONFIGS: LazyLock<(Arc<ServerConfig>, ClientConfig)> = LazyLock::new(|| {
        let dir = tempfile::tempdir().unwrap();
        let (chain, key) = (dir.path().join("chain"), dir.path().join("key"));
        let now_ms = crate::clock::Clock::system().now_ms();
        make_self_signed(&["localhost".into()], &chain, &key, now_ms).unwrap();
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_file(&chain).unwrap())
            .unwrap();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let certificates = Certificates::load(&chain, &key).unwrap();
        (server_config(certificates).unwrap(), client)
    });

    struct Pair {
        client: ClientConnection,
        server: Tls,
        plain: Vec<u8>,
    }

    impl Pair {
        fn new() -> Self {
            let (server, client) = &*CONFIGS;
            let name = ServerName::try_from("localhost").unwrap();
            Self {
                client: ClientConnection::new(Arc::new(client.clone()), name).unwrap(),
                server: Tls::new(Some(server)).unwrap(),
                plain: Vec::new(),
            }
        }

        fn connected() -> Self {
            let mut pair = Self::new();
            while pair.client.is_handshaking() || !pair.server.is_open() {
                let sent = pair.sent();
                pair.feed(&sent, sent.len().max(1)).unwrap();
            }
            pair
        }

        /// What the client has to send.
        fn sent(&mut self) -> Vec<u8> {
            let mut wire = Vec::new();
            while self.client.wants_write() {
                self.client.write_tls(&mut wire).unwrap();
            }
            wire
        }

        fn say(&mut self, text: &[u8]) -> Vec<u8> {
            self.client.writer().write_all(text).unwrap();
            self.sent()
        }

        /// Lets the server read in pieces, and the client what comes back.
        fn feed(&mut self, sent: &[u8], step: usize) -> Result<Fed, rustls::Error> {
            let mut fed = Fed::Open;
            for piece in sent.to_vec().chunks_mut(step) {
                let mut wire = Vec::new();
                fed = self.server.feed(piece, &mut self.plain, &mut wire)?;
                self.hear(&wire);
            }
            Ok(fed)
        }

        fn hear(&mut self, mut wire: &[u8]) {
            while !wire.is_empty() {
                self.client.read_tls(&mut wire).unwrap();
                self.client.process_new_packets().unwrap();
            }
        }
    }

    #[test]
    fn nothing_is_held_between_records() {
        let mut pair = Pair::connected();
        let sent = pair.say(b"hello");
        pair.feed(&sent, 7).unwrap();
        assert_eq!(pair.plain, b"hello");
        let Tls::On(session) = &pair.server else {
            unreachable!()
        };
        assert_eq!(session.carry.capacity(), 0);
    }

    #[test]
    fn answers_while_half_a_record_is_here() {
        let mut pair = Pair::connected();
        let sent = pair.say(b"second");
        let (one, two) = sent.split_at(10);
        pair.feed(one, 10).unwrap();
        let mut wire = Vec::new();
        pair.server.seal(&vec![b'a'; 10_000], &mut wire).unwrap();
        pair.hear(&wire);
        let mut heard = vec![0; 10_000];
        pair.client.reader().read_exact(&mut heard).unwrap();
        pair.feed(two, 1).unwrap();
        assert_eq!(pair.plain, b"second");
    }

    #[test]
    fn goodbye_is_understood_and_said() {
        let mut pair = Pair::connected();
        pair.client.send_close_notify();
        let sent = pair.sent();
        assert_eq!(pair.feed(&sent, 3).unwrap(), Fed::Closed);
        let mut wire = Vec::new();
        pair.server.close(&mut wire).unwrap();
        pair.hear(&wire);
        assert_eq!(pair.client.reader().read(&mut [0; 8]).unwrap(), 0);
    }

    #[test]
    fn after_an_error_nothing_works_and_nothing_panics() {
        let mut pair = Pair::connected();
        let mut sent = pair.say(b"hello");
        *sent.last_mut().unwrap() ^= 1;
        let mut wire = Vec::new();
        assert!(
            pair.server
                .feed(&mut sent, &mut pair.plain, &mut wire)
                .is_err()
        );
        assert!(!wire.is_empty(), "an alert");
        assert!(pair.server.seal(b"x", &mut wire).is_err());
        assert!(pair.server.close(&mut wire).is_err());
        assert!(pair.plain.is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn every_cut_gives_the_same(
            texts in proptest::collection::vec(
                proptest::collection::vec(any::<u8>(), 0..20_000), 1..4),
            step in 1usize..20_000,
        ) {
            let mut pair = Pair::connected();
            let sent: Vec<u8> = texts.iter().flat_map(|t| pair.say(t)).collect();
            pair.feed(&sent, step).unwrap();
            prop_assert_eq!(&pair.plain, &texts.concat());
        }

        #[test]
        fn a_flipped_bit_is_never_believed(at in any::<usize>(), bit in 0u8..8, step in 1usize..64) {
            let mut pair = Pair::connected();
            let mut sent = pair.say(b"attack at dawn");
            // The version in a record's head is ignored (RFC 8446 5.1).
            let at = 3 + at % (sent.len() - 3);
            sent[at] ^= 1 << bit;
            let _ = pair.feed(&sent, step);
            prop_assert!(pair.plain.is_empty());
            let mut wire = Vec::new();
            let _ = pair.server.seal(b"x", &mut wire);
            let _ = pair.server.close(&mut wire);
        }

        #[test]
        fn random_handshakes_do_not_panic(
            records in proptest::collection::vec(
                (20u8..24, proptest::collection::vec(any::<u8>(), 0..60)), 0..8),
            step in 1usize..64,
        ) {
            let mut pair = Pair::new();
            let hello = pair.sent();
            for start in [&hello[..], &hello[..hello.len() / 2], &[]] {
                let mut bytes = start.to_vec();
                for (kind, content) in &records {
                    let len = u16::try_from(content.len()).unwrap().to_be_bytes();
                    bytes.extend_from_slice(&[*kind, 3, 3, len[0], len[1]]);
                    bytes.extend_from_slice(content);
                }
                let mut server = Tls::new(Some(&CONFIGS.0)).unwrap();
                let (mut plain, mut wire) = (Vec::new(), Vec::new());
                for piece in bytes.chunks_mut(step) {
                    if server.feed(piece, &mut plain, &mut wire).is_err() {
                        break;
                    }
                }
                let _ = server.close(&mut wire);
                prop_assert!(plain.is_empty());
            }
        }
    }
}
