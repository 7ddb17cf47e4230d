//! Search of the mailbox ([MS-ASCMD] 2.2.3.178, Store "Mailbox"; 12.0+).
//!
//! A LongId is the item's ServerId, which ItemOperations and the mail commands take for one.

use super::query::Wanted;
use super::{DONE, OUT_OF_DATE, RANGE_TOO_FAR, TIMED_OUT, close, open, store};
use crate::eas::classes::Fetched;
use crate::eas::commands::sync::{Form, class_name, write_item};
use crate::eas::context::{Context, Reply, fetch};
use crate::eas::options::Options;
use crate::eas::searches::{self, Kept, Kind};
use crate::eas::status::Failure;
use crate::limits::{SEARCH_ANSWER_BYTES_MAX, SEARCH_HITS_MAX, SEARCH_RESULTS_MAX};
use crate::mailbox::search::{Bounds, Query};
use crate::mailbox::{Error, ItemRow};
use crate::pim::Record;
use crate::wbxml::Writer;
use crate::wbxml::tags::{airsync, search as tags};

/// What a search asks for besides its query.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    /// Which results, the first and the last.
    pub(super) range: Option<(u64, u64)>,
    /// Not the result that is kept.
    pub(super) rebuild: bool,
    /// In which form.
    pub(super) options: Options,
}

/// Carries out a query and answers with the results that are asked for.
///
/// # Errors
/// The store's, or too many searches of this account at one time.
pub(super) async fn run(
    ctx: &Context<'_>,
    wanted: &Wanted,
    asked: &Asked,
) -> Result<Reply, Failure> {
    let max = SEARCH_RESULTS_MAX as u64;
    let (from, to) = asked.range.unwrap_or((0, max - 1));
    if from >= max {
        return Ok(store(RANGE_TOO_FAR));
    }
    let query = match wanted.query() {
        Ok(query) => query,
        Err(status) => return Ok(store(status)),
    };
    let print = searches::print(wanted);
    let kept = match query {
        Some(query) => Box::pin(result(ctx, Kind::Search, &query, print, asked.rebuild)).await?,
        None => Ok(nothing()),
    };
    let kept = match kept {
        Ok(kept) => kept,
        Err(NoResult::NoFolder) => return Ok(store(OUT_OF_DATE)),
        Err(NoResult::TimedOut) => return Ok(store(TIMED_OUT)),
    };
    let count = usize::try_from(to.min(max - 1) - from).unwrap_or(0) + 1;
    let from = usize::try_from(from).unwrap_or(usize::MAX);
    Box::pin(answer(ctx, &kept, from, count, &asked.options)).await
}

/// Why there is no result.
pub(in crate::eas::commands) enum NoResult {
    /// A folder of the query is not there.
    NoFolder,
    /// Nothing was found as long as it was allowed to take.
    TimedOut,
}

/// No hit at all.
pub(in crate::eas::commands) fn nothing() -> Kept {
    Kept {
        hits: [].into(),
        total: 0,
    }
}

/// The result of a query: the one that is kept, unless it is to be made anew.
///
/// # Errors
/// The store's, or too many searches of this account at one time.
pub(in crate::eas::commands) async fn result(
    ctx: &Context<'_>,
    kind: Kind,
    query: &Query,
    print: u64,
    rebuild: bool,
) -> Result<Result<Kept, NoResult>, Failure> {
    let searches = ctx.eas.searches();
    let key = (ctx.scope(), ctx.device_no(), kind);
    let now_ms = ctx.eas.clock().mono_ms();
    if !rebuild && let Some(kept) = searches.find(key, print, now_ms) {
        return Ok(Ok(kept));
    }
    let running = searches.begin(key).ok_or(Failure::Busy)?;
    let bounds = Bounds {
        results: SEARCH_HITS_MAX,
        wanted: &|| running.is_wanted(),
    };
    let search = ctx
        .mailbox()
        .search(ctx.scope(), query, bounds, ctx.eas.workers());
    let found = match Box::pin(search).await {
        Ok(found) => found,
        Err(Error::NotFound) => return Ok(Err(NoResult::NoFolder)),
        Err(e) => return Err(e.into()),
    };
    if found.hits.is_empty() && !found.is_whole {
        return Ok(Err(NoResult::TimedOut));
    }
    let kept = Kept::from(found);
    if running.is_wanted() {
        searches.keep(key, print, kept.clone(), now_ms);
    }
    Ok(Ok(kept))
}

/// A page of a result. The range that it names is that of the places in the result, so that the next
/// page follows on whatever was deleted meanwhile.
async fn answer(
    ctx: &Context<'_>,
    kept: &Kept,
    from: usize,
    count: usize,
    options: &Options,
) -> Result<Reply, Failure> {
    let hits = kept.hits.get(from..).unwrap_or_default();
    let hits = hits.get(..count.min(hits.len())).unwrap_or_default();
    let mut w = Writer::new();
    open(&mut w, DONE);
    let (mut seen, mut written) = (0, 0);
    for id in hits {
        if w.len() > SEARCH_ANSWER_BYTES_MAX {
            break;
        }
        seen += 1;
        let row = ctx.mailbox().item(ctx.scope(), id.folder, id.item).await?;
        let Some(row) = row else { continue };
        let fetched = Box::pin(fetch(ctx.eas, &row, options, ctx.version())).await?;
        let mark = w.mark();
        result_of(&mut w, ctx, &row, &fetched, options);
        if w.len() > SEARCH_ANSWER_BYTES_MAX && written > 0 {
            w.rewind(mark);
            seen -= 1;
            break;
        }
        written += 1;
    }
    if written == 0 {
        w.empty(tags::RESULT);
    } else {
        let last = from + seen - 1;
        w.text(tags::RANGE, &format!("{from}-{last}"));
        let total = i64::try_from(kept.total).unwrap_or(i64::MAX);
        w.num(tags::TOTAL, total);
    }
    Ok(close(w, DONE).with_changes(written))
}

fn result_of(
    w: &mut Writer,
    ctx: &Context<'_>,
    row: &ItemRow,
    fetched: &Fetched,
    options: &Options,
) {
    w.open(tags::RESULT);
    if let Some(class) = row.class() {
        w.text(airsync::CLASS, class_name(class));
    }
    w.pair(tags::LONG_ID, row.folder.0, row.item.0);
    w.num(airsync::COLLECTION_ID, row.folder.0);
    w.open(tags::PROPERTIES);
    let form = Form {
        options,
        version: ctx.version(),
        quirks: ctx.quirks,
    };
    write_item(w, &listed(row), fetched, form);
    w.close();
    w.close();
}

/// The item without what Sync has of it and the result of a search does not.
fn listed(row: &ItemRow) -> ItemRow {
    let record = match row.to_record() {
        Ok(Record::Event(mut event)) => {
            event.categories.clear();
            event.online_meeting_conf.clear();
            event.online_meeting_external.clear();
            Record::Event(event)
        }
        Ok(Record::Task(mut task)) => {
            task.ordinal_ms = None;
            task.sub_ordinal.clear();
            Record::Task(task)
        }
        _ => return row.clone(),
    };
    row.with_record(&record).unwrap_or_else(|_| row.clone())
}
