//! Where the parts of a MIME message stand: one forward pass over the bytes (RFC 2046 5.1).
//!
//! Written for hostile and broken mail: no recursion, no copy of the body, a bound on parts and
//! on nesting, and a message that ends in the middle still gives every part that began. Embedded
//! messages (`message/rfc822`) are leaves; they are opened by inspecting their own bytes.
//!
//! A general parser is not used here because it decodes every attachment, and because its tree
//! of embedded messages is as deep as the sender likes.

use super::header::Headers;
use super::transfer;
use crate::limits::{MIME_DEPTH_MAX, MIME_HEADER_BYTES_MAX, MIME_PARTS_MAX};
use crate::pim::message::Transfer;
use std::ops::Range;

/// One entity of a message: the message itself, a multipart, or a leaf.
#[derive(Debug)]
pub(super) struct Entity<'a> {
    /// Its header fields.
    pub(super) headers: Headers<'a>,
    /// `type/subtype`, lower case; the default of RFC 2046 where the header has none.
    pub(super) content_type: String,
    /// The encoded body within the message.
    pub(super) body: Range<usize>,
    /// Indexes of its children, empty for a leaf.
    pub(super) children: Vec<usize>,
    /// How the body is encoded.
    pub(super) encoding: Transfer,
}

/// A multipart whose end has not been seen yet.
struct Open {
    index: usize,
    boundary: String,
}

/// The entities of `raw` in the order of the bytes; the first is the message itself.
pub(super) fn entities(raw: &[u8]) -> Vec<Entity<'_>> {
    let mut found: Vec<Entity<'_>> = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    // The children of open multiparts are entered at once, so a cut message keeps them.
    let mut at = Some(start_of_headers(raw));
    while let Some(from) = at {
        let index = found.len();
        let entity = read_entity(raw, from, &found, &open);
        let body_from = entity.body.start;
        let is_multipart = entity.content_type.starts_with("multipart/");
        let boundary = (is_multipart && open.len() < MIME_DEPTH_MAX)
            .then(|| entity.headers.type_parameter("boundary"))
            .flatten()
            .map(|b| b.trim_end().to_owned())
            .filter(|b| !b.is_empty());
        if let Some(parent) = open.last().and_then(|o| found.get_mut(o.index)) {
            parent.children.push(index);
        }
        found.push(entity);
        if let Some(boundary) = boundary {
            open.push(Open { index, boundary });
        }
        at = next_part(raw, body_from, &mut found, &mut open, index);
        if found.len() >= MIME_PARTS_MAX {
            break;
        }
    }
    found
}

/// Skips what an mbox or a careless client leaves before the first field.
fn start_of_headers(raw: &[u8]) -> usize {
    let line_end = raw.iter().position(|&b| b == b'\n').map_or(0, |p| p + 1);
    if raw.starts_with(b"From ") || raw.starts_with(b">From ") {
        line_end
    } else if raw.starts_with(b"\xef\xbb\xbf") {
        3
    } else {
        0
    }
}

