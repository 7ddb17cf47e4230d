//! Transfer encodings (RFC 2045 6), decoded leniently: one bad byte costs that byte, not the part.
//!
//! Absent: `x-uuencode` (such bodies stay as they are).

use crate::pim::message::Transfer;
use std::borrow::Cow;
use std::ops::Range;

/// Decoded bytes are handed on in pieces of this size.
const PIECE_BYTES: usize = 4 * 1024;

/// The encoding that a `Content-Transfer-Encoding` names.
pub(super) fn named(value: &str) -> Transfer {
    let value = value.trim();
    if value.eq_ignore_ascii_case("base64") {
        Transfer::Base64
    } else if value.eq_ignore_ascii_case("quoted-printable") {
        Transfer::QuotedPrintable
    } else {
        Transfer::Identity
    }
}

/// The whole body, decoded.
#[must_use]
pub fn decode(encoded: &[u8], encoding: Transfer) -> Cow<'_, [u8]> {
    if encoding == Transfer::Identity {
        return Cow::Borrowed(encoded);
    }
    let mut out = Vec::with_capacity(encoded.len());
    pieces(encoded, encoding, |piece| {
        out.extend_from_slice(piece);
        true
    });
    Cow::Owned(out)
}

/// Bytes of the decoded body, without keeping them.
#[must_use]
pub fn decoded_len(encoded: &[u8], encoding: Transfer) -> u64 {
    if encoding == Transfer::Identity {
        return encoded.len() as u64;
    }
    let mut len = 0;
    pieces(encoded, encoding, |piece| {
        len += piece.len() as u64;
        true
    });
    len
}

/// The bytes `wanted` of the decoded body (fewer where it ends earlier); keeps only those.
#[must_use]
pub fn decode_range(encoded: &[u8], encoding: Transfer, wanted: Range<u64>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut at = 0_u64;
    pieces(encoded, encoding, |piece| {
        let end = at + piece.len() as u64;
        let from = wanted.start.clamp(at, end) - at;
        let to = wanted.end.clamp(at, end) - at;
        // Both are at most the length of the piece.
        let piece_range = usize::try_from(from).unwrap_or(0)..usize::try_from(to).unwrap_or(0);
        out.extend_from_slice(piece.get(piece_range).unwrap_or_default());
        at = end;
        at < wanted.end
    });
    out
}

/// Hands the decoded bytes to `sink` piece by piece until it returns false.
pub fn pieces(encoded: &[u8], encoding: Transfer, mut sink: impl FnMut(&[u8]) -> bool) {
    match encoding {
        Transfer::Identity => {
            for piece in encoded.chunks(PIECE_BYTES) {
                if !sink(piece) {
                    return;
                }
            }
        }
        Transfer::Base64 => base64(encoded, &mut sink),
        Transfer::QuotedPrintable => quoted_printable(encoded, &mut sink),
    }
}

/// What a byte means in base64.
enum Symbol {
    Bits(u8),
    Pad,
    Noise,
}

fn symbol(byte: u8) -> Symbol {
    Symbol::Bits(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        b'=' => return Symbol::Pad,
        _ => return Symbol::Noise,
    })
}

fn base64(encoded: &[u8], sink: &mut impl FnMut(&[u8]) -> bool) {
    let mut out = Vec::with_capacity(2 * PIECE_BYTES);
    let mut group = Group::default();
    let mut padded = false;
    for line in encoded.split_inclusive(|&b| b == b'\n') {
        // Behind the padding stands another piece, or what a mailing list added in clear.
        if padded && !is_base64(line.trim_ascii()) {
            break;
        }
        for run in line.chunks(PIECE_BYTES) {
            for &byte in run {
                match symbol(byte) {
                    Symbol::Bits(value) => group.push(value, &mut out),
                    Symbol::Pad => {
                        group.flush(&mut out);
                        padded = true;
                    }
                    Symbol::Noise => {}
                }
            }
            if out.len() >= PIECE_BYTES {
                if !sink(&out) {
                    return;
                }
                out.clear();
            }
        }
    }
    group.flush(&mut out);
    if !out.is_empty() {
        sink(&out);
    }
}

fn is_base64(line: &[u8]) -> bool {
    line.iter().all(|&b| !matches!(symbol(b), Symbol::Noise))
}

/// Four characters of base64 in the making.
#[derive(Default)]
struct Group {
    bits: u32,
    chars: u8,
}

impl Group {
    fn push(&mut self, value: u8, out: &mut Vec<u8>) {
        self.bits = self.bits << 6 | u32::from(value);
        self.chars += 1;
        if self.chars == 4 {
            let [_, a, b, c] = self.bits.to_be_bytes();
            out.extend_from_slice(&[a, b, c]);
            *self = Self::default();
        }
    }

