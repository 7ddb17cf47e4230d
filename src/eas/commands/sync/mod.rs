//! Sync ([MS-ASCMD] 2.2.1.21): what changes on both sides of a collection.
//!
//! [`decode`] reads the request, [`apply`] carries out the client's commands, [`changes`] gathers
//! the server's, [`answer`] writes, [`wait`] parks. What a device holds, and what a repeated key
//! means, is the business of [`crate::mailbox::sync`].
//!
//! One collection is one round, and its commit one batch: commands, change log and new state
//! together. Deliberately absent: conversations, the recipient information cache.

mod answer;
mod apply;
#[cfg(test)]
mod broken_tests;
mod changes;
mod decode;
mod draft;
mod hearing;
mod invite;
mod kept;
#[cfg(test)]
mod quiet_tests;
mod stored;
#[cfg(test)]
mod tests;
mod wait;

pub use answer::{Form, item as write_item};
pub use decode::{class_name, fingerprint};
pub use kept::{Kept, window};
pub use wait::{Waiting, resume};

use crate::eas::Eas;
use crate::eas::context::{Context, Done, Reply};
use crate::eas::notices;
use crate::eas::parked;
use crate::eas::quirks::{Quirk, Quirks};
use crate::eas::status::{Common, Failure, retrying};
use crate::eas::version::Version;
use crate::limits;
use crate::mailbox::{self, AccountRow, DeviceNo, FolderId, FolderRow, Window};
use crate::pim::Class;
use crate::store::Scope;
use crate::wbxml::tags::airsync;
use answer::Section;
use changes::Room;
use decode::{Collection, PROTOCOL_ERROR, Refused, Request};
use hearing::Hearing;

/// Who syncs, apart from what the request says.
pub(super) struct Env<'a> {
    eas: &'a Eas,
    account: &'a AccountRow,
    device: DeviceNo,
    version: Version,
    quirks: Quirks,
}

impl Env<'_> {
    fn scope(&self) -> Scope {
        self.account.scope
    }

    /// The answer when there is nothing to tell: from 12.1 on none at all.
    fn nothing_new(&self, sections: &[Section]) -> Reply {
        if self.version >= Version::V12_1 && !self.quirks.has(Quirk::EmptySyncInFull) {
            return Reply::nothing();
        }
        answer::reply(sections, self.version.min(Version::V12_1))
    }
}

/// Carries out the command.
///
/// # Errors
/// A document that cannot be read; the store's.
pub async fn run(ctx: &Context<'_>) -> Result<Done, Failure> {
    let env = Env {
        eas: ctx.eas,
        account: ctx.account,
        device: ctx.device_no(),
        version: ctx.version(),
        quirks: ctx.quirks,
    };
    match sync(ctx, &env).await {
        Ok(done) => Ok(done),
        Err(Refused::Failure(failure)) => Err(failure),
        Err(Refused::Status(status)) => Ok(answer::refusal(status, None).into()),
        Err(Refused::Limit(status, limit)) => Ok(answer::refusal(status, Some(limit)).into()),
    }
}

async fn sync(ctx: &Context<'_>, env: &Env<'_>) -> Result<Done, Refused> {
    let request = requested(ctx, env).await?;
    let watcher = match request.wait_s {
        // IMPORTANT: before anything is read.
        Some(_) => Some(ctx.eas.push().watch(env.scope(), env.device.0)),
        None => {
            ctx.eas.push().supersede(env.scope(), env.device.0);
            None
        }
    };
    remember(ctx, &request).await?;
    let sections = match run_collections(env, &request).await? {
        Ok(sections) => sections,
        Err(reply) => return Ok(reply.into()),
    };
    if invite::may_have_announced(env, &request, &sections) {
        Box::pin(notices::send(ctx.eas, ctx.account)).await;
    }
    if sections.iter().any(|s| !s.silent) {
        return Ok(answer::reply(&sections, env.version).into());
    }
    if let (Some(watcher), Some(wait_s)) = (watcher, request.wait_s) {
        // What was let pass when the request was stored may be too long by now; a minute is the least
        // that `Wait` can say.
        let (_, max_s) = ctx.heartbeat_s();
        let wait_s = wait_s.min(max_s.max(60));
        let deadline_ms = parked::deadline_ms(ctx.eas.clock().mono_ms(), wait_s, &watcher);
        return Ok(Box::pin(wait::park(env, &request, watcher, deadline_ms)).await?);
    }
    Ok(env.nothing_new(&sections).into())
}

