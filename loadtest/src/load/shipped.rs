//! The scenarios that come with the program, and those of one's own files.

use super::fleet;
use super::scenario::Scenario;

use std::path::{Path, PathBuf};

/// The files of the shipped scenarios, by name.
pub const SHIPPED: [(&str, &str); 8] = [
    ("smoke", include_str!("../../scenarios/smoke.toml")),
    ("park", include_str!("../../scenarios/park.toml")),
    ("trickle", include_str!("../../scenarios/trickle.toml")),
    ("storm", include_str!("../../scenarios/storm.toml")),
    ("reconnect", include_str!("../../scenarios/reconnect.toml")),
    (
        "first-sync",
        include_str!("../../scenarios/first-sync.toml"),
    ),
    ("workday", include_str!("../../scenarios/workday.toml")),
    ("soak", include_str!("../../scenarios/soak.toml")),
];

/// Bytes of a scenario's file, at most.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// Devices, and users, of a run: file descriptors and ports of one process end far below.
const DEVICES_MAX: u32 = 1_000_000;
/// Bytes of a mail: no server takes as many.
const MAIL_BYTES_MAX: u32 = 256 * 1024 * 1024;

/// A scenario that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be read.
    #[error("{path}: {why}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        why: std::io::Error,
    },
    /// It is larger than a scenario is.
    #[error("{0}: larger than a scenario ({FILE_BYTES_MAX} bytes)")]
    TooLarge(PathBuf),
    /// It is not TOML, or has a key that nobody knows.
    #[error("{0}")]
    Form(String),
    /// It asks for what makes no sense.
    #[error("{0}")]
    Sense(String),
}

/// The shipped scenario of this name.
///
/// # Errors
/// [`Error::Sense`] with the names that there are.
pub fn shipped(name: &str) -> Result<Scenario, Error> {
    let found = SHIPPED.iter().find(|(n, _)| *n == name);
    let Some((_, text)) = found else {
        let names: Vec<_> = SHIPPED.iter().map(|(name, _)| *name).collect();
        let names = names.join(", ");
        return Err(Error::Sense(format!(
            "there is no scenario {name:?}; there are {names}, and `run FILE`"
        )));
    };
    parse(text)
}

/// The scenario of a file.
///
/// # Errors
/// As [`Error`].
pub fn read(path: &Path) -> Result<Scenario, Error> {
    let failed = |why| Error::File {
        path: path.to_owned(),
        why,
    };
    if std::fs::metadata(path).map_err(failed)?.len() > FILE_BYTES_MAX {
        return Err(Error::TooLarge(path.to_owned()));
    }
    parse(&std::fs::read_to_string(path).map_err(failed)?)
}

/// A scenario out of its text.
///
/// # Errors
/// [`Error::Form`], [`Error::Sense`].
pub fn parse(text: &str) -> Result<Scenario, Error> {
    let scenario: Scenario = toml::from_str(text).map_err(|e| Error::Form(e.to_string()))?;
    check(&scenario)?;
    Ok(scenario)
}

