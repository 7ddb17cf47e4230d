//! Mutations of kept inputs, from a seed: what libFuzzer does, without its memory of what was new.

use std::fs;
use std::path::Path;

/// Bytes of an input, at most.
const INPUT_BYTES_MAX: usize = 4 * 1024;
/// Numbers at which lengths and counts go wrong.
const EDGES: [u8; 10] = [0, 1, 2, 3, 0x20, 0x7e, 0x7f, 0x80, 0xfe, 0xff];

pub(crate) struct Mutator<'a> {
    state: u64,
    corpus: &'a [Vec<u8>],
    words: &'a [Vec<u8>],
}

impl<'a> Mutator<'a> {
    pub(crate) fn new(seed: u64, corpus: &'a [Vec<u8>], words: &'a [Vec<u8>]) -> Self {
        Self {
            state: seed,
            corpus,
            words,
        }
    }

    /// Another input: a kept one, changed in one to eight places.
    pub(crate) fn next(&mut self) -> Vec<u8> {
        let mut input = self.kept();
        for _ in 0..1 << self.below(4) {
            self.change(&mut input);
        }
        input.truncate(INPUT_BYTES_MAX);
        input
    }

    fn kept(&mut self) -> Vec<u8> {
        let at = self.below(self.corpus.len());
        self.corpus[at].clone()
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let at = self.below(input.len() + 1);
        let here = input.get_mut(at);
        match (self.below(10), here) {
            (0, Some(byte)) => *byte ^= 1 << self.below(8),
            (1, Some(byte)) => *byte = EDGES[self.below(EDGES.len())],
            (2, Some(byte)) => *byte = byte.wrapping_add(if self.below(2) == 0 { 1 } else { 255 }),
            (3, _) => input.truncate(at),
            (4, Some(_)) => {
                let to = at + self.below((input.len() - at).min(64)) + 1;
                input.drain(at..to);
            }
            (5, Some(_)) => {
                // Once more, a few times.
                let to = at + self.below((input.len() - at).min(64)) + 1;
                let again = input[at..to].repeat(1 + self.below(8));
                insert(input, at, &again);
            }
            (6, _) => {
                let other = self.kept();
                let (from, to) = (self.below(other.len() + 1), self.below(other.len() + 1));
                insert(input, at, &other[from.min(to)..from.max(to)]);
            }
            (7, _) => {
                let byte = self.below(256) as u8;
                input.insert(at, byte);
            }
            _ if !self.words.is_empty() => {
                let word = self.below(self.words.len());
                if self.below(2) == 0 {
                    let to = input.len().min(at + self.words[word].len());
                    input.drain(at..to);
                }
                insert(input, at, &self.words[word]);
            }
            _ => input.push(EDGES[at % EDGES.len()]),
        }
    }

    /// splitmix64.
    fn below(&mut self, n: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % n as u64).unwrap()
    }
}

fn insert(input: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    input.splice(at..at, bytes.iter().copied());
}

/// The words of a dictionary in libFuzzer's form; none for "".
pub(crate) fn dictionary(fuzz: &Path, name: &str) -> Vec<Vec<u8>> {
    if name.is_empty() {
        return Vec::new();
    }
    let path = fuzz.join("dictionaries").join(format!("{name}.dict"));
    let text = fs::read_to_string(path).unwrap();
    let lines = text.lines().filter(|line| line.starts_with('"'));
    lines.map(|line| word(line.trim_matches('"'))).collect()
}

fn word(quoted: &str) -> Vec<u8> {
    let mut word = Vec::new();
    let mut rest = quoted.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match (first, after) {
            (b'\\', [b'x', digits @ ..]) => {
                let (digits, after) = digits.split_at(2);
                let digits = std::str::from_utf8(digits).unwrap();
                word.push(u8::from_str_radix(digits, 16).unwrap());
                rest = after;
            }
            (b'\\', [escaped, after @ ..]) => {
                word.push(*escaped);
                rest = after;
            }
            (byte, _) => word.push(*byte),
        }
    }
    word
}
