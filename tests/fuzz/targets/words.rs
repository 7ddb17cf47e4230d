//! What a device may say, out of bytes: elements of the pages that a command knows, and values that
//! mean something where they stand.

use std::collections::HashMap;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use roost::mailbox::FolderKind;
use roost::wbxml::tags::{
    airsync, composemail, find, folderhierarchy, getitemestimate, itemoperations, meetingresponse,
    moves, ping, provision, resolverecipients, search, settings, validatecert,
};
use roost::wbxml::{Tag, Writer};

use super::house::{FOLDERS, House};
use super::input::Input;

const DEPTH_MAX: usize = 9;
/// Code pages, and some that do not exist.
const PAGES: u8 = 26;
/// The tags of each page.
static TAGS: LazyLock<Vec<Vec<Tag>>> = LazyLock::new(|| {
    let of = |page| {
        let tags = (5..0x40).map(|token| Tag::new(page, token));
        tags.filter(|tag| tag.name() != "?").collect()
    };
    (0..PAGES).map(of).collect()
});

/// Name and root element of a command; none: its body is no document.
pub(crate) fn command(byte: u8) -> (&'static str, Option<Tag>) {
    let all = [
        ("Sync", Some(airsync::SYNC)),
        ("SendMail", Some(composemail::SEND_MAIL)),
        ("SmartForward", Some(composemail::SMART_FORWARD)),
        ("SmartReply", Some(composemail::SMART_REPLY)),
        ("GetAttachment", None),
        ("FolderSync", Some(folderhierarchy::FOLDER_SYNC)),
        ("FolderCreate", Some(folderhierarchy::FOLDER_CREATE)),
        ("FolderDelete", Some(folderhierarchy::FOLDER_DELETE)),
        ("FolderUpdate", Some(folderhierarchy::FOLDER_UPDATE)),
        ("MoveItems", Some(moves::MOVE_ITEMS)),
        ("GetItemEstimate", Some(getitemestimate::GET_ITEM_ESTIMATE)),
        ("MeetingResponse", Some(meetingresponse::MEETING_RESPONSE)),
        ("Search", Some(search::SEARCH)),
        ("Settings", Some(settings::SETTINGS)),
        ("Ping", Some(ping::PING)),
        ("ItemOperations", Some(itemoperations::ITEM_OPERATIONS)),
        ("Provision", Some(provision::PROVISION)),
        (
            "ResolveRecipients",
            Some(resolverecipients::RESOLVE_RECIPIENTS),
        ),
        ("ValidateCert", Some(validatecert::VALIDATE_CERT)),
        ("Find", Some(find::FIND)),
    ];
    all[usize::from(byte) % all.len()]
}

/// What the device knows of the appliance.
pub(crate) struct Known {
    /// Folders, and the code page of their class.
    pub(crate) folders: Vec<(u32, u8)>,
    /// The latest key of each; 0 is the hierarchy.
    keys: HashMap<u32, String>,
}

impl Known {
    pub(crate) fn new(house: &House) -> Self {
        let page = |kind| match kind {
            FolderKind::Calendar => 4,
            FolderKind::Contacts => 1,
            FolderKind::Tasks => 9,
            FolderKind::Notes => 23,
            _ => 2,
        };
        let folders: Vec<(u32, u8)> = FOLDERS
            .iter()
            .map(|kind| (house.folder(*kind), page(*kind)))
            .collect();
        let mut keys: HashMap<u32, String> =
            folders.iter().map(|(id, _)| (*id, "2".into())).collect();
        keys.insert(0, "1".into());
        Self { folders, keys }
    }

    /// Nearly always the latest key.
    pub(crate) fn key_of(&self, folder: u32, byte: u8) -> String {
        let latest = self.keys.get(&folder).map_or("0", String::as_str);
        let number: u64 = latest.parse().unwrap_or(0);
        match byte {
            0..=200 => latest.into(),
            201..=215 => number.saturating_sub(1).to_string(),
            216..=230 => "0".into(),
            231..=240 => number.saturating_add(1).to_string(),
            _ => "nonsense".into(),
        }
    }

    pub(crate) fn learn(&mut self, shown: &str) {
        self.keys.extend(super::session::keys(shown));
    }
}

/// Elements until a byte says that it is enough. Nearly all are of this page.
pub(crate) fn children(
    input: &mut Input<'_>,
    known: &Known,
    w: &mut Writer,
    page: u8,
    depth: usize,
) {
    while !input.is_empty() && input.below(8) != 0 {
        element(input, known, w, page, depth);
    }
}

pub(crate) fn element(
    input: &mut Input<'_>,
    known: &Known,
    w: &mut Writer,
    page: u8,
    depth: usize,
) {
    let kind = input.byte();
    let page = match kind >> 5 {
        0..=4 => page,
        5 => 17,
        6 => *input.pick(&[0, 4, 12, 22]),
        _ => input.byte() % PAGES,
    };
    let tags = TAGS.get(usize::from(page)).map_or(&[][..], Vec::as_slice);
    let Some(tag) = tags.get(input.below(64) % tags.len().max(1)).copied() else {
        return;
    };
    match kind & 7 {
        0 => w.empty(tag),
        1 | 2 if depth < DEPTH_MAX => {
            w.open(tag);
            children(input, known, w, page, depth + 1);
            w.close();
        }
        3 if input.flag() => w.opaque(tag, input.piece()),
        _ => w.text(tag, &text(input, known)),
    }
}

fn text(input: &mut Input<'_>, known: &Known) -> String {
    let folder = known.folders[input.below(known.folders.len())].0;
    let item = format!("{folder}:{}", 1 + input.below(5));
    match input.below(16) {
        0..=3 => input.below(10).to_string(),
        4 => known.key_of(*input.pick(&[0, folder]), input.byte()),
        5 => folder.to_string(),
        6 => item,
        7 => format!("202601{:02}T{:02}0000Z", input.below(40), input.below(26)),
        8 => format!(
            "2026-01-{:02}T{:02}:00:00.000Z",
            input.below(40),
            input.below(26)
        ),
        9 => (*input.pick(&[
            "alice@example.org",
            "bob@example.org",
            "x@example.net",
            "\"A\" <a@b>",
        ]))
        .into(),
        10 => input.u32().to_string(),
        11 => STANDARD.encode(input.take(172)),
        12 => (*input.pick(&[
            "Email",
            "Calendar",
            "Contacts",
            "Tasks",
            "Notes",
            "SMS",
            "Mailbox",
            "GAL",
            "T",
            "MS-EAS-Provisioning-WBXML",
            "IPM.Note",
            "0-99",
        ]))
        .into(),
        13 => format!("{item}:{}", input.below(4)),
        14 => "From: alice@example.org\r\nTo: bob@example.org\r\nSubject: s\r\n\r\nx".into(),
        _ => input.text(),
    }
}

/// The value of an element that a line of a dump holds.
pub(crate) fn value<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let inside = line
        .trim()
        .strip_prefix('<')?
        .strip_prefix(name)?
        .strip_prefix('>')?;
    inside.split_once("</").map(|(value, _)| value)
}
