//! EmptyFolderContents: everything goes, for good.

use crate::eas::context::Context;
use crate::eas::status::{Failure, retrying};
use crate::mailbox::{By, Error, FolderId, FolderKind};

const DONE: u16 = 1;
const NOT_FOUND: u16 = 6;
const ACCESS_DENIED: u16 = 16;
/// Items deleted in one commit.
const PAGE: usize = 50;

/// Empties a folder; returns the status. Cut short it has done a part, and can be asked for again.
pub(super) async fn empty(
    ctx: &Context<'_>,
    folder: &str,
    subfolders: bool,
) -> Result<u16, Failure> {
    let id = FolderId::parse(folder).filter(|id| *id != FolderId::ROOT);
    let Some(id) = id else { return Ok(NOT_FOUND) };
    match ctx.mailbox().folder(ctx.scope(), id).await {
        Ok(row) if row.folder.kind == FolderKind::RecipientCache => return Ok(ACCESS_DENIED),
        Ok(_) => {}
        Err(Error::NotFound) => return Ok(NOT_FOUND),
        Err(e) => return Err(e.into()),
    }
    while retrying(|| delete_page(ctx, id)).await? {}
    if subfolders {
        let folders = ctx.mailbox().folders(ctx.scope()).await?;
        let below = folders.iter().filter(|row| row.parent() == id);
        for row in below.filter(|row| !row.id.is_default()) {
            retrying(|| delete_folder(ctx, row.id)).await?;
        }
    }
    Ok(DONE)
}

/// Deletes some items; false when there were none left.
async fn delete_page(ctx: &Context<'_>, folder: FolderId) -> Result<bool, Failure> {
    let (mailbox, scope) = (ctx.mailbox(), ctx.scope());
    let page = Box::pin(mailbox.list_items(scope, folder, None, PAGE)).await?;
    if page.items.is_empty() {
        return Ok(false);
    }
    let mut tx = mailbox.transaction(scope, by(ctx));
    for row in &page.items {
        if tx.is_full() {
            break;
        }
        tx.delete(row)?;
    }
    Box::pin(tx.commit()).await?;
    Ok(true)
}

async fn delete_folder(ctx: &Context<'_>, folder: FolderId) -> Result<(), Failure> {
    let deleted = ctx.mailbox().delete_folder(ctx.scope(), folder);
    match Box::pin(deleted).await {
        // Somebody else has done it.
        Ok(_) | Err(Error::NotFound) => Ok(()),
        Err(e) => Err(e.into()),
    }
}

fn by(ctx: &Context<'_>) -> By {
    By {
        device: ctx.device_no(),
        via_sync: false,
    }
}
