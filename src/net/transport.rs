//! One connection's bytes: socket, encryption and deadline together.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::io;
use std::os::fd::OwnedFd;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use super::core::yield_now;
use super::metrics::Counters;
use super::socket::Socket;
use super::timer::Timer;
use super::tls::{Fed, Tls};
use crate::limits;
use crate::spare;

/// Bytes that encryption adds to [`limits::PROGRESS_BYTES`]: heads and tags of some records.
const SEALED_EXTRA_BYTES: usize = 1024;

/// Why a connection ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// It came to its orderly end.
    Done,
    /// The peer said that it ends the connection.
    PeerClosed,
    /// The peer's side of the stream has ended: it waits for no words of ours.
    PeerGone,
    /// A deadline passed.
    TimedOut,
    /// The socket failed.
    Socket,
    /// The peer broke the TLS protocol.
    Tls,
}

/// What a read came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Read {
    /// Bytes of the peer were appended.
    Bytes,
    /// Nothing more at the moment.
    Nothing,
}

/// A connection's socket, encryption and deadline.
pub(super) struct Transport {
    socket: Socket,
    tls: Tls,
    pub(super) timer: Rc<Timer>,
    write_ms: u64,
    /// Reads since the other tasks had their turn.
    turns: u32,
    last_error: Option<io::ErrorKind>,
    /// The last read took all there was: whoever asks again waits for more first.
    drained: bool,
    /// Bytes of the wire that go out with the answer to the request that came with them: a session
    /// ticket, which nobody waits for.
    tickets: Vec<u8>,
}

impl Transport {
    pub(super) fn new(socket: Socket, tls: Tls, timer: Rc<Timer>, write_ms: u64) -> Self {
        Self {
            socket,
            tls,
            timer,
            write_ms,
            turns: 0,
            last_error: None,
            drained: false,
            tickets: Vec::new(),
        }
    }

    /// Reads what is there onto `plain`, answering what TLS asks for.
    pub(super) async fn read(
        &mut self,
        scratch: &RefCell<Box<[u8]>>,
        counters: &Counters,
        plain: &mut Vec<u8>,
    ) -> Result<Read, End> {
        self.turns += 1;
        if self.turns > limits::TURN_MAX {
            self.turns = 0;
            yield_now().await;
        }
        if std::mem::take(&mut self.drained) {
            return Ok(Read::Nothing);
        }
        let before = plain.len();
        let mut wire = Vec::new();
        let fed = {
            let mut scratch = scratch.borrow_mut();
            match self.socket.read(&mut scratch) {
                Ok(0) => return Err(End::PeerGone),
                Ok(n) => {
                    self.drained = n < scratch.len();
                    let input = scratch.get_mut(..n).unwrap_or_default();
                    let fed = self.tls.feed(input, plain, &mut wire);
                    if let Ok((_, Some(handshake))) = &fed {
                        counters.handshakes.add();
                        if handshake.resumed {
                            counters.handshakes_resumed.add();
                        }
                    }
                    fed
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    self.turns = 0;
                    return Ok(Read::Nothing);
                }
                Err(e) => {
                    self.last_error = Some(e.kind());
                    return Err(End::Socket);
                }
            }
        };
        let sent = if matches!(fed, Ok((Fed::Open, Some(_)))) && plain.len() > before {
            self.tickets = wire;
            Ok(())
        } else {
            self.send(&wire).await
        };
        match fed {
            Err(_) => Err(End::Tls),
            // The peer has said all: what it said before is still answered.
            Ok((Fed::Closed, _)) if plain.len() == before => Err(End::PeerClosed),
            Ok(_) => sent.map(|()| {
                if plain.len() > before {
                    Read::Bytes
                } else {
                    Read::Nothing
                }
            }),
        }
    }

    /// Looks at the first bytes that are there, and leaves them; 0 where there are none.
    pub(super) fn peek(&mut self, buf: &mut [u8]) -> Result<usize, End> {
        match self.socket.peek(buf) {
            Ok(0) => Err(End::PeerGone),
            Ok(n) => Ok(n),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(0),
            Err(_) => Err(End::Socket),
        }
    }

    /// Waits for something else than the socket; an error when the deadline passes first.
    pub(super) async fn wait_for(&self, other: impl Future<Output = ()>) -> Result<(), End> {
        let other = async {
            other.await;
            Ok(())
        };
        self.or_due(other, || false).await
    }

    /// Completes when the socket may be read; an error when the deadline passes first.
    pub(super) async fn readable(&self) -> Result<(), End> {
        self.readable_or(|| false).await
    }

    /// The same; completes also as soon as `enough` holds, which is asked at every wake.
    pub(super) async fn readable_or(&self, enough: impl Fn() -> bool) -> Result<(), End> {
        self.or_due(self.socket.readable(), enough).await
    }

