//! Folders: the record, the default ones, and reading them. How they change: [`super::hierarchy`].

use rkyv::{Archive, Deserialize, Serialize};

use super::stored;
use super::{Error, FolderId, Mailbox};
use crate::pim::Class;
use crate::store::{Condition, Row, Scope, Seq, keys};

/// The type of a folder ([MS-ASCMD] 2.2.3.186.3), without the numbers that no folder here has.
#[derive(Archive, Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum FolderKind {
    /// Made by the user, for mail.
    Generic = 1,
    /// The default folder for arriving mail.
    Inbox = 2,
    /// Drafts.
    Drafts = 3,
    /// Deleted Items.
    DeletedItems = 4,
    /// Sent Items.
    SentItems = 5,
    /// Outbox.
    Outbox = 6,
    /// The default folder for tasks.
    Tasks = 7,
    /// The default calendar.
    Calendar = 8,
    /// The default folder for contacts.
    Contacts = 9,
    /// The default folder for notes.
    Notes = 10,
    /// Made by the user, for mail.
    UserMail = 12,
    /// Made by the user, for appointments.
    UserCalendar = 13,
    /// Made by the user, for contacts.
    UserContacts = 14,
    /// Made by the user, for tasks.
    UserTasks = 15,
    /// Made by the user, for journal entries: it stays empty here.
    UserJournal = 16,
    /// Made by the user, for notes.
    UserNotes = 17,
    /// Recipients that were written to: managed by the server.
    RecipientCache = 19,
}

impl FolderKind {
    /// Its number in the protocol.
    #[must_use]
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The kind of this number that a client may create.
    #[must_use]
    pub fn creatable(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Generic,
            12 => Self::UserMail,
            13 => Self::UserCalendar,
            14 => Self::UserContacts,
            15 => Self::UserTasks,
            16 => Self::UserJournal,
            17 => Self::UserNotes,
            _ => return None,
        })
    }

    /// The class of what it holds; `None` for what is never synced.
    #[must_use]
    pub fn class(self) -> Option<Class> {
        Some(match self {
            Self::Generic
            | Self::Inbox
            | Self::Drafts
            | Self::DeletedItems
            | Self::SentItems
            | Self::Outbox
            | Self::UserMail => Class::Email,
            Self::Tasks | Self::UserTasks => Class::Tasks,
            Self::Calendar | Self::UserCalendar => Class::Calendar,
            Self::Contacts | Self::UserContacts | Self::RecipientCache => Class::Contacts,
            Self::Notes | Self::UserNotes => Class::Notes,
            Self::UserJournal => return None,
        })
    }
}

/// The folders that every account has: their kinds (whose numbers are their ids) and names.
pub(super) const DEFAULTS: [(FolderKind, &str); 9] = [
    (FolderKind::Inbox, "Inbox"),
    (FolderKind::Drafts, "Drafts"),
    (FolderKind::DeletedItems, "Deleted Items"),
    (FolderKind::SentItems, "Sent Items"),
    (FolderKind::Outbox, "Outbox"),
    (FolderKind::Tasks, "Tasks"),
    (FolderKind::Calendar, "Calendar"),
    (FolderKind::Contacts, "Contacts"),
    (FolderKind::Notes, "Notes"),
];

const FORMAT: u8 = 1;

/// The record of a folder.
#[derive(Archive, Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct Folder {
    /// The folder above it; 0 at the top.
    pub parent: u32,
    /// Its name as the user wrote it; unique under its parent, whatever the case.
    pub name: String,
    /// Its type.
    pub kind: FolderKind,
    /// It was deleted: nobody sees it any more, and its items are being removed.
    pub(super) doomed: bool,
}

impl Folder {
    /// A new folder.
    pub(super) fn new(parent: FolderId, name: &str, kind: FolderKind) -> Self {
        Self {
            parent: parent.0,
            name: name.to_owned(),
            kind,
            doomed: false,
        }
    }

    pub(super) fn is_doomed(&self) -> bool {
        self.doomed
    }

    pub(super) fn to_stored(&self) -> Result<Vec<u8>, Error> {
        stored::write(FORMAT, self)
    }

    /// Whether both names are the same under one parent.
    pub(super) fn same_name(a: &str, b: &str) -> bool {
        a.to_lowercase() == b.to_lowercase()
    }
}

/// A folder with its number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FolderRow {
    /// Its number.
    pub id: FolderId,
    /// The commit that changed the folder itself last (not its items).
    pub version: Seq,
    /// The record.
    pub folder: Folder,
}

impl FolderRow {
    /// The class of what it holds.
    #[must_use]
    pub fn class(&self) -> Option<Class> {
        self.folder.kind.class()
    }

    /// The folder above it.
    #[must_use]
    pub fn parent(&self) -> FolderId {
        FolderId(self.folder.parent)
    }

    pub(super) fn unchanged(&self, scope: Scope) -> Condition {
        Condition::Equals(keys::folder(scope, self.id.0), self.version)
    }

    pub(super) fn of(row: &Row) -> Result<Self, Error> {
        let (_, id) = keys::parse_folder(&row.key).ok_or(Error::Damaged("a key of a folder"))?;
        Ok(Self {
            id: FolderId(id),
            version: row.version,
            folder: stored::read(FORMAT, row.value())?,
        })
    }
}

impl Mailbox {
    /// A folder of the account.
    ///
    /// # Errors
    /// [`Error::NotFound`]; the store's.
    pub async fn folder(&self, scope: Scope, folder: FolderId) -> Result<FolderRow, Error> {
        if folder == FolderId::ROOT {
            return Err(Error::NotFound);
        }
        let row = self.get(keys::folder(scope, folder.0)).await?;
        let row = FolderRow::of(&row.ok_or(Error::NotFound)?)?;
        if row.folder.doomed {
            return Err(Error::NotFound);
        }
        Ok(row)
    }

    /// All folders of the account, by number.
    ///
    /// # Errors
    /// The store's.
    pub async fn folders(&self, scope: Scope) -> Result<Vec<FolderRow>, Error> {
        let mut folders = self.folders_with_doomed(scope).await?;
        folders.retain(|row| !row.folder.doomed);
        Ok(folders)
    }

    /// The folder of this kind with the smallest number.
    ///
    /// # Errors
    /// [`Error::NotFound`]; the store's.
    pub async fn folder_of_kind(&self, scope: Scope, kind: FolderKind) -> Result<FolderRow, Error> {
        let folders = self.folders(scope).await?;
        let mut of_kind = folders.into_iter().filter(|row| row.folder.kind == kind);
        of_kind.next().ok_or(Error::NotFound)
    }

    /// Also those that were deleted and whose items are not all gone yet.
    pub(super) async fn folders_with_doomed(&self, scope: Scope) -> Result<Vec<FolderRow>, Error> {
        let root = keys::folder(scope, FolderId::ROOT.0);
        let rows = self.all(keys::folders(scope)).await?;
        let folders = rows.iter().filter(|row| row.key[..] != root[..]);
        folders.map(FolderRow::of).collect()
    }
}
