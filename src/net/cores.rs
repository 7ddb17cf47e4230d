//! The cores: a thread each, with its own runtime, listeners and services; start and orderly end.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use monoio::{FusionDriver, LegacyDriver, RuntimeBuilder};

use super::accept::{self, Kind};
use super::admission::{Admission, Caps};
use super::bells::Bells;
use super::certificate::Certificates;
use super::core::{Core, Phase, Shared, Traffic};
use super::keeper;
use super::metrics::{Metrics, Report, Watchdog};
use super::post::{Boxes, Switch};
use super::ready::Ready;
use super::service::{Lmtp, Parked, Service};
use super::tls::{TicketKey, Tickets};
use super::{gate, slice, socket, tls};
use crate::clock::Clock;
use crate::limits;

/// Entries of a core's submission ring; when it is full it is submitted and used again.
const RING_ENTRIES: u32 = 2_048;
/// How often the certificate files are looked at.
const CERTIFICATE_PERIOD: Duration = Duration::from_secs(30);

/// What to serve on, and within which bounds.
#[derive(Clone, Debug)]
pub struct Config {
    /// Addresses for HTTP over TLS. Port 0 lets the system choose.
    pub https: Vec<SocketAddr>,
    /// Addresses for plain HTTP: behind a proxy, or on loopback.
    pub http: Vec<SocketAddr>,
    /// Addresses for LMTP.
    pub lmtp: Vec<SocketAddr>,
    /// Path of a Unix socket for LMTP. What is there before is replaced.
    pub lmtp_socket: Option<PathBuf>,
    /// For TLS; needed where `https` names an address.
    pub certificates: Option<Arc<Certificates>>,
    /// Keys of session tickets; none: made for this start, so that no session outlives it.
    pub tickets: Option<Arc<Tickets>>,
    /// Our name in LMTP.
    pub hostname: String,
    /// Bytes of the largest message that LMTP takes.
    pub message_bytes_max: usize,
    /// Deadlines of connections.
    pub deadlines: Deadlines,
    /// Caps on connections.
    pub caps: Caps,
    /// TLS handshakes that begin each second, over all cores.
    pub handshakes_per_s: u64,
    /// How the kernel is asked.
    pub driver: Driver,
}

impl Default for Config {
    /// No address.
    fn default() -> Self {
        Self {
            https: Vec::new(),
            http: Vec::new(),
            lmtp: Vec::new(),
            lmtp_socket: None,
            certificates: None,
            tickets: None,
            hostname: "localhost".into(),
            message_bytes_max: limits::MESSAGE_BYTES_MAX,
            deadlines: Deadlines::default(),
            caps: Caps::default(),
            handshakes_per_s: limits::HANDSHAKES_PER_S,
            driver: Driver::Auto,
        }
    }
}

/// Deadlines of connections, in milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Deadlines {
    /// From the first byte (of a connection: from its beginning) to the end of the head.
    pub head_ms: u64,
    /// For each [`limits::PROGRESS_BYTES`] of a body.
    pub body_ms: u64,
    /// Between two requests.
    pub idle_ms: u64,
    /// For each [`limits::PROGRESS_BYTES`] of an answer.
    pub write_ms: u64,
    /// Between two reads of an LMTP session.
    pub lmtp_ms: u64,
    /// Over how much time the answers to parked requests are spread when the server stops.
    pub drain_ms: u64,
    /// How often deadlines are looked at: so late they may be met.
    pub tick_ms: u64,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            head_ms: limits::HTTP_HEAD_DEADLINE_S * 1_000,
            body_ms: limits::HTTP_BODY_DEADLINE_S * 1_000,
            idle_ms: limits::HTTP_IDLE_S * 1_000,
            write_ms: limits::HTTP_WRITE_DEADLINE_S * 1_000,
            lmtp_ms: limits::LMTP_IDLE_S * 1_000,
            drain_ms: 0,
            tick_ms: 1_000,
        }
    }
}

