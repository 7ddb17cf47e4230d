//! The JSON form, version 2 ([MS-OXDSCLI] 2.2.4): a protocol in the query, a URL in the answer.
//!
//! It asks for no log-in, so it looks nothing up: known and unknown addresses get the same.

use super::place::Place;
use crate::http::{Answer, Request};
use percent_encoding::percent_decode_str;
use serde_json::json;

/// Answers a request; `address` is the one in its path.
pub(super) fn answer(request: &Request<'_>, address: Option<&str>, place: &Place) -> Answer {
    if !matches!(request.method, "GET" | "HEAD") {
        return Answer::text(405, "GET it").with("Allow", "GET");
    }
    let has_address = address.is_some_and(|a| !a.is_empty())
        || parameter(request.query, "Email").is_some_and(|a| !a.is_empty());
    if !has_address {
        return refusal(
            "MandatoryParameterMissing",
            "Email is missing: name the address",
        );
    }
    let protocol = parameter(request.query, "Protocol").unwrap_or_default();
    let (protocol, url) = match protocol.to_ascii_lowercase().as_str() {
        "" => {
            return refusal(
                "MandatoryParameterMissing",
                "Protocol is missing: try ActiveSync",
            );
        }
        "activesync" => ("ActiveSync", place.service_url()),
        "autodiscoverv1" => ("AutodiscoverV1", place.discover_url()),
        _ => {
            return refusal(
                "ProtocolNotSupported",
                "served here: ActiveSync, AutodiscoverV1",
            );
        }
    };
    written(200, &json!({ "Protocol": protocol, "Url": url }))
}

fn refusal(code: &str, message: &str) -> Answer {
    written(400, &json!({ "ErrorCode": code, "ErrorMessage": message }))
}

fn written(status: u16, value: &serde_json::Value) -> Answer {
    Answer::new(status).with_body(
        "application/json; charset=utf-8",
        value.to_string().into_bytes(),
    )
}

/// The first parameter of this name, in any case, decoded.
fn parameter(query: &str, name: &str) -> Option<String> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(key, _)| key.eq_ignore_ascii_case(name))?;
    Some(
        percent_decode_str(value)
            .decode_utf8_lossy()
            .trim()
            .to_owned(),
    )
}
