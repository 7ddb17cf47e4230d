//! Who is told what, of which change.

use super::super::tz::DAY_MS;
use super::*;
use crate::pim::Recurrence;

const ANN: &str = "ann@example.org";
const BOB: &str = "bob@example.org";
const EVE: &str = "eve@example.org";
const HOUR_MS: i64 = 3_600_000;
const NOW_MS: i64 = 9 * DAY_MS + 1_234;

fn own() -> Vec<String> {
    vec!["Ann@example.org".to_owned()]
}

fn attendee(email: &str, status: u8) -> Attendee {
    Attendee {
        email: email.into(),
        status,
        kind: 1,
        ..Attendee::default()
    }
}

/// Ann has asked Bob, who comes, Eve, and by her own client herself.
fn called() -> Event {
    Event {
        uid: "u1".into(),
        subject: "Review".into(),
        start_ms: 10 * DAY_MS,
        end_ms: 10 * DAY_MS + HOUR_MS,
        meeting_status: 1,
        organizer_email: ANN.into(),
        attendees: vec![attendee(BOB, 3), attendee(ANN, 0), attendee(EVE, 0)],
        sequence: 4,
        ..Event::default()
    }
}

fn daily() -> Event {
    Event {
        recurrence: Some(Recurrence {
            interval: 1,
            ..Recurrence::default()
        }),
        ..called()
    }
}

/// Method, occurrence, sequence and recipients of each message.
fn told(notices: &[Notice]) -> Vec<(String, Option<i64>, u32, Vec<String>)> {
    let told = |n: &Notice| {
        let meeting = &n.meeting;
        let to = n.recipients().map(|a| a.email.clone()).collect();
        let sequence = meeting.event.sequence;
        (
            meeting.method.clone(),
            meeting.recurrence_id_ms,
            sequence,
            to,
        )
    };
    notices.iter().map(told).collect()
}

fn one(
    method: &str,
    which: Option<i64>,
    sequence: u32,
    to: &[&str],
) -> (String, Option<i64>, u32, Vec<String>) {
    let to = to.iter().map(ToString::to_string).collect();
    (method.to_owned(), which, sequence, to)
}

fn changed(before: &Event, change: impl Fn(&mut Event)) -> (Event, Vec<Notice>) {
    let mut after = before.clone();
    change(&mut after);
    let notices = of_change(Some(before), &mut after, &own(), NOW_MS);
    (after, notices)
}

#[test]
fn a_new_meeting_asks_everybody_else_once() {
    let mut event = Event {
        sequence: 0,
        ..called()
    };
    event.attendees.push(attendee("BOB@example.org", 0));
    event.categories = vec!["Work".into()];
    let notices = of_change(None, &mut event, &own(), NOW_MS);
    assert_eq!(told(&notices), [one("REQUEST", None, 0, &[BOB, EVE])]);
    assert!(notices[0].meeting.event.categories.is_empty());
    assert_eq!((event.stamp_ms, event.response), (NOW_MS - 234, 1));
    let statuses = |e: &Event| e.attendees.iter().map(|a| a.status).collect::<Vec<_>>();
    assert_eq!(statuses(&event), [3, 0, 0, 0]);
    assert_eq!(statuses(&notices[0].meeting.event), [3, 5, 5, 5]);
}

#[test]
fn what_is_no_meeting_of_the_users_is_told_to_nobody() {
    let others = [
        Event {
            organizer_email: EVE.into(),
            ..called()
        },
        Event {
            meeting_status: 3,
            ..called()
        },
        Event {
            meeting_status: 5,
            ..called()
        },
        Event {
            meeting_status: 0,
            ..called()
        },
        Event {
            attendees: Vec::new(),
            ..called()
        },
        Event {
            attendees: vec![attendee(ANN, 0), attendee("nonsense", 0)],
            ..called()
        },
    ];
    for event in others {
        assert_eq!(of_change(None, &mut event.clone(), &own(), NOW_MS), []);
        assert_eq!(of_deletion(&event, &own(), NOW_MS), []);
    }
}

