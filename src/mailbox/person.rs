//! People: what an account shows of itself in the address list, beside its names.
//!
//! Details and certificates are rows of their own. A search reads those of every account, and
//! certificates are larger than all the rest, and seldom wanted.

use rkyv::{Archive, Deserialize, Serialize};
use std::collections::HashMap;

use super::account::AccountRow;
use super::{Account, AccountStatus, By, Error, Mailbox};
use super::{stored, unchanged};
use crate::limits;
use crate::pim::body::BlobRef;
use crate::store::keys::Span;
use crate::store::{BlobId, Condition, Row, Scope, Write, keys};

const FORMAT: u8 = 1;
const CERTIFICATES_FORMAT: u8 = 1;

/// What an account shows of itself. Empty: nothing.
#[derive(Archive, Serialize, Deserialize, Clone, PartialEq, Eq, Debug, Default)]
pub struct Details {
    /// First name; empty: taken from the display name.
    pub first_name: String,
    /// Last name; likewise.
    pub last_name: String,
    /// What the person does.
    pub title: String,
    /// Company.
    pub company: String,
    /// Department.
    pub department: String,
    /// Room.
    pub office: String,
    /// Phone number at work.
    pub phone: String,
    /// Phone number at home.
    pub home_phone: String,
    /// Mobile phone number.
    pub mobile_phone: String,
    /// The photo, JPEG or PNG.
    pub photo: Option<BlobRef>,
}

impl Details {
    /// First and last name, which the display name tells where they are not given.
    #[must_use]
    pub fn names<'a>(&'a self, account: &'a Account) -> (&'a str, &'a str) {
        if !self.first_name.is_empty() || !self.last_name.is_empty() {
            return (&self.first_name, &self.last_name);
        }
        match account.display_name.rsplit_once(' ') {
            Some(names) => names,
            None => ("", &account.display_name),
        }
    }
}

/// An account with what it shows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Person {
    /// Where its rows are.
    pub scope: Scope,
    /// Its record.
    pub account: Account,
    /// What it shows.
    pub details: Details,
}

/// A change of what an account shows.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Portrait {
    /// What it shows from now on; [`Details::photo`] is set from `photo`.
    pub details: Details,
    /// None: it stays. An empty one takes it away.
    pub photo: Option<Vec<u8>>,
    /// None: they stay. X.509 certificates, DER.
    pub certificates: Option<Vec<Vec<u8>>>,
}

impl Mailbox {
    /// What an account shows of itself.
    ///
    /// # Errors
    /// The store's.
    pub async fn details(&self, scope: Scope) -> Result<Details, Error> {
        details(self.get(keys::person(scope)).await?.as_ref())
    }

    /// The S/MIME certificates of an account, DER.
    ///
    /// # Errors
    /// The store's.
    pub async fn certificates(&self, scope: Scope) -> Result<Vec<Vec<u8>>, Error> {
        match self.get(keys::certificates(scope)).await? {
            Some(row) => stored::read(CERTIFICATES_FORMAT, row.value()),
            None => Ok(Vec::new()),
        }
    }

    /// Changes what an account shows of itself: `change` is given what it shows now.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::TooLarge`], [`Error::Conflict`]; the store's.
    pub async fn portray(
        &self,
        scope: Scope,
        change: impl FnOnce(Details) -> Portrait,
    ) -> Result<(), Error> {
        let key = keys::person(scope);
        let row = self.get(key.clone()).await?;
        let now = details(row.as_ref())?;
        let mut portrait = change(now.clone());
        portrait.details.photo = match &portrait.photo {
            None => now.photo,
            Some(photo) if photo.is_empty() => None,
            Some(photo) => Some(BlobRef {
                hash: BlobId::of(photo).0,
                bytes: photo.len() as u64,
            }),
        };
        let account = self.account(scope).await?;
        let mut tx = self.transaction(scope, By::default());
        // It may be about to be removed.
        tx.require(Condition::Equals(keys::account(scope), account.version));
        tx.require(
            row.as_ref()
                .map_or_else(|| Condition::Absent(key.clone()), unchanged),
        );
        tx.write(Write::Put(
            key,
            fitting(stored::write(FORMAT, &portrait.details)?)?,
        ));
        if let Some(certificates) = &portrait.certificates {
            let key = keys::certificates(scope);
            tx.write(if certificates.is_empty() {
                Write::Delete(key)
            } else {
                Write::Put(
                    key,
                    fitting(stored::write(CERTIFICATES_FORMAT, certificates)?)?,
                )
            });
        }
        match portrait.photo.as_deref() {
            Some(photo) if !photo.is_empty() => {
                Box::pin(tx.commit_with_blob(photo)).await.map(drop)
            }
            _ => Box::pin(tx.commit()).await.map(drop),
        }
    }

