//! A run in a terminal: the summary at its end, and what a second of it looks like meanwhile.
//!
//! Text that came from a server is stripped of control characters, so that none of it can steer the
//! terminal. Deliberately absent: whether the terminal shows colours, and how lines are replaced.

use super::figures::{self, exact, is_early, told, told_as, value};
use super::page::{facts, outcome};
use super::plots::ordered;
use super::units::{Unit, clock, count, digits};
use crate::load::Run;
use crate::load::run::Second;
use std::fmt::Write;

const GOOD: &str = "\x1b[32m";
const BAD: &str = "\x1b[31m";
const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const PLAIN: &str = "\x1b[0m";

/// Findings that a summary has room for; the page has all.
const FINDINGS_MAX: usize = 8;

/// States in the order in which a device goes through them.
const STATES: [&str; 5] = ["away", "connecting", "busy", "parked", "broken"];

/// Text in a colour, where there are colours.
pub(super) struct Ink(pub(super) bool);

impl Ink {
    fn put(&self, colour: &str, text: &str) -> String {
        if self.0 {
            format!("{colour}{text}{PLAIN}")
        } else {
            text.to_owned()
        }
    }

    /// Good or bad news.
    pub(super) fn news(&self, good: bool, text: &str) -> String {
        self.put(if good { GOOD } else { BAD }, text)
    }

    /// A heading.
    pub(super) fn bold(&self, text: &str) -> String {
        self.put(BOLD, text)
    }

    /// Something beside the point.
    pub(super) fn dim(&self, text: &str) -> String {
        self.put(DIM, text)
    }
}

/// The summary of a run.
#[must_use]
pub fn summary(run: &Run, colours: bool) -> String {
    let ink = Ink(colours);
    let mut out = String::new();
    let (good, word, sentence) = outcome(run);
    let _ = writeln!(
        out,
        "\n{}  {}  {}",
        ink.bold(&plain(&run.scenario)),
        ink.news(good, word),
        sentence
    );
    for (name, value) in facts(run) {
        let _ = writeln!(
            out,
            "  {} {}",
            ink.dim(&format!("{name:<9}")),
            plain(&value)
        );
    }
    latencies(&mut out, run, &ink);
    load(&mut out, run, &ink);
    truth(&mut out, run, &ink);
    if !run.errors.is_empty() {
        heading(&mut out, "Errors", &ink);
        let mut errors: Vec<(&String, &u64)> = run.errors.iter().collect();
        errors.sort_by(|a, b| b.1.cmp(a.1));
        for (kind, n) in errors {
            let _ = writeln!(out, "  {:>10}  {}", count(exact(*n)), plain(kind));
        }
    }
    if !run.verdicts.is_empty() {
        heading(&mut out, "Demands", &ink);
    }
    for verdict in &run.verdicts {
        let mark = if verdict.met {
            "✓ met   "
        } else {
            "✕ missed"
        };
        let _ = writeln!(
            out,
            "  {}  {}  {}",
            ink.news(verdict.met, mark),
            plain(&verdict.demand),
            ink.dim(&format!("found {}", plain(&verdict.found)))
        );
    }
    out
}

fn heading(out: &mut String, text: &str, ink: &Ink) {
    let _ = writeln!(out, "\n{}", ink.bold(text));
}

fn latencies(out: &mut String, run: &Run, ink: &Ink) {
    const COLUMNS: [&str; 5] = ["p50", "p90", "p99", "p99.9", "max"];
    let rows = ordered(run);
    if rows.is_empty() {
        return;
    }
    heading(out, "Latency", ink);
    let heads: String = COLUMNS.iter().map(|name| format!("{name:>11}")).collect();
    let _ = writeln!(out, "{}", ink.dim(&format!("  {:>23}{heads}", "count")));
    for latency in &rows {
        // A narrow table: what it says in full stands below.
        let cell = |name: &&str| told_as(latency, name).replace("the ", "");
        let values: String = COLUMNS
            .iter()
            .map(|name| format!("{:>11}", cell(name)))
            .collect();
        let what = plain(&latency.what);
        let room = 23_usize.saturating_sub(what.chars().count());
        let _ = writeln!(
            out,
            "  {what}{:>room$}{values}",
            count(exact(latency.count))
        );
    }
    if rows.iter().any(|latency| is_early(exact(latency.p50_us))) {
        let about = figures::EARLY_ABOUT.replacen("Before the", "before", 1);
        let _ = writeln!(out, "{}", ink.dim(&wrapped(&about)));
    }
    let few = |name: &&str| rows.iter().any(|latency| told(latency, name).is_none());
    if COLUMNS.iter().any(few) {
        let _ = writeln!(out, "{}", ink.dim(&wrapped(figures::FEW_ABOUT)));
    }
}

/// A sentence in lines that a terminal has room for.
pub(super) fn wrapped(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= 80 => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("  {word}")),
        }
    }
    lines.join("\n")
}

