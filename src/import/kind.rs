//! What a file is: by its name, and by its first bytes where the name says nothing.

use serde::{Deserialize, Serialize};
use std::path::Path;

/// What something found is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// One mail (RFC 5322).
    Mail,
    /// A calendar file: appointments, tasks, notes.
    Calendar,
    /// A file of cards: contacts.
    Cards,
}

/// How a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// The whole file is one thing.
    Whole(Kind),
    /// A length, a mail of that length, and a property list (Apple Mail).
    Emlx,
    /// Mails one after the other.
    Mbox,
    /// Nothing of ours, with the reason.
    Foreign(&'static str),
    /// What mail programs keep beside the mail: no need to speak of it.
    Index,
}

/// Bytes of a file that its kind is told from.
pub(super) const HEAD_BYTES: usize = 4 * 1024;

/// Tells the format from the file's name and its first [`HEAD_BYTES`].
pub(super) fn format(path: &Path, head: &[u8]) -> Format {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.to_ascii_lowercase();
    if is_index(&name) {
        return Format::Index;
    }
    let extension = name.rsplit_once('.').map_or("", |(_, e)| e);
    match by_content(head) {
        // A mail may quote a mailbox, but a mailbox begins as one.
        Some(Format::Mbox) if extension == "eml" => Format::Whole(Kind::Mail),
        Some(format) => format,
        None => by_name(extension, head),
    }
}

fn by_content(head: &[u8]) -> Option<Format> {
    let text = without_mark(head);
    let begins = |with: &[u8]| {
        let start = text.trim_ascii_start();
        start
            .get(..with.len())
            .is_some_and(|s| s.eq_ignore_ascii_case(with))
    };
    if text.starts_with(b"From ") {
        Some(Format::Mbox)
    } else if begins(b"BEGIN:VCALENDAR") {
        Some(Format::Whole(Kind::Calendar))
    } else if begins(b"BEGIN:VCARD") {
        Some(Format::Whole(Kind::Cards))
    } else {
        None
    }
}

fn by_name(extension: &str, head: &[u8]) -> Format {
    match extension {
        "ics" | "ical" | "icalendar" | "ifb" => Format::Whole(Kind::Calendar),
        "vcf" | "vcard" => Format::Whole(Kind::Cards),
        "eml" | "rfc822" | "mime" => Format::Whole(Kind::Mail),
        "emlx" => Format::Emlx,
        "mbox" | "mbx" if head.trim_ascii().is_empty() => Format::Mbox,
        "mbox" | "mbx" => {
            Format::Foreign("not a mailbox: its first line does not begin with `From `")
        }
        "msg" if head.starts_with(b"\xd0\xcf\x11\xe0") => {
            Format::Foreign("an Outlook message; save it as .eml")
        }
        "pst" | "ost" => Format::Foreign("an Outlook archive; export it as .eml or mbox"),
        "gz" | "bz2" | "xz" | "zst" | "zip" | "tar" | "tgz" | "7z" | "rar" => {
            Format::Foreign("an archive; unpack it first")
        }
        "olk14message" | "olk15message" => {
            Format::Foreign("an Outlook for Mac file; export it as mbox")
        }
        _ if looks_like_mail(head) => Format::Whole(Kind::Mail),
        _ if head.is_empty() => Format::Foreign("an empty file"),
        _ => Format::Foreign("neither mail, calendar nor cards"),
    }
}

/// Whether the bytes begin with header fields, one of them a field that every mail has.
pub(super) fn looks_like_mail(head: &[u8]) -> bool {
    const SURE: &[&str] = &[
        "from",
        "to",
        "subject",
        "date",
        "received",
        "return-path",
        "message-id",
        "mime-version",
        "delivered-to",
        "content-type",
    ];
    let mut sure = 0;
    for line in head.split(|&b| b == b'\n').take(60) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() || sure > 1 {
            break;
        }
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            continue;
        }
        let len = line
            .iter()
            .take_while(|&&b| b.is_ascii_graphic() && b != b':')
            .count();
        let (name, rest) = line.split_at_checked(len).unwrap_or_default();
        if name.is_empty() || !rest.trim_ascii_start().starts_with(b":") {
            return false;
        }
        let is_sure = SURE.iter().any(|s| s.as_bytes().eq_ignore_ascii_case(name));
        sure += usize::from(is_sure);
    }
    sure > 0
}

fn is_index(name: &str) -> bool {
    const SUFFIXES: &[&str] = &[
        ".msf", ".dat", ".cache", ".index", ".lock", ".log", ".sqlite", ".db", ".ini", ".plist",
    ];
    const NAMES: &[&str] = &[
        "maildirfolder",
        "maildirsize",
        "subscriptions",
        "thumbs.db",
        "desktop.ini",
        "popstate.dat",
        "msgfilterrules.dat",
        "table_of_contents",
    ];
    name.starts_with('.')
        || name.starts_with("dovecot")
        || name.starts_with("courierimap")
        || NAMES.contains(&name)
        || SUFFIXES.iter().any(|s| name.ends_with(s))
}

/// Without a byte-order mark.
fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_content_and_name() {
        let check = |name: &str, head: &str, expect: Format| {
            assert_eq!(format(Path::new(name), head.as_bytes()), expect, "{name}");
        };
        let mail = Format::Whole(Kind::Mail);
        check("a.eml", "Subject: x\n\n", mail);
        check(
            "a.eml",
            "From ann Sun Nov 22 13:00:00 2026\nSubject: x\n",
            mail,
        );
        check("1700000000.M1P2.host:2,S", "Return-Path: <a@x>\r\n", mail);
        check("Inbox", "From - Sun Nov 22 13:00:00 2026\n", Format::Mbox);
        check("empty.mbox", "", Format::Mbox);
        check(
            "a.txt",
            "BEGIN:VCALENDAR\r\n",
            Format::Whole(Kind::Calendar),
        );
        check("a.bin", "\u{feff}begin:vcard\n", Format::Whole(Kind::Cards));
        check("b.ics", "garbage", Format::Whole(Kind::Calendar));
        check("a.emlx", "123\nSubject: x", Format::Emlx);
        check("Inbox.msf", "// <!-- mork", Format::Index);
        check(".DS_Store", "x", Format::Index);
        let foreign = |name, head: &str| {
            matches!(format(Path::new(name), head.as_bytes()), Format::Foreign(_))
        };
        assert!(foreign("notes.txt", "Dear diary: today"));
        assert!(foreign("a.pst", "!BDN"));
        assert!(foreign("x.mbox", "nothing"));
        assert!(foreign("empty", ""));
    }
}
