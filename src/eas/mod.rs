//! Exchange ActiveSync: the protocol from the request line to the answer ([MS-ASHTTP], [MS-ASCMD]).
//!
//! A request goes through [`Eas::handle`]: log-in, device, policy, then the command that the table
//! in [`dispatch`] names. Every number of the protocol's statuses stands in here and nowhere else.
//!
//! Deliberately absent: sockets, what a record is stored as, Autodiscover (`discover`).

pub mod advisor;
pub mod classes;
pub mod commands;
pub mod context;
pub mod dispatch;
pub mod drafts;
pub mod inflight;
pub mod log;
pub mod notices;
pub mod options;
pub mod outgoing;
pub mod parked;
pub mod people;
pub mod policy;
pub mod quirks;
pub mod request;
pub mod searches;
pub mod stand_in;
pub mod status;
pub mod storm;
pub mod strikes;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub mod texts;
pub mod value;
pub mod version;

use std::sync::Arc;

use crate::auth::{Authenticator, Denied};
use crate::clock::{Clock, UnixMs};
use crate::http::{Answer, Outcome, Peer, Request, Why};
use crate::limits;
use crate::mailbox::{
    Access, AccountRow, AccountStatus, Device, DeviceNo, DeviceRow, Mailbox, Wipe,
};
use crate::pim::mail::compose::Foreign;
use crate::push::Push;
use crate::smime::Trust;
use crate::store::Scope;
use crate::work::Pool;
use advisor::{Advisor, End, Origin};
use context::{Content, Context, Done, Reply};
use dispatch::{Carries, Command};
use inflight::InFlight;
use log::{Line, Who};
use outgoing::Outbound;
use parked::{Parked, PasswordPrint, Wait, Waiting};
use quirks::{Book, Known, Quirk, Quirks, Traits};
use request::Target;
use searches::Searches;
use status::{Common, Failure};
use storm::{StormGuard, Verdict};
use strikes::Strikes;
use version::Version;

/// What the `MS-Server-ActiveSync` header says: some clients show it, some compare its first number
/// with what they know of Exchange.
const SERVER: &str = "16.1";
/// What every answer carries.
const COMMON_HEADERS: &[(&str, &str)] = &[
    ("MS-Server-ActiveSync", SERVER),
    ("Cache-Control", "private"),
];
/// The device id with which Android tries an account before it keeps it: nothing is kept of it.
const TRIAL_DEVICE: &str = "validate";
/// A device is noted as seen so often, in milliseconds; more often where it has changed.
const SEEN_EVERY_MS: i64 = 15 * 60 * 1000;

/// What an operator may set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The highest version that is offered, where the account says nothing else.
    pub version_max: Version,
    /// The shortest heartbeat, in seconds.
    pub heartbeat_s_min: u32,
    /// The longest heartbeat, in seconds.
    pub heartbeat_s_max: u32,
    /// Policy for all accounts: element of [MS-ASPROV] 2.2.2 and value; empty: none.
    pub policy: Vec<(String, String)>,
    /// Requests of one user that are served at one time.
    pub requests_per_user_max: u32,
    /// Requests of one device that are served at one time.
    pub requests_per_device_max: u32,
    /// How often a device may repeat itself in a minute; 0: as often as it likes.
    pub repeats_per_min_max: u32,
    /// The name of this host, for Message-IDs.
    pub host: String,
    /// What becomes of mail whose `From` is none of the sender's addresses.
    pub foreign_from: Foreign,
    /// What is done differently for some clients, and how far their versions go.
    pub quirks: Arc<Book>,
    /// Whose certificates are trusted.
    pub trust: Arc<Trust>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            version_max: Version::V16_1,
            heartbeat_s_min: limits::HEARTBEAT_S_MIN,
            heartbeat_s_max: limits::HEARTBEAT_S_MAX,
            policy: Vec::new(),
            requests_per_user_max: limits::REQUESTS_PER_USER_MAX,
            requests_per_device_max: limits::REQUESTS_PER_DEVICE_MAX,
            repeats_per_min_max: limits::REPEATS_PER_MIN_MAX,
            host: "localhost".into(),
            foreign_from: Foreign::default(),
            quirks: Arc::default(),
            trust: Arc::default(),
        }
    }
}

