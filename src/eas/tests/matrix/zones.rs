//! Appointments over 40 zones, around every change of the clocks of three years, created at each
//! version and read at each: the same instants, the same wall times, the same days.
//!
//! A reader here is a phone: it knows the zone from the structure that it is told, which it takes
//! apart itself, and repeats a series on its wall clock.

use super::{Client, Node};
use crate::eas::testing::House;
use crate::eas::version::Version;
use crate::pim::{Class, tz};
use crate::wbxml::Tag;
use crate::wbxml::tags::{airsync, calendar};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::civil::{Date, DateTime, date};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

const YEARS: std::ops::RangeInclusive<i16> = 2025..=2027;

/// With daylight saving of the north and of the south, of half an hour and of two, at odd times of the
/// day, on Fridays and Thursdays; without it, and far from Greenwich.
const ZONES: [&str; 40] = [
    "Africa/Cairo",
    "Africa/Johannesburg",
    "Africa/Lagos",
    "America/Anchorage",
    "America/Asuncion",
    "America/Bogota",
    "America/Chicago",
    "America/Denver",
    "America/Halifax",
    "America/Los_Angeles",
    "America/Mexico_City",
    "America/New_York",
    "America/Nuuk",
    "America/Phoenix",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Antarctica/Troll",
    "Asia/Beirut",
    "Asia/Dubai",
    "Asia/Jerusalem",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Shanghai",
    "Asia/Tehran",
    "Asia/Tokyo",
    "Atlantic/Azores",
    "Australia/Adelaide",
    "Australia/Brisbane",
    "Australia/Lord_Howe",
    "Australia/Sydney",
    "Europe/Athens",
    "Europe/Berlin",
    "Europe/Dublin",
    "Europe/Lisbon",
    "Europe/London",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
];

// ---- the phone's clock --------------------------------------------------------------------------

/// A day of change of the structure ([MS-ASDTYPE] 2.7.6, SYSTEMTIME).
#[derive(Clone, Copy)]
struct Change {
    month: i8,
    weekday: i8,
    /// 1 to 4, or 5 for the last.
    week: i8,
    hour: i8,
    minute: i8,
}

impl Change {
    fn read(at: &[u8]) -> Option<Self> {
        let field = |n: usize| i8::try_from(i16::from_le_bytes([at[2 * n], at[2 * n + 1]])).ok();
        let change = Self {
            month: field(1)?,
            weekday: field(2)?,
            week: field(3)?,
            hour: field(4)?,
            minute: field(5)?,
        };
        (change.month != 0).then_some(change)
    }

    /// When it happens, on the wall clock before it.
    fn of(self, year: i16) -> DateTime {
        let weekday = jiff::civil::Weekday::from_sunday_zero_offset(self.weekday).unwrap();
        let first = date(year, self.month, 1);
        let nth = if self.week == 5 { -1 } else { self.week };
        let day = first.nth_weekday_of_month(nth, weekday).unwrap();
        day.at(self.hour, self.minute, 0, 0)
    }
}

/// What a phone makes of the 172 bytes.
pub(super) struct WallClock {
    standard_min: i64,
    daylight_min: i64,
    /// To standard time, to daylight saving.
    changes: Option<(Change, Change)>,
}

impl WallClock {
    pub(super) fn read(blob: &[u8]) -> Self {
        assert_eq!(blob.len(), 172);
        let long = |at: usize| i64::from(i32::from_le_bytes(blob[at..at + 4].try_into().unwrap()));
        let changes = Change::read(&blob[68..84]).zip(Change::read(&blob[152..168]));
        Self {
            standard_min: -(long(0) + long(84)),
            daylight_min: -(long(0) + long(168)),
            changes,
        }
    }

    fn offset_min(&self, at: Timestamp) -> i64 {
        let Some((to_standard, to_daylight)) = self.changes else {
            return self.standard_min;
        };
        let wall = |minutes: i64| utc(at.saturating_add(minutes.minutes()).unwrap());
        let year = wall(self.standard_min).year();
        let starts = wall(self.standard_min) >= to_daylight.of(year);
        let ends = wall(self.daylight_min) >= to_standard.of(year);
        let is_daylight = match to_daylight.month < to_standard.month {
            true => starts && !ends,
            false => starts || !ends,
        };
        match is_daylight {
            true => self.daylight_min,
            false => self.standard_min,
        }
    }

    pub(super) fn show(&self, at: Timestamp) -> DateTime {
        utc(at.saturating_add(self.offset_min(at).minutes()).unwrap())
    }
}

fn utc(at: Timestamp) -> DateTime {
    TimeZone::UTC.to_datetime(at)
}

// ---- the appointments ---------------------------------------------------------------------------

/// What is created.
struct Planned {
    zone: TimeZone,
    name: &'static str,
    kind: Kind,
    start: Timestamp,
    end: Timestamp,
    blob: [u8; 172],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Once,
    Weekly,
    Day(Date),
}

/// The days of a year on which the clocks of a zone change; else two ordinary ones.
fn days(zone: &TimeZone, year: i16) -> Vec<Date> {
    let new_year = date(year, 1, 1).to_zoned(TimeZone::UTC).unwrap();
    let days: Vec<_> = zone
        .following(new_year.timestamp())
        .map(|change| zone.to_datetime(change.timestamp()).date())
        .take_while(|day| day.year() == year)
        .collect();
    match days.len() {
        0 => vec![date(year, 3, 29), date(year, 10, 25)],
        _ => days,
    }
}

