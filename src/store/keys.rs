//! Keys: one kind byte, then big-endian fields, so that the order of the bytes is the order of the
//! fields and every prefix is a range.
//!
//! | Kind | Fields | Value |
//! |---|---|---|
//! | `n` account name | name (folded) | scope |
//! | `a` account | scope | account record |
//! | `p` person | scope | what the account shows in the address list |
//! | `x` certificates | scope | the account's S/MIME certificates |
//! | `c` counter | scope, which | a number that only grows |
//! | `f` folder | scope, folder | folder record |
//! | `i` item | scope, folder, item | record of its class |
//! | `l` change | scope, folder, seq, item | what happened, by whom |
//! | `d` date | scope, folder, date, item | flags |
//! | `x` words | scope, folder, date and item (newest first) | the words of the item |
//! | `v` device | scope, device | device record |
//! | `w` device id | scope, id as the device spells it | device number |
//! | `s` sync | scope, device, folder | sync state; folder 0 is the hierarchy |
//! | `t` sent | scope, device, client's key | outcome |
//! | `r` delivered | scope, hash | item |
//! | `o` own | scope, name | what an account has beside its record |
//! | `m` notice | scope, name | what attendees are to be told |
//! | `q` queue | due, id | outgoing mail |
//! | `k` secret | name | keys of the appliance's own |
//! | `h` head | scope | [`Head`](super::Head), written by the engine |
//! | `b` blob | hash, chunk | written by the engine |
//!
//! Deliberately absent: what the values look like, and the newtypes of `mailbox`.

#[cfg(test)]
mod layout_tests;
mod notices;
mod words;

use super::{BlobId, Read, Scope, Seq, Write};

pub use notices::{all_notices, notice, notices, parse_notice};
pub use words::{parse_words, words, words_between, words_of};

/// The first byte of a key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Kind {
    /// Name of an account to its scope.
    Name = b'n',
    /// Account record.
    Account = b'a',
    /// What an account shows of itself.
    Person = b'p',
    /// S/MIME certificates of an account.
    Certificates = b'y',
    /// High-water mark of an allocator.
    Counter = b'c',
    /// Folder record.
    Folder = b'f',
    /// Item record.
    Item = b'i',
    /// Entry of the change log.
    Change = b'l',
    /// Index of items by date.
    Date = b'd',
    /// Search index: the words of an item.
    Words = b'x',
    /// Device record.
    Device = b'v',
    /// Device id to device number.
    DeviceId = b'w',
    /// Sync state of a device in a folder.
    Sync = b's',
    /// Outcome of a sent mail.
    Sent = b't',
    /// Item that a delivery became.
    Delivered = b'r',
    /// What an account has beside its record, by name.
    Own = b'o',
    /// What attendees of a meeting are to be told.
    Notice = b'm',
    /// Outgoing mail by due time.
    Queue = b'q',
    /// Keys of the appliance's own.
    Secret = b'k',
    /// Head of a scope: the engine's own.
    Head = b'h',
    /// Blob: the engine's own.
    Blob = b'b',
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 21] = [
        Self::Name,
        Self::Account,
        Self::Person,
        Self::Certificates,
        Self::Counter,
        Self::Folder,
        Self::Item,
        Self::Change,
        Self::Date,
        Self::Device,
        Self::DeviceId,
        Self::Sync,
        Self::Sent,
        Self::Delivered,
        Self::Own,
        Self::Queue,
        Self::Secret,
        Self::Head,
        Self::Blob,
        Self::Words,
        Self::Notice,
    ];

    /// The kind of `key`; `None` if its first byte is none of ours.
    #[must_use]
    pub fn of(key: &[u8]) -> Option<Self> {
        let first = *key.first()?;
        Self::ALL.into_iter().find(|kind| *kind as u8 == first)
    }
}

/// The scope that `key` belongs to: a batch may only name keys of its own.
///
/// `None` for what is no key, and for the kinds that only the engine writes.
#[must_use]
pub fn scope_of(key: &[u8]) -> Option<Scope> {
    match Kind::of(key)? {
        Kind::Name | Kind::Secret => Some(Scope::SYSTEM),
        Kind::Queue => Some(Scope::QUEUE),
        Kind::Head | Kind::Blob => None,
        _ => Some(Scope(Fields::after_kind(key).u64()?)),
    }
}

