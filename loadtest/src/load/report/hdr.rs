//! HDR histograms: those of a run, and the log of them that other tools read.
//!
//! A histogram is written as HdrHistogram's V2 format, deflated, in base64, which is what its own
//! log lines hold. Values are microseconds.

use super::Error;
use crate::load::Run;
use crate::load::run::Latency;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};
use hdrhistogram::serialization::{Deserializer, V2DeflateSerializer};
use std::time::{Duration, UNIX_EPOCH};

/// The log's maxima are in milliseconds, as tools expect.
const US_PER_MS: f64 = 1_000.0;

/// The histogram of a latency.
///
/// # Errors
/// [`Error::Histogram`] where its text is not one.
pub fn decode(latency: &Latency) -> Result<Histogram<u64>, Error> {
    read(&latency.what, &latency.histogram)
}

/// A histogram out of its text.
///
/// # Errors
/// [`Error::Histogram`] where it is not one.
pub fn read(what: &str, text: &str) -> Result<Histogram<u64>, Error> {
    let bytes = STANDARD.decode(text).map_err(|why| refused(what, &why))?;
    Deserializer::new()
        .deserialize(&mut bytes.as_slice())
        .map_err(|why| refused(what, &why))
}

/// The run's histograms as a log in HdrHistogram's text format: a line per operation and phase, its
/// tag the operation with `_` for spaces. An operation that is known by phase has no line for the
/// whole run, so that a tool that adds lines up counts nothing twice.
///
/// # Errors
/// [`Error::Histogram`] where one does not decode.
pub fn log(run: &Run) -> Result<String, Error> {
    let start = UNIX_EPOCH + Duration::from_millis(run.started_ms);
    let mut text = Vec::new();
    let mut serializer = V2DeflateSerializer::new();
    let mut builder = IntervalLogWriterBuilder::new();
    builder
        .add_comment(&format!("[{} at {}]", run.scenario, run.server))
        .add_comment("[values: microseconds; maxima of intervals: milliseconds]")
        .with_start_time(start)
        .with_base_time(start)
        .with_max_value_divisor(US_PER_MS);
    let mut writer = builder
        .begin_log_with(&mut text, &mut serializer)
        .map_err(|why| refused("the log", &why))?;
    for latency in &run.latencies {
        let Some((from_s, to_s)) = span(run, latency) else {
            continue;
        };
        let histogram = decode(latency)?;
        let tag = latency.what.replace([' ', ',', '\r', '\n'], "_");
        writer
            .write_histogram(
                &histogram,
                seconds(from_s),
                seconds(to_s - from_s),
                Tag::new(&tag),
            )
            .map_err(|why| refused(&latency.what, &why))?;
    }
    drop(writer);
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// From when to when a latency was taken; none: its line would say what others say.
fn span(run: &Run, latency: &Latency) -> Option<(f64, f64)> {
    if latency.phase.is_empty() {
        let other = |l: &Latency| l.what == latency.what && !l.phase.is_empty();
        let by_phase = run.latencies.iter().any(other);
        return (!by_phase && !latency.histogram.is_empty()).then_some((0.0, run.duration_s));
    }
    let phase = run.phases.iter().find(|p| p.name == latency.phase);
    let (from_s, to_s) = phase.map_or((0.0, run.duration_s), |p| (p.from_s, p.to_s));
    (!latency.histogram.is_empty()).then_some((from_s, to_s))
}

fn seconds(s: f64) -> Duration {
    Duration::try_from_secs_f64(s).unwrap_or_default()
}

fn refused(what: &str, why: &dyn std::fmt::Debug) -> Error {
    Error::Histogram {
        what: what.to_owned(),
        why: format!("{why:?}"),
    }
}
