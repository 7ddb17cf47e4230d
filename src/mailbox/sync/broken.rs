//! Items that a device gets a stand-in for, since it cannot take them or they cannot be shown.
//!
//! The list stands in the collection's state: what the device holds and what it holds a stand-in of
//! is one commit. It survives a new beginning with key 0, or a device that answers a broken item with
//! one would loop for ever.
//!
//! Deliberately absent: how a stand-in looks, and who counts strikes.

use rkyv::{Archive, Deserialize, Serialize};
use roaring::RoaringBitmap;

use super::Presented;
use super::at::At;
use super::round::Round;
use super::state::State;
use crate::clock::UnixMs;
use crate::limits;
use crate::mailbox::{By, DeviceNo, Error, FolderId, ItemId, ItemRow, Mailbox};
use crate::store::{Hint, Scope};

/// Why a device gets a stand-in.
#[derive(Archive, Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Fault {
    /// It asked again and again for an answer that held nothing but this item.
    Refused = 1,
    /// The stored record cannot be read.
    Damaged = 2,
    /// The message cannot be taken apart.
    Unreadable = 3,
}

/// How far it is.
#[derive(Archive, Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
enum Stage {
    /// The device has the stand-in.
    StoodIn = 1,
    /// The stand-in is to be taken back, so that the item can follow.
    Withdrawn = 2,
    /// The item itself goes out again.
    Tried = 3,
    /// The device has neither: it has left the window.
    Left = 4,
}

/// An item of the list, as it is stored.
#[derive(Archive, Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub(super) struct Entry {
    item: u32,
    /// What was broken ([`ItemRow::edition`]): another content is another chance.
    edition: u64,
    fault: Fault,
    stage: Stage,
    /// How often it was tried again by itself.
    tries: u8,
    at_ms: UnixMs,
}

impl Entry {
    /// Nobody has touched it for so long that another try may go better: what looks like a refusal may
    /// have been a bad network.
    fn is_due(&self, now_ms: UnixMs) -> bool {
        let waits_s = limits::BROKEN_RETRIES_S.get(usize::from(self.tries));
        let due = |s: &u32| now_ms >= self.at_ms.saturating_add(i64::from(*s) * 1_000);
        self.fault == Fault::Refused && self.stage == Stage::StoodIn && waits_s.is_some_and(due)
    }
}

/// An item that a device has a stand-in of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Broken {
    /// Its folder.
    pub folder: FolderId,
    /// The item.
    pub item: ItemId,
    /// Why.
    pub fault: Fault,
    /// Since when, Unix milliseconds.
    pub at_ms: UnixMs,
    /// It is on its way to the device once more.
    pub is_retried: bool,
}

impl State {
    /// Key 0: the list stays, the stand-ins are told anew.
    pub(super) fn inherit_broken(&mut self, mut broken: Vec<Entry>) {
        for entry in &mut broken {
            entry.stage = match entry.stage {
                Stage::Withdrawn | Stage::Tried => Stage::Tried,
                Stage::StoodIn | Stage::Left => Stage::StoodIn,
            };
        }
        self.broken = broken;
    }

    /// The device has the answer that told these: what was tried again went well.
    fn settle_broken(&mut self, told: &RoaringBitmap) {
        self.broken.retain(|e| match e.stage {
            Stage::Tried => !told.contains(e.item),
            Stage::Left => false,
            Stage::StoodIn | Stage::Withdrawn => true,
        });
    }

    /// The device has not heard that it shall give up these: it still has its stand-ins.
    pub(super) fn restore_broken(&mut self, given_up: &RoaringBitmap) {
        for entry in &mut self.broken {
            entry.stage = match entry.stage {
                Stage::Tried if given_up.contains(entry.item) => Stage::Withdrawn,
                Stage::Left if given_up.contains(entry.item) => Stage::StoodIn,
                stage => stage,
            };
        }
    }

    /// Takes stand-ins back, so that the items themselves are told.
    fn withdraw(&mut self, is_meant: impl Fn(&Entry) -> bool, by_itself: bool) -> bool {
        let mut any = false;
        for entry in &mut self.broken {
            if entry.stage == Stage::Left || !is_meant(entry) {
                continue;
            }
            any = true;
            entry.tries = entry.tries.saturating_add(u8::from(by_itself));
            if entry.stage == Stage::StoodIn {
                entry.stage = Stage::Withdrawn;
                self.owed.insert(entry.item);
            }
        }
        any
    }
}

