//! Looking into a component by the names that RFC 5545 gives its properties.

use super::super::lines::single_spaced;
use crate::limits::CATEGORIES_MAX;
use calcard::common::{IanaString, PartialDateTime};
use calcard::icalendar::{
    ICalendarComponent, ICalendarEntry, ICalendarParameterName as Param, ICalendarValue as Value,
    ICalendarValueType,
};
use jiff::civil::{Date, Time};

/// Questions to a component.
pub(super) trait Props {
    /// All properties with a name.
    fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s ICalendarEntry>;
    /// The first one with a name.
    fn first(&self, name: &str) -> Option<&ICalendarEntry>;
    /// The text of the first one that has any.
    fn text(&self, name: &str) -> Option<String>;
    /// The number of the first one.
    fn number(&self, name: &str) -> Option<i64>;
    /// `CATEGORIES`, each once.
    fn categories(&self) -> Vec<String>;
    /// The date or time of the first one.
    fn stamp(&self, name: &str) -> Option<Stamp<'_>>;
}

impl Props for ICalendarComponent {
    fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s ICalendarEntry> {
        let named = move |e: &&ICalendarEntry| e.name.as_str().eq_ignore_ascii_case(name);
        self.entries.iter().filter(named)
    }

    fn first(&self, name: &str) -> Option<&ICalendarEntry> {
        let named = |e: &&ICalendarEntry| e.name.as_str().eq_ignore_ascii_case(name);
        self.entries.iter().find(named)
    }

    fn text(&self, name: &str) -> Option<String> {
        self.all(name).map(text_of).find(|text| !text.is_empty())
    }

    fn number(&self, name: &str) -> Option<i64> {
        let value = self.first(name)?.values.first()?;
        value
            .as_integer()
            .or_else(|| value.as_text()?.trim().parse().ok())
    }

    fn categories(&self) -> Vec<String> {
        let mut out: Vec<String> = Vec::new();
        for value in self.all("CATEGORIES").flat_map(|e| &e.values) {
            let name = single_spaced(value.as_text().unwrap_or_default());
            if !name.is_empty() && out.len() < CATEGORIES_MAX && !out.contains(&name) {
                out.push(name);
            }
        }
        out
    }

    fn stamp(&self, name: &str) -> Option<Stamp<'_>> {
        let named = |e: &&ICalendarEntry| e.name.as_str().eq_ignore_ascii_case(name);
        self.entries
            .iter()
            .filter(named)
            .find_map(|e| stamps_of(e).next())
    }
}

/// The text of a property; values that were split at semicolons are one again.
pub(super) fn text_of(entry: &ICalendarEntry) -> String {
    match entry.values.as_slice() {
        [one] => one.clone().into_text().unwrap_or_default().into_owned(),
        several => {
            let texts = several.iter().filter_map(|v| v.clone().into_text());
            texts.collect::<Vec<_>>().join(";")
        }
    }
}

/// The text of a parameter.
pub(super) fn param<'a>(entry: &'a ICalendarEntry, name: &Param) -> Option<&'a str> {
    entry.parameter(name).and_then(|v| v.as_text())
}

/// A date, or a date and time, as it stands in the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamp<'a> {
    /// The digits, in milliseconds as if they were UTC.
    pub(super) wall_ms: i64,
    /// There is no time of day.
    pub(super) is_date: bool,
    /// Seconds east of Greenwich, where the text says so (`Z` is 0).
    pub(super) offset_s: Option<i64>,
    /// `TZID`.
    pub(super) tzid: Option<&'a str>,
}

/// The dates of a property: one, or many in `EXDATE` and `RDATE` (of periods, their starts).
pub(super) fn stamps_of(entry: &ICalendarEntry) -> impl Iterator<Item = Stamp<'_>> {
    let tzid = param(entry, &Param::Tzid);
    let is_date = entry.parameters(&Param::Value).any(|v| {
        v.as_text()
            .is_some_and(|v| v.eq_ignore_ascii_case(ICalendarValueType::Date.as_str()))
    });
    entry.values.iter().filter_map(move |value| {
        let stamp = match value {
            Value::PartialDateTime(at) => stamp_of(at)?,
            Value::Period(
                calcard::icalendar::ICalendarPeriod::Range { start, .. }
                | calcard::icalendar::ICalendarPeriod::Duration { start, .. },
            ) => stamp_of(start)?,
            // "2026-01-05" and "2026-01-05T09:00:00", which the standard does not know.
            Value::Text(text) => loose_stamp(text)?,
            _ => return None,
        };
        let is_date = is_date || stamp.is_date;
        let wall_ms = if is_date {
            stamp.wall_ms - stamp.wall_ms.rem_euclid(super::super::tz::DAY_MS)
        } else {
            stamp.wall_ms
        };
        Some(Stamp {
            wall_ms,
            is_date,
            tzid,
            ..stamp
        })
    })
}

fn stamp_of(at: &PartialDateTime) -> Option<Stamp<'static>> {
    let byte = |n: Option<u8>| i8::try_from(n.unwrap_or(0)).ok();
    let date = Date::new(
        i16::try_from(at.year?).ok()?,
        byte(at.month)?,
        byte(at.day)?,
    )
    .ok()?;
    // 24:00 and leap seconds are read as the last moment that there is.
    let time = Time::new(
        byte(at.hour)?.min(23),
        byte(at.minute)?,
        byte(at.second)?.min(59),
        0,
    );
    let offset_s = at.tz_hour.map(|h| {
        let east = i64::from(h) * 3600 + i64::from(at.tz_minute.unwrap_or(0)) * 60;
        if at.tz_minus { -east } else { east }
    });
    Some(Stamp {
        wall_ms: super::super::tz::wall_of(date.to_datetime(time.ok()?)),
        is_date: at.hour.is_none(),
        offset_s,
        tzid: None,
    })
}

fn loose_stamp(text: &str) -> Option<Stamp<'static>> {
    let text = text.trim();
    let utc = text.ends_with(['Z', 'z']);
    let bare = text.trim_end_matches(['Z', 'z']);
    let at: jiff::civil::DateTime = bare.parse().ok()?;
    Some(Stamp {
        wall_ms: super::super::tz::wall_of(at),
        is_date: bare.len() <= 10,
        offset_s: utc.then_some(0),
        tzid: None,
    })
}

/// A duration in milliseconds; hostile ones are cut to ten thousand days.
pub(super) fn duration_ms(value: &Value) -> Option<i64> {
    const MAX_S: i64 = 10_000 * 86_400;
    match value {
        Value::Duration(d) => Some(d.as_seconds().clamp(-MAX_S, MAX_S) * 1000),
        _ => None,
    }
}
