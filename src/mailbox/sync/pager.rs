//! What to tell the device, one change after the other, straight out of log and index.
//!
//! Read in pages, ahead of what is sent; a position moves on only when what stands before it was
//! taken by the caller. So an answer may end anywhere.

use std::collections::{HashMap, VecDeque};

use super::round::Round;
use super::state::{Cursor, Pos, Positions, State, Sweep};
use super::{Change, ChangeKind, Presented};
use crate::mailbox::log::{self, Entry};
use crate::mailbox::{Error, ItemId, ItemRow, Place};
use crate::store::{Seq, keys};

/// Items that are read at once.
const PAGE_ITEMS: usize = 128;
/// Rows of log and index that are looked at at once, at most.
const PAGE_ROWS: usize = 256;

/// Where the reading is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Stage {
    /// What the lost answer told.
    #[default]
    Replay,
    /// What is owed.
    Owed,
    /// What a narrower window takes back.
    Sweep,
    /// The change log.
    Log,
    /// The index, from the newest down.
    Fill,
    /// All is said.
    Done,
}

/// What moves on when a step is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mark {
    Owed(u32),
    Withdrawn(u32),
    Replay(u32),
    Sweep(Option<Sweep>),
    Cursor(Cursor),
    Low(Pos),
}

/// A change to tell, or a way in vain.
#[derive(Clone, Debug)]
struct Step {
    mark: Mark,
    change: Option<Change>,
}

/// What was read for an item in this round: whether the device has it then, and its version.
#[derive(Clone, Copy)]
struct Emitted {
    held: bool,
    version: Seq,
}

/// The reading side of a round.
#[derive(Default)]
pub(super) struct Pager {
    stage: Stage,
    /// Where the next page begins; runs ahead of the draft's positions.
    ahead: Option<Positions>,
    /// What of the debts was read already.
    seen: Option<u32>,
    queue: VecDeque<Step>,
    /// Given to the caller, who may still put it back.
    given: Option<Step>,
    emitted: HashMap<u32, Emitted>,
    /// Changes that the caller has taken.
    pub(super) sent: usize,
    /// Rows that were looked at in vain.
    pub(super) skipped: usize,
    /// Only counting: do not read the items of the index.
    pub(super) counting: bool,
    /// Changes that will be asked for, where that was said.
    expected: Option<usize>,
}

impl Pager {
    pub(super) fn begin(&mut self, draft: &State) {
        self.ahead = Some(draft.positions.clone());
    }
}

impl Round {
    /// So many changes will be asked for, at most: what is beyond is not read ahead.
    pub fn expect(&mut self, changes: usize) {
        self.pager.expected = Some(self.pager.sent + changes);
    }

    /// Rows of the next page: one more than are asked for tells whether there is more.
    fn page_rows(&self) -> usize {
        let pager = &self.pager;
        let left = pager.expected.map(|all| all.saturating_sub(pager.sent));
        left.map_or(PAGE_ROWS, |left| PAGE_ROWS.min(left + 1))
    }

    /// The next thing to tell, newest items first where they are new to the device. It counts as
    /// told unless [`Round::put_back`] follows.
    ///
    /// # Errors
    /// The store's.
    pub async fn next(&mut self) -> Result<Option<Change>, Error> {
        self.apply_sent();
        if self.presented == Presented::First || self.is_spread() {
            return Ok(None);
        }
        self.settle();
        loop {
            let Some(step) = self.pager.queue.front() else {
                if self.fetch().await? {
                    continue;
                }
                return Ok(None);
            };
            // A repeated answer tells what the lost one told, and ends there.
            let repetition = self.presented == Presented::Previous && !self.pager.counting;
            if repetition && !matches!(step.mark, Mark::Replay(_)) {
                return Ok(None);
            }
            let Some(step) = self.pager.queue.pop_front() else {
                return Ok(None);
            };
            if let Some(change) = step.change.clone() {
                self.pager.given = Some(step);
                return Ok(Some(change));
            }
            self.apply(step);
        }
    }

