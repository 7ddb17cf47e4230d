//! What a report has to show, tried on the sample run.

use super::units::{Unit, clock, count, duration, moment, ratio};
use super::{Error, compare, demand, figures, hdr, html, json, plots, sample, terminal};
use crate::load::Run;
use crate::load::measure::summary;
use crate::load::run::{FORMAT, Latency, Second, Verdict};
use hdrhistogram::Histogram;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
use std::collections::BTreeMap;

fn demands(of: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = of
        .iter()
        .map(|(name, bound)| ((*name).to_owned(), (*bound).to_owned()));
    owned.collect()
}

fn verdict(name: &str, bound: &str) -> Verdict {
    let verdicts = demand::evaluate(&demands(&[(name, bound)]), &sample::run(1.0)).unwrap();
    verdicts[0].clone()
}

/// A page whose elements are closed in order, and that asks nobody for anything.
pub(super) fn sound(page: &str) {
    let mut open = Vec::new();
    for piece in page.split('<').skip(1) {
        let (tag, _) = piece.split_once('>').expect("a tag that ends");
        let name = tag.split([' ', '\n', '/']).next().unwrap();
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name), "…{}", &tag[..tag.len().min(60)]),
            None if tag.starts_with('!') || name == "meta" => {}
            None => open.push(name),
        }
    }
    assert!(open.is_empty(), "{open:?}");
    for outside in [
        "href=", "src=", "url(", "<script", "<link", "@import", "NaN", "inf",
    ] {
        let told = ["info", "in figures"];
        let found = page
            .match_indices(outside)
            .filter(|(at, _)| !told.iter().any(|word| page[*at..].starts_with(word)));
        assert_eq!(found.count(), 0, "{outside}");
    }
}

#[test]
fn a_run_is_read_as_it_was_written() {
    let run = sample::run(1.0);
    let text = json::write(&run).unwrap();
    assert!(json::read(&text).unwrap() == run);
    // To the last digit, so that writing it again changes nothing.
    assert!(json::write(&json::read(&text).unwrap()).unwrap() == text);
}

