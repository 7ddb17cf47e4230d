//! Sync that waits: `Wait` and `HeartbeatInterval` ([MS-ASCMD] 2.2.3.198, 2.2.3.79.2).

use super::decode::{Collection, Request};
use super::{Env, answer, run_collections};
use crate::clock::MonoMs;
use crate::eas::Eas;
use crate::eas::context::{Done, Reply};
use crate::eas::parked::{Wait, Waiting as Parking};
use crate::eas::status::Failure;
use crate::eas::version::Version;
use crate::mailbox::{DeviceNo, FolderId, Watched};
use crate::push::{Ended, Watch, Watcher};
use crate::store::Scope;

/// What a waiting Sync looks at again.
#[derive(Clone, Debug)]
pub struct Waiting {
    scope: Scope,
    device: DeviceNo,
    version: Version,
    /// Without commands and options: those are done.
    request: Request<'static>,
    /// The client takes an empty answer.
    takes_empty: bool,
}

/// Registers the interest of a request. To be called before anything is read.
#[must_use]
pub(super) fn watch(env: &Env<'_>, request: &Request<'_>) -> Watcher {
    let collections = request.collections.iter();
    let wanted = collections.filter(|c| c.get_changes != Some(false));
    env.eas.push().watch(Watch {
        scope: env.scope(),
        device: env.device.0,
        folders: wanted.filter_map(|c| c.folder).map(|f| f.0).collect(),
        hierarchy: true,
    })
}

/// Parks a request that has nothing to say; unless the folders have changed, which has to be said.
///
/// # Errors
/// The store's.
pub(super) async fn park(
    env: &Env<'_>,
    request: &Request<'_>,
    watcher: Watcher,
    deadline_ms: MonoMs,
) -> Result<Done, Failure> {
    if hierarchy_changed(env).await? {
        return Ok(answer::refusal(12, None).into());
    }
    let still = |c: &Collection<'_>| Collection {
        folder: c.folder,
        id: c.id.clone(),
        key: c.key,
        window: c.window,
        get_changes: c.get_changes,
        ..Collection::default()
    };
    let waiting = Waiting {
        scope: env.scope(),
        device: env.device,
        version: env.version,
        request: Request {
            collections: request.collections.iter().map(still).collect(),
            wait_s: None,
            window: request.window,
            partial: false,
        },
        takes_empty: env.takes_empty,
    };
    Ok(Done::Park(Box::new(Parking {
        watcher,
        deadline_ms,
        wait: Wait::Sync(Box::new(waiting)),
    })))
}

/// The client has folders, and not those there are.
async fn hierarchy_changed(env: &Env<'_>) -> Result<bool, Failure> {
    let (scope, device) = (env.scope(), env.device);
    let watched = Box::pin(env.eas.mailbox().watch(scope, device, FolderId::ROOT)).await?;
    Ok(watched == Watched::Changed)
}

/// Goes on when woken, or when the time is up.
///
/// # Errors
/// The store's.
pub async fn resume(eas: &Eas, parking: Parking, expired: bool) -> Result<Done, Failure> {
    let Parking {
        watcher,
        deadline_ms,
        wait,
    } = parking;
    let Wait::Sync(mut waiting) = wait else {
        return Ok(Reply::nothing().into());
    };
    if watcher.ended() == Some(Ended::Superseded) {
        // The newer request brings what there is; who reads this answer, if anybody, is unknown.
        for c in &mut waiting.request.collections {
            c.get_changes = Some(false);
        }
    }
    // IMPORTANT: before reading, so that what comes meanwhile wakes again.
    watcher.rearm();
    let account = eas.mailbox().account(waiting.scope).await?;
    Box::pin(eas.admit_again(&account, waiting.device)).await?;
    let env = Env {
        eas,
        account: &account,
        device: waiting.device,
        version: waiting.version,
        takes_empty: waiting.takes_empty,
    };
    let sections = match run_collections(&env, &waiting.request).await? {
        Ok(sections) => sections,
        Err(reply) => return Ok(reply.into()),
    };
    if sections.iter().any(|s| !s.silent) {
        return Ok(answer::reply(&sections, env.version).into());
    }
    if expired {
        return Ok(env.nothing_new(&sections).into());
    }
    park(&env, &waiting.request, watcher, deadline_ms).await
}
