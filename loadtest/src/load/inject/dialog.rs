//! A session with a mail server: LMTP (RFC 2033) or SMTP (RFC 5321), one mail after the other.

use super::place::Place;
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A server that says nothing for so long is gone.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes of a reply, at most.
const REPLY_BYTES_MAX: u64 = 64 * 1024;

/// Where mail is handed over.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Door {
    /// LMTP: one reply per recipient.
    Lmtp(SocketAddr),
    /// SMTP: one reply for all.
    Smtp(SocketAddr),
    /// IMAP: the user puts it into the own INBOX.
    Imap(Place),
}

impl Door {
    /// The address.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        match self {
            Self::Lmtp(addr) | Self::Smtp(addr) => *addr,
            Self::Imap(place) => place.addr,
        }
    }
}

/// A session.
pub(super) struct Dialog {
    reader: BufReader<TcpStream>,
    is_lmtp: bool,
}

impl Dialog {
    pub(super) fn open(door: &Door) -> io::Result<Self> {
        let (addr, is_lmtp) = (door.addr(), matches!(door, Door::Lmtp(_)));
        let socket = TcpStream::connect_timeout(&addr, PATIENCE)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_write_timeout(Some(PATIENCE))?;
        let mut dialog = Self {
            reader: BufReader::new(socket),
            is_lmtp,
        };
        dialog.wants(b'2')?;
        let hello = if is_lmtp { "LHLO" } else { "EHLO" };
        dialog.say(format!("{hello} roost-load\r\n").as_bytes())?;
        dialog.wants(b'2')?;
        Ok(dialog)
    }

    fn say(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.reader.get_mut().write_all(bytes)
    }

    /// The last line of the next reply.
    fn reply(&mut self) -> io::Result<String> {
        loop {
            let mut line = Vec::new();
            let mut rest = (&mut self.reader).take(REPLY_BYTES_MAX);
            rest.read_until(b'\n', &mut line)?;
            if line.last() != Some(&b'\n') {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if line.get(3) != Some(&b'-') {
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
        }
    }

    /// A reply of this kind.
    fn wants(&mut self, kind: u8) -> io::Result<()> {
        let reply = self.reply()?;
        match reply.as_bytes().first() {
            Some(first) if *first == kind => Ok(()),
            _ => Err(io::Error::other(reply)),
        }
    }

    /// Hands a mail over. For each recipient, in order: accepted, or why not.
    ///
    /// An error of the session leaves open what became of the mail.
    pub(super) fn send(
        &mut self,
        to: &[String],
        mail: &[u8],
    ) -> io::Result<Vec<Result<(), String>>> {
        self.say(b"MAIL FROM:<roost-load@example.net>\r\n")?;
        self.wants(b'2')?;
        let mut answers = Vec::with_capacity(to.len());
        for address in to {
            self.say(format!("RCPT TO:<{address}>\r\n").as_bytes())?;
            let reply = self.reply()?;
            answers.push(if reply.starts_with('2') {
                Ok(())
            } else {
                Err(reply)
            });
        }
        if answers.iter().all(Result::is_err) {
            self.say(b"RSET\r\n")?;
            self.wants(b'2')?;
            return Ok(answers);
        }
        self.say(b"DATA\r\n")?;
        self.wants(b'3')?;
        let mut bytes = Vec::with_capacity(mail.len() + 16);
        for line in mail.split_inclusive(|b| *b == b'\n') {
            if line.starts_with(b".") {
                bytes.push(b'.');
            }
            bytes.extend_from_slice(line);
        }
        bytes.extend_from_slice(b".\r\n");
        self.say(&bytes)?;
        let mut last = None;
        for answer in answers.iter_mut().filter(|a| a.is_ok()) {
            let reply = match &last {
                Some(reply) if !self.is_lmtp => String::clone(reply),
                _ => self.reply()?,
            };
            if !reply.starts_with('2') {
                *answer = Err(reply.clone());
            }
            last = Some(reply);
        }
        Ok(answers)
    }
}
