//! Time zones: the protocol's structure of 172 bytes ([MS-ASDTYPE] 2.7.6), names of the time-zone
//! database and of Windows, and the way between instants and wall time.
//!
//! A wall time is written in milliseconds as if it were UTC; an instant is Unix milliseconds.
//! Nothing here fails on a date: what lies outside the years -9999 to 9999 is clamped.
//!
//! Deliberately absent: a user's own zone (it is passed in as a preference), the clock, and the
//! history of a zone inside a blob, which has room for one year's rules only.

#[cfg(test)]
mod edge_tests;
mod names;
mod tzi;

pub use names::{canonical, windows_name};
pub use tzi::{BLOB_BYTES, Rule, Tzi};

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Milliseconds of a day.
pub const DAY_MS: i64 = 86_400_000;

/// The year whose rules a blob is compared with first: devices send the rules of their own
/// present, whatever year the appointment is in. It moves with the bundled time-zone database.
const PRESENT_YEAR: i16 = 2026;

/// A time zone to compute with.
#[derive(Clone, Debug)]
pub enum Zone {
    /// A zone of the time-zone database, with its history.
    Named(TimeZone),
    /// The same rules in every year, as a client or a calendar file gave them.
    Rules(Tzi),
}

impl Default for Zone {
    fn default() -> Self {
        Self::utc()
    }
}

impl Zone {
    /// UTC.
    #[must_use]
    pub fn utc() -> Self {
        Self::Named(TimeZone::UTC)
    }

    /// The zone with this name: of the database (`Europe/Berlin`), an alias of one, or a Windows
    /// name (`W. Europe Standard Time`). None if no such zone is known.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        names::find(name).map(|(_, tz)| Self::Named(tz))
    }

    /// The zone of an appointment: by name, else by its blob, else UTC.
    #[must_use]
    pub fn of(name: &str, blob: &[u8]) -> Self {
        if !name.is_empty()
            && let Some(zone) = Self::named(name)
        {
            return zone;
        }
        Tzi::parse(blob).map_or_else(Self::utc, Self::Rules)
    }

    /// The wall time at an instant, both in milliseconds.
    #[must_use]
    pub fn to_local(&self, ms: i64) -> i64 {
        let offset_s = match self {
            Self::Named(tz) => i64::from(tz.to_offset(timestamp(ms)).seconds()),
            Self::Rules(tzi) => tzi.offset_at(ms),
        };
        ms.saturating_add(offset_s * 1000)
    }

    /// The instant of a wall time, both in milliseconds. A time that the clock leaps over is
    /// read with the offset before the leap (so it comes out later); of a time that comes twice
    /// the first is meant (RFC 5545 3.3.5).
    #[must_use]
    pub fn to_utc(&self, wall_ms: i64) -> i64 {
        match self {
            Self::Named(tz) => {
                let known = tz.to_ambiguous_timestamp(civil(wall_ms)).compatible();
                known.map_or_else(
                    // Beyond the last instant there is: the offset goes on.
                    |_| {
                        let offset_s = i64::from(tz.to_offset(timestamp(wall_ms)).seconds());
                        wall_ms.saturating_sub(offset_s * 1000)
                    },
                    // What is below a millisecond was never there, but a clamp may differ.
                    |t| t.as_millisecond(),
                )
            }
            Self::Rules(tzi) => wall_ms.saturating_sub(tzi.offset_at_wall(wall_ms) * 1000),
        }
    }
}

/// The wall time at an instant ([`Zone::to_local`]).
#[must_use]
pub fn to_local(ms: i64, zone: &Zone) -> i64 {
    zone.to_local(ms)
}

/// The instant of a wall time ([`Zone::to_utc`]).
#[must_use]
pub fn to_utc(wall_ms: i64, zone: &Zone) -> i64 {
    zone.to_utc(wall_ms)
}

/// The structure for a zone by name (empty: UTC), with the rules of `year` and the Windows names.
/// None if no such zone is known.
#[must_use]
pub fn blob_of(zone: &str, year: i16) -> Option<[u8; BLOB_BYTES]> {
    Some(tzi_of(zone, year)?.to_blob())
}

/// As [`blob_of`], before it is bytes.
#[must_use]
pub fn tzi_of(zone: &str, year: i16) -> Option<Tzi> {
    let (id, tz) = if zone.is_empty() {
        ("UTC".to_owned(), TimeZone::UTC)
    } else {
        names::find(zone)?
    };
    let mut tzi = Tzi::of_zone(&tz, year);
    // A zone without a Windows name shows its own; 31 units are enough for all of them.
    tzi.std_name = windows_name(&id).map_or_else(|| id.clone(), str::to_owned);
    tzi.dst_name = match windows_name(&id) {
        Some(name) if name.contains("Standard Time") => {
            name.replace("Standard Time", "Daylight Time")
        }
        Some(name) => name.to_owned(),
        None => id,
    };
    Some(tzi)
}

