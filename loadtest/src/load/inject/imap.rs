//! A session of a user with an IMAP server: APPEND to the INBOX ([RFC 9051] 6.3.12), and nothing else.

use super::place::{Line, Place};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::ClientConfig;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::sync::Arc;

/// Bytes of a line, at most.
const LINE_BYTES_MAX: u64 = 64 * 1024;
/// Lines of one answer, at most.
const LINES_MAX: usize = 1_000;

/// A session.
pub(super) struct Session {
    reader: BufReader<Line>,
    commands: u32,
}

impl Session {
    /// Logs in.
    pub(super) fn open(
        place: &Place,
        tls: Option<&Arc<ClientConfig>>,
        (name, password): (&str, &str),
    ) -> io::Result<Self> {
        let mut session = Self {
            reader: BufReader::new(place.connect(tls)?),
            commands: 0,
        };
        let greeting = session.line()?;
        if !greeting.starts_with("* OK") {
            return Err(io::Error::other(greeting));
        }
        let tag = session.command("AUTHENTICATE PLAIN")?;
        session.goes_on(&tag)?;
        let secret = STANDARD.encode(format!("\0{name}\0{password}"));
        session.say(format!("{secret}\r\n").as_bytes())?;
        session.done(&tag)?;
        Ok(session)
    }

    /// Puts a mail into the INBOX.
    pub(super) fn append(&mut self, mail: &[u8]) -> io::Result<()> {
        let tag = self.command(&format!("APPEND INBOX {{{}}}", mail.len()))?;
        self.goes_on(&tag)?;
        self.say(mail)?;
        self.say(b"\r\n")?;
        self.done(&tag)
    }

    fn command(&mut self, text: &str) -> io::Result<String> {
        self.commands += 1;
        let tag = format!("L{}", self.commands);
        self.say(format!("{tag} {text}\r\n").as_bytes())?;
        Ok(tag)
    }

    fn say(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.reader.get_mut().write_all(bytes)?;
        self.reader.get_mut().flush()
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        let mut rest = (&mut self.reader).take(LINE_BYTES_MAX);
        rest.read_until(b'\n', &mut line)?;
        if line.last() != Some(&b'\n') {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }

    /// The server wants the rest of the command.
    fn goes_on(&mut self, tag: &str) -> io::Result<()> {
        for _ in 0..LINES_MAX {
            let line = self.line()?;
            if line.starts_with('+') {
                return Ok(());
            }
            if let Some(said) = told(&line, tag) {
                return Err(io::Error::other(said));
            }
        }
        Err(io::Error::other("an answer without end"))
    }

    /// The command is done.
    fn done(&mut self, tag: &str) -> io::Result<()> {
        for _ in 0..LINES_MAX {
            let line = self.line()?;
            match told(&line, tag) {
                Some(said) if said.starts_with("OK") => return Ok(()),
                Some(said) => return Err(io::Error::other(said)),
                None => {}
            }
        }
        Err(io::Error::other("an answer without end"))
    }
}

/// What a line says of the command with this tag.
fn told(line: &str, tag: &str) -> Option<String> {
    let rest = line.strip_prefix(tag)?.strip_prefix(' ')?;
    Some(rest.to_owned())
}
