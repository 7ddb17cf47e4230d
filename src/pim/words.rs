//! The words of an item as the search index keeps them, and the same words of a query.
//!
//! A word is a run of letters and digits, without case and accents; a word with an umlaut stands there
//! twice, as `munchen` and `muenchen`. Scripts that set no blanks between words (Chinese, Japanese,
//! Thai and their neighbours) are kept as overlapping pairs of characters, so that whatever part of a
//! sentence is looked for begins one of them.
//!
//! ```text
//! 0       1      2      3 .. 19          19 ..
//! format  class  flags  conversation id  subject, from, to, cc, files, text:
//!                                        each " word word ..." and a line feed
//! ```
//!
//! Deliberately absent: where the words of a text stand in it (a phrase is looked for in the item
//! itself), stemming, stop words, compressed RTF.

mod fold;

use super::{BodyKind, Class, Contact, Event, Message, Note, Record, Task, body::Body, html};
use crate::limits::{WORDS_BYTES_MAX, WORDS_HEADER_BYTES_MAX, WORDS_TEXT_BYTES_MAX};
use crate::pim::mail::cut;
use memchr::memmem::Finder;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hasher as _};

pub use fold::{Token, tokens};

/// Changes when the same item would get other words than before: rows of an older form are made again.
pub const FORMAT: u8 = 1;
const HEAD_BYTES: usize = 19;
const HAS_FILES: u8 = 1;

/// A part of an item that can be searched by itself.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Field {
    /// Anything of it.
    Any,
    /// The subject; of a contact its names.
    Subject,
    /// Who sent it, or called the meeting.
    From,
    /// Whom it is to; attendees.
    To,
    /// Who got a copy, blind ones too.
    Cc,
    /// `To` and `Cc`.
    Recipients,
    /// `From`, `To` and `Cc`.
    Participants,
    /// Names of attached files.
    Files,
    /// The text, and whatever else there is.
    Text,
}

/// The sections in the order in which they are stored.
const SECTIONS: [Field; 6] = [
    Field::Subject,
    Field::From,
    Field::To,
    Field::Cc,
    Field::Files,
    Field::Text,
];

impl Field {
    /// Whether the section of `other` belongs to it.
    #[must_use]
    pub fn covers(self, other: Self) -> bool {
        match self {
            Self::Any => true,
            Self::Recipients => matches!(other, Self::To | Self::Cc),
            Self::Participants => matches!(other, Self::From | Self::To | Self::Cc),
            field => field == other,
        }
    }
}

/// The words of an item, in their stored form.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Words(Vec<u8>);

impl Words {
    /// The stored form.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// To be looked into.
    #[must_use]
    pub fn as_ref(&self) -> Option<WordsRef<'_>> {
        WordsRef::read(&self.0)
    }
}

/// The words of a record. `text`: the whole text of a mail, where it is at hand; else the words of
/// what the record holds of it are taken.
#[must_use]
pub fn of(record: &Record, text: Option<&str>) -> Words {
    match record {
        Record::Message(m) => of_mail(m, text),
        _ => gather(record.class(), 0, [0; 16], &|visit| {
            texts(record, text, visit);
        }),
    }
}

/// The words of a mail, with its whole text where that is at hand.
#[must_use]
pub fn of_mail(mail: &Message, text: Option<&str>) -> Words {
    let has_files = mail.parts.iter().any(|part| !part.inline);
    let flags = if has_files { HAS_FILES } else { 0 };
    gather(Class::Email, flags, mail.conversation_id, &|visit| {
        of_message(mail, text, visit);
    })
}

/// What is called with each text of an item, and the field that it belongs to.
type Visit<'a> = dyn FnMut(Field, &str) + 'a;

fn gather(
    class: Class,
    flags: u8,
    conversation: [u8; 16],
    texts: &dyn Fn(&mut Visit<'_>),
) -> Words {
    let mut out = vec![FORMAT, class as u8, flags];
    out.extend_from_slice(&conversation);
    for section in SECTIONS {
        let max = match section {
            Field::Text => WORDS_BYTES_MAX,
            _ => WORDS_HEADER_BYTES_MAX,
        };
        let mut section_of = Section {
            out: &mut out,
            seen: HashSet::new(),
            max,
        };
        texts(&mut |field, text| {
            if field == section {
                section_of.add(text);
            }
        });
        out.push(b'\n');
    }
    Words(out)
}

/// One section while it is gathered.
struct Section<'a> {
    out: &'a mut Vec<u8>,
    seen: HashSet<u64>,
    max: usize,
}

