//! What a mail says: its text and its HTML, out of the raw MIME (RFC 8621 4.1.4 chooses the parts).

use super::charset;
use super::structure::Entity;
use super::transfer;
use crate::pim::html;
use std::borrow::Cow;

/// Both renditions of a mail.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Renditions {
    /// Plain text (UTF-8), lines end in CRLF. Made from the HTML where the mail has no text.
    pub text: String,
    /// The HTML as UTF-8, where the mail has some; a `charset` in it says so.
    pub html: Option<String>,
}

/// Which entities a reader is shown, and which are attachments; indexes into the entities.
#[derive(Debug, Default)]
pub(super) struct Chosen {
    pub(super) text: Vec<usize>,
    pub(super) html: Vec<usize>,
    pub(super) attachments: Vec<usize>,
    pub(super) calendar: Option<usize>,
}

/// The plain text of a raw message, lines ending in CRLF.
#[must_use]
pub fn text(raw: &[u8]) -> String {
    renditions(raw).text
}

/// The HTML of a raw message as UTF-8, or `None` if it has none.
#[must_use]
pub fn html(raw: &[u8]) -> Option<String> {
    let entities = super::structure::entities(raw);
    html_of(raw, &entities, &choose(&entities))
}

/// Both renditions of a raw message.
#[must_use]
pub fn renditions(raw: &[u8]) -> Renditions {
    let entities = super::structure::entities(raw);
    let chosen = choose(&entities);
    render(raw, &entities, &chosen)
}

/// The beginning of `text`, at most `bytes` bytes, cut at a character border.
#[must_use]
pub fn cut(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes))
        .unwrap_or_default()
}

/// The beginning of a raw message, at most `bytes` bytes (`MIMETruncation`).
#[must_use]
pub fn cut_mime(raw: &[u8], bytes: usize) -> &[u8] {
    raw.get(..bytes).unwrap_or(raw)
}

pub(super) fn render(raw: &[u8], entities: &[Entity<'_>], chosen: &Chosen) -> Renditions {
    let html = html_of(raw, entities, chosen);
    let mut text = String::new();
    for entity in chosen.text.iter().filter_map(|&i| entities.get(i)) {
        let decoded = decoded(raw, entity);
        let part = if is_html(entity) {
            html::to_text(&decoded)
        } else {
            plain(entity, &decoded).into_owned()
        };
        append_crlf(&mut text, &part);
    }
    // An empty text beside the HTML is what newsletters send for form's sake.
    if let Some(html) = html.as_deref().filter(|_| text.trim().is_empty()) {
        text.clear();
        append_crlf(&mut text, &html::to_text(html));
    }
    Renditions { text, html }
}

fn html_of(raw: &[u8], entities: &[Entity<'_>], chosen: &Chosen) -> Option<String> {
    let parts = || chosen.html.iter().filter_map(|&i| entities.get(i));
    if !parts().any(is_html) {
        return None;
    }
    let mut out = String::new();
    for entity in parts() {
        let decoded = decoded(raw, entity);
        if is_html(entity) {
            out.push_str(&claim_utf8(&decoded));
        } else {
            out.push_str(&html::from_text(&plain(entity, &decoded)));
        }
    }
    out.retain(|c| !is_noise(c));
    Some(out)
}

fn is_html(entity: &Entity<'_>) -> bool {
    entity.content_type == "text/html"
}

/// The charset that a text entity names, in its header or in its HTML.
pub(super) fn charset_of<'a>(entity: &'a Entity<'_>, body: &'a [u8]) -> Option<&'a str> {
    entity.headers.type_parameter("charset").or_else(|| {
        let head = body.get(..body.len().min(2_048))?;
        is_html(entity).then(|| meta_charset(head)).flatten()
    })
}

pub(super) fn decoded_bytes<'a>(raw: &'a [u8], entity: &Entity<'_>) -> Cow<'a, [u8]> {
    let encoded = raw.get(entity.body.clone()).unwrap_or_default();
    transfer::decode(encoded, entity.encoding)
}

