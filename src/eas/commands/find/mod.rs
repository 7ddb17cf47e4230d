//! Find ([MS-ASCMD] 2.2.1.2, 16.1): search of mail by keywords and properties, and of the address list.
//!
//! A SearchId names a result, which stays as it was for its further pages. Deliberately absent: other
//! classes than mail.

mod days;
mod decode;
mod gal;
pub mod kql;

use crate::eas::classes::date;
use crate::eas::commands::search::mailbox::{NoResult, nothing, result};
use crate::eas::context::{Context, Done, Reply};
use crate::eas::searches::{self, Kept, Kind};
use crate::eas::status::{Common, Failure};
use crate::limits::{SEARCH_ANSWER_BYTES_MAX, SEARCH_HITS_MAX, SEARCH_RESULTS_MAX};
use crate::mailbox::search::Query;
use crate::mailbox::{FolderId, ItemRow, ServerId};
use crate::pim::message::ArchivedMessage;
use crate::pim::{Class, RecordRef, html, mail};
use crate::wbxml::Writer;
use crate::wbxml::tags::{airsync, email, email2, find as tags, itemoperations};
use decode::{Criterion, Mailbox};

const DONE: u16 = 1;
const INVALID: u16 = 2;
const OUT_OF_DATE: u16 = 3;
const NOT_THE_FIRST: u16 = 4;
/// Characters of a preview ([MS-ASCMD] 2.2.3.137).
const PREVIEW_CHARS: usize = 255;

/// Which results are asked for.
#[derive(Clone, Copy)]
struct Page {
    from: usize,
    count: usize,
}

/// Carries out the command.
///
/// # Errors
/// A document that cannot be read; the store's, or too many searches of this account at one time.
pub async fn run(ctx: &Context<'_>) -> Result<Done, Failure> {
    let asked = match decode::read(ctx) {
        Ok(asked) => asked,
        Err(Failure::Common(Common::InvalidXml)) => return Ok(refused(INVALID).into()),
        Err(e) => return Err(e),
    };
    let Some(criterion) = asked.criterion.as_ref().filter(|_| !asked.id.is_empty()) else {
        return Ok(refused(INVALID).into());
    };
    let max = SEARCH_HITS_MAX as u64;
    let default = Some((0, SEARCH_RESULTS_MAX as u64 - 1));
    let range = asked.range.unwrap_or(default).filter(|(_, to)| *to < max);
    let Some((from, to)) = range else {
        return Ok(response(criterion, INVALID).into());
    };
    let page = Page {
        from: usize::try_from(from).unwrap_or(usize::MAX),
        count: usize::try_from(to - from).unwrap_or(0) + 1,
    };
    let print = searches::print(&(&asked.id, criterion));
    let key = (ctx.scope(), ctx.device_no(), Kind::Find);
    let now_ms = ctx.eas.clock().mono_ms();
    let known = ctx.eas.searches().find(key, print, now_ms);
    if from > 0 && known.is_none() {
        return Ok(response(criterion, NOT_THE_FIRST).into());
    }
    let reply = match criterion {
        Criterion::Mailbox(query) => Box::pin(in_mailbox(ctx, query, print, page)).await?,
        Criterion::Gal(query) if query.is_empty() => response(criterion, INVALID),
        Criterion::Gal(query) => {
            ctx.eas.searches().keep(key, print, nothing(), now_ms);
            gal::answer(ctx, query, page, asked.photos).await?
        }
    };
    Ok(reply.into())
}

async fn in_mailbox(
    ctx: &Context<'_>,
    asked: &Mailbox,
    print: u64,
    page: Page,
) -> Result<Reply, Failure> {
    let refuse = |status| Ok(response_of(MAILBOX, status));
    let folders = match asked.folder.as_deref() {
        None | Some("" | "0") => Vec::new(),
        Some(id) => match FolderId::parse(id) {
            Some(id) => vec![id],
            None => return refuse(INVALID),
        },
    };
    if asked.class.as_deref().is_some_and(|class| class != "Email") {
        return refuse(INVALID);
    }
    let text = match asked.text() {
        Ok(text) => text,
        Err(status) => return refuse(status),
    };
    let Ok(expr) = kql::parse(text, ctx.now_ms()) else {
        return refuse(INVALID);
    };
    let kept = match expr {
        Some(expr) => {
            let query = Query {
                expr,
                classes: vec![Class::Email],
                folders,
                deep: asked.deep,
            };
            Box::pin(result(ctx, Kind::Find, &query, print, false)).await?
        }
        None => Ok(nothing()),
    };
    match kept {
        Ok(kept) => answer(ctx, &kept, page).await,
        Err(NoResult::NoFolder) => Ok(refused(OUT_OF_DATE)),
        // There is no status that says so; later it may be faster.
        Err(NoResult::TimedOut) => Err(Failure::Busy),
    }
}

