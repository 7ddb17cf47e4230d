//! The seconds of several agents as those of one run: added up, percentiles from added histograms.

use crate::load::measure::{at, histogram};
use crate::load::report::hdr;
use crate::load::run::Second;
use hdrhistogram::Histogram;
use std::collections::BTreeMap;

/// A second that not all agents have told yet.
struct Open {
    sum: Second,
    quick: Histogram<u64>,
    push: Histogram<u64>,
}

/// Seconds as they come.
#[derive(Default)]
pub(super) struct Series {
    open: BTreeMap<u32, Open>,
    closed: Vec<Second>,
}

impl Series {
    /// Adds a second of one agent.
    pub(super) fn add(&mut self, second: Second) {
        let known = u32::try_from(self.closed.len()).unwrap_or(u32::MAX);
        if second.at_s < known {
            // It comes from an agent that was given up.
            return;
        }
        let open = self.open.entry(second.at_s).or_insert_with(|| Open {
            sum: Second {
                at_s: second.at_s,
                ..Second::default()
            },
            quick: histogram(),
            push: histogram(),
        });
        if let Some(spectra) = &second.spectra {
            for (text, found) in [
                (&spectra.quick, &mut open.quick),
                (&spectra.push, &mut open.push),
            ] {
                if let Ok(more) = hdr::read("a second", text) {
                    // It resizes itself, so nothing is out of its range.
                    let _ = found.add(more);
                }
            }
        }
        let sum = &mut open.sum;
        for (state, n) in second.devices {
            *sum.devices.entry(state).or_default() += n;
        }
        sum.answers += second.answers;
        sum.errors += second.errors;
        sum.injected += second.injected;
        sum.wakes += second.wakes;
        sum.connections += second.connections;
        sum.bytes += second.bytes;
        sum.tool_cpu += second.tool_cpu;
        sum.tool_bytes += second.tool_bytes;
    }

    /// Nobody has anything more to say of the seconds before this one; those that were closed by it.
    pub(super) fn close(&mut self, before: u32) -> &[Second] {
        let from = self.closed.len();
        while u32::try_from(self.closed.len()).is_ok_and(|next| next < before) {
            let at_s = u32::try_from(self.closed.len()).unwrap_or(u32::MAX);
            let mut second = Second {
                at_s,
                ..Second::default()
            };
            if let Some(open) = self.open.remove(&at_s) {
                second = open.sum;
                (second.p50_us, second.p99_us) = (at(&open.quick, 0.5), at(&open.quick, 0.99));
                second.push_p99_us = at(&open.push, 0.99);
            }
            self.closed.push(second);
        }
        self.closed.get(from..).unwrap_or_default()
    }

    /// All of them.
    pub(super) fn finish(mut self) -> Vec<Second> {
        if let Some((last, _)) = self.open.last_key_value() {
            self.close(last.saturating_add(1));
        }
        self.closed
    }
}
