//! The push writer: straight into one growing buffer, nothing in between.

use super::{Tag, digits};
use crate::spare;

/// 1.3, public id unknown, UTF-8, no string table. Clients compare these four bytes.
const HEADER: [u8; 4] = [0x03, 0x01, 0x6A, 0x00];
const SWITCH_PAGE: u8 = 0x00;
const END: u8 = 0x01;
const STR_I: u8 = 0x03;
const OPAQUE: u8 = 0xC3;
const CONTENT: u8 = 0x40;
/// Bytes that are cleared ahead of the document, at most.
const STEP_BYTES_MAX: usize = 32 * 1024;

/// Writes a document. Calls to `open` and `close` have to balance; a missing one shows in tests as
/// a failed assertion of [`finish`](Self::finish).
#[derive(Clone, Debug)]
pub struct Writer {
    /// The document, and behind it whatever lay there: room that is there already is written to
    /// without a look at how much of it there is for every byte.
    buf: Vec<u8>,
    /// Bytes of the document.
    len: usize,
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
        if bytes < spare::BYTES_MIN {
            return Self::over(vec![0; bytes.max(HEADER.len())]);
        }
        let mut buffer = spare::take_written(bytes);
        buffer.resize(buffer.len().max(bytes), 0);
        Self::over(buffer)
    }

    /// A document in a buffer that was used before; what is in it goes. For who writes many and
    /// wants no allocation: [`finish`](Self::finish) gives the buffer back.
    #[must_use]
    pub fn reusing(mut buffer: Vec<u8>) -> Self {
        buffer.resize(buffer.capacity(), 0);
        Self::over(buffer)
    }

    /// A document that is written over what is in a buffer.
    fn over(buffer: Vec<u8>) -> Self {
        let mut w = Self {
            buf: buffer,
            len: 0,
            page: 0,
            depth: 0,
            content: 0,
        };
        w.put(HEADER);
        w
    }

    /// Begins an element.
    #[inline]
    pub fn open(&mut self, tag: Tag) {
        self.page(tag);
        self.put([tag.token() | CONTENT]);
        self.depth += 1;
        self.content = self.len;
    }

    /// Ends the element begun last. One without content becomes `<Tag/>`.
    #[inline]
    pub fn close(&mut self) {
        debug_assert!(self.depth > 0, "close without open");
        self.depth = self.depth.wrapping_sub(1);
        if self.content == self.len
            && let Some(last) = self.buf.get_mut(self.len - 1)
        {
            *last &= !CONTENT;
            // This element is content of the one around it.
            self.content = 0;
        } else {
            self.put([END]);
        }
    }

    /// `<Tag/>`.
    #[inline]
    pub fn empty(&mut self, tag: Tag) {
        self.page(tag);
        self.put([tag.token()]);
    }

    /// An element with text; "" gives `<Tag/>`. Control characters that XML 1.0 forbids, NUL among
    /// them, are left out: clients turn the document into XML.
    #[inline(always)]
    pub fn text(&mut self, tag: Tag, text: &str) {
        if text.is_empty() {
            return self.empty(tag);
        }
        self.page(tag);
        self.string(tag.token() | CONTENT, text.as_bytes());
    }

    /// As [`text`](Self::text), but nothing at all for "".
    #[inline(always)]
    pub fn text_if(&mut self, tag: Tag, text: &str) {
        if !text.is_empty() {
            self.text(tag, text);
        }
    }

    /// An element with text of printable ASCII, such as a time, in pieces of a fixed size.
    #[inline]
    pub fn ascii<const N: usize, const M: usize>(&mut self, tag: Tag, text: &[[u8; N]; M]) {
        let all = text.as_flattened();
        debug_assert!(all.iter().all(u8::is_ascii_graphic), "{all:?}");
        self.page(tag);
        let [begin, kind, room @ .., zero, end] = self.room(all.len() + 4) else {
            return;
        };
        (*begin, *kind, *zero, *end) = (tag.token() | CONTENT, STR_I, 0, END);
        for (to, from) in room.as_chunks_mut().0.iter_mut().zip(text) {
            *to = *from;
        }
    }

    /// An element with opaque bytes; no bytes give `<Tag/>`.
    #[inline(always)]
    pub fn opaque(&mut self, tag: Tag, bytes: &[u8]) {
        if bytes.is_empty() {
            return self.empty(tag);
        }
        self.page(tag);
        let token = tag.token() | CONTENT;
        match u8::try_from(bytes.len()) {
            Ok(len @ 0..0x80) => self.put([token, OPAQUE, len]),
            _ => {
                self.put([token, OPAQUE]);
                self.length(bytes.len());
            }
        }
        if let [content @ .., end] = self.room(bytes.len() + 1) {
            content.copy_from_slice(bytes);
            *end = END;
        }
    }

    /// An element with a decimal number. Nearly all are a status, a kind or a count: one digit.
    #[inline(always)]
    pub fn num(&mut self, tag: Tag, n: impl Into<i64>) {
        self.page(tag);
        let (token, n) = (tag.token() | CONTENT, n.into());
        match u8::try_from(n) {
            Ok(digit @ 0..10) => self.put([token, STR_I, b'0' + digit, 0, END]),
            _ => self.number(token, n),
        }
    }

    /// An element with two decimal numbers and a colon between them, which is how items are named.
    pub fn pair(&mut self, tag: Tag, first: u32, second: u32) {
        self.page(tag);
        match u8::try_from(first) {
            Ok(digit @ 0..10) => self.put([tag.token() | CONTENT, STR_I, b'0' + digit, b':']),
            _ => {
                self.put([tag.token() | CONTENT, STR_I]);
                self.decimal(first.into());
                self.put([b':']);
            }
        }
        self.decimal(second.into());
        self.put([0, END]);
    }

    /// An element with 1 or 0.
    #[inline(always)]
    pub fn flag(&mut self, tag: Tag, on: bool) {
        self.page(tag);
        let digit = b'0' + u8::from(on);
        self.put([tag.token() | CONTENT, STR_I, digit, 0, END]);
    }

    /// This place, to come back to.
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark {
            len: self.len,
            page: self.page,
            depth: self.depth,
            content: self.content,
        }
    }

    /// Undoes all that was written since `mark`, the page included.
    pub fn rewind(&mut self, mark: Mark) {
        self.len = mark.len.min(self.len);
        self.page = mark.page;
        self.depth = mark.depth;
        self.content = mark.content;
    }

    /// Bytes written so far, with the header.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "the header is always there")]
    pub fn len(&self) -> usize {
        self.len
    }

    /// The document.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        debug_assert!(self.depth == 0, "{} elements are open", self.depth);
        self.buf.truncate(self.len);
        self.buf
    }

    /// Switches to the page of a tag.
    #[inline]
    fn page(&mut self, tag: Tag) {
        if tag.page() != self.page {
            self.page = tag.page();
            self.put([SWITCH_PAGE, self.page]);
        }
    }

    /// The next `n` bytes of the document, to be filled.
    #[inline]
    fn room(&mut self, n: usize) -> &mut [u8] {
        if self.buf.len() - self.len < n {
            self.grow(n);
        }
        let from = self.len;
        self.len += n;
        self.buf.get_mut(from..self.len).unwrap_or_default()
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, n: usize) {
        let least = self.len + n;
        let more = least.max(self.buf.len() + self.buf.len().min(STEP_BYTES_MAX));
        if more > self.buf.capacity() && more >= spare::BYTES_MIN {
            let mut larger = spare::take_written(more.max(2 * self.buf.capacity()));
            larger.resize(larger.len().max(more), 0);
            let written = self.buf.get(..self.len).unwrap_or_default();
            if let Some(front) = larger.get_mut(..self.len) {
                front.copy_from_slice(written);
            }
            spare::give(std::mem::replace(&mut self.buf, larger));
        }
        self.buf.resize(self.buf.len().max(more), 0);
    }

    #[inline]
    fn put<const N: usize>(&mut self, bytes: [u8; N]) {
        // The document never ends behind the buffer.
        let Some(rest) = self.buf.get_mut(self.len..) else {
            return;
        };
        let Some(room) = rest.first_chunk_mut() else {
            return self.put_grown(bytes);
        };
        *room = bytes;
        self.len += N;
    }

    #[cold]
    #[inline(never)]
    fn put_grown<const N: usize>(&mut self, bytes: [u8; N]) {
        self.grow(N);
        self.put(bytes);
    }

    /// An element with text. The text is looked through for what is forbidden while it is copied;
    /// it is nearly always clean. What is rare is called last, so that nothing has to be saved for
    /// when it returns.
    fn string(&mut self, token: u8, bytes: &[u8]) {
        let Some(rest) = self.buf.get_mut(self.len..) else {
            return;
        };
        let room = rest.get_mut(..bytes.len() + 4);
        let Some([begin, kind, text @ .., zero, end]) = room else {
            return self.string_grown(token, bytes);
        };
        (*begin, *kind, *zero, *end) = (token, STR_I, 0, END);
        self.len += bytes.len() + 4;
        if !copy(text, bytes) {
            self.purge(bytes);
        }
    }

    #[cold]
    #[inline(never)]
    fn string_grown(&mut self, token: u8, bytes: &[u8]) {
        self.grow(bytes.len() + 4);
        self.string(token, bytes);
    }

    /// Writes the text at the end of the document once more, without what is forbidden.
    #[cold]
    #[inline(never)]
    fn purge(&mut self, bytes: &[u8]) {
        self.len -= bytes.len() + 2;
        for byte in bytes.iter().copied().filter(|b| !forbidden(*b)) {
            self.put([byte]);
        }
        self.put([0, END]);
    }

    /// An element with a number of more than one digit.
    fn number(&mut self, token: u8, n: i64) {
        self.put([token, STR_I]);
        if n < 0 {
            self.put([b'-']);
        }
        self.decimal(n.unsigned_abs());
        self.put([0, END]);
    }

    fn decimal(&mut self, n: u64) {
        match u32::try_from(n) {
            Ok(n @ 0..100_000_000) => {
                let (digits, count) = digits::leading(n);
                // Eight bytes, of which the last ones are not kept.
                self.put(digits);
                self.len -= digits.len() - count;
            }
            _ => self.long_decimal(n),
        }
    }

    #[cold]
    fn long_decimal(&mut self, n: u64) {
        self.decimal(n / 100_000_000);
        let lower = u32::try_from(n % 100_000_000).unwrap_or(0);
        self.put(digits::eight(lower).to_le_bytes());
    }

    /// A length of more than seven bits.
    fn length(&mut self, n: usize) {
        for shift in [28, 21, 14, 7] {
            if n >> shift != 0 {
                self.put([0x80 | low_bits(n >> shift)]);
            }
        }
        self.put([low_bits(n)]);
    }
}