/// What the protocol is served from.
pub struct Parts {
    /// The user data.
    pub mailbox: Mailbox,
    /// Who may log in.
    pub auth: Authenticator,
    /// Takes mail for other hosts; none: such mail is refused.
    pub outbound: Option<Arc<dyn Outbound>>,
    /// Who waits.
    pub push: Push,
    /// The time.
    pub clock: Clock,
    /// Where large mails are taken apart.
    pub workers: Pool,
    /// Where waiting connections are cut.
    pub advisor: Advisor,
    /// What the operator set.
    pub settings: Settings,
}

/// The protocol's server. A cheap clone, one per core.
#[derive(Clone)]
pub struct Eas {
    parts: Arc<Parts>,
    in_flight: InFlight,
    storm: StormGuard,
    strikes: Strikes,
    searches: Searches,
    core: usize,
}

impl std::fmt::Debug for Eas {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Eas")
            .field("core", &self.core)
            .finish_non_exhaustive()
    }
}

impl Eas {
    /// A server of these parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let settings = &parts.settings;
        let (user, device) = (
            settings.requests_per_user_max,
            settings.requests_per_device_max,
        );
        Self {
            in_flight: InFlight::new(user, device),
            storm: StormGuard::new(settings.repeats_per_min_max),
            strikes: Strikes::default(),
            searches: Searches::default(),
            parts: Arc::new(parts),
            core: 0,
        }
    }

    /// The same, for another core.
    #[must_use]
    pub fn on_core(&self, core: usize) -> Self {
        Self {
            parts: Arc::clone(&self.parts),
            in_flight: self.in_flight.clone(),
            storm: self.storm.clone(),
            strikes: self.strikes.clone(),
            searches: self.searches.clone(),
            core,
        }
    }

    /// The user data.
    #[must_use]
    pub fn mailbox(&self) -> &Mailbox {
        &self.parts.mailbox
    }

    /// The time.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.parts.clock
    }

    /// Who waits.
    #[must_use]
    pub fn push(&self) -> &Push {
        &self.parts.push
    }

    /// The pool for what burns.
    #[must_use]
    pub fn workers(&self) -> &Pool {
        &self.parts.workers
    }

    /// Where waiting connections are cut.
    #[must_use]
    pub fn advisor(&self) -> &Advisor {
        &self.parts.advisor
    }

    /// Who repeats itself too often.
    #[must_use]
    pub fn storm(&self) -> &StormGuard {
        &self.storm
    }

    /// Which answers were asked for again.
    #[must_use]
    pub fn strikes(&self) -> &Strikes {
        &self.strikes
    }

    /// Results of searches, and those that are going on.
    #[must_use]
    pub fn searches(&self) -> &Searches {
        &self.searches
    }

    /// What the operator set.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.parts.settings
    }

    /// Who takes mail for other hosts.
    #[must_use]
    pub fn outbound(&self) -> Option<&dyn Outbound> {
        self.parts.outbound.as_deref()
    }

    /// Answers a request for a path that [`request::is_service`] knows.
    pub async fn handle(&self, request: &Request<'_>, peer: &Peer) -> Outcome<Parked> {
        let (started_ms, origin) = (self.clock().mono_ms(), Origin::of(peer));
        let account = match self.log_in(request, peer).await {
            Ok(account) => account,
            Err(answer) => {
                log::refused("log-in", answer.status, self.core);
                return Outcome::Answer(common_headers(answer));
            }
        };
        let mut ceiling = self.ceiling(&account);
        match request.method {
            "OPTIONS" => {
                let asked = self.options_ceiling(request, &account);
                let ceiling = Box::pin(asked).await.map_or(ceiling, |c| c.min(ceiling));
                log::refused("OPTIONS", 200, self.core);
                return Outcome::Answer(common_headers(commands::options::answer(ceiling)));
            }
            "POST" => {}
            _ => {
                let answer = Answer::text(501, "not a method of this protocol");
                return Outcome::Answer(common_headers(answer.with("Allow", "OPTIONS,POST")));
            }
        }
        let target = match request::parse(request) {
            Ok(target) => target,
            Err(e) => return self.refuse_line(&e),
        };
        let line = Line {
            command: target.command.name(),
            who: Who::new(&account.account.login, target.logged_device_id()),
            version: target.version,
            started_ms,
            core: self.core,
        };
        if let Some(answer) = self.hold_back(&target, &account, request.body) {
            line.write(self.clock().mono_ms(), 0, answer.status, 0, 0);
            return Outcome::Answer(common_headers(answer));
        }
        let Some(_served) = self.in_flight.begin(account.scope, &target.device_id) else {
            let answer = status::unavailable();
            line.write(self.clock().mono_ms(), 0, answer.status, 0, 0);
            return Outcome::Answer(common_headers(answer));
        };
        let done = Box::pin(self.serve(request, origin, &target, &account, &mut ceiling)).await;
        self.close(done, line, origin, target.command, ceiling)
    }

    /// Goes on with a parked request.
    pub async fn resume(&self, parked: Parked, why: Why) -> Outcome<Parked> {
        let (waiting, line, origin) = parked.into_parts();
        let watcher = &waiting.watcher;
        let device = (watcher.scope(), watcher.device());
        let is_over = watcher.is_superseded();
        let command = match &waiting.wait {
            Wait::Ping(_) => Command::Ping,
            Wait::Sync(_) => Command::Sync,
        };
        let done = match self.admit_again(&waiting, line.version).await {
            Ok(Some(account)) => Box::pin(self.go_on(waiting, &account, why)).await,
            Ok(None) => {
                let answer = status::unauthorized();
                line.write(self.clock().mono_ms(), 0, answer.status, 0, 0);
                return Outcome::Answer(common_headers(answer));
            }
            Err(failure) => Err(failure),
        };
        if matches!(done, Ok(Done::Reply(_))) && !is_over {
            let waited_ms = self.clock().mono_ms().saturating_sub(line.started_ms);
            let now_ms = self.clock().now_ms();
            self.note_end(origin, device, waited_ms, End::Answered, now_ms);
        }
        self.close(done, line, origin, command, self.settings().version_max)
    }

    /// Lets the advisor know how a wait ended, and after which time.
    fn note_end(
        &self,
        origin: Origin,
        device: (Scope, u32),
        waited_ms: u64,
        end: End,
        now_ms: UnixMs,
    ) {
        let waited_s = u32::try_from(waited_ms / 1_000).unwrap_or(u32::MAX);
        self.advisor()
            .observe(origin, device, waited_s, end, now_ms);
    }

    async fn go_on(
        &self,
        waiting: Waiting,
        account: &AccountRow,
        why: Why,
    ) -> Result<Done, Failure> {
        let expired = why == Why::Expired || waiting.watcher.is_superseded();
        match &waiting.wait {
            Wait::Ping(_) => commands::ping::resume(self, waiting, expired).await,
            Wait::Sync(_) => commands::sync::resume(self, waiting, account, expired).await,
        }
    }

    /// What a device is told that repeats itself too often; none: it does not.
    fn hold_back(&self, target: &Target, account: &AccountRow, body: &[u8]) -> Option<Answer> {
        let now = (self.clock().mono_ms(), self.clock().now_ms());
        let device = (account.scope, target.device_id.as_str());
        let request = (target.command, body);
        let Verdict::Held { wait_s, begins } = self.storm.admit(device, request, now) else {
            return None;
        };
        if begins {
            tracing::warn!(
                user = account.account.login,
                device = target.logged_device_id(),
                command = target.command.name(),
                seconds = wait_s,
                "a device repeats the same request too often: it is told to come back later"
            );
        }
        Some(storm::answer(target.command, wait_s))
    }

    async fn log_in(&self, request: &Request<'_>, peer: &Peer) -> Result<AccountRow, Answer> {
        let header = request.header("Authorization").map(str::as_bytes);
        match Box::pin(self.parts.auth.verify(header, peer.network())).await {
            Ok(account) => Ok(account),
            Err(Denied::Missing | Denied::Wrong) => Err(status::unauthorized()),
            Err(Denied::Throttled { wait_s }) => Err(status::throttled(wait_s)),
            Err(Denied::Busy | Denied::Store(_)) => Err(status::unavailable()),
        }
    }

    /// The highest version for this account.
    fn ceiling(&self, account: &AccountRow) -> Version {
        let own = account.account.version_ceiling;
        let own = own.and_then(|tens| Version::from_tens(u8::try_from(tens).ok()?));
        own.unwrap_or_else(|| self.settings().version_max)
    }

    async fn serve(
        &self,
        request: &Request<'_>,
        origin: Origin,
        target: &Target,
        account: &AccountRow,
        ceiling: &mut Version,
    ) -> Result<Done, Failure> {
        let row = target.command.row();
        if target.version > *ceiling {
            return Err(Common::VersionNotSupported.into());
        }
        let run = row.run.ok_or(Common::CommandNotSupported)?;
        if !row.is_in(target.version) {
            return Err(not_in_version(row, target.version));
        }
        if !target.has_device_id() {
            return Err(Common::DeviceIdMissingOrInvalid.into());
        }
        if !target.has_device_type() {
            return Err(Common::DeviceTypeMissingOrInvalid.into());
        }
        check_type(request, row.carries, target.version)?;
        let (device, known) = self.device(request, target, account).await?;
        *ceiling = device_ceiling(&device, known).map_or(*ceiling, |own| own.min(*ceiling));
        if target.version > *ceiling {
            return Err(Common::VersionNotSupported.into());
        }
        let device = self.note(request, target, account, device).await?;
        let number = device.number.0;
        self.advisor()
            .heard_from(origin, (account.scope, number), self.clock().now_ms());
        let key = row.needs_policy.then_some(target.policy_key);
        self.admit(account, &device.device, key, known.quirks)?;
        let context = Context {
            eas: self,
            origin,
            target,
            account,
            device: &device,
            quirks: known.quirks,
            body: request.body,
        };
        run(&context).await
    }

    /// Whether a device may do anything at all; with the policy key that it presents, where the
    /// command asks for one.
    #[expect(clippy::option_option, reason = "no key, and no need of one")]
    fn admit(
        &self,
        account: &AccountRow,
        device: &Device,
        key: Option<Option<u32>>,
        quirks: Quirks,
    ) -> Result<(), Failure> {
        if device.access != Access::Allowed {
            return Err(Common::DeviceIsBlockedForThisUser.into());
        }
        if let Some(key) = key {
            let policy = match quirks.has(Quirk::NoPolicy) {
                true => policy::Policy::default(),
                false => self.policy(account),
            };
            policy.check(device, key)?;
        }
        Ok(())
    }

    /// The same for a request that has waited: up to an hour ago all was well. `None`: its log-in
    /// would not be let in any more. A device that was removed meanwhile has no state either, and
    /// is told so by its command.
    async fn admit_again(
        &self,
        waiting: &Waiting,
        version: Version,
    ) -> Result<Option<AccountRow>, Failure> {
        let scope = waiting.watcher.scope();
        let account = match self.mailbox().account(scope).await {
            Ok(account) => account,
            Err(crate::mailbox::Error::NotFound) => return Ok(None),
            Err(e) => return Err(e.into()),
        };
        if account.account.status != AccountStatus::Active {
            return Err(Common::UserDisabledForSync.into());
        }
        if PasswordPrint::of(&account.account) != waiting.password {
            return Ok(None);
        }
        let device = DeviceNo(waiting.watcher.device());
        match self.mailbox().device(scope, device).await {
            Ok(row) => {
                let quirks = self.known(&row.device, "", version).quirks;
                let Device {
                    policy_key, wipe, ..
                } = row.device;
                // As when it came: Ping of a device that was never provisioned needs no key.
                let needs_key = policy_key != 0
                    || !matches!(wipe, Wipe::None | Wipe::Done)
                    || !matches!(waiting.wait, Wait::Ping(_));
                let key = needs_key.then_some(Some(policy_key));
                self.admit(&account, &row.device, key, quirks)?;
            }
            Err(crate::mailbox::Error::NotFound) => {}
            Err(e) => return Err(e.into()),
        }
        Ok(Some(account))
    }

    /// What is demanded of the devices of this account.
    #[must_use]
    pub fn policy(&self, account: &AccountRow) -> policy::Policy {
        policy::Policy::of(&self.settings().policy, &account.account.policy)
    }

    /// What is known of the client with this device; `agent` is what it calls itself in the request.
    fn known(&self, device: &Device, agent: &str, version: Version) -> Known {
        let noted = Traits::of(device);
        let client = match agent {
            // Some clients send no User-Agent with some commands.
            "" => noted,
            agent => Traits { agent, ..noted },
        };
        self.settings().quirks.known(client, version)
    }

    /// The ceiling of what asks for OPTIONS, as far as it says who it is.
    async fn options_ceiling(
        &self,
        request: &Request<'_>,
        account: &AccountRow,
    ) -> Option<Version> {
        let agent = agent_of(request);
        let id = request::device_id_of(request.query);
        let device = match id {
            Some(id) => self.mailbox().find_device(account.scope, &id).await,
            None => Ok(None),
        };
        match device {
            Ok(Some(device)) => {
                let known = self.known(&device.device, agent, Version::V16_1);
                device_ceiling(&device, known)
            }
            // An OPTIONS that says too much is put right by the refusal of what follows.
            Ok(None) | Err(_) => self.settings().quirks.ceiling(agent),
        }
    }

    /// The device of a request, a new one too, and what is known of it.
    async fn device(
        &self,
        request: &Request<'_>,
        target: &Target,
        account: &AccountRow,
    ) -> Result<(DeviceRow, Known), Failure> {
        let agent = agent_of(request);
        let row = if target.device_id == TRIAL_DEVICE {
            trial_device(target)
        } else {
            self.kept_device(target, account, agent).await?
        };
        let known = self.known(&row.device, agent, target.version);
        Ok((row, known))
    }

    async fn kept_device(
        &self,
        target: &Target,
        account: &AccountRow,
        agent: &str,
    ) -> Result<DeviceRow, Failure> {
        let (scope, mailbox) = (account.scope, self.mailbox());
        let mut tries = 0;
        loop {
            let (id, kind) = (&target.device_id, &target.device_type);
            match Box::pin(mailbox.get_or_add_device(scope, id, kind, agent)).await {
                Err(crate::mailbox::Error::Conflict) if tries < limits::CONFLICT_RETRIES_MAX => {
                    tries += 1;
                }
                row => return Ok(row?),
            }
        }
    }

    /// Notes what has changed of a device.
    async fn note(
        &self,
        request: &Request<'_>,
        target: &Target,
        account: &AccountRow,
        row: DeviceRow,
    ) -> Result<DeviceRow, Failure> {
        if row.number == DeviceNo::NONE {
            return Ok(row);
        }
        let agent = agent_of(request);
        let (now_ms, version) = (self.clock().now_ms(), u16::from(target.version.tens()));
        let is_as_noted = |d: &Device| {
            // Some clients send no User-Agent with some commands.
            (agent.is_empty() || d.user_agent == agent)
                && d.version == version
                && now_ms - d.last_seen_ms < SEEN_EVERY_MS
        };
        if is_as_noted(&row.device) {
            return Ok(row);
        }
        let note = |d: &mut Device| {
            if !agent.is_empty() {
                agent.clone_into(&mut d.user_agent);
            }
            d.version = version;
            d.last_seen_ms = now_ms;
            if target.command == Command::Sync {
                d.syncs += 1;
            }
        };
        let changed = self
            .mailbox()
            .change_device(account.scope, row.number, note);
        match Box::pin(changed).await {
            // What can be read is read, also while nothing can be written, as on a full disk.
            Err(crate::mailbox::Error::Busy) => {
                let mut row = row;
                note(&mut row.device);
                Ok(row)
            }
            noted => Ok(noted?),
        }
    }

    fn refuse_line(&self, e: &request::Error) -> Outcome<Parked> {
        let answer = match e {
            request::Error::Command => Answer::text(501, "unknown command"),
            e => Answer::text(400, &e.to_string()),
        };
        log::refused("?", answer.status, self.core);
        Outcome::Answer(common_headers(answer))
    }

    /// Makes the answer of what a command came to, and writes the log line.
    fn close(
        &self,
        done: Result<Done, Failure>,
        line: Line,
        origin: Origin,
        command: Command,
        ceiling: Version,
    ) -> Outcome<Parked> {
        let (answer, status, changes) = match done {
            Ok(Done::Park(waiting)) => return Outcome::Park(Parked::new(waiting, line, origin)),
            Ok(Done::Reply(reply)) => {
                let (status, changes) = (reply.status, reply.changes);
                (answer_of(reply, ceiling), status, changes)
            }
            Err(failure) => {
                if let Failure::Mailbox(e) = &failure {
                    tracing::warn!(command = line.command, error = %e, "a command failed");
                }
                let mut answer = failure.answer(command.row(), line.version);
                if matches!(failure, Failure::Common(Common::VersionNotSupported)) {
                    answer = with_offer(answer, ceiling);
                }
                (answer, failure.status(), 0)
            }
        };
        let now_ms = self.clock().mono_ms();
        line.write(now_ms, status, answer.status, answer.body.len(), changes);
        Outcome::Answer(common_headers(answer))
    }
}

