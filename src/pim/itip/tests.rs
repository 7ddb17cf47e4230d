//! What arrives, by who sends it, in which order, and to whom.

use super::super::event::Attendee;
use super::super::recur::occurrences;
use super::super::tz::DAY_MS;
use super::*;
use crate::pim::Recurrence;

const ANN: &str = "ann@example.org";
const BOB: &str = "bob@example.org";
const EVE: &str = "eve@example.org";
const HOUR_MS: i64 = 3_600_000;

fn attendee(email: &str, status: u8) -> Attendee {
    Attendee {
        email: email.into(),
        status,
        kind: 1,
        ..Attendee::default()
    }
}

/// Ann invites Bob and Eve.
fn invited(sequence: u32, stamp_ms: i64) -> Event {
    Event {
        uid: "u1".into(),
        subject: "Review".into(),
        start_ms: 10 * DAY_MS,
        end_ms: 10 * DAY_MS + HOUR_MS,
        busy: 2,
        organizer_email: ANN.into(),
        attendees: vec![attendee(BOB, 5), attendee(EVE, 5)],
        sequence,
        stamp_ms,
        ..Event::default()
    }
}

fn daily(sequence: u32, stamp_ms: i64) -> Event {
    Event {
        recurrence: Some(Recurrence {
            interval: 1,
            ..Recurrence::default()
        }),
        ..invited(sequence, stamp_ms)
    }
}

fn message(method: &str, event: Event, recurrence_id_ms: Option<i64>) -> Meeting {
    Meeting {
        method: method.into(),
        recurrence_id_ms,
        event,
    }
}

/// What a message from `from` is to `own`, whose appointment is `existing`.
fn taken(meeting: &Meeting, from: &str, own: &str, existing: Option<&Event>) -> Taken {
    let arrived = Arrived {
        meeting,
        from,
        own: &[own.to_owned()],
        latest: None,
    };
    take(&arrived, existing)
}

fn to_bob(meeting: &Meeting, existing: Option<&Event>) -> Taken {
    taken(meeting, ANN, BOB, existing)
}

fn accepted(event: Event) -> Event {
    Event {
        meeting_status: 3,
        response: 3,
        busy: 2,
        reminder_min: Some(5),
        categories: vec!["Work".into()],
        sensitivity: 2,
        appointment_reply_ms: Some(1),
        ..event
    }
}

#[test]
fn a_request_is_shown_tentative_and_not_answered() {
    let first = to_bob(&message("REQUEST", invited(0, 1), None), None);
    let event = first.becomes.unwrap();
    let state = (event.meeting_status, event.response, event.busy);
    assert_eq!(state, (3, 5, 1));
    assert_eq!(first.standing, Some(Standing::First));
    // The organizer's own copy, and what nobody organizes, are no appointments.
    let own = message("REQUEST", invited(0, 1), None);
    assert_eq!(taken(&own, ANN, ANN, None), Taken::default());
    let mut nobody = invited(0, 1);
    nobody.organizer_email.clear();
    let nobody = message("REQUEST", nobody, None);
    assert_eq!(to_bob(&nobody, None), Taken::default());
}

#[test]
fn a_request_that_accepts_for_the_user_is_not_answered_either() {
    let mut event = invited(0, 1);
    event.attendees[0].status = 3;
    event.response = 3;
    let first = to_bob(&message("REQUEST", event, None), None);
    assert_eq!(first.becomes.unwrap().response, 5);
}

#[test]
fn an_update_of_the_time_asks_again_and_another_does_not() {
    let before = accepted(invited(0, 1));
    let later = Event {
        start_ms: 11 * DAY_MS,
        end_ms: 11 * DAY_MS + HOUR_MS,
        ..invited(1, 2)
    };
    let update = to_bob(&message("REQUEST", later, None), Some(&before));
    assert_eq!(update.standing, Some(Standing::Update));
    let event = update.becomes.unwrap();
    let state = (event.response, event.busy, event.start_ms);
    assert_eq!(state, (5, 1, 11 * DAY_MS));
    let own = (
        event.reminder_min,
        event.categories.len(),
        event.sensitivity,
    );
    assert_eq!(own, (Some(5), 1, 2));
    // The same sequence with a later stamp is an update, too.
    let elsewhere = Event {
        location: "Room 2".into(),
        ..invited(0, 2)
    };
    let news = to_bob(&message("REQUEST", elsewhere, None), Some(&before));
    assert_eq!(news.standing, Some(Standing::News));
    let event = news.becomes.unwrap();
    let state = (event.response, event.busy, event.location.as_str());
    assert_eq!(state, (3, 2, "Room 2"));
    assert_eq!(event.attendees[0].status, 3);
}

