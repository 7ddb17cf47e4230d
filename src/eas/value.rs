//! Small values in requests: numbers and flags, read leniently where clients are known to err.

use crate::eas::status::{Common, Failure};
use crate::wbxml::Reader;

/// A number; none if it is anything else, or negative.
///
/// # Errors
/// A document that cannot be read.
pub fn number(r: &mut Reader<'_>) -> Result<Option<u32>, Failure> {
    Ok(r.text()?.trim().parse().ok())
}

/// A flag: an empty element means yes (devices: TbSync, Samsung), anything but 0 and 1 is an error.
///
/// # Errors
/// A document that cannot be read; [`Common::InvalidXml`].
pub fn flag(r: &mut Reader<'_>) -> Result<bool, Failure> {
    match r.text()?.trim() {
        "" | "1" | "true" => Ok(true),
        "0" | "false" => Ok(false),
        _ => Err(Common::InvalidXml.into()),
    }
}

/// A range `m-n`, zero-based and inclusive; none if it is not one.
#[must_use]
pub fn range(text: &str) -> Option<(u64, u64)> {
    let (from, to) = text.trim().split_once('-')?;
    let (from, to) = (from.trim().parse().ok()?, to.trim().parse().ok()?);
    (from <= to).then_some((from, to))
}

#[cfg(test)]
mod tests {
    #[test]
    fn ranges() {
        let check = |text: &str, expect| assert_eq!(super::range(text), expect, "{text}");
        check("0-99", Some((0, 99)));
        check(" 5 - 5 ", Some((5, 5)));
        for bad in ["", "5", "-5", "5-", "9-0", "a-b", "0-99999999999999999999"] {
            check(bad, None);
        }
    }
}
