//! What stands in a row of the queue, and its stored forms.

use rkyv::{Archive, Deserialize, Serialize};

use crate::clock::UnixMs;
use crate::limits;
use crate::mailbox::{Error, stored};
use crate::pim::body::BlobRef;

/// Without those that were given up.
const FIRST_FORMAT: u8 = 1;
const FORMAT: u8 = 2;

/// A mail that waits: to be delivered, or (where `failed` says so) for its sender to be told.
#[derive(Archive, Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct Queued {
    /// The scope of the account that sent it.
    pub account: u64,
    /// Envelope sender; empty for a bounce.
    pub sender: String,
    /// Envelope recipients that it was not delivered to yet.
    pub recipients: Vec<String>,
    /// The MIME.
    pub mime: BlobRef,
    /// When it was handed in, Unix milliseconds.
    pub queued_ms: UnixMs,
    /// How often delivery was tried.
    pub attempts: u32,
    /// What the last attempt came to, for people.
    pub last_error: String,
    /// Recipients that were given up, of which the sender is to be told.
    pub failed: Vec<Failed>,
}

/// A recipient that was given up.
#[derive(Archive, Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct Failed {
    /// Who.
    pub recipient: String,
    /// The enhanced status code (RFC 3463).
    pub status: String,
    /// Why, in the words of the server or our own.
    pub text: String,
    /// The server that said it; empty: nobody but us.
    pub server: String,
}

/// As it was stored first.
#[derive(Archive, Serialize, Deserialize)]
struct FirstQueued {
    account: u64,
    sender: String,
    recipients: Vec<String>,
    mime: BlobRef,
    queued_ms: UnixMs,
    attempts: u32,
    last_error: String,
}

impl Queued {
    /// Names the mail to the next server, at every attempt.
    #[must_use]
    pub fn envelope_id(&self) -> String {
        let first = self.mime.hash.iter().take(16);
        first.map(|byte| format!("{byte:02x}")).collect()
    }

    pub(super) fn write(&self) -> Result<Vec<u8>, Error> {
        let value = stored::write(FORMAT, self)?;
        if value.len() > limits::VALUE_BYTES_MAX {
            return Err(Error::TooLarge);
        }
        Ok(value)
    }

    pub(super) fn read(value: &[u8]) -> Result<Self, Error> {
        if value.first() != Some(&FIRST_FORMAT) {
            return stored::read(FORMAT, value);
        }
        let first: FirstQueued = stored::read(FIRST_FORMAT, value)?;
        Ok(Self {
            account: first.account,
            sender: first.sender,
            recipients: first.recipients,
            mime: first.mime,
            queued_ms: first.queued_ms,
            attempts: first.attempts,
            last_error: first.last_error,
            failed: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_the_first_format_stay_readable() {
        let mime = BlobRef {
            hash: [7; 32],
            bytes: 3,
        };
        let first = FirstQueued {
            account: 16,
            sender: "a@example.org".into(),
            recipients: vec!["b@example.net".into()],
            mime,
            queued_ms: 5,
            attempts: 2,
            last_error: "e".into(),
        };
        let read = Queued::read(&stored::write(FIRST_FORMAT, &first).unwrap()).unwrap();
        assert_eq!(
            (read.attempts, read.recipients.len(), read.failed.len()),
            (2, 1, 0)
        );
        assert_eq!(Queued::read(&read.write().unwrap()), Ok(read));
        assert!(Queued::read(&[3, 0]).is_err());
    }
}
