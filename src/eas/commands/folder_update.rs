//! FolderUpdate ([MS-ASCMD] 2.2.1.6): rename and move.

use super::folder_sync::{DONE, Fields, MALFORMED, WRONG_KEY, begin, failed};
use super::sync::fingerprint;
use crate::eas::context::{Context, Done, Reply};
use crate::eas::status::{Failure, retrying};
use crate::mailbox::{Command, Error, FolderId, ItemId, Recorded};
use crate::wbxml::Writer;
use crate::wbxml::tags::folderhierarchy as tags;

const NAME_TAKEN_OR_SPECIAL: u16 = 2;
const UNKNOWN: u16 = 4;
const NO_PARENT: u16 = 5;

struct Wanted {
    key: u64,
    id: FolderId,
    parent: FolderId,
    name: String,
}

/// Carries out the command.
///
/// # Errors
/// A document that cannot be read; the store's.
pub async fn run(ctx: &Context<'_>) -> Result<Done, Failure> {
    let mut r = ctx.document(tags::FOLDER_UPDATE)?;
    let known = [
        tags::SYNC_KEY,
        tags::SERVER_ID,
        tags::PARENT_ID,
        tags::DISPLAY_NAME,
    ];
    let wanted = Fields::read(&mut r, &known)?.and_then(|fields| wanted(&fields));
    let done = match &wanted {
        Ok(wanted) => retrying(|| update(ctx, wanted)).await?,
        Err(status) => Err(*status),
    };
    Ok(match done {
        Ok(key) => with_key(tags::FOLDER_UPDATE, key).into(),
        Err(status) => failed(tags::FOLDER_UPDATE, status).into(),
    })
}

/// The answer to a folder command that went well: status and key.
pub(super) fn with_key(root: crate::wbxml::Tag, key: u64) -> Reply {
    let mut w = Writer::new();
    w.open(root);
    w.num(tags::STATUS, DONE);
    w.text(tags::SYNC_KEY, &key.to_string());
    w.close();
    Reply::document(w, DONE)
}

fn wanted(fields: &Fields) -> Result<Wanted, u16> {
    let parent = match fields.get(tags::PARENT_ID) {
        Some("") => FolderId::ROOT,
        Some(id) => FolderId::parse(id).ok_or(NO_PARENT)?,
        None => return Err(MALFORMED),
    };
    let id = fields.get(tags::SERVER_ID).ok_or(MALFORMED)?;
    Ok(Wanted {
        key: fields.key()?,
        id: FolderId::parse(id).ok_or(UNKNOWN)?,
        parent,
        name: fields.get(tags::DISPLAY_NAME).ok_or(MALFORMED)?.to_owned(),
    })
}

async fn update(ctx: &Context<'_>, wanted: &Wanted) -> Result<Result<u64, u16>, Failure> {
    let Some(mut hierarchy) = begin(ctx, wanted.key).await? else {
        return Ok(Err(WRONG_KEY));
    };
    let Wanted {
        id, parent, name, ..
    } = wanted;
    let print = fingerprint(format!("{parent} {name}").as_bytes());
    let command = Command::Change(ItemId(id.0));
    if !matches!(hierarchy.recorded(&command, print), Recorded::Same(_)) {
        if hierarchy.folder(*id).is_err() {
            return Ok(Err(UNKNOWN));
        }
        match hierarchy.update(*id, *parent, name, print) {
            Ok(()) => {}
            Err(Error::Taken | Error::Protected | Error::Cycle) => {
                return Ok(Err(NAME_TAKEN_OR_SPECIAL));
            }
            Err(Error::NotFound) => return Ok(Err(NO_PARENT)),
            Err(Error::BadName | Error::TooLarge) => return Ok(Err(MALFORMED)),
            Err(e) => return Err(e.into()),
        }
    }
    let finished = Box::pin(hierarchy.finish()).await?;
    Ok(Ok(finished.key))
}
