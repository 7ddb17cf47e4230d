//! `Oof` ([MS-ASCMD] 2.2.3.124): absence notes, the same on all devices of the user.
//!
//! A Set changes what it names: an audience that it leaves out keeps its note, and a note its text
//! where only `Enabled` is sent. Deliberately absent: sending the notes, which a delivery does.

use super::{CONFLICTING, DONE, INVALID, MALFORMED};
use crate::eas::classes::date;
use crate::eas::context::Context;
use crate::eas::status::{Common, Failure};
use crate::limits::ABSENCE_NOTE_BYTES_MAX;
use crate::mailbox::{Absence, AbsenceState, Audience};
use crate::pim::{BodyKind, html};
use crate::wbxml::tags::settings as tags;
use crate::wbxml::{Reader, Writer};
use std::borrow::Cow;

/// What is asked for.
pub(super) enum Asked {
    /// The notes, in this form.
    Get(BodyKind),
    /// To change them; or why not.
    Set(Result<Change, u16>),
}

/// What a Set names.
#[derive(Debug, Default)]
pub(super) struct Change {
    state: Option<AbsenceState>,
    from_ms: i64,
    to_ms: i64,
    notes: Vec<NewNote>,
}

#[derive(Debug, Default)]
struct NewNote {
    audiences: Vec<Audience>,
    enabled: Option<bool>,
    text: Option<String>,
    kind: Option<BodyKind>,
}

/// Reads the `Oof` just named.
///
/// # Errors
/// A document that cannot be read or breaks the schema.
pub(super) fn read(r: &mut Reader<'_>) -> Result<Asked, Failure> {
    let mut asked = None;
    while let Some(tag) = r.child()? {
        if asked.is_some() {
            return Err(Common::InvalidXml.into());
        }
        asked = Some(match tag {
            tags::GET => Asked::Get(get(r)?),
            tags::SET => Asked::Set(set(r)?),
            _ => return Err(Common::InvalidXml.into()),
        });
    }
    Ok(asked.ok_or(Common::InvalidXml)?)
}

/// The form that is wanted; text, where it is not said.
fn get(r: &mut Reader<'_>) -> Result<BodyKind, Failure> {
    let mut wanted = BodyKind::Text;
    while let Some(tag) = r.child()? {
        if tag != tags::BODY_TYPE {
            return Err(Common::InvalidXml.into());
        }
        wanted = body_type(&r.text()?).ok_or(Common::InvalidXml)?;
    }
    Ok(wanted)
}

fn body_type(text: &str) -> Option<BodyKind> {
    match text.trim() {
        t if t.eq_ignore_ascii_case("text") => Some(BodyKind::Text),
        t if t.eq_ignore_ascii_case("html") => Some(BodyKind::Html),
        _ => None,
    }
}

/// A time of the request: the inner none is one that cannot be read.
type Time = Option<Option<i64>>;

fn set(r: &mut Reader<'_>) -> Result<Result<Change, u16>, Failure> {
    let mut change = Change::default();
    let (mut from, mut to): (Time, Time) = (None, None);
    let mut wrong = None;
    while let Some(tag) = r.child()? {
        match tag {
            tags::OOF_STATE => match r.text()?.trim() {
                "0" => change.state = Some(AbsenceState::Off),
                "1" => change.state = Some(AbsenceState::On),
                "2" => change.state = Some(AbsenceState::Timed),
                _ => wrong = wrong.or(Some(INVALID)),
            },
            tags::START_TIME => from = Some(date::parse(&r.text()?)),
            tags::END_TIME => to = Some(date::parse(&r.text()?)),
            // One more than there are audiences is wrong already.
            tags::OOF_MESSAGE if change.notes.len() <= Audience::ALL.len() => match note(r)? {
                Ok(new) => change.notes.push(new),
                Err(status) => wrong = wrong.or(Some(status)),
            },
            tags::OOF_MESSAGE => {
                wrong = wrong.or(Some(CONFLICTING));
                r.skip()?;
            }
            _ => return Err(Common::InvalidXml.into()),
        }
    }
    if let Some(status) = wrong {
        return Ok(Err(status));
    }
    let named: Vec<_> = change.notes.iter().flat_map(|n| &n.audiences).collect();
    let twice = |a: &Audience| named.iter().filter(|b| **b == a).count() > 1;
    if Audience::ALL.iter().any(twice) {
        return Ok(Err(CONFLICTING));
    }
    // Else the times do not count, whatever they are.
    if change.state == Some(AbsenceState::Timed) {
        match (from, to) {
            (Some(Some(from_ms)), Some(Some(to_ms))) if from_ms < to_ms => {
                (change.from_ms, change.to_ms) = (from_ms, to_ms);
            }
            (Some(_), Some(_)) => return Ok(Err(INVALID)),
            _ => return Ok(Err(MALFORMED)),
        }
    }
    Ok(Ok(change))
}

