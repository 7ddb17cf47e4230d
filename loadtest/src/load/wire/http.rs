//! Requests as bytes, and answers out of bytes.

use super::{BODY_BYTES_MAX, HEAD_BYTES_MAX, WireError};
use crate::{Answer, Request};
use std::io::Read as _;

/// Headers of an answer, at most.
const HEADERS_MAX: usize = 100;
/// Bytes of the line that tells a chunk's size, at most.
const CHUNK_LINE_BYTES_MAX: usize = 1_024;

/// How the length of a body is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Length {
    /// So many bytes.
    Bytes(usize),
    /// In chunks.
    Chunks,
    /// Up to the end of the connection.
    Rest,
}

/// The head of an answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Head {
    /// Status and headers; no body yet.
    pub(super) answer: Answer,
    /// How long the body is.
    pub(super) length: Length,
    /// Another request may follow.
    pub(super) keeps: bool,
}

/// A request as it goes over the wire.
pub(super) fn request(request: &Request, host: &str) -> Vec<u8> {
    let mut head = format!(
        "{} {} HTTP/1.1\r\nHost: {host}\r\n",
        request.method, request.target
    );
    for (name, value) in &request.headers {
        head.push_str(name);
        head.push_str(": ");
        head.push_str(value);
        head.push_str("\r\n");
    }
    head.push_str("Content-Length: ");
    head.push_str(&request.body.len().to_string());
    head.push_str("\r\n\r\n");
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(&request.body);
    bytes
}

/// Takes the head of an answer off the front of `received`, when it is there as a whole. Interim
/// answers (1xx) are passed over.
pub(super) fn head(received: &mut Vec<u8>) -> Result<Option<Head>, WireError> {
    loop {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut parsed = httparse::Response::new(&mut headers);
        let used = match parsed.parse(received) {
            Ok(httparse::Status::Complete(used)) => used,
            Ok(httparse::Status::Partial) if received.len() > HEAD_BYTES_MAX => {
                return Err(WireError::TooLarge);
            }
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err(WireError::Malformed("the head of an answer")),
        };
        let status = parsed.code.unwrap_or(0);
        let ancient = parsed.version == Some(0);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let headers = parsed.headers.iter();
        let headers = headers.map(|h| (h.name.to_owned(), text(h.value)));
        let answer = Answer {
            status,
            headers: headers.collect(),
            body: Vec::new(),
        };
        received.drain(..used);
        if !(100..200).contains(&status) {
            return whole(answer, ancient).map(Some);
        }
    }
}

fn whole(answer: Answer, ancient: bool) -> Result<Head, WireError> {
    let says = |name: &str, word: &str| {
        let value = answer.header(name).unwrap_or_default();
        value
            .split(',')
            .any(|w| w.trim().eq_ignore_ascii_case(word))
    };
    let told = answer.header("Content-Length").map(str::parse::<usize>);
    let length = if matches!(answer.status, 204 | 304) {
        Length::Bytes(0)
    } else if says("Transfer-Encoding", "chunked") {
        Length::Chunks
    } else {
        match told {
            Some(Ok(bytes)) if bytes > BODY_BYTES_MAX => return Err(WireError::TooLarge),
            Some(Ok(bytes)) => Length::Bytes(bytes),
            Some(Err(_)) => return Err(WireError::Malformed("Content-Length")),
            None => Length::Rest,
        }
    };
    let keeps = length != Length::Rest
        && !says("Connection", "close")
        && (!ancient || says("Connection", "keep-alive"));
    Ok(Head {
        answer,
        length,
        keeps,
    })
}

/// A piece of a chunked body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Chunk {
    /// So many bytes of body stand at this place, and then a line end.
    Data(usize, usize),
    /// The last one, with its trailer: so many bytes in all.
    Last(usize),
}

/// The chunk at the front, as soon as it is there as a whole.
pub(super) fn chunk(received: &[u8]) -> Result<Option<Chunk>, WireError> {
    let wrong = || WireError::Malformed("a chunk");
    let Some(end) = line_end(received) else {
        return match received.len() {
            0..CHUNK_LINE_BYTES_MAX => Ok(None),
            _ => Err(wrong()),
        };
    };
    let line = received.get(..end).unwrap_or_default();
    let digits = line.split(|b| *b == b';').next().unwrap_or_default();
    let digits = std::str::from_utf8(digits).unwrap_or_default().trim();
    let size = usize::from_str_radix(digits, 16).map_err(|_| wrong())?;
    if size > BODY_BYTES_MAX {
        return Err(WireError::TooLarge);
    }
    let begin = end + 2;
    if size > 0 {
        let Some(tail) = received.get(begin + size..begin + size + 2) else {
            return Ok(None);
        };
        return match tail {
            b"\r\n" => Ok(Some(Chunk::Data(begin, size))),
            _ => Err(wrong()),
        };
    }
    // The trailer ends with an empty line.
    let mut at = begin;
    loop {
        let rest = received.get(at..).unwrap_or_default();
        match line_end(rest) {
            Some(0) => return Ok(Some(Chunk::Last(at + 2))),
            Some(end) => at += end + 2,
            None if rest.len() > HEAD_BYTES_MAX => return Err(WireError::TooLarge),
            None => return Ok(None),
        }
    }
}

fn line_end(bytes: &[u8]) -> Option<usize> {
    bytes.windows(2).position(|w| w == b"\r\n")
}

/// Inflates a body that is told to be deflated.
pub(super) fn plain(answer: &mut Answer, gzip_welcome: bool) -> Result<(), WireError> {
    let coding = answer.header("Content-Encoding").unwrap_or("identity");
    if coding.eq_ignore_ascii_case("identity") || answer.body.is_empty() {
        return Ok(());
    }
    if !coding.eq_ignore_ascii_case("gzip") || !gzip_welcome {
        return Err(WireError::Malformed("a coding that was not asked for"));
    }
    let most = u64::try_from(BODY_BYTES_MAX).unwrap_or(u64::MAX);
    let mut inflated = Vec::new();
    flate2::read::MultiGzDecoder::new(answer.body.as_slice())
        .take(most + 1)
        .read_to_end(&mut inflated)
        .map_err(|_| WireError::Malformed("gzip"))?;
    if inflated.len() > BODY_BYTES_MAX {
        return Err(WireError::TooLarge);
    }
    answer.body = inflated;
    Ok(())
}
