//! A document as indented text in the manner of XML, for tests and traces. Not a parser, and not
//! meant to be parsed: opaque bytes are shown as hex, long ones cut.

use super::reader::Step;
use super::{Error, Reader};
use std::fmt::Write;

/// Bytes of an opaque value that are shown.
const OPAQUE_SHOWN: usize = 64;

/// The text of a document. Tags of page 0 have no prefix, others that of their namespace in lower
/// case: `<airsyncbase:Type>2</airsyncbase:Type>`. One element per line, two blanks per level.
///
/// # Errors
/// What is malformed, as for [`Reader`].
pub fn dump(document: &[u8]) -> Result<String, Error> {
    let mut reader = Reader::new(document)?;
    let mut out = String::new();
    let mut open: Vec<String> = Vec::new();
    // Whether the innermost element has children, and so its end a line of its own.
    let mut nested = false;
    loop {
        match reader.step()? {
            Step::Open(tag, content) => {
                if !out.is_empty() && !out.ends_with('\n') {
                    out.push('\n');
                }
                indent(&mut out, open.len());
                let name = match tag.page() {
                    0 => tag.name().to_owned(),
                    _ => tag.to_string(),
                };
                if content {
                    let _ = write!(out, "<{name}>");
                    open.push(name);
                    nested = false;
                } else {
                    let _ = writeln!(out, "<{name}/>");
                    nested = true;
                }
            }
            Step::Close => {
                let name = open.pop().unwrap_or_default();
                if nested {
                    indent(&mut out, open.len());
                }
                let _ = writeln!(out, "</{name}>");
                nested = true;
            }
            Step::Text(text) => escape(&mut out, text),
            Step::Opaque(bytes) => hex(&mut out, bytes),
        }
        if open.is_empty() {
            break;
        }
    }
    if reader.at_end() {
        Ok(out)
    } else {
        Err(Error::Trailing)
    }
}

fn indent(out: &mut String, levels: usize) {
    for _ in 0..levels {
        out.push_str("  ");
    }
}

fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            _ => out.push(c),
        }
    }
}

fn hex(out: &mut String, bytes: &[u8]) {
    let _ = write!(out, "[{} bytes", bytes.len());
    for (i, b) in bytes.iter().take(OPAQUE_SHOWN).enumerate() {
        let _ = write!(out, "{}{b:02x}", if i == 0 { ": " } else { "" });
    }
    out.push_str(if bytes.len() > OPAQUE_SHOWN {
        "...]"
    } else {
        "]"
    });
}
