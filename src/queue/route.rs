//! Which server takes the mail for a domain.

/// Routes by domain, each to the number of a server.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Routes {
    /// Pattern in lower case: a domain, `*.` and a domain (all below it), or `*`.
    routes: Vec<(String, usize)>,
}

impl Routes {
    /// Routes by pattern: a domain; `*.` and a domain, for all below it; `*`, for the rest.
    #[must_use]
    pub fn new(routes: impl IntoIterator<Item = (String, usize)>) -> Self {
        let lower = |(pattern, server): (String, usize)| (pattern.to_ascii_lowercase(), server);
        Self {
            routes: routes.into_iter().map(lower).collect(),
        }
    }

    /// The server for a recipient; none: nobody takes it. The longest pattern counts.
    #[must_use]
    pub fn server(&self, recipient: &str) -> Option<usize> {
        let (_, domain) = recipient.rsplit_once('@')?;
        let domain = domain.to_ascii_lowercase();
        let fits = |pattern: &str| match pattern.strip_prefix('*') {
            Some("") => true,
            Some(below) => below.starts_with('.') && domain.ends_with(below),
            None => pattern == domain,
        };
        let fitting = self.routes.iter().filter(|(pattern, _)| fits(pattern));
        // One without a star says it exactly.
        let rank = |(pattern, _): &&(String, usize)| (!pattern.starts_with('*'), pattern.len());
        fitting.max_by_key(rank).map(|(_, server)| *server)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_pattern_counts() {
        let routes = [
            ("*", 0),
            ("Example.ORG", 1),
            ("*.example.org", 2),
            ("*.b.example.org", 3),
        ];
        let routes = Routes::new(routes.map(|(p, n)| (p.to_owned(), n)));
        for (recipient, server) in [
            ("a@other.example", 0),
            ("a@EXAMPLE.org", 1),
            ("a@x.example.org", 2),
            ("a@x.b.example.org", 3),
            ("\"a@b\"@example.org", 1),
            ("a@notexample.org", 0),
        ] {
            assert_eq!(routes.server(recipient), Some(server), "{recipient}");
        }
        assert_eq!(routes.server("nobody"), None);
        assert_eq!(Routes::default().server("a@example.org"), None);
    }
}
