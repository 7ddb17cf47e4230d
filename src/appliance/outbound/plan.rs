//! What the configuration says about outgoing mail, as the threads need it.

use crate::config::{Config, Security, Smarthost, SmarthostAuth};
use crate::limits;
use crate::net::{Hop, Protection};
use crate::queue::{Routes, Schedule};
use crate::smtp::client::{Login, Mechanism};
use std::path::PathBuf;

/// A server, and how to log in there.
#[derive(Clone, Debug)]
pub(super) struct Server {
    pub(super) hop: Hop,
    mechanism: Mechanism,
    user: String,
    password: String,
    password_file: PathBuf,
}

impl Server {
    fn of(smarthost: &Smarthost, helo: &str) -> Self {
        Self {
            hop: Hop {
                host: smarthost.host.clone(),
                port: smarthost.port(),
                protection: match smarthost.security {
                    Security::StartTls => Protection::StartTls,
                    Security::Tls => Protection::Tls,
                    Security::None | Security::Plaintext => Protection::Open,
                },
                roots: smarthost.roots.clone(),
                helo: helo.to_owned(),
            },
            mechanism: match smarthost.auth {
                SmarthostAuth::Auto => Mechanism::Auto,
                SmarthostAuth::Plain => Mechanism::Plain,
                SmarthostAuth::Login => Mechanism::Login,
                SmarthostAuth::XOAuth2 => Mechanism::XOAuth2,
            },
            user: smarthost.user.clone(),
            password: smarthost.password.clone(),
            password_file: smarthost.password_file.clone(),
        }
    }

    /// The log-in; none: nobody logs in there.
    ///
    /// # Errors
    /// The file of the password cannot be read.
    pub(super) fn login(&self) -> Result<Option<Login>, String> {
        if self.user.is_empty() {
            return Ok(None);
        }
        let secret = match self.password_file.as_os_str().is_empty() {
            true => self.password.clone(),
            false => {
                let text = std::fs::read_to_string(&self.password_file).map_err(|e| {
                    format!(
                        "cannot read the password in {}: {e}",
                        self.password_file.display()
                    )
                })?;
                text.lines().next().unwrap_or_default().trim().to_owned()
            }
        };
        Ok(Some(Login {
            mechanism: self.mechanism,
            user: self.user.clone(),
            secret,
        }))
    }
}

/// Where mail goes, and when.
#[derive(Clone, Debug)]
pub(in crate::appliance) struct Plan {
    pub(super) servers: Vec<Server>,
    pub(super) routes: Routes,
    pub(super) schedule: Schedule,
    /// Connections to each server.
    pub(super) connections_max: usize,
    /// The name of this server, for senders of what was not delivered.
    pub(super) host: String,
    /// There is a server for everyone.
    pub(super) has_default: bool,
}

impl Plan {
    /// As configured.
    pub(super) fn of(config: &Config) -> Self {
        let outgoing = &config.outgoing;
        let host = config.server.host.clone();
        let helo = match outgoing.helo.is_empty() {
            true => &host,
            false => &outgoing.helo,
        };
        let mut servers = Vec::new();
        let mut routes = Vec::new();
        if !config.smarthost.host.is_empty() {
            routes.push(("*".to_owned(), 0));
            servers.push(Server::of(&config.smarthost, helo));
        }
        for (pattern, smarthost) in &outgoing.routes {
            // A route for everyone takes the place of the smarthost.
            routes.retain(|(known, _)| known != pattern);
            routes.push((pattern.clone(), servers.len()));
            servers.push(Server::of(smarthost, helo));
        }
        let ms = |s: &u32| i64::from(*s) * 1_000;
        Self {
            has_default: routes.iter().any(|(pattern, _)| pattern == "*"),
            servers,
            routes: Routes::new(routes),
            schedule: Schedule {
                retry_ms: outgoing.retry_s.iter().map(ms).collect(),
                expire_ms: i64::from(outgoing.expire_h) * 3_600_000,
            },
            connections_max: outgoing
                .connections_max
                .clamp(1, limits::OUTGOING_CONNECTIONS_MAX),
            host,
        }
    }
}
