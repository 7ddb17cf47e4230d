//! One connection: made, asked, waited on, answered, and broken on purpose.

use super::bell::{Bell, Woken};
use super::http::{self, Chunk, Head, Length};
use super::socket::Socket;
use super::{BODY_BYTES_MAX, CONNECT_S, HANDSHAKE_S, IDLE_S, Target, WireError};
use crate::{Answer, Request};
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, HandshakeKind};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

/// Bytes that are read at one time.
const PIECE_BYTES: usize = 16 * 1024;

/// A slow reader: so many bytes, then a pause.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pace {
    /// Bytes of one read.
    pub bytes: usize,
    /// Microseconds between two.
    pub pause_us: u64,
}

/// How long it took to get there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Opened {
    /// Microseconds of TCP.
    pub connect_us: u64,
    /// Microseconds of TLS; 0: plain.
    pub handshake_us: u64,
    /// An earlier session went on.
    pub resumed: bool,
}

/// A connection.
pub struct Connection {
    socket: Socket,
    tls: Option<Box<ClientConnection>>,
    received: Vec<u8>,
    bell: Rc<Bell>,
    host: Rc<str>,
    gzip_welcome: bool,
    /// Requests that were answered on it.
    pub served: u32,
    /// Bytes sent and received, above TLS, since they were last taken.
    pub bytes: u64,
    /// Another request may follow.
    pub keeps: bool,
    /// How fast it reads.
    pub pace: Option<Pace>,
}

impl Connection {
    /// Connects, with TLS where the target has it.
    ///
    /// # Errors
    /// `connect`, `tls`, `timeout` or `closed`.
    pub async fn open(
        target: &Target,
        host: &Rc<str>,
        from: Option<IpAddr>,
        bell: &Rc<Bell>,
    ) -> Result<(Self, Opened), WireError> {
        let failed = |e: io::Error| WireError::Connect(e.to_string());
        let began_us = bell.now_us();
        let socket = Socket::connect(target.addr, from).map_err(failed)?;
        let due_us = began_us + CONNECT_S * 1_000_000;
        let writable = bell.within(due_us, socket.writable()).await;
        writable.ok_or(WireError::Timeout)?.map_err(failed)?;
        socket.connected().map_err(failed)?;
        let connected_us = bell.now_us();
        let mut opened = Opened {
            connect_us: connected_us - began_us,
            ..Opened::default()
        };
        let mut connection = Self {
            socket,
            tls: None,
            received: Vec::new(),
            bell: Rc::clone(bell),
            host: Rc::clone(host),
            gzip_welcome: false,
            served: 0,
            bytes: 0,
            keeps: true,
            pace: None,
        };
        if let Some(config) = &target.tls {
            let wrong = |e: rustls::Error| WireError::Tls(e.to_string());
            let name = ServerName::try_from(target.host.clone());
            let name = name.map_err(|e| WireError::Tls(e.to_string()))?;
            let tls = ClientConnection::new(Arc::clone(config), name).map_err(wrong)?;
            connection.tls = Some(Box::new(tls));
            let due_us = connected_us + HANDSHAKE_S * 1_000_000;
            connection.handshake(due_us).await?;
            opened.handshake_us = bell.now_us() - connected_us;
            let kind = connection.tls.as_ref().and_then(|tls| tls.handshake_kind());
            opened.resumed = kind == Some(HandshakeKind::Resumed);
        }
        Ok((connection, opened))
    }

    async fn handshake(&mut self, due_us: u64) -> Result<(), WireError> {
        loop {
            self.flush(due_us).await?;
            let done = self.tls.as_ref().is_none_or(|tls| !tls.is_handshaking());
            if done {
                return Ok(());
            }
            self.wait_readable(due_us).await?;
            self.fill()?;
        }
    }

