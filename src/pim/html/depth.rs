//! How deep a document nests, found in one pass without building it.
//!
//! The parser behind the conversion is quadratic in the depth, and a sender chooses the depth.

/// Elements without content.
const VOID: &[&str] = &[
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source",
    "track", "wbr",
];
/// Elements that their next sibling ends, so that a missing end tag does not nest.
const SELF_CLOSING: &[&str] = &["p", "li", "dt", "dd", "tr", "td", "th", "tbody", "option"];
/// Elements that the parser opens again in every block until they are closed by name.
const FORMATTING: &[&str] = &[
    "a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u",
];

/// Whether no element nests deeper than `depth_max`, counted with caution.
pub(super) fn is_within(html: &str, depth_max: usize) -> bool {
    let mut blocks: Vec<&str> = Vec::new();
    let mut formats: Vec<&str> = Vec::new();
    for piece in html.split('<').skip(1) {
        let (closing, rest) = match piece.strip_prefix('/') {
            Some(rest) => (true, rest),
            None => (false, piece),
        };
        let len = rest
            .bytes()
            .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b':'))
            .count();
        let name = rest.get(..len).unwrap_or_default();
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) || is_one_of(name, VOID) {
            continue;
        }
        let open = if is_one_of(name, FORMATTING) {
            &mut formats
        } else if is_one_of(name, SELF_CLOSING) {
            continue;
        } else {
            &mut blocks
        };
        if !closing {
            open.push(name);
        } else if let Some(at) = open.iter().rposition(|o| o.eq_ignore_ascii_case(name)) {
            open.truncate(at);
        }
        if blocks.len() + formats.len() > depth_max {
            return false;
        }
    }
    true
}

fn is_one_of(name: &str, list: &[&str]) -> bool {
    list.iter().any(|l| l.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::is_within;

    #[test]
    fn nesting_counts_and_siblings_do_not() {
        let check = |html: &str, expect: bool| assert_eq!(is_within(html, 10), expect, "{html}");
        check(&"<div>".repeat(10), true);
        check(&"<div>".repeat(11), false);
        check(&"<div></div>".repeat(100), true);
        check(&"<p>".repeat(100), true);
        check(&"<br><img src=x>".repeat(100), true);
        check(&"<font color=red><p>".repeat(11), false);
        check(&"<div><b></div>".repeat(11), false);
        check(&"<x-y>".repeat(11), false);
        check(&"<div></span>".repeat(11), false);
        check(&"a < b ".repeat(100), true);
    }
}