fn answer_of(reply: Reply, ceiling: Version) -> Answer {
    let answer = match reply.content {
        Content::Nothing => Answer::new(200),
        Content::Wbxml(document) => Answer::wbxml(document),
        Content::Other(kind, bytes) => Answer::new(200).with_body(kind, bytes),
    };
    if !reply.renegotiate {
        return answer;
    }
    with_offer(answer.with("X-MS-RP", dispatch::versions(ceiling)), ceiling)
}

/// With what OPTIONS would say, for a client that has to choose again.
fn with_offer(answer: Answer, ceiling: Version) -> Answer {
    answer
        .with("MS-ASProtocolVersions", dispatch::versions(ceiling))
        .with("MS-ASProtocolCommands", dispatch::commands(ceiling))
}

/// What a client calls itself, or "".
fn agent_of<'a>(request: &Request<'a>) -> &'a str {
    let agent = request.header("User-Agent").unwrap_or_default();
    crate::pim::mail::cut(agent, limits::USER_AGENT_BYTES_MAX)
}

/// The ceiling of a device: its own, and that of what it calls itself.
fn device_ceiling(device: &DeviceRow, known: Known) -> Option<Version> {
    let own = device.version_ceiling.and_then(Version::from_tens);
    own.into_iter().chain(known.version_max).min()
}