#[test]
fn a_run_of_another_format_is_refused_by_its_number() {
    let mut run = sample::run(1.0);
    run.format = FORMAT + 1;
    let text = json::write(&run).unwrap();
    let refused = json::read(&text).unwrap_err();
    assert!(matches!(refused, Error::Format { found, .. } if found == u64::from(FORMAT + 1)));
    assert!(refused.to_string().contains("format 2"), "{refused}");
    // Even where nothing else is understood.
    let later = json::read(r#"{"format": 70000000000, "all": "new"}"#).unwrap_err();
    assert!(matches!(later, Error::Format { .. }), "{later}");
}

#[test]
fn what_is_no_run_is_refused() {
    for text in [
        "",
        "[]",
        "{}",
        "{\"format\": 1}",
        "<html>",
        "{\"format\": \"1\"}",
    ] {
        let refused = json::read(text).unwrap_err();
        assert!(matches!(refused, Error::Json(_)), "{text}: {refused}");
    }
}

#[test]
fn a_histogram_survives_its_text() {
    let mut histogram = Histogram::<u64>::new(3).unwrap();
    for us in [40, 900, 901, 12_000, 512_345, 60_000_000] {
        histogram.record_n(us, us % 7 + 1).unwrap();
    }
    let latency = summary("Sync", "", &histogram);
    assert_eq!(hdr::decode(&latency).unwrap(), histogram);
    assert_eq!(latency.count, histogram.len());
    assert_eq!(latency.max_us, histogram.max());
}

#[test]
fn a_histogram_that_does_not_decode_is_an_error_that_names_the_operation() {
    for text in ["", "!!!", "AAAA", "HISTFAAAAAB42g=="] {
        let latency = Latency {
            what: "Sync".to_owned(),
            histogram: text.to_owned(),
            ..Latency::default()
        };
        let refused = hdr::decode(&latency).unwrap_err().to_string();
        assert!(refused.contains("histogram of Sync"), "{refused}");
    }
}

#[test]
fn the_log_is_read_by_others_and_counts_nothing_twice() {
    let run = sample::run(1.0);
    let log = hdr::log(&run).unwrap();
    let mut sums: BTreeMap<String, u64> = BTreeMap::new();
    let mut bases = 0;
    for entry in IntervalLogIterator::new(log.as_bytes()) {
        match entry.unwrap() {
            LogEntry::StartTime(at) | LogEntry::BaseTime(at) => {
                assert_eq!(u128::from(run.started_ms), at.as_millis());
                bases += 1;
            }
            LogEntry::Interval(interval) => {
                let latency = Latency {
                    histogram: interval.encoded_histogram().to_owned(),
                    ..Latency::default()
                };
                let histogram = hdr::decode(&latency).unwrap();
                let max_ms = histogram.max() as f64 / 1_000.0;
                assert!((interval.max() - max_ms).abs() < 0.001);
                let tag = interval.tag().unwrap().as_str().to_owned();
                *sums.entry(tag).or_default() += histogram.len();
            }
        }
    }
    assert_eq!(bases, 2);
    assert_eq!(
        sums["push_to_synced"],
        run.latency("push to synced").unwrap().count
    );
    assert_eq!(sums["Sync"], run.latency("Sync").unwrap().count);
}

#[test]
fn the_log_of_a_run_without_phases_has_a_line_for_the_whole() {
    let mut run = sample::run(1.0);
    run.phases.clear();
    run.latencies.retain(|latency| latency.phase.is_empty());
    let log = hdr::log(&run).unwrap();
    let lines = log.lines().filter(|line| line.starts_with("Tag="));
    assert_eq!(lines.count(), run.latencies.len());
}

#[test]
fn demands_are_held_against_what_was_found() {
    let cases = [
        ("push p99", "1500 ms", true, "push p99 ≤ 1500 ms", "376 ms"),
        ("push p99", "0.1s", false, "push p99 ≤ 0.1s", "376 ms"),
        ("lost", "0", false, "lost ≤ 0", "1"),
        ("lost", "1", true, "lost ≤ 1", "1"),
        ("foreign", "0", true, "foreign ≤ 0", "0"),
        ("errors", "1 %", true, "errors ≤ 1 %", "0.18 %"),
        ("errors", "10", false, "errors ≤ 10", "67"),
        ("errors http 503", "3", true, "errors http 503 ≤ 3", "3"),
        ("errors tls", "0", true, "errors tls ≤ 0", "0"),
        ("counter resyncs", "3", false, "counter resyncs ≤ 3", "4"),
        (
            "OPTIONS p50",
            "1 s",
            false,
            "OPTIONS p50 ≤ 1 s",
            "not measured",
        ),
        ("counter gave up", "0", true, "counter gave up ≤ 0", "0"),
        (
            "counter no such",
            "0",
            false,
            "counter no such ≤ 0",
            "not measured",
        ),
        ("parked", ">= 1_900", true, "parked ≥ 1_900", "1,999"),
        ("parked", ">= 99 %", true, "parked ≥ 99 %", "100 %"),
        (
            "tool bytes per device",
            "12 KiB",
            true,
            "tool bytes per device ≤ 12 KiB",
            "11.6 KiB",
        ),
        (
            "server bytes",
            "<= 80 MiB",
            false,
            "server bytes ≤ 80 MiB",
            "89.0 MiB",
        ),
        ("server cpu", "50 %", true, "server cpu ≤ 50 %", "22 %"),
        ("duration", "5 min", true, "duration ≤ 5 min", "5 min"),
    ];
    for (name, bound, met, said, found) in cases {
        let verdict = verdict(name, bound);
        assert_eq!((verdict.met, verdict.demand.as_str()), (met, said));
        if name != "parked" {
            assert_eq!(verdict.found, found, "{name}");
        }
    }
}

#[test]
fn a_demand_may_be_about_one_phase() {
    let calm = verdict("Sync p99 in steady", "30 ms");
    let storm = verdict("Sync p99 in storm", "30 ms");
    assert!(calm.met && !storm.met, "{calm:?} {storm:?}");
}

#[test]
fn what_was_not_measured_is_missed() {
    let mut run = sample::run(1.0);
    run.process = None;
    let asked = demands(&[
        ("server bytes", "1 GiB"),
        ("Find p50", "1 s"),
        ("Sync p50 in x", "9 s"),
    ]);
    for verdict in demand::evaluate(&asked, &run).unwrap() {
        assert!(!verdict.met);
        assert_eq!(verdict.found, "not measured");
    }
    // Nobody came to the last look, so nobody can say that nothing is lost; but what was found was found.
    let mut blind = run.clone();
    blind.truth.unseen = blind.devices;
    (blind.truth.lost, blind.truth.foreign) = (0, 1);
    let asked = demands(&[("foreign", "0"), ("lost", "0")]);
    let said = demand::evaluate(&asked, &blind).unwrap();
    assert_eq!((said[0].found.as_str(), said[0].met), ("1", false));
    assert_eq!(
        (said[1].found.as_str(), said[1].met),
        ("not measured", false)
    );
    blind.truth.unseen -= 1;
    assert!(demand::evaluate(&asked, &blind).unwrap()[1].met);
    // A push that was there before its time began to count took no "0 us".
    let mut early = run.clone();
    let pushes = early.latencies.iter_mut().filter(|l| l.what == "push");
    pushes.for_each(|push| push.p50_us = 0);
    let asked = demands(&[("push p50", "1 ms")]);
    let said = demand::evaluate(&asked, &early).unwrap();
    assert_eq!(
        (said[0].found.as_str(), said[0].met),
        (figures::EARLY, true)
    );
    // A process that did not grow says nothing about its devices.
    run.tool.parked_bytes = run.tool.begin_bytes;
    let asked = demands(&[("tool bytes per device", "1 MiB")]);
    assert_eq!(
        demand::evaluate(&asked, &run).unwrap()[0].found,
        "not measured"
    );
    // Without a single item expected, no share of them is known.
    run.truth.expected = 0;
    let verdicts = demand::evaluate(&demands(&[("lost", "1 %")]), &run).unwrap();
    assert_eq!(verdicts[0].found, "not measured");
}

#[test]
fn a_demand_that_nobody_understands_says_what_there_is() {
    for name in [
        "sync p99",
        "Push p99",
        "error",
        "p99",
        "push",
        "Sync p98",
        "",
        "lost items",
    ] {
        let refused = demand::check(&demands(&[(name, "1")]))
            .unwrap_err()
            .to_string();
        assert!(refused.contains("tool bytes per device"), "{refused}");
        assert!(refused.contains("push to synced"), "{refused}");
    }
    let hint = |name: &str| {
        demand::check(&demands(&[(name, "1 s")]))
            .unwrap_err()
            .to_string()
    };
    assert!(hint("sync p99").contains("did you mean \"Sync p99\"?"));
    assert!(hint("error").contains("did you mean \"errors\"?"));
}

#[test]
fn a_bound_of_another_kind_says_what_is_allowed() {
    let cases = [
        ("push p99", "250", "us, ms, s"),
        ("push p99", "250 MiB", "us, ms, s"),
        ("push p99", "ms", "us, ms, s"),
        ("lost", "3 ms", "a plain number or %"),
        ("wakes", "3 %", "a plain number"),
        ("lost", "-1", "a plain number or %"),
        ("lost", "1.2.3", "a plain number or %"),
        ("lost", "", "a plain number or %"),
        ("tool bytes", "1 kB", "KiB"),
        ("server cpu", "1", "%"),
        ("lost", "µ", "a plain number or %"),
    ];
    for (name, bound, allowed) in cases {
        let refused = demand::check(&demands(&[(name, bound)]))
            .unwrap_err()
            .to_string();
        assert!(
            refused.contains(allowed) && refused.contains(name),
            "{refused}"
        );
    }
}

#[test]
fn the_page_is_sound_and_self_contained() {
    sound(&html::write(&sample::run(1.0)));
}

#[test]
fn the_page_of_a_run_of_nothing_is_sound() {
    let page = html::write(&Run::default());
    sound(&page);
    assert!(page.contains("Nothing was measured."));
    sound(&html::write(&Run {
        seconds: vec![Second::default()],
        ..Run::default()
    }));
}

#[test]
fn text_of_a_run_is_text_on_the_page() {
    let evil = "<img src=x onerror=alert(1)> & \"q\"";
    let mut run = sample::run(1.0);
    run.scenario = evil.to_owned();
    run.about = evil.to_owned();
    run.server = evil.to_owned();
    run.server_software = evil.to_owned();
    run.phases[1].name = evil.to_owned();
    run.latencies[0].what = evil.to_owned();
    run.errors.insert(evil.to_owned(), 1);
    run.counters.insert(evil.to_owned(), 1);
    run.seconds[3].devices.insert(evil.to_owned(), 1);
    run.truth.violations.insert(evil.to_owned(), 1);
    run.truth.findings.push(evil.to_owned());
    run.verdicts[0].found = evil.to_owned();
    let runs = [(evil.to_owned(), run.clone()), (String::new(), run.clone())];
    for page in [html::write(&run), compare::html(&runs).unwrap()] {
        assert!(!page.contains("<img"));
        assert!(page.contains("&lt;img"));
    }
}

#[test]
fn every_plot_has_a_title_axes_a_legend_and_words() {
    let page = html::write(&sample::run(1.0));
    let plots: Vec<&str> = page.split("<figure").skip(1).collect();
    assert_eq!(plots.len(), 7);
    for plot in plots {
        for part in [
            "<h3>",
            "class=\"legend\"",
            "role=\"img\"",
            "aria-label=\"",
            "class=\"axis\"",
        ] {
            assert!(plot.contains(part), "{part}: {}", &plot[..200]);
        }
        assert_eq!(plot.matches("class=\"axis\"").count(), 2);
        assert!(plot.contains("at most"));
    }
    for phase in ["arrive", "steady", "storm", "settle"] {
        assert!(page.contains(&format!(">{phase}</text>")), "{phase}");
    }
}

#[test]
fn a_stall_and_a_storm_stand_in_the_words_of_the_plot() {
    let words = plots::latency(&sample::run(1.0)).words();
    assert!(words.contains("p99: at most 510 ms at 3:35."), "{words}");
    let [work, _] = plots::rates(&sample::run(1.0));
    assert!(work.words().contains("at 2:30."), "{}", work.words());
}

#[test]
fn a_day_is_gathered_into_a_few_hundred_points_and_keeps_its_peaks() {
    let mut run = sample::run(1.0);
    let day = (0..86_400).map(|at_s| Second {
        at_s,
        p99_us: if at_s == 40_000 { 777_000 } else { 9_000 },
        devices: [("parked".to_owned(), 1_500)].into(),
        ..Second::default()
    });
    run.seconds = day.collect();
    run.duration_s = 86_400.0;
    let plot = plots::latency(&run);
    assert!(plot.lines.iter().all(|line| line.points.len() <= 301));
    assert!(plot.words().contains("at most 777 ms"), "{}", plot.words());
    let page = html::write(&run);
    sound(&page);
    assert!(page.len() < 1_000_000, "{}", page.len());
    assert!(page.contains("the highest of 288 seconds"));
}

#[test]
fn a_second_that_is_far_out_makes_no_long_plot() {
    let mut run = sample::run(1.0);
    run.seconds.push(Second {
        at_s: u32::MAX,
        answers: u64::MAX,
        ..Second::default()
    });
    assert!(html::write(&run).len() < 1_000_000);
}

#[test]
fn a_spectrum_without_a_histogram_is_drawn_from_what_is_known() {
    let mut run = sample::run(1.0);
    for latency in &mut run.latencies {
        latency.histogram.clear();
    }
    let plot = plots::spectrum(&run);
    assert!(plot.lines.iter().all(|line| line.points.len() >= 4));
}

#[test]
fn the_outcome_is_in_the_headline() {
    let mut run = sample::run(1.0);
    assert!(html::write(&run).contains("2 of 7 demands are missed."));
    run.truth.foreign = 1;
    assert!(html::write(&run).contains("an item of another user"));
    run.truth.foreign = 0;
    run.verdicts.retain(|verdict| verdict.met);
    assert!(html::write(&run).contains("All 5 demands are met."));
    run.verdicts.clear();
    assert!(html::write(&run).contains("not everything is right"));
}

#[test]
fn the_summary_has_latencies_truth_errors_and_verdicts() {
    let text = terminal::summary(&sample::run(1.0), false);
    assert!(!text.contains('\x1b'));
    for said in [
        "push to synced",
        "p99.9",
        "4,819 of 4,820 arrived",
        "1 lost",
        "http 503",
        "✕ missed  lost ≤ 0  found 1",
        "✓ met     errors ≤ 1 %  found 0.18 %",
        "11.6 KiB per device",
    ] {
        assert!(text.contains(said), "{said}\n{text}");
    }
    assert!(
        text.lines().all(|line| line.chars().count() <= 100),
        "{text}"
    );
    assert!(terminal::summary(&sample::run(1.0), true).contains("\x1b[31m✕ missed\x1b[0m"));
}

#[test]
fn nothing_that_a_server_says_steers_the_terminal() {
    let mut run = sample::run(1.0);
    run.server_software = "\x1b[2J\x07evil\r\n".to_owned();
    run.errors.insert("status \x1b]0;x\x07".to_owned(), 1);
    run.truth.findings.push("\u{9b}31m".to_owned());
    let text = terminal::summary(&run, false);
    let runs = [(String::new(), run.clone()), ("\x1bx".to_owned(), run)];
    let table = compare::terminal(&runs, false).unwrap();
    for c in (text + &table).chars() {
        assert!(c == '\n' || !c.is_control(), "{c:?}");
    }
}

#[test]
fn a_second_is_told_in_two_lines() {
    let run = sample::run(1.0);
    let at = sample::STALL_S as usize;
    let text = terminal::progress(&run.seconds[at], run.duration_s, false);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].starts_with("3:35 of 5:00  away "), "{text}");
    assert!(lines[0].contains("broken 60"), "{text}");
    assert!(
        lines[1].contains("answers 3/s") && lines[1].contains("p99 510 ms"),
        "{text}"
    );
    assert!(lines[1].contains("errors 30"), "{text}");
    let none = terminal::progress(&Second::default(), 0.0, false);
    assert!(none.contains("p50 –") && !none.contains("server"), "{none}");
}

