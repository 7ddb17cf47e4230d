//! What is not needed any more, in steps of bounded size: items of deleted folders, tombstones,
//! outcomes and deliveries that nobody will ask for again.

use super::log;
use super::sync_cursor;
use super::{Error, FolderId, Mailbox};
use crate::clock::UnixMs;
use crate::limits;
use crate::store::{Batch, Row, Scope, Seq, Write, keys, keys::Span};

/// Rows that one step looks at.
pub(super) const PAGE: usize = 400;
/// Milliseconds of a day.
pub(super) const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// The counter that says up to which commit tombstones of a folder were dropped though a device
/// had not seen them.
fn purged_mark(folder: FolderId) -> u32 {
    0x8000_0000 | folder.0
}

/// Where a purge goes on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PurgeMark(Stage);

#[derive(Clone, PartialEq, Eq, Debug)]
enum Stage {
    /// Items of deleted folders.
    Bury,
    /// Tombstones of this folder and those with larger numbers; behind this key.
    Log(FolderId, Option<Vec<u8>>),
    Sent(Option<Vec<u8>>),
    Delivered(Option<Vec<u8>>),
    /// Who was told of an absence.
    Told(Option<Vec<u8>>),
}

impl Mailbox {
    /// One step of tidying an account; begin with `None`, and go on with what it returns until
    /// that is `None` again. To be called for every account once in a while, in the background.
    ///
    /// # Errors
    /// [`Error::Conflict`]: the same step again; the store's.
    pub async fn purge(
        &self,
        scope: Scope,
        from: Option<PurgeMark>,
    ) -> Result<Option<PurgeMark>, Error> {
        let stage = from.map_or(Stage::Bury, |mark| mark.0);
        let next = match stage {
            Stage::Bury => self.bury(scope).await?,
            Stage::Log(folder, after) => self.purge_log(scope, folder, after).await?,
            Stage::Sent(after) => {
                let before_ms = self.days_ago(limits::SENT_KEPT_DAYS);
                let next = self.purge_sent(scope, after.as_deref(), before_ms).await?;
                Some(next.map_or(Stage::Delivered(None), |key| Stage::Sent(Some(key))))
            }
            Stage::Delivered(after) => {
                let before_ms = self.days_ago(limits::DELIVERED_KEPT_DAYS);
                let next = self.purge_delivered(scope, after.as_deref(), before_ms);
                let next = next.await?;
                Some(next.map_or(Stage::Told(None), |key| Stage::Delivered(Some(key))))
            }
            Stage::Told(after) => {
                let before_ms = self.days_ago(limits::ABSENCE_TOLD_DAYS);
                let next = self.purge_told(scope, after.as_deref(), before_ms).await?;
                next.map(|key| Stage::Told(Some(key)))
            }
        };
        Ok(next.map(PurgeMark))
    }

    /// All steps, one after the other.
    ///
    /// # Errors
    /// The store's.
    pub async fn purge_all(&self, scope: Scope) -> Result<(), Error> {
        let mut mark = self.purge(scope, None).await?;
        while mark.is_some() {
            mark = self.purge(scope, mark).await?;
        }
        Ok(())
    }

    fn days_ago(&self, days: u32) -> UnixMs {
        self.clock().now_ms() - i64::from(days) * DAY_MS
    }

    /// Removes what is left of one deleted folder, or of a removed account.
    async fn bury(&self, scope: Scope) -> Result<Option<Stage>, Error> {
        if self.is_removed(scope).await? {
            Box::pin(self.erase(scope)).await?;
            return Ok(None);
        }
        let folders = self.folders_with_doomed(scope).await?;
        let Some(row) = folders.iter().find(|row| row.folder.is_doomed()) else {
            return Ok(Some(Stage::Log(FolderId::ROOT, None)));
        };
        let folder = row.id;
        let mut spans = vec![
            keys::items(scope, folder.0),
            keys::words_of(scope, folder.0),
            keys::dates(scope, folder.0),
            keys::changes(scope, folder.0),
        ];
        for device in self.devices(scope).await? {
            let key = keys::sync(scope, device.number.0, folder.0);
            spans.push(Span::prefix(key));
        }
        for span in spans {
            if !self.shorten(scope, span).await? {
                return Ok(Some(Stage::Bury));
            }
        }
        let mut batch = Batch::new(scope);
        let mark = keys::counter(scope, purged_mark(folder));
        batch.writes.push(Write::Delete(mark));
        batch.conditions.push(row.unchanged(scope));
        batch
            .writes
            .push(Write::Delete(keys::folder(scope, folder.0)));
        self.commit(batch).await?;
        Ok(Some(Stage::Bury))
    }

