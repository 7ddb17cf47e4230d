//! The answer to Sync, from what the collections came to. Written after everything is durable.

use super::changes::OVERHEAD_BYTES;
use super::decode::class_name;
use crate::eas::classes::{self, Fetched};
use crate::eas::context::Reply;
use crate::eas::options::Options;
use crate::eas::quirks::Quirks;
use crate::eas::texts;
use crate::eas::version::Version;
use crate::mailbox::{FolderId, ItemId, ItemRow};
use crate::pim::{Class, RecordRef};
use crate::wbxml::tags::{airsync, calendar, contacts, email, notes, tasks};
use crate::wbxml::{Tag, Writer};

/// What one collection came to.
#[derive(Debug)]
pub(super) struct Section {
    /// Its folder.
    pub folder: FolderId,
    /// CollectionId as sent.
    pub id: String,
    /// The class of what it holds.
    pub class: Option<Class>,
    /// The key to present next.
    pub key: u64,
    /// The collection's status.
    pub status: u16,
    /// Something was held back.
    pub more: bool,
    /// What the client is told.
    pub changes: Vec<Told>,
    /// What its commands came to.
    pub responses: Vec<Response>,
    /// In which form.
    pub options: Options,
    /// What is done differently for the client.
    pub quirks: Quirks,
    /// Nothing to say: the key is the one presented.
    pub silent: bool,
}

/// One thing that the client is told.
#[derive(Debug)]
pub(super) enum Told {
    /// A new item, with what had to be read for it.
    Add(ItemRow, Box<Fetched>),
    /// A changed one.
    Change(ItemRow, Box<Fetched>),
    /// One of which only a part can have changed.
    Part(ItemRow),
    /// One that is gone.
    Delete(ItemId),
    /// One that is out of the window.
    SoftDelete(ItemId),
}

/// What a command of the client came to, where it has to be said.
#[derive(Debug)]
pub(super) enum Response {
    /// To an Add.
    Add {
        /// As sent.
        client_id: String,
        /// The new item.
        item: Option<ItemId>,
        /// 1 or what went wrong.
        status: u8,
        /// It was a text message.
        sms: bool,
    },
    /// To a Change that failed.
    Change {
        /// As sent.
        server_id: String,
        /// What went wrong.
        status: u8,
    },
    /// To a Delete that failed.
    Delete {
        /// As sent.
        server_id: String,
        /// What went wrong.
        status: u8,
    },
    /// To a Fetch.
    Fetch {
        /// As sent.
        server_id: String,
        /// The item, or why there is none.
        item: Result<(ItemRow, Box<Fetched>), u8>,
    },
}

/// Writes the sections; those without anything to say only where the version wants them.
#[must_use]
pub(super) fn reply(sections: &[Section], version: Version) -> Reply {
    let spoken = |s: &&Section| !s.silent || version < Version::V14_0;
    let changes = sections.iter().map(|s| s.changes.len()).sum();
    let mut w = Writer::with_capacity(expected_bytes(sections));
    w.open(airsync::SYNC);
    w.open(airsync::COLLECTIONS);
    for s in sections.iter().filter(spoken) {
        section(&mut w, s, version);
    }
    w.close();
    w.close();
    let status = sections.iter().map(|s| s.status).find(|s| *s != 1);
    Reply::document(w, status.unwrap_or(1)).with_changes(changes)
}

/// About how many bytes the sections take: a large answer that grows is copied several times.
fn expected_bytes(sections: &[Section]) -> usize {
    let changes = sections.iter().flat_map(|s| &s.changes);
    let bytes = changes.map(|told| match told {
        Told::Add(row, _) | Told::Change(row, _) => OVERHEAD_BYTES + row.stored_bytes(),
        Told::Part(_) | Told::Delete(_) | Told::SoftDelete(_) => OVERHEAD_BYTES,
    });
    4 * 1024 + bytes.sum::<usize>()
}

/// An answer that is nothing but a status, and a limit where the status has one.
#[must_use]
pub(super) fn refusal(status: u16, limit: Option<u32>) -> Reply {
    let mut w = Writer::new();
    w.open(airsync::SYNC);
    w.num(airsync::STATUS, status);
    if let Some(limit) = limit {
        w.num(airsync::LIMIT, limit);
    }
    w.close();
    Reply::document(w, status)
}

fn section(w: &mut Writer, s: &Section, version: Version) {
    w.open(airsync::COLLECTION);
    // The schemas from 12.1 on forbid it; clients before rely on it.
    if version <= Version::V12_0
        && let Some(class) = s.class
    {
        w.text(airsync::CLASS, class_name(class));
    }
    w.text(airsync::SYNC_KEY, &s.key.to_string());
    w.text(airsync::COLLECTION_ID, &s.id);
    w.num(airsync::STATUS, s.status);
    if s.more {
        w.empty(airsync::MORE_AVAILABLE);
    }
    if !s.changes.is_empty() {
        w.open(airsync::COMMANDS);
        for told in &s.changes {
            command(w, s, told, version);
        }
        w.close();
    }
    if !s.responses.is_empty() {
        w.open(airsync::RESPONSES);
        for response in &s.responses {
            answer(w, s, response, version);
        }
        w.close();
    }
    w.close();
}