#[test]
fn a_second_takes_the_place_of_the_one_before() {
    assert!(!terminal::in_place("a\nb", true).contains("\x1b[1A"));
    let next = terminal::in_place("a\nb", false);
    assert!(next.starts_with("\r\x1b[1A\x1b[J"), "{next:?}");
    // Whatever becomes of the tool, lines wrap again.
    assert!(next.ends_with("\x1b[?7h"), "{next:?}");
}

#[test]
fn a_comparison_shows_both_and_how_they_stand_to_each_other() {
    let (one, mut two) = (sample::run(1.0), sample::run(2.0));
    two.server_software = "Other/1".to_owned();
    let runs = [(String::new(), one), (String::new(), two)];
    let page = compare::html(&runs).unwrap();
    sound(&page);
    for said in [
        "Roost/0.1.0",
        "Other/1",
        "Server memory",
        "2×",
        "Percentiles of latency: push",
    ] {
        assert!(page.contains(said), "{said}");
    }
    assert!(!page.contains("Mind:"));
    let table = compare::terminal(&runs, false).unwrap();
    assert!(table.contains("(2×)") && !table.contains("Mind"), "{table}");
}

#[test]
fn runs_of_different_scenarios_are_compared_with_a_warning() {
    let (one, mut two) = (sample::run(1.0), sample::run(1.0));
    two.scenario = "park".to_owned();
    two.devices = 9;
    two.process = None;
    two.latencies.clear();
    two.seconds.truncate(10);
    let runs = [
        ("a".to_owned(), one.clone()),
        ("b".to_owned(), two),
        ("a".to_owned(), one),
    ];
    let page = compare::html(&runs).unwrap();
    sound(&page);
    assert!(
        page.contains("different scenarios (a: storm; b: park; a (2): storm)"),
        "{}",
        &page[..4_000]
    );
    assert!(page.contains("The number of devices differs"));
    assert!(
        compare::terminal(&runs, false)
            .unwrap()
            .contains("different scenarios")
    );
}

