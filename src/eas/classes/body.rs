//! Bodies of contacts, appointments, tasks and notes, and what the bodies of mail share with them:
//! the choice of a form ([MS-ASAIRS] 3.2.5), and how it is written.
//!
//! Up to 2.5 a body is plain text in the class's own page; from 12.0 on it is AirSyncBase `Body`.

use super::{Context, Error, Slot, value};
use crate::eas::options::{BodyPreference, Options, body_kind};
use crate::eas::version::Version;
use crate::limits::BODY_INLINE_BYTES_MAX;
use crate::pim::body::{ArchivedBlobRef, ArchivedBody, ArchivedBodyKind, BlobRef};
use crate::pim::{Body, BodyKind, html, mail, rtf};
use crate::wbxml::tags::airsyncbase;
use crate::wbxml::{Reader, Tag, Writer};
use std::borrow::Cow;

/// Characters of a body that 2.5 asks for with each code of `Truncation`; none: all.
const TRUNCATION: [Option<u32>; 10] = [
    Some(0),
    Some(512),
    Some(1024),
    Some(2048),
    Some(5120),
    Some(10_240),
    Some(20_480),
    Some(51_200),
    Some(102_400),
    None,
];

/// The form in which a body is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Choice {
    pub(super) kind: BodyKind,
    /// The most bytes; none: all.
    pub(super) limit: Option<u32>,
    /// Whether the text itself is sent, or only what there would be.
    pub(super) data: bool,
    /// All of it, or nothing.
    pub(super) whole: bool,
    /// Characters of a preview.
    pub(super) preview: Option<u8>,
}

impl Choice {
    /// Whether any of the text is to be sent.
    pub(super) fn wants_text(&self) -> bool {
        self.data && self.limit != Some(0)
    }

    /// Whether the first `held` bytes are enough of a text.
    pub(super) fn is_served_by(&self, held: usize) -> bool {
        !self.wants_text() || self.limit.is_some_and(|limit| held >= limit as usize)
    }
}

/// The characters that `Truncation` of 2.5 allows; none: all.
pub(super) fn truncation(options: &Options) -> Option<u32> {
    let code = options.truncation.unwrap_or(9);
    TRUNCATION.get(usize::from(code)).copied().flatten()
}

/// Chooses among preferences, in the order of the client: the native form first, then the others.
/// `size` tells how long the body is in a form, where that is known. One that takes all or nothing
/// is passed over if it would be cut.
pub(super) fn choose(
    native: BodyKind,
    wanted: impl Iterator<Item = BodyPreference> + Clone,
    size: impl Fn(BodyKind) -> Option<u64>,
) -> Choice {
    let of = |p: BodyPreference, data| Choice {
        kind: p.kind,
        limit: p.limit,
        data,
        whole: p.all_or_none,
        preview: p.preview,
    };
    let fits = |p: &BodyPreference| match (p.all_or_none, p.limit, size(p.kind)) {
        (true, Some(limit), Some(size)) => size <= u64::from(limit),
        _ => true,
    };
    let native_first = wanted
        .clone()
        .filter(|p| p.kind == native)
        .chain(wanted.clone().filter(|p| p.kind != native));
    if let Some(p) = native_first.clone().find(fits) {
        return of(p, true);
    }
    let none_fits = native_first.map(|p| of(p, false)).next();
    none_fits.unwrap_or(Choice {
        kind: native,
        limit: None,
        data: false,
        whole: false,
        preview: None,
    })
}

/// Writes AirSyncBase `Body` in its form: `text` is as much as is at hand of `size` bytes.
pub(super) fn write_as(
    w: &mut Writer,
    choice: &Choice,
    text: &str,
    size: u64,
    complete: bool,
    preview: Option<&str>,
) {
    w.open(airsyncbase::BODY);
    w.num(airsyncbase::TYPE, choice.kind as u8);
    w.num(airsyncbase::ESTIMATED_DATA_SIZE, clamped(size));
    write_content(w, choice, text, size, complete, preview);
    w.close();
}

