//! A rule as RFC 5545 text (3.3.10), and back.

use super::super::event::Recurrence;
use super::super::tz::{Zone, civil, wall_of};
use jiff::civil::{Date, Time};
use std::fmt::Write;

const DAYS: [&str; 7] = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"];

/// Masks that several days may have in a rule of months: day, weekday, day of the weekend.
const GROUPS: [u8; 3] = [127, 62, 65];

/// The text after `RRULE:`. `UNTIL` is a date for whole days (of `zone`), else UTC. None where a
/// rule lacks what its kind needs.
#[must_use]
pub fn to_rrule(rule: &Recurrence, all_day: bool, zone: &Zone) -> Option<String> {
    let mut out = String::with_capacity(64);
    out.push_str(match rule.kind {
        0 if rule.day_of_week.is_none() => "FREQ=DAILY",
        0 | 1 => "FREQ=WEEKLY",
        2 | 3 => "FREQ=MONTHLY",
        5 | 6 => "FREQ=YEARLY",
        _ => return None,
    });
    let daily_by_weekday = rule.kind == 0 && rule.day_of_week.is_some();
    if rule.interval > 1 && !daily_by_weekday {
        let _ = write!(out, ";INTERVAL={}", rule.interval);
    }
    if matches!(rule.kind, 5 | 6) {
        let month = rule.month_of_year.filter(|m| (1..=12).contains(m))?;
        let _ = write!(out, ";BYMONTH={month}");
    }
    match rule.kind {
        0 | 1 => {
            if let Some(mask) = rule.day_of_week.filter(|m| m & 127 != 0) {
                let _ = write!(out, ";BYDAY={}", day_list(mask));
            }
        }
        2 | 5 => {
            let day = rule.day_of_month.filter(|d| (1..=31).contains(d))?;
            let _ = write!(out, ";BYMONTHDAY={day}");
        }
        _ => {
            let mask = rule.day_of_week.filter(|m| m & 127 != 0)?;
            let week = rule.week_of_month.filter(|w| (1..=5).contains(w))?;
            let nth = if week == 5 {
                -1
            } else {
                i8::try_from(week).ok()?
            };
            if mask.count_ones() == 1 {
                let _ = write!(out, ";BYDAY={nth}{}", day_list(mask));
            } else {
                let _ = write!(out, ";BYDAY={};BYSETPOS={nth}", day_list(mask));
            }
        }
    }
    // RFC 5545 starts the week on Monday, the protocol on Sunday, unless they say otherwise.
    let weekly = rule.kind == 1 && rule.interval > 1;
    if let Some(first) = rule.first_day_of_week.or_else(|| weekly.then_some(0)) {
        let _ = write!(out, ";WKST={}", DAYS.get(usize::from(first))?);
    }
    if let Some(count) = rule.occurrences {
        let _ = write!(out, ";COUNT={count}");
    } else if let Some(until_ms) = rule.until_ms {
        out.push_str(";UNTIL=");
        let at = civil(if all_day {
            zone.to_local(until_ms)
        } else {
            until_ms
        });
        let _ = write!(out, "{:04}{:02}{:02}", at.year(), at.month(), at.day());
        if !all_day {
            let _ = write!(
                out,
                "T{:02}{:02}{:02}Z",
                at.hour(),
                at.minute(),
                at.second()
            );
        }
    }
    Some(out)
}

fn day_list(mask: u8) -> String {
    // Monday first, as most calendars write it.
    let days = [1, 2, 3, 4, 5, 6, 0]
        .into_iter()
        .filter(|d| mask & (1 << d) != 0);
    let names: Vec<&str> = days.filter_map(|d| DAYS.get(d).copied()).collect();
    names.join(",")
}

/// The parts of a rule as they stand in the text.
#[derive(Default)]
struct Parts {
    freq: String,
    interval: u16,
    count: Option<u32>,
    until: Option<String>,
    /// The mask, and the number before a day.
    mask: u8,
    ordinals: Vec<i32>,
    month_days: Vec<i32>,
    months: Vec<i32>,
    positions: Vec<i32>,
    first_day: Option<u8>,
    /// Hour, minute and second, where the text names them.
    time: [Option<i8>; 3],
}