    /// Takes back the change that [`Round::next`] gave last: it did not fit into the answer.
    pub fn put_back(&mut self) {
        if let Some(step) = self.pager.given.take() {
            self.pager.queue.push_front(step);
        }
    }

    /// Whether there is more to tell than was taken so far.
    ///
    /// # Errors
    /// The store's.
    pub async fn more(&mut self) -> Result<bool, Error> {
        if self.presented == Presented::First {
            return Ok(false);
        }
        self.settle();
        let echoes = &self.draft.owed & &self.touched;
        if !echoes.is_empty() {
            return Ok(true);
        }
        loop {
            if self.pager.queue.iter().any(|step| step.change.is_some()) {
                return Ok(true);
            }
            if !self.fetch().await? {
                return Ok(false);
            }
        }
    }

    /// What was given and not put back is told now; what is in vain before the rest is passed.
    pub(super) fn apply_sent(&mut self) {
        if let Some(step) = self.pager.given.take() {
            self.apply(step);
        }
        let current = self.presented == Presented::Current;
        while let Some(step) = self.pager.queue.pop_front() {
            let passed = current || matches!(step.mark, Mark::Replay(_));
            if step.change.is_some() || !passed {
                self.pager.queue.push_front(step);
                break;
            }
            self.apply(step);
        }
    }

    fn apply(&mut self, step: Step) {
        if let Some(change) = step.change {
            self.pager.sent += 1;
            let item = change.item.0;
            match change.kind {
                ChangeKind::Add(_) => self.hold(item, true),
                ChangeKind::Change(_) => {
                    self.draft.changed.insert(item);
                    // One that the device has moved here: it has it from now on.
                    if !self.draft.held.contains(item) {
                        self.hold(item, true);
                    }
                }
                ChangeKind::Delete => self.drop_item(item, true),
                ChangeKind::SoftDelete => self.drop_item(item, false),
            }
        }
        match step.mark {
            Mark::Owed(item) => drop(self.draft.owed.remove(item)),
            // What follows is owed.
            Mark::Withdrawn(item) => drop(self.replay.remove(item)),
            Mark::Replay(item) => {
                self.replay.remove(item);
                if !self.origin.owed.contains(item) {
                    self.draft.owed.remove(item);
                }
            }
            Mark::Sweep(sweep) => self.draft.positions.sweep = sweep,
            Mark::Cursor(cursor) => self.draft.positions.cursor = cursor,
            Mark::Low(low) => self.draft.positions.low = low,
        }
    }

    fn drop_item(&mut self, item: u32, gone: bool) {
        self.hold(item, false);
        self.forget_broken(item, gone);
    }

    /// Reads the next page; `false` when all is said.
    async fn fetch(&mut self) -> Result<bool, Error> {
        match self.pager.stage {
            Stage::Replay => Box::pin(self.fetch_replay()).await?,
            Stage::Owed => Box::pin(self.fetch_owed()).await?,
            Stage::Sweep => Box::pin(self.fetch_sweep()).await?,
            Stage::Log => Box::pin(self.fetch_log()).await?,
            Stage::Fill if self.pager.counting => return Ok(false),
            Stage::Fill => Box::pin(self.fetch_fill()).await?,
            Stage::Done => return Ok(false),
        }
        Ok(true)
    }

    /// What the lost answer told, told again: to where the current set stands.
    async fn fetch_replay(&mut self) -> Result<(), Error> {
        let ids = self.next_ids(&self.replay);
        let Some(last) = ids.last() else {
            self.pager.stage = Stage::Owed;
            self.pager.seen = None;
            return Ok(());
        };
        self.pager.seen = Some(last.0);
        let rows = self.rows(&ids).await?;
        for (item, row) in ids.into_iter().zip(rows) {
            let had = self.draft.held.contains(item.0);
            let has = self.origin.held.contains(item.0);
            let kind = match (row, had, has) {
                (Some(row), true, true) => Some(ChangeKind::Change(row)),
                (Some(row), false, true) if self.origin.changed.contains(item.0) => {
                    Some(ChangeKind::Change(row))
                }
                (Some(row), false, true) => Some(ChangeKind::Add(row)),
                (Some(_), true, false) => Some(ChangeKind::SoftDelete),
                (None, true, false) => Some(ChangeKind::Delete),
                // Gone since: its tombstone lies ahead.
                (None, _, true) | (_, false, false) => None,
            };
            self.push(Mark::Replay(item.0), item.0, kind);
        }
        Ok(())
    }

