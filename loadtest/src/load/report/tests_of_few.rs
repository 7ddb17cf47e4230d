//! What a report says of a run with few devices and little mail, in which a push may be there before it
//! begins to count.

use super::figures::{EARLY, EARLY_ABOUT, FEW_ABOUT};
use super::plot::Plot;
use super::tests::sound;
use super::{compare, demand, html, plots, sample, terminal};
use crate::load::Run;
use crate::load::measure::summary;
use crate::load::run::Second;
use hdrhistogram::Histogram;

/// A run with 36 pushes: two of three come first, the last takes four seconds.
fn small() -> Run {
    let mut run = sample::run(1.0);
    let mut pushes = Histogram::<u64>::new(3).unwrap();
    pushes.record_n(0, 24).unwrap();
    pushes.record_n(30_000, 11).unwrap();
    pushes.record(4_000_000).unwrap();
    run.latencies
        .retain(|latency| !latency.what.starts_with("push"));
    run.latencies.push(summary("push", "", &pushes));
    run.seconds = (0..40)
        .map(|at_s| Second {
            at_s,
            push_p99_us: match at_s {
                3 => 1,
                7 | 20 => 30_000,
                8 => 4_000_000,
                _ => 0,
            },
            p50_us: 4_000,
            p99_us: 9_000,
            answers: 10,
            ..Second::default()
        })
        .collect();
    run.duration_s = 40.0;
    for (phase, (from_s, to_s)) in run.phases.iter_mut().zip([(0.0, 0.7), (0.7, 35.0)]) {
        (phase.from_s, phase.to_s) = (from_s, to_s);
    }
    run.phases.truncate(2);
    run
}

/// The lines of a table of a terminal that begin so.
fn rows<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    let lines = text.lines().map(str::trim_start);
    lines.filter(|line| line.starts_with(name)).collect()
}

/// The paths of a plot with these classes, as drawn.
fn path(plot: &Plot, classes: &str) -> String {
    let page = plot.draw().into_string();
    let path = page.split(&format!("class=\"{classes}\" d=\"")).nth(1);
    path.unwrap().split('"').next().unwrap().to_owned()
}

#[test]
fn a_push_that_came_first_is_no_time_of_zero() {
    let run = small();
    let page = html::write(&run);
    sound(&page);
    assert!(page.contains(&format!(">{EARLY}</div>")), "the tile");
    assert!(page.contains(&format!("<td class=\"n\">{EARLY}</td>")));
    assert!(page.contains("Before the 250: the push had reached"));
    let text = terminal::summary(&run, false);
    let push = rows(&text, "push");
    let words: Vec<&str> = push[0].split_whitespace().collect();
    assert_eq!(words[..4], ["push", "36", "before", "250"]);
    assert!(push[0].chars().count() <= 80, "{push:?}");
    assert!(text.contains("before 250: the push had reached"));
    let runs = [
        ("a".to_owned(), run.clone()),
        ("b".to_owned(), sample::run(2.0)),
    ];
    let table = compare::terminal(&runs, false).unwrap();
    let told = rows(&table, "push p50");
    assert!(
        told[0].contains(EARLY) && !told[0].contains('×'),
        "{told:?}"
    );
    let both = compare::html(&runs).unwrap();
    sound(&both);
    for text in [&page, &text, &table, &both] {
        assert!(!text.contains(" 0 µs"), "0 µs is an axis alone");
    }
    assert!(both.contains(EARLY_ABOUT) && table.contains("the 201 of"));
    // Where none came first nothing is said of it.
    assert!(!html::write(&sample::run(1.0)).contains("the 250"));
}

#[test]
fn what_came_first_has_a_line_of_its_own_above_the_axis() {
    let run = small();
    let spectrum = plots::spectrum(&run);
    assert_eq!(spectrum.lines[0].name, "push");
    let drawn = spectrum.draw().into_string();
    assert!(drawn.contains(">before</text>") && drawn.contains(">the 250</text>"));
    let line = path(&spectrum, "line c1");
    assert!(line.starts_with("M62 218h0L"), "{line}");
    assert!(!line.contains(" 228"), "nothing lies on the axis: {line}");
    assert!(
        spectrum.words().contains("push: at most 4.00 s"),
        "{}",
        spectrum.words()
    );
    let calm = plots::spectrum(&sample::run(1.0)).draw().into_string();
    assert!(!calm.contains("the 250"));
}

