//! Operations in turn, so that whatever else the machine does hits all of them alike: their figures
//! relate to each other even where the absolute times mean little.

use crate::alloc::allocations;
use crate::operation::{Operation, Run};
use crate::wait::timed;
use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Duration;

/// Turns of each operation.
const TURNS: usize = 61;
/// How long a turn is to take: well below a time slice, so that many turns are not interrupted.
const TURN: Duration = Duration::from_micros(1_500);
/// Which of the turns counts, the quickest first: a lower quartile, since whatever else runs makes
/// turns slower and never quicker.
const COUNTS: usize = TURNS / 4;

/// What came out for an operation.
pub struct Figures {
    /// Its name.
    pub name: String,
    /// Nanoseconds for each item: the lower quartile of the turns.
    pub ns: f64,
    /// Allocations for each item.
    pub allocations: f64,
}

struct Entrant {
    name: String,
    items: u32,
    run: Run,
    runs: u32,
    turns: Vec<f64>,
}

/// Whether this process measures: `cargo bench` says so, `cargo test` runs everything once only.
#[must_use]
pub fn measures() -> bool {
    std::env::args().any(|arg| arg == "--bench")
}

/// Allocations for each item of an operation that has run before.
pub fn allocations_per_item(run: &mut Run, items: u32) -> f64 {
    const RUNS: u32 = 10;
    run();
    let count = allocations(|| (0..RUNS).for_each(|_| once(run)));
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let count = count as f64;
    count / f64::from(RUNS * items)
}

fn once(run: &mut Run) {
    black_box(run());
}

/// Runs the operations in turn.
#[must_use]
pub fn hold(operations: Vec<Operation>) -> Vec<Figures> {
    let mut entrants: Vec<_> = operations.into_iter().map(Entrant::new).collect();
    for _ in 0..TURNS {
        entrants.iter_mut().for_each(Entrant::turn);
    }
    entrants.into_iter().map(Entrant::figures).collect()
}

impl Entrant {
    fn new(operation: Operation) -> Self {
        let (name, items) = (operation.name.clone(), operation.items);
        let mut run = operation.prepare();
        let mut runs = 1;
        (0..3).for_each(|_| once(&mut run));
        while timed(|| (0..runs).for_each(|_| once(&mut run))) < TURN && runs < 1 << 20 {
            runs *= 2;
        }
        Self {
            name,
            items,
            run,
            runs,
            turns: Vec::new(),
        }
    }

    fn turn(&mut self) {
        let time = timed(|| (0..self.runs).for_each(|_| once(&mut self.run)));
        let ns = time.as_secs_f64() * 1e9;
        self.turns
            .push(ns / f64::from(self.runs) / f64::from(self.items));
    }

    fn figures(mut self) -> Figures {
        self.turns.sort_by(f64::total_cmp);
        Figures {
            ns: self.turns.get(COUNTS).copied().unwrap_or(f64::NAN),
            allocations: allocations_per_item(&mut self.run, self.items),
            name: self.name,
        }
    }
}

/// A table of figures, each beside the one named `reference` of its group.
#[must_use]
pub fn table(figures: &[Figures], reference: &str) -> String {
    let mut out = format!(
        "{:24} {:>10} {:>12} {:>12}\n",
        "", "ns/item", "allocs/item", reference
    );
    for f in figures {
        let group = f.name.split('/').next().unwrap_or_default();
        let of = figures
            .iter()
            .find(|o| o.name == format!("{group}/{reference}"));
        let ratio = of.map_or(f64::NAN, |of| f.ns / of.ns);
        let (name, ns, allocations) = (&f.name, f.ns, f.allocations);
        // Writing to a string does not fail.
        let _ = writeln!(out, "{name:24} {ns:10.1} {allocations:12.2} {ratio:11.2}x");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_relates_to_the_reference_of_the_group() {
        let figures = |name: &str, ns| Figures {
            name: name.to_owned(),
            ns,
            allocations: 0.5,
        };
        let all = [
            figures("a/encode", 50.0),
            figures("a/naive", 400.0),
            figures("b/encode", 10.0),
        ];
        let table = table(&all, "encode");
        let ratios: Vec<_> = table
            .lines()
            .filter_map(|l| l.split_whitespace().last())
            .collect();
        assert_eq!(ratios, ["encode", "1.00x", "8.00x", "1.00x"]);
    }
}
