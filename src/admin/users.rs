//! Orders about users: names, addresses, passwords and ceilings.

use super::away;
use super::desk::{Desk, ceiling, done, shown_name, version_of};
use super::order::{FolderRow, UserRow};
use super::{Order, Refusal, Reply};
use crate::auth::password;
use crate::mailbox::{self, Account, AccountRow};
use std::collections::HashSet;

/// Users beyond this many items in a folder are shown with this number.
const COUNT_MAX: usize = 1_000_000;

impl Desk {
    pub(super) async fn user_set(&self, order: Order) -> Result<Reply, Refusal> {
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

    pub(super) async fn user_password(&self, name: &str, password: &str) -> Result<Reply, Refusal> {
        let row = self.user(name).await?;
        let mut account = row.account.clone();
        account.password_hash = self.hash(password)?;
        self.update(&row, &account, &format!("changed the password of {name}"))
            .await
    }

    /// A name is an address or a plain name. The first user of a name has it in the default
    /// context, so that it logs in without a domain; a further one has it in its domain.
    pub(super) async fn user_add(
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

    pub(super) async fn update(
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

    pub(super) async fn user_list(&self) -> Result<Reply, Refusal> {
        let mut users = Vec::new();
        for row in self.mailbox.accounts().await? {
            users.push(self.user_row(&row).await?);
        }
        users.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Reply::Users { users })
    }

    pub(super) async fn user_show(&self, name: &str) -> Result<Reply, Refusal> {
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

    pub(super) async fn user_row(&self, row: &AccountRow) -> Result<UserRow, Refusal> {
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

    pub(super) fn hash(&self, password: &str) -> Result<String, Refusal> {
        if password.is_empty() {
            return Err(Refusal::Wrong("an empty password is none".into()));
        }
        password::hash(password, self.cost).map_err(|e| Refusal::Failed(e.to_string()))
    }
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
