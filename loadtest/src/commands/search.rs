//! Search of mailboxes, and Find ([MS-ASCMD] 2.2.1.16, 2.2.1.2).

use crate::check::{number, required};
use crate::operation::Outcome;
use crate::tree::{Node, node, text};
use crate::violation::Violation;
use roost::wbxml::Tag;
use roost::wbxml::tags::{airsync, airsyncbase, find, itemoperations, search};

/// A search of all folders for plain words, with some text of each result.
pub(crate) fn request(query: &str, range: (u32, u32)) -> Node {
    let words = node(search::AND, vec![text(search::FREE_TEXT, query)]);
    let body = vec![
        text(airsyncbase::TYPE, "1"),
        text(airsyncbase::TRUNCATION_SIZE, "200"),
    ];
    let options = vec![
        text(search::RANGE, format!("{}-{}", range.0, range.1)),
        node(airsyncbase::BODY_PREFERENCE, body),
    ];
    let store = vec![
        text(search::NAME, "Mailbox"),
        node(search::QUERY, vec![words]),
        node(search::OPTIONS, options),
    ];
    node(search::SEARCH, vec![node(search::STORE, store)])
}

/// Takes the results: LongId, status, class.
pub(crate) fn take(root: &Node, outcome: &mut Outcome) -> Result<(), Violation> {
    if number(root, search::STATUS)? != 1 {
        return Ok(());
    }
    let store = inside(root, &[search::RESPONSE, search::STORE])?;
    let status = number(store, search::STATUS)?;
    for result in store.all(search::RESULT) {
        // No hit: one empty Result.
        if result.child(search::PROPERTIES).is_none() {
            continue;
        }
        let id = required(result, search::LONG_ID)?.to_owned();
        required(result, airsync::COLLECTION_ID)?;
        let class = required(result, airsync::CLASS)?.to_owned();
        outcome.results.push((id, status, class));
    }
    if !outcome.results.is_empty() {
        required(store, search::RANGE)?;
        number(store, search::TOTAL)?;
    }
    Ok(())
}

/// A Find in all folders.
pub(crate) fn find_request(id: &str, query: &str, range: (u32, u32)) -> Node {
    let query = vec![text(airsync::CLASS, "Email"), text(find::FREE_TEXT, query)];
    let range = format!("{}-{}", range.0, range.1);
    let criterion = vec![
        node(find::QUERY, query),
        node(find::OPTIONS, vec![text(find::RANGE, range)]),
    ];
    let execute = vec![node(find::MAIL_BOX_SEARCH_CRITERION, criterion)];
    let children = vec![
        text(find::SEARCH_ID, id),
        node(find::EXECUTE_SEARCH, execute),
    ];
    node(find::FIND, children)
}

/// Takes the results of a Find: ServerId, status, class.
pub(crate) fn take_find(root: &Node, outcome: &mut Outcome) -> Result<(), Violation> {
    if number(root, find::STATUS)? != 1 {
        return Ok(());
    }
    let response = inside(root, &[find::RESPONSE])?;
    required(response, itemoperations::STORE)?;
    let status = number(response, find::STATUS)?;
    for result in response.all(find::RESULT) {
        let id = required(result, airsync::SERVER_ID)?.to_owned();
        let class = required(result, airsync::CLASS)?.to_owned();
        outcome.results.push((id, status, class));
    }
    if !outcome.results.is_empty() {
        required(response, find::RANGE)?;
        number(response, find::TOTAL)?;
    }
    Ok(())
}

fn inside<'a>(root: &'a Node, path: &[Tag]) -> Result<&'a Node, Violation> {
    let child = path.last().copied().unwrap_or(root.tag);
    let parent = root.tag;
    root.at(path).ok_or(Violation::Missing { parent, child })
}
