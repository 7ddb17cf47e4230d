//! Answers to bytes.

use std::io::Write;
use std::time::{Duration, UNIX_EPOCH};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{Answer, Brief};
use crate::clock::UnixMs;
use crate::limits;

/// Lets a peer that sent `Expect: 100-continue` go on.
pub const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// How an answer has to be written: what is left of a request once it is handled or parked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Terms {
    /// The peer may send another request on this connection.
    pub keep_alive: bool,
    /// The peer reads gzip.
    pub gzip: bool,
    /// The request was HEAD: no content.
    pub head_only: bool,
    /// The peer speaks HTTP/1.0 and has to be told that the connection stays.
    pub http10: bool,
}

impl Terms {
    /// For an answer to something that was no request.
    #[must_use]
    pub fn refused() -> Self {
        Self {
            keep_alive: false,
            gzip: false,
            head_only: false,
            http10: false,
        }
    }
}

/// The value of `Date`, formatted once per second.
#[derive(Clone, Default, Debug)]
pub struct DateCache {
    second: Option<i64>,
    text: String,
}

impl DateCache {
    /// The date at `now_ms`.
    pub fn at(&mut self, now_ms: UnixMs) -> &str {
        let second = now_ms.max(0) / 1_000;
        if self.second != Some(second) {
            let time = UNIX_EPOCH + Duration::from_secs(second.unsigned_abs());
            self.text = httpdate::fmt_http_date(time);
            self.second = Some(second);
        }
        &self.text
    }
}

/// Writes the head of an answer behind `out`; returns whether the connection stays open after it,
/// and the content that has to follow.
pub fn encode_head(answer: Answer, terms: Terms, date: &str, out: &mut Vec<u8>) -> (bool, Vec<u8>) {
    let keep_alive = terms.keep_alive && !answer.close;
    let compressed = if terms.gzip { compress(&answer) } else { None };
    let is_compressed = compressed.is_some();
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(answer.status.to_string().as_bytes());
    out.push(b' ');
    out.extend_from_slice(reason(answer.status).as_bytes());
    out.extend_from_slice(b"\r\n");
    header(out, "Date", date);
    for (name, value) in &answer.headers {
        header(out, name, value);
    }
    let content = compressed.unwrap_or(answer.body);
    if is_compressed {
        header(out, "Content-Encoding", "gzip");
        header(out, "Vary", "Accept-Encoding");
    }
    // 204 and 304 have no content by definition (RFC 9110 8.6).
    let has_content = !matches!(answer.status, 204 | 304);
    if has_content {
        header(out, "Content-Length", &content.len().to_string());
    }
    if !keep_alive {
        header(out, "Connection", "close");
    } else if terms.http10 {
        header(out, "Connection", "keep-alive");
    }
    out.extend_from_slice(b"\r\n");
    if has_content && !terms.head_only {
        (keep_alive, content)
    } else {
        (keep_alive, Vec::new())
    }
}

/// Writes the answer to a parked request behind `out`, in full; returns whether the connection stays
/// open after it. Allocates only where `out` has to grow.
pub fn encode_brief(
    brief: Brief,
    document: &[u8],
    terms: Terms,
    date: &str,
    out: &mut Vec<u8>,
) -> bool {
    out.reserve(512 + document.len());
    // Copies of what is known to be clean: most of these bytes come out of caches that have seen other
    // work meanwhile, so the fewer instructions they take the better.
    out.extend_from_slice(b"HTTP/1.1 200 OK\r\nDate: ");
    out.extend_from_slice(date.as_bytes());
    if !document.is_empty() {
        out.extend_from_slice(b"\r\nContent-Type: ");
        out.extend_from_slice(brief.content_type.as_bytes());
    }
    for (name, value) in brief.headers {
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value.as_bytes());
    }
    out.extend_from_slice(b"\r\nContent-Length: ");
    decimal(out, document.len());
    out.extend_from_slice(match (terms.keep_alive, terms.http10) {
        (false, _) => b"\r\nConnection: close\r\n\r\n",
        (true, true) => b"\r\nConnection: keep-alive\r\n\r\n",
        (true, false) => b"\r\n\r\n",
    });
    if !terms.head_only {
        out.extend_from_slice(document);
    }
    terms.keep_alive
}

/// Writes a number.
fn decimal(out: &mut Vec<u8>, n: usize) {
    let mut digits = [0; 20];
    let (mut rest, mut len) = (n, 0);
    for digit in digits.iter_mut().rev() {
        // The remainder of ten.
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        (rest, len) = (rest / 10, len + 1);
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(digits.len() - len..).unwrap_or_default());
}

/// Writes one header line. Nothing that an answer carries can end the line early.
fn header(out: &mut Vec<u8>, name: &str, value: &str) {
    let clean = |b: u8| {
        if matches!(b, b'\r' | b'\n' | 0) {
            b' '
        } else {
            b
        }
    };
    out.extend(name.bytes().map(clean));
    out.extend_from_slice(b": ");
    out.extend(value.bytes().map(clean));
    out.extend_from_slice(b"\r\n");
}

/// The content in gzip, where that makes it smaller.
fn compress(answer: &Answer) -> Option<Vec<u8>> {
    let bytes = &answer.body;
    let worth = (limits::GZIP_BYTES_MIN..=limits::GZIP_BYTES_MAX).contains(&bytes.len());
    if !worth || answer.header("content-encoding").is_some() {
        return None;
    }
    if !answer.header("content-type").is_some_and(is_compressible) {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 2), Compression::fast());
    encoder.write_all(bytes).ok()?;
    let compressed = encoder.finish().ok()?;
    (compressed.len() < bytes.len()).then_some(compressed)
}

