//! The head of a request: request line and headers, and what they say about the body.
//!
//! Strict where two readers could disagree about where a request ends (RFC 9112 section 11.2).

use std::ops::Range;

use super::{Refusal, Request, Version};
use crate::limits;

/// Where a name, value or part of the target lies in [`Head::text`].
type Span = Range<usize>;

/// How the length of the body is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Framing {
    /// `Content-Length`, or 0 where nothing is said.
    Length(usize),
    Chunked,
}

/// A parsed head. It owns its text: the connection's buffer is free to go.
#[derive(Debug)]
pub(super) struct Head {
    /// Method, target and headers one after another.
    text: String,
    method: Span,
    path: Span,
    query: Span,
    headers: Vec<(Span, Span)>,
    version: Version,
    pub(super) framing: Framing,
    /// `Expect: 100-continue`, and a body to wait for.
    pub(super) expects_continue: bool,
    /// `Content-Encoding: gzip`.
    pub(super) gzip: bool,
    /// `Connection` and the version allow for another request.
    pub(super) keep_alive: bool,
    /// `Accept-Encoding` allows for gzip.
    pub(super) accepts_gzip: bool,
}

impl Head {
    /// Parses a head that ends with its empty line, every line with CRLF.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let mut slots = [httparse::EMPTY_HEADER; limits::HTTP_HEADERS_MAX];
        let mut parsed = httparse::Request::new(&mut slots);
        match parsed.parse(bytes) {
            Ok(httparse::Status::Complete(len)) if len == bytes.len() => {}
            Ok(_) => return Err(Refusal::Bad("head")),
            Err(httparse::Error::TooManyHeaders) => return Err(Refusal::HeadTooLarge),
            Err(httparse::Error::Version) => return Err(refuse_version(bytes)),
            Err(_) => return Err(Refusal::Bad("head")),
        }
        let version = match parsed.version {
            Some(0) => Version::Http10,
            Some(1) => Version::Http11,
            _ => return Err(Refusal::Version),
        };
        let mut text = String::with_capacity(bytes.len());
        let method = push(&mut text, parsed.method.unwrap_or_default().as_bytes());
        let (path, query) = split_target(parsed.path.unwrap_or_default())?;
        if path == "*" && parsed.method != Some("OPTIONS") {
            return Err(Refusal::Bad("target"));
        }
        let path = push(&mut text, path.as_bytes());
        let query = push(&mut text, query.as_bytes());
        let headers = parsed
            .headers
            .iter()
            .map(|h| {
                let name = push(&mut text, h.name.as_bytes());
                (name, push(&mut text, h.value.trim_ascii()))
            })
            .collect();
        let mut head = Self {
            text,
            method,
            path,
            query,
            headers,
            version,
            framing: Framing::Length(0),
            expects_continue: false,
            gzip: false,
            keep_alive: false,
            accepts_gzip: false,
        };
        head.interpret()?;
        Ok(head)
    }

    /// Fills in what the headers say about this message and its answer.
    fn interpret(&mut self) -> Result<(), Refusal> {
        if self.version == Version::Http11 && self.values("host").count() != 1 {
            return Err(Refusal::Bad("host"));
        }
        self.framing = self.framing()?;
        self.gzip = self.is_gzip()?;
        self.expects_continue = self.expects_continue()?;
        self.keep_alive = match self.version {
            Version::Http10 => self.lists("connection", "keep-alive"),
            Version::Http11 => true,
        } && !self.lists("connection", "close");
        let gzip = self.values("accept-encoding").any(accepts_gzip);
        self.accepts_gzip = gzip;
        Ok(())
    }

    /// RFC 9112 section 6.3, without its leniencies.
    fn framing(&self) -> Result<Framing, Refusal> {
        let mut codings = self.values("transfer-encoding");
        let mut lengths = self.values("content-length");
        if let Some(coding) = codings.next() {
            if self.version == Version::Http10 || lengths.next().is_some() {
                return Err(Refusal::Bad("transfer-encoding"));
            }
            return match (coding, codings.next()) {
                (c, None) if c.eq_ignore_ascii_case("chunked") => Ok(Framing::Chunked),
                (c, None) if !is_token(c) => Err(Refusal::Bad("transfer-encoding")),
                _ => Err(Refusal::TransferCoding),
            };
        }
        let Some(length) = lengths.next() else {
            return Ok(Framing::Length(0));
        };
        // A sign, a blank or a list would be read differently elsewhere.
        if length.is_empty() || !length.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Refusal::Bad("content-length"));
        }
        if lengths.any(|other| other != length) {
            return Err(Refusal::Bad("content-length"));
        }
        match length.parse() {
            Ok(n) if n <= limits::HTTP_BODY_BYTES_MAX => Ok(Framing::Length(n)),
            _ => Err(Refusal::BodyTooLarge),
        }
    }

    fn is_gzip(&self) -> Result<bool, Refusal> {
        let mut gzip = false;
        for value in self.values("content-encoding") {
            match value.to_ascii_lowercase().as_str() {
                "" | "identity" => {}
                "gzip" | "x-gzip" if !gzip => gzip = true,
                _ => return Err(Refusal::ContentCoding),
            }
        }
        Ok(gzip)
    }

    fn expects_continue(&self) -> Result<bool, Refusal> {
        let mut expects = false;
        for value in self.values("expect") {
            if !value.eq_ignore_ascii_case("100-continue") {
                return Err(Refusal::Expectation);
            }
            // An HTTP/1.0 peer does not know interim answers (RFC 9110 10.1.1).
            expects = self.version == Version::Http11 && self.framing != Framing::Length(0);
        }
        Ok(expects)
    }

    /// The values of all headers of this (lower-case) name.
    fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers
            .iter()
            .filter(move |(n, _)| self.at(n).eq_ignore_ascii_case(name))
            .map(|(_, value)| self.at(value))
    }

    /// Whether a header that is a list of tokens holds this one.
    fn lists(&self, name: &str, token: &str) -> bool {
        self.values(name)
            .flat_map(|v| v.split(','))
            .any(|t| t.trim_ascii().eq_ignore_ascii_case(token))
    }

    fn at(&self, span: &Span) -> &str {
        self.text.get(span.clone()).unwrap_or_default()
    }

    pub(super) fn is_head(&self) -> bool {
        self.at(&self.method) == "HEAD"
    }

    pub(super) fn version(&self) -> Version {
        self.version
    }

    pub(super) fn headers(&self) -> Vec<(&str, &str)> {
        self.headers
            .iter()
            .map(|(name, value)| (self.at(name), self.at(value)))
            .collect()
    }

    pub(super) fn request<'a>(
        &'a self,
        headers: &'a [(&'a str, &'a str)],
        body: &'a [u8],
    ) -> Request<'a> {
        Request {
            method: self.at(&self.method),
            path: self.at(&self.path),
            query: self.at(&self.query),
            headers,
            body,
            version: self.version,
        }
    }
}

