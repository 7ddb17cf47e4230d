//! Occurrences that differ from their series ([MS-ASCAL] 2.2.2.21). Up to 14.1 they are named by
//! `ExceptionStartTime`, from 16.0 on by `InstanceId`, and a client changes them one by one.

use super::decode::{Clock, read_location, reminder};
use super::{Times, busy, meeting_status, people, write_location};
use crate::eas::classes::value::{self, write_compact, write_strings};
use crate::eas::classes::{Context, Error, body, check_version};
use crate::eas::version::Version;
use crate::limits::{BODY_INLINE_BYTES_MAX, EXCEPTIONS_MAX};
use crate::pim::event::{ArchivedEvent, ArchivedException};
use crate::pim::{Body, Event, Exception, mail, place};
use crate::wbxml::tags::{airsyncbase, calendar};
use crate::wbxml::{Reader, Tag, Writer};

/// Writes `Exceptions`, if there are any.
pub(super) fn write_all(w: &mut Writer, e: &ArchivedEvent, times: &Times, ctx: &Context<'_>) {
    if e.exceptions.is_empty() {
        return;
    }
    w.open(calendar::EXCEPTIONS);
    for x in e.exceptions.iter().take(EXCEPTIONS_MAX) {
        w.open(calendar::EXCEPTION);
        let original = times.write(x.original_ms.to_native(), e.all_day);
        if ctx.version >= Version::V16_0 {
            w.text(airsyncbase::INSTANCE_ID, &original);
        } else {
            w.text(calendar::EXCEPTION_START_TIME, &original);
        }
        if x.deleted {
            w.flag(calendar::DELETED, true);
        } else {
            write_changes(w, x, e.all_day, times, ctx);
        }
        w.close();
    }
    w.close();
}

fn write_changes(
    w: &mut Writer,
    x: &ArchivedException,
    all_day: bool,
    times: &Times,
    ctx: &Context<'_>,
) {
    let all_day = x.all_day.as_ref().copied().unwrap_or(all_day);
    if let Some(subject) = x.subject.as_ref() {
        w.text(calendar::SUBJECT, subject);
    }
    if let Some(ms) = value::ms(&x.start_ms) {
        w.text(calendar::START_TIME, &times.write(ms, all_day));
    }
    if let Some(ms) = value::ms(&x.end_ms) {
        w.text(calendar::END_TIME, &times.write(ms, all_day));
    }
    if let Some(all_day) = x.all_day.as_ref() {
        w.flag(calendar::ALL_DAY_EVENT, *all_day);
    }
    if let Some(location) = x.location.as_ref() {
        write_location(w, ctx.version, calendar::LOCATION, location);
    }
    if let Some(n) = x.busy.as_ref() {
        w.num(calendar::BUSY_STATUS, busy(*n));
    }
    if let Some(n) = x.sensitivity.as_ref() {
        w.num(calendar::SENSITIVITY, (*n).min(3));
    }
    match x.reminder_min.as_ref().map(|minutes| minutes.as_ref()) {
        Some(Some(minutes)) => w.num(calendar::REMINDER, minutes.to_native()),
        Some(None) => w.empty(calendar::REMINDER),
        None => {}
    }
    write_compact(w, calendar::DT_STAMP, value::ms(&x.stamp_ms));
    if let Some(all) = x.categories.as_ref() {
        write_strings(w, calendar::CATEGORIES, calendar::CATEGORY, all);
    }
    // Exceptions hear of meetings from 14.0 on.
    if ctx.version >= Version::V14_0 {
        if let Some(n) = x.meeting_status.as_ref() {
            w.num(calendar::MEETING_STATUS, meeting_status(*n));
        }
        if let Some(all) = x.attendees.as_ref() {
            people::write(w, all, ctx.version);
        }
        if let Some(n) = x.response.as_ref() {
            w.num(calendar::RESPONSE_TYPE, (*n).min(5));
        }
        write_compact(
            w,
            calendar::APPOINTMENT_REPLY_TIME,
            value::ms(&x.appointment_reply_ms),
        );
    }
    if let Some(text) = x.body.as_ref() {
        // What was fetched is the body of the series.
        let own = Context {
            fetched: &super::super::Fetched::default(),
            ..*ctx
        };
        body::write(w, &own, text, Some(super::OLD_BODY));
    }
}

/// Reads `Exceptions`, just named: all of the series. Texts that are left out stay as they were.
pub(super) fn read_all(
    r: &mut Reader<'_>,
    version: Version,
    before: &[Exception],
) -> Result<Vec<Exception>, Error> {
    let mut all: Vec<Exception> = Vec::new();
    let mut n = 0;
    while let Some(tag) = r.child()? {
        if tag != calendar::EXCEPTION {
            return Err(Error::Value(tag));
        }
        n += 1;
        if n > EXCEPTIONS_MAX {
            return Err(Error::Many(calendar::EXCEPTIONS));
        }
        all.extend(read_one(r, version, before)?);
    }
    all.sort_by_key(|x| x.original_ms);
    all.dedup_by_key(|x| x.original_ms);
    Ok(all)
}

/// None for an empty element.
fn read_one(
    r: &mut Reader<'_>,
    version: Version,
    before: &[Exception],
) -> Result<Option<Exception>, Error> {
    let mut x = Exception::default();
    let mut original = None;
    let mut empty = true;
    while let Some(tag) = r.child()? {
        check_version(tag, version)?;
        empty = false;
        match tag {
            calendar::EXCEPTION_START_TIME | airsyncbase::INSTANCE_ID => {
                original = value::time(r, tag)?;
            }
            _ if element(&mut x, r, tag, version)? => {}
            _ => r.skip()?,
        }
    }
    if empty {
        return Ok(None);
    }
    x.original_ms = original.ok_or(Error::Missing(calendar::EXCEPTION_START_TIME))?;
    if let Some(old) = before.iter().find(|b| b.original_ms == x.original_ms) {
        keep(&mut x, old, version);
    }
    Ok(Some(x))
}

