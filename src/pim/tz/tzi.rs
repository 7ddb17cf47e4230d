//! The protocol's time zone: a structure of 172 bytes ([MS-ASDTYPE] 2.7.6), and what it means.

use jiff::civil::{self, Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Bytes of the structure.
pub const BLOB_BYTES: usize = 172;
/// UTF-16 units of a name, the closing zero included.
const NAME_UNITS: usize = 32;
/// Minutes that an offset or a saving may have; what is beyond is not a zone.
const MINUTES_MAX: i32 = 24 * 60;

/// When a period begins, in the wall time that holds just before: a Windows `SYSTEMTIME`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Rule {
    /// 0: every year. Else the only year in which the change happens.
    pub year: u16,
    /// 1 to 12; 0: the zone has no such change.
    pub month: u16,
    /// 0 Sunday to 6 Saturday.
    pub weekday: u16,
    /// 1 to 5, 5 is the last such weekday of the month; with a `year`, the day of the month.
    pub day: u16,
    /// Hour.
    pub hour: u16,
    /// Minute.
    pub minute: u16,
    /// Second.
    pub second: u16,
    /// Millisecond.
    pub milli: u16,
}

/// `TIME_ZONE_INFORMATION`. Minutes count west of Greenwich: UTC = local + bias.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tzi {
    /// Minutes from local time to UTC.
    pub bias: i32,
    /// Name of the standard time.
    pub std_name: String,
    /// When standard time begins.
    pub std: Rule,
    /// Minutes on top of `bias` in standard time.
    pub std_bias: i32,
    /// Name of the daylight time.
    pub dst_name: String,
    /// When daylight time begins.
    pub dst: Rule,
    /// Minutes on top of `bias` in daylight time (usually -60).
    pub dst_bias: i32,
}

