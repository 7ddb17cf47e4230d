//! The `Authorization: Basic` header (RFC 7617), in UTF-8 or, as Outlook sends it, ISO-8859-1.

use crate::limits::CREDENTIAL_CHARS_MAX;
use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

/// What a log-in is asked for with (`WWW-Authenticate`).
pub const CHALLENGE: &str = "Basic realm=\"ActiveSync\", charset=\"UTF-8\"";

/// What the header held. Its `Debug` form hides the password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The name as sent.
    pub name: String,
    /// The password as sent.
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Reads the header's value. `None` for another scheme, bad base64, or what is too long.
#[must_use]
pub fn parse(header: &[u8]) -> Option<Credentials> {
    let header = header.trim_ascii();
    let (scheme, rest) = header.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    // Four bytes a character at most, two fields, and base64's third on top.
    if rest.len() > CREDENTIAL_CHARS_MAX * 2 * 4 * 4 / 3 + 8 {
        return None;
    }
    let bytes = BASE64.decode(rest.trim_ascii()).ok()?;
    let text = String::from_utf8(bytes)
        .unwrap_or_else(|e| e.into_bytes().iter().map(|&b| char::from(b)).collect());
    let (name, password) = text.split_once(':')?;
    let short = |s: &str| s.chars().count() <= CREDENTIAL_CHARS_MAX;
    (short(name) && short(password)).then(|| Credentials {
        name: name.to_owned(),
        password: password.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expect: Option<(&str, &str)>) {
        let header = format!(
            "Basic {}",
            base64::engine::general_purpose::STANDARD.encode(bytes)
        );
        let got = parse(header.as_bytes());
        assert_eq!(
            got.as_ref().map(|c| (c.name.as_str(), c.password.as_str())),
            expect
        );
    }

    #[test]
    fn both_encodings() {
        check("jürgen:größe".as_bytes(), Some(("jürgen", "größe")));
        check(b"j\xfcrgen:gr\xf6\xdfe", Some(("jürgen", "größe")));
    }

    #[test]
    fn the_first_colon_splits() {
        check(b"mike:a:b:", Some(("mike", "a:b:")));
        check(b"mike:", Some(("mike", "")));
        check(b":x", Some(("", "x")));
        check(b"mike", None);
    }

    #[test]
    fn what_is_no_basic_header() {
        for header in [
            "",
            "Basic",
            "Basic ",
            "Bearer abc",
            "Basic %%%",
            "Negotiate Zm9v",
        ] {
            assert_eq!(parse(header.as_bytes()), None, "{header}");
        }
        assert!(
            parse(b"bAsIc  bWlrZTp4").is_some(),
            "scheme without case, blanks tolerated"
        );
        assert!(parse(b"Basic bWlrZTp4eA").is_some(), "padding left out");
        check(&vec![b'a'; 4000], None);
    }

    #[test]
    fn debug_hides_the_password() {
        let c = parse(b"Basic bWlrZTp4").unwrap();
        assert!(!format!("{c:?}").contains("\"x\""));
    }
}
