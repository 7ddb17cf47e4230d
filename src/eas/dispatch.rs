//! The one table of commands: name, code, versions, who carries it out, and what it needs. The
//! answer to OPTIONS is derived from it, so nothing is promised that is not there.

use crate::eas::commands;
use crate::eas::context::{Context, Done};
use crate::eas::status::Failure;
use crate::eas::version::Version;
use crate::wbxml::Tag;
use crate::wbxml::tags::{
    airsync, composemail, find, folderhierarchy, getitemestimate, itemoperations, meetingresponse,
    moves, ping, provision, resolverecipients, search, settings, validatecert,
};
use std::future::Future;
use std::pin::Pin;

/// A command of the protocol ([MS-ASHTTP] 2.2.1.1.1.1.3), whether it is carried out here or not.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
#[allow(missing_docs, reason = "named as in the specification")]
pub enum Command {
    Sync,
    SendMail,
    SmartForward,
    SmartReply,
    GetAttachment,
    GetHierarchy,
    CreateCollection,
    DeleteCollection,
    MoveCollection,
    FolderSync,
    FolderCreate,
    FolderDelete,
    FolderUpdate,
    MoveItems,
    GetItemEstimate,
    MeetingResponse,
    Search,
    Settings,
    Ping,
    ItemOperations,
    Provision,
    ResolveRecipients,
    ValidateCert,
    Find,
    Notify,
}

/// What a request of a command carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Carries {
    /// Nothing.
    Nothing,
    /// A WBXML document.
    Wbxml,
    /// A WBXML document or nothing, which means the last one again.
    WbxmlOrNothing,
    /// A MIME message up to 12.1, a WBXML document from 14.0 on.
    Mail,
}

/// The future of a command.
pub type Running<'a> = Pin<Box<dyn Future<Output = Result<Done, Failure>> + 'a>>;

/// Carries out a command.
pub type Run = for<'a> fn(&'a Context<'a>) -> Running<'a>;

/// All there is to know of a command.
#[derive(Debug)]
pub struct Row {
    /// The command.
    pub command: Command,
    /// Its name in the query.
    pub name: &'static str,
    /// Its code in a base64 query.
    pub code: Option<u8>,
    /// The element of its answer, and the `Status` in it; none: it answers otherwise.
    pub root: Option<(Tag, Tag)>,
    /// The first and the last version that has it.
    pub versions: (Version, Version),
    /// The policy key is checked before.
    pub needs_policy: bool,
    /// What its request carries.
    pub carries: Carries,
    /// Who carries it out; none: nobody here.
    pub run: Option<Run>,
}

macro_rules! run {
    ($module:ident) => {
        Some(|context| Box::pin(commands::$module::run(context)))
    };
}

const ALWAYS: (Version, Version) = (Version::V2_5, Version::V16_1);
const SINCE_12_0: (Version, Version) = (Version::V12_0, Version::V16_1);
const SINCE_16_1: (Version, Version) = (Version::V16_1, Version::V16_1);
const UNTIL_12_1: (Version, Version) = (Version::V2_5, Version::V12_1);

const fn row(command: Command, name: &'static str, code: u8, root: (Tag, Tag)) -> Row {
    Row {
        command,
        name,
        code: Some(code),
        root: Some(root),
        versions: ALWAYS,
        needs_policy: true,
        carries: Carries::Wbxml,
        run: None,
    }
}

/// A command without an answer element of its own.
const fn bare(command: Command, name: &'static str, code: Option<u8>) -> Row {
    Row {
        command,
        name,
        code,
        root: None,
        versions: UNTIL_12_1,
        needs_policy: true,
        carries: Carries::Nothing,
        run: None,
    }
}