/// How the kernel is asked about sockets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Driver {
    /// io_uring where the kernel lets us, else epoll.
    Auto,
    /// epoll.
    Epoll,
}

/// Why nothing is served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An address is taken, or not ours, or its port is not allowed.
    #[error("cannot listen on {addr}: {source}")]
    Listen {
        /// Which one.
        addr: String,
        /// What the system says.
        source: io::Error,
    },
    /// An address for HTTPS without a certificate.
    #[error("HTTPS needs a certificate")]
    NoCertificate,
    /// TLS cannot be set up.
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The system gives no thread, ring or descriptor.
    #[error("cannot start a core: {0}")]
    Core(io::Error),
}

/// A running network side.
pub struct Server {
    shared: Arc<Shared>,
    /// Bound addresses, in the order of the configuration.
    addresses: [Vec<SocketAddr>; 3],
    /// One per core: how long requests in flight may take once it stops.
    stops: Vec<flume::Sender<Duration>>,
    threads: Vec<JoinHandle<()>>,
    /// Ends the look at the certificate files when dropped.
    watch: Option<flume::Sender<()>>,
    _watchdog: Watchdog,
}

/// Reads the counters of a server from anywhere. A cheap clone.
#[derive(Clone)]
pub struct Meter(Arc<Shared>);

impl Meter {
    /// The counters of all cores at this moment.
    #[must_use]
    pub fn read(&self) -> Metrics {
        self.report().total
    }

    /// Everything that is counted and measured.
    #[must_use]
    pub fn report(&self) -> Report {
        self.0.report()
    }
}

/// The listeners of one core.
type Listeners = Vec<(Kind, OwnedFd)>;

/// Binds all addresses, then starts the cores: a thread for each line of `switch`, over which
/// parked requests are told what happens. `make` is called on the thread of each core with its
/// number, and makes what is served there.
///
/// # Errors
/// See [`Error`]. Nothing is served then.
pub fn start<S: Service, L: Lmtp>(
    config: Config,
    clock: Clock,
    switch: Switch<<S::Parked as Parked>::Signal>,
    make: impl Fn(usize) -> (S, L) + Send + Sync + 'static,
) -> Result<Server, Error> {
    let cores = switch.cores();
    let mut listeners: Vec<Listeners> = (0..cores).map(|_| Vec::new()).collect();
    let addresses = [
        bind(&config.https, Kind::Https, &mut listeners)?,
        bind(&config.http, Kind::Http, &mut listeners)?,
        bind(&config.lmtp, Kind::Lmtp, &mut listeners)?,
    ];
    bind_unix(&config, &mut listeners)?;
    let tls = match (&config.certificates, config.https.is_empty()) {
        (Some(certificates), _) => {
            let tickets = config.tickets.clone().map_or_else(own_tickets, Ok)?;
            Some(tls::server_config(Arc::clone(certificates), tickets)?)
        }
        (None, true) => None,
        (None, false) => return Err(Error::NoCertificate),
    };
    let shared = Arc::new(Shared {
        clock,
        deadlines: config.deadlines,
        hostname: config.hostname.clone(),
        message_bytes_max: config.message_bytes_max,
        gauges: (0..cores).map(|_| Arc::default()).collect(),
        admission: Admission::new(config.caps),
        tls,
        handshakes_per_s: (config.handshakes_per_s / cores as u64).max(1),
    });
    let watchdog = Watchdog::start(shared.gauges.clone(), shared.clock.clone());
    let mut server = Server {
        _watchdog: watchdog.map_err(Error::Core)?,
        watch: config.certificates.clone().map(watch).transpose()?,
        shared: Arc::clone(&shared),
        addresses,
        stops: Vec::new(),
        threads: Vec::new(),
    };
    let make = Arc::new(make);
    let traffic = Arc::new(Traffic::<S::Parked> {
        switch,
        stays: Boxes::new(cores),
    });
    for (n, listeners) in listeners.into_iter().enumerate() {
        let (stop, stopped) = flume::bounded(1);
        let (up, ready) = flume::bounded(1);
        let (make, shared, driver) = (Arc::clone(&make), Arc::clone(&shared), config.driver);
        let traffic = Arc::clone(&traffic);
        let run = move || {
            slice::ask_for_short_turns();
            let serve = async || {
                let ready = Ready::new(driver)?;
                let waits_on = if ready.is_ring() { "io_uring" } else { "epoll" };
                tracing::info!(core = n, waits_on, "a core serves");
                let bells = Rc::new(Bells::new(&ready)?);
                let (service, lmtp) = make(n);
                let core = Core::new(n, service, lmtp, shared, traffic, ready);
                let _ = up.send(());
                serve(core, bells, listeners, stopped).await;
                Ok(())
            };
            if let Err(e) = block_on(driver, serve()).and_then(|done: io::Result<()>| done) {
                tracing::error!("core {n} cannot run: {e}");
            }
        };
        let thread = thread::Builder::new().name(format!("core-{n}")).spawn(run);
        server.threads.push(thread.map_err(Error::Core)?);
        server.stops.push(stop);
        ready
            .recv()
            .map_err(|_| Error::Core(io::Error::other("a core ended at once")))?;
    }
    Ok(server)
}

