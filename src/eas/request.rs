//! The request line: plain and base64 queries ([MS-ASHTTP] 2.2.1.1), and the headers that belong
//! to it.
//!
//! Both forms come to the same [`Target`]. Deliberately absent: whose request it is. That is said by
//! the credentials alone; the `User` parameter is for the log.

use crate::eas::dispatch::Command;
use crate::eas::version::Version;
use crate::http::Request;
use crate::limits::DEVICE_ID_CHARS_MAX;
use base64::Engine;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, general_purpose};
use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// The path of the service; compared without regard to case.
const PATH: &str = "/Microsoft-Server-ActiveSync";
/// What old clients append to it.
const PATH_TAIL: &str = "/default.eas";
/// Characters of a DeviceType that are kept.
const DEVICE_TYPE_CHARS_MAX: usize = 64;
/// Length of a binary device id, which is shown as hex.
const BINARY_ID_BYTES: usize = 16;

/// What a request line and its headers say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    /// The command.
    pub command: Command,
    /// The version that the request is written in.
    pub version: Version,
    /// `User`, as sent.
    pub user: Option<String>,
    /// `DeviceId`; see [`Target::has_device_id`].
    pub device_id: String,
    /// `DeviceType`.
    pub device_type: String,
    /// The policy key; none and 0 both mean that the device was never provisioned.
    pub policy_key: Option<u32>,
    /// The parameters of the command.
    pub parameters: Parameters,
}

/// Parameters that stand in the query.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Parameters {
    /// `AttachmentName` (GetAttachment).
    pub attachment_name: Option<String>,
    /// `CollectionId` (SmartForward, SmartReply).
    pub collection_id: Option<String>,
    /// `ItemId` (SmartForward, SmartReply).
    pub item_id: Option<String>,
    /// `LongId` (SmartForward, SmartReply).
    pub long_id: Option<String>,
    /// `Occurrence` (SmartForward, SmartReply).
    pub occurrence: Option<String>,
    /// `SaveInSent`.
    pub save_in_sent: bool,
    /// Parts may be sent beside the WBXML (ItemOperations).
    pub accept_multipart: bool,
}

/// Why a request line is refused. Always the client's fault.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Error {
    /// Neither `Cmd=` nor base64.
    #[error("the query is neither plain nor base64")]
    Query,
    /// The base64 query ends within a field.
    #[error("the base64 query is cut off")]
    Truncated,
    /// The policy key field has a length other than 0 or 4.
    #[error("a policy key of {0} bytes")]
    PolicyKey(u8),
    /// A plain query without `MS-ASProtocolVersion`.
    #[error("the header MS-ASProtocolVersion is missing")]
    NoVersion,
    /// A command that no version knows.
    #[error("unknown command")]
    Command,
    /// A version that does not exist; with the command, to say so in its own words.
    #[error("unknown protocol version")]
    Version(Command),
}

/// Whether `path` is that of the service.
#[must_use]
pub fn is_service(path: &str) -> bool {
    let Some((head, tail)) = path.split_at_checked(PATH.len()) else {
        return false;
    };
    head.eq_ignore_ascii_case(PATH)
        && (matches!(tail, "" | "/") || tail.eq_ignore_ascii_case(PATH_TAIL))
}

/// Reads the request line of a POST.
///
/// # Errors
/// As [`Error`].
pub fn parse(request: &Request<'_>) -> Result<Target, Error> {
    let mut target = if is_plain(request.query) {
        plain(request)?
    } else {
        base64(request.query)?
    };
    let multipart = request.header("MS-ASAcceptMultiPart");
    target.parameters.accept_multipart |= multipart.is_some_and(is_true);
    Ok(target)
}

impl Target {
    /// Whether the device id is one: up to 32 letters and digits ([MS-ASHTTP] 2.2.1.1.2.3), and
    /// the three signs that emulators put between them.
    #[must_use]
    pub fn has_device_id(&self) -> bool {
        let fits = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        !self.device_id.is_empty()
            && self.device_id.len() <= DEVICE_ID_CHARS_MAX
            && self.device_id.bytes().all(fits)
    }

    /// The device id as the log may have it: what is none could be of any length and form.
    #[must_use]
    pub fn logged_device_id(&self) -> &str {
        if self.has_device_id() {
            &self.device_id
        } else {
            "?"
        }
    }

    /// Whether there is a device type: anything printable.
    #[must_use]
    pub fn has_device_type(&self) -> bool {
        !self.device_type.is_empty()
            && self.device_type.chars().count() <= DEVICE_TYPE_CHARS_MAX
            && !self.device_type.chars().any(char::is_control)
    }
}

/// The device that a query names, of OPTIONS too, where some clients have one.
#[must_use]
pub fn device_id_of(query: &str) -> Option<String> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, id) = pairs.find(|(name, _)| is_name(name, "deviceid"))?;
    Some(decoded(id).into_owned())
}

fn is_plain(query: &str) -> bool {
    let names_command =
        |pair: &str| matches!(pair.split_once('='), Some((name, _)) if is_name(name, "cmd"));
    query.split('&').any(names_command)
}

