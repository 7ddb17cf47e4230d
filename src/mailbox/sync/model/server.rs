//! The least that a protocol layer does: requests into rounds, rounds into answers.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use super::super::{Change, Command, Presented, Recorded, Round, Window};
use super::Random;
use crate::limits;
use crate::mailbox::testing::{mail, task};
use crate::mailbox::{DeviceNo, Error, FolderId, ItemId, ItemRow, Mailbox};
use crate::pim::{Record, RecordRef};
use crate::store::Scope;

pub(super) const OK: u8 = 1;
pub(super) const CONFLICT: u8 = 7;
pub(super) const NOT_FOUND: u8 = 8;

/// What an item says, and where it came from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Content {
    pub(super) origin: String,
    pub(super) text: String,
    pub(super) date_ms: i64,
    pub(super) complete: bool,
}

impl Content {
    pub(super) fn of(row: &ItemRow) -> Self {
        match row.record().unwrap() {
            RecordRef::Message(mail) => Self {
                origin: mail.message_id.to_string(),
                text: mail.subject.to_string(),
                date_ms: mail.received_ms.to_native(),
                complete: false,
            },
            RecordRef::Task(task) => Self {
                origin: task.uid.to_string(),
                text: task.subject.to_string(),
                date_ms: task.utc_due_ms.as_ref().unwrap().to_native(),
                complete: task.complete,
            },
            _ => panic!("not of this model"),
        }
    }

    pub(super) fn record(&self, folder: FolderId) -> Record {
        if folder == FolderId::TASKS {
            let mut task = task(&self.text, self.date_ms, self.complete);
            task.uid.clone_from(&self.origin);
            return Record::Task(task);
        }
        let mut mail = mail(&self.text, self.date_ms);
        mail.message_id.clone_from(&self.origin);
        Record::Message(mail)
    }

    /// Every edit has another text.
    fn print(&self) -> u64 {
        self.text.bytes().fold(7, |h, b| h * 31 + u64::from(b))
    }
}

/// A command as the phone sends it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Sent {
    Add(String, Content),
    Change(ItemId, Content),
    Delete(ItemId),
}

/// A Sync request for one collection.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) device: DeviceNo,
    pub(super) folder: FolderId,
    pub(super) key: u64,
    pub(super) window: Window,
    pub(super) limit: usize,
    pub(super) client_wins: bool,
    pub(super) commands: Vec<Sent>,
}

/// The answer to it.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    /// The key is not known: start over.
    Unknown,
    Said {
        key: u64,
        changes: Vec<Change>,
        /// Status and item, in the order of the commands.
        responses: Vec<(u8, Option<ItemId>)>,
        more: bool,
    },
}

impl Answer {
    pub(super) fn is_quiet(&self, presented: u64) -> bool {
        match self {
            Self::Unknown => false,
            Self::Said {
                key, changes, more, ..
            } => *key == presented && changes.is_empty() && !more,
        }
    }
}

/// Computes an answer, again after conflicts. With a seed, an answer may be full before its limit.
pub(super) async fn handle(
    mailbox: &Mailbox,
    scope: Scope,
    request: &Request,
    seed: Option<u64>,
) -> Result<Answer, Error> {
    let mut random = seed.map(Random);
    for _ in 0..limits::CONFLICT_RETRIES_MAX {
        match Box::pin(attempt(mailbox, scope, request, &mut random)).await {
            Err(Error::Conflict) => {}
            done => return done,
        }
    }
    Err(Error::Conflict)
}

async fn attempt(
    mailbox: &Mailbox,
    scope: Scope,
    request: &Request,
    random: &mut Option<Random>,
) -> Result<Answer, Error> {
    let round = mailbox.sync(scope, request.device, request.folder, request.key);
    let Some(mut round) = round.await? else {
        return Ok(Answer::Unknown);
    };
    round.set_window(request.window);
    let mut responses = Vec::new();
    if round.presented() != Presented::First {
        for command in &request.commands {
            responses.push(carry_out(&mut round, request, command).await?);
        }
    }
    let mut changes = Vec::new();
    while changes.len() < request.limit {
        let Some(change) = round.next().await? else {
            break;
        };
        if random.as_mut().is_some_and(|random| random.percent(2)) {
            // It did not fit into the answer any more.
            round.put_back();
            break;
        }
        changes.push(change);
    }
    let more = round.more().await?;
    let key = round.finish().await?.key;
    Ok(Answer::Said {
        key,
        changes,
        responses,
        more,
    })
}

async fn carry_out(
    round: &mut Round,
    request: &Request,
    command: &Sent,
) -> Result<(u8, Option<ItemId>), Error> {
    match command {
        Sent::Add(client_id, content) => {
            let record = content.record(request.folder);
            let command = Command::Add(client_id.clone());
            match round.recorded(&command, content.print()) {
                Recorded::New => {
                    let item = round.add(client_id, &record, OK, content.print()).await?;
                    Ok((OK, Some(item)))
                }
                Recorded::Same(outcome) => Ok((outcome.status, outcome.item)),
                Recorded::Differs(outcome) => {
                    let item = outcome.item.unwrap();
                    if let Some(row) = round.item(item).await? {
                        let print = content.print();
                        round.amend(client_id, &row, &record, OK, print).await?;
                    }
                    Ok((OK, Some(item)))
                }
            }
        }
        Sent::Change(item, content) => {
            let known = Command::Change(*item);
            if let Recorded::Same(outcome) = round.recorded(&known, content.print()) {
                return Ok((outcome.status, outcome.item));
            }
            let Some(row) = round.item(*item).await? else {
                round.refuse(known, NOT_FOUND, content.print());
                return Ok((NOT_FOUND, None));
            };
            if !request.client_wins && round.conflicts(&row).await? {
                round.refuse(known, CONFLICT, content.print());
                return Ok((CONFLICT, None));
            }
            let record = content.record(request.folder);
            round.change(&row, &record, OK, content.print()).await?;
            Ok((OK, Some(*item)))
        }
        Sent::Delete(item) => {
            let known = Command::Delete(*item);
            if let Recorded::Same(outcome) = round.recorded(&known, 0) {
                return Ok((outcome.status, outcome.item));
            }
            let Some(row) = round.item(*item).await? else {
                round.refuse(known, NOT_FOUND, 0);
                return Ok((NOT_FOUND, None));
            };
            round.delete(&row, None, OK).await?;
            Ok((OK, Some(*item)))
        }
    }
}

/// Polls two futures by turns until both are ready: requests that cross.
pub(super) async fn in_turns<T>(
    mut one: Pin<Box<impl Future<Output = T>>>,
    mut two: Pin<Box<impl Future<Output = T>>>,
) -> (T, T) {
    let (mut first, mut second) = (None, None);
    poll_fn(move |context| {
        if first.is_none()
            && let Poll::Ready(output) = one.as_mut().poll(context)
        {
            first = Some(output);
        }
        if second.is_none()
            && let Poll::Ready(output) = two.as_mut().poll(context)
        {
            second = Some(output);
        }
        match (first.take(), second.take()) {
            (Some(one), Some(two)) => Poll::Ready((one, two)),
            (one, two) => {
                (first, second) = (one, two);
                Poll::Pending
            }
        }
    })
    .await
}
