//! A small LMTP client (RFC 2033).

use super::http::PATIENCE;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};

/// A session.
pub(crate) struct Lmtp {
    reader: BufReader<TcpStream>,
}

impl Lmtp {
    /// Connects and greets.
    pub(crate) fn open(addr: SocketAddr) -> Self {
        Self::try_open(addr).unwrap()
    }

    /// The same, where the server may be gone.
    pub(crate) fn try_open(addr: SocketAddr) -> io::Result<Self> {
        let socket = TcpStream::connect(addr)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let mut session = Self {
            reader: BufReader::new(socket),
        };
        session.expect("220")?;
        session.raw(b"LHLO client.example.org\r\n")?;
        session.expect("250")?;
        Ok(session)
    }

    /// Sends bytes as they are.
    pub(crate) fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.reader.get_mut().write_all(bytes)
    }

    /// The next reply, all its lines; "" at the end of the session.
    pub(crate) fn reply(&mut self) -> String {
        let mut reply = Vec::new();
        loop {
            let before = reply.len();
            let read = self.reader.read_until(b'\n', &mut reply).unwrap_or(0);
            if read == 0 || reply.get(before + 3) != Some(&b'-') {
                return String::from_utf8_lossy(&reply).into_owned();
            }
        }
    }

    fn expect(&mut self, code: &str) -> io::Result<()> {
        let reply = self.reply();
        if reply.starts_with(code) {
            Ok(())
        } else {
            Err(io::Error::other(reply))
        }
    }

    fn ask(&mut self, line: &str, code: &str) -> io::Result<()> {
        self.raw(format!("{line}\r\n").as_bytes())?;
        self.expect(code)
    }

    /// Delivers a message, and gives the reply for each recipient: those refused at once first.
    pub(crate) fn deliver(&mut self, to: &[&str], message: &[u8]) -> io::Result<Vec<String>> {
        self.ask("MAIL FROM:<sender@elsewhere.example>", "250")?;
        let mut replies = Vec::new();
        for to in to {
            self.raw(format!("RCPT TO:<{to}>\r\n").as_bytes())?;
            let reply = self.reply();
            if !reply.starts_with("250") {
                replies.push(reply);
            }
        }
        let taken = to.len() - replies.len();
        if taken == 0 {
            self.ask("RSET", "250")?;
            return Ok(replies);
        }
        self.ask("DATA", "354")?;
        self.raw(&stuffed(message))?;
        replies.extend((0..taken).map(|_| self.reply()));
        Ok(replies)
    }
}

/// Delivers one message to one recipient, which has to be taken.
pub(crate) fn deliver(addr: SocketAddr, to: &str, message: &[u8]) {
    let replies = Lmtp::open(addr).deliver(&[to], message).unwrap();
    assert!(
        replies.len() == 1 && replies[0].starts_with("250"),
        "{replies:?}"
    );
}

/// Dots doubled, lines ended, and the dot that ends it all.
fn stuffed(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() + 5);
    let text = message.strip_suffix(b"\r\n").unwrap_or(message);
    for line in text.split(|b| *b == b'\n') {
        if line.starts_with(b".") {
            out.push(b'.');
        }
        out.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b".\r\n");
    out
}
