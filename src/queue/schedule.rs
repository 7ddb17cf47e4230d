//! When a mail is tried again, and when it is given up.

use crate::clock::UnixMs;

/// A retry schedule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Schedule {
    /// Milliseconds after the first attempt, the second, ...; the last one counts for all that follow.
    pub retry_ms: Vec<i64>,
    /// Milliseconds after which a mail is given up.
    pub expire_ms: i64,
}

impl Schedule {
    /// When to try again after `attempts` of them; none: never.
    #[must_use]
    pub fn next(
        &self,
        attempts: u32,
        queued_ms: UnixMs,
        now_ms: UnixMs,
        number: u64,
    ) -> Option<UnixMs> {
        let end_ms = queued_ms.saturating_add(self.expire_ms);
        if now_ms >= end_ms {
            return None;
        }
        let delay_ms = self.delay_ms(attempts);
        // Up to a tenth more: mails that failed together do not come back together. The same mail has
        // the same delay, so that a repeated computation gives the same row.
        let scatter = number
            .wrapping_add(u64::from(attempts))
            .wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let more_ms = delay_ms / 10 * i64::try_from(scatter >> 56).unwrap_or(0) / 256;
        // The last attempt is when the time is over.
        Some(now_ms.saturating_add(delay_ms + more_ms).min(end_ms))
    }

    /// Milliseconds after so many attempts.
    #[must_use]
    pub fn delay_ms(&self, attempts: u32) -> i64 {
        let at = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
        let delay = self.retry_ms.get(at).or_else(|| self.retry_ms.last());
        delay.copied().unwrap_or(60_000).max(1)
    }

    /// The time of a mail is over.
    #[must_use]
    pub fn is_over(&self, queued_ms: UnixMs, now_ms: UnixMs) -> bool {
        now_ms >= queued_ms.saturating_add(self.expire_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_and_end() {
        let schedule = Schedule {
            retry_ms: vec![60_000, 300_000],
            expire_ms: 1_000_000,
        };
        for (attempts, delay_ms) in [(1, 60_000), (2, 300_000), (9, 300_000)] {
            for number in [0, 7, u64::MAX] {
                let next = schedule.next(attempts, 0, 10, number).unwrap();
                let expect = 10 + delay_ms..=10 + delay_ms + delay_ms / 10;
                assert!(expect.contains(&next), "{attempts}: {next}");
                assert_eq!(schedule.next(attempts, 0, 10, number), Some(next));
            }
        }
        assert_eq!(schedule.next(9, 0, 999_000, 1), Some(1_000_000));
        assert_eq!(schedule.next(9, 0, 1_000_000, 1), None);
        assert!(schedule.is_over(5, 1_000_005) && !schedule.is_over(5, 1_000_004));
    }
}
