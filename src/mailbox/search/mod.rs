//! The search in an account: a pass over the words of its items, folder by folder, newest first.
//!
//! Whatever the size of the account, the pass holds one page of rows at a time and the best results so
//! far; and it ends when it has looked at so many rows, bytes or seconds, with what it has found by
//! then. Deliberately absent: an index by word (`bench/` says what a pass costs), ranking.

mod query;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use super::tree::Tree;
use super::{Error, FolderId, FolderKind, ItemId, ItemRow, Mailbox, ServerId};
use crate::clock::{MonoMs, UnixMs};
use crate::limits;
use crate::pim::words::WordsRef;
use crate::pim::{Record, mail};
use crate::store::keys::Span;
use crate::store::{BlobId, Row, Scope, keys};
use crate::work::Pool;

use query::Verdict;
pub use query::{Expr, Mark, Query};

/// What a search came to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Found {
    /// The newest items, newest first.
    pub hits: Vec<ServerId>,
    /// Items that were found, at least.
    pub total: usize,
    /// There is no older item that was not looked at.
    pub is_whole: bool,
}

/// How far a search may go.
#[derive(Clone, Copy)]
pub struct Bounds<'a> {
    /// The most results.
    pub results: usize,
    /// Asked between two pages: whether anybody still wants to know.
    pub wanted: &'a dyn Fn() -> bool,
}

/// Items that are read at one time, to be looked at themselves.
const CHUNK: usize = 64;

/// A result on its way: what orders it first.
type Hit = (UnixMs, ItemId, FolderId);

struct Pass<'a> {
    mailbox: &'a Mailbox,
    workers: &'a Pool,
    scope: Scope,
    query: &'a Query,
    bounds: Bounds<'a>,
    until_ms: MonoMs,
    best: BinaryHeap<Reverse<Hit>>,
    rows: usize,
    bytes: usize,
    records: usize,
    texts: usize,
    found: Found,
}

impl Mailbox {
    /// Searches an account. Long texts that have to be read are taken apart by `workers`.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a folder of the query that is not there; the store's.
    pub async fn search(
        &self,
        scope: Scope,
        query: &Query,
        bounds: Bounds<'_>,
        workers: &Pool,
    ) -> Result<Found, Error> {
        let folders = self.searched(scope, query).await?;
        let mut pass = Pass {
            mailbox: self,
            workers,
            scope,
            query,
            bounds,
            until_ms: self.clock().mono_ms() + limits::SEARCH_MS_MAX,
            best: BinaryHeap::new(),
            rows: 0,
            bytes: 0,
            records: 0,
            texts: 0,
            found: Found {
                is_whole: true,
                ..Found::default()
            },
        };
        for folder in folders {
            Box::pin(pass.folder(folder)).await?;
        }
        Ok(pass.end())
    }

    /// The folders that a query is about.
    async fn searched(&self, scope: Scope, query: &Query) -> Result<BTreeSet<FolderId>, Error> {
        let tree = Tree::load(self, scope).await?;
        let mut named = BTreeSet::new();
        for id in &query.folders {
            tree.get(*id)?;
            match query.deep {
                true => named.extend(tree.subtree(*id)),
                false => drop(named.insert(*id)),
            }
        }
        let holds = |class| query.classes.is_empty() || query.classes.contains(&class);
        let fits = tree.folders.iter().filter(|row| {
            let named = query.folders.is_empty() || named.contains(&row.id);
            // What is in the recipient cache are no items.
            let is_cache = row.folder.kind == FolderKind::RecipientCache;
            named && !is_cache && row.class().is_some_and(holds)
        });
        Ok(fits.map(|row| row.id).collect())
    }
}

