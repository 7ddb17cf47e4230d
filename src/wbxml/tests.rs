//! Good and bad documents, and random ones.

use super::tags::{airsync, airsyncbase, composemail, email, ping};
use super::{Error, Reader, Tag, Writer, xml::dump};
use crate::limits::{WBXML_DEPTH_MAX, WBXML_TOKENS_MAX};
use proptest::prelude::*;

const HEAD: [u8; 4] = [0x03, 0x01, 0x6A, 0x00];

fn doc(body: &[u8]) -> Vec<u8> {
    [&HEAD, body].concat()
}

/// Reads a document to its end, whatever it is, with the calls that a command would use.
fn walk(bytes: &[u8]) -> Result<usize, Error> {
    let mut r = Reader::new(bytes)?;
    r.root()?;
    let (mut depth, mut n) = (1, 1);
    while depth > 0 {
        match r.child()? {
            Some(_) => {
                n += 1;
                if n % 5 == 0 {
                    r.skip()?;
                } else if n % 3 == 0 {
                    let at = r.depth();
                    // May be refused in the middle; the rest of the element is passed over then.
                    let _ = r.text();
                    r.leave(at)?;
                } else {
                    depth += 1;
                }
            }
            None => depth -= 1,
        }
    }
    Ok(n)
}

#[test]
fn good_documents() {
    let check = |bytes: &[u8], expect: &str| {
        assert_eq!(dump(bytes).unwrap(), expect, "{bytes:02x?}");
    };
    check(&doc(&[0x05]), "<Sync/>\n");
    check(&doc(&[0x45, 0x01]), "<Sync></Sync>\n");
    check(
        &doc(&[0x45, 0x4B, 0x03, b'0', 0, 1, 1]),
        "<Sync>\n  <SyncKey>0</SyncKey>\n</Sync>\n",
    );
    // Another page, and back; an opaque value; text to escape.
    check(
        &doc(&[
            0x45, 0x00, 17, 0x4B, 0xC3, 2, 1, 255, 1, 0x00, 0, 0x4B, 0x03, b'<', 0, 1, 1,
        ]),
        "<Sync>\n  <airsyncbase:Data>[2 bytes: 01ff]</airsyncbase:Data>\n  <SyncKey>&lt;</SyncKey>\n</Sync>\n",
    );
    // A page switch before the END.
    check(
        &doc(&[0x45, 0x13, 0x00, 2, 1]),
        "<Sync>\n  <GetChanges/>\n</Sync>\n",
    );
    // Version 1.1, a public id in the string table, and a string table: nothing refers to them.
    check(
        &[0x01, 0x00, 0x00, 0x6A, 0x03, b'a', b'b', 0, 0x05],
        "<Sync/>\n",
    );
    // A longer public id, and US-ASCII.
    check(&[0x03, 0x90, 0x01, 0x03, 0x00, 0x05], "<Sync/>\n");
}

