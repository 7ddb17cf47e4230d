//! The keyword query language of Find ([MS-KQL]): words, phrases, properties, `AND`, `OR`, `NOT` and
//! parentheses.
//!
//! People type these queries letter by letter: what is not complete yet (an open quote, a property
//! without a value) is read as far as it goes, and an unknown property is text. Every word matches the
//! words that begin with it, so that `*` says nothing new. Days are those of UTC. Deliberately absent:
//! the distance of `NEAR` (it means `AND`), weights (`XRANK`), synonyms.

use super::days;
use crate::clock::UnixMs;
use crate::limits::SEARCH_TERMS_MAX;
use crate::mailbox::search::{Expr, Mark};
use crate::pim::words::{Field, Term, phrase, terms};

/// Parentheses within each other.
const DEPTH_MAX: usize = 16;

/// More than [`SEARCH_TERMS_MAX`] conditions, or too many parentheses within each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooComplex;

/// What a query asks for at `now_ms`; none: nothing that could be looked for.
///
/// # Errors
/// [`TooComplex`].
pub fn parse(text: &str, now_ms: UnixMs) -> Result<Option<Expr>, TooComplex> {
    let mut parser = Parser {
        rest: text,
        now_ms,
        depth: 0,
        count: 0,
    };
    let mut all = Vec::new();
    loop {
        all.extend(parser.either(None)?);
        // A parenthesis that nothing has opened.
        if parser.rest.is_empty() {
            return Ok(joined(all, Expr::And));
        }
        parser.rest = parser.rest.get(1..).unwrap_or_default();
    }
}

/// A property that a condition is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Property {
    Words(Field),
    HasFiles,
    Has,
    Is,
    Kind,
    Received,
    Read,
    Flagged,
    Importance,
    Category,
}

/// How it compares.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Op {
    Is,
    Not,
    Below,
    UpTo,
    Above,
    From,
}

/// A property and how it compares.
type Restriction = (Property, Op);

/// A piece of a query.
enum Piece<'a> {
    Open,
    And,
    Or,
    Not,
    Include,
    Word(&'a str),
    Quoted(&'a str),
    Property(Restriction),
}

struct Parser<'a> {
    rest: &'a str,
    now_ms: UnixMs,
    depth: usize,
    count: usize,
}

impl<'a> Parser<'a> {
    /// Conditions with `OR` between them, up to the end or a closing parenthesis.
    fn either(&mut self, within: Option<Restriction>) -> Result<Option<Expr>, TooComplex> {
        let mut any = Vec::new();
        loop {
            any.extend(self.both(within)?);
            if self.peek_or() {
                self.piece();
            } else {
                return Ok(joined(any, Expr::Or));
            }
        }
    }

    /// Conditions with `AND`, or nothing, between them. Of the same property, and with nothing between
    /// them, either holds ([MS-KQL] 2.1.3).
    fn both(&mut self, within: Option<Restriction>) -> Result<Option<Expr>, TooComplex> {
        let mut all: Vec<(Option<Property>, Vec<Expr>)> = Vec::new();
        let mut is_adjacent = false;
        while !self.peek_or() {
            let (mut negated, mut is_first) = (false, true);
            let found = loop {
                match self.piece() {
                    None => break None,
                    Some(Piece::And) if is_first => is_adjacent = false,
                    Some(Piece::Not) => (negated, is_adjacent) = (!negated, false),
                    Some(Piece::And | Piece::Or | Piece::Include) => {}
                    Some(piece) => break Some(self.primary(piece, within)?),
                }
                is_first = false;
                if self.is_at_end() {
                    break None;
                }
            };
            let Some((property, expr)) = found else { break };
            let Some(expr) = expr else { continue };
            let expr = match negated {
                true => Expr::Not(Box::new(expr)),
                false => expr,
            };
            match all.last_mut() {
                Some((last, any)) if is_adjacent && property.is_some() && *last == property => {
                    any.push(expr);
                }
                _ => all.push((property.filter(|_| !negated), vec![expr])),
            }
            is_adjacent = true;
        }
        let all = all.into_iter().filter_map(|(_, any)| joined(any, Expr::Or));
        Ok(joined(all.collect(), Expr::And))
    }

