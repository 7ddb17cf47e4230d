//! The one place where an error becomes a status number or an HTTP code.
//!
//! Up to 12.1 the common failures are HTTP codes; from 14.0 on they are the `Status` of the
//! command's own element, with HTTP 200 ([MS-ASCMD] 2.2.2). The statuses that one command has for
//! itself stand beside that command.

use crate::auth::basic;
use crate::eas::dispatch::{Command, Row};
use crate::eas::version::Version;
use crate::http::Answer;
use crate::limits::CONFLICT_RETRIES_MAX;
use crate::wbxml::tags::meetingresponse::RESULT;
use crate::{mailbox, store, wbxml, work};

/// Seconds after which a client that met a busy server shall come back.
const BUSY_S: u32 = 30;

/// A failure that every command can have ([MS-ASCMD] 2.2.2, common status codes).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u16)]
#[allow(missing_docs, reason = "named as in the specification")]
pub enum Common {
    InvalidContent = 101,
    InvalidWbxml = 102,
    InvalidXml = 103,
    InvalidDateTime = 104,
    InvalidCombinationOfIds = 105,
    InvalidIds = 106,
    InvalidMime = 107,
    DeviceIdMissingOrInvalid = 108,
    DeviceTypeMissingOrInvalid = 109,
    ServerError = 110,
    ServerErrorRetryLater = 111,
    MailboxQuotaExceeded = 113,
    MessageRecipientUnresolved = 116,
    MessagePreviouslySent = 118,
    MessageHasNoRecipient = 119,
    MailSubmissionFailed = 120,
    AttachmentIsTooLarge = 122,
    UserDisabledForSync = 126,
    DeviceIsBlockedForThisUser = 129,
    CommandNotSupported = 137,
    VersionNotSupported = 138,
    DeviceNotFullyProvisionable = 139,
    RemoteWipeRequested = 140,
    DeviceNotProvisioned = 142,
    InvalidPolicyKey = 144,
    NoRecurrenceInCalendar = 146,
    InvalidStoredRequest = 149,
    ItemNotFound = 150,
    BodyPartPreferenceTypeNotSupported = 164,
    DeviceInformationRequired = 165,
    InvalidAccountId = 166,
    MaximumDevicesReached = 177,
    InvalidMimeBodyCombination = 178,
    InvalidSmartForwardParameters = 179,
    InvalidRecipients = 183,
}

impl Common {
    /// Its number.
    #[must_use]
    pub fn number(self) -> u16 {
        self as u16
    }

    /// What stands for it up to 12.1.
    fn http(self) -> u16 {
        match self {
            Self::ServerError => 500,
            Self::ServerErrorRetryLater | Self::MailSubmissionFailed => 503,
            Self::MailboxQuotaExceeded => 507,
            Self::UserDisabledForSync
            | Self::DeviceIsBlockedForThisUser
            | Self::MaximumDevicesReached => 403,
            Self::CommandNotSupported => 501,
            Self::RemoteWipeRequested | Self::DeviceNotProvisioned | Self::InvalidPolicyKey => 449,
            _ => 400,
        }
    }

    /// Whether it is an HTTP code in every version. Exchange sends a status from 14.0 on, but all
    /// clients take 449, and some know nothing else (devices: Outlook, old Androids).
    fn always_http(self) -> bool {
        self.http() == 449
    }
}

/// Why a request gets no ordinary answer.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Failure {
    /// A common status, or what stands for it.
    #[error("{0:?}")]
    Common(Common),
    /// An HTTP code in every version.
    #[error("HTTP {0}: {1}")]
    Http(u16, &'static str),
    /// Somebody else was faster: to be computed again, see [`retrying`].
    #[error("conflict")]
    Conflict,
    /// The store takes nothing at the moment, or somebody else was faster again and again.
    #[error("busy")]
    Busy,
    /// The mailbox failed.
    #[error(transparent)]
    Mailbox(mailbox::Error),
}

impl From<Common> for Failure {
    fn from(common: Common) -> Self {
        Self::Common(common)
    }
}

impl From<mailbox::Error> for Failure {
    fn from(e: mailbox::Error) -> Self {
        match e {
            mailbox::Error::Conflict => Self::Conflict,
            mailbox::Error::Busy => Self::Busy,
            e => Self::Mailbox(e),
        }
    }
}

impl From<store::Error> for Failure {
    fn from(e: store::Error) -> Self {
        mailbox::Error::from(e).into()
    }
}

impl From<work::Error> for Failure {
    fn from(e: work::Error) -> Self {
        match e {
            work::Error::Busy => Self::Busy,
            work::Error::Panicked => Self::Common(Common::ServerError),
        }
    }
}