impl Round {
    /// Items that the answer under the current key brought to the device, apart from its own.
    #[must_use]
    pub fn told_last(&self) -> RoaringBitmap {
        let origin = &self.origin;
        let Some(previous) = &origin.previous else {
            return RoaringBitmap::new();
        };
        let mut told = &(&previous.held ^ &origin.held) | &origin.changed;
        told &= &origin.held;
        for (_, outcome) in &origin.outcomes {
            if let Some(item) = outcome.item {
                told.remove(item.0);
            }
        }
        told
    }

    /// The answer before has arrived: what is on the list may have got through.
    pub(super) fn settle_broken(&mut self) {
        if !self.draft.broken.is_empty() {
            let told = self.told_last();
            self.draft.settle_broken(&told);
        }
    }

    /// Tries again what the device refused long ago. Not for looking only: time wakes nobody.
    pub fn retry_broken(&mut self) {
        if !self.draft.broken.is_empty() && self.presented == Presented::Current {
            let now_ms = self.mailbox.clock().now_ms();
            self.draft.withdraw(|entry| entry.is_due(now_ms), true);
        }
    }

    /// The device cannot take this item, or it cannot be shown: from now on it has a stand-in. The
    /// oldest of a long list gives way.
    pub fn set_broken(&mut self, row: &ItemRow, fault: Fault) {
        let edition = row.edition();
        let broken = &mut self.draft.broken;
        let known = broken.iter().position(|e| e.item == row.item.0);
        let known = known.map(|at| broken.remove(at));
        let same = known.filter(|e| (e.edition, e.fault) == (edition, fault));
        let tries = same.as_ref().map_or(0, |e| e.tries);
        let stands = same.filter(|e| e.stage == Stage::StoodIn);
        let entry = stands.unwrap_or_else(|| Entry {
            item: row.item.0,
            edition,
            fault,
            stage: Stage::StoodIn,
            tries,
            at_ms: self.mailbox.clock().now_ms(),
        });
        if broken.len() >= limits::BROKEN_MAX {
            broken.remove(0);
        }
        let place = broken.partition_point(|e| e.at_ms <= entry.at_ms);
        broken.insert(place, entry);
    }

    /// Whether the device gets a stand-in for this item, and why.
    #[must_use]
    pub fn stand_in(&self, row: &ItemRow) -> Option<Fault> {
        let entry = self.draft.broken.iter().find(|e| e.item == row.item.0)?;
        let stands = entry.stage == Stage::StoodIn && entry.edition == row.edition();
        stands.then_some(entry.fault)
    }

    /// The item goes out as it is: unless that is a try, it is not on the list any more.
    pub fn set_whole(&mut self, row: &ItemRow) {
        if self.draft.broken.is_empty() {
            return;
        }
        let edition = row.edition();
        self.draft.broken.retain_mut(|e| {
            if e.item != row.item.0 {
                return true;
            }
            let is_try = e.edition == edition && matches!(e.stage, Stage::Withdrawn | Stage::Tried);
            e.stage = Stage::Tried;
            is_try
        });
    }

    /// The device's stand-in is to be taken back.
    pub(super) fn is_withdrawn(&self, item: u32) -> bool {
        let broken = &self.draft.broken;
        let withdrawn = |e: &Entry| e.item == item && e.stage == Stage::Withdrawn;
        broken.iter().any(withdrawn)
    }

    /// The device has a stand-in of what this row was once: a Change would leave parts of that. It is to
    /// be taken back; true if that is so.
    pub(super) fn withdraw_stale(&mut self, row: &ItemRow) -> bool {
        let item = row.item.0;
        let broken = &mut self.draft.broken;
        let entry = broken
            .iter_mut()
            .find(|e| e.item == item && e.stage == Stage::StoodIn);
        let Some(entry) = entry.filter(|e| e.edition != row.edition()) else {
            return false;
        };
        entry.stage = Stage::Withdrawn;
        self.draft.owed.insert(item);
        true
    }

    /// The device is told that it does not have the item any more. If it is not `gone`, and its stand-in
    /// was only taken back, it follows.
    pub(super) fn forget_broken(&mut self, item: u32, gone: bool) {
        self.draft.broken.retain_mut(|e| {
            if e.item != item {
                return true;
            }
            e.stage = match e.stage {
                Stage::StoodIn | Stage::Left => Stage::Left,
                Stage::Withdrawn | Stage::Tried => Stage::Tried,
            };
            !gone
        });
    }
}

