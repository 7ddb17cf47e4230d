//! Lines on standard error: logfmt, one per event, written by a thread of its own so that a slow
//! reader of the log never holds up a core. What does not fit into the queue is dropped.

use crate::config::Level;
use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Starts writing. Lines still queued are written when the guard is dropped. A second call in one
/// process (tests) changes nothing.
#[must_use = "dropping the guard ends the log"]
pub fn start(level: Level) -> WorkerGuard {
    let (writer, guard) = tracing_appender::non_blocking(std::io::stderr());
    let lines = tracing_logfmt::builder()
        .with_target(false)
        .layer()
        .with_writer(writer);
    let filter = match level {
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
    };
    let _ = tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .try_init();
    guard
}
