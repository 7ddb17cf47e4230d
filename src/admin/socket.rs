//! The admin socket: orders as JSON lines over a Unix socket in the data directory.
//!
//! One thread per connection, few connections: an import opens some, everything else one. The
//! socket's directory decides who may connect; the socket itself is made for its owner only.

use super::{Desk, Order, Refusal, Reply};
use crate::limits::MESSAGE_BYTES_MAX;
use crate::work::block_on;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Connections at a time.
const CONNECTIONS_MAX: usize = 64;
/// Bytes of an order or reply without its payload.
const LINE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Where the socket of a data directory is.
#[must_use]
pub fn path(data: &Path) -> PathBuf {
    data.join("admin.sock")
}

/// Listens, and carries out orders until the process ends. The caller holds the store's lock, so a
/// socket that is there already was left by a process that is gone.
///
/// # Errors
/// When the socket cannot be made.
pub fn listen(data: &Path, desk: Desk) -> io::Result<()> {
    let path = path(data);
    match std::fs::remove_file(&path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    std::thread::Builder::new()
        .name("admin".into())
        .spawn(move || accept(&listener, &desk))?;
    Ok(())
}

fn accept(listener: &UnixListener, desk: &Desk) {
    let open = Arc::new(AtomicUsize::new(0));
    for stream in listener.incoming() {
        let Ok(stream) = stream else { continue };
        if open.fetch_add(1, Ordering::Relaxed) >= CONNECTIONS_MAX {
            open.fetch_sub(1, Ordering::Relaxed);
            continue;
        }
        let (desk, count) = (desk.clone(), Arc::clone(&open));
        let thread = std::thread::Builder::new()
            .name("admin-order".into())
            .spawn(move || {
                if let Err(e) = converse(&stream, &desk) {
                    tracing::debug!(error = %e, "admin connection ended");
                }
                count.fetch_sub(1, Ordering::Relaxed);
            });
        if thread.is_err() {
            open.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

fn converse(stream: &UnixStream, desk: &Desk) -> io::Result<()> {
    let mut from = BufReader::new(stream);
    let mut to = stream;
    while let Some(line) = read_line(&mut from)? {
        let reply = match serde_json::from_str::<Order>(&line) {
            Ok(order) => {
                let payload = read_payload(&mut from, order.payload_bytes())?;
                block_on(desk.carry_out(order, payload))
            }
            Err(e) => Reply::Refused {
                refusal: Refusal::Wrong(format!("an order that this release does not know: {e}")),
            },
        };
        write_line(&mut to, &reply)?;
    }
    Ok(())
}

fn read_line(from: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = String::new();
    let n = from.take(LINE_BYTES_MAX).read_line(&mut line)?;
    match (n, line.ends_with('\n')) {
        (0, _) => Ok(None),
        (_, true) => Ok(Some(line)),
        (_, false) => Err(io::Error::other("an order without an end")),
    }
}

fn read_payload(from: &mut impl Read, bytes: u64) -> io::Result<Vec<u8>> {
    if usize::try_from(bytes).map_or(true, |n| n > MESSAGE_BYTES_MAX) {
        return Err(io::Error::other("a payload beyond the largest message"));
    }
    let mut payload = Vec::new();
    if from.take(bytes).read_to_end(&mut payload)? as u64 == bytes {
        Ok(payload)
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

fn write_line(to: &mut impl Write, value: &impl serde::Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    to.write_all(&line)
}

/// The other end: a command's connection to the running appliance.
pub struct Connection {
    from: BufReader<UnixStream>,
}

impl Connection {
    /// Connects to the appliance of a data directory; `None` when none runs.
    ///
    /// # Errors
    /// When it runs but does not let this user in.
    pub fn open(data: &Path) -> io::Result<Option<Self>> {
        match UnixStream::connect(path(data)) {
            Ok(stream) => Ok(Some(Self {
                from: BufReader::new(stream),
            })),
            Err(e)
                if matches!(
                    e.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
                ) =>
            {
                Ok(None)
            }
            Err(e) => Err(e),
        }
    }

    /// Sends an order with its payload and waits for the reply.
    ///
    /// # Errors
    /// When the appliance ends meanwhile.
    pub fn ask(&mut self, order: &Order, payload: &[u8]) -> io::Result<Reply> {
        let mut to = self.from.get_ref();
        write_line(&mut to, order)?;
        to.write_all(payload)?;
        let line = read_line(&mut self.from)?
            .ok_or_else(|| io::Error::other("the appliance ended before it replied"))?;
        Ok(serde_json::from_str(&line)?)
    }
}