/// `Truncated`, `Data` and `Preview`, which bodies and body parts share.
pub(super) fn write_content(
    w: &mut Writer,
    choice: &Choice,
    text: &str,
    size: u64,
    complete: bool,
    preview: Option<&str>,
) {
    let limit = choice.limit.map_or(usize::MAX, |l| l as usize);
    let sent = if choice.data {
        mail::cut(text, limit)
    } else {
        ""
    };
    // Never `Truncated` 0: it stops Windows Phone 8.
    if size > 0 && (!complete || sent.len() < text.len()) {
        w.flag(airsyncbase::TRUNCATED, true);
    }
    if choice.data && (!sent.is_empty() || size == 0) {
        w.text(airsyncbase::DATA, sent);
    }
    if let (Some(chars), Some(text)) = (choice.preview, preview) {
        w.text_if(
            airsyncbase::PREVIEW,
            &html::preview(text, usize::from(chars)),
        );
    }
}

/// A size as the schema has room for it.
pub(super) fn clamped(size: u64) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

/// The tags of a class's own body in 2.5.
#[derive(Clone, Copy)]
pub(super) struct OldTags {
    pub(super) body: Tag,
    pub(super) size: Option<Tag>,
    pub(super) truncated: Tag,
    /// Rich text, where a client asks for it.
    pub(super) rtf: Option<Tag>,
}

/// Writes the body of an item other than mail.
pub(super) fn write(w: &mut Writer, ctx: &Context<'_>, body: &ArchivedBody, old: Option<OldTags>) {
    let native = kind_of(&body.kind);
    let held = ctx.fetched.body.as_deref().unwrap_or(&body.text);
    let complete = body.blob.is_none() || ctx.fetched.body.is_some();
    let size = body
        .blob
        .as_ref()
        .map_or(held.len() as u64, |b| b.bytes.to_native());
    if ctx.version == Version::V2_5 {
        if let Some(old) = old {
            if let Some(tag) = old.rtf.filter(|_| ctx.options.rtf && complete)
                && native == BodyKind::Rtf
            {
                return w.text(tag, held);
            }
            let text = convert(held, native, BodyKind::Text);
            let size = if native == BodyKind::Text {
                size
            } else {
                text.len() as u64
            };
            write_old(w, old, &text, size, complete, truncation(ctx.options));
        }
        return;
    }
    let mut choice = chosen(body, ctx.options);
    let (text, complete, size) = match (native, choice.kind) {
        (BodyKind::Rtf, BodyKind::Rtf) => {
            // A part of it would be none.
            let fits = |limit| held.len() <= limit as usize;
            choice.data &= complete && choice.limit.is_none_or(fits);
            (Cow::Borrowed(held), complete, size)
        }
        (native, BodyKind::Rtf) => {
            let plain = convert(held, native, BodyKind::Text);
            let (text, all) = rich(&plain, choice.limit);
            choice.data &= all || !choice.whole;
            let size = rich_size(&text, all, plain.len() as u64);
            (Cow::Owned(text), complete && all, size)
        }
        (native, kind) if native == kind => (Cow::Borrowed(held), complete, size),
        (native, kind) => {
            let text = convert(held, native, kind);
            let size = text.len() as u64;
            (text, complete, size)
        }
    };
    let preview = choice
        .preview
        .map(|_| convert(held, native, BodyKind::Text));
    write_as(w, &choice, &text, size, complete, preview.as_deref());
}

/// Writes a body as 2.5 has it: plain text of so many characters. Nothing for an empty one.
pub(super) fn write_old(
    w: &mut Writer,
    tags: OldTags,
    text: &str,
    size: u64,
    complete: bool,
    chars: Option<u32>,
) {
    if text.is_empty() {
        return;
    }
    let end = match chars {
        None => text.len(),
        Some(n) => text
            .char_indices()
            .nth(n as usize)
            .map_or(text.len(), |(i, _)| i),
    };
    let sent = text.get(..end).unwrap_or(text);
    w.flag(tags.truncated, !complete || sent.len() < text.len());
    if let Some(tag) = tags.size {
        w.num(tag, clamped(size));
    }
    w.text_if(tags.body, sent);
}

