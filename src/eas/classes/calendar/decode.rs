//! Appointments as clients write them: onto the existing one, or a new one.

use super::{PLACE, exception, files, floor_day, is_a_number, people};
use crate::eas::classes::{Decoded, Error, Slot, Source, body, check_version, recurrence, value};
use crate::eas::version::Version;
use crate::pim::tz::{self, BLOB_BYTES, DAY_MS, Zone};
use crate::pim::{Class, Event, Exception, Record, Recurrence, place, recur};
use crate::wbxml::tags::{airsyncbase, calendar};
use crate::wbxml::{Reader, Tag};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::HashSet;

const HALF_HOUR_MS: i64 = 1_800_000;
const BUSY: u8 = 2;

/// Reads `ApplicationData`, just named. With an `InstanceId`, beside it or in it, one occurrence
/// of the existing series is meant (16.0+).
pub(in crate::eas::classes) fn decode(
    r: &mut Reader<'_>,
    existing: Option<Event>,
    source: &Source<'_>,
) -> Result<Decoded, Error> {
    let instance = match source.instance_ms {
        None if source.version >= Version::V16_0 => instance_within(r)?,
        beside => beside,
    };
    if let Some(instance) = instance {
        let event = existing.ok_or(Error::Value(airsyncbase::INSTANCE_ID))?;
        return occurrence(r, event, instance, source);
    }
    let fresh = existing.is_none();
    let called = existing.as_ref().map(Called::of);
    let mut event = existing.unwrap_or_else(|| Event {
        busy: BUSY,
        stamp_ms: source.now_ms,
        created_ms: source.now_ms,
        zone: source.zone.to_owned(),
        ..Event::default()
    });
    let before = event.recurrence.is_some().then(|| event.clone());
    let mut given = Given::default();
    let mut uploads = Vec::new();
    while let Some(tag) = r.child()? {
        check_version(tag, source.version)?;
        given.saw(tag);
        if !given.element(&mut event, r, tag, source, fresh, &mut uploads)? {
            r.skip()?;
        }
    }
    if !fresh {
        given.clear(&mut event, source);
    }
    let mut adds_files = given.adds_files;
    let asks = source.version >= Version::V16_0 && !given.has(calendar::RESPONSE_REQUESTED);
    given.settle(&mut event, source, fresh)?;
    if let Some(before) = before
        && moves(&before, &mut event)
    {
        // The client is told what became of them.
        adds_files = true;
    }
    match called {
        Some(called) => called.keep(&mut event),
        // The server sends these invitations, which say that an answer is wanted.
        None => event.response_requested |= asks && !event.attendees.is_empty(),
    }
    name(&mut event, source);
    Ok(Decoded {
        uploads,
        adds_files,
        ..Decoded::of(Record::Event(event))
    })
}

/// Lets the end and the exceptions follow a series that a client has moved; whether anything was to be
/// done.
fn moves(before: &Event, event: &mut Event) -> bool {
    if event.recurrence.is_none() || !recur::is_moved(before, event) {
        return false;
    }
    let starts = |e: &Event| {
        e.exceptions
            .iter()
            .map(|x| x.original_ms)
            .collect::<HashSet<_>>()
    };
    // Those that the client has just named are its own matter.
    let named = starts(event);
    let old = starts(before);
    let kept = named.difference(&old).copied().collect();
    let rule = event.recurrence.clone();
    recur::extend(before, event);
    recur::follow(before, event, &kept);
    starts(event) != named || rule != event.recurrence
}

/// The start that an `InstanceId` means: the instant, or the midnight of a series of whole days.
#[must_use]
pub fn instance_start(event: &Event, written_ms: i64) -> i64 {
    Clock::of(event).instant(written_ms, event.all_day)
}

/// Takes one occurrence out of a series: `Delete` with an `InstanceId` (16.0+).
///
/// # Errors
/// [`Error::Value`] if the appointment is no series; [`Error::Many`].
pub fn delete_occurrence(event: &mut Event, instance_ms: i64) -> Result<(), Error> {
    if event.recurrence.is_none() {
        return Err(Error::Value(airsyncbase::INSTANCE_ID));
    }
    let clock = Clock::of(event);
    let deleted = Exception {
        original_ms: clock.instant(instance_ms, event.all_day),
        deleted: true,
        ..Exception::default()
    };
    exception::merge(event, deleted)
}

