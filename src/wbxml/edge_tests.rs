//! Bounds to the last byte, and what a change of one sign would break.

use super::tags::{airsync, email};
use super::{Error, Reader, Tag, Writer};
use crate::limits::{WBXML_DEPTH_MAX, WBXML_TOKENS_MAX, WBXML_VALUE_BYTES_MAX};

const HEAD: [u8; 4] = [0x03, 0x01, 0x6A, 0x00];
/// `<Sync>`, with and without content.
const SYNC: u8 = 0x45;
const SYNC_EMPTY: u8 = 0x05;
const STR_I: u8 = 0x03;
const OPAQUE: u8 = 0xC3;
const END: u8 = 0x01;

fn doc(pieces: &[&[u8]]) -> Vec<u8> {
    [&HEAD[..], &pieces.concat()].concat()
}

/// Passes over the whole document.
fn pass(bytes: &[u8]) -> Result<(), Error> {
    let mut r = Reader::new(bytes)?;
    r.root()?;
    r.skip()
}

#[test]
fn blanks_before_the_root_are_nothing_and_words_are_an_error() {
    let blank = doc(&[&[STR_I, b' ', b'\n', 0, SYNC_EMPTY]]);
    assert_eq!(pass(&blank), Ok(()));
    let word = doc(&[&[STR_I, b'x', 0, SYNC_EMPTY]]);
    assert_eq!(pass(&word), Err(Error::Text));
}

#[test]
fn as_deep_as_is_allowed_and_no_deeper() {
    let deep = |depth: usize| doc(&[&vec![SYNC; depth], &vec![END; depth]]);
    assert_eq!(pass(&deep(WBXML_DEPTH_MAX)), Ok(()));
    assert_eq!(pass(&deep(WBXML_DEPTH_MAX + 1)), Err(Error::Depth));
}

#[test]
fn as_many_tokens_as_are_allowed_and_no_more() {
    // The root, its end, and what is in it.
    let many = |tokens: usize| doc(&[&[SYNC], &vec![SYNC_EMPTY; tokens - 2], &[END]]);
    assert_eq!(pass(&many(WBXML_TOKENS_MAX)), Ok(()));
    assert_eq!(pass(&many(WBXML_TOKENS_MAX + 1)), Err(Error::Tokens));
}

#[test]
fn values_as_long_as_is_allowed_and_no_longer() {
    let text = |bytes: usize| doc(&[&[SYNC, STR_I], &vec![b'x'; bytes], &[0, END]]);
    assert_eq!(pass(&text(WBXML_VALUE_BYTES_MAX)), Ok(()));
    assert_eq!(pass(&text(WBXML_VALUE_BYTES_MAX + 1)), Err(Error::Value));
    // 32 MiB as a number of the format: 0x10 in the highest piece.
    assert_eq!(WBXML_VALUE_BYTES_MAX, 1 << 25);
    let opaque = |last: u8, bytes: usize| {
        let length = [0x90, 0x80, 0x80, last];
        doc(&[&[SYNC, OPAQUE], &length, &vec![7; bytes], &[END]])
    };
    assert_eq!(pass(&opaque(0, WBXML_VALUE_BYTES_MAX)), Ok(()));
    assert_eq!(
        pass(&opaque(1, WBXML_VALUE_BYTES_MAX + 1)),
        Err(Error::Value)
    );
}

#[test]
fn numbers_of_several_bytes() {
    let opaque = |length: &[u8], bytes: usize| {
        let whole = doc(&[&[SYNC, OPAQUE], length, &vec![7; bytes], &[END]]);
        let mut r = Reader::new(&whole).unwrap();
        r.root().unwrap();
        r.bytes().map(|bytes| bytes.len())
    };
    assert_eq!(opaque(&[0x7F], 127), Ok(127));
    assert_eq!(opaque(&[0x81, 0x00], 128), Ok(128));
    assert_eq!(opaque(&[0x81, 0x01], 129), Ok(129));
    assert_eq!(opaque(&[0x83, 0x7F], 511), Ok(511));
    // Zeros in front are allowed, as many as five bytes hold.
    assert_eq!(opaque(&[0x80, 0x80, 0x80, 0x80, 0x02], 2), Ok(2));
    assert_eq!(
        opaque(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x02], 2),
        Err(Error::Number)
    );
    assert_eq!(
        opaque(&[0x9F, 0xFF, 0xFF, 0xFF, 0x7F], 0),
        Err(Error::Number)
    );
}

#[test]
fn what_is_not_read_yet_becomes_less() {
    let bytes = doc(&[&[SYNC, 0x4B, STR_I, b'7', 0, END, SYNC_EMPTY, END]]);
    let mut r = Reader::new(&bytes).unwrap();
    assert_eq!(r.rest(), &bytes[4..]);
    r.root().unwrap();
    assert_eq!(r.rest(), &bytes[5..]);
    assert_eq!(r.child().unwrap(), Some(airsync::SYNC_KEY));
    let before = r.rest();
    r.skip().unwrap();
    assert_eq!(before.len() - r.rest().len(), 4);
}

