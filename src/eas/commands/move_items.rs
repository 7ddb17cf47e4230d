//! MoveItems ([MS-ASCMD] 2.2.1.10). Success is 3.

use crate::eas::context::{Context, Done, Reply};
use crate::eas::quirks::Quirk;
use crate::eas::status::{Common, Failure, retrying};
use crate::limits::MOVES_MAX;
use crate::mailbox::{By, Error, FolderId, ServerId};
use crate::wbxml::tags::moves as tags;
use crate::wbxml::{Reader, Writer};

const NO_SOURCE: u16 = 1;
const NO_DESTINATION: u16 = 2;
const DONE: u16 = 3;
const SAME_FOLDER: u16 = 4;
const FAILED: u16 = 5;

struct Asked {
    message: String,
    to: Vec<String>,
}

/// Carries out the command: each move by itself, so that one that fails costs no other.
///
/// # Errors
/// A document that cannot be read or breaks the schema; the store's.
pub async fn run(ctx: &Context<'_>) -> Result<Done, Failure> {
    let mut r = ctx.document(tags::MOVE_ITEMS)?;
    let mut asked = Vec::new();
    while let Some(tag) = r.child()? {
        if tag != tags::MOVE || asked.len() == MOVES_MAX {
            return Err(Common::InvalidXml.into());
        }
        asked.push(one(&mut r)?);
    }
    if asked.is_empty() {
        return Err(Common::InvalidXml.into());
    }
    let mut w = Writer::new();
    w.open(tags::MOVE_ITEMS);
    for one in &asked {
        let done = retrying(|| move_one(ctx, one)).await?;
        w.open(tags::RESPONSE);
        w.text(tags::SRC_MSG_ID, &one.message);
        w.num(tags::STATUS, done.err().unwrap_or(DONE));
        if let Ok(id) = done {
            w.text(tags::DST_MSG_ID, &id.to_string());
        }
        w.close();
    }
    w.close();
    Ok(Reply::document(w, 1).with_changes(asked.len()).into())
}

fn one(r: &mut Reader<'_>) -> Result<Asked, Failure> {
    let mut message = None;
    let mut to = Vec::new();
    while let Some(tag) = r.child()? {
        match tag {
            tags::SRC_MSG_ID => message = Some(r.text()?.into_owned()),
            // The ServerId names the folder, and is believed.
            tags::SRC_FLD_ID => r.skip()?,
            tags::DST_FLD_ID => to.push(r.text()?.into_owned()),
            _ => return Err(Common::InvalidXml.into()),
        }
    }
    let message = message
        .filter(|m| !m.is_empty())
        .ok_or(Common::InvalidXml)?;
    Ok(Asked { message, to })
}

async fn move_one(ctx: &Context<'_>, asked: &Asked) -> Result<Result<ServerId, u16>, Failure> {
    let Some(from) = ServerId::parse(&asked.message) else {
        return Ok(Err(NO_SOURCE));
    };
    let [to] = asked.to.as_slice() else {
        return Ok(Err(FAILED));
    };
    let (mailbox, scope, device) = (ctx.mailbox(), ctx.scope(), ctx.device_no());
    let folder = |id| async move {
        match mailbox.folder(scope, id).await {
            Ok(folder) => Ok(Some(folder)),
            Err(Error::NotFound) => Ok(None),
            Err(e) => Err(Failure::from(e)),
        }
    };
    let to = FolderId::parse(to).unwrap_or(FolderId::ROOT);
    let Some(to) = folder(to).await? else {
        return Ok(Err(NO_DESTINATION));
    };
    let Some(source) = folder(from.folder).await? else {
        return Ok(Err(NO_SOURCE));
    };
    if to.id == from.folder {
        return Ok(Err(SAME_FOLDER));
    }
    if to.class() != source.class() {
        return Ok(Err(FAILED));
    }
    let Some(row) = mailbox.item(scope, from.folder, from.item).await? else {
        // The answer may have been lost: then it is where this device has moved it.
        let moved = mailbox.moved(scope, device, from, to.id).await?;
        return Ok(moved.ok_or(NO_SOURCE));
    };
    let by = By {
        device,
        via_sync: false,
    };
    let mut tx = mailbox.transaction(scope, by);
    let is_known = ctx.quirk(Quirk::MovedItemsKnown);
    let item = Box::pin(tx.move_noted(device, &row, &to, is_known)).await?;
    Box::pin(tx.commit()).await?;
    let folder = to.id;
    Ok(Ok(ServerId { folder, item }))
}