    /// Removes the first rows of a span; `true` when none is left.
    async fn shorten(&self, scope: Scope, span: Span) -> Result<bool, Error> {
        let page = self.range(span.read(limits::RANGE_ROWS_MAX)).await?;
        let Some(last) = page.rows.last() else {
            return Ok(true);
        };
        let mut to = last.key.to_vec();
        to.push(0);
        let mut batch = Batch::new(scope);
        batch.writes.push(Write::DeleteRange(span.from, to));
        self.commit(batch).await?;
        Ok(!page.more)
    }

    /// Removes every row of a removed account, its record last.
    pub(super) async fn erase(&self, scope: Scope) -> Result<(), Error> {
        let devices = |of: fn(Scope, u32) -> Span| Span {
            from: of(scope, 0).from,
            to: of(scope, u32::MAX).to,
        };
        let spans = [
            devices(keys::items),
            devices(keys::words_of),
            devices(keys::dates),
            devices(keys::changes),
            devices(keys::syncs),
            devices(keys::sents),
            Span::prefix(keys::device_id(scope, "")),
            keys::devices(scope),
            keys::delivereds(scope),
            keys::owns(scope),
            keys::notices(scope),
            keys::folders(scope),
            Span::prefix(keys::person(scope)),
            Span::prefix(keys::certificates(scope)),
            Span {
                from: keys::counter(scope, 0),
                to: keys::prefix_end(&keys::counter(scope, u32::MAX)),
            },
        ];
        for span in spans {
            while !self.shorten(scope, span.clone()).await? {}
        }
        let mut batch = Batch::new(scope);
        batch.writes.push(Write::Delete(keys::account(scope)));
        self.commit(batch).await.map(drop)
    }

    /// Drops tombstones that every device is past, and those that are too old to be kept.
    async fn purge_log(
        &self,
        scope: Scope,
        folder: FolderId,
        after: Option<Vec<u8>>,
    ) -> Result<Option<Stage>, Error> {
        let span = match after {
            Some(key) => keys::changes(scope, folder.0).after(&key),
            None => keys::changes(scope, folder.0),
        };
        let page = self.range(span.read(PAGE)).await?;
        let tombstones: Vec<_> = page
            .rows
            .iter()
            .filter_map(|row| log::parse(row).filter(|e| e.deleted).map(|e| (row, e)))
            .collect();
        if !tombstones.is_empty() {
            self.drop_tombstones(scope, folder, &tombstones).await?;
        }
        if let Some(last) = page.rows.last().filter(|_| page.more) {
            return Ok(Some(Stage::Log(folder, Some(last.key.to_vec()))));
        }
        let folders = self.folders(scope).await?;
        let next = folders.iter().find(|row| row.id > folder);
        Ok(Some(
            next.map_or(Stage::Sent(None), |row| Stage::Log(row.id, None)),
        ))
    }

    async fn drop_tombstones(
        &self,
        scope: Scope,
        folder: FolderId,
        tombstones: &[(&Row, log::Entry)],
    ) -> Result<(), Error> {
        // Where nobody syncs the folder, nobody needs its tombstones.
        let mut passed = (Seq::MAX, u32::MAX);
        for device in self.devices(scope).await? {
            let cursor = sync_cursor(self, scope, device.number, folder).await?;
            passed = passed.min(cursor.unwrap_or(passed));
        }
        let before_ms = self.days_ago(limits::TOMBSTONES_KEPT_DAYS);
        let mut batch = Batch::new(scope);
        let mut unseen = 0;
        for (row, entry) in tombstones {
            let seen = (entry.seq, entry.item) <= passed;
            if seen || entry.at_ms < before_ms {
                batch.writes.push(Write::Delete(row.key.to_vec()));
                unseen = if seen { unseen } else { unseen.max(entry.seq) };
            }
        }
        if unseen > 0 {
            let mark = keys::counter(scope, purged_mark(folder));
            batch.writes.push(Write::Max(mark, unseen));
        }
        if batch.writes.is_empty() {
            return Ok(());
        }
        self.commit(batch).await.map(drop)
    }

    /// The latest commit whose tombstones in this folder were dropped before every device was past.
    pub(super) async fn purged(&self, scope: Scope, folder: FolderId) -> Result<Seq, Error> {
        let row = self.get(keys::counter(scope, purged_mark(folder))).await?;
        let value = row.and_then(|row| row.value().try_into().ok());
        Ok(value.map_or(0, u64::from_be_bytes))
    }
}