impl Pass<'_> {
    /// Whether the bounds allow for another page.
    fn goes_on(&self) -> bool {
        self.rows < limits::SEARCH_ROWS_MAX
            && self.bytes < limits::SEARCH_BYTES_MAX
            && self.mailbox.clock().mono_ms() < self.until_ms
            && (self.bounds.wanted)()
    }

    async fn folder(&mut self, folder: FolderId) -> Result<(), Error> {
        let (from_ms, to_ms) = self.query.expr.dates();
        if from_ms > to_ms {
            return Ok(());
        }
        let mut next = Some(keys::words_between(self.scope, folder.0, from_ms, to_ms));
        while let Some(span) = next {
            if !self.goes_on() {
                self.found.is_whole = false;
                return Ok(());
            }
            let page = self
                .mailbox
                .range(span.read(limits::RANGE_ROWS_MAX))
                .await?;
            next = rest(span, page.rows.last(), page.more);
            if Box::pin(self.page(folder, &page.rows)).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Looks at a page; true if all that follows in the folder is older than the results.
    async fn page(&mut self, folder: FolderId, rows: &[Row]) -> Result<bool, Error> {
        let mut maybe = Vec::new();
        for row in rows {
            self.rows += 1;
            self.bytes += row.key.len() + row.value().len();
            let (Some(key), Some(words)) =
                (keys::parse_words(&row.key), WordsRef::read(row.value()))
            else {
                continue;
            };
            let hit = (key.date_ms, ItemId(key.item), folder);
            if self.is_beyond(hit) {
                self.look(&std::mem::take(&mut maybe)).await?;
                if self.is_beyond(hit) {
                    self.found.is_whole = false;
                    return Ok(true);
                }
            }
            let classes = &self.query.classes;
            if !classes.is_empty() && !words.class().is_some_and(|c| classes.contains(&c)) {
                continue;
            }
            match self.query.expr.of_row(&words, key.date_ms) {
                Verdict::Yes => self.take(hit),
                Verdict::No => {}
                Verdict::Maybe => maybe.push((hit, words)),
            }
            if maybe.len() == CHUNK {
                self.look(&std::mem::take(&mut maybe)).await?;
            }
        }
        self.look(&maybe).await?;
        Ok(false)
    }

    /// There are results enough, and all of them come before this one.
    fn is_beyond(&self, hit: Hit) -> bool {
        self.best.len() >= self.bounds.results
            && self.best.peek().is_some_and(|Reverse(last)| hit < *last)
    }

    fn take(&mut self, hit: Hit) {
        self.found.total += 1;
        self.best.push(Reverse(hit));
        if self.best.len() > self.bounds.results {
            self.best.pop();
        }
    }

    /// Looks at the items themselves.
    async fn look(&mut self, maybe: &[(Hit, WordsRef<'_>)]) -> Result<(), Error> {
        let Some(((_, _, folder), _)) = maybe.first() else {
            return Ok(());
        };
        let room = limits::SEARCH_RECORDS_MAX.saturating_sub(self.records);
        let seen = maybe.get(..room.min(maybe.len())).unwrap_or_default();
        if seen.len() < maybe.len() {
            self.found.is_whole = false;
        }
        self.records += seen.len();
        let ids: Vec<_> = seen.iter().map(|((_, item, _), _)| *item).collect();
        let rows = self.mailbox.items(self.scope, *folder, &ids).await?;
        for ((hit, words), row) in seen.iter().zip(rows) {
            let record = row.as_ref().and_then(|row| ItemRow::to_record(row).ok());
            let Some(record) = record else { continue };
            let text = Box::pin(self.text(&record)).await?;
            let expr = &self.query.expr;
            if expr.of_record(words, hit.0, &record, text.as_deref()) {
                self.take(*hit);
            }
        }
        Ok(())
    }

    /// The whole text of a mail, if it is looked at and the record does not hold it.
    async fn text(&mut self, record: &Record) -> Result<Option<String>, Error> {
        let Record::Message(m) = record else {
            return Ok(None);
        };
        let is_held = usize::try_from(m.text_bytes).is_ok_and(|n| n <= m.text_head.len());
        if is_held || !self.query.expr.reads_text() {
            return Ok(None);
        }
        if self.texts >= limits::SEARCH_TEXTS_MAX || m.mime.bytes > limits::SEARCH_TEXT_BYTES_MAX {
            self.found.is_whole = false;
            return Ok(None);
        }
        self.texts += 1;
        let store = self.mailbox.store();
        let raw = match store.get_blob(BlobId(m.mime.hash), 0..m.mime.bytes).await {
            Ok(raw) => raw,
            Err(crate::store::Error::NoBlob | crate::store::Error::Corrupt(_)) => return Ok(None),
            Err(e) => return Err(e.into()),
        };
        let text = self.workers.run(move || mail::text(&raw)).await;
        text.map(Some).map_err(|_| Error::Busy)
    }

    fn end(mut self) -> Found {
        let mut best = self.best.into_vec();
        best.sort_unstable();
        let hits = best
            .into_iter()
            .map(|Reverse((_, item, folder))| ServerId { folder, item });
        self.found.hits = hits.collect();
        self.found
    }
}

/// What remains of a span behind a page.
fn rest(span: Span, last: Option<&Row>, more: bool) -> Option<Span> {
    last.filter(|_| more).map(|last| span.after(&last.key))
}
