//! A store with an account whose Inbox and contacts are filled, and a device that has begun to
//! sync both.

use crate::answer::Page;
use crate::wait::block_on;
use crate::{must, sample};
use roost::auth::password;
use roost::clock::Clock;
use roost::mailbox::{Account, By, ChangeKind, DeviceNo, FolderId, Mailbox};
use roost::pim::Class;
use roost::store::{Fjall, Options, Scope, Store, keys};
use tempfile::TempDir;

/// Items of each folder.
pub const FOLDER_ITEMS: u32 = 1_000;

/// The log-in name of the account.
pub const LOGIN: &str = "anna";
/// Log-in name and password as the header has them: base64 of `anna:secret`.
pub const AUTHORIZATION: &str = "Basic YW5uYTpzZWNyZXQ=";
const PASSWORD: &str = "secret";

/// Where the rows are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Engine {
    /// In memory.
    Memory,
    /// On disk, in the folder for temporary files.
    Fjall,
}

/// A filled account.
pub struct Fixture {
    mailbox: Mailbox,
    scope: Scope,
    device: DeviceNo,
    /// Removed with the fixture.
    _folder: Option<TempDir>,
}

impl Fixture {
    /// Of the password: it is checked once, then remembered.
    pub const COST: password::Cost = password::Cost {
        memory_kib: 64,
        passes: 1,
    };

    /// The user data.
    #[must_use]
    pub fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }

    /// Fills one.
    ///
    /// # Panics
    /// If the store fails.
    #[must_use]
    pub fn new(engine: Engine) -> Self {
        let (store, folder) = open(engine);
        let mailbox = Mailbox::new(store, Clock::manual(sample::NOW_MS), true);
        block_on(Self::fill(mailbox, folder))
    }

    async fn fill(mailbox: Mailbox, folder: Option<TempDir>) -> Self {
        let account = Account {
            login: LOGIN.to_owned(),
            password_hash: must(password::hash(PASSWORD, Self::COST)),
            addresses: vec!["anna@example.org".to_owned()],
            ..Account::default()
        };
        let scope = must(mailbox.add_account(&account).await);
        let device = must(mailbox.get_or_add_device(scope, "bench", "Phone", "").await).number;
        for class in [Class::Email, Class::Contacts] {
            let id = folder_of(class);
            let row = must(mailbox.folder(scope, id).await);
            let mut tx = mailbox.transaction(scope, By::default());
            for n in 0..FOLDER_ITEMS {
                must(tx.add(&row, &sample::record(class, n)).await);
                if tx.is_full() {
                    must(tx.commit().await);
                    tx = mailbox.transaction(scope, By::default());
                }
            }
            must(tx.commit().await);
            let round = must(Box::pin(mailbox.sync(scope, device, id, 0)).await);
            if let Some(round) = round {
                must(Box::pin(round.finish()).await);
            }
        }
        Self {
            mailbox,
            scope,
            device,
            _folder: folder,
        }
    }

    /// Only reads `count` items in their order; returns their bytes.
    ///
    /// # Panics
    /// If the store fails or holds fewer.
    #[must_use]
    pub fn scan(&self, class: Class, count: usize) -> usize {
        let span = keys::items(self.scope, folder_of(class).0);
        let rows = must(block_on(self.mailbox.store().range(span.read(count)))).rows;
        assert_eq!(rows.len(), count);
        rows.iter().map(|row| row.value().len()).sum()
    }

    /// Reads `count` items in their order and encodes them.
    ///
    /// # Panics
    /// If the store fails or holds fewer.
    pub fn encode_scan(&self, class: Class, count: usize, page: &mut Page) -> usize {
        let span = keys::items(self.scope, folder_of(class).0);
        let rows = must(block_on(self.mailbox.store().range(span.read(count)))).rows;
        assert_eq!(rows.len(), count);
        page.begin();
        for row in &rows {
            let item = keys::parse_item(&row.key).map_or(0, |key| key.item);
            page.add(item, row.value());
        }
        page.end()
    }

    /// What a Sync does for the first `count` items that are new to the device, up to its commit:
    /// state, log, index by date, items, encoding.
    ///
    /// # Panics
    /// If the store fails or there are fewer.
    pub fn encode_round(&self, class: Class, count: usize, page: &mut Page) -> usize {
        block_on(async {
            let (folder, mailbox) = (folder_of(class), &self.mailbox);
            let round = Box::pin(mailbox.sync(self.scope, self.device, folder, 1)).await;
            let mut round = must(must(round).ok_or("the key is unknown"));
            page.begin();
            for _ in 0..count {
                let change = must(must(round.next().await).ok_or("too few items"));
                if let ChangeKind::Add(row) = &change.kind {
                    page.add_record(row.item.0, must(row.record()));
                }
            }
            page.end()
        })
    }
}

/// The folder that holds a class.
#[must_use]
pub fn folder_of(class: Class) -> FolderId {
    match class {
        Class::Contacts => FolderId::CONTACTS,
        _ => FolderId::INBOX,
    }
}

fn open(engine: Engine) -> (Store, Option<TempDir>) {
    match engine {
        Engine::Memory => (Store::memory(), None),
        Engine::Fjall => {
            let folder = must(tempfile::tempdir());
            let store = must(Fjall::open(folder.path(), &Options::default()));
            (Store::Fjall(store), Some(folder))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use roost::wbxml::xml::dump;

    #[test]
    fn a_page_has_the_items_asked_for() {
        let fixture = Fixture::new(Engine::Memory);
        for class in [Class::Email, Class::Contacts] {
            assert!(fixture.scan(class, 20) > 20 * 200);
            let mut page = Page::new(folder_of(class).0);
            let items = |page: &Page| dump(&page.document()).unwrap().matches("<Add>").count();
            fixture.encode_scan(class, 20, &mut page);
            assert_eq!(items(&page), 20);
            fixture.encode_round(class, 30, &mut page);
            assert_eq!(items(&page), 30);
        }
    }
}
