//! The report that a mail was not delivered (RFC 3464, RFC 6522; RFC 6533 for addresses in UTF-8).

use super::Failed;
use crate::clock::UnixMs;
use crate::limits;
use crate::pim::mail;
use std::fmt::Write as _;

/// What a bounce is about.
#[derive(Debug)]
pub(super) struct Bounce<'a> {
    /// The name of this server.
    pub(super) host: &'a str,
    /// Who sent the mail.
    pub(super) sender: &'a str,
    /// The envelope id, as the next server knows it.
    pub(super) envelope_id: &'a str,
    /// When the mail was handed in.
    pub(super) queued_ms: UnixMs,
    /// Who did not get it.
    pub(super) failed: &'a [Failed],
    /// The beginning of the mail: its header at least.
    pub(super) original: &'a [u8],
    /// Names the bounce: 16 hexadecimal digits that nobody can guess.
    pub(super) name: &'a str,
    /// When it is written.
    pub(super) at_ms: UnixMs,
}

/// Writes the bounce.
pub(super) fn compose(bounce: &Bounce<'_>) -> Vec<u8> {
    let header = header(bounce.original);
    let (original, _) = mail::inspect(header, bounce.at_ms);
    let Bounce { host, name, .. } = bounce;
    let boundary = format!("report-{name}");
    let is_ascii = bounce.failed.iter().all(|f| f.recipient.is_ascii());
    let mut out = String::with_capacity(4 * 1024 + header.len());
    let _ = write!(
        out,
        "From: Mail Delivery System <mailer-daemon@{host}>\r\n\
         To: <{}>\r\nSubject: Undelivered mail\r\nDate: {}\r\nMessage-ID: <{name}.bounce@{host}>\r\n",
        bounce.sender,
        date(bounce.at_ms),
    );
    let id = original.message_id.trim_matches(['<', '>', ' ']);
    let is_id = |id: &str| id.contains('@') && id.chars().all(|c| c.is_ascii_graphic());
    if is_id(id) {
        let _ = write!(out, "In-Reply-To: <{id}>\r\nReferences: <{id}>\r\n");
    }
    let _ = write!(
        out,
        "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status;\r\n boundary=\"{boundary}\"\r\n\r\n\
         --{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Transfer-Encoding: 8bit\r\n\r\n",
    );
    text(&mut out, bounce, &original.subject);
    let kind = if is_ascii {
        "delivery-status"
    } else {
        "global-delivery-status"
    };
    let _ = write!(
        out,
        "\r\n--{boundary}\r\nContent-Type: message/{kind}\r\n{}\r\n",
        if is_ascii {
            ""
        } else {
            "Content-Transfer-Encoding: 8bit\r\n"
        },
    );
    status(&mut out, bounce);
    let _ = write!(
        out,
        "\r\n--{boundary}\r\nContent-Type: text/rfc822-headers\r\nContent-Transfer-Encoding: 8bit\r\n\r\n",
    );
    let mut out = out.into_bytes();
    out.extend_from_slice(header);
    out.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    out
}

/// For people.
fn text(out: &mut String, bounce: &Bounce<'_>, subject: &str) {
    let subject: String = subject.chars().filter(|c| !c.is_control()).collect();
    let about = match subject.is_empty() {
        true => String::new(),
        false => format!(" \"{subject}\""),
    };
    let _ = write!(
        out,
        "Your mail{about} was not delivered to everyone. These did not get it:\r\n",
    );
    for failed in bounce.failed {
        let said = match failed.server.is_empty() {
            true => String::new(),
            false => format!(" ({} said it)", line(&failed.server)),
        };
        let (who, why) = (line(&failed.recipient), line(&failed.text));
        let _ = write!(out, "\r\n  {who}\r\n    {why}{said}\r\n");
    }
    out.push_str("\r\nIt is not tried again.\r\n");
}

