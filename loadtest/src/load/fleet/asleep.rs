//! A device that waits, packed: its database as one piece of bytes instead of some hundred small ones.

use super::phone::{Phone, title};
use crate::state::{Class, Collection, Folder, Item};
use crate::tree::text;
use crate::{Device, Version};
use roost::wbxml::tags::email;
use std::collections::BTreeMap;

const CLASSES: [Class; 5] = [
    Class::Email,
    Class::Calendar,
    Class::Contacts,
    Class::Tasks,
    Class::Notes,
];

impl Phone {
    /// Packs what the device knows, for as long as it waits.
    pub(super) fn doze(&mut self) {
        if self.asleep.is_none() {
            self.device.forget_request();
            self.asleep = Some(pack(&mut self.device));
        }
    }

    /// It knows again what it knew.
    pub(super) fn rouse(&mut self) {
        if let Some(packed) = self.asleep.take() {
            unpack(&mut self.device, &packed);
        }
    }
}

/// Takes folders, collections and what the server offers out of a device.
fn pack(device: &mut Device) -> Box<[u8]> {
    let mut out = Vec::new();
    let mut versions = 0;
    for version in std::mem::take(&mut device.versions) {
        versions |= version.bit();
    }
    out.push(versions);
    // What commands there are is of no interest any more.
    device.commands = Vec::new();
    let folders = std::mem::take(&mut device.folders);
    put_number(&mut out, folders.len());
    for folder in folders.values() {
        put(&mut out, &folder.id);
        put(&mut out, &folder.parent);
        put(&mut out, &folder.name);
        put_number(&mut out, usize::try_from(folder.kind).unwrap_or(0));
    }
    let collections = std::mem::take(&mut device.collections);
    put_number(&mut out, collections.len());
    for (id, collection) in &collections {
        put(&mut out, id);
        put(&mut out, &collection.key);
        let class = CLASSES.iter().position(|c| *c == collection.class);
        let marks = [collection.more, collection.stale, collection.doubtful];
        let marks = marks.iter().fold(0, |all, on| all << 1 | usize::from(*on));
        put_number(&mut out, class.unwrap_or(0) << 3 | marks);
        put_number(&mut out, collection.gone.len());
        for id in &collection.gone {
            put(&mut out, id);
        }
        put_number(&mut out, collection.items.len());
        for (id, item) in &collection.items {
            put(&mut out, id);
            let read = match item.text(email::READ) {
                None => 0,
                Some("1") => 2,
                Some(_) => 1,
            };
            put_number(&mut out, read);
            put(
                &mut out,
                item.text(title(collection.class)).unwrap_or_default(),
            );
        }
    }
    out.into_boxed_slice()
}

/// Puts them back. What was packed here reads back, so nothing is missing.
fn unpack(device: &mut Device, packed: &[u8]) {
    let mut rest = packed;
    let versions = take_byte(&mut rest);
    let offered = Version::ALL.into_iter();
    device.versions = offered.filter(|v| v.bit() & versions != 0).collect();
    for _ in 0..take_number(&mut rest) {
        let folder = Folder {
            id: take(&mut rest),
            parent: take(&mut rest),
            name: take(&mut rest),
            kind: u32::try_from(take_number(&mut rest)).unwrap_or(0),
        };
        device.folders.insert(folder.id.clone(), folder);
    }
    for _ in 0..take_number(&mut rest) {
        let (id, key) = (take(&mut rest), take(&mut rest));
        let marks = take_number(&mut rest);
        let class = CLASSES.get(marks >> 3).copied().unwrap_or(Class::Email);
        let mut collection = Collection::at(class, &key);
        collection.more = marks & 4 != 0;
        collection.stale = marks & 2 != 0;
        collection.doubtful = marks & 1 != 0;
        for _ in 0..take_number(&mut rest) {
            collection.gone.insert(take(&mut rest));
        }
        collection.items = items(&mut rest, class);
        device.collections.insert(id, collection);
    }
}

fn items(rest: &mut &[u8], class: Class) -> BTreeMap<String, Item> {
    let mut items = BTreeMap::new();
    for _ in 0..take_number(rest) {
        let id = take(rest);
        let mut properties = Vec::new();
        match take_number(rest) {
            0 => {}
            read => properties.push(text(email::READ, if read == 2 { "1" } else { "0" })),
        }
        properties.push(text(title(class), take(rest)));
        items.insert(id, Item { properties });
    }
    items
}

fn put(out: &mut Vec<u8>, text: &str) {
    put_number(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

/// Seven bits a byte, the lowest first.
fn put_number(out: &mut Vec<u8>, mut n: usize) {
    while n >= 0x80 {
        out.push(u8::try_from(n & 0x7F).unwrap_or(0) | 0x80);
        n >>= 7;
    }
    out.push(u8::try_from(n).unwrap_or(0));
}

fn take(rest: &mut &[u8]) -> String {
    let len = take_number(rest).min(rest.len());
    let (text, after) = rest.split_at(len);
    *rest = after;
    String::from_utf8_lossy(text).into_owned()
}

fn take_byte(rest: &mut &[u8]) -> u8 {
    let Some((first, after)) = rest.split_first() else {
        return 0;
    };
    *rest = after;
    *first
}

fn take_number(rest: &mut &[u8]) -> usize {
    let (mut n, mut shift) = (0, 0);
    loop {
        let byte = take_byte(rest);
        n |= usize::from(byte & 0x7F) << shift;
        shift += 7;
        if byte & 0x80 == 0 || shift > 56 {
            return n;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Identity, QueryForm, profile};

    #[test]
    fn what_a_device_knows_comes_back_from_its_sleep() {
        let mut device = Device::new(Identity {
            user: "a".to_owned(),
            password: "b".to_owned(),
            device_id: "c".to_owned(),
            version: Version::V14_1,
            form: QueryForm::Plain,
            profile: profile::PLAIN,
        });
        device.versions = vec![Version::V12_1, Version::V16_1];
        let folder = Folder {
            id: "2".to_owned(),
            parent: "0".to_owned(),
            name: "Eing\u{e4}nge".repeat(30),
            kind: 2,
        };
        device.folders.insert("2".to_owned(), folder);
        let mut mails = Collection::at(Class::Email, "17");
        (mails.stale, mails.doubtful) = (false, true);
        mails.gone.insert("2:9".to_owned());
        let properties = vec![text(email::READ, "1"), text(email::SUBJECT, "subject")];
        mails.items.insert("2:1".to_owned(), Item { properties });
        device.collections.insert("2".to_owned(), mails);
        let before = device.clone();
        let packed = pack(&mut device);
        assert!(device.folders.is_empty() && device.collections.is_empty());
        unpack(&mut device, &packed);
        assert_eq!(device.versions, before.versions);
        assert_eq!(device.folders, before.folders);
        assert_eq!(device.collections, before.collections);
    }
}
