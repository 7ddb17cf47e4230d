//! Images: what is left of a disk, as a folder, and whether the store in it is good.

use std::fs::{self, File};
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use roost::store::{Batch, Scope, Write, keys};
use roost::work::block_on;
use tempfile::TempDir;

use crate::child;
use crate::dice::Dice;
use crate::disk::Model;
use crate::recording::memory_folder;
use crate::replay::Replay;
use crate::verify::Journal;

/// Writes an image into a folder.
pub(crate) fn write(replay: &Replay, model: Model, dice: &mut Dice) -> TempDir {
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
pub(crate) fn verdict(journal: &Journal, disk: &Path) -> Result<(), String> {
    caught(|| journal.clone().verify(&disk.join("store")))
}

/// What a check that panics found.
pub(crate) fn caught(check: impl FnOnce()) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(check)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.unwrap_or_else(|| "panicked".into())
    })
}

/// Whether the store of an image takes more, and still has what was acknowledged.
pub(crate) fn goes_on(journal: &Journal, disk: &Path) -> Result<(), String> {
    let more = Scope(99);
    let mut batch = Batch::new(more);
    batch
        .writes
        .push(Write::Put(keys::item(more, 2, 1), vec![1; 5_000]));
    let store = child::open(&disk.join("store"));
    let committed = block_on(store.map_err(|e| e.to_string())?.commit(batch));
    committed.map_err(|e| e.to_string())?;
    verdict(journal, disk)
}
