//! Rich text as old devices exchange it: compressed ([MS-OXRTFCP]), in base64; from plain text, and
//! to it, at a cost linear to the length.
//!
//! What is written is not compressed, which the format allows for. Absent: fonts, colours, pictures,
//! tables: only the words come through.

use super::mail::cut;
use base64::Engine;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::{alphabet, engine::DecodePaddingMode};
use std::fmt::Write;

/// Bytes of rich text that are read: a note with this much text is a book.
const RTF_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Groups within groups whose state is kept; what is deeper shares it.
const DEPTH_MAX: usize = 200;
/// Sizes of the compressed and the raw text, the kind, a checksum: four bytes each.
const HEAD_BYTES: usize = 16;
const COMPRESSED: u32 = u32::from_le_bytes(*b"LZFu");
const RAW: u32 = u32::from_le_bytes(*b"MELA");
/// What the dictionary holds at the beginning ([MS-OXRTFCP] 2.1.2.1).
const DICTIONARY: &[u8] = b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";
const DICTIONARY_BYTES: usize = 4096;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The words of compressed rich text in base64, as far as they can be read: also of the beginning of
/// one. Lines end in CRLF.
#[must_use]
pub fn to_text(base64: &str) -> String {
    let solid: String = base64.split_ascii_whitespace().collect();
    // What was cut off may have been cut anywhere.
    let whole = solid.len() - solid.len() % 4;
    let whole = if solid.ends_with('=') {
        solid.len()
    } else {
        whole
    };
    let bytes = BASE64.decode(solid.get(..whole).unwrap_or_default());
    words(&expanded(&bytes.unwrap_or_default()))
}

/// Compressed rich text, in base64, that shows a plain text.
#[must_use]
pub fn from_text(text: &str) -> String {
    from_text_within(text, usize::MAX).0
}

/// The same in at most so many bytes of base64, and whether all of the text is in it. What cannot even
/// hold an empty text is empty.
#[must_use]
pub fn from_text_within(text: &str, bytes_max: usize) -> (String, bool) {
    let bytes_max = (bytes_max / 4).saturating_mul(3);
    let Some(rtf_bytes_max) = bytes_max.checked_sub(HEAD_BYTES) else {
        return (String::new(), false);
    };
    let (rtf, whole) = rich(cut(text, RTF_BYTES_MAX), rtf_bytes_max);
    if rtf.is_empty() {
        return (rtf, false);
    }
    let size = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes();
    let mut out = Vec::with_capacity(HEAD_BYTES + rtf.len());
    // The first size counts from behind itself.
    out.extend_from_slice(&size(rtf.len() + HEAD_BYTES - 4));
    out.extend_from_slice(&size(rtf.len()));
    out.extend_from_slice(&RAW.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(rtf.as_bytes());
    (BASE64.encode(out), whole)
}

/// Bytes of what [`from_text`] makes of a text of so many, when it is not at hand: more where the text
/// has other than plain letters.
#[must_use]
pub fn estimated_bytes(text_bytes: u64) -> u64 {
    let head = (HEAD_BYTES + RTF_HEAD.len() + 1) as u64;
    head.saturating_add(text_bytes)
        .div_ceil(3)
        .saturating_mul(4)
}

/// Rich text out of its compressed form, as far as that can be read.
fn expanded(bytes: &[u8]) -> Vec<u8> {
    let number = |at: usize| {
        let four = bytes.get(at..)?.first_chunk()?;
        Some(u32::from_le_bytes(*four))
    };
    let (Some(size), Some(kind)) = (number(4), number(8)) else {
        return Vec::new();
    };
    let rest = bytes.get(HEAD_BYTES..).unwrap_or_default();
    let size = usize::try_from(size)
        .unwrap_or(usize::MAX)
        .min(RTF_BYTES_MAX);
    match kind {
        COMPRESSED => inflated(rest, size),
        RAW => rest.get(..size).unwrap_or(rest).to_vec(),
        _ => Vec::new(),
    }
}

fn inflated(mut rest: &[u8], size: usize) -> Vec<u8> {
    let mut dictionary = [b' '; DICTIONARY_BYTES];
    for (to, from) in dictionary.iter_mut().zip(DICTIONARY) {
        *to = *from;
    }
    let mut at = DICTIONARY.len();
    let mut out = Vec::with_capacity(size.min(rest.len().saturating_mul(9)));
    let mut put = |dictionary: &mut [u8; DICTIONARY_BYTES], at: &mut usize, byte: u8| {
        if let Some(place) = dictionary.get_mut(*at) {
            *place = byte;
        }
        *at = (*at + 1) % DICTIONARY_BYTES;
        out.push(byte);
        out.len() < size
    };
    'all: while let Some((flags, after)) = rest.split_first() {
        rest = after;
        for bit in 0..8 {
            if flags & 1 << bit == 0 {
                let Some((byte, after)) = rest.split_first() else {
                    break 'all;
                };
                rest = after;
                if !put(&mut dictionary, &mut at, *byte) {
                    break 'all;
                }
                continue;
            }
            let Some((pair, after)) = rest.split_first_chunk::<2>() else {
                break 'all;
            };
            rest = after;
            let pair = u16::from_be_bytes(*pair);
            let (mut from, bytes) = (usize::from(pair >> 4), usize::from(pair & 0x0F) + 2);
            if from == at {
                break 'all;
            }
            for _ in 0..bytes {
                let byte = dictionary.get(from).copied().unwrap_or(b' ');
                from = (from + 1) % DICTIONARY_BYTES;
                if !put(&mut dictionary, &mut at, byte) {
                    break 'all;
                }
            }
        }
    }
    out
}

