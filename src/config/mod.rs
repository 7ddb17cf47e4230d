//! The configuration file, typed. `packaging/roost.toml` documents every setting with its default;
//! a test holds the two together.
//!
//! A file is read in two steps: the keys are compared with the known ones, so that a misspelt key
//! is an error that names the nearest; then the values are read into [`Config`].

mod keys;
mod outgoing;

use crate::auth::Naming;
use crate::auth::password::Cost;
use crate::limits;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

pub use outgoing::{Auth as SmarthostAuth, Outgoing, Security, Smarthost};

/// Everything that can be set. Every field has a default; the file names what differs.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the appliance listens and what it shows.
    pub server: Server,
    /// Incoming mail.
    pub lmtp: Lmtp,
    /// The server that takes mail for others.
    pub smarthost: Smarthost,
    /// Outgoing mail.
    pub outgoing: Outgoing,
    /// Log-in.
    pub auth: Auth,
    /// The protocol.
    pub eas: Eas,
    /// Certificates for mail.
    pub certificates: Certificates,
    /// The store.
    pub store: Store,
    /// Bounds.
    pub limits: Limits,
    /// What is written to standard error.
    pub log: Log,
}

/// Where the appliance listens and what it shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// The data directory: the store, the self-made certificate, the admin socket.
    pub data: PathBuf,
    /// The name that phones connect to; it stands in the self-made certificate, and Autodiscover
    /// tells it.
    pub host: String,
    /// HTTPS addresses.
    pub https: Vec<SocketAddr>,
    /// Plain HTTP addresses: behind a proxy, or for tests on loopback.
    pub http: Vec<SocketAddr>,
    /// Addresses of the status page: loopback only, since it asks for no password.
    pub admin: Vec<SocketAddr>,
    /// Certificate chain, PEM. Empty: one is made in the data directory.
    pub certificate: PathBuf,
    /// Private key, PEM.
    pub key: PathBuf,
    /// Threads that serve connections; 0: one per processor.
    pub cores: usize,
    /// `auto` takes io_uring where it is to be had, `epoll` never does.
    pub driver: Driver,
    /// Seconds that an orderly stop may take.
    pub drain_s: u64,
}

/// How a core waits for the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Driver {
    /// io_uring, or epoll where the kernel or a sandbox denies it.
    Auto,
    /// epoll.
    Epoll,
}

/// Incoming mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lmtp {
    /// LMTP addresses. LMTP knows no passwords: loopback, or a network of mail servers only.
    pub listen: Vec<SocketAddr>,
    /// Bytes of the largest message that is taken.
    pub message_bytes_max: usize,
}

/// Log-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Auth {
    /// Name of the context of users without a domain.
    pub default_context: String,
    /// `Mike` and `mike` are two people.
    pub case_sensitive_names: bool,
    /// Memory of one password check, KiB.
    pub argon2_memory_kib: u32,
    /// Passes of one password check.
    pub argon2_passes: u32,
    /// Threads for password checks and other work that would hold up a core.
    pub workers: usize,
}

/// The protocol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Eas {
    /// The highest version that is offered: 2.5, 12.0, 12.1, 14.0, 14.1, 16.0 or 16.1.
    pub version_max: String,
    /// Seconds of the shortest heartbeat.
    pub heartbeat_s_min: u32,
    /// Seconds of the longest heartbeat.
    pub heartbeat_s_max: u32,
    /// What is done where the path to a phone cuts waiting connections.
    pub heartbeat_advice: Advice,
    /// What becomes of mail whose `From` is none of the sender's addresses.
    pub foreign_from: ForeignFrom,
    /// A file in place of the built-in registry of client quirks; empty: that one.
    pub quirks: PathBuf,
    /// The highest version for clients whose User-Agent fits a pattern (`*` any text, `?` one character).
    pub ceilings: BTreeMap<String, String>,
    /// What is demanded of phones, by element of [MS-ASPROV] 2.2.2; empty: nothing.
    pub policy: BTreeMap<String, Demand>,
}

/// What becomes of mail whose `From` is none of the sender's addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ForeignFrom {
    /// It bears the sender's primary address.
    Correct,
    /// It is not sent.
    Refuse,
}

/// The value of a policy's setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Demand {
    /// Yes or no.
    Flag(bool),
    /// A number, as its element has it.
    Number(i64),
}

impl Demand {
    /// As a number: yes is 1.
    #[must_use]
    pub fn number(self) -> i64 {
        match self {
            Self::Flag(flag) => flag.into(),
            Self::Number(number) => number,
        }
    }
}

