//! FolderCreate ([MS-ASCMD] 2.2.1.2).

use super::folder_sync::{DONE, Fields, MALFORMED, WRONG_KEY, begin, failed};
use crate::eas::context::{Context, Done, Reply};
use crate::eas::status::{Failure, retrying};
use crate::mailbox::{Command, Error, FolderId, FolderKind, Recorded};
use crate::wbxml::Writer;
use crate::wbxml::tags::folderhierarchy as tags;

const NAME_TAKEN: u16 = 2;
const NO_CHILDREN: u16 = 3;
const NO_PARENT: u16 = 5;
const UNUSUAL: u16 = 12;
/// The recipient information cache.
const CACHE_TYPE: u8 = 19;

struct Wanted {
    key: u64,
    parent: FolderId,
    name: String,
    kind: FolderKind,
}

/// Carries out the command.
///
/// # Errors
/// A document that cannot be read; the store's.
pub async fn run(ctx: &Context<'_>) -> Result<Done, Failure> {
    let mut r = ctx.document(tags::FOLDER_CREATE)?;
    let known = [
        tags::SYNC_KEY,
        tags::PARENT_ID,
        tags::DISPLAY_NAME,
        tags::TYPE,
        // BlackBerry sends an empty one: the folder has yet to get it.
        tags::SERVER_ID,
    ];
    let wanted = Fields::read(&mut r, &known)?.and_then(|fields| wanted(&fields));
    let done = match &wanted {
        Ok(wanted) => retrying(|| create(ctx, wanted)).await?,
        Err(status) => Err(*status),
    };
    Ok(match done {
        Ok((key, id)) => {
            let mut w = Writer::new();
            w.open(tags::FOLDER_CREATE);
            w.num(tags::STATUS, DONE);
            w.text(tags::SYNC_KEY, &key.to_string());
            w.text(tags::SERVER_ID, &id.to_string());
            w.close();
            Reply::document(w, DONE).into()
        }
        Err(status) => failed(tags::FOLDER_CREATE, status).into(),
    })
}

fn wanted(fields: &Fields) -> Result<Wanted, u16> {
    let key = fields.key()?;
    let kind = fields.get(tags::TYPE).and_then(|t| t.trim().parse().ok());
    let kind: u8 = kind.ok_or(MALFORMED)?;
    if kind == CACHE_TYPE {
        return Err(NO_CHILDREN);
    }
    // BlackBerry sends an empty ParentId for the root.
    let parent = match fields.get(tags::PARENT_ID) {
        Some("") => FolderId::ROOT,
        Some(id) => FolderId::parse(id).ok_or(NO_PARENT)?,
        None => return Err(MALFORMED),
    };
    let name = fields.get(tags::DISPLAY_NAME).ok_or(MALFORMED)?;
    Ok(Wanted {
        key,
        parent,
        name: name.to_owned(),
        kind: FolderKind::creatable(kind).ok_or(MALFORMED)?,
    })
}

async fn create(
    ctx: &Context<'_>,
    wanted: &Wanted,
) -> Result<Result<(u64, FolderId), u16>, Failure> {
    let Some(mut hierarchy) = begin(ctx, wanted.key).await? else {
        return Ok(Err(WRONG_KEY));
    };
    // A repetition is known by what it wants: there cannot be two folders of one name.
    let command = Command::Add(format!("{} {}", wanted.parent, wanted.name));
    let id = match hierarchy.recorded(&command, 0) {
        Recorded::Same(outcome) | Recorded::Differs(outcome) => outcome
            .item
            .map(|item| FolderId(item.0))
            .ok_or(Failure::Conflict)?,
        Recorded::New => {
            let Wanted {
                parent, name, kind, ..
            } = wanted;
            let created = Box::pin(hierarchy.create(command, *parent, name, *kind)).await;
            match created {
                Ok(id) => id,
                Err(Error::Taken) => return Ok(Err(NAME_TAKEN)),
                Err(Error::NotFound) => return Ok(Err(NO_PARENT)),
                Err(Error::BadName | Error::TooLarge) => return Ok(Err(MALFORMED)),
                Err(Error::Limit) => return Ok(Err(UNUSUAL)),
                Err(e) => return Err(e.into()),
            }
        }
    };
    let finished = Box::pin(hierarchy.finish()).await?;
    Ok(Ok((finished.key, id)))
}
