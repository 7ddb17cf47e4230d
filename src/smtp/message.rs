//! The bytes after DATA: dots taken off, and the one true end found.

/// Collects a message until CRLF `.` CRLF. No other sequence ends it: a bare CR or LF is content,
/// so that nothing can be smuggled behind a false end.
#[derive(Debug)]
pub(super) struct Message {
    bytes: Vec<u8>,
    bytes_max: usize,
    place: Place,
    /// It is larger than `bytes_max`: its bytes are dropped.
    too_large: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    LineStart,
    Text,
    /// After a CR in the text.
    Cr,
    /// After a dot that began a line.
    Dot,
    /// After a line that is a dot and a CR.
    DotCr,
}

impl Message {
    /// A message of so many bytes at most.
    pub(super) fn new(bytes_max: usize) -> Self {
        Self {
            bytes: Vec::new(),
            bytes_max,
            place: Place::LineStart,
            too_large: false,
        }
    }

    /// Takes bytes up to the end of the message at most; returns whether it is complete.
    pub(super) fn feed(&mut self, input: &mut &[u8]) -> bool {
        loop {
            if self.place == Place::Text {
                let end = input.iter().position(|b| *b == b'\r');
                let (text, rest) = input.split_at(end.unwrap_or(input.len()));
                self.push(text);
                *input = rest;
            }
            let Some((&byte, rest)) = input.split_first() else {
                return false;
            };
            *input = rest;
            if self.step(byte) {
                return true;
            }
        }
    }

    fn step(&mut self, byte: u8) -> bool {
        self.place = match (self.place, byte) {
            (Place::DotCr, b'\n') => return true,
            (Place::LineStart, b'.') => Place::Dot,
            (Place::Dot, b'\r') => Place::DotCr,
            (place, byte) => {
                if place == Place::DotCr {
                    self.push(b"\r");
                }
                self.push(&[byte]);
                match (place, byte) {
                    (_, b'\r') => Place::Cr,
                    (Place::Cr, b'\n') => Place::LineStart,
                    _ => Place::Text,
                }
            }
        };
        false
    }

    fn push(&mut self, bytes: &[u8]) {
        if self.too_large {
            return;
        }
        if self.bytes.len() + bytes.len() > self.bytes_max {
            self.too_large = true;
            self.bytes = Vec::new();
        } else {
            self.bytes.extend_from_slice(bytes);
        }
    }

    /// The message, or nothing where it was too large.
    pub(super) fn finish(self) -> Option<Vec<u8>> {
        (!self.too_large).then_some(self.bytes)
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits;

    fn read(bytes: &[u8], step: usize) -> (Option<Vec<u8>>, Vec<u8>) {
        let mut message = Message::new(limits::MESSAGE_BYTES_MAX);
        for (i, chunk) in bytes.chunks(step).enumerate() {
            let mut input = chunk;
            if message.feed(&mut input) {
                let used = i * step + chunk.len() - input.len();
                return (message.finish(), bytes[used..].to_vec());
            }
        }
        (None, Vec::new())
    }

    #[track_caller]
    fn check(bytes: &str, message: Option<&str>, behind: &str) {
        for step in 1..=bytes.len().max(1) {
            let expect = (message.map(|m| m.as_bytes().to_vec()), behind.into());
            assert_eq!(read(bytes.as_bytes(), step), expect, "reads of {step}");
        }
    }

    #[test]
    fn dots_are_taken_off() {
        check(".\r\nQUIT", Some(""), "QUIT");
        check("a\r\n.\r\n", Some("a\r\n"), "");
        check("..\r\n...a\r\n.\r\n", Some(".\r\n..a\r\n"), "");
        check(".a\r\n.\r\n", Some("a\r\n"), "");
        check("a.\r\n.\r\n", Some("a.\r\n"), "");
    }

    #[test]
    fn nothing_else_ends_a_message() {
        for false_end in [
            "a\n.\n",
            "a\n.\r\n",
            "a\r\n.\n",
            "a\r.\r",
            "a\r.\r\n",
            "a\r\n.\r",
            "a\r\n.\r\r",
            "a\r\n.\0\r\n",
            "a\r\n. \r\n",
            "a\r\r\n..\r\n",
        ] {
            check(false_end, None, "");
        }
        check("a\n.\nb\r\n.\r\n", Some("a\n.\nb\r\n"), "");
        check("a\r\n.\nb\r\n.\r\n", Some("a\r\n\nb\r\n"), "");
        check("a\r\n.\r\rb\r\n.\r\n", Some("a\r\n\r\rb\r\n"), "");
        check("a\r\r\n.\r\n", Some("a\r\r\n"), "");
    }

    #[test]
    fn a_message_that_is_too_large_is_not_kept() {
        let mut message = Message::new(1000);
        assert!(!message.feed(&mut [b'a'; 1000].as_slice()));
        assert_eq!(message.len(), 1000);
        assert!(!message.feed(&mut b"a".as_slice()));
        assert_eq!(message.len(), 0);
        assert!(message.feed(&mut b"\r\n.\r\n".as_slice()));
        assert_eq!(message.finish(), None);
    }
}
