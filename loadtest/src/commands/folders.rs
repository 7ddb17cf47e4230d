//! FolderSync, FolderCreate, FolderUpdate and FolderDelete ([MS-ASCMD] 2.2.1.3 to 2.2.1.6).

use crate::check::{number, required};
use crate::device::Device;
use crate::operation::{Operation, Outcome};
use crate::state::{Class, Collection, Folder};
use crate::tree::{Node, node, text};
use crate::version::Version;
use crate::violation::Violation;
use roost::wbxml::tags::folderhierarchy as tag;

/// Types of which there is exactly one.
const DEFAULT_TYPES: std::ops::RangeInclusive<u32> = 2..=11;
const ROOT: &str = "0";
const INBOX: u32 = 2;

pub(crate) fn request(key: &str, operation: &Operation) -> Option<Node> {
    let key = text(tag::SYNC_KEY, key);
    Some(match operation {
        Operation::FolderSync => node(tag::FOLDER_SYNC, vec![key]),
        Operation::FolderCreate { parent, name, kind } => node(
            tag::FOLDER_CREATE,
            vec![
                key,
                text(tag::PARENT_ID, parent),
                text(tag::DISPLAY_NAME, name),
                text(tag::TYPE, kind.to_string()),
            ],
        ),
        Operation::FolderUpdate { id, parent, name } => node(
            tag::FOLDER_UPDATE,
            vec![
                key,
                text(tag::SERVER_ID, id),
                text(tag::PARENT_ID, parent),
                text(tag::DISPLAY_NAME, name),
            ],
        ),
        Operation::FolderDelete { id } => {
            node(tag::FOLDER_DELETE, vec![key, text(tag::SERVER_ID, id)])
        }
        _ => return None,
    })
}

pub(crate) fn take_sync(
    device: &mut Device,
    root: &Node,
    outcome: &mut Outcome,
) -> Result<(), Violation> {
    let status = number(root, tag::STATUS)?;
    if status == 9 {
        // The key is unknown: all over again.
        device.folder_key = ROOT.to_owned();
        device.folders.clear();
        device.gone_below.clear();
        device.collections.clear();
        device.folders_stale = true;
    }
    if status != 1 {
        return Ok(());
    }
    let key = required(root, tag::SYNC_KEY)?.to_owned();
    if key == ROOT {
        return Err(Violation::KeyUnchanged("hierarchy".to_owned(), key));
    }
    if device.folder_key == ROOT {
        device.folders.clear();
        device.gone_below.clear();
    }
    let missing = Violation::Missing {
        parent: root.tag,
        child: tag::CHANGES,
    };
    let changes = root.child(tag::CHANGES).ok_or(missing)?;
    let count = number(changes, tag::COUNT)?;
    let entries = changes
        .children()
        .iter()
        .filter(|node| node.tag != tag::COUNT);
    let mut seen = 0;
    for entry in entries {
        seen += 1;
        change(device, entry, outcome)?;
    }
    if usize::try_from(count) != Ok(seen) {
        device.bears(Violation::Count(count, seen))?;
    }
    if seen > 0 && key == device.folder_key {
        device.bears(Violation::KeyUnchanged("hierarchy".to_owned(), key.clone()))?;
    }
    device.folder_key = key;
    device.folders_stale = false;
    let whole = whole(device);
    match device.folder(INBOX) {
        Some(_) => device.bears_if(whole),
        // Of all that may be missing, this no phone goes on without.
        None => whole,
    }
}

pub(crate) fn take_create(
    device: &mut Device,
    root: &Node,
    parent: &str,
    name: &str,
    kind: u32,
) -> Result<(), Violation> {
    if changed(device, root)? {
        let id = required(root, tag::SERVER_ID)?.to_owned();
        let folder = Folder {
            id,
            parent: parent.to_owned(),
            name: name.to_owned(),
            kind,
        };
        add(device, folder)?;
    }
    Ok(())
}

pub(crate) fn take_update(
    device: &mut Device,
    root: &Node,
    id: &str,
    parent: &str,
    name: &str,
) -> Result<(), Violation> {
    if changed(device, root)?
        && let Some(folder) = device.folders.get_mut(id)
    {
        parent.clone_into(&mut folder.parent);
        name.clone_into(&mut folder.name);
    }
    Ok(())
}