    /// Sends a request.
    ///
    /// # Errors
    /// `closed`, `tls` or `timeout`.
    pub async fn send(&mut self, request: &Request) -> Result<(), WireError> {
        let welcome = |(name, value): &(String, String)| {
            name.eq_ignore_ascii_case("Accept-Encoding") && value.contains("gzip")
        };
        self.gzip_welcome = request.headers.iter().any(welcome);
        let bytes = http::request(request, &self.host);
        self.bytes += u64::try_from(bytes.len()).unwrap_or(0);
        let due_us = self.bell.now_us() + IDLE_S * 1_000_000;
        let mut rest = bytes.as_slice();
        // What is too much for the session's own buffer waits until that went out.
        while let Some(tls) = self.tls.as_mut().filter(|_| !rest.is_empty()) {
            let taken = tls.writer().write(rest).map_err(|e| tls_error(&e))?;
            rest = rest.get(taken..).unwrap_or_default();
            self.flush(due_us).await?;
        }
        self.write(rest, due_us).await
    }

    /// Waits until something of an answer is here, until it is due or somebody rings. It holds no
    /// buffer meanwhile.
    ///
    /// # Errors
    /// `closed` or `tls`.
    pub async fn wait(&mut self, due_us: u64) -> Result<Woken<()>, WireError> {
        while self.received.is_empty() {
            match self.bell.idle(due_us, self.socket.readable()).await {
                Woken::Done(Ok(())) => self.fill()?,
                Woken::Done(Err(_)) => return Err(WireError::Closed),
                Woken::Due => return Ok(Woken::Due),
                Woken::Rung => return Ok(Woken::Rung),
            }
        }
        Ok(Woken::Done(()))
    }

    /// Waits until something of an answer is here, whoever rings.
    ///
    /// # Errors
    /// `closed`, `tls` or `timeout`.
    pub async fn first(&mut self, due_us: u64) -> Result<(), WireError> {
        while self.received.is_empty() {
            self.wait_readable(due_us).await?;
            self.fill()?;
        }
        Ok(())
    }

    /// Receives an answer.
    ///
    /// # Errors
    /// All but `connect`.
    pub async fn receive(&mut self, due_us: u64) -> Result<Answer, WireError> {
        self.first(due_us).await?;
        let Head {
            mut answer,
            length,
            keeps,
        } = loop {
            match http::head(&mut self.received)? {
                Some(head) => break head,
                None => self.more().await?,
            }
        };
        answer.body = match length {
            Length::Bytes(bytes) => {
                while self.received.len() < bytes {
                    self.more().await?;
                }
                self.received.drain(..bytes).collect()
            }
            Length::Chunks => self.chunks().await?,
            Length::Rest => self.rest().await?,
        };
        self.keeps = keeps;
        self.served += 1;
        if self.received.is_empty() {
            self.received = Vec::new();
        }
        http::plain(&mut answer, self.gzip_welcome)?;
        Ok(answer)
    }

    /// Cuts it as a path does that forgot it: the server is told with a reset, if at all.
    pub fn cut(self) {
        self.socket.will_reset();
    }

