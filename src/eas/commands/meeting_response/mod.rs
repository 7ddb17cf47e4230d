//! MeetingResponse ([MS-ASCMD] 2.2.1.11): the user's answer to an invitation, in a mail or (14.1+)
//! in the calendar.
//!
//! Up to 14.1 the client itself tells the organizer; from 16.0 on the server does where
//! `SendResponse` is there ([`tell`]). The same request once more changes nothing, and is answered
//! alike.

mod act;
mod decode;
mod tell;

use crate::eas::context::{Context, Done, Reply};
use crate::eas::status::{Common, Failure};
use crate::limits::ID_CHARS_MAX;
use crate::mailbox::ServerId;
use crate::wbxml::Writer;
use crate::wbxml::tags::meetingresponse as tags;
use decode::Asked;

const DONE: u16 = 1;
const INVALID: u16 = 2;
const FAILED: u16 = 4;

/// Carries out the command: each answer by itself, so that one that fails costs no other.
///
/// # Errors
/// A document that cannot be read or breaks the schema; the store's.
pub async fn run(ctx: &Context<'_>) -> Result<Done, Failure> {
    let mut r = ctx.document(tags::MEETING_RESPONSE)?;
    let all = decode::requests(&mut r, ctx.version())?;
    let mut w = Writer::new();
    w.open(tags::MEETING_RESPONSE);
    for asked in &all {
        let done = Box::pin(one(ctx, asked)).await?;
        w.open(tags::RESULT);
        let id = asked.request_id.as_ref();
        if let Some(id) = id.filter(|id| id.chars().count() <= ID_CHARS_MAX) {
            w.text(tags::REQUEST_ID, id);
        }
        w.num(tags::STATUS, done.err().unwrap_or(DONE));
        if let Ok(Some(event)) = done {
            w.text(tags::CALENDAR_ID, &event.to_string());
        }
        w.close();
    }
    w.close();
    Ok(Reply::document(w, DONE).with_changes(all.len()).into())
}

/// Carries out one answer: the appointment that there is then, or the status.
async fn one(ctx: &Context<'_>, asked: &Asked) -> Result<Result<Option<ServerId>, u16>, Failure> {
    let answer = match asked.answer {
        Some(answer) if !asked.malformed => answer,
        _ => return Ok(Err(INVALID)),
    };
    let instance_ms = match asked.instance {
        Some(None) => return Ok(Err(Common::InvalidDateTime.number())),
        Some(read) => read,
        None => None,
    };
    if asked.bad_time {
        return Ok(Err(Common::InvalidDateTime.number()));
    }
    let id = match (&asked.request_id, &asked.long_id) {
        (Some(id), None) | (None, Some(id)) => ServerId::parse(id),
        _ => None,
    };
    // The folder is in the id already; it has to be the same.
    let names = |id: &ServerId| {
        let folder = asked.collection.as_ref();
        folder.is_none_or(|folder| *folder == id.folder.to_string())
    };
    let Some(id) = id.filter(names) else {
        return Ok(Err(INVALID));
    };
    let act = act::Act {
        ctx,
        id,
        answer,
        instance_ms,
        told: asked.send.as_ref(),
    };
    Box::pin(act.carry_out()).await
}
