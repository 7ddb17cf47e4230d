//! The tables of a page.

use super::figures::{self, QUANTILES, exact, per_device, told, told_as};
use super::plots::ordered;
use super::units::{Unit, count, duration};
use crate::load::Run;
use crate::load::run::{Latency, Verdict};
use maud::{Markup, html};
use std::collections::BTreeMap;

/// What the columns of a table of latencies are, slowest last.
const SHOWN: [&str; 6] = ["p50", "p90", "p99", "p99.9", "max", "mean"];

/// Demands, what was found, and whether they were met; those that were missed first.
pub(super) fn demands(verdicts: &[Verdict]) -> Markup {
    let mut rows: Vec<&Verdict> = verdicts.iter().collect();
    rows.sort_by_key(|verdict| verdict.met);
    html! {
        table {
            thead { tr { th { "Demand" } th.n { "Found" } th { "Verdict" } } }
            tbody {
                @for verdict in rows {
                    tr {
                        td { (verdict.demand) }
                        td.n { (verdict.found) }
                        td { (super::page::seal(verdict.met, if verdict.met { "met" } else { "missed" })) }
                    }
                }
            }
        }
    }
}

/// Latencies by operation over the whole run, each with its phases below.
pub(super) fn latencies(run: &Run) -> Markup {
    let order = |latency: &&Latency| {
        let at = run.phases.iter().position(|p| p.name == latency.phase);
        at.unwrap_or(usize::MAX)
    };
    let phases = |what: &str| {
        let of = |l: &&Latency| l.what == what && !l.phase.is_empty() && l.count > 0;
        let mut rows: Vec<&Latency> = run.latencies.iter().filter(of).collect();
        rows.sort_by_key(order);
        rows
    };
    debug_assert!(SHOWN.iter().all(|name| QUANTILES.contains(name)));
    let drawn: Vec<&Latency> = run.latencies.iter().filter(|l| l.count > 0).collect();
    let few = |l: &&Latency| SHOWN.iter().any(|name| told(l, name).is_none());
    html! {
        table.latencies {
            thead {
                tr {
                    th { "Operation" } th { "Phase" } th.n { "Count" }
                    @for name in SHOWN { th.n { (name) } }
                }
            }
            @for latency in ordered(run) {
                @let phases = phases(&latency.what);
                tbody {
                    (row(latency, &latency.what, "all"))
                    // A single phase says what the line above says.
                    @if phases.len() > 1 {
                        @for phase in phases { (row(phase, "", &phase.phase)) }
                    }
                }
            }
        }
        @if drawn.iter().any(few) { p.below { (figures::FEW_ABOUT) } }
    }
}

fn row(latency: &Latency, what: &str, phase: &str) -> Markup {
    html! {
        tr.whole[!what.is_empty()] {
            th scope="row" { (what) }
            td { (phase) }
            td.n { (count(exact(latency.count))) }
            @for name in SHOWN { td.n { (told_as(latency, name)) } }
        }
    }
}

/// Whether what arrived is right.
pub(super) fn truth(run: &Run) -> Markup {
    let truth = &run.truth;
    let rows = [
        (
            "Expected",
            truth.expected,
            "changes that were acknowledged, times the devices that have to show them",
            false,
        ),
        ("Arrived", truth.arrived, "of these, those that did", false),
        ("Lost", truth.lost, "of these, those that did not", true),
        (
            "Doubled",
            truth.doubled,
            "items that a device holds twice",
            true,
        ),
        (
            "Resurrected",
            truth.resurrected,
            "deleted items that came back",
            true,
        ),
        ("Foreign", truth.foreign, "items of another user", true),
        (
            "Stale",
            truth.stale,
            "items whose marks differ from the last that was set",
            true,
        ),
        (
            "Not judged",
            u64::from(truth.unseen),
            "devices that did not come to their last look: what they lack is not counted",
            true,
        ),
    ];
    html! {
        table {
            thead { tr { th { "Items" } th.n { "Number" } th { "What it counts" } } }
            tbody {
                @for (name, n, about, wrong) in rows {
                    tr.wrong[wrong && n > 0] { td { (name) } td.n { (count(exact(n))) } td { (about) } }
                }
                @for (what, n) in by_size(&truth.violations) {
                    tr.wrong {
                        td.name { "Breach of protocol" } td.n { (count(exact(*n))) }
                        td {
                            (what)
                            @if let Some(example) = truth.examples.get(what) { div.example { (example) } }
                        }
                    }
                }
            }
        }
        @if !truth.findings.is_empty() {
            h3 { "Some of what was found" }
            ul.findings { @for finding in &truth.findings { li { (finding) } } }
        }
    }
}

/// The greatest first.
pub(super) fn by_size(of: &BTreeMap<String, u64>) -> Vec<(&String, &u64)> {
    let mut rows: Vec<(&String, &u64)> = of.iter().collect();
    rows.sort_by(|a, b| b.1.cmp(a.1));
    rows
}

/// Numbers by name, the greatest first where they are errors.
pub(super) fn numbers(heading: &str, of: &BTreeMap<String, u64>, largest_first: bool) -> Markup {
    let mut rows: Vec<(&String, &u64)> = of.iter().collect();
    if largest_first {
        rows = by_size(of);
    }
    html! {
        table.narrow {
            thead { tr { th { (heading) } th.n { "Number" } } }
            tbody {
                @if rows.is_empty() { tr { td colspan="2" { "none" } } }
                @for (name, n) in rows { tr { td { (name) } td.n { (count(exact(*n))) } } }
            }
        }
    }
}

/// The phases of a run.
pub(super) fn phases(run: &Run) -> Markup {
    html! {
        table.narrow {
            thead { tr { th { "Phase" } th.n { "From" } th.n { "To" } } }
            tbody {
                @for phase in &run.phases {
                    tr { td { (phase.name) } td.n { (duration(phase.from_s)) } td.n { (duration(phase.to_s)) } }
                }
            }
        }
    }
}

/// What the server and the tool used.
pub(super) fn processes(run: &Run) -> Markup {
    let rows = run.process.iter().map(|process| ("Server", process));
    let tool = match run.agents {
        0 => "roost-load",
        _ => "roost-load, its agents and their controller",
    };
    let rows: Vec<_> = rows.chain([(tool, &run.tool)]).collect();
    let bytes = |n: u64| Unit::Bytes.show(exact(n));
    html! {
        table {
            thead {
                tr {
                    th { "Process" } th.n { "CPU" } th.n { "Memory at first" } th.n { "at most" }
                    th.n { "while most were parked" } th.n { "Parked" } th.n { "Memory per device" }
                }
            }
            tbody {
                @for (name, process) in rows {
                    tr {
                        td.name { (name) }
                        td.n { (duration(process.cpu_s)) }
                        td.n { (bytes(process.begin_bytes)) }
                        td.n { (bytes(process.max_bytes)) }
                        td.n { (bytes(process.parked_bytes)) }
                        td.n { (count(f64::from(process.parked))) }
                        td.n {
                            @if let Some(each) = per_device(process) { (Unit::Bytes.show(each)) } @else { "–" }
                        }
                    }
                }
            }
        }
    }
}
