//! Looking at a mail: from its bytes to the record, without the store.

use crate::mailbox::{Account, Arriving};
use crate::pim::mail::{self, Calendar};
use crate::pim::words::{self, Words};
use crate::pim::{Message, message::Flag};
use crate::work::{self, Pool};
use std::sync::Arc;

/// Mails from this size on are looked at by a worker: smaller ones take less than a wake does.
const WORKER_BYTES_MIN: usize = 64 * 1024;

/// A mail that was looked at, for any number of recipients.
#[derive(Clone, Debug)]
pub struct Seen {
    message: Message,
    words: Words,
    calendar: Option<Calendar>,
}

/// Looks at a mail that arrived at `received_ms`.
#[must_use]
pub fn look(raw: &[u8], received_ms: i64) -> Seen {
    let (message, inspected) = mail::inspect(raw, received_ms);
    Seen {
        words: words::of_mail(&message, Some(&inspected.text)),
        message,
        calendar: inspected.calendar,
    }
}

/// The same for a core: large mails go to the workers.
///
/// # Errors
/// The pool's: too much is waiting.
pub async fn look_from_core(
    workers: &Pool,
    raw: &Arc<[u8]>,
    received_ms: i64,
) -> Result<Seen, work::Error> {
    if raw.len() < WORKER_BYTES_MIN {
        return Ok(look(raw, received_ms));
    }
    let raw = Arc::clone(raw);
    workers.run(move || look(&raw, received_ms)).await
}

impl Seen {
    /// It says what it is called.
    #[must_use]
    pub fn has_message_id(&self) -> bool {
        !self.message.message_id.is_empty()
    }

    /// Its words, which are the same for every recipient.
    #[must_use]
    pub fn words(&self) -> &Words {
        &self.words
    }

    /// The record for one recipient: an invitation says what it means for that person.
    #[must_use]
    pub fn record_for(&self, account: &Account) -> Message {
        self.arriving_for(account).0
    }

    /// The same for one whose calendar it may change.
    #[must_use]
    pub fn arriving_for(&self, account: &Account) -> (Message, Option<Arriving>) {
        let mut message = self.message.clone();
        let arriving = self.calendar.as_ref().and_then(|calendar| {
            let (text, method) = (&calendar.text, &calendar.method);
            Arriving::note(&mut message, text, method, &account.addresses)
        });
        (message, arriving)
    }
}

/// The flag that a mail program's "flagged" means.
#[must_use]
pub fn follow_up() -> Flag {
    Flag {
        status: 2,
        kind: "Flag for follow up".to_owned(),
        ..Flag::default()
    }
}
