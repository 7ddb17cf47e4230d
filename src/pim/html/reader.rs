//! HTML taken apart into tags and text, in one pass and without a tree.
//!
//! What a mail program writes is seldom valid, so everything is taken as browsers take it: a `<`
//! that begins nothing is text, a quote that never closes closes at the next `>`.

/// A piece of a document.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Characters between tags, with their entities.
    Text(&'a str),
    /// `<name ...>`
    Open {
        name: &'a str,
        /// What stands between the name and the `>`.
        attributes: &'a str,
    },
    /// `</name>`
    Close(&'a str),
}

/// Reads a document piece by piece, in time linear to its length.
pub(super) struct Reader<'a> {
    rest: &'a str,
    /// Whether a search for `'` or `"` has failed: it would fail again, and cost the same again.
    unclosed: [bool; 2],
}

impl<'a> Reader<'a> {
    pub(super) fn new(html: &'a str) -> Self {
        Self {
            rest: html,
            unclosed: [false; 2],
        }
    }

    /// Drops everything up to the end tag of that name, which stays; to the end if there is none.
    pub(super) fn skip_to_end_of(&mut self, name: &str) {
        let mut from = 0;
        while let Some(at) = find(self.rest, from, "</") {
            let after = self.rest.get(at + 2..).unwrap_or_default();
            let tag = after.as_bytes().get(..name.len());
            if tag.is_some_and(|t| t.eq_ignore_ascii_case(name.as_bytes())) {
                self.advance(at);
                return;
            }
            from = at + 2;
        }
        self.rest = "";
    }

    fn advance(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    /// The end of the tag that begins at the front: the place of its `>`.
    fn tag_end(&mut self) -> Option<usize> {
        let bytes = self.rest.as_bytes();
        let mut at = 1;
        while let Some(&byte) = bytes.get(at) {
            match byte {
                b'>' => return Some(at),
                b'"' | b'\'' if bytes.get(at.saturating_sub(1)) == Some(&b'=') => {
                    let which = usize::from(byte == b'"');
                    let mark = if byte == b'"' { "\"" } else { "'" };
                    let unclosed = self.unclosed.get(which).copied().unwrap_or(true);
                    match (!unclosed).then(|| find(self.rest, at + 1, mark)).flatten() {
                        Some(end) => at = end,
                        None => {
                            if let Some(seen) = self.unclosed.get_mut(which) {
                                *seen = true;
                            }
                        }
                    }
                }
                _ => {}
            }
            at += 1;
        }
        None
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        loop {
            let rest = self.rest;
            let second = *rest.as_bytes().get(1).unwrap_or(&b' ');
            if !rest.starts_with('<') || !begins_tag(second) {
                if rest.is_empty() {
                    return None;
                }
                let end = text_end(rest);
                self.advance(end);
                return rest.get(..end).map(Piece::Text);
            }
            if let Some(comment) = rest.strip_prefix("<!--") {
                // `<!-->` is a whole comment.
                let end = if comment.starts_with('>') {
                    Some(4)
                } else {
                    find(rest, 4, "-->").map(|e| e + 2)
                };
                self.advance(end.map_or(rest.len(), |e| e + 1));
                continue;
            }
            let Some(end) = self.tag_end() else {
                self.rest = "";
                return None;
            };
            self.advance(end + 1);
            let tag = rest.get(1..end).unwrap_or_default();
            if tag.starts_with(['!', '?']) {
                continue;
            }
            let (closing, tag) = match tag.strip_prefix('/') {
                Some(tag) => (true, tag),
                None => (false, tag),
            };
            let (name, attributes) = tag.split_at(name_len(tag));
            return Some(if closing {
                Piece::Close(name)
            } else {
                Piece::Open { name, attributes }
            });
        }
    }
}

/// The value of an attribute, with its entities.
pub(super) fn attribute<'a>(attributes: &'a str, wanted: &str) -> Option<&'a str> {
    let mut rest = attributes;
    while let Some((before, after)) = rest.split_once('=') {
        let name = before.split_whitespace().next_back().unwrap_or_default();
        let value = after.trim_start();
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
        let (value, more) = match quote {
            Some(mark) => {
                let inner = value.get(1..).unwrap_or_default();
                inner.split_once(mark).unwrap_or((inner, ""))
            }
            None => value.split_once(char::is_whitespace).unwrap_or((value, "")),
        };
        if name.eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = more;
    }
    None
}

fn begins_tag(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b'/' | b'!' | b'?')
}

/// Where the text at the front ends: before the next `<` that begins something.
fn text_end(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let mut at = 1;
    while let Some(&byte) = bytes.get(at) {
        if byte == b'<' && bytes.get(at + 1).is_some_and(|&b| begins_tag(b)) {
            break;
        }
        at += 1;
    }
    // A `<` alone at the front is followed by any character.
    rest.ceil_char_boundary(at.min(rest.len()))
}

fn name_len(tag: &str) -> usize {
    tag.bytes()
        .take_while(|b| !b.is_ascii_whitespace() && !matches!(b, b'/' | b'>'))
        .count()
}

fn find(text: &str, from: usize, what: &str) -> Option<usize> {
    text.get(from..)?.find(what).map(|at| from + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(html: &str, expect: &str) {
        let pieces = Reader::new(html).map(|p| match p {
            Piece::Text(t) => t.to_owned(),
            Piece::Open { name, .. } => format!("[{name}]"),
            Piece::Close(name) => format!("[/{name}]"),
        });
        assert_eq!(pieces.collect::<Vec<_>>().join("|"), expect, "{html}");
    }

    #[test]
    fn documents_come_apart() {
        check("a<b>c</b >d", "a|[b]|c|[/b]|d");
        check("<br/><img src='a>b'>x", "[br]|[img]|x");
        check("<a href=\"x>y>z", "[a]|y>z");
        check("1 < 2 <3 & <é", "1 < 2 <3 & <é");
        check("<!DOCTYPE html><!-- <b> -->x<![if mso]>y<!--", "x|y");
        check("<!-->x", "x");
        check("<unfinished", "");
        check("<o:p>x</o:p>", "[o:p]|x|[/o:p]");
    }

    #[test]
    fn attributes_by_name() {
        let value = |a, n| attribute(a, n);
        assert_eq!(value(" src=x ALT=\"a b\"", "alt"), Some("a b"));
        assert_eq!(value(" alt = 'q' src=x", "alt"), Some("q"));
        assert_eq!(value(" title='alt=no' src=x", "alt"), None);
        assert_eq!(value(" disabled alt=x", "alt"), Some("x"));
    }
}
