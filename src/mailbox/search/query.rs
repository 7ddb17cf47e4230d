//! What a search asks for, and whether an item is that.
//!
//! Most of it is told from the row of the index; where that cannot tell, the item is read.

use crate::clock::UnixMs;
use crate::mailbox::FolderId;
use crate::pim::words::{self, Field, Needle, Term, WordsRef};
use crate::pim::{Class, Record};

/// A search in one account.
#[derive(Clone, PartialEq, Debug)]
pub struct Query {
    /// What an item has to be.
    pub expr: Expr,
    /// Of which classes; empty: of any.
    pub classes: Vec<Class>,
    /// In which folders; empty: in all.
    pub folders: Vec<FolderId>,
    /// Also in the folders below them.
    pub deep: bool,
}

/// What an item has to be.
#[derive(Clone, PartialEq, Debug)]
pub enum Expr {
    /// All of these; of none: any item.
    And(Vec<Self>),
    /// One of these.
    Or(Vec<Self>),
    /// Anything else.
    Not(Box<Self>),
    /// A word that begins so.
    Word(Field, Needle),
    /// Words one behind the other.
    Phrase(Field, Vec<Needle>),
    /// A mail with attachments.
    HasFiles,
    /// A mail of this conversation.
    Conversation(Vec<u8>),
    /// Dated from the one to the other, both included, in Unix milliseconds: mail by its arrival.
    Dated(UnixMs, UnixMs),
    /// A mark of a mail.
    Mark(Mark),
}

/// A mark that a mail has.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Mark {
    /// It was read.
    Read,
    /// Its flag is active.
    Flagged,
    /// 0 low, 1 normal, 2 high.
    Importance(u8),
    /// A category, whatever its case.
    Category(String),
}

/// What the index says of an item.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    Yes,
    No,
    /// The item itself has to tell.
    Maybe,
}

impl Expr {
    /// Every one of these terms, in `field`.
    #[must_use]
    pub fn of_terms(field: Field, terms: Vec<Term>) -> Self {
        let of = |term| match term {
            Term::Word(word) => Self::Word(field, word),
            Term::Phrase(words) => Self::Phrase(field, words),
        };
        Self::And(terms.into_iter().map(of).collect())
    }

    /// What the row of the index says.
    pub(super) fn of_row(&self, words: &WordsRef<'_>, date_ms: UnixMs) -> Verdict {
        use Verdict::{Maybe, No, Yes};
        let sure = |yes: bool| if yes { Yes } else { No };
        match self {
            Self::And(all) => {
                let mut verdict = Yes;
                for one in all {
                    match one.of_row(words, date_ms) {
                        No => return No,
                        Maybe => verdict = Maybe,
                        Yes => {}
                    }
                }
                verdict
            }
            Self::Or(any) => {
                let mut verdict = No;
                for one in any {
                    match one.of_row(words, date_ms) {
                        Yes => return Yes,
                        Maybe => verdict = Maybe,
                        No => {}
                    }
                }
                verdict
            }
            Self::Not(one) => match one.of_row(words, date_ms) {
                Yes => No,
                No => Yes,
                Maybe => Maybe,
            },
            Self::Word(field, needle) => sure(words.holds(*field, needle)),
            Self::Phrase(field, needles) => {
                match needles.iter().all(|needle| words.holds(*field, needle)) {
                    true => Maybe,
                    false => No,
                }
            }
            Self::HasFiles => sure(words.has_files()),
            Self::Conversation(id) => {
                sure(words.class() == Some(Class::Email) && words.conversation() == id)
            }
            Self::Dated(from_ms, to_ms) => sure((*from_ms..=*to_ms).contains(&date_ms)),
            Self::Mark(_) if words.class() != Some(Class::Email) => No,
            Self::Mark(_) => Maybe,
        }
    }

    /// What the item says, which the index could not. `text`: the whole text of a mail.
    pub(super) fn of_record(
        &self,
        words: &WordsRef<'_>,
        date_ms: UnixMs,
        record: &Record,
        text: Option<&str>,
    ) -> bool {
        let of = |one: &Self| one.of_record(words, date_ms, record, text);
        match self {
            Self::And(all) => all.iter().all(of),
            Self::Or(any) => any.iter().any(of),
            Self::Not(one) => !of(one),
            Self::Phrase(field, needles) => {
                let mut found = false;
                words::texts(record, text, &mut |of, text| {
                    found |= !found && field.covers(of) && words::follows(text, needles);
                });
                found
            }
            Self::Mark(mark) => mark.is_on(record),
            other => other.of_row(words, date_ms) == Verdict::Yes,
        }
    }

    /// Whether the text of an item is looked at, beyond its row of the index.
    pub(super) fn reads_text(&self) -> bool {
        match self {
            Self::And(all) | Self::Or(all) => all.iter().any(Self::reads_text),
            Self::Not(one) => one.reads_text(),
            Self::Phrase(field, _) => field.covers(Field::Text),
            _ => false,
        }
    }

    /// The dates that items have to have, from the one to the other.
    pub(super) fn dates(&self) -> (UnixMs, UnixMs) {
        const ALWAYS: (UnixMs, UnixMs) = (UnixMs::MIN, UnixMs::MAX);
        match self {
            Self::Dated(from_ms, to_ms) => (*from_ms, *to_ms),
            Self::And(all) => all
                .iter()
                .map(Self::dates)
                .fold(ALWAYS, |a, b| (a.0.max(b.0), a.1.min(b.1))),
            _ => ALWAYS,
        }
    }
}

impl Mark {
    fn is_on(&self, record: &Record) -> bool {
        let Record::Message(mail) = record else {
            return false;
        };
        match self {
            Self::Read => mail.read,
            Self::Flagged => mail.flag.as_ref().is_some_and(|flag| flag.status == 2),
            Self::Importance(level) => mail.importance.min(2) == *level,
            Self::Category(name) => {
                let name = name.to_lowercase();
                mail.categories.iter().any(|c| c.to_lowercase() == name)
            }
        }
    }
}
