//! Which plots a report has: those of one run, and those that lay runs over each other.

use super::figures::{WAKES, exact};
use super::hdr;
use super::plot::{Along, Line, Plot};
use super::series::{Gather, Point, is_sparse, points, some, step_s};
use super::units::Unit;
use crate::load::Run;
use crate::load::run::{Latency, Second};
use std::collections::BTreeSet;
use std::f64::consts::LOG10_2;

/// Classes of the page's style for lines, in their order.
pub(super) const CLASSES: [&str; 8] = ["c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8"];

/// States of devices from the bottom of the stack up, and their classes.
const STATES: [(&str, &str); 5] = [
    ("parked", "c1"),
    ("busy", "c3"),
    ("connecting", "c4"),
    ("broken", "bad"),
    ("away", "idle"),
];

/// Nines after which a spectrum ends: a millionth.
const NINES_MAX: f64 = 6.0;

/// Over how many steps the points of a sparse line are joined.
const JOINED: u32 = 6;

/// A run with the name and the class that it has in a comparison.
pub(super) struct Side<'a> {
    /// What it is called.
    pub(super) name: String,
    /// The class of its lines.
    pub(super) class: &'static str,
    /// The run.
    pub(super) run: &'a Run,
}

/// What is picked from a second.
type Pick = fn(&Second) -> Option<f64>;

/// Lines of one run over time.
type Curve = (&'static str, &'static str, Pick);

