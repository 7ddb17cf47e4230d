//! A small HTTP/1.1 client over TLS: just enough to be a phone's connection, and no more, so that
//! nothing smooths over what the server sends.

use roost_load::{Answer, Request};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// How long an answer may take that does not wait for anything. Generous: the machine may be slow.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A client of TLS 1.3, or of 1.2 where asked, that takes any certificate.
pub(crate) fn client_config(tls12: bool) -> Arc<ClientConfig> {
    let version = if tls12 {
        &rustls::version::TLS12
    } else {
        &rustls::version::TLS13
    };
    let config = ClientConfig::builder_with_protocol_versions(&[version])
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(SelfSigned))
        .with_no_client_auth();
    Arc::new(config)
}

/// A connection that is kept alive.
pub(crate) struct Connection {
    stream: StreamOwned<ClientConnection, TcpStream>,
    received: Vec<u8>,
    gzip_welcome: bool,
}

impl Connection {
    /// Connects with TLS 1.3, or with 1.2 where asked.
    pub(crate) fn open(addr: SocketAddr, tls12: bool) -> Self {
        Self::try_open(addr, tls12).unwrap()
    }

    /// The same, where the server may be gone.
    pub(crate) fn try_open(addr: SocketAddr, tls12: bool) -> io::Result<Self> {
        Self::with(addr, &client_config(tls12))
    }

    /// The same as a client that may have been here before.
    pub(crate) fn with(addr: SocketAddr, config: &Arc<ClientConfig>) -> io::Result<Self> {
        let name = ServerName::try_from("localhost").unwrap();
        let client = ClientConnection::new(Arc::clone(config), name).unwrap();
        let socket = TcpStream::connect(addr)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_write_timeout(Some(PATIENCE))?;
        socket.set_nodelay(true)?;
        let stream = StreamOwned::new(client, socket);
        Ok(Self {
            stream,
            received: Vec::new(),
            gzip_welcome: false,
        })
    }

    /// Whether the handshake resumed a session.
    pub(crate) fn handshake_kind(&self) -> Option<rustls::HandshakeKind> {
        self.stream.conn.handshake_kind()
    }

    /// Sends a request.
    pub(crate) fn send(&mut self, request: &Request) -> io::Result<()> {
        let welcome = |(name, value): &(String, String)| {
            name.eq_ignore_ascii_case("Accept-Encoding") && value.contains("gzip")
        };
        self.gzip_welcome = request.headers.iter().any(welcome);
        let mut bytes = format!(
            "{} {} HTTP/1.1\r\nHost: localhost\r\n",
            request.method, request.target
        );
        for (name, value) in &request.headers {
            bytes.push_str(&format!("{name}: {value}\r\n"));
        }
        bytes.push_str(&format!("Content-Length: {}\r\n\r\n", request.body.len()));
        let mut bytes = bytes.into_bytes();
        bytes.extend_from_slice(&request.body);
        self.send_raw(&bytes)
    }