/// Reads the properties of one occurrence.
fn occurrence(
    r: &mut Reader<'_>,
    mut event: Event,
    instance_ms: i64,
    source: &Source<'_>,
) -> Result<Decoded, Error> {
    if event.recurrence.is_none() {
        return Err(Error::Value(airsyncbase::INSTANCE_ID));
    }
    let mut x = Exception {
        original_ms: instance_ms,
        ..Exception::default()
    };
    while let Some(tag) = r.child()? {
        check_version(tag, source.version)?;
        if !exception::element(&mut x, r, tag, source.version)? {
            r.skip()?;
        }
    }
    exception::settle(&mut x, event.all_day, &Clock::of(&event));
    exception::merge(&mut event, x)?;
    Ok(Decoded::of(Record::Event(event)))
}

/// The `InstanceId` among the properties, where some clients put it.
fn instance_within(r: &Reader<'_>) -> Result<Option<i64>, Error> {
    let mut ahead = r.clone();
    while let Some(tag) = ahead.child()? {
        if tag == airsyncbase::INSTANCE_ID {
            return value::time(&mut ahead, tag);
        }
        ahead.skip()?;
    }
    Ok(None)
}

/// Turns written times into instants.
pub(super) struct Clock(Zone);

impl Clock {
    fn of(event: &Event) -> Self {
        Self(Zone::of(&event.zone, &event.zone_blob))
    }

    /// A time as it stands; of whole days the midnight of the zone. A midnight of UTC is read as
    /// the date (16.0+; TbSync 5 writes it so in all versions).
    pub(super) fn instant(&self, written_ms: i64, all_day: bool) -> i64 {
        if !all_day {
            return written_ms;
        }
        let wall = self.0.to_local(written_ms);
        if written_ms % DAY_MS == 0 {
            self.0.to_utc(written_ms)
        } else if wall % DAY_MS == 0 {
            written_ms
        } else {
            self.0.to_utc(floor_day(wall))
        }
    }

    /// The same for the end of something, which is the midnight after.
    pub(super) fn end(&self, written_ms: i64, all_day: bool) -> i64 {
        let wall = self.0.to_local(written_ms);
        if all_day && written_ms % DAY_MS != 0 && wall % DAY_MS != 0 {
            return self.0.to_utc(floor_day(wall) + DAY_MS);
        }
        self.instant(written_ms, all_day)
    }
}

/// What a client gave, where that matters beyond the value.
#[derive(Default)]
struct Given {
    /// Tokens of the calendar's page.
    tokens: u64,
    start_ms: Option<i64>,
    end_ms: Option<i64>,
    rule: Option<Option<Recurrence>>,
    exceptions: Option<Vec<Exception>>,
    adds_files: bool,
}

impl Given {
    fn saw(&mut self, tag: Tag) {
        let tag = if tag == airsyncbase::LOCATION {
            calendar::LOCATION
        } else {
            tag
        };
        if tag.page() == calendar::UID.page() {
            self.tokens |= 1 << (tag.token() & 0x3F);
        }
    }

    fn has(&self, tag: Tag) -> bool {
        self.tokens & 1 << (tag.token() & 0x3F) != 0
    }

    /// Takes one property; false, and nothing read, if it is not ours.
    fn element(
        &mut self,
        e: &mut Event,
        r: &mut Reader<'_>,
        tag: Tag,
        source: &Source<'_>,
        fresh: bool,
        uploads: &mut Vec<(Slot, Vec<u8>)>,
    ) -> Result<bool, Error> {
        let version = source.version;
        match tag {
            calendar::TIMEZONE => read_zone(r, e, source)?,
            calendar::START_TIME => self.start_ms = value::time(r, tag)?,
            calendar::END_TIME => self.end_ms = value::time(r, tag)?,
            calendar::RECURRENCE => {
                let unknown = |r: &mut Reader<'_>, _| Ok(r.skip()?);
                self.rule = Some(recurrence::read(
                    r,
                    &recurrence::CALENDAR,
                    version,
                    unknown,
                )?);
            }
            calendar::EXCEPTIONS => {
                self.exceptions = Some(exception::read_all(r, version, &e.exceptions)?);
            }
            calendar::ATTENDEES => e.attendees = people::read(r, version, &e.attendees)?,
            // An appointment keeps the UID that it began with.
            calendar::UID if fresh => e.uid = value::text(r)?,
            calendar::CLIENT_UID if fresh && e.uid.is_empty() => e.uid = value::text(r)?,
            airsyncbase::ATTACHMENTS => {
                self.adds_files |= files::read(r, &mut e.files, source, uploads)?;
            }
            airsyncbase::BODY => {
                if let Some(new) = body::read(r, version)? {
                    body::set(&mut e.body, new, uploads);
                }
            }
            calendar::COMPRESSED_RTF => {
                if let Some(new) = body::read_rtf(r)? {
                    body::set(&mut e.body, new, uploads);
                }
            }
            calendar::BODY => {
                let text = value::text(r)?;
                body::set(
                    &mut e.body,
                    body::NewBody {
                        text,
                        ..Default::default()
                    },
                    uploads,
                );
            }
            _ => return simple(e, r, tag),
        }
        Ok(true)
    }

