//! Bodies of mail: text, HTML, MIME, or rich text made of the text ([MS-ASAIRS] 3.2.5; up to 2.5
//! [MS-ASEMAIL] in its old form, which has no rich text for mail).

use crate::eas::classes::body::{self, Choice, OldTags};
use crate::eas::classes::{Context, Fetched, Need};
use crate::eas::options::{BodyPreference, Options};
use crate::eas::version::Version;
use crate::pim::message::ArchivedMessage;
use crate::pim::{BodyKind, html, rtf};
use crate::wbxml::Writer;
use crate::wbxml::tags::{airsyncbase, email};
use std::borrow::Cow;

/// Bytes of MIME that are sent for each code of `MIMETruncation`; none: all.
const MIME_TRUNCATION: [Option<u32>; 9] = [
    Some(0),
    Some(4_096),
    Some(5_120),
    Some(7_168),
    Some(10_240),
    Some(20_480),
    Some(51_200),
    Some(102_400),
    None,
];

const OLD: OldTags = OldTags {
    body: email::BODY,
    size: Some(email::BODY_SIZE),
    truncated: email::BODY_TRUNCATED,
    rtf: None,
};

/// What has to be read for the body that these options want.
pub(in crate::eas::classes) fn needs(
    m: &ArchivedMessage,
    options: &Options,
    version: Version,
) -> Need {
    let mut need = Need::default();
    let choice = chosen(m, options, version);
    let whole = m.mime.bytes.to_native();
    match choice.kind {
        BodyKind::Mime if choice.wants_text() => {
            let bytes = choice.limit.map_or(whole, |l| whole.min(u64::from(l)));
            need.mime = Some((body::blob_ref(&m.mime), bytes));
            need.raw = true;
        }
        BodyKind::Html if choice.wants_text() && has_html(m) => need.html = true,
        BodyKind::Html if choice.wants_text() => need.text = !text_is_whole(m),
        BodyKind::Text | BodyKind::Rtf => {
            need.text = !text_is_whole(m) && !choice.is_served_by(held(m, version));
        }
        _ => {}
    }
    if let Some(part) = part_of(options, version)
        && part.wants_text()
    {
        need.html |= has_html(m);
        need.text |= !has_html(m) && !text_is_whole(m);
    }
    if need.text || need.html {
        need.mime = Some((body::blob_ref(&m.mime), whole));
    }
    need
}

/// Writes the body, its part if one is wanted, and the native type.
pub(super) fn write(w: &mut Writer, m: &ArchivedMessage, ctx: &Context<'_>) {
    let mut choice = chosen(m, ctx.options, ctx.version);
    let rendition = rendition(m, ctx.fetched, &choice);
    if ctx.version == Version::V2_5 {
        return match choice.kind {
            BodyKind::Mime => write_old_mime(w, &choice, &rendition),
            _ => {
                let Rendition {
                    text,
                    size,
                    complete,
                } = &rendition;
                body::write_old(w, OLD, text, *size, *complete, choice.limit);
            }
        };
    }
    let Rendition {
        text,
        size,
        complete,
    } = rendition;
    // How long rich text is, is known only when it is made.
    choice.data &= complete || !(choice.whole && choice.kind == BodyKind::Rtf);
    body::write_as(w, &choice, &text, size, complete, Some(&m.text_head));
    if let Some(part) = part_of(ctx.options, ctx.version) {
        write_part(w, m, ctx.fetched, &part);
    }
    let native = match body::kind_of(&m.native) {
        BodyKind::Html => BodyKind::Html,
        // A mail without any text counts as plain: no client renders MIME as a native form.
        _ => BodyKind::Text,
    };
    w.num(airsyncbase::NATIVE_BODY_TYPE, native as u8);
}

/// `BodyPart` (14.1+): the HTML of this message of a conversation.
fn write_part(w: &mut Writer, m: &ArchivedMessage, fetched: &Fetched, choice: &Choice) {
    let Rendition {
        text,
        size,
        complete,
    } = rendition(m, fetched, choice);
    w.open(airsyncbase::BODY_PART);
    w.num(airsyncbase::STATUS, 1);
    w.num(airsyncbase::TYPE, choice.kind as u8);
    w.num(airsyncbase::ESTIMATED_DATA_SIZE, body::clamped(size));
    body::write_content(w, choice, &text, size, complete, Some(&m.text_head));
    w.close();
}

fn write_old_mime(w: &mut Writer, choice: &Choice, rendition: &Rendition<'_>) {
    let Rendition {
        text,
        size,
        complete,
    } = rendition;
    let limit = choice.limit.map_or(usize::MAX, |l| l as usize);
    let sent = crate::pim::mail::cut(text, limit);
    w.flag(email::MIME_TRUNCATED, !complete || sent.len() < text.len());
    w.num(email::MIME_SIZE, body::clamped(*size));
    w.text_if(email::MIME_DATA, sent);
}

/// A mail's body in one form: as much of it as is at hand.
struct Rendition<'a> {
    text: Cow<'a, str>,
    /// Bytes of the whole.
    size: u64,
    /// `text` is the whole.
    complete: bool,
}