    /// One condition, and the property that it is about.
    fn primary(
        &mut self,
        piece: Piece<'a>,
        within: Option<Restriction>,
    ) -> Result<(Option<Property>, Option<Expr>), TooComplex> {
        let (restriction, piece) = match piece {
            Piece::Property(restriction) => (Some(restriction), self.value()),
            piece => (within, Some(piece)),
        };
        let property = restriction.map(|(property, _)| property);
        let expr = match piece {
            Some(Piece::Open) => self.group(restriction)?,
            Some(Piece::Word(text)) => self.condition(restriction, text, false)?,
            Some(Piece::Quoted(text)) => self.condition(restriction, text, true)?,
            _ => None,
        };
        Ok((property, expr))
    }

    /// What stands in parentheses.
    fn group(&mut self, within: Option<Restriction>) -> Result<Option<Expr>, TooComplex> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(TooComplex);
        }
        let expr = self.either(within)?;
        self.depth -= 1;
        self.rest = self.rest.strip_prefix(')').unwrap_or(self.rest);
        Ok(expr)
    }

    fn condition(
        &mut self,
        restriction: Option<Restriction>,
        text: &str,
        is_quoted: bool,
    ) -> Result<Option<Expr>, TooComplex> {
        let (property, op) = restriction.unwrap_or((Property::Words(Field::Any), Op::Is));
        let expr = match property {
            Property::Words(field) => self.words(field, text, is_quoted)?,
            property => of_property(property, op, text, self.now_ms),
        };
        self.count += 1;
        if self.count > SEARCH_TERMS_MAX {
            return Err(TooComplex);
        }
        Ok(match (op, expr) {
            (Op::Not, Some(expr)) => Some(Expr::Not(Box::new(expr))),
            (_, expr) => expr,
        })
    }

    fn words(
        &mut self,
        field: Field,
        text: &str,
        is_quoted: bool,
    ) -> Result<Option<Expr>, TooComplex> {
        let max = SEARCH_TERMS_MAX + 1;
        let terms: Vec<Term> = match is_quoted {
            true => phrase(text, max).into_iter().collect(),
            false => terms(text, max),
        };
        let count: usize = terms.iter().map(Term::count).sum();
        self.count += count.saturating_sub(1);
        if self.count > SEARCH_TERMS_MAX {
            return Err(TooComplex);
        }
        Ok(match Expr::of_terms(field, terms) {
            Expr::And(all) => joined(all, Expr::And),
            other => Some(other),
        })
    }

    // ---- pieces ----------------------------------------------------------------------------

    /// At the end, or before a closing parenthesis.
    fn is_at_end(&mut self) -> bool {
        self.rest = self.rest.trim_start();
        self.rest.is_empty() || self.rest.starts_with(')')
    }

    fn peek_or(&mut self) -> bool {
        !self.is_at_end() && self.word_ahead() == "OR"
    }

    /// The word that comes next, up to a blank, a quote or a parenthesis.
    fn word_ahead(&self) -> &'a str {
        let ends = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '"');
        let end = self.rest.find(ends).unwrap_or(self.rest.len());
        self.rest.get(..end).unwrap_or_default()
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    /// The next piece; none at the end, and before a closing parenthesis.
    fn piece(&mut self) -> Option<Piece<'a>> {
        if self.is_at_end() {
            return None;
        }
        if let Some(sign) = self.rest.chars().next().filter(|c| matches!(c, '+' | '-')) {
            self.skip(1);
            return Some(match sign {
                '-' => Piece::Not,
                _ => Piece::Include,
            });
        }
        let word = self.word_ahead();
        if let Some((restriction, bytes)) = restriction(word) {
            self.skip(bytes);
            return Some(Piece::Property(restriction));
        }
        self.plain(true)
    }

    /// The value of a property, which may begin with a sign.
    fn value(&mut self) -> Option<Piece<'a>> {
        match self.is_at_end() {
            true => None,
            false => self.plain(false),
        }
    }

    fn plain(&mut self, has_operators: bool) -> Option<Piece<'a>> {
        if let Some(quoted) = self.rest.strip_prefix('"') {
            let end = quoted.find('"').unwrap_or(quoted.len());
            self.skip(end + 2);
            return Some(Piece::Quoted(quoted.get(..end).unwrap_or_default()));
        }
        if self.rest.starts_with('(') {
            self.skip(1);
            return Some(Piece::Open);
        }
        let word = self.word_ahead();
        self.skip(word.len());
        Some(match word {
            "OR" if has_operators => Piece::Or,
            "AND" | "NEAR" | "ONEAR" if has_operators => Piece::And,
            "NOT" if has_operators => Piece::Not,
            word => Piece::Word(word),
        })
    }
}