/// Keeps of an occurrence that there was its text, the parts of its place, what the user answered, and
/// what the version has no word for.
fn keep(x: &mut Exception, old: &Exception, version: Version) {
    if x.body.is_none() {
        x.body.clone_from(&old.body);
    }
    if let (Some(new), Some(old)) = (&mut x.location, &old.location)
        && version < Version::V16_0
    {
        *new = place::named(old, new);
    }
    x.response = x.response.or(old.response);
    x.appointment_reply_ms = x.appointment_reply_ms.or(old.appointment_reply_ms);
    if version < Version::V14_0 {
        x.meeting_status = x.meeting_status.or(old.meeting_status);
        if x.attendees.is_none() {
            x.attendees.clone_from(&old.attendees);
        }
    }
}

/// Takes one property of an occurrence, just named; false, and nothing read, if it is none.
/// Times stand as they are written.
pub(super) fn element(
    x: &mut Exception,
    r: &mut Reader<'_>,
    tag: Tag,
    version: Version,
) -> Result<bool, Error> {
    match tag {
        calendar::DELETED => x.deleted = value::flag(r, tag)?.unwrap_or(false),
        calendar::SUBJECT => x.subject = Some(value::text(r)?),
        calendar::LOCATION => x.location = Some(place::named("", &value::text(r)?)),
        airsyncbase::LOCATION => x.location = Some(read_location(r)?),
        calendar::START_TIME => x.start_ms = value::time(r, tag)?,
        calendar::END_TIME => x.end_ms = value::time(r, tag)?,
        calendar::ALL_DAY_EVENT => x.all_day = value::flag(r, tag)?,
        calendar::BUSY_STATUS => x.busy = value::within(r, tag, 0..=4)?,
        calendar::SENSITIVITY => x.sensitivity = value::within(r, tag, 0..=3)?,
        calendar::REMINDER => x.reminder_min = Some(reminder(r)?),
        calendar::DT_STAMP => x.stamp_ms = value::time(r, tag)?,
        calendar::CATEGORIES => {
            x.categories = Some(value::strings(r, tag, calendar::CATEGORY)?);
        }
        calendar::MEETING_STATUS => x.meeting_status = value::within(r, tag, 0..=15)?,
        calendar::ATTENDEES => x.attendees = Some(people::read(r, version, &[])?),
        calendar::RESPONSE_TYPE => x.response = value::within(r, tag, 0..=5)?,
        calendar::APPOINTMENT_REPLY_TIME => x.appointment_reply_ms = value::time(r, tag)?,
        airsyncbase::BODY => {
            if let Some(new) = body::read(r, version)? {
                x.body = Some(short(new));
            }
        }
        calendar::BODY => {
            let text = value::text(r)?;
            x.body = Some(short(body::NewBody {
                text,
                ..body::NewBody::default()
            }));
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// The text of an occurrence is kept within the record, and cut there.
fn short(new: body::NewBody) -> Body {
    Body {
        kind: new.kind,
        text: mail::cut(&new.text, BODY_INLINE_BYTES_MAX).to_owned(),
        blob: None,
    }
}

/// Turns the times of an occurrence, as written, into instants.
pub(super) fn settle(x: &mut Exception, series_all_day: bool, clock: &Clock) {
    x.original_ms = clock.instant(x.original_ms, series_all_day);
    let all_day = x.all_day.unwrap_or(series_all_day);
    x.start_ms = x.start_ms.map(|ms| clock.instant(ms, all_day));
    x.end_ms = x.end_ms.map(|ms| clock.end(ms, all_day));
}

/// Puts one occurrence, changed or deleted by its `InstanceId`, into the series: what the change
/// leaves out stays.
pub(super) fn merge(event: &mut Event, new: Exception) -> Result<(), Error> {
    let place = event
        .exceptions
        .binary_search_by_key(&new.original_ms, |x| x.original_ms);
    match place {
        Ok(i) => {
            if let Some(old) = event.exceptions.get_mut(i) {
                overlay(old, new);
            }
        }
        Err(_) if event.exceptions.len() >= EXCEPTIONS_MAX => {
            return Err(Error::Many(calendar::EXCEPTIONS));
        }
        Err(i) => event.exceptions.insert(i, new),
    }
    Ok(())
}

fn overlay(old: &mut Exception, new: Exception) {
    fn over<T>(old: &mut Option<T>, new: Option<T>) {
        if new.is_some() {
            *old = new;
        }
    }
    old.deleted = new.deleted;
    over(&mut old.subject, new.subject);
    over(&mut old.location, new.location);
    over(&mut old.start_ms, new.start_ms);
    over(&mut old.end_ms, new.end_ms);
    over(&mut old.all_day, new.all_day);
    over(&mut old.busy, new.busy);
    over(&mut old.sensitivity, new.sensitivity);
    over(&mut old.reminder_min, new.reminder_min);
    over(&mut old.meeting_status, new.meeting_status);
    over(&mut old.attendees, new.attendees);
    over(&mut old.categories, new.categories);
    over(&mut old.body, new.body);
    over(&mut old.response, new.response);
    over(&mut old.appointment_reply_ms, new.appointment_reply_ms);
    over(&mut old.stamp_ms, new.stamp_ms);
}
