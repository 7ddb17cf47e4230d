//! What can be said of a run in one number, by name: the measures that demands are made of, that
//! stand on tiles and that runs are compared by.

use super::units::Unit;
use crate::load::Run;
use crate::load::run::{Latency, Process};
use crate::query::Command;

const DAY_S: f64 = 86_400.0;

/// Latencies besides those of commands; those of wakes first.
pub(super) const WAKES: [&str; 8] = [
    "push",
    "push to synced",
    "connect",
    "handshake",
    "OPTIONS",
    "mail in",
    "event in",
    "contact in",
];

/// Commands by name.
const COMMANDS: [Command; 18] = [
    Command::Sync,
    Command::SendMail,
    Command::SmartForward,
    Command::SmartReply,
    Command::GetHierarchy,
    Command::FolderSync,
    Command::FolderCreate,
    Command::FolderDelete,
    Command::FolderUpdate,
    Command::MoveItems,
    Command::GetItemEstimate,
    Command::MeetingResponse,
    Command::Search,
    Command::Settings,
    Command::Ping,
    Command::ItemOperations,
    Command::Provision,
    Command::Find,
];

/// Parts of a latency by name.
pub(super) const QUANTILES: [&str; 7] = ["p50", "p90", "p99", "p99.9", "max", "mean", "min"];

/// Measures of a run as a whole: name, unit, what they are a part of (for demands in percent), and
/// how they are taken.
pub(super) const WHOLE: &[(&str, Unit, Option<&str>)] = &[
    ("lost", Unit::Count, Some("expected")),
    ("doubled", Unit::Count, Some("expected")),
    ("resurrected", Unit::Count, Some("expected")),
    ("foreign", Unit::Count, Some("expected")),
    ("stale", Unit::Count, Some("expected")),
    ("violations", Unit::Count, Some("answers")),
    ("expected", Unit::Count, None),
    ("arrived", Unit::Count, Some("expected")),
    ("errors", Unit::Count, Some("answers and errors")),
    ("answers", Unit::Count, None),
    ("answers and errors", Unit::Count, None),
    ("answers per second", Unit::Count, None),
    ("wakes", Unit::Count, None),
    ("injected", Unit::Count, None),
    ("connections", Unit::Count, None),
    ("devices", Unit::Count, None),
    ("parked", Unit::Count, Some("devices")),
    ("wakes per device and day", Unit::Count, None),
    ("connections per device and day", Unit::Count, None),
    ("bytes per device and day", Unit::Bytes, None),
    ("server bytes", Unit::Bytes, None),
    ("server bytes per device", Unit::Bytes, None),
    ("server cpu", Unit::Percent, None),
    ("tool bytes", Unit::Bytes, None),
    ("tool bytes per device", Unit::Bytes, None),
    ("tool cpu", Unit::Percent, None),
    ("duration", Unit::Seconds, None),
];

/// Counters of a run; one that is not there is 0.
pub(super) const COUNTERS: &[&str] = &[
    "acts",
    "acts that failed",
    "acts without a folder",
    "acts without an item",
    "answers lost on purpose",
    "connections resumed",
    "gave up",
    "half-open on purpose",
    "heartbeats shortened",
    "hollow wakes",
    "kept connections closed",
    "reconnects on purpose",
    "repeats",
    "resyncs",
    "retry-after",
    "vanished",
];

/// A measure that was asked for by its name.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Measure {
    /// Of [`WHOLE`].
    Whole(&'static str, Unit, Option<&'static str>),
    /// `Sync p99`, `Sync p99 in storm`.
    Latency {
        /// The operation.
        what: String,
        /// Which of [`QUANTILES`].
        quantile: &'static str,
        /// The phase, or empty.
        phase: String,
    },
    /// `errors http 503`.
    Error(String),
    /// `counter NAME`.
    Counter(String),
}

