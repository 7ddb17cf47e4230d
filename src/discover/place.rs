//! Where the service is, as a client shall call it.

use crate::limits::HOST_BYTES_MAX;

/// The path of the protocol.
const SERVICE: &str = "/Microsoft-Server-ActiveSync";
/// The path of Autodiscover.
const DISCOVER: &str = "/autodiscover/autodiscover.xml";
/// The host of a configuration that says nothing.
const UNSET: &str = "localhost";

/// A name and, unless it is the usual one, a port.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Place {
    host: String,
    port: String,
}

impl Place {
    /// The name is the operator's, and only without one the client's: a certificate is for the
    /// former. The port is the one that the client came by.
    pub(super) fn of(host: &str, header: Option<&str>) -> Self {
        let (named, port) = header.and_then(parse).unwrap_or((UNSET, ""));
        let host = match host {
            "" | UNSET => named,
            set => set,
        };
        Self {
            host: host.to_owned(),
            port: match port {
                "" | "443" | "80" => String::new(),
                port => format!(":{port}"),
            },
        }
    }

    /// The name alone.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Where phones sync.
    pub(super) fn service_url(&self) -> String {
        format!("https://{}{}{SERVICE}", self.host, self.port)
    }

    /// Where they ask for that.
    pub(super) fn discover_url(&self) -> String {
        format!("https://{}{}{DISCOVER}", self.host, self.port)
    }
}

/// Name and port of a `Host` header (RFC 9110 7.2). `None` for what is none: it would stand in an
/// answer.
fn parse(header: &str) -> Option<(&str, &str)> {
    if header.len() > HOST_BYTES_MAX {
        return None;
    }
    let (name, port) = match header.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port),
        _ => (header, ""),
    };
    let is_name = |name: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        !name.is_empty() && name.chars().all(fits)
    };
    let is_v6 = |name: &str| {
        let inner = name.strip_prefix('[').and_then(|n| n.strip_suffix(']'));
        inner.is_some_and(|n| n.parse::<std::net::Ipv6Addr>().is_ok())
    };
    let is_port = port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit());
    ((is_name(name) || is_v6(name)) && is_port).then_some((name, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operators_name_and_the_clients_port() {
        let check = |host: &str, header: Option<&str>, expect: &str| {
            let url = Place::of(host, header).service_url();
            let expect = format!("https://{expect}/Microsoft-Server-ActiveSync");
            assert_eq!(url, expect, "{host} {header:?}");
        };
        check("mail.example.org", None, "mail.example.org");
        check(
            "mail.example.org",
            Some("autodiscover.example.org"),
            "mail.example.org",
        );
        check("mail.example.org", Some("x:8443"), "mail.example.org:8443");
        check("localhost", Some("127.0.0.1:8443"), "127.0.0.1:8443");
        check("localhost", Some("[::1]:8443"), "[::1]:8443");
        check("localhost", Some("[::1]"), "[::1]");
        check("localhost", Some("box.lan:80"), "box.lan");
        check("localhost", None, "localhost");
    }

    #[test]
    fn a_header_that_is_no_host_does_not_get_into_an_answer() {
        let long = "a".repeat(HOST_BYTES_MAX + 1);
        for header in [
            "a b", "a/b", "<x>", "a:1x", "a:123456", "", ":1", "[x]", &long,
        ] {
            let url = Place::of("localhost", Some(header)).service_url();
            assert_eq!(
                url, "https://localhost/Microsoft-Server-ActiveSync",
                "{header}"
            );
        }
    }
}
