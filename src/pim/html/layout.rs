//! Where the words of a document stand when it is read as plain text.

use super::reader::{Piece, Reader, attribute};
use mail_parser::decoders::html::add_html_token;

/// Lists and quotes nested deeper are shown at this depth.
const LEVELS_SHOWN: usize = 8;
/// Bytes of an entity between `&` and `;`, the longest name and some.
const ENTITY_BYTES_MAX: usize = 34;

/// The text of a document, lines separated by `\n`.
pub(super) fn text_of(html: &str) -> String {
    let mut page = Page::default();
    let mut reader = Reader::new(html);
    while let Some(piece) = reader.next() {
        match piece {
            Piece::Text(text) => page.write(text),
            Piece::Close(name) => page.close(&name.to_ascii_lowercase()),
            Piece::Open { name, attributes } => {
                let name = name.to_ascii_lowercase();
                if is_unread(&name) {
                    reader.skip_to_end_of(&name);
                } else {
                    page.open(&name, attributes);
                }
            }
        }
    }
    page.out
}

/// Elements whose contents nobody is shown.
fn is_unread(name: &str) -> bool {
    matches!(
        name,
        "script" | "style" | "title" | "template" | "svg" | "xml" | "object"
    )
}

/// A page in the making.
#[derive(Default)]
struct Page {
    out: String,
    /// Line ends to write before the next word: 1 begins a line, 2 leaves one empty.
    breaks: usize,
    /// A blank to write before the next word of the same line.
    blank: &'static str,
    /// What stands before the first word of a list item.
    bullet: String,
    /// `<ol>` with its counter, or `<ul>`.
    lists: Vec<Option<u32>>,
    /// Lists beyond those that are kept.
    lists_more: usize,
    quotes: usize,
    /// Open `<pre>`.
    verbatim: usize,
}

impl Page {
    fn open(&mut self, name: &str, attributes: &str) {
        match name {
            "br" => self.breaks = (self.breaks + 1).min(2),
            "hr" => {
                self.break_line(2);
                self.write("---");
                self.break_line(2);
            }
            "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "dl" => self.break_line(2),
            "ul" | "ol" => self.open_list(name == "ol"),
            "li" => self.open_item(),
            "td" | "th" if self.breaks == 0 => self.blank = "  ",
            "blockquote" => {
                self.break_line(2);
                self.quotes += 1;
            }
            "pre" => {
                self.break_line(2);
                self.verbatim += 1;
            }
            "img" => {
                if let Some(alt) = attribute(attributes, "alt").filter(|a| !a.trim().is_empty()) {
                    self.write(&format!("[{}]", alt.trim()));
                }
            }
            name if is_block(name) => self.break_line(1),
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "dl" => self.break_line(2),
            "ul" | "ol" => {
                self.bullet.clear();
                self.break_line(if self.lists.len() > 1 { 1 } else { 2 });
                if self.lists_more > 0 {
                    self.lists_more -= 1;
                } else {
                    self.lists.pop();
                }
            }
            "blockquote" => {
                self.break_line(2);
                self.quotes = self.quotes.saturating_sub(1);
            }
            "pre" => {
                self.break_line(2);
                self.verbatim = self.verbatim.saturating_sub(1);
            }
            "li" => {
                self.bullet.clear();
                self.break_line(1);
            }
            name if is_block(name) => self.break_line(1),
            _ => {}
        }
    }

    fn open_list(&mut self, numbered: bool) {
        self.bullet.clear();
        self.break_line(if self.lists.is_empty() { 2 } else { 1 });
        if self.lists.len() < LEVELS_SHOWN {
            self.lists.push(numbered.then_some(0));
        } else {
            self.lists_more += 1;
        }
    }

    fn open_item(&mut self) {
        self.bullet.clear();
        self.break_line(1);
        let indent = "  ".repeat(self.lists.len().saturating_sub(1));
        self.bullet = match self.lists.last_mut() {
            Some(Some(number)) => {
                *number = number.saturating_add(1);
                format!("{indent}{number}. ")
            }
            _ => format!("{indent}- "),
        };
    }

    fn break_line(&mut self, breaks: usize) {
        self.blank = "";
        // A paragraph that begins an item stands beside its bullet.
        if self.bullet.is_empty() {
            self.breaks = self.breaks.max(breaks);
        }
    }

    /// Text with its entities; white space is folded outside `<pre>`.
    fn write(&mut self, text: &str) {
        let mut rest = text;
        while let Some(at) = rest.find('&') {
            let (plain, from) = rest.split_at(at);
            self.write_plain(plain);
            let end = from.bytes().take(ENTITY_BYTES_MAX).position(|b| b == b';');
            let entity = end.and_then(|end| from.get(..=end));
            let mut decoded = String::new();
            add_html_token(&mut decoded, entity.unwrap_or("&").as_bytes(), false);
            self.write_plain(&decoded);
            rest = from.get(entity.map_or(1, str::len)..).unwrap_or_default();
        }
        self.write_plain(rest);
    }

    fn write_plain(&mut self, text: &str) {
        for c in text.chars() {
            if self.verbatim > 0 && matches!(c, '\n' | ' ' | '\t') {
                match c {
                    '\n' => self.breaks = (self.breaks + 1).min(2),
                    c => self.put(c),
                }
            } else if c.is_whitespace() {
                if self.breaks == 0 && self.blank.is_empty() {
                    self.blank = " ";
                }
            } else if !c.is_control() {
                self.put(c);
            }
        }
    }

    fn put(&mut self, c: char) {
        if self.breaks > 0 || self.out.is_empty() {
            if !self.out.is_empty() {
                self.out.extend(std::iter::repeat_n('\n', self.breaks));
            }
            let quotes = self.quotes.min(LEVELS_SHOWN);
            self.out.extend(std::iter::repeat_n("> ", quotes));
            self.breaks = 0;
            self.blank = "";
        }
        if !self.bullet.is_empty() {
            self.out.push_str(&self.bullet);
            self.bullet.clear();
            self.blank = "";
        }
        self.out.push_str(self.blank);
        self.blank = "";
        self.out.push(c);
    }
}

/// Elements that stand on lines of their own.
fn is_block(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "article"
            | "aside"
            | "body"
            | "center"
            | "dd"
            | "div"
            | "dt"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "footer"
            | "form"
            | "head"
            | "header"
            | "html"
            | "main"
            | "nav"
            | "option"
            | "section"
            | "table"
            | "tbody"
            | "tfoot"
            | "thead"
            | "tr"
    )
}
