//! Demands of a scenario, and whether a run met them.
//!
//! A demand is a measure and the most that is allowed: `"push p99" = "250 ms"`. `">= 19000"` turns
//! it round and asks for the least. Measures that count parts of something take `%`, too. A measure
//! that exists but was not taken (no mail came, the server runs elsewhere) is a demand that is
//! missed: what nobody saw cannot be vouched for.

use super::figures::{self, COUNTERS, Measure, QUANTILES, WHOLE, exact};
use super::units::Unit;
use crate::load::Run;
use crate::load::run::Verdict;
use std::collections::BTreeMap;

/// A demand that nobody understands.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Error {
    /// There is no such measure.
    #[error(
        "there is no measure {name:?}{}; there are: {}",
        guess(.name),
        exists()
    )]
    Measure {
        /// What the scenario says.
        name: String,
    },
    /// The bound is not a number with a unit.
    #[error("{name}: {bound:?} is not a number with a unit; allowed: {allowed}")]
    Bound {
        /// The measure.
        name: String,
        /// What the scenario says.
        bound: String,
        /// What it may say.
        allowed: &'static str,
    },
}

/// A demand, understood.
struct Demand {
    measure: Measure,
    least: bool,
    bound: f64,
    /// The bound is in percent of what the measure is a part of.
    share: bool,
}

/// Looks whether all demands are understood, before hours are spent on a run.
///
/// # Errors
/// [`Error`] of the first that is not.
pub fn check(demands: &BTreeMap<String, String>) -> Result<(), Error> {
    demands
        .iter()
        .try_for_each(|(name, bound)| parse(name, bound).map(drop))
}

/// What became of the demands in a run, in their order.
///
/// # Errors
/// [`Error`] of the first that is not understood.
pub fn evaluate(demands: &BTreeMap<String, String>, run: &Run) -> Result<Vec<Verdict>, Error> {
    let verdict = |(name, bound): (&String, &String)| {
        let demand = parse(name, bound)?;
        let found = found(&demand, run);
        let sign = if demand.least { "≥" } else { "≤" };
        let said = bound.trim_start_matches(['<', '>', '=', ' ']).trim_end();
        Ok(Verdict {
            demand: format!("{} {sign} {said}", name.trim()),
            met: found.is_some_and(|(value, _)| {
                if demand.least {
                    value >= demand.bound
                } else {
                    value <= demand.bound
                }
            }),
            found: found.map_or_else(
                || "not measured".to_owned(),
                |(value, unit)| match unit {
                    Unit::Micros => figures::latency(value),
                    _ => unit.show(value),
                },
            ),
        })
    };
    demands.iter().map(verdict).collect()
}

/// The value that the bound is held against, and what it counts.
fn found(demand: &Demand, run: &Run) -> Option<(f64, Unit)> {
    let value = demand.measure.of(run)?;
    if !demand.share {
        return Some((value, demand.measure.unit()));
    }
    let all = figures::value(demand.measure.part_of()?, run)?;
    (all > 0.0).then(|| (value / all * 100.0, Unit::Percent))
}

fn parse(name: &str, bound: &str) -> Result<Demand, Error> {
    let name = name.trim();
    let measure = Measure::named(name).ok_or_else(|| Error::Measure {
        name: name.to_owned(),
    })?;
    let text = bound.trim();
    let (least, text) = match (text.strip_prefix(">="), text.strip_prefix("<=")) {
        (Some(rest), _) => (true, rest),
        (_, Some(rest)) => (false, rest),
        _ => (false, text),
    };
    let unit = measure.unit();
    let shares = measure.part_of().is_some();
    number(text.trim(), unit, shares)
        .map(|(bound, share)| Demand {
            measure,
            least,
            bound,
            share,
        })
        .ok_or_else(|| Error::Bound {
            name: name.to_owned(),
            bound: bound.to_owned(),
            allowed: allowed(unit, shares),
        })
}

/// A number with a unit in the measure's own, and whether it is a share.
fn number(text: &str, unit: Unit, shares: bool) -> Option<(f64, bool)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '_'))
        .unwrap_or(text.len());
    let (digits, name) = text.split_at_checked(end)?;
    let value: f64 = digits.replace('_', "").parse().ok()?;
    let (times, share) = match (unit, name.trim()) {
        (Unit::Micros, "us" | "µs") => (1.0, false),
        (Unit::Micros, "ms") => (1e3, false),
        (Unit::Micros, "s") => (1e6, false),
        (Unit::Seconds, "s" | "") => (1.0, false),
        (Unit::Seconds, "min") => (60.0, false),
        (Unit::Seconds, "h") => (3_600.0, false),
        (Unit::Bytes, "B" | "bytes" | "") => (1.0, false),
        (Unit::Bytes, "KiB") => (exact(1 << 10), false),
        (Unit::Bytes, "MiB") => (exact(1 << 20), false),
        (Unit::Bytes, "GiB") => (exact(1 << 30), false),
        (Unit::Percent, "%") | (Unit::Count, "") => (1.0, false),
        (Unit::Count, "%") if shares => (1.0, true),
        _ => return None,
    };
    Some((value * times, share))
}

fn allowed(unit: Unit, shares: bool) -> &'static str {
    match unit {
        Unit::Micros => "us, ms, s (such as \"250 ms\")",
        Unit::Seconds => "s, min, h (such as \"10 min\")",
        Unit::Bytes => "bytes, KiB, MiB, GiB (such as \"4 KiB\")",
        Unit::Percent => "% (such as \"80 %\")",
        Unit::Count if shares => "a plain number or % (such as \"0\" or \"1 %\")",
        Unit::Count => "a plain number (such as \"100\")",
    }
}

/// All measures, for who misspelt one.
fn exists() -> String {
    let whole: Vec<&str> = WHOLE.iter().map(|row| row.0).collect();
    let operations: Vec<&str> = figures::operations().collect();
    format!(
        "{}; `errors KIND`; `counter NAME` ({}); and OPERATION with one of {}, with ` in PHASE` for one \
         phase, where OPERATION is one of {}",
        whole.join(", "),
        COUNTERS.join(", "),
        QUANTILES.join(", "),
        operations.join(", "),
    )
}

/// What may have been meant: the measure that differs in case only, or begins alike.
fn guess(name: &str) -> String {
    let low = name.to_lowercase();
    let whole = WHOLE.iter().map(|row| row.0.to_owned());
    let latencies = figures::operations()
        .flat_map(|what| QUANTILES.map(|quantile| format!("{what} {quantile}")));
    let near = whole.chain(latencies).find(|known| {
        let known = known.to_lowercase();
        known == low || known.trim_end_matches('s') == low.trim_end_matches('s')
    });
    near.map_or_else(String::new, |known| format!(" (did you mean {known:?}?)"))
}
