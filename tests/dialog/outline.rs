//! WBXML as an outline, and back. One element per line, two blanks per level:
//!
//! ```text
//! Sync
//!   Collections
//!     Collection
//!       SyncKey 0
//!       CollectionId {inbox}
//!       Options
//!         airsyncbase:BodyPreference
//!           Type 1
//! ```
//!
//! A name without a prefix is of its parent's namespace, the root's of the command's. What follows
//! the first blank is the content: as it is, in quotes with escapes (`"a\tb"`), after the word
//! `opaque` for opaque bytes, which are `hex 00ff` where they are no text. `Data |` is followed by
//! lines that begin with a bar: the lines of a text with CRLF between them; `Data |lf` has LF.
//!
//! Documents are written by the crate's own writer, and read by the few lines below, which know
//! nothing of the crate's reader.

use roost::wbxml::{Tag, Writer};
use std::fmt::Write;

/// An element.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Element {
    pub(crate) tag: Tag,
    pub(crate) value: Value,
}

/// What is in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Value {
    Empty,
    Text(String),
    Opaque(Vec<u8>),
    Children(Vec<Element>),
}

impl Element {
    /// Calls `each` with every element below this one, and its parent.
    pub(crate) fn walk<'a>(&'a self, each: &mut dyn FnMut(&'a Self, &'a Self)) {
        if let Value::Children(children) = &self.value {
            for child in children {
                each(self, child);
                child.walk(each);
            }
        }
    }

    /// Its text; "" where there is none.
    pub(crate) fn text(&self) -> &str {
        match &self.value {
            Value::Text(text) => text,
            _ => "",
        }
    }
}

/// The root of a document.
pub(crate) fn read(document: &[u8]) -> Result<Element, String> {
    let rest = document.strip_prefix(&[3, 1, 0x6A, 0]);
    let mut wire = Wire {
        rest: rest.ok_or("not the header that clients compare with")?,
        page: 0,
    };
    let root = match wire.next()? {
        Token::Open(tag, content) => element(&mut wire, tag, content)?,
        _ => return Err("no root".into()),
    };
    match wire.rest {
        [] => Ok(root),
        more => Err(format!("{} bytes behind the document", more.len())),
    }
}

struct Wire<'a> {
    rest: &'a [u8],
    page: u8,
}

enum Token<'a> {
    Open(Tag, bool),
    End,
    Text(&'a [u8]),
    Opaque(&'a [u8]),
}

impl<'a> Wire<'a> {
    fn byte(&mut self) -> Result<u8, String> {
        let (first, rest) = self.rest.split_first().ok_or("cut off")?;
        self.rest = rest;
        Ok(*first)
    }

    fn next(&mut self) -> Result<Token<'a>, String> {
        match self.byte()? {
            0x00 => {
                self.page = self.byte()?;
                self.next()
            }
            0x01 => Ok(Token::End),
            0x03 => {
                let end = self.rest.iter().position(|b| *b == 0);
                let (text, rest) = self.rest.split_at(end.ok_or("a string without an end")?);
                self.rest = &rest[1..];
                Ok(Token::Text(text))
            }
            0xC3 => {
                let mut len = 0_usize;
                loop {
                    let byte = self.byte()?;
                    len = len << 7 | usize::from(byte & 0x7F);
                    if byte & 0x80 == 0 {
                        break;
                    }
                }
                let (bytes, rest) = self.rest.split_at_checked(len).ok_or("cut off")?;
                self.rest = rest;
                Ok(Token::Opaque(bytes))
            }
            token if token & 0x3F > 4 && token & 0x80 == 0 => {
                let tag = Tag::new(self.page, token & 0x3F);
                Ok(Token::Open(tag, token & 0x40 != 0))
            }
            token => Err(format!("token {token:#04x}")),
        }
    }
}

fn element(wire: &mut Wire<'_>, tag: Tag, content: bool) -> Result<Element, String> {
    if tag.name() == "?" {
        return Err(format!("page {} has no token {}", tag.page(), tag.token()));
    }
    let mut value = Value::Empty;
    if !content {
        return Ok(Element { tag, value });
    }
    loop {
        value = match (value, wire.next()?) {
            (value, Token::End) => return Ok(Element { tag, value }),
            (Value::Empty, Token::Text(text)) => {
                let text = std::str::from_utf8(text).map_err(|_| "not UTF-8")?;
                Value::Text(text.to_owned())
            }
            (Value::Empty, Token::Opaque(bytes)) => Value::Opaque(bytes.to_vec()),
            (Value::Empty, Token::Open(tag, content)) => {
                Value::Children(vec![element(wire, tag, content)?])
            }
            (Value::Children(mut all), Token::Open(tag, content)) => {
                all.push(element(wire, tag, content)?);
                Value::Children(all)
            }
            _ => return Err(format!("{tag} mixes what it holds")),
        };
    }
}

