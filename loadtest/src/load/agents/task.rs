//! What is to be run, in words that can be sent: addresses and certificates are looked up by whoever
//! does it, since names and routes may differ from host to host.

use crate::load::drive::Order;
use crate::load::inject::{Collection, Door, Doors};
use crate::load::scenario::Scenario;
use crate::load::share::Share;
use crate::load::shipped;
use crate::load::wire::{Roots, Sources, Target, Trust, TrustError};
use serde::{Deserialize, Serialize};
use std::net::ToSocketAddrs as _;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Threads of one process, at most.
const THREADS_MAX: usize = 1_024;

/// What is to be run, against what.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Task {
    /// The scenario.
    pub scenario: Scenario,
    /// The server. Several are addresses of one service, dealt to the parts in turn.
    pub servers: Vec<String>,
    /// Where mail from outside goes in, dealt likewise; none: there is no way.
    pub doors: Vec<Door>,
    /// Where appointments go in; none: there is no way.
    pub caldav: Option<Collection>,
    /// Where contacts go in; none: there is no way.
    pub carddav: Option<Collection>,
    /// Trusted certificates (PEM); none: those of the system.
    pub roots: Option<String>,
    /// Any certificate is taken; on loopback it is anyway.
    pub insecure: bool,
    /// TLS 1.2 only.
    pub tls12: bool,
    /// Source addresses, as [`Sources::parse`] reads them; where there are enough, each part has its own.
    pub sources: String,
    /// Threads of one process; 0: one for each core.
    pub threads: usize,
}

/// Why a task cannot be done here.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// The scenario makes no sense.
    #[error(transparent)]
    Scenario(#[from] shipped::Error),
    /// The server's name is none.
    #[error("--server {0:?}: such as https://mail.example.org or http://127.0.0.1:8080")]
    Url(String),
    /// The server is not known here.
    #[error("{0}: no such host")]
    NoHost(String),
    /// Source addresses.
    #[error("--source: {0}")]
    Sources(String),
    /// Nonsense.
    #[error("--threads: at most {THREADS_MAX}")]
    Threads,
    /// Certificates.
    #[error(transparent)]
    Trust(#[from] TrustError),
}

impl Task {
    /// What a part of it has to do, with what this host knows.
    ///
    /// # Errors
    /// As [`TaskError`].
    pub fn order(&self, share: Share) -> Result<Order, TaskError> {
        shipped::check(&self.scenario)?;
        if self.threads > THREADS_MAX {
            return Err(TaskError::Threads);
        }
        let place = usize::try_from(share.index()).unwrap_or(0);
        let server = dealt(&self.servers, place).unwrap_or_default();
        let (host, port, is_tls) = parts(&server)?;
        let found = (host.as_str(), port).to_socket_addrs();
        let addr = found.ok().and_then(|mut all| all.next());
        let addr = addr.ok_or_else(|| TaskError::NoHost(server.clone()))?;
        let trust = |is_here: bool| Trust {
            roots: match &self.roots {
                Some(pem) => Roots::Pem(pem.clone()),
                None if self.insecure || is_here => Roots::Anybody,
                None => Roots::System,
            },
            resume: self.scenario.arrival.resume,
            tls12: self.tls12,
        };
        let mut doors = Doors {
            mail: dealt(&self.doors, place),
            caldav: self.caldav.clone(),
            carddav: self.carddav.clone(),
            tls: None,
        };
        if doors.has_tls() {
            let is_here = doors.addrs().all(|addr| addr.ip().is_loopback());
            doors.tls = Some(trust(is_here).config()?);
        }
        let sources = Sources::parse(&self.sources).map_err(TaskError::Sources)?;
        Ok(Order {
            scenario: self.scenario.clone(),
            target: Target {
                addr,
                host,
                tls: is_tls
                    .then(|| trust(addr.ip().is_loopback()).config())
                    .transpose()?,
                sources: sources.dealt(share),
                threads: self.threads,
            },
            server,
            doors,
            watched: None,
            stop: Arc::new(AtomicBool::new(false)),
        })
    }
}

/// The one of them that the part at this place gets.
fn dealt<T: Clone>(all: &[T], place: usize) -> Option<T> {
    all.get(place.checked_rem(all.len())?).cloned()
}

/// Host, port and whether it is TLS, of `https://mail.example.org:443`.
fn parts(url: &str) -> Result<(String, u16, bool), TaskError> {
    let wrong = || TaskError::Url(url.to_owned());
    let (scheme, rest) = url.split_once("://").ok_or_else(wrong)?;
    let (is_tls, usual) = match scheme {
        "https" => (true, 443),
        "http" => (false, 80),
        _ => return Err(wrong()),
    };
    let authority = rest.split('/').next().unwrap_or_default();
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port.parse().map_err(|_| wrong())?),
        _ => (authority, usual),
    };
    let host = host.trim_matches(['[', ']']);
    if host.is_empty() {
        return Err(wrong());
    }
    Ok((host.to_owned(), port, is_tls))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_read() {
        let read = |url: &str| parts(url).ok();
        let of = |host: &str, port, tls| Some((host.to_owned(), port, tls));
        assert_eq!(
            read("https://mail.example.org"),
            of("mail.example.org", 443, true)
        );
        assert_eq!(
            read("http://127.0.0.1:8080/x"),
            of("127.0.0.1", 8080, false)
        );
        assert_eq!(read("https://[::1]:8443"), of("::1", 8443, true));
        for url in ["", "mail", "ftp://x", "https://", "https://x:y"] {
            assert_eq!(read(url), None, "{url}");
        }
    }

    #[test]
    fn addresses_of_one_service_are_dealt_to_the_parts() {
        let task = Task {
            servers: vec![
                "http://127.0.0.1:81".to_owned(),
                "http://127.0.0.2".to_owned(),
            ],
            sources: "127.0.0.1-127.0.0.5".to_owned(),
            ..Task::default()
        };
        let of = |index| task.order(Share::new(index, 3).unwrap()).unwrap();
        let servers: Vec<String> = (0..3).map(|i| of(i).target.addr.to_string()).collect();
        assert_eq!(servers, ["127.0.0.1:81", "127.0.0.2:80", "127.0.0.1:81"]);
        let lens: Vec<usize> = (0..3).map(|i| of(i).target.sources.len()).collect();
        assert_eq!(lens, [2, 2, 1], "each has its own");
        assert_eq!(of(0).target.sources.of(1), "127.0.0.4".parse().ok());
        assert!(of(0).doors.mail.is_none());
        let few = Task {
            sources: "127.0.0.7".to_owned(),
            ..task.clone()
        };
        let order = few.order(Share::new(2, 3).unwrap()).unwrap();
        assert_eq!(order.target.sources.of(5), "127.0.0.7".parse().ok());
        let none = Task {
            servers: Vec::new(),
            ..task
        };
        assert!(none.order(Share::WHOLE).is_err());
    }
}
