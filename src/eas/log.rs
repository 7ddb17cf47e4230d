//! One line per request, with a fixed set of keys. No subject, address of a mail, or body.

use crate::clock::MonoMs;
use crate::eas::version::Version;

/// What is known of a request before it is answered.
#[derive(Clone, Debug)]
pub struct Line {
    /// The command's name.
    pub command: &'static str,
    /// The log-in name.
    pub user: Box<str>,
    /// The device id.
    pub device: Box<str>,
    /// The version.
    pub version: Version,
    /// When it came.
    pub started_ms: MonoMs,
    /// The core that serves it.
    pub core: usize,
}

impl Line {
    /// Writes the line of an answered request.
    pub fn write(&self, now_ms: MonoMs, status: u16, http: u16, bytes: usize, changes: usize) {
        tracing::info!(
            command = self.command,
            user = %self.user,
            device = %self.device,
            version = self.version.text(),
            status,
            http,
            milliseconds = now_ms.saturating_sub(self.started_ms),
            bytes,
            changes,
            core = self.core,
        );
    }
}

/// The line of a request that was refused before there was a device.
pub fn refused(command: &'static str, http: u16, core: usize) {
    tracing::info!(command, http, core);
}
