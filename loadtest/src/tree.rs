//! A decoded document as a tree: a phone keeps what it was sent, a server streams it.

use roost::wbxml::{Error, Reader, Tag, Writer};

/// An element with what is in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Node {
    /// Its name.
    pub tag: Tag,
    /// Its content.
    pub content: Content,
}

/// What an element holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Content {
    /// Nothing.
    Empty,
    /// Text, inline or opaque.
    Text(String),
    /// Opaque bytes that are not UTF-8, or that shall be sent as opaque.
    Opaque(Vec<u8>),
    /// Elements.
    Nodes(Vec<Node>),
}

/// An element with children.
#[must_use]
pub fn node(tag: Tag, children: Vec<Node>) -> Node {
    let content = if children.is_empty() {
        Content::Empty
    } else {
        Content::Nodes(children)
    };
    Node { tag, content }
}

/// An element with text.
#[must_use]
pub fn text(tag: Tag, text: impl Into<String>) -> Node {
    let text = text.into();
    let content = if text.is_empty() {
        Content::Empty
    } else {
        Content::Text(text)
    };
    Node { tag, content }
}

/// An empty element.
#[must_use]
pub fn empty(tag: Tag) -> Node {
    Node {
        tag,
        content: Content::Empty,
    }
}

/// An element with opaque bytes.
#[must_use]
pub fn opaque(tag: Tag, bytes: impl Into<Vec<u8>>) -> Node {
    Node {
        tag,
        content: Content::Opaque(bytes.into()),
    }
}

impl Node {
    /// Reads a document.
    ///
    /// # Errors
    /// What is malformed in it.
    pub fn decode(document: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(document)?;
        let root = reader.root()?;
        read(&mut reader, root)
    }

    /// Writes a document with this as its root.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        write(self, &mut writer);
        writer.finish()
    }

    /// Its children; none if it holds text.
    #[must_use]
    pub fn children(&self) -> &[Self] {
        match &self.content {
            Content::Nodes(nodes) => nodes,
            _ => &[],
        }
    }

    /// The first child with this name.
    #[must_use]
    pub fn child(&self, tag: Tag) -> Option<&Self> {
        self.children().iter().find(|node| node.tag == tag)
    }

    /// The children with this name.
    pub fn all(&self, tag: Tag) -> impl Iterator<Item = &Self> {
        self.children().iter().filter(move |node| node.tag == tag)
    }

    /// Its text: "" if it is empty, `None` if it holds elements or bytes.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match &self.content {
            Content::Empty => Some(""),
            Content::Text(text) => Some(text),
            Content::Opaque(_) | Content::Nodes(_) => None,
        }
    }

    /// The text of the first child with this name.
    #[must_use]
    pub fn text(&self, tag: Tag) -> Option<&str> {
        self.child(tag)?.as_text()
    }

    /// The number in the first child with this name.
    #[must_use]
    pub fn number(&self, tag: Tag) -> Option<u32> {
        self.text(tag)?.trim().parse().ok()
    }

    /// Follows a path of first children.
    #[must_use]
    pub fn at(&self, path: &[Tag]) -> Option<&Self> {
        path.iter().try_fold(self, |node, tag| node.child(*tag))
    }

    /// Calls `each` for this element and all below it, parents first.
    pub fn walk<'a>(&'a self, each: &mut dyn FnMut(&'a Self)) {
        each(self);
        for child in self.children() {
            child.walk(each);
        }
    }
}

/// Recursion is bounded by the depth that the reader allows.
fn read(reader: &mut Reader<'_>, tag: Tag) -> Result<Node, Error> {
    let mut probe = reader.clone();
    let content = match probe.bytes() {
        Ok([]) => Content::Empty,
        Ok(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Content::Text(text.to_owned()),
            Err(_) => Content::Opaque(bytes.to_vec()),
        },
        Err(Error::Pieces) => {
            probe = reader.clone();
            Content::Text(probe.text()?.into_owned())
        }
        Err(Error::Element(_)) => {
            probe = reader.clone();
            let mut nodes = Vec::new();
            while let Some(child) = probe.child()? {
                nodes.push(read(&mut probe, child)?);
            }
            Content::Nodes(nodes)
        }
        Err(error) => return Err(error),
    };
    *reader = probe;
    Ok(Node { tag, content })
}

fn write(node: &Node, writer: &mut Writer) {
    match &node.content {
        Content::Empty => writer.empty(node.tag),
        Content::Text(text) => writer.text(node.tag, text),
        Content::Opaque(bytes) => writer.opaque(node.tag, bytes),
        Content::Nodes(nodes) => {
            writer.open(node.tag);
            for child in nodes {
                write(child, writer);
            }
            writer.close();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use roost::wbxml::tags::{airsync, airsyncbase, email2, ping};

    #[test]
    fn what_is_written_reads_back() {
        let tree = node(
            airsync::SYNC,
            vec![
                text(airsync::SYNC_KEY, "1"),
                empty(airsync::MORE_AVAILABLE),
                node(
                    airsyncbase::BODY,
                    vec![text(airsyncbase::DATA, "h\u{e9}llo")],
                ),
                opaque(email2::CONVERSATION_ID, [0xFF, 0, 1]),
            ],
        );
        assert_eq!(Node::decode(&tree.encode()), Ok(tree));
    }

    #[test]
    fn empty_roots_and_paths() {
        let root = Node::decode(&empty(ping::PING).encode()).unwrap();
        assert_eq!((root.as_text(), root.children().len()), (Some(""), 0));
        assert_eq!(root.at(&[ping::STATUS]), None);
        assert!(Node::decode(&[3, 1, 0x6A, 0, 0x45]).is_err());
    }
}
