//! Numbers of folders, items and devices within an account, and their text forms.
//!
//! A CollectionId is the folder's number in decimal (`5`), the ServerId of an item is
//! `FOLDER:ITEM` (`5:123`). Both are read strictly: one number has one spelling, since clients
//! compare ids as strings ([MS-ASCMD] 2.2.3.166.2).

use std::fmt;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
        pub struct $name(pub u32);

        impl $name {
            /// Reads the decimal form; `None` for anything that is not the one spelling.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                decimal(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number!(
    /// A folder of an account. 0 is the root, and the hierarchy itself where things are counted.
    FolderId
);
number!(
    /// An item. Unique within the account and never given twice; a moved item gets a new one.
    ItemId
);
number!(
    /// A device of an account. 0 is none: a change that no device made.
    DeviceNo
);

impl FolderId {
    /// The parent of the topmost folders; as a collection, the folder hierarchy.
    pub const ROOT: Self = Self(0);
    /// Inbox.
    pub const INBOX: Self = Self(2);
    /// Drafts.
    pub const DRAFTS: Self = Self(3);
    /// Deleted Items.
    pub const DELETED: Self = Self(4);
    /// Sent Items.
    pub const SENT: Self = Self(5);
    /// Outbox.
    pub const OUTBOX: Self = Self(6);
    /// Tasks.
    pub const TASKS: Self = Self(7);
    /// Calendar.
    pub const CALENDAR: Self = Self(8);
    /// Contacts.
    pub const CONTACTS: Self = Self(9);
    /// Notes.
    pub const NOTES: Self = Self(10);
    /// The first number that a folder made by the user can have.
    pub const FIRST_OWN: Self = Self(32);

    /// Whether it is one of the folders that every account has, for ever.
    #[must_use]
    pub fn is_default(self) -> bool {
        self != Self::ROOT && self < Self::FIRST_OWN
    }
}

impl DeviceNo {
    /// No device.
    pub const NONE: Self = Self(0);
}

/// An item as the protocol names it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ServerId {
    /// Its folder.
    pub folder: FolderId,
    /// Its number.
    pub item: ItemId,
}

impl ServerId {
    /// Reads `FOLDER:ITEM`; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (folder, item) = text.split_once(':')?;
        Some(Self {
            folder: FolderId::parse(folder)?,
            item: ItemId::parse(item)?,
        })
    }
}

impl fmt::Display for ServerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.folder, self.item)
    }
}

/// A number without sign, blanks or leading zeros.
fn decimal(text: &str) -> Option<u32> {
    let canonical = text == "0" || !text.starts_with(['0', '+']);
    canonical.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_one_spelling() {
        let check = |text: &str, expect: Option<u32>| {
            assert_eq!(FolderId::parse(text).map(|f| f.0), expect, "{text:?}");
        };
        check("0", Some(0));
        check("5", Some(5));
        check("4294967295", Some(u32::MAX));
        for bad in [
            "",
            "05",
            "00",
            "+5",
            "-5",
            " 5",
            "5 ",
            "4294967296",
            "5:1",
            "x",
            "٥",
        ] {
            check(bad, None);
        }
    }

    #[test]
    fn server_ids_go_both_ways() {
        let id = ServerId::parse("5:123").unwrap();
        assert_eq!((id.folder, id.item), (FolderId(5), ItemId(123)));
        assert_eq!(id.to_string(), "5:123");
        for bad in ["5", "5:", ":5", "5:1:2", "5: 1", "5:01", "-5:1"] {
            assert_eq!(ServerId::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn own_folders_begin_behind_the_default_ones() {
        assert!(FolderId::INBOX.is_default() && FolderId::NOTES.is_default());
        assert!(!FolderId::FIRST_OWN.is_default() && !FolderId::ROOT.is_default());
    }
}
