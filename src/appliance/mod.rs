//! The composition root: builds everything, starts the cores, drains.
//!
//! [`start`] reads as the list of what the appliance consists of. Nothing else in the project knows
//! all of it.

pub mod log;
mod outbound;
mod pages;
mod services;
mod tickets;
mod upkeep;

use crate::admin::{Desk, socket};
use crate::auth::Authenticator;
use crate::auth::password::HashError;
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::delivery::Door;
use crate::discover::Discover;
use crate::eas::advisor::{Advice, Advisor};
use crate::eas::quirks::glob::Glob;
use crate::eas::quirks::{Book, Registry};
use crate::eas::version::Version;
use crate::eas::{self, Eas};
use crate::mailbox::Mailbox;
use crate::net::{self, Caps, Certificates, Deadlines, Server, Switch, certificate};
use crate::pim::mail::compose::Foreign;
use crate::push::Push;
use crate::smime::{Trust, TrustError};
use crate::store::{self, Store};
use crate::work::Pool;
use outbound::Outbound;
use pages::{NoMail, Pages};
use services::{LocalMail, Outgoing, Phones};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The store within the data directory.
const STORE: &str = "store";
/// The self-made certificate within the data directory.
const CERTIFICATE: &str = "certificate.pem";
/// Its key.
const KEY: &str = "key.pem";

