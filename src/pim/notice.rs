//! What the attendees of a meeting are to be told when its organizer makes, changes or deletes it
//! (iTIP, RFC 5546 3.2.2 and 3.2.5).
//!
//! Whatever they see raises `SEQUENCE`, so that each edition is told apart from the one before; what
//! is the organizer's own (reminder, categories, how much of the time it takes) is told to nobody.
//!
//! Deliberately absent: sending; delegated meetings.

use super::event::{Attendee, Event, Exception, Meeting};
use super::invite::{NOT_ANSWERED, NotAnswered, exception_at, is_cancelled, is_one_of};
use super::recur::{applied, last_end_ms};
use crate::limits::{ATTENDEES_MAX, NOTICES_MAX};

/// A meeting that the user called ([MS-ASCAL] 2.2.2.27), the bits of both kinds.
const CALLED: u8 = 1;
const WHOSE: u8 = 3;
const SECOND_MS: i64 = 1_000;

/// One message, to some of the attendees that it names.
#[derive(Clone, PartialEq, Debug)]
pub struct Notice {
    /// The message.
    pub meeting: Meeting,
    /// Whom it goes to: places in the list of attendees.
    pub to: Vec<u16>,
}

impl Notice {
    /// A message to all attendees whom `is_meant` finds; none if there are none.
    fn of(
        method: &str,
        recurrence_id_ms: Option<i64>,
        event: Event,
        is_meant: impl Fn(&Attendee) -> bool,
    ) -> Option<Self> {
        let mut to: Vec<u16> = Vec::new();
        for (at, attendee) in event.attendees.iter().enumerate() {
            let same = |n: &&u16| {
                let earlier = event.attendees.get(usize::from(**n));
                earlier.is_some_and(|e| is_same(e, attendee))
            };
            if is_meant(attendee) && attendee.email.contains('@') && !to.iter().any(|n| same(&n)) {
                to.extend(u16::try_from(at));
            }
        }
        let mut event = Event {
            categories: Vec::new(),
            files: Vec::new(),
            ..event
        };
        for attendee in event.attendees.iter_mut().filter(|a| a.status == 0) {
            attendee.status = NOT_ANSWERED;
        }
        let meeting = Meeting {
            method: method.to_owned(),
            recurrence_id_ms,
            event,
        };
        (!to.is_empty()).then_some(Self { meeting, to })
    }

    /// The attendees whom it goes to.
    pub fn recipients(&self) -> impl Iterator<Item = &Attendee> {
        let all = &self.meeting.event.attendees;
        self.to.iter().filter_map(|n| all.get(usize::from(*n)))
    }
}

fn is_same(one: &Attendee, other: &Attendee) -> bool {
    one.email.eq_ignore_ascii_case(&other.email)
}

fn is_among(attendee: &Attendee, all: &[Attendee]) -> bool {
    all.iter().any(|a| is_same(a, attendee))
}

/// Whether it is a meeting to which the user has asked others, and which takes place.
#[must_use]
pub fn is_called(event: &Event, own: &[String]) -> bool {
    event.meeting_status & WHOSE == CALLED
        && !is_cancelled(event)
        && !event.attendees.is_empty()
        && is_one_of(&event.organizer_email, own)
}

/// What is to be told of a change from `before` (none: it is new) to `after`, which becomes the next
/// edition where there is something to tell.
#[must_use]
pub fn of_change(
    before: Option<&Event>,
    after: &mut Event,
    own: &[String],
    now_ms: i64,
) -> Vec<Notice> {
    let known = before.filter(|event| is_called(event, own));
    let now_ms = now_ms - now_ms.rem_euclid(SECOND_MS);
    let mut change = Change {
        own,
        notices: Vec::new(),
    };
    match (known, is_called(after, own)) {
        (None, false) => return Vec::new(),
        (None, true) => {
            after.response = 1;
            raise(after, before, now_ms);
            change.request(after);
        }
        (Some(known), false) => {
            raise(after, before, now_ms);
            change.cancel(known, after, |_| true);
        }
        (Some(known), true) => change.update(known, after, now_ms),
    }
    change.notices
}

