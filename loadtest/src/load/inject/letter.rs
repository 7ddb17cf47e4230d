//! Mails to hand over, and the dice that say when and to whom.

use crate::load::spread::Times;
use std::time::Duration;

/// Later than any run lasts, and a sum of some of them is still a time.
const NEVER_US: u64 = u64::MAX / 8;
/// A line of text.
const LINE: &str = "The quick brown fox jumps over the lazy dog, and the phone on the table knows of it at once.\r\n";

/// A mail whose subject bears a mark, of about so many bytes, written at this Unix time.
#[must_use]
pub fn letter(subject: &str, to: &[String], bytes: usize, now_ms: i64) -> Vec<u8> {
    let mut text = format!(
        "From: roost-load <roost-load@example.net>\r\nTo: {}\r\nDate: {}\r\nSubject: {subject}\r\nMessage-ID: <{subject}@example.net>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n",
        to.join(", "),
        date(now_ms),
    );
    while text.len() + LINE.len() <= bytes {
        text.push_str(LINE);
    }
    text.push_str("-- \r\n");
    text.into_bytes()
}

/// A time as it stands in a mail ([RFC 5322] 3.3). Servers look for mails of the last days by it.
#[must_use]
pub fn date(now_ms: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(now_ms).unwrap_or_default();
    time.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

/// Seeded dice (`SplitMix64`).
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^ (x >> 31)
    }

    /// Less than `n`; 0 if that is 0.
    pub(super) fn below(&mut self, n: usize) -> usize {
        let n = u64::try_from(n).unwrap_or(u64::MAX);
        usize::try_from(self.next().checked_rem(n).unwrap_or(0)).unwrap_or(0)
    }

    /// From 0 up to but not including 1.
    pub(super) fn part(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Microseconds to the next of things that come so often each second. A rate of 0 is never.
    pub(super) fn gap_us(&mut self, per_s: f64, times: Times) -> u64 {
        if per_s <= 0.0 {
            return NEVER_US;
        }
        let gaps = match times {
            // The logarithm of 0 is none.
            Times::Chance => -(1.0 - self.part()).ln(),
            Times::Even => 1.0,
        };
        let gap = Duration::try_from_secs_f64(gaps / per_s);
        gap.map_or(NEVER_US, |gap| {
            u64::try_from(gap.as_micros()).unwrap_or(NEVER_US)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_come_as_often_as_was_asked_for() {
        let mut dice = Dice::new(7);
        let sum: u64 = (0..10_000).map(|_| dice.gap_us(20.0, Times::Chance)).sum();
        // 500 s, give or take five standard deviations.
        assert!((475_000_000..525_000_000).contains(&sum), "{sum}");
        assert_eq!(dice.gap_us(20.0, Times::Even), 50_000);
        assert_eq!(dice.gap_us(0.0, Times::Even), NEVER_US);
        assert_eq!(dice.below(0), 0);
        assert!((0..100).all(|_| dice.below(3) < 3));
    }

    #[test]
    fn a_letter_is_as_long_as_was_asked_for() {
        let text = letter("x", &["a@example.org".to_owned()], 4_096, 0);
        assert!((3_900..=4_110).contains(&text.len()), "{}", text.len());
        let short = String::from_utf8(letter("x", &[], 0, 1_700_000_000_000)).unwrap();
        assert!(
            short.contains("\r\nDate: Tue, 14 Nov 2023 22:13:20 +0000\r\n"),
            "{short}"
        );
    }
}
