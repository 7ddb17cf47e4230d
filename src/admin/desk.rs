//! Carries out orders on the mailbox.

use super::away;
use super::intake::{self, Item};
use super::order::{DeviceRow, FolderRow, HeartbeatRow, HeldRow, UserRow};
use super::{Order, Refusal, Reply};
use crate::auth::{self, LoginName, Naming, password};
use crate::eas::advisor::{Advisor, Finding, Path};
use crate::eas::commands::sync;
use crate::eas::quirks::{Book, Traits};
use crate::eas::storm::StormGuard;
use crate::eas::version::Version;
use crate::import::Taken;
use crate::mailbox::{self, Account, AccountRow, Mailbox};
use crate::pim::Record;
use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;

/// Users beyond this many items in a folder are shown with this number.
const COUNT_MAX: usize = 1_000_000;

/// Where orders are carried out. A cheap clone.
#[derive(Clone, Debug)]
pub struct Desk {
    mailbox: Mailbox,
    naming: Naming,
    cost: password::Cost,
    /// Only where the appliance runs.
    advisor: Option<Advisor>,
    storm: Option<StormGuard>,
    quirks: Option<Arc<Book>>,
}

impl From<mailbox::Error> for Refusal {
    fn from(e: mailbox::Error) -> Self {
        use mailbox::Error as E;
        match e {
            E::Busy | E::Conflict => Self::Busy,
            E::BadName => Self::Wrong(
                "not a name: no control characters, no backslash, at most 256 characters".into(),
            ),
            other => Self::Failed(other.to_string()),
        }
    }
}

impl Desk {
    /// A desk over `mailbox`; new passwords cost `cost`.
    #[must_use]
    pub fn new(mailbox: Mailbox, naming: Naming, cost: password::Cost) -> Self {
        Self {
            mailbox,
            naming,
            cost,
            advisor: None,
            storm: None,
            quirks: None,
        }
    }

    /// The same, with what a running appliance knows of devices that it holds back.
    #[must_use]
    pub fn with_storm_guard(self, storm: StormGuard) -> Self {
        Self {
            storm: Some(storm),
            ..self
        }
    }

    /// The same, with what a running appliance does differently for some clients.
    #[must_use]
    pub fn with_quirks(self, quirks: Arc<Book>) -> Self {
        Self {
            quirks: Some(quirks),
            ..self
        }
    }

    /// The same, with what a running appliance has learnt of heartbeats.
    #[must_use]
    pub fn with_advisor(self, advisor: Advisor) -> Self {
        Self {
            advisor: Some(advisor),
            ..self
        }
    }

