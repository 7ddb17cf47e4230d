//! LMTP into mailboxes.
