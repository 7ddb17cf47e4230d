//! The client's commands of a round: recognised when repeated, carried out otherwise.

use std::collections::BTreeMap;

use super::round::Round;
use super::{Command, Outcome, Presented, Recorded};
use crate::mailbox::log::{self, By};
use crate::mailbox::notice;
use crate::mailbox::{Entry, Error, FolderRow, ItemId, ItemRow};
use crate::pim::Record;
use crate::pim::notice::Notice;
use crate::store::keys;

use super::state::Cursor;

impl Round {
    /// What is remembered of this command, if the request is a repetition (or names the same
    /// ClientId twice). To be asked for every command before it is carried out.
    pub fn recorded(&mut self, command: &Command, print: u64) -> Recorded {
        let of_it = |(known, _): &&(Command, Outcome)| known == command;
        let is_deletion = matches!(command, Command::Delete(_));
        let is_same = |outcome: &Outcome| outcome.print == print || is_deletion;
        let known = &self.draft.outcomes;
        let same = known.iter().filter(of_it).find(|(_, o)| is_same(o));
        // What was refused with other words says nothing of these.
        let done = || known.iter().filter(of_it).find(|(_, o)| o.item.is_some());
        let Some((_, outcome)) = same.or_else(done) else {
            return Recorded::New;
        };
        let outcome = outcome.clone();
        if outcome.item.is_some() {
            self.repeated.insert(command.clone());
        }
        if is_same(&outcome) {
            Recorded::Same(outcome)
        } else {
            Recorded::Differs(outcome)
        }
    }

    /// An item of the folder as the commands so far have left it. Read items through this before
    /// changing or deleting them.
    ///
    /// # Errors
    /// The store's; [`Error::Conflict`].
    pub async fn item(&mut self, item: ItemId) -> Result<Option<ItemRow>, Error> {
        if self.tx.has_touched(self.at.folder, item) {
            Box::pin(self.save()).await?;
        }
        let (scope, folder) = (self.at.scope, self.at.folder);
        self.mailbox.item(scope, folder, item).await
    }

    /// Whether somebody else has changed the item since the state that the device presented.
    ///
    /// # Errors
    /// The store's.
    pub async fn conflicts(&self, row: &ItemRow) -> Result<bool, Error> {
        let item = row.item.0;
        if self.replay.contains(item) && self.origin.changed.contains(item) {
            return Ok(true);
        }
        let seq = row.version();
        let changed_at = Cursor { seq, item };
        // What is owed was not told, however far the log is read.
        if changed_at <= self.draft.positions.cursor && !self.draft.owed.contains(item) {
            return Ok(false);
        }
        let key = keys::change(self.at.scope, self.at.folder.0, seq, item);
        let entry = self.mailbox.get(key).await?;
        let entry = entry.as_ref().and_then(log::parse);
        // An item without its entry was changed between the two reads.
        Ok(entry.is_none_or(|entry| entry.by != self.own()))
    }

    /// Carries out an Add: the item is new, and the device has it already.
    ///
    /// # Errors
    /// [`Error::TooLarge`]; the store's; [`Error::Conflict`].
    pub async fn add(
        &mut self,
        client_id: &str,
        entry: impl Into<Entry<'_>>,
        status: u8,
        print: u64,
    ) -> Result<ItemId, Error> {
        self.make_room().await?;
        let item = self.tx.add(&self.folder, entry).await?;
        self.own_change(item, true);
        let command = Command::Add(client_id.to_owned());
        self.note(command, Some(item), status, print);
        Ok(item)
    }

    /// Carries out a Change of an item, whatever others did to it. Where they did something, the
    /// device is told the outcome with a later answer.
    ///
    /// # Errors
    /// [`Error::TooLarge`]; the store's; [`Error::Conflict`].
    pub async fn change(
        &mut self,
        row: &ItemRow,
        entry: impl Into<Entry<'_>>,
        status: u8,
        print: u64,
    ) -> Result<(), Error> {
        self.replace(row, entry.into()).await?;
        self.note(Command::Change(row.item), Some(row.item), status, print);
        Ok(())
    }

    /// Carries out an Add that was carried out before and says something else now
    /// ([`Recorded::Differs`]): the item that it made is changed.
    ///
    /// # Errors
    /// As [`Round::change`].
    pub async fn amend(
        &mut self,
        client_id: &str,
        row: &ItemRow,
        record: &Record,
        status: u8,
        print: u64,
    ) -> Result<(), Error> {
        self.replace(row, record.into()).await?;
        let command = Command::Add(client_id.to_owned());
        self.note(command, Some(row.item), status, print);
        Ok(())
    }

    async fn replace(&mut self, row: &ItemRow, entry: Entry<'_>) -> Result<(), Error> {
        let conflicts = self.conflicts(row).await?;
        self.make_room().await?;
        self.tx.update(row, entry)?;
        let held = self.draft.held.contains(row.item.0) || self.origin.held.contains(row.item.0);
        self.own_change(row.item, held);
        if conflicts {
            self.echo(row.item);
        }
        Ok(())
    }

