//! The MeetingResponse request.

use crate::eas::classes::{date, read_text};
use crate::eas::status::{Common, Failure};
use crate::eas::version::Version;
use crate::limits::MEETING_RESPONSES_MAX;
use crate::pim::BodyKind;
use crate::pim::invite::Answer;
use crate::wbxml::tags::{airsyncbase, meetingresponse as tags, search};
use crate::wbxml::{Reader, Tag};

/// Characters of an InstanceId ([MS-ASCMD] 2.2.3.91.2): `2010-04-08T18:16:00.000Z`.
const INSTANCE_ID_CHARS: usize = 24;

/// One answer to one invitation, as sent.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Asked {
    /// What the user says; none: nothing that there is.
    pub answer: Option<Answer>,
    /// CollectionId.
    pub collection: Option<String>,
    /// RequestId, which the answer repeats.
    pub request_id: Option<String>,
    /// LongId.
    pub long_id: Option<String>,
    /// The occurrence that is meant; the inner none: it cannot be read.
    pub instance: Option<Option<i64>>,
    /// The organizer is to hear of it.
    pub send: Option<Told>,
    /// A time that cannot be read.
    pub bad_time: bool,
    /// Two of a kind, or half of a pair.
    pub malformed: bool,
}

/// What the organizer is told beside the answer.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Told {
    /// The user's words, and what they are written in.
    pub words: Option<(BodyKind, String)>,
    /// Start and end that the user would rather have.
    pub proposed: Option<(i64, i64)>,
}

/// Reads the requests; the reader stands within the root.
///
/// # Errors
/// A document that cannot be read or breaks the schema, or has more than
/// [`MEETING_RESPONSES_MAX`] of them.
pub(super) fn requests(r: &mut Reader<'_>, version: Version) -> Result<Vec<Asked>, Failure> {
    let mut all = Vec::new();
    while let Some(tag) = r.child()? {
        if tag != tags::REQUEST || all.len() == MEETING_RESPONSES_MAX {
            return Err(Common::InvalidXml.into());
        }
        all.push(request(r, version)?);
    }
    if all.is_empty() {
        return Err(Common::InvalidXml.into());
    }
    Ok(all)
}

fn request(r: &mut Reader<'_>, version: Version) -> Result<Asked, Failure> {
    let mut asked = Asked::default();
    let mut seen: Vec<Tag> = Vec::new();
    while let Some(tag) = r.child()? {
        if version.too_old_for(tag) {
            return Err(Common::InvalidXml.into());
        }
        asked.malformed |= seen.contains(&tag);
        seen.push(tag);
        match tag {
            tags::USER_RESPONSE => {
                asked.answer = match r.text()?.trim() {
                    "1" => Some(Answer::Accept),
                    "2" => Some(Answer::Tentative),
                    "3" => Some(Answer::Decline),
                    _ => None,
                }
            }
            tags::COLLECTION_ID => asked.collection = Some(r.text()?.into_owned()),
            tags::REQUEST_ID => asked.request_id = Some(r.text()?.into_owned()),
            search::LONG_ID => asked.long_id = Some(r.text()?.into_owned()),
            tags::INSTANCE_ID => asked.instance = Some(instance(&r.text()?)),
            tags::SEND_RESPONSE => {
                let told = told(r, version, &mut asked)?;
                asked.send = Some(told);
            }
            _ => return Err(Common::InvalidXml.into()),
        }
        // Elements that are known are few: whoever repeats one has made its point.
        if seen.len() > 32 {
            return Err(Common::InvalidXml.into());
        }
    }
    Ok(asked)
}

fn instance(text: &str) -> Option<i64> {
    let text = text.trim();
    let dashed = text.len() == INSTANCE_ID_CHARS && text.contains('-');
    dashed.then(|| date::parse(text)).flatten()
}

fn told(r: &mut Reader<'_>, version: Version, asked: &mut Asked) -> Result<Told, Failure> {
    let mut told = Told::default();
    let (mut start, mut end) = (None, None);
    while let Some(tag) = r.child()? {
        if version.too_old_for(tag) {
            return Err(Common::InvalidXml.into());
        }
        match tag {
            airsyncbase::BODY => told.words = read_text(r, version)?,
            tags::PROPOSED_START_TIME => start = Some(date::parse(&r.text()?)),
            tags::PROPOSED_END_TIME => end = Some(date::parse(&r.text()?)),
            _ => return Err(Common::InvalidXml.into()),
        }
    }
    match (start, end) {
        (None, None) => {}
        (Some(Some(start)), Some(Some(end))) if start < end => told.proposed = Some((start, end)),
        (Some(None), _) | (_, Some(None)) => asked.bad_time = true,
        _ => asked.malformed = true,
    }
    Ok(told)
}