/// The part of `key` that all keys of its kind and scope begin with.
#[must_use]
pub(super) fn scope_prefix(key: &[u8]) -> &[u8] {
    let len = match Kind::of(key) {
        Some(Kind::Name | Kind::Queue | Kind::Secret) | None => 1,
        Some(_) => 9,
    };
    key.get(..len).unwrap_or(key)
}

/// The first key behind all keys that begin with `prefix`.
///
/// Empty (before everything, an empty range) for a prefix of nothing but `0xff`: no kind has it.
#[must_use]
pub fn prefix_end(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            break;
        }
    }
    end
}

/// The keys with `from <= key < to`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Span {
    /// First key, inclusive.
    pub from: Vec<u8>,
    /// Last key, exclusive.
    pub to: Vec<u8>,
}

impl Span {
    /// All keys that begin with `prefix`.
    #[must_use]
    pub fn prefix(prefix: Vec<u8>) -> Self {
        let to = prefix_end(&prefix);
        Self { from: prefix, to }
    }

    /// What remains of the span behind `key`: the next page upwards.
    #[must_use]
    pub fn after(mut self, key: &[u8]) -> Self {
        self.from.clear();
        self.from.extend_from_slice(key);
        self.from.push(0);
        self
    }

    /// What remains of the span before `key`: the next page downwards.
    #[must_use]
    pub fn before(mut self, key: &[u8]) -> Self {
        self.to.clear();
        self.to.extend_from_slice(key);
        self
    }

    /// At most `limit` rows, upwards.
    #[must_use]
    pub fn read(&self, limit: usize) -> Read<'_> {
        Read::Range {
            from: &self.from,
            to: &self.to,
            limit,
            reverse: false,
        }
    }

    /// At most `limit` rows, downwards from the high end.
    #[must_use]
    pub fn read_reverse(&self, limit: usize) -> Read<'_> {
        Read::Range {
            from: &self.from,
            to: &self.to,
            limit,
            reverse: true,
        }
    }

    /// Removes every row of the span.
    #[must_use]
    pub fn delete(self) -> Write {
        Write::DeleteRange(self.from, self.to)
    }
}

// ---- builders --------------------------------------------------------------------------------

/// A key under construction.
struct Key(Vec<u8>);

impl Key {
    fn new(kind: Kind) -> Self {
        let mut bytes = Vec::with_capacity(32);
        bytes.push(kind as u8);
        Self(bytes)
    }

    fn scoped(kind: Kind, scope: Scope) -> Self {
        Self::new(kind).u64(scope.0)
    }

    fn u32(self, field: u32) -> Self {
        self.bytes(&field.to_be_bytes())
    }

    fn u64(self, field: u64) -> Self {
        self.bytes(&field.to_be_bytes())
    }

    fn i64(self, field: i64) -> Self {
        self.u64(order_i64(field))
    }

    fn bytes(mut self, field: &[u8]) -> Self {
        self.0.extend_from_slice(field);
        self
    }
}

/// Maps an i64 to the u64 with the same order: the sign bit flipped.
#[must_use]
fn order_i64(n: i64) -> u64 {
    n.cast_unsigned() ^ (1 << 63)
}

/// The inverse of [`order_i64`].
#[must_use]
fn unorder_i64(n: u64) -> i64 {
    (n ^ (1 << 63)).cast_signed()
}

/// `n`: a log-in name, folded by the caller.
#[must_use]
pub fn account_name(name: &str) -> Vec<u8> {
    Key::new(Kind::Name).bytes(name.as_bytes()).0
}

/// All log-in names.
#[must_use]
pub fn account_names() -> Span {
    Span::prefix(Key::new(Kind::Name).0)
}

/// Keys of the appliance's own, by what they are for.
#[must_use]
pub fn secret(name: &str) -> Vec<u8> {
    Key::new(Kind::Secret).bytes(name.as_bytes()).0
}

/// `a`: the account record.
#[must_use]
pub fn account(scope: Scope) -> Vec<u8> {
    Key::scoped(Kind::Account, scope).0
}

/// All account records.
#[must_use]
pub fn accounts() -> Span {
    Span::prefix(Key::new(Kind::Account).0)
}