/// What is to be told when a meeting is deleted: that it does not take place, unless it is over.
#[must_use]
pub fn of_deletion(before: &Event, own: &[String], now_ms: i64) -> Vec<Notice> {
    let is_over = last_end_ms(before).is_some_and(|end_ms| end_ms < now_ms);
    if is_over || !is_called(before, own) {
        return Vec::new();
    }
    let mut after = before.clone();
    raise(
        &mut after,
        Some(before),
        now_ms - now_ms.rem_euclid(SECOND_MS),
    );
    let mut change = Change {
        own,
        notices: Vec::new(),
    };
    change.cancel(before, &after, |_| true);
    change.notices
}

/// An invitation to `others`, to a meeting or (`original_ms`) to an occurrence of it, of the edition
/// that it has.
///
/// # Errors
/// What [`NotAnswered`] lists.
pub fn forwarded(
    event: &Event,
    original_ms: Option<i64>,
    others: &[Attendee],
) -> Result<Meeting, NotAnswered> {
    let mut event = event.clone();
    ask_more(&mut event, original_ms, others)?;
    let recurrence_id_ms = original_ms.or(event.lone_ms());
    if let Some(original_ms) = original_ms {
        let find = |x: &&Exception| x.original_ms == original_ms;
        event = occurrence(&event, event.exceptions.iter().find(find), original_ms);
    }
    event.categories.clear();
    event.reminder_min = None;
    event.response_requested = true;
    event.sensitivity = 0;
    Ok(Meeting {
        method: "REQUEST".to_owned(),
        recurrence_id_ms,
        event,
    })
}

/// Adds those attendees whom it does not have yet.
///
/// # Errors
/// What [`NotAnswered`] lists.
pub fn ask_more(
    event: &mut Event,
    original_ms: Option<i64>,
    others: &[Attendee],
) -> Result<(), NotAnswered> {
    let all = match original_ms {
        Some(_) if event.recurrence.is_none() => return Err(NotAnswered::NoSeries),
        Some(original_ms) => {
            let all = event.attendees.clone();
            let exception = exception_at(event, original_ms)?;
            exception.attendees.get_or_insert(all)
        }
        None => &mut event.attendees,
    };
    for other in others {
        if all.len() < ATTENDEES_MAX && !is_among(other, all) {
            all.push(other.clone());
        }
    }
    Ok(())
}

/// Makes it the next edition; the first is 0.
fn raise(after: &mut Event, before: Option<&Event>, now_ms: i64) {
    if let Some(before) = before {
        after.sequence = before.sequence.saturating_add(1);
    }
    after.stamp_ms = now_ms;
}

/// Their answer does not hold any more.
fn ask_anew(attendees: &mut [Attendee]) {
    for attendee in attendees.iter_mut().filter(|a| a.status != 0) {
        attendee.status = NOT_ANSWERED;
    }
}

/// When it is.
fn times(event: &Event) -> impl PartialEq + '_ {
    (
        event.start_ms,
        event.end_ms,
        event.all_day,
        &event.recurrence,
    )
}

/// What attendees see of a whole appointment, beside who they are.
fn seen(event: &Event) -> impl PartialEq + '_ {
    let links = (&event.online_meeting_conf, &event.online_meeting_external);
    (
        (
            event.start_ms,
            event.end_ms,
            event.all_day,
            &event.recurrence,
        ),
        (&event.subject, &event.location, &event.body),
        (event.response_requested, event.disallow_new_time),
        links,
    )
}

/// What they see of an occurrence.
fn seen_of_one(x: &Exception) -> impl PartialEq + '_ {
    (
        (x.deleted, x.start_ms, x.end_ms, x.all_day),
        (&x.subject, &x.location, &x.body),
        x.attendees
            .as_ref()
            .map(|all| all.iter().map(|a| &a.email).collect::<Vec<_>>()),
    )
}

/// The messages of one change.
struct Change<'a> {
    own: &'a [String],
    notices: Vec<Notice>,
}