impl Section<'_> {
    fn add(&mut self, text: &str) {
        tokens(cut(text, WORDS_TEXT_BYTES_MAX), &mut |token| {
            self.word(token.word);
            if let Some(variant) = token.variant {
                self.word(variant);
            }
            self.out.len() < self.max
        });
    }

    fn word(&mut self, word: &str) {
        let mut hasher = DefaultHasher::new();
        hasher.write(word.as_bytes());
        // One byte more for the blank, and one for each line feed that may follow.
        let fits = self.out.len() + word.len() + 1 + SECTIONS.len() <= self.max;
        if fits && self.seen.insert(hasher.finish()) {
            self.out.push(b' ');
            self.out.extend_from_slice(word.as_bytes());
        }
    }
}

/// Calls `visit` with every text of a record that can be searched, and the field that it belongs to.
pub fn texts(record: &Record, text: Option<&str>, visit: &mut Visit<'_>) {
    match record {
        Record::Message(m) => of_message(m, text, visit),
        Record::Contact(c) => of_contact(c, visit),
        Record::Event(e) => of_event(e, visit),
        Record::Task(t) => of_task(t, visit),
        Record::Note(n) => of_note(n, visit),
    }
}

fn of_message(m: &Message, text: Option<&str>, visit: &mut Visit<'_>) {
    visit(Field::Subject, &m.subject);
    for from in [&m.from, &m.sender, &m.reply_to] {
        visit(Field::From, from);
    }
    visit(Field::To, &m.to);
    visit(Field::Cc, &m.cc);
    visit(Field::Cc, &m.bcc);
    for part in &m.parts {
        visit(Field::Files, &part.name);
    }
    if let Some(meeting) = &m.meeting {
        visit(Field::Text, &meeting.event.location);
    }
    visit(Field::Text, text.unwrap_or(&m.text_head));
}

fn of_contact(c: &Contact, visit: &mut Visit<'_>) {
    use super::ContactField as F;
    for (field, value) in &c.fields {
        let is_name = matches!(
            field,
            F::FileAs
                | F::FirstName
                | F::MiddleName
                | F::LastName
                | F::NickName
                | F::Alias
                | F::YomiFirstName
                | F::YomiLastName
        );
        visit(if is_name { Field::Subject } else { Field::Text }, value);
    }
    for value in c.children.iter().chain(&c.categories) {
        visit(Field::Text, value);
    }
    of_body(&c.body, visit);
}

fn of_event(e: &Event, visit: &mut Visit<'_>) {
    visit(Field::Subject, &e.subject);
    visit(Field::From, &e.organizer_name);
    visit(Field::From, &e.organizer_email);
    for attendee in &e.attendees {
        visit(Field::To, &attendee.name);
        visit(Field::To, &attendee.email);
    }
    visit(Field::Text, &e.location);
    for category in &e.categories {
        visit(Field::Text, category);
    }
    of_body(&e.body, visit);
    for exception in e.exceptions.iter().filter(|x| !x.deleted) {
        if let Some(subject) = &exception.subject {
            visit(Field::Subject, subject);
        }
        if let Some(location) = &exception.location {
            visit(Field::Text, location);
        }
        if let Some(body) = &exception.body {
            of_body(body, visit);
        }
    }
}

fn of_task(t: &Task, visit: &mut Visit<'_>) {
    visit(Field::Subject, &t.subject);
    for category in &t.categories {
        visit(Field::Text, category);
    }
    of_body(&t.body, visit);
}

fn of_note(n: &Note, visit: &mut Visit<'_>) {
    visit(Field::Subject, &n.subject);
    for category in &n.categories {
        visit(Field::Text, category);
    }
    of_body(&n.body, visit);
}

/// As much of a body as the record holds: the beginning of a long one.
fn of_body(body: &Body, visit: &mut Visit<'_>) {
    match body.kind {
        BodyKind::Html => visit(Field::Text, &html::to_text(&body.text)),
        BodyKind::Text | BodyKind::Mime => visit(Field::Text, &body.text),
        // Bytes that say nothing as they are.
        BodyKind::Rtf => {}
    }
}

// ---- looking ---------------------------------------------------------------------------------

/// The words of an item, read in place.
#[derive(Clone, Copy, Debug)]
pub struct WordsRef<'a> {
    head: &'a [u8; HEAD_BYTES],
    sections: &'a [u8],
}

impl<'a> WordsRef<'a> {
    /// Reads a stored form; `None` for one that is not [`FORMAT`].
    #[must_use]
    pub fn read(stored: &'a [u8]) -> Option<Self> {
        let (head, sections) = stored.split_first_chunk()?;
        (head.first() == Some(&FORMAT)).then_some(Self { head, sections })
    }

    /// The class of the item.
    #[must_use]
    pub fn class(&self) -> Option<Class> {
        let [_, class, ..] = *self.head;
        Class::from_number(class)
    }

    /// Something is attached that does not stand within the text.
    #[must_use]
    pub fn has_files(&self) -> bool {
        let [_, _, flags, ..] = *self.head;
        flags & HAS_FILES != 0
    }