fn low_bits(n: usize) -> u8 {
    u8::try_from(n & 0x7F).unwrap_or(0)
}

#[inline]
fn forbidden(b: u8) -> bool {
    b < 0x20 && b != b'\t' && b != b'\n' && b != b'\r'
}

/// Copies a text to a place of its length. False if some of it may not be sent, or might not: the
/// caller looks closer then. Short ones go as two pieces of a fixed size that overlap: no call, and
/// no loop.
#[inline]
fn copy(to: &mut [u8], from: &[u8]) -> bool {
    match from.len() {
        0..4 => {
            let pairs = to.iter_mut().zip(from);
            pairs.fold(true, |clean, (to, from)| {
                *to = *from;
                clean & (*from >= b' ')
            })
        }
        4..8 => copy_pieces::<4>(to, from),
        8..16 => copy_pieces::<8>(to, from),
        16..32 => copy_pieces::<16>(to, from),
        32..64 => copy_pieces::<32>(to, from),
        _ => copy_blocks(to, from),
    }
}

#[inline]
fn copy_pieces<const N: usize>(to: &mut [u8], from: &[u8]) -> bool {
    let (Some(first), Some(last)) = (from.first_chunk::<N>(), from.last_chunk::<N>()) else {
        return false;
    };
    let is_clean = has_no_control(first) & has_no_control(last);
    if let Some(to) = to.first_chunk_mut() {
        *to = *first;
    }
    if let Some(to) = to.last_chunk_mut() {
        *to = *last;
    }
    is_clean
}

