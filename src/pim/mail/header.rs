//! Header fields of one entity, decoded (RFC 5322, 2045, 2047, 2231).
//!
//! Raw 8-bit fields are read as UTF-8, else as windows-1252. Everything that leaves here is free
//! of control characters, so nothing a sender wrote can end a line of ours.

use super::charset;
use mail_parser::parsers::MessageStream;
use mail_parser::{Address, ContentType, DateTime, Header, HeaderName, HeaderValue, MessageParser};
use std::borrow::Cow;

/// The fields of one header block.
#[derive(Debug, Default)]
pub(super) struct Headers<'a>(Vec<Header<'a>>);

/// One address of an address field.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mailbox {
    /// Display name, decoded; may be empty.
    pub name: String,
    /// `local@domain`, as written.
    pub address: String,
}

impl<'a> Headers<'a> {
    pub(super) fn parse(block: &'a [u8]) -> Self {
        let parser = MessageParser::new();
        let mut fields = Vec::new();
        let text = match readable(block) {
            // The parser passes over a last field that no line end closes.
            text if !text.is_empty() && !text.ends_with('\n') => Cow::Owned(format!("{text}\r\n")),
            text => text,
        };
        match text {
            Cow::Borrowed(text) => {
                MessageStream::new(text.as_bytes()).parse_headers(&parser, &mut fields);
                Self(fields)
            }
            Cow::Owned(text) => {
                let mut own = Vec::new();
                MessageStream::new(text.as_bytes()).parse_headers(&parser, &mut own);
                Self(own.into_iter().map(Header::into_owned).collect())
            }
        }
    }

    /// Whether there is no field at all.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn values(&self, name: &HeaderName<'_>) -> impl Iterator<Item = &HeaderValue<'a>> {
        self.0
            .iter()
            .filter(move |h| h.name == *name)
            .map(|h| &h.value)
    }

    /// The first field of that name that has text, on one line.
    pub(super) fn text(&self, name: &HeaderName<'_>) -> String {
        self.values(name)
            .find_map(|v| match v {
                HeaderValue::Text(t) => Some(one_line(t)),
                HeaderValue::TextList(l) => l.first().map(|t| one_line(t)),
                _ => None,
            })
            .unwrap_or_default()
    }

    /// A field that the parser has no name for.
    pub(super) fn other(&self, name: &str) -> String {
        self.0
            .iter()
            .find(|h| matches!(&h.name, HeaderName::Other(n) if n.eq_ignore_ascii_case(name)))
            .and_then(|h| h.value.as_text())
            .map(one_line)
            .unwrap_or_default()
    }

    /// All message ids of the fields of that name, without angle brackets.
    pub(super) fn ids(&self, name: &HeaderName<'_>) -> Vec<String> {
        let mut ids = Vec::new();
        for value in self.values(name) {
            match value {
                HeaderValue::Text(id) => ids.push(one_line(id)),
                HeaderValue::TextList(list) => ids.extend(list.iter().map(|id| one_line(id))),
                _ => {}
            }
        }
        ids.retain(|id| !id.is_empty());
        ids
    }

    /// All addresses of the fields of that name, those of groups included.
    pub(super) fn mailboxes(&self, name: &HeaderName<'_>) -> Vec<Mailbox> {
        self.values(name)
            .filter_map(HeaderValue::as_address)
            .flat_map(Address::iter)
            .map(|a| Mailbox {
                name: one_line(a.name.as_deref().unwrap_or_default()),
                address: one_line(a.address.as_deref().unwrap_or_default()),
            })
            .filter(|m| !m.name.is_empty() || !m.address.is_empty())
            .collect()
    }

    /// `Date`, Unix milliseconds, where there is one that a calendar knows.
    pub(super) fn date_ms(&self) -> Option<i64> {
        self.values(&HeaderName::Date)
            .filter_map(HeaderValue::as_datetime)
            .find(|d| plausible(d))
            .map(|d| d.to_timestamp() * 1_000)
    }

    /// The date of the newest `Received`, Unix milliseconds.
    pub(super) fn received_ms(&self) -> Option<i64> {
        self.values(&HeaderName::Received)
            .find_map(|v| v.as_received()?.date)
            .filter(plausible)
            .map(|d| d.to_timestamp() * 1_000)
    }

    fn content(&self, name: &HeaderName<'_>) -> Option<&ContentType<'a>> {
        self.values(name).find_map(HeaderValue::as_content_type)
    }

    /// `type/subtype` in lower case; a bare `text` counts as `text/plain`.
    pub(super) fn mime_type(&self) -> Option<String> {
        let content = self.content(&HeaderName::ContentType)?;
        let kind = one_line(content.ctype()).to_ascii_lowercase();
        let sub = one_line(content.subtype().unwrap_or_default()).to_ascii_lowercase();
        if kind.is_empty() {
            return None;
        }
        Some(match (kind.as_str(), sub.as_str()) {
            ("text", "") => "text/plain".to_owned(),
            (_, "") => "application/octet-stream".to_owned(),
            _ => format!("{kind}/{sub}"),
        })
    }

    /// A parameter of `Content-Type`.
    pub(super) fn type_parameter(&self, name: &str) -> Option<&str> {
        self.content(&HeaderName::ContentType)?.attribute(name)
    }

    /// `Content-Transfer-Encoding`, or empty.
    pub(super) fn transfer_encoding(&self) -> &str {
        self.values(&HeaderName::ContentTransferEncoding)
            .find_map(HeaderValue::as_text)
            .unwrap_or_default()
    }

    /// Whether `Content-Disposition` is `attachment`.
    pub(super) fn is_attachment(&self) -> bool {
        self.content(&HeaderName::ContentDisposition)
            .is_some_and(|d| d.ctype().eq_ignore_ascii_case("attachment"))
    }

    /// `filename` of the disposition, else `name` of the type, decoded.
    pub(super) fn file_name(&self) -> Option<String> {
        let of = |field, parameter| {
            let value = self.content(&field)?.attribute(parameter)?;
            let name = one_line(value);
            (!name.is_empty()).then_some(name)
        };
        of(HeaderName::ContentDisposition, "filename")
            .or_else(|| of(HeaderName::ContentType, "name"))
    }
}

