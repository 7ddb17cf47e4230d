//! ItemOperations ([MS-ASCMD] 2.2.1.10): items and attachments by name, emptying a folder, moving a
//! conversation for good.
//!
//! The answer groups the entries as its schema does: Move, EmptyFolderContents, Fetch. Deliberately
//! absent: document libraries; bodies of items as parts of their own (they stand in the document).

pub mod attachment;
mod conversation;
mod decode;
mod empty;
mod fetch;
mod multipart;

use crate::eas::context::{Content, Context, Done, Reply};
use crate::eas::status::{Common, Failure};
use crate::limits::{ITEM_OPERATIONS_BYTES_MAX, ITEM_OPERATIONS_MAX};
use crate::wbxml::Writer;
use crate::wbxml::tags::{airsync, itemoperations as tags};
use decode::{Fetch, Operation};

const DONE: u16 = 1;
const SCHEMA: u16 = 2;
const TOO_MANY: u16 = 11;

/// What the operations came to, in order of the answer's schema.
#[derive(Default)]
struct Results {
    moves: Vec<(u16, Vec<u8>)>,
    emptied: Vec<(u16, String)>,
    fetched: Vec<(Fetch, fetch::Found)>,
}

/// Carries out the command.
///
/// # Errors
/// A document that cannot be read; the store's.
pub async fn run(ctx: &Context<'_>) -> Result<Done, Failure> {
    let mut r = ctx.document(tags::ITEM_OPERATIONS)?;
    let operations = match decode::operations(&mut r, ctx.version()) {
        Ok(operations) if operations.len() > ITEM_OPERATIONS_MAX => return Ok(failed(TOO_MANY)),
        Ok(operations) => operations,
        Err(Failure::Common(Common::InvalidXml)) => return Ok(failed(SCHEMA)),
        Err(e) => return Err(e),
    };
    let mut done = Results::default();
    let mut bytes_left = ITEM_OPERATIONS_BYTES_MAX;
    for operation in operations {
        match operation {
            Operation::Fetch(asked) => {
                let found = Box::pin(fetch::fetch(ctx, &asked, &mut bytes_left)).await?;
                done.fetched.push((*asked, found));
            }
            Operation::Empty { folder, subfolders } => {
                let status = Box::pin(empty::empty(ctx, &folder, subfolders)).await?;
                done.emptied.push((status, folder));
            }
            Operation::Move(asked) => {
                let status = Box::pin(conversation::carry_out(ctx, &asked)).await?;
                done.moves.push((status, asked.conversation));
            }
        }
    }
    Ok(write(ctx, &done).into())
}

fn failed(status: u16) -> Done {
    let mut w = Writer::new();
    w.open(tags::ITEM_OPERATIONS);
    w.num(tags::STATUS, status);
    w.close();
    Reply::document(w, status).into()
}

fn write(ctx: &Context<'_>, done: &Results) -> Reply {
    let as_parts = ctx.target.parameters.accept_multipart;
    let mut parts = Vec::new();
    let mut w = Writer::new();
    w.open(tags::ITEM_OPERATIONS);
    w.num(tags::STATUS, DONE);
    w.open(tags::RESPONSE);
    for (status, conversation) in &done.moves {
        w.open(tags::MOVE);
        w.num(tags::STATUS, *status);
        w.opaque(tags::CONVERSATION_ID, conversation);
        w.close();
    }
    for (status, folder) in &done.emptied {
        w.open(tags::EMPTY_FOLDER_CONTENTS);
        w.num(tags::STATUS, *status);
        w.text(airsync::COLLECTION_ID, folder);
        w.close();
    }
    for (asked, found) in &done.fetched {
        let parts = as_parts.then_some(&mut parts);
        fetch::write(&mut w, ctx, asked, found, parts);
    }
    w.close();
    w.close();
    let reply = Reply::document(w, DONE).with_changes(done.fetched.len());
    match &reply.content {
        Content::Wbxml(document) if as_parts => {
            let body = multipart::assemble(document, &parts);
            Reply {
                content: Content::Other(multipart::CONTENT_TYPE.to_owned(), body),
                ..reply
            }
        }
        _ => reply,
    }
}
