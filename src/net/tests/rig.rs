//! A running server with toy services, and clients that talk to it.

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
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
    /// Wakes told, by account.
    wakes: Mutex<HashMap<u64, u64>>,
    /// Signals were told before a request that parks later: it is not current.
    bell: AtomicBool,
    parked: AtomicUsize,
    dropped: AtomicUsize,
    pub(super) gone: Mutex<Vec<Gone>>,
    pub(super) answered: AtomicUsize,
    pub(super) delivered: Mutex<Vec<(Envelope, Vec<u8>)>>,
}

impl Stage {
    pub(super) fn wait_parked(&self, n: usize) {
        wait_for(|| self.parked.load(Ordering::SeqCst) == n);
    }

    pub(super) fn wait_dropped(&self, n: usize) {
        wait_for(|| self.dropped.load(Ordering::SeqCst) == n);
    }
}

/// What the parked requests of an account are told.
pub(super) enum Tell {
    Wake(u64),
    Panic(u64),
    Gap,
}

impl Signal for Tell {
    fn account(&self) -> Option<u64> {
        match self {
            Self::Wake(account) | Self::Panic(account) => Some(*account),
            Self::Gap => None,
        }
    }

    fn durable_us(&self) -> Option<u64> {
        None
    }

    fn gap() -> Self {
        Self::Gap
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

impl Stage {
    /// How often an account was woken.
    fn wakes_of(&self, account: u64) -> u64 {
        let wakes = self.wakes.lock().unwrap();
        wakes.get(&account).copied().unwrap_or(0)
    }
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
    account: u64,
    /// Wakes of the account before it was asked.
    seen: u64,
    /// It answers by itself.
    answers: bool,
}

const BRIEF: Brief = Brief {
    headers: &[("X-Brief", "yes")],
    content_type: "text/plain",
    status: 1,
};

impl ToyParked {
    fn says(&self, text: &str, document: &mut Vec<u8>) -> Heard {
        if !self.answers {
            return Heard::Resume;
        }
        document.extend_from_slice(text.as_bytes());
        Heard::Answer(BRIEF)
    }
}

impl Parked for ToyParked {
    type Signal = Tell;

    fn account(&self) -> u64 {
        self.account
    }

    fn since_ms(&self) -> MonoMs {
        self.deadline.saturating_sub(60_000)
    }

    fn deadline_ms(&self) -> MonoMs {
        self.deadline
    }

    fn is_current(&self) -> bool {
        let rung = self.stage.bell.load(Ordering::SeqCst);
        !rung && self.stage.wakes_of(self.account) == self.seen
    }

    fn hear(&self, signal: &Tell, document: &mut Vec<u8>) -> Heard {
        match signal {
            Tell::Wake(account) if *account == self.account => self.says("Woken", document),
            Tell::Panic(_) => panic!("on purpose"),
            _ => Heard::Nothing,
        }
    }

    fn expire(&self, document: &mut Vec<u8>) -> Heard {
        self.says("Expired", document)
    }

    fn bytes(&self) -> usize {
        size_of::<Self>()
    }

    fn version_tens(&self) -> u8 {
        0
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
            // `/park?7` waits for account 7 and answers by itself, `/park?7r` is resumed.
            "/park" => {
                self.stage.parked.fetch_add(1, Ordering::SeqCst);
                let account = request.query.trim_end_matches('r');
                let account = account.parse().unwrap_or(0);
                Outcome::Park(ToyParked {
                    stage: Arc::clone(&self.stage),
                    deadline: self.clock.mono_ms() + 60_000,
                    account,
                    seen: self.stage.wakes_of(account),
                    answers: !request.query.ends_with('r'),
                })
            }
            _ => Outcome::Answer(Answer::new(404)),
        }
    }

    async fn resume(&self, _: ToyParked, why: Why) -> Outcome<ToyParked> {
        Outcome::Answer(Answer::text(200, &format!("{why:?}")))
    }

    fn answered(&self, _: ToyParked, _: &Peer, written: Written) {
        assert_eq!(written.brief, BRIEF);
        assert!(written.bytes > 0);
        self.stage.answered.fetch_add(1, Ordering::SeqCst);
    }

    fn gone(&self, _: ToyParked, _: &Peer, gone: Gone) {
        self.stage.gone.lock().unwrap().push(gone);
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
    pub(super) switch: Switch<Tell>,
}

impl Rig {
    pub(super) fn new(driver: Driver) -> Self {
        Self::with(driver, |_| {})
    }

    pub(super) fn with(driver: Driver, change: impl FnOnce(&mut Config)) -> Self {
        Self::on_cores(2, driver, change)
    }

    pub(super) fn on_cores(cores: usize, driver: Driver, change: impl FnOnce(&mut Config)) -> Self {
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let mut config = Config {
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
        let switch = Switch::new(cores);
        let server = start(config, clock.clone(), switch.clone(), make).unwrap();
        Self {
            server,
            stage,
            clock,
            switch,
        }
    }

    /// Wakes what waits for account 0, and what is about to.
    pub(super) fn ring(&self) {
        self.stage.bell.store(true, Ordering::SeqCst);
        self.tell(Tell::Wake(0));
    }

    /// Counts a wake, then tells it: in the order of the real push.
    pub(super) fn tell(&self, tell: Tell) {
        if let Tell::Wake(account) = tell {
            *self.stage.wakes.lock().unwrap().entry(account).or_default() += 1;
        }
        self.switch.send(std::iter::once(tell));
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

    /// Whether a request is answered with 200 before the connection ends.
    pub(super) fn try_get(&mut self, target: &str) -> bool {
        let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n");
        if self.socket.write_all(request.as_bytes()).is_err() {
            return false;
        }
        self.fill() && self.buf.starts_with(b"HTTP/1.1 200")
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
