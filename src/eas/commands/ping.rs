//! Ping ([MS-ASCMD] 2.2.1.11): says when something has changed, and costs next to nothing until then.

use smallvec::SmallVec;

use crate::eas::Eas;
use crate::eas::context::{Context, Done, Reply};
use crate::eas::parked::{PasswordPrint, Wait, Waiting as Parking, deadline_ms, is_news};
use crate::eas::status::{Common, Failure};
use crate::limits::PING_FOLDERS_MAX;
use crate::mailbox::{DeviceNo, Error, FolderId, Watched};
use crate::push::Watcher;
use crate::store::Hint;
use crate::wbxml::tags::ping as tags;
use crate::wbxml::{Reader, Writer};

const EXPIRED: u16 = 1;
const CHANGED: u16 = 2;
const MISSING: u16 = 3;
const SYNTAX: u16 = 4;
const HEARTBEAT: u16 = 5;
const TOO_MANY: u16 = 6;
const HIERARCHY: u16 = 7;

/// What a waiting Ping watches, beside the hierarchy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Waiting {
    /// Those that the device has synced: nobody has to be told of the others.
    folders: SmallVec<[FolderId; FOLDERS_IN_PLACE]>,
}

/// Folders that need no memory of their own; more do.
const FOLDERS_IN_PLACE: usize = 6;

impl Waiting {
    /// What these hints mean to the device: writes the answer, and returns its status.
    pub(in crate::eas) fn hear(
        &self,
        device: u32,
        hints: &[Hint],
        document: &mut Vec<u8>,
    ) -> Option<u16> {
        let is_new = |folder: u32| hints.iter().any(|h| is_news(*h, device, folder));
        if is_new(FolderId::ROOT.0) {
            return Some(write_status(HIERARCHY, document));
        }
        if !self.folders.iter().any(|f| is_new(f.0)) {
            return None;
        }
        let changed = self.folders.iter().filter(|f| is_new(f.0));
        write_changes(changed, document);
        Some(CHANGED)
    }

    /// The first of the folders.
    pub(in crate::eas) fn first(&self) -> Option<FolderId> {
        self.folders.first().copied()
    }

    pub(in crate::eas) fn bytes(&self) -> usize {
        let is_apart = self.folders.spilled();
        usize::from(is_apart) * self.folders.capacity() * size_of::<FolderId>()
    }
}

/// Writes the answer at the end of the time, and returns its status.
pub(in crate::eas) fn expire(document: &mut Vec<u8>) -> u16 {
    write_status(EXPIRED, document)
}

/// What a request says; what it leaves out comes from the last one.
#[derive(Default)]
struct Asked {
    heartbeat_s: Option<i64>,
    folders: Option<Vec<(String, String)>>,
}

/// Carries out the command.
///
/// # Errors
/// A document that cannot be read; the store's.
pub async fn run(ctx: &Context<'_>) -> Result<Done, Failure> {
    let asked = match asked(ctx) {
        Ok(asked) => asked,
        Err(Failure::Common(Common::InvalidXml)) => return Ok(status(SYNTAX).into()),
        Err(e) => return Err(e),
    };
    let (min, max) = ctx.heartbeat_s();
    let (heartbeat_s, folders) = match complete(ctx, asked, (min, max)) {
        Ok(complete) => complete,
        Err(reply) => return Ok(reply.into()),
    };
    // IMPORTANT: before the state is read, so that no commit falls between the two.
    let watcher = ctx.eas.push().watch(ctx.scope(), ctx.device_no().0);
    // What was let pass with an earlier request may be too long by now.
    let wait_s = heartbeat_s.clamp(min, max);
    let deadline_ms = deadline_ms(ctx.eas.clock().mono_ms(), wait_s, &watcher);
    let parking = Parking {
        watcher,
        deadline_ms,
        password: PasswordPrint::of(&ctx.account.account),
        wait: Wait::Ping(Waiting {
            folders: folders.iter().map(|(id, _)| FolderId(*id)).collect(),
        }),
    };
    remember(ctx, heartbeat_s, folders).await?;
    look(ctx.eas, parking).await
}

