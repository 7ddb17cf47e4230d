//! What each device holds of each folder, and what it is to be told.
//!
//! A **generation** is the state that a SyncKey names: the set of items on the device, and three
//! positions up to which the server has told the device everything:
//!
//! - the *cursor* in the change log: entries up to it were looked at;
//! - *low* in the index by date: everything in the window from there up was sent (the first sync
//!   goes from the newest item down);
//! - the *sweep*, while a narrower window is being put into effect: what left it is taken back.
//!
//! Beside these, *owed* names items that have to be looked at again though no position says so.
//! From a generation follows what to send: in the window and not in the set is Add; in the set and
//! changed is Change; in the set and gone is Delete; in the set and out of the window is
//! SoftDelete.
//!
//! **Two generations are kept**: the current one (its answer may have been lost) and the one that
//! its request presented. Presenting the current key says that its answer arrived. Presenting the
//! key before gives the same answer under the same key again: what it carried is computed from the
//! difference of the two sets, commands that are repeated are answered as recorded, and what the
//! other commands did goes out as changes of the server. Only where that is impossible (new
//! commands, another window, a smaller answer) a new generation is made, under a new number.
//!
//! A request is a [`Round`]. The commit of its last part writes commands, change log and the new
//! generation together, on condition that the state is still as it was read: two requests that
//! cross cannot both win. Where the commands need several commits, each carries the outcomes so
//! far: a request that was cut short is a lost answer like any other.
//!
//! An item that a device cannot take is *broken* for it: it gets a stand-in, and a list says so.
//!
//! Deliberately absent: what an item looks like on the wire, statuses, the meaning of the options.

mod at;
mod broken;
mod commands;
mod hierarchy;
#[cfg(test)]
#[expect(clippy::large_futures, reason = "no test is parked")]
mod model;
mod pager;
mod round;
mod state;
#[cfg(test)]
#[expect(clippy::large_futures, reason = "no test is parked")]
mod tests;
mod watch;

use super::{DeviceNo, Error, FolderId, ItemId, ItemRow, Mailbox, Place, Tx};
use crate::clock::UnixMs;
use crate::store::{Scope, Seq};

pub use broken::{Broken, Fault};
pub use hierarchy::{FolderChange, Hierarchy};
pub use round::{Finished, Round};
pub use watch::{Quiet, Watched};

/// Up to where in the change log (commit, item) a device was told; `None` if it has no state.
pub(super) async fn cursor(
    mailbox: &Mailbox,
    scope: Scope,
    device: DeviceNo,
    folder: FolderId,
) -> Result<Option<(Seq, u32)>, Error> {
    let at = at::At {
        scope,
        device,
        folder,
    };
    let peek = at.peek(mailbox).await?;
    Ok(peek.map(|peek| (peek.positions.cursor.seq, peek.positions.cursor.item)))
}

/// Puts an item into the sets of what a device holds of a folder, both generations of them, in the
/// batch that brings the item there: the device has it by its own doing. Without a state it holds
/// nothing, and the first Sync brings it.
pub(super) async fn hold(
    tx: &mut Tx,
    device: DeviceNo,
    folder: FolderId,
    item: ItemId,
) -> Result<(), Error> {
    let scope = tx.scope();
    let at = at::At {
        scope,
        device,
        folder,
    };
    let Some(loaded) = at.load(tx.mailbox()).await? else {
        tx.require(at.condition(None));
        return Ok(());
    };
    let (stored, mut state) = (loaded.state.held.clone(), loaded.state);
    state.held.insert(item.0);
    // It may have missed what others did to it in its old place.
    state.owed.insert(item.0);
    if let Some(previous) = &mut state.previous {
        previous.held.insert(item.0);
    }
    tx.require(at.condition(Some(loaded.version)));
    for write in at.writes(&state, &stored)? {
        tx.write(write);
    }
    Ok(())
}

/// Which items a device wants of a folder (FilterType).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    /// Only items dated from here on, Unix milliseconds. Round it (to the hour, or the day): each
    /// new value takes items from the device that have left the window.
    pub since_ms: UnixMs,
    /// Only tasks that are not done.
    pub incomplete_only: bool,
}

impl Window {
    /// Everything.
    pub const ALL: Self = Self {
        since_ms: i64::MIN,
        incomplete_only: false,
    };

    /// Everything dated from `since_ms` on.
    #[must_use]
    pub fn since(since_ms: UnixMs) -> Self {
        Self {
            since_ms,
            ..Self::ALL
        }
    }

    pub(super) fn holds(self, place: Place) -> bool {
        place.date_ms >= self.since_ms && !(self.incomplete_only && place.complete)
    }
}

/// Which state the SyncKey of a request names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Presented {
    /// 0: all state of the collection is forgotten, a new one begins.
    First,
    /// The current one: the client has received the last answer.
    Current,
    /// The one before: the last answer was lost.
    Previous,
}

/// A command of the client, by what its repetition is recognised.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Command {
    /// Add, by its ClientId (for a folder: what its creation names).
    Add(String),
    /// Change, by the item.
    Change(ItemId),
    /// Delete, by the item.
    Delete(ItemId),
}

/// What a command came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// The item that it made or concerned; `None` where there is none.
    pub item: Option<ItemId>,
    /// The caller's own number for the result.
    pub status: u8,
    /// A fingerprint of what the command said, so that an edited repetition is told from a mere
    /// one. The caller's, any hash will do.
    pub print: u64,
}

/// What is remembered of a command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Recorded {
    /// It is new: carry it out.
    New,
    /// It was carried out before: answer this, and do nothing.
    Same(Outcome),
    /// It was carried out before, but said something else then. An Add is to become a change of
    /// the item it made ([`Round::amend`]), a Change is carried out again.
    Differs(Outcome),
}

/// One thing to tell the device.
#[derive(Clone, Debug)]
pub struct Change {
    /// The item.
    pub item: ItemId,
    /// What to tell.
    pub kind: ChangeKind,
}

/// What to tell of an item.
#[derive(Clone, Debug)]
pub enum ChangeKind {
    /// It is new to the device.
    Add(ItemRow),
    /// It has changed.
    Change(ItemRow),
    /// It is gone.
    Delete,
    /// It is there, but not in the window any more.
    SoftDelete,
}