/// The blob to send for an appointment: the client's own where it gave one, else made for `zone`
/// and the year of the start; UTC where neither is known.
#[must_use]
pub fn blob_for(zone: &str, client_blob: &[u8], start_ms: i64) -> [u8; BLOB_BYTES] {
    if let Some(blob) = client_blob.first_chunk::<BLOB_BYTES>() {
        return *blob;
    }
    blob_of(zone, civil(start_ms).year()).unwrap_or_else(|| Tzi::default().to_blob())
}

/// The name of the zone that a blob means: one of `prefer` (the user's own first) if its rules
/// are the same, else what the standard name says, else the best known zone with these rules.
/// None if the blob is damaged or nobody has such rules.
#[must_use]
pub fn zone_of(blob: &[u8], prefer: &[&str]) -> Option<String> {
    zone_of_rules(&Tzi::parse(blob)?, prefer)
}

/// As [`zone_of`], for rules that are read already.
#[must_use]
pub fn zone_of_rules(tzi: &Tzi, prefer: &[&str]) -> Option<String> {
    names::matching(tzi, prefer)
}

/// Milliseconds since 1970 as date and time, clamped to the years that there are.
#[must_use]
pub fn civil(ms: i64) -> DateTime {
    let since = SignedDuration::from_millis(ms);
    let epoch = jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0);
    epoch.saturating_add(since)
}

/// Date and time as milliseconds since 1970.
#[must_use]
pub fn wall_of(at: DateTime) -> i64 {
    let epoch = jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0);
    i64::try_from(at.duration_since(epoch).as_millis()).unwrap_or(i64::MAX)
}

