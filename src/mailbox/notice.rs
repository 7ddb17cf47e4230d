//! What attendees are still to be told of a meeting: written in the commit of the change that they are
//! told of, and removed when the message is sent.
//!
//! Beside each stands the mark of who was told of that edition, which stays for
//! [`crate::limits::SENT_KEPT_DAYS`] days: nobody is told twice, whoever asks for it.

use rkyv::{Archive, Deserialize, Serialize};

use super::sent::{Remembered, remembered};
use super::{DeviceNo, Error, Mailbox, Tx, stored};
use crate::clock::UnixMs;
use crate::limits::NOTICE_BYTES_MAX;
use crate::pim::event::Meeting;
use crate::pim::notice::Notice;
use crate::store::{Batch, BlobId, Condition, Row, Scope, Seq, Write, keys};

const FORMAT: u8 = 1;
/// Rows that are read at one time: each may be as large as a row can be.
const PAGE: usize = 10;
/// Bytes of the print of a recipient.
const PRINT_BYTES: usize = 8;

#[derive(Archive, Serialize, Deserialize, Clone, PartialEq, Debug)]
struct Stored {
    at_ms: i64,
    meeting: Meeting,
    to: Vec<u16>,
}

/// A message that waits to be sent.
#[derive(Clone, PartialEq, Debug)]
pub struct NoticeRow {
    /// Whose meeting it is.
    pub scope: Scope,
    /// Names it for ever.
    pub name: [u8; 16],
    /// When the change was made, Unix milliseconds.
    pub at_ms: UnixMs,
    /// The message.
    pub notice: Notice,
    version: Seq,
}

impl NoticeRow {
    pub(super) fn of(row: &Row) -> Result<Self, Error> {
        let key = keys::parse_notice(&row.key);
        let (scope, name) = key.ok_or(Error::Damaged("a key of a notice"))?;
        let stored: Stored = stored::read(FORMAT, row.value())?;
        Ok(Self {
            scope,
            name,
            at_ms: stored.at_ms,
            notice: Notice {
                meeting: stored.meeting,
                to: stored.to,
            },
            version: row.version,
        })
    }
}

/// Where a list of notices goes on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NoticeMark(keys::Span);

/// Names an edition of a meeting, or of an occurrence of it, and what is said of it.
fn about(meeting: &Meeting) -> Vec<u8> {
    let event = &meeting.event;
    let (method, which) = (meeting.asks(), meeting.recurrence_id_ms);
    format!("told {method} {which:?} {} {}", event.sequence, event.uid).into_bytes()
}

fn told_key(scope: Scope, meeting: &Meeting) -> Vec<u8> {
    keys::sent(scope, DeviceNo::NONE.0, &BlobId::of(&about(meeting)).0)
}

fn print(email: &str) -> [u8; PRINT_BYTES] {
    let hash = BlobId::of(email.to_lowercase().as_bytes()).0;
    hash.first_chunk().copied().unwrap_or_default()
}

/// Whom the row of an edition names.
fn told(row: Option<&Row>) -> Vec<u8> {
    let noted = row.and_then(|row| remembered(row.value()));
    noted.map(|(_, prints)| prints).unwrap_or_default()
}

fn is_told(prints: &[u8], email: &str) -> bool {
    prints.chunks_exact(PRINT_BYTES).any(|p| p == print(email))
}

impl Mailbox {
    /// What is to be told in an account, or (none) in all of them: a page, and the span of the next
    /// one. Damaged rows are left out; the check names them.
    ///
    /// # Errors
    /// The store's.
    pub async fn notices(
        &self,
        scope: Option<Scope>,
        from: Option<NoticeMark>,
    ) -> Result<(Vec<NoticeRow>, Option<NoticeMark>), Error> {
        let span = match (from, scope) {
            (Some(mark), _) => mark.0,
            (None, Some(scope)) => keys::notices(scope),
            (None, None) => keys::all_notices(),
        };
        let page = self.range(span.read(PAGE)).await?;
        let last = page.rows.last().filter(|_| page.more);
        let next = last.map(|row| NoticeMark(span.after(&row.key)));
        let rows = page.rows.iter().filter_map(|row| {
            let read = NoticeRow::of(row);
            if let Err(e) = &read {
                tracing::error!(error = %e, "what attendees are to be told cannot be read");
            }
            read.ok()
        });
        Ok((rows.collect(), next))
    }

    /// Removes one that was sent, or that nobody can send. One that is gone already is no error.
    ///
    /// # Errors
    /// The store's.
    pub async fn drop_notice(&self, row: &NoticeRow) -> Result<(), Error> {
        let key = keys::notice(row.scope, &row.name);
        let mut batch = Batch::new(row.scope);
        batch
            .conditions
            .push(Condition::Equals(key.clone(), row.version));
        batch.writes.push(Write::Delete(key));
        match self.commit(batch).await {
            Ok(_) | Err(Error::Conflict) => Ok(()),
            Err(e) => Err(e),
        }
    }

    /// Who was told of this edition already, of these addresses.
    ///
    /// # Errors
    /// The store's.
    pub async fn told_of(
        &self,
        scope: Scope,
        meeting: &Meeting,
        addresses: &[String],
    ) -> Result<Vec<bool>, Error> {
        let row = self.get(told_key(scope, meeting)).await?;
        let prints = told(row.as_ref());
        Ok(addresses.iter().map(|a| is_told(&prints, a)).collect())
    }
}

impl Tx {
    /// Attendees are to be told, once this is durable; those who were told of this edition before are
    /// not.
    ///
    /// # Errors
    /// [`Error::TooLarge`] beyond [`NOTICE_BYTES_MAX`]; the store's.
    pub async fn announce(&mut self, mut notice: Notice) -> Result<(), Error> {
        let scope = self.scope();
        let meeting = &notice.meeting;
        let key = told_key(scope, meeting);
        let row = self.mailbox().get(key.clone()).await?;
        let mut prints = told(row.as_ref());
        let all = &meeting.event.attendees;
        notice.to.retain(|n| {
            let attendee = all.get(usize::from(*n));
            let new = attendee.is_some_and(|a| !is_told(&prints, &a.email));
            if let Some(attendee) = attendee.filter(|_| new) {
                prints.extend(print(&attendee.email));
            }
            new
        });
        if notice.to.is_empty() {
            return Ok(());
        }
        self.require(match &row {
            Some(row) => Condition::Equals(key.clone(), row.version),
            None => Condition::Absent(key.clone()),
        });
        let name = BlobId::of(&[&about(meeting)[..], &prints].concat()).0;
        let name = name.first_chunk::<16>().copied().unwrap_or_default();
        let at_ms = self.now_ms();
        self.remember(Remembered {
            key,
            at_ms,
            outcome: prints,
        })?;
        let stored = Stored {
            at_ms,
            meeting: notice.meeting,
            to: notice.to,
        };
        let value = stored::write(FORMAT, &stored)?;
        if value.len() > NOTICE_BYTES_MAX {
            return Err(Error::TooLarge);
        }
        self.write(Write::Put(keys::notice(scope, &name), value));
        Ok(())
    }
}

/// How much a notice takes in a commit, about.
///
/// # Errors
/// [`Error::Damaged`] if it cannot be archived (out of memory).
pub fn bytes(notice: &Notice) -> Result<usize, Error> {
    let stored = Stored {
        at_ms: 0,
        meeting: notice.meeting.clone(),
        to: notice.to.clone(),
    };
    Ok(stored::write(FORMAT, &stored)?.len())
}
