//! Replies and forwards that the server completes from the original ([MS-ASCMD] 2.2.1.19, 2.2.1.20).
//!
//! What the client wrote keeps its header, field by field; only the body is made anew: its text above
//! the original's, its attachments, and those of the original that belong to it. Absent: anything for a
//! signed or encrypted message of the client, which has to stay as it is.

use super::body::{Renditions, renditions};
use super::compose::{self, Draft};
use super::file::File;
use super::header::{Headers, one_line};
use super::{inspect, structure};
use crate::pim::html;
use crate::pim::message::{Message, Part};
use mail_builder::headers::date::Date;
use mail_parser::HeaderName;

/// References that are repeated at most: the first ones name the conversation.
const REFERENCES_MAX: usize = 40;

/// How the original is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// Its text is quoted.
    Reply,
    /// It goes along, with its attachments.
    Forward,
}

/// The client's message with the original below it.
#[must_use]
pub fn complete(client: &[u8], original: &[u8], answer: Answer) -> Vec<u8> {
    let (mine, _) = inspect(client, 0);
    if is_sealed(&mine) {
        return threaded(client, original);
    }
    let (theirs, _) = inspect(original, 0);
    let sealed = theirs.message_class == "IPM.Note.SMIME";
    let (new, old) = match sealed {
        // Only the recipient can open it: it goes along as it is.
        true => (renditions(client), Renditions::default()),
        false => (renditions(client), renditions(original)),
    };
    let text = text_of(&new, &old, &theirs, answer);
    let html = html_of(&new, &old, &theirs, answer);
    let mut files: Vec<_> = mine.parts.iter().map(|p| File::of(client, p)).collect();
    if sealed && answer == Answer::Forward {
        files.push(File::message(&theirs.subject, original));
    } else {
        let goes = |part: &&Part| answer == Answer::Forward || part.inline && html.is_some();
        let parts = theirs.parts.iter().filter(goes);
        files.extend(parts.map(|p| File::of(original, p)));
    }
    let body = compose::build(&Draft {
        text: &text,
        html: html.as_deref(),
        files,
        ..Draft::default()
    });
    with_body(client, &body, original)
}

/// Signed or encrypted by the client: a change would break that.
fn is_sealed(m: &Message) -> bool {
    m.message_class.starts_with("IPM.Note.SMIME")
}

/// Who wrote the original, when and to whom, as label and value.
fn heading(theirs: &Message) -> Vec<(&'static str, String)> {
    let sent = Date::new(theirs.sent_ms.div_euclid(1_000)).to_rfc822();
    let lines = [
        ("From", theirs.from.clone()),
        ("Sent", sent),
        ("To", theirs.to.clone()),
        ("Cc", theirs.cc.clone()),
        ("Subject", theirs.subject.clone()),
    ];
    lines.into_iter().filter(|(_, v)| !v.is_empty()).collect()
}

fn text_of(new: &Renditions, old: &Renditions, theirs: &Message, answer: Answer) -> String {
    let mut text = new.text.trim_end().to_owned();
    text.push_str("\r\n\r\n-----Original Message-----\r\n");
    for (label, value) in heading(theirs) {
        text.push_str(&format!("{label}: {value}\r\n"));
    }
    text.push_str("\r\n");
    for line in old.text.lines() {
        if answer == Answer::Reply {
            text.push_str(if line.starts_with('>') { ">" } else { "> " });
        }
        text.push_str(line);
        text.push_str("\r\n");
    }
    text
}

/// HTML where one of the two has some; the original below a line.
fn html_of(new: &Renditions, old: &Renditions, theirs: &Message, answer: Answer) -> Option<String> {
    if new.html.is_none() && old.html.is_none() {
        return None;
    }
    let shown = |r: &Renditions| r.html.clone().unwrap_or_else(|| html::from_text(&r.text));
    let (new, old) = (shown(new), shown(old));
    let mut below = String::from("<hr><div>");
    for (label, value) in heading(theirs) {
        below.push_str(&format!(
            "<b>{label}:</b> {}<br>",
            inner(&html::from_text(&value))
        ));
    }
    below.push_str("</div><br>");
    let (open, close) = match answer {
        Answer::Reply => ("<blockquote type=\"cite\">", "</blockquote>"),
        Answer::Forward => ("<div>", "</div>"),
    };
    below.extend([open, inner(&old), close]);
    let at = find(&new, "</body").unwrap_or(new.len());
    let (before, after) = new.split_at(at);
    Some([before, &below, after].concat())
}

