//! Exceptions of a series that is moved: to another hour, another day of the week, another zone.
//!
//! A client that moves a whole series says nothing of the occurrences that it had changed or deleted
//! before, or names them by the starts that they had. Here they get the starts of the new series, so
//! that what was deleted stays so.

use super::Starts;
use crate::limits::OCCURRENCES_MAX;
use crate::pim::tz::{DAY_MS, Zone};
use crate::pim::{Event, Exception};
use std::collections::HashSet;

/// Whether the occurrences of a series may start at other times than before.
#[must_use]
pub fn is_moved(before: &Event, after: &Event) -> bool {
    let times = |e: &Event| {
        let zone = (e.zone.clone(), e.zone_blob.clone());
        (e.start_ms, e.all_day, zone, e.recurrence.clone())
    };
    times(before) != times(after)
}

/// Moves the end of a rule that stayed the same together with the series: its last day keeps its
/// occurrence.
pub fn extend(before: &Event, after: &mut Event) {
    let rule = match (&before.recurrence, &after.recurrence) {
        (Some(old), Some(new)) if old == new => old,
        _ => return,
    };
    let Some(until_ms) = rule.until_ms else {
        return;
    };
    let zones = [before, after].map(|e| Zone::of(&e.zone, &e.zone_blob));
    let [old, new] = &zones;
    let time = |zone: &Zone, ms: i64| zone.to_local(ms).rem_euclid(DAY_MS);
    let (wall, first_ms) = (old.to_local(until_ms), time(old, before.start_ms));
    let time_ms = wall.rem_euclid(DAY_MS);
    let day = wall - time_ms;
    let new_wall = match time_ms >= first_ms {
        true => day + time_ms.max(time(new, after.start_ms)),
        // The last day is the one before: to its last second.
        false => day - 1_000,
    };
    let new_until_ms = new.to_utc(new_wall);
    if let Some(rule) = &mut after.recurrence {
        rule.until_ms = Some(new_until_ms);
    }
}

/// Names the exceptions of `after` by its own starts: those that are named by starts of `before` on the
/// same day; if there are none such, and the series has gone to other days of the week or the month, as
/// many days away. One that the new series has no place for is dropped, unless it is in `kept`.
pub fn follow(before: &Event, after: &mut Event, kept: &HashSet<i64>) {
    let Some(rule) = after.recurrence.clone() else {
        return;
    };
    let zones = [before, after].map(|e| Zone::of(&e.zone, &e.zone_blob));
    let [old, new] = &zones;
    let (first, start) = (old.to_local(before.start_ms), new.to_local(after.start_ms));
    let time_ms = start.rem_euclid(DAY_MS);
    let moved_days = start.div_euclid(DAY_MS) - first.div_euclid(DAY_MS);
    let at = |x: &Exception, days: i64| {
        let day = old
            .to_local(x.original_ms)
            .div_euclid(DAY_MS)
            .saturating_add(days);
        new.to_utc(day.saturating_mul(DAY_MS).saturating_add(time_ms))
    };
    let all = after.exceptions.iter();
    let all = all.flat_map(|x| [x.original_ms, at(x, 0), at(x, moved_days)]);
    let (from, to) = all.fold((i64::MAX, i64::MIN), |(a, b), ms| (a.min(ms), b.max(ms)));
    let starts = Starts::new(&rule, after.start_ms, new).from(from);
    let starts = starts.take_while(|s| *s <= to).take(OCCURRENCES_MAX);
    let starts: HashSet<i64> = starts.collect();
    let stays = |x: &Exception| starts.contains(&at(x, 0)) || starts.contains(&x.original_ms);
    // Every day is a day of a daily one, and a series that begins a week later has its days still.
    let goes = moved_days.abs() < 7 && rule.kind != 0 && !after.exceptions.iter().any(stays);
    let days = if goes { moved_days } else { 0 };
    let usual_ms = before.end_ms.saturating_sub(before.start_ms);
    // Whole days are the same days in another zone.
    let days_stay = before.all_day && after.all_day;
    let there = |ms: i64| new.to_utc(old.to_local(ms));
    let mut exceptions = std::mem::take(&mut after.exceptions);
    exceptions.retain_mut(|x| {
        let found = [x.original_ms, at(x, days)];
        let found = found.into_iter().find(|ms| starts.contains(ms));
        let Some(found) = found.filter(|ms| *ms != x.original_ms) else {
            return found.is_some() || kept.contains(&x.original_ms);
        };
        // One that was at its usual time moves with the others.
        let usual = (x.original_ms, x.original_ms.saturating_add(usual_ms));
        if x.start_ms.is_none_or(|ms| ms == usual.0) && x.end_ms.is_none_or(|ms| ms == usual.1) {
            (x.start_ms, x.end_ms) = (None, None);
        }
        if days_stay {
            x.start_ms = x.start_ms.map(there);
            x.end_ms = x.end_ms.map(there);
        }
        x.original_ms = found;
        true
    });
    exceptions.sort_by_key(|x| x.original_ms);
    exceptions.dedup_by_key(|x| x.original_ms);
    after.exceptions = exceptions;
}

#[cfg(test)]
mod tests {
    use super::super::occurrences;
    use super::*;
    use crate::pim::Recurrence;

    const HOUR_MS: i64 = 3_600_000;
    /// Monday, 5 January 2026, midnight UTC.
    const MONDAY_MS: i64 = 1_767_571_200_000;

