//! The two ways in which the protocol writes a time ([MS-ASDTYPE] 2.7.2): with dashes
//! (`2026-11-22T13:00:00.000Z`: mail, contacts, tasks) and compact (`20261122T130000Z`: calendar,
//! notes). Old devices depend on each class having its own. Both are read everywhere.

use std::ops::Deref;

const DAY_MS: i64 = 86_400_000;

/// A written time, without allocation.
#[derive(Clone, Copy)]
pub struct Stamp {
    text: [u8; 24],
    len: usize,
}

impl Deref for Stamp {
    type Target = str;

    fn deref(&self) -> &str {
        let text = self.text.get(..self.len).unwrap_or_default();
        std::str::from_utf8(text).unwrap_or_default()
    }
}

impl Stamp {
    const EMPTY: Self = Self {
        text: [0; 24],
        len: 0,
    };

    fn sign(&mut self, byte: u8) -> &mut Self {
        // 24 bytes are room for the longer form.
        if let Some(slot) = self.text.get_mut(self.len) {
            *slot = byte;
            self.len += 1;
        }
        self
    }

    /// A number of so many digits; formatting each time by `format!` would cost more than the rest
    /// of an item.
    fn digits(&mut self, n: i64, count: u32) -> &mut Self {
        for place in (0..count).rev() {
            let digit = n / 10i64.pow(place) % 10;
            self.sign(b'0' + u8::try_from(digit).unwrap_or(0));
        }
        self
    }
}

/// `2026-11-22T13:00:00.000Z`, from Unix milliseconds.
#[must_use]
pub fn dashed(ms: i64) -> Stamp {
    let t = Civil::of(ms);
    let mut stamp = Stamp::EMPTY;
    stamp
        .digits(t.year, 4)
        .sign(b'-')
        .digits(t.month, 2)
        .sign(b'-');
    stamp
        .digits(t.day, 2)
        .sign(b'T')
        .digits(t.hour, 2)
        .sign(b':');
    stamp
        .digits(t.minute, 2)
        .sign(b':')
        .digits(t.second, 2)
        .sign(b'.');
    stamp.digits(t.milli, 3).sign(b'Z');
    stamp
}

/// `20261122T130000Z`, from Unix milliseconds.
#[must_use]
pub fn compact(ms: i64) -> Stamp {
    let t = Civil::of(ms);
    let mut stamp = Stamp::EMPTY;
    stamp
        .digits(t.year, 4)
        .digits(t.month, 2)
        .digits(t.day, 2)
        .sign(b'T');
    stamp
        .digits(t.hour, 2)
        .digits(t.minute, 2)
        .digits(t.second, 2)
        .sign(b'Z');
    stamp
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
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    milli: i64,
}

impl Civil {
    /// Clamped to the years 0 to 9999, which the forms have room for.
    fn of(ms: i64) -> Self {
        let first = days_from_civil(0, 1, 1) * DAY_MS;
        let last = days_from_civil(10_000, 1, 1) * DAY_MS - 1;
        let ms = ms.clamp(first, last);
        let of_day = ms.rem_euclid(DAY_MS);
        let (year, month, day) = civil_from_days(ms.div_euclid(DAY_MS));
        Self {
            year,
            month,
            day,
            hour: of_day / 3_600_000,
            minute: of_day / 60_000 % 60,
            second: of_day / 1000 % 60,
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
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
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
