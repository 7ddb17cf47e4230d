//! The registry of client quirks: which clients get something else than the specification says, and
//! nobody else does.
//!
//! `registry.toml` beside this file is built in; a file of the same form may stand in its place
//! ([`Book::open`]), and is read again on [`Book::reload`]. What can be done differently is a closed
//! list, [`Quirk`]; the code asks `ctx.quirk(Quirk::...)` at the one place that it concerns.
//!
//! Deliberately absent: what is done for every client because some need it, and none minds. The
//! comments there say which.

pub mod glob;
mod registry;
#[cfg(test)]
mod tests;

pub use registry::{Client, Error, Registry, Span};

use crate::eas::version::Version;
use crate::limits::QUIRK_CACHE_MAX;
use crate::mailbox::Device;
use arc_swap::ArcSwap;
use glob::Glob;
use quick_cache::sync::Cache;
use serde::Deserialize;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};

/// Something that is done differently for some clients.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u32)]
pub enum Quirk {
    /// Sync is answered with a document though there is nothing new.
    EmptySyncInFull = 1,
    /// No policy is demanded. A remote wipe, and a block, are.
    NoPolicy = 1 << 1,
    /// GetItemEstimate with a wrong key is answered with one item to fetch, not with status 4.
    EstimateOne = 1 << 2,
    /// Birthdays and anniversaries are dates at midnight UTC, whatever time it sends.
    BirthdaysAt0 = 1 << 3,
    /// The same at 08:00 UTC.
    BirthdaysAt8 = 1 << 4,
    /// The same at 11:00 UTC.
    BirthdaysAt11 = 1 << 5,
    /// An empty `Picture` in a Change of a contact says nothing; else it takes the picture away.
    EmptyPictureKept = 1 << 6,
    /// An item that it has moved with MoveItems is not added to the destination once more.
    MovedItemsKnown = 1 << 7,
    /// A Sync that waits and names no collections is answered when its time is up, not refused.
    SyncOfNothing = 1 << 8,
}

/// The quirks of one client in one version of the protocol.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Quirks(u32);

impl Quirks {
    /// Whether this one is among them.
    #[must_use]
    pub fn has(self, quirk: Quirk) -> bool {
        self.0 & quirk as u32 != 0
    }

    /// The same and one more.
    #[must_use]
    pub fn with(self, quirk: Quirk) -> Self {
        Self(self.0 | quirk as u32)
    }

    /// The hour (UTC) at which birthdays and anniversaries stand, where the client takes them for
    /// dates at one.
    #[must_use]
    pub fn birthday_hour(self) -> Option<i64> {
        [
            (Quirk::BirthdaysAt0, 0),
            (Quirk::BirthdaysAt8, 8),
            (Quirk::BirthdaysAt11, 11),
        ]
        .into_iter()
        .find_map(|(quirk, hour)| self.has(quirk).then_some(hour))
    }
}

impl<'a> Traits<'a> {
    /// What a device has said of itself.
    #[must_use]
    pub fn of(device: &'a Device) -> Self {
        Self {
            agent: &device.user_agent,
            kind: &device.kind,
            id: &device.id,
            os: &device.os,
        }
    }
}

/// What a client says of itself.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Traits<'a> {
    /// `User-Agent` of the request, or else the one that the device sent last.
    pub agent: &'a str,
    /// `DeviceType`.
    pub kind: &'a str,
    /// `DeviceId`.
    pub id: &'a str,
    /// The operating system of `DeviceInformation`.
    pub os: &'a str,
}

/// What is known of a client.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Known {
    /// Its quirks in the version of the request.
    pub quirks: Quirks,
    /// The highest version that its `User-Agent` is offered, where one is set for it.
    pub version_max: Option<Version>,
}

/// The registry in force, and the ceilings by `User-Agent`. Shared by all cores.
pub struct Book {
    file: Option<PathBuf>,
    ceilings: Vec<(Glob, Version)>,
    current: ArcSwap<Page>,
}

/// A registry with what was looked up in it.
struct Page {
    registry: Registry,
    /// By a keyed hash of what the client says: as good as the texts, and shorter.
    found: Cache<u64, Known>,
    state: RandomState,
}

impl std::fmt::Debug for Book {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Book")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

impl Default for Book {
    fn default() -> Self {
        Self::of(Registry::built_in(), Vec::new())
    }
}

impl Book {
    /// With this registry, and the highest version for each pattern of `User-Agent`; where several
    /// fit, the lowest of theirs counts.
    #[must_use]
    pub fn of(registry: Registry, ceilings: Vec<(Glob, Version)>) -> Self {
        Self {
            file: None,
            ceilings,
            current: ArcSwap::from_pointee(Page::of(registry)),
        }
    }

    /// With the registry of a file.
    ///
    /// # Errors
    /// As [`Registry::read`].
    pub fn open(file: &Path, ceilings: Vec<(Glob, Version)>) -> Result<Self, Error> {
        Ok(Self {
            file: Some(file.to_owned()),
            ..Self::of(Registry::read(file)?, ceilings)
        })
    }

    /// Reads the file again, where there is one; true if there is.
    ///
    /// # Errors
    /// As [`Registry::read`]; what was read before stays in force then.
    pub fn reload(&self) -> Result<bool, Error> {
        let Some(file) = &self.file else {
            return Ok(false);
        };
        let page = Page::of(Registry::read(file)?);
        self.current.store(page.into());
        Ok(true)
    }

    /// What is known of a client that asks in this version. Each is matched once.
    #[must_use]
    pub fn known(&self, client: Traits<'_>, version: Version) -> Known {
        let page = self.current.load();
        let key = page.state.hash_one((client, version));
        if let Some(known) = page.found.get(&key) {
            return known;
        }
        let known = Known {
            quirks: page.registry.quirks(client, version),
            version_max: self.ceiling(client.agent),
        };
        page.found.insert(key, known);
        known
    }

    /// The names of the entries that a client has fallen under, for people.
    #[must_use]
    pub fn names(&self, client: Traits<'_>, version: Version) -> Vec<String> {
        let page = self.current.load();
        let fitting = page.registry.fitting(client, version);
        let mut names: Vec<_> = fitting.map(|c| c.name.clone()).collect();
        names.dedup();
        names
    }

    /// The highest version for this `User-Agent`, where one is set for it.
    #[must_use]
    pub fn ceiling(&self, agent: &str) -> Option<Version> {
        let fitting = self.ceilings.iter().filter(|(glob, _)| glob.fits(agent));
        fitting.map(|(_, version)| *version).min()
    }
}

impl Page {
    fn of(registry: Registry) -> Self {
        Self {
            registry,
            found: Cache::new(QUIRK_CACHE_MAX),
            state: RandomState::new(),
        }
    }
}
