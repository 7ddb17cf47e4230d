//! The lot by itself: sockets, and nobody who runs.

use super::*;
use crate::http::Heard;
use crate::net::admission::{Admission, Caps};
use crate::net::cores::Driver;
use crate::net::post::Signal;
use crate::net::tls::Tls;
use std::io::{ErrorKind, Read};
use std::net::{TcpListener, TcpStream};

const TERMS: Terms = Terms {
    keep_alive: true,
    gzip: false,
    head_only: false,
    http10: false,
};
const PATIENCE: Patience = Patience {
    idle_ms: 1_000,
    write_ms: 500,
};
const BRIEF: Brief = Brief {
    headers: &[],
    content_type: "text/plain",
    status: 1,
};

struct Call(u64);

impl Signal for Call {
    fn account(&self) -> Option<u64> {
        Some(self.0)
    }

    fn durable_us(&self) -> Option<u64> {
        Some(7)
    }

    fn gap() -> Self {
        Self(0)
    }
}

/// A request that says so many bytes.
struct Says {
    account: u64,
    bytes: usize,
}

impl Parked for Says {
    type Signal = Call;

    fn account(&self) -> u64 {
        self.account
    }

    fn since_ms(&self) -> MonoMs {
        0
    }

    fn deadline_ms(&self) -> MonoMs {
        10_000
    }

    fn is_current(&self) -> bool {
        true
    }

    fn hear(&self, _: &Call, document: &mut Vec<u8>) -> Heard {
        document.resize(self.bytes, b'x');
        Heard::Answer(BRIEF)
    }

    fn expire(&self, document: &mut Vec<u8>) -> Heard {
        document.extend_from_slice(b"late");
        Heard::Answer(BRIEF)
    }

    fn bytes(&self) -> usize {
        size_of::<Self>()
    }

    fn version_tens(&self) -> u8 {
        141
    }
}

struct Bench {
    lot: Lot<Says>,
    listener: TcpListener,
    admission: std::sync::Arc<Admission>,
    now: MonoMs,
}

impl Bench {
    fn new(driver: Driver) -> Self {
        let ready = Ready::new(driver).unwrap();
        Self {
            lot: Lot::new(ready, PATIENCE, 0, 100),
            listener: TcpListener::bind("127.0.0.1:0").unwrap(),
            admission: Admission::new(Caps::default()),
            now: 0,
        }
    }

    /// A connection: the peer's end, and ours.
    fn link(&self) -> (TcpStream, Link) {
        let peer = TcpStream::connect(self.listener.local_addr().unwrap()).unwrap();
        let (ours, addr) = self.listener.accept().unwrap();
        ours.set_nonblocking(true).unwrap();
        let peer_of = Peer { addr, tls: false };
        let place = self.admission.http(peer_of.network()).unwrap();
        let link = Link {
            fd: ours.into(),
            tls: Tls::Off,
            peer: peer_of,
            place,
        };
        (peer, link)
    }

    fn park(&self, account: u64, bytes: usize) -> TcpStream {
        let (peer, link) = self.link();
        let parked = Says { account, bytes };
        self.lot.park(
            Stay {
                link,
                parked,
                terms: TERMS,
            },
            MonoMs::MAX,
        );
        peer
    }

    fn turn(&self, turn: &mut Turn<Says>) -> bool {
        let now = Now {
            ms: self.now,
            date: "now",
            stopping: false,
        };
        self.lot.turn(&now, turn)
    }

    /// Turns until nothing is to do, and a little longer for what the kernel completes by itself.
    fn settle(&self) -> Turn<Says> {
        let mut turn = Turn::new();
        for _ in 0..200 {
            while self.turn(&mut turn) {}
            std::thread::yield_now();
        }
        turn
    }

    fn pass(&mut self, ms: u64) -> Turn<Says> {
        self.now += ms;
        self.lot.tick(self.now);
        self.settle()
    }
}

const BOTH: [Driver; 2] = [Driver::Auto, Driver::Epoll];

fn heard(peer: &mut TcpStream) -> String {
    let mut buf = [0; 4096];
    let n = peer.read(&mut buf).unwrap();
    String::from_utf8_lossy(&buf[..n]).into_owned()
}