fn timestamp(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(if ms < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn wall(y: i16, m: i8, d: i8, h: i8, min: i8) -> i64 {
        wall_of(date(y, m, d).at(h, min, 0, 0))
    }

    fn named(id: &str) -> Zone {
        Zone::named(id).unwrap()
    }

    #[test]
    fn the_blob_of_berlin_is_what_windows_sends() {
        let blob = blob_of("Europe/Berlin", 2026).unwrap();
        assert_eq!(blob[..4], (-60i32).to_le_bytes());
        assert_eq!(blob[4..10], *b"W\0.\0 \0");
        // Standard time begins on the last Sunday (0, 5) of October (10) at 3.
        assert_eq!(
            blob[68..84],
            [0, 0, 10, 0, 0, 0, 5, 0, 3, 0, 0, 0, 0, 0, 0, 0]
        );
        assert_eq!(
            blob[152..168],
            [0, 0, 3, 0, 0, 0, 5, 0, 2, 0, 0, 0, 0, 0, 0, 0]
        );
        assert_eq!(blob[168..], (-60i32).to_le_bytes());
    }

    #[test]
    fn a_blob_is_read_as_it_was_written() {
        for id in [
            "America/New_York",
            "Asia/Kolkata",
            "Australia/Lord_Howe",
            "UTC",
            "",
        ] {
            let tzi = tzi_of(id, 2026).unwrap();
            assert_eq!(Tzi::parse(&tzi.to_blob()), Some(tzi), "{id}");
        }
        assert_eq!(Tzi::parse(&[0; 171]), None);
        assert_eq!(Tzi::parse(&[0xFF; 172]).map(|t| t.bias), Some(-1));
        assert_eq!(Tzi::parse(&[0x7F; 172]), None);
        assert_eq!(blob_of("Nowhere/At_All", 2026), None);
    }

    #[test]
    fn irish_winter_is_standard_time() {
        let tzi = tzi_of("Europe/Dublin", 2026).unwrap();
        assert_eq!((tzi.bias, tzi.dst_bias), (0, -60));
        assert_eq!((tzi.std.month, tzi.dst.month), (10, 3));
    }

    #[test]
    fn the_fourth_sunday_is_not_the_last() {
        // The second Sunday of March and the first of November, in a year and the next.
        let tzi = tzi_of("America/New_York", 2026).unwrap();
        assert_eq!((tzi.dst.day, tzi.std.day), (2, 1));
        // Asunción changed on the fourth Sunday of March, which was the last one in 2013 too.
        let tzi = tzi_of("America/Asuncion", 2016).unwrap();
        assert_eq!((tzi.std.month, tzi.std.day), (3, 4));
    }

    #[test]
    fn names_of_all_kinds_lead_to_a_zone() {
        for (name, id) in [
            ("Europe/Berlin", "Europe/Berlin"),
            ("europe/berlin", "Europe/Berlin"),
            ("W. Europe Standard Time", "Europe/Berlin"),
            ("Eastern Daylight Time", "America/New_York"),
            ("India Standard Time", "Asia/Kolkata"),
            ("FLE Standard Time", "Europe/Kyiv"),
            ("Asia/Calcutta", "Asia/Kolkata"),
            ("(UTC-05:00) Eastern Time (US & Canada)", "America/New_York"),
            (
                "/example.org/20240101_1/America/Argentina/Salta",
                "America/Argentina/Salta",
            ),
            ("UTC", "UTC"),
            ("GMT+0200", "Etc/GMT-2"),
        ] {
            assert_eq!(
                names::find(name).map(|z| z.0).as_deref(),
                Some(id),
                "{name}"
            );
        }
        for name in ["", "Customized Time Zone", "+", "UTC+99", "//", "(UTC"] {
            assert!(names::find(name).is_none(), "{name}");
        }
    }

    #[test]
    fn windows_names_are_found_for_old_and_new_ids() {
        assert_eq!(windows_name("Asia/Kolkata"), Some("India Standard Time"));
        assert_eq!(windows_name("Europe/Kyiv"), Some("FLE Standard Time"));
        assert_eq!(
            windows_name("Europe/Vienna"),
            Some("W. Europe Standard Time")
        );
        assert_eq!(windows_name("UTC"), Some("UTC"));
    }

    #[test]
    fn a_blob_leads_back_to_its_zone() {
        let nameless = |id: &str, year| {
            let tzi = Tzi {
                std_name: String::new(),
                ..tzi_of(id, year).unwrap()
            };
            tzi.to_blob()
        };
        let check = |blob: &[u8], prefer: &[&str], expect: Option<&str>| {
            assert_eq!(zone_of(blob, prefer).as_deref(), expect);
        };
        check(
            &blob_of("Asia/Kolkata", 2026).unwrap(),
            &[],
            Some("Asia/Kolkata"),
        );
        check(
            &blob_of("Europe/Dublin", 2026).unwrap(),
            &[],
            Some("Europe/London"),
        );
        check(&nameless("Europe/Berlin", 2026), &[], Some("Europe/Berlin"));
        check(
            &nameless("Europe/Berlin", 2026),
            &["Europe/Oslo"],
            Some("Europe/Oslo"),
        );
        check(
            &nameless("Europe/Berlin", 2026),
            &["Asia/Tokyo"],
            Some("Europe/Berlin"),
        );
        // The rules that America had until 2006, from a device of that time.
        check(
            &nameless("America/New_York", 2006),
            &["America/New_York"],
            Some("America/New_York"),
        );
        check(
            &nameless("America/Sao_Paulo", 2026),
            &["America/Sao_Paulo"],
            Some("America/Sao_Paulo"),
        );
        check(&[0; 172], &[], Some("UTC"));
        check(&[0; 20], &[], None);
        let odd = Tzi {
            bias: 17,
            ..Tzi::default()
        };
        check(&odd.to_blob(), &["Europe/Berlin"], None);
    }

    #[test]
    fn a_leap_over_reads_later_and_a_double_hour_is_its_first() {
        let berlin = named("Europe/Berlin");
        let rules = Zone::Rules(tzi_of("Europe/Berlin", 2026).unwrap());
        for zone in [berlin, rules] {
            // 29 March, 2:30 does not exist: half past three in summer time.
            assert_eq!(
                zone.to_utc(wall(2026, 3, 29, 2, 30)),
                wall(2026, 3, 29, 1, 30)
            );
            // 25 October, 2:30 is there twice: first in summer time.
            assert_eq!(
                zone.to_utc(wall(2026, 10, 25, 2, 30)),
                wall(2026, 10, 25, 0, 30)
            );
        }
    }

    #[test]
    fn rules_give_the_times_of_the_zone_they_came_from() {
        let zones = [
            "Europe/Berlin",
            "America/New_York",
            "Australia/Sydney",
            "Europe/Dublin",
            "Asia/Tokyo",
            "Australia/Lord_Howe",
            "America/St_Johns",
            "Pacific/Auckland",
        ];
        for id in zones {
            let (zone, rules) = (named(id), Zone::Rules(tzi_of(id, 2026).unwrap()));
            for half_hour in 0..(365 * 48) {
                let ms = wall(2026, 1, 1, 0, 0) + half_hour * 30 * 60_000;
                assert_eq!(zone.to_local(ms), rules.to_local(ms), "{id} at {ms}");
                assert_eq!(zone.to_utc(ms), rules.to_utc(ms), "{id} at wall {ms}");
            }
        }
    }

    #[test]
    fn no_date_is_too_far() {
        for zone in [
            named("Europe/Berlin"),
            Zone::Rules(tzi_of("Asia/Tehran", 2020).unwrap()),
        ] {
            for ms in [i64::MIN, i64::MIN / 2, -1, i64::MAX / 2, i64::MAX] {
                let _ = (zone.to_local(ms), zone.to_utc(ms), civil(ms));
            }
        }
    }

    /// A fuzzer's find: the last instant of the database is in the evening of 30 December 9999, and what
    /// was read behind it moved with each reading.
    #[test]
    fn the_last_days_there_are_are_read_as_they_were_written() {
        for id in ["Europe/Berlin", "America/New_York", "Pacific/Kiritimati"] {
            let zone = named(id);
            for (day, h) in [(29, 0), (30, 12), (30, 23), (31, 2), (31, 23)] {
                let at = wall(9999, 12, day, h, 34);
                assert_eq!(zone.to_local(zone.to_utc(at)), at, "{id} {day} {h}");
            }
        }
    }

    #[test]
    fn every_zone_of_the_database_has_a_blob() {
        for name in jiff::tz::db().available() {
            for year in [1970, 2026, 2037] {
                assert!(blob_of(name.as_str(), year).is_some(), "{name}");
            }
        }
    }
}
