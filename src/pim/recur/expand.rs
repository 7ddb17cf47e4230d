//! The occurrences of a series.

use super::super::event::{Event, Exception, Recurrence};
use super::super::tz::{DAY_MS, Zone, civil, wall_of};
use crate::limits::{EXCEPTIONS_MAX, OCCURRENCES_MAX};
use jiff::civil::Date;
use std::collections::VecDeque;

/// Periods without an occurrence after which a rule counts as ended: 29 February on a given
/// weekday comes every 28 years, across a century that skips its leap year every 40.
const EMPTY_PERIODS_MAX: u32 = 1_000;

/// The last day that a series is followed to: 31 December 9998, as days since 1970.
const LAST_DAY: i64 = 2_932_531;

/// One time that an event takes place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Occurrence {
    /// The start that the series gives it, Unix milliseconds: what an exception names.
    pub original_ms: i64,
    /// When it starts, Unix milliseconds.
    pub start_ms: i64,
    /// When it ends, Unix milliseconds, exclusive.
    pub end_ms: i64,
    /// Index in [`Event::exceptions`] of what differs.
    pub exception: Option<usize>,
}

/// The occurrences of an event that end after `from_ms` and start before `to_ms`, by their
/// start; at most `limit`, of at most [`OCCURRENCES_MAX`] that are looked at. An event without a
/// series is its own only occurrence.
#[must_use]
pub fn occurrences(event: &Event, from_ms: i64, to_ms: i64, limit: usize) -> Vec<Occurrence> {
    let inside =
        |o: &Occurrence| o.end_ms.max(o.start_ms.saturating_add(1)) > from_ms && o.start_ms < to_ms;
    let zone = Zone::of(&event.zone, &event.zone_blob);
    let mut found = Vec::new();
    if let Some(rule) = &event.recurrence {
        let length_ms = event.end_ms.saturating_sub(event.start_ms).max(0);
        let skip_to = from_ms.saturating_sub(length_ms).saturating_sub(2 * DAY_MS);
        let starts = Starts::new(rule, event.start_ms, &zone).from(skip_to);
        for start_ms in starts.take_while(|s| *s < to_ms).take(OCCURRENCES_MAX) {
            if found.len() >= limit {
                break;
            }
            let taken = usual(event, &zone, start_ms).filter(&inside);
            found.extend(taken);
        }
        found.extend(changed(event, &zone).filter(&inside).take(EXCEPTIONS_MAX));
    } else {
        let whole = Occurrence {
            original_ms: event.start_ms,
            start_ms: event.start_ms,
            end_ms: event.end_ms,
            exception: None,
        };
        found.extend(Some(whole).filter(inside));
    }
    found.sort_by_key(|o| (o.start_ms, o.original_ms));
    found.truncate(limit);
    found
}

/// When an event is over for good, Unix milliseconds; none if it goes on without end (or for more
/// than [`OCCURRENCES_MAX`] times).
#[must_use]
pub fn last_end_ms(event: &Event) -> Option<i64> {
    let Some(rule) = &event.recurrence else {
        return Some(event.end_ms);
    };
    let zone = Zone::of(&event.zone, &event.zone_blob);
    let starts = Starts::new(rule, event.start_ms, &zone);
    let alive = |start: &i64| usual(event, &zone, *start).is_some();
    let last = match (rule.occurrences, rule.until_ms) {
        (Some(n), _) if countable(&n) => starts.filter(alive).last(),
        (None, Some(until_ms)) => starts.back_from(until_ms).find(alive),
        _ => return None,
    };
    let usual_end = last.and_then(|s| usual(event, &zone, s)).map(|o| o.end_ms);
    let changed_end = changed(event, &zone).map(|o| o.end_ms).max();
    // A series of which every occurrence is deleted ends where its first one would have.
    Some(usual_end.max(changed_end).unwrap_or(event.end_ms))
}

/// The occurrence at this start, unless an exception speaks of it.
fn usual(event: &Event, zone: &Zone, start_ms: i64) -> Option<Occurrence> {
    let excepted = event
        .exceptions
        .binary_search_by_key(&start_ms, |x| x.original_ms);
    excepted.is_err().then(|| Occurrence {
        original_ms: start_ms,
        start_ms,
        end_ms: end_of(event, zone, start_ms),
        exception: None,
    })
}

/// The occurrences that take place otherwise than the series says.
fn changed<'a>(event: &'a Event, zone: &'a Zone) -> impl Iterator<Item = Occurrence> + 'a {
    let shown = |x: &(usize, &Exception)| !x.1.deleted;
    event
        .exceptions
        .iter()
        .enumerate()
        .filter(shown)
        .map(|(i, x)| {
            let start_ms = x.start_ms.unwrap_or(x.original_ms);
            Occurrence {
                original_ms: x.original_ms,
                start_ms,
                end_ms: x.end_ms.unwrap_or_else(|| end_of(event, zone, start_ms)),
                exception: Some(i),
            }
        })
}