/// One condition of several; none of none.
fn joined(mut all: Vec<Expr>, join: fn(Vec<Expr>) -> Expr) -> Option<Expr> {
    match all.len() {
        0 | 1 => all.pop(),
        _ => Some(join(all)),
    }
}

/// The known property with which a word begins, and the bytes of it and its operator.
fn restriction(word: &str) -> Option<(Restriction, usize)> {
    const OPS: [(&str, Op); 7] = [
        ("<>", Op::Not),
        ("<=", Op::UpTo),
        (">=", Op::From),
        ("<", Op::Below),
        (">", Op::Above),
        (":", Op::Is),
        ("=", Op::Is),
    ];
    let end = word.find(|c: char| !c.is_ascii_alphabetic())?;
    let (name, rest) = word.split_at_checked(end)?;
    let (sign, op) = OPS.iter().find(|(sign, _)| rest.starts_with(sign))?;
    let property = match name.to_ascii_lowercase().as_str() {
        "subject" | "title" => Property::Words(Field::Subject),
        "from" | "sender" | "author" => Property::Words(Field::From),
        "to" => Property::Words(Field::To),
        "cc" | "bcc" => Property::Words(Field::Cc),
        "recipients" => Property::Words(Field::Recipients),
        "participants" | "people" => Property::Words(Field::Participants),
        "body" | "text" | "content" => Property::Words(Field::Text),
        "attachment" | "attachments" | "attachmentnames" | "filename" => {
            Property::Words(Field::Files)
        }
        "hasattachment" | "hasattachments" => Property::HasFiles,
        "has" => Property::Has,
        "is" => Property::Is,
        "kind" => Property::Kind,
        "received" | "sent" | "date" => Property::Received,
        "isread" | "read" => Property::Read,
        "isflagged" | "flagged" | "flag" => Property::Flagged,
        "importance" | "priority" => Property::Importance,
        "category" | "categories" => Property::Category,
        _ => return None,
    };
    Some(((property, *op), end + sign.len()))
}

