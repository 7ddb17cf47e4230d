//! What an answer to an invitation does to an appointment, and the message that tells the organizer
//! (iTIP, RFC 5546 3.2.3 and 3.2.7).

use super::event::{Attendee, Event, Exception, Meeting};
use super::record::Record;
use super::recur::occurrences;
use crate::limits::{EXCEPTIONS_MAX, VALUE_BYTES_MAX};

pub(super) const TENTATIVE: u8 = 1;
const BUSY: u8 = 2;
/// Received from somebody else ([MS-ASCAL] 2.2.2.27).
pub(super) const RECEIVED: u8 = 3;
/// The bit of a meeting that was cancelled.
pub(super) const CANCELLED: u8 = 4;
/// No answer yet ([MS-ASCAL] 2.2.2.41).
pub(super) const NOT_ANSWERED: u8 = 5;

/// What the user says to an invitation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// Comes.
    Accept,
    /// Comes perhaps.
    Tentative,
    /// Does not come.
    Decline,
}

impl Answer {
    /// The number of it in `ResponseType` and `AttendeeStatus`.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Tentative => 2,
            Self::Accept => 3,
            Self::Decline => 4,
        }
    }

    /// How much of the time it takes, where the invitation asks for so much.
    fn busy(self, invited: u8) -> u8 {
        match (self, invited) {
            (Self::Tentative, _) => TENTATIVE,
            // Programs show what is not answered yet as tentative.
            (_, TENTATIVE) => BUSY,
            (_, invited) => invited,
        }
    }
}

/// Whether it is an invitation that can be answered: a request, by somebody else.
#[must_use]
pub fn is_for(meeting: &Meeting, own: &[String]) -> bool {
    meeting.asks() == "REQUEST" && !is_one_of(&meeting.event.organizer_email, own)
}

/// Whether it does not take place any more.
#[must_use]
pub fn is_cancelled(event: &Event) -> bool {
    event.meeting_status & CANCELLED != 0
}

/// Whether an appointment is a meeting that somebody else called.
#[must_use]
pub fn is_received(event: &Event) -> bool {
    event.meeting_status & RECEIVED == RECEIVED
}

/// An appointment out of an invitation, not answered yet.
#[must_use]
pub fn unanswered(invited: &Event) -> Event {
    Event {
        meeting_status: RECEIVED,
        response: NOT_ANSWERED,
        busy: if invited.busy == 0 { 0 } else { TENTATIVE },
        ..invited.clone()
    }
}

/// The same out of an invitation to the occurrence of `original_ms`, whose series is not here: the
/// appointment knows of which it is ([`Event::lone_ms`]).
#[must_use]
pub fn unanswered_one(invited: &Event, original_ms: i64) -> Event {
    let mut event = unanswered(invited);
    mark_lone(&mut event, original_ms);
    event
}

pub(super) fn mark_lone(event: &mut Event, original_ms: i64) {
    event.recurrence = None;
    event.exceptions = vec![Exception {
        original_ms,
        ..Exception::default()
    }];
}

/// Answers an appointment as a whole. Nothing changes where that is the answer already.
pub fn answer(event: &mut Event, answer: Answer, invited_busy: u8, own: &[String], at_ms: i64) {
    event.meeting_status |= RECEIVED;
    if event.response == answer.number() {
        return;
    }
    event.response = answer.number();
    event.busy = answer.busy(invited_busy);
    event.appointment_reply_ms = Some(at_ms);
    for attendee in &mut event.attendees {
        if is_one_of(&attendee.email, own) {
            attendee.status = answer.number();
        }
    }
}

/// Why an occurrence is not answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotAnswered {
    /// The appointment does not recur.
    NoSeries,
    /// The series has no occurrence then.
    NoOccurrence,
    /// The series has as many exceptions as it may.
    TooMany,
}

