//! What an arriving meeting message does to the calendar of the user who gets it (iTIP, RFC 5546 3.2).
//!
//! Nothing is accepted by itself, and nobody else becomes the organizer. A message changes what is
//! there only if it is later than what came before, and comes from who may say so: an answer from the
//! attendee it is about, anything else not from another attendee.
//!
//! Deliberately absent: `PUBLISH`, `ADD`, `REFRESH`, `DECLINECOUNTER` and delegation, which leave the
//! calendar alone; answers that nobody asked for (an attendee whom the organizer does not know).

use super::event::{Event, Exception, Meeting};
use super::invite::{
    CANCELLED, NOT_ANSWERED, RECEIVED, TENTATIVE, exception_at, fits, is_one_of, mark_lone,
    overwrite, unanswered, unanswered_one,
};
use crate::limits::{BODY_INLINE_BYTES_MAX, MEETING_LINE_BYTES_MAX};

/// What tells the editions of a meeting apart: `SEQUENCE` and `DTSTAMP`, in Unix milliseconds.
pub type Edition = (u32, i64);

/// A meeting message that has arrived.
#[derive(Clone, Copy, Debug)]
pub struct Arrived<'a> {
    /// What it says.
    pub meeting: &'a Meeting,
    /// Who wrote it: an address.
    pub from: &'a str,
    /// The addresses of the user who gets it.
    pub own: &'a [String],
    /// The latest of its kind that came before ([`about`]).
    pub latest: Option<Edition>,
}

/// What a message was to the calendar when it came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// The first invitation.
    First,
    /// Another time: the answer is asked for again.
    Update,
    /// Other things than the time.
    News,
    /// A later one had come before it.
    Outdated,
}

impl Standing {
    /// The word that a mail's record has of it, behind the method.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Update => "update",
            Self::News => "news",
            Self::Outdated => "outdated",
        }
    }

    /// The one that a stored method names.
    #[must_use]
    pub fn of(method: &str) -> Option<Self> {
        let word = method.split(' ').nth(1)?;
        let all = [Self::First, Self::Update, Self::News, Self::Outdated];
        all.into_iter().find(|standing| standing.word() == word)
    }
}

/// What comes of a message.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Taken {
    /// What the appointment becomes; none: it stays as it is.
    pub becomes: Option<Event>,
    /// What it was to the calendar.
    pub standing: Option<Standing>,
    /// Later ones have to be later than this one.
    pub counts: bool,
}

impl Taken {
    fn change(becomes: Event, standing: Option<Standing>) -> Self {
        Self {
            becomes: Some(becomes),
            standing,
            counts: true,
        }
    }

    fn outdated() -> Self {
        Self {
            standing: Some(Standing::Outdated),
            ..Self::default()
        }
    }
}

/// `SEQUENCE` and `DTSTAMP` of an appointment.
#[must_use]
pub fn edition(event: &Event) -> Edition {
    (event.sequence, event.stamp_ms)
}

/// Names what a message is about: messages of one name have an order among themselves. None: it
/// leaves the calendar alone.
#[must_use]
pub fn about(meeting: &Meeting) -> Option<String> {
    let uid = &meeting.event.uid;
    if uid.is_empty() || uid.len() > MEETING_LINE_BYTES_MAX {
        return None;
    }
    let which = meeting.recurrence_id_ms;
    match meeting.asks() {
        "REQUEST" | "CANCEL" => Some(format!("invited {which:?} {uid}")),
        "REPLY" | "COUNTER" => {
            let who = meeting.event.attendees.first()?.email.to_lowercase();
            Some(format!("replied {which:?} {who} {uid}"))
        }
        _ => None,
    }
}

/// What a message does, where `existing` is the appointment that it is about.
#[must_use]
pub fn take(arrived: &Arrived<'_>, existing: Option<&Event>) -> Taken {
    match (arrived.meeting.asks(), existing) {
        ("REQUEST", _) => request(arrived, existing),
        ("CANCEL", _) => cancel(arrived, existing),
        ("REPLY" | "COUNTER", Some(event)) => reply(arrived, event).unwrap_or_default(),
        _ => Taken::default(),
    }
}

