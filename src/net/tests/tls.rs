//! TLS over sockets, against rustls as the client.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::rig::*;
use crate::net::certificate::make_self_signed;
use crate::net::*;

pub(super) struct Tls {
    pub(super) rig: Rig,
    dir: tempfile::TempDir,
    certificates: Arc<Certificates>,
}

type Stream = StreamOwned<ClientConnection, TcpStream>;

/// Well within the time of the certificate, whatever the machine's date.
fn now_ms() -> i64 {
    crate::clock::Clock::system().now_ms()
}

impl Tls {
    pub(super) fn new(driver: Driver) -> Self {
        Self::with(2, driver, |_| {})
    }

    fn on_cores(cores: usize, change: impl FnOnce(&mut Config)) -> Self {
        Self::with(cores, Driver::Auto, change)
    }

    fn with(cores: usize, driver: Driver, change: impl FnOnce(&mut Config)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (chain, key) = (dir.path().join("chain"), dir.path().join("key"));
        make_self_signed(&["localhost".into()], &chain, &key, now_ms()).unwrap();
        let certificates = Certificates::load(&chain, &key).unwrap();
        let rig = Rig::on_cores(cores, driver, |config| {
            config.https = vec!["127.0.0.1:0".parse().unwrap()];
            config.certificates = Some(Arc::clone(&certificates));
            change(config);
        });
        Self {
            rig,
            dir,
            certificates,
        }
    }

    fn chain(&self) -> PathBuf {
        self.dir.path().join("chain")
    }

    fn config(&self, version: &'static rustls::SupportedProtocolVersion) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_file(self.chain()).unwrap())
            .unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Arc::new(config)
    }

    fn client(&self, config: &Arc<ClientConfig>) -> Client<Stream> {
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(Arc::clone(config), name).unwrap();
        Client::new(StreamOwned::new(
            connection,
            connect(self.rig.server.https()[0]),
        ))
    }
}

#[test]
fn both_versions_serve_requests() {
    for driver in DRIVERS {
        let tls = Tls::new(driver);
        for version in [&TLS12, &TLS13] {
            let mut client = tls.client(&tls.config(version));
            assert_eq!(client.get("/tls").text(), "true");
            assert_eq!(
                client.socket.conn.alpn_protocol(),
                Some(b"http/1.1".as_slice())
            );
            let n = 3_000_000;
            assert_eq!(client.get(&format!("/big?{n}")).body.len(), n);
            client.send(&format!(
                "POST /length HTTP/1.1\nHost: x\nContent-Length: {n}\n\n"
            ));
            client.send_raw(&vec![b'a'; n]);
            assert_eq!(client.answer().text(), n.to_string());
            client.send("GET /tls HTTP/1.1\nHost: x\nConnection: close\n\n");
            assert_eq!(client.answer().status, 200);
            // An orderly end: close_notify, not a cut.
            assert_eq!(client.socket.read(&mut [0; 16]).unwrap(), 0);
        }
        assert_eq!(tls.rig.server.metrics().handshakes, 2);
        assert_eq!(tls.rig.server.metrics().tls_errors, 0);
    }
}

#[test]
fn sessions_are_resumed() {
    let tls = Tls::new(Driver::Auto);
    for version in [&TLS12, &TLS13] {
        let config = tls.config(version);
        let kind = |_| {
            let mut client = tls.client(&config);
            assert_eq!(client.get("/tls").status, 200);
            client.socket.conn.handshake_kind()
        };
        let kinds: Vec<_> = (0..3).map(kind).collect();
        assert_eq!(kinds[0], Some(rustls::HandshakeKind::Full));
        assert_eq!(kinds[1], Some(rustls::HandshakeKind::Resumed));
        assert_eq!(kinds[2], Some(rustls::HandshakeKind::Resumed));
    }
}

/// Sends each byte for itself.
struct Trickle(TcpStream);

impl Read for Trickle {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buf)
    }
}

