//! One request and its answer, for one collection.

use std::collections::{BTreeSet, HashSet};

use roaring::RoaringBitmap;

use super::at::{At, Loaded};
use super::pager::Pager;
use super::state::{Positions, Previous, State, uppers};
use super::{Command, Presented, Window};
use crate::limits;
use crate::mailbox::{By, DeviceNo, Error, FolderId, FolderRow, Mailbox, Tx};
use crate::store::{Scope, Seq};

/// Looked at in vain so many rows: worth a commit, so that the next request does not do it again.
const SKIPPED_WORTH_SAVING: usize = 256;
/// Bytes of the caller's options.
pub(super) const OPTIONS_BYTES_MAX: usize = 16 * 1024;

/// One request of a device for one collection, in this order: [`Round::set_options`] and
/// [`Round::set_window`], then the commands, then [`Round::next`] as long as the answer has room,
/// [`Round::more`], and [`Round::finish`]. Dropping it leaves the state as it is, except for the
/// commands that did not fit into one commit.
///
/// On [`Error::Conflict`] the whole request is to be computed again, from [`Mailbox::sync`] on.
#[must_use = "a round does nothing until it is finished"]
pub struct Round {
    pub(super) mailbox: Mailbox,
    pub(super) at: At,
    pub(super) folder: FolderRow,
    pub(super) presented: Presented,
    /// The state as it was read.
    pub(super) origin: Box<State>,
    /// The head row's version; `None` before there is one.
    version: Option<Seq>,
    /// The set that the stored parts hold.
    stored: RoaringBitmap,
    /// What becomes the generation before.
    base: Option<Previous>,
    /// What becomes the current generation.
    pub(super) draft: Box<State>,
    pub(super) tx: Tx,
    /// The draft was written under its own number already.
    saved: bool,
    /// A command was carried out, or refused, in this round.
    pub(super) novel: bool,
    /// Commands of this request that were answered from the record.
    pub(super) repeated: HashSet<Command>,
    /// Which commands are repeated was put into effect.
    pub(super) settled: bool,
    /// Items that the commands of this round have changed.
    pub(super) touched: RoaringBitmap,
    /// The upper halves of items that came to or left the set.
    pub(super) dirty: BTreeSet<u16>,
    /// What the lost answer told and its repetition has not told yet.
    pub(super) replay: RoaringBitmap,
    pub(super) pager: Box<Pager>,
}

/// What a round came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Finished {
    /// The SyncKey to answer.
    pub key: u64,
    /// Nothing was told and nothing done: the key is the one presented.
    pub unchanged: bool,
}

impl Mailbox {
    /// Begins a round: resolves the SyncKey that the device presents for this folder (0: a new
    /// beginning). `None`: the key names no state that is kept; the device has to begin with 0.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the folder; the store's.
    pub async fn sync(
        &self,
        scope: Scope,
        device: DeviceNo,
        folder: FolderId,
        key: u64,
    ) -> Result<Option<Round>, Error> {
        let folder = self.folder(scope, folder).await?;
        self.sync_in(scope, device, folder, key).await
    }

    /// The same in a folder that was read already. A folder that has changed since is noticed by the
    /// commit, which ends in [`Error::Conflict`]: it has to be read again for another attempt.
    ///
    /// # Errors
    /// The store's.
    pub async fn sync_in(
        &self,
        scope: Scope,
        device: DeviceNo,
        folder: FolderRow,
        key: u64,
    ) -> Result<Option<Round>, Error> {
        // Boxed: callers keep their own futures small.
        Box::pin(self.begin_round(scope, device, folder, key)).await
    }

