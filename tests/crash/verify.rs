//! The journal of what was acknowledged, and its comparison with the store.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use roost::store::{BlobId, Row, Scope, Store, keys};
use roost::work::block_on;

use crate::child::{Ack, DEVICE, INBOX, SCOPES, SYNCS, body, date, number, open};

/// What was acknowledged so far.
#[derive(Clone, Default)]
pub(crate) struct Journal {
    delivered: BTreeMap<(Scope, u32), u64>,
    synced: BTreeMap<Scope, (u64, u64)>,
    acks: usize,
    /// Bodies that were compared before: each is read again only if the journal is small.
    compared: BTreeSet<(Scope, u32)>,
}

impl Journal {
    /// From what a child said.
    pub(crate) fn of<'a>(lines: impl IntoIterator<Item = &'a str>) -> Self {
        let mut journal = Self::default();
        let acks = lines.into_iter().filter_map(Ack::parse);
        acks.for_each(|ack| journal.note(ack));
        journal
    }

    pub(crate) fn note(&mut self, ack: Ack) {
        self.acks += 1;
        match ack {
            Ack::Delivered { scope, item, seq } => {
                let before = self.delivered.insert((scope, item), seq);
                assert_eq!(before, None, "item {item} was delivered twice");
            }
            Ack::Synced { scope, count, seq } => {
                let last = self.synced.entry(scope).or_default();
                assert!(
                    count > last.0,
                    "sync {count} was acknowledged after {last:?}"
                );
                *last = (count, seq);
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.acks
    }

    /// Opens the store and compares everything.
    pub(crate) fn verify(&mut self, folder: &Path) {
        let store = open(folder).unwrap();
        for scope in SCOPES {
            self.verify_items(&store, scope);
            self.verify_sync(&store, scope);
            verify_log(&store, scope);
        }
    }

    /// Every acknowledged item is there under its number; every item there is whole.
    fn verify_items(&mut self, store: &Store, scope: Scope) {
        let items: BTreeMap<u32, Row> = all(store, keys::items(scope, INBOX))
            .into_iter()
            .map(|row| (keys::parse_item(&row.key).unwrap().item, row))
            .collect();
        for ((_, item), seq) in self.delivered.range((scope, 0)..=(scope, u32::MAX)) {
            assert_eq!(
                items.get(item).map(|row| row.version),
                Some(*seq),
                "item {item}"
            );
        }
        for (item, row) in &items {
            if self.compared.insert((scope, *item)) {
                let body = body(scope, *item);
                let id = BlobId(row.value().try_into().unwrap());
                let stored = block_on(store.get_blob(id, 0..u64::MAX)).unwrap();
                assert!(stored[..] == body[..], "the body of item {item}");
            }
        }
        let dates = all(store, keys::dates(scope, INBOX))
            .into_iter()
            .map(|row| {
                let key = keys::parse_date(&row.key).unwrap();
                assert_eq!(key.date_ms, date(key.item));
                (key.item, row.version)
            });
        let changes = all(store, keys::changes(scope, INBOX))
            .into_iter()
            .map(|row| {
                let key = keys::parse_change(&row.key).unwrap();
                (key.item, key.seq)
            });
        let versions: Vec<_> = items
            .iter()
            .map(|(item, row)| (*item, row.version))
            .collect();
        assert_eq!(dates.collect::<Vec<_>>(), versions, "the index by date");
        let mut changes: Vec<_> = changes.collect();
        changes.sort_unstable();
        assert_eq!(changes, versions, "the change log");
    }

    /// The device is at the last acknowledged sync or behind it, and no sync is lost or doubled.
    fn verify_sync(&self, store: &Store, scope: Scope) {
        let state = all(store, keys::syncs(scope, DEVICE));
        let count = state.first().map_or(0, |row| number(row.value()));
        let acked = self.synced.get(&scope).map_or(0, |last| last.0);
        assert!(
            count >= acked,
            "{count} syncs, but {acked} were acknowledged"
        );
        let log = all(store, keys::changes(scope, SYNCS));
        let numbers = log
            .iter()
            .map(|row| keys::parse_change(&row.key).unwrap().item);
        assert!(numbers.eq(1..=count as u32), "the syncs in the log");
    }
}

/// The log has every number up to the head, once.
fn verify_log(store: &Store, scope: Scope) {
    let seq = |row: &Row| keys::parse_change(&row.key).unwrap().seq;
    let mut seqs: Vec<_> = [INBOX, SYNCS]
        .into_iter()
        .flat_map(|folder| all(store, keys::changes(scope, folder)))
        .map(|row| seq(&row))
        .collect();
    seqs.sort_unstable();
    let head = block_on(store.head(scope)).unwrap().seq;
    assert!(
        seqs.iter().copied().eq(1..=head),
        "the numbers up to {head}"
    );
}

/// All rows of a span.
fn all(store: &Store, mut span: keys::Span) -> Vec<Row> {
    let mut rows = Vec::new();
    loop {
        let page = block_on(store.range(span.read(usize::MAX))).unwrap();
        let more = page.more;
        rows.extend(page.rows);
        match rows.last() {
            Some(last) if more => span = span.after(&last.key),
            _ => return rows,
        }
    }
}
