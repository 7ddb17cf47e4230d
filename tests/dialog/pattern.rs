//! What is expected against what came: names in braces stand for what is not known before.
//!
//! `{name}` stands for anything the first time, and for the same from then on; `{*}` for anything
//! each time. A line `...` stands for any number of lines.

use std::collections::BTreeMap;

/// What names stand for.
pub(crate) type Names = BTreeMap<String, String>;

/// Puts in what names stand for.
///
/// # Errors
/// A name that stands for nothing yet.
pub(crate) fn fill(text: &str, names: &Names) -> Result<String, String> {
    let mut out = String::new();
    for piece in pieces(text) {
        match piece {
            Piece::Plain(text) => out.push_str(text),
            Piece::Name(name) => match names.get(name) {
                Some(value) => out.push_str(value),
                None => return Err(format!("{{{name}}} stands for nothing yet")),
            },
        }
    }
    Ok(out)
}

/// Whether lines are as expected; then with the names that are known now.
pub(crate) fn matches(expect: &[String], actual: &[String], names: &Names) -> Option<Names> {
    let Some((first, rest)) = expect.split_first() else {
        return actual.is_empty().then(|| names.clone());
    };
    if first.trim() == "..." {
        return (0..=actual.len()).find_map(|n| matches(rest, &actual[n..], names));
    }
    let (line, others) = actual.split_first()?;
    let names = line_matches(first, line, names)?;
    matches(rest, others, &names)
}

/// Whether a line is as expected; then with the names that are known now.
pub(crate) fn line_matches(expect: &str, actual: &str, names: &Names) -> Option<Names> {
    let mut names = names.clone();
    pieces_match(&pieces(expect), actual, &mut names).then_some(names)
}

fn pieces_match(expect: &[Piece<'_>], actual: &str, names: &mut Names) -> bool {
    let Some((first, rest)) = expect.split_first() else {
        return actual.is_empty();
    };
    match first {
        Piece::Plain(text) => match actual.strip_prefix(text) {
            Some(actual) => pieces_match(rest, actual, names),
            None => false,
        },
        Piece::Name(name) => {
            if let Some(value) = names.get(*name).cloned() {
                let rest_of = actual.strip_prefix(value.as_str());
                return rest_of.is_some_and(|actual| pieces_match(rest, actual, names));
            }
            let ends = actual.char_indices().map(|(i, c)| i + c.len_utf8());
            for end in ends {
                let mut tried = names.clone();
                if *name != "*" {
                    tried.insert((*name).to_owned(), actual[..end].to_owned());
                }
                if pieces_match(rest, &actual[end..], &mut tried) {
                    *names = tried;
                    return true;
                }
            }
            false
        }
    }
}

enum Piece<'a> {
    Plain(&'a str),
    Name(&'a str),
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut out = Vec::new();
    let mut from = 0;
    for (at, _) in text.match_indices('{') {
        let Some(len) = text[at + 1..].find('}') else {
            break;
        };
        let name = &text[at + 1..][..len];
        let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let is_name = !name.is_empty() && name.bytes().all(fits);
        if at < from || name != "*" && !is_name {
            continue;
        }
        out.push(Piece::Plain(&text[from..at]));
        out.push(Piece::Name(name));
        from = at + len + 2;
    }
    out.push(Piece::Plain(&text[from..]));
    out
}

/// Both, line by line: `-` what was expected, `+` what came.
pub(crate) fn diff(expect: &[(usize, String)], actual: &[String], names: &Names) -> String {
    let same = |i: usize, j: usize| line_matches(&expect[i].1, &actual[j], names).is_some();
    let (n, m) = (expect.len(), actual.len());
    // Length of the longest common subsequence from (i, j) on.
    let mut common = vec![vec![0_usize; m + 1]; n + 1];
    for i in (0..n).rev() {
        for j in (0..m).rev() {
            common[i][j] = if same(i, j) {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut out = String::new();
    while i < n || j < m {
        let line = if i < n && j < m && same(i, j) {
            (i, j) = (i + 1, j + 1);
            format!("{:>5}   {}", expect[i - 1].0, actual[j - 1])
        } else if j == m || i < n && common[i + 1][j] >= common[i][j + 1] {
            i += 1;
            format!("{:>5} - {}", expect[i - 1].0, expect[i - 1].1)
        } else {
            j += 1;
            format!("      + {}", actual[j - 1])
        };
        out.push_str(&line);
        out.push('\n');
    }
    out
}

#[test]
fn names_are_learnt_and_kept() {
    let names = Names::from([("key".to_owned(), "7".to_owned())]);
    let lines = |l: &[&str]| l.iter().map(|l| (*l).to_owned()).collect::<Vec<_>>();
    let expect = lines(&["SyncKey {key}", "...", "ServerId {a}:{b}", "Again {a}{*}"]);
    let learnt = |actual: &[&str]| matches(&expect, &lines(actual), &names);
    let found = learnt(&["SyncKey 7", "x", "y", "ServerId 2:13", "Again 2!"]).unwrap();
    assert_eq!((found["a"].as_str(), found["b"].as_str()), ("2", "13"));
    assert!(learnt(&["SyncKey 7", "ServerId 2:13", "Again 21"]).is_some());
    assert!(learnt(&["SyncKey 8", "ServerId 2:13", "Again 21"]).is_none());
    assert!(learnt(&["SyncKey 7", "ServerId 2:13", "Again 31"]).is_none());
    assert!(learnt(&["SyncKey 7", "ServerId 2:13"]).is_none());
    assert_eq!(fill("a{key}b{ }", &names).unwrap(), "a7b{ }");
    assert!(fill("{other}", &names).is_err());
}

#[test]
fn a_difference_is_shown() {
    let expect = [
        (4, "a".to_owned()),
        (5, "b {x}".to_owned()),
        (6, "c".to_owned()),
    ];
    let actual = ["a", "b 1", "d"].map(str::to_owned);
    let shown = diff(&expect, &actual, &Names::new());
    assert_eq!(shown, "    4   a\n    5   b 1\n    6 - c\n      + d\n");
}