impl From<wbxml::Error> for Failure {
    fn from(e: wbxml::Error) -> Self {
        Self::Common(match e {
            wbxml::Error::Element(_) | wbxml::Error::Text => Common::InvalidXml,
            _ => Common::InvalidWbxml,
        })
    }
}

impl Failure {
    /// The status for the log, 0 where there is none.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self.common() {
            Some(common) => common.number(),
            None => 0,
        }
    }

    fn common(&self) -> Option<Common> {
        Some(match self {
            Self::Common(common) => *common,
            Self::Busy | Self::Conflict => Common::ServerErrorRetryLater,
            Self::Mailbox(e) => of_mailbox(e),
            Self::Http(..) => return None,
        })
    }

    /// The answer to a request for the command of `row` in `version`.
    #[must_use]
    pub fn answer(&self, row: &Row, version: Version) -> Answer {
        let common = match (self, self.common()) {
            (Self::Http(code, text), _) => return Answer::text(*code, text),
            // A client that is told when to come back does so; a status 111 is retried at once.
            (Self::Busy | Self::Conflict, _) | (_, None) => return Answer::busy(BUSY_S),
            (_, Some(common)) => common,
        };
        match row.root {
            Some((root, status)) if version >= Version::V14_0 && !common.always_http() => {
                let mut w = wbxml::Writer::new();
                w.open(root);
                // The schema of its answer has a status in a Result alone.
                let within = (row.command == Command::MeetingResponse).then_some(RESULT);
                within.into_iter().for_each(|tag| w.open(tag));
                w.num(status, common.number());
                within.into_iter().for_each(|_| w.close());
                w.close();
                Answer::wbxml(w.finish())
            }
            _ => http_answer(common),
        }
    }
}

fn http_answer(common: Common) -> Answer {
    match common.http() {
        503 => Answer::busy(BUSY_S),
        code => Answer::text(code, &format!("{} ({common:?})", common.number())),
    }
}

fn of_mailbox(e: &mailbox::Error) -> Common {
    use mailbox::Error;
    match e {
        Error::Conflict | Error::Busy => Common::ServerErrorRetryLater,
        Error::Limit => Common::MaximumDevicesReached,
        Error::TooLarge => Common::InvalidContent,
        Error::NotFound | Error::BadName => Common::InvalidIds,
        _ => Common::ServerError,
    }
}

/// Computes something again as long as somebody else is faster, but not for ever.
///
/// # Errors
/// What `attempt` fails with; [`Failure::Busy`] after [`CONFLICT_RETRIES_MAX`] conflicts.
pub async fn retrying<T, F>(mut attempt: impl FnMut() -> F) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    for _ in 0..CONFLICT_RETRIES_MAX {
        match Box::pin(attempt()).await {
            Err(Failure::Conflict) => {}
            done => return done,
        }
    }
    Err(Failure::Busy)
}

/// Credentials are asked for; the same bytes whatever was wrong with them.
#[must_use]
pub fn unauthorized() -> Answer {
    Answer::text(401, "log in").with("WWW-Authenticate", basic::CHALLENGE)
}

/// No log-in is checked for this peer before `wait_s` seconds.
#[must_use]
pub fn throttled(wait_s: u64) -> Answer {
    Answer::busy(u32::try_from(wait_s).unwrap_or(u32::MAX).max(1))
}

/// The server cannot check a log-in now.
#[must_use]
pub fn unavailable() -> Answer {
    Answer::busy(BUSY_S)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wbxml::xml::dump;

    #[test]
    fn a_status_from_14_0_on_and_http_before() {
        let check = |failure: Failure, version, expect: &str| {
            let answer = failure.answer(Command::FolderSync.row(), version);
            let body = dump(&answer.body).unwrap_or_default();
            let body: String = body.split_whitespace().collect();
            assert_eq!(format!("{} {body}", answer.status).trim_end(), expect);
        };
        let xml = || Failure::from(Common::InvalidXml);
        check(xml(), Version::V12_1, "400");
        check(
            xml(),
            Version::V14_0,
            "200 <folderhierarchy:FolderSync><folderhierarchy:Status>103</folderhierarchy:Status></folderhierarchy:FolderSync>",
        );
        let policy = || Failure::from(Common::DeviceNotProvisioned);
        check(policy(), Version::V2_5, "449");
        check(policy(), Version::V16_1, "449");
        check(Failure::Busy, Version::V14_1, "503");
        check(mailbox::Error::Conflict.into(), Version::V12_0, "503");
        check(Common::CommandNotSupported.into(), Version::V12_1, "501");
    }
}