/// The block as UTF-8. Each line is guessed by itself: gateways add fields in their own charset.
fn readable(block: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(block) {
        return Cow::Borrowed(text);
    }
    let lines = block.split_inclusive(|&b| b == b'\n');
    Cow::Owned(lines.map(readable_line).collect())
}

/// A line as UTF-8; raw bytes inside an encoded word are in the charset of that word (RFC 2047),
/// so they are written as it should have written them.
fn readable_line(line: &[u8]) -> Cow<'_, str> {
    if std::str::from_utf8(line).is_ok() || !line.windows(2).any(|w| w == b"=?") {
        return charset::utf8_or_windows(line);
    }
    let mut out = Vec::with_capacity(line.len() * 2);
    // Question marks seen since the `=?` of an open word; the third one ends it.
    let mut marks: Option<u8> = None;
    let mut before = 0;
    for &byte in line {
        marks = match (marks, byte) {
            (None, b'?') if before == b'=' => Some(0),
            (Some(2), b'?') => None,
            (Some(n), b'?') => Some(n + 1),
            (marks, _) => marks,
        };
        match marks {
            Some(2) if !byte.is_ascii() => out.extend(format!("={byte:02X}").bytes()),
            _ => out.push(byte),
        }
        before = byte;
    }
    Cow::Owned(charset::utf8_or_windows(&out).into_owned())
}

/// The addresses in what a person typed: separated by commas or semicolons, with names or without.
#[must_use]
pub fn addresses(typed: &str) -> Vec<Mailbox> {
    let mut quoted = false;
    let list: String = one_line(typed)
        .chars()
        .map(|c| {
            quoted ^= c == '"';
            if c == ';' && !quoted { ',' } else { c }
        })
        .collect();
    let block = format!("To: {list}\r\n");
    let list = Headers::parse(block.as_bytes()).mailboxes(&HeaderName::To);
    list.into_iter().filter(|m| !m.address.is_empty()).collect()
}

/// Years that a mail may bear; others are a sender's broken clock.
fn plausible(date: &DateTime) -> bool {
    date.is_valid() && (1970..=2200).contains(&date.year)
}