/// The request as sent, or as it stands for one that was sent before.
async fn requested<'a>(ctx: &Context<'a>, env: &Env<'_>) -> Result<Request<'a>, Refused> {
    let stored = || stored::from_bytes(&ctx.device.device.last_sync);
    if ctx.body.is_empty() {
        if env.version < Version::V12_1 {
            return Err(PROTOCOL_ERROR);
        }
        let stored = stored().ok_or(Refused::Status(13))?;
        return with_keys(ctx, stored, 0).await;
    }
    let mut r = ctx.document(airsync::SYNC)?;
    let request = decode::request(&mut r, env.version, ctx.heartbeat_s())?;
    if request.partial {
        let is_bare =
            request.collections.is_empty() && request.wait_s.is_none() && request.window.is_none();
        if is_bare {
            return Err(PROTOCOL_ERROR);
        }
        let stored = stored().ok_or(Refused::Status(13))?;
        let named = request.collections.len();
        return with_keys(ctx, stored::merge(stored, request), named).await;
    }
    let may_be_empty = request.wait_s.is_some() && ctx.quirk(Quirk::SyncOfNothing);
    if request.collections.is_empty() && !may_be_empty {
        return Err(PROTOCOL_ERROR);
    }
    Ok(request)
}

/// Gives the collections of a stored request the keys that were answered last. The first `named` were not
/// stored: they have the device's own keys, and one that cannot be read is none. With another key their
/// commands would not be known as repeated.
async fn with_keys<'a>(
    ctx: &Context<'_>,
    mut request: Request<'a>,
    named: usize,
) -> Result<Request<'a>, Refused> {
    for c in request.collections.iter_mut().skip(named) {
        let folder = c.folder.ok_or(Refused::Status(13))?;
        let mailbox = ctx.mailbox();
        let key = mailbox
            .current_key(ctx.scope(), ctx.device_no(), folder)
            .await?;
        let (key, _) = key.ok_or_else(|| no_longer_valid(ctx.version()))?;
        c.key = Some(key);
    }
    Ok(request)
}

/// There is a stored request, but it cannot be run again: 149 came with 14.0.
fn no_longer_valid(version: Version) -> Refused {
    if version >= Version::V14_0 {
        Refused::Failure(Common::InvalidStoredRequest.into())
    } else {
        Refused::Status(13)
    }
}

/// How long the stored request of a device waits.
#[must_use]
pub fn stored_wait_s(last_sync: &[u8]) -> Option<u32> {
    stored::from_bytes(last_sync)?.wait_s
}

/// Stores a full request without commands. One with key 0 is not stored, and ends the validity of
/// what was: an empty request after it has nothing to refer to.
async fn remember(ctx: &Context<'_>, request: &Request<'_>) -> Result<(), Failure> {
    let has_commands = request.collections.iter().any(|c| !c.commands.is_empty());
    if ctx.version() < Version::V12_1 || has_commands || request.collections.is_empty() {
        return Ok(());
    }
    let has_first = request.collections.iter().any(|c| c.key == Some(0));
    let bytes = if has_first {
        Vec::new()
    } else {
        stored::to_bytes(request)
    };
    if bytes != ctx.device.device.last_sync {
        let (scope, device) = (ctx.scope(), ctx.device_no());
        let change = ctx
            .mailbox()
            .change_device(scope, device, |d| d.last_sync.clone_from(&bytes));
        Box::pin(change).await?;
    }
    Ok(())
}

/// Runs all collections in order. The inner error: nothing was run, since a folder is not there.
async fn run_collections(
    env: &Env<'_>,
    request: &Request<'_>,
) -> Result<Result<Vec<Section>, Reply>, Failure> {
    let mut folders = Vec::with_capacity(request.collections.len());
    for c in &request.collections {
        match folder(env, c).await? {
            Some(folder) => folders.push(folder),
            // The old iPhone loops on a collection's status 8, Outlook dislikes it: 12 sends
            // both to FolderSync.
            None => return Ok(Err(answer::refusal(12, None))),
        }
    }
    let total = request.window.unwrap_or(u32::MAX);
    let mut room = Room {
        changes: usize::try_from(total).unwrap_or(usize::MAX),
        bytes: limits::SYNC_ANSWER_BYTES_MAX,
        fetched_bytes: limits::SYNC_FETCH_BYTES_MAX,
    };
    let mut sections = Vec::with_capacity(folders.len());
    for (c, folder) in request.collections.iter().zip(folders) {
        let window = c.window.unwrap_or(limits::WINDOW_SIZE_DEFAULT);
        let window = usize::try_from(window).unwrap_or(usize::MAX);
        let own = Room {
            changes: room.changes.min(window),
            ..room
        };
        // A second attempt reads it again.
        let (id, mut read) = (folder.id, Some(folder));
        let (section, left) = retrying(|| collection(env, c, (id, read.take()), own)).await?;
        room = Room {
            changes: room.changes.saturating_sub(section.changes.len()),
            ..left
        };
        sections.push(section);
    }
    Ok(Ok(sections))
}

