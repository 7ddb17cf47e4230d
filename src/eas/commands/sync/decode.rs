//! The Sync request ([MS-ASCMD] 2.2.1.21): from tokens to what is asked.
//!
//! The order of elements is not enforced: clients send Options before or after the others. What
//! items consist of is not read yet: a command keeps a reader that stands at its `ApplicationData`.

use crate::eas::classes::{Supported, date};
use crate::eas::options::{Options, OptionsClass, OptionsError};
use crate::eas::status::Failure;
use crate::eas::value;
use crate::eas::version::Version;
use crate::limits::{
    ID_CHARS_MAX, SYNC_COLLECTIONS_MAX, SYNC_COMMANDS_MAX, SYNC_COMMANDS_OLD_MAX, WINDOW_SIZE_MAX,
};
use crate::mailbox::FolderId;
use crate::pim::Class;
use crate::wbxml::tags::{airsync, airsyncbase, email2};
use crate::wbxml::{Reader, Tag};

/// A Sync request.
#[derive(Clone, Debug, Default)]
pub(super) struct Request<'a> {
    /// The collections, in order.
    pub collections: Vec<Collection<'a>>,
    /// `Wait` or `HeartbeatInterval`, in seconds.
    pub wait_s: Option<u32>,
    /// `WindowSize` over all collections.
    pub window: Option<u32>,
    /// Only what differs from the stored request.
    pub partial: bool,
}

/// One collection of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Collection<'a> {
    /// The folder; none: a CollectionId that no folder can have.
    pub folder: Option<FolderId>,
    /// CollectionId as sent.
    pub id: String,
    /// Class as sent (up to 12.1).
    pub class: Option<String>,
    /// SyncKey; none: not one that was ever given out.
    pub key: Option<u64>,
    /// `Supported`.
    pub supported: Option<Supported>,
    /// `DeletesAsMoves`; absent: yes.
    pub deletes_as_moves: bool,
    /// `ConversationMode` (14.0+).
    pub by_conversation: bool,
    /// `GetChanges`.
    pub get_changes: Option<bool>,
    /// `WindowSize`, in range.
    pub window: Option<u32>,
    /// `Options`; of two blocks those of mail, which then say that there was another one.
    pub options: Option<Options>,
    /// The commands, in order.
    pub commands: Vec<Command<'a>>,
}

/// One command of the client.
#[derive(Clone, Debug)]
pub(super) enum Command<'a> {
    /// A new item.
    Add {
        /// The client's name for it.
        client_id: String,
        /// It is a text message.
        sms: bool,
        /// `Send` (16.0+): it is to go out now.
        send: bool,
        /// What it consists of.
        item: Item<'a>,
    },
    /// A changed one.
    Change {
        /// ServerId as sent.
        server_id: String,
        /// `InstanceId` (16.0+), Unix milliseconds.
        instance_ms: Option<i64>,
        /// `Send` (16.0+): it is to go out now.
        send: bool,
        /// What has changed.
        item: Item<'a>,
    },
    /// A deleted one.
    Delete {
        /// ServerId as sent.
        server_id: String,
        /// `InstanceId` (16.0+), Unix milliseconds.
        instance_ms: Option<i64>,
    },
    /// One that the client wants whole.
    Fetch {
        /// ServerId as sent.
        server_id: String,
    },
}

/// `ApplicationData`, not read yet.
#[derive(Clone, Debug)]
pub(super) struct Item<'a> {
    /// Stands at the element; none where it is missing.
    pub at: Option<Reader<'a>>,
    /// A fingerprint of its bytes.
    pub print: u64,
}

/// Why a request is refused as a whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Refused {
    /// It cannot be read at all.
    Failure(Failure),
    /// Status 4, or another one without more to say.
    Status(u16),
    /// A status with the nearest value that would have done.
    Limit(u16, u32),
}

/// Breaks the rules.
pub(super) const PROTOCOL_ERROR: Refused = Refused::Status(4);

impl<E: Into<Failure>> From<E> for Refused {
    /// What breaks the schema of Sync is its own status 4.
    fn from(e: E) -> Self {
        use crate::eas::status::Common;
        match e.into() {
            Failure::Common(Common::InvalidXml) => PROTOCOL_ERROR,
            failure => Self::Failure(failure),
        }
    }
}

impl From<OptionsError> for Refused {
    fn from(e: OptionsError) -> Self {
        match e {
            OptionsError::Wbxml(e) => e.into(),
            OptionsError::Invalid(_) => PROTOCOL_ERROR,
            OptionsError::BodyPartType => Self::Status(164),
        }
    }
}