    /// The mailbox.
    #[must_use]
    pub fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }

    /// Carries out an order. What it changed is durable when the reply is there.
    pub async fn carry_out(&self, order: Order, payload: Vec<u8>) -> Reply {
        Box::pin(self.run(order, payload))
            .await
            .unwrap_or_else(|refusal| Reply::Refused { refusal })
    }

    async fn run(&self, order: Order, payload: Vec<u8>) -> Result<Reply, Refusal> {
        match order {
            Order::UserAdd {
                name,
                display_name,
                addresses,
                password,
            } => {
                let add = self.user_add(&name, display_name, addresses, &password);
                Box::pin(add).await
            }
            Order::UserList => self.user_list().await,
            Order::UserShow { name } => self.user_show(&name).await,
            order @ Order::UserSet { .. } => Box::pin(self.user_set(order)).await,
            Order::UserPortray { name, change } => Box::pin(self.user_portray(&name, change)).await,
            Order::UserRemove { name } => {
                let row = self.user(&name).await?;
                Box::pin(self.mailbox.remove_account(row.scope)).await?;
                done(format!("removed {name}"))
            }
            Order::UserPassword { name, password } => self.user_password(&name, &password).await,
            Order::DeviceList { user } => self.device_list(user.as_deref()).await,
            Order::DeviceShow {
                user,
                device,
                recovery_password,
            } => {
                let show = self.device_show(&user, &device, recovery_password);
                Box::pin(show).await
            }
            Order::Heartbeats => self.heartbeats().await,
            Order::DeviceResync { user, device } => self.device_resync(&user, &device).await,
            Order::DeviceDeliverAgain { user, device, item } => {
                let again = self.deliver_again(&user, &device, item.as_deref());
                Box::pin(again).await
            }
            Order::DeviceSet {
                user,
                device,
                version_max,
            } => self.device_set(&user, &device, &version_max).await,
            Order::DeviceRemove { user, device } => {
                let (row, found) = self.device(&user, &device).await?;
                self.mailbox.remove_device(row.scope, found.number).await?;
                done(format!("removed {device}; if it comes back it starts anew"))
            }
            Order::ImportItem {
                user,
                kind,
                folder,
                marks,
                received_ms,
                ..
            } => {
                let row = self.user(&user).await?;
                let item = Item {
                    kind,
                    folder,
                    marks,
                    received_ms,
                    bytes: payload,
                };
                let taken = intake::take(&self.mailbox, &row, item).await?;
                Ok(Reply::Imported { taken })
            }
        }
    }

    async fn device_set(
        &self,
        user: &str,
        device: &str,
        version_max: &str,
    ) -> Result<Reply, Refusal> {
        let (row, found) = self.device(user, device).await?;
        let ceiling = ceiling(version_max)?.map(Version::tens);
        let (scope, number) = (row.scope, found.number);
        Box::pin(self.mailbox.set_version_ceiling(scope, number, ceiling)).await?;
        done(format!("changed {device}"))
    }

    async fn user_set(&self, order: Order) -> Result<Reply, Refusal> {
        let Order::UserSet {
            name,
            display_name,
            add_addresses,
            remove_addresses,
            version_max,
        } = order
        else {
            return Err(Refusal::Wrong("an order of another kind".into()));
        };
        let row = self.user(&name).await?;
        let mut account = row.account.clone();
        if let Some(display_name) = display_name {
            account.display_name = display_name;
        }
        account
            .addresses
            .retain(|a| !remove_addresses.iter().any(|r| same(a, r)));
        for address in add_addresses {
            check_address(&address)?;
            if !account.addresses.iter().any(|a| same(a, &address)) {
                account.addresses.push(address);
            }
        }
        if let Some(version) = version_max {
            account.version_ceiling = ceiling(&version)?.map(|v| v.tens().into());
        }
        self.update(&row, &account, &format!("changed {name}"))
            .await
    }

    async fn user_password(&self, name: &str, password: &str) -> Result<Reply, Refusal> {
        let row = self.user(name).await?;
        let mut account = row.account.clone();
        account.password_hash = self.hash(password)?;
        self.update(&row, &account, &format!("changed the password of {name}"))
            .await
    }

    async fn device_resync(&self, user: &str, device: &str) -> Result<Reply, Refusal> {
        let (row, found) = self.device(user, device).await?;
        self.mailbox
            .forget_sync(row.scope, found.number, None)
            .await?;
        done(format!(
            "{device} fetches everything again when it next syncs"
        ))
    }

    async fn device_show(
        &self,
        user: &str,
        device: &str,
        with_recovery: bool,
    ) -> Result<Reply, Refusal> {
        let (row, device) = self.device(user, device).await?;
        let mut shown = device_row(&row, &device);
        if with_recovery {
            let kept = self.mailbox.recovery_password(row.scope, device.number);
            shown.recovery_password = kept.await?;
        }
        shown.broken = self.broken(row.scope, device.number).await?;
        if let Some(advisor) = &self.advisor {
            let now_ms = self.mailbox.clock().now_ms();
            let (held_s, cut) = advisor.device(row.scope, device.number.0, now_ms);
            shown.held_s = held_s;
            shown.cut = cut.map(|f| {
                let own = || format!("{} {}", shown.user, shown.id);
                heartbeat_row(network_name(f.path).unwrap_or_else(own), &f)
            });
        }
        if let (Some(quirks), Some(version)) = (&self.quirks, version_of(device.device.version)) {
            shown.quirks = quirks.names(Traits::of(&device.device), version);
        }
        if let Some(storm) = &self.storm {
            let now_ms = self.mailbox.clock().mono_ms();
            let held = storm.held(row.scope, &shown.id, now_ms);
            shown.held_back = held.map(|held| HeldRow {
                times: held.times,
                last_ms: held.last_ms,
                is_held: held.is_held,
            });
        }
        Ok(Reply::Devices {
            devices: vec![shown],
        })
    }

    /// Puts a record (with the photo of a contact) into the default folder of its class, once
    /// however often it is put.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn put(
        &self,
        user: &str,
        record: Record,
        photo: Option<&[u8]>,
    ) -> Result<Taken, Refusal> {
        let row = self.user(user).await?;
        let mut taken = Taken::default();
        Box::pin(intake::take_record(
            &self.mailbox,
            &row,
            record,
            photo,
            &mut taken,
        ))
        .await?;
        Ok(taken)
    }

    /// A name is an address or a plain name. The first user of a name has it in the default
    /// context, so that it logs in without a domain; a further one has it in its domain.
    async fn user_add(
        &self,
        name: &str,
        display_name: Option<String>,
        mut addresses: Vec<String>,
        password: &str,
    ) -> Result<Reply, Refusal> {
        let login = self
            .naming
            .parse(name)
            .ok_or_else(|| Refusal::Wrong("a name is missing".into()))?;
        let written = name.rsplit_once('\\').map_or(name, |(_, user)| user).trim();
        let local = written
            .rsplit_once('@')
            .map_or(written, |(local, _)| local)
            .to_owned();
        if !login.domain.is_empty() {
            addresses.insert(0, format!("{local}@{}", login.domain));
        }
        addresses.iter().try_for_each(|a| check_address(a))?;
        let mut seen = HashSet::new();
        addresses.retain(|a| seen.insert(a.to_lowercase()));
        let account = Account {
            display_name: display_name.unwrap_or_else(|| pretty(&local)),
            login: local,
            domain: String::new(),
            addresses,
            password_hash: self.hash(password)?,
            created_ms: self.mailbox.clock().now_ms(),
            ..Account::default()
        };
        let plain = self.mailbox.find_login(&login.user, "").await?;
        let domain = if plain.is_some() {
            login.domain.clone()
        } else {
            String::new()
        };
        match self
            .mailbox
            .add_account(&Account {
                domain: domain.clone(),
                ..account
            })
            .await
        {
            Ok(_) if domain.is_empty() => done(format!("added {name}; logs in as {}", login.user)),
            Ok(_) => done(format!("added {name}; logs in with the domain only")),
            Err(mailbox::Error::Taken) => Err(Refusal::Taken(name.to_owned())),
            Err(e) => Err(e.into()),
        }
    }

    async fn update(
        &self,
        row: &AccountRow,
        account: &Account,
        text: &str,
    ) -> Result<Reply, Refusal> {
        match self.mailbox.update_account(row, account).await {
            Ok(()) => done(text.to_owned()),
            Err(mailbox::Error::Taken) => Err(Refusal::Taken("one of the addresses".into())),
            Err(e) => Err(e.into()),
        }
    }

    fn findings(&self) -> Vec<Finding> {
        let now_ms = self.mailbox.clock().now_ms();
        self.advisor
            .as_ref()
            .map_or_else(Vec::new, |advisor| advisor.findings(now_ms))
    }

    async fn heartbeats(&self) -> Result<Reply, Refusal> {
        if self.advisor.is_none() {
            return Err(Refusal::Wrong(
                "heartbeats are learnt by a running appliance, and none runs on this data".into(),
            ));
        }
        let mut heartbeats = Vec::new();
        for finding in self.findings() {
            let path = match finding.path {
                path @ Path::Network(_) => network_name(path).unwrap_or_default(),
                Path::Device(scope, number) => {
                    let account = self.mailbox.account(scope).await;
                    let device = self.mailbox.device(scope, mailbox::DeviceNo(number)).await;
                    match (account, device) {
                        (Ok(a), Ok(d)) => format!("{} {}", shown_name(&a.account), d.device.id),
                        // It was removed since.
                        _ => continue,
                    }
                }
            };
            heartbeats.push(heartbeat_row(path, &finding));
        }
        Ok(Reply::Heartbeats { heartbeats })
    }

    async fn user_list(&self) -> Result<Reply, Refusal> {
        let mut users = Vec::new();
        for row in self.mailbox.accounts().await? {
            users.push(self.user_row(&row).await?);
        }
        users.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Reply::Users { users })
    }

    async fn user_show(&self, name: &str) -> Result<Reply, Refusal> {
        let row = self.user(name).await?;
        let mut folders = Vec::new();
        for folder in self.mailbox.folders(row.scope).await? {
            let items = self
                .mailbox
                .count_items(row.scope, folder.id, COUNT_MAX)
                .await?;
            folders.push(FolderRow {
                id: folder.id.to_string(),
                parent: folder.parent().to_string(),
                kind: folder.folder.kind.number(),
                name: folder.folder.name,
                items: items as u64,
            });
        }
        let devices = self.devices_of(&row).await?;
        let mut user = self.user_row(&row).await?;
        let absence = self.mailbox.absence(row.scope).await?;
        user.absence = away::shown(&absence, self.mailbox.clock().now_ms());
        Ok(Reply::User {
            user: Box::new(user),
            folders,
            devices,
            portrait: Box::new(self.portrait(row.scope).await?),
        })
    }

    async fn user_row(&self, row: &AccountRow) -> Result<UserRow, Refusal> {
        let version = row.account.version_ceiling.and_then(version_of);
        Ok(UserRow {
            name: shown_name(&row.account),
            display_name: row.account.display_name.clone(),
            addresses: row.account.addresses.clone(),
            version_max: version.map(|v| v.to_string()),
            devices: self.mailbox.devices(row.scope).await?.len(),
            absence: None,
        })
    }

    async fn device_list(&self, user: Option<&str>) -> Result<Reply, Refusal> {
        let rows = match user {
            Some(user) => vec![self.user(user).await?],
            None => self.mailbox.accounts().await?,
        };
        let mut devices = Vec::new();
        for row in &rows {
            devices.extend(self.devices_of(row).await?);
        }
        devices.sort_by_key(|d| std::cmp::Reverse(d.last_seen_ms));
        Ok(Reply::Devices { devices })
    }

    async fn devices_of(&self, row: &AccountRow) -> Result<Vec<DeviceRow>, Refusal> {
        let devices = self.mailbox.devices(row.scope).await?;
        let mut rows: Vec<_> = devices.iter().map(|d| device_row(row, d)).collect();
        rows.sort_by_key(|d| std::cmp::Reverse(d.last_seen_ms));
        Ok(rows)
    }

    pub(super) async fn device(
        &self,
        user: &str,
        id: &str,
    ) -> Result<(AccountRow, mailbox::DeviceRow), Refusal> {
        let row = self.user(user).await?;
        let device = self.mailbox.find_device(row.scope, id).await?;
        Ok((row, device.ok_or_else(|| Refusal::NoDevice(id.to_owned()))?))
    }

    pub(super) async fn user(&self, name: &str) -> Result<AccountRow, Refusal> {
        let no_user = || Refusal::NoUser(name.to_owned());
        let login: LoginName = self.naming.parse(name).ok_or_else(no_user)?;
        auth::find(&self.mailbox, &login).await?.ok_or_else(no_user)
    }

    fn hash(&self, password: &str) -> Result<String, Refusal> {
        if password.is_empty() {
            return Err(Refusal::Wrong("an empty password is none".into()));
        }
        password::hash(password, self.cost).map_err(|e| Refusal::Failed(e.to_string()))
    }
}