/// `p`: what an account shows of itself.
#[must_use]
pub fn person(scope: Scope) -> Vec<u8> {
    Key::scoped(Kind::Person, scope).0
}

/// `x`: the S/MIME certificates of an account.
#[must_use]
pub fn certificates(scope: Scope) -> Vec<u8> {
    Key::scoped(Kind::Certificates, scope).0
}

/// `c`: the counter `which` of a scope. For [`Write::Max`].
#[must_use]
pub fn counter(scope: Scope, which: u32) -> Vec<u8> {
    Key::scoped(Kind::Counter, scope).u32(which).0
}

/// `f`: a folder record.
#[must_use]
pub fn folder(scope: Scope, folder: u32) -> Vec<u8> {
    Key::scoped(Kind::Folder, scope).u32(folder).0
}

/// All folders of a scope.
#[must_use]
pub fn folders(scope: Scope) -> Span {
    Span::prefix(Key::scoped(Kind::Folder, scope).0)
}

/// `i`: an item record.
#[must_use]
pub fn item(scope: Scope, folder: u32, item: u32) -> Vec<u8> {
    Key::scoped(Kind::Item, scope).u32(folder).u32(item).0
}

/// All items of a folder, by number.
#[must_use]
pub fn items(scope: Scope, folder: u32) -> Span {
    Span::prefix(Key::scoped(Kind::Item, scope).u32(folder).0)
}

/// `l`: an entry of the change log.
#[must_use]
pub fn change(scope: Scope, folder: u32, seq: Seq, item: u32) -> Vec<u8> {
    let key = Key::scoped(Kind::Change, scope).u32(folder);
    key.u64(seq).u32(item).0
}

/// What stands before the number in a change-log key: [`LogEntry::prefix`](super::LogEntry).
#[must_use]
pub fn change_prefix(scope: Scope, folder: u32) -> Vec<u8> {
    Key::scoped(Kind::Change, scope).u32(folder).0
}

/// What stands behind the number in a change-log key: [`LogEntry::suffix`](super::LogEntry).
#[must_use]
pub fn change_suffix(item: u32) -> Vec<u8> {
    item.to_be_bytes().to_vec()
}

/// All changes of a folder, oldest first.
#[must_use]
pub fn changes(scope: Scope, folder: u32) -> Span {
    Span::prefix(change_prefix(scope, folder))
}

/// The changes of a folder behind the entry of (`seq`, `item`).
#[must_use]
pub fn changes_after(scope: Scope, folder: u32, seq: Seq, item: u32) -> Span {
    changes(scope, folder).after(&change(scope, folder, seq, item))
}

/// `d`: an item in the index by date (Unix milliseconds).
#[must_use]
pub fn date(scope: Scope, folder: u32, date_ms: i64, item: u32) -> Vec<u8> {
    let key = Key::scoped(Kind::Date, scope).u32(folder);
    key.i64(date_ms).u32(item).0
}

/// All items of a folder, oldest first.
#[must_use]
pub fn dates(scope: Scope, folder: u32) -> Span {
    Span::prefix(Key::scoped(Kind::Date, scope).u32(folder).0)
}

/// The items of a folder dated `from_ms` or later, oldest first.
#[must_use]
pub fn dates_since(scope: Scope, folder: u32, from_ms: i64) -> Span {
    Span {
        from: date(scope, folder, from_ms, 0),
        to: dates(scope, folder).to,
    }
}

/// `v`: a device record.
#[must_use]
pub fn device(scope: Scope, device: u32) -> Vec<u8> {
    Key::scoped(Kind::Device, scope).u32(device).0
}

/// All devices of a scope.
#[must_use]
pub fn devices(scope: Scope) -> Span {
    Span::prefix(Key::scoped(Kind::Device, scope).0)
}

/// `w`: the device id as the client spells it.
#[must_use]
pub fn device_id(scope: Scope, id: &str) -> Vec<u8> {
    Key::scoped(Kind::DeviceId, scope).bytes(id.as_bytes()).0
}

/// `s`: the sync state of a device in a folder; folder 0 is the hierarchy.
#[must_use]
pub fn sync(scope: Scope, device: u32, folder: u32) -> Vec<u8> {
    Key::scoped(Kind::Sync, scope).u32(device).u32(folder).0
}

