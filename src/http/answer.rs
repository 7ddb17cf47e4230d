//! What the appliance says to a request.

use std::borrow::Cow;

/// A complete answer. `Date`, `Content-Length`, `Connection` and `Content-Encoding` are not its
/// business: the encoder writes them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// 200 to 599.
    pub status: u16,
    /// In the order to be sent. What would break a line (CR, LF, NUL) is replaced by a blank.
    pub headers: Vec<(Cow<'static, str>, Cow<'static, str>)>,
    /// The content, not compressed.
    pub body: Vec<u8>,
    /// The connection ends with this answer.
    pub close: bool,
}

impl Answer {
    /// Without headers and content.
    #[must_use]
    pub fn new(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            close: false,
        }
    }

    /// One line of plain text, for the eyes of whoever debugs.
    #[must_use]
    pub fn text(status: u16, text: &str) -> Self {
        let mut body = Vec::with_capacity(text.len() + 1);
        body.extend_from_slice(text.as_bytes());
        body.push(b'\n');
        Self::new(status).with_body("text/plain; charset=utf-8", body)
    }

    /// Status 200 with a WBXML document.
    #[must_use]
    pub fn wbxml(document: Vec<u8>) -> Self {
        Self::new(200).with_body("application/vnd.ms-sync.wbxml", document)
    }

    /// Status 503: the appliance has too much to do; the peer shall come back after `seconds`.
    #[must_use]
    pub fn busy(seconds: u32) -> Self {
        Self::text(503, "busy, come back later").with("Retry-After", seconds.to_string())
    }

    /// The same with one header more.
    #[must_use]
    pub fn with(
        mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The same with this content.
    #[must_use]
    pub fn with_body(mut self, content_type: impl Into<Cow<'static, str>>, body: Vec<u8>) -> Self {
        self.body = body;
        self.with("Content-Type", content_type)
    }

    /// The same, ending the connection.
    #[must_use]
    pub fn closing(mut self) -> Self {
        self.close = true;
        self
    }

    /// The value of the first header of this name, compared without regard to case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_ref())
    }
}