async fn folder(env: &Env<'_>, c: &Collection<'_>) -> Result<Option<FolderRow>, Failure> {
    let Some(id) = c.folder else { return Ok(None) };
    match env.eas.mailbox().folder(env.scope(), id).await {
        Ok(folder) => Ok(Some(folder)),
        Err(mailbox::Error::NotFound) => Ok(None),
        Err(e) => Err(e.into()),
    }
}

/// What holds of a collection: what held before, but for what the request says.
fn kept(c: &Collection<'_>, before: &[u8]) -> Kept {
    let mut kept = Kept::from_bytes(before);
    if let Some(options) = c.options {
        kept.options = options;
    }
    kept
}

/// Which items that means; none where it does not fit the class.
fn wanted(env: &Env<'_>, c: &Collection<'_>, class: Class, kept: &Kept) -> Option<Window> {
    // Conversations are of mail.
    if c.by_conversation && class != Class::Email {
        return None;
    }
    window(&kept.options, class, env.eas.clock().now_ms())
}

/// Whether there is nothing to do and nothing to say about a collection, as can be seen without reading
/// what the device has; then the section says so. An answer that was not heard has more to it.
async fn is_quiet(
    env: &Env<'_>,
    c: &Collection<'_>,
    section: &mut Section,
) -> Result<bool, Failure> {
    let (folder, mailbox) = (section.folder, env.eas.mailbox());
    let is_clear = || {
        env.eas
            .strikes()
            .is_clear((env.scope(), env.device, folder))
    };
    if !c.commands.is_empty() || !is_clear() {
        return Ok(false);
    }
    let quiet = Box::pin(mailbox.quiet(env.scope(), env.device, folder)).await?;
    let Some(quiet) = quiet.filter(|quiet| c.key == Some(quiet.key)) else {
        return Ok(false);
    };
    let kept = kept(c, &quiet.options);
    let wanted = section.class.and_then(|class| wanted(env, c, class, &kept));
    if wanted != Some(quiet.window) || kept.to_bytes() != quiet.options {
        return Ok(false);
    }
    section.options = kept.options;
    section.key = quiet.key;
    section.silent = true;
    Ok(true)
}

/// One collection, from its key to its commit; and the room that is left for the others. The folder
/// is read unless it was.
async fn collection(
    env: &Env<'_>,
    c: &Collection<'_>,
    (folder, read): (FolderId, Option<FolderRow>),
    mut room: Room,
) -> Result<(Section, Room), Failure> {
    let mailbox = env.eas.mailbox();
    let folder = match read {
        Some(folder) => folder,
        None => mailbox.folder(env.scope(), folder).await?,
    };
    let mut section = Section {
        folder: folder.id,
        id: c.id.clone(),
        class: folder.class(),
        key: 0,
        status: 1,
        more: false,
        changes: Vec::new(),
        responses: Vec::new(),
        options: crate::eas::options::Options::default(),
        quirks: env.quirks,
        silent: false,
    };
    if is_quiet(env, c, &mut section).await? {
        return Ok((section, room));
    }
    let round = match c.key {
        Some(key) => Box::pin(mailbox.sync_in(env.scope(), env.device, folder, key)).await?,
        None => None,
    };
    let Some(mut round) = round else {
        section.status = 3;
        return Ok((section, room));
    };
    round.retry_broken();
    let hearing = Hearing::of(env, &round);
    if let Some(item) = hearing.broken() {
        Box::pin(hearing::give_up(&mut round, item)).await?;
    }
    let is_first = c.key == Some(0);
    // What is refused leaves the client where it is: 0 would make it begin anew.
    section.key = c.key.unwrap_or(0);
    if is_first && !c.commands.is_empty() {
        section.status = 4;
        return Ok((section, room));
    }
    let mut kept = kept(c, round.options());
    if is_first {
        kept.supported = c.supported.clone().unwrap_or_default();
    }
    if let Some(class) = section.class {
        let Some(window) = wanted(env, c, class, &kept) else {
            section.status = 4;
            return Ok((section, room));
        };
        round.set_options(kept.to_bytes())?;
        round.set_window(window);
        for command in &c.commands {
            let applied = apply::apply(env, &mut round, c, class, &kept, command, &mut room);
            section.responses.extend(Box::pin(applied).await?);
        }
        if !is_first && c.get_changes != Some(false) {
            let suspects = hearing.suspects();
            let gathered = changes::collect(env, &mut round, &kept.options, suspects, &mut room);
            (section.changes, section.more) = Box::pin(gathered).await?;
        }
    }
    section.options = kept.options;
    let finished = Box::pin(round.finish()).await?;
    hearing.note(env, &section.changes);
    section.key = finished.key;
    section.silent = !is_first
        && finished.unchanged
        && section.changes.is_empty()
        && section.responses.is_empty()
        && !section.more;
    Ok((section, room))
}
