//! A request and its answer on a connection that blocks: for the few that are no device's.

use super::http::{self, Chunk, Length};
use super::{BODY_BYTES_MAX, WireError};
use crate::{Answer, Request};
use std::io::{Read, Write};

/// Bytes that are read at one time.
const PIECE_BYTES: usize = 4 * 1024;

/// Asks, and waits for the whole answer; and whether another request may follow.
///
/// # Errors
/// `closed`, `timeout`, `malformed` or `too large`.
pub fn exchange(
    stream: &mut (impl Read + Write),
    request: &Request,
    host: &str,
) -> Result<(Answer, bool), WireError> {
    let bytes = http::request(request, host);
    stream.write_all(&bytes).map_err(|e| broken(&e))?;
    stream.flush().map_err(|e| broken(&e))?;
    let mut received = Vec::new();
    let head = loop {
        match http::head(&mut received)? {
            Some(head) => break head,
            None => more(stream, &mut received)?,
        }
    };
    let mut answer = head.answer;
    answer.body = match head.length {
        Length::Bytes(bytes) => {
            while received.len() < bytes {
                more(stream, &mut received)?;
            }
            received.drain(..bytes).collect()
        }
        Length::Chunks => chunks(stream, &mut received)?,
        Length::Rest => loop {
            match more(stream, &mut received) {
                Ok(()) if received.len() <= BODY_BYTES_MAX => {}
                Ok(()) => return Err(WireError::TooLarge),
                Err(WireError::Closed) => break std::mem::take(&mut received),
                Err(error) => return Err(error),
            }
        },
    };
    Ok((answer, head.keeps))
}

fn chunks(stream: &mut impl Read, received: &mut Vec<u8>) -> Result<Vec<u8>, WireError> {
    let mut body = Vec::new();
    loop {
        match http::chunk(received)? {
            None => more(stream, received)?,
            Some(Chunk::Data(at, size)) => {
                body.extend_from_slice(received.get(at..at + size).unwrap_or_default());
                if body.len() > BODY_BYTES_MAX {
                    return Err(WireError::TooLarge);
                }
                received.drain(..at + size + 2);
            }
            Some(Chunk::Last(used)) => {
                received.drain(..used);
                return Ok(body);
            }
        }
    }
}

fn more(stream: &mut impl Read, received: &mut Vec<u8>) -> Result<(), WireError> {
    let mut piece = [0; PIECE_BYTES];
    match stream.read(&mut piece).map_err(|e| broken(&e))? {
        0 => Err(WireError::Closed),
        n => {
            received.extend_from_slice(piece.get(..n).unwrap_or_default());
            Ok(())
        }
    }
}

fn broken(error: &std::io::Error) -> WireError {
    use std::io::ErrorKind::{TimedOut, WouldBlock};
    match error.kind() {
        TimedOut | WouldBlock => WireError::Timeout,
        _ => WireError::Closed,
    }
}