/// Reads the text after `RRULE:` for a series that starts at `start_ms`, which says what the text
/// leaves out. None if it is no rule, or the protocol cannot say it ([MS-ASCAL] 2.2.2.37).
#[must_use]
pub fn from_rrule(text: &str, start_ms: i64, zone: &Zone) -> Option<Recurrence> {
    let parts = parts_of(text)?;
    let start = civil(zone.to_local(start_ms));
    // The protocol has no other time of day than that of the start.
    let own = [start.hour(), start.minute(), start.second()];
    let at_start = parts
        .time
        .iter()
        .zip(own)
        .all(|(t, own)| t.is_none_or(|t| t == own));
    if !at_start || parts.ordinals.len() > 1 {
        return None;
    }
    let mut rule = Recurrence {
        interval: parts.interval.max(1),
        occurrences: parts.count,
        first_day_of_week: parts.first_day,
        ..Recurrence::default()
    };
    if let (None, Some(until)) = (parts.count, &parts.until) {
        rule.until_ms = Some(until_of(until, zone)?);
    }
    match parts.freq.as_str() {
        "DAILY" => daily(&parts, &mut rule)?,
        "WEEKLY" => {
            let mask = weekly_mask(&parts)?;
            let own = 1 << start.weekday().to_sunday_zero_offset();
            rule.kind = 1;
            rule.day_of_week = Some(if mask == 0 { own } else { mask });
            if rule.interval > 1 {
                rule.first_day_of_week = rule.first_day_of_week.or(Some(1));
            }
        }
        "MONTHLY" if parts.months.is_empty() => {
            by_day(&parts, &mut rule, 2, u8::try_from(start.day()).ok()?)?;
        }
        "YEARLY" => {
            let own = i32::from(start.month());
            let month = parts.months.first().copied().unwrap_or(own);
            rule.month_of_year = Some(u8::try_from(month).ok()?);
            // "Every year on the 3rd" without a month would be every month.
            if parts.months.is_empty() && !(parts.month_days.is_empty() && parts.mask == 0) {
                return None;
            }
            by_day(&parts, &mut rule, 5, u8::try_from(start.day()).ok()?)?;
        }
        _ => return None,
    }
    Some(rule)
}

fn daily(parts: &Parts, rule: &mut Recurrence) -> Option<()> {
    if parts.mask == 0 {
        let plain =
            parts.months.is_empty() && parts.month_days.is_empty() && parts.positions.is_empty();
        return plain.then_some(());
    }
    rule.kind = 1;
    rule.day_of_week = Some(weekly_mask(parts)?);
    // Every second day, if it is a Monday: nobody but RFC 5545 can say that.
    (rule.interval == 1).then_some(())
}

fn weekly_mask(parts: &Parts) -> Option<u8> {
    let plain = parts.months.is_empty()
        && parts.month_days.is_empty()
        && parts.positions.is_empty()
        && parts.ordinals.is_empty();
    plain.then_some(parts.mask)
}

/// The day of a month: `kind` for a date, `kind + 1` for the nth weekday.
fn by_day(parts: &Parts, rule: &mut Recurrence, kind: u8, own_day: u8) -> Option<()> {
    if parts.mask == 0 {
        if !parts.positions.is_empty() {
            return None;
        }
        match parts.month_days.first() {
            None => (rule.kind, rule.day_of_month) = (kind, Some(own_day)),
            Some(-1) => {
                rule.kind = kind + 1;
                (rule.day_of_week, rule.week_of_month) = (Some(127), Some(5));
            }
            Some(day) => {
                (rule.kind, rule.day_of_month) = (kind, Some(u8::try_from(*day).ok()?));
            }
        }
        return Some(());
    }
    if !parts.month_days.is_empty() || (!parts.ordinals.is_empty() && !parts.positions.is_empty()) {
        return None;
    }
    let several = parts.mask.count_ones() > 1;
    if several && (!parts.ordinals.is_empty() || !GROUPS.contains(&parts.mask)) {
        return None;
    }
    let nth = parts.ordinals.first().or_else(|| parts.positions.first())?;
    rule.kind = kind + 1;
    rule.day_of_week = Some(parts.mask);
    rule.week_of_month = Some(match nth {
        -1 => 5,
        1..=4 => u8::try_from(*nth).ok()?,
        // A fifth Monday is not in every month; the protocol's 5 is the last.
        _ => return None,
    });
    Some(())
}

