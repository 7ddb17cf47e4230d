//! What a ResolveRecipients request asks.

use crate::eas::classes::date;
use crate::eas::context::Context;
use crate::eas::people::photos;
use crate::eas::status::{Common, Failure};
use crate::eas::value;
use crate::limits;
use crate::wbxml::Reader;
use crate::wbxml::tags::resolverecipients as tags;

/// The largest number that a bound of the request may have ([MS-ASCMD] 2.2.3.101, 2.2.3.102).
const BOUND_MAX: u32 = 9_999;
const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// Which certificates are wanted ([MS-ASCMD] 2.2.3.22).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Retrieval {
    /// None.
    #[default]
    None,
    /// Whole ones.
    Full,
    /// The small form that Exchange makes of them.
    Mini,
}

/// What a request asks.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) names: Vec<String>,
    pub(super) retrieval: Retrieval,
    /// Certificates in the whole answer.
    pub(super) certificates_max: usize,
    /// Suggestions for each name.
    pub(super) suggestions_max: usize,
    /// Free and busy times are wanted: of this span.
    pub(super) availability: Option<Span>,
    pub(super) photos: Option<photos::Asked>,
}

/// Reads a request; none if a parameter is out of range, or there are too many names.
///
/// # Errors
/// A document that cannot be read; [`Common::InvalidXml`].
pub(super) fn read(r: &mut Reader<'_>, ctx: &Context<'_>) -> Result<Option<Asked>, Failure> {
    let mut asked = Asked {
        names: Vec::new(),
        retrieval: Retrieval::None,
        certificates_max: usize::MAX,
        suggestions_max: limits::RESOLVE_SUGGESTIONS_MAX,
        availability: None,
        photos: None,
    };
    let mut is_sound = true;
    while let Some(tag) = r.child()? {
        match tag {
            tags::TO if asked.names.len() == limits::RESOLVE_NAMES_MAX => {
                is_sound = false;
                r.skip()?;
            }
            tags::TO => {
                let name = r.text()?;
                is_sound &= name.chars().count() <= limits::RESOLVE_NAME_CHARS_MAX;
                asked.names.push(name.into_owned());
            }
            tags::OPTIONS => is_sound &= options(r, ctx, &mut asked)?,
            _ => return Err(Common::InvalidXml.into()),
        }
    }
    Ok((is_sound && !asked.names.is_empty()).then_some(asked))
}

/// Reads the options; whether they are in range.
fn options(r: &mut Reader<'_>, ctx: &Context<'_>, asked: &mut Asked) -> Result<bool, Failure> {
    let mut is_sound = true;
    while let Some(tag) = r.child()? {
        if ctx.version().too_old_for(tag) {
            return Err(Common::InvalidXml.into());
        }
        match tag {
            tags::CERTIFICATE_RETRIEVAL => match value::number(r)? {
                Some(1) => asked.retrieval = Retrieval::None,
                Some(2) => asked.retrieval = Retrieval::Full,
                Some(3) => asked.retrieval = Retrieval::Mini,
                _ => is_sound = false,
            },
            tags::MAX_CERTIFICATES => match bound(r)? {
                Some(max) => asked.certificates_max = max,
                None => is_sound = false,
            },
            tags::MAX_AMBIGUOUS_RECIPIENTS => match bound(r)? {
                Some(max) => asked.suggestions_max = max.min(limits::RESOLVE_SUGGESTIONS_MAX),
                None => is_sound = false,
            },
            tags::AVAILABILITY => {
                asked.availability = availability(r)?;
                is_sound &= asked.availability.is_some();
            }
            tags::PICTURE => {
                let photos = photos::Asked::read(r, tags::MAX_SIZE, tags::MAX_PICTURES)?;
                asked.photos = Some(photos);
            }
            _ => return Err(Common::InvalidXml.into()),
        }
    }
    Ok(is_sound)
}

fn bound(r: &mut Reader<'_>) -> Result<Option<usize>, Failure> {
    let number = value::number(r)?.filter(|n| *n <= BOUND_MAX);
    Ok(number.and_then(|n| n.try_into().ok()))
}

/// A span of time, Unix milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Span {
    pub(super) from_ms: i64,
    pub(super) to_ms: i64,
}

/// The span of time that is asked for, if it can be: at least half an hour, and not too long. Without an
/// end it is a week ([MS-ASCMD] 2.2.3.61.1).
fn availability(r: &mut Reader<'_>) -> Result<Option<Span>, Failure> {
    let (mut start, mut end) = (None, None);
    let mut is_sound = true;
    while let Some(tag) = r.child()? {
        let time = match tag {
            tags::START_TIME => &mut start,
            tags::END_TIME => &mut end,
            _ => return Err(Common::InvalidXml.into()),
        };
        *time = date::parse(&r.text()?);
        is_sound &= time.is_some();
    }
    let Some(from_ms) = start else {
        return Ok(None);
    };
    let to_ms = end.unwrap_or_else(|| from_ms.saturating_add(7 * DAY_MS));
    let range = 30 * MINUTE_MS..=limits::FREE_BUSY_DAYS_MAX * DAY_MS;
    let is_sound = is_sound && range.contains(&to_ms.saturating_sub(from_ms));
    Ok(is_sound.then_some(Span { from_ms, to_ms }))
}