    async fn begin_round(
        &self,
        scope: Scope,
        device: DeviceNo,
        folder: FolderRow,
        key: u64,
    ) -> Result<Option<Round>, Error> {
        let at = At {
            scope,
            device,
            folder: folder.id,
        };
        let loaded = at.load(self).await?;
        let (version, state) = match loaded {
            Some(Loaded { state, version }) => (Some(version), Some(state)),
            None => (None, None),
        };
        let (presented, origin) = match state {
            None if key == 0 => (Presented::First, State::new(1, at.log_end(self).await?)),
            None => return Ok(None),
            Some(state) if key == 0 => (Presented::First, state),
            Some(state) if key == state.number => (Presented::Current, state),
            Some(state) if state.previous.as_ref().is_some_and(|p| p.number == key) => {
                (Presented::Previous, state)
            }
            Some(_) => return Ok(None),
        };
        let origin = Box::new(origin);
        let mut round = Round::new(self.clone(), at, folder, presented, origin, version);
        match presented {
            Presented::First => round.begin_first().await?,
            Presented::Current => {
                round.begin_current();
                round.settle_broken();
            }
            Presented::Previous => round.begin_previous(),
        }
        if presented != Presented::First {
            let missing = self.missing(&at, &round.draft).await?;
            round.draft.owed |= missing;
        }
        round.pager.begin(&round.draft);
        Ok(Some(round))
    }
}

impl Round {
    fn new(
        mailbox: Mailbox,
        at: At,
        folder: FolderRow,
        presented: Presented,
        origin: Box<State>,
        version: Option<Seq>,
    ) -> Self {
        let by = By {
            device: at.device,
            via_sync: true,
        };
        let tx = mailbox.transaction(at.scope, by);
        // A state that is not stored yet has no parts either.
        let stored = version.map(|_| origin.held.clone()).unwrap_or_default();
        Self {
            at,
            folder,
            presented,
            version,
            stored,
            base: None,
            draft: origin.clone(),
            origin,
            tx,
            saved: false,
            novel: false,
            repeated: HashSet::new(),
            settled: false,
            touched: RoaringBitmap::new(),
            dirty: BTreeSet::new(),
            replay: RoaringBitmap::new(),
            pager: Box::default(),
            mailbox,
        }
    }

    /// Key 0. A state under whose number nothing was ever sent is as good as a new one, and keeps
    /// its number: a repeated request gets the same answer.
    async fn begin_first(&mut self) -> Result<(), Error> {
        if self.version.is_some() && !self.origin.is_pristine() {
            let cursor = self.at.log_end(&self.mailbox).await?;
            let broken = self.origin.broken.clone();
            *self.draft = State::new(self.origin.number + 1, cursor);
            self.draft.inherit_broken(broken);
        }
        self.draft.options = Vec::new();
        Ok(())
    }

    fn begin_current(&mut self) {
        self.base = Some(Previous {
            number: self.origin.number,
            held: self.origin.held.clone(),
        });
        self.draft.outcomes.clear();
        self.draft.changed.clear();
    }

    /// The lost answer told of what differs between the two sets and of the changes that are noted
    /// with it; the client's commands were carried out. All that is owed again, on top of the
    /// current positions, until it turns out which commands are repeated.
    fn begin_previous(&mut self) {
        let Some(previous) = self.origin.previous.clone() else {
            return;
        };
        self.replay = &previous.held ^ &self.origin.held;
        self.replay |= &self.origin.changed;
        let outcomes = self.origin.outcomes.iter();
        let own_changes = outcomes.filter_map(|(command, outcome)| match command {
            Command::Change(_) => outcome.item,
            _ => None,
        });
        self.replay.extend(own_changes.map(|item| item.0));
        self.draft.changed.clear();
        self.draft.owed |= &self.replay;
        self.draft.held.clone_from(&previous.held);
        self.draft
            .restore_broken(&(&previous.held - &self.origin.held));
        self.dirty = uppers(&(&self.draft.held ^ &self.stored))
            .into_iter()
            .collect();
        self.base = Some(previous);
    }