pub(crate) fn take_delete(device: &mut Device, root: &Node, id: &str) -> Result<(), Violation> {
    if changed(device, root)? {
        remove(device, id);
        device.gone_below.remove(id);
    }
    Ok(())
}

/// Whether a change of the hierarchy succeeded; then with the next key of the chain.
fn changed(device: &mut Device, root: &Node) -> Result<bool, Violation> {
    match number(root, tag::STATUS)? {
        1 => {
            let key = required(root, tag::SYNC_KEY)?;
            if key == device.folder_key || key == ROOT {
                return Err(Violation::KeyUnchanged(
                    "hierarchy".to_owned(),
                    key.to_owned(),
                ));
            }
            key.clone_into(&mut device.folder_key);
            Ok(true)
        }
        _ => {
            device.folders_stale = true;
            Ok(false)
        }
    }
}

fn change(device: &mut Device, entry: &Node, outcome: &mut Outcome) -> Result<(), Violation> {
    let id = required(entry, tag::SERVER_ID)?.to_owned();
    let named = (String::new(), id.clone());
    match entry.tag {
        tag::ADD => {
            add(device, folder(entry, &id)?)?;
            outcome.added.push(named);
        }
        tag::UPDATE => {
            let folder = folder(entry, &id)?;
            let went = device.gone_below.remove(&id);
            if device.folders.insert(id.clone(), folder).is_none() && !went {
                return device.bears(Violation::Folder(id, "Update of a folder that is not here"));
            }
            outcome.changed.push(named);
        }
        tag::DELETE => {
            if !device.gone_below.remove(&id) && !device.folders.contains_key(&id) {
                return device.bears(Violation::Folder(id, "Delete of a folder that is not here"));
            }
            // Those below are told one by one.
            device.folders.remove(&id);
            device.collections.remove(&id);
            outcome.removed.push(named);
        }
        child => {
            return device.bears(Violation::Misplaced {
                parent: tag::CHANGES,
                child,
            });
        }
    }
    Ok(())
}

fn folder(entry: &Node, id: &str) -> Result<Folder, Violation> {
    Ok(Folder {
        id: id.to_owned(),
        parent: required(entry, tag::PARENT_ID)?.to_owned(),
        name: required(entry, tag::DISPLAY_NAME)?.to_owned(),
        kind: number(entry, tag::TYPE)?,
    })
}

fn add(device: &mut Device, folder: Folder) -> Result<(), Violation> {
    let wrong = |what| Violation::Folder(folder.id.clone(), what);
    if device.folders.contains_key(&folder.id) {
        return device.bears(wrong("Add of a folder that is here already"));
    }
    if folder.parent != ROOT && !device.folders.contains_key(&folder.parent) {
        device.bears(wrong("comes before its parent"))?;
    }
    if matches!(folder.kind, 10 | 17 | 19) && device.version() < Version::V14_0 {
        device.bears(wrong("is of a type that this version does not have"))?;
    }
    if DEFAULT_TYPES.contains(&folder.kind) && device.folder(folder.kind).is_some() {
        device.bears(wrong("is the second of a default type"))?;
    }
    if let Some(class) = Class::of_folder(folder.kind, device.version()) {
        device
            .collections
            .insert(folder.id.clone(), Collection::new(class));
    }
    device.folders.insert(folder.id.clone(), folder);
    Ok(())
}

/// Takes a folder away with all below it.
fn remove(device: &mut Device, id: &str) {
    device.folders.remove(id);
    device.collections.remove(id);
    device.gone_below.insert(id.to_owned());
    let below = device.folders.values().filter(|f| f.parent == id);
    let below: Vec<String> = below.map(|f| f.id.clone()).collect();
    for child in below {
        remove(device, &child);
    }
}

/// A hierarchy without one of the everyday folders makes clients stumble, and so does a folder that lies
/// nowhere.
fn whole(device: &Device) -> Result<(), Violation> {
    let lies_nowhere =
        |folder: &&Folder| folder.parent != ROOT && !device.folders.contains_key(&folder.parent);
    if let Some(folder) = device.folders.values().find(lies_nowhere) {
        let id = folder.id.clone();
        return Err(Violation::Folder(id, "lies in a folder that is not here"));
    }
    for kind in [2, 4, 5, 7, 8, 9] {
        if device.folder(kind).is_none() {
            return Err(Violation::Folder(format!("of type {kind}"), "is missing"));
        }
    }
    Ok(())
}