/// Tickets under a key of this start.
fn own_tickets() -> Result<Arc<Tickets>, Error> {
    let no_random = |e: getrandom::Error| Error::Core(io::Error::other(e.to_string()));
    Ok(Tickets::new(vec![TicketKey::make(0).map_err(no_random)?]))
}

/// Runs a future on a fresh runtime of this thread.
fn block_on<T>(driver: Driver, future: impl Future<Output = T>) -> io::Result<T> {
    Ok(match driver {
        Driver::Auto => RuntimeBuilder::<FusionDriver>::new()
            .with_entries(RING_ENTRIES)
            .enable_timer()
            .build()?
            .block_on(future),
        Driver::Epoll => RuntimeBuilder::<LegacyDriver>::new()
            .enable_timer()
            .build()?
            .block_on(future),
    })
}

/// Binds each address once per core, to the same port.
fn bind(
    addrs: &[SocketAddr],
    kind: Kind,
    listeners: &mut [Listeners],
) -> Result<Vec<SocketAddr>, Error> {
    let listen = |addr: SocketAddr| -> Result<(TcpListener, SocketAddr), Error> {
        let bound = socket::listen(addr, kind == Kind::Https)
            .and_then(|l| l.local_addr().map(|addr| (l, addr)));
        bound.map_err(|source| Error::Listen {
            addr: addr.to_string(),
            source,
        })
    };
    let mut bound = Vec::new();
    for &addr in addrs {
        // The first finds out the port, and whether somebody else has it.
        let mut actual = addr;
        for core in listeners.iter_mut() {
            let (listener, addr) = listen(actual)?;
            actual = addr;
            core.push((kind, listener.into()));
        }
        bound.push(actual);
    }
    Ok(bound)
}