/// One line without control characters, blanks folded.
pub(super) fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_whitespace() || c.is_control() {
            if !out.is_empty() && !out.ends_with(' ') {
                out.push(' ');
            }
        } else if !is_invisible(c) {
            out.push(c);
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// Direction overrides, with which a file name or an address can show as another.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// `"Name" <address>`, or the address alone.
#[must_use]
pub fn display(mailbox: &Mailbox) -> String {
    if mailbox.name.is_empty() || mailbox.name == mailbox.address {
        return mailbox.address.clone();
    }
    let name = mailbox.name.replace('\\', "\\\\").replace('"', "\\\"");
    if mailbox.address.is_empty() {
        format!("\"{name}\"")
    } else {
        format!("\"{name}\" <{}>", mailbox.address)
    }
}

/// The list as one header value, whole addresses up to `bytes_max` bytes. A name that would fill it alone
/// is left out: its address says more.
pub(super) fn display_list(list: &[Mailbox], bytes_max: usize) -> String {
    let shown = |mailbox: &Mailbox| match display(mailbox) {
        long if long.len() > bytes_max => mailbox.address.clone(),
        shown => shown,
    };
    let shown = list.iter().map(shown).filter(|shown| !shown.is_empty());
    join_within(shown, ", ", bytes_max)
}

/// The names (else addresses), separated by semicolons, up to `bytes_max` bytes.
pub(super) fn names(list: &[Mailbox], bytes_max: usize) -> String {
    let name = |m: &Mailbox| match m.name.as_str() {
        "" => m.address.clone(),
        name => name.to_owned(),
    };
    join_within(list.iter().map(name), "; ", bytes_max)
}

fn join_within(list: impl Iterator<Item = String>, between: &str, bytes_max: usize) -> String {
    let mut out = String::new();
    for item in list {
        if out.len() + between.len() + item.len() > bytes_max {
            break;
        }
        if !out.is_empty() {
            out.push_str(between);
        }
        out.push_str(&item);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(block: &str) -> String {
        let headers = Headers::parse(block.as_bytes());
        display_list(&headers.mailboxes(&HeaderName::From), 1_000)
    }

    #[test]
    fn addresses_are_decoded_and_quoted() {
        let check = |field: &str, expect: &str| {
            assert_eq!(from(&format!("From: {field}\r\n\r\n")), expect, "{field}");
        };
        check("a@example.org", "a@example.org");
        check("Ann Lee <a@example.org>", "\"Ann Lee\" <a@example.org>");
        check("=?utf-8?q?J=C3=B6rg?= <j@x.de>", "\"Jörg\" <j@x.de>");
        check("\"Lee, Ann\" <a@x>, b@x", "\"Lee, Ann\" <a@x>, b@x");
        check("\"a \\\"b\\\" c\" <a@x>", "\"a \\\"b\\\" c\" <a@x>");
        check("undisclosed-recipients:;", "");
        check("=?utf-8?q?x=0D=0ABcc:_y?= <a@x>", "\"x Bcc: y\" <a@x>");
    }

    #[test]
    fn typed_addresses_are_told_apart() {
        let check = |typed: &str, expect: &[(&str, &str)]| {
            let found = addresses(typed);
            let found: Vec<_> = found
                .iter()
                .map(|m| (m.name.as_str(), m.address.as_str()))
                .collect();
            assert_eq!(found, expect, "{typed:?}");
        };
        let two = [("Ann; Lee", "a@x.example"), ("", "b@x.example")];
        check("\"Ann; Lee\" <a@x.example>; b@x.example", &two);
        check(
            "a@x.example, b@x.example;",
            &[("", "a@x.example"), ("", "b@x.example")],
        );
        check("", &[]);
        // A line end is a blank: what follows is no field of its own.
        check("a@x.example\r\n", &[("", "a@x.example")]);
    }

    #[test]
    fn raw_eight_bit_fields_are_guessed() {
        let latin = Headers::parse(b"Subject: Gr\xfc\xdfe\r\n\r\n");
        assert_eq!(latin.text(&HeaderName::Subject), "Grüße");
        let utf8 = Headers::parse("Subject: Grüße\r\n\r\n".as_bytes());
        assert_eq!(utf8.text(&HeaderName::Subject), "Grüße");
        let word = Headers::parse(b"Subject: =?iso-8859-1?Q?Fr\xf6sche?= \xfc\r\n\r\n");
        assert_eq!(word.text(&HeaderName::Subject), "Frösche ü");
        let both = Headers::parse(b"X-Gate: \xe9\r\nSubject: Gr\xc3\xbc\xc3\x9fe\r\n\r\n");
        assert_eq!(both.text(&HeaderName::Subject), "Grüße");
    }

    #[test]
    fn impossible_dates_are_none() {
        let date = |v: &str| Headers::parse(format!("Date: {v}\r\n\r\n").as_bytes()).date_ms();
        assert_eq!(date("Thu, 1 Jan 1970 00:00:01 +0000"), Some(1_000));
        assert_eq!(
            date("Sun, 22 Nov 2026 13:00:00 +0100"),
            Some(1_795_348_800_000)
        );
        assert_eq!(date("99 Foo 99999"), None);
        assert_eq!(date("Mon, 1 Jan 3001 00:00:00 +0000"), None);
    }
}
