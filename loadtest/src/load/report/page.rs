//! The frame of a page, and the pieces that a report and a comparison share.

use super::units::{duration, moment};
use crate::load::Run;
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// The style; it knows light, dark and paper.
const STYLE: &str = include_str!("style.css");

/// A number with its name, large.
pub(super) struct Tile {
    /// What it is.
    pub(super) name: String,
    /// The number.
    pub(super) value: String,
    /// More about it.
    pub(super) more: String,
    /// It is bad news.
    pub(super) bad: bool,
}

/// A whole page.
pub(super) fn page(title: &str, content: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="generator" content="roost-load";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main { (content) }
                footer { "Made by roost-load " (env!("CARGO_PKG_VERSION")) "." }
            }
        }
    };
    page.into_string()
}

/// A part of a page with its heading.
pub(super) fn section(heading: &str, content: &Markup) -> Markup {
    html! { section { h2 { (heading) } (content) } }
}

/// Tiles beside each other.
pub(super) fn tiles(tiles: &[Tile]) -> Markup {
    html! {
        div.tiles {
            @for tile in tiles {
                div class={ "tile" @if tile.bad { " bad" } } {
                    div.name { (tile.name) }
                    div.value.words[tile.value.chars().count() > 11] { (tile.value) }
                    div.more { (tile.more) }
                }
            }
        }
    }
}

/// A verdict as a mark and a word: never by its colour alone.
pub(super) fn seal(good: bool, word: &str) -> Markup {
    html! {
        span class={ "seal " @if good { "good" } @else { "bad" } } {
            span aria-hidden="true" { @if good { "✓ " } @else { "✕ " } } (word)
        }
    }
}

/// What a run was, as pairs.
pub(super) fn facts(run: &Run) -> Vec<(&'static str, String)> {
    let devices = super::units::count(f64::from(run.devices));
    let devices = match run.agents {
        0 => devices,
        1 => format!("{devices}, of one agent"),
        agents => format!("{devices}, shared by {agents} agents"),
    };
    let mut facts = vec![("Server", run.server.clone())];
    if !run.server_software.is_empty() {
        facts.push(("Software", run.server_software.clone()));
    }
    facts.extend([
        ("Started", moment(run.started_ms)),
        ("Duration", duration(run.duration_s)),
        ("Devices", devices),
        ("Seed", run.seed.to_string()),
    ]);
    facts
}

/// The outcome in a word and a sentence.
pub(super) fn outcome(run: &Run) -> (bool, &'static str, String) {
    let met = run.verdicts.iter().filter(|verdict| verdict.met).count();
    let all = run.verdicts.len();
    if run.truth.foreign > 0 {
        let alarm = "A device was given an item of another user.";
        return (false, "Alarm", alarm.to_owned());
    }
    match (all, run.passed(), run.truth.holds()) {
        (0, _, true) => (
            true,
            "Done",
            "The scenario makes no demands; nothing was found that is wrong.".to_owned(),
        ),
        (0, _, false) => (
            false,
            "Findings",
            "The scenario makes no demands, but not everything is right.".to_owned(),
        ),
        (1, true, _) => (true, "Passed", "The one demand is met.".to_owned()),
        (_, true, _) => (true, "Passed", format!("All {all} demands are met.")),
        _ => (
            false,
            "Missed",
            format!("{} of {all} demands are missed.", all - met),
        ),
    }
}