/// What is done with what the heartbeat advisor finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Advice {
    /// Nothing is learnt.
    Off,
    /// It is shown to the admin.
    Tell,
    /// Longer heartbeats of that phone are refused with the proposal, too.
    Cap,
}

/// Certificates for mail (S/MIME): what devices are told of those of others.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Certificates {
    /// Trusted roots: a file or a directory of files, PEM or DER. Empty: what the system trusts.
    pub roots: PathBuf,
    /// Revocation lists: a file or a directory of files, PEM or DER. Empty: none.
    pub revocation_lists: PathBuf,
}

/// The store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// MiB of memory for what was read: blocks of the disk, and (a third of it) answers.
    pub cache_mib: u64,
    /// MiB of disk that stay free: below, mail is refused for the time being.
    pub reserve_mib: u64,
}

/// Bounds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Connections in total.
    pub connections_max: usize,
    /// Connections from one address.
    pub connections_per_address_max: usize,
    /// Requests of one user that are served at one time; those that wait do not count.
    pub requests_per_user_max: u32,
    /// Requests of one device that are served at one time.
    pub requests_per_device_max: u32,
    /// Times that a device may send the same request again within a minute; 0: as often as it likes.
    pub repeats_per_min_max: u32,
    /// TLS handshakes that begin each second; what is beyond waits, resumed sessions in front.
    pub handshakes_per_s: u64,
    /// Bytes of bodies and messages that all connections hold at one time.
    pub bodies_bytes_max: usize,
}

/// What is written to standard error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// `error`, `warn`, `info` (a line per request) or `debug`.
    pub level: Level,
}

/// A log level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "explained at `Log::level`")]
pub enum Level {
    Error,
    Warn,
    Info,
    Debug,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            data: PathBuf::from("/var/lib/roost"),
            host: "localhost".to_owned(),
            https: vec![SocketAddr::from(([0, 0, 0, 0], 443))],
            http: Vec::new(),
            admin: Vec::new(),
            certificate: PathBuf::new(),
            key: PathBuf::new(),
            cores: 0,
            driver: Driver::Auto,
            drain_s: 30,
        }
    }
}

impl Default for Lmtp {
    fn default() -> Self {
        Self {
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 2424))],
            message_bytes_max: limits::MESSAGE_BYTES_MAX,
        }
    }
}

impl Default for Auth {
    fn default() -> Self {
        let naming = Naming::default();
        let cost = Cost::default();
        Self {
            default_context: naming.default_context,
            case_sensitive_names: naming.case_sensitive,
            argon2_memory_kib: cost.memory_kib,
            argon2_passes: cost.passes,
            workers: 2,
        }
    }
}

impl Auth {
    /// How log-in names are read.
    #[must_use]
    pub fn naming(&self) -> Naming {
        Naming {
            default_context: self.default_context.clone(),
            case_sensitive: self.case_sensitive_names,
        }
    }

    /// What a new password hash costs.
    #[must_use]
    pub fn cost(&self) -> Cost {
        Cost {
            memory_kib: self.argon2_memory_kib,
            passes: self.argon2_passes,
        }
    }
}

impl Default for Eas {
    fn default() -> Self {
        Self {
            version_max: "16.1".to_owned(),
            heartbeat_s_min: limits::HEARTBEAT_S_MIN,
            heartbeat_s_max: limits::HEARTBEAT_S_MAX,
            heartbeat_advice: Advice::Tell,
            foreign_from: ForeignFrom::Correct,
            quirks: PathBuf::new(),
            ceilings: BTreeMap::new(),
            policy: BTreeMap::new(),
        }
    }
}