    fn flush(&mut self, out: &mut Vec<u8>) {
        match self.chars {
            2 => {
                let [_, _, _, a] = (self.bits >> 4).to_be_bytes();
                out.push(a);
            }
            3 => {
                let [_, _, a, b] = (self.bits >> 2).to_be_bytes();
                out.extend_from_slice(&[a, b]);
            }
            _ => {}
        }
        *self = Self::default();
    }
}

fn quoted_printable(encoded: &[u8], sink: &mut impl FnMut(&[u8]) -> bool) {
    let mut out = Vec::with_capacity(PIECE_BYTES + 1024);
    for line in encoded.split_inclusive(|&b| b == b'\n') {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let end = line.get(text.len()..).unwrap_or_default();
        // Blanks before a line end were added on the way (RFC 2045 6.7, rule 3).
        let text = text.trim_ascii_end();
        let (text, end) = match text.strip_suffix(b"=") {
            Some(joined) => (joined, &b""[..]),
            None => (text, end),
        };
        let mut rest = text;
        while let Some(at) = rest.iter().position(|&b| b == b'=') {
            let (plain, from) = rest.split_at(at);
            out.extend_from_slice(plain);
            match from {
                [_, high, low, tail @ ..]
                    if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
                {
                    out.push(nibble(*high) << 4 | nibble(*low));
                    rest = tail;
                }
                [sign, tail @ ..] => {
                    out.push(*sign);
                    rest = tail;
                }
                [] => rest = from,
            }
            if out.len() >= PIECE_BYTES {
                if !sink(&out) {
                    return;
                }
                out.clear();
            }
        }
        out.extend_from_slice(rest);
        out.extend_from_slice(end);
        if out.len() >= PIECE_BYTES {
            if !sink(&out) {
                return;
            }
            out.clear();
        }
    }
    if !out.is_empty() {
        sink(&out);
    }
}

fn nibble(hex: u8) -> u8 {
    match hex {
        b'0'..=b'9' => hex - b'0',
        b'a'..=b'f' => hex - b'a' + 10,
        b'A'..=b'F' => hex - b'A' + 10,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(encoding: Transfer, encoded: &str, expect: &[u8]) {
        assert_eq!(
            *decode(encoded.as_bytes(), encoding),
            *expect,
            "{encoded:?}"
        );
        assert_eq!(
            decoded_len(encoded.as_bytes(), encoding),
            expect.len() as u64
        );
    }

    #[test]
    fn base64_survives_bad_bytes_and_padding_in_the_middle() {
        let b = Transfer::Base64;
        check(b, "SGVsbG8=", b"Hello");
        check(b, "SGVs\r\nbG8=\r\n", b"Hello");
        check(b, "SGVs!bG8", b"Hello");
        check(b, "SGk=SGk=", b"HiHi");
        check(b, "SGVsbA==", b"Hell");
        check(b, "SGVsbG8h", b"Hello!");
        check(b, "A", b"");
        check(b, "", b"");
        check(b, "SGk=\r\nSGk=\r\n", b"HiHi");
        check(b, "SGk=\r\n____\r\nlist mailing list\r\n", b"Hi");
    }

    #[test]
    fn quoted_printable_survives_bad_escapes() {
        let q = Transfer::QuotedPrintable;
        check(q, "caf=C3=A9", "café".as_bytes());
        check(q, "caf=c3=a9  \r\nx", "café\r\nx".as_bytes());
        check(q, "soft=\r\nbreak", b"softbreak");
        check(q, "soft= \t\nbreak", b"softbreak");
        check(q, "a=ZZb=", b"a=ZZb");
        check(q, "100 =", b"100 ");
        check(q, "a==41", b"a=A");
    }

    #[test]
    fn a_range_is_the_slice_of_the_whole() {
        let plain: Vec<u8> = (0..20_000_u32).map(|i| (i % 251) as u8).collect();
        use base64::Engine;
        let encoded = base64::engine::general_purpose::STANDARD.encode(&plain);
        for (from, to) in [
            (0, 10),
            (4_090, 4_100),
            (19_990, 30_000),
            (5, 5),
            (30_000, 30_001),
        ] {
            let expect = plain.get(from.min(20_000)..to.min(20_000)).unwrap();
            let got = decode_range(encoded.as_bytes(), Transfer::Base64, from as u64..to as u64);
            assert_eq!(got, expect, "{from}..{to}");
        }
        let got = decode_range(&plain, Transfer::Identity, 8_000..8_300);
        assert_eq!(got, plain[8_000..8_300]);
    }
}
