//! What a group of waiting batches comes to, before anything is written.
//!
//! Pure: it reads the durable rows through a [`View`] and gives the rows to write. Each batch sees
//! the ones before it in the same group; a batch that fails leaves nothing behind.

use std::collections::{BTreeMap, HashMap};

use super::row::{VERSION_BYTES, stored_version, to_stored, within_kind};
use super::{Batch, Bytes, CommitError, Committed, Error, Head, Scope, Seq, Write, keys};
use crate::limits;

/// The durable rows, as stored: the version in front of the value.
pub(super) trait View {
    /// The row under this key.
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Error>;

    /// The keys with `from <= key < to`, the first `max` of them.
    fn keys(&self, from: &[u8], to: &[u8], max: usize) -> Result<Vec<Bytes>, Error>;
}

/// The final state of every row that a group touches; `None` removes it. One entry for each key,
/// because an engine does not order two writes of the same key within one write.
pub(super) type Changes = BTreeMap<Vec<u8>, Option<Bytes>>;

/// A group in the making.
pub(super) struct Plan<'a, V> {
    view: &'a V,
    changes: Changes,
    heads: HashMap<Scope, Head>,
}

impl<'a, V: View> Plan<'a, V> {
    /// An empty group upon these rows.
    pub(super) fn new(view: &'a V) -> Self {
        Self {
            view,
            changes: Changes::new(),
            heads: HashMap::new(),
        }
    }

    /// Adds a batch if its conditions hold.
    ///
    /// # Errors
    /// The outer one if the rows cannot be read: then the whole group is void.
    pub(super) fn add(&mut self, batch: &Batch) -> Result<Result<Committed, CommitError>, Error> {
        let head = self.head(batch.scope)?;
        if let Some(seq) = head.committed(batch.id) {
            return Ok(Ok(Committed { seq }));
        }
        for condition in &batch.conditions {
            let stored = self.get(condition.key())?;
            let version = stored.map(|row| stored_version(&row)).transpose()?;
            if !condition.holds(version) {
                return Ok(Err(CommitError::Conflict));
            }
        }
        if self.removes(batch)? > limits::DELETE_RANGE_ROWS_MAX {
            return Ok(Err(CommitError::TooLarge));
        }
        let head = head.next(batch.id);
        let seq = head.seq;
        for write in &batch.writes {
            self.write(write, seq)?;
        }
        for entry in &batch.log {
            self.put(entry.key(seq), seq, &entry.value);
        }
        self.heads.insert(batch.scope, head);
        Ok(Ok(Committed { seq }))
    }

    /// The rows to write; empty if no batch came through.
    pub(super) fn finish(mut self) -> Changes {
        for (scope, head) in std::mem::take(&mut self.heads) {
            self.put(keys::head(scope), head.seq, &head.encode());
        }
        self.changes
    }

    fn head(&self, scope: Scope) -> Result<Head, Error> {
        if let Some(head) = self.heads.get(&scope) {
            return Ok(head.clone());
        }
        let stored = self.view.get(&keys::head(scope))?;
        let decode = |row: Bytes| Head::decode(row.get(VERSION_BYTES..).unwrap_or_default());
        stored.map_or_else(|| Ok(Head::default()), decode)
    }

    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Error> {
        match self.changes.get(key) {
            Some(changed) => Ok(changed.clone()),
            None => self.view.get(key),
        }
    }

    /// How many rows the range deletions of a batch find.
    fn removes(&self, batch: &Batch) -> Result<usize, Error> {
        let mut rows = 0;
        for write in &batch.writes {
            if let Write::DeleteRange(from, to) = write {
                rows += self.standing(from, to)?.len();
            }
        }
        Ok(rows)
    }

    /// The keys that stand in a range, at most one more than a batch may remove.
    fn standing(&self, from: &[u8], to: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
        let Some((from, to)) = within_kind(from, to) else {
            return Ok(Vec::new());
        };
        let changed = || self.changes.range(from.clone()..to.clone());
        let max = limits::DELETE_RANGE_ROWS_MAX + 1 + changed().count();
        let durable = self.view.keys(&from, &to, max)?;
        let untouched = durable
            .iter()
            .filter(|key| !self.changes.contains_key(&key[..]));
        let put = changed().filter(|(_, row)| row.is_some());
        Ok(untouched
            .map(|key| key.to_vec())
            .chain(put.map(|(key, _)| key.clone()))
            .collect())
    }