/// `s`: a part of the sync state, which stands behind its head.
#[must_use]
pub fn sync_part(scope: Scope, device: u32, folder: u32, part: u16) -> Vec<u8> {
    let mut key = sync(scope, device, folder);
    key.extend_from_slice(&part.to_be_bytes());
    key
}

/// All sync states of a device.
#[must_use]
pub fn syncs(scope: Scope, device: u32) -> Span {
    Span::prefix(Key::scoped(Kind::Sync, scope).u32(device).0)
}

/// `t`: the outcome of a mail that a device sent under `key` (its ClientId, or a hash).
#[must_use]
pub fn sent(scope: Scope, device: u32, key: &[u8]) -> Vec<u8> {
    Key::scoped(Kind::Sent, scope).u32(device).bytes(key).0
}

/// All outcomes of a device's sent mails.
#[must_use]
pub fn sents(scope: Scope, device: u32) -> Span {
    Span::prefix(Key::scoped(Kind::Sent, scope).u32(device).0)
}

/// `r`: a delivered message, by a hash that a repeated delivery has again.
#[must_use]
pub fn delivered(scope: Scope, hash: &[u8]) -> Vec<u8> {
    Key::scoped(Kind::Delivered, scope).bytes(hash).0
}

/// All remembered deliveries of a scope.
#[must_use]
pub fn delivereds(scope: Scope) -> Span {
    Span::prefix(Key::scoped(Kind::Delivered, scope).0)
}

/// `o`: what an account has beside its record, by name.
#[must_use]
pub fn own(scope: Scope, name: &[u8]) -> Vec<u8> {
    Key::scoped(Kind::Own, scope).bytes(name).0
}

/// Everything that an account has beside its record.
#[must_use]
pub fn owns(scope: Scope) -> Span {
    Span::prefix(Key::scoped(Kind::Own, scope).0)
}

/// `q`: an outgoing mail, due at `due_ms` (Unix milliseconds).
#[must_use]
pub fn queue(due_ms: i64, id: u64) -> Vec<u8> {
    Key::new(Kind::Queue).i64(due_ms).u64(id).0
}

/// The whole queue, next due first.
#[must_use]
pub fn queued() -> Span {
    Span::prefix(Key::new(Kind::Queue).0)
}

/// What is due in the queue at `now_ms`.
#[must_use]
pub fn queued_until(now_ms: i64) -> Span {
    Span {
        from: Key::new(Kind::Queue).0,
        to: prefix_end(&Key::new(Kind::Queue).i64(now_ms).0),
    }
}

/// `h`: the head of a scope.
#[must_use]
pub fn head(scope: Scope) -> Vec<u8> {
    Key::scoped(Kind::Head, scope).0
}

/// `h` without a scope: the number of the latest group of commits.
#[must_use]
pub(super) fn commit_number() -> Vec<u8> {
    Key::new(Kind::Head).0
}

/// `b`: the length of a blob.
#[must_use]
pub(super) fn blob(id: BlobId) -> Vec<u8> {
    Key::new(Kind::Blob).bytes(&id.0).0
}

/// `b`: a chunk of a blob.
#[must_use]
pub(super) fn blob_chunk(id: BlobId, chunk: u32) -> Vec<u8> {
    Key::new(Kind::Blob).bytes(&id.0).u32(chunk).0
}

// ---- parsers ---------------------------------------------------------------------------------

/// The fields of a key, taken from the front.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn after_kind(key: &'a [u8]) -> Self {
        Self(key.get(1..).unwrap_or_default())
    }

    fn of(key: &'a [u8], kind: Kind) -> Option<Self> {
        (Kind::of(key)? == kind).then(|| Self::after_kind(key))
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*field)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    fn i64(&mut self) -> Option<i64> {
        self.u64().map(unorder_i64)
    }

    fn scope(&mut self) -> Option<Scope> {
        self.u64().map(Scope)
    }

    fn end(self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

/// The log-in name of an `n` key.
#[must_use]
pub fn parse_account_name(key: &[u8]) -> Option<&str> {
    std::str::from_utf8(Fields::of(key, Kind::Name)?.0).ok()
}

/// The scope of an `a` key.
#[must_use]
pub fn parse_account(key: &[u8]) -> Option<Scope> {
    let mut fields = Fields::of(key, Kind::Account)?;
    let scope = fields.scope()?;
    fields.end().map(|()| scope)
}

/// Scope and folder of an `f` key.
#[must_use]
pub fn parse_folder(key: &[u8]) -> Option<(Scope, u32)> {
    let mut fields = Fields::of(key, Kind::Folder)?;
    let parts = (fields.scope()?, fields.u32()?);
    fields.end().map(|()| parts)
}

/// The fields of an `i` key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ItemKey {
    /// Whose item.
    pub scope: Scope,
    /// Its folder.
    pub folder: u32,
    /// Its number.
    pub item: u32,
}