    /// Sends bytes as they are.
    pub(crate) fn send_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)?;
        self.stream.flush()
    }

    /// Receives one answer.
    pub(crate) fn receive(&mut self, within: Duration) -> io::Result<Answer> {
        self.stream.sock.set_read_timeout(Some(within))?;
        let (status, headers) = self.head()?;
        let mut answer = Answer {
            status,
            headers,
            body: Vec::new(),
        };
        let chunked = answer
            .header("Transfer-Encoding")
            .is_some_and(|v| v == "chunked");
        answer.body = if chunked {
            self.chunks()?
        } else {
            let length = answer
                .header("Content-Length")
                .map(|v| v.parse().map_err(bad));
            self.take(length.unwrap_or_else(|| Err(bad("no Content-Length")))?)?
        };
        if let Some(coding) = answer.header("Content-Encoding") {
            if coding != "gzip" || !self.gzip_welcome {
                return Err(bad(format!(
                    "Content-Encoding {coding} that was not asked for"
                )));
            }
            let mut plain = Vec::new();
            flate2::read::GzDecoder::new(answer.body.as_slice()).read_to_end(&mut plain)?;
            answer.body = plain;
        }
        Ok(answer)
    }

    /// Whether nothing arrives for so long.
    pub(crate) fn is_quiet(&mut self, during: Duration) -> bool {
        self.stream.sock.set_read_timeout(Some(during)).unwrap();
        self.received.is_empty()
            && self.fill().is_err_and(|e| {
                matches!(
                    e.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                )
            })
    }

    /// Reads to the end of the connection: whatever was sent before it was closed.
    pub(crate) fn drain(&mut self, within: Duration) -> io::Result<Vec<u8>> {
        self.stream.sock.set_read_timeout(Some(within))?;
        loop {
            match self.fill() {
                Ok(()) => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Err(e),
                Err(_) => return Ok(std::mem::take(&mut self.received)),
            }
        }
    }

    fn head(&mut self) -> io::Result<(u16, Vec<(String, String)>)> {
        loop {
            let found = self.received.windows(4).position(|w| w == b"\r\n\r\n");
            let Some(end) = found else {
                self.fill()?;
                continue;
            };
            let head: Vec<u8> = self.received.drain(..end + 4).collect();
            let head = String::from_utf8(head).map_err(bad)?;
            let mut lines = head.trim_end().split("\r\n");
            let line = lines.next().unwrap_or_default();
            let status = line
                .strip_prefix("HTTP/1.1 ")
                .and_then(|rest| rest.get(..3));
            let status: u16 = status.ok_or_else(|| bad(line))?.parse().map_err(bad)?;
            if status == 100 {
                continue;
            }
            let headers = lines.map(|line| line.split_once(':').ok_or_else(|| bad(line)));
            let headers = headers.map(|h| h.map(|(n, v)| (n.to_owned(), v.trim().to_owned())));
            return Ok((status, headers.collect::<io::Result<_>>()?));
        }
    }

    fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = loop {
                match self.received.windows(2).position(|w| w == b"\r\n") {
                    Some(end) => break self.received.drain(..end + 2).collect::<Vec<u8>>(),
                    None => self.fill()?,
                }
            };
            let size = String::from_utf8_lossy(&line);
            let size = usize::from_str_radix(size.trim(), 16).map_err(bad)?;
            body.extend(self.take(size)?);
            self.take(2)?;
            if size == 0 {
                return Ok(body);
            }
        }
    }

    fn take(&mut self, n: usize) -> io::Result<Vec<u8>> {
        while self.received.len() < n {
            self.fill()?;
        }
        Ok(self.received.drain(..n).collect())
    }

    fn fill(&mut self) -> io::Result<()> {
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            n => {
                self.received.extend_from_slice(&buffer[..n]);
                Ok(())
            }
        }
    }
}

fn bad(what: impl ToString) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_string())
}

/// Takes the self-made certificate; the handshake's signatures are checked all the same.
#[derive(Debug)]
struct SelfSigned;

impl ServerCertVerifier for SelfSigned {
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
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms =
            rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, &algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms =
            rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::aws_lc_rs::default_provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::pki_types::PrivatePkcs8KeyDer;
    use rustls::{ServerConfig, ServerConnection};
    use std::net::TcpListener;

    /// Answers one request with these bytes, then waits for the peer to go.
    fn server(answer: &'static [u8]) -> SocketAddr {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.into())
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (socket, _) = listener.accept().unwrap();
            let session = ServerConnection::new(Arc::new(config)).unwrap();
            let mut stream = StreamOwned::new(session, socket);
            let mut buffer = [0; 4096];
            let _ = stream.read(&mut buffer).unwrap();
            stream.write_all(answer).unwrap();
            stream.flush().unwrap();
            let _ = stream.read(&mut buffer);
        });
        addr
    }

    fn ask(answer: &'static [u8], tls12: bool) -> (io::Result<Answer>, Connection) {
        let mut connection = Connection::open(server(answer), tls12);
        let request = Request {
            method: "OPTIONS",
            target: "/".to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        };
        connection.send(&request).unwrap();
        (connection.receive(PATIENCE), connection)
    }

    #[test]
    fn answers_are_read_to_their_end_and_no_further() {
        for tls12 in [false, true] {
            let (answer, mut rest) = ask(
                b"HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 3\r\n\r\nabcHTTP",
                tls12,
            );
            let answer = answer.unwrap();
            assert_eq!((answer.status, answer.body.as_slice()), (200, &b"abc"[..]));
            assert_eq!(
                (answer.header("a"), rest.is_quiet(PATIENCE)),
                (Some("b"), false)
            );
        }
        let chunked = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 No\r\n\
            Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n";
        let (answer, mut rest) = ask(chunked, false);
        let answer = answer.unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (404, &b"abcd"[..]));
        assert!(rest.is_quiet(Duration::from_millis(50)));
    }

    #[test]
    fn compression_that_was_not_asked_for_is_an_error() {
        let (answer, _) = ask(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx",
            false,
        );
        assert!(answer.is_err());
    }
}
