//! What a server did that the protocol does not allow, as a client would trip over it.

use crate::query::Command;
use crate::version::Version;
use roost::wbxml::{self, Tag};

/// A breach of the protocol by the server.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Violation {
    /// A body that does not decode.
    #[error("{0:?}: the body does not decode: {1}")]
    Body(Command, wbxml::Error),
    /// An empty body where something has to be said.
    #[error("{0:?}: an empty answer")]
    EmptyAnswer(Command),
    /// A body where none may be.
    #[error("{0:?}: {1} bytes where the answer has to be empty")]
    FullAnswer(Command, usize),
    /// A body with another `Content-Type` than its kind has.
    #[error("{0:?}: Content-Type {1:?}")]
    ContentType(Command, String),
    /// A header that is missing or unreadable.
    #[error("header {0}: {1:?}")]
    Header(&'static str, Option<String>),
    /// Another root element.
    #[error("{0:?}: the root is {1}")]
    Root(Command, Tag),
    /// An element that this version does not have.
    #[error("{1} does not exist in {0}")]
    Version(Version, Tag),
    /// A required element is missing or holds nothing readable.
    #[error("{parent}: {child} is missing or unreadable")]
    Missing {
        /// Where it should stand.
        parent: Tag,
        /// What should stand there.
        child: Tag,
    },
    /// An element that may not stand there, or not there twice, or not at this place in the order.
    #[error("{parent}: {child} may not stand here")]
    Misplaced {
        /// The element around it.
        parent: Tag,
        /// What stands there.
        child: Tag,
    },
    /// A value that is not of the element's type.
    #[error("{0}: {1:?} is not {2}")]
    Value(Tag, String, &'static str),
    /// A collection that was not asked for, or twice in one answer.
    #[error("collection {0} was not asked for")]
    Collection(String),
    /// A collection that was asked for and has to be answered.
    #[error("collection {0} was not answered")]
    Unanswered(String),
    /// A new item that the device has already.
    #[error("{0}: Add of an item that is here already")]
    AddedTwice(String),
    /// A change or deletion of an item that the device does not have.
    #[error("{0}: {1} of an item that is not here")]
    Unknown(String, Tag),
    /// Changes or responses came with the key that was sent.
    #[error("collection {0}: changes under the unchanged key {1}")]
    KeyUnchanged(String, String),
    /// An answer to key 0 with items.
    #[error("collection {0}: items in the answer to key 0")]
    ItemsOnKeyZero(String),
    /// More changes than the window allows.
    #[error("collection {0}: {1} changes in a window of {2}")]
    Window(String, usize, u32),
    /// A client's command was not answered, or answered though it was not sent.
    #[error("collection {0}: response for {1:?}: {2}")]
    Response(String, String, &'static str),
    /// `Count` differs from the number of entries.
    #[error("FolderSync: Count {0}, but {1} entries")]
    Count(u32, usize),
    /// A folder before its parent, a second folder of a default type, and the like.
    #[error("folder {0}: {1}")]
    Folder(String, &'static str),
    /// A policy key that is 0, not a number, or the same in both phases.
    #[error("policy key {0:?}")]
    PolicyKey(String),
    /// The parts of a multipart answer do not add up.
    #[error("multipart: {0}")]
    Multipart(&'static str),
    /// An answer came though nothing was asked.
    #[error("nothing was asked")]
    Unasked,
}

impl Violation {
    /// What it is, whatever item, folder or value it is about.
    #[must_use]
    pub fn kind(&self) -> String {
        match self {
            Self::Body(command, _) => format!("{command:?}: the body does not decode"),
            Self::FullAnswer(command, _) => format!("{command:?}: an answer that has to be empty"),
            Self::Header(name, None) => format!("header {name} is missing"),
            Self::Header(name, Some(_)) => format!("header {name}"),
            Self::Value(tag, _, kind) => format!("{tag} is not {kind}"),
            Self::Collection(_) => "a collection that was not asked for".to_owned(),
            Self::Unanswered(_) => "a collection that was not answered".to_owned(),
            Self::AddedTwice(_) => "Add of an item that is here already".to_owned(),
            Self::Unknown(_, tag) => format!("{tag} of an item that is not here"),
            Self::KeyUnchanged(..) => "changes under an unchanged key".to_owned(),
            Self::ItemsOnKeyZero(_) => "items in the answer to key 0".to_owned(),
            Self::Window(..) => "more changes than the window allows".to_owned(),
            Self::Response(_, _, what) => format!("a response to a change: {what}"),
            Self::Count(..) => "FolderSync: Count is not the number of entries".to_owned(),
            // "of type 8" is no id.
            Self::Folder(of, what) if of.starts_with("of type") => format!("folder {of} {what}"),
            Self::Folder(_, what) => format!("a folder {what}"),
            Self::PolicyKey(_) => "a policy key".to_owned(),
            other => other.to_string(),
        }
    }
}
