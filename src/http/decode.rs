//! Bytes of a connection to requests, one after another.
//!
//! One parse per byte string, whatever the sizes of the reads; bytes behind a request belong to
//! the next one and are left alone. While no request is in flight it owns no memory.

use std::io::Read;

use flate2::bufread::GzDecoder;

use super::chunked::Chunked;
use super::head::{Framing, Head};
use super::{Refusal, Request, Terms, Version};
use crate::limits;

/// What [`Decoder::feed`] came to. It used all bytes unless a message is complete.
#[derive(Debug)]
pub enum Progress {
    /// More bytes are needed.
    Partial,
    /// More bytes are needed, and the peer waits for [`super::CONTINUE`] before it sends them.
    Continue,
    /// A request is complete.
    Complete(Message),
}

/// A complete request that owns its bytes.
#[derive(Debug)]
pub struct Message {
    head: Head,
    body: Vec<u8>,
}

impl Message {
    /// The headers, for [`Message::request`].
    #[must_use]
    pub fn headers(&self) -> Vec<(&str, &str)> {
        self.head.headers()
    }

    /// The request as handlers see it.
    #[must_use]
    pub fn request<'a>(&'a self, headers: &'a [(&'a str, &'a str)]) -> Request<'a> {
        self.head.request(headers, &self.body)
    }

    /// Bytes of the content.
    #[must_use]
    pub fn body_len(&self) -> usize {
        self.body.len()
    }

    /// How its answer has to be written.
    #[must_use]
    pub fn terms(&self) -> Terms {
        Terms {
            keep_alive: self.head.keep_alive,
            gzip: self.head.accepts_gzip,
            head_only: self.head.is_head(),
            http10: self.head.version() == Version::Http10,
        }
    }
}

/// Decodes the requests of one connection.
#[derive(Debug, Default)]
pub struct Decoder {
    state: State,
    /// Empty lines since the last request.
    blank: u8,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Idle,
    Head(Box<Lines>),
    Body(Box<Body>),
    /// After a refusal: nothing that follows can be understood.
    Failed(Refusal),
}

impl Decoder {
    /// At the beginning of a connection.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether it stands between two requests.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle)
    }

    /// Whether a head is complete and its body is not.
    #[must_use]
    pub fn in_body(&self) -> bool {
        matches!(self.state, State::Body(_))
    }

    /// Bytes of the body that are held.
    #[must_use]
    pub fn body_len(&self) -> usize {
        match &self.state {
            State::Body(body) => body.bytes.len(),
            _ => 0,
        }
    }

    /// Takes what was read; returns how many bytes were used.
    ///
    /// # Errors
    /// A [`Refusal`], again and again from then on.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(usize, Progress), Refusal> {
        let outcome = self.advance(bytes);
        if let Err(refusal) = outcome {
            self.state = State::Failed(refusal);
        }
        outcome
    }

    fn advance(&mut self, bytes: &[u8]) -> Result<(usize, Progress), Refusal> {
        let mut used = 0;
        loop {
            let rest = bytes.get(used..).unwrap_or_default();
            match std::mem::take(&mut self.state) {
                State::Failed(refusal) => return Err(refusal),
                State::Idle if rest.is_empty() => return Ok((used, Progress::Partial)),
                State::Idle => self.state = State::Head(Box::default()),
                State::Head(mut lines) => {
                    let (n, complete) = lines.feed(rest, &mut self.blank)?;
                    used += n;
                    if !complete {
                        if !lines.bytes.is_empty() {
                            self.state = State::Head(lines);
                        }
                        return Ok((used, Progress::Partial));
                    }
                    self.state = State::Body(Box::new(Body::new(Head::parse(&lines.bytes)?)));
                }
                State::Body(mut body) => {
                    used += body.feed(rest)?;
                    if body.is_complete() {
                        self.blank = 0;
                        return Ok((used, Progress::Complete(body.finish()?)));
                    }
                    let progress = body.progress();
                    self.state = State::Body(body);
                    return Ok((used, progress));
                }
            }
        }
    }
}

