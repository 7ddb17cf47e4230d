//! A mail server in front: one LMTP session that delivers mail after mail.

use crate::must;
use crate::push::sys::now_ns;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;

/// An LMTP session.
pub struct Door {
    stream: BufReader<TcpStream>,
}

impl Door {
    /// Begins one.
    ///
    /// # Panics
    /// If nobody takes mail there.
    #[must_use]
    pub fn open(addr: &str) -> Self {
        let stream = must(TcpStream::connect(addr));
        let _ = stream.set_nodelay(true);
        let mut door = Self {
            stream: BufReader::new(stream),
        };
        door.hear("220");
        door.say("LHLO bench");
        door.hear("250");
        door
    }

    fn say(&mut self, line: &str) {
        // One write: else the kernel waits for the acknowledgement of the first.
        must(
            self.stream
                .get_mut()
                .write_all(format!("{line}\r\n").as_bytes()),
        );
    }

    /// Reads a reply to its last line.
    fn hear(&mut self, code: &str) {
        loop {
            let mut line = String::new();
            let n = must(self.stream.read_line(&mut line));
            assert!(n > 0 && line.starts_with(code), "LMTP: {line}");
            if line.as_bytes().get(3) == Some(&b' ') {
                return;
            }
        }
    }

    /// Delivers mail number `n` to a user, durable on return; when its last byte was sent, in
    /// nanoseconds.
    pub fn deliver(&mut self, user: usize, n: usize) -> u64 {
        self.say("MAIL FROM:<bench@example.net>");
        self.hear("250");
        self.say(&format!("RCPT TO:<user{user}@example.org>"));
        self.hear("250");
        self.say("DATA");
        self.hear("354");
        let mail = format!(
            "From: bench@example.net\r\nTo: user{user}@example.org\r\nSubject: mail {n}\r\n\
             Message-ID: <{n}.{}@example.net>\r\n\r\nNumber {n}.\r\n.",
            now_ns()
        );
        self.say(&mail);
        let sent = now_ns();
        self.hear("250");
        sent
    }
}
