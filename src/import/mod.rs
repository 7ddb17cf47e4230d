//! Mail, calendars and contacts out of files: `.eml`, `.emlx`, mbox, Maildir, `.ics`, `.vcf`, and
//! directories of any of them.
//!
//! [`walk`] finds one thing after the other and holds one at a time. What could not be taken is
//! named, with the reason.
//!
//! Absent: the store (whoever walks hands on what is found), the terminal (the command line's), archives (`.pst`, `.zip`).

mod folder;
mod kind;
mod maildir;
mod marks;
mod mbox;
mod walk;

pub use folder::Folder;
pub use kind::Kind;
pub use marks::Marks;
pub use walk::{Walk, walk};

use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;

/// One mail, or one file of appointments or contacts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The file.
    pub path: PathBuf,
    /// Where in the file it begins (an mbox holds many), in bytes.
    pub offset: u64,
    /// What it is.
    pub kind: Kind,
    /// Where it belongs, as far as its surroundings say.
    pub folder: Folder,
    /// What its user had done with it.
    pub marks: Marks,
    /// When it arrived, Unix milliseconds, where it or its container says so.
    pub received_ms: Option<i64>,
    /// The mail, unquoted, or the file.
    pub bytes: Vec<u8>,
}

/// What was not taken, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// The file or directory.
    pub path: PathBuf,
    /// Where in the file, in bytes; 0 for the whole.
    pub offset: u64,
    /// Why, in words for the person who imports.
    pub why: String,
}

/// What an import came to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Summary {
    /// Items stored: mails, appointments, tasks, notes, contacts.
    pub items: u64,
    /// Items that were there already.
    pub known: u64,
    /// Everything that was not taken.
    pub refused: Vec<Refused>,
}

/// What became of one [`Found`]: a calendar file may hold many items, some of them unreadable.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Taken {
    /// Items stored.
    pub items: u64,
    /// Items that were there already.
    pub known: u64,
    /// Reasons, one for each part that was not taken.
    pub skipped: Vec<String>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if self.offset > 0 {
            write!(f, " (at byte {})", self.offset)?;
        }
        write!(f, ": {}", self.why)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |n: u64| if n == 1 { "item" } else { "items" };
        write!(f, "{} {} imported", self.items, plural(self.items))?;
        if self.known > 0 {
            write!(f, ", {} there already", self.known)?;
        }
        if !self.refused.is_empty() {
            write!(f, ", {} not taken:", self.refused.len())?;
        }
        for refused in &self.refused {
            write!(f, "\n  {refused}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
