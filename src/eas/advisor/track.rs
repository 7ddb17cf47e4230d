//! What is known of one path: how long waits on it held, and where they were cut.
//!
//! Whatever sits between phone and appliance (a carrier's translator of addresses, a firewall, a proxy)
//! gives up a silent connection after a time of its own. There are two kinds of evidence:
//!
//! - **Cuts**: the connection ended while a request waited. Those of a box come at the same age; people
//!   switch off and walk away at any age. So a cut is believed when several of the latest lie close
//!   together and are most of what was seen.
//! - **Losses**: the box said nothing, and that only came out when the answer reached nobody. The age
//!   is then an upper bound. So a loss counts while no wait has held for as long, and several are
//!   believed at their least age. With shorter heartbeats the next losses come closer to the truth.
//!
//! A wait that held for longer takes the evidence back.

use crate::limits::HEARTBEAT_CUTS_KEPT as KEPT;

/// Cuts that have to lie close together.
const CLOSE: usize = 3;
/// Of ten recent cuts so many have to.
const OF_TEN: usize = 6;
/// Losses that are believed.
const LOSSES: usize = 5;
/// What ends earlier is no business of a heartbeat's.
const AGE_S_MIN: u32 = 30;
/// Hours after which evidence is forgotten: then longer waits are tried again.
const FORGET_H: u32 = 7 * 24;

/// One path. Plain data, 48 bytes.
#[derive(Clone, Debug, Default)]
pub(super) struct Track {
    cuts_s: Ages,
    lost_s: Ages,
    /// The longest wait that held, of this day and of the day before.
    held_s: [u16; 2],
    day: u16,
    seen: u16,
    /// Hour of the latest evidence.
    last_h: u32,
}

/// The latest ages in seconds, the newest first; 0: none.
#[derive(Clone, Copy, Debug, Default)]
struct Ages([u16; KEPT]);

impl Ages {
    fn push(&mut self, age_s: u16) {
        self.0.rotate_right(1);
        if let Some(newest) = self.0.first_mut() {
            *newest = age_s;
        }
    }

    /// Takes out what lies below.
    fn refute(&mut self, below_s: u16) {
        let mut kept = [0; KEPT];
        let left = self.0.iter().filter(|age| **age >= below_s.max(1));
        for (place, age) in kept.iter_mut().zip(left) {
            *place = *age;
        }
        self.0 = kept;
    }

    /// In order, without the empty places in front.
    fn sorted(&self) -> ([u16; KEPT], usize) {
        let mut sorted = self.0;
        sorted.sort_unstable();
        (sorted, sorted.iter().filter(|age| **age == 0).count())
    }
}

impl Track {
    /// The connection ended at this age, while a request waited.
    pub(super) fn cut(&mut self, age_s: u32, hour: u32) {
        if age_s >= AGE_S_MIN {
            self.note(hour);
            self.cuts_s.push(short(age_s));
        }
    }

    /// It turned out that it had ended before this age.
    pub(super) fn lost(&mut self, age_s: u32, hour: u32) {
        if age_s >= AGE_S_MIN {
            self.note(hour);
            self.lost_s.push(short(age_s));
        }
    }

    /// A wait held for so long, and its answer was taken.
    pub(super) fn held(&mut self, age_s: u32, hour: u32) {
        self.turn_day(hour);
        let age_s = short(age_s);
        let [today, _] = &mut self.held_s;
        *today = age_s.max(*today);
        self.cuts_s.refute(nearly(age_s));
        self.lost_s.refute(age_s);
    }

    fn note(&mut self, hour: u32) {
        if self.is_forgotten(hour) {
            (self.cuts_s, self.lost_s) = Default::default();
            self.seen = 0;
        }
        self.turn_day(hour);
        self.seen = self.seen.saturating_add(1);
        self.last_h = hour;
    }

    fn turn_day(&mut self, hour: u32) {
        let day = day(hour);
        self.held_s = match day.wrapping_sub(self.day) {
            0 => self.held_s,
            1 => [0, self.held_s[0]],
            _ => [0; 2],
        };
        self.day = day;
    }

    /// Whether the evidence is too old to mean anything.
    fn is_forgotten(&self, hour: u32) -> bool {
        self.seen > 0 && hour.saturating_sub(self.last_h) > FORGET_H
    }

    /// The age at which the path cuts, if it does.
    pub(super) fn cut_s(&self, hour: u32) -> Option<u32> {
        if self.seen == 0 || self.is_forgotten(hour) {
            return None;
        }
        let cut = self.clustered().into_iter().chain(self.bound()).min();
        cut.map(u32::from)
    }

