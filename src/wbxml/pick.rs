//! Copies some of the elements of a document that was written here.

use super::reader::Step;
use super::{Error, Reader, Tag, Writer};

/// Writes those children of the root of `document` that `keep` names into the open element of `w`,
/// with all that is in them. A value is copied whole where it is one piece, as the [`Writer`]
/// writes it.
///
/// # Errors
/// What is malformed, as for [`Reader`]; `w` is of no use then.
pub fn pick(document: &[u8], w: &mut Writer, keep: impl Fn(Tag) -> bool) -> Result<(), Error> {
    let mut reader = Reader::new(document)?;
    reader.root()?;
    // Elements that are open in `document` below the root, and the first of them that is not kept.
    let mut depth = 0_usize;
    let mut dropped = None;
    // An element that is named, and of which it is not known yet whether it has children.
    let mut named: Option<Tag> = None;
    // The open element is written whole already: it had a value.
    let mut has_value = false;
    loop {
        match reader.step()? {
            Step::Open(tag, has_content) => {
                if dropped.is_none() {
                    if let Some(parent) = named.take() {
                        w.open(parent);
                    }
                    if depth == 0 && !keep(tag) {
                        dropped = has_content.then_some(depth);
                    } else if has_content {
                        named = Some(tag);
                    } else {
                        w.empty(tag);
                    }
                }
                depth += usize::from(has_content);
            }
            Step::Close if depth == 0 => return Ok(()),
            Step::Close => {
                depth -= 1;
                if dropped == Some(depth) {
                    dropped = None;
                } else if dropped.is_some() || std::mem::take(&mut has_value) {
                } else if let Some(tag) = named.take() {
                    w.empty(tag);
                } else {
                    w.close();
                }
            }
            Step::Text(text) => {
                if let Some(tag) = named.take() {
                    w.text(tag, text);
                    has_value = true;
                }
            }
            Step::Opaque(bytes) => {
                if let Some(tag) = named.take() {
                    w.opaque(tag, bytes);
                    has_value = true;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wbxml::tags::{airsyncbase, email, email2, itemoperations};
    use crate::wbxml::xml::dump;

    fn document() -> Vec<u8> {
        let mut w = Writer::new();
        w.open(itemoperations::PROPERTIES);
        w.text(email::SUBJECT, "s");
        w.empty(email::CATEGORIES);
        w.opaque(email2::CONVERSATION_ID, &[0, 1]);
        w.open(airsyncbase::BODY);
        w.num(airsyncbase::TYPE, 1);
        w.text(airsyncbase::DATA, " ");
        w.empty(airsyncbase::PREVIEW);
        w.close();
        w.open(email::FLAG);
        w.close();
        w.text(email::FROM, "");
        w.close();
        w.finish()
    }

    fn picked(keep: impl Fn(Tag) -> bool) -> String {
        let mut w = Writer::new();
        w.open(itemoperations::PROPERTIES);
        pick(&document(), &mut w, keep).unwrap();
        w.close();
        dump(&w.finish()).unwrap()
    }

    #[test]
    fn all_or_some_or_nothing() {
        assert_eq!(picked(|_| true), dump(&document()).unwrap());
        let some = picked(|tag| tag != email::SUBJECT && tag != airsyncbase::BODY);
        assert!(
            !some.contains("Subject") && !some.contains("Type"),
            "{some}"
        );
        assert!(
            some.contains("ConversationId") && some.contains("<email:From/>"),
            "{some}"
        );
        let body = picked(|tag| tag == airsyncbase::BODY);
        assert_eq!(body.matches('<').count(), 9, "{body}");
        assert_eq!(picked(|_| false).trim(), "<itemoperations:Properties/>");
        let mut w = Writer::new();
        let whole = document();
        assert!(pick(&whole[..whole.len() - 2], &mut w, |_| true).is_err());
    }
}
