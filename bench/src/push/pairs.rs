//! What is measured of both servers in turn, block by block, while both are up: ratios of a moment.

use crate::push::alone::warm_up;
use crate::push::stats::{median, quantile};
use crate::push::table::{Rows, Size, each, of};
use crate::push::trial::{KINDS, Kind, TLS13, Trial, Wire, rest};
use std::path::Path;

/// Turns of each server, of a kind of work.
const TURNS: usize = 6;
/// The same of single wakes: short ones, since how soon a thread runs that was woken depends on
/// where the scheduler had put it, and stays so for a while.
const TURNS_OF_WAKES: usize = 20;
/// A fleet that was told something stays awake for half a second, and would be in the other's way.
const ASLEEP_MS: u64 = 600;

/// Single wakes, storms and new connections of both.
pub(super) fn measure(folders: [&Path; 2], size: Size, wire: Wire<'_>, rows: &mut Rows) {
    let mut both = start(folders, size, wire);
    for (_, trial) in &mut both {
        warm_up(trial, size);
        trial.fleet(&format!("park 0 {}", size.storm));
        trial.wait_parked(size.storm as u64);
    }
    trickle(&mut both, size, rows);
    storm(&mut both, size, rows);
    drop(both);
    for resumes in [false, true] {
        let wire = Wire { resumes, ..TLS13 };
        connections(&mut start(folders, size, wire), size, rows, resumes);
    }
}

type Both = [(Kind, Trial); 2];

fn start(folders: [&Path; 2], size: Size, wire: Wire<'_>) -> Both {
    let [roost, reference] = folders;
    let trial = |kind, folder| (kind, Trial::start(kind, folder, size.phones, wire));
    [trial(KINDS[0], roost), trial(KINDS[1], reference)]
}

/// Runs a turn of each again and again.
fn alternate(both: &mut Both, turns: usize, mut turn: impl FnMut(Kind, &mut Trial, usize)) {
    for n in 0..turns {
        for (kind, trial) in both.iter_mut() {
            rest(ASLEEP_MS);
            turn(*kind, trial, n);
        }
    }
}

fn trickle(both: &mut Both, size: Size, rows: &mut Rows) {
    let mut waits = [Vec::new(), Vec::new()];
    let wakes = size.trickle / TURNS_OF_WAKES;
    alternate(both, TURNS_OF_WAKES, |kind, trial, turn| {
        for n in 0..wakes {
            let user = (turn * wakes + n) * 7 % size.storm;
            let [roost, reference] = &mut waits;
            let waits = match kind {
                Kind::Roost => roost,
                Kind::Reference => reference,
            };
            waits.extend(trial.wake(user, user + 1).0);
            trial.fleet(&format!("park {user} {}", user + 1));
            trial.wait_parked(size.storm as u64);
        }
    });
    for (kind, mut waits) in KINDS.into_iter().zip(waits) {
        of(&mut rows.p50, kind).push(quantile(&mut waits, 0.5));
        of(&mut rows.p99, kind).push(quantile(&mut waits, 0.99));
    }
}

fn storm(both: &mut Both, size: Size, rows: &mut Rows) {
    let (mut times, mut cpu) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    alternate(both, TURNS, |kind, trial, _| {
        let at = usize::from(kind == Kind::Reference);
        let begun = trial.cpu_us();
        let all = trial.storm(0, size.storm);
        let used = trial.cpu_us() - begun;
        if let (Some(times), Some(cpu)) = (times.get_mut(at), cpu.get_mut(at)) {
            times.push(all / 1_000.0);
            cpu.push(each(used, size.storm as u64));
        }
        trial.fleet(&format!("park 0 {}", size.storm));
        trial.wait_parked(size.storm as u64);
    });
    for ((kind, times), cpu) in KINDS.into_iter().zip(times).zip(cpu) {
        of(&mut rows.storm, kind).push(median(&times));
        of(&mut rows.storm_cpu, kind).push(median(&cpu));
    }
}

/// New connections with one request each.
fn connections(both: &mut Both, size: Size, rows: &mut Rows, resumes: bool) {
    let count = size.storm.min(3_000) / TURNS;
    for (_, trial) in both.iter_mut() {
        trial.fleet("connections 300");
    }
    let mut cpu = [Vec::new(), Vec::new()];
    alternate(both, TURNS, |kind, trial, _| {
        let begun = trial.cpu_us();
        trial.fleet(&format!("connections {count}"));
        let used = each(trial.cpu_us() - begun, count as u64);
        if let Some(cpu) = cpu.get_mut(usize::from(kind == Kind::Reference)) {
            cpu.push(used);
        }
    });
    let row = if resumes {
        &mut rows.resumed
    } else {
        &mut rows.handshake
    };
    for (kind, cpu) in KINDS.into_iter().zip(cpu) {
        of(row, kind).push(median(&cpu));
    }
}
