//! How many requests of a user, and of one device, are being served at one time.
//!
//! A client that has gone mad keeps itself busy, not the appliance: what is beyond the bounds is told
//! to come back. Requests that wait are not served meanwhile, and do not count. Deliberately absent:
//! rates over time, which are the storm guard's affair.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::store::Scope;

/// Shards; more than a machine has cores, so that two rarely want the same.
const SHARDS: u64 = 64;

/// Account and device of each request. They are few: a list is gone through sooner than a table is
/// asked.
type Shard = Mutex<Vec<(Scope, u64)>>;

/// The requests that are being served. A cheap clone.
#[derive(Clone, Debug)]
pub struct InFlight(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    shards: Vec<Shard>,
    per_user_max: u32,
    per_device_max: u32,
}

/// A request that is being served; it counts until this is dropped.
#[derive(Debug)]
#[must_use = "it counts while this lives"]
pub struct Served {
    all: InFlight,
    scope: Scope,
    device: u64,
}

impl InFlight {
    /// At most so many for one user, and of one device.
    #[must_use]
    pub fn new(per_user_max: u32, per_device_max: u32) -> Self {
        Self(Arc::new(Shared {
            shards: (0..SHARDS).map(|_| Shard::default()).collect(),
            per_user_max,
            per_device_max,
        }))
    }

    /// Counts one more, unless that is too many.
    #[must_use]
    pub fn begin(&self, scope: Scope, device_id: &str) -> Option<Served> {
        let mut hasher = DefaultHasher::new();
        device_id.hash(&mut hasher);
        let device = hasher.finish();
        let mut shard = self.shard(scope);
        let (mut of_user, mut of_device) = (0, 0);
        for (_, other) in shard.iter().filter(|(of, _)| *of == scope) {
            of_user += 1;
            of_device += u32::from(*other == device);
        }
        if of_user >= self.0.per_user_max || of_device >= self.0.per_device_max {
            return None;
        }
        shard.push((scope, device));
        Some(Served {
            all: self.clone(),
            scope,
            device,
        })
    }

    fn shard(&self, scope: Scope) -> MutexGuard<'_, Vec<(Scope, u64)>> {
        let index = usize::try_from(scope.0 % SHARDS).unwrap_or(0);
        #[expect(clippy::indexing_slicing, reason = "the remainder of SHARDS")]
        let shard = &self.0.shards[index];
        // Sound between any two statements.
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let mut shard = self.all.shard(self.scope);
        let own = (self.scope, self.device);
        if let Some(at) = shard.iter().position(|one| *one == own) {
            shard.swap_remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: Scope = Scope(16);
    const BOB: Scope = Scope(80);

    #[test]
    fn devices_and_users_have_their_bounds_and_get_their_places_back() {
        let all = InFlight::new(3, 2);
        let phone = [all.begin(ALICE, "phone"), all.begin(ALICE, "phone")];
        assert!(all.begin(ALICE, "phone").is_none(), "two of one device");
        let tablet = all.begin(ALICE, "tablet");
        assert!(tablet.is_some());
        assert!(all.begin(ALICE, "third").is_none(), "three of one user");
        // In the same shard, and nothing to do with her.
        assert!(all.begin(BOB, "phone").is_some());
        drop(phone);
        assert!(all.begin(ALICE, "phone").is_some());
        drop(tablet);
        assert!(all.0.shards.iter().all(|s| s.lock().unwrap().is_empty()));
    }
}