#[test]
fn what_is_outdated_or_comes_again_changes_nothing() {
    let before = accepted(invited(2, 9));
    for (sequence, stamp_ms, standing) in [
        (1, 20, Some(Standing::Outdated)),
        (2, 8, Some(Standing::Outdated)),
        (2, 9, None),
    ] {
        let meeting = message("REQUEST", invited(sequence, stamp_ms), None);
        let taken = to_bob(&meeting, Some(&before));
        assert_eq!((taken.becomes, taken.standing), (None, standing));
    }
    // Declined and gone: what came before does not bring it back.
    let again = message("REQUEST", invited(2, 9), None);
    let arrived = Arrived {
        meeting: &again,
        from: ANN,
        own: &[BOB.to_owned()],
        latest: Some((2, 9)),
    };
    assert_eq!(take(&arrived, None), Taken::default());
}

#[test]
fn nobody_else_changes_a_meeting() {
    let before = accepted(invited(0, 1));
    let takes_over = Event {
        organizer_email: EVE.into(),
        ..invited(1, 2)
    };
    for method in ["REQUEST", "CANCEL"] {
        // Another organizer, and an attendee in the organizer's name.
        let other = message(method, takes_over.clone(), None);
        assert_eq!(taken(&other, EVE, BOB, Some(&before)), Taken::default());
        let forged = message(method, invited(1, 2), None);
        assert_eq!(taken(&forged, EVE, BOB, Some(&before)), Taken::default());
        // By another's hand in the organizer's name.
        let hand = taken(&forged, "calendar@example.org", BOB, Some(&before));
        assert_eq!(hand.becomes.unwrap().organizer_email, ANN);
    }
}

#[test]
fn one_occurrence_becomes_an_exception_or_stands_alone() {
    let third = 12 * DAY_MS;
    let moved = Event {
        start_ms: third + HOUR_MS,
        end_ms: third + 2 * HOUR_MS,
        ..invited(1, 2)
    };
    let one = message("REQUEST", moved, Some(third));
    let series = to_bob(&one, Some(&accepted(daily(0, 1)))).becomes.unwrap();
    let exception = &series.exceptions[0];
    assert_eq!(exception.original_ms, third);
    assert_eq!(
        (exception.start_ms, exception.response),
        (Some(third + HOUR_MS), Some(5))
    );
    assert_eq!((series.response, series.sequence), (3, 0));
    // The same once more, and an older one.
    assert_eq!(
        to_bob(&one, Some(&series))
            .becomes
            .map(|e| e.exceptions.len()),
        Some(1)
    );
    let lone = to_bob(&one, None).becomes.unwrap();
    assert_eq!(
        (lone.lone_ms(), lone.recurrence.is_none()),
        (Some(third), true)
    );
    assert_eq!(occurrences(&lone, 0, 99 * DAY_MS, 9).len(), 1);
    let no_such = message("REQUEST", invited(1, 2), Some(third + 1));
    assert_eq!(to_bob(&no_such, Some(&daily(0, 1))), Taken::default());
}

#[test]
fn a_cancellation_frees_the_time_and_stays_to_be_seen() {
    let before = accepted(invited(1, 5));
    let cancelled = to_bob(&message("CANCEL", invited(2, 6), None), Some(&before));
    let event = cancelled.becomes.unwrap();
    let state = (event.meeting_status, event.busy, event.subject.as_str());
    assert_eq!(state, (7, 0, "Review"));
    let old = to_bob(&message("CANCEL", invited(0, 2), None), Some(&before));
    assert_eq!(
        (old.becomes, old.standing),
        (None, Some(Standing::Outdated))
    );
    // It takes place after all.
    let again = to_bob(&message("REQUEST", invited(3, 7), None), Some(&event));
    let again = again.becomes.unwrap();
    assert_eq!((again.meeting_status, again.response), (3, 5));
    let third = 12 * DAY_MS;
    let one = message("CANCEL", invited(1, 6), Some(third));
    let series = to_bob(&one, Some(&daily(0, 1))).becomes.unwrap();
    assert!(series.exceptions[0].deleted && series.meeting_status == 0);
    assert!(to_bob(&message("CANCEL", invited(2, 6), None), None).counts);
}

