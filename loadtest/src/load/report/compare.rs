//! Runs side by side: one page with their plots laid over each other, one table for a terminal.
//!
//! The first run is what the others are held against.

use super::figures::{self, told, value};
use super::html::has_early;
use super::page::{facts, outcome, page, seal, section};
use super::plots::{CLASSES, Side, ordered, overlaid, spectra};
use super::terminal::{Ink, plain, wrapped};
use super::units::{Unit, ratio};
use super::{Error, tables};
use crate::load::Run;
use maud::{Markup, html};
use std::fmt::Write;

/// Operations that get a plot of their spectra.
const SPECTRA_MAX: usize = 6;

/// Rows of the comparison besides latencies: name, unit, measure, and whether less is better. Where that
/// cannot be said the number is how much a run had to do, and times of it say nothing.
const ROWS: &[(&str, Unit, &str, Option<bool>)] = &[
    ("Devices", Unit::Count, "devices", None),
    ("Parked at one time", Unit::Count, "parked", None),
    (
        "Answers each second",
        Unit::Count,
        "answers per second",
        None,
    ),
    (
        "Wakes per device and day",
        Unit::Count,
        "wakes per device and day",
        None,
    ),
    (
        "Traffic per device and day",
        Unit::Bytes,
        "bytes per device and day",
        Some(true),
    ),
    ("Errors", Unit::Count, "errors", Some(true)),
    ("Expected items", Unit::Count, "expected", None),
    ("Lost", Unit::Count, "lost", Some(true)),
    ("Doubled", Unit::Count, "doubled", Some(true)),
    ("Resurrected", Unit::Count, "resurrected", Some(true)),
    ("Foreign", Unit::Count, "foreign", Some(true)),
    ("Stale", Unit::Count, "stale", Some(true)),
    (
        "Breaches of protocol",
        Unit::Count,
        "violations",
        Some(true),
    ),
    (
        "Server memory at most",
        Unit::Bytes,
        "server bytes",
        Some(true),
    ),
    (
        "Server memory per device",
        Unit::Bytes,
        "server bytes per device",
        Some(true),
    ),
    ("Server CPU", Unit::Percent, "server cpu", Some(true)),
];

/// A row: its name and unit, a value for each run, and whether less is better.
struct Row {
    name: String,
    unit: Unit,
    values: Vec<Option<f64>>,
    /// A run had too few values for this.
    few: Vec<bool>,
    less: Option<bool>,
}

impl Row {
    /// The run that did best, where that can be said.
    fn best(&self) -> Option<usize> {
        let less = self.less?;
        let known: Option<Vec<f64>> = self.values.iter().copied().collect();
        let known = known?;
        let ends = |better: fn(f64, f64) -> f64| known.iter().copied().reduce(better);
        let best = if less { ends(f64::min) } else { ends(f64::max) }?;
        let at = known.iter().position(|v| v.total_cmp(&best).is_eq())?;
        let alone = known.iter().filter(|v| v.total_cmp(&best).is_eq()).count() == 1;
        alone.then_some(at)
    }

    /// Each value as text, and how it stands to the first, or why there is none.
    fn cells(&self) -> Vec<(String, Option<String>)> {
        let first = self.values.first().copied().flatten();
        let first = first.filter(|_| self.less.is_some());
        let cell = |(i, value): (usize, &Option<f64>)| match value {
            Some(value) => {
                let to = first.filter(|_| i > 0);
                (self.show(*value), to.and_then(|to| ratio(*value, to)))
            }
            None => {
                let few = self.few.get(i).is_some_and(|few| *few);
                ("–".to_owned(), few.then(|| "too few".to_owned()))
            }
        };
        self.values.iter().enumerate().map(cell).collect()
    }

    fn show(&self, value: f64) -> String {
        match self.unit {
            Unit::Micros => figures::latency(value),
            unit => unit.show(value),
        }
    }
}

/// Runs side by side as a page. A name is what a run is called in the legends (a file's name); where
/// it is empty, its server is.
///
/// # Errors
/// [`Error::OneRun`] for fewer than two.
pub fn html(runs: &[(String, Run)]) -> Result<String, Error> {
    let sides = sides(runs)?;
    let names: Vec<&str> = sides.iter().map(|side| side.name.as_str()).collect();
    Ok(page(&names.join(" and "), &content(&sides)))
}

