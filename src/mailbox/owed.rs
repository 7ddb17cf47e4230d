//! Answers that the absent owe to those who write to them: what is owed is written in the commit of the
//! mail that asked for it, and removed when the answer is on its way.
//!
//! Beside each stands the mark that this sender was told, which holds for this absence as it is set, and
//! for [`limits::ABSENCE_TOLD_DAYS`] days at most: nobody is told twice, however often they write.
//!
//! Deliberately absent: which mail may be answered at all ([`crate::pim::mail::asker`]), and sending.

use rkyv::{Archive, Deserialize, Serialize};

use super::purge::{DAY_MS, PAGE};
use super::{Absence, Account, AccountStatus, Audience, Error, ItemRow, Mailbox, Note, Tx, stored};
use crate::clock::UnixMs;
use crate::limits;
use crate::pim::mail::{Asker, cut};
use crate::pim::{Class, ContactField, Message, RecordRef};
use crate::store::keys::Span;
use crate::store::{Batch, BlobId, Condition, Row, Scope, Seq, Write, keys};

const FORMAT: u8 = 1;
const OWED: &[u8] = b"owed ";
const TOLD: &[u8] = b"told ";
/// Answers that are read at a time.
const ANSWERS: usize = 20;
/// Contacts that are read at a time.
const CONTACTS: usize = 200;

/// An answer that is owed.
#[derive(Archive, Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct Owed {
    /// Whom it goes to.
    pub to: String,
    /// The address that was written to: one of the account's.
    pub from: String,
    /// What they wrote about.
    pub subject: String,
    /// The thread, oldest first.
    pub references: Vec<String>,
    /// What they are told.
    pub note: Note,
    /// When they wrote, Unix milliseconds.
    pub at_ms: UnixMs,
}

/// An answer that is owed, with its name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OwedRow {
    /// Who owes it.
    pub scope: Scope,
    /// Names it for ever.
    pub name: [u8; 32],
    /// The answer.
    pub owed: Owed,
    version: Seq,
}

#[derive(Archive, Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
struct Told {
    at_ms: UnixMs,
    /// The commit that set the absence.
    absence: Seq,
}

/// What a delivery writes of the answer that it is owed.
#[derive(Debug)]
pub(super) struct Debt {
    conditions: [Condition; 2],
    writes: [Write; 2],
}

impl Debt {
    pub(super) fn apply(self, tx: &mut Tx) {
        self.conditions.into_iter().for_each(|c| tx.require(c));
        self.writes.into_iter().for_each(|w| tx.write(w));
    }
}

fn key(scope: Scope, kind: &[u8], name: &[u8]) -> Vec<u8> {
    keys::own(scope, &[kind, name].concat())
}

fn told_key(scope: Scope, sender: &str) -> Vec<u8> {
    let hash = BlobId::of(sender.to_lowercase().as_bytes()).0;
    key(scope, TOLD, hash.get(..16).unwrap_or_default())
}

/// What is behind the sign of an address, in lower case.
fn domain_of(address: &str) -> Option<String> {
    let (_, domain) = address.rsplit_once('@')?;
    Some(domain.to_lowercase())
}

/// Which of the account's addresses was asked.
fn asked<'a>(account: &'a Account, asker: &Asker) -> Option<&'a str> {
    let is_asked = |name: &str| asker.asked.contains(&name.to_lowercase());
    let address = account.addresses.iter().find(|a| is_asked(a));
    // Those who live here write to a log-in name, too.
    let by_name = || Some(account.address()).filter(|a| !a.is_empty() && is_asked(&account.login));
    address.map(String::as_str).or_else(by_name)
}

impl Mailbox {
    /// The answer that a mail to this account is owed, if any.
    pub(super) async fn owe(
        &self,
        scope: Scope,
        asker: &Asker,
        message: &Message,
    ) -> Result<Option<Debt>, Error> {
        let class = message.message_class.as_str();
        if class.starts_with("REPORT.") || class.starts_with("IPM.Schedule.Meeting.Resp") {
            return Ok(None);
        }
        let Some((absence, row)) = self.absence_row(scope).await? else {
            return Ok(None);
        };
        let now_ms = self.clock().now_ms();
        if !absence.is_away(now_ms) {
            return Ok(None);
        }
        let account = self.account(scope).await?.account;
        let is_own = |a: &String| a.eq_ignore_ascii_case(&asker.sender);
        let Some(from) = asked(&account, asker) else {
            return Ok(None);
        };
        if account.addresses.iter().any(is_own) {
            return Ok(None);
        }
        let told_key = told_key(scope, &asker.sender);
        let told_row = self.get(told_key.clone()).await?;
        if let Some(told) = &told_row
            && let Ok(told) = stored::read::<Told>(FORMAT, told.value())
            && told.absence == row.version
            && now_ms < told.at_ms + i64::from(limits::ABSENCE_TOLD_DAYS) * DAY_MS
        {
            return Ok(None);
        }
        let audience = self.audience(scope, &account, &absence, &asker.sender);
        let note = absence.note(Box::pin(audience).await?);
        if !note.enabled || note.text.trim().is_empty() {
            return Ok(None);
        }
        let owed = Owed {
            to: asker.sender.clone(),
            from: from.to_owned(),
            subject: cut(&asker.subject, limits::ABSENCE_SUBJECT_BYTES_MAX).to_owned(),
            references: asker.references.clone(),
            note: note.clone(),
            at_ms: now_ms,
        };
        let value = stored::write(FORMAT, &owed)?;
        let about = [&scope.0.to_be_bytes()[..], &value].concat();
        let told = Told {
            at_ms: now_ms,
            absence: row.version,
        };
        Ok(Some(Debt {
            conditions: [
                super::unchanged(&row),
                match &told_row {
                    Some(row) => super::unchanged(row),
                    None => Condition::Absent(told_key.clone()),
                },
            ],
            writes: [
                Write::Put(told_key, stored::write(FORMAT, &told)?),
                Write::Put(key(scope, OWED, &BlobId::of(&about).0), value),
            ],
        }))
    }

