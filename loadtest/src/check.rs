//! What holds for every answer: it decodes, it is of its version, and its values are of their types.

use crate::message::Answer;
use crate::operation::Outcome;
use crate::query::Command;
use crate::tree::{Content, Node};
use crate::version::Version;
use crate::violation::Violation;
use roost::wbxml::Tag;
use roost::wbxml::tags::{
    airsync, airsyncbase, calendar, composemail, contacts, email, find, folderhierarchy,
    getitemestimate, itemoperations, meetingresponse, moves, ping, provision, search, settings,
    tasks,
};

/// The type of WBXML bodies.
pub(crate) const WBXML: &str = "application/vnd.ms-sync.wbxml";
const MULTIPART: &str = "application/vnd.ms-sync.multipart";

/// Decodes an answer. `None` for an empty body.
/// The parts of a multipart answer but the first go to `outcome.fetched`.
pub(crate) fn decode(
    command: Command,
    answer: &Answer,
    outcome: &mut Outcome,
) -> Result<Option<Node>, Violation> {
    if answer.body.is_empty() {
        return Ok(None);
    }
    let kind = answer.header("Content-Type").unwrap_or_default();
    let document = match kind {
        WBXML => answer.body.as_slice(),
        MULTIPART if command == Command::ItemOperations => {
            let mut parts = parts(&answer.body)?.into_iter();
            let first = parts.next().ok_or(Violation::Multipart("no parts"))?;
            outcome.fetched = parts.map(<[u8]>::to_vec).collect();
            first
        }
        _ => return Err(Violation::ContentType(command, kind.to_owned())),
    };
    let root = Node::decode(document).map_err(|error| Violation::Body(command, error))?;
    if root.tag != root_tag(command) {
        return Err(Violation::Root(command, root.tag));
    }
    Ok(Some(root))
}

/// Whether all elements of an answer are of the version, and their values of their types.
pub(crate) fn nodes(version: Version, root: &Node) -> Result<(), Violation> {
    let mut wrong = None;
    root.walk(&mut |node| {
        if wrong.is_none() {
            wrong = check_node(version, node).err();
        }
    });
    wrong.map_or(Ok(()), Err)
}

/// The root element of a command's answer.
fn root_tag(command: Command) -> Tag {
    match command {
        Command::Sync => airsync::SYNC,
        Command::SendMail => composemail::SEND_MAIL,
        Command::SmartForward => composemail::SMART_FORWARD,
        Command::SmartReply => composemail::SMART_REPLY,
        Command::FolderSync => folderhierarchy::FOLDER_SYNC,
        Command::FolderCreate => folderhierarchy::FOLDER_CREATE,
        Command::FolderDelete => folderhierarchy::FOLDER_DELETE,
        Command::FolderUpdate => folderhierarchy::FOLDER_UPDATE,
        Command::MoveItems => moves::MOVE_ITEMS,
        Command::GetItemEstimate => getitemestimate::GET_ITEM_ESTIMATE,
        Command::GetHierarchy => folderhierarchy::FOLDERS,
        Command::MeetingResponse => meetingresponse::MEETING_RESPONSE,
        Command::Search => search::SEARCH,
        Command::Settings => settings::SETTINGS,
        Command::Ping => ping::PING,
        Command::ItemOperations => itemoperations::ITEM_OPERATIONS,
        Command::Provision => provision::PROVISION,
        Command::Find => find::FIND,
    }
}

/// The element that says how the whole command went.
pub(crate) fn status_tag(command: Command) -> Tag {
    match command {
        Command::Sync => airsync::STATUS,
        Command::SendMail | Command::SmartForward | Command::SmartReply => composemail::STATUS,
        Command::FolderSync
        | Command::FolderCreate
        | Command::FolderDelete
        | Command::FolderUpdate
        | Command::GetHierarchy => folderhierarchy::STATUS,
        Command::MeetingResponse => meetingresponse::STATUS,
        Command::MoveItems => moves::STATUS,
        Command::GetItemEstimate => getitemestimate::STATUS,
        Command::Search => search::STATUS,
        Command::Settings => settings::STATUS,
        Command::Ping => ping::STATUS,
        Command::ItemOperations => itemoperations::STATUS,
        Command::Provision => provision::STATUS,
        Command::Find => find::STATUS,
    }
}

/// The number in a required child.
pub(crate) fn number(parent: &Node, child: Tag) -> Result<u32, Violation> {
    parent.number(child).ok_or(Violation::Missing {
        parent: parent.tag,
        child,
    })
}

/// The text of a required child, which may not be empty.
pub(crate) fn required(parent: &Node, child: Tag) -> Result<&str, Violation> {
    let text = parent.text(child).filter(|text| !text.is_empty());
    text.ok_or(Violation::Missing {
        parent: parent.tag,
        child,
    })
}

/// Children stand in the order of `order`, where tags of one group may change places; each at most
/// once, and no others.
pub(crate) fn in_order(parent: &Node, order: &[&[Tag]]) -> Result<(), Violation> {
    let mut reached = 0;
    let mut seen: Vec<Tag> = Vec::new();
    for node in parent.children() {
        let misplaced = || Violation::Misplaced {
            parent: parent.tag,
            child: node.tag,
        };
        let group = order.iter().position(|group| group.contains(&node.tag));
        let group = group.filter(|group| *group >= reached && !seen.contains(&node.tag));
        reached = group.ok_or_else(misplaced)?;
        seen.push(node.tag);
    }
    Ok(())
}

