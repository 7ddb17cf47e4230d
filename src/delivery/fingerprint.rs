//! What a repeated delivery has again: the message without what the servers on its way have written on top.
//!
//! A server that did not hear whether a mail was taken sends it again, and every server behind it writes a
//! new `Received` with another time. What the sender wrote is the same to the byte, and has the same
//! `Message-ID`: that is the same mail. Without a `Message-ID` nothing tells two equal mails from one sent
//! twice, so there all bytes count.

use crate::store::BlobId;

/// Fields that servers put on top (RFC 5321 4.4, and what Postfix and others add).
const TRACE: [&[u8]; 4] = [
    b"received",
    b"return-path",
    b"delivered-to",
    b"x-original-to",
];

/// The fingerprint of a message whose blob is `blob`.
pub(super) fn of(raw: &[u8], blob: BlobId, has_message_id: bool) -> [u8; 32] {
    let rest = without_trace(raw);
    match has_message_id && rest.len() < raw.len() {
        true => BlobId::of(rest).0,
        false => blob.0,
    }
}

/// The message from the first field on that is no trace.
fn without_trace(raw: &[u8]) -> &[u8] {
    let mut rest = raw;
    // Lines that go on belong to the field above them.
    let mut is_trace = false;
    while let Some(end) = memchr::memchr(b'\n', rest) {
        let (line, behind) = rest.split_at(end + 1);
        let goes_on = matches!(line.first(), Some(b' ' | b'\t'));
        is_trace = match goes_on {
            true => is_trace,
            false => is_trace_field(line),
        };
        if !is_trace {
            break;
        }
        rest = behind;
    }
    rest
}

fn is_trace_field(line: &[u8]) -> bool {
    let name = line.split(|b| *b == b':').next().unwrap_or_default();
    name.len() < line.len() && TRACE.iter().any(|trace| name.eq_ignore_ascii_case(trace))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(raw: &str) -> [u8; 32] {
        let has_id = raw.contains("Message-ID:");
        of(raw.as_bytes(), BlobId::of(raw.as_bytes()), has_id)
    }

    const MAIL: &str = "Message-ID: <1@x>\r\nReceived: kept\r\n\r\nReceived: body\r\n";

    #[test]
    fn what_servers_write_on_top_does_not_count() {
        let plain = print(MAIL);
        assert_eq!(plain, BlobId::of(MAIL.as_bytes()).0);
        for top in [
            "Received: from a by b;\r\n\tMon, 1 Jun 2026 10:00:00 +0000\r\n",
            "Return-Path: <a@b>\r\nX-Original-To: c@d\r\nDelivered-To: c@d\r\nRECEIVED: x\r\n  y\r\n",
            "Received: x\n",
        ] {
            assert_eq!(print(&format!("{top}{MAIL}")), plain, "{top}");
        }
    }

    #[test]
    fn everything_else_does() {
        let plain = print(MAIL);
        for other in [
            format!("Resent-To: a@b\r\n{MAIL}"),
            format!("X-Spam: no\r\nReceived: x\r\n{MAIL}"),
            format!("{MAIL}."),
            MAIL.replace("kept", "lost"),
            MAIL.replace("<1@x>", "<2@x>"),
        ] {
            assert_ne!(print(&other), plain, "{other}");
        }
        let anonymous = "Subject: x\r\n\r\n";
        assert_ne!(
            print(anonymous),
            print(&format!("Received: x\r\n{anonymous}"))
        );
        for odd in [
            "",
            "Received",
            "Received: x",
            "\r\n",
            " \r\nReceived: x\r\n",
        ] {
            assert_eq!(print(odd), BlobId::of(odd.as_bytes()).0, "{odd:?}");
        }
    }
}