/// Reads the request; the reader stands within `Sync`. `heartbeat_s` is the range that is allowed.
///
/// # Errors
/// As [`Refused`].
pub(super) fn request<'a>(
    r: &mut Reader<'a>,
    version: Version,
    heartbeat_s: (u32, u32),
) -> Result<Request<'a>, Refused> {
    let mut request = Request::default();
    let (mut wait, mut heartbeat) = (None, None);
    let mut commands = 0;
    while let Some(tag) = r.child()? {
        known(tag, version)?;
        match tag {
            airsync::COLLECTIONS => {
                while let Some(tag) = r.child()? {
                    if tag != airsync::COLLECTION {
                        return Err(PROTOCOL_ERROR);
                    }
                    if request.collections.len() == SYNC_COLLECTIONS_MAX {
                        let max = u32::try_from(SYNC_COLLECTIONS_MAX).unwrap_or(u32::MAX);
                        return Err(Refused::Limit(15, max));
                    }
                    let one = collection(r, version, &mut commands)?;
                    request.collections.push(one);
                }
            }
            airsync::WAIT => wait = Some(signed(r)?),
            airsync::HEARTBEAT_INTERVAL => heartbeat = Some(signed(r)?),
            airsync::WINDOW_SIZE => request.window = Some(window(r)?),
            airsync::PARTIAL => {
                r.skip()?;
                request.partial = true;
            }
            _ => return Err(PROTOCOL_ERROR),
        }
    }
    request.wait_s = waiting(wait, heartbeat, heartbeat_s)?;
    Ok(request)
}

/// How long the server may wait, from the two ways to say so.
fn waiting(
    wait: Option<i64>,
    heartbeat: Option<i64>,
    (min_s, max_s): (u32, u32),
) -> Result<Option<u32>, Refused> {
    let (value, unit_s, min, max) = match (wait, heartbeat) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => return Err(PROTOCOL_ERROR),
        (Some(minutes), None) => (minutes, 60, 1, (max_s / 60).max(1)),
        (None, Some(seconds)) => (seconds, 1, min_s, max_s),
    };
    match u32::try_from(value) {
        Ok(v) if (min..=max).contains(&v) => Ok(Some(v * unit_s)),
        Ok(v) if v > max => Err(Refused::Limit(14, max)),
        Err(_) if value > 0 => Err(Refused::Limit(14, max)),
        _ => Err(Refused::Limit(14, min)),
    }
}

fn known(tag: Tag, version: Version) -> Result<(), Refused> {
    if version.too_old_for(tag) {
        return Err(PROTOCOL_ERROR);
    }
    Ok(())
}

fn signed(r: &mut Reader<'_>) -> Result<i64, Refused> {
    r.text()?.trim().parse().map_err(|_| PROTOCOL_ERROR)
}

/// 0, and what is above the maximum, mean the maximum.
fn window(r: &mut Reader<'_>) -> Result<u32, Refused> {
    let size = value::number(r)?.ok_or(PROTOCOL_ERROR)?;
    Ok(match size {
        0 => WINDOW_SIZE_MAX,
        size => size.min(WINDOW_SIZE_MAX),
    })
}

fn collection<'a>(
    r: &mut Reader<'a>,
    version: Version,
    commands: &mut usize,
) -> Result<Collection<'a>, Refused> {
    let mut c = Collection {
        deletes_as_moves: true,
        ..Collection::default()
    };
    let (mut has_key, mut has_id) = (false, false);
    let mut texts = None;
    while let Some(tag) = r.child()? {
        known(tag, version)?;
        match tag {
            airsync::CLASS => c.class = Some(r.text()?.into_owned()),
            airsync::SYNC_KEY if !has_key => {
                has_key = true;
                c.key = key(&r.text()?);
            }
            airsync::COLLECTION_ID if !has_id => {
                has_id = true;
                c.id = r.text()?.into_owned();
                c.folder = FolderId::parse(&c.id).filter(|f| *f != FolderId::ROOT);
            }
            airsync::SUPPORTED if has_id => {
                let supported = Supported::decode(r).map_err(|_| PROTOCOL_ERROR)?;
                c.supported = Some(supported);
            }
            airsync::DELETES_AS_MOVES => c.deletes_as_moves = value::flag(r)?,
            airsync::GET_CHANGES => c.get_changes = Some(value::flag(r)?),
            airsync::WINDOW_SIZE => c.window = Some(window(r)?),
            airsync::CONVERSATION_MODE => c.by_conversation = value::flag(r)?,
            airsync::OPTIONS => options(r, version, &mut c, &mut texts)?,
            airsync::COMMANDS => {
                while let Some(tag) = r.child()? {
                    *commands += 1;
                    if *commands > commands_max(version) {
                        return Err(PROTOCOL_ERROR);
                    }
                    c.commands.push(command(r, tag, version)?);
                }
            }
            // Obsolete, and without a meaning here.
            airsync::VERSION | airsync::NOTIFY_GUID => r.skip()?,
            _ => return Err(PROTOCOL_ERROR),
        }
    }
    // A client that asks for nothing but text messages asks for this folder all the same.
    c.options = c.options.or(texts).map(|options| Options {
        texts: texts.is_some(),
        ..options
    });
    if !has_id {
        // The oldest clients name a default folder by its class alone.
        let class = c.class.as_deref().ok_or(PROTOCOL_ERROR)?;
        let folder = default_folder(class).ok_or(PROTOCOL_ERROR)?;
        c.id = folder.to_string();
        c.folder = Some(folder);
    }
    if !has_key {
        return Err(PROTOCOL_ERROR);
    }
    Ok(c)
}

