//! A device that says what it likes, command after command: the appliance never fails, answers what
//! can be read, does nothing twice, and its store stays whole.

use roost::eas::version::Version;
use roost::wbxml::{Tag, Writer, tags::airsync};

use super::house::{FOLDERS, House};
use super::input::Input;
use super::words::{Known, children, command, element, value};

const COMMANDS_MAX: usize = 12;

/// The device's first rounds with a house: it has all folders and all items.
pub(crate) fn furnish(house: &House) {
    let mut w = Writer::new();
    w.open(roost::wbxml::tags::folderhierarchy::FOLDER_SYNC);
    w.text(roost::wbxml::tags::folderhierarchy::SYNC_KEY, "0");
    w.close();
    house.ask("FolderSync", "", Version::V16_1, &w.finish());
    for kind in FOLDERS {
        let folder = house.folder(kind);
        for key in ["0", "1"] {
            let mut w = Writer::new();
            w.open(airsync::SYNC);
            w.open(airsync::COLLECTIONS);
            w.open(airsync::COLLECTION);
            w.text(airsync::SYNC_KEY, key);
            w.num(airsync::COLLECTION_ID, folder);
            w.close();
            w.close();
            w.close();
            house.ask("Sync", "", Version::V16_1, &w.finish());
        }
    }
}

/// One command with any body, twice.
pub(crate) fn request(data: &[u8]) {
    let mut input = Input::new(data);
    let (name, _) = command(input.byte());
    let version = *input.pick(&Version::ALL);
    let body = input.rest();
    let house = House::new();
    let more = match name {
        "GetAttachment" => format!("&AttachmentName={}", String::from_utf8_lossy(body)),
        _ => String::new(),
    };
    house.ask(name, &more, version, body);
    // Up to 12.1 a mail that is sent twice is two mails.
    if name != "SendMail" || version >= Version::V14_0 {
        once(&house, || house.ask(name, &more, version, body));
    } else {
        house.ask(name, &more, version, body);
    }
    house.assert_whole();
}

/// What is asked again does nothing again.
fn once(house: &House, again: impl FnOnce() -> String) -> String {
    let (before, commits) = (house.items(), house.commits());
    let answer = again();
    if house.commits() != commits {
        assert_eq!(
            house.items(),
            before,
            "the same request did something twice"
        );
    }
    answer
}

/// Many commands, made of words that mean something.
pub(crate) fn session(data: &[u8]) {
    let mut input = Input::new(data);
    let house = House::new();
    let mut known = Known::new(&house);
    let mut last: Option<(&str, Version, Vec<u8>)> = None;
    for _ in 0..COMMANDS_MAX {
        if input.is_empty() {
            break;
        }
        let kind = input.byte();
        let version = *input.pick(&Version::ALL);
        match (kind % 16, &last) {
            (0, Some((name, version, body))) => {
                let answer = once(&house, || house.ask(name, "", *version, body));
                known.learn(&answer);
            }
            (1, _) => house.deliver(input.piece()),
            (2..=8, _) => {
                let body = sync(&mut input, &known);
                known.learn(&house.ask("Sync", "", version, &body));
                last = Some(("Sync", version, body));
            }
            _ => {
                let (name, root) = command(input.byte());
                let body = document(&mut input, &known, root);
                known.learn(&house.ask(name, "", version, &body));
                last = (name != "SendMail").then_some((name, version, body));
            }
        }
    }
    house.assert_whole();
}

fn document(input: &mut Input<'_>, known: &Known, root: Option<Tag>) -> Vec<u8> {
    let Some(root) = root else {
        return input.piece().to_vec();
    };
    let mut w = Writer::new();
    w.open(root);
    children(input, known, &mut w, root.page(), 1);
    w.close();
    w.finish()
}

fn sync(input: &mut Input<'_>, known: &Known) -> Vec<u8> {
    let mut w = Writer::new();
    w.open(airsync::SYNC);
    w.open(airsync::COLLECTIONS);
    for _ in 0..1 + input.below(2) {
        collection(input, known, &mut w);
    }
    w.close();
    if input.below(4) == 0 {
        children(input, known, &mut w, 0, 1);
    }
    w.close();
    w.finish()
}

fn collection(input: &mut Input<'_>, known: &Known, w: &mut Writer) {
    let at = input.below(known.folders.len());
    let (folder, class_page) = known.folders[at];
    w.open(airsync::COLLECTION);
    w.text(airsync::SYNC_KEY, &known.key_of(folder, input.byte()));
    w.num(airsync::COLLECTION_ID, folder);
    if input.flag() {
        w.flag(airsync::GET_CHANGES, input.flag());
    }
    if input.below(4) == 0 {
        w.num(airsync::WINDOW_SIZE, input.byte());
    }
    if input.below(3) == 0 {
        w.open(airsync::OPTIONS);
        let page = *input.pick(&[0, 17]);
        children(input, known, w, page, 3);
        w.close();
    }
    let commands = input.below(4);
    if commands > 0 {
        w.open(airsync::COMMANDS);
        for _ in 0..commands {
            item_command(input, known, w, folder, class_page);
        }
        w.close();
    }
    w.close();
}

fn item_command(input: &mut Input<'_>, known: &Known, w: &mut Writer, folder: u32, page: u8) {
    let kind = *input.pick(&[
        airsync::ADD,
        airsync::CHANGE,
        airsync::DELETE,
        airsync::FETCH,
    ]);
    w.open(kind);
    if kind == airsync::ADD {
        w.num(airsync::CLIENT_ID, input.byte() % 4);
    } else {
        w.pair(airsync::SERVER_ID, folder, 1 + u32::from(input.byte() % 6));
    }
    if input.below(8) == 0 {
        let page = *input.pick(&[0, 17, 22]);
        element(input, known, w, page, 4);
    }
    if kind == airsync::ADD || kind == airsync::CHANGE {
        w.open(airsync::APPLICATION_DATA);
        children(input, known, w, page, 5);
        w.close();
    }
    w.close();
}

/// The keys that an answer gives out, as text.
pub(crate) fn keys(shown: &str) -> Vec<(u32, String)> {
    let mut keys = Vec::new();
    let mut key = "";
    for line in shown.lines() {
        if let Some(value) = value(line, "SyncKey") {
            key = value;
        } else if let Some(folder) = value(line, "CollectionId") {
            keys.extend(folder.parse().ok().map(|folder| (folder, key.to_owned())));
        } else if let Some(value) = value(line, "folderhierarchy:SyncKey") {
            keys.push((0, value.to_owned()));
        }
    }
    keys
}
