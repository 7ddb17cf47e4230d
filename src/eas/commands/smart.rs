//! SmartReply and SmartForward ([MS-ASCMD] 2.2.1.20, 2.2.1.19): mail that the server completes from the
//! one that it answers. A MIME body and parameters in the query up to 12.1, a document from 14.0 on.
//!
//! An appointment is forwarded to `Forwardees` (16.0+): `forward_meeting.rs`. Deliberately absent:
//! an appointment as the original of a message.

use super::forward_meeting::Forward;
use crate::eas::classes::{date, read_text};
use crate::eas::context::{Context, Done, Reply, blob};
use crate::eas::outgoing::{Answered, Submission, submit};
use crate::eas::status::{Common, Failure};
use crate::eas::value;
use crate::eas::version::Version;
use crate::limits::{
    CLIENT_ID_CHARS_MAX, MESSAGE_BYTES_MAX, MIME_HEADER_BYTES_MAX, RECIPIENTS_MAX,
};
use crate::mailbox::{FolderId, ItemId, ServerId};
use crate::pim::body::BlobRef;
use crate::pim::mail::Mailbox;
use crate::pim::mail::answer::Answer;
use crate::pim::{BodyKind, Record, RecordRef};
use crate::wbxml::tags::{airsyncbase, composemail as tags, rightsmanagement};
use crate::wbxml::{Reader, Tag};
use std::sync::Arc;

/// What a request says.
#[derive(Default)]
struct Asked<'a> {
    client_id: Option<String>,
    source: Source,
    save: bool,
    replace: bool,
    mime: Option<&'a [u8]>,
    /// `Forwardees` or `Body`, in place of a MIME message.
    forwardees: bool,
    /// Those.
    to: Vec<Mailbox>,
    words: Option<(BodyKind, String)>,
    /// Those cannot be read.
    bad_forwardees: bool,
    template: bool,
}

/// The original, as the client names it.
#[derive(Default)]
struct Source {
    folder: Option<String>,
    item: Option<String>,
    long_id: Option<String>,
    instance: Option<String>,
}

/// Carries out SmartReply. Success is an answer without content.
///
/// # Errors
/// What [`submit`] lists; 103 to 105, 146, 150; a document that cannot be read.
pub async fn reply(ctx: &Context<'_>) -> Result<Done, Failure> {
    Box::pin(answer(ctx, tags::SMART_REPLY, Answer::Reply)).await
}

/// Carries out SmartForward.
///
/// # Errors
/// As [`reply`]; 120, 178 and 179 for an appointment's `Forwardees`.
pub async fn forward(ctx: &Context<'_>) -> Result<Done, Failure> {
    Box::pin(answer(ctx, tags::SMART_FORWARD, Answer::Forward)).await
}

async fn answer(ctx: &Context<'_>, root: Tag, how: Answer) -> Result<Done, Failure> {
    let asked = if ctx.version() < Version::V14_0 {
        of_query(ctx)
    } else {
        of_document(ctx, root)?
    };
    if asked.forwardees {
        let mixed = asked.mime.is_some() || asked.save || asked.replace || asked.template;
        let refused = match (mixed, asked.bad_forwardees) {
            (true, _) => Common::InvalidMimeBodyCombination,
            (false, true) => Common::InvalidSmartForwardParameters,
            (false, false) if asked.to.is_empty() => Common::InvalidSmartForwardParameters,
            (false, false) => {
                let forward = Forward {
                    ctx,
                    client_id: asked.client_id.as_deref().ok_or(Common::InvalidXml)?,
                    at: asked.source.named()?,
                    instance: asked.source.instance.as_deref(),
                    to: asked.to,
                    words: asked.words,
                };
                return Box::pin(forward.carry_out()).await;
            }
        };
        return Err(refused.into());
    }
    let mime = asked.mime.ok_or(Common::InvalidXml)?;
    let (folder, item) = asked.source.named()?;
    let original = original(ctx, folder, item).await?;
    if let Some(instance) = &asked.source.instance {
        date::parse(instance).ok_or(Common::InvalidDateTime)?;
        // A mail does not recur.
        return Err(Common::NoRecurrenceInCalendar.into());
    }
    // Of an original that the client has put into its mail the header is enough: for the thread.
    let bytes = match asked.replace {
        true => original.bytes.min(MIME_HEADER_BYTES_MAX as u64),
        false => original.bytes,
    };
    // Before anything of it is read.
    if how == Answer::Forward && bytes + mime.len() as u64 > MESSAGE_BYTES_MAX as u64 {
        return Err(Common::AttachmentIsTooLarge.into());
    }
    let original = blob(ctx.eas, original, bytes).await?;
    let submission = Submission {
        mime,
        client_id: asked.client_id.as_deref(),
        save: asked.save,
        answers: Some(Answered {
            folder,
            item,
            how,
            original: Arc::new(original),
            is_replaced: asked.replace,
        }),
    };
    Box::pin(submit(ctx.eas, ctx.author(), submission)).await?;
    Ok(Reply::nothing().into())
}

