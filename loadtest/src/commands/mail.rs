//! SendMail, SmartReply and SmartForward ([MS-ASCMD] 2.2.1.17, 2.2.1.19, 2.2.1.20) from 14.0 on; before,
//! the message is the body itself.

use crate::check::number;
use crate::operation::Outcome;
use crate::query::Command;
use crate::tree::{Node, empty, node, opaque, text};
use crate::version::Version;
use crate::violation::Violation;
use roost::wbxml::tags::composemail as tag;

pub(crate) fn request(client_id: &str, mime: &[u8], save: bool) -> Node {
    let mut children = vec![text(tag::CLIENT_ID, client_id)];
    if save {
        children.push(empty(tag::SAVE_IN_SENT_ITEMS));
    }
    children.push(opaque(tag::MIME, mime));
    node(tag::SEND_MAIL, children)
}

pub(crate) fn smart_request(
    forward: bool,
    of: &(String, String),
    client_id: &str,
    mime: &[u8],
    save: bool,
) -> Node {
    let root = if forward {
        tag::SMART_FORWARD
    } else {
        tag::SMART_REPLY
    };
    let source = vec![text(tag::FOLDER_ID, &of.0), text(tag::ITEM_ID, &of.1)];
    let mut children = vec![text(tag::CLIENT_ID, client_id), node(tag::SOURCE, source)];
    if save {
        children.push(empty(tag::SAVE_IN_SENT_ITEMS));
    }
    children.push(opaque(tag::MIME, mime));
    node(root, children)
}

/// Success is silent; a failure says why, in WBXML from 14.0 on.
pub(crate) fn take(
    version: Version,
    tree: Option<&Node>,
    outcome: &Outcome,
) -> Result<(), Violation> {
    let Some(root) = tree else { return Ok(()) };
    let status = number(root, tag::STATUS)?;
    if version < Version::V14_0 || status == 1 {
        let bytes = outcome.tree.as_ref().map_or(0, |tree| tree.encode().len());
        return Err(Violation::FullAnswer(Command::SendMail, bytes));
    }
    Ok(())
}
