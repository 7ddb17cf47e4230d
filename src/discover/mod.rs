//! Autodiscover: how a phone that knows an address and a password finds the service.
//!
//! Two forms, at one prefix, in any case: plain XML ("POX", [MS-ASCMD] 2.2.1.1), which asks for a
//! log-in, and the JSON of version 2 ([MS-OXDSCLI] 2.2.4, as current phones use it), which tells
//! everybody the same and so asks for none. Whoever logs in is told where their own mailbox is,
//! whatever address they wrote: people write old addresses and aliases, and the place is the same.
//!
//! Deliberately absent: the schema of Outlook on the desktop (its right answer is error 601, which
//! sends it to ActiveSync or to a manual set-up), redirects to other hosts, configuration profiles.

mod answer;
mod json;
mod place;
mod question;
#[cfg(test)]
mod tests;

use crate::auth::{Authenticator, Denied, basic};
use crate::clock::Clock;
use crate::http::{Answer, Peer, Request};
use crate::mailbox::AccountRow;
use place::Place;
use question::{Question, Unreadable};

/// What all paths begin with.
const PREFIX: &str = "/autodiscover/";
/// Seconds after which a client that met a busy server shall come back.
const BUSY_S: u32 = 30;

/// The service. A cheap clone, one per core.
#[derive(Clone, Debug)]
pub struct Discover {
    auth: Authenticator,
    clock: Clock,
    host: String,
}

/// Which of the forms a path names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Form<'a> {
    Xml,
    /// With the address, if the path holds it.
    Json(Option<&'a str>),
}

/// Whether `path` is one of this service.
#[must_use]
pub fn is_service(path: &str) -> bool {
    form(path).is_some()
}

fn form(path: &str) -> Option<Form<'_>> {
    let (prefix, rest) = path.split_at_checked(PREFIX.len())?;
    if !prefix.eq_ignore_ascii_case(PREFIX) {
        return None;
    }
    if rest.eq_ignore_ascii_case("autodiscover.xml") {
        return Some(Form::Xml);
    }
    let (name, version) = rest.split_once('/').unwrap_or((rest, ""));
    if !name.eq_ignore_ascii_case("autodiscover.json") {
        return None;
    }
    match version.split_once('/') {
        None if version.is_empty() => Some(Form::Json(None)),
        Some((v, address)) if v.eq_ignore_ascii_case("v1.0") => Some(Form::Json(Some(address))),
        _ => None,
    }
}

impl Discover {
    /// Tells who logs in at `auth` that the service is at `host`, the name that the operator set;
    /// where that is `localhost`, at the name that the request was sent to.
    #[must_use]
    pub fn new(auth: Authenticator, clock: Clock, host: String) -> Self {
        Self { auth, clock, host }
    }

    /// Answers a request for a path that [`is_service`] knows.
    pub async fn handle(&self, request: &Request<'_>, peer: &Peer) -> Answer {
        let place = Place::of(&self.host, request.header("Host"));
        let answer = match form(request.path) {
            Some(Form::Xml) => Box::pin(self.xml(request, peer, &place)).await,
            Some(Form::Json(address)) => json::answer(request, address, &place),
            None => Answer::text(404, "not a path of Autodiscover"),
        };
        tracing::info!(command = "Autodiscover", http = answer.status);
        answer.with("Cache-Control", "private")
    }

    async fn xml(&self, request: &Request<'_>, peer: &Peer, place: &Place) -> Answer {
        let is_secure = peer.tls || is_forwarded_secure(request);
        match request.method {
            // A client without TLS asks for the way only, and sends no password.
            "GET" | "HEAD" if !is_secure => {
                return Answer::new(302).with("Location", place.discover_url());
            }
            "POST" | "GET" | "HEAD" => {}
            _ => {
                return Answer::text(405, "POST an Autodiscover request").with("Allow", "GET,POST");
            }
        }
        let header = request.header("Authorization").map(str::as_bytes);
        let account = match Box::pin(self.auth.verify(header, peer.network())).await {
            Ok(account) => account,
            Err(denied) => return refusal(denied),
        };
        self.answer(question::read(request.body), &account, place)
    }

    fn answer(
        &self,
        question: Result<Question, Unreadable>,
        account: &AccountRow,
        place: &Place,
    ) -> Answer {
        let stamp = answer::Stamp::new(self.clock.now_ms(), place.host());
        match question {
            Ok(Question::MobileSync) => answer::settings(&account.account, place),
            Ok(Question::OtherSchema) => answer::other_schema(&stamp),
            Err(Unreadable) => answer::invalid(&stamp),
        }
    }
}

/// Whether a proxy in front took the request over TLS.
fn is_forwarded_secure(request: &Request<'_>) -> bool {
    let proto = request.header("X-Forwarded-Proto").unwrap_or_default();
    proto.eq_ignore_ascii_case("https")
}

/// The same bytes whatever was wrong with a log-in.
fn refusal(denied: Denied) -> Answer {
    match denied {
        Denied::Missing | Denied::Wrong => {
            Answer::text(401, "log in").with("WWW-Authenticate", basic::CHALLENGE)
        }
        Denied::Throttled { wait_s } => {
            Answer::busy(u32::try_from(wait_s).unwrap_or(u32::MAX).max(1))
        }
        Denied::Busy | Denied::Store(_) => Answer::busy(BUSY_S),
    }
}
