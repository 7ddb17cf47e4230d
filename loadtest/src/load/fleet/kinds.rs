//! Kinds of devices: a family of clients with the version that it speaks and the way it waits.

use super::FleetError;
use crate::load::scenario::Population;
use crate::profile::{ANDROID, IPHONE, OUTLOOK, PLAIN, Profile, TBSYNC, WINDOWS_MOBILE};
use crate::{QueryForm, Version};

/// How a kind of device learns of changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Waits {
    /// On a Ping.
    Ping,
    /// On a Sync that is held.
    Sync,
    /// Not at all: it looks now and then.
    Polls,
}

/// A kind of device.
#[derive(Clone, Debug)]
pub struct Kind {
    /// Its name in a scenario.
    pub name: &'static str,
    /// What it sends beyond the commands.
    pub profile: Profile,
    /// The version that it speaks, or the best below it that the server has.
    pub version: Version,
    /// How it writes the query.
    pub form: QueryForm,
    /// How it learns of changes.
    pub waits: Waits,
    /// What its device ids begin with.
    pub id: &'static str,
}

/// All kinds.
pub(super) static ALL: [Kind; 9] = [
    Kind {
        name: "plain",
        profile: PLAIN,
        version: Version::V14_1,
        form: QueryForm::Plain,
        waits: Waits::Ping,
        id: "load",
    },
    Kind {
        name: "iphone",
        profile: IPHONE,
        version: Version::V16_1,
        form: QueryForm::Base64,
        waits: Waits::Ping,
        id: "appl",
    },
    Kind {
        name: "android",
        profile: ANDROID,
        version: Version::V14_1,
        form: QueryForm::Plain,
        waits: Waits::Ping,
        id: "android",
    },
    Kind {
        name: "gmail",
        profile: Profile {
            user_agent: "Android-Mail/2023.11.12",
            window: 50,
            settings_early: false,
            ..ANDROID
        },
        version: Version::V16_1,
        form: QueryForm::Plain,
        waits: Waits::Ping,
        id: "android",
    },
    Kind {
        name: "samsung",
        profile: Profile {
            device_type: "SAMSUNGGTI9515",
            user_agent: "Android-SAMSUNG-GT-I9515/101.50001",
            window: 25,
            ..ANDROID
        },
        version: Version::V14_1,
        form: QueryForm::Base64,
        waits: Waits::Ping,
        id: "sec",
    },
    Kind {
        name: "outlook",
        profile: OUTLOOK,
        version: Version::V14_0,
        form: QueryForm::Base64,
        waits: Waits::Sync,
        id: "outlook",
    },
    Kind {
        name: "windows-mobile",
        profile: WINDOWS_MOBILE,
        version: Version::V12_1,
        form: QueryForm::Base64,
        waits: Waits::Ping,
        id: "wm",
    },
    Kind {
        name: "nokia",
        profile: Profile {
            device_type: "NokiaE71",
            user_agent: "NokiaE71/3.00(0)",
            headers: &[],
            key_zero: false,
            window: 50,
            ..PLAIN
        },
        version: Version::V2_5,
        form: QueryForm::Plain,
        waits: Waits::Ping,
        id: "imei",
    },
    Kind {
        name: "tbsync",
        profile: TBSYNC,
        version: Version::V14_0,
        form: QueryForm::Plain,
        waits: Waits::Polls,
        id: "mztb",
    },
];

/// The names that a scenario may use.
#[must_use]
pub fn names() -> Vec<&'static str> {
    ALL.iter().map(|kind| kind.name).collect()
}

/// The kinds of a population in the order in which devices get them: dealt in turn by their weights, so
/// that every part of the fleet has the same mixture.
pub(super) fn deal(population: &Population) -> Result<Vec<&'static Kind>, FleetError> {
    let mut weights = Vec::new();
    for (name, weight) in &population.profiles {
        let found = ALL.iter().find(|kind| kind.name == name);
        let found = found.ok_or_else(|| FleetError::Profile(name.clone(), names().join(", ")))?;
        if *weight > 0.0 {
            weights.push((found, *weight, 0.0));
        }
    }
    if population.profiles.is_empty() {
        weights = ALL.iter().map(|kind| (kind, 1.0, 0.0)).collect();
    }
    let total: f64 = weights.iter().map(|(_, weight, _)| weight).sum();
    if total <= 0.0 {
        return Err(FleetError::NoWeight);
    }
    let mut dealt = Vec::new();
    for _ in 0..population.devices {
        for (_, weight, owed) in &mut weights {
            *owed += *weight / total;
        }
        let most = weights.iter_mut().max_by(|a, b| a.2.total_cmp(&b.2));
        let (kind, _, owed) = most.ok_or(FleetError::NoWeight)?;
        *owed -= 1.0;
        dealt.push(*kind);
    }
    Ok(dealt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_dealt_by_their_weights() {
        let mut population = Population {
            devices: 100,
            ..Population::default()
        };
        population.profiles.insert("iphone".to_owned(), 3.0);
        population.profiles.insert("android".to_owned(), 1.0);
        let dealt = deal(&population).unwrap();
        let count = |name| dealt.iter().filter(|kind| kind.name == name).count();
        assert_eq!((count("iphone"), count("android")), (75, 25));
        assert_eq!(dealt[..4].iter().filter(|k| k.name == "iphone").count(), 3);
        population.profiles.insert("vax".to_owned(), 1.0);
        assert!(deal(&population).is_err());
    }
}
