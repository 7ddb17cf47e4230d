//! Rust source as the checks see it: comments and literals blanked, test modules cut out.
//!
//! Not a parser: it knows comments, strings and braces, which is enough to count and to look for
//! paths. Line numbers survive every step, since only characters other than newlines are blanked.

/// Blanks comments and the contents of string and character literals.
pub(crate) fn code_only(source: &str) -> String {
    let chars: Vec<char> = source.chars().collect();
    let mut out = String::with_capacity(source.len());
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        let end = literal_end(&chars, at);
        if end > at {
            blank(&chars[at..end], &mut out);
            at = end;
        } else {
            out.push(c);
            at += 1;
        }
    }
    out
}

/// Blanks every item under `#[cfg(test)]`. Takes what [`code_only`] gave.
pub(crate) fn without_tests(code: &str) -> String {
    let mut out = code.to_owned();
    let mut from = 0;
    while let Some(found) = out[from..].find("#[cfg(test)]") {
        let start = from + found;
        let end = item_end(&out, start);
        let blanked: String = out[start..end].chars().map(keep_newline).collect();
        out.replace_range(start..end, &blanked);
        from = start + blanked.len();
    }
    out
}

/// Name, first line (from 1) and number of lines of every function with a body.
pub(crate) fn functions(code: &str) -> Vec<(String, usize, usize)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        if !is_boundary(code, at) {
            continue;
        }
        let name: String = code[at + 3..].chars().take_while(|&c| is_word(c)).collect();
        let Some(open) = code[at..].find(['{', ';']).map(|i| at + i) else {
            continue;
        };
        if name.is_empty() || code[open..].starts_with(';') {
            continue;
        }
        let end = brace_end(code, open);
        let lines = code[at..end].lines().count();
        found.push((name, line_of(code, at), lines));
    }
    found
}

/// Top-level modules that a source names as `crate::NAME` or `crate::{NAME, ...}`, with lines.
pub(crate) fn crate_paths(code: &str) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        if !is_boundary(code, at) || code[..at].ends_with('$') {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        let line = line_of(code, at);
        if let Some(group) = rest.strip_prefix('{') {
            let end = brace_end(rest, 0).saturating_sub(2);
            found.extend(first_segments(&group[..end.min(group.len())]).map(|name| (name, line)));
        } else {
            found.push((word(rest), line));
        }
    }
    found
}

/// Modules reached through a chain of exactly `depth` times `super::`, with lines.
pub(crate) fn super_paths(code: &str, depth: usize) -> Vec<(String, usize)> {
    let chain = "super::".repeat(depth);
    code.match_indices(&chain)
        .filter(|&(at, _)| is_boundary(code, at) && !code[..at].ends_with("super::"))
        .map(|(at, _)| (word(&code[at + chain.len()..]), line_of(code, at)))
        .collect()
}

/// Lines (from 1) on which `needle` stands as a whole word or path.
pub(crate) fn lines_naming(code: &str, needle: &str) -> Vec<usize> {
    code.match_indices(needle)
        .filter(|&(at, _)| {
            let ends_in_word = needle.ends_with(is_word);
            let next = code[at + needle.len()..].chars().next();
            is_boundary(code, at) && !(ends_in_word && next.is_some_and(is_word))
        })
        .map(|(at, _)| line_of(code, at))
        .collect()
}

fn first_segments(group: &str) -> impl Iterator<Item = String> + '_ {
    let mut depth = 0_usize;
    group
        .split(move |c| {
            match c {
                '{' => depth += 1,
                '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            c == ',' && depth == 0
        })
        .map(|path| word(path.trim()))
        .filter(|name| !name.is_empty())
}

fn word(text: &str) -> String {
    text.chars().take_while(|&c| is_word(c)).collect()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn is_boundary(code: &str, at: usize) -> bool {
    !code[..at].ends_with(is_word)
}

fn line_of(code: &str, at: usize) -> usize {
    code[..at].matches('\n').count() + 1
}

fn keep_newline(c: char) -> char {
    if c == '\n' { '\n' } else { ' ' }
}

fn blank(chars: &[char], out: &mut String) {
    // The outer characters stay, so that an empty literal remains one token.
    for (i, &c) in chars.iter().enumerate() {
        let edge = (i == 0 || i + 1 == chars.len()) && c == '"';
        out.push(if edge { '"' } else { keep_newline(c) });
    }
}

/// End of the item that begins at `start`: its closing brace or its semicolon.
fn item_end(code: &str, start: usize) -> usize {
    match code[start..].find(['{', ';']).map(|i| start + i) {
        Some(open) if code[open..].starts_with('{') => brace_end(code, open),
        Some(semicolon) => semicolon + 1,
        None => code.len(),
    }
}

/// Position after the brace that closes the one at `open`.
fn brace_end(code: &str, open: usize) -> usize {
    let mut depth = 0_usize;
    for (i, c) in code[open..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return open + i + c.len_utf8();
        }
    }
    code.len()
}

/// End of the comment or literal that begins at `at`; `at` itself if none does.
fn literal_end(chars: &[char], at: usize) -> usize {
    let next = chars.get(at + 1).copied();
    let after_word = at > 0 && is_word(chars[at - 1]);
    match chars[at] {
        '/' if next == Some('/') => until(chars, at, |rest| rest[0] == '\n'),
        '/' if next == Some('*') => block_comment_end(chars, at),
        '"' => string_end(chars, at + 1),
        'r' if !after_word => raw_string_end(chars, at),
        'b' if !after_word && next == Some('r') => match raw_string_end(chars, at + 1) {
            end if end == at + 1 => at,
            end => end,
        },
        '\'' => char_end(chars, at),
        _ => at,
    }
}

fn until(chars: &[char], at: usize, stop: impl Fn(&[char]) -> bool) -> usize {
    (at..chars.len())
        .find(|&i| stop(&chars[i..]))
        .unwrap_or(chars.len())
}

fn block_comment_end(chars: &[char], at: usize) -> usize {
    let mut depth = 0_usize;
    let mut i = at;
    while i < chars.len() {
        let pair = (chars[i], chars.get(i + 1).copied());
        match pair {
            ('/', Some('*')) => depth += 1,
            ('*', Some('/')) => depth -= 1,
            _ => {
                i += 1;
                continue;
            }
        }
        i += 2;
        if depth == 0 {
            return i;
        }
    }
    chars.len()
}

fn string_end(chars: &[char], mut at: usize) -> usize {
    while let Some(&c) = chars.get(at) {
        match c {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    chars.len()
}

fn raw_string_end(chars: &[char], at: usize) -> usize {
    let hashes = chars[at + 1..].iter().take_while(|&&c| c == '#').count();
    let quote = at + 1 + hashes;
    if chars.get(quote) != Some(&'"') {
        return at;
    }
    let close: Vec<char> = std::iter::once('"')
        .chain(std::iter::repeat_n('#', hashes))
        .collect();
    (until(chars, quote + 1, |rest| rest.starts_with(&close)) + close.len()).min(chars.len())
}

/// A character literal, as opposed to a lifetime.
fn char_end(chars: &[char], at: usize) -> usize {
    match (chars.get(at + 1), chars.get(at + 2)) {
        (Some('\\'), Some(_)) => until(chars, at + 3, |rest| rest[0] == '\'') + 1,
        (Some(_), Some('\'')) => at + 3,
        _ => at,
    }
}
