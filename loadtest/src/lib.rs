//! The device model: a phone's side of Exchange ActiveSync, without sockets and without a clock.
//!
//! A [`Device`] turns an [`Operation`] into the bytes of a [`Request`] and takes the [`Answer`] in,
//! keeping a database as a phone does: folders, and per collection a key and its items. It is
//! strict: what a phone would trip over comes back as a [`Violation`]. [`Device::next`] says what a
//! phone would do by itself, so that a loop over it is a first contact, and later a catching up.
//!
//! The rules of the protocol are written here a second time, on purpose: only the WBXML codec is
//! shared with the server, so that the two can disagree. Deliberately absent: transport, time,
//! retries by the clock, and everything that the server keeps to itself.

mod check;
mod commands;
mod device;
pub mod load;
mod message;
mod operation;
pub mod profile;
mod query;
mod state;
#[cfg(test)]
mod tests;
pub mod tree;
mod version;
mod violation;

pub use device::{Device, Identity};
pub use message::{Answer, Request};
pub use operation::{
    Fetch, Operation, Outcome, Response, Sync, SyncCollection, SyncCommand, SyncForm, SyncOptions,
    Wait,
};
pub use profile::Profile;
pub use query::{Command, Query, QueryForm};
pub use state::{Class, Collection, Folder, Item, Policy};
pub use tree::Node;
pub use version::Version;
pub use violation::Violation;