/// What a plot over time is about: title, sentence, unit, and the name of its side.
struct Heading(&'static str, &'static str, Unit, &'static str);

/// Latency over time.
pub(super) fn latency(run: &Run) -> Plot {
    let curves: [Curve; 3] = [
        ("p50", "c1", |s| some(s.p50_us)),
        ("p99", "c2", |s| some(s.p99_us)),
        ("push p99", "c7", |s| some(s.push_p99_us)),
    ];
    let heading = Heading(
        "Latency over time",
        "Commands that do not wait, counted from the moment each was due; and push, from the \
         commit that was acknowledged to the first byte at the device.",
        Unit::Micros,
        "latency",
    );
    let mut plot = of_run(run, heading, &curves);
    plot.wide = true;
    plot.marked = plot.lines.iter().position(|line| line.name == "p99");
    plot
}

/// Devices by state.
pub(super) fn devices(run: &Run) -> Plot {
    let names: BTreeSet<&str> = run
        .seconds
        .iter()
        .flat_map(|s| s.devices.keys().map(String::as_str))
        .collect();
    let known = STATES
        .into_iter()
        .filter(|(state, _)| names.contains(state));
    let others = names
        .iter()
        .filter(|name| !STATES.iter().any(|(state, _)| state == *name))
        .zip(["c5", "c6", "c7", "c8"])
        .map(|(name, class)| (*name, class));
    let step = step_s([run]);
    let lines = known.chain(others).map(|(state, class)| Line {
        name: state.to_owned(),
        class,
        dashed: false,
        joined: 0.0,
        points: points(run, step, Gather::Mean, |s| {
            Some(s.devices.get(state).copied().map_or(0.0, f64::from))
        }),
    });
    let heading = Heading(
        "Devices by state",
        "Parked devices hold a request that the server answers when something changes.",
        Unit::Count,
        "devices",
    );
    let mut plot = over_time(heading, run.duration_s, lines.collect(), step, Gather::Mean);
    plot.stacked = true;
    plot.bands = bands(run);
    plot
}

/// What happened each second: answers and wakes, then what it cost.
pub(super) fn rates(run: &Run) -> [Plot; 2] {
    let work: [Curve; 3] = [
        ("answers", "c1", |s| count(s.answers)),
        ("wakes", "c7", |s| count(s.wakes)),
        ("changes injected", "c3", |s| count(s.injected)),
    ];
    let trouble: [Curve; 2] = [
        ("connections made", "c4", |s| count(s.connections)),
        ("errors", "bad", |s| count(s.errors)),
    ];
    [
        of_run(
            run,
            Heading(
                "Answers and wakes each second",
                "A wake is a waiting request that is answered because something changed.",
                Unit::Count,
                "each second",
            ),
            &work,
        ),
        of_run(
            run,
            Heading(
                "Connections and errors each second",
                "Connections that were made, and everything that went wrong.",
                Unit::Count,
                "each second",
            ),
            &trouble,
        ),
    ]
}

/// Memory and CPU of the server next to the tool's own.
pub(super) fn machine(run: &Run) -> [Plot; 2] {
    let memory: [Curve; 3] = [
        ("server, resident", "c1", |s| s.server_bytes.map(exact)),
        ("sockets in the kernel", "c3", |s| s.socket_bytes.map(exact)),
        ("roost-load, resident", "idle", |s| some(s.tool_bytes)),
    ];
    let cpu: [Curve; 2] = [
        ("server", "c1", |s| s.server_cpu.map(f64::from)),
        ("roost-load", "idle", |s| Some(f64::from(s.tool_cpu))),
    ];
    let mut plots = [
        of_run(
            run,
            Heading(
                "Memory",
                "Where the server runs on the same machine, its memory stands next to the tool's own.",
                Unit::Bytes,
                "memory",
            ),
            &memory,
        ),
        of_run(
            run,
            Heading(
                "CPU",
                "100 % is one core.",
                Unit::Percent,
                "percent of one core",
            ),
            &cpu,
        ),
    ];
    for plot in &mut plots {
        for line in &mut plot.lines {
            line.dashed = line.class == "idle";
        }
    }
    plots
}

/// How many of a hundred, of ten thousand were slower: a line for each operation.
pub(super) fn spectrum(run: &Run) -> Plot {
    let all = ordered(run);
    let (drawn, left) = all.split_at(all.len().min(CLASSES.len()));
    let lines = drawn.iter().zip(CLASSES).map(|(latency, class)| Line {
        name: latency.what.clone(),
        class,
        dashed: false,
        joined: 0.0,
        points: percentiles(latency),
    });
    let left: Vec<&str> = left.iter().map(|latency| latency.what.as_str()).collect();
    let note = (!left.is_empty()).then(|| {
        format!(
            "Not drawn, since they are few: {}. The table has them.",
            left.join(", ")
        )
    });
    let mut plot = over_nines("Percentiles of latency", lines.collect());
    plot.note = note;
    plot
}

/// The spectra of one operation in several runs; none where no run has it.
pub(super) fn spectra(sides: &[Side<'_>], what: &str) -> Option<Plot> {
    let lines: Vec<Line> = sides
        .iter()
        .filter_map(|side| {
            let latency = side.run.latency(what).filter(|l| l.count > 0)?;
            Some(Line {
                name: side.name.clone(),
                class: side.class,
                dashed: false,
                joined: 0.0,
                points: percentiles(latency),
            })
        })
        .collect();
    (!lines.is_empty()).then(|| over_nines(&format!("Percentiles of latency: {what}"), lines))
}

/// The operations of a run, wakes first, then the frequent before the rare.
pub(super) fn ordered(run: &Run) -> Vec<&Latency> {
    let mut all: Vec<&Latency> = run
        .latencies
        .iter()
        .filter(|latency| latency.phase.is_empty() && latency.count > 0)
        .collect();
    let wake = |latency: &Latency| {
        let at = WAKES.iter().take(2).position(|what| *what == latency.what);
        at.unwrap_or(2)
    };
    all.sort_by(|a, b| (wake(a), b.count).cmp(&(wake(b), a.count)));
    all
}

/// What is laid over each other over time: what it is about, and what is picked from a second.
const OVERLAID: [(Heading, Pick); 9] = [
    (
        Heading(
            "Latency, p50",
            "The median of commands that do not wait.",
            Unit::Micros,
            "latency",
        ),
        |s| some(s.p50_us),
    ),
    (
        Heading(
            "Latency, p99",
            "The 99th percentile of commands that do not wait.",
            Unit::Micros,
            "latency",
        ),
        |s| some(s.p99_us),
    ),
    (
        Heading(
            "Push, p99",
            "From the acknowledged commit to the first byte at the device.",
            Unit::Micros,
            "latency",
        ),
        |s| some(s.push_p99_us),
    ),
    (
        Heading(
            "Parked devices",
            "Devices that hold a waiting request.",
            Unit::Count,
            "devices",
        ),
        |s| s.devices.get("parked").copied().map(f64::from),
    ),
    (
        Heading(
            "Answers each second",
            "All answers, of waiting requests, too.",
            Unit::Count,
            "each second",
        ),
        |s| count(s.answers),
    ),
    (
        Heading(
            "Wakes each second",
            "Waiting requests that were answered because something changed.",
            Unit::Count,
            "each second",
        ),
        |s| count(s.wakes),
    ),
    (
        Heading(
            "Errors each second",
            "Everything that went wrong.",
            Unit::Count,
            "each second",
        ),
        |s| count(s.errors),
    ),
    (
        Heading(
            "Server memory",
            "Resident memory of the server, where it was measured.",
            Unit::Bytes,
            "memory",
        ),
        |s| s.server_bytes.map(exact),
    ),
    (
        Heading(
            "Server CPU",
            "100 % is one core.",
            Unit::Percent,
            "percent of one core",
        ),
        |s| s.server_cpu.map(f64::from),
    ),
];

/// The same measure of several runs over time.
pub(super) fn overlaid(sides: &[Side<'_>]) -> Vec<Plot> {
    let step = step_s(sides.iter().map(|side| side.run));
    let longest = sides.iter().map(|side| side.run.duration_s);
    let longest = longest.fold(0.0, f64::max);
    let plots = OVERLAID.into_iter().filter_map(|(heading, pick)| {
        let lines: Vec<Line> = sides
            .iter()
            .map(|side| Line {
                name: side.name.clone(),
                class: side.class,
                dashed: false,
                joined: 0.0,
                points: points(side.run, step, Gather::Highest, pick),
            })
            .filter(known)
            .collect();
        let wide = heading.2 == Unit::Micros;
        let mut plot = over_time(heading, longest, lines, step, Gather::Highest);
        plot.wide = wide;
        (!plot.lines.is_empty()).then_some(plot)
    });
    plots.collect()
}

/// A plot of one run over time, with its phases.
fn of_run(run: &Run, heading: Heading, curves: &[Curve]) -> Plot {
    let step = step_s([run]);
    let lines = curves
        .iter()
        .map(|(name, class, pick)| Line {
            name: (*name).to_owned(),
            class,
            dashed: false,
            joined: 0.0,
            points: points(run, step, Gather::Highest, pick),
        })
        .filter(known)
        .collect();
    let mut plot = over_time(heading, run.duration_s, lines, step, Gather::Highest);
    plot.bands = bands(run);
    plot
}

fn over_time(
    heading: Heading,
    to_s: f64,
    mut lines: Vec<Line>,
    step_s: u32,
    gather: Gather,
) -> Plot {
    let Heading(title, about, up, up_name) = heading;
    let joined_s = JOINED * step_s;
    for line in &mut lines {
        if is_sparse(&line.points) {
            line.joined = f64::from(joined_s);
        }
    }
    let mut notes = Vec::new();
    let last = lines.iter().filter_map(|line| line.points.last());
    let to_s = last.map(|point| point.0).fold(to_s, f64::max);
    let how = match gather {
        Gather::Highest => "the highest",
        Gather::Mean => "the mean",
    };
    if step_s > 1 {
        notes.push(format!("Each point is {how} of {step_s} seconds."));
    }
    if lines.iter().any(|line| line.joined > 0.0) {
        notes.push(format!(
            "Not every second has a value: dots that are at most {joined_s} seconds apart are joined."
        ));
    }
    Plot {
        title: title.to_owned(),
        about: about.to_owned(),
        along: Along::Time(to_s),
        up,
        up_name,
        wide: false,
        stacked: false,
        lines,
        bands: Vec::new(),
        marked: None,
        note: (!notes.is_empty()).then(|| notes.join(" ")),
    }
}

fn over_nines(title: &str, lines: Vec<Line>) -> Plot {
    let last = lines.iter().filter_map(|line| line.points.last());
    let most = last.map(|point| point.0).fold(2.0, f64::max);
    Plot {
        title: title.to_owned(),
        about:
            "How many of all were at most this slow; to the right, the slow ones are stretched: \
                each step is a tenth of those left."
                .to_owned(),
        along: Along::Nines(most),
        up: Unit::Micros,
        up_name: "latency",
        wide: true,
        stacked: false,
        lines,
        bands: Vec::new(),
        marked: None,
        note: None,
    }
}

/// The percentiles of a latency, from its histogram, or from what is known without.
fn percentiles(latency: &Latency) -> Vec<Point> {
    let last = exact(latency.count).log10().clamp(0.302, NINES_MAX);
    let Ok(histogram) = hdr::decode(latency) else {
        let few = [
            (LOG10_2, latency.p50_us),
            (1.0, latency.p90_us),
            (2.0, latency.p99_us),
            (3.0, latency.p999_us),
        ];
        let within = few.into_iter().filter(|(x, _)| *x < last);
        let within = within.chain([(last, latency.max_us)]);
        return within.map(|(x, us)| (x, Some(exact(us)))).collect();
    };
    let steps = (0..=120_u32).map(|i| f64::from(i) * 0.05);
    let within = steps.take_while(|x| *x < last).map(|x| {
        let quantile = 1.0 - 10_f64.powf(-x);
        (x, Some(exact(histogram.value_at_quantile(quantile))))
    });
    // Where one of all is left, it is the slowest.
    within
        .chain([(last, Some(exact(latency.max_us)))])
        .collect()
}

fn bands(run: &Run) -> Vec<(String, f64, f64)> {
    let phases = run.phases.iter();
    phases
        .map(|phase| (phase.name.clone(), phase.from_s, phase.to_s))
        .collect()
}

fn known(line: &Line) -> bool {
    line.points.iter().any(|(_, y)| y.is_some())
}

fn count(n: u64) -> Option<f64> {
    Some(exact(n))
}
