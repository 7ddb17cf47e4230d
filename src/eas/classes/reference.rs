//! `FileReference`: names an attachment of an item, opaque to clients ([MS-ASAIRS] 2.2.2.24).

use std::fmt;
use std::str::FromStr;

/// Folder, item and part: `2:1041:3`. In 2.5 the same text is the `AttName`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct FileReference {
    /// The folder's number.
    pub folder: u32,
    /// The item's number.
    pub item: u32,
    /// [`crate::pim::Part::index`].
    pub part: u32,
}

impl fmt::Display for FileReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.folder, self.item, self.part)
    }
}

/// Not a reference that this server made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a file reference")]
pub struct NoReference;

impl FromStr for FileReference {
    type Err = NoReference;

    /// Clients of 12.1 and below send it percent-encoded in the query; it has to be decoded before.
    fn from_str(text: &str) -> Result<Self, NoReference> {
        let mut numbers = text.split(':').map(|n| {
            let digits = n.bytes().all(|b| b.is_ascii_digit());
            n.parse().ok().filter(|_| digits).ok_or(NoReference)
        });
        let mut next = || numbers.next().ok_or(NoReference)?;
        let reference = Self {
            folder: next()?,
            item: next()?,
            part: next()?,
        };
        match numbers.next() {
            None => Ok(reference),
            Some(_) => Err(NoReference),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_and_read() {
        let reference = FileReference {
            folder: 2,
            item: u32::MAX,
            part: 0,
        };
        assert_eq!(reference.to_string(), "2:4294967295:0");
        assert_eq!(reference.to_string().parse(), Ok(reference));
        for bad in [
            "",
            "1",
            "1:2",
            "1:2:3:4",
            "1:2:x",
            "1:+2:3",
            "1:2:4294967296",
            "1::3",
        ] {
            assert_eq!(bad.parse::<FileReference>(), Err(NoReference), "{bad}");
        }
    }
}
