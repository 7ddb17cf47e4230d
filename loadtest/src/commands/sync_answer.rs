//! Takes a Sync answer in, and trips over everything that would make a phone lose or double items.

use super::sync_request::window;
use crate::check::{in_order, number, required};
use crate::device::Device;
use crate::operation::{Outcome, Response, Sync, SyncCollection, SyncCommand, SyncForm};
use crate::query::Command;
use crate::state::{Class, Item};
use crate::tree::Node;
use crate::version::Version;
use crate::violation::Violation;
use roost::wbxml::Tag;
use roost::wbxml::tags::{airsync as tag, airsyncbase, calendar, contacts};

/// What a Change that leaves it out does not take away.
const KEPT: [Tag; 7] = [
    airsyncbase::BODY,
    airsyncbase::ATTACHMENTS,
    airsyncbase::NATIVE_BODY_TYPE,
    contacts::BODY,
    contacts::PICTURE,
    calendar::BODY,
    calendar::EXCEPTIONS,
];
/// The largest window; 0 and more mean this ([MS-ASCMD] 2.2.3.199).
const WINDOW_MAX: u32 = 512;

pub(crate) fn take(
    device: &mut Device,
    sync: &Sync,
    tree: Option<&Node>,
    outcome: &mut Outcome,
) -> Result<(), Violation> {
    let asked = asked(device, sync);
    let Some(root) = tree else {
        return nothing_new(device, sync, &asked);
    };
    let order = in_order(root, &[&[tag::STATUS], &[tag::LIMIT, tag::COLLECTIONS]]);
    device.bears_if(order)?;
    match outcome.status {
        None | Some(1) => {}
        Some(12) => {
            device.folders_stale = true;
            return Ok(());
        }
        Some(13) => {
            device.last_sync = None;
            return Ok(());
        }
        Some(_) => return Ok(()),
    }
    let missing = Violation::Missing {
        parent: root.tag,
        child: tag::COLLECTIONS,
    };
    let collections = root.child(tag::COLLECTIONS).ok_or(missing)?;
    let mut answered = Vec::new();
    for node in collections.children() {
        let id = required(node, tag::COLLECTION_ID)?;
        let request = asked.iter().find(|c| c.id == id);
        let request = request.filter(|_| !answered.contains(&id));
        let Some(request) = request else {
            device.bears(Violation::Collection(id.to_owned()))?;
            continue;
        };
        collection(device, request, node, outcome)?;
        answered.push(id);
    }
    for left_out in asked.iter().filter(|c| !answered.contains(&c.id.as_str())) {
        // Up to 12.1 every collection is answered; later a silent one has nothing to tell.
        if device.version() <= Version::V12_1 || needs_answer(device, left_out) {
            let breach = Violation::Unanswered(left_out.id.clone());
            // Without an answer to key 0 there is no way on.
            match is_fresh(device, left_out) {
                true => return Err(breach),
                false => device.bears(breach)?,
            }
        }
        settle(device, &left_out.id);
    }
    remember(device, sync, &asked);
    Ok(())
}

/// The collections that a request means, with those it does not repeat.
fn asked(device: &Device, sync: &Sync) -> Vec<SyncCollection> {
    let mut asked = sync.collections.clone();
    if sync.form != SyncForm::Full
        && let Some(last) = &device.last_sync
    {
        let named = |id: &str| sync.collections.iter().any(|c| c.id == id);
        asked.extend(last.collections.iter().filter(|c| !named(&c.id)).cloned());
    }
    asked
}

/// An empty body: nothing new, every key stays. From 12.1 on, and never for a request that did
/// something.
fn nothing_new(
    device: &mut Device,
    sync: &Sync,
    asked: &[SyncCollection],
) -> Result<(), Violation> {
    let needed = asked.iter().any(|c| needs_answer(device, c));
    if device.version() < Version::V12_1 || needed {
        let breach = Violation::EmptyAnswer(Command::Sync);
        match asked.iter().any(|c| is_fresh(device, c)) {
            true => return Err(breach),
            false => device.bears(breach)?,
        }
    }
    for collection in asked {
        settle(device, &collection.id);
    }
    remember(device, sync, asked);
    Ok(())
}

fn needs_answer(device: &Device, asked: &SyncCollection) -> bool {
    is_fresh(device, asked) || !asked.commands.is_empty()
}

fn is_fresh(device: &Device, asked: &SyncCollection) -> bool {
    let known = device.collections.get(&asked.id);
    known.is_none_or(|c| c.key == "0")
}

fn settle(device: &mut Device, id: &str) {
    if let Some(collection) = device.collections.get_mut(id) {
        (collection.stale, collection.more) = (false, false);
    }
}

/// The request that a later empty or partial one refers to.
fn remember(device: &mut Device, sync: &Sync, asked: &[SyncCollection]) {
    let mut last = Sync {
        collections: asked.to_vec(),
        form: SyncForm::Full,
        ..sync.clone()
    };
    for collection in &mut last.collections {
        collection.commands.clear();
        collection.supported = None;
    }
    device.last_sync = Some(last);
}