    /// Ends it in good order: TLS says goodbye.
    pub fn close(mut self) {
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
            let mut out = Vec::new();
            if tls.write_tls(&mut out).is_ok() {
                let _ = self.socket.write(&out);
            }
        }
    }

    async fn chunks(&mut self) -> Result<Vec<u8>, WireError> {
        let mut body = Vec::new();
        loop {
            match http::chunk(&self.received)? {
                None => self.more().await?,
                Some(Chunk::Data(at, size)) => {
                    let data = self.received.get(at..at + size).unwrap_or_default();
                    body.extend_from_slice(data);
                    if body.len() > BODY_BYTES_MAX {
                        return Err(WireError::TooLarge);
                    }
                    self.received.drain(..at + size + 2);
                }
                Some(Chunk::Last(used)) => {
                    self.received.drain(..used);
                    return Ok(body);
                }
            }
        }
    }

    async fn rest(&mut self) -> Result<Vec<u8>, WireError> {
        loop {
            match self.more().await {
                Ok(()) if self.received.len() > BODY_BYTES_MAX => return Err(WireError::TooLarge),
                Ok(()) => {}
                Err(WireError::Closed) => return Ok(std::mem::take(&mut self.received)),
                Err(error) => return Err(error),
            }
        }
    }

    /// Receives at least one more byte.
    async fn more(&mut self) -> Result<(), WireError> {
        let had = self.received.len();
        while self.received.len() == had {
            let now_us = self.bell.now_us();
            if let Some(pace) = self.pace {
                self.bell.pause(now_us + pace.pause_us).await;
            }
            self.wait_readable(self.bell.now_us() + IDLE_S * 1_000_000)
                .await?;
            self.fill()?;
        }
        Ok(())
    }

    async fn wait_readable(&self, due_us: u64) -> Result<(), WireError> {
        match self.bell.within(due_us, self.socket.readable()).await {
            Some(Ok(())) => Ok(()),
            Some(Err(_)) => Err(WireError::Closed),
            None => Err(WireError::Timeout),
        }
    }

    /// Reads what is there: all of it, or one piece where the reader is slow.
    fn fill(&mut self) -> Result<(), WireError> {
        let mut buf = [0; PIECE_BYTES];
        let room = self
            .pace
            .map_or(PIECE_BYTES, |p| p.bytes.clamp(1, PIECE_BYTES));
        let begin = self.received.len();
        loop {
            let piece = buf.get_mut(..room).unwrap_or_default();
            let n = match self.socket.read(piece) {
                Ok(0) if self.received.len() > begin => return Ok(()),
                Ok(0) => return Err(WireError::Closed),
                Ok(n) => n,
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(_) => return Err(WireError::Closed),
            };
            let bytes = buf.get(..n).unwrap_or_default();
            let had = self.received.len();
            match &mut self.tls {
                None => self.received.extend_from_slice(bytes),
                Some(tls) => decrypt(tls, bytes, &mut self.received)?,
            }
            self.bytes += u64::try_from(self.received.len() - had).unwrap_or(0);
            if n < room || self.pace.is_some() {
                return Ok(());
            }
        }
    }

    /// Sends what TLS has to say.
    async fn flush(&mut self, due_us: u64) -> Result<(), WireError> {
        let mut out = Vec::new();
        if let Some(tls) = &mut self.tls {
            while tls.wants_write() {
                tls.write_tls(&mut out).map_err(|e| tls_error(&e))?;
            }
        }
        self.write(&out, due_us).await
    }

    async fn write(&self, mut bytes: &[u8], due_us: u64) -> Result<(), WireError> {
        while !bytes.is_empty() {
            match self.socket.write(bytes) {
                Ok(n) => bytes = bytes.get(n..).unwrap_or_default(),
                Err(e) if e.kind() == ErrorKind::WouldBlock => {
                    let writable = self.bell.within(due_us, self.socket.writable()).await;
                    writable
                        .ok_or(WireError::Timeout)?
                        .map_err(|_| WireError::Closed)?;
                }
                Err(_) => return Err(WireError::Closed),
            }
        }
        Ok(())
    }
}

fn decrypt(
    tls: &mut ClientConnection,
    mut bytes: &[u8],
    received: &mut Vec<u8>,
) -> Result<(), WireError> {
    while !bytes.is_empty() {
        tls.read_tls(&mut bytes).map_err(|e| tls_error(&e))?;
        let state = tls.process_new_packets();
        let there = state
            .map_err(|e| WireError::Tls(e.to_string()))?
            .plaintext_bytes_to_read();
        if there == 0 {
            continue;
        }
        let begin = received.len();
        received.resize(begin + there, 0);
        let room = received.get_mut(begin..).unwrap_or_default();
        tls.reader()
            .read_exact(room)
            .map_err(|_| WireError::Closed)?;
    }
    Ok(())
}

fn tls_error(error: &io::Error) -> WireError {
    WireError::Tls(error.to_string())
}
