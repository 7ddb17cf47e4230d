//! What peers can reach, each as a function over bytes: it panics where a promise is broken. The
//! libFuzzer binaries and the smoke test call the same ones.

pub(crate) mod house;
pub(crate) mod http;
pub(crate) mod input;
pub(crate) mod lmtp;
pub(crate) mod mail;
pub(crate) mod pim;
pub(crate) mod query;
pub(crate) mod search;
pub(crate) mod session;
pub(crate) mod smime;
pub(crate) mod smtp;
pub(crate) mod store;
pub(crate) mod stored;
pub(crate) mod wbxml;
pub(crate) mod words;

use crate::net::tls;

/// A parser and what has to hold of it.
#[derive(Clone, Copy)]
pub(crate) struct Target {
    /// Of its binary and its corpus.
    pub(crate) name: &'static str,
    /// Of the words that belong into its input.
    #[allow(dead_code, reason = "libFuzzer is told by its caller")]
    pub(crate) dictionary: &'static str,
    /// How many plain executions one of it is worth, where it is only smoke.
    #[allow(dead_code, reason = "libFuzzer is told by its caller")]
    pub(crate) cost: u64,
    pub(crate) check: fn(&[u8]),
}

const fn target(name: &'static str, dictionary: &'static str, check: fn(&[u8])) -> Target {
    Target {
        name,
        dictionary,
        cost: 1,
        check,
    }
}

/// One that runs whole requests.
const fn slow(name: &'static str, dictionary: &'static str, check: fn(&[u8])) -> Target {
    Target {
        cost: 10,
        ..target(name, dictionary, check)
    }
}

pub(crate) const TARGETS: &[Target] = &[
    target("wbxml_decode", "wbxml", wbxml::decode),
    target("wbxml_tree", "", wbxml::tree),
    target("http_head", "http", http::head),
    target("http_body", "http", http::body),
    target("query_base64", "query", query::query),
    target("authorization", "", query::authorization),
    target("lmtp_session", "lmtp", lmtp::session),
    target("smtp_client", "smtp", smtp::session),
    target("tls_start", "", tls::start),
    target("tls_record", "", tls::records),
    target("mime_view", "mime", mail::view),
    target("addresses", "mime", mail::typed),
    target("ical", "ical", pim::ical),
    target("vcard", "vcard", pim::vcard),
    target("html", "html", pim::html),
    target("rtf", "rtf", pim::rich_text),
    target("search_words", "", search::words),
    target("kql", "kql", search::kql),
    target("certificate", "", smime::certificate),
    target("record", "", pim::record_bytes),
    slow("store_ops", "", store::operations),
    slow("sync_state", "", stored::state),
    slow("eas_request", "wbxml", session::request),
    slow("eas_session", "", session::session),
];

/// The target of this name. A constant for a binary: what its target does not reach is not linked, and
/// libFuzzer has so many fewer counters to look through after each execution.
pub(crate) const fn by_name(name: &str) -> Target {
    let mut at = 0;
    while at < TARGETS.len() {
        if is_same(TARGETS[at].name, name) {
            return TARGETS[at];
        }
        at += 1;
    }
    panic!("no target of this name");
}

/// Equality, which is not to be had of a constant.
const fn is_same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut at = 0;
    while at < a.len() && at < b.len() && a[at] == b[at] {
        at += 1;
    }
    at == a.len() && at == b.len()
}
