//! The table's rows: what was measured of each server, against which bar.

use crate::push::stats::median;
use std::fmt::Write as _;

/// One row.
#[derive(Clone, Debug)]
pub struct Row {
    /// What is measured.
    pub what: &'static str,
    /// In what.
    pub unit: &'static str,
    /// Of Roost, one value for each round.
    pub roost: Vec<f64>,
    /// Of the reference; empty where it has no such thing.
    pub reference: Vec<f64>,
    /// What has to hold.
    pub bar: Bar,
}

/// What has to hold of medians.
#[derive(Clone, Copy, Debug)]
pub enum Bar {
    /// Roost's value is at most this.
    AtMost(f64),
    /// Roost's value is at most this times the reference's.
    Ratio(f64),
    /// Both: at most this, and at most so many times the reference's.
    Both(f64, f64),
    /// Nothing: shown for comparison.
    Shown,
}

impl Row {
    /// An empty row.
    #[must_use]
    pub fn new(what: &'static str, unit: &'static str, bar: Bar) -> Self {
        Self {
            what,
            unit,
            roost: Vec::new(),
            reference: Vec::new(),
            bar,
        }
    }

    /// The median of the rounds' ratios: what slows down a round slows down both.
    fn ratio(&self) -> Option<f64> {
        let rounds = self.roost.iter().zip(&self.reference);
        let ratios: Vec<f64> = rounds
            .map(|(roost, other)| roost / other.max(1e-9))
            .collect();
        (!ratios.is_empty()).then(|| median(&ratios))
    }

    /// Whether the bar holds; none where nothing was measured, or nothing has to hold.
    #[must_use]
    pub fn holds(&self) -> Option<bool> {
        if self.roost.is_empty() {
            return None;
        }
        let value = median(&self.roost);
        match self.bar {
            Bar::AtMost(most) => Some(value <= most),
            Bar::Ratio(most) => Some(self.ratio()? <= most),
            Bar::Both(most, ratio) => Some(value <= most && self.ratio()? <= ratio),
            Bar::Shown => None,
        }
    }

    fn bar(&self) -> String {
        match self.bar {
            Bar::AtMost(most) => format!("<= {}", short(most)),
            Bar::Ratio(most) => format!("<= {most:.2} x"),
            Bar::Both(most, ratio) => format!("<= {}, <= {ratio:.3} x", short(most)),
            Bar::Shown => String::new(),
        }
    }
}

fn short(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 1.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}

/// The rows as a table for a terminal.
#[must_use]
pub fn table(rows: &[Row]) -> String {
    let mut out = format!(
        "{:58} {:>10} {:>10} {:>7} {:>20}  \n",
        "", "roost", "reference", "ratio", "bar"
    );
    for row in rows.iter().filter(|row| !row.roost.is_empty()) {
        let reference = match row.reference.is_empty() {
            true => "-".to_owned(),
            false => short(median(&row.reference)),
        };
        let ratio = row
            .ratio()
            .map_or_else(|| "-".to_owned(), |r| format!("{r:.3}"));
        let holds = match row.holds() {
            Some(true) => "holds",
            Some(false) => "FAILS",
            None => "",
        };
        let what = format!("{} [{}]", row.what, row.unit);
        let _ = writeln!(
            out,
            "{what:58} {:>10} {reference:>10} {ratio:>7} {:>20}  {holds}",
            short(median(&row.roost)),
            row.bar()
        );
    }
    out
}

/// The rows as JSON.
#[must_use]
pub fn json(rows: &[Row], noise: f64) -> String {
    let list = |values: &[f64]| {
        let texts: Vec<String> = values.iter().map(|v| format!("{v:.3}")).collect();
        format!("[{}]", texts.join(","))
    };
    let rows: Vec<String> = rows
        .iter()
        .map(|row| {
            format!(
                "{{\"what\":\"{}\",\"unit\":\"{}\",\"roost\":{},\"reference\":{},\"bar\":\"{}\",\
                 \"holds\":{}}}",
                row.what,
                row.unit,
                list(&row.roost),
                list(&row.reference),
                row.bar(),
                row.holds()
                    .map_or_else(|| "null".to_owned(), |h| h.to_string())
            )
        })
        .collect();
    format!("{{\"noise\":{noise:.3},\"rows\":[{}]}}", rows.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars() {
        let mut row = Row::new("storm", "ms", Bar::Ratio(0.75));
        assert_eq!(row.holds(), None);
        row.roost = vec![70.0, 200.0, 60.0];
        row.reference = vec![100.0, 100.0, 100.0];
        assert_eq!(row.holds(), Some(true));
        row.bar = Bar::Both(50.0, 1.0);
        assert_eq!(row.holds(), Some(false));
        assert!(table(&[row.clone()]).contains("FAILS"));
        assert!(json(&[row], 0.1).contains("\"holds\":false"));
    }
}
