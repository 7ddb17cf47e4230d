//! How long a device asks to wait, and what it learns from being cut.

/// Seconds below which no device goes by itself.
const FLOOR_S: u32 = 60;
/// Seconds that Android adds after a wait that ended well.
const STEP_S: u32 = 180;

/// The heartbeat of a device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Heart {
    /// Seconds of the next wait.
    pub(super) now_s: u32,
    floor_s: u32,
    ceiling_s: u32,
}

impl Heart {
    /// The heartbeat that a scenario says.
    pub(super) fn new(heartbeat_s: u32) -> Self {
        let heartbeat_s = heartbeat_s.max(1);
        Self {
            now_s: heartbeat_s,
            floor_s: FLOOR_S.min(heartbeat_s / 4).max(1),
            ceiling_s: heartbeat_s,
        }
    }

    /// The path gave up after so many seconds: stay clear of that. Whether it became shorter.
    pub(super) fn was_cut(&mut self, after_s: u32) -> bool {
        let shorter = (after_s.min(self.now_s) / 4 * 3).max(self.floor_s);
        let shortened = shorter < self.now_s;
        self.now_s = shorter.min(self.now_s);
        self.ceiling_s = self.now_s;
        shortened
    }

    /// A wait ended in good order.
    pub(super) fn was_whole(&mut self) {
        self.now_s = self.now_s.saturating_add(STEP_S).min(self.ceiling_s);
    }

    /// The server names a bound (Ping status 5).
    pub(super) fn bound(&mut self, bound_s: u32) {
        if bound_s > self.now_s {
            self.floor_s = bound_s;
            self.ceiling_s = self.ceiling_s.max(bound_s);
        } else {
            self.ceiling_s = bound_s.max(1);
            self.floor_s = self.floor_s.min(self.ceiling_s);
        }
        self.now_s = bound_s.max(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_makes_it_shorter_and_the_servers_bounds_are_kept() {
        let mut heart = Heart::new(480);
        assert!(heart.was_cut(240));
        assert_eq!(heart.now_s, 180);
        heart.was_whole();
        assert_eq!(heart.now_s, 180, "not into the cut again");
        assert!(heart.was_cut(10));
        assert_eq!(heart.now_s, 60);
        assert!(!heart.was_cut(10));
        heart.bound(120);
        assert!(!heart.was_cut(10));
        assert_eq!(heart.now_s, 120, "the server takes no less");
        let mut heart = Heart::new(7_200);
        heart.bound(3_540);
        heart.was_whole();
        assert_eq!(heart.now_s, 3_540);
    }
}
