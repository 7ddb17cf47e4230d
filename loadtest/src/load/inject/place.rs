//! Where a server is that changes are handed over to, and a connection to it that blocks.

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::Duration;

/// A server that says nothing for so long is gone.
const PATIENCE: Duration = Duration::from_secs(60);
/// What a URL may begin with: whether it means TLS, and its usual port.
const SCHEMES: [(&str, bool, u16); 4] = [
    ("imap", false, 143),
    ("imaps", true, 993),
    ("http", false, 80),
    ("https", true, 443),
];

/// Where a server is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Place {
    /// Its address.
    pub addr: SocketAddr,
    /// What it is called: for TLS, and for `Host`.
    pub host: String,
    /// TLS from the first byte.
    pub tls: bool,
}

impl Place {
    /// The place and the path of a URL with one of these schemes. No scheme: the first of them.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(url: &str, schemes: &[&str]) -> Result<(Self, String), String> {
        let usual = schemes.first().copied().unwrap_or_default();
        let (scheme, rest) = url.split_once("://").unwrap_or((usual, url));
        let wrong =
            || format!("{url:?}: such as {usual}://127.0.0.1 or {usual}s://mail.example.org");
        let known = SCHEMES.iter().find(|(name, ..)| *name == scheme);
        let known = known.filter(|_| schemes.contains(&scheme));
        let (_, tls, port) = known.ok_or_else(wrong)?;
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, "/"),
        };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, port.parse().map_err(|_| wrong())?),
            _ => (authority, *port),
        };
        let host = host.trim_matches(['[', ']']);
        if host.is_empty() {
            return Err(wrong());
        }
        let found = (host, port).to_socket_addrs();
        let addr = found.ok().and_then(|mut all| all.next());
        let place = Self {
            addr: addr.ok_or_else(|| format!("{url}: no such host"))?,
            host: host.to_owned(),
            tls: *tls,
        };
        Ok((place, path.to_owned()))
    }

    /// Connects.
    ///
    /// # Errors
    /// The system's, or that of TLS.
    pub(super) fn connect(&self, tls: Option<&Arc<ClientConfig>>) -> io::Result<Line> {
        let socket = TcpStream::connect_timeout(&self.addr, PATIENCE)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_write_timeout(Some(PATIENCE))?;
        if !self.tls {
            return Ok(Line::Plain(socket));
        }
        let config = tls.ok_or_else(|| io::Error::other("tls: it is not set up"))?;
        let name = ServerName::try_from(self.host.clone()).map_err(io::Error::other)?;
        let session = ClientConnection::new(Arc::clone(config), name).map_err(io::Error::other)?;
        Ok(Line::Tls(Box::new(StreamOwned::new(session, socket))))
    }
}

/// A connection.
pub(super) enum Line {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Read for Line {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(into),
            Self::Tls(stream) => stream.read(into),
        }
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read() {
        let read = |url: &str, schemes: &[&str]| {
            let (place, path) = Place::parse(url, schemes).ok()?;
            Some((place.addr.to_string(), place.tls, path))
        };
        let of = |addr: &str, tls, path: &str| Some((addr.to_owned(), tls, path.to_owned()));
        let mail = ["imap", "imaps"];
        assert_eq!(
            read("127.0.0.1:1143", &mail),
            of("127.0.0.1:1143", false, "/")
        );
        assert_eq!(
            read("imap://127.0.0.1", &mail),
            of("127.0.0.1:143", false, "/")
        );
        assert_eq!(read("imaps://[::1]", &mail), of("[::1]:993", true, "/"));
        let dav = read("https://127.0.0.1:9/dav/{user}/", &["http", "https"]);
        assert_eq!(dav, of("127.0.0.1:9", true, "/dav/{user}/"));
        for url in ["", "imap://", "http://127.0.0.1", "imap://127.0.0.1:x"] {
            assert_eq!(read(url, &mail), None, "{url}");
        }
    }
}