    /// Socket and encryption, for the lot: nothing of the connection is in flight.
    pub(super) fn into_parts(self) -> (OwnedFd, Tls) {
        (self.socket.into_fd(), self.tls)
    }

    /// Why the socket ended, where the system says.
    pub(super) fn last_error(&self) -> Option<io::ErrorKind> {
        self.last_error
    }

    async fn or_due(
        &self,
        ready: impl Future<Output = io::Result<()>>,
        enough: impl Fn() -> bool,
    ) -> Result<(), End> {
        let mut ready = pin!(ready);
        poll_fn(|cx| match ready.as_mut().poll(cx) {
            Poll::Ready(Ok(())) => Poll::Ready(Ok(())),
            Poll::Ready(Err(_)) => Poll::Ready(Err(End::Socket)),
            Poll::Pending if enough() => Poll::Ready(Ok(())),
            // The timer wakes this task.
            Poll::Pending if self.timer.is_due() => Poll::Ready(Err(End::TimedOut)),
            Poll::Pending => Poll::Pending,
        })
        .await
    }

    /// Begins an answer that is written behind `wire`; see [`Tls::begin`].
    pub(super) fn begin(&mut self, wire: &mut Vec<u8>) -> usize {
        wire.append(&mut std::mem::take(&mut self.tickets));
        self.tls.begin(wire)
    }

    /// Encrypts what was written since, in place, and sends it.
    pub(super) async fn write_begun(&mut self, mut wire: Vec<u8>, begun: usize) -> Result<(), End> {
        self.tls.end(&mut wire, begun).map_err(|_| End::Tls)?;
        self.send(&wire).await
    }

    /// Encrypts and sends. The deadline is renewed as the peer takes the bytes.
    pub(super) async fn write(&mut self, plain: &[u8]) -> Result<(), End> {
        if let Tls::Off = self.tls {
            return self.send(plain).await;
        }
        let mut wire = if plain.len() < spare::BYTES_MIN {
            Vec::new()
        } else {
            spare::take(limits::PROGRESS_BYTES + SEALED_EXTRA_BYTES)
        };
        for part in plain.chunks(limits::PROGRESS_BYTES) {
            wire.clear();
            self.tls.seal(part, &mut wire).map_err(|_| End::Tls)?;
            self.send(&wire).await?;
        }
        spare::give(wire);
        Ok(())
    }

    /// Sends what was to go out with an answer, where that is not to come now.
    pub(super) async fn flush(&mut self) -> Result<(), End> {
        if self.tickets.is_empty() {
            return Ok(());
        }
        let tickets = std::mem::take(&mut self.tickets);
        self.push(&tickets).await
    }

    /// Sends bytes of the wire.
    pub(super) async fn send(&mut self, wire: &[u8]) -> Result<(), End> {
        self.flush().await?;
        self.push(wire).await
    }

    async fn push(&mut self, wire: &[u8]) -> Result<(), End> {
        for part in wire.chunks(limits::PROGRESS_BYTES) {
            let mut rest = part;
            // While the peer has to read, another deadline holds.
            let mut before = None;
            while !rest.is_empty() {
                match self.socket.write(rest) {
                    Ok(n) => rest = rest.get(n..).unwrap_or_default(),
                    Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                        if before.is_none() {
                            before = Some(self.timer.deadline());
                            self.timer.set_in(self.write_ms);
                        }
                        self.or_due(self.socket.writable(), || false).await?;
                    }
                    Err(_) => return Err(End::Socket),
                }
            }
            if let Some(deadline) = before {
                self.timer.set(deadline);
            }
        }
        Ok(())
    }

    /// Says goodbye, without waiting for the peer to take it.
    pub(super) fn finish(&mut self) {
        let mut wire = std::mem::take(&mut self.tickets);
        if self.tls.close(&mut wire).is_ok() && !wire.is_empty() {
            let _ = self.socket.write(&wire);
        }
        self.socket.finish();
    }

    /// After an answer to something that was not read to its end: says goodbye, then reads and
    /// drops for a while. Else the peer would see a reset instead of the answer.
    pub(super) async fn linger(&mut self, scratch: &RefCell<Box<[u8]>>) {
        self.finish();
        self.timer.set_in(limits::LINGER_S * 1_000);
        let mut dropped = 0;
        while dropped < limits::LINGER_BYTES_MAX {
            let read = self.socket.read(&mut scratch.borrow_mut());
            match read {
                Ok(0) => return,
                Ok(n) => dropped += n,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    if self.readable().await.is_err() {
                        return;
                    }
                }
                Err(_) => return,
            }
        }
    }
}