fn collection(
    device: &mut Device,
    asked: &SyncCollection,
    node: &Node,
    outcome: &mut Outcome,
) -> Result<(), Violation> {
    let class: &[Tag] = if device.version() <= Version::V12_0 {
        &[tag::CLASS]
    } else {
        &[]
    };
    let rest: &[Tag] = &[tag::MORE_AVAILABLE, tag::COMMANDS, tag::RESPONSES];
    device.bears_if(in_order(
        node,
        &[
            class,
            &[tag::SYNC_KEY],
            &[tag::COLLECTION_ID],
            &[tag::STATUS],
            rest,
        ],
    ))?;
    let status = number(node, tag::STATUS)?;
    outcome.collections.push((asked.id.clone(), status));
    match status {
        1 => {}
        3 => {
            device
                .collections
                .entry(asked.id.clone())
                .and_modify(crate::state::Collection::reset);
            return Ok(());
        }
        8 | 12 => {
            device.folders_stale = true;
            return Ok(());
        }
        _ => return Ok(()),
    }
    let Some(known) = device.collections.get(&asked.id) else {
        return Err(Violation::Collection(asked.id.clone()));
    };
    let (old_key, class) = (known.key.clone(), known.class);
    if device.version() <= Version::V12_0 && node.text(tag::CLASS) != Some(class.name()) {
        device.bears(Violation::Missing {
            parent: node.tag,
            child: tag::CLASS,
        })?;
    }
    let key = required(node, tag::SYNC_KEY)?.to_owned();
    let commands = node.child(tag::COMMANDS);
    let responses = node.child(tag::RESPONSES);
    let told = commands.is_some() || responses.is_some();
    if key == "0" {
        return Err(Violation::KeyUnchanged(asked.id.clone(), key));
    }
    if key == old_key && told {
        device.bears(Violation::KeyUnchanged(asked.id.clone(), key.clone()))?;
    }
    if old_key == "0" && told {
        device.bears(Violation::ItemsOnKeyZero(asked.id.clone()))?;
    }
    own_commands(device, asked, responses, outcome)?;
    if let Some(commands) = commands {
        server_commands(device, asked, commands, outcome)?;
    }
    let more = node.child(tag::MORE_AVAILABLE).is_some();
    outcome.more |= more;
    if let Some(known) = device.collections.get_mut(&asked.id) {
        known.more = more;
        // The answer to key 0 holds no items, so they are still to come.
        known.stale = old_key == "0" || asked.get_changes == Some(false);
        known.key = key;
    }
    Ok(())
}

/// What became of the client's own commands.
fn own_commands(
    device: &mut Device,
    asked: &SyncCollection,
    responses: Option<&Node>,
    outcome: &mut Outcome,
) -> Result<(), Violation> {
    let mut left: Vec<&Node> = responses
        .map(Node::children)
        .unwrap_or_default()
        .iter()
        .collect();
    if responses.is_some() && left.is_empty() {
        device.bears(Violation::Missing {
            parent: tag::RESPONSES,
            child: tag::ADD,
        })?;
    }
    for command in &asked.commands {
        let (kind, name, of) = match command {
            SyncCommand::Add { client_id, .. } => (tag::ADD, tag::CLIENT_ID, client_id),
            SyncCommand::Change { id, .. } => (tag::CHANGE, tag::SERVER_ID, id),
            SyncCommand::Delete { id } => (tag::DELETE, tag::SERVER_ID, id),
            SyncCommand::Fetch { id } => (tag::FETCH, tag::SERVER_ID, id),
        };
        let at = left
            .iter()
            .position(|r| r.tag == kind && r.text(name) == Some(of));
        let response = at.map(|at| left.remove(at));
        let wrong = |what| Violation::Response(asked.id.clone(), of.clone(), what);
        let status = match response.map(|r| number(r, tag::STATUS)) {
            Some(Ok(status)) => Some(status),
            Some(Err(breach)) => {
                device.bears(breach)?;
                continue;
            }
            None if matches!(kind, tag::ADD | tag::FETCH) => {
                device.bears(wrong("none"))?;
                continue;
            }
            None => None,
        };
        let attachments = device.version() >= Version::V16_0 && kind == tag::CHANGE;
        if matches!(kind, tag::CHANGE | tag::DELETE) && status == Some(1) && !attachments {
            device.bears(wrong("a success that may not be told"))?;
        }
        let id = response
            .and_then(|r| r.text(tag::SERVER_ID))
            .filter(|id| !id.is_empty());
        if kind == tag::ADD && (status == Some(1)) != id.is_some() {
            device.bears(wrong("a ServerId goes with success, and only with it"))?;
        }
        let id = id.filter(|_| status.is_none_or(|s| s == 1));
        if let Some(status) = status {
            outcome.responses.push(Response {
                collection: asked.id.clone(),
                of: of.clone(),
                id: id.map(str::to_owned),
                status,
            });
        }
        if status.is_none_or(|s| s == 1) && (kind != tag::ADD || id.is_some()) {
            done(device, &asked.id, command, response, id)?;
        }
    }
    match left.first() {
        Some(extra) => {
            let of = extra.text(tag::SERVER_ID).unwrap_or("?").to_owned();
            let what = "for what was not sent";
            device.bears(Violation::Response(asked.id.clone(), of, what))
        }
        None => Ok(()),
    }
}

