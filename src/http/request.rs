//! A request as handlers see it, and what they may come to.

use std::net::{IpAddr, SocketAddr};

use super::Answer;

/// The version in a request line; everything else is refused before a handler sees it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Version {
    /// HTTP/1.0: closes after each answer unless `Connection: keep-alive` says otherwise.
    Http10,
    /// HTTP/1.1.
    Http11,
}

/// A complete request: head and body have arrived and are within bounds.
///
/// It borrows from the connection's buffers, which live until the handler returns.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// As sent; methods are case-sensitive (RFC 9110 9.1).
    pub method: &'a str,
    /// The path of the target, still percent-encoded, without scheme and authority. Begins with
    /// a slash, except in `OPTIONS *`.
    pub path: &'a str,
    /// What follows the first question mark, still percent-encoded; empty where there is none.
    pub query: &'a str,
    /// Names and values in the order sent. Values are trimmed; one that is not UTF-8 was read as
    /// ISO-8859-1.
    pub headers: &'a [(&'a str, &'a str)],
    /// The content, with transfer coding and `Content-Encoding: gzip` taken off.
    pub body: &'a [u8],
    /// Of the request line.
    pub version: Version,
}

impl<'a> Request<'a> {
    /// A request without headers and body; `target` is a path with an optional query.
    #[must_use]
    pub fn new(method: &'a str, target: &'a str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self {
            method,
            path,
            query,
            headers: &[],
            body: &[],
            version: Version::Http11,
        }
    }

    /// The same with these headers.
    #[must_use]
    pub fn with_headers(self, headers: &'a [(&'a str, &'a str)]) -> Self {
        Self { headers, ..self }
    }

    /// The same with this content.
    #[must_use]
    pub fn with_body(self, body: &'a [u8]) -> Self {
        Self { body, ..self }
    }

    /// The value of the first header of this name, compared without regard to case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| *value)
    }
}

/// Who is at the other end of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Peer {
    /// The address of the socket: of the phone, or of the proxy before us.
    pub addr: SocketAddr,
    /// Whether the connection is encrypted by us.
    pub tls: bool,
}

impl Peer {
    /// The address that throttles count by: an IPv4 address, or the /64 of an IPv6 address
    /// (whoever has one address of such a network has them all).
    #[must_use]
    pub fn network(&self) -> IpAddr {
        network(self.addr.ip())
    }
}

/// See [`Peer::network`].
fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) >> 64 << 64).into()),
    }
}

/// What a request came to.
#[derive(Debug)]
pub enum Outcome<P> {
    /// To be sent at once.
    Answer(Answer),
    /// Nothing to say yet: the connection waits without a buffer until the parked value is woken
    /// or due, or the peer closes or sends another request.
    Park(P),
}

/// What something that happened means to a parked request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Heard {
    /// Nothing: it waits on.
    Nothing,
    /// It wrote the document of its answer: send it.
    Answer(Brief),
    /// It has to be looked into by a handler.
    Resume,
}

/// An answer with HTTP 200 to a parked request that wrote the document itself: everything else
/// about it is fixed, so that it costs no allocation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Brief {
    /// In the order to be sent, `Content-Type` apart.
    pub headers: &'static [(&'static str, &'static str)],
    /// Of the document; not sent where that is empty.
    pub content_type: &'static str,
    /// The status that the document says, for the log.
    pub status: u16,
}

/// Why a parked request goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// Something that it waits for has happened.
    Woken,
    /// Its deadline has come, or the appliance is about to stop.
    Expired,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_found_without_regard_to_case() {
        let headers = [("Content-Type", "text/xml"), ("content-type", "second")];
        let request = Request::new("POST", "/a?b=c").with_headers(&headers);
        assert_eq!(request.header("CONTENT-TYPE"), Some("text/xml"));
        assert_eq!(request.header("host"), None);
        assert_eq!((request.path, request.query), ("/a", "b=c"));
    }

    #[test]
    fn an_ipv6_network_counts_as_one() {
        let check = |ip: &str, expect: &str| {
            assert_eq!(
                network(ip.parse().unwrap()),
                expect.parse::<IpAddr>().unwrap()
            );
        };
        check("192.0.2.7", "192.0.2.7");
        check("::ffff:192.0.2.7", "192.0.2.7");
        check("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::");
    }
}
