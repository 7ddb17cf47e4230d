//! Outgoing SMTP connections: [`smtp::client`](crate::smtp::client) over a socket of the system, with TLS.
//!
//! Blocking, on a thread of the caller's own: a mail that goes out waits for somebody else's disk, and
//! nobody waits for it. Every read and write has a deadline. A stop is noticed within half a second; only
//! the reply to a mail that was sent to its end is waited for a little longer.
//!
//! Deliberately absent: the runtime of the cores, pools (the caller keeps a connection as long as it
//! likes), client certificates, DANE.

use std::fmt;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::clock::{Clock, MonoMs};
use crate::limits;
use crate::smtp::client::{Client, Envelope, Login, Report, Step, Stuffing, Terms};

/// Where systems keep the roots that they trust.
const SYSTEM_ROOTS: [&str; 2] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
];
/// How often a read looks whether it is to stop.
const GLANCE: Duration = Duration::from_millis(500);

/// How the way to a server is protected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protection {
    /// STARTTLS, or nothing is sent.
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// None.
    Open,
}

/// A server that takes mail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hop {
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// How the way to it is protected.
    pub protection: Protection,
    /// Roots for its certificate, PEM; empty: those of the system.
    pub roots: PathBuf,
    /// The name that we give ourselves.
    pub helo: String,
}

/// Tells connections that they are to stop.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<(Mutex<bool>, Condvar)>);

impl Stop {
    /// Now.
    pub fn set(&self) {
        let (is_set, told) = &*self.0;
        *is_set.lock().unwrap_or_else(PoisonError::into_inner) = true;
        told.notify_all();
    }

    /// It is so.
    #[must_use]
    pub fn is_set(&self) -> bool {
        let (is_set, _) = &*self.0;
        *is_set.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits so long, or until it is so; says whether it is.
    #[must_use]
    pub fn wait(&self, most: Duration) -> bool {
        let (is_set, told) = &*self.0;
        let is_set = is_set.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = told.wait_timeout_while(is_set, most, |is_set| !*is_set);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
    /// Between the two.
    None,
}

impl Stream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(buf),
            Self::Tls(stream) => stream.read(buf),
            Self::None => Err(ErrorKind::NotConnected.into()),
        }
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.write_all(bytes),
            Self::Tls(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
            Self::None => Err(ErrorKind::NotConnected.into()),
        }
    }
}

/// A connection to a server.
pub struct Courier {
    stream: Stream,
    client: Client,
    clock: Clock,
    stop: Stop,
    mails: u32,
}

impl fmt::Debug for Courier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Courier")
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}

impl Courier {
    /// Connects, encrypts and logs in.
    ///
    /// # Errors
    /// Why there is no session, for people.
    pub fn connect(
        hop: &Hop,
        login: Option<Login>,
        clock: &Clock,
        stop: &Stop,
    ) -> Result<Self, String> {
        let socket = dial(&hop.host, hop.port)?;
        let terms = Terms {
            helo: hop.helo.clone(),
            starttls: hop.protection == Protection::StartTls,
            login,
        };
        let encrypted = hop.protection == Protection::Tls;
        let stream = match encrypted {
            true => Stream::Tls(Box::new(encrypt(socket, hop)?)),
            false => Stream::Plain(socket),
        };
        let mut courier = Self {
            stream,
            client: Client::new(terms, encrypted),
            clock: clock.clone(),
            stop: stop.clone(),
            mails: 0,
        };
        loop {
            match courier.advance() {
                Step::Ready => return Ok(courier),
                Step::StartTls => courier.start_tls(hop)?,
                Step::Closed(why) => {
                    return Err(why.unwrap_or_else(|| "the server closed the session".into()));
                }
                Step::Read | Step::Content | Step::Report(_) => {
                    return Err("the session is out of step".into());
                }
            }
        }
    }

    /// Mails that went over it.
    #[must_use]
    pub fn mails(&self) -> u32 {
        self.mails
    }

