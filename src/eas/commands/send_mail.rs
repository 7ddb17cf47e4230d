//! SendMail ([MS-ASCMD] 2.2.1.17): a MIME body up to 12.1, a document from 14.0 on.

use crate::eas::context::{Context, Done, Reply};
use crate::eas::notices;
use crate::eas::outgoing::{Submission, submit};
use crate::eas::status::{Common, Failure};
use crate::eas::version::Version;
use crate::limits::CLIENT_ID_CHARS_MAX;
use crate::wbxml::tags::composemail as tags;

/// Carries out the command. Success is an answer without content.
///
/// # Errors
/// What [`submit`] lists; a document that cannot be read.
pub async fn run(ctx: &Context<'_>) -> Result<Done, Failure> {
    if ctx.version() < Version::V14_0 {
        let submission = Submission {
            mime: ctx.body,
            client_id: None,
            save: ctx.target.parameters.save_in_sent,
            answers: None,
        };
        Box::pin(submit(ctx.eas, ctx.author(), submission)).await?;
        return Ok(Reply::nothing().into());
    }
    let mut r = ctx.document(tags::SEND_MAIL)?;
    let (mut client_id, mut mime, mut save) = (None, None, false);
    while let Some(tag) = r.child()? {
        if ctx.version().too_old_for(tag) {
            return Err(Common::InvalidXml.into());
        }
        match tag {
            tags::CLIENT_ID => client_id = Some(r.text()?),
            // Present means yes; some clients write a 1 into it, and some a 0 that they mean.
            tags::SAVE_IN_SENT_ITEMS => save = crate::eas::value::flag(&mut r)?,
            tags::MIME => mime = Some(r.bytes()?),
            // There is one account, and it has no AccountId ([MS-ASCMD] 2.2.3.3.2).
            tags::ACCOUNT_ID => {
                if !r.text()?.is_empty() {
                    return Err(Common::InvalidAccountId.into());
                }
            }
            crate::wbxml::tags::rightsmanagement::TEMPLATE_ID => r.skip()?,
            _ => return Err(Common::InvalidXml.into()),
        }
    }
    let client_id = client_id.ok_or(Common::InvalidXml)?;
    if client_id.is_empty() || client_id.chars().count() > CLIENT_ID_CHARS_MAX {
        return Err(Common::InvalidXml.into());
    }
    let mime = mime.ok_or(Common::InvalidXml)?;
    // Of a client that tells attendees what the server has told them already.
    if ctx.version() >= Version::V16_0 && Box::pin(notices::is_told(ctx, mime)).await? {
        return Ok(Reply::nothing().into());
    }
    let submission = Submission {
        mime,
        client_id: Some(&client_id),
        save,
        answers: None,
    };
    Box::pin(submit(ctx.eas, ctx.author(), submission)).await?;
    Ok(Reply::nothing().into())
}
