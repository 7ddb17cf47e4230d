//! FolderSync ([MS-ASCMD] 2.2.1.5): the folder hierarchy.

use crate::eas::context::{Context, Done, Reply};
use crate::eas::status::{Failure, retrying};
use crate::eas::version::Version;
use crate::limits::ID_CHARS_MAX;
use crate::mailbox::{FolderChange, FolderId, FolderKind, FolderRow, Hierarchy};
use crate::wbxml::tags::folderhierarchy as tags;
use crate::wbxml::{Reader, Tag, Writer};

/// Done.
pub(super) const DONE: u16 = 1;
/// The key is not the one of this device's hierarchy.
pub(super) const WRONG_KEY: u16 = 9;
/// The request is malformed.
pub(super) const MALFORMED: u16 = 10;

/// Carries out the command.
///
/// # Errors
/// A document that cannot be read; the store's.
pub async fn run(ctx: &Context<'_>) -> Result<Done, Failure> {
    let mut r = ctx.document(tags::FOLDER_SYNC)?;
    let key = match sync_key(&mut r)? {
        Ok(key) => key,
        Err(status) => return Ok(failed(tags::FOLDER_SYNC, status).into()),
    };
    let answer = retrying(|| once(ctx, key)).await?;
    let Some((changes, new_key)) = answer else {
        return Ok(failed(tags::FOLDER_SYNC, WRONG_KEY).into());
    };
    let reply = write(&changes, new_key, ctx.version());
    Ok(Reply {
        renegotiate: key == 0,
        ..reply
    }
    .into())
}

async fn once(ctx: &Context<'_>, key: u64) -> Result<Option<(Vec<FolderChange>, u64)>, Failure> {
    if has_all(ctx, key).await? {
        return Ok(Some((Vec::new(), key)));
    }
    let Some(mut hierarchy) = begin(ctx, key).await? else {
        return Ok(None);
    };
    let changes = hierarchy.changes();
    // A device that only tries the account leaves nothing behind (Android, `validate`).
    if ctx.device_no() == crate::mailbox::DeviceNo::NONE {
        return Ok(Some((changes, 1)));
    }
    let finished = Box::pin(hierarchy.finish()).await?;
    Ok(Some((changes, finished.key)))
}

/// Whether the device has all folders at this key, and none of which it may have another.
async fn has_all(ctx: &Context<'_>, key: u64) -> Result<bool, Failure> {
    if key == 0 {
        return Ok(false);
    }
    let (scope, device) = (ctx.scope(), ctx.device_no());
    let quiet = ctx.mailbox().quiet(scope, device, FolderId::ROOT).await?;
    Ok(quiet.is_some_and(|quiet| quiet.key == key && quiet.options.is_empty()))
}

/// The device's hierarchy at this key; none for a key that is not kept.
pub(super) async fn begin(ctx: &Context<'_>, key: u64) -> Result<Option<Hierarchy>, Failure> {
    let mailbox = ctx.mailbox();
    let begun = mailbox.folder_sync(ctx.scope(), ctx.device_no(), key);
    Ok(Box::pin(begun).await?)
}

/// The children of a request that are text, in any order; each at most once.
pub(super) struct Fields(Vec<(Tag, String)>);

impl Fields {
    /// Reads the children of the root. The inner error: one that is unknown, doubled or too long.
    pub(super) fn read(r: &mut Reader<'_>, known: &[Tag]) -> Result<Result<Self, u16>, Failure> {
        let mut fields: Vec<(Tag, String)> = Vec::with_capacity(known.len());
        let mut sound = true;
        while let Some(tag) = r.child()? {
            let text = r.text()?;
            sound &= known.contains(&tag) && !fields.iter().any(|(t, _)| *t == tag);
            let is_id = tag != tags::DISPLAY_NAME;
            sound &= !is_id || text.chars().count() <= ID_CHARS_MAX;
            fields.push((tag, text.into_owned()));
        }
        Ok(if sound {
            Ok(Self(fields))
        } else {
            Err(MALFORMED)
        })
    }

    /// A field, if it is there.
    pub(super) fn get(&self, tag: Tag) -> Option<&str> {
        let mut all = self.0.iter();
        all.find(|(t, _)| *t == tag).map(|(_, text)| text.as_str())
    }

    /// The key: missing is malformed; anything that was never given out is wrong.
    pub(super) fn key(&self) -> Result<u64, u16> {
        let text = self.get(tags::SYNC_KEY).ok_or(MALFORMED)?;
        text.parse().map_err(|_| WRONG_KEY)
    }
}

fn sync_key(r: &mut Reader<'_>) -> Result<Result<u64, u16>, Failure> {
    let fields = Fields::read(r, &[tags::SYNC_KEY])?;
    Ok(fields.and_then(|fields| fields.key()))
}

/// An answer that is nothing but a status.
pub(super) fn failed(root: Tag, status: u16) -> Reply {
    let mut w = Writer::new();
    w.open(root);
    w.num(tags::STATUS, status);
    w.close();
    Reply::document(w, status)
}

fn write(changes: &[FolderChange], key: u64, version: Version) -> Reply {
    let shown = |row: &FolderRow| is_shown(row.folder.kind, version);
    let updates = || {
        changes.iter().filter_map(|c| match c {
            FolderChange::Update(row) if shown(row) => Some(row),
            _ => None,
        })
    };
    let deletes = || {
        changes.iter().filter_map(|c| match c {
            FolderChange::Delete(id) => Some(id),
            _ => None,
        })
    };
    let adds = || {
        changes.iter().filter_map(|c| match c {
            FolderChange::Add(row) if shown(row) => Some(row),
            _ => None,
        })
    };
    let count = updates().count() + deletes().count() + adds().count();
    let mut w = Writer::new();
    w.open(tags::FOLDER_SYNC);
    w.num(tags::STATUS, DONE);
    w.text(tags::SYNC_KEY, &key.to_string());
    w.open(tags::CHANGES);
    w.num(tags::COUNT, i64::try_from(count).unwrap_or(i64::MAX));
    updates().for_each(|row| folder(&mut w, tags::UPDATE, row));
    for id in deletes() {
        w.open(tags::DELETE);
        w.text(tags::SERVER_ID, &id.to_string());
        w.close();
    }
    adds().for_each(|row| folder(&mut w, tags::ADD, row));
    w.close();
    w.close();
    Reply::document(w, DONE).with_changes(count)
}

/// Notes and the recipient cache came with 14.0: older clients do not know what to make of them.
fn is_shown(kind: FolderKind, version: Version) -> bool {
    let is_new = matches!(
        kind,
        FolderKind::Notes | FolderKind::UserNotes | FolderKind::RecipientCache
    );
    !is_new || version >= Version::V14_0
}

fn folder(w: &mut Writer, tag: Tag, row: &FolderRow) {
    w.open(tag);
    w.text(tags::SERVER_ID, &row.id.to_string());
    w.text(tags::PARENT_ID, &row.parent().to_string());
    w.text(tags::DISPLAY_NAME, &row.folder.name);
    w.num(tags::TYPE, row.folder.kind.number());
    w.close();
}
