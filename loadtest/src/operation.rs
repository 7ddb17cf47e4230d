//! What a phone can be asked to do, with its arguments; and what came of it.

use crate::query::Command;
use crate::tree::Node;

/// One request's worth of doing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Operation {
    /// Ask for versions and commands.
    Options,
    /// The next phase of Provision: ask, or acknowledge what was offered.
    Provision,
    /// Acknowledge a remote wipe: 1 done, 2 failed.
    AcknowledgeWipe(u8),
    /// The folder hierarchy since the last key.
    FolderSync,
    /// Make a folder.
    FolderCreate {
        /// The folder around it; "0" at the top.
        parent: String,
        /// Its name.
        name: String,
        /// Its type.
        kind: u32,
    },
    /// Rename or move a folder.
    FolderUpdate {
        /// The folder.
        id: String,
        /// The folder around it from now on.
        parent: String,
        /// Its name from now on.
        name: String,
    },
    /// Delete a folder with all in it.
    FolderDelete {
        /// The folder.
        id: String,
    },
    /// Sync collections.
    Sync(Sync),
    /// Wait for changes.
    Ping {
        /// Folders to watch; none sends an empty request, which repeats the last one.
        folders: Vec<String>,
        /// Seconds to wait.
        heartbeat_s: u32,
    },
    /// How many changes wait in these collections.
    Estimate(Vec<String>),
    /// Move items: item, from, to.
    Move(Vec<(String, String, String)>),
    /// Fetch items or attachments.
    Fetch {
        /// What.
        what: Vec<Fetch>,
        /// Ask for a multipart answer.
        multipart: bool,
    },
    /// Delete all that is in a folder (12.0 on).
    EmptyFolder {
        /// The folder.
        id: String,
        /// With the folders in it.
        subfolders: bool,
    },
    /// Send a mail.
    SendMail {
        /// The id that makes a retry safe (14.0 on).
        client_id: String,
        /// The message.
        mime: Vec<u8>,
        /// Keep a copy in Sent Items.
        save: bool,
    },
    /// Answer a mail, or send it on (SmartReply, SmartForward): the server completes it.
    Smart {
        /// Send it on.
        forward: bool,
        /// The original: its collection and its id.
        of: (String, String),
        /// The id that makes a retry safe (14.0 on).
        client_id: String,
        /// What is written above the original, with a header.
        mime: Vec<u8>,
        /// Keep a copy in Sent Items.
        save: bool,
    },
    /// Say what the device is.
    SetDevice,
    /// Ask for the user's addresses.
    UserInformation,
    /// Search the global address list.
    SearchGal {
        /// The beginning of a name or address.
        query: String,
        /// First and last result wanted, from 0.
        range: (u32, u32),
    },
    /// Anything else. Of the answer only the form is judged; the device itself stays as it is.
    Ask {
        /// The command.
        command: Command,
        /// What is sent; none: nothing.
        document: Option<Node>,
    },
    /// Search the mailbox (12.0 on).
    SearchMailbox {
        /// Plain words.
        query: String,
        /// First and last result wanted, from 0.
        range: (u32, u32),
    },
    /// Find mail (16.1).
    Find {
        /// Names the search.
        id: String,
        /// Keywords and properties.
        query: String,
        /// First and last result wanted, from 0.
        range: (u32, u32),
    },
}

/// A Sync request.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Sync {
    /// Its collections.
    pub collections: Vec<SyncCollection>,
    /// How much of the last request it repeats.
    pub form: SyncForm,
    /// Hold the request until something changes.
    pub wait: Option<Wait>,
    /// `WindowSize` over all collections (12.1 on).
    pub window: Option<u32>,
}

/// How much of the last request a Sync repeats (12.1 on).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum SyncForm {
    /// Nothing: all is said.
    #[default]
    Full,
    /// The collections that are not named are those of the last request.
    Partial,
    /// All of it: an empty body.
    Empty,
}

/// How long a Sync is held.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wait {
    /// `Wait`, in minutes (12.1 on).
    Minutes(u32),
    /// `HeartbeatInterval`, in seconds (14.0 on).
    Seconds(u32),
}

