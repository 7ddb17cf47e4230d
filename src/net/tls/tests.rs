//! Against rustls clients: handshakes, records in every cut, errors, key updates.

use super::*;
use crate::net::certificate::make_self_signed;
use proptest::prelude::*;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use std::io::{Read, Write};
use std::sync::LazyLock;

/// The server's configuration, and what its clients trust.
static SERVER: LazyLock<(Arc<ServerConfig>, RootCertStore)> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    let (chain, key) = (dir.path().join("chain"), dir.path().join("key"));
    let now_ms = crate::clock::Clock::system().now_ms();
    make_self_signed(&["localhost".into()], &chain, &key, now_ms).unwrap();
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(&chain).unwrap())
        .unwrap();
    let certificates = Certificates::load(&chain, &key).unwrap();
    let tickets = Tickets::new(vec![TicketKey::make(now_ms).unwrap()]);
    (server_config(certificates, tickets).unwrap(), roots)
});

/// What a client insists on.
fn client_of(suite: rustls::SupportedCipherSuite) -> Arc<ClientConfig> {
    let provider = rustls::crypto::CryptoProvider {
        cipher_suites: vec![suite],
        ..aws_lc_rs::default_provider()
    };
    let config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[suite.version()])
        .unwrap()
        .with_root_certificates(SERVER.1.clone())
        .with_no_client_auth();
    Arc::new(config)
}

/// One client for each suite, of both versions.
static CLIENTS: LazyLock<Vec<Arc<ClientConfig>>> = LazyLock::new(clients);

/// The same, without a session yet.
fn clients() -> Vec<Arc<ClientConfig>> {
    aws_lc_rs::ALL_CIPHER_SUITES
        .iter()
        // The certificate is ECDSA.
        .filter(|suite| !format!("{:?}", suite.suite()).contains("RSA"))
        .map(|suite| client_of(*suite))
        .collect()
}

/// Those of TLS 1.3.
fn newer() -> impl Iterator<Item = Pair> {
    CLIENTS
        .iter()
        .map(Pair::connected)
        .filter(|pair| pair.server.kind() == Kind::Tls13)
}

struct Pair {
    client: ClientConnection,
    server: Tls,
    plain: Vec<u8>,
    resumed: Option<bool>,
}

impl Pair {
    fn new(client: &Arc<ClientConfig>) -> Self {
        let name = ServerName::try_from("localhost").unwrap();
        Self {
            client: ClientConnection::new(Arc::clone(client), name).unwrap(),
            server: Tls::new(Some(&SERVER.0)).unwrap(),
            plain: Vec::new(),
            resumed: None,
        }
    }

    fn connected(client: &Arc<ClientConfig>) -> Self {
        Self::new(client).connect()
    }

    fn connect(mut self) -> Self {
        while self.client.is_handshaking() || !self.server.is_open() {
            let sent = self.sent();
            self.feed(&sent, sent.len().max(1)).unwrap();
        }
        self
    }

