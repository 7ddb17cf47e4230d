//! One connection of the fleet: TLS (or none) over a socket that never blocks, and HTTP answers out
//! of it.

use crate::must;
use crate::push::sys::bind_without_port;
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme};
use socket2::{Domain, Protocol, Socket, Type};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::{AsRawFd as _, RawFd};
use std::sync::Arc;

/// Connections from one source address, at most.
const PER_ADDRESS: usize = 4_000;

/// An answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// HTTP.
    pub status: u16,
    /// The content.
    pub body: Vec<u8>,
}

/// One connection.
pub struct Client {
    socket: Socket,
    tls: Option<Box<ClientConnection>>,
    out: Vec<u8>,
    received: Vec<u8>,
}

/// How to connect.
#[derive(Clone)]
pub struct Way {
    /// Where.
    pub addr: SocketAddr,
    /// None: plain.
    pub tls: Option<Arc<ClientConfig>>,
}

impl Way {
    /// `tls13`, `tls12` or `plain`; a ticket is used again where `resumes` says so.
    #[must_use]
    pub fn new(addr: SocketAddr, kind: &str, resumes: bool) -> Self {
        let version = match kind {
            "plain" => return Self { addr, tls: None },
            "tls12" => &rustls::version::TLS12,
            _ => &rustls::version::TLS13,
        };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config =
            ClientConfig::builder_with_provider(provider).with_protocol_versions(&[version]);
        let mut config = must(config)
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anyone))
            .with_no_client_auth();
        if !resumes {
            config.resumption = Resumption::disabled();
        }
        Self {
            addr,
            tls: Some(Arc::new(config)),
        }
    }
}

impl Client {
    /// Begins to connect; `n` chooses the source address.
    ///
    /// # Errors
    /// The system's.
    pub fn connect(way: &Way, n: usize) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        bind_without_port(socket.as_raw_fd());
        let host = u8::try_from(1 + n / PER_ADDRESS).unwrap_or(1);
        let source = SocketAddr::from((Ipv4Addr::new(127, 0, 1, host), 0));
        socket.bind(&source.into())?;
        match socket.connect(&way.addr.into()) {
            Err(e) if e.raw_os_error() != Some(libc::EINPROGRESS) => return Err(e),
            _ => {}
        }
        let tls = way.tls.as_ref().map(|config| {
            let name = must(ServerName::try_from("localhost"));
            Box::new(must(ClientConnection::new(Arc::clone(config), name)))
        });
        Ok(Self {
            socket,
            tls,
            out: Vec::new(),
            received: Vec::new(),
        })
    }

    /// The descriptor.
    #[must_use]
    pub fn fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }

    /// Queues bytes and sends what goes.
    ///
    /// # Errors
    /// The socket's.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.tls {
            Some(tls) => tls.writer().write_all(bytes)?,
            None => self.out.extend_from_slice(bytes),
        }
        self.flush()
    }

    /// Sends what goes.
    ///
    /// # Errors
    /// The socket's.
    pub fn flush(&mut self) -> io::Result<()> {
        if let Some(tls) = &mut self.tls {
            while tls.wants_write() {
                match tls.write_tls(&mut self.socket) {
                    Ok(_) => {}
                    Err(e) if is_later(&e) => return Ok(()),
                    Err(e) => return Err(e),
                }
            }
            return Ok(());
        }
        while !self.out.is_empty() {
            match self.socket.write(&self.out) {
                Ok(n) => drop(self.out.drain(..n)),
                Err(e) if is_later(&e) => return Ok(()),
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// Reads what is there, through a buffer that the connections share; `ends`: there may be an end of the
    /// stream behind it.
    ///
    /// # Errors
    /// The socket's, the peer's breaches of TLS, and the end of the stream.
    pub fn read(&mut self, buf: &mut [u8], ends: bool) -> io::Result<()> {
        loop {
            let n = match self.socket.read(buf) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(n) => n,
                Err(e) if is_later(&e) => break,
                Err(e) => return Err(e),
            };
            self.take(buf.get(..n).unwrap_or_default())?;
            // What comes behind less than a buffer is told of as something new.
            if n < buf.len() && !ends {
                break;
            }
        }
        self.flush()
    }

    fn take(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        let Some(tls) = &mut self.tls else {
            self.received.extend_from_slice(bytes);
            return Ok(());
        };
        while !bytes.is_empty() {
            tls.read_tls(&mut bytes)?;
            let state = tls.process_new_packets().map_err(io::Error::other)?;
            let there = state.plaintext_bytes_to_read();
            let begin = self.received.len();
            self.received.resize(begin + there, 0);
            let room = self.received.get_mut(begin..).unwrap_or_default();
            tls.reader().read_exact(room)?;
        }
        Ok(())
    }

    /// The next complete answer.
    pub fn answer(&mut self) -> Option<Answer> {
        let end = self.received.windows(4).position(|w| w == b"\r\n\r\n")? + 4;
        let head = String::from_utf8_lossy(self.received.get(..end)?).into_owned();
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.trim().parse::<usize>().ok())?
        });
        let all = end + length.unwrap_or(0);
        if self.received.len() < all {
            return None;
        }
        let status = head.get(9..12).and_then(|s| s.parse().ok()).unwrap_or(0);
        let body = self.received.get(end..all)?.to_vec();
        self.received.drain(..all);
        if self.received.is_empty() {
            self.received = Vec::new();
        }
        Some(Answer { status, body })
    }
}

fn is_later(e: &io::Error) -> bool {
    // A connection that is being made cannot be written to yet.
    matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected)
}

/// Takes any certificate: the servers make theirs.
#[derive(Debug)]
struct Anyone;

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::aws_lc_rs::default_provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}
