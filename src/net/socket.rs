//! A socket that says when it is ready, and is read and written without waiting.
//!
//! Bytes go through the caller's buffers at the moment of the call, so no operation in flight ever
//! owns one, and a waiting socket has none.

#![expect(unsafe_code, reason = "an option of sockets that has no safe form")]

use std::io::{self, Read};
use std::net::{self, SocketAddr};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::time::Duration;

use rustix::net::RecvFlags;
use socket2::{Domain, Protocol, SockRef, Socket as RawSocket, TcpKeepalive, Type};

use super::ready::{Interest, Ready};
use crate::limits;

/// A connection, or a listener, on a core.
pub(super) struct Socket {
    fd: OwnedFd,
    ready: Rc<Ready>,
}

impl Socket {
    /// A descriptor, which must be non-blocking, on this core.
    pub(super) fn new(fd: OwnedFd, ready: &Rc<Ready>) -> Self {
        Self {
            fd,
            ready: Rc::clone(ready),
        }
    }

    /// The descriptor, to be taken elsewhere.
    pub(super) fn into_fd(self) -> OwnedFd {
        self.fd
    }

    /// Completes when a read would not wait, also at the end of the stream or after an error.
    pub(super) async fn readable(&self) -> io::Result<()> {
        self.ready.wait(self.fd.as_fd(), Interest::Read).await
    }

    /// Completes when a write would not wait.
    pub(super) async fn writable(&self) -> io::Result<()> {
        self.ready.wait(self.fd.as_fd(), Interest::Write).await
    }

    /// Reads what is there; 0 is the end of the stream.
    pub(super) fn read(&self, buf: &mut [u8]) -> io::Result<usize> {
        let mut socket: &RawSocket = &SockRef::from(&self.fd);
        retry(|| socket.read(buf))
    }

    /// Reads what is there, and leaves it there.
    pub(super) fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        let socket = SockRef::from(&self.fd);
        retry(|| {
            rustix::net::recv(&*socket, &mut *buf, RecvFlags::PEEK)
                .map(|(n, _)| n)
                .map_err(io::Error::from)
        })
    }

    /// Writes what the kernel takes.
    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let socket = SockRef::from(&self.fd);
        retry(|| socket.send_with_flags(bytes, libc::MSG_NOSIGNAL))
    }

    /// Ends our side of the stream.
    pub(super) fn finish(&self) {
        let _ = SockRef::from(&self.fd).shutdown(net::Shutdown::Write);
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
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

/// Lets the kernel keep connections until their first bytes are there. One that cannot hands them over
/// at once.
fn defer_accept(socket: &RawSocket) {
    let seconds = libc::c_int::try_from(limits::HTTP_HEAD_DEADLINE_S).unwrap_or(libc::c_int::MAX);
    let bytes = libc::socklen_t::try_from(size_of_val(&seconds)).unwrap_or(0);
    // SAFETY: the descriptor is open, and the pointer is to a live integer of the size given.
    unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_DEFER_ACCEPT,
            (&raw const seconds).cast(),
            bytes,
        );
    }
}

/// A TCP listener that shares its port with those of the other cores. What accepted connections
/// need is set here: they inherit it on Linux. `peer_first`: the peer speaks first, and until it does
/// there is nothing to accept.
pub(super) fn listen(addr: SocketAddr, peer_first: bool) -> io::Result<net::TcpListener> {
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
    if peer_first {
        defer_accept(&socket);
    }
    socket.bind(&addr.into())?;
    socket.listen(limits::BACKLOG)?;
    Ok(socket.into())
}