    /// The people that are `wanted`, by scope. Reads all accounts, a page of them at a time.
    ///
    /// # Errors
    /// The store's.
    pub async fn people(
        &self,
        mut wanted: impl FnMut(&Account, &Details) -> bool,
    ) -> Result<Vec<Person>, Error> {
        let mut found = Vec::new();
        let mut span = keys::accounts();
        loop {
            let page = self.range(span.read(limits::RANGE_ROWS_MAX)).await?;
            let accounts: Result<Vec<_>, _> = page.rows.iter().map(AccountRow::of).collect();
            let accounts = accounts?;
            let (Some(first), Some(last)) = (accounts.first(), accounts.last()) else {
                return Ok(found);
            };
            let mut shown = HashMap::new();
            let details_span = Span {
                from: keys::person(first.scope),
                to: keys::prefix_end(&keys::person(last.scope)),
            };
            for row in self.all(details_span).await? {
                if let Some(scope) = keys::scope_of(&row.key) {
                    shown.insert(scope, details(Some(&row))?);
                }
            }
            for row in accounts {
                let details = shown.remove(&row.scope).unwrap_or_default();
                let removed = row.account.status == AccountStatus::Removed;
                if !removed && wanted(&row.account, &details) {
                    found.push(Person {
                        scope: row.scope,
                        account: row.account,
                        details,
                    });
                }
            }
            match page.rows.last() {
                Some(last) if page.more => span = span.after(&last.key),
                _ => return Ok(found),
            }
        }
    }
}

fn details(row: Option<&Row>) -> Result<Details, Error> {
    row.map_or_else(
        || Ok(Details::default()),
        |row| stored::read(FORMAT, row.value()),
    )
}

fn fitting(stored: Vec<u8>) -> Result<Vec<u8>, Error> {
    if stored.len() > limits::VALUE_BYTES_MAX {
        return Err(Error::TooLarge);
    }
    Ok(stored)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailbox::testing::{account, block_on, mailbox};

    fn titled(details: Details, title: &str) -> Portrait {
        Portrait {
            details: Details {
                title: title.into(),
                ..details
            },
            ..Portrait::default()
        }
    }

    #[test]
    fn what_an_account_shows_is_kept_and_goes_with_it() {
        block_on(async {
            let mailbox = mailbox();
            let anna = mailbox.add_account(&account("anna")).await.unwrap();
            let bert = mailbox.add_account(&account("bert")).await.unwrap();
            assert_eq!(mailbox.details(anna).await.unwrap(), Details::default());
            let portrait = |details| Portrait {
                photo: Some(b"photo".to_vec()),
                certificates: Some(vec![b"one".to_vec(), b"two".to_vec()]),
                ..titled(details, "Chair")
            };
            mailbox.portray(anna, portrait).await.unwrap();
            mailbox.portray(anna, |d| titled(d, "Head")).await.unwrap();
            let shown = mailbox.details(anna).await.unwrap();
            let photo = shown.photo.unwrap();
            assert_eq!((shown.title.as_str(), photo.bytes), ("Head", 5));
            let bytes = mailbox.store().get_blob(BlobId(photo.hash), 0..5).await;
            assert_eq!(&bytes.unwrap()[..], b"photo");
            assert_eq!(mailbox.certificates(anna).await.unwrap().len(), 2);

            let titles = |people: Vec<Person>| {
                let titles = people.into_iter().map(|p| (p.scope, p.details.title));
                titles.collect::<Vec<_>>()
            };
            let all = mailbox.people(|_, _| true).await.unwrap();
            assert_eq!(titles(all), [(anna, "Head".into()), (bert, String::new())]);
            let some = mailbox.people(|a, _| a.login == "bert").await.unwrap();
            assert_eq!(titles(some), [(bert, String::new())]);

            let none = |details| Portrait {
                photo: Some(Vec::new()),
                certificates: Some(Vec::new()),
                ..titled(details, "Head")
            };
            mailbox.portray(anna, none).await.unwrap();
            assert_eq!(mailbox.details(anna).await.unwrap().photo, None);
            assert!(mailbox.certificates(anna).await.unwrap().is_empty());

            mailbox.portray(anna, portrait).await.unwrap();
            Box::pin(mailbox.remove_account(anna)).await.unwrap();
            for key in [keys::person(anna), keys::certificates(anna)] {
                assert!(mailbox.get(key).await.unwrap().is_none());
            }
            let gone = mailbox.portray(anna, portrait).await;
            assert_eq!(gone, Err(Error::NotFound));
        });
    }

    #[test]
    fn more_than_a_row_holds_is_refused() {
        block_on(async {
            let mailbox = mailbox();
            let anna = mailbox.add_account(&account("anna")).await.unwrap();
            let large = |_| Portrait {
                certificates: Some(vec![vec![0; limits::VALUE_BYTES_MAX]]),
                ..Portrait::default()
            };
            assert_eq!(mailbox.portray(anna, large).await, Err(Error::TooLarge));
            assert!(mailbox.certificates(anna).await.unwrap().is_empty());
        });
    }

    #[test]
    fn names_are_those_given_or_those_of_the_display_name() {
        let mut anna = account("anna");
        let mut details = Details::default();
        assert_eq!(details.names(&anna), ("", ""));
        anna.display_name = "Anna Maria Ott".into();
        assert_eq!(details.names(&anna), ("Anna Maria", "Ott"));
        details.last_name = "Maria Ott".into();
        assert_eq!(details.names(&anna), ("", "Maria Ott"));
    }
}
