//! The table: each row measured of both servers in turn, medians against bars.

use crate::must;
use crate::push::appliance;
use crate::push::door::Door;
use crate::push::rows::{self, Bar, Row};
use crate::push::stats::{Noise, median, quantile};
use crate::push::sys::slab_bytes;
use crate::push::trial::{Kind, TLS13, Trial, Wire, rest, timed};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

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
}

impl Size {
    /// As the figures ask for.
    pub const FULL: Self = Self {
        phones: 18_000,
        storm: 10_000,
        trickle: 1_000,
        rounds: 5,
        idle_ms: 15_000,
    };
    /// To see that it works, in a minute or two.
    pub const QUICK: Self = Self {
        phones: 2_000,
        storm: 1_500,
        trickle: 100,
        rounds: 1,
        idle_ms: 3_000,
    };
}

/// Mails of the first user.
const MAILS: u32 = 1_000;

/// The rows, in the order in which they are shown.
#[derive(Clone)]
struct Rows {
    bytes: Row,
    kernel: Row,
    idle: Row,
    p50: Row,
    p99: Row,
    mail: Row,
    commit: Row,
    storm: Row,
    storm_cpu: Row,
    calls: Row,
    handshake: Row,
    resumed: Row,
    small: [Row; 3],
    first_sync: Row,
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

fn of(row: &mut Row, kind: Kind) -> &mut Vec<f64> {
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
    for round in 0..size.rounds {
        for (kind, folder) in [Kind::Roost, Kind::Reference].into_iter().zip(&folders) {
            eprintln!("round {} of {}: {kind:?}", round + 1, size.rounds);
            noise.listen();
            parked(kind, folder.path(), size, wire, round == 0, &mut rows);
            connections(kind, folder.path(), size, &mut rows);
        }
        requests(folders[0].path(), size, round, &mut rows);
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

/// Everything that needs phones which wait.
fn parked(kind: Kind, folder: &Path, size: Size, wire: Wire<'_>, first: bool, rows: &mut Rows) {
    let mut trial = Trial::start(kind, folder, size.phones, wire);
    if kind == Kind::Roost && first {
        // Every device is known and has synced: what follows is the waiting alone.
        trial.fleet(&format!("prepare 0 {}", size.phones));
        trial.fleet(&format!("park 0 {}", size.phones));
        trial.wait_parked(size.phones as u64);
        drop(trial);
        trial = Trial::start(kind, folder, size.phones, wire);
    }
    warm_up(&mut trial, size);
    let half = size.phones / 2;
    trial.fleet(&format!("park 0 {half}"));
    trial.wait_parked(half as u64);
    rest(1_000);
    let before = (trial.bytes(), slab_bytes().unwrap_or(0));
    trial.fleet(&format!("park {half} {}", size.phones));
    trial.wait_parked(size.phones as u64);
    rest(1_000);
    let more = (size.phones - half) as u64;
    let bytes = each(trial.bytes().saturating_sub(before.0), more);
    of(&mut rows.bytes, kind).push(bytes);
    // Both ends of each connection are on this machine.
    let kernel = each(slab_bytes().unwrap_or(0).saturating_sub(before.1), 2 * more);
    of(&mut rows.kernel, kind).push(bytes + kernel);
    let begun = trial.cpu_us();
    rest(size.idle_ms);
    let used = trial.cpu_us() - begun;
    of(&mut rows.idle, kind).push(each(used, size.idle_ms * 10));
    trickle(kind, &mut trial, size, rows);
    if kind == Kind::Roost {
        mails(&mut trial, folder, size, rows);
    }
    storm(kind, &mut trial, size, rows);
}

/// A few rounds of what is measured, so that buffers and caches have their size.
fn warm_up(trial: &mut Trial, size: Size) {
    let some = size.storm.min(2_000).min(size.phones);
    trial.fleet(&format!("park 0 {some}"));
    trial.wait_parked(some as u64);
    trial.wake(0, some);
    trial.fleet(&format!("close 0 {some}"));
    trial.wait_parked(0);
}

fn trickle(kind: Kind, trial: &mut Trial, size: Size, rows: &mut Rows) {
    let mut waits = Vec::new();
    for n in 0..size.trickle {
        let user = n * 7 % size.phones;
        waits.extend(trial.wake(user, user + 1).0);
        trial.fleet(&format!("park {user} {}", user + 1));
        rest(2);
    }
    of(&mut rows.p50, kind).push(quantile(&mut waits, 0.5));
    of(&mut rows.p99, kind).push(quantile(&mut waits, 0.99));
}

/// Mails one at a time; beside each a commit and a sync of the same disk: what of it is theirs.
fn mails(trial: &mut Trial, folder: &Path, size: Size, rows: &mut Rows) {
    let mut door = Door::open(&trial.lmtp);
    let mut disk = Disk::open(folder);
    let (mut waits, mut commits, mut syncs) = (Vec::new(), Vec::new(), Vec::new());
    for n in 0..size.trickle.min(300) {
        // Not the first user, whose phone has a thousand mails to fetch.
        let user = 1 + n * 7 % (size.phones - 1);
        let sent = door.deliver(user, n);
        waits.extend(trial.answered_after(user, sent));
        trial.fleet(&format!("fetch {user} 10000"));
        // A Ping that comes after the commit below would find nothing and wait.
        trial.wait_parked(size.phones as u64);
        commits.push(timed(|| {
            drop(trial.server.ask(&format!("commit {user} {}", user + 1)))
        }));
        trial.fleet("collect 1");
        trial.fleet(&format!("park {user} {}", user + 1));
        trial.wait_parked(size.phones as u64);
        syncs.push(timed(|| disk.sync()));
    }
    // The reference here is the disk.
    rows.mail.roost.push(quantile(&mut waits, 0.5));
    rows.mail.reference.push(quantile(&mut syncs, 0.5));
    rows.commit.roost.push(quantile(&mut commits, 0.5));
    rows.commit.reference.push(quantile(&mut syncs, 0.5));
}

/// A file beside the store, as a journal is written: a few KiB, then a sync.
struct Disk(std::fs::File);

impl Disk {
    fn open(folder: &Path) -> Self {
        Self(must(std::fs::File::create(folder.join("sync-alone"))))
    }

    fn sync(&mut self) {
        must(self.0.write_all(&[0x5A; 4_096]));
        must(self.0.sync_all());
    }
}

fn storm(kind: Kind, trial: &mut Trial, size: Size, rows: &mut Rows) {
    let (mut times, mut cpu) = (Vec::new(), Vec::new());
    for turn in 0..4 {
        trial.wait_parked(size.phones as u64);
        let calls = (turn == 3 && kind == Kind::Roost).then(|| Calls::begin(trial.server.id()));
        let begun = trial.cpu_us();
        let all = trial.storm(0, size.storm);
        let used = trial.cpu_us() - begun;
        if let Some(calls) = calls {
            rows.calls
                .roost
                .extend(calls.and_then(|c| c.end(size.storm)));
        } else {
            times.push(all / 1_000.0);
            cpu.push(each(used, size.storm as u64));
        }
        trial.fleet(&format!("park 0 {}", size.storm));
    }
    of(&mut rows.storm, kind).push(median(&times));
    of(&mut rows.storm_cpu, kind).push(median(&cpu));
}

/// System calls of the thread that answers, counted by `perf`.
struct Calls(std::process::Child);

impl Calls {
    fn begin(pid: u32) -> Option<Self> {
        let thread = std::fs::read_dir(format!("/proc/{pid}/task"))
            .ok()?
            .find_map(|task| {
                let path = task.ok()?.path();
                let name = std::fs::read_to_string(path.join("comm")).ok()?;
                (name.trim() == "core-0").then(|| path.file_name()?.to_str().map(str::to_owned))?
            })?;
        let child = Command::new("perf")
            .args([
                "stat",
                "-x",
                ",",
                "-e",
                "raw_syscalls:sys_enter",
                "-t",
                &thread,
            ])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .ok()?;
        rest(500);
        Some(Self(child))
    }

    fn end(self, wakes: usize) -> Option<f64> {
        rest(200);
        let id = self.0.id().to_string();
        let _ = Command::new("kill").args(["-INT", &id]).status();
        let said = self.0.wait_with_output().ok()?;
        let text = String::from_utf8_lossy(&said.stderr).into_owned();
        let count: u64 = text.split(',').next()?.trim().parse().ok()?;
        Some(each(count, wakes as u64))
    }
}

/// New connections with one request each.
fn connections(kind: Kind, folder: &Path, size: Size, rows: &mut Rows) {
    let count = size.storm.min(3_000);
    for resumes in [false, true] {
        let wire = Wire { resumes, ..TLS13 };
        let mut trial = Trial::start(kind, folder, size.phones, wire);
        trial.fleet("connections 300");
        let begun = trial.cpu_us();
        trial.fleet(&format!("connections {count}"));
        let used = each(trial.cpu_us() - begun, count as u64);
        let row = if resumes {
            &mut rows.resumed
        } else {
            &mut rows.handshake
        };
        of(row, kind).push(used);
    }
}

/// Requests that tell nothing new, and a first Sync.
fn requests(folder: &Path, size: Size, round: usize, rows: &mut Rows) {
    let mut trial = Trial::start(Kind::Roost, folder, size.phones, TLS13);
    let count = if size.rounds == 1 { 500 } else { 4_000 };
    let user = 1 + round;
    for (row, what) in rows
        .small
        .iter_mut()
        .zip(["options", "folder-sync", "sync"])
    {
        trial.fleet(&format!("requests {what} {user} 300"));
        let begun = trial.cpu_us();
        trial.fleet(&format!("requests {what} {user} {count}"));
        row.roost.push(each(trial.cpu_us() - begun, count));
    }
    for turn in 0..3 {
        let begun = trial.cpu_us();
        let said = trial.fleet("first-sync 0");
        assert!(said.starts_with("synced 1000 "), "{said}");
        if turn > 0 {
            rows.first_sync
                .roost
                .push(each(trial.cpu_us() - begun, 1_000));
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn each(sum: u64, count: u64) -> f64 {
    sum as f64 / count.max(1) as f64
}