/// Whether no byte is below 0x20. Eight at once: the subtraction sets the top bit of those that
/// are, and the first one that it sets wrongly stands above one of them.
#[inline]
fn has_no_control<const N: usize>(bytes: &[u8; N]) -> bool {
    const BLANKS: u64 = u64::from_le_bytes([b' '; 8]);
    const TOP_BITS: u64 = u64::from_le_bytes([0x80; 8]);
    let low = |word: u64| word.wrapping_sub(BLANKS) & !word;
    let (words, rest) = bytes.as_chunks::<8>();
    let mut tops = words
        .iter()
        .fold(0, |tops, w| tops | low(u64::from_le_bytes(*w)));
    if let Some(half) = rest.first_chunk() {
        let half = u64::from(u32::from_le_bytes(*half));
        tops |= low(half | BLANKS << 32);
    }
    tops & TOP_BITS == 0
}

/// The same for 64 bytes or more. Blocks of a fixed size become vector code: the greatest of each place,
/// where what is allowed counts as 0.
fn copy_blocks(to: &mut [u8], from: &[u8]) -> bool {
    let badness = |b: u8| {
        // Tab and CR differ in one bit.
        let from_tab_or_cr = (b & !0x04) ^ b'\t';
        from_tab_or_cr.min(b ^ b'\n').min(b' '.saturating_sub(b))
    };
    let mut worst = [0; 64];
    let mut take = |to: &mut [u8; 64], from: &[u8; 64]| {
        let block = *from;
        *to = block;
        for (worst, b) in worst.iter_mut().zip(block) {
            *worst = badness(b).max(*worst);
        }
    };
    let blocks = to.as_chunks_mut().0.iter_mut().zip(from.as_chunks().0);
    blocks.for_each(|(to, from)| take(to, from));
    // The last block overlaps the one before.
    if let (Some(to), Some(from)) = (to.last_chunk_mut(), from.last_chunk()) {
        take(to, from);
    }
    worst.iter().fold(0, |all, worst| all | worst) == 0
}

