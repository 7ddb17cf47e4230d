//! FolderSync: the same mechanism over the folder hierarchy, collection 0 ([MS-ASCMD] 2.2.1.5).
//!
//! There is no window and no index: everything is told at once, by comparing the set of folders on
//! the device with those there are.

use std::collections::HashSet;

use roaring::RoaringBitmap;

use super::at::{At, Loaded};
use super::round::Finished;
use super::state::{Cursor, Previous, State, from_bytes, to_bytes};
use super::{Command, Outcome, Presented, Recorded};
use crate::limits;
use crate::mailbox::log;
use crate::mailbox::tree::Tree;
use crate::mailbox::{By, DeviceNo, Error, FolderId, FolderKind, FolderRow, ItemId, Mailbox, Tx};
use crate::store::{Scope, Seq, keys};

/// The state of the hierarchy has no options. In their place stand the folders that the device may have
/// or not: a byte that says whether it was told, and their set.
const PENDING: u8 = 1;
const TOLD: u8 = 2;

/// One thing to tell the device about folders.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FolderChange {
    /// It is new to the device. Parents come before their children.
    Add(FolderRow),
    /// It was renamed or moved.
    Update(FolderRow),
    /// It is gone.
    Delete(FolderId),
}

/// One request of a device about the folder hierarchy: FolderSync ([`Hierarchy::changes`]),
/// FolderCreate, FolderUpdate or FolderDelete. Ends with [`Hierarchy::finish`].
#[must_use = "a request about folders does nothing until it is finished"]
pub struct Hierarchy {
    mailbox: Mailbox,
    at: At,
    presented: Presented,
    origin: Box<State>,
    version: Option<Seq>,
    base: Option<Previous>,
    draft: Box<State>,
    tree: Tree,
    tx: Tx,
    by: By,
    /// Folders that others changed since the current positions.
    news: RoaringBitmap,
    /// The last entry of the log that was looked at.
    log_end: Cursor,
    repeated: HashSet<Command>,
    novel: bool,
    told: bool,
}

impl Mailbox {
    /// Begins a request about the folder hierarchy, with the SyncKey that the device presents.
    /// `None`: the key names no state that is kept.
    ///
    /// # Errors
    /// The store's.
    pub async fn folder_sync(
        &self,
        scope: Scope,
        device: DeviceNo,
        key: u64,
    ) -> Result<Option<Hierarchy>, Error> {
        // Boxed: callers keep their own futures small.
        Box::pin(self.begin_hierarchy(scope, device, key)).await
    }

    async fn begin_hierarchy(
        &self,
        scope: Scope,
        device: DeviceNo,
        key: u64,
    ) -> Result<Option<Hierarchy>, Error> {
        let folder = FolderId::ROOT;
        let at = At {
            scope,
            device,
            folder,
        };
        let (version, origin) = match at.load(self).await? {
            Some(Loaded { state, version }) => (Some(version), state),
            None => (None, State::new(0, Cursor::default())),
        };
        let of_previous = origin.previous.as_ref().map(|p| p.number);
        let presented = match key {
            0 => Presented::First,
            _ if version.is_none() => return Ok(None),
            _ if key == origin.number => Presented::Current,
            _ if Some(key) == of_previous => Presented::Previous,
            _ => return Ok(None),
        };
        let by = By {
            device,
            via_sync: true,
        };
        // IMPORTANT: the log first. What comes between is in the tree then, and again in the log that
        // is left; the other way round it would count as heard of.
        let (news, log_end) = self.folder_news(&at, by, origin.positions.cursor).await?;
        let mut hierarchy = Hierarchy {
            at,
            presented,
            version,
            base: None,
            draft: Box::new(origin.clone()),
            tree: Tree::load(self, scope).await?,
            tx: self.transaction(scope, by),
            by,
            news,
            log_end,
            origin: Box::new(origin),
            repeated: HashSet::new(),
            novel: false,
            told: false,
            mailbox: self.clone(),
        };
        hierarchy.begin();
        Ok(Some(hierarchy))
    }

    /// Which folders others than `by` have changed since this place in the log, and where that ends.
    async fn folder_news(
        &self,
        at: &At,
        by: By,
        mut end: Cursor,
    ) -> Result<(RoaringBitmap, Cursor), Error> {
        let mut news = RoaringBitmap::new();
        loop {
            let span = keys::changes_after(at.scope, at.folder.0, end.seq, end.item);
            let page = self.range(span.read(limits::RANGE_ROWS_MAX)).await?;
            for entry in page.rows.iter().filter_map(log::parse) {
                if entry.by != by {
                    news.insert(entry.item);
                }
                end = Cursor {
                    seq: entry.seq,
                    item: entry.item,
                };
            }
            if !page.more {
                return Ok((news, end));
            }
        }
    }
}

