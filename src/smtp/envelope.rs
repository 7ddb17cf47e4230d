//! Sender and recipients of a message, and what became of each.

/// What the peer said about a message before it sent it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Envelope {
    /// The reverse path without its brackets; empty for a bounce.
    pub sender: String,
    /// The accepted recipients in their order, without brackets, as sent.
    pub recipients: Vec<String>,
    /// `SMTPUTF8` was given: addresses and headers may hold UTF-8 (RFC 6531).
    pub utf8: bool,
}

/// What becomes of one recipient, at RCPT and again after the message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Taken; after the message: durable.
    Accepted,
    /// Nobody has this address.
    UnknownMailbox,
    /// The account takes no mail: disabled or removed.
    Disabled,
    /// The account is full; the peer tries again.
    MailboxFull,
    /// The appliance is full or overloaded; the peer tries again.
    SystemFull,
    /// Something failed here; the peer tries again.
    Failed,
    /// The message cannot be taken in at all; the peer gives up.
    BadMessage,
}

impl Verdict {
    /// Whether the recipient gets the message.
    #[must_use]
    pub fn is_accepted(self) -> bool {
        self == Self::Accepted
    }

    /// Reply code and text with the enhanced status code (RFC 3463).
    pub(super) fn reply(self) -> (u16, &'static str) {
        match self {
            Self::Accepted => (250, "2.0.0 delivered"),
            Self::UnknownMailbox => (550, "5.1.1 no such mailbox"),
            Self::Disabled => (550, "5.2.1 this mailbox takes no mail"),
            Self::MailboxFull => (452, "4.2.2 the mailbox is full, try again later"),
            Self::SystemFull => (452, "4.3.1 no room at the moment, try again later"),
            Self::Failed => (451, "4.3.0 local failure, try again later"),
            Self::BadMessage => (554, "5.6.0 the message cannot be taken in"),
        }
    }
}
