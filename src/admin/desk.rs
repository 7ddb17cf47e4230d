//! Carries out orders on the mailbox.

use super::intake::{self, Item};
use super::{Order, Refusal, Reply};
use crate::auth::{self, LoginName, Naming, password};
use crate::eas::advisor::Advisor;
use crate::eas::quirks::Book;
use crate::eas::storm::StormGuard;
use crate::eas::version::Version;
use crate::import::Taken;
use crate::mailbox::{self, Account, AccountRow, Mailbox};
use crate::pim::Record;
use std::sync::Arc;

/// Where orders are carried out. A cheap clone.
#[derive(Clone, Debug)]
pub struct Desk {
    pub(super) mailbox: Mailbox,
    pub(super) naming: Naming,
    pub(super) cost: password::Cost,
    /// Only where the appliance runs.
    pub(super) advisor: Option<Advisor>,
    pub(super) storm: Option<StormGuard>,
    pub(super) quirks: Option<Arc<Book>>,
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
            Order::QueueList => Box::pin(self.queue_list()).await,
            Order::QueueShow { id } => Box::pin(self.queue_show(&id)).await,
            Order::QueueRetry { ids } => Box::pin(self.queue_retry(&ids)).await,
            Order::QueueDrop { ids } => Box::pin(self.queue_drop(&ids)).await,
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

    pub(super) async fn user(&self, name: &str) -> Result<AccountRow, Refusal> {
        let no_user = || Refusal::NoUser(name.to_owned());
        let login: LoginName = self.naming.parse(name).ok_or_else(no_user)?;
        auth::find(&self.mailbox, &login).await?.ok_or_else(no_user)
    }
}

pub(super) fn done(text: String) -> Result<Reply, Refusal> {
    Ok(Reply::Done { text })
}

/// The primary address, or the log-in name where there is none.
pub(super) fn shown_name(account: &Account) -> String {
    if account.addresses.is_empty() {
        account.login.clone()
    } else {
        account.address().to_owned()
    }
}

pub(super) fn ceiling(version: &str) -> Result<Option<Version>, Refusal> {
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

pub(super) fn version_of(tens: u16) -> Option<Version> {
    u8::try_from(tens).ok().and_then(Version::from_tens)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::order::{FolderRow, UserRow};
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
