//! A connection on which messages go both ways, over TLS: four bytes of length, then JSON.
//!
//! A thread has the socket to itself. What is sent is queued; what comes is handed on when it is whole,
//! and nothing longer than was agreed is ever held.

use super::{LOOK_MS, MESSAGE_BYTES_MAX, STRANGER_BYTES_MAX};
use rustls::Connection;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// Messages that came and wait to be read; beyond, the other end has to wait.
const WAITING_MAX: usize = 1_024;
/// Seconds in which the other end has to take some of what is sent.
const WRITE_S: u64 = 30;
/// Bytes of the length before each message.
const HEAD: usize = 4;

/// Why nothing comes any more.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum LineError {
    /// Nothing came in time.
    #[error("it says nothing")]
    Silence,
    /// The other end is gone.
    #[error("the connection ended")]
    Closed,
    /// The connection is broken.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// What came is longer than allowed.
    #[error("a message of {0} bytes, more than is taken")]
    TooLong(usize),
    /// What came is not understood.
    #[error("a message that is not understood: {0}")]
    Strange(String),
}

/// One end of a connection.
pub(super) struct Line {
    out: Outbox,
    frames: flume::Receiver<Result<Vec<u8>, LineError>>,
    bytes_max: Arc<AtomicUsize>,
}

/// Where messages are put that are to be sent; may be held by several.
#[derive(Clone)]
pub(super) struct Outbox(flume::Sender<Vec<u8>>);

impl Outbox {
    /// Sends it, soon.
    pub(super) fn send<T: Serialize>(&self, message: &T) -> Result<(), LineError> {
        let bytes = serde_json::to_vec(message).map_err(|e| LineError::Strange(e.to_string()))?;
        let length = u32::try_from(bytes.len()).ok();
        let length = length.filter(|_| bytes.len() <= MESSAGE_BYTES_MAX);
        let length = length.ok_or(LineError::TooLong(bytes.len()))?;
        let mut frame = Vec::with_capacity(HEAD + bytes.len());
        frame.extend_from_slice(&length.to_be_bytes());
        frame.extend_from_slice(&bytes);
        self.0.send(frame).map_err(|_| LineError::Closed)
    }
}

impl Line {
    /// Speaks over a socket that is connected. Messages are short until [`Line::trusts`].
    pub(super) fn new(socket: TcpStream, tls: Connection) -> io::Result<Self> {
        socket.set_nonblocking(false)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(Duration::from_millis(LOOK_MS)))?;
        socket.set_write_timeout(Some(Duration::from_secs(WRITE_S)))?;
        let (out, queue) = flume::unbounded();
        let (hand_on, frames) = flume::bounded(WAITING_MAX);
        let bytes_max = Arc::new(AtomicUsize::new(STRANGER_BYTES_MAX));
        let mut work = Work {
            socket,
            tls,
            queue,
            hand_on,
            came: Vec::new(),
            bytes_max: Arc::clone(&bytes_max),
        };
        let thread = thread::Builder::new().name("line".to_owned());
        thread.spawn(move || {
            let ended = work.run();
            // Whoever does not listen any more does not want to know.
            let _ = work.hand_on.send(Err(ended));
        })?;
        Ok(Self {
            out: Outbox(out),
            frames,
            bytes_max,
        })
    }

    /// The other end is known: its messages may be long.
    pub(super) fn trusts(&self) {
        self.bytes_max.store(MESSAGE_BYTES_MAX, Ordering::SeqCst);
    }

    /// Where messages to the other end are put.
    pub(super) fn outbox(&self) -> Outbox {
        self.out.clone()
    }

    /// Sends it, soon.
    pub(super) fn send<T: Serialize>(&self, message: &T) -> Result<(), LineError> {
        self.out.send(message)
    }

    /// The next message, if it comes in this time.
    pub(super) fn recv<T: DeserializeOwned>(&self, patience: Duration) -> Result<T, LineError> {
        let frame = match self.frames.recv_timeout(patience) {
            Ok(frame) => frame?,
            Err(flume::RecvTimeoutError::Timeout) => return Err(LineError::Silence),
            Err(flume::RecvTimeoutError::Disconnected) => return Err(LineError::Closed),
        };
        serde_json::from_slice(&frame).map_err(|e| LineError::Strange(e.to_string()))
    }
}

/// What the thread of a connection has.
struct Work {
    socket: TcpStream,
    tls: Connection,
    queue: flume::Receiver<Vec<u8>>,
    hand_on: flume::Sender<Result<Vec<u8>, LineError>>,
    /// What came and is no whole message yet.
    came: Vec<u8>,
    bytes_max: Arc<AtomicUsize>,
}

impl Work {
    /// Until either end is gone.
    fn run(&mut self) -> LineError {
        // A frame goes out whole, however long it is.
        self.tls.set_buffer_limit(None);
        loop {
            match self.turn() {
                Ok(true) => {}
                Ok(false) => return LineError::Closed,
                Err(e) => return e,
            }
        }
    }

    /// Sends what is queued and reads what is there; whether it goes on.
    fn turn(&mut self) -> Result<bool, LineError> {
        let broken = |e: io::Error| LineError::Broken(e.to_string());
        loop {
            match self.queue.try_recv() {
                Ok(frame) => {
                    self.tls.writer().write_all(&frame).map_err(broken)?;
                    self.flush().map_err(broken)?;
                }
                Err(flume::TryRecvError::Empty) => break,
                Err(flume::TryRecvError::Disconnected) => {
                    self.tls.send_close_notify();
                    self.flush().map_err(broken)?;
                    return Ok(false);
                }
            }
        }
        match self.tls.read_tls(&mut self.socket) {
            Ok(0) => return Ok(false),
            Ok(_) => {}
            Err(e) if is_later(&e) => return Ok(true),
            Err(e) => return Err(broken(e)),
        }
        let read = self.tls.process_new_packets();
        // The other end hears of an error, too.
        self.flush().map_err(broken)?;
        let read = read.map_err(|e| LineError::Broken(e.to_string()))?;
        let at = self.came.len();
        self.came.resize(at + read.plaintext_bytes_to_read(), 0);
        if let Some(room) = self.came.get_mut(at..) {
            self.tls.reader().read_exact(room).map_err(broken)?;
        }
        while let Some(frame) = self.frame()? {
            if self.hand_on.send(Ok(frame)).is_err() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn flush(&mut self) -> io::Result<()> {
        while self.tls.wants_write() {
            self.tls.write_tls(&mut self.socket)?;
        }
        Ok(())
    }

    /// The next whole message.
    fn frame(&mut self) -> Result<Option<Vec<u8>>, LineError> {
        let Some(head) = self.came.first_chunk::<HEAD>() else {
            return Ok(None);
        };
        let length = usize::try_from(u32::from_be_bytes(*head)).unwrap_or(usize::MAX);
        if length > self.bytes_max.load(Ordering::SeqCst) {
            return Err(LineError::TooLong(length));
        }
        let end = HEAD + length;
        if self.came.len() < end {
            return Ok(None);
        }
        let mut frame: Vec<u8> = self.came.drain(..end).collect();
        frame.drain(..HEAD);
        Ok(Some(frame))
    }
}

/// Nothing is there now.
fn is_later(e: &io::Error) -> bool {
    matches!(
        e.kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
    )
}
