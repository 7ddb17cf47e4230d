//! What was acknowledged survives the loss of power at any moment.
//!
//! The system calls of a child that makes a store, works, is killed and works on are recorded. They
//! are played again on a disk of ours up to a moment; from what is on it for certain, and what may
//! be, an image is made. The store is opened from the image and compared with what the child had
//! acknowledged by that moment.
//!
//! `ROOST_IMAGES` sets how many images (200), `ROOST_SEED` which moments.

use std::fs::{self, File};
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::child::{ENDS_AFTER, FOLDER, MEMTABLE, ROUND};
use crate::dice::Dice;
use crate::disk::{Content, MODELS, Model};
use crate::replay::{Lie, Replay};
use crate::trace::{self, Moment, Trace};
use crate::verify::Journal;
use crate::{TEST, setting};

/// Runs of the child: the first one makes the store, those that follow find it as a kill left it.
const RUNS: u64 = 3;
/// Small, so that tables are written, merged and removed in a short run.
const MEMTABLE_BYTES: u64 = 64 * 1024;

/// A run and which of the calls that its end interrupted came to pass.
struct Run {
    trace: Trace,
    done: Vec<usize>,
}

/// Several runs on one disk.
struct Recording {
    /// What the disk's folder was called.
    root: String,
    runs: Vec<Run>,
}

/// A moment of a recording: run, and how many of its moments were before.
type Point = (usize, usize);

#[test]
fn what_was_acknowledged_survives_power_loss() {
    let Some(recording) = recording(400) else {
        return;
    };
    let images = setting("ROOST_IMAGES").unwrap_or(200) as usize;
    let seed = setting("ROOST_SEED").unwrap_or(0x0b57);
    let mut dice = Dice::new(seed);
    let points = points(&recording, images, &mut dice);
    let mut n = 0;
    play(&recording, Lie::None, &points, |replay, point| {
        let model = MODELS[n % MODELS.len()];
        let folder = image(replay, model, &mut dice);
        let name = format!("image {n} of seed {seed}, {model:?} at {point:?}");
        if let Err(failure) = verdict(&replay.journal, folder.path()) {
            let kept = keep(replay, model, &mut dice);
            panic!(
                "{name}: {failure}; another image of that moment: {}",
                kept.display()
            );
        }
        n += 1;
    });
    eprintln!("{n} images of seed {seed}");
}

/// Makes a recording; `None` where there is no way to make one.
fn recording(acks: u64) -> Option<Recording> {
    if let Some(why) = trace::missing() {
        assert!(std::env::var_os("CI").is_none(), "{why}");
        eprintln!("skipped: {why}");
        return None;
    }
    let folder = memory_folder();
    let root = folder.path().join("disk");
    fs::create_dir(&root).unwrap();
    let root = root.canonicalize().unwrap().to_str().unwrap().to_owned();
    let mut recording = Recording {
        root,
        runs: Vec::new(),
    };
    let mut replay = Replay::new(&recording.root);
    for round in 0..RUNS {
        let log = folder.path().join("log");
        let ended = trace::record(&std::env::current_exe().unwrap(), &log)
            .args(["--exact", TEST, "--nocapture"])
            .env(FOLDER, Path::new(&recording.root).join("store"))
            .env(ROUND, round.to_string())
            .env(ENDS_AFTER, acks.to_string())
            .env(MEMTABLE, MEMTABLE_BYTES.to_string())
            .output()
            .unwrap();
        let trace = Trace::read(&log);
        for moment in &trace.moments {
            replay.play(&trace, *moment);
        }
        let done = came_to_pass(&replay, Path::new(&recording.root));
        let said = String::from_utf8_lossy(&ended.stderr);
        replay.end_run(&trace, &done);
        let acked = replay.journal.len() as u64;
        assert!(acked >= acks * (round + 1), "{acked} acknowledged: {said}");
        recording.runs.push(Run { trace, done });
    }
    Some(recording)
}

