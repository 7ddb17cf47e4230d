//! GetItemEstimate, MoveItems and ItemOperations ([MS-ASCMD] 2.2.1.9, 2.2.1.12, 2.2.1.10).

use super::sync_request::options;
use crate::check::{number, required};
use crate::device::Device;
use crate::operation::{Fetch, Outcome, SyncOptions};
use crate::state::Class;
use crate::tree::{Content, Node, empty, node, text};
use crate::version::Version;
use crate::violation::Violation;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use roost::wbxml::tags::{
    airsync, airsyncbase, getitemestimate as estimate, itemoperations, moves,
};

/// MoveItems calls success 3.
const MOVED: u32 = 3;

pub(crate) fn estimate_request(device: &Device, ids: &[String]) -> Node {
    let collection = |id: &String| {
        let known = device.collections.get(id);
        let key = text(airsync::SYNC_KEY, known.map_or("0", |c| c.key.as_str()));
        let class = known.map_or(Class::Email, |c| c.class);
        let id = text(estimate::COLLECTION_ID, id);
        let children = if device.version() <= Version::V12_1 {
            let filter = text(airsync::FILTER_TYPE, "0");
            vec![text(estimate::CLASS, class.name()), id, filter, key]
        } else {
            let all = SyncOptions {
                filter: Some(0),
                ..SyncOptions::default()
            };
            vec![
                key,
                id,
                node(airsync::OPTIONS, options(device.version(), class, all)),
            ]
        };
        node(estimate::COLLECTION, children)
    };
    let collections = node(estimate::COLLECTIONS, ids.iter().map(collection).collect());
    node(estimate::GET_ITEM_ESTIMATE, vec![collections])
}

pub(crate) fn take_estimate(
    device: &Device,
    ids: &[String],
    root: &Node,
    outcome: &mut Outcome,
) -> Result<(), Violation> {
    for response in root.all(estimate::RESPONSE) {
        let status = number(response, estimate::STATUS)?;
        let Some(collection) = response.child(estimate::COLLECTION) else {
            outcome.results.push((String::new(), status, String::new()));
            continue;
        };
        let id = required(collection, estimate::COLLECTION_ID)?.to_owned();
        if !ids.contains(&id) {
            return Err(Violation::Collection(id));
        }
        if device.version() <= Version::V12_0 {
            required(collection, estimate::CLASS)?;
        }
        let count = match status {
            1 => number(collection, estimate::ESTIMATE)?.to_string(),
            _ => String::new(),
        };
        outcome.collections.push((id.clone(), status));
        outcome.results.push((id, status, count));
    }
    if outcome.results.len() != ids.len() {
        return Err(Violation::Missing {
            parent: root.tag,
            child: estimate::RESPONSE,
        });
    }
    Ok(())
}

pub(crate) fn move_request(moves: &[(String, String, String)]) -> Node {
    let one = |(id, from, to): &(String, String, String)| {
        node(
            moves::MOVE,
            vec![
                text(moves::SRC_MSG_ID, id),
                text(moves::SRC_FLD_ID, from),
                text(moves::DST_FLD_ID, to),
            ],
        )
    };
    node(moves::MOVE_ITEMS, moves.iter().map(one).collect())
}

pub(crate) fn take_move(
    device: &mut Device,
    asked: &[(String, String, String)],
    root: &Node,
    outcome: &mut Outcome,
) -> Result<(), Violation> {
    let responses: Vec<&Node> = root.all(moves::RESPONSE).collect();
    if responses.len() != asked.len() {
        return Err(Violation::Missing {
            parent: root.tag,
            child: moves::RESPONSE,
        });
    }
    for ((id, from, to), response) in asked.iter().zip(responses) {
        if required(response, moves::SRC_MSG_ID)? != id {
            return Err(Violation::Response(
                from.clone(),
                id.clone(),
                "out of order",
            ));
        }
        let status = number(response, moves::STATUS)?;
        let new = response.text(moves::DST_MSG_ID).unwrap_or_default();
        if status == MOVED {
            required(response, moves::DST_MSG_ID)?;
            let item = device.collections.get_mut(from).and_then(|source| {
                source.gone.insert(id.clone());
                source.items.remove(id)
            });
            let keeps = device.identity.profile.keeps_moved;
            if let (Some(item), Some(target)) = (item, device.collections.get_mut(to)) {
                // Else the next Sync brings it to its new place.
                target.stale = true;
                if keeps && target.key != "0" {
                    target.items.insert(new.to_owned(), item);
                }
            }
        }
        outcome.results.push((id.clone(), status, new.to_owned()));
    }
    Ok(())
}

