//! The commit mark: how far the store was, written beside the database once a second.
//!
//! A journal that is damaged in its middle is cut there when it is read again, which looks like a
//! journal that ended there. The mark shows the difference: a database behind its mark has lost
//! commits that were answered.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::folder::sync_folder;
use crate::store::committer::Shared;

/// First line of the file, in front of the number.
const TITLE: &str = "roost commit mark 1";
/// How often the mark follows.
const EVERY: Duration = Duration::from_secs(1);

/// Reads the mark; `None` if there is no file.
pub(super) fn read(path: &Path) -> io::Result<Option<u64>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e),
    };
    let number = text.strip_prefix(TITLE).and_then(|n| n.trim().parse().ok());
    let damaged = || io::Error::new(io::ErrorKind::InvalidData, "the commit mark is damaged");
    number.map(Some).ok_or_else(damaged)
}

/// Writes the mark: the old one or the new one is there, whatever happens.
pub(super) fn write(path: &Path, number: u64) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = File::create(&new)?;
    writeln!(file, "{TITLE}\n{number}")?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// The thread that lets the mark follow.
pub(super) struct Marker {
    stop: Option<flume::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Marker {
    /// Starts the thread; `marked` is what the mark says now, where that is known.
    pub(super) fn start(
        path: PathBuf,
        shared: Arc<Shared>,
        marked: Option<u64>,
    ) -> io::Result<Self> {
        let (stop, stopped) = flume::bounded(0);
        let thread = std::thread::Builder::new()
            .name("commit-mark".into())
            .spawn(move || follow(&path, &shared, marked, &stopped))?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Marker {
    /// Lets the mark follow to the end.
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // What it could not write it has logged.
            let _ = thread.join();
        }
    }
}

fn follow(path: &Path, shared: &Shared, mut marked: Option<u64>, stopped: &flume::Receiver<()>) {
    let mut is_full = false;
    loop {
        let stop = stopped.recv_timeout(EVERY) == Err(flume::RecvTimeoutError::Disconnected);
        let number = shared.number.load(Ordering::Acquire);
        if marked != Some(number) {
            match write(path, number) {
                Ok(()) => (marked, is_full) = (Some(number), false),
                // A full disk passes; the mark stays behind, which is safe.
                Err(e) if e.kind() == io::ErrorKind::StorageFull => {
                    if !std::mem::replace(&mut is_full, true) {
                        tracing::warn!(store = "commit mark not written", error = %e);
                    }
                }
                Err(e) => shared.poison.set(&format!("commit mark: {e}")),
            }
        }
        if stop {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_written_and_a_damaged_one_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mark");
        assert_eq!(read(&path).unwrap(), None);
        write(&path, 7).unwrap();
        write(&path, 812).unwrap();
        assert_eq!(read(&path).unwrap(), Some(812));
        fs::write(&path, "roost commit").unwrap();
        assert!(read(&path).is_err());
    }

    #[test]
    fn the_mark_is_up_to_date_when_the_store_closes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mark");
        let shared = Arc::<Shared>::default();
        let marker = Marker::start(path.clone(), Arc::clone(&shared), Some(0)).unwrap();
        shared.number.store(5, Ordering::Release);
        drop(marker);
        assert_eq!(read(&path).unwrap(), Some(5));
    }
}
