//! What happens once: meetings, invitations, journeys, holidays, appointments that are nobody's
//! business.

use super::super::Owned;
use super::super::words::{self, Person};
use super::{DAY_MS, DAYS, Diary, attendee, text};
use crate::pim::Event;
use crate::pim::tz::Zone;

const HOUR_MS: i64 = 3_600_000;

/// All single appointments of one calendar.
pub(super) fn all(diary: &mut Diary<'_>) -> Vec<Event> {
    let mut found = Vec::new();
    for day in -DAYS..DAYS {
        let weekday = (diary.today + day + 4).rem_euclid(7);
        let working = (1..=5).contains(&weekday);
        if working && diary.dice.chance(55) {
            found.push(meeting(diary, diary.today + day));
        }
        if working && diary.dice.chance(12) {
            found.push(invitation(diary, diary.today + day));
        }
        if diary.dice.chance(7) {
            found.push(private(diary, diary.today + day));
        }
    }
    found.extend(days_off(diary));
    found.extend(journey(diary));
    found.push(party(diary));
    found
}

/// With oneself, or with guests.
fn meeting(diary: &mut Diary<'_>, day: i64) -> Event {
    let subject = words::subject(&mut diary.dice);
    let hour = 8 + i64::try_from(diary.dice.below(9)).unwrap_or(0);
    let minute = diary.dice.pick(&[0, 0, 15, 30]);
    let minutes = diary.dice.pick(&[30, 45, 60, 60, 90]);
    let mut event = diary.event(&subject, day, (hour, minute), minutes);
    event.location = diary.dice.pick(words::ROOMS).to_owned();
    event.reminder_min = diary
        .dice
        .pick(&[None, Some(0), Some(5), Some(15), Some(30)]);
    if diary.dice.chance(50) {
        event.categories = vec![diary.dice.pick(words::CATEGORIES).to_owned()];
    }
    if diary.dice.chance(60) {
        let sentences = 1 + diary.dice.below(4);
        event.body = text(words::paragraph(&mut diary.dice, sentences));
    }
    if diary.dice.chance(35) {
        let guests: Vec<Person> = (0..=diary.dice.below(5))
            .map(|_| diary.somebody())
            .collect();
        diary.invite(&mut event, &guests);
    }
    event
}

/// From somebody else: answered, open, or called off.
fn invitation(diary: &mut Diary<'_>, day: i64) -> Event {
    let host = diary.somebody();
    let subject = words::subject(&mut diary.dice);
    let hour = 9 + i64::try_from(diary.dice.below(8)).unwrap_or(0);
    let mut event = diary.event(&subject, day, (hour, 0), 60);
    event.organizer_name = host.name();
    event.organizer_email = host.email;
    event.location = diary.dice.pick(words::ROOMS).to_owned();
    // What was not answered in time stays so; what lies ahead may still be open.
    let response = diary.dice.pick(&[3, 3, 3, 2, 5]);
    event.response = response;
    event.busy = if response == 3 { 2 } else { 1 };
    event.response_requested = true;
    event.meeting_status = if diary.dice.chance(8) { 7 } else { 3 };
    event.appointment_reply_ms = (response != 5).then_some(diary.now_ms - 3 * DAY_MS);
    let other = diary.somebody();
    event.attendees = vec![attendee(diary.user, response, 1), attendee(&other, 3, 1)];
    event
}

fn private(diary: &mut Diary<'_>, day: i64) -> Event {
    let subject = diary.dice.pick(&[
        "Dentist",
        "Hairdresser",
        "Parents' evening",
        "Bicycle repair",
        "Yoga",
        "Vet with Muffin",
    ]);
    let hour = 16 + i64::try_from(diary.dice.below(3)).unwrap_or(0);
    let mut event = diary.event(subject, day, (hour, 30), 45);
    event.sensitivity = 2;
    event.busy = 3;
    event.reminder_min = Some(120);
    event
}

