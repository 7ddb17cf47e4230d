//! Values of elements: how they are read, with an error that costs one item only.

use super::date;
use super::{Context, Error};
use crate::wbxml::{Reader, Tag, Writer};
use std::ops::RangeInclusive;
use std::str::FromStr;

/// Categories or children of one item ([MS-ASCNTC], [MS-ASCAL]: 300 at most).
const STRINGS_MAX: usize = 300;

/// Text as it stands.
pub(super) fn text(r: &mut Reader<'_>) -> Result<String, Error> {
    Ok(r.text()?.into_owned())
}

/// A number; none for an empty element.
pub(super) fn number<T: FromStr>(r: &mut Reader<'_>, tag: Tag) -> Result<Option<T>, Error> {
    let text = r.text()?;
    match text.trim() {
        "" => Ok(None),
        t => t.parse().map(Some).map_err(|_| Error::Value(tag)),
    }
}

/// A number within a range; none for an empty element.
pub(super) fn within<T: FromStr + PartialOrd>(
    r: &mut Reader<'_>,
    tag: Tag,
    range: RangeInclusive<T>,
) -> Result<Option<T>, Error> {
    match number(r, tag)? {
        Some(n) if !range.contains(&n) => Err(Error::Value(tag)),
        n => Ok(n),
    }
}

/// A boolean; none for an empty element.
pub(super) fn flag(r: &mut Reader<'_>, tag: Tag) -> Result<Option<bool>, Error> {
    let text = r.text()?;
    match text.trim() {
        "" => Ok(None),
        "0" => Ok(Some(false)),
        "1" => Ok(Some(true)),
        t if t.eq_ignore_ascii_case("true") => Ok(Some(true)),
        t if t.eq_ignore_ascii_case("false") => Ok(Some(false)),
        _ => Err(Error::Value(tag)),
    }
}

/// A time in either form, as Unix milliseconds; none for an empty element.
pub(super) fn time(r: &mut Reader<'_>, tag: Tag) -> Result<Option<i64>, Error> {
    let text = r.text()?;
    match text.trim() {
        "" => Ok(None),
        t => date::parse(t).map(Some).ok_or(Error::Value(tag)),
    }
}

/// The texts in a container such as `Categories`, without empty ones.
pub(super) fn strings(r: &mut Reader<'_>, container: Tag, each: Tag) -> Result<Vec<String>, Error> {
    let mut all = Vec::new();
    let mut n = 0;
    while let Some(tag) = r.child()? {
        if tag != each {
            return Err(Error::Value(tag));
        }
        let text = r.text()?;
        n += 1;
        if n > STRINGS_MAX {
            return Err(Error::Many(container));
        }
        if !text.trim().is_empty() {
            all.push(text.into_owned());
        }
    }
    Ok(all)
}

/// Writes such a container, unless it would be empty.
pub(super) fn write_strings<S: AsRef<str>>(w: &mut Writer, container: Tag, each: Tag, all: &[S]) {
    if !all.is_empty() {
        w.open(container);
        for text in all.iter().take(STRINGS_MAX) {
            w.text(each, text.as_ref());
        }
        w.close();
    }
}

/// Writes a time of a class that uses dashes, if there is one.
pub(super) fn write_dashed(w: &mut Writer, tag: Tag, ms: Option<i64>) {
    if let Some(ms) = ms {
        w.ascii(tag, date::dashed(ms).ascii());
    }
}

/// Writes a compact time, if there is one.
pub(super) fn write_compact(w: &mut Writer, tag: Tag, ms: Option<i64>) {
    if let Some(ms) = ms {
        w.ascii(tag, date::compact(ms).ascii());
    }
}

/// Writes text, if there is any and the version has the tag.
pub(super) fn write_known(w: &mut Writer, ctx: &Context<'_>, tag: Tag, text: &str) {
    if ctx.version.has(tag) {
        w.text_if(tag, text);
    }
}

/// An archived optional time.
pub(super) fn ms(at: &rkyv::option::ArchivedOption<rkyv::Archived<i64>>) -> Option<i64> {
    at.as_ref().map(|ms| ms.to_native())
}