#[cfg(test)]
mod tests {
    use super::{copy, forbidden};

    /// Clean texts take the short way, at every length; one byte that is not makes them take the other.
    #[test]
    fn clean_texts_are_known_by_every_length() {
        for len in 0..200 {
            let mut text = vec![b'x'; len];
            let mut to = vec![0; len];
            assert!(copy(&mut to, &text), "{len}");
            assert_eq!(to, text);
            for at in 0..len {
                for bad in [0, 1, 0x1F] {
                    text[at] = bad;
                    assert!(!copy(&mut to, &text), "{bad} at {at} of {len}");
                    text[at] = b'x';
                }
                // Beyond ASCII is no control, wherever it stands.
                text[at] = 0xC3;
                assert!(copy(&mut to, &text), "at {at} of {len}");
                text[at] = b'x';
            }
        }
    }

    #[test]
    fn what_is_forbidden() {
        let bad: Vec<u8> = (0..=255).filter(|b| forbidden(*b)).collect();
        let kept = |b: &u8| ![9, 10, 13].contains(b);
        assert_eq!(bad, (0..0x20).filter(kept).collect::<Vec<u8>>());
        let (mut long, mut to) = (vec![b'x'; 150], vec![0; 150]);
        for at in 0..150 {
            for b in [b'\t', b'\n', b'\r'] {
                long[at] = b;
                assert!(copy(&mut to, &long), "{b} at {at}");
                assert_eq!(to, long);
            }
            long[at] = 0x0B;
            assert!(!copy(&mut to, &long), "at {at}");
            long[at] = b'x';
        }
    }
}