/// Collects a head. Each line has to end with CRLF, and CR and LF stand nowhere else.
#[derive(Debug, Default)]
struct Lines {
    bytes: Vec<u8>,
}

impl Lines {
    /// Returns how many bytes were used and whether the head is complete.
    fn feed(&mut self, bytes: &[u8], blank: &mut u8) -> Result<(usize, bool), Refusal> {
        for (i, &byte) in bytes.iter().enumerate() {
            let after_cr = self.bytes.last() == Some(&b'\r');
            if after_cr != (byte == b'\n') {
                return Err(Refusal::Bad("line end"));
            }
            if byte == 0 {
                return Err(Refusal::Bad("head"));
            }
            if self.bytes.len() >= limits::HTTP_HEAD_BYTES_MAX {
                return Err(Refusal::HeadTooLarge);
            }
            self.bytes.push(byte);
            if self.bytes == b"\r\n" {
                *blank += 1;
                if *blank > limits::HTTP_BLANK_LINES_MAX {
                    return Err(Refusal::Bad("head"));
                }
                self.bytes.clear();
            } else if byte == b'\n' && self.bytes.ends_with(b"\r\n\r\n") {
                return Ok((i + 1, true));
            }
        }
        Ok((bytes.len(), false))
    }
}

/// A body that is coming in, as sent but for the chunks.
#[derive(Debug)]
struct Body {
    head: Head,
    bytes: Vec<u8>,
    rest: Rest,
    /// The peer was told to go on, or began by itself.
    begun: bool,
}

#[derive(Debug)]
enum Rest {
    Bytes(usize),
    Chunks(Chunked),
}

impl Body {
    fn new(head: Head) -> Self {
        let rest = match head.framing {
            Framing::Length(n) => Rest::Bytes(n),
            Framing::Chunked => Rest::Chunks(Chunked::new()),
        };
        Self {
            head,
            bytes: Vec::new(),
            rest,
            begun: false,
        }
    }

    /// Memory follows what has arrived, never what was announced.
    fn feed(&mut self, bytes: &[u8]) -> Result<usize, Refusal> {
        self.begun |= !bytes.is_empty();
        match &mut self.rest {
            Rest::Bytes(left) => {
                let now = bytes.get(..*left).unwrap_or(bytes);
                self.bytes.extend_from_slice(now);
                *left -= now.len();
                Ok(now.len())
            }
            Rest::Chunks(chunked) => chunked.feed(bytes, &mut self.bytes),
        }
    }

    fn is_complete(&self) -> bool {
        match &self.rest {
            Rest::Bytes(left) => *left == 0,
            Rest::Chunks(chunked) => chunked.is_done(),
        }
    }

    fn progress(&mut self) -> Progress {
        if self.head.expects_continue && !self.begun {
            self.begun = true;
            Progress::Continue
        } else {
            Progress::Partial
        }
    }

    fn finish(self) -> Result<Message, Refusal> {
        let body = if self.head.gzip && !self.bytes.is_empty() {
            inflate(&self.bytes)?
        } else {
            self.bytes
        };
        Ok(Message {
            head: self.head,
            body,
        })
    }
}

/// Takes gzip off. What follows the first member is refused: two readers could disagree about it.
fn inflate(bytes: &[u8]) -> Result<Vec<u8>, Refusal> {
    let mut decoder = GzDecoder::new(bytes);
    let mut body = Vec::new();
    let read = decoder
        .by_ref()
        .take(limits::HTTP_BODY_BYTES_MAX as u64 + 1)
        .read_to_end(&mut body);
    if body.len() > limits::HTTP_BODY_BYTES_MAX {
        return Err(Refusal::BodyTooLarge);
    }
    if read.is_err() || !decoder.into_inner().is_empty() {
        return Err(Refusal::Bad("gzip"));
    }
    Ok(body)
}