/// Whole days: a week, a conference, single days.
fn days_off(diary: &mut Diary<'_>) -> Vec<Event> {
    let summer = diary.weekday(95, 1);
    let conference = diary.weekday(40, 3);
    let mut week = diary.whole_days("Holidays by the sea", summer, 12);
    week.busy = 3;
    week.categories = vec!["Travel".to_owned()];
    let mut fair = diary.whole_days("Book fair", conference, 3);
    fair.busy = 4;
    fair.location = "Hall 4, stand 12".to_owned();
    let past = diary.weekday(-80, 1);
    let mut ill = diary.whole_days("Moving flat", past, 2);
    ill.busy = 3;
    vec![
        week,
        fair,
        ill,
        diary.whole_days("Bin collection", diary.today + 1, 1),
    ]
}

/// Two flights and a call, each in the zone of its place.
fn journey(diary: &mut Diary<'_>) -> Vec<Event> {
    let day = diary.weekday(25, 1);
    let mut away = |subject: &str, zone: &str, day: i64, at: (i64, i64), minutes: i64| {
        let mut event = diary.event(subject, day, at, minutes);
        let place = Zone::named(zone).unwrap_or_default();
        event.start_ms = place.to_utc(day * DAY_MS + (at.0 * 60 + at.1) * 60_000);
        event.end_ms = event.start_ms + minutes * 60_000;
        event.zone = zone.to_owned();
        event.busy = 3;
        event.reminder_min = Some(180);
        event.categories = vec!["Travel".to_owned()];
        event
    };
    vec![
        away(
            "Flight to Tokyo",
            "Europe/Berlin",
            day,
            (13, 5),
            11 * 60 + 40,
        ),
        away("Printing works, Kyoto", "Asia/Tokyo", day + 2, (10, 0), 180),
        away("Call with Pune", "Asia/Kolkata", day + 3, (15, 30), 45),
        away("Flight home", "Asia/Tokyo", day + 4, (11, 25), 14 * 60),
    ]
}

/// Across midnight.
fn party(diary: &mut Diary<'_>) -> Event {
    let day = diary.weekday(10, 6);
    let mut event = diary.event("House-warming at Niamh's", day, (21, 0), 5 * 60);
    event.categories = vec!["Friends".to_owned()];
    event.body = text("No presents, but a plant is always welcome.".to_owned());
    event
}

/// Meetings that both users have, each their own copy: one invites, the other has answered.
pub(super) fn together(
    alice: &Person,
    bob: &Person,
    people: &[Person],
    now_ms: i64,
) -> Vec<Owned<Event>> {
    let mut found = Vec::new();
    for (n, project) in words::PROJECTS.iter().enumerate() {
        let (host, guest) = if n % 2 == 0 {
            (alice, bob)
        } else {
            (bob, alice)
        };
        let mut diary = Diary::new(host, guest, people, now_ms, 100);
        let ahead = i64::try_from(n).unwrap_or(0) * 9 - 40;
        let day = diary.weekday(ahead, 2);
        let mut own = diary.event(&format!("{project}: both desks"), day, (15, 0), 45);
        own.uid = format!("demo-together-{n}@example.org");
        own.location = "Video call".to_owned();
        own.organizer_name = host.name();
        own.organizer_email.clone_from(&host.email);
        (own.meeting_status, own.response, own.response_requested) = (1, 1, true);
        let answer = if own.start_ms > now_ms + 14 * 24 * HOUR_MS {
            5
        } else {
            3
        };
        own.attendees = vec![attendee(guest, answer, 1)];
        let theirs = Event {
            meeting_status: 3,
            response: answer,
            busy: if answer == 3 { 2 } else { 1 },
            ..own.clone()
        };
        found.push(Owned {
            user: host.email.clone(),
            item: own,
        });
        found.push(Owned {
            user: guest.email.clone(),
            item: theirs,
        });
    }
    found
}
