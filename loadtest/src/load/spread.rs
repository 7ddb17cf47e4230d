//! How sizes and times are spread.

use serde::{Deserialize, Serialize};

/// The largest size that is drawn, bytes.
const BYTES_MAX: f64 = 268_435_456.0;
/// The 99th percentile of a normal distribution, in standard deviations.
const P99: f64 = 2.326_347_874;

/// Bytes of a mail.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Bytes {
    /// Always so many.
    Exactly(u32),
    /// From the first to the second, each as likely as the others.
    Between(u32, u32),
    /// Log-normal, as sizes of real mail are: many small ones, and a few that are huge.
    LogNormal(LogNormal),
}

/// A log-normal distribution by two of its percentiles.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogNormal {
    /// Half are smaller.
    pub median: u32,
    /// 99 of 100 are smaller.
    pub p99: u32,
}

/// When things of a rate happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Times {
    /// As chance has it: gaps are exponential, as of people who know nothing of each other.
    #[default]
    Chance,
    /// At even gaps.
    Even,
}

impl Bytes {
    /// Whether it can be drawn from.
    #[must_use]
    pub fn makes_sense(&self) -> bool {
        match self {
            Self::Exactly(_) => true,
            Self::Between(least, most) => least <= most,
            Self::LogNormal(of) => (1..=of.p99).contains(&of.median),
        }
    }

    /// The most that is named.
    #[must_use]
    pub fn most(&self) -> u32 {
        match self {
            Self::Exactly(bytes) => *bytes,
            Self::Between(_, most) => *most,
            Self::LogNormal(of) => of.p99,
        }
    }

    /// A size, out of two numbers from 0 up to 1.
    #[must_use]
    pub fn draw(&self, (a, b): (f64, f64)) -> usize {
        let drawn = match self {
            Self::Exactly(bytes) => f64::from(*bytes),
            Self::Between(least, most) => {
                let (least, most) = (f64::from(*least), f64::from(*most));
                least + a * (most - least + 1.0).max(0.0)
            }
            Self::LogNormal(of) => {
                let median = f64::from(of.median.max(1));
                let sigma = (f64::from(of.p99) / median).ln().max(0.0) / P99;
                // Box and Muller; the logarithm of 0 is none.
                let radius = (-2.0 * (1.0 - a).max(f64::MIN_POSITIVE).ln()).sqrt();
                let deviations = radius * (std::f64::consts::TAU * b).cos();
                median * (sigma * deviations).exp()
            }
        };
        whole(drawn.clamp(0.0, BYTES_MAX))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is within 0 and BYTES_MAX"
)]
fn whole(number: f64) -> usize {
    number as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::fleet::Dice;

    fn sizes(bytes: Bytes) -> Vec<usize> {
        let mut dice = Dice::new(3, 1);
        let mut all: Vec<usize> = (0..10_000)
            .map(|_| bytes.draw((dice.part(), dice.part())))
            .collect();
        all.sort_unstable();
        all
    }

    #[test]
    fn sizes_are_spread_as_they_say() {
        assert!(sizes(Bytes::Exactly(7)).iter().all(|n| *n == 7));
        let even = sizes(Bytes::Between(1_000, 2_000));
        assert!(even[0] < 1_010 && even[9_999] > 1_990 && even[9_999] <= 2_000);
        assert!((1_450..1_550).contains(&even[5_000]), "{}", even[5_000]);
        let median = 20_000;
        let log = sizes(Bytes::LogNormal(LogNormal {
            median,
            p99: 500_000,
        }));
        assert!((18_000..22_000).contains(&log[5_000]), "{}", log[5_000]);
        assert!((400_000..620_000).contains(&log[9_900]), "{}", log[9_900]);
    }

    #[test]
    fn sizes_are_read_as_they_are_written() {
        let read = |text: &str| {
            let table: toml::Table = toml::from_str(&format!("bytes = {text}")).unwrap();
            let bytes: Option<Bytes> = table["bytes"].clone().try_into().ok();
            bytes.filter(Bytes::makes_sense)
        };
        assert_eq!(read("4096"), Some(Bytes::Exactly(4_096)));
        assert_eq!(read("[1, 9]"), Some(Bytes::Between(1, 9)));
        let log = LogNormal { median: 5, p99: 9 };
        assert_eq!(read("{ median = 5, p99 = 9 }"), Some(Bytes::LogNormal(log)));
        for wrong in [
            "[9, 1]",
            "{ median = 9, p99 = 5 }",
            "{ median = 9 }",
            "\"x\"",
            "[1]",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
