//! PUT of an appointment or a contact into a collection of CalDAV ([RFC 4791] 5.3.2) or CardDAV
//! ([RFC 6352] 6.3.2). It never overwrites: what has the name already stays as it is.

use super::place::{Line, Place};
use crate::Request;
use crate::load::scenario::Login;
use crate::load::wire::{WireError, exchange};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::ClientConfig;
use serde::{Deserialize, Serialize};
use std::io;
use std::sync::Arc;

/// The collections of all users on a server.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Collection {
    /// The server.
    pub place: Place,
    /// The path of a user's collection, with a slash at its end; `{user}` is the log-in name.
    pub path: String,
}

/// What is put there.
pub(super) struct Put<'a> {
    /// Its name, with which the path ends.
    pub(super) name: &'a str,
    /// Its type.
    pub(super) kind: &'static str,
    /// All of it.
    pub(super) text: String,
}

impl Collection {
    /// The collections of a URL.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(url: &str) -> Result<Self, String> {
        let (place, mut path) = Place::parse(url, &["http", "https"])?;
        if !path.ends_with('/') {
            path.push('/');
        }
        Ok(Self { place, path })
    }

    /// Puts something into a user's collection, on a connection that may be kept for the next.
    pub(super) fn put(
        &self,
        kept: &mut Option<Line>,
        tls: Option<&Arc<ClientConfig>>,
        login: &Login,
        put: &Put<'_>,
    ) -> io::Result<()> {
        let user = segment(&login.name);
        let secret = STANDARD.encode(format!("{}:{}", login.name, login.password));
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let request = Request {
            method: "PUT",
            target: format!("{}{}", self.path.replace("{user}", &user), put.name),
            headers: vec![
                header("Authorization", &format!("Basic {secret}")),
                header("User-Agent", "roost-load"),
                header("Content-Type", put.kind),
                header("If-None-Match", "*"),
            ],
            body: put.text.clone().into_bytes(),
        };
        let host = match (self.place.tls, self.place.addr.port()) {
            (true, 443) | (false, 80) => self.place.host.clone(),
            (_, port) => format!("{}:{port}", self.place.host),
        };
        let mut again = false;
        loop {
            let was_kept = kept.is_some();
            let mut line = match kept.take() {
                Some(line) => line,
                None => self.place.connect(tls)?,
            };
            match exchange(&mut line, &request, &host) {
                Ok((answer, keeps)) => {
                    *kept = keeps.then_some(line);
                    return match answer.status {
                        200 | 201 | 204 => Ok(()),
                        // The first try came through, and only its answer did not.
                        412 if again => Ok(()),
                        status => Err(io::Error::other(format!("http {status}"))),
                    };
                }
                // It was closed while nobody spoke.
                Err(WireError::Closed) if was_kept => again = true,
                Err(error) => return Err(io::Error::other(error.to_string())),
            }
        }
    }
}

/// A name as a part of a path.
fn segment(name: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
