//! A disk that is full: the store says so, has lost nothing, and goes on once there is room.
//!
//! The disk is a file system in memory of a fixed size, mounted where only the test sees it.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use roost::store::{Batch, CommitError, Options, Scope, Store, Write, keys};
use roost::work::block_on;

use crate::child::{self, FOLDER, MEMTABLE, ROUND};
use crate::image;
use crate::verify::Journal;

const TEST: &str = "full::a_full_disk_loses_nothing";
const RESERVE_TEST: &str = "full::a_reserve_keeps_the_store_alive";
const MIB: usize = 1024 * 1024;
/// What takes the last room.
const FILLER: &str = "filler";
/// What is removed to make room.
const BALLAST: &str = "ballast";

#[test]
fn a_full_disk_loses_nothing() {
    match (std::env::var(FOLDER), std::env::var(ROUND)) {
        (Ok(store), Ok(round)) => {
            child::run_to_failure(Path::new(&store), round.parse().unwrap());
        }
        (Ok(disk), Err(_)) => fill(Path::new(&disk)),
        _ => on_small_disks(TEST, &[(6, 16), (8, 64), (12, 1024)]),
    }
}

#[test]
fn a_reserve_keeps_the_store_alive() {
    match std::env::var(FOLDER) {
        Ok(disk) => reserve(Path::new(&disk)),
        Err(_) => on_small_disks(RESERVE_TEST, &[(24, 64)]),
    }
}

/// Runs a test on disks of so many MiB, with tables of so many KiB.
fn on_small_disks(test: &str, sizes: &[(usize, usize)]) {
    let folder = tempfile::tempdir().unwrap();
    let Some(unshare) = mounts(folder.path()) else {
        let why = "no small disk can be mounted here; it takes root, or user namespaces";
        assert!(std::env::var_os("CI").is_none(), "{why}");
        eprintln!("skipped: {why}");
        return;
    };
    for (mib, memtable_kib) in sizes {
        let ended = on_disk(unshare, folder.path(), *mib)
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env(FOLDER, folder.path())
            .env(MEMTABLE, (memtable_kib * 1024).to_string())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ended.stdout);
        let failed = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{mib} MiB: {said}{failed}");
        eprintln!("{mib} MiB: {failed}");
    }
}

/// How a disk can be mounted; `None` if it cannot.
fn mounts(folder: &Path) -> Option<&'static str> {
    ["-m", "-rm"].into_iter().find(|how| {
        let tried = on_disk(how, folder, 1).arg("true").output();
        tried.is_ok_and(|tried| tried.status.success())
    })
}

/// A command that runs a program where a disk is mounted over the folder.
fn on_disk(how: &str, folder: &Path, mib: usize) -> Command {
    let mut command = Command::new("unshare");
    let mount = format!("mount -t tmpfs -o size={mib}m tmpfs \"$0\" && exec \"$@\"");
    command.args([how, "sh", "-c", &mount]).arg(folder);
    command
}

/// Fills the disk from a child, and looks at what is left.
fn fill(disk: &Path) {
    fs::write(disk.join(BALLAST), vec![7; 3 * MIB]).unwrap();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", TEST, "--nocapture"])
        .env(FOLDER, disk.join("store"))
        .env(ROUND, "0")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    let failed = String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success(), "{said}{failed}");
    assert!(said.contains("the disk is full"), "{said}{failed}");
    let journal = Journal::of(said.lines());
    assert!(journal.len() > 100, "{}", journal.len());
    // As long as the disk is full, all can be read; also if what a start frees is taken by others.
    for start in 1..=3 {
        let filler = fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(disk.join(FILLER));
        let mut filler = filler.unwrap();
        while filler.write_all(&[7; 512]).is_ok() {}
        let verdict = image::verdict(&journal, disk);
        assert_eq!(verdict, Ok(()), "start {start} without room");
    }
    fs::remove_file(disk.join(BALLAST)).unwrap();
    fs::remove_file(disk.join(FILLER)).unwrap();
    assert_eq!(image::verdict(&journal, disk), Ok(()), "with room");
    assert_eq!(image::goes_on(&journal, disk), Ok(()));
    eprintln!("{} acknowledged before it was full", journal.len());
}

/// Commits until the reserve is touched: refused, but alive.
fn reserve(disk: &Path) {
    fs::write(disk.join(BALLAST), vec![7; 8 * MIB]).unwrap();
    let options = Options {
        reserve_bytes: 8 << 20,
        ..child::options()
    };
    let store = Store::open(&disk.join("store"), &options).unwrap();
    let commit = |n| {
        let mut batch = Batch::new(Scope(16));
        let row = (0..3_000_u64).map(|at| child::mix(at << 32 | u64::from(n)) as u8);
        batch
            .writes
            .push(Write::Put(keys::item(Scope(16), 2, n), row.collect()));
        block_on(store.commit(batch))
    };
    let mut acked = 0;
    let refused = loop {
        match commit(acked) {
            Ok(_) => acked += 1,
            Err(e) => break e,
        }
    };
    assert_eq!(refused, CommitError::Full, "after {acked}");
    assert!(acked > 500);
    assert!(store.poisoned().try_recv().is_err());
    let present = |n| {
        block_on(store.get(&keys::item(Scope(16), 2, n)))
            .unwrap()
            .is_some()
    };
    assert!((0..acked).all(present) && !present(acked));
    fs::remove_file(disk.join(BALLAST)).unwrap();
    assert!(commit(acked).is_ok(), "there is room again");
    eprintln!("{acked} acknowledged before the reserve");
}
