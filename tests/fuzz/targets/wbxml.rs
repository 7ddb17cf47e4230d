//! WBXML: what is read is written and read again as the same, and the bounds hold.

use std::sync::LazyLock;

use roost::limits::{WBXML_DEPTH_MAX, WBXML_TOKENS_MAX};
use roost::wbxml::{Error, Reader, Tag, Writer, xml};

use super::input::Input;

/// An element, with its value or its children.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Element {
    tag: Tag,
    /// Empty where it has children.
    value: Vec<u8>,
    children: Vec<Self>,
}

/// Any bytes: an error, or a document that is the same after writing it.
pub(crate) fn decode(data: &[u8]) {
    let shown = xml::dump(data);
    skipping(data);
    let Ok(tree) = read(data) else {
        return;
    };
    assert!(shown.is_ok() || data.contains(&0x03), "{shown:?}");
    let mut count = 0;
    let depth = measure(&tree, &mut count);
    assert!(depth <= WBXML_DEPTH_MAX && count <= WBXML_TOKENS_MAX);
    let written = write(&tree);
    assert_eq!(read(&written).as_ref(), Ok(&tree), "{written:02x?}");
    assert!(xml::dump(&written).is_ok());
}

/// Any tree that a command could write: it is read back as it is.
pub(crate) fn tree(data: &[u8]) {
    static TAGS: LazyLock<Vec<Tag>> = LazyLock::new(|| Tag::all().collect());
    let tags = &*TAGS;
    let mut input = Input::new(data);
    let mut w = Writer::with_capacity(input.below(64));
    let tag = root(&mut input, tags);
    w.open(tag);
    let mut root = Element::new(tag);
    children(&mut input, tags, &mut w, &mut root, 1);
    w.close();
    let written = w.finish();
    assert_eq!(read(&written), Ok(root), "{written:02x?}");
}

impl Element {
    fn new(tag: Tag) -> Self {
        Self {
            tag,
            value: Vec::new(),
            children: Vec::new(),
        }
    }

    fn leaf(tag: Tag, value: impl Into<Vec<u8>>) -> Self {
        Self {
            value: value.into(),
            ..Self::new(tag)
        }
    }
}

fn root(input: &mut Input<'_>, tags: &[Tag]) -> Tag {
    tags[usize::from(input.u16()) % tags.len()]
}

fn children(
    input: &mut Input<'_>,
    tags: &[Tag],
    w: &mut Writer,
    parent: &mut Element,
    depth: usize,
) {
    while !input.is_empty() {
        let kind = input.byte();
        if kind.is_multiple_of(16) {
            return;
        }
        let tag = root(input, tags);
        let before = w.mark();
        let mut element = Element::new(tag);
        match kind % 16 {
            // An element with content is one level more.
            _ if depth == WBXML_DEPTH_MAX => w.empty(tag),
            1..=4 => {
                w.open(tag);
                children(input, tags, w, &mut element, depth + 1);
                w.close();
            }
            5 => w.empty(tag),
            6 | 7 => {
                let text = input.text();
                w.text(tag, &text);
                element.value = kept(&text);
            }
            8 => {
                let bytes = input.piece();
                w.opaque(tag, bytes);
                element.value = bytes.to_vec();
            }
            9 => {
                // Any number of digits.
                let n = input.u64().cast_signed() >> input.below(64);
                w.num(tag, n);
                element.value = n.to_string().into_bytes();
            }
            10 => {
                let (a, b) = (
                    input.u32() >> input.below(32),
                    input.u32() >> input.below(32),
                );
                w.pair(tag, a, b);
                element.value = format!("{a}:{b}").into_bytes();
            }
            11 => {
                let on = input.flag();
                w.flag(tag, on);
                element.value = vec![b'0' + u8::from(on)];
            }
            12 => {
                let pieces = [*b"2026-01-", *b"01T00:00"];
                w.ascii(tag, &pieces);
                element.value = pieces.concat();
            }
            13 => {
                let text = input.text().repeat(1 + input.below(40));
                w.text(tag, &text);
                element.value = kept(&text);
            }
            _ => {
                // Taken back again.
                w.open(tag);
                w.text(tag, "not this");
                w.rewind(before);
                continue;
            }
        }
        parent.children.push(element);
    }
}

/// What XML 1.0 allows for.
fn kept(text: &str) -> Vec<u8> {
    let allowed = |b: &u8| *b >= b' ' || matches!(b, b'\t' | b'\n' | b'\r');
    text.bytes().filter(allowed).collect()
}

/// Passing over the whole document gives what reading it gives, good or bad.
fn skipping(data: &[u8]) {
    let skip = || {
        let mut r = Reader::new(data)?;
        r.root()?;
        let depth = r.depth();
        let mut other = r.clone();
        let skipped = r.skip();
        // From the first child on, whatever it is.
        let left = other.child().and_then(|_| other.leave(depth));
        if left.is_ok() {
            skipped?;
            assert_eq!(r.rest(), other.rest());
        }
        Ok::<(), Error>(())
    };
    let _ = skip();
}

fn read(data: &[u8]) -> Result<Element, Error> {
    let mut r = Reader::new(data)?;
    let tag = r.root()?;
    // Without recursion: this is about the reader's bound, not about ours.
    let mut open = vec![Element::new(tag)];
    if let Some(value) = value(&mut r)? {
        return Ok(Element::leaf(tag, value));
    }
    loop {
        match r.child()? {
            Some(tag) => match value(&mut r)? {
                Some(value) => push(&mut open, Element::leaf(tag, value)),
                None => open.push(Element::new(tag)),
            },
            None => {
                let ended = open.pop().expect("one is open");
                if open.is_empty() {
                    return Ok(ended);
                }
                push(&mut open, ended);
            }
        }
    }
}

fn push(open: &mut [Element], child: Element) {
    let parent = open.last_mut().expect("one is open");
    parent.children.push(child);
}

/// The value of the element just named; none where it has children, which are then to be read.
fn value(r: &mut Reader<'_>) -> Result<Option<Vec<u8>>, Error> {
    let mut probe = r.clone();
    let bytes = probe.bytes();
    if let Ok(bytes) = bytes {
        *r = probe;
        return Ok(Some(bytes.to_vec()));
    }
    let mut probe = r.clone();
    match probe.text() {
        Ok(text) => {
            assert!(!text.contains('\0'));
            *r = probe;
            Ok(Some(text.into_owned().into_bytes()))
        }
        Err(Error::Element(_)) => Ok(None),
        Err(e) => Err(e),
    }
}

fn write(tree: &Element) -> Vec<u8> {
    let mut w = Writer::new();
    write_into(tree, &mut w);
    w.finish()
}

fn write_into(element: &Element, w: &mut Writer) {
    if element.children.is_empty() {
        let allowed = |c: char| c >= ' ' || matches!(c, '\t' | '\n' | '\r');
        match std::str::from_utf8(&element.value) {
            Ok(text) if text.chars().all(allowed) => w.text(element.tag, text),
            _ => w.opaque(element.tag, &element.value),
        }
        return;
    }
    w.open(element.tag);
    for child in &element.children {
        write_into(child, w);
    }
    w.close();
}

fn measure(element: &Element, count: &mut usize) -> usize {
    *count += 1;
    let below = element.children.iter().map(|child| measure(child, count));
    let below = below.max().unwrap_or(0);
    // Without content an element is not entered.
    below + usize::from(!element.children.is_empty() || !element.value.is_empty())
}