    /// Deletes what the client owns and left out. Times, the zone, the UID, the organizer, texts
    /// and exceptions stay in any case.
    fn clear(&self, e: &mut Event, source: &Source<'_>) {
        let gone =
            |tag| !self.has(tag) && source.supported.owns(tag, Class::Calendar, source.version);
        if gone(calendar::ALL_DAY_EVENT) {
            e.all_day = false;
        }
        if gone(calendar::BUSY_STATUS) {
            e.busy = BUSY;
        }
        if gone(calendar::SENSITIVITY) {
            e.sensitivity = 0;
        }
        if gone(calendar::SUBJECT) {
            e.subject.clear();
        }
        if gone(calendar::LOCATION) {
            e.location.clear();
        }
        if gone(calendar::REMINDER) {
            e.reminder_min = None;
        }
        if gone(calendar::ATTENDEES) {
            e.attendees.clear();
        }
        if gone(calendar::CATEGORIES) {
            e.categories.clear();
        }
        if gone(calendar::RECURRENCE) && e.recurrence.take().is_some() {
            e.exceptions.clear();
        }
    }

    /// Brings the times together, once the zone and the kind of the days are known.
    fn settle(mut self, e: &mut Event, source: &Source<'_>, fresh: bool) -> Result<(), Error> {
        let clock = Clock::of(e);
        if let Some(start) = self.start_ms {
            e.start_ms = clock.instant(start, e.all_day);
        } else if fresh {
            let next = source.now_ms - source.now_ms.rem_euclid(HALF_HOUR_MS) + HALF_HOUR_MS;
            e.start_ms = clock.instant(next, e.all_day);
        }
        match self.end_ms {
            Some(end) => e.end_ms = clock.end(end, e.all_day),
            None if fresh => e.end_ms = e.start_ms + HALF_HOUR_MS,
            None => e.end_ms = e.end_ms.max(e.start_ms),
        }
        if e.all_day && e.end_ms <= e.start_ms {
            e.end_ms = clock.0.to_utc(clock.0.to_local(e.start_ms) + DAY_MS);
        }
        if e.end_ms < e.start_ms {
            return Err(Error::Value(calendar::END_TIME));
        }
        if let Some(mut rule) = self.rule.take() {
            // Of an occurrence without its series, or of a series that ends being one.
            if rule.is_some() != e.recurrence.is_some() {
                e.exceptions.clear();
            }
            if let Some(rule) = &mut rule {
                rule.until_ms = rule.until_ms.map(|ms| clock.instant(ms, e.all_day));
                recurrence::keep(
                    rule,
                    e.recurrence.as_ref(),
                    &recurrence::CALENDAR,
                    source.version,
                );
                recurrence::complete(rule, clock.0.to_local(e.start_ms));
            }
            e.recurrence = rule;
        }
        if let Some(mut all) = self.exceptions.take().filter(|_| e.recurrence.is_some()) {
            for x in &mut all {
                let (told, written) = (x.original_ms, (x.start_ms, x.end_ms));
                exception::settle(x, e.all_day, &clock);
                // One that is sent back as it was is meant in the zone that the series had.
                let old = e.exceptions.binary_search_by_key(&told, |x| x.original_ms);
                if let Some(old) = old.ok().and_then(|i| e.exceptions.get(i)) {
                    x.original_ms = told;
                    if (old.start_ms, old.end_ms) == written {
                        (x.start_ms, x.end_ms) = written;
                    }
                }
            }
            all.sort_by_key(|x| x.original_ms);
            e.exceptions = all;
        }
        Ok(())
    }
}

