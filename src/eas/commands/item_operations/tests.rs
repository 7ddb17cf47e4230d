//! Fetches of items and attachments.