/// A text entity as text.
pub(super) fn decoded<'a>(raw: &'a [u8], entity: &Entity<'_>) -> Cow<'a, str> {
    match decoded_bytes(raw, entity) {
        Cow::Borrowed(bytes) => charset::decode(bytes, charset_of(entity, bytes)),
        Cow::Owned(bytes) => {
            Cow::Owned(charset::decode(&bytes, charset_of(entity, &bytes)).into_owned())
        }
    }
}

/// Where the value of `charset=` stands in a `<meta>` of the document's beginning.
fn meta_value(head: &[u8]) -> Option<std::ops::Range<usize>> {
    let find = |from: usize, what: &[u8]| {
        head.get(from..)?
            .windows(what.len())
            .position(|w| w.eq_ignore_ascii_case(what))
            .map(|p| from + p)
    };
    let mut from = 0;
    while let Some(meta) = find(from, b"<meta") {
        let end = find(meta, b">").unwrap_or(head.len());
        if let Some(at) = find(meta, b"charset=").filter(|&at| at < end) {
            let quoted = at + b"charset=".len();
            let value = head.get(quoted..end)?;
            let skip = value
                .iter()
                .take_while(|b| matches!(b, b'"' | b'\'' | b' '))
                .count();
            let len = value
                .iter()
                .skip(skip)
                .take_while(|b| b.is_ascii_alphanumeric() || b"-_:.".contains(b))
                .count();
            return Some(quoted + skip..quoted + skip + len);
        }
        from = end;
    }
    None
}

fn meta_charset(head: &[u8]) -> Option<&str> {
    std::str::from_utf8(head.get(meta_value(head)?)?).ok()
}

/// The document with its `charset` saying UTF-8, which is what it is now.
fn claim_utf8(html: &str) -> Cow<'_, str> {
    let head = cut(html, 4_096);
    match meta_value(head.as_bytes()) {
        Some(value) => match (html.get(..value.start), html.get(value.end..)) {
            (Some(before), Some(after)) => Cow::Owned(format!("{before}utf-8{after}")),
            _ => Cow::Borrowed(html),
        },
        None => Cow::Borrowed(html),
    }
}

/// Plain text as it is meant: `format=flowed` lines joined (RFC 3676).
fn plain<'a>(entity: &Entity<'_>, text: &'a str) -> Cow<'a, str> {
    let is = |name: &str, value: &str| {
        entity
            .headers
            .type_parameter(name)
            .is_some_and(|v| v.eq_ignore_ascii_case(value))
    };
    if is("format", "flowed") {
        Cow::Owned(unflow(text, is("delsp", "yes")))
    } else {
        Cow::Borrowed(text)
    }
}

fn unflow(text: &str, delete_space: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut open: Option<usize> = None;
    for line in text.lines() {
        let quotes = line.bytes().take_while(|&b| b == b'>').count();
        let content = line.get(quotes..).unwrap_or_default();
        let content = content.strip_prefix(' ').unwrap_or(content);
        let is_signature = content == "-- ";
        match open {
            Some(depth) if depth == quotes && !is_signature => {}
            _ => {
                if open.is_some() {
                    out.push('\n');
                }
                if quotes > 0 {
                    out.extend(std::iter::repeat_n('>', quotes));
                    out.push(' ');
                }
            }
        }
        let flows = content.ends_with(' ') && !is_signature;
        out.push_str(match content.strip_suffix(' ') {
            Some(joined) if flows && delete_space => joined,
            _ => content,
        });
        open = flows.then_some(quotes);
        if !flows {
            out.push('\n');
        }
    }
    out
}

/// Control characters: the wire's strings end at NUL, and XML knows none of them.
fn is_noise(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n' | '\r')
}

/// Appends with CRLF line ends and without noise; parts stand on lines of their own.
fn append_crlf(out: &mut String, text: &str) {
    if !out.is_empty() && !out.ends_with('\n') {
        out.push_str("\r\n");
    }
    out.reserve(text.len() + text.len() / 32);
    for line in text.split_inclusive('\n') {
        let (line, ends) = match line.strip_suffix('\n') {
            Some(line) => (line.strip_suffix('\r').unwrap_or(line), true),
            None => (line, false),
        };
        if line.contains(|c| c == '\r' || is_noise(c)) {
            let kept = line.chars().filter(|&c| !is_noise(c));
            out.push_str(&kept.collect::<String>().replace('\r', "\r\n"));
        } else {
            out.push_str(line);
        }
        if ends {
            out.push_str("\r\n");
        }
    }
}

