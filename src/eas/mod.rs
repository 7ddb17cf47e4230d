//! Exchange ActiveSync.

pub mod classes;
pub mod options;
pub mod version;
