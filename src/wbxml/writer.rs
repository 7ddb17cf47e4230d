//! The push writer: straight into one growing buffer, nothing in between.

use super::Tag;

/// 1.3, public id unknown, UTF-8, no string table. Clients compare these four bytes.
const HEADER: [u8; 4] = [0x03, 0x01, 0x6A, 0x00];
const SWITCH_PAGE: u8 = 0x00;
const END: u8 = 0x01;
const STR_I: u8 = 0x03;
const OPAQUE: u8 = 0xC3;
const CONTENT: u8 = 0x40;
/// Bytes around a value: page switch, tag, value token, length (5 at most) or final zero, END.
const AROUND: usize = 2 + 1 + 1 + 5 + 1;

/// Writes a document. Calls to `open` and `close` have to balance; a missing one shows in tests as
/// a failed assertion of [`finish`](Self::finish).
#[derive(Clone, Debug)]
pub struct Writer {
    out: Vec<u8>,
    page: u8,
    depth: usize,
    /// Where the content of the element opened last begins.
    content: usize,
}

/// A place to come back to with [`Writer::rewind`].
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    len: usize,
    page: u8,
    depth: usize,
    content: usize,
}

impl Default for Writer {
    fn default() -> Self {
        Self::new()
    }
}

impl Writer {
    /// A document with its header.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(1024)
    }

    /// The same, with room for `bytes`.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        let mut out = Vec::with_capacity(bytes.max(HEADER.len()));
        out.extend_from_slice(&HEADER);
        Self {
            out,
            page: 0,
            depth: 0,
            content: 0,
        }
    }

    /// A document in a buffer that was used before; what is in it goes. For who writes many and
    /// wants no allocation: [`finish`](Self::finish) gives the buffer back.
    #[must_use]
    pub fn reusing(mut buffer: Vec<u8>) -> Self {
        buffer.clear();
        buffer.extend_from_slice(&HEADER);
        Self {
            out: buffer,
            page: 0,
            depth: 0,
            content: 0,
        }
    }

    /// Begins an element.
    pub fn open(&mut self, tag: Tag) {
        self.out.reserve(3);
        self.start(tag, CONTENT);
        self.depth += 1;
        self.content = self.out.len();
    }

    /// Ends the element begun last. One without content becomes `<Tag/>`.
    pub fn close(&mut self) {
        debug_assert!(self.depth > 0, "close without open");
        self.depth = self.depth.saturating_sub(1);
        if self.content == self.out.len()
            && let Some(last) = self.out.last_mut()
        {
            *last &= !CONTENT;
            // This element is content of the one around it.
            self.content = 0;
        } else {
            self.out.push(END);
        }
    }

    /// `<Tag/>`.
    pub fn empty(&mut self, tag: Tag) {
        self.start(tag, 0);
    }

    /// An element with text; "" gives `<Tag/>`. Control characters that XML 1.0 forbids, NUL among
    /// them, are left out: clients turn the document into XML.
    pub fn text(&mut self, tag: Tag, text: &str) {
        if text.is_empty() {
            return self.empty(tag);
        }
        let bytes = text.as_bytes();
        self.out.reserve(bytes.len() + AROUND);
        self.start(tag, CONTENT);
        self.out.push(STR_I);
        // One branch-free pass decides; it is nearly always clean.
        if bytes.iter().fold(false, |bad, b| bad | forbidden(*b)) {
            self.out.extend(bytes.iter().filter(|b| !forbidden(**b)));
        } else {
            self.out.extend_from_slice(bytes);
        }
        self.out.extend_from_slice(&[0, END]);
    }

    /// As [`text`](Self::text), but nothing at all for "".
    pub fn text_if(&mut self, tag: Tag, text: &str) {
        if !text.is_empty() {
            self.text(tag, text);
        }
    }

    /// An element with opaque bytes; no bytes give `<Tag/>`.
    pub fn opaque(&mut self, tag: Tag, bytes: &[u8]) {
        if bytes.is_empty() {
            return self.empty(tag);
        }
        self.out.reserve(bytes.len() + AROUND);
        self.start(tag, CONTENT);
        self.out.push(OPAQUE);
        self.length(bytes.len());
        self.out.extend_from_slice(bytes);
        self.out.push(END);
    }

    /// An element with a decimal number.
    pub fn num(&mut self, tag: Tag, n: impl Into<i64>) {
        let n = n.into();
        let mut buf = [0u8; 20];
        let mut at = buf.len();
        let mut left = n.unsigned_abs();
        loop {
            at -= 1;
            if let Some(slot) = buf.get_mut(at) {
                // A digit: the remainder is below ten.
                *slot = b'0' + u8::try_from(left % 10).unwrap_or(0);
            }
            left /= 10;
            if left == 0 {
                break;
            }
        }
        self.out.reserve(buf.len() + AROUND);
        self.start(tag, CONTENT);
        self.out.push(STR_I);
        if n < 0 {
            self.out.push(b'-');
        }
        self.out.extend_from_slice(buf.get(at..).unwrap_or(&[]));
        self.out.extend_from_slice(&[0, END]);
    }

    /// An element with 1 or 0.
    pub fn flag(&mut self, tag: Tag, on: bool) {
        self.text(tag, if on { "1" } else { "0" });
    }

    /// This place, to come back to.
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark {
            len: self.out.len(),
            page: self.page,
            depth: self.depth,
            content: self.content,
        }
    }

    /// Undoes all that was written since `mark`, the page included.
    pub fn rewind(&mut self, mark: Mark) {
        self.out.truncate(mark.len);
        self.page = mark.page;
        self.depth = mark.depth;
        self.content = mark.content;
    }

    /// Bytes written so far, with the header.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "the header is always there")]
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// The document.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        debug_assert!(self.depth == 0, "{} elements are open", self.depth);
        self.out
    }

    fn start(&mut self, tag: Tag, content: u8) {
        if tag.page() != self.page {
            self.page = tag.page();
            self.out.extend_from_slice(&[SWITCH_PAGE, self.page]);
        }
        self.out.push(tag.token() | content);
    }

    fn length(&mut self, n: usize) {
        for shift in [28, 21, 14, 7] {
            if n >> shift != 0 {
                self.out.push(0x80 | low_bits(n >> shift));
            }
        }
        self.out.push(low_bits(n));
    }
}

fn low_bits(n: usize) -> u8 {
    u8::try_from(n & 0x7F).unwrap_or(0)
}

fn forbidden(b: u8) -> bool {
    b < 0x20 && b != b'\t' && b != b'\n' && b != b'\r'
}
