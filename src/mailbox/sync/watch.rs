//! Looking without touching: is there something to tell, and how much.

use roaring::RoaringBitmap;

use super::Window;
use super::at::{At, Peek};
use super::state::State;
use crate::mailbox::{DeviceNo, Error, FolderId, Mailbox, Place};
use crate::store::{Scope, Seq, keys};

/// Whether a device is behind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Watched {
    /// It never synced this folder.
    NeverSynced,
    /// There is something to tell.
    Changed,
    /// It has everything.
    Unchanged,
}

/// A state in which a device has all that there is to tell.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Quiet {
    /// Its current SyncKey.
    pub key: u64,
    /// The caller's options.
    pub options: Vec<u8>,
    /// The window that holds.
    pub window: Window,
}

impl Mailbox {
    /// The state of a device in a folder (or of the hierarchy), if there is nothing to tell it from
    /// there: then a request with this key, these options, this window and no commands changes nothing,
    /// and need not read what the device has. `None` where only a [`super::Round`] can tell.
    ///
    /// # Errors
    /// The store's.
    pub async fn quiet(
        &self,
        scope: Scope,
        device: DeviceNo,
        folder: FolderId,
    ) -> Result<Option<Quiet>, Error> {
        let at = At {
            scope,
            device,
            folder,
        };
        let Some(peek) = at.peek(self).await? else {
            return Ok(None);
        };
        // One that has broken items may take them by now.
        if !peek.broken.is_empty() || !self.is_quiet(&at, &peek).await? {
            return Ok(None);
        }
        Ok(Some(Quiet {
            key: peek.number,
            window: peek.positions.window(),
            options: peek.options,
        }))
    }

    /// Whether the log says nothing new, and nothing is left of what was there before.
    async fn is_quiet(&self, at: &At, peek: &Peek) -> Result<bool, Error> {
        let cursor = peek.positions.cursor;
        let is_root = at.folder == FolderId::ROOT;
        if peek.owes || !(is_root || peek.positions.is_filled()) {
            return Ok(false);
        }
        let span = keys::changes_after(at.scope, at.folder.0, cursor.seq, cursor.item);
        Ok(self.range(span.read_reverse(1)).await?.rows.is_empty()
            && (is_root || !self.is_behind_purge(at, cursor.seq).await?))
    }

    /// Whether there is something to tell the device of this folder (or of the hierarchy), as seen
    /// from its current state. One or two row reads where nothing changed.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the folder; the store's.
    pub async fn watch(
        &self,
        scope: Scope,
        device: DeviceNo,
        folder: FolderId,
    ) -> Result<Watched, Error> {
        if folder != FolderId::ROOT {
            self.folder(scope, folder).await?;
        }
        let at = At {
            scope,
            device,
            folder,
        };
        let Some(peek) = at.peek(self).await? else {
            return Ok(Watched::NeverSynced);
        };
        if self.is_quiet(&at, &peek).await? {
            return Ok(Watched::Unchanged);
        }
        let more = if folder == FolderId::ROOT {
            let hierarchy = Box::pin(self.folder_sync(scope, device, peek.number)).await?;
            hierarchy.is_some_and(|mut h| !h.changes().is_empty())
        } else {
            match self.sync(scope, device, folder, peek.number).await? {
                Some(mut round) => round.more().await?,
                // A Sync has come between.
                None => true,
            }
        };
        Ok(if more {
            Watched::Changed
        } else {
            Watched::Unchanged
        })
    }

    /// How many changes the next Sync with this key and window would tell, counted up to `max`.
    /// `None`: the key names no state that is kept. Nothing is changed.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the folder; the store's.
    pub async fn estimate(
        &self,
        scope: Scope,
        device: DeviceNo,
        folder: FolderId,
        key: u64,
        window: Option<Window>,
        max: usize,
    ) -> Result<Option<usize>, Error> {
        let Some(mut round) = self.sync(scope, device, folder, key).await? else {
            return Ok(None);
        };
        if let Some(window) = window {
            round.set_window(window);
        }
        round.pager.counting = true;
        let mut count = 0;
        while count < max && round.next().await?.is_some() {
            count += 1;
        }
        count += round.count_fill(max - count).await?;
        Ok(Some(count))
    }

    /// Reads the whole state of a device in a folder, to see whether that can be done.
    ///
    /// # Errors
    /// [`Error::Damaged`]; the store's.
    pub(in crate::mailbox) async fn check_state(
        &self,
        scope: Scope,
        device: DeviceNo,
        folder: FolderId,
    ) -> Result<(), Error> {
        let at = At {
            scope,
            device,
            folder,
        };
        at.load(self).await.map(|_| ())
    }

    /// The current SyncKey and options of a collection, without touching it: what an empty or a
    /// partial request stands for. `None` where the device has no state.
    ///
    /// # Errors
    /// The store's.
    pub async fn current_key(
        &self,
        scope: Scope,
        device: DeviceNo,
        folder: FolderId,
    ) -> Result<Option<(u64, Vec<u8>)>, Error> {
        let at = At {
            scope,
            device,
            folder,
        };
        let peek = at.peek(self).await?;
        Ok(peek.map(|peek| (peek.number, peek.options)))
    }

    /// Items of the set that are gone though the log does not say so any more: for a device that
    /// was away for longer than tombstones are kept. Nothing is read for all others but one row.
    pub(super) async fn missing(&self, at: &At, state: &State) -> Result<RoaringBitmap, Error> {
        if !self.is_behind_purge(at, state.positions.cursor.seq).await? {
            return Ok(RoaringBitmap::new());
        }
        let mut missing = state.held.clone();
        let mut span = keys::dates(at.scope, at.folder.0);
        loop {
            let page = self.range(span.read(crate::limits::RANGE_ROWS_MAX)).await?;
            for (item, _) in page.rows.iter().filter_map(Place::of_row) {
                missing.remove(item.0);
            }
            match page.rows.last() {
                Some(last) if page.more => span = span.after(&last.key),
                _ => return Ok(missing),
            }
        }
    }

    /// Whether tombstones were dropped that a device at `seq` has not seen. It may stand between
    /// two entries of one commit.
    async fn is_behind_purge(&self, at: &At, seq: Seq) -> Result<bool, Error> {
        let purged = self.purged(at.scope, at.folder).await?;
        Ok(purged != 0 && seq <= purged)
    }
}
