//! How the client proves who it is: PLAIN (RFC 4616), LOGIN, XOAUTH2.

use super::reply::Reply;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt;

/// How a log-in is done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mechanism {
    /// PLAIN where it is offered, else LOGIN.
    Auto,
    /// PLAIN.
    Plain,
    /// LOGIN.
    Login,
    /// XOAUTH2: the secret is an access token.
    XOAuth2,
}

/// A log-in.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// How.
    pub mechanism: Mechanism,
    /// Who.
    pub user: String,
    /// Password or token.
    pub secret: String,
}

// The secret is in no log.
impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Login");
        shown.field("mechanism", &self.mechanism);
        shown.field("user", &self.user).finish_non_exhaustive()
    }
}

/// What is said next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// This line.
    Say(String),
    /// Nothing more: it worked.
    In,
    /// Nothing more: it did not.
    Refused,
}

/// A log-in on its way.
#[derive(Debug)]
pub(super) struct Exchange {
    login: Login,
    mechanism: Mechanism,
    answers: u8,
}

impl Exchange {
    /// Begins it with the first line; none: the server has no way that we know.
    pub(super) fn begin(login: &Login, offered: &[String]) -> Option<(Self, String)> {
        let has = |name: &str| offered.iter().any(|m| m.eq_ignore_ascii_case(name));
        let mechanism = match login.mechanism {
            Mechanism::Auto if has("PLAIN") => Mechanism::Plain,
            Mechanism::Auto => Mechanism::Login,
            named => named,
        };
        let (name, first) = match mechanism {
            Mechanism::XOAuth2 => {
                let (user, token) = (&login.user, &login.secret);
                let text = format!("user={user}\x01auth=Bearer {token}\x01\x01");
                ("XOAUTH2", Some(text))
            }
            Mechanism::Login => ("LOGIN", None),
            Mechanism::Plain | Mechanism::Auto => {
                ("PLAIN", Some(format!("\0{}\0{}", login.user, login.secret)))
            }
        };
        if !has(name) {
            return None;
        }
        let line = match first {
            Some(text) => format!("AUTH {name} {}", STANDARD.encode(text)),
            None => format!("AUTH {name}"),
        };
        let exchange = Self {
            login: login.clone(),
            mechanism,
            answers: 0,
        };
        Some((exchange, line))
    }

    /// What to say to a reply.
    pub(super) fn hear(&mut self, reply: &Reply) -> Turn {
        match reply.code {
            235 => return Turn::In,
            334 => {}
            _ => return Turn::Refused,
        }
        self.answers += 1;
        match (self.mechanism, self.answers) {
            (Mechanism::Login, 1) => Turn::Say(STANDARD.encode(&self.login.user)),
            (Mechanism::Login, 2) => Turn::Say(STANDARD.encode(&self.login.secret)),
            // The challenge says why it was refused; an empty answer brings the refusal itself.
            (Mechanism::XOAuth2, 1) => Turn::Say(String::new()),
            _ => Turn::Refused,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(mechanism: Mechanism) -> Login {
        Login {
            mechanism,
            user: "me".into(),
            secret: "secret".into(),
        }
    }

    fn offered(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    fn reply(code: u16) -> Reply {
        Reply {
            code,
            lines: vec![String::new()],
        }
    }

    #[test]
    fn plain_says_it_at_once() {
        let begun = Exchange::begin(&login(Mechanism::Auto), &offered(&["LOGIN", "plain"]));
        let (mut exchange, line) = begun.unwrap();
        assert_eq!(line, "AUTH PLAIN AG1lAHNlY3JldA==");
        assert_eq!(exchange.hear(&reply(235)), Turn::In);
        assert_eq!(exchange.hear(&reply(334)), Turn::Refused);
    }

    #[test]
    fn login_waits_to_be_asked() {
        let begun = Exchange::begin(&login(Mechanism::Auto), &offered(&["LOGIN"]));
        let (mut exchange, line) = begun.unwrap();
        assert_eq!(line, "AUTH LOGIN");
        assert_eq!(exchange.hear(&reply(334)), Turn::Say("bWU=".into()));
        assert_eq!(exchange.hear(&reply(334)), Turn::Say("c2VjcmV0".into()));
        assert_eq!(exchange.hear(&reply(535)), Turn::Refused);
    }

    #[test]
    fn a_refused_token_is_acknowledged() {
        let begun = Exchange::begin(&login(Mechanism::XOAuth2), &offered(&["XOAUTH2"]));
        let (mut exchange, line) = begun.unwrap();
        let expect = STANDARD.encode("user=me\x01auth=Bearer secret\x01\x01");
        assert_eq!(line, format!("AUTH XOAUTH2 {expect}"));
        assert_eq!(exchange.hear(&reply(334)), Turn::Say(String::new()));
        assert_eq!(exchange.hear(&reply(535)), Turn::Refused);
        assert!(Exchange::begin(&login(Mechanism::Plain), &offered(&["LOGIN"])).is_none());
        assert!(!format!("{:?}", login(Mechanism::Plain)).contains("secret\""));
    }
}