#[test]
fn a_percentile_takes_enough_values() {
    let mut run = small();
    let row = |run: &Run| {
        let text = terminal::summary(run, false);
        rows(&text, "push")[0]
            .replace(EARLY, "0")
            .replace("before 250", "0")
    };
    let told = |run: &Run| {
        row(run)
            .split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        told(&run),
        ["push", "36", "0", "30.0", "ms", "–", "–", "4.00", "s"]
    );
    let page = html::write(&run);
    assert!(page.contains(FEW_ABOUT) && page.contains("<td class=\"n\">–</td>"));
    assert!(
        page.contains("at most 4.00 s to the first byte"),
        "the tile"
    );
    // A demand is held against the number, as ever.
    let asked = [("push p99".to_owned(), "2 s".to_owned())].into();
    let verdict = &demand::evaluate(&asked, &run).unwrap()[0];
    assert_eq!((verdict.met, verdict.found.as_str()), (false, "4.00 s"));
    let runs = [
        ("a".to_owned(), run.clone()),
        ("b".to_owned(), sample::run(2.0)),
    ];
    let table = compare::terminal(&runs, false).unwrap();
    assert!(
        rows(&table, "push p99")[0].contains("– (too few)"),
        "{table}"
    );
    // Where none has enough there is no row.
    let runs = [("a".to_owned(), run.clone()), ("b".to_owned(), run.clone())];
    let table = compare::terminal(&runs, false).unwrap();
    assert_eq!(rows(&table, "push p99").len(), 0);
    assert_eq!(rows(&table, "push max").len(), 2);
    let push = run.latencies.last_mut().unwrap();
    push.count = 100;
    assert_eq!(told(&run)[6..8], ["s", "–"]);
}

#[test]
fn times_of_how_much_a_run_had_to_do_are_not_told() {
    let runs = [
        ("a".to_owned(), sample::run(1.0)),
        ("b".to_owned(), sample::run(2.0)),
    ];
    let table = compare::terminal(&runs, false).unwrap();
    for name in ["Devices", "Answers each", "Expected", "Wakes per"] {
        assert!(!rows(&table, name)[0].contains('×'), "{table}");
    }
    assert!(rows(&table, "Server memory at")[0].contains('×'), "{table}");
}

#[test]
fn dots_of_a_sparse_line_are_joined_over_few_seconds() {
    let plot = plots::latency(&small());
    let push = plot.lines.iter().position(|line| line.name == "push p99");
    let line = path(&plot, "line c7");
    // From 3 over 7 to 8; 20 is too far away.
    assert_eq!(line.matches('M').count(), 2, "{line}");
    assert_eq!(line.matches('L').count(), 2, "{line}");
    assert_eq!(path(&plot, "dots c7").matches("h0").count(), 4);
    assert!(push.is_some_and(|at| plot.lines[at].joined > 0.0));
    assert!(plot.lines.iter().filter(|line| line.joined > 0.0).count() == 1);
    assert!(plot.note.as_ref().unwrap().contains("6 seconds apart"));
    // A gap in what is dense is a finding, and stays one.
    let mut run = sample::run(1.0);
    run.seconds[100..110].iter_mut().for_each(|s| s.p99_us = 0);
    let plot = plots::latency(&run);
    assert_eq!(path(&plot, "line c2").matches('M').count(), 2);
    assert!(plot.lines.iter().all(|line| line.joined <= 0.0) && plot.note.is_none());
}

#[test]
fn a_short_band_has_its_name_beside_it_where_there_is_room() {
    let mut run = small();
    let named = |run: &Run| {
        let drawn = plots::latency(run).draw().into_string();
        ["arrive", "steady"].map(|name| drawn.contains(&format!(">{name}</text>")))
    };
    assert_eq!(named(&run), [true, true]);
    // None where they would lie over each other.
    (run.phases[1].to_s, run.duration_s) = (4.0, 40.0);
    assert_eq!(named(&run), [false, true]);
}

#[test]
fn every_kind_of_breach_stands_with_its_example() {
    let mut run = sample::run(1.0);
    let truth = &mut run.truth;
    truth.violations = [("a Class".to_owned(), 169), ("a key".to_owned(), 3)].into();
    truth.examples = [
        ("a Class".to_owned(), "device 2, 14.1, Sync".to_owned()),
        (
            "a key".to_owned(),
            "device 7, 2.5, Sync: a key <9>".to_owned(),
        ),
    ]
    .into();
    let page = html::write(&run);
    sound(&page);
    assert!(page.contains("a Class<div class=\"example\">device 2, 14.1, Sync</div>"));
    assert!(page.contains("a key &lt;9&gt;"));
    let text = terminal::summary(&run, false);
    let at = text.find("169 × a Class\n      device 2, 14.1, Sync\n");
    assert!(at.is_some() && text.contains("device 7, 2.5"), "{text}");
}
