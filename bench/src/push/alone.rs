//! What is measured of one server at a time: memory and idling, mails, requests, system calls.

use crate::must;
use crate::push::door::Door;
use crate::push::stats::quantile;
use crate::push::sys::slab_bytes;
use crate::push::table::{Rows, Size, each, of};
use crate::push::trial::{Kind, TLS13, Trial, Wire, rest, timed, us, word};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

/// Phones that connect at a time where memory is measured.
const GENTLY: usize = 64;

/// Lets every device be known and have synced: what follows is the waiting alone.
pub(super) fn introduce(folder: &Path, size: Size, wire: Wire<'_>) {
    let mut trial = Trial::start(Kind::Roost, folder, size.phones, wire);
    trial.fleet(&format!("prepare 0 {}", size.phones));
    trial.fleet(&format!("park 0 {}", size.phones));
    trial.wait_parked(size.phones as u64);
}

/// Bytes of those who wait, and the CPU that they take.
///
/// The bytes are the difference of half and all of them. The store's caches are as small as they
/// can be: they have bounds of their own, and would fill meanwhile.
pub(super) fn waiting(kind: Kind, folder: &Path, size: Size, wire: Wire<'_>, rows: &mut Rows) {
    let mut trial = Trial::start_lean(kind, folder, size.phones, wire);
    // The first half also brings buffers and caches to their size. Few at a time: a handshake needs
    // far more than what it leaves behind, and what many of them give back would be room for others.
    let half = size.phones / 2;
    park_gently(&mut trial, 0..half);
    rest(1_000);
    let before = (trial.bytes(), slab_bytes().unwrap_or(0));
    park_gently(&mut trial, half..size.phones);
    rest(1_000);
    let more = (size.phones - half) as u64;
    let bytes = each(trial.bytes().saturating_sub(before.0), more);
    of(&mut rows.bytes, kind).push(bytes);
    // Both ends of each connection are on this machine.
    let kernel = each(slab_bytes().unwrap_or(0).saturating_sub(before.1), 2 * more);
    of(&mut rows.kernel, kind).push(bytes + kernel);
    rest(2_000);
    let begun = trial.cpu_us();
    rest(size.idle_ms);
    let used = trial.cpu_us() - begun;
    of(&mut rows.idle, kind).push(each(used, size.idle_ms * 10));
}

/// Lets phones park, the next ones when these wait.
fn park_gently(trial: &mut Trial, phones: std::ops::Range<usize>) {
    for from in phones.clone().step_by(GENTLY) {
        let to = phones.end.min(from + GENTLY);
        trial.fleet(&format!("park {from} {to}"));
        trial.wait_parked(to as u64);
    }
}

/// A few rounds of what is measured, so that buffers and caches have their size.
pub(super) fn warm_up(trial: &mut Trial, size: Size) {
    let some = size.storm.min(2_000).min(size.phones);
    trial.fleet(&format!("park 0 {some}"));
    trial.wait_parked(some as u64);
    trial.wake(0, some);
    trial.fleet(&format!("close 0 {some}"));
    trial.wait_parked(0);
}

/// Mails, and the system calls of a storm.
pub(super) fn working(folder: &Path, size: Size, wire: Wire<'_>, rows: &mut Rows) {
    let mut trial = Trial::start(Kind::Roost, folder, size.phones, wire);
    let some = size.storm;
    trial.fleet(&format!("park 0 {some}"));
    trial.wait_parked(some as u64);
    mails(&mut trial, folder, size, rows);
    let calls = Calls::begin(trial.server.id());
    trial.storm(0, some);
    rows.calls.roost.extend(calls.and_then(|c| c.end(some)));
}

/// Mails one at a time; beside each a commit and a sync of the same disk: what of it is theirs.
fn mails(trial: &mut Trial, folder: &Path, size: Size, rows: &mut Rows) {
    let mut door = Door::open(&trial.lmtp);
    let mut disk = Disk::open(folder);
    let (mut waits, mut commits, mut syncs) = (Vec::new(), Vec::new(), Vec::new());
    for n in 0..size.trickle.min(300) {
        // Not the first user, whose phone has a thousand mails to fetch.
        let user = 1 + n * 7 % (size.storm - 1);
        let sent = door.deliver(user, n);
        waits.extend(trial.answered_after(user, sent));
        trial.fleet(&format!("fetch {user} 10000"));
        // A Ping that comes after the commit below would find nothing and wait.
        trial.wait_parked(size.storm as u64);
        let done = trial.server.ask(&format!("commit {user} {}", user + 1));
        commits.extend(word(&done, "took").map(us));
        trial.fleet("collect 1");
        trial.fleet(&format!("park {user} {}", user + 1));
        trial.wait_parked(size.storm as u64);
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

/// Requests that tell nothing new, and a first Sync.
pub(super) fn requests(folder: &Path, size: Size, round: usize, rows: &mut Rows) {
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
