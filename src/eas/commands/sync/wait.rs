//! Sync that waits: `Wait` and `HeartbeatInterval` ([MS-ASCMD] 2.2.3.198, 2.2.3.79.2).

use super::decode::{Collection, Request};
use super::{Env, answer, run_collections};
use crate::clock::MonoMs;
use crate::eas::Eas;
use crate::eas::context::{Done, Reply};
use crate::eas::parked::{PasswordPrint, Wait, Waiting as Parking, is_news};
use crate::eas::quirks::{Quirk, Quirks};
use crate::eas::status::Failure;
use crate::eas::version::Version;
use crate::mailbox::{AccountRow, DeviceNo, FolderId, Watched};
use crate::push::Watcher;
use crate::store::Hint;

/// What a waiting Sync looks at again.
#[derive(Clone, Debug)]
pub struct Waiting {
    version: Version,
    /// Without commands and options: those are done.
    request: Request<'static>,
    quirks: Quirks,
}

impl Waiting {
    /// Whether a hint is about a folder that the client wants to hear of, or about the hierarchy.
    pub(in crate::eas) fn concerns(&self, device: u32, hints: &[Hint]) -> bool {
        let collections = self.request.collections.iter();
        let wanted = collections.filter(|c| c.get_changes != Some(false));
        let mut folders = wanted.filter_map(|c| c.folder).chain([FolderId::ROOT]);
        folders.any(|f| hints.iter().any(|h| is_news(*h, device, f.0)))
    }

    /// Whether its answer is empty where there is nothing new.
    pub(in crate::eas) fn ends_empty(&self) -> bool {
        self.version >= Version::V12_1 && !self.quirks.has(Quirk::EmptySyncInFull)
    }

    pub(in crate::eas) fn bytes(&self) -> usize {
        let collections = &self.request.collections;
        let ids: usize = collections.iter().map(|c| c.id.len()).sum();
        size_of::<Self>() + size_of_val(&**collections) + ids
    }
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
        version: env.version,
        request: Request {
            collections: request.collections.iter().map(still).collect(),
            wait_s: None,
            window: request.window,
            partial: false,
        },
        quirks: env.quirks,
    };
    Ok(Done::Park(Parking {
        watcher,
        deadline_ms,
        password: PasswordPrint::of(&env.account.account),
        wait: Wait::Sync(Box::new(waiting)),
    }))
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
pub async fn resume(
    eas: &Eas,
    parking: Parking,
    account: &AccountRow,
    expired: bool,
) -> Result<Done, Failure> {
    let Parking {
        mut watcher,
        deadline_ms,
        wait,
        ..
    } = parking;
    let Wait::Sync(mut waiting) = wait else {
        return Ok(Reply::nothing().into());
    };
    if watcher.is_superseded() {
        // The newer request brings what there is; who reads this answer, if anybody, is unknown.
        for c in &mut waiting.request.collections {
            c.get_changes = Some(false);
        }
    }
    // IMPORTANT: before reading, so that what comes meanwhile wakes again.
    watcher.rearm();
    let env = Env {
        eas,
        account,
        device: DeviceNo(watcher.device()),
        version: waiting.version,
        quirks: waiting.quirks,
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