#[test]
fn depths_and_leaving() {
    // <Sync><Sync><Sync/></Sync><SyncKey/></Sync>
    let bytes = doc(&[&[SYNC, SYNC, SYNC_EMPTY, END, 0x0B, END]]);
    let mut r = Reader::new(&bytes).unwrap();
    r.root().unwrap();
    assert_eq!(r.depth(), 0);
    r.child().unwrap();
    assert_eq!(r.depth(), 1);
    assert_eq!(r.child().unwrap(), Some(airsync::SYNC));
    assert_eq!(r.depth(), 2, "an empty one does not go deeper");
    // Out of the empty one, and of the one around it.
    r.leave(1).unwrap();
    assert_eq!(r.child().unwrap(), Some(airsync::SYNC_KEY));
    r.leave(1).unwrap();
    assert_eq!(r.child().unwrap(), None);
    // An empty one that was just named is left like any other: the next one follows.
    let bytes = doc(&[&[SYNC, 0x0B, 0x0B, END]]);
    let mut r = Reader::new(&bytes).unwrap();
    r.root().unwrap();
    for _ in 0..2 {
        assert_eq!(r.child().unwrap(), Some(airsync::SYNC_KEY));
        r.leave(r.depth()).unwrap();
    }
    assert_eq!(r.child().unwrap(), None);
}

/// The text of an element as it is written.
fn written(write: impl FnOnce(&mut Writer)) -> String {
    let mut w = Writer::new();
    w.open(airsync::SYNC);
    write(&mut w);
    w.close();
    let bytes = w.finish();
    let mut r = Reader::new(&bytes).unwrap();
    r.root().unwrap();
    match r.child().unwrap() {
        Some(tag) => {
            assert_eq!(tag, airsync::STATUS);
            let text = r.text().unwrap().into_owned();
            assert_eq!(r.child().unwrap(), None);
            text
        }
        None => "nothing".into(),
    }
}

#[test]
fn numbers_are_written_in_full() {
    let powers = (0..19).map(|n| 10_i64.pow(n));
    let around = powers.flat_map(|n| [n - 1, n, n + 1, 7 * n / 3]);
    for n in around.chain(0..300).chain([i64::MAX, i64::MIN, -1]) {
        for n in [n, n.wrapping_neg()] {
            assert_eq!(written(|w| w.num(airsync::STATUS, n)), n.to_string());
        }
    }
    let some = [0, 1, 9, 10, 11, 99, 100, 12_345, u32::MAX];
    for first in some {
        for second in some {
            let pair = written(|w| w.pair(airsync::STATUS, first, second));
            assert_eq!(pair, format!("{first}:{second}"));
        }
    }
}

#[test]
fn texts_that_may_be_none_and_texts_in_pieces() {
    assert_eq!(written(|w| w.text_if(airsync::STATUS, "")), "nothing");
    assert_eq!(written(|w| w.text_if(airsync::STATUS, "x")), "x");
    let time = [*b"2026", *b"0101", *b"T000"];
    let text = written(|w| w.ascii(airsync::STATUS, &time));
    assert_eq!(text, "20260101T000");
}

#[test]
fn opaque_values_of_every_length_of_length() {
    for bytes in [1, 127, 128, 129, 16_383, 16_384, 2_097_151, 2_097_152] {
        let content: Vec<u8> = (0..bytes).map(|n| (n % 251) as u8).collect();
        let mut w = Writer::new();
        w.open(airsync::SYNC);
        w.opaque(email::BODY, &content);
        w.flag(airsync::MORE_AVAILABLE, true);
        w.close();
        let document = w.finish();
        let mut r = Reader::new(&document).unwrap();
        r.root().unwrap();
        assert_eq!(r.child().unwrap(), Some(email::BODY));
        assert_eq!(r.bytes().unwrap(), &content[..]);
        assert_eq!(r.child().unwrap(), Some(airsync::MORE_AVAILABLE));
    }
}

/// No zeros in front of a length: some decoders take two bytes at most.
#[test]
fn lengths_are_as_short_as_they_can_be() {
    for (bytes, expect) in [
        (1, &[1][..]),
        (127, &[0x7F]),
        (128, &[0x81, 0]),
        (16_383, &[0xFF, 0x7F]),
        (16_384, &[0x81, 0x80, 0]),
    ] {
        let mut w = Writer::new();
        w.open(airsync::SYNC);
        w.opaque(airsync::STATUS, &vec![7; bytes]);
        w.close();
        let document = w.finish();
        let at = document.iter().position(|b| *b == OPAQUE).unwrap() + 1;
        assert_eq!(document[at..at + expect.len()], *expect);
        assert_eq!(document[at + expect.len()], 7, "{bytes}");
    }
}

#[test]
fn a_dump_escapes_and_shortens() {
    let dumped = |write: fn(&mut Writer)| {
        let mut w = Writer::new();
        w.open(airsync::SYNC);
        write(&mut w);
        w.close();
        super::xml::dump(&w.finish()).unwrap()
    };
    let text = dumped(|w| w.text(airsync::STATUS, "a<b>&c"));
    assert!(text.contains("<Status>a&lt;b&gt;&amp;c</Status>"), "{text}");
    let long = dumped(|w| w.opaque(airsync::STATUS, &[0xAB; 200]));
    assert!(
        long.contains("[200 bytes: abab") && long.contains("...]"),
        "{long}"
    );
}

#[test]
fn a_tag_says_what_it_is() {
    assert_eq!(
        format!("{:?}", airsync::SYNC_KEY),
        "airsync:SyncKey (0:0x0b)"
    );
    for tag in Tag::all() {
        assert!(tag.known() && !tag.name().is_empty(), "{tag:?}");
    }
}