    fn write(&mut self, write: &Write, seq: Seq) -> Result<(), Error> {
        match write {
            Write::Put(key, value) => self.put(key.clone(), seq, value),
            Write::Delete(key) => drop(self.changes.insert(key.clone(), None)),
            Write::DeleteRange(from, to) => {
                for key in self.standing(from, to)? {
                    self.changes.insert(key, None);
                }
            }
            Write::Max(key, n) => {
                let stored = self.get(key)?;
                let value = stored.as_deref().and_then(|row| row.get(VERSION_BYTES..));
                let stands = value.and_then(|value| value.try_into().ok());
                if stands
                    .map(u64::from_be_bytes)
                    .is_none_or(|stands| stands < *n)
                {
                    self.put(key.clone(), seq, &n.to_be_bytes());
                }
            }
        }
        Ok(())
    }

    fn put(&mut self, key: Vec<u8>, seq: Seq, value: &[u8]) {
        self.changes.insert(key, Some(to_stored(seq, value)));
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::{BatchId, Condition};
    use super::*;

    /// Durable rows in a map.
    #[derive(Clone, Default)]
    pub(in super::super) struct Rows(pub(in super::super) BTreeMap<Vec<u8>, Bytes>);

    impl View for Rows {
        fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Error> {
            Ok(self.0.get(key).cloned())
        }

        fn keys(&self, from: &[u8], to: &[u8], max: usize) -> Result<Vec<Bytes>, Error> {
            let rows = self.0.range(from.to_vec()..to.to_vec()).take(max);
            Ok(rows.map(|(key, _)| Bytes::new(key)).collect())
        }
    }

    impl Rows {
        /// Takes the changes over, as an engine would.
        pub(in super::super) fn apply(&mut self, changes: Changes) {
            for (key, row) in changes {
                match row {
                    Some(row) => drop(self.0.insert(key, row)),
                    None => drop(self.0.remove(&key)),
                }
            }
        }
    }

    const S: Scope = Scope(16);

    fn batch(id: u8, conditions: Vec<Condition>, writes: Vec<Write>) -> Batch {
        Batch {
            scope: S,
            id: BatchId([id; 16]),
            conditions,
            writes,
            log: Vec::new(),
            tell: Vec::new(),
        }
    }

    fn folder(n: u32) -> Vec<u8> {
        keys::folder(S, n)
    }

    fn put(n: u32) -> Write {
        Write::Put(folder(n), vec![1])
    }

    #[test]
    fn a_batch_sees_the_ones_before_it_in_the_group() {
        let rows = Rows::default();
        let mut plan = Plan::new(&rows);
        let absent = || vec![Condition::Absent(folder(1))];
        let equals = vec![Condition::Equals(folder(1), 1)];
        let first = plan.add(&batch(1, absent(), vec![put(1)]));
        assert_eq!(first, Ok(Ok(Committed { seq: 1 })));
        let second = plan.add(&batch(2, absent(), vec![put(2)]));
        assert_eq!(second, Ok(Err(CommitError::Conflict)));
        let third = plan.add(&batch(3, equals, vec![put(3)]));
        assert_eq!(third, Ok(Ok(Committed { seq: 2 })));
        let written: Vec<_> = plan.finish().into_keys().collect();
        assert_eq!(written, [folder(1), folder(3), keys::head(S)]);
    }

    #[test]
    fn a_batch_twice_in_a_group_is_applied_once() {
        let rows = Rows::default();
        let mut plan = Plan::new(&rows);
        for _ in 0..2 {
            let outcome = plan.add(&batch(1, vec![], vec![put(1)]));
            assert_eq!(outcome, Ok(Ok(Committed { seq: 1 })));
        }
        assert_eq!(plan.finish().len(), 2);
    }

    #[test]
    fn a_range_deletion_takes_durable_rows_and_new_ones() {
        let mut rows = Rows::default();
        let mut plan = Plan::new(&rows);
        plan.add(&batch(1, vec![], vec![put(1), put(2)]))
            .unwrap()
            .unwrap();
        let changes = plan.finish();
        rows.apply(changes);
        let mut plan = Plan::new(&rows);
        let delete = keys::folders(S).delete();
        let writes = vec![put(3), Write::Delete(folder(2)), delete, put(4)];
        plan.add(&batch(2, vec![], writes)).unwrap().unwrap();
        let changes = plan.finish();
        let state: Vec<_> = (1..=4).map(|n| changes[&folder(n)].is_some()).collect();
        assert_eq!(state, [false, false, false, true]);
    }

    #[test]
    fn a_group_without_a_commit_writes_nothing() {
        let rows = Rows::default();
        let mut plan = Plan::new(&rows);
        let never = vec![Condition::Equals(folder(1), 9)];
        assert!(plan.add(&batch(1, never, vec![put(1)])).unwrap().is_err());
        assert!(plan.finish().is_empty());
    }
}