impl Arrived<'_> {
    /// Somebody else organizes it.
    fn is_received(&self) -> bool {
        let organizer = &self.meeting.event.organizer_email;
        !organizer.is_empty() && !is_one_of(organizer, self.own)
    }

    /// Who wrote it may change the appointment: its organizer does, in person or by another's hand,
    /// but by no attendee's.
    fn may_change(&self, event: &Event) -> bool {
        let organizer = &event.organizer_email;
        let same = organizer.eq_ignore_ascii_case(&self.meeting.event.organizer_email);
        let by_organizer = organizer.eq_ignore_ascii_case(self.from);
        let by_attendee = event
            .attendees
            .iter()
            .any(|a| a.email.eq_ignore_ascii_case(self.from));
        same && !self.from.is_empty() && (by_organizer || !by_attendee)
    }
}

fn request(arrived: &Arrived<'_>, existing: Option<&Event>) -> Taken {
    let invited = &arrived.meeting.event;
    if !arrived.is_received() || existing.is_some_and(|e| !arrived.may_change(e)) {
        return Taken::default();
    }
    let instance_ms = arrived.meeting.recurrence_id_ms;
    let new = edition(invited);
    // What the user's own devices have stamped does not count where it is known what came.
    let of_instance = existing.and_then(|event| instance_edition(event, instance_ms?));
    let latest = arrived.latest.or(of_instance);
    let latest = latest.or_else(|| existing.filter(|_| instance_ms.is_none()).map(edition));
    match latest {
        Some(latest) if new < latest => return Taken::outdated(),
        // The same once more; what the user made of it stays, be it gone.
        Some(latest) if new == latest => return Taken::default(),
        _ => {}
    }
    match (existing, instance_ms) {
        (None, None) => Taken::change(unanswered(invited), Some(Standing::First)),
        (None, Some(ms)) => Taken::change(unanswered_one(invited, ms), Some(Standing::First)),
        (Some(series), Some(ms)) if series.recurrence.is_some() => {
            // An update of one occurrence that does not know the latest of its series.
            if invited.sequence < series.sequence {
                return Taken::outdated();
            }
            adopt(series, ms, arrived).unwrap_or_default()
        }
        (Some(event), instance_ms) => update(event, instance_ms, arrived),
    }
}

/// The latest edition of an occurrence that is known.
fn instance_edition(event: &Event, original_ms: i64) -> Option<Edition> {
    let find = |x: &&Exception| x.original_ms == original_ms;
    let known = event.exceptions.iter().find(find)?;
    Some((event.sequence, known.stamp_ms?))
}

/// A later edition of a whole appointment.
fn update(before: &Event, lone_ms: Option<i64>, arrived: &Arrived<'_>) -> Taken {
    let invited = &arrived.meeting.event;
    let mut event = before.clone();
    overwrite(&mut event, invited);
    let times = |e: &Event| (e.start_ms, e.end_ms, e.all_day);
    let anew = times(before) != times(invited)
        || before.recurrence != invited.recurrence
        || before.meeting_status & CANCELLED != 0;
    event.meeting_status = RECEIVED;
    if anew {
        event.response = NOT_ANSWERED;
        event.appointment_reply_ms = None;
        event.busy = tentative(invited.busy);
    }
    if let Some(ms) = lone_ms {
        mark_lone(&mut event, ms);
    }
    // What the organizer knows of the user's own answer may be older than it.
    let response = event.response;
    for attendee in &mut event.attendees {
        if is_one_of(&attendee.email, arrived.own) {
            attendee.status = response;
        }
    }
    let standing = if anew {
        Standing::Update
    } else {
        Standing::News
    };
    Taken::change(event, Some(standing))
}

fn tentative(busy: u8) -> u8 {
    if busy == 0 { 0 } else { TENTATIVE }
}

