//! Results of searches, kept so that the further pages of one query are pages of the same result, and
//! the searches that are going on.
//!
//! A device has one result per command; another query takes its place. Kept in memory: after a restart
//! the query is carried out again. A search ends early when the same device begins another one, as
//! phones do with every letter that is typed.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::clock::MonoMs;
use crate::limits::{SEARCH_KEPT_S, SEARCHES_KEPT, SEARCHES_PER_USER_MAX};
use crate::mailbox::search::Found;
use crate::mailbox::{DeviceNo, ServerId};
use crate::store::Scope;

/// Whose result, and of which command.
pub type Key = (Scope, DeviceNo, Kind);

/// The commands that search mailboxes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// Search.
    Search,
    /// Find.
    Find,
}

/// A result, as it was when the query was carried out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Kept {
    /// The items, newest first.
    pub hits: Arc<[ServerId]>,
    /// An estimate of how many there are.
    pub total: usize,
}

impl From<Found> for Kept {
    fn from(found: Found) -> Self {
        Self {
            hits: found.hits.into(),
            total: found.total,
        }
    }
}

/// What a query hashes to: the same for the same query.
#[must_use]
pub fn print(query: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    query.hash(&mut hasher);
    hasher.finish()
}

struct Entry {
    print: u64,
    kept: Kept,
    at_ms: MonoMs,
}

#[derive(Default)]
struct All {
    results: HashMap<Key, Entry>,
    /// The latest search of each device that is going on.
    latest: HashMap<Key, u64>,
    /// Searches of each account that are going on.
    going_on: HashMap<Scope, u32>,
    number: u64,
}

/// What all cores share. A cheap clone.
#[derive(Clone, Default)]
pub struct Searches(Arc<Mutex<All>>);

impl std::fmt::Debug for Searches {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Searches")
    }
}

impl Searches {
    /// The result of this query, if it is the one that is kept.
    #[must_use]
    pub fn find(&self, key: Key, print: u64, now_ms: MonoMs) -> Option<Kept> {
        let all = self.all();
        let entry = all.results.get(&key)?;
        let is_young = now_ms.saturating_sub(entry.at_ms) < SEARCH_KEPT_S * 1_000;
        (entry.print == print && is_young).then(|| entry.kept.clone())
    }

    /// Keeps a result in place of the one before.
    pub fn keep(&self, key: Key, print: u64, kept: Kept, now_ms: MonoMs) {
        let mut all = self.all();
        if all.results.len() >= SEARCHES_KEPT && !all.results.contains_key(&key) {
            let oldest = all.results.iter().min_by_key(|(_, entry)| entry.at_ms);
            if let Some(oldest) = oldest.map(|(key, _)| *key) {
                all.results.remove(&oldest);
            }
        }
        let entry = Entry {
            print,
            kept,
            at_ms: now_ms,
        };
        all.results.insert(key, entry);
    }

    /// Begins a search; the one before of the same device is not wanted any more. None: the account
    /// has too many going on.
    #[must_use]
    pub fn begin(&self, key: Key) -> Option<Running> {
        let mut all = self.all();
        let count = all.going_on.entry(key.0).or_default();
        if *count >= SEARCHES_PER_USER_MAX {
            return None;
        }
        *count += 1;
        all.number += 1;
        let number = all.number;
        all.latest.insert(key, number);
        Some(Running {
            searches: self.clone(),
            key,
            number,
        })
    }

    fn all(&self) -> MutexGuard<'_, All> {
        // Sound after any panic: every change is one insertion or removal.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A search that is going on, until this is dropped.
#[derive(Debug)]
pub struct Running {
    searches: Searches,
    key: Key,
    number: u64,
}

impl Running {
    /// The device has begun no other search since.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.searches.all().latest.get(&self.key) == Some(&self.number)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut all = self.searches.all();
        if all.latest.get(&self.key) == Some(&self.number) {
            all.latest.remove(&self.key);
        }
        if let Some(count) = all.going_on.get_mut(&self.key.0) {
            *count -= 1;
            if *count == 0 {
                all.going_on.remove(&self.key.0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailbox::{FolderId, ItemId};

    fn kept(item: u32) -> Kept {
        let (folder, item) = (FolderId::INBOX, ItemId(item));
        Kept {
            hits: [ServerId { folder, item }].into(),
            total: 1,
        }
    }

    fn key(device: u32) -> Key {
        (Scope(16), DeviceNo(device), Kind::Search)
    }

    #[test]
    fn a_result_stays_until_another_query_or_its_time() {
        let searches = Searches::default();
        searches.keep(key(1), 7, kept(1), 0);
        assert_eq!(searches.find(key(1), 7, 5), Some(kept(1)));
        assert_eq!(searches.find(key(1), 8, 5), None, "another query");
        assert_eq!(searches.find(key(2), 7, 5), None, "another device");
        let find = (Scope(16), DeviceNo(1), Kind::Find);
        assert_eq!(searches.find(find, 7, 5), None, "another command");
        assert_eq!(searches.find(key(1), 7, SEARCH_KEPT_S * 1_000), None);
        searches.keep(key(1), 8, kept(2), 5);
        assert_eq!(searches.find(key(1), 7, 6), None);
        assert_eq!(searches.find(key(1), 8, 6), Some(kept(2)));
    }

    #[test]
    fn the_oldest_result_gives_way() {
        let searches = Searches::default();
        for device in 0..=u32::try_from(SEARCHES_KEPT).unwrap() {
            searches.keep(key(device), 1, kept(device), device.into());
        }
        assert_eq!(searches.find(key(0), 1, 0), None);
        assert_eq!(searches.find(key(1), 1, 0), Some(kept(1)));
    }

    #[test]
    fn a_new_search_ends_the_one_before_and_an_account_has_only_so_many() {
        let searches = Searches::default();
        let first = searches.begin(key(1)).unwrap();
        assert!(first.is_wanted());
        let second = searches.begin(key(1)).unwrap();
        assert!(!first.is_wanted() && second.is_wanted());
        let mut more = Vec::new();
        for device in 2..SEARCHES_PER_USER_MAX {
            more.push(searches.begin(key(device)).unwrap());
        }
        assert!(searches.begin(key(99)).is_none());
        assert!(
            searches
                .begin((Scope(17), DeviceNo(1), Kind::Search))
                .is_some()
        );
        drop(first);
        assert!(second.is_wanted() && searches.begin(key(99)).is_some());
        drop((second, more));
        assert!(searches.all().going_on.is_empty() && searches.all().latest.is_empty());
    }
}
