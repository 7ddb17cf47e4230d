//! Series that the protocol cannot say, taken apart: when they happen, by an engine that knows all rules
//! (RFC 5545 3.3.10).
//!
//! A rule may go on for ever, name a day that never comes, or have begun with the Romans, and its engine looks at
//! every day in between. So work is counted in steps, and a file has so many of them. Deliberately absent: rules
//! that the protocol can say (`recur`).

use super::super::event::Event;
use super::super::tz::{DAY_MS, Zone, civil};
use crate::limits::SINGLE_INSTANCES_MAX;
use calcard::common::{CalendarScale, PartialDateTime};
use calcard::icalendar::{ICalendarFrequency as Frequency, ICalendarRecurrenceRule, ICalendarSkip};
use std::ops::RangeInclusive;

/// Around now: a series that is taken apart is known from a year ago to two years ahead.
const PAST_MS: i64 = 366 * DAY_MS;
const AHEAD_MS: i64 = 731 * DAY_MS;
const HOUR_MS: i64 = 60 * 60 * 1000;

/// Series of one file that may be taken apart.
const SERIES_MAX: usize = 200;
/// Steps that may be taken for all of them: a date that is found, and a day (of an hourly rule, an hour) that
/// lies between two.
const STEPS_MAX: u64 = 4_000_000;
/// Steps that the engine takes at most to find a date, or none.
const STEPS_TO_A_DATE_MAX: u64 = 100_000;
/// Times of a day that a rule may name: the engine makes a list of all that lie in a year.
const TIMES_A_DAY_MAX: usize = 288;

/// What may still be spent on the series of a file.
pub(super) struct Patience {
    series: usize,
    steps: u64,
}

impl Patience {
    /// All of it.
    pub(super) fn of_a_file() -> Self {
        Self {
            series: SERIES_MAX,
            steps: STEPS_MAX,
        }
    }

    /// The starts of a series, at most [`SINGLE_INSTANCES_MAX`]: those from a year before `now_ms` on; of a
    /// series that was over by then, its first ones. None for one that nobody can follow, or not so far.
    pub(super) fn starts(
        &mut self,
        rule: &ICalendarRecurrenceRule,
        event: &Event,
        now_ms: i64,
    ) -> Vec<i64> {
        let zone = Zone::of(&event.zone, &event.zone_blob);
        let Some(series) = self.series.checked_sub(1) else {
            return Vec::new();
        };
        self.series = series;
        let Some(set) = wall_set(rule, event, &zone) else {
            return Vec::new();
        };
        let mut found = Dates::around(now_ms);
        let mut walk = Walk::new(set, rule, zone.to_local(event.start_ms));
        while !found.is_enough() {
            let (date, taken) = walk.next();
            self.steps = self.steps.saturating_sub(taken);
            match date {
                Some(_) if self.steps == 0 => return Vec::new(),
                Some(ms) => found.push(ms),
                None => break,
            }
        }
        let starts = found.into_starts().into_iter();
        starts.map(|ms| zone.to_utc(ms)).collect()
    }
}

/// The dates of a rule in wall time, and what each took.
struct Walk {
    dates: rrule::RRuleSetIter,
    /// Dates that a rule with a count still has.
    left: Option<u32>,
    until_ms: Option<i64>,
    last_ms: i64,
    step_ms: i64,
}

impl Walk {
    fn new(set: rrule::RRuleSet, rule: &ICalendarRecurrenceRule, start_ms: i64) -> Self {
        let until = set.get_rrule().first().and_then(|rule| rule.get_until());
        Self {
            until_ms: until.map(|date| date.timestamp_millis()),
            dates: set.limit().into_iter(),
            left: rule.count,
            last_ms: start_ms,
            step_ms: match rule.freq {
                Frequency::Hourly => HOUR_MS,
                _ => DAY_MS,
            },
        }
    }

    fn next(&mut self) -> (Option<i64>, u64) {
        if self.left == Some(0) {
            return (None, 0);
        }
        self.left = self.left.map(|left| left - 1);
        let date = self.dates.next().map(|date| date.timestamp_millis());
        // Without a date it went to the end of the rule, or as far as it goes.
        let to_ms = date.or(self.until_ms);
        let gap = to_ms.map(|ms| ms.abs_diff(self.last_ms) / self.step_ms.unsigned_abs());
        let steps = gap.unwrap_or(u64::MAX).saturating_add(1);
        match date {
            Some(ms) => {
                self.last_ms = ms;
                (date, steps)
            }
            None => (None, steps.min(STEPS_TO_A_DATE_MAX)),
        }
    }
}

/// Dates that were found.
struct Dates {
    around_now: RangeInclusive<i64>,
    recent: Vec<i64>,
    first: Vec<i64>,
    last_ms: i64,
}

impl Dates {
    fn around(now_ms: i64) -> Self {
        Self {
            around_now: now_ms.saturating_sub(PAST_MS)..=now_ms.saturating_add(AHEAD_MS),
            recent: Vec::new(),
            first: Vec::new(),
            last_ms: i64::MIN,
        }
    }

    fn push(&mut self, ms: i64) {
        self.last_ms = ms;
        if self.around_now.contains(&ms) {
            self.recent.push(ms);
        } else if self.first.len() < SINGLE_INSTANCES_MAX {
            self.first.push(ms);
        }
    }

    fn is_enough(&self) -> bool {
        let is_past = self.last_ms > *self.around_now.end();
        let has_some = !self.recent.is_empty() || self.first.len() == SINGLE_INSTANCES_MAX;
        self.recent.len() == SINGLE_INSTANCES_MAX || (is_past && has_some)
    }

    fn into_starts(self) -> Vec<i64> {
        match self.recent.is_empty() {
            true => self.first,
            false => self.recent,
        }
    }
}

/// The rule for the engine, in wall time as if it were UTC, so that it needs no zones. None for what no
/// appointment is: every minute, every second, hundreds of times a day.
fn wall_set(rule: &ICalendarRecurrenceRule, event: &Event, zone: &Zone) -> Option<rrule::RRuleSet> {
    let times = [&rule.byhour, &rule.byminute, &rule.bysecond].map(|list| list.len().max(1));
    let is_fine = matches!(rule.freq, Frequency::Minutely | Frequency::Secondly);
    if is_fine || times.iter().product::<usize>() > TIMES_A_DAY_MAX {
        return None;
    }
    let mut rule = rule.clone();
    let gregorian = rule
        .rscale
        .take()
        .is_none_or(|s| s == CalendarScale::Gregorian);
    let omits = rule.skip.take().is_none_or(|s| s == ICalendarSkip::Omit);
    if !gregorian || !omits {
        return None;
    }
    if rule.count.is_some() {
        rule.until = None;
    }
    if let Some(until) = rule.until.take() {
        let given = until.to_date_time()?;
        let wall_ms = if given.offset.is_some() {
            zone.to_local(given.date_time.and_utc().timestamp_millis())
        } else if until.hour.is_none() {
            given.date_time.and_utc().timestamp_millis() + DAY_MS - 1000
        } else {
            given.date_time.and_utc().timestamp_millis()
        };
        rule.until = Some(PartialDateTime::from_utc_timestamp(
            wall_ms.div_euclid(1000),
        ));
    }
    let start = civil(zone.to_local(event.start_ms)).strftime("%Y%m%dT%H%M%SZ");
    format!("DTSTART:{start}\nRRULE:{rule}").parse().ok()
}
