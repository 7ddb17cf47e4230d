//! What was counted and measured, for who shows it: as numbers, and in the text form that Prometheus
//! reads.

use serde::Serialize;
use std::fmt::Write as _;

/// Shares of all values that are told of a distribution.
pub const QUANTILES: [f64; 4] = [0.5, 0.9, 0.99, 0.999];

/// One counter.
#[derive(Clone, Debug, Serialize)]
pub struct Counter {
    /// Its name.
    pub name: &'static str,
    /// What it counts.
    #[serde(skip)]
    pub help: &'static str,
    /// It goes down as well.
    #[serde(skip)]
    pub is_gauge: bool,
    /// Of all cores.
    pub value: u64,
    /// Of each core; empty where only the whole is known.
    pub cores: Vec<u64>,
}

/// How values are distributed.
#[derive(Clone, Debug, Serialize)]
pub struct Distribution {
    /// What is measured, with its unit last.
    pub name: &'static str,
    /// What it means.
    #[serde(skip)]
    pub help: &'static str,
    /// How many values.
    pub count: u64,
    /// All values together.
    pub sum: u64,
    /// The largest.
    pub max: u64,
    /// The values below which [`QUANTILES`] of all lie.
    pub quantiles: [u64; 4],
    /// For a picture: how many values lie up to each bound (doubling) and above the one before.
    pub bars: Vec<(u64, u64)>,
}

/// Everything in the text form that Prometheus reads. Counters of a core have it as a label; the sum
/// over cores is the reader's affair, as usual.
#[must_use]
pub fn text(counters: &[Counter], distributions: &[Distribution]) -> String {
    let mut out = String::with_capacity(16 * 1024);
    for c in counters {
        let kind = if c.is_gauge { "gauge" } else { "counter" };
        let _ = write!(
            out,
            "# HELP roost_{0} {1}\n# TYPE roost_{0} {kind}\n",
            c.name, c.help
        );
        if c.cores.is_empty() {
            let _ = writeln!(out, "roost_{} {}", c.name, c.value);
            continue;
        }
        for (core, value) in c.cores.iter().enumerate() {
            let _ = writeln!(out, "roost_{}{{core=\"{core}\"}} {value}", c.name);
        }
    }
    for d in distributions {
        let _ = write!(
            out,
            "# HELP roost_{0} {1}\n# TYPE roost_{0} summary\n",
            d.name, d.help
        );
        for (share, value) in QUANTILES.iter().zip(d.quantiles) {
            let _ = writeln!(out, "roost_{}{{quantile=\"{share}\"}} {value}", d.name);
        }
        let _ = write!(
            out,
            "roost_{0}_sum {1}\nroost_{0}_count {2}\n# TYPE roost_{0}_max gauge\nroost_{0}_max {3}\n",
            d.name, d.sum, d.count, d.max
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_and_distributions_are_lines() {
        let counter = |name, value, cores: &[u64]| Counter {
            name,
            help: "What it is.",
            is_gauge: name == "open",
            value,
            cores: cores.into(),
        };
        let wakes = Distribution {
            name: "wake_us",
            help: "How soon.",
            count: 2,
            sum: 30,
            max: 20,
            quantiles: [10, 20, 20, 20],
            bars: Vec::new(),
        };
        let counters = [counter("woken", 7, &[3, 4]), counter("open", 9, &[])];
        let expect = "# HELP roost_woken What it is.\n# TYPE roost_woken counter\n\
            roost_woken{core=\"0\"} 3\nroost_woken{core=\"1\"} 4\n\
            # HELP roost_open What it is.\n# TYPE roost_open gauge\nroost_open 9\n\
            # HELP roost_wake_us How soon.\n# TYPE roost_wake_us summary\n\
            roost_wake_us{quantile=\"0.5\"} 10\nroost_wake_us{quantile=\"0.9\"} 20\n\
            roost_wake_us{quantile=\"0.99\"} 20\nroost_wake_us{quantile=\"0.999\"} 20\n\
            roost_wake_us_sum 30\nroost_wake_us_count 2\n\
            # TYPE roost_wake_us_max gauge\nroost_wake_us_max 20\n";
        assert_eq!(text(&counters, &[wakes]), expect);
    }
}