fn read_entity<'a>(raw: &'a [u8], from: usize, found: &[Entity<'a>], open: &[Open]) -> Entity<'a> {
    let (head_to, body_from) = header_end(raw, from, open);
    let kept = head_to.min(from + MIME_HEADER_BYTES_MAX);
    let headers = Headers::parse(raw.get(from..kept).unwrap_or_default());
    let in_digest = open
        .last()
        .and_then(|o| found.get(o.index))
        .is_some_and(|p| p.content_type == "multipart/digest");
    let default = if in_digest {
        "message/rfc822"
    } else {
        "text/plain"
    };
    let content_type = headers.mime_type().unwrap_or_else(|| default.to_owned());
    let encoding = transfer::named(headers.transfer_encoding());
    Entity {
        headers,
        content_type,
        body: body_from..raw.len(),
        children: Vec::new(),
        encoding,
    }
}

/// Where the header block that begins at `from` ends, and where the body begins.
fn header_end(raw: &[u8], from: usize, open: &[Open]) -> (usize, usize) {
    let mut at = from;
    let mut fields = 0_usize;
    while let Some(line) = line_at(raw, at) {
        let text = trim_end(line);
        if text.is_empty() {
            return (at, at + line.len());
        }
        if line.starts_with(b"--") && matching(text, open).is_some() {
            return (at, at);
        }
        let folded = fields > 0 && matches!(line.first(), Some(b' ' | b'\t'));
        if !folded && !looks_like_field(line) {
            // One stray line among fields is passed over; anything more is the body of a
            // message that lacks the blank line.
            let next = line_at(raw, at + line.len()).unwrap_or_default();
            if fields == 0 || !(looks_like_field(next) || trim_end(next).is_empty()) {
                return (at, at);
            }
        }
        fields += 1;
        at += line.len();
    }
    (raw.len(), raw.len())
}

/// Whether the line has a field name and a colon (RFC 5322 2.2).
fn looks_like_field(line: &[u8]) -> bool {
    let name = line
        .iter()
        .take_while(|&&b| b.is_ascii_graphic() && b != b':')
        .count();
    let after = line.get(name..).unwrap_or_default();
    name > 0 && after.trim_ascii_start().first() == Some(&b':')
}

/// Finds the next boundary line from `at` on, closes what it ends, and says where the part that
/// it begins starts. `leaf` is the entity whose body is being passed over.
fn next_part(
    raw: &[u8],
    mut at: usize,
    found: &mut [Entity<'_>],
    open: &mut Vec<Open>,
    leaf: usize,
) -> Option<usize> {
    // Until its first boundary is seen the innermost multipart is its own leaf (the preamble).
    let mut leaf = Some(leaf);
    while !open.is_empty() {
        let line = line_at(raw, at)?;
        let hit = line
            .starts_with(b"--")
            .then(|| matching(trim_end(line), open))
            .flatten();
        let Some((level, closing)) = hit else {
            at += line.len();
            continue;
        };
        let end = before_line_break(raw, at);
        if let Some(entity) = leaf.take().and_then(|l| found.get_mut(l)) {
            entity.body.end = end.max(entity.body.start);
        }
        let kept = if closing { level } else { level + 1 };
        for ended in open.drain(kept..) {
            if let Some(entity) = found.get_mut(ended.index) {
                entity.body.end = end.max(entity.body.start);
            }
        }
        if let Some(multipart) = open.last().and_then(|o| found.get_mut(o.index)) {
            multipart.body.end = raw.len();
        }
        at += line.len();
        if !closing {
            return Some(at);
        }
    }
    None
}

/// The open multipart whose boundary this line is, innermost first, and whether it closes it.
fn matching(line: &[u8], open: &[Open]) -> Option<(usize, bool)> {
    let rest = line.strip_prefix(b"--")?;
    let last = rest.strip_suffix(b"--");
    open.iter().enumerate().rev().find_map(|(level, o)| {
        let boundary = o.boundary.as_bytes();
        if rest == boundary {
            Some((level, false))
        } else {
            (last == Some(boundary)).then_some((level, true))
        }
    })
}

/// The line that begins at `at`, with its end; `None` at the end of the bytes.
fn line_at(raw: &[u8], at: usize) -> Option<&[u8]> {
    let rest = raw.get(at..).filter(|r| !r.is_empty())?;
    let len = rest
        .iter()
        .position(|&b| b == b'\n')
        .map_or(rest.len(), |p| p + 1);
    rest.get(..len)
}

fn trim_end(line: &[u8]) -> &[u8] {
    line.trim_ascii_end()
}

/// The line break before a boundary belongs to the boundary (RFC 2046 5.1.1).
fn before_line_break(raw: &[u8], line_from: usize) -> usize {
    let before = raw.get(..line_from).unwrap_or_default();
    let before = before.strip_suffix(b"\n").unwrap_or(before);
    before.strip_suffix(b"\r").unwrap_or(before).len()
}

/// The header block (without the blank line) and the rest (from the blank line on).
pub(super) fn split(raw: &[u8]) -> (&[u8], &[u8]) {
    let from = start_of_headers(raw);
    let (head_to, _) = header_end(raw, from, &[]);
    (
        raw.get(from..head_to).unwrap_or_default(),
        raw.get(head_to..).unwrap_or_default(),
    )
}

/// The fields of a header block as they stand, each with its name; stray lines are left out.
pub(super) fn fields(head: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let first = line_at(head, at)?;
            let from = at;
            at += first.len();
            while let Some(more) =
                line_at(head, at).filter(|l| matches!(l.first(), Some(b' ' | b'\t')))
            {
                at += more.len();
            }
            if looks_like_field(first) {
                let name = first.split(|&b| b == b':').next().unwrap_or_default();
                return Some((name.trim_ascii(), head.get(from..at)?));
            }
        }
    })
}