/// Runs side by side as a table for a terminal.
///
/// # Errors
/// [`Error::OneRun`] for fewer than two.
pub fn terminal(runs: &[(String, Run)], colours: bool) -> Result<String, Error> {
    let sides = sides(runs)?;
    let ink = Ink(colours);
    let mut out = String::new();
    for warning in warnings(&sides) {
        let _ = writeln!(out, "{}", ink.news(false, &plain(&warning)));
    }
    let cut = |text: &str| plain(text).chars().take(22).collect::<String>();
    let heads: String = sides
        .iter()
        .map(|side| format!("  {:>22}", cut(&side.name)))
        .collect();
    let _ = writeln!(out, "\n{}", ink.bold(&format!("{:<28}{heads}", "")));
    let blank = || Row {
        name: String::new(),
        unit: Unit::Count,
        values: Vec::new(),
        few: Vec::new(),
        less: None,
    };
    let all = key_rows(&sides).into_iter().chain([blank()]);
    for row in all.chain(latency_rows(&sides)) {
        let best = row.best();
        let cells = row
            .cells()
            .into_iter()
            .enumerate()
            .map(|(i, (value, ratio))| {
                let text =
                    ratio.map_or_else(|| value.clone(), |ratio| format!("{value} ({ratio})"));
                let text = format!("{text:>22}");
                if best == Some(i) {
                    ink.news(true, &text)
                } else {
                    text
                }
            });
        let cells: Vec<String> = cells.collect();
        let _ = writeln!(out, "{:<28}  {}", cut28(&row.name), cells.join("  "));
    }
    if out.contains(figures::EARLY) {
        let _ = writeln!(out, "\n{}", ink.dim(&wrapped(figures::EARLY_ABOUT)));
    }
    Ok(out)
}

fn cut28(text: &str) -> String {
    plain(text).chars().take(28).collect()
}

/// The runs with names that differ, each with a class of its own.
fn sides(runs: &[(String, Run)]) -> Result<Vec<Side<'_>>, Error> {
    if runs.len() < 2 {
        return Err(Error::OneRun);
    }
    let names: Vec<&str> = runs.iter().map(|(name, _)| name.as_str()).collect();
    let names = apart(&names);
    let mut sides: Vec<Side<'_>> = Vec::new();
    let named = names.iter().zip(runs).zip(CLASSES.iter().cycle());
    for ((name, (_, run)), class) in named {
        let own = [name, &run.server_software, &run.server];
        let own = own.into_iter().find(|name| !name.is_empty());
        let own = own.map_or("a run", String::as_str);
        let mut name = own.to_owned();
        let mut n = 2;
        while sides.iter().any(|side| side.name == name) {
            name = format!("{own} ({n})");
            n += 1;
        }
        sides.push(Side { name, class, run });
    }
    Ok(sides)
}

/// Paths without the folders at their beginnings and the file at their ends that all have.
fn apart(names: &[&str]) -> Vec<String> {
    let mut parts: Vec<Vec<&str>> = names.iter().map(|name| name.split('/').collect()).collect();
    let more = |parts: &[Vec<&str>]| parts.iter().all(|part| part.len() > 1);
    let same = |parts: &[Vec<&str>], of: fn(&Vec<&str>) -> Option<String>| {
        let first = parts.first().and_then(of);
        parts.iter().all(|part| of(part) == first)
    };
    let end = |part: &Vec<&str>| part.last().map(|s| (*s).to_owned());
    let begin = |part: &Vec<&str>| part.first().map(|s| (*s).to_owned());
    while more(&parts) && same(&parts, end) {
        for part in &mut parts {
            part.pop();
        }
    }
    while more(&parts) && same(&parts, begin) {
        for part in &mut parts {
            part.remove(0);
        }
    }
    parts.iter().map(|part| part.join("/")).collect()
}

