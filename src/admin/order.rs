//! Orders and their replies, as they travel: one JSON line each, a payload behind where it says so.

use crate::import::{Folder, Kind, Marks, Taken};
use serde::{Deserialize, Serialize};

/// What an operator asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "order")]
pub enum Order {
    /// A new user.
    UserAdd {
        /// An address or a plain name.
        name: String,
        /// The name that others see.
        display_name: Option<String>,
        /// Further addresses.
        addresses: Vec<String>,
        /// In clear; hashed where the order is carried out.
        password: String,
    },
    /// All users.
    UserList,
    /// One user.
    UserShow {
        /// The user.
        name: String,
    },
    /// Changes a user; what is none stays.
    UserSet {
        /// The user.
        name: String,
        /// The name that others see.
        display_name: Option<String>,
        /// Addresses to add.
        add_addresses: Vec<String>,
        /// Addresses to take away.
        remove_addresses: Vec<String>,
        /// The highest protocol version; "none" lifts it.
        version_max: Option<String>,
    },
    /// Changes what a user shows in the address list.
    UserPortray {
        /// The user.
        name: String,
        /// What changes.
        change: PortraitChange,
    },
    /// Removes a user with all data.
    UserRemove {
        /// The user.
        name: String,
    },
    /// A new password.
    UserPassword {
        /// The user.
        name: String,
        /// In clear.
        password: String,
    },
    /// The devices of one user or of all.
    DeviceList {
        /// The user.
        user: Option<String>,
    },
    /// One device.
    DeviceShow {
        /// The user.
        user: String,
        /// The device id.
        device: String,
        /// With the recovery password that it left here.
        #[serde(default)]
        recovery_password: bool,
    },
    /// Where waiting connections are cut, and which heartbeats end before.
    Heartbeats,
    /// The device fetches everything again.
    DeviceResync {
        /// The user.
        user: String,
        /// The device id.
        device: String,
    },
    /// The device gets again what it has stand-ins of.
    DeviceDeliverAgain {
        /// The user.
        user: String,
        /// The device id.
        device: String,
        /// One item, as the device's list names it; none: all.
        item: Option<String>,
    },
    /// Changes what holds for a device.
    DeviceSet {
        /// The user.
        user: String,
        /// The device id.
        device: String,
        /// The highest protocol version; "none" lifts it.
        version_max: String,
    },
    /// Forgets the device.
    DeviceRemove {
        /// The user.
        user: String,
        /// The device id.
        device: String,
    },
    /// The queue of outgoing mail.
    QueueList,
    /// One mail of it.
    QueueShow {
        /// Its id, as the list has it.
        id: String,
    },
    /// Mails are tried now.
    QueueRetry {
        /// Their ids; none: all.
        ids: Vec<String>,
    },
    /// Mails are taken out of the queue.
    QueueDrop {
        /// Their ids.
        ids: Vec<String>,
    },
    /// One mail, or one file of appointments or contacts; its bytes are the payload.
    ImportItem {
        /// The user.
        user: String,
        /// What the payload is.
        kind: Kind,
        /// Where it belongs.
        folder: Folder,
        /// What its user had done with it.
        marks: Marks,
        /// When it arrived, Unix milliseconds, where its source says so.
        received_ms: Option<i64>,
        /// Bytes of the payload.
        bytes: u64,
    },
}

impl Order {
    /// Bytes of the payload that follows the line.
    #[must_use]
    pub fn payload_bytes(&self) -> u64 {
        if let Self::ImportItem { bytes, .. } = self {
            *bytes
        } else {
            0
        }
    }
}

/// What changes of what a user shows in the address list; none: it stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PortraitChange {
    /// Details by name, as [`DETAILS`](super::portrait::DETAILS) has them; empty: taken away.
    pub details: Vec<(String, String)>,
    /// The photo, JPEG or PNG in base64; empty: taken away.
    pub photo: Option<String>,
    /// All certificates, PEM or DER in base64 each; empty: taken away.
    pub certificates: Option<Vec<String>>,
}

/// What a user shows in the address list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortraitRow {
    /// Details that are there, by name.
    pub details: Vec<(String, String)>,
    /// Bytes of the photo; 0: there is none.
    pub photo_bytes: u64,
    /// S/MIME certificates.
    pub certificates: Vec<CertificateRow>,
}

/// A certificate, as shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateRow {
    /// Who it is about.
    pub subject: String,
    /// Who issued it.
    pub issuer: String,
    /// Its number, hexadecimal.
    pub serial: String,
    /// Mail addresses that it is about.
    pub addresses: Vec<String>,
    /// Its first moment, Unix milliseconds.
    pub from_ms: i64,
    /// Its last moment, Unix milliseconds.
    pub until_ms: i64,
}

/// What came of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "reply")]
pub enum Reply {
    /// Done.
    Done {
        /// A sentence for the operator.
        text: String,
    },
    /// Users.
    Users {
        /// Sorted by name.
        users: Vec<UserRow>,
    },
    /// One user.
    User {
        /// The user.
        user: Box<UserRow>,
        /// Folders in the order of their ids.
        folders: Vec<FolderRow>,
        /// Devices, last seen first.
        devices: Vec<DeviceRow>,
        /// What the user shows in the address list.
        #[serde(default)]
        portrait: Box<PortraitRow>,
    },
    /// Devices.
    Devices {
        /// Last seen first.
        devices: Vec<DeviceRow>,
    },
    /// Paths that cut waiting connections.
    Heartbeats {
        /// The earliest cut first.
        heartbeats: Vec<HeartbeatRow>,
    },
    /// Outgoing mail that waits.
    Queue {
        /// Next due first.
        mails: Vec<QueueRow>,
        /// How many there are in all.
        total: u64,
    },
    /// An imported mail or file.
    Imported {
        /// What became of it.
        taken: Taken,
    },
    /// Not done.
    Refused {
        /// Why, and what to do.
        refusal: Refusal,
    },
}