    fn any() -> Self {
        Self::connected(&CLIENTS[0])
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
    fn feed(&mut self, sent: &[u8], step: usize) -> Result<Fed, Error> {
        let mut fed = Fed::Open;
        for piece in sent.to_vec().chunks_mut(step) {
            let mut wire = Vec::new();
            let (said, handshake) = self.server.feed(piece, &mut self.plain, &mut wire)?;
            fed = said;
            self.resumed = handshake.map(|h| h.resumed).or(self.resumed);
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

    /// What the server says, as the client reads it.
    fn answer(&mut self, text: &[u8]) -> Vec<u8> {
        let mut wire = Vec::new();
        let begun = self.server.begin(&mut wire);
        wire.extend_from_slice(text);
        self.server.end(&mut wire, begun).unwrap();
        self.hear(&wire);
        let mut heard = vec![0; text.len()];
        self.client.reader().read_exact(&mut heard).unwrap();
        heard
    }

    fn reduced(&mut self) -> &mut Reduced {
        match &mut self.server {
            Tls::Reduced(reduced) => reduced,
            _ => panic!("not reduced"),
        }
    }

    /// Feeds what a client of ours, who may do anything, sends; returns the alert that comes back.
    fn misbehave(&mut self, send: impl FnOnce(&mut Reduced, &mut Vec<u8>)) -> Option<u8> {
        let mut client = self.reduced().mirrored();
        let (mut sent, mut wire) = (Vec::new(), Vec::new());
        send(&mut client, &mut sent);
        let fed = self.server.feed(&mut sent, &mut self.plain, &mut wire);
        assert!(fed.is_err(), "it was taken");
        if wire.is_empty() {
            return None;
        }
        let (kind, content) = client.open_anything(&mut wire);
        assert_eq!(
            (kind, content[0]),
            (21, 2),
            "a fatal alert, and nothing else"
        );
        let mut again = self.server.seal(b"x", &mut wire).is_ok();
        again |= self.server.close(&mut wire).is_ok();
        assert!(!again, "it goes on after an error");
        Some(content[1])
    }
}

#[test]
fn a_handshake_that_cannot_be_reduced_leaves_nothing_in_clear() {
    let mut config = ServerConfig::clone(&SERVER.0);
    // The secrets are told to nobody.
    config.key_log = Arc::new(rustls::NoKeyLog {});
    let client = client_of(aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256);
    let mut pair = Pair::new(&client);
    pair.server = Tls::new(Some(&Arc::new(config))).unwrap();
    let hello = pair.sent();
    pair.feed(&hello, hello.len()).unwrap();
    let finished = pair.sent();
    assert!(pair.feed(&finished, finished.len()).is_err());
    let mut wire = Vec::new();
    assert!(pair.server.seal(b"secret", &mut wire).is_err());
    let begun = pair.server.begin(&mut wire);
    wire.extend_from_slice(b"secret");
    assert!(pair.server.end(&mut wire, begun).is_err());
    assert!(wire.is_empty(), "{wire:?}");
    let again = pair.server.feed(&mut [0; 8], &mut pair.plain, &mut wire);
    assert!(again.is_err() && pair.plain.is_empty());
}

#[test]
fn a_connection_is_reduced_to_little() {
    let size = size_of::<Reduced>();
    assert!(size <= 300, "{size} bytes");
    assert_eq!(newer().count(), 3, "suites");
    for mut pair in newer() {
        let held = pair.server.bytes_held();
        assert_eq!(held, size, "nothing beside it");
        let sent = pair.say(b"hello");
        pair.feed(&sent, 3).unwrap();
        assert_eq!(
            (&pair.plain[..], pair.server.bytes_held()),
            (&b"hello"[..], size)
        );
        assert_eq!(pair.answer(b"world"), b"world");
    }
}

#[test]
fn of_all_suites_the_one_with_the_cheapest_handshake_is_taken() {
    // This client would rather have AES-256.
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(SERVER.1.clone())
            .with_no_client_auth();
        let pair = Pair::connected(&Arc::new(config));
        let suite = pair.client.negotiated_cipher_suite().unwrap().suite();
        assert!(format!("{suite:?}").contains("AES_128"), "{suite:?}");
    }
}

#[test]
fn data_behind_the_finished_is_not_lost() {
    for client in CLIENTS.iter() {
        let mut pair = Pair::new(client);
        let hello = pair.sent();
        pair.feed(&hello, hello.len()).unwrap();
        while pair.client.is_handshaking() {
            let sent = pair.sent();
            pair.feed(&sent, sent.len()).unwrap();
        }
        // Finished, a request, and half of the next one in one read.
        let mut sent = pair.say(b"first");
        let second = pair.say(b"second");
        let (one, two) = second.split_at(second.len() / 2);
        sent.extend_from_slice(one);
        pair.feed(&sent, sent.len()).unwrap();
        assert_eq!(pair.plain, b"first");
        assert_eq!(pair.answer(b"between"), b"between");
        pair.feed(two, 1).unwrap();
        assert_eq!(pair.plain, b"firstsecond");
    }
}

#[test]
fn sessions_are_resumed_in_both_versions() {
    for client in &clients() {
        let mut first = Pair::connected(client);
        assert_eq!(first.resumed, Some(false));
        first.answer(b"so that the ticket is read");
        let mut again = Pair::new(client);
        let hello = again.sent();
        assert_eq!(offers_resumption(&hello), Some(true));
        again.feed(&hello, hello.len()).unwrap();
        assert_eq!(again.connect().resumed, Some(true));
    }
    let fresh = client_of(aws_lc_rs::ALL_CIPHER_SUITES[0]);
    let hello = Pair::new(&fresh).sent();
    assert_eq!(offers_resumption(&hello), Some(false));
    for cut in 0..hello.len() {
        assert_eq!(offers_resumption(&hello[..cut]), None);
    }
}

#[test]
fn the_keys_of_a_client_change() {
    for mut pair in newer() {
        for round in 0..5 {
            pair.client.refresh_traffic_keys().unwrap();
            let sent = pair.say(b"under new keys");
            pair.plain.clear();
            pair.feed(&sent, 1 + round * 7).unwrap();
            assert_eq!(pair.plain, b"under new keys");
            assert_eq!(pair.answer(b"and back"), b"and back");
        }
    }
}

#[test]
fn a_client_that_asks_for_new_keys_gets_them() {
    for mut pair in newer() {
        let mut client = pair.reduced().mirrored();
        let (mut sent, mut wire, mut heard) = (Vec::new(), Vec::new(), Vec::new());
        client.seal_anything(22, &[24, 0, 0, 1, 1], &mut sent);
        client.update_own();
        client.seal(b"new", &mut sent).unwrap();
        pair.server
            .feed(&mut sent, &mut pair.plain, &mut wire)
            .unwrap();
        assert_eq!(pair.plain, b"new");
        pair.server.seal(b"newer", &mut wire).unwrap();
        client.feed(&mut wire, &mut heard, &mut Vec::new()).unwrap();
        assert_eq!(heard, b"newer");
    }
}

#[test]
fn our_keys_change_before_they_are_used_up() {
    for mut pair in newer() {
        let Tls::Reduced(reduced) = std::mem::replace(&mut pair.server, Tls::Off) else {
            panic!("not reduced")
        };
        pair.server = Tls::Reduced(Box::new(reduced.with_records_max_log(4)));
        for n in 0..100_u8 {
            assert_eq!(pair.answer(&[n; 300]), [n; 300]);
        }
        // The peer's are its own affair, up to the limit.
        let sent: Vec<u8> = (0..40).flat_map(|_| pair.say(b"x")).collect();
        assert!(pair.feed(&sent, sent.len()).is_err());
    }
}

#[test]
fn whoever_breaks_the_protocol_is_told_once() {
    let check = |expect: Option<u8>, send: &dyn Fn(&mut Reduced, &mut Vec<u8>)| {
        for mut pair in newer() {
            assert_eq!(pair.misbehave(send), expect);
            assert!(pair.plain.is_empty());
        }
    };
    let anything = |kind: u8, content: &'static [u8]| {
        move |client: &mut Reduced, sent: &mut Vec<u8>| client.seal_anything(kind, content, sent)
    };
    // Not encrypted; change_cipher_spec after the handshake.
    check(Some(10), &|_, sent| {
        sent.extend_from_slice(&[22, 3, 3, 0, 1, 0])
    });
    check(Some(10), &|_, sent| {
        sent.extend_from_slice(&[20, 3, 3, 0, 1, 1])
    });
    // Too long, said by the head alone.
    check(Some(22), &|_, sent| {
        sent.extend_from_slice(&[23, 3, 3, 0x41, 0x01])
    });
    // Nothing inside, an unknown kind, handshake messages that have no place.
    check(Some(10), &anything(0, b""));
    check(Some(10), &anything(99, b"x"));
    check(Some(10), &anything(22, &[1, 0, 0, 0]));
    check(Some(10), &anything(22, &[]));
    // A key update with something behind it, one that is cut, one with an unknown value.
    check(Some(10), &anything(22, &[24, 0, 0, 1, 0, 24]));
    check(Some(10), &anything(22, &[24, 0, 0, 1]));
    check(Some(47), &anything(22, &[24, 0, 0, 1, 2]));
    // Alerts: a fatal one ends it without an answer, a broken one is none.
    check(None, &anything(21, &[2, 40]));
    check(Some(10), &anything(21, &[2]));
    // Records without data, for ever.
    check(Some(10), &|client, sent| {
        for _ in 0..40 {
            client.seal_anything(23, b"", sent);
        }
    });
    // An old record again: its number has passed.
    check(Some(20), &|client, sent| {
        client.seal_anything(23, b"", sent);
        let first = sent.clone();
        sent.extend_from_slice(&first);
    });
}

#[test]
fn goodbye_ends_the_reading() {
    for mut pair in newer() {
        let mut client = pair.reduced().mirrored();
        let mut sent = Vec::new();
        client.seal(b"last words", &mut sent).unwrap();
        client.close(&mut sent).unwrap();
        client.seal(b"more", &mut sent).unwrap();
        let fed = pair
            .server
            .feed(&mut sent, &mut pair.plain, &mut Vec::new());
        assert_eq!(fed.unwrap().0, Fed::Closed);
        assert_eq!(pair.plain, b"last words");
        assert_eq!(pair.answer(b"still heard"), b"still heard");
    }
}

/// Mutated records, a great many of them: never a panic, never a byte that was not sent.
#[test]
fn noise_opens_nothing() {
    let mut pair = Pair::any();
    let reduced = pair.reduced().mirrored();
    let mut seed = 0x2545_F491_4F6C_DD1D_u64;
    let mut next = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed >> 16).unwrap()
    };
    for round in 0..60_000 {
        let mut server = reduced.mirrored();
        let mut client = reduced.mirrored().mirrored();
        let mut wire = Vec::new();
        for _ in 0..next() % 4 {
            // A run as long as its byte: so runs tell which records they come from.
            let n = u8::try_from(next() % 40).unwrap();
            let kind = [23, 23, 22, 21][next() % 4];
            client.seal_anything(kind, &vec![n; n.into()], &mut wire);
        }
        for _ in 0..1 + next() % 3 {
            match (next() % 4, wire.len()) {
                (_, 0) => wire.push(23),
                (0, len) => wire.truncate(next() % len),
                (1, len) => wire.insert(next() % len, u8::try_from(next() % 256).unwrap()),
                (_, len) => wire[next() % len] ^= 1 << (next() % 8),
            }
        }
        let (mut plain, mut said) = (Vec::new(), Vec::new());
        let step = 1 + next() % 40;
        for piece in wire.chunks_mut(step) {
            if server.feed(piece, &mut plain, &mut said).is_err() {
                break;
            }
        }
        assert!(said.len() < 200, "round {round}");
        // Whole records may be right still; what is in them was sent.
        for run in plain.chunk_by(|a, b| a == b) {
            assert_eq!(run.len() % usize::from(run[0]), 0, "round {round}: {run:?}");
        }
    }
}

#[test]
fn answers_while_half_a_record_is_here() {
    let mut pair = Pair::any();
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
    let mut pair = Pair::any();
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
    let mut pair = Pair::any();
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
        let mut pair = Pair::any();
        let sent: Vec<u8> = texts.iter().flat_map(|t| pair.say(t)).collect();
        pair.feed(&sent, step).unwrap();
        prop_assert_eq!(&pair.plain, &texts.concat());
    }

    #[test]
    fn a_flipped_bit_is_never_believed(at in any::<usize>(), bit in 0u8..8, step in 1usize..64) {
        let mut pair = Pair::any();
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
        let mut pair = Pair::new(&CLIENTS[0]);
        let hello = pair.sent();
        for start in [&hello[..], &hello[..hello.len() / 2], &[]] {
            let mut bytes = start.to_vec();
            for (kind, content) in &records {
                let len = u16::try_from(content.len()).unwrap().to_be_bytes();
                bytes.extend_from_slice(&[*kind, 3, 3, len[0], len[1]]);
                bytes.extend_from_slice(content);
            }
            let mut server = Tls::new(Some(&SERVER.0)).unwrap();
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