#[test]
fn one_run_alone_is_no_comparison() {
    let runs = [(String::new(), sample::run(1.0))];
    assert!(matches!(compare::html(&runs), Err(Error::OneRun)));
    assert!(matches!(compare::terminal(&[], false), Err(Error::OneRun)));
}

#[test]
fn runs_of_nothing_are_compared_without_a_fault() {
    let runs = [
        (String::new(), Run::default()),
        (String::new(), Run::default()),
    ];
    sound(&compare::html(&runs).unwrap());
}

#[test]
fn numbers_read_as_people_read_them() {
    let cases = [
        (Unit::Micros, 0.0, "0 µs"),
        (Unit::Micros, 940.0, "940 µs"),
        (Unit::Micros, 8_800.0, "8.80 ms"),
        (Unit::Micros, 999_600.0, "1.00 s"),
        (Unit::Micros, 75_000_000.0, "75.0 s"),
        (Unit::Bytes, 512.0, "512 B"),
        (Unit::Bytes, 4_096.0, "4.00 KiB"),
        (Unit::Bytes, 93_323_264.0, "89.0 MiB"),
        (Unit::Percent, 0.176, "0.18 %"),
        (Unit::Percent, 100.0, "100 %"),
        (Unit::Count, 1_234_567.0, "1,234,567"),
        (Unit::Count, 1.5, "1.5"),
        (Unit::Seconds, 42.0, "42 s"),
    ];
    for (unit, value, said) in cases {
        assert_eq!(unit.show(value), said);
    }
    assert_eq!(count(-12_345.0), "-12,345");
    assert_eq!(
        (duration(605.0), duration(86_400.0)),
        ("10 min 5 s".to_owned(), "24 h".to_owned())
    );
    assert_eq!(
        (clock(65.0, 100.0), clock(65.0, 300.0)),
        ("65 s".to_owned(), "1:05".to_owned())
    );
    assert_eq!(clock(5_400.0, 86_400.0), "1 h 30");
    assert_eq!(
        (ratio(5.0, 2.0), ratio(5.0, 0.0)),
        (Some("2.5×".to_owned()), None)
    );
    let said = [
        (1_000.0, 1.0),
        (1_204_223.0, 43.0),
        (1.0, 2_000.0),
        (0.0, 7.0),
    ];
    let said = said.map(|(value, to)| ratio(value, to).unwrap());
    assert_eq!(said, ["1,000×", "> 1,000×", "< 0.001×", "0×"]);
}

