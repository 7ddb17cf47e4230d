//! What a user had done with a mail, as mail programs write it down.

use crate::pim::mail;
use serde::{Deserialize, Serialize};

/// The state of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Marks {
    /// Opened.
    pub read: bool,
    /// Flagged, starred.
    pub flagged: bool,
    /// Answered.
    pub replied: bool,
    /// Forwarded.
    pub forwarded: bool,
    /// Not sent yet.
    pub draft: bool,
    /// Marked for deletion.
    pub deleted: bool,
}

impl Marks {
    /// An old mail of which nothing is known: nobody wants ten thousand unread ones.
    pub(super) const OLD: Self = Self {
        read: true,
        flagged: false,
        replied: false,
        forwarded: false,
        draft: false,
        deleted: false,
    };

    /// By the letters of a Maildir file name (`:2,FRS`), or of `Status` and `X-Status`.
    pub(super) fn of_letters(letters: &str) -> Self {
        let has = |letter: char| letters.contains(letter);
        Self {
            read: has('S'),
            flagged: has('F'),
            replied: has('R'),
            forwarded: has('P'),
            draft: has('D'),
            deleted: has('T'),
        }
    }

    /// By the fields that mbox programs keep: `X-Mozilla-Status` (Thunderbird), `Status` and
    /// `X-Status` (mutt, pine, dovecot).
    pub(super) fn of_fields(raw: &[u8]) -> Option<Self> {
        let mozilla = mail::field(raw, "X-Mozilla-Status");
        if let Ok(bits) = u16::from_str_radix(mozilla.trim(), 16) {
            return Some(Self {
                read: bits & 0x0001 != 0,
                replied: bits & 0x0002 != 0,
                flagged: bits & 0x0004 != 0,
                deleted: bits & 0x0008 != 0,
                forwarded: bits & 0x1000 != 0,
                draft: false,
            });
        }
        let status = mail::field(raw, "Status");
        let more = mail::field(raw, "X-Status");
        if status.is_empty() && more.is_empty() {
            return None;
        }
        Some(Self {
            read: status.contains('R'),
            flagged: more.contains('F'),
            replied: more.contains('A'),
            forwarded: false,
            draft: more.contains('T'),
            deleted: more.contains('D'),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_three_conventions() {
        let fields = |head: &str| Marks::of_fields(format!("{head}\n\nx").as_bytes());
        let flagged = Marks {
            flagged: true,
            ..Marks::OLD
        };
        assert_eq!(Marks::of_letters("FS"), flagged);
        assert_eq!(fields("X-Mozilla-Status: 0005"), Some(flagged));
        assert_eq!(fields("Status: RO\nX-Status: F"), Some(flagged));
        assert_eq!(fields("Status: O"), Some(Marks::default()));
        assert_eq!(fields("Subject: x"), None);
    }
}
