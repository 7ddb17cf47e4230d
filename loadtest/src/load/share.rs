//! The part of a scenario that one process plays.
//!
//! Users are dealt in turn, and the devices of a user go with it: whoever injects mail for a user also
//! has all its devices, so that each part can judge what arrived without asking the others. Numbers of
//! users and devices stay those of the whole, so a device is the same one (profile, id, dice) however
//! many processes share the work.

use super::scenario::Scenario;
use serde::{Deserialize, Serialize};

/// One of several equal parts of a scenario.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "(u32, u32)", into = "(u32, u32)")]
pub struct Share {
    index: u32,
    of: u32,
}

/// A part that there is not.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ShareError {
    /// Its number is not below the number of parts.
    #[error("there is no part {0} of {1}")]
    NoPart(u32, u32),
    /// Some would have no user.
    #[error(
        "{0} agents share {1} users, and each user belongs to one agent: at least as many users as agents"
    )]
    Users(u32, u32),
    /// Some would have no device.
    #[error("{0} agents share {1} devices: at least as many devices as agents")]
    Devices(u32, u32),
}

impl Share {
    /// Everything.
    pub const WHOLE: Self = Self { index: 0, of: 1 };

    /// Part `index` (from 0) of so many.
    ///
    /// # Errors
    /// [`ShareError::NoPart`].
    pub fn new(index: u32, of: u32) -> Result<Self, ShareError> {
        match index < of {
            true => Ok(Self { index, of }),
            false => Err(ShareError::NoPart(index, of)),
        }
    }

    /// All parts of a scenario.
    ///
    /// # Errors
    /// [`ShareError`], where one of them would have nothing to do.
    pub fn all(of: u32, scenario: &Scenario) -> Result<Vec<Self>, ShareError> {
        let (users, devices) = (scenario.users.how_many(), scenario.population.devices);
        if of > users {
            return Err(ShareError::Users(of, users));
        }
        if of > devices {
            return Err(ShareError::Devices(of, devices));
        }
        (0..of).map(|index| Self::new(index, of)).collect()
    }

    /// Its number, from 0.
    #[must_use]
    pub fn index(self) -> u32 {
        self.index
    }

    /// How many parts there are.
    #[must_use]
    pub fn of(self) -> u32 {
        self.of
    }

    /// Of `n` things that are dealt in turn, those that this part gets.
    fn dealt(self, n: u32) -> u32 {
        n / self.of + u32::from(self.index < n % self.of)
    }

    /// Users of this part, where there are so many in all.
    #[must_use]
    pub fn users(self, all: u32) -> u32 {
        self.dealt(all)
    }

    /// The number of this part's user at this place, from 0; users count from 1.
    #[must_use]
    pub fn user(self, place: u32) -> u32 {
        place.saturating_mul(self.of).saturating_add(self.index) + 1
    }

    /// The place of a user of this part among them: the inverse of [`Share::user`].
    #[must_use]
    pub fn place_of_user(self, user: u32) -> u32 {
        user.saturating_sub(1) / self.of
    }

    /// Devices of this part.
    #[must_use]
    pub fn devices(self, scenario: &Scenario) -> u32 {
        let (users, devices) = (scenario.users.how_many(), scenario.population.devices);
        (devices / users) * self.dealt(users) + self.dealt(devices % users)
    }

    /// The number of this part's device at this place, from 0.
    #[must_use]
    pub fn device(self, place: u32, scenario: &Scenario) -> u32 {
        let users = scenario.users.how_many();
        let mine = self.dealt(users).max(1);
        (place / mine) * users + (place % mine) * self.of + self.index
    }

    /// The place of a device of this part among them: the inverse of [`Share::device`].
    #[must_use]
    pub fn place_of_device(self, device: u32, scenario: &Scenario) -> u32 {
        let users = scenario.users.how_many();
        (device / users) * self.dealt(users) + (device % users) / self.of
    }

