//! What a phone keeps: folders, and per collection a key and items.

use crate::tree::Node;
use crate::version::Version;
use roost::wbxml::Tag;
use std::collections::{BTreeMap, BTreeSet};

/// A class of items.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Class {
    /// Mail.
    Email,
    /// Appointments.
    Calendar,
    /// Contacts.
    Contacts,
    /// Tasks.
    Tasks,
    /// Notes, from 14.0 on.
    Notes,
}

impl Class {
    /// As it stands in `Class`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Email => "Email",
            Self::Calendar => "Calendar",
            Self::Contacts => "Contacts",
            Self::Tasks => "Tasks",
            Self::Notes => "Notes",
        }
    }

    /// The class of a folder type ([MS-ASCMD] 2.2.3.186.3) that a device of this version syncs.
    #[must_use]
    pub fn of_folder(kind: u32, version: Version) -> Option<Self> {
        match kind {
            // Drafts are not synced before 16.0.
            3 if version < Version::V16_0 => None,
            2..=6 | 12 => Some(Self::Email),
            8 | 13 => Some(Self::Calendar),
            9 | 14 => Some(Self::Contacts),
            7 | 15 => Some(Self::Tasks),
            10 | 17 if version >= Version::V14_0 => Some(Self::Notes),
            _ => None,
        }
    }
}

/// A folder of the hierarchy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Folder {
    /// Its id.
    pub id: String,
    /// The id of the folder around it; "0" at the top.
    pub parent: String,
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: u32,
}

/// An item, as far as the server has told.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Item {
    /// The elements of its `ApplicationData`.
    pub properties: Vec<Node>,
}

impl Item {
    /// The property with this name.
    #[must_use]
    pub fn get(&self, tag: Tag) -> Option<&Node> {
        self.properties.iter().find(|node| node.tag == tag)
    }

    /// Its text.
    #[must_use]
    pub fn text(&self, tag: Tag) -> Option<&str> {
        self.get(tag)?.as_text()
    }

    /// Takes over what a Change says; what it does not name stays.
    pub(crate) fn merge(&mut self, changed: &[Node]) {
        for node in changed {
            match self.properties.iter_mut().find(|old| old.tag == node.tag) {
                Some(old) => *old = node.clone(),
                None => self.properties.push(node.clone()),
            }
        }
    }

    /// Takes over what a Change says; what it does not name is gone, but for `kept`.
    pub(crate) fn replace(&mut self, changed: &[Node], kept: &[Tag]) {
        let said = |tag: Tag| changed.iter().any(|node| node.tag == tag);
        self.properties
            .retain(|old| kept.contains(&old.tag) && !said(old.tag));
        self.properties.extend_from_slice(changed);
    }
}

/// A collection as the device has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Collection {
    /// Its class.
    pub class: Class,
    /// The key of the last answer that was taken in; "0" before the first.
    pub key: String,
    /// Its items by `ServerId`.
    pub items: BTreeMap<String, Item>,
    /// The server holds more back.
    pub more: bool,
    /// Something may have changed there since: a Ping said so, or it was never looked at.
    pub stale: bool,
    /// Items that this device took away itself: the server may still name them.
    pub(crate) gone: BTreeSet<String>,
    /// An answer was lost: the server may name items that it told of there and that are gone since.
    pub(crate) doubtful: bool,
}

impl Collection {
    pub(crate) fn new(class: Class) -> Self {
        Self {
            class,
            key: "0".to_owned(),
            items: BTreeMap::new(),
            more: false,
            stale: true,
            gone: BTreeSet::new(),
            doubtful: false,
        }
    }

    /// A collection that was synced up to this key, by a device whose items are of no interest.
    #[must_use]
    pub fn at(class: Class, key: &str) -> Self {
        Self {
            key: key.to_owned(),
            stale: true,
            ..Self::new(class)
        }
    }

    /// Forgets all, as after status 3.
    pub(crate) fn reset(&mut self) {
        *self = Self::new(self.class);
    }
}

/// What the device knows of the policy.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Policy {
    /// Never provisioned.
    #[default]
    None,
    /// The server wants it, or the profile begins with it.
    Wanted,
    /// The first phase is done: the temporary key.
    Offered(u32),
    /// Both phases are done: the final key.
    Final(u32),
}

impl Policy {
    /// The key to send with ordinary commands.
    #[must_use]
    pub fn key(&self) -> Option<u32> {
        match self {
            Self::Final(key) => Some(*key),
            Self::None | Self::Wanted | Self::Offered(_) => None,
        }
    }
}