/// What stands between the tags of a body, where there are some.
fn inner(html: &str) -> &str {
    let from = find(html, "<body").and_then(|at| {
        let tag = html.get(at..)?;
        Some(at + tag.find('>')? + 1)
    });
    let rest = html.get(from.unwrap_or(0)..).unwrap_or_default();
    let to = find(rest, "</body").unwrap_or(rest.len());
    rest.get(..to).unwrap_or_default()
}

/// Where a piece of ASCII stands, in any case.
fn find(html: &str, piece: &str) -> Option<usize> {
    let found = |window: &[u8]| window.eq_ignore_ascii_case(piece.as_bytes());
    html.as_bytes().windows(piece.len()).position(found)
}

/// The client's header with another body, and threaded to the original.
fn with_body(client: &[u8], body: &[u8], original: &[u8]) -> Vec<u8> {
    let (head, _) = structure::split(client);
    let (content, rest) = structure::split(body);
    let added = thread_fields(head, original);
    let is_content = |name: &[u8]| {
        let name = name.to_ascii_lowercase();
        name == b"mime-version" || name.starts_with(b"content-")
    };
    let mut out = Vec::with_capacity(head.len() + body.len() + 512);
    for (name, line) in structure::fields(head) {
        if !is_content(name) {
            out.extend_from_slice(line);
            if !line.ends_with(b"\n") {
                out.extend_from_slice(b"\r\n");
            }
        }
    }
    out.extend_from_slice(added.as_bytes());
    for (name, line) in structure::fields(content) {
        if is_content(name) {
            out.extend_from_slice(line);
        }
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(rest.strip_prefix(b"\r\n").unwrap_or(rest));
    out
}

/// The client's message as it is, threaded to the original, of which the header is enough.
#[must_use]
pub fn threaded(client: &[u8], original: &[u8]) -> Vec<u8> {
    let (head, body) = structure::split(client);
    let added = thread_fields(head, original);
    let mut out = Vec::with_capacity(client.len() + added.len() + 2);
    out.extend_from_slice(added.as_bytes());
    out.extend_from_slice(head);
    out.extend_from_slice(body);
    out
}

/// The fields that thread a message with this header to the original: those that the client has not
/// written itself.
fn thread_fields(head: &[u8], original: &[u8]) -> String {
    let headers = Headers::parse(head);
    let (their_head, _) = structure::split(original);
    let theirs = Headers::parse(their_head);
    let parent = theirs.text(&HeaderName::MessageId);
    if headers.is_empty() || parent.is_empty() {
        return String::new();
    }
    let has = |field| !headers.ids(&field).is_empty();
    let mut added = String::new();
    if !has(HeaderName::InReplyTo) {
        added.push_str(&format!("In-Reply-To: <{}>\r\n", one_line(&parent)));
    }
    if !has(HeaderName::References) {
        added.push_str(&thread(&theirs.ids(&HeaderName::References), &parent));
    }
    added
}

/// `References` (RFC 5322 3.6.4), each id on a line of its own.
fn thread(references: &[String], parent: &str) -> String {
    let parent = one_line(parent);
    let mut ids: Vec<&String> = references.iter().collect();
    if ids.len() > REFERENCES_MAX {
        ids.drain(1..=ids.len() - REFERENCES_MAX);
    }
    let mut out = String::from("References:");
    for id in ids {
        out.push_str(&format!(" <{}>\r\n", one_line(id)));
    }
    out.push_str(&format!(" <{parent}>\r\n"));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pim::mail::{decode, slice};

    const ORIGINAL: &str = "From: Bob <bob@example.org>\r\nTo: alice@example.org\r\nSubject: Lunch\r\n\
        Date: Thu, 1 Jan 2026 10:00:00 +0000\r\nMessage-ID: <one@example.org>\r\n\
        References: <zero@example.org>\r\n\r\nShall we?\r\n> earlier\r\n";
    const NEW: &str = "From: alice@example.org\r\nTo: bob@example.org\r\nBcc: carl@example.org\r\n\
        Subject: Re: Lunch\r\nX-Kept: yes\r\nContent-Type: text/plain; charset=utf-8\r\n\
        Content-Transfer-Encoding: 8bit\r\n\r\nYes, gr\u{fc}n!\r\n";
    const WITH_FILE: &str = "From: bob@example.org\r\nSubject: File\r\nMessage-ID: <f@x>\r\n\
        MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\
        Content-Type: text/html\r\n\r\n<html><BODY class=x><p>See <b>this</b></p></BODY></html>\r\n\
        --b\r\nContent-Type: image/png\r\nContent-Disposition: attachment; filename=\"a.png\"\r\n\
        Content-Transfer-Encoding: base64\r\n\r\nAAEC/w==\r\n--b--\r\n";

    fn done(client: &str, original: &str, answer: Answer) -> (Vec<u8>, Message) {
        let raw = complete(client.as_bytes(), original.as_bytes(), answer);
        let (message, _) = inspect(&raw, 0);
        (raw, message)
    }

    #[test]
    fn a_reply_quotes_the_text_and_keeps_the_header() {
        let (raw, message) = done(NEW, ORIGINAL, Answer::Reply);
        let text = renditions(&raw).text;
        assert!(
            text.starts_with("Yes, grün!\r\n\r\n-----Original Message-----\r\nFrom: "),
            "{text}"
        );
        assert!(
            text.contains("Subject: Lunch\r\n\r\n> Shall we?\r\n>> earlier\r\n"),
            "{text}"
        );
        assert_eq!(message.subject, "Re: Lunch");
        assert_eq!(message.bcc, "carl@example.org");
        let (head, _) = structure::split(&raw);
        let head = String::from_utf8_lossy(head);
        for line in [
            "X-Kept: yes\r\n",
            "In-Reply-To: <one@example.org>\r\n",
            "References: <zero@example.org>\r\n <one@example.org>\r\n",
        ] {
            assert!(head.contains(line), "{head}");
        }
        assert_eq!(message.html_bytes, 0);
    }

    #[test]
    fn a_forward_takes_the_attachments_along() {
        let (raw, message) = done(NEW, WITH_FILE, Answer::Forward);
        let [part] = &message.parts[..] else {
            panic!("{:?}", message.parts);
        };
        assert_eq!((part.name.as_str(), part.bytes), ("a.png", 4));
        let bytes = decode(slice(&raw, part.body_from, part.body_to), part.encoding);
        assert_eq!(&*bytes, &[0, 1, 2, 255]);
        let html = renditions(&raw).html.unwrap();
        assert!(html.contains("Yes, grün!"), "{html}");
        assert!(
            html.contains("<div><p>See <b>this</b></p></div></body>"),
            "{html}"
        );
        // A reply does not.
        let (_, message) = done(NEW, WITH_FILE, Answer::Reply);
        assert_eq!(message.parts, []);
    }

    #[test]
    fn what_the_client_has_signed_stays_as_it_is() {
        let signed = "From: a@x\r\nTo: b@x\r\nContent-Type: multipart/signed; \
            protocol=\"application/pkcs7-signature\"; micalg=sha-256; boundary=s\r\n\r\n--s\r\n\r\nhi\r\n\
            --s\r\nContent-Type: application/pkcs7-signature\r\n\r\nAAAA\r\n--s--\r\n";
        let raw = complete(signed.as_bytes(), ORIGINAL.as_bytes(), Answer::Reply);
        let thread = "In-Reply-To: <one@example.org>\r\nReferences: <zero@example.org>\r\n <one@example.org>\r\n";
        assert_eq!(String::from_utf8_lossy(&raw), format!("{thread}{signed}"));
    }

    #[test]
    fn an_encrypted_original_goes_along_whole() {
        let sealed = "From: bob@x\r\nSubject: secret\r\nContent-Type: application/pkcs7-mime; \
            smime-type=enveloped-data; name=smime.p7m\r\nContent-Transfer-Encoding: base64\r\n\r\nAAECAw==\r\n";
        let (raw, message) = done(NEW, sealed, Answer::Forward);
        let [part] = &message.parts[..] else {
            panic!("{:?}", message.parts);
        };
        assert_eq!(part.content_type, "message/rfc822");
        let inside = decode(slice(&raw, part.body_from, part.body_to), part.encoding);
        assert_eq!(inside.trim_ascii_end(), sealed.as_bytes().trim_ascii_end());
    }

    #[test]
    fn what_the_client_says_of_the_thread_stays() {
        let check = |more: &str, expect: &str| {
            let client = format!("From: a@x\r\n{more}To: b@x\r\n\r\nhi\r\n");
            let raw = threaded(client.as_bytes(), ORIGINAL.as_bytes());
            assert_eq!(String::from_utf8_lossy(&raw), format!("{expect}{client}"));
        };
        let (parent, references) = (
            "In-Reply-To: <one@example.org>\r\n",
            "References: <zero@example.org>\r\n <one@example.org>\r\n",
        );
        check("", &format!("{parent}{references}"));
        check("References: <q@x>\r\n", parent);
        check("In-Reply-To: <q@x>\r\n", references);
        check("In-Reply-To: <q@x>\r\nReferences: <q@x>\r\n", "");
    }

    #[test]
    fn long_threads_keep_their_beginning() {
        let many: Vec<String> = (0..100).map(|n| format!("{n}@x")).collect();
        let head = thread(&many, "last@x");
        assert!(head.contains("References: <0@x>\r\n <61@x>\r\n"), "{head}");
        assert!(head.ends_with(" <99@x>\r\n <last@x>\r\n"), "{head}");
    }
}
