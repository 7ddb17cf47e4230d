//! What is to be done: a file in TOML.
//!
//! Rates are of an open model: what is due begins at its time, whatever became of what began before,
//! unless the scenario says `model = "closed"`. Deliberately absent: how devices come by their users
//! (`[users]` names a pattern, and `roost-load` makes nothing on the server).

use super::spread::{Bytes, Times};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A scenario.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// One line that says what it is about.
    pub about: String,
    /// What all dice come from; 0: from the clock.
    pub seed: u64,
    /// Seconds from the time that all devices are there to the end.
    pub duration_s: u32,
    /// Open or closed.
    pub model: Model,
    /// Who the devices log in as.
    pub users: Users,
    /// The devices.
    pub population: Population,
    /// How they arrive.
    pub arrival: Arrival,
    /// Mail from outside.
    pub mail: Mail,
    /// Changes of calendars and contacts from outside.
    pub changes: Changes,
    /// What people do at their devices.
    pub people: People,
    /// What goes wrong on purpose.
    pub faults: Faults,
    /// What has to hold for exit code 0: a measure, such as `push p99` or `lost`, to the most that
    /// is allowed, such as `250 ms` or `0`.
    pub demands: BTreeMap<String, String>,
}

/// Whether the next thing waits for the one before.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Model {
    /// It begins at its time.
    #[default]
    Open,
    /// It begins when the one before is done, after the time to think.
    Closed,
}

/// Who the devices log in as.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Users {
    /// The log-in name; `{n}` is the number of the user, from 1.
    pub name: String,
    /// The mail address; `{n}` likewise.
    pub address: String,
    /// The password; `{n}` likewise.
    pub password: String,
    /// How many users there are; devices are dealt to them in turn.
    pub count: u32,
    /// These and no others, where they follow no pattern.
    pub list: Vec<Login>,
}

/// A user.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Login {
    /// The log-in name.
    pub name: String,
    /// The mail address; empty: the name.
    pub address: String,
    /// The password.
    pub password: String,
}

impl Users {
    /// How many there are, at least one.
    #[must_use]
    pub fn how_many(&self) -> u32 {
        match self.list.len() {
            0 => self.count.max(1),
            n => u32::try_from(n).unwrap_or(u32::MAX),
        }
    }

    /// The user with this number, from 1.
    #[must_use]
    pub fn login(&self, number: u32) -> Login {
        let index = usize::try_from(number.saturating_sub(1)).unwrap_or(0);
        if let Some(login) = self.list.get(index) {
            let mut login = login.clone();
            if login.address.is_empty() {
                login.address.clone_from(&login.name);
            }
            return login;
        }
        let of = |pattern: &str| pattern.replace("{n}", &number.to_string());
        Login {
            name: of(&self.name),
            address: of(&self.address),
            password: of(&self.password),
        }
    }
}

/// The devices.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Population {
    /// How many.
    pub devices: u32,
    /// Parts by profile (`ios`, `android`, ...): a weight each; empty: one of each profile.
    pub profiles: BTreeMap<String, f64>,
    /// Seconds that a waiting request asks for.
    pub heartbeat_s: u32,
    /// Folders that are synced and watched, by their type (2 Inbox, 8 Calendar, 9 Contacts, ...).
    pub folders: Vec<u32>,
    /// They wait on a Ping or a Sync; else they come back every `poll_s`.
    pub wait: bool,
    /// Seconds between two looks of those that do not wait.
    pub poll_s: u32,
}

/// How devices arrive.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Arrival {
    /// New connections each second, at most.
    pub connections_per_s: f64,
    /// TLS sessions are resumed where the server gives tickets.
    pub resume: bool,
}

/// Mail from outside.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mail {
    /// How it comes in.
    pub by: Way,
    /// Mails each second, over all users.
    pub per_s: f64,
    /// One mail to everybody at these seconds.
    pub to_all_at_s: Vec<u32>,
    /// When they come.
    pub times: Times,
    /// Bytes of a mail.
    pub bytes: Bytes,
}

/// Changes of calendars and contacts from outside, over all users.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Changes {
    /// Appointments each second, by CalDAV at `--caldav`.
    pub events_per_s: f64,
    /// Contacts each second, by CardDAV at `--carddav`.
    pub contacts_per_s: f64,
    /// When they come.
    pub times: Times,
}

/// How mail comes in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// LMTP, at `--lmtp`.
    #[default]
    Lmtp,
    /// SMTP, at `--smtp`.
    Smtp,
    /// APPEND to the user's own INBOX, at `--imap`.
    Imap,
    /// SendMail of another device of the fleet.
    Eas,
}

/// What people do at their devices, each as so often per device and hour.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct People {
    /// Mails that are read (marked so).
    pub read_per_h: f64,
    /// Mails that are marked as unread again.
    pub unread_per_h: f64,
    /// Mails that are deleted.
    pub delete_per_h: f64,
    /// Mails that are written to another user of the fleet.
    pub send_per_h: f64,
    /// Contacts that are added.
    pub contact_per_h: f64,
    /// Appointments that are added.
    pub event_per_h: f64,
    /// Searches.
    pub search_per_h: f64,
    /// Seconds of thought between two things (closed model).
    pub think_s: f64,
}

/// What goes wrong on purpose.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Waiting connections are cut by the path after so many idle seconds; 0: never.
    pub idle_cut_s: u32,
    /// Parts of a thousand of answers that are lost on the way: the connection goes before it.
    pub lost_answers_per_mille: f64,
    /// Parts of a thousand of the devices that vanish each minute without a goodbye, and come back.
    pub vanish_per_mille_min: f64,
    /// Parts of a thousand of the devices that vanish each minute and leave their connection open: nobody
    /// reads or closes it, and the device comes back on a new one.
    pub half_open_per_mille_min: f64,
    /// At these seconds all devices lose their connections and come back at once.
    pub reconnect_all_at_s: Vec<u32>,
    /// Parts of a thousand of the devices that read their answers slowly.
    pub slow_readers_per_mille: f64,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            name: "unnamed".to_owned(),
            about: String::new(),
            seed: 0,
            duration_s: 60,
            model: Model::Open,
            users: Users::default(),
            population: Population::default(),
            arrival: Arrival::default(),
            mail: Mail::default(),
            changes: Changes::default(),
            people: People::default(),
            faults: Faults::default(),
            demands: BTreeMap::new(),
        }
    }
}

impl Default for Users {
    fn default() -> Self {
        Self {
            name: "load{n}@example.org".to_owned(),
            address: "load{n}@example.org".to_owned(),
            password: "load{n}".to_owned(),
            count: 10,
            list: Vec::new(),
        }
    }
}

impl Default for Population {
    fn default() -> Self {
        Self {
            devices: 10,
            profiles: BTreeMap::new(),
            heartbeat_s: 480,
            folders: vec![2, 8, 9],
            wait: true,
            poll_s: 300,
        }
    }
}

impl Default for Arrival {
    fn default() -> Self {
        Self {
            connections_per_s: 200.0,
            resume: true,
        }
    }
}

impl Default for Mail {
    fn default() -> Self {
        Self {
            by: Way::Lmtp,
            per_s: 0.0,
            to_all_at_s: Vec::new(),
            times: Times::Chance,
            bytes: Bytes::Exactly(4_096),
        }
    }
}