/// Splits the text. None if it is no rule, or has a part (or so many values of one) that the
/// protocol has no word for.
fn parts_of(text: &str) -> Option<Parts> {
    let mut parts = Parts::default();
    for part in text.trim().split(';').filter(|p| !p.is_empty()) {
        let (name, value) = part.split_once('=')?;
        let value = value.trim().to_ascii_uppercase();
        match name.trim().to_ascii_uppercase().as_str() {
            "FREQ" => parts.freq = value,
            "INTERVAL" => parts.interval = value.parse().ok()?,
            "COUNT" => parts.count = Some(value.parse().ok().filter(|n| *n > 0)?),
            "UNTIL" => parts.until = Some(value),
            "BYDAY" => by_day_part(&value, &mut parts)?,
            "BYMONTHDAY" => parts.month_days = at_most_one(&value, 31)?,
            "BYMONTH" => parts.months = at_most_one(&value, 12)?,
            "BYSETPOS" => parts.positions = at_most_one(&value, 366)?,
            "WKST" => parts.first_day = Some(weekday(&value)?),
            "BYHOUR" => parts.time[0] = Some(value.parse().ok()?),
            "BYMINUTE" => parts.time[1] = Some(value.parse().ok()?),
            "BYSECOND" => parts.time[2] = Some(value.parse().ok()?),
            "RSCALE" if value == "GREGORIAN" => {}
            "SKIP" if value == "OMIT" => {}
            name if name.starts_with("X-") => {}
            _ => return None,
        }
    }
    (!parts.freq.is_empty()).then_some(parts)
}

fn at_most_one(value: &str, max: i32) -> Option<Vec<i32>> {
    let n: i32 = value.parse().ok()?;
    (n != 0 && n.abs() <= max).then(|| vec![n])
}

fn by_day_part(value: &str, parts: &mut Parts) -> Option<()> {
    for day in value.split(',').map(str::trim).filter(|d| !d.is_empty()) {
        let (number, name) = day.split_at_checked(day.len().checked_sub(2)?)?;
        parts.mask |= 1 << weekday(name)?;
        if !number.is_empty() {
            parts.ordinals.push(number.parse().ok()?);
        }
    }
    Some(())
}

fn weekday(name: &str) -> Option<u8> {
    let found = DAYS.iter().position(|d| *d == name)?;
    u8::try_from(found).ok()
}

/// `20261231`, `20261231T235959`, `20261231T235959Z`: the last instant that it includes. A date
/// includes its whole day; without Z the zone of the start is meant.
fn until_of(text: &str, zone: &Zone) -> Option<i64> {
    let digits = |from: usize, to: usize| text.get(from..to)?.parse::<i16>().ok();
    let part = |from: usize| i8::try_from(digits(from, from + 2)?).ok();
    let date = Date::new(digits(0, 4)?, part(4)?, part(6)?).ok()?;
    if text.len() == 8 {
        return Some(zone.to_utc(wall_of(date.at(23, 59, 59, 0))));
    }
    // A leap second has no place in milliseconds since 1970.
    let time = Time::new(part(9)?, part(11)?, part(13)?.min(59), 0).ok()?;
    let wall = wall_of(date.to_datetime(time));
    Some(if text.ends_with('Z') {
        wall
    } else {
        zone.to_utc(wall)
    })
}