    async fn fetch_owed(&mut self) -> Result<(), Error> {
        let owed = &self.draft.owed - &self.touched;
        let ids = self.next_ids(&(owed - &self.replay));
        let Some(last) = ids.last() else {
            self.pager.stage = Stage::Sweep;
            return Ok(());
        };
        self.pager.seen = Some(last.0);
        let rows = self.rows(&ids).await?;
        for (item, row) in ids.into_iter().zip(rows) {
            if row.is_some() && self.is_withdrawn(item.0) && self.holds(item.0) {
                self.push_withdrawal(Mark::Owed(item.0), item.0);
                continue;
            }
            let window = self.draft.positions.window();
            let inside = row.as_ref().is_some_and(|row| window.holds(row.place()));
            let kind = match (row, self.holds(item.0)) {
                (None, true) => Some(ChangeKind::Delete),
                (Some(row), true) if inside => Some(ChangeKind::Change(row)),
                (Some(_), true) => Some(ChangeKind::SoftDelete),
                (Some(row), false) if inside => Some(ChangeKind::Add(row)),
                (None, false) => {
                    self.forget_broken(item.0, true);
                    None
                }
                (Some(_), false) => None,
            };
            self.push(Mark::Owed(item.0), item.0, kind);
        }
        Ok(())
    }

    async fn fetch_sweep(&mut self) -> Result<(), Error> {
        let Some(sweep) = self.ahead().sweep else {
            self.pager.stage = Stage::Log;
            return Ok(());
        };
        let index = self.index(sweep.from, sweep.to);
        let page = self.mailbox.range(index.read(PAGE_ROWS)).await?;
        let window = self.draft.positions.window();
        for row in &page.rows {
            let Some((item, place)) = Place::of_row(row) else {
                continue;
            };
            let from = Pos {
                date_ms: place.date_ms,
                item: item.0.saturating_add(1),
            };
            let sweep = Sweep { from, ..sweep };
            let out = self.holds(item.0) && !window.holds(place) && !self.is_touched(item);
            let kind = out.then_some(ChangeKind::SoftDelete);
            self.push(Mark::Sweep(Some(sweep)), item.0, kind);
            self.ahead_mut().sweep = Some(sweep);
        }
        if !page.more {
            self.push(Mark::Sweep(None), 0, None);
            self.ahead_mut().sweep = None;
        }
        Ok(())
    }

    async fn fetch_log(&mut self) -> Result<(), Error> {
        let Cursor { seq, item } = self.ahead().cursor;
        let span = keys::changes_after(self.at.scope, self.at.folder.0, seq, item);
        let page = self.mailbox.range(span.read(self.page_rows())).await?;
        let entries = page.rows.iter();
        let entries: Vec<_> = entries.filter_map(log::parse).collect();
        for chunk in entries.chunks(PAGE_ITEMS) {
            let put = chunk.iter().filter(|entry| !entry.deleted);
            let put: Vec<_> = put.map(|entry| ItemId(entry.item)).collect();
            let rows = self.rows(&put).await?;
            let mut rows = rows.into_iter();
            for entry in chunk {
                // Those that are gone were not asked for.
                let row = if entry.deleted { None } else { rows.next() };
                let kind = self.log_kind(entry, row.flatten());
                let Entry { seq, item, .. } = *entry;
                let cursor = Cursor { seq, item };
                self.push(Mark::Cursor(cursor), item, kind);
                self.ahead_mut().cursor = cursor;
            }
        }
        if !page.more {
            self.pager.stage = Stage::Fill;
        }
        Ok(())
    }

