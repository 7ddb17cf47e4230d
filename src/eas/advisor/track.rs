//! What is known of one path: how long waits on it held, and where they were cut.
//!
//! Whatever sits between phone and appliance (a carrier's translator of addresses, a firewall) forgets a
//! silent connection after a time of its own, so its cuts come at the same age. People do not: a phone
//! that is switched off or walks out of a network closes at any age. So a cut is believed when several
//! of the latest lie close together, are most of what was seen, and no longer wait has held since.

use crate::limits::{HEARTBEAT_CUTS_KEPT, KEEPALIVE_INTERVAL_S, KEEPALIVE_PROBES};

/// Cuts that have to lie close together.
const CLOSE: usize = 3;
/// Of ten recent cuts so many have to.
const OF_TEN: usize = 6;
/// A cut below this many seconds is no business of a heartbeat's.
const AGE_S_MIN: u32 = 30;
/// Hours after which what was seen is forgotten.
const FORGET_H: u32 = 7 * 24;

/// How a wait ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// The answer was taken: the path held for so long.
    Answered,
    /// Something ended the connection in an orderly way.
    Closed,
    /// Something reset it.
    Reset,
    /// Nobody was there any more, as keepalive found out some minutes later.
    Vanished,
}

/// One path. 32 bytes.
#[derive(Clone, Debug, Default)]
pub(super) struct Track {
    /// Ages of the latest cuts in seconds, the newest first; 0: none.
    cuts_s: [u16; HEARTBEAT_CUTS_KEPT],
    /// The longest wait that has held since the oldest of these.
    held_s: u16,
    /// Cuts since the first of these.
    pub(super) seen: u16,
    /// Hour of the latest cut.
    pub(super) last_h: u32,
}

impl Track {
    /// Takes note of an end; `hour` counts from anywhere.
    pub(super) fn observe(&mut self, waited_s: u32, end: End, hour: u32) {
        if self.is_forgotten(hour) {
            *self = Self::default();
        }
        let age_s = match end {
            End::Answered => {
                self.held_s = self.held_s.max(short(waited_s));
                return;
            }
            End::Closed | End::Reset => waited_s,
            // It was gone since before the first of the probes.
            End::Vanished => waited_s.saturating_sub(lag_s()),
        };
        if age_s < AGE_S_MIN {
            return;
        }
        self.cuts_s.rotate_right(1);
        if let Some(newest) = self.cuts_s.first_mut() {
            *newest = short(age_s);
        }
        self.seen = self.seen.saturating_add(1);
        self.last_h = hour;
    }

    /// Whether what was seen is too old to mean anything.
    pub(super) fn is_forgotten(&self, hour: u32) -> bool {
        self.seen > 0 && hour.saturating_sub(self.last_h) > FORGET_H
    }

    /// The age at which the path cuts, if it does.
    pub(super) fn cut_s(&self, hour: u32) -> Option<u32> {
        if self.is_forgotten(hour) {
            return None;
        }
        let mut cuts: Vec<u16> = self.cuts_s.into_iter().filter(|c| *c > 0).collect();
        cuts.sort_unstable();
        // The earliest age around which most of them lie.
        let close = |from: usize| {
            let least = *cuts.get(from)?;
            let most = u32::from(least) * 11 / 10;
            let near = cuts
                .iter()
                .skip(from)
                .filter(|c| u32::from(**c) <= most)
                .count();
            Some((least, near))
        };
        let (least, _) = (0..cuts.len())
            .filter_map(close)
            .find(|(_, near)| *near >= CLOSE && near * 10 >= cuts.len() * OF_TEN)?;
        let has_held = u32::from(self.held_s) > u32::from(least) * 11 / 10;
        (!has_held).then_some(u32::from(least))
    }

    /// The longest wait that has held while cuts were seen.
    pub(super) fn held_s(&self) -> u32 {
        self.held_s.into()
    }
}

/// How much later keepalive finds out.
fn lag_s() -> u32 {
    u32::try_from(KEEPALIVE_INTERVAL_S).unwrap_or(0) * KEEPALIVE_PROBES
}

fn short(seconds: u32) -> u16 {
    u16::try_from(seconds).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_track_is_small() {
        assert!(size_of::<Track>() <= 32, "{}", size_of::<Track>());
    }

    #[test]
    fn cuts_close_together_are_believed_until_a_longer_wait_holds() {
        let mut track = Track::default();
        for age in [301, 305] {
            track.observe(age, End::Reset, 1);
            assert_eq!(track.cut_s(1), None, "two are chance");
        }
        track.observe(298, End::Closed, 1);
        assert_eq!(track.cut_s(1), Some(298));
        track.observe(200, End::Answered, 2);
        assert_eq!(track.cut_s(2), Some(298), "a shorter wait says nothing");
        track.observe(900, End::Answered, 3);
        assert_eq!(track.cut_s(3), None);
    }

    #[test]
    fn what_is_old_is_forgotten() {
        let mut track = Track::default();
        (0..5).for_each(|_| track.observe(300, End::Reset, 1));
        assert_eq!(track.cut_s(FORGET_H), Some(300));
        assert_eq!(track.cut_s(FORGET_H + 2), None);
        track.observe(300, End::Reset, FORGET_H + 2);
        assert_eq!((track.seen, track.cut_s(FORGET_H + 2)), (1, None));
    }

    #[test]
    fn a_silent_cut_is_found_though_late() {
        let mut track = Track::default();
        for late in [0, 20, 45] {
            track.observe(1_800 + lag_s() + late, End::Vanished, 1);
        }
        assert_eq!(track.cut_s(1), Some(1_800));
    }
}