/// Binds the Unix socket; the first core accepts from it.
fn bind_unix(config: &Config, listeners: &mut [Listeners]) -> Result<(), Error> {
    let (Some(path), Some(first)) = (&config.lmtp_socket, listeners.first_mut()) else {
        return Ok(());
    };
    let attempt = || {
        // Of a process that is gone: a socket in use cannot be told from it, a file can.
        if std::os::unix::net::UnixStream::connect(path).is_ok() {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        match std::fs::remove_file(path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let listener = UnixListener::bind(path)?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    let listener = attempt().map_err(|source| Error::Listen {
        addr: path.display().to_string(),
        source,
    })?;
    first.push((Kind::Lmtp, listener.into()));
    Ok(())
}

/// Looks at the certificate files now and then, on a thread of its own: cores do not wait for
/// disks.
fn watch(certificates: Arc<Certificates>) -> Result<flume::Sender<()>, Error> {
    let (watch, ended) = flume::bounded::<()>(0);
    let look = move || {
        while let Err(flume::RecvTimeoutError::Timeout) = ended.recv_timeout(CERTIFICATE_PERIOD) {
            match certificates.reload_if_changed() {
                Ok(true) => tracing::info!("the certificate was replaced"),
                Ok(false) => {}
                Err(e) => tracing::warn!("the certificate stays as it was: {e}"),
            }
        }
    };
    thread::Builder::new()
        .name("certificates".into())
        .spawn(look)
        .map_err(Error::Core)?;
    Ok(watch)
}

/// The life of one core.
async fn serve<S: Service, L: Lmtp>(
    core: Rc<Core<S, L>>,
    bells: Rc<Bells>,
    listeners: Listeners,
    stopped: flume::Receiver<Duration>,
) {
    let ticker = monoio::spawn(tick(Rc::clone(&core)));
    let kept = Rc::clone(&core);
    core.spawn_keeper(move || keeper::keep(Rc::clone(&kept), Rc::clone(&bells)));
    let porter = Rc::clone(&core);
    core.spawn_lasting(move || hold_the_gate(Rc::clone(&porter)));
    for (kind, listener) in listeners {
        accept::spawn(&core, kind, listener);
    }
    // A server that is dropped stops at once.
    let grace = stopped.recv_async().await.unwrap_or_default();
    core.enter(Phase::Stopping);
    let _ = monoio::time::timeout(grace, core.drained()).await;
    core.enter(Phase::Aborting);
    let _ = monoio::time::timeout(Duration::from_secs(1), core.drained()).await;
    if let Some(bell) = core.traffic.switch.bell(core.number) {
        bell.close();
    }
    drop(ticker);
}

/// Lets those pass that wait to begin their handshake.
async fn hold_the_gate<S: Service, L: Lmtp>(core: Rc<Core<S, L>>) {
    loop {
        core.gate.is_wanted().await;
        monoio::time::sleep(gate::PERIOD).await;
        core.gate.serve(core.timers.now_ms());
    }
}

/// Looks at the deadlines.
async fn tick<S: Service, L: Lmtp>(core: Rc<Core<S, L>>) {
    let tick = Duration::from_millis(core.shared.deadlines.tick_ms.max(1));
    loop {
        monoio::time::sleep(tick).await;
        core.timers.tick();
        core.lot.tick(core.timers.now_ms());
        core.ready.knock();
    }
}

impl Server {
    /// The bound addresses for HTTPS, in the order of the configuration.
    #[must_use]
    pub fn https(&self) -> &[SocketAddr] {
        &self.addresses[0]
    }

    /// The bound addresses for plain HTTP.
    #[must_use]
    pub fn http(&self) -> &[SocketAddr] {
        &self.addresses[1]
    }

    /// The bound addresses for LMTP.
    #[must_use]
    pub fn lmtp(&self) -> &[SocketAddr] {
        &self.addresses[2]
    }

    /// The counters at this moment.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.shared.report().total
    }

    /// What reads the counters, for whoever shows them.
    #[must_use]
    pub fn meter(&self) -> Meter {
        Meter(Arc::clone(&self.shared))
    }

    /// Ends in an orderly way: nothing new is accepted, parked requests are answered as if their
    /// time had come, requests in flight have `grace` to finish, the rest is dropped. Blocks
    /// until all cores have ended.
    pub fn stop(mut self, grace: Duration) {
        self.end(grace);
    }

    fn end(&mut self, grace: Duration) {
        self.watch = None;
        for stop in self.stops.drain(..) {
            let _ = stop.send(grace);
        }
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a core ended by a panic");
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end(Duration::ZERO);
    }
}
