//! A run's seconds as points of a plot: long runs are gathered, so that a plot stays a few hundred
//! points wide.

use crate::load::Run;
use crate::load::run::Second;
use std::collections::BTreeMap;

/// Points of a plot along the time.
const POINTS_MAX: u32 = 300;

/// A point: where, and how much where anything is known.
pub(super) type Point = (f64, Option<f64>);

/// How seconds become one point.
#[derive(Clone, Copy)]
pub(super) enum Gather {
    /// The highest: a peak of one second is seen in a plot of a day.
    Highest,
    /// The mean: parts still add up to their whole.
    Mean,
}

/// How many seconds make a point, so that all of these runs fit.
pub(super) fn step_s<'a>(runs: impl IntoIterator<Item = &'a Run>) -> u32 {
    let ends = runs
        .into_iter()
        .flat_map(|run| run.seconds.iter().map(|second| second.at_s));
    let last = ends.max().unwrap_or(0);
    (last / POINTS_MAX).saturating_add(1)
}

/// The points of what is picked from each second; a stretch that nothing is known of is a gap.
pub(super) fn points(
    run: &Run,
    step_s: u32,
    gather: Gather,
    pick: impl Fn(&Second) -> Option<f64>,
) -> Vec<Point> {
    let mut slots: BTreeMap<u32, (f64, f64, f64)> = BTreeMap::new();
    for second in &run.seconds {
        let slot = slots.entry(second.at_s / step_s.max(1)).or_default();
        if let Some(value) = pick(second) {
            let (most, sum, n) = *slot;
            *slot = (most.max(value), sum + value, n + 1.0);
        }
    }
    let (Some(first), Some(last)) = (
        slots.first_key_value().map(|(slot, _)| *slot),
        slots.last_key_value().map(|(slot, _)| *slot),
    ) else {
        return Vec::new();
    };
    let step = f64::from(step_s.max(1));
    let mut points: Vec<Point> = (first..=last)
        .map(|slot| {
            let known = slots.get(&slot).filter(|(_, _, n)| *n > 0.0);
            let value = known.map(|(most, sum, n)| match gather {
                Gather::Highest => *most,
                Gather::Mean => sum / n,
            });
            (f64::from(slot) * step, value)
        })
        .collect();
    // A second lasts for a second: the last value holds to its end.
    if let Some((x, value)) = points.last().copied() {
        points.push((x + step, value));
    }
    points
}

/// A latency of a second: 0 says that there was none.
pub(super) fn some(us: u64) -> Option<f64> {
    (us > 0).then_some(us as f64)
}

/// The highest point.
pub(super) fn peak(points: &[Point]) -> Option<(f64, f64)> {
    let known = points.iter().filter_map(|(x, y)| y.map(|y| (*x, y)));
    known.reduce(|best, next| if next.1 > best.1 { next } else { best })
}

/// Whether gaps are the rule: fewer than four of five points between the first and the last that are
/// known, or a single one. In a line that is dense a gap means something, and stays one.
pub(super) fn is_sparse(points: &[Point]) -> bool {
    let is_known = |point: &Point| point.1.is_some();
    let first = points.iter().position(is_known);
    let last = points.iter().rposition(is_known);
    let (Some(first), Some(last)) = (first, last) else {
        return false;
    };
    let between = points.get(first..=last).unwrap_or_default();
    let known = between.iter().filter(|point| is_known(point)).count();
    known == 1 || known * 5 < between.len() * 4
}
