//! Patterns for what clients call themselves: `*` stands for any text, `?` for one character, case
//! does not matter.

use crate::limits::QUIRK_PATTERN_BYTES_MAX;
use serde::Deserialize;

/// A pattern. Matching costs at most its length times that of the text.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Glob(Box<[u8]>);

/// Why a text is no pattern.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Error {
    /// Nothing would match it.
    #[error("a pattern is empty")]
    Empty,
    /// It is too long.
    #[error("a pattern of more than {QUIRK_PATTERN_BYTES_MAX} bytes")]
    Long,
}

impl TryFrom<String> for Glob {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        match text.len() {
            0 => Err(Error::Empty),
            n if n > QUIRK_PATTERN_BYTES_MAX => Err(Error::Long),
            _ => Ok(Self(text.to_ascii_lowercase().into_bytes().into())),
        }
    }
}

impl Glob {
    /// Whether the whole text fits.
    #[must_use]
    pub fn fits(&self, text: &str) -> bool {
        let (mut pattern, mut text) = (&*self.0, text.as_bytes());
        // Where to go on if what follows the last star does not fit: the star takes one more.
        let mut last_star: Option<(&[u8], &[u8])> = None;
        loop {
            match (pattern, text) {
                ([b'*', rest @ ..], _) => {
                    last_star = Some((rest, text));
                    pattern = rest;
                }
                ([], []) => return true,
                ([p, p_rest @ ..], [t, t_rest @ ..])
                    if *p == b'?' || *p == t.to_ascii_lowercase() =>
                {
                    (pattern, text) = (p_rest, t_rest);
                }
                _ => match last_star {
                    Some((rest, [_, shorter @ ..])) => {
                        last_star = Some((rest, shorter));
                        (pattern, text) = (rest, shorter);
                    }
                    _ => return false,
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glob(text: &str) -> Result<Glob, Error> {
        Glob::try_from(text.to_owned())
    }

    #[test]
    fn what_fits() {
        let check = |pattern: &str, text: &str, expect: bool| {
            let fits = glob(pattern).unwrap().fits(text);
            assert_eq!(fits, expect, "{pattern} on {text}");
        };
        check("iphone", "iPhone", true);
        check("iphone", "iPhone3", false);
        check("*MeeGo*", "Nokia meego 1.2", true);
        check("*meego*", "meego", true);
        check("Android*EAS*", "Android/4.0.4-EAS-1.3", true);
        check("Android*EAS*", "Android-Mail/2023", false);
        check("Outlook/1?.0*", "Outlook/16.0 (16.0.7167)", true);
        check("Outlook/1?.0*", "Outlook/1.0", false);
        check("a*b*c", "aXbXbc", true);
        check("a*b*c", "aXbXb", false);
        check("*", "", true);
        check("?", "", false);
        check("a", "", false);
        check("**a", "ba", true);
    }

    #[test]
    fn what_is_no_pattern() {
        assert_eq!(glob(""), Err(Error::Empty));
        assert_eq!(
            glob(&"x".repeat(QUIRK_PATTERN_BYTES_MAX + 1)),
            Err(Error::Long)
        );
        // The worst that one may ask for.
        let stars = "*a".repeat(QUIRK_PATTERN_BYTES_MAX / 2);
        assert!(!glob(&stars).unwrap().fits(&"a".repeat(50)));
    }
}