    /// The conversation of a mail; zeros for all else.
    #[must_use]
    pub fn conversation(&self) -> &'a [u8] {
        self.head.get(3..).unwrap_or_default()
    }

    /// Whether a word of `field` begins with the needle's.
    #[must_use]
    pub fn holds(&self, field: Field, needle: &Needle) -> bool {
        if field == Field::Any {
            return needle.is_in(self.sections);
        }
        let sections = self.sections.split(|b| *b == b'\n');
        SECTIONS
            .iter()
            .zip(sections)
            .any(|(section, words)| field.covers(*section) && needle.is_in(words))
    }
}

/// The beginning of a word to look for, in any of its spellings.
#[derive(Clone, Debug)]
pub struct Needle {
    spellings: Vec<(String, Finder<'static>)>,
}

impl PartialEq for Needle {
    fn eq(&self, other: &Self) -> bool {
        let words = |n: &Self| n.spellings.iter().map(|s| s.0.clone()).collect::<Vec<_>>();
        words(self) == words(other)
    }
}

impl std::fmt::Display for Needle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let words: Vec<_> = self.spellings.iter().map(|s| s.0.as_str()).collect();
        f.write_str(&words.join("/"))
    }
}

impl Needle {
    /// Of a word and its other spelling.
    fn of(token: &Token<'_>) -> Self {
        let finder = |word: &str| {
            let needle = format!(" {word}");
            (word.to_owned(), Finder::new(needle.as_bytes()).into_owned())
        };
        let words = [Some(token.word), token.variant];
        Self {
            spellings: words.into_iter().flatten().map(finder).collect(),
        }
    }

    fn is_in(&self, words: &[u8]) -> bool {
        let mut spellings = self.spellings.iter();
        spellings.any(|(_, finder)| finder.find(words).is_some())
    }

    /// Whether the word, in one of its spellings, is this one; or begins with it, if `beginning`.
    fn is(&self, token: &Token<'_>, beginning: bool) -> bool {
        let mut spellings = self.spellings.iter();
        spellings.any(|(spelling, _)| {
            let is = |word: &str| match beginning {
                true => word.starts_with(spelling.as_str()),
                false => word == spelling,
            };
            is(token.word) || token.variant.is_some_and(is)
        })
    }
}

/// What a text of a query asks for.
#[derive(Clone, PartialEq, Debug)]
pub enum Term {
    /// A word that begins so.
    Word(Needle),
    /// Words one behind the other, the last of them as it begins.
    Phrase(Vec<Needle>),
}

impl Term {
    /// How many words it has.
    #[must_use]
    pub fn count(&self) -> usize {
        match self {
            Self::Word(_) => 1,
            Self::Phrase(words) => words.len(),
        }
    }
}

/// The terms of plain words, in their order: an item has to have them all. A run of a script without
/// blanks is a phrase. Those beyond `max` are left out.
#[must_use]
pub fn terms(text: &str, max: usize) -> Vec<Term> {
    let mut terms = Vec::new();
    let mut run: Vec<Needle> = Vec::new();
    tokens(text, &mut |token| {
        match token.is_pair {
            true => run.push(Needle::of(&token)),
            // The end of a run: its last pair says the same.
            false if token.ends_run && !run.is_empty() => terms.extend(term(&mut run)),
            false => terms.push(Term::Word(Needle::of(&token))),
        }
        terms.len() < max
    });
    terms.truncate(max);
    terms
}

/// The term of words that have to stand together; none for a text without words.
#[must_use]
pub fn phrase(text: &str, max: usize) -> Option<Term> {
    let mut words: Vec<Needle> = Vec::new();
    let mut had_pair = false;
    let mut last_ends_run = false;
    tokens(text, &mut |token| {
        last_ends_run = token.ends_run && had_pair;
        had_pair = token.is_pair;
        words.push(Needle::of(&token));
        words.len() < max
    });
    // As it begins, the last pair of a run says what its last character would.
    if last_ends_run {
        words.pop();
    }
    term(&mut words)
}

fn term(words: &mut Vec<Needle>) -> Option<Term> {
    let words = std::mem::take(words);
    match words.len() {
        0 => None,
        1 => words.into_iter().next().map(Term::Word),
        _ => Some(Term::Phrase(words)),
    }
}

/// Whether the words stand in `text` one behind the other, the last of them as it begins.
#[must_use]
pub fn follows(text: &str, words: &[Needle]) -> bool {
    // How many words of each attempt have been met.
    let mut attempts: Vec<usize> = Vec::new();
    let mut found = false;
    tokens(text, &mut |token| {
        attempts.push(0);
        attempts.retain_mut(|met| {
            let is_last = *met + 1 == words.len();
            let meets = words.get(*met).is_some_and(|w| w.is(&token, is_last));
            found |= meets && is_last;
            *met += 1;
            meets
        });
        !found
    });
    found
}

#[cfg(test)]
mod tests;
