//! Accounts: the record, the names that lead to it, adding and removing.
//!
//! A name row (`keys::account_name`) leads from a log-in name or an address to a scope. It counts
//! only if the account record there says the same name: the rows of the two live in different
//! scopes, so a crash between the commits leaves a name that leads nowhere, and such a name is free.

use rkyv::{Archive, Deserialize, Serialize};

use super::stored;
use super::tree;
use super::{By, Error, Mailbox, SCOPES, unchanged, used};
use crate::clock::UnixMs;
use crate::limits;
use crate::store::{Batch, Condition, Hint, Row, Scope, Seq, Write, keys};

const FORMAT: u8 = 1;

/// Whether an account may be used.
#[derive(Archive, Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(u8)]
pub enum AccountStatus {
    /// It may.
    #[default]
    Active = 1,
    /// Nobody logs in, and mail is refused for the time being.
    Blocked = 2,
    /// It was removed; its rows are being deleted.
    Removed = 3,
}

/// The record of an account.
#[derive(Archive, Serialize, Deserialize, Clone, PartialEq, Eq, Debug, Default)]
pub struct Account {
    /// The log-in name, without its domain, as the operator wrote it.
    pub login: String,
    /// The domain (context) of the log-in name; empty: the default context.
    pub domain: String,
    /// Name as shown.
    pub display_name: String,
    /// Addresses; the first is the primary one.
    pub addresses: Vec<String>,
    /// The password's hash, a PHC string.
    pub password_hash: String,
    /// The highest protocol version offered (`160` for 16.0); none: the appliance's.
    pub version_ceiling: Option<u16>,
    /// Policy settings that differ from the appliance's: element of [MS-ASPROV] 2.2.2 and value.
    pub policy: Vec<(String, String)>,
    /// Whether it may be used.
    pub status: AccountStatus,
    /// When it was added, Unix milliseconds.
    pub created_ms: UnixMs,
}

impl Account {
    /// The primary address, or "".
    #[must_use]
    pub fn address(&self) -> &str {
        self.addresses.first().map_or("", String::as_str)
    }

    /// The keys of all names that lead to it.
    fn names(&self, fold: bool) -> Vec<Vec<u8>> {
        let mut names = vec![login_key(&self.login, &self.domain, fold)];
        names.extend(self.addresses.iter().map(|address| address_key(address)));
        names.sort();
        names.dedup();
        names
    }

    /// Whether a key is that of one of its names.
    fn has_name(&self, key: &[u8], fold: bool) -> bool {
        login_key(&self.login, &self.domain, fold) == key
            || self.addresses.iter().any(|a| address_key(a) == key)
    }

    fn check(&self) -> Result<(), Error> {
        let names = [&self.login].into_iter().chain(&self.addresses);
        for name in names.clone().chain([&self.domain]) {
            let long = name.chars().count() > limits::CREDENTIAL_CHARS_MAX;
            if long || name.chars().any(|c| c.is_control() || c == '\\') {
                return Err(Error::BadName);
            }
        }
        if names.into_iter().any(|name| name.trim().is_empty()) {
            return Err(Error::BadName);
        }
        Ok(())
    }
}

/// An account with its scope.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccountRow {
    /// Where its rows are.
    pub scope: Scope,
    /// The commit that changed the record last.
    pub version: Seq,
    /// The record.
    pub account: Account,
}

impl AccountRow {
    pub(super) fn of(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            scope: keys::parse_account(&row.key).ok_or(Error::Damaged("a key of an account"))?,
            version: row.version,
            account: stored::read(FORMAT, row.value())?,
        })
    }
}

/// Log-in names and addresses share one table; their first letters tell them apart.
fn login_key(login: &str, domain: &str, fold: bool) -> Vec<u8> {
    let name = ["login ", domain, "\\", login].concat();
    keys::account_name(&if fold { name.to_lowercase() } else { name })
}

/// Addresses are the same whatever their case, as mail has it nearly everywhere.
fn address_key(address: &str) -> Vec<u8> {
    keys::account_name(&["address ", &address.to_lowercase()].concat())
}

impl Mailbox {
    /// Adds an account with its default folders; returns its scope.
    ///
    /// # Errors
    /// [`Error::Taken`], [`Error::BadName`], [`Error::TooLarge`], [`Error::Conflict`]; the store's.
    pub async fn add_account(&self, account: &Account) -> Result<Scope, Error> {
        account.check()?;
        let names = account.names(self.0.fold);
        let number = self.allocate(Scope::SYSTEM, SCOPES, 1).await?;
        let scope = Scope(number.into());
        let mut batch = self.claim(&names, scope).await?;
        batch.writes.push(used(Scope::SYSTEM, SCOPES, number));
        self.commit(batch).await?;

        let mut tx = self.transaction(scope, By::default());
        let key = keys::account(scope);
        tx.require(Condition::Absent(key.clone()));
        tx.write(Write::Put(key, stored::write(FORMAT, account)?));
        tree::put_defaults(&mut tx)?;
        tx.write(super::words::filled(scope));
        tx.commit().await?;
        Ok(scope)
    }