/// Bob's answer to Ann.
fn answer(status: u8, sequence: u32, stamp_ms: i64) -> Event {
    Event {
        attendees: vec![attendee(BOB, status)],
        ..invited(sequence, stamp_ms)
    }
}

fn ann(event: Event) -> Event {
    Event {
        meeting_status: 1,
        response: 1,
        ..event
    }
}

#[test]
fn answers_are_noted_with_the_attendee_who_gave_them() {
    let before = ann(invited(1, 5));
    for (method, said, noted) in [
        ("REPLY", 3, Some(3)),
        ("REPLY", 2, Some(2)),
        ("REPLY", 4, Some(4)),
        ("COUNTER", 5, Some(2)),
        ("REPLY", 5, None),
        ("REPLY", 0, None),
    ] {
        let reply = message(method, answer(said, 1, 6), None);
        let taken = taken(&reply, BOB, ANN, Some(&before));
        let status = taken.becomes.map(|e| e.attendees[0].status);
        assert_eq!(status, noted, "{method} {said}");
    }
    let reply = message("REPLY", answer(3, 1, 6), None);
    // In another's name, to somebody who does not organize it, and by nobody whom Ann has asked.
    assert_eq!(taken(&reply, EVE, ANN, Some(&before)), Taken::default());
    assert_eq!(taken(&reply, BOB, EVE, Some(&before)), Taken::default());
    let mut party = answer(3, 1, 6);
    party.attendees[0].email = "mallory@example.org".into();
    let party = message("REPLY", party, None);
    let crashed = taken(&party, "mallory@example.org", ANN, Some(&before));
    assert_eq!(crashed, Taken::default());
    // To what was asked before the time was changed.
    let early = message("REPLY", answer(3, 0, 4), None);
    assert_eq!(taken(&early, BOB, ANN, Some(&before)), Taken::default());
}

#[test]
fn an_answer_to_one_occurrence_stands_with_it() {
    let third = 12 * DAY_MS;
    let before = ann(daily(0, 1));
    let reply = message("REPLY", answer(4, 0, 6), Some(third));
    let event = taken(&reply, BOB, ANN, Some(&before)).becomes.unwrap();
    assert_eq!(event.attendees[0].status, 5);
    let own = event.exceptions[0].attendees.as_ref().unwrap();
    assert_eq!((own[0].status, own[1].status), (4, 5));
}

#[test]
fn an_answer_to_the_whole_is_one_to_occurrences_that_had_none() {
    let third = 12 * DAY_MS;
    let mut before = ann(daily(0, 1));
    let own = |original_ms: i64, status: u8| Exception {
        original_ms,
        attendees: Some(vec![attendee(BOB, status)]),
        ..Exception::default()
    };
    before.exceptions = vec![own(third, 4), own(third + DAY_MS, 5)];
    let reply = message("REPLY", answer(3, 0, 6), None);
    let event = taken(&reply, BOB, ANN, Some(&before)).becomes.unwrap();
    let status = |n: usize| event.exceptions[n].attendees.as_ref().unwrap()[0].status;
    assert_eq!((event.attendees[0].status, status(0), status(1)), (3, 4, 3));
}

#[test]
fn an_answer_takes_no_room_that_is_not_there() {
    let mut before = ann(daily(0, 1));
    let name = "n".repeat(100);
    let of = |n: usize| Attendee {
        name: name.clone(),
        ..attendee(&format!("{n}@example.org"), 0)
    };
    before.attendees.extend((0..250).map(of));
    let reply = message("REPLY", answer(3, 0, 6), None);
    assert!(taken(&reply, BOB, ANN, Some(&before)).becomes.is_some());
    // For an occurrence all of them would stand there twice.
    let one = message("REPLY", answer(3, 0, 6), Some(12 * DAY_MS));
    assert_eq!(taken(&one, BOB, ANN, Some(&before)), Taken::default());
}

#[test]
fn what_a_mail_was_is_read_from_its_method() {
    for standing in [
        Standing::First,
        Standing::Update,
        Standing::News,
        Standing::Outdated,
    ] {
        let method = format!("REQUEST {}", standing.word());
        assert_eq!(Standing::of(&method), Some(standing));
    }
    assert_eq!(Standing::of("REQUEST"), None);
}
