//! What goes over the wire, without a wire.

/// A request: the transport adds `Host` and `Content-Length`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// `POST` or `OPTIONS`.
    pub method: &'static str,
    /// Path and query.
    pub target: String,
    /// Headers, `Authorization` included.
    pub headers: Vec<(String, String)>,
    /// The body; may be empty.
    pub body: Vec<u8>,
}

/// An answer, its body inflated and put together by the transport.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Its headers.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first header with this name, whatever its case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim())
    }
}