/// In the order in which OPTIONS lists them, which is Exchange's.
#[rustfmt::skip]
static TABLE: [Row; 25] = [
    Row { carries: Carries::WbxmlOrNothing, run: run!(sync), ..row(Command::Sync, "Sync", 0, (airsync::SYNC, airsync::STATUS)) },
    Row { carries: Carries::Mail, run: run!(send_mail), ..row(Command::SendMail, "SendMail", 1, (composemail::SEND_MAIL, composemail::STATUS)) },
    Row { carries: Carries::Mail, run: Some(|context| Box::pin(commands::smart::forward(context))), ..row(Command::SmartForward, "SmartForward", 2, (composemail::SMART_FORWARD, composemail::STATUS)) },
    Row { carries: Carries::Mail, run: Some(|context| Box::pin(commands::smart::reply(context))), ..row(Command::SmartReply, "SmartReply", 3, (composemail::SMART_REPLY, composemail::STATUS)) },
    Row { run: run!(get_attachment), ..bare(Command::GetAttachment, "GetAttachment", Some(4)) },
    Row { run: run!(get_hierarchy), ..bare(Command::GetHierarchy, "GetHierarchy", Some(5)) },
    bare(Command::CreateCollection, "CreateCollection", Some(6)),
    bare(Command::DeleteCollection, "DeleteCollection", Some(7)),
    bare(Command::MoveCollection, "MoveCollection", Some(8)),
    Row { run: run!(folder_sync), ..row(Command::FolderSync, "FolderSync", 9, (folderhierarchy::FOLDER_SYNC, folderhierarchy::STATUS)) },
    Row { run: run!(folder_create), ..row(Command::FolderCreate, "FolderCreate", 10, (folderhierarchy::FOLDER_CREATE, folderhierarchy::STATUS)) },
    Row { run: run!(folder_delete), ..row(Command::FolderDelete, "FolderDelete", 11, (folderhierarchy::FOLDER_DELETE, folderhierarchy::STATUS)) },
    Row { run: run!(folder_update), ..row(Command::FolderUpdate, "FolderUpdate", 12, (folderhierarchy::FOLDER_UPDATE, folderhierarchy::STATUS)) },
    Row { run: run!(move_items), ..row(Command::MoveItems, "MoveItems", 13, (moves::MOVE_ITEMS, moves::STATUS)) },
    Row { run: run!(get_item_estimate), ..row(Command::GetItemEstimate, "GetItemEstimate", 14, (getitemestimate::GET_ITEM_ESTIMATE, getitemestimate::STATUS)) },
    Row { run: run!(meeting_response), ..row(Command::MeetingResponse, "MeetingResponse", 15, (meetingresponse::MEETING_RESPONSE, meetingresponse::STATUS)) },
    Row { run: run!(search), ..row(Command::Search, "Search", 16, (search::SEARCH, search::STATUS)) },
    Row { versions: SINCE_12_0, run: run!(settings), ..row(Command::Settings, "Settings", 17, (settings::SETTINGS, settings::STATUS)) },
    // Android sends no key with Ping, and must not be sent to Provision for that.
    Row { needs_policy: false, carries: Carries::WbxmlOrNothing, run: run!(ping), ..row(Command::Ping, "Ping", 18, (ping::PING, ping::STATUS)) },
    Row { versions: SINCE_12_0, run: run!(item_operations), ..row(Command::ItemOperations, "ItemOperations", 19, (itemoperations::ITEM_OPERATIONS, itemoperations::STATUS)) },
    Row { needs_policy: false, run: run!(provision), ..row(Command::Provision, "Provision", 20, (provision::PROVISION, provision::STATUS)) },
    Row { run: run!(resolve_recipients), ..row(Command::ResolveRecipients, "ResolveRecipients", 21, (resolverecipients::RESOLVE_RECIPIENTS, resolverecipients::STATUS)) },
    Row { run: run!(validate_cert), ..row(Command::ValidateCert, "ValidateCert", 22, (validatecert::VALIDATE_CERT, validatecert::STATUS)) },
    Row { versions: SINCE_16_1, run: run!(find), ..row(Command::Find, "Find", 23, (find::FIND, find::STATUS)) },
    bare(Command::Notify, "Notify", None),
];

impl Command {
    /// Its row of the table.
    #[must_use]
    #[expect(
        clippy::indexing_slicing,
        reason = "a test holds the table against the enum"
    )]
    pub fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }

    /// The command of this name, in any case.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        let mut rows = TABLE.iter();
        rows.find(|r| r.name.eq_ignore_ascii_case(name))
            .map(|r| r.command)
    }

    /// The command of this code of a base64 query.
    #[must_use]
    pub fn by_code(code: u8) -> Option<Self> {
        let mut rows = TABLE.iter();
        rows.find(|r| r.code == Some(code)).map(|r| r.command)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// Its code, if it has one.
    #[must_use]
    pub fn code(self) -> Option<u8> {
        self.row().code
    }
}

impl Row {
    /// Whether this version has the command.
    #[must_use]
    pub fn is_in(&self, version: Version) -> bool {
        (self.versions.0..=self.versions.1).contains(&version)
    }
}

/// The value of `MS-ASProtocolVersions`: ascending and without blanks, since clients take the last
/// entry that they know (Android), or compare the pieces between commas exactly (TbSync).
#[must_use]
pub fn versions(ceiling: Version) -> String {
    let listed = Version::ALL.into_iter().filter(|v| *v <= ceiling);
    listed.map(Version::text).collect::<Vec<_>>().join(",")
}

/// The value of `MS-ASProtocolCommands`: what is carried out in any listed version.
#[must_use]
pub fn commands(ceiling: Version) -> String {
    let listed = TABLE
        .iter()
        .filter(|r| r.run.is_some() && r.versions.0 <= ceiling);
    listed.map(|r| r.name).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_follows_the_enum() {
        for (i, row) in TABLE.iter().enumerate() {
            assert_eq!(row.command as usize, i, "{}", row.name);
            assert_eq!(
                Command::by_name(&row.name.to_uppercase()),
                Some(row.command)
            );
            if let Some(code) = row.code {
                assert_eq!(Command::by_code(code), Some(row.command));
            }
        }
        assert_eq!(Command::by_name("Nothing"), None);
        assert_eq!(Command::by_code(99), None);
    }

    #[test]
    fn what_options_says() {
        assert_eq!(
            versions(Version::V16_1),
            "2.5,12.0,12.1,14.0,14.1,16.0,16.1"
        );
        assert_eq!(versions(Version::V12_0), "2.5,12.0");
        let all = commands(Version::V16_1);
        for name in [
            "Sync",
            "SendMail",
            "FolderSync",
            "Ping",
            "Provision",
            "Settings",
            "ItemOperations",
        ] {
            assert!(all.split(',').any(|n| n == name), "{name} in {all}");
        }
        assert!(!all.contains("Notify") && !all.contains(' '));
        assert!(!commands(Version::V2_5).contains("Settings"));
    }
}
