//! Ping ([MS-ASCMD] 2.2.1.13).

use crate::check::{in_order, number};
use crate::device::Device;
use crate::operation::Outcome;
use crate::state::Class;
use crate::tree::{Node, node, text};
use crate::violation::Violation;
use roost::wbxml::tags::ping as tag;

pub(crate) fn request(device: &Device, folders: &[String], heartbeat_s: u32) -> Node {
    let folder = |id: &String| {
        let class = device.collections.get(id).map_or(Class::Email, |c| c.class);
        node(
            tag::FOLDER,
            vec![text(tag::ID, id), text(tag::CLASS, class.name())],
        )
    };
    node(
        tag::PING,
        vec![
            text(tag::HEARTBEAT_INTERVAL, heartbeat_s.to_string()),
            node(tag::FOLDERS, folders.iter().map(folder).collect()),
        ],
    )
}

pub(crate) fn take(
    device: &mut Device,
    asked: &[String],
    root: &Node,
    outcome: &mut Outcome,
) -> Result<(), Violation> {
    device.bears_if(in_order(
        root,
        &[
            &[tag::STATUS],
            &[tag::FOLDERS],
            &[tag::MAX_FOLDERS],
            &[tag::HEARTBEAT_INTERVAL],
        ],
    ))?;
    let status = number(root, tag::STATUS)?;
    if (status == 2) != root.child(tag::FOLDERS).is_some() {
        device.bears(Violation::Missing {
            parent: root.tag,
            child: tag::FOLDERS,
        })?;
    }
    match status {
        2 => changed(device, asked, root, outcome)?,
        5 => drop(number(root, tag::HEARTBEAT_INTERVAL)?),
        6 => drop(number(root, tag::MAX_FOLDERS)?),
        7 => device.folders_stale = true,
        _ => {}
    }
    Ok(())
}

fn changed(
    device: &mut Device,
    asked: &[String],
    root: &Node,
    outcome: &mut Outcome,
) -> Result<(), Violation> {
    let folders = root
        .child(tag::FOLDERS)
        .map(Node::children)
        .unwrap_or_default();
    for folder in folders {
        let id = folder.as_text().unwrap_or_default();
        // An empty request repeats folders that only the server has noted.
        if id.is_empty() || !(asked.is_empty() || asked.iter().any(|a| a == id)) {
            device.bears(Violation::Collection(id.to_owned()))?;
            continue;
        }
        if let Some(collection) = device.collections.get_mut(id) {
            collection.stale = true;
        }
        outcome.folders.push(id.to_owned());
    }
    if folders.is_empty() {
        device.bears(Violation::Missing {
            parent: tag::FOLDERS,
            child: tag::FOLDER,
        })?;
        // It may be any of them.
        for collection in device.collections.values_mut() {
            collection.stale = true;
        }
    }
    Ok(())
}
