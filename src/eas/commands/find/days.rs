//! The dates of a query: days, months, years, moments, and spans of them, in UTC.

use crate::clock::UnixMs;
use crate::eas::classes::date;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan};

/// What a date means at `now_ms`: from the one moment to the other, both included. None if it is none.
pub(super) fn span(text: &str, now_ms: UnixMs) -> Option<(UnixMs, UnixMs)> {
    if let Some((from, to)) = text.split_once("..") {
        let (from, to) = (span(from, now_ms)?, span(to, now_ms)?);
        return Some((from.0, to.1));
    }
    let today = Timestamp::from_millisecond(now_ms).ok()?;
    let today = today.to_zoned(TimeZone::UTC).date();
    let back = |days: i64| today.checked_sub(days.days()).ok();
    // Weeks begin with Sunday.
    let in_week = i64::from(today.weekday().to_sunday_zero_offset());
    let (month, year) = (today.first_of_month(), today.first_of_year());
    match text.trim() {
        "today" => days(today, 1.day()),
        "yesterday" => days(back(1)?, 1.day()),
        "this week" => days(back(in_week)?, 1.week()),
        "last week" => days(back(in_week + 7)?, 1.week()),
        "this month" => days(month, 1.month()),
        "last month" => days(month.checked_sub(1.month()).ok()?, 1.month()),
        "this year" => days(year, 1.year()),
        "last year" => days(year.checked_sub(1.year()).ok()?, 1.year()),
        text => written(text),
    }
}

/// `2026`, `2026-01`, `2026-01-31`, `1/31/2026`, or a moment.
fn written(text: &str) -> Option<(UnixMs, UnixMs)> {
    let numbers = |sign| -> Option<Vec<i16>> {
        let parts = text.split(sign).map(|part| {
            let is_plain = part.bytes().all(|b| b.is_ascii_digit());
            part.parse().ok().filter(|_| is_plain)
        });
        parts.collect()
    };
    let day = |year: i16, month: i16, day: i16| {
        Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
    };
    if let Some(numbers) = numbers('-') {
        return match *numbers.as_slice() {
            [year] if text.len() == 4 => days(day(year, 1, 1)?, 1.year()),
            [year, month] => days(day(year, month, 1)?, 1.month()),
            [year, month, d] => days(day(year, month, d)?, 1.day()),
            _ => None,
        };
    }
    if let Some(numbers) = numbers('/') {
        return match *numbers.as_slice() {
            [year, month, d] if year > 31 => days(day(year, month, d)?, 1.day()),
            [month, d, year] => days(day(year, month, d)?, 1.day()),
            _ => None,
        };
    }
    // The query is in lower case by now.
    let ms = date::parse(&text.to_uppercase())?;
    Some((ms, ms))
}

/// From the beginning of a day on, so long.
fn days(from: Date, long: Span) -> Option<(UnixMs, UnixMs)> {
    let ms = |day: Date| {
        let moment = day.to_zoned(TimeZone::UTC).ok()?;
        Some(moment.timestamp().as_millisecond())
    };
    Some((ms(from)?, ms(from.checked_add(long).ok()?)? - 1))
}
