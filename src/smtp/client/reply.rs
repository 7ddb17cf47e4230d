//! Replies of a server: lines put together, with bounds, and what they mean (RFC 5321 4.2).

use crate::limits;

/// A reply, all its lines.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Reply {
    /// The three digits.
    pub code: u16,
    /// The text behind them, line by line, without control characters.
    pub lines: Vec<String>,
}

impl Reply {
    /// Done, or go on.
    #[must_use]
    pub fn is_positive(&self) -> bool {
        (200..400).contains(&self.code)
    }

    /// Never, for this request.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        (500..600).contains(&self.code)
    }

    /// The enhanced status code at its beginning (RFC 2034), where there is one of the same class.
    #[must_use]
    pub fn enhanced(&self) -> Option<&str> {
        let first = self.lines.first()?.split(' ').next()?;
        let mut parts = first.split('.');
        let class = parts.next()?;
        let numbers = [parts.next()?, parts.next()?];
        let is_number =
            |n: &str| (1..=3).contains(&n.len()) && n.bytes().all(|b| b.is_ascii_digit());
        let same_class = class.parse() == Ok(self.code / 100);
        (same_class && parts.next().is_none() && numbers.into_iter().all(is_number))
            .then_some(first)
    }

    /// Code and text in one line, of so many bytes at most as are kept of it.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("{} {}", self.code, self.lines.join(" "));
        let mut end = text.len().min(limits::SMTP_REPLY_KEPT_BYTES);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text
    }
}

/// Bytes that are none of SMTP.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct NotSmtp;

/// Puts replies together out of bytes.
#[derive(Debug, Default)]
pub(super) struct Replies {
    bytes: Vec<u8>,
    reply: Reply,
}

impl Replies {
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// There are bytes behind the last reply.
    pub(super) fn has_more(&self) -> bool {
        !self.bytes.is_empty()
    }

    /// The next reply, where all of it is there.
    pub(super) fn next(&mut self) -> Result<Option<Reply>, NotSmtp> {
        loop {
            let Some(end) = self.bytes.iter().position(|b| *b == b'\n') else {
                let overlong = self.bytes.len() > limits::SMTP_LINE_BYTES_MAX;
                return if overlong { Err(NotSmtp) } else { Ok(None) };
            };
            let rest = self.bytes.split_off(end + 1);
            let line = std::mem::replace(&mut self.bytes, rest);
            if line.len() > limits::SMTP_LINE_BYTES_MAX
                || self.reply.lines.len() >= limits::SMTP_REPLY_LINES_MAX
            {
                return Err(NotSmtp);
            }
            if self.line(&line)? {
                return Ok(Some(std::mem::take(&mut self.reply)));
            }
        }
    }

    /// Takes a line; says whether it is the last one.
    fn line(&mut self, line: &[u8]) -> Result<bool, NotSmtp> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let (code, rest) = line.split_at_checked(3).ok_or(NotSmtp)?;
        let code = std::str::from_utf8(code).map_err(|_| NotSmtp)?;
        let is_code = code.bytes().all(|b| b.is_ascii_digit());
        let code: u16 = code.parse().map_err(|_| NotSmtp)?;
        let same = self.reply.lines.is_empty() || self.reply.code == code;
        if !is_code || !(200..600).contains(&code) || !same {
            return Err(NotSmtp);
        }
        let (last, text) = match rest.split_first() {
            None => (true, rest),
            Some((b' ', text)) => (true, text),
            Some((b'-', text)) => (false, text),
            Some(_) => return Err(NotSmtp),
        };
        let text = String::from_utf8_lossy(text);
        self.reply.code = code;
        let shown = |c: char| if c.is_control() { '?' } else { c };
        self.reply.lines.push(text.chars().map(shown).collect());
        Ok(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Option<Reply>, NotSmtp> {
        let mut replies = Replies::default();
        for byte in bytes {
            replies.feed(&[*byte]);
            match replies.next() {
                Ok(None) => {}
                other => return other,
            }
        }
        Ok(None)
    }

    #[test]
    fn lines_become_a_reply() {
        let reply = read(b"250-one\r\n250-\r\n250 5.1.1 two\x07\r\n").unwrap();
        let reply = reply.unwrap();
        assert_eq!(reply.code, 250);
        assert_eq!(reply.lines, ["one", "", "5.1.1 two?"]);
        assert_eq!(read(b"220\r\n").unwrap().unwrap().lines, [""]);
        assert_eq!(read(b"250-one\r\n"), Ok(None));
    }

    #[test]
    fn what_is_no_reply_is_refused() {
        for bytes in [
            &b"HTTP/1.1 400\r\n"[..],
            b"\r\n",
            b"25\r\n",
            b"250-a\r\n251 b\r\n",
            b"199 a\r\n",
            b"600 a\r\n",
            b"+20 a\r\n",
            b"250_a\r\n",
        ] {
            assert_eq!(read(bytes), Err(NotSmtp), "{bytes:?}");
        }
        assert_eq!(
            read(&vec![b'2'; limits::SMTP_LINE_BYTES_MAX + 2]),
            Err(NotSmtp)
        );
        let many = b"250-a\r\n".repeat(limits::SMTP_REPLY_LINES_MAX + 1);
        assert_eq!(read(&many), Err(NotSmtp));
    }

    #[test]
    fn the_enhanced_code_is_of_the_class_of_the_reply() {
        let of = |code, line: &str| Reply {
            code,
            lines: vec![line.into()],
        };
        assert_eq!(of(550, "5.1.1 nobody").enhanced(), Some("5.1.1"));
        for (code, line) in [
            (550, "4.1.1 x"),
            (550, "5.1 x"),
            (550, "5.1.1.1"),
            (550, ""),
        ] {
            assert_eq!(of(code, line).enhanced(), None, "{line}");
        }
    }
}
