//! Between HTML and plain text, at a bounded cost.
//!
//! HTML is read by a real parser where the document is of a sane depth; what is deeper, longer or
//! refused is stripped of its tags in one pass. Absent: sanitising (the client renders mail).

use crate::limits::{HTML_BYTES_MAX, HTML_DEPTH_MAX};
use html2text::config;
use mail_parser::decoders::html::html_to_text;
use plain::Plain;

mod depth;
mod plain;

/// Columns at which the converter would wrap: a phone wraps by itself.
const WIDTH: usize = 2_000;

/// The plain-text rendition, lines separated by `\n`. Reads [`HTML_BYTES_MAX`] bytes.
#[must_use]
pub fn to_text(html: &str) -> String {
    let html = super::mail::cut(html, HTML_BYTES_MAX);
    let text = if depth::is_within(html, HTML_DEPTH_MAX) {
        convert(html).unwrap_or_else(|| strip(html))
    } else {
        strip(html)
    };
    tidy(&text)
}

/// HTML that shows a plain text as it is.
#[must_use]
pub fn from_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8 + 64);
    out.push_str("<html><body>");
    for (i, line) in text.lines().enumerate() {
        if i > 0 {
            out.push_str("<br>\r\n");
        }
        escape_line(line, &mut out);
    }
    out.push_str("</body></html>");
    out
}

/// The first `chars` characters with all white space folded to single blanks.
#[must_use]
pub fn preview(text: &str, chars: usize) -> String {
    let mut out = String::new();
    let mut left = chars;
    for word in text.split_whitespace() {
        if left == 0 {
            break;
        }
        if !out.is_empty() {
            out.push(' ');
            left -= 1;
        }
        let kept = word.chars().take(left);
        let before = out.len();
        out.extend(kept);
        left -= out.get(before..).map_or(0, |w| w.chars().count());
    }
    out.truncate(out.trim_end().len());
    out
}

fn convert(html: &str) -> Option<String> {
    config::with_decorator(Plain)
        .raw_mode(true)
        .allow_width_overflow()
        .string_from_read(html.as_bytes(), WIDTH)
        .ok()
}

/// Elements that stand on lines of their own.
const BLOCKS: &[&str] = &[
    "address",
    "article",
    "blockquote",
    "br",
    "center",
    "dd",
    "div",
    "dl",
    "dt",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "li",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "td",
    "th",
    "title",
    "tr",
    "ul",
];

/// Drops the tags; words of neighbouring blocks stay apart.
fn strip(html: &str) -> String {
    let mut spaced = String::with_capacity(html.len() + html.len() / 16);
    for (i, piece) in html.split('<').enumerate() {
        if i > 0 {
            let name = piece.strip_prefix('/').unwrap_or(piece);
            let len = name.bytes().take_while(u8::is_ascii_alphanumeric).count();
            let name = name.get(..len).unwrap_or_default();
            if BLOCKS.iter().any(|b| b.eq_ignore_ascii_case(name)) {
                spaced.push(' ');
            }
            spaced.push('<');
        }
        spaced.push_str(piece);
    }
    html_to_text(&spaced)
}

/// No blanks at line ends, no more than one empty line in a row, none at either end.
fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut empty = 0;
    for line in text.lines() {
        let line = line.trim_end_matches(|c: char| c.is_whitespace() || is_filler(c));
        if line.is_empty() {
            empty += 1;
            continue;
        }
        if !out.is_empty() {
            out.push_str(if empty > 0 { "\n\n" } else { "\n" });
        }
        empty = 0;
        out.extend(line.chars().filter(|&c| c != '\r' && c != '\0'));
    }
    out
}

/// Characters that newsletters put behind their preview text.
fn is_filler(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}'
    )
}

fn escape_line(line: &str, out: &mut String) {
    for (i, c) in line.char_indices() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // A blank that HTML would fold with its neighbour.
            ' ' if i == 0 || line.get(..i).is_some_and(|l| l.ends_with(' ')) => {
                out.push_str("&nbsp;");
            }
            '\t' => out.push_str("&nbsp; &nbsp; "),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn html_becomes_readable_text() {
        let check = |html: &str, expect: &str| assert_eq!(to_text(html), expect, "{html}");
        check("<p>One</p><p>two</p>", "One\n\ntwo");
        check("a<br>b", "a\nb");
        check(
            "<b>bold</b> and <a href='http://x'>link</a>",
            "bold and link",
        );
        check("<h1>Head</h1>text", "Head\n\ntext");
        check("<ul><li>a<li>b</ul>", "- a\n- b");
        check("<ol><li>a<li>b</ol>", "1. a\n2. b");
        check("<blockquote>q</blockquote>", "> q");
        check("<table><tr><td>a<td>b</table>", "a\nb");
        check(
            "<style>p{}</style><script>x()</script>&amp;&nbsp;&euro;",
            "&\u{a0}€",
        );
        check("<img src=x alt=Logo>", "[Logo]");
        check("", "");
        check("no tags < here", "no tags < here");
    }

    #[test]
    fn deep_documents_are_stripped_with_words_apart() {
        let deep = format!("{}<p>one</p><p>two</p>", "<div>".repeat(20_000));
        assert_eq!(to_text(&deep), "one\ntwo");
    }

    #[test]
    fn text_shows_as_it_is() {
        assert_eq!(
            from_text("a < b\n  \"c\""),
            "<html><body>a &lt; b<br>\r\n&nbsp;&nbsp;&quot;c&quot;</body></html>"
        );
    }

    #[test]
    fn previews_fold_blanks_and_count_characters() {
        assert_eq!(preview("  Grüße \r\n aus\tKöln ", 255), "Grüße aus Köln");
        assert_eq!(preview("Grüße aus Köln", 5), "Grüße");
        assert_eq!(preview("Grüße aus Köln", 6), "Grüße");
        assert_eq!(preview("Grüße aus", 7), "Grüße a");
        assert_eq!(preview("x", 0), "");
    }

    proptest! {
        #[test]
        fn any_text_converts_both_ways(text in "[ -~éß€\n<>/&;\"='a-z]{0,300}") {
            let _ = to_text(&text);
            prop_assert!(!from_text(&text).contains("<script"));
            prop_assert!(preview(&text, 20).chars().count() <= 20);
        }

        #[test]
        fn any_tag_soup_converts(
            tags in prop::collection::vec(
                "</?(table|tr|td|p|b|a|ul|li|pre|div|font|svg|math|select|template|h1|br|ol|sup)( [a-z]{1,9}=[\"']?[0-9a-z%-]{0,5}[\"']?)?>[a-zé ]{0,3}",
                0..60,
            )
        ) {
            let _ = to_text(&tags.concat());
        }
    }
}
