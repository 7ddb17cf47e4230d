//! Listeners: new connections, or a word to those that find no place.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::time::Duration;

use rustix::net::{SocketFlags, acceptfrom_with};

use super::admission::Place;
use super::connection;
use super::core::{Core, Ends, yield_now};
use super::lmtp::Delivery;
use super::lot::{Departure, Link, Start};
use super::service::{Lmtp, Service};
use super::socket::Socket;
use super::tls::Tls;
use super::transport::Transport;
use crate::http::{Answer, Peer, Terms};
use crate::limits;

/// How long to leave off after the system refused a descriptor or memory.
const BACK_OFF: Duration = Duration::from_millis(100);

/// What is spoken on a listener.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Https,
    Http,
    Lmtp,
}

/// The next connection, non-blocking. A Unix peer counts as loopback.
fn accept(listener: BorrowedFd<'_>) -> io::Result<(OwnedFd, SocketAddr)> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let (fd, peer) = acceptfrom_with(listener, flags)?;
    let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let addr = peer.and_then(|peer| SocketAddr::try_from(peer).ok());
    Ok((fd, addr.unwrap_or(here)))
}

/// Starts to accept on a core; ends when the core stops.
pub(super) fn spawn<S: Service, L: Lmtp>(core: &Rc<Core<S, L>>, kind: Kind, fd: OwnedFd) {
    let listener = Rc::new(Socket::new(fd, &core.ready));
    let acceptor = Rc::clone(core);
    core.spawn_lasting(move || {
        let (core, listener) = (Rc::clone(&acceptor), Rc::clone(&listener));
        async move {
            loop {
                if let Err(e) = accept_all(&core, kind, &listener).await {
                    // EMFILE and the like: the connections that are there go on.
                    tracing::warn!("cannot accept connections at the moment: {e}");
                    monoio::time::sleep(BACK_OFF).await;
                } else if listener.readable().await.is_err() {
                    monoio::time::sleep(BACK_OFF).await;
                }
            }
        }
    });
}

/// Accepts what waits.
async fn accept_all<S: Service, L: Lmtp>(
    core: &Rc<Core<S, L>>,
    kind: Kind,
    listener: &Socket,
) -> io::Result<()> {
    let mut turns = 0;
    loop {
        let (fd, addr) = match accept(listener.as_fd()) {
            Ok(accepted) => accepted,
            Err(e) => match e.kind() {
                io::ErrorKind::WouldBlock => return Ok(()),
                // The peer was gone before we came.
                io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted => continue,
                _ => return Err(e),
            },
        };
        if kind == Kind::Https {
            core.gate.has_room().await;
        }
        core.counters().accepted.add();
        admit(core, kind, fd, addr);
        turns += 1;
        if turns % limits::TURN_MAX == 0 {
            yield_now().await;
        }
    }
}

/// Gives a connection its task, or its refusal.
fn admit<S: Service, L: Lmtp>(core: &Rc<Core<S, L>>, kind: Kind, fd: OwnedFd, addr: SocketAddr) {
    let peer = Peer {
        addr,
        tls: kind == Kind::Https,
    };
    let place = match kind {
        Kind::Lmtp => core.shared.admission.lmtp(),
        Kind::Http | Kind::Https => core.shared.admission.http(peer.network()),
    };
    let place = place.or_else(|| {
        core.counters().refused.add();
        // Behind a handshake it can be told so.
        (kind == Kind::Https).then(|| core.shared.admission.turned_away())?
    });
    let Some(place) = place else {
        return refuse(core, kind, fd);
    };
    let config = if peer.tls {
        core.shared.tls.as_ref()
    } else {
        None
    };
    let tls = match Tls::new(config) {
        Ok(tls) => tls,
        Err(e) => return tracing::error!("cannot begin a TLS connection: {e}"),
    };
    if kind == Kind::Lmtp {
        return deliver(core, fd, place);
    }
    let link = Link {
        fd,
        tls,
        peer,
        place,
    };
    connection::spawn(
        core,
        Departure {
            link,
            start: Start::Fresh,
        },
    );
}

fn deliver<S: Service, L: Lmtp>(core: &Rc<Core<S, L>>, fd: OwnedFd, place: Place) {
    let shared = Rc::clone(core);
    let socket = Socket::new(fd, &core.ready);
    let write_ms = core.shared.deadlines.write_ms;
    core.spawn(Ends::AtAbort, |timer| {
        let transport = Transport::new(socket, Tls::Off, timer, write_ms);
        Box::pin(Delivery::new(shared, transport, place).run())
    });
}

/// Tells a peer that finds no place to come back: before a handshake nothing can be told.
fn refuse<S: Service, L: Lmtp>(core: &Rc<Core<S, L>>, kind: Kind, fd: OwnedFd) {
    if kind == Kind::Https || core.lingering.get() >= limits::LINGER_MAX {
        return;
    }
    let socket = Socket::new(fd, &core.ready);
    let mut bytes = Vec::new();
    match kind {
        Kind::Lmtp => bytes.extend_from_slice(b"421 4.3.2 too many connections\r\n"),
        _ => {
            core.encode(Answer::busy(30), Terms::refused(), &mut bytes);
        }
    }
    if socket.write(&bytes).is_err() {
        return;
    }
    let shared = Rc::clone(core);
    core.lingering.set(core.lingering.get() + 1);
    core.spawn(Ends::AtStop, |timer| async move {
        let mut transport = Transport::new(socket, Tls::Off, timer, 0);
        transport.linger(&shared.scratch).await;
        shared
            .lingering
            .set(shared.lingering.get().saturating_sub(1));
    });
}
