//! Medians, quantiles, and how steady the machine is.

use crate::push::sys::now_ns;
use std::hint::black_box;

/// The value below which a share of the values lie; 0 where there is none.
#[must_use]
pub fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place among the values"
    )]
    let at = (values.len().saturating_sub(1) as f64 * share).round() as usize;
    values.get(at).copied().unwrap_or(0.0)
}

/// The middle one.
#[must_use]
pub fn median(values: &[f64]) -> f64 {
    quantile(&mut values.to_vec(), 0.5)
}

/// How long a fixed piece of work took, again and again over a run: what the machine did besides.
#[derive(Default, Debug)]
pub struct Noise(Vec<f64>);

impl Noise {
    /// Does the work once more.
    pub fn listen(&mut self) {
        let begun = now_ns();
        let mut n = 1_u64;
        for i in 0..4_000_000_u64 {
            n = black_box(n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(i));
        }
        black_box(n);
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        self.0.push((now_ns() - begun) as f64);
    }

    /// The spread between the first and the last tenth, relative to the median.
    #[must_use]
    pub fn spread(&self) -> f64 {
        let mut values = self.0.clone();
        let (low, high) = (quantile(&mut values, 0.1), quantile(&mut values, 0.9));
        (high - low) / median(&values).max(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles() {
        let mut values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(quantile(&mut values, 0.0), 1.0);
        assert_eq!(quantile(&mut values, 0.99), 99.0);
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[]), 0.0);
    }
}