#[test]
fn moments_are_those_of_the_calendar() {
    assert_eq!(moment(0), "1970-01-01 00:00 UTC");
    assert_eq!(moment(951_782_400_000), "2000-02-29 00:00 UTC");
    assert_eq!(moment(1_709_251_199_000), "2024-02-29 23:59 UTC");
    assert_eq!(moment(1_795_910_400_000), "2026-11-29 00:00 UTC");
}

#[test]
fn axes_hold_their_values_and_have_marks_enough() {
    let mut dice = sample::Dice::new(3);
    for _ in 0..2_000 {
        let most = 10_f64.powf(dice.next() * 11.0);
        for unit in [
            Unit::Micros,
            Unit::Bytes,
            Unit::Count,
            Unit::Percent,
            Unit::Seconds,
        ] {
            let marks = unit.marks(most);
            assert!(
                (1..=12).contains(&marks.len()),
                "{unit:?} {most}: {marks:?}"
            );
            if most >= 8.0 {
                assert!(marks.len() >= 3, "{unit:?} {most}: {marks:?}");
            }
            let (high, marks) = unit.axis(most, 1.04);
            let top = marks.last().unwrap().0;
            assert!(
                top >= most * 0.999 && high >= most && top <= high * 1.001,
                "{unit:?} {most} in {high}: {marks:?}"
            );
            assert!(marks.len() <= 12 && high <= most.max(1.0) * 2.6);
        }
        let least = most * dice.next();
        let (low, high, marks) = Unit::Micros.powers(least, most);
        assert!(
            low <= least.max(1.0) && high >= most * 0.999,
            "{least} {most}"
        );
        assert!((2..=14).contains(&marks.len()), "{least} {most}: {marks:?}");
        assert!(marks.last().unwrap().0 >= most * 0.999, "{most}: {marks:?}");
    }
}

#[test]
fn runs_are_called_by_the_part_of_their_paths_that_differs() {
    let run = || sample::run(1.0);
    let runs = [
        ("out/friday/roost/run.json".to_owned(), run()),
        ("out/friday/sogo/run.json".to_owned(), run()),
    ];
    let table = compare::terminal(&runs, false).unwrap();
    let head = table.lines().find(|line| !line.is_empty()).unwrap();
    assert_eq!(
        head.split_whitespace().collect::<Vec<_>>(),
        ["roost", "sogo"]
    );
}

#[test]
fn the_demands_of_the_shipped_scenarios_are_understood() {
    for (name, _) in crate::load::shipped::SHIPPED {
        let scenario = crate::load::shipped::shipped(name).unwrap();
        demand::check(&scenario.demands).unwrap();
    }
}