/// Up to 12.1 the query names the original.
fn of_query<'a>(ctx: &Context<'a>) -> Asked<'a> {
    let parameters = &ctx.target.parameters;
    Asked {
        source: Source {
            folder: parameters.collection_id.clone(),
            item: parameters.item_id.clone(),
            long_id: parameters.long_id.clone(),
            instance: parameters.occurrence.clone(),
        },
        save: parameters.save_in_sent,
        mime: Some(ctx.body),
        ..Asked::default()
    }
}

fn of_document<'a>(ctx: &Context<'a>, root: Tag) -> Result<Asked<'a>, Failure> {
    let mut r = ctx.document(root)?;
    let mut asked = Asked::default();
    while let Some(tag) = r.child()? {
        if ctx.version().too_old_for(tag) {
            return Err(Common::InvalidXml.into());
        }
        match tag {
            tags::CLIENT_ID => asked.client_id = Some(r.text()?.into_owned()),
            tags::SOURCE => asked.source = Source::read(&mut r)?,
            // Present means yes.
            tags::SAVE_IN_SENT_ITEMS => asked.save = value::flag(&mut r)?,
            tags::REPLACE_MIME => asked.replace = value::flag(&mut r)?,
            tags::MIME => asked.mime = Some(r.bytes()?),
            tags::ACCOUNT_ID => {
                if !r.text()?.is_empty() {
                    return Err(Common::InvalidAccountId.into());
                }
            }
            tags::FORWARDEES if root == tags::SMART_FORWARD => {
                asked.forwardees = true;
                let (to, sound) = forwardees(&mut r)?;
                asked.bad_forwardees |= !sound;
                asked.to.extend(to);
            }
            airsyncbase::BODY if root == tags::SMART_FORWARD => {
                asked.forwardees = true;
                asked.words = read_text(&mut r, ctx.version())?;
            }
            rightsmanagement::TEMPLATE_ID => {
                r.skip()?;
                asked.template = true;
            }
            _ => return Err(Common::InvalidXml.into()),
        }
    }
    let id = asked.client_id.as_ref().ok_or(Common::InvalidXml)?;
    if id.is_empty() || id.chars().count() > CLIENT_ID_CHARS_MAX {
        return Err(Common::InvalidXml.into());
    }
    Ok(asked)
}

/// Those, and whether there is one at least, and each has an address.
fn forwardees(r: &mut Reader<'_>) -> Result<(Vec<Mailbox>, bool), Failure> {
    let (mut all, mut sound) = (Vec::new(), true);
    while let Some(tag) = r.child()? {
        let mut one = Mailbox::default();
        if tag != tags::FORWARDEE {
            r.skip()?;
            sound = false;
            continue;
        }
        while let Some(tag) = r.child()? {
            match tag {
                tags::EMAIL => one.address = r.text()?.trim().to_owned(),
                tags::NAME => one.name = r.text()?.into_owned(),
                _ => {
                    r.skip()?;
                    sound = false;
                }
            }
        }
        sound &= one.address.contains('@') && all.len() < RECIPIENTS_MAX;
        if sound {
            all.push(one);
        }
    }
    let sound = sound && !all.is_empty();
    Ok((all, sound))
}

impl Source {
    fn read(r: &mut Reader<'_>) -> Result<Self, Failure> {
        let mut source = Self::default();
        while let Some(tag) = r.child()? {
            let place = match tag {
                tags::FOLDER_ID => &mut source.folder,
                tags::ITEM_ID => &mut source.item,
                tags::LONG_ID => &mut source.long_id,
                tags::INSTANCE_ID => &mut source.instance,
                _ => return Err(Common::InvalidXml.into()),
            };
            *place = Some(r.text()?.into_owned());
        }
        Ok(source)
    }

    /// The item, by either of its names.
    fn named(&self) -> Result<(FolderId, ItemId), Failure> {
        let id = match (&self.long_id, &self.folder, &self.item) {
            (Some(_), Some(_), _) | (Some(_), _, Some(_)) => {
                return Err(Common::InvalidCombinationOfIds.into());
            }
            (Some(id), None, None) | (None, _, Some(id)) => id,
            (None, _, None) => return Err(Common::InvalidXml.into()),
        };
        let id = ServerId::parse(id).ok_or(Common::InvalidIds)?;
        // The folder is in the id already; it has to be the same.
        let is_there = |folder: &String| FolderId::parse(folder) == Some(id.folder);
        match self.folder.as_ref().is_none_or(is_there) {
            true => Ok((id.folder, id.item)),
            false => Err(Common::ItemNotFound.into()),
        }
    }
}

/// Where the MIME of the original is.
async fn original(ctx: &Context<'_>, folder: FolderId, item: ItemId) -> Result<BlobRef, Failure> {
    let row = ctx.mailbox().item(ctx.scope(), folder, item).await?;
    let row = row.ok_or(Common::ItemNotFound)?;
    match row.record().and_then(RecordRef::to_owned) {
        Ok(Record::Message(mail)) => Ok(mail.mime),
        _ => Err(Common::ItemNotFound.into()),
    }
}
