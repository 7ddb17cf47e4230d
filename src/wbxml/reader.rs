//! The pull reader: one pass over a borrowed document, no allocation, no recursion.

use super::tag::page_exists;
use super::{Error, Tag};
use crate::limits::{WBXML_DEPTH_MAX, WBXML_TOKENS_MAX, WBXML_VALUE_BYTES_MAX};
use std::borrow::Cow;
use std::ffi::CStr;

const SWITCH_PAGE: u8 = 0x00;
const END: u8 = 0x01;
const STR_I: u8 = 0x03;
const OPAQUE: u8 = 0xC3;
const CONTENT: u8 = 0x40;
const ATTRIBUTES: u8 = 0x80;

/// MIBenum values of the character sets whose text is UTF-8: unknown, ASCII, UTF-8.
const CHARSETS: [u32; 3] = [0, 3, 106];

/// Reads a document element by element.
///
/// After [`root`](Self::root) or [`child`](Self::child) gave a tag the element is consumed by
/// exactly one of: `child` until it gives `None`, [`text`](Self::text), [`bytes`](Self::bytes),
/// [`skip`](Self::skip).
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    page: u8,
    /// Open elements with content, the one we are at included.
    depth: usize,
    tokens: usize,
    at: At,
}

/// What the last call left us at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum At {
    /// Before the root element.
    Start,
    /// An element with content has just been named; nothing of its content is read.
    Full,
    /// An element without content has just been named.
    Empty,
    /// Between elements.
    Inside,
}

