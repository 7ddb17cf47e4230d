//! The table: each row measured of both servers in turn, medians against bars.

use crate::must;
use crate::push::appliance;
use crate::push::rows::{self, Bar, Row};
use crate::push::stats::Noise;
use crate::push::trial::{KINDS, Kind, TLS13, Wire};
use crate::push::{alone, pairs};

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Phones that park.
    pub phones: usize,
    /// Phones that a storm wakes.
    pub storm: usize,
    /// Wakes of single phones.
    pub trickle: usize,
    /// Rounds of both servers.
    pub rounds: usize,
    /// Milliseconds of doing nothing.
    pub idle_ms: u64,
    /// Only what both servers do in turn: wakes, storms, new connections.
    pub turns_only: bool,
}

impl Size {
    /// As the figures ask for.
    pub const FULL: Self = Self {
        phones: 18_000,
        storm: 10_000,
        trickle: 1_000,
        rounds: 5,
        idle_ms: 10_000,
        turns_only: false,
    };
    /// To see that it works, in a minute or two.
    pub const QUICK: Self = Self {
        phones: 2_000,
        storm: 1_500,
        trickle: 100,
        rounds: 1,
        idle_ms: 3_000,
        turns_only: false,
    };
}

/// Mails of the first user.
const MAILS: u32 = 1_000;

/// The rows, in the order in which they are shown.
#[derive(Clone)]
pub(super) struct Rows {
    pub(super) bytes: Row,
    pub(super) kernel: Row,
    pub(super) idle: Row,
    pub(super) p50: Row,
    pub(super) p99: Row,
    pub(super) mail: Row,
    pub(super) commit: Row,
    pub(super) storm: Row,
    pub(super) storm_cpu: Row,
    pub(super) calls: Row,
    pub(super) handshake: Row,
    pub(super) resumed: Row,
    pub(super) small: [Row; 3],
    pub(super) first_sync: Row,
}

impl Rows {
    fn new() -> Self {
        let small = |what| Row::new(what, "us CPU", Bar::AtMost(30.0));
        Self {
            bytes: Row::new(
                "userland bytes per parked TLS 1.3 Ping",
                "B",
                Bar::Both(1_024.0, 1.0 / 12.0),
            ),
            kernel: Row::new(
                "the same with the kernel's share",
                "B",
                Bar::AtMost(5_120.0),
            ),
            idle: Row::new("idle, all parked", "% of a core", Bar::AtMost(0.1)),
            p50: Row::new("durable commit to answer seen, p50", "us", Bar::Ratio(1.1)),
            p99: Row::new("durable commit to answer seen, p99", "us", Bar::Ratio(1.1)),
            mail: Row::new(
                "LMTP end of DATA to answer seen, p50 (beside: a sync)",
                "us",
                Bar::Ratio(2.0),
            ),
            commit: Row::new("a durable commit alone, p50", "us", Bar::Shown),
            storm: Row::new("storm: news to the last answer", "ms", Bar::Ratio(0.75)),
            storm_cpu: Row::new("storm: CPU for each answer", "us", Bar::Ratio(0.75)),
            calls: Row::new(
                "system calls for each wake (answer half)",
                "",
                Bar::AtMost(0.05),
            ),
            handshake: Row::new(
                "new TLS 1.3 connection with a request",
                "us CPU",
                Bar::Ratio(1.0),
            ),
            resumed: Row::new("the same, session resumed", "us CPU", Bar::Ratio(1.0)),
            small: [
                small("OPTIONS, warm connection"),
                small("FolderSync with the current key, warm connection"),
                small("empty Sync, warm connection"),
            ],
            first_sync: Row::new(
                "first Sync of 1,000 mails of 4 KiB",
                "ms CPU",
                Bar::AtMost(10.0),
            ),
        }
    }

    fn all(self) -> Vec<Row> {
        let mut all = vec![
            self.bytes,
            self.kernel,
            self.idle,
            self.p50,
            self.p99,
            self.mail,
            self.commit,
            self.storm,
            self.storm_cpu,
            self.calls,
            self.handshake,
            self.resumed,
        ];
        all.extend(self.small);
        all.push(self.first_sync);
        all
    }
}

/// The values of one server.
pub(super) fn of(row: &mut Row, kind: Kind) -> &mut Vec<f64> {
    match kind {
        Kind::Roost => &mut row.roost,
        Kind::Reference => &mut row.reference,
    }
}

/// Measures and shows.
///
/// # Panics
/// If a server or the fleet fails.
#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command for the terminal"
)]
pub fn run(size: Size, json: bool, tls: &str) {
    let folders = [must(tempfile::tempdir()), must(tempfile::tempdir())];
    eprintln!("making {} users ...", size.phones);
    appliance::make(folders[0].path(), size.phones, MAILS);
    let (mut rows, mut noise) = (Rows::new(), Noise::default());
    let wire = Wire { kind: tls, ..TLS13 };
    let folders = [folders[0].path(), folders[1].path()];
    for round in 0..size.rounds {
        eprintln!("round {} of {}", round + 1, size.rounds);
        noise.listen();
        if round == 0 {
            alone::introduce(folders[0], size, wire);
        }
        if !size.turns_only {
            for (kind, folder) in KINDS.into_iter().zip(folders) {
                alone::waiting(kind, folder, size, wire, &mut rows);
            }
        }
        pairs::measure(folders, size, wire, &mut rows);
        if !size.turns_only {
            alone::working(folders[0], size, wire, &mut rows);
            alone::requests(folders[0], size, round, &mut rows);
        }
        if round + 1 < size.rounds {
            // What was seen so far, should a later round fail.
            eprintln!("{}", rows::table(&rows.clone().all()));
        }
    }
    let (all, spread) = (rows.all(), noise.spread());
    if json {
        println!("{}", rows::json(&all, spread));
    } else {
        println!("{}", rows::table(&all));
        println!(
            "noise: a fixed piece of work took longer by {:.0} % of its median at the slow end",
            spread * 100.0
        );
    }
}

/// The share of each.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
pub(super) fn each(sum: u64, count: u64) -> f64 {
    sum as f64 / count.max(1) as f64
}