fn rendition<'a>(m: &'a ArchivedMessage, fetched: &'a Fetched, choice: &Choice) -> Rendition<'a> {
    match choice.kind {
        BodyKind::Mime => mime(m, fetched),
        BodyKind::Html => match &fetched.html {
            Some(html) => Rendition {
                text: Cow::Borrowed(html),
                size: html.len() as u64,
                complete: true,
            },
            None if has_html(m) => Rendition {
                text: Cow::Borrowed(""),
                size: u64::from(m.html_bytes.to_native()),
                complete: false,
            },
            None => {
                let plain = text(m, fetched);
                let html = html::from_text(&plain.text);
                Rendition {
                    size: html.len() as u64,
                    text: Cow::Owned(html),
                    complete: plain.complete,
                }
            }
        },
        BodyKind::Text => text(m, fetched),
        BodyKind::Rtf => {
            let plain = text(m, fetched);
            let (rich, all) = body::rich(&plain.text, choice.limit);
            let complete = plain.complete && all;
            Rendition {
                size: body::rich_size(&rich, complete, plain.size),
                text: Cow::Owned(rich),
                complete,
            }
        }
    }
}

fn text<'a>(m: &'a ArchivedMessage, fetched: &'a Fetched) -> Rendition<'a> {
    match &fetched.text {
        Some(text) => Rendition {
            text: Cow::Borrowed(text),
            size: text.len() as u64,
            complete: true,
        },
        None => Rendition {
            text: Cow::Borrowed(&m.text_head),
            size: u64::from(m.text_bytes.to_native()).max(m.text_head.len() as u64),
            complete: text_is_whole(m),
        },
    }
}

/// The MIME as text. The protocol has it as a string, so bytes of a mail that are not UTF-8 (8-bit
/// parts in another character set) turn into replacement characters.
fn mime<'a>(m: &ArchivedMessage, fetched: &'a Fetched) -> Rendition<'a> {
    let raw = fetched.mime.as_deref().unwrap_or_default();
    let size = m.mime.bytes.to_native();
    let text = match std::str::from_utf8(raw) {
        Ok(text) => Cow::Borrowed(text),
        // Cut within a character.
        Err(e) if e.error_len().is_none() => {
            String::from_utf8_lossy(raw.get(..e.valid_up_to()).unwrap_or_default())
        }
        Err(_) => String::from_utf8_lossy(raw),
    };
    Rendition {
        text,
        size,
        complete: raw.len() as u64 == size,
    }
}

fn has_html(m: &ArchivedMessage) -> bool {
    m.html_bytes.to_native() > 0
}

fn text_is_whole(m: &ArchivedMessage) -> bool {
    m.text_head.len() as u64 >= u64::from(m.text_bytes.to_native())
}

/// How much of the text the record holds, in the unit of the version's limits.
fn held(m: &ArchivedMessage, version: Version) -> usize {
    match version {
        Version::V2_5 => m.text_head.chars().count(),
        _ => m.text_head.len(),
    }
}

/// Whether this mail is to go out as MIME.
fn wants_mime(m: &ArchivedMessage, options: &Options) -> bool {
    match options.mime_support {
        2 => true,
        1 => m.message_class.starts_with("IPM.Note.SMIME"),
        _ => false,
    }
}

fn mime_truncation(options: &Options) -> Option<u32> {
    let code = options.mime_truncation.unwrap_or(8);
    MIME_TRUNCATION.get(usize::from(code)).copied().flatten()
}

fn chosen(m: &ArchivedMessage, options: &Options, version: Version) -> Choice {
    let mime = wants_mime(m, options);
    if version == Version::V2_5 {
        let (kind, limit) = match mime {
            true => (BodyKind::Mime, mime_truncation(options)),
            false => (BodyKind::Text, body::truncation(options)),
        };
        return Choice {
            kind,
            limit,
            data: true,
            whole: false,
            preview: None,
        };
    }
    let size = |kind| size_of(m, kind);
    if mime && let Some(wanted) = options.body(BodyKind::Mime) {
        let limit = wanted.limit.or_else(|| mime_truncation(options));
        let wanted = BodyPreference { limit, ..wanted };
        let choice = body::choose(BodyKind::Mime, std::iter::once(wanted), size);
        if choice.data {
            return choice;
        }
    }
    let native = match body::kind_of(&m.native) {
        BodyKind::Html => BodyKind::Html,
        _ => BodyKind::Text,
    };
    let all = options.bodies.iter().flatten().copied();
    let shown = all.clone().filter(|p| p.kind != BodyKind::Mime);
    if shown.clone().next().is_none() {
        // Only forms that this mail does not go out in: text is what everybody shows.
        let as_text = all.map(|p| BodyPreference {
            kind: BodyKind::Text,
            ..p
        });
        return body::choose(native, as_text, size);
    }
    body::choose(native, shown, size)
}

/// The choice that a `BodyPartPreference` is.
fn part_of(options: &Options, version: Version) -> Option<Choice> {
    let wanted = options.body_part.filter(|_| version >= Version::V14_1)?;
    Some(Choice {
        kind: BodyKind::Html,
        limit: wanted.limit,
        data: true,
        whole: wanted.all_or_none,
        preview: wanted.preview,
    })
}

fn size_of(m: &ArchivedMessage, kind: BodyKind) -> Option<u64> {
    match kind {
        BodyKind::Text => Some(u64::from(m.text_bytes.to_native())),
        // HTML that has yet to be made of text is a little longer than that.
        BodyKind::Html if !has_html(m) => Some(u64::from(m.text_bytes.to_native()) + 64),
        BodyKind::Html => Some(u64::from(m.html_bytes.to_native())),
        BodyKind::Mime => Some(m.mime.bytes.to_native()),
        BodyKind::Rtf => Some(rtf::estimated_bytes(u64::from(m.text_bytes.to_native()))),
    }
}