/// What the document holds next.
pub(super) enum Step<'a> {
    /// An element begins, and has content or not.
    Open(Tag, bool),
    /// An element ends.
    Close,
    /// Inline text.
    Text(&'a str),
    /// Opaque bytes.
    Opaque(&'a [u8]),
}

impl<'a> Reader<'a> {
    /// Reads the header. A string table or a public id is accepted and ignored.
    ///
    /// # Errors
    /// [`Error::Truncated`], [`Error::Version`], [`Error::Charset`], [`Error::Number`].
    pub fn new(document: &'a [u8]) -> Result<Self, Error> {
        let mut r = Self {
            rest: document,
            page: 0,
            depth: 0,
            tokens: 0,
            at: At::Start,
        };
        let version = r.byte()?;
        if version > 3 {
            return Err(Error::Version(version));
        }
        if r.number()? == 0 {
            // The public id stands in the string table at this index.
            r.number()?;
        }
        let charset = r.number()?;
        if !CHARSETS.contains(&charset) {
            return Err(Error::Charset(charset));
        }
        let table = r.number()?;
        r.take(table)?;
        Ok(r)
    }

    /// The root element.
    ///
    /// # Errors
    /// [`Error::Order`] if it was asked for before; else as [`child`](Self::child).
    pub fn root(&mut self) -> Result<Tag, Error> {
        if self.at != At::Start {
            return Err(Error::Order);
        }
        loop {
            match self.step()? {
                Step::Open(tag, content) => {
                    self.at = if content { At::Full } else { At::Empty };
                    return Ok(tag);
                }
                Step::Text(t) if t.trim().is_empty() => {}
                Step::Text(_) | Step::Opaque(_) => return Err(Error::Text),
                Step::Close => return Err(Error::Token(END)),
            }
        }
    }

    /// The next child of the element we are in; `None` when it ends, which also steps out of it.
    /// White space between children is passed over.
    ///
    /// # Errors
    /// What is malformed up to that child, as [`Error`] lists it.
    pub fn child(&mut self) -> Result<Option<Tag>, Error> {
        match self.at {
            At::Start => return Err(Error::Order),
            At::Empty => return self.leave_empty().map(|()| None),
            At::Inside if self.depth == 0 => return Err(Error::Order),
            At::Full | At::Inside => {}
        }
        self.at = At::Inside;
        loop {
            match self.step()? {
                Step::Open(tag, content) => {
                    self.at = if content { At::Full } else { At::Empty };
                    return Ok(Some(tag));
                }
                Step::Close => return self.closed().map(|()| None),
                Step::Text(t) if t.trim().is_empty() => {}
                Step::Opaque([]) => {}
                Step::Text(_) | Step::Opaque(_) => return Err(Error::Text),
            }
        }
    }

    /// The content of the element just named, as text; "" if it is empty. Opaque bytes count if
    /// they are UTF-8. Never contains NUL.
    ///
    /// # Errors
    /// [`Error::Element`] if it has a child, [`Error::Utf8`], [`Error::Order`].
    pub fn text(&mut self) -> Result<Cow<'a, str>, Error> {
        let mut all = Cow::Borrowed("");
        self.pieces(|piece| {
            let piece = std::str::from_utf8(piece).map_err(|_| Error::Utf8)?;
            if all.is_empty() && !piece.contains('\0') {
                all = Cow::Borrowed(piece);
            } else {
                all.to_mut().extend(piece.chars().filter(|c| *c != '\0'));
            }
            Ok(())
        })?;
        Ok(all)
    }

    /// The content of the element just named, as bytes: opaque, or text as it stands.
    ///
    /// # Errors
    /// [`Error::Pieces`] if the value is not in one piece; else as [`text`](Self::text).
    pub fn bytes(&mut self) -> Result<&'a [u8], Error> {
        let mut all: &[u8] = &[];
        self.pieces(|piece| {
            match (all.is_empty(), piece.is_empty()) {
                (true, _) => all = piece,
                (false, true) => {}
                (false, false) => return Err(Error::Pieces),
            }
            Ok(())
        })?;
        Ok(all)
    }

    /// What is not read yet: the difference before and after an element is its bytes.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Passes over the element just named, with all that is in it.
    ///
    /// # Errors
    /// What is malformed in it, or [`Error::Order`].
    pub fn skip(&mut self) -> Result<(), Error> {
        match self.at {
            At::Empty => self.leave_empty(),
            At::Full => self.leave(self.depth.saturating_sub(1)),
            At::Start | At::Inside => Err(Error::Order),
        }
    }

    /// How deep the element stands that was just named: what [`leave`](Self::leave) wants to pass
    /// over the rest of that element from anywhere within.
    #[must_use]
    pub fn depth(&self) -> usize {
        match self.at {
            At::Full => self.depth.saturating_sub(1),
            At::Start | At::Empty | At::Inside => self.depth,
        }
    }

    /// Passes over everything up to the end of the element for which [`depth`](Self::depth) gave
    /// `depth` when it had just been named. Nothing to do if it has ended already.
    ///
    /// # Errors
    /// What is malformed on the way.
    pub fn leave(&mut self, depth: usize) -> Result<(), Error> {
        if self.at == At::Empty {
            self.leave_empty()?;
        }
        while self.depth > depth {
            self.at = At::Inside;
            if matches!(self.step()?, Step::Close) {
                self.closed()?;
            }
        }
        Ok(())
    }

    /// The next step, within the bounds. Keeps count of the depth.
    pub(super) fn step(&mut self) -> Result<Step<'a>, Error> {
        loop {
            self.tokens += 1;
            if self.tokens > WBXML_TOKENS_MAX {
                return Err(Error::Tokens);
            }
            let token = self.byte()?;
            match token {
                SWITCH_PAGE => {
                    self.page = self.byte()?;
                    if !page_exists(self.page) {
                        return Err(Error::Page(self.page));
                    }
                }
                END => {
                    self.depth = self.depth.checked_sub(1).ok_or(Error::Token(END))?;
                    return Ok(Step::Close);
                }
                STR_I => return self.inline().map(Step::Text),
                OPAQUE => {
                    let n = self.number()?;
                    return self.take(n).map(Step::Opaque);
                }
                0x02 | 0x04 | 0x40..=0x44 | 0x80..=0x84 | 0xC0..=0xC4 => {
                    return Err(Error::Token(token));
                }
                _ => return self.open(token),
            }
        }
    }

    /// Whether bytes are left.
    pub(super) fn at_end(&self) -> bool {
        self.rest.is_empty()
    }

    fn open(&mut self, token: u8) -> Result<Step<'a>, Error> {
        if token & ATTRIBUTES != 0 {
            return Err(Error::Attributes(token));
        }
        let (tag, content) = (Tag::new(self.page, token & !CONTENT), token & CONTENT != 0);
        if !tag.known() {
            return Err(Error::UnknownTag {
                page: tag.page(),
                token: tag.token(),
            });
        }
        if content {
            self.depth += 1;
            if self.depth > WBXML_DEPTH_MAX {
                return Err(Error::Depth);
            }
        }
        Ok(Step::Open(tag, content))
    }

    /// Hands the pieces of the element just named to `each`, and steps out of it.
    fn pieces(&mut self, mut each: impl FnMut(&'a [u8]) -> Result<(), Error>) -> Result<(), Error> {
        match self.at {
            At::Empty => return self.leave_empty(),
            At::Full => self.at = At::Inside,
            At::Start | At::Inside => return Err(Error::Order),
        }
        loop {
            match self.step()? {
                Step::Text(t) => each(t.as_bytes())?,
                Step::Opaque(b) => each(b)?,
                Step::Open(tag, _) => return Err(Error::Element(tag)),
                Step::Close => return self.closed(),
            }
        }
    }

    fn leave_empty(&mut self) -> Result<(), Error> {
        self.closed()
    }

    /// An element has ended; if it was the root, so has the document.
    fn closed(&mut self) -> Result<(), Error> {
        self.at = At::Inside;
        if self.depth == 0 && !self.rest.is_empty() {
            return Err(Error::Trailing);
        }
        Ok(())
    }

    fn byte(&mut self) -> Result<u8, Error> {
        let (first, rest) = self.rest.split_first().ok_or(Error::Truncated)?;
        self.rest = rest;
        Ok(*first)
    }

    /// A multi-byte number: seven bits per byte, the top bit says that more follow.
    fn number(&mut self) -> Result<u32, Error> {
        let mut n: u32 = 0;
        for _ in 0..5 {
            let b = self.byte()?;
            if n > u32::MAX >> 7 {
                return Err(Error::Number);
            }
            n = n << 7 | u32::from(b & 0x7F);
            if b & 0x80 == 0 {
                return Ok(n);
            }
        }
        Err(Error::Number)
    }

    fn take(&mut self, n: u32) -> Result<&'a [u8], Error> {
        let n = usize::try_from(n).map_err(|_| Error::Value)?;
        if n > WBXML_VALUE_BYTES_MAX {
            return Err(Error::Value);
        }
        let (taken, rest) = self.rest.split_at_checked(n).ok_or(Error::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    fn inline(&mut self) -> Result<&'a str, Error> {
        let text = CStr::from_bytes_until_nul(self.rest).map_err(|_| Error::Truncated)?;
        if text.count_bytes() > WBXML_VALUE_BYTES_MAX {
            return Err(Error::Value);
        }
        let after = text.count_bytes() + 1;
        self.rest = self.rest.get(after..).ok_or(Error::Truncated)?;
        text.to_str().map_err(|_| Error::Utf8)
    }
}