/// Why an order was not carried out. The texts say what to do next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// No such user.
    #[error("there is no user {0}; `roost user list` shows all")]
    NoUser(String),
    /// The name or an address is taken.
    #[error("{0} belongs to a user already")]
    Taken(String),
    /// No such device.
    #[error("the user has no device {0}; `roost device list` shows all")]
    NoDevice(String),
    /// Something in the order is wrong.
    #[error("{0}")]
    Wrong(String),
    /// The store is busy or full; nothing was done.
    #[error("the store takes no writes at the moment; try again, or make room on the disk")]
    Busy,
    /// The store failed.
    #[error("the store failed: {0}")]
    Failed(String),
}

/// A user, as shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRow {
    /// Log-in name.
    pub name: String,
    /// The name that others see.
    pub display_name: String,
    /// Addresses, the primary one first.
    pub addresses: Vec<String>,
    /// The highest protocol version, where there is a ceiling.
    pub version_max: Option<String>,
    /// How many devices.
    pub devices: usize,
    /// The absence that the user has set, where one user is shown.
    #[serde(default)]
    pub absence: Option<AbsenceRow>,
}

/// An absence of a user, as shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AbsenceRow {
    /// Of a timed one the first moment, Unix milliseconds.
    pub from_ms: Option<i64>,
    /// Of a timed one the end, Unix milliseconds.
    pub to_ms: Option<i64>,
    /// It is so now.
    pub is_away: bool,
    /// Who is told of it: `internal`, `external known`, `external unknown`.
    pub audiences: Vec<String>,
}

/// A folder, as shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderRow {
    /// CollectionId.
    pub id: String,
    /// Its parent's, or "0".
    pub parent: String,
    /// Name.
    pub name: String,
    /// Type of the folder ([MS-ASCMD] 2.2.3.186.3).
    pub kind: u8,
    /// Items in it.
    pub items: u64,
}

/// A device, as shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRow {
    /// Whose.
    pub user: String,
    /// Device id.
    pub id: String,
    /// Device type.
    pub kind: String,
    /// What it says of itself: model, system, user agent.
    pub describes_itself: Vec<(String, String)>,
    /// Version of its last request.
    pub version: String,
    /// First seen, Unix milliseconds.
    pub first_seen_ms: i64,
    /// Last seen, Unix milliseconds.
    pub last_seen_ms: i64,
    /// Seconds that its latest Ping (or Sync, if it never sent one) asked to wait; 0: it never waited.
    #[serde(default)]
    pub heartbeat_s: u32,
    /// Seconds of the longest of its waits that held lately, as the running appliance knows; 0: none.
    #[serde(default)]
    pub held_s: u32,
    /// Where its waiting connections are cut, where that was found: by its own path, or by the network
    /// where it was last.
    #[serde(default)]
    pub cut: Option<HeartbeatRow>,
    /// It repeated itself too often, and was told to come back later.
    #[serde(default)]
    pub held_back: Option<HeldRow>,
    /// Items that it got a stand-in for, the oldest first.
    #[serde(default)]
    pub broken: Vec<BrokenRow>,
    /// The recovery password that it left here, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery_password: Option<String>,
    /// The entries of the registry of client quirks that it falls under, where the appliance runs.
    #[serde(default)]
    pub quirks: Vec<String>,
    /// The highest protocol version offered to it, where that was set.
    #[serde(default)]
    pub version_max: Option<String>,
}

/// An item that a device got a stand-in for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokenRow {
    /// ServerId.
    pub item: String,
    /// Name of its folder.
    pub folder: String,
    /// Its subject or name.
    pub subject: String,
    /// Why.
    pub why: String,
    /// Since when, Unix milliseconds.
    pub at_ms: i64,
    /// It is on its way to the device once more.
    pub is_retried: bool,
}

/// A device that was held back since the appliance began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldRow {
    /// How often.
    pub times: u32,
    /// When last, Unix milliseconds.
    pub last_ms: i64,
    /// It is at this moment.
    pub is_held: bool,
}

/// A path that cuts waiting connections.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeartbeatRow {
    /// A network, or the user and the id of a device.
    pub path: String,
    /// Seconds after which waiting connections are cut.
    pub cut_s: u32,
    /// Seconds of a heartbeat that ends before.
    pub proposal_s: u32,
    /// Seconds of the longest wait that held meanwhile.
    pub held_s: u32,
    /// Cuts that were seen.
    pub seen: u32,
}

/// An outgoing mail that waits, as shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueRow {
    /// Names it.
    pub id: String,
    /// When it is due, Unix milliseconds; none: now.
    pub due_ms: Option<i64>,
    /// When it was handed in, Unix milliseconds.
    pub queued_ms: i64,
    /// Envelope sender; empty for what nobody is told of.
    pub sender: String,
    /// Recipients that it was not delivered to yet.
    pub recipients: Vec<String>,
    /// Bytes of the message.
    pub bytes: u64,
    /// How often it was tried.
    pub attempts: u32,
    /// What the last attempt came to.
    pub last_error: String,
    /// Recipients that were given up, of which the sender is to be told.
    pub failed: Vec<FailedRow>,
    /// Its subject, where one mail is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

/// A recipient that was given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedRow {
    /// Who.
    pub recipient: String,
    /// The enhanced status code (RFC 3463).
    pub status: String,
    /// Why.
    pub text: String,
    /// The server that said it; empty: nobody but us.
    pub server: String,
}
