//! Credentials, log-in names and device access.