/// The blob of a long body, if more of it is wanted than the record holds.
pub(super) fn needs(body: &ArchivedBody, options: &Options, version: Version) -> Option<BlobRef> {
    let blob = body.blob.as_ref()?;
    let served = if version == Version::V2_5 {
        // Characters, so a byte less each at worst.
        let enough = truncation(options);
        let is_rich = kind_of(&body.kind) == BodyKind::Rtf;
        !is_rich && enough.is_some_and(|chars| body.text.chars().count() >= chars as usize)
    } else {
        let choice = chosen(body, options);
        choice.is_served_by(body.text.len()) && choice.kind == kind_of(&body.kind)
            || !choice.wants_text() && choice.preview.is_none()
    };
    (!served).then(|| blob_ref(blob))
}

/// An owned reference.
pub(super) fn blob_ref(blob: &ArchivedBlobRef) -> BlobRef {
    BlobRef {
        hash: blob.hash,
        bytes: blob.bytes.to_native(),
    }
}

/// The kind as it was before it was archived.
pub(super) fn kind_of(kind: &ArchivedBodyKind) -> BodyKind {
    match kind {
        ArchivedBodyKind::Text => BodyKind::Text,
        ArchivedBodyKind::Html => BodyKind::Html,
        ArchivedBodyKind::Rtf => BodyKind::Rtf,
        ArchivedBodyKind::Mime => BodyKind::Mime,
    }
}

fn chosen(body: &ArchivedBody, options: &Options) -> Choice {
    let native = kind_of(&body.kind);
    let size = body
        .blob
        .as_ref()
        .map_or(body.text.len() as u64, |b| b.bytes.to_native());
    let writable = move |p: &BodyPreference| match p.kind {
        BodyKind::Text | BodyKind::Html | BodyKind::Rtf => true,
        BodyKind::Mime => native == BodyKind::Mime,
    };
    let wanted = options.bodies.iter().flatten().copied().filter(writable);
    if wanted.clone().next().is_none() && options.bodies.iter().any(Option::is_some) {
        // None of what the client takes can be given: text is what everybody shows.
        let any = options
            .bodies
            .iter()
            .flatten()
            .copied()
            .map(|p| BodyPreference {
                kind: BodyKind::Text,
                ..p
            });
        return choose(native, any, |_| None);
    }
    choose(native, wanted, |kind| (kind == native).then_some(size))
}

/// A body in another form. There is none of a body that only its own program can read.
fn convert(text: &str, from: BodyKind, to: BodyKind) -> Cow<'_, str> {
    match (from, to) {
        (from, to) if from == to => Cow::Borrowed(text),
        (BodyKind::Text, BodyKind::Html) => Cow::Owned(html::from_text(text)),
        (BodyKind::Html, BodyKind::Text) => Cow::Owned(html::to_text(text)),
        (BodyKind::Rtf, BodyKind::Text) => Cow::Owned(rtf::to_text(text)),
        (BodyKind::Rtf, BodyKind::Html) => Cow::Owned(html::from_text(&rtf::to_text(text))),
        _ => Cow::Borrowed(""),
    }
}

/// Rich text of a plain one within a client's limit, and whether all of it is there.
pub(super) fn rich(text: &str, limit: Option<u32>) -> (String, bool) {
    rtf::from_text_within(text, limit.map_or(usize::MAX, |l| l as usize))
}

/// Bytes of the whole rich text: guessed from the plain one where only a part of it was made.
pub(super) fn rich_size(rich: &str, all: bool, text_bytes: u64) -> u64 {
    let made = rich.len() as u64;
    match all {
        true => made,
        false => rtf::estimated_bytes(text_bytes).max(made),
    }
}

/// Reads the rich text of 2.5 (`CompressedRTF`), just named: none if it is empty.
pub(super) fn read_rtf(r: &mut Reader<'_>) -> Result<Option<NewBody>, Error> {
    let text = value::text(r)?;
    let kind = BodyKind::Rtf;
    Ok((!text.trim().is_empty()).then_some(NewBody { kind, text }))
}