/// The outline of an element; `space` is the page of names without a prefix.
pub(crate) fn show(root: &Element, space: u8) -> Vec<String> {
    let mut lines = Vec::new();
    show_at(root, space, 0, &mut lines);
    lines
}

fn show_at(e: &Element, space: u8, level: usize, lines: &mut Vec<String>) {
    let indent = "  ".repeat(level);
    let mut line = indent.clone();
    if e.tag.page() != space {
        let _ = write!(line, "{}:", e.tag.prefix());
    }
    line.push_str(e.tag.name());
    let mut block = Vec::new();
    match &e.value {
        Value::Empty | Value::Children(_) => {}
        Value::Text(text) => {
            line.push(' ');
            content(text, &mut line, &mut block);
        }
        Value::Opaque(bytes) => {
            line.push_str(" opaque ");
            match std::str::from_utf8(bytes) {
                Ok(text) => content(text, &mut line, &mut block),
                Err(_) => {
                    line.push_str("hex ");
                    line.extend(bytes.iter().map(|b| format!("{b:02x}")));
                }
            }
        }
    }
    lines.push(line);
    lines.extend(block.into_iter().map(|l| format!("{indent}  {l}")));
    if let Value::Children(children) = &e.value {
        for child in children {
            show_at(child, e.tag.page(), level + 1, lines);
        }
    }
}

/// A text on the line of its element, or as a block of lines below it.
fn content(text: &str, line: &mut String, block: &mut Vec<String>) {
    let control = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    for (mark, end) in [("|", "\r\n"), ("|lf", "\n")] {
        if text.contains(end) && !text.split(end).any(|l| l.contains(control)) {
            line.push_str(mark);
            block.extend(bars(text, end));
            return;
        }
    }
    let odd = text.trim() != text
        || text.is_empty()
        || text.contains(control)
        || text.starts_with(['"', '|'])
        || ["opaque", "hex"].iter().any(|w| text.starts_with(w));
    if odd {
        let _ = write!(line, "{text:?}");
    } else {
        line.push_str(text);
    }
}

/// The lines of a text, each behind a bar.
pub(crate) fn bars(text: &str, end: &str) -> Vec<String> {
    let lines = text.split(end);
    lines
        .map(|l| format!("| {l}").trim_end().to_owned())
        .collect()
}

/// The text of lines behind bars.
pub(crate) fn unbar<'a>(lines: impl Iterator<Item = &'a str>, end: &str) -> String {
    let lines = lines.map(|l| {
        let l = l.trim_start().strip_prefix('|').unwrap_or(l);
        l.strip_prefix(' ').unwrap_or(l)
    });
    lines.collect::<Vec<_>>().join(end)
}

/// The document of an outline.
///
/// # Errors
/// What is wrong, and in which of the lines, counted from 0.
pub(crate) fn write(lines: &[String], space: u8) -> Result<Vec<u8>, (usize, String)> {
    let mut w = Writer::new();
    let mut open: Vec<Tag> = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let line = &lines[at];
        let trimmed = line.trim_start();
        let level = (line.len() - trimmed.len()) / 2;
        while open.len() > level {
            open.pop();
            w.close();
        }
        if open.len() != level {
            return Err((at, "indented too far".into()));
        }
        let (name, value) = trimmed.split_once(' ').unwrap_or((trimmed, ""));
        let space = open.last().map_or(space, |t| t.page());
        let tag = tag(name, space).ok_or_else(|| (at, format!("no element {name}")))?;
        let from = at + 1;
        let block = lines[from..].iter().map(String::as_str);
        let block: Vec<&str> = block
            .take_while(|l| l.trim_start().starts_with('|'))
            .collect();
        at = from + block.len();
        let has_children = lines.get(at).is_some_and(|next| {
            block.is_empty() && next.len() - next.trim_start().len() > level * 2
        });
        if has_children {
            w.open(tag);
            open.push(tag);
            continue;
        }
        let wrong = |e| (from - 1, e);
        match value.strip_prefix("opaque ") {
            Some(value) => w.opaque(tag, &bytes(value, &block).map_err(wrong)?),
            None if value.is_empty() => w.empty(tag),
            None => {
                let text = bytes(value, &block).map_err(wrong)?;
                w.text(tag, &String::from_utf8_lossy(&text));
            }
        }
    }
    open.iter().for_each(|_| w.close());
    Ok(w.finish())
}