/// Which of the calls that were interrupted came to pass: the disk as played has to be the real one.
fn came_to_pass(replay: &Replay, real: &Path) -> Vec<usize> {
    let under_way = replay.disk.under_way();
    assert!(under_way.len() < 10, "{under_way:?}");
    let possible = (0..1 << under_way.len()).rev().map(|bits: usize| {
        let of = under_way.iter().enumerate();
        let of = of.filter(|(n, _)| bits & 1 << n != 0);
        of.map(|(_, call)| *call).collect::<Vec<_>>()
    });
    let mut wrong = String::new();
    for done in possible {
        let mut disk = replay.disk.clone();
        disk.settle(&done);
        match same(&disk.image(Model::All, &mut Dice::new(0)), real) {
            Ok(()) => return done,
            Err(why) => wrong = why,
        }
    }
    panic!("the disk as played is not the real one: {wrong}");
}

/// Whether a folder is what the image says.
fn same(image: &[(String, Option<Content>)], real: &Path) -> Result<(), String> {
    for (path, content) in image {
        let path = real.join(path.trim_start_matches('/'));
        let Some(content) = content else {
            continue;
        };
        let there = fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        let (bytes, zeros) = there
            .split_at_checked(content.bytes.len())
            .unwrap_or((&[], &[]));
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
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let each = entries.map(|path| if path.is_dir() { 1 + count(&path) } else { 1 });
    each.sum()
}

/// Moments to lose power at: half of them around changes of names and lengths, a quarter around
/// other syncs, the rest anywhere. In order.
fn points(recording: &Recording, wanted: usize, dice: &mut Dice) -> Vec<Point> {
    let (mut names, mut syncs, mut all) = (Vec::new(), Vec::new(), Vec::new());
    for (run, of) in recording.runs.iter().enumerate() {
        for (n, moment) in of.trace.moments.iter().enumerate() {
            let (Moment::Enters(call) | Moment::Leaves(call)) = *moment;
            let call = &of.trace.calls[call];
            match call.name.as_str() {
                "close" | "read" | "lseek" | "fcntl" | "mmap" => continue,
                "write" => {}
                "fdatasync" => syncs.extend([(run, n), (run, n + 1)]),
                _ => names.extend([(run, n), (run, n + 1)]),
            }
            all.push((run, n));
        }
    }
    let mut points: Vec<Point> = (0..wanted)
        .map(|n| match n % 4 {
            0 | 1 => names[dice.below(names.len())],
            2 => syncs[dice.below(syncs.len())],
            _ => all[dice.below(all.len())],
        })
        .collect();
    points.sort_unstable();
    points
}

/// Plays a recording and stops at each of the points.
fn play(recording: &Recording, lie: Lie, points: &[Point], mut at: impl FnMut(&Replay, Point)) {
    let mut replay = Replay::new(&recording.root);
    replay.lie = lie;
    let mut points = points.iter().copied().peekable();
    for (run, of) in recording.runs.iter().enumerate() {
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

/// Writes an image into a folder.
fn image(replay: &Replay, model: Model, dice: &mut Dice) -> TempDir {
    let folder = memory_folder();
    for (path, content) in replay.disk.image(model, dice) {
        let path = folder.path().join(path.trim_start_matches('/'));
        match content {
            None => fs::create_dir(path).unwrap(),
            Some(content) => {
                let mut file = File::create(path).unwrap();
                file.write_all(&content.bytes).unwrap();
                file.set_len(content.len).unwrap();
            }
        }
    }
    folder
}

/// Whether the store of an image has what was acknowledged, or what it lacks.
fn verdict(journal: &Journal, disk: &Path) -> Result<(), String> {
    let verified = catch_unwind(AssertUnwindSafe(|| {
        journal.clone().verify(&disk.join("store"));
    }));
    verified.map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.unwrap_or_else(|| "panicked".into())
    })
}

/// An image that stays, to be looked at.
fn keep(replay: &Replay, model: Model, dice: &mut Dice) -> PathBuf {
    image(replay, model, dice).keep()
}

/// A folder in memory, where the machine has such a thing: nothing waits for a disk there.
fn memory_folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}
