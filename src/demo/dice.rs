//! A small generator of pseudo-random numbers: deterministic, the same on every machine, for
//! made-up content only.

/// SplitMix64.
#[derive(Clone, Debug)]
pub struct Dice {
    state: u64,
}

impl Dice {
    /// A generator for this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next 64 bits.
    pub fn roll(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from 0 to `n - 1`; 0 where `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        let n = u64::try_from(n).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.roll() % n).unwrap_or(0)
    }

    /// True in so many of a hundred rolls.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of a list; the default where it is empty.
    pub fn pick<T: Clone + Default>(&mut self, from: &[T]) -> T {
        let i = self.below(from.len());
        from.get(i).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_rolls() {
        let rolls = |seed| {
            let mut dice = Dice::new(seed);
            (0..60).map(|_| dice.below(6)).collect::<Vec<_>>()
        };
        assert_eq!(rolls(7), rolls(7));
        assert_ne!(rolls(7), rolls(8));
        assert!(rolls(7).iter().all(|r| *r < 6));
        assert!((0..6).all(|n| rolls(7).contains(&n)));
    }

    #[test]
    fn nothing_to_pick_from_is_the_default() {
        let mut dice = Dice::new(1);
        assert_eq!(dice.pick::<u8>(&[]), 0);
        assert_eq!(dice.below(0), 0);
    }
}
