//! What people look for, and what they look in.

use roost::eas::commands::find::kql as query;
use roost::limits::WORDS_BYTES_MAX;
use roost::pim::words::{self as index, Field, Term};
use roost::pim::{Note, Record};

use super::input::is_turn;
use super::mail::NEW_YEAR_MS;

/// Words that are looked for.
const TERMS: usize = 8;
/// So many bytes below the bound no word was left out.
const MARGIN: usize = 1_024;

/// Any text as what Find is asked; some letter by letter, as it is typed.
pub(crate) fn kql(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let _ = query::parse(&text, NEW_YEAR_MS);
    if !is_turn(data, 0, 16) {
        return;
    }
    let ends = text.char_indices().map(|(at, _)| at).take(64);
    for end in ends {
        let _ = query::parse(&text[..end], NEW_YEAR_MS);
    }
}

/// Any text as a note, which is found by each of its words.
pub(crate) fn words(data: &[u8]) {
    let text: String = String::from_utf8_lossy(data).chars().take(2_000).collect();
    let mut note = Note::default();
    note.body.text.clone_from(&text);
    let stored = index::of(&Record::Note(note), None).into_bytes();
    assert!(
        stored.len() <= WORDS_BYTES_MAX + MARGIN,
        "{} bytes",
        stored.len()
    );
    let _ = index::WordsRef::read(data);
    let found = index::WordsRef::read(&stored).expect("ours");
    if stored.len() + MARGIN > WORDS_BYTES_MAX {
        return;
    }
    for term in index::terms(&text, TERMS) {
        match term {
            Term::Word(word) => assert!(found.holds(Field::Text, &word), "{word} in {text:?}"),
            Term::Phrase(words) => {
                for word in &words {
                    assert!(found.holds(Field::Text, word), "{word} in {text:?}");
                }
                assert!(index::follows(&text, &words), "{words:?} in {text:?}");
            }
        }
    }
}