/// What a client sent as a body.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct NewBody {
    pub(super) kind: BodyKind,
    pub(super) text: String,
}

/// Reads AirSyncBase `Body`, just named. None if it carries no text: then the old one stays.
pub(super) fn read(r: &mut Reader<'_>, version: Version) -> Result<Option<NewBody>, Error> {
    let mut kind = BodyKind::Text;
    let mut text = None;
    while let Some(tag) = r.child()? {
        super::check_version(tag, version)?;
        match tag {
            airsyncbase::TYPE => {
                if let Some(n) = value::number(r, tag)? {
                    kind = body_kind(n).ok_or(Error::Value(tag))?;
                }
            }
            airsyncbase::DATA => text = Some(value::text(r)?),
            _ => r.skip()?,
        }
    }
    Ok(text.map(|text| NewBody { kind, text }))
}

/// Puts a client's body into a record; what does not fit goes to `uploads`.
pub(super) fn set(body: &mut Body, new: NewBody, uploads: &mut Vec<(Slot, Vec<u8>)>) {
    body.kind = new.kind;
    body.blob = None;
    body.text = mail::cut(&new.text, BODY_INLINE_BYTES_MAX).to_owned();
    if body.text.len() < new.text.len() {
        uploads.push((Slot::Body, new.text.into_bytes()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preference(kind: BodyKind, limit: Option<u32>, all_or_none: bool) -> BodyPreference {
        BodyPreference {
            kind,
            limit,
            all_or_none,
            preview: None,
        }
    }

    #[test]
    fn the_choice_of_a_form() {
        use BodyKind::{Html, Text};
        let check = |native, wanted: &[BodyPreference], expect: (BodyKind, Option<u32>, bool)| {
            let choice = choose(native, wanted.iter().copied(), |_| Some(100));
            assert_eq!((choice.kind, choice.limit, choice.data), expect);
        };
        check(Text, &[], (Text, None, false));
        check(Html, &[preference(Text, None, false)], (Text, None, true));
        let both = [
            preference(Text, Some(9), false),
            preference(Html, Some(8), false),
        ];
        check(Html, &both, (Html, Some(8), true));
        check(Text, &both, (Text, Some(9), true));
        // All or nothing: 100 bytes do not fit into 99, so the next one.
        let all = [
            preference(Html, Some(99), true),
            preference(Text, Some(50), false),
        ];
        check(Html, &all, (Text, Some(50), true));
        check(Html, &all[..1], (Html, Some(99), false));
        check(
            Html,
            &[preference(Html, Some(100), true)],
            (Html, Some(100), true),
        );
    }

    #[test]
    fn a_body_of_2_5_is_cut_in_characters() {
        use crate::wbxml::tags::tasks;
        let tags = OldTags {
            body: tasks::BODY,
            size: Some(tasks::BODY_SIZE),
            truncated: tasks::BODY_TRUNCATED,
            rtf: None,
        };
        let check = |text: &str, chars, expect: &str| {
            let mut w = Writer::new();
            w.open(tasks::RECURRENCE);
            write_old(&mut w, tags, text, text.len() as u64, true, chars);
            w.close();
            let xml = crate::wbxml::xml::dump(&w.finish())
                .unwrap()
                .replace("tasks:", "");
            let inner: String = xml.lines().map(str::trim).collect();
            assert_eq!(
                inner
                    .replace("<Recurrence>", "")
                    .replace("</Recurrence>", ""),
                expect
            );
        };
        check(
            "äöü",
            Some(2),
            "<BodyTruncated>1</BodyTruncated><BodySize>6</BodySize><Body>äö</Body>",
        );
        check(
            "äöü",
            Some(3),
            "<BodyTruncated>0</BodyTruncated><BodySize>6</BodySize><Body>äöü</Body>",
        );
        check(
            "ab",
            Some(0),
            "<BodyTruncated>1</BodyTruncated><BodySize>2</BodySize>",
        );
        check(
            "ab",
            None,
            "<BodyTruncated>0</BodyTruncated><BodySize>2</BodySize><Body>ab</Body>",
        );
        check("", Some(0), "<Recurrence/>");
    }
}