/// Reads the `OofMessage` just named; or what is wrong with it.
fn note(r: &mut Reader<'_>) -> Result<Result<NewNote, u16>, Failure> {
    let mut note = NewNote::default();
    let mut wrong = None;
    while let Some(tag) = r.child()? {
        let audience = match tag {
            tags::APPLIES_TO_INTERNAL => Audience::Internal,
            tags::APPLIES_TO_EXTERNAL_KNOWN => Audience::ExternalKnown,
            tags::APPLIES_TO_EXTERNAL_UNKNOWN => Audience::ExternalUnknown,
            tags::ENABLED => {
                match r.text()?.trim() {
                    "0" => note.enabled = Some(false),
                    "1" => note.enabled = Some(true),
                    _ => wrong = Some(INVALID),
                }
                continue;
            }
            tags::REPLY_MESSAGE => {
                note.text = Some(r.text()?.into_owned());
                continue;
            }
            tags::BODY_TYPE => {
                note.kind = body_type(&r.text()?);
                if note.kind.is_none() {
                    wrong = Some(INVALID);
                }
                continue;
            }
            _ => return Err(Common::InvalidXml.into()),
        };
        r.skip()?;
        if note.audiences.contains(&audience) {
            wrong = Some(CONFLICTING);
        } else {
            note.audiences.push(audience);
        }
    }
    let text = note.text.as_deref().unwrap_or_default();
    Ok(match wrong {
        Some(status) => Err(status),
        None if note.audiences.is_empty() => Err(MALFORMED),
        None if !text.is_empty() && note.kind.is_none() => Err(MALFORMED),
        None if text.len() > ABSENCE_NOTE_BYTES_MAX => Err(INVALID),
        None => Ok(note),
    })
}

impl Change {
    fn apply(&self, absence: &mut Absence) {
        if let Some(state) = self.state {
            absence.state = state;
            (absence.from_ms, absence.to_ms) = (self.from_ms, self.to_ms);
        }
        for new in &self.notes {
            for audience in &new.audiences {
                let note = absence.note_mut(*audience);
                note.enabled = new.enabled.unwrap_or(note.enabled);
                if let Some(text) = &new.text {
                    note.text.clone_from(text);
                    note.kind = new.kind.unwrap_or_default();
                }
            }
        }
    }
}

/// Carries out what was asked for, and writes the answer.
///
/// # Errors
/// The store's.
pub(super) async fn carry_out(
    w: &mut Writer,
    ctx: &Context<'_>,
    asked: Asked,
) -> Result<(), Failure> {
    match asked {
        Asked::Get(wanted) => {
            let absence = ctx.mailbox().absence(ctx.scope()).await?;
            write(w, &absence, wanted);
        }
        Asked::Set(Ok(change)) => {
            let apply = |absence: &mut Absence| change.apply(absence);
            let changed = ctx.mailbox().change_absence(ctx.scope(), apply);
            Box::pin(changed).await?;
            super::bare(w, tags::OOF, DONE);
        }
        Asked::Set(Err(status)) => super::bare(w, tags::OOF, status),
    }
    Ok(())
}

fn write(w: &mut Writer, absence: &Absence, wanted: BodyKind) {
    w.open(tags::OOF);
    w.num(tags::STATUS, DONE);
    w.open(tags::GET);
    w.num(tags::OOF_STATE, absence.state as u8);
    if absence.state == AbsenceState::Timed {
        w.text(tags::START_TIME, &date::dashed(absence.from_ms));
        w.text(tags::END_TIME, &date::dashed(absence.to_ms));
    }
    for audience in Audience::ALL {
        let note = absence.note(audience);
        w.open(tags::OOF_MESSAGE);
        w.empty(match audience {
            Audience::Internal => tags::APPLIES_TO_INTERNAL,
            Audience::ExternalKnown => tags::APPLIES_TO_EXTERNAL_KNOWN,
            Audience::ExternalUnknown => tags::APPLIES_TO_EXTERNAL_UNKNOWN,
        });
        w.flag(tags::ENABLED, note.enabled);
        if !note.text.is_empty() {
            let text = match (note.kind, wanted) {
                (BodyKind::Html, BodyKind::Text) => Cow::Owned(html::to_text(&note.text)),
                (BodyKind::Text, BodyKind::Html) => Cow::Owned(html::from_text(&note.text)),
                _ => Cow::Borrowed(note.text.as_str()),
            };
            w.text(tags::REPLY_MESSAGE, &text);
            let name = if wanted == BodyKind::Html {
                "HTML"
            } else {
                "Text"
            };
            w.text(tags::BODY_TYPE, name);
        }
        w.close();
    }
    w.close();
    w.close();
}
