//! The text that contacts, events, tasks and notes carry.

use rkyv::{Archive, Deserialize, Serialize};

/// What a body is written in. The numbers are those of AirSyncBase `Type` ([MS-ASAIRS] 2.2.2.41).
#[derive(Archive, Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(u8)]
pub enum BodyKind {
    /// Plain text.
    #[default]
    Text = 1,
    /// HTML.
    Html = 2,
    /// Compressed RTF, base64 as the client sent it.
    Rtf = 3,
    /// A whole MIME message.
    Mime = 4,
}

/// A reference to a blob: its SHA-256 and its length in bytes.
#[derive(Archive, Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct BlobRef {
    /// SHA-256 of the bytes.
    pub hash: [u8; 32],
    /// Length in bytes.
    pub bytes: u64,
}

/// A body as the client or the import wrote it.
#[derive(Archive, Serialize, Deserialize, Clone, PartialEq, Eq, Debug, Default)]
pub struct Body {
    /// What `text` is written in.
    pub kind: BodyKind,
    /// The text, up to [`crate::limits::BODY_INLINE_BYTES_MAX`] bytes of it.
    pub text: String,
    /// The whole text, where it is longer than that.
    pub blob: Option<BlobRef>,
}
