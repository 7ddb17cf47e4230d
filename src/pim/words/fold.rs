//! From a text to its words: without case, accents and width.

use crate::limits::WORD_BYTES_MAX;
use unicode_normalization::char::{compose, decompose_compatible, is_combining_mark};

/// A word of a text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Token<'a> {
    /// The word, folded.
    pub word: &'a str,
    /// The same with umlauts written out.
    pub variant: Option<&'a str>,
    /// Two neighbours of a script without blanks.
    pub is_pair: bool,
    /// The last character of a run of such a script.
    pub ends_run: bool,
}

/// Calls `take` with each word of `text`, in order, until it says false.
pub fn tokens(text: &str, take: &mut dyn FnMut(Token<'_>) -> bool) {
    let mut folding = Folding {
        word: String::with_capacity(WORD_BYTES_MAX),
        variant: String::new(),
        is_cut: false,
        last: None,
        before: None,
        goes_on: true,
        take,
    };
    for c in text.chars() {
        if c.is_ascii() {
            folding.plain(c.to_ascii_lowercase());
        } else {
            decompose_compatible(c, |part| {
                for part in part.to_lowercase() {
                    folding.part(part);
                }
            });
        }
        if !folding.goes_on {
            return;
        }
    }
    folding.end();
}

struct Folding<'a> {
    word: String,
    /// Empty as long as it is the same as the word.
    variant: String,
    /// The word is longer than is kept of it.
    is_cut: bool,
    /// The last character of a run without blanks, and the one before.
    last: Option<char>,
    before: Option<char>,
    goes_on: bool,
    take: &'a mut dyn FnMut(Token<'_>) -> bool,
}

impl Folding<'_> {
    /// An ASCII character in lower case.
    fn plain(&mut self, c: char) {
        if c.is_ascii_alphanumeric() {
            self.end_run();
            self.push(c);
        } else {
            self.end();
        }
    }

    /// A character in lower case, decomposed.
    fn part(&mut self, c: char) {
        if c.is_ascii() {
            return self.plain(c);
        }
        if is_dropped(c) {
            return self.accent(c);
        }
        if !c.is_alphanumeric() && !is_combining_mark(c) {
            return self.end();
        }
        if is_unspaced(c) {
            return self.run(c);
        }
        self.end_run();
        match spelled(c) {
            Some((plain, other)) => self.push_spelled(plain, other),
            None => self.push(c),
        }
    }

    /// An accent is dropped; where it makes an umlaut the other spelling has a letter more.
    fn accent(&mut self, c: char) {
        let letter = match (self.word.chars().last(), c) {
            (Some('a' | 'o' | 'u'), '\u{308}') => 'e',
            (Some('a'), '\u{30a}') => 'a',
            _ => return,
        };
        if !self.is_cut {
            self.vary();
            self.variant.push(letter);
        }
    }

    fn vary(&mut self) {
        if self.variant.is_empty() {
            self.variant.clone_from(&self.word);
        }
    }

    fn push(&mut self, c: char) {
        if self.word.len() + c.len_utf8() > WORD_BYTES_MAX {
            self.is_cut = true;
        }
        if self.is_cut {
            return;
        }
        // Syllables of Hangul, and marks that are part of their letter, as one.
        if !c.is_ascii()
            && let Some(whole) = self.word.chars().last().and_then(|last| compose(last, c))
        {
            self.word.pop();
            self.word.push(whole);
            return;
        }
        if !self.variant.is_empty() {
            self.variant.push(c);
        }
        self.word.push(c);
    }

    fn push_spelled(&mut self, plain: &str, other: &str) {
        if self.word.len() + plain.len() > WORD_BYTES_MAX {
            self.is_cut = true;
        }
        if self.is_cut {
            return;
        }
        if plain != other {
            self.vary();
        }
        if !self.variant.is_empty() || plain != other {
            self.variant.push_str(other);
        }
        self.word.push_str(plain);
    }

    /// A character of a script without blanks; a mark that belongs to it may follow yet.
    fn run(&mut self, c: char) {
        self.end_word();
        match self.last {
            None => self.last = Some(c),
            Some(last) => match compose(last, c) {
                Some(whole) => self.last = Some(whole),
                None => {
                    self.end_pair(last);
                    self.before = Some(last);
                    self.last = Some(c);
                }
            },
        }
    }

    fn end_pair(&mut self, last: char) {
        if let Some(before) = self.before.take() {
            let pair: String = [before, last].iter().collect();
            self.say(&pair, true, false);
        }
    }

    fn end(&mut self) {
        self.end_word();
        self.end_run();
    }

    fn end_run(&mut self) {
        if let Some(last) = self.last.take() {
            self.end_pair(last);
            self.say(last.encode_utf8(&mut [0; 4]), false, true);
        }
    }

    fn end_word(&mut self) {
        if self.word.is_empty() {
            return;
        }
        let (word, variant) = (&self.word, &self.variant);
        let token = Token {
            word,
            variant: (!variant.is_empty() && variant != word).then_some(variant),
            is_pair: false,
            ends_run: false,
        };
        self.goes_on = self.goes_on && (self.take)(token);
        self.word.clear();
        self.variant.clear();
        self.is_cut = false;
    }

    fn say(&mut self, word: &str, is_pair: bool, ends_run: bool) {
        let token = Token {
            word,
            variant: None,
            is_pair,
            ends_run,
        };
        self.goes_on = self.goes_on && (self.take)(token);
    }
}

/// Marks that people leave out when they type: accents, the points of Hebrew and Arabic, and what is
/// not seen at all.
fn is_dropped(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{300}'..='\u{36f}'
            | '\u{591}'..='\u{5c7}'
            | '\u{610}'..='\u{61a}'
            | '\u{640}'
            | '\u{64b}'..='\u{65f}'
            | '\u{670}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2060}'
            | '\u{feff}'
            | '\u{fe00}'..='\u{fe0f}'
    )
}

/// Letters that do not decompose: as they are typed without them, and as they are written out.
fn spelled(c: char) -> Option<(&'static str, &'static str)> {
    Some(match c {
        'ß' => ("ss", "ss"),
        'æ' => ("ae", "ae"),
        'œ' => ("oe", "oe"),
        'ø' => ("o", "oe"),
        'ł' => ("l", "l"),
        'đ' | 'ð' => ("d", "d"),
        'þ' => ("th", "th"),
        'ħ' => ("h", "h"),
        'ı' => ("i", "i"),
        'ς' => ("σ", "σ"),
        _ => return None,
    })
}

/// Scripts that set no blanks between words.
fn is_unspaced(c: char) -> bool {
    matches!(
        c,
        '\u{e00}'..='\u{eff}'
            | '\u{1000}'..='\u{109f}'
            | '\u{1780}'..='\u{17ff}'
            | '\u{3005}'..='\u{3007}'
            | '\u{3041}'..='\u{30ff}'
            | '\u{31f0}'..='\u{31ff}'
            | '\u{3400}'..='\u{4dbf}'
            | '\u{4e00}'..='\u{9fff}'
            | '\u{f900}'..='\u{faff}'
            | '\u{20000}'..='\u{3ffff}'
    )
}
