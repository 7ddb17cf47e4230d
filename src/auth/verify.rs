//! From the `Authorization` header to an account.

use super::cache::Cache;
use super::throttle::Throttle;
use super::{LoginName, Naming, basic, password};
use crate::clock::Clock;
use crate::mailbox::{self, AccountRow, AccountStatus, Mailbox};
use crate::work::{self, Pool};
use std::net::IpAddr;
use std::sync::Arc;

/// Checks credentials. A cheap clone; one cache for the process.
#[derive(Clone)]
pub struct Authenticator(Arc<Inner>);

struct Inner {
    mailbox: Mailbox,
    workers: Pool,
    clock: Clock,
    naming: Naming,
    cache: Cache,
    throttle: Throttle,
    /// A hash that no password has: checked for unknown names, so that they take as long.
    nobody: String,
}

/// Why nobody was let in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// No header, or none that can be read: ask for one.
    #[error("no credentials")]
    Missing,
    /// Unknown name, wrong password, or an account that is closed: nobody outside learns which.
    #[error("wrong name or password")]
    Wrong,
    /// Too many failures: nothing was checked.
    #[error("too many failed log-ins; next in {wait_s} s")]
    Throttled {
        /// Seconds until the next check.
        wait_s: u64,
    },
    /// The workers have too much to do.
    #[error("too many log-ins at a time")]
    Busy,
    /// The account could not be read.
    #[error(transparent)]
    Store(#[from] mailbox::Error),
}

impl std::fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authenticator")
    }
}

impl Authenticator {
    /// Checks against the accounts of `mailbox`; argon2 runs on `workers`. `cost` is what the hashes
    /// of new passwords cost, so that unknown names cost the same.
    ///
    /// # Errors
    /// A cost that argon2 refuses, or a machine without random bytes.
    pub fn new(
        mailbox: Mailbox,
        workers: Pool,
        clock: Clock,
        naming: Naming,
        cost: password::Cost,
    ) -> Result<Self, password::HashError> {
        let mut nonce = [0u8; 16];
        let random = |e: getrandom::Error| password::HashError::Random(e.to_string());
        getrandom::fill(&mut nonce).map_err(random)?;
        Ok(Self(Arc::new(Inner {
            nobody: password::hash(&format!("{nonce:?}"), cost)?,
            cache: Cache::new().map_err(random)?,
            throttle: Throttle::new(),
            mailbox,
            workers,
            clock,
            naming,
        })))
    }

    /// How log-in names are read.
    #[must_use]
    pub fn naming(&self) -> &Naming {
        &self.0.naming
    }

    /// The account whose credentials the header holds. `who` is the peer, for the throttle.
    ///
    /// # Errors
    /// [`Denied`]. Unknown names and wrong passwords are the same, in work and in words.
    pub async fn verify(&self, header: Option<&[u8]>, who: IpAddr) -> Result<AccountRow, Denied> {
        let credentials = header.and_then(basic::parse).ok_or(Denied::Missing)?;
        let Inner {
            mailbox,
            workers,
            clock,
            naming,
            cache,
            throttle,
            nobody,
        } = &*self.0;
        let name = naming.parse(&credentials.name);
        let account = match &name {
            Some(name) => find(mailbox, name).await?,
            None => None,
        };
        let phc = account
            .as_ref()
            .map_or(nobody, |a| &a.account.password_hash)
            .clone();
        let digest = cache.digest(&credentials.password, &phc);
        let open = account.filter(|a| a.account.status == AccountStatus::Active);
        if cache.holds(&digest, clock.mono_ms()) {
            return open.ok_or(Denied::Wrong);
        }
        let key = name.map_or_else(String::new, |n| format!("{}\\{}", n.domain, n.user));
        if let Some(wait_s) = throttle.wait_s(who, &key, clock.mono_ms()) {
            return Err(Denied::Throttled { wait_s });
        }
        let password = credentials.password;
        let right = workers.run(move || password::verify(&password, &phc)).await;
        let right = right.map_err(|e: work::Error| {
            tracing::warn!(error = %e, "password check not done");
            Denied::Busy
        })?;
        match open.filter(|_| right) {
            Some(account) => {
                cache.remember(digest, clock.mono_ms());
                throttle.succeeded(who, &key);
                Ok(account)
            }
            None => {
                throttle.failed(who, &key, clock.mono_ms());
                Err(Denied::Wrong)
            }
        }
    }
}

