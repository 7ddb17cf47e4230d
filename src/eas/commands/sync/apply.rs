//! The client's commands of a collection ([MS-ASCMD] 2.2.3.5, 2.2.3.24, 2.2.3.42, 2.2.3.67).
//!
//! Each is recognised when it is repeated: it is answered as before, and not carried out again.

use super::Env;
use super::answer::Response;
use super::changes::{Room, read};
use super::decode::{Collection, Command, Item, fingerprint};
use super::draft;
use super::kept::Kept;
use crate::eas::classes::{self, Decoded, Draft, Fetched, Source};
use crate::eas::outgoing::fresh_id;
use crate::eas::status::Failure;
use crate::eas::texts;
use crate::eas::version::Version;
use crate::mailbox::{self, Entry, FolderId, ItemId, ItemRow, Recorded, Round, ServerId};
use crate::pim::body::BlobRef;
use crate::pim::words::Words;
use crate::pim::{Class, Record};

pub(super) const DONE: u8 = 1;
const PROTOCOL: u8 = 4;
pub(super) const MALFORMED: u8 = 6;
const CONFLICT: u8 = 7;
const GONE: u8 = 8;
const NO_SPACE: u8 = 9;

/// What a collection's commands are carried out with.
pub(super) struct Desk<'a> {
    pub(super) env: &'a Env<'a>,
    pub(super) class: Class,
    kept: &'a Kept,
}

/// A record, and its words where they are known.
type Worded = (Record, Option<Words>);
/// How an item is added, apart from what it consists of.
#[derive(Clone, Copy)]
struct New<'a> {
    client_id: &'a str,
    send: bool,
    sms: bool,
}

/// How an item is changed, apart from what it consists of.
#[derive(Clone, Copy)]
struct How {
    instance_ms: Option<i64>,
    send: bool,
}

/// Carries out one command; says what has to be said of it. A Fetch takes of the `room`.
///
/// # Errors
/// The store's; [`Failure::Conflict`].
pub(super) async fn apply(
    env: &Env<'_>,
    round: &mut Round,
    collection: &Collection<'_>,
    class: Class,
    kept: &Kept,
    command: &Command<'_>,
    room: &mut Room,
) -> Result<Option<Response>, Failure> {
    let desk = Desk { env, class, kept };
    let response = Box::pin(desk.carry_out(round, collection, command, room)).await?;
    if response.is_some() {
        round.say();
    }
    Ok(response)
}

/// The item of the collection's folder that a ServerId names.
fn own(round: &Round, server_id: &str) -> Option<ItemId> {
    let id = ServerId::parse(server_id)?;
    (id.folder == round.folder().id).then_some(id.item)
}

/// The status of an item that the store does not take.
fn refused(e: mailbox::Error) -> Result<u8, Failure> {
    match e {
        mailbox::Error::TooLarge => Ok(MALFORMED),
        mailbox::Error::Limit => Ok(NO_SPACE),
        e => Err(e.into()),
    }
}

