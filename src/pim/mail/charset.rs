//! From bytes to text: charsets by name, and a guess where the name is missing or wrong.

use encoding_rs::{Encoding, REPLACEMENT, UTF_8, WINDOWS_1252};
use mail_parser::decoders::charsets::map::charset_decoder;
use std::borrow::Cow;

/// UTF-8 where it is valid, else windows-1252, which every byte is valid in.
pub(super) fn utf8_or_windows(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(
            WINDOWS_1252
                .decode_without_bom_handling(bytes)
                .0
                .into_owned(),
        ),
    }
}

/// Text in the named charset; without a name, or with a false one, a guess.
pub(super) fn decode<'a>(bytes: &'a [u8], charset: Option<&str>) -> Cow<'a, str> {
    let name = charset.unwrap_or_default().trim();
    match Encoding::for_label(name.as_bytes()) {
        Some(utf8) if utf8 == UTF_8 => declared_utf8(bytes),
        // ASCII and ISO-8859-1 are what mailers write when they do not know.
        Some(latin) if latin == WINDOWS_1252 && is_unsure(name) => utf8_or_windows(bytes),
        Some(known) if known != REPLACEMENT => known.decode(bytes).0,
        _ => match charset_decoder(name.as_bytes()) {
            Some(decoder) if !name.is_empty() => Cow::Owned(decoder(bytes)),
            _ => utf8_or_windows(strip_mark(bytes)),
        },
    }
}

fn is_unsure(name: &str) -> bool {
    name.eq_ignore_ascii_case("us-ascii") || name.eq_ignore_ascii_case("ascii")
}

/// Declared as UTF-8: some damage keeps it so; without one valid sequence it never was.
fn declared_utf8(bytes: &[u8]) -> Cow<'_, str> {
    let bytes = strip_mark(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let lossy = String::from_utf8_lossy(bytes);
    let has_valid = lossy.chars().any(|c| !c.is_ascii() && c != '\u{fffd}');
    if has_valid {
        Cow::Owned(lossy.into_owned())
    } else {
        utf8_or_windows(bytes)
    }
}

fn strip_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// The Windows code page number of a charset ([MS-ASEMAIL] 2.2.2.40 `InternetCPID`).
pub(super) fn code_page(charset: Option<&str>, is_ascii: bool) -> u32 {
    let name = charset.unwrap_or_default().trim().to_ascii_lowercase();
    let number = |prefix: &str| {
        name.strip_prefix(prefix)
            .and_then(|n| n.parse::<u32>().ok())
    };
    if let Some(part) = number("iso-8859-").filter(|p| (1..=16).contains(p)) {
        return 28_590 + part;
    }
    let windows = number("windows-").or_else(|| number("cp"));
    if let Some(page) = windows.filter(|p| (437..=65_001).contains(p)) {
        return page;
    }
    match name.as_str() {
        "" if is_ascii => 20_127,
        "us-ascii" | "ascii" => 20_127,
        "utf-7" => 65_000,
        "utf-16" | "utf-16le" => 1_200,
        "utf-16be" => 1_201,
        "koi8-r" => 20_866,
        "koi8-u" => 21_866,
        "gb2312" | "gbk" | "hz-gb-2312" => 936,
        "gb18030" => 54_936,
        "big5" | "big5-hkscs" => 950,
        "shift_jis" | "shift-jis" | "sjis" => 932,
        "euc-jp" => 51_932,
        "iso-2022-jp" => 50_220,
        "euc-kr" => 51_949,
        "ks_c_5601-1987" => 949,
        "iso-2022-kr" => 50_225,
        "tis-620" => 874,
        "macintosh" => 10_000,
        _ => 65_001,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charsets_by_name_and_by_guess() {
        let check = |bytes: &[u8], charset: Option<&str>, expect: &str| {
            assert_eq!(decode(bytes, charset), expect, "{charset:?}");
        };
        check("é".as_bytes(), Some("UTF-8"), "é");
        check(b"caf\xe9", None, "café");
        check(b"caf\xe9", Some("us-ascii"), "café");
        check(b"caf\xe9", Some("utf-8"), "café");
        check("é".as_bytes(), Some("us-ascii"), "é");
        check(b"caf\xc3\xa9 \xff", Some("utf-8"), "café \u{fffd}");
        check(b"\x93q\x94", Some("iso-8859-1"), "“q”");
        check(b"\xd0\xd2\xc9", Some("koi8-r"), "при");
        check(b"\x1b$B$3$s\x1b(B", Some("iso-2022-jp"), "こん");
        check(b"+AGE-b", Some("utf-7"), "ab");
        check(b"x", Some("no-such-charset"), "x");
        check(b"\xef\xbb\xbfx", None, "x");
    }

    #[test]
    fn code_pages() {
        let check = |name: &str, expect: u32| assert_eq!(code_page(Some(name), false), expect);
        check("UTF-8", 65_001);
        check("ISO-8859-1", 28_591);
        check("iso-8859-15", 28_605);
        check("Windows-1252", 1_252);
        check("koi8-r", 20_866);
        assert_eq!(code_page(None, true), 20_127);
        assert_eq!(code_page(None, false), 65_001);
    }
}