    /// Which state the key named.
    #[must_use]
    pub fn presented(&self) -> Presented {
        self.presented
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &FolderRow {
        &self.folder
    }

    /// The options that hold at present; empty after key 0.
    #[must_use]
    pub fn options(&self) -> &[u8] {
        &self.draft.options
    }

    /// Replaces the options, which stay until they are replaced again. The caller's own bytes.
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub fn set_options(&mut self, options: Vec<u8>) -> Result<(), Error> {
        if options.len() > OPTIONS_BYTES_MAX {
            return Err(Error::TooLarge);
        }
        self.draft.options = options;
        Ok(())
    }

    /// The window that holds at present; [`Window::ALL`] after key 0.
    #[must_use]
    pub fn window(&self) -> Window {
        self.draft.positions.window()
    }

    /// Takes another window from now on.
    pub fn set_window(&mut self, window: Window) {
        if self.presented == Presented::First {
            self.draft.positions = Positions::new(self.draft.positions.cursor, window);
        }
        self.draft.positions.set_window(window);
        self.pager.begin(&self.draft);
    }

    /// Ends the round: commits the commands and the new state. Answer only when this returned.
    ///
    /// # Errors
    /// [`Error::Conflict`]: compute the request again; the store's.
    pub async fn finish(self) -> Result<Finished, Error> {
        Box::pin(self.finish_boxed()).await
    }

    async fn finish_boxed(mut self) -> Result<Finished, Error> {
        self.settle();
        self.apply_sent();
        let advanced = self.pager.sent > 0 || self.novel;
        match self.presented {
            Presented::First => self.finish_first().await?,
            Presented::Current if advanced => self.save().await?,
            Presented::Current => self.save_quietly().await?,
            Presented::Previous if self.is_same_answer() => {}
            Presented::Previous => self.save().await?,
        }
        Ok(Finished {
            key: self.draft.number,
            unchanged: self.presented == Presented::Current && !advanced,
        })
    }

    async fn finish_first(&mut self) -> Result<(), Error> {
        self.saved = true;
        if self.version.is_none() || self.draft != self.origin {
            self.write_state(&self.draft.clone()).await?;
        }
        Ok(())
    }

    /// The repetition told everything that the lost answer told, and nothing else: what the
    /// current key names is what the device has then.
    fn is_same_answer(&self) -> bool {
        self.replay.is_empty()
            && !self.novel
            && !self.saved
            && self.draft.options == self.origin.options
            && self.draft.broken == self.origin.broken
            && self.draft.positions.window() == self.origin.positions.window()
    }

    /// Nothing to tell; but a new window, new options, or a long way in vain are kept, under the
    /// same key.
    async fn save_quietly(&mut self) -> Result<(), Error> {
        let restated = self.draft.options != self.origin.options
            || self.draft.positions.window() != self.origin.positions.window()
            || self.draft.broken != self.origin.broken;
        let is_nearer = self.draft.owed != self.origin.owed
            || self.draft.positions.is_filled() != self.origin.positions.is_filled()
            || self.pager.skipped >= SKIPPED_WORTH_SAVING;
        if restated || is_nearer {
            let mut state = self.origin.clone();
            state.positions = self.draft.positions.clone();
            state.options.clone_from(&self.draft.options);
            state.owed.clone_from(&self.draft.owed);
            state.broken.clone_from(&self.draft.broken);
            match self.write_state(&state).await {
                // As on a full disk: the next request looks through it again.
                Err(Error::Busy) if !restated => {}
                done => return done,
            }
        }
        Ok(())
    }

    /// Commits what was gathered so far with the draft, under its new number.
    pub(super) async fn save(&mut self) -> Result<(), Error> {
        if !self.saved {
            self.draft.number = self.origin.number.checked_add(1).ok_or(Error::Limit)?;
            self.saved = true;
        }
        let mut state = self.draft.clone();
        state.previous.clone_from(&self.base);
        self.write_state(&state).await
    }

    async fn write_state(&mut self, state: &State) -> Result<(), Error> {
        self.tx.require(self.at.condition(self.version));
        self.tx.require(self.folder.unchanged(self.at.scope));
        for write in self.at.writes(state, &self.stored)? {
            self.tx.write(write);
        }
        if let Some(batch) = self.tx.take() {
            self.version = Some(self.mailbox.commit(batch).await?);
            self.stored.clone_from(&state.held);
            self.dirty.clear();
        }
        Ok(())
    }

    /// As many parts of the set have changed as one commit may carry.
    pub(super) fn is_spread(&self) -> bool {
        self.dirty.len() >= limits::SYNC_PARTS_MAX
    }

    pub(super) fn hold(&mut self, item: u32, held: bool) {
        let changed = if held {
            self.draft.held.insert(item)
        } else {
            self.draft.held.remove(item)
        };
        if changed {
            self.dirty.extend(u16::try_from(item >> 16));
        }
    }
}
