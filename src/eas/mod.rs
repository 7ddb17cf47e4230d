//! Exchange ActiveSync.
