//! Recordings: what several runs of a child did to one disk, and the moments to lose power at.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::child::{ENDS_AFTER, FOLDER, MEMTABLE, ROUND};
use crate::dice::Dice;
use crate::disk::{Content, Model, Settled};
use crate::replay::{Lie, Replay};
use crate::trace::{self, Moment, Trace};

/// Runs of the child: the first one makes the store, those that follow find it as a kill left it.
const RUNS: u64 = 3;
/// Small, so that tables are written, merged and removed in a short run.
const MEMTABLE_BYTES: u64 = 64 * 1024;

/// A run, and which of the calls that its end interrupted came to pass.
struct Run {
    trace: Trace,
    done: Settled,
}

/// Several runs on one disk.
pub(crate) struct Recording {
    /// What the disk's folder was called.
    root: String,
    runs: Vec<Run>,
}

/// A moment of a recording: the run, and how many of its moments were before.
pub(crate) type Point = (usize, usize);

impl Recording {
    /// Makes a recording of the child that a test runs, so many acknowledgements in each run; `None`
    /// where there is no way to.
    pub(crate) fn make(test: &str, acks: u64) -> Option<Self> {
        Self::from_round(0, test, acks)
    }

    /// The same, where the runs have the numbers from here on.
    pub(crate) fn from_round(first: u64, test: &str, acks: u64) -> Option<Self> {
        if !recordable() {
            return None;
        }
        let mut failures = Vec::new();
        for _ in 0..TRIES {
            match Self::attempt(first, test, acks) {
                Ok(recording) => return Some(recording),
                Err(why) => failures.push(why),
            }
        }
        panic!("{failures:#?}");
    }

    fn attempt(first: u64, test: &str, acks: u64) -> Result<Self, String> {
        let folder = memory_folder();
        let root = folder.path().canonicalize().unwrap().join("disk");
        fs::create_dir(&root).unwrap();
        let mut recording = Self {
            root: root.to_str().unwrap().to_owned(),
            runs: Vec::new(),
        };
        let mut replay = Replay::new(&recording.root);
        for run in 0..RUNS {
            let (trace, said) = record(test, &root, first + run, acks);
            for moment in &trace.moments {
                replay.play(&trace, *moment);
            }
            let done = came_to_pass(&replay, &root)?;
            replay.end_run(&trace, &done);
            let acked = replay.heard.len() as u64;
            // The last one may not have been heard.
            assert!(
                acked + run + 1 >= acks * (run + 1),
                "{acked} acknowledged: {said}"
            );
            recording.runs.push(Run { trace, done });
        }
        Ok(recording)
    }

    /// Moments to lose power at, in order: half of them around changes of names and lengths, a
    /// quarter around other syncs, the rest anywhere.
    pub(crate) fn points(&self, wanted: usize, dice: &mut Dice) -> Vec<Point> {
        let names = self.around(|call| !matches!(call, "write" | "fdatasync"));
        let syncs = self.around(|call| call == "fdatasync");
        let all = self.around(|_| true);
        let point = |n| match n % 4 {
            0 | 1 => names[dice.below(names.len())],
            2 => syncs[dice.below(syncs.len())],
            _ => all[dice.below(all.len())],
        };
        let mut points: Vec<Point> = (0..wanted).map(point).collect();
        points.sort_unstable();
        points
    }

    /// Moments in the middle of the syncs of commits, in order.
    pub(crate) fn syncs(&self, wanted: usize, dice: &mut Dice) -> Vec<Point> {
        let syncs = self.around(|call| call == "fdatasync");
        let mut points: Vec<_> = (0..wanted)
            .map(|_| syncs[dice.below(syncs.len())])
            .collect();
        points.sort_unstable();
        points
    }

    /// The moments before and after calls of certain names, of those that may change something.
    fn around(&self, wanted: impl Fn(&str) -> bool) -> Vec<Point> {
        let mut points = Vec::new();
        for (run, of) in self.runs.iter().enumerate() {
            for (n, moment) in of.trace.moments.iter().enumerate() {
                let (Moment::Enters(call) | Moment::Leaves(call)) = *moment;
                let name = of.trace.calls[call].name.as_str();
                if !["close", "read", "lseek", "fcntl", "mmap"].contains(&name) && wanted(name) {
                    points.extend([(run, n), (run, n + 1)]);
                }
            }
        }
        points.dedup();
        points
    }

    /// So many moments later in the same run.
    pub(crate) fn later(&self, (run, n): Point, moments: usize) -> Point {
        (run, self.runs[run].trace.moments.len().min(n + moments))
    }