/// A [`crate::mailbox::ServerId`], without the text in between.
fn server_id(w: &mut Writer, s: &Section, item: ItemId) {
    w.pair(airsync::SERVER_ID, s.folder.0, item.0);
}

fn command(w: &mut Writer, s: &Section, told: &Told, version: Version) {
    let (tag, id) = match told {
        Told::Add(row, _) => (airsync::ADD, row.item),
        Told::Change(row, _) | Told::Part(row) => (airsync::CHANGE, row.item),
        Told::Delete(id) => (airsync::DELETE, *id),
        Told::SoftDelete(id) => (airsync::SOFT_DELETE, *id),
    };
    w.open(tag);
    server_id(w, s, id);
    if let Told::Add(row, _) = told
        && s.options.texts
        && is_text(row)
    {
        w.text(airsync::CLASS, "SMS");
    }
    match told {
        Told::Add(row, fetched) | Told::Change(row, fetched) => {
            application_data(w, row, fetched, s.form(version));
        }
        Told::Part(row) => {
            w.open(airsync::APPLICATION_DATA);
            if let Ok(record) = row.record() {
                classes::encode_part(w, record, version);
            }
            w.close();
        }
        Told::Delete(_) | Told::SoftDelete(_) => {}
    }
    w.close();
}

fn is_text(row: &ItemRow) -> bool {
    matches!(row.record(), Ok(RecordRef::Message(m)) if m.message_class == texts::MESSAGE_CLASS)
}

fn answer(w: &mut Writer, s: &Section, response: &Response, version: Version) {
    match response {
        Response::Add {
            client_id,
            item,
            status,
            sms,
        } => {
            w.open(airsync::ADD);
            if *sms {
                w.text(airsync::CLASS, "SMS");
            }
            w.text(airsync::CLIENT_ID, client_id);
            if let Some(item) = item {
                server_id(w, s, *item);
            }
            w.num(airsync::STATUS, *status);
        }
        Response::Change { server_id, status } => {
            w.open(airsync::CHANGE);
            w.text(airsync::SERVER_ID, server_id);
            w.num(airsync::STATUS, *status);
        }
        Response::Delete { server_id, status } => {
            w.open(airsync::DELETE);
            w.text(airsync::SERVER_ID, server_id);
            w.num(airsync::STATUS, *status);
        }
        Response::Fetch { server_id, item } => {
            w.open(airsync::FETCH);
            w.text(airsync::SERVER_ID, server_id);
            w.num(
                airsync::STATUS,
                item.as_ref().err().map_or(1, |status| *status),
            );
            if let Ok((row, fetched)) = item {
                let form = Form {
                    options: &s.options.whole(),
                    ..s.form(version)
                };
                application_data(w, row, fetched, form);
            }
        }
    }
    w.close();
}

fn application_data(w: &mut Writer, row: &ItemRow, fetched: &Fetched, form: Form<'_>) {
    w.open(airsync::APPLICATION_DATA);
    item(w, row, fetched, form);
    w.close();
}

/// In which form an item is written.
#[derive(Clone, Copy)]
pub struct Form<'a> {
    /// What the client wants.
    pub options: &'a Options,
    /// The version of the request.
    pub version: Version,
    /// What is done differently for the client.
    pub quirks: Quirks,
}

impl Section {
    fn form(&self, version: Version) -> Form<'_> {
        Form {
            options: &self.options,
            version,
            quirks: self.quirks,
        }
    }
}

/// Writes the properties of an item; of one that cannot be read, that it cannot be read.
pub fn item(w: &mut Writer, row: &ItemRow, fetched: &Fetched, form: Form<'_>) {
    let ctx = classes::Context {
        version: form.version,
        options: form.options,
        quirks: form.quirks,
        item: (row.folder.0, row.item.0),
        fetched,
    };
    match row.record() {
        Ok(record) => classes::encode(w, record, &ctx),
        Err(e) => {
            let (folder, item) = (row.folder.0, row.item.0);
            tracing::error!(folder, item, error = %e, "an item cannot be read");
            w.text(subject(row.class()), "(this item is damaged on the server)");
        }
    }
}

fn subject(class: Option<Class>) -> Tag {
    match class {
        Some(Class::Contacts) => contacts::FILE_AS,
        Some(Class::Calendar) => calendar::SUBJECT,
        Some(Class::Tasks) => tasks::SUBJECT,
        Some(Class::Notes) => notes::SUBJECT,
        Some(Class::Email) | None => email::SUBJECT,
    }
}