    /// The batch that makes names lead to `scope`, unless they lead somewhere else already.
    async fn claim(&self, names: &[Vec<u8>], scope: Scope) -> Result<Batch, Error> {
        let mut batch = Batch::new(Scope::SYSTEM);
        for key in names {
            batch.conditions.push(match self.get(key.clone()).await? {
                None => Condition::Absent(key.clone()),
                Some(row) => {
                    let account = self.named(&row).await?;
                    if account.is_some_and(|account| account.scope != scope) {
                        return Err(Error::Taken);
                    }
                    unchanged(&row)
                }
            });
            let value = scope.0.to_be_bytes().to_vec();
            batch.writes.push(Write::Put(key.clone(), value));
        }
        Ok(batch)
    }

    /// The account that a name row leads to, if it says the same name.
    async fn named(&self, row: &Row) -> Result<Option<AccountRow>, Error> {
        let scope = row.value().try_into().map(u64::from_be_bytes);
        let scope = Scope(scope.map_err(|_| Error::Damaged("a name of an account"))?);
        let account = match self.account(scope).await {
            Ok(account) => account,
            Err(Error::NotFound) => return Ok(None),
            Err(e) => return Err(e),
        };
        let is_named = account.account.has_name(&row.key, self.0.fold);
        Ok(is_named.then_some(account))
    }

    async fn lookup(&self, key: Vec<u8>) -> Result<Option<AccountRow>, Error> {
        match self.get(key).await? {
            Some(row) => self.named(&row).await,
            None => Ok(None),
        }
    }

    /// The account with this log-in name in this domain ("": the default context).
    ///
    /// # Errors
    /// The store's.
    pub async fn find_login(&self, login: &str, domain: &str) -> Result<Option<AccountRow>, Error> {
        self.lookup(login_key(login, domain, self.0.fold)).await
    }

    /// The account that has this address.
    ///
    /// # Errors
    /// The store's.
    pub async fn find_address(&self, address: &str) -> Result<Option<AccountRow>, Error> {
        self.lookup(address_key(address)).await
    }

    /// The account of this scope.
    ///
    /// # Errors
    /// [`Error::NotFound`]; the store's.
    pub async fn account(&self, scope: Scope) -> Result<AccountRow, Error> {
        let row = self.get(keys::account(scope)).await?;
        let row = AccountRow::of(&row.ok_or(Error::NotFound)?)?;
        if row.account.status == AccountStatus::Removed {
            return Err(Error::NotFound);
        }
        Ok(row)
    }

    /// All accounts, by scope.
    ///
    /// # Errors
    /// The store's.
    pub async fn accounts(&self) -> Result<Vec<AccountRow>, Error> {
        let rows = self.all(keys::accounts()).await?;
        let accounts: Result<Vec<_>, _> = rows.iter().map(AccountRow::of).collect();
        let mut accounts = accounts?;
        accounts.retain(|row| row.account.status != AccountStatus::Removed);
        Ok(accounts)
    }

    /// Replaces the record of an account, its names included.
    ///
    /// # Errors
    /// As [`Mailbox::add_account`].
    pub async fn update_account(&self, row: &AccountRow, account: &Account) -> Result<(), Error> {
        account.check()?;
        let (old, new) = (row.account.names(self.0.fold), account.names(self.0.fold));
        let gained: Vec<_> = new.iter().filter(|n| !old.contains(n)).cloned().collect();
        if !gained.is_empty() {
            let batch = self.claim(&gained, row.scope).await?;
            self.commit(batch).await?;
        }
        self.put_account(row, account).await?;
        let lost: Vec<_> = old.into_iter().filter(|n| !new.contains(n)).collect();
        self.release(&lost, row.scope).await
    }

    async fn put_account(&self, row: &AccountRow, account: &Account) -> Result<(), Error> {
        let mut tx = self.transaction(row.scope, By::default());
        let key = keys::account(row.scope);
        tx.require(Condition::Equals(key.clone(), row.version));
        tx.write(Write::Put(key, stored::write(FORMAT, account)?));
        let access = |a: &Account| (a.password_hash.clone(), a.status, a.policy.clone());
        if access(account) != access(&row.account) {
            // Who waits may not be welcome any more.
            tx.tell(Hint {
                folder: Hint::ACCOUNT,
                device: 0,
            });
        }
        tx.commit().await.map(drop)
    }

    /// Removes names, where they lead to `scope` still.
    async fn release(&self, names: &[Vec<u8>], scope: Scope) -> Result<(), Error> {
        let mut batch = Batch::new(Scope::SYSTEM);
        for row in self.gets(names).await?.into_iter().flatten() {
            if row.value() == scope.0.to_be_bytes() {
                batch.conditions.push(unchanged(&row));
                batch.writes.push(Write::Delete(row.key.to_vec()));
            }
        }
        if batch.writes.is_empty() {
            return Ok(());
        }
        self.commit(batch).await.map(drop)
    }