/// Why the appliance does not start. The texts say what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory cannot be made or used.
    #[error("the data directory {path}: {why}")]
    Data {
        /// The directory.
        path: PathBuf,
        /// The system's reason.
        why: io::Error,
    },
    /// The store does not open.
    #[error(transparent)]
    Store(#[from] store::OpenError),
    /// A setting that cannot be used.
    #[error("{0}")]
    Setting(String),
    /// The password hashes.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The certificate.
    #[error(transparent)]
    Certificate(#[from] certificate::Error),
    /// The roots and revocation lists of certificates for mail.
    #[error("the settings of [certificates]: {0}")]
    Trust(#[from] TrustError),
    /// The keys of session tickets.
    #[error("session tickets: {0}")]
    Tickets(#[from] tickets::KeyError),
    /// The addresses and cores.
    #[error(transparent)]
    Net(#[from] net::Error),
    /// A thread or socket of the appliance.
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
}

/// A running appliance.
pub struct Running {
    /// HTTPS addresses, with the ports that the system chose.
    pub https: Vec<SocketAddr>,
    /// Plain HTTP addresses.
    pub http: Vec<SocketAddr>,
    /// LMTP addresses.
    pub lmtp: Vec<SocketAddr>,
    /// Addresses of the status page.
    pub admin: Vec<SocketAddr>,
    /// The certificate, where this start made it.
    pub made_certificate: Option<PathBuf>,
    server: Server,
    push: Push,
    pages: Option<Server>,
    desk: Desk,
    certificates: Option<Arc<Certificates>>,
    quirks: Arc<Book>,
    failed: flume::Receiver<String>,
    drain: Duration,
    upkeep: upkeep::Upkeep,
    outbound: Outbound,
}

/// Opens the store of a configuration's data directory, and a desk over it, without serving.
///
/// # Errors
/// [`StartError`]; a store that another process has open names what to do.
pub fn open_desk(config: &Config) -> Result<Desk, StartError> {
    let store = open_store(config, false)?;
    Ok(desk(config, store, Clock::system()))
}

/// Starts the appliance. `accept_loss` opens a store although it has lost commits that were
/// acknowledged: an operator's word, never a default.
///
/// # Errors
/// [`StartError`]. Nothing is served then.
pub fn start(config: &Config, accept_loss: bool) -> Result<Running, StartError> {
    start_with(config, accept_loss, |_| {})
}

/// The same; `first` is handed the store before anybody else is: whatever it has listen hears of
/// commits before phones do.
///
/// # Errors
/// [`StartError`]. Nothing is served then.
pub fn start_with(
    config: &Config,
    accept_loss: bool,
    first: impl FnOnce(&Store),
) -> Result<Running, StartError> {
    config
        .check()
        .map_err(|e| StartError::Setting(e.to_string()))?;
    let clock = Clock::system();
    let store = open_store(config, accept_loss)?;
    first(&store);
    let failed = store.poisoned();
    let workers = Pool::start(config.auth.workers)?;
    let desk = desk(config, store.clone(), clock.clone());
    let mailbox = desk.mailbox().clone();
    let naming = config.auth.naming();
    let switch = Switch::new(cores(config));
    let push = Push::new(switch.clone(), clock.clone());
    // What is durable is counted and told on the thread that made it so.
    let told = push.clone();
    store.listen(Box::new(move |wakes| told.heard(wakes)));
    let door = Door::new(mailbox.clone(), naming.clone(), workers.clone());
    let advisor = advisor(config);
    let desk = desk.with_advisor(advisor.clone());
    let auth = Authenticator::new(
        mailbox.clone(),
        workers.clone(),
        clock.clone(),
        naming,
        config.auth.cost(),
    )?;
    let host = config.server.host.clone();
    let discover = Discover::new(auth.clone(), clock.clone(), host);
    let eas = Eas::new(eas::Parts {
        advisor,
        auth,
        outbound: Some(Arc::new(Outgoing::new(mailbox.clone()))),
        push: push.clone(),
        clock: clock.clone(),
        settings: settings(config)?,
        mailbox: mailbox.clone(),
        workers,
    });
    let quirks = Arc::clone(&eas.settings().quirks);
    let desk = desk
        .with_storm_guard(eas.storm().clone())
        .with_quirks(Arc::clone(&quirks));
    let (certificates, made_certificate) = certificates(config, &clock)?;
    let keys = certificates
        .as_ref()
        .map(|_| tickets::load(&store, &clock))
        .transpose()?;
    let net = net::Config {
        tickets: keys.clone(),
        ..net_config(config, certificates.clone())
    };
    let own = eas.clone();
    let server = net::start(net, clock, switch, move |core| {
        let phones = Phones {
            eas: eas.on_core(core),
            discover: discover.clone(),
        };
        (phones, LocalMail(door.clone()))
    })?;
    let outbound = Outbound::start(config, &mailbox)?;
    let pages = pages(config, &server, &desk, outbound.counts())?;
    socket::listen(&config.server.data, desk.clone())?;
    Ok(Running {
        admin: pages.as_ref().map_or_else(Vec::new, |p| p.http().to_vec()),
        pages,
        https: server.https().to_vec(),
        http: server.http().to_vec(),
        lmtp: server.lmtp().to_vec(),
        made_certificate,
        server,
        push,
        desk,
        certificates,
        quirks,
        failed,
        drain: Duration::from_secs(config.server.drain_s),
        upkeep: upkeep::Upkeep::start(mailbox, own, keys)?,
        outbound,
    })
}

impl Running {
    /// Where orders are carried out.
    #[must_use]
    pub fn desk(&self) -> &Desk {
        &self.desk
    }

    /// Who waits: for tools that wake without a commit.
    #[must_use]
    pub fn push(&self) -> &Push {
        &self.push
    }

    /// What the network side counts, by name.
    #[must_use]
    pub fn counters(&self) -> Vec<(&'static str, u64)> {
        let counted = self.server.metrics().counted();
        counted.iter().map(|c| (c.name, c.value)).collect()
    }

    /// Tells, with the reason, when a write or sync of the store has failed: stop then.
    #[must_use]
    pub fn failed(&self) -> &flume::Receiver<String> {
        &self.failed
    }

    /// Reads the certificate files and the registry of client quirks again.
    pub fn reload(&self) {
        match self.quirks.reload() {
            Ok(true) => tracing::info!("registry of client quirks read again"),
            Ok(false) => {}
            Err(e) => tracing::error!(error = %e, "the registry of client quirks stays as it was"),
        }
        match self.certificates.as_ref().map(|c| c.reload()) {
            Some(Ok(())) => tracing::info!("certificate read again"),
            Some(Err(e)) => tracing::error!(error = %e, "the certificate stays as it was"),
            None => {}
        }
    }

    /// Stops in an orderly way: nothing new is accepted, requests in flight are answered, parked
    /// ones too.
    pub fn stop(self) {
        if let Some(pages) = self.pages {
            pages.stop(Duration::from_secs(1));
        }
        self.server.stop(self.drain);
        self.outbound.stop();
        self.upkeep.stop();
    }
}

/// The status page, on a core of its own: it is there when the others are busy.
fn pages(
    config: &Config,
    server: &Server,
    desk: &Desk,
    counts: Arc<outbound::Counts>,
) -> Result<Option<Server>, StartError> {
    if config.server.admin.is_empty() {
        return Ok(None);
    }
    let clock = desk.mailbox().clock().clone();
    let net = net::Config {
        http: config.server.admin.clone(),
        ..net::Config::default()
    };
    let pages = Pages::new(desk.clone(), server.meter(), counts, clock.now_ms());
    let pages = net::start(net, clock, Switch::new(1), move |_| (pages.clone(), NoMail))?;
    Ok(Some(pages))
}

fn open_store(config: &Config, accept_loss: bool) -> Result<Store, StartError> {
    const MIB: u64 = 1024 * 1024;
    let data = &config.server.data;
    make_private(data).map_err(|why| StartError::Data {
        path: data.clone(),
        why,
    })?;
    let cache_bytes = config.store.cache_mib.saturating_mul(MIB);
    // A third for answers: as it is used by waiting phones, some KiB for each of them.
    let answers_bytes = cache_bytes / 3;
    let options = store::Options {
        cache_bytes: cache_bytes - answers_bytes,
        answers_bytes,
        reserve_bytes: config.store.reserve_mib.saturating_mul(MIB),
        accept_loss,
        ..store::Options::default()
    };
    Ok(Store::open(&data.join(STORE), &options)?)
}

/// The data directory, for its owner only where it is made here.
fn make_private(data: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data)
}

fn desk(config: &Config, store: Store, clock: Clock) -> Desk {
    let fold = !config.auth.case_sensitive_names;
    let mailbox = Mailbox::new(store, clock, fold);
    Desk::new(mailbox, config.auth.naming(), config.auth.cost())
}

fn advisor(config: &Config) -> Advisor {
    let advice = match config.eas.heartbeat_advice {
        config::Advice::Off => Advice::Off,
        config::Advice::Tell => Advice::Tell,
        config::Advice::Cap => Advice::Cap,
    };
    Advisor::new(advice, config.eas.heartbeat_s_min)
}

fn settings(config: &Config) -> Result<eas::Settings, StartError> {
    let version_max = known_version(&config.eas.version_max)
        .map_err(|why| StartError::Setting(format!("eas.version_max: {why}")))?;
    Ok(eas::Settings {
        version_max,
        heartbeat_s_min: config.eas.heartbeat_s_min,
        heartbeat_s_max: config.eas.heartbeat_s_max,
        policy: policy(config)?,
        requests_per_user_max: config.limits.requests_per_user_max,
        requests_per_device_max: config.limits.requests_per_device_max,
        repeats_per_min_max: config.limits.repeats_per_min_max,
        host: config.server.host.clone(),
        foreign_from: match config.eas.foreign_from {
            config::ForeignFrom::Correct => Foreign::Correct,
            config::ForeignFrom::Refuse => Foreign::Refuse,
        },
        quirks: Arc::new(quirks(config)?),
        trust: Arc::new(Trust::open(
            &config.certificates.roots,
            &config.certificates.revocation_lists,
        )?),
    })
}

/// What is demanded of phones.
fn policy(config: &Config) -> Result<Vec<(String, String)>, StartError> {
    let demands = config.eas.policy.iter();
    demands
        .map(|(name, demand)| {
            let setting = eas::policy::setting(name, demand.number());
            setting.map_err(|why| StartError::Setting(format!("[eas.policy] {why}")))
        })
        .collect()
}

/// The registry of client quirks, and the ceilings by User-Agent.
fn quirks(config: &Config) -> Result<Book, StartError> {
    let ceiling = |(pattern, version): (&String, &String)| {
        let wrong = |why: String| StartError::Setting(format!("eas.ceilings: {why}"));
        let glob = Glob::try_from(pattern.clone()).map_err(|e| wrong(e.to_string()))?;
        Ok((glob, known_version(version).map_err(wrong)?))
    };
    let ceilings = config.eas.ceilings.iter().map(ceiling);
    let ceilings = ceilings.collect::<Result<Vec<_>, StartError>>()?;
    match config.eas.quirks.as_os_str().is_empty() {
        true => Ok(Book::of(Registry::built_in(), ceilings)),
        false => Book::open(&config.eas.quirks, ceilings)
            .map_err(|e| StartError::Setting(format!("eas.quirks: {e}"))),
    }
}

fn known_version(text: &str) -> Result<Version, String> {
    let known = || Version::ALL.map(Version::text).join(", ");
    Version::parse(text).ok_or_else(|| format!("\"{text}\" is none of {}", known()))
}

/// The configured certificate, or one made in the data directory; with its path if it was made now.
type Found = (Option<Arc<Certificates>>, Option<PathBuf>);

fn certificates(config: &Config, clock: &Clock) -> Result<Found, StartError> {
    if config.server.https.is_empty() {
        return Ok((None, None));
    }
    if !config.server.certificate.as_os_str().is_empty() {
        let found = Certificates::load(&config.server.certificate, &config.server.key)?;
        return Ok((Some(found), None));
    }
    let data = &config.server.data;
    let (chain, key) = (data.join(CERTIFICATE), data.join(KEY));
    let make = !chain.exists() || !key.exists();
    if make {
        let mut names = vec![
            config.server.host.clone(),
            "localhost".into(),
            "127.0.0.1".into(),
        ];
        names.dedup();
        certificate::make_self_signed(&names, &chain, &key, clock.now_ms())?;
    }
    Ok((
        Some(Certificates::load(&chain, &key)?),
        make.then_some(chain),
    ))
}

/// Threads that serve.
fn cores(config: &Config) -> usize {
    match config.server.cores {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        n => n,
    }
}

fn net_config(config: &Config, certificates: Option<Arc<Certificates>>) -> net::Config {
    let descriptors = net::raise_limit().unwrap_or(usize::MAX);
    let caps = Caps {
        // Some are for the store, the log and the admin socket.
        connections: config
            .limits
            .connections_max
            .min(descriptors.saturating_sub(256).max(16)),
        per_address: config.limits.connections_per_address_max,
        body_bytes: config.limits.bodies_bytes_max,
        ..Caps::default()
    };
    tracing::info!(descriptors, connections_max = caps.connections, "capacity");
    net::Config {
        https: config.server.https.clone(),
        http: config.server.http.clone(),
        lmtp: config.lmtp.listen.clone(),
        certificates,
        hostname: config.server.host.clone(),
        message_bytes_max: config.lmtp.message_bytes_max,
        caps,
        handshakes_per_s: config.limits.handshakes_per_s,
        driver: match config.server.driver {
            config::Driver::Auto => net::Driver::Auto,
            config::Driver::Epoll => net::Driver::Epoll,
        },
        deadlines: Deadlines {
            // The rest of the time is for requests that are being served.
            drain_ms: config.server.drain_s.saturating_mul(1_000) / 3 * 2,
            ..Deadlines::default()
        },
        ..net::Config::default()
    }
}
