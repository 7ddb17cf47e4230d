//! A running server with toy services, and clients that talk to it.

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::clock::{Clock, MonoMs};
use crate::net::*;
use crate::smtp::{Envelope, Verdict};

/// Long enough for any machine; only a hang takes so long.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
pub(super) const DRIVERS: [Driver; 2] = [Driver::Auto, Driver::Epoll];

/// What the services tell the test, and the other way round.
#[derive(Default)]
pub(super) struct Stage {
    bell: AtomicBool,
    /// How often the background task began.
    pub(super) begun: AtomicUsize,
    waker: Mutex<Option<Waker>>,
    parked: AtomicUsize,
    dropped: AtomicUsize,
    pub(super) delivered: Mutex<Vec<(Envelope, Vec<u8>)>>,
}

impl Stage {
    /// Wakes the parked request.
    pub(super) fn ring(&self) {
        self.bell.store(true, Ordering::SeqCst);
        if let Some(waker) = self.waker.lock().unwrap().take() {
            waker.wake();
        }
    }

    pub(super) fn wait_parked(&self, n: usize) {
        wait_for(|| self.parked.load(Ordering::SeqCst) == n);
    }

    pub(super) fn wait_dropped(&self, n: usize) {
        wait_for(|| self.dropped.load(Ordering::SeqCst) == n);
    }
}

/// Waits until something that happens on another thread has happened.
#[track_caller]
pub(super) fn wait_for(happened: impl Fn() -> bool) {
    let (_never, pause) = flume::bounded::<()>(0);
    for _ in 0..PATIENCE.as_millis() / 2 {
        if happened() {
            return;
        }
        let _ = pause.recv_timeout(Duration::from_millis(2));
    }
    panic!("it never happened");
}

pub(super) struct Toy {
    stage: Arc<Stage>,
    clock: Clock,
}

impl Toy {
    pub(super) fn new(stage: &Arc<Stage>, clock: &Clock) -> Self {
        Self {
            stage: Arc::clone(stage),
            clock: clock.clone(),
        }
    }
}

pub(super) struct ToyParked {
    stage: Arc<Stage>,
    deadline: MonoMs,
}

impl Parked for ToyParked {
    fn deadline_ms(&self) -> MonoMs {
        self.deadline
    }

