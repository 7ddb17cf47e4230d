//! Everything at once, from a seed, through the whole protocol: users with phones of every version,
//! mail that comes in, other clients, a network that loses, doubles and delays requests, a store
//! that fails, kills and restarts, and time that passes. What has to hold then is in `settle` and in
//! `world`; the oracles are listed in `broken`.
//!
//! A phone is the device model of `roost-load`, which knows the protocol by itself and nothing of
//! the server. A failing seed prints itself, the steps that are left when all others are taken out,
//! and the first difference. Seeds that once failed stand in `seeds.txt`, and are run first.
//!
//! `ROOST_SIM_SEEDS` (how many), `ROOST_SIM_FROM` (the first), `ROOST_SIM_STEPS` (of each) make longer
//! runs, `ROOST_SIM_SEED` one. Ten million steps, at speed:
//!
//! ```text
//! ROOST_SIM_SEEDS=5000 ROOST_SIM_STEPS=2000 cargo test --profile sim --test sim every
//! ```

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    reason = "a test may panic"
)]

mod appliance;
mod broken;
mod deeds;
mod ledger;
mod phone;
mod planted;
mod random;
#[path = "../e2e/samples.rs"]
#[allow(dead_code, reason = "shared with the end-to-end tests")]
mod samples;
mod settle;
mod shrink;
mod step;
mod twice;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use broken::{Broken, Oracle};
use planted::{Fault, Planted};
use step::Step;
use world::World;

// The system's own is slower by half.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SEEDS: u64 = 24;
const STEPS: usize = 600;
/// Runs that shrinking may take.
const TRIES: usize = 400;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|n| n.parse().unwrap())
}

/// What a run breaks.
fn run(seed: u64, steps: &[Step], fault: Option<Fault>) -> Option<Broken> {
    let run = AssertUnwindSafe(|| World::new(seed, Planted::of(fault)).run(steps));
    match catch_unwind(run) {
        Ok(held) => held.err(),
        Err(panic) => {
            let said = panic.downcast_ref::<String>().cloned();
            let said = said.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
            Some(Broken::new(Oracle::Internal, said.unwrap_or_default()))
        }
    }
}

fn report(seed: u64, steps: &[Step], first: &Broken) {
    let left = shrink::shrink(steps, first.oracle, TRIES, |steps| run(seed, steps, None));
    let mut world = World::new(seed, Planted::of(None));
    world.story = Some(Vec::new());
    let then = catch_unwind(AssertUnwindSafe(|| world.run(&left)));
    panic!(
        "seed {seed}, {} steps: {first:?}\n{} of them do it: {left:?}\n{}\n{then:?}",
        steps.len(),
        left.len(),
        world.story.unwrap_or_default().join("\n"),
    );
}

/// Seeds that once failed: the number, the steps, and why.
fn kept() -> Vec<(u64, usize)> {
    let lines = include_str!("seeds.txt").lines();
    let lines = lines.filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| {
            let mut words = line.split_whitespace();
            let mut number = || words.next().unwrap().parse::<u64>().unwrap();
            (number(), number() as usize)
        })
        .collect()
}

#[test]
fn every_promise_holds_whatever_happens() {
    let steps = setting("ROOST_SIM_STEPS").map_or(STEPS, |n| n as usize);
    let from = setting("ROOST_SIM_FROM").unwrap_or(0);
    let mut runs = kept();
    match setting("ROOST_SIM_SEED") {
        Some(seed) => runs = vec![(seed, steps)],
        None => {
            let seeds = setting("ROOST_SIM_SEEDS").unwrap_or(SEEDS);
            runs.extend((from..from + seeds).map(|seed| (seed, steps)));
        }
    }
    let next = AtomicU64::new(0);
    let work = || {
        loop {
            let at = usize::try_from(next.fetch_add(1, Ordering::Relaxed)).unwrap();
            let Some((seed, count)) = runs.get(at).copied() else {
                return;
            };
            let steps = step::plan(seed, count);
            if let Some(broken) = run(seed, &steps, None) {
                report(seed, &steps, &broken);
            }
        }
    };
    thread::scope(|scope| {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            if let Err(panic) = worker.join() {
                std::panic::resume_unwind(panic);
            }
        }
    });
    println!(
        "{} runs, {} steps",
        runs.len(),
        runs.iter().map(|(_, n)| n).sum::<usize>()
    );
}

/// Each oracle catches what it is there for.
#[test]
fn planted_faults_are_found() {
    for (fault, oracle) in [
        (Fault::AddsTwice, Oracle::Protocol),
        (Fault::LosesAdd, Oracle::Convergence),
        (Fault::LosesChange, Oracle::Convergence),
        (Fault::Forgets, Oracle::Lost),
        (Fault::DeliversTwice, Oracle::ExactlyOnce),
        (Fault::Resurrects, Oracle::Resurrected),
        (Fault::Reverts, Oracle::LastWriter),
        (Fault::LosesConflicts, Oracle::Conflict),
        (Fault::Swallows, Oracle::Wake),
        (Fault::Hoards, Oracle::Generations),
        (Fault::LosesIndex, Oracle::Whole),
        (Fault::Fails, Oracle::Internal),
        (Fault::NeverEnds, Oracle::Quiescence),
        (Fault::StandsInBadly, Oracle::Quiescence),
        (Fault::KeepsBack, Oracle::Convergence),
    ] {
        let find = |seed| run(seed, &step::plan(seed, 400), Some(fault));
        let found = (0..40)
            .filter_map(find)
            .any(|broken| broken.oracle == oracle);
        assert!(found, "{oracle:?} does not find {fault:?}");
    }
}

/// What a failing run is made of is found.
#[test]
fn a_failing_run_is_shrunk() {
    let fault = Some(Fault::Swallows);
    let failing = (0..12).find_map(|seed| {
        let steps = step::plan(seed, 300);
        run(seed, &steps, fault).map(|broken| (seed, steps, broken))
    });
    let (seed, steps, broken) = failing.unwrap();
    let left = shrink::shrink(&steps, broken.oracle, 200, |steps| run(seed, steps, fault));
    assert!(left.len() < 100, "{} steps are left", left.len());
}