impl Rule {
    fn read(b: &[u8]) -> Option<Self> {
        let word = |i: usize| {
            b.get(i..i + 2)
                .and_then(|w| w.try_into().ok())
                .map(u16::from_le_bytes)
        };
        Some(Self {
            year: word(0)?,
            month: word(2)?,
            weekday: word(4)?,
            day: word(6)?,
            hour: word(8)?,
            minute: word(10)?,
            second: word(12)?,
            milli: word(14)?,
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        for word in [
            self.year,
            self.month,
            self.weekday,
            self.day,
            self.hour,
            self.minute,
            self.second,
            self.milli,
        ] {
            out.extend_from_slice(&word.to_le_bytes());
        }
    }

    /// The wall time of the change in `year`; none if there is none, or the rule is no date.
    #[must_use]
    pub fn wall_in(&self, year: i16) -> Option<DateTime> {
        let month = i8::try_from(self.month).ok().filter(|m| *m > 0)?;
        let first = Date::new(year, month, 1).ok()?;
        let day = if self.year != 0 {
            if i16::try_from(self.year).ok()? != year {
                return None;
            }
            i8::try_from(self.day).ok()?
        } else {
            let wanted = i8::try_from(self.weekday).ok().filter(|w| *w < 7)?;
            let nth = i8::try_from(self.day)
                .ok()
                .filter(|n| (1..=5).contains(n))?;
            let ahead = (wanted - first.weekday().to_sunday_zero_offset()).rem_euclid(7);
            let day = 1 + ahead + (nth - 1) * 7;
            if day > first.days_in_month() {
                day - 7
            } else {
                day
            }
        };
        let time = civil::Time::new(
            i8::try_from(self.hour).ok()?,
            i8::try_from(self.minute).ok()?,
            i8::try_from(self.second).ok()?,
            i32::from(self.milli.min(999)) * 1_000_000,
        );
        Some(Date::new(year, month, day).ok()?.to_datetime(time.ok()?))
    }

    /// The rule that gives this wall time each year: its weekday, as the nth or the last of the month.
    #[must_use]
    pub fn at(wall: DateTime) -> Self {
        let (day, days) = (wall.day(), wall.date().days_in_month());
        let nth = if day + 7 > days { 5 } else { (day + 6) / 7 };
        let word = |n: i8| u16::try_from(n).unwrap_or(0);
        Self {
            year: 0,
            month: word(wall.month()),
            weekday: word(wall.weekday().to_sunday_zero_offset()),
            day: word(nth),
            hour: word(wall.hour()),
            minute: word(wall.minute()),
            second: word(wall.second()),
            milli: 0,
        }
    }
}

impl Tzi {
    /// Reads the structure; what follows byte 172 is ignored. None if it is shorter, or its
    /// offsets are no offsets.
    #[must_use]
    pub fn parse(blob: &[u8]) -> Option<Self> {
        let long = |i: usize| {
            blob.get(i..i + 4)
                .and_then(|w| w.try_into().ok())
                .map(i32::from_le_bytes)
        };
        let name = |i: usize| {
            let bytes = blob.get(i..i + NAME_UNITS * 2)?;
            let units: Vec<u16> = bytes
                .chunks_exact(2)
                .filter_map(|c| c.try_into().ok().map(u16::from_le_bytes))
                .take_while(|u| *u != 0)
                .collect();
            Some(String::from_utf16_lossy(&units))
        };
        let tzi = Self {
            bias: long(0)?,
            std_name: name(4)?,
            std: Rule::read(blob.get(68..84)?)?,
            std_bias: long(84)?,
            dst_name: name(88)?,
            dst: Rule::read(blob.get(152..168)?)?,
            dst_bias: long(168)?,
        };
        [tzi.bias, tzi.std_bias, tzi.dst_bias]
            .iter()
            .all(|m| (-MINUTES_MAX..=MINUTES_MAX).contains(m))
            .then_some(tzi)
    }

    /// The structure's 172 bytes. Names are cut at 31 UTF-16 units.
    #[must_use]
    pub fn to_blob(&self) -> [u8; BLOB_BYTES] {
        let mut out = Vec::with_capacity(BLOB_BYTES);
        out.extend_from_slice(&self.bias.to_le_bytes());
        push_name(&mut out, &self.std_name);
        self.std.write(&mut out);
        out.extend_from_slice(&self.std_bias.to_le_bytes());
        push_name(&mut out, &self.dst_name);
        self.dst.write(&mut out);
        out.extend_from_slice(&self.dst_bias.to_le_bytes());
        out.try_into().unwrap_or([0; BLOB_BYTES])
    }

    /// Whether the clocks change.
    #[must_use]
    pub fn has_dst(&self) -> bool {
        self.std.month != 0 && self.dst.month != 0 && self.saving_s() != 0
    }

    /// Whether both give the same local time always, whatever their names are.
    #[must_use]
    pub fn same_rules(&self, other: &Self) -> bool {
        if self.std_offset_s() != other.std_offset_s() || self.has_dst() != other.has_dst() {
            return false;
        }
        !self.has_dst()
            || (self.dst_offset_s() == other.dst_offset_s()
                && self.std == other.std
                && self.dst == other.dst)
    }

    /// Seconds east of Greenwich in standard time.
    #[must_use]
    pub fn std_offset_s(&self) -> i64 {
        -60 * (i64::from(self.bias) + i64::from(self.std_bias))
    }

    /// Seconds east of Greenwich in daylight time.
    #[must_use]
    pub fn dst_offset_s(&self) -> i64 {
        -60 * (i64::from(self.bias) + i64::from(self.dst_bias))
    }

    fn saving_s(&self) -> i64 {
        self.dst_offset_s() - self.std_offset_s()
    }

    /// The rules of `zone` in `year`, without names. What counts is what the clocks do, not what the
    /// law calls it: there and back within a year is daylight saving, and the smaller offset is
    /// standard time (the database calls Irish winter time "daylight"). Where that is not what
    /// happened (a zone that changes more often, or changed its law that year) the offset that
    /// holds at the end of that year stands alone.
    #[must_use]
    pub fn of_zone(zone: &TimeZone, year: i16) -> Self {
        let year = year.clamp(1900, 2500);
        if let [first, second] = changes(zone, year).as_slice()
            && (first.before_s, first.after_s) == (second.after_s, second.before_s)
        {
            let (std, dst) = if first.is_forward() {
                (second, first)
            } else {
                (first, second)
            };
            return Self {
                bias: -std.after_s / 60,
                std: nth_of(zone, year, std),
                dst: nth_of(zone, year, dst),
                dst_bias: (std.after_s - dst.after_s) / 60,
                ..Self::default()
            };
        }
        let offset = year_start(year.saturating_add(1)).map_or(0, |t| zone.to_offset(t).seconds());
        Self {
            bias: -offset / 60,
            ..Self::default()
        }
    }

    /// Seconds east of Greenwich at an instant, in milliseconds since 1970.
    pub(super) fn offset_at(&self, ms: i64) -> i64 {
        let std = self.std_offset_s();
        if !self.has_dst() {
            return std;
        }
        let dst = self.dst_offset_s();
        let year = super::civil(ms.saturating_add(std * 1000)).year();
        let utc = |wall: DateTime, offset: i64| super::wall_of(wall) - offset * 1000;
        match (self.dst.wall_in(year), self.std.wall_in(year)) {
            (Some(begin), Some(end)) => {
                let (begin, end) = (utc(begin, std), utc(end, dst));
                let summer = if begin <= end {
                    (begin..end).contains(&ms)
                } else {
                    !(end..begin).contains(&ms)
                };
                if summer { dst } else { std }
            }
            _ => std,
        }
    }

    /// Seconds east of Greenwich at a wall time. In a gap: what held before it. In a fold: the
    /// first of the two.
    pub(super) fn offset_at_wall(&self, wall_ms: i64) -> i64 {
        let (std, dst) = (self.std_offset_s(), self.dst_offset_s());
        if !self.has_dst() {
            return std;
        }
        let fits = |o: i64| self.offset_at(wall_ms.saturating_sub(o * 1000)) == o;
        // Where neither fits the clock leaps forward, from the smaller offset.
        if fits(dst.max(std)) {
            dst.max(std)
        } else {
            dst.min(std)
        }
    }
}

fn push_name(out: &mut Vec<u8>, name: &str) {
    let mut units: Vec<u16> = name.encode_utf16().take(NAME_UNITS - 1).collect();
    if units.last().is_some_and(|u| (0xD800..0xDC00).contains(u)) {
        units.pop();
    }
    units.resize(NAME_UNITS, 0);
    for unit in units {
        out.extend_from_slice(&unit.to_le_bytes());
    }
}

fn year_start(year: i16) -> Option<Timestamp> {
    let zoned = civil::date(year, 1, 1).to_zoned(TimeZone::UTC).ok()?;
    Some(zoned.timestamp())
}

/// One change of the clocks.
struct Change {
    /// The wall time at which it happens, as it was before.
    wall: DateTime,
    /// Seconds east of Greenwich before it.
    before_s: i32,
    /// Seconds east of Greenwich after it.
    after_s: i32,
}

impl Change {
    fn is_forward(&self) -> bool {
        self.after_s > self.before_s
    }
}

/// The changes within a year.
fn changes(zone: &TimeZone, year: i16) -> Vec<Change> {
    let mut found = Vec::new();
    let (Some(from), Some(to)) = (year_start(year), year_start(year.saturating_add(1))) else {
        return found;
    };
    // A year with more than a few changes is a damaged table, not a zone.
    for tr in zone
        .following(from)
        .take_while(|t| t.timestamp() < to)
        .take(16)
    {
        let Ok(just_before) = tr.timestamp().checked_sub(SignedDuration::from_secs(1)) else {
            continue;
        };
        let before = zone.to_offset(just_before);
        if before != tr.offset() {
            found.push(Change {
                wall: before.to_datetime(tr.timestamp()),
                before_s: before.seconds(),
                after_s: tr.offset().seconds(),
            });
        }
    }
    found
}

/// The rule behind one change. "Fourth" and "last" look alike where a month has four such days,
/// so the neighbouring years decide.
fn nth_of(zone: &TimeZone, year: i16, change: &Change) -> Rule {
    let mut rule = Rule::at(change.wall);
    if rule.day != 5 || change.wall.day() > 28 {
        return rule;
    }
    for other in (year - 6)..=(year + 6) {
        let mut found = changes(zone, other);
        found.retain(|c| c.is_forward() == change.is_forward());
        if let [c] = found.as_slice() {
            let like = Rule::at(c.wall);
            if like.day == 4 && like.month == rule.month && like.weekday == rule.weekday {
                rule.day = 4;
            }
        }
    }
    rule
}
