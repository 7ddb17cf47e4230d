//! Text files of unknown charset: calendars and cards as people keep them on disk.

use std::borrow::Cow;

/// The text of a file: UTF-8 or UTF-16 by its mark, else UTF-8 where it is that, else
/// Windows-1252, in which no byte is wrong. Lines that end in CR alone end in LF.
#[must_use]
pub fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    let text = decoded(bytes);
    if text.contains('\r') && !text.contains('\n') {
        return Cow::Owned(text.replace('\r', "\n"));
    }
    text
}

fn decoded(bytes: &[u8]) -> Cow<'_, str> {
    if let Some((encoding, mark)) = encoding_rs::Encoding::for_bom(bytes) {
        let rest = bytes.get(mark..).unwrap_or_default();
        return encoding.decode_without_bom_handling(rest).0;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => {
            encoding_rs::WINDOWS_1252
                .decode_without_bom_handling(bytes)
                .0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_charset_that_files_come_in_is_read() {
        let check = |bytes: &[u8], expect: &str| assert_eq!(text_of(bytes), expect);
        check("Zoë".as_bytes(), "Zoë");
        check(b"\xEF\xBB\xBFZo\xC3\xAB", "Zoë");
        check(b"Zo\xEB", "Zoë");
        check(b"\xFF\xFEZ\0o\0\xEB\0", "Zoë");
        check(b"a\rb\r", "a\nb\n");
        check(b"a\r\nb\r", "a\r\nb\r");
        check(b"", "");
    }
}