/// A collection of a Sync request. The key is the device's own matter.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SyncCollection {
    /// Its id.
    pub id: String,
    /// Ask for the server's changes; `None` leaves the element out.
    pub get_changes: Option<bool>,
    /// Mail that is deleted goes to Deleted Items; `None` leaves the element out.
    pub deletes_as_moves: Option<bool>,
    /// `WindowSize`; `None` takes the profile's.
    pub window: Option<u32>,
    /// Options, which the server keeps until others come.
    pub options: Option<SyncOptions>,
    /// Properties that are the client's (`Supported`, with key 0).
    pub supported: Option<Vec<Node>>,
    /// The client's own changes.
    pub commands: Vec<SyncCommand>,
}

/// `Options` of a collection.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SyncOptions {
    /// `FilterType`.
    pub filter: Option<u32>,
    /// `Conflict`.
    pub conflict: Option<u32>,
    /// Body type wanted: 1 text, 2 HTML, 4 MIME. Up to 2.5 only 4 makes a difference.
    pub body: Option<u32>,
    /// Bytes of body wanted; from 12.0 on.
    pub truncation: Option<u32>,
}

impl SyncOptions {
    /// Plain text, cut at 32 KiB.
    pub const TEXT: Self = Self {
        filter: None,
        conflict: None,
        body: Some(1),
        truncation: Some(32 * 1024),
    };
}

/// A change by the client.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SyncCommand {
    /// A new item.
    Add {
        /// The client's own name for it.
        client_id: String,
        /// Its properties.
        properties: Vec<Node>,
    },
    /// A changed item.
    Change {
        /// The item.
        id: String,
        /// What changed.
        properties: Vec<Node>,
    },
    /// A deleted item.
    Delete {
        /// The item.
        id: String,
    },
    /// Send the item in full.
    Fetch {
        /// The item.
        id: String,
    },
}

/// What ItemOperations shall fetch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fetch {
    /// An item with its whole body of this type.
    Item {
        /// Its collection.
        collection: String,
        /// The item.
        id: String,
        /// Body type: 1 text, 2 HTML, 4 MIME.
        body: u32,
    },
    /// An attachment.
    Attachment(String),
}

/// What came of a request.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Outcome {
    /// The command, but for OPTIONS.
    pub command: Option<Command>,
    /// The HTTP status.
    pub http: u16,
    /// The status of the whole, where one was given.
    pub status: Option<u32>,
    /// The answer, for a closer look.
    pub tree: Option<Node>,
    /// Items that came: collection and id.
    pub added: Vec<(String, String)>,
    /// Items that changed: collection and id.
    pub changed: Vec<(String, String)>,
    /// Items that went, or fell out of the window: collection and id.
    pub removed: Vec<(String, String)>,
    /// Responses to the client's commands, in the order of the answer.
    pub responses: Vec<Response>,
    /// Status of each collection of a Sync or GetItemEstimate answer.
    pub collections: Vec<(String, u32)>,
    /// Folders that a Ping found changed.
    pub folders: Vec<String>,
    /// The server holds more back.
    pub more: bool,
    /// Estimates by collection, results of MoveItems (from, status, to) and the like.
    pub results: Vec<(String, u32, String)>,
    /// Bodies and attachments that ItemOperations brought, in order; multipart or not.
    pub fetched: Vec<Vec<u8>>,
}

/// The server's word on one command of the client.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Response {
    /// The collection.
    pub collection: String,
    /// `ClientId` of an Add, else `ServerId`.
    pub of: String,
    /// `ServerId`, if there is one now.
    pub id: Option<String>,
    /// The status.
    pub status: u32,
}

impl Outcome {
    /// The device has to provision before anything else is served.
    #[must_use]
    pub fn provision_demanded(&self) -> bool {
        self.http == 449 || matches!(self.status, Some(142..=144))
    }

    /// All went well.
    #[must_use]
    pub fn ok(&self) -> bool {
        self.http == 200 && matches!(self.status, None | Some(1))
    }
}
