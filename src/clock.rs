//! The only caller of the system clock.
//!
//! Everything that needs the time is handed a [`Clock`]; a simulation hands out one that it moves
//! itself. Deadlines are kept in monotonic milliseconds, dates in Unix milliseconds (UTC).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970-01-01T00:00:00Z. Negative before.
pub type UnixMs = i64;

/// Milliseconds since the process (or the simulation) began; never runs backwards.
pub type MonoMs = u64;

/// A source of time: the machine's, or one that a test moves.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System {
        start: Instant,
    },
    Manual {
        wall_ms: Arc<AtomicI64>,
        mono_ms: Arc<AtomicI64>,
    },
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the system clock"
    )]
    pub fn system() -> Self {
        Self(Source::System {
            start: Instant::now(),
        })
    }

    /// A clock that stands at `wall_ms` until [`Clock::advance`] moves it.
    #[must_use]
    pub fn manual(wall_ms: UnixMs) -> Self {
        Self(Source::Manual {
            wall_ms: Arc::new(AtomicI64::new(wall_ms)),
            mono_ms: Arc::new(AtomicI64::new(0)),
        })
    }

    /// The wall clock, in Unix milliseconds.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the system clock"
    )]
    pub fn now_ms(&self) -> UnixMs {
        match &self.0 {
            Source::System { .. } => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX)),
            Source::Manual { wall_ms, .. } => wall_ms.load(Ordering::SeqCst),
        }
    }

    /// Milliseconds on a clock that never jumps.
    #[must_use]
    pub fn mono_ms(&self) -> MonoMs {
        match &self.0 {
            Source::System { start } => {
                u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX)
            }
            Source::Manual { mono_ms, .. } => {
                u64::try_from(mono_ms.load(Ordering::SeqCst)).unwrap_or(0)
            }
        }
    }

    /// Microseconds on a clock that never jumps: the same clock as [`Clock::mono_ms`].
    #[must_use]
    pub fn mono_us(&self) -> u64 {
        match &self.0 {
            Source::System { start } => {
                u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX)
            }
            Source::Manual { .. } => self.mono_ms().saturating_mul(1_000),
        }
    }

    /// Moves a manual clock forward; does nothing to the machine's.
    pub fn advance(&self, ms: i64) {
        if let Source::Manual { wall_ms, mono_ms } = &self.0 {
            wall_ms.fetch_add(ms, Ordering::SeqCst);
            mono_ms.fetch_add(ms.max(0), Ordering::SeqCst);
        }
    }

    /// Lets the wall clock of a manual clock jump without time passing (in either direction).
    pub fn jump(&self, ms: i64) {
        if let Source::Manual { wall_ms, .. } = &self.0 {
            wall_ms.fetch_add(ms, Ordering::SeqCst);
        }
    }
}
