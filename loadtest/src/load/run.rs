//! What came of a run: the one value that reports, comparisons and exit codes are made of.
//!
//! Latencies count from the intended start of an operation, so that a stall of the server shows in
//! all that was to begin meanwhile. Deliberately absent: how any of it is shown.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The format that [`Run`] is written in; a reader refuses others.
pub const FORMAT: u32 = 1;

/// A run of a scenario, as a whole.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Run {
    /// [`FORMAT`].
    pub format: u32,
    /// The scenario's name.
    pub scenario: String,
    /// One line that says what it is about.
    pub about: String,
    /// The server, as the user named it (`https://mail.example.org`).
    pub server: String,
    /// What the server says it is (its `Server` header), or empty.
    pub server_software: String,
    /// When it began, Unix milliseconds.
    pub started_ms: u64,
    /// How long it took, seconds.
    pub duration_s: f64,
    /// What all dice came from.
    pub seed: u64,
    /// Devices that took part.
    pub devices: u32,
    /// Agents that shared the work; 0: one process did it alone.
    #[serde(default, skip_serializing_if = "is_none")]
    pub agents: u32,
    /// Parts of the run, in order.
    pub phases: Vec<Phase>,
    /// Latencies by operation and phase.
    pub latencies: Vec<Latency>,
    /// What each second looked like.
    pub seconds: Vec<Second>,
    /// Totals, by the name of the counter (see the manual).
    pub counters: BTreeMap<String, u64>,
    /// Errors by kind: `connect`, `tls`, `timeout`, `closed`, `http 503`, `status Sync 3`, ...
    pub errors: BTreeMap<String, u64>,
    /// Whether what arrived is right.
    pub truth: Truth,
    /// The server's process, where it runs on this machine.
    pub process: Option<Process>,
    /// This tool's own process.
    pub tool: Process,
    /// What the scenario demands, and whether it was met.
    pub verdicts: Vec<Verdict>,
}

/// A part of a run.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Phase {
    /// Its name.
    pub name: String,
    /// Seconds from the start of the run.
    pub from_s: f64,
    /// Seconds from the start of the run.
    pub to_s: f64,
}

/// The latencies of one kind of operation in one phase, in microseconds.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Latency {
    /// A command (`Sync`, `FolderSync`, ...), `connect`, `handshake`, or a wake: `push` (commit
    /// acknowledged to the first byte at the device) and `push to synced`.
    pub what: String,
    /// The phase, or empty for all of them.
    pub phase: String,
    /// How many there were.
    pub count: u64,
    /// The fastest.
    pub min_us: u64,
    /// Half were faster.
    pub p50_us: u64,
    /// Nine of ten.
    pub p90_us: u64,
    /// 99 of 100.
    pub p99_us: u64,
    /// 999 of 1,000.
    pub p999_us: u64,
    /// The slowest.
    pub max_us: u64,
    /// The mean.
    pub mean_us: f64,
    /// All of them: an HDR histogram (V2, deflated, base64).
    pub histogram: String,
}

/// One second of a run.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Second {
    /// Seconds from the start.
    pub at_s: u32,
    /// Devices by state: `away`, `connecting`, `busy`, `parked`, `broken`.
    pub devices: BTreeMap<String, u32>,
    /// Answers.
    pub answers: u64,
    /// Errors.
    pub errors: u64,
    /// Changes that were injected and acknowledged.
    pub injected: u64,
    /// Waiting requests that were answered because of a change.
    pub wakes: u64,
    /// Connections that were made.
    pub connections: u64,
    /// Bytes sent and received, above TLS.
    pub bytes: u64,
    /// The median latency of commands that do not wait, microseconds; 0: there were none.
    pub p50_us: u64,
    /// Their 99th percentile.
    pub p99_us: u64,
    /// The 99th percentile of `push`; 0: there was none.
    pub push_p99_us: u64,
    /// The server's CPU in percent of one core, where it runs on this machine.
    pub server_cpu: Option<f32>,
    /// The server's resident memory, bytes, where it runs on this machine.
    pub server_bytes: Option<u64>,
    /// The kernel's memory of TCP sockets on this machine, bytes (both ends, if both are here).
    pub socket_bytes: Option<u64>,
    /// This tool's CPU in percent of one core.
    pub tool_cpu: f32,
    /// This tool's resident memory, bytes.
    pub tool_bytes: u64,
    /// What the percentiles come from, on its way to where those of several agents are added. A run
    /// that is written has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spectra: Option<Box<Spectra>>,
}

/// The latencies of a second: HDR histograms (V2, deflated, base64), or empty where there were none.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Spectra {
    /// Of commands that do not wait.
    pub quick: String,
    /// Of `push`.
    pub push: String,
}

/// Not said where it is nothing.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_none(n: &u32) -> bool {
    *n == 0
}

/// Whether what arrived is what was sent.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Truth {
    /// Items that were injected and acknowledged, times the devices that have to show them.
    pub expected: u64,
    /// Of these, those that arrived.
    pub arrived: u64,
    /// Those that did not.
    pub lost: u64,
    /// Items that a device holds twice.
    pub doubled: u64,
    /// Items that a device was told of again though they had been deleted.
    pub resurrected: u64,
    /// Items of another user: an alarm.
    pub foreign: u64,
    /// Items whose marks differ from the last that was set.
    pub stale: u64,
    /// Devices that did not come to their last look: what they lack proves nothing, and is not counted.
    #[serde(default)]
    pub unseen: u32,
    /// Breaches of the protocol, by what they are.
    pub violations: BTreeMap<String, u64>,
    /// One example of each of them, in words.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub examples: BTreeMap<String, String>,
    /// Some of what was found, in words.
    pub findings: Vec<String>,
}

impl Truth {
    /// Whether all is right.
    #[must_use]
    pub fn holds(&self) -> bool {
        let wrong = [
            self.lost,
            self.doubled,
            self.resurrected,
            self.foreign,
            self.stale,
        ];
        wrong.iter().all(|n| *n == 0) && self.violations.is_empty() && self.unseen == 0
    }
}

/// A process over the run.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Process {
    /// Seconds of CPU.
    pub cpu_s: f64,
    /// Resident memory before the devices came, bytes.
    pub begin_bytes: u64,
    /// The most resident memory, bytes.
    pub max_bytes: u64,
    /// Resident memory while the most devices were parked, bytes.
    pub parked_bytes: u64,
    /// The most devices that were parked at one time.
    pub parked: u32,
}

/// A demand and what was found.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Verdict {
    /// The demand as the scenario words it, such as `push p99 <= 250 ms`.
    pub demand: String,
    /// What was found, with its unit.
    pub found: String,
    /// Whether it was met.
    pub met: bool,
}

impl Run {
    /// Whether every demand was met.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.verdicts.iter().all(|verdict| verdict.met)
    }

    /// The latencies of a kind of operation over all phases.
    #[must_use]
    pub fn latency(&self, what: &str) -> Option<&Latency> {
        let of_all = |l: &&Latency| l.what == what && l.phase.is_empty();
        self.latencies.iter().find(of_all)
    }
}
