//! Random numbers that are the same on every run with the same seed.

/// A generator (SplitMix64).
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// A generator with this seed, apart from those with other numbers.
    #[must_use]
    pub fn new(seed: u64, number: u64) -> Self {
        let mut dice = Self(seed ^ number.wrapping_mul(0xD1B5_4A32_D192_ED03));
        dice.bits();
        dice
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From 0 up to but not including 1.
    #[expect(
        clippy::cast_precision_loss,
        reason = "53 bits are what there is room for"
    )]
    pub fn part(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number below this one; 0 for 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.bits() % bound).unwrap_or(0)
    }

    /// Whether something of so many parts of a thousand happens.
    pub fn per_mille(&mut self, parts: f64) -> bool {
        parts > 0.0 && self.part() * 1_000.0 < parts
    }

    /// The gap to the next of things that happen so often each second, in microseconds: exponential, as of
    /// things that know nothing of each other. `None`: never.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at least 0; what is too much is cut to the largest"
    )]
    pub fn gap_us(&mut self, per_s: f64) -> Option<u64> {
        if per_s <= 0.0 {
            return None;
        }
        let gap = -(1.0 - self.part()).ln() / per_s;
        Some((gap * 1e6) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_have_the_mean_that_the_rate_says_and_the_seed_decides() {
        let mut dice = Dice::new(7, 1);
        let sum: u64 = (0..10_000).map(|_| dice.gap_us(2.0).unwrap()).sum();
        assert!((480_000..520_000).contains(&(sum / 10_000)), "{sum}");
        assert_eq!(Dice::new(7, 1).bits(), Dice::new(7, 1).bits());
        assert_ne!(Dice::new(7, 1).bits(), Dice::new(7, 2).bits());
        assert_eq!(dice.gap_us(0.0), None);
    }
}