/// Goes on when woken, or when the time is up.
///
/// # Errors
/// The store's.
pub async fn resume(eas: &Eas, mut parking: Parking, expired: bool) -> Result<Done, Failure> {
    if expired {
        return Ok(status(EXPIRED).into());
    }
    // IMPORTANT: before reading, so that what comes meanwhile wakes again.
    parking.watcher.rearm();
    look(eas, parking).await
}

fn asked(ctx: &Context<'_>) -> Result<Asked, Failure> {
    let mut asked = Asked::default();
    if ctx.body.is_empty() {
        return Ok(asked);
    }
    let mut r = ctx.document(tags::PING)?;
    while let Some(tag) = r.child()? {
        match tag {
            tags::HEARTBEAT_INTERVAL => {
                let seconds = r.text()?.trim().parse();
                asked.heartbeat_s = Some(seconds.map_err(|_| Common::InvalidXml)?);
            }
            tags::FOLDERS => asked.folders = Some(folders(&mut r)?),
            _ => return Err(Common::InvalidXml.into()),
        }
    }
    Ok(asked)
}

fn folders(r: &mut Reader<'_>) -> Result<Vec<(String, String)>, Failure> {
    let mut folders = Vec::new();
    while let Some(tag) = r.child()? {
        if tag != tags::FOLDER {
            return Err(Common::InvalidXml.into());
        }
        let (mut id, mut class) = (String::new(), String::new());
        while let Some(tag) = r.child()? {
            match tag {
                tags::ID => id = r.text()?.into_owned(),
                tags::CLASS => class = r.text()?.into_owned(),
                _ => return Err(Common::InvalidXml.into()),
            }
        }
        if id.is_empty() {
            return Err(Common::InvalidXml.into());
        }
        // One more than is allowed is enough to say that it is too many.
        if folders.len() <= PING_FOLDERS_MAX {
            folders.push((id, class));
        }
    }
    Ok(folders)
}

/// Heartbeat and folders in full, or why there is nothing to wait for.
fn complete(
    ctx: &Context<'_>,
    asked: Asked,
    (min, max): (u32, u32),
) -> Result<(u32, Vec<(u32, String)>), Reply> {
    let last = &ctx.device.device;
    let heartbeat_s = match asked.heartbeat_s {
        Some(s) if s < i64::from(min) => {
            return Err(limit(tags::HEARTBEAT_INTERVAL, HEARTBEAT, min));
        }
        Some(s) if s > i64::from(max) => {
            return Err(limit(tags::HEARTBEAT_INTERVAL, HEARTBEAT, max));
        }
        Some(s) => u32::try_from(s).unwrap_or(max),
        None if last.ping_heartbeat_s == 0 => return Err(status(MISSING)),
        None => last.ping_heartbeat_s,
    };
    let Some(asked) = asked.folders.filter(|f| !f.is_empty()) else {
        if last.ping_folders.is_empty() {
            return Err(status(MISSING));
        }
        return Ok((heartbeat_s, last.ping_folders.clone()));
    };
    if asked.len() > PING_FOLDERS_MAX {
        let max = u32::try_from(PING_FOLDERS_MAX).unwrap_or(u32::MAX);
        return Err(limit(tags::MAX_FOLDERS, TOO_MANY, max));
    }
    let mut folders: Vec<(u32, String)> = Vec::with_capacity(asked.len());
    for (id, class) in asked {
        let Some(id) = FolderId::parse(&id) else {
            return Err(status(HIERARCHY));
        };
        if folders.iter().any(|(known, _)| *known == id.0) {
            return Err(status(SYNTAX));
        }
        folders.push((id.0, class));
    }
    Ok((heartbeat_s, folders))
}