impl Measure {
    /// The measure of that name; none: there is no such measure.
    pub(super) fn named(name: &str) -> Option<Self> {
        if let Some((name, unit, of)) = WHOLE.iter().find(|row| row.0 == name) {
            return Some(Self::Whole(name, *unit, *of));
        }
        if let Some(kind) = name.strip_prefix("errors ") {
            return Some(Self::Error(kind.trim().to_owned()));
        }
        if let Some(counter) = name.strip_prefix("counter ") {
            return Some(Self::Counter(counter.trim().to_owned()));
        }
        let (latency, phase) = name.split_once(" in ").unwrap_or((name, ""));
        let (what, quantile) = latency.rsplit_once(' ')?;
        let quantile = QUANTILES.into_iter().find(|known| *known == quantile)?;
        operations()
            .any(|known| known == what)
            .then(|| Self::Latency {
                what: what.to_owned(),
                quantile,
                phase: phase.trim().to_owned(),
            })
    }

    /// What it counts.
    pub(super) fn unit(&self) -> Unit {
        match self {
            Self::Whole(_, unit, _) => *unit,
            Self::Latency { .. } => Unit::Micros,
            Self::Error(_) | Self::Counter(_) => Unit::Count,
        }
    }

    /// What it is a part of.
    pub(super) fn part_of(&self) -> Option<&'static str> {
        match self {
            Self::Whole(_, _, of) => *of,
            Self::Error(_) => Some("answers and errors"),
            Self::Latency { .. } | Self::Counter(_) => None,
        }
    }

    /// Its value in a run; none: it was not measured.
    pub(super) fn of(&self, run: &Run) -> Option<f64> {
        match self {
            Self::Whole(name, ..) => whole(name, run),
            Self::Latency {
                what,
                quantile,
                phase,
            } => {
                let of = |l: &&Latency| l.what == *what && l.phase == *phase && l.count > 0;
                run.latencies
                    .iter()
                    .find(of)
                    .map(|latency| part(latency, quantile))
            }
            Self::Error(kind) => Some(exact(run.errors.get(kind).copied().unwrap_or(0))),
            Self::Counter(name) => {
                let known = COUNTERS.contains(&name.as_str()).then_some(0);
                run.counters.get(name).copied().or(known).map(exact)
            }
        }
    }
}

/// The value of a measure by its name.
pub(super) fn value(name: &str, run: &Run) -> Option<f64> {
    Measure::named(name)?.of(run)
}

/// The operations that have latencies.
pub(super) fn operations() -> impl Iterator<Item = &'static str> {
    COMMANDS.into_iter().map(Command::name).chain(WAKES)
}

/// A part of a latency by its name, microseconds.
pub(super) fn part(latency: &Latency, quantile: &str) -> f64 {
    exact(match quantile {
        "p50" => latency.p50_us,
        "p90" => latency.p90_us,
        "p99" => latency.p99_us,
        "p99.9" => latency.p999_us,
        "max" => latency.max_us,
        "min" => latency.min_us,
        _ => return latency.mean_us,
    })
}

/// What a push is called that reached a device before its time began to count. Within a microsecond is
/// the same: seconds have 0 where there was none.
pub(super) const EARLY: &str = "before the 250";

/// What that means.
pub(super) const EARLY_ABOUT: &str = "Before the 250: the push had reached the device before \
    whoever injected the change had read the server's acknowledgement (the 250 of LMTP and SMTP, the OK of IMAP, \
    the 201 of a PUT), from which it counts.";

/// What is not told of small samples.
pub(super) const FEW_ABOUT: &str = "–: too few; a p90 takes at least 10 values, a p99 100 and a p99.9 1,000. Of fewer \
    it would be the highest under another name.";

/// Whether a latency in microseconds is [`EARLY`]. No other operation is that quick.
pub(super) fn is_early(us: f64) -> bool {
    us <= 1.0
}

/// A latency in microseconds, in words.
pub(super) fn latency(us: f64) -> String {
    if is_early(us) {
        EARLY.to_owned()
    } else {
        Unit::Micros.show(us)
    }
}