/// The condition of a property that has no words; none for a value that it cannot have.
fn of_property(property: Property, op: Op, value: &str, now_ms: UnixMs) -> Option<Expr> {
    let lower = value.trim().to_lowercase();
    let mark = |mark| Some(Expr::Mark(mark));
    let not = |expr| Expr::Not(Box::new(expr));
    let when = |expr: Expr| match lower.as_str() {
        "true" | "yes" | "1" => Some(expr),
        "false" | "no" | "0" => Some(not(expr)),
        _ => None,
    };
    match property {
        Property::Words(_) => None,
        Property::HasFiles => when(Expr::HasFiles),
        Property::Read => when(Expr::Mark(Mark::Read)),
        Property::Flagged => when(Expr::Mark(Mark::Flagged)),
        Property::Has => match lower.as_str() {
            "attachment" | "attachments" | "file" | "files" => Some(Expr::HasFiles),
            "flag" => mark(Mark::Flagged),
            _ => None,
        },
        Property::Is => match lower.as_str() {
            "read" => mark(Mark::Read),
            "unread" => Some(not(Expr::Mark(Mark::Read))),
            "flagged" => mark(Mark::Flagged),
            "important" => mark(Mark::Importance(2)),
            _ => None,
        },
        Property::Importance => mark(Mark::Importance(match lower.as_str() {
            "low" | "0" => 0,
            "normal" | "medium" | "1" => 1,
            "high" | "2" => 2,
            _ => return None,
        })),
        Property::Category if lower.is_empty() => None,
        Property::Category => mark(Mark::Category(lower)),
        // Find is about mail: everything, or nothing.
        Property::Kind if lower.is_empty() => None,
        Property::Kind => match lower.as_str() {
            "email" | "mail" | "message" => Some(Expr::And(Vec::new())),
            _ => Some(Expr::Or(Vec::new())),
        },
        Property::Received => {
            let (from_ms, to_ms) = days::span(&lower, now_ms)?;
            Some(match op {
                Op::Is | Op::Not => Expr::Dated(from_ms, to_ms),
                Op::Below => Expr::Dated(UnixMs::MIN, from_ms.saturating_sub(1)),
                Op::UpTo => Expr::Dated(UnixMs::MIN, to_ms),
                Op::Above => Expr::Dated(to_ms.saturating_add(1), UnixMs::MAX),
                Op::From => Expr::Dated(from_ms, UnixMs::MAX),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 2026-01-01T00:00:00Z, a Thursday.
    const NOW_MS: UnixMs = 1_767_225_600_000;
    const DAY_MS: i64 = 86_400_000;

    /// A short form of what a query asks for.
    fn shown(expr: &Expr) -> String {
        let list = |all: &[Expr], sign: &str| {
            let all: Vec<_> = all.iter().map(shown).collect();
            format!("({})", all.join(sign))
        };
        match expr {
            Expr::And(all) => list(all, " & "),
            Expr::Or(any) => list(any, " | "),
            Expr::Not(one) => format!("!{}", shown(one)),
            Expr::Word(Field::Any, word) => word.to_string(),
            Expr::Word(field, word) => format!("{field:?}={word}"),
            Expr::Phrase(field, words) => {
                let words: Vec<_> = words.iter().map(ToString::to_string).collect();
                format!("{field:?}=[{}]", words.join(" "))
            }
            Expr::HasFiles => "files".into(),
            Expr::Conversation(_) => "conversation".into(),
            Expr::Dated(from, to) => {
                let day = |ms: i64| match ms {
                    UnixMs::MIN | UnixMs::MAX => String::new(),
                    ms => ((ms - NOW_MS).div_euclid(DAY_MS)).to_string(),
                };
                format!("{}..{}", day(*from), day(*to))
            }
            Expr::Mark(mark) => format!("{mark:?}"),
        }
    }

    fn read(text: &str) -> String {
        match parse(text, NOW_MS) {
            Ok(Some(expr)) => shown(&expr),
            Ok(None) => "nothing".into(),
            Err(TooComplex) => "too complex".into(),
        }
    }

    #[test]
    fn words_and_operators() {
        let check = |text: &str, expect: &str| assert_eq!(read(text), expect, "{text}");
        check("report", "report");
        check("Annual REPORT", "(annual & report)");
        check("a AND b", "(a & b)");
        check("a OR b c", "(a | (b & c))");
        check("a b OR c d", "((a & b) | (c & d))");
        check("(a OR b) c", "((a | b) & c)");
        check("a NOT b", "(a & !b)");
        check("a AND NOT b", "(a & !b)");
        check("a -b +c", "(a & !b & c)");
        check("NOT (a OR b)", "!(a | b)");
        check("NOT NOT a", "a");
        check("a NEAR b", "(a & b)");
        // In lower case they are words.
        check("this and that or not", "(this & and & that & or & not)");
        check("rep*", "rep");
        check("e-mail", "(e & mail)");
        check("München", "munchen/muenchen");
        check("\"annual report\"", "Any=[annual report]");
        check("\"annual\" report", "(annual & report)");
        check("東京都", "Any=[東京 京都]");
        check("((((a))))", "a");
    }

    #[test]
    fn properties() {
        let check = |text: &str, expect: &str| assert_eq!(read(text), expect, "{text}");
        check("subject:report", "Subject=report");
        check("SUBJECT=Report", "Subject=report");
        check(
            "from:anna@example.org",
            "(From=anna & From=example & From=org)",
        );
        check("to:bob cc:carl", "(To=bob & Cc=carl)");
        check(
            "recipients:bob participants:carl",
            "(Recipients=bob & Participants=carl)",
        );
        check(
            "subject:\"annual report\" x",
            "(Subject=[annual report] & x)",
        );
        check(
            "subject:(annual report)",
            "(Subject=annual | Subject=report)",
        );
        check(
            "from:(anna OR bob) subject:x",
            "((From=anna | From=bob) & Subject=x)",
        );
        check("subject: report", "Subject=report");
        check("body:x filename:y", "(Text=x & Files=y)");
        // Of the same property either, with AND both.
        check("from:anna from:bob x", "((From=anna | From=bob) & x)");
        check("from:anna AND from:bob", "(From=anna & From=bob)");
        check("-from:anna from:bob", "(!From=anna & From=bob)");
        check("subject<>x", "!Subject=x");
        check("has:attachment", "files");
        check("hasattachment:false x", "(!files & x)");
        check("hasattachments=yes", "files");
        check("is:unread is:flagged", "(!Read | Flagged)");
        check("isread:false", "!Read");
        check("importance:high", "Importance(2)");
        check("category:\"My Own\"", "Category(\"my own\")");
        check("kind:email x", "(() & x)");
        check("kind:contacts", "()");
        // Unknown ones are text.
        check("foo:bar", "(foo & bar)");
        check("Re: report", "(re & report)");
        check("http://x.example/a", "(http & x & example & a)");
    }

    #[test]
    fn dates() {
        let check = |text: &str, expect: &str| assert_eq!(read(text), expect, "{text}");
        check("received:today", "0..0");
        check("received:yesterday", "-1..-1");
        check("received>=2025-12-30", "-2..");
        check("received>2025-12-30", "-1..");
        check("received<2025-12-30", "..-3");
        check("received<=2025-12-30", "..-2");
        check("received<>today", "!0..0");
        check("received:2025-12-01..2025-12-31", "-31..-1");
        check("received:12/30/2025", "-2..-2");
        check("received:2025-12", "-31..-1");
        check("received:2025", "-365..-1");
        check("received:\"this week\"", "-4..2");
        check("received:\"last week\"", "-11..-5");
        check("received:\"this month\"", "0..30");
        check("received:\"last month\"", "-31..-1");
        check("received:\"this year\"", "0..364");
        check("received:\"last year\"", "-365..-1");
        check("received>=2025-12-30T10:00:00Z x", "(-2.. & x)");
        check("sent:today", "0..0");
        check("received:someday", "nothing");
        check("received:2025-13-40 x", "x");
    }

    #[test]
    fn what_is_typed_half_is_read_as_far_as_it_goes() {
        let check = |text: &str, expect: &str| assert_eq!(read(text), expect, "{text}");
        check("", "nothing");
        check(" - ", "nothing");
        check("subject:", "nothing");
        check("subject: ", "nothing");
        check("subject:\"annual rep", "Subject=[annual rep]");
        check("a AND", "a");
        check("a OR", "a");
        check("a NOT", "a");
        check("OR a", "a");
        check("(a b", "(a & b)");
        check("a) b", "(a & b)");
        check("()", "nothing");
        check("from:()", "nothing");
        check("\"\"", "nothing");
        check("has:", "nothing");
        check("NOT", "nothing");
    }

    #[test]
    fn a_query_is_bounded() {
        assert_eq!(read(&"(".repeat(DEPTH_MAX)), "nothing");
        assert_eq!(read(&"(".repeat(DEPTH_MAX + 1)), "too complex");
        let words = |n: usize| (0..n).map(|n| format!("w{n} ")).collect::<String>();
        assert_ne!(read(&words(SEARCH_TERMS_MAX)), "too complex");
        assert_eq!(read(&words(SEARCH_TERMS_MAX + 1)), "too complex");
        assert_eq!(read(&format!("\"{}\"", words(500))), "too complex");
        assert_eq!(read(&"NOT ".repeat(100_000)), "nothing");
        assert_eq!(read(&")".repeat(100_000)), "nothing");
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "([ a-c:\"()<>=+*ü京-]|AND|OR|NOT|from:|received:){0,40}") {
            let _ = parse(&text, NOW_MS);
        }
    }
}