    /// What an entry of the log means for this device.
    fn log_kind(&self, entry: &Entry, row: Option<ItemRow>) -> Option<ChangeKind> {
        let item = entry.item;
        if self.touched.contains(item) {
            // This very request changes it: its entry moves on, under the device's own name.
            return None;
        }
        let held = self.holds(item);
        let Some(row) = row else {
            return held.then_some(ChangeKind::Delete);
        };
        let place = row.place();
        let inside = self.draft.positions.window().holds(place);
        match (held, inside) {
            (true, true) => {
                let told = self.pager.emitted.get(&item);
                let told = told.is_some_and(|e| e.version == row.version());
                let own = entry.by == self.own();
                (!told && !own).then_some(ChangeKind::Change(row))
            }
            (true, false) => Some(ChangeKind::SoftDelete),
            (false, true) => {
                let date_ms = place.date_ms;
                // What lies below is brought by the fill.
                (Pos { date_ms, item } >= self.ahead().low).then_some(ChangeKind::Add(row))
            }
            (false, false) => None,
        }
    }

    async fn fetch_fill(&mut self) -> Result<(), Error> {
        let (target, low) = (self.draft.positions.target(), self.ahead().low);
        if low <= target {
            self.pager.stage = Stage::Done;
            return Ok(());
        }
        let index = self.index(target, low);
        let page = self
            .mailbox
            .range(index.read_reverse(self.page_rows()))
            .await?;
        let places: Vec<_> = page.rows.iter().filter_map(Place::of_row).collect();
        for chunk in places.chunks(PAGE_ITEMS) {
            let new = chunk
                .iter()
                .filter(|(item, place)| self.is_new(*item, *place));
            let new: Vec<_> = new.map(|(item, _)| *item).collect();
            let rows = self.rows(&new).await?;
            let mut rows = new.into_iter().zip(rows).peekable();
            let window = self.draft.positions.window();
            for (item, place) in chunk {
                let row = rows.next_if(|(new, _)| new == item);
                let row = row.and_then(|(_, row)| row);
                let row = row.filter(|row| window.holds(row.place()));
                let low = Pos {
                    date_ms: place.date_ms,
                    item: item.0,
                };
                self.push(Mark::Low(low), item.0, row.map(ChangeKind::Add));
                self.ahead_mut().low = low;
            }
        }
        if !page.more {
            self.push(Mark::Low(target), 0, None);
            self.ahead_mut().low = target;
        }
        Ok(())
    }

    /// Counts what the fill would bring, up to `max`, without reading it.
    pub(super) async fn count_fill(&mut self, max: usize) -> Result<usize, Error> {
        let target = self.draft.positions.target();
        let mut count = 0;
        while self.ahead().low > target && count < max {
            let index = self.index(target, self.ahead().low);
            let read = index.read_reverse(crate::limits::RANGE_ROWS_MAX);
            let page = self.mailbox.range(read).await?;
            for (item, place) in page.rows.iter().filter_map(Place::of_row) {
                count += usize::from(self.is_new(item, place));
                self.ahead_mut().low = Pos {
                    date_ms: place.date_ms,
                    item: item.0,
                };
            }
            if !page.more {
                self.ahead_mut().low = target;
            }
        }
        Ok(count.min(max))
    }

    fn is_new(&self, item: ItemId, place: Place) -> bool {
        let window = self.draft.positions.window();
        window.holds(place) && !self.holds(item.0) && !self.is_touched(item)
    }

    fn push(&mut self, mark: Mark, item: u32, kind: Option<ChangeKind>) {
        let Some(kind) = kind else {
            self.pager.skipped += 1;
            self.push_vain(mark);
            return;
        };
        if let ChangeKind::Change(row) = &kind
            && self.withdraw_stale(row)
        {
            return self.push_withdrawal(mark, item);
        }
        let emitted = match &kind {
            ChangeKind::Add(row) | ChangeKind::Change(row) => Emitted {
                held: true,
                version: row.version(),
            },
            ChangeKind::Delete | ChangeKind::SoftDelete => Emitted {
                held: false,
                version: 0,
            },
        };
        self.pager.emitted.insert(item, emitted);
        let item = ItemId(item);
        let change = Some(Change { item, kind });
        self.pager.queue.push_back(Step { mark, change });
    }

