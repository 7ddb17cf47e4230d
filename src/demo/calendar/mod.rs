//! The calendars: a year of appointments around now, half of it behind and half of it ahead.

mod series;
mod single;

use super::contacts::birthday_ms;
use super::dice::Dice;
use super::mail::PEOPLE_SEED;
use super::words::{self, Person};
use super::{DAY_MS, Owned};
use crate::pim::event::Attendee;
use crate::pim::tz::Zone;
use crate::pim::{Body, Event};

/// Days behind and ahead that are filled.
const DAYS: i64 = 182;

/// The appointments of both users, the same for the same `now_ms` (Unix milliseconds): series
/// with exceptions, whole days, other time zones, invitations, private ones.
pub fn events(now_ms: i64) -> impl Iterator<Item = Owned<Event>> {
    let people = words::people(PEOPLE_SEED);
    let (alice, bob) = (words::alice(), words::bob());
    let mut found = Vec::new();
    for (user, friend, seed) in [(&alice, &bob, 11), (&bob, &alice, 12)] {
        let mut diary = Diary::new(user, friend, &people, now_ms, seed);
        let mut events = series::all(&mut diary);
        events.extend(single::all(&mut diary));
        found.extend(events.into_iter().map(|item| Owned {
            user: user.email.clone(),
            item,
        }));
    }
    found.extend(single::together(&alice, &bob, &people, now_ms));
    found.into_iter()
}

/// One user's calendar while it is being filled.
struct Diary<'a> {
    user: &'a Person,
    friend: &'a Person,
    people: &'a [Person],
    zone: Zone,
    dice: Dice,
    now_ms: i64,
    /// Today as days since 1970, in the user's zone.
    today: i64,
    count: usize,
}

impl<'a> Diary<'a> {
    fn new(
        user: &'a Person,
        friend: &'a Person,
        people: &'a [Person],
        now_ms: i64,
        seed: u64,
    ) -> Self {
        let zone = Zone::named(&user.zone).unwrap_or_default();
        let today = zone.to_local(now_ms).div_euclid(DAY_MS);
        Self {
            user,
            friend,
            people,
            zone,
            dice: Dice::new(seed),
            now_ms,
            today,
            count: 0,
        }
    }

    /// The first day on a weekday (0 Sunday to 6 Saturday) so many days from today.
    fn weekday(&self, from_today: i64, weekday: i64) -> i64 {
        let day = self.today + from_today;
        // The first day of 1970 was a Thursday.
        day + (weekday - (day + 4)).rem_euclid(7)
    }

    /// An appointment on a day since 1970, from an hour and minute on, in the user's zone.
    fn event(&mut self, subject: &str, day: i64, at: (i64, i64), minutes: i64) -> Event {
        let wall = day * DAY_MS + (at.0 * 60 + at.1) * 60_000;
        let start_ms = self.zone.to_utc(wall);
        self.count += 1;
        let (name, _) = self.user.email.split_once('@').unwrap_or_default();
        Event {
            uid: format!("demo-{name}-{}@example.org", self.count),
            subject: subject.to_owned(),
            start_ms,
            end_ms: start_ms + minutes * 60_000,
            zone: self.user.zone.clone(),
            stamp_ms: self.now_ms - 30 * DAY_MS,
            created_ms: self.now_ms - 30 * DAY_MS,
            busy: 2,
            reminder_min: Some(15),
            ..Event::default()
        }
    }

    /// Whole days, from midnight to midnight, free, without a reminder.
    fn whole_days(&mut self, subject: &str, day: i64, days: i64) -> Event {
        let mut event = self.event(subject, day, (0, 0), 0);
        event.end_ms = self.zone.to_utc((day + days) * DAY_MS);
        event.all_day = true;
        event.busy = 0;
        event.reminder_min = None;
        event
    }

    fn somebody(&mut self) -> Person {
        self.dice.pick(self.people)
    }

    /// Makes it a meeting of the user with these people, who have answered one way or another.
    fn invite(&mut self, event: &mut Event, guests: &[Person]) {
        event.organizer_name = self.user.name();
        event.organizer_email.clone_from(&self.user.email);
        (
            event.meeting_status,
            event.response,
            event.response_requested,
        ) = (1, 1, true);
        for guest in guests {
            let status = self.dice.pick(&[3, 3, 3, 2, 4, 5]);
            let kind = if self.dice.chance(20) { 2 } else { 1 };
            event.attendees.push(attendee(guest, status, kind));
        }
    }
}

fn attendee(person: &Person, status: u8, kind: u8) -> Attendee {
    Attendee {
        name: person.name(),
        email: person.email.clone(),
        status,
        kind,
    }
}

fn text(text: String) -> Body {
    Body {
        text,
        ..Body::default()
    }
}
