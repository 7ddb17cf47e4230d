//! A write that fails for real: the store ends, says so, goes on answering reads, and has lost
//! nothing that it acknowledged.
//!
//! The child limits the size of its own files (`prlimit` of util-linux) once the store is open, so
//! that the journal hits the limit, as it would hit the end of a disk.

use std::path::Path;
use std::process::Command;

use roost::store::{Batch, CommitError, Scope, Write, keys};
use roost::work::block_on;

use crate::child::{self, FOLDER};

const TEST: &str = "failing::a_failed_write_ends_the_store_and_loses_nothing";
const SCOPE: Scope = Scope(16);
/// Bytes that a file of the child may have.
const FILE_BYTES: u64 = 200_000;

#[test]
fn a_failed_write_ends_the_store_and_loses_nothing() {
    if let Ok(folder) = std::env::var(FOLDER) {
        return run(Path::new(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    let child = Command::new("sh")
        // Ignored, the signal becomes an error of the write.
        .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", TEST, "--nocapture"])
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    let failed = String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success(), "{said}{failed}");
    let acked = said.lines().find_map(|line| line.split("acked ").nth(1));
    let acked: u32 = acked.unwrap().trim().parse().unwrap();
    assert!(acked > 10, "{acked} commits before the failure");

    let store = child::open(folder.path()).unwrap();
    for n in 0..acked {
        let row = block_on(store.get(&keys::item(SCOPE, 2, n))).unwrap();
        assert_eq!(row.map(|row| row.version), Some(u64::from(n) + 1));
    }
    assert!(block_on(store.commit(put(acked + 1))).is_ok());
}

fn put(n: u32) -> Batch {
    let mut batch = Batch::new(SCOPE);
    let key = keys::item(SCOPE, 2, n);
    batch.writes.push(Write::Put(key, vec![n as u8; 3_000]));
    batch
}

fn run(folder: &Path) {
    let store = child::open(folder).unwrap();
    let poisoned = store.poisoned();
    let limited = Command::new("prlimit")
        .args(["--pid", &std::process::id().to_string()])
        .arg(format!("--fsize={FILE_BYTES}"))
        .status();
    assert!(limited.unwrap().success());
    let mut acked = 0;
    let failure = loop {
        match block_on(store.commit(put(acked))) {
            Ok(_) => acked += 1,
            Err(e) => break e,
        }
        assert!(u64::from(acked) * 3_000 < 4 * FILE_BYTES, "the limit holds");
    };
    assert!(matches!(failure, CommitError::Poisoned(_)), "{failure}");
    assert!(!poisoned.recv().unwrap().is_empty());
    let again = block_on(store.commit(put(0)));
    assert_eq!(again, Err(failure));
    let last = keys::item(SCOPE, 2, acked - 1);
    assert!(block_on(store.get(&last)).unwrap().is_some());
    println!("acked {acked}");
}
