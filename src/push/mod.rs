//! Parked requests, and the hints that wake them.
//!
//! A handler that may have to wait registers a [`Watch`] **before** it reads the heads of the
//! folders, so that no commit can fall between the two. What comes back is a [`Watcher`]: it is
//! polled by whoever holds the parked connection, and unregisters when it is dropped.
//!
//! One [`Registry`] serves the whole process. It is cut into shards by scope, each behind a lock
//! that is held for a look-up and no longer; so the rule "a newer Ping or Sync of a device ends the
//! older one" holds between cores without any message, and a commit is looked up once instead of
//! once per core.
//!
//! Deliberately absent: what changed. A wake is a hint that may be dropped, repeated or late; the
//! woken request reads the change log.

mod registry;
mod watcher;

pub use registry::{Registry, Watch};
pub use watcher::{Ended, Watcher};

#[cfg(test)]
mod tests;