impl Desk<'_> {
    /// What has to be said of a command, after it was carried out or refused.
    async fn carry_out(
        &self,
        round: &mut Round,
        collection: &Collection<'_>,
        command: &Command<'_>,
        room: &mut Room,
    ) -> Result<Option<Response>, Failure> {
        match command {
            Command::Add {
                client_id,
                sms,
                send,
                item,
            } => {
                let new = New {
                    client_id,
                    send: *send,
                    sms: *sms,
                };
                let (item, status) = Box::pin(self.add(round, new, item)).await?;
                Ok(Some(Response::Add {
                    client_id: client_id.clone(),
                    item,
                    status,
                    sms: *sms,
                }))
            }
            Command::Change {
                server_id,
                instance_ms,
                send,
                item,
            } => {
                let how = How {
                    instance_ms: *instance_ms,
                    send: *send,
                };
                let status = match own(round, server_id) {
                    Some(id) => Box::pin(self.change(round, id, how, item)).await?,
                    None => GONE,
                };
                let server_id = server_id.clone();
                Ok((status != DONE).then_some(Response::Change { server_id, status }))
            }
            Command::Delete {
                server_id,
                instance_ms,
            } => {
                let status = match (own(round, server_id), instance_ms) {
                    (Some(id), Some(at)) => {
                        Box::pin(self.delete_occurrence(round, id, *at)).await?
                    }
                    (Some(id), None) => self.delete(round, id, collection.deletes_as_moves).await?,
                    (None, _) => GONE,
                };
                let server_id = server_id.clone();
                Ok((status != DONE).then_some(Response::Delete { server_id, status }))
            }
            Command::Fetch { server_id } => {
                let item = match own(round, server_id) {
                    Some(id) => Box::pin(self.fetch(round, id, room)).await?,
                    None => Err(GONE),
                };
                let server_id = server_id.clone();
                Ok(Some(Response::Fetch { server_id, item }))
            }
        }
    }

    /// A Fetch brings the item whole, whatever the options cut (2.2.3.67.2). The inner error: the
    /// status of one that is not brought.
    async fn fetch(
        &self,
        round: &mut Round,
        id: ItemId,
        room: &mut Room,
    ) -> Result<Result<(ItemRow, Box<Fetched>), u8>, Failure> {
        let Some(row) = round.item(id).await? else {
            return Ok(Err(GONE));
        };
        if room.fetched_bytes == 0 {
            return Ok(Err(NO_SPACE));
        }
        let (fetched, bytes) = read(self.env, &row, &self.kept.options.whole()).await?;
        room.fetched_bytes = room.fetched_bytes.saturating_sub(bytes);
        Ok(Ok((row, fetched)))
    }

    async fn add(
        &self,
        round: &mut Round,
        new: New<'_>,
        item: &Item<'_>,
    ) -> Result<(Option<ItemId>, u8), Failure> {
        let New {
            client_id,
            send,
            sms,
        } = new;
        let command = mailbox::Command::Add(client_id.to_owned());
        match round.recorded(&command, item.print) {
            Recorded::New => {}
            Recorded::Same(outcome) => return Ok((outcome.item, outcome.status)),
            // The client has edited the item before it heard that it was stored: the edit counts.
            Recorded::Differs(outcome) => {
                if let Some(id) = outcome.item {
                    let how = How {
                        instance_ms: None,
                        send,
                    };
                    let status = Box::pin(self.change(round, id, how, item)).await?;
                    if status != DONE {
                        // The item is there all the same, and the client is told what it says.
                        round.echo(id);
                    }
                    // One that somebody has deleted is made once more.
                    if status != GONE {
                        return Ok((Some(id), DONE));
                    }
                }
            }
        }
        // Text messages came with 14.0, and live beside mail.
        let has_place = self.env.version >= Version::V14_0 && self.class == Class::Email;
        if client_id.is_empty() || sms && !has_place {
            round.refuse(command, MALFORMED, item.print);
            return Ok((None, MALFORMED));
        }
        let decoded = match Box::pin(self.decode(item, None, None, sms)).await? {
            Ok(decoded) => decoded,
            Err(status) => {
                round.refuse(command, status, item.print);
                return Ok((None, status));
            }
        };
        let adds_files = decoded.adds_files;
        let record = self.new_record(round, decoded, client_id, send, item);
        let (mut record, words) = match Box::pin(record).await? {
            Ok(worded) => worded,
            // Sent, or refused: there is no item.
            Err(status) => {
                round.refuse(command, status, item.print);
                return Ok((None, status));
            }
        };
        let notices = self.notices(None, &mut record)?;
        round.reserve(&notices).await?;
        let entry = (&record, words.as_ref());
        match Box::pin(round.add(client_id, entry, DONE, item.print)).await {
            Ok(id) => {
                if adds_files {
                    round.echo(id);
                }
                round.announce(notices).await?;
                Ok((Some(id), DONE))
            }
            Err(e) => {
                let status = refused(e)?;
                round.refuse(command, status, item.print);
                Ok((None, status))
            }
        }
    }

    /// The record of a new item, and its words where they are known. The inner error: there is none, since it was refused, or is a
    /// mail that was sent at once.
    async fn new_record(
        &self,
        round: &Round,
        decoded: Decoded,
        client_id: &str,
        send: bool,
        item: &Item<'_>,
    ) -> Result<Result<Worded, u8>, Failure> {
        let draft = match (decoded.record, decoded.draft) {
            (Some(record), _) => return Ok(Ok((record, None))),
            (None, None) => return Ok(Err(MALFORMED)),
            (None, Some(draft)) => draft,
        };
        if let Some(text) = &draft.text {
            let message = texts::compose(self.env.eas, &draft, text);
            return Ok(Ok((Record::Message(Box::pin(message).await?), None)));
        }
        let send = send || draft.send;
        let composed = match Box::pin(self.compose(round, draft, None)).await? {
            Ok(composed) => composed,
            Err(status) => return Ok(Err(status)),
        };
        if send {
            let name = fingerprint(client_id.as_bytes());
            let name = format!("new {name:016x}{:016x}", item.print);
            return Ok(Err(self.send(&composed, &name).await?));
        }
        Ok(Ok(draft::record(composed)))
    }

    /// The changed record of an item, as a new one. The inner error: it was refused, or is a draft that was
    /// sent.
    async fn changed_record(
        &self,
        round: &Round,
        row: &ItemRow,
        decoded: Decoded,
        send: bool,
        print: u64,
    ) -> Result<Result<Worded, u8>, Failure> {
        let (draft, before) = match (decoded.record, decoded.draft) {
            (Some(Record::Message(before)), Some(draft)) => (draft, before),
            // Nothing was changed but where it goes.
            (Some(Record::Message(before)), None) if send => (Draft::default(), before),
            (Some(record), _) => return Ok(Ok((record, None))),
            (None, _) => return Ok(Err(MALFORMED)),
        };
        let send = send || draft.send;
        let composed = match Box::pin(self.compose(round, draft, Some(before))).await? {
            Ok(composed) => composed,
            Err(status) => return Ok(Err(status)),
        };
        if !send {
            return Ok(Ok(draft::record(composed)));
        }
        let name = format!("draft {} {print:016x}", row.item);
        let status = self.send(&composed, &name).await?;
        if status == DONE {
            self.discard(row).await?;
        }
        Ok(Err(status))
    }

    async fn change(
        &self,
        round: &mut Round,
        id: ItemId,
        how: How,
        item: &Item<'_>,
    ) -> Result<u8, Failure> {
        let How { instance_ms, send } = how;
        // Several Changes of one series, each with another InstanceId, are several commands
        // (TbSync 5): only the whole item's Change is recognised as a repetition.
        let command = mailbox::Command::Change(id);
        let print = item.print ^ instance_ms.map_or(0, i64::cast_unsigned);
        if let Recorded::Same(outcome) = round.recorded(&command, print) {
            return Ok(outcome.status);
        }
        let Some(row) = round.item(id).await? else {
            return Ok(GONE);
        };
        let Ok(existing) = row.to_record() else {
            return Ok(MALFORMED);
        };
        // Send may come without anything else.
        let decoded = if send && item.at.is_none() {
            Ok(Decoded {
                record: Some(existing),
                ..Decoded::default()
            })
        } else {
            Box::pin(self.decode(item, Some(existing), instance_ms, false)).await?
        };
        let decoded = match decoded {
            Ok(decoded) => decoded,
            Err(status) => {
                round.refuse(command, status, print);
                return Ok(status);
            }
        };
        if round.stand_in(&row).is_some() && !decoded.only_marks() {
            // It edits what it was told instead, which is not the item.
            round.refuse(command, MALFORMED, print);
            return Ok(MALFORMED);
        }
        // Marks of a mail are merged: nobody wants to be asked about a read flag.
        let only_marks = decoded.only_marks();
        let server_wins = !self.kept.options.client_wins && !only_marks;
        if server_wins && round.conflicts(&row).await? {
            round.refuse(command, CONFLICT, print);
            round.echo(id);
            return Ok(CONFLICT);
        }
        if decoded.adds_files {
            round.echo(id);
        }
        let record = self.changed_record(round, &row, decoded, send, print);
        let (record, words) = match Box::pin(record).await? {
            Ok(worded) => worded,
            Err(status) => {
                round.refuse(command, status, print);
                return Ok(status);
            }
        };
        Box::pin(self.store(round, &row, (record, words), print)).await
    }

    async fn store(
        &self,
        round: &mut Round,
        row: &ItemRow,
        (mut record, words): Worded,
        print: u64,
    ) -> Result<u8, Failure> {
        let notices = self.notices(Some(row), &mut record)?;
        round.reserve(&notices).await?;
        let entry = Entry::from((&record, words.as_ref()));
        match Box::pin(round.change(row, entry, DONE, print)).await {
            Ok(()) => {
                if !notices.is_empty() {
                    // Whose answer is asked for again is news to the device.
                    round.echo(row.item);
                }
                round.announce(notices).await?;
                Ok(DONE)
            }
            Err(e) => {
                let status = refused(e)?;
                round.refuse(mailbox::Command::Change(row.item), status, print);
                Ok(status)
            }
        }
    }

    async fn delete(&self, round: &mut Round, id: ItemId, as_move: bool) -> Result<u8, Failure> {
        let command = mailbox::Command::Delete(id);
        if let Recorded::Same(outcome) = round.recorded(&command, 0) {
            return Ok(outcome.status);
        }
        let Some(row) = round.item(id).await? else {
            return Ok(GONE);
        };
        // Deleted Items is a folder for mail; other classes have no such place.
        let folder = round.folder().id;
        let into = if as_move && self.class == Class::Email && folder != FolderId::DELETED {
            let env = self.env;
            Some(
                env.eas
                    .mailbox()
                    .folder(env.scope(), FolderId::DELETED)
                    .await?,
            )
        } else {
            None
        };
        let notices = self.notices_of_deletion(&row)?;
        round.reserve(&notices).await?;
        Box::pin(round.delete(&row, into.as_ref(), DONE)).await?;
        round.announce(notices).await?;
        Ok(DONE)
    }

    /// Delete with InstanceId (16.0+): the series stays, less one.
    async fn delete_occurrence(
        &self,
        round: &mut Round,
        id: ItemId,
        instance_ms: i64,
    ) -> Result<u8, Failure> {
        let print = instance_ms.cast_unsigned();
        let command = mailbox::Command::Change(id);
        if let Recorded::Same(outcome) = round.recorded(&command, print) {
            return Ok(outcome.status);
        }
        let Some(row) = round.item(id).await? else {
            return Ok(GONE);
        };
        let Ok(Record::Event(mut event)) = row.to_record() else {
            return Ok(PROTOCOL);
        };
        if classes::delete_occurrence(&mut event, instance_ms).is_err() {
            return Ok(MALFORMED);
        }
        let record = Record::Event(event);
        Box::pin(self.store(round, &row, (record, None), print)).await
    }

    /// Reads an item onto what there is of it, and stores what is too large for its record. The
    /// inner error: the status of an item that is refused.
    async fn decode(
        &self,
        item: &Item<'_>,
        existing: Option<Record>,
        instance_ms: Option<i64>,
        sms: bool,
    ) -> Result<Result<Decoded, u8>, Failure> {
        let Some(mut r) = item.at.clone() else {
            return Ok(Err(PROTOCOL));
        };
        let account = &self.env.account.account;
        let uid = fresh_id();
        let source = Source {
            version: self.env.version,
            supported: &self.kept.supported,
            now_ms: self.env.eas.clock().now_ms(),
            zone: "",
            user_name: &account.display_name,
            user_email: account.address(),
            uid: &uid,
            instance_ms,
            quirks: self.env.quirks,
            sms,
        };
        let mut decoded = match classes::decode(&mut r, self.class, existing, &source) {
            Ok(decoded) => decoded,
            Err(e) if e.costs_one_item() => return Ok(Err(MALFORMED)),
            Err(_) => return Ok(Err(PROTOCOL)),
        };
        for (slot, bytes) in std::mem::take(&mut decoded.uploads) {
            let id = self.env.eas.mailbox().store().put_blob(&bytes).await?;
            let blob = BlobRef {
                hash: id.0,
                bytes: bytes.len() as u64,
            };
            decoded.keep(slot, blob);
        }
        Ok(Ok(decoded))
    }
}