pub(super) fn done(text: String) -> Result<Reply, Refusal> {
    Ok(Reply::Done { text })
}

fn same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

/// `alice.archer` as `Alice Archer`.
fn pretty(local: &str) -> String {
    let words = local.split(['.', '_', '-']).filter(|w| !w.is_empty());
    let words = words.map(|w| {
        let mut letters = w.chars();
        letters.next().map_or_else(String::new, |first| {
            first.to_uppercase().chain(letters).collect()
        })
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The primary address, or the log-in name where there is none.
fn shown_name(account: &Account) -> String {
    if account.addresses.is_empty() {
        account.login.clone()
    } else {
        account.address().to_owned()
    }
}

fn check_address(address: &str) -> Result<(), Refusal> {
    let sound = address.rsplit_once('@').is_some_and(|(local, domain)| {
        let bad = |c: char| c.is_whitespace() || c.is_control() || "<>,;:\"\\".contains(c);
        !local.is_empty() && !domain.is_empty() && !address.contains(bad)
    });
    if sound {
        Ok(())
    } else {
        Err(Refusal::Wrong(format!("{address} is not an address")))
    }
}

fn ceiling(version: &str) -> Result<Option<Version>, Refusal> {
    if version == "none" {
        return Ok(None);
    }
    let known = || Version::ALL.map(|v| v.to_string()).join(", ");
    Version::parse(version).map(Some).ok_or_else(|| {
        Refusal::Wrong(format!(
            "there is no version {version}; it is none or one of {}",
            known()
        ))
    })
}

fn device_row(row: &AccountRow, found: &mailbox::DeviceRow) -> DeviceRow {
    let d = &found.device;
    let says = [
        ("user agent", &d.user_agent),
        ("model", &d.model),
        ("friendly name", &d.friendly_name),
        ("system", &d.os),
        ("language", &d.os_language),
        ("imei", &d.imei),
        ("phone number", &d.phone_number),
        ("operator", &d.mobile_operator),
    ];
    let said = says.into_iter().filter(|(_, v)| !v.is_empty());
    DeviceRow {
        user: shown_name(&row.account),
        id: d.id.clone(),
        kind: d.kind.clone(),
        describes_itself: said.map(|(k, v)| (k.to_owned(), v.clone())).collect(),
        version: version_of(d.version).map_or_else(String::new, |v| v.to_string()),
        first_seen_ms: d.first_seen_ms,
        last_seen_ms: d.last_seen_ms,
        heartbeat_s: match d.ping_heartbeat_s {
            0 => sync::stored_wait_s(&d.last_sync).unwrap_or(0),
            heartbeat_s => heartbeat_s,
        },
        held_s: 0,
        cut: None,
        held_back: None,
        broken: Vec::new(),
        recovery_password: None,
        quirks: Vec::new(),
        version_max: found
            .version_ceiling
            .and_then(|tens| version_of(tens.into()))
            .map(|v| v.to_string()),
    }
}

fn network_name(path: Path) -> Option<String> {
    match path {
        Path::Network(ip @ IpAddr::V4(_)) => Some(format!("{ip}/24")),
        Path::Network(ip) => Some(format!("{ip}/64")),
        Path::Device(..) => None,
    }
}

fn heartbeat_row(path: String, finding: &Finding) -> HeartbeatRow {
    HeartbeatRow {
        path,
        cut_s: finding.cut_s,
        proposal_s: finding.proposal_s,
        held_s: finding.held_s,
        seen: finding.seen,
    }
}

fn version_of(tens: u16) -> Option<Version> {
    u8::try_from(tens).ok().and_then(Version::from_tens)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::import::{Folder, Kind, Marks};
    use crate::store::Store;
    use crate::work::block_on;

    fn desk() -> Desk {
        let clock = Clock::manual(1_700_000_000_000);
        let mailbox = Mailbox::new(Store::memory(), clock, true);
        Desk::new(
            mailbox,
            Naming::default(),
            password::Cost {
                memory_kib: 64,
                passes: 1,
            },
        )
    }

    fn add(desk: &Desk, name: &str) -> Reply {
        ask(
            desk,
            Order::UserAdd {
                name: name.into(),
                display_name: None,
                addresses: Vec::new(),
                password: "secret".into(),
            },
        )
    }

    fn ask(desk: &Desk, order: Order) -> Reply {
        block_on(desk.carry_out(order, Vec::new()))
    }

    fn import(desk: &Desk, kind: Kind, folder: Folder, bytes: &[u8]) -> Taken {
        let order = Order::ImportItem {
            user: "alice".into(),
            kind,
            folder,
            marks: Marks {
                read: true,
                flagged: true,
                ..Marks::default()
            },
            received_ms: None,
            bytes: bytes.len() as u64,
        };
        match block_on(desk.carry_out(order, bytes.to_vec())) {
            Reply::Imported { taken } => taken,
            other => panic!("{other:?}"),
        }
    }

    fn show(desk: &Desk, name: &str) -> (UserRow, Vec<FolderRow>) {
        match ask(desk, Order::UserShow { name: name.into() }) {
            Reply::User { user, folders, .. } => (*user, folders),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_first_of_a_name_has_it_without_a_domain() {
        let desk = desk();
        assert!(matches!(
            add(&desk, "alice.archer@a.example"),
            Reply::Done { .. }
        ));
        assert!(matches!(
            add(&desk, "alice.archer@b.example"),
            Reply::Done { .. }
        ));
        let taken = Refusal::Taken("Alice.Archer@A.example".into());
        assert_eq!(
            add(&desk, "Alice.Archer@A.example"),
            Reply::Refused { refusal: taken }
        );
        let (first, folders) = show(&desk, "alice.archer");
        assert_eq!(first.addresses, ["alice.archer@a.example"]);
        assert_eq!(first.display_name, "Alice Archer");
        assert_eq!(folders.len(), 9);
        assert_eq!(
            show(&desk, "b.example\\alice.archer").0.name,
            "alice.archer@b.example"
        );
        let Reply::Users { users } = ask(&desk, Order::UserList) else {
            panic!("no list")
        };
        assert_eq!(users.len(), 2);
    }

    #[test]
    fn users_are_changed_and_removed() {
        let desk = desk();
        add(&desk, "bob");
        let set = |add: &[&str], remove: &[&str], version: &str| {
            let order = Order::UserSet {
                name: "bob".into(),
                display_name: Some("Bob Baker".into()),
                add_addresses: add.iter().map(ToString::to_string).collect(),
                remove_addresses: remove.iter().map(ToString::to_string).collect(),
                version_max: Some(version.into()),
            };
            ask(&desk, order)
        };
        assert!(matches!(
            set(&["bob@x.example", "b@x.example"], &[], "14.1"),
            Reply::Done { .. }
        ));
        assert!(matches!(
            set(&[], &["B@X.example"], "15.0"),
            Reply::Refused { .. }
        ));
        assert!(matches!(
            set(&["no address"], &[], "none"),
            Reply::Refused { .. }
        ));
        let (user, _) = show(&desk, "bob@x.example");
        assert_eq!(user.version_max.as_deref(), Some("14.1"));
        assert_eq!(user.addresses, ["bob@x.example", "b@x.example"]);
        assert!(matches!(
            ask(&desk, Order::UserRemove { name: "bob".into() }),
            Reply::Done { .. }
        ));
        let gone = Refusal::NoUser("bob".into());
        assert_eq!(
            ask(&desk, Order::UserShow { name: "bob".into() }),
            Reply::Refused { refusal: gone }
        );
    }

    #[test]
    fn a_device_gets_a_ceiling_of_its_own() {
        let desk = desk();
        add(&desk, "alice");
        let scope = block_on(desk.user("alice")).unwrap().scope;
        let desk = desk.with_quirks(Arc::default());
        let added = desk
            .mailbox
            .get_or_add_device(scope, "D1", "WindowsOutlook", "t/1");
        let number = block_on(added).unwrap().number;
        let spoke = desk
            .mailbox
            .change_device(scope, number, |d| d.version = 140);
        block_on(spoke).unwrap();
        let set = |device: &str, version: &str| {
            let order = Order::DeviceSet {
                user: "alice".into(),
                device: device.into(),
                version_max: version.into(),
            };
            matches!(ask(&desk, order), Reply::Done { .. })
        };
        let shown = || {
            let order = Order::DeviceShow {
                user: "alice".into(),
                device: "D1".into(),
                recovery_password: false,
            };
            match ask(&desk, order) {
                Reply::Devices { devices } => {
                    assert_eq!(devices[0].quirks, ["Outlook for Windows"]);
                    devices[0].version_max.clone()
                }
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(shown(), None);
        assert!(set("D1", "14.1") && !set("D1", "15.0") && !set("D2", "14.1"));
        assert_eq!(shown().as_deref(), Some("14.1"));
        assert!(set("D1", "none"));
        assert_eq!(shown(), None);
    }

    #[test]
    fn imports_store_once_and_name_what_they_cannot_take() {
        let desk = desk();
        add(&desk, "alice@example.org");
        let mail = b"From: x@y.example\r\nSubject: s\r\nDate: Mon, 1 Jan 2024 10:00:00 +0000\r\n\r\nhi\r\n";
        let named = Folder::Named(vec!["Work".into(), "2024".into()]);
        for (round, expect) in [(1, 0), (0, 1)] {
            for folder in [Folder::Inbox, named.clone()] {
                let taken = import(&desk, Kind::Mail, folder, mail);
                assert_eq!((taken.items, taken.known), (round, expect));
            }
        }
        let ics = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20240101T100000Z\r\nDTEND:20240101T110000Z\r\nSUMMARY:s\r\nEND:VEVENT\r\nBEGIN:VTODO\r\nUID:2\r\nSUMMARY:t\r\nEND:VTODO\r\nEND:VCALENDAR\r\n";
        assert_eq!(import(&desk, Kind::Calendar, Folder::Inbox, ics).items, 2);
        desk.mailbox.clock().advance(1000);
        assert_eq!(import(&desk, Kind::Calendar, Folder::Inbox, ics).known, 2);
        assert_eq!(
            import(&desk, Kind::Calendar, Folder::Inbox, b"junk")
                .skipped
                .len(),
            1
        );
        let empty = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n";
        let twice = b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:a\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nSUMMARY:b\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
        let why = |bytes| import(&desk, Kind::Calendar, Folder::Inbox, bytes).skipped;
        assert_eq!(why(empty), ["no appointment, task or note in it"]);
        assert_eq!(why(twice), ["VEVENT: no start that can be read (2 times)"]);
        let (_, folders) = show(&desk, "alice");
        let items: Vec<_> = folders.iter().map(|f| (f.name.as_str(), f.items)).collect();
        for expect in [
            ("Inbox", 1),
            ("2024", 1),
            ("Work", 0),
            ("Calendar", 1),
            ("Tasks", 1),
        ] {
            assert!(items.contains(&expect), "{expect:?} in {items:?}");
        }
    }
}