    fn poll_woken(&self, cx: &mut Context<'_>) -> Poll<()> {
        *self.stage.waker.lock().unwrap() = Some(cx.waker().clone());
        if self.stage.bell.load(Ordering::SeqCst) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

impl Drop for ToyParked {
    fn drop(&mut self) {
        self.stage.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

impl Service for Toy {
    type Parked = ToyParked;

    async fn handle(&self, request: &Request<'_>, peer: &Peer) -> Outcome<ToyParked> {
        match request.path {
            "/echo" => Outcome::Answer(
                Answer::new(200).with_body("application/octet-stream", request.body.to_vec()),
            ),
            "/length" => Outcome::Answer(Answer::text(200, &request.body.len().to_string())),
            "/text" => Outcome::Answer(Answer::text(200, &"word ".repeat(1_000))),
            "/big" => {
                let n = request.query.parse().unwrap();
                Outcome::Answer(Answer::new(200).with_body("image/png", vec![b'x'; n]))
            }
            "/tls" => Outcome::Answer(Answer::text(200, &peer.tls.to_string())),
            "/panic" => panic!("on purpose"),
            "/park" => {
                self.stage.parked.fetch_add(1, Ordering::SeqCst);
                Outcome::Park(ToyParked {
                    stage: Arc::clone(&self.stage),
                    deadline: self.clock.mono_ms() + 60_000,
                })
            }
            _ => Outcome::Answer(Answer::new(404)),
        }
    }

    async fn background(&self) {
        if self.stage.begun.fetch_add(1, Ordering::SeqCst) == 0 {
            panic!("on purpose");
        }
        std::future::pending().await
    }

    async fn resume(&self, _: ToyParked, why: Why) -> Outcome<ToyParked> {
        Outcome::Answer(Answer::text(200, &format!("{why:?}")))
    }
}

impl Lmtp for Toy {
    async fn recipient(&self, address: &str) -> Verdict {
        match address {
            "panic" => panic!("on purpose"),
            "nobody" => Verdict::UnknownMailbox,
            _ => Verdict::Accepted,
        }
    }

    async fn deliver(&self, envelope: Envelope, message: Vec<u8>) -> Vec<Verdict> {
        let verdicts = vec![Verdict::Accepted; envelope.recipients.len()];
        let mut delivered = self.stage.delivered.lock().unwrap();
        delivered.push((envelope, message));
        verdicts
    }
}

/// A running server.
pub(super) struct Rig {
    pub(super) server: Server,
    pub(super) stage: Arc<Stage>,
    pub(super) clock: Clock,
}

impl Rig {
    pub(super) fn new(driver: Driver) -> Self {
        Self::with(driver, |_| {})
    }

    pub(super) fn with(driver: Driver, change: impl FnOnce(&mut Config)) -> Self {
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let mut config = Config {
            cores: 2,
            http: vec![any],
            lmtp: vec![any],
            hostname: "mail.test".into(),
            driver,
            ..Config::default()
        };
        config.deadlines.tick_ms = 5;
        change(&mut config);
        let clock = Clock::manual(784_111_777_000);
        let stage = Arc::new(Stage::default());
        let (on_core, clock_on_core) = (Arc::clone(&stage), clock.clone());
        let make = move |_| {
            let toy = || Toy::new(&on_core, &clock_on_core);
            (toy(), toy())
        };
        let server = start(config, clock.clone(), make).unwrap();
        Self {
            server,
            stage,
            clock,
        }
    }

    pub(super) fn http(&self) -> Client<TcpStream> {
        Client::new(connect(self.server.http()[0]))
    }

    /// Waits for the server to have nothing open.
    pub(super) fn wait_closed(&self) {
        wait_for(|| self.server.metrics().open == 0);
    }

    /// Lets time pass until the peer of this socket has closed.
    pub(super) fn wait_timed_out(&self, socket: &mut TcpStream) -> Vec<u8> {
        let mut seen = Vec::new();
        socket
            .set_read_timeout(Some(Duration::from_millis(5)))
            .unwrap();
        for _ in 0..10_000 {
            let mut buf = [0; 4096];
            match socket.read(&mut buf) {
                Ok(0) => return seen,
                Ok(n) => seen.extend_from_slice(&buf[..n]),
                Err(e) if e.kind() == ErrorKind::ConnectionReset => return seen,
                Err(_) => self.clock.advance(1_000),
            }
        }
        panic!("the connection never ended");
    }
}

pub(super) fn connect(addr: SocketAddr) -> TcpStream {
    let socket = TcpStream::connect(addr).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.set_write_timeout(Some(PATIENCE)).unwrap();
    socket.set_nodelay(true).unwrap();
    socket
}

/// An HTTP client that reads one answer at a time.
pub(super) struct Client<T> {
    pub(super) socket: T,
    buf: Vec<u8>,
}

#[derive(Debug)]
pub(super) struct Got {
    pub(super) status: u16,
    pub(super) headers: HashMap<String, String>,
    pub(super) body: Vec<u8>,
}

impl Got {
    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap().trim_end()
    }
}

impl<T: Read + Write> Client<T> {
    pub(super) fn new(socket: T) -> Self {
        let buf = Vec::new();
        Self { socket, buf }
    }

    /// Sends text whose line ends stand for CRLF.
    pub(super) fn send(&mut self, text: &str) {
        self.send_raw(text.replace('\n', "\r\n").as_bytes());
    }

    pub(super) fn send_raw(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).unwrap();
        self.socket.flush().unwrap();
    }

    pub(super) fn get(&mut self, target: &str) -> Got {
        self.send(&format!("GET {target} HTTP/1.1\nHost: x\n\n"));
        self.answer()
    }

    /// The next answer.
    #[track_caller]
    pub(super) fn answer(&mut self) -> Got {
        let end = loop {
            if let Some(at) = self.buf.windows(4).position(|w| w == b"\r\n\r\n") {
                break at + 4;
            }
            assert!(self.fill(), "the connection ended");
        };
        let head = String::from_utf8(self.buf.drain(..end).collect()).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().unwrap()[9..12].parse().unwrap();
        let headers: HashMap<String, String> = lines
            .filter_map(|l| l.split_once(": "))
            .map(|(n, v)| (n.to_lowercase(), v.to_owned()))
            .collect();
        let length = headers.get("content-length");
        let length = length.map_or(0, |l| l.parse().unwrap());
        while self.buf.len() < length {
            assert!(self.fill(), "the connection ended in a body");
        }
        Got {
            status,
            headers,
            body: self.buf.drain(..length).collect(),
        }
    }

    /// Whether the server has closed, with nothing left to read.
    #[track_caller]
    pub(super) fn assert_closed(&mut self) {
        assert!(self.buf.is_empty() && !self.fill(), "still open");
    }

    fn fill(&mut self) -> bool {
        let mut buf = [0; 16 * 1024];
        match self.socket.read(&mut buf) {
            Ok(0) => false,
            Ok(n) => {
                self.buf.extend_from_slice(&buf[..n]);
                true
            }
            Err(e)
                if matches!(
                    e.kind(),
                    ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof
                ) =>
            {
                false
            }
            Err(e) => panic!("{e}"),
        }
    }
}