fn is_name(name: &str, expect: &str) -> bool {
    name.eq_ignore_ascii_case(expect)
}

fn is_true(value: &str) -> bool {
    let value = value.trim();
    value.eq_ignore_ascii_case("t") || value.eq_ignore_ascii_case("true") || value == "1"
}

/// A value of a query. A plus sign stands for itself: clients that mean a blank write %20.
fn decoded(value: &str) -> Cow<'_, str> {
    if value.as_bytes().contains(&b'%') {
        percent_decode_str(value).decode_utf8_lossy()
    } else {
        Cow::Borrowed(value)
    }
}

fn plain(request: &Request<'_>) -> Result<Target, Error> {
    let mut command = Cow::Borrowed("");
    let mut user = None;
    let (mut device_id, mut device_type) = (String::new(), String::new());
    let mut parameters = Parameters::default();
    for pair in request.query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decoded(value);
        match name {
            _ if is_name(name, "cmd") && !command.is_empty() => return Err(Error::Query),
            _ if is_name(name, "cmd") => command = value,
            _ if is_name(name, "user") => user = Some(value.into_owned()).filter(|u| !u.is_empty()),
            _ if is_name(name, "deviceid") => device_id = value.into_owned(),
            _ if is_name(name, "devicetype") => device_type = value.into_owned(),
            _ if is_name(name, "attachmentname") => {
                parameters.attachment_name = Some(value.into_owned())
            }
            _ if is_name(name, "collectionid") => {
                parameters.collection_id = Some(value.into_owned())
            }
            _ if is_name(name, "itemid") => parameters.item_id = Some(value.into_owned()),
            _ if is_name(name, "longid") => parameters.long_id = Some(value.into_owned()),
            _ if is_name(name, "occurrence") => parameters.occurrence = Some(value.into_owned()),
            _ if is_name(name, "saveinsent") => parameters.save_in_sent = is_true(&value),
            _ => {}
        }
    }
    let command = Command::by_name(&command).ok_or(Error::Command)?;
    let version = request.header("MS-ASProtocolVersion");
    let version = version.ok_or(Error::NoVersion)?;
    // What cannot be read as a key is none: the device has to be provisioned.
    let policy_key = request.header("X-MS-PolicyKey");
    Ok(Target {
        command,
        version: Version::parse(version).ok_or(Error::Version(command))?,
        user,
        device_id,
        device_type,
        policy_key: policy_key.and_then(|key| key.trim().parse().ok()),
        parameters,
    })
}

/// Clients pad or do not, and some that pad get it wrong.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

fn base64(query: &str) -> Result<Target, Error> {
    let text = percent_decode_str(query).decode_utf8_lossy();
    // A proxy that takes the query for a form turns plus signs into blanks, the last one too.
    let text = text.trim_end_matches(['\t', '\r', '\n']).replace(' ', "+");
    let bytes = BASE64
        .decode(&text)
        .or_else(|_| general_purpose::URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')))
        .map_err(|_| Error::Query)?;
    let mut rest = Fields(&bytes);
    let tens = rest.byte()?;
    let code = rest.byte()?;
    let _locale = rest.take(2)?;
    let device_id = device_id(rest.field()?);
    let policy_key = match *rest.field()? {
        [] => None,
        [a, b, c, d] => Some(u32::from_le_bytes([a, b, c, d])),
        ref other => return Err(Error::PolicyKey(u8::try_from(other.len()).unwrap_or(0))),
    };
    let device_type = text_of(rest.field()?);
    let mut user = None;
    let mut parameters = Parameters::default();
    while !rest.0.is_empty() {
        let tag = rest.byte()?;
        let value = rest.field()?;
        let text = || Some(text_of(value)).filter(|t| !t.is_empty());
        match tag {
            0 => parameters.attachment_name = text(),
            1 => parameters.collection_id = text(),
            3 => parameters.item_id = text(),
            4 => parameters.long_id = text(),
            6 => parameters.occurrence = text(),
            7 => {
                let flags = value.first().copied().unwrap_or(0);
                parameters.save_in_sent = flags & 1 != 0;
                parameters.accept_multipart = flags & 2 != 0;
            }
            8 => user = text(),
            _ => {}
        }
    }
    let command = Command::by_code(code).ok_or(Error::Command)?;
    Ok(Target {
        command,
        version: Version::from_tens(tens).ok_or(Error::Version(command))?,
        user,
        device_id,
        device_type,
        policy_key,
        parameters,
    })
}

/// What is left of a base64 query.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) = self.0.split_at_checked(n).ok_or(Error::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, Error> {
        self.take(1)?.first().copied().ok_or(Error::Truncated)
    }

    fn field(&mut self) -> Result<&'a [u8], Error> {
        let len = self.byte()?;
        self.take(len.into())
    }
}

/// Sixteen raw bytes are shown as hex, as the device itself writes them in a plain query; letters
/// and digits stand for themselves.
fn device_id(bytes: &[u8]) -> String {
    if bytes.len() == BINARY_ID_BYTES && !bytes.iter().all(u8::is_ascii_alphanumeric) {
        return bytes.iter().map(|b| format!("{b:02X}")).collect();
    }
    text_of(bytes)
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