/// A part of a latency where there were enough values to tell it.
pub(super) fn told(latency: &Latency, quantile: &str) -> Option<f64> {
    let least = match quantile {
        "p90" => 10,
        "p99" => 100,
        "p99.9" => 1_000,
        _ => 1,
    };
    (latency.count >= least).then(|| part(latency, quantile))
}

/// The same in words.
pub(super) fn told_as(latency: &Latency, quantile: &str) -> String {
    told(latency, quantile).map_or_else(|| "–".to_owned(), self::latency)
}

/// A number of things as one that can be divided; above 2^53 its last digits go.
pub(super) fn exact(n: u64) -> f64 {
    n as f64
}

fn whole(name: &str, run: &Run) -> Option<f64> {
    let truth = &run.truth;
    let sum = |of: fn(&crate::load::run::Second) -> u64| {
        exact(run.seconds.iter().map(of).fold(0, u64::saturating_add))
    };
    let per_day = |total: f64| {
        let device_days = f64::from(run.devices) * run.duration_s / DAY_S;
        (device_days > 0.0).then(|| total / device_days)
    };
    let errors = || exact(run.errors.values().copied().fold(0, u64::saturating_add));
    let answers = || sum(|s| s.answers);
    // Where nobody looked, nothing is known to be right.
    let blind = run.devices > 0 && truth.unseen >= run.devices;
    let seen = |n: u64| (n > 0 || !blind).then(|| exact(n));
    Some(match name {
        "lost" => return seen(truth.lost),
        "doubled" => return seen(truth.doubled),
        "resurrected" => return seen(truth.resurrected),
        "foreign" => return seen(truth.foreign),
        "stale" => return seen(truth.stale),
        "violations" => exact(
            truth
                .violations
                .values()
                .copied()
                .fold(0, u64::saturating_add),
        ),
        "expected" => exact(truth.expected),
        "arrived" => return seen(truth.arrived),
        "errors" => errors(),
        "answers" => answers(),
        "answers and errors" => answers() + errors(),
        "answers per second" => return per(answers(), run.duration_s),
        "wakes" => sum(|s| s.wakes),
        "injected" => sum(|s| s.injected),
        "connections" => sum(|s| s.connections),
        "devices" => f64::from(run.devices),
        "parked" => f64::from(parked(run)),
        "wakes per device and day" => return per_day(sum(|s| s.wakes)),
        "connections per device and day" => return per_day(sum(|s| s.connections)),
        "bytes per device and day" => return per_day(sum(|s| s.bytes)),
        "server bytes" => exact(run.process.as_ref()?.max_bytes),
        "server bytes per device" => return per_device(run.process.as_ref()?),
        "server cpu" => return per(run.process.as_ref()?.cpu_s * 100.0, run.duration_s),
        "tool bytes" => exact(run.tool.max_bytes),
        "tool bytes per device" => return per_device(&run.tool),
        "tool cpu" => return per(run.tool.cpu_s * 100.0, run.duration_s),
        "duration" => run.duration_s,
        _ => return None,
    })
}

/// Of fewer parked devices, what a process grew by is rather what it grows by anyhow.
const FEW: u32 = 100;

fn per(total: f64, of: f64) -> Option<f64> {
    (of > 0.0).then(|| total / of)
}

/// What a process grew by for each device that was parked; none: its memory says nothing about devices
/// (they were few, or it had taken its memory before).
pub(super) fn per_device(process: &Process) -> Option<f64> {
    if process.parked < FEW {
        return None;
    }
    let grown = process.parked_bytes.saturating_sub(process.begin_bytes);
    per(exact(grown), f64::from(process.parked)).filter(|bytes| *bytes > 0.0)
}

/// The most devices that were parked in one second.
fn parked(run: &Run) -> u32 {
    let of_seconds = run.seconds.iter().filter_map(|s| s.devices.get("parked"));
    of_seconds.copied().max().unwrap_or(run.tool.parked)
}
