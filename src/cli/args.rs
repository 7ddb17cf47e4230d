//! What can be typed. The help texts are the manual.

use clap::{Args, Parser, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;

/// An Exchange ActiveSync appliance: phones sync mail, contacts, calendars, tasks and notes with
/// it, and the commit wakes them.
#[derive(Parser, Debug)]
#[command(
    name = "roost",
    version,
    propagate_version = true,
    max_term_width = 100
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Run an appliance with two users and real-looking data, on loopback
    ///
    /// The first run makes the data and a certificate in DIR; later runs go on with what is there.
    Demo(Demo),
    /// Run the appliance
    Serve(Serve),
    /// Add, list, change and remove users
    #[command(subcommand)]
    User(User),
    /// See and manage the devices of users
    #[command(subcommand)]
    Device(Device),
    /// See what waits to go out, try it again, or drop it
    #[command(subcommand)]
    Queue(Queue),
    /// Take mail, calendars and contacts into a user's account
    ///
    /// PATHs are .eml files, mbox files, Maildirs, .ics files (events, tasks, journals) and .vcf
    /// files, or directories that hold such files. What cannot be taken is named with the reason,
    /// and the rest is taken all the same.
    Import(Import),
    /// Look the store over, with the appliance stopped
    ///
    /// Says of each account what does not fit together: items that cannot be read, that are missing
    /// in an index or in the change log, or whose bodies are missing or damaged. Ends with 1 if
    /// something is left that is wrong.
    Check(Check),
}

/// Where the appliance's configuration and data are; every subcommand takes these.
#[derive(Args, Debug, Clone, Default)]
pub struct Place {
    /// The configuration file [default: /etc/roost/roost.toml where it exists]
    #[arg(long, value_name = "FILE", env = "ROOST_CONFIG")]
    pub config: Option<PathBuf>,
    /// The data directory, instead of the configured one
    #[arg(long, value_name = "DIR", env = "ROOST_DATA")]
    pub data: Option<PathBuf>,
}

/// Addresses, instead of the configured ones.
#[derive(Args, Debug, Clone, Default)]
pub struct Addresses {
    /// HTTPS address; may be given several times
    #[arg(long, value_name = "ADDR")]
    pub https: Vec<SocketAddr>,
    /// Plain HTTP address: only behind a proxy, or on loopback for tests
    #[arg(long, value_name = "ADDR")]
    pub http: Vec<SocketAddr>,
    /// LMTP address
    #[arg(long, value_name = "ADDR")]
    pub lmtp: Vec<SocketAddr>,
    /// Address of the status page, on loopback
    #[arg(long, value_name = "ADDR")]
    pub admin: Vec<SocketAddr>,
}

/// `roost check`.
#[derive(Args, Debug)]
pub struct Check {
    /// Mend what can be mended without loss
    #[arg(long)]
    pub repair: bool,
    /// Do not read the bodies of mails and other items: much faster
    #[arg(long)]
    pub no_bodies: bool,
    /// As JSON
    #[arg(long)]
    pub json: bool,
    /// Where the data is.
    #[command(flatten)]
    pub place: Place,
}

/// `roost demo`.
#[derive(Args, Debug)]
pub struct Demo {
    /// Where the demo keeps its data
    #[arg(long, value_name = "DIR", default_value = "roost-demo")]
    pub dir: PathBuf,
    /// Addresses.
    #[command(flatten)]
    pub addresses: Addresses,
}

/// `roost serve`.
#[derive(Args, Debug)]
pub struct Serve {
    /// Open the store although its disk has lost acknowledged changes; keeps what is left
    #[arg(long)]
    pub accept_loss: bool,
    /// Place.
    #[command(flatten)]
    pub place: Place,
    /// Addresses.
    #[command(flatten)]
    pub addresses: Addresses,
}

/// `roost user`.
#[derive(Subcommand, Debug)]
pub enum User {
    /// Add a user
    ///
    /// NAME is an address (alice@example.org) or a plain name in the default context (alice).
    Add {
        /// An address or a plain name
        name: String,
        /// The name that others see [default: made from NAME]
        #[arg(long, value_name = "TEXT")]
        display_name: Option<String>,
        /// A further address of the user; may be given several times
        #[arg(long = "address", value_name = "ADDRESS")]
        addresses: Vec<String>,
        /// Read the password from standard input (its first line) instead of asking
        #[arg(long)]
        password_stdin: bool,
        /// Place.
        #[command(flatten)]
        place: Place,
    },
    /// List all users
    List {
        /// One JSON document instead of a table
        #[arg(long)]
        json: bool,
        /// Place.
        #[command(flatten)]
        place: Place,
    },
    /// Show one user with folders and devices
    Show {
        /// The user
        name: String,
        /// One JSON document
        #[arg(long)]
        json: bool,
        /// Place.
        #[command(flatten)]
        place: Place,
    },
    /// Change a user
    Set {
        /// The user
        name: String,
        /// The name that others see
        #[arg(long, value_name = "TEXT")]
        display_name: Option<String>,
        /// Give the user a further address
        #[arg(long, value_name = "ADDRESS")]
        add_address: Vec<String>,
        /// Take an address away
        #[arg(long, value_name = "ADDRESS")]
        remove_address: Vec<String>,
        /// The highest protocol version for this user's devices ("none" lifts it)
        #[arg(long, value_name = "VERSION")]
        version_max: Option<String>,
        /// What the address list shows.
        #[command(flatten)]
        portrait: Box<Portrait>,
        /// Place.
        #[command(flatten)]
        place: Place,
    },
    /// Remove a user with all data
    Remove {
        /// The user
        name: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        /// Place.
        #[command(flatten)]
        place: Place,
    },
    /// Set a user's password
    Password {
        /// The user
        name: String,
        /// Read the password from standard input (its first line) instead of asking
        #[arg(long)]
        password_stdin: bool,
        /// Place.
        #[command(flatten)]
        place: Place,
    },
}