/// The fields of an `i` key.
#[must_use]
pub fn parse_item(key: &[u8]) -> Option<ItemKey> {
    let mut fields = Fields::of(key, Kind::Item)?;
    let parts = ItemKey {
        scope: fields.scope()?,
        folder: fields.u32()?,
        item: fields.u32()?,
    };
    fields.end().map(|()| parts)
}

/// The fields of an `l` key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ChangeKey {
    /// Whose item.
    pub scope: Scope,
    /// Its folder.
    pub folder: u32,
    /// The number of the commit.
    pub seq: Seq,
    /// The item that changed.
    pub item: u32,
}

/// The fields of an `l` key.
#[must_use]
pub fn parse_change(key: &[u8]) -> Option<ChangeKey> {
    let mut fields = Fields::of(key, Kind::Change)?;
    let parts = ChangeKey {
        scope: fields.scope()?,
        folder: fields.u32()?,
        seq: fields.u64()?,
        item: fields.u32()?,
    };
    fields.end().map(|()| parts)
}

/// The fields of a `d` key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DateKey {
    /// Whose item.
    pub scope: Scope,
    /// Its folder.
    pub folder: u32,
    /// Unix milliseconds.
    pub date_ms: i64,
    /// The item.
    pub item: u32,
}

/// The fields of a `d` key.
#[must_use]
pub fn parse_date(key: &[u8]) -> Option<DateKey> {
    let mut fields = Fields::of(key, Kind::Date)?;
    let parts = DateKey {
        scope: fields.scope()?,
        folder: fields.u32()?,
        date_ms: fields.i64()?,
        item: fields.u32()?,
    };
    fields.end().map(|()| parts)
}

/// Scope and number of a `v` key.
#[must_use]
pub fn parse_device(key: &[u8]) -> Option<(Scope, u32)> {
    let mut fields = Fields::of(key, Kind::Device)?;
    let parts = (fields.scope()?, fields.u32()?);
    fields.end().map(|()| parts)
}

/// Scope, device and folder of an `s` key.
#[must_use]
pub fn parse_sync(key: &[u8]) -> Option<(Scope, u32, u32)> {
    let mut fields = Fields::of(key, Kind::Sync)?;
    let parts = (fields.scope()?, fields.u32()?, fields.u32()?);
    fields.end().map(|()| parts)
}

/// Scope, device and client's key of a `t` key.
#[must_use]
pub fn parse_sent(key: &[u8]) -> Option<(Scope, u32, &[u8])> {
    let mut fields = Fields::of(key, Kind::Sent)?;
    Some((fields.scope()?, fields.u32()?, fields.0))
}

/// Scope and hash of an `r` key.
#[must_use]
pub fn parse_delivered(key: &[u8]) -> Option<(Scope, &[u8])> {
    let mut fields = Fields::of(key, Kind::Delivered)?;
    Some((fields.scope()?, fields.0))
}