impl Write for Trickle {
    fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
        self.0.write(&buf[..1])
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

#[test]
fn records_in_single_bytes() {
    for version in [&TLS12, &TLS13] {
        let tls = Tls::new(Driver::Auto);
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(tls.config(version), name).unwrap();
        let socket = Trickle(connect(tls.rig.server.https()[0]));
        let mut client = Client::new(StreamOwned::new(connection, socket));
        assert_eq!(client.get("/tls").text(), "true");
        assert_eq!(client.get("/text").body.len(), 5_001);
    }
}

#[test]
fn a_parked_request_survives_what_only_tls_has_to_know() {
    for driver in DRIVERS {
        for version in [&TLS12, &TLS13] {
            let tls = Tls::new(driver);
            let mut client = tls.client(&tls.config(version));
            client.send("GET /park HTTP/1.1\nHost: x\n\n");
            wait_for(|| tls.rig.server.metrics().parked == 1);
            if version == &TLS13 {
                client.socket.conn.refresh_traffic_keys().unwrap();
                client.socket.flush().unwrap();
                client
                    .socket
                    .conn
                    .write_tls(&mut client.socket.sock)
                    .unwrap();
            }
            tls.rig.ring();
            assert_eq!(client.answer().text(), "Woken");
            assert_eq!(client.get("/tls").text(), "true");
            assert_eq!(tls.rig.server.metrics().abandoned, 0);
        }
    }
}

#[test]
fn a_peer_that_says_goodbye_while_parked() {
    let tls = Tls::new(Driver::Auto);
    let mut client = tls.client(&tls.config(&TLS13));
    client.send("GET /park HTTP/1.1\nHost: x\n\n");
    wait_for(|| tls.rig.server.metrics().parked == 1);
    client.socket.conn.send_close_notify();
    client.socket.flush().unwrap();
    tls.rig.stage.wait_dropped(1);
    tls.rig.wait_closed();
    assert_eq!(tls.rig.server.metrics().tls_errors, 0);
}

#[test]
fn a_new_certificate_serves_new_connections() {
    let tls = Tls::new(Driver::Auto);
    let old_config = tls.config(&TLS13);
    let mut old = tls.client(&old_config);
    assert_eq!(old.get("/tls").status, 200);
    let key = tls.dir.path().join("key");
    make_self_signed(&["localhost".into()], &tls.chain(), &key, now_ms()).unwrap();
    tls.certificates.reload().unwrap();
    assert_eq!(old.get("/tls").status, 200, "a live connection goes on");
    let mut new = tls.client(&tls.config(&TLS13));
    assert_eq!(new.get("/tls").status, 200);
}

#[test]
fn what_is_no_tls_gets_an_alert() {
    for driver in DRIVERS {
        let tls = Tls::new(driver);
        let check = |bytes: &[u8]| {
            let mut socket = connect(tls.rig.server.https()[0]);
            socket.write_all(bytes).unwrap();
            let mut answer = Vec::new();
            let _ = socket.read_to_end(&mut answer);
            assert!(answer.is_empty() || answer[0] == 0x15, "{answer:?}");
        };
        check(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        check(&[0; 2_000]);
        check(&[0x16, 3, 1, 0xff, 0xff, 1, 2, 3]);
        check(&[0x16, 3, 1, 0, 4, 1, 0xff, 0xff, 0xff]);
        wait_for(|| tls.rig.server.metrics().tls_errors == 4);
        tls.rig.wait_closed();
    }
}

#[test]
fn a_handshake_that_stalls_is_cut_off() {
    let tls = Tls::new(Driver::Auto);
    let mut socket = connect(tls.rig.server.https()[0]);
    socket.write_all(&[0x16, 3, 1, 2, 0, 1]).unwrap();
    assert!(tls.rig.wait_timed_out(&mut socket).is_empty());
    wait_for(|| tls.rig.server.metrics().timed_out == 1);
}

#[test]
fn whoever_finds_no_place_is_told_when_to_come_back() {
    for version in [&TLS12, &TLS13] {
        let tls = Tls::on_cores(1, |config| config.caps.connections = 0);
        let mut client = tls.client(&tls.config(version));
        client.send("POST /echo HTTP/1.1\nHost: x\nContent-Length: 2\n\nhi");
        let got = client.answer();
        let [after, connection] = ["retry-after", "connection"].map(|h| got.headers[h].as_str());
        assert_eq!((got.status, after, connection), (503, "30", "close"));
        client.assert_closed();
        let metrics = tls.rig.server.metrics();
        assert_eq!((metrics.refused, metrics.requests), (1, 1));
        tls.rig.wait_closed();
    }
}

#[test]
fn handshakes_begin_at_a_bounded_rate() {
    let tls = Tls::on_cores(1, |config| config.handshakes_per_s = 1);
    let config = tls.config(&TLS13);
    let mut first = tls.client(&config);
    assert_eq!(first.get("/tls").status, 200);
    // Ready to be resumed.
    let mut second = tls.client(&config);
    let waiting = std::thread::spawn(move || {
        let status = second.get("/tls").status;
        (status, second.socket.conn.handshake_kind())
    });
    wait_for(|| tls.rig.server.metrics().handshakes_waited == 1);
    assert_eq!(tls.rig.server.metrics().handshakes, 1);
    tls.rig.clock.advance(1_000);
    let resumed = Some(rustls::HandshakeKind::Resumed);
    assert_eq!(waiting.join().unwrap(), (200, resumed));
    // Whoever waits too long is given up.
    let socket = tls.client(&config);
    let waiting = std::thread::spawn(move || {
        let mut client = socket;
        client.try_get("/tls")
    });
    wait_for(|| tls.rig.server.metrics().handshakes_waited == 2);
    drop(tls.rig);
    assert!(!waiting.join().unwrap());
}
