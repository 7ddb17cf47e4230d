//! A message on its way after DATA: lines ended by CRLF, dots doubled, and the one dot that ends it.

/// Makes the bytes of the wire out of the bytes of a message, piece by piece.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Stuffing {
    /// The last byte that was written, as far as it matters.
    last: Last,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Last {
    /// A line begins.
    #[default]
    Crlf,
    Cr,
    Other,
}

impl Stuffing {
    /// Writes a piece onto `wire`. A bare CR or LF becomes CRLF: SMTP knows no other end of a line, and
    /// what looks like one to some servers must not look like something else to others.
    pub fn push(&mut self, piece: &[u8], wire: &mut Vec<u8>) {
        wire.reserve(piece.len() + piece.len() / 32);
        for &byte in piece {
            if self.last == Last::Cr && byte != b'\n' {
                wire.push(b'\n');
                self.last = Last::Crlf;
            }
            match byte {
                b'\n' if self.last == Last::Cr => {
                    wire.push(b'\n');
                    self.last = Last::Crlf;
                }
                b'\n' => {
                    wire.extend_from_slice(b"\r\n");
                    self.last = Last::Crlf;
                }
                b'\r' => {
                    wire.push(b'\r');
                    self.last = Last::Cr;
                }
                byte => {
                    if byte == b'.' && self.last == Last::Crlf {
                        wire.push(b'.');
                    }
                    wire.push(byte);
                    self.last = Last::Other;
                }
            }
        }
    }

    /// Ends the message.
    pub fn end(self, wire: &mut Vec<u8>) {
        wire.extend_from_slice(match self.last {
            Last::Crlf => b".\r\n",
            Last::Cr => b"\n.\r\n",
            Last::Other => b"\r\n.\r\n",
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_and_dots_are_doubled_however_the_message_is_cut() {
        for (message, expect) in [
            ("", ".\r\n"),
            ("a", "a\r\n.\r\n"),
            ("a\r\n", "a\r\n.\r\n"),
            (
                "a\n.\nb\r.c\r\n..\r\n",
                "a\r\n..\r\nb\r\n..c\r\n...\r\n.\r\n",
            ),
            (".\r\r\n", "..\r\n\r\n.\r\n"),
            ("a\r", "a\r\n.\r\n"),
            ("\n.", "\r\n..\r\n.\r\n"),
        ] {
            for step in 1..=message.len().max(1) {
                let (mut stuffing, mut wire) = (Stuffing::default(), Vec::new());
                for piece in message.as_bytes().chunks(step) {
                    stuffing.push(piece, &mut wire);
                }
                stuffing.end(&mut wire);
                assert_eq!(
                    String::from_utf8(wire).unwrap(),
                    expect,
                    "{message:?} by {step}"
                );
            }
        }
    }
}