impl Hierarchy {
    fn begin(&mut self) {
        match self.presented {
            Presented::First => {
                *self.draft = State::new(self.origin.number, self.log_end);
            }
            Presented::Current => {
                if self.draft.options.first() == Some(&TOLD) {
                    self.draft.options.clear();
                }
                self.base = Some(Previous {
                    number: self.origin.number,
                    held: self.origin.held.clone(),
                });
                self.draft.outcomes.clear();
                self.draft.changed.clear();
            }
            Presented::Previous => {
                let Some(previous) = self.origin.previous.clone() else {
                    return;
                };
                self.draft.owed |= &previous.held ^ &self.origin.held;
                self.draft.owed |= &self.origin.changed;
                let outcomes = self.origin.outcomes.iter();
                let items = outcomes.filter_map(|(_, outcome)| outcome.item);
                self.draft.owed.extend(items.map(|item| item.0));
                self.draft.held.clone_from(&previous.held);
                self.draft.changed.clear();
                self.base = Some(previous);
            }
        }
    }

    /// Which state the key named.
    #[must_use]
    pub fn presented(&self) -> Presented {
        self.presented
    }

    /// A folder there is.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn folder(&self, id: FolderId) -> Result<&FolderRow, Error> {
        self.tree.get(id)
    }

    /// What is remembered of this command, if the request is a repetition. A creation is named by
    /// parent and name (`Command::Add`), the others by the folder's number.
    pub fn recorded(&mut self, command: &Command, print: u64) -> Recorded {
        let mut outcomes = self.draft.outcomes.iter();
        let Some((_, outcome)) = outcomes.find(|(known, _)| known == command) else {
            return Recorded::New;
        };
        let outcome = outcome.clone();
        self.repeated.insert(command.clone());
        let deleted = matches!(command, Command::Delete(_));
        if outcome.print == print || deleted {
            Recorded::Same(outcome)
        } else {
            Recorded::Differs(outcome)
        }
    }

    /// Creates a folder; the device need not be told.
    ///
    /// # Errors
    /// As [`Mailbox::create_folder`].
    pub async fn create(
        &mut self,
        command: Command,
        parent: FolderId,
        name: &str,
        kind: FolderKind,
    ) -> Result<FolderId, Error> {
        let place = (parent, name, kind);
        let id = self
            .tree
            .create(&self.mailbox, &mut self.tx, place, self.by);
        let id = id.await?;
        self.draft.held.insert(id.0);
        self.note(command, id, 0);
        Ok(id)
    }

    /// Renames or moves a folder; the device need not be told.
    ///
    /// # Errors
    /// As [`Mailbox::update_folder`].
    pub fn update(
        &mut self,
        id: FolderId,
        parent: FolderId,
        name: &str,
        print: u64,
    ) -> Result<(), Error> {
        self.tree
            .update(&mut self.tx, id, (parent, name), self.by)?;
        self.note(Command::Change(ItemId(id.0)), id, print);
        Ok(())
    }

    /// Deletes a folder with all below it. The device need not be told of it, nor of those below, unless
    /// others changed them: it may have them elsewhere.
    ///
    /// # Errors
    /// As [`Mailbox::delete_folder`].
    pub async fn delete(&mut self, id: FolderId) -> Result<(), Error> {
        let unheard = self.unheard();
        let gone = self.tree.delete(&self.mailbox, &mut self.tx, id, self.by);
        let gone = Box::pin(gone).await?;
        let mut doubtful = self.doubtful()? | &unheard;
        for folder in gone {
            doubtful.remove(folder.0);
            self.draft.owed.remove(folder.0);
            if folder == id || !unheard.contains(folder.0) {
                self.draft.held.remove(folder.0);
            }
        }
        if !doubtful.is_empty() {
            self.draft.options = [&[PENDING][..], &to_bytes(doubtful)?].concat();
        }
        self.note(Command::Delete(ItemId(id.0)), id, 0);
        Ok(())
    }

    /// Folders of the device that lie elsewhere than it knows, perhaps: others have changed them, or one
    /// above them, since it heard of it. So nobody can tell what goes on the device with a folder that it
    /// deletes.
    fn unheard(&self) -> RoaringBitmap {
        let changed = &self.news | &self.draft.owed;
        let changed = changed.iter().map(FolderId);
        let known = changed.filter(|id| self.tree.get(*id).is_ok());
        let all: RoaringBitmap = known
            .flat_map(|id| self.tree.subtree(id))
            .map(|id| id.0)
            .collect();
        all & &self.draft.held
    }

    /// Folders that the device may have, or not.
    fn doubtful(&self) -> Result<RoaringBitmap, Error> {
        from_bytes(self.draft.options.get(1..).unwrap_or_default())
    }

    fn note(&mut self, command: Command, id: FolderId, print: u64) {
        self.novel = true;
        self.draft.owed.remove(id.0);
        self.repeated.insert(command.clone());
        let outcome = Outcome {
            item: Some(ItemId(id.0)),
            status: 0,
            print,
        };
        self.draft.outcomes.retain(|(known, _)| *known != command);
        self.draft.outcomes.push((command, outcome));
    }

    /// What the lost request's commands did is not told if this request repeats them.
    fn settle(&mut self) {
        if self.presented != Presented::Previous {
            return;
        }
        for (command, outcome) in &self.origin.outcomes.clone() {
            let Some(item) = outcome.item.filter(|_| self.repeated.contains(command)) else {
                continue;
            };
            match command {
                Command::Add(_) => drop(self.draft.held.insert(item.0)),
                Command::Delete(_) => self.settle_deleted(),
                Command::Change(_) => {}
            }
            self.draft.owed.remove(item.0);
        }
    }

    /// With a folder went all below it, and the device knows: that is by how much its set became
    /// smaller. What others have deleted besides is still to be told.
    fn settle_deleted(&mut self) {
        let Some(previous) = &self.base else {
            return;
        };
        let gone = &previous.held - &self.origin.held;
        self.draft.held -= &gone;
        self.draft.owed -= &gone;
    }

    /// All that the device has to be told, parents before children, deletions last and the youngest of
    /// them first: some devices delete what is below with a folder, and a child is rarely older. What the
    /// device may have or not is taken from it and given anew: that is right in either case.
    pub fn changes(&mut self) -> Vec<FolderChange> {
        self.settle();
        self.told = true;
        let mut changes = Vec::new();
        let there: RoaringBitmap = self.tree.folders.iter().map(|row| row.id.0).collect();
        let doubtful = self.doubtful().unwrap_or_default();
        if let Some(stage) = self.draft.options.first_mut() {
            *stage = TOLD;
        }
        for row in self.tree.parents_first() {
            let id = row.id.0;
            if !self.draft.held.contains(id) {
                changes.push(FolderChange::Add(row.clone()));
            } else if doubtful.contains(id) {
                changes.push(FolderChange::Delete(row.id));
                changes.push(FolderChange::Add(row.clone()));
            } else if self.draft.owed.contains(id) || self.news.contains(id) {
                changes.push(FolderChange::Update(row.clone()));
                self.draft.changed.insert(id);
            }
        }
        let gone = (&self.draft.held - &there).into_iter();
        changes.extend(gone.rev().map(|id| FolderChange::Delete(FolderId(id))));
        self.draft.held = there;
        self.draft.owed.clear();
        self.draft.positions.cursor = self.log_end;
        changes
    }

    /// Ends the request: commits the command and the new state. Answer only when this returned.
    ///
    /// # Errors
    /// [`Error::Conflict`]: compute the request again; the store's.
    pub async fn finish(self) -> Result<Finished, Error> {
        Box::pin(self.finish_boxed()).await
    }

    async fn finish_boxed(mut self) -> Result<Finished, Error> {
        self.settle();
        if self.is_same_answer() {
            let unchanged = self.presented == Presented::Current;
            let key = self.origin.number;
            return Ok(Finished { key, unchanged });
        }
        self.draft.number = self.origin.number.checked_add(1).ok_or(Error::Limit)?;
        self.draft.previous.clone_from(&self.base);
        let stored = match self.version {
            Some(_) => self.origin.held.clone(),
            None => RoaringBitmap::new(),
        };
        self.tx.require(self.at.condition(self.version));
        for write in self.at.writes(&self.draft, &stored)? {
            self.tx.write(write);
        }
        self.tx.commit().await?;
        Ok(Finished {
            key: self.draft.number,
            unchanged: false,
        })
    }

    /// What the device has after this answer is what the current key names already.
    fn is_same_answer(&self) -> bool {
        if self.novel || self.version.is_none() {
            return false;
        }
        let same_set = self.draft.held == self.origin.held;
        // What is in doubt stays so until it is told.
        let same_doubt = self.draft.options == self.origin.options;
        let nothing_new = self.news.is_empty() && same_set && same_doubt;
        match self.presented {
            // Repeated key 0, before anything else.
            Presented::First => nothing_new && self.origin.previous.is_none(),
            Presented::Current => !self.told || nothing_new && self.draft.changed.is_empty(),
            Presented::Previous if self.told => nothing_new,
            // No changes are told (a repeated FolderCreate): what others did meanwhile waits, but
            // nothing of what the lost answer told may be left.
            Presented::Previous => same_set && self.draft.owed.is_empty(),
        }
    }
}