    /// Mondays at nine in Berlin; the second one is deleted, the third one has another subject, and the
    /// fourth one is at noon.
    fn series() -> Event {
        let zone = Zone::named("Europe/Berlin").unwrap();
        let at = |week: i64, hour: i64| zone.to_utc(MONDAY_MS + week * 7 * DAY_MS + hour * HOUR_MS);
        let x = |week: i64| Exception {
            original_ms: at(week, 9),
            ..Exception::default()
        };
        Event {
            start_ms: at(0, 9),
            end_ms: at(0, 10),
            zone: "Europe/Berlin".into(),
            recurrence: Some(Recurrence {
                kind: 1,
                interval: 1,
                day_of_week: Some(2),
                ..Recurrence::default()
            }),
            exceptions: vec![
                Exception {
                    deleted: true,
                    ..x(1)
                },
                Exception {
                    subject: Some("special".into()),
                    start_ms: Some(at(2, 9)),
                    end_ms: Some(at(2, 10)),
                    ..x(2)
                },
                Exception {
                    start_ms: Some(at(3, 12)),
                    end_ms: Some(at(3, 13)),
                    ..x(3)
                },
            ],
            ..Event::default()
        }
    }

    /// Week, day of the week from Monday on, and hour of the wall clock there.
    fn shown(e: &Event) -> Vec<(i64, i64, i64)> {
        let zone = Zone::of(&e.zone, &e.zone_blob);
        let all = occurrences(e, MONDAY_MS - DAY_MS, MONDAY_MS + 34 * DAY_MS, 99);
        let wall = |ms: i64| {
            let wall = zone.to_local(ms) - MONDAY_MS;
            let day = wall.div_euclid(DAY_MS);
            (
                day.div_euclid(7),
                day.rem_euclid(7),
                wall.rem_euclid(DAY_MS) / HOUR_MS,
            )
        };
        all.iter().map(|o| wall(o.start_ms)).collect()
    }

    fn moved(change: impl Fn(&mut Event)) -> Event {
        let before = series();
        let mut after = before.clone();
        change(&mut after);
        assert!(is_moved(&before, &after));
        follow(&before, &mut after, &HashSet::new());
        after
    }

    #[test]
    fn what_was_deleted_stays_so_when_the_series_moves() {
        assert_eq!(
            shown(&series()),
            [(0, 0, 9), (2, 0, 9), (3, 0, 12), (4, 0, 9)]
        );
        let later = moved(|e| {
            e.start_ms += 2 * HOUR_MS;
            e.end_ms += 2 * HOUR_MS;
        });
        assert_eq!(
            shown(&later),
            [(0, 0, 11), (2, 0, 11), (3, 0, 12), (4, 0, 11)]
        );
        assert_eq!(later.exceptions[1].subject.as_deref(), Some("special"));
        let tuesdays = moved(|e| {
            e.start_ms += DAY_MS;
            e.end_ms += DAY_MS;
            e.recurrence.as_mut().unwrap().day_of_week = Some(4);
        });
        assert_eq!(
            shown(&tuesdays),
            [(0, 1, 9), (2, 1, 9), (3, 0, 12), (4, 1, 9)]
        );
        let begins_later = moved(|e| {
            e.start_ms += 14 * DAY_MS;
            e.end_ms += 14 * DAY_MS;
        });
        assert_eq!(shown(&begins_later), [(2, 0, 9), (3, 0, 12), (4, 0, 9)]);
        let whole_days = moved(|e| {
            e.all_day = true;
            e.start_ms -= 9 * HOUR_MS;
            e.end_ms = e.start_ms + DAY_MS;
        });
        assert_eq!(
            shown(&whole_days),
            [(0, 0, 0), (2, 0, 0), (3, 0, 12), (4, 0, 0)]
        );
    }

    #[test]
    fn the_last_day_stays_the_last() {
        let zone = Zone::named("Europe/Berlin").unwrap();
        let at = |day: i64, hour: i64| zone.to_utc(MONDAY_MS + day * DAY_MS + hour * HOUR_MS);
        // At the start of the last one, at the end of its day, and before that of the day after.
        for until_ms in [at(14, 9), at(15, 0) - 1_000, at(21, 8)] {
            for hour in [0, 8, 10, 23] {
                let mut before = series();
                before.exceptions.clear();
                before.recurrence.as_mut().unwrap().until_ms = Some(until_ms);
                let mut after = before.clone();
                (after.start_ms, after.end_ms) = (at(0, hour), at(0, hour) + HOUR_MS);
                extend(&before, &mut after);
                let expect = [(0, 0, hour), (1, 0, hour), (2, 0, hour)];
                assert_eq!(shown(&after), expect, "{until_ms} {hour}");
            }
        }
    }

    #[test]
    fn another_zone_has_the_same_days() {
        let there = Zone::named("America/New_York").unwrap();
        let elsewhere = moved(|e| {
            e.zone = "America/New_York".into();
            e.start_ms = there.to_utc(MONDAY_MS + 9 * HOUR_MS);
            e.end_ms = e.start_ms + HOUR_MS;
        });
        // Noon in Berlin is six o'clock there.
        assert_eq!(
            shown(&elsewhere),
            [(0, 0, 9), (2, 0, 9), (3, 0, 6), (4, 0, 9)]
        );
    }

    #[test]
    fn what_the_new_series_has_no_place_for_goes_unless_it_is_kept() {
        let before = series();
        let mut monthly = before.clone();
        monthly.recurrence = Some(Recurrence {
            kind: 2,
            interval: 1,
            day_of_month: Some(5),
            ..Recurrence::default()
        });
        let mut kept = monthly.clone();
        follow(&before, &mut monthly, &HashSet::new());
        assert_eq!(monthly.exceptions, []);
        let all = before.exceptions.iter().map(|x| x.original_ms).collect();
        follow(&before, &mut kept, &all);
        assert_eq!(kept.exceptions, before.exceptions);
    }
}