fn commands_max(version: Version) -> usize {
    match version {
        Version::V14_1 | Version::V16_0 | Version::V16_1 => SYNC_COMMANDS_MAX,
        _ => SYNC_COMMANDS_OLD_MAX,
    }
}

fn key(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

fn default_folder(class: &str) -> Option<FolderId> {
    Some(match class {
        "Email" => FolderId::INBOX,
        "Calendar" => FolderId::CALENDAR,
        "Contacts" => FolderId::CONTACTS,
        "Tasks" => FolderId::TASKS,
        "Notes" => FolderId::NOTES,
        _ => return None,
    })
}

/// A second block is legal for text messages beside mail.
fn options(
    r: &mut Reader<'_>,
    version: Version,
    c: &mut Collection<'_>,
    texts: &mut Option<Options>,
) -> Result<(), Refused> {
    let options = Options::decode(r, version)?;
    let place = match options.class {
        Some(OptionsClass::Sms) => texts,
        _ => &mut c.options,
    };
    if place.replace(options).is_some() {
        return Err(PROTOCOL_ERROR);
    }
    Ok(())
}

fn command<'a>(r: &mut Reader<'a>, tag: Tag, version: Version) -> Result<Command<'a>, Refused> {
    let mut parts = CommandParts::default();
    while let Some(child) = r.child()? {
        known(child, version)?;
        parts.take(r, child)?;
    }
    let CommandParts {
        client_id,
        server_id,
        instance_ms,
        sms,
        send,
        item,
    } = parts;
    let item = item.unwrap_or(Item { at: None, print: 0 });
    match tag {
        airsync::ADD => Ok(Command::Add {
            client_id: client_id.ok_or(PROTOCOL_ERROR)?,
            sms,
            send,
            item,
        }),
        airsync::CHANGE => Ok(Command::Change {
            server_id: server_id.ok_or(PROTOCOL_ERROR)?,
            instance_ms,
            send,
            item,
        }),
        airsync::DELETE => Ok(Command::Delete {
            server_id: server_id.ok_or(PROTOCOL_ERROR)?,
            instance_ms,
        }),
        airsync::FETCH => Ok(Command::Fetch {
            server_id: server_id.ok_or(PROTOCOL_ERROR)?,
        }),
        _ => Err(PROTOCOL_ERROR),
    }
}

#[derive(Default)]
struct CommandParts<'a> {
    client_id: Option<String>,
    server_id: Option<String>,
    instance_ms: Option<i64>,
    sms: bool,
    send: bool,
    item: Option<Item<'a>>,
}

impl<'a> CommandParts<'a> {
    fn take(&mut self, r: &mut Reader<'a>, tag: Tag) -> Result<(), Refused> {
        match tag {
            airsync::CLIENT_ID => self.client_id = Some(id(r)?),
            airsync::SERVER_ID => self.server_id = Some(id(r)?),
            airsync::CLASS => self.sms = r.text()? == "SMS",
            airsync::APPLICATION_DATA => self.item = Some(item(r)?),
            airsyncbase::INSTANCE_ID => {
                let at = date::parse(&r.text()?).ok_or(Refused::Status(104))?;
                self.instance_ms = Some(at);
            }
            email2::SEND => {
                r.skip()?;
                self.send = true;
            }
            _ => return Err(PROTOCOL_ERROR),
        }
        Ok(())
    }
}

fn id(r: &mut Reader<'_>) -> Result<String, Refused> {
    let id = r.text()?;
    if id.chars().count() > ID_CHARS_MAX {
        return Err(Refused::Status(4));
    }
    Ok(id.into_owned())
}

/// Passes over `ApplicationData`, keeping where it is.
fn item<'a>(r: &mut Reader<'a>) -> Result<Item<'a>, Refused> {
    let at = r.clone();
    let before = r.rest();
    r.skip()?;
    let bytes = before.len() - r.rest().len();
    Ok(Item {
        print: fingerprint(before.get(..bytes).unwrap_or_default()),
        at: Some(at),
    })
}

/// FNV-1a: stored with the outcome of a command, so it has to stay the same.
pub fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The name of a class.
#[must_use]
pub fn class_name(class: Class) -> &'static str {
    match class {
        Class::Email => "Email",
        Class::Contacts => "Contacts",
        Class::Calendar => "Calendar",
        Class::Tasks => "Tasks",
        Class::Notes => "Notes",
    }
}
