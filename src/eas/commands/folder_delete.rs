//! FolderDelete ([MS-ASCMD] 2.2.1.3): a folder, with all below it.

use super::folder_sync::{Fields, MALFORMED, WRONG_KEY, begin, failed};
use super::folder_update::with_key;
use crate::eas::context::{Context, Done};
use crate::eas::status::{Failure, retrying};
use crate::mailbox::{Command, Error, FolderId, ItemId, Recorded};
use crate::wbxml::tags::folderhierarchy as tags;

const SPECIAL: u16 = 3;
const UNKNOWN: u16 = 4;

/// Carries out the command.
///
/// # Errors
/// A document that cannot be read; the store's.
pub async fn run(ctx: &Context<'_>) -> Result<Done, Failure> {
    let mut r = ctx.document(tags::FOLDER_DELETE)?;
    let known = [tags::SYNC_KEY, tags::SERVER_ID];
    let wanted = Fields::read(&mut r, &known)?.and_then(|fields| {
        let id = fields.get(tags::SERVER_ID).filter(|id| !id.is_empty());
        let id = FolderId::parse(id.ok_or(MALFORMED)?).ok_or(UNKNOWN)?;
        Ok((fields.key()?, id))
    });
    let done = match wanted {
        Ok((key, id)) => retrying(|| delete(ctx, key, id)).await?,
        Err(status) => Err(status),
    };
    Ok(match done {
        Ok(key) => with_key(tags::FOLDER_DELETE, key).into(),
        Err(status) => failed(tags::FOLDER_DELETE, status).into(),
    })
}

async fn delete(ctx: &Context<'_>, key: u64, id: FolderId) -> Result<Result<u64, u16>, Failure> {
    let Some(mut hierarchy) = begin(ctx, key).await? else {
        return Ok(Err(WRONG_KEY));
    };
    let command = Command::Delete(ItemId(id.0));
    if !matches!(hierarchy.recorded(&command, 0), Recorded::Same(_)) {
        match Box::pin(hierarchy.delete(id)).await {
            Ok(()) => {}
            Err(Error::Protected) => return Ok(Err(SPECIAL)),
            Err(Error::NotFound) => return Ok(Err(UNKNOWN)),
            Err(e) => return Err(e.into()),
        }
    }
    let finished = Box::pin(hierarchy.finish()).await?;
    Ok(Ok(finished.key))
}
