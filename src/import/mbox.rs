//! Mailboxes of one file (RFC 4155): mails one after the other, each behind a `From ` line.
//!
//! Takes mboxo and mboxrd quoting (`>From `, `>>From `) and files that were not quoted at all:
//! a `From ` line counts only behind an empty line and with a time in it.

use crate::limits::MESSAGE_BYTES_MAX;
use std::io::{self, BufRead};

/// Bytes of a `From ` line that are looked at.
const FROM_LINE_BYTES_MAX: usize = 1_000;

/// One mail of the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Byte of its `From ` line in the file.
    pub(super) offset: u64,
    /// The mail, unquoted; `None` where it is larger than [`MESSAGE_BYTES_MAX`].
    pub(super) mail: Option<Vec<u8>>,
}

/// Reads a mailbox; holds one mail at a time.
pub(super) struct Mbox<R> {
    input: R,
    /// Bytes consumed.
    at: u64,
    /// Offset of the `From ` line that was read last, of a mail that is still to come.
    next: Option<u64>,
    started: bool,
}

impl<R: BufRead> Mbox<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            input,
            at: 0,
            next: None,
            started: false,
        }
    }

    /// Bytes read so far.
    pub(super) fn bytes_done(&self) -> u64 {
        self.at
    }

    /// The next mail; `None` at the end of the file.
    pub(super) fn next(&mut self) -> io::Result<Option<Entry>> {
        if !self.started {
            self.started = true;
            self.skip_to_first()?;
        }
        let Some(offset) = self.next.take() else {
            return Ok(None);
        };
        let mut mail = Vec::new();
        let mut too_large = false;
        let mut line = Vec::new();
        let mut after_empty = false;
        loop {
            let from = self.at;
            if !self.read_line(&mut line)? {
                break;
            }
            if after_empty && is_from_line(&line) {
                self.next = Some(from);
                break;
            }
            after_empty = line.trim_ascii().is_empty();
            if mail.len() + line.len() > MESSAGE_BYTES_MAX {
                too_large = true;
                mail = Vec::new();
            }
            if !too_large {
                mail.extend_from_slice(unquoted(&line));
            }
        }
        // The empty line before a `From ` line is the mailbox's, not the mail's.
        if self.next.is_some() {
            let text = mail.strip_suffix(b"\n").unwrap_or(&mail);
            let len = text.strip_suffix(b"\r").unwrap_or(text).len();
            mail.truncate(len);
        }
        Ok(Some(Entry {
            offset,
            mail: (!too_large).then_some(mail),
        }))
    }

    fn skip_to_first(&mut self) -> io::Result<()> {
        let mut line = Vec::new();
        loop {
            let from = self.at;
            if !self.read_line(&mut line)? {
                return Ok(());
            }
            let start = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line);
            if start.starts_with(b"From ") {
                self.next = Some(from);
                return Ok(());
            }
        }
    }

    /// The next line with its end, or a piece of one that is longer than a mail may be.
    fn read_line(&mut self, line: &mut Vec<u8>) -> io::Result<bool> {
        line.clear();
        let bound = MESSAGE_BYTES_MAX as u64 + 1;
        let read = io::Read::take(&mut self.input, bound).read_until(b'\n', line)?;
        self.at += read as u64;
        Ok(read > 0)
    }
}

/// Whether the line separates mails: `From `, an address, and a date with a time in it.
fn is_from_line(line: &[u8]) -> bool {
    let line = line.get(..FROM_LINE_BYTES_MAX).unwrap_or(line);
    let Some(rest) = line.strip_prefix(b"From ") else {
        return false;
    };
    let has_time = rest.split(u8::is_ascii_whitespace).any(|word| {
        let mut digits = word.split(|&b| b == b':');
        let pair = |d: Option<&[u8]>| {
            d.is_some_and(|d| (1..=2).contains(&d.len()) && d.iter().all(u8::is_ascii_digit))
        };
        pair(digits.next()) && pair(digits.next())
    });
    let has_year = rest
        .split(|b| !b.is_ascii_digit())
        .any(|word| word.len() == 4 && (word.starts_with(b"19") || word.starts_with(b"20")));
    has_time && has_year
}

/// `>From ` and `>>From ` lose one mark.
fn unquoted(line: &[u8]) -> &[u8] {
    let marks = line.iter().take_while(|&&b| b == b'>').count();
    let is_quoted = marks > 0 && line.get(marks..).is_some_and(|l| l.starts_with(b"From "));
    if is_quoted {
        line.get(1..).unwrap_or(line)
    } else {
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mails(file: &str) -> Vec<(u64, String)> {
        let mut mbox = Mbox::new(file.as_bytes());
        let mut found = Vec::new();
        while let Some(entry) = mbox.next().unwrap() {
            found.push((
                entry.offset,
                String::from_utf8(entry.mail.unwrap()).unwrap(),
            ));
        }
        assert_eq!(mbox.bytes_done(), file.len() as u64);
        found
    }

    const LINE: &str = "From ann@example.org Sun Nov 22 13:00:00 2026\n";

    #[test]
    fn mails_are_separated_and_unquoted() {
        let file = format!(
            "{LINE}Subject: a\n\n>From here\n>>From there\n>fine\n\n{LINE}Subject: b\n\nx\n"
        );
        let second = file.rfind("From ann").unwrap() as u64;
        let expect = [
            (
                0,
                "Subject: a\n\nFrom here\n>From there\n>fine\n".to_owned(),
            ),
            (second, "Subject: b\n\nx\n".to_owned()),
        ];
        assert_eq!(mails(&file), expect);
    }

    #[test]
    fn a_sentence_is_no_separator() {
        let file = format!("{LINE}Subject: a\n\n\nFrom here on it gets better.\n{LINE}x\n");
        assert_eq!(mails(&file).len(), 1);
        let crlf = file.replace('\n', "\r\n");
        assert_eq!(mails(&crlf).len(), 1);
    }

    #[test]
    fn from_lines_of_many_programs() {
        for line in [
            "From - Sun Nov 22 13:00:00 2026",
            "From a@x Sun, 22 Nov 2026 13:00 +0100",
            "From \"a b\"@x Sun Nov 22 13:00:00 CET 2026 remote from y",
            "From 1795348800000@xxx Sun Nov 22 13:00:00 +0000 2026",
        ] {
            assert!(is_from_line(line.as_bytes()), "{line}");
        }
        assert!(!is_from_line(b"From now on at 10:00 we meet"));
        assert!(!is_from_line(b"From: a@x 10:00 2026"));
    }

    #[test]
    fn no_mail_at_all() {
        assert_eq!(mails(""), []);
        assert_eq!(mails("no mailbox\nat all\n"), []);
        assert_eq!(mails(LINE), [(0, String::new())]);
    }
}