/// Answers the occurrence that the series has at `original_ms` (Unix milliseconds).
///
/// # Errors
/// What [`NotAnswered`] lists.
pub fn answer_one(
    event: &mut Event,
    original_ms: i64,
    answer: Answer,
    at_ms: i64,
) -> Result<(), NotAnswered> {
    if event.recurrence.is_none() {
        return Err(NotAnswered::NoSeries);
    }
    let invited_busy = event.busy;
    let exception = exception_at(event, original_ms)?;
    if answer == Answer::Decline {
        *exception = Exception {
            original_ms,
            deleted: true,
            ..Exception::default()
        };
    } else if exception.response != Some(answer.number()) {
        exception.response = Some(answer.number());
        exception.busy = Some(answer.busy(exception.busy.unwrap_or(invited_busy)));
        exception.meeting_status = Some(RECEIVED);
        exception.appointment_reply_ms = Some(at_ms);
    }
    Ok(())
}

/// The exception for an occurrence that takes place, a new one where there is none.
pub(super) fn exception_at(
    event: &mut Event,
    original_ms: i64,
) -> Result<&mut Exception, NotAnswered> {
    let place = event
        .exceptions
        .binary_search_by_key(&original_ms, |x| x.original_ms);
    let at = match place {
        Ok(at) => at,
        Err(at) => {
            let end_ms = original_ms.saturating_add(1);
            let found = occurrences(event, original_ms, end_ms, usize::from(u8::MAX));
            if !found.iter().any(|o| o.original_ms == original_ms) {
                return Err(NotAnswered::NoOccurrence);
            }
            if event.exceptions.len() >= EXCEPTIONS_MAX {
                return Err(NotAnswered::TooMany);
            }
            let new = Exception {
                original_ms,
                ..Exception::default()
            };
            event.exceptions.insert(at, new);
            at
        }
    };
    match event.exceptions.get_mut(at) {
        Some(exception) if !exception.deleted => Ok(exception),
        _ => Err(NotAnswered::NoOccurrence),
    }
}

/// Puts an invitation to one occurrence into its series: what it says otherwise.
///
/// # Errors
/// What [`NotAnswered`] lists.
pub fn adopt_one(series: &mut Event, original_ms: i64, invited: &Event) -> Result<(), NotAnswered> {
    if series.recurrence.is_none() {
        return Err(NotAnswered::NoSeries);
    }
    let (subject, location) = (series.subject.clone(), series.location.clone());
    let exception = exception_at(series, original_ms)?;
    exception.start_ms = Some(invited.start_ms);
    exception.end_ms = Some(invited.end_ms);
    exception.subject = (invited.subject != subject).then(|| invited.subject.clone());
    exception.location = (invited.location != location).then(|| invited.location.clone());
    exception.stamp_ms = Some(invited.stamp_ms);
    Ok(())
}

/// Brings an appointment up to date with a later invitation to it; an earlier one, or the same,
/// changes nothing. What is the user's own stays, the answer included: whether it still holds is
/// for the caller.
pub fn renew(event: &mut Event, invited: &Event) {
    if (invited.sequence, invited.stamp_ms) > (event.sequence, event.stamp_ms) {
        let lone_ms = event.lone_ms();
        overwrite(event, invited);
        if let Some(ms) = lone_ms {
            mark_lone(event, ms);
        }
    }
}

/// The same, whichever is the later one. Neither the UID nor the organizer changes.
pub(super) fn overwrite(event: &mut Event, invited: &Event) {
    let same_series = event.recurrence == invited.recurrence && event.start_ms == invited.start_ms;
    let mut exceptions = invited.exceptions.clone();
    if same_series {
        let known = |x: &Exception| exceptions.iter().any(|n| n.original_ms == x.original_ms);
        let kept: Vec<_> = event.exceptions.iter().filter(|x| !known(x)).collect();
        let kept: Vec<_> = kept.into_iter().cloned().collect();
        exceptions.extend(kept);
        exceptions.sort_by_key(|x| x.original_ms);
        exceptions.truncate(EXCEPTIONS_MAX);
    }
    let says_nothing = invited.body.text.is_empty() && invited.body.blob.is_none();
    let body = if says_nothing {
        &event.body
    } else {
        &invited.body
    };
    *event = Event {
        uid: std::mem::take(&mut event.uid),
        organizer_name: std::mem::take(&mut event.organizer_name),
        organizer_email: std::mem::take(&mut event.organizer_email),
        busy: event.busy,
        // Whoever keeps it from the eyes of others goes on doing so.
        sensitivity: event.sensitivity.max(invited.sensitivity),
        reminder_min: event.reminder_min,
        meeting_status: event.meeting_status,
        categories: std::mem::take(&mut event.categories),
        exceptions,
        response: event.response,
        appointment_reply_ms: event.appointment_reply_ms,
        body: body.clone(),
        created_ms: event.created_ms,
        files: std::mem::take(&mut event.files),
        ..invited.clone()
    };
}

