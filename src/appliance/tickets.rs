//! The keys of session tickets, kept in the store: phones resume their sessions after a restart.
//!
//! One row holds them, newest first. A key seals tickets for 12 hours and opens them for 48 hours after
//! it was made; a new one is durable before the first ticket is sealed with it.

use std::sync::Arc;

use crate::clock::{Clock, UnixMs};
use crate::net::{TicketKey, Tickets};
use crate::store::{Batch, CommitError, Condition, Error, Scope, Store, Write, keys};
use crate::work::block_on;

/// How long a key seals, in milliseconds.
const SEALS_MS: i64 = 12 * 60 * 60 * 1_000;
/// How long after it was made a key opens, in milliseconds: a phone that was off for a day comes back
/// with a ticket of the day before.
const OPENS_MS: i64 = 48 * 60 * 60 * 1_000;
/// What the row is called.
const NAME: &str = "tickets";
/// Format of the row: name, secret, time of each key.
const FORMAT: u8 = 1;
/// How often another writer of the row is given way.
const TRIES: usize = 8;

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The row cannot be read.
    #[error(transparent)]
    Read(#[from] Error),
    /// The row cannot be written.
    #[error(transparent)]
    Write(#[from] CommitError),
    /// The machine gives no random bytes.
    #[error("no random bytes: {0}")]
    Random(getrandom::Error),
}

/// The keys as they stand in the store, for the network.
///
/// # Errors
/// [`KeyError`].
pub(super) fn load(store: &Store, clock: &Clock) -> Result<Arc<Tickets>, KeyError> {
    Ok(Tickets::new(block_on(fresh(store, clock.now_ms()))?))
}

/// The keys that are good now; makes one where the newest has sealed for long enough.
///
/// # Errors
/// [`KeyError`].
pub(super) async fn fresh(store: &Store, now_ms: UnixMs) -> Result<Vec<TicketKey>, KeyError> {
    let key = keys::secret(NAME);
    for _ in 0..TRIES {
        let row = store.get(&key).await?;
        let mut found = row
            .as_ref()
            .and_then(|row| decode(row.value()))
            .unwrap_or_default();
        // A clock that was set back makes a key look as if it were of the future.
        let age_ms = |k: &TicketKey| now_ms.saturating_sub(k.made_ms);
        found.retain(|k| (0..OPENS_MS).contains(&age_ms(k)));
        if found.first().is_some_and(|k| age_ms(k) < SEALS_MS) {
            return Ok(found);
        }
        found.insert(0, TicketKey::make(now_ms).map_err(KeyError::Random)?);
        let mut batch = Batch::new(Scope::SYSTEM);
        batch.conditions.push(match &row {
            Some(row) => Condition::Equals(key.clone(), row.version),
            None => Condition::Absent(key.clone()),
        });
        batch.writes.push(Write::Put(key.clone(), encode(&found)));
        match store.commit(batch).await {
            Ok(_) => return Ok(found),
            Err(CommitError::Conflict | CommitError::Unknown) => {}
            Err(e) => return Err(e.into()),
        }
    }
    Err(CommitError::Conflict.into())
}

fn encode(found: &[TicketKey]) -> Vec<u8> {
    let mut value = vec![FORMAT];
    for key in found {
        value.extend_from_slice(&key.name);
        value.extend_from_slice(&key.secret);
        value.extend_from_slice(&key.made_ms.to_be_bytes());
    }
    value
}

/// Nothing for a row that cannot be read: new keys cost a handshake each, and nothing else.
fn decode(value: &[u8]) -> Option<Vec<TicketKey>> {
    let mut rest = value.strip_prefix(&[FORMAT])?;
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (name, after) = rest.split_first_chunk()?;
        let (secret, after) = after.split_first_chunk()?;
        let (made_ms, after) = after.split_first_chunk()?;
        found.push(TicketKey {
            name: *name,
            secret: *secret,
            made_ms: i64::from_be_bytes(*made_ms),
        });
        rest = after;
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_last_and_are_followed_by_newer_ones() {
        let store = Store::memory();
        let at = |hours: i64| block_on(fresh(&store, hours * 60 * 60 * 1_000)).unwrap();
        let first = at(0);
        assert_eq!((first.len(), at(11)), (1, first.clone()));
        let second = at(12);
        assert_eq!((second.len(), &second[1]), (2, &first[0]));
        assert_eq!(at(23), second);
        assert_eq!(at(36).len(), 3);
        let fourth = at(49);
        assert!(!fourth.contains(&first[0]) && fourth.contains(&second[0]));
        // The clock was set back by a day: nothing of the future is used.
        assert!(at(12).iter().all(|k| k.made_ms <= 12 * 60 * 60 * 1_000));
    }

    #[test]
    fn a_row_that_cannot_be_read_is_replaced() {
        let store = Store::memory();
        let mut batch = Batch::new(Scope::SYSTEM);
        batch
            .writes
            .push(Write::Put(keys::secret(NAME), vec![9, 9]));
        block_on(store.commit(batch)).unwrap();
        assert_eq!(block_on(fresh(&store, 0)).unwrap().len(), 1);
        assert_eq!(decode(&[]), None);
        assert_eq!(decode(&[FORMAT, 1, 2]), None);
    }
}