/// For programs.
fn status(out: &mut String, bounce: &Bounce<'_>) {
    let _ = write!(
        out,
        "Reporting-MTA: dns; {}\r\nOriginal-Envelope-Id: {}\r\nArrival-Date: {}\r\n",
        bounce.host,
        bounce.envelope_id,
        date(bounce.queued_ms),
    );
    for failed in bounce.failed {
        let kind = if failed.recipient.is_ascii() {
            "rfc822"
        } else {
            "utf-8"
        };
        let _ = write!(
            out,
            "\r\nFinal-Recipient: {kind}; {}\r\nAction: failed\r\nStatus: {}\r\n",
            line(&failed.recipient),
            line(&failed.status),
        );
        if !failed.server.is_empty() {
            let _ = write!(
                out,
                "Remote-MTA: dns; {}\r\nDiagnostic-Code: smtp; {}\r\n",
                line(&failed.server),
                ascii(&line(&failed.text)),
            );
        }
    }
}

/// The header of a mail, its last line with its end.
fn header(original: &[u8]) -> &[u8] {
    let original = original
        .get(..limits::BOUNCED_HEADER_BYTES_MAX)
        .unwrap_or(original);
    let end = memchr::memmem::find(original, b"\r\n\r\n");
    let end = end.or_else(|| memchr::memrchr(b'\n', original).map(|at| at.saturating_sub(1)));
    original
        .get(..end.map_or(0, |at| at + 2))
        .unwrap_or(original)
}

fn line(text: &str) -> String {
    let shown = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(shown).collect()
}

fn ascii(text: &str) -> String {
    let shown = |c: char| if c.is_ascii() { c } else { '?' };
    text.chars().map(shown).collect()
}

/// RFC 5322 3.3, in UTC.
fn date(ms: UnixMs) -> String {
    jiff::Timestamp::from_millisecond(ms).map_or_else(
        |_| "Thu, 1 Jan 1970 00:00:00 +0000".into(),
        |at| at.strftime("%a, %-d %b %Y %H:%M:%S +0000").to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(recipient: &str) -> Failed {
        Failed {
            recipient: recipient.into(),
            status: "5.1.1".into(),
            text: "550 5.1.1 nobody\r\nBcc: x".into(),
            server: "mx.example.net".into(),
        }
    }

    fn write(failed: &[Failed], original: &str) -> String {
        let bounce = Bounce {
            host: "mail.example.org",
            sender: "ann@example.org",
            envelope_id: "e1",
            queued_ms: 0,
            failed,
            original: original.as_bytes(),
            name: "0123456789abcdef",
            at_ms: 86_400_000,
        };
        String::from_utf8(compose(&bounce)).unwrap()
    }

    #[test]
    fn a_bounce_says_who_did_not_get_it_and_why() {
        let original = "Subject: Hello\r\nMessage-ID: <1@example.org>\r\n\r\nsecret\r\n";
        let bounce = write(&[failed("nobody@example.net")], original);
        let (message, _) = mail::inspect(bounce.as_bytes(), 0);
        assert_eq!(message.message_class, "REPORT.IPM.Note.NDR");
        for expect in [
            "To: <ann@example.org>\r\n",
            "Date: Fri, 2 Jan 1970 00:00:00 +0000\r\n",
            "In-Reply-To: <1@example.org>\r\n",
            "Your mail \"Hello\" was not",
            "Reporting-MTA: dns; mail.example.org\r\n",
            "\r\n\r\nFinal-Recipient: rfc822; nobody@example.net\r\nAction: failed\r\nStatus: 5.1.1\r\n",
            "Diagnostic-Code: smtp; 550 5.1.1 nobody  Bcc: x\r\n",
            "\r\n\r\nSubject: Hello\r\nMessage-ID: <1@example.org>\r\n\r\n--report",
        ] {
            assert!(bounce.contains(expect), "{expect}: {bounce}");
        }
        assert!(!bounce.contains("secret"));
    }

    #[test]
    fn odd_originals_and_addresses_do_no_harm() {
        for original in [
            "",
            "\r\n\r\nbody",
            "no header at all",
            "A: b\n\nc",
            "Subject: x",
        ] {
            let bounce = write(&[failed("jörg@example.net")], original);
            assert!(
                bounce.contains("message/global-delivery-status"),
                "{original:?}"
            );
            assert!(bounce.contains("Final-Recipient: utf-8; jörg@example.net\r\n"));
            assert!(bounce.ends_with("--report-0123456789abcdef--\r\n"));
        }
    }
}