impl Mailbox {
    /// What a device has stand-ins of, the oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn broken(&self, scope: Scope, device: DeviceNo) -> Result<Vec<Broken>, Error> {
        let mut all = Vec::new();
        for folder in self.folders(scope).await? {
            let folder = folder.id;
            let at = At {
                scope,
                device,
                folder,
            };
            let Some(peek) = at.peek(self).await? else {
                continue;
            };
            for entry in &peek.broken {
                let item = ItemId(entry.item);
                // After a new beginning nobody tells the device what is gone.
                let is_gone = self.item(scope, folder, item).await?.is_none();
                if is_gone || entry.stage == Stage::Left {
                    continue;
                }
                all.push(Broken {
                    folder,
                    item,
                    fault: entry.fault,
                    at_ms: entry.at_ms,
                    is_retried: entry.stage != Stage::StoodIn,
                });
            }
        }
        all.sort_by_key(|broken| broken.at_ms);
        Ok(all)
    }

    /// Delivers an item of the list again, or all of a folder (`None`), and wakes the device. False
    /// where there is nothing of that kind on the list.
    ///
    /// # Errors
    /// [`Error::Conflict`] after many tries; the store's.
    pub async fn deliver_again(
        &self,
        scope: Scope,
        device: DeviceNo,
        folder: FolderId,
        item: Option<ItemId>,
    ) -> Result<bool, Error> {
        let at = At {
            scope,
            device,
            folder,
        };
        for _ in 0..limits::CONFLICT_RETRIES_MAX {
            match Box::pin(self.try_again(at, item)).await {
                // The device has synced meanwhile.
                Err(Error::Conflict) => {}
                done => return done,
            }
        }
        Err(Error::Conflict)
    }

    async fn try_again(&self, at: At, item: Option<ItemId>) -> Result<bool, Error> {
        let Some(loaded) = at.load(self).await? else {
            return Ok(false);
        };
        let mut state = loaded.state;
        let is_meant = |entry: &Entry| item.is_none_or(|item| item.0 == entry.item);
        if !state.withdraw(is_meant, false) {
            return Ok(false);
        }
        let mut tx = self.transaction(at.scope, By::default());
        tx.require(at.condition(Some(loaded.version)));
        let held = state.held.clone();
        for write in at.writes(&state, &held)? {
            tx.write(write);
        }
        tx.tell(Hint {
            folder: at.folder.0,
            device: 0,
        });
        tx.commit().await?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::super::state::Cursor;
    use super::*;
    use crate::limits::BROKEN_RETRIES_S;
    use crate::mailbox::testing::{NEW_YEAR_MS, account, block_on, mail, mailbox};
    use crate::pim::Record;

    fn entry(item: u32, stage: Stage) -> Entry {
        Entry {
            item,
            edition: 1,
            fault: Fault::Refused,
            stage,
            tries: 0,
            at_ms: 5_000,
        }
    }

    /// A device that has two mails, and the rows of these.
    async fn round() -> (Round, [ItemRow; 2]) {
        let (mailbox, folder) = (mailbox(), FolderId::INBOX);
        let scope = mailbox.add_account(&account("anna")).await.unwrap();
        let inbox = mailbox.folder(scope, folder).await.unwrap();
        let mut tx = mailbox.transaction(scope, By::default());
        for subject in ["a", "b"] {
            let record = Record::Message(mail(subject, NEW_YEAR_MS));
            tx.add(&inbox, &record).await.unwrap();
        }
        tx.commit().await.unwrap();
        let first = mailbox.sync(scope, DeviceNo(1), folder, 0).await;
        let key = first.unwrap().unwrap().finish().await.unwrap().key;
        let round = mailbox.sync(scope, DeviceNo(1), folder, key).await;
        let round = round.unwrap().unwrap();
        let row = async |item| mailbox.item(scope, folder, ItemId(item)).await;
        let rows = [
            row(1).await.unwrap().unwrap(),
            row(2).await.unwrap().unwrap(),
        ];
        (round, rows)
    }

    fn stages(broken: &[Entry]) -> Vec<(u32, Stage)> {
        broken.iter().map(|e| (e.item, e.stage)).collect()
    }

    /// Only what looks like a refusal is tried again by itself, when its time has come, and only so
    /// often.
    #[test]
    fn when_a_stand_in_is_looked_at_again() {
        let of = |fault, stage, tries| Entry {
            fault,
            tries,
            ..entry(1, stage)
        };
        let first_ms = 5_000 + i64::from(BROKEN_RETRIES_S[0]) * 1_000;
        let is_due = |fault, stage, now_ms| of(fault, stage, 0).is_due(now_ms);
        assert!(is_due(Fault::Refused, Stage::StoodIn, first_ms));
        assert!(!is_due(Fault::Refused, Stage::StoodIn, first_ms - 1));
        for fault in [Fault::Damaged, Fault::Unreadable] {
            assert!(!is_due(fault, Stage::StoodIn, i64::MAX), "{fault:?}");
        }
        for stage in [Stage::Withdrawn, Stage::Tried, Stage::Left] {
            assert!(!is_due(Fault::Refused, stage, i64::MAX), "{stage:?}");
        }
        let tries = u8::try_from(BROKEN_RETRIES_S.len()).unwrap();
        assert!(!of(Fault::Refused, Stage::StoodIn, tries).is_due(i64::MAX));
    }

    #[test]
    fn what_a_lost_answer_took_back_is_still_with_the_device() {
        let mut state = State::new(1, Cursor::default());
        let stages_of = [
            (1, Stage::Tried),
            (2, Stage::Left),
            (3, Stage::StoodIn),
            (4, Stage::Tried),
            (5, Stage::Left),
        ];
        state.broken = stages_of.map(|(item, stage)| entry(item, stage)).into();
        state.restore_broken(&RoaringBitmap::from([1, 2, 3]));
        let expect = [
            (1, Stage::Withdrawn),
            (2, Stage::StoodIn),
            (3, Stage::StoodIn),
            (4, Stage::Tried),
            (5, Stage::Left),
        ];
        assert_eq!(stages(&state.broken), expect);
    }

    #[test]
    fn the_list_is_in_the_order_of_its_making() {
        block_on(async {
            let (mut round, [a, b]) = Box::pin(round()).await;
            round.set_broken(&b, Fault::Damaged);
            round.mailbox.clock().advance(1_000);
            round.set_broken(&a, Fault::Damaged);
            let expect = [(b.item.0, Stage::StoodIn), (a.item.0, Stage::StoodIn)];
            assert_eq!(stages(&round.draft.broken), expect);
        });
    }

    /// A try stays on the list until the device has taken it; what was mended meanwhile is no try.
    #[test]
    fn an_item_that_goes_out_whole_leaves_the_list_unless_it_is_a_try() {
        block_on(async {
            let (mut round, [a, b]) = Box::pin(round()).await;
            let (edition, item) = (a.edition(), a.item.0);
            for (edition, stage, expect) in [
                (edition, Stage::Withdrawn, Some(Stage::Tried)),
                (edition, Stage::Tried, Some(Stage::Tried)),
                (edition, Stage::StoodIn, None),
                (edition ^ 1, Stage::Withdrawn, None),
            ] {
                let of_a = Entry {
                    edition,
                    ..entry(item, stage)
                };
                round.draft.broken = vec![of_a, entry(b.item.0, Stage::StoodIn)];
                round.set_whole(&a);
                let mut left = vec![(b.item.0, Stage::StoodIn)];
                left.extend(expect.map(|stage| (item, stage)));
                left.sort_by_key(|(item, _)| *item);
                assert_eq!(stages(&round.draft.broken), left, "{stage:?}");
            }
        });
    }

    #[test]
    fn what_the_device_no_longer_has_is_left_or_follows() {
        block_on(async {
            let (mut round, _) = Box::pin(round()).await;
            let all = [
                entry(1, Stage::StoodIn),
                entry(2, Stage::Withdrawn),
                entry(3, Stage::StoodIn),
            ];
            round.draft.broken = all.to_vec();
            assert_eq!(
                [1, 2, 3].map(|item| round.is_withdrawn(item)),
                [false, true, false]
            );
            round.forget_broken(1, false);
            round.forget_broken(2, false);
            round.forget_broken(3, true);
            let expect = [(1, Stage::Left), (2, Stage::Tried)];
            assert_eq!(stages(&round.draft.broken), expect);
        });
    }

    /// A repetition is answered as the first time.
    #[test]
    fn a_repetition_tries_nothing_again() {
        block_on(async {
            let (mut round, _) = Box::pin(round()).await;
            round.draft.broken = vec![entry(1, Stage::StoodIn)];
            round.presented = Presented::Previous;
            round.retry_broken();
            assert_eq!(stages(&round.draft.broken), [(1, Stage::StoodIn)]);
            round.presented = Presented::Current;
            round.retry_broken();
            assert_eq!(stages(&round.draft.broken), [(1, Stage::Withdrawn)]);
        });
    }
}
