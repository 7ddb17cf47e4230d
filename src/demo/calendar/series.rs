//! What comes again: each kind of rule that the protocol has, with exceptions.

use super::super::words;
use super::{DAY_MS, DAYS, Diary, birthday_ms, text};
use crate::pim::event::{Event, Exception, Recurrence};
use crate::pim::recur::occurrences;
use crate::pim::tz::civil;

const WEEKDAYS: u8 = 0b011_1110;
const MINUTE_MS: i64 = 60_000;

/// All series of one calendar.
pub(super) fn all(diary: &mut Diary<'_>) -> Vec<Event> {
    let mut found = vec![
        stand_up(diary),
        dog(diary),
        choir(diary),
        tandem(diary),
        rent(diary),
        book_club(diary),
        lunch(diary),
        tax(diary),
        mothers_day(diary),
    ];
    found.extend(birthdays(diary));
    found
}

fn rule(kind: u8) -> Recurrence {
    Recurrence {
        kind,
        interval: 1,
        ..Recurrence::default()
    }
}

/// Every working day, with days off, a late one and one with cake.
fn stand_up(diary: &mut Diary<'_>) -> Event {
    let day = diary.weekday(-DAYS, 1);
    let mut event = diary.event("Stand-up", day, (9, 30), 15);
    event.location = "Room Aurora".to_owned();
    event.reminder_min = Some(5);
    event.categories = vec!["Business".to_owned()];
    event.recurrence = Some(Recurrence {
        day_of_week: Some(WEEKDAYS),
        ..rule(1)
    });
    let starts: Vec<i64> = occurrences(&event, event.start_ms, i64::MAX, 220)
        .iter()
        .map(|o| o.start_ms)
        .collect();
    for (i, original_ms) in starts.into_iter().enumerate() {
        let plain = Exception {
            original_ms,
            ..Exception::default()
        };
        event.exceptions.extend(match i % 37 {
            11 | 12 => Some(Exception {
                deleted: true,
                ..plain
            }),
            20 => Some(Exception {
                start_ms: Some(original_ms + 90 * MINUTE_MS),
                end_ms: Some(original_ms + 105 * MINUTE_MS),
                ..plain
            }),
            30 => Some(Exception {
                subject: Some("Stand-up, with cake".to_owned()),
                location: Some("Roof terrace".to_owned()),
                ..plain
            }),
            _ => None,
        });
    }
    event
}

/// Every day, with an end.
fn dog(diary: &mut Diary<'_>) -> Event {
    let day = diary.today - 60;
    let mut event = diary.event("Walk Muffin", day, (7, 15), 30);
    event.sensitivity = 1;
    event.reminder_min = None;
    let until_ms = diary.zone.to_utc((diary.today + 60) * DAY_MS);
    event.recurrence = Some(Recurrence {
        until_ms: Some(until_ms),
        ..rule(0)
    });
    event
}

/// Every week, so many times.
fn choir(diary: &mut Diary<'_>) -> Event {
    let day = diary.weekday(-90, 2);
    let mut event = diary.event("Choir rehearsal", day, (19, 30), 105);
    event.location = "Lumen Theatre, side entrance".to_owned();
    event.reminder_min = Some(60);
    event.recurrence = Some(Recurrence {
        day_of_week: Some(1 << 2),
        occurrences: Some(40),
        ..rule(1)
    });
    event
}

/// Every second week, with the other user.
fn tandem(diary: &mut Diary<'_>) -> Event {
    let day = diary.weekday(-DAYS, 3);
    let friend = diary.friend.clone();
    let mut event = diary.event(
        &format!("Language tandem with {}", friend.first),
        day,
        (17, 0),
        60,
    );
    event.location = "Video call".to_owned();
    event.recurrence = Some(Recurrence {
        interval: 2,
        day_of_week: Some(1 << 3),
        first_day_of_week: Some(1),
        ..rule(1)
    });
    let guests = [diary.somebody()];
    diary.invite(&mut event, &guests);
    event
}

