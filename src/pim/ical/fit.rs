//! What a mail's record may hold of the meeting that it carries: the mail itself has all of it,
//! and its record has to stay storable whatever the sender wrote.

use super::super::event::Event;
use super::super::mail::cut;
use crate::limits::{
    MEETING_ATTENDEES_MAX, MEETING_EXCEPTIONS_MAX, MEETING_LINE_BYTES_MAX, TEXT_HEAD_BYTES,
};

/// Categories that a meeting keeps.
const CATEGORIES: usize = 20;

/// Shortens texts and lists.
pub(super) fn fit(event: &mut Event) {
    let lines = [
        &mut event.uid,
        &mut event.subject,
        &mut event.location,
        &mut event.organizer_name,
        &mut event.organizer_email,
        &mut event.online_meeting_external,
        &mut event.online_meeting_conf,
    ];
    for line in lines {
        shorten(line, MEETING_LINE_BYTES_MAX);
    }
    shorten(&mut event.body.text, TEXT_HEAD_BYTES);
    event.attendees.truncate(MEETING_ATTENDEES_MAX);
    for attendee in &mut event.attendees {
        shorten(&mut attendee.name, MEETING_LINE_BYTES_MAX / 8);
        shorten(&mut attendee.email, MEETING_LINE_BYTES_MAX / 4);
    }
    event.categories.truncate(CATEGORIES);
    for category in &mut event.categories {
        shorten(category, MEETING_LINE_BYTES_MAX / 8);
    }
    event.exceptions.truncate(MEETING_EXCEPTIONS_MAX);
    for exception in &mut event.exceptions {
        (exception.attendees, exception.body, exception.categories) = (None, None, None);
        let lines = [&mut exception.subject, &mut exception.location];
        for line in lines.into_iter().flatten() {
            shorten(line, MEETING_LINE_BYTES_MAX / 8);
        }
    }
}

fn shorten(text: &mut String, bytes_max: usize) {
    text.truncate(cut(text, bytes_max).len());
}
