//! Makes a failing run short: takes steps out for as long as the same promise is broken.

use super::broken::{Broken, Oracle};
use super::step::Step;

/// The steps that are left, and what they break. `run` says what a list of steps breaks.
pub(crate) fn shrink(
    steps: &[Step],
    oracle: Oracle,
    mut tries: usize,
    run: impl Fn(&[Step]) -> Option<Broken>,
) -> Vec<Step> {
    let mut left = steps.to_vec();
    let mut piece = left.len() / 2;
    while piece > 0 {
        let mut at = 0;
        while at < left.len() && tries > 0 {
            tries -= 1;
            let mut fewer = left.clone();
            fewer.drain(at..(at + piece).min(left.len()));
            if run(&fewer).is_some_and(|broken| broken.oracle == oracle) {
                left = fewer;
            } else {
                at += piece;
            }
        }
        piece /= 2;
    }
    left
}
