//! GetAttachment ([MS-ASCMD] 2.2.1.8): the bytes of an attachment, up to 12.1.

use super::item_operations::attachment;
use crate::eas::context::{Content, Context, Done, Reply};
use crate::eas::status::Failure;
use crate::limits::ITEM_OPERATIONS_BYTES_MAX;

/// Carries out the command.
///
/// # Errors
/// HTTP 500 for an attachment that is not there; the store's.
pub async fn run(ctx: &Context<'_>) -> Result<Done, Failure> {
    let name = ctx.target.parameters.attachment_name.as_deref();
    let read = attachment::read(
        ctx,
        name.unwrap_or_default(),
        None,
        ITEM_OPERATIONS_BYTES_MAX,
    );
    match Box::pin(read).await? {
        Ok(found) => Ok(Reply {
            content: Content::Other(found.content_type, found.bytes),
            ..Reply::nothing()
        }
        .into()),
        // [MS-ASCMD] 2.2.1.8 has no other word for it.
        Err(_) => Err(Failure::Http(500, "no such attachment")),
    }
}