/// The account that a log-in name means: by its log-in name, or, with a domain, by its address.
///
/// # Errors
/// The store's.
pub async fn find(
    mailbox: &Mailbox,
    name: &LoginName,
) -> Result<Option<AccountRow>, mailbox::Error> {
    let by_login = mailbox.find_login(&name.user, &name.domain).await?;
    if by_login.is_some() || name.domain.is_empty() {
        return Ok(by_login);
    }
    mailbox
        .find_address(&format!("{}@{}", name.user, name.domain))
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::password::Cost;
    use crate::limits::CREDENTIAL_CACHE_S;
    use crate::mailbox::Account;
    use crate::store::Store;
    use crate::work::block_on;
    use base64::Engine as _;

    const COST: Cost = Cost {
        memory_kib: 64,
        passes: 1,
    };
    const WHO: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    fn basic(bytes: &[u8]) -> Vec<u8> {
        let text = base64::engine::general_purpose::STANDARD.encode(bytes);
        format!("Basic {text}").into_bytes()
    }

    fn authenticator(naming: Naming) -> Authenticator {
        let clock = Clock::manual(0);
        let mailbox = Mailbox::new(Store::memory(), clock.clone(), !naming.case_sensitive);
        let mike = Account {
            login: "mike".into(),
            addresses: vec!["mike@ox.io".into()],
            password_hash: password::hash("größe", COST).unwrap(),
            ..Account::default()
        };
        block_on(mailbox.add_account(&mike)).unwrap();
        Authenticator::new(mailbox, Pool::start(1).unwrap(), clock, naming, COST).unwrap()
    }

    fn check(a: &Authenticator, credentials: &[u8]) -> Result<String, Denied> {
        let row = block_on(a.verify(Some(&basic(credentials)), WHO))?;
        Ok(row.account.login)
    }

    #[test]
    fn the_same_person_in_every_spelling_and_both_encodings() {
        let a = authenticator(Naming::default());
        let names = [
            "mike",
            "Mike",
            "mike@ox.io",
            "ox.io\\mike",
            "defaultcontext\\mike",
            "\\mike",
            " \\mike",
        ];
        for name in names {
            let utf8 = check(&a, format!("{name}:größe").as_bytes());
            assert_eq!(utf8.as_deref(), Ok("mike"), "{name}");
            let latin1 = [name.as_bytes(), b":gr\xf6\xdfe"].concat();
            assert_eq!(check(&a, &latin1).as_deref(), Ok("mike"), "{name}");
        }
    }

    #[test]
    fn case_counts_where_configured() {
        let naming = Naming {
            case_sensitive: true,
            ..Naming::default()
        };
        let a = authenticator(naming);
        assert!(check(&a, "mike:größe".as_bytes()).is_ok());
        assert_eq!(check(&a, "Mike:größe".as_bytes()), Err(Denied::Wrong));
    }

    #[test]
    fn unknown_names_and_wrong_passwords_are_the_same() {
        let a = authenticator(Naming::default());
        for credentials in [
            "mike:wrong",
            "nobody:größe",
            "mike@other.example:größe",
            ":größe",
            "mike:",
        ] {
            assert_eq!(
                check(&a, credentials.as_bytes()),
                Err(Denied::Wrong),
                "{credentials}"
            );
        }
        assert_eq!(block_on(a.verify(None, WHO)), Err(Denied::Missing));
        assert_eq!(
            block_on(a.verify(Some(b"Bearer x"), WHO)),
            Err(Denied::Missing)
        );
    }

    #[test]
    fn a_changed_password_and_a_blocked_account_count_at_once() {
        let a = authenticator(Naming::default());
        assert!(check(&a, "mike:größe".as_bytes()).is_ok());
        let change = |edit: &dyn Fn(&mut Account)| {
            let mailbox = &a.0.mailbox;
            let row = block_on(mailbox.find_login("mike", "")).unwrap().unwrap();
            let mut account = row.account.clone();
            edit(&mut account);
            block_on(mailbox.update_account(&row, &account)).unwrap();
        };
        change(&|account| account.password_hash = password::hash("new", COST).unwrap());
        assert_eq!(check(&a, "mike:größe".as_bytes()), Err(Denied::Wrong));
        assert!(check(&a, b"mike:new").is_ok());
        change(&|account| account.status = AccountStatus::Blocked);
        assert_eq!(check(&a, b"mike:new"), Err(Denied::Wrong));
    }

    #[test]
    fn a_phone_with_the_right_password_is_served_while_others_guess() {
        let a = authenticator(Naming::default());
        assert!(check(&a, "mike:größe".as_bytes()).is_ok());
        let guesses = (0..40).map(|n| check(&a, format!("mike:{n}").as_bytes()));
        let throttled = guesses
            .filter(|g| matches!(g, Err(Denied::Throttled { .. })))
            .count();
        assert_eq!(throttled, 20);
        assert!(check(&a, "mike:größe".as_bytes()).is_ok(), "remembered");
        a.0.clock
            .advance(i64::try_from(CREDENTIAL_CACHE_S).unwrap() * 1000);
        assert!(check(&a, "mike:größe".as_bytes()).is_ok(), "checked again");
    }
}