    /// Carries out a Delete: for good, or into another folder (Deleted Items).
    ///
    /// # Errors
    /// The store's; [`Error::Conflict`].
    pub async fn delete(
        &mut self,
        row: &ItemRow,
        into: Option<&FolderRow>,
        status: u8,
    ) -> Result<(), Error> {
        self.make_room().await?;
        match into {
            Some(folder) => drop(self.tx.move_to(row, folder).await?),
            None => self.tx.delete(row)?,
        }
        self.own_change(row.item, false);
        // Of what is gone there is nothing left to be told.
        self.draft.owed.remove(row.item.0);
        self.forget_broken(row.item.0, true);
        self.note(Command::Delete(row.item), Some(row.item), status, 0);
        Ok(())
    }

    /// Records that a command was refused, so that its repetition is answered alike.
    pub fn refuse(&mut self, command: Command, status: u8, print: u64) {
        self.note(command, None, status, print);
    }

    /// The answer says something of a command: it has to have a key of its own, or a client that lost
    /// it could not tell. An answer that is repeated has one.
    pub fn say(&mut self) {
        if self.presented == Presented::Current {
            self.novel = true;
        }
    }

    /// The device is to be told of this item with the next answer, even if nobody else changes it:
    /// what was stored is not what the device has sent.
    pub fn echo(&mut self, item: ItemId) {
        self.draft.owed.insert(item.0);
    }

    pub(super) fn own(&self) -> By {
        By {
            device: self.at.device,
            via_sync: true,
        }
    }

    /// Sees to it that the next change and these messages fit into one commit.
    ///
    /// # Errors
    /// The store's; [`Error::Conflict`].
    pub async fn reserve(&mut self, notices: &[Notice]) -> Result<(), Error> {
        let mut bytes = 0;
        for notice in notices {
            bytes += notice::bytes(notice)?;
        }
        if self.tx.is_full() || self.is_spread() || !self.tx.has_room_for(bytes) {
            Box::pin(self.save()).await?;
        }
        Ok(())
    }

    /// Attendees are to be told of the change before, for which [`Round::reserve`] has made room: they are
    /// told if it becomes durable, and only then.
    ///
    /// # Errors
    /// The store's.
    pub async fn announce(&mut self, notices: Vec<Notice>) -> Result<(), Error> {
        for notice in notices {
            Box::pin(self.tx.announce(notice)).await?;
        }
        Ok(())
    }

    async fn make_room(&mut self) -> Result<(), Error> {
        if self.tx.is_full() || self.is_spread() {
            Box::pin(self.save()).await?;
        }
        Ok(())
    }

    /// The device has done this itself: it need not be told, unless it was owed something else.
    fn own_change(&mut self, item: ItemId, held: bool) {
        self.touched.insert(item.0);
        self.hold(item.0, held);
        self.forget_debt(item.0);
    }

    /// A command is repeated whose outcome the current answer does not tell: another request with the
    /// same key came in between, without it. The device knows of the item what the command says, and
    /// hears of the rest.
    fn settle_late(&mut self, item: u32, command: &Command) {
        let held = match command {
            Command::Add(_) => true,
            Command::Delete(_) => false,
            Command::Change(_) => return,
        };
        if self.draft.held.contains(item) != held {
            self.hold(item, held);
            self.draft.owed.insert(item);
            // That is not what the current key names.
            self.novel = true;
        }
    }

    fn forget_debt(&mut self, item: u32) {
        self.replay.remove(item);
        if !self.origin.owed.contains(item) {
            self.draft.owed.remove(item);
        }
    }

    fn note(&mut self, command: Command, item: Option<ItemId>, status: u8, print: u64) {
        self.novel = true;
        let outcome = Outcome {
            item,
            status,
            print,
        };
        self.repeated.insert(command.clone());
        // A refusal and what was done with other words under the same name stand side by side: either comes
        // again with the repetition.
        let stays_beside = |old: &Outcome| {
            old.print != outcome.print && (old.item.is_none() || outcome.item.is_none())
        };
        let outcomes = &mut self.draft.outcomes;
        outcomes.retain(|(known, old)| *known != command || stays_beside(old));
        outcomes.push((command, outcome));
    }

    /// Which commands the request repeats is known now: what they did is not told again. The
    /// others are told what the lost request did. Of several commands for one item the last counts.
    pub(super) fn settle(&mut self) {
        if self.presented != Presented::Previous || std::mem::replace(&mut self.settled, true) {
            return;
        }
        let mut last = BTreeMap::new();
        for (command, outcome) in &self.origin.outcomes {
            if let Some(item) = outcome.item {
                last.insert(item.0, command.clone());
            }
        }
        for (item, command) in last {
            if !self.repeated.contains(&command) {
                continue;
            }
            if !self.replay.contains(item) {
                self.settle_late(item, &command);
                continue;
            }
            match command {
                Command::Add(_) => self.hold(item, true),
                Command::Delete(_) => self.hold(item, false),
                Command::Change(_) => {
                    let made = |(command, outcome): &(Command, Outcome)| {
                        matches!(command, Command::Add(_)) && outcome.item == Some(ItemId(item))
                    };
                    if self.origin.outcomes.iter().any(made) {
                        self.hold(item, true);
                    }
                }
            }
            self.forget_debt(item);
        }
    }
}