/// Due time (Unix milliseconds) and id of a `q` key.
#[must_use]
pub fn parse_queue(key: &[u8]) -> Option<(i64, u64)> {
    let mut fields = Fields::of(key, Kind::Queue)?;
    let parts = (fields.i64()?, fields.u64()?);
    fields.end().map(|()| parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Scope = Scope(0x0102_0304_0506_0708);

    #[test]
    fn a_key_is_its_kind_and_its_fields_in_big_endian() {
        assert_eq!(
            item(S, 9, 10),
            [b'i', 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 9, 0, 0, 0, 10]
        );
    }

    #[test]
    fn what_is_built_is_parsed_again() {
        let parsed = parse_item(&item(S, 3, 4)).unwrap();
        assert_eq!((parsed.scope, parsed.folder, parsed.item), (S, 3, 4));
        let parsed = parse_change(&change(S, 3, 99, 4)).unwrap();
        assert_eq!((parsed.folder, parsed.seq, parsed.item), (3, 99, 4));
        let parsed = parse_date(&date(S, 3, -5, 4)).unwrap();
        assert_eq!((parsed.folder, parsed.date_ms, parsed.item), (3, -5, 4));
        assert_eq!(
            parse_account_name(&account_name("mike@ox.io")),
            Some("mike@ox.io")
        );
        assert_eq!(parse_account(&account(S)), Some(S));
        assert_eq!(parse_folder(&folder(S, 7)), Some((S, 7)));
        assert_eq!(parse_device(&device(S, 7)), Some((S, 7)));
        assert_eq!(parse_sync(&sync(S, 1, 2)), Some((S, 1, 2)));
        assert_eq!(parse_sent(&sent(S, 1, b"x")), Some((S, 1, &b"x"[..])));
        assert_eq!(parse_delivered(&delivered(S, b"x")), Some((S, &b"x"[..])));
        assert_eq!(parse_queue(&queue(-1, 8)), Some((-1, 8)));
    }

    #[test]
    fn a_key_cut_anywhere_or_of_another_kind_is_no_key() {
        let key = change(S, 3, 99, 4);
        for len in 0..key.len() {
            assert_eq!(parse_change(&key[..len]), None);
        }
        assert_eq!(parse_change(&[&key[..], &[0]].concat()), None);
        assert_eq!(parse_item(&key), None);
    }

    #[test]
    fn dates_sort_as_numbers() {
        let dates = [i64::MIN, -1_000, -1, 0, 1, 1_700_000_000_000, i64::MAX];
        let keys: Vec<_> = dates.iter().map(|d| date(S, 2, *d, 1)).collect();
        assert!(keys.is_sorted());
        assert_eq!(keys.len(), dates.len());
    }

    #[test]
    fn a_prefix_ends_where_the_next_begins() {
        let check = |prefix: &[u8], end: &[u8]| assert_eq!(prefix_end(prefix), end);
        check(b"a", b"b");
        check(&[1, 2, 0xff], &[1, 3]);
        check(&[1, 0xff, 0xff], &[2]);
        check(&[0xff], &[]);
    }

    #[test]
    fn a_folder_span_holds_its_items_and_no_others() {
        let span = items(S, 3);
        let holds = |key: Vec<u8>| span.from <= key && key < span.to;
        assert!(holds(item(S, 3, 0)) && holds(item(S, 3, u32::MAX)));
        assert!(!holds(item(S, 2, u32::MAX)) && !holds(item(S, 4, 0)));
    }

    #[test]
    fn changes_after_a_cursor_leave_the_cursor_out() {
        let span = changes_after(S, 3, 5, 7);
        let holds = |key: Vec<u8>| span.from <= key && key < span.to;
        assert!(!holds(change(S, 3, 5, 7)) && !holds(change(S, 3, 5, 6)));
        assert!(holds(change(S, 3, 5, 8)) && holds(change(S, 3, 6, 0)));
        assert!(!holds(change(S, 4, 6, 0)));
    }

    #[test]
    fn what_is_due_now_is_due() {
        let span = queued_until(50);
        let holds = |key: Vec<u8>| span.from <= key && key < span.to;
        assert!(holds(queue(-9, 1)) && holds(queue(50, u64::MAX)) && !holds(queue(51, 0)));
    }

    #[test]
    fn keys_know_their_scope() {
        assert_eq!(scope_of(&item(S, 1, 1)), Some(S));
        assert_eq!(scope_of(&account_name("a")), Some(Scope::SYSTEM));
        assert_eq!(scope_of(&queue(0, 1)), Some(Scope::QUEUE));
        assert_eq!(scope_of(&secret("tickets")), Some(Scope::SYSTEM));
        assert_eq!(scope_of(&head(S)), None);
        assert_eq!(scope_of(b"i\x00"), None);
        assert_eq!(scope_of(b"?"), None);
    }

    #[test]
    fn every_kind_has_its_own_byte() {
        for kind in Kind::ALL {
            assert_eq!(Kind::of(&[kind as u8]), Some(kind));
        }
        assert_eq!(Kind::of(b""), None);
    }
}