fn bytes(value: &str, block: &[&str]) -> Result<Vec<u8>, String> {
    if let Some(digits) = value.strip_prefix("hex ") {
        return hex(digits).ok_or_else(|| "not hex".into());
    }
    Ok(match value {
        "|" => unbar(block.iter().copied(), "\r\n").into_bytes(),
        "|lf" => unbar(block.iter().copied(), "\n").into_bytes(),
        quoted if quoted.starts_with('"') => unquote(quoted)?.into_bytes(),
        plain => plain.as_bytes().to_vec(),
    })
}

/// Bytes from hexadecimal digits.
pub(crate) fn hex(digits: &str) -> Option<Vec<u8>> {
    let digits: String = digits.split_whitespace().collect();
    let pair = |i| u8::from_str_radix(digits.get(i..i + 2)?, 16).ok();
    (0..digits.len()).step_by(2).map(pair).collect()
}

/// Takes off what `{:?}` has put on.
fn unquote(quoted: &str) -> Result<String, String> {
    let inner = quoted.strip_prefix('"').and_then(|q| q.strip_suffix('"'));
    let mut chars = inner.ok_or("a quotation without an end")?.chars();
    let mut out = String::new();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('0') => out.push('\0'),
            Some('u') => {
                let code: String = chars.by_ref().take_while(|c| *c != '}').collect();
                let code = u32::from_str_radix(code.trim_start_matches('{'), 16);
                out.extend(code.ok().and_then(char::from_u32));
            }
            Some(other) => out.push(other),
            None => return Err("a quotation ends in a backslash".into()),
        }
    }
    Ok(out)
}

fn tag(name: &str, space: u8) -> Option<Tag> {
    let mut all = Tag::all();
    match name.split_once(':') {
        Some((prefix, name)) => all.find(|t| t.prefix() == prefix && t.name() == name),
        None => all.find(|t| t.page() == space && t.name() == name),
    }
}

#[test]
fn an_outline_is_written_and_read_back() {
    let lines = [
        "Sync",
        "  Collections",
        "    Collection",
        "      SyncKey 1",
        "      GetChanges",
        "      Options",
        "        airsyncbase:BodyPreference",
        "          Type 2",
        "        MIMESupport 2",
        "      Commands",
        "        Add",
        "          ApplicationData",
        "            email:Subject \" a\\tb \"",
        "            email2:ConversationId opaque hex 00ff",
        "            airsyncbase:Body",
        "              Data opaque |",
        "                | From: a@x",
        "                |",
        "                | two blanks  x",
        "  WindowSize 5",
    ];
    let lines = lines.map(str::to_owned);
    let document = write(&lines, 0).unwrap();
    assert_eq!(show(&read(&document).unwrap(), 0), lines);
    let long = write(&[format!("Sync opaque {}", "x".repeat(300))], 0).unwrap();
    assert_eq!(long[5..8], [0xC3, 0x82, 0x2C], "{long:x?}");
    assert_eq!(show(&read(&long).unwrap(), 0)[0].len(), 12 + 300);
}

#[test]
fn what_is_no_document_is_said() {
    for bad in [
        &[][..],
        &[3, 1, 0x6A, 0],
        &[3, 1, 0x6A, 0, 0x45],
        &[3, 1, 0x6A, 0, 5, 5],
        &[3, 1, 0x6A, 0, 0x45, 3, b'a', 0, 5, 1],
        &[3, 1, 0x6A, 0, 0, 99, 5],
        &[3, 1, 0x6A, 0, 0x45, 0x84, 1],
    ] {
        assert!(read(bad).is_err(), "{bad:x?}");
    }
    let lines = |l: &[&str]| l.iter().map(|l| (*l).to_owned()).collect::<Vec<_>>();
    assert_eq!(write(&lines(&["Sync", "  Nothing"]), 0).unwrap_err().0, 1);
    assert_eq!(
        write(&lines(&["Sync", "    Status 1"]), 0).unwrap_err().0,
        1
    );
}
