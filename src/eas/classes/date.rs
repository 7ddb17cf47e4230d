//! The two ways in which the protocol writes a time ([MS-ASDTYPE] 2.7.2): with dashes
//! (`2026-11-22T13:00:00.000Z`: mail, contacts, tasks) and compact (`20261122T130000Z`: calendar,
//! notes). Old devices depend on each class having its own. Both are read everywhere.

use crate::wbxml::digits::pairs;
use std::ops::Deref;

const DAY_MS: i64 = 86_400_000;
const DAY_MS_U64: u64 = 86_400_000;
/// Days from March 1st of the year 0 to 1970-01-01.
const DAYS_TO_1970: i64 = 719_468;
/// Days of 400 years.
const DAYS_OF_ERA: i64 = 146_097;

/// A written time, without allocation, in pieces of eight characters.
#[derive(Clone, Copy)]
pub struct Stamp<const M: usize>([[u8; 8]; M]);

impl<const M: usize> Stamp<M> {
    /// Its characters.
    #[must_use]
    pub fn ascii(&self) -> &[[u8; 8]; M] {
        &self.0
    }
}

impl<const M: usize> Deref for Stamp<M> {
    type Target = str;

    fn deref(&self) -> &str {
        std::str::from_utf8(self.0.as_flattened()).unwrap_or_default()
    }
}

/// `2026-11-22T13:00:00.000Z`, from Unix milliseconds.
#[must_use]
pub fn dashed(ms: i64) -> Stamp<3> {
    const DASHES: u64 = u64::from_le_bytes(*b"\0\0\0\0-\0\0-");
    const T_AND_COLON: u64 = u64::from_le_bytes(*b"\0\0T\0\0:\0\0");
    const REST: u64 = u64::from_le_bytes(*b":\0\0.\0\0\0Z");
    let t = Civil::of(ms);
    let date = pairs([t.year / 100, t.year % 100, t.month, t.day]);
    let time = pairs([t.hour, t.minute, t.second, t.milli / 10]);
    let last = u64::from(b'0') + u64::from(t.milli % 10);
    let year_month = date & 0xFFFF_FFFF | (date >> 32 & 0xFFFF) << 40 | DASHES;
    let to_minute = date >> 48 | (time & 0xFFFF) << 24 | (time >> 16 & 0xFFFF) << 48 | T_AND_COLON;
    let to_end = (time >> 32 & 0xFFFF) << 8 | time >> 48 << 32 | last << 48 | REST;
    Stamp([year_month, to_minute, to_end].map(u64::to_le_bytes))
}

/// `20261122T130000Z`, from Unix milliseconds.
#[must_use]
pub fn compact(ms: i64) -> Stamp<2> {
    const T_AND_Z: u64 = u64::from_le_bytes(*b"T\0\0\0\0\0\0Z");
    let t = Civil::of(ms);
    let date = pairs([t.year / 100, t.year % 100, t.month, t.day]);
    let time = pairs([t.hour, t.minute, t.second, 0]) & 0xFFFF_FFFF_FFFF;
    Stamp([date, time << 8 | T_AND_Z].map(u64::to_le_bytes))
}

/// Unix milliseconds of a time in either form; also without its `Z` or its fraction, and of a
/// date alone. None if it is not a time.
#[must_use]
pub fn parse(text: &str) -> Option<i64> {
    let mut rest = Digits(text.trim().as_bytes());
    let year = rest.number(4)?;
    rest.skip(b'-');
    let month = rest.number(2)?;
    rest.skip(b'-');
    let day = rest.number(2)?;
    if !(1..=12).contains(&month) || day < 1 || day > days_of(year, month) {
        return None;
    }
    let midnight = days_from_civil(year, month, day) * DAY_MS;
    if rest.0.is_empty() {
        return Some(midnight);
    }
    if !rest.skip(b'T') && !rest.skip(b' ') {
        return None;
    }
    let hour = rest.number(2)?;
    rest.skip(b':');
    let minute = rest.number(2)?;
    rest.skip(b':');
    let second = rest.number(2)?;
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let milli = if rest.skip(b'.') { rest.fraction() } else { 0 };
    rest.skip(b'Z');
    rest.0
        .is_empty()
        .then(|| midnight + ((hour * 60 + minute) * 60 + second) * 1000 + milli)
}

/// What is left to read.
struct Digits<'a>(&'a [u8]);