/// Appends `bytes` and says where they are. What is not UTF-8 is taken for ISO-8859-1, which old
/// devices write into `User-Agent` and credentials.
fn push(text: &mut String, bytes: &[u8]) -> Span {
    let start = text.len();
    match std::str::from_utf8(bytes) {
        Ok(utf8) => text.push_str(utf8),
        Err(_) => text.extend(bytes.iter().map(|b| char::from(*b))),
    }
    start..text.len()
}

/// Path and query of a target in origin, absolute or asterisk form (RFC 9112 section 3.2).
fn split_target(target: &str) -> Result<(&str, &str), Refusal> {
    if target == "*" {
        return Ok((target, ""));
    }
    if target.contains('#') {
        return Err(Refusal::Bad("target"));
    }
    let origin = if target.starts_with('/') {
        target
    } else {
        let (scheme, rest) = target.split_once("://").ok_or(Refusal::Bad("target"))?;
        if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
            return Err(Refusal::Bad("target"));
        }
        match rest.find(['/', '?']) {
            Some(0) => return Err(Refusal::Bad("target")),
            Some(at) => rest.get(at..).unwrap_or_default(),
            None => "/",
        }
    };
    let (path, query) = origin.split_once('?').unwrap_or((origin, ""));
    Ok((if path.is_empty() { "/" } else { path }, query))
}

/// Whether one `Accept-Encoding` value lets us send gzip (RFC 9110 12.5.3).
fn accepts_gzip(value: &str) -> bool {
    value.split(',').any(|choice| {
        let mut parts = choice.split(';').map(str::trim_ascii);
        let coding = parts.next().unwrap_or_default();
        let named = ["gzip", "x-gzip", "*"]
            .iter()
            .any(|c| coding.eq_ignore_ascii_case(c));
        let refused = parts
            .filter_map(|p| p.strip_prefix("q=").or_else(|| p.strip_prefix("Q=")))
            .any(|q| q.parse::<f32>().is_ok_and(|q| q <= 0.0));
        named && !refused
    })
}

/// Whether a request line ends with a version that we do not speak, or with rubbish.
fn refuse_version(head: &[u8]) -> Refusal {
    let line = head.split(|b| *b == b'\r').next().unwrap_or_default();
    let mut parts = line.split(|b| *b == b' ').skip(2);
    match (parts.next(), parts.next()) {
        (Some([b'H', b'T', b'T', b'P', b'/', major, b'.', minor]), None)
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            Refusal::Version
        }
        _ => Refusal::Bad("version"),
    }
}

fn is_token(s: &str) -> bool {
    !s.is_empty() && s.bytes().all(is_token_byte)
}

/// `tchar` of RFC 9110 5.6.2.
pub(super) fn is_token_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets() {
        let check = |target, path, query| assert_eq!(split_target(target), Ok((path, query)));
        check("/a/b?c=d?e", "/a/b", "c=d?e");
        check("/", "/", "");
        check("*", "*", "");
        check("http://mail.example.org/a?b", "/a", "b");
        check("HTTPS://mail.example.org", "/", "");
        check("https://mail.example.org?b", "/", "b");
        for bad in [
            "a",
            "",
            "ftp://x/",
            "http:///a",
            "mail.example.org:443",
            "/a#b",
        ] {
            assert_eq!(split_target(bad), Err(Refusal::Bad("target")), "{bad}");
        }
    }

    #[test]
    fn accepted_encodings() {
        for yes in ["gzip", "deflate, GZIP", "x-gzip;q=0.5", "*", "gzip; q=1.0"] {
            assert!(accepts_gzip(yes), "{yes}");
        }
        for no in ["", "identity", "gzip;q=0", "gzip; q=0.000", "deflate, br"] {
            assert!(!accepts_gzip(no), "{no}");
        }
    }

    #[test]
    fn a_value_that_is_not_utf8_is_read_as_latin1() {
        let head =
            Head::parse(b"GET / HTTP/1.1\r\nHost: x\r\nUser-Agent: J\xfcrg\r\n\r\n").unwrap();
        let headers = head.headers();
        let request = head.request(&headers, &[]);
        assert_eq!(request.header("user-agent"), Some("Jürg"));
    }
}
