//! The server's changes of a collection, as many as the window and the size of the answer allow.

use roaring::RoaringBitmap;

use super::Env;
use super::answer::Told;
use crate::eas::classes::{Fetched, changes_in_part};
use crate::eas::context::fetch;
use crate::eas::options::Options;
use crate::eas::stand_in;
use crate::eas::status::Failure;

use crate::mailbox::{ChangeKind, Fault, ItemRow, Round};

/// Bytes that the ids and tags of one change take.
pub(super) const OVERHEAD_BYTES: usize = 64;

/// What may still go into the answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// Changes.
    pub changes: usize,
    /// Bytes of changes.
    pub bytes: usize,
    /// Bytes of what the client fetches.
    pub fetched_bytes: usize,
}

/// Takes changes from the round while there is room; true if some are left. At least one is taken
/// where one is allowed, however large it is. A suspect is taken alone.
///
/// # Errors
/// The store's; [`Failure::Conflict`].
pub(super) async fn collect(
    env: &Env<'_>,
    round: &mut Round,
    options: &Options,
    suspects: &RoaringBitmap,
    room: &mut Room,
) -> Result<(Vec<Told>, bool), Failure> {
    let mut told: Vec<Told> = Vec::new();
    round.expect(room.changes);
    while room.changes > 0 && room.bytes > 0 {
        let Some(change) = round.next().await? else {
            break;
        };
        let is_suspect = suspects.contains(change.item.0);
        if is_suspect && !told.is_empty() {
            round.put_back();
            break;
        }
        let (one, bytes) = match change.kind {
            ChangeKind::Delete => (Told::Delete(change.item), 0),
            ChangeKind::SoftDelete => (Told::SoftDelete(change.item), 0),
            ChangeKind::Add(row) => {
                let (row, fetched, bytes) = shown(env, round, row, options).await?;
                (Told::Add(row, fetched), bytes)
            }
            ChangeKind::Change(row) if row.record().is_ok_and(changes_in_part) => {
                (Told::Part(row), 0)
            }
            ChangeKind::Change(row) => {
                let (row, fetched, bytes) = shown(env, round, row, options).await?;
                (Told::Change(row, fetched), bytes)
            }
        };
        if bytes > room.bytes && !told.is_empty() {
            round.put_back();
            room.bytes = 0;
            break;
        }
        room.changes -= 1;
        room.bytes = room.bytes.saturating_sub(bytes + OVERHEAD_BYTES);
        told.push(one);
        if is_suspect {
            break;
        }
    }
    let more = round.more().await?;
    Ok((told, more))
}

/// An item as the device is shown it: the item, or a stand-in; with what it needs beside its record, and
/// about how many bytes it takes in the answer.
async fn shown(
    env: &Env<'_>,
    round: &mut Round,
    row: ItemRow,
    options: &Options,
) -> Result<(ItemRow, Box<Fetched>, usize), Failure> {
    let refused = round.stand_in(&row) == Some(Fault::Refused);
    if !refused {
        let (fetched, bytes) = read(env, &row, options).await?;
        if !fetched.unreadable {
            round.set_whole(&row);
            return Ok((row, fetched, bytes));
        }
    }
    let fault = if refused {
        Fault::Refused
    } else if row.record().is_ok() {
        Fault::Unreadable
    } else {
        Fault::Damaged
    };
    round.set_broken(&row, fault);
    let (row, fetched) = stand_in::of(&row, fault);
    let bytes = row.stored_bytes();
    Ok((row, Box::new(fetched), bytes))
}

/// What the item needs beside its record, and about how many bytes it takes in the answer.
pub(super) async fn read(
    env: &Env<'_>,
    row: &ItemRow,
    options: &Options,
) -> Result<(Box<Fetched>, usize), Failure> {
    let fetched = Box::pin(fetch(env.eas, row, options, env.version)).await?;
    let texts = [&fetched.text, &fetched.html, &fetched.body];
    let texts: usize = texts.into_iter().flatten().map(String::len).sum();
    let binary = [&fetched.mime, &fetched.picture];
    let binary: usize = binary.into_iter().flatten().map(Vec::len).sum();
    Ok((Box::new(fetched), row.stored_bytes() + texts + binary))
}
