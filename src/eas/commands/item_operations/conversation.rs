//! Move: a conversation into another folder, with all that will come of it.

use super::DONE;
use super::decode::Conversation;
use crate::eas::context::Context;
use crate::eas::status::{Failure, retrying};
use crate::mailbox::{By, Error, FolderId};
use crate::pim::Class;

const NOT_FOUND: u16 = 6;
const NOT_FOR_EVER: u16 = 155;
const NOT_A_MAIL_FOLDER: u16 = 156;

/// Moves a conversation; returns the status. First it is settled where new mail goes, so that none
/// is missed; cut short after that, the same request goes on.
pub(super) async fn carry_out(ctx: &Context<'_>, asked: &Conversation) -> Result<u16, Failure> {
    if !asked.always {
        return Ok(NOT_FOR_EVER);
    }
    let (mailbox, scope) = (ctx.mailbox(), ctx.scope());
    let to = FolderId::parse(&asked.to).unwrap_or(FolderId::ROOT);
    let to = match mailbox.folder(scope, to).await {
        Ok(folder) if folder.class() == Some(Class::Email) => folder,
        Ok(_) | Err(Error::NotFound) => return Ok(NOT_A_MAIL_FOLDER),
        Err(e) => return Err(e.into()),
    };
    let Ok(id) = asked.conversation.as_slice().try_into() else {
        return Ok(NOT_FOUND);
    };
    if !Box::pin(mailbox.has_conversation(scope, &id)).await? {
        return Ok(NOT_FOUND);
    }
    let redirect = || async { Ok(mailbox.redirect_conversation(scope, id, &to).await?) };
    retrying(redirect).await?;
    let by = By {
        device: ctx.device_no(),
        via_sync: false,
    };
    let moves = || async { Ok(mailbox.move_conversation(scope, by, &id, &to).await?) };
    retrying(moves).await?;
    Ok(DONE)
}