#[test]
fn a_signal_is_answered_and_the_connection_stays() {
    for driver in BOTH {
        let mut bench = Bench::new(driver);
        let mut peers = [bench.park(7, 3), bench.park(8, 3), bench.park(7, 4)];
        assert_eq!(bench.lot.counts().parked, 3);
        bench.lot.tell(&mut vec![Call(7), Call(7), Call(9)]);
        let turn = bench.settle();
        assert_eq!((turn.answered.len(), turn.departures.len()), (2, 0));
        assert!(turn.answered.iter().all(|a| a.durable_us == Some(7)));
        assert!(heard(&mut peers[0]).ends_with("\r\n\r\nxxx"));
        assert!(heard(&mut peers[2]).ends_with("\r\n\r\nxxxx"));
        assert_eq!((bench.lot.len(), bench.lot.counts().parked), (3, 1));
        // It waits for its next request now, and not for ever.
        use std::io::Write;
        peers[0].write_all(b"G").unwrap();
        let turn = bench.settle();
        assert!(matches!(
            turn.departures[..],
            [Departure {
                start: Start::Readable(1_000),
                ..
            }]
        ));
        let turn = bench.pass(1_100);
        assert_eq!(turn.ended, [Ended::Done]);
        assert_eq!(heard(&mut peers[2]), "");
        assert_eq!(bench.lot.len(), 1, "the one of account 8");
        let turn = bench.pass(10_000);
        assert_eq!(turn.answered[0].why, Why::Expired);
        assert!(heard(&mut peers[1]).ends_with("late"));
    }
}

#[test]
fn a_peer_that_speaks_while_it_waits_departs_with_its_request() {
    for driver in BOTH {
        let bench = Bench::new(driver);
        let peer = bench.park(7, 3);
        drop(peer);
        let turn = bench.settle();
        assert!(matches!(
            turn.departures[..],
            [Departure {
                start: Start::ReadableParked(_),
                ..
            }]
        ));
        bench.lot.tell(&mut vec![Call(7)]);
        assert!(bench.settle().answered.is_empty());
        assert_eq!((bench.lot.len(), bench.lot.counts().bytes), (0, 0));
    }
}

#[test]
fn an_answer_that_the_peer_does_not_read_ends_in_time() {
    // The ring goes on sending by itself; with epoll a task sends the rest.
    let mut bench = Bench::new(Driver::Auto);
    let mut peer = bench.park(7, 64 * 1024 * 1024);
    bench.lot.tell(&mut vec![Call(7)]);
    let turn = bench.settle();
    assert_eq!((turn.answered.len(), turn.ended.len()), (1, 0));
    let turn = bench.pass(600);
    assert_eq!(turn.ended, [Ended::TimedOut]);
    assert_eq!(bench.lot.len(), 0);
    let mut rest = Vec::new();
    match peer.read_to_end(&mut rest) {
        Ok(_) => {}
        Err(e) => assert_eq!(e.kind(), ErrorKind::ConnectionReset),
    }
    assert!(rest.len() < 64 * 1024 * 1024);

    let bench = Bench::new(Driver::Epoll);
    let _peer = bench.park(7, 64 * 1024 * 1024);
    bench.lot.tell(&mut vec![Call(7)]);
    let turn = bench.settle();
    let [Departure { start, .. }] = &turn.departures[..] else {
        panic!("{} departures", turn.departures.len());
    };
    assert!(matches!(start, Start::Rest(rest, true) if !rest.is_empty()));
}

#[test]
fn a_storm_is_worked_off_in_turns() {
    for driver in BOTH {
        let bench = Bench::new(driver);
        let mut peers: Vec<_> = (0..1_500).map(|n| bench.park(n, 3)).collect();
        bench.lot.tell(&mut (0..1_500).map(Call).collect());
        let mut turn = Turn::new();
        assert!(bench.turn(&mut turn), "there is more");
        assert_eq!(turn.answered.len(), ANSWERS_PER_TURN);
        assert_eq!(bench.settle().answered.len(), 1_500 - ANSWERS_PER_TURN);
        for peer in &mut peers {
            assert!(heard(peer).ends_with("xxx"));
        }
        assert_eq!((bench.lot.len(), bench.lot.counts().parked), (1_500, 0));
    }
}

#[test]
fn an_entry_is_small() {
    let entry = size_of::<Entry<[u64; 1]>>();
    assert!(entry <= 160, "{entry} bytes");
}