    /// A further mail may go over it.
    #[must_use]
    pub fn is_open(&mut self) -> bool {
        self.client.step(&[]) == Step::Ready
    }

    /// Sends a mail. `content` appends the next piece of the message to a buffer, and says whether there was
    /// one.
    pub fn send(
        &mut self,
        envelope: &Envelope,
        mut content: impl FnMut(&mut Vec<u8>) -> Result<bool, String>,
    ) -> Report {
        self.mails += 1;
        if let Some(report) = self.client.send(envelope.clone()) {
            return report;
        }
        loop {
            match self.advance() {
                Step::Report(report) => return report,
                Step::Content => {
                    if let Err(why) = self.stream_content(&mut content)
                        && let Some(report) = self.lost(&why)
                    {
                        return report;
                    }
                }
                Step::Closed(why) => {
                    return Report::later(
                        envelope,
                        why.as_deref().unwrap_or("the session is closed"),
                    );
                }
                Step::Ready | Step::Read | Step::StartTls => {
                    let why = "the session is out of step";
                    return self
                        .lost(why)
                        .unwrap_or_else(|| Report::later(envelope, why));
                }
            }
        }
    }

    /// Says goodbye.
    pub fn quit(mut self) {
        self.client.quit();
        // Whoever is told does not have to answer.
        let output = self.client.take_output();
        if self.stream.write_all(&output).is_ok()
            && let Stream::Tls(stream) = &mut self.stream
        {
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    }

    fn lost(&mut self, why: &str) -> Option<Report> {
        self.stream = Stream::None;
        self.client.lost(why)
    }

    /// Sends and reads up to something that the caller has to do.
    fn advance(&mut self) -> Step {
        let mut input = Vec::new();
        loop {
            let step = self.client.step(&input);
            input.clear();
            let output = self.client.take_output();
            if !output.is_empty()
                && let Err(e) = self.stream.write_all(&output)
            {
                match self.lost(&broken(&e)) {
                    Some(report) => return Step::Report(report),
                    None => continue,
                }
            }
            if step != Step::Read {
                return step;
            }
            if let Err(why) = self.read(&mut input)
                && let Some(report) = self.lost(&why)
            {
                return Step::Report(report);
            }
        }
    }

    fn read(&mut self, input: &mut Vec<u8>) -> Result<(), String> {
        let accepts = self.client.awaits_acceptance();
        let patience_s = if accepts {
            limits::SMTP_ACCEPT_S
        } else {
            limits::SMTP_REPLY_S
        };
        let begun_ms = self.clock.mono_ms();
        let mut deadline_ms = begun_ms + patience_s * 1_000;
        let mut stops = false;
        let mut buf = [0; 4096];
        loop {
            match self.stream.read(&mut buf) {
                Ok(0) => return Err("the server closed the connection".into()),
                Ok(n) => {
                    input.extend_from_slice(buf.get(..n).unwrap_or_default());
                    return Ok(());
                }
                Err(e) if is_timeout(&e) => {}
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(broken(&e)),
            }
            let now_ms = self.clock.mono_ms();
            if self.stop.is_set() && !std::mem::replace(&mut stops, true) {
                let grace_s = if accepts { limits::SMTP_STOP_S } else { 0 };
                deadline_ms = deadline_ms.min(now_ms + grace_s * 1_000);
            }
            if now_ms >= deadline_ms {
                return Err(gave_up(stops, now_ms - begun_ms));
            }
        }
    }

    fn stream_content(
        &mut self,
        content: &mut impl FnMut(&mut Vec<u8>) -> Result<bool, String>,
    ) -> Result<(), String> {
        let mut stuffing = Stuffing::default();
        let (mut piece, mut wire) = (Vec::new(), Vec::new());
        while content(&mut piece)? {
            for part in piece.chunks(limits::PROGRESS_BYTES) {
                if self.stop.is_set() {
                    return Err("stopped in the middle".into());
                }
                wire.clear();
                stuffing.push(part, &mut wire);
                self.stream.write_all(&wire).map_err(|e| broken(&e))?;
            }
            piece.clear();
        }
        // The dot goes out with the output.
        self.client.end_content(stuffing);
        Ok(())
    }

    fn start_tls(&mut self, hop: &Hop) -> Result<(), String> {
        let Stream::Plain(socket) = std::mem::replace(&mut self.stream, Stream::None) else {
            return Err("the session is out of step".into());
        };
        self.stream = Stream::Tls(Box::new(encrypt(socket, hop)?));
        self.client.encrypted();
        Ok(())
    }
}

fn gave_up(stops: bool, waited_ms: MonoMs) -> String {
    match stops {
        true => "stopped before there was a reply".into(),
        false => format!("no reply within {} s", waited_ms / 1_000),
    }
}

fn is_timeout(e: &io::Error) -> bool {
    matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

fn broken(e: &io::Error) -> String {
    match is_timeout(e) {
        true => "the server takes nothing".into(),
        false => format!("the connection broke: {e}"),
    }
}

fn dial(host: &str, port: u16) -> Result<TcpStream, String> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let found = (bare, port)
        .to_socket_addrs()
        .map_err(|e| format!("{host} has no address: {e}"))?;
    let mut why = format!("{host} has no address");
    for addr in found {
        match TcpStream::connect_timeout(&addr, Duration::from_secs(limits::SMTP_CONNECT_S)) {
            Ok(socket) => {
                let ready = socket
                    .set_nodelay(true)
                    .and_then(|()| socket.set_read_timeout(Some(GLANCE)))
                    .and_then(|()| {
                        socket.set_write_timeout(Some(Duration::from_secs(limits::SMTP_WRITE_S)))
                    });
                return ready.map(|()| socket).map_err(|e| e.to_string());
            }
            Err(e) => why = format!("no connection to {addr}: {e}"),
        }
    }
    Err(why)
}

/// Does the handshake.
fn encrypt(
    mut socket: TcpStream,
    hop: &Hop,
) -> Result<StreamOwned<ClientConnection, TcpStream>, String> {
    let name = hop.host.trim_start_matches('[').trim_end_matches(']');
    let name = ServerName::try_from(name.to_owned())
        .map_err(|_| format!("{name} is no name that a certificate could have"))?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?
        .with_root_certificates(roots(&hop.roots)?)
        .with_no_client_auth();
    let mut tls = ClientConnection::new(Arc::new(config), name).map_err(|e| format!("TLS: {e}"))?;
    let patience = |s| socket.set_read_timeout(Some(s)).map_err(|e| e.to_string());
    patience(Duration::from_secs(limits::SMTP_CONNECT_S))?;
    while tls.is_handshaking() {
        match tls.complete_io(&mut (&socket)) {
            Ok((0, 0)) => return Err("TLS: the server closed the connection".into()),
            Ok(_) => {}
            Err(e) if is_timeout(&e) => return Err("TLS: no reply".into()),
            Err(e) => return Err(format!("TLS: {e}")),
        }
    }
    patience(GLANCE)?;
    socket.flush().map_err(|e| e.to_string())?;
    Ok(StreamOwned::new(tls, socket))
}

fn roots(path: &Path) -> Result<RootCertStore, String> {
    let named = [path.to_owned()];
    let system = SYSTEM_ROOTS.map(PathBuf::from);
    let files = if path.as_os_str().is_empty() {
        &system[..]
    } else {
        &named[..]
    };
    let mut roots = RootCertStore::empty();
    let mut why = String::new();
    for file in files {
        match CertificateDer::pem_file_iter(file) {
            Ok(found) => {
                roots.add_parsable_certificates(found.filter_map(Result::ok));
                if !roots.is_empty() {
                    return Ok(roots);
                }
                why = format!(
                    "{} has no certificate of an issuer in it (PEM)",
                    file.display()
                );
            }
            Err(e) => why = format!("cannot read {}: {e}", file.display()),
        }
    }
    Err(why)
}