pub(crate) fn fetch_request(what: &[Fetch]) -> Node {
    let one = |fetch: &Fetch| {
        let mut children = vec![text(itemoperations::STORE, "Mailbox")];
        match fetch {
            Fetch::Item {
                collection,
                id,
                body,
            } => {
                children.push(text(airsync::COLLECTION_ID, collection));
                children.push(text(airsync::SERVER_ID, id));
                let mut options = Vec::new();
                if *body == 4 {
                    options.push(text(airsync::MIME_SUPPORT, "2"));
                }
                let kind = text(airsyncbase::TYPE, body.to_string());
                options.push(node(airsyncbase::BODY_PREFERENCE, vec![kind]));
                children.push(node(itemoperations::OPTIONS, options));
            }
            Fetch::Attachment(reference) => {
                children.push(text(airsyncbase::FILE_REFERENCE, reference));
            }
        }
        node(itemoperations::FETCH, children)
    };
    node(
        itemoperations::ITEM_OPERATIONS,
        what.iter().map(one).collect(),
    )
}

pub(crate) fn empty_request(id: &str, subfolders: bool) -> Node {
    let mut children = vec![text(airsync::COLLECTION_ID, id)];
    if subfolders {
        let all = empty(itemoperations::DELETE_SUB_FOLDERS);
        children.push(node(itemoperations::OPTIONS, vec![all]));
    }
    let contents = node(itemoperations::EMPTY_FOLDER_CONTENTS, children);
    node(itemoperations::ITEM_OPERATIONS, vec![contents])
}

pub(crate) fn take_empty(id: &str, root: &Node, outcome: &mut Outcome) -> Result<(), Violation> {
    if number(root, itemoperations::STATUS)? != 1 {
        return Ok(());
    }
    let path = [
        itemoperations::RESPONSE,
        itemoperations::EMPTY_FOLDER_CONTENTS,
    ];
    let missing = Violation::Missing {
        parent: root.tag,
        child: itemoperations::EMPTY_FOLDER_CONTENTS,
    };
    let emptied = root.at(&path).ok_or(missing)?;
    let status = number(emptied, itemoperations::STATUS)?;
    let of = required(emptied, airsync::COLLECTION_ID)?;
    if of != id {
        return Err(Violation::Collection(of.to_owned()));
    }
    outcome.results.push((id.to_owned(), status, String::new()));
    Ok(())
}

pub(crate) fn take_fetch(
    what: &[Fetch],
    multipart: bool,
    root: &Node,
    outcome: &mut Outcome,
) -> Result<(), Violation> {
    if number(root, itemoperations::STATUS)? != 1 {
        return Ok(());
    }
    let parts = std::mem::take(&mut outcome.fetched);
    let missing = Violation::Missing {
        parent: root.tag,
        child: itemoperations::RESPONSE,
    };
    let response = root.child(itemoperations::RESPONSE).ok_or(missing)?;
    let fetches: Vec<&Node> = response.all(itemoperations::FETCH).collect();
    if fetches.len() != what.len() {
        return Err(Violation::Missing {
            parent: response.tag,
            child: itemoperations::FETCH,
        });
    }
    for (asked, fetch) in what.iter().zip(fetches) {
        let status = number(fetch, itemoperations::STATUS)?;
        let of = match asked {
            Fetch::Item { id, .. } => (required(fetch, airsync::SERVER_ID)?, id),
            Fetch::Attachment(id) => (required(fetch, airsyncbase::FILE_REFERENCE)?, id),
        };
        if of.0 != of.1 {
            return Err(Violation::Response(
                String::new(),
                of.1.clone(),
                "out of order",
            ));
        }
        outcome.results.push((of.1.clone(), status, String::new()));
        if status == 1 {
            let missing = Violation::Missing {
                parent: fetch.tag,
                child: itemoperations::PROPERTIES,
            };
            let properties = fetch.child(itemoperations::PROPERTIES).ok_or(missing)?;
            outcome
                .fetched
                .push(content(asked, properties, multipart, &parts)?);
        }
    }
    Ok(())
}

/// The bytes of a body or an attachment: a part, text, or base64.
fn content(
    asked: &Fetch,
    properties: &Node,
    multipart: bool,
    parts: &[Vec<u8>],
) -> Result<Vec<u8>, Violation> {
    let (holder, data) = match asked {
        Fetch::Attachment(_) => (properties, itemoperations::DATA),
        Fetch::Item { .. } => match properties.child(airsyncbase::BODY) {
            Some(body) => (body, airsyncbase::DATA),
            None => return Ok(Vec::new()),
        },
    };
    if multipart && let Some(index) = holder.number(itemoperations::PART) {
        // Part 0 is the document itself.
        let part = usize::try_from(index)
            .ok()
            .and_then(|i| parts.get(i.checked_sub(1)?));
        return part
            .cloned()
            .ok_or(Violation::Multipart("a Part that is not there"));
    }
    let value = match holder.child(data).map(|node| &node.content) {
        Some(Content::Text(text)) => text.clone().into_bytes(),
        Some(Content::Opaque(bytes)) => bytes.clone(),
        Some(Content::Empty | Content::Nodes(_)) | None => Vec::new(),
    };
    match asked {
        Fetch::Item { .. } => Ok(value),
        Fetch::Attachment(reference) => STANDARD
            .decode(value)
            .map_err(|_| Violation::Value(data, reference.clone(), "base64")),
    }
}