    /// The earliest age around which most cuts lie.
    fn clustered(&self) -> Option<u16> {
        let (sorted, empty) = self.cuts_s.sorted();
        let cuts = sorted.get(empty..)?;
        let believed = cuts.iter().enumerate().find(|(at, least)| {
            let near = cuts.iter().skip(*at);
            let near = near.filter(|age| shorter(**age) <= **least).count();
            near >= CLOSE && near * 10 >= cuts.len() * OF_TEN
        });
        let (_, least) = believed?;
        (nearly(self.longest_held_s()) <= *least).then_some(*least)
    }

    /// The least age at which answers are lost.
    fn bound(&self) -> Option<u16> {
        let held_s = self.longest_held_s();
        // Where nothing was ever taken, one more.
        let enough = LOSSES + usize::from(held_s == 0);
        let lost = self.lost_s.0.iter().filter(|age| shorter(**age) > held_s);
        let (mut least, mut count) = (u16::MAX, 0);
        for age in lost {
            (least, count) = (least.min(*age), count + 1);
        }
        (count >= enough).then_some(least)
    }

    /// The longest wait that held today or the day before.
    pub(super) fn longest_held_s(&self) -> u16 {
        let [today, before] = self.held_s;
        today.max(before)
    }

    /// Cuts and losses that were seen.
    pub(super) fn seen(&self) -> u16 {
        self.seen
    }

    /// The hour in which anything was learnt of it last.
    pub(super) fn latest_h(&self) -> u32 {
        self.last_h.max(u32::from(self.day) * 24)
    }
}

/// An eleventh less: what lies within a tenth of something is close to it.
fn shorter(age_s: u16) -> u16 {
    age_s - age_s / 11
}

/// A wait that held for so long speaks against a cut below: boxes are not exact to the second.
fn nearly(held_s: u16) -> u16 {
    held_s - (held_s / 32).min(15)
}

fn short(seconds: u32) -> u16 {
    u16::try_from(seconds).unwrap_or(u16::MAX)
}

/// Good until the year 2149.
fn day(hour: u32) -> u16 {
    u16::try_from(hour / 24).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_track_is_small() {
        assert!(size_of::<Track>() <= 48, "{}", size_of::<Track>());
    }

    #[test]
    fn cuts_close_together_are_believed_until_a_longer_wait_holds() {
        let mut track = Track::default();
        for age in [301, 305] {
            track.cut(age, 1);
            assert_eq!(track.cut_s(1), None, "two are chance");
        }
        track.cut(298, 1);
        assert_eq!(track.cut_s(1), Some(298));
        track.held(200, 2);
        assert_eq!(track.cut_s(2), Some(298), "a shorter wait says nothing");
        track.held(900, 3);
        assert_eq!(track.cut_s(3), None);
        (0..3).for_each(|_| track.cut(300, 30));
        assert_eq!(track.cut_s(30), None, "it held yesterday");
        (0..3).for_each(|_| track.cut(300, 60));
        assert_eq!(track.cut_s(60), Some(300), "the path has changed");
    }

    #[test]
    fn cuts_at_any_age_are_people() {
        let mut track = Track::default();
        for age in [40, 300, 80, 700, 310, 2_000, 305, 1_200] {
            track.cut(age, 1);
        }
        assert_eq!(track.cut_s(1), None);
    }

    #[test]
    fn lost_answers_are_an_upper_bound_that_comes_down() {
        let mut track = Track::default();
        track.held(250, 1);
        for age in [870, 600, 880, 850] {
            track.lost(age, 1);
            assert_eq!(track.cut_s(1), None);
        }
        track.lost(860, 1);
        assert_eq!(track.cut_s(1), Some(600));
        track.lost(420, 1);
        assert_eq!(track.cut_s(1), Some(420));
        track.held(290, 2);
        assert_eq!(track.cut_s(2), Some(420));
        track.held(3_000, 2);
        assert_eq!(track.cut_s(2), None, "it was not the path");
    }

    #[test]
    fn where_nothing_is_taken_it_needs_one_more() {
        let mut track = Track::default();
        (0..5).for_each(|_| track.lost(900, 1));
        assert_eq!(track.cut_s(1), None);
        track.lost(900, 1);
        assert_eq!(track.cut_s(1), Some(900));
    }

    #[test]
    fn what_is_old_is_forgotten() {
        let mut track = Track::default();
        (0..5).for_each(|_| track.cut(300, 1));
        assert_eq!(track.cut_s(FORGET_H), Some(300));
        assert_eq!(track.cut_s(FORGET_H + 2), None);
        track.cut(300, FORGET_H + 2);
        assert_eq!((track.seen(), track.cut_s(FORGET_H + 2)), (1, None));
    }
}