/// The end of an occurrence that starts then: whole days are days of the wall clock, hours are
/// hours.
fn end_of(event: &Event, zone: &Zone, start_ms: i64) -> i64 {
    if event.all_day {
        let (first, end) = (zone.to_local(event.start_ms), zone.to_local(event.end_ms));
        let wall = zone.to_local(start_ms);
        // Where the clock leaps over midnight the day begins late, and the next one does not.
        let nominal = wall.div_euclid(DAY_MS) * DAY_MS + first.rem_euclid(DAY_MS);
        let wall = match zone.to_utc(nominal) == start_ms {
            true => nominal,
            false => wall,
        };
        return zone.to_utc(wall.saturating_add(end.saturating_sub(first)));
    }
    start_ms.saturating_add(event.end_ms.saturating_sub(event.start_ms).max(0))
}

/// An occurrence that differs, as an appointment of its own: the series with what the exception
/// says otherwise.
#[must_use]
pub fn applied(series: &Event, exception: &Exception) -> Event {
    let zone = Zone::of(&series.zone, &series.zone_blob);
    let x = exception.clone();
    let start_ms = x.start_ms.unwrap_or(x.original_ms);
    Event {
        subject: x.subject.unwrap_or_else(|| series.subject.clone()),
        location: x.location.unwrap_or_else(|| series.location.clone()),
        start_ms,
        end_ms: x.end_ms.unwrap_or_else(|| end_of(series, &zone, start_ms)),
        all_day: x.all_day.unwrap_or(series.all_day),
        busy: x.busy.unwrap_or(series.busy),
        sensitivity: x.sensitivity.unwrap_or(series.sensitivity),
        reminder_min: x.reminder_min.unwrap_or(series.reminder_min),
        meeting_status: x.meeting_status.unwrap_or(series.meeting_status),
        attendees: x.attendees.unwrap_or_else(|| series.attendees.clone()),
        categories: x.categories.unwrap_or_else(|| series.categories.clone()),
        body: x.body.unwrap_or_else(|| series.body.clone()),
        response: x.response.unwrap_or(series.response),
        appointment_reply_ms: x.appointment_reply_ms.or(series.appointment_reply_ms),
        stamp_ms: x.stamp_ms.unwrap_or(series.stamp_ms),
        recurrence: None,
        exceptions: Vec::new(),
        ..series.clone()
    }
}

/// Whether a count is small enough to be counted off; a larger one is as good as none.
fn countable(n: &u32) -> bool {
    usize::try_from(*n).is_ok_and(|n| n <= OCCURRENCES_MAX)
}

/// What one period of a rule is.
#[derive(Clone, Copy)]
enum Unit {
    Days,
    Weeks,
    Months,
    Years,
}

/// The starts that a rule gives, in order, exceptions not considered. Ends by itself: with the
/// rule, with the calendar, or where the rule has had no day for a thousand periods.
#[derive(Clone)]
pub struct Starts<'a> {
    rule: &'a Recurrence,
    zone: &'a Zone,
    unit: Unit,
    start_ms: i64,
    /// The first day, and the time of day that all starts have.
    day: i64,
    time_ms: i64,
    /// The next period to look at, and the starts of the one before.
    period: i64,
    ready: VecDeque<i64>,
    /// How many are left of a counted series.
    left: Option<u32>,
}

impl<'a> Starts<'a> {
    /// The starts of a series whose first one is at `start_ms`, in the wall time of `zone`.
    #[must_use]
    pub fn new(rule: &'a Recurrence, start_ms: i64, zone: &'a Zone) -> Self {
        let wall = zone.to_local(start_ms);
        let day = wall.div_euclid(DAY_MS);
        Self {
            rule,
            zone,
            unit: match rule.kind {
                0 if rule.day_of_week.is_none() => Unit::Days,
                0 | 1 => Unit::Weeks,
                2 | 3 => Unit::Months,
                _ => Unit::Years,
            },
            start_ms,
            day: day.clamp(-LAST_DAY, LAST_DAY),
            time_ms: wall.rem_euclid(DAY_MS),
            period: 0,
            ready: VecDeque::new(),
            left: rule.occurrences.filter(countable),
        }
    }

