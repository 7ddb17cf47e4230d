//! A socket that says when it is ready, and is read and written without waiting.
//!
//! The runtime only tells readiness; bytes go through the caller's buffers. So no operation in
//! flight ever owns a buffer, and a waiting socket has none.

#![expect(
    unsafe_code,
    reason = "the runtime's stream lends its descriptor as a number only"
)]

use std::io::{self, Read};
use std::net::{self, SocketAddr};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use monoio::net::TcpStream;
use socket2::{Domain, Protocol, SockRef, Socket as RawSocket, TcpKeepalive, Type};

use crate::limits;

/// A connection, or a listener, as the runtime sees it.
pub(super) struct Socket(TcpStream);

impl Socket {
    /// Hands the descriptor to this thread's runtime. It must be non-blocking.
    pub(super) fn new(fd: OwnedFd) -> io::Result<Self> {
        TcpStream::from_std(net::TcpStream::from(fd)).map(Self)
    }

    /// Completes when a read would not wait, also at the end of the stream or after an error.
    pub(super) async fn readable(&self) -> io::Result<()> {
        // Not relaxed: relaxed readiness is never taken back on the epoll driver.
        self.0.readable(false).await
    }

    /// Completes when a write would not wait.
    pub(super) async fn writable(&self) -> io::Result<()> {
        self.0.writable(false).await
    }

    /// Reads what is there; 0 is the end of the stream.
    pub(super) fn read(&self, buf: &mut [u8]) -> io::Result<usize> {
        let fd = self.fd();
        let mut socket: &RawSocket = &SockRef::from(&fd);
        retry(|| socket.read(buf))
    }

    /// Writes what the kernel takes.
    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let fd = self.fd();
        let socket = SockRef::from(&fd);
        retry(|| socket.send_with_flags(bytes, libc::MSG_NOSIGNAL))
    }

    /// Ends our side of the stream.
    pub(super) fn finish(&self) {
        let fd = self.fd();
        let _ = SockRef::from(&fd).shutdown(net::Shutdown::Write);
    }

    fn fd(&self) -> BorrowedFd<'_> {
        // SAFETY: the descriptor is open as long as `self.0` lives, which the returned lifetime
        // is bound to; nobody else closes it.
        unsafe { BorrowedFd::borrow_raw(self.0.as_raw_fd()) }
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

/// A TCP listener that shares its port with those of the other cores. What accepted connections
/// need is set here: they inherit it on Linux.
pub(super) fn listen(addr: SocketAddr) -> io::Result<net::TcpListener> {
    let socket = RawSocket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_keepalive(
        &TcpKeepalive::new()
            .with_time(Duration::from_secs(limits::KEEPALIVE_IDLE_S))
            .with_interval(Duration::from_secs(limits::KEEPALIVE_INTERVAL_S))
            .with_retries(limits::KEEPALIVE_PROBES),
    )?;
    socket.set_tcp_user_timeout(Some(Duration::from_secs(limits::USER_TIMEOUT_S)))?;
    socket.bind(&addr.into())?;
    socket.listen(limits::BACKLOG)?;
    Ok(socket.into())
}