fn is_compressible(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default();
    let essence = essence.trim_ascii().to_ascii_lowercase();
    essence.starts_with("text/")
        || essence.ends_with("+xml")
        || matches!(
            essence.as_str(),
            "application/vnd.ms-sync.wbxml"
                | "application/vnd.ms-sync"
                | "application/json"
                | "application/xml"
                | "application/javascript"
        )
}

/// The reason phrase; clients must not depend on it (RFC 9112 section 4).
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        417 => "Expectation Failed",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        // [MS-ASHTTP] 2.2.2.1.1: these two have a meaning of their own for devices.
        449 => "Retry With",
        451 => "Redirect",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        507 => "Insufficient Storage",
        _ => "Status",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    const TERMS: Terms = Terms {
        keep_alive: true,
        gzip: true,
        head_only: false,
        http10: false,
    };

    fn written(answer: &Answer, terms: Terms) -> (String, Vec<u8>, bool) {
        let mut out = Vec::new();
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        let (keep, body) = encode_head(answer.clone(), terms, date, &mut out);
        (String::from_utf8(out).unwrap(), body, keep)
    }

    #[test]
    fn a_short_answer_is_written_as_it_is() {
        let answer = Answer::text(200, "hello").with("X-A", "b");
        let (head, body, keep) = written(&answer, TERMS);
        assert_eq!(
            head,
            "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
             Content-Type: text/plain; charset=utf-8\r\nX-A: b\r\nContent-Length: 6\r\n\r\n"
        );
        assert_eq!(body, b"hello\n");
        assert!(keep);
    }

    #[test]
    fn the_end_of_a_connection_is_announced() {
        let check = |answer: &Answer, terms, expect: Option<&str>| {
            let (head, _, keep) = written(answer, terms);
            let line = head.lines().find_map(|l| l.strip_prefix("Connection: "));
            assert_eq!(line, expect);
            assert_eq!(keep, expect != Some("close"));
        };
        let answer = Answer::new(200);
        let old = Terms {
            http10: true,
            ..TERMS
        };
        let last = Terms {
            keep_alive: false,
            ..TERMS
        };
        check(&answer, TERMS, None);
        check(&answer, old, Some("keep-alive"));
        check(&answer, last, Some("close"));
        check(&answer.closing(), TERMS, Some("close"));
    }

    #[test]
    fn gzip_where_it_pays() {
        let long = "wbxml ".repeat(500).into_bytes();
        let answer = Answer::wbxml(long.clone());
        let (head, body, _) = written(&answer, TERMS);
        assert!(head.contains("Content-Encoding: gzip\r\n"));
        assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())));
        let mut inflated = Vec::new();
        flate2::read::GzDecoder::new(body.as_slice())
            .read_to_end(&mut inflated)
            .unwrap();
        assert_eq!(inflated, long);

        let plain = |answer: &Answer, terms| {
            let (head, body, _) = written(answer, terms);
            assert!(!head.contains("gzip"), "{head}");
            assert_eq!(body, answer.body);
        };
        plain(
            &answer,
            Terms {
                gzip: false,
                ..TERMS
            },
        );
        plain(&Answer::wbxml(vec![7; limits::GZIP_BYTES_MIN - 1]), TERMS);
        plain(&Answer::wbxml(vec![7; limits::GZIP_BYTES_MAX + 1]), TERMS);
        plain(&Answer::new(200).with_body("image/jpeg", long), TERMS);
    }

    #[test]
    fn a_brief_answer_is_as_any_other() {
        let brief = Brief {
            headers: &[("X-A", "b"), ("X-C", "d")],
            content_type: "application/vnd.ms-sync.wbxml",
            status: 1,
        };
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        for (document, keep_alive, http10) in [
            (&b"some"[..], true, false),
            (b"", true, true),
            (b"x", false, false),
            (&[b'y'; 100], true, false),
        ] {
            let terms = Terms {
                keep_alive,
                http10,
                ..TERMS
            };
            let mut answer = Answer::new(200);
            if !document.is_empty() {
                answer = Answer::wbxml(document.to_vec());
            }
            for (name, value) in brief.headers {
                answer = answer.with(*name, *value);
            }
            let (mut one, mut two) = (Vec::new(), Vec::new());
            let (stays, content) = encode_head(answer, terms, date, &mut one);
            one.extend(content);
            assert_eq!(encode_brief(brief, document, terms, date, &mut two), stays);
            assert_eq!(String::from_utf8(one), String::from_utf8(two));
        }
    }

    #[test]
    fn no_content_where_none_belongs() {
        let (head, body, _) = written(
            &Answer::text(200, "hello"),
            Terms {
                head_only: true,
                ..TERMS
            },
        );
        assert!(head.contains("Content-Length: 6\r\n"));
        assert!(body.is_empty());
        let (head, body, _) = written(&Answer::new(204), TERMS);
        assert!(!head.contains("Content-Length"));
        assert!(body.is_empty());
    }

    #[test]
    fn a_header_cannot_end_its_line() {
        let answer = Answer::new(200).with("X-A", "b\r\nSet-Cookie: c");
        let (head, _, _) = written(&answer, TERMS);
        assert!(head.contains("X-A: b  Set-Cookie: c\r\n"));
    }

    #[test]
    fn the_date_changes_with_the_second() {
        let mut date = DateCache::default();
        assert_eq!(date.at(784_111_777_000), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(date.at(784_111_777_999), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(date.at(784_111_778_000), "Sun, 06 Nov 1994 08:49:38 GMT");
    }
}
