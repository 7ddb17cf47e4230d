//! The request line's query in both forms ([MS-ASHTTP] 2.2.1.1.1), from the client's side.

use crate::version::Version;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// How the query is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum QueryForm {
    /// `Cmd=...&User=...`; every version.
    Plain,
    /// One base64 text; from 12.1 on.
    Base64,
}

/// A command of the protocol.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the names of the commands")]
pub enum Command {
    Sync,
    SendMail,
    SmartForward,
    SmartReply,
    GetHierarchy,
    FolderSync,
    FolderCreate,
    FolderDelete,
    FolderUpdate,
    MoveItems,
    GetItemEstimate,
    MeetingResponse,
    Search,
    Settings,
    Ping,
    ItemOperations,
    Provision,
    Find,
}

impl Command {
    /// As it stands in `Cmd=`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sync => "Sync",
            Self::SendMail => "SendMail",
            Self::SmartForward => "SmartForward",
            Self::SmartReply => "SmartReply",
            Self::GetHierarchy => "GetHierarchy",
            Self::FolderSync => "FolderSync",
            Self::FolderCreate => "FolderCreate",
            Self::FolderDelete => "FolderDelete",
            Self::FolderUpdate => "FolderUpdate",
            Self::MoveItems => "MoveItems",
            Self::GetItemEstimate => "GetItemEstimate",
            Self::MeetingResponse => "MeetingResponse",
            Self::Search => "Search",
            Self::Settings => "Settings",
            Self::Ping => "Ping",
            Self::ItemOperations => "ItemOperations",
            Self::Provision => "Provision",
            Self::Find => "Find",
        }
    }

    fn code(self) -> u8 {
        match self {
            Self::Sync => 0,
            Self::SendMail => 1,
            Self::SmartForward => 2,
            Self::SmartReply => 3,
            Self::GetHierarchy => 5,
            Self::FolderSync => 9,
            Self::FolderCreate => 10,
            Self::FolderDelete => 11,
            Self::FolderUpdate => 12,
            Self::MoveItems => 13,
            Self::GetItemEstimate => 14,
            Self::MeetingResponse => 15,
            Self::Search => 16,
            Self::Settings => 17,
            Self::Ping => 18,
            Self::ItemOperations => 19,
            Self::Provision => 20,
            Self::Find => 23,
        }
    }
}

/// What a query says.
#[derive(Clone, Debug)]
pub struct Query<'a> {
    /// The command.
    pub command: Command,
    /// The version; part of the base64 form only.
    pub version: Version,
    /// The user's name, as typed.
    pub user: &'a str,
    /// The device's id.
    pub device_id: &'a str,
    /// The device's type.
    pub device_type: &'a str,
    /// The policy key; part of the base64 form only.
    pub policy_key: Option<u32>,
    /// Keep a copy in Sent Items (mail up to 12.1).
    pub save_in_sent: bool,
    /// The mail that is answered (up to 12.1): its collection and its id.
    pub original: Option<(&'a str, &'a str)>,
    /// Multipart answers are welcome (ItemOperations); part of the base64 form only.
    pub multipart: bool,
}

/// United States English, little-endian.
const LOCALE: [u8; 2] = [0x09, 0x04];
const COLLECTION_TAG: u8 = 1;
const ITEM_TAG: u8 = 3;
const OPTIONS_TAG: u8 = 7;
const USER_TAG: u8 = 8;

impl Query<'_> {
    /// The whole target of the request line.
    #[must_use]
    pub fn target(&self, form: QueryForm) -> String {
        let query = match form {
            QueryForm::Plain => self.plain(),
            // As phones write it: its signs `+/=` stand as they are.
            QueryForm::Base64 => STANDARD.encode(self.bytes()),
        };
        format!("/Microsoft-Server-ActiveSync?{query}")
    }

    fn plain(&self) -> String {
        let mut query = format!(
            "Cmd={}&User={}&DeviceId={}&DeviceType={}",
            self.command.name(),
            escape(self.user),
            escape(self.device_id),
            escape(self.device_type),
        );
        if let Some((collection, item)) = self.original {
            query.push_str(&format!(
                "&CollectionId={}&ItemId={}",
                escape(collection),
                escape(item)
            ));
        }
        if self.save_in_sent {
            query.push_str("&SaveInSent=T");
        }
        query
    }

    fn bytes(&self) -> Vec<u8> {
        let mut out = vec![self.version.byte(), self.command.code()];
        out.extend_from_slice(&LOCALE);
        field(&mut out, self.device_id.as_bytes());
        match self.policy_key {
            Some(key) => field(&mut out, &key.to_le_bytes()),
            None => out.push(0),
        }
        field(&mut out, self.device_type.as_bytes());
        if let Some((collection, item)) = self.original {
            out.push(COLLECTION_TAG);
            field(&mut out, collection.as_bytes());
            out.push(ITEM_TAG);
            field(&mut out, item.as_bytes());
        }
        let flags = u8::from(self.save_in_sent) | u8::from(self.multipart) << 1;
        if flags != 0 {
            out.push(OPTIONS_TAG);
            field(&mut out, &[flags]);
        }
        out.push(USER_TAG);
        field(&mut out, self.user.as_bytes());
        out
    }
}

fn field(out: &mut Vec<u8>, bytes: &[u8]) {
    let bytes = bytes.get(..255).unwrap_or(bytes);
    out.push(u8::try_from(bytes.len()).unwrap_or(u8::MAX));
    out.extend_from_slice(bytes);
}

/// Percent-encodes all but letters, digits and `-_.~`.
fn escape(text: &str) -> String {
    use std::fmt::Write;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query() -> Query<'static> {
        Query {
            command: Command::Sync,
            version: Version::V14_0,
            user: "al ice@x.org",
            device_id: "v140Device",
            device_type: "SmartPhone",
            policy_key: None,
            save_in_sent: false,
            original: None,
            multipart: false,
        }
    }

    #[test]
    fn plain_is_percent_encoded() {
        assert_eq!(
            query().target(QueryForm::Plain),
            "/Microsoft-Server-ActiveSync?Cmd=Sync&User=al%20ice%40x.org\
             &DeviceId=v140Device&DeviceType=SmartPhone"
        );
    }

    #[test]
    fn base64_is_not_percent_encoded() {
        let target = query().target(QueryForm::Base64);
        assert!(target.ends_with("eC5vcmc="), "{target}");
    }

    #[test]
    fn base64_begins_as_the_example_of_the_specification() {
        let bytes = query().bytes();
        assert_eq!(
            STANDARD.encode(bytes.get(..27).unwrap()),
            "jAAJBAp2MTQwRGV2aWNlAApTbWFydFBob25l"
        );
        assert_eq!(bytes.get(27..29), Some(&[8, 12][..]));
        let keyed = Query {
            policy_key: Some(0x0102_0304),
            ..query()
        };
        assert_eq!(keyed.bytes().get(15..20), Some(&[4, 4, 3, 2, 1][..]));
    }
}
