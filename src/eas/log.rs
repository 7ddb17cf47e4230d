//! One line per request, with a fixed set of keys. No subject, address of a mail, or body.

use crate::clock::MonoMs;
use crate::eas::version::Version;

/// What is known of a request before it is answered.
#[derive(Clone, Debug)]
pub struct Line {
    /// The command's name.
    pub command: &'static str,
    /// Whose it is.
    pub who: Who,
    /// The version.
    pub version: Version,
    /// When it came.
    pub started_ms: MonoMs,
    /// The core that serves it.
    pub core: usize,
}

/// A log-in name and a device id in one block: every waiting request has them.
#[derive(Clone, Debug)]
pub struct Who {
    both: Box<str>,
    user_bytes: usize,
}

impl Who {
    /// These two.
    #[must_use]
    pub fn new(user: &str, device: &str) -> Self {
        Self {
            both: [user, device].concat().into(),
            user_bytes: user.len(),
        }
    }

    /// The log-in name.
    #[must_use]
    pub fn user(&self) -> &str {
        self.both.get(..self.user_bytes).unwrap_or_default()
    }

    /// The device id.
    #[must_use]
    pub fn device(&self) -> &str {
        self.both.get(self.user_bytes..).unwrap_or_default()
    }

    /// Bytes on the heap.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.both.len()
    }
}

impl Line {
    /// Writes the line of an answered request.
    pub fn write(&self, now_ms: MonoMs, status: u16, http: u16, bytes: usize, changes: usize) {
        tracing::info!(
            command = self.command,
            user = %self.who.user(),
            device = %self.who.device(),
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
