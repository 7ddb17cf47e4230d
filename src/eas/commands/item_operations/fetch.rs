//! Fetch: an item by ServerId or LongId, an attachment by FileReference.

use super::attachment::{self, Attachment, Missing};
use super::decode::Fetch;
use crate::eas::classes::Fetched;
use crate::eas::commands::sync::{Form, class_name, write_item};
use crate::eas::context::{Context, fetch as fetch_parts};
use crate::eas::status::Failure;
use crate::mailbox::{FolderKind, ItemRow, ServerId};
use crate::pim::Class;
use crate::wbxml::tags::{airsync, airsyncbase, documentlibrary, itemoperations as tags, search};
use crate::wbxml::{Tag, Writer, pick};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const DONE: u16 = 1;
const SCHEMA: u16 = 2;
const NOT_FOUND: u16 = 6;
const BAD_RANGE: u16 = 8;
const NO_STORE: u16 = 9;
const TOO_LARGE: u16 = 11;
const BAD_REFERENCE: u16 = 15;

/// What a Fetch came to.
pub(super) enum Found {
    /// An item, with what had to be read for it.
    Item(ItemRow, Box<Fetched>),
    /// An attachment.
    Attachment(Attachment),
    /// Nothing, for this reason.
    Nothing(u16),
}

/// Finds what is asked for. `bytes_left` is what the whole answer may still take.
pub(super) async fn fetch(
    ctx: &Context<'_>,
    asked: &Fetch,
    bytes_left: &mut u64,
) -> Result<Found, Failure> {
    // There are no document libraries here, nor other stores.
    if !asked.store.eq_ignore_ascii_case("mailbox") {
        return Ok(Found::Nothing(NO_STORE));
    }
    if asked.malformed || asked.link_id.is_some() {
        return Ok(Found::Nothing(SCHEMA));
    }
    if asked.bad_range() {
        return Ok(Found::Nothing(BAD_RANGE));
    }
    if let Some(reference) = &asked.file_reference {
        let read = attachment::read(ctx, reference, asked.range, *bytes_left);
        return Ok(match Box::pin(read).await? {
            Ok(found) => {
                *bytes_left = bytes_left.saturating_sub(found.bytes.len() as u64);
                Found::Attachment(found)
            }
            Err(Missing::Reference) => Found::Nothing(BAD_REFERENCE),
            Err(Missing::Range) => Found::Nothing(BAD_RANGE),
            Err(Missing::Large) => Found::Nothing(TOO_LARGE),
        });
    }
    let Some(id) = asked.server_id.as_ref().or(asked.long_id.as_ref()) else {
        return Ok(Found::Nothing(SCHEMA));
    };
    // The folder is in the id already; it has to be the same.
    let names = |id: &ServerId| {
        let folder = asked.collection.as_ref();
        folder.is_none_or(|folder| *folder == id.folder.to_string())
    };
    let Some(id) = ServerId::parse(id).filter(names) else {
        return Ok(Found::Nothing(NOT_FOUND));
    };
    let Some(row) = ctx.mailbox().item(ctx.scope(), id.folder, id.item).await? else {
        return Ok(Found::Nothing(NOT_FOUND));
    };
    if row.class() == Some(Class::Contacts) {
        let folder = ctx.mailbox().folder(ctx.scope(), id.folder).await?;
        // What the server keeps of recipients is for Sync alone.
        if folder.folder.kind == FolderKind::RecipientCache {
            return Ok(Found::Nothing(NOT_FOUND));
        }
    }
    let fetched = Box::pin(fetch_parts(ctx.eas, &row, &asked.options, ctx.version())).await?;
    let texts = [&fetched.text, &fetched.html, &fetched.body];
    let bytes: usize = texts.into_iter().flatten().map(String::len).sum();
    let bytes = bytes + fetched.mime.as_ref().map_or(0, Vec::len);
    match bytes_left.checked_sub(bytes as u64) {
        Some(left) => *bytes_left = left,
        None => return Ok(Found::Nothing(TOO_LARGE)),
    }
    Ok(Found::Item(row, Box::new(fetched)))
}

/// Writes the entry. `parts`: binary goes there instead of into the document.
pub(super) fn write(
    w: &mut Writer,
    ctx: &Context<'_>,
    asked: &Fetch,
    found: &Found,
    parts: Option<&mut Vec<Vec<u8>>>,
) {
    w.open(tags::FETCH);
    let status = match found {
        Found::Nothing(status) => *status,
        _ => DONE,
    };
    w.num(tags::STATUS, status);
    let named = [
        (airsync::COLLECTION_ID, &asked.collection),
        (airsync::SERVER_ID, &asked.server_id),
        (search::LONG_ID, &asked.long_id),
    ];
    for (tag, id) in named {
        if let Some(id) = id {
            w.text(tag, id);
        }
    }
    if let Found::Item(row, _) = found
        && let Some(class) = row.class()
    {
        w.text(airsync::CLASS, class_name(class));
    }
    for (tag, id) in [
        (documentlibrary::LINK_ID, &asked.link_id),
        (airsyncbase::FILE_REFERENCE, &asked.file_reference),
    ] {
        if let Some(id) = id {
            w.text(tag, id);
        }
    }
    match found {
        Found::Nothing(_) => {}
        Found::Item(row, fetched) => {
            let form = Form {
                options: &asked.options,
                version: ctx.version(),
                quirks: ctx.quirks,
            };
            w.open(tags::PROPERTIES);
            write_properties(w, row, fetched, asked.schema.as_deref(), form);
            w.close();
        }
        Found::Attachment(attachment) => {
            write_attachment(w, attachment, asked.range.is_some(), parts);
        }
    }
    w.close();
}

/// All of them, or those that were asked for.
fn write_properties(
    w: &mut Writer,
    row: &ItemRow,
    fetched: &Fetched,
    schema: Option<&[Tag]>,
    form: Form<'_>,
) {
    let Some(schema) = schema else {
        return write_item(w, row, fetched, form);
    };
    let mut whole = Writer::new();
    whole.open(tags::PROPERTIES);
    write_item(&mut whole, row, fetched, form);
    whole.close();
    let mark = w.mark();
    if let Err(e) = pick(&whole.finish(), w, |tag| schema.contains(&tag)) {
        // What was written here can be read here; should it not, all of it is better than a part.
        tracing::error!(error = %e, "the properties of an item cannot be chosen from");
        w.rewind(mark);
        write_item(w, row, fetched, form);
    }
}

fn write_attachment(
    w: &mut Writer,
    found: &Attachment,
    in_part: bool,
    parts: Option<&mut Vec<Vec<u8>>>,
) {
    w.open(tags::PROPERTIES);
    if in_part {
        let last = found.from + (found.bytes.len() as u64).saturating_sub(1);
        w.text(tags::RANGE, &format!("{}-{last}", found.from));
        w.num(tags::TOTAL, i64::try_from(found.total).unwrap_or(i64::MAX));
    }
    w.text(airsyncbase::CONTENT_TYPE, &found.content_type);
    match parts {
        Some(parts) => {
            parts.push(found.bytes.clone());
            // The document is part 0.
            w.num(tags::PART, i64::try_from(parts.len()).unwrap_or(i64::MAX));
        }
        None => w.text(tags::DATA, &STANDARD.encode(&found.bytes)),
    }
    w.close();
}
