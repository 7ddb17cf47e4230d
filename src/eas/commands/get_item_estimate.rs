//! GetItemEstimate ([MS-ASCMD] 2.2.1.9): how much the next Sync would bring.

use super::sync::{Kept, class_name, window};
use crate::eas::context::{Context, Done, Reply};
use crate::eas::options::{Options, OptionsClass, OptionsError};
use crate::eas::quirks::Quirk;
use crate::eas::status::{Common, Failure, retrying};
use crate::eas::value;
use crate::eas::version::Version;
use crate::limits::ESTIMATE_COLLECTIONS_MAX;
use crate::mailbox::{Error, FolderId, FolderKind, FolderRow};
use crate::pim::Class;
use crate::wbxml::tags::{airsync, getitemestimate as tags};
use crate::wbxml::{Reader, Writer};

const DONE: u16 = 1;
const NO_COLLECTION: u16 = 2;
const NOT_PRIMED: u16 = 3;
const WRONG_KEY: u16 = 4;
/// Counting ends here: clients show the number as progress.
const COUNT_MAX: usize = 10_000;

#[derive(Default)]
struct Asked {
    id: String,
    key: Option<String>,
    options: Option<Options>,
    by_conversation: bool,
}

/// Carries out the command.
///
/// # Errors
/// A document that cannot be read or breaks the schema; the store's.
pub async fn run(ctx: &Context<'_>) -> Result<Done, Failure> {
    let mut r = ctx.document(tags::GET_ITEM_ESTIMATE)?;
    let mut asked = Vec::new();
    while let Some(tag) = r.child()? {
        if tag != tags::COLLECTIONS {
            return Err(Common::InvalidXml.into());
        }
        while let Some(tag) = r.child()? {
            if tag != tags::COLLECTION || asked.len() == ESTIMATE_COLLECTIONS_MAX {
                return Err(Common::InvalidXml.into());
            }
            asked.push(collection(&mut r, ctx.version())?);
        }
    }
    let mut w = Writer::new();
    w.open(tags::GET_ITEM_ESTIMATE);
    let (mut total, mut worst) = (0, DONE);
    for one in &asked {
        let (folder, estimate) = retrying(|| estimate(ctx, one)).await?;
        w.open(tags::RESPONSE);
        w.num(tags::STATUS, estimate.err().unwrap_or(DONE));
        match estimate {
            Ok(count) => {
                w.open(tags::COLLECTION);
                let class = folder.as_ref().and_then(FolderRow::class);
                if let Some(class) = class.filter(|_| ctx.version() <= Version::V12_0) {
                    w.text(tags::CLASS, class_name(class));
                }
                w.text(tags::COLLECTION_ID, &one.id);
                w.num(tags::ESTIMATE, i64::try_from(count).unwrap_or(i64::MAX));
                w.close();
                total += count;
            }
            Err(status) => worst = status,
        }
        w.close();
    }
    w.close();
    Ok(Reply::document(w, worst).with_changes(total).into())
}

/// Both layouts of a collection: that of 14.0, and the older one with everything in one row.
fn collection(r: &mut Reader<'_>, version: Version) -> Result<Asked, Failure> {
    let mut asked = Asked::default();
    let mut flat = Options::default();
    let mut has_flat = false;
    while let Some(tag) = r.child()? {
        if version.too_old_for(tag) {
            return Err(Common::InvalidXml.into());
        }
        match tag {
            airsync::SYNC_KEY => asked.key = Some(r.text()?.into_owned()),
            tags::COLLECTION_ID | airsync::COLLECTION_ID => asked.id = r.text()?.into_owned(),
            tags::CLASS | airsync::CLASS => r.skip()?,
            airsync::CONVERSATION_MODE => asked.by_conversation = value::flag(r)?,
            airsync::FILTER_TYPE => {
                has_flat = flat.element(r, tag, version).map_err(refused)?;
            }
            airsync::OPTIONS => {
                let options = Options::decode(r, version).map_err(refused)?;
                // A second block is legal for text messages, which live beside mail.
                let of_mail = options.class != Some(OptionsClass::Sms);
                if of_mail && asked.options.replace(options).is_some() {
                    return Err(Common::InvalidXml.into());
                }
            }
            _ => return Err(Common::InvalidXml.into()),
        }
    }
    if has_flat && asked.options.is_none() {
        asked.options = Some(flat);
    }
    Ok(asked)
}

fn refused(e: OptionsError) -> Failure {
    match e {
        OptionsError::Wbxml(e) => e.into(),
        _ => Common::InvalidXml.into(),
    }
}

async fn estimate(
    ctx: &Context<'_>,
    asked: &Asked,
) -> Result<(Option<FolderRow>, Result<usize, u16>), Failure> {
    let id = FolderId::parse(&asked.id).filter(|id| *id != FolderId::ROOT);
    let Some(id) = id else {
        return Ok((None, Err(NO_COLLECTION)));
    };
    let (mailbox, scope, device) = (ctx.mailbox(), ctx.scope(), ctx.device_no());
    let folder = match mailbox.folder(scope, id).await {
        Ok(folder) => folder,
        Err(Error::NotFound) => return Ok((None, Err(NO_COLLECTION))),
        Err(e) => return Err(e.into()),
    };
    if asked.by_conversation && folder.class() != Some(Class::Email) {
        return Err(Common::InvalidXml.into());
    }
    let limits_items = asked.options.is_some_and(|o| o.max_items.is_some());
    if limits_items && folder.folder.kind != FolderKind::RecipientCache {
        return Ok((Some(folder), Err(NO_COLLECTION)));
    }
    let current = mailbox.current_key(scope, device, id).await?;
    let key = asked
        .key
        .as_deref()
        .unwrap_or("0")
        .parse()
        .unwrap_or(u64::MAX);
    let Some((_, kept)) = current.filter(|_| key != 0) else {
        return Ok((Some(folder), Err(NOT_PRIMED)));
    };
    let options = asked
        .options
        .unwrap_or_else(|| Kept::from_bytes(&kept).options);
    let wanted = match folder.class() {
        Some(class) => {
            let Some(window) = window(&options, class, ctx.now_ms()) else {
                return Err(Common::InvalidXml.into());
            };
            window
        }
        None => return Ok((Some(folder), Ok(0))),
    };
    let counted = mailbox.estimate(scope, device, id, key, Some(wanted), COUNT_MAX);
    let count = match Box::pin(counted).await? {
        Some(count) => Ok(count),
        // Its Sync meets status 3, and it begins anew.
        None if ctx.quirk(Quirk::EstimateOne) => Ok(1),
        None => Err(WRONG_KEY),
    };
    Ok((Some(folder), count))
}
