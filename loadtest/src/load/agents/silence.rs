//! How long the other end has said nothing.

use super::SILENCE_S;

/// Milliseconds between two looks that count, at most: whoever was stopped itself (a debugger, a suspended
/// machine) and then finds nothing has not waited for the other end all that time.
const STEP_MS: u64 = 1_000;

/// Time without a sign of life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Silence {
    looked_ms: u64,
    silent_ms: u64,
}

impl Silence {
    /// None yet, at this time of a clock that never jumps.
    pub(super) fn new(now_ms: u64) -> Self {
        Self {
            looked_ms: now_ms,
            silent_ms: 0,
        }
    }

    /// There was a sign of life.
    pub(super) fn ends(&mut self) {
        self.silent_ms = 0;
    }

    /// There was none; whether it has lasted too long.
    pub(super) fn lasts(&mut self, now_ms: u64) -> bool {
        let step_ms = now_ms.saturating_sub(self.looked_ms).min(STEP_MS);
        self.looked_ms = now_ms;
        self.silent_ms += step_ms;
        self.silent_ms >= SILENCE_S * 1_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_counts_while_somebody_listens() {
        let mut silence = Silence::new(5_000);
        assert!((1..30).all(|s| !silence.lasts(5_000 + s * 1_000)));
        assert!(silence.lasts(35_000));
        silence.ends();
        assert!(!silence.lasts(36_000));
        // It was stopped for an hour, and so were its ears.
        assert!(!silence.lasts(3_636_000));
        assert!(!silence.lasts(3_664_000 - 1_000));
    }
}
