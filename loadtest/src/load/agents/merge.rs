//! The runs of several agents as one.

use crate::load::measure::{histogram, summary};
use crate::load::report::{self, hdr};
use crate::load::run::{FORMAT, Latency, Phase, Process, Run, Truth};
use hdrhistogram::Histogram;
use std::collections::{BTreeMap, BTreeSet};

/// Findings that are kept in words, as in the run of one process.
const FINDINGS_MAX: usize = 100;

/// One run out of the parts of it: histograms, counters and findings added. Its seconds and verdicts
/// are not: the ones have come one by one, and the others are about the whole.
///
/// # Errors
/// [`report::Error::Histogram`] where a part's is none.
pub fn merge(parts: &[Run]) -> Result<Run, report::Error> {
    let mut run = Run {
        format: FORMAT,
        agents: u32::try_from(parts.len()).unwrap_or(u32::MAX),
        ..Run::default()
    };
    let (mut servers, mut software) = (Vec::new(), BTreeSet::new());
    for part in parts {
        run.scenario.clone_from(&part.scenario);
        run.about.clone_from(&part.about);
        run.seed = part.seed;
        if !servers.contains(&part.server) {
            servers.push(part.server.clone());
        }
        let named = part.server_software.split(", ").filter(|s| !s.is_empty());
        software.extend(named.map(str::to_owned));
        run.started_ms = match run.started_ms {
            0 => part.started_ms,
            ms => ms.min(part.started_ms),
        };
        run.duration_s = run.duration_s.max(part.duration_s);
        run.devices += part.devices;
        add(&mut run.counters, &part.counters);
        add(&mut run.errors, &part.errors);
        truth(&mut run.truth, &part.truth);
        process(&mut run.tool, &part.tool);
        phases(&mut run.phases, &part.phases);
    }
    findings(&mut run.truth, parts);
    run.server = servers.join(", ");
    run.server_software = software.into_iter().collect::<Vec<_>>().join(", ");
    run.latencies = latencies(parts)?;
    Ok(run)
}

fn add(all: &mut BTreeMap<String, u64>, more: &BTreeMap<String, u64>) {
    for (name, n) in more {
        *all.entry(name.clone()).or_default() += n;
    }
}

fn truth(all: &mut Truth, more: &Truth) {
    all.expected += more.expected;
    all.arrived += more.arrived;
    all.lost += more.lost;
    all.doubled += more.doubled;
    all.resurrected += more.resurrected;
    all.foreign += more.foreign;
    all.stale += more.stale;
    all.unseen += more.unseen;
    add(&mut all.violations, &more.violations);
    for (kind, example) in &more.examples {
        let known = all.examples.entry(kind.clone());
        known.or_insert_with(|| example.clone());
    }
}

/// Findings of all in turn: one that found much does not hide what the others found.
fn findings(all: &mut Truth, parts: &[Run]) {
    let longest = parts.iter().map(|part| part.truth.findings.len()).max();
    let in_turn = (0..longest.unwrap_or(0)).flat_map(|i| {
        let nth = move |part: &Run| part.truth.findings.get(i).cloned();
        parts.iter().filter_map(nth)
    });
    all.findings = in_turn.take(FINDINGS_MAX).collect();
}

/// The sum of what processes took. Their peaks need not have been at one time: the sum is the most that
/// it can have been.
pub(super) fn process(all: &mut Process, more: &Process) {
    all.cpu_s += more.cpu_s;
    all.begin_bytes += more.begin_bytes;
    all.max_bytes += more.max_bytes;
    all.parked_bytes += more.parked_bytes;
    all.parked += more.parked;
}

/// A phase lasts from when the first began it to when the last left it.
fn phases(all: &mut Vec<Phase>, more: &[Phase]) {
    for phase in more {
        match all.iter_mut().find(|known| known.name == phase.name) {
            Some(known) => {
                known.from_s = known.from_s.min(phase.from_s);
                known.to_s = known.to_s.max(phase.to_s);
            }
            None => all.push(phase.clone()),
        }
    }
}

fn latencies(parts: &[Run]) -> Result<Vec<Latency>, report::Error> {
    let mut merged: BTreeMap<(&str, &str), Histogram<u64>> = BTreeMap::new();
    for latency in parts.iter().flat_map(|part| &part.latencies) {
        let found = hdr::decode(latency)?;
        let key = (latency.what.as_str(), latency.phase.as_str());
        // It resizes itself, so nothing is out of its range.
        let _ = merged.entry(key).or_insert_with(histogram).add(found);
    }
    let one =
        |((what, phase), found): (&(&str, &str), &Histogram<u64>)| summary(what, phase, found);
    Ok(merged.iter().map(one).collect())
}