/// Sees to it that the store takes the appointment: rather without the texts of its exceptions, or
/// without its last attendees, than not at all. False: it is too large all the same.
#[must_use]
pub fn fit(event: &mut Event) -> bool {
    if fits(event) {
        return true;
    }
    for exception in &mut event.exceptions {
        (exception.body, exception.attendees) = (None, None);
    }
    while !fits(event) {
        if event.attendees.is_empty() {
            return false;
        }
        event.attendees.truncate(event.attendees.len() / 2);
    }
    true
}

/// The store takes the appointment as it is.
#[must_use]
pub fn fits(event: &Event) -> bool {
    // Room for the reference to a blob, and for a later change.
    const MAX: usize = VALUE_BYTES_MAX - 1024;
    let stored = Record::Event(event.clone()).to_stored(0);
    stored.is_ok_and(|stored| stored.len() <= MAX)
}

/// Who answers.
#[derive(Clone, Copy, Debug)]
pub struct Attending<'a> {
    /// Display name, may be empty.
    pub name: &'a str,
    /// All addresses of the user, the primary one first.
    pub addresses: &'a [String],
}

/// The message that tells the organizer: `REPLY`, or with other times `COUNTER`. `occurrence_ms`:
/// the start of the one that is meant, none: the whole.
#[must_use]
pub fn reply(
    event: &Event,
    occurrence_ms: Option<i64>,
    answer: Answer,
    proposed: Option<(i64, i64)>,
    who: Attending<'_>,
    at_ms: i64,
) -> Meeting {
    let mine = |a: &&Attendee| is_one_of(&a.email, who.addresses);
    let invited = event.attendees.iter().find(mine);
    let email = match invited {
        Some(attendee) => attendee.email.clone(),
        None => who.addresses.first().cloned().unwrap_or_default(),
    };
    let attendee = Attendee {
        name: who.name.to_owned(),
        email,
        status: answer.number(),
        kind: invited.map_or(1, |a| a.kind),
    };
    let length_ms = event.end_ms.saturating_sub(event.start_ms);
    let start_ms = occurrence_ms.unwrap_or(event.start_ms);
    let usual = (start_ms, start_ms.saturating_add(length_ms));
    let (start_ms, end_ms) = proposed.unwrap_or(usual);
    let method = if proposed.is_some() {
        "COUNTER"
    } else {
        "REPLY"
    };
    Meeting {
        method: method.to_owned(),
        recurrence_id_ms: occurrence_ms,
        event: Event {
            uid: event.uid.clone(),
            subject: event.subject.clone(),
            location: event.location.clone(),
            start_ms,
            end_ms,
            all_day: event.all_day && proposed.is_none(),
            zone: event.zone.clone(),
            zone_blob: event.zone_blob.clone(),
            stamp_ms: at_ms,
            busy: answer.busy(BUSY),
            organizer_name: event.organizer_name.clone(),
            organizer_email: event.organizer_email.clone(),
            attendees: vec![attendee],
            sequence: event.sequence,
            recurrence: event.recurrence.clone().filter(|_| occurrence_ms.is_none()),
            ..Event::default()
        },
    }
}