    /// A stand-in is taken back; the item itself comes with the next answer, not with this one.
    fn push_withdrawal(&mut self, mark: Mark, item: u32) {
        let mark = match mark {
            Mark::Owed(_) | Mark::Replay(_) => Mark::Withdrawn(item),
            mark => mark,
        };
        self.push(mark, item, Some(ChangeKind::SoftDelete));
        self.touched.insert(item);
    }

    /// Ways in vain in one direction are one.
    fn push_vain(&mut self, mark: Mark) {
        let last = self.pager.queue.back_mut();
        match last {
            Some(last)
                if last.change.is_none()
                    && std::mem::discriminant(&last.mark) == std::mem::discriminant(&mark)
                    && !matches!(mark, Mark::Owed(_) | Mark::Replay(_)) =>
            {
                last.mark = mark;
            }
            _ => self.pager.queue.push_back(Step { mark, change: None }),
        }
    }

    /// Whether the device has the item once it was told what was read so far.
    fn holds(&self, item: u32) -> bool {
        match self.pager.emitted.get(&item) {
            Some(emitted) => emitted.held,
            None => self.draft.held.contains(item),
        }
    }

    fn is_touched(&self, item: ItemId) -> bool {
        self.touched.contains(item.0)
    }

    /// The next page of a set, newest items first.
    fn next_ids(&self, set: &roaring::RoaringBitmap) -> Vec<ItemId> {
        let below = self.pager.seen.unwrap_or(u32::MAX);
        let ids = set.range(..below);
        ids.rev().take(PAGE_ITEMS).map(ItemId).collect()
    }

    async fn rows(&self, ids: &[ItemId]) -> Result<Vec<Option<ItemRow>>, Error> {
        let (scope, folder) = (self.at.scope, self.at.folder);
        self.mailbox.items(scope, folder, ids).await
    }

    fn index(&self, from: Pos, to: Pos) -> keys::Span {
        let (scope, folder) = (self.at.scope, self.at.folder.0);
        keys::Span {
            from: keys::date(scope, folder, from.date_ms, from.item),
            to: keys::date(scope, folder, to.date_ms, to.item),
        }
    }

    fn ahead(&self) -> &Positions {
        self.pager.ahead.as_ref().unwrap_or(&self.draft.positions)
    }

    fn ahead_mut(&mut self) -> &mut Positions {
        let draft = &self.draft.positions;
        self.pager.ahead.get_or_insert_with(|| draft.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailbox::testing::{account, block_on, mailbox};
    use crate::mailbox::{DeviceNo, FolderId};

    async fn round() -> Round {
        let mailbox = mailbox();
        let scope = mailbox.add_account(&account("anna")).await.unwrap();
        let round = mailbox.sync(scope, DeviceNo(1), FolderId::INBOX, 0);
        round.await.unwrap().unwrap()
    }

    /// A step that is left out is one that nobody takes: what it marks would never move on.
    #[test]
    fn only_ways_in_vain_in_one_direction_are_one() {
        block_on(async {
            let low = |item| Mark::Low(Pos { date_ms: 5, item });
            let cursor = |item| Mark::Cursor(Cursor { seq: 9, item });
            let mut round = round().await;
            for item in [9, 8, 7] {
                round.push_vain(low(item));
            }
            round.push(low(6), 6, Some(ChangeKind::Delete));
            for mark in [low(5), low(4), cursor(1), cursor(2)] {
                round.push_vain(mark);
            }
            let each = [
                Mark::Owed(1),
                Mark::Owed(2),
                Mark::Replay(3),
                Mark::Replay(4),
            ];
            for mark in each {
                round.push_vain(mark);
            }
            let steps = round.pager.queue.iter();
            let steps: Vec<_> = steps.map(|s| (s.mark, s.change.is_some())).collect();
            let mut expect = vec![(low(7), false), (low(6), true), (low(4), false)];
            expect.push((cursor(2), false));
            expect.extend(each.map(|mark| (mark, false)));
            assert_eq!(steps, expect);
        });
    }
}