impl Digits<'_> {
    fn number(&mut self, digits: usize) -> Option<i64> {
        let (number, rest) = self.0.split_at_checked(digits)?;
        self.0 = rest;
        number.iter().try_fold(0, |n, b| {
            b.is_ascii_digit().then(|| n * 10 + i64::from(b - b'0'))
        })
    }

    fn skip(&mut self, byte: u8) -> bool {
        match self.0.split_first() {
            Some((first, rest)) if *first == byte => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    /// Milliseconds of a fraction of any length.
    fn fraction(&mut self) -> i64 {
        let mut milli = 0;
        let mut worth = 100;
        while let Some((first, rest)) = self.0.split_first()
            && first.is_ascii_digit()
        {
            milli += i64::from(first - b'0') * worth;
            worth /= 10;
            self.0 = rest;
        }
        milli
    }
}

struct Civil {
    year: u32,
    month: u32,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
    milli: u32,
}

impl Civil {
    /// The first millisecond of the year 0, and the last one of 9999.
    const FIRST_MS: i64 = -62_167_219_200_000;
    const LAST_MS: i64 = 253_402_300_799_999;

    /// Clamped to the years 0 to 9999, which the forms have room for. Counted from a leap day of
    /// 400 years before, so that nothing is negative and 32 bits are enough.
    fn of(ms: i64) -> Self {
        let ms = ms.clamp(Self::FIRST_MS, Self::LAST_MS);
        let since = u64::try_from(ms + (DAYS_TO_1970 + DAYS_OF_ERA) * DAY_MS).unwrap_or(0);
        let low = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        let (days, of_day) = (low(since / DAY_MS_U64), low(since % DAY_MS_U64));
        let (year, month, day) = civil_from_days(days);
        let second = of_day / 1000;
        Self {
            year,
            month,
            day,
            hour: second / 3600,
            minute: second / 60 % 60,
            second: second % 60,
            milli: of_day % 1000,
        }
    }
}

/// Days since 1970-01-01 of a date of the Gregorian calendar. Years begin in March here, so that
/// the leap day is the last one of its year.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * DAYS_OF_ERA + of_era * 365 + of_era / 4 - of_era / 100 + of_year - DAYS_TO_1970
}

/// The date of a day, counted from March 1st of the year -400. The divisions of Neri and Schneider
/// ("Euclidean affine functions and their application to calendar algorithms", 2022), which are
/// few and mostly shifts.
fn civil_from_days(days: u32) -> (u32, u32, u32) {
    let quarters = 4 * days + 3;
    let (century, of_century) = (quarters / 146_097, quarters % 146_097 / 4);
    let scaled = 2_939_745 * u64::from(4 * of_century + 3);
    let half = |n: u64| u32::try_from(n & u64::from(u32::MAX)).unwrap_or(0);
    let of_year = half(scaled) / 2_939_745 / 4;
    let year = 100 * century + half(scaled >> 32);
    let scaled = 2_141 * of_year + 197_913;
    let (march_month, day) = (scaled >> 16, (scaled & 0xFFFF) / 2_141 + 1);
    // January and February end the year that began in March.
    let past = of_year >= 306;
    let month = if past { march_month - 12 } else { march_month };
    // The first two months of the year 0 belong to the era before.
    ((year + u32::from(past)).saturating_sub(400), month, day)
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_and_read_back() {
        let check = |ms: i64, dashes: &str, short: &str| {
            assert_eq!(&*dashed(ms), dashes);
            assert_eq!(&*compact(ms), short);
            assert_eq!(parse(dashes), Some(ms));
            assert_eq!(parse(short), Some(ms - ms.rem_euclid(1000)));
        };
        check(0, "1970-01-01T00:00:00.000Z", "19700101T000000Z");
        check(
            1_795_352_400_123,
            "2026-11-22T13:00:00.123Z",
            "20261122T130000Z",
        );
        check(-1, "1969-12-31T23:59:59.999Z", "19691231T235959Z");
        check(
            951_782_400_000,
            "2000-02-29T00:00:00.000Z",
            "20000229T000000Z",
        );
        check(
            -62_167_219_200_000,
            "0000-01-01T00:00:00.000Z",
            "00000101T000000Z",
        );
        assert_eq!(&*dashed(i64::MAX), "9999-12-31T23:59:59.999Z");
        assert_eq!(&*compact(i64::MIN), "00000101T000000Z");
    }

    #[test]
    fn every_day_of_four_centuries() {
        for day in -60_000..90_000 {
            let ms = day * DAY_MS + 43_200_000;
            assert_eq!(parse(&dashed(ms)), Some(ms));
        }
    }

    #[test]
    fn lenient_and_refused() {
        let noon = Some(1_795_348_800_000);
        for good in [
            "2026-11-22T12:00:00Z",
            "2026-11-22T12:00:00",
            "2026-11-22T12:00:00.0000000Z",
            "20261122T120000",
            " 20261122T120000Z ",
            "2026-11-22 12:00:00",
        ] {
            assert_eq!(parse(good), noon, "{good}");
        }
        assert_eq!(parse("2026-11-22"), noon.map(|n| n - DAY_MS / 2));
        for bad in [
            "",
            "T",
            "2026",
            "20261322T000000Z",
            "20260229",
            "20261100",
            "20261122T240000Z",
            "20261122T126000Z",
            "20261122X120000Z",
            "20261122T120000Zx",
            "2026-11-22T12:00",
            "-0261122T120000Z",
            "٢٠٢٦١١٢٢",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