/// Whether the structure can say at all what the clocks of a zone do in a year.
fn can_be_said(zone: &TimeZone, blob: &[u8], year: i16) -> bool {
    let clock = WallClock::read(blob);
    let mut at = date(year, 1, 1)
        .at(0, 30, 0, 0)
        .to_zoned(TimeZone::UTC)
        .unwrap();
    while at.year() == year {
        if clock.show(at.timestamp()) != zone.to_datetime(at.timestamp()) {
            return false;
        }
        at = at.saturating_add(6.hours());
    }
    true
}

fn planned() -> Vec<Planned> {
    let mut all = Vec::new();
    for name in ZONES {
        let zone = TimeZone::get(name).unwrap();
        for year in YEARS {
            let blob = tz::blob_of(name, year).unwrap();
            // The database comes with the build: none of these laws changes within a year.
            assert!(can_be_said(&zone, &blob, year), "{name} {year}");
            for day in days(&zone, year) {
                let at = |day: Date, hour, minute| {
                    let wall = day.at(hour, minute, 0, 0);
                    zone.to_ambiguous_timestamp(wall).compatible().unwrap()
                };
                let mut plan = |kind, start, end| {
                    all.push(Planned {
                        zone: zone.clone(),
                        name,
                        kind,
                        start,
                        end,
                        blob,
                    });
                };
                // Across the change, and in the evening of that day.
                let before = day.yesterday().unwrap();
                plan(Kind::Once, at(before, 23, 30), at(day, 4, 30));
                plan(Kind::Weekly, at(before, 9, 0), at(before, 10, 0));
                let next = day.tomorrow().unwrap();
                plan(Kind::Day(day), at(day, 0, 0), at(next, 0, 0));
            }
        }
    }
    all
}

fn compact(at: DateTime) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

fn item(p: &Planned, version: Version) -> Node {
    let mut data = Node::new(airsync::APPLICATION_DATA);
    let mut put = |tag: Tag, value: &str| data.put(&[tag], value);
    let (mut start, mut end) = (utc(p.start), utc(p.end));
    if let Kind::Day(day) = p.kind {
        put(calendar::ALL_DAY_EVENT, "1");
        if version >= Version::V16_0 {
            // Days without a zone ([MS-ASCAL] 2.2.2.1).
            (start, end) = (day.at(0, 0, 0, 0), day.tomorrow().unwrap().at(0, 0, 0, 0));
        }
    }
    if version < Version::V16_0 || !matches!(p.kind, Kind::Day(_)) {
        put(calendar::TIMEZONE, &STANDARD.encode(p.blob));
    }
    put(calendar::SUBJECT, p.name);
    put(calendar::START_TIME, &compact(start));
    put(calendar::END_TIME, &compact(end));
    if p.kind == Kind::Weekly {
        data.put(&[calendar::RECURRENCE, calendar::TYPE], "1");
        let day = p.zone.to_datetime(p.start).weekday();
        let mask = 1 << day.to_sunday_zero_offset();
        data.put(
            &[calendar::RECURRENCE, calendar::DAY_OF_WEEK],
            &format!("{mask}"),
        );
    }
    data
}

fn instant(text: &str) -> Timestamp {
    let at = DateTime::strptime("%Y%m%dT%H%M%SZ", text).unwrap();
    TimeZone::UTC.to_timestamp(at).unwrap()
}

/// What a phone of `version` shows, held against what was meant.
fn hold(told: &Node, p: &Planned, (writer, version): (Version, Version)) {
    let who = format!(
        "{writer} -> {version} {} {}",
        p.name,
        p.zone.to_datetime(p.start)
    );
    let one = |tag| told.at(&[tag])[0];
    let (start, end) = (
        instant(one(calendar::START_TIME)),
        instant(one(calendar::END_TIME)),
    );
    if let Kind::Day(day) = p.kind {
        assert_eq!(one(calendar::ALL_DAY_EVENT), "1", "{who}");
        let next = day.tomorrow().unwrap();
        let shown = match version >= Version::V16_0 {
            true => [utc(start), utc(end)],
            false => {
                let clock = WallClock::read(&STANDARD.decode(one(calendar::TIMEZONE)).unwrap());
                [clock.show(start), clock.show(end)]
            }
        };
        assert_eq!(shown.map(DateTime::date), [day, next], "{who}");
        return;
    }
    assert_eq!((start, end), (p.start, p.end), "{who}");
    let clock = WallClock::read(&STANDARD.decode(one(calendar::TIMEZONE)).unwrap());
    for at in [start, end] {
        assert_eq!(clock.show(at), p.zone.to_datetime(at), "{who}");
    }
    if p.kind == Kind::Weekly {
        let wall = p.zone.to_datetime(p.start);
        for week in 1..=2_i64 {
            let wall = wall.saturating_add((7 * week).days());
            let meant = p.zone.to_timestamp(wall).unwrap();
            assert_eq!(clock.show(meant), wall, "{who} week {week}");
        }
    }
}

#[test]
fn appointments_of_40_zones_keep_their_time_in_every_version() {
    let house = House::new();
    let planned = planned();
    assert!(planned.len() > 600, "{}", planned.len());
    let mut written = Vec::new();
    for writer in Version::ALL {
        let items: Vec<_> = planned.iter().map(|p| item(p, writer)).collect();
        let ids = Client::of(&house, "w", Class::Calendar, writer).add(&items);
        written.extend(planned.iter().zip(ids).map(|(p, id)| (writer, p, id)));
    }
    for reader in Version::ALL {
        let told = Client::of(&house, "r", Class::Calendar, reader).fetch();
        for (writer, p, id) in &written {
            hold(&told[id], p, (*writer, reader));
        }
    }
}
