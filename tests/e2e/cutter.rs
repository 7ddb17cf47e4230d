//! A wire between Roost and a mail server that is cut at a chosen place.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// Where the wire is cut.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Cut {
    /// In the middle of the message.
    InMessage,
    /// The server has taken the message and said so: its reply is lost.
    BeforeReply,
}

/// The wire.
#[derive(Clone)]
pub(crate) struct Wire {
    /// Where Roost connects.
    pub(crate) addr: SocketAddr,
    cut: Arc<Mutex<Vec<Cut>>>,
    /// Cuts that were made.
    made: Arc<AtomicUsize>,
}

impl Wire {
    /// A wire to `server`.
    pub(crate) fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let wire = Self {
            addr: listener.local_addr().unwrap(),
            cut: Arc::default(),
            made: Arc::default(),
        };
        let shared = wire.clone();
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if let Ok(server) = TcpStream::connect(server) {
                    shared.join(client, server);
                }
            }
        });
        wire
    }

    /// The next transfers are cut like this, one after the other.
    pub(crate) fn cut(&self, cuts: &[Cut]) {
        let mut pending = self.cut.lock().unwrap();
        pending.extend(cuts.iter().rev());
    }

    /// Cuts that were made.
    pub(crate) fn made(&self) -> usize {
        self.made.load(Ordering::SeqCst)
    }

    fn join(&self, client: TcpStream, server: TcpStream) {
        client.set_nodelay(true).unwrap();
        server.set_nodelay(true).unwrap();
        // What is to be done once the message comes.
        let now: Arc<Mutex<Option<Cut>>> = Arc::default();
        let (up, down) = (self.clone(), self.clone());
        let (up_now, down_now) = (Arc::clone(&now), now);
        let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        thread::spawn(move || {
            up.pump(&mut from, &mut to, |bytes| {
                match *up_now.lock().unwrap() == Some(Cut::InMessage) {
                    true => Some(bytes.len() / 2),
                    false => None,
                }
            });
        });
        let (mut from, mut to) = (server, client);
        thread::spawn(move || {
            down.pump(&mut from, &mut to, |bytes| {
                let text = String::from_utf8_lossy(bytes);
                if text.starts_with("354") {
                    *down_now.lock().unwrap() = down.cut.lock().unwrap().pop();
                }
                let accepted = text.contains("queued as");
                let is_now = *down_now.lock().unwrap() == Some(Cut::BeforeReply);
                (accepted && is_now).then_some(0)
            });
        });
    }

    /// Passes bytes on until `cut` says how many of these still pass.
    fn pump(
        &self,
        from: &mut TcpStream,
        to: &mut TcpStream,
        mut cut: impl FnMut(&[u8]) -> Option<usize>,
    ) {
        let mut buf = [0; 16 * 1024];
        while let Ok(n) = from.read(&mut buf) {
            let cut_at = if n == 0 { Some(0) } else { cut(&buf[..n]) };
            let passed = cut_at.unwrap_or(n);
            let is_cut = n > 0 && cut_at.is_some();
            if is_cut {
                self.made.fetch_add(1, Ordering::SeqCst);
            }
            if to.write_all(&buf[..passed]).is_err() || cut_at.is_some() {
                break;
            }
        }
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    }
}