fn load(out: &mut String, run: &Run, ink: &Ink) {
    heading(out, "Load", ink);
    let number = |name: &str| count(value(name, run).unwrap_or(0.0));
    let _ = writeln!(
        out,
        "  {} answers ({} each second), {} wakes, {} connections; {} devices parked at one time",
        number("answers"),
        number("answers per second"),
        number("wakes"),
        number("connections"),
        number("parked"),
    );
    for (name, prefix) in [("server", "server"), ("roost-load", "tool")] {
        let get = |what: &str| value(&format!("{prefix} {what}"), run);
        let Some(memory) = get("bytes").filter(|bytes| *bytes > 0.0) else {
            continue;
        };
        let mut line = format!("  {name}: {}", Unit::Bytes.show(memory));
        if let Some(each) = get("bytes per device") {
            let _ = write!(line, ", {} per device", Unit::Bytes.show(each));
        }
        if let Some(cpu) = get("cpu") {
            let _ = write!(line, ", {} of a core", Unit::Percent.show(cpu));
        }
        let _ = writeln!(out, "{line}");
    }
}

fn truth(out: &mut String, run: &Run, ink: &Ink) {
    heading(out, "Truth", ink);
    let truth = &run.truth;
    let _ = writeln!(
        out,
        "  {} of {} arrived",
        count(exact(truth.arrived)),
        count(exact(truth.expected))
    );
    let wrong = [
        ("lost", truth.lost),
        ("doubled", truth.doubled),
        ("resurrected", truth.resurrected),
        ("foreign", truth.foreign),
        ("stale", truth.stale),
    ];
    let said = wrong.map(|(name, n)| {
        let text = format!("{} {name}", count(exact(n)));
        if n > 0 { ink.news(false, &text) } else { text }
    });
    let _ = writeln!(out, "  {}", said.join(", "));
    if truth.unseen > 0 {
        let unseen = count(f64::from(truth.unseen));
        let text = format!("{unseen} devices did not come to their last look, and are not judged");
        let _ = writeln!(out, "  {}", ink.news(false, &text));
    }
    for (what, n) in super::tables::by_size(&truth.violations) {
        let text = format!("{} × {}", count(exact(*n)), plain(what));
        let _ = writeln!(out, "  {}", ink.news(false, &text));
        if let Some(example) = truth.examples.get(what) {
            let _ = writeln!(out, "      {}", ink.dim(&plain(example)));
        }
    }
    for finding in truth.findings.iter().take(FINDINGS_MAX) {
        let _ = writeln!(out, "  {}", ink.dim(&format!("· {}", plain(finding))));
    }
    let more = truth.findings.len().saturating_sub(FINDINGS_MAX);
    if more > 0 {
        let _ = writeln!(out, "  {}", ink.dim(&format!("· and {more} more")));
    }
}

/// Two lines such as those of [`progress`], written over the two before them unless they are the
/// first. What is wider than the terminal is cut: a line that wraps would not be found again.
#[must_use]
pub fn in_place(lines: &str, first: bool) -> String {
    let back = if first { "" } else { "\r\x1b[1A\x1b[J" };
    format!("{back}\x1b[?7l{lines}\x1b[?7h")
}

/// A second of a run that is under way, in two lines: the devices, and what they were given.
///
/// `duration_s` is how long the run takes, seconds; 0: nobody knows.
#[must_use]
pub fn progress(second: &Second, duration_s: f64, colours: bool) -> String {
    let ink = Ink(colours);
    let at = f64::from(second.at_s);
    let mut time = clock(at, duration_s.max(at));
    if duration_s > 0.0 {
        time = format!("{time} of {}", clock(duration_s, duration_s));
    }
    let known = STATES.map(|state| (state, second.devices.get(state).copied().unwrap_or(0)));
    let others = second.devices.iter().map(|(state, n)| (state.as_str(), *n));
    let others = others.filter(|(state, _)| !STATES.contains(state));
    let devices: Vec<String> = known
        .into_iter()
        .chain(others)
        .map(|(state, n)| {
            let text = format!("{state} {}", count(f64::from(n)));
            if state == "broken" && n > 0 {
                ink.news(false, &text)
            } else {
                text
            }
        })
        .collect();
    let latency = |us: u64| {
        if us == 0 {
            "–".to_owned()
        } else {
            figures::latency(exact(us))
        }
    };
    let errors = format!("errors {}", count(exact(second.errors)));
    let mut given = vec![
        format!("answers {}/s", count(exact(second.answers))),
        format!("wakes {}/s", count(exact(second.wakes))),
        format!("p50 {}", latency(second.p50_us)),
        format!("p99 {}", latency(second.p99_us)),
        format!("push p99 {}", latency(second.push_p99_us)),
        if second.errors > 0 {
            ink.news(false, &errors)
        } else {
            errors
        },
    ];
    if let (Some(bytes), Some(cpu)) = (second.server_bytes, second.server_cpu) {
        given.push(format!(
            "server {} {} %",
            Unit::Bytes.show(exact(bytes)),
            digits(f64::from(cpu))
        ));
    }
    format!(
        "{}  {}\n  {}",
        ink.bold(&time),
        devices.join("  "),
        given.join("  ")
    )
}

/// Text of somebody else without what would steer a terminal.
pub(super) fn plain(text: &str) -> String {
    let shown = text.chars().map(|c| if c.is_control() { '·' } else { c });
    shown.collect()
}