/// Puts an invitation to one occurrence into its series. None: the series has no such occurrence, or
/// no room.
fn adopt(series: &Event, original_ms: i64, arrived: &Arrived<'_>) -> Option<Taken> {
    fn differs<T: PartialEq + Clone>(own: &T, series: &T) -> Option<T> {
        (own != series).then(|| own.clone())
    }
    let invited = &arrived.meeting.event;
    let mut event = series.clone();
    // One that was taken out takes place again.
    event
        .exceptions
        .retain(|x| x.original_ms != original_ms || !x.deleted);
    let exception = exception_at(&mut event, original_ms).ok()?;
    let length_ms = series.end_ms.saturating_sub(series.start_ms);
    let start_ms = exception.start_ms.unwrap_or(original_ms);
    let end_ms = exception
        .end_ms
        .unwrap_or_else(|| original_ms.saturating_add(length_ms));
    let anew = (start_ms, end_ms) != (invited.start_ms, invited.end_ms);
    exception.start_ms = Some(invited.start_ms);
    exception.end_ms = Some(invited.end_ms);
    exception.all_day = differs(&invited.all_day, &series.all_day);
    exception.subject = differs(&invited.subject, &series.subject);
    exception.location = differs(&invited.location, &series.location);
    exception.attendees = differs(&invited.attendees, &series.attendees);
    let short = invited.body.text.len() <= BODY_INLINE_BYTES_MAX && !invited.body.text.is_empty();
    exception.body = differs(&invited.body, &series.body).filter(|_| short);
    exception.stamp_ms = Some(invited.stamp_ms);
    exception.meeting_status = Some(RECEIVED);
    if anew {
        exception.response = Some(NOT_ANSWERED);
        exception.appointment_reply_ms = None;
        exception.busy = Some(tentative(invited.busy));
    }
    let standing = if anew {
        Standing::Update
    } else {
        Standing::News
    };
    Some(Taken::change(event, Some(standing)))
}

fn cancel(arrived: &Arrived<'_>, existing: Option<&Event>) -> Taken {
    let cancelled = &arrived.meeting.event;
    if !arrived.is_received() || existing.is_some_and(|e| !arrived.may_change(e)) {
        return Taken::default();
    }
    let latest = arrived.latest.or_else(|| existing.map(edition));
    // Some programs write the sequence of the invitation.
    if latest.is_some_and(|latest| cancelled.sequence < latest.0) {
        return Taken::outdated();
    }
    let seen = Taken {
        counts: true,
        ..Taken::default()
    };
    let Some(existing) = existing else {
        return seen;
    };
    let mut event = existing.clone();
    match arrived.meeting.recurrence_id_ms {
        Some(original_ms) if event.recurrence.is_some() => {
            let Ok(exception) = exception_at(&mut event, original_ms) else {
                return seen;
            };
            *exception = Exception {
                original_ms,
                deleted: true,
                ..Exception::default()
            };
        }
        _ => {
            event.meeting_status = RECEIVED | CANCELLED;
            (event.busy, event.reminder_min) = (0, None);
            (event.sequence, event.stamp_ms) = edition(cancelled);
        }
    }
    Taken::change(event, None)
}

/// An attendee's answer, for the organizer. None: it changes nothing.
fn reply(arrived: &Arrived<'_>, event: &Event) -> Option<Taken> {
    let told = &arrived.meeting.event;
    let attendee = told.attendees.first()?;
    if !is_one_of(&event.organizer_email, arrived.own)
        || event.meeting_status & CANCELLED != 0
        || !attendee.email.eq_ignore_ascii_case(arrived.from)
    {
        return None;
    }
    let status = match (arrived.meeting.asks(), attendee.status) {
        ("COUNTER", _) => 2,
        (_, status @ 2..=4) => status,
        _ => return None,
    };
    let late = arrived.latest.is_some_and(|latest| edition(told) <= latest);
    let before_update = told.sequence < event.sequence && told.stamp_ms < event.stamp_ms;
    if late || before_update {
        return None;
    }
    let note = |all: &mut [super::Attendee]| {
        let mut all = all.iter_mut();
        let known = all.find(|a| a.email.eq_ignore_ascii_case(arrived.from));
        known.map(|known| known.status = status)
    };
    let mut event = event.clone();
    match arrived.meeting.recurrence_id_ms {
        Some(original_ms) if event.recurrence.is_some() => {
            let all = event.attendees.clone();
            let exception = exception_at(&mut event, original_ms).ok()?;
            note(exception.attendees.get_or_insert(all))?;
        }
        _ => {
            note(&mut event.attendees)?;
            // Who has not answered for an occurrence by itself has done so now.
            let own = event.exceptions.iter_mut();
            for all in own.filter_map(|x| x.attendees.as_mut()) {
                let mut all = all.iter_mut();
                let known = all.find(|a| a.email.eq_ignore_ascii_case(arrived.from));
                if let Some(known) = known.filter(|a| matches!(a.status, 0 | NOT_ANSWERED)) {
                    known.status = status;
                }
            }
        }
    }
    // Nothing that the organizer has written gives way to an answer.
    fits(&event).then(|| Taken::change(event, None))
}

#[cfg(test)]
mod tests;
