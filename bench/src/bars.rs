//! The bars that the hot paths have to keep: ratios of figures that were taken in turn.

use crate::contest::Figures;
use std::fmt::Write as _;

/// What a figure is held against.
enum Bar {
    /// How often the time of the second goes into that of the first: at least so often.
    AtLeast(&'static str, &'static str, f64),
    /// The same, at most so often.
    AtMost(&'static str, &'static str, f64),
    /// The same, without a bar.
    Shown(&'static str, &'static str),
    /// Allocations for each item, at most.
    Allocations(&'static str, f64),
}

const BARS: [Bar; 9] = [
    Bar::AtLeast("naive", "encode", 6.0),
    Bar::AtLeast("libwbxml", "encode", 100.0),
    Bar::Allocations("encode", 0.0),
    Bar::Shown("naive", "checked"),
    Bar::Shown("libwbxml", "checked"),
    Bar::AtMost("page-fjall", "scan-fjall", 2.5),
    Bar::Allocations("page-fjall", 0.7),
    Bar::Shown("round-fjall", "page-fjall"),
    Bar::Allocations("round-fjall", f64::INFINITY),
];

/// A row for each bar and group: what came out, what is asked for, and whether it is kept.
#[must_use]
pub fn table(figures: &[Figures], groups: &[&str]) -> String {
    let mut out = String::new();
    for group in groups {
        for bar in &BARS {
            // Writing to a string does not fail.
            let _ = writeln!(out, "{}", bar.row(figures, group));
        }
    }
    out
}

impl Bar {
    fn row(&self, figures: &[Figures], group: &str) -> String {
        let of = |what: &str| figures.iter().find(|f| f.name == format!("{group}/{what}"));
        let ratio = |over: &str, under: &str| Some(of(over)?.ns / of(under)?.ns);
        let (name, value, asked, kept) = match *self {
            Self::AtLeast(over, under, bar) => {
                let value = ratio(over, under);
                let name = format!("{over} / {under}");
                (name, value, format!(">= {bar}"), value.map(|v| v >= bar))
            }
            Self::AtMost(over, under, bar) => {
                let value = ratio(over, under);
                let name = format!("{over} / {under}");
                (name, value, format!("<= {bar}"), value.map(|v| v <= bar))
            }
            Self::Shown(over, under) => {
                let name = format!("{over} / {under}");
                (name, ratio(over, under), String::new(), None)
            }
            Self::Allocations(what, bar) => {
                let value = of(what).map(|f| f.allocations);
                let name = format!("{what}, allocations");
                let asked = if bar.is_finite() {
                    format!("<= {bar}")
                } else {
                    String::new()
                };
                let kept = value.filter(|_| bar.is_finite()).map(|v| v <= bar);
                (name, value, asked, kept)
            }
        };
        let kept = match (value, kept) {
            (None, _) => "not there to measure",
            (_, Some(true)) => "kept",
            (_, Some(false)) => "MISSED",
            (_, None) => "",
        };
        let value = value.map_or_else(|| "-".to_owned(), |v| format!("{v:.2}"));
        format!("{group:10} {name:26} {value:>8} {asked:>8}  {kept}")
            .trim_end()
            .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bar_is_a_row_that_says_whether_it_is_kept() {
        let figures = |name: &str, ns| Figures {
            name: format!("a/{name}"),
            ns,
            allocations: 0.5,
        };
        let all = [
            figures("encode", 100.0),
            figures("naive", 650.0),
            figures("scan-fjall", 100.0),
            figures("page-fjall", 260.0),
        ];
        let table = table(&all, &["a"]);
        let rows: Vec<_> = table.lines().collect();
        assert_eq!(rows.len(), BARS.len());
        assert!(rows[0].contains("6.50") && rows[0].ends_with("kept"));
        assert!(rows[1].ends_with("not there to measure"));
        assert!(rows[2].contains("0.50") && rows[2].ends_with("MISSED"));
        assert!(rows[5].contains("2.60") && rows[5].ends_with("MISSED"));
        assert!(rows[6].ends_with("kept"));
    }
}
