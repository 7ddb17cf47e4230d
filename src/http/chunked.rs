//! The chunked transfer coding (RFC 9112 section 7.1), strict: what a lenient reader would guess
//! at is refused. Extensions and trailers are checked for their form, bounded, and dropped.

use super::Refusal;
use super::head::is_token_byte;
use crate::limits;

/// Where in the coding the next byte stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// First digit of a size.
    SizeStart,
    Size,
    Extension,
    /// After the CR of a size line.
    SizeLf,
    Data,
    DataCr,
    DataLf,
    /// First byte of a line after the last chunk.
    TrailerStart,
    TrailerName,
    TrailerValue,
    TrailerLf,
    EndLf,
    Done,
}

/// A decoder that keeps its place between reads.
#[derive(Debug)]
pub(super) struct Chunked {
    state: State,
    /// Of the present chunk: declared so far, then left.
    size: usize,
    /// Bytes of extensions and trailers so far.
    extra: usize,
}

impl Chunked {
    pub(super) fn new() -> Self {
        Self {
            state: State::SizeStart,
            size: 0,
            extra: 0,
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Decodes `bytes` onto `body` up to the end of the body at most; returns how many were used.
    pub(super) fn feed(&mut self, bytes: &[u8], body: &mut Vec<u8>) -> Result<usize, Refusal> {
        let mut rest = bytes;
        while !self.is_done() {
            if self.state == State::Data {
                let (now, later) = rest.split_at(rest.len().min(self.size));
                body.extend_from_slice(now);
                self.size -= now.len();
                rest = later;
                if self.size > 0 {
                    break;
                }
                self.state = State::DataCr;
            }
            let Some((byte, later)) = rest.split_first() else {
                break;
            };
            self.step(*byte, body.len())?;
            rest = later;
        }
        Ok(bytes.len() - rest.len())
    }

    fn step(&mut self, byte: u8, body_len: usize) -> Result<(), Refusal> {
        const BAD: Refusal = Refusal::Bad("chunked coding");
        self.state = match (self.state, byte) {
            (State::SizeStart | State::Size, b) if b.is_ascii_hexdigit() => {
                self.digit(b, body_len)?;
                State::Size
            }
            (State::Size, b'\r') | (State::Extension, b'\r') => State::SizeLf,
            (State::Size, b';') => State::Extension,
            (State::Extension, b) if is_text(b) => self.extra(State::Extension)?,
            (State::SizeLf, b'\n') if self.size == 0 => State::TrailerStart,
            (State::SizeLf, b'\n') => State::Data,
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => State::SizeStart,
            (State::TrailerStart, b'\r') => State::EndLf,
            (State::TrailerName, b':') => self.extra(State::TrailerValue)?,
            (State::TrailerStart | State::TrailerName, b) if is_token_byte(b) => {
                self.extra(State::TrailerName)?
            }
            (State::TrailerValue, b'\r') => State::TrailerLf,
            (State::TrailerValue, b) if is_text(b) => self.extra(State::TrailerValue)?,
            (State::TrailerLf, b'\n') => State::TrailerStart,
            (State::EndLf, b'\n') => State::Done,
            _ => return Err(BAD),
        };
        Ok(())
    }

    fn digit(&mut self, byte: u8, body_len: usize) -> Result<(), Refusal> {
        let value = char::from(byte).to_digit(16).unwrap_or(0) as usize;
        let size = if self.state == State::SizeStart {
            value
        } else {
            // Leading zeros may be many, but not without end.
            self.extra(State::Size)?;
            (self.size << 4) | value
        };
        if body_len.saturating_add(size) > limits::HTTP_BODY_BYTES_MAX {
            return Err(Refusal::BodyTooLarge);
        }
        self.size = size;
        Ok(())
    }

    /// Counts one byte that carries no content.
    fn extra(&mut self, next: State) -> Result<State, Refusal> {
        self.extra += 1;
        if self.extra > limits::HTTP_CHUNK_EXTRA_BYTES_MAX {
            return Err(Refusal::Bad("chunked coding"));
        }
        Ok(next)
    }
}

fn is_text(b: u8) -> bool {
    b == b'\t' || (b >= b' ' && b != 0x7f)
}
