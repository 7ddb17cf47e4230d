//! The many ways in which one person writes one log-in name.
//!
//! ```text
//! mike   mike@ox.io   ox.io\mike   defaultcontext\mike   \mike   " \mike"
//! ```
//!
//! A backslash splits first, at the last one, as the public servers do; then an `@`, at the last
//! one. A domain that is missing, blank or the name of the default context means the same: the
//! person is looked for in the default context.

/// How names are read; from the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Naming {
    /// Name of the context that users without a domain belong to.
    pub default_context: String,
    /// `Mike` and `mike` are two people.
    pub case_sensitive: bool,
}

impl Default for Naming {
    fn default() -> Self {
        Self {
            default_context: "defaultcontext".to_owned(),
            case_sensitive: false,
        }
    }
}

/// A log-in name, taken apart and folded: equal names are equal bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LoginName {
    /// The user, without domain. Never empty.
    pub user: String,
    /// The domain; empty for the default context.
    pub domain: String,
}

impl Naming {
    /// Takes a name apart as a client sent it. `None` if no user is left.
    #[must_use]
    pub fn parse(&self, name: &str) -> Option<LoginName> {
        let (domain, user) = match name.rsplit_once('\\') {
            Some((domain, user)) => (domain, user),
            None => ("", name),
        };
        // `DOMAIN\user@other`: the address says more than the domain field.
        let (user, domain) = match user.rsplit_once('@') {
            Some((local, after)) if !local.is_empty() => (local, after),
            _ => (user, domain),
        };
        let user = self.fold(user.trim());
        let domain = domain.trim().to_lowercase();
        let domain = if !domain.is_empty() && domain == self.default_context.to_lowercase() {
            String::new()
        } else {
            domain
        };
        (!user.is_empty() && !user.contains('\0') && !domain.contains('\0'))
            .then_some(LoginName { user, domain })
    }

    /// Folds a user name as the configuration says; domains never keep their case.
    #[must_use]
    pub fn fold(&self, user: &str) -> String {
        if self.case_sensitive {
            user.to_owned()
        } else {
            user.to_lowercase()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(naming: &Naming, written: &str, expect: Option<(&str, &str)>) {
        let got = naming.parse(written);
        let got = got.as_ref().map(|n| (n.user.as_str(), n.domain.as_str()));
        assert_eq!(got, expect, "{written:?}");
    }

    #[test]
    fn one_person_many_spellings() {
        let n = Naming::default();
        for (written, domain) in [
            ("mike", ""),
            ("defaultcontext\\mike", ""),
            ("DefaultContext\\Mike", ""),
            ("mike@defaultcontext", ""),
            ("\\mike", ""),
            (" \\mike", ""),
            (" mike ", ""),
            ("mike@ox.io", "ox.io"),
            ("MIKE@OX.IO", "ox.io"),
            ("ox.io\\mike", "ox.io"),
            ("a\\ox.io\\mike", "a\\ox.io"),
            ("CORP\\mike@ox.io", "ox.io"),
        ] {
            check(&n, written, Some(("mike", domain)));
        }
    }

    #[test]
    fn what_is_no_name() {
        let n = Naming::default();
        for written in ["", " ", "\\", "ox.io\\", " \\ ", "mi\0ke", "mike@o\0x"] {
            check(&n, written, None);
        }
        check(&n, "@home", Some(("@home", "")));
    }

    #[test]
    fn case_counts_only_where_the_configuration_says_so() {
        let n = Naming {
            case_sensitive: true,
            default_context: "Firma".into(),
        };
        check(&n, "FIRMA\\Mike", Some(("Mike", "")));
        check(&n, "OX.io\\Mike", Some(("Mike", "ox.io")));
    }

    #[test]
    fn umlauts_fold() {
        check(
            &Naming::default(),
            "JÜRGEN@Köln.example",
            Some(("jürgen", "köln.example")),
        );
    }
}
