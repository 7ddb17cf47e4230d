//! What a Sync request looks like in each version ([MS-ASCMD] 2.2.1.21).

use crate::device::Device;
use crate::operation::{Sync, SyncCollection, SyncCommand, SyncForm, SyncOptions, Wait};
use crate::state::Class;
use crate::tree::{Node, empty, node, text};
use crate::version::Version;
use roost::wbxml::Tag;
use roost::wbxml::tags::{airsync as tag, airsyncbase};

pub(crate) fn request(device: &Device, sync: &Sync) -> Node {
    let collections = sync
        .collections
        .iter()
        .map(|c| collection(device, c))
        .collect();
    let mut children = Vec::new();
    if !sync.collections.is_empty() {
        children.push(node(tag::COLLECTIONS, collections));
    }
    match sync.wait {
        Some(Wait::Minutes(minutes)) => children.push(text(tag::WAIT, minutes.to_string())),
        Some(Wait::Seconds(seconds)) => {
            children.push(text(tag::HEARTBEAT_INTERVAL, seconds.to_string()));
        }
        None => {}
    }
    if let Some(window) = sync.window {
        children.push(text(tag::WINDOW_SIZE, window.to_string()));
    }
    if sync.form == SyncForm::Partial {
        children.push(empty(tag::PARTIAL));
    }
    node(tag::SYNC, children)
}

fn collection(device: &Device, asked: &SyncCollection) -> Node {
    let known = device.collections.get(&asked.id);
    let key = known.map_or("0", |c| c.key.as_str());
    let class = known.map_or(Class::Email, |c| c.class);
    let version = device.version();
    let mut children = Vec::new();
    if version <= Version::V12_1 {
        children.push(text(tag::CLASS, class.name()));
    }
    children.push(text(tag::SYNC_KEY, key));
    children.push(text(tag::COLLECTION_ID, &asked.id));
    if let Some(supported) = &asked.supported {
        children.push(node(tag::SUPPORTED, supported.clone()));
    }
    let flag = |tag, on| match on {
        true if device.identity.profile.flags_empty => empty(tag),
        on => text(tag, if on { "1" } else { "0" }),
    };
    if let Some(on) = asked.deletes_as_moves {
        children.push(flag(tag::DELETES_AS_MOVES, on));
    }
    // Key 0 asks for a key and nothing else.
    if key != "0" {
        if let Some(on) = asked.get_changes {
            children.push(flag(tag::GET_CHANGES, on));
        }
        children.push(text(tag::WINDOW_SIZE, window(device, asked).to_string()));
    }
    if let Some(options) = asked.options {
        children.push(node(tag::OPTIONS, self::options(version, class, options)));
    }
    if !asked.commands.is_empty() {
        let commands = asked.commands.iter().map(command).collect();
        children.push(node(tag::COMMANDS, commands));
    }
    node(tag::COLLECTION, children)
}

/// The window that a collection asks for.
pub(crate) fn window(device: &Device, asked: &SyncCollection) -> u32 {
    asked.window.unwrap_or(device.identity.profile.window)
}

/// The content of `Options`, in the order that the specification wants.
pub(crate) fn options(version: Version, class: Class, asked: SyncOptions) -> Vec<Node> {
    let number = |tag: Tag, n: u32| text(tag, n.to_string());
    let mut children: Vec<Node> = Vec::new();
    children.extend(asked.filter.map(|n| number(tag::FILTER_TYPE, n)));
    let mime = asked.body == Some(4);
    if version == Version::V2_5 {
        if let Some(bytes) = asked.truncation {
            children.push(number(tag::TRUNCATION, truncation_code(bytes)));
        }
    } else if let Some(kind) = asked.body {
        let mut preference = vec![number(airsyncbase::TYPE, kind)];
        preference.extend(
            asked
                .truncation
                .map(|n| number(airsyncbase::TRUNCATION_SIZE, n)),
        );
        children.push(node(airsyncbase::BODY_PREFERENCE, preference));
    }
    children.extend(asked.conflict.map(|n| number(tag::CONFLICT, n)));
    if class == Class::Email && mime {
        children.push(number(tag::MIME_SUPPORT, 2));
        if version == Version::V2_5 {
            children.push(number(tag::MIME_TRUNCATION, 8));
        }
    }
    children
}

/// The `Truncation` code that keeps at least so many characters (2.5).
fn truncation_code(bytes: u32) -> u32 {
    let steps = [512, 1024, 2048, 5120, 10_240, 20_480, 51_200, 102_400];
    let code = (1..).zip(steps).find(|(_, step)| *step >= bytes);
    code.map_or(9, |(code, _)| code)
}

fn command(command: &SyncCommand) -> Node {
    let id = |id: &String| text(tag::SERVER_ID, id);
    let data = |properties: &[Node]| node(tag::APPLICATION_DATA, properties.to_vec());
    match command {
        SyncCommand::Add {
            client_id,
            properties,
        } => node(
            tag::ADD,
            vec![text(tag::CLIENT_ID, client_id), data(properties)],
        ),
        SyncCommand::Change { id: of, properties } => {
            node(tag::CHANGE, vec![id(of), data(properties)])
        }
        SyncCommand::Delete { id: of } => node(tag::DELETE, vec![id(of)]),
        SyncCommand::Fetch { id: of } => node(tag::FETCH, vec![id(of)]),
    }
}
