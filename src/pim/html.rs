//! Between HTML and plain text, at a cost linear to the length.
//!
//! No tree is built: a sender chooses how deep a document nests, and parsers that build one have
//! paid for that in time and in panics. Absent: style sheets, sanitising (the client renders mail).

mod layout;
mod reader;

use crate::limits::HTML_BYTES_MAX;

/// The plain-text rendition, lines separated by `\n`. Reads [`HTML_BYTES_MAX`] bytes.
#[must_use]
pub fn to_text(html: &str) -> String {
    tidy(&layout::text_of(super::mail::cut(html, HTML_BYTES_MAX)))
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
        check("a<br>b<br><br>c", "a\nb\n\nc");
        check("<div>a</div><div><br></div><div>b</div>", "a\n\nb");
        check(
            "<b>bold</b> and <a href='http://x'>link</a>",
            "bold and link",
        );
        check("<h1>Head</h1>text", "Head\n\ntext");
        check("<ul><li>a<li>b<ul><li>c</ul></ul>d", "- a\n- b\n  - c\n\nd");
        check("<ol><li>a<li><p>b</p></ol>", "1. a\n2. b");
        check("x<blockquote>q<br>r</blockquote>y", "x\n\n> q\n> r\n\ny");
        check(
            "<table><tr><td>a<td>b</tr><tr><td><div>c</div></td></tr></table>",
            "a  b\nc",
        );
        check(
            "<style>p{}</style><script>'</p>'</script>&amp;&nbsp;&euro;&#x41;&bogus;",
            "& €A&bogus;",
        );
        check("<pre>a\n  b</pre>c", "a\n  b\n\nc");
        check("a<img src=x alt=Logo><img src=y>", "a[Logo]");
        check("a<hr>b", "a\n\n---\n\nb");
        check("AT&T & co. < all &", "AT&T & co. < all &");
        check("Preview&zwnj;&#8203;<p>x", "Preview\n\nx");
        check("", "");
    }

    #[test]
    fn hostile_documents_are_read_to_the_end() {
        let check = |html: String, ends: &str| {
            let text = to_text(&html);
            assert!(text.ends_with(ends), "{ends}");
            assert!(
                text.len() <= 4 * html.len() + 100,
                "{} of {}",
                text.len(),
                html.len()
            );
        };
        check("<div>".repeat(100_000) + "end", "end");
        check("<ul><li>x".repeat(100_000) + "end", "end");
        check("<blockquote>x".repeat(50_000) + "end", "end");
        check("</ul></pre></blockquote>".repeat(1_000) + "end", "end");
        check(
            "<td colspan=9 rowspan=9999999999>x".repeat(10_000) + "end",
            "end",
        );
        check(
            "<ol start=99999999999999999999><li>x".repeat(10_000) + "end",
            "end",
        );
        check("<a b=\"".repeat(100_000) + ">end", "end");
        check("<a b='x\">".repeat(100_000) + "end", "end");
        check("&".repeat(300_000) + "end", "end");
        check("<".repeat(300_000) + " end", "end");
        check("<!-- ".repeat(300_000), "");
        check("<style>".repeat(300_000), "");
        check("x".repeat(3_000_000), "x");
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