/// A page of a result. As in Search, its range is that of the places in the result.
async fn answer(ctx: &Context<'_>, kept: &Kept, page: Page) -> Result<Reply, Failure> {
    let hits = kept.hits.get(page.from..).unwrap_or_default();
    let mut w = Writer::new();
    open(&mut w, MAILBOX, DONE);
    let (mut seen, mut written) = (0, 0);
    for ServerId { folder, item } in hits.iter().take(page.count) {
        if w.len() > SEARCH_ANSWER_BYTES_MAX {
            break;
        }
        seen += 1;
        let row = ctx.mailbox().item(ctx.scope(), *folder, *item).await?;
        if let Some(row) = row
            && let Ok(RecordRef::Message(message)) = row.record()
        {
            write_result(&mut w, &row, message);
            written += 1;
        }
    }
    if written > 0 {
        write_range(&mut w, page.from, seen, kept.total);
    }
    Ok(close(w, DONE).with_changes(written))
}

fn write_result(w: &mut Writer, row: &ItemRow, m: &ArchivedMessage) {
    w.open(tags::RESULT);
    w.text(airsync::CLASS, "Email");
    w.pair(airsync::SERVER_ID, row.folder.0, row.item.0);
    w.num(airsync::COLLECTION_ID, row.folder.0);
    w.open(tags::PROPERTIES);
    w.text(email::SUBJECT, &m.subject);
    let received = date::dashed(m.received_ms.to_native());
    w.ascii(email::DATE_RECEIVED, received.ascii());
    w.text_if(email::DISPLAY_TO, &m.display_to);
    w.text_if(tags::DISPLAY_CC, &names(&m.cc));
    w.text_if(tags::DISPLAY_BCC, &names(&m.bcc));
    w.num(email::IMPORTANCE, m.importance.min(2));
    w.flag(email::READ, m.read);
    w.flag(email2::IS_DRAFT, m.draft);
    let preview = html::preview(&m.text_head, PREVIEW_CHARS);
    w.text_if(tags::PREVIEW, &preview);
    let has_files = m.parts.iter().any(|part| !part.inline);
    w.flag(tags::HAS_ATTACHMENTS, has_files);
    w.text_if(email::FROM, &m.from);
    w.close();
    w.close();
}

/// The names of a list of addresses, as `DisplayTo` has them.
fn names(list: &str) -> String {
    let names = mail::addresses(list).into_iter().map(|one| match one.name {
        name if name.is_empty() => one.address,
        name => name,
    });
    names.collect::<Vec<_>>().join("; ")
}

// ---- the frame of an answer -------------------------------------------------------------------

const MAILBOX: &str = "Mailbox";
const GAL: &str = "GAL";

/// The whole is refused.
fn refused(status: u16) -> Reply {
    let mut w = Writer::new();
    w.open(tags::FIND);
    w.num(tags::STATUS, status);
    w.close();
    Reply::document(w, status)
}

fn response(criterion: &Criterion, status: u16) -> Reply {
    response_of(
        match criterion {
            Criterion::Mailbox(_) => MAILBOX,
            Criterion::Gal(_) => GAL,
        },
        status,
    )
}

/// A response without results.
fn response_of(store: &str, status: u16) -> Reply {
    let mut w = Writer::new();
    open(&mut w, store, status);
    close(w, status)
}

fn open(w: &mut Writer, store: &str, status: u16) {
    w.open(tags::FIND);
    w.num(tags::STATUS, DONE);
    w.open(tags::RESPONSE);
    w.text(itemoperations::STORE, store);
    w.num(tags::STATUS, status);
}

fn write_range(w: &mut Writer, from: usize, count: usize, total: usize) {
    let last = (from + count).saturating_sub(1);
    w.text(tags::RANGE, &format!("{from}-{last}"));
    w.num(tags::TOTAL, i64::try_from(total).unwrap_or(i64::MAX));
}

fn close(mut w: Writer, status: u16) -> Reply {
    w.close();
    w.close();
    Reply::document(w, status)
}