fn check_node(version: Version, node: &Node) -> Result<(), Violation> {
    if node.tag.versions() & version.bit() == 0 {
        return Err(Violation::Version(version, node.tag));
    }
    let Content::Text(text) = &node.content else {
        return Ok(());
    };
    let (right, kind) = match node.tag {
        calendar::START_TIME | calendar::END_TIME | calendar::DT_STAMP => {
            (shape(text, "dddddddd.dddddd."), "a compact date")
        }
        email::DATE_RECEIVED
        | contacts::BIRTHDAY
        | contacts::ANNIVERSARY
        | tasks::DUE_DATE
        | tasks::UTC_DUE_DATE
        | tasks::START_DATE
        | tasks::UTC_START_DATE
        | tasks::DATE_COMPLETED => (
            shape(text, "dddd-dd-dd.dd:dd:dd.ddd."),
            "a date with dashes",
        ),
        email::READ
        | calendar::ALL_DAY_EVENT
        | tasks::COMPLETE
        | airsyncbase::TRUNCATED
        | airsyncbase::IS_INLINE => (matches!(text.as_str(), "0" | "1"), "0 or 1"),
        airsyncbase::TYPE => (
            matches!(text.as_str(), "1" | "2" | "3" | "4"),
            "a body type",
        ),
        email::IMPORTANCE
        | tasks::IMPORTANCE
        | calendar::SENSITIVITY
        | calendar::BUSY_STATUS
        | airsyncbase::ESTIMATED_DATA_SIZE
        | airsyncbase::METHOD
        | airsyncbase::NATIVE_BODY_TYPE => (text.parse::<u32>().is_ok(), "a number"),
        airsync::SYNC_KEY | airsync::SERVER_ID | airsync::COLLECTION_ID => {
            (text.chars().count() <= 64, "an id of at most 64 characters")
        }
        _ => return Ok(()),
    };
    if right {
        Ok(())
    } else {
        Err(Violation::Value(node.tag, text.clone(), kind))
    }
}

/// Whether a text has a shape: `d` stands for a digit, `.` for one of `TZ.`.
fn shape(text: &str, shape: &str) -> bool {
    text.len() == shape.len()
        && text.bytes().zip(shape.bytes()).all(|(c, s)| match s {
            b'd' => c.is_ascii_digit(),
            b'.' => b"TZ.".contains(&c),
            _ => c == s,
        })
}

/// The parts of a multipart answer ([MS-ASCMD] 2.2.2.10.1).
fn parts(body: &[u8]) -> Result<Vec<&[u8]>, Violation> {
    let word = |at: usize| -> Result<usize, Violation> {
        let bytes = body
            .get(at..at + 4)
            .and_then(|b| <[u8; 4]>::try_from(b).ok());
        let word = bytes.and_then(|b| usize::try_from(u32::from_le_bytes(b)).ok());
        word.ok_or(Violation::Multipart("the table of parts is cut off"))
    };
    let count = word(0)?;
    if count > body.len() / 8 {
        return Err(Violation::Multipart("more parts than bytes"));
    }
    (0..count)
        .map(|i| {
            let (from, len) = (word(4 + i * 8)?, word(8 + i * 8)?);
            let part = from.checked_add(len).and_then(|to| body.get(from..to));
            part.ok_or(Violation::Multipart("a part lies outside of the body"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{empty, node, text};

    fn check(version: Version, command: Command, body: &Node) -> Result<Option<Node>, Violation> {
        let headers = vec![("content-type".to_owned(), WBXML.to_owned())];
        let answer = Answer {
            status: 200,
            headers,
            body: body.encode(),
        };
        let root = decode(command, &answer, &mut Outcome::default())?;
        root.iter()
            .try_for_each(|root| nodes(version, root))
            .map(|()| root.clone())
    }

    #[test]
    fn elements_of_newer_versions_are_a_breach() {
        let body = node(airsync::SYNC, vec![empty(airsyncbase::LOCATION)]);
        assert!(check(Version::V16_0, Command::Sync, &body).is_ok());
        assert_eq!(
            check(Version::V14_1, Command::Sync, &body),
            Err(Violation::Version(Version::V14_1, airsyncbase::LOCATION))
        );
    }

    #[test]
    fn dates_have_the_form_of_their_class() {
        let body = |value| node(airsync::SYNC, vec![text(email::DATE_RECEIVED, value)]);
        assert!(
            check(
                Version::V2_5,
                Command::Sync,
                &body("2026-01-31T10:00:00.000Z")
            )
            .is_ok()
        );
        assert!(check(Version::V2_5, Command::Sync, &body("20260131T100000Z")).is_err());
    }

    #[test]
    fn another_root_is_a_breach() {
        let root = check(Version::V14_1, Command::Ping, &empty(airsync::SYNC));
        assert_eq!(root, Err(Violation::Root(Command::Ping, airsync::SYNC)));
    }

    #[test]
    fn multipart_is_taken_apart_within_its_bounds() {
        let mut body = vec![2, 0, 0, 0, 20, 0, 0, 0, 1, 0, 0, 0, 21, 0, 0, 0, 2, 0, 0, 0];
        body.extend_from_slice(b"abc");
        assert_eq!(parts(&body), Ok(vec![&b"a"[..], &b"bc"[..]]));
        assert!(parts(&body[..22]).is_err());
        assert!(parts(&[0xFF, 0xFF, 0xFF, 0xFF]).is_err());
        assert!(parts(&[]).is_err());
    }
}
