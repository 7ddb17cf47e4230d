//! Sync requests with 100 commands, and how they are read: down to the record that would be stored.

use crate::answer;
use roost::eas::classes::{Context, Fetched, Source, Supported, decode, encode};
use roost::eas::quirks::Quirks;
use roost::pim::{Class, RecordRef};
use roost::wbxml::tags::{airsync, email};
use roost::wbxml::{self, Reader, Tag, Writer};

/// The request with whatever `commands` writes.
fn sync(folder: u32, commands: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut w = Writer::new();
    w.open(airsync::SYNC);
    w.open(airsync::COLLECTIONS);
    w.open(airsync::COLLECTION);
    w.num(airsync::SYNC_KEY, 2);
    w.num(airsync::COLLECTION_ID, folder);
    w.open(airsync::COMMANDS);
    commands(&mut w);
    for _ in 0..4 {
        w.close();
    }
    w.finish()
}

/// A device's Sync that adds these items.
///
/// # Panics
/// For bytes that are no record.
#[must_use]
pub fn adds(folder: u32, stored: &[Vec<u8>]) -> Vec<u8> {
    let (options, fetched) = (answer::options(), Fetched::default());
    let ctx = Context {
        version: answer::VERSION,
        options: &options,
        item: (folder, 0),
        fetched: &fetched,
        quirks: Quirks::default(),
    };
    sync(folder, |w| {
        for (n, stored) in (1u32..).zip(stored) {
            w.open(airsync::ADD);
            w.num(airsync::CLIENT_ID, n);
            w.open(airsync::APPLICATION_DATA);
            encode(w, crate::must(RecordRef::read(stored)).0, &ctx);
            w.close();
            w.close();
        }
    })
}

/// A device's Sync that marks the first `count` mails of a folder read, and flags them.
#[must_use]
pub fn marks(folder: u32, count: u32) -> Vec<u8> {
    sync(folder, |w| {
        for n in 0..count {
            w.open(airsync::CHANGE);
            w.text(airsync::SERVER_ID, &format!("{folder}:{n}"));
            w.open(airsync::APPLICATION_DATA);
            w.flag(email::READ, true);
            w.open(email::FLAG);
            w.num(email::STATUS, 2);
            w.text(email::FLAG_TYPE, "Flag for follow up");
            w.close();
            w.close();
            w.close();
        }
    })
}

/// Reads a request to the records that it comes to; returns how many. `existing`: stored forms of
/// the items that it changes, in order; an Add has none.
///
/// # Panics
/// If it cannot be read.
#[must_use]
pub fn read(document: &[u8], class: Class, existing: &[Vec<u8>]) -> usize {
    let supported = Supported::default();
    let source = Source {
        version: answer::VERSION,
        supported: &supported,
        now_ms: crate::sample::NOW_MS,
        zone: "Europe/Berlin",
        user_name: "Anna Example",
        user_email: "anna@example.org",
        uid: "fresh",
        instance_ms: None,
        quirks: Quirks::default(),
        sms: false,
    };
    let mut existing = existing.iter();
    let mut count = 0;
    let mut item = |r: &mut Reader<'_>, tag: Tag| {
        if tag != airsync::APPLICATION_DATA {
            return r.text().map(drop);
        }
        let stored = existing.next();
        let old = stored.map(|s| crate::must(crate::must(RecordRef::read(s)).0.to_owned()));
        let decoded = crate::must(decode(r, class, old, &source));
        count += usize::from(decoded.record.is_some());
        Ok(())
    };
    crate::must(within(document, &mut item));
    count
}

/// Calls `element` for every child of every command.
fn within(
    document: &[u8],
    element: &mut dyn FnMut(&mut Reader<'_>, Tag) -> Result<(), wbxml::Error>,
) -> Result<(), wbxml::Error> {
    let mut r = Reader::new(document)?;
    r.root()?;
    let mut depth = 1;
    while depth > 0 {
        match r.child()? {
            None => depth -= 1,
            Some(
                airsync::COLLECTIONS
                | airsync::COLLECTION
                | airsync::COMMANDS
                | airsync::ADD
                | airsync::CHANGE,
            ) => depth += 1,
            Some(tag) => element(&mut r, tag)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn every_command_comes_to_a_record() {
        let contacts = sample::stored(Class::Contacts, 5);
        assert_eq!(read(&adds(9, &contacts), Class::Contacts, &[]), 5);
        let mails = sample::stored(Class::Email, 5);
        assert_eq!(read(&marks(2, 5), Class::Email, &mails), 5);
    }
}
