//! A run for the tests to show: 2,000 phones, a mail to everybody, and a server that stalls.
//!
//! It is made with dice of its own, so that every test sees the same one.

use super::demand;
use crate::load::Run;
use crate::load::measure::summary;
use crate::load::run::{FORMAT, Latency, Phase, Process, Second, Truth};
use hdrhistogram::Histogram;
use std::collections::BTreeMap;

/// When the mail to everybody comes, seconds.
pub(super) const STORM_S: u32 = 150;
/// When the server stalls, seconds.
pub(super) const STALL_S: u32 = 215;
const PHASES: [(&str, f64, f64); 4] = [
    ("arrive", 0.0, 60.0),
    ("steady", 60.0, 150.0),
    ("storm", 150.0, 180.0),
    ("settle", 180.0, 300.0),
];
const DEVICES: u32 = 2_000;

/// A small generator of even numbers (SplitMix64).
pub(super) struct Dice(u64);

impl Dice {
    /// From a seed.
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Between 0 and 1, never 0.
    pub(super) fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64 + f64::EPSILON
    }

    /// A time in microseconds around a median, with the long tail that servers have.
    fn latency(&mut self, median_us: f64) -> u64 {
        let bell = (-2.0 * self.next().ln()).sqrt() * (std::f64::consts::TAU * self.next()).cos();
        let tail = if self.next() < 0.004 { 6.0 } else { 1.0 };
        whole(median_us * (0.45 * bell).exp() * tail)
    }
}

fn whole(value: f64) -> u64 {
    format!("{:.0}", value.max(1.0)).parse().unwrap()
}

fn small(value: f64) -> u32 {
    format!("{:.0}", value.max(0.0)).parse().unwrap()
}

/// The run; `slower` multiplies the server's times and memory, so that two can be compared.
pub(super) fn run(slower: f64) -> Run {
    let mut dice = Dice::new(7);
    let mut run = Run {
        format: FORMAT,
        scenario: "storm".to_owned(),
        about: "2,000 phones wait; then one mail to everybody".to_owned(),
        server: "https://mail.example.org".to_owned(),
        server_software: "Roost/0.1.0".to_owned(),
        started_ms: 1_795_910_400_000,
        duration_s: 300.0,
        seed: 7,
        devices: DEVICES,
        ..Run::default()
    };
    run.phases = PHASES
        .iter()
        .map(|(name, from_s, to_s)| Phase {
            name: (*name).to_owned(),
            from_s: *from_s,
            to_s: *to_s,
        })
        .collect();
    run.seconds = (0..300).map(|s| second(s, slower, &mut dice)).collect();
    run.latencies = latencies(slower, &mut dice);
    run.errors = [("timeout", 23), ("closed", 41), ("http 503", 3)]
        .map(|(kind, n)| (kind.to_owned(), n))
        .into();
    run.counters = [
        ("mails injected", 2_410),
        ("resyncs", 4),
        ("tls resumed", 1_312),
        ("tls full", 2_018),
        ("bytes sent", 9_412_882),
        ("bytes received", 48_120_544),
    ]
    .map(|(name, n)| (name.to_owned(), n))
    .into();
    run.truth = truth();
    run.process = Some(process(31_000_000, 26_500.0 * slower, 66.0 * slower));
    run.tool = process(9_000_000, 11_900.0, 41.0);
    let demands: BTreeMap<String, String> = [
        ("push p99", "1500 ms"),
        ("Sync p50", "50 ms"),
        ("Sync p99", "100 ms"),
        ("lost", "0"),
        ("foreign", "0"),
        ("errors", "1 %"),
        ("tool bytes per device", "16 KiB"),
    ]
    .map(|(name, bound)| (name.to_owned(), bound.to_owned()))
    .into();
    run.verdicts = demand::evaluate(&demands, &run).unwrap();
    run
}

fn truth() -> Truth {
    Truth {
        expected: 4_820,
        arrived: 4_819,
        lost: 1,
        violations: [("Sync: MoreAvailable may not stand here".to_owned(), 2)].into(),
        findings: vec![
            "load17@example.org, device 1,016: mail 2,207 <b>\"never\" & nowhere</b>".to_owned(),
            "device 88: Sync: MoreAvailable may not stand here".to_owned(),
        ],
        ..Truth::default()
    }
}

fn process(begin_bytes: u64, per_device: f64, cpu_s: f64) -> Process {
    let parked_bytes = begin_bytes + whole(per_device * f64::from(DEVICES));
    Process {
        cpu_s,
        begin_bytes,
        max_bytes: parked_bytes + parked_bytes / 9,
        parked_bytes,
        parked: DEVICES - 4,
    }
}