impl Change<'_> {
    fn others(&self, attendee: &Attendee) -> bool {
        !is_one_of(&attendee.email, self.own)
    }

    /// The whole, to everybody.
    fn request(&mut self, after: &Event) {
        let notice = Notice::of("REQUEST", None, after.clone(), |a| self.others(a));
        self.notices.extend(notice);
    }

    /// That it does not take place, to some of those who knew of it.
    fn cancel(&mut self, known: &Event, after: &Event, which: impl Fn(&Attendee) -> bool) {
        let mut event = known.clone();
        event.attendees.retain(|a| which(a));
        event.meeting_status |= 4;
        (event.sequence, event.stamp_ms) = (after.sequence, after.stamp_ms);
        event.exceptions.clear();
        let notice = Notice::of("CANCEL", None, event, |a| self.others(a));
        self.notices.extend(notice);
    }

    fn update(&mut self, known: &Event, after: &mut Event, now_ms: i64) {
        let gone = |a: &Attendee| !is_among(a, &after.attendees);
        let leaves = known.attendees.iter().any(gone);
        let joins = after
            .attendees
            .iter()
            .any(|a| !is_among(a, &known.attendees));
        let whole = leaves || joins || seen(known) != seen(after);
        let ones = if whole {
            Some(Vec::new())
        } else {
            changed(known, after)
        };
        if ones.as_ref().is_some_and(Vec::is_empty) && !whole {
            return;
        }
        raise(after, Some(known), now_ms);
        if times(known) != times(after) {
            ask_anew(&mut after.attendees);
        }
        if leaves {
            let stay = after.attendees.clone();
            self.cancel(known, after, |a| !is_among(a, &stay));
        }
        match ones {
            Some(ones) if !whole => self.occurrences(known, after, &ones, now_ms),
            _ => self.request(after),
        }
    }

    /// Each changed occurrence by itself.
    fn occurrences(&mut self, known: &Event, after: &mut Event, ones: &[i64], now_ms: i64) {
        for &original_ms in ones {
            let at = after.exceptions.iter_mut();
            let Some(new) = at.into_iter().find(|x| x.original_ms == original_ms) else {
                continue;
            };
            let was = known
                .exceptions
                .iter()
                .find(|x| x.original_ms == original_ms);
            let was = occurrence(known, was, original_ms);
            new.stamp_ms = Some(now_ms);
            let moved = new.start_ms.is_some_and(|ms| ms != was.start_ms);
            if let Some(all) = new.attendees.as_mut().filter(|_| moved) {
                ask_anew(all);
            }
            let (deleted, new) = (new.deleted, new.clone());
            let mut is = occurrence(after, Some(&new), original_ms);
            (is.sequence, is.stamp_ms) = (after.sequence, now_ms);
            let gone = |a: &Attendee| deleted || !is_among(a, &is.attendees);
            let mut cancelled = was;
            cancelled.attendees.retain(gone);
            cancelled.meeting_status |= 4;
            (cancelled.sequence, cancelled.stamp_ms) = (is.sequence, is.stamp_ms);
            let id = Some(original_ms);
            let notice = Notice::of("CANCEL", id, cancelled, |a| self.others(a));
            self.notices.extend(notice);
            if !deleted {
                let notice = Notice::of("REQUEST", id, is, |a| self.others(a));
                self.notices.extend(notice);
            }
        }
    }
}

/// One occurrence as an appointment.
fn occurrence(series: &Event, exception: Option<&Exception>, original_ms: i64) -> Event {
    let usual = Exception {
        original_ms,
        ..Exception::default()
    };
    let mut exception = exception.unwrap_or(&usual).clone();
    exception.stamp_ms = None;
    applied(series, &exception)
}

/// The occurrences that differ otherwise than before. None: so many, or such, that the whole says it
/// better.
fn changed(known: &Event, after: &Event) -> Option<Vec<i64>> {
    let find = |all: &[Exception], ms: i64| all.iter().find(|x| x.original_ms == ms).cloned();
    let usual = Exception::default();
    let mut ones = Vec::new();
    for x in &after.exceptions {
        let was = find(&known.exceptions, x.original_ms);
        if seen_of_one(was.as_ref().unwrap_or(&usual)) != seen_of_one(x) {
            ones.push(x.original_ms);
        }
    }
    let restored = |x: &Exception| find(&after.exceptions, x.original_ms).is_none();
    let again = known.exceptions.iter().any(restored);
    (!again && ones.len() <= NOTICES_MAX).then_some(ones)
}

#[cfg(test)]
mod tests;