#[test]
fn bad_documents() {
    let check = |bytes: &[u8], expect: Error| {
        assert_eq!(dump(bytes), Err(expect), "dump {bytes:02x?}");
        assert_eq!(walk(bytes), Err(expect), "walk {bytes:02x?}");
    };
    check(&[], Error::Truncated);
    check(&HEAD[..3], Error::Truncated);
    check(&HEAD, Error::Truncated);
    check(&[0x04, 0x01, 0x6A, 0x00, 0x05], Error::Version(4));
    check(&[0x03, 0x01, 0x04, 0x00, 0x05], Error::Charset(4));
    check(&[0x03, 0x01, 0x6A, 0x05, 0x05], Error::Truncated);
    // A string table of 4 GiB less one, and one beyond 32 bits.
    check(
        &[0x03, 0x01, 0x6A, 0x8F, 0xFF, 0xFF, 0xFF, 0x7F, 0x05],
        Error::Value,
    );
    check(
        &[0x03, 0x01, 0x6A, 0x90, 0x80, 0x80, 0x80, 0x00, 0x05],
        Error::Number,
    );
    check(
        &[0x03, 0x01, 0x6A, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
        Error::Number,
    );
    check(&doc(&[0x45]), Error::Truncated);
    check(&doc(&[0x45, 0x00]), Error::Truncated);
    check(&doc(&[0x45, 0x00, 26]), Error::Page(26));
    check(
        &doc(&[0x7F, 0x01]),
        Error::UnknownTag {
            page: 0,
            token: 0x3F,
        },
    );
    check(&doc(&[0xC5, 0x01, 0x01]), Error::Attributes(0xC5));
    check(&doc(&[0x45, 0x83, 0x00, 0x01]), Error::Token(0x83));
    check(&doc(&[0x45, 0x02, 0x20, 0x01]), Error::Token(0x02));
    check(&doc(&[0x45, 0x43, 0x01]), Error::Token(0x43));
    check(&doc(&[0x45, 0x44, 0x00, 0x01]), Error::Token(0x44));
    check(&doc(&[0x01]), Error::Token(0x01));
    check(&doc(&[0x45, 0x4B, 0x03, b'0']), Error::Truncated);
    check(&doc(&[0x45, 0x4B, 0x03, 0xFF, 0, 1, 1]), Error::Utf8);
    check(
        &doc(&[0x45, 0x4B, 0xC3, 0x05, b'0', 1, 1]),
        Error::Truncated,
    );
    check(
        &doc(&[0x45, 0x4B, 0xC3, 0x8F, 0xFF, 0xFF, 0xFF, 0x7F]),
        Error::Value,
    );
    check(&doc(&[0x45, 0x01, 0x05]), Error::Trailing);
    check(&doc(&[0x05, 0x05]), Error::Trailing);
    check(&doc(&[0x45; WBXML_DEPTH_MAX + 1]), Error::Depth);
    let mut many = vec![0x45];
    many.extend(std::iter::repeat_n(0x13, WBXML_TOKENS_MAX));
    check(&doc(&many), Error::Tokens);
    // Page switches count as well.
    let mut switches = vec![0x45];
    switches.extend([0, 1].repeat(WBXML_TOKENS_MAX));
    check(&doc(&switches), Error::Tokens);
}

#[test]
fn children_texts_and_bytes() {
    // <Sync><SyncKey>0</SyncKey><Limit/><Status>1 2</Status><Class>ab</Class></Sync>
    let bytes = doc(&[
        0x45, 0x4B, 0x03, b'0', 0, 1, 0x25, 0x4E, 0x03, b'1', 0, 0x03, b'2', 0, 1, 0x50, 0xC3, 3,
        b'a', 0, b'b', 1, 1,
    ]);
    let mut r = Reader::new(&bytes).unwrap();
    assert_eq!(r.text(), Err(Error::Order));
    assert_eq!(r.root(), Ok(airsync::SYNC));
    assert_eq!(r.root(), Err(Error::Order));
    assert_eq!(r.child(), Ok(Some(airsync::SYNC_KEY)));
    assert!(matches!(r.text(), Ok(std::borrow::Cow::Borrowed("0"))));
    assert_eq!(r.text(), Err(Error::Order));
    assert_eq!(r.skip(), Err(Error::Order));
    assert_eq!(r.child(), Ok(Some(airsync::LIMIT)));
    assert_eq!(r.text().unwrap(), "");
    assert_eq!(r.child(), Ok(Some(airsync::STATUS)));
    let mut pieces = r.clone();
    assert_eq!(pieces.bytes(), Err(Error::Pieces));
    assert_eq!(r.text().unwrap(), "12");
    assert_eq!(r.child(), Ok(Some(airsync::CLASS)));
    assert_eq!(r.clone().bytes(), Ok(&b"a\0b"[..]));
    assert_eq!(
        r.text().unwrap(),
        "ab",
        "NUL from an opaque does not get through"
    );
    assert_eq!(r.child(), Ok(None));
    assert_eq!(r.child(), Err(Error::Order));
}

#[test]
fn elements_and_texts_do_not_mix() {
    let text_in_container = doc(&[0x45, 0x03, b'x', 0, 0x05, 0x01]);
    let mut r = Reader::new(&text_in_container).unwrap();
    r.root().unwrap();
    assert_eq!(r.child(), Err(Error::Text));
    let element_in_text = doc(&[0x45, 0x05, 0x01]);
    let mut r = Reader::new(&element_in_text).unwrap();
    r.root().unwrap();
    assert_eq!(r.text(), Err(Error::Element(airsync::SYNC)));
    // An empty container may hold an empty string or white space.
    let blank = doc(&[
        0x45, 0x57, 0x03, 0, 1, 0x57, 0x03, b'\n', b' ', 0, 1, 0x17, 1,
    ]);
    let mut r = Reader::new(&blank).unwrap();
    r.root().unwrap();
    for _ in 0..3 {
        assert_eq!(r.child(), Ok(Some(airsync::OPTIONS)));
        assert_eq!(r.child(), Ok(None));
    }
    assert_eq!(r.child(), Ok(None));
}

#[test]
fn an_element_can_be_left_from_within() {
    let mut w = Writer::new();
    w.open(airsync::SYNC);
    w.open(airsync::COMMANDS);
    w.open(airsync::ADD);
    w.text(airsync::CLIENT_ID, "1");
    w.empty(airsync::APPLICATION_DATA);
    w.close();
    w.close();
    w.text(airsync::LIMIT, "9");
    w.close();
    let bytes = w.finish();
    for steps in 1..5 {
        let mut r = Reader::new(&bytes).unwrap();
        r.root().unwrap();
        assert_eq!(r.child(), Ok(Some(airsync::COMMANDS)));
        let at = r.depth();
        for _ in 1..steps {
            // The last one meets the text of ClientId: leaving works after an error too.
            let _ = r.child();
        }
        r.leave(at).unwrap();
        assert_eq!(r.child(), Ok(Some(airsync::LIMIT)), "after {steps}");
        let at = r.depth();
        r.text().unwrap();
        r.leave(at).unwrap();
        assert_eq!(r.child(), Ok(None));
    }
}

#[test]
fn the_writer_writes_these_bytes() {
    let check = |write: fn(&mut Writer), expect: &[u8]| {
        let mut w = Writer::new();
        write(&mut w);
        assert_eq!(w.finish(), doc(expect));
    };
    check(|w| w.empty(airsync::SYNC), &[0x05]);
    check(|w| w.text(ping::STATUS, "1"), &[0, 13, 0x47, 3, b'1', 0, 1]);
    check(|w| w.text(airsync::SYNC_KEY, ""), &[0x0B]);
    check(|w| w.text_if(airsync::SYNC_KEY, ""), &[]);
    check(
        |w| w.text(airsync::CLASS, "a\0b\x1B\tc"),
        &[0x50, 3, b'a', b'b', 9, b'c', 0, 1],
    );
    check(|w| w.num(airsync::STATUS, 0), &[0x4E, 3, b'0', 0, 1]);
    check(
        |w| w.num(airsync::STATUS, -120i64),
        &[0x4E, 3, b'-', b'1', b'2', b'0', 0, 1],
    );
    check(|w| w.flag(email::READ, true), &[0, 2, 0x55, 3, b'1', 0, 1]);
    check(|w| w.opaque(composemail::MIME, &[]), &[0, 21, 0x10]);
    check(
        |w| {
            w.open(airsync::SYNC);
            w.open(airsync::OPTIONS);
            w.close();
            w.text(airsyncbase::TYPE, "2");
            w.empty(airsyncbase::DATA);
            w.empty(airsync::MORE_AVAILABLE);
            w.close();
        },
        &[0x45, 0x17, 0, 17, 0x46, 3, b'2', 0, 1, 0x0B, 0, 0, 0x14, 1],
    );
    // What is undone leaves neither bytes nor a page behind.
    check(
        |w| {
            w.open(airsync::SYNC);
            let mark = w.mark();
            w.open(email::FLAG);
            w.rewind(mark);
            w.close();
            assert_eq!(w.len(), 5);
        },
        &[0x05],
    );
    let long = i64::MIN;
    let mut w = Writer::new();
    w.num(airsync::STATUS, long);
    assert!(dump(&w.finish()).unwrap().contains("-9223372036854775808"));
}

#[test]
fn forbidden_characters_are_left_out_wherever_they_stand() {
    let text_of = |text: &str| {
        let mut w = Writer::new();
        w.open(airsync::SYNC);
        w.text(airsync::SYNC_KEY, text);
        w.close();
        w.finish()
    };
    let expect =
        |text: &str| [&HEAD, &b"\x45\x4B\x03"[..], text.as_bytes(), b"\0\x01\x01"].concat();
    for len in 1..100 {
        for allowed in ["a", "\t", "\r", "\n", " ", "\x7f", "\u{80}", "ä"] {
            let clean = allowed.repeat(len);
            assert_eq!(text_of(&clean), expect(&clean), "{len} of {allowed:?}");
        }
        for at in 0..len {
            for forbidden in ["\0", "\x01", "\x08", "\x0b", "\x0c", "\x0e", "\x1f"] {
                let (before, after) = ("a".repeat(at), "\n".repeat(len - 1 - at));
                let dirty = [&before, forbidden, &after].concat();
                assert_eq!(text_of(&dirty), expect(&(before + &after)), "{dirty:?}");
            }
        }
    }
}

#[test]
fn pairs_and_numbers() {
    for n in [0, 1, 9, 10, 99, 100, 65_535, u32::MAX] {
        let written = |element: &dyn Fn(&mut Writer)| {
            let mut w = Writer::new();
            element(&mut w);
            w.finish()
        };
        let text = format!("{n}:{}", n / 7);
        let pair = written(&|w| w.pair(airsync::SERVER_ID, n, n / 7));
        assert_eq!(pair, written(&|w| w.text(airsync::SERVER_ID, &text)));
        let number = written(&|w| w.num(airsync::STATUS, -i64::from(n)));
        let text = (-i64::from(n)).to_string();
        assert_eq!(number, written(&|w| w.text(airsync::STATUS, &text)));
    }
}

#[test]
fn lengths_of_opaque_values() {
    for n in [1usize, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152] {
        let mut w = Writer::new();
        w.opaque(composemail::MIME, &vec![7; n]);
        let bytes = w.finish();
        let mut r = Reader::new(&bytes).unwrap();
        r.root().unwrap();
        assert_eq!(r.bytes().unwrap().len(), n);
    }
}

/// A random tree.
#[derive(Clone, Debug)]
enum Node {
    Empty(Tag),
    Text(Tag, String),
    Opaque(Tag, Vec<u8>),
    Number(Tag, i64),
    Container(Tag, Vec<Self>),
}

fn any_tag() -> impl Strategy<Value = Tag> {
    proptest::sample::select(Tag::all().collect::<Vec<_>>())
}

fn any_node() -> impl Strategy<Value = Node> {
    let leaf = prop_oneof![
        any_tag().prop_map(Node::Empty),
        (any_tag(), "[ -~äß€\u{1F600}\n]{1,40}").prop_map(|(t, s)| Node::Text(t, s)),
        (any_tag(), proptest::collection::vec(any::<u8>(), 1..300))
            .prop_map(|(t, b)| Node::Opaque(t, b)),
        (any_tag(), any::<i64>()).prop_map(|(t, n)| Node::Number(t, n)),
    ];
    leaf.prop_recursive(8, 64, 6, |inner| {
        (any_tag(), proptest::collection::vec(inner, 0..6)).prop_map(|(t, c)| Node::Container(t, c))
    })
}

fn write(w: &mut Writer, node: &Node) {
    match node {
        Node::Empty(t) => w.empty(*t),
        Node::Text(t, s) => w.text(*t, s),
        Node::Opaque(t, b) => w.opaque(*t, b),
        Node::Number(t, n) => w.num(*t, *n),
        Node::Container(t, children) => {
            w.open(*t);
            children.iter().for_each(|c| write(w, c));
            w.close();
        }
    }
}

fn read(r: &mut Reader<'_>, tag: Tag, node: &Node) {
    match node {
        Node::Empty(t) => {
            assert_eq!(tag, *t);
            assert_eq!(r.text().unwrap(), "");
        }
        Node::Text(t, s) => {
            assert_eq!(tag, *t);
            assert_eq!(r.text().unwrap(), s.as_str());
        }
        Node::Opaque(t, b) => {
            assert_eq!(tag, *t);
            assert_eq!(r.bytes().unwrap(), b);
        }
        Node::Number(t, n) => {
            assert_eq!(tag, *t);
            assert_eq!(r.text().unwrap().parse::<i64>().unwrap(), *n);
        }
        Node::Container(t, children) => {
            assert_eq!(tag, *t);
            for c in children {
                let tag = r.child().unwrap().unwrap();
                read(r, tag, c);
            }
            assert_eq!(r.child(), Ok(None));
        }
    }
}

#[test]
fn an_empty_last_child_leaves_its_parent_whole() {
    use super::tags::airsync;
    let mut w = Writer::new();
    w.open(airsync::SYNC);
    w.open(airsync::COLLECTIONS);
    w.open(airsync::COLLECTION);
    w.close();
    w.close();
    w.close();
    assert_eq!(
        w.finish(),
        [0x03, 0x01, 0x6A, 0x00, 0x45, 0x5C, 0x0F, 0x01, 0x01]
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_tree_comes_back(node in any_node()) {
        let mut w = Writer::new();
        write(&mut w, &node);
        let bytes = w.finish();
        let mut r = Reader::new(&bytes).unwrap();
        let tag = r.root().unwrap();
        read(&mut r, tag, &node);
        prop_assert!(dump(&bytes).is_ok());
        let _ = walk(&bytes);
        // Cut anywhere it is an error, and never a panic.
        for end in 0..bytes.len() {
            let cut = &bytes[..end];
            prop_assert!(dump(cut).is_err());
            prop_assert!(walk(cut).is_err());
        }
    }

    #[test]
    fn random_bytes_never_panic(body in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = dump(&body);
        let _ = walk(&body);
        let _ = dump(&doc(&body));
        let _ = walk(&doc(&body));
    }

    #[test]
    fn damaged_documents_never_panic(node in any_node(), at in any::<prop::sample::Index>(), with in any::<u8>()) {
        let mut w = Writer::new();
        write(&mut w, &node);
        let mut bytes = w.finish();
        let at = at.index(bytes.len());
        bytes[at] = with;
        let _ = dump(&bytes);
        let _ = walk(&bytes);
    }
}