    /// Whether a file whose name ends so was removed.
    pub(crate) fn has_removed(&self, end: &str) -> bool {
        let mut calls = self.runs.iter().flat_map(|run| &run.trace.calls);
        calls.any(|call| call.name == "unlink" && call.path(0).ends_with(end))
    }

    /// Plays it and stops at each of the points, which are in order.
    pub(crate) fn play(&self, lie: Lie, points: &[Point], mut at: impl FnMut(&Replay, Point)) {
        let mut replay = Replay::new(&self.root);
        replay.lie = lie;
        let mut points = points.iter().copied().peekable();
        for (run, of) in self.runs.iter().enumerate() {
            for n in 0..=of.trace.moments.len() {
                while let Some(point) = points.next_if_eq(&(run, n)) {
                    at(&replay, point);
                }
                if let Some(moment) = of.trace.moments.get(n) {
                    replay.play(&of.trace, *moment);
                }
            }
            replay.end_run(&of.trace, &of.done);
        }
        assert_eq!(points.next(), None, "every point was reached");
    }
}

/// Whether calls can be recorded. If not, that is said; on a machine that is to test everything, it
/// is a failure.
pub(crate) fn recordable() -> bool {
    let Some(why) = trace::missing() else {
        return true;
    };
    assert!(std::env::var_os("CI").is_none(), "{why}");
    eprintln!("skipped: {why}");
    false
}

/// Runs a child; what it did, and what it said of its failures.
fn record(test: &str, root: &Path, round: u64, acks: u64) -> (Trace, String) {
    let log = root.with_file_name("log");
    let ended = trace::record(&log)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(FOLDER, root.join("store"))
        .env(ROUND, round.to_string())
        .env(ENDS_AFTER, acks.to_string())
        .env(MEMTABLE, MEMTABLE_BYTES.to_string())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    (Trace::read(&log), said)
}

/// Tries of a recording. Of the threads that the end of a process interrupts, strace loses a call
/// now and then; then the disk as played is not the real one.
pub(crate) const TRIES: usize = 5;

/// Which of the calls that were interrupted came to pass: the disk as played has to be the real one.
pub(crate) fn came_to_pass(replay: &Replay, real: &Path) -> Result<Settled, String> {
    let (calls, writes) = replay.disk.under_way();
    assert!(calls.len() < 10, "{calls:?}");
    let mut wrong = Vec::new();
    for bits in (0..1 << calls.len()).rev() {
        let chosen = calls.iter().enumerate();
        let chosen = chosen.filter(|(n, _): &(usize, _)| bits & 1 << n != 0);
        let names: Settled = chosen.map(|(_, call)| (*call, 0)).collect();
        let mut disk = replay.disk.clone();
        disk.settle(&names);
        let written = writes.iter().filter_map(|(call, node, at, bytes)| {
            let there = fs::read(real.join(disk.path(*node)?)).ok()?;
            let there = there.get(*at as usize..)?.iter();
            let kept = there.zip(*bytes).take_while(|(there, byte)| there == byte);
            Some((*call, kept.count()))
        });
        let written = written.filter(|(_, kept)| *kept > 0);
        let done: Settled = names.iter().map(|(n, k)| (*n, *k)).chain(written).collect();
        let mut disk = replay.disk.clone();
        disk.settle(&done);
        match same(&disk.image(Model::All, &mut Dice::new(0)), real) {
            Ok(()) => return Ok(done),
            Err(why) => wrong.push(format!("with {done:?}: {why}")),
        }
    }
    Err(format!(
        "the disk as played is not the real one: {wrong:#?}"
    ))
}

/// Whether a folder is what the image says.
fn same(image: &[(String, Option<Content>)], real: &Path) -> Result<(), String> {
    for (path, content) in image {
        let path = real.join(path.trim_start_matches('/'));
        let Some(content) = content else {
            continue;
        };
        let there = fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        let split = there.split_at_checked(content.bytes.len());
        let (bytes, zeros) = split.unwrap_or_default();
        let zeros = zeros
            .chunks(4096)
            .all(|zeros| zeros == &[0; 4096][..zeros.len()]);
        if there.len() as u64 != content.len || bytes != content.bytes || !zeros {
            return Err(format!("{} differs", path.display()));
        }
    }
    let there = count(real);
    match image.len() == there {
        true => Ok(()),
        false => Err(format!("{there} files and folders, not {}", image.len())),
    }
}

fn count(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).unwrap();
    let count = |path: &Path| if path.is_dir() { 1 + count(path) } else { 1 };
    entries.map(|entry| count(&entry.unwrap().path())).sum()
}

/// A folder in memory, where the machine has such a thing: nothing waits for a disk there.
pub(crate) fn memory_folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}
