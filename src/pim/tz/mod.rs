//! Time zones: the protocol's structure of 172 bytes ([MS-ASDTYPE] 2.7.6), names of the time-zone
//! database and of Windows, and the way between instants and wall time.
//!
//! A wall time is written in milliseconds as if it were UTC; an instant is Unix milliseconds.
//! Nothing here fails on a date: what lies outside the years -9999 to 9999 is clamped.
//!
//! Deliberately absent: a user's own zone (it is passed in as a preference), the clock, and the
//! history of a zone inside a blob, which has room for one year's rules only.

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
            Self::Named(tz) => tz
                .to_ambiguous_timestamp(civil(wall_ms))
                .compatible()
                .map_or(wall_ms, |t| {
                    // What is below a millisecond was never there, but a clamp may differ.
                    t.as_millisecond()
                }),
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
