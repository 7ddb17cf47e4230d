//! The answers in XML ([MS-ASCMD] 2.2.1.1, schemas of 2.2.3.15).

use super::place::Place;
use crate::http::Answer;
use crate::mailbox::Account;
use quick_xml::escape::escape;

const OUTER: &str = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006";
const MOBILE_SYNC: &str =
    "http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006";

/// The request is not valid.
const INVALID: u32 = 600;
/// Nobody here answers in the schema that was asked for.
const NO_PROVIDER: u32 = 601;

/// When and by whom an error was found.
pub(super) struct Stamp {
    time: String,
    id: u32,
}

impl Stamp {
    /// The time of day (UTC) and a number that is the same for every error of a host.
    pub(super) fn new(now_ms: i64, host: &str) -> Self {
        let of_day = now_ms.rem_euclid(24 * 60 * 60 * 1000);
        let (s, ms) = (of_day / 1000, of_day % 1000);
        let time = format!("{:02}:{:02}:{:02}.{ms:03}", s / 3600, s / 60 % 60, s % 60);
        let id = host.bytes().fold(2_166_136_261_u32, |hash, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(16_777_619)
        });
        Self { time, id }
    }
}

/// Where this account is served.
pub(super) fn settings(account: &Account, place: &Place) -> Answer {
    let url = place.service_url();
    let url = escape(&url);
    let name = match account.display_name.as_str() {
        "" => &account.login,
        name => name,
    };
    document(&format!(
        "<Response xmlns=\"{MOBILE_SYNC}\"><Culture>en:us</Culture><User>\
         <DisplayName>{}</DisplayName><EMailAddress>{}</EMailAddress></User>\
         <Action><Settings><Server><Type>MobileSync</Type><Url>{url}</Url><Name>{url}</Name>\
         </Server></Settings></Action></Response>",
        escape(name),
        escape(account.address()),
    ))
}

/// The request cannot be read.
pub(super) fn invalid(stamp: &Stamp) -> Answer {
    error(stamp, INVALID, "Invalid Request")
}

/// The schema is not one of ours.
pub(super) fn other_schema(stamp: &Stamp) -> Answer {
    error(stamp, NO_PROVIDER, "Provider is not available")
}

fn error(stamp: &Stamp, code: u32, message: &str) -> Answer {
    document(&format!(
        "<Response><Error Time=\"{}\" Id=\"{}\"><ErrorCode>{code}</ErrorCode>\
         <Message>{message}</Message><DebugData/></Error></Response>",
        stamp.time, stamp.id,
    ))
}

fn document(inner: &str) -> Answer {
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<Autodiscover xmlns=\"{OUTER}\">{inner}</Autodiscover>"
    );
    Answer::new(200).with_body("text/xml; charset=utf-8", text.into_bytes())
}