/// How many devices are there, and how many are at work.
fn second(at_s: u32, slower: f64, dice: &mut Dice) -> Second {
    let at = f64::from(at_s);
    let since_storm = at - f64::from(STORM_S);
    let storm = if since_storm >= 0.0 {
        (-since_storm / (4.0 * slower)).exp()
    } else {
        0.0
    };
    let stalled = at_s == STALL_S || at_s == STALL_S + 1;
    let there = (at / 50.0).min(1.0) * f64::from(DEVICES);
    let arriving = if at < 52.0 { 40.0 } else { 0.0 };
    let busy = (arriving + 12.0 * dice.next() + 1_600.0 * storm).min(there);
    let stuck = if stalled { 240.0 } else { 0.0 };
    let broken = if (STALL_S..STALL_S + 8).contains(&at_s) {
        60.0
    } else {
        0.0
    };
    let connecting = arriving * dice.next();
    let parked = (there - busy - stuck - broken - connecting).max(0.0);
    let away = (f64::from(DEVICES) - parked - busy - stuck - broken - connecting).max(0.0);
    let wakes = whole(8.0 + 6.0 * dice.next() + 420.0 * storm);
    let answers = if at_s == STALL_S {
        3
    } else {
        whole(arriving * 5.0 + 30.0 + 20.0 * dice.next()) + 3 * wakes
    };
    let load = 1.0 + 5.0 * storm;
    let jitter = 0.8 + 0.4 * dice.next();
    let memory = 26_500.0 * slower * (there + 300.0 * storm);
    Second {
        at_s,
        devices: [
            ("parked", parked),
            ("busy", busy + stuck),
            ("connecting", connecting),
            ("broken", broken),
            ("away", away),
        ]
        .map(|(state, n)| (state.to_owned(), small(n)))
        .into(),
        answers,
        errors: if stalled {
            30
        } else {
            u64::from(at_s.is_multiple_of(41))
        },
        injected: if at_s == STORM_S {
            2_000
        } else {
            whole(2.0 * dice.next())
        },
        wakes,
        connections: whole(arriving + 2.0 * dice.next() + broken),
        bytes: answers * 3_100,
        p50_us: whole(4_100.0 * slower * load * jitter),
        p99_us: if stalled {
            510_000
        } else {
            whole(17_000.0 * slower * load * jitter)
        },
        push_p99_us: if at < 20.0 {
            0
        } else if stalled {
            530_000
        } else {
            whole(9_000.0 * slower * (1.0 + 90.0 * storm) * jitter)
        },
        server_cpu: Some(percent(
            4.0 + slower * (0.9 * arriving + 150.0 * storm) + jitter,
        )),
        server_bytes: Some(31_000_000 + whole(memory)),
        socket_bytes: Some(whole(there * 2_300.0 * (1.0 + storm))),
        tool_cpu: percent(2.0 + 0.5 * arriving + 90.0 * storm + jitter),
        tool_bytes: 9_000_000 + whole(11_900.0 * there),
        spectra: None,
    }
}

fn percent(value: f64) -> f32 {
    f32::from(u16::try_from(whole(value * 10.0)).unwrap()) / 10.0
}

/// Each operation in each phase, and over all of them.
fn latencies(slower: f64, dice: &mut Dice) -> Vec<Latency> {
    const OPERATIONS: [(&str, f64, u32, bool); 8] = [
        ("push", 9_000.0, 1_400, true),
        ("push to synced", 21_000.0, 1_400, true),
        ("Sync", 6_100.0, 5_200, true),
        ("FolderSync", 4_200.0, 800, false),
        ("SendMail", 19_000.0, 260, true),
        ("Provision", 2_600.0, 2_000, false),
        ("connect", 380.0, 900, false),
        ("handshake", 2_900.0, 900, false),
    ];
    let mut all = Vec::new();
    for (what, median_us, count, storms) in OPERATIONS {
        let mut whole_run = Histogram::<u64>::new(3).unwrap();
        for (phase, ..) in PHASES {
            let mut histogram = Histogram::<u64>::new(3).unwrap();
            let storm = phase == "storm" && storms;
            for i in 0..count {
                let stalled = phase == "settle" && f64::from(i) < f64::from(count) * 0.012;
                let load = if storm { 1.0 + 25.0 * dice.next() } else { 1.0 };
                let stall = if stalled {
                    dice.next() * 500_000.0
                } else {
                    0.0
                };
                let us = dice.latency(median_us * slower * load) + whole(stall);
                histogram.record(us).unwrap();
            }
            whole_run.add(&histogram).unwrap();
            all.push(summary(what, phase, &histogram));
        }
        all.push(summary(what, "", &whole_run));
    }
    all
}