    /// Leaves out what starts before `ms`, without looking at each of them (a counted series has
    /// to look).
    pub fn from(mut self, ms: i64) -> impl Iterator<Item = i64> + use<'a> {
        if self.left.is_none() {
            self.period = (self.period_at(ms) - 1).max(0);
        }
        self.skip_while(move |s| *s < ms)
    }

    /// The starts from `ms` backwards to the first. Not for counted series.
    fn back_from(self, ms: i64) -> impl Iterator<Item = i64> + use<'a> {
        let top = self.period_at(ms) + 1;
        let bottom = top
            .saturating_sub(i64::try_from(OCCURRENCES_MAX).unwrap_or(i64::MAX))
            .max(0);
        (bottom..=top)
            .rev()
            .flat_map(move |p| self.starts_of(p).into_iter().rev())
            .filter(move |s| *s <= ms)
    }

    fn interval(&self) -> i64 {
        // "Every second day, on weekdays" is not something that the protocol means.
        match (self.rule.kind, self.unit) {
            (0, Unit::Weeks) => 1,
            _ => i64::from(self.rule.interval.max(1)),
        }
    }

    /// The period that an instant lies in.
    fn period_at(&self, ms: i64) -> i64 {
        let day = self.zone.to_local(ms).div_euclid(DAY_MS);
        let day = day.min(LAST_DAY).max(self.day);
        let (first, at) = (date_of(self.day), date_of(day));
        let units = match self.unit {
            Unit::Days => day - self.day,
            Unit::Weeks => (day - self.week_start(self.day)) / 7,
            Unit::Months => months_of(at) - months_of(first),
            Unit::Years => i64::from(at.year()) - i64::from(first.year()),
        };
        units / self.interval()
    }

    /// The first day of the week that a day lies in.
    fn week_start(&self, day: i64) -> i64 {
        let first = i64::from(self.rule.first_day_of_week.unwrap_or(0) % 7);
        day - (weekday_of(day) - first).rem_euclid(7)
    }

    /// The starts within a period, in order.
    fn starts_of(&self, period: i64) -> Vec<i64> {
        let ahead = period.saturating_mul(self.interval());
        let first = date_of(self.day);
        let days = match self.unit {
            Unit::Days => vec![self.day.saturating_add(ahead)],
            Unit::Weeks => {
                let from = self
                    .week_start(self.day)
                    .saturating_add(ahead.saturating_mul(7));
                let mask = self.mask();
                let wanted = |d: &i64| mask & (1 << weekday_of(*d)) != 0;
                (from..from.saturating_add(7)).filter(wanted).collect()
            }
            Unit::Months => self.days_of_month(months_of(first).saturating_add(ahead)),
            Unit::Years => {
                let month = self.rule.month_of_year.filter(|m| (1..=12).contains(m));
                let month = month.map_or_else(|| i64::from(first.month()), i64::from);
                let year = i64::from(first.year()).saturating_add(ahead);
                self.days_of_month(year.saturating_mul(12).saturating_add(month - 1))
            }
        };
        let in_calendar = |d: &i64| (self.day..=LAST_DAY).contains(d);
        days.into_iter()
            .filter(in_calendar)
            .map(|d| self.zone.to_utc(d * DAY_MS + self.time_ms))
            .filter(|s| *s >= self.start_ms)
            .collect()
    }

    /// The days of the weekly rule; where it names none, the weekday of the first start.
    fn mask(&self) -> u8 {
        match self.rule.day_of_week.unwrap_or(0) & 0x7F {
            0 => 1 << weekday_of(self.day),
            mask => mask,
        }
    }

    /// The one day of a month (months since the year 0) that the rule means, if it has it.
    fn days_of_month(&self, months: i64) -> Vec<i64> {
        let year = i16::try_from(months.div_euclid(12)).unwrap_or(i16::MAX);
        let month = i8::try_from(months.rem_euclid(12) + 1).unwrap_or(1);
        let Ok(first) = Date::new(year, month, 1) else {
            return Vec::new();
        };
        let length = i64::from(first.days_in_month());
        let first = day_of(first);
        let wanted = if matches!(self.rule.kind, 3 | 6) {
            let mask = self.mask();
            let fits = |d: &i64| mask & (1 << weekday_of(*d)) != 0;
            let nth = usize::from(self.rule.week_of_month.unwrap_or(1).clamp(1, 5));
            let mut days = (first..first + length).filter(fits);
            if nth == 5 {
                days.next_back()
            } else {
                days.nth(nth - 1)
            }
        } else {
            let own = i64::from(date_of(self.day).day());
            let day = self.rule.day_of_month.map_or(own, i64::from);
            (1..=length).contains(&day).then(|| first + day - 1)
        };
        wanted.into_iter().collect()
    }

    fn is_over(&self, start_ms: i64) -> bool {
        self.left.is_none() && self.rule.until_ms.is_some_and(|until| start_ms > until)
    }
}

impl Iterator for Starts<'_> {
    type Item = i64;

    fn next(&mut self) -> Option<i64> {
        if self.left == Some(0) {
            return None;
        }
        for _ in 0..EMPTY_PERIODS_MAX {
            if let Some(start) = self.ready.pop_front() {
                if self.is_over(start) {
                    return None;
                }
                self.left = self.left.map(|n| n - 1);
                return Some(start);
            }
            self.ready = self.starts_of(self.period).into();
            self.period = self.period.saturating_add(1);
        }
        None
    }
}

/// 0 Sunday to 6 Saturday; the first of January 1970 was a Thursday.
fn weekday_of(day: i64) -> i64 {
    (day + 4).rem_euclid(7)
}

fn date_of(day: i64) -> Date {
    civil(day.saturating_mul(DAY_MS)).date()
}

fn day_of(date: Date) -> i64 {
    wall_of(date.at(0, 0, 0, 0)).div_euclid(DAY_MS)
}

/// Months since the year 0.
fn months_of(date: Date) -> i64 {
    i64::from(date.year()) * 12 + i64::from(date.month()) - 1
}