    /// Removes an account: nobody finds it when this returns. Its rows go too, in bounded steps;
    /// what a crash leaves of them, the next [`Mailbox::purge`] of the scope takes.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Conflict`]; the store's.
    pub async fn remove_account(&self, scope: Scope) -> Result<(), Error> {
        let row = self.account(scope).await?;
        let mut removed = row.account.clone();
        removed.status = AccountStatus::Removed;
        self.put_account(&row, &removed).await?;
        self.release(&row.account.names(self.0.fold), scope).await?;
        Box::pin(self.erase(scope)).await
    }

    /// Whether the account of this scope was removed, and is not gone yet.
    pub(super) async fn is_removed(&self, scope: Scope) -> Result<bool, Error> {
        let Some(row) = self.get(keys::account(scope)).await? else {
            return Ok(false);
        };
        Ok(AccountRow::of(&row)?.account.status == AccountStatus::Removed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailbox::testing::{account, block_on, mailbox};

    #[test]
    fn an_account_is_found_by_each_of_its_names() {
        block_on(async {
            let mailbox = mailbox();
            let mut mike = account("Mike");
            mike.domain = "ox.io".into();
            mike.addresses = vec!["mike@ox.io".into(), "Boss@ox.io".into()];
            let scope = mailbox.add_account(&mike).await.unwrap();
            let login = mailbox.find_login("mIKE", "OX.io").await.unwrap().unwrap();
            assert_eq!((login.scope, &login.account), (scope, &mike));
            for address in ["mike@ox.io", "boss@OX.io"] {
                let found = mailbox.find_address(address).await.unwrap().unwrap();
                assert_eq!(found.scope, scope, "{address}");
            }
            assert_eq!(mailbox.find_login("mike", "").await.unwrap(), None);
            assert_eq!(mailbox.find_login("mike@ox.io", "").await.unwrap(), None);
            assert_eq!(mailbox.folders(scope).await.unwrap().len(), 9);
        });
    }

    #[test]
    fn case_matters_where_the_configuration_says_so() {
        block_on(async {
            let store = crate::store::Store::memory();
            let mailbox = Mailbox::new(store, crate::clock::Clock::manual(0), false);
            let mut upper = account("Mike");
            upper.addresses = vec!["a@ox.io".into()];
            let scope = mailbox.add_account(&upper).await.unwrap();
            let other = mailbox.add_account(&account("mike")).await.unwrap();
            let found = mailbox.find_login("Mike", "").await.unwrap().unwrap();
            assert_eq!(found.scope, scope);
            assert_ne!(other, scope);
            assert_eq!(mailbox.find_login("MIKE", "").await.unwrap(), None);
        });
    }

    #[test]
    fn names_are_unique_and_free_again_after_removal() {
        block_on(async {
            let mailbox = mailbox();
            let scope = mailbox.add_account(&account("anna")).await.unwrap();
            let again = mailbox.add_account(&account("ANNA")).await;
            assert_eq!(again, Err(Error::Taken));
            Box::pin(mailbox.remove_account(scope)).await.unwrap();
            assert_eq!(mailbox.find_login("anna", "").await.unwrap(), None);
            assert_eq!(mailbox.account(scope).await, Err(Error::NotFound));
            let new = mailbox.add_account(&account("anna")).await.unwrap();
            assert_ne!(new, scope);
        });
    }

    #[test]
    fn changed_names_lead_to_the_account_and_old_ones_nowhere() {
        block_on(async {
            let mailbox = mailbox();
            let scope = mailbox.add_account(&account("anna")).await.unwrap();
            let row = mailbox.account(scope).await.unwrap();
            let mut changed = row.account.clone();
            changed.addresses = vec!["anna@new.example".into()];
            mailbox.update_account(&row, &changed).await.unwrap();
            let old = mailbox.find_address("anna@example.org").await.unwrap();
            assert_eq!(old, None);
            let new = mailbox.find_address("anna@new.example").await.unwrap();
            assert_eq!(new.unwrap().account, changed);
            let stale = mailbox.update_account(&row, &row.account).await;
            assert_eq!(stale, Err(Error::Conflict));
        });
    }

    #[test]
    fn a_name_that_leads_nowhere_is_free() {
        block_on(async {
            use crate::store::{Fault, FaultPlan, Memory, Store};
            let memory = Memory::new();
            memory.inject(FaultPlan::none().commit(2, Fault::Full));
            let clock = crate::clock::Clock::manual(0);
            let mailbox = Mailbox::new(Store::Memory(memory), clock, true);
            let failed = mailbox.add_account(&account("anna")).await;
            assert_eq!(failed, Err(Error::Busy));
            assert_eq!(mailbox.find_login("anna", "").await.unwrap(), None);
            mailbox.add_account(&account("anna")).await.unwrap();
            assert!(mailbox.find_login("anna", "").await.unwrap().is_some());
        });
    }

    #[test]
    fn bad_names_are_refused() {
        block_on(async {
            let mailbox = mailbox();
            for login in ["", " ", "a\\b", "a\nb"] {
                let added = mailbox.add_account(&account(login)).await;
                assert_eq!(added, Err(Error::BadName), "{login:?}");
            }
        });
    }
}