/// What makes the comparison lame.
fn warnings(sides: &[Side<'_>]) -> Vec<String> {
    let mut warnings = Vec::new();
    let Some(first) = sides.first() else {
        return warnings;
    };
    let differ = |what: fn(&Run) -> String| sides.iter().any(|s| what(s.run) != what(first.run));
    let each = |what: fn(&Run) -> String| {
        let said = sides.iter().map(|s| format!("{}: {}", s.name, what(s.run)));
        said.collect::<Vec<_>>().join("; ")
    };
    let scenario = |run: &Run| run.scenario.clone();
    let devices = |run: &Run| run.devices.to_string();
    if differ(scenario) {
        warnings.push(format!(
            "These runs are of different scenarios ({}): what differs may be the scenario, not the \
             server.",
            each(scenario)
        ));
    }
    if differ(devices) {
        warnings.push(format!(
            "The number of devices differs ({}).",
            each(devices)
        ));
    }
    warnings
}

/// The row of a latency; none where no run has enough values.
fn latency_row(sides: &[Side<'_>], what: &str, quantile: &str) -> Option<Row> {
    let latencies: Vec<_> = sides
        .iter()
        .map(|side| side.run.latency(what).filter(|l| l.count > 0))
        .collect();
    let values = latencies.iter().map(|l| l.and_then(|l| told(l, quantile)));
    let values: Vec<Option<f64>> = values.collect();
    let few = latencies.iter().zip(&values);
    let few = few.map(|(latency, value)| latency.is_some() && value.is_none());
    values.iter().any(Option::is_some).then(|| Row {
        name: format!("{what} {quantile}"),
        unit: Unit::Micros,
        few: few.collect(),
        less: Some(true),
        values: values.clone(),
    })
}

/// What a reader wants first.
fn key_rows(sides: &[Side<'_>]) -> Vec<Row> {
    let latencies = ["push", "push to synced", "Sync"].into_iter();
    let latencies =
        latencies.flat_map(|what| ["p50", "p99", "max"].map(|q| latency_row(sides, what, q)));
    let whole = ROWS.iter().map(|(name, unit, measure, less)| Row {
        name: (*name).to_owned(),
        unit: *unit,
        values: sides.iter().map(|side| value(measure, side.run)).collect(),
        few: Vec::new(),
        less: *less,
    });
    let whole = whole.filter(|row| row.values.iter().any(Option::is_some));
    latencies.flatten().chain(whole).collect()
}

/// Every latency.
fn latency_rows(sides: &[Side<'_>]) -> Vec<Row> {
    let all = operations(sides);
    let rows = all
        .iter()
        .flat_map(|what| ["p50", "p99", "p99.9", "max"].map(|q| latency_row(sides, what, q)));
    rows.flatten().collect()
}

/// Operations of any run: wakes first, then as the first run has them.
fn operations(sides: &[Side<'_>]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for latency in sides.iter().flat_map(|side| ordered(side.run)) {
        if !all.contains(&latency.what) {
            all.push(latency.what.clone());
        }
    }
    all
}

fn content(sides: &[Side<'_>]) -> Markup {
    let operations = operations(sides);
    // Connections and handshakes are the network's more than the server's.
    let drawn = operations
        .iter()
        .filter(|what| !matches!(what.as_str(), "connect" | "handshake"));
    let spectra: Vec<Markup> = drawn
        .take(SPECTRA_MAX)
        .filter_map(|what| spectra(sides, what))
        .map(|plot| plot.draw())
        .collect();
    html! {
        header {
            p.product { "roost-load" span { "Load tests of Exchange ActiveSync servers, side by side" } }
            h1 { @for (i, side) in sides.iter().enumerate() { @if i > 0 { span.and { "and" } } span { (side.name) } } }
            @if let Some(side) = sides.first() {
                p.lead { "Scenario " (side.run.scenario) @if !side.run.about.is_empty() { ": " (side.run.about) } "." }
            }
            @for warning in warnings(sides) { p.warning role="note" { strong { "Mind: " } (warning) } }
        }
        (section("What was run", &runs(sides)))
        (section("Key figures", &figures(sides, &key_rows(sides))))
        (section("Over time", &html! { @for plot in overlaid(sides) { (plot.draw()) } }))
        (section("Percentiles of latency", &html! { @for plot in spectra { (plot) } }))
        (section("Latencies by operation", &figures(sides, &latency_rows(sides))))
        @for side in sides {
            @if !side.run.verdicts.is_empty() {
                (section(&format!("Demands: {}", side.name), &tables::demands(&side.run.verdicts)))
            }
        }
    }
}

fn runs(sides: &[Side<'_>]) -> Markup {
    // Whoever has most of them names them.
    let all = sides.iter().map(|side| facts(side.run));
    let names = all.max_by_key(Vec::len).unwrap_or_default();
    let fact = |run, name| {
        let found = facts(run).into_iter().find(|(n, _)| *n == name);
        found.map(|(_, value)| value)
    };
    html! {
        table {
            thead { tr { th {} @for side in sides { th { span class={ "key " (side.class) } {} " " (side.name) } } } }
            tbody {
                tr { th scope="row" { "Scenario" } @for side in sides { td { (side.run.scenario) } } }
                tr {
                    th scope="row" { "Outcome" }
                    @for side in sides { @let (good, word, _) = outcome(side.run); td { (seal(good, word)) } }
                }
                @for (name, _) in names {
                    tr {
                        th scope="row" { (name) }
                        @for side in sides { td { (fact(side.run, name).unwrap_or_else(|| "–".to_owned())) } }
                    }
                }
            }
        }
    }
}

fn figures(sides: &[Side<'_>], rows: &[Row]) -> Markup {
    let first = sides.first().map_or("", |side| side.name.as_str());
    html! {
        p.remark {
            "The small figures tell how many times the value of " (first) " each one is; the better one is bold. "
            "A p99 takes at least 100 values, a p99.9 at least 1,000."
            @if sides.iter().any(|side| has_early(side.run)) { " " (figures::EARLY_ABOUT) }
        }
        table {
            thead { tr { th {} @for side in sides { th.n { span class={ "key " (side.class) } {} " " (side.name) } } } }
            tbody {
                @for row in rows {
                    @let best = row.best();
                    tr {
                        td { (row.name) }
                        @for (i, (value, ratio)) in row.cells().into_iter().enumerate() {
                            td.n {
                                @if best == Some(i) { strong { (value) } } @else { (value) }
                                @if i > 0 { span.ratio { (ratio.unwrap_or_default()) } }
                            }
                        }
                    }
                }
            }
        }
    }
}