    /// Who the sender is to this user. Accounts of other domains of log-in names are strangers.
    async fn audience(
        &self,
        scope: Scope,
        account: &Account,
        absence: &Absence,
        sender: &str,
    ) -> Result<Audience, Error> {
        let domain = domain_of(sender);
        let is_near = |a: &String| domain.is_some() && domain_of(a) == domain;
        let resident = self.find_address(sender).await?;
        let is_resident = match &resident {
            Some(row) => {
                row.account.status == AccountStatus::Active && row.account.domain == account.domain
            }
            None => account.addresses.iter().any(is_near),
        };
        if is_resident {
            return Ok(Audience::Internal);
        }
        let of = |audience| absence.note(audience);
        // Where both are told the same, nobody has to look who it is.
        if of(Audience::ExternalKnown) == of(Audience::ExternalUnknown)
            || !self.knows(scope, sender).await?
        {
            return Ok(Audience::ExternalUnknown);
        }
        Ok(Audience::ExternalKnown)
    }

    /// Whether an address is in the user's contacts, of which so many are looked at.
    async fn knows(&self, scope: Scope, sender: &str) -> Result<bool, Error> {
        let mut left = limits::ABSENCE_CONTACTS_MAX;
        for folder in self.folders(scope).await? {
            if folder.class() != Some(Class::Contacts) {
                continue;
            }
            let mut from = None;
            while left > 0 {
                let page = self.list_items(scope, folder.id, from, CONTACTS.min(left));
                let page = Box::pin(page).await?;
                if page.items.iter().any(|row| has_address(row, sender)) {
                    return Ok(true);
                }
                left = left.saturating_sub(page.items.len().max(1));
                from = page.next;
                if from.is_none() {
                    break;
                }
            }
        }
        Ok(false)
    }

    /// What an account owes: some of it, if it is much.
    ///
    /// # Errors
    /// The store's.
    pub async fn owed(&self, scope: Scope) -> Result<Vec<OwedRow>, Error> {
        let from = key(scope, OWED, &[]);
        let span = Span::prefix(from.clone());
        let page = self.range(span.read(ANSWERS)).await?;
        let read = |row: &Row| {
            let name = row.key.get(from.len()..).and_then(|n| n.try_into().ok());
            Ok(OwedRow {
                scope,
                name: name.ok_or(Error::Damaged("the name of an answer"))?,
                owed: stored::read(FORMAT, row.value())?,
                version: row.version,
            })
        };
        // One that cannot be read keeps the others waiting, and is seen in the log.
        page.rows.iter().map(read).collect()
    }

    /// Removes one that is on its way, or that cannot be. One that is gone already is no error.
    ///
    /// # Errors
    /// The store's.
    pub async fn drop_owed(&self, row: &OwedRow) -> Result<(), Error> {
        let key = key(row.scope, OWED, &row.name);
        let mut batch = Batch::new(row.scope);
        let same = Condition::Equals(key.clone(), row.version);
        batch.conditions.push(same);
        batch.writes.push(Write::Delete(key));
        match self.commit(batch).await {
            Ok(_) | Err(Error::Conflict) => Ok(()),
            Err(e) => Err(e),
        }
    }

    /// Forgets a page of those who were told before `before_ms`; returns the last key looked at, or
    /// `None` after the last page.
    pub(super) async fn purge_told(
        &self,
        scope: Scope,
        after: Option<&[u8]>,
        before_ms: UnixMs,
    ) -> Result<Option<Vec<u8>>, Error> {
        let span = Span::prefix(key(scope, TOLD, &[]));
        let span = match after {
            Some(key) => span.after(key),
            None => span,
        };
        let page = self.range(span.read(PAGE)).await?;
        let mut batch = Batch::new(scope);
        for row in &page.rows {
            let told = stored::read::<Told>(FORMAT, row.value());
            if told.is_ok_and(|told| told.at_ms >= before_ms) {
                continue;
            }
            batch.conditions.push(super::unchanged(row));
            batch.writes.push(Write::Delete(row.key.to_vec()));
        }
        if !batch.writes.is_empty() {
            self.commit(batch).await?;
        }
        let last = page.rows.last().filter(|_| page.more);
        Ok(last.map(|row| row.key.to_vec()))
    }
}

/// The address of `"Ada Long" <ada@example.org>`; else the text as it is.
fn bare(text: &str) -> &str {
    let text = text.trim();
    let inside = text.strip_suffix('>').and_then(|t| t.rsplit_once('<'));
    inside.map_or(text, |(_, address)| address.trim())
}

fn has_address(row: &ItemRow, address: &str) -> bool {
    let Ok(RecordRef::Contact(contact)) = row.record() else {
        return false;
    };
    contact.fields.iter().any(|field| {
        let kind = ContactField::from(field.0);
        let is_address = matches!(
            kind,
            ContactField::Email1Address | ContactField::Email2Address | ContactField::Email3Address
        );
        is_address && bare(field.1.as_str()).eq_ignore_ascii_case(address)
    })
}