/// Whether a scenario makes sense, after flags may have changed it.
///
/// # Errors
/// [`Error::Sense`], with what to do.
pub fn check(scenario: &Scenario) -> Result<(), Error> {
    let wrong = |what: &str| Err(Error::Sense(what.to_owned()));
    if !(1..=DEVICES_MAX).contains(&scenario.population.devices) {
        return wrong("population.devices: 1 to 1,000,000");
    }
    if !(1..=DEVICES_MAX).contains(&scenario.users.count) {
        return wrong("users.count: 1 to 1,000,000");
    }
    if scenario.mail.bytes.most() > MAIL_BYTES_MAX {
        return wrong("mail.bytes: at most 256 MiB");
    }
    if scenario.users.count > 1 && !scenario.users.name.contains("{n}") {
        return wrong("users.name: needs {n}, the number of the user, where there are several");
    }
    if scenario.duration_s == 0 {
        return wrong("duration_s: at least 1");
    }
    if scenario.population.folders.is_empty() {
        return wrong("population.folders: at least one folder type, such as 2 (Inbox)");
    }
    for (name, weight) in &scenario.population.profiles {
        if !fleet::names().contains(&name.as_str()) {
            let names = fleet::names();
            let names = names.join(", ");
            return wrong(&format!("population.profiles: {name:?} is none of {names}"));
        }
        if !weight.is_finite() || *weight < 0.0 {
            return wrong(&format!(
                "population.profiles.{name}: a weight, such as 2.0"
            ));
        }
    }
    let rates = [
        (
            "arrival.connections_per_s",
            scenario.arrival.connections_per_s,
        ),
        ("mail.per_s", scenario.mail.per_s),
        ("changes.events_per_s", scenario.changes.events_per_s),
        ("changes.contacts_per_s", scenario.changes.contacts_per_s),
        ("people.read_per_h", scenario.people.read_per_h),
        ("people.unread_per_h", scenario.people.unread_per_h),
        ("people.delete_per_h", scenario.people.delete_per_h),
        ("people.send_per_h", scenario.people.send_per_h),
        ("people.contact_per_h", scenario.people.contact_per_h),
        ("people.event_per_h", scenario.people.event_per_h),
        ("people.search_per_h", scenario.people.search_per_h),
        ("people.think_s", scenario.people.think_s),
        (
            "faults.lost_answers_per_mille",
            scenario.faults.lost_answers_per_mille,
        ),
        (
            "faults.vanish_per_mille_min",
            scenario.faults.vanish_per_mille_min,
        ),
        (
            "faults.half_open_per_mille_min",
            scenario.faults.half_open_per_mille_min,
        ),
        (
            "faults.slow_readers_per_mille",
            scenario.faults.slow_readers_per_mille,
        ),
    ];
    for (name, rate) in rates {
        if !rate.is_finite() || rate < 0.0 {
            return wrong(&format!("{name}: 0 or more"));
        }
    }
    if !scenario.mail.bytes.makes_sense() {
        return wrong(
            "mail.bytes: a number, [LEAST, MOST] or { median = BYTES, p99 = BYTES }, the lesser first",
        );
    }
    let seen = |kind| scenario.population.folders.contains(&kind);
    if scenario.changes.events_per_s > 0.0 && !seen(8) {
        return wrong(
            "changes.events_per_s: population.folders has no calendar (8) to see them in",
        );
    }
    if scenario.changes.contacts_per_s > 0.0 && !seen(9) {
        return wrong(
            "changes.contacts_per_s: population.folders has no contacts (9) to see them in",
        );
    }
    if scenario.arrival.connections_per_s == 0.0 {
        return wrong("arrival.connections_per_s: more than 0, or nobody arrives");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_scenario_is_one() {
        for (name, _) in SHIPPED {
            let scenario = shipped(name).unwrap();
            assert_eq!(scenario.name, name);
            assert!(!scenario.about.is_empty() && !scenario.demands.is_empty());
        }
    }

    #[test]
    fn what_makes_no_sense_says_what_would() {
        let check = |text: &str, word: &str| {
            let said = parse(text).unwrap_err().to_string();
            assert!(said.contains(word), "{said}");
        };
        check("nmae = \"x\"", "nmae");
        check("duration_s = 0", "at least 1");
        check("[users]\ncount = 0", "1 to 1,000,000");
        check("[mail]\nbytes = 4294967295", "256 MiB");
        check("[population]\ndevices = 0", "1 to 1,000,000");
        check("[population.profiles]\nios = 1.0", "iphone");
        check("[arrival]\nconnections_per_s = -1.0", "0 or more");
        check("[users]\ncount = 2\nname = \"one\"", "{n}");
        check("[mail]\nbytes = [9, 1]", "the lesser first");
        check(
            "[population]\nfolders = [2]\n[changes]\nevents_per_s = 1.0",
            "no calendar",
        );
        assert!(shipped("none").unwrap_err().to_string().contains("workday"));
        assert!(read(Path::new("/nowhere/at/all.toml")).is_err());
    }
}