/// What the address list shows of a user. An empty text takes a detail away.
#[derive(Args, Debug, Default)]
pub struct Portrait {
    /// First name [default: taken from the display name]
    #[arg(long, value_name = "TEXT")]
    pub first_name: Option<String>,
    /// Last name [default: taken from the display name]
    #[arg(long, value_name = "TEXT")]
    pub last_name: Option<String>,
    /// What the user does
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,
    /// Company
    #[arg(long, value_name = "TEXT")]
    pub company: Option<String>,
    /// Department
    #[arg(long, value_name = "TEXT")]
    pub department: Option<String>,
    /// Room
    #[arg(long, value_name = "TEXT")]
    pub office: Option<String>,
    /// Phone number at work
    #[arg(long, value_name = "NUMBER")]
    pub phone: Option<String>,
    /// Phone number at home
    #[arg(long, value_name = "NUMBER")]
    pub home_phone: Option<String>,
    /// Mobile phone number
    #[arg(long, value_name = "NUMBER")]
    pub mobile_phone: Option<String>,
    /// Photo, a JPEG or PNG file of at most 100 KiB ("none" takes it away)
    #[arg(long, value_name = "FILE|none")]
    pub photo: Option<PathBuf>,
    /// S/MIME certificate, PEM or DER; may be given several times, and takes the place of all there
    /// were ("none" takes them away)
    #[arg(long, value_name = "FILE|none")]
    pub certificate: Vec<PathBuf>,
}

/// `roost device`.
#[derive(Subcommand, Debug)]
pub enum Device {
    /// List devices
    List {
        /// Only those of this user
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
        /// One JSON document instead of a table
        #[arg(long)]
        json: bool,
        /// Place.
        #[command(flatten)]
        place: Place,
    },
    /// Show what is known of a device
    Show {
        /// The user
        user: String,
        /// The device id, as `device list` shows it
        device: String,
        /// With the password that unlocks it when its user has forgotten the device's own
        #[arg(long)]
        recovery_password: bool,
        /// One JSON document
        #[arg(long)]
        json: bool,
        /// Place.
        #[command(flatten)]
        place: Place,
    },
    /// Show where the way to phones cuts waiting connections, and which heartbeats end before
    ///
    /// A running appliance learns it from how waiting requests end. The setting eas.heartbeat_advice
    /// says what else it does with it.
    Heartbeats {
        /// One JSON document instead of a table
        #[arg(long)]
        json: bool,
        /// Place.
        #[command(flatten)]
        place: Place,
    },
    /// Let a device fetch everything again
    Resync {
        /// The user
        user: String,
        /// The device id
        device: String,
        /// Place.
        #[command(flatten)]
        place: Place,
    },
    /// Send a device once more what it could not take
    ///
    /// An item that a device asks for again and again is replaced by a small note, so that the rest
    /// flows on; `device show` lists such items. Each is tried again by itself after an hour, and
    /// after a day.
    DeliverAgain {
        /// The user
        user: String,
        /// The device id
        device: String,
        /// One item, as `device show` lists it [default: all]
        item: Option<String>,
        /// Place.
        #[command(flatten)]
        place: Place,
    },
    /// Change what holds for a device
    Set {
        /// The user
        user: String,
        /// The device id
        device: String,
        /// The highest protocol version for this device ("none" lifts it)
        #[arg(long, value_name = "VERSION")]
        version_max: String,
        /// Place.
        #[command(flatten)]
        place: Place,
    },
    /// Forget a device; if it comes back it starts anew
    Remove {
        /// The user
        user: String,
        /// The device id
        device: String,
        /// Place.
        #[command(flatten)]
        place: Place,
    },
}

/// `roost queue`.
#[derive(Subcommand, Debug)]
pub enum Queue {
    /// List the mail that waits to go out, next due first
    ///
    /// Mail for others goes to the server in [smarthost], or that of its domain in [outgoing.routes].
    /// What the server does not take at once waits here and is tried again; what it refuses, and what
    /// it does not take within outgoing.expire_h, comes back to its sender as a report.
    List {
        /// One JSON document instead of a table
        #[arg(long)]
        json: bool,
        /// Place.
        #[command(flatten)]
        place: Place,
    },
    /// Show one mail that waits
    Show {
        /// Its id, as `queue list` shows it
        id: String,
        /// One JSON document
        #[arg(long)]
        json: bool,
        /// Place.
        #[command(flatten)]
        place: Place,
    },
    /// Try mails now, whenever they are due
    ///
    /// A server that could not be reached lately is tried, too.
    Retry {
        /// Their ids
        #[arg(value_name = "ID", conflicts_with = "all")]
        ids: Vec<String>,
        /// All that wait
        #[arg(long)]
        all: bool,
        /// Place.
        #[command(flatten)]
        place: Place,
    },
    /// Take mails out of the queue: they go to nobody, and nobody is told
    Drop {
        /// Their ids
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        /// Place.
        #[command(flatten)]
        place: Place,
    },
}

/// `roost import`.
#[derive(Args, Debug)]
pub struct Import {
    /// The user whose account takes it
    pub user: String,
    /// Files and directories
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// The summary as one JSON document
    #[arg(long)]
    pub json: bool,
    /// Place.
    #[command(flatten)]
    pub place: Place,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }
}
