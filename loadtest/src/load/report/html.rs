//! A run as one page of HTML that needs neither a network nor a script, on a screen and on paper.

use super::figures::{self, exact, is_early, told, value};
use super::page::{Tile, facts, outcome, page, seal, section, tiles};
use super::units::{Unit, count, digits};
use super::{plots, tables};
use crate::load::Run;
use maud::{Markup, html};

/// The report on a run.
#[must_use]
pub fn write(run: &Run) -> String {
    let title = format!("{} on {}", run.scenario, run.server);
    page(&title, &content(run))
}

fn content(run: &Run) -> Markup {
    html! {
        (head(run))
        (tiles(&key_figures(run)))
        @if !run.verdicts.is_empty() {
            (section("Demands", &tables::demands(&run.verdicts)))
        }
        (section("Truth", &tables::truth(run)))
        (section("Latency", &latency(run)))
        (section("Devices", &plots::devices(run).draw()))
        (section("Load", &html! { @for plot in plots::rates(run) { (plot.draw()) } }))
        (section("Server and tool", &machine(run)))
        (section("Errors, counters and phases", &html! {
            div.beside {
                (tables::numbers("Errors", &run.errors, true))
                (tables::numbers("Counter", &run.counters, false))
                (tables::phases(run))
            }
        }))
    }
}

fn head(run: &Run) -> Markup {
    let (good, word, sentence) = outcome(run);
    html! {
        header {
            p.product { "roost-load" span { "Load test of an Exchange ActiveSync server" } }
            h1 { (run.scenario) " " (seal(good, word)) }
            p.lead { (sentence) }
            @if !run.about.is_empty() { p.about { (run.about) "." } }
            dl.facts {
                @for (name, value) in facts(run) { div { dt { (name) } dd { (value) } } }
            }
        }
    }
}

fn latency(run: &Run) -> Markup {
    html! {
        @if run.latencies.iter().all(|l| l.count == 0) {
            p { "Nothing was measured." }
        } @else {
            p.remark {
                "Latencies count from the moment an operation was due, not from when it could at last be sent: a "
                "stall of the server shows in all that waited behind it."
            }
            @if has_early(run) { p.remark { (figures::EARLY_ABOUT) } }
            (plots::latency(run).draw())
            (plots::spectrum(run).draw())
            h3 { "Latencies by operation and phase" }
            (tables::latencies(run))
        }
    }
}

/// Whether some push came before it counted.
pub(super) fn has_early(run: &Run) -> bool {
    let pushes = run.latency("push").filter(|push| push.count > 0);
    pushes.is_some_and(|push| is_early(exact(push.min_us)))
}

fn machine(run: &Run) -> Markup {
    html! {
        @if run.process.is_none() {
            p.remark { "The server does not run on this machine, or was not named: only the tool's own use is known." }
        }
        @for plot in plots::machine(run) { (plot.draw()) }
        (tables::processes(run))
    }
}

/// The numbers that a reader wants first.
fn key_figures(run: &Run) -> Vec<Tile> {
    let get = |name: &str| value(name, run);
    let show = |name: &str, unit: Unit| get(name).map(|v| unit.show(v));
    let number = |name: &str| count(get(name).unwrap_or(0.0));
    let tile = |name: &str, value: String, more: String, bad: bool| Tile {
        name: name.to_owned(),
        value,
        more,
        bad,
    };
    let mut tiles = vec![
        tile(
            "Devices",
            number("devices"),
            format!("{} parked at one time", number("parked")),
            false,
        ),
        tile(
            "Answers",
            number("answers"),
            format!("{} each second", number("answers per second")),
            false,
        ),
    ];
    for (name, what, more) in [
        ("Sync, p50", "Sync", ""),
        ("Push, p50", "push", " to the first byte"),
        ("Push to synced, p50", "push to synced", ""),
    ] {
        if let Some(latency) = run.latency(what).filter(|l| l.count > 0) {
            let half = figures::latency(exact(latency.p50_us));
            let most = match told(latency, "p99") {
                Some(us) => format!("p99 {}{more}", figures::latency(us)),
                None => format!("at most {}{more}", figures::latency(exact(latency.max_us))),
            };
            tiles.push(tile(name, half, most, false));
        }
    }
    let truth = &run.truth;
    if truth.expected > 0 {
        tiles.push(tile(
            "Arrived",
            number("arrived"),
            format!("of {}; {} lost", number("expected"), number("lost")),
            truth.lost > 0,
        ));
    }
    let (errors, all) = (get("errors"), get("answers and errors"));
    let share = errors.unwrap_or(0.0) / all.unwrap_or(0.0).max(1.0) * 100.0;
    tiles.push(tile(
        "Errors",
        number("errors"),
        format!("{} % of all that was asked", digits(share)),
        false,
    ));
    tiles.extend(use_of("Server", "server", run));
    tiles.extend(use_of("roost-load", "tool", run));
    let wakes = get("wakes per device and day");
    tiles.extend(wakes.map(|wakes| {
        let bytes = show("bytes per device and day", Unit::Bytes).unwrap_or_default();
        tile(
            "Wakes a day",
            count(wakes.round()),
            format!("each device; and {bytes} of traffic"),
            false,
        )
    }));
    let wrong = exact(truth.doubled + truth.resurrected + truth.foreign + truth.stale);
    if wrong > 0.0 {
        let about = "doubled, resurrected, foreign or stale".to_owned();
        tiles.push(tile("Wrong items", count(wrong), about, true));
    }
    tiles
}

/// What a process used, as a tile.
fn use_of(name: &str, prefix: &str, run: &Run) -> Option<Tile> {
    let get = |what: &str| value(&format!("{prefix} {what}"), run);
    let memory = get("bytes").filter(|bytes| *bytes > 0.0)?;
    let mut more = Vec::new();
    if let Some(each) = get("bytes per device") {
        more.push(format!("{} per device", Unit::Bytes.show(each)));
    }
    if let Some(cpu) = get("cpu") {
        more.push(format!("{} of a core", Unit::Percent.show(cpu)));
    }
    Some(Tile {
        name: format!("{name}, memory"),
        value: Unit::Bytes.show(memory),
        more: more.join("; "),
        bad: false,
    })
}
