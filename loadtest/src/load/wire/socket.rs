//! A socket that says when it is ready, and is read and written without waiting: no operation in
//! flight ever owns a buffer.

#![expect(
    unsafe_code,
    reason = "a borrowed descriptor, and an option without a safe form"
)]

use socket2::{Domain, Protocol, SockRef, Socket as RawSocket, Type};
use std::io::{self, Read as _};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsRawFd as _, BorrowedFd, RawFd};
use std::time::Duration;

/// A connection.
pub(super) struct Socket(monoio::net::TcpStream);

impl Socket {
    /// Begins to connect.
    pub(super) fn connect(to: SocketAddr, from: Option<IpAddr>) -> io::Result<Self> {
        let socket = RawSocket::new(Domain::for_address(to), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        if let Some(from) = from {
            bind_without_port(socket.as_raw_fd());
            socket.bind(&SocketAddr::new(from, 0).into())?;
        }
        match socket.connect(&to.into()) {
            Err(e) if e.raw_os_error() != Some(libc::EINPROGRESS) => return Err(e),
            _ => {}
        }
        Ok(Self(monoio::net::TcpStream::from_std(socket.into())?))
    }

    /// Whether connecting worked, once it is writable.
    pub(super) fn connected(&self) -> io::Result<()> {
        self.raw(|socket| socket.take_error())?.map_or(Ok(()), Err)
    }

    /// Completes when a read would not wait.
    pub(super) async fn readable(&self) -> io::Result<()> {
        // Not relaxed: readiness that was noted before a read of ours would stay for ever.
        self.0.readable(false).await
    }

    /// Completes when a write would not wait.
    pub(super) async fn writable(&self) -> io::Result<()> {
        self.0.writable(false).await
    }

    /// Reads what is there; 0 is the end.
    pub(super) fn read(&self, buf: &mut [u8]) -> io::Result<usize> {
        retry(|| self.raw(|mut socket| socket.read(buf)))
    }

    /// Writes what the kernel takes.
    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        retry(|| self.raw(|socket| socket.send_with_flags(bytes, libc::MSG_NOSIGNAL)))
    }

    /// Closing it shall reset it.
    pub(super) fn will_reset(&self) {
        let _ = self.raw(|socket| socket.set_linger(Some(Duration::ZERO)));
    }

    fn raw<T>(&self, call: impl FnOnce(&RawSocket) -> T) -> T {
        // SAFETY: the stream owns the descriptor and lives longer than the call.
        let fd = unsafe { BorrowedFd::borrow_raw(self.0.as_raw_fd()) };
        call(&SockRef::from(&fd))
    }
}

fn retry(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match call() {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// Lets a port be chosen at `connect`, when the other end is known: a port then serves many targets,
/// and is no longer looked for among those of all sockets. A kernel without it chooses at once.
fn bind_without_port(fd: RawFd) {
    let on: libc::c_int = 1;
    let bytes = libc::socklen_t::try_from(size_of_val(&on)).unwrap_or(0);
    // SAFETY: the descriptor is open, and the pointer is to a live integer of the size given.
    unsafe {
        libc::setsockopt(
            fd,
            libc::IPPROTO_IP,
            libc::IP_BIND_ADDRESS_NO_PORT,
            (&raw const on).cast(),
            bytes,
        );
    }
}
