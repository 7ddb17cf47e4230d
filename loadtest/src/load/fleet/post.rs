//! Mail of the scenario that devices of the fleet send to users of the fleet (`by = "eas"`).
//!
//! Each has its time, drawn a little ahead; which device sends it is drawn too.

use super::acts;
use super::dice::Dice;
use super::phone::Phone;
use super::shared::{Shared, Stage};
use super::witness::Letter;
use crate::load::scenario::Way;
use crate::load::spread::Times;
use std::time::Duration;

/// How far ahead mails are drawn, microseconds: more than between two looks of a thread.
const AHEAD_US: u64 = 200_000;
/// Tells its dice from those of the devices.
const DICE: u64 = 1 << 40;
/// Its mails count from here, so that they are told from those that people send at a device.
const MADE: u32 = 1_000_000_000;

/// Microseconds between things that come so often each second, at even gaps.
fn even_us(per_s: f64) -> u64 {
    let gap = Duration::try_from_secs_f64(1.0 / per_s);
    gap.map_or(u64::MAX, |gap| {
        u64::try_from(gap.as_micros()).unwrap_or(u64::MAX)
    })
}

/// Who sends the mail of the scenario.
pub(super) struct Postman {
    dice: Dice,
    /// When the next mail is meant to be sent; `None`: not drawn yet.
    next_us: Option<u64>,
    /// Mails to all, in the order of their times, and how many of them are sent.
    to_all_at_s: Vec<u32>,
    rounds: usize,
    made: u32,
}

impl Postman {
    /// One, if the scenario's mail goes this way.
    pub(super) fn new(shared: &Shared) -> Option<Self> {
        let mail = &shared.scenario.mail;
        let mut to_all_at_s = mail.to_all_at_s.clone();
        to_all_at_s.sort_unstable();
        (mail.by == Way::Eas).then(|| Self {
            dice: Dice::new(shared.share.seed(shared.seed), DICE),
            next_us: None,
            to_all_at_s,
            rounds: 0,
            made: MADE,
        })
    }

    /// Hands out what is due soon.
    pub(super) fn go(&mut self, shared: &Shared) {
        let Some(since_us) = shared.running_since_us() else {
            return;
        };
        if shared.stage() != Stage::Run {
            return;
        }
        let soon_us = shared.meters.now_us() + AHEAD_US;
        let per_s = shared.scenario.mail.per_s;
        let mut next_us = self.next_us.unwrap_or(since_us);
        loop {
            if self.next_us.is_some() {
                if next_us > soon_us {
                    break;
                }
                let users = usize::try_from(shared.users()).unwrap_or(1);
                let place = u32::try_from(self.dice.below(users)).unwrap_or(0);
                let to_user = shared.share.user(place);
                self.post(shared, to_user, next_us);
            }
            let gap_us = match shared.scenario.mail.times {
                Times::Chance => self.dice.gap_us(per_s).unwrap_or(u64::MAX),
                Times::Even => even_us(per_s),
            };
            next_us = next_us.saturating_add(gap_us);
            self.next_us = Some(next_us);
        }
        while let Some(at_s) = self.to_all_at_s.get(self.rounds) {
            let at_us = since_us + u64::from(*at_s) * 1_000_000;
            if at_us > soon_us {
                break;
            }
            self.rounds += 1;
            for place in 0..shared.users() {
                self.post(shared, shared.share.user(place), at_us);
            }
        }
    }

    fn post(&mut self, shared: &Shared, to_user: u32, meant_us: u64) {
        let devices = usize::try_from(shared.devices).unwrap_or(1);
        let place = u32::try_from(self.dice.below(devices)).unwrap_or(0);
        let from_device = shared.share.device(place, &shared.scenario);
        let from = Phone::who(shared, from_device);
        self.made = self.made.wrapping_add(1);
        let subject = shared.witness.subject(from, "mail", self.made, to_user);
        let ends = (from, to_user);
        let mime = acts::mail(shared, ends, (&subject, self.made), &mut self.dice);
        let letter = Letter {
            from_device,
            to_user,
            subject,
            mime,
        };
        shared.post(letter, meant_us);
    }
}
