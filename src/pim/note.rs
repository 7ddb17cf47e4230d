//! A note ([MS-ASNOTE] 2.2.2).

use super::body::Body;
use rkyv::{Archive, Deserialize, Serialize};

/// A note.
#[derive(Archive, Serialize, Deserialize, Clone, PartialEq, Debug, Default)]
pub struct Note {
    /// Subject.
    pub subject: String,
    /// `IPM.StickyNote` and its kin.
    pub message_class: String,
    /// Last change, Unix milliseconds.
    pub modified_ms: i64,
    /// Categories.
    pub categories: Vec<String>,
    /// The text.
    pub body: Body,
    /// When it was created here, Unix milliseconds.
    pub created_ms: i64,
}
