//! Random numbers from a seed.

use crate::child::mix;

/// A sequence of random numbers.
pub(crate) struct Dice {
    seed: u64,
    rolled: u64,
}

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, rolled: 0 }
    }

    /// A number from 0, below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.rolled += 1;
        (mix(self.seed ^ self.rolled.rotate_left(32)) % end as u64) as usize
    }
}