/// Sorts the leaves into text, HTML and attachments.
pub(super) fn choose(entities: &[Entity<'_>]) -> Chosen {
    let mut chosen = Chosen::default();
    if !entities.is_empty() {
        let scope = Scope {
            parent: "",
            first: true,
            in_alternative: false,
            text: true,
            html: true,
        };
        Chooser {
            entities,
            chosen: &mut chosen,
        }
        .visit(0, &mut scope.clone());
    }
    chosen
}

/// Where in the tree a choice is made.
#[derive(Clone)]
struct Scope<'a> {
    /// Subtype of the multipart.
    parent: &'a str,
    first: bool,
    in_alternative: bool,
    /// Whether the text rendition still takes parts.
    text: bool,
    /// Whether the HTML rendition does.
    html: bool,
}

struct Chooser<'a, 'b> {
    entities: &'a [Entity<'a>],
    chosen: &'b mut Chosen,
}

impl<'a> Chooser<'a, '_> {
    // Recursion is as deep as multiparts nest, which MIME_DEPTH_MAX bounds.
    fn visit(&mut self, index: usize, scope: &mut Scope<'a>) {
        let Some(entity) = self.entities.get(index) else {
            return;
        };
        match entity.content_type.strip_prefix("multipart/") {
            Some(subtype) if !entity.children.is_empty() => self.multipart(entity, subtype, scope),
            _ => self.leaf(index, entity, scope),
        }
    }

    fn multipart(&mut self, entity: &'a Entity<'a>, subtype: &'a str, outer: &Scope<'a>) {
        let before = (self.chosen.text.len(), self.chosen.html.len());
        let mut scope = Scope {
            parent: subtype,
            first: true,
            in_alternative: outer.in_alternative || subtype == "alternative",
            text: outer.text,
            html: outer.html,
        };
        for &child in &entity.children {
            self.visit(child, &mut scope);
            scope.first = false;
        }
        if subtype == "alternative" && scope.text && scope.html {
            self.share_the_only_kind(before);
        }
    }

    /// An alternative that offers only one kind serves both renditions with it.
    fn share_the_only_kind(&mut self, (text_from, html_from): (usize, usize)) {
        let Chosen { text, html, .. } = &mut *self.chosen;
        let new_text = text.get(text_from..).unwrap_or_default().to_vec();
        let new_html = html.get(html_from..).unwrap_or_default().to_vec();
        if new_text.is_empty() {
            text.extend(new_html);
        } else if new_html.is_empty() {
            html.extend(new_text);
        }
    }

    fn leaf(&mut self, index: usize, entity: &Entity<'_>, scope: &mut Scope<'a>) {
        let is_calendar = matches!(
            entity.content_type.as_str(),
            "text/calendar" | "application/ics"
        );
        if is_calendar && self.chosen.calendar.is_none() {
            self.chosen.calendar = Some(index);
            if scope.in_alternative || scope.parent.is_empty() {
                return;
            }
        }
        // A multipart without a part is what is left of a broken message: its text.
        let kind = match entity.content_type.as_str() {
            kind if kind.starts_with("multipart/") => "text/plain",
            kind => kind,
        };
        let is_text = matches!(kind, "text/plain" | "text/html");
        let may_be_body =
            scope.first || scope.parent != "related" && entity.headers.file_name().is_none();
        if !is_text || entity.headers.is_attachment() || !may_be_body {
            self.chosen.attachments.push(index);
        } else if scope.parent == "alternative" {
            if kind == "text/html" {
                self.chosen.html.push(index);
            } else {
                self.chosen.text.push(index);
            }
        } else {
            if scope.in_alternative {
                if kind == "text/html" {
                    scope.text = false;
                } else {
                    scope.html = false;
                }
            }
            if scope.text {
                self.chosen.text.push(index);
            }
            if scope.html {
                self.chosen.html.push(index);
            }
            if !scope.text && !scope.html {
                self.chosen.attachments.push(index);
            }
        }
    }
}
