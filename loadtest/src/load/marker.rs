//! The mark that everything bears which a run creates: in the subject of a mail, the name of a contact.
//!
//! It names the run, counts within it, and says for whom it is: an item of another user on a device is
//! seen at once, and what a run has created can be found and taken away by hand.

use std::fmt;

/// What every mark begins with.
const SIGN: &str = "roost-load-";

/// The mark of one item.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Marker {
    /// The run.
    pub run: u32,
    /// Counts the items of the run.
    pub number: u32,
    /// The user that it is for, from 1; 0: for everybody.
    pub user: u32,
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { run, number, user } = self;
        write!(f, "{SIGN}{run:08x}-{number}-u{user}")
    }
}

impl Marker {
    /// The mark somewhere in a text.
    #[must_use]
    pub fn find(text: &str) -> Option<Self> {
        let (_, rest) = text.split_once(SIGN)?;
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
        let mut parts = rest.get(..end.unwrap_or(rest.len()))?.split('-');
        let run = u32::from_str_radix(parts.next()?, 16).ok()?;
        let number = parts.next()?.parse().ok()?;
        let user = parts.next()?.strip_prefix('u')?.parse().ok()?;
        Some(Self { run, number, user })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_found_in_what_others_made_of_the_subject() {
        let marker = Marker {
            run: 0x1a2b,
            number: 42,
            user: 7,
        };
        for text in [
            marker.to_string(),
            format!("Re: {marker}"),
            format!("AW: {marker}: lunch?"),
        ] {
            assert_eq!(Marker::find(&text), Some(marker), "{text}");
        }
        for text in [
            "",
            "roost-load",
            "roost-load-",
            "roost-load-xyz-1-u1",
            "roost-load-1-2",
        ] {
            assert_eq!(Marker::find(text), None, "{text}");
        }
    }
}