/// What rich text begins with.
const RTF_HEAD: &str =
    "{\\rtf1\\ansi\\ansicpg1252\\deff0{\\fonttbl{\\f0\\fswiss Arial;}}\\uc1\\pard\\f0\\fs20 ";

/// Rich text of a plain one, in at most so many bytes, and whether all of it is in it. Empty where
/// there is no room for any.
fn rich(text: &str, bytes_max: usize) -> (String, bool) {
    if RTF_HEAD.len() >= bytes_max {
        return (String::new(), false);
    }
    let mut out = String::with_capacity(text.len() + text.len() / 8 + RTF_HEAD.len());
    out.push_str(RTF_HEAD);
    // What was whole before the last sign: the end is closed behind it.
    let mut fits = out.len();
    let mut whole = true;
    let ends = std::iter::once("").chain(std::iter::repeat("\\par\r\n"));
    'all: for (line, end_before) in text.lines().zip(ends) {
        out.push_str(end_before);
        for c in line.chars() {
            if out.len() >= bytes_max {
                break 'all;
            }
            fits = out.len();
            sign(&mut out, c);
        }
        if out.len() >= bytes_max {
            break;
        }
        fits = out.len();
    }
    if out.len() >= bytes_max {
        out.truncate(fits);
        whole = false;
    }
    out.push('}');
    (out, whole)
}

/// Writes one character.
fn sign(out: &mut String, c: char) {
    match c {
        '\\' | '{' | '}' => out.extend(['\\', c]),
        '\t' => out.push_str("\\tab "),
        ' '..='~' => out.push(c),
        c if c.is_ascii_control() => {}
        c => {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{}?", unit.cast_signed());
            }
        }
    }
}

/// What holds within a group.
#[derive(Clone, Copy)]
struct Group {
    /// None of it is text: fonts, pictures, what a reader need not know.
    hidden: bool,
    /// Characters that stand for one in Unicode before them.
    fallbacks: usize,
}

/// The text that is being read.
struct Words<'a> {
    rest: &'a [u8],
    out: String,
    group: Group,
    outer: Vec<Group>,
    /// Groups deeper than are kept.
    too_deep: usize,
    /// Characters to pass over.
    skip: usize,
    /// The first half of a surrogate pair.
    high: Option<u16>,
    /// Bytes of one character set, to be read together.
    bytes: Vec<u8>,
    charset: &'static encoding_rs::Encoding,
    /// Between `\htmlrtf` and `\htmlrtf0`: a rendition of the HTML around it.
    rendition: bool,
}

fn words(rtf: &[u8]) -> String {
    let mut words = Words {
        rest: rtf,
        out: String::with_capacity(rtf.len() / 2),
        group: Group {
            hidden: false,
            fallbacks: 1,
        },
        outer: Vec::new(),
        too_deep: 0,
        skip: 0,
        high: None,
        bytes: Vec::new(),
        charset: encoding_rs::WINDOWS_1252,
        rendition: false,
    };
    if !rtf.starts_with(b"{\\rtf") {
        return String::new();
    }
    while let Some((byte, rest)) = words.rest.split_first() {
        words.rest = rest;
        match byte {
            b'{' => words.open(),
            b'}' => words.close(),
            b'\\' => words.control(),
            b'\r' | b'\n' => {}
            byte => words.byte(*byte),
        }
    }
    words.flush();
    let trimmed = words.out.trim_end();
    trimmed.to_owned()
}

