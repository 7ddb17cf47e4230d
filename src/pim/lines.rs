//! Content lines of calendars and cards (RFC 5545 3.1, RFC 6350 3.2): escaped and folded.

/// Octets of a line, its end not counted.
const OCTETS_MAX: usize = 75;

/// A text that grows line by line.
#[derive(Debug, Default)]
pub(super) struct Lines {
    out: String,
}

impl Lines {
    /// A whole line `name:value`, neither of them escaped. Folded; control characters left out.
    pub(super) fn raw(&mut self, name: &str, value: &str) {
        let mut octets = 0;
        for c in name.chars().chain(Some(':')).chain(value.chars()) {
            if c.is_control() && c != '\t' {
                continue;
            }
            if octets + c.len_utf8() > OCTETS_MAX {
                self.out.push_str("\r\n ");
                octets = 1;
            }
            self.out.push(c);
            octets += c.len_utf8();
        }
        self.out.push_str("\r\n");
    }

    /// A line with a text value, unless it is empty.
    pub(super) fn text(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.raw(name, &escaped(value));
        }
    }

    /// The text so far.
    pub(super) fn finish(self) -> String {
        self.out
    }
}

/// A text value: backslash, comma, semicolon and line ends escaped.
pub(super) fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 8);
    let mut chars = value.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' if chars.peek() == Some(&'\n') => {}
            '\r' | '\n' => out.push_str("\\n"),
            '\\' | ',' | ';' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

/// A parameter value: quoted where it has to be. A quotation mark cannot be said.
pub(super) fn parameter(value: &str) -> String {
    let clean: String = value
        .chars()
        .filter(|c| !c.is_control())
        .map(|c| if c == '"' { '\'' } else { c })
        .collect();
    if clean.contains([':', ';', ',', ' ', '=', '\\']) {
        format!("\"{clean}\"")
    } else {
        clean
    }
}

/// A name out of a list of names, with one blank between its words: what reads lists takes several for one,
/// or does not, as the lines are folded.
pub(super) fn single_spaced(name: &str) -> String {
    let words: Vec<&str> = name.trim().split_ascii_whitespace().collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_fold_between_characters() {
        let mut lines = Lines::default();
        lines.text("SUMMARY", &"ä".repeat(80));
        let out = lines.finish();
        assert!(out.lines().all(|l| l.len() <= OCTETS_MAX), "{out}");
        assert_eq!(
            out.replace("\r\n ", ""),
            format!("SUMMARY:{}\r\n", "ä".repeat(80))
        );
    }

    #[test]
    fn what_has_a_meaning_is_escaped() {
        assert_eq!(escaped("a,b;c\\d\r\ne\nf"), "a\\,b\\;c\\\\d\\ne\\nf");
        assert_eq!(parameter("Doe, \"Jo\""), "\"Doe, 'Jo'\"");
        assert_eq!(parameter("Jo\r\nBEGIN"), "JoBEGIN");
    }

    #[test]
    fn a_value_cannot_break_out_of_its_line() {
        let mut lines = Lines::default();
        lines.raw("X", "a\r\nEND:VCALENDAR");
        lines.text("EMPTY", "");
        assert_eq!(lines.finish(), "X:aEND:VCALENDAR\r\n");
    }
}