/// On a day of the month, all day.
fn rent(diary: &mut Diary<'_>) -> Event {
    let day = first_of_month(diary, -DAYS);
    let mut event = diary.whole_days("Rent is due", day, 1);
    event.reminder_min = Some(12 * 60);
    event.recurrence = Some(Recurrence {
        day_of_month: Some(1),
        ..rule(2)
    });
    event
}

/// On the first Thursday of the month.
fn book_club(diary: &mut Diary<'_>) -> Event {
    let month = first_of_month(diary, -DAYS);
    let day = diary.weekday(month - diary.today, 4);
    let mut event = diary.event("Book club", day, (20, 0), 120);
    event.location = "Library corner".to_owned();
    event.categories = vec!["Friends".to_owned()];
    event.body = text("Bring the book and something to nibble.".to_owned());
    event.recurrence = Some(Recurrence {
        day_of_week: Some(1 << 4),
        week_of_month: Some(1),
        ..rule(3)
    });
    event
}

/// On the last working day of the month.
fn lunch(diary: &mut Diary<'_>) -> Event {
    let month = first_of_month(diary, -DAYS + 31);
    let before = month - 1;
    // Back to Friday where the month ended on a weekend.
    let back = match (before + 4).rem_euclid(7) {
        0 => 2,
        6 => 1,
        _ => 0,
    };
    let mut event = diary.event("Team lunch", before - back, (12, 30), 75);
    event.location = "Canteen, long table".to_owned();
    event.recurrence = Some(Recurrence {
        day_of_week: Some(WEEKDAYS),
        week_of_month: Some(5),
        ..rule(3)
    });
    event
}

/// On a date of the year.
fn tax(diary: &mut Diary<'_>) -> Event {
    let day = first_of_month(diary, -DAYS);
    let mut event = diary.event("Hand in the tax papers", day, (10, 0), 60);
    event.sensitivity = 3;
    event.reminder_min = Some(7 * 24 * 60);
    let month = u8::try_from(civil(day * DAY_MS).month()).unwrap_or(1);
    event.recurrence = Some(Recurrence {
        day_of_month: Some(1),
        month_of_year: Some(month),
        ..rule(5)
    });
    event
}

/// On the second Sunday of May, the next one first.
fn mothers_day(diary: &mut Diary<'_>) -> Event {
    let may = (0..).map(|m| first_of_month(diary, m * 28)).take(16);
    let may = may
        .into_iter()
        .find(|d| civil(d * DAY_MS).month() == 5)
        .unwrap_or(diary.today);
    let day = diary.weekday(may - diary.today, 0) + 7;
    let mut event = diary.whole_days("Mother's Day", day, 1);
    event.categories = vec!["Family".to_owned()];
    event.recurrence = Some(Recurrence {
        day_of_week: Some(1),
        week_of_month: Some(2),
        month_of_year: Some(5),
        ..rule(6)
    });
    event
}

/// Every year since they were born.
fn birthdays(diary: &mut Diary<'_>) -> Vec<Event> {
    let known = diary
        .people
        .iter()
        .skip(60)
        .filter_map(|p| Some((p.name(), birthday_ms(p)?)));
    let known: Vec<(String, i64)> = known.take(24).collect();
    let mut found = Vec::with_capacity(known.len());
    for (name, ms) in known {
        let born = civil(ms);
        let mut event = diary.whole_days(&format!("{name}'s birthday"), ms.div_euclid(DAY_MS), 1);
        event.categories = vec!["Friends".to_owned()];
        event.reminder_min = Some(15 * 60);
        event.recurrence = Some(Recurrence {
            day_of_month: u8::try_from(born.day()).ok(),
            month_of_year: u8::try_from(born.month()).ok(),
            ..rule(5)
        });
        if diary.dice.chance(30) {
            event.body = text(words::paragraph(&mut diary.dice, 1));
        }
        found.push(event);
    }
    found
}

/// The first day of the month that begins at or after so many days from today.
fn first_of_month(diary: &Diary<'_>, from_today: i64) -> i64 {
    let from = diary.today + from_today;
    let is_first = |d: &i64| civil(d * DAY_MS).day() == 1;
    (from..from + 32).find(is_first).unwrap_or(from)
}