/// A command of the client went through: the database follows.
fn done(
    device: &mut Device,
    collection: &str,
    command: &SyncCommand,
    response: Option<&Node>,
    id: Option<&str>,
) -> Result<(), Violation> {
    let Some(known) = device.collections.get_mut(collection) else {
        return Ok(());
    };
    match command {
        SyncCommand::Add { properties, .. } => {
            let id = id.unwrap_or_default().to_owned();
            let properties = properties.clone();
            let before = known.items.insert(id.clone(), Item { properties });
            if before.is_some() {
                device.bears(Violation::AddedTwice(id))?;
            }
        }
        SyncCommand::Change { id, properties } => {
            if let Some(item) = known.items.get_mut(id) {
                item.merge(properties);
            }
        }
        SyncCommand::Delete { id } => {
            known.items.remove(id);
            known.gone.insert(id.clone());
        }
        SyncCommand::Fetch { id } => {
            let missing = Violation::Missing {
                parent: tag::FETCH,
                child: tag::APPLICATION_DATA,
            };
            let Some(data) = response.and_then(|r| r.child(tag::APPLICATION_DATA)) else {
                return device.bears(missing);
            };
            let properties = data.children().to_vec();
            known.items.insert(id.clone(), Item { properties });
        }
    }
    Ok(())
}

fn server_commands(
    device: &mut Device,
    asked: &SyncCollection,
    commands: &Node,
    outcome: &mut Outcome,
) -> Result<(), Violation> {
    let window = match window(device, asked) {
        0 => WINDOW_MAX,
        n => n.min(WINDOW_MAX),
    };
    let count = commands.children().len();
    if count == 0 {
        device.bears(Violation::Missing {
            parent: tag::COMMANDS,
            child: tag::ADD,
        })?;
    }
    if asked.get_changes == Some(false) || usize::try_from(window).is_ok_and(|n| count > n) {
        device.bears(Violation::Window(asked.id.clone(), count, window))?;
    }
    for command in commands.children() {
        server_command(device, &asked.id, command, outcome)?;
    }
    Ok(())
}

fn server_command(
    device: &mut Device,
    collection: &str,
    command: &Node,
    outcome: &mut Outcome,
) -> Result<(), Violation> {
    let id = required(command, tag::SERVER_ID)?.to_owned();
    let Some(known) = device.collections.get_mut(collection) else {
        return Ok(());
    };
    let named = (collection.to_owned(), id.clone());
    let missing = || Violation::Missing {
        parent: command.tag,
        child: tag::APPLICATION_DATA,
    };
    let data = command.child(tag::APPLICATION_DATA).map(Node::children);
    match command.tag {
        tag::ADD => {
            let properties = data.ok_or_else(missing)?.to_vec();
            let twice = once(command.tag, &properties);
            known.gone.remove(&id);
            match known.items.insert(id.clone(), Item { properties }) {
                None => outcome.added.push(named),
                // A phone that goes on has it once, as it was told last.
                Some(_) => {
                    outcome.changed.push(named);
                    device.bears(Violation::AddedTwice(id))?;
                }
            }
            device.bears_if(twice)?;
        }
        tag::CHANGE => {
            let properties = data.ok_or_else(missing)?;
            let twice = once(command.tag, properties);
            let Some(item) = known.items.get_mut(&id) else {
                return device.bears(Violation::Unknown(id, command.tag));
            };
            // A mail's change names what changed, other items come whole.
            match known.class {
                Class::Email => item.merge(properties),
                _ => item.replace(properties, &KEPT),
            }
            outcome.changed.push(named);
            device.bears_if(twice)?;
        }
        tag::DELETE | tag::SOFT_DELETE => {
            let known_gone = known.gone.remove(&id) && command.tag == tag::DELETE;
            let may_be_gone = known_gone || known.doubtful;
            if known.items.remove(&id).is_none() && !may_be_gone {
                return device.bears(Violation::Unknown(id, command.tag));
            }
            outcome.removed.push(named);
        }
        child => {
            return device.bears(Violation::Misplaced {
                parent: tag::COMMANDS,
                child,
            });
        }
    }
    Ok(())
}

/// No property twice.
fn once(parent: Tag, properties: &[Node]) -> Result<(), Violation> {
    for (i, node) in properties.iter().enumerate() {
        if properties
            .iter()
            .skip(i + 1)
            .any(|other| other.tag == node.tag)
        {
            return Err(Violation::Misplaced {
                parent,
                child: node.tag,
            });
        }
    }
    Ok(())
}