/// The properties that are just a value.
fn simple(e: &mut Event, r: &mut Reader<'_>, tag: Tag) -> Result<bool, Error> {
    match tag {
        calendar::ALL_DAY_EVENT => e.all_day = value::flag(r, tag)?.unwrap_or(false),
        calendar::SUBJECT => e.subject = value::text(r)?,
        calendar::LOCATION => e.location = place::named(&e.location, &value::text(r)?),
        airsyncbase::LOCATION => e.location = read_location(r)?,
        calendar::DT_STAMP => e.stamp_ms = value::time(r, tag)?.unwrap_or(e.stamp_ms),
        calendar::BUSY_STATUS => e.busy = value::within(r, tag, 0..=4)?.unwrap_or(BUSY),
        calendar::SENSITIVITY => e.sensitivity = value::within(r, tag, 0..=3)?.unwrap_or(0),
        calendar::REMINDER => e.reminder_min = reminder(r)?,
        calendar::MEETING_STATUS => {
            e.meeting_status = value::within(r, tag, 0..=15)?.unwrap_or(e.meeting_status);
        }
        calendar::ORGANIZER_NAME => e.organizer_name = value::text(r)?,
        calendar::ORGANIZER_EMAIL => e.organizer_email = value::text(r)?,
        calendar::CATEGORIES => e.categories = value::strings(r, tag, calendar::CATEGORY)?,
        calendar::RESPONSE_REQUESTED => {
            e.response_requested = value::flag(r, tag)?.unwrap_or(false);
        }
        calendar::DISALLOW_NEW_TIME_PROPOSAL => {
            e.disallow_new_time = value::flag(r, tag)?.unwrap_or(false);
        }
        calendar::ONLINE_MEETING_CONF_LINK => e.online_meeting_conf = value::text(r)?,
        calendar::ONLINE_MEETING_EXTERNAL_LINK => e.online_meeting_external = value::text(r)?,
        // What the user answered is told by MeetingResponse, not here.
        _ => return Ok(false),
    }
    Ok(true)
}

/// Who called a meeting: that never changes, and so nobody becomes the organizer of another's.
struct Called {
    name: String,
    email: String,
    status: u8,
}

impl Called {
    /// Which of the two a meeting is, called or received ([MS-ASCAL] 2.2.2.27).
    const WHOSE: u8 = 3;

    fn of(event: &Event) -> Self {
        Self {
            name: event.organizer_name.clone(),
            email: event.organizer_email.clone(),
            status: event.meeting_status,
        }
    }

    fn keep(self, event: &mut Event) {
        if self.email.is_empty() {
            return;
        }
        (event.organizer_name, event.organizer_email) = (self.name, self.email);
        if self.status != 0 {
            let whose = self.status & Self::WHOSE;
            event.meeting_status = event.meeting_status & !Self::WHOSE | whose;
        }
    }
}

/// What a client need not say: who organizes, and what the appointment is called.
fn name(e: &mut Event, source: &Source<'_>) {
    if e.uid.is_empty() {
        source.uid.clone_into(&mut e.uid);
    }
    if !e.attendees.is_empty() && e.organizer_email.is_empty() {
        source.user_email.clone_into(&mut e.organizer_email);
        source.user_name.clone_into(&mut e.organizer_name);
        if e.meeting_status == 0 {
            e.meeting_status = 1;
        }
    }
}

/// `Timezone`: the client's rules, and the name of the zone that has them.
fn read_zone(r: &mut Reader<'_>, e: &mut Event, source: &Source<'_>) -> Result<(), Error> {
    let text = r.text()?;
    if text.trim().is_empty() {
        return Ok(());
    }
    let blob = STANDARD
        .decode(text.trim())
        .map_err(|_| Error::Value(calendar::TIMEZONE))?;
    if blob.len() != BLOB_BYTES {
        return Err(Error::Value(calendar::TIMEZONE));
    }
    let known = [e.zone.as_str(), source.zone];
    let likely: Vec<&str> = known.into_iter().filter(|z| !z.is_empty()).collect();
    e.zone = tz::zone_of(&blob, &likely).unwrap_or_default();
    e.zone_blob = blob;
    Ok(())
}

/// AirSyncBase `Location`, or a text in its place.
pub(super) fn read_location(r: &mut Reader<'_>) -> Result<String, Error> {
    let mut as_text = r.clone();
    if let Ok(text) = as_text.text() {
        *r = as_text;
        return Ok(place::named("", &text));
    }
    let mut parts = [const { String::new() }; place::PARTS];
    while let Some(tag) = r.child()? {
        let known = PLACE.iter().zip(&mut parts).find(|((t, _), _)| *t == tag);
        let Some(((_, is_number), part)) = known else {
            r.skip()?;
            continue;
        };
        *part = value::text(r)?.trim().to_owned();
        if *is_number && !part.is_empty() && !is_a_number(part) {
            return Err(Error::Value(tag));
        }
    }
    Ok(place::of(&parts))
}

/// `Reminder`: minutes; empty for none.
pub(super) fn reminder(r: &mut Reader<'_>) -> Result<Option<u32>, Error> {
    value::number(r, calendar::REMINDER)
}