impl Default for Store {
    fn default() -> Self {
        Self {
            cache_mib: 256,
            reserve_mib: 64,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: limits::CONNECTIONS_MAX,
            connections_per_address_max: limits::CONNECTIONS_PER_ADDRESS_MAX,
            requests_per_user_max: limits::REQUESTS_PER_USER_MAX,
            requests_per_device_max: limits::REQUESTS_PER_DEVICE_MAX,
            repeats_per_min_max: limits::REPEATS_PER_MIN_MAX,
            handshakes_per_s: limits::HANDSHAKES_PER_S,
            bodies_bytes_max: limits::BODIES_BYTES_MAX,
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { level: Level::Info }
    }
}

/// Why there is no configuration. The texts say what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}: {why}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        why: String,
    },
    /// It is not TOML, or a value is of the wrong kind.
    #[error("{path}: {why}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Line, column and reason.
        why: String,
    },
    /// A key that does not exist.
    #[error("{path}: there is no setting `{key}`; {hint}")]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The key as written, with its section.
        key: String,
        /// The nearest known key.
        hint: String,
    },
    /// Values that do not go together.
    #[error("{0}")]
    Contradiction(String),
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// [`ConfigError`]; its text names the file, the place and what to do.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|e| ConfigError::Unreadable {
            path: path.to_owned(),
            why: e.to_string(),
        })?;
        Self::parse(&text, path)
    }

    /// Reads a file's text; `path` is for the error messages.
    ///
    /// # Errors
    /// As [`Config::read`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let invalid = |e: toml::de::Error| ConfigError::Invalid {
            path: path.to_owned(),
            why: e.to_string().trim_end().to_owned(),
        };
        let table: toml::Table = toml::from_str(text).map_err(invalid)?;
        if let Some((key, hint)) = keys::unknown(&table) {
            return Err(ConfigError::UnknownKey {
                path: path.to_owned(),
                key,
                hint,
            });
        }
        let config: Self = toml::from_str(text).map_err(invalid)?;
        config.check()?;
        Ok(config)
    }

    /// Checks what single values cannot tell.
    ///
    /// # Errors
    /// [`ConfigError::Contradiction`].
    pub fn check(&self) -> Result<(), ConfigError> {
        let no = |why: String| Err(ConfigError::Contradiction(why));
        let (cert, key) = (&self.server.certificate, &self.server.key);
        if cert.as_os_str().is_empty() != key.as_os_str().is_empty() {
            return no("server.certificate and server.key go together: set both or none".into());
        }
        if let Some(open) = self.server.admin.iter().find(|a| !a.ip().is_loopback()) {
            return no(format!(
                "server.admin = {open}: the status page asks for no password and stays on \
                 loopback; reach it from elsewhere through a tunnel"
            ));
        }
        if self.eas.heartbeat_s_min > self.eas.heartbeat_s_max {
            return no("eas.heartbeat_s_min is above eas.heartbeat_s_max".into());
        }
        if self.eas.heartbeat_s_max > limits::HEARTBEAT_S_MAX || self.eas.heartbeat_s_min == 0 {
            return no(format!(
                "eas.heartbeat_s_min and _max lie between 1 and {}",
                limits::HEARTBEAT_S_MAX
            ));
        }
        if self.auth.default_context.trim().is_empty() {
            return no("auth.default_context needs a name".into());
        }
        if self.auth.workers == 0 {
            return no("auth.workers is at least 1".into());
        }
        let outgoing = self.smarthost.check("smarthost");
        outgoing.and_then(|()| self.outgoing.check()).or_else(no)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, ConfigError> {
        Config::parse(text, Path::new("roost.toml"))
    }

    #[test]
    fn the_documented_file_is_the_default_and_names_every_setting() {
        let documented = include_str!("../../packaging/roost.toml");
        assert_eq!(parse(documented).unwrap(), Config::default());
        let table: toml::Table = toml::from_str(documented).unwrap();
        let mut missing = keys::known();
        missing.retain(|k| {
            let (section, name) = k.split_once('.').unwrap();
            table.get(section).and_then(|s| s.get(name)).is_none()
        });
        assert_eq!(
            missing,
            Vec::<String>::new(),
            "settings without a line in packaging/roost.toml"
        );
    }

    #[test]
    fn a_misspelt_key_names_the_nearest() {
        let e = parse("[lmtp]\nlisten = []\nmesage_bytes_max = 1\n")
            .unwrap_err()
            .to_string();
        assert_eq!(
            e,
            "roost.toml: there is no setting `lmtp.mesage_bytes_max`; did you mean \
             `lmtp.message_bytes_max`?"
        );
        let e = parse("[severs]\nhttps = []\n").unwrap_err().to_string();
        assert!(e.contains("did you mean `[server]`?"), "{e}");
        let e = parse("https = []\n").unwrap_err().to_string();
        assert!(e.contains("`server.https`"), "{e}");
    }

    #[test]
    fn errors_name_the_place() {
        let e = parse("[server]\ncores = \"two\"\n")
            .unwrap_err()
            .to_string();
        assert!(e.contains("line 2"), "{e}");
        assert!(parse("[server]\ncertificate = \"a.pem\"\n").is_err());
        assert!(parse("[server]\nadmin = [\"0.0.0.0:8480\"]\n").is_err());
        assert!(parse("[eas]\nheartbeat_s_min = 4000\n").is_err());
    }
}