impl Words<'_> {
    fn open(&mut self) {
        self.skip = 0;
        match self.outer.len() < DEPTH_MAX {
            true => self.outer.push(self.group),
            false => self.too_deep += 1,
        }
    }

    fn close(&mut self) {
        self.skip = 0;
        match self.too_deep {
            0 => self.group = self.outer.pop().unwrap_or(self.group),
            n => self.too_deep = n - 1,
        }
    }

    fn is_shown(&self) -> bool {
        !self.group.hidden && !self.rendition
    }

    fn byte(&mut self, byte: u8) {
        if self.skip > 0 {
            self.skip -= 1;
        } else if self.is_shown() {
            self.bytes.push(byte);
        }
    }

    fn flush(&mut self) {
        if !self.bytes.is_empty() {
            let (text, _) = self.charset.decode_without_bom_handling(&self.bytes);
            self.out.push_str(&text);
            self.bytes.clear();
        }
    }

    fn put(&mut self, text: &str) {
        if self.skip > 0 {
            self.skip -= 1;
        } else if self.is_shown() {
            self.flush();
            self.out.push_str(text);
        }
    }

    /// What follows a backslash.
    fn control(&mut self) {
        let Some((first, rest)) = self.rest.split_first() else {
            return;
        };
        if first.is_ascii_alphabetic() {
            return self.word();
        }
        self.rest = rest;
        match first {
            b'\'' => self.hex(),
            b'*' => self.group.hidden = true,
            b'~' => self.put("\u{A0}"),
            b'_' => self.put("-"),
            b'\r' | b'\n' => self.put("\r\n"),
            b'\\' | b'{' | b'}' => self.byte(*first),
            _ => {}
        }
    }

    fn hex(&mut self) {
        let Some((digits, rest)) = self.rest.split_first_chunk::<2>() else {
            return;
        };
        self.rest = rest;
        let digit = |b: u8| char::from(b).to_digit(16);
        let [high, low] = digits.map(digit);
        if let (Some(high), Some(low)) = (high, low) {
            self.byte(u8::try_from(high * 16 + low).unwrap_or(b' '));
        }
    }

    /// A control word with its number.
    fn word(&mut self) {
        let end = |rest: &[u8], is: fn(&u8) -> bool| {
            rest.iter().position(|b| !is(b)).unwrap_or(rest.len())
        };
        let (word, rest) = self.rest.split_at(end(self.rest, u8::is_ascii_alphabetic));
        let sign = usize::from(rest.first() == Some(&b'-'));
        let (_, digits) = rest.split_at(sign);
        let digits = end(digits, u8::is_ascii_digit);
        let (number, rest) = match digits {
            0 => rest.split_at(0),
            digits => rest.split_at(sign + digits),
        };
        self.rest = rest.strip_prefix(b" ").unwrap_or(rest);
        let number = std::str::from_utf8(number).unwrap_or_default();
        self.obey(word, number.parse().ok());
    }

    fn obey(&mut self, word: &[u8], number: Option<i32>) {
        match word {
            b"par" | b"line" | b"sect" | b"page" | b"row" => self.put("\r\n"),
            b"tab" | b"cell" => self.put("\t"),
            b"emdash" => self.put("\u{2014}"),
            b"endash" => self.put("\u{2013}"),
            b"bullet" => self.put("\u{2022}"),
            b"lquote" => self.put("\u{2018}"),
            b"rquote" => self.put("\u{2019}"),
            b"ldblquote" => self.put("\u{201C}"),
            b"rdblquote" => self.put("\u{201D}"),
            b"u" => self.unicode(number.unwrap_or(0)),
            b"uc" => self.group.fallbacks = usize::try_from(number.unwrap_or(1)).unwrap_or(1),
            b"ansicpg" => self.code_page(number.unwrap_or(1252)),
            b"htmlrtf" => {
                self.flush();
                self.rendition = number != Some(0);
            }
            b"bin" => {
                let bytes = usize::try_from(number.unwrap_or(0)).unwrap_or(0);
                self.rest = self.rest.get(bytes..).unwrap_or_default();
            }
            b"fonttbl" | b"colortbl" | b"stylesheet" | b"info" | b"pict" | b"object"
            | b"header" | b"footer" | b"headerl" | b"headerr" | b"footerl" | b"footerr"
            | b"fldinst" => self.group.hidden = true,
            _ => {}
        }
    }

    /// A UTF-16 unit, with the characters behind it that stand for it elsewhere.
    fn unicode(&mut self, number: i32) {
        // Written as a signed number, by some as an unsigned one.
        let unit = u16::try_from(number.rem_euclid(0x1_0000)).unwrap_or(0);
        let high = self.high.take();
        let pair = [high.unwrap_or(unit), unit];
        let units = if high.is_some() {
            &pair[..]
        } else {
            &pair[1..]
        };
        match char::decode_utf16(units.iter().copied()).next() {
            Some(Ok(c)) => self.put(c.encode_utf8(&mut [0; 4])),
            _ if (0xD800..0xDC00).contains(&unit) => self.high = Some(unit),
            _ => {}
        }
        self.skip = self.group.fallbacks;
    }

    fn code_page(&mut self, number: i32) {
        self.flush();
        let label = match number {
            932 => "shift_jis".to_owned(),
            936 => "gbk".to_owned(),
            949 => "euc-kr".to_owned(),
            950 => "big5".to_owned(),
            65001 => "utf-8".to_owned(),
            n => format!("windows-{n}"),
        };
        let known = encoding_rs::Encoding::for_label(label.as_bytes());
        self.charset = known.unwrap_or(encoding_rs::WINDOWS_1252);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_specification() {
        // [MS-OXRTFCP] 4.1.1
        let bytes = [
            0x2d, 0, 0, 0, 0x2b, 0, 0, 0, 0x4c, 0x5a, 0x46, 0x75, 0xf1, 0xc5, 0xc7, 0xa7, 0x03, 0,
            0x0a, 0, 0x72, 0x63, 0x70, 0x67, 0x31, 0x32, 0x35, 0x42, 0x32, 0x0a, 0xf3, 0x20, 0x68,
            0x65, 0x6c, 0x09, 0, 0x20, 0x62, 0x77, 0x05, 0xb0, 0x6c, 0x64, 0x7d, 0x0a, 0x80, 0x0f,
            0xa0,
        ];
        assert_eq!(DICTIONARY.len(), 207);
        let rtf = expanded(&bytes);
        let text = String::from_utf8(rtf).unwrap();
        assert_eq!(text, "{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n");
        assert_eq!(to_text(&BASE64.encode(bytes)), "hello world");
        for end in 0..bytes.len() {
            expanded(&bytes[..end]);
        }
    }

    #[test]
    fn there_and_back() {
        for text in [
            "",
            "one",
            "Grüße an 漢字 😀",
            "two\r\nlines {with} \\ signs\ttab",
            "a\r\n\r\nb",
        ] {
            assert_eq!(to_text(&from_text(text)), text);
        }
        // As much as fits, and always whole in itself.
        let text = "one {Ü} 😀\r\ntwo \\ three";
        let (all, _) = from_text_within(text, usize::MAX);
        let mut before = String::new();
        for bytes_max in 0..all.len() + 4 {
            let (some, whole) = from_text_within(text, bytes_max);
            assert!(some.len() <= bytes_max);
            assert_eq!(whole, some == all, "{bytes_max}");
            assert_eq!(whole, bytes_max >= all.len());
            let shown = to_text(&some);
            assert!(text.starts_with(&shown), "{bytes_max} {shown:?}");
            assert!(shown.starts_with(&before), "{bytes_max} {shown:?}");
            before = shown;
        }
        assert_eq!(estimated_bytes(4), from_text("word").len() as u64);
        // As much as there is of what was cut.
        let long = from_text(&"word ".repeat(1000));
        assert!(to_text(&long[..2001]).starts_with("word word"));
    }

    #[test]
    fn words_of_what_others_write() {
        let check = |rtf: &str, expect: &str| assert_eq!(words(rtf.as_bytes()), expect, "{rtf}");
        check(
            "{\\rtf1\\ansi{\\fonttbl{\\f0 Arial;}}{\\colortbl;\\red0;}{\\*\\generator X;}\\f0\\b bold\\b0  and\\line new}",
            "bold and\r\nnew",
        );
        check("{\\rtf1 caf\\'e9 \\u8364\\'80 \\uc2\\u960??x}", "café € πx");
        check("{\\rtf1\\ansicpg1251 \\'cf\\'f0}", "Пр");
        check("{\\rtf1{\\pict\\bin3 }}}}shown}", "shown");
        check("{\\rtf1 a\\htmlrtf hidden\\htmlrtf0 b}", "ab");
        check("{\\rtf1 a\\par", "a");
        check("no rtf", "");
        assert_eq!(words(&b"{\\rtf1 ".repeat(5_000)), "");
        assert_eq!(to_text("%%%"), "");
    }
}
