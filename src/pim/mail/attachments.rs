//! The list of attachments of a mail's record.

use super::body::{Chosen, cut};
use super::header::one_line;
use super::structure::Entity;
use super::transfer;
use crate::limits::{ATTACHMENT_LIST_BYTES_MAX, MIME_PARTS_MAX};
use crate::pim::message::Part;
use mail_parser::HeaderName;
use std::collections::HashSet;

/// Bytes of a file name, which is what file systems take.
const NAME_BYTES_MAX: usize = 255;
/// Bytes that the fixed fields of a stored [`Part`] take.
const PART_BYTES: usize = 96;

/// The attachments among the entities, in the order of the MIME.
pub(super) fn list(
    raw: &[u8],
    entities: &[Entity<'_>],
    chosen: &Chosen,
    html: Option<&str>,
) -> Vec<Part> {
    let shown = html.map(references).unwrap_or_default();
    let mut parts = Vec::new();
    let mut bytes = 0;
    for (number, &index) in chosen.attachments.iter().enumerate() {
        let Some(entity) = entities.get(index) else {
            continue;
        };
        let part = part(raw, entity, index, number + 1, &shown);
        bytes += PART_BYTES
            + part.name.len()
            + part.content_type.len()
            + part.content_id.len()
            + part.content_location.len();
        if bytes > ATTACHMENT_LIST_BYTES_MAX {
            break;
        }
        parts.push(part);
    }
    parts
}

fn part(
    raw: &[u8],
    entity: &Entity<'_>,
    index: usize,
    number: usize,
    shown: &HashSet<String>,
) -> Part {
    let encoded = raw.get(entity.body.clone()).unwrap_or_default();
    let short = |s: String| cut(&s, NAME_BYTES_MAX).to_owned();
    let content_id = short(entity.headers.text(&HeaderName::ContentId));
    let content_location = short(entity.headers.text(&HeaderName::ContentLocation));
    let embedded = is_embedded(&entity.content_type);
    Part {
        index: u32::try_from(index).unwrap_or(u32::MAX),
        body_from: entity.body.start as u64,
        body_to: entity.body.end as u64,
        encoding: entity.encoding,
        name: name(raw, entity, number, embedded),
        content_type: short(entity.content_type.clone()),
        // A part that the HTML does not show has to stay visible as an attachment, whatever its
        // disposition says: some clients mark everything inline.
        inline: (!content_id.is_empty() && shown.contains(&content_id))
            || (!content_location.is_empty() && shown.contains(&content_location)),
        content_id,
        content_location,
        embedded,
        bytes: transfer::decoded_len(encoded, entity.encoding),
    }
}

fn is_embedded(content_type: &str) -> bool {
    matches!(content_type, "message/rfc822" | "message/global")
}

/// A name to show and to save under: never empty, never a path.
fn name(raw: &[u8], entity: &Entity<'_>, number: usize, embedded: bool) -> String {
    if let Some(name) = entity.headers.file_name() {
        let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
        let clean = one_line(last);
        let clean = clean.trim_matches(['.', ' ']);
        if !clean.is_empty() {
            return cut(clean, NAME_BYTES_MAX).to_owned();
        }
    }
    if embedded {
        let encoded = raw.get(entity.body.clone()).unwrap_or_default();
        let head = transfer::decode_range(encoded, entity.encoding, 0..16 * 1024);
        let subject = super::header::Headers::parse(&head).text(&HeaderName::Subject);
        let subject: String = subject
            .chars()
            .filter(|c| !"/\\:*?\"<>|".contains(*c))
            .collect();
        let subject = cut(subject.trim(), NAME_BYTES_MAX - 4);
        return format!(
            "{}.eml",
            if subject.is_empty() {
                "message"
            } else {
                subject
            }
        );
    }
    format!("attachment-{number}.{}", extension(&entity.content_type))
}

/// The usual extension of a media type.
fn extension(content_type: &str) -> &str {
    match content_type {
        "text/plain" => "txt",
        "text/calendar" | "application/ics" => "ics",
        "text/vcard" | "text/x-vcard" => "vcf",
        "image/jpeg" => "jpg",
        "image/svg+xml" => "svg",
        "application/pkcs7-signature" | "application/x-pkcs7-signature" => "p7s",
        "application/pkcs7-mime" | "application/x-pkcs7-mime" => "p7m",
        "application/pgp-signature" => "asc",
        "message/delivery-status" | "message/disposition-notification" => "txt",
        "text/rfc822-headers" => "txt",
        other => match other.split_once('/') {
            Some(("text" | "image" | "audio" | "video" | "application", sub))
                if sub.len() <= 5 && sub.bytes().all(|b| b.is_ascii_alphanumeric()) =>
            {
                sub
            }
            _ => "bin",
        },
    }
}

/// What the HTML shows: the ids of its `cid:` links, and the addresses of its pictures.
fn references(html: &str) -> HashSet<String> {
    let ends = |c: char| matches!(c, '"' | '\'' | ')' | '>' | '<') || c.is_whitespace();
    let mut found = HashSet::new();
    for key in ["cid:", "CID:", "Cid:", "src=\"", "SRC=\""] {
        for rest in html.split(key).skip(1).take(MIME_PARTS_MAX) {
            let link = rest.split(ends).next().unwrap_or_default();
            let link = cut(link, 4 * NAME_BYTES_MAX).replace("&amp;", "&");
            let decoded = percent_encoding::percent_decode_str(&link).decode_utf8_lossy();
            found.insert(decoded.into_owned());
        }
    }
    found
}
