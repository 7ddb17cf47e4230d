//! What the `TZID`s of a calendar mean: a zone by name, or the rules of its `VTIMEZONE`.

use super::super::tz::{self, Rule, Tzi, Zone, civil};
use super::props::{Props, Stamp};
use calcard::common::IanaString;
use calcard::icalendar::{
    ICalendar, ICalendarComponent, ICalendarComponentType as Kind, ICalendarRecurrenceRule,
    ICalendarValue as Value,
};
use std::collections::HashMap;

/// A zone, and what an [`crate::pim::Event`] stores of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    pub(super) zone: Zone,
    /// IANA name, or "".
    pub(super) id: String,
    /// The rules, where there is no name for them.
    pub(super) blob: Vec<u8>,
}

/// The zones of one calendar.
pub(super) struct Zones {
    default: Place,
    utc: Place,
    by_tzid: HashMap<String, Place>,
}

impl Zones {
    /// Reads all that the calendar names, so that each is looked up once.
    pub(super) fn of(calendar: &ICalendar, default: &str) -> Self {
        let own = calendar
            .components
            .first()
            .and_then(|c| c.text("X-WR-TIMEZONE"))
            .and_then(|name| named(&name));
        let default = own.or_else(|| named(default)).unwrap_or_else(utc);
        let mut by_tzid = HashMap::new();
        for component in &calendar.components {
            if component.component_type == Kind::VTimezone
                && let Some(tzid) = component.text("TZID")
            {
                let place = defined(calendar, component, &tzid, &default.id);
                by_tzid.entry(tzid).or_insert(place);
            }
        }
        Self {
            default,
            utc: utc(),
            by_tzid,
        }
    }

    /// The zone of a time.
    pub(super) fn place(&self, stamp: &Stamp<'_>) -> Place {
        match (stamp.offset_s, stamp.tzid) {
            (Some(_), _) if !stamp.is_date => self.utc.clone(),
            (_, Some(tzid)) => {
                let known = self.by_tzid.get(tzid).cloned();
                known
                    .or_else(|| named(tzid))
                    .unwrap_or_else(|| self.default.clone())
            }
            _ => self.default.clone(),
        }
    }

    /// The instant of a time; of a date, its midnight.
    pub(super) fn instant(&self, stamp: &Stamp<'_>) -> i64 {
        match stamp.offset_s {
            Some(offset) if !stamp.is_date => stamp.wall_ms - offset * 1000,
            _ => self.place(stamp).zone.to_utc(stamp.wall_ms),
        }
    }

    /// The reader's zone.
    pub(super) fn default(&self) -> &Place {
        &self.default
    }
}

fn utc() -> Place {
    Place {
        zone: Zone::utc(),
        id: "UTC".to_owned(),
        blob: Vec::new(),
    }
}

fn named(name: &str) -> Option<Place> {
    let zone = Zone::named(name)?;
    let id = zone.id().to_owned();
    Some(Place {
        zone,
        id,
        blob: Vec::new(),
    })
}

/// A zone with a definition. A name of the database or of Windows is believed; any other name is
/// an abbreviation or invented, and the rules count.
fn defined(calendar: &ICalendar, zone: &ICalendarComponent, tzid: &str, default: &str) -> Place {
    let sure = tzid.contains('/') || tzid.contains(" Standard Time") || tzid.starts_with('(');
    let by_name = || named(tzid).or_else(|| named(&zone.text("X-LIC-LOCATION")?));
    if sure && let Some(place) = by_name() {
        return place;
    }
    let Some(tzi) = rules(calendar, zone) else {
        return by_name().unwrap_or_else(utc);
    };
    let prefer: Vec<&str> = [tzid, default]
        .into_iter()
        .filter(|n| !n.is_empty())
        .collect();
    if let Some(place) = tz::zone_of_rules(&tzi, &prefer).and_then(|id| named(&id)) {
        return place;
    }
    let blob = tzi.to_blob().to_vec();
    Place {
        zone: Zone::Rules(tzi),
        id: String::new(),
        blob,
    }
}

/// The rules that hold now: of each kind of period the one that began last.
fn rules(calendar: &ICalendar, zone: &ICalendarComponent) -> Option<Tzi> {
    let periods = || {
        zone.component_ids
            .iter()
            .filter_map(|id| calendar.component_by_id(*id))
    };
    let latest = |kind: Kind| {
        periods()
            .filter(|p| p.component_type == kind)
            .filter_map(Period::of)
            .max_by_key(|p| (p.lasts, p.from_ms))
    };
    let (standard, daylight) = (latest(Kind::Standard), latest(Kind::Daylight));
    let (std, dst) = match (standard, daylight) {
        (Some(std), dst) => (std, dst),
        (None, Some(only)) => (only, None),
        (None, None) => return None,
    };
    let mut tzi = Tzi {
        bias: -std.offset_min,
        std_name: std.name,
        ..Tzi::default()
    };
    // A daylight time that ended years before the standard time began anew is history.
    if let Some(dst) = dst.filter(|d| d.lasts >= std.lasts && d.offset_min != std.offset_min) {
        tzi.std = std.rule;
        tzi.dst = dst.rule;
        tzi.dst_bias = std.offset_min - dst.offset_min;
        tzi.dst_name = dst.name;
    }
    Some(tzi)
}

/// One `STANDARD` or `DAYLIGHT`.
struct Period {
    from_ms: i64,
    /// It comes again each year, without an end.
    lasts: bool,
    offset_min: i32,
    rule: Rule,
    name: String,
}

impl Period {
    fn of(component: &ICalendarComponent) -> Option<Self> {
        let from_ms = component.stamp("DTSTART")?.wall_ms;
        let Value::PartialDateTime(offset) = component.first("TZOFFSETTO")?.values.first()? else {
            return None;
        };
        let minutes = i32::from(offset.tz_hour?) * 60 + i32::from(offset.tz_minute.unwrap_or(0));
        let yearly = component
            .first("RRULE")
            .and_then(|e| match e.values.first() {
                Some(Value::RecurrenceRule(rule)) => Some(rule.as_ref()),
                _ => None,
            });
        let mut rule = Rule::at(civil(from_ms));
        if let Some(said) = yearly.and_then(|r| weekday_rule(r, rule)) {
            rule = said;
        }
        Some(Self {
            from_ms,
            lasts: yearly.is_some_and(|r| r.until.is_none() && r.count.is_none()),
            offset_min: if offset.tz_minus { -minutes } else { minutes },
            rule,
            name: component.text("TZNAME").unwrap_or_default(),
        })
    }
}

/// `BYMONTH=10;BYDAY=-1SU`, or `BYMONTH=3;BYMONTHDAY=8,9,...,14;BYDAY=SU`, at the time of `at`.
fn weekday_rule(rule: &ICalendarRecurrenceRule, at: Rule) -> Option<Rule> {
    let day = rule.byday.first()?;
    let nth = match (day.ordwk, rule.bymonthday.iter().min()) {
        (Some(-1), _) => 5,
        (Some(n), _) => u16::try_from(n).ok()?,
        (None, Some(first)) => u16::try_from((first - 1) / 7 + 1).ok()?,
        (None, None) => return None,
    };
    const DAYS: [&str; 7] = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"];
    let weekday = DAYS.iter().position(|d| *d == day.weekday.as_str())?;
    let month = rule
        .bymonth
        .first()
        .map_or(at.month, |m| u16::from(m.month()));
    Some(Rule {
        month,
        weekday: u16::try_from(weekday).ok()?,
        day: nth.clamp(1, 5),
        ..at
    })
}