async fn remember(
    ctx: &Context<'_>,
    heartbeat_s: u32,
    folders: Vec<(u32, String)>,
) -> Result<(), Failure> {
    let last = &ctx.device.device;
    if last.ping_heartbeat_s == heartbeat_s && last.ping_folders == folders {
        return Ok(());
    }
    let (scope, device) = (ctx.scope(), ctx.device_no());
    let change = ctx.mailbox().change_device(scope, device, |d| {
        d.ping_heartbeat_s = heartbeat_s;
        d.ping_folders.clone_from(&folders);
    });
    Box::pin(change).await?;
    Ok(())
}

/// Compares what the device has with what there is; parks where that is the same.
async fn look(eas: &Eas, mut parking: Parking) -> Result<Done, Failure> {
    let Wait::Ping(waiting) = &mut parking.wait else {
        return Ok(status(EXPIRED).into());
    };
    let watcher = &parking.watcher;
    match watched(eas, watcher, FolderId::ROOT).await? {
        Some(Watched::Unchanged) => {}
        // Also a device that never did FolderSync.
        _ => return Ok(status(HIERARCHY).into()),
    }
    let mut changed = Vec::new();
    let mut never = Vec::new();
    for folder in &waiting.folders {
        match watched(eas, watcher, *folder).await? {
            None => return Ok(status(HIERARCHY).into()),
            Some(Watched::Changed) => changed.push(*folder),
            Some(Watched::NeverSynced) => never.push(*folder),
            Some(Watched::Unchanged) => {}
        }
    }
    // The iPhone pings folders that it never syncs: to call them changed makes it spin. Only a
    // device that has synced none of them has to be told to.
    if changed.is_empty() && never.len() == waiting.folders.len() {
        changed = never;
    } else if !never.is_empty() {
        let synced = waiting.folders.iter().filter(|f| !never.contains(f));
        waiting.folders = synced.copied().collect();
    }
    if !changed.is_empty() {
        return Ok(changes(&changed).into());
    }
    Ok(Done::Park(parking))
}

/// None: there is no such folder.
async fn watched(
    eas: &Eas,
    watcher: &Watcher,
    folder: FolderId,
) -> Result<Option<Watched>, Failure> {
    let device = DeviceNo(watcher.device());
    let watched = eas.mailbox().watch(watcher.scope(), device, folder);
    match Box::pin(watched).await {
        Ok(watched) => Ok(Some(watched)),
        Err(Error::NotFound) => Ok(None),
        // A Sync of the device is under way: it will be told there.
        Err(Error::Conflict) => Ok(Some(Watched::Unchanged)),
        Err(e) => Err(e.into()),
    }
}

fn status(status: u16) -> Reply {
    let mut w = Writer::new();
    status_into(&mut w, status);
    Reply::document(w, status)
}

fn status_into(w: &mut Writer, status: u16) {
    w.open(tags::PING);
    w.num(tags::STATUS, status);
    w.close();
}

/// The same into a buffer that is used again; returns the status.
fn write_status(status: u16, document: &mut Vec<u8>) -> u16 {
    let mut w = Writer::reusing(std::mem::take(document));
    status_into(&mut w, status);
    *document = w.finish();
    status
}

fn limit(tag: crate::wbxml::Tag, status: u16, value: u32) -> Reply {
    let mut w = Writer::new();
    w.open(tags::PING);
    w.num(tags::STATUS, status);
    w.num(tag, value);
    w.close();
    Reply::document(w, status)
}

fn changes(folders: &[FolderId]) -> Reply {
    let mut w = Writer::new();
    changes_into(&mut w, folders.iter());
    Reply::document(w, CHANGED).with_changes(folders.len())
}

fn changes_into<'a>(w: &mut Writer, folders: impl Iterator<Item = &'a FolderId>) {
    w.open(tags::PING);
    w.num(tags::STATUS, CHANGED);
    w.open(tags::FOLDERS);
    for folder in folders {
        w.num(tags::FOLDER, folder.0);
    }
    w.close();
    w.close();
}

fn write_changes<'a>(folders: impl Iterator<Item = &'a FolderId>, document: &mut Vec<u8>) {
    let mut w = Writer::reusing(std::mem::take(document));
    changes_into(&mut w, folders);
    *document = w.finish();
}
