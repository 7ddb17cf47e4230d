//! What the phones of the fleet say, as bytes, and what they understand of the answers.

use base64::Engine as _;
use roost::mailbox::FolderId;
use roost::wbxml::tags::{airsync, airsyncbase, folderhierarchy, ping};
use roost::wbxml::{Reader, Writer};

/// Everybody's password.
pub const PASSWORD: &str = "secret";
/// What each phone watches.
pub const FOLDERS: [FolderId; 4] = [
    FolderId::INBOX,
    FolderId::CALENDAR,
    FolderId::CONTACTS,
    FolderId::TASKS,
];
/// Seconds that a phone asks to wait: longer than any run.
const HEARTBEAT_S: u32 = 3_000;

/// The log-in name of a user.
#[must_use]
pub fn name(user: usize) -> String {
    format!("user{user}")
}

/// A request of a user's device.
#[must_use]
pub fn request(method: &str, command: &str, user: usize, body: &[u8]) -> Vec<u8> {
    let name = name(user);
    let login = base64::engine::general_purpose::STANDARD.encode(format!("{name}:{PASSWORD}"));
    let query = match command {
        "" => String::new(),
        command => format!("?Cmd={command}&User={name}&DeviceId=phone{user}&DeviceType=Phone"),
    };
    let mut bytes = format!(
        "{method} /Microsoft-Server-ActiveSync{query} HTTP/1.1\r\nHost: localhost\r\n\
         Authorization: Basic {login}\r\nMS-ASProtocolVersion: 14.1\r\nUser-Agent: Fleet/1\r\n\
         Content-Type: application/vnd.ms-sync.wbxml\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// Asks for versions and commands.
#[must_use]
pub fn options(user: usize) -> Vec<u8> {
    request("OPTIONS", "", user, &[])
}

/// The folders since a key.
#[must_use]
pub fn folder_sync(user: usize, key: &str) -> Vec<u8> {
    let mut w = Writer::new();
    w.open(folderhierarchy::FOLDER_SYNC);
    w.text(folderhierarchy::SYNC_KEY, key);
    w.close();
    request("POST", "FolderSync", user, &w.finish())
}

/// A Sync of folders, each with its key.
#[must_use]
pub fn sync(user: usize, folders: &[(FolderId, String)]) -> Vec<u8> {
    let mut w = Writer::new();
    w.open(airsync::SYNC);
    w.open(airsync::COLLECTIONS);
    for (folder, key) in folders {
        w.open(airsync::COLLECTION);
        w.text(airsync::SYNC_KEY, key);
        w.num(airsync::COLLECTION_ID, folder.0);
        if key != "0" && *folder == FolderId::INBOX {
            w.num(airsync::WINDOW_SIZE, 100);
            w.open(airsync::OPTIONS);
            w.open(airsyncbase::BODY_PREFERENCE);
            w.num(airsyncbase::TYPE, 1);
            w.num(airsyncbase::TRUNCATION_SIZE, 4_096);
            w.close();
            w.close();
        }
        w.close();
    }
    w.close();
    w.close();
    request("POST", "Sync", user, &w.finish())
}

/// A Ping on [`FOLDERS`].
#[must_use]
pub fn ping(user: usize) -> Vec<u8> {
    let mut w = Writer::new();
    w.open(ping::PING);
    w.num(ping::HEARTBEAT_INTERVAL, HEARTBEAT_S);
    w.open(ping::FOLDERS);
    for folder in FOLDERS {
        w.open(ping::FOLDER);
        w.num(ping::ID, folder.0);
        w.text(ping::CLASS, class(folder));
        w.close();
    }
    w.close();
    w.close();
    request("POST", "Ping", user, &w.finish())
}

fn class(folder: FolderId) -> &'static str {
    match folder {
        FolderId::CALENDAR => "Calendar",
        FolderId::CONTACTS => "Contacts",
        FolderId::TASKS => "Tasks",
        _ => "Email",
    }
}

/// What an answer to Sync says of its collections: folder, new key, Adds, and whether there is more.
#[must_use]
pub fn synced(document: &[u8]) -> Vec<(u32, String, usize, bool)> {
    read(document).unwrap_or_default()
}

fn read(document: &[u8]) -> Result<Vec<(u32, String, usize, bool)>, roost::wbxml::Error> {
    let mut found: Vec<(u32, String, usize, bool)> = Vec::new();
    if document.is_empty() {
        return Ok(found);
    }
    let mut r = Reader::new(document)?;
    r.root()?;
    // Ends of elements are not told apart: what is looked for stands in one order only.
    let mut depth = 1;
    while depth > 0 {
        let Some(tag) = r.child()? else {
            depth -= 1;
            continue;
        };
        match tag {
            airsync::COLLECTIONS | airsync::COMMANDS => depth += 1,
            airsync::COLLECTION => {
                depth += 1;
                found.push((0, String::new(), 0, false));
            }
            _ => {
                let Some(last) = found.last_mut() else {
                    r.skip()?;
                    continue;
                };
                match tag {
                    airsync::SYNC_KEY => last.1 = r.text()?.into_owned(),
                    airsync::COLLECTION_ID => last.0 = r.text()?.parse().unwrap_or(0),
                    airsync::MORE_AVAILABLE => {
                        last.3 = true;
                        r.skip()?;
                    }
                    airsync::ADD => {
                        last.2 += 1;
                        r.skip()?;
                    }
                    _ => r.skip()?,
                }
            }
        }
    }
    Ok(found)
}

/// The status that a Ping's answer says.
#[must_use]
pub fn ping_status(document: &[u8]) -> u32 {
    let status = || -> Result<u32, roost::wbxml::Error> {
        let mut r = Reader::new(document)?;
        r.root()?;
        while let Some(tag) = r.child()? {
            if tag == ping::STATUS {
                return Ok(r.text()?.parse().unwrap_or(0));
            }
            r.skip()?;
        }
        Ok(0)
    };
    status().unwrap_or(0)
}