pub(super) fn is_one_of(email: &str, own: &[String]) -> bool {
    own.iter().any(|a| a.eq_ignore_ascii_case(email))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pim::Recurrence;
    use crate::pim::tz::DAY_MS;

    fn invited() -> Event {
        Event {
            uid: "u1".into(),
            subject: "Review".into(),
            start_ms: 10 * DAY_MS,
            end_ms: 10 * DAY_MS + 3_600_000,
            busy: 2,
            meeting_status: 3,
            organizer_email: "ann@example.org".into(),
            attendees: vec![Attendee {
                email: "bob@example.org".into(),
                status: 5,
                ..Attendee::default()
            }],
            ..Event::default()
        }
    }

    fn daily() -> Event {
        Event {
            recurrence: Some(Recurrence {
                interval: 1,
                ..Recurrence::default()
            }),
            ..invited()
        }
    }

    fn bob() -> Vec<String> {
        vec!["BOB@example.org".to_owned()]
    }

    #[test]
    fn an_answer_is_noted_once_with_its_time() {
        let mut event = unanswered(&invited());
        assert_eq!((event.busy, event.response), (1, 5));
        answer(&mut event, Answer::Accept, 2, &bob(), 7);
        let accepted = (event.busy, event.response, event.attendees[0].status);
        assert_eq!(accepted, (2, 3, 3));
        let before = event.clone();
        answer(&mut event, Answer::Accept, 2, &bob(), 8);
        assert_eq!(event, before);
        answer(&mut event, Answer::Tentative, 2, &bob(), 9);
        assert_eq!((event.busy, event.appointment_reply_ms), (1, Some(9)));
    }

    #[test]
    fn one_occurrence_becomes_an_exception() {
        let mut series = daily();
        let third = 12 * DAY_MS;
        let none = answer_one(&mut invited(), third, Answer::Accept, 7);
        assert_eq!(none, Err(NotAnswered::NoSeries));
        let none = answer_one(&mut series, third + 1, Answer::Accept, 7);
        assert_eq!(none, Err(NotAnswered::NoOccurrence));
        answer_one(&mut series, third, Answer::Accept, 7).unwrap();
        let exception = &series.exceptions[0];
        assert_eq!((exception.response, exception.busy), (Some(3), Some(2)));
        answer_one(&mut series, third, Answer::Decline, 8).unwrap();
        assert!(series.exceptions[0].deleted && series.exceptions.len() == 1);
        let gone = answer_one(&mut series, third, Answer::Accept, 9);
        assert_eq!(gone, Err(NotAnswered::NoOccurrence));
    }

    #[test]
    fn a_later_invitation_moves_the_appointment_and_keeps_what_is_the_users() {
        let mut event = invited();
        (event.reminder_min, event.categories) = (Some(5), vec!["Work".into()]);
        let before = event.clone();
        renew(
            &mut event,
            &Event {
                subject: "Old".into(),
                ..invited()
            },
        );
        assert_eq!(event, before);
        let later = Event {
            sequence: 1,
            start_ms: 11 * DAY_MS,
            ..invited()
        };
        renew(&mut event, &later);
        assert_eq!(event.start_ms, 11 * DAY_MS);
        assert_eq!(event.reminder_min, Some(5));
        assert_eq!(event.categories, ["Work"]);
    }

    #[test]
    fn too_many_attendees_are_cut() {
        let mut event = invited();
        let attendee = Attendee {
            name: "n".repeat(100),
            ..event.attendees[0].clone()
        };
        event.attendees = vec![attendee; 1_000];
        assert!(fit(&mut event));
        assert!(!event.attendees.is_empty() && event.attendees.len() < 1_000);
        event.subject = "s".repeat(100_000);
        assert!(!fit(&mut event));
    }

    #[test]
    fn the_organizer_hears_of_one_attendee() {
        let who = Attending {
            name: "Bob",
            addresses: &bob(),
        };
        let told = reply(&invited(), None, Answer::Decline, None, who, 7);
        assert_eq!(
            (told.method.as_str(), told.recurrence_id_ms),
            ("REPLY", None)
        );
        assert_eq!(told.event.attendees.len(), 1);
        assert_eq!(told.event.attendees[0].status, 4);
        let other = Some((11 * DAY_MS, 12 * DAY_MS));
        let told = reply(
            &daily(),
            Some(12 * DAY_MS),
            Answer::Tentative,
            other,
            who,
            7,
        );
        assert_eq!(told.method, "COUNTER");
        assert_eq!(
            (told.event.start_ms, told.event.end_ms),
            (11 * DAY_MS, 12 * DAY_MS)
        );
    }
}