    /// The scenario with what is said for all together (connections and mails each second) cut down to
    /// this part. What is said for each device or second stays, and so do numbers of devices and users.
    #[must_use]
    pub fn cut(self, scenario: &Scenario) -> Scenario {
        let mut part = scenario.clone();
        if self.of > 1 {
            let of = |mine: u32, all: u32| f64::from(mine) / f64::from(all.max(1));
            let users = scenario.users.how_many();
            part.mail.per_s *= of(self.users(users), users);
            part.changes.events_per_s *= of(self.users(users), users);
            part.changes.contacts_per_s *= of(self.users(users), users);
            part.arrival.connections_per_s *=
                of(self.devices(scenario), scenario.population.devices);
        }
        part
    }

    /// Where this part's count of items begins, so that no two parts give one number twice.
    #[must_use]
    pub fn first_number(self) -> u32 {
        (u32::MAX / self.of).saturating_mul(self.index)
    }

    /// What this part's dice for mail come from.
    #[must_use]
    pub fn seed(self, seed: u64) -> u64 {
        seed ^ u64::from(self.index).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }
}

impl TryFrom<(u32, u32)> for Share {
    type Error = ShareError;

    fn try_from((index, of): (u32, u32)) -> Result<Self, ShareError> {
        Self::new(index, of)
    }
}

impl From<Share> for (u32, u32) {
    fn from(share: Share) -> Self {
        (share.index, share.of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn scenario(devices: u32, users: u32) -> Scenario {
        let mut scenario = Scenario::default();
        scenario.population.devices = devices;
        scenario.users.count = users;
        scenario.mail.per_s = 12.0;
        scenario.changes.events_per_s = 12.0;
        scenario
    }

    #[test]
    fn every_device_and_user_belongs_to_one_part_however_many_there_are() {
        for devices in [1, 2, 3, 7, 16, 100, 101, 997] {
            for users in [1, 2, 3, 5, 10, 64, 100, 2_000] {
                for of in (1..=9).filter(|of| *of <= devices.min(users)) {
                    let scenario = scenario(devices, users);
                    let mut owners = vec![None; usize::try_from(devices).unwrap()];
                    let mut seen_users = BTreeSet::new();
                    let (mut mails, mut events, mut connections) = (0.0, 0.0, 0.0);
                    for share in Share::all(of, &scenario).unwrap() {
                        let count = share.devices(&scenario);
                        assert!(count > 0, "{share:?} of {devices}, {users}");
                        let mine: BTreeSet<u32> =
                            (0..share.users(users)).map(|p| share.user(p)).collect();
                        for place in 0..count {
                            let device = share.device(place, &scenario);
                            assert_eq!(share.place_of_device(device, &scenario), place);
                            let owner = &mut owners[usize::try_from(device).unwrap()];
                            assert_eq!(owner.replace(share), None);
                            assert!(mine.contains(&(device % users + 1)));
                        }
                        for user in &mine {
                            assert_eq!(share.user(share.place_of_user(*user)), *user);
                        }
                        let before = seen_users.len();
                        seen_users.extend(mine.iter().copied());
                        assert_eq!(seen_users.len(), before + mine.len());
                        let part = share.cut(&scenario);
                        mails += part.mail.per_s;
                        events += part.changes.events_per_s;
                        connections += part.arrival.connections_per_s;
                    }
                    assert!(owners.iter().all(Option::is_some));
                    assert!(seen_users.into_iter().eq(1..=users));
                    assert!((mails - 12.0).abs() < 1e-9 && (events - mails).abs() < 1e-9);
                    assert!((connections - 200.0).abs() < 1e-9);
                }
            }
        }
    }

    #[test]
    fn parts_with_nothing_to_do_are_refused() {
        assert!(Share::all(3, &scenario(10, 2)).is_err());
        assert!(Share::all(3, &scenario(2, 10)).is_err());
        assert!(Share::new(2, 2).is_err());
        let read: Result<Share, _> = serde_json::from_str("[1,0]");
        assert!(read.is_err());
    }

    #[test]
    fn parts_give_no_number_twice() {
        let of = |index| Share::new(index, 3).unwrap();
        assert_eq!(of(0).first_number(), 0);
        assert!(of(1).first_number() - of(0).first_number() > 1_000_000_000);
        assert!(u32::MAX - of(2).first_number() > 1_000_000_000);
        assert_eq!(of(0).seed(7), Share::WHOLE.seed(7));
        assert_ne!(of(1).seed(7), of(2).seed(7));
    }
}