#[test]
fn what_is_the_organizers_own_is_told_to_nobody() {
    let (after, notices) = changed(&called(), |e| {
        (e.reminder_min, e.busy, e.sensitivity) = (Some(5), 3, 2);
        e.categories = vec!["Work".into()];
        e.stamp_ms = 77;
    });
    assert_eq!((notices.len(), after.sequence), (0, 4));
}

#[test]
fn another_time_asks_again_and_another_place_does_not() {
    let (after, notices) = changed(&called(), |e| e.end_ms += HOUR_MS);
    assert_eq!(told(&notices), [one("REQUEST", None, 5, &[BOB, EVE])]);
    assert_eq!(after.attendees[0].status, 5);
    let (after, notices) = changed(&called(), |e| e.location = "Room 2".into());
    assert_eq!(told(&notices), [one("REQUEST", None, 5, &[BOB, EVE])]);
    assert_eq!(after.attendees[0].status, 3);
}

#[test]
fn who_comes_and_who_goes_is_told() {
    let (_, notices) = changed(&called(), |e| {
        e.attendees.remove(0);
        e.attendees.push(attendee("new@example.org", 0));
    });
    let expect = [
        one("CANCEL", None, 5, &[BOB]),
        one("REQUEST", None, 5, &[EVE, "new@example.org"]),
    ];
    assert_eq!(told(&notices), expect);
    let (_, notices) = changed(&called(), |e| e.attendees.clear());
    assert_eq!(told(&notices), [one("CANCEL", None, 5, &[BOB, EVE])]);
    let (_, notices) = changed(&called(), |e| e.meeting_status = 5);
    assert_eq!(told(&notices), [one("CANCEL", None, 5, &[BOB, EVE])]);
    let deleted = of_deletion(&called(), &own(), NOW_MS);
    assert_eq!(told(&deleted), [one("CANCEL", None, 5, &[BOB, EVE])]);
    assert_eq!(of_deletion(&called(), &own(), 99 * DAY_MS), []);
}

#[test]
fn one_occurrence_is_told_by_itself() {
    let third = 12 * DAY_MS;
    let moved = Exception {
        original_ms: third,
        start_ms: Some(third + HOUR_MS),
        end_ms: Some(third + 2 * HOUR_MS),
        ..Exception::default()
    };
    let (after, notices) = changed(&daily(), |e| e.exceptions = vec![moved.clone()]);
    assert_eq!(
        told(&notices),
        [one("REQUEST", Some(third), 5, &[BOB, EVE])]
    );
    assert_eq!(notices[0].meeting.event.start_ms, third + HOUR_MS);
    let (_, notices) = changed(&after, |e| {
        e.exceptions[0].attendees = Some(vec![attendee(EVE, 0)]);
    });
    let expect = [
        one("CANCEL", Some(third), 6, &[BOB]),
        one("REQUEST", Some(third), 6, &[EVE]),
    ];
    assert_eq!(told(&notices), expect);
    let (after, notices) = changed(&after, |e| {
        e.exceptions[0] = Exception {
            original_ms: third,
            deleted: true,
            ..Exception::default()
        };
    });
    assert_eq!(told(&notices), [one("CANCEL", Some(third), 6, &[BOB, EVE])]);
    // It takes place after all: the series says so.
    let (_, notices) = changed(&after, |e| e.exceptions.clear());
    assert_eq!(told(&notices), [one("REQUEST", None, 7, &[BOB, EVE])]);
}

#[test]
fn very_many_occurrences_are_told_as_a_whole() {
    let (_, notices) = changed(&daily(), |e| {
        e.exceptions = (0..=NOTICES_MAX)
            .map(|n| Exception {
                original_ms: e.start_ms + i64::try_from(n).unwrap() * DAY_MS,
                deleted: true,
                ..Exception::default()
            })
            .collect();
    });
    assert_eq!(told(&notices), [one("REQUEST", None, 5, &[BOB, EVE])]);
}
