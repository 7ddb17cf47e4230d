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

/// Names the exceptions of `after` by its own starts: those that are named by starts of `before` on the
/// same day, or as many days away as the series was moved. One that the new series has no place for is
/// dropped, unless it is in `kept`.
pub fn follow(before: &Event, after: &mut Event, kept: &HashSet<i64>) {
    let Some(rule) = after.recurrence.clone() else {
        return;
    };
    let zones = [before, after].map(|e| Zone::of(&e.zone, &e.zone_blob));
    let [old, new] = &zones;
    let (first, start) = (old.to_local(before.start_ms), new.to_local(after.start_ms));
    let time_ms = start.rem_euclid(DAY_MS);
    let moved_days = start.div_euclid(DAY_MS) - first.div_euclid(DAY_MS);
    let candidates = |x: &Exception| {
        let day = old.to_local(x.original_ms).div_euclid(DAY_MS);
        let at = |day: i64| new.to_utc(day.saturating_mul(DAY_MS).saturating_add(time_ms));
        [x.original_ms, at(day), at(day.saturating_add(moved_days))]
    };
    let all = after.exceptions.iter().flat_map(candidates);
    let (from, to) = all.fold((i64::MAX, i64::MIN), |(a, b), ms| (a.min(ms), b.max(ms)));
    let starts = Starts::new(&rule, after.start_ms, new).from(from);
    let starts = starts.take_while(|s| *s <= to).take(OCCURRENCES_MAX);
    let starts: HashSet<i64> = starts.collect();
    let usual_ms = before.end_ms.saturating_sub(before.start_ms);
    let mut exceptions = std::mem::take(&mut after.exceptions);
    exceptions.retain_mut(|x| {
        let found = candidates(x).into_iter().find(|ms| starts.contains(ms));
        let Some(found) = found.filter(|ms| *ms != x.original_ms) else {
            return found.is_some() || kept.contains(&x.original_ms);
        };
        // One that was at its usual time moves with the others.
        let usual = (x.original_ms, x.original_ms.saturating_add(usual_ms));
        if x.start_ms.is_none_or(|ms| ms == usual.0) && x.end_ms.is_none_or(|ms| ms == usual.1) {
            (x.start_ms, x.end_ms) = (None, None);
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
        let all = occurrences(e, MONDAY_MS - DAY_MS, MONDAY_MS + 35 * DAY_MS, 99);
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
