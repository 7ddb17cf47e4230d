//! Where a command's orders go: to the running appliance, or to the store itself.

use super::Failure;
use super::args::{Addresses, Place};
use crate::admin::socket::Connection;
use crate::admin::{Desk, Order, Reply};
use crate::appliance;
use crate::config::Config;
use crate::work::block_on;
use std::path::Path;

/// Takes orders.
pub(super) enum Office {
    /// An appliance runs on the data directory.
    Running(Connection),
    /// None runs: this process has the store.
    Own(Box<Desk>),
}

impl Office {
    /// Opens the office of a place.
    pub(super) fn open(place: &Place) -> Result<Self, Failure> {
        Self::of(&configuration(place, &Addresses::default())?)
    }

    /// Opens the office of a configuration.
    pub(super) fn of(config: &Config) -> Result<Self, Failure> {
        let data = &config.server.data;
        match Connection::open(data) {
            Ok(Some(connection)) => Ok(Self::Running(connection)),
            Ok(None) => Ok(Self::Own(Box::new(appliance::open_desk(config)?))),
            Err(e) => Err(Failure::new(format_args!(
                "an appliance runs on {} but does not let you in: {e}",
                data.display()
            ))),
        }
    }

    /// A further office of the same kind, for work in parallel.
    pub(super) fn another(&self, config: &Config) -> Result<Self, Failure> {
        match self {
            Self::Running(_) => Self::of(config),
            Self::Own(desk) => Ok(Self::Own(desk.clone())),
        }
    }

    /// Has an order carried out. A refusal is an `Err` with its text.
    pub(super) fn ask(&mut self, order: Order, payload: Vec<u8>) -> Result<Reply, Failure> {
        let reply = match self {
            Self::Running(connection) => connection.ask(&order, &payload)?,
            Self::Own(desk) => block_on(desk.carry_out(order, payload)),
        };
        match reply {
            Reply::Refused { refusal } => Err(refusal.into()),
            reply => Ok(reply),
        }
    }
}

/// The file that is read when none is named.
const CONFIG: &str = "/etc/roost/roost.toml";

/// The configuration of a place, with the flags applied.
pub(super) fn configuration(place: &Place, addresses: &Addresses) -> Result<Config, Failure> {
    let mut config = match &place.config {
        Some(file) => Config::read(file)?,
        None if Path::new(CONFIG).exists() => Config::read(Path::new(CONFIG))?,
        None => Config::default(),
    };
    if let Some(data) = &place.data {
        config.server.data.clone_from(data);
    }
    apply(addresses, &mut config);
    Ok(config)
}

/// Puts addresses from flags in place of the configured ones.
pub(super) fn apply(addresses: &Addresses, config: &mut Config) {
    let overridden = [
        (&addresses.https, &mut config.server.https),
        (&addresses.http, &mut config.server.http),
        (&addresses.lmtp, &mut config.lmtp.listen),
        (&addresses.admin, &mut config.server.admin),
    ];
    for (flags, configured) in overridden {
        if !flags.is_empty() {
            configured.clone_from(flags);
        }
    }
}