fn common_headers(mut answer: Answer) -> Answer {
    for (name, value) in COMMON_HEADERS {
        answer = answer.with(*name, *value);
    }
    answer
}

/// A command that exists, but not in this version. One without an answer element has no place for
/// a status.
fn not_in_version(row: &dispatch::Row, version: Version) -> Failure {
    if version >= Version::V14_0 && row.root.is_some() {
        Common::VersionNotSupported.into()
    } else {
        Failure::Http(501, "not a command of this version")
    }
}

/// A content has to be of the type that the command carries. None at all is left to the command.
fn check_type(request: &Request<'_>, carries: Carries, version: Version) -> Result<(), Failure> {
    let Some(kind) = request.header("Content-Type") else {
        return Ok(());
    };
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let is = |expect: &str| kind.eq_ignore_ascii_case(expect);
    let wbxml = || is("application/vnd.ms-sync.wbxml") || is("application/vnd.ms-sync");
    let fits = match carries {
        _ if request.body.is_empty() => true,
        Carries::Nothing => true,
        Carries::Mail if version < Version::V14_0 => is("message/rfc822"),
        Carries::Mail | Carries::Wbxml | Carries::WbxmlOrNothing => wbxml(),
    };
    if fits {
        Ok(())
    } else {
        Err(Common::InvalidContent.into())
    }
}

/// A device that only tries whether the account works.
fn trial_device(target: &Target) -> DeviceRow {
    DeviceRow {
        number: DeviceNo::NONE,
        version: 0,
        version_ceiling: None,
        device: Device {
            id: target.device_id.clone(),
            kind: target.device_type.clone(),
            ..Device::default()
        },
    }
}
