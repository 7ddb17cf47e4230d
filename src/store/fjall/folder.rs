//! Folders that are there after a power loss, and the lock of the store.
//!
//! A new file or folder lasts only when the folder that names it is synced as well; the engine
//! leaves some of that to its user. Nothing is served before all names of the store are synced.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::OpenError;

/// The folders and files of a store.
pub(super) struct Layout {
    /// The folder of the store.
    pub(super) root: PathBuf,
    /// The database.
    pub(super) db: PathBuf,
    /// The database while it is created: it has never been served from.
    pub(super) unborn: PathBuf,
    /// The side file with the commit mark.
    pub(super) mark: PathBuf,
    lock: PathBuf,
}

impl Layout {
    pub(super) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            db: root.join("db"),
            unborn: root.join("db.new"),
            mark: root.join("commit-mark"),
            lock: root.join("lock"),
        }
    }

    /// Makes the folder of the store, so that it lasts.
    pub(super) fn create_root(&self) -> Result<(), OpenError> {
        let create = || {
            fs::create_dir_all(&self.root)?;
            let absolute = self.root.canonicalize()?;
            absolute.parent().map_or(Ok(()), sync_folder)
        };
        create().map_err(|e| self.io(e))
    }

    /// Keeps every other process out for as long as the file is held.
    pub(super) fn lock(&self) -> Result<File, OpenError> {
        let mut options = fs::OpenOptions::new();
        let file = options.create(true).truncate(false).write(true);
        let file = file.open(&self.lock).map_err(|e| self.io(e))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse(self.root.clone())),
            Err(TryLockError::Error(e)) => Err(self.io(e)),
        }
    }

    /// Removes what a creation that was interrupted left.
    pub(super) fn clear_unborn(&self) -> Result<(), OpenError> {
        match fs::remove_dir_all(&self.unborn) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(self.io(e)),
            _ => Ok(()),
        }
    }

    /// Gives the database its name, now that it is complete.
    pub(super) fn bear(&self) -> Result<(), OpenError> {
        let bear = || {
            sync_database(&self.unborn)?;
            fs::rename(&self.unborn, &self.db)?;
            sync_folder(&self.root)
        };
        bear().map_err(|e| self.io(e))
    }

    /// Syncs all folders of the store that name something.
    pub(super) fn sync(&self) -> Result<(), OpenError> {
        let sync = || sync_database(&self.db).and_then(|()| sync_folder(&self.root));
        sync().map_err(|e| self.io(e))
    }

    pub(super) fn io(&self, error: io::Error) -> OpenError {
        OpenError::Io(self.root.clone(), error)
    }
}

fn sync_database(db: &Path) -> io::Result<()> {
    let keyspaces = db.join("keyspaces");
    for entry in fs::read_dir(&keyspaces)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_folder(&entry.path())?;
        }
    }
    sync_folder(&keyspaces)?;
    sync_folder(db)
}

/// Makes the names in a folder last.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
