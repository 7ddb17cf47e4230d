//! Outgoing mail: the servers that take it, and how long they are tried.

use crate::limits;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

/// A server that takes mail for others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Smarthost {
    /// Its name or address. Empty: there is none.
    pub host: String,
    /// Its port; 0: 587 with `starttls`, 465 with `tls`, else 25.
    pub port: u16,
    /// How the way to it is protected.
    pub security: Security,
    /// How the log-in is done.
    pub auth: Auth,
    /// Who logs in. Empty: nobody.
    pub user: String,
    /// The password (or token).
    pub password: String,
    /// A file that has it in its first line, read again at every connection.
    pub password_file: PathBuf,
    /// Roots that its certificate is held against, PEM. Empty: those of the system.
    pub roots: PathBuf,
}

/// How the way to a server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// STARTTLS, or no mail.
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// Not at all: on loopback only.
    None,
    /// Not at all, wherever it is.
    Plaintext,
}

/// How the log-in is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Auth {
    /// PLAIN, or LOGIN where that is not offered.
    Auto,
    /// PLAIN.
    Plain,
    /// LOGIN.
    Login,
    /// XOAUTH2; the password is an access token.
    XOAuth2,
}

/// Outgoing mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Outgoing {
    /// The name that Roost gives itself. Empty: `server.host`.
    pub helo: String,
    /// Hours after which a mail is given up, and its sender told.
    pub expire_h: u32,
    /// Seconds after the first attempt, the second, ...; the last one counts for all that follow.
    pub retry_s: Vec<u32>,
    /// Connections to each server at one time.
    pub connections_max: usize,
    /// Other servers for some domains: a domain, `*.` and a domain, or `*`.
    pub routes: BTreeMap<String, Smarthost>,
}

impl Default for Smarthost {
    fn default() -> Self {
        Self {
            host: String::new(),
            port: 0,
            security: Security::StartTls,
            auth: Auth::Auto,
            user: String::new(),
            password: String::new(),
            password_file: PathBuf::new(),
            roots: PathBuf::new(),
        }
    }
}

impl Default for Outgoing {
    fn default() -> Self {
        Self {
            helo: String::new(),
            expire_h: 120,
            retry_s: vec![60, 300, 900, 1_800, 3_600, 7_200, 14_400],
            connections_max: 2,
            routes: BTreeMap::new(),
        }
    }
}

impl Smarthost {
    /// The port that is meant.
    #[must_use]
    pub fn port(&self) -> u16 {
        match (self.port, self.security) {
            (0, Security::StartTls) => 587,
            (0, Security::Tls) => 465,
            (0, Security::None | Security::Plaintext) => 25,
            (port, _) => port,
        }
    }

    /// Checks what single values cannot tell; `place` names it in the text.
    ///
    /// # Errors
    /// What is wrong, and what to do.
    pub(super) fn check(&self, place: &str) -> Result<(), String> {
        let is_file = !self.password_file.as_os_str().is_empty();
        if self.user.is_empty() && (is_file || !self.password.is_empty()) {
            return Err(format!("{place}: a password without a user"));
        }
        if !self.user.is_empty() && is_file != self.password.is_empty() {
            return Err(format!(
                "{place}: a user logs in with `password` or `password_file`; set one of them"
            ));
        }
        if self.host.is_empty() {
            return match self == &Self::default() {
                true => Ok(()),
                false => Err(format!("{place}: `host` is missing")),
            };
        }
        if self.security == Security::None && !self.is_here() {
            return Err(format!(
                "{place}: security = \"none\" is for loopback; {} is elsewhere. Use \"starttls\" or \
                 \"tls\", or say \"plaintext\" if everybody on the way may read the mail",
                self.host
            ));
        }
        if self.security == Security::Plaintext && !self.user.is_empty() {
            return Err(format!(
                "{place}: no password goes over a connection that is plaintext"
            ));
        }
        Ok(())
    }

    /// It is on this machine.
    fn is_here(&self) -> bool {
        let ip = self.host.parse::<IpAddr>();
        self.host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
    }
}

impl Outgoing {
    /// Checks what single values cannot tell.
    ///
    /// # Errors
    /// What is wrong, and what to do.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.expire_h == 0 || self.retry_s.is_empty() || self.retry_s.contains(&0) {
            return Err("outgoing.expire_h and each of outgoing.retry_s are at least 1".into());
        }
        if !(1..=limits::OUTGOING_CONNECTIONS_MAX).contains(&self.connections_max) {
            return Err(format!(
                "outgoing.connections_max lies between 1 and {}",
                limits::OUTGOING_CONNECTIONS_MAX
            ));
        }
        if self.routes.len() > limits::ROUTES_MAX {
            return Err(format!("more than {} routes", limits::ROUTES_MAX));
        }
        let is_name = |c: char| c.is_ascii_graphic() && c != '<' && c != '>';
        if !self.helo.chars().all(is_name) {
            return Err("outgoing.helo is a name, or an address in brackets".into());
        }
        for (pattern, server) in &self.routes {
            let place = format!("outgoing.routes.\"{pattern}\"");
            if server.host.is_empty() {
                return Err(format!("{place}: `host` is missing"));
            }
            let domain = pattern.trim_start_matches('*');
            if domain.contains(['*', '@']) || pattern.is_empty() {
                return Err(format!(
                    "{place}: a route is for a domain, for \"*.\" and a domain, or for \"*\""
                ));
            }
            server.check(&place)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use std::path::Path;

    fn why(text: &str) -> String {
        let parsed = Config::parse(text, Path::new("roost.toml"));
        parsed.map_or_else(|e| e.to_string(), |_| "accepted".into())
    }

    #[test]
    fn a_password_does_not_travel_in_the_open() {
        for (text, expect) in [
            ("host = \"mx.example\"", "accepted"),
            (
                "host = \"127.0.0.1\"\nsecurity = \"none\"\nuser = \"a\"\npassword = \"b\"",
                "accepted",
            ),
            (
                "host = \"mx.example\"\nsecurity = \"none\"",
                "is for loopback",
            ),
            (
                "host = \"mx.example\"\nsecurity = \"plaintext\"",
                "accepted",
            ),
            (
                "host = \"mx.example\"\nsecurity = \"plaintext\"\nuser = \"a\"\npassword = \"b\"",
                "no password",
            ),
            ("host = \"mx.example\"\nuser = \"a\"", "set one of them"),
            ("host = \"mx.example\"\npassword = \"a\"", "without a user"),
            ("port = 25", "`host` is missing"),
            (
                "host = \"mx.example\"\nsecurity = \"ssl\"",
                "unknown variant",
            ),
        ] {
            let said = why(&format!("[smarthost]\n{text}\n"));
            assert!(said.contains(expect), "{text}: {said}");
        }
    }

    #[test]
    fn routes_name_a_server_each() {
        for (text, expect) in [
            (
                "\"example.org\" = { host = \"mx.example\", port = 25 }",
                "accepted",
            ),
            ("\"*.example.org\" = { host = \"mx.example\" }", "accepted"),
            ("\"example.org\" = { port = 25 }", "`host` is missing"),
            (
                "\"a@example.org\" = { host = \"mx.example\" }",
                "is for a domain",
            ),
            (
                "\"example.org\" = { hots = \"mx.example\" }",
                "unknown field",
            ),
        ] {
            let said = why(&format!("[outgoing.routes]\n{text}\n"));
            assert!(said.contains(expect), "{text}: {said}");
        }
        assert!(why("[outgoing]\nretry_s = []\n").contains("retry_s"));
        assert!(why("[outgoing]\nhelo = \"a b\"\n").contains("helo"));
    }
}
